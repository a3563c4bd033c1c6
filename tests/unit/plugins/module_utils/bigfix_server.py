# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose data imports and whose answers a test makes up, in place of the wire below the HTTP client.

Unlike the sandbox it may leave out fields, tell what was true a while ago, and do so in any order; and it knows what
really happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, NoReply

from .fakes import TurnedClock

BEGIN = datetime(2026, 11, 22, 3, 0, 0, tzinfo=timezone.utc)
"""The time at the start, by the server's clock and that of the host; moments are seconds from then on."""

LOGIN_PAGE = '<html><title>Sign in</title><form><input type="password"></form></html>'


@dataclass(frozen=True)
class Import:
    """An import, from when to when it runs, and how it ends."""

    type: str
    starts: int
    ends: int
    status: str = "successful"
    is_ours: bool = False


@dataclass(frozen=True)
class Quirk:
    """What is odd about an answer to a question; by default nothing.

    `trouble` is `refused`, `hopeless`, `drop`, `500`, `html` or `cut`; `missing` are fields left out; `junk` stands in
    for fields as no reader expects them; `stale` is how many seconds old the status is, but for the Date; `mode`
    replaces idle and running.
    """

    trouble: str | None = None
    missing: frozenset[str] = frozenset()
    junk: Mapping[str, Any] = field(default_factory=dict)
    stale: int = 0
    modes: Mapping[str, str] = field(default_factory=dict)
    has_date: bool = True
    may_run: bool = True


@dataclass(frozen=True)
class Told:
    """A status that was told: of which moment, and what it said."""

    moment: float
    status: Mapping[str, Any]
    is_before_start: bool

    @property
    def is_running(self) -> bool:
        return self.status["mode"] not in ("none", "idle", "pending")


class Server:
    """What `Client` takes for its connection (`Transport`).

    `last_times` is the moment of an import that each of its two times tells: (`last_import_time`, `last_success_time`).
    `is_ahead` is by how many seconds the server's clock is ahead at a moment, `tells_ahead` by how many more the times
    of an import that ends then.
    """

    def __init__(
        self,
        clock: TurnedClock,
        imports: list[Import],
        *,
        quirks: list[Quirk] | None = None,
        ours: tuple[int, str] = (100, "successful"),
        start: str = "starts",
        last_times: tuple[str, str] = ("ends", "ends"),
        tells_last_while_running: bool = False,
        is_ahead: Callable[[float], int] = lambda _moment: 0,
        tells_ahead: Callable[[float], int] = lambda _moment: 0,
    ) -> None:
        self._clock = clock
        self._zero = clock.moment
        clock.zero = BEGIN.timestamp() - clock.moment
        self.is_ahead = is_ahead
        self._tells_ahead = tells_ahead
        self.quirks = quirks or []
        self._ours = ours
        self._start = start
        self._last_times = last_times
        self._tells_last_while_running = tells_last_while_running
        self.imports: list[Import] = []
        for one in sorted(imports, key=lambda one: one.starts):
            if not self.imports or self.imports[-1].ends <= one.starts:
                self.imports.append(one)
        self.told: list[Told] = []
        self.asked: list[float] = []
        self.starts: list[str] = []
        self.has_told_date = True

    @property
    def now(self) -> float:
        return self._clock.moment - self._zero

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: Any = None, **_more: Any) -> Answer:
        """Answer a request, as `Transport` does."""
        run = parse_qs(urlsplit(url).query).get("run")
        if run is None:
            self.asked.append(self.now)
            return self._answer(self.quirks.pop(0) if self.quirks else Quirk(), url)
        self.starts.append(run[0])
        return self._started(run[0], url)

    # What is true.

    def running(self, moment: float) -> Import | None:
        return next((one for one in self.imports if one.starts <= moment < one.ends), None)

    def successes_since(self, moment: float) -> list[Import]:
        """The imports that succeeded after a moment, by now."""
        over = [one for one in self.imports if moment < one.ends <= self.now]
        return [one for one in over if one.status == "successful"]

    @property
    def baseline(self) -> Told:
        """The last status that was told before the request that starts an import."""
        return [told for told in self.told if told.is_before_start][-1]

    # What is told.

    def _started(self, run: str, url: str) -> Answer:
        reply, _unused, what = self._start.partition(" ")
        if reply == "refused":
            return _answer(url, "No.", status=403)
        if what != "nothing" and self.running(self.now) is None:
            self._begin("complete" if run == "true" else run)
        if reply == "lost":
            raise NoReply("the connection was reset")
        if reply == "500":
            return _answer(url, "Trouble", status=500)
        return self._answer(Quirk(), url)

    def _begin(self, import_type: str) -> None:
        seconds, status = self._ours
        begin = int(self.now)
        ours = Import(import_type, begin, begin + seconds, status, is_ours=True)
        kept = [one for one in self.imports if one.ends <= begin or one.starts >= ours.ends]
        self.imports = sorted([*kept, ours], key=lambda one: one.starts)

    def _answer(self, quirk: Quirk, url: str) -> Answer:
        moment = self.now - quirk.stale
        status = {**self._status(moment), **quirk.junk, "can_run_imports": quirk.may_run}
        status["mode"] = quirk.modes.get(status["mode"], status["mode"])
        status = {name: value for name, value in status.items() if name not in quirk.missing}
        text = json.dumps(status)
        if quirk.trouble == "refused":
            raise NoReply("connection refused", unconnected=True)
        if quirk.trouble == "hopeless":
            raise NoReply("there is no such host", is_permanent=True, unconnected=True)
        if quirk.trouble == "drop":
            raise NoReply("the connection was reset")
        if quirk.trouble == "cut":
            text = text[: len(text) // 2]
        if quirk.trouble == "html":
            return _answer(url, LOGIN_PAGE, content_type="text/html")
        if quirk.trouble == "500":
            return _answer(url, "The database connection was lost", status=500)
        if quirk.trouble is None:
            self.told.append(Told(moment, status, is_before_start=not self.starts))
        self.has_told_date = quirk.has_date
        date = BEGIN + timedelta(seconds=int(self.now) + self.is_ahead(self.now))
        return _answer(url, text, date=format_datetime(date, usegmt=True) if quirk.has_date else None)

    def _status(self, moment: float) -> dict[str, Any]:
        begun = [one for one in self.imports if one.starts <= moment]
        if not begun:
            return {"mode": "none"}
        running = self.running(moment)
        status: dict[str, Any] = {"mode": "idle" if running is None else "running"}
        if running is not None:
            status["progress"] = 59
            if not self._tells_last_while_running:
                return status
        over = [one for one in begun if one.ends <= moment]
        if over:
            status["last_import_time"] = self._text(over[-1], self._last_times[0])
            status["last_import_type"] = over[-1].type
            status["last_status"] = over[-1].status
        if good := [one for one in over if one.status == "successful"]:
            status["last_success_time"] = self._text(good[-1], self._last_times[1])
        return status

    def _text(self, one: Import, which: str) -> str:
        moment: int = getattr(one, which)
        told = BEGIN + timedelta(seconds=moment + self.is_ahead(moment) + self._tells_ahead(moment))
        return told.strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(
    url: str, text: str, *, status: int = 200, content_type: str = "application/json", date: str | None = None
) -> Answer:
    headers = {"content-type": content_type, **({"date": date} if date else {})}
    return Answer("GET", url, status, "", headers, text)
