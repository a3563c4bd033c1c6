# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipts: what they remember, who may change them, and what they survive."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    ImportsError,
    Period,
    StalePlan,
    StoreError,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease, liveness, opening, schema
from ansible_collections.assetops.imports.plugins.module_utils._receipts import sqlite as _receipts_sqlite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import PostgreSQL
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import DatedState, Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.sqlite import SQLite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import KINDS, ask, check_that_it_is_whole, new_store
from ..nobody import unprivileged
from ..other_run import OtherRun, abandon, eventually, wanted

A = wanted("a")
B = wanted("b")
NO_DIGEST = "00" * 32


IN_A_FILE = pytest.mark.parametrize("location", ["SQLite"], indirect=True)
IN_POSTGRESQL = pytest.mark.parametrize("location", ["PostgreSQL"], indirect=True)


@pytest.fixture(params=KINDS)
def location(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return new_store(request.param, tmp_path, request)


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    with closing(open_store(location)) as store:
        yield store


@pytest.fixture
def other(location: str, store: Store) -> Iterator[Store]:
    """The same store as a second run has it that is alive as long as the test."""
    with closing(open_store(location)) as other:
        yield other


def receipt_of(store: Store, name: str = "a") -> Receipt:
    return store.find([wanted(name).key])[wanted(name).key]


def newest_key(store: Store, stream: str) -> str | None:
    newest = store.newest_of(stream)
    return newest and newest[0]


def claim(store: Store, one: Wanted, seen: Receipt | None) -> int | None:
    return store.claim(one, seen, now_text())


def claimed(store: Store, name: str = "a") -> int:
    """The number of an attempt that is begun now."""
    one = wanted(name)
    attempt = claim(store, one, store.find([one.key]).get(one.key))
    assert attempt is not None
    return attempt


def sent(store: Store, name: str = "a") -> int:
    """The number of an attempt whose last block has left."""
    attempt = claimed(store, name)
    assert store.mark_sent(wanted(name).key, attempt, NO_DIGEST)
    return attempt


def record(store: Store, name: str, attempt: int, state: str, **what: Any) -> None:
    store.record(
        wanted(name).key,
        attempt,
        state,
        what.get("message", ""),
        remote_id=what.get("remote_id"),
        detail=what.get("detail", {}),
    )


def ended(store: Store, name: str, state: str, **what: Any) -> int:
    """The number of an attempt that went all the way to this state."""
    attempt = sent(store, name)
    record(store, name, attempt, state, **what)
    return attempt


# What a receipt says


def test_an_import_nobody_tried_has_no_receipt(store: Store) -> None:
    assert store.find([A.key]) == {}


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
def test_whatever_a_server_says_is_kept_as_json_that_every_reader_takes(
    location: str, store: Store, words: object
) -> None:
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


# Claims


def test_of_two_runs_that_saw_no_receipt_one_gets_the_claim(store: Store, other: Store) -> None:
    assert claim(store, A, None) == 1
    assert claim(other, A, None) is None


@pytest.mark.parametrize("state", ["failed", "unknown", "succeeded", "incomplete"])
def test_of_two_runs_that_saw_the_same_receipt_one_gets_the_claim(store: Store, other: Store, state: str) -> None:
    ended(store, "a", state)
    seen = receipt_of(store)
    assert claim(other, A, seen) == 2
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


def test_claims_of_different_imports_do_not_meet(store: Store, other: Store) -> None:
    assert (claim(store, A, None), claim(other, B, None)) == (1, 1)


def test_another_run_that_is_at_work_is_seen_alive(store: Store, other: Store) -> None:
    claimed(other)
    owner = receipt_of(store).owner
    assert owner is not None
    assert owner.is_alive
    assert owner.pid == os.getpid()


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


def test_who_lost_its_claim_may_not_commit_any_more(store: Store, other: Store) -> None:
    lost = claimed(store)
    taken = claimed(other)
    assert not store.mark_sent(A.key, lost, NO_DIGEST)
    assert other.mark_sent(A.key, taken, NO_DIGEST)


def test_a_claim_cannot_be_taken_over_once_its_owner_has_committed(store: Store, other: Store) -> None:
    attempt = claimed(store)
    seen = receipt_of(other)
    assert store.mark_sent(A.key, attempt, NO_DIGEST)
    assert claim(other, A, seen) is None


def test_the_attempt_of_an_owner_that_lost_its_claim_has_failed(location: str, store: Store, other: Store) -> None:
    claimed(store)
    claimed(other)
    assert ask(location, "SELECT attempt, state FROM attempts ORDER BY attempt") == [
        (1, "failed"),
        (2, "claimed"),
    ]


# What became of an attempt


@pytest.mark.parametrize("state", ["succeeded", "incomplete", "failed"])
def test_the_outcome_of_what_was_only_known_to_be_scheduled_is_written_later(
    store: Store, other: Store, state: str
) -> None:
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


def test_the_word_of_an_attempt_that_does_not_count_any_more_stays_in_the_history(
    location: str, store: Store, other: Store
) -> None:
    late = sent(store)
    ended(other, "a", "succeeded", remote_id="task 2")
    record(store, "a", late, "succeeded", remote_id="task 1")
    assert (receipt_of(store).attempt, receipt_of(store).remote_id) == (2, "task 2")
    assert ask(location, "SELECT attempt, remote_id FROM attempts ORDER BY attempt") == [
        (1, "task 1"),
        (2, "task 2"),
    ]


def test_the_remote_id_stays_when_a_later_word_names_none(store: Store) -> None:
    attempt = ended(store, "a", "submitted", remote_id="task 1")
    record(store, "a", attempt, "unknown")
    assert receipt_of(store).remote_id == "task 1"


@pytest.mark.parametrize("state", ["succeeded", "scheduled", "incomplete"])
def test_an_earlier_success_counts_again_when_a_later_attempt_fails(store: Store, state: str) -> None:
    ended(store, "a", state, remote_id="task 1")
    assert ended(store, "a", "failed") == 2
    assert (receipt_of(store).state, receipt_of(store).attempt, receipt_of(store).remote_id) == (state, 1, "task 1")


def test_the_last_of_several_successes_counts_again(store: Store) -> None:
    ended(store, "a", "succeeded", remote_id="task 1")
    ended(store, "a", "succeeded", remote_id="task 2")
    ended(store, "a", "failed")
    assert receipt_of(store).remote_id == "task 2"


def test_an_attempt_after_a_fall_back_has_a_number_of_its_own(store: Store) -> None:
    ended(store, "a", "succeeded")
    ended(store, "a", "failed")
    assert claimed(store) == 3


def test_a_first_attempt_that_failed_is_what_the_receipt_tells(store: Store) -> None:
    ended(store, "a", "failed", message="no")
    assert (receipt_of(store).state, receipt_of(store).message) == ("failed", "no")


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


def test_a_stream_that_nothing_was_imported_into_has_no_newest(store: Store) -> None:
    assert store.newest_of("stream") is None


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


# The file


def test_a_new_store_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "receipts.db"
    before = os.umask(0)
    try:
        with closing(open_store(str(path))) as store:
            claimed(store)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_run_knows_whether_it_made_the_store(location: str) -> None:
    with closing(open_store(location)) as first, closing(open_store(location)) as second:
        assert (first.created, second.created) == (True, False)


def test_a_store_in_the_home_folder_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with closing(open_store("~/receipts.db")) as store:
        assert store.location == str(tmp_path / "receipts.db")
    assert (tmp_path / "receipts.db").exists()


@pytest.mark.parametrize("name", ["with space?mode=memory#%41.db", "účtenky.db", "none.db"])
def test_a_store_may_have_any_name(tmp_path: Path, name: str) -> None:
    for _run in range(2):
        with closing(open_store(str(tmp_path / name))) as store:
            ended(store, "a", "succeeded")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_store_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db")
    with closing(open_store(path)) as store:
        ended(store, "a", "succeeded")
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [b"\xff.db"]


def test_without_a_store_a_run_has_one_that_is_forgotten() -> None:
    with closing(open_store("none")) as store:
        assert not store.created
        ended(store, "a", "succeeded")
        assert receipt_of(store).state == "succeeded"
    with closing(open_store("none")) as store:
        assert store.find([A.key]) == {}


@IN_A_FILE
def test_a_store_that_is_only_read_is_not_made(location: str) -> None:
    with closing(open_store(location, read_only=True)) as store:
        assert (store.created, store.find([A.key]), store.newest_of("stream")) == (False, {}, None)
    assert not Path(location).exists()


@IN_A_FILE
def test_a_store_that_is_only_read_tells_what_is_in_it_and_stays_as_it_is(location: str, store: Store) -> None:
    ended(store, "a", "succeeded")
    before = Path(location).read_bytes()
    with closing(open_store(location, read_only=True)) as reader:
        assert receipt_of(reader).state == "succeeded"
        reader.remember_digests({Fingerprint("/log", 1, 1, 1, 1): "ab" * 32})
        assert reader.recall_digests([Fingerprint("/log", 1, 1, 1, 1)]) == {}
        with pytest.raises(StoreError, match="could not be written"):
            claim(reader, B, None)
    assert Path(location).read_bytes() == before


@IN_A_FILE
def test_a_store_that_was_never_filled_is_read_as_empty(location: str) -> None:
    """As it is left by a run that is killed right after it made the file."""
    Path(location).touch()
    with closing(open_store(location, read_only=True)) as store:
        assert store.find([A.key]) == {}
    with closing(open_store(location)) as store:
        assert claimed(store) == 1


def a_text_file(path: Path) -> None:
    path.write_text("These are not receipts. " * 100, encoding="utf-8")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_database_of_others(path: Path) -> None:
    ask(str(path), "CREATE TABLE recipes (name)")


def a_database_of_another_application(path: Path) -> None:
    ask(str(path), "CREATE TABLE receipts (key)")
    ask(str(path), "PRAGMA application_id = 1196444487")


def a_newer_store(path: Path) -> None:
    open_store(str(path)).close()
    ask(str(path), "PRAGMA user_version = 1000")


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


@IN_A_FILE
@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (a_text_file, "not a database"),
        (a_folder, "could not be opened"),
        (a_database_of_others, "no receipt store"),
        (a_database_of_another_application, "no receipt store"),
        (a_newer_store, "newer release"),
    ],
)
def test_what_is_no_store_of_ours_is_refused_and_left_alone(
    location: str, make: Any, words: str, read_only: bool
) -> None:
    make(Path(location))
    before = Path(location).read_bytes() if make is not a_folder else None
    with pytest.raises(StoreError, match=words) as raised:
        open_store(location, read_only=read_only)
    assert location in raised.value.message
    assert before is None or Path(location).read_bytes() == before


@pytest.mark.parametrize(
    ("location", "read_only"),
    [
        ("/proc/no/receipts.db", False),
        ("/dev/null/receipts.db", False),
        ("/dev/null/receipts.db", True),
        ("/tmp/\0/receipts.db", False),
        ("/tmp/\0/receipts.db", True),
    ],
)
def test_a_place_where_no_file_can_be_made_is_an_error_in_words(location: str, read_only: bool) -> None:
    with pytest.raises(ImportsError, match=r"receipts? "):
        open_store(location, read_only=read_only)


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("not mounted"))


def a_link_to_nothing_in_its_path(path: Path) -> None:
    path.parent.rmdir()
    a_link_to_nothing(path.parent)


def a_file_in_its_path(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


IN_A_PATH = "below/it/receipts.db"


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (a_fifo, "receipts.db", "no regular file"),
        (a_folder, "receipts.db", "no regular file"),
        (a_link_to_nothing, "receipts.db", "receipts.db is a link to .*/not mounted, and there is nothing"),
        (a_link_to_itself, "receipts.db", "(?i)symbolic links"),
        (a_fifo, IN_A_PATH, "below is no folder"),
        (a_link_to_nothing, IN_A_PATH, "below is a link to .*/not mounted, and there is nothing"),
        (a_link_to_itself, IN_A_PATH, "(?i)symbolic links"),
        (a_link_to_nothing_in_its_path, IN_A_PATH, "folder is a link to .*/not mounted, and there is nothing"),
        (a_file_in_its_path, "receipts.db", "folder is no folder"),
        (a_file_in_its_path, IN_A_PATH, "folder is no folder"),
    ],
)
def test_check_mode_tells_of_a_place_what_a_run_tells(tmp_path: Path, make: Any, name: str, words: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder / name.partition("/")[0])
    messages = set()
    for read_only in (False, True, False):
        with pytest.raises(StoreError, match=words) as raised:
            open_store(str(folder / name), read_only=read_only)
        messages.add(raised.value.message)
    assert len(messages) == 1, messages


def test_a_link_to_a_store_is_that_store(tmp_path: Path) -> None:
    open_store(str(tmp_path / "receipts.db")).close()
    (tmp_path / "link.db").symlink_to(tmp_path / "receipts.db")
    with closing(open_store(str(tmp_path / "link.db"))) as store:
        assert not store.created


def test_check_mode_tells_of_an_empty_file_that_may_not_be_written_what_a_run_tells() -> None:
    with unprivileged() as folder:
        location = folder / "receipts.db"
        location.touch(mode=0o400)
        for read_only in (False, True):
            with pytest.raises(StoreError, match=r"readonly|cannot be written by this user"):
                open_store(str(location), read_only=read_only)
        open_store(str(location), read_only=True, make=False).close()  # for who only reads


ON_A_DISK_THAT_IS_READ_ONLY = """
import sys
from pathlib import Path
from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
for read_only in (False, True):
    try:
        open_store(sys.argv[1] + "/receipts.db", read_only=read_only)
    except StoreError as error:
        print(error.message)
"""


@pytest.mark.skipif(not shutil.which("unshare"), reason="it takes Linux's namespaces")
def test_a_disk_that_is_read_only_is_told_by_check_mode_too(tmp_path: Path) -> None:
    command = 'mount -t tmpfs -o ro small "$1" && exec "$2" -c "$3" "$1"'
    arguments = ["sh", "-c", command, "sh", str(tmp_path), sys.executable, ON_A_DISK_THAT_IS_READ_ONLY]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if "unshare" in done.stderr:
        pytest.skip(done.stderr)
    as_run, as_checked = done.stdout.splitlines()
    assert as_run == as_checked
    assert f"{tmp_path} is on a read-only file system" in as_run


def test_the_bytes_of_a_path_are_utf8_whatever_the_locale(tmp_path: Path) -> None:
    code = f"import sys; from {open_store.__module__} import open_store"
    code += f"; print(sys.getfilesystemencoding()); open_store({str(tmp_path)!a} + '/\\xfa\\u010dtenky.db')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PYTHONPATH": os.pathsep.join(sys.path),
            "LC_ALL": "C",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONUTF8": "0",
        },
    )
    assert "utf-8" not in done.stdout
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == ["účtenky.db".encode()], done.stderr


@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
@pytest.mark.parametrize("name", ["receipts.db", "folder/receipts.db"])
def test_a_folder_that_may_not_be_written_is_an_error_in_words(name: str, read_only: bool) -> None:
    with unprivileged() as folder:
        (folder / "locked").mkdir(mode=0o500)
        with pytest.raises(StoreError, match=r"locked cannot be written by this user|Permission denied"):
            open_store(str(folder / "locked" / name), read_only=read_only)


def test_a_store_that_may_only_be_read_refuses_the_claim(store: Store) -> None:
    claimed(store, "rehearsal")  # so that everything is imported
    with unprivileged() as folder:
        location = str(folder / "receipts.db")
        with closing(open_store(location)) as writer:
            ended(writer, "a", "succeeded")
        Path(location).chmod(0o400)
        with closing(open_store(location)) as reader:
            assert receipt_of(reader).state == "succeeded"
            with pytest.raises(StoreError, match="readonly"):
                claim(reader, B, None)


def test_a_store_that_another_run_makes_at_the_same_moment_is_made_once(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = PostgreSQL if is_url(location) else SQLite
    transaction = database.transaction

    @contextmanager
    def after_the_other(self: Any) -> Iterator[None]:
        monkeypatch.undo()
        with closing(open_store(location)) as other:
            assert other.created
            ended(other, "a", "succeeded")
        with transaction(self):
            yield

    monkeypatch.setattr(database, "transaction", after_the_other)
    with closing(open_store(location)) as store:
        assert not store.created
        assert receipt_of(store).state == "succeeded"


def test_a_store_that_another_run_makes_between_any_two_questions_is_taken_for_one(
    tmp_path: Path, location: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "PostgreSQL" if is_url(location) else "SQLite"
    database = PostgreSQL if is_url(location) else SQLite
    execute = database.execute

    def questions_before_it_writes(number: int) -> bool:
        """Have another run make the store before the question of this number, if this run still only asks then."""
        (tmp_path / str(number)).mkdir()
        place = new_store(kind, tmp_path / str(number), request)
        asked: list[str] = []

        def interrupted(self: Any, statement: str, values: Any = ()) -> Any:
            asked.append(statement)
            if len(asked) == number + 1 and not any(one.startswith("BEGIN") for one in asked):
                with monkeypatch.context() as patch:
                    patch.setattr(database, "execute", execute)
                    open_store(place).close()
            return execute(self, statement, values)

        with monkeypatch.context() as patch:
            patch.setattr(database, "execute", interrupted)
            with closing(open_store(place)) as store:
                claimed(store)
        return not any(one.startswith("BEGIN") for one in asked[: number + 1])

    number = next(number for number in range(20) if not questions_before_it_writes(number))
    assert number >= 1


@IN_A_FILE
def test_a_store_that_is_deleted_under_a_run_is_an_error_in_words_before_anything_is_sent(
    location: str, store: Store
) -> None:
    attempt = claimed(store)
    Path(location).unlink()
    with pytest.raises(StoreError):
        store.mark_sent(A.key, attempt, NO_DIGEST)


# Versions


def make_version_one(location: str) -> None:
    """Make a store as the first version did, with one import in it."""
    endings = {True: "", False: " WITHOUT ROWID"}
    for statement in schema.MIGRATIONS[0].format(table_ending=endings[is_url(location)]).split(";"):
        if statement.strip():
            ask(location, statement)
    ask(location, "INSERT INTO receipts VALUES (?, 'licstat', 'target', 'stream', '{}', 1, '')", A.key)
    ask(
        location,
        "INSERT INTO attempts VALUES (?, 1, 'run', 'succeeded', 'a', 3, NULL, 1, 'task 1', '', '{}', '', '', '')",
        A.key,
    )
    if is_url(location):
        ask(location, "CREATE TABLE assetops_receipts (version integer NOT NULL)")
        ask(location, "INSERT INTO assetops_receipts VALUES (1)")
    else:
        ask(location, f"PRAGMA application_id = {_receipts_sqlite.APPLICATION_ID}")
        ask(location, "PRAGMA user_version = 1")


def test_a_store_of_an_older_version_is_brought_up_to_date(location: str) -> None:
    make_version_one(location)
    with closing(open_store(location)) as store:
        assert not store.created
        assert (receipt_of(store).state, receipt_of(store).remote_id) == ("succeeded", "task 1")
        assert newest_key(store, "stream") == A.key
        ended(store, "b", "succeeded")
        assert newest_key(store, "stream") == B.key
    with closing(open_store(location, required=True)) as again:
        assert again._database.version() == schema.VERSION


def test_receipts_outlive_that_digests_get_to_know_their_device(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Fingerprint("/log", 1, 1, 1, 1)
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:2])
        before.setattr(schema, "VERSION", 2)
        make_version_one(location)
        with closing(open_store(location)) as store:
            host = store._host
        ask(location, "INSERT INTO digests VALUES (?, 1, 1, 1, '1', ?)", f"{host}/log", "ab" * 32)
    with closing(open_store(location)) as store:
        assert receipt_of(store).state == "succeeded"
        assert store.recall_digests([log]) == {}
        store.remember_digests({log: "ab" * 32})
        assert store.recall_digests([log]) == {log: "ab" * 32}


def test_a_store_of_an_older_version_stays_as_it_is_where_it_is_only_read(location: str) -> None:
    make_version_one(location)
    with pytest.raises(StoreError, match="older release"):
        open_store(location, read_only=True)
    open_store(location).close()
    open_store(location, read_only=True).close()


def test_a_store_that_another_run_brings_up_to_date_at_the_same_moment_is_so_once(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version_one(location)
    database = PostgreSQL if is_url(location) else SQLite
    transaction = database.transaction

    @contextmanager
    def after_the_other(self: Any) -> Iterator[None]:
        monkeypatch.undo()
        open_store(location).close()
        with transaction(self):
            yield

    monkeypatch.setattr(database, "transaction", after_the_other)
    with closing(open_store(location)) as store:
        assert not store.created
        assert receipt_of(store).state == "succeeded"


# Trouble


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


# Death


def test_a_killed_owner_is_known_at_once(location: str, store: Store) -> None:
    with OtherRun(location) as other:
        assert other.claim("a") == 1
        assert receipt_of(store).owner is not None
        other.kill()
        owner = receipt_of(store).owner
        assert owner is not None
        assert not owner.is_alive


def test_a_killed_owner_is_known_before_its_parent_has_buried_it(location: str, store: Store) -> None:
    with OtherRun(location) as other:
        other.claim("a")
        other.process.kill()
        os.waitid(os.P_PID, other.process.pid, os.WEXITED | os.WNOWAIT)
        owner = receipt_of(store).owner
        assert owner is not None
        assert not owner.is_alive


@pytest.fixture
def short_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """In PostgreSQL, a lease that looks over is watched for a short time only."""
    monkeypatch.setattr(lease, "RENEWAL", 0.1)
    monkeypatch.setattr(lease, "RENEWAL_TIMEOUT", 0.2)
    monkeypatch.setattr(liveness, "PAUSE", 0.05)


def renew_no_more(store: Store) -> None:
    assert store._lease is not None
    store._lease.end()


def owner_is_alive(store: Store, location: str, **row: Any) -> bool:
    """Whether the owner of a claim is taken for alive whose run has these values."""
    for name, value in row.items():
        ask(location, f"UPDATE runs SET {name} = ?", value)  # noqa: S608 (names of our own)
    owner = receipt_of(store).owner
    assert owner is not None
    return owner.is_alive


@pytest.mark.usefixtures("short_watch")
def test_an_owner_on_another_host_is_alive_as_long_as_its_lease(location: str, store: Store, other: Store) -> None:
    claimed(other)
    elsewhere = {"host": "elsewhere", "place": "", "pid": 2**22 + 1, "pid_started": "1"}
    assert owner_is_alive(store, location, **elsewhere)
    renew_no_more(other)
    assert not owner_is_alive(store, location, **elsewhere, lease_ends=time.time() - 0.01)


@pytest.mark.parametrize("elsewhere", [{"host": "elsewhere"}, {"place": ""}], ids=["host", "no place known"])
def test_a_process_id_means_nothing_elsewhere(
    location: str, store: Store, other: Store, elsewhere: dict[str, str]
) -> None:
    claimed(other)
    assert owner_is_alive(store, location, **elsewhere, pid=2**22 + 1)


def test_no_process_of_another_boot_of_this_host_is_alive_and_those_of_other_hosts_may_be(
    location: str, store: Store, other: Store
) -> None:
    claimed(other)
    assert owner_is_alive(store, location, place="another boot") == is_url(location)


def test_a_process_that_got_the_id_of_a_dead_owner_is_not_it(location: str, store: Store, other: Store) -> None:
    claimed(other)
    assert owner_is_alive(store, location)
    assert not owner_is_alive(store, location, pid_started="1")


@pytest.mark.usefixtures("short_watch")
def test_where_processes_cannot_be_told_apart_the_lease_decides(
    location: str, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(path: Path, **_how: Any) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", hidden)
    claimed(other)
    assert owner_is_alive(store, location)
    renew_no_more(other)
    assert not owner_is_alive(store, location, lease_ends=time.time() - 0.01)


WRONG = pytest.mark.parametrize("seconds", [-0.01, -1e9, 3600, 1e9])


@WRONG
@pytest.mark.usefixtures("short_watch")
def test_a_lease_that_is_over_or_ends_later_than_any_can_is_no_lease(
    location: str, store: Store, other: Store, seconds: float
) -> None:
    claimed(other)
    renew_no_more(other)
    now = time.time() if is_url(location) else time.monotonic()
    assert not owner_is_alive(store, location, host="elsewhere", lease_ends=now + seconds)


@WRONG
def test_a_process_that_is_seen_outweighs_its_lease(location: str, store: Store, other: Store, seconds: float) -> None:
    claimed(other)
    now = time.time() if is_url(location) else time.monotonic()
    assert owner_is_alive(store, location, lease_ends=now + seconds)


def test_a_lease_is_renewed_as_long_as_its_run_lives(location: str, store: Store) -> None:
    with OtherRun(location, LEASE=1.5, RENEWAL=0.02) as other:
        other.claim("a")
        first = ask(location, "SELECT lease_ends FROM runs")[0][0]
        eventually(lambda: ask(location, "SELECT lease_ends FROM runs")[0][0] > first + 2)
        owner = receipt_of(store).owner
        assert owner is not None
        assert owner.is_alive


def test_a_renewal_that_cannot_be_written_does_not_end_the_renewing(
    location: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[float] = []
    database = store._database
    another = database.second_connection

    def busy_at_first(timeout: float) -> Any:
        if len(failures) < 3:
            failures.append(timeout)
            raise database.errors[0]("database is locked")
        return another(timeout)

    monkeypatch.setattr(lease, "RENEWAL", 0.01)
    monkeypatch.setattr(database, "second_connection", busy_at_first)
    claimed(store)
    ask(location, "UPDATE runs SET lease_ends = 1")
    eventually(lambda: ask(location, "SELECT lease_ends FROM runs")[0][0] > 1)
    assert failures == [lease.RENEWAL_TIMEOUT] * 3


@pytest.mark.usefixtures("short_watch")
def test_a_stopped_owner_that_is_not_seen_is_taken_over_and_may_not_commit_when_it_wakes(
    location: str, store: Store
) -> None:
    with OtherRun(location, LEASE=0.3, RENEWAL=3600) as other:
        lost = other.claim("a")
        assert lost is not None
        other.stop()
        ask(location, "UPDATE runs SET host = 'elsewhere'")

        def is_dead() -> bool:
            owner = receipt_of(store).owner
            return owner is not None and not owner.is_alive

        eventually(is_dead)
        taken = claimed(store)
        other.go_on()
        assert not other.mark_sent("a", lost)
        assert store.mark_sent(A.key, taken, NO_DIGEST)
        other.record("a", lost, "failed")
        assert (receipt_of(store).attempt, receipt_of(store).state) == (taken, "sent")


def test_a_stopped_owner_that_had_sent_everything_tells_the_outcome_when_it_wakes(location: str, store: Store) -> None:
    with OtherRun(location) as other:
        attempt = other.claim("a")
        assert attempt is not None
        assert other.mark_sent("a", attempt)
        other.stop()
        ask(location, "UPDATE runs SET lease_ends = 0")
        store.note_unknown(receipt_of(store))
        assert receipt_of(store).state == "unknown"
        other.go_on()
        other.record("a", attempt, "succeeded", "task 1")
        assert (receipt_of(store).state, receipt_of(store).remote_id) == ("succeeded", "task 1")


def test_a_dead_run_in_this_process_is_told_from_one_that_is_alive(location: str, store: Store) -> None:
    dead = open_store(location)
    claimed(dead)
    abandon(dead)
    owner = receipt_of(store).owner
    assert owner is not None
    assert not owner.is_alive


# Crashes


@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
def test_a_store_opens_after_a_run_was_killed_in_the_middle_of_a_change(
    location: str, store: Store, read_only: bool
) -> None:
    ended(store, "b", "succeeded")
    with OtherRun(location) as other:
        other.begin("die_within_claim", "a")
        other.process.wait()
    if not location.startswith("postgresql:"):
        assert Path(f"{location}-journal").stat().st_size > 0
    with closing(open_store(location, read_only=read_only)) as next_run:
        assert next_run.find([A.key]) == {}
        assert receipt_of(next_run, "b").state == "succeeded"


def test_a_run_whose_claim_was_not_written_can_claim_again(location: str, store: Store) -> None:
    with OtherRun(location) as other:
        other.begin("die_within_claim", "a")
        other.process.wait()
    assert claimed(store) == 1


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
def test_a_transaction_that_fails_leaves_nothing_behind_and_the_store_usable(
    location: str, store: Store, how: str
) -> None:
    trigger = f"CREATE TRIGGER full BEFORE INSERT ON attempts BEGIN SELECT RAISE ({how}, 'disk full'); END"
    ask(location, trigger)
    with pytest.raises(StoreError, match="disk full"):
        claim(store, A, None)
    assert ask(location, "SELECT count(*) FROM receipts") == [(0,)]
    ask(location, "DROP TRIGGER full")
    assert claim(store, A, None) == 1


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


# Dated states.


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
