# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of exchanges with a peer share: a client, a submission, an authority, and scripts for peers."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Any, Callable

import trustme

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, Connection, ImportsError
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body

from ..peers import Conversation, Peer, Script

BLOCK = 256 * 1024

LARGE = [b"x" * BLOCK] * 48 + [b"end"]
"""More than any socket takes without somebody reading."""

SOON = 10.0
"""Seconds within which an answer or an error must be there, on a slow machine too."""


@dataclass
class Sent:
    """What became of a submission, and of its commit point."""

    outcome: Answer | ImportsError
    commits: int
    seconds: float
    pauses: list[float]


def client_of(url: str, pauses: list[float] | None = None, **options: Any) -> Client:
    settings = {"timeout": 5, "response_timeout": 5, "use_proxy": False, **options}
    pause: Callable[[float], None] = ([] if pauses is None else pauses).append
    return Client(Connection(url, **settings), {"X-Auth-token": "token"}, Secrets(), pause=pause)


def submit(client: Client | str, blocks: list[bytes], **options: Any) -> Sent:
    """Submit these blocks, and see what comes of it."""
    commits: list[str] = []
    pauses: list[float] = []
    if isinstance(client, str):
        client = client_of(client, pauses, **options)
    begin = time.monotonic()
    outcome: Answer | ImportsError
    try:
        outcome = client.submit("POST", "/import", Body([*blocks], "text/plain", commits.append))
    except ImportsError as error:
        outcome = error
    return Sent(outcome, len(commits), time.monotonic() - begin, pauses)


def ask(url: str, **options: Any) -> Answer:
    return client_of(url, **options).ask("POST", "/status", tries=1)


@dataclass(frozen=True)
class Authority:
    """An authority that nobody trusts unless told so; `path` is a file with its certificate."""

    ca: trustme.CA
    path: str

    def context(self, *names: str, **what: Any) -> ssl.SSLContext:
        """A server's context, with a certificate for these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost")), **what).configure_cert(context)
        return context


@dataclass(frozen=True)
class Wire:
    """A way to serve: plainly or with TLS; `options` are what a client needs for it."""

    context: ssl.SSLContext | None
    options: dict[str, Any]

    def peer(self, *scripts: Script) -> Peer:
        return Peer(*scripts, tls=self.context)


def refusing(status: str, then: Script) -> Script:
    """Read a little of the body, refuse, and then do something else."""

    def script(conversation: Conversation) -> None:
        conversation.head()
        conversation.read(64 * 1024)
        conversation.answer(status, b'{"msg": "no, thank you"}')
        then(conversation)

    return script


def raw(data: bytes, then: Script = lambda _conversation: None) -> Script:
    """Read a request and answer with these bytes."""

    def script(conversation: Conversation) -> None:
        conversation.request()
        conversation.send(data)
        then(conversation)

    return script


def answer_of(body: bytes, **headers: str) -> bytes:
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


@dataclass(frozen=True)
class Identity:
    """A client's certificate and key, as files; `both` has them together."""

    cert: str
    key: str
    both: str
    encrypted_key: str


def proxy(conversation: Conversation) -> None:
    """Pass on what is for a server with TLS; answer what is in the clear itself."""
    head = conversation.head()
    method, target, _version = head.line.split()
    if method == "CONNECT":
        host, _colon, port = target.rpartition(":")
        conversation.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        conversation.pass_on(host, int(port))
    else:
        conversation.read(int(head.headers.get("content-length", "0")))
        conversation.answer("203 From a proxy")
