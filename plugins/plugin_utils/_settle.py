# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which imports are in doubt, what to ask the server about each, and which of them are to be settled.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import wrap
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, as_sentence, parse_time
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._receipts import listing, settling
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import AT_WORK
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.plugin_utils._watch import ROW, span

ALL = "all"  # in place of keys: everything that is in doubt
SHOWN = 100  # imports that are named in a table and in a result
LONGEST = 300  # characters of what was said of an import
CENTURY = 100 * 365 * 24 * 3600.0  # seconds; calendars take no more than some thousands of years
COLUMNS = 80
LONGEST_TITLE = 24  # characters of the first column
NO_LIMIT = 2**62  # more receipts than any store has

QUESTIONS = {
    "licstat": "Is it in License Statistics? Look at its list of tasks, and whether the data of this time is there.",
    "bigfix": "Did the server import since then? Its status tells, and the next run goes by that.",
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
REPEATED = "The next run schedules it again, which tells, and is imported once."  # but for standard batches
HINT = (
    "Look at the server, and settle each by its key, with -e import_settle_keys=KEY and -e"
    " import_settle_state=succeeded where it is there. With failed, the next run sends it again. import_settle_system,"
    " import_settle_target and import_settle_label settle many."
)


@dataclass(frozen=True)
class Choice:
    """Which imports are meant: by their keys, or all in doubt that the filters leave. `older_than` is in seconds."""

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
        """Raise `BadInput` where it is not clear what is meant, or where it may be more than is."""
        if self.older_than is not None and not 0 <= self.older_than <= CENTURY:
            raise BadInput("older_than has to be a number of seconds, 0 or more, a century at most.")
        if self.is_by_key and self.filters:
            raise BadInput(f"keys name imports, and {', '.join(self.filters)} choose many. Set one of them.")
        if comment is not None and state not in ("succeeded", "failed"):
            raise BadInput("comment goes with state=succeeded and state=failed only: there is nothing to write it to.")
        if state is not None and not self.keys and not set(self.filters).difference({"older_than"}):
            raise BadInput(
                f"Which imports are meant? state={state} needs keys, system, target or label. keys=all is everything"
                " that is in doubt. Nothing was settled."
            )


def keys_in(given: Any) -> tuple[str, ...]:
    """The keys in a list, or in a text with commas, spaces or line breaks between them. Raises `BadInput`."""
    texts = given if isinstance(given, list) else [given]
    keys = dict.fromkeys(key for text in texts for key in re.split(r"[\s,;]+", str(text)) if key)
    if ALL in keys and len(keys) > 1:
        raise BadInput("keys: all is everything that is in doubt; leave out the other keys, or all.")
    return tuple(keys)


def chosen_in(store: Store, choice: Choice, now: datetime) -> list[dict[str, Any]]:
    """The imports of a store that are meant, as `listed` tells them; also those that a run is at work on."""
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


def told_of(one: Mapping[str, Any], location: str, now: datetime) -> dict[str, Any]:
    """What people and programs are told of an import that is, or was, in doubt."""
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


def lines_of(imports: Sequence[Mapping[str, Any]], count: int, end: str) -> list[str]:
    """The imports in a table; with what to ask about each, or to what `end` they came."""
    if not imports:
        return []
    lines = [ROW.format("target", "system", "state", "since", "age")]
    for one in imports:
        title = str(one["label"] or "-")
        if len(title) > LONGEST_TITLE:
            lines.append(title)
            title = ""
        since, age = f"{one['since'][:19]}Z", span(one["age"])
        lines.append(ROW.format(title, one["system"], one["state"], since, age))
        lines += [line for text in _notes(one, end) for line in in_columns(text, "    ")]
    if count > len(imports):
        lines.append(f"and {count - len(imports)} more")
    if not end:
        lines += ["", *in_columns(HINT)]
    return [printable(line) for line in lines]


def in_columns(text: str, indent: str = "") -> list[str]:
    """A text in lines that fit a terminal; what has no space in it, such as a path, is left whole."""
    return wrap(
        text, COLUMNS, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _notes(one: Mapping[str, Any], end: str) -> list[str]:
    """What there is to tell of an import below its line."""
    notes = [f"{one['target']}: {one['source']}{_time_of(one)}", f"key {one['key']}"]
    if one["remote_id"]:
        notes.append(f"id {one['remote_id']}")
    if end:
        return [*notes, end]
    message = one["message"]
    return [*notes, as_sentence(message if len(message) <= LONGEST else f"{message[:LONGEST]}..."), one["question"]]


def _time_of(one: Mapping[str, Any]) -> str:
    """The time that an import tells of, as far as that is known."""
    if one["window"]:
        return f", from {one['window']['from'] or 'the beginning of the log'} to {one['window']['to']}"
    return f", from {one['period']['first']} to {one['period']['last']}" if one["period"] else ""
