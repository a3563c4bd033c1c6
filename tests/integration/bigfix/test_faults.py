# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way to an import, at every step: it is started once or not at all, and told as it is.

The steps are the two questions before the start, the start itself, and the questions after it. For these see
`imports/test_faults.py` first. Here too there is one fault of each kind.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...sandbox.bigfix.credentials import MANAGER, MANAGER_PASSWORD
from ..faults import PATIENCE, case, status_of
from ..lies import LOGIN_PAGE, MAINTENANCE_PAGE
from ..support import ABSENT, assert_plain_failure, only
from .driver import DAY, DataImports, assert_imported, outcome

WITH_PASSWORD: dict[str, Any] = {"token": ABSENT, "username": MANAGER, "password": MANAGER_PASSWORD}

DROPPED = case("drop", reset=True)
NO_STATUS = [
    DROPPED,
    case("status", status=503),
    case("html", body=MAINTENANCE_PAGE),
    case("json", json={"success": True}),
    case("json", json=[]),
    case("truncate", chunked=True),
    case("hold"),
    case("slow_answer", seconds=PATIENCE / 4, body='{"mode": "idle"}'),
]
NO = [case("status", status=401), case("status", status=404), case("redirect")]
LOGIN = case("html", body=LOGIN_PAGE)
FIRST, SECOND = 0, 1  # of the two questions


def at(question: int, faults: list[Any]) -> list[Any]:
    """The faults, after so many good answers."""
    return [pytest.param(question, *one.values, id=f"{question}-{one.id}") for one in faults]


in_trouble = pytest.mark.parametrize(
    ("skip", "fault"), [*at(FIRST, [*NO_STATUS, LOGIN]), *at(SECOND, [DROPPED, LOGIN])]
)


def patient_with(fault: dict[str, Any]) -> dict[str, Any]:
    """Options that wait for an answer as long as it takes to see that none comes."""
    is_slow = fault["action"] in ("hold", "slow_answer")
    return {"timeout": PATIENCE, "response_timeout": PATIENCE} if is_slow else {}


# Before the start.


@in_trouble
def test_trouble_before_the_start_that_ends_is_borne(bigfix: DataImports, fault: dict[str, Any], skip: int) -> None:
    bigfix.fault(operation="status", times=2, skip=skip, **fault)

    assert_imported(bigfix(**patient_with(fault)), changed=True, reason="new")
    assert len(bigfix.starts) == len(bigfix.held.imports) == 1


@in_trouble
def test_trouble_before_the_start_that_does_not_end_is_told_and_nothing_started(
    bigfix: DataImports, fault: dict[str, Any], skip: int
) -> None:
    bigfix.fault(operation="status", times=None, skip=skip, **fault)

    result = bigfix(unreachable_timeout=0.1, **patient_with(fault))

    assert_plain_failure(result)
    assert outcome(result) == ("failed", False, True)
    assert "Nothing was started." in result["msg"]
    assert bigfix.starts == []


@pytest.mark.parametrize(("skip", "fault"), [*at(FIRST, NO), *at(SECOND, NO[:1])])
def test_a_question_that_is_turned_down_ends_it_at_once(bigfix: DataImports, fault: dict[str, Any], skip: int) -> None:
    bigfix.fault(operation="status", times=None, skip=skip, **fault)

    result = bigfix()

    assert_plain_failure(result)
    assert outcome(result) == ("failed", False, True)
    assert "Nothing was started." in result["msg"]
    assert result["http_status"] == status_of(fault)
    assert len(bigfix.sent("status")) == skip + 1
    assert bigfix.starts == []


@pytest.mark.parametrize("product", ["bigfix", "lmt"])
@pytest.mark.parametrize("how", [{}, WITH_PASSWORD], ids=["token", "password"])
def test_a_server_that_is_not_there_is_told_within_seconds(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, product: str, how: dict[str, Any]
) -> None:
    """Whatever `unreachable_timeout` says: its default here."""
    server: DataImports = request.getfixturevalue(product)
    pauses = sleep_in_the_sandbox(server, monkeypatch)

    result = server(url="http://127.0.0.1:9", wait_timeout=14400, **how)

    assert_plain_failure(result)
    assert outcome(result) == ("failed", False, True)
    assert "Nothing was started." in result["msg"]
    assert 0 < sum(pauses) < 5


def test_a_server_that_is_not_there_is_told_within_seconds_by_any_clock(bigfix: DataImports) -> None:
    begin = time.monotonic()

    results = [bigfix(check=check, url="http://127.0.0.1:9", wait_timeout=14400) for check in (True, False)]

    assert [outcome(result) for result in results] == [("failed", False, True)] * 2
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("product", ["bigfix", "lmt"])
def test_a_server_in_trouble_is_told_within_about_a_minute(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, product: str, check: bool
) -> None:
    server: DataImports = request.getfixturevalue(product)
    pauses = sleep_in_the_sandbox(server, monkeypatch)
    server.fault("status", "status", status=502, times=None)

    result = server(check=check, wait_sleep=30, wait_timeout=14400)

    assert_plain_failure(result)
    assert outcome(result) == ("failed", False, True)
    assert "Nothing was started." in result["msg"]
    assert set(pauses) == {10}
    assert 30 <= sum(pauses) <= 70
    assert server.starts == []


def test_a_server_that_goes_away_after_the_status_was_seen_is_told_soon_and_one_that_imports_is_waited_for(
    bigfix: DataImports, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = sleep_in_the_sandbox(bigfix, monkeypatch)
    options: dict[str, Any] = {"wait_sleep": 30, "wait_timeout": 14400}
    bigfix.fault("status", "status", skip=1, times=None)
    assert outcome(bigfix(**options)) == ("failed", False, True)
    assert sum(pauses) <= 70

    bigfix.sandbox.clear_faults()
    bigfix.configure(seconds_complete=100)
    assert bigfix(wait=False)["state"] == "submitted"
    pauses.clear()
    bigfix.fault("status", "status", times=30)
    assert_imported(bigfix(max_age=DAY, **options), changed=False, reason="fresh")
    assert sum(pauses) > 300


# The start.


@pytest.mark.parametrize("fault", NO_STATUS)
def test_a_start_that_did_nothing_and_had_no_good_answer_has_failed_and_is_not_repeated(
    bigfix: DataImports, fault: dict[str, Any]
) -> None:
    bigfix.fault(operation="start", when="after_body", times=None, **fault)

    result = bigfix(**patient_with(fault))

    assert_plain_failure(result)
    assert outcome(result) == ("failed", False, True)
    assert "did not start an import" in result["msg"]
    assert len(bigfix.starts) == 1
    assert bigfix.held.imports == []


@pytest.mark.parametrize(
    ("fault", "seconds", "history"),
    [
        *[pytest.param(*one.values, 5, [{"age": 9}], id=one.id) for one in NO_STATUS],
        pytest.param(*DROPPED.values, 600, [], id="the-first-that-ever-ran"),
    ],
)
def test_a_start_whose_answer_was_lost_is_known_by_the_status(
    bigfix: DataImports, fault: dict[str, Any], seconds: int, history: list[dict[str, Any]]
) -> None:
    bigfix.configure(seconds_complete=seconds, history=history)
    before = len(bigfix.held.imports)
    bigfix.fault(operation="start", when="after_work", times=None, **fault)

    assert_imported(bigfix(**patient_with(fault)), changed=True, reason="new")
    assert len(bigfix.starts) == len(bigfix.held.imports) - before == 1


def test_a_start_that_fails_unseen_is_known_by_the_status_too(bigfix: DataImports) -> None:
    bigfix.configure(failures=1, failure_status="error in datasource", seconds_complete=5)
    bigfix.fault("drop", operation="start", when="after_work")

    result = bigfix()

    assert_plain_failure(result)
    assert outcome(result) == ("failed", True, True)
    assert "error in datasource" in result["msg"]


@pytest.mark.parametrize("fault", [*NO, LOGIN])
def test_a_start_that_is_turned_down_is_told_and_not_followed(bigfix: DataImports, fault: dict[str, Any]) -> None:
    bigfix.fault(operation="start", when="after_body", times=None, **fault)

    result = bigfix()

    assert_plain_failure(result)
    assert outcome(result) == ("failed", False, True)
    assert result["http_status"] == status_of(fault)
    assert [request.operation for request in bigfix.sent()] == ["status", "status", "start"]
    assert bigfix.held.imports == []


def test_a_start_with_its_answer_lost_and_no_status_since_is_unknown_and_told_so(bigfix: DataImports) -> None:
    bigfix.fault("drop", operation="start", when="after_work")
    bigfix.fault("status", operation="status", times=None, skip=2)

    result = bigfix(unreachable_timeout=0.1)

    assert_plain_failure(result)
    assert outcome(result) == ("unknown", True, True)
    assert "the next run goes by what its status says" in result["msg"]

    bigfix.sandbox.clear_faults()
    assert_imported(bigfix(max_age=DAY), changed=False, reason="fresh")
    assert len(bigfix.starts) == 1


def test_a_start_with_its_answer_lost_is_unknown_where_the_status_tells_no_times(bigfix: DataImports) -> None:
    gone = ["last_import_time", "last_success_time"]
    bigfix.configure(history=[{"age": 9}])
    bigfix.fault("drop", operation="start", when="after_body")
    bigfix.fault("patch", operation="status", times=None, remove=gone)

    result = bigfix()

    assert outcome(result) == ("unknown", True, True)
    assert len(bigfix.starts) == 1


# After the start.


@pytest.mark.parametrize("product", ["bigfix", "lmt"])
def test_a_restart_in_the_middle_and_trouble_at_every_other_look_are_borne(
    request: pytest.FixtureRequest, product: str
) -> None:
    server: DataImports = request.getfixturevalue(product)
    server.configure(seconds_complete=600, restart_at=100, restart_seconds=200, trouble=0.5, trouble_after=60)

    result = server()

    assert_imported(result, changed=True, reason="new")
    assert len(server.starts) == len(server.held.started_by_api) == 1


# Hours of it.


def test_two_hours_with_a_third_of_the_looks_failing_take_no_more_looks_than_the_pauses_allow(
    bigfix: DataImports, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the pauses that the module has by default, in the sandbox's time: it goes on while the module sleeps."""
    pauses = sleep_in_the_sandbox(bigfix, monkeypatch)
    bigfix.configure(seconds_complete=7200, trouble=0.3, trouble_after=60)

    result = bigfix(wait_sleep=30, wait_timeout=14400)

    assert_imported(result, changed=True, reason="new")
    looks = len(bigfix.sent("status")) - 2
    allowed, waited = 0, 0.0
    while waited < 7200 + 60 + 30:
        waited += max(min(waited / 10, 30), 10)
        allowed += 1
    failed = sum(request.status != 200 or request.fault is not None for request in bigfix.sent("status"))
    with capsys.disabled():
        print(f"\n  2 h: {looks} looks, {failed} of them failed; {allowed} allowed", end=" ")
    assert min(pauses) >= 10
    assert looks <= allowed
    assert failed > looks / 10
    assert len(bigfix.starts) == 1


@pytest.mark.parametrize(("wait_sleep", "shortest"), [(30, 10), (10, 10), (4, 4)])
def test_looks_are_ten_seconds_apart_unless_wait_sleep_is_less(
    bigfix: DataImports, monkeypatch: pytest.MonkeyPatch, wait_sleep: float, shortest: float
) -> None:
    pauses = sleep_in_the_sandbox(bigfix, monkeypatch)
    bigfix.configure(seconds_complete=500)

    assert_imported(bigfix(wait_sleep=wait_sleep, wait_timeout=14400), changed=True, reason="new")
    assert min(pauses) == shortest
    assert max(pauses) == wait_sleep
    assert len(bigfix.sent("status")) == len(pauses) + 2


def sleep_in_the_sandbox(bigfix: DataImports, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have the module reckon in sandbox time, which passes only while it sleeps; its pauses."""
    from ansible_collections.assetops.imports.plugins.module_utils._engine import status_importer as _importer
    from ansible_collections.assetops.imports.plugins.module_utils._engine import wait as _wait
    from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix import system as _bigfix

    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))
        bigfix.sandbox.clock(step=seconds)

    bigfix.sandbox.clock(speed=0)
    clock = _wait.Clock(now=bigfix.sandbox.clock, sleep=sleep)
    monkeypatch.setattr(_importer, "Clock", lambda: clock)
    monkeypatch.setattr(_bigfix, "Clock", lambda: clock)
    return pauses


# Whatever the status says.

moments = st.integers(-3, 3)
last = {
    "last_status": st.sampled_from(["successful", "successful", "successful", "failed", ""]),
    "last_success_time": moments,
    "last_import_time": moments,
    "last_import_type": st.sampled_from(["complete", "complete", "raw_only"]),
}
statuses = st.one_of(
    st.fixed_dictionaries({"mode": st.sampled_from(["idle", "idle", "pending"])}, optional=last),
    st.fixed_dictionaries({"mode": st.just("idle"), **last}),
    st.fixed_dictionaries({"mode": st.sampled_from(["running", "queued"])}, optional={"progress": st.integers(0, 100)}),
    st.fixed_dictionaries({"mode": st.just("none")}, optional={"can_run_imports": st.booleans()}),
)


@pytest.mark.slow
def test_over_http_too_no_sequence_of_statuses_makes_it_start_two_or_call_an_old_success_its_own(
    bigfix: DataImports, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: Counter[str] = Counter()
    bigfix.sandbox.clock(speed=0)
    bigfix.configure(history=[{"age": 0}])
    date = datetime.fromisoformat(bigfix.info()["last_success_time"].replace("Z", "+00:00"))
    now = date + timedelta(seconds=60)  # later than any Date of the sandbox, but not so much that it proves nothing

    def as_told(status: dict[str, Any]) -> dict[str, Any]:
        times = {name: now + timedelta(seconds=status[name]) for name in status if name.endswith("_time")}
        return {**status, **{name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}}

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(statuses, min_size=2, max_size=6), statuses, st.sampled_from(["join", "queue", "fail"]))
    def check(told: list[dict[str, Any]], at_start: dict[str, Any], if_running: str) -> None:
        bigfix.sandbox.reset()
        bigfix.sandbox.clock(speed=0)
        for number, status in enumerate(told):
            times = None if number == len(told) - 1 else 1
            bigfix.fault("json", "status", json=as_told(status), times=times)
        bigfix.fault("json", "start", json=as_told(at_start), times=None)

        result = bigfix(receipts="none", wait_sleep=0.005, wait_timeout=0.1, if_running=if_running)

        requests = [request.operation for request in bigfix.sent()]
        seen[result["state"]] += 1
        assert requests.count("start") <= 1
        if "start" in requests:
            asked = requests.index("start")
            baseline = told[min(asked, len(told)) - 1]
            assert baseline["mode"] in ("none", "idle", "pending")
            assert baseline.get("can_run_imports") is not False
        if result["state"] == "succeeded" and result["changed"]:
            last = only(result)["server"]
            assert last["mode"] in ("none", "idle", "pending")
            assert (last["last_status"], last["last_import_type"]) == ("successful", "complete")
            for name in ("last_import_time", "last_success_time"):
                if name in last and name in baseline:
                    assert last[name] > as_told(baseline)[name]

    check()
    with capsys.disabled():
        print(f"\n  {sum(seen.values())} sequences over HTTP:", dict(seen.most_common()), end=" ")
