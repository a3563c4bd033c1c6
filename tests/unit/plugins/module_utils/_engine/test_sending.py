# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending: what is asked and checked first, and what follows from a refusal or a lost answer."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    ImportsError,
    NotSent,
    Outage,
    OutcomeUnknown,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..fakes import BeforeCommit, ScriptedSystem, TurnedClock, accepted, seen
from .runs import (
    CHECK,
    FORCE,
    LATEST,
    NO,
    RETRY,
    A,
    B,
    attempts,
    begun,
    finishing,
    left,
    left_dead,
    next_run,
    run,
    run_one,
)

# The question before the first import is sent


AWAY = Outage("POST https://licstat/status: the server closed the connection without an answer.")
WRONG_TOKEN = Refused("POST https://licstat/status: HTTP 401.", credentials=True)


@pytest.mark.parametrize("trouble", [AWAY, WRONG_TOKEN, ImportsError("The Python package requests is needed.")])
@pytest.mark.parametrize("policy", [Policy(), CHECK])
def test_where_the_server_is_not_ready_all_fails_and_nothing_is_sent(
    location: str, system: ScriptedSystem, trouble: ImportsError, policy: Policy
) -> None:
    system.unprepared = trouble
    with closing(open_store(location, read_only=policy.check_mode)) as store:
        done = run(system, store, "abc", policy)
        assert store.find([one.wanted.key for one in done]) == {}
    assert [(one.state, one.changed, one.has_failed, one.attempt) for one in done] == [("failed", False, True, 0)] * 3
    assert done[0].message == f"{trouble.message} Nothing was imported."
    assert all(trouble.message in one.message for one in done)
    assert system.tried == []
    system.unprepared = None
    assert next_run(location, system).state == "succeeded"


def test_it_is_asked_once_and_only_where_something_is_sent(location: str, system: ScriptedSystem, store: Store) -> None:
    run(system, store, "ab")
    assert system.probed == 1
    system.unprepared = AWAY
    assert next_run(location, system).reason == "receipt"
    assert system.probed == 1


def test_it_is_asked_again_after_doubt_so_that_an_outage_leaves_only_one_so(
    system: ScriptedSystem, store: Store
) -> None:
    def goes_away(_wanted: Wanted) -> None:
        system.unprepared = AWAY

    system.on_submit = goes_away
    system.endings["a"] = [OutcomeUnknown("all was sent, but the server closed the connection without an answer.")]
    done = run(system, store, "abc")
    assert [one.state for one in done] == ["unknown", "failed", "failed"]
    assert system.tried == ["a"]


@pytest.mark.parametrize("told", [WRONG_TOKEN, AWAY, None])
def test_a_refusal_that_was_lost_is_asked_for(location: str, system: ScriptedSystem, told: ImportsError | None) -> None:
    def breaks(_wanted: Wanted) -> None:
        system.unprepared = told

    system.on_submit = breaks
    system.endings["a"] = [BeforeCommit(NotSent("refused while sending: the server stopped reading."))]
    one = next_run(location, system)
    assert (one.state, one.changed) == ("failed", False)
    assert ("HTTP 401" in one.message) is (told is WRONG_TOKEN)
    assert ("refused while sending" in one.message) is (told is not WRONG_TOKEN)


# What the content has to be like


def checked(calls: list[str], error: ImportsError | None = None) -> Wanted:
    """The import `a`, whose content is read before it is sent; with an error where it is found to be bad."""

    def check() -> None:
        calls.append("read")
        if error is not None:
            raise error

    return replace(A, check=check)


@pytest.mark.parametrize("policy", [Policy(), FORCE, CHECK, LATEST])
def test_what_a_server_could_make_nothing_of_is_not_sent(system: ScriptedSystem, store: Store, policy: Policy) -> None:
    (one,) = run(system, store, [checked([], BadInput("line 2: it is cut off."))], policy)
    assert (one.state, one.has_failed, one.changed) == ("failed", True, False)
    assert one.message == "line 2: it is cut off. Nothing was imported."
    assert (system.tried, system.probed) == ([], 0)
    assert store.find([A.key]) == {}


def test_a_content_is_read_where_it_is_to_be_sent_and_no_more(system: ScriptedSystem, store: Store) -> None:
    calls: list[str] = []
    bad = checked(calls, BadInput("it is cut off"))

    assert run(system, store, [checked(calls)], CHECK)[0].state == "planned"
    assert run(system, store, [checked(calls)])[0].state == "succeeded"
    assert calls == ["read", "read"]
    assert run(system, store, [bad])[0].reason == "receipt"
    assert run(system, store, [bad], Policy(once="latest"))[0].state == "succeeded"
    assert run(system, store, [replace(bad, key="another")], Policy(adopt=True))[0].reason == "adopted"
    assert calls == ["read", "read"]


@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_what_the_server_may_have_is_not_read_again(system: ScriptedSystem, location: str, state: str) -> None:
    """It was read by the run that sent it, and only the server tells what became of it."""
    system.is_repeatable = True
    left_dead(location, state)

    with closing(open_store(location)) as store:
        (one,) = run(system, store, [checked([], BadInput("it is cut off"))])

    assert (one.state, one.reason) == ("succeeded", "resumed")


def test_one_that_is_bad_keeps_no_other_from_being_sent(system: ScriptedSystem, store: Store) -> None:
    bad, good = run(system, store, [checked([], BadInput("it is cut off")), B])

    assert (bad.state, good.state) == ("failed", "succeeded")
    assert system.tried == ["b"]


# Refusals and broken connections


def test_a_refusal_is_a_failure_without_change(location: str, system: ScriptedSystem) -> None:
    system.endings["a"] = [Refused("The log is broken.", NO)]
    one = next_run(location, system)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("failed", False, True, None)
    assert (one.message, one.answer) == ("The log is broken. Nothing was imported.", NO)
    assert attempts(location) == [("failed", None)]


@pytest.mark.parametrize(
    "ending",
    [
        Refused("The log is broken.", NO),
        BeforeCommit(NotSent("The connection broke.")),
        BeforeCommit(ImportsError("The file changed.")),
        OutcomeUnknown("The answer was lost."),
    ],
    ids=["refused", "not sent", "changed file", "answer lost"],
)
def test_one_that_fails_does_not_stop_the_others(system: ScriptedSystem, store: Store, ending: Any) -> None:
    system.endings["b"] = [ending]
    imports = run(system, store, "abc")
    assert [one.has_failed for one in imports] == [False, True, False]
    assert [imports[0].state, imports[2].state] == ["succeeded", "succeeded"]
    assert system.tried == ["a", "b", "c"]


@pytest.mark.parametrize(
    "ending",
    [Refused("Who are you?", NO, credentials=True), BeforeCommit(NotSent("No connection.", unreachable=True))],
    ids=["credentials", "unreachable"],
)
def test_what_befalls_all_stops_the_sending(location: str, system: ScriptedSystem, store: Store, ending: Any) -> None:
    with closing(left(location, "succeeded", "e", remote_id="old")):
        system.endings["b"] = [ending]
        imports = run(system, store, "abcde")
    assert system.tried == ["a", "b"]
    assert [one.state for one in imports] == ["succeeded", "failed", "failed", "failed", "succeeded"]
    assert [one.changed for one in imports] == [True, False, False, False, False]
    words = imports[1].message.split(".")[0].split("?")[0]
    assert words in imports[2].message
    assert words in imports[3].message
    assert attempts(location, "c") == attempts(location, "d") == []


# Lost answers


def test_a_lost_answer_is_unknown_and_not_sent_again(location: str, system: ScriptedSystem, store: Store) -> None:
    system.endings["a"] = [OutcomeUnknown("All was sent, but the answer broke off.", NO)]
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("unknown", True, True, None)
    assert one.message.startswith("All was sent, but the answer broke off.")
    assert "on_unknown=retry" in one.message
    assert "target" in one.message
    assert one.answer is NO
    assert attempts(location) == [("unknown", None)]
    again = next_run(location, system)
    assert (again.state, again.changed, again.reason, again.has_failed) == ("unknown", False, "receipt", True)
    assert again.message.startswith("All was sent, but the answer broke off.")
    assert "on_unknown=retry" in again.message
    assert system.commits == ["a"]


@pytest.mark.parametrize(("policy", "reason"), [(RETRY, "retried"), (FORCE, "forced")])
def test_the_unknown_is_sent_again_on_demand(
    location: str, system: ScriptedSystem, policy: Policy, reason: str
) -> None:
    system.endings["a"] = [OutcomeUnknown("lost"), accepted("task 2")]
    next_run(location, system)
    again = next_run(location, system, policy=policy)
    assert (again.state, again.changed, again.reason, again.before) == ("succeeded", True, reason, "unknown")
    assert attempts(location) == [("unknown", None), ("succeeded", "task 2")]


def test_what_a_dead_run_sent_is_unknown_until_the_user_says_otherwise(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "sent")
    one = next_run(location, system)
    assert (one.state, one.changed, one.reason, one.before) == ("unknown", False, "receipt", "sent")
    assert "ended before it heard the server's answer" in one.message
    assert "on_unknown=retry" in one.message
    assert attempts(location) == [("unknown", None)]
    assert system.tried == []
    assert next_run(location, system, policy=RETRY).state == "succeeded"
    assert attempts(location) == [("unknown", None), ("succeeded", "task 1")]


def test_a_task_that_the_server_has_forgotten_is_asked_for_again(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("unknown", "The server does not know it."), seen("succeeded")]
    first = next_run(location, system)
    assert (first.state, first.changed, first.remote_id) == ("unknown", True, "task 1")
    second = next_run(location, system)
    assert (second.state, second.changed, second.reason) == ("succeeded", False, "resumed")
    assert system.commits == ["a"]


@pytest.mark.parametrize("policy", [FORCE, RETRY], ids=["forced", "retried"])
def test_a_lost_answer_is_not_that_of_the_task_before(location: str, system: ScriptedSystem, policy: Policy) -> None:
    system.sights["task 1"] = [seen("unknown" if policy is RETRY else "succeeded"), seen("succeeded")]
    next_run(location, system)
    system.endings["a"] = [OutcomeUnknown("lost")]
    one = next_run(location, system, policy=policy)
    assert (one.state, one.remote_id, one.server) == ("unknown", None, None)
    system.looked_at.clear()
    again = next_run(location, system)
    assert (again.state, again.remote_id, again.has_failed) == ("unknown", None, True)
    assert system.looked_at == []


def test_an_attempt_after_a_failure_has_nothing_of_the_task_before(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("failed", "The log overlaps.")]
    next_run(location, system)
    system.endings["a"] = [BeforeCommit(Refused("Not today."))]
    one = next_run(location, system)
    assert (one.state, one.remote_id, one.server) == ("failed", None, None)
    assert attempts(location) == [("failed", "task 1"), ("failed", None)]
    system.endings["a"] = [OutcomeUnknown("lost")]
    for _run in range(3):
        assert next_run(location, system).state == "unknown"
    assert system.commits == ["a", "a"]


# Force


def test_force_imports_again_what_was_imported(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)
    again = next_run(location, system, policy=FORCE)
    assert (again.state, again.changed, again.reason) == ("succeeded", True, "forced")
    assert (again.before, again.attempt, again.remote_id) == ("succeeded", 2, "task 2")
    assert system.commits == ["a", "a"]


@pytest.mark.parametrize(
    "ending",
    [Refused("no", NO), BeforeCommit(NotSent("no")), accepted("task 2")],
    ids=["refused", "broken off", "failed on the server"],
)
def test_if_a_forced_attempt_fails_the_success_stands(location: str, system: ScriptedSystem, ending: Any) -> None:
    next_run(location, system)
    system.endings["a"], system.sights["task 2"] = [ending], [seen("failed")]
    forced = next_run(location, system, policy=FORCE)
    assert (forced.state, forced.has_failed) == ("failed", True)
    after = next_run(location, system)
    assert (after.state, after.changed, after.attempt, after.remote_id) == ("succeeded", False, 1, "task 1")


@pytest.mark.parametrize(("state", "expected"), [("claimed", ("succeeded", "task 1")), ("sent", ("unknown", None))])
def test_a_forced_attempt_that_was_killed_hides_the_success_before_once_it_was_sent(
    location: str, system: ScriptedSystem, state: str, expected: tuple[str, str | None]
) -> None:
    next_run(location, system)
    left_dead(location, state)
    after = next_run(location, system)
    assert (after.state, after.remote_id, after.changed) == (*expected, False)
    assert system.commits == ["a"]


def test_force_resumes_what_is_not_over(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "submitted", remote_id="task 7")
    one = next_run(location, system, policy=FORCE)
    assert (one.state, one.changed, one.reason, one.remote_id) == ("succeeded", False, "resumed", "task 7")
    assert system.commits == []


def test_force_waits_for_a_living_run_and_then_imports_again(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    finish = finishing(other, begun(other), "succeeded", "theirs")
    turned.after(60, lambda: finish() if system.tried == [] else pytest.fail("it did not wait"))
    one = run_one(system, store, policy=FORCE, turned=turned)
    assert (one.state, one.changed, one.reason, one.remote_id) == ("succeeded", True, "forced", "task 1")
