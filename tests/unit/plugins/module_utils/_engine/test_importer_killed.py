# SPDX-License-Identifier: GPL-3.0-or-later
"""Any runs, killed at any point: what the server holds and what the receipts say stay true to each other.

hypothesis makes up stories of runs over one store and one server. A run is killed by an exception that nothing
catches, right before or after anything it does with the store or the server; its store is left without an end, and its
lease is over. The server keeps books of what it took; the promises are checked against them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Attempt,
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
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..fakes import DIGEST, TurnedClock, accepted
from ..other_run import abandon, wanted

NAMES = "ab"
PACE = WaitOptions(timeout=20, max_pause=10, unreachable_timeout=5)
TASK_STATES = ("running", "succeeded", "failed", "incomplete")
MEMORY = Path("/dev/shm")  # what is killed here is no machine, so nothing has to reach a disk


class Killed(BaseException):
    """The run ends here, without doing anything more."""


@dataclass
class Sending:
    """A request that came to its commit point.

    `task`: what the server made of it, if it took it. `verdict`: what is written down of it (None: the answer was
    lost, or the run died before it wrote). `is_waived`: the user has said since to send without knowing.
    """

    name: str
    attempt: int
    task: str | None = None
    verdict: str | None = None
    is_waived: bool = False


class Books:
    """What may have reached the server, and the state of its tasks."""

    def __init__(self) -> None:
        self.sendings: list[Sending] = []
        self.tasks: dict[str, str] = {}
        self.answers = True

    def of(self, name: str) -> list[Sending]:
        return [sending for sending in self.sendings if sending.name == name]

    def take(self, sending: Sending, state: str) -> str:
        sending.task = f"task {len(self.tasks) + 1}"
        self.tasks[sending.task] = state
        return sending.task

    def is_imported(self, sending: Sending) -> bool:
        """Whether the server has it, for all that can be known."""
        return sending.task is not None and sending.verdict != "failed"

    def written(self, key: str, attempt: int, state: str, remote_id: str | None) -> None:
        """A run wrote down what became of an attempt."""
        ours = [sending for sending in self.of(name_of(key)) if sending.attempt == attempt]
        if remote_id is not None:
            assert [sending.task for sending in ours] == [remote_id]
            assert state in ("submitted", self.tasks[remote_id])
        for sending in ours:
            if remote_id is not None or state == "failed":
                sending.verdict = state


def name_of(key: str) -> str:
    return next(name for name in NAMES if wanted(name).key == key)


class Fate:
    """Counts what a run does, and kills it at the step it was told."""

    def __init__(self, last_step: int | None) -> None:
        self.steps = 0
        self.last_step = last_step

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.last_step:
            raise Killed


class DoomedStore:
    """A store that may be the last thing a run touches."""

    def __init__(self, store: Store, fate: Fate, books: Books) -> None:
        self.store = store
        self.fate = fate
        self.books = books

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.fate.step()
            result = method(*args, **kwargs)
            if name == "mark_sent" and result:
                self.books.sendings.append(Sending(name_of(args[0]), args[1]))
            if name == "record":
                key, attempt, state = args[:3]
                self.books.written(key, attempt, state, kwargs["remote_id"])
            self.fate.step()
            return result

        return call


class DoomedSystem:
    """The server, as a run meets it that may be killed at any point.

    `weather` is how submissions go, `state` what becomes of the tasks at first. `started`: what this run made the
    server start, or may have.
    """

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def __init__(self, books: Books, fate: Fate, policy: Policy, weather: list[str], state: str) -> None:
        self.books = books
        self.fate = fate
        self.policy = policy
        self.weather = weather
        self.state = state
        self.started: set[str] = set()

    def prepare(self) -> None:
        self.fate.step()

    def probe(self) -> None:
        self.fate.step()

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        assert not self.policy.check_mode
        weather = self.weather.pop(0) if self.weather else "fine"
        self.fate.step()
        if weather == "breaks off":
            raise NotSent("The connection broke.")
        self.check_that_it_may_be_sent(wanted.source)
        attempt.commit(DIGEST)
        sending = self.books.sendings[-1]
        if weather == "refused":
            self.fate.step()
            raise Refused("no")
        self.started.add(wanted.source)
        if weather == "lost before":
            raise OutcomeUnknown("The connection broke.")
        task = self.books.take(sending, self.state)
        self.fate.step()
        if weather == "lost after":
            raise OutcomeUnknown("The answer broke off.")
        return accepted(task)

    def check_that_it_may_be_sent(self, name: str) -> None:
        """Without a word of the user: only where everything that was sent before is known to have failed."""
        if not self.policy.force and self.policy.on_unknown == "fail":
            for sending in self.books.of(name):
                assert sending.verdict == "failed" or (sending.verdict is None and sending.is_waived), sending

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        assert remote_id is not None
        self.fate.step()
        if not self.books.answers:
            raise Outage("Service Unavailable")
        return PollResult(self.books.tasks[remote_id], "", {"tid": remote_id})

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        return ""


def policies() -> st.SearchStrategy[Policy]:
    return st.builds(
        Policy,
        force=st.sampled_from([False, False, True]),
        on_unknown=st.sampled_from(["fail", "fail", "fail", "retry"]),
        wait=st.booleans(),
        check_mode=st.sampled_from([False, False, False, False, True]),
    )


LISTS = st.sampled_from(["a", "a", "a", "b", "ab", "ba", "aba"])
WEATHER = st.lists(st.sampled_from(["fine", "breaks off", "refused", "lost before", "lost after"]), max_size=3)


class Lives(RuleBasedStateMachine):
    """Runs, one after the other, over one store and one server."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="lives-", dir=MEMORY if MEMORY.exists() else None)
        self.location = str(Path(self.folder) / "receipts.db")
        self.books = Books()
        self.is_asked_for_more = dict.fromkeys(NAMES, False)

    def teardown(self) -> None:
        """When all is well again everything is imported, or it is told why not."""
        try:
            self.books.answers = True
            self.server_finishes("succeeded")
            for one in self.run_to_the_end("ab", Policy(), [], "succeeded"):
                in_doubt = [sending for sending in self.books.of(one.wanted.source) if sending.verdict is None]
                assert one.state == "succeeded" or one.has_failed
                assert one.state in ("succeeded", "failed", "incomplete") or (one.state == "unknown" and in_doubt)
        finally:
            shutil.rmtree(self.folder)

    @rule(names=LISTS, policy=policies(), weather=WEATHER, state=st.sampled_from(TASK_STATES), step=st.integers(1, 16))
    def run_that_is_killed(self, names: str, policy: Policy, weather: list[str], state: str, step: int) -> None:
        store = open_store(self.location, read_only=policy.check_mode)
        try:
            imports = self.importer(store, names, Fate(step), policy, weather, state).run(listed(names))
        except BaseException as end:
            abandon(store)
            if not isinstance(end, Killed):
                raise
        else:
            store.close()
            self.check(imports)

    @rule(name=st.sampled_from(NAMES), step=st.integers(1, 8))
    def forced_run_that_is_killed_early(self, name: str, step: int) -> None:
        self.run_that_is_killed(name, Policy(force=True), [], "succeeded", step)

    @rule(names=LISTS, policy=policies(), weather=WEATHER, state=st.sampled_from(TASK_STATES))
    def run_that_ends(self, names: str, policy: Policy, weather: list[str], state: str) -> None:
        self.run_to_the_end(names, policy, weather, state)

    @rule(state=st.sampled_from(TASK_STATES[1:]))
    def server_finishes(self, state: str) -> None:
        self.books.tasks = {task: state if was == "running" else was for task, was in self.books.tasks.items()}

    @rule()
    def server_goes_or_comes_back(self) -> None:
        self.books.answers = not self.books.answers

    @invariant()
    def server_holds_no_more_than_was_asked_for(self) -> None:
        for name in NAMES:
            held = [sending for sending in self.books.of(name) if self.books.is_imported(sending)]
            assert self.is_asked_for_more[name] or len(held) <= 1

    def run_to_the_end(self, names: str, policy: Policy, weather: list[str], state: str) -> list[Import]:
        with closing(open_store(self.location, read_only=policy.check_mode)) as store:
            imports = self.importer(store, names, Fate(None), policy, weather, state).run(listed(names))
        self.check(imports)
        return imports

    def importer(
        self, store: Store, names: str, fate: Fate, policy: Policy, weather: list[str], state: str
    ) -> Importer:
        if (policy.force or policy.on_unknown == "retry") and not policy.check_mode:
            for name in names:
                self.is_asked_for_more[name] = True
                for sending in self.books.of(name):
                    sending.is_waived = True
        self.system = DoomedSystem(self.books, fate, policy, list(weather), state)
        doomed = cast(Store, DoomedStore(store, fate, self.books))
        return Importer(self.system, doomed, policy, PACE, TurnedClock().clock)

    def check(self, imports: list[Import]) -> None:
        """What a run says is so."""
        for one in imports:
            name, is_duplicate = one.wanted.source, one.reason == "duplicate"
            assert one.has_failed or is_duplicate or one.state not in ("failed", "unknown", "incomplete", "")
            assert one.changed == (not is_duplicate and (one.state == "planned" or name in self.system.started))
            if one.state in ("submitted", "succeeded", "incomplete"):
                assert [sending.name for sending in self.books.sendings if sending.task == one.remote_id] == [name]
                assert one.state in ("submitted", self.books.tasks[str(one.remote_id)])
            if one.state == "failed" and one.remote_id is not None:
                assert self.books.tasks[one.remote_id] == "failed"
            if one.state == "unknown":
                assert [sending for sending in self.books.of(name) if sending.verdict is None]


def listed(names: str) -> list[Wanted]:
    return [wanted(name) for name in names]


TestLives = pytest.mark.slow(Lives.TestCase)
TestLives.settings = settings(max_examples=100, stateful_step_count=10, report_multiple_bugs=False)
