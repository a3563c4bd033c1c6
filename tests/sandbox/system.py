# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox's frame and the systems in it agree upon."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from .clock import Clock


@dataclass(frozen=True)
class Operation:
    """One thing that a client can ask of a system."""

    name: str
    """As tests and faults call it, such as `import`."""
    methods: tuple[str, ...]
    """HTTP methods it answers; any other gets 405."""
    path: str
    """Below the system's prefix, in Starlette's notation: `/api/task/{tid}/status`."""
    handler: Callable[[Request], Awaitable[Response]]
    """It may raise `faults.FaultHits` to break the exchange instead of answering."""
    query_parameter: str | None = None
    """A request is this operation only if its query has this parameter, with whatever value. For one path that stands
    for two operations; this one has to come before the other."""


SENDS_DATE = "sends_date"
"""Each answer has a `Date` by the sandbox's clock, unless the handler sets this to False in the scope's `state`."""


@dataclass(frozen=True)
class Surroundings:
    """What the frame gives to a system."""

    clock: Clock
    data_dir: Path
    """Where uploads may lie while they are looked at; the system's own folder."""
    notify: Callable[[], None]
    """To be called when background work has ended: somebody may be waiting for it."""


class System(ABC):
    """A vendor's system. Its name is the path prefix under which it is reached."""

    name: str
    operations: tuple[Operation, ...]
    _settings: Any
    """A dataclass: the settings in force."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the initial settings and data."""

    @abstractmethod
    def configure(self, settings: dict[str, Any]) -> None:
        """Change settings; ValueError, with nothing changed, if one is unknown or of the wrong type."""

    def settings(self) -> dict[str, Any]:
        """The settings in force, ready for JSON."""
        return asdict(self._settings)

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What the system holds, ready for JSON."""

    def is_busy(self) -> bool:
        """Whether background work in real time is under way. Tasks that wait for sandbox time do not count."""
        return False

    @abstractmethod
    def introduction(self, url: str) -> list[str]:
        """Lines that tell a user how to reach it."""


class RefusedError(Exception):
    """A request that a system turns down."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def strict_query(request: Request, known: Iterable[str]) -> dict[str, str]:
    """The query's parameters: anything but what the vendor's page names is a client's mistake to be seen, with 400.

    A real server may well ignore what it does not know (guess).
    """
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if unknown := set(given) - set(known):
        raise RefusedError(400, f"Unknown parameter '{min(unknown)}'")
    if len(given) < len(pairs):
        raise RefusedError(400, "A parameter is given twice")
    return given
