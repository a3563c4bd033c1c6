# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of a submission: blocks of a known total length, and a commit point before the last one.

A server that follows HTTP cannot accept a request whose body is shorter than its declared length. So `commit` is called
right before the last block is handed over: until then nothing can have been imported, and an exception breaks the
request off.

requests sends an iterable with a length block by block, with Content-Length and without copying.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Callable
from urllib.parse import urlencode

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import canonical
from ansible_collections.assetops.imports.plugins.module_utils._common.threads import start_thread
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, Interrupted


class Body:
    """A body of texts and file contents, one after the other. Another try iterates it again.

    `commit` gets the SHA-256 of the file contents, in hexadecimal. `started` and `committed` say how far the last try
    came: whether the first block was requested, and whether the last one was. `sent` counts the bytes that were taken.
    """

    def __init__(self, segments: list[bytes | Content], content_type: str, commit: Callable[[str], None]) -> None:
        self._segments = segments
        self._commit = commit
        self._length = sum(part.size if isinstance(part, Content) else len(part) for part in segments)
        self.content_type = content_type
        self.started = False
        self.committed = False
        self.sent = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        self.started, self.sent = True, 0
        held = b""
        with _DigestThread() as digest:
            for segment in self._segments:
                for block in segment.blocks() if isinstance(segment, Content) else [segment]:
                    if isinstance(segment, Content):
                        digest.update(block)
                    if held:
                        yield held
                        self.sent += len(held)
                    held = block
            sha256 = digest.finish()
        self._commit(sha256)
        self.committed = True
        yield held


class _DigestThread:
    """A SHA-256 that a thread computes during the sending, which takes as long. At most one block waits for it."""

    def __init__(self) -> None:
        import queue

        self._digest = hashlib.sha256()
        self._blocks: queue.Queue[bytes | None] = queue.Queue(maxsize=1)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> _DigestThread:
        self._thread = start_thread(self._work)
        return self

    def __exit__(self, *error: object) -> None:
        self.finish()

    def update(self, block: bytes) -> None:
        self._blocks.put(block)

    def finish(self) -> str:
        """The digest of all blocks, in hexadecimal; no block may follow."""
        if self._thread is not None and self._thread.is_alive():
            self._blocks.put(None)
            self._thread.join()
        return self._digest.hexdigest()

    def _work(self) -> None:
        while (block := self._blocks.get()) is not None:
            self._digest.update(block)


def form_data(
    field: str, content: Content, commit: Callable[[str], None], texts: Mapping[str, str] | None = None
) -> Body:
    """A multipart/form-data body (RFC 7578): `texts`, then one file, its file name as plain UTF-8 in quotes."""
    parts: list[tuple[str, bytes | Content]] = [
        (f'Content-Disposition: form-data; name="{_quoted(name)}"', text.encode("utf-8"))
        for name, text in (texts or {}).items()
    ]
    disposition = f'Content-Disposition: form-data; name="{_quoted(field)}"; filename="{_quoted(content.name)}"'
    parts.append((f"{disposition}\r\nContent-Type: application/octet-stream", content))
    return _multipart("form-data", parts, commit)


def mixed(document: Any, name: str, content: Content, commit: Callable[[str], None]) -> Body:
    """A multipart/mixed body (RFC 2046): a JSON document, then a file whose name is given in three ways.

    `name` has to be printable ASCII without quotes and angle brackets.
    """
    disposition = f'Content-Disposition: attachment; name="{name}"; filename="{name}"'
    described = f"Content-Type: application/octet-stream\r\n{disposition}\r\nContent-ID: <{name}>"
    parts: list[tuple[str, bytes | Content]] = [
        ("Content-Type: application/json", canonical(document).encode("utf-8")),
        (described, content),
    ]
    return _multipart("mixed", parts, commit)


def encoded_form(fields: Mapping[str, str], commit: Callable[[str], None]) -> Body:
    """A form as application/x-www-form-urlencoded, percent-encoded UTF-8; `commit` gets the digest of nothing."""
    return Body([urlencode(fields).encode("ascii")], "application/x-www-form-urlencoded", commit)


def json_document(document: Any, commit: Callable[[str], None]) -> Body:
    """A JSON document; `commit` gets the digest of nothing."""
    return Body([canonical(document).encode("utf-8")], "application/json", commit)


def checked_commit(content: Content, sha256: str | None, commit: Callable[[str], None]) -> Callable[[str], None]:
    """A commit that breaks off if the content is not what was digested before, or has changed since it was read."""

    def compare_and_commit(digest: str) -> None:
        if sha256 is not None and digest != sha256:
            raise Interrupted(f"{content.source} changed after its digest was taken.")
        content.check()  # two blocks were sent since its end was read, which may have taken long
        commit(digest)

    return compare_and_commit


def _multipart(subtype: str, parts: list[tuple[str, bytes | Content]], commit: Callable[[str], None]) -> Body:
    """A body of parts, each with its headers."""
    boundary = os.urandom(16).hex()
    segments: list[bytes | Content] = []
    for number, (headers, content) in enumerate(parts):
        lead = "\r\n" if number else ""
        segments += [f"{lead}--{boundary}\r\n{headers}\r\n\r\n".encode(), content]
    segments.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
    return Body(segments, f"multipart/{subtype}; boundary={boundary}", commit)


def _quoted(name: str) -> str:
    """A name inside quotes as browsers write it (WHATWG, multipart/form-data). Bytes that are not UTF-8 are lost."""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
