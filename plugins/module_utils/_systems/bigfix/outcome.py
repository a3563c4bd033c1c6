# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an import ended, read from a server's status before it and its status now.

The status covers the last import only and has no id for it, so an import is known by what changed since a baseline: the
status that was read before it was started. All guesses here are made so that a wrong one leads to a reported failure or
to an unknown outcome, never to a success that is none.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import PollResult, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import PRODUCTS
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.status import (
    CLOCK_TOLERANCE,
    SUCCESSFUL,
    Status,
    describe_progress,
    format_time,
)


def baseline_of(status: Status) -> dict[str, str | None]:
    """What a later status has to exceed if an import ended after this one. It is kept in receipts.

    The times of the last end and of the last success are compared each with itself, since the vendors do not say
    whether they are the same moment. A missing one is compared with the server's clock, `since`, which has whole
    seconds: an import may have ended earlier in that second, unless none was ever made. `now` is the same clock, or
    this host's if the answer has no time.
    """
    earliest = None
    if status.mode == "none":
        second_before = status.server_time - timedelta(seconds=1) if status.server_time else None
        earliest = second_before or datetime.min.replace(tzinfo=timezone.utc)
    times = {
        "end": status.last_end or earliest,
        "success": status.last_success or earliest,
        "since": status.server_time,
        "now": status.now,
    }
    return {name: time.isoformat() if time else None for name, time in times.items()}


def outcome_since(status: Status, baseline: Mapping[str, Any], seconds_since: float | None, product: str) -> PollResult:
    """How the last import ended, if it ended after a baseline; `nothing` if none did.

    `seconds_since` is how long ago the baseline was read; None if that is not known.
    """
    if status.is_running:
        return PollResult("running", describe_progress(status), status.raw)
    elapsed = _elapsed_since(baseline, status, seconds_since)
    since = _time_in(baseline, "since")
    end_is_new = _is_new(status.last_end, _time_in(baseline, "end"), since, elapsed)
    since = None if end_is_new else since
    success_is_new = _is_new(status.last_success, _time_in(baseline, "success"), since, elapsed)
    if end_is_new is False or status.mode == "none":
        return PollResult("nothing", "no import is running, and the status shows none that ended since", status.raw)
    if end_is_new is None and not success_is_new:
        why = "its clock was set back" if elapsed.was_set_back else "the status does not say when the last ended"
        return PollResult("unknown", f"no import is running, but {why}", status.raw)
    if status.last_status == SUCCESSFUL and success_is_new is not False:
        return PollResult("succeeded", "", status.raw)
    if status.last_status in (SUCCESSFUL, None):
        return PollResult("unknown", "the status does not say how the last import ended", status.raw)
    when = f" that ended at {format_time(status.last_end)}" if status.last_end else ""
    message = f"the last import{when} has the status {status.last_status!r}"
    return PollResult("failed", as_sentence(f"{PRODUCTS[product]} says: {message}"), status.raw)


def outcome_of_own(status: Status, notes: Mapping[str, Any], seconds_since: float | None, product: str) -> PollResult:
    """How the import ended that was started with these notes (`import_type` and a baseline).

    A last import of another type was somebody else's, and hides this one.
    """
    outcome = outcome_since(status, notes, seconds_since, product)
    if product == "license_metric_tool" or outcome.state not in ("succeeded", "failed"):
        return outcome
    if status.last_type is None and outcome.state == "succeeded":
        message = "the status does not give the type of the last import, which may be somebody else's"
        return PollResult("unknown", message, status.raw)
    if status.last_type not in (None, notes.get("import_type")):
        message = f"the last import is of the type {status.last_type}, so the status says nothing about this one"
        return PollResult("unknown", message, status.raw)
    return outcome


@dataclass(frozen=True)
class _Elapsed:
    """The time from a baseline to a status: `then` and `now` are what the server's clock said at both ends.

    `begin` is `then` by the clock as it is now: another time if the clock `was_set_back`, None if that is not known.
    `end` is `now`, or later by the tolerance of clocks if the server gives no time.
    """

    then: datetime | None
    begin: datetime | None
    now: datetime
    end: datetime
    was_set_back: bool

    def is_plausible(self, time: datetime) -> bool:
        """Whether a time is not so far ahead of the clock that it proves nothing."""
        return (time - self.now).total_seconds() <= CLOCK_TOLERANCE

    def contains(self, time: datetime) -> bool:
        return self.begin is not None and self.begin <= time <= self.end


def _elapsed_since(baseline: Mapping[str, Any], status: Status, seconds_since: float | None) -> _Elapsed:
    since = _time_in(baseline, "since")
    then = _time_in(baseline, "now") or since
    if since is None or status.server_time is None or status.server_time >= since:
        end = status.server_time or status.host_time + timedelta(seconds=CLOCK_TOLERANCE)
        return _Elapsed(then, then, status.now, end, was_set_back=False)
    begin = None if seconds_since is None else status.server_time - timedelta(seconds=seconds_since)
    return _Elapsed(then, begin, status.server_time, status.server_time, was_set_back=True)


def _is_new(time: datetime | None, known: datetime | None, since: datetime | None, elapsed: _Elapsed) -> bool | None:
    """Whether a time in a status belongs to an import that ended after the baseline; None if that is not known.

    `known` is the same time in the baseline, `since` what replaces it if it is missing there. A time earlier than
    `known` is new only if the clock was wrong then or before, and only within the elapsed time.
    """
    if time is None:
        return None
    if known is None:
        is_after = since is not None and time > since
        is_clear = since is not None and elapsed.is_plausible(time) and (is_after or not elapsed.was_set_back)
        return is_after if is_clear else None
    if time >= known:
        return time > known
    if elapsed.was_set_back:
        return True if elapsed.contains(time) else None
    return elapsed.then is not None and known > elapsed.then and elapsed.contains(time)


def _time_in(baseline: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(baseline[name]) if baseline.get(name) else None
