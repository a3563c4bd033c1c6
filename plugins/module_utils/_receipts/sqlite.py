# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receipts in an SQLite file: what is special to this database.

The rollback journal and synchronous FULL are deliberate: what is written before a request is sent has to be on the
disk by then.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import math
import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, StoreError, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import path_of as path_named
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import path_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts import processes

APPLICATION_ID = 0x61736F70  # "asop": marks a store of ours among SQLite files
IN_MEMORY = ":memory:"
ADVICE = (
    "It has to be an SQLite file on a local disk that this user may write, in a folder that it may write too;"
    " receipts sets another path."
)


class SQLite:
    """A connection to an SQLite file, or to a database in memory that is forgotten at the end."""

    errors = (sqlite3.Error, OSError, ValueError)  # ValueError: no file can have that name
    is_shared = False
    table_ending = " WITHOUT ROWID"

    def __init__(self, location: str, path: Path | None, timeout: float, *, read_only: bool = False) -> None:
        """`path`: None for one in memory. `timeout`: seconds to wait for other writers. Raises one of `errors`."""
        self.location = location
        self._path = path
        name = IN_MEMORY if path is None else f"file:{quote(os.fsencode(path))}?mode=rw"
        self._connection = sqlite3.connect(name, uri=True, timeout=timeout, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("clock", 0, _clock)
        self._connection.create_function("announce", 0, lambda: None)  # a file wakes nobody
        try:
            self.execute("PRAGMA synchronous = FULL")
            if read_only:
                # Not opened as read-only: what a killed run left half written has to be rolled back before it is read.
                self.execute("PRAGMA query_only = ON")
        except sqlite3.Error:
            self.close()
            raise

    def second_connection(self, timeout: float) -> SQLite | None:
        """A second connection, for another thread; None for a database in memory, which only one can use."""
        return None if self._path is None else SQLite(self.location, self._path, timeout)

    def listen(self) -> None:
        """Nothing is announced."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction, which is the only one that may write from its first statement on."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def check_creatable(self) -> None:
        """Raise `StoreError` where the empty file could not become a store, for a run that makes none."""
        self.check_writable()

    def check_writable(self) -> None:
        """Raise `StoreError` where the file could not be written, for a run that writes nothing."""
        for place in () if self._path is None else (self._path, self._path.parent):
            if not os.access(place, os.W_OK):
                raise StoreError(f"The receipt store {self.location} could not be written: {_locked(place)}. {ADVICE}")

    def lease_left(self, row: Any) -> float:
        """The seconds until the lease in a row ends. A run of an earlier boot of this host is dead.

        A lease goes by one of two clocks, as a run that does not know its boot uses the other one: the nearer counts.
        """
        boot, here = processes.boot_of(row["place"]), processes.boot()
        if boot and here and boot != here:
            return -math.inf
        lease_ends = float(row["lease_ends"])
        return min((lease_ends - now for now in (processes.monotonic(), time.time())), key=abs)

    def is_lost(self) -> bool:
        """Never: a file needs no connection."""
        return False

    def reconnect(self) -> None:
        """Never called, as it is never lost."""

    def version(self) -> int:
        """The version of the store, 0 for an empty database. Raises `StoreError` for anything else."""
        # In this order: another run may make the store between two queries, and tables without our id are not ours.
        tables, application, version = (
            self.execute(question).fetchone()[0]
            for question in ("SELECT count(*) FROM sqlite_master", "PRAGMA application_id", "PRAGMA user_version")
        )
        if application != APPLICATION_ID and tables:
            raise StoreError(f"{self.location} is a database, but no receipt store. Set receipts to another path.")
        return int(version) if application == APPLICATION_ID else 0

    def set_version(self, version: int) -> None:
        """Write, within a transaction, that it is a store of this version now."""
        self.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.execute(f"PRAGMA user_version = {version}")

    def explain(self, error: Exception) -> str:
        """What one of `errors` means, and what to do."""
        return explain(error, self._path)

    def close(self) -> None:
        self._connection.close()


def explain(error: Exception, path: Path | None = None) -> str:
    """What is wrong with the file at a path, and what to do."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{as_sentence(why)} {_owner_sentence(path) if path else ''}{ADVICE}"


def _owner_sentence(path: Path) -> str:
    """A sentence about the owner of the file or its folder, if this user may not write it; otherwise nothing."""
    there = [one for one in (path, *path.parents) if os.path.lexists(one)]
    barred = [one for one in there[: 2 if there[0] == path else 1] if not os.access(one, os.W_OK)]
    if not barred:
        return ""
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import describe_access

    return f"{as_sentence(describe_access(barred[0]))} "


def path_of(location: str) -> Path:
    """The path of a store. Raises `BadInput` for a path that depends on the working directory.

    Its bytes are UTF-8 whatever the locale says, as for Ansible's own modules.
    """
    try:
        path = path_named(location).expanduser()
    except (RuntimeError, ValueError) as error:  # ValueError: no file can have that name
        raise BadInput(as_sentence(f"receipts {location!r}: {error}")) from error
    if not path.is_absolute() or "\0" in location:
        raise BadInput(
            f"receipts {location!r} is neither an absolute path, nor one that begins with ~, nor the URL of a"
            " PostgreSQL database, nor 'none'."
        )
    return path


def open_file(path: Path, timeout: float, *, read_only: bool, make: bool) -> SQLite | None:
    """Open the file at a path; None where there is none and none may be made. Raises one of `SQLite.errors`."""
    is_there = _check_place(path)
    if not make and not is_there:
        return None
    if make:
        _make_file(path)
    return SQLite(path_text(path), path, timeout, read_only=read_only)


def _clock() -> float:
    """The clock for leases: one that nobody sets, where it is known from which boot it counts."""
    return processes.monotonic() if processes.boot() else time.time()


def _check_place(path: Path) -> bool:
    """Whether the file exists. Raises OSError for a place that cannot hold a store, so that check mode reports it."""
    status = _status(path)
    if status is not None:
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file")
        return True
    folder, found = next((folder, found) for folder in path.parents if (found := _status(folder)) is not None)
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(0, f"{path_text(folder)} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(0, _locked(folder))
    return False


def _status(path: Path) -> os.stat_result | None:
    """What is at a path; None for nothing. Raises OSError where that cannot be seen, and for a link to nothing.

    Nothing is made through such a link, as it may lead to a disk that is not mounted.
    """
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            target = path_text(Path(os.path.realpath(path)))
            raise OSError(0, f"{path_text(path)} is a link to {target}, and there is nothing") from None
        return None


def _locked(place: Path) -> str:
    """Why a place cannot be written."""
    is_read_only = os.statvfs(place).f_flag & os.ST_RDONLY
    return (
        f"{path_text(place)} is on a read-only file system"
        if is_read_only
        else f"{path_text(place)} cannot be written by this user"
    )


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner can read, and its folders, if there is none yet."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
