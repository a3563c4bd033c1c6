#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the code in small ways, one at a time, and see whether its fast unit tests notice: which changes survive?

It looks at what decides, writes down and talks to the systems, in a copy of the checkout below .cache/mutants, and
leaves a report there. Start it by `make test-mutants`, which prepares its environment. SAMPLE=N tries N places instead
of 200, SEED=N other ones.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.tools.check import CACHE, empty_folder, temporary_files_in_memory
from tests.tools.environments import NoEnvironmentError, make_environment
from tests.tools.stage import CHECKOUT, listed_files

FOLDER = CACHE / "mutants"
REPORT = FOLDER / "report.json"
REQUIREMENTS = CHECKOUT / "tests/requirements"


def main() -> int:
    print("Making an environment for the tests of mutants ...", flush=True)
    with empty_folder(FOLDER / "checkout") as copy:
        for name in listed_files(CHECKOUT):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, copy / name, follow_symlinks=False)
        try:
            python = prepare(copy)
        except NoEnvironmentError as error:
            print(f"{error}\nIs a package index within reach of pip?", flush=True)
            return 1
        command = [str(python), str(copy / "tests/tools/mutant_runner.py"), str(REPORT)]
        command += [os.environ.get("SAMPLE") or "200", os.environ.get("SEED") or "1"]
        with temporary_files_in_memory():
            environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
            return subprocess.run(command, check=False, cwd=copy, env=environment).returncode


def prepare(copy: Path) -> Path:
    """Make the environment, in which the collection is the copy, and all else that of the tests."""
    constraint = ("--constraint", str(REQUIREMENTS / "lock.txt"))
    python = make_environment(FOLDER / "venv", "--requirement", str(REQUIREMENTS / "mutants.txt"), *constraint)
    (site,) = (FOLDER / "venv").glob("lib/python*/site-packages")
    (site / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    link = site / "ansible_collections/assetops/imports"
    link.parent.mkdir(parents=True)
    link.symlink_to(copy)
    return python


if __name__ == "__main__":
    sys.exit(main())
