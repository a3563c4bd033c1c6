# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way to a scheduled batch, at each step: in the end one whole batch is scheduled, and never two.

Only scheduling imports anything. So what breaks before has failed and changed nothing, and what breaks there is found
out by scheduling again; but with standard batch import nobody knows whether that imports twice, so it is left to the
user.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ..faults import PATIENCE, case, status_of
from ..lies import LOGIN_PAGE, MAINTENANCE_PAGE
from ..support import MIB, assert_failed, only
from .driver import (
    APIS,
    PLAIN,
    STANDARD,
    Haplo,
    assert_one_whole_batch,
    assert_scheduled,
    at_each_step,
    in_both,
    of_standard_batches,
)

pytestmark = pytest.mark.usefixtures("quick_retries")


NO_ANSWER = [
    case("drop", reset=True),
    case("status", status=503, headers={"Retry-After": "0"}),
    case("drop", reset=False),
    case("truncate", body="x" * 64),
    case("truncate", chunked=True, body="x" * 64),
    case("garbage"),
    case("hold"),
    case("slow_answer", seconds=PATIENCE, body="ok"),
]
"""The client tries again by itself."""
NO_TELLING = [
    case("status", status=500),
    case("status", status=200, body="OK"),
    *[case("status", status=status) for status in (408, 502)],
    case("status", status=500, content_type="text/html", body="<h1>Internal server error</h1>"),
    case("status", status=204, body=""),
    case("status", status=200, content_type="application/octet-stream", body="SCHEDULED."),
    case("status", status=200, content_type="text/html", body="<p>SCHEDULED</p>"),
    case("html", body=MAINTENANCE_PAGE),
    case("json", json={"success": True}),
    case("slow_answer", seconds=0.0001, body="SCHEDULE"),
]
"""Answers that tell nothing."""
REFUSALS = [
    case("status", status=400),
    case("redirect"),
    *[case("status", status=status) for status in (401, 403, 404, 413)],
    case("redirect", status=307),
    case("html", body=LOGIN_PAGE),
    case("html", body="<h1>Error</h1><p>You are not permitted to perform this action.</p>"),
]
"""Answers that say no."""
BEFORE_WORK = [case(when="after_body", **fault.values[0]) for fault in (*NO_ANSWER[:2], *NO_TELLING[:2])]
"""Before Haplo has done anything; else it has, and the answer is lost."""


def at_steps(faults: Sequence[Any], *but: str) -> pytest.MarkDecorator:
    """For tests of faults at each step but for some: all of them at one, and at the others the first two."""
    cases = [
        pytest.param(api, step, *fault.values, id=f"{api.name}-{step}-{fault.id}")
        for api in APIS
        for step in api.steps
        if step not in but
        for fault in (faults if (api, step) == (PLAIN, "file") else faults[:2])
    ]
    return pytest.mark.parametrize(("haplo", "step", "fault"), cases, indirect=["haplo"])


def run(haplo: Haplo, fault: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A run that waits only a little for an answer which the fault holds back; that goes on afterwards."""
    is_held = fault["action"] == "hold" or fault.get("seconds", 0) >= PATIENCE
    patience: dict[str, Any] = {"timeout": PATIENCE, "response_timeout": PATIENCE} if is_held else {}
    result = haplo(**patience, **options)
    haplo.sandbox.clear_faults()
    return result


def assert_failed_and_changed_nothing(haplo: Haplo, result: dict[str, Any]) -> None:
    assert_failed(result, state="failed", changed=False)
    assert "Nothing was imported" in only(result)["message"]
    assert haplo.scheduled == []


def assert_next_run_makes_it_one_whole_batch(haplo: Haplo, *reasons: str, changed: bool = True) -> None:
    """Where it is left to the user whether it is scheduled again, the user says so."""
    again = haplo(on_unknown="retry")
    assert only(again)["reason"] in reasons
    assert_scheduled(again, changed=changed, reason=only(again)["reason"])
    assert_one_whole_batch(haplo)
    assert_scheduled(haplo(check=True), changed=False, reason="receipt")


# Steps that import nothing.


@at_each_step()
def test_a_step_that_takes_too_long_is_repeated_though_it_goes_on(haplo: Haplo, step: str) -> None:
    too_long: dict[str, Any] = {"action": "delay", "seconds": 2 * PATIENCE}
    haplo.fault(operation=step, when="after_body", **too_long)

    result = run(haplo, too_long)

    if step == "schedule" and not haplo.api.repeats:
        assert (result["state"], result["changed"]) == ("unknown", True)
        haplo.sandbox.wait_idle()
        assert_next_run_makes_it_one_whole_batch(haplo, "retried", changed=False)
    else:
        assert_scheduled(result, changed=True, reason="new")
        assert_one_whole_batch(haplo)


@at_each_step("control", "batch")
def test_a_step_that_takes_its_time_is_done_once(haplo: Haplo, step: str) -> None:
    haplo.fault("delay", operation=step, when="after_body", seconds=2 * PATIENCE)

    assert_scheduled(haplo(timeout=PATIENCE), changed=True, reason="new")
    assert haplo.steps == [*haplo.api.first]


@at_steps([*NO_ANSWER, case("drop", when="before_body")], "schedule")
def test_a_step_whose_answer_is_lost_is_repeated_at_once(haplo: Haplo, step: str, fault: dict[str, Any]) -> None:
    haplo.fault(operation=step, **{"when": "after_work", **fault})

    assert_scheduled(run(haplo, fault), changed=True, reason="new")
    assert_one_whole_batch(haplo)


@at_steps(NO_ANSWER, "schedule")
def test_a_step_whose_answer_is_lost_again_and_again_has_failed(haplo: Haplo, step: str, fault: dict[str, Any]) -> None:
    haplo.fault(operation=step, when="after_work", times=None, **fault)

    result = run(haplo, fault)

    assert_failed_and_changed_nothing(haplo, result)
    assert len(haplo.sent(step)) == 4
    assert_next_run_makes_it_one_whole_batch(haplo, "retried")


@at_steps(NO_TELLING, "schedule")
def test_a_step_whose_answer_tells_nothing_has_failed(haplo: Haplo, step: str, fault: dict[str, Any]) -> None:
    haplo.fault(operation=step, when="after_work", **fault)

    result = run(haplo, fault)

    assert_failed_and_changed_nothing(haplo, result)
    assert result["http_status"] == (status_of(fault) or 200)
    assert "The batch was not scheduled" in result["msg"]
    assert_next_run_makes_it_one_whole_batch(haplo, "retried")


@at_steps(REFUSALS)
def test_a_refusal_at_any_step_is_a_failure(haplo: Haplo, step: str, fault: dict[str, Any]) -> None:
    haplo.fault(operation=step, when="after_body", **fault)

    result = run(haplo, fault)

    assert_failed_and_changed_nothing(haplo, result)
    assert result["http_status"] == status_of(fault)
    assert len(haplo.sent(step)) == 1
    assert haplo.steps[-1] == step
    assert_next_run_makes_it_one_whole_batch(haplo, "retried")


@in_both
def test_of_many_files_only_those_that_were_not_acknowledged_are_sent_again(haplo: Haplo) -> None:
    haplo.control = haplo.control_file("many.json", files={"DEFAULT": {"read": "json"}})
    haplo.files = [haplo.file(f"file-{number}") for number in range(10)]
    haplo.fault("drop", operation="file", when="after_work", skip=7, times=None)
    assert haplo()["state"] == "failed"
    haplo.sandbox.clear_faults()
    sent = len(haplo.sent("file"))

    assert_scheduled(haplo(), changed=True, reason="retried")

    assert len(haplo.sent("file")) - sent == 3
    assert_one_whole_batch(haplo, tuple(file["name"] for file in haplo.files))


# Scheduling.


@pytest.mark.parametrize("fault", [*NO_ANSWER, *NO_TELLING, *BEFORE_WORK])
def test_a_schedule_whose_answer_is_lost_is_made_sure_of_at_once(haplo: Haplo, fault: dict[str, Any]) -> None:
    haplo.fault(operation="schedule", **{"when": "after_work", **fault})

    result = run(haplo, fault)

    assert_scheduled(result, changed=True, reason="new")
    assert only(result)["attempts"] == 1
    assert_one_whole_batch(haplo)
    assert len(haplo.sent("schedule")) == 2


@pytest.mark.parametrize("fault", [*NO_ANSWER[:2], *NO_TELLING[:2], *BEFORE_WORK])
def test_a_schedule_whose_answer_is_lost_again_and_again_is_unknown(haplo: Haplo, fault: dict[str, Any]) -> None:
    haplo.fault(operation="schedule", times=None, **{"when": "after_work", **fault})

    result = run(haplo, fault)

    assert_failed(result, "Run again: that will tell, and import nothing twice.", state="unknown", changed=True)
    assert len(haplo.sent("schedule")) in (3, 4)
    was_taken = fault.get("when") != "after_body"
    assert len(haplo.scheduled) == was_taken
    assert_next_run_makes_it_one_whole_batch(haplo, "resumed", changed=not was_taken)


@pytest.mark.parametrize("fault", [*NO_ANSWER, *NO_TELLING, *BEFORE_WORK])
@of_standard_batches
def test_a_standard_schedule_whose_answer_is_lost_is_left_to_the_user(haplo: Haplo, fault: dict[str, Any]) -> None:
    haplo.fault(operation="schedule", times=None, **{"when": "after_work", **fault})

    result = run(haplo, fault)

    assert_failed(result, state="unknown", changed=True)
    was_taken = fault.get("when") != "after_body"
    assert len(haplo.scheduled) == was_taken
    (batch,) = haplo.held.batches
    assert f"Look for batch {batch.identifier} in Tools > Data import > Standard Batch APIs" in result["msg"]
    assert "that will tell" not in result["msg"]
    assert len(haplo.sent("schedule")) == 1
    left_alone = haplo()
    assert (left_alone["state"], left_alone["changed"]) == ("unknown", False)
    assert len(haplo.sent("schedule")) == 1
    assert_next_run_makes_it_one_whole_batch(haplo, "retried", changed=not was_taken)


@pytest.mark.parametrize("refusal", [case("status", status=403), case("redirect")])
def test_a_refusal_after_an_answer_was_lost_leaves_it_unknown(haplo: Haplo, refusal: dict[str, Any]) -> None:
    haplo.fault("drop", operation="schedule", when="after_work")
    haplo.fault(operation="schedule", times=None, **refusal)

    assert_failed(run(haplo, refusal), "Run again: that will tell", state="unknown", changed=True)
    assert haplo(check=True)["state"] == "planned"
    again = haplo()
    assert_scheduled(again, changed=False, reason="resumed")
    assert only(again)["server"].endswith("is not in the 'uploading' state")
    assert only(again)["remote_id"] == haplo.scheduled[0].identifier
    assert_one_whole_batch(haplo)


@in_both
def test_a_batch_that_somebody_else_has_scheduled_is_scheduled(haplo: Haplo) -> None:
    """As a proxy does that repeats a request of its own accord."""
    haplo.fault("hold", operation="schedule", when="after_work")
    module = haplo.start()
    haplo.wait_for_held("schedule")
    module.kill()
    haplo.sandbox.clear_faults()

    if haplo.api is STANDARD:
        unknown = haplo()
        assert_failed(
            unknown,
            "ended before it heard the server's answer",
            f"Look for batch {haplo.scheduled[0].identifier} in Tools > Data import",
            state="unknown",
            changed=False,
        )
    assert_next_run_makes_it_one_whole_batch(haplo, "resumed" if haplo.api is PLAIN else "retried", changed=False)


# Large files.


@pytest.fixture
def large(haplo: Haplo) -> Haplo:
    """A batch whose first file is large."""
    path = Path(haplo.files[0]["src"])
    path.write_text(path.read_text() + " " * (12 * MIB))
    return haplo


@pytest.mark.parametrize("fault", [case("drop"), case("garbage")])
def test_an_upload_that_is_cut_off_is_sent_again(large: Haplo, fault: dict[str, Any]) -> None:
    large.fault(operation="file", after_bytes=MIB, **fault)

    assert_scheduled(large(), changed=True, reason="new")
    assert_one_whole_batch(large)


@in_both
def test_an_upload_that_is_cut_off_again_and_again_has_failed_and_the_key_was_not_the_reason(large: Haplo) -> None:
    large.fault("drop", operation="file", after_bytes=MIB, times=None)

    result = large()

    large.sandbox.clear_faults()
    assert_failed_and_changed_nothing(large, result)
    assert "refused while sending" in result["msg"]
    assert large.steps[-1] == "question"
    assert_next_run_makes_it_one_whole_batch(large, "retried")


@pytest.mark.parametrize("drain", [True, False])
def test_a_key_that_is_refused_while_a_large_file_is_sent_is_reported_as_such(large: Haplo, drain: bool) -> None:
    large.fault("status", operation="batch", skip=2, times=None, status=403)
    large.fault("status", operation="file", after_bytes=MIB, times=None, status=403, body="Unauthorised", drain=drain)

    result = large()

    large.sandbox.clear_faults()
    assert_failed_and_changed_nothing(large, result)
    assert result["http_status"] == 403
    assert "The API key was refused" in result["msg"]
    assert_next_run_makes_it_one_whole_batch(large, "retried")


# No server at all.


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@in_both
def test_a_server_that_is_away_is_a_failure_that_changed_nothing(haplo: Haplo) -> None:
    address = nobody()

    result = haplo(url=address)

    assert_failed_and_changed_nothing(haplo, result)
    assert address in result["msg"]
    assert "connection refused" in result["msg"]


def test_a_server_that_goes_away_before_scheduling_again_leaves_it_unknown(haplo: Haplo) -> None:
    haplo.leave_unknown()

    assert_failed(haplo(url=nobody(), target_name=haplo.sandbox.haplo_url), state="unknown", changed=False)
    assert_scheduled(haplo(), changed=False, reason="resumed")
    assert_one_whole_batch(haplo)
