# SPDX-License-Identifier: GPL-3.0-or-later
"""X-Formation License Statistics: its API for importing license server data.

Sources: the vendor's page "API for importing license server data", and FACTS section A. What no page says is a guess,
named so where it is made; where clients may meet either of two answers, a setting switches between them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..settings import changed
from ..system import Operation, RefusedError, Surroundings, System, strict_query
from ..uploads import UploadError, receive_file
from .flexnet import DENIALS, USAGE
from .holdings import MERGE_POLICIES
from .tasks import ImportParameters, Task, TaskQueue, TaskSettings
from .tokens import ADMIN_TOKEN, AGENT_TOKEN, USER_TOKEN

Handler = Callable[[Request], Awaitable[Response]]

NO_TASK = "import_00000000-0000-0000-0000-000000000000"
_DNS_PARAMETERS = ("resolveDomainNamesToIP", "findDomainNamesByIP")
_PARAMETERS = ("gather", "mergePolicy", "from", "to")


@dataclass(frozen=True)
class LicenseServer:
    """A license server that License Statistics watches."""

    id: int
    name: str
    manager: str = "FlexNet"
    supports_import: bool = True
    """The type of license manager supports importing."""
    import_enabled: bool = True
    """Importing is switched on in the configuration of this license server."""


@dataclass(frozen=True)
class Token:
    """An API token (FACTS section A.1: two scopes, rights are those of the user)."""

    token: str
    user: str
    """Display name, shown as `sbtr`."""
    administrator: bool = True
    scope: str = "API"
    """`API` or `Agent`; the latter is for the vendor's agent only."""


def _default_servers() -> list[LicenseServer]:
    return [
        LicenseServer(40, "cad"),
        LicenseServer(41, "eda"),
        LicenseServer(42, "cae"),
        LicenseServer(43, "not-enabled", import_enabled=False),
        LicenseServer(44, "not-supported", manager="Beta LM", supports_import=False),
    ]


def _default_tokens() -> list[Token]:
    return [
        Token(ADMIN_TOKEN, "Administrator"),
        Token(USER_TOKEN, "Una User", administrator=False),
        Token(AGENT_TOKEN, "Administrator", scope="Agent"),
    ]


@dataclass(frozen=True)
class Settings(TaskSettings):
    """Everything about this License Statistics that a test or a user can set."""

    version: str = "6.21"
    """Below 6.14 there is no /api/v3, below 6.21 there are no DNS parameters."""
    license_servers: list[LicenseServer] = field(default_factory=_default_servers)
    tokens: list[Token] = field(default_factory=_default_tokens)
    unknown_server_status: int = 404
    """HTTP status for a license server id that does not exist (guess)."""
    refusal_status: int = 200
    """HTTP status with `success: false` where importing is not possible or not enabled (guess; 4xx is as likely)."""
    unknown_task_status: int = 200
    """HTTP status with `success: false` for a task that is unknown or forgotten (guess; 404 is as likely)."""


class LicenseStatistics(System):
    """The system: its operations, its tasks and the data of its license servers."""

    name = "licstat"
    _settings: Settings

    def __init__(self, surroundings: Surroundings, initial: dict[str, Any]) -> None:
        self._initial = changed(Settings(), initial)
        self._settings = self._initial
        self._upload_dir = surroundings.data_dir
        self._tasks = TaskQueue(surroundings, self._settings)
        base = "/api/{api_version:str}/admin"
        self.operations: tuple[Operation, ...] = (
            Operation("import", ("POST",), f"{base}/license-server/{{id}}/import", self._answering(self._import)),
            # A task that does not exist, under a name of its own, so that faults can be scripted for either.
            Operation("no_task", ("POST",), f"{base}/task/{NO_TASK}/status", self._answering(self._no_task)),
            Operation("status", ("POST",), f"{base}/task/{{tid}}/status", self._answering(self._status)),
        )

    # What the frame asks for.

    def reset(self) -> None:
        """Back to the initial settings, with no data and no tasks."""
        self._settings = self._initial
        self._tasks.reset(self._settings)

    def configure(self, settings: dict[str, Any]) -> None:
        """Change settings; tasks already accepted keep theirs."""
        self._settings = changed(self._settings, settings)
        self._tasks.settings = self._settings

    def state(self) -> dict[str, Any]:
        """Per license server what it holds, and all tasks in the order of their acceptance."""
        servers = self._settings.license_servers
        return {
            "license_servers": {str(server.id): self._tasks.held_by(server.id) for server in servers},
            "tasks": [self._tasks.describe(task) for task in self._tasks.all()],
        }

    def is_busy(self) -> bool:
        """Whether uploads are still being read."""
        return self._tasks.is_busy()

    def introduction(self, url: str) -> list[str]:
        """How to reach it, and with which tokens."""
        lines = [f"X-Formation License Statistics {self._settings.version}: {url}"]
        lines += [
            f"  license server {server.id} ({server.name}, {server.manager})"
            + ("" if server.supports_import else ", its manager does not support importing")
            + ("" if server.import_enabled else ", importing not enabled")
            for server in self._settings.license_servers
        ]
        lines += [
            f"  token {token.token} ({token.user}, {'administrator' if token.administrator else 'no administrator'},"
            f" {token.scope} scope)"
            for token in self._settings.tokens
        ]
        return lines

    # The operations.

    async def _import(self, request: Request) -> Response:
        """POST /api/v3/admin/license-server/{id}/import"""
        token = self._authorise(request)
        upload = await receive_file(request, "file", self._upload_dir)
        try:
            server = self._license_server(request.path_params["id"])
            parameters = self._parameters(request)
            task = await self._tasks.accept(server.id, token.user, parameters, upload)
        except BaseException:
            upload.delete()
            raise
        # The task lies one level deeper here than in the answer to a status request.
        return _success({"sst": "SCHEDULED", "ti": _task_info(task, self._tasks.state_of(task))})

    async def _status(self, request: Request) -> Response:
        """POST /api/v3/admin/task/{tid}/status"""
        self._authorise(request)
        tid = request.path_params["tid"]
        task = self._tasks.find(tid)
        if task is None:
            raise RefusedError(self._settings.unknown_task_status, f"Task {tid} not found")
        return _success(_task_info(task, self._tasks.state_of(task)))

    async def _no_task(self, request: Request) -> Response:
        """The same for the id that no task has."""
        self._authorise(request)
        raise RefusedError(self._settings.unknown_task_status, f"Task {NO_TASK} not found")

    # Checks.

    def _answering(self, operation: Handler) -> Handler:
        """The operation with what all have in common: the API's version, and refusals in the vendor's envelope."""

        @functools.wraps(operation)
        async def answer(request: Request) -> Response:
            try:
                self._check_api_version(request.path_params["api_version"])
                return await operation(request)
            except RefusedError as refusal:
                return _failure(refusal.status, refusal.message)
            except UploadError as problem:
                return _failure(400, str(problem))

        return answer

    def _check_api_version(self, api_version: str) -> None:
        """v2 since 6.11 and, beside it, v3 since 6.14 (FACTS section A.1). That v2 is still there is a guess."""
        if api_version != "v2" and (api_version != "v3" or self._is_older_than(6, 14)):
            raise RefusedError(404, "Not Found")

    def _is_older_than(self, *version: int) -> bool:
        return tuple(int(part) for part in self._settings.version.split(".")[:2]) < version

    def _authorise(self, request: Request) -> Token:
        """Checked before the body is read. The API of administration needs an API scope token of an administrator.

        That it is so, and that the answers are 401 and 403, is a guess.
        """
        given = request.headers.get("x-auth-token")
        token = next((token for token in self._settings.tokens if token.token == given), None)
        if token is None:
            raise RefusedError(401, "Authentication required")
        if token.scope != "API" or not token.administrator:
            raise RefusedError(403, "Access denied")
        return token

    def _license_server(self, text: str) -> LicenseServer:
        if not re.fullmatch(r"\d+", text):
            raise RefusedError(400, f"License server id must be an integer, not '{text}'")
        server = next((server for server in self._settings.license_servers if server.id == int(text)), None)
        if server is None:
            raise RefusedError(self._settings.unknown_server_status, f"License server {text} not found")
        if not server.supports_import:
            raise RefusedError(self._settings.refusal_status, f"Importing is not supported for {server.manager}")
        if not server.import_enabled:
            raise RefusedError(
                self._settings.refusal_status, f"Importing is not enabled for license server {server.name}"
            )
        return server

    def _parameters(self, request: Request) -> ImportParameters:
        given = strict_query(request, _PARAMETERS if self._is_older_than(6, 21) else _PARAMETERS + _DNS_PARAMETERS)
        begin, end = _moment("from", given), _moment("to", given)
        if begin is not None and end is not None and begin > end:
            raise RefusedError(400, "'from' is later than 'to'")
        return ImportParameters(
            given=given,
            gather=_gather(given.get("gather", "Denials,Usage")),
            merge_policy=_choice("mergePolicy", given.get("mergePolicy", "Reject"), MERGE_POLICIES),
            begin=begin,
            end=end,
            resolve=_boolean(_DNS_PARAMETERS[0], given),
            find=_boolean(_DNS_PARAMETERS[1], given),
        )


def _gather(text: str) -> frozenset[str]:
    """Both may be named, in either order (guess)."""
    kinds = {"Denials": DENIALS, "Usage": USAGE}
    names = text.split(",")
    if len(set(names)) < len(names) or not set(names) <= set(kinds):
        raise RefusedError(400, f"'gather' must be Denials, Usage or both, not '{text}'")
    return frozenset(kinds[name] for name in names)


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise RefusedError(400, f"'{name}' must be one of {', '.join(choices)}, not '{value}'")
    return value


def _boolean(name: str, given: dict[str, str]) -> bool:
    return _choice(name, given.get(name, "false"), ("true", "false")) == "true"


def _moment(name: str, given: dict[str, str]) -> datetime | None:
    """`yyyy-MM-dd HH:mm[:ss]`, in the server's local time (guess)."""
    text = given.get(name)
    if text is None:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise RefusedError(400, f"'{name}' is no date of the form yyyy-MM-dd HH:mm[:ss]: '{text}'")


# Answers. Field names are those of the vendor's page; what they stand for is in FACTS section A.1.


def _task_info(task: Task, state: str) -> dict[str, Any]:
    return {
        "data": None,
        "sbtr": task.submitter,
        "sbtd": str(task.submitted_date),
        "tid": task.tid,
        "sts": state,
        "err": task.error,
    }


def _success(data: Any) -> Response:
    return JSONResponse({"success": True, "msg": None, "data": data})


def _failure(status: int, message: str) -> Response:
    """That a refusal of v3 has the same envelope is a guess by the older API's contract (FACTS section A.1)."""
    return JSONResponse({"success": False, "msg": message, "data": None}, status_code=status)
