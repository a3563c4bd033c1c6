# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is replaced completely or not at all, and nothing else is left in its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files.replacing import new_file, replace_file


def test_a_file_is_put_in_place_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "metrics.prom"

    replace_file(path, ["one\r\n", "half of a pair: \udc80\n"], mode=0o644)

    assert path.read_bytes() == b"one\r\nhalf of a pair: \\udc80\n"
    assert path.stat().st_mode & 0o777 == 0o644
    replace_file(path, ["two"])
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_stays_as_it_is_if_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("old")

    def pieces() -> Iterator[str]:
        yield "new"
        raise ValueError("No more.")

    with pytest.raises(ValueError, match="No more"):
        replace_file(path, pieces())

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_hidden_and_removed_unless_it_is_moved(tmp_path: Path) -> None:
    with new_file(tmp_path, "report.html", ["text"], 0o640) as new:
        assert new.name.startswith(".report.html.")
        assert new.read_text() == "text"

    assert list(tmp_path.iterdir()) == []
