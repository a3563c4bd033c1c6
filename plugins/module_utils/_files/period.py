# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The period that a license server's log covers: the first and the last moment in it.

Most logs do not have the whole moment in each line: FlexNet writes the time of day and now and then the date, RLM
leaves the year out. So the midnights (or New Years) between the lines are counted. Then one line with a date dates the
lines before it and after it.

Only text is read. The table `FORMATS` has what is known about the formats, with the sources. Logs that are not text
(FlexNet report logs, IBM LUM), or whose format is not published, have no period.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Period
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content

NEAR = 256 * 1024  # bytes read at each end; holds a header and some hundred lines at the least
FAR = 4 * 1024 * 1024  # bytes read at each end if those have no date: mostly six hours of a busy server
SAMPLE = 64 * 1024  # bytes of the beginning that show the format

BACK = timedelta(hours=3)
"""If a line's clock is behind the line before by no more than this, the clock went back (an hour at the end of summer
time), or daemons wrote out of order. If it is behind by more, midnight has passed. So 21 hours without a line and
without a date would be misread; by default FlexNet writes the date every six hours."""
SILENCE = timedelta(hours=6)  # if the second line is later than this, the first one has lost a digit of its hour
HEADER = timedelta(minutes=1)  # from the first line of a server that starts to the line with its date

DAY = timedelta(days=1)
YEAR = timedelta(days=366)  # the year 2000, in which moments without a year are counted: it has all days
MONTHS = {
    name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)
}


@dataclass(frozen=True)
class _Format:
    """How the lines of a kind of log give their moment. A line whose beginning no pattern matches has none."""

    cycle: timedelta
    """What may pass unseen between two lines without a date: a day if they have the time of day, or a year."""
    patterns: tuple[re.Pattern[bytes], ...]
    """With the groups year, month (number or name), day, hour, minute, second, as far as the line has them; `starts` if
    the line says that a server starts."""


def _format(cycle: timedelta, *patterns: bytes) -> _Format:
    return _Format(cycle, tuple(re.compile(pattern) for pattern in patterns))


_YEAR = rb"(?P<year>[12]\d{3})"
_CLOCK = rb"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)"
_RLM_DATE = rb"(?P<month>\d\d)/(?P<day>\d\d)"
_RLM_CLOCK = rb" (?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"

FORMATS = (
    # FlexNet debug log. Revenera, "License Administration Guide": "Debug Log File", "Informational Messages"; OpenLM,
    # "FlexLM version 11.12: SLOG, summary log statistics". A date with another time of day than the line's own is that
    # of an earlier start, repeated.
    _format(
        DAY,
        rb"\s*"
        + _CLOCK
        + rb" \((?:[^)]*\) (?:TIMESTAMP |\(@[^)]*-SLOG@\) Time: |"
        + rb"(?P<starts>\(@[^)]*-SLOG@\) Start-Date: |Server's System Date and Time: |"
        + rb"F[Ll][Ee][Xx][^(]*\([^)]*\) started on [^(]*\([^)]*\) \())"
        + rb"(?:\w{3} )?(?P<month>\w{1,3})[/ ]+(?P<day>\d{1,2})[/ ]"
        + _YEAR
        + rb"(?: 0?(?P=hour):(?P=minute):|(?! ?\d)))?",
    ),
    # LM-X server log. QIAGEN, "CLC Network License Manager": "License Manager log file".
    _format(DAY, rb"\[" + _YEAR + rb"-(?P<month>\d\d)-(?P<day>\d\d) " + _CLOCK + rb"\]"),
    # RLM report log, "std" and "detailed". Reprise, "RLM License Administration": "Reportlog File Format".
    _format(
        YEAR,
        rb"(?:START \S+ |END )?" + _RLM_DATE + rb"/" + _YEAR + _RLM_CLOCK + rb"\s*$",
        rb"(?:log|LOG) " + _RLM_DATE + _RLM_CLOCK,
        rb"[A-Z]+ .*\b" + _RLM_DATE + _RLM_CLOCK + rb"\s*$",
    ),
    # The same, "small": checkouts have the time of day only, and how often a date is written is not documented. It
    # comes after the formats with a date in as many lines, so that it is not mistaken for one; it has no period.
    _format(DAY, rb"(?:IN|OUT|QUE|DEQ)\b.*" + _RLM_CLOCK + rb"\s*$"),
    # RLM debug log, which has no year as far as is known (seen in public logs, not documented).
    _format(YEAR, _RLM_DATE + rb"(?:/" + _YEAR + rb")?" + _RLM_CLOCK + rb" \("),
    # Sentinel RMS usage log. SafeNet, "Sentinel RMS": "Usage Log File".
    _format(
        DAY,
        rb"(?:# .*|\d+ \d+ (?:\S+ )?)\w{3} (?P<month>\w{3}) +(?P<day>\d{1,2}) " + _CLOCK + rb" " + _YEAR + rb"\s",
    ),
    # DS License Server log. Dassault, "DS License Server": "Error, Information and Warning Messages" has severities and
    # categories; the form of the moment is as public programs read it.
    _format(DAY, _YEAR + rb"/(?P<month>\d\d)/(?P<day>\d\d) " + _CLOCK + rb":\d+ [IWE] [A-Z]+ "),
)


def period_of(content: Content) -> Period | None:
    """The period of a log, whatever its name. Never raises.

    None if the format is not known, if the file cannot be read, or if one of the two moments is not certain: there is
    no date within `FAR` of its end; there is none before the server that wrote the first lines was started again, since
    it is not known how long it was off; or the last moment is before the first. At most `NEAR` and then `FAR` bytes are
    read at each end.
    """
    try:
        beginning, end = content.read_ends(NEAR)
        form = _format_of(beginning)
        if form is None:
            return None
        period = _between(form, beginning, end, content.size > NEAR)
        if period is None and content.size > NEAR:
            beginning, end = content.read_ends(FAR)
            period = _between(form, beginning, end, content.size > FAR)
    except BadInput:
        return None
    return period


def _format_of(beginning: bytes) -> _Format | None:
    """The format that matches most lines; None if it is not text, or has no line of a known format."""
    if b"\0" in beginning:
        return None
    lines = [sum(1 for _line in _stamps(form, beginning[:SAMPLE])) for form in FORMATS]
    return FORMATS[lines.index(max(lines))] if any(lines) else None


def _between(form: _Format, beginning: bytes, end: bytes, apart: bool) -> Period | None:
    """The period of a log with these ends; `apart`: there is more between them, and the second begins within a line."""
    first, last = _Walk(form.cycle), _Walk(form.cycle)
    for stamp in _stamps(form, beginning):
        first.take(stamp)
        if first.is_dated():
            break
    for stamp in _stamps(form, end, skip=apart):
        last.take(stamp)
    try:
        begin, finish = first.first_moment(), last.last_moment()
    except (OverflowError, ValueError):  # so many midnights, or 29 February of a year that has none: not a log
        return None
    if begin is None or finish is None or begin > finish:
        return None
    return Period(begin, finish)


class _Stamp(NamedTuple):
    """What a line says about its moment."""

    place: datetime
    """Where in its cycle: its time on 1 January 2000, or its moment in 2000."""
    moment: datetime | None
    """The whole moment, if the line has it."""
    starts: bool
    """A server starts here, and it is not known how long it was off."""
    cut: bool
    """A digit of the hour may be missing if the file begins here."""


def _stamps(form: _Format, text: bytes, skip: bool = False) -> Iterator[_Stamp]:
    """What each line says about its moment. `skip`: leave out the first line, which is not whole."""
    lines = io.BytesIO(text)
    if skip:
        lines.readline()
    for line in lines:
        for pattern in form.patterns:
            if (match := pattern.match(line)) and (stamp := _stamp(match, form.cycle)):
                yield stamp
                break


def _stamp(match: re.Match[bytes], cycle: timedelta) -> _Stamp | None:
    """What a matching line says; None if there is no such moment."""
    parts = match.groupdict()
    clock = int(parts["hour"]), int(parts["minute"]), int(parts["second"] or 0)
    month, year = parts.get("month"), parts.get("year")
    day = (int(month) if month.isdigit() else MONTHS.get(month, 0), int(parts["day"])) if month else (1, 1)
    place = _moment(2000, *(day if cycle == YEAR else (1, 1)), *clock)
    if place is None:
        return None
    moment = _moment(int(year), *day, *clock) if year else None
    return _Stamp(place, moment, bool(parts.get("starts")), match.end("hour") == 1)


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime | None:
    """A moment, or None for one that does not exist."""
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


class _Walk:
    """Goes from line to line and counts the cycles between them, so that the date of one line dates all."""

    def __init__(self, cycle: timedelta) -> None:
        self._cycle = cycle
        self._first: _Stamp | None = None
        self._last: _Stamp | None = None
        self._turns = 0
        self._oldest: tuple[datetime, int] | None = None  # the first whole moment, and the turns up to it
        self._newest: tuple[datetime, int] | None = None
        self._certain = True

    def take(self, stamp: _Stamp) -> None:
        if self._first is not None and self._last is not None:
            step = stamp.place - self._last.place
            ahead = (step + BACK) % self._cycle - BACK
            if self._last is self._first and self._first.cut and ahead > SILENCE:
                self._first = self._oldest = None
                stamp = stamp._replace(cut=False)
            else:
                self._turns += (ahead - step) // self._cycle
        self._first = self._first or stamp
        self._last = stamp
        if stamp.moment is not None:
            self._newest = (stamp.moment, self._turns)
        if stamp.moment is not None and self._oldest is None:
            self._oldest = self._newest
            waited = self._turns * self._cycle + (stamp.place - self._first.place)
            self._certain = not (stamp.starts and waited > HEADER)

    def is_dated(self) -> bool:
        """Whether the first line is dated for good, whatever follows."""
        return self._oldest is not None and self._last is not self._first

    def first_moment(self) -> datetime | None:
        """The moment of the first line, if one after it dates it."""
        if self._oldest is None or self._first is None or not self._certain:
            return None
        return self._moment_of(self._first, self._oldest[0], -self._oldest[1])

    def last_moment(self) -> datetime | None:
        """The moment of the last line, if one before it dates it."""
        if self._newest is None or self._last is None:
            return None
        return self._moment_of(self._last, self._newest[0], self._turns - self._newest[1])

    def _moment_of(self, stamp: _Stamp, known: datetime, turns: int) -> datetime:
        """The moment of a line, from the known moment of a line so many turns before it (after it, if below 0)."""
        if self._cycle == YEAR:
            return stamp.place.replace(year=known.year + turns)
        return datetime.combine(known.date() + timedelta(days=turns), stamp.place.time())
