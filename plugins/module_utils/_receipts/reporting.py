# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report is made of: all attempts of a time, with no more of each than tells how it went.

There may be a hundred thousand, so what takes long, as a server's answers and the history, is read only of those that
are shown (`bookkeeping.of_keys`).

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_text, window_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts.bookkeeping import (
    OF_THE_LIVING,
    Filters,
    condition_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import A_WINDOW, AT_WORK, ENDS, Store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import A_DRY_RUN, is_made_up_for

SKEW = timedelta(days=1)  # by which a clock may have been set back while an import went on


class Tried(NamedTuple):
    """An attempt. `name` is the label of its target or, without one, the target itself.

    `what` is what it was made from, as far as a later import of the same makes up for it. `is_current`: it is the one
    that counts of its import. `state` is as a run would understand it.
    """

    started_at: str
    finished_at: str | None
    name: str
    system: str
    key: str
    what: str
    state: str
    is_current: bool
    is_dry_run: bool
    is_window: bool


def attempts_since(store: Store, filters: Filters, since: datetime) -> list[Tried]:
    """All attempts that began at that time or later, the first one first. No filter of time counts."""
    of_what = Filters(system=filters.system, target=filters.target, label=filters.label)
    condition, values = condition_of(of_what, ())
    times = (as_text(since - SKEW), as_text(since))
    found = store.ask(f"{_ATTEMPTS} {condition} ORDER BY attempts.started_at, attempts.key", (*_KINDS, *times, *values))
    ended = _ended(store)
    return [_tried(row, ended) for row in found]


def is_still_missing(store: Store, one: Mapping[str, Any], now: datetime) -> bool:
    """Whether no later import of a time range has the one of an import in it, as `bookkeeping` tells the latter."""
    return window_of(one["options"]) is None or not is_made_up_for(store, one, now)


def _tried(row: Any, ended: Mapping[tuple[str, int], str]) -> Tried:
    state = row["state"]
    if state in OF_THE_LIVING:
        state = ended.get((row["key"], row["attempt"]), state)
    return Tried(
        row["started_at"],
        row["finished_at"],
        row["name"],
        row["system"],
        row["key"],
        row["what"],
        state,
        bool(row["is_current"]),
        bool(row["is_dry_run"]),
        bool(row["is_window"]),
    )


def _ended(store: Store) -> dict[tuple[str, int], str]:
    """How attempts ended whose runs died at it."""
    ended = {}
    for row in store.ask(_OF_THE_LIVING):
        owner = store.owner(row)
        if owner is None or not owner.is_alive or row["state"] not in AT_WORK:
            ended[row["key"], row["attempt"]] = ENDS[row["state"]][0]
    return ended


_KINDS = (A_DRY_RUN, A_WINDOW)
_ATTEMPTS = """
SELECT attempts.key, attempts.attempt, attempts.state, attempts.started_at, attempts.finished_at, receipts.system,
       coalesce(attempts.label, receipts.target) AS name,
       CASE WHEN receipts.system = 'licstat' THEN attempts.source ELSE attempts.stream END AS what,
       receipts.attempt = attempts.attempt AS is_current, receipts.options LIKE ? AS is_dry_run,
       receipts.options LIKE ? AS is_window
FROM attempts JOIN receipts ON receipts.key = attempts.key
WHERE attempts.changed_at >= ? AND attempts.started_at >= ?
"""
_OF_THE_LIVING = f"""
SELECT attempts.key, attempts.attempt, attempts.run, attempts.state,
       runs.host, runs.place, runs.pid, runs.pid_started, runs.lease_ends, clock() AS now
FROM attempts LEFT JOIN runs ON runs.id = attempts.run WHERE attempts.state IN {OF_THE_LIVING}
"""
