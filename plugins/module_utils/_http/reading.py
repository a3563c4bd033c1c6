# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an answer: up to a bound, unpacked and decoded, whatever the server calls it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import codecs
import http.client
import json
import re
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, NoReply

if TYPE_CHECKING:
    import requests

EXCLUDED_ENCODINGS = ("idna", "punycode")  # decoding these takes time in the square of the length


def read_answer(method: str, url: str, response: requests.Response, max_size: int) -> Answer:
    """The answer, cut after `max_size` bytes, both read and unpacked. Raises `NoReply` and what urllib3 raises."""
    body, block = bytearray(), b"."
    while block and len(body) <= max_size:
        block = response.raw.read(64 * 1024, decode_content=False)
        body += block
    is_whole = len(body) <= max_size
    if is_whole and response.raw.length_remaining:  # urllib3 1.26 does not look
        raise http.client.IncompleteRead(b"", response.raw.length_remaining)
    headers = {name.lower(): value for name, value in response.headers.items()}
    unpacked = _unpack(bytes(body), headers.get("content-encoding", ""), max_size, is_whole=is_whole)
    if unpacked is None:
        return Answer(method, url, response.status_code, response.reason or "", headers, "", is_whole=False)
    is_whole = is_whole and len(unpacked) <= max_size
    charset = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", headers.get("content-type", ""), re.IGNORECASE)
    text = _decode(unpacked[:max_size], charset[1] if charset else "utf-8", is_whole=is_whole)
    return Answer(method, url, response.status_code, response.reason or "", headers, text, is_whole)


def _unpack(body: bytes, encodings: str, max_size: int, *, is_whole: bool) -> bytes | None:
    """A body without its content encoding, up to a byte more than `max_size`; None if it cannot be decoded.

    The request asks for no encoding. One layer is decoded all the same, but no more: each may turn one byte into a
    thousand.
    """
    layers = [name for name in re.split(r"[\s,]+", encodings.lower()) if name not in ("", "identity")]
    if not layers or not body:
        return body
    if len(layers) > 1 or layers[0] not in ("gzip", "x-gzip", "deflate"):
        return None
    try:
        if layers[0] == "deflate":
            return _inflate(
                body, zlib.MAX_WBITS if body[0] & 0x0F == 8 else -zlib.MAX_WBITS, max_size, is_whole=is_whole
            )
        return _inflate(body, 16 + zlib.MAX_WBITS, max_size, is_whole=is_whole)
    except zlib.error as error:
        raise NoReply(f"the answer could not be unpacked from {layers[0]}") from error


def _inflate(body: bytes, window: int, max_size: int, *, is_whole: bool) -> bytes:
    """The inflated body. Raises `zlib.error`, and `IncompleteRead` if the end is missing."""
    inflated = bytearray()
    while True:
        unpacker = zlib.decompressobj(window)
        inflated += unpacker.decompress(body, max_size + 1 - len(inflated))
        if len(inflated) > max_size or not is_whole:
            return bytes(inflated)
        if not unpacker.eof:
            raise http.client.IncompleteRead(b"")
        body = unpacker.unused_data
        if not body.startswith(b"\x1f\x8b"):  # gzip data may have several members
            return bytes(inflated)


def _decode(body: bytes, charset: str, *, is_whole: bool) -> str:
    """The text of a body. Its bytes decide before `charset`: servers name a wrong one, or none, for correct JSON."""
    for encoding in (json.detect_encoding(body), "utf-8"):
        with suppress(UnicodeError):
            return codecs.getincrementaldecoder(encoding)().decode(body, is_whole)
    with suppress(UnicodeError, LookupError):
        if codecs.lookup(charset).name not in EXCLUDED_ENCODINGS:
            return body.decode(charset, "strict" if is_whole else "replace")
    return body.decode("utf-8", "replace")
