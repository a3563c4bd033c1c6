# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time ranges of growing logs: which of them are imported, what is missing between them, and what a log holds of one.

Times are those of the license server's day, without a zone, to the second; both ends of a range are in it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, window_of
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Window
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import (
    CLOCKS_DIFFER,
    ImportOptions,
)

SECOND = timedelta(seconds=1)
SUCCEEDED = ("succeeded", "planned")  # the latter in check mode, where it would be
UNFINISHED = ("sent", "submitted", "unknown")


@dataclass(frozen=True)
class TimeRange:
    """A time range; without a `start` it is from the beginning of the log on."""

    start: datetime | None
    end: datetime

    def __str__(self) -> str:
        return f"{self.start or 'the beginning of the log'} to {self.end}"

    def contains(self, other: TimeRange) -> bool:
        """Whether all of the other is in this one."""
        return (self.start or datetime.min) <= (other.start or datetime.min) and other.end <= self.end

    def overlaps(self, other: TimeRange) -> bool:
        """Whether something of the other is in this one."""
        return (self.start or datetime.min) <= other.end and (other.start or datetime.min) <= self.end


@dataclass(frozen=True)
class ImportHistory:
    """The imports of time ranges into a license server with the same `gather`, as the receipts have them.

    `states` are those, by key, that this run saw imports come to, recorded or not.
    """

    windows: tuple[Window, ...]
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def succeeded(self) -> list[Window]:
        """Those that succeeded, by their ends."""
        return sorted((one for one in self.windows if self._has_succeeded(one)), key=lambda one: range_of(one).end)

    @property
    def high_water_mark(self) -> datetime | None:
        """The end of the last one that succeeded; None where there is none."""
        return range_of(self.succeeded[-1]).end if self.succeeded else None

    @property
    def unfinished(self) -> Window | None:
        """The first one that may still succeed or fail, unless a later success made that unimportant."""
        mark = self.high_water_mark
        found = [one for one in self.windows if self._is_unfinished(one) and (not mark or range_of(one).end > mark)]
        return min(found, key=lambda one: range_of(one).end, default=None)

    @property
    def gaps(self) -> list[TimeRange]:
        """What is missing between those that succeeded."""
        starts = sorted(start for start in (range_of(one).start for one in self.succeeded) if start is not None)
        return [gap for gap in map(self.gap_before, starts) if gap is not None]

    def gap_before(self, start: datetime) -> TimeRange | None:
        """What is missing between those that succeeded and a range that begins then."""
        ranges = (range_of(one) for one in self.succeeded)
        reached = max((one.end for one in ranges if one.start is None or one.start < start), default=None)
        if reached is None or reached + SECOND >= start:
            return None
        return TimeRange(reached + SECOND, start - SECOND)

    def options_for(self, options: ImportOptions, day: TimeRange) -> ImportOptions:
        """The options, which are for that day, or those of a longer range that contains the day.

        Raises `BadInput` where a part of the day was imported, or may have been.
        """
        windows = [one for one in self.windows if self._has_succeeded(one) or self._is_unfinished(one)]
        for window in windows:
            if range_of(window).contains(day):
                return options.with_identity(window.options)
        for other in map(range_of, windows):
            if other.overlaps(day):
                raise BadInput(
                    f"A part of {day} was imported already, or may have been, with {other}. Nothing was sent; name what"
                    " is left with from and to."
                )
        return options

    def _state(self, window: Window) -> str:
        return self.states.get(window.receipt.key, window.receipt.state)

    def _has_succeeded(self, window: Window) -> bool:
        return self._state(window) in SUCCEEDED

    def _is_unfinished(self, window: Window) -> bool:
        owner = window.receipt.owner
        if self._state(window) == "claimed":  # nothing was sent; where the run has ended, nothing will be
            return owner is not None and owner.is_alive
        return self._state(window) in UNFINISHED


def history_of(
    windows: Iterable[Window], options: ImportOptions, states: Mapping[str, str] | None = None
) -> ImportHistory:
    """Of the time ranges of a license server those with the same `gather`."""
    gather = options.identity()["gather"]
    return ImportHistory(tuple(one for one in windows if one.options["gather"] == gather), states or {})


def range_of(window: Window) -> TimeRange:
    """The time range that was imported, by the options in its receipt."""
    start, end = window.options["from"], window.options["to"]
    return TimeRange(None if start is None else datetime.fromisoformat(start), datetime.fromisoformat(end))


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


def last_day(zone: tzinfo | None) -> TimeRange:
    """The last day that is over in that zone."""
    day = datetime.now(zone).date() - timedelta(days=1)
    return TimeRange(datetime.combine(day, time.min), datetime.combine(day, time(23, 59, 59)))


def slow_clock_warning(content: Content) -> str:
    """That the clock of this host, which says which days are over, is behind the log; empty where it is not."""
    written, now = content.fingerprint.mtime_ns / 1e9, datetime.now(timezone.utc).timestamp()
    if written <= now + CLOCKS_DIFFER.total_seconds():
        return ""
    late, early = (datetime.fromtimestamp(one, timezone.utc).strftime("%Y-%m-%d %H:%M:%S") for one in (written, now))
    return (
        f"{content.source} was written to at {late} UTC, and by the clock of this host it is {early} UTC. If that is"
        " slow, a day that is over is not imported before the clock is set right."
    )


def missing_from_log(period: Mapping[str, str] | None, options: Mapping[str, Any]) -> str:
    """What a log does not hold of its time range, by its period; empty where nothing is known to be missing."""
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
