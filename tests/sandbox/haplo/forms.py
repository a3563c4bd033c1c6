# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies of Haplo's requests: forms of text and one file, the file streamed to disk, and urlencoded parameters.

With the habits of the vendor's own parsers (FACTS sections C.1, C.2 and C.5): only `name` and `filename` of a part are
looked at, directories in front of a file's name are cut off, and the order of the parts does not matter.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import Request

from ..uploads import new_file, write_all

MOST_URLENCODED = 1024 * 1024
"""Urlencoded bodies must be smaller than this (bytes)."""
MOST_TEXT_FIELD = 64 * 1024
"""A text field of a multipart body can have so many bytes."""
MOST_PART_HEADERS = 10_240
"""The headers of a part can have so many bytes."""


class UnexpectedFileError(Exception):
    """A file in a field that is not for files; the text is the vendor's."""


class MalformedError(Exception):
    """A body that cannot be read; the server ends with an internal error."""


class SizeLimitError(Exception):
    """A body or a part of it that is too large."""


@dataclass(frozen=True)
class FilePart:
    """An uploaded file, whole, on disk; whoever takes it moves or deletes it."""

    path: Path
    file_name: str
    size: int
    sha256: str

    def delete(self) -> None:
        """Remove the file, if it was not moved."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Form:
    """What a request said."""

    parameters: dict[str, Any]
    """Of query and body; the body's count if both have one. Lists and objects where names have brackets."""
    file: FilePart | None = None
    elements: tuple[str, ...] = ()
    """Elements of the path after the name of the handler."""


def is_multipart(request: Request) -> bool:
    """Whether the request brings a multipart body, which is looked at later than others."""
    media_type, _options = parse_options_header(request.headers.get("content-type", ""))
    return request.method == "POST" and bool(media_type == "multipart/form-data")


async def receive_urlencoded(request: Request) -> dict[str, Any]:
    """The parameters in the body of a POST; none if it is no such body. SizeLimitError if it is too large."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) >= MOST_URLENCODED:
            raise SizeLimitError
    # The content type is not looked at: what looks like JSON or XML is not read, whatever it is called.
    is_other = request.method != "POST" or re.match(rb"\s*[<{\[]", body)
    return {} if is_other else parse_parameters(bytes(body))


def parse_parameters(text: bytes) -> dict[str, Any]:
    """Urlencoded parameters. Raw bytes that are not ASCII make all of them be ignored, and so do names that differ.

    A percent sign that is none stays as it is. `name[]` is a list, `name[x]` an object, and a name cannot be both.
    """
    parameters: dict[str, Any] = {}
    if not text.isascii():
        return parameters
    try:
        for name, value in parse_qsl(text.decode(), keep_blank_values=True, errors="replace", separator="&"):
            _put(parameters, name, value)
    except TypeError:
        return {}
    return parameters


def _put(parameters: dict[str, Any], name: str, value: str) -> None:
    """Set a parameter by its name with brackets; TypeError if it was of another kind before.

    What is nested within a list does not make a difference here.
    """
    found = _PARAMETER.match(name)
    if found is None:
        return
    key, rest = found.groups()
    if rest == "":
        parameters[key] = value
        return
    inner = parameters.setdefault(key, [] if rest.startswith("[]") else {})
    if isinstance(inner, list) != rest.startswith("[]") or isinstance(inner, str):
        raise TypeError(f"parameter {key} is of two kinds")
    if isinstance(inner, list):
        inner.append(value)
    else:
        _put(inner, rest, value)


_PARAMETER = re.compile(r"[\[\]]*([^\[\]]+)\]*(.*)", re.DOTALL)


async def receive_multipart(request: Request, file_field: str, directory: Path) -> Form:
    """A form of text fields and one file, which is written to the directory.

    UnexpectedFileError and SizeLimitError are raised as soon as the part comes in, MalformedError for anything that is
    no such form.
    """
    parser = _parser(request)
    with new_file(directory) as (path, descriptor):
        parts = _Parts(parser, file_field, descriptor)
        async for block in request.stream():
            parts.take(block)
        form = parts.finish(path)
    if form.file is None:
        path.unlink()
    return form


def _parser(request: Request) -> PushMultipartParser:
    _media_type, options = parse_options_header(request.headers.get("content-type", ""))
    if not options.get("boundary"):
        raise MalformedError("multipart body without a boundary")
    return PushMultipartParser(options["boundary"], max_header_size=MOST_PART_HEADERS, max_header_count=1000)


class _Parts:
    """Takes a form apart as it comes in."""

    def __init__(self, parser: PushMultipartParser, file_field: str, descriptor: int) -> None:
        self._parser = parser
        self._file_field = file_field
        self._descriptor = descriptor
        self._texts: dict[str, bytearray] = {}
        self._text: bytearray | None = None
        """The text field that is being read; None in the file."""
        self._file_name: str | None = None
        self._size = 0
        self._digest = hashlib.sha256()

    def take(self, block: bytes) -> None:
        """The next block of the body, of any size."""
        if not block:
            return
        try:
            for event in self._parser.parse(block):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event:
                    self._add(event)
        except MultipartError as problem:
            raise MalformedError(str(problem)) from None

    def finish(self, path: Path) -> Form:
        """All parts, now that the body has ended; a file is at the path."""
        try:
            self._parser.close()
        except MultipartError as problem:
            raise MalformedError(str(problem)) from None
        texts = {name: text.decode("utf-8", errors="replace") for name, text in self._texts.items()}
        if self._file_name is None:
            return Form(texts)
        return Form(texts, FilePart(path, self._file_name, self._size, self._digest.hexdigest()))

    def _begin(self, part: MultipartSegment) -> None:
        if sum(len(name) + len(value) for name, value in part.headerlist) > MOST_PART_HEADERS:
            raise MalformedError("headers of a part are too large")
        name = str(part.name)  # the parser has seen to it that there is one
        file_name = re.split(r"[/\\]", part.filename or "")[-1]
        if not file_name:
            self._text = self._texts[name] = bytearray()
        elif name != self._file_field:
            shown = name.replace("<", "&lt;").replace(">", "&gt;")
            raise UnexpectedFileError(
                f"A file was uploaded, but it was not expected by the application. Field name: '{shown}'"
            )
        else:
            self._begin_file(file_name)

    def _begin_file(self, file_name: str) -> None:
        """Of several files, the last one counts (guess)."""
        os.truncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._text, self._file_name, self._size, self._digest = None, file_name, 0, hashlib.sha256()

    def _add(self, data: bytes | bytearray) -> None:
        if self._text is not None:
            self._text += data
            if len(self._text) > MOST_TEXT_FIELD:
                raise SizeLimitError
            return
        self._size += len(data)
        self._digest.update(data)
        write_all(self._descriptor, data)
