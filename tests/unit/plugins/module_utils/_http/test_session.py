# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that answer before they have read everything, and silence on the line."""

from __future__ import annotations

import contextlib
import gc
import select
import socket
import ssl
import time

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, NotSent, Refused
from ansible_collections.assetops.imports.plugins.module_utils._http import session as _session

from ..peers import Conversation, Peer, Script, well
from .talks import answering
from .wires import LARGE, SOON, Authority, Wire, client_of, proxy, refusing, submit


@pytest.mark.parametrize("status", ["401 Unauthorized", "413 Too Large"])
@pytest.mark.parametrize(
    "then", [Conversation.drain, Conversation.ignore, lambda _conversation: None], ids=["reads on", "stops", "closes"]
)
@pytest.mark.usefixtures("_short_early_timeout")
def test_a_refusal_in_the_middle_of_the_body_is_heard(status: str, then: Script) -> None:
    with Peer(refusing(status, then)) as peer:
        sent = submit(peer.url, LARGE)
    assert isinstance(sent.outcome, Refused), sent.outcome
    assert f"{status}: no, thank you" in sent.outcome.message
    assert sent.outcome.credentials == (status[:3] == "401")
    assert (sent.commits, peer.connections, sent.pauses) == (0, 1, [])
    assert sent.seconds < SOON


@pytest.mark.parametrize("status", ["401 Unauthorized", "413 Too Large"])
@pytest.mark.parametrize("then", [Conversation.drain, Conversation.ignore], ids=["reads on", "stops"])
@pytest.mark.usefixtures("_short_early_timeout")
def test_a_refusal_in_the_middle_of_the_body_is_heard_over_tls(
    status: str, then: Script, authority: Authority, tls: ssl.SSLContext
) -> None:
    with Peer(refusing(status, then), tls=tls) as peer:
        sent = submit(peer.url, LARGE, ca_path=authority.path, timeout=1)
    assert isinstance(sent.outcome, Refused), sent.outcome
    assert f"{status}: no, thank you" in sent.outcome.message
    assert sent.commits == (1 if then is Conversation.drain else 0)
    assert (peer.connections, sent.pauses) == (1, [])
    assert sent.seconds < SOON


@pytest.mark.usefixtures("_short_early_timeout")
def test_a_refusal_that_a_reset_destroyed_is_a_failure_all_the_same(wire: Wire) -> None:
    with wire.peer(refusing("401 Unauthorized", Conversation.reset)) as peer:
        sent = submit(peer.url, LARGE, **wire.options)
    assert sent.commits == 0
    assert isinstance(sent.outcome, (Refused, NotSent)), sent.outcome
    if isinstance(sent.outcome, NotSent):
        assert "refused while sending" in sent.outcome.message
        assert not sent.outcome.unreachable
    assert sent.seconds < SOON


@pytest.mark.slow
@pytest.mark.usefixtures("_short_early_timeout")
def test_a_server_that_stops_reading_without_a_word_is_given_up_in_time(wire: Wire) -> None:
    def stuck(conversation: Conversation) -> None:
        conversation.head()
        conversation.ignore()

    with wire.peer(stuck) as peer:
        sent = submit(peer.url, LARGE, timeout=0.3, response_timeout=60, **wire.options)
    assert isinstance(sent.outcome, NotSent), sent.outcome
    assert "refused while sending: timed out" in sent.outcome.message
    assert sent.commits == 0
    assert sent.seconds < SOON


def test_a_server_that_is_slow_to_read_gets_everything(wire: Wire) -> None:
    def slow(conversation: Conversation) -> None:
        received = conversation.head()
        conversation.read(1000)
        time.sleep(0.5)  # it is what this server does, not a wait for anything
        conversation.read(int(received.headers["content-length"]) - 1000)
        conversation.answer()

    with wire.peer(slow) as peer:
        sent = submit(peer.url, LARGE, **wire.options)
    assert isinstance(sent.outcome, Answer), sent.outcome
    assert peer.requests[0].body == b"".join(LARGE)
    assert sent.commits == 1


@pytest.mark.usefixtures("_short_early_timeout")
def test_a_server_that_says_to_continue_is_sent_the_rest(wire: Wire) -> None:
    """Any client has to bear with interim answers, asked for or not (RFC 9110, 15.2)."""

    def encouraging(conversation: Conversation) -> None:
        received = conversation.head()
        conversation.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        conversation.read(int(received.headers["content-length"]))
        conversation.answer("202 Accepted")

    with wire.peer(encouraging) as peer:
        sent = submit(peer.url, LARGE, **wire.options)
    assert isinstance(sent.outcome, Answer), sent.outcome
    assert (sent.outcome.status, sent.commits, peer.connections) == (202, 1, 1)


@pytest.mark.usefixtures("_short_early_timeout")
def test_after_a_refusal_in_the_middle_the_next_question_is_not_taken_for_the_rest_of_the_body() -> None:
    with Peer(refusing("413 Too Large", Conversation.drain), well) as peer:
        client = client_of(peer.url, timeout=1)
        assert isinstance(submit(client, LARGE).outcome, Refused)
        assert client.ask("POST", "/status", tries=1).status == 200
    assert [request.line for request in peer.requests] == ["POST /import HTTP/1.1", "POST /status HTTP/1.1"]
    assert peer.connections == 2


def test_after_a_question_that_was_answered_before_its_body_came_the_connection_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That body is not sent any more, so the server would take the next request for it."""

    def early(conversation: Conversation) -> None:
        conversation.head()
        conversation.answer("404 Not Found", b"no")
        conversation.drain()

    def late(sock: socket.socket) -> bool:  # as where the body is sent later than the answer comes
        select.select([sock], [], [], waits.pop() if waits else 0)
        return has_answered(sock)

    has_answered, waits = _session._has_answered, [SOON]
    monkeypatch.setattr(_session, "_has_answered", late)
    with Peer(early, well) as peer:
        client = client_of(peer.url)
        with pytest.raises(Refused, match="404"):
            client.ask("POST", "/status", form={"task": "1"}, tries=1)
        assert client.ask("POST", "/status", form={"task": "1"}, tries=1).status == 200
    assert peer.connections == 2


def test_a_small_body_that_is_refused_is_refused(wire: Wire) -> None:
    with wire.peer(answering("403 Forbidden", b'{"msg": "not yours"}', connection="close")) as peer:
        sent = submit(peer.url, [b"small"], **wire.options)
    assert isinstance(sent.outcome, Refused)
    assert "not yours" in sent.outcome.message


def sockets_to(port: int) -> list[socket.socket]:
    """What this process has open to a port, from its own side."""
    found = []
    for thing in gc.get_objects():
        if isinstance(thing, socket.socket) and thing.fileno() >= 0:
            with contextlib.suppress(OSError):
                if thing.getpeername()[1] == port:
                    found.append(thing)
    return found


@pytest.mark.parametrize("way", ["direct", "http", "https"])
def test_a_silent_connection_is_kept_alive(
    way: str, wire: Wire, authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(proxy, tls=tls if way == "https" else None) as middle, wire.peer() as peer:
        if way != "direct":
            monkeypatch.setenv("all_proxy", middle.url)
        url = peer.url if way == "direct" or wire.context else "http://licstat.invalid"
        client = client_of(url, use_proxy=True, ca_path=authority.path)
        client.ask("POST", "/status", tries=1)
        (connection,) = sockets_to(peer.port if way == "direct" else middle.port)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        for option in ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL"):
            if hasattr(socket, option):
                assert connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, option)) == 60
