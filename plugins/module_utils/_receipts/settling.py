# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settling imports that are in doubt, and forgetting receipts.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Execute
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import (
    COUNT,
    CURRENT,
    JOINED,
    Filters,
    filter_condition,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.outcomes import note_outcome
from ansible_collections.assetops.imports.plugins.module_utils._receipts.statements import FALL_BACK
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import (
    chunks,
    escape_unstorable,
    placeholders,
    to_json,
)

FINISHED = ("succeeded", "scheduled", "failed", "superseded")
IN_DOUBT = ("submitted", "unknown", "incomplete")  # a look at the server can settle these
SETTLEABLE = (*IN_DOUBT, "failed")
DEAD_RUNS = 32 * 24 * 3600.0  # seconds after which a run that did not end well is forgotten; no clock is set so far


def settle(store: Store, imports: Sequence[dict[str, Any]], state: str, comment: str | None) -> None:
    """Write that these imports have succeeded, or failed: all of them, or none.

    Each is a receipt as `list_receipts` has it. Raises `BadInput` where one cannot be settled, or has changed since.
    The notes of one that is settled as failed are dropped, so it is sent from its first step on: the last one may have
    been done, too.
    """
    for receipt in imports:
        check_settleable(receipt)
    now = now_text()

    def write(execute: Execute, is_retry: bool) -> None:
        for receipt in imports:
            _check_no_new_attempt(execute, receipt)
            key, attempt = receipt["key"], receipt["attempt"]
            message = f"Settled as {state} by user id {os.getuid()}, it was {receipt['state']}."
            message += f" {comment}" if comment else ""
            detail = (to_json({"server": receipt["server"]}),) if state == "failed" else ()
            settled = execute(_SETTLE[state], (state, escape_unstorable(message), now, *detail, key, attempt))
            if settled.rowcount == 0 and not is_retry:
                raise BadInput(f"Another run wrote what became of {key} meanwhile. Nothing was settled. Look again.")
            note_outcome(execute, key, attempt)
            if state == "failed":
                execute(FALL_BACK, (key, key, attempt))

    store.write(write)


def forget(store: Store, imports: Sequence[dict[str, Any]], old: Filters | None = None) -> int:
    """Forget these imports, as if they had never been tried, and those that `old` chooses: all of them, or none.

    Returns how many they were. Raises `BadInput` while a run is at work on one of `imports`.
    """
    for receipt in imports:
        check_not_at_work(receipt)

    def write(execute: Execute, _is_retry: bool) -> int:
        for receipt in imports:
            _check_no_new_attempt(execute, receipt)
        keys = [str(receipt["key"]) for receipt in imports]
        if old is not None:
            keys += [row["key"] for row in execute(*_finished(_KEYS, old)).fetchall()]
            _forget_dead_runs(store, execute)
        for some in chunks(keys):
            _delete(execute, some)
        return len(keys)

    return store.write(write)


def count_finished(store: Store, filters: Filters) -> int:
    """How many imports are in the states of `filters`, which are some of `FINISHED`."""
    return sum(int(row["count"]) for row in store.read(*_finished(COUNT, filters, " GROUP BY attempts.state")))


def check_not_at_work(receipt: dict[str, Any]) -> None:
    """Raise `BadInput` while a run is at work on an import, by its receipt."""
    owner = receipt["owner"]
    if owner is not None:
        raise BadInput(
            f"A run is at work on {receipt['key']} (process {owner['pid']} on {owner['host']}). Wait for its end, or"
            " end it."
        )


def check_settleable(receipt: dict[str, Any]) -> None:
    """Raise `BadInput` for an import that cannot be settled: a run is at work on it, or it is not in doubt."""
    check_not_at_work(receipt)
    if receipt["state"] not in SETTLEABLE:
        raise BadInput(
            f"{receipt['key']} is {receipt['state']}, so it is not in doubt, and cannot be settled otherwise."
            " state=absent forgets it."
        )


_KEYS = f"SELECT receipts.key FROM {JOINED} WHERE {CURRENT}"
# What is settled keeps the time at which its run ended, so that old data does not look new. A claim is that of a dead
# run. A success gets its place in the order of commit points, by which the newest of a stream is found.
_SETTLE = {
    state: f"""
UPDATE attempts SET state = ?, message = ?, finished_at = coalesce(finished_at, changed_at), changed_at = ?{place}
WHERE key = ? AND attempt = ? AND state IN {("claimed", "sent", *SETTLEABLE)}
"""
    for state, place in (
        ("failed", ", detail = ?"),
        ("succeeded", ", sent = coalesce(sent, (SELECT coalesce(max(sent), 0) + 1 FROM attempts))"),
    )
}


def _finished(query: str, filters: Filters, ending: str = "") -> tuple[str, list[Any]]:
    """A query about imports that are over, and its values."""
    condition, values = filter_condition(filters, filters.states)
    return f"{query} {condition}{ending}", values


def _forget_dead_runs(store: Store, execute: Execute) -> None:
    for run in execute("SELECT id, place, lease_ends, clock() AS now FROM runs").fetchall():
        if store.lease_left(run) < -DEAD_RUNS:
            execute("DELETE FROM runs WHERE id = ?", (run["id"],))


def _check_no_new_attempt(execute: Execute, receipt: dict[str, Any]) -> None:
    """Raise `BadInput` where an attempt was begun since the receipt was read."""
    query = "SELECT coalesce(max(attempt), 0) AS newest FROM attempts WHERE key = ?"
    if execute(query, (receipt["key"],)).fetchone()["newest"] > receipt["attempts"]:
        raise BadInput(f"Another run began {receipt['key']} anew meanwhile. Look again.")


def _delete(execute: Execute, keys: list[str]) -> None:
    for table in ("attempts", "receipts"):
        execute(f"DELETE FROM {table} WHERE key IN ({placeholders(keys)})", keys)
