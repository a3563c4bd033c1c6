# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of batches with one thing changed say what they said before, or it is told that they cannot be read.

Never anything else: but for a value, which is whatever stands there. Only the log may be missing by itself."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.html_page import PageError
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages import (
    STATES,
    batch_page,
    listed_batches,
)

from .samples import HEADINGS, IDENTIFIER, LISTS, OTHERS, PAGES

SAMPLES = {
    **{f"page: {name}": text for name, text in PAGES.items()},
    **{f"list: {name}": text for name, text in LISTS.items()},
}
URL = "https://research.example.ac.uk/do/haplo-data-import-batch/batch/7"
TOKEN = re.compile("<[^>]*>|[^<]+")
VOID = ("!doctype", "img", "input", "br")
TAGS = ("td", "th", "tr", "table", "div", "p", "a", "span", "pre", "h1", "h2", "script", "br")
FACT = r"<tr><th>{}</th><td>{}</td></tr>"
ROW = (
    '<tr><td><a href="/do/haplo-data-import-batch/batch/{}">{}...</a></td><td>{}</td><td>{}</td><td>{}</td>'
    "<td>{}</td></tr>"
)
INTRUDERS = (
    *("<!-- x -->", "<br>", "<b>", "</b>", "</td>", "</table>", "<table>", "<![CDATA[x]]>", "<?x?>", "<![", "</"),
    *("<b>x</b>", "<b></b>", "<span>7</span>", "<td>9</td>", "<th>State</th>", "<td></td>", "<p>Batches: 1</p>"),
    *("<script>7</script>", "<style>x{}</style>", "<h1>Error</h1>", '<input type="password">', "<svg><path/></svg>"),
    *('<div id="z__ws_content"></div>', '<div id="z__ws_content">', '<h2 id="import-log">Log</h2>'),
    *("<pre>START: x\ny\nEND: z</pre>", '<a href="#import-log">view log below...</a>'),
    '<h2 id="import-log">Log</h2><pre>START: x\ny\nEND: z</pre>',
    f"<table><tr><td><table><tr>{HEADINGS}</tr></table></td></tr></table>",
    f"<table>{HEADINGS}</table>",
    "<table><tr><td>running</td></tr></table>",
    FACT.format("State", "running"),
    FACT.format("Errors", "7"),
    FACT.format("Identifier", OTHERS[0]),
    f"<table>{FACT.format('Identifier', OTHERS[0])}{FACT.format('State', 'ready')}{FACT.format('Errors', '')}</table>",
    ROW.format(99, "AAAAAAAAAA", "complete", "0", "", ""),
)


@dataclass(frozen=True)
class Change:
    """One thing done to a page: what is at a place in it is something else.

    `is_of_value`: it changes the text of a value, so that another value is right there.
    """

    what: str
    begin: int
    end: int
    put: str
    is_of_value: bool = False

    def of(self, text: str) -> str:
        """The page with it."""
        return text[: self.begin] + self.put + text[self.end :]


def changes(text: str) -> Iterator[Change]:
    """Each thing that may be done to a page, at each place of it."""
    tokens = [(found.start(), found.end(), found.group()) for found in TOKEN.finditer(text)]
    for begin, end, token in tokens:
        yield from (Change(f"insert {put}", begin, begin, put) for put in INTRUDERS)
        yield from (
            Change("insert a text", begin, begin, put, is_of_value=True) for put in ("5", "&nbsp;", "<", "running")
        )
        yield Change("leave out", begin, end, "", is_of_value=token[0] != "<")
        yield Change("double", begin, end, token * 2, is_of_value=token[0] != "<")
        yield Change("cut", begin, len(text), "")
        yield Change("cut within", (begin + end) // 2, len(text), "")
        yield from (_of_tag if token[0] == "<" else _of_text)(begin, end, token)
    yield from _of_elements(tokens)


def _of_tag(begin: int, end: int, token: str) -> Iterator[Change]:
    name = re.sub(r"\W", "", token.split(maxsplit=1)[0])
    yield from (Change("rename", begin, end, token.replace(name, tag, 1)) for tag in TAGS if tag != name)
    yield Change("write large", begin, end, token.replace(name, name.upper(), 1))
    yield Change("close at once", begin, end, f"{token[:-1]}/>")
    if " " in token:
        yield Change("without attributes", begin, end, f"{token.split(maxsplit=1)[0]}>")
    for found in re.finditer(r' ([\w-]+)=("[^"]*"|\w+)', token):
        where = (begin + found.start(), begin + found.end())
        yield Change("attribute renamed", *where, f" x{found[0][1:]}")
        yield Change("attribute before", *where, f' {found[1]}="x"{found[0]}')
        yield Change("value of an attribute", *where, f' {found[1]}="x{found[2].strip(chr(34))}"')
        yield Change("value of an attribute", *where, f' {found[1]}="{found[2].strip(chr(34))}x"')


def _of_text(begin: int, end: int, token: str) -> Iterator[Change]:
    yield Change("wrap", begin, end, f"<b>{token}</b>")
    yield Change("wrap in a link", begin, end, f'<a href="#import-log">{token}</a>')
    yield Change("wrap in a table", begin, end, f"<table><tr><td>{token}</td></tr></table>")
    yield Change("wrap the first character", begin, begin + 1, f"<i>{token[0]}</i>")
    yield Change("as entities", begin, end, "".join(f"&#{ord(one)};" for one in html.unescape(token)))
    yield Change("with white space", begin, end, f"\n \t{token}&nbsp;\r\n", is_of_value=True)
    for put in (token.upper(), token[1:], token[:-1], token[::-1], f"{token}s", "x", "0", "17", *STATES):
        yield Change("another text", begin, end, put, is_of_value=True)
    if token.endswith("..."):
        for length in (1, 7, 8, 9, 12, 43, 44):
            yield Change("another length", begin, end, f"{IDENTIFIER[:length]}...", is_of_value=True)


def _of_elements(tokens: list[tuple[int, int, str]]) -> Iterator[Change]:
    """What is done to elements with all that is in them."""
    opened: list[tuple[str, int]] = []
    siblings: list[list[tuple[int, int]]] = [[]]
    text = "".join(token for _begin, _end, token in tokens)
    for begin, end, token in tokens:
        name = token[1:].split()[0].rstrip(">").lower() if token[0] == "<" else ""
        if token.startswith("</"):
            _name, start = opened.pop()
            siblings.pop()
            siblings[-1].append((start, end))
            element = text[start:end]
            yield Change("leave out an element", start, end, "")
            yield Change("double an element", start, end, element * 2)
            yield from (
                Change("wrap an element", start, end, f"<{tag}>{element}</{tag}>") for tag in ("div", "td", "b")
            )
            if len(siblings[-1]) > 1:
                (before, middle), (after, _end) = siblings[-1][-2:]
                swapped = element + text[middle:after] + text[before:middle]
                yield Change("swap with the one before", before, end, swapped)
        elif name and name not in VOID:
            opened.append((name, begin))
            siblings.append([])


def read(sample: str, text: str) -> list[tuple[Any, ...]]:
    """What is read but what is for people only: a line for a batch, in the order of their rows."""
    if sample.startswith("list"):
        return sorted((one.row, one.identifier_prefix, one.state, one.errors) for one in listed_batches(text))
    page = batch_page(text, 7, URL)
    return [(page.identifier, page.state, page.errors, page.log)]


@cache
def values(sample: str) -> list[tuple[int, int]]:
    """Where the values are on an unchanged page."""
    one = r"(?:<a [^>]*>)?([^<]*)"
    if sample.startswith("list"):
        pattern = rf'<tr><td><a href="[^>]*/([0-9]+)">([^<]*)</a></td><td>{one}</td><td>{one}</td>'
    else:
        pattern = rf"<th>(?:Identifier|State|Errors)</th><td>{one}|<pre>([^<]*)</pre>"
    found = re.finditer(pattern, SAMPLES[sample])
    return [
        place.span(number) for place in found for number, value in enumerate(place.groups(), 1) if value is not None
    ]


def verdict(sample: str, change: Change) -> str:
    """How what is read on a changed page stands to what it was. Fails where it is wrong."""
    before = unchanged(sample)
    try:
        after = read(sample, change.of(SAMPLES[sample]))
    except PageError as error:
        assert error.message  # noqa: PT017
        return "not told"
    if after == before:
        return "as before"
    gone, new = [one for one in before if one not in after], [one for one in after if one not in before]
    assert len(gone) == len(new) == 1, f"{change}: {gone} became {new}"
    others = [number for number, (one, other) in enumerate(zip(gone[0], new[0])) if one != other]
    if others == [3] and sample.startswith("page") and new[0][3] is None:
        return "log not told"
    is_in_a_value = any(begin <= change.begin and change.end <= end for begin, end in values(sample))
    assert (change.is_of_value, is_in_a_value, len(others)) == (True, True, 1), f"{change}: {gone} became {new}"
    return "another value"


@cache
def unchanged(sample: str) -> list[tuple[Any, ...]]:
    """What the sample says as it is."""
    return read(sample, SAMPLES[sample])


@pytest.mark.parametrize("sample", SAMPLES)
def test_one_thing_changed(sample: str, stride: Callable[[int], int]) -> None:
    """Each 7th change to the vendor's own samples, and to the others, which differ little, each 23rd.

    All of them with --everywhere.
    """
    some = islice(changes(SAMPLES[sample]), 0, None, stride(7 if "vendor's" in sample else 23))
    counted = Counter(verdict(sample, change) for change in some)
    print(f"{sample}: {sum(counted.values())} changes: {dict(counted)}")
    assert counted["not told"] > 50
    assert counted["as before"] > 50


@settings(max_examples=300, deadline=None, derandomize=True)
@given(sample=st.sampled_from(sorted(SAMPLES)), data=st.data())
def test_some_characters_changed(sample: str, data: st.DataObject) -> None:
    text = SAMPLES[sample]
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 300)))
    put = data.draw(st.sampled_from(["", *INTRUDERS]) | st.text("<>/&;#=\"' abtdhr019-\xa0", max_size=8))
    event(verdict(sample, Change("edit", begin, end, put, is_of_value=True)))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(sample=st.sampled_from(sorted(SAMPLES)), data=st.data())
def test_cut_anywhere(sample: str, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(SAMPLES[sample]) - 1))
    event(verdict(sample, Change("cut", length, len(SAMPLES[sample]), "")))
