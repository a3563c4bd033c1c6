# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in multipart/mixed: a JSON part and a file part, the file streamed to disk.

The vendor's page says no more than that (FACTS section D.3). That the parts are told apart by the type application/json
is a guess, as are the three places where the name of the file part may be.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)
from starlette.requests import Request

from ..uploads import Upload, UploadError

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
    descriptor, name = tempfile.mkstemp(dir=directory, prefix="upload-")
    try:
        body = _Body(_boundary(request), descriptor, refuse_encodings)
        async for block in request.stream():
            body.take(block)
        return body.finish(Path(name))
    except BaseException:
        Path(name).unlink()
        raise
    finally:
        os.close(descriptor)


class _Parser(PushMultipartParser):  # type: ignore[misc]
    """Takes parts that are not form-data, too; the library names this method as the one to override for that."""

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> MultipartSegment:
        return MultipartSegment(headerlist)


class _Body:
    """Takes a body apart as it comes in; the first thing wrong with it is remembered until the end."""

    def __init__(self, boundary: str | None, descriptor: int, refuse_encodings: bool) -> None:
        self._problem = None if boundary else "Content-Type is not multipart/mixed with a boundary"
        # Not strict: that refuses a line break after the last boundary, but only if it comes in a block of its own.
        self._parser = _Parser(boundary or "none")
        self._descriptor = descriptor
        self._refuse_encodings = refuse_encodings
        self._json: bytearray | None = None
        self._part: FilePart | None = None
        self._size = 0
        self._in_json = False

    def take(self, block: bytes) -> None:
        """The next block of the body, of any size."""
        if self._problem is not None or not block:
            return
        try:
            for event in self._parser.parse(block):
                if isinstance(event, MultipartSegment):
                    self._begin_part(event)
                elif event and self._problem is None:
                    self._add(event)
        except MultipartError as problem:
            self._problem = f"malformed multipart body: {problem}"

    def finish(self, path: Path) -> MixedBody:
        """Both parts, now that the body has ended."""
        if self._problem is None:
            try:
                self._parser.close()
            except MultipartError as problem:
                self._problem = f"malformed multipart body: {problem}"
        if self._problem is not None:
            raise UploadError(self._problem)
        if self._json is None:
            raise UploadError("there is no part of type application/json")
        if self._part is None:
            raise UploadError("there is no file part")
        return MixedBody(bytes(self._json), self._part, Upload(path, self._part.filename or "", self._size))

    def _begin_part(self, segment: MultipartSegment) -> None:
        encoding = segment.header("Content-Transfer-Encoding", "").strip().lower()
        self._in_json = segment.content_type == "application/json"
        if self._refuse_encodings and encoding not in _PLAIN_ENCODINGS:
            self._problem = f"Content-Transfer-Encoding {encoding} is not supported"
        elif self._in_json and self._json is not None:
            self._problem = "there is more than one part of type application/json"
        elif self._in_json:
            self._json = bytearray()
        elif self._part is not None:
            self._problem = "there is more than one file part"
        else:
            content_id = segment.header("Content-Id", "").strip().removeprefix("<").removesuffix(">")
            self._part = FilePart(segment.name, segment.filename, content_id or None, is_first=self._json is None)

    def _add(self, data: bytes | bytearray) -> None:
        if self._in_json:
            assert self._json is not None
            self._json += data
            if len(self._json) > MOST_JSON:
                self._problem = "the JSON part is too large"
            return
        self._size += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _boundary(request: Request) -> str | None:
    _media_type, options = parse_options_header(request.headers.get("content-type", ""))
    boundary: str = options.get("boundary", "")
    # RFC 2046, section 5.1.1: one to seventy characters
    return boundary if 1 <= len(boundary) <= 70 else None
