# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Haplo's pages of batches say; they show what its API does not: what became of a batch.

The pages are made for people, and nothing promises that they stay as they are. So they are read only in the form that
the vendor's public source gives them. Where a page differs, `PageError` says so and nothing is guessed.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import IDENTIFIER
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import (
    GROUP,
    PAGES_GUIDE,
    PAGES_PATH,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.html_page import (
    Element,
    PageError,
    PageParser,
    descendants,
    header_texts,
    outer_tables,
    parse_page,
    quoted,
    successors_of,
    text_of,
    text_runs,
)

CONTENT_ID = "z__ws_content"  # of the element that holds everything but the layout
LOG_ID = "import-log"
LIST_HEADING, BATCH_HEADING = "Batch import jobs", "Batch import: "
COLUMNS = ["Identifier", "State", "Errors", "Created", "Comment"]
REQUIRED_FACTS = {"Identifier", "State", "Errors"}  # of the facts on the page of a batch
STATES = ("uploading", "ready", "scheduled", "running", "complete", "dry-run", "error")
ENDED = ("complete", "dry-run", "error")
IDENTIFIER_PREFIX = "([A-Za-z0-9][A-Za-z0-9_-]{7,43})[.]{3}"  # of an identifier, as the list shows it
NUMBER = "[0-9]{1,15}"


@dataclass(frozen=True)
class ListedBatch:
    """A batch in the list: its row number, and the part of its identifier that is shown.

    `errors` is None until the batch has ended. `created` is in the language and the time zone of the key's user.
    """

    row: int
    identifier_prefix: str
    state: str
    errors: int | None
    created: str
    comment: str


@dataclass(frozen=True)
class BatchPage:
    """A batch as its own page at `url` shows it.

    `errors` counts messages, not records. In the state `error` it means nothing, and before the end it is None. `log`
    is the whole log with its first and last line. It is None before the end, or if it does not have the known form.
    """

    row: int
    url: str
    identifier: str
    state: str
    errors: int | None
    log: str | None
    created: str
    comment: str


def listed_batches(text: str) -> list[ListedBatch]:
    """All batches in the list, in the order of the page. Raises `PageError` if the text is not exactly such a page."""
    content = _content_under(text, LIST_HEADING)
    tables = [rows for rows in outer_tables(content) if rows and header_texts(rows[0]) == COLUMNS]
    if len(tables) != 1:
        raise PageError(f"the page has {len(tables)} tables with the columns {', '.join(COLUMNS)}, and not one")
    batches = [_listed_batch(number, cells) for number, cells in enumerate(tables[0][1:], 1)]
    paragraphs = [text_of(one).strip() for one in descendants(content, "p", skip="table")]
    counts = [found[1] for found in (re.fullmatch(f"Batches: ({NUMBER})", one) for one in paragraphs) if found]
    if len(counts) != 1 or int(counts[0]) != len(batches):
        raise PageError(
            f"the page says that it has {' or '.join(counts) or 'no number of'} batches, and {len(batches)} are there"
        )
    if len({batch.row for batch in batches}) != len(batches):
        raise PageError("batches of the list have the same row number")
    return batches


def batch_page(text: str, row: int, url: str) -> BatchPage:
    """The batch of that row, whose page is at `url`. Raises `PageError` if the text is not exactly such a page."""
    content = _content_under(text, BATCH_HEADING)
    facts = _fact_cells(content)
    identifier = _undivided_text(facts["Identifier"], "the identifier")
    if not re.fullmatch(IDENTIFIER, identifier):
        raise PageError(f"the identifier is none: {quoted(identifier)}")
    state = _state(facts["State"])
    return BatchPage(
        row,
        url,
        identifier,
        state,
        _errors(facts["Errors"], state),
        _log(content, state),
        *(text_of(facts[name]).strip() if name in facts else "" for name in ("Created", "Comment")),
    )


def _fact_cells(content: Element) -> dict[str, Element]:
    """The cells with the facts about a batch, by their names, from the only table that has them."""
    found = []
    for rows in outer_tables(content):
        if all([cell.tag for cell in cells] == ["th", "td"] for cells in rows):
            names = [text_of(cells[0]).strip() for cells in rows]
            if REQUIRED_FACTS.issubset(names):
                found.append((names, [cells[1] for cells in rows]))
    if len(found) != 1:
        raise PageError(
            f"the page has {len(found)} tables with the facts {', '.join(sorted(REQUIRED_FACTS))}, and not one"
        )
    names, values = found[0]
    if len(set(names)) != len(names):
        raise PageError("a fact of the batch is there twice")
    return dict(zip(names, values))


def _listed_batch(number: int, cells: list[Element]) -> ListedBatch:
    """The batch in a line of the list; `number` is for messages."""
    if [cell.tag for cell in cells] != ["td"] * len(COLUMNS):
        raise PageError(f"line {number} of the list has not the {len(COLUMNS)} cells that its columns have")
    shown, state_cell, errors, created, comment = cells
    try:
        row, identifier_prefix = _batch_link(shown)
        state = _state(state_cell)
        return ListedBatch(
            row, identifier_prefix, state, _errors(errors, state), text_of(created).strip(), text_of(comment).strip()
        )
    except PageError as error:
        raise PageError(f"line {number} of the list: {error.message}") from None


def _batch_link(cell: Element) -> tuple[int, str]:
    """The row number that a cell links to, and the beginning of the identifier that it shows."""
    links = list(descendants(cell, "a"))
    if len(links) != 1:
        raise PageError(f"{len(links)} links, and not one to the page of a batch")
    target = re.fullmatch(f"{PAGES_PATH}/batch/([1-9][0-9]{{0,14}})", links[0].attributes.get("href") or "")
    if target is None:
        raise PageError(f"a link that is not to the page of a batch: {quoted(links[0].attributes.get('href') or '')}")
    shown = re.fullmatch(IDENTIFIER_PREFIX, _undivided_text(cell, "the identifier"))
    if shown is None or text_of(links[0]).strip() != shown[0]:
        raise PageError(
            f"no beginning of an identifier of at least 8 characters and three dots: {quoted(text_of(cell))}"
        )
    return int(target[1]), shown[1]


def _state(cell: Element) -> str:
    """The state in a cell: one word, and maybe a link."""
    words = _undivided_text(cell, "the state", skip="a").split()
    if len(words) != 1 or words[0] not in STATES:
        raise PageError(f"the state is none that is known: {quoted(' '.join(words))}")
    return words[0]


def _errors(cell: Element, state: str) -> int | None:
    """The number of errors in a cell. It has to be there if the batch has ended, and only then."""
    errors = _undivided_text(cell, "the number of errors")
    if state not in ENDED and errors:
        raise PageError(
            f"the state is {state}, which is not the end, and yet there is a number of errors: {quoted(errors)}"
        )
    if state in ENDED and not re.fullmatch(NUMBER, errors):
        raise PageError(f"the state is {state}, and yet the number of errors is none: {quoted(errors)}")
    return int(errors) if errors else None


def _log(content: Element, state: str) -> str | None:
    """The log that follows its heading. None before the end, or if it does not have the known form."""
    found = list(successors_of(content, LOG_ID))
    links = [one for one in descendants(content, "a") if one.attributes.get("href") == f"#{LOG_ID}"]
    if state not in ENDED and (found or links):
        raise PageError(f"the state is {state}, which is not the end, and yet there is a log")
    logs = list(descendants(content, "pre"))
    if len(found) != 1 or len(logs) != 1 or found[0] is not logs[0]:
        return None
    runs = list(text_runs(logs[0]))
    lines = runs[0].rstrip().split("\n") if len(runs) == 1 else []
    is_whole = len(lines) > 1 and lines[0].startswith("START: ") and lines[-1].startswith("END: ")
    return runs[0] if is_whole else None


def _undivided_text(cell: Element, what: str, skip: str = "") -> str:
    """The stripped text of a cell. Raises `PageError` if an element divides it: the value may then be more or less."""
    runs = [run.strip() for run in text_runs(cell, skip) if run.strip()]
    if len(runs) > 1:
        raise PageError(f"{what} is divided by something: {quoted(text_of(cell))}")
    return runs[0] if runs else ""


def _content_under(text: str, heading: str) -> Element:
    """The content of the page that has this heading. Raises `PageError` if it is another page."""
    page = parse_page(text, lambda _tag, attributes: attributes.get("id") == CONTENT_ID)
    if not page.contents:
        page = parse_page(text, lambda tag, _attributes: tag == "html")
    if not any(f"{one} ".startswith(heading) for one in page.headings):
        raise _wrong_page_error(page, heading)
    if len(page.contents) != 1:
        raise PageError(f"the page has {len(page.contents)} elements with its content, and not one")
    if not page.is_whole:
        raise PageError("the page was cut: not all of its elements end", is_transient=True)
    return page.contents[0]


def _wrong_page_error(page: PageParser, heading: str) -> PageError:
    """The error that says which page it is instead."""
    if page.wants_password:
        return PageError("the answer is a page to log in, so the API key did not arrive, or this is not Haplo")
    alerts = [
        " ".join(text_of(one).split())
        for content in page.contents
        for one in descendants(content, "div")
        if one.attributes.get("class") == "z__general_alert"
    ]
    if "Error" in page.headings and alerts:
        return PageError(
            f"the user of the API key has to be in the group {GROUP!r}; what is needed is"
            f" {PAGES_GUIDE.meanings['outcome_api_key']}. Haplo says: {alerts[0].rstrip('.')}"
        )
    found = ", ".join(map(quoted, page.headings)) or "none"
    problem = f"it is another page, with no heading that begins {heading.strip()!r}; its headings are: {found}"
    return PageError(problem, is_transient=True)
