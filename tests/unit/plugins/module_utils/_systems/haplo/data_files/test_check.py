# SPDX-License-Identifier: GPL-3.0-or-later
"""Data files of Haplo: which are refused, which have warnings, and which are good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.check import (
    check_blocks,
    source_names,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.findings import FileFinding
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.reader_settings import (
    ReaderSettings,
)

SOURCES = frozenset(("first", "last"))
JOE = b'{"first": "Joe"}'
TSV = "first\tlast\nJoe\tBloggs"
XML = "<people><person><first>Joe</first></person></people>"
ATTRIBUTES = '<people><person first="Joe"/></people>'
CUT_OFF = "may be cut off"


class Case(NamedTuple):
    """A file, its entry in the control file, and what is told of it: `refused`, `warned` or `good`, where and why."""

    read: str
    data: bytes
    outcome: str
    line: int = 0
    words: tuple[str, ...] = ()
    more: dict[str, Any] | None = None


def case(read: str, data: bytes | str, outcome: str, line: int = 0, *words: str, **more: Any) -> Any:
    case = Case(read, data.encode() if isinstance(data, str) else data, outcome, line, words, more)
    return pytest.param(case, id=f"{read} {data[:40]!r} {more or ''}")


def refused(read: str, data: bytes | str, line: int, *words: str, **more: Any) -> Any:
    return case(read, data, "refused", line, *words, **more)


def warned(read: str, data: bytes | str, line: int, *words: str, **more: Any) -> Any:
    return case(read, data, "warned", line, *words, **more)


def good(read: str, data: bytes | str, **more: Any) -> Any:
    return case(read, data, "good", 0, **more)


J = "json"
JSON_CASES = [
    refused(J, "", 0, "nothing in it"),
    refused(J, " \n\t\r\n", 0, "nothing in it"),
    refused(J, b"\xef\xbb\xbf[" + JOE + b"]", 1, "byte order mark"),
    refused(J, '[{"first": "Joe"}]'.encode("utf-16"), 1, "UTF-16"),
    refused(J, '[{"first": "Joe"}]'.encode("utf-16-le"), 1, "UTF-16"),
    refused(J, '[{"first": "Joe"}]'.encode("utf-32"), 1, "not JSON"),
    refused(J, "first\tlast\n", 1, "not JSON"),
    refused(J, JOE + b"\n" + JOE + b"\n", 2, "JSON Lines"),
    refused(J, b"[" + JOE + b"]\n[]", 2, "JSON Lines"),
    refused(J, b"[" + JOE + b"] x", 1, "more behind the end"),
    refused(J, b"[" + JOE + b",\n]", 2, "not JSON"),
    refused(J, '[{"first": "Joe",}]', 1, "not JSON"),
    *[
        refused(J, f'[\n{{"first": {value}}}]', 2, "not JSON")
        for value in (*("NaN", "Infinity", "-Infinity", "True", "'Joe'", "01", ".5", "1.", "+1", '"a\tb"', '"\\x"'),)
    ],
    refused(J, '[{"first": NaN}]', 1, "no NaN in JSON"),
    refused(J, b"[" + JOE + b" // comment\n]", 1, "not JSON"),
    refused(J, b"[" + JOE, 1, CUT_OFF),
    refused(J, b"[" + JOE + b",\n", 2, CUT_OFF),
    refused(J, '[{"first": "Jo', 1, CUT_OFF),
    refused(J, '[{"first"', 1, CUT_OFF),
    warned(J, '[{"first": "Zo\xeb"}]'.encode("latin-1"), 1, "not UTF-8", "0xeb"),
    warned(J, "[]", 1, "list is empty"),
    *[good(J, data) for data in ('[{"first": "Joe"}]', '[{"first": "Joe"},\n{"last": null, "x": [{}]}]\n\n')],
    good(J, '[{"first": "\\ud83d\\ude00 \\\\u0000 \\ud800", "n": -0.5e-3, "m": 9007199254740991}]'),
    *[refused(J, data, 1, "nothing of it") for data in ("{}", "null", "true", "5", '""', '"abc"')],
    warned(J, '{"a": {"first": "Joe"}, "b": {"first": "Ann"}}', 1, "no list but an object", "'a', 'b'"),
    refused(J, '{"people": [{"first": "Joe"}]}', 1, "'people'", "has to be the top level itself"),
    refused(J, '{"last": "A"}', 1, "singleRecord"),
    refused(J, '{"a": {"first": "Joe"}, "b": null}', 1, "'b', which is null"),
    warned(J, '{"length": 1, "0": {"first": "Joe"}, "x": 1}', 1, '"length"'),
    refused(J, '{"length": "1"}', 1, "none of them is an object"),
    *[
        refused(J, b"[" + JOE + b",\n" + value, 2, what)
        for value, what in ((b'"Joe"]', "text"), (b"5]", "number"), (b"true]", "truth"), (b'["Joe"]]', "list"))
    ],
    refused(J, b"[" + JOE + b",\n\nnull]", 3, "null", "stops there"),
    good(J, '{"first": "Joe"}', singleRecord=True),
    good(J, '{"first": "Joe"}', singleRecord="false"),
    warned(J, '[{"first": "Joe"}]', 1, "singleRecord", singleRecord=1),
    warned(J, '{"a": {"first": "Joe"}}', 1, "no list", singleRecord=0),
    refused(J, "null", 1, "null", singleRecord=True),
    warned(J, '[\n{"first": "Joe", "first": "Ann"}]', 2, "'first' is there more than once"),
    warned(J, '[{"first": "Joe", "x": [{"a": 1, "a": 2}]}]', 1, "'a' is there more than once"),
    warned(J, '[{"first": "Joe"},\n{}]', 2, "empty"),
    warned(J, '[{"name": "Joe"}]', 1, "No record has a name", "'name'", "'first', 'last'"),
    warned(J, '[{"last": "Bloggs"},\n{"First": "Joe", "last": ""}]', 2, "'First' is not 'first'"),
    warned(J, '[{" first": "Joe"}]', 1, "' first' is not 'first'"),
    warned(J, '[{"first": "a\\u0000"}]', 1, "u0000"),
    warned(J, '[{"first": "Joe"},\n{"first": 9007199254740993}]', 2, "rounded"),
    warned(J, '[{"first": 1e999}]', 1, "infinity"),
    warned(J, '[{"first": ' + "9" * 5000 + "}]", 1, "infinity"),
    warned(J, "[" * 200_000 + "]" * 200_000, 0, "nested too deep"),
]
T = "tsv-with-name-row"
TSV_CASES = [
    warned(T, "", 1, "nothing in it"),
    warned(T, "first\tlast", 1, "only names"),
    warned(T, f"{TSV}\n", 2, "ends in a line break", "trim_final_newline"),
    warned(T, f"{TSV}\r\n\r\n", 2, "ends in a line break"),
    warned(T, "first\tlast\n", 1, "ends in a line break"),
    refused(T, f"\n{TSV}", 1, "begins with a line break"),
    *[
        good(T, data)
        for data in (TSV, TSV.replace("\n", "\r"), TSV.replace("\n", "\r\n\r\n"), "first\t\nJoe", "last\nx")
    ],
    good(T, "first\x85\tlast\nJoe\u2028\tAnn\x0b"),
    warned(T, f"{TSV}\n  ", 3, "nothing but space"),
    warned(T, f"first\tlast\n\t\n{TSV}", 2, "nothing but space"),
    warned(T, "\ufeff" + TSV, 1, "byte order mark", "'first'"),
    refused(T, "\ufefffirst\nJoe", 1, "No column"),
    warned(T, '"first"\tlast\nJoe\tBloggs', 1, "is not 'first'"),
    warned(T, "first \tlast\nJoe\tBloggs", 1, "'first ' is not 'first'"),
    warned(T, 'first\tlast\nJoe\tBloggs\r\nJoe\t"Bloggs, Jr"', 3, "quotes around a value"),
    refused(T, "first,last\nJoe,Bloggs", 1, "No column", '"separator": ","'),
    refused(T, "first;last\nJoe;Bloggs", 1, "No column", '"separator": ";"'),
    good(T, "first,last\nJoe,Bloggs", separator=","),
    good(T, "first::last\nJoe::Bloggs", separator="::"),
    good(T, TSV, separator=""),
    good(T, "first5last\nJoe5Bloggs", separator=5),
    refused(T, TSV, 1, "No column", '"separator": "\\t"', separator=","),
    warned(T, f"{TSV}\nAnn", 3, "fewer cells"),
    warned(T, f"{TSV}\nAnn\tBloggs\tx", 3, "more cells"),
    good(T, f"{TSV}\t"),
    warned(T, "first\tfirst\nJoe\tAnn", 1, "more than one column 'first'"),
    warned(T, "first\tlast\n\nZo\xeb\tBloggs".encode("latin-1"), 3, "not utf-8", "0xeb"),
    good(T, "first\tlast\nZo\xeb\tBloggs".encode("latin-1"), charset="ISO-8859-1"),
    refused(T, TSV.encode("utf-16"), 1, "UTF-16", '"charset": "utf-16"'),
    refused(T, TSV.encode("utf-16-le"), 1, "UTF-16"),
    refused(T, TSV.encode("utf-16-be"), 1, "UTF-16"),
    good(T, TSV.encode("utf-16"), charset="utf-16"),
    good(T, TSV.encode("utf-16-be"), charset="UTF-16"),
    good(T, TSV.encode("utf-16-le"), charset="utf-16le"),
    warned(T, TSV.encode("utf-16"), 1, "byte order mark", charset="utf-16le"),
    *[
        good(T, TSV, charset=charset)
        for charset in (
            *("utf-8", "utf8", "UTF-8", "", None, "iso-8859-1", "latin1", "windows-1252", "cp1252", "us-ascii"),
            *("macroman", "cp850", "shift_jis", "gb18030"),
        )
    ],
    *[refused(T, TSV, 0, charset, charset=charset) for charset in ("utf-8-sig", "ansi", "UTF 8")],
    warned(T, TSV, 0, "x-johab", "not known", charset="x-johab"),
    warned(T, f"{TSV}\0", 2, "NUL"),
    good(T, TSV, singleRecord=True),
]
X, A = "xml-text-of-children", "xml-attributes"
XML_CASES = [
    *[
        refused(read, f"<?xml version='1.0'?>\n{before}{document}", 2, what, "before the root element", **more)
        for read, document in ((X, XML), (A, ATTRIBUTES))
        for before, what in (
            ("<!-- HR -->", "comment"),
            ("<!DOCTYPE people>", "document type"),
            ("<?xml-stylesheet href='x'?>", "processing instruction"),
        )
        for more in ({}, {"singleRecord": True})
    ],
    refused(X, '<!DOCTYPE p [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><p>&b;</p>', 1, "document type"),
    *[refused(read, "", 1, "not well-formed") for read in (X, A)],
    refused(X, XML[:-5], 1, "not well-formed", CUT_OFF),
    refused(X, XML.replace("Joe", "\nJoe&nbsp;"), 2, "undefined entity"),
    refused(X, XML.replace("Joe", "Joe\x01"), 1, "not well-formed"),
    refused(A, ATTRIBUTES.replace("first", "first='Ann' first"), 1, "duplicate attribute"),
    refused(X, f" <?xml version='1.0'?>{XML}", 1, "not well-formed"),
    refused(X, f"<?xml version='1.0' encoding='hieroglyphs'?>{XML}", 1, "no encoding 'hieroglyphs'"),
    refused(X, XML.replace("Joe", "Zo\xeb").encode("latin-1"), 1, "not well-formed"),
    refused(X, XML.replace("person", "x:person"), 1, "unbound prefix"),
    refused(X, XML + XML, 1, "junk after document element"),
    good(X, f"<?xml version='1.0' encoding='UTF-8'?>\n{XML}<!-- HR --><?x y?>\n"),
    good(X, XML.replace("<first>", "<!-- HR --><?x y?><first>")),
    *[good(X, XML.replace("Joe", "Zo\xeb").encode(codec)) for codec in ("utf-8", "utf-8-sig", "utf-16")],
    *[
        good(X, f"<?xml version='1.0' encoding='{encoding}'?>{XML.replace('Joe', name)}".encode(encoding))
        for encoding, name in (
            ("ISO-8859-1", "Zo\xeb"),
            ("windows-1252", "Zo\xeb\u20ac"),
            ("Shift_JIS", "\u30be\u30a8"),
        )
    ],
    warned(
        X, b"<?xml version='1.0' encoding='windows-1252'?>" + XML.encode().replace(b"Joe", b"\x81"), 0, "windows-1252"
    ),
    warned(X, f"<?xml version='1.0' encoding='cp037'?>{XML}", 0, "'cp037' is not known here"),
    warned(X, f"<?xml version='1.1'?>{XML}", 0, "XML 1.1"),
    warned(X, "<people/>", 0, "no elements in the root"),
    warned(A, "<people>Joe</people>", 0, "no elements in the root"),
    warned(X, XML.replace("Joe", "\n<![CDATA[Joe]]>"), 2, "CDATA"),
    warned(X, f"<people>{XML[8:-9]}\n<person/></people>", 2, "no texts in elements of its own"),
    warned(X, f"<people>{XML[8:-9]}\n<person><first/></person></people>", 2, "without values"),
    warned(A, f"<people>{ATTRIBUTES[8:-9]}\n<person/></people>", 2, "no attributes"),
    warned(X, XML.replace("</first>", "</first>\n<first>Ann</first>"), 2, "more than one 'first'"),
    warned(X, XML.replace("Joe", "Joe\n<b>Ann</b>"), 2, "elements in a value"),
    good(X, XML.replace("Joe", "\n Joe ").replace("<person>", "\n<person>")),
    good(X, XML.replace("<people>", "<people xmlns:x='urn:x' xmlns='urn:y'>").replace("first>", "x:first>")),
    warned(A, "<people xmlns:x='urn:x'><person x:first='Joe' last='B'/></people>", 1, "'x:first' is not 'first'"),
    warned(X, f"<export>{XML}</export>", 0, "No record has a name", "'person'"),
    warned(A, f"<export>{ATTRIBUTES}</export>", 0, "No record has a name"),
    good(X, "<person><first>Joe</first></person>", singleRecord=True),
    good(A, "<person first='Joe'/>", singleRecord=True),
]
OTHER_CASES = [good(read, b"\0 anything") for read in ("a-reader-of-a-plugin", "JSON")]


def findings(data: bytes, sources: frozenset[str] | None = SOURCES, **entry: Any) -> list[FileFinding]:
    """Of a file that is read in two blocks, the second one of which is its last byte."""
    return check_blocks([data[:-1], data[-1:]], ReaderSettings(entry, sources))


def outcome(found: list[FileFinding]) -> str:
    return "good" if not found else "refused" if any(one.is_fatal for one in found) else "warned"


@pytest.mark.parametrize("case", [*JSON_CASES, *TSV_CASES, *XML_CASES, *OTHER_CASES])
def test_what_is_reported_of_a_file(case: Case) -> None:
    found = findings(case.data, read=case.read, **case.more or {})

    assert outcome(found) == case.outcome, [str(one) for one in found]
    if case.outcome == "refused":
        assert len(found) == 1
    if found:
        assert any(one.line == case.line and all(word in one.text for word in case.words) for one in found), [
            str(one) for one in found
        ]


def test_a_finding_says_where_it_is_and_how_often() -> None:
    (broken,) = findings(b'[{"first": "Joe"},\n {"first": 1.}]', read=J)
    assert str(broken).startswith(", line 2, column 13: It is not JSON: expecting ',' delimiter.")

    (ragged,) = findings(b"first\tlast\nJoe\nAnn\r\nEve", read=T)
    assert (
        str(ragged)
        == ", line 2, and 2 more like that: There are fewer cells than columns; the last columns stay empty."
    )

    (empty,) = findings(b"<people/>", read=X)
    assert str(empty).startswith(": There are no elements")


def test_a_file_with_many_faults_is_reported_of_in_a_few_words() -> None:
    names = [f"a{number}" for number in range(3000)]
    found = findings(json.dumps([{name: 1} for name in names]).replace('": 1', '": 1, "a": 1, "a": 2').encode(), read=J)

    assert 1 < len(found) < 30
    assert all(len(str(one)) < 500 for one in found)


@pytest.mark.parametrize(
    ("piece", "told"),
    [
        (b"<p>" * 512, "nested too deep"),
        (b"<!-- " + b"x" * 4096, "a tag or a comment of more than 16777216 bytes"),
        (b"<p>" + b"x" * 4096 + b"</p>\n", ""),
        (b"x" * 4096, ""),
    ],
)
def test_xml_without_end_is_not_gathered_in_memory(piece: bytes, told: str) -> None:
    """Neither is it read to its end, where that would have to be."""
    read = 0

    def blocks() -> Iterator[bytes]:
        nonlocal read
        yield b"<people><person first='Joe'/><person>"
        yield piece
        for _unused in range(5000):  # 20 MB of it
            read += 1
            yield piece if told.startswith("nested") or not told else b"x" * 4096
        yield b"</person></people>"

    (found, *_others) = [*check_blocks(blocks(), ReaderSettings({"read": A}, SOURCES)), FileFinding("")]

    assert told in found.text
    assert (read < 5000) == bool(told)


@pytest.mark.parametrize(
    ("instructions", "sources"),
    [
        ([], ()),
        ([{"source": "first"}, {"action": "field", "source": "last"}, {"action": "new"}], ("first", "last")),
        (
            [{"action": "if-exists", "source": "a", "then": [{"source": "b"}], "else": [{"source": "c"}]}],
            ("a", "b", "c"),
        ),
        ([{"action": "load", "using": "x", "otherwise": [{"source": "a"}]}], ("a",)),
        ([{"action": "for-each", "source": "a", "instructions": [{"source": "b"}, {"action": "?"}]}], ("a",)),
        ([{"action": "of-a-plugin", "from": "a"}, {"source": "b"}], None),
        ([{"action": "if-exists", "source": "a", "then": [{"action": "of-a-plugin"}]}], None),
        ([{"source": 5}], None),
    ],
)
def test_sources_are_those_of_the_record_itself(instructions: list[Any], sources: tuple[str, ...] | None) -> None:
    assert source_names({"instructions": instructions}) == (None if sources is None else frozenset(sources))
    assert source_names({"instructions": instructions, "recordProcessor": "of-a-plugin"}) is None


MADE_OF_SOMETHING = [
    (J, b'[["Joe"]]'),
    (J, b'{"people": [{"first": "Joe"}]}'),
    (J, b"[null]"),
    (J, b'["Joe"]'),
    (T, b"first,last\nJoe,Bloggs"),
]
"""Files of which Haplo makes nothing, and a plugin may."""


@pytest.mark.parametrize(("read", "data"), MADE_OF_SOMETHING)
def test_what_a_plugin_may_make_something_of_is_not_refused(read: str, data: bytes) -> None:
    assert outcome(findings(data, read=read)) == "refused"
    assert outcome(findings(data, None, read=read)) == "warned"


def test_without_sources_no_name_is_missed() -> None:
    """As where all values are constants."""
    assert findings(b'[{"x": 1}]', frozenset(), read=J) == []
    assert findings(b"x\n1", frozenset(), read=T) == []


def test_lists_may_be_looked_into_by_number() -> None:
    assert findings(b'[["Joe"], "Ann"]', frozenset(("0",)), read=J) == []


ENTRIES = [{"read": read, **more} for read in (J, T, X, A) for more in ({}, {"singleRecord": True})] + [
    {"read": T, "charset": charset} for charset in ("utf-16", "cp1252", "gb18030", "utf-32")
]
PIECES = st.sampled_from(
    [
        *(b"[", b"]", b"{", b"}", b'"', b"first", b":", b",", b"1", b"<", b">", b"/", b"\n", b"\t", b"\0", b"\xff"),
        *(b"<!--", b"&"),
    ]
)


@given(data=st.binary(max_size=60) | st.lists(PIECES, max_size=30).map(b"".join), entry=st.sampled_from(ENTRIES))
def test_no_bytes_make_it_fail(data: bytes, entry: dict[str, Any]) -> None:
    for finding in findings(data, **entry):
        assert finding.text
        assert finding.line >= 0


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(records=st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=4), ascii_only=st.booleans())
def test_a_list_of_objects_is_never_refused(records: list[dict[str, Any]], ascii_only: bool) -> None:
    text = json.dumps(records, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass" if ascii_only else "replace")
    assert outcome(findings(data, read=J)) != "refused"
    good = json.dumps([{"first": "Joe"}, *({"last": "x", **record} for record in records)])
    assert not [one for one in findings(good.encode(), read=J) if one.is_fatal]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t"), max_size=6)


@given(
    rows=st.lists(st.lists(CELLS, max_size=4), max_size=4),
    end=st.sampled_from(["", "\n", "\r\n"]),
    charset=st.sampled_from(["utf-8", "utf-16", "gb18030"]),
)
def test_tsv_with_a_name_that_is_looked_for_is_never_refused(rows: list[list[str]], end: str, charset: str) -> None:
    text = "\r\n".join(["first\tlast", *("\t".join(row) for row in rows)]) + end
    assert outcome(findings(text.encode(charset), read=T, charset=charset)) != "refused"


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=6
)
TAGS = st.sampled_from(["first", "last", "other", "\xe9l\xe8ve"])


@given(
    records=st.lists(st.lists(st.tuples(TAGS, TEXTS), max_size=4, unique_by=lambda pair: pair[0]), max_size=4),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_xml_is_never_refused(records: list[list[tuple[str, str]]], encoding: str) -> None:
    children = "".join(
        f"<r>{''.join(f'<{tag}>{escape(text)}</{tag}>' for tag, text in record)}</r>\n" for record in records
    )
    attributes = "".join(f"<r {' '.join(f'{tag}={quoteattr(text)}' for tag, text in record)}/>" for record in records)
    for read, body in ((X, children), (A, attributes)):
        document = f"<?xml version='1.0' encoding='{encoding}'?>\n<all>{body}</all><!-- end -->\n"
        assert outcome(findings(document.encode(encoding), read=read)) != "refused"
