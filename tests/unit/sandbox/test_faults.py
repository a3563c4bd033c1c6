# SPDX-License-Identifier: GPL-3.0-or-later
"""What faults do, seen on the wire."""

from __future__ import annotations

import select
import time
from typing import Any

import pytest

from tests.sandbox.handle import ControlError, Request, Sandbox

from .client import LOG, Wire, form, post, status, upload

BODY = form(LOG)
LARGE = form(b"\0" * 400_000)


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest) -> Sandbox:
    """The sandbox, over HTTP and over HTTPS."""
    sandbox: Sandbox = request.getfixturevalue("sandbox" if request.param == "http" else "tls_sandbox")
    return sandbox


def only_request(sandbox: Sandbox) -> Request:
    """The one request there was, once it is over."""
    (request,) = sandbox.wait_for("finished")
    return request


def sent(sandbox: Sandbox) -> tuple[bytes, str]:
    """What comes of a whole import, up to the end of the connection, and how that ended."""
    with Wire(sandbox) as wire:
        wire.send_import(BODY)
        return wire.receive_to_end()


def accepted(sandbox: Sandbox) -> int:
    return sandbox.licstat().servers[40].accepted


# drop


@pytest.mark.parametrize("reset", [True, False])
def test_drop_before_the_body(server: Sandbox, reset: bool) -> None:
    server.fault("drop", operation="import", reset=reset)
    with Wire(server) as wire:
        wire.send_head(len(BODY))
        if not reset:
            wire.send(BODY)
        received, end = wire.receive_to_end()
    assert received == b""
    assert end == ("reset" if reset else "closed")
    request = only_request(server)
    assert (request.body_bytes, request.complete, request.status) == (0, False, None)
    assert request.fault == "drop@before_body"
    assert accepted(server) == 0


def test_drop_in_the_middle_of_the_body(server: Sandbox) -> None:
    server.fault("drop", operation="import", after_bytes=100_000)
    with Wire(server) as wire:
        wire.send_head(len(LARGE))
        wire.send(LARGE[:200_000])
        assert wire.receive_to_end() == (b"", "reset")
    request = only_request(server)
    assert 100_000 <= request.body_bytes <= 200_000
    assert not request.complete
    assert request.fault == "drop@during_body"
    assert accepted(server) == 0


@pytest.mark.parametrize(("when", "count"), [("after_body", 0), ("after_work", 1)])
@pytest.mark.parametrize("reset", [True, False])
def test_drop_around_the_work(server: Sandbox, when: str, count: int, reset: bool) -> None:
    server.fault("drop", operation="import", when=when, reset=reset)
    assert sent(server) == (b"", "reset" if reset else "closed")
    request = only_request(server)
    assert (request.body_bytes, request.complete, request.status) == (len(BODY), True, None)
    assert accepted(server) == count


# answers instead of the system's own


def test_early_answer_closes_without_reading(server: Sandbox) -> None:
    server.fault("status", status=413, body="too large", headers={"X-Proxy": "edge"}, content_type="text/html")
    with Wire(server) as wire:
        wire.send_head(10**9)
        answer = wire.receive_answer()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close\r\n" in answer
        assert b"x-proxy: edge\r\n" in answer
        assert b"content-type: text/html\r\n" in answer
        assert answer.endswith(b"\r\n\r\ntoo large")
        assert wire.receive_to_end() == (b"", "closed")
    assert only_request(server).body_bytes == 0


def test_early_answer_resets_a_client_that_goes_on_sending(server: Sandbox) -> None:
    server.fault("status", status=413, after_bytes=1)
    with Wire(server) as wire:
        wire.send_head(10**9)
        with pytest.raises(OSError):  # noqa: PT011 (broken pipe or reset, over TLS one of its own)
            wire.send_without_end(LARGE)


def test_early_answer_with_the_rest_read_and_discarded(server: Sandbox) -> None:
    server.fault("status", status=413, drain=True)
    with Wire(server) as wire:
        wire.send_head(len(LARGE))
        assert wire.receive_answer().startswith(b"HTTP/1.1 413 ")
        wire.send(LARGE)
        assert wire.receive_to_end() == (b"", "closed")
    request = only_request(server)
    assert (request.body_bytes, request.complete) == (0, False)
    assert accepted(server) == 0


def test_own_refusal_before_a_large_body_closes(server: Sandbox) -> None:
    server.configure(tokens=[])
    with Wire(server) as wire:
        wire.send_head(10**9)
        answer = wire.receive_answer()
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"connection: close\r\n" in answer
    with Wire(server) as wire:
        wire.send_import(BODY)
        assert b"connection: close\r\n" not in wire.receive_answer()


@pytest.mark.parametrize(("when", "count"), [("before_body", 0), ("after_body", 0), ("after_work", 1)])
@pytest.mark.parametrize(
    ("action", "options", "code", "content_type"),
    [
        ("status", {"status": 502}, 502, "text/plain; charset=utf-8"),
        ("html", {}, 200, "text/html; charset=utf-8"),
        ("json", {"json": {"success": True, "data": [1]}}, 200, "application/json"),
        ("redirect", {"status": 307, "location": "http://other.invalid/x"}, 307, "text/html; charset=utf-8"),
    ],
)
def test_other_answers(
    sandbox: Sandbox, when: str, count: int, action: str, options: dict[str, Any], code: int, content_type: str
) -> None:
    sandbox.fault(action, operation="import", when=when, **options)
    answer = upload(sandbox)
    assert (answer.status, answer.headers["content-type"]) == (code, content_type)
    assert answer.headers.get("location") == options.get("location")
    if action == "json":
        assert answer.json() == options["json"]
    if action == "html":
        assert b'type="password"' in answer.body
    assert only_request(sandbox).status == code
    assert accepted(sandbox) == count


def test_patched_answer(sandbox: Sandbox) -> None:
    sandbox.fault(
        "patch", remove=["data.ti.tid", "data.ti.nothing"], set={"data.sst": "ALREADY", "data.ti.sts": "LOST"}
    )
    data = upload(sandbox).json()["data"]
    assert data["sst"] == "ALREADY"
    assert data["ti"]["sts"] == "LOST"
    assert "tid" not in data["ti"]
    assert accepted(sandbox) == 1


def test_truncated_answer(server: Sandbox) -> None:
    server.fault("truncate", keep_bytes=20)
    received, end = sent(server)
    head, _unused, body = received.partition(b"\r\n\r\n")
    assert body == b'{"success":true,"msg'
    assert b"content-length: 204" in head
    assert end == "closed"
    assert accepted(server) == 1


def test_truncated_chunked_answer(sandbox: Sandbox) -> None:
    sandbox.fault("truncate", chunked=True, when="after_body")
    received, end = sent(sandbox)
    assert b"transfer-encoding: chunked" in received
    assert b"content-length" not in received
    assert not received.endswith(b"0\r\n\r\n")
    assert end == "closed"
    assert accepted(sandbox) == 0


@pytest.mark.parametrize(("when", "count"), [("after_body", 0), ("after_work", 1)])
def test_garbage(sandbox: Sandbox, when: str, count: int) -> None:
    sandbox.fault("garbage", when=when)
    received, end = sent(sandbox)
    assert received
    assert not received.startswith(b"HTTP")
    assert end == "closed"
    assert accepted(sandbox) == count


def test_slow_answer_comes_in_single_bytes_and_whole(sandbox: Sandbox) -> None:
    sandbox.fault("slow_answer", body='{"success": false}', seconds=0.002)
    begun = time.monotonic()
    assert upload(sandbox).json() == {"success": False}
    assert time.monotonic() - begun >= 0.002 * len('{"success": false}')
    sandbox.fault("slow_answer")
    assert upload(sandbox).json()["data"]["sst"] == "SCHEDULED"


# pauses


@pytest.mark.parametrize("when", ["before_body", "after_body", "after_work"])
def test_delay(sandbox: Sandbox, when: str) -> None:
    sandbox.fault("delay", seconds=0.05, when=when)
    begun = time.monotonic()
    assert upload(sandbox).json()["success"]
    assert time.monotonic() - begun >= 0.05


@pytest.mark.parametrize(("when", "count"), [("before_body", 0), ("after_body", 0), ("after_work", 1)])
def test_hold_until_released(sandbox: Sandbox, when: str, count: int) -> None:
    sandbox.fault("hold", operation="import", when=when)
    with Wire(sandbox) as wire:
        wire.send_import(BODY)
        (request,) = sandbox.wait_for("held", operation="import")
        assert request.complete == (when != "before_body")
        assert accepted(sandbox) == count
        sandbox.release()
        assert wire.receive_answer().startswith(b"HTTP/1.1 200 ")
    assert accepted(sandbox) == 1


def test_held_request_whose_client_has_gone(sandbox: Sandbox) -> None:
    sandbox.fault("hold", when="before_body")
    with Wire(sandbox) as wire:
        wire.send_head(len(LARGE))
        sandbox.wait_for("held")
    sandbox.release()
    assert not only_request(sandbox).complete
    assert accepted(sandbox) == 0


def test_held_request_whose_client_has_gone_when_all_was_sent(server: Sandbox) -> None:
    server.fault("hold", when="before_body")
    with Wire(server) as wire:
        wire.send_import(BODY)
        server.wait_for("held")
    server.release()
    assert only_request(server).complete
    assert accepted(server) == 1


def test_stall_reads_no_more(server: Sandbox) -> None:
    server.fault("stall", after_bytes=50_000)
    with Wire(server) as wire:
        wire.send_head(10**9)
        wire.send(LARGE[:60_000])
        (request,) = server.wait_for("held")
        assert 50_000 <= request.body_bytes <= 60_000
        wire.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            wire.send_without_end(LARGE)
        assert server.requests()[0].body_bytes == request.body_bytes
    server.release()
    assert not only_request(server).complete


def test_stall_that_reads_on(sandbox: Sandbox) -> None:
    sandbox.fault("stall", seconds=0.05)
    begun = time.monotonic()
    assert upload(sandbox, b"\0" * 400_000).json()["success"]
    assert time.monotonic() - begun >= 0.05


# which requests


def test_skip_and_times(sandbox: Sandbox) -> None:
    sandbox.fault("status", status=500, operation="status", skip=1, times=2)
    assert [status(sandbox, "x").status for _unused in range(5)] == [200, 500, 500, 200, 200]
    (fault,) = sandbox.faults()
    assert (fault["seen"], fault["hits"]) == (5, 2)


def test_without_limit(sandbox: Sandbox) -> None:
    sandbox.fault("status", status=500, times=None)
    assert {status(sandbox, "x").status for _unused in range(5)} == {500}
    sandbox.clear_faults()
    assert status(sandbox, "x").status == 200


def test_first_fault_that_is_due_hits(sandbox: Sandbox) -> None:
    sandbox.fault("status", status=501)
    sandbox.fault("status", status=502)
    sandbox.fault("status", status=503, skip=2)
    assert [status(sandbox, "x").status for _unused in range(4)] == [501, 502, 503, 200]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"system": "licstat"}, True),
        ({"system": "haplo"}, False),
        ({"operation": "status"}, True),
        ({"operation": "import"}, False),
        ({"method": "post"}, True),
        ({"method": "GET"}, False),
        ({"path": "/task/x/"}, True),
        ({"path": "/task/y/"}, False),
        ({"operation": "status", "method": "GET"}, False),
    ],
)
def test_match(sandbox: Sandbox, match: dict[str, str], hit: bool) -> None:
    sandbox.fault("status", status=500, **match)
    assert (status(sandbox, "x").status == 500) == hit


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"action": "explode"}, "unknown action 'explode'"),
        ({"action": "drop", "when": "never"}, "unknown when 'never'"),
        ({"action": "drop", "wen": "before_body"}, "unknown: wen"),
        ({"action": "delay"}, "delay needs seconds"),
        ({"action": "patch", "when": "after_body"}, "patch changes"),
        ({"action": "stall", "when": "after_work"}, "stall stops reading"),
        ({"action": "drop", "path": "("}, "unterminated subpattern"),
        ({"action": "drop", "hits": 3}, "unknown: hits"),
    ],
)
def test_nonsense_is_refused(sandbox: Sandbox, fault: dict[str, Any], message: str) -> None:
    with pytest.raises(ControlError, match=message):
        sandbox.fault(**fault)
    assert sandbox.faults() == []


def test_body_that_ends_before_the_fault_is_due_is_not_hit(sandbox: Sandbox) -> None:
    sandbox.fault("drop", after_bytes=10**9)
    assert upload(sandbox).json()["success"]
    assert only_request(sandbox).fault is None


def test_after_the_work_of_a_refusal(sandbox: Sandbox) -> None:
    sandbox.fault("truncate", operation="import", keep_bytes=0)
    sandbox.configure(tokens=[])
    received, _end = sent(sandbox)
    assert received.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("when", ["before_body", "after_body", "after_work"])
def test_faults_of_requests_without_a_body(sandbox: Sandbox, when: str) -> None:
    sandbox.fault("status", status=500, operation="status", when=when)
    assert [status(sandbox, "x").status for _unused in range(2)] == [500, 200]


def test_fault_after_the_body_of_what_would_be_refused_before_it(sandbox: Sandbox) -> None:
    sandbox.fault("status", status=500, when="after_body")
    assert upload(sandbox, token="wrong").status == 500
    assert only_request(sandbox).complete


def test_connection_is_used_again_after_an_ordinary_answer(sandbox: Sandbox) -> None:
    with Wire(sandbox) as wire:
        for _unused in range(2):
            wire.send_import(BODY)
            assert wire.receive_answer().startswith(b"HTTP/1.1 200 ")
        assert select.select([wire.socket], [], [], 0)[0] == []


def test_control_is_not_hit(sandbox: Sandbox) -> None:
    sandbox.fault("drop", times=None)
    assert sandbox.requests() == []
    with pytest.raises(OSError):  # noqa: PT011 (reset, or closed without an answer)
        post(sandbox, "/", b"", content_type=None)
