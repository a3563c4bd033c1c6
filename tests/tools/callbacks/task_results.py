# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what each task gave on each host, and how long it took, for programs to read."""

from __future__ import annotations

DOCUMENTATION = """
name: task_results
type: aggregate
short_description: Writes what each task gave
description:
  - Writes host, task, seconds, whether it failed, and the result as a line of JSON to the file that the environment
    variable TASK_RESULTS names.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Takes the time from the start of a task on a host to its result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._began: dict[str, float] = {}

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._began[host.get_name()] = time.perf_counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write(result, failed=False)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, failed=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write(result, failed=True)

    def _write(self, result: Any, *, failed: bool) -> None:
        host, task, outcome = (part(result, name) for name in ("host", "task", "result"))
        entry = {
            "host": host.get_name(),
            "task": task.get_name(),
            "seconds": time.perf_counter() - self._began[host.get_name()],
            "failed": failed,
            "result": {name: value for name, value in outcome.items() if name != "invocation"},
        }
        with Path(os.environ["TASK_RESULTS"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, default=str) + "\n")


def part(result: Any, name: str) -> Any:
    """A part of what Ansible hands over; in ansible-core 2.18 the names begin with an underscore."""
    return getattr(result, name if hasattr(result, name) else f"_{name}")
