# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo: the APIs for batch import and for standard batch import, and the pages that tell what became of a batch.

Sources: the vendor's pages "Batch import API" and "Standard batch import API", and FACTS section C, which was read from
the vendor's public source and outranks the pages. What neither says is a guess, named so where it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response

from ..settings import changed
from ..system import Operation, Surroundings
from . import answers, pages
from .access import AccessControl, AccessError, ApiKey, given_key, not_permitted
from .batches import UPLOADING, Batch, Batches, BatchSettings
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
from .keys import API_KEY, BLOCKED_KEY, ELSEWHERE_KEY, OUTCOME_KEY, OUTSIDER_KEY, STANDARD_KEY

PREFIX = "/api/haplo-data-import-batch/"
STANDARD_PREFIX = "/api/haplo-data-import-standard-api/"
PAGES_PREFIX = "/do/haplo-data-import-batch/"
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
class PageChange:
    """A text on the pages of batches that is another one, as on a server of another version."""

    find: str
    put: str


@dataclass(frozen=True)
class Settings(BatchSettings):
    """Everything about this Haplo that a test or a user can set."""

    keys: list[ApiKey] = field(default_factory=_default_keys)
    host: str | None = None
    """The application's host name, with its port if it has one: requests to others are sent there. None: any is its."""
    requires_https: bool = False
    """Requests over http are sent to https."""
    page_changes: list[PageChange] = field(default_factory=list)


@dataclass(frozen=True)
class _Endpoint:
    """A handler of a plugin, and what it needs, in the order in which that is looked for."""

    operation: str
    path: str
    handle: Callable[[Form], Response]
    required: tuple[str, ...] = ()
    method: str = "POST"
    for_administrators: bool = False

    @property
    def takes_file(self) -> bool:
        return "file" in self.required

    def permits(self, key: ApiKey) -> bool:
        """Whether the user of the key is in the group that may ask for it."""
        return key.may_administer if self.for_administrators else key.may_import


class Haplo:
    """The system: its operations, its batches, and what they imported."""

    name = "haplo"

    def __init__(self, surroundings: Surroundings, initial: dict[str, Any]) -> None:
        self._initial = changed(Settings(), initial)
        self._settings = self._initial
        self._upload_dir = surroundings.data_dir
        self._access = AccessControl(surroundings.clock)
        self._clock = surroundings.clock
        self._batches = Batches(surroundings.clock, surroundings.data_dir / "store", self._settings)
        self._endpoints = {endpoint.path: endpoint for endpoint in self._all_endpoints()}
        # More elements of the path are ignored. Wrong methods and paths are Haplo's to answer, too.
        self.operations: tuple[Operation, ...] = (
            *(
                Operation(endpoint.operation, _METHODS, f"{endpoint.path}{more}", self._answer)
                for endpoint in self._endpoints.values()
                for more in ("", "/{more:path}")
            ),
            Operation("elsewhere", _METHODS, "/{path:path}", self._answer),
        )

    def _all_endpoints(self) -> tuple[_Endpoint, ...]:
        file, batch = ("batch", "name", "file"), ("batch",)
        return (
            _Endpoint("control", f"{PREFIX}control", self._control, ("file",)),
            _Endpoint("batch", f"{PREFIX}batch", self._batch, ("control",)),
            _Endpoint("file", f"{PREFIX}file", self._file, file),
            _Endpoint("schedule", f"{PREFIX}schedule", self._schedule, batch),
            _Endpoint("standard_batch", f"{STANDARD_PREFIX}batch", self._standard_batch, ("kind",)),
            _Endpoint("standard_file", f"{STANDARD_PREFIX}file", partial(self._file, standard=True), file),
            _Endpoint("standard_schedule", f"{STANDARD_PREFIX}schedule", partial(self._schedule, standard=True), batch),
            _Endpoint("batches", f"{PAGES_PREFIX}batches", self._batches_page, (), "GET", for_administrators=True),
            _Endpoint("outcome", f"{PAGES_PREFIX}batch", self._batch_page, ("row",), "GET", for_administrators=True),
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
            (goes_to,) = parse_qs(request.url.query).get("rdr", ["/"])
            return answers.text(pages.login(goes_to), 200, answers.HTML)
        if anonymous and path.startswith("/do/"):
            base = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
            asked = path + (f"?{request.url.query}" if request.url.query else "")
            return answers.redirect(f"{base}{LOGIN}?rdr={quote(asked, safe='')}")
        return answers.denied(not_permitted())

    def _endpoint(self, method: str, path: str) -> _Endpoint | None:
        endpoint = self._endpoints.get("/".join(path.split("/")[:4]))
        return endpoint if endpoint is not None and endpoint.method == method else None

    async def _call(
        self, endpoint: _Endpoint, key: ApiKey, request: Request, body: dict[str, Any], *, multipart: bool
    ) -> Response:
        parameters = {**parse_parameters(request.scope["query_string"]), **body}
        if not multipart:
            return self._handled(endpoint, key, Form(parameters, elements=tuple(_path(request).split("/")[4:])))
        try:
            form = await receive_multipart(request, "file", self._upload_dir)
        except UnexpectedFileError as problem:
            return answers.text(str(problem), 400, "text/plain")
        except SizeLimitError:
            return answers.too_large()
        except MalformedError:
            return answers.server_error()  # guess
        try:
            return self._handled(endpoint, key, Form({**parameters, **form.parameters}, form.file))
        finally:
            if form.file is not None:
                form.file.delete()

    def _handled(self, endpoint: _Endpoint, key: ApiKey, form: Form) -> Response:
        """What the plugin's handler answers, once it is called. What is missing comes before who may do it."""
        try:
            if not all(self._is_there(name, form) for name in endpoint.required):
                return answers.failed_validation()
            if not endpoint.permits(key):
                # The status is no mistake.
                return answers.text(pages.stopped("You are not permitted to perform this action."), 200, answers.HTML)
            return endpoint.handle(form)
        except ScriptError:
            return answers.script_error()

    def _is_there(self, name: str, form: Form) -> bool:
        """Whether what a handler needs was given.

        ScriptError for a text where a file has to be; an empty one counts as none.
        """
        if name == "row":
            return self._row(form) is not None
        if name != "file":
            return name in form.parameters
        if form.parameters.get(name):
            raise ScriptError("Uploaded file was expected in a form field, but found other field type in request.")
        return form.file is not None

    def _row(self, form: Form) -> Batch | None:
        return self._batches.row(form.elements[0]) if form.elements else None

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
        return answers.text(self._batches.add_control_file(file, _text(form, "comment")))

    def _batch(self, form: Form) -> Response:
        """POST /api/haplo-data-import-batch/batch"""
        digest = _text(form, "control")
        batch = self._batches.create(digest, _text(form, "comment"))
        if batch is None:
            return answers.bad_request(f"Control file not found: {digest}")
        return answers.text(batch.identifier)

    def _standard_batch(self, form: Form) -> Response:
        """POST /api/haplo-data-import-standard-api/batch"""
        kind = _text(form, "kind")
        batch = self._batches.create_standard(kind, _text(form, "comment"))
        if batch is None:
            return answers.bad_request(f"Standard API not found: {kind}")  # guess
        return answers.text(batch.identifier)

    # Of the two that follow, the answers to mistakes are a guess for standard batch import.

    def _file(self, form: Form, *, standard: bool = False) -> Response:
        """POST /api/haplo-data-import-batch/file, or the same of standard batch import"""
        identifier = _text(form, "batch")
        batch = self._batches.find(identifier, standard=standard)
        if batch is None:
            return answers.bad_request(f"Batch not found: {identifier}")
        return answers.text(self._batches.add_file(batch, _text(form, "name"), _file_of(form)))

    def _schedule(self, form: Form, *, standard: bool = False) -> Response:
        """POST /api/haplo-data-import-batch/schedule, or the same of standard batch import"""
        identifier = _text(form, "batch")
        batch = self._batches.find(identifier, standard=standard)
        if batch is None:
            return answers.bad_request(f"Batch not found: {identifier}")
        if batch.state() != UPLOADING:
            return answers.bad_request(f"Batch {batch.identifier} is not in the 'uploading' state")
        # Any other mode, such as "DRY-RUN" or a list, is a real import.
        self._batches.schedule(batch, dry_run=form.parameters.get("mode") == "dry-run")
        return answers.text("SCHEDULED")

    def _batches_page(self, _form: Form) -> Response:
        """GET /do/haplo-data-import-batch/batches"""
        return self._page(pages.batches(self._batches.rows(), self._date))

    def _batch_page(self, form: Form) -> Response:
        """GET /do/haplo-data-import-batch/batch/<row>"""
        batch = self._row(form)
        assert batch is not None, "looked for before"
        return self._page(pages.batch(batch, self._date))

    def _page(self, content: str) -> Response:
        for change in self._settings.page_changes:
            content = content.replace(change.find, change.put)
        return answers.text(content, 200, answers.HTML)

    def _date(self, at: float) -> str:
        """As the user interface writes it, in a user's zone that is UTC."""
        return f"{self._clock.utc(at):%d %b %Y, %H:%M}"


def _text(form: Form, name: str) -> str:
    """A parameter that is kept in the database, which takes neither lists nor NULs [I]; empty if it was not given."""
    value = form.parameters.get(name, "")
    if not isinstance(value, str) or "\0" in value:
        raise ScriptError(f"{name} is nothing for the database")
    return value


def _denied(request: Request, error: AccessError, *, multipart: bool) -> Response:
    """A POST that is not multipart is taken for a forged one, too, and that is all its sender is told."""
    return answers.security_page() if request.method == "POST" and not multipart else answers.denied(error)


def _path(request: Request) -> str:
    """Below the system's prefix, as the client sent it."""
    raw: str = request.scope["raw_path"].decode("latin-1")
    return raw.removeprefix(request.scope["root_path"])


def _file_of(form: Form) -> FilePart:
    assert form.file is not None, "looked for before"
    return form.file


def _describe(key: ApiKey) -> str:
    notes = [key.user]
    if not key.may_import and not key.may_administer:
        notes.append("not in the group that may import")
    if key.blocked:
        notes.append("blocked")
    if key.path != PREFIX:
        notes.append(f"for {key.path}")
    return ", ".join(notes)
