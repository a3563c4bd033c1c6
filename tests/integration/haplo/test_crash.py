# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of `haplo_batch` that are killed: the next run goes on with the same batch, and one whole batch is scheduled.

The module is killed by SIGKILL at every statement to the receipt store, at every block that it sends and within it, and
around every answer (`crashing.py`). With batch import nothing ends unknown, since scheduling again tells whether it was
scheduled; with standard batch import it does where the request had left, and the user says how to go on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..crashing import Crash, Crasher
from ..kills import first, kill_at_each, moments
from ..support import only
from .driver import APIS, PLAIN, STANDARD, Api, Haplo, assert_one_whole_batch, assert_scheduled

Prepare = Callable[[Haplo], None]


def nothing(haplo: Haplo) -> None:
    """The batch was never heard of."""


def broken_off(haplo: Haplo) -> None:
    """A run before failed at the second file."""
    haplo.fault("status", operation="file", when="after_body", status=404, skip=1)
    assert only(haplo())["state"] == "failed"


def answer_lost(haplo: Haplo) -> None:
    """A run before did not hear the answer when it scheduled the batch."""
    haplo.leave_unknown()


def forgotten(haplo: Haplo) -> None:
    """The same, and Haplo has forgotten the batch since, with everything else."""
    answer_lost(haplo)
    haplo.forget()


# What had happened, and at every how-manieth moment the run is killed: most are those of a first run again.
SITUATIONS: dict[str, tuple[Prepare, int]] = {
    "a first run": (nothing, 1),
    "a run after one that was broken off": (broken_off, 2),
    "a run after one whose answer was lost": (answer_lost, 2),
    "a run whose batch was forgotten": (forgotten, 8),
}
LEFT_TO_THE_USER = {(STANDARD, "a run whose batch was forgotten")}  # whether there shall be another one
CASES = [(api, situation) for api in APIS for situation in SITUATIONS if (api, situation) not in LEFT_TO_THE_USER]


@pytest.mark.slow
@pytest.mark.parametrize(("api", "situation"), CASES, ids=lambda case: case if isinstance(case, str) else case.name)
def test_a_run_killed_anywhere_is_made_one_whole_batch_by_the_next_one(
    api: Api,
    situation: str,
    stride: Callable[[int], int],
    sandbox: Sandbox,
    crasher: Crasher,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare, usual = SITUATIONS[situation]
    again_scheduled = 0

    def run(name: str, kill_at: int | None = None) -> tuple[Haplo, Crash]:
        return crash_run(sandbox, crasher, tmp_path / name, api, prepare, kill_at)

    def look(haplo: Haplo, crash: Crash) -> None:
        nonlocal again_scheduled
        again_scheduled += check_next_run(haplo, crash)

    done = kill_anywhere("scheduled", stride(usual), stride(4 * usual), run, look)
    with capsys.disabled():
        print(f"\n  {api.name}: {situation} {done} ({again_scheduled} times the next one scheduled the batch)", end=" ")


def kill_anywhere(
    state: str,
    late: int,
    early: int,
    run: Callable[..., tuple[Any, Crash]],
    look: Callable[[Any, Crash], None],
    *,
    is_steady: bool = True,
) -> str:
    """Kill a run that ends in that state, and look each time. What was done.

    It is killed at every how-manieth moment, early before it schedules the batch, and late from then on.
    """
    whole = run("whole")[1]
    assert whole.result is not None
    assert whole.result["state"] == state, whole.result
    scheduling = first(whole, "before mark_sent") if whole.came_to("before mark_sent") else 0
    every = moments(whole)
    before = [number for number in every if number < scheduling]
    tried = [*before[::early], *every[len(before) :: late]]
    kill_at_each(tried, whole, run, look, is_steady=is_steady)
    return f"was killed at {len(tried)} of {len(every)} moments"


def crash_run(
    sandbox: Sandbox, crasher: Crasher, folder: Path, api: Api, prepare: Prepare, kill_at: int | None = None
) -> tuple[Haplo, Crash]:
    """A situation, and a run in it that is killed."""
    sandbox.reset()
    haplo = Haplo(sandbox, folder, api)
    prepare(haplo)
    return haplo, crash_of(crasher, haplo, kill_at, on_unknown="retry")


def crash_of(crasher: Crasher, haplo: Haplo, kill_at: int | None, **options: Any) -> Crash:
    """A run that is killed. What it has sent whole, Haplo does to the end."""
    haplo.sandbox.clear_faults()
    crash = crasher.run("haplo_batch", haplo.options(**options), kill_at)
    haplo.sandbox.wait_idle()
    return crash


def check_next_run(haplo: Haplo, crash: Crash) -> bool:
    """Whether the next run was the one that scheduled the batch; before or then, one whole batch was.

    With standard batch import it sends nothing where the batch may be scheduled, unless the user says so.
    """
    noted = notes_in(haplo.store)
    is_scheduled = bool(haplo.scheduled)
    sent = len(haplo.sent())

    again = haplo()
    if again["state"] == "unknown":
        assert haplo.api is not PLAIN
        assert crash.came_to("mark_sent: after COMMIT") or "scheduling" in noted
        assert (again["changed"], len(haplo.sent())) == (False, sent)
        again = haplo(on_unknown="retry")

    assert_scheduled(again, changed=not is_scheduled, reason=only(again)["reason"])
    held = assert_one_whole_batch(haplo)
    assert only(again)["remote_id"] in {batch.identifier for batch in held.batches if batch.dry_run is not None}
    steps = [step for step in haplo.steps[sent:] if step != "question"]
    if noted.get("batch") in {batch.identifier for batch in held.batches}:
        assert only(again)["remote_id"] == noted["batch"]
        assert "batch" not in steps
        assert steps.count("file") == len(haplo.files) - len(noted["files"]), "an acknowledged file was sent again"
    if is_scheduled:
        assert set(steps) <= {"schedule"}
    assert_scheduled(haplo(check=True), changed=False, reason="receipt")
    return not is_scheduled


def notes_in(store: Path) -> dict[str, Any]:
    """What was noted of the last attempt, none if there is no store yet."""
    if not store.exists():
        return {}
    with closing(sqlite3.connect(store)) as database:
        row = database.execute("SELECT detail FROM attempts ORDER BY attempt DESC LIMIT 1").fetchone()
    notes: dict[str, Any] = json.loads(row[0])["notes"] if row else {}
    return notes
