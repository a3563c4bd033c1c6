# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches of Haplo as folders: a control file, and beside it the data files that it names.

A folder that lacks what its control file names is half a batch, and not sent: Haplo would import the half and say
nothing. So is one with a file that the control file does not name: of such a batch, Haplo imports nothing.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expand_path, name_of, path_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import ANY_NAME, ControlFile
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_dates import Dated, dated

A_LINK = "a link to a folder, whose batch would be imported under two names"
TOO_DEEP = "a folder in the folder of a batch"
TOLD = 3  # names, so many of which stand in a message


@dataclass(frozen=True)
class BatchFolder:
    """A folder that is a batch, with the files in it but the control file; or one of which nobody can tell.

    `name` tells it from the others beside it; it is None for the directory that was asked for. `dated` is what a date
    in that name says. `problem` is why the folder cannot be imported, whatever is in it.
    """

    path: Path
    control: Path
    files: tuple[Path, ...] = ()
    name: str | None = None
    problem: str = ""
    dated: Dated | None = None

    @property
    def own_name(self) -> str:
        """What it is called, however it was asked for."""
        return _own_name(self.path)

    @property
    def directory_name(self) -> str:
        """What the directory is called that it is in."""
        return _own_name(self.path.parent)

    def readable(self) -> BatchFolder:
        """Itself. Raises `BadInput` for one that cannot be imported."""
        if self.problem:
            raise BadInput(self.problem)
        return self


@dataclass
class Found:
    """The batches of a directory, in the order of their names, and what else is there, by why it is none.

    `doubtful` are folders with files that may be half a batch, or one whose control file is called otherwise.
    """

    batches: list[BatchFolder] = field(default_factory=list)
    left_out: dict[str, list[Path]] = field(default_factory=dict)
    doubtful: list[Path] = field(default_factory=list)

    def leave_out(self, reason: str, *paths: Path) -> None:
        """Take note that these are no batches."""
        if paths:
            self.left_out.setdefault(reason, []).extend(paths)


@dataclass(frozen=True)
class _Listing:
    """What is in a folder and not hidden, in the order of the names; a link to a folder is a folder."""

    files: list[Path]
    folders: list[Path]
    links: list[Path]  # those of the folders that are some
    broken: list[Path]  # those of the files that are links to nothing


def find_batches(directory: str, control_name: str) -> Found:
    """The batches there: the directory itself, and each folder in it, if it has a control file of that name in it.

    What is hidden is passed over. Raises `BadInput` for a directory that cannot be read.
    """
    top, control = expand_path(directory), path_of(control_name)
    try:
        inside = _listed(top)
    except OSError as error:
        raise BadInput(f"directory cannot be imported, nothing was sent: {_why_not(directory, top, error)}") from error
    found = Found()
    _judge(found, BatchFolder(top, top / control), inside)
    broken = [] if top / control in inside.files else inside.broken
    doubles = _doubles(top, inside.links)
    for path in sorted({*inside.folders, *broken}.difference(doubles), key=os.fsencode):
        _judge_one_of_several(found, path, control)
    found.leave_out(A_LINK, *doubles)
    return found


def sources_in(folder: BatchFolder, control: ControlFile) -> dict[str, str]:
    """The data files in there, by the names that the control file has for them, in the order of their own.

    A file is called by its own name, or else without what is behind the last dot. Raises `BadInput` for a folder with
    which Haplo would import nothing, or only one of two files.
    """
    files: dict[str, Path] = {}
    for path in folder.files:
        name = _name_in(control, path)
        if name in files:
            both = some([files[name], path])
            raise _bad(folder, f"{both} would both be {name!r} of the control file; Haplo would import only one")
        files[name] = path
    if not files:
        raise _bad(folder, f"there is no data file beside {control.content.name}")
    unknown = [path for name, path in files.items() if name not in control.files]
    if unknown and ANY_NAME not in control.files:
        names = f"{control.content.name} names {', '.join(map(repr, control.files)) or 'none'}"
        raise _bad(folder, f"{names}, and not {some(unknown)}; with that in it, Haplo would import nothing of it")
    return {name: name_of(path) for name, path in files.items()}


def some(paths: Sequence[Path]) -> str:
    """The first few of these, by their names, for people."""
    return ", ".join(_told(Path(path.name)) for path in paths[:TOLD]) + _more(paths)


def _judge_one_of_several(found: Found, path: Path, control: Path) -> None:
    """Put a folder in the directory to the batches, or to what is left out."""
    name = name_of(Path(path.name))
    folder = BatchFolder(path, path / control, name=name)
    try:
        folder = replace(folder, dated=dated(name))
    except BadInput as error:
        folder = replace(folder, problem=f"{_told(path)}: {error.message}")
    try:
        inside = _listed(path)
    except OSError as error:
        found.batches.append(replace(folder, problem=_why_not(name_of(path), path, error)))
    else:
        _judge(found, folder, inside)


def _doubles(top: Path, links: list[Path]) -> list[Path]:
    """Those of the links whose batch has another name: in the directory, unless hidden there, or by another link.

    Of the links to one place, one with a date in its name stays, so that it is the state of its feed.
    """
    here = Path(os.path.realpath(top))
    doubles: list[Path] = []
    known: set[Path] = set()
    for path in sorted(links, key=_is_undated):
        place = Path(os.path.realpath(path))
        if place in known or _is_seen_from(here, place):
            doubles.append(path)
        known.add(place)
    return doubles


def _is_undated(path: Path) -> bool:
    try:
        return dated(name_of(Path(path.name))) is None
    except BadInput:
        return True


def _is_seen_from(folder: Path, place: Path) -> bool:
    """Whether it is the folder itself, or something in it that is not hidden there."""
    if folder != place and folder not in place.parents:
        return False
    return not "".join(place.relative_to(folder).parts[:1]).startswith(".")


def _judge(found: Found, folder: BatchFolder, inside: _Listing) -> None:
    """Put a folder to the batches, or to what is left out."""
    if folder.control in inside.files:
        data = tuple(path for path in inside.files if path != folder.control)
        found.batches.append(replace(folder, files=data))
        if folder.name is not None:
            found.leave_out(TOO_DEEP, *inside.folders)
    elif inside.files or folder.name is not None:
        found.leave_out(f"no {folder.control.name} in it", folder.path)
        if inside.files and folder.name is not None:
            found.doubtful.append(folder.path)


def _listed(folder: Path) -> _Listing:
    listing = _Listing([], [], [], [])
    with os.scandir(folder) as entries:  # it tells what they are without asking for each
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
    """Whether nobody here can tell what it leads to."""
    try:
        link.stat()
    except OSError:
        return True
    return False


def _why_not(name: str, folder: Path, error: OSError) -> str:
    """Why a folder cannot be read, and what to do."""
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import host_and_user, why_unreadable

    if isinstance(error, NotADirectoryError) and folder.exists():
        return f"{_told(folder)} is a file, and no folder with the files of a batch in it."
    return (
        f"{as_sentence(f'{_told(folder)}: {why_unreadable(name, folder, error)}')} It was looked for {host_and_user()}."
    )


def _own_name(path: Path) -> str:
    named = path if path.name not in ("", "..") else path.resolve()
    return name_of(Path(named.name))


def _name_in(control: ControlFile, path: Path) -> str:
    name = name_of(Path(path.name))
    return name if name in control.files else name.rpartition(".")[0] or name


def _more(items: Sequence[object]) -> str:
    return f" and {len(items) - TOLD} more" if len(items) > TOLD else ""


def _bad(folder: BatchFolder, problem: str) -> BadInput:
    return BadInput(f"{_told(folder.path)}: {as_sentence(problem)}")


def _told(path: Path) -> str:
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import one_line_path

    return one_line_path(path)
