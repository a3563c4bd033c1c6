# SPDX-License-Identifier: GPL-3.0-or-later
"""A library of Lifecycle Manager: its assets, the runs that imported them, and how they get published in sandbox time.

Nothing runs by a timer. When an import is accepted it is settled when each of its assets is due to be published;
whoever looks at the library first has everything done that is due by then. So a clock that stands still keeps it as it
is.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from ..clock import Clock
from .archives import AssetRow, Contents
from .import_request import ImportRequest


@dataclass(frozen=True)
class ImportSettings:
    """How imports and clearing go on. Seconds are sandbox seconds."""

    seconds_unknown: float = 0.5
    """How long the count of unpublished assets is -1 after an import."""
    seconds_per_asset: float = 0.1
    """How long each asset takes from then on; an import's assets are published one after the other (guess)."""
    governed: int = 0
    """So many assets of each import, its last ones, wait for approval, unless it bypasses governance (guess)."""
    approve: bool = False
    """Assets that wait for approval get it."""
    submits_by_default: bool = True
    """What an import without `submit` does (guess). Assets that are not submitted are never published."""
    replaces_by_default: bool = True
    """What an import without `replace` does with assets that exist (guess)."""
    validate_only: bool = False
    """`validate: true` reads the rows and imports nothing; by default it changes nothing (guess)."""
    clear_seconds: float = 0.0
    """How long after clearassets has answered the assets are still there."""
    clear_leaves: int = 0
    """So many assets survive it, those that came first."""


@dataclass(frozen=True)
class Source:
    """An import file as it came."""

    name: str
    """File name, or URL."""
    by_url: bool
    size: int


@dataclass
class Asset:
    """An asset in the catalog."""

    id: str
    name: str
    version: str
    description: str
    attributes: dict[str, list[str]]
    run: str
    """Run id of the import that made it what it is."""
    submitted: bool
    governed: bool
    due: float
    """Sandbox seconds at which it is published, if nothing keeps it."""
    published: bool = False
    removal: float | None = None
    """Sandbox seconds at which it goes, once the library was cleared."""


@dataclass
class Run:
    """An accepted import."""

    runid: str
    request: ImportRequest
    user: str | None
    """On whose behalf; None for the system user."""
    source: Source
    known_at: float
    """Sandbox seconds from which on its assets are counted."""
    assets: int = 0
    """How many assets it made or changed."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    """What is told of rows that were not imported, as `assetImportMessages`."""
    sha256: str | None = None
    """None while the file is still being read."""


@dataclass(frozen=True)
class Clearing:
    """A clearassets that was done."""

    user: str | None
    clear_events: bool
    assets: int
    """How many assets it removes."""


class Library:
    """One library. Its settings are read anew at each call, those of an accepted import are settled."""

    def __init__(self, clock: Clock, settings: ImportSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._assets: dict[tuple[str, str], Asset] = {}  # by name and version
        self._keys: dict[str, tuple[str, str]] = {}  # by id
        self._events: list[float] = []  # sandbox seconds at which each leaves the queue
        self._runs: dict[str, Run] = {}
        self._clearings: list[Clearing] = []
        self._made_ids = 0

    def configure(self, settings: ImportSettings) -> None:
        """Take other settings from now on."""
        self._catch_up()
        self._settings = settings

    def accept(self, request: ImportRequest, user: str | None, source: Source, contents: Contents) -> Run:
        """Import what was found in an archive."""
        self._catch_up()
        now = self._clock.now()
        run = Run(self._new_runid(now), request, user, source, known_at=now + self._settings.seconds_unknown)
        run.messages = [_message(row.cells, row.message) for row in contents.bad_rows]
        self._runs[run.runid] = run
        if not (request.validate and self._settings.validate_only):
            self._add_assets(run, contents.rows)
        return run

    def unpublished(self, runid: str) -> int | None:
        """How many assets of a run are not published; -1 while that is not known, None if the run is unknown.

        An asset that a later import has replaced, or that was removed, counts no more (guess).
        """
        self._catch_up()
        run = self._runs.get(runid)
        if run is None:
            return None
        if self._clock.now() < run.known_at:
            return -1
        return sum(asset.run == runid and not asset.published for asset in self._assets.values())

    def counts(self) -> dict[str, int]:
        """What getlibrarystatus tells, but for projects and users.

        That each submitted asset is a request until it is published, and an event until it is dealt with, is a guess.
        """
        self._catch_up()
        assets = self._assets.values()
        return {
            "catalogAssets": len(assets),
            "publishedAssets": sum(asset.published for asset in assets),
            "activeRequests": sum(asset.submitted and not asset.published for asset in assets),
            "pendingEvents": len(self._events),
        }

    def clear(self, user: str | None, clear_events: bool) -> None:
        """Remove assets and their requests; pending events only if asked to."""
        self._catch_up()
        going = list(self._assets.values())[self._settings.clear_leaves :]
        for asset in going:
            asset.removal = self._clock.now() + self._settings.clear_seconds
        if clear_events:
            self._events = []
        self._clearings.append(Clearing(user, clear_events, len(going)))
        self._catch_up()

    def describe(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "counts": self.counts(),
            "assets": [_plain_asset(asset) for asset in self._assets.values()],
            "runs": [_plain_run(run) for run in self._runs.values()],
            "clearings": [asdict(clearing) for clearing in self._clearings],
        }

    # An import.

    def _new_runid(self, now: float) -> str:
        """By the date and time, in the form of the example on the vendor's page."""
        date = self._clock.date(now)
        while (runid := f"import_{date:%Y-%m-%d_%H-%M-%S}.{date.microsecond // 1000:03}") in self._runs:
            date += timedelta(milliseconds=1)
        return runid

    def _add_assets(self, run: Run, rows: list[AssetRow]) -> None:
        request, settings = run.request, self._settings
        replaces = settings.replaces_by_default if request.replace is None else request.replace
        made: list[Asset] = []
        for row in rows:
            row_id = "" if request.ignore_asset_id else row.id
            before = self._find(row, row_id)
            if before is not None and not replaces:
                # That this is told in this way is a guess.
                run.messages.append(_message(asdict(row), "The asset exists, and replace is false"))
                continue
            made.append(self._put(run, row, row_id, before))
        run.assets = sum(asset.run == run.runid for asset in self._assets.values())
        self._settle(run, [asset for asset in made if self._assets.get((asset.name, asset.version)) is asset])

    def _find(self, row: AssetRow, row_id: str) -> Asset | None:
        """The asset that a row means: that of its id, or else that of its name and version (guess)."""
        key = self._keys.get(row_id, (row.name, row.version))
        return self._assets.get(key)

    def _put(self, run: Run, row: AssetRow, row_id: str, before: Asset | None) -> Asset:
        """An asset from a row, in the place of `before` and of any other of its name and version."""
        for old in (before, self._assets.get((row.name, row.version))):
            if old is not None:
                self._drop(old)
        known_id = row_id or (before.id if before is not None else self._make_id())
        asset = Asset(
            id=known_id,
            name=row.name,
            version=row.version,
            description=row.description,
            attributes=row.attributes,
            run=run.runid,
            submitted=False,
            governed=False,
            due=math.inf,
        )
        self._assets[asset.name, asset.version] = asset
        self._keys[asset.id] = (asset.name, asset.version)
        return asset

    def _settle(self, run: Run, assets: list[Asset]) -> None:
        """When each asset is published, and which wait for approval."""
        settings, submit = self._settings, run.request.submit
        if not (settings.submits_by_default if submit is None else submit):
            return
        waiting = 0 if run.request.bypass_governance else settings.governed
        for number, asset in enumerate(assets, start=1):
            asset.submitted = True
            asset.governed = number > len(assets) - waiting
            asset.due = run.known_at + number * settings.seconds_per_asset
            self._events.append(asset.due)

    def _drop(self, asset: Asset) -> None:
        self._assets.pop((asset.name, asset.version), None)
        self._keys.pop(asset.id, None)

    def _make_id(self) -> str:
        self._made_ids += 1
        return f"asset-{self._made_ids}"

    # The work, in sandbox time.

    def _catch_up(self) -> None:
        """Do what is due."""
        now = self._clock.now()
        for asset in list(self._assets.values()):
            if asset.due <= now and (not asset.governed or self._settings.approve):
                asset.published = True
            if asset.removal is not None and asset.removal <= now:
                self._drop(asset)
        self._events = [leaves for leaves in self._events if leaves > now]


def _message(row: dict[str, Any], text: str) -> dict[str, Any]:
    """An entry of assetImportMessages; what the row does not say is null (guess)."""
    return {
        "valid": False,
        "assetName": row["name"],
        "assetVersion": row["version"],
        "assetId": row["id"],
        "assetDescription": row["description"],
        "resultMessage": text,
    }


def _plain_asset(asset: Asset) -> dict[str, Any]:
    plain = asdict(asset)
    del plain["due"], plain["removal"]  # may be infinite, which JSON does not know
    return plain


def _plain_run(run: Run) -> dict[str, Any]:
    return {
        "runid": run.runid,
        "parameters": run.request.given,
        "user": run.user,
        "source": run.source.name,
        "by_url": run.source.by_url,
        "size": run.source.size,
        "sha256": run.sha256,
        "assets": run.assets,
        "messages": run.messages,
    }
