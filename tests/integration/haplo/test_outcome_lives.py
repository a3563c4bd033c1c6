# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch was left as, and what a run does then: with the key for its page or without, as check mode foretold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ..support import ABSENT, QUICK, only
from .driver import Told, outcome_of

NO_KEY: dict[str, Any] = {"outcome_api_key": ABSENT}


def scheduled(told: Told) -> None:
    assert told(**NO_KEY)["state"] == "scheduled"


def submitted(told: Told) -> None:
    assert told(wait=False)["state"] == "submitted"


def incomplete(told: Told) -> None:
    told.control, told.files = told.erring, told.with_errors
    assert told()["state"] == "incomplete"


def stopped(told: Told) -> None:
    with told.configured(breaks_after=1):
        assert told()["state"] == "failed"


def succeeded(told: Told) -> None:
    assert told()["state"] == "succeeded"


def unknown(told: Told) -> None:
    told.sandbox.fault("html", operation="schedule", when="before_body", times=3, body="<p>Back soon</p>")
    assert told()["state"] == "unknown"


def adopted(told: Told) -> None:
    assert told(adopt=True)["state"] == "succeeded"


Leave = Callable[[Told], None]
LIVES: dict[Leave, tuple[tuple[str, bool], tuple[str, bool]]] = {
    scheduled: (("succeeded", False), ("scheduled", False)),
    submitted: (("succeeded", False), ("scheduled", False)),
    incomplete: (("incomplete", False), ("incomplete", False)),
    stopped: (("failed", False), ("failed", False)),
    succeeded: (("succeeded", False), ("succeeded", False)),
    unknown: (("succeeded", True), ("scheduled", True)),
    adopted: (("succeeded", False), ("succeeded", False)),
}
"""With the key and without: the state that a run tells, and whether it sends something."""


@pytest.mark.parametrize("with_key", [True, False], ids=["with the key", "without"])
@pytest.mark.parametrize("leave", LIVES)
def test_check_mode_foretells_what_a_run_does_and_sends_nothing(told: Told, leave: Leave, with_key: bool) -> None:
    leave(told)
    key = {} if with_key else NO_KEY
    state, is_sent = LIVES[leave][0 if with_key else 1]
    sent = len(told.sent())
    checked = told(check=True, **key)
    steps = {(request.operation, request.method) for request in told.sent()[sent:]}
    real = told(**key)

    has_failed = state in ("failed", "incomplete")
    assert outcome_of(real) == (has_failed, state, state)
    assert real["changed"] is checked["changed"] is is_sent
    assert outcome_of(checked) == ((False, "planned", "planned") if is_sent else (has_failed, state, state))
    assert checked.get("msg") == real.get("msg")
    # The question of a batch that cannot be, and pages.
    assert steps <= {("batches", "GET"), ("outcome", "GET"), *({("schedule", "POST")} if is_sent else ())}
    assert with_key or "GET" not in {method for _step, method in steps}


@pytest.mark.parametrize("with_key", [True, False], ids=["with the key", "without"])
@pytest.mark.parametrize("leave", LIVES)
def test_on_unknown_makes_no_difference_and_force_imports_once_more(told: Told, leave: Leave, with_key: bool) -> None:
    leave(told)
    key = {} if with_key else NO_KEY
    state, is_sent = LIVES[leave][0 if with_key else 1]
    for changed in (is_sent, False):
        result = told(on_unknown="retry", **key)
        assert (result["state"], result["changed"]) == (state, changed)
    forced = told(force=True, **key)
    assert (forced["changed"], only(forced)["reason"]) == (True, "forced")
    assert forced["state"] == ("scheduled" if not with_key else "incomplete" if leave is incomplete else "succeeded")


@pytest.mark.parametrize("end", ["stopped", "with errors", "well"])
@pytest.mark.parametrize("once", ["latest", "ever"])
def test_going_back_is_an_import_unless_once_is_for_ever(told: Told, end: str, once: str) -> None:
    def run(last: str, **more: Any) -> dict[str, Any]:
        return told(control=str(told.erring), files=told.people({"last": last, **more}), once=once, allow_errors=True)

    assert run("A")["state"] == "succeeded"
    ends = {"stopped": "failed", "with errors": "incomplete", "well": "succeeded"}
    with told.configured(breaks_after=1 if end == "stopped" else None):
        assert run("B", **({"extra": 1} if end == "with errors" else {}))["state"] == ends[end]

    back = run("A")
    assert (outcome_of(back), back["changed"]) == ((False, "succeeded", "succeeded"), once == "latest")
    assert (run("A")["changed"], told.times_scheduled) == (False, 3 if once == "latest" else 2)


def test_without_receipts_each_run_sends_and_tells_the_end(told: Told) -> None:
    for number in (1, 2):
        result = told(receipts="none")
        assert (outcome_of(result), result["changed"]) == ((False, "succeeded", "succeeded"), True)
        assert told.times_scheduled == number


@pytest.mark.parametrize("with_key", [True, False], ids=["with the key", "without"])
def test_what_is_adopted_is_as_well_as_can_be_known_and_is_not_looked_for(told: Told, with_key: bool) -> None:
    key = {} if with_key else NO_KEY
    state = "succeeded" if with_key else "scheduled"
    for options in ({"adopt": True, "check": True}, {"adopt": True}, {}):
        result = told(**options, **key)
        assert outcome_of(result) == (False, state, state)
    assert told.sent() == []


def test_a_batch_that_still_runs_is_seen_by_check_mode_as_it_is(told: Told) -> None:
    told.sandbox.clock(speed=0)
    submitted(told)
    checked = told(check=True)
    assert (outcome_of(checked), checked["changed"]) == ((False, "running", "running"), False)
    told.sandbox.clock(speed=QUICK)
    assert outcome_of(told()) == (False, "succeeded", "succeeded")
