#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the event source in the real ansible-rulebook, from the collection as it would be installed.

It takes a Java runtime. ansible-rulebook has an environment of its own below .cache/eda, made anew, and the collection
is built and installed there. Start it by `make test-eda`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.tools.check import CACHE, empty_folder
from tests.tools.environments import NoEnvironmentError, make_environment
from tests.tools.stage import CHECKOUT, stage

FOLDER = CACHE / "eda"
JAVA = "There is no Java runtime, which ansible-rulebook takes (on Debian and Ubuntu: default-jre-headless)."


def install_collection() -> None:
    galaxy = str(FOLDER / "venv/bin/ansible-galaxy")
    with empty_folder(FOLDER / "dist") as dist:
        build = [galaxy, "collection", "build", "--output-path", str(dist)]
        subprocess.run(build, cwd=stage(), check=True, stdout=subprocess.DEVNULL)
        (archive,) = dist.glob("*.tar.gz")
        into = ["--force", "--offline", "-p", str(FOLDER / "collections")]
        subprocess.run(
            [galaxy, "collection", "install", str(archive), *into], check=True, stdout=subprocess.DEVNULL, cwd=dist
        )


def main() -> int:
    if not shutil.which("java"):
        print(JAVA)
        return 1
    print("Making an environment with ansible-rulebook ...", flush=True)
    try:
        make_environment(FOLDER / "venv", "--requirement", str(CHECKOUT / "tests/requirements/eda.txt"))
    except NoEnvironmentError as error:
        print(error)
        return 1
    install_collection()
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "tests/rulebook"], cwd=CHECKOUT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
