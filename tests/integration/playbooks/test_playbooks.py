# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as users run them, by `ansible-playbook`, against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ...running import ROOT, run_module
from ...sandbox.handle import Sandbox
from ..support import Logs
from .driver import FIXTURES, MODULE, SERVER, Ansible, assert_ended_well, without_spaces

TASK_INFO = "assetops.imports.licstat_task_info"


@pytest.fixture
def ansible(sandbox: Sandbox, tmp_path: Path) -> Ansible:
    sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=0.1)
    return Ansible(sandbox, tmp_path)


@pytest.fixture
def log() -> Path:
    return FIXTURES / "cad/debug.log"


@pytest.mark.slow
def test_check_mode_predicts_before_and_agrees_after_and_the_second_run_finds_nothing_to_do(
    ansible: Ansible, log: Path
) -> None:
    task = {"name": "Import", MODULE: ansible.options(log)}
    dry = {"check_mode": True, "diff": True}

    done = ansible.play({**task, **dry}, {**task, "diff": True}, task, {**task, **dry})

    assert_ended_well(done)
    assert [result["state"] for result in done.results] == ["planned", "succeeded", "succeeded", "succeeded"]
    assert [result["changed"] for result in done.results] == [True, True, False, False]
    assert (done.recap()["ok"], done.recap()["changed"]) == (4, 2)
    planned, real, again, agreed = done.results
    assert not planned["receipts"]["created"]
    assert real["receipts"]["created"], "check mode made something"
    assert (again["imports"][0]["reason"], agreed["imports"][0]["reason"]) == ("receipt", "receipt")
    assert done.output.count("A new receipt store was made") == done.output.count("WARNING") == 1
    assert ansible.accepted() == 1
    assert [request.operation for request in ansible.sandbox.requests()][:2] == ["no_task", "no_task"]
    lines = done.output.splitlines()
    begins = [number for number, line in enumerate(lines) if line.startswith("---")]
    server = f"{ansible.sandbox.licstat_url} license server {SERVER}"
    assert [lines[begin : begin + 5] for begin in begins] == [
        [f"--- before: {server}", f"+++ after: {server}", "@@ -1 +1 @@", f"-{log}: not imported", f"+{log}: {state}"]
        for state in ("planned", "succeeded")
    ], "a difference is shown though there is none"


@pytest.mark.slow
def test_options_come_from_module_defaults_the_environment_or_the_home_of_the_user(
    ansible: Ansible, make_log: Logs
) -> None:
    """And a failed task has as complete a result as another, with the words of the server."""
    connection = ansible.connection()
    logs = [{"license_server_id": SERVER, "src": [str(make_log())]} for _number in range(3)]
    undated = FIXTURES / "truncated/debug.log"
    defaults = {
        "group/assetops.imports.licstat": connection,
        "group/assetops.imports.imports": {"receipts": str(ansible.store), "wait": False},
    }
    environment = {
        "LICSTAT_URL": connection["url"],
        "LICSTAT_API_TOKEN": connection["api_token"],
        "ASSETOPS_RECEIPTS": str(ansible.store),
    }

    done = ansible.play(
        {"name": "Import", MODULE: logs[0], "register": "outcome", "module_defaults": defaults},
        {"name": "Ask", TASK_INFO: {"task_id": "{{ outcome.imports[0].remote_id }}"}, "module_defaults": defaults},
        {"name": "Import by the environment", MODULE: logs[1], "environment": environment},
        {"name": "Import with the default store", MODULE: {**connection, **logs[2]}},
        {"name": "Fail", MODULE: ansible.options(undated), "register": "outcome", "ignore_errors": True},
        {
            "name": "The result of a failed task is as complete as that of another",
            "ansible.builtin.assert": {
                "that": [
                    "outcome is failed",
                    "outcome is changed",
                    "outcome.state == 'failed'",
                    "outcome.imports[0].server.err == 'The log file contains no date'",
                ]
            },
        },
    )

    assert done.status == 0, done.output
    by_defaults, asked, by_environment, at_home, failed, _judged = done.results
    assert by_defaults["state"] == "submitted", "wait: false of the group imports did not apply"
    assert by_defaults["receipts"]["store"] == str(ansible.store)
    assert not asked["changed"]
    assert by_defaults["imports"][0]["remote_id"] in json.dumps(asked)
    assert (by_environment["state"], by_environment["receipts"]["store"]) == ("succeeded", str(ansible.store))
    store = Path.home() / ".ansible/assetops/receipts.db"
    assert store.is_file()
    assert at_home["receipts"] == {"store": str(store), "created": True}
    assert without_spaces(f"[WARNING]: A new receipt store was made: {store}") in without_spaces(done.output)
    assert done.recap()["ignored"] == 1
    assert "The log file contains no date" in failed["msg"]
    assert str(undated) in failed["msg"]


@pytest.mark.slow
def test_the_playbooks_of_the_collection_import_into_what_the_demo_has(ansible: Ansible) -> None:
    """By their full names, with an inventory whose hosts share one store, on which they are at work at once."""
    sandbox = ansible.sandbox
    sandbox.configure("lmt", history=[{"age": 3600}], daily=False)
    environment = {**sandbox.environment, "ASSETOPS_RECEIPTS": str(ansible.store)}
    command = ["-i", str(ROOT / "tests/inventory/demo"), "assetops.imports.licstat", "assetops.imports.bigfix"]
    command += ["-e", "bigfix_import_wait_sleep=0.1"]
    targets = ("cad", "eda", "cae", "bigfix_inventory", "license_metric_tool")

    done = ansible.run(*command, **environment)

    assert_ended_well(done)
    assert [done.recap(host)["changed"] for host in targets] == [1, 1, 1, 1, 0]  # one is no day old
    assert {one["result"]["state"] for one in done.tasks if "imports" in one["result"]} == {"succeeded"}
    held = sandbox.licstat().servers
    assert {number: held[number].imports for number in (40, 41, 42)} == {40: 2, 41: 1, 42: 1}
    assert all(held[number].features for number in (40, 41, 42))
    assert (len(sandbox.bigfix().imports), sandbox.lmt().starts_asked) == (1, 0)


@pytest.mark.slow
def test_logs_whose_paths_are_longer_together_than_an_argument_are_imported_and_archived(
    ansible: Ansible, tmp_path: Path
) -> None:
    """Longer than what Linux takes as one argument of a command."""
    count = 100
    folder = tmp_path.joinpath(*["license-server-" + "x" * 200] * 6)
    folder.mkdir(parents=True)
    logs = [folder / f"{number:04}.rl" for number in range(count)]
    for number, log in enumerate(logs):
        log.write_bytes(b"\0 report log %d" % number)
        os.utime(log, (1_700_000_000 + number,) * 2)
    assert sum(len(str(log)) for log in logs) > 128 * 1024
    archive = tmp_path / "archive"
    found = {**ansible.options(), "paths": [str(folder)], "patterns": ["*.rl"]}
    found.update(afterwards="archive", archive=str(archive))
    del found["src"]

    done = ansible.play({"name": "Import", MODULE: ansible.options(*logs)}, {"name": "Archive", MODULE: found})

    assert_ended_well(done)
    imported, archived = done.results
    for result, reason in ((imported, "new"), (archived, "receipt")):
        assert [one["source"] for one in result["imports"]] == [str(log) for log in logs]
        assert {(one["state"], one["reason"]) for one in result["imports"]} == {("succeeded", reason)}
    held = ansible.sandbox.licstat()
    assert held.servers[SERVER].imports == ansible.accepted() == count
    assert [task.file_name for task in held.tasks] == [log.name for log in logs], "not sent in the order given"
    assert {one["state"] for one in archived["put_away"]} == {"archived"}
    assert (len(list(archive.iterdir())), list(folder.iterdir())) == (count, [])


@pytest.mark.slow
def test_without_requests_only_sending_fails_and_says_what_is_missing_where(
    ansible: Ansible, log: Path, tmp_path: Path
) -> None:
    other = FIXTURES / "eda/debug.log"
    assert run_module("licstat_import", **ansible.options(log))["changed"]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    ansible.python = str(tmp_path / "bare/bin/python")

    done = ansible.play(
        {"name": "Nothing to do", MODULE: ansible.options(log)},
        {"name": "Plan", MODULE: ansible.options(other), "check_mode": True, "ignore_errors": True},
        {"name": "Send", MODULE: ansible.options(other), "ignore_errors": True},
        {"name": "Ask", TASK_INFO: {**ansible.connection(), "task_id": "import_1"}, "ignore_errors": True},
    )
    assert done.status == 0, done.output
    unchanged, planned, sent, asked = done.results
    assert (unchanged["state"], unchanged["changed"]) == ("succeeded", False)
    assert not planned["changed"]
    for refused in (planned, sent, asked):
        assert "requests" in refused["msg"]
        assert ansible.python in refused["msg"]
        assert "Traceback" not in json.dumps(refused)
    assert not sent["changed"]
    assert ansible.accepted() == 1
