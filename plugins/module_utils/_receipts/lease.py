# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease of a run, by which other runs see that it is alive.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing, suppress
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError
from ansible_collections.assetops.imports.plugins.module_utils._common.threads import start_thread
from ansible_collections.assetops.imports.plugins.module_utils._receipts import processes
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Database

LEASE = 30.0  # seconds
RENEWAL = 5.0  # seconds between renewals of the lease
RENEWAL_TIMEOUT = 10.0  # seconds; a renewal gives up well before the lease ends
OWN_RUNS: set[str] = set()  # runs at work in this process


class Lease:
    """Renews a run's lease until it is ended, in a thread with a connection of its own.

    A store in memory needs no renewal.
    """

    def __init__(self, run: str, database: Database) -> None:
        self._run = run
        self._over = threading.Event()
        OWN_RUNS.add(run)
        start_thread(self._renew, database)

    def end(self) -> None:
        OWN_RUNS.discard(self._run)
        self._over.set()

    def _renew(self, database: Database) -> None:
        while not self._over.wait(RENEWAL):
            # A failure is tried again. If another run takes over meanwhile, this one finds out at its commit point.
            with suppress(*database.errors, StoreError), ExitStack() as stack:
                second = database.second_connection(RENEWAL_TIMEOUT)
                if second is None:
                    return
                stack.enter_context(closing(second))
                stack.enter_context(second.transaction())
                second.execute("UPDATE runs SET lease_ends = clock() + ? WHERE id = ?", (LEASE, self._run))


def longest_silence() -> float:
    """The seconds within which a living run renews its lease."""
    return RENEWAL + RENEWAL_TIMEOUT


def has_process(row: Any) -> bool | None:
    """Whether the process of the run in a row is alive; None where that cannot be seen from here."""
    host_name, place, pid, _start = processes.this_process()
    if not place or (row["host"], row["place"]) != (host_name, place):
        return None
    is_alive = processes.is_alive(row["pid"], str(row["pid_started"]))
    return row["run"] in OWN_RUNS if is_alive and row["pid"] == pid else is_alive
