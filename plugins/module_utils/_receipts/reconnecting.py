# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and changing a database whose connection may get lost.

A lost connection is made again, and what was under way is done again over it, whether or not it had been done.
So each change has to be such that making it twice is making it once.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Callable, TypeVar

from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Database, Execute, store_errors

T = TypeVar("T")
PATIENCE = 30.0  # seconds that a run waits in all for a database that is away
PAUSE = 0.5  # seconds between two tries to reach it


class ReconnectingDatabase:
    """A database that is read and changed, over a new connection where one is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wait_until: float | None = None  # how long to wait for a database that is away; None while it is there

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a query finds. Raises `StoreError`."""
        with store_errors(self._database, "read"):
            return self._retry(lambda _is_retry: self._database.execute(query, values).fetchall())

    def write(self, change: Callable[[Execute, bool], T]) -> T:
        """Make a change in a transaction. Raises `StoreError`.

        `change` gets what executes statements, and whether this is a retry: then it may have been made before, as the
        answer to the commit was lost.
        """

        def in_transaction(is_retry: bool) -> T:
            with self._database.transaction():
                return change(self._database.execute, is_retry)

        with store_errors(self._database, "written"):
            return self._retry(in_transaction)

    def check_writable(self) -> None:
        """Raise `StoreError` where nothing could be written, for a run that only says what it would do."""
        with store_errors(self._database, "read"):
            self._retry(lambda _is_retry: self._database.check_writable())

    def listen(self) -> int | None:
        """Have outcomes that are written from now on announced here.

        Returns a file descriptor that can be read once one was; None where nothing is announced.
        """
        with store_errors(self._database, "read"):
            return self._retry(lambda _is_retry: self._database.listen())

    def close(self) -> None:
        self._database.close()

    def _wait_no_more(self) -> None:
        """From now on do not wait for a database that is away."""
        self._wait_until = time.monotonic()

    def _retry(self, work: Callable[[bool], T]) -> T:
        """Do the work; where the connection is lost, do it again over a new one.

        A database that is away is waited for, `PATIENCE` in all. After that everything is tried once, until it is back.
        """
        is_retry = False
        while True:
            was_lost = self._database.is_lost()
            try:
                if was_lost:
                    self._database.reconnect()
                result = work(is_retry)
            except self._database.errors:
                if not self._database.is_lost():
                    raise
                if self._wait_until is None:
                    self._wait_until = time.monotonic() + PATIENCE
                if was_lost:  # one that broke just now is made again at once
                    if time.monotonic() >= self._wait_until:
                        raise
                    time.sleep(PAUSE)
                is_retry = True
            else:
                self._wait_until = None
                return result
