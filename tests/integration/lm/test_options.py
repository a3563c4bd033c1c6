# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of `lm_import`, and what the server sees of it or the module does with it.

The options that all importing modules share are tested with License Statistics; here is what they are to this one. Each
test says by `@exercises` which options it is about; the last test knows when one has none.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any
from urllib.parse import quote

import pytest

from ...running import ROOT
from ...sandbox.lm.archives import AssetRow
from ...sandbox.lm.asset_archives import DEMO
from ...sandbox.lm.credentials import (
    IMPORTER_PASSWORD,
    IMPORTER_USER,
    SUPPORT_USER,
    VIEWER_PASSWORD,
    VIEWER_USER,
)
from .. import exercised
from ..support import ABSENT, MIB, assert_ended_well, assert_plain_failure, only
from .driver import LIBRARY, Lm

exercises = functools.partial(exercised.exercises, of="lm_import")
OF_ALL_IMPORTERS = {
    *("client_cert", "client_key", "timeout", "use_proxy", "response_timeout"),
    *("receipts", "receipts_password", "require_receipts", "progress"),
    *("adopt", "label"),
}
"""What a system can make no different, tested with License Statistics or over all systems."""

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
URL = f"http://acme.com/imports/{DEMO}"


def sent(lm: Lm, library: str = LIBRARY) -> dict[str, Any]:
    """The JSON of the last import, as the server received it."""
    return lm.sandbox.lm().libraries[library].runs[-1].parameters


# Which library, and who asks.


@exercises("url", "library", "function_name")
@pytest.mark.parametrize(
    ("library", "function"), [(LIBRARY, ABSENT), ("Service Catalog", "importutils"), ("Bücherei", "assetimport")]
)
def test_library_and_function_are_segments_of_the_path(lm: Lm, library: str, function: Any) -> None:
    result = lm(ARCHIVE, library=library, function_name=function)

    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["target"] == f"{lm.sandbox.lm_url} library {library}"
    assert len(lm.sandbox.lm().libraries[library].assets) == 12
    assert_ended_well(lm(ARCHIVE, library=library, function=function), changed=False, reason="receipt")
    assert quote(library) in lm.asked("import")[0].path


@exercises("username", "password")
def test_credentials_are_sent_from_the_first_request_on(lm: Lm) -> None:
    assert_ended_well(lm(ARCHIVE, username=IMPORTER_USER, password=IMPORTER_PASSWORD), changed=True, reason="new")

    assert all((request.header("authorization") or "").startswith("Basic ") for request in lm.sandbox.requests())
    assert lm.sandbox.lm().libraries[LIBRARY].runs[0].user == IMPORTER_USER


@exercises("username", "password", "library")
def test_without_credentials_none_are_sent(lm: Lm) -> None:
    result = lm(ARCHIVE, library="Open", username=ABSENT, password=ABSENT)

    assert_ended_well(result, changed=True, reason="new")
    assert all(request.header("authorization") is None for request in lm.sandbox.requests())


@exercises("username", "password", "import_user")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"password": "not-the-password"}, "Authentication required"),
        ({"username": ABSENT, "password": ABSENT}, "Authentication required"),
        ({"username": VIEWER_USER, "password": VIEWER_PASSWORD}, "ACE role"),
        ({"import_user": VIEWER_USER}, "ACE role"),
    ],
    ids=str,
)
def test_who_may_not_import_is_reported_in_the_words_of_the_server(lm: Lm, options: dict[str, Any], words: str) -> None:
    result = lm(ARCHIVE, **options)

    assert_plain_failure(result)
    assert (result["state"], result["changed"], result["http_status"]) == ("failed", False, 401)
    assert words in result["msg"]
    was_tried = "ACE" in words  # who is not known at all is turned down by the first question
    assert_ended_well(lm(ARCHIVE), changed=True, reason="retried" if was_tried else "new")


# What is sent.


@exercises("src")
@pytest.mark.parametrize("looked_at", ["name", "filename", "content_id"])
def test_src_is_sent_byte_by_byte_and_found_however_the_server_looks_for_it(lm: Lm, looked_at: str) -> None:
    lm.sandbox.configure("lm", part_named_by=looked_at)

    result = lm(ARCHIVE)

    (run,) = lm.held.runs
    assert (run.source, run.size, run.by_url) == (DEMO, ARCHIVE.stat().st_size, False)
    assert run.sha256 == only(result)["content_sha256"] == hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
    assert run.parameters == {"importFile": {"name": DEMO}}
    (request,) = lm.asked("import")
    assert (request.header("content-type") or "").startswith("multipart/mixed; boundary=")
    assert request.header("content-length") == str(request.body_bytes)
    assert len(lm.held.assets) == 12


@exercises("src")
@pytest.mark.parametrize("name", ["Bücher & mehr.zip", 'a "b" <c>.zip', "日本語.zip", "two\nlines.zip"])
def test_src_may_have_any_name(lm: Lm, name: str) -> None:
    archive = lm.archive(name)

    assert_ended_well(lm(archive), changed=True, reason="new")
    assert lm.held.runs[0].source.isascii()


@exercises("src")
def test_a_large_src_is_sent_whole(lm: Lm) -> None:
    lm.sandbox.configure("lm", accepts_anything=True)
    archive = lm.write("large.zip", bytes(range(256)) * 4 * 1024 * 5 + b"\r\n--\r\n")

    assert_ended_well(lm(archive), changed=True, reason="new")

    (run,) = lm.held.runs
    assert run.size > 5 * MIB
    assert run.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()


@exercises("import_url")
def test_import_url_is_sent_as_json(lm: Lm) -> None:
    result = lm(import_url=URL)

    assert_ended_well(result, changed=True, reason="new")
    assert sent(lm) == {"importFile": {"url": URL}}
    assert lm.asked("import")[0].header("content-type") == "application/json"
    entry = only(result)
    assert (entry["source"], entry["size"], entry["content_sha256"]) == (URL, None, None)
    again = lm(import_url=URL)
    assert_ended_well(again, changed=False, reason="receipt")
    assert "imported once" in only(again)["message"]
    assert "warnings" not in again


@exercises("import_url")
def test_a_url_is_sent_with_what_is_kept_out_of_everything_else(lm: Lm) -> None:
    url = "http://jdoe:hunter22@acme.com/a.zip?token=hunter33&n=1"
    lm.publish(url, ARCHIVE)

    outputs = [lm.output(import_url=url, diff=True), lm.output(import_url=url, diff=True)]

    assert sent(lm)["importFile"]["url"] == url
    assert len(lm.asked("import")) == 1
    assert '"source": "http://acme.com/a.zip"' in outputs[0]
    assert not any("hunter" in output for output in outputs)
    assert not any(b"hunter" in path.read_bytes() for path in lm.store.parent.iterdir())


@exercises("import_url")
@pytest.mark.parametrize("url", ["http://acme.com/a.zip?version=spring", "http://hunter22@acme.com/a.zip"])
def test_a_url_of_which_a_part_does_not_count_is_warned_of_each_time(lm: Lm, url: str) -> None:
    other = url.replace("spring", "autumn").replace("22@", "33@")
    for address in (url, other):
        lm.publish(address, ARCHIVE)

    told = [lm(import_url=url, check=True), lm(import_url=url), lm(import_url=other), lm(import_url=other, check=True)]

    assert [one["changed"] for one in told] == [True, True, False, False]
    for one in told:
        assert len([warning for warning in one["warnings"] if "import_version" in str(warning)]) == 1
        assert "Set import_version" in only(one)["message"]
        assert not any(part in str(one) for part in ("hunter", "spring", "autumn"))


@exercises("import_version")
def test_a_version_tells_urls_apart_and_is_not_warned_of(lm: Lm) -> None:
    for version in ("1.0", "2.0"):
        url = f"http://acme.com/a.zip?version={version}"
        lm.publish(url, ARCHIVE)
        result = lm(import_url=url, import_version=version)
        assert_ended_well(result, changed=True, reason="new")
        assert "import_version" not in str(result.get("warnings")) + only(result)["message"]


@exercises("import_url")
def test_a_url_that_cannot_be_reached_is_reported_in_the_words_of_the_server(lm: Lm) -> None:
    for status in (400, 500):
        lm.sandbox.configure("lm", bad_archive_status=status)
        result = lm(import_url="http://acme.com/none.zip")
        assert_plain_failure(result)
        assert (result["state"], result["changed"], result["http_status"]) == ("failed", False, status)
        assert "cannot be reached" in result["msg"]


@exercises("import_version")
def test_import_version_stands_for_what_is_behind_a_url(lm: Lm) -> None:
    for version in ("1", "2"):
        assert_ended_well(lm(import_url=URL, import_version=version), changed=True, reason="new")
        assert_ended_well(lm(import_url=URL, import_version=version), changed=False, reason="receipt")
    assert_ended_well(lm(import_url=URL, import_version="1"), changed=True, reason="new")  # back to an earlier state


PROPERTIES: list[tuple[str, Any, str]] = [
    ("import_user", SUPPORT_USER, "user"),
    ("concurrent_thread", 1, "concurrentThread"),
    ("load_factor", 10, "loadFactor"),
    ("attribute_delimiter", "|", "attributeDelimiter"),
    ("attribute_value_delimiter", "^", "attributeValueDelimiter"),
    ("thread_sleep", 250, "threadSleep"),
    ("replace", True, "replace"),
    ("replace", False, "replace"),
    ("email_results", False, "emailResults"),
    ("ignore_asset_id", True, "ignoreAssetId"),
    ("bypass_governance", True, "bypassGovernance"),
    ("validate_import", True, "validate"),
    ("submission_note", "Grüße", "submissionNote"),
    ("submit", True, "submit"),
]
TUNING = {"import_user", "concurrent_thread", "load_factor", "thread_sleep", "email_results", "submission_note"}


@exercises(*(option for option, _value, _property in PROPERTIES))
@pytest.mark.parametrize(("option", "value", "name"), PROPERTIES)
def test_a_property_is_sent_if_it_is_set_and_only_some_make_it_another_import(
    lm: Lm, option: str, value: Any, name: str
) -> None:
    given: dict[str, Any] = {option: value}
    assert_ended_well(lm(ARCHIVE, **given), changed=True, reason="new")
    assert sent(lm) == {"importFile": {"name": DEMO}, name: value}
    assert only(lm(ARCHIVE, check=True))["reason"] == ("receipt" if option in TUNING else "new")


@exercises("attribute_delimiter", "attribute_value_delimiter")
def test_delimiters_are_those_of_the_archive(lm: Lm) -> None:
    row = AssetRow("Order API", "1.0", "", "a|b", {"domain": ["sales", "logistics"]})
    archive = lm.archive_of(row, delimiters=("\t", ";"))

    result = lm(archive, attribute_delimiter="\t", attribute_value_delimiter=";")

    assert_ended_well(result, changed=True, reason="new")
    (asset,) = lm.held.assets
    assert (asset.description, asset.attributes) == ("a|b", {"domain": ["sales", "logistics"]})


@exercises("import_user")
def test_the_alias_user_names_in_whose_name_assets_are_made(lm: Lm) -> None:
    assert_ended_well(lm(ARCHIVE, user=SUPPORT_USER, validate=True), changed=True, reason="new")
    assert lm.held.runs[0].user == SUPPORT_USER
    assert sent(lm)["validate"] is True


@exercises("submit")
def test_what_is_not_submitted_is_scheduled_and_not_waited_for(lm: Lm) -> None:
    lm.sandbox.clock(speed=0)

    result = lm(ARCHIVE, submit=False)

    assert "failed" not in result
    assert (result["state"], result["changed"]) == ("scheduled", True)
    assert "submit is false" in only(result)["message"]
    assert lm.asked("status") == []
    again = lm(ARCHIVE, submit=False)
    assert (again["state"], again["changed"], only(again)["reason"]) == ("scheduled", False, "receipt")


# Waiting, and what is good enough.


@exercises("wait", "wait_timeout", "wait_sleep")
def test_what_is_not_waited_for_is_looked_at_by_the_next_run(lm: Lm) -> None:
    lm.sandbox.clock(speed=0)
    submitted = lm(ARCHIVE, wait=False)
    assert (submitted["state"], submitted["changed"]) == ("submitted", True)
    running = lm(ARCHIVE, wait_timeout=0.1)
    assert_plain_failure(running)
    assert (running["state"], running["changed"]) == ("running", False)
    assert only(running)["remote_id"] in running["msg"]
    lm.sandbox.clock(step=60)

    assert_ended_well(lm(ARCHIVE), changed=False, reason="resumed")
    assert len(lm.asked("import")) == 1


@exercises("settle_time", "allow_unpublished")
def test_a_count_that_stands_still_is_a_failure_unless_that_is_allowed(lm: Lm) -> None:
    lm.sandbox.configure("lm", governed=2)

    first = lm(ARCHIVE)
    assert_plain_failure(first)
    assert (first["state"], first["changed"]) == ("incomplete", True)
    assert "2 assets are not published" in first["msg"]

    looks = len(lm.asked("status"))
    allowed = lm(ARCHIVE, allow_unpublished=True)
    assert "failed" not in allowed
    assert (allowed["state"], allowed["changed"], only(allowed)["reason"]) == ("incomplete", False, "resumed")
    assert len(lm.asked("status")) == looks + 1, "it had stood still for long enough already"
    assert lm(ARCHIVE)["failed"]

    lm.sandbox.configure("lm", approve=True)
    assert_ended_well(lm(ARCHIVE), changed=False, reason="resumed")
    assert_ended_well(lm(ARCHIVE), changed=False, reason="receipt")
    assert len(lm.asked("import")) == 1


@exercises("settle_time")
def test_settle_time_is_how_long_it_has_to_stand_still(lm: Lm) -> None:
    lm.sandbox.configure("lm", governed=1)

    running = lm(ARCHIVE, settle_time=60, wait_timeout=0.5)
    assert (running["state"], running["changed"]) == ("running", True)
    assert lm(ARCHIVE, settle_time=0)["state"] == "incomplete"


@exercises("allow_parsing_errors")
def test_rows_that_do_not_parse_are_a_failure_unless_that_is_allowed(lm: Lm) -> None:
    archive = lm.archive(assets=3, bad=2)

    first = lm(archive)
    assert_plain_failure(first)
    assert (first["state"], first["changed"]) == ("incomplete", True)
    assert "2 rows did not parse" in first["msg"]
    assert "Broken 2 2.0 (broken-2): " in first["msg"]

    allowed = lm(archive, allow_parsing_errors=True)
    assert "failed" not in allowed
    assert (allowed["state"], allowed["changed"], only(allowed)["reason"]) == ("incomplete", False, "resumed")
    assert "2 rows did not parse" in only(allowed)["message"]
    assert lm(archive)["failed"]
    assert len(lm.held.runs) == 1
    assert len(lm.held.assets) == 3


@exercises("allow_parsing_errors", "submit")
def test_rows_that_do_not_parse_count_without_submission_too(lm: Lm) -> None:
    archive = lm.archive(assets=3, bad=1)
    for allowed in (False, True, False):
        result = lm(archive, submit=False, allow_parsing_errors=allowed)
        assert result["state"] == "incomplete"
        assert bool(result.get("failed")) != allowed
    assert len(lm.held.runs) == 1
    assert lm.asked("status") == []


@exercises("counts")
def test_counts_tell_what_the_library_held_before_and_after_an_import(lm: Lm) -> None:
    planned = lm(lm.archive(assets=3), check=True, diff=True, counts=True)
    assert planned["counts"]["before"]["catalog_assets"] == 0
    assert planned["counts"]["after"] is None
    archive = lm.archive(assets=3)

    first, second = lm(archive, counts=True, diff=True), lm(archive, counts=True)

    assert_ended_well(first, changed=True, reason="new")
    assert_ended_well(second, changed=False, reason="receipt")
    assert [first["counts"][when]["catalog_assets"] for when in ("before", "after")] == [0, 3]
    assert set(first["counts"]["after"]) == set(lm.library_info()["counts"])
    assert "catalog assets: 0\n" in first["diff"][-1]["before"]
    assert "catalog assets: 3\n" in first["diff"][-1]["after"]
    assert (second["counts"]["before"]["catalog_assets"], second["counts"]["after"]) == (3, None)
    assert "counts" not in lm(archive)


@exercises("counts")
@pytest.mark.parametrize("answer", [{"action": "status", "status": 403}, {"action": "drop", "when": "before_body"}])
def test_a_library_that_cannot_be_counted_hides_nothing_of_the_import(lm: Lm, answer: dict[str, Any]) -> None:
    archive = lm.archive(assets=3)
    lm.sandbox.fault(**answer, system="lm", operation="library", times=1)

    result = lm(archive, counts=True)

    assert_ended_well(result, changed=True, reason="new")
    assert result["counts"]["before"] is None
    assert result["counts"]["after"]["catalog_assets"] == 3
    assert "What the library holds could not be read. " in str(result["warnings"])

    refused = lm(archive, counts=True, password="wrong-password", force=True)
    assert_plain_failure(refused)
    assert "password" in refused["msg"]


@exercises("unreachable_timeout")
def test_a_run_of_which_the_server_says_for_long_that_it_has_no_status_is_unknown(lm: Lm) -> None:
    lm(ARCHIVE, wait=False)
    lm.sandbox.reset()  # the server has lost its runs

    lost = lm(ARCHIVE, unreachable_timeout=0.5)

    assert_plain_failure(lost)
    assert (lost["state"], lost["changed"]) == ("unknown", False)
    assert "There is no import run" in lost["msg"]
    lm.sandbox.clock(speed=1000)
    assert_ended_well(lm(ARCHIVE, on_unknown="retry"), changed=True, reason="retried")


def test_every_option_has_a_test() -> None:
    elsewhere = ("tests.integration.imports.test_streams", "tests.integration.imports.test_faults")
    assert exercised.untested("lm_import", *elsewhere) == OF_ALL_IMPORTERS
