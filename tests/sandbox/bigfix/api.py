# SPDX-License-Identifier: GPL-3.0-or-later
"""HCL BigFix Inventory and IBM License Metric Tool: the part of their APIs that is about data imports.

Sources: the vendors' pages "Running data imports" and "REST API for data imports", and FACTS section B. What no page
says is a guess, named so where it is made; where clients may meet either of two answers, a setting switches.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ..exchange import LOGIN_PAGE
from ..faults import Fault, FaultHits
from ..settings import changed, check_choice
from ..system import SENDS_DATE, Operation, RefusedError, Surroundings, System
from .credentials import MANAGER, MANAGER_PASSWORD, VIEWER, VIEWER_PASSWORD
from .imports import SUCCESSFUL, Import, Imports, ImportSettings, Snapshot
from .products import RAW_ONLY, Product
from .trouble import Trouble, TroubleSettings

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class User:
    """A user, with the token that the profile shows and `get_token` gives."""

    user: str
    password: str
    token: str
    manage_imports: bool = True
    """Has the permission Manage Imports."""
    sees_version: bool = True
    """May ask for `about`, which on BigFix Inventory takes View Hardware Inventory and all computers."""


@dataclass(frozen=True)
class Settings(ImportSettings, TroubleSettings):
    """Everything about this server that a test or a user can set."""

    version: str = ""
    users: list[User] = field(default_factory=list)
    # Authentication.
    token_in_url: bool = True
    """The query's `token` counts (`api_token_in_url_enabled` of License Metric Tool)."""
    token_in_header: bool = True
    """The header `Token` counts, and where there is one, the query's is ignored."""
    single_sign_on: bool = False
    """There is no `get_token`: it is answered like a request without a token (guess)."""
    wrong_credentials_status: int = 401
    """Of `get_token`; 500 on older servers."""
    unauthenticated: str = "401"
    """`401` with JSON, `redirect` to a login page, or 200 with that `login_page` (guess, all of them)."""
    # Starting.
    raw_imports_enabled: bool = False
    """The feature is switched on; BigFix Inventory only."""
    raw_disabled: str = "status"
    """Answer to `run=raw_only` where it is not: the `status`, or an `error` 500 (guess). Nothing is started."""
    unknown_run: str = "error"
    """Answer to another value of `run`: an `error` 500, or the `status` (guess). Nothing is started."""
    run_while_running: str = "status"
    """Answer to `run` while an import runs: the `status`, or an `error` 500 (guess). Nothing is started."""
    run_without_permission: str = "status"
    """Answer to `run` of a user without Manage Imports: the `status`, or an `error` 403 (guess)."""
    # The status.
    last_while_running: bool = False
    """`last_*` and `next_*` are there while an import runs."""
    last_times: str = "end"
    """Which moment of an import `last_import_time` and `last_success_time` tell: `end` or `start` (guess)."""
    progress: str = "moving"
    """`moving`, `stale` (stays at 1) or `absent`."""
    streamed: bool = True
    """JSON is sent chunked, as since 10.0.2, or else with a Content-Length."""
    sends_date: bool = True
    """Answers have a `Date`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("unauthenticated", self.unauthenticated, ("401", "redirect", "login_page"))
        for name in ("raw_disabled", "unknown_run", "run_while_running", "run_without_permission"):
            check_choice(name, getattr(self, name), ("status", "error"))
        check_choice("last_times", self.last_times, ("end", "start"))
        check_choice("progress", self.progress, ("moving", "stale", "absent"))


_TROUBLE = {item.name for item in fields(TroubleSettings)}


@dataclass(frozen=True)
class _Refusal:
    """A start that does not take place."""

    how: str
    """`status`: the answer does not tell; `error`: this one."""
    error: RefusedError


class _UnauthenticatedError(Exception):
    """A request without a token that is known."""


class BigFix(System):
    """A server of either product: its operations and its imports."""

    _settings: Settings

    def __init__(self, product: Product, surroundings: Surroundings, initial: dict[str, Any]) -> None:
        self.name = product.name
        self._product = product
        self._clock = surroundings.clock
        self._initial = changed(_defaults(product), initial)
        self._imports = Imports(surroundings.clock, self._initial)
        self.reset()
        paths = product.status_paths
        self.operations: tuple[Operation, ...] = (
            *(Operation("start", ("GET",), path, self._answering(self._start), "run") for path in paths),
            *(Operation("status", ("GET",), path, self._answering(self._status)) for path in paths),
            Operation("get_token", ("POST",), "/api/get_token", self._answering(self._get_token)),
            Operation("about", ("GET",), "/api/sam/about", self._answering(self._about)),
            Operation("login", ("GET",), "/login", self._answering(self._login)),
        )

    # What the frame asks for.

    def reset(self) -> None:
        """Back to the initial settings."""
        self._settings = self._initial
        self._imports.reset(self._settings)
        self._trouble = Trouble(self._settings)
        self._starts_asked = self._starts_asked_while_running = 0

    def configure(self, settings: dict[str, Any]) -> None:
        """Change settings; imports already started keep theirs."""
        self._settings = changed(self._settings, settings)
        self._imports.configure(self._settings, settings)
        if _TROUBLE & set(settings):
            self._trouble = Trouble(self._settings)

    def state(self) -> dict[str, Any]:
        """The mode, all imports in order, and how often a start was asked for."""
        snapshot = self._imports.snapshot()
        return {
            "mode": snapshot.mode,
            "away": snapshot.is_away(),
            "imports": [self._describe(one, is_over=one.ends <= snapshot.now) for one in snapshot.imports],
            "starts_asked": self._starts_asked,
            "starts_asked_while_running": self._starts_asked_while_running,
        }

    def introduction(self, url: str) -> list[str]:
        """How to reach it, and with which tokens."""
        return [
            f"{self._product.title} {self._settings.version}: {url}",
            *(
                f"  user {user.user}, password {user.password}, token {user.token}"
                + ("" if user.manage_imports else " (may not run imports)")
                for user in self._settings.users
            ),
        ]

    # The operations.

    async def _status(self, request: Request) -> Response:
        """GET /api/import_status.json"""
        user = self._authorise(request)
        self._check_query(request, self._product.parameters)
        snapshot = self._imports.snapshot()
        status = self._status_for(user, snapshot)
        if self._is_troubled(snapshot) and (fault := self._trouble.strike(status)) is not None:
            raise FaultHits(fault)
        return self._json(status)

    async def _start(self, request: Request) -> Response:
        """GET /api/import_status.json?run=…"""
        user = self._authorise(request)
        self._check_query(request, self._product.parameters)
        is_running = self._imports.snapshot().running is not None
        self._starts_asked += 1
        self._starts_asked_while_running += int(is_running)
        run = request.query_params["run"]
        refusal = self._refusal(user, run, is_running)
        if refusal is None:
            self._imports.start(self._product.run_values[run])
        elif refusal.how == "error":
            raise refusal.error
        return self._json(self._status_for(user, self._imports.snapshot()))

    async def _get_token(self, request: Request) -> Response:
        """POST /api/get_token"""
        if self._settings.single_sign_on:
            raise _UnauthenticatedError
        try:
            given = json.loads(await request.body())
            name, password = given["user"], given["password"]
        except (ValueError, KeyError, TypeError):
            raise RefusedError(500, "The body must be a JSON object with user and password") from None
        user = next((user for user in self._settings.users if (user.user, user.password) == (name, password)), None)
        if user is None:
            raise RefusedError(self._settings.wrong_credentials_status, "Invalid user name or password")
        return self._json({"token": user.token})

    async def _about(self, request: Request) -> Response:
        """GET /api/sam/about"""
        user = self._authorise(request)
        self._check_query(request, frozenset({"token"}))
        if not user.sees_version:
            raise RefusedError(403, "The user has no permission for this")
        return self._json({"product": self._product.title, "version": self._settings.version})

    async def _login(self, request: Request) -> Response:
        """GET /login: what a redirect of a request without a token leads to (guess)."""
        return HTMLResponse(LOGIN_PAGE)

    # Starting.

    def _refusal(self, user: User, run: str, is_running: bool) -> _Refusal | None:
        """Why nothing is started, if that is so."""
        settings = self._settings
        import_type = self._product.run_values.get(run)
        if not user.manage_imports:
            return _Refusal(settings.run_without_permission, RefusedError(403, "The user may not run imports"))
        if import_type is None:
            return _Refusal(settings.unknown_run, RefusedError(500, f"Parameter run has an invalid value: {run}"))
        if import_type == RAW_ONLY and not settings.raw_imports_enabled:
            return _Refusal(settings.raw_disabled, RefusedError(500, "Raw Data Only imports are not enabled"))
        if is_running:
            return _Refusal(settings.run_while_running, RefusedError(500, "An import is already running"))
        return None

    # The status.

    def _status_for(self, user: User, snapshot: Snapshot) -> dict[str, Any]:
        """Fields are there as the examples of the product's own page have them."""
        status = {
            "mode": snapshot.mode,
            "can_run_imports": user.manage_imports,
            "import_status_url": "/import_status",
            "import_create_url": "/management/imports",
        }
        if snapshot.mode == "none":
            # The example of License Metric Tool breaks off behind it; what follows there is a guess.
            never = self._product.progress_if_never
            return status if never is None else {**status, "progress": never, **self._next(snapshot)}
        if snapshot.running is not None:
            status |= self._progress(snapshot, snapshot.running)
            if not self._settings.last_while_running:
                return status
        return {**status, **self._last(snapshot), **self._next(snapshot)}

    def _progress(self, snapshot: Snapshot, running: Import) -> dict[str, Any]:
        how = self._settings.progress
        return {} if how == "absent" else {"progress": 1 if how == "stale" else snapshot.progress(running)}

    def _last(self, snapshot: Snapshot) -> dict[str, Any]:
        """Of the last import that is over, so also while another runs."""
        last, success = snapshot.last(), snapshot.last(SUCCESSFUL)
        told = {} if success is None else {"last_success_time": self._last_time(success)}
        if last is None:
            return told
        return {
            **told,
            "last_status": last.status,
            "last_import_time": self._last_time(last),
            "last_import_type": last.type,
        }

    def _last_time(self, one: Import) -> str:
        return self._moment(one.begins if self._settings.last_times == "start" else one.ends)

    def _next(self, snapshot: Snapshot) -> dict[str, Any]:
        if snapshot.next is None:
            return {}
        return {
            "next_import_time": self._moment(snapshot.next.at),
            "next_import_time_in": int(snapshot.next.at - snapshot.now),
            "next_import_type": snapshot.next.type,
        }

    def _describe(self, one: Import, is_over: bool) -> dict[str, Any]:
        return {
            "type": one.type,
            "by": one.by,
            "started_at": self._moment(one.begins),
            "finished_at": self._moment(one.ends) if is_over else None,
            "status": one.status if is_over else None,
        }

    def _moment(self, at: float) -> str:
        """Sandbox seconds as the API tells a time: UTC, to the second."""
        return self._clock.utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _is_troubled(self, snapshot: Snapshot) -> bool:
        last = snapshot.last()
        return snapshot.running is not None or (
            last is not None and snapshot.now < last.ends + self._settings.trouble_after
        )

    # Checks, and answers.

    def _answering(self, operation: Handler) -> Handler:
        """The operation with what all have in common: restarts, the `Date`, errors."""

        @functools.wraps(operation)
        async def answer(request: Request) -> Response:
            request.scope["state"][SENDS_DATE] = self._settings.sends_date
            if self._imports.snapshot().is_away():
                raise FaultHits(Fault("drop"))
            try:
                return await operation(request)
            except _UnauthenticatedError:
                return self._unauthenticated(request)
            except RefusedError as refusal:
                return self._error(refusal.status, refusal.message)

        return answer

    def _authorise(self, request: Request) -> User:
        settings = self._settings
        in_header = request.headers.get("token") if settings.token_in_header else None
        in_url = request.query_params.get("token") if settings.token_in_url else None
        given = in_url if in_header is None else in_header
        user = next((user for user in settings.users if user.token == given), None)
        if user is None:
            raise _UnauthenticatedError
        return user

    def _check_query(self, request: Request, known: frozenset[str]) -> None:
        """Strictly what the vendor's page names: anything else is a client's mistake to be seen.

        That an unknown parameter "contains errors" is a guess. The XML of `format=xml` is not documented, so there is
        none here.
        """
        given = [name for name, _unused in parse_qsl(request.url.query, keep_blank_values=True)]
        for name in given:
            if name not in known:
                raise RefusedError(500, f"Unknown parameter {name}")
        if len(set(given)) < len(given):
            raise RefusedError(500, "A parameter is given twice")
        if request.query_params.get("format", "json") != "json":
            raise RefusedError(500, "Parameter format has an invalid value")

    def _unauthenticated(self, request: Request) -> Response:
        how = self._settings.unauthenticated
        if how == "redirect":
            return RedirectResponse(f"{request.scope['root_path']}/login", status_code=302)
        if how == "login_page":
            return HTMLResponse(LOGIN_PAGE)
        return self._error(401, "Authentication is required")

    def _error(self, status: int, message: str) -> Response:
        """The page has a "Bad Request" with status 500, and a message with details; the body's form is a guess."""
        reasons = {401: "Unauthorized", 403: "Forbidden", 500: "Bad Request"}
        return self._json({"error": reasons.get(status, "Error"), "message": message}, status)

    def _json(self, content: dict[str, Any], status: int = 200) -> Response:
        response = JSONResponse(content, status_code=status, headers={"Content-Language": "en-US"})
        if self._settings.streamed:
            del response.headers["content-length"]  # the HTTP server sends it chunked then
        return response


def _defaults(product: Product) -> Settings:
    return Settings(
        version=product.version,
        users=[
            User(MANAGER, MANAGER_PASSWORD, product.manager_token),
            User(VIEWER, VIEWER_PASSWORD, product.viewer_token, manage_imports=False),
        ],
        token_in_header=product.token_in_header,
        last_while_running=product.last_while_running,
    )
