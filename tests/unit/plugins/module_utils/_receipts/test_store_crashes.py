# SPDX-License-Identifier: GPL-3.0-or-later
"""Full disks, broken transactions and killed runs leave the store whole."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError
from ansible_collections.assetops.imports.plugins.module_utils._receipts import opening
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask, check_that_it_is_whole
from ..other_run import OtherRun, wanted
from .attempts import IN_A_FILE, A, claim, claimed, ended, receipt_of, record, sent


@IN_A_FILE
def test_a_disk_that_is_full_is_an_error_in_words_and_the_store_stays_whole(location: str, store: Store) -> None:
    attempt = sent(store)
    store._database.execute("PRAGMA max_page_count = 1")  # that is, as many as there are
    with pytest.raises(StoreError, match="could not be written: database or disk is full"):
        record(store, "a", attempt, "succeeded", message="x" * 100_000)
    with pytest.raises(StoreError, match="full"):
        claim(store, replace(wanted("b"), source="x" * 100_000), None)
    store._database.execute("PRAGMA max_page_count = 100000")
    check_that_it_is_whole(location)
    record(store, "a", attempt, "succeeded")
    assert receipt_of(store).state == "succeeded"


@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
def test_a_store_opens_after_a_run_was_killed_within_a_change(location: str, store: Store, read_only: bool) -> None:
    ended(store, "b", "succeeded")
    with OtherRun(location) as other:
        other.die_within_claim("a")
    if not location.startswith("postgresql:"):
        assert Path(f"{location}-journal").stat().st_size > 0
    with closing(open_store(location, read_only=read_only)) as next_run:
        assert next_run.find([A.key]) == {}
        assert receipt_of(next_run, "b").state == "succeeded"
        assert read_only or claimed(next_run) == 1


def test_a_lock_that_does_not_end_is_an_error_in_words(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT", 0.05)
    with closing(open_store(location)) as store, closing(open_store(location)) as busy:
        with busy._database.transaction():
            assert store.find([A.key]) == {}
            with pytest.raises(StoreError, match=r"could not be written: .*(locked|lock timeout)"):
                claim(store, A, None)
        assert claim(store, A, None) == 1


@IN_A_FILE
@pytest.mark.parametrize("how", ["ABORT", "ROLLBACK", "FAIL"])
def test_a_failed_transaction_leaves_nothing_but_a_usable_store(location: str, store: Store, how: str) -> None:
    trigger = f"CREATE TRIGGER full BEFORE INSERT ON attempts BEGIN SELECT RAISE ({how}, 'disk full'); END"
    ask(location, trigger)
    with pytest.raises(StoreError, match="disk full"):
        claim(store, A, None)
    assert ask(location, "SELECT count(*) FROM receipts") == [(0,)]
    ask(location, "DROP TRIGGER full")
    assert claim(store, A, None) == 1
