# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server said is fit to be shown and kept: no secrets in it, and nothing that anything would obey."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from ansible.module_utils.common.text.converters import jsonify
from ansible.parsing.ajson import AnsibleJSONDecoder
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import MAX_DEPTH, Secrets, harmless


def nested(levels: int, *, lists: bool) -> Any:
    value: Any = "bottom"
    for _level in range(levels):
        value = [value] if lists else {"in": value}
    return value


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"sts": "SUCCESS", "n": 3, "ok": True, "no": None}, {"sts": "SUCCESS", "n": 3, "ok": True, "no": None}),
        ([float("nan"), float("inf"), float("-inf"), 1.5], ["NaN", "Infinity", "-Infinity", 1.5]),
        (
            {"__ansible_type": "x", "a": [{"__ansible_vault": "y"}]},
            {"(__ansible_type)": "x", "a": [{"(__ansible_vault)": "y"}]},
        ),
        ({"__ansible_unsafe": "{{ x }}"}, {"(__ansible_unsafe)": "{{ x }}"}),
        ("\x1b[31mred\x1b[0m\x07", "\\x1b[31mred\\x1b[0m\\x07"),
        ({"\x1b]0;title\x07": 1}, {"\\x1b]0;title\\x07": 1}),
        ("a\tb\r\nc\rd\x9b2J\x7f\x00", "a\tb\nc\\x0dd\\x9b2J\\x7f\\x00"),
        ("half \ud83d of a pair, \u202egpj.exe", "half \\ud83d of a pair, \\u202egpj.exe"),
        ("Größe ✓ 😀", "Größe ✓ 😀"),
    ],
)
def test_nothing_that_is_obeyed_is_left(said: Any, told: Any) -> None:
    assert harmless(said) == told


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 400, 5000])
def test_what_is_nested_too_deep_ends_in_an_ellipsis(levels: int, lists: bool) -> None:
    told = json.dumps(harmless(nested(levels, lists=lists)), ensure_ascii=False)
    assert "…" in told
    assert "bottom" not in told
    assert "bottom" in json.dumps(harmless(nested(MAX_DEPTH, lists=lists)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["__ansible_type", "__ansible_vault", "a"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=20,
)


@settings(max_examples=50)
@given(json_values)
def test_ansible_reads_back_what_was_reported(value: Any) -> None:
    told = harmless(value)
    text = json.dumps(told, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    assert json.loads(text) == told
    decoder: Any = AnsibleJSONDecoder
    assert json.loads(jsonify(told), cls=decoder) == told
    assert not [letter for letter in text if unicodedata.category(letter) in ("Cc", "Cs")]
    assert harmless(told) == told or "(__ansible" in text


def test_secrets_are_taken_out_of_texts_and_names_but_not_out_of_the_vendors_names() -> None:
    secrets = Secrets(["last_status", "mode"])
    secrets.add("last_status")
    said = {"last_status": "the last_status is last%5Fstatus", "mode": "idle", "last_status2": ["LAST_STATUS"]}
    assert secrets.clean(said) == {"last_status": "the ******** is ********", "mode": "idle", "********2": ["********"]}


def test_numbers_and_truth_are_no_texts() -> None:
    secrets = Secrets()
    secrets.add("2026")
    secrets.add("true")
    assert secrets.clean({"n": 2026, "ok": True, "id": "import_2026-11-25"}) == {
        "n": 2026,
        "ok": True,
        "id": "import_********-11-25",
    }
