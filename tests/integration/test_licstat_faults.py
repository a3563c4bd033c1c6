# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way, at every point of a request: nothing is imported twice, nothing is lost, nothing is guessed.

A small log leaves whole before any fault can act on it; a big one does not while the sandbox does not read on.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from ..sandbox.handle import Sandbox
from .lies import LOGIN_PAGE, MAINTENANCE_PAGE
from .support import MIB, Licstat, Logs, assert_ended_well, assert_plain_failure, only

PATIENCE = 0.25
"""Seconds for which the modules wait for an answer here."""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that no socket's buffers hold."""
    return Logs(tmp_path_factory.mktemp("big"))(mib=16)


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that takes a while to send."""
    return Logs(tmp_path_factory.mktemp("huge"))(mib=64)


def case(action: str, **what: Any) -> Any:
    """A fault with a name made of what it is."""
    details = "-".join(f"{name}={value}" for name, value in what.items() if name not in ("body", "json"))
    return pytest.param({"action": action, **what}, id=f"{action}-{details}" if details else action)


# After the last block has left.

ANSWER_LOST = [
    case("status", status=408),
    case("status", status=500),
    case("status", status=502),
    case("status", status=503, headers={"Retry-After": "0"}),
    case("status", status=504),
    case("html", body=MAINTENANCE_PAGE),
    case("json", json={"success": True}),
    case("drop", reset=True),
    case("drop", reset=False),
    case("truncate", reset=True),
    case("truncate", keep_bytes=0),
    case("truncate", chunked=True),
    case("garbage"),
    case("slow_answer", seconds=PATIENCE / 4, body='{"success": 1}'),
    case("slow_answer", seconds=2 * PATIENCE, body="{}"),
]
TOO_LATE = [case("hold"), case("delay", seconds=4 * PATIENCE)]


@pytest.mark.parametrize("fault", ANSWER_LOST)
def test_an_answer_lost_before_the_work_is_unknown_and_a_retry_imports_it(
    licstat: Licstat, log: Path, fault: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", when="after_body", **fault)

    result = licstat(log, timeout=PATIENCE, response_timeout=PATIENCE)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("unknown", True)
    assert len(licstat.uploads) == 1
    assert licstat.held.accepted == 0

    assert licstat(log)["state"] == "unknown"
    assert len(licstat.uploads) == 1

    assert_ended_well(licstat(log, on_unknown="retry"), changed=True, reason="retried")
    assert licstat.held.imports == 1


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        *[pytest.param("after_body", *fault.values, id=f"after_body-{fault.id}") for fault in TOO_LATE],
        *[pytest.param("after_work", *fault.values, id=f"after_work-{fault.id}") for fault in TOO_LATE],
        *[pytest.param("after_work", *fault.values, id=f"after_work-{fault.id}") for fault in ANSWER_LOST],
        pytest.param("after_work", {"action": "patch", "remove": ["data.ti.tid"]}, id="after_work-patch"),
    ],
)
def test_an_answer_lost_after_the_work_is_unknown_and_never_a_second_import(
    licstat: Licstat, log: Path, when: str, fault: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", when=when, **fault)

    result = licstat(log, timeout=PATIENCE, response_timeout=PATIENCE)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("unknown", True)

    licstat.sandbox.clear_faults()
    licstat.sandbox.wait_idle()
    assert licstat.held.imports == 1
    again = licstat(log)
    assert_plain_failure(again)
    assert (again["state"], again["changed"]) == ("unknown", False)
    assert len(licstat.uploads) == 1

    # The server itself sees that it has the data, by its merge policy.
    refused = licstat(log, on_unknown="retry")
    assert (refused["state"], refused["changed"]) == ("failed", True)
    assert "Data already exists" in refused["msg"]
    assert licstat.held.imports == 1


@pytest.mark.parametrize(
    "fault",
    [
        case("delay", when="after_body", seconds=0.05),
        case("delay", when="after_work", seconds=0.05),
        case("slow_answer", seconds=0.0001),
        case("patch", set={"data.sst": "QUEUED"}),
        case("truncate", keep_bytes=1_000_000),
    ],
)
def test_what_is_only_slow_or_odd_is_an_import_like_any_other(
    licstat: Licstat, log: Path, fault: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", **fault)

    assert_ended_well(licstat(log), changed=True, reason="new")
    assert licstat.held.imports == 1


REFUSALS = [
    *[case("status", status=status) for status in (400, 401, 403, 404, 409, 413, 422, 429)],
    case("html", body=LOGIN_PAGE),
    case("json", json={"success": False, "msg": "Queue is full"}),
    case("json", json={"success": False, "msg": "No such server"}, status=400),
    case("redirect"),
    case("redirect", status=307),
]


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal_is_a_failure_and_the_next_run_tries_again(
    licstat: Licstat, log: Path, fault: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", when="after_body", **fault)

    result = licstat(log)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    assert len(licstat.uploads) == 1
    assert licstat.held.accepted == 0
    assert_ended_well(licstat(log), changed=True, reason="retried")
    assert licstat.held.imports == 1


# Before the last block has left.

BROKEN = [
    case("drop", reset=True),
    case("drop", reset=False),
    case("garbage"),
    case("status", status=503, headers={"Retry-After": "0"}),
    case("status", status=429, headers={"Retry-After": "0"}),
    case("stall"),
    case("hold"),
]
POINTS = [
    pytest.param({"when": "before_body"}, id="at-the-headers"),
    pytest.param({"after_bytes": MIB}, id="in-the-middle"),
]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("fault", BROKEN)
def test_what_breaks_once_before_all_was_sent_is_sent_again_at_once(
    licstat: Licstat, big: Path, fault: dict[str, Any], point: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", **fault, **point)

    result = licstat(big, timeout=PATIENCE if fault["action"] in ("stall", "hold") else 10)

    licstat.sandbox.clear_faults()
    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["attempts"] == 1
    assert len(licstat.uploads) == 2
    assert (licstat.held.accepted, licstat.held.imports) == (1, 1)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("fault", BROKEN)
def test_what_breaks_again_and_again_before_all_was_sent_has_failed_and_changed_nothing(
    licstat: Licstat, big: Path, fault: dict[str, Any], point: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", times=None, **fault, **point)

    result = licstat(big, timeout=PATIENCE if fault["action"] in ("stall", "hold") else 10)

    licstat.sandbox.clear_faults()
    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    assert result.get("http_status") == fault.get("status")
    assert 1 < len(licstat.uploads) < 10
    assert licstat.held.accepted == 0
    assert_ended_well(licstat(big), changed=True, reason="retried")
    assert (licstat.held.accepted, licstat.held.imports) == (1, 1)


EARLY_ANSWERS = [
    *[case("status", status=status) for status in (400, 401, 403, 404, 408, 413, 500)],
    case("redirect"),
    case("html", body=LOGIN_PAGE),
    case("html", body=MAINTENANCE_PAGE),
    case("json", json={"success": True}),
    case("truncate"),
    case("slow_answer", seconds=0.0001),
]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("fault", EARLY_ANSWERS)
def test_an_answer_before_all_was_sent_means_that_nothing_was_imported(
    licstat: Licstat, big: Path, fault: dict[str, Any], point: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", times=None, **fault, **point)

    result = licstat(big)

    licstat.sandbox.clear_faults()
    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    if fault["action"] != "truncate":
        assert result["http_status"] == fault.get("status", 302 if fault["action"] == "redirect" else 200)
    assert licstat.held.accepted == 0
    assert_ended_well(licstat(big), changed=True, reason="retried")
    assert (licstat.held.accepted, licstat.held.imports) == (1, 1)


@pytest.mark.parametrize(
    "fault", [case("delay", seconds=0.05), case("stall", seconds=0.05), case("hold", seconds=0.05)]
)
@pytest.mark.parametrize("point", POINTS)
def test_a_server_that_reads_haltingly_gets_it_all(
    licstat: Licstat, big: Path, fault: dict[str, Any], point: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="import", **fault, **point)

    assert_ended_well(licstat(big, timeout=5), changed=True, reason="new")
    assert len(licstat.uploads) == 1
    assert licstat.sandbox.licstat().tasks[0].size == big.stat().st_size


def test_a_pause_that_the_server_asks_for_is_kept_within_bounds(
    licstat: Licstat, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.assetops.imports.plugins.module_utils._http import client as _client

    monkeypatch.setattr(_client, "MAX_RETRY_AFTER", 0.1)
    for asked in ("0", "3600", "soon"):
        licstat.sandbox.fault(
            "status", operation="import", status=429, headers={"Retry-After": asked}, when="before_body"
        )

    assert_ended_well(licstat(big), changed=True, reason="new")
    assert [request.status for request in licstat.uploads] == [429, 429, 429, 200]


# Refused while a large upload is running.


@pytest.fixture(params=["http", "https"])
def anyhow(request: pytest.FixtureRequest, tmp_path: Path) -> Licstat:
    """The modules over HTTP and over TLS."""
    name = {"http": "licstat", "https": "tls_licstat"}[request.param]
    found = request.getfixturevalue(name)
    assert isinstance(found, Licstat)
    return found


@pytest.mark.usefixtures("quick_retries")
def test_a_large_upload_with_a_token_that_is_no_use_is_told_as_such(anyhow: Licstat, huge: Path) -> None:
    result = anyhow(huge, api_token="this-is-not-the-token")

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    assert result["http_status"] == 401
    assert "Authentication required" in result["msg"]
    assert not any(request.complete for request in anyhow.uploads)
    assert anyhow.held.accepted == 0


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("drain", [False, True], ids=["closed-at-once", "closed-after-a-while"])
@pytest.mark.parametrize("status", [401, 413])
def test_a_large_upload_that_is_refused_on_the_way_is_told_by_its_status_where_possible(
    anyhow: Licstat, huge: Path, status: int, drain: bool
) -> None:
    anyhow.sandbox.fault(
        "status", operation="import", after_bytes=MIB, times=None, status=status, body="not this one", drain=drain
    )

    result = anyhow(huge)

    anyhow.sandbox.clear_faults()
    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    if drain or anyhow.sandbox.url.startswith("http:"):
        assert result["http_status"] == status
        assert "not this one" in result["msg"]
    else:  # the answer was destroyed by the reset that followed it
        assert result.get("http_status", status) == status
        assert "refused while sending" in result["msg"] or "http_status" in result
    assert anyhow.held.accepted == 0
    assert_ended_well(anyhow(huge), changed=True, reason="retried")
    assert anyhow.held.imports == 1


# Questions for a task. The server has taken the import and goes on with it.

OUTAGES = [
    *[case("status", status=status) for status in (408, 429, 500, 502, 503, 504)],
    case("html", body=LOGIN_PAGE),
    case("html", body=MAINTENANCE_PAGE),
    case("json", json=[]),
    case("drop", reset=True),
    case("drop", reset=False),
    case("truncate"),
    case("truncate", chunked=True),
    case("garbage"),
    case("hold"),
    case("delay", seconds=4 * PATIENCE),
    case("slow_answer", seconds=PATIENCE / 4, body='{"success": 1}'),
]


@pytest.mark.parametrize("when", ["before_body", "after_work"])
@pytest.mark.parametrize("fault", OUTAGES)
def test_a_server_in_trouble_while_it_is_asked_is_borne_and_then_left_to_the_next_run(
    licstat: Licstat, log: Path, fault: dict[str, Any], when: str
) -> None:
    licstat.sandbox.fault(operation="status", when=when, times=None, **fault)

    result = licstat(log, timeout=_patience_with(fault), unreachable_timeout=1.0)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("running", True)
    assert result.get("http_status") == _status_of(fault)
    assert len(licstat.questions) > 1

    licstat.sandbox.clear_faults()
    assert_ended_well(licstat(log), changed=False, reason="resumed")
    assert licstat.held.imports == len(licstat.uploads) == 1


@pytest.mark.parametrize("when", ["before_body", "after_work"])
@pytest.mark.parametrize("fault", OUTAGES)
def test_an_outage_that_ends_is_only_an_outage(licstat: Licstat, log: Path, fault: dict[str, Any], when: str) -> None:
    licstat.sandbox.fault(operation="status", when=when, times=2, **fault)

    assert_ended_well(licstat(log, timeout=_patience_with(fault)), changed=True, reason="new")
    assert licstat.held.imports == len(licstat.uploads) == 1


@pytest.mark.parametrize("fault", [case("status", status=401), case("status", status=403), case("redirect")])
def test_a_question_that_is_turned_down_is_not_asked_again_and_the_import_not_given_up(
    licstat: Licstat, log: Path, fault: dict[str, Any]
) -> None:
    licstat.sandbox.fault(operation="status", times=None, **fault)

    result = licstat(log)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("running", True)
    assert len(licstat.questions) == 1
    licstat.sandbox.clear_faults()
    assert_ended_well(licstat(log), changed=False, reason="resumed")
    assert licstat.held.imports == len(licstat.uploads) == 1


def test_a_task_that_was_forgotten_is_unknown_and_only_a_retry_sends_it_again(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.configure(forget_after=0.0)

    result = licstat(log)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("unknown", True)
    assert only(result)["remote_id"] in result["msg"]
    again = licstat(log)
    assert_plain_failure(again)
    assert (again["state"], again["changed"]) == ("unknown", False)
    assert licstat.held.imports == len(licstat.uploads) == 1


def test_a_task_that_failed_is_told_with_its_reason_and_sent_again_by_the_next_run(licstat: Licstat, log: Path) -> None:
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
@pytest.mark.parametrize("host", ["licstat.invalid", f"{'x' * 70}.invalid", "höst.invalid"])
def test_a_name_that_nobody_knows_is_a_failure_that_changed_nothing(licstat: Licstat, log: Path, host: str) -> None:
    result = licstat(log, url=f"http://{host}", timeout=5)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    assert ".invalid" in result["msg"]


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_speaks_no_tls_is_a_failure_that_changed_nothing(licstat: Licstat, log: Path) -> None:
    result = licstat(log, url=licstat.sandbox.licstat_url.replace("http:", "https:"))

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
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

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("running", True)
    assert "connection refused" in result["msg"]
    assert only(result)["remote_id"] in json.dumps(result["msg"])


def _patience_with(fault: dict[str, Any]) -> float:
    """A time limit that a fault which holds its answer back exceeds, and no other one."""
    return PATIENCE / 5 if fault["action"] in ("hold", "delay", "slow_answer") else 10


def _status_of(fault: dict[str, Any]) -> int | None:
    """The HTTP status that comes with a fault, None where no answer comes."""
    if fault["action"] in ("html", "json"):
        return 200
    status = fault.get("status")
    return status if isinstance(status, int) else None
