# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles as users run them, by `ansible-playbook`, against the sandbox."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ..both_ways import make_action
from ..haplo.driver import KIND
from ..lm.driver import Lm
from ..support import QUICK, SERVER, Logs, argument_spec
from .driver import FIXTURES, Ansible, Done, Task, assert_ended_well, without_spaces
from .targets import unreachable

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

    def run_plays(self, inventory: dict[str, Any], plays: Any, *arguments: str, **environment: str) -> Done:
        """Run plays, or the text of a playbook, with this inventory."""
        hosts, path = self.folder / "hosts.json", self.folder / "play.yml"
        hosts.write_text(json.dumps(inventory))
        path.write_text(plays if isinstance(plays, str) else json.dumps(plays))
        return self.run("-i", str(hosts), str(path), *arguments, **environment)


@pytest.fixture
def roles(sandbox: Sandbox, tmp_path: Path) -> Roles:
    return Roles(sandbox, tmp_path)


def as_planned(*roles: Task) -> Task:
    """The same in check mode."""
    return {"name": "Plan", "block": [*roles], "check_mode": True}


def of_task(done: Done, name: str) -> list[dict[str, Any]]:
    """What the tasks of that name gave, in order, but for those that were skipped."""
    return [task["result"] for task in done.tasks if task["task"].endswith(name)]


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
def test_variables_are_prefixed_documented_and_have_the_defaults_that_are_documented(role: str) -> None:
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

    done = roles.play(as_planned(role), role, arguments=["--diff"])

    assert done.status == 2, done.output
    planned, imported = of_task(done, "oldest first")
    assert (planned["state"], planned["receipts"]["created"], imported["receipts"]["created"]) == (
        "planned",
        False,
        True,
    )
    assert {one["reason"] for one in imported["imports"]} == {"new"}
    for line in (f"-{logs}/debug.log.1: not imported", f"+{logs}/debug.log.1: archived as {archive}/debug.log.1-"):
        assert line in done.output
    assert [task.file_name for task in roles.sandbox.licstat().tasks] == ["debug.log.3", "debug.log.2", "debug.log.1"]
    assert "no date" in done.output
    moved = sorted(path.name for path in archive.iterdir())
    assert [name.rpartition("-")[0] for name in moved] == ["debug.log.1", "debug.log.2"]
    assert sorted(path.name for path in logs.iterdir()) == [
        name for name in before if name not in ("debug.log.1", "debug.log.2")
    ]


@pytest.mark.slow
def test_logs_stay_where_they_are_where_that_tag_is_skipped(roles: Roles, log: Path) -> None:
    role = roles.role("licstat_import", src=[str(log)], afterwards="delete")
    kept = roles.play(role, arguments=["--skip-tags", "licstat_import_afterwards"])
    assert_ended_well(kept)
    assert roles.accepted() == 1
    assert log.exists()


@pytest.mark.slow
def test_what_is_wrong_is_said_in_the_words_of_the_module_and_a_later_night_without_logs_is_a_success(
    roles: Roles, log: Path, tmp_path: Path
) -> None:
    """And logs that are named are taken in place of those of the group."""
    empty = tmp_path / "empty"
    empty.mkdir()
    of_the_group: dict[str, Any] = {"paths": ["/nowhere"], "patterns": ["*"], "min_age": 60, "recurse": True}
    first = roles.role("licstat_import", src=[str(log)], afterwards="delete", **of_the_group)
    quiet = roles.role("licstat_import", paths=[str(empty)])
    required, missing, wrong = (
        {"block": [roles.role("licstat_import", **one)], "rescue": [{"ansible.builtin.meta": "noop"}]}
        for one in (
            {"paths": [str(empty)], "require_logs": True},
            {"paths": [str(tmp_path / "missing")]},
            {"src": ["/nowhere"], "afterwards": "burn"},
        )
    )

    done = roles.play(required, missing, wrong, first, quiet, required)

    assert done.status == 0, done.output
    nothing_known, not_there, imported, quiet_night, nothing_again = of_task(done, "oldest first")
    no_log = f"There is no log debug.log.* or debug.log-* in {empty}."
    assert nothing_known["msg"].startswith(f"{no_log} Nor do the receipts")
    assert f"{tmp_path}/missing: No such file or directory" in not_there["msg"]
    assert "burn" in done.output
    assert [one["state"] for one in imported["put_away"]] == ["deleted"]
    assert not log.exists()
    assert (quiet_night["state"], quiet_night["changed"], quiet_night["imports"]) == ("succeeded", False, [])
    assert nothing_again["msg"] == no_log
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
    playbook = functools.reduce(lambda text, name: text.replace(name, here[name]), here, example)
    secrets = json.dumps({"licstat_token": roles.sandbox.licstat_token})

    done = roles.run_plays({"licstat": {"hosts": {"cad": None}}}, playbook, "-e", secrets)

    assert_ended_well(done)
    assert done.recap("cad") == {**done.recap("cad"), "ok": 2, "changed": 1, "skipped": 0}
    assert roles.accepted() == 1
    assert [path.name.rpartition("-")[0] for path in (tmp_path / "archive").iterdir()] == ["debug.log.1"]


# BigFix Inventory.


@pytest.mark.slow
def test_raw_data_comes_first_and_the_gate_keeps_stale_data_out(roles: Roles) -> None:
    imported = roles.role("bigfix_import", raw_first=True, max_age=DAY)
    gate = roles.role("bigfix_import", tasks_from="gate", gate_max_age=DAY)

    done = roles.play(as_planned(imported, gate), imported, imported, gate, arguments=["-vvv"])
    assert_ended_well(done)
    assert "AnsiballZ" not in done.output, "a module was started"
    assert [one.type for one in roles.sandbox.bigfix().started_by_api] == ["raw_only", "complete"]
    gates = of_task(done, ": Go no further with data that is too old")
    assert [result["is_fresh"] for result in gates] == [True, True]
    planned, first, second = of_task(done, "recent enough")
    assert (planned["state"], first["changed"], second["changed"]) == ("planned", True, False)
    assert [one["source"] for one in first["imports"]] == ["raw_only import", "complete import"]

    roles.sandbox.clock(step=2 * DAY)
    later = roles.play(
        roles.role("bigfix_import", tasks_from="gate", gate="fact", gate_max_age=DAY),
        {"name": "Judge", "ansible.builtin.debug": {"msg": "fresh={{ bigfix_import_gate_result.is_fresh }}"}},
        gate,
        {"name": "Too far", "ansible.builtin.debug": {"msg": "reports on stale data"}},
    )
    assert later.status == 2, later.output
    assert "fresh=False" in later.output
    assert re.search(r"The data is \d+ s old; 86400 s are allowed\.", later.output)
    assert "reports on stale data" not in later.output
    assert len(roles.sandbox.bigfix().started_by_api) == 2


@pytest.mark.slow
def test_the_examples_of_its_readme_run_as_they_stand(roles: Roles) -> None:
    variables, playbook = yaml_of((ROLES / "bigfix_import/README.md").read_text())
    assert variables.pop("bigfix_import_url") == "https://bigfix.example.com:9081"
    assert variables.pop("bigfix_import_token") == "{{ bigfix_token }}"
    here = roles.variables(
        "bigfix_import", **{name.removeprefix("bigfix_import_"): variables[name] for name in variables}
    )
    inventory = {"bigfix": {"hosts": {"server": None}, "vars": here}}

    done = roles.run_plays(inventory, playbook)

    assert_ended_well(done)
    assert (done.recap("server")["changed"], done.recap("server")["skipped"]) == (1, 0)
    assert [result["is_fresh"] for result in of_task(done, ": Go no further with data that is too old")] == [True]
    assert len(roles.sandbox.bigfix().started_by_api) == 1


def yaml_of(text: str) -> list[Any]:
    """The YAML in a text."""
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


# Haplo.


@pytest.mark.slow
def test_the_batches_of_a_directory_or_a_list_are_scheduled_once_or_tried_first_or_of_a_kind(
    roles: Roles, tmp_path: Path
) -> None:
    directory = tmp_path / "batches"
    for name in ("arts", "science"):
        shutil.copytree(ROOT / "tests/fixtures/haplo", directory / name)
    (directory / "half a batch").mkdir()
    (directory / "half a batch/people.json").write_text("[]")
    role = roles.role("haplo_batch", directory=str(directory), comment="From HR", dryrun="kept to itself")
    fixture = ROOT / "tests/fixtures/haplo"
    control, people = str(fixture / "control.json"), {"name": "people", "src": str(fixture / "people.json")}
    batch: dict[str, Any] = {"name": "people only", "control": control, "files": [people]}
    listed: dict[str, Any] = {"batches": [batch], "allow_missing_files": True}
    standard: dict[str, Any] = {"kind": KIND, "files": [people], "api_key": roles.sandbox.haplo_standard_api_key}

    done = roles.play(
        *(as_planned(role), role, role),
        roles.role("haplo_batch", **listed, dry_run=True),
        roles.role("haplo_batch", **listed),
        roles.role("haplo_batch", **standard, control_copy=control, allow_missing_files=True),
    )

    assert_ended_well(done)
    warned = "has no variable haplo_batch_dryrun, so that does nothing. Did you mean haplo_batch_dry_run?"
    assert without_spaces(warned) in without_spaces(done.output)
    assert "kept to itself" not in done.output
    planned, *results = of_task(done, "Schedule the batches")
    assert {one["state"] for one in planned["imports"]} == {"planned"}
    assert [result["changed"] for result in results] == [True, False, True, True, True]
    of_directory, of_list = roles.sandbox.haplo().batches[:2], roles.sandbox.haplo().batches[2:]
    assert [(batch.comment, batch.dry_run, len(batch.files)) for batch in of_directory] == [("From HR", False, 2)] * 2
    assert {file.name for batch in of_directory for file in batch.files} == {"people", "visitors"}
    assert [(batch.kind, batch.dry_run) for batch in of_list] == [(None, True), (None, False), (KIND, False)]
    assert "half a batch cannot be imported: there are files in it, and no control.json" in done.output
    assert done.recap()["skipped"] == 0


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
    refused = roles.role("lm_import", src=str(archive), password="wrong-one")
    rescued = {"block": [refused], "rescue": [{"ansible.builtin.meta": "noop"}]}

    done = roles.play(as_planned(by_file), rescued, by_file, by_file, by_url, arguments=["--diff"])

    assert done.status == 0, done.output
    planned, failed, *results = of_task(done, "Import the archive")
    assert (planned["state"], len(archives.held.runs)) == ("planned", 2)
    assert [result["changed"] for result in results] == [True, False, True]
    assert ["counts" in result for result in results] == [False, False, True]
    assert re.search(r"HTTP 401 .*lm_import_password", failed["msg"])
    for line in ("-catalog assets: 3", "+catalog assets: 5"):
        assert line in done.output
    assert len(archives.held.assets) == 5
    assert done.recap()["skipped"] == 0


# All of them.


@pytest.mark.slow
def test_roles_run_in_the_worker_on_the_controller_and_as_modules_on_the_host(
    roles: Roles, make_log: Logs, tmp_path: Path
) -> None:
    """Whatever the inventory says of hosts and of itself; on a host as its own user, with its own store."""
    of_roles: dict[str, dict[str, Any]] = {
        "licstat_import": {"paths": [f"{tmp_path}/logs/{{{{ inventory_hostname }}}}"], "min_age": 0},
        "bigfix_import": {},
        "haplo_batch": {"directory": str(ROOT / "tests/fixtures/haplo")},
        "lm_import": {"src": str(Lm(roles.sandbox, tmp_path).archive())},
    }
    for host in ("far", "near"):
        make_log(f"{host}/debug.log.1")
    inventory = {
        "hosts": {
            "far": {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"},
            "near": {
                "ansible_connection": "local",
                "ansible_python_interpreter": roles.python,
                "ansible_become": False,
            },
            "localhost": {"ansible_connection": "ssh", "ansible_python_interpreter": "/nowhere/python"},
        },
        "vars": {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"},
    }
    far = [roles.role(role, run_on="controller", tiemout=60, **own) for role, own in of_roles.items()]
    near = [roles.role(role, run_on="host", tiemout=60, **own) for role, own in of_roles.items()]
    for task in near:
        del task["vars"][f"{task['name'].removeprefix('Run ')}_receipts"]
    there = {"HOME": str(tmp_path / "home"), "ASSETOPS_RECEIPTS": str(tmp_path / "there.db")}
    plays = [
        {"hosts": "far", "gather_facts": False, "become": True, "tasks": far},
        {"hosts": "near", "gather_facts": False, "tasks": near, "environment": there},
    ]

    done = roles.run_plays({"all": inventory}, plays, "-vvv")

    assert_ended_well(done)
    ways = re.findall(r"<(\w+)> assetops\.imports\.(\w+) runs (in the worker|as a module)", done.output)
    assert [way for way in ways if way[1] in IMPORTING] == [
        *(("far", role, "in the worker") for role in IMPORTING),
        *(("near", role, "as a module") for role in IMPORTING),
    ]
    results = [task["result"] for task in done.tasks if "imports" in task["result"]]
    stores = [result["receipts"]["store"] for result in results]
    assert stores == [str(roles.store)] * 4 + [str(tmp_path / "there.db")] * 4
    assert "near -> " not in done.output
    for role, result in zip(IMPORTING * 2, results, strict=True):
        warning = f"no variable {role}_tiemout, so that does nothing. Did"
        assert str(result["warnings"]).count(warning) == 1


# The report.


@pytest.mark.slow
def test_the_example_of_the_report_runs_as_it_stands_with_each_target(
    roles: Roles, make_log: Logs, tmp_path: Path
) -> None:
    playbook, *_variables = yaml_of((ROLES / "import_report/README.md").read_text())
    hosts = {
        "good": roles.variables("licstat_import", src=[str(make_log())]),
        "wrong": roles.variables("licstat_import", src=[str(make_log())], merge_policy="burn"),
        "refused": roles.variables("licstat_import", src=[str(FIXTURES / "truncated/debug.log")]),
        "gone": {**roles.variables("licstat_import", src=[str(make_log())]), **unreachable(tmp_path)},
    }

    done = roles.run_plays({"licstat": {"hosts": hosts}}, playbook, ANSIBLE_DISPLAY_OK_HOSTS="false")

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
    said = " ".join(" ".join(line for line in table[: table.index("")] if line.startswith(" ")).split())
    for words in ("value of licstat_import_merge_policy must be one of", "no date", "cannot be reached", "no route"):
        assert words in said


def test_a_target_that_the_inventory_does_not_have_is_not_passed_over() -> None:
    options: Task = {"targets": ["localhost", "locahost"]}
    variables: dict[str, Any] = {"hostvars": {"localhost": {}}}
    with pytest.raises(AnsibleActionFail, match="locahost: no such host in the inventory"):
        make_action("import_summary", options, variables).run(task_vars=variables)


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
