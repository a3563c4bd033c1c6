# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receipts in an SQLite file: the ways of this database, for the store that is `_receipts`.

The rollback journal and synchronous FULL are deliberate: what is written before a request is sent has to be on the
disk.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.assetops.imports.plugins.module_utils._contract import BadInput, StoreError, sentence
from ansible_collections.assetops.imports.plugins.module_utils._paths import path_of as path_named
from ansible_collections.assetops.imports.plugins.module_utils._paths import shown

APPLICATION_ID = 0x61736F70  # "asop": tells a store of ours from any other SQLite file
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
        try:
            self.execute("PRAGMA synchronous = FULL")
            if read_only:
                # Not opened as read-only: what a killed run left half written has to be put back before it is read.
                self.execute("PRAGMA query_only = ON")
        except sqlite3.Error:
            self.close()
            raise

    def another(self, timeout: float) -> SQLite | None:
        """A second connection, for another thread; None where nobody else can use the database."""
        return None if self._path is None else SQLite(self.location, self._path, timeout)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction that holds the only right to write from its first statement on."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def is_lost(self) -> bool:
        """A file is there or not; there is no connection that could be made anew."""
        return False

    def reconnect(self) -> None:
        """Never called, as it is never lost."""

    def version(self) -> int:
        """The version of the store, 0 for an empty database. Raises `StoreError` for anything else."""
        # In this order: another run may make the store between two questions, and tables without a name are others'.
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

    def reason(self, error: Exception) -> str:
        """What one of `errors` means, and what to do."""
        return reason(error, self._path)

    def close(self) -> None:
        self._connection.close()


def reason(error: Exception, path: Path | None = None) -> str:
    """What is wrong with the file at a path, and what to do."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{sentence(why)} {_whose(path) if path else ''}{ADVICE}"


def _whose(path: Path) -> str:
    """Whose the file or its folder is, where this user may not write it: a sentence, or nothing."""
    there = [one for one in (path, *path.parents) if os.path.lexists(one)]
    barred = [one for one in there[: 2 if there[0] == path else 1] if not os.access(one, os.W_OK)]
    if not barred:
        return ""
    from ansible_collections.assetops.imports.plugins.module_utils._unusable import whose

    return f"{sentence(whose(barred[0]))} "


def path_of(location: str) -> Path:
    """Where a store lies. Raises `BadInput` for a path that depends on who asks from where."""
    try:
        path = path_named(location).expanduser()
    except (RuntimeError, ValueError) as error:  # ValueError: no file can have that name
        raise BadInput(sentence(f"receipts {location!r}: {error}")) from error
    if not path.is_absolute() or "\0" in location:
        raise BadInput(
            f"receipts {location!r} is neither an absolute path, nor one that begins with ~, nor the URL of a"
            " PostgreSQL database, nor 'none'."
        )
    return path


def open_file(path: Path, timeout: float, *, read_only: bool, make: bool) -> SQLite | None:
    """Open the file at a path; None where there is none and none shall be made. Raises one of `SQLite.errors`."""
    _check_place(path)
    if not make and not path.exists():
        return None
    if make:
        _make_file(path)
    return SQLite(shown(path), path, timeout, read_only=read_only)


def _clock() -> float:
    return time.time()


def _check_place(path: Path) -> None:
    """Raise OSError for a place that cannot hold a store, so that check mode knows as well."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no regular file")
    folder = next(folder for folder in path.parents if folder.exists() or folder.is_symlink())
    if not folder.is_dir():
        raise OSError(0, f"{shown(folder)} is no folder")
    if not path.exists() and not os.access(folder, os.W_OK):
        raise OSError(0, f"{shown(folder)} cannot be written by this user")


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner can read, and the folders to it, where there is none yet."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
