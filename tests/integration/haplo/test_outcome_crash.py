# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of `haplo_batch` with a key for the pages of batches that are killed, while they wait too.

The next run goes on with the same batch and tells how it ended, once and for all; one that has no key tells that it is
scheduled. What an error has stopped has failed by then, and is not sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..crashing import Crash, Crasher
from ..support import ABSENT, QUICK, only
from .driver import Told, outcome_of
from .test_crash import answer_lost, crash_of, kill_anywhere, notes_in, nothing

Prepare = Callable[[Told], None]


def stands_still(told: Told) -> None:
    """No batch comes to an end."""
    told.sandbox.clock(speed=0)


def breaks(told: Told) -> None:
    """Batches are stopped by an error."""
    told.sandbox.configure("haplo", breaks_after=1)


def was_stopped(told: Told) -> None:
    """One was, and was told so."""
    with told.configured(breaks_after=1):
        assert outcome_of(told()) == (True, "failed", "failed")


def not_waited_for(told: Told) -> None:
    """A run before sent the batch and did not wait."""
    stands_still(told)
    assert outcome_of(told(wait=False)) == (False, "submitted", "submitted")
    told.sandbox.clock(speed=QUICK)


def has_errors(told: Told) -> None:
    """There is an error in the log of what will be sent."""
    told.control, told.files = told.erring, told.with_errors


@dataclass(frozen=True)
class Situation:
    """What had happened, with which options a run comes, how it ends, and at every how-manieth moment it is killed.

    `end`: how the batch ended that was sent by then, as the next run tells.
    """

    prepare: Prepare
    whole: str
    usual: int
    end: str = "succeeded"
    options: dict[str, Any] = field(default_factory=dict)


SITUATIONS = {
    "a first run": Situation(nothing, "succeeded", 4),
    "a run that waits in vain": Situation(stands_still, "scheduled", 5, options={"wait_timeout": 0}),
    "a run whose batch has errors": Situation(has_errors, "incomplete", 8, "incomplete"),
    "a run whose batch is stopped": Situation(breaks, "failed", 5, "failed"),
    "a forced run after one that was stopped": Situation(was_stopped, "succeeded", 8, options={"force": True}),
    "a dry run": Situation(nothing, "succeeded", 8, options={"dry_run": True}),
    "a run after one whose answer was lost": Situation(answer_lost, "succeeded", 5),
    "a run that looks at what an earlier one sent": Situation(not_waited_for, "succeeded", 5),
}


@pytest.mark.slow
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_run_killed_anywhere_has_one_batch_whose_end_the_next_one_reports(
    situation: str,
    stride: Callable[[int], int],
    sandbox: Sandbox,
    crasher: Crasher,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = SITUATIONS[situation]

    def run(name: str, kill_at: int | None = None) -> tuple[Told, Crash]:
        return crash_run(sandbox, crasher, tmp_path / name, case, kill_at)

    def look(told: Told, crash: Crash) -> None:
        check_next_runs(told, case, is_without_key_first=len(crash.points) % 2 == 1)

    is_steady = case.prepare is not not_waited_for
    early, late = stride(4 * case.usual), stride(case.usual)
    done = kill_anywhere(case.whole, late, early, run, look, is_steady=is_steady)
    with capsys.disabled():
        print(f"\n  {situation} {done}", end=" ")


def crash_run(
    sandbox: Sandbox, crasher: Crasher, folder: Path, case: Situation, kill_at: int | None = None
) -> tuple[Told, Crash]:
    sandbox.reset()
    sandbox.clock(speed=QUICK)
    told = Told(sandbox, folder)
    case.prepare(told)
    return told, crash_of(crasher, told, kill_at, **case.options)


def check_next_runs(told: Told, case: Situation, *, is_without_key_first: bool) -> None:
    """One whole batch was, or is then, scheduled by runs with these options, and they tell how it ended."""
    was_forced = "force" in case.options
    options = {**case.options, "force": False, "wait_timeout": 5}
    stopped = {batch.identifier for batch in told.scheduled if was_forced and batch.state == "error"}
    is_scheduled = len(told.scheduled) > len(stopped)
    noted = notes_in(told.store).get("batch")
    told.sandbox.clock(speed=QUICK)
    told.sandbox.configure("haplo", breaks_after=None)
    if is_without_key_first:
        check_without_key(told, options, is_scheduled=is_scheduled)
    again = told(**options)

    if again["state"] == "failed" and was_forced and not is_scheduled:  # killed before it had claimed the import
        assert told.times_scheduled == 1
        return
    (batch,) = [batch for batch in told.scheduled if batch.identifier not in stopped]
    end = "succeeded" if case.end == "failed" and not is_scheduled else case.end
    assert outcome_of(again) == (end != "succeeded", end, end)
    assert again["changed"] is (not is_scheduled and not is_without_key_first)
    assert only(again)["remote_id"] == batch.identifier
    if noted in {one.identifier for one in told.held.batches} - stopped:
        assert batch.identifier == noted
    assert batch.dry_run is options.get("dry_run", False)
    assert [file.name for file in batch.files] == ["people", "guests"]
    for key in (told.sandbox.haplo_outcome_api_key, ABSENT):
        last = told(**options, outcome_api_key=key)
        assert (outcome_of(last), last["changed"]) == (outcome_of(again), False)
        assert only(last)["remote_id"] == batch.identifier
    assert len(told.scheduled) == 1 + len(stopped)


def check_without_key(told: Told, options: dict[str, Any], *, is_scheduled: bool) -> None:
    """A run that cannot look tells what is known."""
    result = told(**options, outcome_api_key=ABSENT)

    if result.get("failed"):
        assert outcome_of(result)[1] in ("failed", "incomplete")
        assert result["changed"] is False
    else:
        assert outcome_of(result)[1] in ("scheduled", "succeeded")
        assert result["changed"] is not is_scheduled
