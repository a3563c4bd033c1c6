# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archiving or deleting imported logs: each only if it still holds exactly what was imported.

If this breaks off anywhere, a log is whole under its own name, or whole in the archive, or both; or it has the hidden
name under which it was being set aside, by which a later run finds it. The archive never has half of a log under a
visible name, and nothing in it is overwritten. The log is removed only when the disk has all of the copy.

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

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError, as_sentence, first_of
from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    BLOCK,
    Content,
    DigestMemory,
    Fingerprint,
    Interrupted,
    content_of,
    digest_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import (
    ABANDONED,
    MAX_LISTED,
    PART_SUFFIX,
    original_name,
    path_text,
    set_aside_path,
)

DIGITS = 12  # of the digest, in the name of an archived log
COPY = re.compile(rf"\.[0-9a-f]{{{DIGITS}}}\.[0-9a-f]{{8}}{re.escape(PART_SUFFIX)}")
NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)  # errors of file systems that cannot sync
MOVED = ("archived", "deleted")  # states of logs that are not where they were before
CHANGED = "it holds something else by now than what was imported"
GONE = "it is not there any more"
FROM_ARCHIVE = "it has the name of an archived log, and what is in an archive stays there"


@dataclass(frozen=True)
class PutAway:
    """What became of a log.

    `state` is `archived`, `deleted`, `kept`, or `failed` if it could not be put away; `reason` says why. `place` is its
    path in the archive.
    """

    source: str
    state: str
    place: str | None = None
    reason: str | None = None


class _Changed(Exception):
    """The log is not what was imported."""


class _Failed(Exception):
    """Why the log cannot be put away, in words for a person."""


def put_away(
    logs: list[tuple[Content, str]], archive: Path | None, memory: DigestMemory, *, check_mode: bool
) -> list[PutAway]:
    """Move these logs, imported with these SHA-256, to the archive, or delete them if there is none.

    With `check_mode` nothing is touched, and the outcomes are what would happen. With `memory`, unchanged logs are not
    read again.
    """
    digests = _recall_digests(logs, memory)
    if archive is not None and not check_mode:
        _remove_abandoned_copies(archive)
    outcomes: dict[Path, PutAway] = {}
    # Links first: their targets may be among the logs, too.
    for content, sha256 in sorted(logs, key=lambda log: not Path(log[0].path).is_symlink()):
        name = _resolved_name(content)
        if name not in outcomes:
            outcomes[name] = _put_away_one(content, sha256, archive, digests, check_mode=check_mode)
    return [replace(outcomes[_resolved_name(content)], source=content.source) for content, _unused in logs]


def moves_before_and_after(outcomes: list[PutAway]) -> tuple[str, str]:
    """The logs that were moved, before and after, with a line for each."""
    moved = [one for one in outcomes if one.state in MOVED]
    return (
        "".join(f"{one.source}\n" for one in moved),
        "".join(f"{one.source}: {one.state}{f' as {one.place}' if one.place else ''}\n" for one in moved),
    )


def failure_message(outcomes: list[PutAway]) -> str:
    """Which logs could not be put away, and why; empty if all were, or are kept for a good reason."""
    sources: dict[str, list[str]] = {}
    for one in outcomes:
        if one.state == "failed":
            sources.setdefault(one.reason or "", []).append(one.source)
    if not sources:
        return ""
    each = " ".join(f"[{first_of(names, MAX_LISTED)}] {as_sentence(reason)}" for reason, names in sources.items())
    return f"{sum(map(len, sources.values()))} of {len(outcomes)} imported logs could not be put away. {each}"


def _recall_digests(logs: list[tuple[Content, str]], memory: DigestMemory) -> Mapping[Fingerprint, str]:
    try:
        return memory.recall_digests([content.fingerprint for content, _unused in logs])
    except StoreError:  # the imports report it; the logs are read instead
        return {}


def _resolved_name(content: Content) -> Path:
    """The one path of a file, or link, that may be named in several ways."""
    path = Path(content.path)
    return Path(os.path.realpath(path.parent), path.name)


def _put_away_one(
    content: Content, sha256: str, archive: Path | None, digests: Mapping[Fingerprint, str], *, check_mode: bool
) -> PutAway:
    log, source = Path(content.path), content.source
    suffix = f"-{sha256[:DIGITS]}"
    if log.name.endswith(suffix):  # as if the archive is mounted twice and looks like another folder
        return PutAway(source, "kept", reason=FROM_ARCHIVE)
    place = None if archive is None else archive / f"{original_name(log.name)}{suffix}"
    state = "archived" if place else "deleted"
    try:
        status = log.lstat()
        now = content_of(log)
        if now.size != content.size or (digests.get(now.fingerprint) or digest_of(now)) != sha256:
            raise _Changed
        if check_mode:
            _check_rights(log, place)
        else:
            if place is not None:
                _archive(log, status, sha256, place)
            _remove(log, status, place)
    except (_Changed, Interrupted):
        return PutAway(source, "kept", reason=CHANGED)
    except _Failed as error:
        return PutAway(source, "failed", reason=str(error))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not log.exists():
            return PutAway(source, "kept", reason=GONE)
        where = f" in {path_text(archive)}" if archive else ""
        return PutAway(source, "failed", reason=f"it cannot be {state}{where}: {_error_text(error)}")
    return PutAway(source, state, None if place is None else path_text(place))


def _archive(log: Path, status: os.stat_result, sha256: str, place: Path) -> None:
    """Put the log into the archive, too, and sync the disk."""
    _make_folder(place.parent)
    if os.path.lexists(place):
        _check_archived(place, sha256)
    else:
        part = place.with_name(f".{sha256[:DIGITS]}.{os.urandom(4).hex()}{PART_SUFFIX}")
        try:
            if not _hard_link(log, status, part):
                _copy(log, part, sha256)
            _give_name(part, place, sha256)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    _sync(place)
    _sync(place.parent)


def _make_folder(folder: Path) -> None:
    """Make the folder if it is missing, and sync the folder above it."""
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync(made.parent)


def _hard_link(log: Path, status: os.stat_result, part: Path) -> bool:
    """Give the log a second name in the archive if that is possible. The target of a symbolic link is left as it is."""
    if stat.S_ISLNK(status.st_mode):
        return False
    try:
        os.link(log, part)
    except OSError:  # another disk, or one without hard links; for anything else, copying reports it
        return False
    if not _is_same(part.lstat(), status):
        raise _Changed
    return True


def _copy(log: Path, part: Path, sha256: str) -> None:
    """Copy the log, sync the disk, and compare the copy."""
    found = hashlib.sha256()
    with log.open("rb") as source, open(part, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as target:
        while block := source.read(BLOCK):
            found.update(block)
            target.write(block)
        target.flush()
        status = os.fstat(source.fileno())
        with suppress(OSError):  # only root may change the owner
            os.chown(part, status.st_uid, status.st_gid)
        shutil.copystat(log, part)
        os.fsync(target.fileno())
        with suppress(AttributeError, OSError):  # so that the disk is read, and not the cache
            os.posix_fadvise(target.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if found.hexdigest() != sha256:
        raise _Changed
    if digest_of(content_of(part)) != sha256:
        raise _Failed(f"its copy in {path_text(part.parent)} is not the same when it is read again; see to that disk")


def _give_name(part: Path, place: Path, sha256: str) -> None:
    """Give a whole copy its name in the archive, unless something has that name."""
    try:
        os.link(part, place)
    except FileExistsError:
        _check_archived(place, sha256)
    except OSError:  # a disk without hard links
        if os.path.lexists(place):
            _check_archived(place, sha256)
        else:
            part.rename(place)


def _check_archived(place: Path, sha256: str) -> None:
    """Raise `_Failed` unless the archive has a regular file with this content."""
    if not stat.S_ISREG(place.lstat().st_mode) or digest_of(content_of(place)) != sha256:
        raise _Failed(
            f"{path_text(place)} is there already, and holds something else; see to it, and move one of them away"
        )


def _remove(log: Path, status: os.stat_result, place: Path | None) -> None:
    """Remove the log, which the archive has in this place by now.

    A rotation may give its name to another log at any moment. So the file is renamed first, and then compared.
    """
    hidden = set_aside_path(log)
    try:
        log.rename(hidden)
    except FileNotFoundError:  # another run was faster
        return
    except OSError as error:
        subject = f"it is archived as {path_text(place)}, but" if place else "it"
        raise _Failed(f"{subject} cannot be removed from {path_text(log.parent)}: {_error_text(error)}") from error
    now = hidden.lstat()
    if _is_same(now, status):
        hidden.unlink()
        return
    _put_back(hidden, log)
    # It was written to, and so was the archived file if that is a hard link to it.
    if place is not None and os.path.samestat(place.lstat(), now):
        place.unlink()
    raise _Changed


def _put_back(hidden: Path, log: Path) -> None:
    """Give a log its name back, unless another log has that name by now."""
    try:
        os.link(hidden, log, follow_symlinks=False)
    except OSError as error:
        if os.path.lexists(log):
            raise _Failed(
                f"another log got its name at this moment; what had the name is {path_text(hidden)} now"
            ) from error
        hidden.rename(log)
    else:
        hidden.unlink()


def _remove_abandoned_copies(archive: Path) -> None:
    """Remove the unfinished copies of earlier runs."""
    with suppress(OSError):  # the next run will do it
        for part in [one for one in archive.iterdir() if COPY.fullmatch(one.name)]:
            if part.lstat().st_ctime < time.time() - ABANDONED:
                part.unlink()


def _check_rights(log: Path, place: Path | None) -> None:
    """Raise `_Failed` if putting the log away is sure to fail."""
    folders = [log.parent]
    if place is not None:
        folders.append(next(folder for folder in (place.absolute()).parents if os.path.lexists(folder)))
        if os.path.lexists(place):
            _check_archived(place, digest_of(content_of(log)))
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _Failed(f"{path_text(folder)} may not be written to")


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether it is the same, unchanged file."""
    return all(getattr(one, name) == getattr(other, name) for name in ("st_dev", "st_ino", "st_size", "st_mtime_ns"))


def _sync(path: Path) -> None:
    """Sync a file, or the names in a folder, to the disk if it can. Raises OSError if that fails."""
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


def _error_text(error: OSError) -> str:
    return error.strerror or str(error)
