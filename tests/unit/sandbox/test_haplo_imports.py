# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's data import framework: checks of control files, readers, instructions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.haplo.control_file import ControlSettings, validate
from tests.sandbox.haplo.importing import Import, ImportSettings, Outcome
from tests.sandbox.haplo.javascript import ScriptError, read_text, to_json, to_string
from tests.sandbox.haplo.model import TYPE
from tests.sandbox.haplo.readers import open_reader
from tests.sandbox.haplo.transformation import MOST_ERRORS, Target

from .haplo_client import CONTROL, FIXTURES

FIELD = {"source": "a", "destination": "profile", "name": "std:attribute:notes"}
NEW = {"action": "new", "destination": "profile"}
WITHIN = {"action": "within", "source": "y"}
CONFIGURATION_NAME = "O.text(O.T_IDENTIFIER_CONFIGURATION_NAME,...) must be"
OVERWRITES = (
    "Assigning values within for-each without a new/load statement or setting multivalue property will result "
    "in overwritten data"
)


def to(name: str, source: str = "a", **more: Any) -> dict[str, Any]:
    """A `field` instruction into the profile."""
    return {"source": source, "destination": "profile", "name": f"std:attribute:{name}", **more}


# Control files.


def check(settings: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    """What is wrong with the control file once it is changed; ... takes a property out."""
    control = {name: value for name, value in {**CONTROL, **changes}.items() if value is not ...}
    return validate(control, ControlSettings(**(settings or {})))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataImportControlFileVersion": ...}, "Not a control file"),
        ({"dataImportControlFileVersion": 1}, "Bad version of control file, should be 0"),
        ({"dataImportControlFileVersion": "0"}, "Bad version of control file, should be 0"),
        ({"dataImportControlFileVersion": False}, "Bad version of control file, should be 0"),
        ({"model": ...}, "Control file does not specify model in the model property"),
        ({"model": "haplo:project"}, "Model not implemented: haplo:project"),
        ({"model": None}, "Model not implemented: null"),
        ({"files": ...}, "Control file does not have files property"),
        ({"files": {"a": {}, "b": {"read": "json"}}}, "Reader not specified for file a"),
        ({"files": {"a": {}, "b": {"read": "csv"}}}, "Unknown reader for file b: csv"),
        ({"files": [{"read": None}]}, "Unknown reader for file 0: null"),
        ({"recordProcessor": "x"}, "Unknown record processor specified in recordProcessor property: x"),
    ],
)
def test_checks_of_control_files(changes: dict[str, Any], message: str) -> None:
    assert check(**changes) == [message]


def test_one_message_per_check() -> None:
    assert (
        validate({}, ControlSettings())
        == validate([], ControlSettings())
        == [
            "Not a control file",
            "Control file does not specify model in the model property",
            "Control file does not specify processing instructions in the instructions property",
            "Control file does not have files property",
        ]
    )


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        (..., "Control file does not specify processing instructions in the instructions property"),
        ([{"action": "go"}, {"action": "went"}], "Unknown action in instruction: go"),
        ([{"action": "set-attribute-group"}], "Unknown action in instruction: set-attribute-group"),
        ([{}], "Expected property not found in field instruction: source, destination, name"),
        ([{"action": "", "name": "n"}], "Expected property not found in field instruction: source, destination"),
        ([{"action": "if-exists", "source": "x", "else": [{"action": "go"}]}], "Unknown action in instruction: go"),
        ([{**FIELD, "filters": "haplo:to-string"}], "'filters' property is not an array"),
        ([{**FIELD, "filters": ["haplo:to-string", "x"]}], "Filter x is not available."),
        ([{"action": "for-each", "source": "x", "instructions": [FIELD]}], OVERWRITES),
        ([{"action": "for-each", "source": "x", "instructions": [{**WITHIN, "instructions": [FIELD]}]}], OVERWRITES),
    ],
)
def test_checks_of_instructions(instructions: Any, message: str) -> None:
    assert check(instructions=instructions) == [message]


@pytest.mark.parametrize(
    ("action", "properties"),
    [
        ("field", "source, destination, name"),
        ("field-structured", "structured, destination, name"),
        ("set-value", "destination, name, value"),
        ("remove-values", "destination, name"),
        ("if-exists", "source"),
        ("if-value-one-of", "source"),
        ("if-has-value", "destination, name"),
        ("within", "source"),
        ("for-each", "source"),
        ("assert-destination", "destination, exists"),
        ("abort-record", "message"),
        ("log-error", "message"),
        ("new", "destination"),
        ("load", "destination, using"),
    ],
)
def test_expected_properties(action: str, properties: str) -> None:
    message = f"Expected property not found in {action} instruction: {properties}"
    assert check(instructions=[{"action": action}]) == [message]


@pytest.mark.parametrize(
    "changes",
    [
        *({}, json.loads((FIXTURES / "control.json").read_text(encoding="utf-8"))),
        *({"dataImportControlFileVersion": 0.0}, {"files": None}, {"files": {}}),
        *({"instructions": None}, {"instructions": []}, {"instructions": {}}, {"instructions": 7}),
        {"instructions": [{"action": "for-each", "source": "x", "instructions": [NEW, FIELD]}]},
        {"instructions": [{"action": "for-each", "source": "x", "instructions": [{**FIELD, "multivalue": True}]}]},
        {"instructions": [{"action": "load", "destination": "nowhere", "using": "nothing"}]},
    ],
)
def test_what_the_checks_let_through(changes: dict[str, Any]) -> None:
    assert check(**changes) == []


@pytest.mark.parametrize(
    "changes", [{"instructions": "text"}, {"instructions": [None]}, {"instructions": [5]}, {"files": {"a": "json"}}]
)
def test_control_files_that_break_the_checks(changes: dict[str, Any]) -> None:
    with pytest.raises(ScriptError):
        check(**changes)


def test_what_plugins_add() -> None:
    settings = {"models": ["my:model"], "more_actions": ["set-attribute-group"], "record_processors": ["p"]}
    assert (
        check(settings, model="my:model", instructions=[{"action": "set-attribute-group"}], recordProcessor="p") == []
    )


# Readers.


def read(tmp_path: Path, reader: str, content: bytes, **options: Any) -> list[Any]:
    """All records of a file."""
    path = tmp_path / "data"
    path.write_bytes(content)
    return list(open_reader(path, {"read": reader, **options}))


def test_json_of_a_single_record(tmp_path: Path) -> None:
    assert read(tmp_path, "json", b'{"x": 1}', singleRecord=True) == [{"x": 1}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Empty JSON string"),
        (b" \n", "Empty JSON string"),
        (b"nope", "Unexpected token: n"),
        (b"\xef\xbb\xbf[]", "Unexpected token: \ufeff"),
        (b"[1,]", "Unexpected comma in array literal"),
        (b'{"a": 1 ,\n}', "Unexpected comma in object literal"),
        (b"[] []", "Expected end of stream at char 3"),
        (b'{"a": 1}\n{"a": 2}\n', "Expected end of stream at char 9"),
        (b'["a\nb"]', "String contains control character"),
        (b"[NaN]", "Unexpected token: N"),
        (b"[Infinity]", "Unexpected token: I"),
        (b"[True]", "Unexpected token: T"),
        (b"// no\n[]", "Unexpected token: /"),
        (b"{'a': 1}", "Unexpected token: '"),
        *[(no, "") for no in (b"[01]", b"[.5]", b"[1.]", b"[+1]", b'["\\x"]', b"[1", b'["a', b"[" * 100_000)],
    ],
)
def test_json_that_does_not_parse(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        read(tmp_path, "json", content)
    assert str(raised.value) == message or not message


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"[]", []),
        (b"{}", []),
        (b"null", []),
        (b"true", []),
        (b'""', []),
        (b'"abc"', ["a", "b", "c"]),
        (b'{"people": [{"a": 1}]}', [[{"a": 1}]]),
        (b'{"last": "A"}', ["A"]),
        (b'{"length": 2, "0": {"a": 1}, "x": {"a": 2}}', [{"a": 1}, None]),
        (b'{"length": "2", "x": {"a": 2}}', ["2", {"a": 2}]),
        (b'{"length": 0, "x": {"a": 2}}', []),
        (b'[{"a": 1, "a": 2}]', [{"a": 2}]),
        ('[{"a": "ä"}, 2]'.encode(), [{"a": "ä"}, 2]),
        (b'{"x": {"a": 1}, "y": {"a": 2}}', [{"a": 1}, {"a": 2}]),
        (b"12", []),
        (b'["\xff"]', ["\ufffd"]),
    ],
)
def test_forms_of_json(tmp_path: Path, content: bytes, records: list[Any]) -> None:
    assert read(tmp_path, "json", content) == records


PEOPLE = """<?xml version="1.0" encoding="iso-8859-1"?>
<people xmlns:x="urn:x"><person id="1" x:kind="staff"><last>Größe</last><x:first>A<b>da</b></x:first></person>
<person id="2"/><other><last>One</last><last>Two</last></other></people>""".encode("iso-8859-1")


def test_xml_readers(tmp_path: Path) -> None:
    children = read(tmp_path, "xml-text-of-children", PEOPLE)
    assert children == [{"last": "Größe", "first": "Ada"}, {}, {"last": "Two"}]
    assert read(tmp_path, "xml-attributes", PEOPLE) == [{"id": "1", "x:kind": "staff"}, {"id": "2"}, {}]
    assert read(tmp_path, "xml-attributes", b"<a b='c'/>") == []
    assert read(tmp_path, "xml-attributes", b"<a b='c'/>", singleRecord=True) == [{"b": "c"}]
    for reader in ("xml-attributes", "xml-text-of-children"):
        with pytest.raises(ScriptError):
            read(tmp_path, reader, PEOPLE[:-3])


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"<r><x><a>1</a></x></r><!-- after -->", [{"a": "1"}]),
        (b"<r><!-- within --><x><a>1<!-- too --></a></x></r>", [{"a": "1"}]),
        (b"<!-- before --><r><x><a>1</a></x></r>", []),
        (b"<?xml version='1.0'?><?xml-stylesheet href='x'?><r><x><a>1</a></x></r>", []),
        (b"<!DOCTYPE r><r><x><a>1</a></x></r>", []),
        (b"<r><x><a>1<![CDATA[2]]>3</a><b><![CDATA[all]]></b></x></r>", [{"a": "13", "b": ""}]),
        (b"<r><list><x><a>1</a></x><x><a>2</a></x></list></r>", [{"x": "2"}]),
        (b"<r><x><a> 1\n</a><b> </b></x></r>", [{"a": " 1\n", "b": " "}]),
        (b"<r>text</r>", []),
        (b"<r/>", []),
        (b"\xef\xbb\xbf<r><x><a>\xc3\xa4</a></x></r>", [{"a": "ä"}]),
        ("<?xml version='1.0' encoding='utf-16'?><r><x><a>ä</a></x></r>".encode("utf-16"), [{"a": "ä"}]),
    ],
)
def test_forms_of_xml(tmp_path: Path, content: bytes, records: list[Any]) -> None:
    assert read(tmp_path, "xml-text-of-children", content) == records


def test_attributes_keep_their_prefixes(tmp_path: Path) -> None:
    content = b"<r xmlns:p='urn:p'><x p:a='1' xmlns='urn:x' xmlns:q='urn:q' xml:lang='en' b='2'/></r>"
    expected = {"p:a": "1", "xmlns": "urn:x", "xmlns:q": "urn:q", "xml:lang": "en", "b": "2"}
    assert read(tmp_path, "xml-attributes", content) == [expected]


@pytest.mark.parametrize("reader", ["xml-attributes", "xml-text-of-children"])
def test_a_single_record_behind_a_comment(tmp_path: Path, reader: str) -> None:
    """The comment is the record."""
    assert read(tmp_path, reader, b"<!-- before --><r a='1'><a>1</a></r>", singleRecord=True) == [{}]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<r>", b"<r>&nbsp;</r>", b"<r>\x01</r>", b"<r a='1' a='2'/>", b" <?xml version='1.0'?><r/>"),
        *(b"<?xml version='1.0' encoding='no-such'?><r/>", b"<r>\xff</r>", b"<r><p:x/></r>"),
    ],
)
def test_xml_that_does_not_parse(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ScriptError, match="XML"):
        read(tmp_path, "xml-attributes", content)


def test_xml_of_any_size(tmp_path: Path) -> None:
    content = b"<r>" + b"<x><a>1</a></x>" * 5_000 + b"</r>"
    assert read(tmp_path, "xml-text-of-children", content) == [{"a": "1"}] * 5_000


def test_tsv_with_options(tmp_path: Path) -> None:
    content = "a;b\nä;\n".encode("latin-1")
    assert read(tmp_path, "tsv-with-name-row", content, separator=";", charset="latin1") == [{"a": "ä"}, {}]


@pytest.mark.parametrize(
    ("content", "records"),
    [
        *[(nothing, []) for nothing in (b"", b"a\tb")],
        (b"a\tb\n", [{}]),
        (b"a\tb\n1\t2\n", [{"a": "1", "b": "2"}, {}]),
        (b"a\tb\r\n1\t2\n\n3\n4\t\t5", [{"a": "1", "b": "2"}, {"a": "3"}, {"a": "4"}]),
        (b"\na\tb\n1\t2", [{"": "a"}, {"": "1"}]),
        (b"a\tb\r\n1\t2\n\n\n3\t4", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        (b"a\tb\n1\t2\n  ", [{"a": "1", "b": "2"}, {"a": "  "}]),
        (b"\xef\xbb\xbfa\tb\n1\t2", [{"\ufeffa": "1", "b": "2"}]),
        (b'"a"\t b\n"1"\t2', [{'"a"': '"1"', " b": "2"}]),
        (b"a,b\n1,2", [{"a,b": "1,2"}]),
        (b"a\tb\ta\n1\t2\t3\n4\t5\t", [{"a": "3", "b": "2"}, {"a": "4", "b": "5"}]),
        (b"a\x0bb\xc2\x85c\n1", [{"a\x0bb\x85c": "1"}]),
        ("a\n\u20281".encode(), [{"a": "\u20281"}]),
        (b"a\n\xe4", [{"a": "\ufffd"}]),
    ],
)
def test_forms_of_tsv(tmp_path: Path, content: bytes, records: list[Any]) -> None:
    assert read(tmp_path, "tsv-with-name-row", content) == records


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("utf8", "ä".encode()),
        ("utf-16", "ä".encode("utf-16")),
        ("UTF-16", "ä".encode("utf-16-be")),
        ("utf-16le", "ä".encode("utf-16-le")),
        ("iso-8859-1", b"\xe4"),
        ("cp1252", b"\xe4"),
        ("macroman", b"\x8a"),
        ("cp850", b"\x84"),
        ("gb18030", "ä".encode("gb18030")),
    ],
)
def test_charsets_of_tsv(tmp_path: Path, charset: str, content: bytes) -> None:
    assert read(tmp_path, "tsv-with-name-row", b"" + content, charset=charset) == []
    path = tmp_path / "data"
    assert read_text(path, charset) == "ä"


@pytest.mark.parametrize("charset", ["no-such", "utf-8-sig", "ansi", "UTF 8", "unicode_escape"])
def test_charsets_that_java_does_not_know(tmp_path: Path, charset: str) -> None:
    with pytest.raises(ScriptError, match=f"Invalid charset: {charset}$"):
        read(tmp_path, "tsv-with-name-row", b"x", charset=charset)


# The language.


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("-12.50", "-12.5"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("1.25e22", "1.25e+22"),
        ("1e-7", "1e-7"),
        ("0.000001", "0.000001"),
        ("12345678901234567890", "12345678901234567000"),
        ("9007199254740993", "9007199254740992"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e999", "Infinity"),
        ("-1e999", "-Infinity"),
    ],
)
def test_numbers_as_text(tmp_path: Path, number: str, text: str) -> None:
    (value,) = read(tmp_path, "json", f"[{number}]".encode())
    assert to_string(value) == text


def test_json_of_values() -> None:
    value = {"a": [1.0, None, True, float("inf")], "ä": 'say "x"\n', "b": {}}
    assert to_json(value) == '{"a":[1,null,true,null],"ä":"say \\"x\\"\\n","b":{}}'


# Instructions.


class Imports:
    """Imports one after another into the same store."""

    def __init__(self, folder: Path, settings: ImportSettings | None = None) -> None:
        self.objects: dict[str, Target] = {}
        self._folder = folder
        self._settings = settings or ImportSettings()
        self._refs = iter("0123456789")

    def run(
        self,
        instructions: Any,
        *records: Any,
        dry_run: bool = False,
        more: dict[str, Path] | None = None,
        **changes: Any,
    ) -> Outcome:
        """The outcome of an import of these records, and of `more` files, by name."""
        control, data = self._folder / "control.json", self._folder / "data.json"
        control.write_text(json.dumps({**CONTROL, "instructions": instructions, **changes}))
        data.write_text(json.dumps(records))
        run = Import(self.objects, lambda: next(self._refs), dry_run, self._settings)
        outcome = run.run(control, {"people": data, **(more or {})})
        self.objects.update(outcome.objects)
        return outcome

    def values(self) -> list[dict[str, Any]]:
        """The values of all objects, without their type."""
        return [
            {name: value for name, value in target.values.items() if name != TYPE} for target in self.objects.values()
        ]


@pytest.fixture
def imports(tmp_path: Path) -> Imports:
    """With an empty store."""
    return Imports(tmp_path)


def test_values_of_fields(imports: Imports) -> None:
    instructions = [NEW, to("x"), to("email", "mail"), to("url", "site"), to("y", "b", filters=["haplo:to-upper-case"])]
    outcome = imports.run(
        instructions,
        {"a": "text", "mail": "a@b", "site": "x:y", "b": "up"},
        {"a": 7, "mail": "@b", "site": "xy"},
        {"a": 0, "b": ""},
        {"a": [1], "b": True},
    )
    assert imports.values() == [
        {
            "std:attribute:x": ["text"],
            "std:attribute:email": ["a@b"],
            "std:attribute:url": ["x:y"],
            "std:attribute:y": ["UP"],
        },
        {"std:attribute:x": ["7"]},
        {"std:attribute:x": ["0"]},
        {"std:attribute:y": ["true"]},
    ]
    assert outcome.log == [
        "Invalid email address for input field mail: @b (record 1)",
        "Invalid URL for input field site: xy (record 1)",
    ]
    assert (outcome.state, outcome.errors, outcome.read, outcome.records) == ("complete", 2, 4, {"people": 4})


def test_one_value_or_several(imports: Imports) -> None:
    each = {"action": "for-each", "source": "list", "wrapValues": True}
    several = {**each, "instructions": [to("x", "value", multivalue=True)]}
    one = {"action": "set-value", "destination": "profile", "name": "std:attribute:y", "value": "v"}
    removed = {"action": "remove-values", "destination": "profile", "name": "std:attribute:z"}
    imports.run([NEW, several, one, one, to("z", "list0"), removed], {"list": ["p", "q"], "list0": "r"})
    assert imports.values() == [{"std:attribute:x": ["p", "q"], "std:attribute:y": ["v"]}]


def test_mapped_input(imports: Imports) -> None:
    imports.run(
        [NEW, to("x", mapInputValue={"1": "one"}), to("y", mapInputValue={"1": "one"}, mapInputValueDefault="?")],
        {"a": "1"},
        {"a": "2"},
    )
    assert imports.values() == [
        {"std:attribute:x": ["one"], "std:attribute:y": ["one"]},
        {"std:attribute:x": ["2"], "std:attribute:y": ["?"]},
    ]


def test_references(imports: Imports) -> None:
    outcome = imports.run(
        [NEW, to("works-for", refMapping="units")],
        {"a": "law"},
        {"a": "art"},
        mapping={"units": {"using": "behaviour", "values": {"law": "unit:law"}}},
    )
    assert imports.values() == [{"std:attribute:works-for": [{"ref": "unit:law"}]}, {}]
    assert outcome.log == ["Value in input data cannot be mapped for input field a: art (record 1)"]


def test_conditions_and_parts(imports: Imports) -> None:
    def branches(action: str, **more: Any) -> dict[str, Any]:
        value = {"action": "set-value", "destination": "profile", "name": f"std:attribute:{action}"}
        return {"action": action, **more, "then": [{**value, "value": "yes"}], "else": [{**value, "value": "no"}]}

    imports.run(
        [
            NEW,
            branches("if-exists", source="a"),
            branches("if-value-one-of", source="a", values=["p", None]),
            {"action": "within", "source": "part", "instructions": [to("inner", "b")]},
            branches("if-has-value", destination="profile", name="std:attribute:inner"),
        ],
        {"a": "p", "part": {"b": "deep"}},
        {"b": "p"},
    )
    names = ("if-exists", "if-value-one-of", "inner", "if-has-value")
    found = [[values.get(f"std:attribute:{name}", [None])[0] for name in names] for values in imports.values()]
    assert found == [["yes", "yes", "deep", "yes"], ["no", "no", None, "no"]]


@pytest.mark.parametrize(
    ("action", "record", "taken"),
    [
        ({"action": "if-exists"}, {}, False),
        ({"action": "if-exists"}, {"a": ""}, False),
        ({"action": "if-exists"}, {"a": None}, False),
        ({"action": "if-exists"}, {"a": False}, False),
        ({"action": "if-exists"}, {"a": 0}, True),
        ({"action": "if-exists"}, {"a": True}, True),
        ({"action": "if-exists"}, {"a": []}, True),
        ({"action": "if-exists"}, {"a": {}}, True),
        ({"action": "if-exists"}, {"a": "x"}, True),
        ({"action": "if-exists", "source": "toString"}, {}, True),
        ({"action": "if-exists", "source": "length"}, {}, False),
        ({"action": "if-exists", "source": "length"}, [], True),
        ({"action": "if-exists", "source": "0"}, ["x"], True),
        ({"action": "if-value-one-of", "values": [1]}, {"a": 1.0}, True),
        ({"action": "if-value-one-of", "values": [1]}, {"a": True}, False),
        ({"action": "if-value-one-of", "values": [1]}, {"a": "1"}, False),
        ({"action": "if-value-one-of", "values": [True]}, {"a": 1}, False),
        ({"action": "if-value-one-of", "values": [None]}, {"a": None}, True),
        ({"action": "if-value-one-of", "values": [None]}, {}, False),
        ({"action": "if-value-one-of", "values": [[]]}, {"a": []}, False),
        ({"action": "if-value-one-of", "values": "abc"}, {"a": "bc"}, True),
        ({"action": "if-value-one-of", "values": "abc"}, {"a": "ac"}, False),
        ({"action": "if-value-one-of"}, {"a": "x"}, False),
    ],
)
def test_branches(imports: Imports, action: dict[str, Any], record: Any, taken: bool) -> None:
    message = {"then": [{"action": "log-error", "message": "then"}], "else": [{"action": "log-error", "message": "no"}]}
    outcome = imports.run([NEW, {"source": "a", **action, **message}], record)
    assert outcome.log == [f"{'then' if taken else 'no'} (record 0)"]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("x", 0, "0"),
        ("x", -0.0, "0"),
        ("x", 1e21, "1e+21"),
        ("x", "toString", "toString"),
        ("x", False, None),
        ("x", {}, None),
        ("notes", 0, None),
        ("notes", 5, "5"),
        ("notes", True, "true"),
        ("notes", 1e21, "1e+21"),
        ("notes", {}, "[object Object]"),
        ("notes", ["a", None, "b"], "a,,b"),
        ("configured-behaviour", "a:b", "a:b"),
        ("configured-behaviour", 0, None),
    ],
)
def test_values(imports: Imports, name: str, value: Any, found: str | None) -> None:
    outcome = imports.run([NEW, to(name)], {"a": value})
    assert (outcome.state, outcome.log) == ("complete", [])
    assert imports.values() == [{} if found is None else {f"std:attribute:{name}": [found]}]


TYPE_OF = {"source": "t", "destination": "profile", "name": TYPE}


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({}, "std:type:person"),
        ({"t": "std:type:person:staff"}, "std:type:person:staff"),
        ({"t": "std:type:nobody"}, "std:type:person"),
        ({"t": 7}, "std:type:person"),
    ],
)
def test_types_of_objects(imports: Imports, record: dict[str, Any], code: str) -> None:
    """One that is not known is left out without a word, and an object without a type gets the model's."""
    outcome = imports.run([NEW, TYPE_OF, to("x")], {"a": "1", **record})
    assert (outcome.errors, outcome.log) == (0, [])
    (target,) = imports.objects.values()
    assert target.values[TYPE] == [{"ref": code}]
    if code not in record.values():
        assert list(target.values) == ["std:attribute:x", TYPE]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ({"street1": "1 Road", "country": "GBR"}, '{"street1":"1 Road","country":"GBR"}'),
        ({"city": 'the "Größe"'}, '{"city":"the \\"Größe\\""}'),
        ({}, "{}"),
    ],
)
def test_addresses(imports: Imports, address: dict[str, str], shown: str) -> None:
    names = ("street1", "city", "country")
    parts = [{"source": name, "destination": "value:postal-address", "name": name} for name in names]
    whole = {"action": "field-structured", "structured": "value:postal-address", **to("address")}
    message = "Missing or invalid country code in postal address, must be two letter ISO code"
    assert imports.run([NEW, *parts, whole], address).log == [f"{message}: {shown} (record 0)"]
    assert imports.run([NEW, to("address")], {"a": [address]}).log == [f"{message}: [{shown}] (record 0)"]
    assert imports.run([NEW, *parts, whole], {**address, "country": "gb"}).log == []
    assert imports.values()[-1] == {"std:attribute:address": [{**address, "country": "gb"}]}


def test_a_value_that_is_set_is_looked_at_once(imports: Imports) -> None:
    outcome = imports.run([NEW, {"action": "set-value", "value": "nowhere", **to("url")}], {}, {"a": "1"}, {})
    assert outcome.log == ["Invalid URL for set value profile/std:attribute:url: nowhere (record 0)"]
    assert (outcome.errors, outcome.records) == (1, {"people": 3})


def test_what_is_no_reference(imports: Imports) -> None:
    instructions = [NEW, to("works-for", filters=["haplo:string-to-ref"])]
    imports.run(instructions, {"a": "80qv3"}, {"a": "abc"}, {"a": {"ref": "80qv3"}})
    assert imports.values() == [{"std:attribute:works-for": [{"ref": "80qv3"}]}, {}, {}]


@pytest.mark.parametrize(("name", "key"), [("dc:attribute:title", "last"), ("std:attribute:address", "country")])
def test_null_as_a_name_or_an_address(imports: Imports, name: str, key: str) -> None:
    outcome = imports.run([NEW, {"action": "set-value", "destination": "profile", "name": name, "value": None}], {})
    assert outcome.state == "error"
    assert f'Cannot read property "{key}" from null' in outcome.log[-1]


def test_names_that_every_object_has(imports: Imports) -> None:
    """What stands under them is found, and is nothing that could be set."""
    outcome = imports.run(
        [
            NEW,
            to("x", "toString"),
            to("y", mapInputValue={"1": "one"}, mapInputValueDefault="?"),
            {"action": "within", "source": "valueOf", "instructions": [to("z")]},
            {"action": "within", "source": "valueOf", "instructions": [{"action": "if-exists", "source": "a"}]},
        ],
        {"a": "toString"},
    )
    assert (outcome.state, outcome.log, imports.values()) == ("complete", [], [{}])
    units = {"using": "behaviour", "values": {"law": "unit:law"}}
    outcome = imports.run([NEW, to("works-for", refMapping="units")], {"a": "toString"}, mapping={"units": units})
    assert outcome.state == "error"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"length": 1, "0": "p", "1": "q"}, ["p"]),
        ({"length": "1", "x": "p"}, ["1", "p"]),
        ({"x": "p", "y": "q"}, ["p", "q"]),
        ("pq", ["p", "q"]),
        (7, []),
        (None, []),
    ],
)
def test_what_is_gone_through(imports: Imports, value: Any, found: list[str]) -> None:
    each = {"action": "for-each", "source": "list", "wrapValues": True}
    imports.run([NEW, {**each, "instructions": [to("x", "value", multivalue=True)]}], {"list": value})
    assert imports.values() == [{"std:attribute:x": found} if found else {}]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([None], 'Cannot read property "a" from null'),
        (["text"], "Can't use 'in' on a non-object."),
        ([5], "Can't use 'in' on a non-object."),
    ],
)
def test_records_that_are_no_objects(imports: Imports, records: list[Any], message: str) -> None:
    outcome = imports.run([NEW, to("x"), {"action": "if-exists", "source": "a"}], *records)
    assert outcome.log == [f"EXCEPTION: Error during import: {message}. File: undefined, line: undefined"]


@pytest.mark.parametrize("reader", ["json", "xml-attributes", "tsv-with-name-row"])
def test_when_files_are_read(imports: Imports, tmp_path: Path, reader: str) -> None:
    """JSON and XML before the first record of any file, TSV when its turn comes."""
    charset = {"charset": "no-such"} if reader.startswith("tsv") else {}
    files = {"people": {"read": "json"}, "more": {"read": reader, **charset}}
    (tmp_path / "more").write_bytes(b"no")
    outcome = imports.run([NEW, to("x")], {"a": "1"}, files=files, more={"more": tmp_path / "more"})
    assert outcome.state == "error"
    assert outcome.records == ({"people": 1} if reader.startswith("tsv") else {})


@pytest.mark.parametrize("name", ["toString", "constructor"])
def test_file_names_that_every_object_has(imports: Imports, tmp_path: Path, name: str) -> None:
    (tmp_path / "more").write_bytes(b"[]")
    outcome = imports.run([NEW], files={"DEFAULT": {"read": "json"}}, more={name: tmp_path / "more"})
    assert outcome.state == "error"
    assert "No provider registered for service" in outcome.log[-1]


def test_loading_what_was_imported(imports: Imports) -> None:
    imports.run([NEW, to("x")], {"a": "one"}, {"a": "two"})
    by_ref = {"source": "ref", "destination": "load:by-ref", "name": "ref", "filters": ["haplo:string-to-ref"]}
    load = {"action": "load", "destination": "profile", "using": "load:by-ref"}
    outcome = imports.run([by_ref, load, to("x")], {"ref": "1", "a": "new"}, {"ref": "z", "a": "lost"})
    assert imports.values() == [{"std:attribute:x": ["one"]}, {"std:attribute:x": ["new"]}]
    assert "Couldn't load destination: profile (record 1)" in outcome.log
    assert outcome.records == {"people": 1}
    outcome = imports.run([by_ref, {**load, "otherwise": [NEW]}, to("x")], {"ref": "z", "a": "three"})
    assert (outcome.errors, len(imports.objects)) == (0, 3)


def test_records_that_are_given_up(imports: Imports) -> None:
    stop = {"action": "if-exists", "source": "stop", "then": [{"action": "abort-record", "message": "stopped"}]}
    note = {"action": "if-exists", "source": "note", "then": [{"action": "log-error", "message": "noted"}]}
    outcome = imports.run([NEW, to("x"), stop, note], {"a": "1", "stop": 1}, {"a": "2", "note": 1})
    assert (outcome.log, outcome.errors, outcome.state) == (["stopped (record 0)", "noted (record 1)"], 2, "complete")
    assert imports.values() == [{"std:attribute:x": ["2"]}]
    outcome = imports.run([to("x")], {"a": "1"}, {})
    assert outcome.log == [
        'Destination "profile" needs be made ready with a "new" or "load" instruction (record 0)',
        "No data set in required destination profile (record 1)",
    ]
    assert outcome.records == {}


def test_mistakes_in_names_are_errors_of_the_run(imports: Imports) -> None:
    outcome = imports.run(
        [
            NEW,
            {"source": "a", "destination": "nowhere", "name": "x"},
            {"source": "a", "destination": "profile", "name": "x"},
            {**to("x"), "action": "field-structured", "structured": "value:x"},
            {"action": "remove-values", "destination": "value:person-name", "name": "x"},
            {"action": "assert-destination", "destination": "profile", "exists": True},
            to("works-for", refMapping="units"),
        ],
        {"a": "1"},
    )
    assert outcome.log == [
        "Unknown destination in field: nowhere",
        "Unknown name in field x for destination profile",
        "Unknown structured value destination in field-structured: value:x",
        "Unknown name in remove-values for destination value:person-name",
        "Can only use dependent destinations in assert-destination: profile",
        "Unknown mapping: units",
    ]
    assert (outcome.state, outcome.errors, outcome.records) == ("complete", 6, {"people": 1})


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        ([{"action": "new", "destination": "nowhere"}], "Unknown destination: nowhere"),
        ([{"action": "load", "destination": "profile", "using": "x"}], "No destination when requesting target: x"),
        ({}, "instructions are not an array"),
        (
            [NEW, {"source": "a", "destination": "value:person-name", "name": "last"}],
            "Delegate for value:person-name does not implement commit()",
        ),
        (
            [NEW, to("configured-behaviour")],
            f"{CONFIGURATION_NAME} formed of a-zA-Z0-9_ and contain at least one : separator.",
        ),
        (
            [NEW, {"action": "set-value", "value": 1, **to("configured-behaviour")}],
            f"{CONFIGURATION_NAME} passed a String.",
        ),
        (
            [NEW, {"action": "if-value-one-of", "source": "a", "values": {}}],
            "Cannot find function indexOf in object [object Object].",
        ),
        ([NEW, {**to("x", filters=["x"]), "action": "set-value", "value": 1}], "no filter defined for name: x"),
        ([{"action": "go"}], "Errors in control file:\n  Unknown action in instruction: go"),
    ],
)
def test_exceptions_end_an_import(imports: Imports, instructions: Any, message: str) -> None:
    outcome = imports.run(instructions, {"a": "1"})
    assert (outcome.state, outcome.errors) == ("error", 0)
    assert outcome.log[-1] == f"EXCEPTION: Error during import: {message}. File: undefined, line: undefined"


def test_what_was_imported_before_an_exception_stays(imports: Imports) -> None:
    instructions = [NEW, to("x"), {"action": "if-exists", "source": "a"}]
    outcome = imports.run(instructions, {"a": "1"}, {"a": "2"}, "text", {"a": "3"})
    assert (outcome.state, outcome.errors, outcome.records, outcome.read) == ("error", 0, {"people": 2}, 3)
    assert len(imports.objects) == 2


def test_dry_run_tells_the_same_errors(imports: Imports) -> None:
    instructions = [NEW, to("email")]
    dry = imports.run(instructions, {"a": "x"}, {"a": "a@b"}, dry_run=True)
    assert (dry.state, dry.errors, dry.read, dry.records, imports.objects) == ("dry-run", 1, 2, {}, {})
    assert imports.run(instructions, {"a": "x"}, {"a": "a@b"}).log == dry.log


def test_many_errors_are_counted_only(imports: Imports) -> None:
    outcome = imports.run([NEW, to("email")], *[{"a": "x"}] * (MOST_ERRORS + 10), dry_run=True)
    assert outcome.errors == MOST_ERRORS + 10
    assert len(outcome.log) == MOST_ERRORS
    assert outcome.log[-1] == "Too many errors in import batch, no further errors will be reported"


def test_check_of_titles(tmp_path: Path) -> None:
    imports = Imports(tmp_path, ImportSettings(checks_title=True))
    outcome = imports.run(CONTROL["instructions"], {"last": "Bloggs"}, {"first": "Joe"})
    assert outcome.records == {"people": 1}
    assert outcome.log == ["dc:attribute:title is not set in object profile (record 1)"]


def test_models_of_which_nothing_is_known(tmp_path: Path) -> None:
    imports = Imports(tmp_path, ImportSettings(models=["my:model"]))
    instructions = [
        {"action": "new", "destination": "unit"},
        {"source": "a", "destination": "unit", "name": "anything"},
        {"source": "b", "destination": "value:x", "name": "part"},
        {"action": "field-structured", "structured": "value:x", "destination": "unit", "name": "whole"},
    ]
    outcome = imports.run(instructions, {"a": [1], "b": "c"}, model="my:model")
    assert (outcome.state, imports.values()) == ("complete", [{"anything": [[1]], "whole": [{"part": "c"}]}])


def test_objects_beyond_those_that_are_kept_are_counted(tmp_path: Path) -> None:
    imports = Imports(tmp_path, ImportSettings(keep_objects=2))
    assert imports.run([NEW, to("x")], {"a": "1"}, {"a": "2"}, {"a": "3"}).records == {"people": 3}
    assert len(imports.objects) == 2
