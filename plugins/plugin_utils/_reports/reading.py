# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a report from receipt stores: all attempts of its nights first, then the details of some imports.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    StoreError,
    as_text,
    parse_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import Filters, receipts_by_key
from ansible_collections.assetops.imports.plugins.module_utils._receipts.reporting import (
    AttemptSummary,
    attempts_since,
    is_still_missing,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import (
    Entry,
    Failure,
    ImportId,
    Report,
    entry_of,
    select_imports,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import (
    Nights,
    Row,
    assign_nights,
    calendar,
    worst,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import StoreConfig, use_store

A_MONTH = timedelta(days=35)  # before the first night: targets with an import in it are in the report
NEVER = "No import of it is known in these nights, nor in the 35 days before."
CHUNK = 5000  # imports whose details are in memory at a time

Name = tuple[str, str]
"""The label of a target, and the kind of its system."""


@dataclass(frozen=True)
class ReportQuery:
    """What to report.

    `expected`: targets that should be in the report. `failed`: what failed in the run that writes it. `max_ages`: how
    many seconds after a success the next one is due; `default_max_age` for all other targets.
    """

    nights: Nights
    zone: tzinfo | None
    zone_name: str
    store_configs: Sequence[StoreConfig]
    filters: Filters
    limit: int
    default_max_age: float
    max_ages: Mapping[Name, float] = field(default_factory=dict)
    expected: Collection[Name] = ()
    failed: Sequence[Failure] = ()
    unread: Sequence[str] = ()

    @property
    def scope(self) -> dict[str, str]:
        wanted = {name: getattr(self.filters, name) for name in ("system", "target", "label")}
        return {name: value for name, value in wanted.items() if value is not None}


def read_report(query: ReportQuery, now: datetime) -> Report:
    """Read a report. Raises `StoreError` if a store cannot be read any more."""
    with _without_garbage_collection():
        return _read(query, now)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Turn off the search for reference cycles: the many small objects of a report have none, and it takes a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(query: ReportQuery, now: datetime) -> Report:
    nights = query.nights
    longest = timedelta(seconds=max(query.max_ages.values(), default=0))
    found, unread = _attempts(query, parse_time(nights.bounds[0]) - max(A_MONTH, longest))
    attempts = assign_nights(found, nights)
    tonight = nights.of(as_text(now))
    chosen = select_imports(attempts, nights, as_text(now - timedelta(seconds=query.default_max_age)))
    rows = calendar(attempts, nights, query.max_ages, query.default_max_age, now)
    if tonight is not None:
        _mark_run_failures(rows, query.failed, tonight, len(nights.days))
    open_ = dict(_still_open(query.store_configs, chosen.open, now))
    failures = [
        Failure(one.name, one.system, one.state, open_[import_id]["message"] or "", one.started_at, open_[import_id])
        for import_id, one in chosen.open
        if import_id in open_
    ]
    never = sorted(set(query.expected) - {(row.name, row.system) for row in rows}) if tonight is not None else []
    return Report(
        nights=nights,
        zone=query.zone,
        zone_name=query.zone_name,
        scope=query.scope,
        stores=[config.location for config in query.store_configs],
        unread=[*query.unread, *unread],
        failures=[
            *(_new_failures(failures, query.failed) if tonight is not None else ()),
            *failures,
            *(Failure(name, system, "never", NEVER) for name, system in never),
        ],
        rows=rows,
        imports=chosen.newest,
        counts=chosen.counts,
        limit=query.limit,
        read=lambda import_ids: _entries(query.store_configs, import_ids),
    )


def _attempts(query: ReportQuery, since: datetime) -> tuple[list[tuple[int, AttemptSummary]], list[str]]:
    """All attempts with the number of their store, sorted by time; and why stores cannot be read."""
    found: list[tuple[int, AttemptSummary]] = []
    unread = []

    for number, config in enumerate(query.store_configs):

        def read(store: Store, number: int = number) -> None:
            found.extend((number, one) for one in attempts_since(store, query.filters, since))

        problem = use_store(config, read)
        if problem is not None:
            unread.append(problem)
    if len(query.store_configs) > 1:
        found.sort(key=itemgetter(1))
    return found, unread


def _still_open(
    store_configs: Sequence[StoreConfig], wanted: Sequence[tuple[ImportId, AttemptSummary]], now: datetime
) -> Iterator[tuple[ImportId, Entry]]:
    """The imports that are not well and that no later one made up for."""
    for number, config in enumerate(store_configs):
        keys = [key for (store, key), _one in wanted if store == number]
        if keys:
            for key, known in _known(config, keys, now).items():
                yield (number, key), entry_of(known)


def _entries(store_configs: Sequence[StoreConfig], import_ids: Sequence[ImportId]) -> Iterator[Entry]:
    """The entries of these imports, in this order, without those that were forgotten meanwhile."""
    for begin in range(0, len(import_ids), CHUNK):
        chunk = import_ids[begin : begin + CHUNK]
        found: dict[ImportId, Mapping[str, Any]] = {}
        for number, config in enumerate(store_configs):
            keys = [key for store, key in chunk if store == number]
            if keys:
                found.update({(number, key): known for key, known in _known(config, keys).items()})
        yield from (entry_of(found[import_id]) for import_id in chunk if import_id in found)


def _known(config: StoreConfig, keys: list[str], now: datetime | None = None) -> dict[str, dict[str, Any]]:
    """The receipts with these keys; with `now`, without those that a later import made up for."""
    found: dict[str, dict[str, Any]] = {}

    def read(store: Store) -> None:
        known = receipts_by_key(store, keys)
        found.update({key: one for key, one in known.items() if now is None or is_still_missing(store, one, now)})

    problem = use_store(config, read)
    if problem is not None:
        raise StoreError(f"{problem} Nothing was written.")
    return found


def _new_failures(known: Sequence[Failure], failed: Sequence[Failure]) -> Iterator[Failure]:
    """The failures of the run, without those that the receipts have in the same words."""
    reported = {(one.name, f"{one.entry['source']}: {one.message}" if one.entry else one.message) for one in known}
    for one in failed:
        if (one.name, one.message) not in reported:
            yield one


def _mark_run_failures(rows: list[Row], failed: Sequence[Failure], tonight: int, count: int) -> None:
    """Mark the failures of this run in the calendar: the receipts may not have them."""
    known = {(row.name, row.system): row for row in rows}
    for one in failed:
        row = known.setdefault((one.name, one.system), Row(one.name, one.system, ["not due"] * count))
        row.cells[tonight] = worst(("failed", row.cells[tonight]))
    rows[:] = [known[name] for name in sorted(known)]
