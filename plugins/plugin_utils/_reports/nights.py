# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nights of a report, and how each of them went for each target.

A night lasts from noon to noon, and has the date of its morning.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, as_text, parse_time
from ansible_collections.assetops.imports.plugins.module_utils._receipts.reporting import AttemptSummary

NOON = 12
MAX_NIGHTS = 1100
DEFAULT_NIGHTS = 30

# How a night went, from good to bad, each with its sign. Of several imports, the worst counts.
SIGNS = {
    "not due": ".",
    "imported": "+",
    "scheduled": "s",
    "superseded": "x",
    "running": "r",
    "missing": "-",
    "incomplete": "i",
    "failed": "F",
    "unknown": "?",
}
MEANING = {
    "not due": "nothing was due",
    "imported": "imported",
    "scheduled": "scheduled at Haplo, which reports no outcome",
    "superseded": "imported, and emptied or replaced since",
    "running": "not ended, or not polled since",
    "missing": "nothing was imported where something was due",
    "incomplete": "imported in part",
    "failed": "failed",
    "unknown": "it is not known whether it was imported",
}
_NIGHT_STATES = {"succeeded": "imported", "claimed": "running", "sent": "running", "submitted": "running"}
_RANK = {state: rank for rank, state in enumerate(SIGNS)}
GOOD = ("imported", "scheduled", "superseded")


@dataclass(frozen=True)
class Nights:
    """Consecutive nights: their days, and their bounds as times of receipts, of which there is one more."""

    days: tuple[str, ...]
    bounds: tuple[str, ...]

    def of(self, moment: str) -> int | None:
        """The number of the night of this time."""
        number = bisect_right(self.bounds, moment) - 1
        return number if 0 <= number < len(self.days) else None


@dataclass
class Row:
    """A target in the calendar: how each night went, and when its last successful import ended."""

    name: str
    system: str
    cells: list[str]
    last_good: str | None = None


def nights_between(since: str | None, until: str | None, zone: tzinfo | None, now: datetime) -> Nights:
    """The nights from one day to another, including both. The default is the last 30 nights, with the current one.

    `since` may also be a number of nights, such as `90d`. Raises `BadInput`.
    """
    last = night_of(now, zone) if until is None else _day(until, "until")
    count = re.fullmatch(r"([1-9][0-9]{0,4})d", since.strip()) if since else None
    default = last - timedelta(days=int(count[1]) - 1 if count else DEFAULT_NIGHTS - 1)
    first = default if since is None or count else _day(since, "since")
    if first > last:
        raise BadInput(f"until: the night {last} is before {first}, that of since. Nothing was written.")
    if (last - first).days >= MAX_NIGHTS:
        raise BadInput(f"since: {first} to {last} are more than {MAX_NIGHTS} nights. Nothing was written.")
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return Nights(tuple(map(str, days)), tuple(_noon(day, zone) for day in (first - timedelta(days=1), *days)))


def night_of(moment: datetime, zone: tzinfo | None) -> date:
    """The night of this time. A zone of None is that of this host."""
    local = moment.astimezone(zone)
    return local.date() + timedelta(days=local.hour >= NOON)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        also = ", or a number of nights such as 90d" if option == "since" else ""
        raise BadInput(f"{option}: {text!r} is not a day such as 2026-11-29{also}. Nothing was written.") from error


def _noon(day: date, zone: tzinfo | None) -> str:
    return as_text(datetime(day.year, day.month, day.day, NOON, tzinfo=zone).astimezone(timezone.utc))


class NightAttempt(NamedTuple):
    """An attempt with the number of its night, which is -1 before the first one, and their count after the last."""

    night: int
    store: int
    tried: AttemptSummary


def assign_nights(attempts: Iterable[tuple[int, AttemptSummary]], nights: Nights) -> list[NightAttempt]:
    """Find the night of each attempt. They have the number of their store, and are sorted by time."""
    night, count, bounds = -1, len(nights.days), nights.bounds
    found = []
    for store, one in attempts:
        while night < count and one.started_at >= bounds[night + 1]:
            night += 1
        found.append(NightAttempt(night, store, one))
    return found


@dataclass
class _TargetNights:
    """What is known of a target: how each import ended, by night and source, and when successful ones ended."""

    states: dict[tuple[int, str], str] = field(default_factory=dict)
    unclear: bool = False
    good: list[str] = field(default_factory=list)
    first: str | None = None


def calendar(
    attempts: Iterable[NightAttempt],
    nights: Nights,
    max_ages: Mapping[tuple[str, str], float],
    default_max_age: float,
    now: datetime,
) -> list[Row]:
    """How each night went for each target that has an attempt in or before these nights; dry runs do not count.

    `attempts` are sorted by time. `max_ages`: how many seconds after a success the next one is due.
    """
    found: dict[tuple[str, str], _TargetNights] = {}
    count = len(nights.days)
    for night, _store, one in attempts:
        if night < count and not one.is_dry_run:
            target = (one.name, one.system)
            history = found.get(target) or found.setdefault(target, _TargetNights())
            _add_attempt(history, one, night)
    limit = as_text(now)
    rows = []
    for (name, system), history in sorted(found.items()):
        row = Row(name, system, _cells(history, count), max(history.good, default=None))
        _mark_missing(row, history, nights, max_ages.get((name, system), default_max_age), limit)
        rows.append(row)
    return rows


def _add_attempt(history: _TargetNights, one: AttemptSummary, night: int) -> None:
    state = night_state(one.state)
    history.first = history.first or one.started_at
    if state in GOOD:
        history.good.append(one.finished_at or one.started_at)
    if night < 0:
        return
    # A later attempt of the same night counts, but an unknown one is replaced only by another attempt of it.
    if history.unclear:
        history.states.pop((night, one.key), None)
    if state == "unknown":
        history.unclear = True
    history.states[night, one.key if one.is_window or state == "unknown" else one.what] = state


def _cells(history: _TargetNights, count: int) -> list[str]:
    cells = ["not due"] * count
    for (night, _what), state in history.states.items():
        if _RANK[state] > _RANK[cells[night]]:
            cells[night] = state
    return cells


def _mark_missing(row: Row, history: _TargetNights, nights: Nights, max_age: float, now: str) -> None:
    """Mark the nights in which an import was due: the last success was too old when the night ended."""
    good = sorted(history.good)
    for night, state in enumerate(row.cells):
        begin, end = nights.bounds[night], min(nights.bounds[night + 1], now)
        if state != "not due" or begin >= now or history.first is None or history.first >= end:
            continue
        before = bisect_right(good, end)
        if not before or (parse_time(end) - parse_time(good[before - 1])).total_seconds() > max_age:
            row.cells[night] = "missing"


def night_state(state: str) -> str:
    """How a night went that had one attempt in this state."""
    return _NIGHT_STATES.get(state, state)


def worst(states: Sequence[str]) -> str:
    """The worst of several states."""
    return max(states, key=_RANK.__getitem__)
