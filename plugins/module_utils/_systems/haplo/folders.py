# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches of Haplo as folders: a control file, and beside it the data files that it names.

A folder that lacks a file that its control file names is half a batch. It is not sent, as Haplo would import the half
and say nothing. A folder with a file that its control file does not name is not sent either, as Haplo would import
nothing of such a batch.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, as_sentence, first_of
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expand_path, name_of, path_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.control_file import (
    DEFAULT_ENTRY,
    ControlFile,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.dates import DatedName, parse_dated_name

DUPLICATE_LINK = "a link to a folder, whose batch would be imported under two names"
TOO_DEEP = "a folder in the folder of a batch"
MAX_SHOWN = 3  # names in a message


@dataclass(frozen=True)
class BatchFolder:
    """A folder that is a batch, or may be one; `files` are those in it except the control file.

    `name` is its name in the directory, and None for the directory itself. `dated` is the name with the date in it, if
    there is one. `problem` is why the folder cannot be imported, whatever is in it.
    """

    path: Path
    control: Path
    files: tuple[Path, ...] = ()
    name: str | None = None
    problem: str = ""
    dated: DatedName | None = None

    @property
    def own_name(self) -> str:
        """Its own name, however it was given."""
        return _own_name(self.path)

    @property
    def directory_name(self) -> str:
        """The name of the directory that it is in."""
        return _own_name(self.path.parent)

    def checked(self) -> BatchFolder:
        """Itself. Raises `BadInput` if it cannot be imported."""
        if self.problem:
            raise BadInput(self.problem)
        return self


@dataclass
class FoundFolders:
    """The batches of a directory, in the order of their names, and what was left out, by the reason.

    `doubtful` are folders with files that may be half a batch, or a batch whose control file has another name.
    """

    batches: list[BatchFolder] = field(default_factory=list)
    left_out: dict[str, list[Path]] = field(default_factory=dict)
    doubtful: list[Path] = field(default_factory=list)

    def leave_out(self, reason: str, *paths: Path) -> None:
        """Leave these out, for a reason."""
        if paths:
            self.left_out.setdefault(reason, []).extend(paths)


@dataclass(frozen=True)
class _FolderEntries:
    """What is in a folder and not hidden, in the order of names. A link to a folder is a folder."""

    files: list[Path]
    folders: list[Path]
    links: list[Path]  # the folders that are links
    broken: list[Path]  # the files that are links to nothing


def find_batches(directory: str, control_name: str) -> FoundFolders:
    """The batches of a directory: itself, and each folder in it, if there is a control file of that name in it.

    Hidden files and folders are ignored. Raises `BadInput` for a directory that cannot be read.
    """
    top, control = expand_path(directory), path_of(control_name)
    try:
        inside = _entries_of(top)
    except OSError as error:
        reason = _unreadable_message(directory, top, error)
        raise BadInput(f"directory cannot be imported, nothing was sent: {reason}") from error
    found = FoundFolders()
    _sort_folder(found, BatchFolder(top, top / control), inside)
    broken = [] if top / control in inside.files else inside.broken
    duplicates = _duplicate_links(top, inside.links)
    for path in sorted({*inside.folders, *broken}.difference(duplicates), key=os.fsencode):
        _sort_subfolder(found, path, control)
    found.leave_out(DUPLICATE_LINK, *duplicates)
    return found


def data_files_in(folder: BatchFolder, control: ControlFile) -> dict[str, str]:
    """The data files in a folder by their names in the control file, in the order of their own names.

    The control file has a file's own name, or the name without what follows the last dot. Raises `BadInput` for a
    folder of which Haplo would import nothing, or only one of two files.
    """
    files: dict[str, Path] = {}
    for path in folder.files:
        name = _name_in(control, path)
        if name in files:
            both = shown_names([files[name], path])
            problem = f"{both} would both be {name!r} of the control file; Haplo would import only one"
            raise _folder_error(folder, problem)
        files[name] = path
    if not files:
        raise _folder_error(folder, f"there is no data file beside {control.content.name}")
    unknown = [path for name, path in files.items() if name not in control.files]
    if unknown and DEFAULT_ENTRY not in control.files:
        names = f"{control.content.name} names {', '.join(map(repr, control.files)) or 'none'}"
        problem = f"{names}, and not {shown_names(unknown)}; with that in it, Haplo would import nothing of it"
        raise _folder_error(folder, problem)
    return {name: name_of(path) for name, path in files.items()}


def shown_names(paths: Sequence[Path]) -> str:
    """The names of the first of these paths, for a message."""
    return first_of([_plain(Path(path.name)) for path in paths], MAX_SHOWN)


def _sort_subfolder(found: FoundFolders, path: Path, control: Path) -> None:
    """Add a folder in the directory to the batches, or to what is left out."""
    name = name_of(Path(path.name))
    folder = BatchFolder(path, path / control, name=name)
    try:
        folder = replace(folder, dated=parse_dated_name(name))
    except BadInput as error:
        folder = replace(folder, problem=f"{_plain(path)}: {error.message}")
    try:
        inside = _entries_of(path)
    except OSError as error:
        found.batches.append(replace(folder, problem=_unreadable_message(name_of(path), path, error)))
    else:
        _sort_folder(found, folder, inside)


def _duplicate_links(top: Path, links: list[Path]) -> list[Path]:
    """The links whose batch is in the directory and not hidden, or that lead where another link leads.

    Of the links to one place, one with a date in its name is kept, so that it is the state of its feed.
    """
    here = Path(os.path.realpath(top))
    duplicates: list[Path] = []
    known: set[Path] = set()
    for path in sorted(links, key=_is_undated):
        place = Path(os.path.realpath(path))
        if place in known or _is_visible_in(here, place):
            duplicates.append(path)
        known.add(place)
    return duplicates


def _is_undated(path: Path) -> bool:
    try:
        return parse_dated_name(name_of(Path(path.name))) is None
    except BadInput:
        return True


def _is_visible_in(folder: Path, place: Path) -> bool:
    """Whether a path is the folder itself, or something in it that is not hidden."""
    if folder != place and folder not in place.parents:
        return False
    return not "".join(place.relative_to(folder).parts[:1]).startswith(".")


def _sort_folder(found: FoundFolders, folder: BatchFolder, inside: _FolderEntries) -> None:
    """Add a folder to the batches, or to what is left out."""
    if folder.control in inside.files:
        data = tuple(path for path in inside.files if path != folder.control)
        found.batches.append(replace(folder, files=data))
        if folder.name is not None:
            found.leave_out(TOO_DEEP, *inside.folders)
    elif inside.files or folder.name is not None:
        found.leave_out(f"no {folder.control.name} in it", folder.path)
        if inside.files and folder.name is not None:
            found.doubtful.append(folder.path)


def _entries_of(folder: Path) -> _FolderEntries:
    listing = _FolderEntries([], [], [], [])
    with os.scandir(folder) as entries:  # it knows what they are without a call for each
        for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name)):
            if entry.name.startswith("."):
                continue
            path, is_link = folder / entry.name, entry.is_symlink()
            is_broken = is_link and _is_broken(entry)
            is_folder = not is_broken and entry.is_dir()
            (listing.folders if is_folder else listing.files).append(path)
            if is_broken or (is_folder and is_link):
                (listing.broken if is_broken else listing.links).append(path)
    return listing


def _is_broken(link: os.DirEntry[str]) -> bool:
    """Whether it cannot be found out what a link leads to."""
    try:
        link.stat()
    except OSError:
        return True
    return False


def _unreadable_message(name: str, folder: Path, error: OSError) -> str:
    """Why a folder cannot be read, and what to do."""
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import host_and_user, why_unreadable

    if isinstance(error, NotADirectoryError) and folder.exists():
        return f"{_plain(folder)} is a file, and no folder with the files of a batch in it."
    reason = as_sentence(f"{_plain(folder)}: {why_unreadable(name, folder, error)}")
    return f"{reason} It was looked for {host_and_user()}."


def _own_name(path: Path) -> str:
    named = path if path.name not in ("", "..") else path.resolve()
    return name_of(Path(named.name))


def _name_in(control: ControlFile, path: Path) -> str:
    name = name_of(Path(path.name))
    return name if name in control.files else name.rpartition(".")[0] or name


def _folder_error(folder: BatchFolder, problem: str) -> BadInput:
    return BadInput(f"{_plain(folder.path)}: {as_sentence(problem)}")


def _plain(path: Path) -> str:
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import one_line_path

    return one_line_path(path)
