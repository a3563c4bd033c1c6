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
    {"assetops.imports.import_receipt_info": {"receipts": "/nowhere/receipts.db", "state": "x"}, "ignore_errors": True},
]
DIFFERS = {"start", "end", "delta", "exception"}
"""Times, and the places in a traceback."""


@pytest.mark.slow
def test_results_are_those_of_any_python(module_python: str, running_sandbox: Sandbox, tmp_path: Path) -> None:
    ways = [(sys.executable, False), (module_python, False), (module_python, True)]
    tasks = [
        {**task, "vars": {"ansible_python_interpreter": python, "ansible_pipelining": pipelining}}
        for python, pipelining in ways
        for task in TASKS
    ]

    done = Ansible(running_sandbox, tmp_path).play(*tasks)

    results = [{name: value for name, value in one.items() if name not in DIFFERS} for one in done.results]
    assert len(results) == len(tasks)
    assert results == results[: len(TASKS)] * len(ways)
