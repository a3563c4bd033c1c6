# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode of `lm_import`: it sends nothing that could change anything, and says what a run would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.lm.asset_archives import DEMO
from ..support import ABSENT, only, snapshot
from .driver import Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
Situation = Callable[[Lm], dict[str, Any]]


def nothing_yet(lm: Lm) -> dict[str, Any]:
    return {}


def it_was_imported(lm: Lm) -> dict[str, Any]:
    lm(ARCHIVE)
    return {}


def it_is_to_be_fetched(lm: Lm) -> dict[str, Any]:
    return {"src": ABSENT, "import_url": f"http://acme.com/imports/{DEMO}"}


def another_state_was_imported_since(lm: Lm) -> dict[str, Any]:
    lm(ARCHIVE)
    lm(lm.archive(DEMO))
    return {}


def its_library_was_emptied_since(lm: Lm) -> dict[str, Any]:
    lm(ARCHIVE)
    lm.empty()
    return {}


def it_failed(lm: Lm) -> dict[str, Any]:
    lm.sandbox.fault("status", operation="import", when="after_body", status=400)
    lm(ARCHIVE)
    return {}


def its_answer_was_lost(lm: Lm) -> dict[str, Any]:
    lm.sandbox.fault("drop", operation="import", when="after_body")
    lm(ARCHIVE)
    return {}


def it_has_ended_well_since(lm: Lm) -> dict[str, Any]:
    lm.sandbox.clock(speed=0)
    lm(ARCHIVE, wait=False)
    lm.sandbox.clock(step=60)
    return {}


def some_assets_wait_for_approval(lm: Lm) -> dict[str, Any]:
    lm.sandbox.configure("lm", governed=2)
    lm(ARCHIVE)
    return {}


def they_were_approved_since(lm: Lm) -> dict[str, Any]:
    some_assets_wait_for_approval(lm)
    lm.sandbox.configure("lm", approve=True)
    return {}


def they_may_wait(lm: Lm) -> dict[str, Any]:
    return {**some_assets_wait_for_approval(lm), "allow_unpublished": True}


def it_was_not_submitted(lm: Lm) -> dict[str, Any]:
    lm(ARCHIVE, submit=False)
    return {"submit": False}


@pytest.mark.parametrize(
    ("situation", "state", "reason", "changed", "fails"),
    [
        (nothing_yet, "planned", "new", True, False),
        (it_was_imported, "succeeded", "receipt", False, False),
        (it_is_to_be_fetched, "planned", "new", True, False),
        (another_state_was_imported_since, "planned", "new", True, False),
        (its_library_was_emptied_since, "planned", "new", True, False),
        (it_failed, "planned", "retried", True, False),
        (its_answer_was_lost, "unknown", "receipt", False, True),
        (it_has_ended_well_since, "succeeded", "resumed", False, False),
        (some_assets_wait_for_approval, "incomplete", "resumed", False, True),
        (they_were_approved_since, "succeeded", "resumed", False, False),
        (they_may_wait, "incomplete", "resumed", False, False),
        (it_was_not_submitted, "scheduled", "receipt", False, False),
    ],
)
def test_check_mode_changes_nothing_and_says_what_the_run_then_does(
    lm: Lm, situation: Situation, state: str, reason: str, changed: bool, fails: bool
) -> None:
    options = {"src": str(ARCHIVE), **situation(lm)}

    foreseen = lm.foresee(**options)

    told = (foreseen["state"], only(foreseen)["reason"], foreseen["changed"], foreseen.get("failed", False))
    assert told == (state, reason, changed, fails)

    lm.sandbox.clock(speed=1000)
    done = lm(**options)
    assert (only(done)["reason"], done["changed"], done.get("failed", False)) == told[1:]
    assert done["state"] == ("succeeded" if state == "planned" else state)
    assert only(done)["key"] == only(foreseen)["key"]


def test_questions_are_safe_in_check_mode(lm: Lm, tmp_path: Path) -> None:
    run = only(lm(ARCHIVE))["remote_id"]
    before = snapshot(tmp_path)

    assert lm.run_info(run, check=True) == lm.run_info(run)
    assert lm.library_info(check=True) == lm.library_info()
    assert snapshot(tmp_path) == before
