#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the collection at work, on this computer alone: `make demo`.

Starts a sandbox that stands for all systems, imports into them with playbooks/import_all.yml on the inventory
tests/inventory/demo, runs the same again, and tells what happened. It ends with 0 only if all was as it should be.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.sandbox.handle import Sandbox

FOLDER = ROOT / ".cache/demo"
PLAYBOOK = ["ansible-playbook", "-i", "tests/inventory/demo", "playbooks/import_all.yml"]
CALLBACK = "assetops.imports.quiet"  # so that there are the table and how it goes on
CONFIG = {"bigfix": {"seconds_complete": 6.0}, "lmt": {"seconds_complete": 8.0}}  # they take hours in the real world
IMPORTED_LIBRARY = "LibraryDemo"


@dataclass(frozen=True)
class Run:
    """What a run of the playbook gave: its exit status, what the importing modules returned, and the time it took."""

    status: int
    imports: list[tuple[str, dict[str, Any]]]
    seconds: float

    def of(self, system: str) -> Iterator[dict[str, Any]]:
        """The imports into a system, told by the path in the sandbox's addresses."""
        return (one for _host, one in self.imports if f"/{system}" in one["target"])


def main() -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "tmp").mkdir(parents=True)
    (FOLDER / "ansible.cfg").touch()
    os.chdir(ROOT)
    os.environ["TMPDIR"] = tempfile.tempdir = str(FOLDER / "tmp")
    say("A nightly job imports into License Statistics, BigFix Inventory, License Metric Tool, Haplo and Lifecycle")
    say("Manager, for all of which a sandbox stands here. It is started on this computer ...")
    with Sandbox(speed=1, data_dir=FOLDER / "sandbox", config=CONFIG) as sandbox:
        say(f"It listens on {sandbox.url} and holds no data.")
        head("First run: import, and wait for the outcome")
        first = run_playbook(sandbox)

        head("What the systems now hold, asked from the sandbox")
        held = tell_holdings(sandbox, first)

        head("Second run: the same again")
        requests = len(sandbox.requests())
        second = run_playbook(sandbox)
        more = [request.operation for request in sandbox.requests()[requests:]]

    head("In short")
    changed = sum(one["changed"] for _host, one in second.imports)
    imported = sum(one["state"] == "succeeded" and one["changed"] for _host, one in first.imports)
    checks = {
        f"{imported} of {len(first.imports)} imports were made, in {first.seconds:.0f} s": (
            first.status == 0 and imported == len(first.imports) == 8
        ),
        **held,
        f"the second run changed {changed or 'nothing'}, and sent {len(more)} requests that only read": (
            second.status == 0 and not changed and set(more) <= {"status", "library"} and len(second.imports) == 8
        ),
    }
    for text, is_so in checks.items():
        say(f"{'ok' if is_so else 'NOT OK'}: {text}")
    say(f"Receipts of it are in {(FOLDER / 'receipts.db').relative_to(ROOT)}; the sandbox was stopped.")
    return 0 if all(checks.values()) else 1


def run_playbook(sandbox: Sandbox) -> Run:
    """Run the playbook, show its output as it comes, and keep what the modules returned."""
    results = FOLDER / "results"
    results.unlink(missing_ok=True)
    environment = {
        **os.environ,
        **sandbox.environment,
        "ASSETOPS_RECEIPTS": str(FOLDER / "receipts.db"),
        "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"),
        "ANSIBLE_HOME": str(FOLDER / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(FOLDER / "tmp"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/tools/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_STDOUT_CALLBACK": CALLBACK,
        "TASK_RESULTS": str(results),
    }
    begin = time.monotonic()
    say(f"$ ANSIBLE_STDOUT_CALLBACK={CALLBACK} {' '.join(PLAYBOOK)}")
    command = [str(Path(sys.executable).with_name(PLAYBOOK[0])), *PLAYBOOK[1:], "--forks", "10"]
    status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    entries = map(json.loads, lines)
    tasks = [
        (entry["host"], task) for entry in entries for task in (entry["result"].get("results") or [entry["result"]])
    ]
    imports = [(host, one) for host, task in tasks for one in task.get("imports") or []]
    return Run(status, imports, time.monotonic() - begin)


def tell_holdings(sandbox: Sandbox, run: Run) -> dict[str, bool]:
    """What each system has, in a few lines; and whether that is what was to be imported."""
    denials = sum(
        feature.denials for server in sandbox.licstat().servers.values() for feature in server.features.values()
    )
    in_logs = sum(Path(one["source"]).read_text(encoding="utf-8").count(" DENIED: ") for one in run.of("licstat"))
    say(f"License Statistics: {denials} denials of licenses; {in_logs} stand in the logs.")
    checks = {"License Statistics holds the denials that stand in the logs": denials == in_logs > 0}

    for name, server in (("BigFix Inventory", sandbox.bigfix()), ("License Metric Tool", sandbox.lmt())):
        made = [f"{one.type} import, {one.status}" for one in server.started_by_api]
        say(f"{name}: {', '.join(made)}.")
        checks[f"{name} made one import"] = made == ["complete import, successful"] and server.starts_asked == 1

    batches = sandbox.haplo().batches
    for batch in batches:
        files = " and ".join(f"{file.name} ({file.records_imported} records)" for file in batch.files)
        say(f"Haplo: a batch, {batch.state}, with {files}; {batch.errors} errors.")
    checks["Haplo imported one batch without errors"] = [(batch.state, batch.errors) for batch in batches] == [
        ("complete", 0)
    ]

    library = sandbox.lm().libraries[IMPORTED_LIBRARY]
    published = library.counts["publishedAssets"]
    say(f"Lifecycle Manager: {published} of {library.counts['catalogAssets']} assets are published.")
    checks["Lifecycle Manager published every asset"] = published == len(library.assets) > 0
    return checks


def say(text: str = "") -> None:
    print(text, flush=True)


def head(text: str) -> None:
    say(f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    sys.exit(main())
