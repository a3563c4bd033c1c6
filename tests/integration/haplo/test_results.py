# SPDX-License-Identifier: GPL-3.0-or-later
"""What `haplo_batch` returns, what it sends and does not send again, and how runs come to terms with each other."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.haplo.keys import API_KEY, BLOCKED_KEY, ELSEWHERE_KEY, OUTSIDER_KEY, STANDARD_KEY
from ...unit.sandbox.haplo_client import basic, send
from ..crashing import Herd
from ..support import assert_failed, assert_plain_failure, in_process, only
from .driver import (
    APIS,
    KIND,
    PLAIN,
    STANDARD,
    Haplo,
    assert_one_whole_batch,
    assert_scheduled,
    at_each_step,
    exercises,
    in_both,
    of_standard_batches,
)

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


@of_standard_batches
def test_a_standard_batch_is_scheduled_and_the_result_says_where_its_log_is(haplo: Haplo) -> None:
    result = haplo(dry_run=True)

    assert_scheduled(result, changed=True, reason="new")
    (batch,) = haplo.scheduled
    entry = only(result)
    assert (entry["source"], entry["target"]) == (KIND, haplo.sandbox.haplo_url)
    assert (entry["remote_id"], entry["server"]) == (batch.identifier, "SCHEDULED")
    where = "Tools > Data import > Standard Batch APIs > Standard Batch API jobs"
    assert entry["message"].startswith("The dry run is scheduled;")
    assert entry["message"].endswith(f"Its log is at {haplo.sandbox.haplo_url} in {where}: batch {batch.identifier}")
    assert (batch.kind, batch.dry_run) == (KIND, True)
    assert haplo.held.control_files == ()


@in_both
def test_the_digest_of_the_content_is_that_of_the_documentation(haplo: Haplo) -> None:
    digests = {file["name"]: hashlib.sha256(Path(file["src"]).read_bytes()).hexdigest() for file in haplo.files}
    read_by = {"control": haplo.control_digest} if haplo.api is PLAIN else {"kind": KIND}
    content = {**read_by, "files": digests}

    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert only(haplo())["content_sha256"] == hashlib.sha256(text.encode()).hexdigest()


@in_both
def test_diff_mode_tells_what_is_known_of_the_application(haplo: Haplo) -> None:
    (first,), (second,) = haplo(diff=True)["diff"], haplo(diff=True)["diff"]

    source = haplo.control if haplo.api is PLAIN else KIND
    assert (first["before"], first["after"]) == (f"{source}: not imported\n", f"{source}: scheduled\n")
    assert second["before"] == second["after"] == f"{source}: scheduled\n"
    assert first["after_header"] == haplo.sandbox.haplo_url


@in_both
def test_check_mode_asks_only_what_schedules_nothing_and_makes_nothing(haplo: Haplo) -> None:
    result = haplo(check=True, diff=True)

    assert (result["state"], result["changed"], only(result)["reason"]) == ("planned", True, "new")
    assert haplo.steps == ["question"]
    assert haplo.held.batches == ()
    assert not haplo.store.exists()

    haplo()
    held, written = haplo.held, haplo.store.read_bytes()
    assert_scheduled(haplo(check=True), changed=False, reason="receipt")
    for options in ({"force": True}, {"dry_run": True}, {"feed": "x"}):
        assert haplo(check=True, **options)["state"] == "planned"
    assert haplo.held == held
    assert haplo.store.read_bytes() == written


# The steps.


@in_both
def test_a_run_sends_each_step_once_and_none_again_but_those_for_other_files(haplo: Haplo) -> None:
    haplo()
    assert_scheduled(haplo(), changed=False, reason="receipt")
    assert haplo.steps == [*haplo.api.first]

    haplo.file("people", "Jane")
    haplo()
    assert haplo.steps == [*haplo.api.first, *haplo.api.again]
    assert len(haplo.held.control_files) == (haplo.api is PLAIN)


@exercises("api_key")
@in_both
def test_every_request_is_as_the_vendor_describes_it(haplo: Haplo) -> None:
    """The key is the password of the user haplo, and is sent unasked."""
    haplo(comment="x")

    credentials = base64.b64encode(f"haplo:{haplo.key}".encode()).decode()
    for request in haplo.sent():
        assert (request.method, request.query) == ("POST", "")
        step = str(request.operation).removeprefix(haplo.api.prefix)
        assert request.path == f"{haplo.api.path}/{step}"
        assert request.header("authorization") == f"Basic {credentials}"
        assert haplo.key not in str(request)
        assert request.header("transfer-encoding") is None
        assert request.header("content-length") == str(request.body_bytes)
        kind = "multipart/form-data; boundary=" if step in ("control", "file") else "application/x-www-form"
        assert str(request.header("content-type")).startswith(kind)


def test_a_batch_of_50_files_takes_a_request_a_file_and_two_connections_at_most(haplo: Haplo) -> None:
    names = [f"file-{number}" for number in range(50)]
    haplo.control = haplo.control_file("many.json", files={"DEFAULT": {"read": "json"}})
    haplo.files = [haplo.file(name) for name in names]

    assert_scheduled(haplo(), changed=True, reason="new")

    assert haplo.steps == ["batch", "control", "batch", *["file"] * 50, "schedule"]
    assert len({request.port for request in haplo.sent()}) <= 2
    assert_one_whole_batch(haplo, tuple(names))
    assert_scheduled(haplo(), changed=False, reason="receipt")
    assert len(haplo.sent()) == 54


@in_both
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


# What is another import.


def contents(haplo: Haplo) -> list[str]:
    """The first names of the people in what was scheduled, in order."""
    names = [entry.values["dc:attribute:title"][0] for entry in haplo.held.objects]
    return [name["first"] for name in names if name["last"] == "people"]


@in_both
def test_feeds_are_states_so_going_back_is_an_import_again(haplo: Haplo) -> None:
    results = []
    for person in ("Ann", "Ann", "Bob", "Bob", "Ann", "Ann"):
        haplo.file("people", person)
        results.append(haplo())

    assert [result["changed"] for result in results] == [True, False, True, False, True, False]
    assert {only(result)["reason"] for result in results if result["changed"]} == {"new"}
    assert contents(haplo) == ["Ann", "Bob", "Ann"]


@exercises("dry_run")
@in_both
def test_a_dry_run_and_a_real_import_are_two(haplo: Haplo) -> None:
    """Any other mode than the one that is sent, or another spelling of it, would be a real import."""
    results = [haplo(dry_run=True), haplo(dry_run=True), haplo(), haplo(), haplo(dry_run=True)]

    assert [result["changed"] for result in results] == [True, False, True, False, False]
    assert [batch.dry_run for batch in haplo.scheduled] == [True, False]
    assert [batch.state for batch in haplo.scheduled] == ["dry-run", "complete"]
    assert len({only(result)["key"] for result in results}) == 2
    assert "dry run" in only(results[0])["message"]
    dry, real = (request.body_bytes for request in haplo.sent("schedule"))
    assert (dry, real) == (real + len("&mode=dry-run"), len("batch=") + 44)


# Runs that go on from where an earlier one broke off.


@at_each_step()
def test_a_run_that_failed_at_a_step_is_taken_up_there(haplo: Haplo, step: str) -> None:
    """What Haplo has acknowledged is not sent again."""
    haplo.fault("status", operation=step, when="after_body", status=404)
    assert_failed(haplo(), state="failed", changed=False)
    before = haplo.steps

    assert_scheduled(haplo(), changed=True, reason="retried")

    assert_one_whole_batch(haplo)
    expected = {"file": ["file", "file", "schedule"], "schedule": ["schedule"]}
    goes_on = [*haplo.api.goes_on, *expected[step]] if step in expected else [*haplo.api.first]
    assert haplo.steps[len(before) :] == goes_on


@at_each_step("control", "batch")
def test_a_batch_that_haplo_has_forgotten_is_begun_anew(haplo: Haplo, step: str) -> None:
    haplo.fault("status", operation=step, when="after_body", status=404)
    haplo()
    haplo.forget()

    assert_scheduled(haplo(), changed=True, reason="retried")

    assert_one_whole_batch(haplo)
    assert haplo.steps == [*haplo.api.goes_on, step, *haplo.api.first[len(haplo.api.goes_on) :]]


@in_both
def test_an_unfinished_import_that_was_overtaken_by_another_is_made_anew(haplo: Haplo) -> None:
    """Its batch may have been scheduled then, but before the other one; so that is not enough.

    With standard batch import, where nobody knows what scheduling twice does, only if the user says so.
    """
    haplo.file("people", "Ann")
    haplo.fault("drop", operation="schedule", when="after_work")
    haplo.fault("status", operation="schedule", status=403, times=None, skip=1)
    assert haplo()["state"] == "unknown"
    haplo.sandbox.clear_faults()
    haplo.file("people", "Bob")
    assert_scheduled(haplo(), changed=True, reason="new")
    haplo.file("people", "Ann")
    if not haplo.api.repeats:
        assert haplo()["state"] == "unknown"
        assert haplo(force=True)["changed"]

    assert_scheduled(haplo(), changed=haplo.api.repeats, reason="new" if haplo.api.repeats else "receipt")

    assert contents(haplo) == ["Ann", "Bob", "Ann"]


@pytest.fixture
def unknown(haplo: Haplo) -> Haplo:
    """A batch of which nobody here knows whether it was scheduled."""
    haplo.leave_unknown()
    return haplo


@of_standard_batches
def test_a_standard_batch_in_doubt_is_left_alone_and_reported_where_to_look(unknown: Haplo) -> None:
    sent = len(unknown.sent())

    for result in (unknown(), unknown(check=True)):
        assert_plain_failure(result)
        assert (result["state"], result["changed"], only(result)["reason"]) == ("unknown", False, "receipt")
        where = "Tools > Data import > Standard Batch APIs > Standard Batch API jobs"
        assert f"Look for batch {unknown.scheduled[0].identifier} in {where}." in result["msg"]
        assert "on_unknown=retry (role variable haplo_batch_on_unknown)" in result["msg"]
        assert f"assetops.imports.settle, import_settle_keys={only(result)['key']}" in result["msg"]
        assert "that will tell" not in result["msg"]
    assert len(unknown.sent()) == sent


OTHER_WORDS: dict[str, dict[str, Any]] = {
    "words that nobody knows": {"status": 400, "body": "This import has been submitted before."},
    "a page of errors": {"status": 200, "content_type": "text/html", "body": "<h1>Error</h1><p>Submitted before.</p>"},
    "an exception": {"status": 500, "content_type": "text/html", "body": "<h1>Internal server error</h1>"},
}
"""What Haplo may answer when it is asked again to schedule a standard batch."""


@of_standard_batches
@pytest.mark.parametrize("words", OTHER_WORDS)
def test_what_does_not_tell_whether_it_was_scheduled_before_leaves_that_open(unknown: Haplo, words: str) -> None:
    unknown.fault("status", operation="schedule", when="after_body", **OTHER_WORDS[words])

    result = unknown(on_unknown="retry")

    assert_failed(result, "Look for batch", state="unknown", http_status=OTHER_WORDS[words]["status"])
    unknown.sandbox.clear_faults()
    assert_scheduled(unknown(on_unknown="retry"), changed=False, reason="retried")
    assert_one_whole_batch(unknown)


@of_standard_batches
def test_a_standard_batch_in_doubt_that_is_gone_is_begun_anew_only_by_force(unknown: Haplo) -> None:
    """It may have been imported, and removed since."""
    unknown.forget()
    gone = unknown(on_unknown="retry")
    assert_failed(gone, "Batch not found", "force=true begins another one", state="unknown", changed=False)
    assert unknown.steps == ["question", "schedule"]

    assert_scheduled(unknown(force=True), changed=True, reason="forced")
    assert_one_whole_batch(unknown)


@in_both
@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_a_batch_in_doubt_can_be_settled(unknown: Haplo, state: str) -> None:
    """What has failed is sent anew, as another batch: the old one may be over."""
    store = str(unknown.store)
    (known,) = in_process("import_receipt_info", receipts=store)["imports"]
    assert in_process("import_receipt", key=known["key"], state=state, receipts=store)["changed"]

    result = unknown()

    if state == "succeeded":
        assert (result["state"], result["changed"], result.get("failed")) == ("succeeded", False, None)
        assert len(unknown.scheduled) == 1
    else:
        assert_scheduled(result, changed=True, reason="retried")
        assert len({batch.identifier for batch in unknown.scheduled}) == 2


@of_standard_batches
def test_a_standard_batch_that_cannot_be_scheduled_is_begun_anew_by_the_next_run(haplo: Haplo) -> None:
    """What Haplo says may hold for that batch for ever."""
    haplo.fault("status", operation="schedule", when="after_body", status=400, body="That import has expired.")
    assert_failed(haplo(), "That import has expired.", state="failed", changed=False)
    sent = len(haplo.steps)

    assert_scheduled(haplo(), changed=True, reason="retried")

    assert haplo.steps[sent:] == [*haplo.api.first]
    assert_one_whole_batch(haplo)


def test_an_unfinished_import_is_resumed_even_if_forced(unknown: Haplo) -> None:
    assert_scheduled(unknown(force=True), changed=False, reason="resumed")
    assert_one_whole_batch(unknown)


# Runs at the same time.


@exercises("wait", "wait_timeout", "wait_sleep", "unreachable_timeout")
def test_another_run_at_the_same_import_is_waited_for(haplo: Haplo) -> None:
    haplo.fault("hold", operation="schedule")
    other = haplo.start()
    haplo.wait_for_held("schedule")

    impatient = haplo(wait=False)
    assert (impatient["state"], impatient["changed"], impatient.get("failed")) == ("running", False, None)
    limited = haplo(wait_timeout=0.05, wait_sleep=0.01, unreachable_timeout=0)
    assert_failed(limited, "0.05 s of waiting", state="running", changed=False)
    follower = haplo.start()
    haplo.sandbox.release()

    assert_scheduled(other.finish(), changed=True, reason="new")
    followed = follower.finish()
    assert (followed["state"], followed["changed"]) == ("scheduled", False)
    assert only(followed)["reason"] in ("joined", "receipt")
    assert_one_whole_batch(haplo)


@pytest.mark.slow
@of_standard_batches
def test_of_ten_runs_at_once_one_schedules_the_batch(haplo: Haplo, tmp_path: Path) -> None:
    herd = Herd("haplo_batch", [haplo.options(wait_timeout=60)] * 10, tmp_path)

    results = [result for result in herd.results() if result is not None]

    assert len(results) == 10
    assert {result["state"] for result in results} == {"scheduled"}
    assert sorted(result["changed"] for result in results) == [False] * 9 + [True]
    assert_one_whole_batch(haplo)
    assert [step for step in haplo.steps if step != "question"] == ["batch", "file", "file", "schedule"]


# Keys.


WHERE_KEYS_ARE_MADE = {
    PLAIN: "System management > Users > SRV > Batch data import access",
    STANDARD: "Tools > Data import > Standard Batch APIs > Create API key...",
}


WRONG_KEYS = {PLAIN: (BLOCKED_KEY, ELSEWHERE_KEY, STANDARD_KEY), STANDARD: (BLOCKED_KEY, ELSEWHERE_KEY, API_KEY)}


@pytest.mark.parametrize(
    ("haplo", "step", "key"),
    [
        *((api, step, "x" * 43) for api in APIS for step in api.steps),
        *((api, "batch", key) for api, keys in WRONG_KEYS.items() for key in keys),
    ],
    indirect=["haplo"],
)
def test_a_key_that_is_refused_is_reported_and_nothing_more_is_sent(haplo: Haplo, key: str, step: str) -> None:
    """Whatever step it is that a run begins or goes on with."""
    if step != "batch":
        haplo.fault("status", operation=step, when="after_body", status=404)
        haplo()
    before = len(haplo.sent())

    result = haplo(api_key=key)

    assert_failed(
        result,
        "The API key was refused",
        f"The right one is made in Haplo ({WHERE_KEYS_ARE_MADE[haplo.api]}).",
        state="failed",
        changed=False,
        http_status=403,
    )
    assert len(haplo.sent()) == before + 1


def test_a_user_who_may_not_import_is_reported_though_the_status_is_200(haplo: Haplo) -> None:
    result = haplo(api_key=OUTSIDER_KEY)

    assert_failed(
        result,
        "You are not permitted to perform this action. The user of the API key is not in the group",
        state="failed",
        changed=False,
        http_status=200,
    )
    assert haplo.steps == [haplo.api.first[0]]


@in_both
def test_a_host_that_was_locked_out_for_wrong_keys_is_reported(haplo: Haplo) -> None:
    for _unused in range(50):
        send(haplo.sandbox, haplo.api.path.removeprefix("/haplo"), headers=basic("x" * 43))

    assert_failed(haplo(), "lets nobody in from this host for five minutes")
    haplo.sandbox.clock(step=301)
    assert_scheduled(haplo(), changed=True, reason="retried" if haplo.api is PLAIN else "new")


# What Haplo says.


def test_a_control_file_that_does_not_validate_is_reported_in_the_words_of_haplo(haplo: Haplo) -> None:
    haplo.control = haplo.control_file("other.json", model="x", files={"DEFAULT": {"read": "csv"}})

    result = haplo()

    assert_failed(result, state="failed", changed=False, http_status=400)
    words = "Model not implemented: x; Unknown reader for file DEFAULT: csv"
    assert f"Haplo finds the control file invalid: {words}. Nothing was imported." in result["msg"]
    assert haplo.steps == ["batch", "control"]


@of_standard_batches
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "HTTP 400 Bad Request: Standard API not found: example-standard-ap."),
        ({"status": 500, "content_type": "text/html", "body": "<h1>Internal server error</h1>"}, "HTTP 500"),
    ],
)
def test_a_kind_that_there_is_not_is_reported(haplo: Haplo, answer: dict[str, Any], words: str) -> None:
    if answer:
        haplo.fault("status", operation="batch", when="after_body", **answer)

    result = haplo(kind="example-standard-ap")

    assert_failed(
        result,
        words,
        "Is kind right? It is the identifier that Haplo shows on the page of that API",
        state="failed",
        changed=False,
    )
    assert haplo.steps == ["question", "batch"]


@of_standard_batches
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "content_type": "text/html", "body": "<p>An error was encountered</p>"},
        {"status": 200, "content_type": "text/html", "body": "<h1>Error</h1><p>There is no such batch.</p>"},
    ],
)
@pytest.mark.usefixtures("quick_retries")
def test_an_import_does_not_depend_on_the_answer_to_the_question(haplo: Haplo, answer: dict[str, Any]) -> None:
    haplo.sandbox.fault("status", operation="standard_schedule", times=4 if answer["status"] == 500 else 1, **answer)

    assert_scheduled(haplo(), changed=True, reason="new")


@pytest.mark.parametrize(
    ("settings", "right"),
    [({"host": "research.example.ac.uk"}, "http://research.example.ac.uk"), ({"requires_https": True}, "https://127")],
)
@in_both
def test_at_another_address_the_right_one_is_reported(haplo: Haplo, settings: dict[str, Any], right: str) -> None:
    haplo.sandbox.configure("haplo", **settings)

    result = haplo()

    assert_failed(
        result,
        f"It points to {right}",
        "set url to where the API really is",
        state="failed",
        changed=False,
        http_status=302,
    )
    assert haplo.steps == [*haplo.api.goes_on, "batch"]


@in_both
def test_a_server_without_the_plugin_is_reported(haplo: Haplo) -> None:
    result = haplo(api_path=f"{haplo.api.path.removeprefix('/haplo')}/none")

    assert_failed(result, "may lack the plugin", state="failed", http_status=404)
