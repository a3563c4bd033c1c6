# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python for the modules that Ansible starts, quick because it has imported their libraries already.

To Ansible it is an interpreter like another, `ansible_python_interpreter`: a program that runs what it is given, with
its environment and its files. That program (`client.py`) hands them on to a process (`server.py`) that forks for each.
Only libraries are there already. The module and what it uses of a collection come from what Ansible sends, as ever.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def preloaded_python() -> Iterator[str]:
    """The path of the interpreter, which is there for as long as this lasts."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        address, program = f"{folder}/socket", Path(folder, "python")
        client = shlex.join([sys.executable, "-IS", str(here / "client.py"), address, sys.executable])
        program.write_text(f'#!/bin/sh\nexec {client} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        server = [sys.executable, str(here / "server.py"), address]
        with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as process:
            assert process.stdin
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield str(program)
            process.stdin.close()  # it ends then, or when these tests end otherwise
