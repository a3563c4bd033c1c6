# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of `haplo_batch`, and what the server sees of it or the module does with it.

Each test says by `@exercises` which options it is about.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import trustme

from ...running import run_module
from ...sandbox.handle import Sandbox
from .. import exercised
from ..results import OF_ANSIBLE, documented
from ..support import ABSENT, assert_failed, assert_plain_failure, only
from .driver import (
    APIS,
    KIND,
    NEITHER,
    PLAIN,
    STANDARD,
    Haplo,
    assert_one_whole_batch,
    assert_scheduled,
    exercises,
    in_both,
    of_standard_batches,
    warnings,
)


@pytest.fixture
def tls_haplo(tls_sandbox: Sandbox, tmp_path: Path) -> Haplo:
    """The module over TLS."""
    return Haplo(tls_sandbox, tmp_path)


# Which application, and who asks.


@exercises("url")
@pytest.mark.parametrize("spelling", ["{url}///", "HTTP{rest}"])
@in_both
def test_url_is_the_base_of_what_is_asked_with_the_path_in_it(haplo: Haplo, spelling: str) -> None:
    url = haplo.sandbox.haplo_url

    assert_scheduled(haplo(url=spelling.format(url=url, rest=url[4:])), changed=True, reason="new")

    assert {request.path.rpartition("/")[0] for request in haplo.sent()} == {haplo.api.path}
    assert_scheduled(haplo(), changed=False, reason="receipt")


@exercises("target_name")
@in_both
def test_the_address_of_an_application_with_a_name_is_reported_too(haplo: Haplo) -> None:
    result = haplo(target_name="research")

    assert only(result)["target"] == "research"
    assert haplo.sandbox.haplo_url in only(result)["message"]


@exercises("api_path")
@in_both
@pytest.mark.parametrize("end", ["", "/"])
def test_api_path_is_where_the_steps_are(haplo: Haplo, end: str) -> None:
    (path,) = {api.path.removeprefix("/haplo") for api in APIS} - {haplo.api.path.removeprefix("/haplo")}

    result = haplo(api_path=path + end)

    assert_plain_failure(result)
    assert [request.path for request in haplo.sent()] == [
        f"/haplo{path}/{'schedule' if haplo.api is STANDARD else 'batch'}"
    ]
    assert f"{path}/" in result["msg"]


@exercises("api_key", "api_path", "control_copy")
@in_both
def test_what_is_no_part_of_a_batch_makes_no_other_import(haplo: Haplo) -> None:
    haplo()

    files = [{**file, "src": shutil.copy(file["src"], f"{file['src']}.copy")} for file in haplo.files]
    copy = shutil.copy(haplo.control, haplo.folder / "copy")
    others: list[dict[str, Any]] = [
        {"api_key": "another-key-than-that"},
        {"api_path": "/api/elsewhere"},
        {"files": files, "comment": "x"},
    ]
    if haplo.api is PLAIN:
        others += [{"control": str(copy), "control_comment": "y"}]
    else:
        others += [{"control_copy": str(copy)}, {"control_copy": str(copy), "check_files": False}]
    for other in others:
        assert_scheduled(haplo(**other), changed=False, reason="receipt")


# What is imported.


@exercises("control_digest")
def test_control_digest_stands_for_a_control_file_that_haplo_has(haplo: Haplo) -> None:
    haplo(dry_run=True)
    before = len(haplo.sent())

    result = haplo(control=ABSENT, control_digest=haplo.control_digest)

    assert_scheduled(result, changed=True, reason="new")
    assert haplo.steps[before:] == ["batch", "file", "file", "schedule"]
    assert only(result)["source"] == haplo.control_digest
    assert_scheduled(haplo(), changed=False, reason="receipt")  # the same import by either option


@exercises("control_digest", "kind")
@in_both
def test_without_the_control_file_files_are_not_checked(haplo: Haplo) -> None:
    """Nobody here knows how Haplo reads them."""
    haplo(dry_run=True)
    files = [haplo.file("strangers")]
    Path(files[0]["src"]).write_text("this is no JSON")
    digest: dict[str, Any] = {"control": ABSENT, "control_digest": haplo.control_digest} if haplo.api is PLAIN else {}

    result = haplo(files=files, **digest)

    assert_scheduled(result, changed=True, reason="new")
    assert not warnings(result)
    assert [batch.state for batch in haplo.scheduled] == ["dry-run", "error"]


@exercises("kind")
@of_standard_batches
def test_kind_is_sent_with_the_comment_and_nothing_of_a_control_file(haplo: Haplo) -> None:
    haplo(comment="Größe & 100 %")

    (batch,) = haplo.scheduled
    assert (batch.kind, batch.comment) == (KIND, "Größe & 100 %")
    assert haplo.sent("batch")[0].body_bytes == len(f"kind={KIND}&comment=Gr%C3%B6%C3%9Fe+%26+100+%25")
    assert "control" not in haplo.steps


@exercises("control_copy")
@of_standard_batches
def test_control_copy_is_what_files_are_checked_by_and_is_never_sent(haplo: Haplo) -> None:
    copy: dict[str, Any] = {"control_copy": str(haplo.control)}
    good = Path(haplo.files[0]["src"]).read_bytes()
    cases: list[tuple[bytes, list[dict[str, str]], str]] = [
        (good[:-1], haplo.files, "people.json"),
        (good, [*haplo.files, haplo.file("strangers")], "'strangers' is not in the control file"),
        (good, haplo.files[:1], "there is no file for 'guests'"),
    ]
    for content, files, words in cases:
        Path(haplo.files[0]["src"]).write_bytes(content)
        for check in (False, True):
            assert_failed(haplo(check=check, files=files, **copy), words)
    assert haplo.sent() == []

    assert_scheduled(haplo(**copy), changed=True, reason="new")
    assert haplo.steps == [*haplo.api.first]
    assert_one_whole_batch(haplo)


@exercises("control_copy")
@of_standard_batches
def test_control_copy_is_what_makes_strictness_and_trimming_possible(haplo: Haplo) -> None:
    haplo.control = haplo.control_file("tsv.json", files={"people": {"read": "tsv-with-name-row"}})
    path = haplo.folder / "people.tsv"
    path.write_text("first\tlast\nJoe\tpeople\n")
    options: dict[str, Any] = {"control_copy": str(haplo.control), "files": [{"name": "people", "src": str(path)}]}

    assert_plain_failure(haplo(strict_files=True, **options))
    assert haplo.sent() == []
    assert_scheduled(haplo(strict_files=True, trim_final_newline=True, **options), changed=True, reason="new")

    assert haplo.scheduled[0].files[0].size == path.stat().st_size - 1
    assert_one_whole_batch(haplo, ("people",))


@exercises("batches", "kind")
@of_standard_batches
def test_batches_may_be_of_several_kinds(haplo: Haplo) -> None:
    apis = [{"kind": kind, "control": json.loads(haplo.control.read_text())} for kind in ("staff", "guests")]
    haplo.sandbox.configure("haplo", standard_apis=apis)
    batches: list[dict[str, Any]] = [
        {"kind": "staff", "control_copy": str(haplo.control), "files": haplo.files},
        {"name": "visitors", "kind": "guests", "files": haplo.files[:1], "comment": "Guests"},
    ]

    result = haplo(kind=ABSENT, files=ABSENT, batches=batches)

    assert [one["source"] for one in result["imports"]] == ["staff", "visitors"]
    assert [(batch.kind, batch.comment) for batch in haplo.scheduled] == [
        ("staff", "people.json, guests.json"),
        ("guests", "Guests"),
    ]
    assert [batch.records_imported for batch in haplo.scheduled] == [2, 1]


@exercises("files")
@in_both
def test_files_arrive_one_after_the_other_under_their_names_as_they_are(haplo: Haplo) -> None:
    """And one that is there under two names is two."""
    guests, people = reversed(haplo.files)
    files = [guests, people, {**people, "name": "DEFAULT"}]
    haplo.control = haplo.control_file("control.json", files={file["name"]: {"read": "json"} for file in files})

    haplo(files=files)

    (batch,) = haplo.scheduled
    assert [(file.name, file.file_name, file.size) for file in batch.files] == [
        (file["name"], Path(file["src"]).name, Path(file["src"]).stat().st_size) for file in files
    ]
    assert_one_whole_batch(haplo, ("guests", "people", "DEFAULT"))
    assert_scheduled(haplo(files=[*reversed(files)]), changed=False, reason="receipt")


@exercises("control", "comment", "control_comment")
@pytest.mark.parametrize(
    ("comment", "control_comment"),
    [
        ("Personen & Gäste: 100 % + mehr = \u201calle\u201d", "Größe\nzweite Zeile"),
        ("é" * 32768, "x" * 65536),  # no more goes into a field
    ],
)
def test_control_file_and_comments_arrive_as_they_are(haplo: Haplo, comment: str, control_comment: str) -> None:
    haplo(comment=comment, control_comment=control_comment)

    (batch,), (control,) = haplo.scheduled, haplo.held.control_files
    assert (batch.comment, control.comments) == (comment, (control_comment,))
    assert batch.control_sha256 == control.sha256 == haplo.control_digest


@exercises("feed")
@in_both
def test_feed_tells_which_imports_follow_each_other(haplo: Haplo) -> None:
    """Though the files have other names each time."""
    haplo.control = haplo.control_file("any.json", files={"DEFAULT": {"read": "json"}})
    monday, tuesday = [haplo.file("monday", "Ann")], [haplo.file("tuesday", "Bob")]

    changed = [haplo(files=files, feed="people")["changed"] for files in (monday, monday, tuesday, tuesday, monday)]
    without = [haplo(files=files)["changed"] for files in (monday, tuesday, monday)]
    another = [haplo(files=monday, feed="others")["changed"] for _time in range(2)]

    assert changed == [True, False, True, False, True]
    assert without == [True, True, False]
    assert another == [True, False]


# Receipts.


PEOPLE = {"people": {"read": "json"}}
GUESTS = {"guests": {"read": "json"}}
OTHERS = {"DEFAULT": {"read": "json"}}
MISSING: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "one of two": ({**PEOPLE, **GUESTS}, ("people",), "'guests'"),
    "all but another": ({**PEOPLE, **GUESTS, **OTHERS}, ("gests",), "'people', 'guests'"),
    "misspelled, so that another entry takes it": ({**PEOPLE, **OTHERS}, ("peple", "people2"), "'people'"),
    "none": (PEOPLE, ("people",), ""),
    "none, and there are others": ({**PEOPLE, **OTHERS}, ("people", "gests"), ""),
    "none, as only others are named": (OTHERS, ("people",), ""),
}
"""Files that a control file names, those of a batch, and which are missing."""


def in_ways(haplo: Haplo, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The options of a batch of these files, in each way to give it."""
    folder = haplo.folder / "batch"
    folder.mkdir()
    shutil.copy(haplo.control, folder / "control.json")
    for name in names:
        shutil.copy(haplo.file(name)["src"], folder)
    files = [{"name": name, "src": str(folder / f"{name}.json")} for name in names]
    return {
        "control": {"files": files},
        "batches": {**NEITHER, "batches": [{"control": str(haplo.control), "files": files}]},
        "directory": {**NEITHER, "directory": str(folder)},
        "control_digest": {"control": ABSENT, "control_digest": haplo.control_digest, "files": files},
    }


@exercises("allow_missing_files")
@pytest.mark.parametrize("case", MISSING)
def test_half_a_batch_fails_in_each_way_to_give_it_unless_files_may_be_missing(haplo: Haplo, case: str) -> None:
    entries, names, missing = MISSING[case]
    haplo.control_file("control.json", files=entries)
    ways = in_ways(haplo, names)
    by_digest = ways.pop("control_digest")

    for way, options in ways.items():
        for check in (True, False):
            result = haplo(check=check, feed=way, **options)
            assert bool(result.get("failed")) == bool(missing), way
            assert f"there is no file for {missing};" in result["msg"] if missing else "msg" not in result
    assert bool(haplo.sent()) == (not missing)

    for way, options in ways.items():
        allowed = haplo(allow_missing_files=True, feed=way, **options)
        assert_scheduled(allowed, changed=bool(missing), reason="new" if missing else "receipt")
    assert_scheduled(haplo(feed="digest", **by_digest), changed=True, reason="new")  # as nobody can tell


@exercises("once")
def test_with_once_ever_nothing_is_imported_again(haplo: Haplo) -> None:
    changed = []
    for person in ("Ann", "Bob", "Ann"):
        haplo.file("people", person)
        changed.append(haplo(once="ever")["changed"])

    assert changed == [True, True, False]


@exercises("on_unknown")
@of_standard_batches
def test_on_unknown_says_whether_a_standard_batch_is_scheduled_again(haplo: Haplo) -> None:
    haplo.fault("drop", operation="schedule", when="after_body")
    assert haplo()["state"] == "unknown"

    for check in (True, False):
        left_alone = haplo(on_unknown="fail", check=check)
        assert (left_alone["state"], left_alone["changed"]) == ("unknown", False)
    assert haplo.scheduled == []
    assert haplo(on_unknown="retry", check=True)["state"] == "planned"
    before = len(haplo.steps)
    assert_scheduled(haplo(on_unknown="retry"), changed=True, reason="retried")
    assert haplo.steps[before:] == ["question", "schedule"]
    assert_one_whole_batch(haplo)


@exercises("wait")
def test_without_another_run_nothing_is_different_without_waiting(haplo: Haplo) -> None:
    assert_scheduled(haplo(wait=False), changed=True, reason="new")


# The connection.


@exercises("timeout", "response_timeout")
@pytest.mark.usefixtures("quick_retries")
def test_timeouts_are_kept(haplo: Haplo) -> None:
    haplo.fault("hold", operation="batch", times=None)

    result = haplo(timeout=0.1, response_timeout=0.1)

    haplo.sandbox.clear_faults()
    assert_failed(result, "timed out", state="failed", changed=False)


@exercises("client_cert", "client_key")
def test_a_certificate_of_the_client_is_read(tls_haplo: Haplo) -> None:
    cert = trustme.CA().issue_cert("client.example.com")
    cert.private_key_pem.write_to_path(tls_haplo.folder / "key.pem")
    cert.cert_chain_pems[0].write_to_path(tls_haplo.folder / "cert.pem")
    files: dict[str, Any] = {
        "client_cert": str(tls_haplo.folder / "cert.pem"),
        "client_key": str(tls_haplo.folder / "key.pem"),
    }

    assert_scheduled(tls_haplo(ca_path=str(tls_haplo.sandbox.ca_path), **files), changed=True, reason="new")


# All of them.


def test_every_option_has_a_test() -> None:
    files = [f"{__package__}.{name}" for name in ("test_directory", "test_files", "test_outcome", "test_results")]
    assert exercised.untested("haplo_batch", *files) == {"adopt", "label"}  # those have a file for all systems


def test_every_documented_key_is_returned(haplo: Haplo) -> None:
    keys = documented("haplo_batch")
    good, bad = haplo(), run_module("haplo_batch", **haplo.options(api_key="x" * 43, dry_run=True))

    assert {*good, *bad} - OF_ANSIBLE == set(keys)
    assert set(only(good)) == set(keys["imports"]["contains"])
    assert set(good["receipts"]) == set(keys["receipts"]["contains"])
