# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo's pages of batches, which tell what its API does not: what became of a batch.

They are made for people, and nowhere is it said that they stay as they are. So they are read by the form that the
vendor's public source gives them, and where anything of it is otherwise, nothing is told rather than guessed.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import islice
from typing import Any, Callable, Generic, TypeVar, Union

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    ImportsError,
    Outage,
    Refused,
    as_sentence,
    shortened,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.client import TRIES, Client
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import MAX_SHOWN, describe, request_line
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide

T = TypeVar("T")

PAGES = "/do/haplo-data-import-batch"
KEY_PATH = f"{PAGES}/batch"  # without a slash at its end: of all pages it lets in to the two that only show batches
GROUP = "Batch data administration"
OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "outcome_api_key": {"type": "str", "required": True, "no_log": True},
}
ENVIRONMENT = {"url": "HAPLO_URL", "outcome_api_key": "HAPLO_OUTCOME_API_KEY"}
GUIDE = Guide(
    system="haplo",
    environment=ENVIRONMENT,
    meanings={
        "url": (
            "the address of the application, by the host name that it has set itself, as in"
            " https://research.example.ac.uk; without /api and without its pages below /do"
        ),
        "outcome_api_key": (
            f"an API key with the request path {KEY_PATH}, of an ordinary user in the group {GROUP!r} (System"
            " management > Users > the user > New API key...); it is another one than the key that imports"
        ),
    },
    api=r"/api(/haplo-data-import-[^/]*(/.*)?)?|/do(/.*)?",
    missing=(
        "There is no such page. {url} has to be the address of the application, without /api and without its pages"
        " below /do. Or Haplo may lack the plugin for batch import."
    ),
    credentials=f"{{outcome_api_key}} has to be an API key with the request path {KEY_PATH}.",
)
REFUSALS = {  # by the kind that Haplo gives, what is the matter with the key
    "INVALID-API-KEY": f"It is wrong, or made for another request path than {KEY_PATH}.",
    "UNAUTHORISED": f"Its user is blocked, or in no group that lets people in. It has to be in {GROUP!r}, too.",
    "THROTTLE": (
        "After fifty wrong keys Haplo lets nobody in from this host, with the key that imports neither. Correct the"
        " key, and ask nothing for five minutes."
    ),
}

LARGEST_PAGE = 16 * 1024 * 1024  # bytes; the list has all batches that there ever were
DEEPEST = 100  # elements within each other
VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
CONTENT = "z__ws_content"  # id of the element that holds all but the layout
LOG = "import-log"
LIST_HEADING, BATCH_HEADING = "Batch import jobs", "Batch import: "
COLUMNS = ["Identifier", "State", "Errors", "Created", "Comment"]
NEEDED = {"Identifier", "State", "Errors"}  # of the facts on the page of a batch

STATES = ("uploading", "ready", "scheduled", "running", "complete", "dry-run", "error")
ENDED = ("complete", "dry-run", "error")
IDENTIFIER = "[A-Za-z0-9][A-Za-z0-9_-]{42}[A-Za-z0-9]"
BEGINNING = "([A-Za-z0-9][A-Za-z0-9_-]{7,43})[.]{3}"  # of an identifier, as it stands in the list
NUMBER = "[0-9]{1,15}"


class NotTold(ImportsError):
    """What became of a batch cannot be told; the message says what was asked and which check failed.

    `may_pass`: it is not Haplo's own word, as where a gateway answers in its place, so it may be told later.
    """

    def __init__(self, message: str, answer: Answer | None = None, *, may_pass: bool = False) -> None:
        super().__init__(message, answer)
        self.may_pass = may_pass


@dataclass(frozen=True)
class ListedBatch:
    """A batch in the list: its row number, and so much of its identifier as is shown.

    `errors` is None until it has ended. `created` is by the clock and in the words of the key's user, without a zone.
    """

    row: int
    beginning: str
    state: str
    errors: int | None
    created: str
    comment: str


@dataclass(frozen=True)
class BatchPage:
    """A batch by its own page, which is at `url`.

    `errors` counts messages, not records; in the state `error` it means nothing, and before the end it is None. `log`
    is all of it, from the line of its start to that of its end; None before the end, or where it has another form.
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
    """All batches, in the order of the page. Raises `NotTold` for a text that is not such a page, whole and sound."""
    content = _content(text, LIST_HEADING)
    tables = [rows for rows in _tables(content) if rows and _header(rows[0]) == COLUMNS]
    if len(tables) != 1:
        raise NotTold(f"the page has {len(tables)} tables with the columns {', '.join(COLUMNS)}, and not one")
    batches = [_listed(number, cells) for number, cells in enumerate(tables[0][1:], 1)]
    paragraphs = [_text(one).strip() for one in _inner(content, "p", past="table")]
    counts = [found[1] for found in (re.fullmatch(f"Batches: ({NUMBER})", one) for one in paragraphs) if found]
    if len(counts) != 1 or int(counts[0]) != len(batches):
        raise NotTold(
            f"the page says that it has {' or '.join(counts) or 'no number of'} batches, and {len(batches)} are there"
        )
    if len({batch.row for batch in batches}) != len(batches):
        raise NotTold("batches of the list have the same row number")
    return batches


def batch_page(text: str, row: int, url: str) -> BatchPage:
    """The batch of that row, whose page is at `url`. Raises `NotTold` for a text that is not such a page."""
    content = _content(text, BATCH_HEADING)
    facts = _facts(content)
    identifier = _value(facts["Identifier"], "the identifier")
    if not re.fullmatch(IDENTIFIER, identifier):
        raise NotTold(f"the identifier is none: {_quoted(identifier)}")
    state = _state(facts["State"])
    return BatchPage(
        row,
        url,
        identifier,
        state,
        _errors(facts["Errors"], state),
        _log(content, state),
        *(_text(facts[name]).strip() if name in facts else "" for name in ("Created", "Comment")),
    )


class BatchPages:
    """The pages of batches of a Haplo application, for a `client` that has the key that may read them.

    `url` is the base URL, `tries` how often a server in trouble is asked at once; until a page stays unreadable, one
    that cannot be read is trouble, too, as a gateway's page in its place is. What cannot be told is `NotTold`; trouble
    that may pass is `Outage`. After the first answer that refuses the key nothing more is asked: fifty wrong keys from
    one address shut out the key that imports, too.
    """

    def __init__(self, client: Client, url: str, *, tries: int = TRIES) -> None:
        self.secrets = client.secrets
        self._client = client
        self.url = url
        self._tries = tries
        self._refusal: NotTold | None = None

    def newest(self) -> list[ListedBatch]:
        """All batches, the newest first. The server makes the list of all there are, so ask rarely."""
        return self._read("batches", listed_batches)

    def find(self, identifier: str) -> BatchPage:
        """A batch without its row, by the list and by the page, which has the identifier in full."""
        listed = self.newest()
        rows = [one.row for one in listed if identifier.startswith(one.beginning)]
        for page in map(self._page, rows):
            if page.identifier == identifier:
                return page
        which = "is not in the list" if not rows else "is in the list by its beginning only, and is another"
        raise NotTold(
            f"GET {self.url}{PAGES}/batches: batch {identifier} {which}, of {len(listed)} batches. Is"
            f" {GUIDE.named('url')} the application that it was sent to?"
        )

    def batch(self, row: int, identifier: str | None = None) -> BatchPage:
        """The batch of a row. Another one than that of the `identifier` is none."""
        page = self._page(row)
        if identifier is not None and page.identifier != identifier:
            raise NotTold(f"GET {page.url}: this is batch {page.identifier}, and not {identifier}.")
        return page

    def link(self, row: int) -> str:
        """The address of a batch's page, for people."""
        return f"{self.url}{PAGES}/batch/{row}"

    def _page(self, row: int) -> BatchPage:
        return self._read(f"batch/{row}", lambda text: batch_page(text, row, self.link(row)))

    def _read(self, page: str, read: Callable[[str], T]) -> T:
        """What is read on a page."""
        if self._refusal is not None:
            raise NotTold(self._refusal.message, self._refusal.answer)
        reading = _Reading(read)
        try:
            answer = self._client.ask(
                "GET",
                f"{PAGES}/{page}",
                headers={"Accept": "text/html"},
                tries=self._tries,
                is_enough=reading.is_enough,
                max_size=LARGEST_PAGE,
            )
        except Refused as error:
            raise self._not_told(error) from error
        except Outage as outage:
            if reading.answer is None or outage.answer is not reading.answer:
                raise
            self._tries = 1
            answer = reading.answer
        if reading.trouble is None:
            return reading.found[-1]
        message = self._client.secrets.redact(reading.trouble.message)
        message = shortened(message, 2 * MAX_SHOWN)
        raise NotTold(as_sentence(f"{request_line(answer)}: {message}"), answer, may_pass=reading.trouble.may_pass)

    def _not_told(self, error: Refused) -> NotTold:
        """Why a page was refused, and what to do. A key that was refused is kept in mind."""
        answer = error.answer
        if answer is None:
            return NotTold(error.message)
        if answer.status in (401, 403):
            advice = f"The API key was refused: {GUIDE.advice[403]} {REFUSALS.get(_kind(answer), '')}".rstrip()
            self._refusal = NotTold(f"{advice} {describe(answer)}", answer)
            return self._refusal
        if re.search(r"/do/authentication/login(\?|$)", answer.headers.get("location", "")):
            return NotTold(
                f"{describe(answer)} It points to the page to log in: the API key did not arrive, as where something on"
                " the way takes the header Authorization away.",
                answer,
            )
        if answer.status == 400:
            return NotTold(f"{describe(answer)} There is no batch of that row, or not any more.", answer, may_pass=True)
        if answer.status == 404:
            return NotTold(f"{describe(answer)} {GUIDE.advice[404]}", answer, may_pass=True)
        return NotTold(error.message, answer, may_pass=True)


class _Reading(Generic[T]):
    """One page that is read, and why the last `answer` could not be."""

    def __init__(self, read: Callable[[str], T]) -> None:
        self._read = read
        self.answer: Answer | None = None
        self.trouble: NotTold | None = None
        self.found: list[T] = []

    def is_enough(self, answer: Answer) -> bool:
        """Whether it could be read, or would be the same again."""
        if not 200 <= answer.status < 300:
            return False
        self.answer, self.trouble = answer, None
        try:
            _check_answer(answer)
            self.found.append(self._read(answer.text))
        except NotTold as error:
            self.trouble = error
        return self.trouble is None or not self.trouble.may_pass


def _check_answer(answer: Answer) -> None:
    """Raise `NotTold` for what is not a page, or not all of it."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != 200 or kind != "text/html":
        raise NotTold(
            f"the answer is HTTP {answer.status} with the content type {_quoted(kind)}, and not 200 with a page",
            may_pass=True,
        )
    if not answer.is_whole and answer.text:
        raise NotTold(
            f"the page has more than {LARGEST_PAGE} bytes, of which no more are read. Look at it in a browser; a batch"
            " by its row needs no list"
        )
    if not answer.is_whole:
        raise NotTold("the page is compressed in a way that was not asked for", may_pass=True)


def _kind(answer: Answer) -> str:
    try:
        return str(json_object(answer).get("kind"))
    except ValueError:
        return ""


# What is on a page. Elements that stand in a value break it: what is shown may then be more, or less, than was meant.


def _facts(content: _Element) -> dict[str, _Element]:
    """The cells beside the names of the one table that has those that are needed."""
    found = []
    for rows in _tables(content):
        if all([cell.tag for cell in cells] == ["th", "td"] for cells in rows):
            names = [_text(cells[0]).strip() for cells in rows]
            if NEEDED.issubset(names):
                found.append((names, [cells[1] for cells in rows]))
    if len(found) != 1:
        raise NotTold(f"the page has {len(found)} tables with the facts {', '.join(sorted(NEEDED))}, and not one")
    names, values = found[0]
    if len(set(names)) != len(names):
        raise NotTold("a fact of the batch is there twice")
    return dict(zip(names, values))


def _listed(number: int, cells: list[_Element]) -> ListedBatch:
    """The batch that a line of the list is; they are numbered for people."""
    if [cell.tag for cell in cells] != ["td"] * len(COLUMNS):
        raise NotTold(f"line {number} of the list has not the {len(COLUMNS)} cells that its columns have")
    shown, state_cell, errors, created, comment = cells
    try:
        row, beginning = _link(shown)
        state = _state(state_cell)
        return ListedBatch(
            row, beginning, state, _errors(errors, state), _text(created).strip(), _text(comment).strip()
        )
    except NotTold as error:
        raise NotTold(f"line {number} of the list: {error.message}") from None


def _link(cell: _Element) -> tuple[int, str]:
    """The row number that a cell links to, and the beginning of an identifier that it shows."""
    links = list(_inner(cell, "a"))
    if len(links) != 1:
        raise NotTold(f"{len(links)} links, and not one to the page of a batch")
    target = re.fullmatch(f"{PAGES}/batch/([1-9][0-9]{{0,14}})", links[0].attributes.get("href") or "")
    if target is None:
        raise NotTold(f"a link that is not to the page of a batch: {_quoted(links[0].attributes.get('href') or '')}")
    shown = re.fullmatch(BEGINNING, _value(cell, "the identifier"))
    if shown is None or _text(links[0]).strip() != shown[0]:
        raise NotTold(f"no beginning of an identifier of at least 8 characters and three dots: {_quoted(_text(cell))}")
    return int(target[1]), shown[1]


def _state(cell: _Element) -> str:
    """The word that is all there is in a cell, but for a link."""
    words = _value(cell, "the state", past="a").split()
    if len(words) != 1 or words[0] not in STATES:
        raise NotTold(f"the state is none that is known: {_quoted(' '.join(words))}")
    return words[0]


def _errors(cell: _Element, state: str) -> int | None:
    """How many errors there were: a number if and only if it has ended."""
    errors = _value(cell, "the number of errors")
    if state not in ENDED and errors:
        raise NotTold(
            f"the state is {state}, which is not the end, and yet there is a number of errors: {_quoted(errors)}"
        )
    if state in ENDED and not re.fullmatch(NUMBER, errors):
        raise NotTold(f"the state is {state}, and yet the number of errors is none: {_quoted(errors)}")
    return int(errors) if errors else None


def _log(content: _Element, state: str) -> str | None:
    """The text that follows on the heading of the log, if it has the form of one."""
    found = list(_followers(content, LOG))
    links = [one for one in _inner(content, "a") if one.attributes.get("href") == f"#{LOG}"]
    if state not in ENDED and (found or links):
        raise NotTold(f"the state is {state}, which is not the end, and yet there is a log")
    logs = list(_inner(content, "pre"))
    if len(found) != 1 or len(logs) != 1 or found[0] is not logs[0]:
        return None
    runs = list(_runs(logs[0]))
    lines = runs[0].rstrip().split("\n") if len(runs) == 1 else []
    is_whole = len(lines) > 1 and lines[0].startswith("START: ") and lines[-1].startswith("END: ")
    return runs[0] if is_whole else None


def _value(cell: _Element, what: str, past: str = "") -> str:
    """The text of a cell without the white space around it, which nothing may divide."""
    runs = [run.strip() for run in _runs(cell, past) if run.strip()]
    if len(runs) > 1:
        raise NotTold(f"{what} is divided by something: {_quoted(_text(cell))}")
    return runs[0] if runs else ""


def _quoted(text: str) -> str:
    """What a page says, for a message. Nothing in it is escaped, so that a secret is still seen for one."""
    return f"'{' '.join(text.split())}'"


# Elements of a page.


class _Element:
    """An element, with its texts and elements in order. Of what is no element, as a comment, the tag is empty."""

    __slots__ = ("attributes", "children", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[_Child] = []


_Child = Union[_Element, str]
_NOTHING: Mapping[str, None] = {}


class _Reader(HTMLParser):
    """Makes elements of what is in those that are the content, and of a page keeps nothing else but its headings.

    What is in the content has to be closed in order, unless it can have no end: so a page that was cut is noticed.
    """

    def __init__(self, is_content: Callable[[str, Mapping[str, str | None]], bool]) -> None:
        super().__init__(convert_charrefs=True)
        self.contents: list[_Element] = []
        self.headings: list[str] = []
        self.wants_password = False
        self._is_content = is_content
        self._open: list[_Element] = []
        self._heading: list[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of the content is there."""
        return not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(reversed(attrs)) if attrs else _NOTHING  # the first of a name counts
        if tag == "h1":
            self._heading = []
        self.wants_password |= tag == "input" and (attributes.get("type") or "").lower() == "password"
        is_content = self._is_content(tag, attributes)
        if not self._open and not is_content:
            return
        element = _Element(tag, attributes)
        if is_content:
            self.contents.append(element)
        if self._open:
            self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)
        if len(self._open) > DEEPEST:
            raise NotTold(f"there are more than {DEEPEST} elements within each other")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1" and self._heading is not None:
            self.headings.append(" ".join("".join(self._heading).split()))
            self._heading = None
        if self._open and self._open.pop().tag != tag:
            raise NotTold(f"elements do not end in the order in which they began: </{tag}>")

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading.append(data)
        if self._open:
            self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        self._divide()

    def handle_decl(self, decl: str) -> None:
        self._divide()

    def handle_pi(self, data: str) -> None:
        self._divide()

    def unknown_decl(self, data: str) -> None:
        self._divide()

    def _divide(self) -> None:
        if self._open:
            self._open[-1].children.append(_Element("", _NOTHING))


def _content(text: str, heading: str) -> _Element:
    """What is on a page under this heading, without its layout. Raises `NotTold` where it is another page."""
    reader = _parsed(text, lambda _tag, attributes: attributes.get("id") == CONTENT)
    if not reader.contents:
        reader = _parsed(text, lambda tag, _attributes: tag == "html")
    if not any(f"{one} ".startswith(heading) for one in reader.headings):
        raise _other_page(reader, heading)
    if len(reader.contents) != 1:
        raise NotTold(f"the page has {len(reader.contents)} elements with its content, and not one")
    if not reader.is_whole:
        raise NotTold("the page was cut: not all of its elements end", may_pass=True)
    return reader.contents[0]


def _parsed(text: str, is_content: Callable[[str, Mapping[str, str | None]], bool]) -> _Reader:
    reader = _Reader(is_content)
    try:
        reader.feed(text)
        reader.close()
    except (AssertionError, NotImplementedError):  # which of them depends on the Python
        raise NotTold("the page is not HTML") from None
    return reader


def _other_page(reader: _Reader, heading: str) -> NotTold:
    """Which page it is instead."""
    if reader.wants_password:
        return NotTold("the answer is a page to log in, so the API key did not arrive, or this is not Haplo")
    alerts = [
        " ".join(_text(one).split())
        for content in reader.contents
        for one in _inner(content, "div")
        if one.attributes.get("class") == "z__general_alert"
    ]
    if "Error" in reader.headings and alerts:
        return NotTold(
            f"the user of the API key has to be in the group {GROUP!r}; what is needed is"
            f" {GUIDE.meanings['outcome_api_key']}. Haplo says: {alerts[0].rstrip('.')}"
        )
    found = ", ".join(map(_quoted, reader.headings)) or "none"
    problem = f"it is another page, with no heading that begins {heading.strip()!r}; its headings are: {found}"
    return NotTold(problem, may_pass=True)


def _inner(element: _Element, tag: str, past: str = "") -> Iterator[_Element]:
    """All elements of a kind in it, in order; none of those that are in elements of the kind `past`."""
    for child in element.children:
        if not isinstance(child, str):
            if child.tag == tag:
                yield child
            if child.tag != past:
                yield from _inner(child, tag, past)


def _followers(element: _Element, identifier: str) -> Iterator[_Child | None]:
    """What comes after each element with this id that is in it, beside it and without regard to white space."""
    for number, child in enumerate(element.children):
        if isinstance(child, str):
            continue
        if child.attributes.get("id") == identifier:
            others = islice(element.children, number + 1, None)
            yield next((one for one in others if not isinstance(one, str) or one.strip()), None)
        yield from _followers(child, identifier)


def _tables(content: _Element) -> Iterator[list[list[_Element]]]:
    """The tables that are in no other one, each by its rows: what a cell holds is no table of the page."""
    return map(_rows, _inner(content, "table", past="table"))


def _rows(table: _Element) -> list[list[_Element]]:
    """The cells of a table, row by row, without those of tables in it."""
    rows = []
    for child in table.children:
        if isinstance(child, str):
            continue
        if child.tag == "tr":
            rows.append([one for one in child.children if not isinstance(one, str) and one.tag in ("th", "td")])
        elif child.tag in ("thead", "tbody", "tfoot"):
            rows.extend(_rows(child))
    return rows


def _header(cells: list[_Element]) -> list[str]:
    """What a row of headings says."""
    return [_text(cell).strip() for cell in cells if cell.tag == "th"]


def _text(element: _Element) -> str:
    return "".join(_runs(element))


def _runs(element: _Element, past: str = "") -> Iterator[str]:
    """The texts in it that nothing divides; none of those that are in elements of the kind `past`."""
    run: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            run.append(child)
            continue
        if run:
            yield "".join(run)
            run = []
        if child.tag != past:
            yield from _runs(child, past)
    if run:
        yield "".join(run)
