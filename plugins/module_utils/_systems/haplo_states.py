# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders with a date in their names: the states of a feed, imported from the oldest to the newest.

An older state never comes after a newer one. So a feed stops at the first state that cannot be imported; what is older
than the newest state that may have been imported is left out; and each state is claimed only while no run has come to
send a later one, which the receipts see to (`Wanted.moment`). A content that comes again, right after itself, is not
imported again; after another one it is.

What is left out was imported, or came late. That is told by the moments in the receipts; only a folder of whose moment
they do not know is read.

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
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import shown
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import MAY_HAVE_CHANGED, DatedState
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_dates import in_short

AHEAD = timedelta(days=1)  # of the clock: no zone is further away, and what is further ahead is a slip
OLDER = "an older state of a feed than the newest one that was imported"
LATE = "an older state of a feed, which came after a newer one had been imported"


@dataclass(frozen=True)
class State:
    """A folder with what a feed was at a moment.

    `source` is for people and receipts. `wanted` makes the import of what is in it; it raises `ImportsError` where that
    cannot be. `problem`: why it cannot be, whatever is in it.
    """

    path: Path
    source: str
    moment: datetime
    wanted: Callable[[], Wanted]
    problem: str = ""

    def checked(self) -> State:
        """Itself. Raises `BadInput` where it cannot be imported, whatever is in it."""
        if self.problem:
            raise BadInput(self.problem)
        return self


@dataclass(frozen=True)
class Feed:
    """The states of one feed that there are, in any order; `stream` is that of their imports."""

    name: str
    stream: str
    states: tuple[State, ...]


@dataclass(frozen=True)
class Unsent:
    """A batch that was not sent, and why; `is_held_up` by a state of its feed before it, and not by itself."""

    source: str
    message: str
    state: str = "failed"
    is_held_up: bool = False


@dataclass
class Outcome:
    """What became of batches: the imports in the order of sending, what could not be sent, and what was left out.

    `late`: of the latter, what was never imported, by feed.
    """

    imports: list[Import] = field(default_factory=list)
    unsent: list[Unsent] = field(default_factory=list)
    left_out: dict[str, list[Path]] = field(default_factory=dict)
    late: dict[str, list[Path]] = field(default_factory=dict)


def import_states(
    feeds: Collection[Feed],
    others: list[Wanted],
    run: Callable[[list[Wanted]], list[Import]],
    store: Store,
    policy: Policy,
    now: datetime,
) -> Outcome:
    """Import what there is new of these feeds, and the other batches with the first states.

    `run` imports what is wanted (`Importer.run`). `now` is the time of the clock here, without a zone. Raises only
    before anything was sent.
    """
    outcome = Outcome()
    turns = [_Turns(feed, store, policy, outcome, now) for feed in feeds]
    while True:
        due = [(one, wanted) for one in turns for wanted in one.next()]
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
            one.load(imported)
        others = []


class _Turns:
    """The states of a feed, one after the other."""

    def __init__(self, feed: Feed, store: Store, policy: Policy, outcome: Outcome, now: datetime) -> None:
        self._feed = feed
        self._store = store
        self._policy = policy
        self._outcome = outcome
        self._planned: dict[str, Import] = {}  # in check mode, by the keys of what would be taken for imported by now
        known = store.states_of(feed.stream)
        mark = max(known, default=datetime.min)
        states = sorted(feed.states, key=lambda state: (state.moment, state.source))
        older = [state for state in states if state.moment < mark]
        self._left = _checked([state for state in states if state.moment >= mark], feed, now)
        if older and mark > now + AHEAD:
            self._fail(older.pop(), _ahead_of_all(feed, mark, known[mark].key))
        self._leave_out(older, known)

    def next(self) -> list[Wanted]:
        """The import of the next state, if one is to be tried."""
        while self._left:
            self._at = state = self._left.pop(0)
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
            self._outcome.imports.append(_as_planned(self._planned[wanted.key], dated))
        return []

    def fail(self, why: str) -> None:
        """The state that is to be tried cannot be."""
        self._fail(self._at, why)

    def load(self, one: Import) -> None:
        """What became of the import."""
        state = self._at
        if one.is_plan_stale:  # another run went on to a later one
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
            self._note(one, state)

    def _plan(self, one: Import) -> None:
        if one.changed or one.reason == "adopted":
            if self._policy.once == "latest":
                self._planned.clear()
            self._planned[one.wanted.key] = one

    def _note(self, one: Import, state: State) -> None:
        """Write down that the content is of this moment, too, so that nothing older comes after it."""
        if one.period is not None and datetime.fromisoformat(one.period["last"]) >= state.moment:
            return
        try:
            one.period = self._store.extend_period(one.wanted.key, one.attempt, state.moment)
        except StoreError as error:
            one.has_failed = True
            one.message = (
                f"{one.message} That it is the state of {in_short(state.moment)}, too, was not noted: {error.message}"
            )

    def _fail(self, state: State, why: str) -> None:
        self._outcome.unsent.append(Unsent(state.source, why))
        self._stop(state)

    def _stop(self, at: State, how: str = "failed", why: str = "{} was not imported, so no later one is.") -> None:
        """Try no later state of this feed; what is wrong with one by itself is told now."""
        held_up = why.format(f"The state of {self._feed.name} in {shown(at.path)}")
        for state in self._left:
            bad = Unsent(state.source, state.problem)
            self._outcome.unsent.append(bad if state.problem else Unsent(state.source, held_up, how, is_held_up=True))
        self._left = []

    def _leave_out(self, states: list[State], known: Mapping[datetime, DatedState]) -> None:
        """Leave out what is older than the newest state, and see what of it was never imported."""
        told = {moment for moment, one in known.items() if one.may_be_imported}
        keys = {state.path: _key_of(state) for state in states if state.moment not in told}
        receipts = self._store.find([key for key in keys.values() if key])
        imported = {key for key, receipt in receipts.items() if receipt.state in MAY_HAVE_CHANGED}
        late = [path for path, key in keys.items() if key not in imported]
        rest = [state.path for state in states if state.path not in late]
        for reason, paths in ((OLDER, rest), (LATE, late)):
            if paths:
                self._outcome.left_out.setdefault(reason, []).extend(paths)
        if late:
            self._outcome.late.setdefault(self._feed.name, []).extend(late)


def _checked(states: list[State], feed: Feed, now: datetime) -> list[State]:
    """The states, with what is wrong with their moments."""
    alike: dict[datetime, list[State]] = {}
    for state in states:
        alike.setdefault(state.moment, []).append(state)
    return [replace(one, problem=one.problem or _wrong_with(one, alike[one.moment], feed, now)) for one in states]


def _wrong_with(state: State, alike: list[State], feed: Feed, now: datetime) -> str:
    """What is wrong with the moment of a state, of which there may be others."""
    if len(alike) > 1:
        both = " and ".join(shown(one.path) for one in alike)
        return (
            f"{both}: each is {feed.name} as of {in_short(state.moment)}; nobody can tell which is newer. Rename one."
        )
    if state.moment > now + AHEAD:
        return (
            f"{shown(state.path)}: the date in its name is still to come; here it is {now:%Y-%m-%d %H:%M}. If it were"
            " imported, all that comes until then would be older. Rename it, or set the clock right."
        )
    return ""


def _ahead_of_all(feed: Feed, mark: datetime, key: str) -> str:
    return (
        f"By the receipts {feed.name} was imported as of {in_short(mark)}, which is still to come, so all that comes"
        " until then is older and left out. Set the clock right; or if that date was a slip, forget it with"
        f" assetops.imports.import_receipt, key={key} and state=absent."
    )


def _key_of(state: State) -> str | None:
    """The key of its import, if it could be imported."""
    try:
        return state.wanted().key
    except ImportsError:
        return None


def _as_planned(first: Import, wanted: Wanted) -> Import:
    """An import in check mode whose content would be in already, by one before it."""
    return Import(
        wanted,
        state=first.state,
        reason="duplicate",
        before=first.before,
        content_sha256=wanted.content_sha256,
        label=first.label,
        is_done=True,
    )
