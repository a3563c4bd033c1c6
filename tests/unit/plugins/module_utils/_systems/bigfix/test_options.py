# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of BigFix Inventory or License Metric Tool: times, and the identity of a server in receipts."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import (
    Requirement,
    time_option,
    wanted_import,
)

HOST = "https://bigfix.example.com:9081"


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-11-22T03:00:00Z", datetime(2026, 11, 22, 3, tzinfo=timezone.utc)),
        ("2026-11-22 03:00Z", datetime(2026, 11, 22, 3, tzinfo=timezone.utc)),
        ("2026-11-22T03:00:00.25Z", datetime(2026, 11, 22, 3, 0, 0, 250000, tzinfo=timezone.utc)),
        ("2026-11-22T03:00:00+0100", datetime(2026, 11, 22, 2, tzinfo=timezone.utc)),
        ("2026-11-22 03:00:00+00:00", datetime(2026, 11, 22, 3, tzinfo=timezone.utc)),
    ],
)
def test_a_moment_may_be_written_in_each_way_that_names_its_zone(text: str, when: datetime) -> None:
    assert time_option(text, "newer_than") == when


@given(st.text(max_size=30))
def test_other_texts_are_no_moments(text: str) -> None:
    try:
        found = time_option(text, "newer_than")
    except BadInput:
        return
    assert found is not None
    assert found.tzinfo is not None


def test_the_receipt_of_a_server_is_one_whatever_is_imported_and_stays_it_from_release_to_release() -> None:
    keys = {
        wanted_import(HOST, requirement).key
        for requirement in (Requirement(), Requirement(import_type="raw_only"), Requirement(max_age=3))
    }

    assert len(keys) == 1
    assert keys == {"38a4419e8e2e2a7624033f816ca2c1e347c361d1efc12ad7c994ab2bfdbaa5bc"}
