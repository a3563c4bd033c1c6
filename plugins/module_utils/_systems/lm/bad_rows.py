# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of an archive that Lifecycle Manager could not parse: which of them are noted, and how they are reported.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_sentence

NOTED = 50  # so many bad rows are kept and shown
LONGEST_FIELD = 200  # characters of a field of a row


def notes_on_rows(answer: Mapping[str, Any], *, is_cut: bool) -> dict[str, Any]:
    """What to note of the answer to an import: the answer with the first bad rows, and how many more there are."""
    messages = answer.get("assetImportMessages")
    rows = [row for row in messages if isinstance(row, dict)] if isinstance(messages, list) else []
    bad = [row for row in rows if row.get("valid") is not True] or rows
    has_errors = is_cut or answer.get("parsingErrorsExist") not in (None, False)
    return {
        "answer": {**answer, "assetImportMessages": bad[:NOTED]},
        "has_errors": has_errors or any(row.get("valid") is False for row in bad),
        "more_rows": max(0, len(bad) - NOTED),
        "has_more": is_cut,
    }


def bad_rows_message(notes: Mapping[str, Any]) -> str:
    """The rows that did not parse, for people; empty where there are none."""
    if not notes.get("has_errors"):
        return ""
    answer = notes.get("answer") or {}
    rows = [row for row in answer.get("assetImportMessages") or [] if isinstance(row, dict)]
    if not rows:
        return "Some rows did not parse and were not imported; Lifecycle Manager does not say which."
    more = int(notes.get("more_rows") or 0)
    at_least = "at least " if notes.get("has_more") else ""
    number = len(rows) + more
    beginning = f"{at_least}{number} row{'' if number == 1 else 's'} did not parse and"
    beginning += f" {'was' if number == 1 else 'were'} not imported"
    shown = "; ".join(map(_describe, rows))
    return as_sentence(
        f"{beginning[:1].upper()}{beginning[1:]}: {shown}{f'; and {at_least}{more} more' if more else ''}"
    )


def _describe(row: Mapping[str, Any]) -> str:
    """Name, version, id and message of a row."""
    name, version, identifier, message = (
        " ".join(str(row.get(field) or "").split())[:LONGEST_FIELD]
        for field in ("assetName", "assetVersion", "assetId", "resultMessage")
    )
    which = " ".join(part for part in (name or "without a name", version, identifier and f"({identifier})") if part)
    return f"{which}: {message.rstrip('.') or 'no reason given'}"
