# SPDX-License-Identifier: GPL-3.0-or-later
"""The control endpoint, `/_control/`: what tests and users see and set. It is not logged, and no fault acts on it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .request_log import RequestRecord

if TYPE_CHECKING:
    from .app import Sandbox

_WAIT = 10.0
"""Real seconds for which a waiting call waits unless it says otherwise."""

# what a request can be waited for, by name
_REACHED: dict[str, Callable[[RequestRecord], bool]] = {
    "begun": lambda record: True,
    "held": lambda record: record.held,
    "complete": lambda record: record.complete,
    "answered": lambda record: record.status is not None,
    "finished": lambda record: record.finished,
}


def control_routes(sandbox: Sandbox, initial_speed: float) -> list[BaseRoute]:
    """The routes below `/_control`."""
    control = _Control(sandbox, initial_speed)
    calls: dict[str, dict[str, Callable[[Request], Awaitable[Any]]]] = {
        "/": {"GET": control.overview},
        "/reset": {"POST": control.reset},
        "/state": {"GET": control.state},
        "/requests": {"GET": control.requests},
        "/wait": {"GET": control.wait},
        "/idle": {"GET": control.idle},
        "/clock": {"GET": control.clock, "POST": control.set_clock},
        "/settings": {"GET": control.settings, "POST": control.configure},
        "/faults": {"GET": control.faults, "POST": control.add_fault, "DELETE": control.clear_faults},
        "/release": {"POST": control.release},
    }
    return [Route(path, _endpoint(methods), methods=list(methods)) for path, methods in calls.items()]


class _TimedOutError(Exception):
    """What was waited for did not happen in time."""


class _Control:
    """One method per call; each returns what is sent back as JSON. ValueError becomes 400."""

    def __init__(self, sandbox: Sandbox, initial_speed: float) -> None:
        self._sandbox = sandbox
        self._initial_speed = initial_speed

    async def overview(self, request: Request) -> Any:
        return {"systems": sorted(self._sandbox.systems)}

    async def reset(self, request: Request) -> Any:
        self._sandbox.reset(self._initial_speed)
        return {}

    async def state(self, request: Request) -> Any:
        return {name: system.state() for name, system in self._sandbox.systems.items()}

    async def requests(self, request: Request) -> Any:
        return [record.as_json() for record in self._selected(request)]

    async def wait(self, request: Request) -> Any:
        """Until `count` requests (1) of `system` and `operation` have reached `state` (`finished`)."""
        reached = _REACHED.get(state := request.query_params.get("state", "finished"))
        if reached is None:
            raise ValueError(f"unknown state {state!r}, one of {', '.join(_REACHED)}")
        count = int(request.query_params.get("count", "1"))
        await self._wait_until(request, lambda: sum(map(reached, self._selected(request))) >= count)
        return [record.as_json() for record in self._selected(request) if reached(record)]

    async def idle(self, request: Request) -> Any:
        """Until every upload was read and, unless `requests` is 0, no request is under way."""
        with_requests = request.query_params.get("requests", "1") != "0"
        await self._wait_until(request, lambda: self._sandbox.is_idle(with_requests))
        return {}

    async def clock(self, request: Request) -> Any:
        clock = self._sandbox.clock
        return {"speed": clock.speed, "now": clock.now(), "date": str(clock.date().replace(microsecond=0))}

    async def set_clock(self, request: Request) -> Any:
        """What to change.

        `speed`: sandbox seconds per real second, 0 stops it. `step`: go so many sandbox seconds ahead. `date`: what it
        is now, in ISO's form and with its zone.
        """
        change = await _object(request)
        if unknown := set(change) - {"date", "speed", "step"}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known are date, speed and step")
        if "date" in change:
            self._sandbox.clock.set_date(datetime.fromisoformat(change["date"]))
        if "speed" in change:
            self._sandbox.clock.set_speed(float(change["speed"]))
        self._sandbox.clock.step(float(change.get("step", 0)))
        return await self.clock(request)

    async def settings(self, request: Request) -> Any:
        return {name: system.settings() for name, system in self._sandbox.systems.items()}

    async def configure(self, request: Request) -> Any:
        """Settings to change, by system."""
        changes = await _object(request)
        if unknown := set(changes) - set(self._sandbox.systems):
            raise ValueError(f"unknown system {', '.join(sorted(unknown))}")
        for name, settings in changes.items():
            self._sandbox.systems[name].configure(settings)
        return await self.settings(request)

    async def faults(self, request: Request) -> Any:
        return [fault.as_json() for fault in self._sandbox.faults.faults]

    async def add_fault(self, request: Request) -> Any:
        return self._sandbox.faults.add(await _object(request)).as_json()

    async def clear_faults(self, request: Request) -> Any:
        self._sandbox.faults.clear()
        return {}

    async def release(self, request: Request) -> Any:
        self._sandbox.faults.release()
        return {}

    def _selected(self, request: Request) -> list[RequestRecord]:
        query = request.query_params
        return self._sandbox.requests.select(query.get("system"), query.get("operation"))

    async def _wait_until(self, request: Request, condition: Callable[[], bool]) -> None:
        timeout = float(request.query_params.get("timeout", _WAIT))
        if not await self._sandbox.requests.wait_until(condition, timeout):
            raise _TimedOutError


def _endpoint(methods: dict[str, Callable[[Request], Awaitable[Any]]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await methods[request.method](request))
        except ValueError as problem:
            return JSONResponse({"error": str(problem)}, status_code=400)
        except _TimedOutError:
            return JSONResponse({"error": "it did not happen in time"}, status_code=408)

    return answer


async def _object(request: Request) -> dict[str, Any]:
    content = json.loads(await request.body() or b"{}")
    if not isinstance(content, dict):
        raise ValueError("the body must be a JSON object")
    return content
