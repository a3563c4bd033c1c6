# SPDX-License-Identifier: GPL-3.0-or-later
"""Akana Lifecycle Manager: its ImportUtils API.

Sources: the vendor's page "Lifecycle Manager ImportUtils API", and FACTS section D. What no page says is a guess, named
so where it is made; where clients may meet either of two answers, a setting switches between them.
"""

from __future__ import annotations

import asyncio
import base64
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ..settings import changed, check_choice
from ..system import Operation, RefusedError, Surroundings, System, strict_query
from ..uploads import Upload, UploadError
from .archives import ArchiveError, AssetRow, Contents, read_archive
from .asset_archives import DEMO
from .credentials import (
    ADMIN_PASSWORD,
    ADMIN_USER,
    IMPORTER_PASSWORD,
    IMPORTER_USER,
    SUPPORT_PASSWORD,
    SUPPORT_USER,
    VIEWER_PASSWORD,
    VIEWER_USER,
)
from .import_request import ImportRequest, RequestError, parse_import_request
from .library import ImportSettings, Library, Run, Source
from .mixed import MOST_JSON, FilePart, is_mixed, receive_mixed

Operating = Callable[[Request, "LibrarySettings", "User | None"], Awaitable[Response]]

DEMO_URL = f"http://acme.com/imports/{DEMO}"
"""The address in the example on the vendor's page."""

_FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "lm"
_READ_AT_ONCE = 1024 * 1024
"""The digest of uploads up to this size (bytes) is taken before the answer, that of larger ones in the background."""


@dataclass(frozen=True)
class LibrarySettings:
    """A library in which the API is enabled."""

    name: str
    function_name: str = "importutils"
    authentication: str = "BASIC"
    """`BASIC` or `NONE`."""
    projects: int = 3
    users: int = 16
    """Both are numbers for getlibrarystatus and nothing else."""


@dataclass(frozen=True)
class User:
    """A user, known to all libraries."""

    name: str
    password: str
    ace: bool = False
    """Has the role ACE."""
    usage_controller: bool = False
    """Has the role Usage Controller for the Enterprise Group."""


@dataclass(frozen=True)
class Document:
    """What is found at an address. The sandbox itself asks no other host for anything."""

    url: str
    archive: str | None = None
    """Path of an archive, or None for an address that cannot be reached."""


def _default_libraries() -> list[LibrarySettings]:
    return [
        LibrarySettings("LibraryDemo"),
        LibrarySettings("Service Catalog"),
        LibrarySettings("Bücherei", function_name="assetimport"),
        LibrarySettings("Open", authentication="NONE"),
    ]


def _default_users() -> list[User]:
    return [
        User(ADMIN_USER, ADMIN_PASSWORD, ace=True, usage_controller=True),
        User(IMPORTER_USER, IMPORTER_PASSWORD, ace=True),
        User(VIEWER_USER, VIEWER_PASSWORD),
        User(SUPPORT_USER, SUPPORT_PASSWORD, ace=True),
    ]


@dataclass(frozen=True)
class Settings(ImportSettings):
    """Everything about this Lifecycle Manager that a test or a user can set."""

    libraries: list[LibrarySettings] = field(default_factory=_default_libraries)
    users: list[User] = field(default_factory=_default_users)
    urls: list[Document] = field(default_factory=lambda: [Document(DEMO_URL, str(_FIXTURES / DEMO))])
    """Any other address cannot be reached."""
    run_id_field: str = "runid"
    """`runid`, as in the example on the vendor's page, `run-id`, as in its text, or `runId`."""
    unknown_run: int = 500
    """The answer for an unknown run id: HTTP status 500, or the count -1 or 0 (guess)."""
    bad_archive_status: int = 400
    """HTTP status, 400 or 500, for an import file that cannot be read or fetched (guess)."""
    accepts_anything: bool = False
    """An import file that cannot be read counts as one asset, named like the file."""
    json_part_first: bool = True
    """The JSON part must come before the file part (guess)."""
    part_named_by: str = "any"
    """Where the file part's name is looked for: `name` or `filename` of Content-Disposition, `content_id`, or `any`."""
    refuse_encodings: bool = True
    """A part with a Content-Transfer-Encoding such as base64 is refused; if not, its bytes are taken as they are."""

    def __post_init__(self) -> None:
        """Refuse words that mean nothing."""
        check_choice("run_id_field", self.run_id_field, ("runid", "run-id", "runId"))
        check_choice("unknown_run", str(self.unknown_run), ("-1", "0", "500"))
        check_choice("bad_archive_status", str(self.bad_archive_status), ("400", "500"))
        check_choice("part_named_by", self.part_named_by, ("any", "name", "filename", "content_id"))
        for library in self.libraries:
            check_choice("authentication", library.authentication, ("BASIC", "NONE"))


class LifecycleManager(System):
    """The system: its operations, and its libraries."""

    name = "lm"
    _settings: Settings

    def __init__(self, surroundings: Surroundings, initial: dict[str, Any]) -> None:
        self._initial = changed(Settings(), initial)
        self._settings = self._initial
        self._surroundings = surroundings
        self._libraries: dict[str, Library] = {}
        self._reading: set[asyncio.Task[None]] = set()
        base = "/lm/custom/rest/{library}/{function}"
        self.operations: tuple[Operation, ...] = (
            Operation("import", ("POST",), f"{base}/import", self._answering(self._import)),
            Operation("status", ("GET",), f"{base}/getimportstatus", self._answering(self._status)),
            Operation("library", ("GET",), f"{base}/getlibrarystatus", self._answering(self._library_status)),
            Operation("clear", ("POST",), f"{base}/clearassets", self._answering(self._clear)),
        )

    # What the frame asks for.

    def reset(self) -> None:
        """Back to the initial settings, with empty libraries."""
        self._settings = self._initial
        self._libraries = {}

    def configure(self, settings: dict[str, Any]) -> None:
        """Change settings; imports already accepted keep their pace."""
        self._settings = changed(self._settings, settings)
        for library in self._libraries.values():
            library.configure(self._settings)

    def state(self) -> dict[str, Any]:
        """What each library holds, and what happened to it."""
        return {"libraries": {entry.name: self._library(entry).describe() for entry in self._settings.libraries}}

    def is_busy(self) -> bool:
        """Whether the digest of an upload is still being taken."""
        return bool(self._reading)

    def introduction(self, url: str) -> list[str]:
        """How to reach it, with which libraries and users."""
        lines = [f"Akana Lifecycle Manager: {url}"]
        lines += [
            f"  library {entry.name}, function {entry.function_name}, authentication {entry.authentication}"
            for entry in self._settings.libraries
        ]
        lines += [f"  user {user.name}, password {user.password} ({_roles(user)})" for user in self._settings.users]
        return lines

    # The operations.

    async def _import(self, request: Request, entry: LibrarySettings, caller: User | None) -> Response:
        """POST .../import"""
        strict_query(request, ())
        if is_mixed(request):
            run = await self._import_upload(request, entry, caller)
        else:
            run = await self._import_from_url(request, entry, caller)
        return JSONResponse(
            {
                # Other rows are imported all the same (FACTS section D.1).
                "parsingErrorsExist": bool(run.messages),
                self._settings.run_id_field: run.runid,
                "assetImportMessages": run.messages,
            }
        )

    async def _status(self, request: Request, entry: LibrarySettings, caller: User | None) -> Response:
        """GET .../getimportstatus?runid="""
        given = strict_query(request, ("runid",))
        if "runid" not in given:
            raise RefusedError(400, "Parameter 'runid' is missing")  # guess: no page says 400
        count = self._library(entry).unpublished(given["runid"])
        if count is None and self._settings.unknown_run == 500:
            raise RefusedError(500, f"There is no import run '{given['runid']}'")
        return JSONResponse({"unpublished-assets": self._settings.unknown_run if count is None else count})

    async def _library_status(self, request: Request, entry: LibrarySettings, caller: User | None) -> Response:
        """GET .../getlibrarystatus"""
        strict_query(request, ())
        counts = self._library(entry).counts()
        return JSONResponse(
            {
                "catalogAssets": counts["catalogAssets"],
                "publishedAssets": counts["publishedAssets"],
                "projects": entry.projects,
                "users": entry.users,
                "activeRequests": counts["activeRequests"],
                "pendingEvents": counts["pendingEvents"],
            }
        )

    async def _clear(self, request: Request, entry: LibrarySettings, caller: User | None) -> Response:
        """POST .../clearassets[?clearevents=true]"""
        if caller is not None and not caller.usage_controller:
            raise RefusedError(401, f"User {caller.name} does not have Usage Controller authority")
        given = strict_query(request, ("clearevents",))
        events = given.get("clearevents", "false")
        if events not in ("true", "false"):
            raise RefusedError(400, f"'clearevents' must be true or false, not '{events}'")
        await _expect_no_body(request)
        self._library(entry).clear(caller.name if caller else None, clear_events=events == "true")
        return Response()

    # An import, by either way.

    async def _import_upload(self, request: Request, entry: LibrarySettings, caller: User | None) -> Run:
        body = await receive_mixed(
            request, self._surroundings.data_dir, refuse_encodings=self._settings.refuse_encodings
        )
        try:
            asked = parse_import_request(body.json)
            if asked.file_name is None:
                raise RequestError("'importFile.url' and an attached file do not go together")
            user = self._importing_user(asked, caller)
            self._check_part(body.part, asked.file_name)
            contents = await self._read(asked, body.upload.path, asked.file_name)
            run = self._library(entry).accept(
                asked, user, Source(asked.file_name, by_url=False, size=body.upload.size), contents
            )
        except BaseException:
            body.upload.delete()
            raise
        self._take_digest(run, body.upload)
        return run

    async def _import_from_url(self, request: Request, entry: LibrarySettings, caller: User | None) -> Run:
        asked = parse_import_request(await _json_body(request))
        if asked.url is None:
            raise RequestError("'importFile.name' needs a multipart/mixed request with the file attached")
        user = self._importing_user(asked, caller)
        path = self._fetched(asked.url)
        contents = await self._read(asked, path, asked.url.rpartition("/")[2])
        found = Upload(path, path.name, path.stat().st_size)
        digest = await asyncio.to_thread(found.digest)
        run = self._library(entry).accept(asked, user, Source(asked.url, by_url=True, size=found.size), contents)
        run.sha256 = digest
        return run

    def _importing_user(self, asked: ImportRequest, caller: User | None) -> str | None:
        """The user named in the request, or else the caller; None for the system user. A user needs the role ACE.

        That a caller who names another user needs no role, and that an unknown user is refused like one without the
        role, are guesses.
        """
        name = asked.user or (caller.name if caller else None)
        if name is not None and not any(user.name == name and user.ace for user in self._settings.users):
            raise RefusedError(401, f"User {name} does not have the ACE role")
        return name

    def _check_part(self, part: FilePart, file_name: str) -> None:
        if self._settings.json_part_first and part.is_first:
            raise RequestError("The JSON part must come before the file part")
        places = {"name": part.name, "filename": part.filename, "content_id": part.content_id}
        looked_at = places if self._settings.part_named_by == "any" else (self._settings.part_named_by,)
        if file_name not in [places[place] for place in looked_at]:
            raise RequestError(f"There is no file part with the name '{file_name}'")

    def _fetched(self, url: str) -> Path:
        """Where the file at this address is."""
        archive = next((entry.archive for entry in self._settings.urls if entry.url == url), None)
        if archive is None or not Path(archive).is_file():
            raise RefusedError(self._settings.bad_archive_status, "The import file's URL cannot be reached")
        return Path(archive)

    async def _read(self, asked: ImportRequest, path: Path, file_name: str) -> Contents:
        try:
            return await asyncio.to_thread(
                read_archive, path, asked.attribute_delimiter, asked.attribute_value_delimiter
            )
        except ArchiveError as problem:
            if not self._settings.accepts_anything:
                raise RefusedError(self._settings.bad_archive_status, str(problem)) from problem
            return Contents([AssetRow(file_name, "1.0")])

    def _take_digest(self, run: Run, upload: Upload) -> None:
        """Now or in the background; then the file is not needed any more."""

        def take() -> None:
            run.sha256 = upload.digest()
            upload.delete()

        if upload.size <= _READ_AT_ONCE:
            take()
            return
        reading = asyncio.create_task(asyncio.to_thread(take))
        self._reading.add(reading)
        reading.add_done_callback(self._reading_ended)

    def _reading_ended(self, reading: asyncio.Task[None]) -> None:
        self._reading.discard(reading)
        self._surroundings.notify()
        reading.result()

    # What the operations have in common.

    def _answering(self, operation: Operating) -> Callable[[Request], Awaitable[Response]]:
        """The operation with what all have in common: library, function, authentication, refusals in plain text.

        All of that is checked before the body is read (guess).
        """

        @functools.wraps(operation)
        async def answer(request: Request) -> Response:
            headers = {}
            try:
                entry = self._entry(request)
                if entry.authentication == "BASIC":
                    headers = {"WWW-Authenticate": 'Basic realm="Lifecycle Manager"'}
                return await operation(request, entry, self._caller(request, entry))
            except RefusedError as refusal:
                return PlainTextResponse(
                    refusal.message, refusal.status, headers=headers if refusal.status == 401 else None
                )
            except (RequestError, UploadError) as problem:
                return PlainTextResponse(str(problem), 400)

        return answer

    def _entry(self, request: Request) -> LibrarySettings:
        """The library that the path names; 404 if it is unknown or has no such function (guess)."""
        wanted = request.path_params["library"], request.path_params["function"]
        for entry in self._settings.libraries:
            if (entry.name, entry.function_name) == wanted:
                return entry
        raise RefusedError(404, "Not Found")

    def _caller(self, request: Request, entry: LibrarySettings) -> User | None:
        """Who asks; None in a library without authentication, whatever credentials were sent.

        That the whole function asks for credentials, the two GET operations too, is a guess (FACTS section D.3).
        """
        if entry.authentication == "NONE":
            return None
        given = _basic_credentials(request.headers.get("authorization", ""))
        for user in self._settings.users:
            if (user.name, user.password) == given:
                return user
        raise RefusedError(401, "Authentication required")

    def _library(self, entry: LibrarySettings) -> Library:
        """Its contents, empty at first."""
        if entry.name not in self._libraries:
            self._libraries[entry.name] = Library(self._surroundings.clock, self._settings)
        return self._libraries[entry.name]


def _roles(user: User) -> str:
    roles = ["ACE"] * user.ace + ["Usage Controller"] * user.usage_controller
    return ", ".join(roles) or "no role"


def _basic_credentials(header: str) -> tuple[str, str] | None:
    """User and password of an Authorization header; None if there are none.

    In UTF-8, or else in Latin-1: RFC 7617 leaves it open, and servers differ.
    """
    scheme, _unused, encoded = header.partition(" ")
    try:
        octets = base64.b64decode(encoded, validate=True)
    except ValueError:
        return None
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name, password) if scheme.lower() == "basic" and colon else None


async def _json_body(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestError("Content-Type must be application/json or multipart/mixed")
    body = bytearray()
    async for block in request.stream():
        if len(body) <= MOST_JSON:
            body += block
    if len(body) > MOST_JSON:
        raise RequestError("The JSON is too large")
    return bytes(body)


async def _expect_no_body(request: Request) -> None:
    """No body is expected; that one is refused is a guess."""
    size = 0
    async for block in request.stream():
        size += len(block)
    if size:
        raise RequestError("No request body is expected")
