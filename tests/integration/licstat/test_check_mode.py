# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode: it sends nothing that could change anything, writes nothing, and says what a run would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..support import MIB, SERVER, Licstat, Logs, assert_plain_failure, only, snapshot

Situation = Callable[[Licstat, Logs], tuple[list[Path], dict[str, Any]]]
"""What makes it, and gives the logs that are then to be imported, with options."""

WINDOW: dict[str, Any] = {"identity": "window", "from": "2022-01-10", "to": "2022-01-11 00:00"}
OTHER_WINDOW: dict[str, Any] = {"identity": "window", "from": "2022-02-10", "to": "2022-02-11 00:00"}
LATEST: dict[str, Any] = {"once": "latest", "merge_policy": "replace"}
REFUSED: dict[str, Any] = {"action": "status", "status": 400}
LOST: dict[str, Any] = {"action": "drop"}


def new(**options: Any) -> Situation:
    """Nothing is known of the log."""
    return lambda _licstat, make_log: ([make_log()], options)


def imported(
    before: dict[str, Any] | None = None, *, fault: dict[str, Any] | None = None, more: str = "", **options: Any
) -> Situation:
    """A run before had these options and this fault, and the log has grown by so much since."""

    def make(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
        log = make_log()
        if fault:
            licstat.sandbox.fault(operation="import", when="after_body", **fault)
        licstat(log, **(before or {}))
        if more:
            log.write_text(log.read_text() + more)
        return [log], options

    return make


def running(
    *, step: float = 0, status: int | None = None, settings: dict[str, Any] | None = None, **options: Any
) -> Situation:
    """A run before did not wait, so many seconds ago; the server answers questions with this status by now."""

    def make(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
        log = make_log()
        licstat.sandbox.configure(**(settings or {}))
        licstat.sandbox.clock(speed=0)
        licstat(log, wait=False)
        licstat.sandbox.clock(step=step)
        if status:
            licstat.sandbox.fault("status", operation="status", times=None, status=status)
        return [log], options

    return make


def died(mib: float, **where: Any) -> Situation:
    """A run before was killed while the server held its upload there."""

    def make(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
        log = make_log(mib=mib)
        licstat.sandbox.fault("hold", operation="import", **where)
        module = licstat.start(log)
        licstat.sandbox.wait_for("held", operation="import")
        module.kill()
        licstat.sandbox.clear_faults()
        licstat.sandbox.wait_idle()
        return [log], {}

    return make


def another_log_was_imported(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    licstat(make_log())
    return [make_log()], {}


def another_state_was_imported_since(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    for day in (0, 1):
        licstat(make_log("debug.log", day=day), **LATEST)
    return [make_log("debug.log", day=0)], LATEST


def it_stands_there_twice(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log("a", day=0), make_log("b", day=0)], {}


def one_of_several_is_new(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    logs = [make_log() for _unused in range(3)]
    licstat(logs[0], logs[2])
    return logs, {}


def one_is_new_and_one_unknown(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log(), *imported(fault=LOST)(licstat, make_log)[0]], {}


def a_log_is_missing(licstat: Licstat, make_log: Logs) -> tuple[list[Path], dict[str, Any]]:
    return [make_log(), licstat.folder / "missing.log"], {}


def forecast(
    name: str,
    situation: Situation,
    states: str = "",
    reasons: str = "",
    changed: tuple[bool, ...] = (False,),
    *,
    fails: bool = False,
) -> Any:
    """What check mode says, per import, and whether the task fails."""
    return pytest.param(situation, states.split(), reasons.split(), list(changed), fails, id=name)


YES = (True,)
FORECASTS = [
    forecast("nothing yet", new(), "planned", "new", YES),
    forecast("another log was imported", another_log_was_imported, "planned", "new", YES),
    forecast("receipts are not kept", new(receipts="none"), "planned", "new", YES),
    forecast("imported", imported(), "succeeded", "receipt"),
    forecast("imported and forced", imported(LATEST, force=True, merge_policy="replace"), "planned", "forced", YES),
    forecast("imported otherwise", imported({"gather": ["usage"]}, gather=["denials"]), "planned", "new", YES),
    forecast("another state imported since", another_state_was_imported_since, "planned", "new", YES),
    forecast("its window was imported", imported(WINDOW, more="\n", **WINDOW), "succeeded", "receipt"),
    forecast("its window was not imported", imported(**OTHER_WINDOW), "planned", "new", YES),
    forecast("failed", imported(fault=REFUSED), "planned", "retried", YES),
    forecast("unknown", imported(fault=LOST), "unknown", "receipt", fails=True),
    forecast("unknown and retried", imported(fault=LOST, on_unknown="retry"), "planned", "retried", YES),
    forecast("running", running(wait=False), "running", "resumed"),
    forecast("running and forced", running(wait=False, force=True), "running", "resumed"),
    forecast("ended well since", running(step=60), "succeeded", "resumed"),
    forecast("failed since", running(step=60, settings={"final_error": "Full"}), "failed", "resumed", fails=True),
    forecast("forgotten since", running(step=60, settings={"forget_after": 0.0}), "unknown", "resumed", fails=True),
    forecast("away", running(status=503, wait=False), "running", "resumed", fails=True),
    forecast("not answered", running(wait=False, api_token="not-the-token"), "running", "resumed", fails=True),
    forecast("killed before it had sent all", died(16, after_bytes=MIB), "planned", "retried", YES),
    forecast("killed before an answer", died(0, when="after_body"), "unknown", "receipt", fails=True),
    forecast("there twice", it_stands_there_twice, "planned planned", "new duplicate", (True, False)),
    forecast(
        "one of several is new",
        one_of_several_is_new,
        "succeeded planned succeeded",
        "receipt new receipt",
        (False, True, False),
    ),
    forecast(
        "one new, one unknown",
        one_is_new_and_one_unknown,
        "planned unknown",
        "new receipt",
        (True, False),
        fails=True,
    ),
    forecast("receipts required", new(require_receipts=True), changed=(), fails=True),
    forecast("a log is missing", a_log_is_missing, changed=(), fails=True),
]


@pytest.mark.parametrize(("situation", "states", "reasons", "changed", "fails"), FORECASTS)
def test_check_mode_changes_nothing_and_says_what_the_run_then_does(
    licstat: Licstat,
    make_log: Logs,
    situation: Situation,
    states: list[str],
    reasons: list[str],
    changed: list[bool],
    fails: bool,
) -> None:
    logs, options = situation(licstat, make_log)

    foreseen = licstat.foresee(*logs, **options)
    done = licstat(*logs, diff=True, **options)

    planned, ended = foreseen.get("imports", []), done.get("imports", [])
    assert [entry["state"] for entry in planned] == states
    assert [entry["state"] for entry in ended] == ["succeeded" if state == "planned" else state for state in states]
    for result, entries in ((foreseen, planned), (done, ended)):
        assert [entry["reason"] for entry in entries] == reasons
        assert [entry["changed"] for entry in entries] == changed
        assert bool(result.get("failed")) == fails
    assert bool(foreseen.get("changed")) == any(changed)
    if fails:
        assert_plain_failure(foreseen)
    for before, after in zip(planned, ended):
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
