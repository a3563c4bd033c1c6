# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed, and runs that overlap: with `max_age`, what was started is never started again.

The module is killed at every statement to the receipt store, at every block that it sends and within it, and around
every answer (`crashing.py`).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError
from ansible_collections.assetops.imports.plugins.module_utils._receipts import store as _receipts

from ...sandbox.handle import Sandbox
from ..crashing import Crash, Crasher, Herd
from ..kills import first, kill_at_each, wait_for_the_rest
from ..support import QUICK, only
from .driver import DAY, DataImports, assert_imported

MANY = 20
PATIENCE = 60.0  # seconds for what happens at once, unless the machine is busy with other things


@pytest.mark.slow
def test_a_run_killed_anywhere_is_made_good_by_the_next_one_with_one_import(
    stride: Callable[[int], int],
    sandbox: Sandbox,
    crasher: Crasher,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The import is over when the next run comes; it knows so by the status, whatever the receipt says."""
    options = {"max_age": DAY, "wait": False}
    started = 0

    def run(name: str, kill_at: int | None = None) -> tuple[DataImports, Crash]:
        server = connected(sandbox, tmp_path / name)
        return server, crasher.run("bigfix_import", server.options(**options), kill_at)

    def look(server: DataImports, crash: Crash) -> None:
        nonlocal started
        wait_for_the_rest(sandbox, crash)
        had_started = len(server.held.imports)
        started += had_started
        sandbox.clock(speed=QUICK, step=60)

        again = server(max_age=DAY, wait_timeout=PATIENCE)

        assert not again.get("failed"), again["msg"]
        assert (again["state"], again["changed"]) == ("succeeded", not had_started)
        assert only(again)["reason"] == ("fresh" if had_started else "new")
        assert len(server.held.imports) == 1 == server.held.starts_asked
        assert receipt_states(server)[-1:] in ([], ["succeeded"])

    whole = run("whole")[1]
    assert whole.result is not None
    assert (whole.result["state"], whole.result["changed"]) == ("submitted", True)
    numbers = range(first(whole, "before import_status"), len(whole.points) + 1, stride(2))
    kill_at_each(numbers, whole, run, look)
    assert 0 < started < len(numbers)
    with capsys.disabled():
        print(f"\n  killed at {len(numbers)} points, {started} of them after the start", end=" ")


def connected(sandbox: Sandbox, folder: Path) -> DataImports:
    """A server as new, with a store of its own; its time stands still but for what the test lets pass."""
    sandbox.reset()
    sandbox.clock(speed=0)
    folder.mkdir()
    server = DataImports(sandbox, folder)
    server.configure(seconds_complete=0.001)
    return server


def receipt_states(server: DataImports) -> list[str]:
    """The states of the attempts in the store, in order."""
    if not server.store.exists():
        return []
    with closing(sqlite3.connect(server.store)) as database:
        return [state for (state,) in database.execute("SELECT state FROM attempts ORDER BY attempt")]


def test_a_run_killed_while_it_waits_is_joined_by_the_next_one(bigfix: DataImports) -> None:
    bigfix.sandbox.clock(speed=0)
    module = bigfix.start(max_age=DAY)
    bigfix.sandbox.wait_for(system="bigfix", operation="status", count=3, timeout=PATIENCE)
    module.kill()

    next_run = bigfix.start(max_age=DAY, wait_timeout=PATIENCE)
    asked = len(bigfix.sent("status"))
    bigfix.sandbox.wait_for(system="bigfix", operation="status", count=asked + 2, timeout=PATIENCE)
    bigfix.sandbox.clock(step=60)

    result = next_run.finish()
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"]) == ("succeeded", False)
    assert only(result)["reason"] in ("joined", "fresh")
    assert len(bigfix.held.imports) == len(bigfix.starts) == 1
    assert receipt_states(bigfix) == ["succeeded"]


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"max_age": DAY}], ids=["any", "max_age"])
def test_of_twenty_runs_at_once_one_starts_an_import_and_all_take_its_outcome(
    sandbox: Sandbox, tmp_path: Path, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.clock(speed=0)
    server = DataImports(sandbox, tmp_path)
    herd = Herd("bigfix_import", [server.options(wait_timeout=PATIENCE, **options)] * MANY, tmp_path)
    try:
        sandbox.wait_for(system="bigfix", operation="start", timeout=PATIENCE)
        asked = len(server.sent("status"))
        sandbox.wait_for(system="bigfix", operation="status", count=asked + 5 * MANY, timeout=PATIENCE)
        sandbox.clock(step=60)
        results = [result or {} for result in herd.results(PATIENCE)]
    finally:
        herd.kill()

    reasons = Counter(only(result)["reason"] for result in results)
    with capsys.disabled():
        print(f"\n  {MANY} runs:", dict(reasons), end=" ")
    assert {result["state"] for result in results} == {"succeeded"}, [result.get("msg") for result in results]
    assert [result["changed"] for result in results].count(True) == reasons["new"] == 1
    assert len(server.starts) == len(server.held.imports) == 1


def test_where_receipts_cannot_be_kept_a_run_says_so_and_works_all_the_same(
    bigfix: DataImports, tmp_path: Path
) -> None:
    (tmp_path / "in-the-way").write_text("no folder")

    result = bigfix(receipts=str(tmp_path / "in-the-way" / "receipts.db"))

    assert_imported(result, changed=True, reason="new")
    assert "no other run is kept from starting" in str(result["warnings"])


def test_a_store_that_is_no_store_is_a_warning_too(bigfix: DataImports) -> None:
    bigfix.store.parent.mkdir()
    bigfix.store.write_bytes(b"these are no receipts" * 1000)

    result = bigfix()

    assert_imported(result, changed=True, reason="new")
    assert "no other run is kept from starting" in str(result["warnings"])
    assert bigfix.store.read_bytes() == b"these are no receipts" * 1000


def test_a_store_that_fails_in_the_middle_is_a_warning_and_the_import_goes_on(
    bigfix: DataImports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise StoreError("The disk is full.")

    assert_imported(bigfix(), changed=True, reason="new")
    original = _receipts.Store.claim

    def claim(self: Any, *arguments: Any, **options: Any) -> Any:
        return fail() if self.location == str(bigfix.store) else original(self, *arguments, **options)

    monkeypatch.setattr(_receipts.Store, "claim", claim)

    result = bigfix()

    assert_imported(result, changed=True, reason="new")
    assert "The disk is full. So no other run on this host is kept" in str(result["warnings"])
    assert len(bigfix.starts) == 2


def test_an_outcome_that_cannot_be_written_down_is_a_warning(
    bigfix: DataImports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(_receipts.Store, "record", fail)

    result = bigfix()

    assert_imported(result, changed=True, reason="new")
    assert "The disk is full." in str(result["warnings"])
