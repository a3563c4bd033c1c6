# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archiving or deleting logs that were imported: each only if it holds what was imported, and nothing else by now.

Wherever this is broken off, a log is whole under its own name, or whole in the archive, or both. Under a name of its
own the archive never has half of a log, and nothing in it is overwritten.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError, sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    BLOCK,
    Content,
    DigestMemory,
    Fingerprint,
    Interrupted,
    digest_of,
    looked_at,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import shown

PART = ".part"  # ends the names of what is not whole yet
ABANDONED = 3600.0  # seconds after which nobody is at such a part any more
MOVED = ("archived", "deleted")  # states of logs that are not where they were
CHANGED = "it holds something else by now than what was imported"
GONE = "it is not there any more"


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
    each = " ".join(f"[{', '.join(names)}] {sentence(reason)}" for reason, names in sources.items())
    return f"{sum(map(len, sources.values()))} of {len(outcomes)} imported logs could not be put away. {each}"


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
    place = None if archive is None else archive / f"{log.name}-{sha256[:12]}"
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
    except FileNotFoundError:
        return PutAway(source, "kept", reason=GONE)
    except _Failed as error:
        return PutAway(source, "failed", reason=str(error))
    except OSError as error:
        return PutAway(source, "failed", reason=f"it cannot be {doing}{f' as {told}' if told else ''}: {_said(error)}")
    return PutAway(source, doing, told)


def _archive(log: Path, look: os.stat_result, sha256: str, place: Path) -> None:
    """Have the archive hold the log, too."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # not to be taken for the log
        raise _Failed(f"the archive {shown(place.parent)} cannot be made: {_said(error)}") from error
    if os.path.lexists(place):
        _check_that_it_is_there(place, sha256)
        return
    _forget_abandoned(place.parent, sha256)
    part = place.with_name(f".{sha256[:12]}.{os.urandom(4).hex()}{PART}")
    try:
        if not _link(log, look, part):
            _copy(log, part, sha256)
        _name(part, place, sha256)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    _sync(place.parent)


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
    """Copy the log, and see to it that the disk has it."""
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
    if found.hexdigest() != sha256:
        raise _Changed


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
    aside = log.with_name(f".{os.urandom(6).hex()}{PART}")
    try:
        log.rename(aside)
    except FileNotFoundError:  # another run was faster
        return
    except OSError as error:
        told = f"it is archived as {shown(place)}, but" if place else "it"
        raise _Failed(f"{told} cannot be removed from {shown(log.parent)}: {_said(error)}") from error
    now = aside.lstat()
    if _is_same(now, look):
        aside.unlink()
        return
    _put_back(aside, log)
    if place is not None and os.path.samestat(place.lstat(), now):  # it was written to, and so the archive's was
        place.unlink()
    raise _Changed


def _put_back(aside: Path, log: Path) -> None:
    """Give a log its name again, unless yet another one has it by now."""
    try:
        os.link(aside, log, follow_symlinks=False)
    except OSError as error:
        if os.path.lexists(log):
            raise _Failed(
                f"another log got its name at this moment; what had the name is {shown(aside)} now"
            ) from error
        aside.rename(log)
    else:
        aside.unlink()


def _forget_abandoned(archive: Path, sha256: str) -> None:
    """Remove what earlier runs began to copy of this log, and did not end."""
    for part in archive.glob(f".{sha256[:12]}.*{PART}"):
        with suppress(OSError):
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


def _sync(folder: Path) -> None:
    """Have the disk know the names in a folder; not all disks can be told so."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _said(error: OSError) -> str:
    return error.strerror or str(error)
