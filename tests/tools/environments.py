# SPDX-License-Identifier: GPL-3.0-or-later
"""Fresh virtual environments for tests and for the matrix of versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_ENVIRONMENT = dict(os.environ)  # what reaches a package index; tests are given another home and no proxies


class NoEnvironmentError(Exception):
    """The environment could not be made; the message is what was said by the commands that should have made it."""


def make_environment(folder: Path, *requirements: str, python: str = sys.executable) -> Path:
    """Make a virtual environment in place of any that was there, and return its interpreter.

    `requirements` are arguments as `pip install` takes them. As in in-venv.sh, uv is tried first, for it is quick, then
    pip, for it knows every setting that a user may need to reach an index.
    """
    shutil.rmtree(folder, ignore_errors=True)
    interpreter = folder / "bin/python"
    failed = _failure(python, "-m", "venv", "--without-pip", str(folder))
    if failed is None:
        failed = _failure(*_uv("pip", "install", "--quiet", "--python", str(interpreter), *requirements))
    if failed is not None and interpreter.exists():
        pip = ("-m", "pip", "--python", str(interpreter), "install", "--quiet", *requirements)
        again = _failure(sys.executable, *pip)
        failed = None if again is None else failed + again
    if failed is not None:
        raise NoEnvironmentError(failed)
    return interpreter


def _uv(*arguments: str) -> tuple[str, ...]:
    """uv does not read what pip is configured with."""
    index = _ENVIRONMENT.get("UV_DEFAULT_INDEX") or _ENVIRONMENT.get("PIP_INDEX_URL") or _configured_index()
    return (sys.executable, "-m", "uv", *arguments, *(("--default-index", index) if index else ()))


def _configured_index() -> str:
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(command, env=_ENVIRONMENT, check=False, capture_output=True, text=True)
    return "" if done.returncode else done.stdout.strip()


def _failure(*command: str) -> str | None:
    """What a command said, where it failed."""
    done = subprocess.run(
        command, env=_ENVIRONMENT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return f"$ {' '.join(command)}\n{done.stdout}" if done.returncode else None
