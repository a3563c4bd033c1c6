# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receipts in a PostgreSQL database: what is special to this database.

The store is in the first schema of the search path, where a table of its own marks it. An advisory lock, held for the
length of a transaction, lets only one run at a time write. psycopg is imported only for a URL, as that takes longer
than a whole run with a file.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, StoreError, as_sentence

if TYPE_CHECKING:
    import psycopg

LOCK = 0x61736F70  # "asop"; advisory locks are counted within a database
SECRETS = ("password", "sslpassword")
CLOCK = "extract(epoch FROM clock_timestamp())::float8"
CHANNEL = "assetops_imports"  # channels are counted within a database: stores in other schemas are woken, too
ANNOUNCE = f"pg_notify('{CHANNEL}', '')"  # needs no privilege, and leaves nothing behind where nobody listens
CONNECT_TIMEOUT = 10.0  # seconds
LONGEST_TRANSACTION = 20.0  # seconds of silence within one; ours take milliseconds, and others wait for them
# To notice a server that went away without a word. Parameters in the URL override these.
CONNECTION = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "fallback_application_name": "assetops.imports",
}
# Overrides settings of role and database: nothing ends a session that waits for a server, and numbers stay exact.
SESSION = """
SELECT set_config('lock_timeout', %s, false),
       set_config('idle_in_transaction_session_timeout', %s, false),
       set_config('default_transaction_read_only', %s, false),
       set_config('statement_timeout', '0', false),
       set_config('extra_float_digits', '1', false),
       (SELECT count(set_config(name, '0', false)) FROM pg_settings
        WHERE name IN ('idle_session_timeout', 'transaction_timeout') AND setting != '0'),
       CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END
"""
# SQL_ASCII keeps all bytes as they come. Some pools do not report the encoding.
ENCODINGS = ("UTF8", "SQL_ASCII", None)
MAY_MAKE = """
SELECT current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS may_make,
       pg_is_in_recovery() AS is_replica
"""
MAY_WRITE = """
SELECT pg_is_in_recovery() AS is_replica, bool_and(
    has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
    AND has_table_privilege(oid, 'DELETE')) AS may_write
FROM pg_class WHERE relname IN ('receipts', 'attempts', 'runs', 'digests') AND pg_table_is_visible(oid)
"""
# By the catalog itself: what to_regclass() says may be older than the lock that the transaction waited for.
IS_MADE = "SELECT 1 AS one FROM pg_class WHERE relname = 'assetops_receipts' AND pg_table_is_visible(oid)"


REPLICA = "it is a replica, which can only be read. Name the primary server; target_session_attrs=read-write finds it."


class PostgreSQL:
    """A connection to a database."""

    is_shared = True
    table_ending = ""

    def __init__(self, url: str, password: str | None, timeout: float, *, read_only: bool = False) -> None:
        """Not yet connected. `timeout`: seconds to wait for other writers. Raises `BadInput` or `StoreError`."""
        self.location = url
        self._password = password
        self._timeout = timeout
        self._read_only = read_only
        self._is_made = False
        check_url(url)
        self._psycopg = import_psycopg()
        self.errors: tuple[type[Exception], ...] = (self._psycopg.Error,)
        self._connection: psycopg.Connection[Any] | None = None

    def second_connection(self, timeout: float) -> PostgreSQL | None:
        """A second connection, for another thread. Raises one of `errors`."""
        second = PostgreSQL(self.location, self._password, timeout)
        second.reconnect()
        return second

    def reconnect(self) -> None:
        """Connect (again). Raises one of `errors`."""
        self.close()
        self._connection = self._psycopg.connect(
            self.location,
            autocommit=True,
            row_factory=self._psycopg.rows.dict_row,
            client_encoding="UTF8",
            **self._parameters(),
        )
        self._check_encoding(self._connection.info.parameter_status("server_encoding"))
        read_only = "on" if self._read_only else "off"
        self._connection.execute(SESSION, (_milliseconds(self._timeout), _milliseconds(LONGEST_TRANSACTION), read_only))

    def listen(self) -> int:
        """Subscribe to announcements; the descriptor that can be read once there is one."""
        return self.execute(f"LISTEN {CHANNEL}").connection.fileno()

    def check_creatable(self) -> None:
        """Raise `StoreError` where no store could be made, for a run that makes none."""
        (row,) = self.execute(MAY_MAKE).fetchall()
        if row["is_replica"]:
            raise StoreError(f"The receipt store {self.location} could not be opened: {REPLICA}")
        if not row["may_make"]:
            why = f"permission denied for schema {row['schema']}" if row["schema"] else "no schema has been selected"
            raise StoreError(f"The receipt store {self.location} could not be opened: {why}. {self._how_to_make()}")

    def check_writable(self) -> None:
        """Raise `StoreError` where the store could not be written, for a run that writes nothing."""
        (row,) = self.execute(MAY_WRITE).fetchall()
        if row["is_replica"]:
            raise StoreError(f"The receipt store {self.location} could not be written: {REPLICA}")
        if not row["may_write"]:
            why = "permission denied for its tables"
            raise StoreError(f"The receipt store {self.location} could not be written: {why}. {self._how_to_share()}")

    def lease_left(self, row: Any) -> float:
        """The seconds until the lease in a row ends, by the server's clock."""
        return float(row["lease_ends"] - row["now"])

    def is_lost(self) -> bool:
        """Whether the connection is gone, so that a new one is needed."""
        return self._connection is None or self._connection.closed

    def execute(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        if self._connection is None:
            raise self._psycopg.OperationalError("the connection is lost")
        statement = statement.replace("?", "%s").replace("clock()", CLOCK).replace("announce()", ANNOUNCE)
        return self._connection.execute(statement, values or None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction, which is the only one that may write from its first statement on.

        It is read committed, whatever the server's default, so that it sees what the one before it wrote.
        """
        try:
            self.execute(f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({LOCK})")
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._is_in_transaction():
                self.execute("ROLLBACK")
            raise

    def version(self) -> int:
        """The version of the store, 0 where there is none yet."""
        self._is_made = bool(self.execute(IS_MADE).fetchall())
        if not self._is_made:
            return 0
        (row,) = self.execute("SELECT version FROM assetops_receipts").fetchall()
        return int(row["version"])

    def set_version(self, version: int) -> None:
        """Write, within a transaction, that it is a store of this version now."""
        self.execute("CREATE TABLE IF NOT EXISTS assetops_receipts (version integer NOT NULL)")
        self.execute("DELETE FROM assetops_receipts")
        self.execute("INSERT INTO assetops_receipts VALUES (?)", (version,))

    def explain(self, error: Exception) -> str:
        """What one of `errors` means, and what to do."""
        why = as_sentence(" ".join(str(error).split()))
        errors = self._psycopg.errors
        if isinstance(error, (errors.InsufficientPrivilege, errors.InvalidSchemaName)):
            return f"{why} {self._how_to_share() if self._is_made else self._how_to_make()}"
        if isinstance(error, errors.ReadOnlySqlTransaction) and not self._read_only:
            return f"{why} {REPLICA}"
        if isinstance(error, errors.DuplicateTable):
            return f"{why}, and it is not the store's. Give the store a schema of its own, by options=-csearch_path%3D…"
        return why

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _check_encoding(self, encoding: str | None) -> None:
        """Raise `StoreError` for a database that cannot hold every text: a server may answer in any script."""
        if encoding not in ENCODINGS:
            self.close()
            raise StoreError(
                f"The receipt store {self.location} could not be opened: the database has the encoding {encoding}, in"
                " which not every server's answer can be written. Use a database with UTF8; an administrator makes one"
                " by: CREATE DATABASE receipts ENCODING 'UTF8' TEMPLATE template0;"
            )

    def _how_to_make(self) -> str:
        return (
            "The role needs a schema in which it may make tables. Let an administrator of the database run, once:"
            f' CREATE SCHEMA AUTHORIZATION "{self._user()}";'
        )

    def _how_to_share(self) -> str:
        return (
            "Let the owner of these tables run, once: GRANT SELECT, INSERT, UPDATE, DELETE ON receipts, attempts, runs,"
            f' digests, assetops_receipts TO "{self._user()}";'
        )

    def _user(self) -> str:
        return self._connection.info.user if self._connection is not None else "the role"

    def _is_in_transaction(self) -> bool:
        if self._connection is None or self._connection.closed:
            return False
        return bool(self._connection.info.transaction_status != self._psycopg.pq.TransactionStatus.IDLE)

    def _parameters(self) -> dict[str, Any]:
        given = self._psycopg.conninfo.conninfo_to_dict(self.location)
        parameters: dict[str, Any] = {name: value for name, value in CONNECTION.items() if name not in given}
        if "connect_timeout" not in given and not os.environ.get("PGCONNECT_TIMEOUT"):
            parameters["connect_timeout"] = int(min(CONNECT_TIMEOUT, self._timeout)) or 1
        if self._password is not None:
            parameters["password"] = self._password
        return parameters


def secrets_in(url: str) -> list[str]:
    """The secrets in a URL, which should have none, in each form in which they may be shown."""
    place, _unused, query = url.partition("//")[2].partition("?")
    login = place.partition("/")[0].rpartition("@")[0]
    found = [login.partition(":")[2]]
    found += [value for name, value in parse_qsl(query, keep_blank_values=True) if name in SECRETS]
    found += [pair.partition("=")[2] for pair in query.split("&") if unquote(pair.partition("=")[0]) in SECRETS]
    return [secret for secret in dict.fromkeys(found) if secret]


def check_url(url: str) -> None:
    """Raise `BadInput` for a URL with a password in it."""
    if secrets_in(url):
        raise BadInput(
            "receipts is a URL with a password in it. Give the password by receipts_password, or by PGPASSWORD, a file"
            " (PGPASSFILE) or a service (PGSERVICE) on the host where the module runs."
        )


def import_psycopg() -> Any:
    """The package psycopg. Raises `StoreError` where it is not installed."""
    try:
        import psycopg
        import psycopg.conninfo
        import psycopg.rows
    except ImportError as error:
        raise StoreError(
            "Receipts in a PostgreSQL database take the Python package psycopg, version 3.1 or newer, for"
            f" {sys.executable} on {socket.gethostname()}: pip install 'psycopg[binary]'. ({error})"
        ) from error
    return psycopg


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
