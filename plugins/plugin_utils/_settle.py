# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which imports are in doubt, what to check on the server for each, and which of them to settle.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    as_sentence,
    parse_time,
    shortened,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._receipts import listing, settling
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import AT_WORK
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.plugin_utils._text import INDENT, format_duration, wrap_text
from ansible_collections.assetops.imports.plugins.plugin_utils._watch import ROW

ALL = "all"  # instead of keys: everything that is in doubt
SHOWN = 100  # imports in a table and in a result
MAX_MESSAGE = 300  # characters
MAX_TITLE = 24  # characters, as in the first column of ROW
CENTURY = 100 * 365 * 24 * 3600.0  # seconds; dates end after some thousand years
NO_LIMIT = 2**62  # more receipts than any store has

QUESTIONS = {
    "licstat": "Is it in License Statistics? Look at its list of tasks, and whether the data of this time is there.",
    "bigfix": "Did the server import since then? The next run decides by its status.",
    "haplo": "Is this batch in Haplo's list of batches, and how did it end?",
    "lm": "Are these assets in the library? Look at their versions.",
}
BY_ID = {
    "licstat": "assetops.imports.licstat_task_info asks by the id, as long as the server knows it.",
    "haplo": "assetops.imports.haplo_batch_info asks by the id, with a key for Haplo's pages.",
    "lm": "assetops.imports.lm_import_info asks by the id.",
}
NEXT_RUN = {
    "submitted": "The server has taken it; the next run asks again.",
    "incomplete": "A part of it is in; the next run looks again, and sends nothing.",
}
# For batches other than standard batches.
REPEATED = "The next run schedules it again, which shows whether Haplo has it; it is imported only once."
HINT = (
    "Look at the server, and settle each by its key, with -e import_settle_keys=KEY and -e"
    " import_settle_state=succeeded where it is there. With failed, the next run sends it again. import_settle_system,"
    " import_settle_target and import_settle_label settle many."
)


@dataclass(frozen=True)
class Choice:
    """Which imports are meant: those with these keys, or all in doubt that match filters. `older_than`: seconds."""

    keys: tuple[str, ...] = ()
    system: str | None = None
    target: str | None = None
    label: str | None = None
    older_than: float | None = None

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that are set."""
        names = ("system", "target", "label", "older_than")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def is_by_key(self) -> bool:
        return bool(self.keys) and self.keys != (ALL,)

    def check(self, state: str | None, comment: str | None) -> None:
        """Raise `BadInput` if it is not clear which imports are meant, or if more may match than are meant."""
        if self.older_than is not None and not 0 <= self.older_than <= CENTURY:
            raise BadInput("older_than has to be a number of seconds from 0 to a century.")
        if self.is_by_key and self.filters:
            raise BadInput(f"keys and {', '.join(self.filters)} cannot be used together: set either keys or filters.")
        if comment is not None and state not in ("succeeded", "failed"):
            raise BadInput(
                "comment can only be used with state=succeeded or state=failed, which write it into the receipt."
            )
        if state is not None and not self.keys and not set(self.filters).difference({"older_than"}):
            raise BadInput(
                f"Which imports are meant? state={state} needs keys, system, target or label. keys=all means everything"
                " that is in doubt. Nothing was settled."
            )


def parse_keys(given: Any) -> tuple[str, ...]:
    """The keys in a list, or in a text with commas, spaces or line breaks between them. Raises `BadInput`."""
    texts = given if isinstance(given, list) else [given]
    keys = dict.fromkeys(key for text in texts for key in re.split(r"[\s,;]+", str(text)) if key)
    if ALL in keys and len(keys) > 1:
        raise BadInput("keys: all means everything that is in doubt; leave out either the other keys or all.")
    return tuple(keys)


def find_imports(store: Store, choice: Choice, now: datetime) -> list[dict[str, Any]]:
    """The imports of a store that are meant, as `listed` returns them; also those that a run is at work on."""
    if choice.is_by_key:
        return [known for key in choice.keys if (known := listing.receipt_by_key(store, key)) is not None]
    filters = listing.Filters(
        system=choice.system,
        target=choice.target,
        label=choice.label,
        states=tuple({*AT_WORK, *settling.IN_DOUBT}),
        until=None if choice.older_than is None else now - timedelta(seconds=choice.older_than),
    )
    return listing.list_receipts(store, filters, NO_LIMIT)


def import_result(one: Mapping[str, Any], location: str, now: datetime) -> dict[str, Any]:
    """An import that is, or was, in doubt, as the result has it."""
    names = ("key", "system", "target", "label", "source", "window", "period", "state", "remote_id")
    system = one["system"]
    is_repeated = system == "haplo" and one["state"] == "unknown" and not one["options"].get("kind")
    questions = (
        QUESTIONS[system],
        BY_ID.get(system) if one["remote_id"] else None,
        REPEATED if is_repeated else NEXT_RUN.get(one["state"]),
    )
    return {
        **{name: one[name] for name in names},
        "message": one["message"],
        "since": one["changed_at"],
        "age": max(0.0, (now - parse_time(one["changed_at"])).total_seconds()),
        "question": " ".join(filter(None, questions)) if one["state"] in settling.SETTLEABLE else "",
        "store": location,
    }


def table_lines(imports: Sequence[Mapping[str, Any]], count: int, end: str) -> list[str]:
    """The imports in a table; each with what to check on the server, or with the `end` that it came to."""
    if not imports:
        return []
    lines = [ROW.format("target", "system", "state", "since", "age")]
    for one in imports:
        title = str(one["label"] or "-")
        if len(title) > MAX_TITLE:
            lines.append(title)
            title = ""
        since, age = f"{one['since'][:19]}Z", format_duration(one["age"])
        lines.append(ROW.format(title, one["system"], one["state"], since, age))
        lines += [line for text in _notes(one, end) for line in wrap_text(text, INDENT)]
    if count > len(imports):
        lines.append(f"and {count - len(imports)} more")
    if not end:
        lines += ["", *wrap_text(HINT)]
    return [printable(line) for line in lines]


def _notes(one: Mapping[str, Any], end: str) -> list[str]:
    """The notes below the row of an import."""
    notes = [f"{one['target']}: {one['source']}{_time_range(one)}", f"key {one['key']}"]
    if one["remote_id"]:
        notes.append(f"id {one['remote_id']}")
    if end:
        return [*notes, end]
    return [*notes, as_sentence(shortened(one["message"], MAX_MESSAGE)), one["question"]]


def _time_range(one: Mapping[str, Any]) -> str:
    """The time range of an import's content, as far as it is known."""
    if one["window"]:
        return f", from {one['window']['from'] or 'the beginning of the log'} to {one['window']['to']}"
    return f", from {one['period']['first']} to {one['period']['last']}" if one["period"] else ""
