# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which runs are still at work: by their processes where those can be seen, otherwise by their leases.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Database
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import AT_WORK, Owner
from ansible_collections.assetops.imports.plugins.module_utils._receipts.reconnecting import ReconnectingDatabase
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import placeholders

PAUSE = 0.5  # seconds between two looks at leases that are watched


class Liveness:
    """Tells whether the other runs in a store are alive, as run `own_run` sees it."""

    def __init__(self, own_run: str, database: Database, store: ReconnectingDatabase) -> None:
        self._own_run = own_run
        self._database = database
        self._store = store
        self._dead: set[str] = set()  # runs that were watched and did not renew their lease

    def owner(self, row: Any) -> Owner | None:
        """The other run that is at work on the attempt in a row, or was when it died."""
        if row["host"] is None or row["run"] == self._own_run:
            return None
        return Owner(row["run"], row["host"], row["pid"], self._is_alive(row))

    def living_owners(self, rows: list[Any]) -> list[Owner]:
        """The other runs in these rows that are alive, each once."""
        owners = {row["run"]: self.owner(row) for row in rows}
        return [owner for owner in owners.values() if owner is not None and owner.is_alive]

    def watch(self, rows: list[Any]) -> bool:
        """Watch whether the runs in these rows that look dead renew their lease; whether there were any to watch.

        Only a clock that may be set makes a living run look dead, and only until it renews its lease.
        """
        doubtful = {row["run"]: row["lease_ends"] for row in rows if self._is_doubtful(row)}
        deadline = time.monotonic() + lease.longest_silence()
        left = doubtful
        while left and time.monotonic() < deadline:
            time.sleep(PAUSE)
            found = self._store.read(_LEASES.format(placeholders(list(left))), list(left))
            lease_ends = {row["id"]: row["lease_ends"] for row in found}
            left = {run: ends for run, ends in left.items() if lease_ends.get(run) == ends}
        self._dead.update(left)
        return bool(doubtful)

    def _is_alive(self, row: Any) -> bool:
        has_process = lease.has_process(row)
        return self._has_lease(row) if has_process is None else has_process

    def _has_lease(self, row: Any) -> bool:
        """Whether a lease is valid. If it ends later than any lease can, a clock was set back, and it is not."""
        return 0 < self._database.lease_left(row) <= 2 * lease.LEASE

    def _is_doubtful(self, row: Any) -> bool:
        """Whether it matters if the run in a row is alive, while nothing shows it but a lease that looks over."""
        if not self._database.is_shared or row["state"] not in AT_WORK or row["host"] is None:
            return False
        if row["run"] in (self._own_run, *self._dead):
            return False
        return lease.has_process(row) is None and not self._has_lease(row)


_LEASES = "SELECT id, lease_ends FROM runs WHERE id IN ({})"
