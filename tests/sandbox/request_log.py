# SPDX-License-Identifier: GPL-3.0-or-later
"""What was sent to the systems, in order: the evidence of tests that something, or nothing, was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class RequestRecord:
    """One request to a system, from its headers on; it is filled in while the request goes on."""

    number: int
    """Place in the order of arrival, from 1."""
    system: str
    operation: str | None
    """Name of the operation (such as `import`), or None if the path is not one of the system's."""
    method: str
    path: str
    query: str
    """As received, still percent-encoded."""
    headers: list[tuple[str, str]]
    """Names (lower case) and values, in order."""
    port: int = 0
    """The client's, which tells connections apart."""
    body_bytes: int = 0
    """Bytes of the body that were read."""
    complete: bool = False
    """The whole body was read."""
    status: int | None = None
    """HTTP status of the answer, None as long as there is none."""
    fault: str | None = None
    """What was done to it, as `action@when`, if a fault was applied."""
    held: bool = False
    """A `hold` or `stall` fault keeps it waiting right now."""
    finished: bool = False
    """The sandbox is done with it."""

    def as_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


@dataclass
class RequestLog:
    """The requests since the last reset, and a way to wait for them."""

    records: list[RequestRecord] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, record: RequestRecord) -> None:
        """Note a request that has just arrived."""
        self.records.append(record)
        self.notify()

    def next_number(self) -> int:
        """Number of the next record."""
        return len(self.records) + 1

    def select(self, system: str | None = None, operation: str | None = None) -> list[RequestRecord]:
        """Those of a system, of an operation, or both; in order."""
        return [
            record
            for record in self.records
            if system in (None, record.system) and operation in (None, record.operation)
        ]

    def clear(self) -> None:
        """Forget them all. Requests that still go on are no longer seen."""
        self.records = []
        self.notify()

    def notify(self) -> None:
        """Wake those who wait: a record has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until the condition holds, looking at each change; False if it did not within `timeout` real seconds."""

        async def hold() -> None:
            while not condition():
                await self._changed.wait()

        try:
            await asyncio.wait_for(hold(), timeout)
        except asyncio.TimeoutError:
            return False
        return True
