# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `haplo_batch` returns, what it sends and does not send again, and how runs come to terms with each other."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ..sandbox.haplo.keys import BLOCKED_KEY, ELSEWHERE_KEY, OUTSIDER_KEY
from .crashing import Herd
from .haplo import API, INSTRUCTIONS, STEPS, Haplo, assert_one_whole_batch, assert_scheduled
from .support import ABSENT, assert_plain_failure, only

ALL_STEPS = ["batch", "control", "batch", "file", "file", "schedule"]
"""Of a first run: the answer to the first says that Haplo has no such control file."""


# The result.


def test_a_batch_is_scheduled_and_the_result_says_where_its_log_is(haplo: Haplo) -> None:
    result = haplo()

    assert_scheduled(result, changed=True, reason="new")
    assert_one_whole_batch(haplo)
    (batch,) = haplo.scheduled
    entry = only(result)
    assert entry["remote_id"] == batch.identifier
    page = f"{haplo.sandbox.haplo_url}/do/haplo-data-import-batch/batches"
    assert f"jobs, where it is the one that begins with {batch.identifier[:10]}: {page}" in entry["message"]
    assert "Tools > Data import > Batch import > Batch import jobs" in entry["message"]
    assert entry["server"] == "SCHEDULED"
    assert (entry["source"], entry["target"]) == (str(haplo.control), haplo.sandbox.haplo_url)
    assert entry["size"] == sum(Path(file["src"]).stat().st_size for file in haplo.files)
    assert entry["attempts"] == 1
    assert datetime.fromisoformat(entry["started_at"]) <= datetime.fromisoformat(entry["finished_at"])
    assert entry["duration"] >= 0
    assert result["receipts"] == {"store": str(haplo.store), "created": True}


def test_the_digest_of_the_content_is_that_of_the_documentation(haplo: Haplo) -> None:
    digests = {file["name"]: hashlib.sha256(Path(file["src"]).read_bytes()).hexdigest() for file in haplo.files}
    content = {"control": haplo.control_digest, "files": digests}

    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert only(haplo())["content_sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_diff_mode_tells_what_is_known_of_the_application(haplo: Haplo) -> None:
    (first,), (second,) = haplo(diff=True)["diff"], haplo(diff=True)["diff"]

    assert (first["before"], first["after"]) == (f"{haplo.control}: not imported\n", f"{haplo.control}: scheduled\n")
    assert second["before"] == second["after"] == f"{haplo.control}: scheduled\n"
    assert first["after_header"] == haplo.sandbox.haplo_url


def test_check_mode_asks_only_what_schedules_nothing_and_makes_nothing(haplo: Haplo) -> None:
    result = haplo(check=True, diff=True)

    assert (result["state"], result["changed"], only(result)["reason"]) == ("planned", True, "new")
    assert haplo.steps == ["schedule"]
    assert haplo.held.batches == ()
    assert not haplo.store.exists()

    haplo()
    held, written = haplo.held, haplo.store.read_bytes()
    assert_scheduled(haplo(check=True), changed=False, reason="receipt")
    for options in ({"force": True}, {"dry_run": True}, {"feed": "x"}):
        assert haplo(check=True, **options)["state"] == "planned"
    assert haplo.held == held
    assert haplo.store.read_bytes() == written


def test_what_the_records_hold_is_not_the_modules_to_judge(haplo: Haplo) -> None:
    """Nobody can ask; so it is scheduled, whatever comes of it."""
    Path(haplo.files[0]["src"]).write_text("this is no JSON")

    assert_scheduled(haplo(check_files=False), changed=True, reason="new")
    assert [batch.state for batch in haplo.scheduled] == ["error"]


# The steps.


def test_a_first_run_sends_each_step_once_and_a_second_one_nothing(haplo: Haplo) -> None:
    haplo()
    assert haplo.steps == ALL_STEPS

    assert_scheduled(haplo(), changed=False, reason="receipt")
    assert haplo.steps == ALL_STEPS


def test_a_control_file_that_haplo_has_is_not_sent_again(haplo: Haplo) -> None:
    haplo()
    haplo.file("people", "Jane")

    haplo()

    assert haplo.steps[len(ALL_STEPS) :] == ["batch", "file", "file", "schedule"]
    assert len(haplo.held.control_files) == 1


def test_every_request_is_as_the_vendor_describes_it(haplo: Haplo) -> None:
    haplo(comment="x")

    for request in haplo.sent():
        assert (request.method, request.query) == ("POST", "")
        assert request.path == f"{API}/{request.operation}"
        assert request.header("authorization"), "the server asks for no credentials"
        assert request.header("transfer-encoding") is None
        assert request.header("content-length") == str(request.body_bytes)
        kind = (
            "multipart/form-data; boundary=" if request.operation in ("control", "file") else "application/x-www-form"
        )
        assert str(request.header("content-type")).startswith(kind)


def test_files_go_one_after_the_other_in_the_order_given(haplo: Haplo) -> None:
    haplo(files=[*reversed(haplo.files)])

    assert [file.name for file in haplo.scheduled[0].files] == ["guests", "people"]
    assert_scheduled(haplo(), changed=False, reason="receipt")


def test_a_batch_of_200_files_takes_a_request_a_file_and_two_connections_at_most(haplo: Haplo) -> None:
    names = [f"file-{number:03}" for number in range(200)]
    haplo.control = haplo.control_file("many.json", files={"DEFAULT": {"read": "json"}})
    haplo.files = [haplo.file(name) for name in names]

    assert_scheduled(haplo(), changed=True, reason="new")

    assert haplo.steps == ["batch", "control", "batch", *["file"] * 200, "schedule"]
    assert len({request.port for request in haplo.sent()}) <= 2
    assert_one_whole_batch(haplo, tuple(names))
    assert_scheduled(haplo(), changed=False, reason="receipt")
    assert len(haplo.sent()) == 204


def test_names_of_any_kind_arrive_as_they_are(haplo: Haplo) -> None:
    names = ["Größe", "a b", 'quoted "name"', "x/y\\z", "%41+&=", "名前", "'", "a\nb"]
    haplo.control = haplo.control_file("any.json", files={name: {"read": "json"} for name in names})
    haplo.files = []
    for number, name in enumerate(names):
        path = haplo.folder / f'{number} "x" ü\'{"%" * number}.json'
        path.write_text(json.dumps([{"first": name, "last": name}]))
        haplo.files.append({"name": name, "src": str(path)})

    assert_scheduled(haplo(comment="Größe & 100 % + ä=ö"), changed=True, reason="new")

    assert_one_whole_batch(haplo, tuple(names))
    assert haplo.scheduled[0].comment == "Größe & 100 % + ä=ö"


def test_the_demonstration_files_are_imported_whole(haplo: Haplo) -> None:
    folder = Path(__file__).parents[1] / "fixtures/haplo"
    files = [{"name": "people", "src": str(folder / "people.json")}]
    files.append({"name": "visitors", "src": str(folder / "visitors.tsv")})

    assert_scheduled(haplo(control=str(folder / "control.json"), files=files), changed=True, reason="new")

    (batch,) = haplo.scheduled
    assert (batch.state, batch.errors) == ("complete", 0)
    assert batch.records_imported >= 20


# What is another import.


def contents(haplo: Haplo) -> list[str]:
    """The first names of the people in what was scheduled, in order."""
    names = [entry.values["dc:attribute:title"][0] for entry in haplo.held.objects]
    return [name["first"] for name in names if name["last"] == "people"]


def test_feeds_are_states_so_going_back_is_an_import_again(haplo: Haplo) -> None:
    results = []
    for person in ("Ann", "Ann", "Bob", "Bob", "Ann", "Ann"):
        haplo.file("people", person)
        results.append(haplo())

    assert [result["changed"] for result in results] == [True, False, True, False, True, False]
    assert {only(result)["reason"] for result in results if result["changed"]} == {"new"}
    assert contents(haplo) == ["Ann", "Bob", "Ann"]


def test_a_dry_run_and_a_real_import_are_two(haplo: Haplo) -> None:
    results = [haplo(dry_run=True), haplo(dry_run=True), haplo(), haplo(), haplo(dry_run=True)]

    assert [result["changed"] for result in results] == [True, False, True, False, False]
    assert [batch.dry_run for batch in haplo.scheduled] == [True, False]
    assert [batch.state for batch in haplo.scheduled] == ["dry-run", "complete"]
    assert len({only(result)["key"] for result in results}) == 2
    assert "dry run" in only(results[0])["message"]


def test_another_control_file_with_the_same_files_is_another_import(haplo: Haplo) -> None:
    haplo()
    haplo.control.write_text(haplo.control.read_text() + "\n")

    assert_scheduled(haplo(), changed=True, reason="new")


def test_the_place_and_the_time_of_files_make_no_other_import(haplo: Haplo) -> None:
    haplo()
    moved = haplo.folder / "elsewhere"
    moved.mkdir()
    files = []
    for file in haplo.files:
        path = moved / f"copy-{Path(file['src']).name}"
        path.write_bytes(Path(file["src"]).read_bytes())
        files.append({"name": file["name"], "src": str(path)})
    control = moved / "c"
    control.write_bytes(haplo.control.read_bytes())

    result = haplo(files=files, control=str(control), comment="x", control_comment="y")

    assert_scheduled(result, changed=False, reason="receipt")


# Runs that go on from where an earlier one broke off.


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_failed_at_a_step_is_taken_up_there(haplo: Haplo, step: str) -> None:
    """What Haplo has acknowledged is not sent again."""
    haplo.sandbox.fault("status", operation=step, when="after_body", status=404)
    failed = haplo()
    assert_plain_failure(failed)
    assert (failed["state"], failed["changed"]) == ("failed", False)
    before = haplo.steps

    assert_scheduled(haplo(), changed=True, reason="retried")

    assert_one_whole_batch(haplo)
    expected = {
        "batch": ALL_STEPS,
        "control": ALL_STEPS,
        "file": ["file", "file", "schedule"],
        "schedule": ["schedule"],
    }
    assert haplo.steps[len(before) :] == expected[step]


def test_the_receipt_tells_how_far_a_run_came(haplo: Haplo) -> None:
    haplo.sandbox.fault("status", operation="file", skip=1, when="after_body", status=404)
    haplo()

    with closing(sqlite3.connect(haplo.store)) as database:
        (detail,) = database.execute("SELECT detail FROM attempts").fetchone()
    notes = json.loads(detail)["notes"]
    assert notes == {"batch": haplo.held.batches[0].identifier, "files": ["people"]}

    assert_scheduled(haplo(), changed=True, reason="retried")
    assert haplo.steps[-2:] == ["file", "schedule"]
    assert_one_whole_batch(haplo)


@pytest.mark.parametrize("step", ["file", "schedule"])
def test_a_batch_that_haplo_has_forgotten_is_begun_anew(haplo: Haplo, step: str) -> None:
    haplo.sandbox.fault("status", operation=step, when="after_body", status=404)
    haplo()
    haplo.sandbox.reset()

    assert_scheduled(haplo(), changed=True, reason="retried")

    assert_one_whole_batch(haplo)
    assert haplo.steps == [step, *ALL_STEPS]


def test_a_control_file_that_haplo_has_forgotten_is_sent_again(haplo: Haplo) -> None:
    haplo()
    haplo.sandbox.reset()

    assert_scheduled(haplo(force=True), changed=True, reason="forced")
    assert haplo.steps == ALL_STEPS


def test_an_unfinished_import_that_was_overtaken_by_another_is_made_anew(haplo: Haplo) -> None:
    """Its batch may have been scheduled then, but before the other one; so that is not enough."""
    haplo.file("people", "Ann")
    haplo.sandbox.fault("drop", operation="schedule", when="after_work")
    haplo.sandbox.fault("status", operation="schedule", status=403, times=None, skip=1)
    assert haplo()["state"] == "unknown"
    haplo.sandbox.clear_faults()
    haplo.file("people", "Bob")
    assert_scheduled(haplo(), changed=True, reason="new")
    haplo.file("people", "Ann")

    assert_scheduled(haplo(), changed=True, reason="new")

    assert contents(haplo) == ["Ann", "Bob", "Ann"]


def test_an_unfinished_import_that_nothing_has_overtaken_is_made_sure_of(haplo: Haplo) -> None:
    haplo.sandbox.fault("drop", operation="schedule", when="after_work")
    haplo.sandbox.fault("status", operation="schedule", status=403, times=None, skip=1)
    unknown = haplo()
    assert (unknown["state"], unknown["changed"]) == ("unknown", True)
    assert "Run again: that will tell" in unknown["msg"]
    haplo.sandbox.clear_faults()
    assert haplo(check=True)["state"] == "planned"

    again = haplo()

    assert_scheduled(again, changed=False, reason="resumed")
    assert only(again)["server"].endswith("is not in the 'uploading' state")
    assert only(again)["remote_id"] == haplo.scheduled[0].identifier
    assert_one_whole_batch(haplo)


def test_an_unfinished_import_is_resumed_even_if_forced(haplo: Haplo) -> None:
    haplo.sandbox.fault("html", operation="schedule", when="after_work", times=3, body="<p>Back soon</p>")
    assert haplo()["state"] == "unknown"

    assert_scheduled(haplo(force=True), changed=False, reason="resumed")
    assert_one_whole_batch(haplo)


# Runs at the same time.


def test_another_run_at_the_same_import_is_waited_for(haplo: Haplo) -> None:
    haplo.sandbox.fault("hold", operation="schedule")
    other = haplo.start()
    haplo.sandbox.wait_for("held", operation="schedule")

    impatient = haplo(wait=False)
    assert (impatient["state"], impatient["changed"], impatient.get("failed")) == ("running", False, None)
    limited = haplo(wait_timeout=0.1)
    assert_plain_failure(limited)
    assert (limited["state"], limited["changed"]) == ("running", False)
    follower = haplo.start()
    haplo.sandbox.release()

    assert_scheduled(other.finish(), changed=True, reason="new")
    followed = follower.finish()
    assert (followed["state"], followed["changed"]) == ("scheduled", False)
    assert only(followed)["reason"] in ("joined", "receipt")
    assert_one_whole_batch(haplo)


@pytest.mark.slow
def test_of_twenty_runs_at_once_one_schedules_the_batch(haplo: Haplo, tmp_path: Path) -> None:
    herd = Herd("haplo_batch", [haplo.options(wait_timeout=60)] * 20, tmp_path)

    results = [result for result in herd.results() if result is not None]

    assert len(results) == 20
    assert {result["state"] for result in results} == {"scheduled"}
    assert sorted(result["changed"] for result in results) == [False] * 19 + [True]
    assert_one_whole_batch(haplo)
    assert haplo.steps == ALL_STEPS


# Keys.


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("key", ["x" * 43, BLOCKED_KEY, ELSEWHERE_KEY])
def test_a_key_that_is_refused_is_told_and_nothing_more_is_sent(haplo: Haplo, key: str, step: str) -> None:
    """Whatever step it is that a run begins or goes on with."""
    if step != "batch":
        haplo.sandbox.fault("status", operation=step, when="after_body", status=404)
        haplo()
    before = len(haplo.sent())

    result = haplo(api_key=key)

    assert_plain_failure(result)
    assert (result["state"], result["changed"], result["http_status"]) == ("failed", False, 403)
    assert "The API key was refused" in result["msg"]
    assert len(haplo.sent()) == before + 1


@pytest.mark.parametrize("lost", [True, False])
def test_a_key_that_is_refused_on_the_way_leaves_open_only_what_is(haplo: Haplo, lost: bool) -> None:
    """A batch that was perhaps scheduled by a run before is not said to be not imported."""
    if lost:
        haplo.sandbox.fault("html", operation="schedule", when="after_work", times=3, body="<p>Back soon</p>")
        assert haplo()["state"] == "unknown"
    else:
        haplo.sandbox.fault("status", operation="schedule", when="after_body", status=400)
        assert haplo()["state"] == "failed"

    result = haplo(api_key="x" * 43)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("unknown" if lost else "failed", False)
    assert_scheduled(haplo(), changed=not lost, reason="resumed" if lost else "retried")
    assert_one_whole_batch(haplo)


def test_a_user_who_may_not_import_is_told_though_the_status_is_200(haplo: Haplo) -> None:
    result = haplo(api_key=OUTSIDER_KEY)

    assert_plain_failure(result)
    assert (result["state"], result["changed"], result["http_status"]) == ("failed", False, 200)
    assert "You are not permitted to perform this action. The user of the API key is not in the group" in result["msg"]
    assert haplo.steps == ["batch"]


def test_a_host_that_was_locked_out_for_wrong_keys_is_told(haplo: Haplo) -> None:
    for _unused in range(50):
        haplo(api_key="x" * 43, receipts="none")

    result = haplo()

    assert_plain_failure(result)
    assert "lets nobody in from this host for five minutes" in result["msg"]
    haplo.sandbox.clock(step=301)
    assert_scheduled(haplo(), changed=True, reason="retried")


# What Haplo says.


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "haplo:outputs"}, "Model not implemented: haplo:outputs"),
        (
            {"instructions": [*INSTRUCTIONS, {"action": "set-attribute-group"}]},
            "Unknown action in instruction: set-attribute-group",
        ),
        ({"files": {"DEFAULT": {"read": "csv"}}}, "Unknown reader for file DEFAULT: csv"),
        (
            {"model": "x", "files": {"DEFAULT": {"read": "csv"}}},
            "Model not implemented: x; Unknown reader for file DEFAULT: csv",
        ),
    ],
)
def test_a_control_file_that_does_not_validate_is_told_in_the_words_of_haplo(
    haplo: Haplo, changes: dict[str, Any], words: str
) -> None:
    haplo.control = haplo.control_file("other.json", **changes)

    result = haplo()

    assert_plain_failure(result)
    assert (result["state"], result["changed"], result["http_status"]) == ("failed", False, 400)
    assert f"Haplo finds the control file invalid: {words}. Nothing was imported." in result["msg"]
    assert haplo.steps == ["batch", "control"]


def test_what_only_newer_servers_know_is_left_to_them(haplo: Haplo) -> None:
    haplo.sandbox.configure("haplo", more_actions=["set-attribute-group"])
    haplo.control = haplo.control_file("newer.json", instructions=[*INSTRUCTIONS, {"action": "set-attribute-group"}])

    assert_scheduled(haplo(), changed=True, reason="new")


def test_the_digest_of_a_control_file_that_haplo_has_not_is_told(haplo: Haplo) -> None:
    result = haplo(control=ABSENT, control_digest=haplo.control_digest)

    assert_plain_failure(result)
    assert f"Control file not found: {haplo.control_digest}" in result["msg"]
    assert "Give the control file itself with control" in result["msg"]
    assert haplo.steps == ["batch"]


@pytest.mark.parametrize(
    ("settings", "right"),
    [({"host": "research.example.ac.uk"}, "http://research.example.ac.uk"), ({"requires_https": True}, "https://127")],
)
def test_at_another_address_of_the_application_the_right_one_is_told(
    haplo: Haplo, settings: dict[str, Any], right: str
) -> None:
    haplo.sandbox.configure("haplo", **settings)

    result = haplo()

    assert_plain_failure(result)
    assert (result["state"], result["changed"], result["http_status"]) == ("failed", False, 302)
    assert f"It points to {right}" in result["msg"]
    assert "set url to where the API really is" in result["msg"]
    assert haplo.steps == ["batch"]


def test_a_server_without_the_plugin_is_told(haplo: Haplo) -> None:
    result = haplo(api_path="/api/haplo-data-import-batch/none")

    assert_plain_failure(result)
    assert (result["state"], result["http_status"]) == ("failed", 404)
    assert "may lack the plugin" in result["msg"]
