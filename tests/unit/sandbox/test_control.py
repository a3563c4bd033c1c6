# SPDX-License-Identifier: GPL-3.0-or-later
"""The request log, the control endpoint, starting and ending."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.__main__ import main
from tests.sandbox.app import SYSTEMS
from tests.sandbox.handle import ControlError, Sandbox

from .client import LOG, Wire, form, post, status, upload

ROOT = Path(__file__).parents[3]


def test_request_log(sandbox: Sandbox) -> None:
    upload(sandbox, query="?mergePolicy=Leave%20Tail")
    status(sandbox, "a%20b")
    first, second = sandbox.requests()
    assert (first.number, first.system, first.operation, first.method) == (1, "licstat", "import", "POST")
    assert first.path == "/licstat/api/v3/admin/license-server/40/import"
    assert first.query == "mergePolicy=Leave%20Tail"
    assert first.header("X-Auth-Token") == sandbox.licstat_token
    assert first.header("x-none") is None
    assert (first.body_bytes, first.complete, first.status, first.finished) == (len(form(LOG)), True, 200, True)
    assert (first.fault, first.held) == (None, False)
    assert (second.number, second.path) == (2, "/licstat/api/v3/admin/task/a%20b/status")
    assert (second.body_bytes, second.complete) == (0, True)
    assert sandbox.requests(operation="status") == [second]
    assert sandbox.requests(system="elsewhere") == []


def test_body_that_breaks_off(sandbox: Sandbox) -> None:
    with Wire(sandbox) as wire:
        wire.send_head(1000)
        wire.send(b"x" * 10)
        sandbox.wait_for("begun")
    (request,) = sandbox.wait_for("finished")
    assert (request.complete, request.status) == (False, None)
    assert sandbox.licstat().tasks == []
    assert not list((sandbox.data_dir / "licstat").glob("upload-*"))


def test_waiting_in_vain(sandbox: Sandbox) -> None:
    with pytest.raises(ControlError, match="408"):
        sandbox.wait_for("held", timeout=0.01)
    with pytest.raises(ControlError, match="unknown state"):
        sandbox.wait_for("gone")


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/clock", {"sped": 1}, "unknown: sped"),
        ("/clock", {"speed": -1}, "negative"),
        ("/clock", [1], "JSON object"),
        ("/settings", {"elsewhere": {}}, "unknown system elsewhere"),
    ],
)
def test_bad_calls(sandbox: Sandbox, path: str, body: Any, message: str) -> None:
    with pytest.raises(ControlError, match=message):
        sandbox._call("POST", path, body)


def test_overview(sandbox: Sandbox) -> None:
    with urllib.request.urlopen(f"{sandbox.url}/_control/") as answer:  # noqa: S310 (our own server)
        assert json.load(answer) == {"systems": sorted(SYSTEMS)}


def test_tls(tls_sandbox: Sandbox) -> None:
    assert tls_sandbox.url.startswith("https://")
    assert upload(tls_sandbox).json()["success"]
    assert tls_sandbox.licstat().servers[40].accepted == 1


def test_start_with_a_config_and_end(tmp_path: Path) -> None:
    config = {"licstat": {"version": "6.14", "license_servers": [{"id": 1, "name": "one"}]}}
    with Sandbox(speed=0, config=config, data_dir=tmp_path / "data") as sandbox:
        sandbox.reset()
        assert sandbox.settings()["licstat"]["version"] == "6.14"
        assert list(sandbox.licstat().servers) == [1]
        assert upload(sandbox, server=1).status == 200
        sandbox.wait_for("finished")
        assert "License Statistics 6.14: " + sandbox.licstat_url in sandbox.log.read_text()
        assert "import -> 200, " in sandbox.log.read_text()
        assert sandbox.stop() == 0


def test_ends_cleanly_by_signal_with_a_request_held() -> None:
    with Sandbox() as sandbox:
        sandbox.fault("hold")
        with Wire(sandbox) as wire:
            wire.send_head(len(form(LOG)))
            sandbox.wait_for("held")
            os.kill(sandbox.pid, signal.SIGINT)
            assert sandbox.stop() == 0


def test_ends_with_its_starter() -> None:
    program = (
        "import os, tests.sandbox.handle as handle\n"
        "sandbox = handle.Sandbox()\n"
        "print(sandbox.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert starter.wait() == -9
    assert has_ended(pid)


def has_ended(pid: int) -> bool:
    """Whether a process that is not our child ends within ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("arguments", "config", "message"),
    [
        ((), {"licstat": {"verson": "6.14"}}, "cannot start: unknown setting 'verson'"),
        ((), {"elsewhere": {}}, "cannot start: unknown system elsewhere"),
        ((), [], "must hold a JSON object"),
        (("--tls-cert", "x.pem"), {}, "--tls-cert and --tls-key go together"),
        (("--port", "65536"), {}, "--port must be from 0 to 65535"),
    ],
)
def test_bad_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], config: Any, message: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    with pytest.raises(SystemExit) as ended:
        sys.exit(main(["--config", str(path), *arguments]))
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_port_that_is_taken(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "tests.sandbox", "--port", sandbox.url.rpartition(":")[2]]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("cannot start: ")
    assert "Traceback" not in ended.stderr


def test_certificate_of_ones_own(tls_sandbox: Sandbox, tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    data = tls_sandbox.data_dir
    command = [sys.executable, "-m", "tests.sandbox", "--port-file", str(port_file)]
    command += ["--tls-cert", str(data / "server.pem"), "--tls-key", str(data / "server.key")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("The sandbox listens on https://127.0.0.1:")
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def test_start_that_fails_tells_why() -> None:
    with pytest.raises(RuntimeError, match="unknown setting 'verson'"):
        Sandbox(config={"licstat": {"verson": "6.14"}})


def test_unknown_paths(sandbox: Sandbox) -> None:
    assert post(sandbox, "", b"", content_type=None).status == 404
    assert post(sandbox, "/", b"", content_type=None).status == 404
