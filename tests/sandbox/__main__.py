# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the sandbox in the foreground: `python -m tests.sandbox --help`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from .app import Sandbox, make_app, make_sandbox
from .wire import Protocol

HOST = "127.0.0.1"


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; 0 then, 2 if it could not start."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
        data_dir = options.data_dir or Path(scratch)
        try:
            sandbox = make_sandbox(data_dir, _read_config(options.config), options.speed)
            tls = _tls(options, data_dir)
            listener = _listen(options.port)
        except (OSError, ValueError) as problem:
            print(f"cannot start: {problem}", file=sys.stderr)
            return 2
        _serve(sandbox, options, tls, listener)
    return 0


@dataclass(frozen=True)
class _Tls:
    certificate: Path
    key: Path
    ca: Path | None
    """Certificate of the authority, if one was made here."""


class _Server(uvicorn.Server):
    """Says where it is once it listens."""

    def __init__(self, config: uvicorn.Config, port: int, port_file: Path | None, greeting: list[str]) -> None:
        super().__init__(config)
        self._port, self._port_file, self._greeting = port, port_file, greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print("\n".join(self._greeting), flush=True)
        if self._port_file is not None:
            unfinished = self._port_file.with_name(self._port_file.name + ".new")
            unfinished.write_text(f"{self._port}\n")
            unfinished.replace(self._port_file)


def _serve(sandbox: Sandbox, options: argparse.Namespace, tls: _Tls | None, listener: socket.socket) -> None:
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    # uvicorn raises the signals it caught once more when it has ended; that is no reason to die by them.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if options.until_stdin_closes:
        _end_with_stdin()
    port = listener.getsockname()[1]
    url = f"{'https' if tls else 'http'}://{HOST}:{port}"
    config = uvicorn.Config(
        make_app(sandbox, options.speed),
        http=Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        date_header=False,  # it would tell the real time; `exchange.py` adds the sandbox's
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    _Server(config, port, options.port_file, _greeting(sandbox, url, tls)).run(sockets=[listener])


def _greeting(sandbox: Sandbox, url: str, tls: _Tls | None) -> list[str]:
    lines = [f"The sandbox listens on {url}"]
    for name, system in sandbox.systems.items():
        lines += ["", *system.introduction(f"{url}/{name}")]
    if tls is not None and tls.ca is not None:
        lines += ["", f"Its certificate is of an authority made for this run: {tls.ca}"]
    lines += ["", f"State, requests, settings, faults and clock: {url}/_control/ (see tests/sandbox/README.md)"]
    lines += ["It ends with Ctrl+C.", ""]
    return lines


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--port-file", type=Path, help="file to write the port to, once it listens")
    parser.add_argument("--tls", action="store_true", help="HTTPS, with a certificate made for this run")
    parser.add_argument("--tls-cert", type=Path, help="HTTPS with this certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, help="and this key (PEM)")
    parser.add_argument("--config", type=Path, help="JSON file with initial settings by system")
    parser.add_argument("--data-dir", type=Path, help="folder for uploads while they are read, and for the data")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="sandbox seconds per second; default 1, 0 stands still"
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input is closed")
    options = parser.parse_args(arguments)
    if (options.tls_cert is None) != (options.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    if not 0 <= options.port <= 65535:
        parser.error("--port must be from 0 to 65535")
    return options


def _read_config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object")
    return content


def _tls(options: argparse.Namespace, data_dir: Path) -> _Tls | None:
    if options.tls_cert is not None:
        return _Tls(options.tls_cert, options.tls_key, None)
    return _make_tls(data_dir) if options.tls else None


def _make_tls(data_dir: Path) -> _Tls:
    import trustme  # takes a while, and is wanted for --tls only

    data_dir.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    server = authority.issue_cert(HOST, "localhost")
    tls = _Tls(data_dir / "server.pem", data_dir / "server.key", data_dir / "ca.pem")
    assert tls.ca is not None
    authority.cert_pem.write_to_path(str(tls.ca))
    server.private_key_pem.write_to_path(str(tls.key))
    for number, part in enumerate(server.cert_chain_pems):
        part.write_to_path(str(tls.certificate), append=number > 0)
    return tls


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it, each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.set_inheritable(False)
    return listener


def _end_with_stdin() -> None:
    """So that the sandbox does not outlive a test run that was killed."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin, whose lock would be held when the interpreter ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
