# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of `haplo_batch` that Haplo would take and not import, or import wrongly: refused, told, or left to Haplo."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files import check as file_checks

from ..support import assert_failed, assert_plain_failure, only
from .driver import Haplo, assert_scheduled, exercises, warnings

TSV = "first\tlast\nJoe\tBloggs\nAnn\tBloggs"
FILES: dict[str, tuple[str, str, str, str]] = {
    "cut off": ("people.json", '[{"first": "Joe"},\n{"fi', "refused", "line 2, column 2: It is not JSON"),
    "commas": ("visitors.tsv", "first,last\nJoe,Bloggs", "refused", "line 1: No column has a name"),
    "comment": ("staff.xml", "<!-- HR -->\n<staff/>", "refused", "line 1: There is a comment before the root"),
    "break": ("visitors.tsv", f"{TSV}\n", "warned", "line 3: The file ends in a line break"),
    "empty": ("people.json", "[]", "warned", "line 1: The list is empty"),
    "cdata": ("staff.xml", "<a><b><last><![CDATA[Q]]></last></b></a>", "warned", "line 1: Haplo leaves out"),
    "good": ("visitors.tsv", TSV, "good", ""),
}
"""A file, what comes of it, and what is told, by what is special about it."""


@pytest.fixture
def mixed(haplo: Haplo) -> Haplo:
    """The module with a control file that knows each reader, and a file of which is what."""
    readers = {"people": "json", "visitors": "tsv-with-name-row", "staff": "xml-text-of-children"}
    haplo.control = haplo.control_file("mixed.json", files={name: {"read": read} for name, read in readers.items()})
    haplo.files = []
    return haplo


def write(haplo: Haplo, name: str, text: str) -> Path:
    """Put a file there and to the batch."""
    path = haplo.folder / name
    path.write_bytes(text.encode())
    haplo.files = [*(one for one in haplo.files if one["src"] != str(path)), {"name": path.stem, "src": str(path)}]
    return path


def run(haplo: Haplo, **options: Any) -> dict[str, Any]:
    return haplo(**{"allow_missing_files": True, **options})


def refusal(result: dict[str, Any]) -> str:
    """Why the batch was not even tried."""
    assert_plain_failure(result)
    assert (result["state"], result["changed"], only(result)["attempts"]) == ("failed", False, 0)
    return str(result["msg"])


@exercises("check_files", "strict_files")
@pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
@pytest.mark.parametrize("case", FILES)
def test_a_file_is_refused_warned_of_or_sent(mixed: Haplo, case: str, check: bool) -> None:
    name, text, outcome, words = FILES[case]
    told = f"{write(mixed, name, text)}, {words}"
    strict = run(mixed, check=True, strict_files=True)

    result = run(mixed, check=check)

    if outcome == "refused":
        assert told in refusal(result)
        assert mixed.sent() == []
        assert_scheduled(run(mixed, check_files=False), changed=True, reason="new")
        return
    assert (result["state"], result["changed"]) == ("planned" if check else "scheduled", True), result.get("msg")
    assert (told if outcome == "warned" else "") in warnings(result)
    assert bool(warnings(result)) == (outcome == "warned")
    assert told in refusal(strict) if outcome == "warned" else strict["state"] == "planned"


def test_all_that_is_wrong_with_a_batch_is_reported_at_once_and_put_right_it_is_imported(mixed: Haplo) -> None:
    people = write(mixed, "people.json", '[{"first": "Joe"}')
    staff = write(mixed, "staff.xml", "<staff><person>")
    visitors = write(mixed, "visitors.tsv", f"{TSV}\n")

    result = mixed()

    for path in (people, staff):
        assert f"{path}, line 1, column" in refusal(result)
    assert f"{visitors}, line 3" in warnings(result)
    assert mixed.sent() == []
    people.write_text('[{"first": "Joe"}]')
    staff.write_text("<staff><person><first>Ann</first></person></staff>")
    visitors.write_text(TSV)
    assert_scheduled(mixed(), changed=True, reason="new")
    (batch,) = mixed.scheduled
    assert (batch.state, batch.errors, batch.records_imported) == ("complete", 0, 4)


def test_what_is_imported_or_adopted_is_not_read_again(mixed: Haplo, monkeypatch: pytest.MonkeyPatch) -> None:
    write(mixed, "visitors.tsv", f"{TSV}\n")
    assert_scheduled(run(mixed), changed=True, reason="new")
    monkeypatch.setattr(file_checks, "check_blocks", lambda _blocks, _settings: pytest.fail("it was read"))

    for options in ({}, {"check": True}, {"strict_files": True}):
        result = run(mixed, **options)
        assert_scheduled(result, changed=False, reason="receipt")
        assert not warnings(result)
    write(mixed, "visitors.tsv", f"{TSV}\nEve\tBloggs\n")
    assert_scheduled(run(mixed, adopt=True), changed=False, reason="adopted")


# Without the line break at the end.


@exercises("trim_final_newline")
def test_tsv_is_sent_without_the_line_breaks_at_its_end(mixed: Haplo) -> None:
    path = write(mixed, "visitors.tsv", f"{TSV}\r\n\n")
    write(mixed, "people.json", '[{"first": "Joe"}]\n')

    result = run(mixed, trim_final_newline=True, strict_files=True)

    assert_scheduled(result, changed=True, reason="new")
    assert only(result)["size"] == len(TSV) + len('[{"first": "Joe"}]\n')
    (batch,) = mixed.scheduled
    assert batch.files[0].sha256 == hashlib.sha256(TSV.encode()).hexdigest()
    assert (batch.errors, batch.records_imported) == (0, 3)
    assert path.read_bytes() == f"{TSV}\r\n\n".encode()
    assert_scheduled(run(mixed, trim_final_newline=True), changed=False, reason="receipt")


def test_what_is_trimmed_is_what_it_would_be_without_the_line_break(mixed: Haplo) -> None:
    path = write(mixed, "visitors.tsv", TSV)
    assert_scheduled(run(mixed), changed=True, reason="new")
    path.write_text(f"{TSV}\n")

    assert_scheduled(run(mixed, trim_final_newline=True), changed=False, reason="receipt")
    assert_scheduled(run(mixed), changed=True, reason="new")


def test_a_file_that_grows_while_its_line_break_is_left_out_is_broken_off(mixed: Haplo) -> None:
    path = write(mixed, "visitors.tsv", f"{TSV}\n")
    options: dict[str, Any] = {"trim_final_newline": True, "allow_missing_files": True}

    result = mixed.while_held("batch", lambda: path.write_text(f"{TSV}\nEve\tBloggs\n"), **options)

    assert_failed(result, f"{path} is still being written")
    assert mixed.scheduled == []


def test_the_result_is_ready_for_json_whatever_is_in_a_file(mixed: Haplo) -> None:
    write(mixed, "people.json", '[{"fi\\u001b[31mrst": 1, "fi\\u001b[31mrst": "\\ud800", "\\ud800": 1, "\\ud800": 1}]')

    told = warnings(run(mixed, check=True))

    assert "is there more than once" in told
    assert "\x1b" not in told
    json.dumps(told).encode()
