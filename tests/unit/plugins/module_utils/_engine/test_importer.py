# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of an import: what is sent, waited for, resumed, and reported."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    OutcomeUnknown,
    Refused,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine import recording, sending
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES, Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock
from ansible_collections.assetops.imports.plugins.module_utils._receipts import store as _receipts
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask
from ..fakes import DIGEST, BeforeCommit, ScriptedSystem, TurnedClock, accepted, running, seen
from ..nobody import unprivileged
from ..other_run import abandon, wanted
from .runs import (
    CHECK,
    FORCE,
    LATEST,
    NO,
    NO_WAIT,
    PACE,
    RETRY,
    A,
    B,
    a_look_at,
    attempts,
    begun,
    finishing,
    left,
    left_dead,
    next_run,
    receipt_of,
    run,
    run_one,
)

# A first run


def test_an_import_is_sent_and_waited_for(system: ScriptedSystem, store: Store, turned: TurnedClock) -> None:
    system.sights["task 1"] = running(3, seen("succeeded"))
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.reason, one.has_failed) == ("succeeded", True, "new", False)
    assert (one.attempt, one.remote_id, one.content_sha256) == (1, "task 1", DIGEST)
    assert one.server == {"state": "succeeded"}
    assert one.before is None
    assert one.started_at is not None
    assert one.finished_at is not None
    assert (system.commits, system.looked_at) == (["a"], ["task 1"] * 4)
    assert (receipt_of(store).state, receipt_of(store).remote_id) == ("succeeded", "task 1")


def test_all_are_sent_in_the_order_given_before_any_is_waited_for(system: ScriptedSystem, store: Store) -> None:
    system.on_submit = lambda _wanted: system.looked_at.append("none yet")
    imports = run(system, store, "cab")
    assert system.commits == ["c", "a", "b"]
    assert system.looked_at == ["none yet"] * 3 + ["task 1", "task 2", "task 3"]
    assert [one.wanted.source for one in imports] == ["c", "a", "b"]


def test_a_claim_is_taken_right_before_its_import_is_sent(location: str, system: ScriptedSystem, store: Store) -> None:
    claims = []

    def note(one: Wanted) -> None:
        claims.append((one.source, [name for name in "abc" if attempts(location, name)]))

    system.on_submit = note
    run(system, store, "abc")
    assert claims == [("a", ["a"]), ("b", ["a", "b"]), ("c", ["a", "b", "c"])]


def test_equal_imports_in_one_task_are_one(system: ScriptedSystem, store: Store) -> None:
    copy = replace(A, source="copy of a")
    first, second, third, fourth = run(system, store, [A, copy, B, copy])
    assert system.commits == ["a", "b"]
    assert [one.reason for one in (first, second, third, fourth)] == ["new", "duplicate", "new", "duplicate"]
    assert [one.changed for one in (first, second, third, fourth)] == [True, False, True, False]
    assert (second.state, second.remote_id, second.attempt) == ("succeeded", "task 1", 1)
    assert (second.wanted.source, second.content_sha256) == ("copy of a", DIGEST)


def test_a_duplicate_of_what_failed_is_reported_with_its_state(system: ScriptedSystem, store: Store) -> None:
    system.endings["a"] = [Refused("The log is broken.")]
    first, second = run(system, store, "aa")
    assert (first.state, first.has_failed) == ("failed", True)
    assert (second.state, second.reason) == ("failed", "duplicate")
    assert system.tried == ["a"]


def test_the_outcome_of_each_is_told_apart(system: ScriptedSystem, store: Store) -> None:
    for number, state in enumerate(["failed", "succeeded", "incomplete", "unknown"], 1):
        system.sights[f"task {number}"] = [seen(state, f"it {state}")]
    imports = run(system, store, "abcd")
    assert [one.state for one in imports] == ["failed", "succeeded", "incomplete", "unknown"]
    assert [one.has_failed for one in imports] == [True, False, True, True]
    assert all(one.changed for one in imports)
    assert imports[0].message == "it failed"
    assert "on_unknown=retry" in imports[3].message


def test_states_are_ordered_from_best_to_worst() -> None:
    assert max(["succeeded", "running", "failed"], key=STATES.index) == "failed"
    assert max(["failed", "unknown"], key=STATES.index) == "unknown"
    assert max(["running", "submitted"], key=STATES.index) == "running"


def test_without_waiting_what_was_accepted_is_submitted_and_not_looked_at(system: ScriptedSystem, store: Store) -> None:
    one = run_one(system, store, policy=NO_WAIT)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("submitted", True, False, "task 1")
    assert one.server == {"task": "task 1"}
    assert system.looked_at == []
    assert receipt_of(store).state == "submitted"


# A later run


@pytest.mark.parametrize("policy", [Policy(), LATEST, NO_WAIT, RETRY], ids=["plain", "latest", "no wait", "retry"])
def test_an_import_is_not_imported_again(location: str, system: ScriptedSystem, store: Store, policy: Policy) -> None:
    first = run_one(system, store)
    again = next_run(location, system, policy=policy)
    assert (again.state, again.changed, again.reason, again.has_failed) == ("succeeded", False, "receipt", False)
    assert (again.before, again.attempt, again.remote_id) == ("succeeded", 1, "task 1")
    assert again.server == first.server
    assert system.tried == ["a"]
    assert system.looked_at == ["task 1"]


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_a_later_run_tells_the_times_that_the_first_one_told(
    location: str, system: ScriptedSystem, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """A clock that ticks each time it is read shows where a moment is taken twice."""
    ticks = iter(range(10_000_000, 99_999_999))
    for module in (sending, recording, _receipts):
        monkeypatch.setattr(module, "now_text", lambda: str(next(ticks)))
    system.sights["task 1"] = [seen(state)]
    first = next_run(location, system)
    receipt = a_look_at(location)
    assert (receipt.started_at, receipt.finished_at) == (first.started_at, first.finished_at)


def test_what_was_submitted_is_resumed_by_its_remote_id(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "submitted", remote_id="task 7")
    system.sights["task 7"] = running(2, seen("succeeded"))
    one = next_run(location, system)
    assert (one.state, one.changed, one.reason, one.before) == ("succeeded", False, "resumed", "submitted")
    assert (system.tried, system.looked_at) == ([], ["task 7"] * 3)
    assert attempts(location) == [("succeeded", "task 7")]


def test_a_run_that_does_not_wait_looks_once_at_what_was_submitted(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "submitted", remote_id="task 7")
    system.sights["task 7"] = running(1, seen("succeeded"))
    first = next_run(location, system, policy=NO_WAIT)
    assert (first.state, first.changed, first.has_failed, first.reason) == ("running", False, False, "resumed")
    second = next_run(location, system, policy=NO_WAIT)
    assert (second.state, second.has_failed) == ("succeeded", False)
    assert system.looked_at == ["task 7"] * 2


def test_a_claim_whose_owner_died_is_sent_again(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "claimed")
    one = next_run(location, system)
    assert (one.state, one.changed, one.reason, one.attempt) == ("succeeded", True, "retried", 2)
    assert attempts(location) == [("failed", None), ("succeeded", "task 1")]


def test_what_failed_is_sent_again(location: str, system: ScriptedSystem) -> None:
    system.endings["a"] = [BeforeCommit(Refused("Not today.", NO)), accepted("task 8"), accepted("task 9")]
    system.sights["task 8"] = [seen("failed", "The log overlaps.")]
    refused, failed, again = (next_run(location, system) for _run in range(3))
    assert (refused.state, refused.changed, refused.answer) == ("failed", False, NO)
    assert (failed.state, failed.changed, failed.message, failed.answer) == ("failed", True, "The log overlaps.", None)
    assert (again.state, again.changed, again.reason, again.remote_id) == ("succeeded", True, "retried", "task 9")
    assert attempts(location) == [("failed", None), ("failed", "task 8"), ("succeeded", "task 9")]


def test_what_is_incomplete_is_looked_at_again_and_never_sent_again(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("incomplete", "3 of 4"), seen("incomplete", "3 of 4"), seen("succeeded")]
    assert [next_run(location, system).state for _run in range(3)] == ["incomplete", "incomplete", "succeeded"]
    assert system.commits == ["a"]


# Streams


def test_a_state_is_imported_again_after_another_and_a_fact_is_not(location: str, system: ScriptedSystem) -> None:
    reasons = [next_run(location, system, name, LATEST).reason for name in "abaabb"]
    assert reasons == ["new", "new", "new", "receipt", "new", "receipt"]
    assert system.commits == ["a", "b", "a", "b"]
    assert [next_run(location, system, name).reason for name in "abaabb"] == ["receipt"] * 6


def test_a_state_that_was_refused_leaves_the_one_before_in_its_place(location: str, system: ScriptedSystem) -> None:
    next_run(location, system, "a", LATEST)
    system.endings["b"] = [Refused("no")]
    next_run(location, system, "b", LATEST)
    assert next_run(location, system, "a", LATEST).reason == "receipt"


def test_a_state_that_may_have_taken_its_place_makes_an_import_again(location: str, system: ScriptedSystem) -> None:
    next_run(location, system, "a", LATEST)
    system.endings["b"] = [OutcomeUnknown("lost")]
    next_run(location, system, "b", LATEST)
    assert next_run(location, system, "a", LATEST).changed


# Other runs


def test_an_import_of_a_living_run_is_waited_for_after_all_others_are_sent(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    turned.after(100, finishing(other, begun(other), "succeeded", "theirs"))
    held, *own = run(system, store, "abc", turned=turned)
    assert system.commits == ["b", "c"]
    assert [one.state for one in own] == ["succeeded", "succeeded"]
    assert (held.state, held.changed, held.has_failed, held.remote_id) == ("succeeded", False, False, "theirs")
    assert held.reason == "joined"


def test_an_import_that_another_run_claims_first_is_waited_for(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_faster() -> None:
        turned.after(5, finishing(other, begun(other), "succeeded", "theirs"))

    monkeypatch.setattr(system, "prepare", be_faster)
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.remote_id) == ("succeeded", False, "theirs")
    assert system.tried == []


@pytest.mark.parametrize(
    ("state", "expected", "commits", "looks"),
    [
        ("claimed", ("succeeded", True, "retried", 2), ["b", "a"], ["task 1", "task 2"]),
        ("sent", ("unknown", False, "receipt", 1), ["b"], ["task 1"]),
        ("submitted", ("succeeded", False, "resumed", 1), ["b"], ["task 1", "task 7"]),
    ],
    ids=["before its commit point", "after it", "while it waits"],
)
def test_an_import_of_a_run_that_dies_is_taken_over_by_the_one_that_waits(
    location: str,
    system: ScriptedSystem,
    store: Store,
    turned: TurnedClock,
    state: str,
    expected: tuple[Any, ...],
    commits: list[str],
    looks: list[str],
) -> None:
    dying = left(location, state, remote_id="task 7")
    turned.after(50, lambda: abandon(dying))
    held, own = run(system, store, "ab", turned=turned)
    assert (held.state, held.changed, held.reason, held.attempt) == expected
    assert (held.has_failed, own.state) == (state == "sent", "succeeded")
    assert (system.commits, system.tried, sorted(system.looked_at)) == (commits, commits, looks)


def test_an_import_that_fails_in_another_run_is_sent_by_the_one_that_waits(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    turned.after(50, finishing(other, begun(other), "failed"))
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.reason) == ("succeeded", True, "retried")


def test_another_run_is_waited_for_no_longer_than_wait_timeout(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    begun(other)
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.has_failed) == ("running", False, True)
    assert "wait_timeout" in one.message
    assert "another run" in one.message
    assert turned.moment == 1000 + 3600
    assert system.tried == []


@pytest.mark.parametrize("policy", [NO_WAIT, CHECK], ids=["no wait", "check mode"])
def test_another_run_is_not_waited_for_when_nothing_is(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock, policy: Policy
) -> None:
    begun(other)
    one = run_one(system, store, policy=policy, turned=turned)
    assert (one.state, one.changed, one.has_failed, one.reason) == ("running", False, False, "joined")
    assert turned.pauses == []


def test_a_run_that_stalled_and_was_taken_over_breaks_off_and_waits_for_the_other(
    location: str, system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    def stall(_wanted: Wanted) -> None:
        ask(location, "UPDATE runs SET lease_ends = 0")
        attempt = other.claim(A, receipt_of(other), now_text())
        assert attempt is not None
        assert other.mark_sent(A.key, attempt, DIGEST)
        turned.after(30, finishing(other, attempt, "succeeded", "theirs"))

    system.on_submit = stall
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.remote_id) == ("succeeded", False, "theirs")
    assert (system.tried, system.commits) == (["a"], [])
    assert attempts(location) == [("failed", None), ("succeeded", "theirs")]


def test_two_runs_with_overlapping_lists_in_opposite_order_both_end(location: str) -> None:
    both_have_one = threading.Barrier(2, timeout=20)
    systems = [ScriptedSystem(), ScriptedSystem()]
    ends: dict[int, list[Import]] = {}
    open_store(location).close()

    def work(number: int, names: str) -> None:
        def meet(one: Wanted) -> None:
            if one.source == names[0]:
                both_have_one.wait()

        systems[number].on_submit = meet
        clock = Clock(sleep=lambda _seconds: time.sleep(0.005))
        with closing(open_store(location)) as store:
            ends[number] = Importer(systems[number], store, Policy(), PACE, clock).run([wanted(name) for name in names])

    threads = [threading.Thread(target=work, args=(number, names)) for number, names in enumerate(["abc", "cba"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [[one.state for one in ends[number]] for number in (0, 1)] == [["succeeded"] * 3] * 2
    assert sorted(systems[0].commits + systems[1].commits) == ["a", "b", "c"]
    changed = [one.wanted.source for imports in ends.values() for one in imports if one.changed]
    assert sorted(changed) == ["a", "b", "c"]


# Check mode


def test_check_mode_sends_nothing_and_writes_nothing(location: str, system: ScriptedSystem) -> None:
    one = next_run(location, system, policy=CHECK)
    assert (one.state, one.changed, one.reason, one.has_failed) == ("planned", True, "new", False)
    assert system.tried == []
    assert not Path(location).exists()


@pytest.mark.parametrize(
    ("state", "policy", "expected"),
    [
        ("succeeded", Policy(), ("succeeded", False, "receipt", False)),
        ("succeeded", FORCE, ("planned", True, "forced", False)),
        ("failed", Policy(), ("planned", True, "retried", False)),
        ("claimed", Policy(), ("planned", True, "retried", False)),
        ("sent", Policy(), ("unknown", False, "receipt", True)),
        ("unknown", Policy(), ("unknown", False, "receipt", True)),
        ("unknown", RETRY, ("planned", True, "retried", False)),
    ],
)
def test_check_mode_tells_what_a_run_would_do(
    location: str, system: ScriptedSystem, state: str, policy: Policy, expected: tuple[Any, ...]
) -> None:
    left_dead(location, state)
    before = Path(location).read_bytes()
    one = next_run(location, system, policy=replace(policy, check_mode=True))
    assert (one.state, one.changed, one.reason, one.has_failed) == expected
    assert Path(location).read_bytes() == before
    assert system.tried == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_check_mode_tells_of_a_store_that_may_not_be_written_what_a_run_tells(
    location: str, system: ScriptedSystem, check_mode: bool
) -> None:
    next_run(location, system)  # so that everything is imported
    with unprivileged() as folder:
        location = str(folder / "receipts.db")
        next_run(location, system)
        Path(location).chmod(0o400)
        with closing(open_store(location, read_only=check_mode)) as store:
            policy = Policy(check_mode=check_mode)
            known, new = (run_one(system, store, name, policy) for name in "ab")
    assert (known.state, known.has_failed) == ("succeeded", False)
    assert (new.state, new.changed, new.has_failed) == ("failed", False, True)
    assert "could not be written" in new.message
    assert new.message.endswith("Nothing was imported.")


@pytest.mark.parametrize("state", ["running", "succeeded", "failed"])
def test_check_mode_looks_once_at_what_was_submitted(location: str, system: ScriptedSystem, state: str) -> None:
    left_dead(location, "submitted", remote_id="task 7")
    before = Path(location).read_bytes()
    system.sights["task 7"] = [seen(state)]
    one = next_run(location, system, policy=CHECK)
    assert (one.state, one.changed, one.has_failed) == (state, False, state == "failed")
    assert system.looked_at == ["task 7"]
    assert Path(location).read_bytes() == before
