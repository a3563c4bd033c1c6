# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the logs in folders: which they are, the oldest first, and what was left out.

A folder that cannot be searched is an error, and never a folder without logs. Nor does a log slip through where a
rotation renames it while folders are listed: they are listed until two listings in a row agree. What is called like a
rotated log and taken by no pattern is told, as the patterns may be wrong.

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
    expanded,
    name_of,
    own_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import (
    plain,
    where,
    why_not,
    why_not_regular,
)

LISTINGS = 5  # after so many that all differ from each other it is no rotation
LONGEST_NUMBER = 5  # digits of a rotated log's number; what is longer is a date or a time
COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst", ".Z", ".lzma", ".lz4", ".7z")

# A log's ending; a rotated one has something behind it (debug.log.1, DEBUG.LOG-20261124, report.rl.old, isv.dlog.1.gz),
# or a number or a date before it (debug.1.log, vendor-20261124.log), as logrotate and license managers name them.
CALLED_LIKE_A_LOG = re.compile(r".+\.(?:d?log|rl)([._-].*)?", re.IGNORECASE | re.DOTALL)
NUMBERED = re.compile(r"(?:\.\d+|\d{6}[\dT_.-]*|\d{4}[_.-]\d\d[\dT_.-]*)\.[a-z]+\Z", re.IGNORECASE)
DATE = re.compile(r"(\d{4})[_.-](\d\d)[_.-](\d\d)")

NO_PATTERN = "called like a rotated log, but taken by none of the patterns"
IS_LIVE = "called like a log that is still written to, and taken by none of the patterns"
TO_NOTHING = "a link to nothing that is called like a log"
LINKED_FOLDER = "a link to a folder, which is not followed"
NOT_SEARCHED = "a folder, which is searched with recurse only"
SET_ASIDE = f"set aside to be put away by another run less than {ABANDONED:.0f} s ago"


@dataclass(frozen=True)
class Search:
    """Where logs are looked for, and which files are logs.

    `patterns` and `excludes` are of names; `excludes` of folders, too. Ages are in seconds since the last change.
    `archive` is not searched, unless it is one of `paths`; `fills_archive`: that is an error, since logs go there.
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
    """The logs, the oldest first, and by the reason the files and folders that were left out: each may be missed.

    `passed_over` is what is left alone every night by intent, and of interest only where there is no log at all.
    """

    contents: list[Content]
    left_out: Mapping[str, list[Path]]
    passed_over: Mapping[str, list[Path]]


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
            return Found(listing.at_rest(contents), listing.left_out, listing.passed_over)
        listing = again
    raise BadInput(
        f"Each time that {', '.join(search.paths)} was listed there were other logs; nothing was sent. Import them when"
        " they are at rest, with min_age if need be."
    )


def _opened(listing: _Listing) -> tuple[list[Content], BadInput | None]:
    if listing.problems:
        what = as_sentence(f"paths cannot be searched, nothing was sent: {'; '.join(listing.problems)}")
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
    passed_over: dict[str, list[Path]] = field(default_factory=dict)
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
        return sorted(
            self.logs, key=lambda path: (self.logs[path].st_mtime_ns, _rotation(own_name(path.name)), str(path))
        )

    def at_rest(self, contents: list[Content]) -> list[Content]:
        """Those that were not written to between the listing and the moment that they were looked at."""
        resting = []
        for content in contents:
            if self._is_young(content.fingerprint.mtime_ns / 1e9):
                self.leave_out(Path(content.path), self._too_young)
            else:
                resting.append(content)
        return resting

    def enter(self, folder: Path, name: str) -> None:
        """List a folder, once: paths may lead to the same one."""
        try:
            status = folder.stat()
            if not stat.S_ISDIR(status.st_mode):
                self.problems.append(f"{plain(folder)}: that is no folder; name logs themselves in src")
            elif _identity(status) == self.archive and name not in self.search.paths:
                self.leave_out(folder, "the archive")
            elif _identity(status) == self.archive and self.search.fills_archive:
                self.problems.append(
                    f"{plain(folder)}: that is the archive, where all that it holds would be found again"
                )
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
        """Take what is a log, go into what is a folder, and note what else may have been meant."""
        path, name = Path(entry.path), own_name(name_of(Path(entry.name)))
        excluded = next((pattern for pattern in self.search.excludes if fnmatchcase(name, pattern)), None)
        is_folder = entry.is_dir(follow_symlinks=False)
        is_wanted = self.search.recurse if is_folder else self._matches(name)
        if not is_wanted:
            self._pass_over(path, entry, name, excluded)
        elif excluded is not None:
            self.leave_out(path, _exclusion(excluded))
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

    def _pass_over(self, path: Path, entry: os.DirEntry[str], name: str, excluded: str | None) -> None:
        """Note what may be a log, or lead to one. To exclude it is the way to have it told no more."""
        reason = None if name[:1] == "." else self._reason_to_note(path, entry, name)
        if reason is None:
            return
        is_meant = excluded is not None or reason in (IS_LIVE, NOT_SEARCHED)
        if is_meant or (reason == LINKED_FOLDER and not self.search.recurse):
            reason = reason if excluded is None else _exclusion(excluded)
            self.passed_over.setdefault(reason, []).append(path)
        else:
            self.leave_out(path, reason)

    def _reason_to_note(self, path: Path, entry: os.DirEntry[str], name: str) -> str | None:
        called = CALLED_LIKE_A_LOG.fullmatch(name)
        if called is None and entry.is_file(follow_symlinks=False):
            return None
        mode = 0
        with suppress(OSError):
            mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return LINKED_FOLDER if entry.is_symlink() else NOT_SEARCHED
        if called is None or (mode and not stat.S_ISREG(mode)):
            return None
        if not mode:
            return TO_NOTHING if entry.is_symlink() else None
        if called[1] is None and not NUMBERED.search(name):
            return IS_LIVE
        return NO_PATTERN if os.access(path, os.R_OK) else f"{NO_PATTERN}, nor may it be read"

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
        reason = self._reason_against(path, status)
        if reason:
            self.leave_out(path, reason)
        else:
            self.logs[path] = status

    def _reason_against(self, path: Path, status: os.stat_result) -> str:
        most = self.search.max_age
        if not stat.S_ISREG(status.st_mode):
            return why_not_regular(status.st_mode).partition(";")[0]
        if own_name(path.name) != path.name and self.now - path.lstat().st_ctime < ABANDONED:
            return SET_ASIDE
        if not status.st_size:
            return "empty"
        if self._is_young(status.st_mtime):
            return self._too_young
        if most is not None and self.now - status.st_mtime > most:
            return f"not written to for more than {most} s"
        return ""

    def _is_young(self, written: float) -> bool:
        return self.search.min_age > 0 and self.now - written < self.search.min_age

    @property
    def _too_young(self) -> str:
        return f"written to less than {self.search.min_age} s ago"


def _listed(search: Search, now: float) -> _Listing:
    listing = _Listing(search, now)
    for name in search.paths:
        listing.enter(expanded(name), name)
    return listing


def _exclusion(pattern: str) -> str:
    advice = ", as the server is not known to take what is compressed" if pattern.endswith(COMPRESSED) else ""
    return f"excluded by {pattern}{advice}"


def _identity(status: os.stat_result) -> tuple[int, int]:
    """What is another for any other file."""
    return status.st_dev, status.st_ino


def _rotation(name: str) -> list[Any]:
    """What sorts logs of equal age, as those of a fresh copy: the higher its number, the older a log; not so dates."""
    parts: list[Any] = re.split(r"([0-9]+)", DATE.sub(r"\1\2\3", name))
    for place in range(1, len(parts), 2):
        number = int(parts[place])
        parts[place] = -number if len(parts[place]) <= LONGEST_NUMBER else number
    return parts
