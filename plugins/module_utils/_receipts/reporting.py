# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report is made of: all attempts since some time, with little more of each than how it ended.

There may be a hundred thousand of them. So what takes long to read, such as the answers of servers, is read only for
those that are shown (`listing.receipts_by_key`).

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_text, parse_time, window_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import Filters, filter_condition
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import LIVE_STATES, OUTCOME_OF_DEAD_RUN
from ansible_collections.assetops.imports.plugins.module_utils._receipts.statements import A_WINDOW
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import A_DRY_RUN, has_later_success

SKEW = timedelta(days=1)  # by which a clock may have been set back while an import went on


class AttemptSummary(NamedTuple):
    """An attempt. `name` is the label of its target or, without one, the target itself.

    `what` is its source or stream: a later success of the same makes up for a failure. `is_current`: it is the
    attempt that counts for its import. `state` is as a run would understand it.
    """

    started_at: str
    key: str
    attempt: int
    finished_at: str | None
    name: str
    system: str
    what: str
    state: str
    is_current: bool
    is_dry_run: bool
    is_window: bool


def attempts_since(store: Store, filters: Filters, since: datetime) -> list[AttemptSummary]:
    """All attempts that began at that time or later, the first one first. Filters for times do not count."""
    of_what = Filters(system=filters.system, target=filters.target, label=filters.label)
    condition, values = filter_condition(of_what, ())
    changed_at = "attempts.changed_at" if _are_few(store, since) else "attempts.changed_at || ''"
    times = (as_text(since - SKEW), as_text(since))
    rows = store.read(_ATTEMPTS.format(changed_at) + condition, (A_DRY_RUN, A_WINDOW, *times, *values))
    # Made in the fastest way, as there may be so many.
    found = sorted(map(AttemptSummary._make, map(dict.values, rows) if rows and isinstance(rows[0], dict) else rows))
    dead_ends = _dead_ends(store)
    if not dead_ends:
        return found
    return [one._replace(state=dead_ends.get((one.key, one.attempt), one.state)) for one in found]


def is_still_missing(store: Store, one: Mapping[str, Any], now: datetime) -> bool:
    """Whether no later import covers the time range of an import, which is as `list_receipts` has it."""
    return window_of(one["options"]) is None or not has_later_success(store, one, now)


def _are_few(store: Store, since: datetime) -> bool:
    """Whether so few receipts were changed since then that an index is the faster way to them."""
    (row,) = store.read(_ENDS)
    if row["first"] is None:
        return True
    first, last = parse_time(row["first"]), parse_time(row["last"])
    return (last - since) < (last - first) / 3


def _dead_ends(store: Store) -> dict[tuple[str, int], str]:
    """How attempts of dead runs ended."""
    dead_ends = {}
    for row in store.read(_OF_LIVE_STATES):
        owner = store.owner(row)
        if owner is None or not owner.is_alive:
            dead_ends[row["key"], row["attempt"]] = OUTCOME_OF_DEAD_RUN[row["state"]][0]
    return dead_ends


# In the order of the fields of `AttemptSummary`.
_ATTEMPTS = """
SELECT attempts.started_at, attempts.key, attempts.attempt, attempts.finished_at,
       coalesce(attempts.label, receipts.target) AS name, receipts.system,
       CASE WHEN receipts.system = 'licstat' THEN attempts.source ELSE attempts.stream END AS what, attempts.state,
       receipts.attempt = attempts.attempt AS is_current, receipts.options LIKE ? AS is_dry_run,
       receipts.options LIKE ? AS is_window
FROM attempts CROSS JOIN receipts
WHERE receipts.key = attempts.key AND {} >= ? AND attempts.started_at >= ?
"""
_ENDS = "SELECT (SELECT min(changed_at) FROM attempts) AS first, (SELECT max(changed_at) FROM attempts) AS last"
_OF_LIVE_STATES = f"""
SELECT attempts.key, attempts.attempt, attempts.run, attempts.state,
       runs.host, runs.place, runs.pid, runs.pid_started, runs.lease_ends, clock() AS now
FROM attempts LEFT JOIN runs ON runs.id = attempts.run WHERE attempts.state IN {LIVE_STATES}
"""
