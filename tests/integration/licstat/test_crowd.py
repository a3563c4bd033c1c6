# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that overlap: whatever they do at once, each log is imported once, and every run says what is true.

The runs are processes with a receipt store in common. What they wait for is held by the sandbox and let go by the test,
so that nothing here depends on how fast they are.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...running import RunningModule
from ...sandbox.handle import Sandbox
from ...stores import KINDS, ask, new_store
from ..crashing import Herd, HurriedModule, more_than_buffers_hold
from ..support import assert_failed, only
from .report_logs import AT_ONCE, PATIENCE, ReportLogs, assert_imported

LARGE = more_than_buffers_hold()
MANY = 40
LEASE = 3.0  # seconds, instead of 30
RENEWAL = 0.3  # seconds, instead of 5

# What a store makes of leases and claims is shown with each kind by its own tests; here one kind is enough where runs
# do not get in each other's way by the dozen.
on_sqlite = pytest.mark.parametrize("crowd", ["SQLite"], indirect=True)
on_postgresql = pytest.mark.parametrize("crowd", ["PostgreSQL"], indirect=True)


class Crowd(ReportLogs):
    """Runs with one store in common."""

    def __init__(self, sandbox: Sandbox, folder: Path, store: str) -> None:
        super().__init__(sandbox, folder, store)
        self.started: list[RunningModule] = []
        self.herds: list[Herd] = []

    def start(self, *what: Any, environment: dict[str, str] | None = None, **options: Any) -> RunningModule:
        self.started.append(super().start(*what, environment=environment, **options))
        return self.started[-1]

    def start_hurried(self, *logs: Path, **options: Any) -> RunningModule:
        """The same with a lease that is over soon."""
        self.started.append(HurriedModule(self.module, self.options(*logs, **options), lease=LEASE, renewal=RENEWAL))
        return self.started[-1]

    def start_together(self, *lists: list[Path]) -> Herd:
        """A run for each of these lists, which begin at the same moment."""
        self.herds.append(Herd(self.module, [self.options(*logs) for logs in lists], self.folder))
        return self.herds[-1]

    def stop_elsewhere(self, owner: RunningModule) -> None:
        """Let a run stand still that is seen by its lease only, as on another host or in another container."""
        owner.process.send_signal(signal.SIGSTOP)
        ask(self.location, "UPDATE runs SET host = 'elsewhere'")

    def owners(self) -> list[int]:
        """Process ids of the runs that hold a claim."""
        question = "SELECT DISTINCT pid FROM runs JOIN attempts ON runs.id = attempts.run WHERE state = 'claimed'"
        return [pid for (pid,) in ask(self.location, question)]


@pytest.fixture(params=KINDS)
def crowd(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Crowd]:
    sandbox.configure(**AT_ONCE)
    crowd = Crowd(sandbox, tmp_path, new_store(request.param, tmp_path, request))
    yield crowd
    for one in crowd.started:  # a stopped one would stay for ever
        if one.process.poll() is None:
            one.kill()
    for herd in crowd.herds:
        herd.kill()


def results_of(herd: Herd) -> list[dict[str, Any]]:
    """The results of runs none of which was killed, and all of which went well."""
    results = [result for result in herd.results(timeout=300) if result is not None]
    assert len(results) == len(herd.pids)
    for result in results:
        assert not result.get("failed"), result["msg"]
        assert result["state"] == "succeeded"
    return results


# All at once.


@pytest.mark.slow
def test_forty_runs_at_once_import_each_log_once(crowd: Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    """All of one log with a new store, then half of them of another log, and each of the others of one of its own."""
    for own in (0, MANY // 2):
        log, *others = [crowd.log() for _unused in range(1 + own)]

        results = results_of(crowd.start_together(*[[log]] * (MANY - own), *[[other] for other in others]))

        assert [len(crowd.accepted(each)) for each in (log, *others)] == [1] * (1 + own)
        assert [result["receipts"]["created"] for result in results].count(True) == (own == 0)
        of_one, of_others = results[: MANY - own], results[MANY - own :]
        assert {only(result)["remote_id"] for result in of_one} == {crowd.accepted(log)[0].tid}
        assert [result["changed"] for result in of_one].count(True) == 1
        reasons = Counter(only(result)["reason"] for result in of_one)
        assert reasons["new"] == 1
        assert set(reasons) <= {"new", "joined", "receipt", "resumed"}
        for result in of_others:
            assert_imported(result, changed=True, reason="new")
        assert_imported(crowd(log, *others), changed=False, reason="receipt")
        with capsys.disabled():
            print(f"\n  {MANY - own} runs at once of one log, {own} of one each: {dict(reasons)}", end=" ")


@pytest.mark.slow
def test_twenty_runs_of_overlapping_lists_in_any_order_all_end(crowd: Crowd) -> None:
    logs = [crowd.log() for _unused in range(5)]
    orders = [logs[start:] + logs[:start] for start in range(5)] * 2
    results = results_of(crowd.start_together(*orders, *[order[::-1] for order in orders]))
    assert [len(crowd.accepted(log)) for log in logs] == [1] * len(logs)
    changed = Counter(one["source"] for result in results for one in result["imports"] if one["changed"])
    assert changed == {str(log): 1 for log in logs}


@on_postgresql
def test_two_runs_that_each_want_what_the_other_holds_both_end(crowd: Crowd) -> None:
    """Each has claimed the log that stands last in the other's list, and is let go only then."""
    logs = [crowd.log() for _unused in range(3)]
    crowd.sandbox.fault("hold", operation="import", when="before_body", times=2)
    runs = [crowd.start(*logs), crowd.start(*reversed(logs))]
    crowd.wait_until_held(2)
    assert len(crowd.uploads) == 2
    crowd.sandbox.release()
    for run in runs:
        assert_imported(run.finish(), changed=True)
    assert [len(crowd.accepted(log)) for log in logs] == [1, 1, 1]


# An owner that dies.


@on_sqlite
def test_an_owner_that_was_killed_is_known_to_be_dead_at_once(crowd: Crowd) -> None:
    """Though its lease goes on for long: on one host the process id tells."""
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    owner = crowd.start(log)
    crowd.wait_until_held()
    owner.kill()
    crowd.sandbox.clear_faults()

    result = crowd(log)

    ((lease_ends,),) = ask(crowd.location, "SELECT lease_ends FROM runs")
    assert lease_ends > time.monotonic(), "the lease was over, so this shows nothing"
    assert_imported(result, changed=True, reason="retried")
    assert len(crowd.accepted(log)) == 1


@on_postgresql
def test_of_many_that_wait_one_takes_over_when_the_owner_is_killed(crowd: Crowd) -> None:
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    herd = crowd.start_together(*[[log]] * 6)
    crowd.wait_until_held()
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


@on_sqlite
def test_a_run_that_was_killed_while_it_waited_is_resumed(crowd: Crowd) -> None:
    crowd.sandbox.configure(seconds_running=10.0)
    crowd.sandbox.clock(speed=0)
    log = crowd.log()
    waiting = crowd.start(log)
    crowd.sandbox.wait_for("answered", operation="status", count=2, timeout=PATIENCE)
    waiting.kill()
    crowd.sandbox.clock(step=10)

    result = crowd(log)
    assert_imported(result, changed=False, reason="resumed")
    assert only(result)["remote_id"] == crowd.accepted(log)[0].tid
    assert only(result)["attempts"] == 1
    assert len(crowd.accepted(log)) == 1


# An owner that stops and wakes.


@pytest.mark.slow
@pytest.mark.parametrize(("crowd", "other_has_ended"), [("SQLite", True), ("PostgreSQL", False)], indirect=["crowd"])
def test_an_owner_that_slept_through_its_lease_does_not_commit_what_another_run_took_over(
    other_has_ended: bool, crowd: Crowd
) -> None:
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=LARGE // 8, times=1 if other_has_ended else 2)
    owner = crowd.start_hurried(log)
    crowd.wait_until_held()
    crowd.stop_elsewhere(owner)
    other = crowd.start_hurried(log)
    if other_has_ended:
        taken_over = other.finish()
    else:
        crowd.wait_until_held(2)

    owner.process.send_signal(signal.SIGCONT)
    crowd.sandbox.clear_faults()

    woken = owner.finish()
    if not other_has_ended:
        taken_over = other.finish()
    assert_imported(taken_over, changed=True)
    assert_imported(woken, changed=False)
    assert len(crowd.accepted(log)) == 1, "two commits"
    assert [request.complete for request in crowd.uploads] == [False, True]
    assert only(woken)["remote_id"] == only(taken_over)["remote_id"] == crowd.accepted(log)[0].tid
    assert_imported(crowd(log), changed=False, reason="receipt")


@pytest.mark.slow
@on_postgresql
def test_an_owner_that_slept_after_its_last_block_still_writes_what_became_of_its_import(crowd: Crowd) -> None:
    """Until it wakes nobody knows, and nobody sends again; then the receipt is what it would have been."""
    log = crowd.log()
    crowd.sandbox.fault("hold", operation="import", when="after_work")
    owner = crowd.start_hurried(log)
    crowd.wait_until_held()
    crowd.stop_elsewhere(owner)
    assert_failed(crowd.start_hurried(log).finish(), state="unknown", changed=False)

    owner.process.send_signal(signal.SIGCONT)
    crowd.sandbox.clear_faults()

    assert_imported(owner.finish(), changed=True, reason="new")
    assert len(crowd.accepted(log)) == 1
    assert_imported(crowd(log), changed=False, reason="receipt")


@on_sqlite
def test_an_owner_that_stands_still_and_is_seen_is_waited_for(crowd: Crowd) -> None:
    """However long its lease is over: its process is there."""
    log = crowd.log()
    crowd.sandbox.fault("hold", operation="import", when="after_work")
    owner = crowd.start_hurried(log)
    crowd.wait_until_held()
    owner.process.send_signal(signal.SIGSTOP)
    ask(crowd.location, "UPDATE runs SET lease_ends = 1")
    impatient = crowd(log, wait=False, on_unknown="retry")
    assert (impatient["state"], impatient["changed"], only(impatient)["reason"]) == ("running", False, "joined")
    owner.process.send_signal(signal.SIGCONT)
    crowd.sandbox.clear_faults()
    assert_imported(owner.finish(), changed=True, reason="new")
    assert len(crowd.accepted(log)) == 1


@pytest.mark.slow
@on_postgresql
def test_a_lease_is_renewed_for_as_long_as_the_owner_lives(crowd: Crowd) -> None:
    """So that a long upload is not taken over: another run waits for it though the lease would be over long since."""
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    owner = crowd.start_hurried(log)
    crowd.wait_until_held()
    assert_failed(crowd.start_hurried(log, wait_timeout=1.5 * LEASE).finish(), state="running", changed=False)
    crowd.sandbox.clear_faults()
    assert_imported(owner.finish(), changed=True, reason="new")
    assert len(crowd.uploads) == 1


# Force.


@on_sqlite
def test_force_waits_for_a_living_run_before_it_imports_again(crowd: Crowd) -> None:
    log = crowd.log(LARGE)
    crowd.sandbox.fault("stall", operation="import", after_bytes=1)
    owner = crowd.start(log)
    crowd.wait_until_held()
    assert_failed(crowd(log, force=True, wait_timeout=0.3), state="running", changed=False)
    forced = crowd.start(log, force=True)
    assert len(crowd.uploads) == 1

    crowd.sandbox.clear_faults()

    assert_imported(owner.finish(), changed=True, reason="new")
    result = forced.finish()
    assert_imported(result, changed=True, reason="forced")
    assert only(result)["attempts"] == 2
    _first, second = crowd.accepted(log)
    assert only(result)["remote_id"] == second.tid
