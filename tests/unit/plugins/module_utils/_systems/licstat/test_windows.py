# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever befalls the nights, the time ranges that were imported meet each other, and none is imported twice.

Runs go well, fail, are missed, are killed, lose answers, run out of time, and come two at once, in any order; what
is not known is settled by what the server has. Then the ranges that succeeded, by the receipts, and those that the
server has, by itself, begin with the beginning of the log, and each begins a second after the one before it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Attempt,
    BadInput,
    NotSent,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._files.content import content_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts import listing, settling
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Windows
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import ImportOptions
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.ranges import (
    SECOND,
    TimeRange,
    history_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.windows import (
    WindowImporter,
    wanted_window,
)

from ...fakes import DIGEST, TurnedClock
from ...other_run import abandon

DAY = timedelta(days=1)
FIRST_DAY = datetime(2026, 10, 10, 23, 59, 59)
SERVER = "https://licstat.example.com"
OPTIONS = ImportOptions(license_server_id=40, is_window=True)
PACE = WaitOptions(timeout=100, max_pause=10, unreachable_timeout=30)

Span = tuple[Optional[datetime], datetime]

# How an import ends; `taken` is whether the server has, or will have, what was sent.
GOES_WELL = "goes well"
ADOPTED = "is adopted"
TAKEN = ("its answer is lost", "it is killed when all is sent", "it is killed while it waits", "it takes too long")
NOT_TAKEN = (
    *("the server is away", "it breaks before all is sent", "it is refused", "its task fails"),
    *(
        "its answer is lost, and what was sent",
        "it is killed before it sends",
        "it is killed when all is sent, in vain",
    ),
    *("it is killed while it waits for a failure", "it takes too long to fail"),
)


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class Run:
    """A night's run, up to the end of a day: so many after the last one. `beside`: another one, which then begins.

    `is_daily`: it imports that day only, not all since the last one.
    """

    days: int
    ends: str = GOES_WELL
    beside: Run | None = None
    is_between: bool = True
    """The other comes between planning and claiming, or else while this one sends."""
    is_daily: bool = False


@dataclass
class Server:
    """A License Statistics whose imports end as the run of the moment has it."""

    ends: list[str] = field(default_factory=list)
    held: list[Span] = field(default_factory=list)
    fates: dict[str, str] = field(default_factory=dict)
    """Of tasks, by id: how they end, unless they still go on."""
    goes_on: set[str] = field(default_factory=set)
    before_it_takes: Callable[[], None] | None = None
    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def prepare(self) -> None:
        """There is nothing to do."""

    def probe(self) -> None:
        if self.ends[-1] == "the server is away":
            raise NotSent("No route to host", unreachable=True)

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        ends = self.ends[-1]
        if self.before_it_takes is not None:
            meanwhile, self.before_it_takes = self.before_it_takes, None
            meanwhile()
        if ends == "it breaks before all is sent":
            raise NotSent("Connection reset")
        if ends == "it is killed before it sends":
            raise Killed
        attempt.commit(DIGEST)
        if ends == GOES_WELL or ends in TAKEN:
            options = wanted.payload.options
            self.held.append((options.start, options.end))
        if ends == "it is refused":
            raise Refused("No")
        if ends.startswith("its answer is lost"):
            raise OutcomeUnknown("Connection reset")
        if ends.startswith("it is killed when all is sent"):
            raise Killed
        task = f"import_{len(self.fates) + 1}"
        self.fates[task] = "succeeded" if ends == GOES_WELL or ends in TAKEN else "failed"
        if ends.startswith("it takes too long"):
            self.goes_on.add(task)
        return Accepted(task, {"tid": task})

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        assert remote_id is not None
        if self.ends[-1].startswith("it is killed while it waits"):
            raise Killed
        if self.ends[-1] == "the server is away":
            raise Outage("No route to host", unconnected=True)
        return PollResult("running" if remote_id in self.goes_on else self.fates[remote_id], "", {"tid": remote_id})

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        return ""

    def sleep_over_it(self) -> None:
        """What goes on is done by the next night."""
        self.goes_on.clear()


class Nights:
    """The runs of one license server, each with a connection of its own to the receipts."""

    def __init__(self, folder: Path) -> None:
        self.server = Server()
        self.location = str(folder / "receipts.db")
        log = folder / "debug.log"
        log.write_text("a log\n", encoding="utf-8")
        self.content = content_of(log)
        self.day = 0

    def go_through(self, run: Run) -> None:
        self.server.sleep_over_it()
        self.day += run.days
        self._run(run, self.day)

    def settle(self) -> None:
        """Somebody looks what the server has, and says so."""
        with closing(self._open()) as store:
            for window in windows_of(store).found:
                if window.receipt.state == "unknown":
                    known = listing.receipt_by_key(store, window.receipt.key)
                    assert known is not None
                    is_there = span_of(window.options) in self.server.held
                    settling.settle(store, [known], "succeeded" if is_there else "failed", None)

    def succeeded(self) -> list[Span]:
        """By the receipts."""
        with closing(self._open()) as store:
            found = windows_of(store).found
        return in_order([span_of(one.options) for one in found if one.receipt.state == "succeeded"])

    def gaps(self) -> list[Span]:
        """What the receipts tell to be missing."""
        with closing(self._open()) as store:
            return [(gap.start, gap.end) for gap in history_of(windows_of(store).found, OPTIONS).gaps]

    def _open(self) -> Store:
        store = open_store(self.location)
        store._database.execute("PRAGMA synchronous = OFF")  # no disk fails here, and time is short
        return store

    def _run(self, run: Run, day: int) -> None:
        with self._ending_in(run) as store:
            end = FIRST_DAY + day * DAY
            importer = Importer(self.server, store, Policy(adopt=run.ends == ADOPTED), PACE, TurnedClock().clock)
            between = []
            if run.beside is not None and run.is_between:
                between = [(run.beside, day + run.beside.days)]
            elif run.beside is not None:
                self.server.before_it_takes = partial(self._run, run.beside, day + run.beside.days)

            def read_windows() -> Windows:
                found = windows_of(store)
                if between:
                    self._run(*between.pop())
                return found

            def imported(wanted: Wanted) -> Import:
                (one,) = importer.run([wanted])
                if one.reason == "adopted":  # so it was there before
                    self.server.held.append(span_of(wanted.options))
                return one

            windows = WindowImporter(imported, read_windows, self._wanted)
            if run.is_daily:
                start = end - DAY + SECOND
                with suppress(BadInput):  # a part of it was imported
                    windows.one_day(replace(OPTIONS, start=start, end=end), TimeRange(start, end))
            else:
                windows.since_last(replace(OPTIONS, end=end))

    def _wanted(self, options: ImportOptions) -> Wanted:
        return wanted_window(SERVER, options, self.content)

    @contextmanager
    def _ending_in(self, run: Run) -> Iterator[Store]:
        store = self._open()
        self.server.ends.append(run.ends)
        try:
            yield store
        except Killed:
            abandon(store)
        finally:
            store.close()
            self.server.ends.pop()
            self.server.before_it_takes = None


def windows_of(store: Store) -> Windows:
    return store.windows_of(f"{SERVER} license server 40")


def span_of(options: Mapping[str, Any]) -> Span:
    start, end = options["from"], options["to"]
    return None if start is None else datetime.fromisoformat(start), datetime.fromisoformat(end)


def in_order(spans: list[Span]) -> list[Span]:
    return sorted(spans, key=lambda one: one[1])


def check_that_they_are_all(spans: list[Span]) -> None:
    """They begin with the beginning of the log, and nothing is between them, nor twice."""
    assert [start for start, _end in spans[:1]] in ([], [None])
    check_that_they_meet(spans)


def check_that_they_meet(spans: list[Span]) -> None:
    for (_start, end), (start, _end) in zip(spans, spans[1:]):
        assert start == end + SECOND


endings = st.sampled_from((GOES_WELL, *TAKEN, *NOT_TAKEN, ADOPTED))
single_runs = st.builds(Run, days=st.integers(0, 2), ends=endings)
besides = st.builds(Run, days=st.integers(-2, 2), ends=endings)
single_days = st.builds(Run, days=st.integers(0, 2), ends=endings, is_daily=st.just(True))
beside_days = st.builds(Run, days=st.integers(-2, 2), ends=endings, is_daily=st.just(True))
double_days = st.builds(
    Run,
    days=st.integers(1, 2),
    ends=endings,
    beside=besides | beside_days,
    is_between=st.booleans(),
    is_daily=st.booleans(),
)
double_runs = st.builds(Run, days=st.integers(1, 2), ends=endings, beside=besides, is_between=st.booleans())
deeds = st.lists(st.one_of(single_runs, double_runs, st.just("settle")), max_size=12)


@pytest.mark.parametrize(
    "deeds",
    [
        [Run(1), Run(0)],  # there is nothing new
        [Run(0, "it is killed while it waits for a failure"), Run(1, beside=Run(0))],  # both see the first one fail
        [Run(0, "it is killed when all is sent"), Run(1), "settle", Run(0, beside=Run(1), is_between=False)],
    ],
)
def test_time_ranges_meet_after_nights_that_were_hard_once(deeds: list[Run | str]) -> None:
    check_that_time_ranges_meet(deeds)


@pytest.mark.slow
@given(deeds=deeds)
@settings(max_examples=60)
def test_time_ranges_meet_whatever_befalls_the_nights(deeds: list[Run | str]) -> None:
    check_that_time_ranges_meet(deeds)


def check_that_time_ranges_meet(deeds: list[Run | str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for nights in nights_with(Path(folder), deeds):
            check_that_they_are_all(nights.succeeded())
            check_that_they_are_all(in_order(nights.server.held))

        for _unused in range(3):  # one that tells what is in doubt, one that goes on from there, and one to be sure
            nights.go_through(Run(days=1))
            nights.settle()

        assert nights.succeeded() == in_order(nights.server.held)
        check_that_they_are_all(nights.succeeded())
        assert nights.succeeded()[-1][1] == FIRST_DAY + nights.day * DAY


def nights_with(folder: Path, deeds: list[Run | str]) -> Iterator[Nights]:
    """The nights before the first deed, and after each one."""
    nights = Nights(folder)
    yield nights
    for deed in deeds:
        if isinstance(deed, Run):
            nights.go_through(deed)
        else:
            nights.settle()
        yield nights


@pytest.mark.parametrize(
    "deeds",
    [
        [Run(1, beside=Run(0, is_daily=True))],  # each plans the same day before the other claims it
        [Run(1, beside=Run(0), is_daily=True)],
        [Run(1, ADOPTED, beside=Run(0))],
        [Run(2), Run(0, is_daily=True)],
        [Run(2, "its answer is lost"), Run(0, is_daily=True)],
    ],
)
def test_no_day_is_imported_twice_after_nights_that_were_hard_once(deeds: list[Run | str]) -> None:
    check_that_no_day_is_imported_twice(deeds)


@pytest.mark.slow
@given(deeds=st.lists(st.one_of(single_runs, single_days, double_days, st.just("settle")), max_size=12))
@settings(max_examples=60)
def test_no_day_is_imported_twice_and_what_is_missing_is_reported(deeds: list[Run | str]) -> None:
    """Where some import all since the last time, and others one day."""
    check_that_no_day_is_imported_twice(deeds)


def check_that_no_day_is_imported_twice(deeds: list[Run | str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for nights in nights_with(Path(folder), deeds):
            check_that_nothing_is_twice(nights.server.held)
            check_that_they_meet(in_order([*nights.succeeded(), *nights.gaps()]))


def check_that_nothing_is_twice(spans: list[Span]) -> None:
    ordered = in_order(spans)
    assert all(end < (start or datetime.min) for (_start, end), (start, _end) in zip(ordered, ordered[1:]))
