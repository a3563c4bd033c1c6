# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as one ASGI application: systems under their prefixes, and the control endpoint beside them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams
from starlette.routing import Match, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from .bigfix.api import BigFix
from .bigfix.products import BIGFIX_INVENTORY, LICENSE_METRIC_TOOL
from .clock import Clock
from .control import control_routes
from .exchange import Exchange
from .faults import FaultBook
from .haplo.api import Haplo
from .licstat.api import LicenseStatistics
from .lm.api import LifecycleManager
from .request_log import RequestLog, RequestRecord
from .system import Operation, Surroundings, System

logger = logging.getLogger("sandbox")

SYSTEMS: dict[str, Callable[[Surroundings, dict[str, Any]], System]] = {
    LicenseStatistics.name: LicenseStatistics,
    BIGFIX_INVENTORY.name: partial(BigFix, BIGFIX_INVENTORY),
    LICENSE_METRIC_TOOL.name: partial(BigFix, LICENSE_METRIC_TOOL),
    LifecycleManager.name: LifecycleManager,
    Haplo.name: Haplo,
}


@dataclass
class Sandbox:
    """All of it, shared by the gateways of the systems and the control endpoint."""

    clock: Clock
    systems: dict[str, System]
    faults: FaultBook = field(default_factory=FaultBook)
    requests: RequestLog = field(default_factory=RequestLog)

    def reset(self, speed: float) -> None:
        """Back to the beginning, at that speed: date, systems, faults, request log."""
        self.clock.reset(speed)
        for system in self.systems.values():
            system.reset()
        self.faults.clear()
        self.requests.clear()

    def is_idle(self, with_requests: bool) -> bool:
        """Nothing is worked on in real time, and, if they are to be looked at, no request is under way."""
        waits = with_requests and not all(record.finished for record in self.requests.records)
        return not waits and not any(system.is_busy() for system in self.systems.values())


def make_sandbox(data_dir: Path, config: dict[str, Any], speed: float) -> Sandbox:
    """The sandbox with initial settings, per system, from `config`; ValueError if they make no sense."""
    if unknown := set(config) - set(SYSTEMS):
        raise ValueError(f"unknown system {', '.join(sorted(unknown))}; known are {', '.join(sorted(SYSTEMS))}")
    clock, log = Clock(speed), RequestLog()
    systems = {}
    for name, make in SYSTEMS.items():
        folder = data_dir / name
        folder.mkdir(parents=True, exist_ok=True)
        systems[name] = make(Surroundings(clock, folder, log.notify), config.get(name, {}))
    return Sandbox(clock, systems, requests=log)


def make_app(sandbox: Sandbox, speed: float) -> ASGIApp:
    """The application; `speed` is what a reset goes back to."""
    gateways = [Mount(f"/{name}", app=Gateway(sandbox, system)) for name, system in sandbox.systems.items()]
    return Router([Mount("/_control", routes=control_routes(sandbox, speed)), *gateways], redirect_slashes=False)


class Gateway:
    """In front of one system: notes each request and lets faults act on it."""

    def __init__(self, sandbox: Sandbox, system: System) -> None:
        self._sandbox = sandbox
        self._system = system
        self._routes = [_OperationRoute(operation) for operation in system.operations]
        self._router = Router(self._routes, redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        record = self._record(scope)
        self._sandbox.requests.add(record)
        fault = self._sandbox.faults.take(record.system, record.operation, record.method, record.path)
        exchange = Exchange(
            scope, receive, send, record, fault, self._sandbox.requests, self._sandbox.faults, self._sandbox.clock
        )
        try:
            await exchange.run(self._router)
        finally:
            logger.info("%s", _summary(record))
            record.finished = True
            self._sandbox.requests.notify()

    def _record(self, scope: Scope) -> RequestRecord:
        return RequestRecord(
            number=self._sandbox.requests.next_number(),
            system=self._system.name,
            operation=self._operation(scope),
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            port=scope["client"][1] if scope["client"] else 0,
        )

    def _operation(self, scope: Scope) -> str | None:
        """By path and query alone: a wrong method still shows which operation was meant."""
        return next((route.name for route in self._routes if route.matches(scope)[0] is not Match.NONE), None)


class _OperationRoute(Route):
    """An operation's route, which also looks at the query if the operation is one for a query parameter."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(operation.path, operation.handler, methods=operation.methods, name=operation.name)
        self._query_parameter = operation.query_parameter

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self._query_parameter is not None and self._query_parameter not in QueryParams(scope["query_string"]):
            return Match.NONE, {}
        return super().matches(scope)


def _summary(record: RequestRecord) -> str:
    """A request in a line of output. Headers are not in it: they hold secrets."""
    target = record.path + ("?" + record.query if record.query else "")
    fault = f", fault {record.fault}" if record.fault else ""
    return f"{record.method} {target} -> {record.status or 'no answer'}, {record.body_bytes} bytes{fault}"
