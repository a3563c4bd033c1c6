# SPDX-License-Identifier: GPL-3.0-or-later
"""Emptying a library: only when told twice, once, seen to be true, and known to the imports after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT, start_module
from ...sandbox.handle import Sandbox
from ...sandbox.lm.asset_archives import DEMO
from ...sandbox.lm.credentials import IMPORTER_PASSWORD, IMPORTER_USER
from ..crashing import Crash, Crasher, Herd
from ..kills import first, kill_at_each, wait_for_the_rest
from ..results import assert_returned, documented
from ..support import ABSENT, assert_ended_well, assert_plain_failure, only
from .driver import LIBRARY, Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
EMPTY = {"catalog_assets": 0, "published_assets": 0, "active_requests": 0, "pending_events": 0}


def counts(told: dict[str, Any]) -> dict[str, Any]:
    """Without the counts that have nothing to do with it."""
    return {name: told[name] for name in EMPTY}


@pytest.fixture
def full(lm: Lm) -> Lm:
    """The modules, with a library into which something was imported."""
    assert lm(ARCHIVE)["state"] == "succeeded"
    return lm


def test_a_library_is_emptied_once(full: Lm) -> None:
    result = full.empty()

    assert "failed" not in result
    assert result["changed"] is True
    assert counts(result["before"]) == {**EMPTY, "catalog_assets": 12, "published_assets": 12}
    assert counts(result["after"]) == EMPTY
    assert full.held.assets == []
    (clearing,) = full.held.clearings
    assert (clearing.assets, clearing.clear_events) == (12, False)
    again = full.empty()
    assert (again["changed"], again["before"], again["after"]) == (False, result["after"], result["after"])
    assert len(full.asked("clear")) == 1


def test_an_empty_library_is_left_alone(lm: Lm) -> None:
    for check in (True, False):
        result = lm.empty(check=check, diff=True)

        assert result["changed"] is False
        assert result["diff"]["before"] == result["diff"]["after"]
        assert not (check and lm.store.exists())
    assert lm.asked("clear") == []


def test_check_mode_and_diff_tell_what_would_be_lost(full: Lm) -> None:
    predicted = full.empty(check=True, diff=True)

    assert predicted["changed"] is True
    assert full.asked("clear") == []
    assert "catalog assets: 12\n" in predicted["diff"]["before"]
    assert "catalog assets: 0\n" in predicted["diff"]["after"]
    assert predicted["diff"]["before_header"] == f"{full.sandbox.lm_url} library {LIBRARY}"
    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")  # no receipt was touched
    done = full.empty(diff=True)
    assert (done["before"], done["after"], done["diff"]) == (predicted["before"], predicted["after"], predicted["diff"])


def test_what_is_emptied_is_imported_again(full: Lm) -> None:
    other = full(ARCHIVE, library="Service Catalog")
    full.empty()

    assert_ended_well(full(ARCHIVE), changed=True, reason="new")
    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")
    assert len(full.held.assets) == 12
    assert only(full(ARCHIVE, library="Service Catalog"))["remote_id"] == only(other)["remote_id"]


def emptied_by_others(lm: Lm, **options: Any) -> None:
    """Empty the library as somebody does who knows nothing of the receipts."""
    assert lm.empty(receipts=str(lm.folder / "others.db"), **options)["changed"]


def test_a_library_that_others_emptied_is_filled_again(full: Lm) -> None:
    other = full.archive()
    full(other)
    emptied_by_others(full)

    predicted = full(ARCHIVE, check=True)
    assert (predicted["state"], only(predicted)["reason"]) == ("planned", "new")
    assert "holds no assets" in only(predicted)["message"]
    done = full(ARCHIVE)
    assert_ended_well(done, changed=True, reason="new")
    assert "holds no assets" in only(done)["message"]
    assert_ended_well(full(other), changed=True, reason="new")  # though the library holds something again
    for archive in (ARCHIVE, other):
        assert_ended_well(full(archive), changed=False, reason="receipt")
    assert len(full.held.assets) == 15


def test_what_others_removed_is_not_believed_because_something_new_was_imported_since(full: Lm) -> None:
    emptied_by_others(full)
    assert_ended_well(full(full.archive()), changed=True, reason="new")

    assert_ended_well(full(ARCHIVE), changed=True, reason="new")
    assert len(full.held.assets) == 15


def test_an_emptying_that_finds_it_done_by_others_writes_it_down(full: Lm) -> None:
    emptied_by_others(full)

    assert full.empty(check=True)["changed"] is False
    assert only(full(ARCHIVE, check=True))["message"]  # the receipt still stands, and is found to be wrong
    assert full.empty()["changed"] is False
    predicted = full(ARCHIVE, check=True)
    assert (only(predicted)["reason"], only(predicted)["message"]) == ("new", "")
    assert len(full.asked("clear")) == 1


@pytest.mark.parametrize("state", ["submitted", "unknown"])
def test_an_import_that_may_bring_its_assets_yet_stays_when_a_library_is_found_empty(lm: Lm, state: str) -> None:
    if state == "unknown":
        lm.sandbox.fault("drop", operation="import", when="after_body")
    lm(ARCHIVE, wait=False)
    status = {"catalogAssets": 0, "publishedAssets": 0, "activeRequests": 0, "pendingEvents": 0}
    lm.sandbox.fault("json", operation="library", json=status)

    assert lm.empty()["changed"] is False

    again = lm(ARCHIVE, check=True)
    assert only(again)["reason"] == ("receipt" if state == "unknown" else "resumed")


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503},
        {"action": "status", "status": 401},
        {"action": "json", "json": {"catalogAssets": None, "activeRequests": 0}},
    ],
    ids=str,
)
def test_a_library_that_cannot_be_read_leaves_a_receipt_as_it_is(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="library", times=None, **fault)

    for check in (False, True):
        result = full(ARCHIVE, check=check)
        assert_ended_well(result, changed=False, reason="receipt")
        assert "warnings" not in result
        assert ("could not be read" in only(result)["message"]) == (fault["action"] != "json")
    assert len(full.asked("import")) == 1


def test_an_idle_run_asks_the_library_once(full: Lm) -> None:
    asked = len(full.sandbox.requests())

    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")

    assert [request.operation for request in full.sandbox.requests()[asked:]] == ["library"]


def test_an_archive_that_brings_no_assets_is_imported_once(lm: Lm) -> None:
    nothing = lm.archive(assets=0)

    assert_ended_well(lm(nothing), changed=True, reason="new")
    assert_ended_well(lm(nothing), changed=False, reason="receipt")


def test_an_import_whose_library_is_emptied_meanwhile_is_no_success(lm: Lm) -> None:
    lm.sandbox.clock(speed=0)
    module = lm.start(ARCHIVE, wait_timeout=60)
    lm.sandbox.wait_for("answered", operation="status", count=2, timeout=60)

    emptied = lm.empty()

    lm.sandbox.clock(step=60, speed=1000)
    result = module.finish()
    (warning,) = emptied["warnings"]
    assert f"process {module.process.pid} on " in str(warning)
    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", True)
    assert "holds no assets" in result["msg"]
    assert_ended_well(lm(ARCHIVE), changed=True, reason="retried")
    assert len(lm.held.assets) == 12


@pytest.mark.parametrize("was_full", [False, True])
def test_an_import_that_was_left_and_whose_library_is_emptied_is_no_success(lm: Lm, was_full: bool) -> None:
    if was_full:
        lm(lm.archive())
    lm.sandbox.clock(speed=0)
    lm(ARCHIVE, wait=False)
    emptied_by_others(lm)
    lm.sandbox.clock(step=60, speed=1000)

    result = lm(ARCHIVE)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed" if was_full else "unknown", False)
    assert "holds no assets" in result["msg"]
    again = lm(ARCHIVE, on_unknown="retry")
    assert_ended_well(again, changed=True, reason="retried")
    assert len(lm.held.assets) == 12


def test_what_waits_for_approval_in_a_library_that_is_emptied_is_no_success(lm: Lm) -> None:
    lm.sandbox.configure("lm", governed=2)
    assert lm(ARCHIVE)["state"] == "incomplete"
    emptied_by_others(lm)

    assert_plain_failure(lm(ARCHIVE))

    lm.sandbox.configure("lm", governed=0)
    assert_ended_well(lm(ARCHIVE), changed=True, reason="retried")


def test_what_is_imported_right_after_the_clearing_is_there(full: Lm) -> None:
    full.sandbox.fault("hold", operation="clear", when="after_work")
    emptying = start_module("lm_library", **full.emptying(wait_timeout=0))
    full.sandbox.wait_for("held", operation="clear", timeout=60)
    later = full.archive()
    assert_ended_well(full(later), changed=True, reason="new")
    full.sandbox.release()
    emptying.finish()

    assert_ended_well(full(later), changed=False, reason="receipt")
    assert_ended_well(full(ARCHIVE), changed=True, reason="new")


def test_target_name_says_whose_receipts_they_are(lm: Lm) -> None:
    lm(ARCHIVE, target_name="production")

    lm.empty(target_name="production", url=lm.sandbox.lm_url.replace("127.0.0.1", "localhost"))

    assert_ended_well(lm(ARCHIVE, target_name="production"), changed=True, reason="new")


@pytest.mark.parametrize("clear_events", [False, True])
def test_events_stay_unless_they_are_to_be_cleared(lm: Lm, clear_events: bool) -> None:
    lm.sandbox.clock(speed=0)
    lm(ARCHIVE, wait=False)
    lm.sandbox.clock(step=0.5)

    result = lm.empty(clear_events=clear_events)

    assert "failed" not in result
    assert result["before"]["pending_events"] == 12
    assert result["after"]["pending_events"] == (0 if clear_events else 12)
    assert lm.asked("clear")[0].query == ("clearevents=true" if clear_events else "")
    again = lm.empty(clear_events=True)
    assert again["changed"] == (not clear_events)
    assert lm.empty(clear_events=True)["changed"] is False


def test_a_library_that_stays_full_is_a_failure(full: Lm) -> None:
    full.sandbox.configure("lm", clear_leaves=3)

    result = full.empty(wait_timeout=0.3)

    assert_plain_failure(result)
    assert (result["changed"], result["after"]["catalog_assets"]) == (True, 3)
    assert "catalogAssets 3" in result["msg"]
    assert_ended_well(full(ARCHIVE), changed=True, reason="new")


def test_who_may_not_is_reported_in_the_words_of_the_server(full: Lm) -> None:
    result = full.empty(username=IMPORTER_USER, password=IMPORTER_PASSWORD)

    assert_plain_failure(result)
    assert result["http_status"] == 401
    assert not result.get("changed")
    assert "Usage Controller" in result["msg"]
    assert "Nothing was removed" in result["msg"]
    assert len(full.held.assets) == 12
    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")


def test_a_library_without_authentication_is_emptied_without(lm: Lm) -> None:
    nobody: dict[str, Any] = {"library": "Open", "username": ABSENT, "password": ABSENT}
    lm(ARCHIVE, **nobody)

    assert lm.empty(**nobody)["changed"] is True
    assert lm.empty(**nobody)["changed"] is False


# What breaks on the way.

LOST: list[dict[str, Any]] = [{"action": "drop"}, {"action": "html", "status": 500}, {"action": "hold"}]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_an_answer_lost_after_the_work_is_settled_by_reading(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="clear", when="after_work", **fault)

    result = full.empty(timeout=0.3)

    assert "failed" not in result
    assert (result["changed"], counts(result["after"])) == (True, EMPTY)
    assert len(full.asked("clear")) == 1
    predicted = full(ARCHIVE, check=True)
    assert (only(predicted)["reason"], only(predicted)["message"]) == ("new", "")


@pytest.mark.parametrize("fault", [*LOST, {"action": "status", "status": 500, "body": "no disk"}], ids=str)
def test_an_answer_lost_before_the_work_is_reported_and_not_sent_again(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="clear", when="before_body", **fault)

    result = full.empty(timeout=0.3, wait_timeout=0.3)

    assert_plain_failure(result)
    assert (result["changed"], result["after"]["catalog_assets"]) == (True, 12)
    assert "catalogAssets 12" in result["msg"]
    assert len(full.asked("clear")) == 1
    full.sandbox.clear_faults()
    full.sandbox.wait_idle()
    if full.held.assets:  # what was held back is cleared after all
        assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")
    assert "failed" not in full.empty()
    assert full.held.assets == []


@pytest.mark.parametrize(
    "fault",
    [
        *[{"action": "status", "status": status} for status in (400, 401)],
        {"action": "redirect"},
    ],
    ids=str,
)
def test_a_refusal_is_reported_and_nothing_changed(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="clear", when="before_body", **fault)

    result = full.empty()

    assert_plain_failure(result)
    assert not result.get("changed")
    assert len(full.held.assets) == 12
    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503},
        {"action": "html", "body": "<html>0</html>"},
        {"action": "json", "json": {"catalogAssets": 0}},
    ],
    ids=str,
)
def test_a_library_that_cannot_be_read_is_not_emptied(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="library", times=None, **fault)

    result = full.empty()

    assert_plain_failure(result)
    assert full.asked("clear") == []
    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")


def test_a_clearing_of_which_nothing_is_known_leaves_the_receipts(full: Lm) -> None:
    full.sandbox.fault("drop", operation="clear", when="before_body")
    full.sandbox.fault("status", operation="library", status=401, skip=1)

    assert_plain_failure(full.empty())

    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")


# Killed.


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose time is set back before each kill."""
    with Sandbox(speed=1000) as sandbox:
        yield sandbox


@pytest.mark.slow
def test_an_emptying_killed_anywhere_leaves_receipts_of_what_is_there(
    stride: Callable[[int], int], own_sandbox: Sandbox, tmp_path: Path
) -> None:
    def run(name: str, kill_at: int | None = None) -> tuple[Lm, Crash]:
        return emptied(own_sandbox, crasher, tmp_path / name, kill_at)

    with Crasher() as crasher:
        whole = run("whole")[1]
        sent = first(whole, "before clearassets block 1")
        kill_at_each(range(sent - 3, len(whole.points) + 1, stride(2)), whole, run, check_imports, is_steady=False)
    assert "before UPDATE attempts SET" in whole.points[sent:]


def emptied(sandbox: Sandbox, crasher: Crasher, folder: Path, kill_at: int | None) -> tuple[Lm, Crash]:
    """A library with imports that is emptied by a run that is killed at a point."""
    folder.mkdir()
    sandbox.reset()
    lm = Lm(sandbox, folder)
    for archive in (ARCHIVE, lm.archive("second.zip")):
        lm(archive)
    before = len(sandbox.requests())
    crash = crasher.run("lm_library", lm.emptying(), kill_at)
    wait_for_the_rest(sandbox, crash, before)
    return lm, crash


def check_imports(lm: Lm, _crash: Crash) -> None:
    """What is not in the library is imported again, and nothing else."""
    was_cleared = bool(lm.sandbox.lm().libraries[LIBRARY].clearings)
    for archive in (ARCHIVE, lm.folder / "archives" / "second.zip"):
        assert_ended_well(lm(archive), changed=was_cleared, reason="new" if was_cleared else "receipt")
        assert_ended_well(lm(archive), changed=False, reason="receipt")
    assert len(lm.held.assets) == 15


@pytest.mark.slow
def test_twenty_runs_at_once_fill_a_library_that_others_emptied_once(own_sandbox: Sandbox, tmp_path: Path) -> None:
    own_sandbox.reset()
    lm = Lm(own_sandbox, tmp_path)
    lm(ARCHIVE)
    emptied_by_others(lm)
    herd = Herd("lm_import", [lm.options(ARCHIVE, wait_timeout=60, wait_sleep=0.5)] * 20, tmp_path)
    try:
        results = [result for result in herd.results() if result is not None]
    finally:
        herd.kill()

    assert [result["state"] for result in results] == ["succeeded"] * 20
    assert [result["changed"] for result in results].count(True) == 1
    assert len(lm.held.runs) == 2


# What it returns.


@pytest.mark.parametrize("check", [False, True])
def test_an_emptying_returns_what_is_documented(full: Lm, check: bool) -> None:
    keys = documented("lm_library")
    of_failure = {name: keys.pop(name) for name in ("http_status", "response")}

    assert_returned(full.empty(check=check), keys)
    assert_returned(full.empty(password="not-the-password"), of_failure)
