# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether targets get their imports, by the receipts: the last success, and what did not end well since.

A store may hold the receipts of years, so these queries are answered by indexes. Single imports are read only for
targets at which something did not end well, and only the newest.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_text, window_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import (
    Filters,
    count_by_state,
    list_receipts,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import LIVE_STATES
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

GOOD = ("succeeded", "scheduled")
OPEN = ("claimed", "sent", "submitted", "unknown", "incomplete", "failed")
REPORTED_FOR = timedelta(days=35)  # how long a failure without a later success is reported
READ_IMPORTS = 20  # the newest imports of a target that are read in each state
REPORTED_IMPORTS = 5  # of those, how many without a later success are reported
READ_SUCCESSES = 20  # successes of a target among which its last time range is searched
LATER_SUCCESSES = 50  # successes after an import that are compared with it
TOLERANCE = timedelta(seconds=300)  # by which a clock may have been ahead
A_DRY_RUN = '%"dry_run":true%'  # in the options of a receipt, which are canonical JSON


@dataclass
class TargetHistory:
    """What the receipts say about a target. Dry runs are counted, and otherwise left out.

    `last_success` is when its last successful import ended; `ahead` is such a time that lies in the future, and so
    proves nothing. `counts`: imports by state. `open`: imports that did not end well or have not ended, without a later
    success, the newest first, as `list_receipts` has them. `window_end`: up to where time ranges of a log are imported,
    as the option has it.
    """

    last_success: str | None = None
    ahead: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    open: list[dict[str, Any]] = field(default_factory=list)
    window_end: str | None = None


Name = tuple[str, str]
"""The label of a target, and the kind of its system."""


def target_histories(store: Store, good: Mapping[Name, Collection[str]], now: datetime) -> dict[Name, TargetHistory]:
    """What is known of these targets. `good`: the states that count as a success there, besides the usual ones."""
    limit = as_text(now + TOLERANCE)
    found = {name: TargetHistory() for name in good}
    for row in store.read(_BY_STATE, (A_DRY_RUN, A_DRY_RUN, limit)):
        name = (row["label"], row["system"])
        if name in found:
            found[name].counts[row["state"]] += int(row["count"])
            if row["state"] in (*GOOD, *good[name]):
                _note_success(found[name], limit, row["newest"], row["last"])
    for name, target in found.items():
        _add_open_imports(store, name, target, good[name], now)
    return found


def _note_success(target: TargetHistory, limit: str, *times: str | None) -> None:
    for time in filter(None, times):
        if time > limit:
            target.ahead = max(target.ahead or "", time)
        else:
            target.last_success = max(target.last_success or "", time)


def _add_open_imports(store: Store, name: Name, target: TargetHistory, good: Collection[str], now: datetime) -> None:
    """Add the newest imports that did not end well, or have not ended, and correct what dead runs left."""
    label, system = name
    states = {state for state in OPEN if target.counts[state]}
    if states.intersection(LIVE_STATES):  # a dead run may have left any state
        states = set(OPEN)
        target.counts = Counter(count_by_state(store, Filters(system=system, label=label)))
        for one in _imports(store, name, GOOD):
            _note_success(target, as_text(now + TOLERANCE), one["finished_at"])
    # Each state by itself, so that many of one do not hide another.
    for state in sorted(states.difference(good)):
        found = _imports(store, name, (state,))
        target.open += islice((one for one in found if not has_later_success(store, one, now)), REPORTED_IMPORTS)
    target.open.sort(key=lambda one: str(one["changed_at"]), reverse=True)
    if system == "licstat" and target.counts["succeeded"]:
        rows = store.read(_LAST_WINDOWS, (label, READ_SUCCESSES))
        windows = filter(None, (window_of(json.loads(row["options"])) for row in rows))
        target.window_end = max((str(window["to"]) for window in windows), default=None)


def _imports(store: Store, name: Name, states: tuple[str, ...]) -> list[dict[str, Any]]:
    """The newest imports of a target in these states."""
    label, system = name
    found = list_receipts(store, Filters(system=system, label=label, states=states), READ_IMPORTS)
    return [one for one in found if not one["options"].get("dry_run")]


def has_later_success(store: Store, one: Mapping[str, Any], now: datetime) -> bool:
    """Whether an import that failed, or is incomplete, does not matter any more, as a later one succeeded in its place.

    That is one of the same file, of the same stream where the content is a state, or of a time range that covers it.
    """
    if one["state"] not in ("failed", "incomplete"):
        return False
    ended = one["finished_at"] or one["changed_at"]
    if one["window"] is not None:
        rows = store.read(_LATER_WINDOWS, (one["label"], ended, one["target"], LATER_SUCCESSES))
        return any(_covers(json.loads(row["options"]), one["options"]) for row in rows)
    if ended < as_text(now - REPORTED_FOR):
        return True
    if one["system"] == "licstat":
        return bool(store.read(_LATER_OF_SOURCE, (one["label"], ended, LATER_SUCCESSES, one["source"])))
    return bool(store.read(_LATER_IN_STREAM, (ended, one["key"], one["attempt"])))


def _covers(options: Mapping[str, Any], missed: Mapping[str, Any]) -> bool:
    """Whether a time range covers another one, and is of the same kind."""
    window, inner = window_of(options), window_of(missed)
    if window is None or inner is None:
        return False
    rest, other = ({name: one[name] for name in one if name not in ("from", "to")} for one in (options, missed))
    return rest == other and (window["from"] or "") <= (inner["from"] or "") and str(window["to"]) >= str(inner["to"])


# The index of labels answers this alone, but for the system.
_BY_STATE = """
SELECT attempts.label, receipts.system, attempts.state, count(*) AS count,
       max(CASE WHEN receipts.options NOT LIKE ? THEN attempts.finished_at END) AS last,
       max(CASE WHEN receipts.options NOT LIKE ? AND attempts.finished_at <= ? THEN attempts.finished_at END) AS newest
FROM attempts CROSS JOIN receipts
WHERE receipts.key = attempts.key AND receipts.attempt = attempts.attempt AND attempts.label IS NOT NULL
GROUP BY attempts.label, receipts.system, attempts.state
"""
_OPTIONS_OF_LABEL = """
SELECT receipts.options FROM attempts CROSS JOIN receipts
WHERE receipts.key = attempts.key AND receipts.attempt = attempts.attempt AND attempts.label = ?
    AND attempts.state = 'succeeded'
"""
_LAST_WINDOWS = f"{_OPTIONS_OF_LABEL} ORDER BY attempts.finished_at DESC LIMIT ?"
_LATER_WINDOWS = (
    f"{_OPTIONS_OF_LABEL} AND attempts.finished_at > ? AND receipts.target = ? ORDER BY attempts.finished_at LIMIT ?"
)
_LATER_OF_SOURCE = """
SELECT 1 AS one FROM (
    SELECT source FROM attempts WHERE label = ? AND state = 'succeeded' AND finished_at > ? ORDER BY finished_at LIMIT ?
) AS later WHERE source = ? LIMIT 1
"""
_LATER_IN_STREAM = f"""
SELECT 1 AS one FROM attempts WHERE state IN {GOOD} AND finished_at > ?
    AND stream = (SELECT stream FROM attempts WHERE key = ? AND attempt = ?) LIMIT 1
"""
