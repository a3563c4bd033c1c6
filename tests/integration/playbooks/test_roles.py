# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles as users run them, by `ansible-playbook`, against the sandbox."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ..haplo.driver import KIND
from ..lm.driver import Lm
from ..support import QUICK, SERVER, Logs, argument_spec
from .driver import FIXTURES, Ansible, Done, Task, assert_ended_well, without_spaces

ROLES = ROOT / "roles"
IMPORTING = ("licstat_import", "bigfix_import", "haplo_batch", "lm_import")
BY_THE_ROLE = {"haplo_batch": ["control", "control_digest"]}
"""Options whose values the roles find out themselves; some can be set all the same."""
OWN_DEFAULTS = {"bigfix_import_max_age": 86400, "licstat_import_min_age": 120}
DAY = 24 * 3600


class Roles(Ansible):
    """Plays whose tasks are roles, with the sandbox as all five systems and receipts in the test's folder."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        sandbox.clock(speed=QUICK)
        for system in ("bigfix", "lmt"):
            sandbox.configure(system, daily=False, raw_imports_enabled=True)

    def variables(self, role: str, **variables: Any) -> dict[str, Any]:
        """Variables of a role: how the sandbox is reached, and those given, without their prefix."""
        own: dict[str, dict[str, Any]] = {
            "licstat_import": {
                "url": self.sandbox.licstat_url,
                "api_token": self.sandbox.licstat_token,
                "license_server_id": SERVER,
            },
            "bigfix_import": {"url": self.sandbox.bigfix_url, "token": self.sandbox.bigfix_token},
            "haplo_batch": {"url": self.sandbox.haplo_url, "api_key": self.sandbox.haplo_api_key},
            "lm_import": {
                "url": self.sandbox.lm_url,
                "library": "LibraryDemo",
                "username": self.sandbox.lm_username,
                "password": self.sandbox.lm_password,
            },
        }
        usual = {"receipts": str(self.store), "wait_sleep": 0.05, **own[role]}
        return {f"{role}_{name}": value for name, value in {**usual, **variables}.items()}

    def role(self, role: str, *, tasks_from: str = "main", **variables: Any) -> Task:
        """A task that runs a role."""
        return {
            "name": f"Run {role}",
            "ansible.builtin.include_role": {"name": f"assetops.imports.{role}", "tasks_from": tasks_from},
            "vars": self.variables(role, **variables),
        }


@pytest.fixture
def roles(sandbox: Sandbox, tmp_path: Path) -> Roles:
    return Roles(sandbox, tmp_path)


def of_task(done: Done, name: str) -> list[dict[str, Any]]:
    """What the tasks of that name gave, in order, but for those that were skipped."""
    return [task["result"] for task in done.tasks if task["task"].endswith(name)]


def summary(done: Done) -> list[str]:
    """The lines of all summaries."""
    return [line for result in of_task(done, ": Say what happened") for line in result["msg"]]


def folder_of_logs(folder: Path, make_log: Logs) -> Path:
    """Rotated logs of which the one with the higher number is older, one that still grows, and other files."""
    for name, hours in (("debug.log", 0), ("debug.log.1", 24), ("debug.log.2", 48), ("debug.log.9", 24 * 60)):
        path = make_log(f"{folder.name}/{name}")
        moment = datetime.now().timestamp() - hours * 3600
        os.utime(path, (moment, moment))
    logs = path.parent
    (logs / "debug.log.8.gz").write_bytes(b"\x1f\x8b")
    (logs / "other.log").write_text("nothing\n")
    return logs


# Their arguments.


@pytest.mark.parametrize("role", IMPORTING)
def test_every_option_of_the_module_is_a_variable_of_the_role(role: str) -> None:
    specs = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    for name, option in argument_spec(role).items():
        if name in BY_THE_ROLE.get(role, []):
            continue
        variable = specs[f"{role}_{name}"]
        assert variable["type"] == option.get("type", "str"), name
        for field in ("choices", "elements"):
            assert variable.get(field) == option.get(field), (name, field)
        assert variable.get("default") == OWN_DEFAULTS.get(f"{role}_{name}", option.get("default")), name


@pytest.mark.parametrize("role", IMPORTING)
def test_the_role_is_one_task_on_the_controller_or_on_the_host(role: str) -> None:
    (task,) = yaml.safe_load((ROLES / role / "tasks/main.yml").read_text())
    for name, value in task[f"assetops.imports.{role}"].items():
        assert re.search(rf"\b{role}_{name}\b", value)
    assert task["register"] == f"{role}_result"
    assert task["throttle"] == f"{{{{ {role}_throttle | int }}}}"
    assert task["delegate_to"] == f"{{{{ 'localhost' if {role}_run_on == 'controller' else omit }}}}"
    assert task["vars"] == {f"__{role}_run_on": f"{{{{ {role}_run_on }}}}"}
    assert task["tags"] == [role]
    assert "when" not in task


@pytest.mark.parametrize("role", [*IMPORTING, "import_report", "import_settle", "import_watch"])
def test_variables_are_prefixed_documented_and_have_the_defaults_that_are_told(role: str) -> None:
    entries = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    readme = (ROLES / role / "README.md").read_text()
    main = entries["main"]["options"]
    for entry in entries.values():
        for name, option in entry["options"].items():
            assert name.startswith(f"{role}_")
            assert option["description"]
            assert name in readme, f"{name} is not in the README"
            if name in defaults and "{{" not in str(defaults[name]):
                assert option.get("default") == defaults[name], name
    assert set(defaults) <= set(main) | {name for entry in entries.values() for name in entry["options"]}


# License Statistics.


@pytest.mark.slow
def test_logs_are_found_by_pattern_and_age_imported_oldest_first_and_archived_after_success(
    roles: Roles, make_log: Logs, tmp_path: Path
) -> None:
    logs = folder_of_logs(tmp_path / "one", make_log)
    shutil.copy2(FIXTURES / "truncated/debug.log", logs / "debug.log.3")  # License Statistics refuses it
    os.utime(logs / "debug.log.3", (datetime.now().timestamp() - 100 * 3600,) * 2)
    make_log("one/debug.log.0")  # just written, as by a rotation that goes on
    before = sorted(path.name for path in logs.iterdir())
    archive = tmp_path / "archive"
    role = roles.role("licstat_import", paths=[str(logs)], max_age=30 * DAY, afterwards="archive", archive=str(archive))

    for planned in (
        roles.play(role, arguments=["--check", "--diff"]),
        roles.play({"name": "Try", "block": [role], "check_mode": True}, arguments=["--diff"]),
    ):
        assert_ended_well(planned)
        assert {request.operation for request in roles.sandbox.requests()} == {"no_task"}
        assert sorted(path.name for path in logs.iterdir()) == before
        assert not archive.exists()
        assert not roles.store.exists()
        assert f"-{logs}/debug.log.1: not imported" in planned.output
        assert f"+{logs}/debug.log.1: archived as {archive}/debug.log.1-" in planned.output

    done = roles.play(role)
    assert done.status == 2, done.output
    assert [task.file_name for task in roles.sandbox.licstat().tasks] == ["debug.log.3", "debug.log.2", "debug.log.1"]
    assert_told(done, "no date")
    moved = sorted(path.name for path in archive.iterdir())
    assert [name.rpartition("-")[0] for name in moved] == ["debug.log.1", "debug.log.2"]
    assert sorted(path.name for path in logs.iterdir()) == [
        name for name in before if name not in ("debug.log.1", "debug.log.2")
    ]


@pytest.mark.slow
def test_named_logs_are_taken_in_place_of_those_of_the_group_and_may_be_left_where_they_are(
    roles: Roles, log: Path, tmp_path: Path
) -> None:
    of_the_group: dict[str, Any] = {"paths": ["/nowhere"], "patterns": ["*"], "min_age": 60, "recurse": True}
    role = roles.role("licstat_import", src=[str(log)], afterwards="delete", **of_the_group)

    kept = roles.play(role, arguments=["--skip-tags", "licstat_import_afterwards"])
    assert_ended_well(kept)
    assert roles.accepted() == 1
    assert log.exists()

    done = roles.play(role)
    assert_ended_well(done)
    (result,) = of_task(done, "oldest first")
    assert [one["reason"] for one in result["imports"]] == ["receipt"]
    assert [one["state"] for one in result["put_away"]] == ["deleted"]
    assert not log.exists()
    assert done.recap()["skipped"] == 0


@pytest.mark.slow
def test_what_is_wrong_is_told_in_the_words_of_the_module_and_a_later_night_without_logs_is_a_success(
    roles: Roles, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    never = roles.role("licstat_import", paths=[str(tmp_path / "empty")])
    first = roles.role("licstat_import", src=[str(log)])
    required = roles.role("licstat_import", paths=[str(tmp_path / "empty")], require_logs=True)
    missing = roles.role("licstat_import", paths=[str(tmp_path / "missing")])
    wrong = roles.role("licstat_import", src=["/nowhere"], afterwards="burn")
    rescue = [{"ansible.builtin.meta": "noop"}]
    never, required, missing, wrong = (
        {"block": [task], "rescue": rescue} for task in (never, required, missing, wrong)
    )
    quiet = roles.role("licstat_import", paths=[str(tmp_path / "empty")])
    done = roles.play(never, required, missing, wrong, first, quiet, required)
    assert done.status == 0, done.output
    nothing_known, nothing_found, not_there, _imported, quiet_night, nothing_again = of_task(done, "oldest first")
    no_log = f"There is no log debug.log.* or debug.log-* in {tmp_path}/empty."
    for failed in (nothing_known, nothing_found):
        assert failed["msg"].startswith(f"{no_log} Nor do the receipts")
    assert f"{tmp_path}/missing: No such file or directory" in not_there["msg"]
    assert_told(done, "burn")
    assert (quiet_night["state"], quiet_night["changed"], quiet_night["imports"]) == ("succeeded", False, [])
    assert nothing_again["msg"] == no_log
    assert roles.accepted() == 1


@pytest.mark.slow
def test_logs_on_a_host_are_imported_there(roles: Roles, log: Path, tmp_path: Path) -> None:
    """As its own user, with its own store: what is set for the connection to it holds."""
    hosts = {"server": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    tasks = [roles.role("licstat_import", paths=[str(log.parent)], patterns=["*"], min_age=0, run_on="host")]
    environment = {"HOME": str(tmp_path / "home"), "ASSETOPS_RECEIPTS": str(tmp_path / "there.db")}
    tasks[0]["vars"].pop("licstat_import_receipts")
    play = {"hosts": "server", "gather_facts": False, "tasks": tasks, "environment": environment}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = roles.run("-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml"), "-vvv")
    assert_ended_well(done)
    assert roles.accepted() == 1
    assert (tmp_path / "there.db").exists()
    assert "server -> " not in done.output


@pytest.mark.slow
def test_the_controller_imports_whatever_the_inventory_says_of_hosts_and_of_itself(
    roles: Roles, log: Path, tmp_path: Path
) -> None:
    inventory = {
        "all": {
            "hosts": {
                "server": {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"},
                "localhost": {"ansible_connection": "ssh", "ansible_python_interpreter": "/nowhere/python"},
            },
            "vars": {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"},
        }
    }
    (tmp_path / "hosts.json").write_text(json.dumps(inventory))
    play = {"hosts": "server", "gather_facts": False, "become": True}
    tasks = [roles.role("licstat_import", src=[str(log)])]
    (tmp_path / "play.yml").write_text(json.dumps([{**play, "tasks": tasks}]))
    done = roles.run("-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml"))
    assert_ended_well(done)
    assert roles.accepted() == 1


@pytest.mark.slow
def test_the_example_of_its_readme_runs_as_it_stands(roles: Roles, make_log: Logs, tmp_path: Path) -> None:
    log = make_log("cad/debug.log.1")
    os.utime(log, (an_hour_ago := time.time() - 3600, an_hour_ago))
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROLES / "licstat_import/README.md").read_text(), re.DOTALL)
    here = {
        "https://licstat.example.com": roles.sandbox.licstat_url,
        "/srv/license-logs/cad": str(log.parent),
        "/srv/license-logs/archive/cad": str(tmp_path / "archive"),
    }
    (tmp_path / "play.yml").write_text(
        functools.reduce(lambda text, name: text.replace(name, here[name]), here, example)
    )
    secrets = json.dumps({"licstat_token": roles.sandbox.licstat_token})
    (tmp_path / "hosts.json").write_text(json.dumps({"licstat": {"hosts": {"cad": None}}}))

    done = roles.run("-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml"), "-e", secrets)

    assert_ended_well(done)
    assert done.recap("cad") == {**done.recap("cad"), "ok": 2, "changed": 1, "skipped": 0}
    assert roles.accepted() == 1
    assert [path.name.rpartition("-")[0] for path in (tmp_path / "archive").iterdir()] == ["debug.log.1"]


# BigFix Inventory.


@pytest.mark.slow
def test_raw_data_comes_first_and_the_gate_keeps_stale_data_out(roles: Roles) -> None:
    imported = roles.role("bigfix_import", raw_first=True, max_age=DAY)
    gate = roles.role("bigfix_import", tasks_from="gate", gate_max_age=DAY)
    planned = roles.play(imported, gate, arguments=["--check"])
    assert_ended_well(planned)
    assert roles.sandbox.requests("bigfix", "start") == []
    assert of_task(planned, ": Go no further with data that is too old")[0]["is_fresh"] is True

    done = roles.play(imported, imported, gate, arguments=["-vvv"])
    assert_ended_well(done)
    assert "AnsiballZ" not in done.output, "a module was started"
    assert [one.type for one in roles.sandbox.bigfix().started_by_api] == ["raw_only", "complete"]
    first, second = of_task(done, "recent enough")
    assert (first["changed"], second["changed"]) == (True, False)
    assert [one["source"] for one in first["imports"]] == ["raw_only import", "complete import"]

    roles.sandbox.clock(step=2 * DAY)
    later = roles.play(
        roles.role("bigfix_import", tasks_from="gate", gate="fact", gate_max_age=DAY),
        {"name": "Judge", "ansible.builtin.debug": {"msg": "fresh={{ bigfix_import_gate_result.is_fresh }}"}},
        gate,
        {"name": "Too far", "ansible.builtin.debug": {"msg": "reports on stale data"}},
    )
    assert later.status == 2, later.output
    assert_told(later, "fresh=False")
    assert re.search(r"The data is \d+ s old; 86400 s are allowed\.", later.output)
    assert "reports on stale data" not in later.output
    assert len(roles.sandbox.bigfix().started_by_api) == 2


@pytest.mark.slow
@pytest.mark.parametrize("run_on", ["controller", "host"])
def test_the_examples_of_its_readme_run_as_they_stand(roles: Roles, tmp_path: Path, run_on: str) -> None:
    """Whatever the inventory says of all hosts, the controller does it; or else the host."""
    variables, playbook = yaml_of((ROLES / "bigfix_import/README.md").read_text())
    assert variables.pop("bigfix_import_url") == "https://bigfix.example.com:9081"
    here = {"bigfix_import_url": roles.sandbox.bigfix_url, "bigfix_import_receipts": str(roles.store)}
    assert variables.pop("bigfix_import_token") == "{{ bigfix_token }}"
    here["bigfix_import_token"] = roles.sandbox.bigfix_token
    away = {"ansible_host": "192.0.2.1", "ansible_connection": "ssh", "ansible_become": True}
    at_home = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {
        "bigfix": {
            "hosts": {"server": None},
            "vars": {**variables, **here, "bigfix_import_run_on": run_on, "bigfix_import_wait_sleep": 0.05},
        },
        "all": {"vars": away if run_on == "controller" else at_home},
    }
    (tmp_path / "hosts.json").write_text(json.dumps(inventory))
    (tmp_path / "play.yml").write_text(json.dumps(playbook))
    command = ["-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml")]

    first, second = roles.run(*command), roles.run(*command)

    for done, changed in ((first, 1), (second, 0)):
        assert_ended_well(done)
        assert (done.recap("server")["changed"], done.recap("server")["skipped"]) == (changed, 0)
        assert [result["is_fresh"] for result in of_task(done, ": Go no further with data that is too old")] == [True]
    assert len(roles.sandbox.bigfix().started_by_api) == 1


def yaml_of(text: str) -> list[Any]:
    """The YAML in a text."""
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


# Haplo.


@pytest.mark.slow
def test_the_batches_of_a_directory_are_scheduled_once(roles: Roles, tmp_path: Path) -> None:
    directory = tmp_path / "batches"
    for name in ("arts", "science"):
        shutil.copytree(ROOT / "tests/fixtures/haplo", directory / name)
    (directory / "half a batch").mkdir()
    (directory / "half a batch/people.json").write_text("[]")
    role = roles.role("haplo_batch", directory=str(directory), comment="From HR", dryrun="kept to itself")

    planned = roles.play(role, arguments=["--check"])
    assert_ended_well(planned)
    told = "has no variable haplo_batch_dryrun, so that does nothing. Did you mean haplo_batch_dry_run?"
    assert without_spaces(told) in without_spaces(planned.output)
    assert "kept to itself" not in planned.output
    assert {request.operation for request in roles.sandbox.requests()} == {"schedule"}  # of a batch that there is not
    assert roles.sandbox.haplo().batches == ()

    done = roles.play(role, role)
    assert_ended_well(done)
    assert [result["changed"] for result in of_task(done, "Schedule the batches")] == [True, False]
    batches = roles.sandbox.haplo().batches
    assert [(batch.comment, batch.dry_run, len(batch.files)) for batch in batches] == [("From HR", False, 2)] * 2
    assert {file.name for batch in batches for file in batch.files} == {"people", "visitors"}
    assert_told(done, "half a batch cannot be imported: there are files in it, and no control.json")
    assert done.recap()["skipped"] == 0


@pytest.mark.slow
def test_batches_may_be_listed_tried_first_and_of_a_kind(roles: Roles) -> None:
    fixture = ROOT / "tests/fixtures/haplo"
    batch: dict[str, Any] = {
        "name": "people only",
        "control": str(fixture / "control.json"),
        "files": [{"name": "people", "src": str(fixture / "people.json")}],
    }
    listed: dict[str, Any] = {"batches": [batch], "allow_missing_files": True}
    standard = {"kind": KIND, "files": batch["files"], "api_key": roles.sandbox.haplo_standard_api_key}
    done = roles.play(
        roles.role("haplo_batch", **listed, dry_run=True),
        roles.role("haplo_batch", **listed),
        roles.role("haplo_batch", **standard, control_copy=batch["control"], allow_missing_files=True),
    )
    assert_ended_well(done)
    batches = roles.sandbox.haplo().batches
    assert [(batch.kind, batch.dry_run) for batch in batches] == [(None, True), (None, False), (KIND, False)]


@pytest.mark.slow
def test_half_a_batch_no_batch_and_no_directory_fail_in_the_words_of_the_module(roles: Roles, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests/fixtures/haplo", tmp_path / "half")
    (tmp_path / "half/people.json").unlink()
    (tmp_path / "empty").mkdir()
    told = {"ansible.builtin.debug": {"msg": "told: {{ ansible_failed_result.msg }}"}}
    wrong: tuple[dict[str, Any], ...] = (
        {"directory": str(tmp_path / "half")},
        {"directory": str(tmp_path / "empty"), "require_batches": True},
        {"directory": str(tmp_path / "missing")},
        {"batches": [], "require_batches": True},
        {},
    )
    done = roles.play(*({"block": [roles.role("haplo_batch", **one)], "rescue": [told]} for one in wrong))
    assert done.status == 0, done.output
    assert_told(done, "told: ")
    assert_told(done, f"{tmp_path}/half: control.json names 'people', 'visitors', and there is no file for 'people'")
    assert_told(done, f"told: There is no batch in {tmp_path}/empty")
    assert_told(done, f"{tmp_path}/missing: No such file or directory")
    assert_told(done, "told: batches is an empty list.")
    assert_told(done, "told: one of the following is required: control, control_digest, kind, directory, batches")
    assert roles.sandbox.requests() == []


# Lifecycle Manager.


@pytest.mark.slow
def test_an_archive_is_imported_once_and_the_library_counted_where_that_is_asked_for(
    roles: Roles, tmp_path: Path
) -> None:
    archives = Lm(roles.sandbox, tmp_path)
    archive, linked = archives.archive(assets=3), archives.archive(assets=5)
    archives.publish("http://acme.com/imports/build.zip", linked)
    by_file = roles.role("lm_import", src=str(archive))
    by_url = roles.role("lm_import", import_url="http://acme.com/imports/build.zip", import_version="17", counts=True)

    planned = roles.play(by_file, arguments=["--check"])
    assert_ended_well(planned)
    assert roles.sandbox.requests("lm", "import") == []

    done = roles.play(by_file, by_file, by_url, arguments=["--diff"])
    assert_ended_well(done)
    results = of_task(done, "Import the archive")
    assert [result["changed"] for result in results] == [True, False, True]
    assert ["counts" in result for result in results] == [False, False, True]
    assert_told(done, "-catalog assets: 3")
    assert_told(done, "+catalog assets: 5")
    assert len(archives.held.assets) == 5
    assert done.recap()["skipped"] == 0


@pytest.mark.slow
def test_an_import_that_fails_does_so_in_the_words_of_the_module(roles: Roles, tmp_path: Path) -> None:
    archive = Lm(roles.sandbox, tmp_path).archive()
    told = {"ansible.builtin.debug": {"msg": "told: {{ ansible_failed_result.msg }}"}}
    wrong: tuple[dict[str, Any], ...] = ({"password": "wrong-one"}, {"url": "http://127.0.0.1:9"})
    tasks = [roles.role("lm_import", src=str(archive), counts=True, **one) for one in wrong]
    done = roles.play(*({"block": [task], "rescue": [told]} for task in tasks))
    assert done.status == 0, done.output
    assert re.search(r"told: .*HTTP 401 .*lm_import_password", done.output), done.output
    assert re.search(r"told: .*127\.0\.0\.1:9.*refused", done.output), done.output


@pytest.mark.slow
@pytest.mark.parametrize("role", ["haplo_batch", "lm_import"])
def test_the_role_runs_in_the_worker_on_the_controller_and_as_a_module_on_the_host(
    roles: Roles, tmp_path: Path, role: str
) -> None:
    """Whatever the inventory says of hosts and of itself, and the host is one of its own."""
    variables = {
        "haplo_batch": {"directory": str(ROOT / "tests/fixtures/haplo")},
        "lm_import": {"src": str(Lm(roles.sandbox, tmp_path).archive())},
    }[role]
    hosts = {
        "far": {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"},
        "near": {"ansible_connection": "local", "ansible_python_interpreter": roles.python},
        "localhost": {"ansible_connection": "ssh", "ansible_python_interpreter": "/nowhere/python"},
    }
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    plays = [
        {
            "hosts": host,
            "gather_facts": False,
            "become": host == "far",
            "tasks": [roles.role(role, run_on=where, tiemout=60, **variables)],
        }
        for host, where in (("far", "controller"), ("near", "host"))
    ]
    (tmp_path / "play.yml").write_text(json.dumps(plays))
    done = roles.run("-vvv", "-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml"))
    assert_ended_well(done)
    ways = re.findall(rf"<(\w+)> assetops\.imports\.{role} runs (in the worker|as a module|\S+)", done.output)
    assert ways[0] == ("far", "in the worker")
    assert [recap["changed"] for recap in map(done.recap, ("far", "near"))] == [1, 0]
    warnings = [str(task["result"]["warnings"]) for task in done.tasks if "imports" in task["result"]]
    assert [text.count(f"no variable {role}_tiemout, so that does nothing. Did") for text in warnings] == [1, 1]


# The report.


@pytest.mark.slow
def test_the_example_of_the_report_runs_as_it_stands_and_tells_of_each_target(
    roles: Roles, make_log: Logs, tmp_path: Path
) -> None:
    playbook, *_variables = yaml_of((ROLES / "import_report/README.md").read_text())
    no_ssh = tmp_path / "no-ssh"
    no_ssh.write_text("#!/bin/sh\necho no route to host >&2\nexit 255\n")
    no_ssh.chmod(0o700)
    away = {"ansible_connection": "ssh", "ansible_ssh_executable": str(no_ssh), "licstat_import_run_on": "host"}
    hosts = {
        "good": roles.variables("licstat_import", src=[str(make_log())]),
        "wrong": roles.variables("licstat_import", src=[str(make_log())], merge_policy="burn"),
        "refused": roles.variables("licstat_import", src=[str(FIXTURES / "truncated/debug.log")]),
        "gone": {**roles.variables("licstat_import", src=[str(make_log())]), **away},
    }
    (tmp_path / "hosts.json").write_text(json.dumps({"licstat": {"hosts": hosts}}))
    (tmp_path / "play.yml").write_text(json.dumps(playbook))
    done = roles.run("-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml"), ANSIBLE_DISPLAY_OK_HOSTS="false")
    assert done.status == 2, done.output
    assert {name: done.recap(name)["failed"] for name in hosts} == {"good": 0, "wrong": 1, "refused": 1, "gone": 1}
    table = done.output[done.output.index("target  ") :].splitlines()
    first = [line.split()[:3] for line in table[1 : table.index("")] if line and not line.startswith(" ")]
    assert first == [
        ["wrong", "licstat_import", "failed"],
        ["refused", "licstat_import", "failed"],
        ["gone", "licstat_import", "unreachable"],
        ["good", "licstat_import", "succeeded"],
    ]
    told = " ".join(" ".join(line for line in table[: table.index("")] if line.startswith(" ")).split())
    for words in ("value of licstat_import_merge_policy must be one of", "no date", "cannot be reached", "no route"):
        assert words in told


@pytest.mark.slow
def test_a_target_that_the_inventory_does_not_have_is_not_passed_over(roles: Roles) -> None:
    report = {"assetops.imports.import_summary": {"targets": ["localhost", "locahost"]}}
    done = roles.play(report)
    assert done.status == 2, done.output
    assert_told(done, "locahost: no such host in the inventory")


@pytest.mark.slow
def test_what_each_item_of_a_loop_said_is_noted(roles: Roles) -> None:
    loop: Task = {
        "name": "Import both",
        "assetops.imports.licstat_import": {**roles.options(), "src": "{{ item }}"},
        "loop": ["/nowhere/a.log", "/nowhere/b.log"],
        "register": "licstat_import_result",
    }
    note: Task = {
        "ansible.builtin.include_role": {"name": "assetops.imports.import_report", "tasks_from": "note"},
        "vars": {"import_report_role": "licstat_import"},
    }
    report: Task = {"ansible.builtin.include_role": {"name": "assetops.imports.import_report"}}
    done = roles.play({"block": [loop], "rescue": [note]}, report)
    assert done.status == 2, done.output
    (summary,) = [task["result"] for task in done.tasks if "failures" in task["result"]]
    assert "/nowhere/a.log" in summary["failures"]["localhost"]
    assert "/nowhere/b.log" in summary["failures"]["localhost"]
    assert "One or more" not in summary["failures"]["localhost"]


def assert_told(done: Done, text: str) -> None:
    assert text in done.output, done.output
