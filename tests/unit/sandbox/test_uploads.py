# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking forms apart: at any block boundary, strictly, and without memory growing with the file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from starlette.requests import Request

from tests.sandbox.handle import Sandbox
from tests.sandbox.uploads import Upload, UploadError, receive_file

from .client import BOUNDARY, form, peak_memory, post

MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
CONTENTS = (
    *(b"", b"x", b"\r\n", b"--"),
    b"\r\n--" * 50,
    f"\r\n--{BOUNDARY[:-1]}".encode() * 5,
    f"--{BOUNDARY}\r\n\r\n--{BOUNDARY}".encode()[:-1].replace(b"\r\n--", b"\n--"),
    b"ends in a line break\r\n",
    Random(1).randbytes(5000),
)


def receive(body: bytes, folder: Path, sizes: Iterator[int], content_type: str = MULTIPART) -> Upload:
    """Receive a body that comes in blocks of these sizes."""
    blocks = []
    while body:
        size = next(sizes)
        blocks.append(body[:size])
        body = body[size:]

    async def next_block() -> dict[str, object]:
        block = blocks.pop(0) if blocks else b""
        return {"type": "http.request", "body": block, "more_body": bool(blocks)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
    return asyncio.run(receive_file(Request(scope, next_block), "file", folder))


def always(size: int) -> Iterator[int]:
    while True:
        yield size


def at_random(seed: int) -> Iterator[int]:
    random = Random(seed)
    while True:
        yield random.choice((1, 2, 3, 10, 100, 3000))


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("sizes", [always(1), always(2), always(7), always(1 << 20), at_random(1), at_random(2)])
def test_any_block_boundary(tmp_path: Path, content: bytes, sizes: Iterator[int]) -> None:
    upload = receive(form(content, file_name="a b.log"), tmp_path, sizes)
    assert upload.path.read_bytes() == content
    assert (upload.file_name, upload.size) == ("a b.log", len(content))


def part(headers: str, content: str = "x") -> bytes:
    return f"--{BOUNDARY}\r\n{headers}\r\n\r\n{content}\r\n".encode()


END = f"--{BOUNDARY}--\r\n".encode()
FILE = part('Content-Disposition: form-data; name="file"; filename="f"')


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (form(b"x"), "multipart/form-data", "Content-Type is not multipart/form-data with a boundary"),
        (form(b"x"), "application/octet-stream", "Content-Type is not"),
        (form(b"x"), f"multipart/mixed; boundary={BOUNDARY}", "Content-Type is not"),
        (form(b"x"), f"multipart/form-data; boundary={'b' * 71}", "Content-Type is not"),
        (form(b"x"), "multipart/form-data; boundary=other", "malformed multipart body"),
        (b"", MULTIPART, "malformed multipart body"),
        (END, MULTIPART, "Required part 'file' is not present."),
        (form(b"x", name="datei"), MULTIPART, "unexpected part 'datei'"),
        (part('Content-Disposition: form-data; name="file"') + END, MULTIPART, "part 'file' has no filename"),
        (FILE + FILE + END, MULTIPART, "part 'file' given twice"),
        (FILE + part('Content-Disposition: form-data; name="more"') + END, MULTIPART, "unexpected part 'more'"),
        (FILE, MULTIPART, "malformed multipart body"),
        (form(b"x")[:-6], MULTIPART, "malformed multipart body"),
        (part("X-Other: 1") + END, MULTIPART, "malformed multipart body"),
    ],
)
def test_bad_forms(tmp_path: Path, body: bytes, content_type: str, message: str) -> None:
    with pytest.raises(UploadError, match=f"^{re.escape(message)}"):
        receive(body, tmp_path, always(1 << 20), content_type)
    assert list(tmp_path.iterdir()) == []


def test_bad_form_over_http(sandbox: Sandbox) -> None:
    answer = post(sandbox, "/api/v3/admin/license-server/40/import", form(b"x"), content_type="multipart/form-data")
    assert answer.status == 400
    assert answer.json()["success"] is False
    assert sandbox.licstat().tasks == []


def test_memory_does_not_grow_with_the_file(sandbox: Sandbox) -> None:
    block, count = b"\0" * 1024**2, 24
    whole = form(block)
    head, tail = whole.split(block)
    body = (head, *[block] * count, tail)
    warm_up = post(sandbox, "/api/v3/admin/license-server/40/import", form(block * 2))
    assert warm_up.status == 200
    before = peak_memory(sandbox)
    length = {"Content-Length": str(len(head) + len(block) * count + len(tail))}
    answer = post(sandbox, "/api/v3/admin/license-server/41/import", body, headers=length)
    assert answer.json()["success"]
    assert sandbox.licstat().tasks[1].size == len(block) * count
    assert peak_memory(sandbox) - before < 8 * 1024**2
    assert not list((sandbox.data_dir / "licstat").glob("upload-*"))
