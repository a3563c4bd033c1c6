# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders with a date in their names: the states of a feed, imported from the oldest to the newest.

An older state never comes after a newer one:

- A feed stops at the first state that cannot be imported.
- What is older than the newest state that may have been imported is left out.
- A state is claimed only while no run has begun to send a later one; the receipts check that (`Wanted.moment`).

A content that comes again right after itself is not imported again; after another content it is.

What is left out was imported before, or came too late. The moments in the receipts say which; a folder is read only if
the receipts do not know its moment.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    ImportsError,
    Period,
    StoreError,
    Wanted,
    identity_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import path_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import MAY_HAVE_CHANGED, DatedState
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.dates import short_time

MAX_AHEAD = timedelta(days=1)  # of the clock; no time zone is further ahead, so a later date is a mistake
OLDER = "an older state of a feed than the newest one that was imported"
LATE = "an older state of a feed, which came after a newer one had been imported"


@dataclass(frozen=True)
class FeedState:
    """A folder with the state of a feed at a moment.

    `source` is its name in results and receipts. `wanted` makes the import of what is in it, or raises `ImportsError`.
    `problem` is why it cannot be imported, whatever is in it.
    """

    path: Path
    source: str
    moment: datetime
    wanted: Callable[[], Wanted]
    problem: str = ""

    def checked(self) -> FeedState:
        """Itself. Raises `BadInput` if it has a problem."""
        if self.problem:
            raise BadInput(self.problem)
        return self


@dataclass(frozen=True)
class Feed:
    """The states of one feed, in any order. `stream` is the stream of their imports."""

    name: str
    stream: str
    states: tuple[FeedState, ...]


@dataclass(frozen=True)
class UnsentBatch:
    """A batch that was not sent, and why. `is_held_up`: not by itself, but by an earlier state of its feed."""

    source: str
    message: str
    state: str = "failed"
    is_held_up: bool = False


@dataclass
class BatchesResult:
    """What became of batches: the imports in the order of sending, what could not be sent, and what was left out.

    `late` is what was left out and never imported, by feed.
    """

    imports: list[Import] = field(default_factory=list)
    unsent: list[UnsentBatch] = field(default_factory=list)
    left_out: dict[str, list[Path]] = field(default_factory=dict)
    late: dict[str, list[Path]] = field(default_factory=dict)


def import_states(
    feeds: Collection[Feed],
    others: list[Wanted],
    run: Callable[[list[Wanted]], list[Import]],
    store: Store,
    policy: Policy,
    now: datetime,
) -> BatchesResult:
    """Import the new states of these feeds, and the other batches together with the first states.

    `run` imports what is wanted (`Importer.run`). `now` is the local time, without a zone. Raises `ImportsError` only
    before anything was sent.
    """
    outcome = BatchesResult()
    feed_runs = [_FeedRun(feed, store, policy, outcome, now) for feed in feeds]
    while True:
        due = [(one, wanted) for one in feed_runs for wanted in one.next_import()]
        if not (due or others):
            return outcome
        try:
            done = run([*others, *(wanted for _one, wanted in due)])
        except ImportsError as error:
            if not outcome.imports:
                raise
            for one, _wanted in due:
                one.fail(f"{error.message} Nothing was imported.")
            continue
        outcome.imports += done[: len(others)]
        for (one, _wanted), imported in zip(due, done[len(others) :]):
            one.record(imported)
        others = []


class _FeedRun:
    """Takes the states of a feed one after the other."""

    def __init__(self, feed: Feed, store: Store, policy: Policy, outcome: BatchesResult, now: datetime) -> None:
        self._feed = feed
        self._store = store
        self._policy = policy
        self._outcome = outcome
        self._planned: dict[str, Import] = {}  # in check mode: what would be imported by now, by key
        known = store.states_of(feed.stream)
        high_water_mark = max(known, default=datetime.min)
        states = sorted(feed.states, key=lambda state: (state.moment, state.source))
        older = [state for state in states if state.moment < high_water_mark]
        self._remaining = _checked([state for state in states if state.moment >= high_water_mark], feed, now)
        if older and high_water_mark > now + MAX_AHEAD:
            self._fail(older.pop(), _future_mark_message(feed, high_water_mark, known[high_water_mark].key))
        self._leave_out(older, known)

    def next_import(self) -> list[Wanted]:
        """The import of the next state, or none."""
        while self._remaining:
            self._current = state = self._remaining.pop(0)
            try:
                wanted = state.checked().wanted()
            except ImportsError as error:
                self._fail(state, error.message)
                return []
            dated = replace(wanted, moment=state.moment, read_period=partial(Period, state.moment, state.moment))
            if not self._policy.check_mode or not self._planned:
                return [dated]
            if wanted.key not in self._planned or self._policy.force:
                # By the receipts, the newest state of its stream is still the one before the planned ones.
                return [replace(dated, stream=identity_of(stream=wanted.stream, after=[*self._planned]))]
            self._outcome.imports.append(_planned_duplicate(self._planned[wanted.key], dated))
        return []

    def fail(self, why: str) -> None:
        """Record that the current state cannot be imported."""
        self._fail(self._current, why)

    def record(self, one: Import) -> None:
        """Record what became of the import of the current state."""
        state = self._current
        if one.is_plan_stale:  # another run has sent a later state
            try:
                self._leave_out([state], self._store.states_of(self._feed.stream))
            except StoreError as error:
                self.fail(error.message)
            return
        self._outcome.imports.append(one)
        if one.has_failed:
            self._stop(state)
        elif self._policy.check_mode:
            self._plan(one)
        elif one.state in ("running", "submitted"):
            self._stop(state, "running", "{} is still being imported; later ones come after that.")
        else:
            self._extend_period(one, state)

    def _plan(self, one: Import) -> None:
        if one.changed or one.reason == "adopted":
            if self._policy.once == "latest":
                self._planned.clear()
            self._planned[one.wanted.key] = one

    def _extend_period(self, one: Import, state: FeedState) -> None:
        """Note in the receipt that the content is of this moment, too, so that nothing older comes after it."""
        if one.period is not None and datetime.fromisoformat(one.period["last"]) >= state.moment:
            return
        try:
            one.period = self._store.extend_period(one.wanted.key, one.attempt, state.moment)
        except StoreError as error:
            one.has_failed = True
            one.message = (
                f"{one.message} That it is the state of {short_time(state.moment)}, too, was not noted: {error.message}"
            )

    def _fail(self, state: FeedState, why: str) -> None:
        self._outcome.unsent.append(UnsentBatch(state.source, why))
        self._stop(state)

    def _stop(self, at: FeedState, how: str = "failed", why: str = "{} was not imported, so no later one is.") -> None:
        """Try no later state of this feed. Those that have a problem of their own are reported with it."""
        held_up = why.format(f"The state of {self._feed.name} in {path_text(at.path)}")
        for state in self._remaining:
            bad = UnsentBatch(state.source, state.problem)
            waiting = UnsentBatch(state.source, held_up, how, is_held_up=True)
            self._outcome.unsent.append(bad if state.problem else waiting)
        self._remaining = []

    def _leave_out(self, states: list[FeedState], known: Mapping[datetime, DatedState]) -> None:
        """Leave out these older states, and find out which of them were never imported."""
        known_moments = {moment for moment, one in known.items() if one.may_be_imported}
        keys = {state.path: _key_of(state) for state in states if state.moment not in known_moments}
        receipts = self._store.find([key for key in keys.values() if key])
        imported = {key for key, receipt in receipts.items() if receipt.state in MAY_HAVE_CHANGED}
        late = [path for path, key in keys.items() if key not in imported]
        rest = [state.path for state in states if state.path not in late]
        for reason, paths in ((OLDER, rest), (LATE, late)):
            if paths:
                self._outcome.left_out.setdefault(reason, []).extend(paths)
        if late:
            self._outcome.late.setdefault(self._feed.name, []).extend(late)


def _checked(states: list[FeedState], feed: Feed, now: datetime) -> list[FeedState]:
    """The states, with the problems of their moments."""
    alike: dict[datetime, list[FeedState]] = {}
    for state in states:
        alike.setdefault(state.moment, []).append(state)
    return [replace(one, problem=one.problem or _moment_problem(one, alike[one.moment], feed, now)) for one in states]


def _moment_problem(state: FeedState, alike: list[FeedState], feed: Feed, now: datetime) -> str:
    """What is wrong with the moment of a state. `alike` are the states of the same moment."""
    if len(alike) > 1:
        both = " and ".join(path_text(one.path) for one in alike)
        return (
            f"{both}: each is {feed.name} as of {short_time(state.moment)}; nobody can tell which is newer. Rename one."
        )
    if state.moment > now + MAX_AHEAD:
        return (
            f"{path_text(state.path)}: the date in its name is still to come; here it is {now:%Y-%m-%d %H:%M}. If it"
            " were imported, all that comes until then would be older. Rename it, or set the clock right."
        )
    return ""


def _future_mark_message(feed: Feed, high_water_mark: datetime, key: str) -> str:
    return (
        f"By the receipts {feed.name} was imported as of {short_time(high_water_mark)}, which is still to come, so all"
        " that comes until then is older and left out. Set the clock right; or if that date was a slip, forget it with"
        f" assetops.imports.import_receipt, key={key} and state=absent."
    )


def _key_of(state: FeedState) -> str | None:
    """The key of its import; None if it cannot be imported."""
    try:
        return state.wanted().key
    except ImportsError:
        return None


def _planned_duplicate(first: Import, wanted: Wanted) -> Import:
    """An import in check mode whose content would have been imported already by an earlier one."""
    return Import(
        wanted,
        state=first.state,
        reason="duplicate",
        before=first.before,
        content_sha256=wanted.content_sha256,
        label=first.label,
        is_done=True,
    )
