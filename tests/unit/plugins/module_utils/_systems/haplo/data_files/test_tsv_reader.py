# SPDX-License-Identifier: GPL-3.0-or-later
"""TSV files of Haplo without the line breaks at their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.tsv_reader import (
    without_final_line_breaks,
)

TSV = "first\tlast\nJoe\tBloggs"
READER = "tsv-with-name-row"


def content_of(path: Path, data: bytes) -> Content:
    path.write_bytes(data)
    (content,) = open_contents([str(path)])
    return content


@pytest.mark.parametrize("size", [0, 1, 4096, 10_001])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r\n\n\r", "\n" * 9000])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-be", "latin1"])
def test_line_breaks_at_the_end_are_left_out(tmp_path: Path, charset: str, end: str, size: int) -> None:
    text = TSV + "\n\u010a\u0a0d"[: 3 if charset != "latin1" else 1] + "x" * size
    kept = text.encode(charset).rstrip(b"\r\n") if not size and charset == "latin1" else text.encode(charset)
    data = (text + end).encode(charset)
    content = content_of(tmp_path / "people.tsv", data)

    trimmed = without_final_line_breaks({"read": READER, "charset": charset.replace("-be", "be")}, content)

    assert b"".join(trimmed.blocks()) == kept
    assert trimmed.size == len(kept)
    assert Path(content.path).read_bytes() == data
    assert (trimmed == content) == (len(kept) == len(data))


def test_what_is_no_tsv_is_left_as_it_is(tmp_path: Path) -> None:
    content = content_of(tmp_path / "people.json", b"[]\n")
    assert without_final_line_breaks({"read": "json"}, content) == content


@pytest.mark.parametrize(
    ("data", "charset", "words"),
    [(b"\n\r\n", "utf-8", "nothing in it"), (b"a\n", "x-johab", "x-johab"), (b"a\n", "ansi", "no charset 'ansi'")],
)
def test_what_cannot_be_trimmed_is_reported(tmp_path: Path, data: bytes, charset: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        without_final_line_breaks({"read": READER, "charset": charset}, content_of(tmp_path / "people.tsv", data))
