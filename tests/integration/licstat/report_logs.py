# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of logs that License Statistics takes without looking into them, with receipts in a store of either kind."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import Any

from ...sandbox.handle import Sandbox
from ...sandbox.licstat.view import Task
from ..support import Licstat

PATIENCE = 60.0  # seconds for what happens at once, unless the machine is busy with other things

AT_ONCE: dict[str, Any] = {"parallel": True, "seconds_pending": 0.0, "seconds_running": 0.0}


class ReportLogs(Licstat):
    """The modules, with such logs in a folder and one store in common."""

    def __init__(self, sandbox: Sandbox, folder: Path, store: str | None = None) -> None:
        super().__init__(sandbox, folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.location = store or str(folder / "receipts.db")
        self._made = 0

    def options(self, *logs: Path, **options: Any) -> dict[str, Any]:
        return super().options(
            *logs, **{"receipts": self.location, "wait_sleep": 0.05, "wait_timeout": PATIENCE, **options}
        )

    def log(self, size: int = 1000) -> Path:
        """A new log."""
        self._made += 1
        path = self.folder / f"{self._made}.rl"
        path.write_bytes((b"\0" + os.urandom(16)).ljust(size, b"-"))
        return path

    def accepted(self, log: Path) -> list[Task]:
        """What the sandbox took of a log, once no request is under way any more."""
        self.sandbox.wait_idle()
        return [task for task in self.sandbox.licstat().tasks if task.sha256 == digest_of(log)]

    def wait_until_held(self, count: int = 1) -> None:
        """Until so many uploads stand still."""
        self.sandbox.wait_for("held", operation="import", count=count, timeout=PATIENCE)


@functools.cache
def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_imported(result: dict[str, Any], *, changed: bool, reason: str | None = None) -> None:
    """All of it is held by the server, for this reason, and the module says so."""
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"]) == ("succeeded", changed)
    assert {one["state"] for one in result["imports"]} == {"succeeded"}
    assert reason is None or {one["reason"] for one in result["imports"]} == {reason}
