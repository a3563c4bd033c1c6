# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Beginning an attempt, within a transaction: allowed only if all is still as it was seen.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Period,
    StalePlan,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts import statements
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Execute
from ansible_collections.assetops.imports.plugins.module_utils._receipts.outcomes import note_outcome
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import OUTCOME_OF_DEAD_RUN, Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.rows import (
    basis_of,
    dated_states,
    version_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import escape_unstorable, to_json


def begin_attempt(
    execute: Execute, run: str, wanted: Wanted, seen: Receipt | None, now: str, *, is_retry: bool
) -> tuple[int | None, bool]:
    """The number of the attempt that may be begun, if any, and whether it is still to be written (`put_attempt`).

    `seen` is the receipt as the run knows it; None for no receipt. Raises `StalePlan`.
    """
    number = 1
    if seen is not None or not _put_receipt(execute, wanted, now):
        current = execute(statements.FIND.format("?"), (wanted.key,)).fetchone()
        if is_retry and current is not None and _has_begun(current, run, seen):
            return int(current["attempt"]), False
        if seen is None or current is None or version_of(current) != seen.version:
            return None, False
        if current["state"] in OUTCOME_OF_DEAD_RUN:
            end_dead_attempt(execute, wanted.key, current["attempt"], current["state"])
        number = int(execute(statements.NEXT_ATTEMPT, (wanted.key,)).fetchone()["next"])
    _check_plan(execute, wanted)
    execute("UPDATE receipts SET attempt = ? WHERE key = ?", (number, wanted.key))
    return number, True


def put_attempt(
    execute: Execute,
    run: str,
    wanted: Wanted,
    number: int,
    now: str,
    notes: Mapping[str, Any],
    label: str | None,
    period: Period | None,
) -> None:
    """Write an attempt that was begun."""
    content = (escape_unstorable(wanted.source), wanted.size, wanted.content_sha256, to_json({"notes": notes}))
    found_by = (label and escape_unstorable(label), period and to_json(period.as_result()))
    execute(statements.PUT_ATTEMPT, (wanted.key, number, run, *content, now, now, wanted.stream, *found_by))


def end_dead_attempt(execute: Execute, key: str, attempt: int, state: str) -> None:
    """End the attempt of a dead run that is in this state. Should the run wake up, it finds that it may not commit."""
    end, message = OUTCOME_OF_DEAD_RUN[state]
    now = now_text()
    ended = execute(
        "UPDATE attempts SET state = ?, message = ?, changed_at = ?, finished_at = ?"
        " WHERE key = ? AND attempt = ? AND state = ?",
        (end, message, now, now, key, attempt, state),
    )
    if ended.rowcount == 1:
        note_outcome(execute, key, attempt)


def _put_receipt(execute: Execute, wanted: Wanted, now: str) -> bool:
    """Write the receipt of an import that has none, for its first attempt; whether there was none."""
    values = (wanted.key, wanted.system, escape_unstorable(wanted.target), wanted.stream, to_json(wanted.options), now)
    return execute(statements.PUT_FIRST, values).rowcount == 1


def _has_begun(current: Any, run: str, seen: Receipt | None) -> bool:
    """Whether the current attempt is the run's own, begun since the receipt was seen."""
    return bool(current["run"] == run and (seen is None or current["attempt"] > seen.version[0]))


def _check_plan(execute: Execute, wanted: Wanted) -> None:
    """Raise `StalePlan` where what the import was planned by has changed."""
    if wanted.basis is not None:
        windows = execute(statements.WINDOWS_OF, (wanted.target, statements.A_WINDOW)).fetchall()
        if wanted.basis != basis_of(windows):
            raise StalePlan("Another run imported another time range meanwhile, or began to. Nothing was sent.")
    if wanted.moment is not None:
        states = dated_states(execute(statements.STATES_OF, (wanted.stream,)).fetchall())
        newest = max(states, default=wanted.moment)
        if newest > wanted.moment:
            raise StalePlan(f"Another run imported the state of {newest} meanwhile, or began to. Nothing was sent.")
