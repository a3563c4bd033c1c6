# SPDX-License-Identifier: GPL-3.0-or-later
"""Following a store: every outcome once and in order, whatever clocks, runs and the follower do meanwhile."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, StoreError, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts import following, schema
from ansible_collections.assetops.imports.plugins.module_utils._receipts.following import Cursor, Follower, Outcome
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import receipt_by_key
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.outcomes import OUTCOMES
from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import PostgreSQL
from ansible_collections.assetops.imports.plugins.module_utils._receipts.settling import forget, settle
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask, new_store
from ..other_run import OtherRun, abandon, eventually, wanted
from .attempts import IN_POSTGRESQL, NO_DIGEST, claimed, ended, record, sent

Told = list[tuple[str, int, str]]


class Reader:
    """Who follows a store with a cursor in a file, and may be killed and started again."""

    def __init__(self, location: str, cursor: Path, *, from_the_beginning: bool = True) -> None:
        self._location = location
        self._path = cursor
        self._from_the_beginning = from_the_beginning
        self._start()

    def _start(self) -> None:
        self.cursor = Cursor.read(self._path)
        self.follower = Follower(self._location, None, self.cursor, from_the_beginning=self._from_the_beginning)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_error: object) -> None:
        self.follower.close()

    def restart(self) -> None:
        self.follower.close()
        self._start()

    def look(self, most: int | None = None, *, is_killed: bool = False) -> list[dict[str, Any]]:
        """What is told now. `is_killed`: before it is noted that the last one was told."""
        outcomes = self.follower.poll()[:most]
        imports = self.follower.describe(outcomes) if outcomes else []
        for number, outcome in enumerate(outcomes, 1):
            self.cursor.note(outcome)
            if number < len(outcomes) or not is_killed:
                self.cursor.save()
        return [one for one in imports if one is not None]

    def states(self) -> Told:
        return [(one["source"], one["attempt"], one["state"]) for one in self.look()]


@pytest.fixture
def reader(location: str, tmp_path: Path) -> Iterator[Reader]:
    """One that begins with an empty store."""
    with Reader(location, tmp_path / "cursor.json") as reader:
        yield reader


def cursor_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "cursor.json").read_text(encoding="utf-8"))
    return found


# What is told


@pytest.mark.parametrize("state", OUTCOMES)
def test_an_outcome_is_reported_once(store: Store, reader: Reader, state: str) -> None:
    ended(store, "a", state)
    assert reader.states() == [("a", 1, state)]
    assert reader.states() == []
    reader.restart()
    assert reader.states() == []


def test_an_import_is_described_as_people_and_rules_need_it(store: Store, reader: Reader) -> None:
    attempt = claimed(store, label="site")
    assert store.mark_sent(wanted("a").key, attempt, NO_DIGEST)
    record(store, "a", attempt, "incomplete", message="3 rows did not parse", remote_id="task 7")
    (told,) = reader.look()
    assert told["started_at"] <= told["finished_at"]
    assert told.pop("duration") >= 0
    assert {name: told[name] for name in told if not name.endswith("_at")} == {
        "id": "key of a/1/incomplete",
        "system": "licstat",
        "target": "target",
        "label": "site",
        "source": "a",
        "size": 3,
        "key": "key of a",
        "attempt": 1,
        "state": "incomplete",
        "message": "3 rows did not parse",
        "remote_id": "task 7",
        "period": None,
        "url": None,
    }


def test_what_has_not_ended_is_not_reported(store: Store, reader: Reader) -> None:
    claimed(store, "a")
    sent(store, "b")
    record(store, "c", sent(store, "c"), "submitted", remote_id="task 1")
    assert reader.states() == []


def test_what_is_only_written_down_as_imported_is_not_reported(store: Store, reader: Reader) -> None:
    store.adopt(wanted("a"), None, now_text(), state="succeeded", message="Adopted.")
    assert reader.states() == []


def test_each_outcome_of_an_attempt_is_reported_though_only_the_last_is_its_state(store: Store, reader: Reader) -> None:
    attempt = ended(store, "a", "scheduled", message="first")
    ended(store, "b", "failed")
    record(store, "a", attempt, "succeeded", message="second")
    assert [(one["source"], one["state"], one["message"]) for one in reader.look()] == [
        ("a", "scheduled", "first"),
        ("b", "failed", ""),
        ("a", "succeeded", "second"),
    ]


def test_what_was_superseded_before_it_was_reported_had_succeeded(store: Store, reader: Reader) -> None:
    ended(store, "a", "succeeded")
    store.supersede("target")
    assert reader.states() == [("a", 1, "succeeded")]


def test_an_outcome_that_is_found_again_is_not_reported_again(store: Store, reader: Reader) -> None:
    attempt = ended(store, "a", "incomplete")
    record(store, "a", attempt, "incomplete")
    assert reader.states() == [("a", 1, "incomplete")]
    record(store, "a", attempt, "incomplete")
    assert reader.states() == []


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_what_was_settled_is_reported(store: Store, reader: Reader, state: str) -> None:
    ended(store, "a", "unknown")
    assert reader.states() == [("a", 1, "unknown")]
    known = receipt_by_key(store, wanted("a").key)
    assert known is not None
    settle(store, [known], state, "I looked.")
    (told,) = reader.look()
    assert (told["state"], told["message"].endswith("I looked.")) == (state, True)


# Runs that died


@pytest.mark.parametrize(("begun", "state"), [(claimed, "failed"), (sent, "unknown")])
def test_what_a_run_that_died_was_at_is_reported_before_the_next_run_and_not_again(
    location: str, reader: Reader, begun: Callable[[Store, str], int], state: str
) -> None:
    dying = open_store(location)
    begun(dying, "a")
    abandon(dying)
    assert reader.states() == [("a", 1, state)]
    assert reader.states() == []
    reader.restart()
    assert reader.states() == []
    with closing(open_store(location)) as store:
        ended(store, "a", "succeeded")
        assert reader.states() == [("a", 2, "succeeded")]
    assert cursor_in(reader.cursor.path.parent)["of_dead_runs"] == {}


@pytest.mark.usefixtures("short_watch")
def test_an_owner_that_wakes_has_its_outcome_reported(location: str, store: Store, reader: Reader) -> None:
    attempt = sent(store, "a")
    assert store._lease is not None
    ask(location, "UPDATE runs SET lease_ends = 0, host = 'elsewhere'")
    store._lease.end()
    assert reader.states() == [("a", 1, "unknown")]
    record(store, "a", attempt, "succeeded")
    assert reader.states() == [("a", 1, "succeeded")]


def test_a_run_that_is_at_work_is_not_taken_for_dead(location: str, reader: Reader) -> None:
    with OtherRun(location) as other:
        other.claim("a")
        assert other.mark_sent("a", 1)
        assert reader.states() == []
        other.kill()
        assert reader.states() == [("a", 1, "unknown")]


def test_what_a_run_that_died_was_at_and_is_forgotten_is_forgotten_here_too(location: str, reader: Reader) -> None:
    dying = open_store(location)
    sent(dying, "a")
    abandon(dying)
    reader.look()
    with closing(open_store(location)) as store:
        forget_all(store, "a")
        ended(store, "b", "succeeded")
    assert reader.states() == [("b", 1, "succeeded")]
    assert cursor_in(reader.cursor.path.parent)["of_dead_runs"] == {}


# Where to begin, and other stores


def test_the_start_is_what_ends_from_now_on(location: str, store: Store, tmp_path: Path) -> None:
    ended(store, "a", "succeeded")
    dying = open_store(location)
    sent(dying, "b")
    abandon(dying)
    with Reader(location, tmp_path / "cursor.json", from_the_beginning=False) as reader:
        assert reader.states() == []
        ended(store, "c", "succeeded")
        assert reader.states() == [("c", 1, "succeeded")]
        reader.restart()
        assert reader.states() == []


def test_a_store_that_is_not_there_yet_is_waited_for(location: str, tmp_path: Path) -> None:
    with Reader(location, tmp_path / "cursor.json", from_the_beginning=False) as reader:
        assert reader.states() == []
        with closing(open_store(location)) as store:
            ended(store, "a", "succeeded")
        assert reader.states() == [("a", 1, "succeeded")]
    if not location.startswith("postgresql:"):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["cursor.json", "receipts.db"]


def test_another_store_in_its_place_is_followed_from_its_beginning(location: str, reader: Reader) -> None:
    with closing(open_store(location)) as store:
        ended(store, "a", "succeeded")
    assert reader.states() == [("a", 1, "succeeded")]
    remove(location)
    assert told_or_nothing(reader) == []
    with closing(open_store(location)) as store:
        ended(store, "a", "succeeded")
    assert reader.states() == [("a", 1, "succeeded")]


def test_a_store_of_an_older_release_is_an_error_in_words_until_it_is_brought_up_to_date(
    location: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
        before.setattr(schema, "VERSION", 4)
        open_store(location).close()
    with pytest.raises(StoreError, match="older release"):
        reader.look()
    with closing(open_store(location)) as store:
        ended(store, "a", "succeeded")
    assert reader.states() == [("a", 1, "succeeded")]


@IN_POSTGRESQL
def test_a_lost_connection_costs_nothing(location: str, store: Store, reader: Reader, postgresql: Any) -> None:
    assert reader.states() == []
    postgresql.cut_connections()
    ended(store, "a", "succeeded")
    assert reader.states() == [("a", 1, "succeeded")]
    assert is_woken_by(reader, lambda: ended(store, "b", "failed"))


@IN_POSTGRESQL
def test_an_outcome_wakes_who_follows(store: Store, reader: Reader) -> None:
    assert reader.states() == []
    assert is_woken_by(reader, lambda: ended(store, "a", "succeeded"))
    assert reader.states() == [("a", 1, "succeeded")]


@IN_POSTGRESQL
def test_who_may_only_read_a_store_can_follow_it(location: str, store: Store, tmp_path: Path, postgresql: Any) -> None:
    """And who may write it can announce, with the rights that it has."""
    schema = ask(location, "SELECT current_schema()")[0][0]
    ask(location, f"GRANT USAGE ON SCHEMA {schema} TO stranger")
    ask(location, f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO stranger")
    with Reader(postgresql.url("stranger", schema=schema), tmp_path / "cursor.json") as reader:
        assert reader.states() == []
        assert is_woken_by(reader, lambda: ended(store, "a", "succeeded"))
        assert reader.states() == [("a", 1, "succeeded")]


# Clocks, and what is forgotten


def test_clocks_that_step_reorder_nothing(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns
    for name, seconds in (("a", 0), ("b", -(10**9)), ("c", 10**9), ("d", 0), ("e", -(10**6))):
        monkeypatch.setattr(time, "time_ns", lambda seconds=seconds: now() + seconds * 10**9)
        ended(store, name, "succeeded")
    assert [told[0] for told in reader.states()] == ["a", "b", "c", "d", "e"]


def test_outcomes_of_one_moment_come_one_by_one(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    ended(store, "a", "succeeded")
    assert reader.states() == [("a", 1, "succeeded")]
    ended(store, "b", "succeeded")
    assert reader.states() == [("b", 1, "succeeded")]


def test_what_ends_after_the_newest_were_forgotten_is_reported_though_a_clock_was_set_back(
    store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(store, "a", "succeeded")
    before = time.time_ns()
    ended(store, "b", "succeeded")
    reader.look()
    forget_all(store, "b")
    monkeypatch.setattr(time, "time_ns", lambda: before)
    ended(store, "c", "succeeded")
    assert reader.states() == [("c", 1, "succeeded")]


def test_a_cursor_stays_small(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "REMEMBERED", 3)
    for name in "abcdefgh":
        ended(store, name, "succeeded")
    assert len(reader.look()) == 8
    assert len(cursor_in(reader.cursor.path.parent)["delivered"]) == 3
    reader.restart()
    ended(store, "i", "succeeded")
    assert reader.states() == [("i", 1, "succeeded")]


# The cursor's file


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"since": "x", "delivered": {}, "of_dead_runs": {}}', "\xff"])
def test_a_file_that_is_no_cursor_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cursor.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=r"is not a cursor that this release wrote\. Put it back"):
        Cursor.read(path)
    assert path.read_bytes() == text.encode("latin-1")


def test_a_cursor_that_cannot_be_read_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"The cursor .* cannot be read: Is a directory\."):
        Cursor.read(tmp_path)


def test_a_cursor_that_cannot_be_written_is_an_error_in_words_before_anything_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cursor = Cursor(tmp_path / "file" / "cursor.json")
    with pytest.raises(BadInput, match=r"The cursor .* cannot be written: "):
        Follower(str(tmp_path / "receipts.db"), None, cursor, from_the_beginning=True).poll()


def test_a_cursor_is_replaced_whole_and_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = Cursor(tmp_path / "deep" / "cursor.json", 0)
    cursor.save()
    assert cursor.path.stat().st_mode & 0o777 == 0o600
    before = cursor.path.read_text(encoding="utf-8")
    cursor.note(Outcome("a", 1, "failed", "", 7))
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space left"):
            cursor.save()
    assert [path.name for path in cursor.path.parent.iterdir()] == ["cursor.json"]
    assert cursor.path.read_text(encoding="utf-8") == before


def no_space(_handle: int) -> None:
    raise OSError(28, "No space left")


# All together

NAMES = "ab"
STEPS = st.one_of(
    st.tuples(st.sampled_from(["begin", "send", "forget"]), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("end"), st.sampled_from(NAMES), st.sampled_from(OUTCOMES)),
    st.tuples(st.just("die"), st.just(""), st.just("")),
    st.tuples(st.just("clock"), st.integers(-1000, 1000), st.just("")),
    st.tuples(st.sampled_from(["look", "look and die"]), st.integers(1, 3), st.just("")),
)


class World:
    """A store with its runs, of which one is at work at a time, and what is to be told of them."""

    def __init__(self, location: str) -> None:
        self.location = location
        self.store = open_store(location)
        self.attempts: dict[str, tuple[int, str]] = {}  # the newest of each name, and its state
        self.expected: Told = []
        self.forgotten: Told = []

    def close(self) -> None:
        self.store.close()

    def step(self, what: str, name: str, state: str) -> None:
        attempt, known = self.attempts.get(name, (0, ""))
        if what == "die":
            abandon(self.store)
            self.store = open_store(self.location)
            for each, (number, at) in self.attempts.items():
                if at in ("claimed", "sent"):
                    self._ended(each, number, "failed" if at == "claimed" else "unknown")
        elif what == "begin" and known not in ("claimed", "sent"):
            self.attempts[name] = (claimed(self.store, name), "claimed")
        elif what == "send" and known == "claimed":
            assert self.store.mark_sent(wanted(name).key, attempt, NO_DIGEST)
            self.attempts[name] = (attempt, "sent")
        elif what == "end" and (
            known in ("sent", "unknown", "incomplete") or (known, state) == ("scheduled", "failed")
        ):
            self.store.note_unknown(self.store.find([wanted(name).key])[wanted(name).key])  # as the next run does
            record(self.store, name, attempt, state)
            if state != known:
                self._ended(name, attempt, state)
        elif what == "forget" and known not in ("", "claimed", "sent"):
            forget_all(self.store, name)
            del self.attempts[name]
            self.forgotten += [one for one in self.expected if one[0] == name]
            self.expected = [one for one in self.expected if one[0] != name]

    def _ended(self, name: str, attempt: int, state: str) -> None:
        self.attempts[name] = (attempt, state)
        self.expected.append((name, attempt, state))


@pytest.mark.parametrize(("kind", "examples"), [("SQLite", 50), ("PostgreSQL", 5)])
def test_whatever_happens_every_outcome_is_reported_once_and_in_order(
    kind: str, examples: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    numbers = count()

    @settings(max_examples=examples)
    @given(st.lists(STEPS, max_size=25))
    def check(steps: list[tuple[Any, Any, str]]) -> None:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        run(new_store(kind, folder, request), folder / "cursor.json", steps)

    check()


def run(location: str, cursor: Path, steps: list[tuple[Any, Any, str]]) -> None:
    told: Told = []
    doubled: Told = []  # what may be told twice, since who follows was killed before it noted that it was told
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        world = World(location)
        stack.callback(world.close)
        reader = stack.enter_context(Reader(location, cursor))
        now = time.time_ns

        def look(most: int | None = None, *, is_killed: bool = False) -> None:
            found = [(one["source"], one["attempt"], one["state"]) for one in reader.look(most, is_killed=is_killed)]
            for one in found:
                if one in doubled and one in told:
                    doubled.remove(one)
                else:
                    told.append(one)
            if is_killed:
                doubled.extend(found[-1:])
                reader.restart()

        for what, value, state in steps:
            if what == "clock":
                patch.setattr(time, "time_ns", lambda seconds=value: now() + seconds * 10**9)
            elif what.startswith("look"):
                look(value, is_killed=what != "look")
            else:
                if what == "forget":
                    look()  # so that what is forgotten was told
                world.step(what, value, state)
        look()
        look()
    expected = world.forgotten + world.expected
    for name in NAMES:
        assert [one for one in told if one[0] == name] == [one for one in expected if one[0] == name]


def forget_all(store: Store, name: str) -> None:
    known = receipt_by_key(store, wanted(name).key)
    assert known is not None
    forget(store, [known])


def is_woken_by(reader: Reader, happening: Callable[[], object]) -> bool:
    descriptor = reader.follower.descriptor()
    assert descriptor is not None
    assert not select.select([descriptor], [], [], 0)[0]
    happening()
    return bool(select.select([descriptor], [], [], 20)[0])


def told_or_nothing(reader: Reader) -> Told:
    """What is told once it is told that the tables are gone."""
    found: list[Told] = []

    def is_told() -> bool:
        try:
            found.append(reader.states())
        except StoreError:
            return False
        return True

    eventually(is_told)
    return found[-1]


def remove(location: str) -> None:
    if not location.startswith("postgresql:"):
        Path(location).unlink()
        return
    for table in ("attempts", "receipts", "runs", "digests", "assetops_receipts"):
        ask(location, f"DROP TABLE {table}")


def test_nothing_is_announced_by_a_file(location: str, store: Store) -> None:
    assert (store.listen() is None) == (not isinstance(store._database, PostgreSQL))
