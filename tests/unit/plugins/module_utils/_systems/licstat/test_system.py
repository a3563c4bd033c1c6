# SPDX-License-Identifier: GPL-3.0-or-later
"""License Statistics: what its answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Connection,
    ImportsError,
    NotSent,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import ImportOptions
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.system import LicenseStatistics

from ..._http.talks import Talk
from ...fakes import Uncommitted
from ...peers import Peer
from .setting import TASK, a_task, accepting, envelope, saying, submit, wanted

# Answers to an upload


def poll(body: bytes, status: str = "200 OK", content_type: str = "application/json") -> PollResult:
    with Peer(saying(body, status, content_type)) as peer:
        found = LicenseStatistics(Talk(peer.url).client, "v3").task(TASK)
    assert [request.line for request in peer.requests] == [f"POST /api/v3/admin/task/{TASK}/status HTTP/1.1"]
    assert peer.requests[0].body == b""
    return found


def test_an_accepted_upload_is_known_by_its_task(content: Content) -> None:
    with Peer(accepting) as peer:
        accepted = submit(peer, content)
    assert accepted.remote_id == TASK
    assert accepted.server == {"sst": "SCHEDULED", "ti": a_task()}


def test_an_upload_of_what_was_digested_is_committed_with_its_digest(content: Content) -> None:
    attempt = Uncommitted()
    with Peer(accepting) as peer:
        LicenseStatistics(Talk(peer.url).client, "v3").submit(wanted(content, ImportOptions(40)), attempt)
    (digest,) = attempt.digests
    assert digest is not None
    assert len(digest) == 64


@pytest.mark.parametrize(
    "body",
    [
        envelope({"sst": "SCHEDULED"}),
        envelope({"sst": "SCHEDULED", "ti": None}),
        envelope({"sst": "SCHEDULED", "ti": []}),
        envelope({"sst": "SCHEDULED", "ti": TASK}),
        *(
            envelope({"sst": "SCHEDULED", "ti": a_task(tid=tid)})
            for tid in (None, "", " ", 17, True, [TASK], "..", "\ud800")
        ),
        envelope(None),
        envelope([]),
        envelope(a_task()),
        b'{"success": true}',
        b'{"success": "true", "data": {"ti": {"tid": "import_1"}}}',
        b'{"success": 1, "data": {"ti": {"tid": "import_1"}}}',
        b'{"data": {"ti": {"tid": "import_1"}}}',
        b"[]",
        b"null",
        b"",
        b'{"success": true, "data": {"ti": {"tid": "import_1"',
        b"OK",
        b"<html><title>Welcome</title></html>",
    ],
)
def test_a_success_that_names_no_task_is_unclear(body: bytes, content: Content) -> None:
    with Peer(saying(body)) as peer, pytest.raises(OutcomeUnknown) as raised:
        submit(peer, content)
    assert raised.value.answer is not None
    assert raised.value.answer.status == 200
    assert peer.connections == 1


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "400 Bad Request", "404 Not Found"])
def test_a_no_in_so_many_words_is_a_refusal(status: str, content: Content) -> None:
    body = json.dumps({"success": False, "msg": "Import is disabled", "code": 17, "data": None}).encode()
    with Peer(saying(body, status)) as peer, pytest.raises(Refused, match=r"Import is disabled \(code 17\)") as raised:
        submit(peer, content)
    assert not raised.value.credentials


def test_a_no_from_a_server_in_trouble_is_unclear(content: Content) -> None:
    body = json.dumps({"success": False, "msg": "Out of memory"}).encode()
    with Peer(saying(body, "500 Oops")) as peer, pytest.raises(OutcomeUnknown, match="Out of memory"):
        submit(peer, content)


def test_the_question_before_an_import_is_for_a_task_that_does_not_exist() -> None:
    with Peer(saying(json.dumps({"success": False, "msg": "no such task"}).encode())) as peer:
        LicenseStatistics(Talk(peer.url).client, "v2").probe()
    (request,) = peer.requests
    assert request.line.startswith("POST /api/v2/admin/task/import_00000000-0000-0000-0000-000000000000/status ")


def test_where_nobody_listens_nobody_is_asked_about_credentials(content: Content) -> None:
    with Peer() as gone:
        pass
    with pytest.raises(NotSent) as raised:
        submit(gone, content)
    assert raised.value.unreachable


# Answers about a task


def test_a_task_ended_well_or_waits() -> None:
    assert poll(envelope(a_task("SUCCESS"))) == PollResult("succeeded", "", a_task("SUCCESS"))
    assert poll(envelope(a_task("PENDING"))) == PollResult("running", "", a_task("PENDING"), server_words="PENDING")


@pytest.mark.parametrize(
    "state",
    [
        *("STARTED", "PARSING", "DONE", "success", "Success", "SUCCESS ", "SUCCESSFUL", "SUCCESS_WITH_ERRORS"),
        *("UNSUCCESSFUL", "", None, 0, 7, True, [], ["SUCCESS"], {"SUCCESS": 1}),
    ],
)
def test_a_state_that_is_not_documented_is_still_running_and_reported(state: Any) -> None:
    found = poll(envelope(a_task(state)))
    assert (found.state, found.server) == ("running", a_task(state))
    assert repr(state) in found.message
    assert "not documented" in found.message


@pytest.mark.parametrize(
    "state", ["FAILURE", "FAILED", "ERROR", "CANCELED", "CANCELLED", "REVOKED", "ABORTED", "REJECTED"]
)
def test_a_state_that_is_called_like_a_failure_is_one(state: str) -> None:
    found = poll(envelope(a_task(state)))
    assert found.state == "failed"
    assert state in found.message


@pytest.mark.parametrize("state", ["SUCCESS", "PENDING", "FAILURE", "STARTED", None])
@pytest.mark.parametrize("error", ["The range overlaps.", "0", {"code": 17}, ["a", "b"], 7, True, "", 0, False, {}, []])
def test_an_error_counts_whatever_the_state_says(state: Any, error: Any) -> None:
    found = poll(envelope(a_task(state, error)))
    assert found.state == "failed"
    assert not error or str(error) in found.message
    assert found.server == a_task(state, error)


def test_a_task_without_its_id_is_taken_for_the_one_asked_for() -> None:
    task = a_task("SUCCESS")
    del task["tid"]
    assert poll(envelope(task)).state == "succeeded"


@pytest.mark.parametrize(
    "body",
    [
        envelope(a_task("SUCCESS", tid="import_another")),
        envelope(a_task("SUCCESS", tid=17)),
        envelope(None),
        envelope([a_task("SUCCESS")]),
        json.dumps(a_task("SUCCESS")).encode(),
        b'{"success": true, "data": {"sts": "SUCC',
        b'{"sts": "SUCCESS"}',
        b"",
        b"OK",
    ],
)
def test_what_is_not_the_status_of_this_task_tells_nothing(body: bytes) -> None:
    with pytest.raises(Outage, match=TASK):
        poll(body)


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_a_page_tells_nothing_of_a_task_or_that_it_is_gone(status: str) -> None:
    page = b"<html><title>Sign in</title><input type=password></html>"
    try:
        found = poll(page, status, "text/html")
    except (Outage, Refused):
        return
    assert (found.state, status) == ("unknown", "404 Not Found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"success": false, "msg": "No such task"}', "200 OK"),
        (b'{"success": false, "msg": "No such task"}', "404 Not Found"),
        (b"No such task", "404 Not Found"),
    ],
)
def test_a_task_that_the_server_does_not_know_any_more_is_unknown(body: bytes, status: str) -> None:
    found = poll(body, status)
    assert (found.state, found.server) == ("unknown", None)
    assert TASK in found.message
    assert "No such task" in found.message


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *[(status, Refused) for status in ("400 Bad Request", "401 Unauthorized", "403 Forbidden", "302 Found")],
        *[(status, Outage) for status in ("408 Timeout", "429 Slow", "500 Oops", "503 Later")],
    ],
)
def test_a_question_is_refused_or_may_be_asked_again(status: str, error: type[ImportsError]) -> None:
    with pytest.raises(error, match=status):
        poll(b"{}", status)


def test_a_task_id_is_one_segment_of_the_path_whatever_is_in_it() -> None:
    with Peer(saying(envelope(a_task(tid="a/../b?c#d e")))) as peer:
        LicenseStatistics(Talk(peer.url).client, "v3").task("a/../b?c#d e")
    assert peer.requests[0].line == "POST /api/v3/admin/task/a%2F..%2Fb%3Fc%23d%20e/status HTTP/1.1"


def test_check_mode_may_look(content: Content) -> None:
    with Peer(saying(envelope(a_task("SUCCESS")))) as peer:
        client = Client(Connection(peer.url, use_proxy=False), {}, Secrets(), check_mode=True)
        system = LicenseStatistics(client, "v3")
        system.prepare()
        assert system.task(TASK).state == "succeeded"
