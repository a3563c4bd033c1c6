# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as one page of HTML, which loads nothing and runs no script.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import (
    Entry,
    Failure,
    Report,
    range_of,
    size_of,
    state_of,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import (
    MEANING,
    SIGNS,
    Nights,
    Row,
    night_state,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.style import STYLE

# One letter for each state: there may be many thousand cells.
CLASSES = {
    "not due": "n",
    "imported": "o",
    "scheduled": "s",
    "superseded": "x",
    "running": "r",
    "missing": "m",
    "incomplete": "i",
    "failed": "f",
    "unknown": "u",
}
MARKED = ("missing", "incomplete", "failed", "unknown")
Links = Mapping[tuple[str, str, int, str], int]
"""By target, system, night and state of the night: the number of an import in the list."""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
BEGINNING = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta name="generator" content="assetops.imports">\n'
HEAD = f"""<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; \
form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
"""


def html(report: Report) -> Iterator[str]:
    """The page, in pieces."""
    yield f"{BEGINNING}{HEAD}<title>{_text(report.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    yield from _header(report)
    yield "<main>\n"
    yield from _failures(report)
    entries = report.newest()
    yield from _calendar(report, _links(report.nights, entries))
    yield from _imports(report, entries)
    yield "</main>\n</body>\n</html>\n"


def _header(report: Report) -> Iterator[str]:
    verdict = "bad" if report.failures or report.unread else "good"
    yield f'<header>\n<h1>{_text(report.title)}</h1>\n<p class="{verdict}">{_text(report.summary)}</p>\n'
    yield '<nav aria-label="Parts of this page"><a href="#failures">Not well</a> <a href="#nights">Nights</a>'
    yield ' <a href="#imports">Imports</a></nav>\n<dl>\n'
    yield f"<dt>Nights</dt><dd>from noon to noon ({_text(report.zone_name)}), with the date of the morning</dd>\n"
    for option, value in report.scope.items():
        yield f"<dt>Only {_text(option)}</dt><dd>{_text(value)}</dd>\n"
    for store in report.stores:
        yield f"<dt>Receipts</dt><dd>{_text(store)}</dd>\n"
    yield "</dl>\n</header>\n"


# What is not well


def _failures(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="failures">\n<h2 id="failures">Not well</h2>\n'
    if not report.failures and not report.unread:
        yield "<p>Nothing is known to be wrong.</p>\n"
    for why in report.unread:
        yield f'<p class="bad"><strong>Not read:</strong> {_text(why)}</p>\n'
    if report.failures:
        columns = ("Target", "System", "State", "Since", "Why")
        yield _table("What is not well, the newest first", "failures", columns)
        for one in report.failures[: report.limit]:
            yield _failure(report, one)
        yield "</tbody></table></div>\n"
    yield _more(len(report.failures) - report.limit)
    yield "</section>\n"


def _failure(report: Report, one: Failure) -> str:
    what = ""
    if one.entry is not None:
        what = f"{_source(one.entry)}<br>key <code>{_text(one.entry['key'])}</code><br>"
    why = f"{what}{_text(one.message)}" + (f" <strong>{_text(one.advice)}</strong>" if one.advice else "")
    return (
        f'<tr><th scope="row">{_text(one.name)}</th><td>{_text(one.system)}</td><td>{_badge(one.state)}</td>'
        f"<td>{_text(report.local(one.since))}</td><td>{why}</td></tr>\n"
    )


# The calendar


def _calendar(report: Report, links: Links) -> Iterator[str]:
    yield '<section aria-labelledby="nights">\n<h2 id="nights">Nights</h2>\n'
    if not report.rows:
        yield "<p>No target is known.</p>\n</section>\n"
        return
    used = {state for row in report.rows for state in row.cells}
    yield '<ul class="legend">'
    for state, sign in SIGNS.items():
        if state in used:
            yield f'<li><span class="{CLASSES[state]}">{_text(sign)}</span> {_text(MEANING[state])}</li>'
    yield "</ul>\n"
    yield '<div class="scroll" role="region" aria-label="Nights of each target" tabindex="0"><table class="nights">\n'
    yield "<caption>Each target by nights</caption>\n<thead>\n"
    yield from _days(report.nights.days)
    yield "</thead>\n<tbody>\n"
    for row in report.rows:
        yield _nights_of(row, report.nights.days, links)
    yield "</tbody></table></div>\n</section>\n"


def _days(days: Iterable[str]) -> Iterator[str]:
    """Months, and days below them."""
    yield '<tr><th scope="col" rowspan="2">Target'
    for month, of_month in groupby(days, key=lambda day: day[:7]):
        yield f'<th scope="colgroup" colspan="{len(list(of_month))}">{month}'
    yield "</tr>\n<tr>"
    for day in days:
        yield f'<th scope="col">{day[8:]}'
    yield "</tr>\n"


def _nights_of(row: Row, days: Iterable[str], links: Links) -> str:
    cells = []
    for night, (day, state) in enumerate(zip(days, row.cells)):
        link = links.get((row.name, row.system, night, state))
        title = f' title="{day}: {MEANING[state]}"' if link is not None or state in MARKED else ""
        sign = SIGNS[state] if link is None else f"<a href=#i{link}>{SIGNS[state]}</a>"
        cells.append(f"<td class={CLASSES[state]}{title}>{sign}")
    return f'<tr><th scope="row">{_text(row.name)} <small>{_text(row.system)}</small>{"".join(cells)}\n'


def _links(nights: Nights, entries: Sequence[Entry]) -> Links:
    """Where the newest import of a target is listed that had an attempt in a night, by the state of that attempt."""
    links: dict[tuple[str, str, int, str], int] = {}
    for number, entry in enumerate(entries):
        for attempt in () if entry["is_dry_run"] else entry["attempts"]:
            night = nights.of(attempt["started_at"])
            if night is not None:
                links.setdefault((entry["target"], entry["system"], night, night_state(attempt["state"])), number)
    return links


# The imports


def _imports(report: Report, entries: Sequence[Entry]) -> Iterator[str]:
    yield '<section aria-labelledby="imports">\n<h2 id="imports">Imports</h2>\n'
    if not report.imports:
        yield "<p>There were none.</p>\n</section>\n"
        return
    columns = ("Began", "Target", "State", "From", "Of the time", "Size", "Took", "Id", "SHA-256", "History")
    yield _table("Imports, the newest first", "imports", columns)
    for number, entry in enumerate(entries):
        yield _import(report, entry, number)
    yield "</tbody></table></div>\n"
    yield _more(len(report.imports) - report.limit)
    yield "</section>\n"


def _import(report: Report, entry: Entry, number: int) -> str:
    digest = entry["content_sha256"] or ""
    cells = (
        _text(report.local(entry["started_at"])),
        f"{_text(entry['target'])} <small>{_text(entry['system'])}</small>",
        _badge(entry["state"], state_of(entry)),
        _source(entry),
        _text(range_of(entry)),
        _text(size_of(entry)),
        "-" if entry["seconds"] is None else f"{entry['seconds']:.1f} s",
        _id(entry),
        f"<code title={_quoted(digest)}>{_text(digest[:12])}</code>" if digest else "-",
        _history(report, entry),
    )
    return f"<tr id=i{number}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _source(entry: Entry) -> str:
    return f'<span class="path">{_text(entry["source"])}</span>'


def _id(entry: Entry) -> str:
    """The id at the server, as a link to its page there."""
    url = entry["url"] or ""
    text = _text(entry["remote_id"] or ("server" if url else "-"))
    if not url.startswith(("https://", "http://")):
        return text
    return f'<a href={_quoted(url)} rel="noopener noreferrer">{text}</a>'


def _history(report: Report, entry: Entry) -> str:
    """All attempts, which the reader can unfold."""
    attempts = entry["attempts"]
    items = "".join(
        f"<li value={one['attempt']}>{_text(report.local(one['started_at']))}: {_text(one['state'])}. "
        f"{_text(one['message'])}</li>"
        for one in attempts
    )
    count = "1 attempt" if len(attempts) == 1 else f"{len(attempts)} attempts"
    facts = f"Into {_text(entry['into'])}, key <code>{_text(entry['key'])}</code>"
    return f"<details><summary>{count}</summary><p>{facts}</p><ol>{items}</ol></details>"


# Pieces


def _table(caption: str, name: str, columns: Iterable[str]) -> str:
    heads = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<div class="scroll" role="region" aria-label="{caption}" tabindex="0"><table class="{name}">\n'
        f"<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    )


def _badge(state: str, text: str | None = None) -> str:
    """A state in its colour."""
    known = {"succeeded": "o", "scheduled": "s", "superseded": "x", "never": "m", "missing": "m", "unreachable": "f"}
    return f'<span class="badge {known.get(state) or CLASSES.get(state, "r")}">{_text(text or state)}</span>'


def _more(count: int) -> str:
    return f"<p>... and {count} more. A report as JSON or CSV has all.</p>\n" if count > 0 else ""


def _text(value: Any) -> str:
    """A text of any origin, escaped for the page."""
    return escape(printable(str(value)), quote=True)


def _quoted(value: str) -> str:
    return f'"{_text(value)}"'
