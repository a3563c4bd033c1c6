# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time ranges of growing logs: which of them are imported, which one comes next, and what was left out between them.

The receipts tell which time ranges of a license server were imported. Of those with the same `gather`, the end of the
last one that succeeded is the high-water mark: what comes after it, up to the last midnight, is the next one. So a
night that failed or never came is in the one after it. A range of which nobody knows how it ended blocks all later
ones, since either answer changes where they begin.

Times are those of the license server's day, without a zone, to the second; both ends of a range are in it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    Wanted,
    as_sentence,
    window_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Window, Windows
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat import (
    CLOCKS_DIFFER,
    ImportOptions,
    wanted_import,
)

SECOND = timedelta(seconds=1)
DONE = ("succeeded", "planned")  # the latter in check mode, where it would be
TRIES = 10  # after so many times that another run was faster, it is for the next run


@dataclass(frozen=True)
class Range:
    """A time range; without a `start` it is from the beginning of the log on."""

    start: datetime | None
    end: datetime

    def __str__(self) -> str:
        return f"{self.start or 'the beginning of the log'} to {self.end}"

    def holds(self, other: Range) -> bool:
        """Whether all of the other is in this one."""
        return (self.start or datetime.min) <= (other.start or datetime.min) and other.end <= self.end

    def meets(self, other: Range) -> bool:
        """Whether something of the other is in this one."""
        return (self.start or datetime.min) <= other.end and (other.start or datetime.min) <= self.end


@dataclass(frozen=True)
class History:
    """What is known of the time ranges of a license server with the same `gather`.

    `seen` are the states, by key, that this run saw some of them come to, written down or not.
    """

    windows: tuple[Window, ...]
    seen: Mapping[str, str] = field(default_factory=dict)

    def _state(self, window: Window) -> str:
        return self.seen.get(window.receipt.key, window.receipt.state)

    @property
    def done(self) -> list[Window]:
        """Those that succeeded, by their ends."""
        return sorted((one for one in self.windows if self._state(one) in DONE), key=lambda one: range_of(one).end)

    @property
    def mark(self) -> datetime | None:
        """The end of the last one that succeeded; None where there is none."""
        return range_of(self.done[-1]).end if self.done else None

    @property
    def open(self) -> Window | None:
        """The first one of which it is not known yet how it ends, unless a later success made that unimportant."""
        found = [one for one in self.windows if self._is_open(one) and (not self.mark or range_of(one).end > self.mark)]
        return min(found, key=lambda one: range_of(one).end, default=None)

    def _is_open(self, window: Window) -> bool:
        owner = window.receipt.owner
        if self._state(window) == "claimed":  # one that its run did not live to send is as if it had never been
            return owner is not None and owner.is_alive
        return self._state(window) in ("sent", "submitted", "unknown")

    @property
    def gaps(self) -> list[Range]:
        """What was left out between those that succeeded."""
        starts = sorted(start for start in (range_of(one).start for one in self.done) if start is not None)
        return [gap for gap in map(self.gap_before, starts) if gap is not None]

    def gap_before(self, start: datetime) -> Range | None:
        """What was left out between those that succeeded and a range that begins then."""
        ranges = (range_of(one) for one in self.done)
        reached = max((one.end for one in ranges if one.start is None or one.start < start), default=None)
        if reached is None or reached + SECOND >= start:
            return None
        return Range(reached + SECOND, start - SECOND)

    def as_imported(self, options: ImportOptions, day: Range) -> ImportOptions:
        """The options, which are for that day, or those of a longer range that has the day in it.

        Raises `BadInput` where a part of the day was imported, or may have been.
        """
        ranges = [(range_of(one), one) for one in self.windows if self._state(one) in DONE or self._is_open(one)]
        for other, window in ranges:
            if other.holds(day):
                return options.as_known(window.options)
        for other, _unused in ranges:
            if other.meets(day):
                raise BadInput(
                    f"A part of {day} was imported already, or may have been, with {other}. Nothing was sent; name what"
                    " is left with from and to."
                )
        return options


def range_of(window: Window) -> Range:
    """The time range that was imported, by the options of its receipt."""
    start, end = window.options["from"], window.options["to"]
    return Range(None if start is None else datetime.fromisoformat(start), datetime.fromisoformat(end))


def history_of(windows: Iterable[Window], options: ImportOptions, seen: Mapping[str, str] | None = None) -> History:
    """Of the ranges of a license server those that gathered the same."""
    gather = options.identity()["gather"]
    return History(tuple(one for one in windows if one.options["gather"] == gather), seen or {})


def zone_of(name: str | None) -> tzinfo | None:
    """The time zone of this name in the IANA database; None is that of this host. Raises `BadInput`."""
    if name is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name.strip())
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(
            f"timezone: {name!r} is no time zone that this host knows. It has to be a name of the IANA database, such"
            " as Europe/Berlin or UTC; where the host has no such database, install its package tzdata."
        ) from error


def last_day(zone: tzinfo | None) -> Range:
    """The last day that is over in that zone."""
    day = datetime.now(zone).date() - timedelta(days=1)
    return Range(datetime.combine(day, time.min), datetime.combine(day, time(23, 59, 59)))


def slow_clock(content: Content) -> str:
    """What a log tells of the clock that says which days are over; empty if nothing speaks against it."""
    written, now = content.fingerprint.mtime_ns / 1e9, datetime.now(timezone.utc).timestamp()
    if written <= now + CLOCKS_DIFFER.total_seconds():
        return ""
    late, early = (datetime.fromtimestamp(one, timezone.utc).strftime("%Y-%m-%d %H:%M:%S") for one in (written, now))
    return (
        f"{content.source} was written to at {late} UTC, and by the clock of this host it is {early} UTC. If that is"
        " slow, a day that is over is not imported before the clock is set right."
    )


def wanted_window(server: str, options: ImportOptions, content: Content) -> Wanted:
    """The import of a time range of a log, which may go on growing."""
    return wanted_import(server, options, replace(content, may_grow=True), None)


def late_log(period: Mapping[str, str] | None, options: Mapping[str, Any]) -> str:
    """What a log does not hold of its time range, as far as it tells; empty if nothing speaks against it."""
    window = window_of(options)
    if period is None or window is None or window["from"] is None or window["to"] is None:
        return ""
    if period["last"] < window["from"]:
        return f"The log ends at {period['last']}, before the time range, which begins at {window['from']}."
    if period["first"] > window["from"]:
        return (
            f"The log begins at {period['first']}, and the time range before that, at {window['from']}. What came"
            " between is not in it, if there was anything: it may have been rotated away."
        )
    return ""


def import_since_last(
    run: Callable[[Wanted], Import],
    windows: Callable[[], Windows],
    wanted: Callable[[ImportOptions], Wanted],
    options: ImportOptions,
) -> list[Import]:
    """Import what came after the last range that succeeded, up to the end in the options.

    What an earlier run left open is seen to first. `windows` are those of the license server, `wanted` makes an import
    of a range of the log. The beginning in the options is that of the first range of all.
    """
    ended: dict[str, Import] = {}
    for _unused in range(TRIES):
        known = windows()
        history = history_of(known.found, options, {key: one.state for key, one in ended.items()})
        if history.open is not None:
            # One that failed would be sent again, also where another run has seen to it, and to the next one, by now.
            one = run(replace(wanted(options.as_known(history.open.options)), basis=known.basis))
            if one.is_plan_stale:
                continue
            ended[one.wanted.key] = one
            if one.state not in (*DONE, "failed"):
                one.message = _blocking(one, range_of(history.open))
                return list(ended.values())
            continue
        mark, end = history.mark, options.end
        if mark is not None and end is not None and end <= mark:
            last = options.as_known(history.done[-1].options)
            return list(ended.values()) or [run(wanted(last))]
        start = options.start if mark is None else mark + SECOND
        one = run(replace(wanted(replace(options, start=start)), basis=known.basis))
        if not one.is_plan_stale:
            break
    return _without_what_was_made_up_for([*ended.values(), one])


def import_day(
    run: Callable[[Wanted], Import],
    windows: Callable[[], Windows],
    wanted: Callable[[ImportOptions], Wanted],
    options: ImportOptions,
    day: Range,
) -> Import:
    """Import a day, which the options are for, unless a longer range had it. Otherwise as above."""
    for _unused in range(TRIES):
        known = windows()
        meant = history_of(known.found, options).as_imported(options, day)
        one = run(replace(wanted(meant), basis=known.basis))
        if not one.is_plan_stale:
            break
    return one


def _blocking(one: Import, range_: Range) -> str:
    return f"{as_sentence(one.message)} Until it is known how {range_} ended, nothing later is imported.".lstrip()


def _without_what_was_made_up_for(imports: list[Import]) -> list[Import]:
    """Leave out those that failed but are in the last one, if that went well; it tells of them."""
    last = imports[-1]
    failed = [one for one in imports[:-1] if one.state == "failed"]
    if not failed or last.has_failed:
        return imports
    told = (f"It holds what failed before (task {one.remote_id}): {as_sentence(one.message)}" for one in failed)
    last.message = " ".join([as_sentence(last.message), *told]).lstrip()
    return [one for one in imports if one not in failed]
