# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that a test turns, and a system whose answers are given beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar, Union

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Attempt,
    PollResult,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock

T = TypeVar("T")
DIGEST = "5a" * 32


class TurnedClock:
    """Time passes when somebody sleeps, at once. `alarms` are called when their moment has come."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self.zero = 0.0  # the time of day, in seconds since 1970, at the moment 0
        self.pauses: list[float] = []
        self.alarms: list[tuple[float, Callable[[], None]]] = []

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.moment, sleep=self.sleep, wall=lambda: self.zero + self.moment)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.pauses.append(seconds)
        self.moment += seconds
        due = [call for moment, call in self.alarms if moment <= self.moment]
        self.alarms = [alarm for alarm in self.alarms if alarm[0] > self.moment]
        for call in due:
            call()

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it when so much time has passed."""
        self.alarms.append((self.moment + seconds, call))


@dataclass
class BeforeCommit:
    """What a submission ends with before its last block leaves."""

    error: BaseException


Ending = Union[Accepted, BaseException, BeforeCommit]
Sight = Union[PollResult, BaseException]


@dataclass
class ScriptedSystem:
    """What it answers to the submission of each source, and to each look at a task; otherwise all goes well.

    The last answer of a list holds for good. `commits` are the sources whose last block left.
    """

    endings: dict[str, list[Ending]] = field(default_factory=dict)
    sights: dict[str, list[Sight]] = field(default_factory=dict)
    unprepared: BaseException | None = None
    probed: int = 0
    tried: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    on_submit: Callable[[Wanted], None] | None = None
    is_repeatable: bool = False
    best_end: str = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)
    on_evidence_of_loss: Callable[[Mapping[str, Any]], str] = lambda _notes: ""

    def prepare(self) -> None:
        """There is nothing to do."""

    def probe(self) -> None:
        self.probed += 1
        if self.unprepared is not None:
            raise self.unprepared

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        self.tried.append(wanted.source)
        if self.on_submit is not None:
            self.on_submit(wanted)
        ending = _next(self.endings.get(wanted.source))
        if isinstance(ending, BeforeCommit):
            raise ending.error
        attempt.commit(DIGEST)
        self.commits.append(wanted.source)
        if isinstance(ending, BaseException):
            raise ending
        return ending or accepted(f"task {len(self.commits)}")

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        assert remote_id is not None
        self.looked_at.append(remote_id)
        sight = _next(self.sights.get(remote_id))
        if isinstance(sight, BaseException):
            raise sight
        return sight or seen("succeeded")

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        return self.on_evidence_of_loss(notes)


def accepted(remote_id: str) -> Accepted:
    return Accepted(remote_id, {"task": remote_id})


def seen(state: str, message: str = "") -> PollResult:
    return PollResult(state, message, {"state": state})


def running(times: int, *then: Sight) -> list[Sight]:
    """A task that is running at so many looks."""
    return [*[seen("running")] * times, *then]


def _next(script: list[T] | None) -> T | None:
    """The first of the answers, taken away unless it is the last."""
    if script is None:
        return None
    return script.pop(0) if len(script) > 1 else script[0]


class Uncommitted:
    """An attempt of nobody's: what is sent need not be written down."""

    def __init__(self) -> None:
        self.digests: list[str | None] = []
        self.notes: Mapping[str, Any] = {}

    def note(self, notes: Mapping[str, Any]) -> None:
        raise AssertionError("there are no steps to note")

    def commit(self, sha256: str | None) -> None:
        self.digests.append(sha256)
