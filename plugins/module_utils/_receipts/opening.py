# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening a receipt store, and making one where there is none.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import path_text as shown_path
from ansible_collections.assetops.imports.plugins.module_utils._receipts import sqlite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import (
    Database,
    store_error,
    store_errors,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.schema import bring_up_to_date, version_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts.sqlite import SQLite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

DEFAULT_LOCATION = "~/.ansible/assetops/receipts.db"
NOWHERE = "none"
POSTGRESQL = ("postgresql://", "postgres://")
BUSY_TIMEOUT = 60.0  # seconds to wait for other writers


class NoStoreYet(BadInput):
    """There is no store, but one is required."""


def open_store(
    location: str,
    *,
    password: str | None = None,
    read_only: bool = False,
    make: bool = True,
    required: bool = False,
) -> Store:
    """Open the store at a path or URL, and make it if there is none. For `none`, open one that is forgotten at the end.

    Where none may be made (`make`, `read_only`), one that does not exist is empty. Raises `StoreError`, and `BadInput`
    for a location that is not valid, and for a `required` store that does not exist.
    """
    if location == NOWHERE:
        return Store(_in_memory(NOWHERE), created=False, read_only=read_only)
    if password is not None and not is_url(location):
        raise BadInput("receipts_password is of no use: receipts is not the URL of a PostgreSQL database.")
    if required and not is_url(location):
        _check_exists(sqlite.path_of(location))
    is_rehearsal = make and read_only and not required
    make = make and not read_only and not required
    shown, database = _connect(location, password, read_only=read_only, make=make)
    with ExitStack() as on_error:
        if database is not None:
            on_error.callback(database.close)
        version = version_of(database)
        if not version and required:
            raise NoStoreYet(_NONE_YET.format(shown, "in that database" if is_url(location) else "on this host"))
        if database is not None and not version and is_rehearsal:
            with store_errors(database, "opened"):
                database.check_creatable()
        if database is None or (not version and not make):
            return Store(_in_memory(shown), created=False, read_only=read_only)
        created = bring_up_to_date(database, version, read_only=read_only)
        on_error.pop_all()
    return Store(database, created=created, read_only=read_only)


def _check_exists(path: Path) -> None:
    """Raise `NoStoreYet` for a file that does not exist. Other problems are reported when it is opened."""
    with suppress(OSError):
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            raise NoStoreYet(_NONE_YET.format(shown_path(path), "on this host")) from None


def is_url(location: str) -> bool:
    """Whether a location names a PostgreSQL database, and not a file."""
    return location.startswith(POSTGRESQL)


_NONE_YET = (
    "There is no receipt store at {} {}, and require_receipts is true. If a new one is to begin there, run once with"
    " require_receipts=false; if this is a container, a file has to be on a volume. The option receipts, or the"
    " environment variable ASSETOPS_RECEIPTS, names another place."
)


def _connect(location: str, password: str | None, *, read_only: bool, make: bool) -> tuple[str, Database | None]:
    """The name of a store for people, and its database; None for a file that does not exist and may not be made."""
    if is_url(location):
        # Only then, as most runs do not need it.
        from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import PostgreSQL

        database = PostgreSQL(location, password, BUSY_TIMEOUT, read_only=read_only)
        with store_errors(database, "opened"):
            database.reconnect()
        return location, database
    path = sqlite.path_of(location)
    shown = shown_path(path)
    try:
        return shown, sqlite.open_file(path, BUSY_TIMEOUT, read_only=read_only, make=make)
    except SQLite.errors as error:
        raise store_error(shown, "opened", sqlite.explain(error, path)) from error


def _in_memory(shown: str) -> Database:
    database = SQLite(shown, None, BUSY_TIMEOUT)
    bring_up_to_date(database, 0, read_only=False)
    return database
