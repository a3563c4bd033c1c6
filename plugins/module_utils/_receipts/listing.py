# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listing receipts, for people.

A receipt is shown as a run would understand it: an import whose run died after it had sent everything is `unknown`, and
a claim whose run died counts as what was known before it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    as_text,
    parse_time,
    window_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import (
    AT_WORK,
    IN_PLACE,
    LIVE_STATES,
    OUTCOME_OF_DEAD_RUN,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import chunks, placeholders

RECEIPT_STATES = (*AT_WORK, "unknown", "incomplete", "succeeded", "scheduled", "failed", "superseded")


@dataclass(frozen=True)
class Filters:
    """Which receipts are wanted. None stands for any, and so does an empty list of states.

    `since` (included) and `until` (not included) are for the time of the last change. `after` is the last change and
    the key of a receipt: only receipts that are listed after it are wanted.
    """

    key: str | None = None
    system: str | None = None
    target: str | None = None
    label: str | None = None
    source: str | None = None
    states: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[str, str] | None = None


def parse_time_option(text: str, option: str) -> datetime:
    """A time in ISO 8601 with `Z` or an offset, as it was given in an option. Raises `BadInput`."""
    try:
        moment = parse_time(text.strip())
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise BadInput(f"{option}: {text!r} is not a time like '2026-11-22T03:00:00Z', with Z or an offset.")
    return moment


def list_receipts(store: Store, filters: Filters, limit: int) -> list[dict[str, Any]]:
    """The newest receipts, by their last change."""
    return list_page(store, filters, limit)[0]


def list_page(store: Store, filters: Filters, limit: int) -> tuple[list[dict[str, Any]], tuple[str, str] | None]:
    """The newest receipts, and what `Filters.after` takes to list the next ones; None if there are no more."""
    if filters.states:
        # State by state, as the index has them. What a dead run left counts as another state, so all of it is read.
        rows = _rows(store, filters, LIVE_STATES)
        for state in filters.states:
            if state not in LIVE_STATES:
                rows += _rows(store, filters, (state,), limit + 1)
    else:
        rows = _rows(store, filters, (), limit + 1)
    rows.sort(key=lambda row: (row["changed_at"], row["key"]), reverse=True)
    described = ((row, _describe(store, row)) for row in rows)
    wanted = (pair for pair in described if not filters.states or pair[1]["state"] in filters.states)
    found = list(islice(wanted, limit + 1))
    last = found[limit - 1][0] if 0 < limit < len(found) else None
    return [receipt for _row, receipt in found[:limit]], last and (last["changed_at"], last["key"])


def count_by_state(store: Store, filters: Filters) -> dict[str, int]:
    """How many receipts there are in each state, whatever page they are on."""
    wanted = filters.states or RECEIPT_STATES
    stable = tuple(state for state in RECEIPT_STATES if state not in LIVE_STATES)
    filters = replace(filters, after=None)
    condition, values = filter_condition(filters, stable)
    query = COUNT if filters.label is None else _COUNT_OF_LABEL
    rows = store.read(f"{query} {condition} GROUP BY attempts.state", values)
    counts = Counter({row["state"]: int(row["count"]) for row in rows})
    counts.update(_describe(store, row)["state"] for row in _rows(store, filters, LIVE_STATES))
    return {state: counts[state] for state in RECEIPT_STATES if state in wanted and counts[state]}


def history_of(store: Store, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """All attempts of each import, the first one first."""
    found: dict[str, list[dict[str, Any]]] = {key: [] for key in keys}
    for some in chunks(keys):
        query = f"SELECT * FROM attempts WHERE key IN ({placeholders(some)}) ORDER BY key, attempt"
        for row in store.read(query, some):
            names = ("attempt", "state", "source", "size", "content_sha256", "remote_id", "message", *_TIMES)
            found[row["key"]].append({name: row[name] for name in names})
    return found


def receipts_by_key(store: Store, keys: list[str]) -> dict[str, dict[str, Any]]:
    """The receipts of these keys as `list_receipts` has them, with `history`, and `notes` of the system."""
    found: dict[str, dict[str, Any]] = {}
    for some in chunks(keys):
        histories = history_of(store, some)
        for row in store.read(f"{_LIST} AND receipts.key IN ({placeholders(some)})", some):
            notes = json.loads(row["detail"]).get("notes", {})
            found[row["key"]] = {**_describe(store, row), "history": histories[row["key"]], "notes": notes}
    return found


def receipt_by_key(store: Store, key: str) -> dict[str, Any] | None:
    """The receipt of this key, as `list_receipts` has it; None if there is none."""
    return next(iter(list_receipts(store, Filters(key=key), 1)), None)


def filter_condition(filters: Filters, states: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The filters as a condition in SQL, and its values. `states` are those in the database."""
    wanted = {
        "receipts.key = ?": filters.key,
        "receipts.system = ?": filters.system,
        "receipts.target = ?": filters.target,
        "attempts.label = ?": filters.label,
        "attempts.source = ?": filters.source,
        "attempts.changed_at >= ?": None if filters.since is None else as_text(filters.since),
        "attempts.changed_at < ?": None if filters.until is None else as_text(filters.until),
    }
    given = {condition: value for condition, value in wanted.items() if value is not None}
    condition, values = "".join(f" AND {condition}" for condition in given), list(given.values())
    if filters.after is not None:
        changed_at, key = filters.after
        condition += " AND attempts.changed_at <= ? AND (attempts.changed_at < ? OR attempts.key < ?)"
        values += (changed_at, changed_at, key)
    if states:
        condition += f" AND attempts.state IN ({placeholders(states)})"
        values += states
    return condition, values


_TIMES = ("started_at", "changed_at", "finished_at")
JOINED = "attempts CROSS JOIN receipts"  # SQLite keeps this order, and it is the faster one
CURRENT = "receipts.key = attempts.key AND receipts.attempt = attempts.attempt"
_LIST = f"""
SELECT receipts.key, receipts.system, receipts.target, receipts.options, attempts.attempt, attempts.run, attempts.state,
       attempts.source, attempts.size, attempts.content_sha256, attempts.remote_id, attempts.message, attempts.detail,
       attempts.started_at, attempts.changed_at, attempts.finished_at, attempts.label, attempts.period,
       (SELECT max(other.attempt) FROM attempts AS other WHERE other.key = receipts.key) AS newest,
       runs.host, runs.place, runs.pid, runs.pid_started, runs.lease_ends, clock() AS now
FROM {JOINED} LEFT JOIN runs ON runs.id = attempts.run WHERE {CURRENT}
"""
# In the order of the keys, where no index says which.
COUNT = f"SELECT attempts.state, count(*) AS count FROM receipts CROSS JOIN attempts WHERE {CURRENT}"
_COUNT_OF_LABEL = f"SELECT attempts.state, count(*) AS count FROM {JOINED} WHERE {CURRENT}"
_BEFORE_A_CLAIM = f"SELECT * FROM attempts WHERE key = ? AND state IN {IN_PLACE} ORDER BY attempt DESC LIMIT 1"


def _rows(store: Store, filters: Filters, states: tuple[str, ...], limit: int | None = None) -> list[Any]:
    """The rows of receipts in these states, the newest first. `states` are those in the database, none for any."""
    condition, values = filter_condition(filters, states)
    # With a label, not by the index of changes: SQLite would go through all of it rather than sort a few rows.
    changed_at = "attempts.changed_at" if filters.label is None else "attempts.changed_at || ''"
    query = f"{_LIST} {condition} ORDER BY {changed_at} DESC, attempts.key DESC"
    return store.read(query, values) if limit is None else store.read(f"{query} LIMIT ?", (*values, limit))


def _describe(store: Store, row: Any) -> dict[str, Any]:
    """A receipt for people, as a run would understand it."""
    owner, options = store.owner(row), json.loads(row["options"])
    is_at_work = owner is not None and owner.is_alive and row["state"] in AT_WORK
    state, message, attempt = row["state"], row["message"], row
    if state in LIVE_STATES and not is_at_work:
        state, message = OUTCOME_OF_DEAD_RUN[state]
        earlier = store.read(_BEFORE_A_CLAIM, (row["key"],)) if row["state"] == "claimed" else []
        if earlier:
            attempt = earlier[0]
            state, message = attempt["state"], attempt["message"]
    return {
        **{name: row[name] for name in ("key", "system", "target")},
        "source": attempt["source"],
        "size": attempt["size"],
        "content_sha256": attempt["content_sha256"],
        "label": attempt["label"],
        "period": attempt["period"] and json.loads(attempt["period"]),
        "window": window_of(options),
        "options": options,
        "state": state,
        "remote_id": attempt["remote_id"],
        "message": message,
        "server": json.loads(attempt["detail"]).get("server"),
        "attempt": attempt["attempt"],
        "attempts": row["newest"],
        **{name: attempt[name] for name in _TIMES},
        "owner": {"host": owner.host, "pid": owner.pid} if owner is not None and is_at_work else None,
    }
