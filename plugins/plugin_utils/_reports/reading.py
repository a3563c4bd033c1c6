# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report is read from receipt stores: all attempts of its nights first, then what is shown of some imports.

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
    Report,
    Where,
    entry_of,
    selected,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import (
    Nights,
    Row,
    calendar,
    placed,
    worst,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import Place, problem_with

A_MONTH = timedelta(days=35)  # before the first night, for which it is looked who was imported then
NEVER = "No import of it is known, nor of the 35 days before these nights."
PORTION = 5000  # imports of which is known all at a time

Name = tuple[str, str]
"""The label of a target, and the kind of its system."""


@dataclass(frozen=True)
class Question:
    """What a report is wanted of.

    `expected` are targets that should be in it. `failed` is what failed in the run that it is part of. `max_ages`: how
    many seconds after a success the next one is due, `usual` for those that are not among them.
    """

    nights: Nights
    zone: tzinfo | None
    zone_name: str
    places: Sequence[Place]
    filters: Filters
    limit: int
    usual: float
    max_ages: Mapping[Name, float] = field(default_factory=dict)
    expected: Collection[Name] = ()
    failed: Sequence[Failure] = ()
    unread: Sequence[str] = ()

    @property
    def scope(self) -> dict[str, str]:
        wanted = {name: getattr(self.filters, name) for name in ("system", "target", "label")}
        return {name: value for name, value in wanted.items() if value is not None}


def read_report(question: Question, now: datetime) -> Report:
    """The report. Raises `StoreError` where a store was read, and cannot be any more."""
    with _no_collection():
        return _read(question, now)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Of the many small things that are made here none is in a circle: looking for those would take a third longer."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(question: Question, now: datetime) -> Report:
    nights = question.nights
    longest = timedelta(seconds=max(question.max_ages.values(), default=0))
    found, unread = _attempts(question, parse_time(nights.bounds[0]) - max(A_MONTH, longest))
    attempts = placed(found, nights)
    tonight = nights.of(as_text(now))
    chosen = selected(attempts, nights, as_text(now - timedelta(seconds=question.usual)))
    rows = calendar(attempts, nights, question.max_ages, question.usual, now)
    if tonight is not None:
        _note_run(rows, question.failed, tonight, len(nights.days))
    open_ = dict(_still_open(question.places, chosen.open, now))
    failures = [
        Failure(one.name, one.system, one.state, open_[where]["message"] or "", one.started_at, open_[where])
        for where, one in chosen.open
        if where in open_
    ]
    never = sorted(set(question.expected) - {(row.name, row.system) for row in rows}) if tonight is not None else []
    return Report(
        nights=nights,
        zone=question.zone,
        zone_name=question.zone_name,
        scope=question.scope,
        stores=[place.location for place in question.places],
        unread=[*question.unread, *unread],
        failures=[
            *(_of_run(failures, question.failed) if tonight is not None else ()),
            *failures,
            *(Failure(name, system, "never", NEVER) for name, system in never),
        ],
        rows=rows,
        imports=chosen.newest,
        counts=chosen.counts,
        limit=question.limit,
        read=lambda wheres: _entries(question.places, wheres),
    )


def _attempts(question: Question, since: datetime) -> tuple[list[tuple[int, AttemptSummary]], list[str]]:
    """All attempts, each with the number of its store, the first one first; and why stores cannot be read."""
    found: list[tuple[int, AttemptSummary]] = []
    unread = []

    for number, place in enumerate(question.places):

        def read(store: Store, number: int = number) -> None:
            found.extend((number, one) for one in attempts_since(store, question.filters, since))

        trouble = problem_with(place, read)
        if trouble is not None:
            unread.append(trouble)
    if len(question.places) > 1:
        found.sort(key=itemgetter(1))
    return found, unread


def _still_open(
    places: Sequence[Place], wanted: Sequence[tuple[Where, AttemptSummary]], now: datetime
) -> Iterator[tuple[Where, Entry]]:
    """Of imports that are not well, those that nothing made up for."""
    for number, place in enumerate(places):
        keys = [key for (store, key), _one in wanted if store == number]
        if keys:
            for key, known in _known(place, keys, now).items():
                yield (number, key), entry_of(known)


def _entries(places: Sequence[Place], wheres: Sequence[Where]) -> Iterator[Entry]:
    """The entries of these imports, in this order; without any that was forgotten meanwhile."""
    for begin in range(0, len(wheres), PORTION):
        some = wheres[begin : begin + PORTION]
        found: dict[Where, Mapping[str, Any]] = {}
        for number, place in enumerate(places):
            keys = [key for store, key in some if store == number]
            if keys:
                found.update({(number, key): known for key, known in _known(place, keys).items()})
        yield from (entry_of(found[where]) for where in some if where in found)


def _known(place: Place, keys: list[str], now: datetime | None = None) -> dict[str, dict[str, Any]]:
    """The receipts of these keys; with `now`, without those that are made up for."""
    found: dict[str, dict[str, Any]] = {}

    def read(store: Store) -> None:
        known = receipts_by_key(store, keys)
        found.update({key: one for key, one in known.items() if now is None or is_still_missing(store, one, now)})

    trouble = problem_with(place, read)
    if trouble is not None:
        raise StoreError(f"{trouble} Nothing was written.")
    return found


def _of_run(known: Sequence[Failure], failed: Sequence[Failure]) -> Iterator[Failure]:
    """What failed in the run, but for what the receipts tell in the same words."""
    told = {(one.name, f"{one.entry['source']}: {one.message}" if one.entry else one.message) for one in known}
    for one in failed:
        if (one.name, one.message) not in told:
            yield one


def _note_run(rows: list[Row], failed: Sequence[Failure], tonight: int, count: int) -> None:
    """Tell in the calendar what failed in this run, where the receipts may know nothing of it."""
    known = {(row.name, row.system): row for row in rows}
    for one in failed:
        row = known.setdefault((one.name, one.system), Row(one.name, one.system, ["not due"] * count))
        row.cells[tonight] = worst(("failed", row.cells[tonight]))
    rows[:] = [known[name] for name in sorted(known)]
