# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems that take steps, that show no outcome or an incomplete one, or that lose what they had."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Attempt,
    NotSent,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store

from ..fakes import DIGEST, BeforeCommit, ScriptedSystem, Sight, accepted, seen
from ..other_run import abandon
from .runs import CHECK, FORCE, LATEST, NO, A, a_look_at, left, left_dead, next_run


class SteppingSystem(ScriptedSystem):
    """Notes a step, then breaks off, loses its answer or is done, as written; `found` are the notes it began with."""

    def __init__(self, *ways: str) -> None:
        super().__init__(is_repeatable=True)
        self.ways = list(ways)
        self.found: list[dict[str, Any]] = []

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        self.found.append(dict(attempt.notes))
        step = attempt.notes.get("step", 0) + 1
        attempt.note({"step": step})
        way = self.ways.pop(0)
        if way == "breaks off":
            raise NotSent("The connection broke.")
        attempt.commit(DIGEST)
        if way == "loses":
            raise OutcomeUnknown("The answer was lost.")
        return Accepted(
            f"batch {step}", "SCHEDULED", state="scheduled", message="Look into the log.", notes={"step": step}
        )


def test_what_is_scheduled_is_over_and_stays_so(location: str) -> None:
    system = SteppingSystem("is done")
    first, second = (next_run(location, system) for _number in range(2))
    assert (first.state, first.changed, first.remote_id, first.has_failed) == ("scheduled", True, "batch 1", False)
    assert (second.state, second.changed, second.reason) == ("scheduled", False, "receipt")
    assert (second.message, len(system.found)) == ("Look into the log.", 1)


@pytest.mark.parametrize("way", ["breaks off", "loses"])
def test_an_attempt_goes_on_from_the_steps_of_the_one_before(location: str, way: str) -> None:
    system = SteppingSystem(way, "is done")
    first, second = (next_run(location, system) for _number in range(2))
    assert first.has_failed
    assert (second.state, system.found) == ("scheduled", [{}, {"step": 1}])


def test_an_attempt_goes_on_from_the_steps_of_a_run_that_died(location: str) -> None:
    dying = open_store(location)
    attempt = dying.claim(A, None, now_text())
    assert attempt is not None
    assert dying.note(A.key, attempt, {"step": 5})
    abandon(dying)
    system = SteppingSystem("is done")
    assert next_run(location, system).remote_id == "batch 6"


def test_a_lost_answer_of_a_system_that_can_be_asked_by_sending_again_needs_no_decision(location: str) -> None:
    system = SteppingSystem("loses", "is done")
    first, second = (next_run(location, system) for _number in range(2))
    assert (first.state, "on_unknown" in first.message) == ("unknown", False)
    assert (second.state, second.reason, second.changed) == ("scheduled", "resumed", True)


@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_a_lost_answer_counts_no_more_once_another_import_came_after_it(location: str, state: str) -> None:
    """It may have been imported then, but the target is in another state since."""
    latest = Policy(once="latest")
    left_dead(location, state)
    system = SteppingSystem("is done", "is done", "is done")
    next_run(location, system, "b", latest)
    again, at_last = (next_run(location, system, policy=latest) for _number in range(2))
    assert (again.state, again.changed, again.reason) == ("scheduled", True, "new")
    assert (at_last.changed, system.found) == (False, [{}, {}])


class TellingSystem(ScriptedSystem):
    """Tells that it was an attempt before, and not this one, whose answer is lost or which was accepted."""

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        attempt.commit(DIGEST)
        if wanted.source == "a":
            raise OutcomeUnknown("The answer was lost.", is_new=False)
        return Accepted("batch 1", "SCHEDULED", state="scheduled", is_new=False)


@pytest.mark.parametrize(("name", "state"), [("a", "unknown"), ("b", "scheduled")])
def test_what_an_attempt_before_has_changed_is_no_change_of_this_one(location: str, name: str, state: str) -> None:
    one = next_run(location, TellingSystem(is_repeatable=True), name)
    assert (one.state, one.changed) == (state, False)


@pytest.mark.parametrize("way", ["is done", "breaks off"])
def test_a_forced_attempt_begins_anew(location: str, way: str) -> None:
    system = SteppingSystem(way, "is done")
    next_run(location, system)
    next_run(location, system, policy=FORCE)
    assert system.found == [{}, {}]


def test_an_import_into_a_target_that_was_emptied_is_sent_again(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)
    with closing(open_store(location)) as store:
        store.supersede(A.target)
    again = next_run(location, system)
    assert (again.state, again.changed, again.reason, system.commits) == ("succeeded", True, "new", ["a", "a"])


GONE = "The target is empty."


@pytest.mark.parametrize("check", [False, True])
def test_a_receipt_that_the_target_disproves_is_not_believed(
    location: str, system: ScriptedSystem, check: bool
) -> None:
    next_run(location, system)
    system.on_evidence_of_loss = lambda _notes: GONE
    again = next_run(location, system, policy=CHECK if check else None)
    assert (again.state, again.changed, again.reason) == ("planned" if check else "succeeded", True, "new")
    assert again.message.startswith(GONE)
    assert system.commits == ["a"] * (1 if check else 2)
    system.on_evidence_of_loss = lambda _notes: ""
    last = next_run(location, system)
    assert (last.state, last.changed, last.reason, last.message) == ("succeeded", False, "receipt", "")


def test_a_disproof_is_asked_for_with_the_notes_of_the_receipt(location: str, system: ScriptedSystem) -> None:
    asked: list[Any] = []

    def ask(notes: Mapping[str, Any]) -> str:
        asked.append(notes)
        return ""

    system.sights["task 1"] = [PollResult("succeeded", "", None, notes={"saw": 3})]
    next_run(location, system)
    system.on_evidence_of_loss = ask
    next_run(location, system)
    assert asked == [{"saw": 3}]


@pytest.mark.parametrize("state", ["failed", "unknown", "submitted", "sent"])
def test_what_is_not_known_to_be_there_is_not_disproved(location: str, system: ScriptedSystem, state: str) -> None:
    left(location, state, remote_id="task 1").close()
    system.on_evidence_of_loss = lambda _notes: GONE
    assert GONE not in next_run(location, system).message


def test_a_target_that_lost_one_import_has_lost_them_all(location: str, system: ScriptedSystem) -> None:
    next_run(location, system, "a")
    next_run(location, system, "b")
    system.on_evidence_of_loss = lambda _notes: "" if len(system.commits) > 2 else GONE
    next_run(location, system, "c")
    assert [next_run(location, system, name).reason for name in "abab"] == ["new", "new", "receipt", "receipt"]


def test_what_came_to_be_there_while_it_was_asked_is_believed(location: str, system: ScriptedSystem) -> None:
    """The target is empty, another run imports into it, and only then this run writes what it has seen."""
    next_run(location, system)

    def asked(_notes: Mapping[str, Any]) -> str:
        system.on_evidence_of_loss = lambda _notes: ""
        assert next_run(location, system, "b").state == "succeeded"
        return GONE

    system.on_evidence_of_loss = asked
    assert (next_run(location, system).reason, next_run(location, system, "b").reason) == ("new", "receipt")
    assert system.commits == ["a", "b", "a"]


def test_what_another_run_imports_meanwhile_is_not_imported_again(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)

    def asked(_notes: Mapping[str, Any]) -> str:
        system.on_evidence_of_loss = lambda _notes: ""
        next_run(location, system, policy=FORCE)
        return GONE

    system.on_evidence_of_loss = asked
    assert next_run(location, system).state == "succeeded"
    assert system.commits == ["a", "a"]


def test_a_forced_import_into_an_empty_target_is_a_forced_one(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)
    system.on_evidence_of_loss = lambda _notes: GONE
    system.endings["a"] = [Refused("no", NO)]
    one = next_run(location, system, policy=FORCE)
    assert (one.state, one.reason) == ("failed", "forced")
    assert a_look_at(location).state == "failed"  # as the success before is gone


@pytest.mark.parametrize("acceptable", [True, False])
def test_what_is_incomplete_is_a_failure_unless_the_user_takes_it(location: str, acceptable: bool) -> None:
    look = PollResult("incomplete", "3 are left", None, notes={"left": 3}, is_acceptable=acceptable)
    one = next_run(location, ScriptedSystem(sights={"task 1": [look]}))
    assert (one.state, one.has_failed, one.changed) == ("incomplete", not acceptable, True)


def test_what_was_incomplete_is_looked_at_again_with_its_notes_and_never_sent_again(location: str) -> None:
    class Remembering(ScriptedSystem):
        def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
            given.append(dict(notes))
            return super().poll(remote_id, notes)

    given: list[dict[str, Any]] = []
    looks: list[Sight] = [PollResult("incomplete", "3 are left", None, notes={"left": 3}), seen("succeeded")]
    system = Remembering(sights={"task 1": looks})
    first, second = (next_run(location, system) for _number in range(2))
    assert (first.state, second.state, second.changed, second.reason) == ("incomplete", "succeeded", False, "resumed")
    assert given == [{}, {"left": 3}]
    assert system.commits == ["a"]


def test_an_attempt_that_nobody_knows_of_is_not_forgotten_for_an_earlier_success(
    location: str, system: ScriptedSystem
) -> None:
    """A, B, then A again without an answer, and once more without success: whether A or B is there is not known."""
    next_run(location, system, "a", LATEST)
    next_run(location, system, "b", LATEST)
    system.endings["a"] = [
        OutcomeUnknown("The answer was lost."),
        BeforeCommit(NotSent("The connection broke.")),
        accepted("task 9"),
    ]
    next_run(location, system, "a", LATEST)
    next_run(location, system, "a", replace(LATEST, on_unknown="retry"))
    last = next_run(location, system, "a", LATEST)
    assert (last.state, last.changed, last.remote_id) == ("succeeded", True, "task 9")
