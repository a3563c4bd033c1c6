# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads in multipart/form-data, streamed to a file: memory does not grow with them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import Request

_BLOCK = 1024 * 1024


class UploadError(ValueError):
    """The request is not the form that was asked for; the text says why."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file, whole, on disk; whoever takes it deletes it."""

    path: Path
    file_name: str
    size: int

    def digest(self) -> str:
        """SHA-256 of its content, lower-case hexadecimal."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def first_block(self, size: int) -> bytes:
        """Its beginning."""
        with self.path.open("rb") as file:
            return file.read(size)

    def delete(self) -> None:
        """Remove the file; nothing happens if it is gone."""
        self.path.unlink(missing_ok=True)


async def receive_file(request: Request, field: str, directory: Path) -> Upload:
    """Read a form that consists of one file and write the file to the directory.

    `field` is the name its part must have. UploadError is raised for anything else, but only when the whole body was
    read, as servers do that take a form apart before they look at it.
    """
    with new_file(directory) as (path, descriptor):
        form = _Form(request, field, descriptor)
        await form.read(request)
        return form.upload(path)


@contextmanager
def new_file(directory: Path) -> Iterator[tuple[Path, int]]:
    """A file for an upload, and its descriptor; removed again if anything is raised."""
    descriptor, name = tempfile.mkstemp(dir=directory, prefix="upload-")
    try:
        yield Path(name), descriptor
    except BaseException:
        Path(name).unlink()
        raise
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    """Write data of any size."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class MultipartBody:
    """Takes a multipart body apart as it comes in; the first thing wrong with it is remembered until the end."""

    media_type: str
    parser: type[PushMultipartParser] = PushMultipartParser

    def __init__(self, request: Request, descriptor: int) -> None:
        boundary = _boundary(request, self.media_type)
        self._problem = None if boundary else f"Content-Type is not {self.media_type} with a boundary"
        # Not strict: that refuses a line break after the last boundary, but only if it comes in a block of its own.
        self._parser = self.parser(boundary or "none")
        self._descriptor = descriptor
        self._size = 0

    async def read(self, request: Request) -> None:
        """The whole body. UploadError is raised at its end for what is wrong with it."""
        async for block in request.stream():
            self._take(block)
        if self._problem is None:
            try:
                self._parser.close()
            except MultipartError as problem:
                self._problem = f"malformed multipart body: {problem}"
        if self._problem is not None:
            raise UploadError(self._problem)

    def _take(self, block: bytes) -> None:
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

    def _begin_part(self, part: MultipartSegment) -> None:
        """A part begins; its headers are known."""
        raise NotImplementedError

    def _add(self, data: bytes | bytearray) -> None:
        """More of the part: to the file, unless it belongs elsewhere."""
        self._size += len(data)
        write_all(self._descriptor, data)


class _Form(MultipartBody):
    """A form of one file."""

    media_type = "multipart/form-data"

    def __init__(self, request: Request, field: str, descriptor: int) -> None:
        super().__init__(request, descriptor)
        self._field = field
        self._file_name: str | None = None

    def upload(self, path: Path) -> Upload:
        """The file, now that the body was read."""
        if self._file_name is None:
            raise UploadError(f"Required part '{self._field}' is not present.")
        return Upload(path, self._file_name, self._size)

    def _begin_part(self, part: MultipartSegment) -> None:
        if part.name != self._field:
            self._problem = f"unexpected part '{part.name}', only '{self._field}' is taken"
        elif self._file_name is not None:
            self._problem = f"part '{self._field}' given twice"
        elif not part.filename:
            self._problem = f"part '{self._field}' has no filename, so it is no file"
        else:
            self._file_name = part.filename


def _boundary(request: Request, wanted: str) -> str | None:
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    boundary: str = options.get("boundary", "")
    # RFC 2046, section 5.1.1: one to seventy characters
    return boundary if media_type == wanted and 1 <= len(boundary) <= 70 else None
