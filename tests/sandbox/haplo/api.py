# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo: its platform, which looks at who asks for what, and reads what was sent. `plugins.py` has what is then done.

Sources: the vendor's pages "Batch import API" and "Standard batch import API", and FACTS section C, which was read from
the vendor's public source and outranks the pages. What neither says is a guess, named so where it is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response

from ..settings import changed
from ..system import Operation, Surroundings, System
from . import answers, pages
from .access import AccessControl, AccessError, ApiKey, given_key, not_permitted
from .forms import (
    Form,
    MalformedError,
    SizeLimitError,
    UnexpectedFileError,
    is_multipart,
    parse_parameters,
    receive_multipart,
    receive_urlencoded,
)
from .keys import API_KEY, BLOCKED_KEY, ELSEWHERE_KEY, OUTCOME_KEY, OUTSIDER_KEY, STANDARD_KEY
from .plugins import PAGES_PREFIX, PREFIX, STANDARD_PREFIX, Endpoint, ImportPlugins, PluginSettings

LOGIN = "/do/authentication/login"

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


def _default_keys() -> list[ApiKey]:
    return [
        ApiKey(API_KEY, "import service"),
        ApiKey(OUTSIDER_KEY, "another service", may_import=False),
        ApiKey(BLOCKED_KEY, "former service", blocked=True),
        ApiKey(ELSEWHERE_KEY, "reporting service", path="/api/reporting/"),
        ApiKey(STANDARD_KEY, "standard import service", path=STANDARD_PREFIX),
        ApiKey(OUTCOME_KEY, "administrator", path=f"{PAGES_PREFIX}batch", may_import=False, may_administer=True),
    ]


@dataclass(frozen=True)
class Settings(PluginSettings):
    """Everything about this Haplo that a test or a user can set."""

    keys: list[ApiKey] = field(default_factory=_default_keys)
    host: str | None = None
    """The application's host name, with its port if it has one: requests to others are sent there. None: any is its."""
    requires_https: bool = False
    """Requests over http are sent to https."""


class Haplo(System):
    """The system: its operations, its batches, and what they imported."""

    name = "haplo"

    def __init__(self, surroundings: Surroundings, initial: dict[str, Any]) -> None:
        self._initial = changed(Settings(), initial)
        self._settings = self._initial
        self._upload_dir = surroundings.data_dir
        self._access = AccessControl(surroundings.clock)
        self._plugins = ImportPlugins(surroundings.clock, surroundings.data_dir / "store", self._settings)
        self._endpoints = {endpoint.path: endpoint for endpoint in self._plugins.endpoints()}
        # More elements of the path are ignored. Wrong methods and paths are Haplo's to answer, too.
        self.operations: tuple[Operation, ...] = (
            *(
                Operation(endpoint.operation, _METHODS, f"{endpoint.path}{more}", self._answer)
                for endpoint in self._endpoints.values()
                for more in ("", "/{more:path}")
            ),
            Operation("elsewhere", _METHODS, "/{path:path}", self._answer),
        )

    # What the frame asks for.

    def reset(self) -> None:
        """Back to the initial settings, without control files, batches and data."""
        self._settings = self._initial
        self._access.reset()
        self._plugins.reset(self._settings)

    def configure(self, settings: dict[str, Any]) -> None:
        """Change settings; they hold for what begins from now on."""
        self._settings = changed(self._settings, settings)
        self._plugins.configure(self._settings)

    def state(self) -> dict[str, Any]:
        """What an administrator sees: control files, batches in the order of their creation, imported objects."""
        return self._plugins.batches.describe()

    def introduction(self, url: str) -> list[str]:
        """How to reach it, and with which keys."""
        return [f"Haplo: {url}", *(f"  key {key.key} ({_describe(key)})" for key in self._settings.keys)]

    # A request, from its headers to its handler.

    async def _answer(self, request: Request) -> Response:
        return answers.compressed(await self._respond(request), request)

    async def _respond(self, request: Request) -> Response:
        """The platform's part. A multipart body is read only when it is known who sends it, and where to."""
        if request.method == "OPTIONS":
            return answers.options()
        multipart, path = is_multipart(request), _path(request)
        try:
            body = {} if multipart else await receive_urlencoded(request)
        except SizeLimitError:
            return answers.server_error()
        given, address = given_key(request, body), request.client.host if request.client else ""
        try:
            key = None if given is None else self._access.check(self._settings.keys, given, address, path)
        except AccessError as error:
            return _denied(request, error, multipart=multipart)
        if key is None and request.method == "POST":
            return answers.unauthorised() if multipart else answers.security_page()
        if (location := self._right_location(request)) is not None:
            return answers.server_error() if multipart else answers.redirect(location)
        if key is None or key.may_nothing:
            return self._not_logged_in(request, path, multipart=multipart, anonymous=key is None)
        endpoint = self._endpoint(request.method, path)
        if endpoint is None or (multipart and not endpoint.takes_file):
            return answers.server_error() if multipart else answers.not_found()
        return await self._call(endpoint, key, request, body, multipart=multipart)

    def _not_logged_in(self, request: Request, path: str, *, multipart: bool, anonymous: bool) -> Response:
        """Somebody without a key, or with one that is worth no more."""
        if multipart:
            return answers.unauthorised()
        if anonymous and path == LOGIN:
            (goes_to,) = parse_qs(request.url.query).get("rdr", ["/"])[:1]
            return answers.text(pages.login(goes_to), 200, answers.HTML)
        if anonymous and path.startswith("/do/"):
            base = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
            asked = path + (f"?{request.url.query}" if request.url.query else "")
            return answers.redirect(f"{base}{LOGIN}?rdr={quote(asked, safe='')}")
        return answers.denied(not_permitted())

    def _endpoint(self, method: str, path: str) -> Endpoint | None:
        endpoint = self._endpoints.get("/".join(path.split("/")[:4]))
        return endpoint if endpoint is not None and endpoint.method == method else None

    async def _call(
        self, endpoint: Endpoint, key: ApiKey, request: Request, body: dict[str, Any], *, multipart: bool
    ) -> Response:
        parameters = {**parse_parameters(request.scope["query_string"]), **body}
        if not multipart:
            return self._plugins.call(endpoint, key, Form(parameters, elements=tuple(_path(request).split("/")[4:])))
        try:
            form = await receive_multipart(request, "file", self._upload_dir)
        except UnexpectedFileError as problem:
            return answers.text(str(problem), 400, "text/plain")
        except SizeLimitError:
            return answers.too_large()
        except MalformedError:
            return answers.server_error()  # guess
        try:
            return self._plugins.call(endpoint, key, Form({**parameters, **form.parameters}, form.file))
        finally:
            if form.file is not None:
                form.file.delete()

    def _right_location(self, request: Request) -> str | None:
        """Where the request should have gone, unless it is right. That this comes after the key is looked at [I]."""
        settings, url = self._settings, request.url
        host = settings.host or url.netloc
        scheme = "https" if settings.requires_https else url.scheme
        if (scheme, host) == (url.scheme, url.netloc):
            return None
        return str(url.replace(scheme=scheme, netloc=host))


def _denied(request: Request, error: AccessError, *, multipart: bool) -> Response:
    """A POST that is not multipart is taken for a forged one, too, and that is all its sender is told."""
    return answers.security_page() if request.method == "POST" and not multipart else answers.denied(error)


def _path(request: Request) -> str:
    """Below the system's prefix, as the client sent it."""
    raw: str = request.scope["raw_path"].decode("latin-1")
    return raw.removeprefix(request.scope["root_path"])


def _describe(key: ApiKey) -> str:
    notes = [key.user]
    if not key.may_import and not key.may_administer:
        notes.append("not in the group that may import")
    if key.blocked:
        notes.append("blocked")
    if key.path != PREFIX:
        notes.append(f"for {key.path}")
    return ", ".join(notes)
