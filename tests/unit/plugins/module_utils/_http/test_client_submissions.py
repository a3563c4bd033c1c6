# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that make the server do something: sent whole at most once, and what their answers mean."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    ImportsError,
    NotSent,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.client import UnsafeInCheckMode
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body

from ..peers import Conversation, Peer, Script, well
from .talks import LOGIN, Submission, Talk, answering, answering_early, nobody, resetting, silent
from .wires import LARGE


def test_a_submission_leaves_whole_and_is_committed_before_its_end() -> None:
    with Peer() as peer:
        submission = Submission([b"one ", b"two ", b"three"])
        answer = Talk(peer.url).submit(submission, query={"gather": "Denials,Usage"})
    (request,) = peer.requests
    assert request.line == "POST /import?gather=Denials%2CUsage HTTP/1.1"
    assert request.body == b"one two three"
    assert request.headers["content-length"] == "13"
    assert request.headers["content-type"] == "text/plain"
    assert request.headers["x-auth-token"] == "token"
    assert "transfer-encoding" not in request.headers
    assert (submission.commits, submission.body.committed, answer.status) == (1, True, 200)


def test_check_mode_refuses_to_submit_before_anything_is_connected() -> None:
    with Peer() as peer:
        talk = Talk(peer.url, check_mode=True)
        submission = Submission()
        with pytest.raises(UnsafeInCheckMode):
            talk.submit(submission)
        assert (peer.connections, submission.commits) == (0, 0)
        assert talk.ask().status == 200


def test_a_submission_that_breaks_before_its_commit_point_is_sent_again_from_the_beginning() -> None:
    def whole(conversation: Conversation) -> None:
        conversation.request()
        conversation.answer("201 Created")

    with Peer(resetting, resetting, whole) as peer:
        submission = Submission(LARGE)
        talk = Talk(peer.url)
        assert talk.submit(submission).status == 201
    assert peer.requests[-1].body == b"".join(LARGE)
    assert (peer.connections, submission.commits, len(talk.pauses)) == (3, 1, 2)


def test_a_submission_that_breaks_each_time_was_not_sent() -> None:
    submission = Submission(LARGE)
    with Peer(resetting) as peer, pytest.raises(NotSent, match="refused while sending") as raised:
        Talk(peer.url).submit(submission)
    assert (peer.connections, submission.commits) == (4, 0)
    assert not raised.value.unreachable
    assert raised.value.answer is None


def test_a_submission_where_nobody_listens_was_not_sent() -> None:
    submission = Submission()
    talk = Talk(nobody())
    with pytest.raises(NotSent, match="connection refused") as raised:
        talk.submit(submission)
    assert raised.value.unreachable
    assert (submission.commits, len(talk.pauses)) == (0, 3)


@pytest.mark.parametrize("ends", [lambda _conversation: None, Conversation.reset], ids=["closed", "reset"])
def test_a_submission_without_an_answer_is_unclear_and_never_repeated(ends: Script) -> None:
    def read_and_break(conversation: Conversation) -> None:
        conversation.request()
        ends(conversation)

    submission = Submission()
    with Peer(read_and_break) as peer, pytest.raises(OutcomeUnknown, match="all was sent, but"):
        (talk := Talk(peer.url)).submit(submission)
    assert (peer.connections, submission.commits, talk.pauses) == (1, 1, [])


def test_a_server_that_takes_too_long_to_answer_leaves_it_unclear() -> None:
    def mute(conversation: Conversation) -> None:
        conversation.request()
        conversation.ignore()

    with Peer(mute) as peer, pytest.raises(OutcomeUnknown, match="timed out"):
        Talk(peer.url, response_timeout=0.2).submit()
    assert peer.connections == 1


def test_the_answer_to_a_submission_may_take_longer_than_other_answers() -> None:
    def slow(conversation: Conversation) -> None:
        conversation.request()
        conversation.sock.settimeout(0.4)
        with pytest.raises(socket.timeout):  # so long the client waits without a word
            conversation.head()
        conversation.answer()

    with Peer(slow) as peer:
        assert Talk(peer.url, timeout=0.1, response_timeout=20).submit().status == 200


@pytest.mark.parametrize("status", [*range(400, 408), *range(409, 419), *range(421, 427), 428, 429, 431, 451, 301, 308])
def test_a_refusal_after_all_was_sent_is_definite(status: int) -> None:
    with Peer(answering(f"{status} No", b'{"msg": "no"}')) as peer, pytest.raises(Refused, match=f"{status} No: no"):
        Talk(peer.url).submit()
    assert peer.connections == 1


@pytest.mark.parametrize(
    "status", [300, 303, 304, 305, 399, 408, 419, 420, 427, 430, 460, 498, 499, 500, 502, 503, 504]
)
def test_any_other_status_after_all_was_sent_leaves_it_unclear(status: int) -> None:
    script = answering(f"{status} Oops", b"" if status == 304 else b'{"msg": "no"}')
    with Peer(script) as peer, pytest.raises(OutcomeUnknown, match=f"{status} Oops") as raised:
        (talk := Talk(peer.url)).submit()
    assert (peer.connections, talk.pauses) == (1, [])
    assert raised.value.answer is not None


@pytest.mark.parametrize("status", [300, 303, 304, 400, 460, 499])
def test_any_no_that_came_before_all_was_sent_is_definite(status: int) -> None:
    with Peer(answering_early(f"{status} No", b"")) as peer, pytest.raises(Refused, match=f"{status} No"):
        Talk(peer.url).submit(Submission(LARGE))


def test_a_redirect_that_may_follow_an_import_is_unclear_and_tells_where_it_points() -> None:
    script = answering("303 See Other", b"", location="/tasks/7?key=hunter2")
    with Peer(script) as peer, pytest.raises(OutcomeUnknown, match=r"points to /tasks/7\.") as raised:
        Talk(peer.url).submit()
    assert "hunter2" not in raised.value.message


@pytest.mark.parametrize(
    "words",
    [
        "The plain HTTP request was sent to HTTPS port",
        "You're speaking plain HTTP to an SSL-enabled server port.",
        "Client sent an HTTP request to an HTTPS server.",
        "Bad Request\nThis combination of host and port requires TLS.",
    ],
)
def test_a_server_that_wants_tls_is_reported_by_what_url_has_to_begin_with(words: str) -> None:
    with Peer(answering("400 Bad Request", words.encode())) as peer:
        for way in (Talk(peer.url).ask, Talk(peer.url).submit):
            with pytest.raises(Refused, match="url has to begin with https"):
                way()


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "403 Forbidden"])
def test_a_page_to_log_in_is_no_success(status: str) -> None:
    with Peer(answering(status, LOGIN, content_type="text/html")) as peer, pytest.raises(Refused) as raised:
        Talk(peer.url).submit()
    assert raised.value.credentials
    assert f"{peer.url}/import" in raised.value.message
    assert status != "200 OK" or "log in" in raised.value.message


def test_a_page_to_log_in_from_a_server_in_trouble_tells_nothing() -> None:
    with Peer(answering("502 Bad Gateway", LOGIN, content_type="text/html")) as peer, pytest.raises(OutcomeUnknown):
        Talk(peer.url).submit()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_reported_and_not_followed(status: str) -> None:
    with Peer() as elsewhere:
        with Peer(answering(status, b"", location=f"{elsewhere.url}/login?next=hunter2#top")) as peer:
            for send in (Talk(peer.url).ask, Talk(peer.url).submit):
                with pytest.raises(Refused, match=f"{elsewhere.url}/login") as raised:
                    send()
                assert "hunter2" not in raised.value.message
                assert not raised.value.credentials
        assert elsewhere.connections == 0
    assert peer.connections == 2


@pytest.mark.parametrize("status", [300, 303, 304, 305])
def test_a_question_that_is_sent_elsewhere_is_refused(status: int) -> None:
    script = answering(f"{status} Elsewhere", b"", location="/there")
    with Peer(script) as peer, pytest.raises(Refused, match="points to /there"):
        Talk(peer.url).ask()


@pytest.mark.parametrize(
    "location",
    ["/login", "//elsewhere/", "", "http://[", "http://h\xe9/", "\xff\xfe", "http://host:port/", "javascript:alert(1)"],
)
def test_a_redirect_to_wherever_is_reported(location: str) -> None:
    with Peer(answering("302 Found", b"", location=location)) as peer:
        for send in (Talk(peer.url).ask, Talk(peer.url).submit):
            with pytest.raises(Refused, match="302 Found"):
                send()


@pytest.mark.parametrize("status", ["503 Later", "429 Slow Down"])
def test_a_server_that_wants_rest_before_all_was_sent_gets_it(status: str) -> None:
    early = answering_early(status, retry_after="3", connection="close")
    with Peer(early, early, well) as peer:
        submission = Submission(LARGE)
        talk = Talk(peer.url)
        assert talk.submit(submission).status == 200
    assert (talk.pauses, submission.commits, peer.connections) == ([3, 3], 1, 3)
    assert peer.requests[-1].body == b"".join(LARGE)


def test_a_server_that_never_is_ready_did_not_get_it() -> None:
    submission = Submission(LARGE)
    script = answering_early("503 Later", b'{"msg": "full"}')
    with Peer(script) as peer, pytest.raises(NotSent, match="503 Later: full") as raised:
        Talk(peer.url).submit(submission)
    assert submission.commits == 0
    assert raised.value.answer is not None


def test_an_early_success_is_none() -> None:
    submission = Submission(LARGE)
    with Peer(answering_early("200 OK")) as peer, pytest.raises(NotSent, match="before everything was sent"):
        Talk(peer.url).submit(submission)
    assert submission.commits == 0


def test_what_the_body_raises_breaks_the_request_off() -> None:
    class BrokenError(Exception):
        pass

    def refuse(_sha256: str) -> None:
        raise BrokenError

    with Peer() as peer, pytest.raises(BrokenError):
        Talk(peer.url).client.submit("POST", "/import", Body([*LARGE], "text/plain", refuse))
    (request,) = peer.requests
    assert request.body != b"".join(LARGE)
    assert peer.connections == 1


def test_submissions_have_a_connection_of_their_own_and_questions_share_one() -> None:
    with Peer() as peer:
        talk = Talk(peer.url)
        talk.ask()
        talk.ask()
        assert peer.connections == 1
        talk.submit()
        assert peer.connections == 2
        talk.submit()
        assert peer.connections == 3
        talk.ask()
        talk.ask()
        assert peer.connections == 4


def trigger(talk: Talk, **headers: str) -> Answer:
    return talk.client.trigger("GET", "/status", {"run": "complete"}, headers=headers)


def test_a_trigger_is_sent_once_with_its_own_headers() -> None:
    with Peer(answering("200 OK", b'{"mode":"running"}')) as peer:
        assert trigger(Talk(peer.url), Token="abcd").status == 200
    assert [request.line for request in peer.requests] == ["GET /status?run=complete HTTP/1.1"]
    assert peer.requests[0].headers["token"] == "abcd"


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        *[(answering(status), OutcomeUnknown, "HTTP") for status in ("500 Internal Error", "503 Later", "408 Timeout")],
        (silent, OutcomeUnknown, "it was sent, but"),
        *[(answering(status), Refused, "HTTP") for status in ("302 Found", "403 Forbidden", "404 Not Found")],
    ],
)
def test_a_trigger_that_did_not_go_well_is_not_repeated(script: Script, error: type[ImportsError], words: str) -> None:
    with Peer(script) as peer, pytest.raises(error, match=words):
        trigger(talk := Talk(peer.url))
    assert (len(peer.requests), talk.pauses) == (1, [])


def test_a_trigger_that_nobody_heard_was_not_sent() -> None:
    with pytest.raises(NotSent) as raised:
        trigger(Talk(nobody()))
    assert raised.value.unreachable


def test_a_trigger_is_refused_in_check_mode() -> None:
    with Peer(answering("200 OK")) as peer, pytest.raises(UnsafeInCheckMode):
        trigger(Talk(peer.url, check_mode=True))
    assert peer.requests == []


def test_what_is_repeatable_is_sent_again_when_its_answer_was_lost() -> None:
    with Peer(silent, silent, answering("200 OK", b"done")) as peer:
        submission = Submission()
        answer = Talk(peer.url).submit(submission, is_repeatable=True)
    assert answer.text == "done"
    assert (len(peer.requests), submission.commits) == (3, 3)


def test_what_is_repeatable_waits_as_a_busy_server_asks() -> None:
    with Peer(answering("503 Service Unavailable", b"", retry_after="2", connection="close"), well) as peer:
        talk = Talk(peer.url)
        talk.submit(is_repeatable=True)
    assert (talk.pauses, len(peer.requests)) == ([2], 2)


def test_what_is_repeatable_is_unclear_in_the_end_when_no_answer_comes() -> None:
    with Peer(silent) as peer, pytest.raises(OutcomeUnknown):
        Talk(peer.url).submit(is_repeatable=True)
    assert len(peer.requests) == 4


def test_what_is_repeatable_shares_a_connection() -> None:
    with Peer(answering("200 OK")) as peer:
        talk = Talk(peer.url)
        for _number in range(3):
            talk.submit(is_repeatable=True)
    assert (len(peer.requests), peer.connections) == (3, 1)
