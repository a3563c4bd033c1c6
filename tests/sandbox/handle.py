# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as tests use it: started as a process of its own, scripted and looked into over its control endpoint.

`with Sandbox() as sandbox:` starts one; `sandbox.licstat_url` and `sandbox.licstat_token` are what a client needs,
`sandbox.fault("drop", operation="import", when="after_work")` scripts a fault, and `sandbox.licstat().servers[40]`
tells what the server then holds.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

from .bigfix import view as bigfix_view
from .bigfix.credentials import BIGFIX_TOKEN, LMT_TOKEN
from .haplo import view as haplo_view
from .haplo.keys import API_KEY, OUTCOME_KEY, STANDARD_KEY
from .licstat import view as licstat
from .licstat.tokens import ADMIN_TOKEN
from .lm import view as lm
from .lm.credentials import ADMIN_PASSWORD, ADMIN_USER

_ROOT = Path(__file__).resolve().parents[2]
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2), "MALLOC_TRIM_THRESHOLD_": str(64 * 1024**2)}
"""For glibc: otherwise the first large upload over TLS takes twice the time of the later ones."""

_START = 30.0
"""Real seconds within which the process must listen."""


class ControlError(Exception):
    """The control endpoint refused a call, or what was waited for did not happen in time."""


@dataclass(frozen=True)
class Request:
    """A request that reached a system; the fields are those of `request_log.RequestRecord`."""

    number: int
    system: str
    operation: str | None
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    port: int
    body_bytes: int
    complete: bool
    status: int | None
    fault: str | None
    held: bool
    finished: bool

    def header(self, name: str) -> str | None:
        """Value of the first header of that name, in any case."""
        return next((value for key, value in self.headers if key == name.lower()), None)


class Sandbox:
    """A running sandbox. Leaving the context ends it; so does the end of the process that made it, however it ends.

    `speed` is sandbox seconds per real second, `config` the initial settings by system, `python` what runs it.
    """

    def __init__(
        self,
        *,
        tls: bool = False,
        speed: float = 20.0,
        config: dict[str, Any] | None = None,
        data_dir: Path | None = None,
        python: str = sys.executable,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-handle-")
        folder = Path(self._folder.name)
        self.data_dir = folder if data_dir is None else data_dir
        self.log = folder / "output"
        """File with the process's output."""
        self.ca_path: Path | None = self.data_dir / "ca.pem" if tls else None
        """Certificate of the authority that clients have to trust, with TLS."""
        self._connections: list[http.client.HTTPConnection] = []
        self._process = self._start(folder, config or {}, python, ["--tls"] if tls else [], speed)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._await_port(folder / 'port')}"
        """Root, without a slash at the end."""

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def licstat_url(self) -> str:
        """Base URL of License Statistics."""
        return f"{self.url}/licstat"

    @property
    def licstat_token(self) -> str:
        """API token of an administrator; `tokens.py` has the others."""
        return ADMIN_TOKEN

    @property
    def haplo_url(self) -> str:
        """Base URL of Haplo."""
        return f"{self.url}/haplo"

    @property
    def haplo_api_key(self) -> str:
        """API key of a user who may use Haplo's batch import; `keys.py` has the others."""
        return API_KEY

    @property
    def haplo_standard_api_key(self) -> str:
        """API key of a user who may use Haplo's standard batch import."""
        return STANDARD_KEY

    @property
    def haplo_outcome_api_key(self) -> str:
        """API key of a user who may administer batches, for the pages that tell what became of them."""
        return OUTCOME_KEY

    @property
    def lm_url(self) -> str:
        """Base URL of Lifecycle Manager."""
        return f"{self.url}/lm"

    @property
    def lm_username(self) -> str:
        """A user of Lifecycle Manager who may import and clear; `credentials.py` has the others."""
        return ADMIN_USER

    @property
    def lm_password(self) -> str:
        """The password of `lm_username`."""
        return ADMIN_PASSWORD

    @property
    def bigfix_url(self) -> str:
        """Base URL of BigFix Inventory."""
        return f"{self.url}/bigfix"

    @property
    def bigfix_token(self) -> str:
        """BigFix Inventory: token of a user who may run imports; `credentials.py` has the others."""
        return BIGFIX_TOKEN

    @property
    def lmt_url(self) -> str:
        """Base URL of License Metric Tool."""
        return f"{self.url}/lmt"

    @property
    def lmt_token(self) -> str:
        """License Metric Tool: token of a user who may run imports."""
        return LMT_TOKEN

    @property
    def environment(self) -> dict[str, str]:
        """Where all systems are and with what to log in there, as environment variables that an inventory can use."""
        return {
            "LICSTAT_URL": self.licstat_url,
            "LICSTAT_API_TOKEN": self.licstat_token,
            "BIGFIX_URL": self.bigfix_url,
            "BIGFIX_TOKEN": self.bigfix_token,
            "LMT_URL": self.lmt_url,
            "LMT_TOKEN": self.lmt_token,
            "HAPLO_URL": self.haplo_url,
            "HAPLO_API_KEY": self.haplo_api_key,
            "HAPLO_OUTCOME_API_KEY": self.haplo_outcome_api_key,
            "HAPLO_STANDARD_API_KEY": self.haplo_standard_api_key,
            "LM_URL": self.lm_url,
            "LM_USERNAME": self.lm_username,
            "LM_PASSWORD": self.lm_password,
        }

    @property
    def pid(self) -> int:
        """Process id, for measurements."""
        return self._process.pid

    def stop(self) -> int:
        """End it, cleanly if it can; its exit status."""
        while self._connections:
            self._connections.pop().close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._folder.cleanup()
        return status

    # Control.

    def reset(self) -> None:
        """Back to the initial settings, data and speed, without faults and with an empty request log."""
        self._call("POST", "/reset")

    def fault(self, action: str, **what: Any) -> int:
        """Script a fault; `README.md` has the table of actions and options. Its id."""
        return int(self._call("POST", "/faults", {"action": action, **what})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, with how many requests they have `seen` and hit (`hits`)."""
        found: list[dict[str, Any]] = self._call("GET", "/faults")
        return found

    def clear_faults(self) -> None:
        """No faults any more; requests held by one go on."""
        self._call("DELETE", "/faults")

    def release(self) -> None:
        """Let the requests go on that `hold` or `stall` faults hold right now."""
        self._call("POST", "/release")

    def requests(self, system: str | None = None, operation: str | None = None) -> list[Request]:
        """What was sent, in order."""
        return _requests(self._call("GET", "/requests", query=_given(system=system, operation=operation)))

    def wait_for(
        self,
        state: str = "finished",
        *,
        system: str | None = None,
        operation: str | None = None,
        count: int = 1,
        timeout: float = 60.0,
    ) -> list[Request]:
        """Wait until so many requests are `begun`, `held`, `complete`, `answered` or `finished`; those requests."""
        query = _given(state=state, system=system, operation=operation, count=count, timeout=timeout)
        return _requests(self._call("GET", "/wait", query=query, timeout=timeout + 5))

    def wait_idle(self, timeout: float = 60.0, *, requests: bool = True) -> None:
        """Wait until every upload was read and, unless `requests` is false, no request is under way."""
        query = _given(timeout=timeout, requests=int(requests))
        self._call("GET", "/idle", query=query, timeout=timeout + 5)

    def clock(self, speed: float | None = None, step: float | None = None, date: datetime | None = None) -> float:
        """Set the speed (0: stand still), go so many sandbox seconds ahead, or set the date, which has a zone.

        Returns the sandbox seconds since the start.
        """
        change = _given(speed=speed, step=step, date=None if date is None else date.isoformat())
        return float(self._call("POST", "/clock", change)["now"])

    def configure(self, system: str = "licstat", **settings: Any) -> None:
        """Change settings of a system until the next reset."""
        self._call("POST", "/settings", {system: settings})

    def settings(self) -> dict[str, Any]:
        """All settings, by system."""
        found: dict[str, Any] = self._call("GET", "/settings")
        return found

    def state(self) -> dict[str, Any]:
        """What all systems hold, as JSON."""
        found: dict[str, Any] = self._call("GET", "/state")
        return found

    def licstat(self) -> licstat.LicenseStatistics:
        """What License Statistics holds. Waits until every upload was read."""
        self.wait_idle(requests=False)
        return licstat.view(self.state()["licstat"])

    def bigfix(self) -> bigfix_view.BigFix:
        """What BigFix Inventory holds."""
        return bigfix_view.view(self.state()["bigfix"])

    def lmt(self) -> bigfix_view.BigFix:
        """What License Metric Tool holds."""
        return bigfix_view.view(self.state()["lmt"])

    def haplo(self) -> haplo_view.Haplo:
        """What Haplo holds."""
        return haplo_view.view(self.state()["haplo"])

    def lm(self) -> lm.LifecycleManager:
        """What Lifecycle Manager holds. Waits until every upload was read."""
        self.wait_idle(requests=False)
        return lm.view(self.state()["lm"])

    # Starting the process.

    def _start(
        self, folder: Path, config: dict[str, Any], python: str, extra: list[str], speed: float
    ) -> subprocess.Popen[bytes]:
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        command = [python, "-m", "tests.sandbox", "--port-file", str(folder / "port"), "--until-stdin-closes"]
        command += ["--config", str(folder / "config.json"), "--data-dir", str(self.data_dir), "--speed", str(speed)]
        # The sandbox is not what a coverage measurement is about.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        with self.log.open("wb") as output:
            return subprocess.Popen(
                command + extra,
                cwd=_ROOT,
                env={**_ALLOCATOR, **inherited},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _await_port(self, port_file: Path) -> int:
        deadline = time.monotonic() + _START
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                output = self.log.read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"the sandbox did not start:\n{output}")
            time.sleep(0.01)
        return int(port_file.read_text())

    # Calling it.

    def _connect(self) -> http.client.HTTPConnection:
        address = urllib.parse.urlsplit(self.url).netloc
        if self.ca_path is None:
            return http.client.HTTPConnection(address)
        return http.client.HTTPSConnection(address, context=ssl.create_default_context(cafile=str(self.ca_path)))

    def _call(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, timeout: float = 30.0
    ) -> Any:
        target = f"/_control{path}?{urllib.parse.urlencode(query or {})}"
        # A connection is kept, for most tests call a few times; threads that call at once have one each.
        connection = self._connections.pop() if self._connections else self._connect()
        try:
            answer = _exchange(connection, method, target, body, timeout)
            text = answer.read().decode()
        except BaseException:
            connection.close()
            raise
        self._connections.append(connection)
        if answer.status != HTTPStatus.OK:
            raise ControlError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text)


def _exchange(
    connection: http.client.HTTPConnection, method: str, target: str, body: Any, timeout: float
) -> http.client.HTTPResponse:
    """Ask, and once more over a new connection where the old one was closed for having been idle."""
    was_kept = connection.sock is not None
    connection.timeout = timeout
    if was_kept:
        connection.sock.settimeout(timeout)
    try:
        connection.request(method, target, None if body is None else json.dumps(body).encode())
        return connection.getresponse()
    except (BrokenPipeError, ConnectionResetError):
        if not was_kept:
            raise
        connection.close()
        return _exchange(connection, method, target, body, timeout)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _requests(found: list[dict[str, Any]]) -> list[Request]:
    return [Request(**{**entry, "headers": tuple(map(tuple, entry["headers"]))}) for entry in found]
