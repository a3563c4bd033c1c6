# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection beneath a request: what HTTP servers do not let an application do, but broken networks do.

uvicorn keeps its connections to itself; `Protocol` hands them to the application in the ASGI scope's state.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEY = "sandbox.protocol"


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, known to the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn
        """Make it known to all requests of this connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _KEY: self}


def transport_of(scope: MutableMapping[str, Any]) -> asyncio.Transport:
    """The transport on which a request came."""
    protocol: Protocol = scope["state"][_KEY]
    return protocol.transport


def take_end_of_body(scope: MutableMapping[str, Any]) -> bytes | None:
    """The last piece of a body that came whole before its client went away; None if there is none.

    uvicorn withholds it once the client has gone. Servers that read from the connection as they need it do find it, and
    do the work.
    """
    protocol: Protocol = scope["state"][_KEY]
    cycle = protocol.cycle
    if cycle.more_body or not cycle.body:
        return None
    end = bytes(cycle.body)
    cycle.body.clear()
    return end


def reset(transport: asyncio.Transport) -> None:
    """End the connection by a TCP reset: what is under way in either direction is lost."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def half_close(transport: asyncio.Transport) -> bool:
    """Say that nothing more will be sent, and keep reading. False if the transport cannot (TLS) and was closed."""
    if transport.can_write_eof():
        transport.write_eof()
        return True
    transport.close()
    return False
