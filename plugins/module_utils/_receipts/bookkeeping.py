# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people do with receipts: list them, settle one that is in doubt, forget what is not needed any more.

Here a receipt is told as a run would understand it: one whose run died after it had sent everything is `unknown`, and a
claim whose run died is what was known before it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    as_text,
    now_text,
    parse_time,
    window_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Execute
from ansible_collections.assetops.imports.plugins.module_utils._receipts.outcomes import note_outcome
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import (
    AT_WORK,
    IN_PLACE,
    OUTCOME_OF_DEAD_RUN,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.statements import FALL_BACK
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import (
    chunks,
    escape_unstorable,
    placeholders,
    to_json,
)

STATES = ("claimed", "sent", "submitted", "unknown", "incomplete", "succeeded", "scheduled", "failed", "superseded")
FINISHED = ("succeeded", "scheduled", "failed", "superseded")
IN_DOUBT = ("submitted", "unknown", "incomplete")  # what a look at the server can settle
SETTLEABLE = (*IN_DOUBT, "failed")
LIVE_STATES = ("claimed", "sent")  # states that mean something else once their run is dead
DEAD_RUNS = 32 * 24 * 3600.0  # seconds after which a run that did not end well is forgotten; no clock is set so far


@dataclass(frozen=True)
class Filters:
    """Which receipts are wanted; None and an empty list of states for any.

    By their last change, at `since` or later, and before `until`. With `after`, those that come after a receipt, which
    is known by its last change and its key, in the order in which they are listed.
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


def moment(text: str, option: str) -> datetime:
    """A point in time as ISO 8601 with `Z` or an offset. Raises `BadInput`."""
    try:
        found = parse_time(text.strip())
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise BadInput(f"{option}: {text!r} is not a time like '2026-11-22T03:00:00Z', with Z or an offset.")
    return found


def listed(store: Store, filters: Filters, limit: int) -> list[dict[str, Any]]:
    """The newest receipts, by their last change."""
    return page_of(store, filters, limit)[0]


def page_of(store: Store, filters: Filters, limit: int) -> tuple[list[dict[str, Any]], tuple[str, str] | None]:
    """The newest receipts, and the last of them as `Filters` want it for those that follow; None: there are no more."""
    if filters.states:
        # State by state, as an index knows them. What a run that died has left turns out to be something else.
        rows = _rows(store, filters, LIVE_STATES)
        for state in filters.states:
            if state not in LIVE_STATES:
                rows += _rows(store, filters, (state,), limit + 1)
    else:
        rows = _rows(store, filters, (), limit + 1)
    rows.sort(key=lambda row: (row["changed_at"], row["key"]), reverse=True)
    described = ((row, _told(store, row)) for row in rows)
    found = list(
        islice((pair for pair in described if not filters.states or pair[1]["state"] in filters.states), limit + 1)
    )
    last = found[limit - 1][0] if 0 < limit < len(found) else None
    return [one for _row, one in found[:limit]], last and (last["changed_at"], last["key"])


def counted(store: Store, filters: Filters) -> dict[str, int]:
    """How many receipts there are in each state, of all pages."""
    asked = filters.states or STATES
    plain = tuple(state for state in STATES if state not in LIVE_STATES)
    filters = replace(filters, after=None)
    condition, values = condition_of(filters, plain)
    question = _COUNT if filters.label is None else _COUNT_OF_LABEL
    rows = store.read(f"{question} {condition} GROUP BY attempts.state", values)
    counts = Counter({row["state"]: int(row["count"]) for row in rows})
    counts.update(_told(store, row)["state"] for row in _rows(store, filters, LIVE_STATES))
    return {state: counts[state] for state in STATES if state in asked and counts[state]}


def history_of(store: Store, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """All attempts of each import, the first one first."""
    found: dict[str, list[dict[str, Any]]] = {key: [] for key in keys}
    for some in chunks(keys):
        question = f"SELECT * FROM attempts WHERE key IN ({placeholders(some)}) ORDER BY key, attempt"
        for row in store.read(question, some):
            names = ("attempt", "state", "source", "size", "content_sha256", "remote_id", "message", *_TIMES)
            found[row["key"]].append({name: row[name] for name in names})
    return found


def of_keys(store: Store, keys: list[str]) -> dict[str, dict[str, Any]]:
    """The receipts of these keys as `listed` tells them, with their `history`, and what the system noted in `notes`."""
    found: dict[str, dict[str, Any]] = {}
    for some in chunks(keys):
        histories = history_of(store, some)
        for row in store.read(f"{_LIST} AND receipts.key IN ({placeholders(some)})", some):
            notes = json.loads(row["detail"]).get("notes", {})
            found[row["key"]] = {**_told(store, row), "history": histories[row["key"]], "notes": notes}
    return found


def condition_of(filters: Filters, states: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The filters in SQL, and their values; `states` are those in the database."""
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


def one_of(store: Store, key: str) -> dict[str, Any] | None:
    """The receipt of this key."""
    return next(iter(listed(store, Filters(key=key), 1)), None)


def settle(store: Store, imports: Sequence[dict[str, Any]], state: str, comment: str | None) -> None:
    """Write that these imports have succeeded, or failed; all of them, or none.

    Each is a receipt as `listed` tells it. Raises `BadInput` where one cannot be settled, or is not as it was any more.
    What has failed so is sent anew: the steps that were noted of it are no place to go on from, as all may be done.
    """
    for known in imports:
        check_that_it_can_be_settled(known)
    now = now_text()

    def write(execute: Execute, is_again: bool) -> None:
        for known in imports:
            _check_that_nobody_began(execute, known)
            key, attempt = known["key"], known["attempt"]
            message = f"Settled as {state} by user id {os.getuid()}, it was {known['state']}." + _said(comment)
            detail = (to_json({"server": known["server"]}),) if state == "failed" else ()
            settled = execute(_SETTLE[state], (state, escape_unstorable(message), now, *detail, key, attempt))
            if settled.rowcount == 0 and not is_again:
                raise BadInput(f"Another run wrote what became of {key} meanwhile. Nothing was settled. Look again.")
            note_outcome(execute, key, attempt)
            if state == "failed":
                execute(FALL_BACK, (key, key, attempt))

    store.write(write)


def forget(store: Store, imports: Sequence[dict[str, Any]], old: Filters | None = None) -> int:
    """Forget these imports: as far as the store knows, nobody ever tried them. And those `old` ones that are over.

    All of them, or none; how many they were. Raises `BadInput` while a run is at one of `imports`.
    """
    for known in imports:
        check_that_nobody_is_at_it(known)

    def write(execute: Execute, _is_again: bool) -> int:
        for known in imports:
            _check_that_nobody_began(execute, known)
        keys = [str(known["key"]) for known in imports]
        if old is not None:
            keys += [row["key"] for row in execute(*_over(_KEYS, old)).fetchall()]
            _forget_dead_runs(store, execute)
        for some in chunks(keys):
            _delete(execute, some)
        return len(keys)

    return store.write(write)


def count_of_finished(store: Store, filters: Filters) -> int:
    """How many imports are over in one of the states of `filters`, which are of `FINISHED`."""
    return sum(int(row["count"]) for row in store.read(*_over(_COUNT, filters, " GROUP BY attempts.state")))


def check_that_nobody_is_at_it(known: dict[str, Any]) -> None:
    """Raise `BadInput` while a run is at work on an import, as far as its receipt tells."""
    if known["owner"] is not None:
        raise BadInput(
            f"A run is at work on {known['key']} (process {known['owner']['pid']} on {known['owner']['host']}). Wait"
            " for its end, or end it."
        )


def check_that_it_can_be_settled(known: dict[str, Any]) -> None:
    """Raise `BadInput` for an import that nobody can settle: a run is at work on it, or it is known to be in."""
    check_that_nobody_is_at_it(known)
    if known["state"] not in SETTLEABLE:
        raise BadInput(
            f"{known['key']} is {known['state']}, so it is not in doubt, and cannot be settled otherwise. state=absent"
            " forgets it."
        )


_TIMES = ("started_at", "changed_at", "finished_at")
_JOINED = "attempts CROSS JOIN receipts"  # in this order: SQLite takes it as it stands, and it is the right one
_CURRENT = "receipts.key = attempts.key AND receipts.attempt = attempts.attempt"
_LIST = f"""
SELECT receipts.key, receipts.system, receipts.target, receipts.options, attempts.attempt, attempts.run, attempts.state,
       attempts.source, attempts.size, attempts.content_sha256, attempts.remote_id, attempts.message, attempts.detail,
       attempts.started_at, attempts.changed_at, attempts.finished_at, attempts.label, attempts.period,
       (SELECT max(other.attempt) FROM attempts AS other WHERE other.key = receipts.key) AS newest,
       runs.host, runs.place, runs.pid, runs.pid_started, runs.lease_ends, clock() AS now
FROM {_JOINED} LEFT JOIN runs ON runs.id = attempts.run WHERE {_CURRENT}
"""
# The other way round, in the order of the keys, where an index does not know which.
_COUNT = f"SELECT attempts.state, count(*) AS count FROM receipts CROSS JOIN attempts WHERE {_CURRENT}"
_COUNT_OF_LABEL = f"SELECT attempts.state, count(*) AS count FROM {_JOINED} WHERE {_CURRENT}"
_KEYS = f"SELECT receipts.key FROM {_JOINED} WHERE {_CURRENT}"
_BEFORE_A_CLAIM = f"SELECT * FROM attempts WHERE key = ? AND state IN {IN_PLACE} ORDER BY attempt DESC LIMIT 1"
# What is settled keeps the time at which its run ended: nobody shall take old data for new because of it. A claim is
# that of a dead run. A success gets its place in the order of commit points, by which a stream's newest is told.
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


def _over(question: str, filters: Filters, ending: str = "") -> tuple[str, list[Any]]:
    """A question about what is over, with its values."""
    condition, values = condition_of(filters, filters.states)
    return f"{question} {condition}{ending}", values


def _forget_dead_runs(store: Store, execute: Execute) -> None:
    for run in execute("SELECT id, place, lease_ends, clock() AS now FROM runs").fetchall():
        if store.lease_left(run) < -DEAD_RUNS:
            execute("DELETE FROM runs WHERE id = ?", (run["id"],))


def _rows(store: Store, filters: Filters, states: tuple[str, ...], limit: int | None = None) -> list[Any]:
    """The receipts in these states, the newest first; `states` are those in the database, none for any."""
    condition, values = condition_of(filters, states)
    # Not by an index where a label is wanted: SQLite would rather go through all that changed than sort those few.
    changed_at = "attempts.changed_at" if filters.label is None else "attempts.changed_at || ''"
    question = f"{_LIST} {condition} ORDER BY {changed_at} DESC, attempts.key DESC"
    return store.read(question, values) if limit is None else store.read(f"{question} LIMIT ?", (*values, limit))


def _told(store: Store, row: Any) -> dict[str, Any]:
    """A receipt for people, as a run would understand it."""
    owner, options = store.owner(row), json.loads(row["options"])
    is_at_it = owner is not None and owner.is_alive and row["state"] in AT_WORK
    state, message = row["state"], row["message"]
    attempt = row
    if state in LIVE_STATES and not is_at_it:
        state, message = OUTCOME_OF_DEAD_RUN[state]
        standing = store.read(_BEFORE_A_CLAIM, (row["key"],)) if row["state"] == "claimed" else []
        if standing:
            attempt = standing[0]
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
        "owner": {"host": owner.host, "pid": owner.pid} if owner is not None and is_at_it else None,
    }


def _check_that_nobody_began(execute: Execute, known: dict[str, Any]) -> None:
    """Raise `BadInput` where there is an attempt that was not there when the receipt was read."""
    question = "SELECT coalesce(max(attempt), 0) AS newest FROM attempts WHERE key = ?"
    if execute(question, (known["key"],)).fetchone()["newest"] > known["attempts"]:
        raise BadInput(f"Another run began {known['key']} anew meanwhile. Look again.")


def _delete(execute: Execute, keys: list[str]) -> None:
    for table in ("attempts", "receipts"):
        execute(f"DELETE FROM {table} WHERE key IN ({placeholders(keys)})", keys)


def _said(comment: str | None) -> str:
    return f" {comment}" if comment else ""
