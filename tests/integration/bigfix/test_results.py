# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for BigFix Inventory and License Metric Tool return: what is documented, and the truth."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import time_option
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.status import format_time

from ..results import assert_returned, documented
from ..support import assert_failed, assert_plain_failure, only
from .driver import DAY, DataImports, assert_imported, outcome


def succeeding(server: DataImports) -> dict[str, Any]:
    return server(diff=True)


def unchanged(server: DataImports) -> dict[str, Any]:
    server()
    return server(max_age=DAY, diff=True)


def planned(server: DataImports) -> dict[str, Any]:
    return server(check=True, diff=True)


def not_waiting(server: DataImports) -> dict[str, Any]:
    server.sandbox.clock(speed=1)  # what was sent waits still when the answer comes, however late that is
    return server(wait=False)


def joining(server: DataImports) -> dict[str, Any]:
    server.sandbox.clock(speed=1)  # the first is still at it, however long it takes to come to the second
    server(wait=False)
    return server(wait=False)


def without_receipts(server: DataImports) -> dict[str, Any]:
    return server(receipts="none")


def failing_at_the_server(server: DataImports) -> dict[str, Any]:
    server.configure(failures=1)
    return server(diff=True)


def turned_down(server: DataImports) -> dict[str, Any]:
    return server(token="nobody-has-this-token")


def starting_nothing(server: DataImports) -> dict[str, Any]:
    server.fault("status", "start", status=500, body="Bad Request")
    return server()


def out_of_time(server: DataImports) -> dict[str, Any]:
    server.sandbox.clock(speed=0)
    return server(wait_timeout=0.1)


def out_of_reach(server: DataImports) -> dict[str, Any]:
    server.sandbox.clock(speed=0)
    server.fault("status", "status", times=None, skip=2)
    return server(unreachable_timeout=0)


@pytest.mark.parametrize(
    ("product", "run", "has_failed", "has_answer"),
    [
        ("bigfix", succeeding, False, False),
        ("bigfix", unchanged, False, False),
        ("bigfix", planned, False, False),
        ("bigfix", not_waiting, False, False),
        ("bigfix", joining, False, False),
        ("bigfix", without_receipts, False, False),
        ("bigfix", failing_at_the_server, True, False),
        ("bigfix", turned_down, True, True),
        ("bigfix", starting_nothing, True, True),
        ("bigfix", out_of_time, True, False),
        ("bigfix", out_of_reach, True, True),
        ("lmt", succeeding, False, False),
        ("lmt", turned_down, True, True),
    ],
)
def test_everything_documented_is_returned_and_nothing_else(
    request: pytest.FixtureRequest,
    product: str,
    run: Callable[[DataImports], dict[str, Any]],
    has_failed: bool,
    has_answer: bool,
) -> None:
    result = run(request.getfixturevalue(product))

    keys = documented("bigfix_import")
    answer = {"http_status", "response"}
    assert bool(result.get("failed")) == has_failed
    assert_returned(result, {name: keys[name] for name in keys if name not in answer or has_answer})
    assert only(result)["state"] == result["state"]
    assert only(result)["changed"] == result["changed"]
    if has_failed:
        assert_plain_failure(result)


@pytest.mark.parametrize("situation", ["never", "running", "over", "pending"])
def test_the_status_is_returned_as_documented_in_every_mode(bigfix: DataImports, situation: str) -> None:
    if situation != "never":
        bigfix.sandbox.clock(speed=0)
        bigfix(wait=False)
    if situation in ("over", "pending"):
        bigfix.sandbox.clock(step=60)
        bigfix.configure(pending=situation == "pending")

    result = bigfix.info()

    keys = documented("bigfix_import_info")
    assert_returned(result, {name: keys[name] for name in keys if name not in ("http_status", "response")})
    modes = {"never": "none", "running": "running", "over": "idle", "pending": "pending"}
    assert result["mode"] == result["status"]["mode"] == modes[situation]
    assert result["is_running"] == (situation == "running")
    assert result["can_run_imports"] is True
    assert not result["changed"]
    if situation in ("over", "pending"):
        assert (result["last_status"], result["last_import_type"]) == ("successful", "complete")
        assert result["last_import_time"] == result["last_success_time"] == bigfix.held.imports[0].finished_at
        assert result["age"] == 40
    if situation == "running":
        assert result["progress"] == 1


def test_the_age_is_reckoned_without_a_date_of_the_server_by_the_clock_of_the_host(bigfix: DataImports) -> None:
    bigfix.configure(sends_date=False, history=[{"age": 3600}])
    bigfix.sandbox.clock(speed=0)

    result = bigfix.info()

    success = datetime.fromisoformat(result["last_success_time"].replace("Z", "+00:00"))
    assert result["age"] == pytest.approx((datetime.now(timezone.utc) - success).total_seconds(), abs=10)


@pytest.mark.parametrize(("ahead", "is_told"), [(100, False), (7200, True)])
def test_an_age_below_zero_is_returned_as_it_is_with_a_warning(bigfix: DataImports, ahead: int, is_told: bool) -> None:
    bigfix.configure(history=[{"age": 3600}])
    bigfix.sandbox.clock(speed=0)
    known = bigfix.info()
    success = datetime.fromisoformat(known["last_success_time"].replace("Z", "+00:00"))
    told = (success + timedelta(seconds=known["age"] + ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")
    bigfix.fault("patch", "status", set={"last_success_time": told})

    result = bigfix.info()

    assert result["age"] == pytest.approx(-ahead, abs=1)
    assert ("that proves nothing" in str(result.get("warnings"))) == is_told


def test_an_import_that_runs_is_reported_with_its_progress_mode_and_times(lmt: DataImports) -> None:
    lmt.configure(history=[{"age": 3600}])
    lmt.sandbox.clock(speed=0)
    lmt(wait=False)
    lmt.sandbox.clock(step=10)

    result = lmt(wait_timeout=0.05)

    assert outcome(result) == ("running", False, True)
    assert "An import is running (50 %)" in result["msg"]
    assert only(result)["server"]["progress"] == 50
    assert only(result)["server"]["mode"] == "running"
    assert only(result)["server"]["last_success_time"].endswith("Z")


@pytest.mark.parametrize(
    ("progress", "last_times", "tells"),
    [("moving", "end", True), ("stale", "start", False), ("absent", "start", True), ("absent", "end", False)],
)
def test_no_field_that_may_be_missing_is_needed(
    bigfix: DataImports, progress: str, last_times: str, tells: bool
) -> None:
    bigfix.configure(progress=progress, last_times=last_times, last_while_running=tells, sends_date=tells)

    assert_imported(bigfix(), changed=True, reason="new")
    assert_imported(bigfix(), changed=True, reason="new")


def test_differences_tell_the_status_before_and_after(bigfix: DataImports) -> None:
    (first,) = bigfix(diff=True)["diff"]
    (planned,) = bigfix(check=True, diff=True)["diff"]
    (nothing,) = bigfix(max_age=DAY, diff=True)["diff"]

    assert first["before"] == "complete import: mode none; last import unknown\n"
    assert "mode idle; last import complete successful 2" in first["after"]
    assert planned["before"] == first["after"]
    assert planned["after"] == "complete import: an import is started\n"
    assert nothing["before"] == nothing["after"] == first["after"]


# Whether the data is recent enough to go on with.

HOUR = 3600.0


@pytest.mark.parametrize(
    ("history", "options", "is_fresh", "says"),
    [
        ([{"age": 60}], {"max_age": HOUR}, True, "The last successful import was at"),
        ([{"age": 7200}], {"max_age": HOUR}, False, r"The data is 72\d\d s old; 3600 s are allowed\."),
        ([], {"max_age": HOUR}, False, "There was no successful import, or the server does not report it"),
        ([{"age": 60, "type": "raw_only"}], {"max_age": HOUR}, False, "The last import was a raw one"),
        ([{"age": 60, "type": "raw_only"}], {"max_age": HOUR, "import_type": "raw_only"}, True, "The last successful"),
        ([{"age": 60}], {"max_age": HOUR, "import_type": "raw_only"}, True, "The last successful import"),
        (
            [{"age": 60}, {"age": 30, "status": "broken"}],
            {"max_age": HOUR},
            False,
            "The last import is complete, broken; the server does not say how old",
        ),
        ([{"age": 60}], {}, None, "The last successful import was at"),
    ],
)
def test_info_says_whether_the_data_is_recent_enough_and_fails_where_it_is_told_to(
    bigfix: DataImports, history: list[dict[str, Any]], options: dict[str, Any], is_fresh: bool | None, says: str
) -> None:
    bigfix.sandbox.clock(speed=0)
    bigfix.configure(history=history)

    known = bigfix.info(**options)
    assert not known.get("failed"), known["msg"]
    assert known["is_fresh"] is is_fresh
    assert re.match(says, known["message"]), known["message"]

    if options:
        strict = bigfix.info(require_fresh=True, check=True, **options)
        assert bool(strict.get("failed")) == (not is_fresh)
        assert strict["is_fresh"] is is_fresh
        assert is_fresh or re.match(says, strict["msg"])
    assert bigfix.starts == []


@pytest.mark.parametrize(("is_ahead", "is_fresh"), [(200, True), (400, False)])
def test_a_success_that_is_reported_for_later_proves_nothing(
    bigfix: DataImports, is_ahead: int, is_fresh: bool
) -> None:
    bigfix.sandbox.clock(speed=0)
    bigfix.configure(history=[{"age": 60}])
    last = time_option(bigfix.info()["last_success_time"], "")
    assert last is not None
    later = format_time(last + timedelta(seconds=60 + is_ahead))
    bigfix.fault("patch", "status", times=None, set={"last_success_time": later})

    known = bigfix.info(max_age=HOUR)

    assert known["is_fresh"] is is_fresh
    assert is_fresh or "400 s ahead of the clock, so the age of the data is not known" in known["message"]


def test_while_an_import_runs_that_hides_the_last_one_the_data_is_not_taken_for_recent(bigfix: DataImports) -> None:
    bigfix.sandbox.clock(speed=0)
    bigfix.configure(history=[{"age": 60}], others=[{"at": 0}])

    known = bigfix.info(max_age=HOUR)

    assert (known["is_running"], known["is_fresh"]) == (True, False)
    assert known["message"] == "An import is running, and the server does not say how old the data is."


def test_an_import_that_is_planned_counts_in_check_mode_only(bigfix: DataImports) -> None:
    asked: dict[str, Any] = {"max_age": HOUR, "require_fresh": True, "is_planned": True}

    assert bigfix.info(check=True, **asked)["is_fresh"] is True
    assert bigfix.info(**asked)["failed"] is True


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"require_fresh": True}, "require_fresh needs max_age"),
        ({"max_age": -1}, "max_age"),
        ({"max_age": 60, "import_type": "raw_only", "product": "license_metric_tool"}, "complete imports only"),
    ],
)
def test_a_question_that_cannot_be_answered_is_not_asked(
    bigfix: DataImports, options: dict[str, Any], named: str
) -> None:
    result = bigfix.info(**options)

    assert_plain_failure(result)
    assert named in result["msg"]
    assert bigfix.sent() == []


# Whose success it is.


def test_a_failed_import_is_reported_with_the_words_of_the_server(bigfix: DataImports) -> None:
    bigfix.configure(history=[{"age": 60}], failures=1, failure_status="Failed: datasource 3")

    result = bigfix()

    assert_failed(result, "BigFix Inventory says", "Failed: datasource 3", state="failed", changed=True)
    assert only(result)["server"]["last_status"] == "Failed: datasource 3"


def test_an_old_success_is_never_taken_for_that_of_an_import_that_did_not_start(bigfix: DataImports) -> None:
    bigfix.configure(history=[{"age": 2}])
    bigfix.fault("json", "start", when="after_body", json={"mode": "running", "last_status": "successful"})

    result = bigfix()

    assert outcome(result) == ("unknown", True, True)
    assert bigfix.held.started_by_api == []


def test_success_without_a_type_is_not_taken_for_ours_where_there_are_two(
    bigfix: DataImports, lmt: DataImports
) -> None:
    for server in (bigfix, lmt):
        server.fault("patch", "status", times=None, remove=["last_import_type"])

    assert outcome(bigfix()) == ("unknown", True, True)
    assert outcome(lmt()) == ("succeeded", True, False)
