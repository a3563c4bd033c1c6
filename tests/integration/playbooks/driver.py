# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of `ansible-playbook` in a folder of the test, and what they gave."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...running import ROOT
from ...sandbox.handle import Sandbox

SERVER = 40
MODULE = "assetops.imports.licstat_import"
FIXTURES = ROOT / "tests/fixtures/flexnet"
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")  # before tests are given another home

Task = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """What a run of ansible-playbook gave."""

    status: int
    output: str
    tasks: list[dict[str, Any]]
    """Each task on each host, as `task_results` writes it."""

    @property
    def results(self) -> list[dict[str, Any]]:
        """The results of the tasks, in order."""
        return [task["result"] for task in self.tasks]

    def recap(self, host: str = "localhost") -> dict[str, int]:
        """The line about a host at the end of the output."""
        line = re.search(rf"^{host} +: (.*)$", self.output, re.MULTILINE)
        assert line, self.output
        return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line.group(1))}


class Ansible:
    """ansible-playbook with everything it writes in the test's folder, and a sandbox to import into."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.store = folder / "store/receipts.db"
        self.python = sys.executable
        self._runs = 0
        (folder / "ansible.cfg").touch()
        (folder / "tmp").mkdir()

    def play(self, *tasks: Task, arguments: Iterable[str] = (), **play: Any) -> Done:
        """Run tasks on this host."""
        path = self.folder / "play.yml"
        whole = [{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks), **play}]
        path.write_text(json.dumps(whole), encoding="utf-8")  # JSON is YAML
        inventory = self.folder / "inventory"
        inventory.write_text(
            f"localhost ansible_connection=local ansible_python_interpreter={json.dumps(self.python)}\n",
            encoding="utf-8",
        )
        return self.run("-i", str(inventory), str(path), *arguments)

    def run(self, *arguments: str, **environment: str) -> Done:
        """Run ansible-playbook."""
        self._runs += 1
        results = self.folder / f"results-{self._runs}"
        settings = {
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_REMOTE_TMP": str(self.folder / "tmp"),
            "ANSIBLE_ASYNC_DIR": str(self.folder / "async"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/tools/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_results",
            "TASK_RESULTS": str(results),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "1000",
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *arguments]
        # To measure coverage in each of the many processes takes longer than what they do.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        done = subprocess.run(
            command,
            check=False,
            cwd=self.folder,
            env={**inherited, **settings, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        return Done(done.returncode, done.stdout, [json.loads(line) for line in lines])

    def connection(self) -> Task:
        """The options that every module for License Statistics has."""
        return {"url": self.sandbox.licstat_url, "api_token": self.sandbox.licstat_token}

    def options(self, *logs: Path) -> Task:
        """The options of an import."""
        src = [str(log) for log in logs]
        store = {"receipts": str(self.store), "wait_sleep": 0.05}
        return {**self.connection(), "license_server_id": SERVER, "src": src, **store}

    def accepted(self) -> int:
        """How many imports the sandbox took."""
        return self.sandbox.licstat().servers[SERVER].accepted


def assert_ended_well(done: Done) -> None:
    assert done.status == 0, done.output
    assert not [task for task in done.tasks if task["failed"]]


def without_spaces(text: str) -> str:
    """For texts that ansible-core 2.18 breaks into lines."""
    return "".join(text.split())


def python_39() -> str | None:
    """A Python 3.9 that works: pyenv's shims are on PATH even where it is switched off."""
    candidates = [ROOT / ".cache/pythons/python3.9", *sorted(PYENV.glob("versions/3.9*/bin/python3.9"), reverse=True)]
    on_path = shutil.which("python3.9")
    for candidate in [*candidates, *([Path(on_path)] if on_path else [])]:
        if candidate.exists():
            question = "import ensurepip, sqlite3, ssl, sys; print(sys.version_info[:2] == (3, 9))"
            answer = subprocess.run([candidate, "-c", question], check=False, capture_output=True, text=True)
            if answer.stdout.strip() == "True":
                return str(candidate)
    return None
