# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for Lifecycle Manager return, by name and type as documented, and true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.lm.asset_archives import DEMO
from ..results import assert_returned, documented
from ..support import assert_plain_failure, only
from .driver import LIBRARY, Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO


def succeeding(lm: Lm) -> dict[str, Any]:
    return lm(ARCHIVE, diff=True)


def succeeding_from_a_url(lm: Lm) -> dict[str, Any]:
    return lm(import_url=f"http://acme.com/imports/{DEMO}")


def unchanged(lm: Lm) -> dict[str, Any]:
    lm(ARCHIVE)
    return lm(ARCHIVE, diff=True)


def not_waiting(lm: Lm) -> dict[str, Any]:
    lm.sandbox.clock(speed=1)  # what was sent waits still when the answer comes, however late that is
    return lm(ARCHIVE, wait=False)


def planned(lm: Lm) -> dict[str, Any]:
    return lm(ARCHIVE, check=True, diff=True)


def not_submitted(lm: Lm) -> dict[str, Any]:
    return lm(ARCHIVE, submit=False)


def with_bad_rows(lm: Lm) -> dict[str, Any]:
    return lm(lm.archive(bad=2))


def with_bad_rows_allowed(lm: Lm) -> dict[str, Any]:
    return lm(lm.archive(bad=2), allow_parsing_errors=True)


def unpublished(lm: Lm) -> dict[str, Any]:
    lm.sandbox.configure("lm", governed=1)
    return lm(ARCHIVE)


def refused(lm: Lm) -> dict[str, Any]:
    return lm(lm.write("none.zip", b"no archive"))


def without_an_answer(lm: Lm) -> dict[str, Any]:
    lm.sandbox.fault("drop", operation="import", when="after_work")
    return lm(ARCHIVE)


@pytest.mark.parametrize(
    ("run", "state", "has_failed", "has_answer"),
    [
        (succeeding, "succeeded", False, False),
        (succeeding_from_a_url, "succeeded", False, False),
        (unchanged, "succeeded", False, False),
        (not_waiting, "submitted", False, False),
        (planned, "planned", False, False),
        (not_submitted, "scheduled", False, False),
        (with_bad_rows, "incomplete", True, False),
        (with_bad_rows_allowed, "incomplete", False, False),
        (unpublished, "incomplete", True, False),
        (refused, "failed", True, True),
        (without_an_answer, "unknown", True, False),
    ],
)
def test_an_import_returns_what_is_documented(
    lm: Lm, run: Callable[[Lm], dict[str, Any]], state: str, has_failed: bool, has_answer: bool
) -> None:
    keys = documented("lm_import")
    del keys["counts"]  # not asked for
    if not has_answer:
        del keys["http_status"], keys["response"]

    result = run(lm)

    assert result["state"] == state
    assert result.get("failed", False) == has_failed
    assert ("msg" in result) == has_failed
    assert_returned(result, keys)


def test_the_questions_return_what_is_documented_and_true(lm: Lm) -> None:
    run = only(lm(ARCHIVE))["remote_id"]
    for found, name in ((lm.run_info(run), "lm_import_info"), (lm.library_info(), "lm_library_info")):
        keys = documented(name)
        of_failure = {key: keys.pop(key) for key in ("http_status", "response")}
        assert found["changed"] is False
        assert_returned(found, keys)
        assert of_failure
    assert (lm.run_info(run)["state"], lm.run_info(run)["unpublished_assets"]) == ("published", 0)
    assert lm.library_info()["counts"] == {
        "catalog_assets": 12,
        "published_assets": 12,
        "active_requests": 0,
        "pending_events": 0,
        "projects": 3,
        "users": 16,
    }


def test_the_state_of_a_run_is_reported_as_it_goes_on(lm: Lm) -> None:
    lm.sandbox.clock(speed=0)
    run = only(lm(ARCHIVE, wait=False))["remote_id"]

    told = []
    for step in (0, 0.5, 0.65, 10):
        lm.sandbox.clock(step=step)
        found = lm.run_info(run, check=step > 1)
        told.append((found["state"], found["unpublished_assets"]))

    assert told == [("counting", None), ("publishing", 12), ("publishing", 6), ("published", 0)]


def test_a_question_that_is_refused_is_reported(lm: Lm) -> None:
    for result in (lm.library_info(password="not-the-password"), lm.run_info("import_1", password="not-the-password")):
        assert_plain_failure(result)
        assert result["http_status"] == 401
        assert "Authentication required" in result["msg"]


@pytest.mark.usefixtures("quick_retries")
def test_a_run_that_the_server_does_not_know_is_reported_in_its_words(lm: Lm) -> None:
    result = lm.run_info("import_1")
    assert_plain_failure(result)
    assert (result["http_status"], "There is no import run" in result["msg"]) == (500, True)


def test_the_last_answers_of_the_server_are_reported_as_they_came(lm: Lm) -> None:
    lm.sandbox.configure("lm", governed=2)

    server = only(lm(ARCHIVE))["server"]

    assert set(server) == {"import", "status", "library"}
    assert server["import"]["parsingErrorsExist"] is False
    assert server["status"] == {"unpublished-assets": 2}
    assert (server["library"]["activeRequests"], server["library"]["catalogAssets"]) == (2, 12)
    assert lm(ARCHIVE)["imports"][0]["server"] == server


def test_a_megabyte_of_bad_rows_is_no_lost_answer(lm: Lm) -> None:
    result = lm(lm.archive(assets=1, bad=9000))

    assert (result["state"], result["changed"]) == ("incomplete", True)
    assert "At least " in result["msg"]
    assert len(only(result)["server"]["import"]["assetImportMessages"]) == 50
    assert only(result)["remote_id"] == lm.held.runs[0].runid


@pytest.mark.parametrize(
    ("run", "before", "after"),
    [
        (succeeding, "not imported", "succeeded"),
        (unchanged, "succeeded", "succeeded"),
        (planned, "not imported", "planned"),
    ],
)
def test_a_diff_says_what_was_known_and_what_is(
    lm: Lm, run: Callable[[Lm], dict[str, Any]], before: str, after: str
) -> None:
    (diff,) = run(lm)["diff"]
    assert diff["before_header"] == f"{lm.sandbox.lm_url} library {LIBRARY}"
    assert (diff["before"], diff["after"]) == (f"{ARCHIVE}: {before}\n", f"{ARCHIVE}: {after}\n")
