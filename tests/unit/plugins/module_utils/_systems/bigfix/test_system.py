# SPDX-License-Identifier: GPL-3.0-or-later
"""BigFix Inventory and License Metric Tool: whatever their statuses say, an import is started once and judged truly.

The whole life of an import runs here, down to the wire, against servers that are made up (`bigfix_server.py`), in no
time. What can be seen over HTTP is tested in `tests/integration`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import timedelta
from typing import Any, Callable

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Connection
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import as Outcome
from ansible_collections.assetops.imports.plugins.module_utils._engine.status_importer import StatusImporter
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NOWHERE, open_store
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import (
    Credentials,
    Requirement,
    time_option,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.system import DataImports

from ...bigfix_server import BEGIN, Import, Quirk, Server
from ...fakes import TurnedClock

HOST = "https://bigfix.example.com:9081"
PACE = WaitOptions(1200, 30, 300, 10)
FIELDS = (
    *("progress", "can_run_imports"),
    *("last_status", "last_success_time", "last_import_time", "last_import_type"),
)


def run_import(
    server: Server, clock: TurnedClock, requirement: Requirement, policy: Policy | None = None, pace: WaitOptions = PACE
) -> Outcome:
    """The import that a requirement leads to at a server."""
    client = Client(Connection(HOST), {}, Secrets(), pause=clock.sleep)
    client._opened = server  # type: ignore[assignment]  # in place of the wire
    system = DataImports(client, requirement.product, Credentials("c" * 40), lambda _token: None, pace, clock.clock)
    with closing(open_store(NOWHERE)) as store:
        return StatusImporter(system, store, policy or Policy(), pace, clock.clock).run(
            [wanted_import(HOST, requirement)]
        )[0]


# Over every sequence of answers.

types = st.sampled_from(["complete", "raw_only"])
outcomes = st.sampled_from(["successful", "successful", "failed"])
seconds = st.integers(1, 60)
ahead = st.just(lambda _moment: 0) | st.builds(
    lambda at, before, after: lambda now: before if now < at else after,
    st.integers(-100, 150),
    st.sampled_from([0, 0, 7200, -7200, 366 * 86400]),
    st.sampled_from([0, 0, 7200, -7200]),
)
junk: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "soon", 17, True, [], {"a": 1}, "0000-00-00T00:00:00Z", "2026-11-22"]
)
quirks = st.builds(
    Quirk,
    trouble=st.none() | st.sampled_from(["drop", "500", "html", "cut"]),
    missing=st.frozensets(st.sampled_from(FIELDS), max_size=3),
    junk=st.dictionaries(st.sampled_from(FIELDS), junk, max_size=1),
    stale=st.just(0) | st.integers(0, 90),
    modes=st.sampled_from([{}, {}, {"idle": "pending"}, {"running": "queued"}, {"idle": "locked"}]),
    has_date=st.booleans(),
    may_run=st.sampled_from([True, True, True, False]),
)
imports = st.builds(
    lambda import_type, starts, lasts, status: Import(import_type, starts, starts + lasts, status),
    types,
    st.integers(-100, 150),
    seconds,
    outcomes,
)
starts = st.sampled_from(
    ["starts", "starts", "starts", "answers nothing", "lost", "lost nothing", "500", "500 nothing", "refused"]
)
requirements = st.builds(
    Requirement,
    st.just("bigfix_inventory"),
    types,
    st.none() | st.sampled_from([0, 30, 1000]),
    st.none() | st.integers(-100, 100).map(lambda second: BEGIN + timedelta(seconds=second)),
) | st.builds(Requirement, st.just("license_metric_tool"), max_age=st.none() | st.just(30))
policies = st.builds(
    Policy,
    if_running=st.sampled_from(["join", "queue", "fail"]),
    wait=st.sampled_from([True, True, True, False]),
    check_mode=st.sampled_from([False, False, False, True]),
)


@st.composite
def servers(draw: st.DrawFn) -> tuple[Server, TurnedClock]:
    """A server with a past, a future and answers as nobody expects them."""
    clock = TurnedClock()
    server = Server(
        clock,
        draw(st.lists(imports, max_size=5)),
        quirks=draw(st.lists(quirks, max_size=10)),
        ours=(draw(seconds), draw(outcomes)),
        start=draw(starts),
        last_times=(draw(st.sampled_from(["ends", "starts"])), draw(st.sampled_from(["ends", "starts"]))),
        tells_last_while_running=draw(st.booleans()),
        is_ahead=draw(ahead),
        tells_ahead=draw(ahead),
    )
    return server, clock


def test_over_every_sequence_of_answers_it_starts_at_most_one_and_never_calls_a_failure_a_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=400, deadline=None)
    @given(servers(), requirements, policies)
    def check(made: tuple[Server, TurnedClock], requirement: Requirement, policy: Policy) -> None:
        server, clock = made
        one = run_import(server, clock, requirement, policy)
        seen[f"{one.state} ({one.reason})" if one.state == "succeeded" else one.state] += 1
        note(f"{one}\n{server.imports}\n{server.told}")
        assert_started_rightly(server, requirement, policy)
        assert one.state in ("planned", "submitted", "running", "succeeded", "failed", "unknown")
        assert one.changed == (one.state == "planned") or server.starts
        if one.state == "succeeded":
            assert_succeeded(server, requirement, one)

    check()
    with capsys.disabled():
        print(f"\n  {sum(seen.values())} sequences of answers:", dict(seen.most_common()), end=" ")
    assert {"succeeded (new)", "succeeded (joined)", "succeeded (fresh)", "failed", "unknown"} <= set(seen)


def assert_started_rightly(server: Server, requirement: Requirement, policy: Policy) -> None:
    """At most one start, and only after a status that allowed it."""
    assert len(server.starts) <= 1
    if server.starts:
        assert server.starts == [requirement.run_parameter]
        assert not policy.check_mode
        assert not server.baseline.is_running
        assert server.baseline.status.get("can_run_imports") is not False


def assert_succeeded(server: Server, requirement: Requirement, one: Outcome) -> None:
    """It is true that an import of the wanted kind succeeded, after what was known before."""
    if one.reason == "fresh":
        since = float("-inf")
        enough = [found for found in server.successes_since(since) if requirement.is_met_by(found.type)]
        assert enough
        told, now = server.told[-1].status["last_success_time"], server.now
        ahead = server.is_ahead(now) if server.has_told_date else 0
        assert time_option(told, "") <= BEGIN + timedelta(seconds=now + ahead + 300)  # type: ignore[operator]
        assert requirement.max_age is not None or requirement.newer_than is not None
    elif one.reason == "joined":
        since = server.told[0].moment
        enough = [found for found in server.successes_since(since) if requirement.is_met_by(found.type)]
    else:
        since = server.baseline.moment
        is_told_apart = requirement.product == "bigfix_inventory"
        enough = [
            one for one in server.successes_since(since) if not is_told_apart or one.type == requirement.import_type
        ]
    assert enough, (one.reason, since, server.imports, server.told)


# Clocks that are wrong.

YEAR = 366 * 86400
LMT = Requirement("license_metric_tool")


def wrong_until(end: float, seconds: int) -> Callable[[float], int]:
    return lambda now: seconds if now < end else 0


@pytest.mark.parametrize("has_date", [True, False])
@pytest.mark.parametrize("product", ["bigfix_inventory", "license_metric_tool"])
@pytest.mark.parametrize(("ahead", "is_enough"), [(0, True), (330, True), (331, False), (7200, False), (YEAR, False)])
@pytest.mark.parametrize("limit", [{"max_age": 3600}, {"newer_than": BEGIN - timedelta(days=1)}])
def test_a_success_ahead_of_the_clock_is_not_taken_for_a_recent_one(
    limit: dict[str, Any], ahead: int, is_enough: bool, product: str, has_date: bool
) -> None:
    server = Server(
        clock := TurnedClock(),
        [Import("complete", -50, -30)],
        tells_ahead=wrong_until(0, ahead),
        quirks=[Quirk(has_date=has_date)] * 99,
    )

    one = run_import(server, clock, Requirement(product, **limit))

    assert (one.state, one.reason, one.changed) == ("succeeded", "fresh" if is_enough else "new", not is_enough)
    assert ("that proves nothing" in one.message) != is_enough
    if not is_enough:
        assert f"{ahead - 30} s ahead of {'the server' if has_date else 'the clock of this host'}" in one.message


@pytest.mark.parametrize(("behind", "is_enough"), [(86400, True), (YEAR, False)])
def test_an_age_by_a_date_far_behind_is_not_believed(behind: int, is_enough: bool) -> None:
    """It may be that of an answer that was kept, with all that it says."""
    server = Server(clock := TurnedClock(), [Import("complete", -50, -30)], is_ahead=lambda _moment: -behind)

    one = run_import(server, clock, Requirement(max_age=3600))

    assert (one.state, one.reason) == ("succeeded", "fresh" if is_enough else "new")
    assert ("this host" in one.message) != is_enough


def test_no_success_is_recent_by_a_date_of_1970() -> None:
    since_1970 = int(BEGIN.timestamp())
    server = Server(
        clock := TurnedClock(),
        [Import("complete", -50, -30)],
        is_ahead=lambda _moment: -since_1970,
        tells_ahead=lambda _moment: since_1970,
    )

    one = run_import(server, clock, Requirement(max_age=YEAR, newer_than=BEGIN - timedelta(days=1)))

    assert (one.state, one.reason) == ("succeeded", "new")


@pytest.mark.parametrize("requirement", [Requirement(), LMT])
@pytest.mark.parametrize("status", ["successful", "failed"])
@pytest.mark.parametrize(("seconds", "start"), [(1, "starts"), (1, "lost"), (100, "starts"), (100, "lost")])
@pytest.mark.parametrize(
    "wrong",
    [
        {"tells_ahead": wrong_until(0, YEAR)},
        {"is_ahead": wrong_until(-1, 7200)},
        {"is_ahead": wrong_until(10.5, 3600)},
        {"tells_ahead": lambda _moment: 7200},
        {"tells_ahead": lambda _moment: -7200},
    ],
    ids=["told wrong once", "wrong once", "set back after the start", "local time east", "local time west"],
)
@pytest.mark.parametrize("has_date", [True, False])
def test_our_own_import_is_known_though_a_clock_is_wrong(
    wrong: dict[str, Any], seconds: int, start: str, status: str, requirement: Requirement, has_date: bool
) -> None:
    quirks = [Quirk(has_date=has_date)] * 99
    past = [Import("complete", -50, -10)]
    server = Server(clock := TurnedClock(), past, quirks=quirks, ours=(seconds, status), start=start, **wrong)

    one = run_import(server, clock, requirement)

    assert (one.state, one.changed) == ("succeeded" if status == "successful" else "failed", True)


def test_the_first_import_of_a_server_that_sends_local_time_is_known() -> None:
    server = Server(clock := TurnedClock(), [], tells_ahead=lambda _moment: 7200)

    assert run_import(server, clock, Requirement()).state == "succeeded"


def test_an_old_success_that_is_reported_ahead_is_never_that_of_the_import_that_was_joined() -> None:
    """The clock was wrong once, and the import that was joined leaves no trace."""
    server = Server(
        clock := TurnedClock(),
        [Import("complete", -50, -10)],
        tells_ahead=wrong_until(0, YEAR),
        quirks=[Quirk(modes={"idle": "running"}, missing=frozenset(FIELDS)), Quirk(), Quirk()],
    )

    one = run_import(server, clock, Requirement())

    assert (one.state, one.changed) == ("succeeded", True)
    assert server.starts == ["complete"]


@pytest.mark.parametrize("start", ["lost nothing", "500 nothing", "answers nothing"])
def test_a_clock_that_is_set_back_makes_no_import_of_a_start_that_did_nothing(start: str) -> None:
    past = [Import("complete", -4000, -3000), Import("complete", -50, -10)]
    server = Server(clock := TurnedClock(), past, start=start, is_ahead=wrong_until(0.5, 3600))

    assert run_import(server, clock, Requirement()).state == "failed"


@pytest.mark.parametrize(("import_type", "hint"), [("complete", False), ("raw_only", True)])
def test_a_start_that_did_nothing_is_reported_with_what_may_be_missing(import_type: str, hint: bool) -> None:
    server = Server(clock := TurnedClock(), [Import("complete", -50, -10)], start="answers nothing")

    one = run_import(server, clock, Requirement(import_type=import_type))

    assert "BigFix Inventory did not start an import." in one.message
    assert ("Raw data imports may not be enabled" in one.message) == hint


@pytest.mark.parametrize(("requirement", "name"), [(Requirement(), "BigFix Inventory"), (LMT, "License Metric Tool")])
def test_a_user_who_cannot_run_imports_hears_of_the_permission(requirement: Requirement, name: str) -> None:
    server = Server(clock := TurnedClock(), [], quirks=[Quirk(may_run=False)] * 9)

    one = run_import(server, clock, requirement)

    assert (one.state, server.starts) == ("failed", [])
    assert f"{name} says that this user cannot run imports; that takes the permission Manage Imports" in one.message


# What keeps an import from being started.

SOON = 5
A_WHILE = 70


@pytest.mark.parametrize("requirement", [Requirement(), LMT, Requirement(max_age=60)])
@pytest.mark.parametrize("policy", [Policy(), Policy(check_mode=True), Policy(wait=False), Policy(if_running="queue")])
@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize(
    ("trouble", "within"),
    [("hopeless", 0), ("refused", SOON), *[(trouble, A_WHILE) for trouble in ("500", "drop", "cut")]],
)
def test_what_keeps_an_import_from_being_started_is_reported_soon(
    trouble: str, within: float, skip: int, policy: Policy, requirement: Requirement
) -> None:
    server = Server(
        clock := TurnedClock(),
        [Import("complete", -500, -400)],
        quirks=[*[Quirk()] * skip, *[Quirk(trouble=trouble)] * 999],
    )

    one = run_import(server, clock, requirement, policy, pace=WaitOptions(14400, 30, 1800, 10))

    if policy.check_mode and skip:
        assert one.state == "planned"
        return
    assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
    assert "Nothing was started." in one.message
    assert server.now <= within
    assert len(server.asked) - skip <= (1 if trouble == "hopeless" else 7)
    assert server.starts == []
    if within == A_WHILE:
        assert server.now >= 50
        assert min(clock.pauses) >= 10


@pytest.mark.parametrize(("lasts", "is_borne"), [(3, True), (40, True), (200, False)])
def test_trouble_before_the_start_is_borne_for_a_minute(lasts: int, is_borne: bool) -> None:
    server = Server(clock := TurnedClock(), [], quirks=[Quirk(trouble="500")] * (lasts // 10 + 1))

    one = run_import(server, clock, Requirement(), pace=WaitOptions(14400, 30, 1800, 10))

    assert one.state == ("succeeded" if is_borne else "failed")


def test_a_server_that_is_back_after_a_moment_is_reached() -> None:
    server = Server(clock := TurnedClock(), [], quirks=[Quirk(trouble="refused")] * 3)

    assert run_import(server, clock, Requirement()).state == "succeeded"


@pytest.mark.parametrize("trouble", ["refused", "500", "drop"])
@pytest.mark.parametrize("if_running", ["join", "queue"])
def test_an_outage_is_waited_out_while_an_import_runs(trouble: str, if_running: str) -> None:
    quirks = [Quirk(), *[Quirk(trouble=trouble)] * 40]
    server = Server(clock := TurnedClock(), [Import("complete", -5, 100)], quirks=quirks)

    one = run_import(server, clock, Requirement(), Policy(if_running=if_running), pace=WaitOptions(14400, 30, 1800, 10))

    assert (one.state, one.changed) == ("succeeded", if_running == "queue")
    assert server.now > 600


def test_once_the_import_is_over_that_was_queued_behind_an_outage_is_reported_soon() -> None:
    quirks = [Quirk(), Quirk(), *[Quirk(trouble="refused")] * 99]
    server = Server(clock := TurnedClock(), [Import("complete", -5, 9)], quirks=quirks)

    one = run_import(server, clock, Requirement(), Policy(if_running="queue"), pace=WaitOptions(14400, 30, 1800, 10))

    assert (one.state, one.changed, one.has_failed) == ("failed", False, True)
    assert "Nothing was started." in one.message
    assert server.now < 30


@pytest.mark.parametrize("missing_at_first", ["last_import_time", "last_success_time"])
@pytest.mark.parametrize("last_times", [("ends", "starts"), ("starts", "ends")])
def test_an_old_time_that_was_left_out_at_first_is_not_taken_for_a_new_one(
    missing_at_first: str, last_times: tuple[str, str]
) -> None:
    """The two times may tell two moments of the same import, so one says nothing of the other."""
    other = {"last_import_time": "last_success_time", "last_success_time": "last_import_time"}[missing_at_first]
    server = Server(
        clock := TurnedClock(),
        [Import("complete", -50, -10)],
        quirks=[*[Quirk(missing=frozenset({missing_at_first}))] * 2, *[Quirk(missing=frozenset({other}))] * 9],
        start="lost nothing",
        last_times=last_times,
    )

    one = run_import(server, clock, Requirement())

    assert one.state in ("failed", "unknown")
    assert server.starts == ["complete"]


@pytest.mark.parametrize("has_date", [True, False])
@pytest.mark.parametrize("past", [[], [Import("complete", -50, -10)], [Import("complete", -50, -10, "failed")]])
@pytest.mark.parametrize("last_times", [("ends", "ends"), ("starts", "starts"), ("ends", "starts"), ("starts", "ends")])
def test_an_import_that_succeeds_between_two_looks_is_seen(
    past: list[Import], last_times: tuple[str, str], has_date: bool
) -> None:
    server = Server(
        clock := TurnedClock(),
        past,
        quirks=[Quirk(has_date=has_date)] * 9,
        ours=(1, "successful"),
        start="lost",
        last_times=last_times,
    )

    assert run_import(server, clock, Requirement()).state == "succeeded"
    assert len(server.asked) == 4  # twice before, once for the start, once for the end


def test_an_odd_status_in_between_is_looked_at_again_and_does_no_harm() -> None:
    odd = Quirk(missing=frozenset(FIELDS), modes={"running": "idle"})
    server = Server(
        clock := TurnedClock(), [Import("complete", -50, -10)], quirks=[Quirk(), Quirk(), odd, odd, Quirk(), odd, odd]
    )

    assert run_import(server, clock, Requirement()).state == "succeeded"


def test_two_hours_with_a_third_of_the_looks_failing_at_random_are_borne() -> None:
    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.sampled_from([None, None, "drop", "500", "html", "cut"]), min_size=260, max_size=260))
    def check(troubles: list[str | None]) -> None:
        clock = TurnedClock()
        quirks_after = [Quirk(trouble=trouble) for trouble in troubles]
        server = Server(clock, [], quirks=[Quirk(), Quirk(), *quirks_after], ours=(7200, "successful"))

        one = run_import(server, clock, Requirement(), pace=WaitOptions(14400, 30, 1800, 10))

        assert (one.state, one.changed) == ("succeeded", True)
        assert min(clock.pauses) >= 10
        assert server.starts == ["complete"]

    check()
