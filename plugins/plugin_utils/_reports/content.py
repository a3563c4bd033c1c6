# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of a report in any format: what is not well, how each night went, and the imports.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import parse_time
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import AT_WORK
from ansible_collections.assetops.imports.plugins.module_utils._receipts.reporting import AttemptSummary
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import PAGES_PATH
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import NightAttempt, Nights, Row
from ansible_collections.assetops.imports.plugins.plugin_utils._text import format_size

BAD = ("failed", "unknown", "incomplete")
ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+")
ADVICE = {
    "unknown": "Ask the server whether it has it, and settle it by its key with the playbook assetops.imports.settle.",
    "incomplete": "Check on the server what is missing.",
    "submitted": "The next run will find out what became of it.",
}

ImportId = tuple[int, str]
"""An import: the number of its store, and its key."""
Entry = dict[str, Any]
"""An import, as JSON has it in a report."""


@dataclass(frozen=True)
class Failure:
    """Something that is not well: where, since when, and why, in words. `entry`: the import, if there is one."""

    name: str
    system: str
    state: str
    message: str
    since: str | None = None
    entry: Entry | None = None

    @property
    def advice(self) -> str:
        return ADVICE.get(self.state, "")


@dataclass(frozen=True)
class Report:
    """A report.

    `scope`: the filters, by option. `stores` were read; `unread`: why others were not. `imports` are those of these
    nights, the newest first; `read` returns the entries of some of them. `counts`: how many imports are in each state,
    without dry runs.
    """

    nights: Nights
    zone: tzinfo | None
    zone_name: str
    scope: Mapping[str, str]
    stores: Sequence[str]
    unread: Sequence[str]
    failures: Sequence[Failure]
    rows: Sequence[Row]
    imports: Sequence[ImportId]
    counts: Mapping[str, int]
    limit: int
    read: Callable[[Sequence[ImportId]], Iterator[Entry]] = field(repr=False)

    @property
    def title(self) -> str:
        days = self.nights.days
        return f"Imports in the night of {days[0]}" if len(days) == 1 else f"Imports from {days[0]} to {days[-1]}"

    @property
    def summary(self) -> str:
        """The whole report in one sentence."""
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items()) or "none"
        wrong = len(self.failures) + len(self.unread)
        verdict = "Nothing is known to be wrong" if not wrong else f"{wrong} to look at"
        return f"{verdict}. {len(self.rows)} targets, {len(self.imports)} imports: {counts}."

    def entries(self) -> Iterator[Entry]:
        """All imports."""
        return self.read(self.imports)

    def newest(self) -> list[Entry]:
        """The imports that people are shown."""
        return list(self.read(self.imports[: self.limit]))

    def local(self, moment: str | None) -> str:
        """A time of a receipt in the time zone of the report."""
        return "-" if moment is None else parse_time(moment).astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class Selection:
    """The imports of some nights: the newest first, how many are in each state, and those that are not well."""

    newest: list[ImportId]
    counts: dict[str, int]
    open: list[tuple[ImportId, AttemptSummary]]


def select_imports(attempts: Sequence[NightAttempt], nights: Nights, lost_before: str) -> Selection:
    """The imports that were tried in these nights. `attempts` are sorted by time.

    An import that is not well is left out if a later success of the same made up for it. What a server was given before
    the time `lost_before`, and was not polled since, is not well.
    """
    count = len(nights.days)
    here = [one for one in attempts if 0 <= one.night < count]
    newest = list(dict.fromkeys((store, one.key) for _night, store, one in reversed(here)))
    counts = Counter(one.state for _night, _store, one in here if one.is_current and not one.is_dry_run)
    open_: dict[tuple[str, str, str], dict[ImportId, AttemptSummary]] = {}
    for night, store, one in attempts:
        if one.is_dry_run or not one.is_current:
            continue
        if one.state in ("succeeded", "scheduled"):
            known = open_.get((one.name, one.system, one.what)) if open_ else None
            if known:
                _make_up(known)
        elif 0 <= night < count and (one.state in BAD or (one.state in AT_WORK and one.started_at < lost_before)):
            open_.setdefault((one.name, one.system, one.what), {})[store, one.key] = one
    left = [pair for of_same in open_.values() for pair in of_same.items()]
    left.sort(key=lambda pair: pair[1].started_at, reverse=True)
    return Selection(newest, dict(sorted(counts.items())), left)


def _make_up(known: dict[ImportId, AttemptSummary]) -> None:
    """A success came after these: it makes up for what failed, except for time ranges."""
    for import_id, one in list(known.items()):
        if one.state in ("failed", "incomplete") and not one.is_window:
            del known[import_id]


def entry_of(known: Mapping[str, Any]) -> Entry:
    """An import as a report has it, from its receipt."""
    started, finished = known["started_at"], known["finished_at"]
    return {
        "target": known["label"] or known["target"],
        "system": known["system"],
        "into": known["target"],
        "source": known["source"],
        "state": known["state"],
        "is_dry_run": bool(known["options"].get("dry_run")),
        "started_at": started,
        "finished_at": finished,
        "seconds": round((parse_time(finished) - parse_time(started)).total_seconds(), 3) if finished else None,
        "size": known["size"],
        "period": known["period"],
        "window": known["window"],
        "remote_id": known["remote_id"],
        "content_sha256": known["content_sha256"],
        "key": known["key"],
        "url": address_of(known),
        "message": known["message"],
        "attempts": [
            {name: one[name] for name in ("attempt", "state", "started_at", "finished_at", "remote_id", "message")}
            for one in known["history"]
        ],
    }


def address_of(known: Mapping[str, Any]) -> str | None:
    """Where people find an import: the page of a batch of Haplo, otherwise the server itself, if known."""
    found = ADDRESS.match(known["target"])
    if found is None:
        return None
    row = known["notes"].get("row")
    is_page = known["system"] == "haplo" and isinstance(row, int)
    return f"{found[0].rstrip('/')}{PAGES_PATH}/batch/{row}" if is_page else found[0]


def size_of(entry: Entry) -> str:
    """The size of an import's content, as far as it is known."""
    return "-" if entry["size"] is None else format_size(entry["size"])


def range_of(entry: Entry) -> str:
    """The time range of an import's content, as far as it is known."""
    if entry["window"]:
        return f"{entry['window']['from'] or 'beginning of log'} to {entry['window']['to']}"
    return f"{entry['period']['first']} to {entry['period']['last']}" if entry["period"] else "-"


def state_of(entry: Entry) -> str:
    """The state of an import, in words."""
    return f"dry run: {entry['state']}" if entry["is_dry_run"] else str(entry["state"])
