# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as text for people, JSON for programs, and CSV for spreadsheets; in pieces, as it may be large.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import (
    Entry,
    Failure,
    Report,
    range_of,
    size_of,
    state_of,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import MEANING, SIGNS
from ansible_collections.assetops.imports.plugins.plugin_utils._text import INDENT, one_line, wrap_text

NAME_WIDTH = 24  # columns
NO_NAME = " " * NAME_WIDTH
NIGHTS_IN_LINE = 50
COLUMNS = (
    *("target", "system", "into", "source", "state", "is_dry_run", "started_at", "finished_at", "seconds", "size"),
    *("period_first", "period_last", "window_from", "window_to", "remote_id", "content_sha256", "key", "attempts"),
    *("url", "message"),
)
TEXT_BEGINNING = "assetops.imports: "
JSON_BEGINNING = '{\n"report": "assetops.imports",'
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet may take a cell that begins so for a formula


# For people


def text(report: Report) -> Iterator[str]:
    """The report in lines of 80 columns, except for longer words."""
    title = f"{TEXT_BEGINNING}{report.title}"
    yield f"{title}\n{'=' * len(title)}\n{_paragraph(report.summary)}\n"
    yield _paragraph(f"A night lasts from noon to noon ({report.zone_name}), and has the date of its morning.")
    for option, value in report.scope.items():
        yield _paragraph(f"Only {option}: {one_line(value)}")
    for store in report.stores:
        yield _paragraph(f"Receipts: {one_line(store)}")
    if report.unread or report.failures:
        yield "\nNot well\n--------\n"
    yield from (_paragraph(f"NOT READ: {one_line(why)}") for why in report.unread)
    for one in report.failures[: report.limit]:
        yield from _failure(report, one)
    yield _more(len(report.failures) - report.limit)
    if report.rows:
        yield "\nNights\n------\n"
        yield from _calendar(report)
    if report.imports:
        yield "\nImports\n-------\n"
        for entry in report.newest():
            yield from _import(report, entry)
        yield _more(len(report.imports) - report.limit)


def _failure(report: Report, one: Failure) -> Iterator[str]:
    since = f" since {report.local(one.since)}" if one.since else ""
    yield f"{one_line(one.name)} ({one.system}): {one.state}{since}\n"
    if one.entry is not None:
        yield _paragraph(f"{one_line(one.entry['source'])} (key {one.entry['key']})", INDENT)
    yield _paragraph(f"{one_line(one.message)} {one.advice}".strip(), INDENT)


def _calendar(report: Report) -> Iterator[str]:
    days = report.nights.days
    for begin in range(0, len(days), NIGHTS_IN_LINE):
        block = days[begin : begin + NIGHTS_IN_LINE]
        yield f"{NO_NAME} {block[0]} to {block[-1]}, one sign for each night\n{NO_NAME} {''.join(map(_mark, block))}\n"
        for row in report.rows:
            signs = "".join(SIGNS[state] for state in row.cells[begin : begin + NIGHTS_IN_LINE])
            name = one_line(row.name)
            yield (
                f"{name:{NAME_WIDTH}} {signs}\n" if len(name) <= NAME_WIDTH else f"{name}\n{'':{NAME_WIDTH}} {signs}\n"
            )
    used = {state for row in report.rows for state in row.cells}
    yield _paragraph("; ".join(f"{sign} {MEANING[state]}" for state, sign in SIGNS.items() if state in used))


def _mark(day: str) -> str:
    """A mark above a night, for counting: the first day of a month, and tens."""
    number = int(day[-2:])
    return "|" if number == 1 else str(number)[0] if number % 10 == 0 else " "


def _import(report: Report, entry: Entry) -> Iterator[str]:
    seconds = "-" if entry["seconds"] is None else f"{entry['seconds']:.1f} s"
    yield (
        f"{report.local(entry['started_at'])}  {one_line(entry['target'])}  {state_of(entry)}"
        f"  {size_of(entry)}  {seconds}\n"
    )
    yield f"    {one_line(entry['source'])}\n"
    known = {"range": range_of(entry), "id": entry["remote_id"], "sha256": entry["content_sha256"]}
    facts = [f"{name} {one_line(value)}" for name, value in known.items() if value not in (None, "-")]
    if len(entry["attempts"]) > 1:
        facts.append(f"{len(entry['attempts'])} attempts")
    if facts:
        yield _paragraph(", ".join(facts), INDENT)


def _paragraph(line: str, indent: str = "") -> str:
    return "".join(f"{wrapped}\n" for wrapped in wrap_text(line, indent))


def _more(count: int) -> str:
    return f"... and {count} more; JSON and CSV have all.\n" if count > 0 else ""


# For programs


def as_json(report: Report) -> Iterator[str]:
    """The report as JSON, with all imports."""
    head = {
        "nights": {"first": report.nights.days[0], "last": report.nights.days[-1], "timezone": report.zone_name},
        "scope": dict(report.scope),
        "stores": list(report.stores),
        "unread": list(report.unread),
        "summary": report.summary,
        "counts": dict(report.counts),
        "failures": [failure_as_json(one) for one in report.failures],
    }
    yield f"{JSON_BEGINNING}\n"
    for name, value in head.items():
        yield f'"{name}": {_json(value)},\n'
    yield '"days": ' + _json(list(report.nights.days)) + ",\n"
    yield from _list("targets", ({"target": one.name, "system": one.system, "days": one.cells} for one in report.rows))
    yield ",\n"
    yield from _list("imports", report.entries())
    yield "\n}\n"


def failure_as_json(one: Failure) -> dict[str, Any]:
    known = {"target": one.name, "system": one.system, "state": one.state, "since": one.since, "message": one.message}
    return {**known, "key": one.entry and one.entry["key"], "source": one.entry and one.entry["source"]}


def _list(name: str, items: Iterator[Any]) -> Iterator[str]:
    """A member of an object that is a list, with one item in each line."""
    yield f'"{name}": ['
    for number, item in enumerate(items):
        yield ("," if number else "") + "\n" + _json(item)
    yield "\n]"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


# For spreadsheets


def as_csv(report: Report) -> Iterator[str]:
    """All imports, one in each row, and failures without a receipt. No cell can be taken for a formula."""
    yield _row(COLUMNS)
    for one in report.failures:
        if one.entry is None:
            known = {"target": one.name, "system": one.system, "state": one.state, "message": one.message}
            yield _row([known.get(column) for column in COLUMNS])
    for entry in report.entries():
        yield _row(_cells(entry))


def _cells(entry: Entry) -> list[Any]:
    period, window = entry["period"] or {}, entry["window"] or {}
    flat = {
        **entry,
        "is_dry_run": "yes" if entry["is_dry_run"] else "no",
        "attempts": len(entry["attempts"]),
        "period_first": period.get("first"),
        "period_last": period.get("last"),
        "window_from": window.get("from"),
        "window_to": window.get("to"),
    }
    return [flat[column] for column in COLUMNS]


def _row(cells: Sequence[Any]) -> str:
    file = io.StringIO()
    csv.writer(file).writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return file.getvalue()


def _harmless(cell: str) -> str:
    cell = one_line(cell)
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


CSV_BEGINNING = _row(COLUMNS)
