# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that run by the Python which has their libraries already give what they give by any other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..playbooks.driver import Ansible

TASKS: list[dict[str, Any]] = [
    {"ansible.builtin.ping": {"data": "crash"}, "ignore_errors": True},
    {"ansible.builtin.command": {"cmd": "sh -c 'echo out; echo error >&2; exit 3'"}, "ignore_errors": True},
    {"ansible.builtin.shell": "umask; pwd; echo $HELD $HOME", "args": {"chdir": "/"}, "environment": {"HELD": "here"}},
    {"ansible.builtin.stat": {"path": "/", "colour": "red"}, "ignore_errors": True},
    {"assetops.imports.import_receipt_info": {"receipts": "/nowhere/receipts.db"}},
    {"assetops.imports.licstat_task_info": {"url": "http://127.0.0.1:9", "task_id": "import_1"}, "ignore_errors": True},
]
DIFFERS = {"start", "end", "delta", "exception"}
"""Times, and the places in a traceback."""


@pytest.mark.slow
def test_results_are_those_of_any_python(module_python: str, running_sandbox: Sandbox, tmp_path: Path) -> None:
    ansible = Ansible(running_sandbox, tmp_path)

    def results(python: str, *, pipelining: bool) -> list[dict[str, Any]]:
        variables = {"ansible_python_interpreter": python, "ansible_pipelining": pipelining}
        done = ansible.play(*TASKS, vars=variables)
        return [{name: value for name, value in one.items() if name not in DIFFERS} for one in done.results]

    by_any = results(sys.executable, pipelining=False)
    assert len(by_any) == len(TASKS)
    assert results(module_python, pipelining=False) == by_any
    assert results(module_python, pipelining=True) == by_any
