# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that a test scripts: which request they hit, when, and what they do. How they do it is in `exchange.py`."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

WHEN = ("before_body", "during_body", "after_body", "after_work")
"""Before the body is read, after `after_bytes` of it, after all of it but before the work, after the work."""

PAUSES = ("delay", "hold", "stall")
"""Faults after which the request goes on as if nothing had happened (`stall` only if it has `seconds`)."""

_DEFAULT_WHEN = {"truncate": "after_work", "slow_answer": "after_work", "patch": "after_work"}

ACTIONS = (*PAUSES, "status", "html", "json", "redirect", "patch", "drop", "truncate", "garbage", "slow_answer")
"""What a fault can do. `README.md` has the table."""


class FaultError(ValueError):
    """The description of a fault makes no sense."""


class FaultHits(Exception):
    """Breaks off the work on a request for the sake of a fault; a system's own code may raise it, too."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.label())
        self.fault = fault


@dataclass
class Fault:
    """One scripted fault. It hits the requests that match, but for the first `skip` of them, `times` times."""

    action: str
    when: str = ""
    # which requests
    system: str | None = None
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    """Regular expression, searched for in the path as the client sent it, without the query."""
    skip: int = 0
    times: int | None = 1
    """How many requests it hits; None: every one."""
    # what it does
    after_bytes: int = 0
    """With `during_body`: acts once at least so many bytes of the body were read."""
    seconds: float | None = None
    """Real seconds: of `delay`; after which `hold` and `stall` let go; between the bytes of `slow_answer`; otherwise
    before it acts."""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    content_type: str | None = None
    json: Any = None
    location: str | None = None
    set: dict[str, Any] = field(default_factory=dict)
    """Of `patch`: values by dotted path, such as `data.ti.tid`."""
    remove: list[str] = field(default_factory=list)
    """Of `patch`: dotted paths to take out."""
    reset: bool = True
    """Of `drop`: by a TCP reset, or else by an orderly close."""
    chunked: bool = False
    """Of `truncate`: chunked answer without its end, instead of one shorter than its Content-Length."""
    keep_bytes: int | None = None
    """Of `truncate`: how much of the answer's body is sent; the first half by default."""
    drain: bool = False
    """Of an answer given before the whole body was read: read and discard the rest, then close, as nginx does with its
    lingering close; by default the connection is closed at once."""
    # book-keeping
    id: int = 0
    seen: int = 0
    """Requests that matched so far."""
    hits: int = 0
    """Requests it was armed for so far."""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise FaultError(f"unknown action {self.action!r}, one of {', '.join(ACTIONS)}")
        self.when = self.when or ("during_body" if self.after_bytes else _DEFAULT_WHEN.get(self.action, "before_body"))
        if self.when not in WHEN:
            raise FaultError(f"unknown when {self.when!r}, one of {', '.join(WHEN)}")
        if self.action == "delay" and self.seconds is None:
            raise FaultError("delay needs seconds")
        if self.action == "patch" and self.when != "after_work":
            raise FaultError("patch changes the system's own answer, so it is for after_work only")
        if self.action == "stall" and self.when not in ("before_body", "during_body"):
            raise FaultError("stall stops reading the body, so it is for before_body and during_body only")
        if self.path is not None:
            re.compile(self.path)

    def matches(self, system: str, operation: str | None, method: str, path: str) -> bool:
        """Whether it is meant for such a request."""
        return (
            self.system in (None, system)
            and self.operation in (None, operation)
            and (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
        )

    def is_due(self) -> bool:
        """Whether the request just seen is one to hit."""
        return self.seen > self.skip and (self.times is None or self.hits < self.times)

    def label(self) -> str:
        """As the request log shows it."""
        return f"{self.action}@{self.when}"

    def as_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


_SETTABLE = {item.name for item in fields(Fault)} - {"id", "seen", "hits"}


@dataclass
class FaultBook:
    """The faults in force, in the order they were added; the first that is due hits."""

    faults: list[Fault] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _last_id: int = 0

    def add(self, description: dict[str, Any]) -> Fault:
        """Add one as given over the control endpoint; FaultError if it makes no sense."""
        if unknown := set(description) - _SETTABLE:
            raise FaultError(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(sorted(_SETTABLE))}")
        try:
            fault = Fault(**description)
        except (TypeError, re.error) as problem:
            raise FaultError(str(problem)) from problem
        self._last_id += 1
        fault.id = self._last_id
        self.faults.append(fault)
        return fault

    def take(self, system: str, operation: str | None, method: str, path: str) -> Fault | None:
        """The fault that hits this request, if any. Every fault that matches counts the request as seen."""
        chosen = None
        for fault in self.faults:
            if not fault.matches(system, operation, method, path):
                continue
            fault.seen += 1
            if chosen is None and fault.is_due():
                fault.hits += 1
                chosen = fault
        return chosen

    def clear(self) -> None:
        """Take all out of force and let go of the requests they hold."""
        self.faults = []
        self.release()

    def release(self) -> None:
        """Let the requests go on that are held right now."""
        self._released.set()
        self._released = asyncio.Event()

    async def wait_for_release(self) -> None:
        """Return at the next `release`."""
        await self._released.wait()
