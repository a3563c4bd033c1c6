# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an import runs: in Ansible's worker process where nothing else is asked for, as a module everywhere else.

Each test asserts the way taken, by what is told with -vvv, and not only the result.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..both_ways import run_action
from ..support import OTHER_PYTHON, Licstat, Logs
from .driver import MODULE, Ansible, Done, Task

IN_WORKER = "in the worker process"
RUN_ON = "__licstat_import_run_on"


def ways(done: Done) -> dict[str, str]:
    """The ways taken, by host: where its import ran, and why."""
    return dict(
        re.findall(rf"^<(.+)> {MODULE} runs (in the worker process|as a module: .*)$", done.output, re.MULTILINE)
    )


def executed(done: Done) -> list[tuple[str, str]]:
    """The commands that Ansible executed: host and command."""
    return re.findall(r"^<(.+?)> (?:EXEC|SSH: EXEC) (.*)$", done.output, re.MULTILINE)


class Plays(Ansible):
    """One playbook with a play for each case, so that Ansible starts once. Each has a host, a log and a store."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=0.1)
        self._logs = Logs(folder / "logs")
        self._plays: list[dict[str, Any]] = []
        self._hosts: dict[str, dict[str, Any]] = {}

    def task(self, host: str, without: tuple[str, ...] = (), /, **keywords: Any) -> Task:
        """A task that imports a log of its own, without some options."""
        options = {**self.options(self._logs()), "receipts": str(self.folder / f"{host}.db")}
        given = {name: value for name, value in options.items() if name not in without}
        return {"name": f"Import into {host}", MODULE: given, **keywords}

    def add(self, host: str, variables: Mapping[str, Any], *tasks: Task, **play: Any) -> None:
        """A play on a host of its own."""
        self._hosts[host] = dict(variables)
        self._plays.append({"hosts": host, "gather_facts": False, "tasks": list(tasks), **play})

    def run_all(self, **others: Mapping[str, Any]) -> Done:
        """Run the plays, with -vvv; `others` are hosts besides."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": {**self._hosts, **others}}}), encoding="utf-8")
        path = self.folder / "play.yml"
        path.write_text(json.dumps(self._plays), encoding="utf-8")
        return self.run("-i", str(inventory), str(path), "-vvv")


@pytest.fixture
def plays(sandbox: Sandbox, tmp_path: Path) -> Plays:
    return Plays(sandbox, tmp_path)


LOCAL = {"ansible_connection": "local"}
SAME_PYTHON = {**LOCAL, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
AUTO = "as a module: the interpreter is "

CASES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], str]] = {
    # As it is.
    "by_expression": (SAME_PYTHON, {}, IN_WORKER),
    "by_path": ({**LOCAL, "ansible_python_interpreter": sys.executable}, {}, IN_WORKER),
    "in_full": ({**SAME_PYTHON, "ansible_connection": "ansible.builtin.local"}, {}, IN_WORKER),
    "nothing_asked": (SAME_PYTHON, {"become": False, "environment": {}}, IN_WORKER),
    "delegated": ({"ansible_connection": "ssh"}, {"delegate_to": "by_path"}, IN_WORKER),
    # Elsewhere.
    "spelling": (
        {**LOCAL, "ansible_python_interpreter": OTHER_PYTHON},
        {},
        f"{AUTO}{OTHER_PYTHON}, not {sys.executable}",
    ),
    "delegated_spelling": (SAME_PYTHON, {"delegate_to": "spelling"}, f"{AUTO}{OTHER_PYTHON}, not {sys.executable}"),
    "environment": (SAME_PYTHON, {"environment": {"TZ": "UTC"}}, "as a module: environment is set"),
    "timeout": (SAME_PYTHON, {"timeout": 60}, "as a module: timeout is set"),
    "in_background": (SAME_PYTHON, {"async": 60, "poll": 1}, "as a module: async is set"),
    "become": (SAME_PYTHON, {"become": True, "become_method": "su"}, "as a module: become is set"),
}


# Another host or user.


DERIVED = '''
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: into_a_box
short_description: Commands go into a box
description: They do.
extends_documentation_fragment: [connection_pipelining]
"""


class Connection(Local):
    def exec_command(self, *args, **kwargs):
        return 1, b"", b"The box is closed."
'''

HOSTILE: dict[str, Any] = {
    "ansible_connection": "ssh",
    "ansible_port": 9,
    "ansible_become": True,
    "ansible_become_user": "nobody",
    "ansible_python_interpreter": "/usr/bin/false",
}
"""An inventory that has other things in mind than imports."""

BY_SSH = "as a module: the connection is ansible.builtin.ssh"

ELSEWHERE: dict[str, tuple[Mapping[str, Any], str]] = {
    "ssh": ({**SAME_PYTHON, "ansible_connection": "ssh"}, BY_SSH),
    "localhost": ({**HOSTILE, RUN_ON: "controller"}, BY_SSH),  # which only a role may say, and no host in its facts
    "box": ({**SAME_PYTHON, "ansible_connection": "into_a_box"}, "as a module: the connection is into_a_box"),
    **{
        f"found_{number}": ({**LOCAL, "ansible_python_interpreter": python}, f"{AUTO}{told}, not {sys.executable}")
        for number, (python, told) in enumerate(
            [("auto", "auto"), ("auto_silent", "auto_silent"), ("/usr/bin/false", "/usr/bin/false")]
        )
    },
}


# What the roles say is to run on the controller.

AS_THE_ROLES = {"delegate_to": "localhost", "vars": {RUN_ON: "{{ run_on }}", "run_on": "controller"}}

THEN: Task = {
    "name": "Wait for what goes on in the background",
    "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
    "delegate_to": "worker_of_jobs",
    "register": "ended",
    "until": "ended is finished",
    "retries": 200,
    "delay": 0.2,
}


@pytest.mark.slow
def test_where_an_import_runs_is_decided_by_what_is_asked_for_and_another_host_is_never_taken_for_this_one(
    plays: Plays,
) -> None:
    plugin = plays.folder / "connection_plugins/into_a_box.py"
    plugin.parent.mkdir()
    plugin.write_text(DERIVED, encoding="utf-8")
    for name, (variables, keywords, _way) in CASES.items():
        plays.add(name, variables, plays.task(name, **keywords))
    for name, (variables, _way) in ELSEWHERE.items():
        out_of_reach = {"ansible_host": "127.0.0.1", "ansible_port": 9}
        plays.add(name, {**out_of_reach, **variables}, plays.task(name), ignore_unreachable=True, ignore_errors=True)

    done = plays.run_all()

    assert done.status == 0, done.output
    asked = {name: way for name, (_variables, _keywords, way) in CASES.items()}
    assert ways(done) == {**asked, **{name: way for name, (_variables, way) in ELSEWHERE.items()}}
    imported = {task["host"] for task in done.tasks if task["result"].get("changed")}
    # A Python that is found may have all that modules need, or not.
    assert imported - {"found_0", "found_1"} == {*CASES}
    assert plays.accepted() == len(imported)
    in_worker = {name for name, way in asked.items() if way == IN_WORKER}
    assert not {host for host, _command in executed(done)} & in_worker
    assert done.recap("ssh")["ignored"] == done.recap("box")["ignored"] == 1
    left = {path.parent for path in (plays.folder / "tmp").rglob("AnsiballZ*")}
    assert len(left) <= 1, "only what runs in the background cleans up later"


@pytest.mark.slow
def test_an_import_for_the_controller_runs_there_whatever_the_inventory_says(plays: Plays) -> None:
    store = plays.folder / "of_the_environment.db"
    settings = {"LICSTAT_API_TOKEN": plays.sandbox.licstat_token, "ASSETOPS_RECEIPTS": str(store)}
    plays.add(
        "worker",
        HOSTILE,
        plays.task("worker", ("api_token", "receipts"), **AS_THE_ROLES),
        plays.task("worker", **AS_THE_ROLES),
        environment=settings,
        become=True,
    )
    plays.add("timeout", HOSTILE, plays.task("timeout", **AS_THE_ROLES), become=True, timeout=60)
    plays.add("python", HOSTILE, plays.task("python", **AS_THE_ROLES), environment={"PYTHONPATH": "/nowhere"})
    started = plays.task("background", **AS_THE_ROLES, register="job", **{"async": 60, "poll": 0})
    plays.add("background", {**HOSTILE, "ansible_become": False}, started, THEN)
    plays.add("polled", HOSTILE, plays.task("polled", **AS_THE_ROLES, ignore_errors=True, **{"async": 60, "poll": 1}))

    done = plays.run_all(localhost=HOSTILE, worker_of_jobs=SAME_PYTHON)
    assert done.status == 0, done.output
    assert ways(done) == {
        "worker": IN_WORKER,
        "timeout": "as a module: timeout is set",
        "python": "as a module: environment sets PYTHONPATH",
        "background": "as a module: async is set",
        "polled": "as a module: async is set",
    }
    results = {task["host"]: task["result"] for task in done.tasks}
    assert [results[host]["state"] for host in ("worker", "timeout", "python", "background")] == ["succeeded"] * 4
    assert "Use poll: 0, or leave out async" in results["polled"]["msg"]
    assert store.exists()
    commands = executed(done)
    assert {host for host, _command in commands} == {"localhost", "worker_of_jobs"}
    assert [command for host, command in commands if host == "localhost" and sys.executable in command]
    assert not [command for _host, command in commands if re.search("ssh|sudo|/usr/bin/false", command)]


# What a task sets holds for the task.


def test_the_environment_of_a_task_ends_with_it(licstat: Licstat, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, behind = "UTC-14", "UTC+12"  # as POSIX writes them: 14 hours before UTC, and 12 after
    monkeypatch.setenv("TZ", behind)
    time.tzset()
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    window = {"identity": "window", "from": "2022-01-10 00:00", "to": f"{now:%Y-%m-%d %H:%M}"}
    options = licstat.options(log, **window)
    where = Path.cwd()

    assert "is yet to come" in run_action("licstat_import", check=True, **options)["msg"]
    there = run_action("licstat_import", check=True, environment={"TZ": ahead, "LICSTAT_URL": "x"}, **options)
    assert there["state"] == "planned"
    assert (os.environ["TZ"], time.timezone, os.environ.get("LICSTAT_URL"), Path.cwd()) == (behind, 43200, None, where)
