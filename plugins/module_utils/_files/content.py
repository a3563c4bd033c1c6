# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file as the content of an import: checked, sized, digested, read in blocks.

A file is whole only while nobody writes to it: half of a log that is still being copied is not that log. So whatever
reads it breaks off, before the last block is handed out, when it is not what it was when it was first looked at. Only
where a part is wanted anyway, as for a time range of a log that grows, it is taken up to the size that it had then.
Its digest is reckoned again while it is sent and compared before the last block leaves: what was digested is what the
server gets, or it gets nothing.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    ImportsError,
    as_sentence,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expanded, name_of, own_name, shown

BLOCK = 512 * 1024  # bytes; larger blocks are not faster, and two are in memory at a time
SETTLED = 2.0  # seconds since its last change after which a file's times tell any further change


class Interrupted(ImportsError):
    """The content is not to be had as it was looked at: it grew, shrank, changed or cannot be read any more."""


@dataclass(frozen=True)
class Fingerprint:
    """What tells, without reading it, that a file is the one that was digested before.

    `device`: two disks that are mounted one after the other at the same place may have files of the same inode.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int = 0


class DigestMemory(Protocol):
    """Where digests of files are remembered between runs."""

    def recall_digests(self, fingerprints: list[Fingerprint]) -> Mapping[Fingerprint, str]:
        """The SHA-256 of those of the files that are known."""

    def remember_digests(self, digests: Mapping[Fingerprint, str]) -> None:
        """Keep these for the next run."""


@dataclass(frozen=True)
class Content:
    """A regular, readable, non-empty file, and the size in bytes up to which it is taken.

    `may_grow`: it is taken up to that size although somebody writes to it. `cut`: so many bytes at its end are left
    out.
    """

    path: str
    fingerprint: Fingerprint
    may_grow: bool = False
    cut: int = 0

    @property
    def size(self) -> int:
        return self.fingerprint.size - self.cut

    @property
    def taken(self) -> Fingerprint:
        """What tells, without reading it, that what is taken was digested before."""
        return replace(self.fingerprint, size=self.size) if self.cut else self.fingerprint

    @property
    def name(self) -> str:
        return own_name(name_of(Path(Path(self.path).name)))

    @property
    def source(self) -> str:
        """The path for people and receipts."""
        return shown(Path(self.path))

    def blocks(self) -> Iterator[bytes]:
        """The first `size` bytes, in blocks. Raises `Interrupted`, before the last one, when that is not all of it."""
        left = self.size
        try:
            with Path(self.path).open("rb", buffering=0) as file:
                self._check(os.fstat(file.fileno()))
                while left:
                    block = file.read(min(BLOCK, left))
                    if not block:
                        raise Interrupted(f"{self.source} became shorter while it was read.")
                    left -= len(block)
                    if not left:
                        self._check(os.fstat(file.fileno()))
                        self.check()
                    yield block
        except OSError as error:
            raise self._unreadable(error) from error

    def check(self) -> None:
        """Raise `Interrupted` unless the name is that of the file that was looked at, and it is as it was then.

        Of one that may grow, a part is wanted that was read already, whatever became of it since.
        """
        if self.may_grow:
            return
        try:
            self._check(Path(self.path).stat())
        except OSError as error:
            raise self._unreadable(error) from error

    def _check(self, now: os.stat_result) -> None:
        """Raise `Interrupted` where a file is not what was looked at.

        Its `ctime_ns` is of no interest: it changes with a hard link and with rights, too, which change no content.
        """
        then = self.fingerprint
        if (now.st_ino, now.st_dev) != (then.inode, then.device):  # as by a rotation
            raise Interrupted(f"{self.source} became another file after it was looked at.")
        if now.st_size < then.size:
            raise Interrupted(f"{self.source} became shorter while it was read.")
        if self.may_grow:
            return
        if now.st_size > then.size or now.st_mtime_ns != then.mtime_ns:
            how = f"it grew from {then.size} to {now.st_size} bytes" if now.st_size > then.size else "it changed"
            raise Interrupted(
                f"{self.source} is still being written: {how} after it was looked at. Import it when it is at rest."
            )

    def _unreadable(self, error: OSError) -> Interrupted:
        return Interrupted(as_sentence(f"{self.source} could not be read: {error.strerror}"))

    def ends(self, size: int) -> tuple[bytes, bytes]:
        """So many bytes of its beginning and of its end, at most. Raises `BadInput` where they cannot be read."""
        try:
            with Path(self.path).open("rb", buffering=0) as file:
                beginning = file.read(min(size, self.size))
                file.seek(max(0, self.size - size))
                return beginning, file.read(min(size, self.size))
        except OSError as error:
            raise BadInput(as_sentence(f"{self.source} could not be read: {error.strerror}")) from error


def open_contents(names: list[str], option: str = "src") -> list[Content]:
    """The files that these names mean. Raises `BadInput` that says of each that cannot be imported why, and what to do.

    `~` and variables of the environment are expanded where no file of the literal name exists.
    """
    contents, problems = [], []
    for name in names:
        try:
            contents.append(_content(name))
        except BadInput as error:
            problems.append(error.message)
    if problems:
        from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import where

        what = as_sentence(f"{option} cannot be imported, nothing was sent: {'; '.join(problems)}")
        raise BadInput(f"{what} It was looked for {where()}.")
    return contents


def digests_of(contents: list[Content], memory: DigestMemory) -> list[str]:
    """The SHA-256 of each content, in hexadecimal. Raises `BadInput` where one is not to be had; see below."""
    digests = [*digests_or_obstacles(contents, memory)]
    problems = [one.message for one in digests if isinstance(one, Interrupted)]
    if problems:
        raise BadInput(f"{' '.join(problems)} Nothing was sent.")
    return [one for one in digests if isinstance(one, str)]


def digests_or_obstacles(contents: list[Content], memory: DigestMemory) -> list[str | Interrupted]:
    """The SHA-256 of each content, in hexadecimal, or why it is not to be had.

    What `memory` knows is not read; what is reckoned is remembered.
    """
    found: dict[Fingerprint, str | Interrupted] = {**memory.recall_digests([one.taken for one in contents])}
    fresh: dict[Fingerprint, str] = {}
    for content in contents:
        if content.taken not in found:
            started = time.time()
            try:
                found[content.taken] = digest = digest_of(content)
            except Interrupted as error:
                found[content.taken] = error
            else:
                if _is_settled(content.fingerprint, started):
                    fresh[content.taken] = digest
    if fresh:
        memory.remember_digests(fresh)
    return [found[content.taken] for content in contents]


def looked_at(path: Path) -> Content:
    """What a file is at this moment. Raises OSError."""
    return _as_content(path, path.stat())


def digest_of(content: Content) -> str:
    """The SHA-256, in hexadecimal. Raises `Interrupted`."""
    digest = hashlib.sha256()
    for block in content.blocks():
        digest.update(block)
    return digest.hexdigest()


def _content(name: str) -> Content:
    if not name.strip():
        raise BadInput(f"{name!r}: the name is empty")
    try:
        path = expanded(name)
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size:
            with path.open("rb"):  # unreadable is found now, not after other files were sent
                pass
    except OSError as error:
        raise _unusable(name, path, error) from error
    except ValueError as error:  # no file can have that name
        raise BadInput(f"{name.encode('utf-8', 'backslashreplace').decode()}: {error}") from error
    if not stat.S_ISREG(status.st_mode):
        from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import plain, why_not_regular

        raise BadInput(f"{plain(path)}: {why_not_regular(status.st_mode)}")
    if status.st_size == 0:
        raise BadInput(f"{shown(path)}: the file is empty")
    return _as_content(path, status)


def _as_content(path: Path, status: os.stat_result) -> Content:
    absolute = shown(path.resolve())
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return Content(str(path), Fingerprint(absolute, status.st_size, *times, status.st_ino, status.st_dev))


def _unusable(name: str, path: Path, error: OSError) -> BadInput:
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import plain, why_not

    return BadInput(f"{plain(path)}: {why_not(name, path, error)}")


def _is_settled(fingerprint: Fingerprint, moment: float) -> bool:
    """Whether a change after `moment` would show in the file's times, which tick coarsely."""
    return max(fingerprint.mtime_ns, fingerprint.ctime_ns) / 1e9 < moment - SETTLED
