# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipts: what they remember."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Period,
    StalePlan,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import DatedState
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask
from ..other_run import wanted
from .attempts import NO_DIGEST, A, B, claim, claimed, ended, newest_key, receipt_of, record, sent

# What a receipt says


def test_a_receipt_tells_the_attempt_through_its_life(store: Store) -> None:
    attempt = claimed(store)
    assert (attempt, receipt_of(store).state, receipt_of(store).finished_at) == (1, "claimed", None)
    assert store.mark_sent(A.key, attempt, "ab" * 32)
    assert (receipt_of(store).state, receipt_of(store).content_sha256) == ("sent", "ab" * 32)
    record(store, "a", attempt, "submitted", remote_id="task 1", detail={"server": {"sts": "PENDING"}})
    assert (receipt_of(store).state, receipt_of(store).finished_at) == ("submitted", None)
    record(store, "a", attempt, "succeeded", message="as you like it", detail={"server": {"sts": "SUCCESS"}})
    receipt = receipt_of(store)
    assert (receipt.state, receipt.message, receipt.remote_id) == ("succeeded", "as you like it", "task 1")
    assert receipt.detail == {"server": {"sts": "SUCCESS"}}
    assert receipt.finished_at is not None
    assert receipt.started_at <= receipt.finished_at


def test_receipts_outlive_the_run(location: str) -> None:
    with closing(open_store(location)) as first:
        ended(first, "a", "succeeded", remote_id="task 1")
    with closing(open_store(location)) as second:
        assert (receipt_of(second).state, receipt_of(second).remote_id) == ("succeeded", "task 1")
        assert receipt_of(second).owner is None


def test_more_receipts_are_found_at_once_than_sqlite_takes_values(store: Store) -> None:
    names = [f"log {number}" for number in range(1100)]
    ended(store, names[0], "succeeded")
    ended(store, names[-1], "succeeded")
    found = store.find([wanted(name).key for name in names])
    assert list(found) == [wanted(names[0]).key, wanted(names[-1]).key]


def test_words_in_every_script_and_broken_ones_come_back_as_they_went(store: Store) -> None:
    attempt = sent(store)
    words = 'žluťoučký "kůň" \0 \U0001f40e \ud83d'
    record(store, "a", attempt, "failed", message=words, detail={"server": {"err": words}})
    assert receipt_of(store).message.startswith('žluťoučký "kůň" \\x00 \U0001f40e')
    assert receipt_of(store).detail["server"]["err"].startswith('žluťoučký "kůň" \0 \U0001f40e')


def deep(levels: int) -> Any:
    value: Any = "bottom"
    for _level in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "words",
    [float("nan"), [float("inf"), -float("inf")], {"a": {"b": float("nan")}}, deep(100_000), {1: 2, "1": None}, b"x"],
    ids=["NaN", "infinities", "NaN within", "bottomless", "names of two kinds", "bytes"],
)
def test_whatever_a_server_says_is_kept_as_json_all_readers_take(location: str, store: Store, words: object) -> None:
    attempt = claim(store, A, None)
    assert attempt is not None
    assert store.note(A.key, attempt, {"words": words})
    assert store.mark_sent(A.key, attempt, NO_DIGEST)
    record(store, "a", attempt, "succeeded", detail={"server": words, "notes": {"words": words}})
    is_json = "detail::jsonb IS NOT NULL" if is_url(location) else "json_valid(detail) = 1"
    assert ask(location, f"SELECT count(*) FROM attempts WHERE {is_json}") == [(1,)]  # noqa: S608 (ours)
    assert set(receipt_of(store).detail) == {"server", "notes"}


def test_a_remote_id_of_any_characters_is_kept(store: Store) -> None:
    ended(store, "a", "submitted", remote_id="task \0 \ud83d")
    assert receipt_of(store).remote_id == "task \\x00 \\ud83d"


# What became of an attempt


@pytest.mark.parametrize("state", ["succeeded", "incomplete", "failed"])
def test_the_outcome_of_what_was_only_scheduled_is_written_later(store: Store, other: Store, state: str) -> None:
    attempt = ended(store, "a", "scheduled", message="the first word")
    for later in ("unknown", "submitted", "scheduled"):
        record(other, "a", attempt, later, message="no outcome")
    assert (receipt_of(store).state, receipt_of(store).message) == ("scheduled", "the first word")
    record(other, "a", attempt, state, message="the outcome")
    assert (receipt_of(store).state, receipt_of(store).message) == (state, "the outcome")


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_an_outcome_is_never_written_over(store: Store, other: Store, state: str) -> None:
    attempt = ended(store, "a", state, message="the first word")
    for later in ("succeeded", "failed", "unknown", "submitted", "incomplete"):
        record(other, "a", attempt, later, message="another word")
    assert (receipt_of(store).state, receipt_of(store).message) == (state, "the first word")


@pytest.mark.parametrize("state", ["succeeded", "failed", "submitted", "incomplete"])
def test_an_owner_that_wakes_tells_what_it_heard_though_it_was_given_up(store: Store, other: Store, state: str) -> None:
    attempt = sent(store)
    other.note_unknown(receipt_of(other))
    assert receipt_of(other).state == "unknown"
    record(store, "a", attempt, state, remote_id="task 1")
    assert (receipt_of(other).state, receipt_of(other).remote_id) == (state, "task 1")


def test_an_owner_is_not_given_up_when_it_was_faster(store: Store, other: Store) -> None:
    attempt = sent(store)
    seen = receipt_of(other)
    record(store, "a", attempt, "submitted", remote_id="task 1")
    other.note_unknown(seen)
    assert receipt_of(other).state == "submitted"


def test_sending_again_what_is_unknown_ends_the_attempt_before(location: str, store: Store, other: Store) -> None:
    sent(store)
    assert claimed(other) == 2
    assert ask(location, "SELECT state FROM attempts WHERE attempt = 1") == [("unknown",)]
    assert receipt_of(other).state == "claimed"


def test_the_word_of_an_earlier_attempt_stays_in_the_history(location: str, store: Store, other: Store) -> None:
    late = sent(store)
    ended(other, "a", "succeeded", remote_id="task 2")
    record(store, "a", late, "succeeded", remote_id="task 1")
    assert (receipt_of(store).attempt, receipt_of(store).remote_id) == (2, "task 2")
    assert ask(location, "SELECT attempt, remote_id FROM attempts ORDER BY attempt") == [(1, "task 1"), (2, "task 2")]


def test_the_remote_id_stays_when_a_later_word_names_none(store: Store) -> None:
    attempt = ended(store, "a", "submitted", remote_id="task 1")
    record(store, "a", attempt, "unknown")
    assert receipt_of(store).remote_id == "task 1"


@pytest.mark.parametrize("state", ["succeeded", "scheduled", "incomplete"])
def test_an_earlier_success_counts_again_when_a_later_attempt_fails(store: Store, state: str) -> None:
    ended(store, "a", state, remote_id="task 1")
    assert ended(store, "a", "failed") == 2
    assert (receipt_of(store).state, receipt_of(store).attempt, receipt_of(store).remote_id) == (state, 1, "task 1")
    assert claimed(store) == 3


def test_the_last_of_several_successes_counts_again(store: Store) -> None:
    ended(store, "a", "succeeded", remote_id="task 1")
    ended(store, "a", "succeeded", remote_id="task 2")
    ended(store, "a", "failed")
    assert receipt_of(store).remote_id == "task 2"


@pytest.mark.parametrize("state", ["unknown", "submitted"])
def test_an_earlier_success_does_not_hide_an_attempt_that_may_have_imported(store: Store, state: str) -> None:
    ended(store, "a", "succeeded")
    ended(store, "a", state)
    assert (receipt_of(store).state, receipt_of(store).attempt) == (state, 2)


def test_the_receipt_of_a_standing_success_tells_the_content_that_was_imported(store: Store) -> None:
    window = wanted("window", sha256=None)
    for seen, sha256, state in ((False, "11" * 32, "succeeded"), (True, "22" * 32, "failed")):
        attempt = claim(store, window, receipt_of(store, "window") if seen else None)
        assert attempt is not None
        assert store.mark_sent(window.key, attempt, sha256)
        store.record(window.key, attempt, state, "", remote_id=None, detail={})
    assert (receipt_of(store, "window").state, receipt_of(store, "window").content_sha256) == ("succeeded", "11" * 32)


# Streams: which import is the newest state of a target


def test_the_newest_of_a_stream_is_what_was_imported_last(store: Store) -> None:
    ended(store, "a", "succeeded")
    ended(store, "b", "succeeded")
    assert newest_key(store, "stream") == B.key
    ended(store, "a", "succeeded")
    assert newest_key(store, "stream") == A.key


def test_streams_do_not_meet(store: Store) -> None:
    ended(store, "a", "succeeded")
    elsewhere = wanted("elsewhere", stream="other stream")
    attempt = claim(store, elsewhere, None)
    assert attempt is not None
    assert store.mark_sent(elsewhere.key, attempt, NO_DIGEST)
    assert newest_key(store, "stream") == A.key
    assert newest_key(store, "other stream") == elsewhere.key


@pytest.mark.parametrize("state", ["sent", "submitted", "unknown", "incomplete", "succeeded", "scheduled"])
def test_whatever_may_have_changed_the_target_counts_as_its_newest(store: Store, state: str) -> None:
    ended(store, "a", "succeeded")
    attempt = sent(store, "b")
    if state != "sent":
        record(store, "b", attempt, state)
    assert newest_key(store, "stream") == B.key


def test_what_the_server_accepted_may_have_changed_the_target_though_it_failed(store: Store) -> None:
    ended(store, "a", "succeeded")
    record(store, "b", sent(store, "b"), "failed", remote_id="task 1")
    assert newest_key(store, "stream") == B.key
    assert store.newest_of("stream", B.key) == (A.key, 1)


@pytest.mark.parametrize("how", ["claimed", "failed"])
def test_what_did_not_change_the_target_does_not_count(store: Store, how: str) -> None:
    ended(store, "a", "succeeded")
    attempt = claimed(store, "b")
    if how == "failed":
        record(store, "b", attempt, "failed")
    assert newest_key(store, "stream") == A.key


def test_an_earlier_attempt_that_succeeded_counts_though_a_later_one_failed(store: Store) -> None:
    ended(store, "a", "succeeded")
    ended(store, "b", "succeeded")
    ended(store, "a", "failed")
    assert newest_key(store, "stream") == B.key


def test_of_two_runs_that_overlapped_the_one_that_sent_last_made_the_newest(store: Store, other: Store) -> None:
    slow = claimed(store, "a")
    ended(other, "b", "succeeded")
    assert store.mark_sent(A.key, slow, NO_DIGEST)
    record(store, "a", slow, "succeeded")
    assert newest_key(store, "stream") == A.key


# Digests


def test_digests_are_remembered_for_the_next_run(location: str, store: Store) -> None:
    files = {Fingerprint(f"/log/{number}", number, 1, 2, 3): f"{number:064x}" for number in range(1100)}
    store.remember_digests(files)
    with closing(open_store(location)) as next_run:
        assert next_run.recall_digests([*files, Fingerprint("/other", 1, 1, 1, 1)]) == files


@pytest.mark.parametrize("field", ["size", "mtime_ns", "ctime_ns", "inode", "device"])
def test_a_file_that_looks_different_is_not_recalled(store: Store, field: str) -> None:
    known = Fingerprint("/log", size=1, mtime_ns=2**62, ctime_ns=3, inode=2**63 - 1, device=2**64 - 1)
    changes: dict[str, Any] = {field: 7}
    store.remember_digests({known: "ab" * 32})
    assert store.recall_digests([replace(known, **changes)]) == {}
    assert store.recall_digests([known]) == {known: "ab" * 32}


def test_of_a_file_that_changed_the_newest_digest_is_remembered(store: Store) -> None:
    old, new = Fingerprint("/log", 1, 1, 1, 1), Fingerprint("/log", 2, 2, 2, 2)
    store.remember_digests({old: "01" * 32})
    store.remember_digests({new: "02" * 32})
    assert store.recall_digests([old, new]) == {new: "02" * 32}


def test_a_file_with_an_inode_beyond_what_sqlite_counts_to_is_remembered_or_passed_over(store: Store) -> None:
    odd, plain = Fingerprint("/log", 1, 1, 1, 2**64 - 1), Fingerprint("/other", 1, 1, 1, 1)
    store.remember_digests({odd: "01" * 32, plain: "02" * 32})
    recalled = store.recall_digests([odd, plain])
    assert recalled.pop(odd, "01" * 32) == "01" * 32
    assert recalled == {plain: "02" * 32}


def test_a_file_with_a_path_that_no_index_takes_is_passed_over(store: Store) -> None:
    long = Fingerprint("/" + os.urandom(2047).hex(), 1, 1, 1, 1)
    plain = Fingerprint("/other", 1, 1, 1, 1)
    store.remember_digests({long: "01" * 32, plain: "02" * 32})
    assert store.recall_digests([long, plain]) == {plain: "02" * 32}


# Dated states


def dated(name: str, day: int) -> Wanted:
    return replace(wanted(name), moment=datetime(2024, 5, day))


def test_a_dated_state_is_not_begun_after_a_later_one(store: Store, other: Store) -> None:
    def begun(store: Store, one: Wanted) -> int | None:
        assert one.moment is not None
        seen = store.find([one.key]).get(one.key)
        return store.claim(one, seen, now_text(), period=Period(one.moment, one.moment))

    assert begun(store, dated("b", 3)) == 1
    assert store.states_of("stream") == {}
    assert begun(other, dated("a", 2)) == 1
    assert store.mark_sent(wanted("b").key, 1, "5a" * 32)
    with pytest.raises(StalePlan, match="2024-05-03"):
        begun(other, dated("c", 2))
    assert other.find([wanted("c").key]) == {}
    store.record(wanted("b").key, 1, "scheduled", "", remote_id=None, detail={})

    assert store.extend_period(wanted("b").key, 1, datetime(2024, 5, 5)) == {
        "first": "2024-05-03T00:00:00",
        "last": "2024-05-05T00:00:00",
    }
    assert other.states_of("stream") == {
        datetime(2024, 5, day): DatedState(wanted("b").key, "scheduled") for day in (3, 5)
    }
    with pytest.raises(StalePlan, match="2024-05-05"):
        begun(other, dated("c", 4))
    assert begun(other, dated("c", 5)) == 1
