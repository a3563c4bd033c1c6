# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked, what an answer means, and that no secret gets out."""

from __future__ import annotations

import base64
import email.utils
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import NotSent, Outage, Refused
from ansible_collections.assetops.imports.plugins.module_utils._http import client as _client
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import request_line

from .._common.test_secret_forms import all_forms
from ..peers import Conversation, Peer, Script
from .talks import LOGIN, SECRET, Talk, answering, nobody, silent


def test_an_answer_is_given_as_it_came() -> None:
    with Peer(answering("200 Fine", '{"wörd": 1}'.encode(), X_Some="Thing")) as peer:
        answer = Talk(peer.url).ask("/a%20b", query={"q": "a b/c:d,e+f&g=ü"})
    assert (answer.method, answer.status, answer.reason) == ("POST", 200, "Fine")
    assert answer.url == f"{peer.url}/a%20b?q=a%20b%2Fc%3Ad%2Ce%2Bf%26g%3D%C3%BC"
    assert answer.headers["x-some"] == "Thing"
    assert json_object(answer) == {"wörd": 1}
    (request,) = peer.requests
    assert request.line == "POST /a%20b?q=a%20b%2Fc%3Ad%2Ce%2Bf%26g%3D%C3%BC HTTP/1.1"
    assert request.headers["x-auth-token"] == "token"
    assert request.headers["accept"] == "application/json"
    assert request.body == b""


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "405 Not Allowed", "409 Conflict"])
def test_a_question_that_is_refused_is_not_repeated(status: str) -> None:
    with Peer(answering(status, b'{"msg": "no"}')) as peer, pytest.raises(Refused, match=f"{status}: no") as raised:
        Talk(peer.url).ask()
    assert len(peer.requests) == 1
    assert not raised.value.credentials
    assert raised.value.answer is not None
    assert raised.value.answer.status == int(status[:3])


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_refused_credentials_are_told_apart(status: str) -> None:
    with Peer(answering(status)) as peer:
        with pytest.raises(Refused) as asked:
            Talk(peer.url).ask()
        with pytest.raises(Refused) as submitted:
            Talk(peer.url).submit()
    assert asked.value.credentials
    assert submitted.value.credentials
    assert len(peer.requests) == 2


@pytest.mark.parametrize(
    "status",
    ["408 Request Timeout", "429 Slow Down", "460 Gone", "499 Closed", "500 Oops", "502 Bad Gateway", "503 Later"],
)
def test_a_question_to_a_server_in_trouble_is_repeated_a_few_times(status: str) -> None:
    with Peer(answering(status)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage, match=status) as raised:
            talk.ask()
    assert len(peer.requests) == 4
    assert raised.value.answer is not None
    assert talk.pauses == sorted(talk.pauses)
    assert len(talk.pauses) == 3
    assert 0.3 < talk.pauses[0] < talk.pauses[-1] < 3


def test_a_question_is_asked_once_where_somebody_else_repeats_it() -> None:
    with Peer(answering("500 Oops")) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask(tries=1)
    assert (len(peer.requests), talk.pauses) == (1, [])


def test_a_question_is_repeated_until_there_is_an_answer() -> None:
    def breaking(conversation: Conversation) -> None:
        conversation.head()
        conversation.reset()

    with Peer(silent, breaking, answering("200 OK", b'{"a": 1}')) as peer:
        assert json_object(Talk(peer.url).ask()) == {"a": 1}


def test_a_question_where_nobody_listens_is_an_outage() -> None:
    url = nobody()
    with pytest.raises(Outage, match=f"POST {url}/status: connection refused") as raised:
        Talk(url).ask()
    assert raised.value.answer is None


def test_a_host_without_an_address_is_an_outage_in_words() -> None:
    with pytest.raises(Outage, match=r"POST http://licstat\.invalid/status: ") as raised:
        Talk("http://licstat.invalid").ask(tries=1)
    assert "object at 0x" not in raised.value.message
    assert "Max retries" not in raised.value.message


def pauses_before_giving_up(**headers: str) -> list[float]:
    """How a client pauses that a server answers with 503 and these headers each time."""
    with Peer(answering("503 Later", b"", **headers)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask()
    assert len(talk.pauses) == 3
    return talk.pauses


@pytest.mark.parametrize(
    ("header", "expected"), [("7", 7), ("0", 0), ("30", 30), ("31", 30), ("100000000000000000000", 30)]
)
def test_a_server_that_asks_for_a_pause_gets_it_within_bounds(header: str, expected: float) -> None:
    assert pauses_before_giving_up(retry_after=header) == [expected] * 3


def http_date(moment: datetime) -> str:
    return email.utils.format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("after", "expected"), [(7, 7), (0, 0), (30, 30), (31, 30), (-5, 0), (3600, 30), (1e9, 30), (-1e9, 0)]
)
def test_a_server_that_names_the_moment_to_come_back_is_believed_by_its_own_clock(after: int, expected: int) -> None:
    clock = datetime(2031, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    retry_after = http_date(clock + timedelta(seconds=after))
    assert pauses_before_giving_up(retry_after=retry_after, date=http_date(clock)) == [expected] * 3


@pytest.mark.parametrize("clock", [{}, {"date": ""}, {"date": "now"}])
def test_a_server_without_a_clock_is_believed_by_ours(clock: dict[str, str]) -> None:
    retry_after = http_date(datetime.now(timezone.utc) + timedelta(seconds=20))
    assert all(5 < pause <= 20 for pause in pauses_before_giving_up(retry_after=retry_after, **clock))


@pytest.mark.parametrize(
    "header",
    [
        *("", "soon", "-5", "1e9", "nan", "\xb2", "GMT", ",,,", "1 2 3 4 5 6", "Mon, 03 Feb 2031"),
        *("Wed, 99 Feb 2031 04:05:06 GMT", "Mon, 03 Feb 99999 04:05:06 GMT"),
        *("Sat, 22 Nov 2036 03:04:05 GMT", "Sat, 22 Nov 1996 03:04:05 GMT"),
    ],
)
def test_a_pause_that_makes_no_sense_or_no_end_is_not_taken(header: str) -> None:
    assert all(0 <= pause <= 30 for pause in pauses_before_giving_up(retry_after=header))


def echoing(conversation: Conversation) -> None:
    """Tell everything that was said, in each form."""
    while True:
        request = conversation.request()
        words = [*all_forms(SECRET).values(), request.line, base64.b64encode(f"user:{SECRET}".encode()).decode()]
        status = request.headers.get("x-status", "400 Bad Request")
        conversation.answer(status, "\n".join(words).encode(), content_type="text/plain")


def assert_kept(*texts: str) -> None:
    for text in texts:
        for name, form in all_forms(SECRET).items():
            assert form not in text, name
        assert base64.b64encode(f"user:{SECRET}".encode()).decode() not in text


@pytest.mark.parametrize("way", ["ask", "submit"])
def test_a_secret_that_the_server_repeats_is_kept(way: str) -> None:
    with Peer(echoing) as peer, pytest.raises(Refused) as raised:
        getattr(Talk(peer.url, secret=SECRET), way)(query={"token": SECRET})
    answer = raised.value.answer
    assert answer is not None
    assert SECRET in answer.text
    assert_kept(raised.value.message, str(raised.value), answer.secrets.redact(answer.text), request_line(answer))


@pytest.mark.parametrize("way", ["ask", "submit"])
def test_a_secret_in_a_query_is_kept_where_there_is_no_answer(way: str) -> None:
    with pytest.raises((Outage, NotSent)) as raised:
        getattr(Talk(nobody(), secret=SECRET), way)(query={"token": SECRET})
    assert_kept(raised.value.message)


@pytest.mark.parametrize("way", ["ask", "submit"])
@pytest.mark.parametrize(
    "script",
    [answering("400 Bad token tok3n-xxxxx"), answering("302 Found", location="https://elsewhere/tok3n-xxxxx/")],
    ids=["status line", "redirect"],
)
def test_a_secret_in_the_head_of_an_answer_is_kept(script: Script, way: str) -> None:
    with Peer(script) as peer, pytest.raises(Refused) as raised:
        getattr(Talk(peer.url, secret="tok3n-xxxxx"), way)()
    assert "tok3n" not in raised.value.message


def test_what_an_answer_says_is_parsed_as_it_came_and_cleaned_where_it_is_kept() -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in "tok3n-xxxxx")
    with Peer(answering("200 OK", f'{{"tid": "{escaped}", "{escaped}": 1}}'.encode())) as peer:
        answer = Talk(peer.url, secret="tok3n-xxxxx").ask()
    assert json_object(answer) == {"tid": "tok3n-xxxxx", "tok3n-xxxxx": 1}
    assert answer.secrets.clean(json_object(answer)) == {"tid": "********", "********": 1}


NO_SUCH_TASK = b'{"success": false, "msg": "no such task"}'


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        ("200 OK", NO_SUCH_TASK, "application/json"),
        ("200 OK", NO_SUCH_TASK, "text/html"),
        ("404 Not Found", NO_SUCH_TASK, "application/json"),
        ("404 Not Found", b"", "text/plain"),
        ("400 Bad Request", b"Batch not found: -", "text/plain"),
        ("409 Conflict", b"", "text/plain"),
        ("500 Oops", NO_SUCH_TASK, "application/json"),
    ],
)
def test_any_answer_of_the_api_tells_that_it_is_there(status: str, body: bytes, content_type: str) -> None:
    with Peer(answering(status, body, content_type=content_type)) as peer:
        Talk(peer.url).client.probe("POST", "/status", form={"batch": "-"})
        assert peer.requests[-1].body == b"batch=-"


@pytest.mark.parametrize(
    ("script", "words", "credentials"),
    [
        (answering("401 Unauthorized", b"who are you"), "401 Unauthorized: who are you", True),
        (answering("403 Forbidden", b"<html><title>No</title>"), "403 Forbidden", True),
        (answering("200 OK", LOGIN, content_type="text/html"), "a page to log in", True),
        (answering("200 OK", b"<html><title>Welcome</title>"), "A page is no answer of the API", False),
        (answering("404 Not Found", b"<html><title>Nothing here</title>"), "A page is no answer of the API", False),
        (answering("302 Found", location="https://elsewhere/"), "points to https://elsewhere/", False),
    ],
)
def test_a_refusal_of_the_user_or_of_the_address_stops_at_once(script: Any, words: str, credentials: bool) -> None:
    with Peer(script) as peer:
        with pytest.raises(Refused, match=words) as raised:
            Talk(peer.url).client.probe("POST", "/status")
        assert len(peer.requests) == 1
    assert raised.value.credentials is credentials


@pytest.mark.parametrize(
    "script",
    [
        silent,
        answering("500 Oops", b"Out of memory"),
        answering("502 Bad Gateway", b"<html><title>Bad Gateway</title>"),
        answering("504 Gateway Timeout", b"", content_type="text/plain"),
        answering("429 Slow Down", b"", content_type="text/plain"),
    ],
)
def test_silence_and_trouble_stop_after_a_few_tries(script: Any) -> None:
    with Peer(script) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.client.probe("POST", "/status")
    assert len(talk.pauses) == 3


def test_the_pauses_between_tries_are_jittered() -> None:
    first = {_client._backoff(1) for _number in range(50)}
    assert len(first) > 1
    assert all(0.3 < pause < 0.7 for pause in first)


def test_a_question_may_have_a_json_body_and_headers_of_its_own() -> None:
    with Peer(answering("200 OK")) as peer:
        Talk(peer.url).ask("/api/get_token", json_body={"user": "ü"}, headers={"X-Own": "1"})
    (request,) = peer.requests
    assert request.body == '{"user":"ü"}'.encode()
    assert (request.headers["content-type"], request.headers["x-own"]) == ("application/json", "1")


def test_a_secret_that_is_learned_on_the_way_is_kept_from_view() -> None:
    with Peer(answering("500 Internal Server Error", b'{"message":"no such token abcdefgh"}')) as peer:
        talk = Talk(peer.url)
        talk.client.keep_secret("abcdefgh")
        with pytest.raises(Outage) as raised:
            talk.ask(tries=1)
    assert "abcdefgh" not in raised.value.message
