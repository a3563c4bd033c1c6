# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients for the sandbox's own tests: a plain one, and one that shows what happens on the wire."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from tests.sandbox.handle import Sandbox

TCP_CLOSE = 7
"""Linux: state of a connection that was reset; one that the other side has closed is in another."""
BOUNDARY = "------frontier"
LOG = b"""\
 7:47:04 (lmgrd) (@lmgrd-SLOG@) Start-Date: Mon Jan 10 2022 07:47:04 UTC
 7:47:04 (lmgrd) TIMESTAMP 1/10/2022
 8:01:00 (vendord) OUT: "FEAT_A" alice@ws1
 8:02:10 (vendord) DENIED: "FEAT_A" bob@ws2  (Licensed number of users already reached. (-4,342))
 8:31:00 (vendord) IN: "FEAT_A" alice@ws1
"""


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    """With names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def form(content: bytes, *, name: str = "file", file_name: str = "debug.log") -> bytes:
    """A form of one file."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"\r\nContent-Type: text/plain'
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload(
    sandbox: Sandbox,
    content: bytes = LOG,
    *,
    server: int | str = 40,
    query: str = "",
    token: str | None = None,
    version: str = "v3",
    file_name: str = "debug.log",
) -> Answer:
    """Import a log into a license server."""
    path = f"/api/{version}/admin/license-server/{server}/import{query}"
    return post(sandbox, path, form(content, file_name=file_name), token=token)


def status(sandbox: Sandbox, tid: str) -> Answer:
    """Ask for a task."""
    return post(sandbox, f"/api/v3/admin/task/{tid}/status", b"", content_type=None)


def imported(sandbox: Sandbox, content: bytes = LOG, **options: Any) -> dict[str, Any]:
    """Import a log, let the task run to its end, and return the task as the API then shows it."""
    tid = upload(sandbox, content, **options).json()["data"]["ti"]["tid"]
    sandbox.clock(step=1000)
    task: dict[str, Any] = status(sandbox, tid).json()["data"]
    return task


def post(
    sandbox: Sandbox,
    path: str,
    body: bytes | Iterable[bytes],
    *,
    token: str | None = None,
    content_type: str | None = f"multipart/form-data; boundary={BOUNDARY}",
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request to License Statistics."""
    sent = {"X-Auth-token": sandbox.licstat_token if token is None else token, **(headers or {})}
    if content_type is not None:
        sent["Content-Type"] = content_type
    return send(sandbox, method, f"/licstat{path}", body, sent)


def send(
    sandbox: Sandbox, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: dict[str, str]
) -> Answer:
    """One request on a connection of its own; the path begins with the name of a system."""
    connection = connect(sandbox)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def connect(sandbox: Sandbox) -> HTTPConnection:
    """A connection to the sandbox."""
    url = urlsplit(sandbox.url)
    assert url.hostname is not None
    if sandbox.ca_path is None:
        return HTTPConnection(url.hostname, url.port, timeout=20)
    context = ssl.create_default_context(cafile=str(sandbox.ca_path))
    return HTTPSConnection(url.hostname, url.port, timeout=20, context=context)


def peak_memory(sandbox: Sandbox) -> int:
    """The most bytes that the sandbox's process ever had in memory."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{sandbox.pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024


class Wire:
    """A connection on which an import is sent piece by piece, and which shows how it ends."""

    def __init__(self, sandbox: Sandbox) -> None:
        url = urlsplit(sandbox.url)
        assert url.hostname is not None
        assert url.port is not None
        self.socket = socket.create_connection((url.hostname, url.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sandbox.ca_path is not None:
            context = ssl.create_default_context(cafile=str(sandbox.ca_path))
            self.socket = context.wrap_socket(self.socket, server_hostname=url.hostname)
        self._token = sandbox.licstat_token

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send_import(self, body: bytes) -> None:
        """A whole import."""
        self.send_head(len(body))
        self.send(body)

    def send_head(self, length: int) -> None:
        """Request line and headers of an import with a body of so many bytes."""
        lines = (
            "POST /licstat/api/v3/admin/license-server/40/import HTTP/1.1",
            "Host: sandbox",
            f"X-Auth-token: {self._token}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {length}",
        )
        self.send("\r\n".join((*lines, "", "")).encode())

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def send_without_end(self, data: bytes) -> NoReturn:
        """Send it again and again, until that fails."""
        while True:
            self.send(data)

    def receive_answer(self) -> bytes:
        """An answer as far as its body is announced by a Content-Length."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive_some()
        head, _unused, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._receive_some()
        return head + b"\r\n\r\n" + body

    def receive_to_end(self) -> tuple[bytes, str]:
        """Everything up to the end, and whether that was an orderly one (`closed`) or a `reset`."""
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while block := self.socket.recv(65536):
                received += block
        # Over TLS, Python before 3.12.3 takes a reset for an ordinary end; the kernel knows better.
        state = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return received, "reset" if state == TCP_CLOSE else "closed"

    def _receive_some(self) -> bytes:
        block = self.socket.recv(65536)
        assert block, "the connection was closed in the middle of an answer"
        return block
