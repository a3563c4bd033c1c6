# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the logs in folders: which they are, the oldest first, and what was left out.

A folder that cannot be searched is an error, and never a folder without logs. Nor does a log slip through where a
rotation renames it while folders are listed: they are listed until two listings in a row agree.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expanded, name_of
from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import (
    plain,
    where,
    why_not,
    why_not_regular,
)

LISTINGS = 5  # after so many that all differ from each other it is no rotation
LONGEST_NUMBER = 5  # digits of a rotated log's number; what is longer is a date or a time


@dataclass(frozen=True)
class Search:
    """Where logs are looked for, and which files are logs.

    `patterns` and `excludes` are of names; `excludes` of folders, too. Ages are in seconds since the last change.
    `archive` is not searched.
    """

    paths: tuple[str, ...]
    patterns: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    recurse: bool = False
    min_age: int = 0
    max_age: int | None = None
    archive: Path | None = None


@dataclass(frozen=True)
class Found:
    """The logs, the oldest first, and the files and folders that matched and were left out, by the reason."""

    contents: list[Content]
    left_out: Mapping[str, list[Path]]


def find_logs(search: Search) -> Found:
    """The logs in these folders. Raises `BadInput` where a folder cannot be searched, or a log cannot be imported."""
    now = time.time()
    listing = _listed(search, now)
    for _unused in range(LISTINGS):
        contents, error = _opened(listing)
        again = _listed(search, now)
        if again.seen == listing.seen:
            if error is not None:
                raise error
            return Found(contents, listing.left_out)
        listing = again
    raise BadInput(
        f"Each time that {', '.join(search.paths)} was listed there were other logs; nothing was sent. Import them when"
        " they are at rest, with min_age if need be."
    )


def _opened(listing: _Listing) -> tuple[list[Content], BadInput | None]:
    if listing.problems:
        what = sentence(f"paths cannot be searched, nothing was sent: {'; '.join(listing.problems)}")
        return [], BadInput(f"{what} It was looked for {where()}.")
    try:
        return open_contents([name_of(path) for path in listing.oldest_first()], "paths"), None
    except BadInput as error:
        return [], error


@dataclass
class _Listing:
    """What is in the folders: logs with what tells one from another, what is left out by reason, and problems."""

    search: Search
    now: float
    logs: dict[Path, os.stat_result] = field(default_factory=dict)
    left_out: dict[str, list[Path]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    folders: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        archive = self.search.archive
        self.archive = _identity(archive.stat()) if archive is not None and archive.is_dir() else None

    @property
    def seen(self) -> tuple[Any, ...]:
        """What is the same in two listings between which nothing was renamed."""
        return {path: _identity(log) for path, log in self.logs.items()}, self.problems

    def oldest_first(self) -> list[Path]:
        return sorted(self.logs, key=lambda path: (self.logs[path].st_mtime_ns, _rotation(path.name), str(path)))

    def enter(self, folder: Path, name: str) -> None:
        """List a folder, once: paths may lead to the same one."""
        try:
            status = folder.stat()
            if not stat.S_ISDIR(status.st_mode):
                self.problems.append(f"{plain(folder)}: that is no folder; name logs themselves in src")
            elif _identity(status) == self.archive and name in self.search.paths:
                self.problems.append(
                    f"{plain(folder)}: that is the archive, where all that it holds would be found again"
                )
            elif _identity(status) == self.archive:
                self.leave_out(folder, "the archive")
            elif _identity(status) not in self.folders:
                self.folders.add(_identity(status))
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
                for entry in found:
                    self.judge(entry)
        except OSError as error:
            self.problems.append(f"{plain(folder)}: {why_not(name, folder, error)}")
        except ValueError as error:  # no folder can have that name
            self.problems.append(f"{plain(folder)}: {error}")

    def judge(self, entry: os.DirEntry[str]) -> None:
        """Take what is a log, and go into what is a folder."""
        path, name = Path(entry.path), name_of(Path(entry.name))
        excluded = next((pattern for pattern in self.search.excludes if fnmatchcase(name, pattern)), None)
        is_folder = entry.is_dir(follow_symlinks=False)
        if not (self.search.recurse if is_folder else self._matches(name)):
            return
        if excluded is not None:
            self.leave_out(path, f"excluded by {excluded}")
        elif is_folder:
            self.enter(path, name_of(path))
        else:
            self._weigh(path, entry)

    def leave_out(self, path: Path, reason: str) -> None:
        self.left_out.setdefault(reason, []).append(path)

    def _matches(self, name: str) -> bool:
        """As in a shell, a wildcard takes no hidden file."""
        patterns = (one for one in self.search.patterns if name[:1] != "." or one[:1] == ".")
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    def _weigh(self, path: Path, entry: os.DirEntry[str]) -> None:
        try:
            status = path.stat()
        except FileNotFoundError as error:
            if entry.is_symlink():
                self.problems.append(f"{plain(path)}: {why_not(name_of(path), path, error)}")
            return  # anything else was renamed or removed just now, as the next listing shows
        except OSError as error:
            self.problems.append(f"{plain(path)}: {why_not(name_of(path), path, error)}")
            return
        reason = self._reason_against(status)
        if reason:
            self.leave_out(path, reason)
        else:
            self.logs[path] = status

    def _reason_against(self, status: os.stat_result) -> str:
        age, least, most = self.now - status.st_mtime, self.search.min_age, self.search.max_age
        if not stat.S_ISREG(status.st_mode):
            return why_not_regular(status.st_mode).partition(";")[0]
        if not status.st_size:
            return "empty"
        if least and age < least:
            return f"written to less than {least} s ago"
        if most is not None and age > most:
            return f"not written to for more than {most} s"
        return ""


def _listed(search: Search, now: float) -> _Listing:
    listing = _Listing(search, now)
    for name in search.paths:
        listing.enter(expanded(name), name)
    return listing


def _identity(status: os.stat_result) -> tuple[int, int]:
    """What is another for any other file."""
    return status.st_dev, status.st_ino


def _rotation(name: str) -> list[Any]:
    """What sorts logs of equal age, as those of a fresh copy: the higher its number, the older a log; not so dates."""
    parts: list[Any] = re.split(r"([0-9]+)", name)
    for place in range(1, len(parts), 2):
        number = int(parts[place])
        parts[place] = -number if len(parts[place]) <= LONGEST_NUMBER else number
    return parts
