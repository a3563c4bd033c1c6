#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what an import task costs beside one task of `ansible.builtin.uri` that posts a body of the same size.

`python -m benchmarks.roles`: fifty license servers, one new log each, `wait: false`, forks 10. In one run, there is a
task that posts as many bytes by `uri` for each server, and then the role's import of its log. A task's time goes from
its start on a host to its result, with the start of the module. The bar is a ratio of medians.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.sandbox.handle import Sandbox

FOLDER = ROOT / ".cache/bench-roles"
BAR = 1.5
SERVERS = 50
RUNS = 3
SIZE = 20_000
"""Bytes of a log."""


def main() -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "ansible.cfg").touch()
    with Sandbox(speed=1000) as sandbox:
        servers = [{"id": 100 + number, "name": f"server{number:02}"} for number in range(SERVERS)]
        sandbox.configure(license_servers=servers, parallel=True)
        write_playbook(sandbox)
        ratios = [compare(number) for number in range(RUNS)]
    ratio = median(ratios)
    print(f"import / uri: {ratio:.2f}, {'met' if ratio <= BAR else 'MISSED'}: at most {BAR}")
    return 0 if ratio <= BAR else 1


def write_playbook(sandbox: Sandbox) -> None:
    hosts = {f"server{number:02}": {"licstat_import_license_server_id": 100 + number} for number in range(SERVERS)}
    variables = {
        "licstat_import_url": sandbox.licstat_url,
        "licstat_import_api_token": sandbox.licstat_token,
        "licstat_import_receipts": str(FOLDER / "receipts.db"),
        "licstat_import_wait": False,
        "licstat_import_src": [f"{FOLDER}/{{{{ inventory_hostname }}}}.rl"],
    }
    inventory = {"licstat": {"hosts": hosts, "vars": variables}}
    (FOLDER / "inventory.json").write_text(json.dumps(inventory), encoding="utf-8")
    post = {
        "name": "Post it by uri",
        "ansible.builtin.uri": {
            "url": f"{sandbox.url}/_control/settings",
            "method": "POST",
            "body_format": "raw",
            "body": '{"licstat": {}}' + " " * SIZE,
            "headers": {"Content-Type": "application/json"},
        },
        "delegate_to": "localhost",
    }
    role = {"name": "Import it", "ansible.builtin.include_role": {"name": "assetops.imports.licstat_import"}}
    play = {"hosts": "licstat", "gather_facts": False, "tasks": [post, role]}
    (FOLDER / "play.json").write_text(json.dumps([play]), encoding="utf-8")


def compare(number: int) -> float:
    """One run with new logs: prints the medians, and returns their ratio."""
    for server in range(SERVERS):
        log = f"\0 report log {number} {server} ".encode()
        (FOLDER / f"server{server:02}.rl").write_bytes(log.ljust(SIZE, b"."))
    results = FOLDER / f"results-{number}"
    environment = {
        "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"),
        "ANSIBLE_HOME": str(FOLDER / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(FOLDER / "tmp"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/tools/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "TASK_RESULTS": str(results),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-f", "10", "-i", "inventory.json", "play.json"]
    subprocess.run(
        command, check=True, cwd=FOLDER, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    tasks: list[dict[str, Any]] = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    by_uri = seconds_of(tasks, "Post it by uri")
    imported = seconds_of(tasks, "oldest first")
    assert len(by_uri) == len(imported) == SERVERS
    ratio = median(imported) / median(by_uri)
    print(
        f"run {number + 1}: uri {median(by_uri):.2f} s, import {median(imported):.2f} s, ratio {ratio:.2f}", flush=True
    )
    return ratio


def seconds_of(tasks: list[dict[str, Any]], name: str) -> list[float]:
    return [task["seconds"] for task in tasks if task["task"].endswith(name)]


if __name__ == "__main__":
    sys.exit(main())
