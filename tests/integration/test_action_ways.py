# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an import runs: in Ansible's worker process where nothing else is asked for, as a module everywhere else.

Each test asserts the way taken, by what is told with -vvv, and not only the result.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ..sandbox.handle import Sandbox
from .test_playbooks import FIXTURES, MODULE, Ansible, Done, Task, assert_ended_well

IN_WORKER = "in the worker process"
ON_CONTROLLER = "__licstat_import_on_controller"

OTHER_PYTHON = str(Path(sys.executable).with_name("python3"))
"""Another way to write the same interpreter."""


def ways(done: Done) -> list[str]:
    """The ways taken, in order: where each import ran, and why."""
    return re.findall(rf"{MODULE} runs (in the worker process|as a module: .*)$", done.output, re.MULTILINE)


class Plays(Ansible):
    """Plays with an inventory of the test's own, in which only what the test sets is set."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=0.1)
        self.log = FIXTURES / "cad/debug.log"

    def task(self, *, args: Task | None = None, **keywords: Any) -> Task:
        """A task that imports a log; `args` are options of its own."""
        return {"name": "Import the logs", MODULE: {**self.options(self.log), **(args or {})}, **keywords}

    def play_on(
        self,
        hosts: dict[str, dict[str, Any]],
        *tasks: Task,
        on: str = "all",
        arguments: tuple[str, ...] = (),
        **play: Any,
    ) -> Done:
        """Run tasks on the hosts of an inventory, with -vvv."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        whole = [{"hosts": on, "gather_facts": False, "tasks": list(tasks), **play}]
        path = self.folder / "play.yml"
        path.write_text(json.dumps(whole), encoding="utf-8")
        return self.run("-i", str(inventory), str(path), "-vvv", *arguments)


@pytest.fixture
def plays(sandbox: Sandbox, tmp_path: Path) -> Plays:
    return Plays(sandbox, tmp_path)


LOCAL = {"ansible_connection": "local"}
SAME_PYTHON = {**LOCAL, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


@pytest.mark.parametrize(
    ("host", "keywords"),
    [
        pytest.param(SAME_PYTHON, {}, id="interpreter by expression"),
        pytest.param({**LOCAL, "ansible_python_interpreter": sys.executable}, {}, id="interpreter by path"),
        pytest.param({**SAME_PYTHON, "ansible_connection": "ansible.builtin.local"}, {}, id="connection in full"),
        pytest.param({"ansible_connection": "ssh"}, {"delegate_to": "localhost"}, id="delegated"),
        pytest.param(SAME_PYTHON, {"become": False, "environment": {}}, id="nothing asked for"),
    ],
)
def test_on_the_controller_as_it_is_an_import_runs_in_the_worker(
    plays: Plays, host: dict[str, Any], keywords: dict[str, Any]
) -> None:
    done = plays.play_on({"lic-1": host}, plays.task(**keywords))
    assert_ended_well(done)
    assert ways(done) == [IN_WORKER]
    assert "EXEC" not in done.output
    assert done.recap("lic-1")["changed"] == plays.accepted() == 1


@pytest.mark.parametrize(
    ("host", "keywords", "why"),
    [
        pytest.param({**LOCAL, "ansible_python_interpreter": OTHER_PYTHON}, {}, "the interpreter is ", id="spelling"),
        pytest.param({**LOCAL, "ansible_python_interpreter": "auto_silent"}, {}, "the interpreter is ", id="auto"),
        pytest.param(SAME_PYTHON, {"environment": {"TZ": "UTC"}}, "environment is set", id="environment"),
        pytest.param(SAME_PYTHON, {"timeout": 60}, "timeout is set", id="timeout"),
        pytest.param(SAME_PYTHON, {"async": 60, "poll": 1}, "async is set", id="async"),
    ],
)
def test_what_asks_for_more_runs_as_a_module(
    plays: Plays, host: dict[str, Any], keywords: dict[str, Any], why: str
) -> None:
    done = plays.play_on({"lic-1": host}, plays.task(**keywords))
    assert_ended_well(done)
    (way,) = ways(done)
    assert way.startswith(f"as a module: {why}")
    assert "EXEC" in done.output
    assert done.recap("lic-1")["changed"] == plays.accepted() == 1
