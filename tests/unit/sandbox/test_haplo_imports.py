# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's data import framework: checks of control files, readers, instructions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.haplo.control_file import ControlSettings, validate
from tests.sandbox.haplo.importing import Import, ImportSettings, Outcome
from tests.sandbox.haplo.javascript import ScriptError
from tests.sandbox.haplo.readers import open_reader
from tests.sandbox.haplo.transformation import MOST_ERRORS, Target

from .haplo_client import CONTROL, FIXTURES

FIELD = {"source": "a", "destination": "profile", "name": "std:attribute:notes"}
NEW = {"action": "new", "destination": "profile"}
WITHIN = {"action": "within", "source": "y"}
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


def test_good_control_files() -> None:
    assert check() == []
    fixture = json.loads((FIXTURES / "control.json").read_text(encoding="utf-8"))
    assert validate(fixture, ControlSettings()) == []


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


@pytest.mark.parametrize("changes", [{"dataImportControlFileVersion": 0.0}, {"files": None}, {"files": {}}])
def test_what_the_checks_let_through(changes: dict[str, Any]) -> None:
    assert check(**changes) == []


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
        (
            [{"action": "for-each", "source": "x", "instructions": [{**WITHIN, "instructions": [FIELD]}]}],
            OVERWRITES,
        ),
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
    "instructions",
    [
        None,
        [],
        {},
        7,
        [{"action": "for-each", "source": "x", "instructions": [NEW, FIELD]}],
        [{"action": "for-each", "source": "x", "instructions": [{**FIELD, "multivalue": True}]}],
        [{"action": "load", "destination": "nowhere", "using": "nothing"}],
    ],
)
def test_instructions_that_the_checks_let_through(instructions: Any) -> None:
    assert check(instructions=instructions) == []


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


def test_json_reader(tmp_path: Path) -> None:
    assert read(tmp_path, "json", '[{"a": "ä"}, 2]'.encode()) == [{"a": "ä"}, 2]
    assert read(tmp_path, "json", b'{"x": {"a": 1}, "y": {"a": 2}}') == [{"a": 1}, {"a": 2}]
    assert read(tmp_path, "json", b'{"x": 1}', singleRecord=True) == [{"x": 1}]
    assert read(tmp_path, "json", b"12") == []
    assert read(tmp_path, "json", b'["\xff"]') == ["\ufffd"]
    for broken in (b"", b"[1,]", b"\xef\xbb\xbf[]", b"[Infinity]"):
        with pytest.raises(ScriptError):
            read(tmp_path, "json", broken)


PEOPLE = """<?xml version="1.0" encoding="iso-8859-1"?>
<people xmlns:x="urn:x"><person id="1" x:kind="staff"><last>Größe</last><x:first>A<b>da</b></x:first></person>
<person id="2"/><other><last>One</last><last>Two</last></other></people>""".encode("iso-8859-1")


def test_xml_readers(tmp_path: Path) -> None:
    children = read(tmp_path, "xml-text-of-children", PEOPLE)
    assert children == [{"last": "Größe", "first": "Ada"}, {}, {"last": "Two"}]
    assert read(tmp_path, "xml-attributes", PEOPLE) == [{"id": "1", "kind": "staff"}, {"id": "2"}, {}]
    assert read(tmp_path, "xml-attributes", b"<a b='c'/>") == []
    assert read(tmp_path, "xml-attributes", b"<a b='c'/>", singleRecord=True) == [{"b": "c"}]
    for reader in ("xml-attributes", "xml-text-of-children"):
        with pytest.raises(ScriptError):
            read(tmp_path, reader, PEOPLE[:-3])


def test_tsv_reader(tmp_path: Path) -> None:
    reader = "tsv-with-name-row"
    assert read(tmp_path, reader, b"a\tb\r\n1\t2\n\n3\n4\t\t5") == [{"a": "1", "b": "2"}, {"a": "3"}, {"a": "4"}]
    assert read(tmp_path, reader, b"a\tb\n1\t2\n") == [{"a": "1", "b": "2"}, {}]
    assert read(tmp_path, reader, "a;b\nä;\n".encode("latin-1"), separator=";", charset="latin-1") == [{"a": "ä"}, {}]
    assert read(tmp_path, reader, b"") == []
    with pytest.raises(ScriptError, match="no-such"):
        read(tmp_path, reader, b"x", charset="no-such")


# Instructions.


class Imports:
    """Imports one after another into the same store."""

    def __init__(self, folder: Path, settings: ImportSettings | None = None) -> None:
        self.objects: dict[str, Target] = {}
        self._folder = folder
        self._settings = settings or ImportSettings()
        self._refs = iter("abcdefghij")

    def run(self, instructions: Any, *records: Any, dry_run: bool = False, **changes: Any) -> Outcome:
        """The outcome of an import of these records."""
        control, data = self._folder / "control.json", self._folder / "data.json"
        control.write_text(json.dumps({**CONTROL, "instructions": instructions, **changes}))
        data.write_text(json.dumps(records))
        run = Import(self.objects, lambda: next(self._refs), dry_run, self._settings)
        outcome = run.run(control, {"people": data})
        self.objects.update(outcome.objects)
        return outcome

    def values(self) -> list[dict[str, Any]]:
        """The values of all objects."""
        return [target.values for target in self.objects.values()]


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
        {},
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
        {"a": None, "part": {"b": "deep"}},
        {"b": "p"},
    )
    names = ("if-exists", "if-value-one-of", "inner", "if-has-value")
    found = [[values.get(f"std:attribute:{name}", [None])[0] for name in names] for values in imports.values()]
    assert found == [["yes", "yes", "deep", "yes"], ["no", "no", None, "no"]]


def test_loading_what_was_imported(imports: Imports) -> None:
    imports.run([NEW, to("x")], {"a": "one"}, {"a": "two"})
    by_ref = {"source": "ref", "destination": "load:by-ref", "name": "ref", "filters": ["haplo:string-to-ref"]}
    load = {"action": "load", "destination": "profile", "using": "load:by-ref"}
    outcome = imports.run([by_ref, load, to("x")], {"ref": "b", "a": "new"}, {"ref": "z", "a": "lost"})
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
            [NEW, {**to("x", filters=["x"]), "action": "set-value", "value": 1}],
            "no filter defined for name: x",
        ),
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
