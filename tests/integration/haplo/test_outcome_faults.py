# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks while the outcome of a batch is waited for: it is borne, or told, and never costs or makes a batch.

There are two pages, the list of batches and that of one. A page that could not be read yet may be of a form that nobody
knows, so that is a warning, and so is one of Haplo's that is of another form than before, or refuses the key. Another
page in the place of one that could be read before is trouble, which passes or is a failure in the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ..faults import case
from ..lies import LOGIN_PAGE
from ..support import QUICK, assert_failed, only
from .driver import Told, assert_one_whole_batch, outcome_of, warnings
from .test_faults import NO_ANSWER, NO_TELLING, REFUSALS, run

pytestmark = pytest.mark.usefixtures("quick_retries")


@dataclass(frozen=True)
class Place:
    """Where a fault hits: a page, and whether the page of the batch could be read before."""

    operation: str
    is_known: bool

    def prepare(self, told: Told) -> None:
        """A batch that was scheduled and not waited for, or seen while it waited."""
        told.sandbox.clock(speed=0)
        assert told(wait=False)["state"] == "submitted"
        if self.is_known:
            assert outcome_of(told(wait=False)) == (False, "running", "running")
        told.sandbox.clock(speed=QUICK)


LIST, FOUND, KNOWN = Place("batches", False), Place("outcome", False), Place("outcome", True)
PLACES = {"list": LIST, "page that was found": FOUND, "page that was read before": KNOWN}
BARE_LIST = "<h1>Batch import jobs</h1>"
PAGES = [
    case("truncate", body="<html><body>" + "x" * 64),
    case("status", status=200, content_type="text/html", headers={"Content-Encoding": "br"}, body="x"),
    case("status", status=200, content_type="text/html; charset=utf-16", body=BARE_LIST),
]
"""More than what steps are answered with."""
SAMPLE = [
    *(case("drop"), case("hold"), *PAGES[:2], case("redirect"), case("html", body=LOGIN_PAGE)),
    case("html", body="<h1>Back at nine</h1>"),
    *(case("status", status=status) for status in (403, 404, 408, 500)),
]
"""Of each kind."""
FAULTS = [*NO_ANSWER, *NO_TELLING, *PAGES, *REFUSALS, case("status", status=429, headers={"Retry-After": "0"})]


def is_no_answer(fault: dict[str, Any]) -> bool:
    """Whether nothing came that could be read, or it says that the server is in trouble."""
    return fault["action"] in ("drop", "truncate", "garbage", "hold") or (
        fault.get("status", 200) in (408, 429) or fault.get("status", 200) >= 500 or fault.get("seconds", 0) > 0.1
    )


def is_final(fault: dict[str, Any]) -> bool:
    """Whether it is of no use to ask again at once."""
    is_refusal = 300 <= fault.get("status", 302 if fault["action"] == "redirect" else 200) < 500
    return (is_refusal and not is_no_answer(fault)) or fault.get("body") in (LOGIN_PAGE, BARE_LIST)


def expected(fault: dict[str, Any], place: Place, *, is_lasting: bool) -> tuple[bool, str]:
    """Whether the run fails, and the state that it tells."""
    if fault.get("status") in (401, 403) or fault.get("body") == LOGIN_PAGE:  # Haplo says that it is of no use
        return False, "scheduled"
    if not is_lasting and (place.is_known or not is_final(fault)):
        return False, "succeeded"
    return place.is_known or is_no_answer(fault), "scheduled"


def assert_told(told: Told, result: dict[str, Any], has_failed: bool, state: str) -> None:
    """It is as expected, with a message or a warning for a person, and the next run knows all and sends nothing."""
    assert outcome_of(result) == (has_failed, state, state)
    assert (result["changed"], told.times_scheduled) == (False, 1)
    if has_failed:
        assert_failed(result, "/do/haplo-data-import-batch/batch")
    elif state == "scheduled":
        assert "what became of it could not be read" in warnings(result)
        assert "Batch import jobs" in only(result)["message"]
    again = told()
    assert (outcome_of(again), again["changed"]) == ((False, "succeeded", "succeeded"), False)
    assert told.times_scheduled == 1
    assert_one_whole_batch(told)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        pytest.param(fault.values[0], place, id=f"{fault.id}-{place}")
        for place in PLACES
        for fault in (FAULTS if place == "page that was read before" else SAMPLE)
    ],
)
def test_trouble_that_passes_is_borne(told: Told, fault: dict[str, Any], place: str) -> None:
    PLACES[place].prepare(told)
    told.sandbox.fault(operation=PLACES[place].operation, **{"when": "after_work", **fault})

    result = run(told, fault)

    assert_told(told, result, *expected(fault, PLACES[place], is_lasting=False))


@pytest.mark.parametrize("place", ["list", "page that was read before"])
@pytest.mark.parametrize("fault", SAMPLE)
def test_trouble_that_lasts_is_reported_and_nothing_is_lost(told: Told, fault: dict[str, Any], place: str) -> None:
    PLACES[place].prepare(told)
    told.sandbox.fault(operation=PLACES[place].operation, times=None, **{"when": "after_work", **fault})

    result = run(told, fault, unreachable_timeout=0.1)

    assert_told(told, result, *expected(fault, PLACES[place], is_lasting=True))


def test_pages_that_take_their_time_are_waited_for(told: Told) -> None:
    for page in ("batches", "outcome"):
        told.sandbox.fault("delay", operation=page, when="before_body", seconds=0.2)
    assert outcome_of(told(timeout=30)) == (False, "succeeded", "succeeded")
    assert told.times_scheduled == 1


def test_a_key_that_is_refused_while_a_batch_is_waited_for_is_tried_once(told: Told) -> None:
    """As where another job on this host tried fifty wrong ones."""
    KNOWN.prepare(told)
    told.sandbox.fault("status", operation="outcome", status=403, times=None)
    asked = len(told.looks)

    result = told()

    assert outcome_of(result) == (False, "scheduled", "scheduled")
    assert len(told.looks) - asked == 1
    assert "The API key was refused" in warnings(result)


@pytest.mark.parametrize("fault", [case("html", body="<h1>Down</h1>"), case("status", status=500)])
@pytest.mark.parametrize("place", ["list", "page that was read before"])
def test_one_look_says_the_same_and_check_mode_foretells_it(told: Told, fault: dict[str, Any], place: str) -> None:
    PLACES[place].prepare(told)
    told.sandbox.fault(operation=PLACES[place].operation, times=None, **fault)

    check, real = told(check=True, wait=False), told(wait=False)

    state = expected(fault, PLACES[place], is_lasting=True)
    assert [(bool(one.get("failed")), one["state"]) for one in (check, real)] == [state, state]
    told.sandbox.clear_faults()
    assert_told(told, real, *state)


def test_pages_that_are_away_do_not_keep_check_mode_from_foretelling(told: Told) -> None:
    told.sandbox.fault("status", operation="batches", status=500, times=None)
    result = told(check=True)

    assert (outcome_of(result), result["changed"]) == ((False, "planned", "planned"), True)
    assert "What became of batches cannot be read: " in warnings(result)
    assert "HTTP 500" in warnings(result)
