# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in Haplo's forms."""

from __future__ import annotations

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.texts import LARGEST_TEXT, check_text


@pytest.mark.parametrize("text", [None, "x", "People from HR, Größe ✓", "two\nlines\tand a tab", "x" * LARGEST_TEXT])
def test_a_text_may_be_anything_sensible(text: str | None) -> None:
    check_text("comment", text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "\n", "x" * (LARGEST_TEXT + 1), "é" * (LARGEST_TEXT // 2 + 1)),
        *("a\0b", "a\rb", "\x1b[1m", "\ud800"),
    ],
)
def test_a_text_that_no_form_takes_is_reported(text: str) -> None:
    with pytest.raises(BadInput, match=r"^comment"):
        check_text("comment", text)
