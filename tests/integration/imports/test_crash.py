# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with receipts in PostgreSQL that are killed: the next run makes it one import, in each system.

That nothing is lost at any single point is shown with a file, system by system; here a run is killed at some of them.
License Statistics has its own in `licstat/test_crash.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ...sandbox.lm.asset_archives import DEMO
from ...stores import new_store
from ..bigfix.driver import DAY, DataImports
from ..crashing import Crash, Crasher
from ..haplo.driver import Haplo, Told
from ..kills import first, kill_at_each
from ..lm.driver import Lm
from ..support import only

USUAL = 7  # at every how-manieth point a run is killed, as a rule
ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that does everything at once."""
    at_once = {
        "lm": {"seconds_unknown": 0.0, "seconds_per_asset": 0.0},
        "bigfix": {"seconds_complete": 0.001, "daily": False},
    }
    with Sandbox(speed=1000, config=at_once) as sandbox:
        yield sandbox


@dataclass(frozen=True)
class Target:
    """A module with its options, and how many imports its server holds."""

    module: str
    run: Callable[..., dict[str, Any]]
    options: dict[str, Any]
    imports: Callable[[], int]


def haplo(sandbox: Sandbox, folder: Path, store: str) -> Target:
    return batches(Haplo(sandbox, folder), store)


def haplo_with_outcome(sandbox: Sandbox, folder: Path, store: str) -> Target:
    return batches(Told(sandbox, folder), store)


def batches(batch: Haplo, store: str) -> Target:

    def scheduled() -> int:
        return sum(one.dry_run is not None for one in batch.held.batches)

    return Target("haplo_batch", batch, batch.options(receipts=store), scheduled)


def lifecycle_manager(sandbox: Sandbox, folder: Path, store: str) -> Target:
    lm = Lm(sandbox, folder)
    return Target("lm_import", lm, lm.options(ARCHIVE, receipts=store), lambda: len(lm.held.runs))


def bigfix(sandbox: Sandbox, folder: Path, store: str) -> Target:
    server = DataImports(sandbox, folder)
    options = server.options(receipts=store, max_age=DAY)
    return Target("bigfix_import", server, options, lambda: len(server.held.imports))


@pytest.mark.slow
@pytest.mark.parametrize("make", [haplo, haplo_with_outcome, lifecycle_manager, bigfix])
def test_a_run_killed_anywhere_is_made_good_by_the_next_one(
    make: Callable[[Sandbox, Path, str], Target],
    stride: Callable[[int], int],
    sandbox: Sandbox,
    crasher: Crasher,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unknown = 0

    def run(name: str, kill_at: int | None = None) -> tuple[Target, Crash]:
        sandbox.reset()
        (tmp_path / name).mkdir()
        target = make(sandbox, tmp_path / name, new_store("PostgreSQL", tmp_path, request))
        crash = crasher.run(target.module, target.options, kill_at)
        sandbox.wait_idle()
        return target, crash

    def look(target: Target, _crash: Crash) -> None:
        nonlocal unknown
        held = target.imports()
        again = target.run(**target.options)
        is_unknown = again["state"] == "unknown"  # what was sent, and nobody can be asked about
        if is_unknown:
            assert (again["changed"], target.imports()) == (False, held)
            again = target.run(**target.options, on_unknown="retry")
            unknown += 1
        assert not again.get("failed"), again.get("msg")
        assert again["changed"] == (is_unknown or held == 0)
        assert target.imports() == (held + 1 if is_unknown else 1)
        rest = target.run(**target.options)
        assert (rest["changed"], only(rest)["reason"]) == (False, "fresh" if make is bigfix else "receipt")

    target, whole = run("whole")
    usual = 2 * USUAL if make is haplo_with_outcome else USUAL
    numbers = range(first(whole, "before claim") - 1, len(whole.points), stride(usual))
    kill_at_each(numbers, whole, run, look)
    with capsys.disabled():
        print(
            f"\n  {target.module}: killed at {len(numbers)} of {len(whole.points)} points, {unknown} unknown", end=" "
        )
