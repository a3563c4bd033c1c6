# SPDX-License-Identifier: GPL-3.0-or-later
"""A client for the tests of the sandbox's Haplo: it sends what it is told to, right or wrong."""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.sandbox.handle import Sandbox

from . import client
from .client import BOUNDARY, Answer, connect

API = "/api/haplo-data-import-batch"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "haplo"

CONTROL: dict[str, Any] = {
    "dataImportControlFileVersion": 0,
    "model": "haplo:person",
    "files": {"people": {"read": "json"}, "more": {"read": "json"}},
    "instructions": [
        {"action": "new", "destination": "profile"},
        {"source": "first", "destination": "value:person-name", "name": "first"},
        {"source": "last", "destination": "value:person-name", "name": "last"},
        {
            "action": "field-structured",
            "structured": "value:person-name",
            "destination": "profile",
            "name": "dc:attribute:title",
        },
        {"source": "url", "destination": "profile", "name": "std:attribute:url"},
    ],
}
JOE = {"first": "Joe", "last": "Bloggs", "url": "https://example.com/person/joe"}


def basic(key: str, user: str = "haplo") -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}


def part(name: str, content: bytes | str, filename: str | None = None) -> bytes:
    """A part of a form: a text, or with a file name a file."""
    given = "" if filename is None else f'; filename="{filename}"'
    return raw_part(f'form-data; name="{name}"{given}', content)


def raw_part(disposition: str, content: bytes | str) -> bytes:
    """A part with this Content-Disposition."""
    content = content.encode() if isinstance(content, str) else content
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    """A form of these parts."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def send(
    sandbox: Sandbox,
    path: str,
    body: bytes = b"",
    *,
    content_type: str | None = URLENCODED,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own, with the good key unless `headers` say otherwise."""
    sent = basic(sandbox.haplo_api_key) if headers is None else dict(headers)
    if content_type is not None:
        sent["Content-Type"] = content_type
    return client.send(sandbox, method, "/haplo" + quote(path, safe="/?=&%"), body, sent)


def begin(sandbox: Sandbox, endpoint: str, headers: dict[str, str], length: int, sent: bytes = b"") -> HTTPConnection:
    """A form of so many bytes, of which some are sent."""
    connection = connect(sandbox)
    connection.putrequest("POST", f"/haplo{API}/{endpoint}")
    for name, value in {**headers, "Content-Type": FORM, "Content-Length": str(length)}.items():
        connection.putheader(name, value)
    connection.endheaders(sent or None)
    return connection


def post_form(sandbox: Sandbox, endpoint: str, *parts: bytes, headers: dict[str, str] | None = None) -> Answer:
    """A multipart request."""
    return send(sandbox, f"{API}/{endpoint}", multipart(*parts), content_type=FORM, headers=headers)


def post(sandbox: Sandbox, endpoint: str, **parameters: str) -> Answer:
    """An urlencoded request."""
    return send(sandbox, f"{API}/{endpoint}", urlencode(parameters).encode())


def upload_control(sandbox: Sandbox, control: Any = None, comment: str | None = None) -> Answer:
    """Upload a control file: bytes as they are, anything else as JSON; `CONTROL` if there is none."""
    control = CONTROL if control is None else control
    content = control if isinstance(control, bytes) else json.dumps(control).encode()
    comments = [] if comment is None else [part("comment", comment)]
    return post_form(sandbox, "control", *comments, part("file", content, "control.json"))


def new_batch(sandbox: Sandbox, control: Any = None) -> str:
    """A new batch; its identifier."""
    digest = upload_control(sandbox, control).body.decode()
    return post(sandbox, "batch", control=digest).body.decode()


def upload(sandbox: Sandbox, batch: str, content: Any, name: str = "people", filename: str = "people.json") -> Answer:
    """Upload a data file: bytes as they are, anything else as JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return post_form(sandbox, "file", part("batch", batch), part("name", name), part("file", data, filename))
