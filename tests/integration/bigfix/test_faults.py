# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way to an import, at every step: it is started once or not at all, and told as it is.

The steps are the two questions before the start, the start itself, and the questions after it. For these see
`imports/test_faults.py` first. Here too there is one fault of each kind: sequences of them, hours of them, and clocks
that are wrong are in the unit tests of the system.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._engine import status_importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock

from ...sandbox.bigfix.credentials import MANAGER, MANAGER_PASSWORD
from ..faults import PATIENCE, case, status_of
from ..lies import LOGIN_PAGE, MAINTENANCE_PAGE
from ..support import ABSENT, assert_failed
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
def test_trouble_before_the_start_that_does_not_end_is_reported_and_nothing_started(
    bigfix: DataImports, fault: dict[str, Any], skip: int
) -> None:
    bigfix.fault(operation="status", times=None, skip=skip, **fault)

    result = bigfix(unreachable_timeout=0.1, **patient_with(fault))

    assert_failed(result, "Nothing was started.", state="failed", changed=False)
    assert bigfix.starts == []


@pytest.mark.parametrize(("skip", "fault"), [*at(FIRST, NO), *at(SECOND, NO[:1])])
def test_a_question_that_is_turned_down_ends_it_at_once(bigfix: DataImports, fault: dict[str, Any], skip: int) -> None:
    bigfix.fault(operation="status", times=None, skip=skip, **fault)

    result = bigfix()

    assert_failed(result, "Nothing was started.", state="failed", changed=False, http_status=status_of(fault))
    assert len(bigfix.sent("status")) == skip + 1
    assert bigfix.starts == []


def test_a_server_that_is_not_there_is_reported_within_seconds(bigfix: DataImports) -> None:
    begin = time.monotonic()

    results = [bigfix(check=check, url="http://127.0.0.1:9", wait_timeout=14400) for check in (True, False)]

    assert [outcome(result) for result in results] == [("failed", False, True)] * 2
    assert time.monotonic() - begin < 60


# The start.


@pytest.mark.parametrize("fault", NO_STATUS)
def test_a_start_that_did_nothing_and_had_no_good_answer_has_failed_and_is_not_repeated(
    bigfix: DataImports, fault: dict[str, Any]
) -> None:
    bigfix.fault(operation="start", when="after_body", times=None, **fault)

    result = bigfix(**patient_with(fault))

    assert_failed(result, "did not start an import", state="failed", changed=False)
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


@pytest.mark.parametrize("fault", [*NO, LOGIN])
def test_a_start_that_is_turned_down_is_reported_and_not_followed(bigfix: DataImports, fault: dict[str, Any]) -> None:
    bigfix.fault(operation="start", when="after_body", times=None, **fault)

    result = bigfix()

    assert_failed(result, state="failed", changed=False, http_status=status_of(fault))
    assert [request.operation for request in bigfix.sent()] == ["status", "status", "start"]
    assert bigfix.held.imports == []


def test_a_start_with_its_answer_lost_and_no_status_since_is_unknown_and_reported_so(bigfix: DataImports) -> None:
    bigfix.fault("drop", operation="start", when="after_work")
    bigfix.fault("status", operation="status", times=None, skip=2)

    result = bigfix(unreachable_timeout=0.1)

    assert_failed(result, "the next run goes by what its status says", state="unknown", changed=True)

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


def test_a_restart_in_the_middle_and_trouble_at_every_other_look_are_borne(bigfix: DataImports) -> None:
    bigfix.configure(seconds_complete=600, restart_at=100, restart_seconds=200, trouble=0.5, trouble_after=60)

    assert_imported(bigfix(), changed=True, reason="new")
    assert len(bigfix.starts) == len(bigfix.held.started_by_api) == 1


@pytest.mark.parametrize(("wait_sleep", "shortest"), [(30, 10), (4, 4)])
def test_looks_are_ten_seconds_apart_unless_wait_sleep_is_less(
    bigfix: DataImports, monkeypatch: pytest.MonkeyPatch, wait_sleep: float, shortest: float
) -> None:
    """In the time of the sandbox, which passes only while the module sleeps."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))
        bigfix.sandbox.clock(step=seconds)

    bigfix.sandbox.clock(speed=0)
    bigfix.configure(seconds_complete=500)
    monkeypatch.setattr(status_importer, "Clock", lambda: Clock(now=bigfix.sandbox.clock, sleep=sleep))

    assert_imported(bigfix(wait_sleep=wait_sleep, wait_timeout=14400), changed=True, reason="new")
    assert min(pauses) == shortest
    assert max(pauses) == wait_sleep
    assert len(bigfix.sent("status")) == len(pauses) + 2
