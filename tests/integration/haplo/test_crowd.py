# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of `haplo_batch` that overlap: one batch is scheduled, and each run tells how it ended as far as it may know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..crashing import Herd
from ..support import ABSENT, only
from .driver import Told, outcome_of

MANY = 20
NO_KEY: dict[str, Any] = {"outcome_api_key": ABSENT}
PATIENCE = 60  # seconds for what happens at once, unless the machine is busy with other things


@pytest.mark.slow
def test_of_twenty_runs_at_once_one_schedules_and_all_report_the_end(told: Told, tmp_path: Path) -> None:
    """Those with the key; half of them have none."""
    usual: dict[str, Any] = {"wait_timeout": PATIENCE, "unreachable_timeout": PATIENCE}
    options = [told.options(**usual, **key) for key in ({}, NO_KEY) for _number in range(MANY // 2)]
    herd = Herd("haplo_batch", options, tmp_path)
    try:
        results = herd.results(timeout=2 * PATIENCE)
    finally:
        herd.kill()

    found = [result for result in results if result is not None]
    assert len(found) == MANY
    assert not [result["msg"] for result in found if result.get("failed")]
    assert [result["changed"] for result in found].count(True) == 1
    assert {result["state"] for result in found[: MANY // 2]} == {"succeeded"}
    assert {result["state"] for result in found[MANY // 2 :]} <= {"succeeded", "scheduled"}
    assert len({only(result)["remote_id"] for result in found}) == 1
    assert (len(told.scheduled), told.times_scheduled) == (1, 1)
    assert {only(result)["reason"] for result in found} <= {"new", "joined", "receipt", "resumed"}
    assert outcome_of(told()) == (False, "succeeded", "succeeded")


@pytest.mark.parametrize("is_first_with_key", [True, False])
def test_of_two_runs_the_one_with_the_key_reports_the_end(told: Told, is_first_with_key: bool) -> None:
    """The first is held while it schedules the batch, so that the second one joins it."""
    key, other = ({}, NO_KEY) if is_first_with_key else (NO_KEY, {})
    told.sandbox.fault("hold", operation="schedule", when="after_work")
    first = told.start(wait_timeout=PATIENCE, **key)
    told.sandbox.wait_for("held", operation="schedule", timeout=PATIENCE)
    assert outcome_of(told(wait=False, **other)) == (False, "running", "running")
    second = told.start(wait_timeout=PATIENCE, **other)
    told.sandbox.release()
    results = [first.finish(PATIENCE), second.finish(PATIENCE)]

    assert [result["changed"] for result in results] == [True, False]
    expected = ["succeeded", "succeeded"] if is_first_with_key else ["scheduled", "succeeded"]
    assert [outcome_of(result)[:2] for result in results] == [(False, state) for state in expected]
    assert told.times_scheduled == 1
