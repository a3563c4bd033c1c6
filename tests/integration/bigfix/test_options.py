# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of `bigfix_import`, and what the server sees of it or the module does with it.

Each test says by `@exercises` which options it is about; the last test knows when one has none.
"""

from __future__ import annotations

import functools
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from ...postgresql import Server, without_password_file
from ...sandbox.bigfix.credentials import (
    BIGFIX_VIEWER_TOKEN,
    LMT_VIEWER_TOKEN,
    MANAGER,
    MANAGER_PASSWORD,
)
from .. import exercised
from ..listener import Listener, client_certificates_wanted, http_answer
from ..support import ABSENT, assert_failed, assert_plain_failure, in_process, only
from .driver import DAY, DataImports, assert_imported, outcome

exercises = functools.partial(exercised.exercises, of="bigfix_import")
PATIENCE = 60.0  # seconds for what happens at once, unless the machine is busy with other things
SLOWLY = 50.0  # sandbox seconds per second: what takes 100 is still at it when a module comes to look
WITH_PASSWORD: dict[str, Any] = {"token": ABSENT, "username": MANAGER, "password": MANAGER_PASSWORD}


@pytest.fixture(params=["bigfix", "lmt"])
def either(request: pytest.FixtureRequest) -> DataImports:
    """The modules for each of the two products."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, DataImports)
    return found


# Which server, and who asks.


@exercises("url", "product")
def test_url_is_the_base_of_what_is_asked(either: DataImports) -> None:
    assert_imported(either(url=f"HTTP{either.url[4:]}/"), changed=True, reason="new")

    assert {request.path for request in either.sent()} == {f"/{either.system}/api/import_status.json"}
    assert {request.header("accept-language") for request in either.sent()} == {"en-US"}


@exercises("url", "token", "username", "password")
def test_connection_and_credentials_are_taken_from_the_environment(
    either: DataImports, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "BIGFIX" if either.is_bigfix else "LMT"
    monkeypatch.setenv(f"{prefix}_URL", either.url)
    monkeypatch.setenv(f"{prefix}_TOKEN", either.token)
    assert_imported(either(url=ABSENT, token=ABSENT), changed=True, reason="new")
    assert either.info(url=ABSENT, token=ABSENT)["last_status"] == "successful"
    for output in (either.output(token=ABSENT), either.info_output(token=ABSENT), either.output(token=ABSENT, url="x")):
        assert either.token not in output

    monkeypatch.setenv(f"{prefix}_TOKEN", " ")  # as AWX sets a field that was left empty
    monkeypatch.setenv(f"{prefix}_USERNAME", MANAGER)
    monkeypatch.setenv(f"{prefix}_PASSWORD", MANAGER_PASSWORD)
    assert_imported(either(url=ABSENT, token=ABSENT), changed=True, reason="new")


@exercises("url", "token", "product")
def test_nothing_of_the_environment_of_one_product_is_used_for_the_other(
    bigfix: DataImports, lmt: DataImports, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {True: "BIGFIX", False: "LMT"}
    for server, other in ((bigfix, lmt), (lmt, bigfix)):
        with monkeypatch.context() as environment:
            for name in ("URL", "TOKEN", "USERNAME", "PASSWORD"):
                environment.setenv(f"{own[other.is_bigfix]}_{name}", other.url if name == "URL" else other.token)
            for ask in (server, server.info):
                nowhere, nobody = ask(url=ABSENT, token=ABSENT), ask(token=ABSENT)
                assert "url is missing" in nowhere["msg"]
                assert f"environment variable {own[server.is_bigfix]}_URL" in nowhere["msg"]
                assert "bigfix_import_url" in nowhere["msg"]
                assert f"environment variable {own[server.is_bigfix]}_TOKEN) is missing" in nobody["msg"]
                assert other.token not in str((nowhere, nobody))
    assert bigfix.sent() == lmt.sent() == []


@exercises("token", "token_transport")
def test_the_token_goes_where_the_vendor_of_the_product_says(bigfix: DataImports, lmt: DataImports) -> None:
    assert_imported(bigfix(), changed=True, reason="new")
    assert_imported(lmt(), changed=True, reason="new")

    assert all(dict(parse_qsl(request.query))["token"] == bigfix.token for request in bigfix.sent())
    assert all(request.header("token") is None for request in bigfix.sent())
    assert all(request.header("token") == lmt.token for request in lmt.sent())
    assert not any("token" in request.query for request in lmt.sent())


@exercises("token_transport")
@pytest.mark.parametrize("transport", ["query", "header"])
def test_token_transport_says_how_the_token_is_sent(either: DataImports, transport: str) -> None:
    either.configure(token_in_url=transport == "query", token_in_header=transport == "header")

    assert_imported(either(token_transport=transport), changed=True, reason="new")


@exercises("token_transport")
def test_a_token_in_the_url_that_the_server_forbids_is_reported(lmt: DataImports) -> None:
    lmt.configure(token_in_url=False)

    result = lmt(token_transport="query")

    assert_failed(result, state="failed", changed=False, http_status=401)


@exercises("token")
@pytest.mark.parametrize(("how", "status"), [("401", 401), ("redirect", 302), ("login_page", 200)])
def test_a_token_of_nobody_is_reported_however_the_server_does(bigfix: DataImports, how: str, status: int) -> None:
    bigfix.configure(unauthenticated=how)

    result = bigfix(token="nobody-has-this-token", unreachable_timeout=0.1)

    assert_failed(result, state="failed", changed=False, http_status=status)
    assert "credentials" in result["msg"] or "redirects are not followed" in result["msg"]
    assert {request.operation for request in bigfix.sent()} == {"status"}


@exercises("username", "password")
def test_user_and_password_are_exchanged_for_a_token_once(either: DataImports) -> None:
    assert_imported(either(**WITH_PASSWORD), changed=True, reason="new")

    assert [request.operation for request in either.sent()][:4] == ["get_token", "status", "status", "start"]
    assert len(either.sent("get_token")) == 1
    assert all(request.query == "" for request in either.sent("get_token"))


@exercises("token", "username", "password")
def test_a_token_is_used_where_there_is_a_user_too(bigfix: DataImports) -> None:
    assert_imported(bigfix(username=MANAGER, password=MANAGER_PASSWORD), changed=True, reason="new")

    assert bigfix.sent("get_token") == []


@exercises("password")
@pytest.mark.parametrize("status", [401, 500])
def test_a_wrong_password_is_tried_once_however_it_is_answered(bigfix: DataImports, status: int) -> None:
    bigfix.configure(wrong_credentials_status=status)

    result = bigfix(**{**WITH_PASSWORD, "password": "not-that-one"})

    assert_failed(result, "Invalid user name or password", state="failed", changed=False, http_status=status)
    assert [request.operation for request in bigfix.sent()] == ["get_token"]


@exercises("password")
@pytest.mark.parametrize("how", ["401", "redirect", "login_page"])
def test_single_sign_on_is_reported_with_what_to_do(bigfix: DataImports, how: str) -> None:
    bigfix.configure(single_sign_on=True, unauthenticated=how)

    result = bigfix(**WITH_PASSWORD)

    assert_failed(result, state="failed", changed=False)
    assert [request.operation for request in bigfix.sent()] == ["get_token"]
    assert "single sign-on" in result["msg"] or how != "login_page"


@exercises("password")
@pytest.mark.parametrize("fault", [{"action": "drop"}, {"action": "status", "status": 503}], ids=["drop", "503"])
def test_a_password_is_not_sent_again_and_again_to_a_server_in_trouble(
    bigfix: DataImports, fault: dict[str, Any]
) -> None:
    bigfix.fault(operation="get_token", times=None, **fault)

    result = bigfix(**WITH_PASSWORD)

    assert_failed(result, "could lock the user out", "Nothing was started.", state="failed", changed=False)
    assert [request.operation for request in bigfix.sent()] == ["get_token"] * 3


@exercises("password")
@pytest.mark.parametrize("json", [{}, {"token": ""}, {"token": "a\nb"}, {"token": 17}, []])
def test_an_answer_without_a_token_is_reported_as_such(bigfix: DataImports, json: Any) -> None:
    bigfix.fault("json", "get_token", json=json)

    result = bigfix(**WITH_PASSWORD)

    assert outcome(result) == ("failed", False, True)
    assert "no token in the answer" in result["msg"]


@exercises("token")
def test_a_user_who_may_not_run_imports_is_reported_before_it_is_tried(bigfix: DataImports, lmt: DataImports) -> None:
    for server, token in ((bigfix, BIGFIX_VIEWER_TOKEN), (lmt, LMT_VIEWER_TOKEN)):
        result = server(token=token)

        assert_failed(result, "Manage Imports", state="failed", changed=False)
        assert server.starts == []


# What is imported.


@exercises("import_type", "product")
def test_run_says_which_import(bigfix: DataImports, lmt: DataImports) -> None:
    bigfix.configure(raw_imports_enabled=True)

    assert_imported(bigfix(), changed=True, reason="new")
    assert_imported(bigfix(import_type="raw_only"), changed=True, reason="new")
    assert_imported(lmt(), changed=True, reason="new")

    runs = [dict(parse_qsl(request.query))["run"] for request in [*bigfix.starts, *lmt.starts]]
    assert runs == ["complete", "raw_only", "true"]
    assert [one.type for one in bigfix.held.imports] == ["complete", "raw_only"]


@exercises("import_type")
@pytest.mark.parametrize("how", ["status", "error"])
@pytest.mark.parametrize("has_past", [True, False])
def test_raw_imports_that_are_not_enabled_are_reported_as_such(bigfix: DataImports, how: str, has_past: bool) -> None:
    bigfix.configure(raw_disabled=how, history=[{"age": 60}] if has_past else [])

    result = bigfix(import_type="raw_only")

    assert_failed(result, "did not start an import", "/management/feature", state="failed", changed=False)
    assert len(bigfix.starts) == 1


@exercises("product")
@pytest.mark.parametrize("how", ["status", "error"])
def test_a_product_that_it_is_not_starts_nothing_and_is_reported(bigfix: DataImports, how: str) -> None:
    bigfix.configure(unknown_run=how)

    result = bigfix(product="license_metric_tool", token_transport="query")

    assert_failed(result, "did not start an import", state="failed", changed=False)
    assert len(bigfix.starts) == 1


# Which import that was made is enough.


@exercises("max_age")
@pytest.mark.parametrize(("age", "max_age", "is_enough"), [(90, 100, True), (100, 100, True), (110, 100, False)])
def test_max_age_is_reckoned_by_the_servers_clock(
    bigfix: DataImports, age: float, max_age: float, is_enough: bool
) -> None:
    bigfix.sandbox.clock(speed=0, step=400 * DAY)  # far from the clock of this host
    bigfix.configure(history=[{"age": age}], seconds_complete=0)

    result = bigfix(max_age=max_age)

    assert_imported(result, changed=not is_enough, reason="fresh" if is_enough else "new")
    assert len(bigfix.starts) == int(not is_enough)


@exercises("max_age", "newer_than")
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("limit", "ahead", "has_date"),
    [({"max_age": DAY}, 310, True), ({"newer_than": "2020-01-01T00:00:00Z"}, 400 * DAY, False)],
)
def test_a_success_that_is_ahead_of_the_clock_is_not_enough_and_reported(
    bigfix: DataImports, limit: dict[str, Any], ahead: float, has_date: bool, check: bool
) -> None:
    bigfix.sandbox.clock(speed=0)
    bigfix.configure(history=[{"age": 60}], seconds_complete=0, sends_date=has_date)
    start = bigfix.info()["last_success_time"]
    now = datetime.fromisoformat(start.replace("Z", "+00:00")) + timedelta(seconds=60)
    if not has_date:
        now = datetime.now(timezone.utc)
    later = (now + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")
    bigfix.fault("patch", "status", times=2, set={"last_success_time": later, "last_import_time": later})

    result = bigfix(check=check, **limit)

    assert result["changed"]
    assert len(bigfix.starts) == int(not check)
    if has_date:  # else the clock of this host stands for that of the sandbox, which is another
        assert result["state"] == ("planned" if check else "succeeded")
    clock = "the server's clock" if has_date else "the clock of this host"
    for words in (str(result["warnings"]), only(result)["message"]):
        assert f"ahead of {clock}: that proves nothing" in words


@exercises("newer_than")
@pytest.mark.parametrize(("later", "is_enough"), [(-1, True), (0, False), (1, False)])
def test_newer_than_asks_for_a_success_after_that_moment(bigfix: DataImports, later: int, is_enough: bool) -> None:
    bigfix.sandbox.clock(speed=0)
    bigfix.configure(history=[{"age": 1000}], seconds_complete=0)
    success = datetime.fromisoformat(bigfix.info()["last_success_time"].replace("Z", "+00:00"))
    in_india = success + timedelta(seconds=later, hours=5, minutes=30)

    result = bigfix(newer_than=in_india.strftime("%Y-%m-%dT%H:%M:%S+05:30"))

    assert_imported(result, changed=not is_enough, reason="fresh" if is_enough else "new")


@exercises("max_age", "newer_than")
def test_max_age_and_newer_than_both_have_to_be_met(bigfix: DataImports) -> None:
    bigfix.configure(history=[{"age": 1000}])

    assert_imported(bigfix(max_age=DAY, newer_than="2099-01-01T00:00:00Z"), changed=True, reason="new")
    assert_imported(bigfix(max_age=DAY, newer_than="2000-01-01T00:00:00Z"), changed=False, reason="fresh")


@exercises("max_age", "import_type")
@pytest.mark.parametrize(
    ("last", "wanted", "is_enough"),
    [
        ("complete", "complete", True),
        ("complete", "raw_only", True),
        ("raw_only", "raw_only", True),
        ("raw_only", "complete", False),
    ],
)
def test_a_complete_import_stands_for_both_and_a_raw_one_for_raw_ones_only(
    bigfix: DataImports, last: str, wanted: str, is_enough: bool
) -> None:
    bigfix.configure(raw_imports_enabled=True, history=[{"age": 60, "type": last}])

    result = bigfix(import_type=wanted, max_age=DAY)

    assert_imported(result, changed=not is_enough, reason="fresh" if is_enough else "new")


@exercises("force")
def test_force_starts_one_though_the_last_is_recent(bigfix: DataImports) -> None:
    bigfix()

    assert_imported(bigfix(max_age=DAY, force=True), changed=True, reason="forced")
    assert len(bigfix.starts) == 2


# Raw data first, and then the rest.

RAW = "raw_only import"
COMPLETE = "complete import"


def told(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Source, state and reason of each import."""
    return [(one["source"], one["state"], one["reason"]) for one in result["imports"]]


@pytest.fixture
def raw(bigfix: DataImports) -> DataImports:
    """A server on which raw imports are enabled."""
    bigfix.configure(raw_imports_enabled=True)
    return bigfix


@exercises("raw_first")
def test_raw_first_imports_raw_data_and_then_the_rest_as_foretold_and_once(raw: DataImports) -> None:
    planned = raw(raw_first=True, max_age=DAY, check=True, diff=True)
    assert told(planned) == [(RAW, "planned", "new"), (COMPLETE, "planned", "new")]
    assert outcome(planned) == ("planned", True, False)
    assert planned["diff"][0]["after"] == f"{RAW}: an import is started\n{COMPLETE}: an import is started\n"
    assert raw.starts == []

    first = raw(raw_first=True, max_age=DAY)
    assert told(first) == [(RAW, "succeeded", "new"), (COMPLETE, "succeeded", "new")]
    assert [one["changed"] for one in first["imports"]] == [True, True]
    assert [one.type for one in raw.held.started_by_api] == ["raw_only", "complete"]
    assert raw.held.starts_asked_while_running == 0

    second = raw(raw_first=True, max_age=DAY)
    assert told(second) == [(RAW, "succeeded", "fresh"), (COMPLETE, "succeeded", "fresh")]
    assert outcome(second) == ("succeeded", False, False)
    assert len(raw.starts) == 2

    forced = raw(raw_first=True, max_age=DAY, force=True)
    assert told(forced) == [(RAW, "succeeded", "forced"), (COMPLETE, "succeeded", "forced")]


@exercises("raw_first", "raw_max_age", "max_age")
@pytest.mark.parametrize(
    ("last", "ages", "expected"),
    [
        ("complete", {"max_age": DAY, "raw_max_age": 600}, ["new", "new"]),  # the raw one hides the complete one
        ("complete", {"max_age": 600, "raw_max_age": DAY}, ["fresh", "new"]),
        ("complete", {"max_age": DAY}, ["fresh", "fresh"]),
        ("complete", {"raw_max_age": DAY}, ["fresh", "new"]),
        ("complete", {}, ["new", "new"]),
        ("raw_only", {"max_age": DAY}, ["fresh", "new"]),  # a night that died between the two
    ],
)
def test_each_of_the_two_goes_by_its_own_age(
    raw: DataImports, last: str, ages: dict[str, Any], expected: list[str]
) -> None:
    raw.configure(history=[{"age": 3600, "type": last}])

    foretold, done = raw(raw_first=True, check=True, **ages), raw(raw_first=True, **ages)

    assert [reason for _source, _state, reason in told(done)] == expected
    assert [one["changed"] for one in foretold["imports"]] == [one["changed"] for one in done["imports"]]


@exercises("raw_first")
def test_where_the_raw_import_fails_the_complete_one_is_not_begun_and_that_is_reported(raw: DataImports) -> None:
    raw.configure(failures=1)

    result = raw(raw_first=True, max_age=DAY)

    assert_plain_failure(result)
    assert told(result) == [(RAW, "failed", "new")]
    assert result["msg"].startswith(f"{RAW}: BigFix Inventory says")
    assert result["msg"].endswith(f"So the {COMPLETE} was not begun.")
    assert len(raw.starts) == 1
    assert told(raw(raw_first=True, max_age=DAY)) == [(RAW, "succeeded", "new"), (COMPLETE, "succeeded", "new")]


@exercises("raw_first")
def test_a_complete_import_that_fails_after_the_raw_one_is_reported_as_one_of_two(raw: DataImports) -> None:
    raw.configure(history=[{"age": 60, "type": "raw_only"}], failures=1)

    result = raw(raw_first=True, max_age=DAY)

    assert_plain_failure(result)
    assert told(result) == [(RAW, "succeeded", "fresh"), (COMPLETE, "failed", "new")]
    assert result["msg"].startswith(f"1 of 2 imports did not end well. [{COMPLETE}] BigFix Inventory says")


@exercises("raw_first", "wait_timeout")
def test_a_night_that_died_in_the_raw_import_is_gone_on_from_by_the_next(raw: DataImports) -> None:
    raw.sandbox.clock(speed=0)
    night = raw.start(raw_first=True, max_age=DAY)
    raw.sandbox.wait_for("finished", system="bigfix", operation="start", timeout=PATIENCE)
    night.kill()

    late = raw(raw_first=True, max_age=DAY, wait_timeout=0.1)
    assert outcome(late) == ("running", False, True)
    assert told(late) == [(RAW, "running", "joined")]
    assert f"So the {COMPLETE} was not begun." in late["msg"]

    raw.sandbox.clock(speed=1000)
    next_night = raw(raw_first=True, max_age=DAY)
    assert told(next_night)[0][1:] in [("succeeded", "joined"), ("succeeded", "fresh")]
    assert told(next_night)[1] == (COMPLETE, "succeeded", "new")
    assert [one.type for one in raw.held.started_by_api] == ["raw_only", "complete"]


@exercises("raw_first", "if_running")
@pytest.mark.parametrize(
    ("if_running", "expected"), [("join", ["joined", "joined"]), ("queue", ["new", "new"]), ("fail", ["new"])]
)
def test_a_complete_import_that_runs_stands_for_both_unless_another_is_wanted(
    raw: DataImports, if_running: str, expected: list[str]
) -> None:
    raw.configure(seconds_complete=100, others=[{"at": 0}])
    raw.sandbox.clock(speed=0 if if_running == "fail" else SLOWLY)

    result = raw(raw_first=True, if_running=if_running)

    assert [reason for _source, _state, reason in told(result)] == expected
    assert bool(result.get("failed")) == (if_running == "fail")
    assert [one.type for one in raw.held.started_by_api] == (["raw_only", "complete"] if if_running == "queue" else [])
    assert raw.held.starts_asked_while_running == 0


# What to do while one runs.


@pytest.fixture
def busy(bigfix: DataImports) -> DataImports:
    """A server on which somebody's import runs for a while."""
    bigfix.sandbox.clock(speed=0)
    bigfix.configure(seconds_complete=100, raw_imports_enabled=True)
    bigfix.configure(others=[{"at": 0}])
    return bigfix


@exercises("if_running")
def test_join_takes_the_outcome_of_the_import_that_runs(busy: DataImports) -> None:
    busy.sandbox.clock(speed=SLOWLY)

    assert_imported(busy(if_running="join"), changed=False, reason="joined")
    assert_imported(busy(import_type="raw_only", max_age=DAY), changed=False, reason="fresh")
    assert busy.starts == []


@exercises("if_running")
def test_join_takes_a_failure_too(bigfix: DataImports) -> None:
    bigfix.sandbox.clock(speed=SLOWLY)
    bigfix.configure(seconds_complete=100, failures=1, others=[{"at": 0}])

    result = bigfix(if_running="join")

    assert_failed(result, state="failed", changed=False)
    assert only(result)["reason"] == "joined"
    assert bigfix.starts == []


@exercises("if_running")
def test_join_starts_one_after_an_import_of_a_type_that_does_not_do(bigfix: DataImports) -> None:
    bigfix.configure(seconds_raw=100, others=[{"at": 0, "type": "raw_only"}])

    assert_imported(bigfix(if_running="join"), changed=True, reason="new")
    assert [(one.type, one.by) for one in bigfix.held.imports] == [("raw_only", "schedule"), ("complete", "api")]
    assert bigfix.held.starts_asked_while_running == 0


@exercises("if_running")
def test_queue_waits_for_the_import_that_runs_and_then_starts_one(busy: DataImports) -> None:
    busy.sandbox.clock(speed=SLOWLY)

    assert_imported(busy(if_running="queue", max_age=DAY), changed=True, reason="new")
    assert [one.by for one in busy.held.imports] == ["schedule", "api"]
    assert busy.held.starts_asked_while_running == 0


@exercises("if_running")
def test_fail_fails_while_one_runs(busy: DataImports) -> None:
    result = busy(if_running="fail")

    assert_failed(result, "An import is running (1 %)", "if_running=fail", state="failed", changed=False)
    assert busy.starts == []


@exercises("if_running")
def test_a_user_who_may_not_run_imports_joins_one_but_does_not_queue_for_one(busy: DataImports) -> None:
    queued = busy(if_running="queue", token=BIGFIX_VIEWER_TOKEN)
    assert outcome(queued) == ("failed", False, True)
    assert "Manage Imports" in queued["msg"]

    busy.sandbox.clock(speed=SLOWLY)
    assert_imported(busy(if_running="join", token=BIGFIX_VIEWER_TOKEN), changed=False, reason="joined")


@exercises("if_running")
def test_an_import_that_is_pending_does_not_run(bigfix: DataImports) -> None:
    bigfix.configure(history=[{"age": 60}], pending=True)

    assert_imported(bigfix(if_running="fail"), changed=True, reason="new")


# Waiting.


@exercises("wait", "if_running")
def test_without_wait_it_is_started_and_left(busy: DataImports) -> None:
    joined, queued = busy(wait=False), busy(wait=False, if_running="queue")
    assert (outcome(joined), only(joined)["reason"]) == (("running", False, False), "joined")
    assert outcome(queued) == ("running", False, True)
    assert "wait=false" in queued["msg"]

    busy.sandbox.clock(step=200)
    assert outcome(busy(wait=False)) == ("submitted", True, False)
    assert len(busy.sent("status")) == 4


@exercises("wait_timeout")
def test_wait_timeout_bounds_the_waiting_and_the_next_run_joins(busy: DataImports) -> None:
    busy.sandbox.clock(step=200)

    result = busy(wait_timeout=0.1)

    assert_failed(result, "wait_timeout", state="running", changed=True)
    assert ".." not in result["msg"]
    busy.sandbox.clock(speed=SLOWLY)
    assert_imported(busy(), changed=False, reason="joined")
    assert len(busy.starts) == 1


@exercises("wait_sleep", "unreachable_timeout")
def test_unreachable_timeout_bounds_trouble_in_a_row(bigfix: DataImports) -> None:
    bigfix.fault("status", "status", times=30, skip=2)

    assert_imported(bigfix(wait_sleep=0.01, unreachable_timeout=30), changed=True, reason="new")
    assert len(bigfix.sent("status")) > 32


@exercises("timeout", "response_timeout")
def test_the_answer_to_the_start_is_waited_for_as_long_as_response_timeout_says(bigfix: DataImports) -> None:
    bigfix.fault("delay", "start", seconds=0.5)
    assert_imported(bigfix(timeout=0.25, response_timeout=30), changed=True, reason="new")

    bigfix.fault("hold", "start", when="after_work")
    assert_imported(bigfix(response_timeout=0.25), changed=True, reason="new")
    assert len(bigfix.starts) == 2


# Receipts.


@exercises("receipts", "target_name", "label")
def test_receipts_are_a_record_that_decides_nothing(bigfix: DataImports) -> None:
    first = bigfix(target_name="production", label="inventory 1")
    second = bigfix(target_name="production")
    third = bigfix(target_name="production", receipts="none")

    assert [only(result)["attempts"] for result in (first, second, third)] == [1, 2, 1]
    assert [only(result)["target"] for result in (first, second, third)] == ["production"] * 3
    assert len(bigfix.starts) == 3
    assert first["receipts"] == {"store": str(bigfix.store), "created": True}
    assert only(first)["label"] == "inventory 1"
    known = in_process("import_receipt_info", receipts=str(bigfix.store), history=True)
    assert only(known)["label"] is None  # as in the last run


@exercises("receipts", "receipts_password")
def test_receipts_may_be_in_a_database_that_takes_a_password(bigfix: DataImports, postgresql: Server) -> None:
    place = without_password_file(postgresql.new_store())
    result = bigfix(receipts=place, receipts_password=postgresql.password())
    assert_imported(result, changed=True, reason="new")
    assert result["receipts"] == {"store": place, "created": True}
    assert "could not be opened" in str(bigfix(receipts=place)["warnings"])


@exercises("once", "on_unknown")
@pytest.mark.parametrize("options", [{"once": "ever"}, {"once": "latest"}, {"on_unknown": "retry"}])
def test_options_for_all_importing_modules_are_taken_and_change_nothing(
    bigfix: DataImports, options: dict[str, Any]
) -> None:
    assert_imported(bigfix(**options), changed=True, reason="new")
    assert_imported(bigfix(max_age=DAY, **options), changed=False, reason="fresh")


# TLS.


@exercises("client_cert", "client_key")
def test_a_client_certificate_is_shown_to_the_server(bigfix: DataImports, tmp_path: Path) -> None:
    context = client_certificates_wanted(tmp_path)

    with Listener(http_answer(b'{"mode": "running"}'), context) as listener:
        result = bigfix(
            url=listener.url,
            ca_path=str(tmp_path / "ca.pem"),
            client_cert=str(tmp_path / "mine.pem"),
            client_key=str(tmp_path / "mine.key"),
            if_running="fail",
        )

    assert "An import is running" in result["msg"]


def test_every_option_is_exercised() -> None:
    assert exercised.untested("bigfix_import") == set()
