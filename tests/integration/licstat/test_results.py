# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules return: what their documentation says, of one log and of many, soon after it happened."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ..results import assert_returned, documented
from ..support import ABSENT, SERVER, Licstat, Logs, assert_ended_well, assert_plain_failure, only


def failing(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    licstat.sandbox.fault("status", operation="import", when="after_body", status=400, body="No, thanks.")
    return licstat(make_log(), diff=True)


def failing_without_answer(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    licstat.sandbox.fault("drop", operation="import", when="after_body")
    return licstat(make_log())


def failing_as_a_task(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    licstat.sandbox.configure(final_error="Disk full")
    return licstat(make_log())


def out_of_time(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    licstat.sandbox.clock(speed=0)
    return licstat(make_log(), wait_timeout=0)


def out_of_reach(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    licstat.sandbox.clock(speed=0)
    licstat.sandbox.fault("status", operation="status", times=None)
    return licstat(make_log(), unreachable_timeout=0)


def succeeding(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    return licstat(make_log(), make_log(), diff=True)


def unchanged(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    log = make_log()
    licstat(log)
    return licstat(log, diff=True)


def not_waiting(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    licstat.sandbox.clock(speed=1)  # what was sent waits still when the answer comes, however late that is
    return licstat(make_log(), wait=False)


def planned(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    return licstat(make_log(), make_log(day=0), check=True, diff=True)


def planned_for_a_window(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    window: dict[str, Any] = {"identity": "window", "from": "2022-01-10", "to": "2022-01-11 00:00"}
    return licstat(make_log(), check=True, **window)


def without_receipts(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    return licstat(make_log(), receipts="none")


def finding_nothing(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    log = make_log("debug.log.1.gz")
    return licstat(src=ABSENT, paths=[str(log.parent)], diff=True)


def finding_nothing_any_more(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    licstat(make_log())
    return finding_nothing(licstat, make_log)


def putting_away(licstat: Licstat, make_log: Logs) -> dict[str, Any]:
    log = make_log("debug.log.1")
    make_log("debug.log.2.gz")
    options: dict[str, Any] = {"src": ABSENT, "paths": [str(log.parent)], "archive": str(log.parent / "archive")}
    return licstat(**options, diff=True, afterwards="archive")


@pytest.mark.parametrize(
    ("run", "has_failed", "has_answer"),
    [
        (finding_nothing, True, False),
        (finding_nothing_any_more, False, False),
        (putting_away, False, False),
        (succeeding, False, False),
        (unchanged, False, False),
        (not_waiting, False, False),
        (planned, False, False),
        (planned_for_a_window, False, False),
        (without_receipts, False, False),
        (failing, True, True),
        (failing_without_answer, True, False),
        (failing_as_a_task, True, False),
        (out_of_time, True, False),
        (out_of_reach, True, True),
    ],
)
def test_an_import_returns_what_is_documented(
    licstat: Licstat,
    make_log: Logs,
    run: Callable[[Licstat, Logs], dict[str, Any]],
    has_failed: bool,
    has_answer: bool,
) -> None:
    keys = documented("licstat_import")
    if not has_answer:
        del keys["http_status"], keys["response"]

    result = run(licstat, make_log)

    assert isinstance(result["changed"], bool)
    assert result.get("failed", False) == has_failed
    assert ("msg" in result) == has_failed
    assert_returned(result, keys)


def test_the_states_and_reasons_that_are_returned_are_the_documented_ones() -> None:
    keys = documented("licstat_import")
    described = " ".join(keys["state"]["description"])
    reasons = " ".join(keys["imports"]["contains"]["reason"]["description"])

    for state in ("planned", "submitted", "running", "unknown"):
        assert f"V({state})" in described
    assert set(re.findall(r"V\((\w+)\)", reasons)) == {
        *("new", "receipt", "resumed", "retried", "forced", "duplicate", "joined", "adopted"),
    }


def test_a_task_info_returns_what_is_documented(licstat: Licstat, log: Path) -> None:
    task = only(licstat(log))["remote_id"]
    keys = documented("licstat_task_info")
    of_failure = {name: keys.pop(name) for name in ("http_status", "response")}

    for task_id in (task, "import_1"):
        result = licstat.task_info(task_id=task_id)
        assert result["changed"] is False
        assert_returned(result, keys)

    refused = licstat.task_info(task_id=task, api_token="this-is-not-the-token")
    assert_plain_failure(refused)
    assert_returned(refused, of_failure)


def test_what_is_reported_of_an_import_is_true(licstat: Licstat, log: Path) -> None:
    begun = datetime.now().astimezone()
    entry = only(licstat(log))
    ended = datetime.now().astimezone()

    (task,) = licstat.sandbox.licstat().tasks
    assert (entry["remote_id"], entry["content_sha256"], entry["size"]) == (task.tid, task.sha256, task.size)
    assert entry["server"]["tid"] == task.tid
    assert entry["server"]["sts"] == "SUCCESS"
    assert (entry["source"], entry["target"]) == (str(log), f"{licstat.sandbox.licstat_url} license server {SERVER}")
    assert re.fullmatch("[0-9a-f]{64}", entry["key"])
    assert (entry["state"], entry["changed"], entry["reason"], entry["attempts"]) == ("succeeded", True, "new", 1)
    started, finished = (datetime.fromisoformat(entry[name]) for name in ("started_at", "finished_at"))
    assert begun.timestamp() - 0.001 <= started.timestamp() <= finished.timestamp() <= ended.timestamp()
    assert entry["duration"] == pytest.approx((finished - started).total_seconds())


def test_what_was_reported_once_is_reported_again_of_an_import_that_is_not_repeated(
    licstat: Licstat, log: Path
) -> None:
    first, second = only(licstat(log)), only(licstat(log))

    assert {**first, "changed": False, "reason": "receipt"} == second


def test_what_is_only_planned_has_no_time_and_no_task(licstat: Licstat, log: Path) -> None:
    entry = only(licstat(log, check=True))

    assert [entry[name] for name in ("remote_id", "server", "started_at", "finished_at", "duration")] == [None] * 5
    assert entry["attempts"] == 0
    assert entry["content_sha256"] is not None


def test_attempts_are_counted_over_all_runs(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("status", operation="import", times=2, when="after_body", status=400)

    results = [licstat(log) for _unused in range(4)]

    assert [only(result)["attempts"] for result in results] == [1, 2, 3, 3]
    assert [only(result)["reason"] for result in results] == ["new", "retried", "retried", "receipt"]
    assert [result["state"] for result in results] == ["failed", "failed", "succeeded", "succeeded"]


def test_an_import_that_another_run_is_at_is_reported_as_joined(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("hold", operation="import", when="after_body")
    other = licstat.start(log)
    licstat.sandbox.wait_for("held", operation="import")

    joined = licstat(log, wait=False)
    in_vain = licstat(log, wait_timeout=0.1)

    assert "failed" not in joined
    assert (joined["state"], joined["changed"], only(joined)["reason"]) == ("running", False, "joined")
    assert_plain_failure(in_vain)
    assert (in_vain["state"], in_vain["changed"], only(in_vain)["reason"]) == ("running", False, "joined")
    licstat.sandbox.release()
    assert_ended_well(other.finish(), changed=True, reason="new")
    assert len(licstat.uploads) == 1


# In diff mode.


@pytest.mark.parametrize(
    ("run", "before", "after"),
    [
        (succeeding, "not imported", "succeeded"),
        (unchanged, "succeeded", "succeeded"),
        (planned, "not imported", "planned"),
        (failing, "not imported", "failed"),
    ],
)
def test_a_diff_says_what_was_known_of_the_license_server_and_what_is(
    licstat: Licstat, make_log: Logs, run: Callable[[Licstat, Logs], dict[str, Any]], before: str, after: str
) -> None:
    result = run(licstat, make_log)

    (diff,) = result["diff"]
    sources = [entry["source"] for entry in result["imports"]]
    assert diff["before_header"] == diff["after_header"] == f"{licstat.sandbox.licstat_url} license server {SERVER}"
    assert diff["before"].splitlines() == [f"{source}: {before}" for source in sources]
    assert diff["after"].splitlines() == [f"{source}: {after}" for source in sources]


def test_without_diff_mode_there_is_no_diff(licstat: Licstat, log: Path) -> None:
    assert "diff" not in licstat(log)


# Of many logs in one task.


def test_all_are_sent_before_the_first_is_waited_for(licstat: Licstat, make_log: Logs) -> None:
    licstat.sandbox.clock(speed=0)
    logs = [make_log() for _unused in range(5)]

    result = licstat(*logs, wait_timeout=0.1)

    assert result["state"] == "running"
    operations = [request.operation for request in licstat.sandbox.requests()]
    assert operations[:6] == ["no_task", *["import"] * 5]
    assert set(operations[6:]) == {"status"}
    asked = {request.path.split("/")[-2] for request in licstat.questions}
    assert asked == {entry["remote_id"] for entry in result["imports"]}
    assert all(entry["remote_id"] in result["msg"] for entry in result["imports"])


def test_when_one_log_fails_the_others_are_imported_and_the_task_names_it(licstat: Licstat, make_log: Logs) -> None:
    logs = [make_log() for _unused in range(5)]
    licstat.sandbox.fault("status", operation="import", skip=1, when="after_body", status=400, body="No, thanks.")
    licstat.sandbox.fault("drop", operation="import", skip=3, when="after_body")

    result = licstat(*logs)

    assert_plain_failure(result)
    assert [entry["state"] for entry in result["imports"]] == [
        *("succeeded", "failed", "succeeded", "unknown", "succeeded"),
    ]
    assert [entry["changed"] for entry in result["imports"]] == [True, False, True, True, True]
    assert (result["state"], result["changed"]) == ("unknown", True)
    named = [str(log) in result["msg"] for log in logs]
    assert named == [False, True, False, True, False]
    assert "2 of 5" in result["msg"]
    assert "No, thanks." in result["msg"]
    assert licstat.held.imports == 3
    again = licstat(*logs, on_unknown="retry")
    assert [entry["reason"] for entry in again["imports"]] == ["receipt", "retried", "receipt", "retried", "receipt"]
    assert again["state"] == "succeeded"
    assert licstat.held.imports == 5


def test_equal_contents_are_imported_once_and_reported_as_duplicates(licstat: Licstat, make_log: Logs) -> None:
    first, other, second, third = (make_log(name, day=day) for name, day in (("a", 0), ("b", 1), ("c", 0), ("d", 0)))

    result = licstat(first, other, second, third, first)

    assert not result.get("failed")
    assert [entry["reason"] for entry in result["imports"]] == ["new", "new", "duplicate", "duplicate", "duplicate"]
    assert [entry["changed"] for entry in result["imports"]] == [True, True, False, False, False]
    assert {entry["remote_id"] for entry in result["imports"]} == {task.tid for task in licstat.sandbox.licstat().tasks}
    assert {entry["state"] for entry in result["imports"]} == {"succeeded"}
    assert len(licstat.uploads) == 2


def test_a_duplicate_of_what_failed_is_no_success(licstat: Licstat, make_log: Logs) -> None:
    logs = [make_log("a.log", day=0), make_log("b.log", day=0)]
    licstat.sandbox.fault("status", operation="import", when="after_body", status=400)

    result = licstat(*logs)

    assert_plain_failure(result)
    assert [entry["state"] for entry in result["imports"]] == ["failed", "failed"]
    assert [entry["reason"] for entry in result["imports"]] == ["new", "duplicate"]
    assert result["changed"] is False
    assert len(licstat.uploads) == 1


@pytest.mark.slow
def test_two_hundred_logs_in_one_task_are_imported_once_each_and_in_order(licstat: Licstat, make_log: Logs) -> None:
    licstat.sandbox.configure(parallel=True)
    logs = [make_log() for _unused in range(200)]

    first = licstat(*logs, wait_timeout=60)
    asked = len(licstat.sandbox.requests())
    second = licstat(*logs)

    assert not first.get("failed")
    assert (first["state"], first["changed"]) == ("succeeded", True)
    assert [entry["reason"] for entry in first["imports"]] == ["new"] * 200
    assert [entry["source"] for entry in first["imports"]] == [str(log) for log in logs]
    tasks = licstat.sandbox.licstat().tasks
    assert [task.file_name for task in tasks] == [log.name for log in logs]
    assert [task.tid for task in tasks] == [entry["remote_id"] for entry in first["imports"]]
    assert licstat.held.imports == 200
    assert (second["state"], second["changed"]) == ("succeeded", False)
    assert {entry["reason"] for entry in second["imports"]} == {"receipt"}
    assert len(licstat.sandbox.requests()) == asked


# How soon.


def lateness(licstat: Licstat, entry: dict[str, Any]) -> tuple[float, float]:
    """How long an import took on the server, and how long after its end it was seen to be over; real seconds."""
    now, real = licstat.sandbox.clock(), time.time()
    tasks = {task["tid"]: task for task in licstat.sandbox.state()["licstat"]["tasks"]}
    ended = real - (now - tasks[entry["remote_id"]]["ends"])
    seen = datetime.fromisoformat(entry["finished_at"]).timestamp()
    begun = datetime.fromisoformat(entry["started_at"]).timestamp()
    return ended - begun, seen - ended


def seconds_as_mib(licstat: Licstat) -> None:
    """Real time, of which a log takes a second for each MiB on the server."""
    licstat.sandbox.clock(speed=1)
    licstat.sandbox.configure(seconds_pending=0, seconds_running=0, seconds_per_mib=1, parallel=True)


def assert_soon(measure: Callable[[], list[tuple[float, float]]]) -> None:
    """Of three tries, one sees all ends within a tenth of the durations and a bit: a busy machine may be late once."""
    seen = []
    for _unused in range(3):
        seen.append(measure())
        if all(-0.05 <= late <= took / 10 + 0.3 for took, late in seen[-1]):
            return
    raise AssertionError(f"took and late, in seconds: {seen}")


@pytest.mark.parametrize("seconds", [0.02, 0.7])
def test_a_short_import_is_seen_to_be_over_soon(licstat: Licstat, make_log: Logs, seconds: float) -> None:
    seconds_as_mib(licstat)

    def measure() -> list[tuple[float, float]]:
        result = licstat(make_log(mib=seconds), wait_sleep=10)
        assert_ended_well(result, changed=True, reason="new")
        took, late = lateness(licstat, only(result))
        assert took > seconds - 0.05
        return [(took, late)]

    assert_soon(measure)


@pytest.mark.slow
def test_imports_of_all_durations_are_seen_to_be_over_within_a_tenth_of_them_and_a_bit(
    licstat: Licstat, make_log: Logs
) -> None:
    seconds_as_mib(licstat)
    durations = (3, 1.5, 5, 2, 4, 2.5)

    def measure() -> list[tuple[float, float]]:
        asked = len(licstat.questions)
        result = licstat(*[make_log(mib=seconds) for seconds in durations], wait_sleep=10, wait_timeout=30)
        assert not result.get("failed")
        assert len(licstat.questions) - asked < 200
        found = [lateness(licstat, entry) for entry in result["imports"]]
        assert all(took > seconds - 0.05 for (took, _late), seconds in zip(found, durations))
        return found

    assert_soon(measure)


@pytest.mark.slow
def test_an_import_that_is_resumed_is_seen_to_be_over_as_soon(licstat: Licstat, make_log: Logs) -> None:
    licstat.sandbox.clock(speed=1)
    licstat.sandbox.configure(seconds_pending=1, seconds_running=2)

    def measure() -> list[tuple[float, float]]:
        log = make_log()
        licstat(log, wait=False)
        result = licstat(log, wait_sleep=10)
        assert_ended_well(result, changed=False, reason="resumed")
        return [lateness(licstat, only(result))]

    assert_soon(measure)
