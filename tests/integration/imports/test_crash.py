# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with receipts in PostgreSQL that are killed: the next run makes it one import, in each system.

That nothing is lost at any single point is shown with a file, system by system; here a run is killed at some of them.
License Statistics has its own in `licstat/test_crash.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ...stores import new_store
from ..bigfix.driver import DAY
from ..crashing import Crash, Crasher
from ..kills import first, kill_at_each, wait_for_the_rest
from ..support import only
from .systems import SYSTEMS, One

USUAL = 14  # at every how-manieth point a run is killed, as a rule
FRESH: dict[str, dict[str, Any]] = {"bigfix": {"max_age": DAY}}
"""Options with which the import of an earlier run will do, where receipts decide nothing."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that does everything at once."""
    at_once = {
        "lm": {"seconds_unknown": 0.0, "seconds_per_asset": 0.0},
        "bigfix": {"seconds_complete": 0.001, "daily": False},
    }
    with Sandbox(speed=1000, config=at_once) as sandbox:
        yield sandbox


@pytest.mark.slow
@pytest.mark.parametrize("system", ["haplo", "haplo with outcome", "lm", "bigfix"])
def test_a_run_killed_anywhere_is_made_good_by_the_next_one(
    system: str,
    stride: Callable[[int], int],
    sandbox: Sandbox,
    crasher: Crasher,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unknown = 0

    def run(name: str, kill_at: int | None = None) -> tuple[One, Crash]:
        sandbox.reset()
        (tmp_path / name).mkdir()
        one = SYSTEMS[system](sandbox, tmp_path / name)
        one.options = {"receipts": new_store("PostgreSQL", tmp_path, request), **FRESH.get(system, {})}
        crash = crasher.run(one.modules.module, one.modules.options(*one.what, **one.options), kill_at)
        wait_for_the_rest(sandbox, crash)
        return one, crash

    def look(one: One, _crash: Crash) -> None:
        nonlocal unknown
        held = one.imports()
        again = one()
        is_unknown = again["state"] == "unknown"  # what was sent, and nobody can be asked about
        if is_unknown:
            assert (again["changed"], one.imports()) == (False, held)
            again = one(on_unknown="retry")
            unknown += 1
        assert not again.get("failed"), again.get("msg")
        assert again["changed"] == (is_unknown or held == 0)
        assert one.imports() == (held + 1 if is_unknown else 1)
        rest = one()
        assert (rest["changed"], only(rest)["reason"]) == (False, "fresh" if system in FRESH else "receipt")

    whole = run("whole")[1]
    usual = 2 * USUAL if system == "haplo with outcome" else USUAL
    numbers = range(first(whole, "before claim") - 1, len(whole.points), stride(usual))
    kill_at_each(numbers, whole, run, look, is_steady=False)
    killed = f"killed at {len(numbers)} of {len(whole.points)} points"
    with capsys.disabled():
        print(f"\n  {system}: {killed}, {unknown} unknown", end=" ")
