# SPDX-License-Identifier: GPL-3.0-or-later
"""Emptying a library of Lifecycle Manager."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    ImportsError,
    NotSent,
    OutcomeUnknown,
    Refused,
    StoreError,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.emptying import Emptying

from .setting import GENERIC, IN_TROUBLE, Reply, Setting, answer, library


def emptying(clear_events: bool = False, **answers: Any) -> tuple[Setting, Emptying]:
    setting = Setting(**answers)
    found = Emptying(setting.library, clear_events=clear_events, clock=setting.time.clock)
    found.read()
    return setting, found


def failure_of(emptying: Emptying) -> str:
    """Why it failed, in words."""
    assert emptying.failure is not None
    return emptying.failure.message


@pytest.mark.parametrize(
    ("status", "clear_events", "is_empty"),
    [
        (library(0, 0, 0), False, True),
        (library(0, 3, 0), False, True),
        (library(0, 3, 0), True, False),
        (library(0, 0, 0), True, True),
        (library(1, 0, 0), False, False),
        (library(0, 0, 1), False, False),
    ],
)
def test_a_library_is_empty_without_assets_requests_and_events_if_they_matter(
    status: Answer, clear_events: bool, is_empty: bool
) -> None:
    assert emptying(clear_events, getlibrarystatus=status)[1].is_empty == is_empty


def test_a_library_that_does_not_tell_what_it_holds_is_not_cleared() -> None:
    with pytest.raises(ImportsError, match="activeRequests"):
        emptying(getlibrarystatus=answer({"catalogAssets": 3}))
    with pytest.raises(ImportsError, match="pendingEvents"):
        emptying(clear_events=True, getlibrarystatus=answer({"catalogAssets": 3, "activeRequests": 3}))


@pytest.mark.parametrize("clear_events", [False, True])
def test_clearing_is_asked_for_once_and_looked_after(clear_events: bool) -> None:
    full, empty = library(1, 1, 5), library(0, 0, 0)
    setting, found = emptying(clear_events, getlibrarystatus=[full, full, full, empty], clearassets=answer("", 200, ""))
    found.clear(300)
    assert (found.is_empty, found.changed, found.failure) == (True, True, None)
    assert setting.talk.asked.count("clearassets") == 1
    assert setting.talk.queries[1] == ({"clearevents": "true"} if clear_events else {})
    assert (found.before["catalog_assets"], found.after["catalog_assets"]) == (5, 0)


def test_a_library_that_stays_full_is_reported() -> None:
    setting, found = emptying(getlibrarystatus=library(1, 1, 5), clearassets=answer("", 200, ""))
    found.clear(300)
    assert found.changed
    assert "catalogAssets 5, activeRequests 1" in failure_of(found)
    assert sum(setting.time.pauses) == pytest.approx(300)


def test_a_lost_answer_to_clearing_is_settled_by_reading() -> None:
    lost = OutcomeUnknown("the answer was lost")
    _unused, found = emptying(getlibrarystatus=[library(), library(0, 0, 0)], clearassets=lost)
    found.clear(300)
    assert (found.changed, found.failure) == (True, None)
    _unused, found = emptying(getlibrarystatus=library(), clearassets=lost)
    found.clear(300)
    assert "the answer was lost" in failure_of(found)
    assert "catalogAssets 5" in failure_of(found)


def test_a_server_error_in_words_is_not_waited_for() -> None:
    words = OutcomeUnknown("HTTP 500: no.", answer("no", 500, "text/plain"))
    setting, found = emptying(getlibrarystatus=library(), clearassets=words)
    found.clear(300)
    assert failure_of(found).startswith("HTTP 500: no.")
    assert setting.time.pauses == []


@pytest.mark.parametrize("unread", [Refused("no", answer("no", 401)), IN_TROUBLE])
def test_a_library_that_cannot_be_read_any_more_is_reported(unread: Reply) -> None:
    _unused, found = emptying(getlibrarystatus=[library(), unread], clearassets=answer("", 200, ""))
    found.clear(300)
    assert found.changed
    assert "could not be read" in failure_of(found)


@pytest.mark.parametrize("error", [Refused("no", answer("no", 401)), NotSent("nobody there", unreachable=True)])
def test_a_refused_clearing_changes_nothing(error: ImportsError) -> None:
    _unused, found = emptying(getlibrarystatus=library(), clearassets=error)
    with pytest.raises(ImportsError) as raised:
        found.clear(300)
    assert raised.value.message.endswith("Nothing was removed.")
    assert not found.changed


@pytest.mark.parametrize(
    ("cleared", "after", "is_gone"),
    [
        (answer("", 200, ""), library(0, 0, 0), True),
        (answer("", 200, ""), library(), True),
        (answer("", 200, ""), IN_TROUBLE, True),
        (OutcomeUnknown("lost"), library(0, 0, 0), True),
        (OutcomeUnknown("lost"), library(3, 0, 0), True),
        (OutcomeUnknown("lost"), library(), False),
        (OutcomeUnknown("lost"), IN_TROUBLE, False),
        (OutcomeUnknown("lost"), Refused("no", answer("no", 401)), False),
    ],
)
def test_what_was_imported_is_gone_when_that_was_accepted_or_is_seen(
    cleared: Reply, after: Reply, is_gone: bool
) -> None:
    told: list[bool] = []
    _unused, found = emptying(getlibrarystatus=[library(), after], clearassets=cleared)
    found.clear(1, lambda: told.append(True))
    assert (found.assets_are_gone, told) == (is_gone, [True] * is_gone)


def test_a_store_that_cannot_be_told_of_the_clearing_is_trouble() -> None:
    def refuse() -> None:
        raise StoreError("The receipt store x could not be written: disk full.")

    _unused, found = emptying(getlibrarystatus=[library(), library(0, 0, 0)], clearassets=answer("", 200, ""))
    found.clear(1, refuse)
    assert found.changed
    assert "disk full" in failure_of(found)


@pytest.mark.parametrize("words", GENERIC)
def test_what_only_a_gateway_says_to_a_clearing_is_waited_for(words: str) -> None:
    lost = OutcomeUnknown("HTTP 500", answer(words, 500, "text/plain"))
    statuses = [library(), library(), library(), library(0, 0, 0)]
    _unused, found = emptying(getlibrarystatus=statuses, clearassets=lost)
    found.clear(300)
    assert found.failure is None


def test_what_clearing_would_leave_is_reckoned() -> None:
    for clear_events, events in ((False, 2), (True, 0)):
        _unused, found = emptying(clear_events, getlibrarystatus=library(1, 2, 5))
        found.predict()
        assert (found.after["catalog_assets"], found.after["pending_events"]) == (0, events)
        assert (found.before["catalog_assets"], found.changed) == (5, True)
