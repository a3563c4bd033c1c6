# SPDX-License-Identifier: GPL-3.0-or-later
"""Why there was no answer, in words: plain HTTP and TLS mixed up, and names that do not exist."""

from __future__ import annotations

import ssl

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import NotSent, Outage

from ..peers import Conversation, Peer, Script
from .wires import ask, client_of, raw, submit


def test_plain_http_where_tls_is_spoken_is_reported_by_what_url_has_to_begin_with(tls: ssl.SSLContext) -> None:
    with Peer(tls=tls) as peer, pytest.raises(Outage, match="url has to begin with https") as raised:
        ask(peer.url.replace("https", "http"))
    assert "object at 0x" not in raised.value.message


def test_a_tls_alert_to_plain_http_is_reported_at_once() -> None:
    with Peer(raw(b"\x15\x03\x01\x00\x02\x02\x46")) as peer:
        with pytest.raises(Outage, match="TLS is spoken there; begin it with https") as raised:
            client_of(peer.url).ask("POST", "/status")
        sent = submit(peer.url, [b"small"])
    assert raised.value.is_permanent
    assert isinstance(sent.outcome, NotSent)
    assert peer.connections == 2


@pytest.mark.parametrize(
    "said_first", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.9\r\n", b"220 smtp\r\n"]
)
def test_tls_where_something_else_is_spoken_is_reported_at_once(said_first: bytes) -> None:
    def at_a_loss(conversation: Conversation) -> None:
        conversation.sock.recv(1000)
        conversation.send(said_first)

    with Peer(at_a_loss) as peer:
        url = peer.url.replace("http", "https")
        with pytest.raises(Outage, match=r"url begins with https, but .* begin it with http") as raised:
            client_of(url).ask("POST", "/status")
        sent = submit(url, [b"small"])
    assert raised.value.is_permanent
    assert "object at 0x" not in raised.value.message
    assert isinstance(sent.outcome, NotSent)
    assert (peer.connections, sent.commits) == (2, 0)


@pytest.mark.parametrize("how", [Conversation.reset, lambda _conversation: None], ids=["reset", "closed"])
def test_a_server_that_hangs_up_on_tls_may_speak_plain_http(how: Script) -> None:
    def hang_up(conversation: Conversation) -> None:
        conversation.sock.recv(1000)
        how(conversation)

    with Peer(hang_up) as peer, pytest.raises(Outage, match="url has to begin with http") as raised:
        ask(peer.url.replace("http", "https"))
    assert not raised.value.is_permanent


def test_a_trigger_was_not_sent_where_no_tls_was_agreed_on() -> None:
    def hang_up(conversation: Conversation) -> None:
        conversation.sock.recv(1000)
        conversation.reset()

    with Peer(hang_up) as peer, pytest.raises(NotSent):
        client_of(peer.url.replace("http", "https")).trigger("GET", "/import", {})


@pytest.mark.usefixtures("names")
def test_a_name_that_does_not_exist_is_reported_at_once() -> None:
    pauses: list[float] = []
    with pytest.raises(Outage, match=r"licstat\.invalid/status: ") as raised:
        client_of("http://licstat.invalid", pauses).ask("POST", "/status")
    assert raised.value.is_permanent
    sent = submit("http://licstat.invalid", [b"small"])
    assert isinstance(sent.outcome, NotSent)
    assert (pauses, sent.pauses) == ([], [])


@pytest.mark.usefixtures("names")
def test_a_name_that_a_busy_resolver_does_not_know_is_asked_for_again() -> None:
    pauses: list[float] = []
    with pytest.raises(Outage) as raised:
        client_of("http://licstat.busy", pauses).ask("POST", "/status")
    assert not raised.value.is_permanent
    assert len(pauses) == 3


def test_a_name_that_was_there_before_may_come_back(names: list[str]) -> None:
    def once(conversation: Conversation) -> None:
        conversation.request()
        conversation.answer(connection="close")

    with Peer(once) as peer:
        names.append("licstat.invalid")
        client = client_of(f"http://licstat.invalid:{peer.port}")
        assert client.ask("POST", "/status").status == 200
        names.clear()
        with pytest.raises(Outage) as raised:
            client.ask("POST", "/status")
    assert not raised.value.is_permanent


def test_a_host_that_can_be_no_name_is_reported_at_once() -> None:
    pauses: list[float] = []
    with pytest.raises(Outage, match="url is not a URL that can be asked") as raised:
        client_of(f"http://{'a' * 64}.example.com", pauses).ask("POST", "/status")
    assert raised.value.is_permanent
    assert pauses == []
