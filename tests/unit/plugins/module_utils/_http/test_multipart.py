# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of an upload, byte by byte, read by a parser that is not ours, and its commit point."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Callable

import multipart
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._files.content import (
    BLOCK,
    Content,
    Interrupted,
    digests_of,
    open_contents,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import (
    Body,
    checked_commit,
    encoded_form,
    form_data,
    json_document,
    mixed,
)

from .._files.test_content import Memory

MEBIBYTE = 1024 * 1024


def content_of(path: Path, data: bytes) -> Content:
    path.write_bytes(data)
    (content,) = open_contents([str(path)])
    return content


def log_body(folder: Path, data: bytes, commit: Callable[[str], None] = lambda _digest: None) -> Body:
    """A form with a log."""
    return form_data("file", content_of(folder / "debug.log", data), commit)


def parts_of(body: Body, sent: bytes) -> list[multipart.MultipartPart]:
    """What a server that keeps to RFC 7578 finds in it."""
    kind, options = multipart.parse_options_header(body.content_type)
    assert kind == "multipart/form-data"
    parser = multipart.MultipartParser(
        io.BytesIO(sent), options["boundary"], len(sent), strict=True, spool_limit=len(sent)
    )
    return list(parser)


def test_the_body_is_this_to_the_byte(tmp_path: Path) -> None:
    body = log_body(tmp_path, b"the log\r\n")
    boundary = body.content_type.partition("multipart/form-data; boundary=")[2]
    assert b"".join(body) == (
        b"--" + boundary.encode() + b"\r\n"
        b'Content-Disposition: form-data; name="file"; filename="debug.log"\r\n'
        b"Content-Type: application/octet-stream\r\n"
        b"\r\n"
        b"the log\r\n"
        b"\r\n--" + boundary.encode() + b"--\r\n"
    )
    assert len(boundary) >= 32
    assert boundary.isalnum()


def test_no_two_bodies_have_the_same_boundary(tmp_path: Path) -> None:
    content = content_of(tmp_path / "debug.log", b"the log")
    assert len({form_data("file", content, lambda _digest: None).content_type for _number in range(10)}) == 10


@settings(max_examples=40)
@given(size=st.sampled_from([1, BLOCK, 2 * BLOCK, MEBIBYTE]), more=st.integers(-2, 2))
@example(size=1, more=0)
@example(size=BLOCK, more=0)
@example(size=2 * BLOCK, more=1)
def test_a_log_of_any_size_arrives_whole(size: int, more: int) -> None:
    data = os.urandom(max(1, size + more))
    commits: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        body = log_body(Path(folder), data, commits.append)
        blocks = list(body)
    sent = b"".join(blocks)
    assert len(sent) == len(body)
    assert max(len(block) for block in blocks) <= MEBIBYTE
    assert all(blocks)
    (part,) = parts_of(body, sent)
    assert (part.name, part.filename, part.raw) == ("file", "debug.log", data)
    assert part.content_type == "application/octet-stream"
    assert commits == [hashlib.sha256(data).hexdigest()]


@pytest.mark.parametrize(
    "name",
    [
        *("with space.log", "semi;colon=.log", "percent%41.log", "účtenka \U0001f40e.log", 'quo"te.log'),
        *("two\r\nlines.log", 'x"\r\nX-Evil: 1\r\n\r\n.log', "-", "..log"),
    ],
)
def test_a_file_of_any_name_arrives_with_it(tmp_path: Path, name: str) -> None:
    body = form_data("file", content_of(tmp_path / name, b"the log"), lambda _digest: None)
    sent = b"".join(body)
    (part,) = parts_of(body, sent)
    assert (part.name, part.filename, part.raw) == ("file", name, b"the log")
    assert {header for header, _value in part.headerlist} == {"Content-Disposition", "Content-Type"}
    assert len(sent) == len(body)


def test_a_name_that_is_not_utf8_arrives_in_utf8_without_what_is_not(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/debug-\xff.log"))
    body = form_data("file", content_of(path, b"the log"), lambda _digest: None)
    sent = b"".join(body)
    assert 'filename="debug-\ufffd.log"\r\n'.encode() in sent
    assert len(sent) == len(body)


@settings(max_examples=60)
@given(name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0\\"), min_size=1, max_size=30))
def test_no_name_adds_a_header_or_a_part(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.log"
        try:
            content = content_of(path, b"the log")
        except OSError:
            return  # no file can have that name
        body = form_data("file", content, lambda _digest: None)
        (part,) = parts_of(body, b"".join(body))
    assert part.raw == b"the log"
    assert len(part.headerlist) == 2
    assert part.filename == f"{name}.log"


# The commit point


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_the_commit_comes_once_and_right_before_the_last_block(tmp_path: Path, size: int) -> None:
    events: list[str] = []
    body = log_body(tmp_path, b"x" * size, lambda _digest: events.append("commit"))
    for _block in body:
        assert body.started
        events.append("block")
    assert events == ["block"] * (len(events) - 2) + ["commit", "block"]
    assert body.committed


def test_nothing_of_the_end_leaves_before_the_commit(tmp_path: Path) -> None:
    sent: list[bytes] = []
    left_by_then: list[int] = []
    body = log_body(tmp_path, b"x" * 10, lambda _digest: left_by_then.append(len(b"".join(sent))))
    sent.extend(body)  # grows block by block
    assert left_by_then[0] < len(body)


def test_what_the_commit_raises_keeps_the_last_block_back(tmp_path: Path) -> None:
    class LostError(Exception):
        pass

    def lose(_digest: str) -> None:
        raise LostError

    body = log_body(tmp_path, b"x" * BLOCK, lose)
    sent: list[bytes] = []
    with pytest.raises(LostError):
        sent.extend(body)
    assert len(b"".join(sent)) < len(body)
    assert not body.committed


def test_a_body_can_be_sent_again_after_a_try_that_broke(tmp_path: Path) -> None:
    commits: list[str] = []
    body = log_body(tmp_path, b"x" * (3 * BLOCK), commits.append)
    first = iter(body)
    next(first)
    next(first)
    assert (body.started, body.committed, commits) == (True, False, [])
    del first
    again = b"".join(body)
    assert len(again) == len(body)
    assert commits == [hashlib.sha256(b"x" * (3 * BLOCK)).hexdigest()]


def test_what_is_taken_is_counted_at_each_try_anew(tmp_path: Path) -> None:
    body = log_body(tmp_path, b"x" * (2 * BLOCK))
    for _try in range(2):
        blocks, taken = iter(body), 0
        for block in blocks:
            assert body.sent == taken
            taken += len(block)
            if taken > BLOCK:
                break
        blocks.close()  # type: ignore[attr-defined]  # it is a generator
        assert 0 < body.sent < len(body)


def test_a_body_of_texts_alone_commits_too() -> None:
    commits: list[str] = []
    body = Body([b"one", b"", b"two"], "text/plain", commits.append)
    assert (list(body), len(body)) == ([b"one", b"two"], 6)
    assert commits == [hashlib.sha256(b"").hexdigest()]


# What was digested is what is sent


def expected_body(path: Path, data: bytes, commits: list[str], *, may_grow: bool = False) -> Body:
    content = replace(content_of(path, data), may_grow=may_grow)
    (sha256,) = digests_of([content], Memory())
    return form_data("file", content, checked_commit(content, sha256, commits.append))


def test_a_log_as_it_was_digested_is_committed(tmp_path: Path) -> None:
    commits: list[str] = []
    body = expected_body(tmp_path / "debug.log", b"the log", commits)
    assert len(b"".join(body)) == len(body)
    assert commits == [hashlib.sha256(b"the log").hexdigest()]


@pytest.mark.parametrize("after", [b"the LOG", b"the LOG and more"])
def test_a_log_that_is_another_log_by_now_breaks_off_before_the_last_block(tmp_path: Path, after: bytes) -> None:
    """Also where its time of change tells nothing, as it is set back, or where it may grow."""
    commits: list[str] = []
    log = tmp_path / "debug.log"
    body = expected_body(log, b"the log", commits, may_grow=len(after) > len(b"the log"))
    times = log.stat()
    log.write_bytes(after)
    os.utime(log, ns=(times.st_atime_ns, times.st_mtime_ns))
    sent: list[bytes] = []
    with pytest.raises(Interrupted, match="changed after its digest was taken"):
        sent.extend(body)
    assert len(b"".join(sent)) < len(body)
    assert (commits, body.committed) == ([], False)


def test_a_log_that_is_written_to_after_its_end_was_read_breaks_off_before_the_last_block(tmp_path: Path) -> None:
    commits: list[str] = []
    body = expected_body(tmp_path / "debug.log", b"the log", commits)
    blocks = iter(body)
    while b"the log" not in next(blocks):
        pass
    (tmp_path / "debug.log").write_bytes(b"the log, and more")
    with pytest.raises(Interrupted, match="is still being written"):
        next(blocks)
    assert (commits, body.committed) == ([], False)


def test_a_log_that_shrank_since_breaks_off_before_the_last_block(tmp_path: Path) -> None:
    commits: list[str] = []
    body = expected_body(tmp_path / "debug.log", b"the log", commits)
    (tmp_path / "debug.log").write_bytes(b"the")
    with pytest.raises(Interrupted, match="became shorter"):
        list(body)
    assert (commits, body.committed) == ([], False)


def test_a_log_that_may_grow_is_sent_as_it_was_digested(tmp_path: Path) -> None:
    commits: list[str] = []
    body = expected_body(tmp_path / "debug.log", b"the log", commits, may_grow=True)
    (tmp_path / "debug.log").write_bytes(b"the log, and more")
    (part,) = parts_of(body, b"".join(body))
    assert part.raw == b"the log"
    assert commits == [hashlib.sha256(b"the log").hexdigest()]


def test_where_no_digest_was_taken_what_is_sent_is_reported(tmp_path: Path) -> None:
    commits: list[str] = []
    content = content_of(tmp_path / "debug.log", b"the log")
    list(form_data("file", content, checked_commit(content, None, commits.append)))
    assert commits == [hashlib.sha256(b"the log").hexdigest()]


def test_texts_come_before_the_file(tmp_path: Path) -> None:
    content = content_of(tmp_path / "people.json", b"[]")
    body = form_data("file", content, lambda _digest: None, {"batch": "b1", "name": "Größe & co"})
    batch, name, file = parts_of(body, b"".join(body))
    assert [(part.name, part.filename, part.value) for part in (batch, name)] == [
        ("batch", None, "b1"),
        ("name", None, "Größe & co"),
    ]
    assert (file.name, file.filename, file.raw) == ("file", "people.json", b"[]")


def test_a_mixed_body_is_this_to_the_byte(tmp_path: Path) -> None:
    content = content_of(tmp_path / "assets.zip", b"PK\x03\x04")
    digests: list[str | None] = []
    body = mixed({"importFile": {"name": "assets.zip"}}, "assets.zip", content, digests.append)
    boundary = body.content_type.partition("multipart/mixed; boundary=")[2]
    sent = b"".join(body)
    assert sent == (
        b"--" + boundary.encode() + b"\r\n"
        b"Content-Type: application/json\r\n"
        b"\r\n"
        b'{"importFile":{"name":"assets.zip"}}\r\n'
        b"--" + boundary.encode() + b"\r\n"
        b"Content-Type: application/octet-stream\r\n"
        b'Content-Disposition: attachment; name="assets.zip"; filename="assets.zip"\r\n'
        b"Content-ID: <assets.zip>\r\n"
        b"\r\n"
        b"PK\x03\x04\r\n"
        b"--" + boundary.encode() + b"--\r\n"
    )
    assert len(body) == len(sent)
    assert digests == [hashlib.sha256(b"PK\x03\x04").hexdigest()]


def test_a_form_without_files_is_percent_encoded_and_commits_before_it_leaves() -> None:
    commits: list[str | None] = []
    body = encoded_form({"comment": "Größe & <a+b>", "control": "5a"}, commits.append)
    assert b"".join(body) == b"comment=Gr%C3%B6%C3%9Fe+%26+%3Ca%2Bb%3E&control=5a"
    assert body.content_type == "application/x-www-form-urlencoded"
    assert len(commits) == 1


def test_a_json_document_commits_before_it_leaves() -> None:
    commits: list[str | None] = []
    body = json_document({"b": "ü", "a": True}, commits.append)
    assert b"".join(body) == '{"a":true,"b":"ü"}'.encode()
    assert (body.content_type, len(body), len(commits)) == ("application/json", 19, 1)
