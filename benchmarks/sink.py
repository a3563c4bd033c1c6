#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that can take an upload: it reads as many bytes as were announced, keeps none and answers like License
Statistics. What a client needs with it, it needs by itself.

    sink.py PORT_FILE [CERTIFICATE KEY]
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
import threading
from pathlib import Path

TASK = {
    "data": None,
    "sbtr": "sink",
    "sbtd": "2026-01-01 00:00:00",
    "tid": "import_sink",
    "sts": "SUCCESS",
    "err": None,
}
ANSWER = json.dumps({"success": True, "msg": None, "data": {"sst": "SCHEDULED", "ti": TASK}}).encode()


def serve(connection: socket.socket) -> None:
    """One request, then the end."""
    with connection:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (block := connection.recv(64 * 1024)):
                return
            head += block
        head, _unused, body = head.partition(b"\r\n\r\n")
        if re.search(rb"(?i)expect: *100-continue", head):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        left = (int(length.group(1)) if length else 0) - len(body)
        buffer = bytearray(1024 * 1024)
        while left > 0:
            count = connection.recv_into(buffer, min(left, len(buffer)))
            if not count:
                return
            left -= count
        status = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        connection.sendall(status + b"Content-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER)


def main() -> None:
    port_file, *tls = sys.argv[1:]
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        unfinished = Path(f"{port_file}.new")
        unfinished.write_text(str(listener.getsockname()[1]), encoding="ascii")
        unfinished.replace(port_file)
        while True:
            connection, _unused = listener.accept()
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
