# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vendor warns of: calls that go wrong while an import runs (FACTS section B.1, "Restriction").

No page says how they do; each kind is something that clients of such a server may well meet (guess).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..faults import Fault
from ..settings import check_choice

_KINDS: dict[str, Callable[[dict[str, Any]], Fault]] = {
    "reset": lambda answer: Fault("drop", when="after_work"),
    "close": lambda answer: Fault("drop", when="after_work", reset=False),
    "500": lambda answer: Fault(
        "status",
        when="after_work",
        status=500,
        body='{"error": "Internal Server Error", "message": "The database connection was lost"}',
        content_type="application/json",
    ),
    "503": lambda answer: Fault("status", when="after_work", status=503, body="Service Unavailable\n"),
    "html": lambda answer: Fault("html", when="after_work"),
    "truncated": lambda answer: Fault("truncate", chunked=True, body=json.dumps(answer)),
}


@dataclass(frozen=True)
class TroubleSettings:
    """How often, and which."""

    trouble: float = 0.0
    """Share, from 0 to 1, of the answers to `status` that go wrong while an import runs."""
    trouble_after: float = 0.0
    """And for so many sandbox seconds after its end."""
    trouble_kinds: list[str] = field(default_factory=lambda: list(_KINDS))
    """`reset`, `close` (without an answer), `500`, `503`, `html` (200 with a login page), `truncated`."""
    trouble_seed: int = 0
    """Setting any of these begins the same sequence again."""

    def __post_init__(self) -> None:
        if not 0 <= self.trouble <= 1:
            raise ValueError(f"setting 'trouble' must be from 0 to 1, not {self.trouble}")
        for kind in self.trouble_kinds:
            check_choice("trouble_kinds", kind, tuple(_KINDS))
        if not self.trouble_kinds:
            raise ValueError("setting 'trouble_kinds' must name one at least")


class Trouble:
    """A sequence of troubles, the same for the same settings."""

    def __init__(self, settings: TroubleSettings) -> None:
        self._settings = settings
        self._random = random.Random(settings.trouble_seed)

    def strike(self, answer: dict[str, Any]) -> Fault | None:
        """What befalls this answer, if anything."""
        if self._random.random() >= self._settings.trouble:
            return None
        return _KINDS[self._random.choice(self._settings.trouble_kinds)](answer)
