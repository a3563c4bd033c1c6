# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are wrong, large, slow, packed, or called something else."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import textwrap
import time
import zlib

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Outage, OutcomeUnknown
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe

from ..peers import Conversation, Peer
from .wires import SOON, Wire, answer_of, ask, raw, submit


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
def test_an_answer_that_is_none_is_reported_in_words(data: bytes, words: str) -> None:
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
    """64 MiB of spaces, packed so many times."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    data = b"".join(packer.compress(b" " * 1024 * 1024) for _number in range(64)) + packer.flush()
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
