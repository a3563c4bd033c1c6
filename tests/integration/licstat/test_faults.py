# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way to License Statistics alone, beside `imports/test_faults.py`."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from ...sandbox.handle import Sandbox
from ..support import MIB, Licstat, Logs, assert_ended_well, assert_failed, assert_plain_failure, only


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that no socket's buffers hold."""
    return Logs(tmp_path_factory.mktemp("big"))(mib=16)


# Before the last block has left.


@pytest.mark.parametrize("action", ["delay", "stall", "hold"])
def test_a_server_that_reads_haltingly_gets_it_all(licstat: Licstat, big: Path, action: str) -> None:
    licstat.sandbox.fault(action, operation="import", after_bytes=MIB, seconds=0.05)

    assert_ended_well(licstat(big, timeout=5), changed=True, reason="new")
    assert len(licstat.uploads) == 1
    assert licstat.sandbox.licstat().tasks[0].size == big.stat().st_size


# Refused while a large upload is running.


@pytest.fixture(params=["http", "https"])
def anyhow(request: pytest.FixtureRequest, tmp_path: Path) -> Licstat:
    """The modules over HTTP and over TLS."""
    name = {"http": "licstat", "https": "tls_licstat"}[request.param]
    found = request.getfixturevalue(name)
    assert isinstance(found, Licstat)
    return found


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("drain", [False, True], ids=["closed-at-once", "closed-after-a-while"])
def test_a_large_upload_that_is_refused_on_the_way_is_reported_by_its_status_where_possible(
    anyhow: Licstat, big: Path, drain: bool
) -> None:
    anyhow.sandbox.fault(
        "status", operation="import", after_bytes=MIB, times=None, status=413, body="not this one", drain=drain
    )

    result = anyhow(big)

    anyhow.sandbox.clear_faults()
    assert_failed(result, state="failed", changed=False)
    if drain or anyhow.sandbox.url.startswith("http:"):
        assert result["http_status"] == 413
        assert "not this one" in result["msg"]
    else:  # the answer was destroyed by the reset that followed it
        assert result.get("http_status", 413) == 413
        assert "refused while sending" in result["msg"] or "http_status" in result
    assert anyhow.held.accepted == 0
    assert_ended_well(anyhow(big), changed=True, reason="retried")
    assert anyhow.held.imports == 1


# Looks at a task.


def test_a_task_that_failed_is_reported_with_its_reason_and_sent_again_by_the_next_run(
    licstat: Licstat, log: Path
) -> None:
    no_log = log.with_name("notes.txt")
    no_log.write_text("nothing that a license server wrote\n", encoding="utf-8")

    first, second = licstat(no_log), licstat(no_log)

    for result, reason in ((first, "new"), (second, "retried")):
        assert_plain_failure(result)
        assert (result["state"], result["changed"], only(result)["reason"]) == ("failed", True, reason)
        assert "Unsupported log file format" in result["msg"]
        assert only(result)["server"]["err"] == "Unsupported log file format"
    assert [only(result)["attempts"] for result in (first, second)] == [1, 2]


# No server at all.


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_is_away_is_tried_for_the_first_log_only(licstat: Licstat, log: Path, make_log: Logs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"

    first, *others = licstat(log, make_log(), make_log(), url=address)["imports"]

    assert (first["state"], first["changed"]) == ("failed", False)
    assert address in first["message"]
    assert "connection refused" in first["message"]
    for other in others:
        assert (other["state"], other["changed"], other["attempts"]) == ("failed", False, 0)
        assert "not tried" in other["message"]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("host", [f"{'x' * 70}.invalid", "höst.invalid"])
def test_a_name_that_nobody_knows_is_a_failure_that_changed_nothing(licstat: Licstat, log: Path, host: str) -> None:
    result = licstat(log, url=f"http://{host}", timeout=5)

    assert_failed(result, ".invalid", state="failed", changed=False)


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_speaks_no_tls_is_a_failure_that_changed_nothing(licstat: Licstat, log: Path) -> None:
    result = licstat(log, url=licstat.sandbox.licstat_url.replace("http:", "https:"))

    assert_failed(result, state="failed", changed=False)
    assert licstat.held.accepted == 0


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_speaks_only_tls_is_no_success(tls_licstat: Licstat, log: Path) -> None:
    result = tls_licstat(log, url=tls_licstat.sandbox.licstat_url.replace("https:", "http:"))

    assert_plain_failure(result)
    assert result["state"] in ("failed", "unknown")  # by whether it hung up before the last block had left
    assert result["changed"] == (result["state"] == "unknown")
    assert tls_licstat.held.accepted == 0


def test_with_a_wrong_token_no_log_is_tried(licstat: Licstat, make_log: Logs) -> None:
    logs = [make_log() for _unused in range(20)]

    result = licstat(*logs, api_token="this-is-not-the-token")

    assert_plain_failure(result)
    assert [(entry["state"], entry["changed"]) for entry in result["imports"]] == [("failed", False)] * 20
    assert [request.operation for request in licstat.sandbox.requests()] == ["no_task"]
    assert all(str(path) in result["msg"] for path in logs)
    assert result["http_status"] == 401


def test_a_sandbox_that_ends_while_a_task_is_asked_for_leaves_it_running(log: Path, tmp_path: Path) -> None:
    with Sandbox(speed=0) as passing:
        licstat = Licstat(passing, tmp_path)
        module = licstat.start(log, unreachable_timeout=0.2)
        passing.wait_for("finished", operation="status")
        passing.stop()
        result = module.finish()

    assert_failed(result, "connection refused", state="running", changed=True)
    assert only(result)["remote_id"] in json.dumps(result["msg"])
