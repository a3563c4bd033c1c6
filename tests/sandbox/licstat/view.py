# SPDX-License-Identifier: GPL-3.0-or-later
"""What License Statistics holds, as tests see it."""

from __future__ import annotations

import base64
import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Feature:
    """What a license server holds about one feature."""

    sessions: int
    seconds: int
    denials: int


@dataclass(frozen=True)
class LicenseServer:
    """What a license server holds."""

    accepted: int
    """Uploads that became tasks."""
    imports: int
    """Tasks that ended well."""
    opaque_imports: int
    """Those of them that were report logs."""
    features: dict[str, Feature]
    range: tuple[str, str] | None
    """First and last moment of its data."""
    lines: dict[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    """By moment and text, how often it holds each line; empty unless `keep_lines`."""


@dataclass(frozen=True)
class Task:
    """An accepted import."""

    tid: str
    license_server: int
    state: str
    finished: bool
    error: str | None
    parameters: dict[str, str]
    """Of the query, decoded, as given."""
    file_name: str
    size: int
    sha256: str | None
    """None while the upload is still being read."""
    content: bytes | None
    """None if it is larger than `keep_bytes`."""
    opaque: bool
    log: dict[str, Any]
    """Counts and dates found in the log."""


@dataclass(frozen=True)
class LicenseStatistics:
    """What License Statistics holds."""

    servers: dict[int, LicenseServer]
    """By id."""
    tasks: list[Task]
    """In the order of acceptance."""


def view(state: dict[str, Any]) -> LicenseStatistics:
    """The control endpoint's JSON, typed."""
    return LicenseStatistics(
        servers={int(key): _license_server(value) for key, value in state["license_servers"].items()},
        tasks=[_task(value) for value in state["tasks"]],
    )


def _license_server(value: dict[str, Any]) -> LicenseServer:
    features = {name: Feature(**feature) for name, feature in value["features"].items()}
    span = value["range"]
    lines = {(at, text): count for at, text, count in value.get("lines", ())}
    return LicenseServer(**{**value, "features": features, "range": tuple(span) if span else None, "lines": lines})


def _task(value: dict[str, Any]) -> Task:
    content = None if value["content"] is None else base64.b64decode(value["content"])
    names = {item.name for item in dataclasses.fields(Task)}
    return Task(**{name: entry for name, entry in {**value, "content": content}.items() if name in names})
