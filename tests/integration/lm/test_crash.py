# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of `lm_import` that are killed, or that overlap: one import, or a word that nobody can know.

That the store and the wire hold at every single point is shown with License Statistics; here a run is killed wherever
this system has something of its own, around the last block, the answer, and each look, and elsewhere at some points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ...sandbox.lm.asset_archives import DEMO
from ..crashing import Crash, Crasher, Herd
from ..kills import kill_at_each, last_block
from ..support import only
from .driver import Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
URL = f"http://acme.com/imports/{DEMO}"
MANY = 20


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox that imports at once."""
    with Sandbox(speed=1000, config={"lm": {"seconds_unknown": 0.0, "seconds_per_asset": 0.0}}) as sandbox:
        yield sandbox


SOURCES: dict[str, dict[str, Any]] = {"an archive": {"src": str(ARCHIVE)}, "a url": {"import_url": URL}}


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_a_run_killed_anywhere_is_made_good_by_the_next_one(
    source: str, stride: Callable[[int], int], own_sandbox: Sandbox, crasher: Crasher, tmp_path: Path
) -> None:
    phases: Counter[str] = Counter()

    def run(name: str, kill_at: int | None = None) -> tuple[Lm, Crash]:
        return crash(own_sandbox, crasher, tmp_path / name, SOURCES[source], kill_at)

    def look(lm: Lm, crashed: Crash) -> None:
        was_sent_whole = crashed.came_to(last_block(whole))
        phases[check_next_run(lm, crashed, SOURCES[source], was_sent_whole=was_sent_whole)] += 1

    whole = run("whole")[1]
    places = ("before claim", "before mark_sent", "before getimportstatus block 1")
    claim, begin, end = (whole.points.index(place) for place in places)
    numbers = [
        *range(claim, begin, stride(8)),
        *range(begin, end + 2, stride(1)),
        *range(end + 2, len(whole.points), stride(8)),
    ]
    kill_at_each(numbers, whole, run, look, is_steady=False)
    assert set(phases) == {"claimed", "sent", "accepted"}


def crash(
    sandbox: Sandbox, crasher: Crasher, folder: Path, source: dict[str, Any], kill_at: int | None
) -> tuple[Lm, Crash]:
    """A run that is killed at a point, whose first look finds the assets uncounted."""
    folder.mkdir()
    sandbox.reset()
    lm = Lm(sandbox, folder)
    sandbox.fault("json", operation="status", json={"unpublished-assets": -1})
    crashed = crasher.run("lm_import", lm.options(**source), kill_at)
    sandbox.clear_faults()
    return lm, crashed


def check_next_run(lm: Lm, crashed: Crash, source: dict[str, Any], *, was_sent_whole: bool) -> str:
    """One import; or at most one, and told as unknown, where it was sent and nothing was heard."""
    if was_sent_whole:
        lm.sandbox.wait_for("complete", operation="import", timeout=60)
    lm.sandbox.wait_idle()
    assert len(lm.held.runs) == was_sent_whole
    again = lm(**source)
    if crashed.came_to("record submitted: after COMMIT"):
        phase = "accepted"
        assert ("failed" in again, again["state"], again["changed"]) == (False, "succeeded", False)
    elif crashed.came_to("mark_sent: after COMMIT"):
        phase = "sent"
        assert ("failed" in again, again["state"], again["changed"]) == (True, "unknown", False)
        again = lm(**source, on_unknown="retry")
        assert (again["state"], again["changed"]) == ("succeeded", True)
    else:
        phase = "claimed"
        assert (again["state"], again["changed"]) == ("succeeded", True)
    assert len(lm.held.runs) == 1 + (phase == "sent" and was_sent_whole)
    assert only(again)["remote_id"] == lm.held.runs[-1].runid
    rest = lm(**source)
    assert (rest["state"], rest["changed"], only(rest)["reason"]) == ("succeeded", False, "receipt")
    return phase


@pytest.mark.slow
def test_twenty_runs_at_once_import_an_archive_once(own_sandbox: Sandbox, tmp_path: Path) -> None:
    own_sandbox.reset()
    lm = Lm(own_sandbox, tmp_path)
    options = lm.options(ARCHIVE, wait_timeout=60, wait_sleep=0.5)
    herd = Herd("lm_import", [options] * MANY, tmp_path)
    try:
        results = [result for result in herd.results() if result is not None]
    finally:
        herd.kill()

    assert len(results) == MANY
    assert [run.assets for run in lm.held.runs] == [12]
    for result in results:
        assert not result.get("failed"), result["msg"]
        assert (result["state"], only(result)["remote_id"]) == ("succeeded", lm.held.runs[0].runid)
    assert [result["changed"] for result in results].count(True) == 1


def test_a_run_that_was_killed_while_it_waited_is_resumed(lm: Lm) -> None:
    lm.sandbox.clock(speed=0)
    module = lm.start(ARCHIVE, wait_timeout=60)
    lm.sandbox.wait_for("answered", operation="status", count=2, timeout=60)
    module.kill()
    lm.sandbox.clock(step=60)

    result = lm(ARCHIVE)

    assert (result["state"], result["changed"], only(result)["reason"]) == ("succeeded", False, "resumed")
    assert len(lm.held.runs) == 1
