# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as users run them, by `ansible-playbook`, against the sandbox."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.release import __version__ as core_version

from ...running import ROOT
from ...sandbox.handle import Sandbox
from .driver import FIXTURES, MODULE, PYENV, SERVER, Ansible, assert_ended_well, python_39, without_spaces

TASK_INFO = "assetops.imports.licstat_task_info"


@pytest.fixture
def ansible(sandbox: Sandbox, tmp_path: Path) -> Ansible:
    sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=0.1)
    return Ansible(sandbox, tmp_path)


@pytest.fixture
def log() -> Path:
    return FIXTURES / "cad/debug.log"


# A playbook, twice, dry and with its difference shown.


@pytest.mark.slow
def test_the_first_run_changes_and_the_second_finds_nothing_to_do(ansible: Ansible, log: Path) -> None:
    task = {"name": "Import", MODULE: ansible.options(log)}
    first = ansible.play(task)
    assert_ended_well(first)
    assert (first.recap()["ok"], first.recap()["changed"]) == (1, 1)
    assert first.results[0]["state"] == "succeeded"
    assert "A new receipt store was made" in first.output
    assert ansible.accepted() == 1
    asked = len(ansible.sandbox.requests())

    second = ansible.play(task)
    assert_ended_well(second)
    assert (second.recap()["ok"], second.recap()["changed"]) == (1, 0)
    assert second.results[0]["imports"][0]["reason"] == "receipt"
    assert "WARNING" not in second.output
    assert len(ansible.sandbox.requests()) == asked


@pytest.mark.slow
def test_check_mode_predicts_before_and_agrees_after(ansible: Ansible, log: Path) -> None:
    task = {"name": "Import", MODULE: ansible.options(log)}
    before = ansible.play(task, arguments=["--check", "--diff"])
    assert_ended_well(before)
    assert before.recap()["changed"] == 1
    assert before.results[0]["state"] == "planned"
    assert f"-{log}: not imported" in before.output
    assert f"+{log}: planned" in before.output
    assert [request.operation for request in ansible.sandbox.requests()] == ["no_task"]
    assert not ansible.store.parent.exists(), "check mode made something"

    real = ansible.play(task, arguments=["--diff"])
    assert_ended_well(real)
    lines = real.output.splitlines()
    shown = lines[next(number for number, line in enumerate(lines) if line.startswith("---")) :][:5]
    assert shown == [
        f"--- before: {ansible.sandbox.licstat_url} license server {SERVER}",
        f"+++ after: {ansible.sandbox.licstat_url} license server {SERVER}",
        "@@ -1 +1 @@",
        f"-{log}: not imported",
        f"+{log}: succeeded",
    ]

    after = ansible.play(task, arguments=["--check", "--diff"])
    assert_ended_well(after)
    assert after.recap()["changed"] == 0
    assert after.results[0]["state"] == "succeeded"
    assert not re.search(r"^[-+]", after.output, re.MULTILINE), "a difference is shown though there is none"
    assert ansible.accepted() == 1


@pytest.mark.slow
def test_a_failed_import_fails_the_task_with_the_words_of_the_server(ansible: Ansible) -> None:
    undated = FIXTURES / "truncated/debug.log"
    done = ansible.play(
        {"name": "Import", MODULE: ansible.options(undated), "register": "outcome", "ignore_errors": True},
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
    assert done.recap()["ignored"] == 1
    assert "The log file contains no date" in done.results[0]["msg"]
    assert str(undated) in done.results[0]["msg"]


# Where options come from.


@pytest.mark.slow
def test_module_defaults_of_both_groups_apply(ansible: Ansible, log: Path) -> None:
    done = ansible.play(
        {"name": "Import", MODULE: {"license_server_id": SERVER, "src": [str(log)]}, "register": "outcome"},
        {"name": "Ask", TASK_INFO: {"task_id": "{{ outcome.imports[0].remote_id }}"}},
        module_defaults={
            "group/assetops.imports.licstat": ansible.connection(),
            "group/assetops.imports.imports": {"receipts": str(ansible.store), "wait": False},
        },
    )
    assert_ended_well(done)
    imported, asked = done.results
    assert imported["state"] == "submitted", "wait: false of the group imports did not apply"
    assert imported["receipts"]["store"] == str(ansible.store)
    assert not asked["changed"]
    assert imported["imports"][0]["remote_id"] in json.dumps(asked)


@pytest.mark.slow
def test_the_environment_of_a_task_stands_in_for_options(ansible: Ansible, log: Path) -> None:
    connection = ansible.connection()
    done = ansible.play(
        {
            "name": "Import",
            MODULE: {"license_server_id": SERVER, "src": [str(log)]},
            "environment": {
                "LICSTAT_URL": connection["url"],
                "LICSTAT_API_TOKEN": connection["api_token"],
                "ASSETOPS_RECEIPTS": str(ansible.store),
            },
        },
        arguments=["-vvv"],
    )
    assert_ended_well(done)
    assert done.results[0]["state"] == "succeeded"
    assert done.results[0]["receipts"]["store"] == str(ansible.store)


@pytest.mark.slow
def test_the_default_store_is_made_in_the_home_of_the_user(ansible: Ansible, log: Path) -> None:
    options = ansible.options(log)
    del options["receipts"]
    done = ansible.play({"name": "Import", MODULE: options})
    assert_ended_well(done)
    store = Path.home() / ".ansible/assetops/receipts.db"
    assert store.is_file()
    assert done.results[0]["receipts"] == {"store": str(store), "created": True}
    assert without_spaces(f"[WARNING]: A new receipt store was made: {store}") in without_spaces(done.output)


@pytest.mark.slow
def test_require_receipts_refuses_to_begin_without_a_store(ansible: Ansible, log: Path) -> None:
    required = {**ansible.options(log), "require_receipts": True}
    refused = ansible.play({"name": "Import", MODULE: required})
    assert refused.status != 0
    assert "require_receipts" in refused.results[0]["msg"]
    assert str(ansible.store) in refused.results[0]["msg"]
    assert not ansible.store.exists()
    assert ansible.sandbox.requests() == []

    done = ansible.play({"name": "Begin", MODULE: ansible.options(log)}, {"name": "Go on", MODULE: required})
    assert_ended_well(done)
    assert [result["changed"] for result in done.results] == [True, False]


# How tasks are run.


@pytest.mark.slow
@pytest.mark.skipif(
    " " in sys.executable and core_version.startswith(("2.18.", "2.19.", "2.20.")),
    reason="ansible-core before 2.21 cannot run asynchronous tasks by an interpreter with a space in its path",
)
def test_an_import_runs_as_an_asynchronous_task(ansible: Ansible, log: Path) -> None:
    task = {"name": "Import", MODULE: ansible.options(log), "async": 60, "poll": 1}
    done = ansible.play(task, {**task, "name": "Import again"})
    assert_ended_well(done)
    assert [result["changed"] for result in done.results] == [True, False]
    assert [result["state"] for result in done.results] == ["succeeded", "succeeded"]
    assert ansible.accepted() == 1


@pytest.mark.slow
def test_the_playbook_of_the_collection_imports_the_logs_of_three_license_servers(ansible: Ansible) -> None:
    """By its full name, with an inventory whose hosts share one store, on which they are at work at once."""
    environment = {
        "LICSTAT_URL": ansible.sandbox.licstat_url,
        "LICSTAT_API_TOKEN": ansible.sandbox.licstat_token,
        "ASSETOPS_RECEIPTS": str(ansible.store),
    }
    command = ["-i", str(ROOT / "tests/inventory/demo"), "assetops.imports.licstat"]
    first = ansible.run(*command, **environment)
    assert_ended_well(first)
    assert [first.recap(host)["changed"] for host in ("cad", "eda", "cae")] == [1, 1, 1]
    held = ansible.sandbox.licstat().servers
    assert {number: held[number].imports for number in (40, 41, 42)} == {40: 2, 41: 1, 42: 1}
    assert all(held[number].features for number in (40, 41, 42))

    second = ansible.run(*command, **environment)
    assert_ended_well(second)
    assert [second.recap(host)["changed"] for host in ("cad", "eda", "cae")] == [0, 0, 0]


@pytest.mark.slow
def test_the_playbook_of_the_collection_has_both_products_import_what_is_older_than_a_day(ansible: Ansible) -> None:
    sandbox = ansible.sandbox
    sandbox.configure("lmt", history=[{"age": 3600}], daily=False)
    environment = {
        "BIGFIX_URL": sandbox.bigfix_url,
        "BIGFIX_TOKEN": sandbox.bigfix_token,
        "LMT_URL": sandbox.lmt_url,
        "LMT_TOKEN": sandbox.lmt_token,
        "ASSETOPS_RECEIPTS": str(ansible.store),
    }
    command = [
        "-i",
        str(ROOT / "tests/inventory/demo"),
        "assetops.imports.bigfix",
        "-e",
        "bigfix_import_wait_sleep=0.1",
    ]
    first = ansible.run(*command, **environment)
    assert_ended_well(first)
    imports = {task["host"]: task["result"] for task in first.tasks if "imports" in task["result"]}
    assert {host: (one["state"], one["changed"]) for host, one in imports.items()} == {
        "bigfix_inventory": ("succeeded", True),
        "license_metric_tool": ("succeeded", False),
    }

    second = ansible.run(*command, **environment)
    assert_ended_well(second)
    assert [second.recap(host)["changed"] for host in ("bigfix_inventory", "license_metric_tool")] == [0, 0]
    assert (len(sandbox.bigfix().imports), sandbox.lmt().starts_asked) == (1, 0)


@pytest.mark.slow
def test_more_than_a_thousand_logs_in_one_task_imported_and_archived(ansible: Ansible, tmp_path: Path) -> None:
    """Their paths are longer together than what Linux takes as one argument of a command."""
    count = 1100
    folder = tmp_path / ("license-server-" + "x" * 100)
    folder.mkdir()
    logs = [folder / f"{number:04}.rl" for number in range(count)]
    for number, log in enumerate(logs):
        log.write_bytes(b"\0 report log %d" % number)
        os.utime(log, (1_700_000_000 + number,) * 2)
    assert sum(len(str(log)) for log in logs) > 128 * 1024
    task = {"name": "Import", MODULE: ansible.options(*logs)}

    first = ansible.play(task)
    assert_ended_well(first)
    assert len(first.results[0]["imports"]) == count
    assert [one["source"] for one in first.results[0]["imports"]] == [str(log) for log in logs]
    assert {(one["state"], one["reason"]) for one in first.results[0]["imports"]} == {("succeeded", "new")}
    held = ansible.sandbox.licstat()
    assert held.servers[SERVER].imports == count
    assert [task.file_name for task in held.tasks] == [log.name for log in logs], "not sent in the order given"

    archive = tmp_path / "archive"
    options = {**ansible.options(), "paths": [str(folder)], "patterns": ["*.rl"]}
    options.update(afterwards="archive", archive=str(archive))
    del options["src"]
    second = ansible.play({"name": "Import", MODULE: options})
    assert_ended_well(second)
    assert [one["source"] for one in second.results[0]["imports"]] == [str(log) for log in logs]
    assert {one["reason"] for one in second.results[0]["imports"]} == {"receipt"}
    assert {one["state"] for one in second.results[0]["put_away"]} == {"archived"}
    assert ansible.accepted() == count
    assert (len(list(archive.iterdir())), list(folder.iterdir())) == (count, [])


# Other Pythons on the host.


@pytest.mark.slow
def test_the_modules_run_on_a_host_with_python_3_9(ansible: Ansible, log: Path, tmp_path: Path) -> None:
    found = python_39()
    if found is None:
        pytest.skip(f"no Python 3.9 on PATH, in .cache/pythons or in {PYENV}")
    subprocess.run([found, "-m", "venv", tmp_path / "old"], check=True)
    ansible.python = str(tmp_path / "old/bin/python")
    installed = subprocess.run(
        [ansible.python, "-m", "pip", "install", "--quiet", "requests"], check=False, capture_output=True, text=True
    )
    if installed.returncode:
        pytest.skip(f"requests could not be installed for Python 3.9: {installed.stderr.strip().splitlines()[-1]}")
    task = {"name": "Import", MODULE: ansible.options(log), "register": "outcome"}
    done = ansible.play(
        task,
        {**task, "name": "Import again"},
        {"name": "Ask", TASK_INFO: {**ansible.connection(), "task_id": "{{ outcome.imports[0].remote_id }}"}},
    )
    assert_ended_well(done)
    assert [result["changed"] for result in done.results] == [True, False, False]
    assert ansible.accepted() == 1


@pytest.mark.slow
def test_without_requests_only_sending_fails_and_says_what_is_missing_where(
    ansible: Ansible, log: Path, tmp_path: Path
) -> None:
    other = FIXTURES / "eda/debug.log"
    assert_ended_well(ansible.play({"name": "Import", MODULE: ansible.options(log)}))
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
