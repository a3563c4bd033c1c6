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
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expanded, name_of, path_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import ANY_NAME, ControlFile

A_LINK = "a link to a folder, whose batch would be imported under two names"
TOO_DEEP = "a folder in the folder of a batch"
TOLD = 3  # names, so many of which stand in a message


@dataclass(frozen=True)
class BatchFolder:
    """A folder that is a batch, with the files in it but the control file; or one of which nobody can tell.

    `name` tells it from the others beside it; it is None for the directory that was asked for. `problem` is why the
    folder cannot be read.
    """

    path: Path
    control: Path
    files: tuple[Path, ...] = ()
    name: str | None = None
    problem: str = ""

    def readable(self) -> BatchFolder:
        """Itself. Raises `BadInput` for one that cannot be read."""
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
    """What is in a folder and not hidden, in the order of the names."""

    files: list[Path]
    folders: list[Path]
    links: list[Path]  # to folders


def find_batches(directory: str, control_name: str) -> Found:
    """The batches there: the directory itself, and each folder in it, if it has a control file of that name in it.

    What is hidden is passed over. Raises `BadInput` for a directory that cannot be read.
    """
    top, control = expanded(directory), path_of(control_name)
    try:
        inside = _listed(top)
    except OSError as error:
        raise BadInput(f"directory cannot be imported, nothing was sent: {_why_not(directory, top, error)}") from error
    found = Found()
    _judge(found, BatchFolder(top, top / control), inside)
    for folder in inside.folders:
        name = name_of(Path(folder.name))
        try:
            below = _listed(folder)
        except OSError as error:
            problem = _why_not(name_of(folder), folder, error)
            found.batches.append(BatchFolder(folder, folder / control, name=name, problem=problem))
            continue
        _judge(found, BatchFolder(folder, folder / control, name=name), below)
    found.leave_out(A_LINK, *inside.links)
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


def _judge(found: Found, folder: BatchFolder, inside: _Listing) -> None:
    """Put a folder to the batches, or to what is left out."""
    if folder.control in inside.files:
        data = tuple(path for path in inside.files if path != folder.control)
        found.batches.append(BatchFolder(folder.path, folder.control, data, folder.name))
        if folder.name is not None:
            found.leave_out(TOO_DEEP, *inside.folders, *inside.links)
    elif inside.files or folder.name is not None:
        found.leave_out(f"no {folder.control.name} in it", folder.path)
        if inside.files and folder.name is not None:
            found.doubtful.append(folder.path)


def _listed(folder: Path) -> _Listing:
    listing = _Listing([], [], [])
    for path in sorted(folder.iterdir(), key=os.fsencode):
        if path.name.startswith("."):
            continue
        kind = listing.files if not path.is_dir() else listing.links if path.is_symlink() else listing.folders
        kind.append(path)
    return listing


def _why_not(name: str, folder: Path, error: OSError) -> str:
    """Why a folder cannot be read, and what to do."""
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import where, why_not

    if isinstance(error, NotADirectoryError) and folder.exists():
        return f"{_told(folder)} is a file, and no folder with the files of a batch in it."
    return f"{sentence(f'{_told(folder)}: {why_not(name, folder, error)}')} It was looked for {where()}."


def _name_in(control: ControlFile, path: Path) -> str:
    name = name_of(Path(path.name))
    return name if name in control.files else name.rpartition(".")[0] or name


def _more(items: Sequence[object]) -> str:
    return f" and {len(items) - TOLD} more" if len(items) > TOLD else ""


def _bad(folder: BatchFolder, problem: str) -> BadInput:
    return BadInput(f"{_told(folder.path)}: {sentence(problem)}")


def _told(path: Path) -> str:
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import plain

    return plain(path)
