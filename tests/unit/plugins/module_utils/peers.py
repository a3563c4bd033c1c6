# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and proxies that misbehave, on loopback: each connection is a conversation that the test writes down."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Callable

PATIENCE = 20.0
"""Seconds after which a conversation that does not go on is given up."""


@dataclass
class Received:
    """A request as it came: its first line, its headers by name in lower case, its body as far as it was read."""

    line: str
    headers: dict[str, str]
    body: bytes = b""


class Conversation:
    """One connection, from the side of the server."""

    def __init__(self, peer: Peer, sock: socket.socket) -> None:
        self.peer = peer
        self.sock = sock
        self._unread = bytearray()

    def head(self) -> Received:
        """Read a request up to its body. Raises ConnectionError when there is none (any more)."""
        while b"\r\n\r\n" not in self._unread:
            self._more()
        end = self._unread.index(b"\r\n\r\n")
        line, *fields = self._unread[:end].decode("latin-1").split("\r\n")
        del self._unread[: end + 4]
        headers = {name.lower(): value.strip() for name, _colon, value in (text.partition(":") for text in fields)}
        self.peer.requests.append(Received(line, headers))
        return self.peer.requests[-1]

    def read(self, size: int) -> None:
        """Read so much of the body."""
        while len(self._unread) < size:
            self._more()
        self.peer.requests[-1].body += self._unread[:size]
        del self._unread[:size]

    def request(self) -> Received:
        """Read a whole request."""
        received = self.head()
        self.read(int(received.headers.get("content-length", "0")))
        return received

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: str = "200 OK", body: bytes = b"{}", **headers: str) -> None:
        """Send an answer; the connection stays open."""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        fields.update({name.replace("_", "-").title(): value for name, value in headers.items()})
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body)

    def reset(self) -> None:
        """Close so that the other side hears of a broken connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def drain(self) -> None:
        """Read on, without a thought, until the other side closes."""
        with contextlib.suppress(OSError):
            while self.sock.recv(1024 * 1024):
                pass

    def ignore(self) -> None:
        """Read nothing more, and keep the connection as long as the test."""
        self.peer.over.wait(PATIENCE)

    def pass_on(self, host: str, port: int) -> None:
        """Let the other side speak with another server, as a proxy does."""
        with socket.create_connection((host, port), PATIENCE) as there, contextlib.suppress(OSError):
            ends = {self.sock: there, there: self.sock}
            while True:
                read_already = [end for end in ends if isinstance(end, ssl.SSLSocket) and end.pending()]
                for end in read_already or select.select(list(ends), [], [], PATIENCE)[0]:
                    data = end.recv(64 * 1024)
                    if not data:
                        return
                    ends[end].sendall(data)

    def _more(self) -> None:
        data = self.sock.recv(1024 * 1024)
        if not data:
            raise ConnectionError("the other side closed")
        self._unread += data


Script = Callable[[Conversation], None]


def well(conversation: Conversation) -> None:
    """Answer every request as a server should."""
    while True:
        conversation.request()
        conversation.answer()


class Peer:
    """A server whose connections go as written: the first one by the first script, the last script for all others.

    `requests` is what it was sent, `connections` how often somebody connected.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._scripts = scripts or (well,)
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self.over = threading.Event()
        """The test is."""
        self._sockets: list[socket.socket] = []
        self._failures: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._start(self._accept)

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        if self._failures and error is None:
            raise self._failures[0]

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return  # the test is over
            sock.settimeout(PATIENCE)
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            self._start(partial(self._converse, sock, script))

    def _converse(self, sock: socket.socket, script: Script) -> None:
        try:
            with sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True) as ready:
                self._sockets.append(ready)
                script(Conversation(self, ready))
        except OSError:
            pass  # the other side went away, as it may
        except BaseException as failure:
            self._failures.append(failure)
        finally:
            sock.close()
