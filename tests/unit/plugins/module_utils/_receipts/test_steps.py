# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of an import in its receipt, claims that are taken back, and targets that were emptied."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..other_run import OtherRun, abandon, wanted
from .attempts import A, claimed, receipt_of, sent
from .attempts import ended as ended_as

B = replace(wanted("b"), target="another target")


def ended(store: Store, state: str) -> int:
    return ended_as(store, "a", state, message=state, detail={"notes": {"ended": state}})


def test_what_a_run_noted_before_it_died_is_there_for_the_next(location: str) -> None:
    dying = open_store(location)
    assert dying.note(A.key, claimed(dying), {"batch": "b1", "files": ["people.json"]})
    abandon(dying)
    with closing(open_store(location)) as store:
        receipt = receipt_of(store)
    assert (receipt.state, receipt.notes) == ("claimed", {"batch": "b1", "files": ["people.json"]})


def test_a_claim_begins_with_the_notes_it_goes_on_from(store: Store) -> None:
    claimed(store)
    assert receipt_of(store).notes == {}
    store.withdraw(A.key, 1)
    claimed(store, notes={"batch": "b1"})
    assert receipt_of(store).notes == {"batch": "b1"}


def test_a_run_that_lost_its_claim_notes_nothing(location: str, store: Store) -> None:
    stalled = open_store(location)
    attempt = claimed(stalled)
    abandon_lease_only(stalled)
    assert claimed(store, notes={"batch": "of the second"}) == attempt + 1
    assert not stalled.note(A.key, attempt, {"batch": "of the first"})
    stalled.close()
    assert receipt_of(store).notes == {"batch": "of the second"}


def test_a_run_notes_what_it_comes_to_after_its_commit_point_too(store: Store) -> None:
    attempt = sent(store)
    assert store.note(A.key, attempt, {"batch": "b2"})
    assert (receipt_of(store).state, receipt_of(store).notes) == ("sent", {"batch": "b2"})
    store.record(A.key, attempt, "scheduled", "", remote_id="b2", detail={})
    assert not store.note(A.key, attempt, {"late": True})


@pytest.mark.parametrize("state", ["submitted", "succeeded", "scheduled", "incomplete", "unknown", "failed"])
def test_what_has_ended_is_noted_no_more(store: Store, state: str) -> None:
    assert not store.note(A.key, ended(store, state), {"late": True})


def test_a_claim_that_is_taken_back_was_never_made(store: Store) -> None:
    store.withdraw(A.key, claimed(store))
    assert store.find([A.key]) == {}
    assert claimed(store) == 1


@pytest.mark.parametrize("state", ["succeeded", "incomplete", "unknown", "submitted", "failed"])
def test_a_claim_that_is_taken_back_leaves_what_was_before(store: Store, state: str) -> None:
    ended(store, state)
    before = receipt_of(store)
    store.withdraw(A.key, claimed(store))
    assert receipt_of(store) == before


def test_a_claim_that_is_taken_back_leaves_the_success_before_a_failure(store: Store) -> None:
    ended(store, "succeeded")
    ended(store, "failed")
    store.withdraw(A.key, claimed(store))
    receipt = receipt_of(store)
    assert (receipt.attempt, receipt.state) == (1, "succeeded")


def test_what_was_sent_cannot_be_taken_back(store: Store) -> None:
    attempt = sent(store)
    store.withdraw(A.key, attempt)
    assert receipt_of(store).state == "sent"


def test_another_run_does_not_take_a_claim_back(location: str, store: Store) -> None:
    attempt = claimed(store)
    with closing(open_store(location)) as other:
        other.withdraw(A.key, attempt)
    assert store.mark_sent(A.key, attempt, None)


@pytest.mark.parametrize("state", ["submitted", "succeeded", "scheduled", "incomplete", "unknown", "failed"])
def test_what_was_imported_into_a_target_that_was_emptied_is_there_no_more(store: Store, state: str) -> None:
    attempt = ended(store, state)
    store.supersede(A.target)
    receipt = receipt_of(store)
    assert (receipt.attempt, receipt.state) == (attempt, "failed" if state == "failed" else "superseded")
    assert store.newest_of(A.stream) is None


def test_what_was_imported_elsewhere_is_still_there(store: Store) -> None:
    attempt = store.claim(B, None, now_text())
    assert attempt is not None
    assert store.mark_sent(B.key, attempt, None)
    store.record(B.key, attempt, "succeeded", "", remote_id=None, detail={})
    store.supersede(A.target)
    assert store.find([B.key])[B.key].state == "succeeded"


def test_an_import_that_ends_after_its_target_was_emptied_stays_superseded(store: Store) -> None:
    attempt = ended(store, "submitted")
    store.supersede(A.target)
    store.record(A.key, attempt, "succeeded", "", remote_id=None, detail={})
    assert receipt_of(store).state == "superseded"


def test_what_was_imported_after_the_mark_is_there_still(store: Store) -> None:
    ended(store, "succeeded")
    mark = store.high_water_mark(A.target)
    ended_as(store, "later", "succeeded")
    store.supersede(A.target, mark)
    assert [receipt_of(store, name).state for name in ("a", "later")] == ["superseded", "succeeded"]


def test_nothing_has_come_to_a_mark_in_a_target_that_nobody_knows(store: Store) -> None:
    ended(store, "succeeded")
    assert store.high_water_mark("another target") == 0


@pytest.mark.parametrize("state", ["sent", "submitted"])
def test_what_a_living_run_is_at_is_left_to_it(location: str, store: Store, state: str) -> None:
    ended(store, "succeeded")
    with OtherRun(location) as other:
        other.look("a")
        attempt = other.claim("a")
        assert attempt is not None
        assert other.mark_sent("a", attempt)
        if state == "submitted":
            other.record("a", attempt, state, "task 1")
        assert [owner.pid for owner in store.at_work(A.target)] == [other.pid]
        store.supersede(A.target)
        assert receipt_of(store).state == state
        assert store.in_place(A.target) == []
        other.kill()
        assert store.at_work(A.target) == []
        store.supersede(A.target)
    assert receipt_of(store).state == "superseded"


@pytest.mark.parametrize("state", ["succeeded", "scheduled", "incomplete", "submitted", "unknown", "failed"])
def test_only_what_stood_when_it_was_asked_for_is_there_no_more(store: Store, state: str) -> None:
    attempt = ended(store, state)
    standing = store.in_place(A.target)
    store.supersede_attempts(standing)
    receipt = receipt_of(store)
    if state in ("succeeded", "scheduled", "incomplete"):
        assert (standing, receipt.state) == ([(A.key, attempt)], "superseded")
    else:
        assert (standing, receipt.state) == ([], state)


@pytest.mark.parametrize("state", ["succeeded", "scheduled", "incomplete", "submitted", "unknown", "failed"])
def test_a_target_is_known_once_something_may_have_been_imported_into_it(store: Store, state: str) -> None:
    assert not store.is_known(A.target)
    claimed(store)
    assert not store.is_known(A.target), "nothing has been sent so far"
    store.withdraw(A.key, 1)
    ended(store, state)
    assert store.is_known(A.target) == (state != "failed")
    assert not store.is_known(B.target)


def abandon_lease_only(store: Store) -> None:
    """As a run does that stalls for longer than its lease."""
    assert store._lease is not None
    store._lease.end()
    store._database.execute("UPDATE runs SET lease_ends = 0")
