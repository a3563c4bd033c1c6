# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims: of many runs only one gets an import, and only that one may commit it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask, check_that_it_is_whole
from ..other_run import OtherRun
from .attempts import NO_DIGEST, A, B, claim, claimed, ended, owner_of, receipt_of, record, sent

# Claims


@pytest.mark.parametrize("state", [None, "failed", "unknown", "succeeded", "incomplete"])
def test_of_two_runs_that_saw_the_same_one_gets_the_claim(store: Store, other: Store, state: str | None) -> None:
    number = 0 if state is None else ended(store, "a", state)
    seen = store.find([A.key]).get(A.key)
    assert claim(other, A, seen) == number + 1
    assert claim(store, A, seen) is None


def test_a_claim_fails_when_the_receipt_changed_meanwhile(store: Store, other: Store) -> None:
    attempt = sent(other)
    record(other, "a", attempt, "unknown")
    seen = receipt_of(store)
    record(other, "a", attempt, "succeeded")
    assert claim(store, A, seen) is None


def test_a_claim_fails_when_the_receipt_is_gone_meanwhile(location: str, store: Store) -> None:
    ended(store, "a", "failed")
    seen = receipt_of(store)
    ask(location, "DELETE FROM attempts")
    ask(location, "DELETE FROM receipts")
    assert claim(store, A, seen) is None


def test_an_import_is_adopted_in_one_step_unless_its_receipt_changed_meanwhile(store: Store, other: Store) -> None:
    def adopt(run: Store, seen: Receipt | None) -> int | None:
        return run.adopt(A, seen, now_text(), state="succeeded", message="It is there.")

    assert adopt(store, None) == 1
    adopted = receipt_of(store)
    assert (adopted.state, adopted.message, adopted.owner) == ("succeeded", "It is there.", None)
    assert adopt(other, None) is None
    assert receipt_of(store) == adopted


def test_claims_of_different_imports_do_not_meet(store: Store, other: Store) -> None:
    assert (claim(store, A, None), claim(other, B, None)) == (1, 1)


def test_another_run_that_is_at_work_is_seen_alive(store: Store, other: Store) -> None:
    claimed(other)
    assert (owner_of(store).is_alive, owner_of(store).pid) == (True, os.getpid())


def test_a_run_does_not_take_itself_for_another(store: Store) -> None:
    claimed(store)
    assert receipt_of(store).owner is None


def test_what_a_run_leaves_unfinished_is_free_when_it_ends(location: str, store: Store) -> None:
    other = open_store(location)
    claimed(other)
    other.close()
    assert receipt_of(store).owner is None


def test_a_run_that_only_looks_is_not_listed(location: str, store: Store) -> None:
    store.find([A.key])
    assert ask(location, "SELECT * FROM runs") == []


# The commit point


def test_the_owner_of_a_claim_may_commit_once(store: Store) -> None:
    attempt = claimed(store)
    assert store.mark_sent(A.key, attempt, NO_DIGEST)
    assert not store.mark_sent(A.key, attempt, NO_DIGEST)


def test_another_run_may_not_commit_what_is_not_its_own(store: Store, other: Store) -> None:
    attempt = claimed(store)
    assert not other.mark_sent(A.key, attempt, NO_DIGEST)
    assert receipt_of(store).state == "claimed"


def test_who_lost_its_claim_may_not_commit_any_more(location: str, store: Store, other: Store) -> None:
    lost = claimed(store)
    taken = claimed(other)
    assert ask(location, "SELECT attempt, state FROM attempts ORDER BY attempt") == [(1, "failed"), (2, "claimed")]
    assert not store.mark_sent(A.key, lost, NO_DIGEST)
    assert other.mark_sent(A.key, taken, NO_DIGEST)


def test_a_claim_cannot_be_taken_over_once_its_owner_has_committed(store: Store, other: Store) -> None:
    attempt = claimed(store)
    seen = receipt_of(other)
    assert store.mark_sent(A.key, attempt, NO_DIGEST)
    assert claim(other, A, seen) is None


# Many at once

CROWD = 20


@pytest.fixture
def crowd(location: str) -> Iterator[list[OtherRun]]:
    """As many runs that open a new store at once."""
    runs = [OtherRun(location) for _number in range(CROWD)]
    try:
        yield [run.__enter__() for run in runs]
    finally:
        for run in runs:
            run.kill()


@pytest.mark.slow
def test_twenty_runs_at_once_lose_and_double_nothing(location: str, crowd: list[OtherRun]) -> None:
    for number, run in enumerate(crowd):
        run.begin("claim", f"log {number}")
    assert [run.claimed() for run in crowd] == [1] * CROWD
    for run in crowd:
        run.look("the same")
    for run in crowd:
        run.begin("claim", "the same")
    assert sorted(run.claimed() is not None for run in crowd) == [False] * (CROWD - 1) + [True]
    assert ask(location, "SELECT count(DISTINCT key), count(*) FROM attempts") == [(CROWD + 1, CROWD + 1)]
    check_that_it_is_whole(location)


@pytest.mark.slow
def test_twenty_runs_at_once_take_a_dead_claim_over_once(location: str, crowd: list[OtherRun]) -> None:
    with OtherRun(location) as dead:
        dead.claim("the same")
        dead.kill()
    for run in crowd:
        run.look("the same")
    for run in crowd:
        run.begin("claim", "the same")
    assert [number for run in crowd if (number := run.claimed()) is not None] == [2]
