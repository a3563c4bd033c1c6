#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the collection at work, on this computer alone: `make demo`.

Starts a sandbox that stands for X-Formation License Statistics, imports the logs of three license servers into it with
playbooks/licstat.yml, runs the same again, and tells what happened. It ends with 0 only if all was as it should be.
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
PLAYBOOK = ["ansible-playbook", "-i", "tests/inventory/demo", "playbooks/licstat.yml"]
WIDTHS = (16, 18, 11, 9, 8)


@dataclass(frozen=True)
class Run:
    """What a run of the playbook gave: its exit status, and the result of the module by host."""

    status: int
    results: dict[str, dict[str, Any]]
    seconds: float

    @property
    def imports(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for host, result in self.results.items():
            for one in result.get("imports", []):
                yield host, one


def main() -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "tmp").mkdir(parents=True)
    (FOLDER / "ansible.cfg").touch()
    os.chdir(ROOT)
    os.environ["TMPDIR"] = tempfile.tempdir = str(FOLDER / "tmp")
    say("Logs of license servers are imported into X-Formation License Statistics, for which a sandbox stands here.")
    say("The sandbox is started on this computer ...")
    with Sandbox(speed=1, data_dir=FOLDER / "sandbox") as sandbox:
        say(f"It listens on {sandbox.licstat_url}, knows the license servers 40, 41 and 42, and holds no data.")
        head("First run: import the logs of three license servers, and wait for the outcome")
        first = run_playbook(sandbox)
        tell_imports(first)
        uploads = len(sandbox.requests("licstat", "import"))

        head("What License Statistics now holds, asked from the sandbox")
        held = tell_holdings(sandbox)

        head("Second run: the same again")
        requests = len(sandbox.requests())
        second = run_playbook(sandbox)
        tell_imports(second)
        more = len(sandbox.requests()) - requests

    logs = sum(len(result.get("imports", [])) for result in first.results.values())
    head("In short")
    checks = {
        f"{logs} logs of {len(first.results)} license servers were imported, each once, in {first.seconds:.0f} s": (
            first.status == 0
            and len(first.results) == 3
            and logs == uploads == 4
            and all((one["state"], one["changed"]) == ("succeeded", True) for _unused, one in first.imports)
        ),
        "the denials that License Statistics holds are those that stand in the logs": held == denials_in_logs(first),
        f"the second run changed nothing, and sent {more or 'no'} requests": (
            second.status == 0
            and more == 0
            and [one["source"] for _unused, one in second.imports] == [one["source"] for _unused, one in first.imports]
            and not any(one["changed"] for _unused, one in second.imports)
        ),
    }
    for text, is_so in checks.items():
        say(f"{'ok' if is_so else 'NOT OK'}: {text}")
    say(f"Receipts of it are in {relative(FOLDER / 'receipts.db')}; the sandbox was stopped.")
    return 0 if all(checks.values()) else 1


def run_playbook(sandbox: Sandbox) -> Run:
    """Run the playbook, show its output as it comes, and keep what the module returned."""
    results = FOLDER / "results"
    results.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "LICSTAT_URL": sandbox.licstat_url,
        "LICSTAT_API_TOKEN": sandbox.licstat_token,
        "ASSETOPS_RECEIPTS": str(FOLDER / "receipts.db"),
        "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"),
        "ANSIBLE_HOME": str(FOLDER / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(FOLDER / "tmp"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/tools/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_NOCOLOR": "" if sys.stdout.isatty() else "1",
        "TASK_RESULTS": str(results),
        "PYTHONUNBUFFERED": "1",
    }
    begin = time.monotonic()
    say(f"$ {' '.join(PLAYBOOK)}")
    command = [str(Path(sys.executable).with_name(PLAYBOOK[0])), *PLAYBOOK[1:]]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                say(f"    {line.rstrip()}")
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    entries = {entry["host"]: entry["result"] for entry in map(json.loads, lines)}
    by_license_server = sorted(entries.items(), key=lambda entry: str(entry[1].get("imports", [{}])[0].get("target")))
    return Run(process.returncode, dict(by_license_server), time.monotonic() - begin)


def tell_imports(run: Run) -> None:
    """A line for each import."""
    say()
    row("license server", "log", "state", "reason", "seconds")
    for host, one in run.imports:
        log = Path(one["source"])
        row(
            f"{one['target'].split()[-1]} ({host})",
            f"{log.parent.name}/{log.name}",
            one["state"],
            one["reason"],
            seconds_of(one),
        )
        if one["message"]:
            say(f"    {one['message']}")
    for host, result in run.results.items():
        if "imports" not in result:
            say(f"{host}: {result.get('msg')}")


def seconds_of(one: dict[str, Any]) -> str:
    return f"{one['duration']:.1f}" if one["changed"] else "-"


def tell_holdings(sandbox: Sandbox) -> dict[str, int]:
    """A line for each feature of which the sandbox knows something. Returns the denials by license server."""
    denials: dict[str, int] = {}
    row("license server", "feature", "usage", "denials", "sessions")
    for number, server in sandbox.licstat().servers.items():
        for name, feature in server.features.items():
            row(str(number), name, f"{feature.seconds} s", str(feature.denials), str(feature.sessions))
            denials[str(number)] = denials.get(str(number), 0) + feature.denials
    return denials


def denials_in_logs(run: Run) -> dict[str, int]:
    """The denials that stand in the logs that were imported, by license server, counted as plainly as can be."""
    found: dict[str, int] = {}
    for _unused, one in run.imports:
        server = one["target"].split()[-1]
        found[server] = found.get(server, 0) + Path(one["source"]).read_text(encoding="utf-8").count(" DENIED: ")
    return found


def relative(path: Path) -> Path:
    return path.relative_to(ROOT)


def say(text: str = "") -> None:
    print(text, flush=True)


def head(text: str) -> None:
    say(f"\n{text}\n{'-' * len(text)}")


def row(*cells: str) -> None:
    say(" ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
