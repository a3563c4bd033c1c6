# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of an import: what a receipt calls for, what is sent, waited for, resumed, and told."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Attempt,
    BadInput,
    ImportsError,
    NotSent,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    StoreError,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine import recording, sending
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Decision, Policy, decide
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES, Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock, WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._receipts import store as _receipts
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Owner, Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..fakes import DIGEST, BeforeCommit, ScriptedSystem, Sight, TurnedClock, accepted, running, seen
from ..nobody import unprivileged
from ..other_run import abandon, wanted

PACE = WaitOptions(timeout=3600, max_pause=10, unreachable_timeout=300)
A, B = wanted("a"), wanted("b")
FORCE, RETRY, LATEST = Policy(force=True), Policy(on_unknown="retry"), Policy(once="latest")
NO_WAIT, CHECK = Policy(wait=False), Policy(check_mode=True)
NO = Answer("POST", "http://host/import", 403, "Forbidden", {}, "no")


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "receipts.db")


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    with closing(open_store(location)) as store:
        yield store


@pytest.fixture
def other(location: str, store: Store) -> Iterator[Store]:
    """The same store as a second run has it that is alive as long as the test."""
    with closing(open_store(location)) as other:
        yield other


@pytest.fixture
def system() -> ScriptedSystem:
    return ScriptedSystem()


@pytest.fixture
def turned() -> TurnedClock:
    return TurnedClock()


def run(
    system: ScriptedSystem,
    store: Store,
    names: str | list[Wanted],
    policy: Policy | None = None,
    *,
    pace: WaitOptions = PACE,
    turned: TurnedClock | None = None,
) -> list[Import]:
    """What a run makes of these imports; `names` has a letter for each."""
    clock = (turned or TurnedClock()).clock
    imports = [wanted(name) for name in names] if isinstance(names, str) else names
    return Importer(system, store, policy or Policy(), pace, clock).run(imports)


def run_one(
    system: ScriptedSystem,
    store: Store,
    name: str = "a",
    policy: Policy | None = None,
    *,
    pace: WaitOptions = PACE,
    turned: TurnedClock | None = None,
) -> Import:
    (one,) = run(system, store, name, policy, pace=pace, turned=turned)
    return one


def next_run(location: str, system: ScriptedSystem, name: str = "a", policy: Policy | None = None) -> Import:
    """What a later run, with a store opened anew, makes of an import."""
    with closing(open_store(location, read_only=policy is not None and policy.check_mode)) as store:
        return run_one(system, store, name, policy)


def receipt_of(store: Store, name: str = "a") -> Receipt:
    return store.find([wanted(name).key])[wanted(name).key]


def a_look_at(location: str) -> Receipt:
    """What the store tells of the import `a` when no run is at it."""
    with closing(open_store(location, read_only=True)) as store:
        return receipt_of(store)


def left(location: str, state: str, name: str = "a", *, remote_id: str | None = None) -> Store:
    """A run that brought an import to this state and is still alive."""
    store = open_store(location)
    one = wanted(name)
    attempt = store.claim(one, store.find([one.key]).get(one.key), now_text())
    assert attempt is not None
    if state == "claimed":
        return store
    assert store.mark_sent(one.key, attempt, DIGEST)
    if state != "sent":
        store.record(one.key, attempt, state, f"it is {state}", remote_id=remote_id, detail={})
    return store


def left_dead(location: str, state: str, name: str = "a", *, remote_id: str | None = None) -> None:
    """Leave an import in this state, as a run does that is killed then."""
    abandon(left(location, state, name, remote_id=remote_id))


def attempts(location: str, name: str = "a") -> list[tuple[str, str | None]]:
    """State and remote id of each attempt at an import."""
    with closing(sqlite3.connect(location)) as database:
        question = "SELECT state, remote_id FROM attempts WHERE key = ? ORDER BY attempt"
        return database.execute(question, (wanted(name).key,)).fetchall()


# What a receipt calls for

TABLE = """
state       owner    plain        retry         force         superseded   superseded+retry  superseded+force
nothing     -        send:new     send:new      send:new      send:new     send:new          send:new
claimed     alive    wait:joined  wait:joined   wait:joined   wait:joined  wait:joined       wait:joined
claimed     dead     send:retried send:retried  send:retried  send:retried send:retried      send:retried
claimed     none     send:retried send:retried  send:retried  send:retried send:retried      send:retried
sent        alive    wait:joined  wait:joined   wait:joined   wait:joined  wait:joined       wait:joined
sent        dead     unknown      send:retried  send:forced   unknown      send:retried      send:forced
sent        none     unknown      send:retried  send:forced   unknown      send:retried      send:forced
submitted   alive    wait:joined  wait:joined   wait:joined   wait:joined  wait:joined       wait:joined
submitted   dead     resume       resume        resume        resume       resume            resume
submitted   none     resume       resume        resume        resume       resume            resume
unknown     alive    unknown      send:retried  send:forced   unknown      send:retried      send:forced
unknown     dead     unknown      send:retried  send:forced   unknown      send:retried      send:forced
unknown     none     unknown      send:retried  send:forced   unknown      send:retried      send:forced
unknown+id  alive    resume       send:retried  send:forced   resume       send:retried      send:forced
unknown+id  none     resume       send:retried  send:forced   resume       send:retried      send:forced
incomplete+id alive  resume       resume        send:forced   send:new     send:new          send:forced
incomplete+id none   resume       resume        send:forced   send:new     send:new          send:forced
succeeded   alive    unchanged    unchanged     send:forced   send:new     send:new          send:forced
succeeded   dead     unchanged    unchanged     send:forced   send:new     send:new          send:forced
succeeded   none     unchanged    unchanged     send:forced   send:new     send:new          send:forced
scheduled   none     unchanged    unchanged     send:forced   send:new     send:new          send:forced
failed      alive    send:retried send:retried  send:forced   send:retried send:retried      send:forced
failed      none     send:retried send:retried  send:forced   send:retried send:retried      send:forced
"""
DECISIONS = {
    "send": Decision.SEND,
    "wait": Decision.WAIT_FOR_OWNER,
    "resume": Decision.RESUME,
    "unknown": Decision.UNKNOWN,
    "unchanged": Decision.UNCHANGED,
}
REASONS = {"resume": "resumed", "unknown": "receipt", "unchanged": "receipt"}


def cases() -> Iterator[Any]:
    head, *lines = TABLE.strip().splitlines()
    for line in lines:
        state, owner, *cells = line.split()
        for column, cell in zip(head.split()[2:], cells):
            yield pytest.param(state, owner, column, cell, id=f"{state}, owner {owner}, {column}")


def a_receipt(**changes: Any) -> Receipt:
    """What is known of an import that somebody tried, but for what is given."""
    with closing(open_store("none")) as store:
        store.claim(A, None, now_text())
        return replace(receipt_of(store), **changes)


@pytest.mark.parametrize(("state", "owner", "column", "cell"), list(cases()))
def test_what_a_receipt_calls_for(state: str, owner: str, column: str, cell: str) -> None:
    receipt = None
    if state != "nothing":
        receipt = a_receipt(
            state=state.replace("+id", ""),
            remote_id="task" if state == "submitted" or state.endswith("+id") else None,
            owner=None if owner == "none" else Owner("run", "host", 1, owner == "alive"),
        )
    superseded = "superseded" in column
    for once in ("latest",) if superseded else ("latest", "ever"):
        policy = Policy(force="force" in column, once=once, on_unknown="retry" if "retry" in column else "fail")
        decision, reason = decide(receipt, policy, is_newest=not superseded)
        word, _colon, expected = cell.partition(":")
        assert (decision, reason) == (DECISIONS[word], expected or REASONS[word])


@pytest.mark.parametrize(
    ("remote_id", "policy", "is_newest", "decision"),
    [
        ("batch", Policy(), True, Decision.RESUME),
        ("batch", FORCE, True, Decision.SEND),
        ("batch", Policy(once="latest"), False, Decision.SEND),
        (None, Policy(), True, Decision.UNCHANGED),
    ],
    ids=["plain", "force", "superseded", "adopted"],
)
def test_what_is_scheduled_is_looked_at_where_the_system_can_tell_more(
    remote_id: str | None, policy: Policy, is_newest: bool, decision: Decision
) -> None:
    receipt = a_receipt(state="scheduled", remote_id=remote_id)
    assert decide(receipt, policy, is_newest=is_newest, polled_again=("scheduled",))[0] is decision


def test_what_was_imported_once_for_ever_is_not_imported_again_though_it_was_superseded() -> None:
    assert decide(a_receipt(state="succeeded"), Policy(once="ever"), is_newest=False)[0] is Decision.UNCHANGED


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


def test_each_claim_is_taken_just_before_its_import_is_sent(
    location: str, system: ScriptedSystem, store: Store
) -> None:
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


def test_a_duplicate_of_what_failed_is_told_with_its_state(system: ScriptedSystem, store: Store) -> None:
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
def test_what_was_imported_is_not_imported_again(
    location: str, system: ScriptedSystem, store: Store, policy: Policy
) -> None:
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
    system.endings["a"] = [Refused("Not today.", NO), accepted("task 9")]
    assert next_run(location, system).state == "failed"
    again = next_run(location, system)
    assert (again.state, again.changed, again.reason, again.remote_id) == ("succeeded", True, "retried", "task 9")
    assert again.answer is None


def test_what_failed_on_the_server_is_sent_again(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("failed", "The log overlaps.")]
    first = next_run(location, system)
    assert (first.state, first.message, first.changed) == ("failed", "The log overlaps.", True)
    assert next_run(location, system).state == "succeeded"
    assert attempts(location) == [("failed", "task 1"), ("succeeded", "task 2")]


def test_what_is_incomplete_is_looked_at_again_and_never_sent_again(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("incomplete", "3 of 4"), seen("incomplete", "3 of 4"), seen("succeeded")]
    assert [next_run(location, system).state for _run in range(3)] == ["incomplete", "incomplete", "succeeded"]
    assert system.commits == ["a"]


# Lost answers


def test_a_lost_answer_is_unknown_and_says_what_to_do(location: str, system: ScriptedSystem, store: Store) -> None:
    system.endings["a"] = [OutcomeUnknown("All was sent, but the answer broke off.", NO)]
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("unknown", True, True, None)
    assert one.message.startswith("All was sent, but the answer broke off.")
    assert "on_unknown=retry" in one.message
    assert "target" in one.message
    assert one.answer is NO
    assert attempts(location) == [("unknown", None)]


def test_what_is_unknown_is_not_sent_again(location: str, system: ScriptedSystem) -> None:
    system.endings["a"] = [OutcomeUnknown("All was sent, but the answer broke off.")]
    next_run(location, system)
    again = next_run(location, system)
    assert (again.state, again.changed, again.reason, again.has_failed) == ("unknown", False, "receipt", True)
    assert again.message.startswith("All was sent, but the answer broke off.")
    assert "on_unknown=retry" in again.message
    assert system.commits == ["a"]


@pytest.mark.parametrize(("policy", "reason"), [(RETRY, "retried"), (FORCE, "forced")])
def test_what_is_unknown_is_sent_again_when_the_user_says_so(
    location: str, system: ScriptedSystem, policy: Policy, reason: str
) -> None:
    system.endings["a"] = [OutcomeUnknown("lost"), accepted("task 2")]
    next_run(location, system)
    again = next_run(location, system, policy=policy)
    assert (again.state, again.changed, again.reason, again.before) == ("succeeded", True, reason, "unknown")
    assert attempts(location) == [("unknown", None), ("succeeded", "task 2")]


def test_what_a_dead_run_had_sent_is_unknown(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "sent")
    one = next_run(location, system)
    assert (one.state, one.changed, one.reason, one.before) == ("unknown", False, "receipt", "sent")
    assert "ended before it heard the server's answer" in one.message
    assert "on_unknown=retry" in one.message
    assert attempts(location) == [("unknown", None)]
    assert system.tried == []


def test_what_a_dead_run_had_sent_is_sent_again_when_the_user_says_so(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "sent")
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
def test_a_lost_answer_is_not_explained_by_the_task_of_an_attempt_before(
    location: str, system: ScriptedSystem, policy: Policy
) -> None:
    system.sights["task 1"] = [seen("unknown" if policy is RETRY else "succeeded"), seen("succeeded")]
    next_run(location, system)
    system.endings["a"] = [OutcomeUnknown("lost")]
    one = next_run(location, system, policy=policy)
    assert (one.state, one.remote_id, one.server) == ("unknown", None, None)
    system.looked_at.clear()
    again = next_run(location, system)
    assert (again.state, again.remote_id, again.has_failed) == ("unknown", None, True)
    assert system.looked_at == []


def test_after_a_failure_a_lost_answer_is_not_taken_for_that_failure(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("failed", "The log overlaps.")]
    next_run(location, system)
    system.endings["a"] = [OutcomeUnknown("lost")]
    for _run in range(3):
        assert next_run(location, system).state == "unknown"
    assert system.commits == ["a", "a"]


def test_a_refused_attempt_has_nothing_of_the_task_before(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("failed", "The log overlaps.")]
    next_run(location, system)
    system.endings["a"] = [Refused("Not today.")]
    one = next_run(location, system)
    assert (one.state, one.remote_id, one.server) == ("failed", None, None)
    assert attempts(location) == [("failed", "task 1"), ("failed", None)]


# Force


def test_force_imports_again_what_was_imported(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)
    again = next_run(location, system, policy=FORCE)
    assert (again.state, again.changed, again.reason) == ("succeeded", True, "forced")
    assert (again.before, again.attempt, again.remote_id) == ("succeeded", 2, "task 2")
    assert system.commits == ["a", "a"]


@pytest.mark.parametrize("ending", [Refused("no", NO), BeforeCommit(NotSent("no"))], ids=["refused", "broken off"])
def test_when_a_forced_attempt_fails_the_earlier_success_stands(
    location: str, system: ScriptedSystem, ending: Any
) -> None:
    next_run(location, system)
    system.endings["a"] = [ending]
    forced = next_run(location, system, policy=FORCE)
    assert (forced.state, forced.has_failed) == ("failed", True)
    after = next_run(location, system)
    assert (after.state, after.changed, after.attempt, after.remote_id) == ("succeeded", False, 1, "task 1")


def test_when_a_forced_attempt_fails_on_the_server_the_earlier_success_stands(
    location: str, system: ScriptedSystem
) -> None:
    next_run(location, system)
    system.sights["task 2"] = [seen("failed")]
    assert next_run(location, system, policy=FORCE).state == "failed"
    after = next_run(location, system)
    assert (after.state, after.changed, after.remote_id) == ("succeeded", False, "task 1")


def test_a_forced_attempt_killed_before_it_sent_leaves_the_earlier_success_standing(
    location: str, system: ScriptedSystem
) -> None:
    next_run(location, system)
    left_dead(location, "claimed")
    after = next_run(location, system)
    assert (after.state, after.changed, after.remote_id) == ("succeeded", False, "task 1")
    assert system.commits == ["a"]


def test_a_forced_attempt_killed_after_it_sent_is_unknown(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)
    left_dead(location, "sent")
    after = next_run(location, system)
    assert (after.state, after.changed, after.remote_id) == ("unknown", False, None)
    assert system.commits == ["a"]


def test_force_resumes_what_is_not_over(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "submitted", remote_id="task 7")
    one = next_run(location, system, policy=FORCE)
    assert (one.state, one.changed, one.reason, one.remote_id) == ("succeeded", False, "resumed", "task 7")
    assert system.commits == []


def test_force_waits_for_a_living_run_and_then_imports_again(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    attempt = other.claim(A, None, now_text())
    assert attempt is not None
    other.mark_sent(A.key, attempt, DIGEST)

    def finish() -> None:
        assert system.tried == []
        other.record(A.key, attempt, "succeeded", "", remote_id="theirs", detail={})

    turned.after(60, finish)
    one = run_one(system, store, policy=FORCE, turned=turned)
    assert (one.state, one.changed, one.reason, one.remote_id) == ("succeeded", True, "forced", "task 1")


# Streams


def test_going_back_to_an_earlier_state_is_an_import_again(location: str, system: ScriptedSystem) -> None:
    reasons = [next_run(location, system, name, LATEST).reason for name in "abaabb"]
    assert reasons == ["new", "new", "new", "receipt", "new", "receipt"]
    assert system.commits == ["a", "b", "a", "b"]


def test_a_fact_is_imported_once_whatever_came_after_it(location: str, system: ScriptedSystem) -> None:
    for name in "abaabb":
        next_run(location, system, name)
    assert system.commits == ["a", "b"]


def test_a_state_that_could_not_be_imported_does_not_take_the_place_of_the_one_before(
    location: str, system: ScriptedSystem
) -> None:
    next_run(location, system, "a", LATEST)
    system.endings["b"] = [Refused("no")]
    next_run(location, system, "b", LATEST)
    assert next_run(location, system, "a", LATEST).reason == "receipt"


def test_a_state_that_may_have_taken_its_place_makes_an_import_again(location: str, system: ScriptedSystem) -> None:
    next_run(location, system, "a", LATEST)
    system.endings["b"] = [OutcomeUnknown("lost")]
    next_run(location, system, "b", LATEST)
    assert next_run(location, system, "a", LATEST).changed


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
def test_what_would_befall_all_stops_the_sending(
    location: str, system: ScriptedSystem, store: Store, ending: Any
) -> None:
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


def test_what_is_missing_for_sending_is_told_before_anything_is_claimed(
    location: str, system: ScriptedSystem, store: Store
) -> None:
    system.unprepared = ImportsError("The Python package requests is needed.")
    imports = run(system, store, "ab")
    assert [one.state for one in imports] == ["failed", "failed"]
    assert all("requests is needed" in one.message for one in imports)
    assert system.tried == []
    assert attempts(location, "a") == attempts(location, "b") == []


def test_what_is_missing_for_sending_does_not_matter_when_nothing_is_to_be_sent(
    location: str, system: ScriptedSystem
) -> None:
    next_run(location, system)
    system.unprepared = ImportsError("The Python package requests is needed.")
    assert next_run(location, system).state == "succeeded"


# Other runs


def finishing(other: Store, attempt: int, state: str, remote_id: str | None = None) -> Any:
    """What another run does when it hears how its import ended."""
    return lambda: other.record(A.key, attempt, state, "theirs", remote_id=remote_id, detail={})


def begun(other: Store, *, is_sent: bool = True) -> int:
    """Another run's attempt at the import `a`."""
    attempt = other.claim(A, None, now_text())
    assert attempt is not None
    assert not is_sent or other.mark_sent(A.key, attempt, DIGEST)
    return attempt


def test_an_import_of_a_living_run_is_waited_for_after_all_others_are_sent(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    turned.after(100, finishing(other, begun(other), "succeeded", "theirs"))
    held, *own = run(system, store, "abc", turned=turned)
    assert system.commits == ["b", "c"]
    assert [one.state for one in own] == ["succeeded", "succeeded"]
    assert (held.state, held.changed, held.has_failed, held.remote_id) == ("succeeded", False, False, "theirs")


def test_that_another_run_imported_it_is_told(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock
) -> None:
    turned.after(100, finishing(other, begun(other), "succeeded", "theirs"))
    assert run_one(system, store, turned=turned).reason == "joined"


def test_an_import_that_another_run_claims_first_is_waited_for(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_faster() -> None:
        turned.after(5, finishing(other, begun(other), "succeeded", "theirs"))

    monkeypatch.setattr(system, "prepare", be_faster)
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.remote_id) == ("succeeded", False, "theirs")
    assert system.tried == []


def test_an_import_of_a_run_that_dies_before_its_commit_point_is_sent_by_the_one_that_waits(
    location: str, system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    dying = open_store(location)
    begun(dying, is_sent=False)
    turned.after(50, lambda: abandon(dying))
    held, own = run(system, store, "ab", turned=turned)
    assert system.commits == ["b", "a"]
    assert (held.state, held.changed, held.reason, held.attempt) == ("succeeded", True, "retried", 2)
    assert own.state == "succeeded"


def test_an_import_of_a_run_that_dies_after_its_commit_point_is_unknown_to_the_one_that_waits(
    location: str, system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    dying = open_store(location)
    begun(dying)
    turned.after(50, lambda: abandon(dying))
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.has_failed) == ("unknown", False, True)
    assert system.tried == []


def test_an_import_of_a_run_that_dies_while_it_waits_is_resumed_by_the_one_that_waits(
    location: str, system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    dying = open_store(location)
    attempt = begun(dying)
    dying.record(A.key, attempt, "submitted", "", remote_id="task 7", detail={})
    turned.after(50, lambda: abandon(dying))
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.reason) == ("succeeded", False, "resumed")
    assert (system.tried, system.looked_at) == ([], ["task 7"])


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
        with closing(sqlite3.connect(location, isolation_level=None)) as database:
            database.execute("UPDATE runs SET lease_ends = 0")
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
            imports = [wanted(name) for name in names]
            ends[number] = Importer(systems[number], store, Policy(), PACE, clock).run(imports)

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
        done = Importer(system, store, policy, WaitOptions(3600, 10, 300)).run([wanted("a"), wanted("b"), wanted("c")])
    assert [(one.state, one.changed, one.has_failed, one.attempt) for one in done] == [("failed", False, True, 0)] * 3
    assert done[0].message == f"{trouble.message} Nothing was imported."
    assert all(trouble.message in one.message for one in done)
    assert system.tried == []
    system.unprepared = None
    assert next_run(location, system).state == "succeeded"


def test_the_question_is_asked_once_and_only_where_something_is_to_be_sent(
    location: str, system: ScriptedSystem
) -> None:
    with closing(open_store(location)) as store:
        Importer(system, store, Policy(), WaitOptions(3600, 0.01, 300)).run([wanted("a"), wanted("b")])
    assert system.probed == 1
    assert next_run(location, system).reason == "receipt"
    assert system.probed == 1


def test_after_an_import_in_doubt_it_is_asked_again_so_that_an_outage_leaves_one_in_doubt(
    location: str, system: ScriptedSystem
) -> None:
    def goes_away(_wanted: Wanted) -> None:
        system.unprepared = AWAY

    system.on_submit = goes_away
    system.endings["a"] = [OutcomeUnknown("all was sent, but the server closed the connection without an answer.")]
    with closing(open_store(location)) as store:
        done = Importer(system, store, Policy(), WaitOptions(3600, 10, 300)).run(
            [wanted("a"), wanted("b"), wanted("c")]
        )
    assert [one.state for one in done] == ["unknown", "failed", "failed"]
    assert system.tried == ["a"]


@pytest.mark.parametrize("told", [WRONG_TOKEN, AWAY, None])
def test_a_refusal_that_was_lost_with_the_connection_is_asked_for(
    location: str, system: ScriptedSystem, told: ImportsError | None
) -> None:
    def breaks(_wanted: Wanted) -> None:
        system.unprepared = told

    system.on_submit = breaks
    system.endings["a"] = [BeforeCommit(NotSent("refused while sending: the server stopped reading."))]
    one = next_run(location, system)
    assert (one.state, one.changed) == ("failed", False)
    assert ("HTTP 401" in one.message) is (told is WRONG_TOKEN)
    assert ("refused while sending" in one.message) is (told is not WRONG_TOKEN)


# Waiting that ends early


def test_what_is_not_over_in_time_is_running_and_tells_how_to_go_on(
    location: str, system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    system.sights["task 1"] = [seen("running", "the state 'PARSING' is not documented")]
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("running", True, True, "task 1")
    for words in ("3600 s", "wait_timeout", "PARSING", "task task 1", "Run again", "nothing is imported twice"):
        assert words in one.message
    assert receipt_of(store).state == "submitted"


def test_the_run_after_one_that_gave_up_resumes(location: str, system: ScriptedSystem) -> None:
    system.sights["task 1"] = [seen("running")]
    assert next_run(location, system).state == "running"
    system.sights["task 1"] = [seen("succeeded")]
    again = next_run(location, system)
    assert (again.state, again.changed, again.reason) == ("succeeded", False, "resumed")
    assert system.commits == ["a"]


def test_an_outage_that_ends_is_survived(system: ScriptedSystem, store: Store) -> None:
    system.sights["task 1"] = [*[Outage("Service Unavailable")] * 5, seen("succeeded")]
    assert run_one(system, store).state == "succeeded"


def test_an_outage_that_does_not_end_is_told_and_nothing_is_lost(
    system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    system.sights["task 1"] = [Outage("Service Unavailable", NO)]
    imports = run(system, store, "ab", turned=turned)
    assert [one.state for one in imports] == ["running", "succeeded"]
    assert imports[0].has_failed
    assert imports[0].answer is NO
    for words in ("Service Unavailable", "task 1", "Run again"):
        assert words in imports[0].message
    assert receipt_of(store).state == "submitted"


def test_a_server_that_is_away_is_given_up_before_wait_timeout(
    system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    system.sights["task 1"] = [Outage("No route to host")]
    one = run_one(system, store, turned=turned)
    assert (one.state, one.has_failed, one.remote_id) == ("running", True, "task 1")
    assert 300 < turned.moment - 1000 < 400


def test_what_the_system_makes_of_an_outage_counts_when_the_waiting_ends(
    system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    gone = Outage("500: no such task", NO, conclusion=seen("unknown"))
    system.sights["task 1"] = [gone]
    imports = run(system, store, "ab", turned=turned)
    assert [one.state for one in imports] == ["unknown", "succeeded"]
    assert imports[0].has_failed
    assert receipt_of(store).state == "unknown"


def test_what_the_system_made_of_an_outage_that_ended_does_not_count(
    system: ScriptedSystem, store: Store, turned: TurnedClock
) -> None:
    gone = Outage("500: no such task", NO, conclusion=seen("unknown"))
    system.sights["task 1"] = [gone, seen("running")]
    assert run_one(system, store, turned=turned).state == "running"


def test_a_look_that_is_refused_ends_the_waiting_for_that_import_alone(
    location: str, system: ScriptedSystem, store: Store
) -> None:
    system.sights["task 1"] = [Refused("Who are you?", NO, credentials=True)]
    first, second = run(system, store, "ab")
    assert (first.state, first.changed, first.has_failed, first.answer) == ("running", True, True, NO)
    assert first.message.startswith("Who are you?")
    assert "task 1" in first.message
    assert second.state == "succeeded"
    assert receipt_of(store).state == "submitted"


def test_a_single_look_that_finds_nobody_is_told(location: str, system: ScriptedSystem) -> None:
    left_dead(location, "submitted", remote_id="task 7")
    system.sights["task 7"] = [Outage("No route to host", NO)]
    one = next_run(location, system, policy=NO_WAIT)
    assert (one.state, one.changed, one.has_failed, one.answer) == ("running", False, True, NO)
    assert "task 7" in one.message
    assert a_look_at(location).state == "submitted"


def test_without_time_to_wait_there_is_one_look(system: ScriptedSystem, store: Store, turned: TurnedClock) -> None:
    one = run_one(system, store, pace=replace(PACE, timeout=0), turned=turned)
    assert (one.state, system.looked_at, turned.pauses) == ("succeeded", ["task 1"], [])


# A store in trouble


def fail(monkeypatch: pytest.MonkeyPatch, store: Store, method: str, *, times: int = 10**9) -> None:
    """Let a method of the store fail so many times."""
    works = getattr(store, method)
    failures = iter(range(times))

    def failing(*args: Any, **kwargs: Any) -> Any:
        if next(failures, None) is not None:
            raise StoreError("The disk is full.")
        return works(*args, **kwargs)

    monkeypatch.setattr(store, method, failing)


def test_a_store_that_cannot_be_read_is_an_error_before_anything_is_sent(
    system: ScriptedSystem, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, store, "find")
    with pytest.raises(StoreError, match="disk is full"):
        run(system, store, "ab")
    assert system.tried == []


@pytest.mark.parametrize("method", ["claim", "newest_of"])
def test_a_store_that_cannot_take_a_claim_keeps_all_from_being_sent(
    system: ScriptedSystem, store: Store, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    for name in "ab":  # what failed before calls for another attempt, as what is new does
        attempt = store.claim(wanted(name), None, now_text())
        assert attempt is not None
        store.record(wanted(name).key, attempt, "failed", "", remote_id=None, detail={})
    fail(monkeypatch, store, method)
    imports = run(system, store, "ab", LATEST)
    assert [(one.state, one.changed, one.has_failed) for one in imports] == [("failed", False, True)] * 2
    assert all("The disk is full." in one.message for one in imports)
    assert system.tried == []


def test_a_commit_that_cannot_be_written_breaks_off(
    system: ScriptedSystem, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, store, "mark_sent")
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
    assert one.message == "The disk is full. Nothing was imported."
    assert system.commits == []


def test_when_nothing_can_be_written_any_more_the_outcome_and_the_remote_id_are_told(
    location: str, system: ScriptedSystem, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, store, "record")
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("succeeded", True, True, "task 1")
    for words in ("could not be written down", "The disk is full.", "succeeded", "task 1"):
        assert words in one.message
    assert attempts(location) == [("sent", None)]


def test_when_the_outcome_can_be_written_nobody_needs_to_know_that_it_was_hard(
    location: str, system: ScriptedSystem, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, store, "record", times=1)
    one = run_one(system, store)
    assert (one.state, one.has_failed, one.message) == ("succeeded", False, "")
    assert attempts(location) == [("succeeded", "task 1")]


def test_when_a_refusal_cannot_be_written_the_next_run_tries_again(
    location: str, system: ScriptedSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(location)) as store:
        fail(monkeypatch, store, "record")
        system.endings["a"] = [BeforeCommit(Refused("no")), accepted("task 2")]
        one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
    assert "The disk is full." in one.message
    assert next_run(location, system).state == "succeeded"


def test_when_an_acceptance_cannot_be_written_and_nobody_waits_the_remote_id_is_told(
    system: ScriptedSystem, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, store, "record")
    one = run_one(system, store, policy=NO_WAIT)
    assert (one.state, one.changed, one.has_failed) == ("submitted", True, True)
    assert "task 1" in one.message


def test_what_is_unknown_stays_unknown_when_that_cannot_be_written(
    location: str, system: ScriptedSystem, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_dead(location, "sent")
    fail(monkeypatch, store, "note_unknown")
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed) == ("unknown", False, True)
    assert system.tried == []


def test_a_store_that_cannot_be_read_for_a_while_does_not_end_the_waiting_for_another_run(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned.after(5, lambda: fail(monkeypatch, store, "find", times=5))
    turned.after(60, finishing(other, begun(other), "succeeded"))
    assert run_one(system, store, turned=turned).state == "succeeded"


def test_a_store_that_cannot_be_read_any_more_ends_the_waiting_for_another_run(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned.after(5, lambda: fail(monkeypatch, store, "find"))
    begun(other)
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.has_failed) == ("running", False, True)
    assert "The disk is full." in one.message


def test_without_a_store_every_run_imports(system: ScriptedSystem) -> None:
    for _run in range(2):
        with closing(open_store("none")) as store:
            assert run_one(system, store).changed
    assert system.commits == ["a", "a"]


# Systems that take steps, tell no outcome, or tell one that is not complete.


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


def test_a_forced_attempt_begins_anew(location: str) -> None:
    system = SteppingSystem("is done", "is done")
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
    system.on_disproof = lambda _notes: GONE
    again = next_run(location, system, policy=CHECK if check else None)
    assert (again.state, again.changed, again.reason) == ("planned" if check else "succeeded", True, "new")
    assert again.message.startswith(GONE)
    assert system.commits == ["a"] * (1 if check else 2)
    system.on_disproof = lambda _notes: ""
    last = next_run(location, system)
    assert (last.state, last.changed, last.reason, last.message) == ("succeeded", False, "receipt", "")


def test_a_disproof_is_asked_for_with_the_notes_of_the_receipt(location: str, system: ScriptedSystem) -> None:
    asked: list[Any] = []

    def ask(notes: Mapping[str, Any]) -> str:
        asked.append(notes)
        return ""

    system.sights["task 1"] = [PollResult("succeeded", "", None, notes={"saw": 3})]
    next_run(location, system)
    system.on_disproof = ask
    next_run(location, system)
    assert asked == [{"saw": 3}]


@pytest.mark.parametrize("state", ["failed", "unknown", "submitted", "sent"])
def test_what_is_not_known_to_be_there_is_not_disproved(location: str, system: ScriptedSystem, state: str) -> None:
    left(location, state, remote_id="task 1").close()
    system.on_disproof = lambda _notes: GONE
    assert GONE not in next_run(location, system).message


def test_a_target_that_lost_one_import_has_lost_them_all(location: str, system: ScriptedSystem) -> None:
    next_run(location, system, "a")
    next_run(location, system, "b")
    system.on_disproof = lambda _notes: "" if len(system.commits) > 2 else GONE
    next_run(location, system, "c")
    assert [next_run(location, system, name).reason for name in "abab"] == ["new", "new", "receipt", "receipt"]


def test_what_came_to_be_there_while_it_was_asked_is_believed(location: str, system: ScriptedSystem) -> None:
    """The target is empty, another run imports into it, and only then this run writes what it has seen."""
    next_run(location, system)

    def asked(_notes: Mapping[str, Any]) -> str:
        system.on_disproof = lambda _notes: ""
        assert next_run(location, system, "b").state == "succeeded"
        return GONE

    system.on_disproof = asked
    assert (next_run(location, system).reason, next_run(location, system, "b").reason) == ("new", "receipt")
    assert system.commits == ["a", "b", "a"]


def test_what_another_run_imports_meanwhile_is_not_imported_again(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)

    def asked(_notes: Mapping[str, Any]) -> str:
        system.on_disproof = lambda _notes: ""
        next_run(location, system, policy=FORCE)
        return GONE

    system.on_disproof = asked
    assert next_run(location, system).state == "succeeded"
    assert system.commits == ["a", "a"]


def test_a_forced_import_into_an_empty_target_is_a_forced_one(location: str, system: ScriptedSystem) -> None:
    next_run(location, system)
    system.on_disproof = lambda _notes: GONE
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


# What the content has to be like


def checked(calls: list[str], error: ImportsError | None = None) -> Wanted:
    """The import `a`, whose content is read before it is sent; with an error where it is found to be bad."""

    def check() -> None:
        calls.append("read")
        if error is not None:
            raise error

    return replace(A, check=check)


@pytest.mark.parametrize("policy", [Policy(), FORCE, CHECK, LATEST])
def test_what_the_server_could_make_nothing_of_is_not_sent(
    system: ScriptedSystem, store: Store, policy: Policy
) -> None:
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
