# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that overlap: whatever they do at once, each log is imported once, and every run says what is true.

The runs are processes with a receipt store in common. What they wait for is held by the sandbox and let go by the test,
so that nothing here depends on how fast they are.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...running import RunningModule, run_module, start_module
from ...sandbox.handle import Sandbox
from ...sandbox.licstat.view import Task
from ...stores import KINDS, ask, new_store
from ..crashing import Herd, HurriedModule, more_than_buffers_hold

SERVER = 40
PATIENCE = 60.0  # seconds for what happens at once, unless the machine is busy with other things
LARGE = more_than_buffers_hold()
MANY = 40
LEASE = 3.0  # seconds, instead of 30
RENEWAL = 0.3  # seconds, instead of 5


class Crowd:
    """Logs, and the options to import them with one store in common."""

    def __init__(self, sandbox: Sandbox, folder: Path, store: str) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.store = store
        self.started: list[RunningModule] = []
        self.herds: list[Herd] = []
        self._made = 0

    @property
    def kind(self) -> str:
        """Of the store."""
        return "PostgreSQL" if self.store.startswith("postgresql:") else "SQLite"

    def log(self, size: int = 1000) -> Path:
        """A new log, which License Statistics takes without looking into it."""
        self._made += 1
        path = self.folder / f"{self._made}.rl"
        path.write_bytes((b"\0" + os.urandom(16)).ljust(size, b"-"))
        return path

    def options(self, *logs: Path, **options: Any) -> dict[str, Any]:
        return {
            "url": self.sandbox.licstat_url,
            "api_token": self.sandbox.licstat_token,
            "license_server_id": SERVER,
            "src": [str(log) for log in logs],
            "receipts": self.store,
            "wait_sleep": 0.05,
            "wait_timeout": PATIENCE,
            **options,
        }

    def run(self, *logs: Path, **options: Any) -> dict[str, Any]:
        """The module's result, run in this process."""
        return run_module("licstat_import", **self.options(*logs, **options))

    def start(self, *logs: Path, **options: Any) -> RunningModule:
        """The module in a process of its own."""
        self.started.append(start_module("licstat_import", **self.options(*logs, **options)))
        return self.started[-1]

    def start_hurried(self, *logs: Path, **options: Any) -> RunningModule:
        """The same with a lease that is over soon."""
        module = HurriedModule("licstat_import", self.options(*logs, **options), lease=LEASE, renewal=RENEWAL)
        self.started.append(module)
        return module

    def start_together(self, *all_options: dict[str, Any]) -> Herd:
        """Many runs that begin at the same moment."""
        self.herds.append(Herd("licstat_import", list(all_options), self.folder))
        return self.herds[-1]

    def accepted(self, log: Path) -> list[Task]:
        """What the sandbox took of a log, once no request is under way any more."""
        self.sandbox.wait_idle()
        digest = hashlib.sha256(log.read_bytes()).hexdigest()
        return [task for task in self.sandbox.licstat().tasks if task.sha256 == digest]

    def stop_elsewhere(self, owner: RunningModule) -> None:
        """Let a run stand still that is seen by its lease only, as on another host or in another container."""
        owner.process.send_signal(signal.SIGSTOP)
        ask(self.store, "UPDATE runs SET host = 'elsewhere'")

    def owners(self) -> list[int]:
        """Process ids of the runs that hold a claim."""
        question = "SELECT DISTINCT pid FROM runs JOIN attempts ON runs.id = attempts.run WHERE state = 'claimed'"
        return [pid for (pid,) in ask(self.store, question)]


@pytest.fixture(params=KINDS)
def crowd(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Crowd]:
    sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=0.0)
    crowd = Crowd(sandbox, tmp_path, new_store(request.param, tmp_path, request))
    yield crowd
    for one in crowd.started:  # a stopped one would stay for ever
        if one.process.poll() is None:
            one.kill()
    for herd in crowd.herds:
        herd.kill()


def entry(result: dict[str, Any]) -> dict[str, Any]:
    """The one import of a result."""
    (one,) = result["imports"]
    assert isinstance(one, dict)
    return one


def results_of(herd: Herd) -> list[dict[str, Any]]:
    """The results of runs none of which was killed."""
    results = [result for result in herd.results(timeout=300) if result is not None]
    assert len(results) == len(herd.pids)
    return results


def assert_imported(result: dict[str, Any], *, changed: bool, reason: str | None = None) -> None:
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"]) == ("succeeded", changed)
    assert reason in (None, entry(result)["reason"])


# All at once.


@pytest.mark.slow
@pytest.mark.parametrize("beginning", ["a new store", "a known store"])
def test_forty_runs_at_once_of_one_log_import_it_once(
    beginning: str, crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    if beginning == "a known store":
        assert_imported(crowd.run(crowd.log()), changed=True)
    log = crowd.log()
    results = results_of(crowd.start_together(*[crowd.options(log)] * MANY))

    assert len(crowd.accepted(log)) == 1
    for result in results:
        assert not result.get("failed"), result["msg"]
        assert result["state"] == "succeeded"
        assert entry(result)["remote_id"] == crowd.accepted(log)[0].tid
    assert [result["changed"] for result in results].count(True) == 1
    assert [result["receipts"]["created"] for result in results].count(True) == (beginning == "a new store")
    reasons = Counter(entry(result)["reason"] for result in results)
    assert reasons["new"] == 1
    assert set(reasons) <= {"new", "joined", "receipt", "resumed"}
    with capsys.disabled():
        print(f"\n  {crowd.kind}: {MANY} runs at once with {beginning}: {dict(reasons)}, 1 import", end=" ")


@pytest.mark.slow
def test_forty_runs_at_once_of_forty_logs_lose_none(crowd: Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    logs = [crowd.log() for _unused in range(MANY)]
    for result in results_of(crowd.start_together(*[crowd.options(log) for log in logs])):
        assert_imported(result, changed=True, reason="new")
    assert [len(crowd.accepted(log)) for log in logs] == [1] * MANY
    again = crowd.run(*logs)
    assert_imported_all(again, changed=False)
    assert {one["reason"] for one in again["imports"]} == {"receipt"}
    with capsys.disabled():
        print(f"\n  {crowd.kind}: {MANY} runs at once of as many logs: {len(again['imports'])} imports", end=" ")


def assert_imported_all(result: dict[str, Any], *, changed: bool) -> None:
    assert not result.get("failed"), result["msg"]
    assert {one["state"] for one in result["imports"]} == {"succeeded"}
    assert result["changed"] == changed


@pytest.mark.slow
def test_twenty_runs_of_overlapping_lists_in_any_order_all_end(crowd: Crowd) -> None:
    logs = [crowd.log() for _unused in range(5)]
    orders = [logs[start:] + logs[:start] for start in range(5)] * 2
    orders += [order[::-1] for order in orders]
    results = results_of(crowd.start_together(*[crowd.options(*order) for order in orders]))
    for result in results:
        assert not result.get("failed"), result["msg"]
    assert [len(crowd.accepted(log)) for log in logs] == [1] * len(logs)
    changed = Counter(one["source"] for result in results for one in result["imports"] if one["changed"])
    assert changed == {str(log): 1 for log in logs}


def test_two_runs_that_each_want_what_the_other_holds_both_end(crowd: Crowd) -> None:
    """Each has claimed the log that stands last in the other's list, and is let go only then."""
    logs = [crowd.log() for _unused in range(3)]
    crowd.sandbox.fault("hold", operation="import", when="before_body", times=2)
    runs = [crowd.start(*logs), crowd.start(*reversed(logs))]
    crowd.sandbox.wait_for("held", operation="import", count=2, timeout=PATIENCE)
    assert len(crowd.sandbox.requests(operation="import")) == 2
    crowd.sandbox.release()
    for run in runs:
        assert_imported_all(run.finish(), changed=True)
    assert [len(crowd.accepted(log)) for log in logs] == [1, 1, 1]


# An owner that dies.


def test_an_owner_that_was_killed_is_known_to_be_dead_at_once(crowd: Crowd) -> None:
    """Though its lease goes on for long: on one host the process id tells."""
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    owner = crowd.start(log)
    crowd.sandbox.wait_for("held", operation="import", timeout=PATIENCE)
    owner.kill()
    crowd.sandbox.clear_faults()
    begin = time.monotonic()

    result = crowd.run(log)

    ((lease_ends,),) = ask(crowd.store, "SELECT lease_ends FROM runs")
    now = time.monotonic() if crowd.kind == "SQLite" else time.time()
    assert lease_ends > now, f"the lease was over, so this shows nothing ({time.monotonic() - begin:.1f} s)"
    assert_imported(result, changed=True, reason="retried")
    assert len(crowd.accepted(log)) == 1


def test_of_many_that_wait_one_takes_over_when_the_owner_is_killed(crowd: Crowd) -> None:
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    herd = crowd.start_together(*[crowd.options(log)] * 6)
    crowd.sandbox.wait_for("held", operation="import", timeout=PATIENCE)
    (owner,) = crowd.owners()
    assert owner in herd.pids

    os.kill(owner, signal.SIGKILL)

    results = [result for result in herd.results() if result is not None]
    assert len(results) == len(herd.pids) - 1
    for result in results:
        assert not result.get("failed"), result["msg"]
    assert [result["changed"] for result in results].count(True) == 1
    crowd.sandbox.clear_faults()
    assert len(crowd.accepted(log)) == 1


def test_a_run_that_was_killed_while_it_waited_is_resumed(crowd: Crowd) -> None:
    crowd.sandbox.configure(seconds_running=10.0)
    crowd.sandbox.clock(speed=0)
    log = crowd.log()
    waiting = crowd.start(log)
    crowd.sandbox.wait_for("answered", operation="status", count=2, timeout=PATIENCE)
    waiting.kill()
    crowd.sandbox.clock(step=10)

    result = crowd.run(log)
    assert_imported(result, changed=False, reason="resumed")
    assert entry(result)["remote_id"] == crowd.accepted(log)[0].tid
    assert entry(result)["attempts"] == 1
    assert len(crowd.accepted(log)) == 1


# An owner that stops and wakes.


@pytest.mark.slow
@pytest.mark.parametrize("other_has_ended", [True, False], ids=["after the other ended", "while the other sends"])
def test_an_owner_that_slept_through_its_lease_does_not_commit_what_another_run_took_over(
    other_has_ended: bool, crowd: Crowd
) -> None:
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=LARGE // 8, times=1 if other_has_ended else 2)
    owner = crowd.start_hurried(log)
    crowd.sandbox.wait_for("held", operation="import", timeout=PATIENCE)
    crowd.stop_elsewhere(owner)
    other = crowd.start_hurried(log)
    if other_has_ended:
        taken_over = other.finish()
    else:
        crowd.sandbox.wait_for("held", operation="import", count=2, timeout=PATIENCE)

    owner.process.send_signal(signal.SIGCONT)
    crowd.sandbox.clear_faults()

    woken = owner.finish()
    if not other_has_ended:
        taken_over = other.finish()
    assert_imported(taken_over, changed=True)
    assert_imported(woken, changed=False)
    assert len(crowd.accepted(log)) == 1, "two commits"
    assert [request.complete for request in crowd.sandbox.requests(operation="import")] == [False, True]
    assert entry(woken)["remote_id"] == entry(taken_over)["remote_id"] == crowd.accepted(log)[0].tid
    assert_imported(crowd.run(log), changed=False, reason="receipt")


@pytest.mark.slow
def test_an_owner_that_slept_after_its_last_block_still_writes_what_became_of_its_import(crowd: Crowd) -> None:
    """Until it wakes nobody knows, and nobody sends again; then the receipt is what it would have been."""
    log = crowd.log()
    crowd.sandbox.fault("hold", operation="import", when="after_work")
    owner = crowd.start_hurried(log)
    crowd.sandbox.wait_for("held", operation="import", timeout=PATIENCE)
    crowd.stop_elsewhere(owner)
    other = crowd.start_hurried(log).finish()
    assert other.get("failed"), other
    assert (other["state"], other["changed"]) == ("unknown", False)

    owner.process.send_signal(signal.SIGCONT)
    crowd.sandbox.clear_faults()

    assert_imported(owner.finish(), changed=True, reason="new")
    assert len(crowd.accepted(log)) == 1
    assert_imported(crowd.run(log), changed=False, reason="receipt")


def test_an_owner_that_stands_still_and_is_seen_is_waited_for(crowd: Crowd) -> None:
    """However long its lease is over: its process is there."""
    log = crowd.log()
    crowd.sandbox.fault("hold", operation="import", when="after_work")
    owner = crowd.start_hurried(log)
    crowd.sandbox.wait_for("held", operation="import", timeout=PATIENCE)
    owner.process.send_signal(signal.SIGSTOP)
    ask(crowd.store, "UPDATE runs SET lease_ends = 1")
    impatient = crowd.run(log, wait=False, on_unknown="retry")
    assert (impatient["state"], impatient["changed"], entry(impatient)["reason"]) == ("running", False, "joined")
    owner.process.send_signal(signal.SIGCONT)
    crowd.sandbox.clear_faults()
    assert_imported(owner.finish(), changed=True, reason="new")
    assert len(crowd.accepted(log)) == 1


@pytest.mark.slow
def test_a_lease_is_renewed_for_as_long_as_the_owner_lives(crowd: Crowd) -> None:
    """So that a long upload is not taken over: another run waits for it though the lease would be over long since."""
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    owner = crowd.start_hurried(log)
    crowd.sandbox.wait_for("held", operation="import", timeout=PATIENCE)
    other = crowd.start_hurried(log, wait_timeout=1.5 * LEASE).finish()
    assert other.get("failed"), other
    assert (other["state"], other["changed"]) == ("running", False)
    crowd.sandbox.clear_faults()
    assert_imported(owner.finish(), changed=True, reason="new")
    assert len(crowd.sandbox.requests(operation="import")) == 1


# Force.


def test_force_waits_for_a_living_run_before_it_imports_again(crowd: Crowd) -> None:
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    owner = crowd.start(log)
    crowd.sandbox.wait_for("held", operation="import", timeout=PATIENCE)
    impatient = crowd.run(log, force=True, wait_timeout=0.3)
    assert impatient.get("failed"), impatient
    assert (impatient["state"], impatient["changed"]) == ("running", False)
    forced = crowd.start(log, force=True)
    assert len(crowd.sandbox.requests(operation="import")) == 1

    crowd.sandbox.clear_faults()

    assert_imported(owner.finish(), changed=True, reason="new")
    result = forced.finish()
    assert_imported(result, changed=True, reason="forced")
    assert entry(result)["attempts"] == 2
    _first, second = crowd.accepted(log)
    assert entry(result)["remote_id"] == second.tid
