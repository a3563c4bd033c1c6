# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes, durations and lists of names, as people read them."""

from __future__ import annotations

import pytest

from ansible_collections.assetops.imports.plugins.plugin_utils._text import (
    format_duration,
    format_size,
    list_names,
    one_line,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (39_900, "39.9 kB"), (5_000_000, "5.0 MB"), (7.5e9, "7.5 GB"), (2e13, "20000.0 GB")],
)
def test_a_size_has_a_unit_of_its_magnitude(size: float, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (9000, "2.5 h"), (172_800, "2 d"), (1e6, "11.6 d")],
)
def test_a_duration_has_a_unit_of_which_there_are_two(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_list_of_names_fits_in_a_line_and_says_how_many_are_missing() -> None:
    names = [f"target{number:03}" for number in range(500)]
    assert list_names(names[:2]) == "target000, target001"
    assert list_names(names) == f"{', '.join(names[:5])} and 495 more"
    assert list_names(["x" * 200, "y"], 12) == f"{'x' * 200} and 11 more"


def test_a_text_of_any_origin_becomes_one_printable_line() -> None:
    assert one_line("two\nlines\x1b[2J") == "two lines\\x1b[2J"
    assert one_line(3) == "3"
