# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire: servers that answer early, late, wrong or never; TLS, proxies, and what is read from the surroundings."""

from __future__ import annotations

import base64
import contextlib
import gc
import gzip
import json
import os
import pty
import select
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import time
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Callable
from urllib.parse import unquote

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    Connection,
    ImportsError,
    NoReply,
    NotSent,
    Outage,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._http import transport as _transport
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client, describe, json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport, proxy_secrets

from ..peers import Conversation, Peer, Script, well

BLOCK = 256 * 1024
LARGE = [b"x" * BLOCK] * 48 + [b"end"]
"""More than any socket takes without somebody reading."""
SOON = 10.0
"""Seconds within which an answer or an error must be there, on a slow machine too."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _short_salvage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "SALVAGE", 0.3)


@dataclass
class Sent:
    """What became of a submission, and of its commit point."""

    outcome: Answer | ImportsError
    commits: int
    seconds: float
    pauses: list[float]


def client_of(url: str, pauses: list[float] | None = None, **options: Any) -> Client:
    settings = {"timeout": 5, "response_timeout": 5, "use_proxy": False, **options}
    pause: Callable[[float], None] = ([] if pauses is None else pauses).append
    return Client(Connection(url, **settings), {"X-Auth-token": "token"}, Secrets(), pause=pause)


def submit(client: Client | str, blocks: list[bytes], **options: Any) -> Sent:
    """Submit these blocks, and see what comes of it."""
    commits: list[str] = []
    pauses: list[float] = []
    if isinstance(client, str):
        client = client_of(client, pauses, **options)
    begin = time.monotonic()
    outcome: Answer | ImportsError
    try:
        outcome = client.submit("POST", "/import", Body([*blocks], "text/plain", commits.append))
    except ImportsError as error:
        outcome = error
    return Sent(outcome, len(commits), time.monotonic() - begin, pauses)


def ask(url: str, **options: Any) -> Answer:
    return client_of(url, **options).ask("POST", "/status", tries=1)


# TLS: an authority of the test's own


@dataclass(frozen=True)
class Authority:
    """An authority that nobody trusts unless told so; `path` is a file with its certificate."""

    ca: trustme.CA
    path: str

    def context(self, *names: str, **what: Any) -> ssl.SSLContext:
        """A server's context, with a certificate for these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost")), **what).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(path))
    return Authority(ca, str(path))


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.context()


@dataclass(frozen=True)
class Wire:
    """A way to serve: plainly or with TLS; `options` are what a client needs for it."""

    context: ssl.SSLContext | None
    options: dict[str, Any]

    def peer(self, *scripts: Script) -> Peer:
        return Peer(*scripts, tls=self.context)


@pytest.fixture(params=["plain", "TLS"])
def wire(request: pytest.FixtureRequest, authority: Authority, tls: ssl.SSLContext) -> Wire:
    return Wire(None, {}) if request.param == "plain" else Wire(tls, {"ca_path": authority.path})


# Servers that answer before they have read everything


def refusing(status: str, then: Script) -> Script:
    """Read a little of the body, refuse, and then do something else."""

    def script(conversation: Conversation) -> None:
        conversation.head()
        conversation.read(64 * 1024)
        conversation.answer(status, b'{"msg": "no, thank you"}')
        then(conversation)

    return script


@pytest.mark.parametrize("status", ["401 Unauthorized", "413 Too Large"])
@pytest.mark.parametrize(
    "then", [Conversation.drain, Conversation.ignore, lambda _conversation: None], ids=["reads on", "stops", "closes"]
)
@pytest.mark.usefixtures("_short_salvage")
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
@pytest.mark.usefixtures("_short_salvage")
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


@pytest.mark.usefixtures("_short_salvage")
def test_a_refusal_that_a_reset_destroyed_is_a_failure_all_the_same(wire: Wire) -> None:
    with wire.peer(refusing("401 Unauthorized", Conversation.reset)) as peer:
        sent = submit(peer.url, LARGE, **wire.options)
    assert sent.commits == 0
    assert isinstance(sent.outcome, (Refused, NotSent)), sent.outcome
    if isinstance(sent.outcome, NotSent):
        assert "refused while sending" in sent.outcome.message
        assert not sent.outcome.unreachable
    assert sent.seconds < SOON


@pytest.mark.usefixtures("_short_salvage")
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


@pytest.mark.usefixtures("_short_salvage")
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


@pytest.mark.usefixtures("_short_salvage")
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

    has_answered, waits = _transport._has_answered, [SOON]
    monkeypatch.setattr(_transport, "_has_answered", late)
    with Peer(early, well) as peer:
        client = client_of(peer.url)
        with pytest.raises(Refused, match="404"):
            client.ask("POST", "/status", form={"task": "1"}, tries=1)
        assert client.ask("POST", "/status", form={"task": "1"}, tries=1).status == 200
    assert peer.connections == 2


def test_a_small_body_that_is_refused_is_refused(wire: Wire) -> None:
    def refuse(conversation: Conversation) -> None:
        conversation.request()
        conversation.answer("403 Forbidden", b'{"msg": "not yours"}', connection="close")

    with wire.peer(refuse) as peer:
        sent = submit(peer.url, [b"small"], **wire.options)
    assert isinstance(sent.outcome, Refused)
    assert "not yours" in sent.outcome.message


def test_a_connection_that_lay_idle_too_long_does_no_harm(wire: Wire) -> None:
    def once(conversation: Conversation) -> None:
        conversation.request()
        conversation.answer()  # and closes, without having said so

    with wire.peer(once) as peer:
        client = client_of(peer.url, **wire.options)
        assert client.ask("POST", "/status").status == 200
        assert isinstance(submit(client, LARGE).outcome, Answer)
        assert client.ask("POST", "/status").status == 200
    assert peer.connections == 3


# Answers that are wrong


def raw(data: bytes, then: Script = lambda _conversation: None) -> Script:
    """Read a request and answer with these bytes."""

    def script(conversation: Conversation) -> None:
        conversation.request()
        conversation.send(data)
        then(conversation)

    return script


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "not HTTP"),
        (b"\x16\x03\x01 not for you", "not HTTP"),
        (b"HTTP/1.1 two hundred\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a number\r\n", "."),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone", "."),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else value,
)
def test_an_answer_that_is_none_is_told_in_words(data: bytes, words: str) -> None:
    with Peer(raw(data)) as peer:
        with pytest.raises(Outage, match=words) as raised:
            ask(peer.url)
        sent = submit(peer.url, [b"small"])
    assert isinstance(sent.outcome, OutcomeUnknown), sent.outcome
    assert words in sent.outcome.message
    for message in (raised.value.message, sent.outcome.message):
        assert f"POST {peer.url}" in message
        assert "object at 0x" not in message


def test_an_answer_of_a_whole_number_of_blocks_is_whole() -> None:
    body = b'{"a": "%s"}' % (b"x" * (64 * 1024 - 9))
    with Peer(raw(b"HTTP/1.0 200 OK\r\n\r\n" + body)) as peer:
        assert ask(peer.url).text == body.decode()


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    with Peer(raw(b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}')) as peer:
        assert json_object(ask(peer.url)) == {"a": 1}


def test_an_answer_in_chunks_is_put_together() -> None:
    data = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'
    with Peer(raw(data)) as peer:
        assert json_object(ask(peer.url)) == {"a": 1}


def test_an_answer_in_another_encoding_is_read_as_well_as_can_be() -> None:
    with Peer(raw(b"HTTP/1.0 200 M\xfcller\r\nX-Who: M\xfcller\r\n\r\nM\xfcller")) as peer:
        answer = ask(peer.url)
    assert answer.text == "M�ller"
    assert (answer.reason, answer.headers["x-who"]) == ("Müller", "Müller")


def answer_of(body: bytes, **headers: str) -> bytes:
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


TASK = '{"taskId": 7, "word": "wörd €"}'


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/html", "text/plain; charset=iso-8859-1", "x; charset=?"]
)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_json_is_read_by_its_bytes_whatever_it_is_called(encoding: str, content_type: str) -> None:
    with Peer(raw(answer_of(TASK.encode(encoding), content_type=content_type))) as peer:
        answer = ask(peer.url)
    assert json_object(answer) == json.loads(TASK)
    assert answer.text == TASK


@pytest.mark.parametrize("encoding", ["iso-8859-15", "windows-1252", "shift_jis"])
def test_what_is_no_unicode_is_read_as_it_is_called(encoding: str) -> None:
    words = {"shift_jis": "日本語"}.get(encoding, "Müller € ÿ")
    for charset in (encoding, f'"{encoding.upper()}"'):
        with Peer(raw(answer_of(words.encode(encoding), content_type=f"text/plain; charset={charset}"))) as peer:
            assert ask(peer.url).text == words


@pytest.mark.parametrize(
    "charset", ["zlib", "base64", "hex", "rot13", "punycode", "idna", "none", "\xff", "undefined", ""]
)
def test_a_charset_that_is_none_does_no_harm(charset: str) -> None:
    data = answer_of(b"M\xfcller" * 50_000, content_type=f"text/plain; charset={charset}")
    with Peer(raw(data)) as peer:
        assert ask(peer.url).text == "M\ufffdller" * 50_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
def test_an_answer_that_is_cut_within_a_character_is_right_up_to_there(encoding: str) -> None:
    for ahead in ("", "x", "xx", "xxx"):
        with Peer(raw(answer_of((ahead + "€" * 1024 * 512).encode(encoding)))) as peer:
            answer = ask(peer.url)
        assert not answer.is_whole
        assert set(answer.text) == {"€", *ahead}


def deflated(data: bytes, window: int) -> bytes:
    packer = zlib.compressobj(wbits=window)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TASK.encode())),
        ("X-GZip", gzip.compress(TASK.encode("utf-16"))),
        ("gzip", gzip.compress(TASK[:9].encode()) + gzip.compress(TASK[9:].encode())),
        ("gzip", gzip.compress(TASK.encode()) + bytes(8)),
        ("deflate", deflated(TASK.encode(), zlib.MAX_WBITS)),
        ("deflate", deflated(TASK.encode(), -zlib.MAX_WBITS)),
        ("identity", TASK.encode()),
        ("identity, gzip", gzip.compress(TASK.encode())),
    ],
)
def test_one_layer_of_packing_that_nobody_asked_for_is_undone(encoding: str, body: bytes) -> None:
    with Peer(raw(answer_of(body, content_encoding=encoding))) as peer:
        assert json_object(ask(peer.url)) == json.loads(TASK)


def test_packed_chunks_are_put_together() -> None:
    body = gzip.compress(TASK.encode())
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:20], body[20:]))
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n" + chunks + b"0\r\n\r\n"
    with Peer(raw(data)) as peer:
        assert json_object(ask(peer.url)) == json.loads(TASK)


def test_an_empty_answer_that_is_called_packed_is_empty() -> None:
    with Peer(raw(answer_of(b"", content_encoding="gzip"))) as peer:
        assert (ask(peer.url).text, ask(peer.url).is_whole) == ("", True)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip,deflate", "aes128gcm"])
def test_an_answer_in_another_packing_is_none_and_says_why(encoding: str) -> None:
    body = gzip.compress(gzip.compress(TASK.encode()))
    with Peer(raw(answer_of(body, content_encoding=encoding))) as peer:
        answer = ask(peer.url)
    assert (answer.status, answer.text, answer.is_whole) == (200, "", False)
    assert f"content encoding '{encoding}'" in describe(answer)
    with pytest.raises(ValueError, match=r"."):
        json_object(answer)


@pytest.mark.parametrize("body", [gzip.compress(TASK.encode())[:-9], b"\x1f\x8b", b"x"], ids=["cut", "begun", "none"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packing_that_is_broken_is_no_answer(body: bytes, encoding: str) -> None:
    with Peer(raw(answer_of(body, content_encoding=encoding))) as peer:
        with pytest.raises(Outage, match=r"broke off|could not be unpacked"):
            ask(peer.url)
        assert isinstance(submit(peer.url, [b"small"]).outcome, OutcomeUnknown)


def bomb(layers: int) -> bytes:
    """256 MiB of spaces, packed so many times."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    data = b"".join(packer.compress(b" " * 1024 * 1024) for _number in range(256)) + packer.flush()
    for _number in range(layers - 1):
        data = gzip.compress(data)
    return data


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_an_answer_that_unpacks_to_far_more_takes_no_memory(layers: int) -> None:
    program = textwrap.dedent("""
        import re, sys
        from pathlib import Path
        from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Connection
        from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport

        def peak():
            return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

        transport = Transport(Connection(sys.argv[1], use_proxy=False))
        transport.exchange("GET", sys.argv[1] + "/small", {})
        before = peak()
        answer = transport.exchange("GET", sys.argv[1] + "/bomb", {})
        print(len(answer.text), answer.is_whole, peak() - before)
    """)
    data = answer_of(bomb(layers), content_encoding=", ".join(["gzip"] * layers))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with Peer(raw(answer_of(b"{}", connection="close")), raw(data)) as peer:
        command = [sys.executable, "-c", program, peer.url]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    size, is_whole, kib = done.stdout.split()
    assert (int(size), is_whole) == (1024 * 1024 if layers == 1 else 0, "False")
    assert int(kib) < 16 * 1024


def endless(conversation: Conversation) -> None:
    conversation.request()
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        conversation.send(b'"and so on", ' * 10_000)


def test_an_answer_without_end_is_read_up_to_a_bound_and_taken_for_nothing(wire: Wire) -> None:
    with wire.peer(endless) as peer:
        answer = ask(peer.url, **wire.options)
    assert len(answer.text) == 1024 * 1024
    with pytest.raises(ValueError, match=r"."):
        json_object(answer)


def test_an_answer_too_large_to_be_right_is_not_taken_though_its_beginning_is_json() -> None:
    body = b'{"a": 1}' + b" " * 1024 * 1024
    with Peer(raw(b"HTTP/1.0 200 OK\r\n\r\n" + body)) as peer:
        answer = ask(peer.url)
    with pytest.raises(ValueError, match=r"."):
        json_object(answer)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["no status", "no headers", "a body of known length", "chunks", "a body without a length"],
)
def test_an_answer_that_drips_is_given_up_in_time(head: bytes, wire: Wire) -> None:
    over = []

    def drip(conversation: Conversation) -> None:
        conversation.request()
        conversation.send(head)
        drops = b"1\r\nx\r\n" if b"chunked" in head else b"X: y\r\n" if head.endswith(b"OK\r\n") else b"HTTP/1.1 200 "
        with contextlib.suppress(OSError):
            for number in range(1000):
                conversation.send(drops[number % len(drops) :][:1])
                time.sleep(0.05)  # it is what this server does, not a wait for anything
        over.append(True)

    begin = time.monotonic()
    with wire.peer(drip) as peer:
        with pytest.raises(Outage, match=r"timed out|not complete|not HTTP"):
            ask(peer.url, timeout=0.5, **wire.options)
        assert time.monotonic() - begin < SOON


# Certificates


def test_a_certificate_of_nobody_known_is_told_with_advice_and_not_tried_again(tls: ssl.SSLContext) -> None:
    with Peer(tls=tls) as peer:
        with pytest.raises(Outage, match="certificate is not trusted") as raised:
            client_of(peer.url).ask("POST", "/status")
        assert "ca_path" in raised.value.message
        assert peer.connections == 1
        sent = submit(peer.url, [b"small"])
        assert peer.connections == 2
    assert isinstance(sent.outcome, NotSent)
    assert "ca_path" in sent.outcome.message
    assert sent.outcome.unreachable
    assert (sent.commits, sent.pauses, peer.requests) == (0, [], [])


def test_an_authority_in_a_file_is_trusted(authority: Authority, tls: ssl.SSLContext) -> None:
    with Peer(tls=tls) as peer:
        assert ask(peer.url, ca_path=authority.path).status == 200
        assert ask(f"https://localhost:{peer.port}", ca_path=authority.path).status == 200


def test_an_authority_in_a_folder_is_trusted(authority: Authority, tls: ssl.SSLContext, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    shutil.copy(authority.path, tmp_path / "ours.pem")
    (tmp_path / "README").write_text("Certificates of the authorities we trust.", encoding="utf-8")
    with Peer(tls=tls) as peer:
        assert ask(peer.url, ca_path=str(tmp_path)).status == 200


def test_an_authority_in_a_folder_with_hashed_names_is_trusted(
    authority: Authority, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to reckon the names with")
    command = [openssl, "x509", "-subject_hash", "-noout", "-in", authority.path]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(authority.path, tmp_path / f"{name}.0")
    with Peer(tls=tls) as peer:
        assert ask(peer.url, ca_path=str(tmp_path)).status == 200


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_folder_of_authorities_that_are_trusted_anyway_does_no_harm(
    name: str, authority: Authority, tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(authority.path, tmp_path / "ours.pem")
    monkeypatch.setenv(name, authority.path if name == "SSL_CERT_FILE" else str(tmp_path))
    with Peer(tls=tls) as peer:
        assert ask(peer.url, ca_path=str(tmp_path)).status == 200


def test_a_folder_without_certificates_is_bad_input(tmp_path: Path, tls: ssl.SSLContext) -> None:
    (tmp_path / "README").write_text("Certificates of the authorities we trust.", encoding="utf-8")
    with pytest.raises(BadInput, match=rf"ca_path\W+{tmp_path} cannot be used"):
        client_of("https://127.0.0.1:9", ca_path=str(tmp_path)).prepare()


def test_the_bundle_that_requests_is_told_of_is_trusted_beside_ca_path(
    authority: Authority, tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.path)
    with Peer(tls=tls) as peer:
        assert ask(peer.url).status == 200
        assert ask(peer.url, ca_path=str(tmp_path / "another.pem")).status == 200


def test_what_the_system_trusts_is_trusted(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    with Peer(tls=tls) as peer:
        assert ask(peer.url).status == 200


def test_the_list_of_authorities_that_comes_with_requests_is_not_trusted(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi
    import requests

    monkeypatch.setattr(certifi, "where", lambda: authority.path)
    for place in (requests.adapters, requests.utils):
        monkeypatch.setattr(place, "DEFAULT_CA_BUNDLE_PATH", authority.path)
    with Peer(tls=tls) as peer, pytest.raises(Outage, match="not trusted"):
        ask(peer.url)


def test_without_validation_any_certificate_will_do(authority: Authority) -> None:
    with Peer(tls=authority.context("elsewhere.example.com")) as peer:
        assert ask(peer.url, validate_certs=False).status == 200
        assert isinstance(submit(peer.url, LARGE, validate_certs=False).outcome, Answer)


def test_a_certificate_of_another_host_is_refused_without_blaming_the_authority(authority: Authority) -> None:
    with Peer(tls=authority.context("elsewhere.example.com")) as peer, pytest.raises(Outage) as raised:
        ask(peer.url, ca_path=authority.path)
    assert "127.0.0.1" in raised.value.message
    assert "ca_path" not in raised.value.message


def test_a_certificate_whose_time_is_over_is_refused_without_blaming_the_authority(authority: Authority) -> None:
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    context = authority.context(not_before=yesterday - timedelta(days=9), not_after=yesterday)
    with Peer(tls=context) as peer, pytest.raises(Outage, match="expired") as raised:
        ask(peer.url, ca_path=authority.path)
    assert "ca_path" not in raised.value.message


@pytest.mark.parametrize("name", ["ca_path", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_that_holds_no_certificate_is_bad_input(
    name: str, content: str | None, tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    options: dict[str, Any] = {"ca_path": str(path)} if name == "ca_path" else {}
    if name == "REQUESTS_CA_BUNDLE":
        monkeypatch.setenv(name, str(path))
    with Peer(tls=tls) as peer:
        with pytest.raises(BadInput, match=rf"{name}\W+{path} cannot be used"):
            client_of(peer.url, **options).prepare()
        assert peer.connections == 0


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: ec.EllipticCurvePrivateKey, issuer: x509.Name, *names: str, is_authority: bool = False
) -> x509.Certificate:
    """As an old tool makes it: without key identifiers."""
    now = datetime.now(timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]) if names else issuer
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    if names:
        hosts = [x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    if is_authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    return builder.sign(key, hashes.SHA256())


def served(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: bytes) -> ssl.SSLContext:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "served.pem").write_bytes(pem + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "served.pem")
    return context


ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An internal authority")])


@pytest.mark.parametrize("is_authority", [True, False], ids=["an authority", "without saying that it is one"])
def test_an_internal_authority_without_key_identifiers_is_trusted(
    is_authority: bool, key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    authority = certificate(key, ISSUER, is_authority=True)
    leaf = certificate(key, ISSUER, "127.0.0.1")
    trusted = authority if is_authority else leaf
    (tmp_path / "ca.pem").write_bytes(trusted.public_bytes(serialization.Encoding.PEM))
    with Peer(tls=served(tmp_path, key, leaf.public_bytes(serialization.Encoding.PEM))) as peer:
        assert ask(peer.url, ca_path=str(tmp_path / "ca.pem")).status == 200
        with pytest.raises(Outage, match="not trusted"):
            ask(peer.url)


def test_a_certificate_of_version_1_that_signs_itself_is_trusted(
    key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make one with")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    name = ["-subj", "/CN=localhost", "-key", str(tmp_path / "key.pem")]
    request = subprocess.run([openssl, "req", "-new", *name], capture_output=True, check=True).stdout
    sign = [openssl, "x509", "-req", "-signkey", str(tmp_path / "key.pem"), "-days", "1"]
    made = subprocess.run(sign, input=request, capture_output=True, check=True).stdout
    if x509.load_pem_x509_certificate(made).version is not x509.Version.v1:
        pytest.skip("this openssl makes no certificate of version 1")
    (tmp_path / "ca.pem").write_bytes(made)
    with Peer(tls=served(tmp_path, key, made)) as peer:
        assert ask(f"https://localhost:{peer.port}", ca_path=str(tmp_path / "ca.pem")).status == 200


def test_plain_http_where_tls_is_spoken_is_told_by_what_url_has_to_begin_with(tls: ssl.SSLContext) -> None:
    with Peer(tls=tls) as peer, pytest.raises(Outage, match="url has to begin with https") as raised:
        ask(peer.url.replace("https", "http"))
    assert "object at 0x" not in raised.value.message


def test_a_tls_alert_to_plain_http_is_told_at_once() -> None:
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
def test_tls_where_something_else_is_spoken_is_told_at_once(said_first: bytes) -> None:
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


# Certificates of the client


@dataclass(frozen=True)
class Identity:
    """A client's certificate and key, as files; `both` has them together."""

    cert: str
    key: str
    both: str
    encrypted_key: str


@pytest.fixture(scope="module")
def identity(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    folder = tmp_path_factory.mktemp("client")
    issued = authority.ca.issue_cert("client@example.com")
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"hunter2")
    encrypted = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (folder / "encrypted.pem").write_bytes(encrypted)
    return Identity(*(str(folder / f"{name}.pem") for name in ("cert", "key", "both", "encrypted")))


@pytest.fixture(scope="module")
def demanding(authority: Authority) -> ssl.SSLContext:
    """A server's context that wants to see a certificate of the client."""
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    return context


def test_a_certificate_is_shown_to_a_server_that_wants_one(
    authority: Authority, identity: Identity, demanding: ssl.SSLContext
) -> None:
    with Peer(tls=demanding) as peer:
        apart = {"client_cert": identity.cert, "client_key": identity.key}
        assert ask(peer.url, ca_path=authority.path, **apart).status == 200
        assert ask(peer.url, ca_path=authority.path, client_cert=identity.both).status == 200
        sent = submit(peer.url, LARGE, ca_path=authority.path, client_cert=identity.both)
        assert isinstance(sent.outcome, Answer)


def test_a_server_that_wants_a_certificate_and_gets_none_is_told_in_words(
    authority: Authority, demanding: ssl.SSLContext
) -> None:
    with Peer(tls=demanding) as peer:
        with pytest.raises(Outage) as raised:
            ask(peer.url, ca_path=authority.path)
        sent = submit(peer.url, LARGE, ca_path=authority.path)
    assert "object at 0x" not in raised.value.message
    assert isinstance(sent.outcome, NotSent), sent.outcome
    assert (sent.commits, peer.requests) == (0, [])


def test_a_small_upload_that_a_server_did_not_even_shake_hands_for_was_not_taken(
    authority: Authority, demanding: ssl.SSLContext
) -> None:
    """All of it has left by the time the alert arrives, as often as not; but a server that sends it took nothing."""
    with Peer(tls=demanding) as peer:
        outcomes = [submit(peer.url, [b"small", b"end"], ca_path=authority.path).outcome for _number in range(8)]
    assert [outcome for outcome in outcomes if not isinstance(outcome, NotSent)] == []
    assert peer.requests == []


@pytest.mark.parametrize("wrong", ["encrypted", "missing", "another", "no key", "no certificate"])
def test_a_certificate_that_cannot_be_shown_is_bad_input(
    wrong: str, authority: Authority, identity: Identity, demanding: ssl.SSLContext, tmp_path: Path
) -> None:
    trustme.CA().issue_cert("another").private_key_pem.write_to_path(str(tmp_path / "another.pem"))
    cert, key = {
        "encrypted": (identity.cert, identity.encrypted_key),
        "missing": (identity.cert, str(tmp_path / "missing.pem")),
        "another": (identity.cert, str(tmp_path / "another.pem")),
        "no key": (identity.cert, None),
        "no certificate": (identity.key, None),
    }[wrong]
    with Peer(tls=demanding) as peer:
        client = client_of(peer.url, ca_path=authority.path, client_cert=cert, client_key=key)
        with pytest.raises(BadInput, match=rf"client_cert\W+{cert} cannot be used") as raised:
            client.prepare()
        assert peer.connections == 0
    assert "hunter2" not in raised.value.message


def test_an_encrypted_key_does_not_ask_for_its_password(identity: Identity) -> None:
    program = f"""
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Connection
from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport
try:
    Transport(Connection("https://127.0.0.1:9", client_cert={identity.cert!r}, client_key={identity.encrypted_key!r}))
except BadInput:
    print("refused")
"""
    screen, terminal = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env=environment,
    ) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # that is how a terminal ends
            while block := os.read(screen, 1000):
                shown += block
                if b"pass phrase" in shown:
                    process.kill()
        os.close(screen)
    assert shown.split() == [b"refused"]


# Surroundings


def test_a_netrc_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Peer() as peer:
        ask(peer.url)
        submit(peer.url, [b"small"])
    assert all("authorization" not in request.headers for request in peer.requests)


def test_what_requests_would_say_of_itself_is_not_said() -> None:
    with Peer() as peer:
        ask(peer.url)
    headers = peer.requests[0].headers
    assert headers["user-agent"] == "assetops.imports"
    assert headers["accept-encoding"] == "identity"


def proxy(conversation: Conversation) -> None:
    """Pass on what is for a server with TLS; answer what is in the clear itself."""
    head = conversation.head()
    method, target, _version = head.line.split()
    if method == "CONNECT":
        host, _colon, port = target.rpartition(":")
        conversation.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        conversation.pass_on(host, int(port))
    else:
        conversation.read(int(head.headers.get("content-length", "0")))
        conversation.answer("203 From a proxy")


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
def test_a_proxy_in_trouble_is_told_without_its_password(
    trouble: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(conversation: Conversation) -> None:
        conversation.head()
        conversation.answer("407 Proxy Authentication Required")

    with Peer(refuse) as middle, Peer(tls=tls) as peer:
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


def test_a_proxy_that_is_called_something_else_is_told_by_its_variable(
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
def test_a_proxy_that_is_away_is_told_by_its_name(way: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer() as gone:
        pass
    monkeypatch.setenv(f"{server}_proxy", f"{way}://127.0.0.1:{gone.port}")
    url = f"{server}://licstat.invalid"
    with pytest.raises(NoReply) as raised:
        Transport(Connection(url, timeout=5)).exchange("GET", f"{url}/status", {})
    assert raised.value.message == f"the proxy 127.0.0.1:{gone.port} ({server}_proxy): connection refused"
    assert (raised.value.unconnected, raised.value.is_permanent) == (True, False)


def test_plain_http_at_a_proxy_that_should_speak_tls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_a_loss(conversation: Conversation) -> None:
        conversation.sock.recv(1000)
        conversation.answer("400 Bad Request")

    with Peer(at_a_loss) as middle:
        monkeypatch.setenv("http_proxy", middle.url.replace("http", "https"))
        with pytest.raises(Outage, match=r"the proxy .*http_proxy begins with https") as raised:
            ask("http://licstat.invalid", use_proxy=True)
    assert raised.value.is_permanent


@pytest.mark.parametrize("server", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_told_by_its_name(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(conversation: Conversation) -> None:
        conversation.head()
        conversation.answer("407 Proxy Authentication Required")

    with Peer(refuse) as middle:
        monkeypatch.setenv(f"{server}_proxy", middle.url)
        words = rf"the proxy 127\.0\.0\.1:{middle.port} \({server}_proxy\) wants a user .* 407 Proxy Auth"
        with pytest.raises(Outage, match=words) as raised:
            ask(f"{server}://licstat.invalid", use_proxy=True)
        sent = submit(f"{server}://licstat.invalid", [b"small"], use_proxy=True)
    assert raised.value.is_permanent
    assert isinstance(sent.outcome, NotSent)
    assert middle.connections == 2


def test_a_proxy_that_does_not_get_through_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(conversation: Conversation) -> None:
        conversation.head()
        conversation.answer("502 Bad Gateway")

    with Peer(refuse) as middle:
        monkeypatch.setenv("https_proxy", middle.url)
        with pytest.raises(NoReply, match=r"the proxy .* did not connect to the server: 502 Bad Gateway") as raised:
            Transport(Connection("https://licstat.invalid")).exchange("GET", "https://licstat.invalid/", {})
    assert (raised.value.unconnected, raised.value.is_permanent) == (True, False)


def test_what_a_server_says_behind_a_proxy_is_not_blamed_on_it(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wanting(conversation: Conversation) -> None:
        conversation.request()
        conversation.answer("407 Proxy Authentication Required")

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
    "http://me:hun/ter2@127.0.0.1:3128",
    "http://me:hun#ter2@127.0.0.1:3128",
    "http://me:hun?ter2@127.0.0.1:3128",
    "http://me:12#hunter2@127.0.0.1:3128",
    "http://me:12/hunter2@127.0.0.1:3128",
    "http://me:hunter2@127.0.0.1:port",
    "http://me:hunter2@127.0.0.1:0",
    "http://me:hunter2@127.0.0.1:99999",
    "http://me:hunter2@",
    "http://me:hunter2@[::1",
    "gopher://me:hunter2@127.0.0.1:3128",
    "http:me:hunter2@127.0.0.1:3128",
    "http://me:hun ter2@127.0.0.1:3128",
    "http://me:hun\\ter2@127.0.0.1:3128",
]


@pytest.mark.parametrize("server", ["http", "https"])
@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_proxy_is_told_at_once_by_its_variable(
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
def test_a_socks_proxy_without_pysocks_is_told_at_once(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
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


# Names, and silence on the line


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A resolver that says of names in .invalid that there are none, which not every host that runs tests has."""
    known: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in known:
            return real("127.0.0.1", *args, **kwargs)
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name.endswith(".busy"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.usefixtures("names")
def test_a_name_that_does_not_exist_is_told_at_once() -> None:
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


@pytest.mark.usefixtures("names")
def test_a_proxy_that_does_not_exist_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    with pytest.raises(Outage, match=r"the proxy proxy\.invalid:3128 \(http_proxy\): ") as raised:
        client_of("http://licstat.example.com", use_proxy=True).ask("POST", "/status")
    assert raised.value.is_permanent


def test_a_host_that_can_be_no_name_is_told_at_once() -> None:
    pauses: list[float] = []
    with pytest.raises(Outage, match="url is not a URL that can be asked") as raised:
        client_of(f"http://{'a' * 64}.example.com", pauses).ask("POST", "/status")
    assert raised.value.is_permanent
    assert pauses == []


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


def test_a_host_without_requests_is_told_what_to_install_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(ImportsError) as raised:
        client_of("http://127.0.0.1:9").prepare()
    for words in ("requests", sys.executable, os.uname().nodename, "pip install"):
        assert words in raised.value.message
