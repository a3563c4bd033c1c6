# SPDX-License-Identifier: GPL-3.0-or-later
"""License Statistics: times as users write them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.options import parse_server_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-01-10 15:10:00", datetime(2021, 1, 10, 15, 10)),
        ("2021-01-10T15:10:00", datetime(2021, 1, 10, 15, 10)),
        ("2021-01-10 15:10", datetime(2021, 1, 10, 15, 10)),
        ("2021-01-10T15:10", datetime(2021, 1, 10, 15, 10)),
        ("2021-02-10 19:13:23", datetime(2021, 2, 10, 19, 13, 23)),
        ("2024-02-29 23:59:59", datetime(2024, 2, 29, 23, 59, 59)),
        ("0001-01-01 00:00", datetime(1, 1, 1)),
    ],
)
@pytest.mark.parametrize("option", ["from", "to"])
def test_a_time_is_taken_to_the_second(text: str, expected: datetime, option: str) -> None:
    assert parse_server_time(text, option) == expected


def test_a_day_is_its_beginning_but_no_end() -> None:
    assert parse_server_time("2021-01-10", "from") == datetime(2021, 1, 10)
    with pytest.raises(BadInput, match=r"to: 2021-01-10 is a whole day.*2021-01-10 23:59:59"):
        parse_server_time("2021-01-10", "to")


def test_no_time_is_no_time() -> None:
    assert parse_server_time(None, "from") is None
    assert parse_server_time(None, "to") is None


@pytest.mark.parametrize(
    "text",
    [
        *("2021-01-10 15:10:00Z", "2021-01-10T15:10Z", "2021-01-10 15:10:00 UTC", "2021-01-10 15:10:00+00:00"),
        *("2021-01-10 15:10:00 +0100", "2021-01-10T15:10:00-05", "2021-01-10 15:10:00.123+01:00"),
    ],
)
@pytest.mark.parametrize("option", ["from", "to"])
def test_a_time_zone_is_refused(text: str, option: str) -> None:
    with pytest.raises(BadInput, match=f"^{option}: .*time zone"):
        parse_server_time(text, option)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "yesterday", "2021", "2021-1-10", "10.01.2021", "2021-01-10 ", "2021-01-10 15", "2021-01-10 15:1"),
        *("2021-01-10 15:10:00.5", "2021-01-10  15:10:00", "2021-01-10 15:10:00\n", "2021-01-10 15:10:00 PM"),
        *("20210110T151000", "1610291400", "\uff12\uff10\uff12\uff11-01-10 15:10:00"),
    ],
)
@pytest.mark.parametrize("option", ["from", "to"])
def test_what_is_no_time_is_refused(text: str, option: str) -> None:
    with pytest.raises(BadInput, match=f"^{option}: "):
        parse_server_time(text, option)


@pytest.mark.parametrize(
    "text",
    [
        *("2021-02-29 12:00", "2021-13-01 12:00", "2021-00-10 12:00", "0000-01-01 12:00", "2021-01-10 25:00"),
        *("2021-01-10 12:60", "2021-02-30"),
    ],
)
def test_a_time_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^from: .* does not exist"):
        parse_server_time(text, "from")


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", fullmatch=True))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        found = parse_server_time(text, "to")
    except BadInput:
        return
    assert isinstance(found, datetime)
    assert found.tzinfo is None
