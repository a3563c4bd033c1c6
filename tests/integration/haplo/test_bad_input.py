# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of every option of `haplo_batch`: a plain word about it, before anything is sent, made or written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..bad_input import Bad, assert_told_before_anything_happens, bad, options_without
from ..support import ABSENT, MIB, assert_failed
from .driver import KIND, NEITHER, PLAIN, STANDARD, Haplo, assert_one_whole_batch, assert_scheduled

CONTROL: dict[str, Any] = {
    "dataImportControlFileVersion": 0,
    "model": "haplo:person",
    "files": {"people": {"read": "json"}, "visitors": {"read": "tsv-with-name-row"}, "xml": {"read": "xml-attributes"}},
    "instructions": [],
}


def control(**changes: Any) -> bytes:
    """A control file with some properties otherwise, or None and so not there."""
    return json.dumps({name: value for name, value in {**CONTROL, **changes}.items() if value is not None}).encode()


def file(name: str = "people", src: str = "{place}/good.json", **more: Any) -> dict[str, Any]:
    """An entry of `files`."""
    return {"name": name, "src": src, **more}


BATCH = {"control": "{place}/good-control.json", "files": [file()]}
BY_DIGEST = {"control": ABSENT, "control_digest": "5a" * 32}
BY_KIND = {"control": ABSENT, "kind": KIND}
STANDARD_BATCH = {"kind": KIND, "files": [file()]}

CASES = [
    bad("mode", "dry-run", "Unsupported parameters", "mode"),
    bad("url", ABSENT, "url", "required"),
    bad("url", "", "url"),
    bad("url", "research.example.ac.uk", "url", "https://"),
    bad("url", "http://research.example.ac.uk/?x=1", "url", "query"),
    bad("url", "http://haplo:hunter22@research.example.ac.uk", "url", "user name or a password"),
    bad("api_key", ABSENT, "api_key", "required"),
    bad("api_key", "", "api_key"),
    bad("api_key", "0123456789abcdef\n", "api_key", "line break"),
    bad("api_key", "0123456789abcdef\r\nX-Evil: 1", "api_key", "line break"),
    bad("api_key", " 0123456789abcdef", "api_key", "space"),
    bad("api_key", "0123456789abcdéf", "api_key"),
    *[bad(option, "abc", option, "shorter") for option in ("api_key", "outcome_api_key")],
    *[
        bad("api_path", value, "api_path")
        for value in ("", "/", "api", "/api//x", "/api?x=1", "/api/../x", "/a b", "/ä")
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
    bad("control", "{place}/bom", "{place}/bom", "byte order mark"),
    bad("control", "{place}/empty", "{place}/empty", "empty"),
    bad("control", "{place}/nothing", "names none"),
    *[
        bad("control_digest", value, "control_digest", control=ABSENT)
        for value in ("", "5A" * 32, "5a" * 32 + "\n", "5a" * 33)
    ],
    *[bad("kind", value, "kind", control=ABSENT) for value in ("", "a\nb", "x" * 65537)],
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
    bad("files", ABSENT, "files", "required"),
    bad("files", [], "files is an empty list"),
    bad("files", [file(src="{place}/empty")], "files", "empty", **BY_KIND),
    bad("files", "people", "dictionary"),
    bad("files", [{"name": "people"}], "src"),
    bad("files", [{"src": "{place}/good.json"}], "name"),
    bad("files", [file(path="x")], "path"),
    bad("files", [file(name="")], "name", "empty"),
    bad("files", [file(name="x" * 65537)], "name", "65537 bytes"),
    bad("files", [file(name="a\x01b")], "name"),
    bad("files", [file(name="People")], "'People' is not in the control file", "people, visitors, xml"),
    bad("files", [file(), file(name="others")], "'others' is not in the control file"),
    bad("files", [file(), file(src="{place}/other.json")], "'people' is there 2 times", **BY_DIGEST),
    bad("files", [file(src="")], "files"),
    bad("files", [file(src="{place}/missing.json")], "files", "missing.json", "No such file"),
    bad("files", [file(src="{place}/empty")], "files", "empty"),
    bad("files", [file(src="{place}")], "files", "not a regular file"),
    bad("files", [file(src="{place}/pipe")], "files", "not a regular file"),
    bad("files", [file(src="{place}/huge")], "{place}/huge", "16777216 bytes", "Split it"),
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
        for value in ("  ", "é" * 32769, "a\rb")
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
        for value in (-1, "nan")
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
    (folder / "empty").touch()
    (folder / "bom").write_bytes(b"\xef\xbb\xbf" + control())
    (folder / "nothing").write_bytes(control(files={}))
    (folder / "good-control.json").write_bytes(control())
    (folder / "good.json").write_text("[]")
    (folder / "other.json").write_text("[1]")
    (folder / "breaks").write_text("\r\n\n")
    with (folder / "huge").open("wb") as huge:
        huge.truncate(16 * MIB + 1)
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("place")
def test_bad_input_is_reported_before_anything_happens(haplo: Haplo, case: Bad) -> None:
    good = {"control": "{place}/good-control.json", "files": [file()], "allow_missing_files": True}
    for check in (False, True):
        assert_told_before_anything_happens(case, haplo, haplo.sandbox, haplo.folder, check=check, **good)


def test_every_option_has_bad_input_in_this_file() -> None:
    assert options_without("haplo_batch", *CASES) == set()


def test_what_has_no_limit_is_not_limited(haplo: Haplo, place: Path) -> None:
    haplo.control = haplo.control_file("xml.json", files={"xml": {"read": "xml-attributes"}})
    (place / "huge").write_bytes(b'<people><person first="Joe"/>%s</people>' % (b" " * 16 * MIB))

    assert_scheduled(haplo(files=[file("xml", str(place / "huge"))]), changed=True, reason="new")
    assert haplo.scheduled[0].files[0].size > 16 * MIB


def test_a_path_may_begin_with_the_home(haplo: Haplo) -> None:
    files = [{**file, "src": f"~/{Path(file['src']).name}"} for file in haplo.files]
    for path in (haplo.control, *(Path(file["src"]) for file in haplo.files)):
        (Path.home() / path.name).write_bytes(path.read_bytes())

    assert_scheduled(haplo(control="~/control.json", files=files), changed=True, reason="new")


# What changes on the way.


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "shorter": (lambda before: before[:-1], "became shorter"),
    "other": (lambda before: before[:-1] + b" ", "is still being written: it changed"),
    "longer": (lambda before: before + b" ", "is still being written: it grew"),
}


@pytest.mark.parametrize(
    ("haplo", "which", "change"),
    [*((PLAIN, "control", change) for change in CHANGES), (PLAIN, "file", "longer"), (STANDARD, "file", "other")],
    ids=[*CHANGES, "file", "file of a standard batch"],
    indirect=["haplo"],
)
def test_a_file_that_changes_while_it_is_sent_is_broken_off(haplo: Haplo, which: str, change: str) -> None:
    """The next run takes it as it is then."""
    path = haplo.control if which == "control" else Path(haplo.files[1]["src"])
    original = path.read_bytes()
    changed, reason = CHANGES[change]

    result = haplo.while_held("batch", lambda: path.write_bytes(changed(original)))

    assert_failed(result, f"{path} {reason}", state="failed", changed=False)
    assert not haplo.sent("control" if which == "control" else "file")[-1].complete
    path.write_bytes(original)
    assert_scheduled(haplo(), changed=True, reason="retried")
    assert_one_whole_batch(haplo)
