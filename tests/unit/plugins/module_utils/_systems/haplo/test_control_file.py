# SPDX-License-Identifier: GPL-3.0-or-later
"""Control files: which ones Haplo takes, and how data files are read by them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.control_file import (
    LARGEST_DOCUMENT,
    parse_control_file,
)

from .scripted import file_of

CONTROL = {
    "dataImportControlFileVersion": 0,
    "model": "haplo:person",
    "files": {"people": {"read": "json"}, "staff": {"read": "xml-attributes"}},
    "instructions": [],
}


def changed(**changes: Any) -> bytes:
    """The control file with some properties otherwise, or None and so not there."""
    return json.dumps({name: value for name, value in {**CONTROL, **changes}.items() if value is not None}).encode()


def large_file(folder: Path, size: int) -> Content:
    path = folder / "large"
    with path.open("wb") as file:
        file.truncate(size)
    (found,) = open_contents([str(path)])
    return found


@pytest.mark.parametrize(
    "content",
    [
        changed(),
        changed(dataImportControlFileVersion=0.0),
        changed(model="somebody-else:model", instructions=[{"action": "set-attribute-group"}]),
        changed(files={"DEFAULT": {"read": "a-reader-of-a-plugin"}}),
        changed(comment="Größe ✓", mapping={}),
        json.dumps(CONTROL, indent=4, ensure_ascii=False).encode() + b"\n\n",
    ],
)
def test_a_control_file_that_haplo_may_take_is_taken_with_the_digest_of_its_bytes(
    tmp_path: Path, content: bytes
) -> None:
    control = parse_control_file(file_of(tmp_path, content))

    assert control.sha256 == hashlib.sha256(content).hexdigest()
    assert control.files == json.loads(content)["files"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xef\xbb\xbf" + changed(), "byte order mark"),
        (changed().decode().encode("utf-16"), "not in UTF-8"),
        (b'{"model": "\xe9"}', "not in UTF-8"),
        (b"name\tage\n", "not JSON"),
        (changed()[:-1], "not JSON"),
        (changed() + b"x", "not JSON"),
        (b'{"dataImportControlFileVersion": NaN}', "not JSON"),
        (b'{"dataImportControlFileVersion": Infinity}', "not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b"null", "not a JSON object"),
        (b"17", "not a JSON object"),
        (b'"control"', "not a JSON object"),
        (b"[" + changed() + b"]", "not a JSON object"),
        (b"{}", "dataImportControlFileVersion"),
        *[(changed(dataImportControlFileVersion=no), "dataImportControlFileVersion") for no in ("0", 1, False)],
        (changed(model=None), "no model"),
        (changed(instructions=None), "no instructions"),
        (changed(files=None), "no files"),
        (changed(model=None, files=None), "no model and no files"),
        (changed().replace(b'"files": {', b'"files": null, "more": {'), "files has to be an object"),
        (changed(files=[]), "files has to be an object"),
        (changed(files={"people": {}}), "'people' does not say how to read it"),
        (changed(files={"people": "json"}), "'people' does not say how to read it"),
        (changed(files={"people": {"read": "json"}, "x": {"reed": "json"}}), "'x' does not say how to read it"),
    ],
)
def test_a_control_file_that_haplo_would_not_take_is_reported(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as raised:
        parse_control_file(file_of(tmp_path, content))

    assert raised.value.message.startswith(f"control: {tmp_path / 'control.json'} is no control file: ")


def test_a_control_file_has_16_mib_at_most(tmp_path: Path) -> None:
    padding = b" " * (LARGEST_DOCUMENT - len(changed()))
    assert parse_control_file(file_of(tmp_path, changed() + padding)).files

    with pytest.raises(BadInput, match="16777216 bytes"):
        parse_control_file(file_of(tmp_path, changed() + padding + b" "))


def test_a_name_has_to_be_in_the_control_file(tmp_path: Path) -> None:
    control = parse_control_file(file_of(tmp_path, changed()))
    assert control.entry("people") == {"read": "json"}

    for name in ("People", "people ", "DEFAULT", "", "toString"):
        with pytest.raises(BadInput, match="which names people, staff"):
            control.entry(name)


def test_any_name_will_do_where_the_control_file_has_a_default(tmp_path: Path) -> None:
    """But for those that every object of JavaScript has, in which Haplo would look for a reader."""
    control = parse_control_file(
        file_of(tmp_path, changed(files={"DEFAULT": {"read": "json"}, "valueOf": {"read": "x"}}))
    )

    assert control.entry("whatever") == {"read": "json"}
    assert control.entry("valueOf") == {"read": "x"}
    for name in ("toString", "constructor", "__defineGetter__"):
        with pytest.raises(BadInput, match="not in the control file"):
            control.entry(name)


@pytest.mark.parametrize(
    ("name", "files", "is_bounded"),
    [
        ("a", {"a": {"read": "json"}}, True),
        ("a", {"a": {"read": "tsv-with-name-row"}}, True),
        ("a", {"a": {"read": "xml-attributes"}}, False),
        ("a", {"a": {"read": "xml-text-of-children"}}, False),
        ("a", {"a": {"read": "a-reader-of-a-plugin"}}, False),
        ("a", {"a": {"read": ["json"]}}, False),
        ("a", {"DEFAULT": {"read": "json"}}, True),
        ("a", {"a": {"read": "xml-attributes"}, "DEFAULT": {"read": "json"}}, False),
    ],
)
def test_a_file_that_its_reader_would_not_read_is_reported(
    tmp_path: Path, name: str, files: dict[str, Any], is_bounded: bool
) -> None:
    control = parse_control_file(file_of(tmp_path, changed(files=files)))
    control.check_size(name, large_file(tmp_path, LARGEST_DOCUMENT))
    larger = large_file(tmp_path, LARGEST_DOCUMENT + 1)

    if not is_bounded:
        control.check_size(name, larger)
        return
    with pytest.raises(BadInput, match="16777216 bytes"):
        control.check_size(name, larger)
