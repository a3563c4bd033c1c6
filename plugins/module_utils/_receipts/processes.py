# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a process of this host is still alive, and a clock that nobody sets.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

PROC = Path("/proc")


def this_process() -> tuple[str, str, int, str]:
    """This process: host name, place (boot and process namespace; empty where those are hidden), id and start."""
    try:
        place = f"{boot()}:{(PROC / 'self/ns/pid').stat().st_ino}" if boot() else ""
    except OSError:
        place = ""
    pid = os.getpid()
    return socket.gethostname(), place, pid, _start_of(pid) or ""


def boot() -> str:
    """The id of this boot of the host; empty where the system hides it."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def boot_of(place: str) -> str:
    """The boot that a place belongs to."""
    return place.partition(":")[0]


def is_alive(pid: int, start: str) -> bool | None:
    """Whether the process with this id is alive, and the one that started then; None where that cannot be seen.

    A process that ended is not alive, even if it was not reaped yet.
    """
    found = _start_of(pid)
    if found is None:
        return None if _exists(pid) else False
    return found == start if start else None


def monotonic() -> float:
    """Seconds of a clock that all processes of a host share since boot.

    Setting the time of day does not change it, and it stands still while the host is suspended.
    """
    return time.monotonic()


def _start_of(pid: int) -> str | None:
    """When a process started, in the kernel's ticks since boot; empty if it has ended, None if it cannot be seen."""
    try:
        text = (PROC / f"{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if state in "ZX" else fields[18]


def _exists(pid: int) -> bool:
    """Whether there is a process with this id. It may be hidden, as /proc may show a user's own only."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
