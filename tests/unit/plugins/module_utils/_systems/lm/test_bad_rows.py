# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager: the rows that did not parse."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import OutcomeUnknown
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.bad_rows import NOTED

from .setting import RUN, Setting, bad_row, submit, taken


def test_rows_that_did_not_parse_are_reported_by_name_version_id_and_message(content: Content) -> None:
    setting = Setting(taking=taken(RUN, bad_row(1), bad_row(2, assetId=None, assetName=""), errors=True))
    accepted = submit(setting, content)
    assert accepted.state == "submitted"
    assert accepted.message == (
        "2 rows did not parse and were not imported: Asset 1 1.0 (id-1): line 1 is short; without a name 1.0: line 2 is"
        " short."
    )


def test_of_many_rows_fifty_are_shown_and_the_others_counted(content: Content) -> None:
    accepted = submit(Setting(taking=taken(RUN, *map(bad_row, range(1, 61)), errors=True)), content)
    assert accepted.message.startswith("60 rows did not parse")
    assert "line 50 is short; and 10 more." in accepted.message
    assert "line 51 " not in accepted.message
    assert len(accepted.server["import"]["assetImportMessages"]) == NOTED
    assert len(json.dumps(accepted.notes)) < 20_000


@pytest.mark.parametrize(
    ("errors", "rows", "words"),
    [
        (True, [], "does not say which"),
        ("true", [], "does not say which"),
        (True, [{"valid": True, "assetName": "A"}], "1 row did not parse and was not imported: A: no reason given."),
        (False, [bad_row()], "1 row did"),
        (None, [bad_row()], "1 row did"),
        (True, ["what?", bad_row()], "1 row did"),
        (False, [], ""),
        (False, [bad_row(valid=True)], ""),
    ],
)
def test_anything_that_tells_of_bad_rows_counts(errors: Any, rows: list[Any], words: str, content: Content) -> None:
    accepted = submit(Setting(taking=taken(RUN, *rows, errors=errors)), content)
    assert words in accepted.message
    assert bool(accepted.message) == bool(words)


def test_an_answer_with_more_bad_rows_than_are_ever_read_tells_the_first_ones(content: Content) -> None:
    whole = taken(RUN, *[bad_row(number, resultMessage='what is "}" for?') for number in range(100)], errors=True)
    for length in range(9000, 9300, 7):
        accepted = submit(Setting(taking=replace(whole, text=whole.text[:length], is_whole=False)), content)
        assert accepted.remote_id == RUN
        assert accepted.message.startswith("At least ")
    for length in (10, 60):
        with pytest.raises(OutcomeUnknown, match="too long"):
            submit(Setting(taking=replace(whole, text=whole.text[:length], is_whole=False)), content)
