# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of every option of `haplo_batch`: a plain word about it, before anything is sent, made or written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.haplo.keys import API_KEY
from ..bad_input import Bad, assert_told_before_anything_happens, bad, options_without
from ..support import ABSENT, MIB, assert_plain_failure
from .driver import KIND, PLAIN, STANDARD, Haplo, assert_one_whole_batch, assert_scheduled

CONTROL: dict[str, Any] = {
    "dataImportControlFileVersion": 0,
    "model": "haplo:person",
    "files": {"people": {"read": "json"}, "visitors": {"read": "tsv-with-name-row"}, "xml": {"read": "xml-attributes"}},
    "instructions": [],
}


def control(**changes: Any) -> bytes:
    """A control file with some properties otherwise, or None and so not there."""
    return json.dumps({name: value for name, value in {**CONTROL, **changes}.items() if value is not None}).encode()


CONTROL_FILES = {
    "empty": b"",
    "bom": b"\xef\xbb\xbf" + control(),
    "utf-16": control().decode().encode("utf-16"),
    "text": b"Only some words.\n",
    "cut": control()[:-1],
    "array": b"[" + control() + b"]",
    "null": b"null",
    "deep": b"[" * 200_000,
    "version": control(dataImportControlFileVersion="0"),
    "model": control(model=None),
    "instructions": control(instructions=None),
    "files": control(files=None),
    "nothing": control(files={}),
    "reader": control(files={"people": {}}),
}
"""Control files that Haplo would not take, or could do nothing with, by name."""


def file(name: str = "people", src: str = "{place}/good.json", **more: Any) -> dict[str, Any]:
    """An entry of `files`."""
    return {"name": name, "src": src, **more}


def in_file(name: str, *words: str) -> Any:
    """One of the bad control files."""
    return bad("control", f"{{place}}/{name}", f"{{place}}/{name}", *words)


NEITHER = {"control": ABSENT, "files": ABSENT}
BATCH = {"control": "{place}/good-control.json", "files": [file()]}
BY_DIGEST = {"control": ABSENT, "control_digest": "5a" * 32}
BY_KIND = {"control": ABSENT, "kind": KIND}
STANDARD_BATCH = {"kind": KIND, "files": [file()]}

CASES = [
    bad("url", ABSENT, "url", "required"),
    bad("url", "", "url"),
    bad("url", "research.example.ac.uk", "url", "https://"),
    bad("url", "http://research.example.ac.uk/?x=1", "url", "query"),
    bad("url", "http://haplo:hunter22@research.example.ac.uk", "url", "user name or a password"),
    bad("api_key", ABSENT, "api_key", "required"),
    *[
        bad(option, value, option, *words)
        for option in ("api_key", "outcome_api_key")
        for value, *words in (
            ("",),
            ("abc", "shorter"),
            ("0123456789abcdef\n", "line break"),
            (" 0123456789abcdef", "space"),
            ("0123456789abcdéf",),
        )
    ],
    *[
        bad("api_path", value, "api_path")
        for value in ("", "/", "api", "//api", "/api//x", "/api?x=1", "/api/../x", "/a b", "/ä", "https://x/api")
    ],
    bad("control", ABSENT, "control, control_digest"),
    bad("control", None, "control, control_digest"),
    bad("control", "", "control"),
    bad("control", "{place}/missing.json", "control", "missing.json", "No such file"),
    bad("control", "{place}", "control", "not a regular file"),
    bad("control", "{place}/pipe", "control", "not a regular file"),
    bad("control", "{place}/a\0b"),
    bad("control", "{place}/huge", "control", "16777216 bytes"),
    bad("control", "{place}/good-control.json", "control", "mutually exclusive", control_digest="5a" * 32),
    in_file("empty", "empty"),
    in_file("bom", "byte order mark"),
    in_file("utf-16", "not in UTF-8"),
    in_file("text", "not JSON"),
    in_file("cut", "not JSON"),
    in_file("array", "not a JSON object"),
    in_file("null", "not a JSON object"),
    in_file("deep", "nested too deep"),
    in_file("version", "dataImportControlFileVersion has to be 0"),
    in_file("model", "no model"),
    in_file("instructions", "no instructions"),
    in_file("files", "no files"),
    bad("control", "{place}/nothing", "names none"),
    in_file("reader", "'people' does not say how to read it"),
    *[
        bad("control_digest", value, "control_digest", control=ABSENT)
        for value in ("", "5a", "5A" * 32, "5a" * 32 + "\n", "zz" * 32, "5a" * 33)
    ],
    *[
        bad("kind", value, "kind", control=ABSENT)
        for value in ("", "  ", "a\nb", "example-standard-api\n", "a\tb", "a\x01b", "x" * 65537)
    ],
    bad("kind", KIND, "kind", "mutually exclusive"),
    bad("kind", KIND, "kind", "mutually exclusive", **BY_DIGEST),
    bad("kind", KIND, "kind", "mutually exclusive", directory="{place}", **NEITHER),
    bad("kind", KIND, "files", control=ABSENT, files=ABSENT),
    bad("kind", None, "control, control_digest, kind", control=ABSENT),
    bad("control_copy", "{place}/good-control.json", "kind"),
    bad("control_copy", "{place}/good-control.json", "kind", **BY_DIGEST),
    bad("control_copy", "{place}/good-control.json", "kind", directory="{place}", **NEITHER),
    bad("control_copy", "", "control_copy", **BY_KIND),
    bad("control_copy", "{place}/missing.json", "control_copy cannot be", "missing.json", "No such file", **BY_KIND),
    bad("control_copy", "{place}/bom", "control_copy: {place}/bom is no control file", "byte order mark", **BY_KIND),
    bad("control_copy", "{place}/huge", "control_copy: {place}/huge has more", "16777216 bytes", **BY_KIND),
    bad("files", ABSENT, "files", "required"),
    bad("files", [], "files is an empty list"),
    bad("files", [], "files is an empty list", **BY_DIGEST),
    bad("files", [], "files is an empty list", **BY_KIND),
    bad("files", [file(), file()], "'people' is there 2 times", **BY_KIND),
    bad("files", [file(src="{place}/empty")], "files", "empty", **BY_KIND),
    bad("files", [file(src="{place}/missing.json")], "missing.json", "No such file", **BY_KIND),
    bad("files", "people", "dictionary"),
    bad("files", [{"name": "people"}], "src"),
    bad("files", [{"src": "{place}/good.json"}], "name"),
    bad("files", [file(path="x")], "path"),
    bad("files", [file(name="")], "name", "empty"),
    bad("files", [file(name="  ")], "name", "empty"),
    bad("files", [file(name="x" * 65537)], "name", "65537 bytes"),
    bad("files", [file(name="a\x01b")], "name"),
    bad("files", [file(name="x" * 65537)], "name", "65537 bytes", **BY_DIGEST),
    bad("files", [file(name="People")], "'People' is not in the control file", "people, visitors, xml"),
    bad("files", [file(), file(name="others")], "'others' is not in the control file"),
    bad("files", [file(), file()], "'people' is there 2 times"),
    bad("files", [file(), file(src="{place}/other.json")], "'people' is there 2 times", **BY_DIGEST),
    bad("files", [file(src="")], "files"),
    bad("files", [file(src="{place}/missing.json")], "files", "missing.json", "No such file"),
    bad("files", [file(src="{place}/empty")], "files", "empty"),
    bad("files", [file(src="{place}")], "files", "not a regular file"),
    bad("files", [file(src="{place}/pipe")], "files", "not a regular file"),
    bad("files", [file(src="{place}/missing.json")], "missing.json", "No such file", **BY_DIGEST),
    bad("files", [file(src="{place}/huge")], "{place}/huge", "16777216 bytes", "Split it"),
    bad("files", [file(), file(name="visitors", src="{place}/huge")], "{place}/huge", "16777216 bytes"),
    bad("directory", "", "directory is empty", **NEITHER),
    bad("directory", "{place}/missing", "{place}/missing", "No such file", **NEITHER),
    bad("directory", "{place}", "mutually exclusive"),
    bad("control_name", "", "control_name", directory="{place}", **NEITHER),
    bad("control_name", "..", "control_name", directory="{place}", **NEITHER),
    bad("control_name", "x/control.json", "control_name", directory="{place}", **NEITHER),
    bad("allow_missing_files", "perhaps", "allow_missing_files"),
    bad("allow_missing_files", False, "names 'people', 'visitors', 'xml'", "no file for 'visitors', 'xml'", "'people'"),
    *[
        bad("allow_errors", value, "allow_errors", "a number of errors")
        for value in ("-1", "1.5", "some", "", ["1"], {"errors": 1})
    ],
    bad("check_files", "perhaps", "check_files"),
    bad("strict_files", "perhaps", "strict_files"),
    bad("strict_files", True, "check_files is false", check_files=False),
    bad("strict_files", True, "strict_files needs the control file", **BY_DIGEST),
    bad("strict_files", True, "strict_files needs the control file", "a copy of it with control_copy", **BY_KIND),
    bad("trim_final_newline", "perhaps", "trim_final_newline"),
    bad("trim_final_newline", True, "trim_final_newline needs", "a copy of it with control_copy", **BY_KIND),
    bad("trim_final_newline", True, "trim_final_newline needs the control file", **BY_DIGEST),
    bad("trim_final_newline", True, "nothing in it but line breaks", files=[file("visitors", "{place}/breaks")]),
    bad("batches", [BATCH], "mutually exclusive"),
    bad("batches", [STANDARD_BATCH, BATCH], "some have kind, and others control", "key of its own", **NEITHER),
    bad("batches", [{**STANDARD_BATCH, "kind": None}], "control, control_digest, kind", **NEITHER),
    bad("batches", [{**STANDARD_BATCH, "kind": "a\nb"}], "batches[0]: kind holds a line break", **NEITHER),
    bad("batches", [{**BATCH, "kind": KIND}], "mutually exclusive", **NEITHER),
    bad("batches", [{**BATCH, "control_copy": "{place}/good-control.json"}], "kind", **NEITHER),
    bad("batches", [STANDARD_BATCH], "control_copy", control_copy="{place}/good-control.json", **NEITHER),
    bad("batches", [{**STANDARD_BATCH, "control_comment": "x"}], "of no use with kind", **NEITHER),
    bad("batches", "people", "dictionary", **NEITHER),
    bad("batches", [{**BATCH, "control": None}], "control, control_digest", **NEITHER),
    bad("batches", [BATCH, {**BATCH, "comment": " "}], "batches[1]: comment is empty", **NEITHER),
    bad("batches", [{**BATCH, "files": []}], "batches[0]: files is an empty list", **NEITHER),
    bad("batches", [{**BATCH, "files": [file(), file()]}], "batches[0]: files: 'people' is there 2 times", **NEITHER),
    bad("require_batches", "perhaps", "require_batches"),
    *[
        bad(text, value, text)
        for text in ("comment", "control_comment", "feed")
        for value in ("", "  ", "x" * 65537, "é" * 32769, "a\x01b", "a\rb")
    ],
    bad("control_comment", "x", "control_comment", "control_digest", **BY_DIGEST),
    bad("control_comment", "x", "control_comment is of no use with kind", **BY_KIND),
    bad("dry_run", "dry-run", "dry_run"),
    bad("dry_run", "perhaps", "dry_run"),
    bad("ca_path", "{place}/missing.pem", "ca_path", "missing.pem"),
    bad("client_cert", "{place}/text", "client_cert", url="https://127.0.0.1:9"),
    bad("client_key", "{place}/text", "client_key", "client_cert"),
    *[bad(name, "perhaps", name) for name in ("validate_certs", "use_proxy", "wait", "force", "require_receipts")],
    *[
        bad(name, value, name)
        for name in ("timeout", "response_timeout", "wait_timeout", "wait_sleep", "unreachable_timeout", "progress")
        for value in (-1, "nan", "soon")
    ],
    bad("once", "never", "once"),
    bad("on_unknown", "ignore", "on_unknown"),
    bad("target_name", "", "target_name"),
    bad("label", " ", "label is empty"),
    bad("adopt", True, "adopt sends nothing", force=True),
    bad("receipts", "receipts.db", "receipts.db", "absolute"),
    bad("receipts", "{place}", "receipt", "{place}"),
    bad("receipts_password", "abc", "receipts_password", receipts="postgresql://127.0.0.1:9/assets"),
    bad("receipts_password", "s3cret", "receipts_password", "not the URL"),
    bad("require_receipts", True, "require_receipts", "{place}/none-yet.db", receipts="{place}/none-yet.db"),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with good files and bad ones."""
    folder = tmp_path / "place"
    folder.mkdir()
    for name, content in CONTROL_FILES.items():
        (folder / name).write_bytes(content)
    (folder / "good-control.json").write_bytes(control())
    (folder / "good.json").write_text("[]")
    (folder / "other.json").write_text("[1]")
    (folder / "breaks").write_text("\r\n\n")
    with (folder / "huge").open("wb") as huge:
        huge.truncate(16 * MIB + 1)
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize("check", [False, True], ids=["for real", "in check mode"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("place")
def test_bad_input_is_told_before_anything_happens(haplo: Haplo, case: Bad, check: bool) -> None:
    good = {"control": "{place}/good-control.json", "files": [file()], "allow_missing_files": True}
    assert_told_before_anything_happens(case, haplo, haplo.sandbox, haplo.folder, check=check, **good)


def test_every_option_has_bad_input_in_this_file() -> None:
    assert options_without("haplo_batch", *CASES) == set()


@pytest.mark.parametrize("key", [f"{API_KEY}\n", f" {API_KEY}", f"{API_KEY}\r\nX-Evil: 1"])
def test_a_bad_key_is_not_repeated(haplo: Haplo, key: str) -> None:
    assert API_KEY not in haplo.output(api_key=key)


def test_options_that_there_are_not_are_told(haplo: Haplo) -> None:
    result = haplo(mode="dry-run")

    assert_plain_failure(result)
    assert "Unsupported parameters" in result["msg"]
    assert haplo.sent() == []


def test_without_a_control_file_large_files_are_left_to_haplo(haplo: Haplo, place: Path) -> None:
    """Nobody here knows how they are read."""
    haplo(dry_run=True)
    files = [file(src=str(place / "huge"))]

    result = haplo(control=ABSENT, control_digest=haplo.control_digest, files=files)

    assert_scheduled(result, changed=True, reason="new")


def test_what_has_no_limit_is_not_limited(haplo: Haplo, place: Path) -> None:
    haplo.control = haplo.control_file("xml.json", files={"xml": {"read": "xml-attributes"}})
    (place / "huge").write_bytes(b'<people><person first="Joe"/>%s</people>' % (b" " * 16 * MIB))

    result = haplo(files=[file("xml", str(place / "huge"))])

    assert_scheduled(result, changed=True, reason="new")
    assert haplo.scheduled[0].files[0].size > 16 * MIB


def test_files_that_are_not_checked_have_no_limit(haplo: Haplo, place: Path) -> None:
    """A newer Haplo may read larger ones."""
    files = [file(src=str(place / "huge"))]

    assert_scheduled(haplo(files=files, check_files=False, allow_missing_files=True), changed=True, reason="new")


def test_a_path_may_begin_with_the_home(haplo: Haplo) -> None:
    files = [{**file, "src": f"~/{Path(file['src']).name}"} for file in haplo.files]
    for path in (haplo.control, *(Path(file["src"]) for file in haplo.files)):
        (Path.home() / path.name).write_bytes(path.read_bytes())

    result = haplo(control="~/control.json", files=files)

    assert_scheduled(result, changed=True, reason="new")


# What changes on the way.


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "shorter": (lambda before: before[:-1], "became shorter"),
    "other": (lambda before: before[:-1] + b" ", "is still being written: it changed"),
    "longer": (lambda before: before + b" ", "is still being written: it grew"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("haplo", "which"),
    [(PLAIN, "control"), (PLAIN, "file"), (STANDARD, "file")],
    ids=["control", "file", "file of a standard batch"],
    indirect=["haplo"],
)
def test_a_file_that_changes_while_it_is_sent_is_broken_off(haplo: Haplo, which: str, change: str) -> None:
    """The next run takes it as it is then."""
    path = haplo.control if which == "control" else Path(haplo.files[1]["src"])
    haplo.fault("hold", operation="batch")
    module = haplo.start()
    haplo.wait_for_held("batch")
    original = path.read_bytes()
    changed, reason = CHANGES[change]
    path.write_bytes(changed(original))

    haplo.sandbox.release()
    result = module.finish()

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    assert f"{path} {reason}" in result["msg"]
    assert not haplo.sent("control" if which == "control" else "file")[-1].complete
    path.write_bytes(original)
    assert_scheduled(haplo(), changed=True, reason="retried")
    assert_one_whole_batch(haplo)
