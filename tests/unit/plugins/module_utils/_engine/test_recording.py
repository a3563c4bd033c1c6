# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does while its receipt store is in trouble."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Callable

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Refused, StoreError, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..fakes import BeforeCommit, ScriptedSystem, TurnedClock, accepted
from ..other_run import wanted
from .runs import LATEST, NO_WAIT, attempts, begun, finishing, left_dead, next_run, run, run_one

Failing = Callable[..., None]


@pytest.fixture
def fail(store: Store, monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Lets a method of the store fail so many times."""

    def let_fail(method: str, *, times: int = 10**9) -> None:
        works = getattr(store, method)
        failures = iter(range(times))

        def failing(*args: Any, **kwargs: Any) -> Any:
            if next(failures, None) is not None:
                raise StoreError("The disk is full.")
            return works(*args, **kwargs)

        monkeypatch.setattr(store, method, failing)

    return let_fail


def test_an_unreadable_store_is_an_error_before_all_else(system: ScriptedSystem, store: Store, fail: Failing) -> None:
    fail("find")
    with pytest.raises(StoreError, match="disk is full"):
        run(system, store, "ab")
    assert system.tried == []


@pytest.mark.parametrize("method", ["claim", "newest_of"])
def test_a_store_that_takes_no_claim_stops_all(
    system: ScriptedSystem, store: Store, fail: Failing, method: str
) -> None:
    for name in "ab":  # what failed before calls for another attempt, as what is new does
        attempt = store.claim(wanted(name), None, now_text())
        assert attempt is not None
        store.record(wanted(name).key, attempt, "failed", "", remote_id=None, detail={})
    fail(method)
    imports = run(system, store, "ab", LATEST)
    assert [(one.state, one.changed, one.has_failed) for one in imports] == [("failed", False, True)] * 2
    assert all("The disk is full." in one.message for one in imports)
    assert system.tried == []


def test_an_unwritten_commit_breaks_off(system: ScriptedSystem, store: Store, fail: Failing) -> None:
    fail("mark_sent")
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
    assert one.message == "The disk is full. Nothing was imported."
    assert system.commits == []


def test_when_nothing_can_be_written_any_more_the_outcome_and_the_remote_id_are_reported(
    location: str, system: ScriptedSystem, store: Store, fail: Failing
) -> None:
    fail("record")
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("succeeded", True, True, "task 1")
    for words in ("could not be written down", "The disk is full.", "succeeded", "task 1"):
        assert words in one.message
    assert attempts(location) == [("sent", None)]


def test_when_the_outcome_can_be_written_nobody_needs_to_know_that_it_was_hard(
    location: str, system: ScriptedSystem, store: Store, fail: Failing
) -> None:
    fail("record", times=1)
    one = run_one(system, store)
    assert (one.state, one.has_failed, one.message) == ("succeeded", False, "")
    assert attempts(location) == [("succeeded", "task 1")]


def test_an_unwritten_refusal_is_tried_again(
    location: str, system: ScriptedSystem, store: Store, fail: Failing
) -> None:
    fail("record")
    system.endings["a"] = [BeforeCommit(Refused("no")), accepted("task 2")]
    one = run_one(system, store)
    store.close()
    assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
    assert "The disk is full." in one.message
    assert next_run(location, system).state == "succeeded"


def test_when_an_acceptance_cannot_be_written_and_nobody_waits_the_remote_id_is_reported(
    system: ScriptedSystem, store: Store, fail: Failing
) -> None:
    fail("record")
    one = run_one(system, store, policy=NO_WAIT)
    assert (one.state, one.changed, one.has_failed) == ("submitted", True, True)
    assert "task 1" in one.message


def test_what_is_unknown_stays_so_unwritten(location: str, system: ScriptedSystem, store: Store, fail: Failing) -> None:
    left_dead(location, "sent")
    fail("note_unknown")
    one = run_one(system, store)
    assert (one.state, one.changed, one.has_failed) == ("unknown", False, True)
    assert system.tried == []


def test_a_store_that_cannot_be_read_for_a_while_does_not_end_the_waiting_for_another_run(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock, fail: Failing
) -> None:
    turned.after(5, lambda: fail("find", times=5))
    turned.after(60, finishing(other, begun(other), "succeeded"))
    assert run_one(system, store, turned=turned).state == "succeeded"


def test_a_store_that_cannot_be_read_any_more_ends_the_waiting_for_another_run(
    system: ScriptedSystem, store: Store, other: Store, turned: TurnedClock, fail: Failing
) -> None:
    turned.after(5, lambda: fail("find"))
    begun(other)
    one = run_one(system, store, turned=turned)
    assert (one.state, one.changed, one.has_failed) == ("running", False, True)
    assert "The disk is full." in one.message


def test_without_a_store_every_run_imports(system: ScriptedSystem) -> None:
    for _run in range(2):
        with closing(open_store("none")) as store:
            assert run_one(system, store).changed
    assert system.commits == ["a", "a"]
