# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode: it sends nothing that could change anything, writes nothing, and says what a run would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..support import MIB, SERVER, Licstat, Logs, assert_plain_failure, only, snapshot


def timeless(result: dict[str, Any]) -> dict[str, Any]:
    """A result without the times at which ends were seen."""
    imports = [{**entry, "finished_at": None, "duration": None} for entry in result.get("imports", [])]
    return {**result, "imports": imports}


Situation = Callable[[Licstat, Logs], tuple[list[Path], dict[str, Any]]]


def nothing_yet(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log()], {}


def another_log_was_imported(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    licstat(make_log())
    return [make_log()], {}


def receipts_are_not_kept(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log()], {"receipts": "none"}


def it_was_imported(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat(log)
    return [log], {}


def it_was_imported_and_is_forced(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat(log, merge_policy="replace")
    return [log], {"force": True, "merge_policy": "replace"}


def it_was_imported_with_other_options(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat(log, gather=["usage"])
    return [log], {"gather": ["denials"]}


def another_state_was_imported_since(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    options: dict[str, Any] = {"once": "latest", "merge_policy": "replace"}
    for day in (0, 1):
        licstat(make_log("debug.log", day=day), **options)
    return [make_log("debug.log", day=0)], options


def its_window_was_imported(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    options: dict[str, Any] = {"identity": "window", "from": "2022-01-10", "to": "2022-01-11 00:00"}
    licstat(log, **options)
    log.write_text(log.read_text() + "\n")
    return [log], options


def its_window_was_not_imported(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat(log)
    return [log], {"identity": "window", "from": "2022-02-10", "to": "2022-02-11 00:00"}


def it_failed(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat.sandbox.fault("status", operation="import", when="after_body", status=400)
    licstat(log)
    return [log], {}


def its_answer_was_lost(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat.sandbox.fault("drop", operation="import", when="after_body")
    licstat(log)
    return [log], {}


def its_answer_was_lost_and_it_is_to_be_retried(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return its_answer_was_lost(licstat, make_log)[0], {"on_unknown": "retry"}


def it_runs(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat.sandbox.clock(speed=0)
    licstat(log, wait=False)
    return [log], {"wait": False}


def it_runs_and_is_forced(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return it_runs(licstat, make_log)[0], {"wait": False, "force": True}


def it_has_ended_well_since(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    logs, _unused = it_runs(licstat, make_log)
    licstat.sandbox.clock(step=60)
    return logs, {}


def it_has_failed_since(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    licstat.sandbox.configure(final_error="Disk full")
    return it_has_ended_well_since(licstat, make_log)


def it_was_forgotten_since(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    licstat.sandbox.configure(forget_after=0.0)
    return it_has_ended_well_since(licstat, make_log)


def it_cannot_be_asked_for(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    logs, _unused = it_runs(licstat, make_log)
    licstat.sandbox.fault("status", operation="status", times=None, status=503)
    return logs, {"wait": False}


def it_may_not_be_asked_for(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    logs, _unused = it_runs(licstat, make_log)
    return logs, {"wait": False, "api_token": "this-is-not-the-token"}


def a_run_died_before_it_had_sent_all(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log(mib=16)
    licstat.sandbox.fault("hold", operation="import", after_bytes=MIB)
    _die(licstat, log)
    return [log], {}


def a_run_died_before_it_had_an_answer(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    log = make_log()
    licstat.sandbox.fault("hold", operation="import", when="after_body")
    _die(licstat, log)
    return [log], {}


def it_stands_there_twice(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log("a", day=0), make_log("b", day=0)], {}


def one_of_several_is_new(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    logs = [make_log() for _unused in range(3)]
    licstat(logs[0], logs[2])
    return logs, {}


def one_is_new_and_one_unknown(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log(), *its_answer_was_lost(licstat, make_log)[0]], {}


def receipts_are_required_and_not_there(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log()], {"require_receipts": True}


def a_log_is_missing(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log(), licstat.folder / "missing.log"], {}


def _die(licstat: Licstat, log: Path) -> None:
    module = licstat.start(log)
    licstat.sandbox.wait_for("held", operation="import")
    module.kill()
    licstat.sandbox.clear_faults()
    licstat.sandbox.wait_idle()


@dataclass(frozen=True)
class Forecast:
    """What check mode says, per import, and whether the task fails."""

    situation: Situation
    states: list[str]
    reasons: list[str]
    changed: list[bool] = field(default_factory=lambda: [False])
    fails: bool = False


FORECASTS = [
    Forecast(nothing_yet, ["planned"], ["new"], [True]),
    Forecast(another_log_was_imported, ["planned"], ["new"], [True]),
    Forecast(receipts_are_not_kept, ["planned"], ["new"], [True]),
    Forecast(it_was_imported, ["succeeded"], ["receipt"]),
    Forecast(it_was_imported_and_is_forced, ["planned"], ["forced"], [True]),
    Forecast(it_was_imported_with_other_options, ["planned"], ["new"], [True]),
    Forecast(another_state_was_imported_since, ["planned"], ["new"], [True]),
    Forecast(its_window_was_imported, ["succeeded"], ["receipt"]),
    Forecast(its_window_was_not_imported, ["planned"], ["new"], [True]),
    Forecast(it_failed, ["planned"], ["retried"], [True]),
    Forecast(its_answer_was_lost, ["unknown"], ["receipt"], fails=True),
    Forecast(its_answer_was_lost_and_it_is_to_be_retried, ["planned"], ["retried"], [True]),
    Forecast(it_runs, ["running"], ["resumed"]),
    Forecast(it_runs_and_is_forced, ["running"], ["resumed"]),
    Forecast(it_has_ended_well_since, ["succeeded"], ["resumed"]),
    Forecast(it_has_failed_since, ["failed"], ["resumed"], fails=True),
    Forecast(it_was_forgotten_since, ["unknown"], ["resumed"], fails=True),
    Forecast(it_cannot_be_asked_for, ["running"], ["resumed"], fails=True),
    Forecast(it_may_not_be_asked_for, ["running"], ["resumed"], fails=True),
    Forecast(a_run_died_before_it_had_sent_all, ["planned"], ["retried"], [True]),
    Forecast(a_run_died_before_it_had_an_answer, ["unknown"], ["receipt"], fails=True),
    Forecast(it_stands_there_twice, ["planned", "planned"], ["new", "duplicate"], [True, False]),
    Forecast(
        one_of_several_is_new,
        ["succeeded", "planned", "succeeded"],
        ["receipt", "new", "receipt"],
        [False, True, False],
    ),
    Forecast(one_is_new_and_one_unknown, ["planned", "unknown"], ["new", "receipt"], [True, False], fails=True),
    Forecast(receipts_are_required_and_not_there, [], [], [], fails=True),
    Forecast(a_log_is_missing, [], [], [], fails=True),
]


@pytest.mark.parametrize("forecast", [pytest.param(one, id=one.situation.__name__) for one in FORECASTS])
def test_check_mode_changes_nothing_and_says_what_the_run_then_does(
    licstat: Licstat, make_log: Logs, forecast: Forecast
) -> None:
    logs, options = forecast.situation(licstat, make_log)

    foreseen = licstat.foresee(*logs, **options)

    assert [entry["state"] for entry in foreseen.get("imports", [])] == forecast.states
    assert [entry["reason"] for entry in foreseen.get("imports", [])] == forecast.reasons
    assert [entry["changed"] for entry in foreseen.get("imports", [])] == forecast.changed
    assert bool(foreseen.get("failed")) == forecast.fails
    assert bool(foreseen.get("changed")) == any(forecast.changed)
    if forecast.fails:
        assert_plain_failure(foreseen)
    assert timeless(licstat.foresee(*logs, **options)) == timeless(foreseen)

    done = licstat(*logs, diff=True, **options)

    assert [entry["reason"] for entry in done.get("imports", [])] == forecast.reasons
    assert [entry["changed"] for entry in done.get("imports", [])] == forecast.changed
    assert bool(done.get("failed")) == forecast.fails
    ends = ["succeeded" if state == "planned" else state for state in forecast.states]
    assert [entry["state"] for entry in done.get("imports", [])] == ends
    for before, after in zip(foreseen.get("imports", []), done.get("imports", [])):
        assert (before["key"], before["source"], before["size"]) == (after["key"], after["source"], after["size"])
    for before, after in zip(foreseen.get("diff", []), done.get("diff", [])):
        assert before["before"] == after["before"]
        assert before["after"].replace("planned", "succeeded") == after["after"]


def test_check_mode_makes_no_store_and_no_folder_for_one(licstat: Licstat, log: Path) -> None:
    result = licstat.foresee(log)

    assert result["receipts"] == {"store": str(licstat.store), "created": False}
    assert "warnings" not in result
    assert not licstat.store.parent.exists()


def test_check_mode_makes_no_store_in_the_home_either(licstat: Licstat, log: Path) -> None:
    licstat.foresee(log, receipts="~/.ansible/assetops/receipts.db")

    assert list(Path.home().iterdir()) == []


def test_check_mode_neither_waits_for_another_run_nor_disturbs_it(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("hold", operation="import", when="after_body")
    other = licstat.start(log)
    licstat.sandbox.wait_for("held", operation="import")
    sent = len(licstat.sandbox.requests())

    foreseen = licstat(log, check=True)

    assert (foreseen["state"], foreseen["changed"], only(foreseen)["reason"]) == ("running", False, "joined")
    assert "failed" not in foreseen
    assert len(licstat.sandbox.requests()) == sent
    licstat.sandbox.release()
    assert other.finish()["state"] == "succeeded"
    assert licstat.held.imports == 1


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://127.0.0.1:9"}, "onnection refused"),
        ({"api_token": "not-the-token"}, "api_token"),
        ({"url": "http://licstat.invalid"}, "licstat.invalid"),
    ],
)
def test_check_mode_tells_what_may_safely_be_asked(
    licstat: Licstat, log: Path, options: dict[str, Any], words: str
) -> None:
    foreseen = licstat(log, check=True, **options)

    assert (foreseen["failed"], foreseen["state"], foreseen["changed"]) == (True, "failed", False)
    assert words in foreseen["msg"]
    assert "Nothing was imported." in foreseen["msg"]
    assert not licstat.store.exists()
    assert licstat.held.imports == 0


def test_check_mode_does_not_say_what_only_an_import_tells(licstat: Licstat, log: Path) -> None:
    foreseen = licstat.foresee(log, license_server_id=999)

    assert (foreseen["state"], foreseen["changed"]) == ("planned", True)


def test_asking_for_a_task_is_safe_in_check_mode(licstat: Licstat, log: Path) -> None:
    task = only(licstat(log))["remote_id"]
    before = snapshot(licstat.folder)

    foreseen = licstat.task_info(task_id=task, check=True)

    assert foreseen == licstat.task_info(task_id=task)
    assert foreseen["state"] == "succeeded"
    assert snapshot(licstat.folder) == before


def test_the_client_itself_refuses_to_send_in_check_mode(licstat: Licstat, log: Path) -> None:
    from ansible_collections.assetops.imports.plugins.module_utils._common import contract as _contract
    from ansible_collections.assetops.imports.plugins.module_utils._common import redaction as _redaction
    from ansible_collections.assetops.imports.plugins.module_utils._files import content as _content
    from ansible_collections.assetops.imports.plugins.module_utils._http import client as _client
    from ansible_collections.assetops.imports.plugins.module_utils._http import multipart as _multipart

    secrets = _redaction.Secrets()
    connection = _contract.Connection(url=licstat.sandbox.licstat_url)
    client = _client.Client(connection, {"X-Auth-token": licstat.sandbox.licstat_token}, secrets, check_mode=True)
    (content,) = _content.open_contents([str(log)])
    body = _multipart.form_data("file", content, lambda _sha256: None)

    with pytest.raises(_client.UnsafeInCheckMode):
        client.submit("POST", f"/api/v3/admin/license-server/{SERVER}/import", body)

    assert licstat.sandbox.requests() == []
    assert client.ask("POST", "/api/v3/admin/task/import_1/status").status == 200
