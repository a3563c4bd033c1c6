# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in multipart/mixed: a JSON part and a file part, the file streamed to disk.

The vendor's page says no more than that (FACTS section D.3). That the parts are told apart by the type application/json
is a guess, as are the three places where the name of the file part may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from multipart import MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import Request

from ..uploads import MultipartBody, Upload, UploadError, new_file

MOST_JSON = 1024 * 1024
"""A larger JSON document (bytes) is refused."""

_PLAIN_ENCODINGS = ("", "7bit", "8bit", "binary")


@dataclass(frozen=True)
class FilePart:
    """What the headers of the file part say."""

    name: str | None
    filename: str | None
    """Both of Content-Disposition, whatever its type is."""
    content_id: str | None
    """Content-ID, without the angle brackets."""
    is_first: bool
    """It came before the JSON part."""


@dataclass(frozen=True)
class MixedBody:
    """Both parts, whole."""

    json: bytes
    part: FilePart
    upload: Upload
    """The file on disk; whoever takes it deletes it. Its `file_name` may be empty."""


def is_mixed(request: Request) -> bool:
    """Whether the request says that it is multipart/mixed."""
    media_type, _options = parse_options_header(request.headers.get("content-type", ""))
    return bool(media_type == "multipart/mixed")


async def receive_mixed(request: Request, directory: Path, *, refuse_encodings: bool) -> MixedBody:
    """Read a body of one part application/json and one other part, which is written to the directory.

    With `refuse_encodings`, a part with a Content-Transfer-Encoding such as base64 is refused; otherwise the header is
    ignored and the bytes are taken as they are. UploadError is raised for anything wrong, but only when the whole body
    was read.
    """
    with new_file(directory) as (path, descriptor):
        body = _Body(request, descriptor, refuse_encodings)
        await body.read(request)
        return body.parts(path)


class _Parser(PushMultipartParser):
    """Takes parts that are not form-data, too; the library names this method as the one to override for that."""

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> MultipartSegment:
        return MultipartSegment(headerlist)


class _Body(MultipartBody):
    """A JSON part and a file."""

    media_type = "multipart/mixed"
    parser = _Parser

    def __init__(self, request: Request, descriptor: int, refuse_encodings: bool) -> None:
        super().__init__(request, descriptor)
        self._refuse_encodings = refuse_encodings
        self._json: bytearray | None = None
        self._part: FilePart | None = None
        self._in_json = False

    def parts(self, path: Path) -> MixedBody:
        """Both parts, now that the body was read."""
        if self._json is None:
            raise UploadError("there is no part of type application/json")
        if self._part is None:
            raise UploadError("there is no file part")
        return MixedBody(bytes(self._json), self._part, Upload(path, self._part.filename or "", self._size))

    def _begin_part(self, part: MultipartSegment) -> None:
        encoding = part.header("Content-Transfer-Encoding", "").strip().lower()
        self._in_json = part.content_type == "application/json"
        if self._refuse_encodings and encoding not in _PLAIN_ENCODINGS:
            self._problem = f"Content-Transfer-Encoding {encoding} is not supported"
        elif self._in_json and self._json is not None:
            self._problem = "there is more than one part of type application/json"
        elif self._in_json:
            self._json = bytearray()
        elif self._part is not None:
            self._problem = "there is more than one file part"
        else:
            content_id = part.header("Content-Id", "").strip().removeprefix("<").removesuffix(">")
            self._part = FilePart(part.name, part.filename, content_id or None, is_first=self._json is None)

    def _add(self, data: bytes | bytearray) -> None:
        if not self._in_json:
            super()._add(data)
            return
        assert self._json is not None
        self._json += data
        if len(self._json) > MOST_JSON:
            self._problem = "the JSON part is too large"
