# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever befalls the nights, no older state of a feed is imported after a newer one, and the newest one is in.

Dated folders come in any order, are bad, repaired and rotated away; runs go well, are refused, lose answers, are
killed, and come two at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Attempt,
    BadInput,
    NotSent,
    OutcomeUnknown,
    Refused,
    StoreError,
    Wanted,
    identity_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.states import (
    BatchesResult,
    Feed,
    FeedState,
    import_states,
)

from ...fakes import TurnedClock
from ...other_run import abandon

FIRST_DAY = datetime(2024, 5, 1)
DAY = timedelta(days=1)
POLICY = Policy(once="latest")
PACE = WaitOptions(timeout=100, max_pause=10, unreachable_timeout=30)
STREAM = identity_of(feed="people")
GOES_WELL = "goes well"
ENDINGS = (
    *("it breaks before all is sent", "it is refused", "its answer is lost", "its answer is lost, and what was sent"),
    *("it is killed before it sends", "it is killed when all is sent", "it is killed when all is sent, in vain"),
)


def nothing() -> None:
    """What happens meanwhile where nothing does."""


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Application:
    """A Haplo, as far as states go: what it was told to import, in order, by moment and content.

    `endings` are those of the next submissions; when there are none left, all goes well.
    """

    held: list[tuple[datetime, str]] = field(default_factory=list)
    scheduled: set[str] = field(default_factory=set)
    as_of: datetime = datetime.min
    """The newest moment whose state is in, by what runs said that ended well."""
    refused: datetime = datetime.min
    """The newest moment whose state was refused when all of it was sent, which holds back older ones, too."""
    begun: int = 0
    endings: list[str] = field(default_factory=list)
    before_it_takes: Callable[[], None] = nothing
    is_repeatable = True
    best_end = "scheduled"
    polled_again: tuple[str, ...] = ()

    def state_at(self, moment: datetime) -> str:
        """What it was told to import last, of the states up to that moment."""
        return [content for of, content in self.held if of <= moment][-1]

    def prepare(self) -> None:
        """There is nothing to do."""

    def probe(self) -> None:
        """It is there."""

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        ends = self.endings.pop(0) if self.endings else GOES_WELL
        self.before_it_takes()
        if "batch" not in attempt.notes:
            self.begun += 1
            attempt.note({"batch": f"batch {self.begun}"})
        if ends == "it breaks before all is sent":
            raise NotSent("Connection reset")
        if ends == "it is killed before it sends":
            raise Killed
        attempt.commit(wanted.content_sha256)
        batch = attempt.notes["batch"]
        if ends == "it is refused" and batch not in self.scheduled:
            self.refused = max(self.refused, wanted.moment or datetime.min)
            raise Refused("No")
        is_new = batch not in self.scheduled
        if is_new and not ends.endswith(("and what was sent", "in vain")):
            assert wanted.moment is not None
            assert wanted.moment >= self.as_of
            self.scheduled.add(batch)
            self.held.append((wanted.moment, str(wanted.content_sha256)))
        if ends.startswith("it is killed"):
            raise Killed
        if ends.startswith("its answer is lost"):
            raise OutcomeUnknown("Connection reset")
        return Accepted(batch, "SCHEDULED", "scheduled", is_new=is_new)

    def poll(self, remote_id: str | None, notes: Any) -> Any:
        raise AssertionError("There is nothing to look at")

    def evidence_of_loss(self, notes: Any) -> str:
        return ""


@dataclass(frozen=True)
class Night:
    """What comes (day and content, None for a folder that cannot be read) and goes before a run, and how it ends.

    `beside`: another run begins while this one sends a batch, or with `is_between` when it has planned, with these
    endings; it is the `turn`-th batch, or round.
    """

    comes: tuple[tuple[int, str | None], ...] = ()
    goes: tuple[int, ...] = ()
    endings: tuple[str, ...] = ()
    beside: tuple[str, ...] | None = None
    is_between: bool = False
    turn: int = 0


class Nights:
    """The runs over a directory, each with a connection of its own to the receipts."""

    def __init__(self, folder: Path) -> None:
        self.application = Application()
        self.location = str(folder / "receipts.db")
        self.folders: dict[int, str | None] = {}

    def go_through(self, night: Night) -> None:
        for day in night.goes:
            self.folders.pop(day, None)
        self.folders.update(night.comes)
        self._run(night.endings, night)
        self.application.before_it_takes = nothing

    def _run(self, endings: tuple[str, ...], night: Night | None = None) -> None:
        meanwhile = nothing if night is None or night.beside is None else self._other_run(night, night.beside)
        if night is None or not night.is_between:
            self.application.before_it_takes, meanwhile = meanwhile, nothing
        with self._ending_in(endings) as store:
            importer = Importer(self.application, store, POLICY, PACE, TurnedClock().clock)

            def run(wanted: list[Wanted]) -> list[Import]:
                meanwhile()
                return importer.run(wanted)

            self._check(import_states([self.feed()], [], run, store, POLICY, FIRST_DAY + 99 * DAY))

    def _other_run(self, night: Night, endings: tuple[str, ...]) -> Callable[[], None]:
        """What has the other run of a night happen, when its turn has come."""
        turns = count()

        def happen() -> None:
            if next(turns) == night.turn:
                before, self.application.before_it_takes = self.application.before_it_takes, nothing
                self._run(endings)
                self.application.before_it_takes = before

        return happen

    def _check(self, outcome: BatchesResult) -> None:
        """What is told is so: the last state that ended well is in, unless a newer one is."""
        well = {one.wanted.moment: one for one in outcome.imports if one.wanted.moment and not one.has_failed}
        last = max(well, default=datetime.min)
        if last >= self.application.as_of:
            self.application.as_of = last
            assert not well or self.application.state_at(last) == well[last].wanted.content_sha256

    def feed(self) -> Feed:
        return Feed("people", STREAM, tuple(self._state(day) for day in self.folders))

    def _state(self, day: int) -> FeedState:
        moment = FIRST_DAY + day * DAY
        return FeedState(Path(str(day)), str(day), moment, partial(self._wanted, day))

    def _wanted(self, day: int) -> Wanted:
        content = self.folders[day]
        if content is None:
            raise BadInput("It cannot be read")
        key = identity_of(content=content)
        return Wanted(key, "haplo", "haplo", STREAM, str(day), 1, content, {})

    @contextmanager
    def _ending_in(self, endings: tuple[str, ...]) -> Iterator[Store]:
        store = open_store(self.location)
        store._database.execute("PRAGMA synchronous = OFF")  # no disk fails here, and time is short
        before, self.application.endings = self.application.endings, [*endings]
        with closing(store), suppress(Killed):
            try:
                yield store
            except Killed:
                abandon(store)
                raise
            finally:
                self.application.endings = before


days = st.integers(0, 9)
contents = st.sampled_from(("A", "B", "C", None))
arrivals = st.lists(st.tuples(days, contents), max_size=4).map(tuple)
endings = st.lists(st.sampled_from((GOES_WELL, *ENDINGS)), max_size=3).map(tuple)
nights = st.builds(
    Night,
    comes=arrivals,
    goes=st.lists(days, max_size=2).map(tuple),
    endings=endings,
    beside=st.none() | endings,
    is_between=st.booleans(),
    turn=st.integers(0, 2),
)


@pytest.mark.parametrize(
    "nights",
    [
        [Night(((1, "A"), (2, "B"), (3, "A")))],
        [Night(((1, "A"), (3, "A"))), Night(((2, "B"),), goes=(3,))],  # one of a while in which nothing changed
        [Night(((1, "A"), (2, "B")), beside=())],
        [Night(((1, "A"), (2, "B")), beside=(), is_between=True)],  # by then, all that was planned is older
        [Night(((1, "A"), (2, "B")), endings=("its answer is lost, and what was sent",)), Night(goes=(1,))],
    ],
)
def test_no_older_state_comes_after_nights_that_were_hard_once(nights: list[Night]) -> None:
    check_that_no_older_state_comes(nights)


@pytest.mark.slow
@given(nights=st.lists(nights, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_older_state_comes_after_a_newer_one_and_the_newest_is_in(nights: list[Night]) -> None:
    check_that_no_older_state_comes(nights)


def check_that_no_older_state_comes(nights: list[Night]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Nights(Path(folder))
        for night in nights:
            runs.go_through(night)
            moments = [moment for moment, _content in runs.application.held]
            assert moments == sorted(moments)

        runs.folders = {day: content for day, content in runs.folders.items() if content is not None}
        for _unused in range(2):
            runs.go_through(Night())
        held = [*runs.application.held]
        runs.go_through(Night())

        assert runs.application.held == held
        newest = max(runs.folders, default=None)
        if newest is not None and FIRST_DAY + newest * DAY >= max(runs.application.as_of, runs.application.refused):
            assert held[-1][1] == runs.folders[newest]


def test_a_store_that_goes_away_between_two_states_hides_nothing(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.folders = {1: "A", 2: "B", 3: "C"}
    with closing(open_store(nights.location)) as store:
        importer = Importer(nights.application, store, POLICY, PACE, TurnedClock().clock)

        def run(wanted: list[Wanted]) -> list[Import]:
            if nights.application.held:
                raise StoreError("The disk is full.")
            return importer.run(wanted)

        outcome = import_states([nights.feed()], [], run, store, POLICY, FIRST_DAY + 99 * DAY)

    assert [one.changed for one in outcome.imports] == [True]
    assert [(one.source, one.message, one.is_held_up) for one in outcome.unsent] == [
        ("2", "The disk is full. Nothing was imported.", False),
        ("3", "The state of people in 2 was not imported, so no later one is.", True),
    ]
