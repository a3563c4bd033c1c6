# SPDX-License-Identifier: GPL-3.0-or-later
"""What the integration tests have in common: the modules with their connection filled in, and logs to import."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from ansible.module_utils.common import warnings

from .. import running
from ..running import ROOT, RunningModule, parsed, run_module, start_module
from ..sandbox.handle import Request, Sandbox
from ..sandbox.licstat.view import LicenseServer

SERVER = 40
"""License server of the sandbox into which the tests import."""

MIB = 1024 * 1024

FIRST_DAY = datetime(2022, 1, 10)
"""Day 0 of the logs."""

QUICK = 1000.0
"""Sandbox seconds per second, where nothing is to be seen of how a task goes on."""

ABSENT = object()
"""As the value of an option: do not give it at all."""


class Modules:
    """The modules for a system, connected to a sandbox, with their receipts in a folder of the test.

    Waiting looks often, so that tests are quick. Every option can be given otherwise, or left out with `ABSENT`.
    """

    module = ""
    """The one that imports."""

    safe = frozenset[str]()
    """What may be asked in check mode."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.store = folder / "store" / "receipts.db"

    def __call__(self, *what: Any, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """The result of an import of this."""
        return in_process(self.module, check=check, diff=diff, **self.options(*what, **options))

    def foresee(self, *what: Any, **options: Any) -> dict[str, Any]:
        """The result in check mode, which has left no trace."""
        before, sent = snapshot(self.folder), len(self.sandbox.requests())

        result = self(*what, check=True, diff=True, **options)

        assert {request.operation for request in self.sandbox.requests()[sent:]} <= self.safe
        assert snapshot(self.folder) == before
        return result

    def output(self, *what: Any, check: bool = False, diff: bool = False, **options: Any) -> str:
        """All that such an import gives to Ansible, with the record of its invocation."""
        return output_of(lambda: self(*what, check=check, diff=diff, **options))

    def start(self, *what: Any, environment: dict[str, str] | None = None, **options: Any) -> RunningModule:
        """Such an import in a process of its own."""
        return start_module(self.module, environment, **self.options(*what, **options))

    def unprivileged(self, *what: Any, check: bool = False, **options: Any) -> dict[str, Any]:
        """Its result in a process to which the permissions of files apply, even for root."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.integration.unprivileged", self.module],
            cwd=ROOT,
            input=json.dumps({**self.options(*what, **options), "_ansible_check_mode": check}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.strip(), done.stderr
        return parsed(done.stdout)

    def options(self, *what: Any, **options: Any) -> dict[str, Any]:
        """The options of the module that imports."""
        raise NotImplementedError


class Licstat(Modules):
    """The modules for License Statistics."""

    module = "licstat_import"
    safe = frozenset({"status", "no_task"})  # how a task is doing, one that there is or not

    def task_info(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `licstat_task_info`."""
        return in_process("licstat_task_info", check=check, **self.connection(**options))

    def connection(self, **options: Any) -> dict[str, Any]:
        """The options that both modules have."""
        return given({"url": self.sandbox.licstat_url, "api_token": self.sandbox.licstat_token, **options})

    def options(self, *logs: Path, **options: Any) -> dict[str, Any]:
        usual = {
            "license_server_id": SERVER,
            "src": [str(log) for log in logs],
            "receipts": str(self.store),
            "wait_sleep": 0.02,
            "wait_timeout": 5,
            "ca_path": ABSENT if self.sandbox.ca_path is None else str(self.sandbox.ca_path),
        }
        return self.connection(**{**usual, **options})

    # What came of it.

    @property
    def held(self) -> LicenseServer:
        """What the license server holds, once all that it was given is finished."""
        return self.held_by_all[SERVER]

    @property
    def held_by_all(self) -> dict[int, LicenseServer]:
        """The same of all license servers."""
        self.sandbox.clock(step=3600)
        return self.sandbox.licstat().servers

    @property
    def uploads(self) -> list[Request]:
        """The import requests that reached the sandbox."""
        return self.sandbox.requests("licstat", "import")

    @property
    def questions(self) -> list[Request]:
        """The questions for a task that reached the sandbox."""
        return self.sandbox.requests("licstat", "status")


class Logs:
    """Makes FlexNet debug logs, each of a day of its own, so that no two overlap, with one use and one denial."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def __call__(self, name: str | None = None, *, day: int | None = None, mib: float = 0) -> Path:
        """A new log; `day` counts from 2022-01-10 on, `mib` is filled up to with lines that say nothing."""
        day = self._made if day is None else day
        self._made += 1
        path = self._folder / (name or f"debug-{self._made}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            file.write(log_text(day))
            if mib:
                fill(file, int(mib * MIB))
        return path


def log_text(day: int) -> str:
    """A debug log of the given day, counted from 2022-01-10 on."""
    when = FIRST_DAY + timedelta(days=day)
    return (
        f" 7:47:04 (lmgrd) (@lmgrd-SLOG@) Start-Date: {when:%a %b %d %Y} 07:47:04 UTC\n"
        f" 7:47:04 (lmgrd) TIMESTAMP {when.month}/{when.day}/{when.year}\n"
        ' 8:01:00 (vendord) OUT: "FEAT_A" alice@ws1\n'
        ' 8:02:10 (vendord) DENIED: "FEAT_A" bob@ws2  (Licensed number of users already reached. (-4,342))\n'
        ' 8:31:00 (vendord) IN: "FEAT_A" alice@ws1\n'
    )


def fill(file: Any, size: int) -> None:
    """Write lines that are no log lines until the file has so many bytes."""
    line = "-" * 1023 + "\n"
    left = size - file.tell()
    for _unused in range(left // (len(line) * 1024)):
        file.write(line * 1024)
    left = size - file.tell()
    file.write(line * (left // len(line)) + "-" * (left % len(line)))


def only(result: dict[str, Any]) -> dict[str, Any]:
    """The one import in a result."""
    (entry,) = result["imports"]
    assert isinstance(entry, dict)
    return entry


def assert_ended_well(result: dict[str, Any], *, changed: bool, reason: str) -> None:
    """The import is held by the server, and the module says so."""
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"]) == ("succeeded", changed)
    assert only(result)["reason"] == reason


def assert_plain_failure(result: dict[str, Any]) -> None:
    """It failed with a message for a person. What nobody expected was told by `parsed` already."""
    assert result["failed"] is True
    assert result["msg"].strip()
    assert "\n" not in result["msg"]
    assert "Traceback" not in result["msg"] + json.dumps(result.get("imports"))


def assert_failed(result: dict[str, Any], *words: str, **expected: Any) -> None:
    """It failed and says why to a person, in these words among others; these values are in the result."""
    assert_plain_failure(result)
    assert not [word for word in words if word not in result["msg"]], result["msg"]
    assert {name: result.get(name) for name in expected} == expected


OTHER_PYTHON = str(Path(sys.executable).with_name("python3"))
"""Another way to write the same interpreter."""


class Playbook:
    """A playbook of tasks for this host, run by `ansible-playbook` in a process of its own.

    `python` is the interpreter of modules; with another one than this, imports are no affair of Ansible's worker.
    """

    def __init__(
        self, folder: Path, tasks: list[dict[str, Any]], *, python: str = sys.executable, **keywords: Any
    ) -> None:
        self.path = folder / "playbook.yml"
        self._python = python
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks, **keywords}
        self.path.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it; what it says is on its standard output."""
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", str(self.path)]
        command += ["-e", json.dumps({"ansible_python_interpreter": self._python}), *arguments]
        return subprocess.Popen(
            command,
            cwd=self.path.parent,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it to its end: exit status and what it said."""
        process = self.start(*arguments)
        output, _unused = process.communicate(timeout=120)
        return process.returncode, output


def argument_spec(module: str) -> dict[str, dict[str, Any]]:
    """The options of a module as it gives them to Ansible."""

    class ToldError(Exception):
        """The module has told what it takes."""

    def tell(**what: Any) -> None:
        raise ToldError(what["argument_spec"])

    found = importlib.import_module(f"ansible_collections.assetops.imports.plugins.modules.{module}")
    with mock.patch.object(found, "AnsibleModule", tell):
        try:
            found.main()
        except ToldError as told:
            spec: dict[str, dict[str, Any]] = told.args[0]
            return spec
    raise AssertionError(f"{module} has told nothing")


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options without those that are `ABSENT`."""
    return {name: value for name, value in options.items() if value is not ABSENT}


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder, with its time and content."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def output_of(run: Callable[[], dict[str, Any]]) -> str:
    """All that a module gives to Ansible, with the record of its invocation."""
    with mock.patch.object(running, "parsed", lambda output: {"output": output}):
        return str(run()["output"])


def in_process(module: str, **options: Any) -> dict[str, Any]:
    """Run a module as if it were the first of its process: Ansible gathers warnings in a variable of the process."""
    warnings._global_warnings.clear()
    return run_module(module, **options)
