# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of BigFix Inventory and License Metric Tool: any answer, and times as they are read and written."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, Outage
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.status import format_time, parse_status

from ...bigfix_server import BEGIN
from .test_system import FIELDS, HOST

IN_TIME = datetime(2026, 11, 25, 10, tzinfo=timezone.utc)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("date", "when"),
    [
        ("Wed, 25 Nov 2026 10:00:00 GMT", IN_TIME),
        ("Wed, 25 Nov 2026 10:00:00 GMT, Wed, 25 Nov 2026 10:00:01 GMT", IN_TIME),
        ("yesterday, Wed, 25 Nov 2026 10:00:00 GMT", IN_TIME),
        ("Wed, 31 Feb 2026 10:00:00 GMT, Wed, 25 Nov 2026 10:00:00 GMT", IN_TIME),
        ("Thu, 01 Jan 1960 00:00:00 GMT, Wed, 25 Nov 2026 10:00:00 GMT", IN_TIME),
        ("Wednesday, 25-Nov-26 10:00:00 GMT", IN_TIME),
        ("Wednesday, 25-Nov-26 10:00:00 GMT, Wednesday, 25-Nov-26 10:00:01 GMT", IN_TIME),
        ("Wed Nov 25 10:00:00 2026", IN_TIME),
        ("Wed Nov 25 10:00:00 2026, Wed, 25 Nov 2026 10:00:01 GMT", IN_TIME),
        ("Thu Nov  5 10:00:00 2026", IN_TIME - timedelta(days=20)),
        ("Mon, 25 Nov 2026 10:00:00 GMT", IN_TIME),
        ("Mi, 25 Nov 2026 10:00:00 GMT", IN_TIME),
        ("25 Nov 2026 10:00:00 GMT", IN_TIME),
        ("Wed, 25 Nov 2026 11:00:00 +0100", IN_TIME),
        ("Thu, 31 Dec 2026 23:59:60 GMT", datetime(2026, 12, 31, 23, 59, 59, tzinfo=timezone.utc)),
        ("", None),
        ("now", None),
        ("Wed, 25 Nov 2026 25:00:00 GMT", None),
        ("Wed, 25 Foo 2026 10:00:00 GMT", None),
        ("2026-11-25T10:00:00Z", None),
    ],
)
def test_the_date_is_the_first_valid_one(date: str, when: datetime | None) -> None:
    answer = Answer("GET", f"{HOST}/api/import_status.json", 200, "OK", {"date": date}, '{"mode": "idle"}')

    assert parse_status(answer, Clock()).server_time == when


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["mode", *FIELDS]), anything) | anything,
    st.text(max_size=40) | st.sampled_from(["Sun, 22 Nov 99999999999 03:00:00 GMT", "Sun, 22 Nov 2026 03:00:00 -0000"]),
)
def test_whatever_an_answer_holds_is_a_status_or_an_outage(content: Any, date: str) -> None:
    answer = Answer("GET", f"{HOST}/api/import_status.json", 200, "OK", {"date": date}, json.dumps(content))
    try:
        status = parse_status(answer, Clock())
    except Outage:
        return
    assert status.mode
    assert str(status)


def test_a_moment_is_written_as_the_server_writes_it() -> None:
    assert format_time(BEGIN) == "2026-11-22T03:00:00Z"
