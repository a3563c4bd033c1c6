# SPDX-License-Identifier: GPL-3.0-or-later
"""What BigFix Inventory or License Metric Tool holds, as tests see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Import:
    """An import that has started. Times are as the API tells them: UTC, to the second, with `Z`."""

    type: str
    """`complete` or `raw_only`."""
    by: str
    """Who started it: `api` or `schedule` (also those of the setting `history`)."""
    started_at: str
    finished_at: str | None
    """None while it runs."""
    status: str | None
    """Its outcome, such as `successful`; None while it runs."""


@dataclass(frozen=True)
class BigFix:
    """What the server holds."""

    mode: str
    """As the status tells it."""
    away: bool
    """The server restarts right now."""
    imports: list[Import]
    """In order."""
    starts_asked: int
    """Authenticated requests with `run`, whatever came of them."""
    starts_asked_while_running: int
    """Those of them that came while an import ran."""

    @property
    def started_by_api(self) -> list[Import]:
        """The imports that requests have started."""
        return [one for one in self.imports if one.by == "api"]


def view(state: dict[str, Any]) -> BigFix:
    """The control endpoint's JSON, typed."""
    return BigFix(**{**state, "imports": [Import(**one) for one in state["imports"]]})
