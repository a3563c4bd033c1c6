# SPDX-License-Identifier: GPL-3.0-or-later
"""What Lifecycle Manager holds, as tests see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asset:
    """An asset in a library's catalog."""

    id: str
    name: str
    version: str
    description: str
    attributes: dict[str, list[str]]
    run: str
    """Run id of the import that made it what it is."""
    submitted: bool
    governed: bool
    """It needs approval."""
    published: bool


@dataclass(frozen=True)
class Run:
    """An accepted import."""

    runid: str
    parameters: dict[str, Any]
    """The JSON of the request, as given."""
    user: str | None
    """On whose behalf; None for the system user."""
    source: str
    """File name, or URL."""
    by_url: bool
    size: int
    sha256: str | None
    """None while a large file is still being read."""
    assets: int
    """How many assets it made or changed."""
    messages: list[dict[str, Any]]
    """The `assetImportMessages` of the answer."""


@dataclass(frozen=True)
class Clearing:
    """A clearassets that was done."""

    user: str | None
    clear_events: bool
    assets: int
    """How many assets it removed, or will have removed."""


@dataclass(frozen=True)
class Library:
    """A library; assets, runs and clearings are in the order of their coming."""

    counts: dict[str, int]
    """`catalogAssets`, `publishedAssets`, `activeRequests`, `pendingEvents`."""
    assets: list[Asset]
    runs: list[Run]
    clearings: list[Clearing]


@dataclass(frozen=True)
class LifecycleManager:
    """What Lifecycle Manager holds."""

    libraries: dict[str, Library]
    """By name."""


def view(state: dict[str, Any]) -> LifecycleManager:
    """The control endpoint's JSON, typed."""
    return LifecycleManager({name: _library(value) for name, value in state["libraries"].items()})


def _library(value: dict[str, Any]) -> Library:
    return Library(
        counts=value["counts"],
        assets=[Asset(**asset) for asset in value["assets"]],
        runs=[Run(**run) for run in value["runs"]],
        clearings=[Clearing(**clearing) for clearing in value["clearings"]],
    )
