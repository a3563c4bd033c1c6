# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a receipt store needs of a database.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Callable, Protocol, TypeVar

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError

T = TypeVar("T")


class Rows(Protocol):
    """The result of a statement: rows with values by name."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


Execute = Callable[..., Rows]


class Database(Protocol):
    """A connection to a database, as the store uses it.

    `location` is for people. `errors`: what it raises. `is_shared`: runs on other hosts may use it, too, and its clock
    may be set. `table_ending`: what follows the columns in `CREATE TABLE`. `lease_left`: the seconds until the lease in
    a run's row ends. `listen`: subscribe to announcements; returns a descriptor that can be read once there is one.
    The checks are for runs that only say what they would do.
    """

    @property
    def location(self) -> str: ...

    @property
    def errors(self) -> tuple[type[Exception], ...]: ...

    @property
    def is_shared(self) -> bool: ...

    @property
    def table_ending(self) -> str: ...

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows: ...

    def transaction(self) -> AbstractContextManager[None]: ...

    def version(self) -> int: ...

    def set_version(self, version: int) -> None: ...

    def check_creatable(self) -> None: ...

    def check_writable(self) -> None: ...

    def lease_left(self, row: Any) -> float: ...

    def is_lost(self) -> bool: ...

    def reconnect(self) -> None: ...

    def second_connection(self, timeout: float) -> Database | None: ...

    def listen(self) -> int | None: ...

    def explain(self, error: Exception) -> str: ...

    def close(self) -> None: ...


@contextmanager
def store_errors(database: Database, verb: str) -> Iterator[None]:
    """Turn the errors of a database into `StoreError`, in words for a person."""
    try:
        yield
    except database.errors as error:
        raise store_error(database.location, verb, database.explain(error)) from error


def store_error(shown: str, verb: str, reason: str) -> StoreError:
    return StoreError(f"The receipt store {shown} could not be {verb}: {reason}")
