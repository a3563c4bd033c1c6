# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file as the content of an import: checked, sized, digested, read in blocks.

A file is whole only while nobody writes to it: half of a log that is still being copied is not that log. So reading
breaks off before the last block if the file is not what it was when it was opened. Only if a part is wanted anyway, as
a time range of a growing log, the file is read up to the size that it had then. The digest is computed again while the
file is sent, and compared before the last block leaves: the server gets what was digested, or nothing.

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
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import (
    expand_path,
    name_of,
    original_name,
    path_text,
)

BLOCK = 512 * 1024  # bytes; larger blocks are not faster, and two are in memory at the same time
SETTLED = 2.0  # seconds after its last change, from which a file's times show any further change


class Interrupted(ImportsError):
    """The content cannot be read as it was first found: it grew, shrank, changed, or is unreadable now."""


@dataclass(frozen=True)
class Fingerprint:
    """Identifies a file that was digested before, without reading it.

    `device`: two disks that are mounted one after the other at the same place may have files with the same inode.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int = 0


class DigestMemory(Protocol):
    """Keeps the digests of files between runs."""

    def recall_digests(self, fingerprints: list[Fingerprint]) -> Mapping[Fingerprint, str]:
        """The SHA-256 of each of these files that is known."""

    def remember_digests(self, digests: Mapping[Fingerprint, str]) -> None:
        """Keep these for the next run."""


@dataclass(frozen=True)
class Content:
    """A regular, readable, non-empty file, and the size in bytes up to which it is read.

    `may_grow`: it is read up to that size even if somebody writes to it. `cut`: so many bytes at its end are left out.
    """

    path: str
    fingerprint: Fingerprint
    may_grow: bool = False
    cut: int = 0

    @property
    def size(self) -> int:
        return self.fingerprint.size - self.cut

    @property
    def digest_key(self) -> Fingerprint:
        """Identifies the part that is read, for digests that were computed before."""
        return replace(self.fingerprint, size=self.size) if self.cut else self.fingerprint

    @property
    def name(self) -> str:
        return original_name(name_of(Path(Path(self.path).name)))

    @property
    def source(self) -> str:
        """The path for people and receipts."""
        return path_text(Path(self.path))

    def blocks(self) -> Iterator[bytes]:
        """The first `size` bytes, in blocks. Raises `Interrupted` before the last block if the file has changed."""
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
        """Raise `Interrupted` unless the name still means the same, unchanged file.

        Of a file that may grow, the wanted part was read already, so nothing is checked.
        """
        if self.may_grow:
            return
        try:
            self._check(Path(self.path).stat())
        except OSError as error:
            raise self._unreadable(error) from error

    def _check(self, now: os.stat_result) -> None:
        """Raise `Interrupted` if a file is not the one that was opened, or has changed.

        The `ctime_ns` is not compared: hard links and permissions change it, too, and they do not change the content.
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

    def read_ends(self, size: int) -> tuple[bytes, bytes]:
        """At most `size` bytes of its beginning and of its end. Raises `BadInput` if they cannot be read."""
        try:
            with Path(self.path).open("rb", buffering=0) as file:
                beginning = file.read(min(size, self.size))
                file.seek(max(0, self.size - size))
                return beginning, file.read(min(size, self.size))
        except OSError as error:
            raise BadInput(as_sentence(f"{self.source} could not be read: {error.strerror}")) from error


def open_contents(names: list[str], option: str = "src") -> list[Content]:
    """The files that these names mean. Raises `BadInput`, which says why a file cannot be imported, and what to do.

    `~` and environment variables are expanded if there is no file of the literal name.
    """
    contents, problems = [], []
    for name in names:
        try:
            contents.append(_open_content(name))
        except BadInput as error:
            problems.append(error.message)
    if problems:
        from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import host_and_user

        what = as_sentence(f"{option} cannot be imported, nothing was sent: {'; '.join(problems)}")
        raise BadInput(f"{what} It was looked for {host_and_user()}.")
    return contents


def digests_of(contents: list[Content], memory: DigestMemory) -> list[str]:
    """The SHA-256 of each content, in hexadecimal. Raises `BadInput` if one cannot be computed."""
    digests = [*digests_or_errors(contents, memory)]
    problems = [one.message for one in digests if isinstance(one, Interrupted)]
    if problems:
        raise BadInput(f"{' '.join(problems)} Nothing was sent.")
    return [one for one in digests if isinstance(one, str)]


def digests_or_errors(contents: list[Content], memory: DigestMemory) -> list[str | Interrupted]:
    """The SHA-256 of each content, in hexadecimal, or why it cannot be computed.

    A content whose digest is in `memory` is not read. New digests are kept there.
    """
    found: dict[Fingerprint, str | Interrupted] = {**memory.recall_digests([one.digest_key for one in contents])}
    fresh: dict[Fingerprint, str] = {}
    for content in contents:
        if content.digest_key not in found:
            started = time.time()
            try:
                found[content.digest_key] = digest = digest_of(content)
            except Interrupted as error:
                found[content.digest_key] = error
            else:
                if _is_settled(content.fingerprint, started):
                    fresh[content.digest_key] = digest
    if fresh:
        memory.remember_digests(fresh)
    return [found[content.digest_key] for content in contents]


def content_of(path: Path) -> Content:
    """A file as it is now. Raises OSError."""
    return _as_content(path, path.stat())


def digest_of(content: Content) -> str:
    """The SHA-256, in hexadecimal. Raises `Interrupted`."""
    digest = hashlib.sha256()
    for block in content.blocks():
        digest.update(block)
    return digest.hexdigest()


def _open_content(name: str) -> Content:
    if not name.strip():
        raise BadInput(f"{name!r}: the name is empty")
    try:
        path = expand_path(name)
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size:
            with path.open("rb"):  # an unreadable file is found now, not after other files were sent
                pass
    except OSError as error:
        raise _unreadable_file(name, path, error) from error
    except ValueError as error:  # a file cannot have this name
        raise BadInput(f"{name.encode('utf-8', 'backslashreplace').decode()}: {error}") from error
    if not stat.S_ISREG(status.st_mode):
        from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import (
            one_line_path,
            why_not_regular,
        )

        raise BadInput(f"{one_line_path(path)}: {why_not_regular(status.st_mode)}")
    if status.st_size == 0:
        raise BadInput(f"{path_text(path)}: the file is empty")
    return _as_content(path, status)


def _as_content(path: Path, status: os.stat_result) -> Content:
    absolute = path_text(path.resolve())
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return Content(str(path), Fingerprint(absolute, status.st_size, *times, status.st_ino, status.st_dev))


def _unreadable_file(name: str, path: Path, error: OSError) -> BadInput:
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import one_line_path, why_unreadable

    return BadInput(f"{one_line_path(path)}: {why_unreadable(name, path, error)}")


def _is_settled(fingerprint: Fingerprint, moment: float) -> bool:
    """Whether a change after `moment` would show in the file's times, which are coarse."""
    return max(fingerprint.mtime_ns, fingerprint.ctime_ns) / 1e9 < moment - SETTLED
