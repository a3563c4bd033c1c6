# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies: used, left out, in trouble, and their secrets kept."""

from __future__ import annotations

import base64
import os
import ssl
import sys
from urllib.parse import unquote

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    Connection,
    NoReply,
    NotSent,
    Outage,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.proxy import proxy_secrets
from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport

from ..peers import Conversation, Peer
from .talks import answering, answering_early, nobody
from .wires import LARGE, Authority, Identity, Wire, ask, client_of, proxy, refusing, submit


def test_a_proxy_is_used_for_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(proxy) as middle:
        monkeypatch.setenv("http_proxy", middle.url)
        assert ask("http://licstat.invalid", use_proxy=True).status == 203
        sent = submit("http://licstat.invalid", LARGE, use_proxy=True)
    assert isinstance(sent.outcome, Answer)
    lines = ["POST http://licstat.invalid/status HTTP/1.1", "POST http://licstat.invalid/import HTTP/1.1"]
    assert [request.line for request in middle.requests] == lines
    assert middle.requests[1].body == b"".join(LARGE)


def test_a_proxy_is_used_for_tls_and_sees_nothing_of_it(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(proxy) as middle, Peer(tls=tls) as peer:
        monkeypatch.setenv("https_proxy", middle.url.replace("http://", "http://me:hunter2@"))
        options = {"use_proxy": True, "ca_path": authority.path}
        assert ask(peer.url, **options).status == 200
        assert isinstance(submit(peer.url, LARGE, **options).outcome, Answer)
    assert {request.line.rpartition(" ")[0] for request in middle.requests} == {f"CONNECT 127.0.0.1:{peer.port}"}
    assert all("proxy-authorization" in request.headers for request in middle.requests)
    assert all("x-auth-token" not in request.headers for request in middle.requests)
    assert all("proxy-authorization" not in request.headers for request in peer.requests)


def test_a_certificate_is_checked_behind_a_proxy_too(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(proxy) as middle, Peer(tls=tls) as peer:
        monkeypatch.setenv("https_proxy", middle.url)
        with pytest.raises(Outage, match="certificate is not trusted"):
            ask(peer.url, use_proxy=True)
        assert peer.requests == []


def test_a_refusal_in_the_middle_of_the_body_is_heard_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(refusing("413 Too Large", Conversation.drain)) as middle:
        monkeypatch.setenv("http_proxy", middle.url)
        sent = submit("http://licstat.invalid", LARGE, use_proxy=True)
    assert isinstance(sent.outcome, Refused)
    assert sent.commits == 0


@pytest.mark.parametrize("how", ["use_proxy", "no_proxy"])
def test_a_proxy_is_left_out_where_the_user_says_so(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer() as middle, Peer() as peer:
        monkeypatch.setenv("http_proxy", middle.url)
        monkeypatch.setenv("all_proxy", middle.url)
        if how == "no_proxy":
            monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
        assert ask(peer.url, use_proxy=how == "no_proxy").status == 200
        assert isinstance(submit(peer.url, [b"small"], use_proxy=how == "no_proxy").outcome, Answer)
        assert middle.connections == 0


@pytest.mark.parametrize("trouble", ["refuses", "is away", "is no URL"])
def test_a_proxy_in_trouble_is_reported_without_its_password(
    trouble: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(answering_early("407 Proxy Authentication Required")) as middle, Peer(tls=tls) as peer:
        port = {"refuses": middle.port, "is away": 9, "is no URL": "port"}[trouble]
        monkeypatch.setenv("https_proxy", f"http://me:hunter2@127.0.0.1:{port}")
        with pytest.raises(Outage) as raised:
            ask(peer.url, use_proxy=True)
        sent = submit(peer.url, [b"small"], use_proxy=True)
        assert isinstance(sent.outcome, NotSent)
        for message in (raised.value.message, sent.outcome.message):
            assert "hunter2" not in message
            assert "object at 0x" not in message
            assert peer.url in message
        if trouble == "refuses":
            assert "407" in raised.value.message
        assert peer.connections == 0


def test_a_certificate_of_a_proxy_is_checked_with_the_same_trust(
    authority: Authority, tls: ssl.SSLContext, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the server behind it speaks TLS, within that of the proxy, or not."""
    with Peer(proxy, tls=tls) as middle, wire.peer() as peer:
        url = peer.url if wire.context else "http://licstat.invalid"
        monkeypatch.setenv("all_proxy", middle.url)
        client = client_of(url, use_proxy=True, ca_path=authority.path)
        assert client.ask("POST", "/status", tries=1).status == (200 if wire.context else 203)
        assert isinstance(submit(client, LARGE).outcome, Answer)
        with pytest.raises(Outage, match=r"the proxy 127\.0\.0\.1:\d+ \(all_proxy\): .*not trusted.*ca_path") as raised:
            client_of(url, use_proxy=True).ask("POST", "/status")
        assert raised.value.is_permanent


def test_a_proxy_that_is_called_something_else_is_reported_by_its_variable(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(proxy, tls=authority.context("elsewhere.example.com")) as middle:
        monkeypatch.setenv("HTTPS_PROXY", middle.url)
        with pytest.raises(Outage, match=r"\(HTTPS_PROXY\).*HTTPS_PROXY has to name the host as the cert"):
            ask("https://licstat.invalid", use_proxy=True, ca_path=authority.path)


def test_a_proxy_is_not_shown_the_certificate_of_the_client(
    authority: Authority, identity: Identity, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    curious = authority.context()
    curious.verify_mode = ssl.CERT_OPTIONAL
    authority.ca.configure_trust(curious)
    shown = []

    def looking(conversation: Conversation) -> None:
        assert isinstance(conversation.sock, ssl.SSLSocket)
        shown.append(conversation.sock.getpeercert())
        proxy(conversation)

    with Peer(looking, tls=curious) as middle, Peer(tls=tls) as peer:
        monkeypatch.setenv("https_proxy", middle.url)
        options = {"ca_path": authority.path, "client_cert": identity.both, "use_proxy": True}
        assert ask(peer.url, **options).status == 200
    assert shown in ([None], [{}])


@pytest.mark.parametrize("server", ["http", "https"])
@pytest.mark.parametrize("way", ["http", "https"])
def test_a_proxy_that_is_away_is_reported_by_its_name(way: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = nobody().partition("//")[2]
    monkeypatch.setenv(f"{server}_proxy", f"{way}://{gone}")
    url = f"{server}://licstat.invalid"
    with pytest.raises(NoReply) as raised:
        Transport(Connection(url, timeout=5)).exchange("GET", f"{url}/status", {})
    assert raised.value.message == f"the proxy {gone} ({server}_proxy): connection refused"
    assert (raised.value.unconnected, raised.value.is_permanent) == (True, False)


def test_plain_http_at_a_proxy_that_should_speak_tls_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_a_loss(conversation: Conversation) -> None:
        conversation.sock.recv(1000)
        conversation.answer("400 Bad Request")

    with Peer(at_a_loss) as middle:
        monkeypatch.setenv("http_proxy", middle.url.replace("http", "https"))
        with pytest.raises(Outage, match=r"the proxy .*http_proxy begins with https") as raised:
            ask("http://licstat.invalid", use_proxy=True)
    assert raised.value.is_permanent


@pytest.mark.parametrize("server", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_reported_by_its_name(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(answering_early("407 Proxy Authentication Required")) as middle:
        monkeypatch.setenv(f"{server}_proxy", middle.url)
        words = rf"the proxy 127\.0\.0\.1:{middle.port} \({server}_proxy\) wants a user .* 407 Proxy Auth"
        with pytest.raises(Outage, match=words) as raised:
            ask(f"{server}://licstat.invalid", use_proxy=True)
        sent = submit(f"{server}://licstat.invalid", [b"small"], use_proxy=True)
    assert raised.value.is_permanent
    assert isinstance(sent.outcome, NotSent)
    assert middle.connections == 2


def test_a_proxy_that_does_not_get_through_is_reported_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(answering_early("502 Bad Gateway")) as middle:
        monkeypatch.setenv("https_proxy", middle.url)
        with pytest.raises(NoReply, match=r"the proxy .* did not connect to the server: 502 Bad Gateway") as raised:
            Transport(Connection("https://licstat.invalid")).exchange("GET", "https://licstat.invalid/", {})
    assert (raised.value.unconnected, raised.value.is_permanent) == (True, False)


def test_what_a_server_says_behind_a_proxy_is_not_blamed_on_it(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanting = answering("407 Proxy Authentication Required")
    with Peer(proxy) as middle, Peer(wanting, tls=tls) as peer:
        monkeypatch.setenv("https_proxy", middle.url)
        with pytest.raises(Refused) as refused:
            ask(peer.url, use_proxy=True, ca_path=authority.path)
        with pytest.raises(Outage, match="not trusted") as raised:
            ask(peer.url, use_proxy=True)
    for error in (refused, raised):
        assert "proxy 127" not in error.value.message


@pytest.mark.parametrize("password", ["hunter2", "p%40ss%2Fw%23rd%3F%3A", "p@ss:word", "%C3%BCber%E2%82%AC", ""])
def test_a_proxy_is_given_its_password(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(proxy) as middle:
        monkeypatch.setenv("http_proxy", middle.url.replace("//", f"//me:{password.replace('@', '%40')}@"))
        assert ask("http://licstat.invalid", use_proxy=True).status == 203
    credentials = base64.b64encode(f"me:{unquote(password)}".encode()).decode()
    assert middle.requests[0].headers["proxy-authorization"] == f"Basic {credentials}"


MALFORMED = [
    *("http://me:hun/ter2@127.0.0.1:3128", "http://me:hun#ter2@127.0.0.1:3128", "http://me:hun?ter2@127.0.0.1:3128"),
    *("http://me:12#hunter2@127.0.0.1:3128", "http://me:12/hunter2@127.0.0.1:3128", "http://me:hunter2@127.0.0.1:port"),
    *("http://me:hunter2@127.0.0.1:0", "http://me:hunter2@127.0.0.1:99999", "http://me:hunter2@"),
    *("http://me:hunter2@[::1", "gopher://me:hunter2@127.0.0.1:3128", "http:me:hunter2@127.0.0.1:3128"),
    *("http://me:hun ter2@127.0.0.1:3128", "http://me:hun\\ter2@127.0.0.1:3128"),
]


@pytest.mark.parametrize("server", ["http", "https"])
@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_proxy_is_reported_at_once_by_its_variable(
    url: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    pauses: list[float] = []
    client = client_of(f"{server}://licstat.invalid", pauses, use_proxy=True)
    with pytest.raises(Outage, match="ALL_PROXY is no URL like") as raised:
        client.ask("POST", "/status")
    sent = submit(client, [b"small"])
    assert isinstance(sent.outcome, NotSent)
    assert raised.value.is_permanent
    assert (pauses, sent.pauses) == ([], [])
    for message in (raised.value.message, sent.outcome.message):
        for part in ("hun", "ter2", "me:", "12"):
            assert part not in message


def test_the_secrets_of_proxies_are_all_but_scheme_host_and_port() -> None:
    environment = {
        "http_proxy": "http://me:hunter2@proxy.example.com:3128/some/path?token=abcd1234#frag",
        "HTTPS_PROXY": "https://user:p%40ss%2Fword@proxy.example.com",
        "All_Proxy": "socks5h://token-as-user@proxy.example.com:1080",
        "no_proxy": "localhost",
        "PROXY": "http://someone:else@elsewhere",
    }
    secrets = proxy_secrets(environment)
    for secret in (
        *("me:hunter2", "hunter2", "some/path?token=abcd1234#frag", "token=abcd1234", "frag"),
        *("user:p%40ss%2Fword", "user:p@ss/word", "p%40ss%2Fword", "p@ss/word", "token-as-user"),
        base64.b64encode(b"me:hunter2").decode(),
        base64.b64encode(b"user:p@ss/word").decode(),
        base64.b64encode(b"token-as-user:").decode(),
    ):
        assert secret in secrets
    assert all(len(secret) >= 4 for secret in secrets)
    for open_word in ("proxy.example.com", "http", "3128", "localhost", "someone", "user"):
        assert open_word not in secrets


@pytest.mark.parametrize("url", MALFORMED)
def test_the_secrets_of_a_malformed_proxy_are_found_all_the_same(url: str) -> None:
    password = url.partition("me:")[2].rpartition("@")[0]
    assert password in proxy_secrets({"http_proxy": url})


def test_there_are_no_secrets_where_there_is_no_proxy() -> None:
    assert proxy_secrets({}) == []
    assert proxy_secrets({"http_proxy": "", "https_proxy": "proxy.example.com:3128/", "all_proxy": "http://[::1"}) == []


def test_a_proxy_with_a_path_is_used_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(proxy) as middle:
        for url in (f"{middle.url}/a?b=c#d", middle.url.partition("//")[2]):
            monkeypatch.setenv("http_proxy", url)
            assert ask("http://licstat.invalid", use_proxy=True).status == 203


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h", "SOCKS5"])
def test_a_socks_proxy_without_pysocks_is_reported_at_once(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client_of("http://127.0.0.1:9").prepare()  # requests itself is as it was
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setenv("all_proxy", f"{scheme}://me:hunter2@127.0.0.1:1080")
    pauses: list[float] = []
    with pytest.raises(Outage, match=r"the proxy 127\.0\.0\.1:1080 \(all_proxy\)") as raised:
        client_of("https://licstat.invalid", pauses, use_proxy=True).ask("POST", "/status")
    for words in ("PySocks", sys.executable, os.uname().nodename):
        assert words in raised.value.message
    assert "hunter2" not in raised.value.message
    assert raised.value.is_permanent
    assert pauses == []


def socks(conversation: Conversation) -> None:
    """SOCKS 5 without a password, for a name."""
    conversation.sock.recv(3)
    conversation.send(b"\x05\x00")
    *_version, size = conversation.sock.recv(5)
    host = conversation.sock.recv(size).decode()
    port = int.from_bytes(conversation.sock.recv(2), "big")
    if host == "unreachable":
        conversation.send(b"\x05\x05\x00\x01" + bytes(6))
        return
    conversation.send(b"\x05\x00\x00\x01" + bytes(6))
    conversation.pass_on(host, port)


def test_a_socks_proxy_is_used_where_there_is_pysocks(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("socks")
    with Peer(socks) as middle, wire.peer() as peer:
        monkeypatch.setenv("all_proxy", middle.url.replace("http", "socks5h"))
        url = peer.url.replace("127.0.0.1", "localhost")
        client = client_of(url, use_proxy=True, **wire.options)
        assert client.ask("POST", "/status").status == 200
        assert isinstance(submit(client, LARGE).outcome, Answer)
        unreachable = peer.url.replace("127.0.0.1", "unreachable")
        with pytest.raises(Outage, match=r"the proxy 127\.0\.0\.1:\d+ \(all_proxy\): .*refused"):
            ask(unreachable, use_proxy=True, **wire.options)


@pytest.mark.usefixtures("names")
def test_a_proxy_that_does_not_exist_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    with pytest.raises(Outage, match=r"the proxy proxy\.invalid:3128 \(http_proxy\): ") as raised:
        client_of("http://licstat.example.com", use_proxy=True).ask("POST", "/status")
    assert raised.value.is_permanent
