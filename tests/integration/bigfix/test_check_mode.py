# SPDX-License-Identifier: GPL-3.0-or-later
"""`bigfix_import` in check mode: it reads the status, starts and writes nothing, and says what a run would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ...sandbox.bigfix.credentials import BIGFIX_VIEWER_TOKEN, MANAGER, MANAGER_PASSWORD
from ..support import ABSENT, assert_plain_failure, only
from .driver import DAY, DataImports

Situation = Callable[[DataImports], None]


def nothing_yet(server: DataImports) -> None:
    pass


def one_was_made(server: DataImports) -> None:
    server()


def one_runs(server: DataImports) -> None:
    server.configure(seconds_complete=500)
    server(wait=False)


def one_was_raw(server: DataImports) -> None:
    server.configure(history=[{"age": 60, "type": "raw_only"}])


def the_server_turns_it_down(server: DataImports) -> None:
    server.fault("status", "status", status=403, times=None)


def the_server_is_away(server: DataImports) -> None:
    server.fault("drop", "status", times=None)


@dataclass(frozen=True)
class Forecast:
    """What a run would do, as check mode says it."""

    situation: Situation
    state: str
    reason: str
    options: dict[str, Any] = field(default_factory=dict)
    fails: bool = False


FORECASTS = [
    Forecast(nothing_yet, "planned", "new"),
    Forecast(nothing_yet, "planned", "new", {"max_age": DAY}),
    Forecast(nothing_yet, "planned", "new", {"receipts": "none"}),
    Forecast(nothing_yet, "planned", "new", {"token": ABSENT, "username": MANAGER, "password": MANAGER_PASSWORD}),
    Forecast(nothing_yet, "failed", "new", {"token": BIGFIX_VIEWER_TOKEN}, fails=True),
    Forecast(one_was_made, "planned", "new"),
    Forecast(one_was_made, "succeeded", "fresh", {"max_age": DAY}),
    Forecast(one_was_made, "planned", "new", {"newer_than": "2099-01-01T00:00:00Z"}),
    Forecast(one_was_made, "planned", "new", {"max_age": DAY, "force": True}),
    Forecast(one_was_raw, "planned", "new", {"max_age": DAY}),
    Forecast(one_runs, "running", "joined"),
    Forecast(one_runs, "planned", "new", {"if_running": "queue"}),
    Forecast(one_runs, "failed", "new", {"if_running": "fail"}, fails=True),
    Forecast(the_server_turns_it_down, "failed", "new", fails=True),
    Forecast(the_server_is_away, "failed", "new", {"unreachable_timeout": 0}, fails=True),
]


@pytest.mark.parametrize("forecast", FORECASTS, ids=lambda one: f"{one.situation.__name__}-{sorted(one.options)}")
def test_check_mode_reads_only_and_says_what_the_run_then_does(bigfix: DataImports, forecast: Forecast) -> None:
    forecast.situation(bigfix)

    foreseen = bigfix.foresee(**forecast.options)

    assert (foreseen["state"], only(foreseen)["reason"]) == (forecast.state, forecast.reason)
    assert foreseen["changed"] == (forecast.state == "planned")
    assert bool(foreseen.get("failed")) == forecast.fails
    if forecast.fails:
        assert_plain_failure(foreseen)

    done = bigfix(diff=True, **forecast.options)

    assert done["changed"] == foreseen["changed"]
    assert bool(done.get("failed")) == forecast.fails
    assert done["diff"][0]["before"] == foreseen["diff"][0]["before"] or forecast.situation is one_runs
    if not forecast.fails:
        assert done["state"] == "succeeded"


def test_reading_the_status_is_the_same_in_check_mode(bigfix: DataImports) -> None:
    bigfix()
    bigfix.sandbox.clock(speed=0)

    assert bigfix.info(check=True) == bigfix.info()
