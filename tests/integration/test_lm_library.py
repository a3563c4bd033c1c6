# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emptying a library: only when told twice, once, seen to be true, and known to the imports after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..running import ROOT
from ..sandbox.handle import Sandbox
from ..sandbox.lm.asset_archives import DEMO
from ..sandbox.lm.credentials import IMPORTER_PASSWORD, IMPORTER_USER
from .crashing import Crasher
from .lm import LIBRARY, Lm
from .support import ABSENT, argument_spec, assert_ended_well, assert_plain_failure, only
from .test_licstat_results import assert_as_documented, documented
from .test_lm_results import plain

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
    result = lm.empty(diff=True)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert lm.asked("clear") == []


def test_check_mode_and_diff_tell_what_would_be_lost(full: Lm) -> None:
    foreseen = full.empty(check=True, diff=True)

    assert foreseen["changed"] is True
    assert full.asked("clear") == []
    assert "catalog_assets: 12\n" in foreseen["diff"]["before"]
    assert "catalog_assets: 0\n" in foreseen["diff"]["after"]
    assert foreseen["diff"]["before_header"] == f"{full.sandbox.lm_url} library {LIBRARY}"
    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")  # no receipt was touched
    done = full.empty(diff=True)
    assert (done["before"], done["after"], done["diff"]) == (foreseen["before"], foreseen["after"], foreseen["diff"])


def test_check_mode_of_an_empty_library_foresees_nothing(lm: Lm) -> None:
    assert lm.empty(check=True)["changed"] is False
    assert not lm.store.exists()


def test_what_is_emptied_is_imported_again(full: Lm) -> None:
    other = full(ARCHIVE, library="Service Catalog")
    full.empty()

    assert_ended_well(full(ARCHIVE), changed=True, reason="new")
    assert_ended_well(full(ARCHIVE), changed=False, reason="receipt")
    assert len(full.held.assets) == 12
    assert only(full(ARCHIVE, library="Service Catalog"))["remote_id"] == only(other)["remote_id"]


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


def test_a_library_that_empties_slowly_is_waited_for(full: Lm) -> None:
    full.sandbox.configure("lm", clear_seconds=300.0)

    result = full.empty(wait_timeout=5)

    assert "failed" not in result
    assert counts(result["after"]) == EMPTY
    assert len(full.asked("clear")) == 1


def test_a_library_that_stays_full_is_a_failure(full: Lm) -> None:
    full.sandbox.configure("lm", clear_leaves=3)

    result = full.empty(wait_timeout=0.3)

    assert_plain_failure(result)
    assert (result["changed"], result["after"]["catalog_assets"]) == (True, 3)
    assert "catalogAssets 3" in result["msg"]
    assert_ended_well(full(ARCHIVE), changed=True, reason="new")


def test_who_may_not_is_told_in_the_words_of_the_server(full: Lm) -> None:
    result = full.empty(username=IMPORTER_USER, password=IMPORTER_PASSWORD)

    assert_plain_failure(result)
    assert result["http_status"] == 401
    assert not result.get("changed")
    assert "Usage Controller" in result["msg"]
    assert "Nothing was removed" in result["msg"]
    assert len(full.held.assets) == 12


def test_a_library_without_authentication_is_emptied_without(lm: Lm) -> None:
    nobody: dict[str, Any] = {"library": "Open", "username": ABSENT, "password": ABSENT}
    lm(ARCHIVE, **nobody)

    assert lm.empty(**nobody)["changed"] is True
    assert lm.empty(**nobody)["changed"] is False


# What breaks on the way.

LOST: list[dict[str, Any]] = [
    {"action": "drop"},
    {"action": "drop", "reset": False},
    {"action": "garbage"},
    {"action": "html", "status": 500},
    {"action": "status", "status": 503},
    {"action": "hold"},
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_an_answer_lost_after_the_work_is_settled_by_reading(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="clear", when="after_work", **fault)

    result = full.empty(timeout=0.3)

    assert "failed" not in result
    assert (result["changed"], counts(result["after"])) == (True, EMPTY)
    assert len(full.asked("clear")) == 1


@pytest.mark.parametrize("fault", [*LOST, {"action": "status", "status": 500, "body": "no disk"}], ids=str)
def test_an_answer_lost_before_the_work_is_told_and_not_sent_again(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="clear", when="before_body", **fault)

    result = full.empty(timeout=0.3, wait_timeout=0.3)

    assert_plain_failure(result)
    assert (result["changed"], result["after"]["catalog_assets"]) == (True, 12)
    assert "catalogAssets 12" in result["msg"]
    assert len(full.asked("clear")) == 1
    full.sandbox.clear_faults()
    full.sandbox.wait_idle()
    assert "failed" not in full.empty()
    assert full.held.assets == []


@pytest.mark.parametrize(
    "fault",
    [
        *[{"action": "status", "status": status} for status in (400, 401, 403, 404)],
        {"action": "redirect"},
        {"action": "redirect", "status": 307},
    ],
    ids=str,
)
def test_a_refusal_is_told_and_nothing_changed(full: Lm, fault: dict[str, Any]) -> None:
    full.sandbox.fault(operation="clear", when="before_body", **fault)

    result = full.empty()

    assert_plain_failure(result)
    assert not result.get("changed")
    assert len(full.held.assets) == 12


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503},
        {"action": "drop"},
        {"action": "html", "body": "<html>0</html>"},
        {"action": "json", "json": {"assets": 0}},
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


def test_a_library_that_cannot_be_read_any_more_is_told(full: Lm) -> None:
    full.sandbox.fault("status", operation="library", status=401, times=None, skip=1)

    result = full.empty()

    assert_plain_failure(result)
    assert (result["changed"], result["http_status"]) == (True, 401)
    assert "could not be read" in result["msg"]


# Killed.


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose time is set back before each kill."""
    with Sandbox(speed=1000) as sandbox:
        yield sandbox


@pytest.mark.slow
def test_an_emptying_killed_while_it_is_sent_leaves_no_receipt_of_what_is_gone(
    own_sandbox: Sandbox, tmp_path: Path
) -> None:
    with Crasher() as crasher:
        points = killed(own_sandbox, crasher, tmp_path / "whole", None).points
        sent = points.index("before clearassets block 1")
        for number in range(sent - 6, sent + 8):  # from within the change of the receipts on
            killed(own_sandbox, crasher, tmp_path / str(number), number)
    assert "before UPDATE attempts SET" in points[sent - 6 : sent]


def killed(sandbox: Sandbox, crasher: Crasher, folder: Path, kill_at: int | None) -> Any:
    """An emptying that is killed at a point, and the import after it."""
    folder.mkdir()
    sandbox.reset()
    lm = Lm(sandbox, folder)
    lm(ARCHIVE)
    crash = crasher.run("lm_library", lm.emptying(), kill_at)
    assert crash.was_killed == (kill_at is not None)
    sandbox.wait_idle()
    was_cleared = bool(sandbox.lm().libraries[LIBRARY].clearings)

    result = lm(ARCHIVE)

    assert "failed" not in result
    assert result["changed"] or not was_cleared, crash.points[-1]
    assert len(lm.held.assets) == 12
    return crash


# What it returns.


@pytest.mark.parametrize("check", [False, True])
def test_an_emptying_returns_what_is_documented(full: Lm, check: bool) -> None:
    keys = documented("lm_library")
    of_failure = {name: keys.pop(name) for name in ("http_status", "response")}

    assert_as_documented(plain(full.empty(check=check)), keys)
    assert_as_documented(plain(full.empty(password="not-the-password")), of_failure)


def test_options_of_an_emptying_are_those_of_receipts_and_of_the_library() -> None:
    shared = set(argument_spec("lm_library_info"))
    assert set(argument_spec("lm_library")) - shared == {
        *(
            "state",
            "confirm",
            "clear_events",
            "wait_timeout",
            "receipts",
            "receipts_password",
            "require_receipts",
            "target_name",
        ),
    }
