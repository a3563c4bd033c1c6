# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the sandbox as cases of tests."""

from __future__ import annotations

from typing import Any

import pytest

from .support import MIB

PATIENCE = 0.25
"""Seconds for which modules wait for an answer that a fault holds back."""

POINTS: dict[str, dict[str, Any]] = {"at-the-headers": {"when": "before_body"}, "in-the-middle": {"after_bytes": MIB}}
"""Before the last block of a big file has left."""


def case(action: str, **what: Any) -> Any:
    """A fault with a name made of what it is."""
    details = "-".join(f"{name}={value}" for name, value in what.items() if name not in ("body", "json", "headers"))
    return pytest.param({"action": action, **what}, id=f"{action}-{details}" if details else action)


def status_of(fault: dict[str, Any]) -> int | None:
    """The HTTP status that comes with a fault, None where no answer comes."""
    if fault["action"] in ("html", "json"):
        return int(fault.get("status", 200))
    if fault["action"] == "redirect":
        return int(fault.get("status", 302))
    status = fault.get("status")
    return status if isinstance(status, int) else None
