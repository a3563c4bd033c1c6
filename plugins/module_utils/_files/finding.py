# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the logs in folders, the oldest first, and what was left out.

A folder that cannot be searched is an error, and does not count as a folder without logs. A rotation may rename a log
while folders are listed, so they are listed until two listings in a row agree. A file that is named like a rotated log
but matches no pattern is reported, since the patterns may be wrong.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import (
    ABANDONED,
    expand_path,
    name_of,
    original_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import (
    host_and_user,
    one_line_path,
    why_not_regular,
    why_unreadable,
)

LISTINGS = 5  # if so many differ from each other, it is not a rotation
LONGEST_NUMBER = 5  # digits in the number of a rotated log; a longer number is a date or a time
COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst", ".Z", ".lzma", ".lz4", ".7z")

# A log's ending. A rotated log has something after it (debug.log.1, DEBUG.LOG-20261124, report.rl.old, isv.dlog.1.gz),
# or a number or a date before it (debug.1.log, vendor-20261124.log), as logrotate and license managers do it.
LOG_NAME = re.compile(r".+\.(?:d?log|rl)([._-].*)?", re.IGNORECASE | re.DOTALL)
ROTATION_NUMBER = re.compile(r"(?:\.\d+|\d{6}[\dT_.-]*|\d{4}[_.-]\d\d[\dT_.-]*)\.[a-z]+\Z", re.IGNORECASE)
DATE = re.compile(r"(\d{4})[_.-](\d\d)[_.-](\d\d)")

NO_PATTERN = "called like a rotated log, but taken by none of the patterns"
IS_LIVE = "called like a log that is still written to, and taken by none of the patterns"
TO_NOTHING = "a link to nothing that is called like a log"
LINKED_FOLDER = "a link to a folder, which is not followed"
NOT_SEARCHED = "a folder, which is searched with recurse only"
SET_ASIDE = f"set aside to be put away by another run less than {ABANDONED:.0f} s ago"


@dataclass(frozen=True)
class Search:
    """Where to search for logs, and which files are logs.

    `patterns` and `excludes` match names; `excludes` match folders, too. Ages are in seconds since the last change.
    `archive` is not searched unless it is one of `paths`; with `fills_archive` that is an error, since logs go there.
    """

    paths: tuple[str, ...]
    patterns: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    recurse: bool = False
    min_age: int = 0
    max_age: int | None = None
    archive: Path | None = None
    fills_archive: bool = False


@dataclass(frozen=True)
class Found:
    """The logs, the oldest first, and the files and folders that were left out, by the reason: one may be missing.

    `passed_over` is left out every night on purpose. It matters only if there is no log at all.
    """

    contents: list[Content]
    left_out: Mapping[str, list[Path]]
    passed_over: Mapping[str, list[Path]]


def find_logs(search: Search) -> Found:
    """The logs in these folders. Raises `BadInput` if a folder cannot be searched, or a log cannot be imported."""
    now = time.time()
    listing = _list_folders(search, now)
    for _unused in range(LISTINGS):
        contents, error = _open_logs(listing)
        again = _list_folders(search, now)
        if again.seen == listing.seen:
            if error is not None:
                raise error
            return Found(listing.at_rest(contents), listing.left_out, listing.passed_over)
        listing = again
    raise BadInput(
        f"Each time that {', '.join(search.paths)} was listed there were other logs; nothing was sent. Import them when"
        " they are at rest, with min_age if need be."
    )


def _open_logs(listing: _Listing) -> tuple[list[Content], BadInput | None]:
    if listing.problems:
        what = as_sentence(f"paths cannot be searched, nothing was sent: {'; '.join(listing.problems)}")
        return [], BadInput(f"{what} It was looked for {host_and_user()}.")
    try:
        return open_contents([name_of(path) for path in listing.oldest_first()], "paths"), None
    except BadInput as error:
        return [], error


@dataclass
class _Listing:
    """What is in the folders: the logs, what is left out by the reason, and problems."""

    search: Search
    now: float
    logs: dict[Path, os.stat_result] = field(default_factory=dict)
    left_out: dict[str, list[Path]] = field(default_factory=dict)
    passed_over: dict[str, list[Path]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    folders: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        archive = self.search.archive
        self.archive = _identity(archive.stat()) if archive is not None and archive.is_dir() else None

    @property
    def seen(self) -> tuple[Any, ...]:
        """What is equal in two listings if nothing was renamed between them."""
        return {path: _identity(log) for path, log in self.logs.items()}, self.problems

    def oldest_first(self) -> list[Path]:
        return sorted(
            self.logs,
            key=lambda path: (self.logs[path].st_mtime_ns, _rotation_key(original_name(path.name)), str(path)),
        )

    def at_rest(self, contents: list[Content]) -> list[Content]:
        """Those that were not written to between the listing and their opening."""
        resting = []
        for content in contents:
            if self._is_young(content.fingerprint.mtime_ns / 1e9):
                self.leave_out(Path(content.path), self._too_young)
            else:
                resting.append(content)
        return resting

    def add_folder(self, folder: Path, name: str) -> None:
        """List a folder, but only once: several paths may lead to it."""
        try:
            status = folder.stat()
            if not stat.S_ISDIR(status.st_mode):
                self.problems.append(f"{one_line_path(folder)}: that is no folder; name logs themselves in src")
            elif _identity(status) == self.archive and name not in self.search.paths:
                self.leave_out(folder, "the archive")
            elif _identity(status) == self.archive and self.search.fills_archive:
                self.problems.append(
                    f"{one_line_path(folder)}: that is the archive, where all that it holds would be found again"
                )
            elif _identity(status) not in self.folders:
                self.folders.add(_identity(status))
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
                for entry in found:
                    self.add_entry(entry)
        except OSError as error:
            self.problems.append(f"{one_line_path(folder)}: {why_unreadable(name, folder, error)}")
        except ValueError as error:  # a folder cannot have this name
            self.problems.append(f"{one_line_path(folder)}: {error}")

    def add_entry(self, entry: os.DirEntry[str]) -> None:
        """Add a log, go into a folder, and note anything else that may have been meant."""
        path, name = Path(entry.path), original_name(name_of(Path(entry.name)))
        excluded = next((pattern for pattern in self.search.excludes if fnmatchcase(name, pattern)), None)
        is_folder = entry.is_dir(follow_symlinks=False)
        is_wanted = self.search.recurse if is_folder else self._matches(name)
        if not is_wanted:
            self._pass_over(path, entry, name, excluded)
        elif excluded is not None:
            self.leave_out(path, _exclusion(excluded))
        elif is_folder:
            self.add_folder(path, name_of(path))
        else:
            self._add_log(path, entry)

    def leave_out(self, path: Path, reason: str) -> None:
        self.left_out.setdefault(reason, []).append(path)

    def _matches(self, name: str) -> bool:
        """Whether a name matches a pattern. As in a shell, a wildcard matches no hidden file."""
        patterns = (one for one in self.search.patterns if name[:1] != "." or one[:1] == ".")
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    def _pass_over(self, path: Path, entry: os.DirEntry[str], name: str, excluded: str | None) -> None:
        """Note what may be a log, or lead to one. Excluding it stops the report of it."""
        reason = None if name[:1] == "." else self._reason_to_note(path, entry, name)
        if reason is None:
            return
        is_intended = excluded is not None or reason in (IS_LIVE, NOT_SEARCHED)
        if is_intended or (reason == LINKED_FOLDER and not self.search.recurse):
            reason = reason if excluded is None else _exclusion(excluded)
            self.passed_over.setdefault(reason, []).append(path)
        else:
            self.leave_out(path, reason)

    def _reason_to_note(self, path: Path, entry: os.DirEntry[str], name: str) -> str | None:
        log_name = LOG_NAME.fullmatch(name)
        if log_name is None and entry.is_file(follow_symlinks=False):
            return None
        mode = 0
        with suppress(OSError):
            mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return LINKED_FOLDER if entry.is_symlink() else NOT_SEARCHED
        if log_name is None or (mode and not stat.S_ISREG(mode)):
            return None
        if not mode:
            return TO_NOTHING if entry.is_symlink() else None
        if log_name[1] is None and not ROTATION_NUMBER.search(name):
            return IS_LIVE
        return NO_PATTERN if os.access(path, os.R_OK) else f"{NO_PATTERN}, nor may it be read"

    def _add_log(self, path: Path, entry: os.DirEntry[str]) -> None:
        try:
            status = path.stat()
        except FileNotFoundError as error:
            if entry.is_symlink():
                self.problems.append(f"{one_line_path(path)}: {why_unreadable(name_of(path), path, error)}")
            return  # anything else was renamed or removed just now; the next listing will show it
        except OSError as error:
            self.problems.append(f"{one_line_path(path)}: {why_unreadable(name_of(path), path, error)}")
            return
        reason = self._reason_against(path, status)
        if reason:
            self.leave_out(path, reason)
        else:
            self.logs[path] = status

    def _reason_against(self, path: Path, status: os.stat_result) -> str:
        max_age = self.search.max_age
        if not stat.S_ISREG(status.st_mode):
            return why_not_regular(status.st_mode).partition(";")[0]
        if original_name(path.name) != path.name and self.now - path.lstat().st_ctime < ABANDONED:
            return SET_ASIDE
        if not status.st_size:
            return "empty"
        if self._is_young(status.st_mtime):
            return self._too_young
        if max_age is not None and self.now - status.st_mtime > max_age:
            return f"not written to for more than {max_age} s"
        return ""

    def _is_young(self, written: float) -> bool:
        return self.search.min_age > 0 and self.now - written < self.search.min_age

    @property
    def _too_young(self) -> str:
        return f"written to less than {self.search.min_age} s ago"


def _list_folders(search: Search, now: float) -> _Listing:
    listing = _Listing(search, now)
    for name in search.paths:
        listing.add_folder(expand_path(name), name)
    return listing


def _exclusion(pattern: str) -> str:
    advice = ", as the server is not known to take what is compressed" if pattern.endswith(COMPRESSED) else ""
    return f"excluded by {pattern}{advice}"


def _identity(status: os.stat_result) -> tuple[int, int]:
    """A pair that is different for every file."""
    return status.st_dev, status.st_ino


def _rotation_key(name: str) -> list[Any]:
    """Sorts logs of equal age, as in a fresh copy: a log with a higher number is older, one with a later date newer."""
    parts: list[Any] = re.split(r"([0-9]+)", DATE.sub(r"\1\2\3", name))
    for place in range(1, len(parts), 2):
        number = int(parts[place])
        parts[place] = -number if len(parts[place]) <= LONGEST_NUMBER else number
    return parts
