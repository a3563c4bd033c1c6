# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a batch: told where there is a key for the pages of batches and they say so, and never guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ...sandbox.haplo.keys import BLOCKED_KEY, ELSEWHERE_KEY, OUTSIDER_KEY
from ..support import ABSENT, only
from .driver import Told, outcome_of, warnings
from .test_options import exercises

WRONG_KEY = "no-such-key-of-anybody-at-all"

pytestmark = pytest.mark.usefixtures("quick_retries")


# How a batch ended.


@exercises("outcome_api_key")
def test_a_batch_without_errors_succeeded(told: Told) -> None:
    result = told()

    assert outcome_of(result) == (False, "succeeded", "succeeded")
    entry = only(result)
    (batch,) = told.scheduled
    link = f"{told.sandbox.haplo_url}/do/haplo-data-import-batch/batch/{batch.row}"
    assert entry["server"] == {
        "batch": batch.identifier,
        "row": batch.row,
        "url": link,
        "state": "complete",
        "errors": 0,
        "log": "\n".join(batch.log),
    }
    assert link in entry["message"]
    assert (entry["remote_id"], entry["changed"], entry["reason"]) == (batch.identifier, True, "new")


def test_what_succeeded_is_neither_sent_nor_asked_for_again(told: Told) -> None:
    first = told()
    asked = len(told.sent())
    again = told()

    assert outcome_of(again) == (False, "succeeded", "succeeded")
    assert (again["changed"], only(again)["reason"], len(told.sent())) == (False, "receipt", asked)
    assert only(again)["server"] == only(first)["server"]


@exercises("allow_errors")
@pytest.mark.parametrize("dry_run", [False, True], ids=["import", "dry run"])
@pytest.mark.parametrize(
    ("allowed", "is_failure"), [(ABSENT, True), (False, True), (1, True), (2, False), ("3", False), (True, False)]
)
def test_errors_in_the_log_are_counted_shown_and_judged(
    told: Told, dry_run: bool, allowed: Any, is_failure: bool
) -> None:
    options: dict[str, Any] = {
        "control": str(told.erring),
        "files": told.with_errors,
        "dry_run": dry_run,
        "allow_errors": allowed,
    }
    result = told(**options)

    assert outcome_of(result) == (is_failure, "incomplete", "incomplete")
    entry = only(result)
    assert (entry["server"]["errors"], entry["server"]["state"]) == (2, "dry-run" if dry_run else "complete")
    assert "2 errors: extra is not for people (record 1); extra is not for people (record 2)." in entry["message"]
    assert entry["server"]["url"] in entry["message"]
    assert not is_failure or "2 errors" in result["msg"]


def test_a_batch_with_errors_is_judged_anew_and_not_sent_again_but_by_force(told: Told) -> None:
    options: dict[str, Any] = {"control": str(told.erring), "files": told.with_errors}
    assert outcome_of(told(**options))[0] is True
    judged = told(**options, allow_errors=True)

    assert outcome_of(judged) == (False, "incomplete", "incomplete")
    assert (judged["changed"], told.times_scheduled) == (False, 1)
    assert outcome_of(told(**options))[0] is True
    seen_at = {only(told(**options, allow_errors=allowed))["finished_at"] for allowed in (True, 1, False)}
    assert seen_at == {only(judged)["finished_at"]}
    forced = told(**options, force=True)
    assert (only(forced)["reason"], forced["changed"], told.times_scheduled) == ("forced", True, 2)


def test_a_batch_that_an_error_stopped_failed_and_is_not_sent_again_by_itself(told: Told) -> None:
    told.sandbox.configure("haplo", breaks_after=1)
    result = told()

    assert outcome_of(result) == (True, "failed", "failed")
    assert "may be partly imported" in result["msg"]
    assert "EXCEPTION: " in result["msg"]
    assert only(result)["changed"] is True

    told.sandbox.configure("haplo", breaks_after=None)
    again = told()
    assert outcome_of(again) == (True, "failed", "failed")
    assert "force" in again["msg"]
    assert (again["changed"], told.times_scheduled) == (False, 1)

    forced = told(force=True)
    assert outcome_of(forced) == (False, "succeeded", "succeeded")
    assert (only(forced)["reason"], told.times_scheduled) == ("forced", 2)


def test_going_back_to_what_was_stopped_is_not_sent_by_itself_and_check_mode_says_so(told: Told) -> None:
    """Another state before it, and an earlier success at it, make no difference."""
    a, b = {"last": "A"}, {"last": "B"}
    for person in (a, b):
        assert outcome_of(told(files=told.people(person)))[1] == "succeeded"
    told.sandbox.configure("haplo", breaks_after=1)
    assert outcome_of(told(files=told.people(a))) == (True, "failed", "failed")
    told.sandbox.configure("haplo", breaks_after=None)

    for check in (True, False, True):
        again = told(files=told.people(a), check=check)
        assert outcome_of(again) == (True, "failed", "failed")
        assert (again["changed"], only(again)["reason"], told.times_scheduled) == (False, "receipt", 3)
        assert "set force to true" in again["msg"]
    assert only(told(files=told.people(b)))["changed"] is True
    adopted = told(files=told.people(a), adopt=True)
    assert (outcome_of(adopted), told.times_scheduled) == ((False, "succeeded", "succeeded"), 4)
    assert only(told(files=told.people(a)))["reason"] == "receipt"


def test_a_forced_import_that_was_stopped_leaves_nothing_of_the_success_before(told: Told) -> None:
    told()
    told.sandbox.configure("haplo", breaks_after=1)
    assert outcome_of(told(force=True)) == (True, "failed", "failed")
    for options in ({}, {"outcome_api_key": ABSENT}, {"once": "ever"}):
        again = told(**options)
        assert (outcome_of(again), again["changed"]) == ((True, "failed", "failed"), False)
        assert "may be partly imported" in again["msg"]
    told.sandbox.configure("haplo", breaks_after=None)
    assert outcome_of(told(force=True)) == (False, "succeeded", "succeeded")
    assert (outcome_of(told()), told.times_scheduled) == ((False, "succeeded", "succeeded"), 3)


def test_a_dry_run_that_an_error_stopped_imported_nothing_and_is_tried_again(told: Told) -> None:
    told.sandbox.configure("haplo", breaks_after=1)
    result = told(dry_run=True)

    assert outcome_of(result) == (True, "failed", "failed")
    assert "partly" not in result["msg"]
    told.sandbox.configure("haplo", breaks_after=None)
    again = told(dry_run=True)
    assert outcome_of(again) == (False, "succeeded", "succeeded")
    assert (only(again)["reason"], told.times_scheduled) == ("retried", 2)
    assert only(again)["remote_id"] != only(result)["remote_id"]


def test_going_back_to_what_was_imported_before_a_state_that_was_stopped_is_an_import(told: Told) -> None:
    before, after = told.people({"last": "Before"}), None
    assert outcome_of(told(files=before, feed="people"))[1] == "succeeded"
    after = told.people({"last": "After"}, {"last": "Another"})
    told.sandbox.configure("haplo", breaks_after=1)
    assert outcome_of(told(files=after, feed="people"))[1] == "failed"
    told.sandbox.configure("haplo", breaks_after=None)

    back = told(files=told.people({"last": "Before"}), feed="people")
    assert (outcome_of(back), back["changed"], only(back)["reason"]) == ((False, "succeeded", "succeeded"), True, "new")


def test_errors_that_were_seen_are_judged_without_another_look(told: Told) -> None:
    options: dict[str, Any] = {"control": str(told.erring), "files": told.with_errors}
    first = told(**options)
    looks = len(told.looks)
    told.sandbox.fault("status", operation="outcome", status=500, times=None)
    told.sandbox.fault("html", operation="batches", times=None, body="<p>Another page</p>")

    for check in (True, False):
        for allowed, is_failure in ((ABSENT, True), (1, True), (2, False)):
            again = told(**options, allow_errors=allowed, check=check)
            assert (outcome_of(again), again["changed"]) == ((is_failure, "incomplete", "incomplete"), False)
            assert (only(again)["message"], only(again)["server"]) == (only(first)["message"], only(first)["server"])
    assert (len(told.looks), told.times_scheduled) == (looks, 1)


# A batch that is not what it was scheduled as.


def test_a_batch_that_is_not_scheduled_any_more_failed_and_is_scheduled_by_the_next_run(told: Told) -> None:
    """As where Haplo was restored from a backup of a moment before."""
    told.sandbox.clock(speed=0)
    told.sandbox.configure("haplo", page_changes=[{"find": "<td>scheduled<", "put": "<td>uploading<"}])
    result = told()

    assert outcome_of(result) == (True, "failed", "failed")
    assert "it is no longer scheduled, as where Haplo was restored from a backup" in result["msg"]
    told.sandbox.configure("haplo", page_changes=[])
    told.sandbox.clock(speed=1000)
    again = told()
    assert (outcome_of(again), only(again)["reason"]) == ((False, "succeeded", "succeeded"), "retried")
    assert told.steps.count("batch") == 2  # before and after the control file
    assert only(again)["remote_id"] == only(result)["remote_id"]


def test_an_import_that_ended_as_a_dry_run_failed_and_is_imported_by_the_next_run(told: Told) -> None:
    told.sandbox.configure("haplo", page_changes=[{"find": "<td>complete", "put": "<td>dry-run"}])
    result = told()

    assert outcome_of(result) == (True, "failed", "failed")
    assert "somebody else has scheduled its batch: nothing was imported." in result["msg"]
    told.sandbox.configure("haplo", page_changes=[])
    again = told()
    assert (outcome_of(again), told.times_scheduled) == ((False, "succeeded", "succeeded"), 2)
    assert only(again)["remote_id"] != only(result)["remote_id"]


def test_a_dry_run_that_was_imported_is_a_failure_until_somebody_says_otherwise(told: Told) -> None:
    told.sandbox.configure("haplo", page_changes=[{"find": "<td>dry-run", "put": "<td>complete"}])
    for number in range(2):
        result = told(dry_run=True)
        assert (outcome_of(result), result["changed"]) == ((True, "failed", "failed"), number == 0)
        assert "it was imported, and not only tried" in result["msg"]
    assert told.times_scheduled == 1


# What cannot be told.

UNTOLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a wrong key": ({"outcome_api_key": WRONG_KEY}, {}),
    "the key that imports": ({"outcome_api_key": "api_key"}, {}),
    "a key for another path": ({"outcome_api_key": ELSEWHERE_KEY}, {}),
    "a user who may not": ({"outcome_api_key": OUTSIDER_KEY}, {}),
    "a user who is blocked": ({"outcome_api_key": BLOCKED_KEY}, {}),
    "a column of another name": ({}, {"page_changes": [{"find": "<th>Errors</th>", "put": "<th>Faults</th>"}]}),
    "a word for a state that is not known": (
        {},
        {"page_changes": [{"find": "<td>complete", "put": "<td>finished"}]},
    ),
    "another batch on the page": (
        {},
        {"page_changes": [{"find": "<th>Identifier</th><td>", "put": "<th>Identifier</th><td>A"}]},
    ),
    "too little of the identifier in the list": ({}, {"shown_characters": 5}),
}


@pytest.mark.parametrize("case", UNTOLD)
def test_what_the_pages_do_not_tell_stays_scheduled_with_a_warning_and_is_asked_for_by_the_next_run(
    told: Told, case: str
) -> None:
    options, settings = UNTOLD[case]
    if options.get("outcome_api_key") == "api_key":
        options = {"outcome_api_key": told.sandbox.haplo_api_key}
    told.sandbox.configure("haplo", **settings)
    result = told(**options)

    assert outcome_of(result) == (False, "scheduled", "scheduled")
    (batch,) = told.scheduled
    assert f"Batch {batch.identifier} is scheduled; what became of it could not be read: " in warnings(result)
    assert f"begins with {batch.identifier[:10]}: {told.sandbox.haplo_url}/do/" in only(result)["message"]
    finished_at = only(result)["finished_at"]

    again = told(**options)
    assert (outcome_of(again), again["changed"], told.times_scheduled) == ((False, "scheduled", "scheduled"), False, 1)
    assert only(again)["finished_at"] == finished_at
    told.sandbox.configure("haplo", page_changes=[], shown_characters=10)
    later = told()
    assert (outcome_of(later), later["changed"]) == ((False, "succeeded", "succeeded"), False)
    assert (only(later)["reason"], told.times_scheduled) == ("resumed", 1)


def test_after_the_first_refusal_of_the_key_nothing_more_is_asked_in_a_run(told: Told) -> None:
    batches: list[dict[str, Any]] = [
        {"control": str(told.control), "files": [told.file("people", name), told.file("guests")]}
        for name in ("Ann", "Ben", "Cid")
    ]
    for number, batch in enumerate(batches):
        path = told.folder / f"people-{number}.json"
        path.write_text(json.dumps([{"last": str(number)}]))
        batch["files"][0]["src"] = str(path)
    result = told(control=ABSENT, files=ABSENT, batches=batches, outcome_api_key=WRONG_KEY)

    assert (result.get("failed", False), {one["state"] for one in result["imports"]}) == (False, {"scheduled"})
    assert told.looks == ["batches"]


@pytest.mark.parametrize("stays", ["scheduled", "running"])
def test_a_batch_without_an_end_is_waited_for_and_then_not_told(told: Told, stays: str) -> None:
    told.sandbox.configure("haplo", stays=stays)
    result = told(wait_timeout=0.5)

    assert outcome_of(result) == (True, "scheduled", "scheduled")
    assert "not finished after 0.5 s of waiting (wait_timeout)" in result["msg"]
    assert f"its page still says '{stays}', so how it ends is not known yet" in result["msg"]
    assert only(result)["server"]["url"] in result["msg"]
    again = told(wait_timeout=0.5)
    assert (outcome_of(again), again["changed"], told.times_scheduled) == ((True, "scheduled", "scheduled"), False, 1)


def test_trouble_while_it_is_waited_for_is_borne(told: Told) -> None:
    told.sandbox.fault("status", operation="outcome", status=500, times=5)
    assert outcome_of(told()) == (False, "succeeded", "succeeded")


def test_pages_that_stay_away_are_a_failure_and_the_batch_scheduled(told: Told) -> None:
    told.sandbox.fault("status", operation="batches", status=500, times=1000)
    result = told(unreachable_timeout=0.2)

    assert outcome_of(result) == (True, "scheduled", "scheduled")
    assert "HTTP 500" in result["msg"]
    told.sandbox.clear_faults()
    assert (outcome_of(told()), told.times_scheduled) == ((False, "succeeded", "succeeded"), 1)


# Runs with and without the key, and without waiting.


def test_without_waiting_it_is_submitted_and_the_next_run_tells(told: Told) -> None:
    first, again = told(wait=False), told()

    assert (outcome_of(first), first["changed"], told.times_scheduled) == ((False, "submitted", "submitted"), True, 1)
    assert (outcome_of(again), again["changed"]) == ((False, "succeeded", "succeeded"), False)
    assert only(again)["reason"] == "resumed"


def test_what_was_scheduled_without_the_key_is_looked_at_with_it(told: Told) -> None:
    assert outcome_of(told(outcome_api_key=ABSENT)) == (False, "scheduled", "scheduled")
    checked, later = told(check=True), told()

    assert (outcome_of(checked), checked["changed"]) == ((False, "succeeded", "succeeded"), False)
    assert (outcome_of(later), later["changed"], told.times_scheduled) == ((False, "succeeded", "succeeded"), False, 1)
    assert outcome_of(told(outcome_api_key=ABSENT)) == (False, "succeeded", "succeeded")


def test_what_is_waited_for_with_the_key_is_scheduled_without_it(told: Told) -> None:
    told(wait=False)
    result = told(outcome_api_key=ABSENT)

    assert (outcome_of(result), result["changed"]) == ((False, "scheduled", "scheduled"), False)
    assert "Batch import jobs" in only(result)["message"]


def test_errors_that_were_seen_stay_a_failure_without_the_key(told: Told) -> None:
    options: dict[str, Any] = {"control": str(told.erring), "files": told.with_errors}
    told(**options)
    result = told(**options, outcome_api_key=ABSENT)

    assert (outcome_of(result), told.times_scheduled) == ((True, "incomplete", "incomplete"), 1)
    assert "2 errors" in result["msg"]


def test_of_standard_batches_no_page_is_known(told: Told) -> None:
    standard: dict[str, Any] = {
        "kind": "example-standard-api",
        "api_key": told.sandbox.haplo_standard_api_key,
        "control": ABSENT,
    }
    files = [told.file("people"), {**told.file("guests"), "name": "visitors"}]
    result = told(**standard, files=files)

    assert (outcome_of(result), told.looks) == ((False, "scheduled", "scheduled"), [])
    assert "outcome_api_key is of no use with kind" in warnings(result)


def test_what_is_adopted_with_the_key_has_no_page_to_look_at(told: Told) -> None:
    told(adopt=True, outcome_api_key=ABSENT)
    assert (outcome_of(told()), told.sent()) == ((False, "scheduled", "scheduled"), [])


def test_check_mode_tries_the_key_and_sends_nothing(told: Told) -> None:
    good, bad = told(check=True), told(check=True, outcome_api_key=WRONG_KEY)

    assert outcome_of(good) == outcome_of(bad) == (False, "planned", "planned")
    assert not warnings(good)
    assert "What became of batches cannot be read" in warnings(bad)
    assert (told.held.batches, told.looks) == ((), ["batches", "batches"])


def test_what_the_key_does_not_tell_is_named_with_the_reason_and_nothing_else_is(told: Told) -> None:
    assert told(outcome_api_key=ABSENT)["untold"] == []
    (untold,) = told(outcome_api_key=WRONG_KEY)["untold"]
    assert untold.startswith(f"{told.control}: Batch ")
    assert "could not be read" in untold
    assert told()["untold"] == told(batches=[], control=ABSENT, files=ABSENT)["untold"] == []

    told.sandbox.configure("haplo", stays="running")
    (untold,) = told(wait=False, force=True)["untold"]
    assert untold.endswith("it was not waited for.")
    assert len(told(wait=False)["untold"]) == 1
    assert told(check=True)["untold"] == []  # as a run waits for it
    assert told(feed="adopted", adopt=True)["untold"] == told(feed="adopted")["untold"] == []
