# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo: the API for batch import.

Sources: the vendor's page "Batch import API", and FACTS section C, which was read from the vendor's public source and
outranks the page. What neither says is a guess, named so where it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..settings import changed
from ..system import Operation, Surroundings
from . import answers
from .access import AccessControl, AccessError, ApiKey, given_key
from .batches import UPLOADING, Batches, BatchSettings
from .control_file import validate
from .forms import (
    FilePart,
    Form,
    MalformedError,
    SizeLimitError,
    UnexpectedFileError,
    is_multipart,
    parse_parameters,
    receive_multipart,
    receive_urlencoded,
)
from .javascript import ScriptError, read_json
from .keys import API_KEY, BLOCKED_KEY, ELSEWHERE_KEY, OUTSIDER_KEY

PREFIX = "/api/haplo-data-import-batch/"

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


def _default_keys() -> list[ApiKey]:
    return [
        ApiKey(API_KEY, "import service"),
        ApiKey(OUTSIDER_KEY, "another service", may_import=False),
        ApiKey(BLOCKED_KEY, "former service", blocked=True),
        ApiKey(ELSEWHERE_KEY, "reporting service", path="/api/reporting/"),
    ]


@dataclass(frozen=True)
class Settings(BatchSettings):
    """Everything about this Haplo that a test or a user can set."""

    keys: list[ApiKey] = field(default_factory=_default_keys)
    host: str | None = None
    """The application's host name, with its port if it has one: requests to others are sent there. None: any is its."""
    requires_https: bool = False
    """Requests over http are sent to https."""


@dataclass(frozen=True)
class _Endpoint:
    """A handler of the plugin, and what it needs, in the order in which that is looked for."""

    handle: Callable[[Form], Response]
    required: tuple[str, ...]

    @property
    def takes_file(self) -> bool:
        return "file" in self.required


class Haplo:
    """The system: its operations, its batches, and what they imported."""

    name = "haplo"

    def __init__(self, surroundings: Surroundings, initial: dict[str, Any]) -> None:
        self._initial = changed(Settings(), initial)
        self._settings = self._initial
        self._upload_dir = surroundings.data_dir
        self._access = AccessControl(surroundings.clock)
        self._batches = Batches(surroundings.clock, surroundings.data_dir / "store", self._settings)
        self._endpoints = {
            "control": _Endpoint(self._control, ("file",)),
            "batch": _Endpoint(self._batch, ("control",)),
            "file": _Endpoint(self._file, ("batch", "name", "file")),
            "schedule": _Endpoint(self._schedule, ("batch",)),
        }
        # More elements of the path are ignored. Wrong methods and paths are Haplo's to answer, too.
        self.operations: tuple[Operation, ...] = (
            *(
                Operation(name, _METHODS, f"{PREFIX}{name}{more}", self._answer)
                for name in self._endpoints
                for more in ("", "/{more:path}")
            ),
            Operation("elsewhere", _METHODS, "/{path:path}", self._answer),
        )

    # What the frame asks for.

    def reset(self) -> None:
        """Back to the initial settings, without control files, batches and data."""
        self._settings = self._initial
        self._access.reset()
        self._batches.reset(self._settings)

    def configure(self, settings: dict[str, Any]) -> None:
        """Change settings; they hold for what begins from now on."""
        self._settings = self._batches.settings = changed(self._settings, settings)

    def settings(self) -> dict[str, Any]:
        """The settings in force."""
        return asdict(self._settings)

    def state(self) -> dict[str, Any]:
        """What an administrator sees: control files, batches in the order of their creation, imported objects."""
        return self._batches.describe()

    def is_busy(self) -> bool:
        """Never: imports take sandbox time only."""
        return False

    def introduction(self, url: str) -> list[str]:
        """How to reach it, and with which keys."""
        return [f"Haplo: {url}", *(f"  key {key.key} ({_describe(key)})" for key in self._settings.keys)]

    # A request, from its headers to its handler.

    async def _answer(self, request: Request) -> Response:
        return answers.compressed(await self._respond(request), request)

    async def _respond(self, request: Request) -> Response:
        """The platform's part. A multipart body is read only when it is known who sends it, and where to."""
        if request.method == "OPTIONS":
            return answers.text("OPTIONS not supported")
        multipart, path = is_multipart(request), _path(request)
        try:
            body = {} if multipart else await receive_urlencoded(request)
        except SizeLimitError:
            return answers.server_error()
        given = given_key(request, body)
        try:
            key = self._access.check(self._settings.keys, given, request.client.host if request.client else "", path)
        except AccessError as error:
            return _denied(request, error, multipart=multipart, anonymous=given is None)
        if (location := self._right_location(request)) is not None:
            return answers.server_error() if multipart else _redirect(location)
        endpoint = self._endpoint(request.method, path)
        if endpoint is None or (multipart and not endpoint.takes_file):
            return answers.server_error() if multipart else answers.not_found()
        return await self._call(endpoint, key, request, body, multipart=multipart)

    def _endpoint(self, method: str, path: str) -> _Endpoint | None:
        name = path[len(PREFIX) :].split("/", maxsplit=1)[0] if path.startswith(PREFIX) else ""
        return self._endpoints.get(name) if method == "POST" else None

    async def _call(
        self, endpoint: _Endpoint, key: ApiKey, request: Request, body: dict[str, str], *, multipart: bool
    ) -> Response:
        parameters = {**parse_parameters(request.scope["query_string"]), **body}
        if not multipart:
            return _handled(endpoint, key, Form(parameters))
        try:
            form = await receive_multipart(request, "file", self._upload_dir)
        except UnexpectedFileError as problem:
            return answers.text(str(problem), 400, "text/plain")
        except SizeLimitError:
            # The body is the vendor's, its content type a guess.
            return answers.text("Request size limit exceeded", 500)
        except MalformedError:
            return answers.server_error()  # guess
        try:
            return _handled(endpoint, key, Form({**parameters, **form.parameters}, form.file))
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

    # The operations. What is missing, and who may do it, was checked.

    def _control(self, form: Form) -> Response:
        """POST /api/haplo-data-import-batch/control"""
        file = _file_of(form)
        try:
            control = read_json(file.path)
        except ScriptError:
            return answers.bad_request("Uploaded file is not JSON")
        if messages := validate(control, self._settings):
            return answers.bad_request("\n  ".join(("Invalid control file:", *messages)))
        return answers.text(self._batches.add_control_file(file, form.parameters.get("comment", "")))

    def _batch(self, form: Form) -> Response:
        """POST /api/haplo-data-import-batch/batch"""
        digest = form.parameters["control"]
        batch = self._batches.create(digest, form.parameters.get("comment", ""))
        if batch is None:
            return answers.bad_request(f"Control file not found: {digest}")
        return answers.text(batch.identifier)

    def _file(self, form: Form) -> Response:
        """POST /api/haplo-data-import-batch/file"""
        batch = self._batches.find(form.parameters["batch"])
        if batch is None:
            return answers.bad_request(f"Batch not found: {form.parameters['batch']}")
        return answers.text(self._batches.add_file(batch, form.parameters["name"], _file_of(form)))

    def _schedule(self, form: Form) -> Response:
        """POST /api/haplo-data-import-batch/schedule"""
        batch = self._batches.find(form.parameters["batch"])
        if batch is None:
            return answers.bad_request(f"Batch not found: {form.parameters['batch']}")
        if batch.state() != UPLOADING:
            return answers.bad_request(f"Batch {batch.identifier} is not in the 'uploading' state")
        # Any other mode, such as "DRY-RUN", is a real import.
        self._batches.schedule(batch, dry_run=form.parameters.get("mode") == "dry-run")
        return answers.text("SCHEDULED")


def _handled(endpoint: _Endpoint, key: ApiKey, form: Form) -> Response:
    """What the plugin's handler answers, once it is called. What is missing comes before who may do it."""
    try:
        if not all(_is_there(name, form) for name in endpoint.required):
            return answers.failed_validation()
        return endpoint.handle(form) if key.may_import else answers.not_permitted()
    except ScriptError:
        return answers.script_error()


def _is_there(name: str, form: Form) -> bool:
    """Whether a parameter was given. ScriptError for a text where a file has to be; an empty one counts as none."""
    if name != "file":
        return name in form.parameters
    if form.parameters.get(name):
        raise ScriptError("Uploaded file was expected in a form field, but found other field type in request.")
    return form.file is not None


def _denied(request: Request, error: AccessError, *, multipart: bool, anonymous: bool) -> Response:
    """A POST that is not multipart is taken for a forged one, too, and that is all its sender is told."""
    if multipart:
        return answers.unauthorised() if anonymous else answers.denied(error)
    return answers.security_page() if request.method == "POST" else answers.denied(error)


def _redirect(location: str) -> Response:
    return Response("", 302, {"location": location, "content-type": answers.HTML})


def _path(request: Request) -> str:
    """Below the system's prefix, as the client sent it."""
    raw: str = request.scope["raw_path"].decode("latin-1")
    return raw.removeprefix(request.scope["root_path"])


def _file_of(form: Form) -> FilePart:
    assert form.file is not None, "looked for before"
    return form.file


def _describe(key: ApiKey) -> str:
    notes = [key.user]
    if not key.may_import:
        notes.append("not in the group that may import")
    if key.blocked:
        notes.append("blocked")
    if key.path != PREFIX:
        notes.append(f"for {key.path}")
    return ", ".join(notes)
