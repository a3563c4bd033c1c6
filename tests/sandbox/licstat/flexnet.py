# SPDX-License-Identifier: GPL-3.0-or-later
"""FlexNet debug logs: what they say about usage and denials.

The format is in FACTS section A.2: lines `hh:mm:ss (daemon) message` that have the time of day only; the date comes
from the header (`Start-Date:` and the like, since FlexNet 11.12) and from `TIMESTAMP m/d/yyyy` lines. Times are the
license server's local time and are taken as they stand. Report logs (`.rl`) are encrypted; nothing can be read in them.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import ClassVar

USAGE = "usage"
DENIALS = "denials"

ROLLOVER = timedelta(hours=1)
"""A time of day that lies further back than this means a new day; one less far back, that daemons wrote out of order or
summer time ended (guess; FlexNet writes a TIMESTAMP every six hours, so there is no silence of a day)."""


@dataclass(frozen=True)
class Session:
    """Licenses in use, from checkout to checkin."""

    feature: str
    user: str
    begin: datetime
    end: datetime
    licenses: int
    kind: ClassVar[str] = USAGE


@dataclass(frozen=True)
class Denial:
    """A request that was turned down."""

    feature: str
    user: str
    at: datetime
    licenses: int
    kind: ClassVar[str] = DENIALS


@dataclass(frozen=True)
class Line:
    """A line that tells of usage or of a denial, as it stands in the log, and the moment that it is of."""

    kind: str
    at: datetime
    text: str


@dataclass
class Summary:
    """What was in a log, known once it has been read to its end."""

    lines: int = 0
    """Lines of the form of a debug log."""
    undated: int = 0
    """Events left out since no date had been seen yet."""
    first: datetime | None = None
    last: datetime | None = None
    checkouts: int = 0
    checkins: int = 0
    denials: int = 0
    unsupported: int = 0
    """Requests for features that the server does not have; not counted as denials (guess)."""
    zone: str | None = None
    """As the header names it."""


def is_text(block: bytes) -> bool:
    """Whether a file that begins with this block may be a debug log, and not a report log or some other binary file."""
    if b"\0" in block:
        return False
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in block)
    try:
        block.decode()
    except UnicodeDecodeError as problem:
        cut_in_a_character = problem.start > len(block) - 4 and problem.reason == "unexpected end of data"
        control += 0 if cut_in_a_character else sum(byte > 127 for byte in block)
    return control * 20 <= len(block)


@dataclass
class DebugLog:
    """Reads a debug log line by line and gives its events; `summary` is complete when all were taken.

    `gives_lines`: the lines that it takes them from, too.
    """

    summary: Summary = field(default_factory=Summary)
    gives_lines: bool = False
    _now: datetime | None = None
    _open: dict[tuple[str, str], deque[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(deque))

    def events(self, lines: Iterable[str]) -> Iterator[Session | Denial | Line]:
        """Denials as they come, sessions as they end; those still open at the end of the log end with it (guess)."""
        for line in lines:
            if (match := _LINE.match(line)) is not None:
                self.summary.lines += 1
                yield from self._take(match)
        yield from self._close_all()

    def _take(self, line: re.Match[str]) -> Iterator[Session | Denial | Line]:
        hour, minute, second, message = line.groups()
        time = timedelta(hours=int(hour), minutes=int(minute), seconds=int(second))
        if not message.startswith(_EVENTS) and (day := self._date_in(message)) is not None:
            self._now = max(datetime(day.year, day.month, day.day) + time, self._now or datetime.min)
        elif self._now is not None:
            self._now = _next_time(self._now, time)
        if self._now is not None:
            self.summary.first = self.summary.first or self._now
            self.summary.last = self._now
        if message.startswith(_EVENTS):
            yield from self._event(message, line.string.rstrip("\n"))

    def _date_in(self, message: str) -> date | None:
        """The date that a line states, if it states one."""
        if stamp := _TIMESTAMP.match(message):
            month, day, year = stamp.groups()
            return _date(int(year), int(month), int(day))
        if header := _HEADER_DATE.search(message):
            name, day, year, zone = header.groups()
            self.summary.zone = self.summary.zone or zone.strip() or None
            return _date(int(year), _MONTHS.index(name) + 1, int(day)) if name in _MONTHS else None
        return None

    def _event(self, message: str, text: str) -> Iterator[Session | Denial | Line]:
        if (match := _EVENT.match(message)) is not None:
            kind, feature, user, rest = match.groups()
            licenses = int(count.group(1)) if (count := _LICENSES.search(rest)) else 1
        elif (match := _OLD_DENIED.match(message)) is not None:
            kind, (number, feature, user) = "DENIED", match.groups()
            licenses = int(number)
        else:
            return
        if self._now is None:
            self.summary.undated += 1
        elif kind == "OUT":
            self.summary.checkouts += 1
            self._open[feature, user].append((self._now, licenses))
        elif kind == "IN":
            self.summary.checkins += 1
            yield from self._check_in(feature, user, licenses)
        elif kind == "DENIED":
            self.summary.denials += 1
            yield Denial(feature, user, self._now, licenses)
        elif kind == "UNSUPPORTED":
            self.summary.unsupported += 1
            return
        if self.gives_lines and self._now is not None:
            yield Line(DENIALS if kind == "DENIED" else USAGE, self._now, text)

    def _check_in(self, feature: str, user: str, licenses: int) -> Iterator[Session]:
        """Ends the oldest session of as many licenses, else the oldest; a checkin without checkout says nothing."""
        waiting = self._open.get((feature, user))
        if not waiting or self._now is None:
            return
        chosen = next((entry for entry in waiting if entry[1] == licenses), waiting[0])
        waiting.remove(chosen)
        yield Session(feature, user, chosen[0], self._now, chosen[1])

    def _close_all(self) -> Iterator[Session]:
        for (feature, user), waiting in self._open.items():
            for begin, licenses in waiting:
                yield Session(feature, user, begin, self._now or begin, licenses)
        self._open.clear()


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# hours are not zero-padded on every platform
_LINE = re.compile(r"\s*(\d{1,2}):(\d\d):(\d\d) \([^)]*\) ?(.*)")
_TIMESTAMP = re.compile(r"TIMESTAMP (\d{1,2})/(\d{1,2})/(\d{4})\s*$")
_HEADER_DATE = re.compile(
    r"(?:Start-Date|System Date and Time|-SLOG@\) Time): \w{3} (\w{3}) +(\d{1,2}) (\d{4}) [\d:]{7,8}(.*)"
)
# OUT: "feature" user@host [checkout data] (3 licenses) ^^^ verbose details ^^^; DENIED has a reason instead of a number
_EVENTS = ("OUT: ", "IN: ", "DENIED: ", "UNSUPPORTED: ")
_EVENT = re.compile(r'(OUT|IN|DENIED|UNSUPPORTED): "([^"]+)" (?:\([^)]*\) )?(\S+@\S+)(.*)')
_OLD_DENIED = re.compile(r"DENIED: (\d+) (\S+) to (\S+)")
_LICENSES = re.compile(r"\((\d+)(?: licenses?)?\)")


def _next_time(now: datetime, time: timedelta) -> datetime:
    """The moment at which it is that time of day, for a line that follows one of `now`; never back in time."""
    moment = datetime(now.year, now.month, now.day) + time
    if now - moment > ROLLOVER:
        return moment + timedelta(days=1)
    return max(now, moment)


def _date(year: int, month: int, day: int) -> date | None:
    """A date, or None for one that does not exist."""
    try:
        return date(year, month, day)
    except ValueError:
        return None
