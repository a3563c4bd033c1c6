# SPDX-License-Identifier: GPL-3.0-or-later
"""FlexNet license servers that write debug logs while simulated time goes by, and have them rotated.

No two lines that tell of usage or a denial are the same, so that each can be counted. Some are of the first and of the
last second of a day. Files are as old as simulated time has it.
"""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Callable
from zoneinfo import ZoneInfo

BUSY = timedelta(minutes=47)
"""Between two lines; short enough for a day to be told from a clock that is set back for the winter."""

STAMPS = (time(1), time(7), time(13), time(19))
"""When FlexNet writes the date, which lines do not have: every six hours since it was started."""

ROTATION = time(1)
"""A log that is cut off then goes on with a date; at another time, what comes before the next date would have none."""

KEPT = 7
"""Of logs that are rotated by number, how many are kept."""


@dataclass(frozen=True)
class Line:
    """A line that tells of usage or of a denial, and when it was written, in UTC."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Rotation:
    """What is done to a log, and on which days."""

    by: Callable[[Path, date], None]
    on: frozenset[date] | None = None
    """The days; None: each."""
    late: frozenset[date] = frozenset()
    """Days on which it is late, and FlexNet goes on writing to the old file for some minutes."""

    def moments(self, day: date) -> tuple[time, time] | None:
        """When the log is rotated on that day, and when FlexNet begins to write to the new one."""
        if self.on is not None and day not in self.on:
            return None
        return (time(2, 29), time(2, 35)) if day in self.late else (ROTATION, ROTATION)


def by_copytruncate(log: Path, day: date) -> None:
    """Copy the log, and cut it off; FlexNet goes on writing to it. Copies are numbered, the newest is 1."""
    for number in range(KEPT, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.with_name(f"{log.name}.{KEPT + 1}").unlink(missing_ok=True)
    shutil.copy2(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def by_renaming(log: Path, day: date) -> None:
    """Give the log a name with the date of the day, as logrotate's dateext."""
    log.rename(log.with_name(f"{log.name}-{day:%Y%m%d}"))


@dataclass
class FlexNet:
    """A license server, which has run since `begin`, in UTC, and writes local times of its `zone`."""

    folder: Path
    zone: ZoneInfo
    begin: datetime
    rotation: Rotation | None = None
    written: list[Line] = field(default_factory=list)
    rotated_out: int = 0
    """How many of the lines are in logs that were rotated."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.log = self.folder / "debug.log"
        self._file = self.log  # what FlexNet has open, which a rename does not change
        self._users = count(1)
        self._happenings = heapq.merge(self._usage(), self._days(), key=lambda one: one[0])
        self._next = next(self._happenings)
        self._start(self.begin)

    def go_on_until(self, moment: datetime) -> None:
        """Write, and rotate, all that is due before that moment."""
        while self._next[0] < moment:
            at, happens = self._next
            happens(at)
            self._next = next(self._happenings)

    def day_of(self, moment: datetime) -> date:
        """Which day it is there."""
        return moment.astimezone(self.zone).date()

    # What happens, as moments and what is done then.

    def _usage(self) -> Iterator[tuple[datetime, Callable[[datetime], None]]]:
        first = self.begin + timedelta(minutes=5, seconds=17)
        for number in count():
            yield first + number * BUSY, (self._check_out, self._deny, self._check_in)[number % 3]

    def _days(self) -> Iterator[tuple[datetime, Callable[[datetime], None]]]:
        first = self.day_of(self.begin)
        for day in (first + timedelta(days=number) for number in count()):
            happenings = [(time(0), self._deny), (time(23, 59, 59), self._deny)]
            happenings += [(stamp, self._stamp) for stamp in STAMPS]
            if self.rotation is not None and (moments := self.rotation.moments(day)) is not None:
                happenings += [(moments[0], self._rotate), (moments[1], self._reopen)]
                if day in self.rotation.late:
                    happenings += [(time(2, 29, 30), self._deny), (time(2, 33), self._deny)]
            # A rotation comes before what is written at its moment.
            order = {self._rotate: 0, self._reopen: 1}
            for clock, happens in sorted(happenings, key=lambda one: (one[0], order.get(one[1], 2))):
                at = datetime.combine(day, clock, self.zone).astimezone(timezone.utc)
                if at > self.begin:
                    yield at, happens

    def _check_out(self, at: datetime) -> None:
        self._out = next(self._users)
        self._tell(at, f'OUT: "FEAT_A" user{self._out}@{self.folder.name}')

    def _check_in(self, at: datetime) -> None:
        self._tell(at, f'IN: "FEAT_A" user{self._out}@{self.folder.name}')

    def _deny(self, at: datetime) -> None:
        reason = "(Licensed number of users already reached. (-4,342))"
        self._tell(at, f'DENIED: "FEAT_B" user{next(self._users)}@{self.folder.name}  {reason}')

    def _stamp(self, at: datetime) -> None:
        local = at.astimezone(self.zone)
        self._write(at, f"(lmgrd) TIMESTAMP {local.month}/{local.day}/{local.year}")

    def _start(self, at: datetime) -> None:
        local = at.astimezone(self.zone)
        self._write(at, f"(lmgrd) (@lmgrd-SLOG@) Start-Date: {local:%a %b %d %Y %H:%M:%S %Z}")
        self._stamp(at)

    def _rotate(self, at: datetime) -> None:
        assert self.rotation is not None
        old = self.log.stat().st_ino
        self.rotation.by(self.log, self.day_of(at))
        if not self.log.exists():
            self._file = next(path for path in self.folder.iterdir() if path.stat().st_ino == old)

    def _reopen(self, at: datetime) -> None:
        self.rotated_out = len(self.written)
        if self._file != self.log:
            self._file = self.log
            self._start(at)

    def _tell(self, at: datetime, message: str) -> None:
        self.written.append(Line(at, self._write(at, f"(vendord) {message}")))

    def _write(self, at: datetime, message: str) -> str:
        local = at.astimezone(self.zone)
        text = f"{local.hour:2}:{local:%M:%S} {message}"
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
        os.utime(self._file, (at.timestamp(), at.timestamp()))
        return text
