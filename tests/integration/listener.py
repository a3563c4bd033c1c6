# SPDX-License-Identifier: GPL-3.0-or-later
"""Loopback servers beside the sandbox: to prove that nothing was sent to them, and to answer anything at all."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

_PATIENCE = 10.0
"""Real seconds after which a listener gives up on a client."""

_PROBE = b"is anybody there?"

Answer = Callable[[bytes], Iterable[bytes]]
"""What to send, piece by piece, given the request (its headers, and what has come of its body with them)."""


def client_certificates_wanted(folder: Path) -> ssl.SSLContext:
    """Has a listener take clients with a certificate only.

    In the folder are `ca.pem` and what a client shows: `mine.pem` and `mine.key`.
    """
    import trustme  # takes a while, and few tests want it

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    mine = authority.issue_cert("asset-manager@example.com")
    mine.cert_chain_pems[0].write_to_path(str(folder / "mine.pem"))
    mine.private_key_pem.write_to_path(str(folder / "mine.key"))
    return context


class Listener:
    """Listens on a port of its own, notes what it is sent, and answers each request once with what it is told.

    Without an answer it closes the connection. With a TLS context it speaks TLS. `interim` is sent to every client that
    has sent its headers, while it is still sending.
    """

    def __init__(
        self, answer: Answer | bytes = b"", context: ssl.SSLContext | None = None, *, interim: bytes = b""
    ) -> None:
        self._answer: Answer = answer if callable(answer) else lambda _request: [answer]
        self._context = context
        self._interim = interim
        self._received: list[bytes] = []
        self._noted = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._serving: list[threading.Thread] = []

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_PATIENCE)
        for thread in self._serving:
            thread.join(_PATIENCE)

    @property
    def url(self) -> str:
        """Its root, without a slash at the end."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def received(self) -> list[bytes]:
        """What every client so far sent. A connection of our own, behind all others, tells that none is left out."""
        assert self._context is None, "the probe speaks no TLS"
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as probe:
            probe.sendall(_PROBE)
            probe.shutdown(socket.SHUT_WR)
            while probe.recv(4096):
                pass
        with self._noted:
            assert self._noted.wait_for(lambda: _PROBE in self._received, _PATIENCE)
            self._received.remove(_PROBE)
            return list(self._received)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _address = self._listener.accept()
                client.settimeout(_PATIENCE)
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._serving.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(self._wrapped(client)) as connection:
            request = b""
            interim = self._interim
            while not _is_whole(request) and (block := connection.recv(64 * 1024)):
                request += block
                if interim and b"\r\n\r\n" in request:
                    connection.sendall(interim)
                    interim = b""
            with self._noted:
                self._received.append(request)
                self._noted.notify_all()
            if request != _PROBE:
                self._reply(connection, request)

    def _reply(self, client: socket.socket, request: bytes) -> None:
        for piece in self._answer(request):
            client.sendall(piece)

    def _wrapped(self, client: socket.socket) -> socket.socket:
        try:
            return self._context.wrap_socket(client, server_side=True) if self._context else client
        except OSError:
            client.close()
            raise


def http_answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer, byte for byte."""
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    fields.update({name.replace("_", "-").title(): value for name, value in headers.items()})
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _unused, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return True
