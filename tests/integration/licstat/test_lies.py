# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that lie: whatever comes back, nothing is called a success that the server did not plainly call one.

What each answer means is shown by the unit tests of `_http` and `_systems/licstat`; here, what becomes of the import.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..lies import (
    GOOD,
    NO,
    NO_ANSWER,
    Lie,
    accepted,
    nested,
    replaced,
    text,
    value,
)
from ..listener import Listener, http_answer
from ..support import MIB, Licstat, Logs, assert_ended_well, assert_failed, assert_plain_failure, only

TASK = "import_527ddd6f-d7de-4854-bc99-839b5afd458e"


def named(lies: list[Lie]) -> list[Any]:
    return [pytest.param(lie, id=lie.name.replace(" ", "-")) for lie in lies]


# To the import. The answers come after the whole log was read, and the server took nothing.

NO_TASK = [
    Lie("task null", value(replaced(accepted(), "data.ti", None))),
    Lie("task id that no text can hold", text(json.dumps(accepted(tid="import_\ud800")))),
    Lie("task id that leads elsewhere", value(accepted(tid=".."))),
]


@pytest.mark.parametrize("lie", named([*NO_ANSWER, *NO_TASK]))
def test_an_answer_that_tells_nothing_makes_the_import_unknown_until_the_user_decides(
    licstat: Licstat, log: Path, lie: Lie
) -> None:
    licstat.sandbox.fault(operation="import", when="after_body", **lie.fault)

    result = licstat(log)

    assert_failed(result, lie.words, "on_unknown=retry", state="unknown", changed=True)
    assert result.get("http_status") == lie.status
    assert ("response" in result) == ("http_status" in result)

    again = licstat(log)
    assert_plain_failure(again)
    assert (again["state"], again["changed"], only(again)["reason"]) == ("unknown", False, "receipt")
    assert lie.words in again["msg"]
    assert only(again)["attempts"] == 1
    assert len(licstat.uploads) == 1


@pytest.mark.parametrize("lie", named([*NO[:7], *NO[-3:]]))  # of statuses that refuse, one
def test_a_no_is_a_failure_that_changed_nothing(licstat: Licstat, log: Path, lie: Lie) -> None:
    licstat.sandbox.fault(operation="import", when="after_body", **lie.fault)

    result = licstat(log)

    assert_failed(result, lie.words, state="failed", changed=False)
    assert result["http_status"] == lie.status
    assert licstat.held.accepted == 0


@pytest.mark.parametrize(
    ("status", "where"),
    [
        *((301, "{url}/api/v3"), (302, "{url}/?token={token}#{token}"), (303, "{url}/?{token}")),
        *((307, "//127.0.0.1:{port}/"), (308, "/login")),
    ],
)
def test_a_redirect_of_an_upload_is_reported_and_not_followed(
    licstat: Licstat, log: Path, elsewhere: Listener, status: int, where: str
) -> None:
    location = where.format(url=elsewhere.url, port=elsewhere.port, token=licstat.sandbox.licstat_token)
    licstat.sandbox.fault("redirect", operation="import", when="after_body", status=status, location=location)

    result = licstat(log)

    assert_plain_failure(result)
    # A 303 points to what came of a request as often as to where it ought to go.
    assert (result["state"], result["changed"]) == (("unknown", True) if status == 303 else ("failed", False))
    assert result["http_status"] == status
    assert location.partition("?")[0] in result["msg"]
    assert licstat.sandbox.licstat_token not in json.dumps(result)
    assert elsewhere.received() == []
    assert [request.operation for request in licstat.sandbox.requests()] == ["no_task", "import"]


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden"])
def test_an_answer_that_never_ends_does_not_hold_the_module(licstat: Licstat, log: Path, status: str) -> None:
    def drip(request: bytes) -> Iterator[bytes]:
        if b"/status " in request:
            yield http_answer(b"{}")
            return
        yield http_answer(status=status, location="/login", content_length="99999999")
        enough = time.monotonic() + 6
        while time.monotonic() < enough:
            time.sleep(0.05)
            yield b" "

    with Listener(drip) as liar:
        begun = time.monotonic()
        result = licstat(log, url=liar.url, timeout=0.5, response_timeout=0.5)
        took = time.monotonic() - begun

    assert_plain_failure(result)
    assert took < 3
    if status == "200 OK":
        assert (result["state"], result["changed"]) == ("unknown", True)
    else:  # what the headers said was plain enough, but saying that the answer broke off is no lie either
        assert (result["state"], result["changed"]) in [("failed", False), ("unknown", True)]


@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
def test_of_an_answer_without_bounds_only_the_beginning_is_read(licstat: Licstat, log: Path, status: str) -> None:
    taken = 0

    def pour(_request: bytes) -> Iterator[bytes]:
        nonlocal taken
        block = b" " * MIB
        yield http_answer(status=status, location="/login", content_length=str(1024 * MIB))
        while taken < 256:  # more than any socket's buffers hold
            taken += 1
            yield block

    with Listener(pour) as liar:
        result = licstat(log, url=liar.url)

    assert_plain_failure(result)
    assert taken < 64
    assert len(result["response"]) < 10_000


@pytest.mark.usefixtures("quick_retries")
def test_an_answer_before_the_log_was_sent_is_no_import(licstat: Licstat, make_log: Logs) -> None:
    big = make_log(mib=16)  # more than any socket's buffers hold
    licstat.sandbox.fault(operation="import", when="during_body", after_bytes=MIB, times=None, **text(GOOD))

    result = licstat(big)

    assert_failed(result, state="failed", changed=False)
    assert licstat.held.accepted == 0
    licstat.sandbox.clear_faults()
    assert_ended_well(licstat(big), changed=True, reason="retried")


@pytest.mark.parametrize("status", [201, 202])
def test_the_right_answer_is_believed_with_any_status_of_success(licstat: Licstat, log: Path, status: int) -> None:
    licstat.sandbox.fault("json", operation="import", when="after_body", status=status, json=accepted())

    result = licstat(log, wait=False)

    assert (result["state"], result["changed"], only(result)["remote_id"]) == ("submitted", True, TASK)


@pytest.mark.parametrize(("interim", "mib"), [("100 Continue", 0.01), ("102 Processing", 5), ("103 Early Hints", 5)])
def test_an_interim_answer_is_no_answer_yet(licstat: Licstat, make_log: Logs, interim: str, mib: float) -> None:
    log = make_log(mib=mib)
    with Listener(http_answer(GOOD.encode()), interim=f"HTTP/1.1 {interim}\r\nX-Wait: yes\r\n\r\n".encode()) as server:
        result = licstat(log, url=server.url, wait=False)
        _question, request = server.received()

    assert (result["state"], result["changed"], only(result)["remote_id"]) == ("submitted", True, TASK)
    assert log.read_bytes() in request


def test_what_an_answer_says_beyond_the_documented_is_no_reason_to_doubt_it(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault(
        "patch",
        operation="import",
        set={"more": 1, "data.sst": "QUEUED", "data.ti.more": {"deep": [1]}},
        remove=["msg"],
    )

    assert_ended_well(licstat(log), changed=True, reason="new")


# To the question for a task. The server has taken the import and goes on with it.

OTHER_TASK = [
    Lie("the status of another task", value({**accepted(), "data": {**accepted()["data"]["ti"], "sts": "SUCCESS"}})),
    Lie("the status of a task whose id is a number", value({"success": True, "data": {"tid": 7, "sts": "SUCCESS"}})),
    Lie("the status of a task whose id is a list", value({"success": True, "data": {"tid": [TASK], "sts": "SUCCESS"}})),
]


@pytest.mark.parametrize("lie", named([*NO_ANSWER[::4], *OTHER_TASK]))
def test_a_task_that_cannot_be_asked_for_is_left_running_and_found_again(licstat: Licstat, log: Path, lie: Lie) -> None:
    licstat.sandbox.fault(operation="status", times=None, **lie.fault)

    result = licstat(log, unreachable_timeout=0.05)

    assert_failed(result, lie.words, only(result)["remote_id"], state="running", changed=True)
    assert result.get("http_status") == lie.status

    licstat.sandbox.clear_faults()
    licstat.sandbox.fault(operation="status", times=2, **lie.fault)  # a lie that ends in time is outlived
    assert_ended_well(licstat(log), changed=False, reason="resumed")
    assert licstat.held.imports == len(licstat.uploads) == 1


def test_different_lies_in_a_row_are_one_outage(licstat: Licstat, log: Path) -> None:
    for lie in NO_ANSWER:
        licstat.sandbox.fault(operation="status", **lie.fault)

    begun = time.monotonic()
    result = licstat(log, unreachable_timeout=0.3)

    assert_plain_failure(result)
    assert result["state"] == "running"
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_of_a_question_is_reported_and_not_followed(
    licstat: Licstat, log: Path, elsewhere: Listener, status: int
) -> None:
    where = f"{elsewhere.url}/?{licstat.sandbox.licstat_token}"
    licstat.sandbox.fault("redirect", operation="status", times=None, status=status, location=where)

    result = licstat(log)

    assert_failed(result, elsewhere.url, state="running", changed=True, http_status=status)
    assert elsewhere.received() == []
    assert licstat.sandbox.licstat_token not in json.dumps(result)
    licstat.sandbox.clear_faults()
    assert_ended_well(licstat(log), changed=False, reason="resumed")


GONE = [
    Lie("HTTP 404", {"action": "status", "status": 404, "body": "no such task"}, "no such task", 404),
    Lie("no success", value({"success": False, "msg": "Task not found", "data": None}), "Task not found"),
]


@pytest.mark.parametrize("lie", named(GONE))
def test_a_task_that_the_server_no_longer_knows_is_unknown(licstat: Licstat, log: Path, lie: Lie) -> None:
    licstat.sandbox.fault(operation="status", times=None, **lie.fault)

    result = licstat(log)

    assert_failed(result, lie.words, only(result)["remote_id"], state="unknown", changed=True)
    again = licstat(log)
    assert_failed(again, state="unknown", changed=False)
    assert len(licstat.uploads) == 1


@pytest.mark.parametrize("error", ["Disk full", {"code": 7, "text": "Disk full"}, ""], ids=json.dumps)
def test_a_task_with_an_error_has_failed_whatever_its_state(licstat: Licstat, log: Path, error: Any) -> None:
    licstat.sandbox.fault("patch", operation="status", times=None, set={"data.sts": "SUCCESS", "data.err": error})

    result = licstat(log)

    assert_failed(result, state="failed", changed=True)
    assert not error or str(error) in result["msg"]
    assert only(result)["server"]["sts"] == "SUCCESS"
    assert only(result)["server"]["err"] == error


def test_an_error_that_no_text_can_hold_is_reported_as_far_as_it_goes(licstat: Licstat, log: Path) -> None:
    def answer(request: bytes) -> list[bytes]:
        task = {**accepted()["data"]["ti"], "sts": "FAILURE", "err": "Disk \ud800 full"}
        content = accepted() if b"/import " in request else {"success": True, "msg": None, "data": task}
        return [http_answer(json.dumps(content).encode())]

    with Listener(answer) as liar:
        result = licstat(log, url=liar.url)
        again = licstat(log, url=liar.url)

    for one in (result, again):
        assert_failed(one, "Disk", state="failed", changed=True)


def test_a_state_that_is_called_like_a_failure_is_one(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("patch", operation="status", times=None, set={"data.sts": "ABORTED"})

    result = licstat(log)

    assert_failed(result, "ABORTED", state="failed", changed=True)


@pytest.mark.parametrize("state", ["success", None, {"SUCCESS": 1}], ids=json.dumps)
def test_a_state_that_nobody_knows_means_still_running_and_is_reported(licstat: Licstat, log: Path, state: Any) -> None:
    licstat.sandbox.fault("patch", operation="status", times=None, set={"data.sts": state})

    result = licstat(log, wait_timeout=0.2)

    assert_failed(result, str(state), state="running", changed=True)
    assert only(result)["server"]["sts"] == state
    licstat.sandbox.clear_faults()
    assert_ended_well(licstat(log), changed=False, reason="resumed")


@pytest.mark.parametrize("depth", [500, 20_000])
def test_a_task_with_data_nested_deep_is_no_reason_to_break_down(licstat: Licstat, log: Path, depth: int) -> None:
    def answer(request: bytes) -> list[bytes]:
        task = json.dumps(accepted()["data"]["ti"]).replace('"data": null', f'"data": {nested(depth)}')
        if b"/status " not in request:
            return [http_answer(f'{{"success": true, "data": {{"sst": "SCHEDULED", "ti": {task}}}}}'.encode())]
        return [http_answer(f'{{"success": true, "data": {task.replace("PENDING", "SUCCESS")}}}'.encode())]

    with Listener(answer) as liar:
        result = licstat(log, url=liar.url, unreachable_timeout=0.1)
        again = licstat(log, url=liar.url, unreachable_timeout=0.1)

    if result["state"] == "succeeded":
        assert_ended_well(again, changed=False, reason="receipt")
    else:  # too deep to be believed
        assert_plain_failure(result)
        assert (result["state"], result["changed"]) in [("unknown", True), ("running", True)]
        assert_plain_failure(again)


# The module that only asks.


@pytest.mark.parametrize("lie", named([*NO_ANSWER[::10], OTHER_TASK[0]]))
def test_asking_for_a_task_fails_where_the_answer_tells_nothing(licstat: Licstat, lie: Lie) -> None:
    licstat.sandbox.fault(operation="status", times=None, **lie.fault)

    result = licstat.task_info(task_id="import_1")

    assert_plain_failure(result)
    assert "state" not in result
    assert not result.get("changed")
    assert lie.words in result["msg"]
    assert result.get("http_status") == lie.status


def test_asking_for_a_task_follows_no_redirect(licstat: Licstat, elsewhere: Listener) -> None:
    licstat.sandbox.fault("redirect", operation="status", status=302, location=elsewhere.url)

    result = licstat.task_info(task_id="import_1")

    assert_plain_failure(result)
    assert result["http_status"] == 302
    assert elsewhere.url in result["msg"]
    assert elsewhere.received() == []
