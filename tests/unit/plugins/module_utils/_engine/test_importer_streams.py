# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams: the same content under several names and in several feeds, run after run.

What a run does about an import, by what was imported before:

    once=ever     It is imported if, and only if, it was never imported, under whatever name and in whatever feed.
    once=latest   It is imported if, and only if, the newest import of this run's stream is another one, or none.

An import counts for both from then on: as having been made, and as the newest of its stream. The stream is that of the
run that made it, not that of the run that first tried the same import.

What is not over when a run with once=latest comes:

    its own stream's newest       it is resumed, and its outcome is that of the import
    overtaken, or of another      it is waited for to its end; then the run looks again, and sends what is wanted still
    in doubt, wherever            it stays so, as it does without streams: nobody but the user sends it again
    of a run that is alive        it is waited for, unless this stream's newest is what is wanted already

Twice in one task, under different names, it is one import, whatever `once` says: the one that stands first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Union

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Outage,
    OutcomeUnknown,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import batch as _haplo
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat import imports as _licstat
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm import imports as _lm

from ..fakes import ScriptedSystem, TurnedClock, running, seen
from ..other_run import abandon, wanted
from .runs import LATEST, PACE, A, B, finishing, left, left_dead

URL = "http://host"
SHA256 = {"A": "aa" * 32, "B": "bb" * 32}


# What each system makes of a content, a name and a feed.


def a_url(number: int) -> str:
    """Of a server for a sequence of its own: they share a store, since to make one takes longer than a sequence."""
    return f"{URL}-{number}"


def a_file(name: str) -> Content:
    return Content(f"/logs/{name}", Fingerprint(f"/logs/{name}", 3, 0, 0, 0))


def log(content: str, name: str, feed: str | None, url: str = URL) -> Wanted:
    assert feed is None
    options = _licstat.ImportOptions(license_server_id=40)
    return _licstat.wanted_import(url, options, a_file(name), SHA256[content])


def archive(content: str, name: str, feed: str | None, url: str = URL) -> Wanted:
    payload = _lm.Archive(_lm.ImportOptions(), a_file(name))
    return _lm.wanted_import(url, "LibraryDemo", payload, SHA256[content], feed)


def batch(content: str, name: str, feed: str | None, url: str = URL) -> Wanted:
    files = (_haplo.DataFile(name, a_file(name), SHA256[content]),)
    return _haplo.wanted_batch(url, name, _haplo.Batch("00" * 32, None, files, feed=feed))


IDENTITIES = {"licstat": (log, (None,)), "lm": (archive, (None, "nightly")), "haplo": (batch, (None, "people"))}


def imported(store: Store, system: ScriptedSystem, *imports: Wanted, policy: Policy = LATEST) -> list[Import]:
    return Importer(system, store, policy, PACE, TurnedClock().clock).run(list(imports))


class Model:
    """What was imported, and what each stream was left as."""

    def __init__(self) -> None:
        self.imported: set[str] = set()
        self.newest: dict[str, str] = {}

    def imports(self, one: Wanted, once: str) -> bool:
        """Whether a run imports it; it is imported then."""
        was_imported = self.newest.get(one.stream) == one.key if once == "latest" else one.key in self.imported
        if not was_imported:
            self.imported.add(one.key)
            self.newest[one.stream] = one.key
        return not was_imported


Run = tuple[str, str, Union[str, None], str]  # content, name, feed, and `once`


def sequences(feeds: tuple[str | None, ...]) -> Iterator[tuple[Run, ...]]:
    """Those of four runs that say the same of `once`, and those of three that do not. All shorter ones begin one."""
    runs = list(itertools.product("AB", "xy", feeds, ("ever", "latest")))
    yield from (sequence for sequence in itertools.product(runs, repeat=3) if len({run[3] for run in sequence}) > 1)
    for once in ("ever", "latest"):
        yield from itertools.product([run for run in runs if run[3] == once], repeat=4)


def differing(make: Callable[..., Wanted], feeds: tuple[str | None, ...]) -> Iterator[tuple[Run, ...]]:
    """One sequence for each pattern of equal imports and equal streams, as runs compare nothing else of them."""
    found = set()
    identities = {parts: make(*parts) for parts in itertools.product("AB", "xy", feeds)}
    for sequence in sequences(feeds):
        imports = [identities[run[:3]] for run in sequence]
        keys, streams = ([*dict.fromkeys(known)] for known in zip(*((one.key, one.stream) for one in imports)))
        pattern = tuple((keys.index(one.key), streams.index(one.stream), run[3]) for one, run in zip(imports, sequence))
        if pattern not in found:
            found.add(pattern)
            yield sequence


@pytest.mark.slow
@pytest.mark.parametrize("name", list(IDENTITIES))
def test_every_sequence_of_runs_imports_what_is_not_the_newest(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    make, feeds = IDENTITIES[name]
    count = imports = 0
    with closing(open_store("none")) as store:
        for count, sequence in enumerate(differing(make, feeds), 1):
            model, system, sent = Model(), ScriptedSystem(), 0
            for number, (content, file, feed, once) in enumerate(sequence):
                one = make(content, file, feed, a_url(count))
                expected = model.imports(one, once)
                (found,) = imported(store, system, one, policy=Policy(once=once))
                assert (found.changed, found.state) == (expected, "succeeded"), (sequence, number)
                sent += expected
                assert len(system.commits) == sent, (sequence, number)
            imports += sent
    with capsys.disabled():
        print(f"\n  {name}: {count} sequences of runs, {imports} imports", end=" ")


class ModelOfEnds:
    """The same for one stream and once=latest, with how each import ends that the server has accepted.

    What failed may have changed the target, so what was there before is wanted anew. Where a part of it may be there,
    it is not sent again by itself. An import with errors stands as any other.
    """

    def __init__(self) -> None:
        self.newest: tuple[str, str] | None = None
        self.partial: set[str] = set()

    def imports(self, key: str, end: str) -> tuple[bool, str]:
        """Whether a run imports it, which ends so then; and the state that it tells."""
        if key in self.partial:
            return False, "failed"
        if self.newest in ((key, "succeeded"), (key, "incomplete")):
            return False, self.newest[1]
        self.newest = (key, end)
        if end == "partial":
            self.partial.add(key)
        return True, "failed" if end == "partial" else end


ENDS = ("succeeded", "incomplete", "failed", "partial")


def sequences_of_ends(length: int) -> Iterator[tuple[tuple[str, str], ...]]:
    """All that begin with `A`. What is not sent has no end, so one stands for all there."""
    for sequence in itertools.product(itertools.product("AB", ENDS), repeat=length):
        model = ModelOfEnds()
        if sequence[0][0] == "A" and all(model.imports(*run)[0] or run[1] == ENDS[0] for run in sequence):
            yield sequence


@pytest.mark.slow
def test_every_sequence_of_ends_leaves_the_stream_as_wanted_or_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    foretold = set()
    with closing(open_store("none")) as store:
        for story, sequence in enumerate(sequences_of_ends(4)):
            model, system, sent = ModelOfEnds(), ScriptedSystem(), 0
            for number, (content, end) in enumerate(sequence):
                task = f"task {sent + 1}"
                system.sights[task] = [replace(seen("failed"), is_partial=True) if end == "partial" else seen(end)]
                one = archive(content, "x", None, a_url(story))
                is_new, state = model.imports(one.key, end)
                if sequence[: number + 1] not in foretold:
                    foretold.add(sequence[: number + 1])
                    (checked,) = imported(store, system, one, policy=replace(LATEST, check_mode=True))
                    assert checked.changed == is_new, (sequence, number)
                    assert checked.state == ("planned" if is_new else state), (sequence, number)
                (found,) = imported(store, system, one)
                sent += is_new
                assert (found.changed, found.state, len(system.commits)) == (is_new, state, sent), (sequence, number)
                assert found.has_failed == (state != "succeeded"), (sequence, number)
    with capsys.disabled():
        print(f"\n  {story + 1} sequences of ends", end=" ")


def test_what_failed_in_part_is_sent_by_force_only_and_then_stands(store: Store) -> None:
    system = ScriptedSystem(sights={"task 2": [replace(seen("failed"), is_partial=True)]})
    assert imported(store, system, A)[0].state == "succeeded"
    forced = replace(LATEST, force=True)
    assert imported(store, system, A, policy=forced)[0].state == "failed"
    for once in ("latest", "ever"):
        for check in (True, False):
            (again,) = imported(store, system, A, policy=Policy(once=once, check_mode=check))
            assert (again.state, again.changed, again.has_failed, again.reason) == ("failed", False, True, "receipt")
    assert imported(store, system, A, policy=forced)[0].changed
    (again,) = imported(store, system, A)
    assert (again.state, again.reason, system.commits) == ("succeeded", "receipt", ["a"] * 3)


def test_a_run_that_waited_for_another_one_does_not_send_what_that_left_in_part(store: Store) -> None:
    owner = left(store.location, "submitted", remote_id="theirs")
    turned, system = TurnedClock(), ScriptedSystem()

    def finish() -> None:
        owner.record(A.key, 1, "failed", "it broke", remote_id="theirs", detail={"is_partial": True})

    turned.after(60, finish)
    (found,) = Importer(system, store, LATEST, PACE, turned.clock).run([A])
    owner.close()
    assert (found.state, found.message, found.changed, found.reason) == ("failed", "it broke", False, "joined")
    assert system.tried == []


def test_a_store_in_which_an_attempt_had_the_stream_of_another_run_is_right_after_one_more_import(store: Store) -> None:
    """As stores were written before an attempt carried the stream of its own run."""
    x, y = archive("A", "x", None), archive("A", "y", None)
    system = ScriptedSystem()
    for one in (x, y):
        imported(store, system, one)
    store._database.execute("UPDATE attempts SET stream = ?", (x.stream,))
    assert [imported(store, system, y)[0].changed for _run in range(3)] == [True, False, False]


# What is not over. `A` and `B` are in one stream, `elsewhere` is `A` under another name.

ELSEWHERE = wanted("a", stream="another stream")


def overtaken(store: Store, state: str) -> None:
    """`A` was left in this state, and `B` was sent after it."""
    left_dead(store.location, state, A, remote_id="task 7")
    left_dead(store.location, "succeeded", B)


def elsewhere(store: Store, state: str) -> None:
    """`A` was left in this state under another name."""
    left_dead(store.location, state, ELSEWHERE, remote_id="task 7")


def elsewhere_after_b(store: Store, state: str) -> None:
    """`A` is there twice by now, `B` has overtaken it, and it is at work under another name."""
    for one in (A, B):
        left_dead(store.location, "succeeded", one)
    left_dead(store.location, state, ELSEWHERE, remote_id="task 7")


Story = Callable[[Store, str], None]
STORIES = pytest.mark.parametrize("story", [overtaken, elsewhere, elsewhere_after_b])


@STORIES
@pytest.mark.parametrize("state", ["submitted", "unknown"])
@pytest.mark.parametrize("outcome", ["succeeded", "incomplete", "failed"])
def test_what_is_under_way_for_another_state_is_seen_to_its_end_and_then_it_is_sent(
    store: Store, story: Story, state: str, outcome: str
) -> None:
    story(store, state)
    system = ScriptedSystem(sights={"task 7": running(2, seen(outcome))})
    (one,) = imported(store, system, A)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("succeeded", True, False, "task 1")
    assert (system.commits, system.looked_at) == (["a"], ["task 7"] * 3 + ["task 1"])
    assert outcome in {row["state"] for row in store.read("SELECT state FROM attempts WHERE remote_id = 'task 7'")}
    (again,) = imported(store, system, A)
    assert (again.changed, again.reason) == (False, "receipt")


@STORIES
@pytest.mark.parametrize("state", ["incomplete", "failed", "claimed", "succeeded", "scheduled"])
def test_what_is_over_for_another_state_does_not_matter(store: Store, story: Story, state: str) -> None:
    story(store, state)
    system = ScriptedSystem()
    (one,), (again,) = (imported(store, system, A) for _run in range(2))
    assert (one.state, one.changed, again.changed, system.looked_at) == ("succeeded", True, False, ["task 1"])


@STORIES
@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_what_is_in_doubt_stays_so_until_the_user_says_otherwise(store: Store, story: Story, state: str) -> None:
    story(store, state)
    with closing(open_store(store.location)) as other:
        other.write(lambda execute, _is_again: execute("UPDATE attempts SET remote_id = NULL"))
    system = ScriptedSystem()
    (one,) = imported(store, system, A)
    assert (one.state, one.changed, one.has_failed, system.tried) == ("unknown", False, True, [])
    assert "on_unknown=retry" in one.message
    (retried,) = imported(store, system, A, policy=replace(LATEST, on_unknown="retry"))
    assert (retried.state, retried.changed) == ("succeeded", True)
    assert not imported(store, system, A)[0].changed


@STORIES
def test_what_the_server_has_forgotten_stays_unknown(store: Store, story: Story) -> None:
    story(store, "submitted")
    system = ScriptedSystem(sights={"task 7": [seen("unknown", "no such task")]})
    (one,) = imported(store, system, A)
    assert (one.state, one.changed, one.has_failed, system.commits) == ("unknown", False, True, [])


@STORIES
def test_without_waiting_there_is_one_look_before_it_is_sent(store: Store, story: Story) -> None:
    story(store, "submitted")
    system = ScriptedSystem(sights={"task 7": running(1, seen("succeeded"))})
    no_wait = replace(LATEST, wait=False)
    (first,), (second,) = (imported(store, system, A, policy=no_wait) for _run in range(2))
    assert (first.state, first.changed) == ("running", False)
    assert (second.state, second.changed, second.remote_id) == ("submitted", True, "task 1")
    assert (system.commits, system.looked_at) == (["a"], ["task 7"] * 2)


@STORIES
@pytest.mark.parametrize("sight", ["running", "succeeded", "failed", "unknown"])
def test_check_mode_tells_after_one_look_what_a_run_would_do(store: Store, story: Story, sight: str) -> None:
    story(store, "submitted")
    system = ScriptedSystem(sights={"task 7": [seen(sight)]})
    with closing(open_store(store.location, read_only=True)) as reader:
        (one,) = imported(reader, system, A, policy=replace(LATEST, check_mode=True))
    expected = {"running": ("running", False), "unknown": ("unknown", False)}.get(sight, ("planned", True))
    assert (one.state, one.changed) == expected
    assert (system.tried, system.looked_at) == ([], ["task 7"])


@STORIES
def test_what_is_under_way_until_time_is_over_is_not_sent(store: Store, story: Story) -> None:
    story(store, "submitted")
    system = ScriptedSystem(sights={"task 7": [seen("running")]})
    (one,) = imported(store, system, A)
    assert (one.state, one.changed, one.has_failed, one.remote_id) == ("running", False, True, "task 7")
    assert system.tried == []


@STORIES
def test_a_conclusion_in_doubt_ends_the_wait_in_doubt(store: Store, story: Story) -> None:
    story(store, "submitted")
    system = ScriptedSystem(sights={"task 7": [Outage("gone", conclusion=seen("unknown", "no such run"))]})
    (one,) = imported(store, system, A)
    assert (one.state, one.has_failed, system.tried) == ("unknown", True, [])


@STORIES
def test_an_end_that_cannot_be_written_down_keeps_it_from_being_sent(
    store: Store, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story(store, "submitted")
    system = ScriptedSystem()
    store._database.execute("PRAGMA query_only = ON")
    (one,) = imported(store, system, A)
    assert (one.has_failed, one.changed, system.tried) == (True, False, [])
    assert "could not be written down" in one.message


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "incomplete"])
@pytest.mark.parametrize("one", [A, ELSEWHERE], ids=["its own stream", "another stream"])
def test_a_run_that_waited_for_another_sends_what_that_left_undone(store: Store, one: Wanted, outcome: str) -> None:
    owner = left(store.location, "sent")
    turned, system = TurnedClock(), ScriptedSystem()
    turned.after(60, finishing(owner, 1, outcome, "theirs"))
    (found,) = Importer(system, store, LATEST, PACE, turned.clock).run([one])
    owner.close()
    is_done = one is A and outcome != "failed"
    assert (found.state, found.changed) == ("succeeded", not is_done)
    assert system.commits == ([] if is_done else ["a"])
    assert turned.moment >= 1060


@pytest.mark.parametrize("state", ["claimed", "sent", "submitted", "unknown", "failed", "incomplete", "succeeded"])
@pytest.mark.parametrize("is_alive", [True, False])
def test_another_stream_does_not_matter_to_one_that_is_as_it_shall_be(store: Store, state: str, is_alive: bool) -> None:
    left_dead(store.location, "succeeded", A, remote_id="task 1")
    other = left(store.location, state, ELSEWHERE, remote_id="task 7")
    if not is_alive:
        abandon(other)
    system = ScriptedSystem()
    (one,) = imported(store, system, A)
    assert (one.state, one.changed, one.reason, one.remote_id) == ("succeeded", False, "receipt", "task 1")
    assert (system.tried, system.looked_at) == ([], [])
    if is_alive:
        other.close()


def test_a_failure_in_another_stream_leaves_what_was_imported_into_this_one(store: Store) -> None:
    system = ScriptedSystem()
    for one, ending in ((A, None), (ELSEWHERE, Refused("no")), (A, None), (ELSEWHERE, None), (A, None)):
        system.endings = {"a": [ending]} if ending else {}
        imported(store, system, one)
    assert system.tried == ["a", "a", "a"]
    assert len(system.commits) == 3


def test_a_doubt_in_one_stream_is_not_forgotten_for_a_success_in_another(store: Store) -> None:
    system = ScriptedSystem(endings={"a": [OutcomeUnknown("lost")]})
    imported(store, system, A)
    system.endings.clear()
    (elsewhere,) = imported(store, system, ELSEWHERE, policy=replace(LATEST, on_unknown="retry"))
    assert elsewhere.changed
    (one,) = imported(store, system, A)
    assert (one.state, one.changed) == ("unknown", False)


def test_a_retry_that_failed_is_sent_again_though_another_stream_has_it(store: Store) -> None:
    """The receipt falls back on the success in the other stream; in this one nothing stands."""
    system = ScriptedSystem()
    imported(store, system, A)
    for ending, policy in ((OutcomeUnknown("lost"), LATEST), (Refused("no"), replace(LATEST, on_unknown="retry"))):
        system.endings = {"a": [ending]}
        imported(store, system, ELSEWHERE, policy=policy)
    system.endings.clear()
    assert imported(store, system, ELSEWHERE)[0].changed
    assert not imported(store, system, ELSEWHERE)[0].changed
    assert not imported(store, system, A)[0].changed


def test_force_imports_again_and_into_its_own_stream_only(store: Store) -> None:
    system = ScriptedSystem()
    for one in (A, B, ELSEWHERE):
        imported(store, system, one)
    (forced,) = imported(store, system, ELSEWHERE, policy=replace(LATEST, force=True))
    assert (forced.changed, forced.reason) == (True, "forced")
    assert not imported(store, system, B)[0].changed
    assert imported(store, system, A)[0].changed


def test_force_waits_for_what_is_under_way_in_another_stream_first(store: Store) -> None:
    left_dead(store.location, "succeeded", A)
    left_dead(store.location, "submitted", ELSEWHERE, remote_id="task 7")
    system = ScriptedSystem()
    (forced,) = imported(store, system, A, policy=replace(LATEST, force=True))
    assert (forced.changed, forced.reason, system.looked_at) == (True, "forced", ["task 7", "task 1"])


def test_a_target_that_was_emptied_is_filled_again_by_each_stream(store: Store) -> None:
    system = ScriptedSystem()
    for one in (A, ELSEWHERE):
        imported(store, system, one)
    store.supersede(A.target)
    for is_filled in (False, True):
        assert [imported(store, system, one)[0].changed for one in (A, ELSEWHERE)] == [not is_filled] * 2


@pytest.mark.parametrize("policy", [Policy(once="ever"), LATEST], ids=["ever", "latest"])
def test_twice_in_one_task_under_different_names_it_is_one_import(store: Store, policy: Policy) -> None:
    system = ScriptedSystem()
    for expected in (["new", "duplicate"], ["receipt", "duplicate"]):
        found = imported(store, system, A, ELSEWHERE, policy=policy)
        assert [one.reason for one in found] == expected
    assert system.commits == ["a"]
