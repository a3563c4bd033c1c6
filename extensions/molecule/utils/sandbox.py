#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops the sandbox of a scenario: `sandbox.py start FOLDER`, `sandbox.py stop FOLDER`.

`FOLDER/sandbox.json` has its process id, its address and the credentials of each system. Stopping ends only that
process, and only if it still is this sandbox, and forgets what was imported into it. Starting stops what was left
behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tests.sandbox.bigfix.credentials import BIGFIX_TOKEN, LMT_TOKEN
from tests.sandbox.haplo.keys import API_KEY, OUTCOME_KEY
from tests.sandbox.licstat.tokens import ADMIN_TOKEN
from tests.sandbox.lm.credentials import ADMIN_PASSWORD, ADMIN_USER

TIMEOUT = 30.0
"""Seconds in which it has to start, or to end."""


def main() -> None:
    action, folder = sys.argv[1], Path(sys.argv[2])
    if action == "start":
        start(folder)
    else:
        stop(folder)


def start(folder: Path) -> None:
    stop(folder)
    port_file = folder / "port"
    command = [sys.executable, "-m", "tests.sandbox", "--speed", "20", "--port-file", str(port_file)]
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + TIMEOUT
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            sys.exit(f"the sandbox did not start: see {folder / 'sandbox.log'}")
        time.sleep(0.05)
    settings = {
        "pid": process.pid,
        "url": f"http://127.0.0.1:{int(port_file.read_text())}",
        "licstat_token": ADMIN_TOKEN,
        "bigfix_token": BIGFIX_TOKEN,
        "lmt_token": LMT_TOKEN,
        "haplo_api_key": API_KEY,
        "haplo_outcome_api_key": OUTCOME_KEY,
        "lm_username": ADMIN_USER,
        "lm_password": ADMIN_PASSWORD,
    }
    (folder / "sandbox.json").write_text(json.dumps(settings), encoding="utf-8")


def stop(folder: Path) -> None:
    settings = folder / "sandbox.json"
    if settings.exists():
        pid = int(json.loads(settings.read_text(encoding="utf-8"))["pid"])
        deadline = time.monotonic() + TIMEOUT
        while is_this_sandbox(pid, folder) and time.monotonic() < deadline:
            os.kill(pid, signal.SIGTERM)
            time.sleep(0.2)
    for name in ("sandbox.json", "port", "receipts.db", "receipts.db-wal", "receipts.db-shm"):
        (folder / name).unlink(missing_ok=True)


def is_this_sandbox(pid: int, folder: Path) -> bool:
    """Whether the process has the port file in its arguments: another one may have got its id."""
    done = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], check=False, stdout=subprocess.PIPE, text=True)
    return str(folder / "port") in done.stdout


if __name__ == "__main__":
    main()
