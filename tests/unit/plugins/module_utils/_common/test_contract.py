# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the collection say to each other: identities and times."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    ImportsError,
    NoReply,
    NotSent,
    Outage,
    OutcomeUnknown,
    Refused,
    as_sentence,
    canonical,
    identity_of,
    now_text,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_an_identity_is_this_to_the_letter() -> None:
    assert canonical({"b": [1, None], "a": "ü"}) == '{"a":"ü","b":[1,null]}'
    assert identity_of(b=1, a="ü") == hashlib.sha256('{"a":"ü","b":1}'.encode()).hexdigest()


@settings(max_examples=30)
@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_the_order_of_names_does_not_matter(values: dict[str, Any]) -> None:
    assert canonical(values) == canonical(dict(reversed(values.items())))
    assert json.loads(canonical(values)) == values


@settings(max_examples=50)
@given(VALUES, VALUES)
def test_different_values_have_different_identities(one: Any, other: Any) -> None:
    assert (identity_of(it=one) == identity_of(it=other)) == (canonical(one) == canonical(other))


def test_names_that_are_not_utf8_have_an_identity() -> None:
    assert identity_of(name="debug-\udcff.log") != identity_of(name="debug-\udcfe.log")


def test_now_is_reported_in_utc_to_the_millisecond() -> None:
    text = now_text()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    told = datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert timedelta(seconds=-1) < datetime.now(timezone.utc) - told < timedelta(minutes=1)


@pytest.mark.parametrize("kind", [ImportsError, BadInput, Refused, NotSent, OutcomeUnknown, Outage])
def test_every_error_says_what_to_tell_a_person(kind: type[ImportsError]) -> None:
    answer = Answer("POST", "http://host/", 500, "Oops", {}, "")
    error = kind("It did not work.", answer)
    assert (str(error), error.message, error.answer) == ("It did not work.", "It did not work.", answer)
    assert kind("It did not work.").answer is None
    assert not error.affects_all


def test_no_reply_has_no_answer() -> None:
    assert NoReply("timed out").answer is None
    assert NoReply("not trusted", is_permanent=True).is_permanent


def test_what_befalls_all_is_told_apart() -> None:
    assert Refused("no", credentials=True).affects_all
    assert NotSent("no", unreachable=True).affects_all


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No", "No."),
        ("No.", "No."),
        ("No!", "No!"),
        ("No?", "No?"),
        ("No...", "No..."),
        ('It said "no."', 'It said "no."'),
        ("No (really.)", "No (really.)"),
        ("'/tmp/debug.log'", "'/tmp/debug.log'."),
        ("", ""),
    ],
)
def test_a_sentence_ends_once(text: str, expected: str) -> None:
    assert as_sentence(text) == expected
