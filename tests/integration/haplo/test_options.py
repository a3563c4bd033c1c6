# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of `haplo_batch`, and what the server sees of it or the module does with it.

Each test says by `@exercises` which options it is about; the last test knows when one has none.
"""

from __future__ import annotations

import base64
import functools
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
from ..support import ABSENT, assert_plain_failure, only
from .driver import APIS, KIND, STANDARD, Haplo, assert_one_whole_batch, assert_scheduled, in_both

exercises = functools.partial(exercised.exercises, of="haplo_batch")


@pytest.fixture
def tls_haplo(tls_sandbox: Sandbox, tmp_path: Path) -> Haplo:
    """The module over TLS."""
    return Haplo(tls_sandbox, tmp_path)


# Which application, and who asks.


@exercises("url")
@pytest.mark.parametrize("spelling", ["{url}", "{url}/", "{url}///", "HTTP{rest}"])
@in_both
def test_url_is_the_base_of_what_is_asked_with_the_path_in_it(haplo: Haplo, spelling: str) -> None:
    url = haplo.sandbox.haplo_url

    assert_scheduled(haplo(url=spelling.format(url=url, rest=url[4:])), changed=True, reason="new")

    assert {request.path.rpartition("/")[0] for request in haplo.sent()} == {haplo.api.path}
    assert_scheduled(haplo(), changed=False, reason="receipt")


@exercises("target_name")
@in_both
def test_the_address_of_an_application_with_a_name_is_told_too(haplo: Haplo) -> None:
    result = haplo(target_name="research")

    assert only(result)["target"] == "research"
    assert haplo.sandbox.haplo_url in only(result)["message"]


@exercises("api_key")
@in_both
def test_the_key_is_the_password_of_the_user_haplo_in_every_request_unasked(haplo: Haplo) -> None:
    haplo()

    expected = base64.b64encode(f"haplo:{haplo.key}".encode()).decode()
    for request in haplo.sent():
        assert request.header("authorization") == f"Basic {expected}"
        assert haplo.key not in str(request)


@exercises("api_key")
def test_another_key_makes_no_other_import(haplo: Haplo) -> None:
    haplo()

    assert_scheduled(haplo(api_key="another-key-than-that"), changed=False, reason="receipt")


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


@exercises("api_path")
@in_both
def test_api_path_makes_no_other_import(haplo: Haplo) -> None:
    haplo()

    assert_scheduled(haplo(api_path="/api/elsewhere"), changed=False, reason="receipt")


# What is imported.


@exercises("control")
def test_control_is_uploaded_as_it_is(haplo: Haplo) -> None:
    haplo()

    (control,) = haplo.held.control_files
    assert control.sha256 == haplo.control_digest
    assert haplo.scheduled[0].control_sha256 == haplo.control_digest


@exercises("control_digest")
def test_control_digest_stands_for_a_control_file_that_haplo_has(haplo: Haplo) -> None:
    haplo(dry_run=True)
    before = len(haplo.sent())

    result = haplo(control=ABSENT, control_digest=haplo.control_digest)

    assert_scheduled(result, changed=True, reason="new")
    assert haplo.steps[before:] == ["batch", "file", "file", "schedule"]
    assert only(result)["source"] == haplo.control_digest
    assert_scheduled(haplo(), changed=False, reason="receipt")  # the same import by either option


@exercises("control_digest")
def test_with_control_digest_names_are_not_checked(haplo: Haplo) -> None:
    haplo(dry_run=True)
    files = [haplo.file("strangers")]

    assert_scheduled(
        haplo(control=ABSENT, control_digest=haplo.control_digest, files=files), changed=True, reason="new"
    )

    assert [batch.state for batch in haplo.scheduled] == ["dry-run", "error"]


@exercises("kind")
def test_kind_is_sent_with_the_comment_and_nothing_of_a_control_file(haplo: Haplo) -> None:
    haplo = Haplo(haplo.sandbox, haplo.folder, STANDARD)

    haplo(comment="Größe & 100 %")

    (batch,) = haplo.scheduled
    assert (batch.kind, batch.comment) == (KIND, "Größe & 100 %")
    assert haplo.sent("batch")[0].body_bytes == len(f"kind={KIND}&comment=Gr%C3%B6%C3%9Fe+%26+100+%25")
    assert "control" not in haplo.steps


@exercises("kind")
@pytest.mark.parametrize("haplo", [STANDARD], ids=["standard"], indirect=True)
def test_without_a_copy_of_the_control_file_files_are_not_checked(haplo: Haplo) -> None:
    files = [haplo.file("strangers")]

    assert_scheduled(haplo(files=files), changed=True, reason="new")

    assert [batch.state for batch in haplo.scheduled] == ["error"]


@exercises("control_copy")
@pytest.mark.parametrize("haplo", [STANDARD], ids=["standard"], indirect=True)
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
            result = haplo(check=check, files=files, **copy)
            assert_plain_failure(result)
            assert words in result["msg"]
    assert haplo.sent() == []

    assert_scheduled(haplo(**copy), changed=True, reason="new")
    assert haplo.steps == [*haplo.api.first]
    assert_one_whole_batch(haplo)


@exercises("control_copy")
@pytest.mark.parametrize("haplo", [STANDARD], ids=["standard"], indirect=True)
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


@exercises("control_copy")
@pytest.mark.parametrize("haplo", [STANDARD], ids=["standard"], indirect=True)
def test_control_copy_makes_no_other_import(haplo: Haplo) -> None:
    haplo()

    for check_files in (True, False):
        result = haplo(control_copy=str(haplo.control), check_files=check_files)
        assert_scheduled(result, changed=False, reason="receipt")


@exercises("batches", "kind")
@pytest.mark.parametrize("haplo", [STANDARD], ids=["standard"], indirect=True)
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
def test_files_arrive_under_their_names_as_they_are(haplo: Haplo) -> None:
    haplo()

    (batch,) = haplo.scheduled
    assert [(file.name, file.file_name, file.size) for file in batch.files] == [
        (file["name"], Path(file["src"]).name, Path(file["src"]).stat().st_size) for file in haplo.files
    ]


@exercises("files")
def test_equal_files_under_two_names_are_two(haplo: Haplo) -> None:
    files = [haplo.files[0], {**haplo.files[1], "src": haplo.files[0]["src"]}]

    haplo(files=files)

    assert_one_whole_batch(haplo)
    assert len({file.sha256 for file in haplo.scheduled[0].files}) == 1


@exercises("comment", "control_comment")
def test_comments_are_what_haplo_calls_the_batch_and_the_control_file(haplo: Haplo) -> None:
    texts: dict[str, Any] = {
        "comment": "Personen & Gäste: 100 % + mehr = \u201calle\u201d",
        "control_comment": "Größe\nzweite Zeile",
    }

    haplo(**texts)

    assert haplo.scheduled[0].comment == texts["comment"]
    assert [control.comments for control in haplo.held.control_files] == [(texts["control_comment"],)]


@exercises("comment", "control_comment")
def test_without_comments_the_names_of_the_files_are_told(haplo: Haplo) -> None:
    haplo()

    assert haplo.scheduled[0].comment == "people.json, guests.json"
    assert [control.comments for control in haplo.held.control_files] == [("control.json",)]


@exercises("comment", "control_comment")
def test_comments_may_be_as_long_as_a_field(haplo: Haplo) -> None:
    assert_scheduled(haplo(comment="é" * 32768, control_comment="x" * 65536), changed=True, reason="new")

    assert haplo.scheduled[0].comment == "é" * 32768


@exercises("dry_run")
@in_both
def test_only_a_dry_run_names_a_mode_and_exactly_that(haplo: Haplo) -> None:
    """Any other mode, or another spelling of it, would be a real import."""
    lengths = {}
    for dry_run in (True, False):
        haplo(dry_run=dry_run)
        lengths[dry_run] = haplo.sent("schedule")[-1].body_bytes

    assert lengths[False] == len("batch=") + 44
    assert lengths[True] == lengths[False] + len("&mode=dry-run")
    assert [batch.state for batch in haplo.scheduled] == ["dry-run", "complete"]


@exercises("feed")
@in_both
def test_feed_tells_which_imports_follow_each_other(haplo: Haplo) -> None:
    """Though the files have other names each time."""
    haplo.control = haplo.control_file("any.json", files={"DEFAULT": {"read": "json"}})
    monday, tuesday = [haplo.file("monday", "Ann")], [haplo.file("tuesday", "Bob")]

    changed = [haplo(files=files, feed="people")["changed"] for files in (monday, monday, tuesday, tuesday, monday)]
    without = [haplo(files=files)["changed"] for files in (monday, tuesday, monday)]

    assert changed == [True, False, True, False, True]
    assert without == [True, True, False]


@exercises("feed")
def test_the_same_files_in_two_feeds_are_two_imports(haplo: Haplo) -> None:
    assert [haplo(feed=feed)["changed"] for feed in ("a", "b", "a", "b")] == [True, True, False, False]


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
    neither: dict[str, Any] = {"control": ABSENT, "files": ABSENT}
    return {
        "control": {"files": files},
        "batches": {**neither, "batches": [{"control": str(haplo.control), "files": files}]},
        "directory": {**neither, "directory": str(folder)},
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
@in_both
def test_with_once_ever_nothing_is_imported_again(haplo: Haplo) -> None:
    changed = []
    for person in ("Ann", "Bob", "Ann"):
        haplo.file("people", person)
        changed.append(haplo(once="ever")["changed"])

    assert changed == [True, True, False]


@exercises("on_unknown")
@pytest.mark.parametrize("on_unknown", ["fail", "retry"])
def test_on_unknown_is_of_no_consequence_with_a_control_file(haplo: Haplo, on_unknown: str) -> None:
    haplo.fault("html", operation="schedule", when="after_work", times=3, body="<p>Back soon</p>")
    assert haplo()["state"] == "unknown"

    assert_scheduled(haplo(on_unknown=on_unknown), changed=False, reason="resumed")
    assert_one_whole_batch(haplo)


@exercises("on_unknown")
@pytest.mark.parametrize("haplo", [STANDARD], ids=["standard"], indirect=True)
@pytest.mark.parametrize(("on_unknown", "state"), [("fail", "unknown"), ("retry", "scheduled")])
def test_on_unknown_tells_whether_a_standard_batch_is_scheduled_again(
    haplo: Haplo, on_unknown: str, state: str
) -> None:
    haplo.fault("drop", operation="schedule", when="after_body")
    assert haplo()["state"] == "unknown"
    assert haplo(on_unknown=on_unknown, check=True)["state"] == ("unknown" if on_unknown == "fail" else "planned")

    result = haplo(on_unknown=on_unknown)

    assert (result["state"], result["changed"]) == (state, on_unknown == "retry")
    assert len(haplo.scheduled) == (on_unknown == "retry")


# Waiting: for another run, as the import itself cannot be waited for.


@exercises("wait", "wait_timeout", "wait_sleep", "unreachable_timeout")
def test_another_run_is_waited_for_as_long_as_wanted(haplo: Haplo) -> None:
    haplo.fault("hold", operation="file")
    other = haplo.start()
    haplo.wait_for_held("file")

    assert haplo(wait=False)["state"] == "running"
    result = haplo(wait_timeout=0.05, wait_sleep=0.01, unreachable_timeout=0)
    haplo.sandbox.release()

    assert_plain_failure(result)
    assert "0.05 s of waiting" in result["msg"]
    assert_scheduled(other.finish(), changed=True, reason="new")


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
    assert_plain_failure(result)
    assert "timed out" in result["msg"]
    assert (result["state"], result["changed"]) == ("failed", False)


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
    files = [f"{__package__}.{name}" for name in ("test_directory", "test_files", "test_outcome")]
    assert exercised.untested("haplo_batch", *files) == {"adopt", "label"}  # those have a file for all systems


def test_every_documented_key_is_returned(haplo: Haplo) -> None:
    keys = documented("haplo_batch")
    good, bad = haplo(), run_module("haplo_batch", **haplo.options(api_key="x" * 43, dry_run=True))

    assert {*good, *bad} - OF_ANSIBLE == set(keys)
    assert set(only(good)) == set(keys["imports"]["contains"])
    assert set(good["receipts"]) == set(keys["receipts"]["contains"])
