# SPDX-License-Identifier: GPL-3.0-or-later
"""License Statistics: options as users set them, times, and what a log lacks of a time range."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import open_contents
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import ImportOptions
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.logs import SEARCH
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.options import (
    import_options,
    license_server_number,
    parse_server_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.ranges import (
    last_day,
    missing_from_log,
    slow_clock_warning,
)

from .setting import log_at

PARAMS: dict[str, Any] = {
    "license_server_id": 40,
    "identity": "content",
    "src": ["debug.log"],
    "afterwards": "keep",
    "archive": None,
    "once": "ever",
    "receipts": "~/receipts.db",
    "force": False,
    **dict.fromkeys(("paths", "gather", "merge_policy", "from", "to", "window", "timezone")),
    **dict.fromkeys(("resolve_domain_names_to_ip", "find_domain_names_by_ip")),
    **{name: spec.get("default") for name, spec in SEARCH.items()},
}
DAY = {"from": "2021-01-10 00:00:00", "to": "2021-01-10 23:59:59"}
RANGE: dict[str, Any] = {"start": datetime(2021, 1, 10), "end": datetime(2021, 1, 10, 23, 59, 59)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ImportOptions(40)),
        ({"gather": ["usage", "usage"], "merge_policy": "merge"}, ImportOptions(40, ("usage",), "merge")),
        ({"to": DAY["to"]}, ImportOptions(40, end=RANGE["end"])),
        ({**DAY, "identity": "window"}, ImportOptions(40, **RANGE, is_window=True)),
        ({**DAY, "window": "yesterday"}, ImportOptions(40, **RANGE, is_window=True)),
        ({**DAY, "window": "since_last", "force": True}, ImportOptions(40, **RANGE, is_window=True)),
        ({**DAY, "identity": "since_last", "window": ""}, ImportOptions(40, **RANGE, is_window=True)),
        ({**DAY, "timezone": " UTC "}, ImportOptions(40, **RANGE, zone=ZoneInfo("UTC"))),
    ],
)
def test_options_say_what_is_imported(given: dict[str, Any], expected: ImportOptions) -> None:
    assert import_options({**PARAMS, **given}) == expected


@pytest.mark.parametrize(
    ("given", "begins"),
    [({"window": "yesterday"}, True), ({"window": "since_last"}, False), ({"identity": "since_last"}, False)],
)
def test_a_range_that_is_not_named_ends_with_the_last_day(given: dict[str, Any], begins: bool) -> None:
    for _attempt in range(2):  # midnight may come in between
        day = last_day(None)
        options = import_options({**PARAMS, **given})
        if day == last_day(None):
            break
    assert (options.start, options.end, options.is_window) == (day.start if begins else None, day.end, True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        *[({"license_server_id": one}, "numbered from 1 on") for one in (0, "-1", "0.0")],
        *[({"license_server_id": one}, "is empty") for one in (None, "", " ")],
        *[({"license_server_id": one}, "is not a whole number") for one in ("forty", True, 40.5, "1" * 19)],
        ({"identity": "window", "from": DAY["from"]}, "identity=window needs both from and to"),
        *[({"window": "yesterday", name: DAY[name]}, "one of them is missing") for name in DAY],
        ({"identity": "since_last", "force": True}, "does not say which time range"),
        ({"identity": "since_last", "once": "latest"}, "once=latest is for contents"),
        ({"window": "since_last", "receipts": "none"}, "receipts is none"),
        *[({"timezone": zone}, "is no time zone") for zone in ("Europe/Nowhere", "../etc", "")],
        *[({option: []}, f"^{option} is an empty list") for option in ("src", "paths", "patterns", "gather")],
        *[({option: ["x", " "]}, f"^{option} holds an empty text") for option in ("paths", "patterns", "excludes")],
        *[({option: ["a/b"]}, f"^{option} are matched with names") for option in ("patterns", "excludes")],
        *[({option: -1}, f"^{option} has to be") for option in ("min_age", "max_age")],
        *[({option: 1}, f"^{option} .* of no use with src") for option in ("min_age", "max_age", "recurse")],
        ({"archive": " "}, "^archive is empty"),
        ({"afterwards": "archive", "archive": __file__}, "is there, and is no folder"),
    ],
)
def test_options_that_mean_nothing_or_do_not_go_together_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        import_options({**PARAMS, **given})


@pytest.mark.parametrize("number", [40, "40", " 40 ", "40.0", 40.0])
def test_a_license_server_has_a_number_however_it_is_written(number: object) -> None:
    assert license_server_number(number) == 40


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2021-01-10T00:00:00", "2021-01-10T12:00:00", ""),
        ("2021-01-10T00:00:01", "2021-01-11T00:00:00", "The log begins at"),
        ("2021-01-08T00:00:00", "2021-01-09T23:59:59", "The log ends at"),
    ],
)
def test_what_a_log_does_not_hold_of_its_time_range_is_reported(first: str, last: str, words: str) -> None:
    identity = ImportOptions(40, **RANGE, is_window=True).identity()
    missing = missing_from_log({"first": first, "last": last}, identity)
    assert words in missing
    assert bool(missing) == bool(words)
    assert missing_from_log(None, identity) == ""


def test_a_log_that_was_written_to_later_than_it_is_now_is_reported(tmp_path: Path) -> None:
    content = log_at(tmp_path / "debug.log")
    assert slow_clock_warning(content) == ""
    os.utime(content.path, (time.time() + 400,) * 2)
    assert "was written to at" in slow_clock_warning(open_contents([content.path])[0])


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
        *("2021-01-10 15:10+01", "2021-01-10 15:10-08:00"),
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
        *("20210110", "2021-01", "2021-W02-1", "01/10/2021", "2021-01-10_15:10", " 2021-01-10 15:10"),
        *("2021-01-10 15:10 CET", "2021-01-10 15:10 Europe/Berlin", "2021-01-10 15:10:00.123Z"),
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
        *("2021-01-10 12:60", "2021-02-30", "2021-01-10 12:00:61", "2021-01-00 12:00"),
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
