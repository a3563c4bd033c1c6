# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page of HTML: its content as a tree of elements, and the texts in it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from itertools import islice
from typing import Callable, Union

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, ImportsError

MAX_DEPTH = 100  # elements within each other
VOID_ELEMENTS = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)


class PageError(ImportsError):
    """A page that does not say what was asked for; the message names the page and the check that failed.

    `is_transient`: the answer may not be Haplo's own but, for example, that of a gateway, so a later one may be good.
    """

    def __init__(self, message: str, answer: Answer | None = None, *, is_transient: bool = False) -> None:
        super().__init__(message, answer)
        self.is_transient = is_transient


class Element:
    """An element, with its texts and elements in order. A comment and the like is an element with an empty tag."""

    __slots__ = ("attributes", "children", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Child] = []


Child = Union[Element, str]
NO_ATTRIBUTES: Mapping[str, None] = {}


class PageParser(HTMLParser):
    """Builds the elements of a page's content; of the rest of the page it keeps only the headings.

    Elements in the content have to be closed in order, unless they are void. So a page that was cut is noticed.
    """

    def __init__(self, is_content: Callable[[str, Mapping[str, str | None]], bool]) -> None:
        super().__init__(convert_charrefs=True)
        self.contents: list[Element] = []
        self.headings: list[str] = []
        self.wants_password = False
        self._is_content = is_content
        self._open: list[Element] = []
        self._heading: list[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the content came to its end."""
        return not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(reversed(attrs)) if attrs else NO_ATTRIBUTES  # of attributes with one name the first counts
        if tag == "h1":
            self._heading = []
        self.wants_password |= tag == "input" and (attributes.get("type") or "").lower() == "password"
        is_content = self._is_content(tag, attributes)
        if not self._open and not is_content:
            return
        element = Element(tag, attributes)
        if is_content:
            self.contents.append(element)
        if self._open:
            self._open[-1].children.append(element)
        if tag not in VOID_ELEMENTS:
            self._open.append(element)
        if len(self._open) > MAX_DEPTH:
            raise PageError(f"there are more than {MAX_DEPTH} elements within each other")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID_ELEMENTS:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1" and self._heading is not None:
            self.headings.append(" ".join("".join(self._heading).split()))
            self._heading = None
        if self._open and self._open.pop().tag != tag:
            raise PageError(f"elements do not end in the order in which they began: </{tag}>")

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
            self._open[-1].children.append(Element("", NO_ATTRIBUTES))


def parse_page(text: str, is_content: Callable[[str, Mapping[str, str | None]], bool]) -> PageParser:
    """Parse a page. `is_content` says by tag and attributes whether an element is content. Raises `PageError`."""
    parser = PageParser(is_content)
    try:
        parser.feed(text)
        parser.close()
    except (AssertionError, NotImplementedError):  # which of them depends on the version of Python
        raise PageError("the page is not HTML") from None
    return parser


def descendants(element: Element, tag: str, skip: str = "") -> Iterator[Element]:
    """All elements in it with this tag, in order, but not those within elements with the tag `skip`."""
    for child in element.children:
        if not isinstance(child, str):
            if child.tag == tag:
                yield child
            if child.tag != skip:
                yield from descendants(child, tag, skip)


def successors_of(element: Element, identifier: str) -> Iterator[Child | None]:
    """For each element in it with this id: what comes next beside that, white space aside."""
    for number, child in enumerate(element.children):
        if isinstance(child, str):
            continue
        if child.attributes.get("id") == identifier:
            others = islice(element.children, number + 1, None)
            yield next((one for one in others if not isinstance(one, str) or one.strip()), None)
        yield from successors_of(child, identifier)


def outer_tables(content: Element) -> Iterator[list[list[Element]]]:
    """The rows of each table that is not within another one."""
    return map(_rows, descendants(content, "table", skip="table"))


def _rows(table: Element) -> list[list[Element]]:
    """The cells of a table, row by row, without those of tables within it."""
    rows = []
    for child in table.children:
        if isinstance(child, str):
            continue
        if child.tag == "tr":
            rows.append([one for one in child.children if not isinstance(one, str) and one.tag in ("th", "td")])
        elif child.tag in ("thead", "tbody", "tfoot"):
            rows.extend(_rows(child))
    return rows


def header_texts(cells: list[Element]) -> list[str]:
    """The texts of the heading cells in a row."""
    return [text_of(cell).strip() for cell in cells if cell.tag == "th"]


def text_of(element: Element) -> str:
    """All text in it."""
    return "".join(text_runs(element))


def text_runs(element: Element, skip: str = "") -> Iterator[str]:
    """The texts in it, divided where elements begin and end, but not those within elements with the tag `skip`."""
    run: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            run.append(child)
            continue
        if run:
            yield "".join(run)
            run = []
        if child.tag != skip:
            yield from text_runs(child, skip)
    if run:
        yield "".join(run)


def quoted(text: str) -> str:
    """Text of a page for a message. Nothing in it is escaped yet, so that secrets in it are still recognised."""
    return f"'{' '.join(text.split())}'"
