# SPDX-License-Identifier: GPL-3.0-or-later
"""The imports of a server: those that are over, the one that runs, those that the schedule will start.

Nothing runs by a timer. When an import starts it is settled when it will end and how; whoever looks first has those
started that the schedule is due to have started by then. So a clock that stands still keeps everything as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from ..clock import Clock
from ..settings import check_choice
from .products import COMPLETE, RAW_ONLY, TYPES

SUCCESSFUL = "successful"
API = "api"
SCHEDULE = "schedule"

_DAY = 24 * 3600.0
_SCRIPTED = frozenset({"daily", "failures", "history", "others", "pending"})
"""Settings that say what is to happen or has happened: they count from the moment at which they are set."""


@dataclass(frozen=True)
class Other:
    """An import that somebody else has scheduled. If another runs when it is due, it is left out (guess)."""

    at: float
    """Sandbox seconds from the moment at which this is set."""
    type: str = COMPLETE

    def __post_init__(self) -> None:
        check_choice("type", self.type, TYPES)


@dataclass(frozen=True)
class Past:
    """An import that was over before."""

    age: float
    """Sandbox seconds since its end, at the moment at which this is set."""
    type: str = COMPLETE
    status: str = SUCCESSFUL

    def __post_init__(self) -> None:
        check_choice("type", self.type, TYPES)


@dataclass(frozen=True)
class ImportSettings:
    """How imports behave. Seconds are sandbox seconds."""

    seconds_complete: float = 20.0
    seconds_raw: float = 5.0
    failures: int = 0
    """How many of the next imports fail."""
    failure_status: str = "failed"
    """Their `last_status`. Only `successful` is documented (guess)."""
    restart_at: float | None = None
    """The server goes away so many seconds after an import has started, which goes on all the same (guess)."""
    restart_seconds: float = 30.0
    """And comes back after these."""
    daily: bool = True
    """A complete import starts each midnight (UTC), as the vendor schedules it; the first one not within a day."""
    others: list[Other] = field(default_factory=list)
    """What else is scheduled."""
    history: list[Past] = field(default_factory=list)
    """Imports that are over. Setting it forgets all imports there were, also one that runs."""
    pending: bool = False
    """Somebody has changed something that needs a complete import to take effect."""


@dataclass(frozen=True)
class Import:
    """An import that has started. Times are sandbox seconds."""

    type: str
    by: str
    """Who started it: `api` or `schedule`."""
    begins: float
    ends: float
    status: str
    """Its `last_status`, once it has ended."""
    away: tuple[float, float] | None = None
    """From when to when the server restarts."""


@dataclass(frozen=True)
class Scheduled:
    """An import to come."""

    at: float
    """Sandbox seconds."""
    type: str


@dataclass(frozen=True)
class Snapshot:
    """What there is at one moment: an answer put together of several could contradict itself."""

    now: float
    imports: list[Import]
    """Those that have started, in order."""
    next: Scheduled | None
    """What the schedule starts next."""
    pending_since: float | None

    @property
    def running(self) -> Import | None:
        """The import that runs."""
        return next((one for one in self.imports if self.now < one.ends), None)

    @property
    def mode(self) -> str:
        """The status's `mode`. That `none` and `running` go before `pending` is a guess."""
        if not self.imports:
            return "none"
        if self.running is not None:
            return "running"
        return "pending" if self._is_pending() else "idle"

    def last(self, status: str | None = None) -> Import | None:
        """The last one that is over, or the last of them with such an outcome."""
        over = (one for one in self.imports if one.ends <= self.now and status in (None, one.status))
        return max(over, key=lambda one: one.ends, default=None)

    def progress(self, running: Import) -> int:
        """Per cent, from 1 to 99: the example of an import that has just started shows 1."""
        share = (self.now - running.begins) / (running.ends - running.begins)
        return min(max(int(100 * share), 1), 99)

    def is_away(self) -> bool:
        """Whether the server restarts."""
        return any(one.away is not None and one.away[0] <= self.now < one.away[1] for one in self.imports)

    def _is_pending(self) -> bool:
        since = self.pending_since
        taken = (one for one in self.imports if one.type == COMPLETE and one.status == SUCCESSFUL)
        return since is not None and not any(one.begins >= since for one in taken)


class Imports:
    """All imports of a server, one at a time."""

    def __init__(self, clock: Clock, settings: ImportSettings) -> None:
        self._clock = clock
        self.reset(settings)

    def reset(self, settings: ImportSettings) -> None:
        """Forget everything."""
        self._settings = settings
        self._imports: list[Import] = []
        self._others: list[Scheduled] = []
        self._midnight: float | None = None
        self._pending_since: float | None = None
        self._failures_left = 0
        self.configure(settings, _SCRIPTED)

    def configure(self, settings: ImportSettings, given: Collection[str]) -> None:
        """Take other settings, of which those of these names were set just now."""
        now = self.snapshot().now
        self._settings = settings
        if "failures" in given:
            self._failures_left = settings.failures
        if "others" in given:
            self._others = [Scheduled(now + other.at, other.type) for other in settings.others]
        if "daily" in given:
            self._midnight = self._second_midnight(now) if settings.daily else None
        if "history" in given:
            self._imports = sorted((self._past(past, now) for past in settings.history), key=lambda one: one.ends)
        if "pending" in given:
            self._pending_since = now if settings.pending else None

    def snapshot(self) -> Snapshot:
        """What there is now."""
        now = self._clock.now()
        self._start_what_is_due(now)
        return Snapshot(now, list(self._imports), self._earliest(), self._pending_since)

    def start(self, import_type: str) -> None:
        """Start one for the API. None may be running."""
        self._begin(import_type, API, self._clock.now())

    # The schedule.

    def _start_what_is_due(self, now: float) -> None:
        while (due := self._earliest()) is not None and due.at <= now:
            if due in self._others:
                self._others.remove(due)
            else:
                self._midnight = due.at + _DAY
            if all(one.ends <= due.at for one in self._imports):
                self._begin(due.type, SCHEDULE, due.at)

    def _earliest(self) -> Scheduled | None:
        daily = [] if self._midnight is None else [Scheduled(self._midnight, COMPLETE)]
        return min(self._others + daily, key=lambda due: due.at, default=None)

    def _second_midnight(self, now: float) -> float:
        """The first would be met by chance in a test that runs at night."""
        today = self._clock.utc(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return (today + timedelta(days=2) - self._clock.utc(0)).total_seconds()

    # Making imports.

    def _begin(self, import_type: str, by: str, at: float) -> None:
        settings = self._settings
        fails = self._failures_left > 0
        self._failures_left -= int(fails)
        leaves = None if settings.restart_at is None else at + settings.restart_at
        self._imports.append(
            Import(
                type=import_type,
                by=by,
                begins=at,
                ends=at + self._duration(import_type),
                status=settings.failure_status if fails else SUCCESSFUL,
                away=None if leaves is None else (leaves, leaves + settings.restart_seconds),
            )
        )

    def _past(self, past: Past, now: float) -> Import:
        ends = now - past.age
        return Import(past.type, SCHEDULE, ends - self._duration(past.type), ends, past.status)

    def _duration(self, import_type: str) -> float:
        return self._settings.seconds_raw if import_type == RAW_ONLY else self._settings.seconds_complete
