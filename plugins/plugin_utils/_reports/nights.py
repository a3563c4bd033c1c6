# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nights of a report, and how each of them went for each target.

A night goes from noon to noon, and is called by the day of its morning.

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
MOST = 1100  # nights of a report
USUAL = 30  # nights of a report that nobody asked for otherwise

# How a night went, from well to bad: of several imports, the last of these tells. Each with its sign.
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
    "scheduled": "scheduled at Haplo, which tells no more",
    "superseded": "imported, and emptied or replaced since",
    "running": "not over, or nobody looked since",
    "missing": "nothing was imported where something was due",
    "incomplete": "imported in part",
    "failed": "failed",
    "unknown": "nobody knows whether it was imported",
}
_OF_STATES = {"succeeded": "imported", "claimed": "running", "sent": "running", "submitted": "running"}
_RANK = {state: rank for rank, state in enumerate(SIGNS)}
GOOD = ("imported", "scheduled", "superseded")


@dataclass(frozen=True)
class Nights:
    """Nights in a row: their days, and the moments between them, as receipts have them: one more."""

    days: tuple[str, ...]
    bounds: tuple[str, ...]

    def of(self, moment: str) -> int | None:
        """The number of the night in which a moment is."""
        number = bisect_right(self.bounds, moment) - 1
        return number if 0 <= number < len(self.days) else None


@dataclass
class Row:
    """A target in the calendar: how each night went. `last_good` is when its last import ended, of whatever night."""

    name: str
    system: str
    cells: list[str]
    last_good: str | None = None


def nights_between(since: str | None, until: str | None, zone: tzinfo | None, now: datetime) -> Nights:
    """The nights from one day to another, both with it; None is 30 nights before, and the night that is.

    `since` may be a number of nights, too, such as `90d`. Raises `BadInput`.
    """
    last = night_of(now, zone) if until is None else _day(until, "until")
    count = re.fullmatch(r"([1-9][0-9]{0,4})d", since.strip()) if since else None
    usual = last - timedelta(days=int(count[1]) - 1 if count else USUAL - 1)
    first = usual if since is None or count else _day(since, "since")
    if first > last:
        raise BadInput(f"until: the night {last} is before {first}, that of since. Nothing was written.")
    if (last - first).days >= MOST:
        raise BadInput(f"since: {first} to {last} are more than {MOST} nights. Nothing was written.")
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return Nights(tuple(map(str, days)), tuple(_noon(day, zone) for day in (first - timedelta(days=1), *days)))


def night_of(moment: datetime, zone: tzinfo | None) -> date:
    """The day of the morning of the night in which a moment is; a zone of None is that of this host."""
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


class Placed(NamedTuple):
    """An attempt in its night: -1 for one before the first, and one more than there are for one after the last."""

    night: int
    store: int
    tried: AttemptSummary


def placed(attempts: Iterable[tuple[int, AttemptSummary]], nights: Nights) -> list[Placed]:
    """Attempts in their nights. They come with the number of their store, the first one first."""
    night, count, bounds = -1, len(nights.days), nights.bounds
    found = []
    for store, one in attempts:
        while night < count and one.started_at >= bounds[night + 1]:
            night += 1
        found.append(Placed(night, store, one))
    return found


@dataclass
class _Progress:
    """What is known of a target: by night and what it was made from, how that ended, and when imports ended well."""

    states: dict[tuple[int, str], str] = field(default_factory=dict)
    unclear: bool = False
    good: list[str] = field(default_factory=list)
    first: str | None = None


def calendar(
    attempts: Iterable[Placed], nights: Nights, max_ages: Mapping[tuple[str, str], float], usual: float, now: datetime
) -> list[Row]:
    """How each night went for each target that was tried in one of them, or in the time before; dry runs aside.

    `attempts` have the first one first. `max_ages`: how many seconds after a success the next one is due.
    """
    found: dict[tuple[str, str], _Progress] = {}
    count = len(nights.days)
    for night, _store, one in attempts:
        if night < count and not one.is_dry_run:
            target = (one.name, one.system)
            progress = found.get(target) or found.setdefault(target, _Progress())
            _take(progress, one, night)
    limit = as_text(now)
    rows = []
    for (name, system), progress in sorted(found.items()):
        row = Row(name, system, _cells(progress, count), max(progress.good, default=None))
        _fill(row, progress, nights, max_ages.get((name, system), usual), limit)
        rows.append(row)
    return rows


def _take(progress: _Progress, one: AttemptSummary, night: int) -> None:
    state = _OF_STATES.get(one.state, one.state)
    progress.first = progress.first or one.started_at
    if state in GOOD:
        progress.good.append(one.finished_at or one.started_at)
    if night < 0:
        return
    # Whatever came later the same night counts; but what nobody knows, only a later attempt of the same tells.
    if progress.unclear:
        progress.states.pop((night, one.key), None)
    if state == "unknown":
        progress.unclear = True
    progress.states[night, one.key if one.is_window or state == "unknown" else one.what] = state


def _cells(progress: _Progress, count: int) -> list[str]:
    cells = ["not due"] * count
    for (night, _what), state in progress.states.items():
        if _RANK[state] > _RANK[cells[night]]:
            cells[night] = state
    return cells


def _fill(row: Row, progress: _Progress, nights: Nights, max_age: float, now: str) -> None:
    """Find the nights without an import where one was due: the last success was too long ago when they ended."""
    good = sorted(progress.good)
    for night, state in enumerate(row.cells):
        begin, end = nights.bounds[night], min(nights.bounds[night + 1], now)
        if state != "not due" or begin >= now or progress.first is None or progress.first >= end:
            continue
        before = bisect_right(good, end)
        if not before or (parse_time(end) - parse_time(good[before - 1])).total_seconds() > max_age:
            row.cells[night] = "missing"


def worst(states: Sequence[str]) -> str:
    """The state that tells of several."""
    return max(states, key=_RANK.__getitem__)
