# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archiving or deleting logs that were imported: each only if it holds what was imported, and nothing else by now.

Wherever this is broken off, a log is whole under its own name, or whole in the archive, or both; or it has the hidden
name under which it was set aside at that moment, by which a later run finds it. Under a name of its own the archive
never has half of a log, and nothing in it is overwritten. The disk has all of it before the log goes.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    BLOCK,
    Content,
    DigestMemory,
    Fingerprint,
    Interrupted,
    digest_of,
    looked_at,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import (
    ABANDONED,
    LISTED,
    PART,
    aside,
    own_name,
    shown,
)

DIGITS = 12  # of the digest, in the name that the archive has a log by
COPY = re.compile(rf"\.[0-9a-f]{{{DIGITS}}}\.[0-9a-f]{{8}}{re.escape(PART)}")
NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)  # where a disk cannot be told so
MOVED = ("archived", "deleted")  # states of logs that are not where they were
CHANGED = "it holds something else by now than what was imported"
GONE = "it is not there any more"
FROM_ARCHIVE = "it has the name of an archived log, and what is in an archive stays there"


@dataclass(frozen=True)
class PutAway:
    """What became of a log.

    `state` is `archived`, `deleted`, `kept`, or `failed` where it could not be put away; `reason` says why it was not.
    `place` is where the archive has it.
    """

    source: str
    state: str
    place: str | None = None
    reason: str | None = None


class _Changed(Exception):
    """It is not what was imported."""


class _Failed(Exception):
    """It cannot be put away, for a person."""


def put_away(
    logs: list[tuple[Content, str]], archive: Path | None, memory: DigestMemory, *, check_mode: bool
) -> list[PutAway]:
    """Move these logs, as they were imported with these SHA-256, to the archive, or delete them where there is none.

    With `check_mode` nothing is touched, and it is told what would be. `memory` saves reading what did not change.
    """
    digests = _known(logs, memory)
    if archive is not None and not check_mode:
        _forget_abandoned(archive)
    outcomes: dict[Path, PutAway] = {}
    # Links first: what they lead to may be among the logs, too.
    for content, sha256 in sorted(logs, key=lambda log: not Path(log[0].path).is_symlink()):
        name = _one_name(content)
        if name not in outcomes:
            outcomes[name] = _outcome(content, sha256, archive, digests, check_mode=check_mode)
    return [replace(outcomes[_one_name(content)], source=content.source) for content, _unused in logs]


def moves(outcomes: list[PutAway]) -> tuple[str, str]:
    """The logs that were moved, before and after that: a line a log."""
    moved = [one for one in outcomes if one.state in MOVED]
    return (
        "".join(f"{one.source}\n" for one in moved),
        "".join(f"{one.source}: {one.state}{f' as {one.place}' if one.place else ''}\n" for one in moved),
    )


def failure(outcomes: list[PutAway]) -> str:
    """Which logs could not be put away, and why; empty where all could, or are kept for good reason."""
    sources: dict[str, list[str]] = {}
    for one in outcomes:
        if one.state == "failed":
            sources.setdefault(one.reason or "", []).append(one.source)
    if not sources:
        return ""
    each = " ".join(f"[{_some(names)}] {as_sentence(reason)}" for reason, names in sources.items())
    return f"{sum(map(len, sources.values()))} of {len(outcomes)} imported logs could not be put away. {each}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _known(logs: list[tuple[Content, str]], memory: DigestMemory) -> Mapping[Fingerprint, str]:
    try:
        return memory.recall_digests([content.fingerprint for content, _unused in logs])
    except StoreError:  # told by the imports; reading the logs does as well
        return {}


def _one_name(content: Content) -> Path:
    """The one name of a file, or link, that is named in several ways."""
    path = Path(content.path)
    return Path(os.path.realpath(path.parent), path.name)


def _outcome(
    content: Content, sha256: str, archive: Path | None, digests: Mapping[Fingerprint, str], *, check_mode: bool
) -> PutAway:
    log, source = Path(content.path), content.source
    mark = f"-{sha256[:DIGITS]}"
    if log.name.endswith(mark):  # as where the archive is mounted twice, and so looks like another folder
        return PutAway(source, "kept", reason=FROM_ARCHIVE)
    place = None if archive is None else archive / f"{own_name(log.name)}{mark}"
    told = None if place is None else shown(place)
    doing = "archived" if place else "deleted"
    try:
        look = log.lstat()
        now = looked_at(log)
        if now.size != content.size or (digests.get(now.fingerprint) or digest_of(now)) != sha256:
            raise _Changed
        if check_mode:
            _check_rights(log, place)
        else:
            if place is not None:
                _archive(log, look, sha256, place)
            _remove(log, look, place)
    except (_Changed, Interrupted):
        return PutAway(source, "kept", reason=CHANGED)
    except _Failed as error:
        return PutAway(source, "failed", reason=str(error))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not log.exists():
            return PutAway(source, "kept", reason=GONE)
        where = f" in {shown(archive)}" if archive else ""
        return PutAway(source, "failed", reason=f"it cannot be {doing}{where}: {_said(error)}")
    return PutAway(source, doing, told)


def _archive(log: Path, look: os.stat_result, sha256: str, place: Path) -> None:
    """Have the archive hold the log, too, and the disk know it."""
    _make(place.parent)
    if os.path.lexists(place):
        _check_that_it_is_there(place, sha256)
    else:
        part = place.with_name(f".{sha256[:DIGITS]}.{os.urandom(4).hex()}{PART}")
        try:
            if not _link(log, look, part):
                _copy(log, part, sha256)
            _name(part, place, sha256)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    _sync(place)
    _sync(place.parent)


def _make(folder: Path) -> None:
    """See to it that the folder is there, and that the disk knows it."""
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync(made.parent)


def _link(log: Path, look: os.stat_result, part: Path) -> bool:
    """Give the log a second name, if it can have one there. What a link leads to stays where it is, and as it is."""
    if stat.S_ISLNK(look.st_mode):
        return False
    try:
        os.link(log, part)
    except OSError:  # another disk, or one without such names; if it is anything else, copying tells it
        return False
    if not _is_same(part.lstat(), look):
        raise _Changed
    return True


def _copy(log: Path, part: Path, sha256: str) -> None:
    """Copy the log, and see to it that the disk has the same."""
    found = hashlib.sha256()
    with log.open("rb") as source, open(part, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as target:
        while block := source.read(BLOCK):
            found.update(block)
            target.write(block)
        target.flush()
        status = os.fstat(source.fileno())
        with suppress(OSError):  # only root may give files away
            os.chown(part, status.st_uid, status.st_gid)
        shutil.copystat(log, part)
        os.fsync(target.fileno())
        with suppress(AttributeError, OSError):  # so that the disk is read, and not what is remembered of it
            os.posix_fadvise(target.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if found.hexdigest() != sha256:
        raise _Changed
    if digest_of(looked_at(part)) != sha256:
        raise _Failed(f"its copy in {shown(part.parent)} is not the same when it is read again; see to that disk")


def _name(part: Path, place: Path, sha256: str) -> None:
    """Give what is whole its name in the archive, if nothing has that name."""
    try:
        os.link(part, place)
    except FileExistsError:
        _check_that_it_is_there(place, sha256)
    except OSError:  # a disk that knows no second names
        if os.path.lexists(place):
            _check_that_it_is_there(place, sha256)
        else:
            part.rename(place)


def _check_that_it_is_there(place: Path, sha256: str) -> None:
    """Raise `_Failed` unless the archive has this content of its own."""
    if not stat.S_ISREG(place.lstat().st_mode) or digest_of(looked_at(place)) != sha256:
        raise _Failed(
            f"{shown(place)} is there already, and holds something else; see to it, and move one of them away"
        )


def _remove(log: Path, look: os.stat_result, place: Path | None) -> None:
    """Remove the name of the log that was looked at, which the archive has in this place by now.

    A rotation may give that name to another log at any moment, so it is taken away first, and then it is seen whose
    it was.
    """
    hidden = aside(log)
    try:
        log.rename(hidden)
    except FileNotFoundError:  # another run was faster
        return
    except OSError as error:
        told = f"it is archived as {shown(place)}, but" if place else "it"
        raise _Failed(f"{told} cannot be removed from {shown(log.parent)}: {_said(error)}") from error
    now = hidden.lstat()
    if _is_same(now, look):
        hidden.unlink()
        return
    _put_back(hidden, log)
    if place is not None and os.path.samestat(place.lstat(), now):  # it was written to, and so the archive's was
        place.unlink()
    raise _Changed


def _put_back(hidden: Path, log: Path) -> None:
    """Give a log its name again, unless yet another one has it by now."""
    try:
        os.link(hidden, log, follow_symlinks=False)
    except OSError as error:
        if os.path.lexists(log):
            raise _Failed(
                f"another log got its name at this moment; what had the name is {shown(hidden)} now"
            ) from error
        hidden.rename(log)
    else:
        hidden.unlink()


def _forget_abandoned(archive: Path) -> None:
    """Remove what earlier runs began to copy, and did not end."""
    with suppress(OSError):  # the next run will
        for part in [one for one in archive.iterdir() if COPY.fullmatch(one.name)]:
            if part.lstat().st_ctime < time.time() - ABANDONED:
                part.unlink()


def _check_rights(log: Path, place: Path | None) -> None:
    """Raise `_Failed` where putting the log away is sure to fail."""
    folders = [log.parent]
    if place is not None:
        folders.append(next(folder for folder in (place.absolute()).parents if os.path.lexists(folder)))
        if os.path.lexists(place):
            _check_that_it_is_there(place, digest_of(looked_at(log)))
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _Failed(f"{shown(folder)} may not be written to")


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    return _looks(one) == _looks(other)


def _looks(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _sync(path: Path) -> None:
    """Have the disk know a file, or the names in a folder. Raises OSError where it fails to; not all can be told so."""
    try:
        opened = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in NOT_SYNCED:
            raise
    finally:
        os.close(opened)


def _said(error: OSError) -> str:
    return error.strerror or str(error)
