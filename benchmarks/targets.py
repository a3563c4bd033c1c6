#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what many targets cost: `python -m benchmarks.targets`, which `make bench` runs as well.

Every target is a license server with one log of its own. The playbooks that are compared run in turns, so that what
else the machine does hits all alike, and a ratio is the median of the ratios of the turns. What a playbook costs is the
processor time of its whole tree of processes, for each target; the sandbox is not among them.

ping      one task of ansible.builtin.ping, on the host itself
uri       what the collection replaces: an upload by ansible.builtin.uri, and another one until the import is done
new       playbooks/import_all.yml with `paths`, and logs that were never imported
idle      the same again: nothing to do
task      the importing task alone, nothing to do
module    the same as a module, as where a task becomes another user or runs on another host
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.sandbox.handle import Sandbox

FOLDER = ROOT / ".cache/bench-targets"
FORKS = 10
SIZE = 20_000  # bytes of a log
TURNS = 3
BARS = {
    ("idle", "ping"): 0.35,
    ("idle", "uri"): 0.15,
    ("task", "ping"): 0.2,
    ("new", "uri"): 0.85,
    ("module", "ping"): 1.5,
}
HAS_BAR_FROM = 50  # targets
MEMORY_BARS = {"task": 22, "module": 34}  # MiB of a waiting target
MEASURES = ("costs", "waiting", "progress", "forks")
PATIENCE = 600.0  # seconds, for all targets to wait


@dataclass(frozen=True)
class Cost:
    """Of one run: processor time of all its processes, and wall time, in seconds."""

    cpu: float
    wall: float


class Bench:
    """So many targets, the sandbox that they import into, and the playbooks that are compared."""

    def __init__(self, sandbox: Sandbox, count: int) -> None:
        self.sandbox = sandbox
        self.count = count
        self.names = [f"server{number:03}" for number in range(count)]
        self._turn = 0
        sandbox.configure(
            license_servers=[{"id": 100 + number, "name": name} for number, name in enumerate(self.names)],
            parallel=True,
        )
        self._write_inventory()
        for name, tasks in self._plays().items():
            play = {"hosts": "licstat", "gather_facts": False, "tasks": tasks}
            self._path(f"{name}.yml").write_text(json.dumps([play]), encoding="utf-8")  # JSON is YAML

    def run(self, name: str, *, forks: int = FORKS, **environment: str) -> Cost:
        """Run one of the playbooks, which has to end well and to do what it is for."""
        began = time.perf_counter()
        process = self.start(name, forks, **environment)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        output = self._output.read_text(encoding="utf-8")
        changed = sum(int(one) > 0 for one in re.findall(r"^server\S+ +: .*changed=(\d+)", output, re.MULTILINE))
        expected = self.count if name == "new" else 0
        if process.returncode or (name != "uri" and changed != expected):
            raise SystemExit(f"{name} ended with {process.returncode} and {changed} changed targets:\n{output[-3000:]}")
        return Cost(usage.ru_utime + usage.ru_stime, wall)

    def start(self, name: str, forks: int, **environment: str) -> subprocess.Popen[bytes]:
        """Start one of the playbooks, in a group of processes of its own."""
        playbook = str(ROOT / "playbooks/import_all.yml" if name in ("new", "idle") else self._path(f"{name}.yml"))
        command = ["ansible-playbook", "-f", str(forks), "-i", str(self._path("inventory.json")), playbook]
        with self._output.open("wb") as output:
            return subprocess.Popen(
                [str(Path(sys.executable).with_name(command[0])), *command[1:]],
                cwd=FOLDER,
                env={**os.environ, **ansible_settings(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def write_logs(self) -> None:
        """A log for each target that was never imported, in place of the one before."""
        self._turn += 1
        for name in self.names:
            folder = FOLDER / "logs" / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / "debug.log.1").write_bytes(f"\0 {name} {self._turn} ".encode().ljust(SIZE, b"."))

    @property
    def _output(self) -> Path:
        return self._path("output")

    @staticmethod
    def _path(name: str) -> Path:
        return FOLDER / name

    def _write_inventory(self) -> None:
        hosts = {name: {"licstat_import_license_server_id": 100 + number} for number, name in enumerate(self.names)}
        variables = {
            "licstat_import_url": self.sandbox.licstat_url,
            "licstat_import_api_token": self.sandbox.licstat_token,
            "licstat_import_receipts": str(FOLDER / "receipts.db"),
            "licstat_import_paths": [f"{FOLDER}/logs/{{{{ inventory_hostname }}}}"],
            "licstat_import_min_age": 0,
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        inventory = {"licstat": {"hosts": hosts, "vars": variables}}
        self._path("inventory.json").write_text(json.dumps(inventory), encoding="utf-8")

    def _plays(self) -> dict[str, list[dict[str, Any]]]:
        options = {
            "url": "{{ licstat_import_url }}",
            "api_token": "{{ licstat_import_api_token }}",
            "license_server_id": "{{ licstat_import_license_server_id }}",
            "paths": "{{ licstat_import_paths }}",
            "receipts": "{{ licstat_import_receipts }}",
        }
        task = {"name": "Import the logs", "assetops.imports.licstat_import": options}
        # The same Python by another name, which an action takes for another one.
        another = str(link_to_python(FOLDER / "python"))
        return {
            "ping": [{"name": "Ping", "ansible.builtin.ping": {}}],
            "uri": uri_loop(self.sandbox),
            "task": [task],
            "module": [{**task, "vars": {"ansible_python_interpreter": another}}],
        }


def uri_loop(sandbox: Sandbox) -> list[dict[str, Any]]:
    """An import as people write it without a module for it."""
    token = {"X-Auth-token": sandbox.licstat_token}
    upload = {
        "name": "Upload the log",
        "ansible.builtin.uri": {
            "url": sandbox.licstat_url + "/api/v3/admin/license-server/{{ licstat_import_license_server_id }}/import",
            "method": "POST",
            "headers": token,
            "body_format": "form-multipart",
            "body": {
                "file": {"filename": "{{ licstat_import_paths[0] }}/debug.log.1", "multipart_encoding": "7or8bit"}
            },
        },
        "register": "upload",
    }
    poll = {
        "name": "Wait for the import",
        "ansible.builtin.uri": {
            "url": sandbox.licstat_url + "/api/v3/admin/task/{{ upload.json.data.ti.tid }}/status",
            "method": "POST",
            "headers": token,
        },
        "register": "status",
        "until": "status.json.data.sts in ['SUCCESS', 'FAILURE']",
        "failed_when": "status.json.data.sts == 'FAILURE'",
        "retries": 60,
        "delay": 1,
    }
    return [upload, poll]


def link_to_python(path: Path) -> Path:
    """A program that is this Python with all its packages, and is called otherwise."""
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def ansible_settings() -> dict[str, str]:
    """Nothing of the user's."""
    return {
        "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"),
        "ANSIBLE_HOME": str(FOLDER / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(FOLDER / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
    }


@contextmanager
def bench_of(count: int, **settings: Any) -> Iterator[Bench]:
    """So many targets with a fresh sandbox and no receipts."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "ansible.cfg").touch()
    with Sandbox(speed=1, config={"licstat": {"seconds_pending": 0.0, "seconds_running": 0.2, **settings}}) as sandbox:
        yield Bench(sandbox, count)


class Verdict:
    """Prints what is found as it is found, and keeps which bars were missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def line(self, what: str, figures: str, limit: str = "", met: bool | None = None) -> None:
        """`met` is None where there is no limit."""
        verdict = "" if met is None else f"{'met' if met else 'MISSED'}: {limit}"
        print(f"  {what:<28} {figures:<48} {verdict}".rstrip(), flush=True)
        if met is False:
            self.missed.append(what)


def measure_costs(counts: tuple[int, ...], verdict: Verdict) -> None:
    """All the playbooks, in turns, for each number of targets."""
    for count in counts:
        compare(count, verdict)


def compare(count: int, verdict: Verdict) -> None:
    """All the playbooks for so many targets."""
    turns = TURNS if count <= 50 else 1
    print(f"\n{count} targets, forks {FORKS}, {turns} turns", flush=True)
    costs: dict[str, list[Cost]] = {}
    with bench_of(count) as bench:
        for _turn in range(turns):
            for name in ("ping", "uri", "new", "idle", "task", "module"):
                if name in ("uri", "new"):
                    bench.write_logs()
                costs.setdefault(name, []).append(bench.run(name))
    for name, runs in costs.items():
        cpu, wall = (median(getattr(run, kind) for run in runs) for kind in ("cpu", "wall"))
        verdict.line(name, f"{cpu / count * 1000:6.0f} ms of CPU a target, {wall:7.1f} s in all")
    for (ours, theirs), limit in BARS.items():
        ratio = median(one.cpu / other.cpu for one, other in zip(costs[ours], costs[theirs], strict=True))
        met = ratio <= limit if count >= HAS_BAR_FROM else None
        verdict.line(f"{ours} / {theirs}, {count} targets", f"{ratio:.2f}", f"at most {limit}", met)


def measure_waiting(counts: dict[str, int], verdict: Verdict) -> None:
    """What a target holds in memory while it waits: the share of its processes that is theirs alone (PSS)."""
    print("\nMemory of waiting targets, all at once", flush=True)
    for name, count in counts.items():
        with bench_of(count, seconds_running=100_000.0) as bench:
            bench.write_logs()
            process = bench.start(name, count)
            try:
                bench.sandbox.wait_for("answered", timeout=PATIENCE, operation="import", count=count)
                pids = processes_of(process.pid)
                each = sum(share_of(pid) for pid in pids) / count / 1024
            finally:
                for pid in processes_of(process.pid):  # workers have sessions of their own
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.wait()
        limit = MEMORY_BARS[name]
        figures = f"{each:.1f} MiB each, {len(pids)} processes"
        verdict.line(f"{name}, {count} targets", figures, f"at most {limit} MiB", each <= limit)


def measure_progress(count: int, verdict: Verdict) -> None:
    """What live progress costs while targets wait: with the lines as by default, and with none."""
    print(f"\nProgress, {count} new imports of 20 s", flush=True)
    ratios = []
    with bench_of(count, seconds_running=20.0) as bench:
        for _turn in range(TURNS):
            costs = []
            for progress in ("60", "0"):
                bench.write_logs()
                costs.append(bench.run("new", forks=count, ASSETOPS_PROGRESS=progress).cpu)
            ratios.append(costs[0] / costs[1])
    verdict.line("with / without", f"{median(ratios):.2f} of the CPU")


def measure_forks(count: int, verdict: Verdict) -> None:
    """How long imports of some seconds take all together by the number of forks."""
    print(f"\nForks, {count} new imports of 5 s", flush=True)
    with bench_of(count, seconds_running=5.0) as bench:
        for forks in (5, 20, 50):
            bench.write_logs()
            verdict.line(f"forks {forks}", f"{bench.run('new', forks=forks).wall:.1f} s in all")


def processes_of(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def share_of(pid: int) -> float:
    """KiB of a process's memory, what is shared by several split among them; 0 for one that has ended."""
    with suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        return float(re.findall(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[0])
    return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="50 targets at most: to try it out")
    parser.add_argument("--only", choices=MEASURES, nargs="+", default=MEASURES, help="measure just these")
    options = parser.parse_args()
    verdict = Verdict()
    counts = (1, 50) if options.quick else (1, 50, 200, 500)
    waiting = {"task": 50, "module": 20} if options.quick else {"task": 200, "module": 50}
    measures: dict[str, Callable[[Verdict], None]] = {
        "costs": partial(measure_costs, counts),
        "waiting": partial(measure_waiting, waiting),
        "progress": partial(measure_progress, 20),
        "forks": partial(measure_forks, 50),
    }
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")
    try:
        for name in options.only:
            measures[name](verdict)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"\nBars missed: {'; '.join(verdict.missed) or 'none'}.")
    return 1 if verdict.missed else 0


if __name__ == "__main__":
    sys.exit(main())
