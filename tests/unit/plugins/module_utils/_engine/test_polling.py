# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting that ends early, and outages while waiting."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Outage, Refused
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..fakes import ScriptedSystem, TurnedClock, seen
from .runs import NO, NO_WAIT, PACE, a_look_at, left_dead, next_run, receipt_of, run, run_one


def test_what_is_not_over_in_time_is_running_and_tells_how_to_go_on(
    location: str, system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    system.sights["task 1"] = [seen("running", "the state 'PARSING' is not documented")]
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("running", True, True, "task 1")
    for words in ("3600 s", "wait_timeout", "PARSING", "task task 1", "Run again", "nothing is imported twice"):
        assert words in one.message
    assert receipt_of(store).state == "submitted"


def test_an_outage_that_ends_is_survived(system: ScriptedSystem, store: Store) -> None:
    system.sights["task 1"] = [*[Outage("Service Unavailable")] * 5, seen("succeeded")]
    assert run_one(system, store).state == "succeeded"


def test_an_outage_that_lasts_loses_nothing(system: ScriptedSystem, store: Store, turned: TurnedClock) -> None:
    system.sights["task 1"] = [Outage("Service Unavailable", NO)]
    imports = run(system, store, "ab", turned=turned)
    assert [one.state for one in imports] == ["running", "succeeded"]
    assert (imports[0].has_failed, imports[0].remote_id) == (True, "task 1")
    assert imports[0].answer is NO
    assert 300 < turned.moment - 1000 < 400, "long before wait_timeout"
    for words in ("Service Unavailable", "task 1", "Run again"):
        assert words in imports[0].message
    assert receipt_of(store).state == "submitted"


def test_a_conclusion_from_an_outage_counts_then(system: ScriptedSystem, store: Store, turned: TurnedClock) -> None:
    gone = Outage("500: no such task", NO, conclusion=seen("unknown"))
    system.sights["task 1"] = [gone]
    imports = run(system, store, "ab", turned=turned)
    assert [one.state for one in imports] == ["unknown", "succeeded"]
    assert imports[0].has_failed
    assert receipt_of(store).state == "unknown"
    system.sights["task 3"] = [gone, seen("running")]
    assert run_one(system, store, "c", turned=turned).state == "running", "the outage has ended"


def test_a_refused_look_ends_the_wait_for_one_import_only(location: str, system: ScriptedSystem, store: Store) -> None:
    system.sights["task 1"] = [Refused("Who are you?", NO, credentials=True)]
    first, second = run(system, store, "ab")
    assert (first.state, first.changed, first.has_failed, first.answer) == ("running", True, True, NO)
    assert first.message.startswith("Who are you?")
    assert "task 1" in first.message
    assert second.state == "succeeded"
    assert receipt_of(store).state == "submitted"


def test_what_stays_unknown_is_reported_with_the_time_since_when_it_is(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("unknown", "There is no such task.")]
    first = next_run(location, system)
    known = a_look_at(location)
    again = next_run(location, system)
    assert (first.state, again.state, again.reason) == ("unknown", "unknown", "resumed")
    since = f"sent by the attempt of {known.started_at}, and was unknown already at {known.finished_at}."
    assert [since in one.message for one in (first, again)] == [False, True]


def test_a_single_look_that_finds_nobody_is_reported(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "submitted", remote_id="task 7")
    system.sights["task 7"] = [Outage("No route to host", NO)]
    one = next_run(location, system, policy=NO_WAIT)
    assert (one.state, one.changed, one.has_failed, one.answer) == ("running", False, True, NO)
    assert "task 7" in one.message
    assert a_look_at(location).state == "submitted"


def test_without_time_to_wait_there_is_one_look(system: ScriptedSystem, store: Store, turned: TurnedClock) -> None:
    one = run_one(system, store, pace=replace(PACE, timeout=0), turned=turned)
    assert (one.state, system.looked_at, turned.pauses) == ("succeeded", ["task 1"], [])
