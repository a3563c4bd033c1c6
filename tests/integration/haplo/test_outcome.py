# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a batch: told where there is a key for the pages of batches and they say so, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from ...sandbox.haplo.keys import OUTSIDER_KEY
from ..support import ABSENT, QUICK, only
from .driver import KIND, NEITHER, Told, exercises, outcome_of, warnings

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
@pytest.mark.parametrize(("allowed", "is_failure"), [(ABSENT, True), (2, False)])
def test_errors_in_the_log_are_shown_and_judged(told: Told, dry_run: bool, allowed: Any, is_failure: bool) -> None:
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


def test_a_batch_that_an_error_stopped_failed_and_is_not_sent_again_by_itself(told: Told) -> None:
    with told.configured(breaks_after=1):
        result = told()

    assert outcome_of(result) == (True, "failed", "failed")
    assert "may be partly imported" in result["msg"]
    assert "EXCEPTION: " in result["msg"]
    assert only(result)["changed"] is True

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
    with told.configured(breaks_after=1):
        assert outcome_of(told(files=told.people(a))) == (True, "failed", "failed")

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
    with told.configured(breaks_after=1):
        assert outcome_of(told(force=True)) == (True, "failed", "failed")
    for options in ({}, {"outcome_api_key": ABSENT}, {"once": "ever"}):
        again = told(**options)
        assert (outcome_of(again), again["changed"]) == ((True, "failed", "failed"), False)
        assert "may be partly imported" in again["msg"]
    assert outcome_of(told(force=True)) == (False, "succeeded", "succeeded")
    assert (outcome_of(told()), told.times_scheduled) == ((False, "succeeded", "succeeded"), 3)


def test_a_dry_run_that_an_error_stopped_imported_nothing_and_is_tried_again(told: Told) -> None:
    with told.configured(breaks_after=1):
        result = told(dry_run=True)

    assert outcome_of(result) == (True, "failed", "failed")
    assert "partly" not in result["msg"]
    again = told(dry_run=True)
    assert outcome_of(again) == (False, "succeeded", "succeeded")
    assert (only(again)["reason"], told.times_scheduled) == ("retried", 2)
    assert only(again)["remote_id"] != only(result)["remote_id"]


def test_errors_that_were_seen_are_judged_without_another_look(told: Told) -> None:
    options: dict[str, Any] = {"control": str(told.erring), "files": told.with_errors}
    first = told(**options)
    looks = len(told.looks)
    told.sandbox.fault("status", operation="outcome", status=500, times=None)
    told.sandbox.fault("html", operation="batches", times=None, body="<p>Another page</p>")

    for check in (True, False):
        for allowed, is_failure in (
            *((ABSENT, True), (False, True), (1, True)),
            *((2, False), ("3", False), (True, False)),
        ):
            again = told(**options, allow_errors=allowed, check=check)
            assert (outcome_of(again), again["changed"]) == ((is_failure, "incomplete", "incomplete"), False)
            for name in ("message", "server", "finished_at"):
                assert only(again)[name] == only(first)[name]
    assert (len(told.looks), told.times_scheduled) == (looks, 1)


# A batch that is not what it was scheduled as.


def test_a_batch_that_is_not_scheduled_any_more_failed_and_is_scheduled_by_the_next_run(told: Told) -> None:
    """As where Haplo was restored from a backup of a moment before."""
    told.sandbox.clock(speed=0)
    with told.configured(page_changes=[{"find": "<td>scheduled<", "put": "<td>uploading<"}]):
        result = told()

    assert outcome_of(result) == (True, "failed", "failed")
    assert "it is no longer scheduled, as where Haplo was restored from a backup" in result["msg"]
    told.sandbox.clock(speed=QUICK)
    again = told()
    assert (outcome_of(again), only(again)["reason"]) == ((False, "succeeded", "succeeded"), "retried")
    assert told.steps.count("batch") == 2  # before and after the control file
    assert only(again)["remote_id"] == only(result)["remote_id"]


def test_an_import_that_ended_as_a_dry_run_failed_and_is_imported_by_the_next_run(told: Told) -> None:
    with told.configured(page_changes=[{"find": "<td>complete", "put": "<td>dry-run"}]):
        result = told()

    assert outcome_of(result) == (True, "failed", "failed")
    assert "somebody else has scheduled its batch: nothing was imported." in result["msg"]
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
    "a user who may not": ({"outcome_api_key": OUTSIDER_KEY}, {}),
    "a column of another name": ({}, {"page_changes": [{"find": "<th>Errors</th>", "put": "<th>Faults</th>"}]}),
    "another batch on the page": ({}, {"page_changes": [{"find": "er</th><td>", "put": "er</th><td>A"}]}),
}


@pytest.mark.parametrize("case", UNTOLD)
def test_what_the_pages_do_not_say_is_asked_for_by_the_next_run(told: Told, case: str) -> None:
    options, settings = UNTOLD[case]
    with told.configured(**settings):
        result, again = told(**options), told(**options)

    assert outcome_of(result) == (False, "scheduled", "scheduled")
    (batch,) = told.scheduled
    assert f"Batch {batch.identifier} is scheduled; what became of it could not be read: " in warnings(result)
    assert f"begins with {batch.identifier[:10]}: {told.sandbox.haplo_url}/do/" in only(result)["message"]
    assert (outcome_of(again), again["changed"]) == ((False, "scheduled", "scheduled"), False)
    assert only(again)["finished_at"] == only(result)["finished_at"]
    later = told()
    assert (outcome_of(later), later["changed"]) == ((False, "succeeded", "succeeded"), False)
    assert (only(later)["reason"], told.times_scheduled) == ("resumed", 1)


def test_after_the_first_refusal_of_the_key_nothing_more_is_asked_in_a_run(told: Told) -> None:
    batches: list[dict[str, Any]] = [
        {"control": str(told.control), "files": [{**told.file(name), "name": "people"}, told.file("guests")]}
        for name in ("Ann", "Ben", "Cid")
    ]
    result = told(**NEITHER, batches=batches, outcome_api_key=WRONG_KEY)

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


# Runs with and without the key, and without waiting.


def test_of_standard_batches_no_page_is_known(told: Told) -> None:
    result = told(kind=KIND, api_key=told.sandbox.haplo_standard_api_key, control=ABSENT)

    assert (outcome_of(result), told.looks) == ((False, "scheduled", "scheduled"), [])
    assert "outcome_api_key is of no use with kind" in warnings(result)


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
    assert told()["untold"] == told(batches=[], **NEITHER)["untold"] == []

    told.sandbox.configure("haplo", stays="running")
    (untold,) = told(wait=False, force=True)["untold"]
    assert untold.endswith("it was not waited for.")
    assert len(told(wait=False)["untold"]) == 1
    assert told(check=True)["untold"] == []  # as a run waits for it
    assert told(feed="adopted", adopt=True)["untold"] == told(feed="adopted")["untold"] == []
