# SPDX-License-Identifier: GPL-3.0-or-later
"""The same tests through modules and through actions, whose results have to be equal, key by key.

`run_action` gives what `run_module` gives, from an action that runs the import in its own process, as Ansible's workers
do. `comparable` takes out of a result what differs from run to run.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

from .. import running
from ..running import ROOT

ACTIONS = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}

_OF_ONE_RUN = {"remote_id", "started_at", "finished_at", "duration", "key", "content_sha256"}
_IN_WORDS = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # ids
    r"|[\w-]{32,}"  # digests, other ids
    r"|(?<=begins with )[\w-]{10}"  # so much of one as Haplo shows
    r"|\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d([.]\d+)?)?"  # moments
    r"|\d+([.]\d+)?"  # durations, counts of ids
)


def run_action(
    name: str, /, environment: dict[str, Any] | None = None, *, check: bool = False, diff: bool = False, **options: Any
) -> dict[str, Any]:
    """Run an action of this collection in this process; it may not hand over to the module.

    `environment` is that of the task, as a role for the controller has it.
    """
    variables = {"inventory_hostname": "localhost", "ansible_python_interpreter": sys.executable}
    action = make_action(name, options, variables, environment, check=check, diff=diff)
    with mock.patch.object(action, "_execute_module", side_effect=AssertionError("handed over to the module")):
        return running.parsed(json.dumps(action.run(task_vars=variables)))


def make_action(
    name: str,
    options: dict[str, Any],
    variables: dict[str, Any],
    environment: dict[str, Any] | None = None,
    *,
    check: bool = False,
    diff: bool = False,
) -> Any:
    """An action of this collection as Ansible makes it for a task on localhost, with the variables it has there."""
    found = importlib.import_module(f"ansible_collections.assetops.imports.plugins.action.{name}")
    task = Task()
    task.action, task.args, task.check_mode, task.diff = f"assetops.imports.{name}", options, check, diff
    task.environment = [environment or {}]
    task.vars = {} if environment is None else {f"__{name}_run_on": "controller"}
    loader = DataLoader()
    context = PlayContext()
    return found.ActionModule(
        task,
        connection=connection_loader.get("local", context),
        play_context=context,
        loader=loader,
        templar=Templar(loader, variables=variables),
        shared_loader_obj=None,
    )


def run_in_either(name: str, /, **options: Any) -> dict[str, Any]:
    """Run the action where there is one."""
    return run_action(name, **options) if name in ACTIONS else running.run_module(name, **options)


def comparable(value: Any, folder: Path, key: str = "") -> Any:
    """A result without what differs from run to run. `folder`: the test's own, in which its files are."""
    if isinstance(value, dict) and value.get("__ansible_type") == "WarningSummary":  # as modules send it from 2.19 on
        return comparable(value["event"]["msg"], folder)
    if isinstance(value, dict):
        return {name: comparable(one, folder, name) for name, one in value.items()}
    if isinstance(value, list):
        return [comparable(one, folder) for one in value]
    if key in _OF_ONE_RUN or isinstance(value, float):
        return type(value).__name__
    return _IN_WORDS.sub("…", value.replace(str(folder), "FOLDER")) if isinstance(value, str) else value
