# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own time, which can run fast, stand still or be stepped."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone


class Clock:
    """Seconds of sandbox time since the start; they never go back.

    `speed` is sandbox seconds per real second: 1 is real time, 0 stands still. The date is the real one at the start
    and after a reset, or any other that is set; it may be set back.
    """

    def __init__(self, speed: float = 1.0, real: Callable[[], float] = time.monotonic) -> None:
        self._real = real
        self._speed = _not_negative("speed", speed)
        self._reached = 0.0
        self._since = real()
        self._start = _real_date()

    @property
    def speed(self) -> float:
        """Sandbox seconds per real second."""
        return self._speed

    def now(self) -> float:
        """Sandbox seconds since the start."""
        return self._reached + (self._real() - self._since) * self._speed

    def date(self, at: float | None = None) -> datetime:
        """The sandbox's local date and time, now or at a given number of sandbox seconds, without a zone."""
        # The start's offset for good: sandbox time has no clock changes.
        return self._start.astimezone().replace(tzinfo=None) + self._passed(at)

    def utc(self, at: float | None = None) -> datetime:
        """The same moment in UTC, with its zone; `at` may lie before the start."""
        return self._start + self._passed(at)

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on."""
        _not_negative("speed", speed)
        self._hold_on()
        self._speed = speed

    def set_date(self, date: datetime) -> None:
        """Let it be this moment now, which has a zone. What was dated before keeps its sandbox seconds."""
        if date.tzinfo is None:
            raise ValueError(f"a date without its zone is no moment: {date}")
        self._start = date.astimezone(timezone.utc) - self._passed(None)

    def reset(self, speed: float) -> None:
        """Back to the real date, however far this clock has run ahead, and to this speed."""
        self.set_speed(speed)
        self.set_date(_real_date())

    def step(self, seconds: float) -> None:
        """Jump ahead by so many sandbox seconds."""
        _not_negative("step", seconds)
        self._hold_on()
        self._reached += seconds

    def _passed(self, at: float | None) -> timedelta:
        return timedelta(seconds=self.now() if at is None else at)

    def _hold_on(self) -> None:
        self._reached, self._since = self.now(), self._real()


def _real_date() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def _not_negative(name: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{name} must not be negative: {value}")
    return value
