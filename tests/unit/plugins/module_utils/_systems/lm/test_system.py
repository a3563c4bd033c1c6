# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager: what a poll sees, when an import is over, and whether the library has it still."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    Outage,
    PollResult,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.link import link_to
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.system import SuccessCriteria

from .setting import (
    GENERIC,
    IN_TROUBLE,
    IN_WORDS,
    RUN,
    URL,
    WITHOUT_WORDS,
    Reply,
    Setting,
    answer,
    bad_row,
    count,
    library,
    submit,
    taken,
    wanted,
)


def test_what_is_not_submitted_is_scheduled_and_not_followed(content: Content) -> None:
    accepted = submit(Setting(taking=taken()), content, submit=False)
    assert (accepted.state, accepted.remote_id) == ("scheduled", RUN)
    assert "submit is false" in accepted.message
    for allowed in (False, True):
        setting = Setting(SuccessCriteria(allow_parsing_errors=allowed), taking=taken(RUN, bad_row(), errors=True))
        accepted = submit(setting, content, submit=False)
        assert (accepted.state, accepted.is_acceptable) == ("incomplete", allowed)
        again = setting.another_run(SuccessCriteria(allow_parsing_errors=not allowed)).poll(RUN, accepted.notes)
        assert (again.state, again.is_acceptable) == ("incomplete", not allowed)
        assert setting.talk.asked == ["import"]


# What a poll sees.


def test_a_poll_asks_for_the_run_by_its_id() -> None:
    setting = Setting(getimportstatus=count(0), getlibrarystatus=library())
    found = setting.system.poll("a b&c", {})
    assert setting.talk.queries[0] == {"runid": "a b&c"}
    assert (found.state, found.message) == ("succeeded", "")
    assert found.server["status"] == {"unpublished-assets": 0}
    assert found.server["library"]["catalogAssets"] == 5


@pytest.mark.parametrize("number", [-1, 1, 12000])
def test_what_is_not_counted_or_not_published_is_running(number: int) -> None:
    assert Setting(getimportstatus=count(number)).system.poll(RUN, {}).state == "running"


NO_COUNTS: list[Any] = [None, "0", True, False, 0.0, -2, [], {}, [0]]


@pytest.mark.parametrize(
    "body",
    [
        *[{"unpublished-assets": no_count} for no_count in NO_COUNTS],
        *({}, [], 0, None, "", "0", {"unpublished": 0}, {"unpublished-assets-total": 0}),
        *('{"unpublished-assets": 0', "<html><title>0</title></html>"),
    ],
)
def test_what_is_no_status_tells_nothing(body: Any) -> None:
    with pytest.raises(Outage):
        Setting(getimportstatus=answer(body)).system.poll(RUN, {})


def polls(setting: Setting, notes: Mapping[str, Any], *pauses: float) -> list[PollResult]:
    """Polls with so many seconds before each, each with what the one before noted, kept as JSON."""
    found = []
    for pause in pauses:
        if pause:
            setting.time.sleep(pause)
        found.append(setting.system.poll(RUN, notes))
        kept = found[-1].notes
        notes = notes if kept is None else json.loads(json.dumps(kept))
    return found


def test_a_count_that_stands_still_for_the_settle_time_is_incomplete() -> None:
    setting = Setting(getimportstatus=[count(-1), count(5), count(3)])
    found = polls(setting, {}, 0, 10, 30, 40, 19, 1, 1)
    assert [one.state for one in found] == ["running"] * 5 + ["incomplete"] * 2
    assert "3 assets are not published" in found[-1].message
    assert not found[-1].is_acceptable


def test_a_busy_library_is_waited_for_and_a_constant_one_is_not() -> None:
    busy = [library(5, 5), library(4, 5), library(4, 4), library(4, 3)]
    setting = Setting(getimportstatus=count(2), getlibrarystatus=busy)
    found = polls(setting, {}, 0, *[40] * 6)
    assert [one.state for one in found] == ["running"] * 6 + ["incomplete"]


@pytest.mark.parametrize("unreadable", [Refused("no", answer("", 401)), IN_TROUBLE, answer("?"), answer({})])
def test_a_library_that_cannot_be_read_holds_nothing_up(unreadable: Reply) -> None:
    setting = Setting(getimportstatus=count(2), getlibrarystatus=unreadable)
    assert [one.state for one in polls(setting, {}, 0, 30, 30)] == ["running", "running", "incomplete"]
    setting = Setting(getimportstatus=count(0), getlibrarystatus=unreadable)
    assert setting.system.poll(RUN, {}).state == "succeeded"


def test_a_refused_question_for_the_library_is_not_asked_again() -> None:
    setting = Setting(getimportstatus=count(2))
    polls(setting, {}, *[5] * 6)
    assert setting.talk.asked.count("getlibrarystatus") == 1


def test_a_later_run_believes_a_count_that_has_stood_since_it_was_noted() -> None:
    setting = Setting(getimportstatus=[count(3)] * 4 + [count(2)])
    noted = polls(setting, {}, 0, 60)[-1].notes
    assert noted is not None
    setting.time.sleep(3600)
    again = setting.another_run(SuccessCriteria(allow_unpublished=True)).poll(RUN, noted)
    assert (again.state, again.is_acceptable) == ("incomplete", True)
    longer = setting.another_run(SuccessCriteria(settle_time=4000)).poll(RUN, noted)
    assert longer.state == "running"
    fewer = setting.another_run(SuccessCriteria()).poll(RUN, noted)
    assert (fewer.state, fewer.notes and fewer.notes["unpublished"]["count"]) == ("running", 2)


@pytest.mark.parametrize("since", ["2999-01-01T00:00:00.000Z", "yesterday", "", None])
def test_a_note_of_a_time_to_come_or_of_none_is_as_of_now(since: Any) -> None:
    setting = Setting(getimportstatus=count(3))
    assert setting.system.poll(RUN, {"unpublished": {"count": 3, "since": since}}).state == "running"


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("unpublished", [False, True])
def test_what_is_incomplete_for_two_reasons_has_to_be_allowed_twice(errors: bool, unpublished: bool) -> None:
    criteria = SuccessCriteria(errors, unpublished, settle_time=0)
    notes = {"has_errors": True, "answer": {"assetImportMessages": [bad_row()]}}
    found = Setting(criteria, getimportstatus=count(1)).system.poll(RUN, notes)
    assert (found.state, found.is_acceptable) == ("incomplete", errors and unpublished)
    assert "1 asset is not published" in found.message
    assert "line 1 is short" in found.message
    found = Setting(criteria, getimportstatus=count(0)).system.poll(RUN, notes)
    assert (found.state, found.is_acceptable) == ("incomplete", errors)


def test_a_zero_that_was_seen_is_judged_anew_without_asking_again() -> None:
    setting = Setting(getimportstatus=[count(0), count(4)])
    notes = {"has_errors": True, "answer": {"assetImportMessages": [bad_row()]}}
    (first,) = polls(setting, notes, 0)
    assert first.notes is not None
    again = setting.another_run(SuccessCriteria(allow_parsing_errors=True)).poll(RUN, first.notes)
    assert (again.state, again.is_acceptable, again.server) == ("incomplete", True, first.server)
    assert setting.talk.asked.count("getimportstatus") == 1


def test_a_server_that_still_says_at_the_end_that_it_has_no_status_is_believed() -> None:
    with pytest.raises(Outage) as caught:
        Setting(getimportstatus=[IN_WORDS]).system.poll(RUN, {})
    found = caught.value.conclusion
    assert found is not None
    assert found.state == "unknown"
    assert "no such run" in found.message


@pytest.mark.parametrize("words", GENERIC)
def test_what_only_a_gateway_says_at_the_end_is_not_believed(words: str) -> None:
    with pytest.raises(Outage) as caught:
        Setting(getimportstatus=Outage("GET x", answer(words, 500, "text/plain"))).system.poll(RUN, {})
    assert caught.value.conclusion is None


@pytest.mark.parametrize("trouble", [IN_TROUBLE, WITHOUT_WORDS, Outage("timed out"), answer("<html>?</html>")])
def test_any_other_trouble_is_only_an_outage(trouble: Reply) -> None:
    with pytest.raises(Outage) as caught:
        Setting(getimportstatus=[trouble]).system.poll(RUN, {})
    assert caught.value.conclusion is None


def test_a_refused_poll_is_reported() -> None:
    with pytest.raises(Refused, match="not for you"):
        Setting(getimportstatus=Refused("not for you", answer("", 401))).system.poll(RUN, {})


# Whether the library has it still.


EMPTY_LIBRARY = {"catalogAssets": 0, "activeRequests": 0}


def test_a_library_without_assets_is_evidence_of_loss() -> None:
    for notes in ({}, {"end": {"library": None}}, {"end": {"library": {"catalogAssets": 3, "activeRequests": 0}}}):
        setting = Setting(getlibrarystatus=[library(0, 0, 0), library()])
        assert "holds no assets" in setting.system.evidence_of_loss(notes)
        assert setting.system.evidence_of_loss(notes) == ""  # asked anew


@pytest.mark.parametrize("end", [{"library": EMPTY_LIBRARY}, {"is_submitted": False}])
def test_what_never_counted_is_not_asked_for(end: dict[str, Any]) -> None:
    setting = Setting(getlibrarystatus=library(0, 0, 0))
    assert setting.system.evidence_of_loss({"end": end}) == ""
    assert setting.talk.asked == []


@pytest.mark.parametrize("unread", [Refused("no", answer("", 401)), IN_TROUBLE, answer("?"), BadInput("no requests")])
def test_a_library_that_cannot_be_read_is_no_evidence_and_that_is_remarked(unread: Reply) -> None:
    system = Setting(getlibrarystatus=unread).system
    assert system.evidence_of_loss({"end": {}}) == ""
    assert "could not be read" in " ".join(system.remarks)
    assert Setting(getlibrarystatus=unread).system.evidence_of_loss({}) == ""


@pytest.mark.parametrize("assets", [None, "0", False, 0.0])
def test_a_status_without_a_number_of_assets_is_no_evidence(assets: Any) -> None:
    status = answer({"catalogAssets": assets, "activeRequests": 0})
    assert Setting(getlibrarystatus=status).system.evidence_of_loss({}) == ""


def test_a_zero_in_a_library_that_has_lost_its_assets_is_a_failure() -> None:
    for counts, statuses in (([count(3), count(0)], []), ([count(-1), count(0)], [library()]), ([count(0)], [])):
        setting = Setting(getimportstatus=counts, getlibrarystatus=[*statuses, library(0, 0, 0)])
        notes = {"held_assets": True} if len(counts) == 1 else {}
        last = polls(setting, notes, *[1] * len(counts))[-1]
        assert last.state == "failed"
        assert "holds no assets" in last.message


def test_a_zero_in_a_library_that_never_held_any_is_a_success_only_for_the_run_that_sent_it(content: Content) -> None:
    setting = Setting(taking=taken(), getimportstatus=count(0), getlibrarystatus=library(0, 0, 0))
    accepted = submit(setting, content)
    assert setting.another_run(SuccessCriteria()).poll(RUN, accepted.notes).state == "unknown"
    own = setting.system.poll(RUN, accepted.notes)
    assert own.state == "succeeded"
    assert own.notes is not None
    assert setting.another_run(SuccessCriteria()).evidence_of_loss(own.notes) == ""


def test_an_import_in_doubt_stays_in_doubt_when_others_bring_assets() -> None:
    setting = Setting(getimportstatus=count(0), getlibrarystatus=[library(0, 0, 0), library()])
    first, second = polls(setting, {}, 0, 1)
    assert (first.state, second.state) == ("unknown", "unknown")


# Whatever it counts.


SIGHTS = st.one_of(st.integers(-1, 4).map(count), st.just(IN_TROUBLE), st.just(IN_WORDS), st.just(answer("?")))


@contextmanager
def followed(setting: Setting, timeout: float = 5000) -> Iterator[Import]:
    """An import that was sent and followed to its end, or as long as there is patience."""
    store = open_store("none")
    pace = WaitOptions(timeout=timeout, max_pause=10, unreachable_timeout=300)
    try:
        importer = Importer(setting.system, store, Policy(once="latest"), pace, setting.time.clock)
        yield importer.run([wanted(link_to(URL, None))])[0]
    finally:
        store.close()


@given(
    sights=st.lists(SIGHTS, min_size=1, max_size=40),
    activity=st.lists(st.builds(library, st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=10),
    settle_time=st.sampled_from([0, 1, 60, 600]),
    has_bad_rows=st.booleans(),
)
def test_success_comes_only_after_a_zero_for_this_run_and_without_bad_rows(
    sights: list[Reply], activity: list[Reply], settle_time: float, has_bad_rows: bool
) -> None:
    rows = [bad_row()] if has_bad_rows else []
    seen: list[Any] = []
    setting = Setting(
        SuccessCriteria(settle_time=settle_time),
        taking=taken(RUN, *rows, errors=has_bad_rows),
        getimportstatus=sights,
        getlibrarystatus=activity,
    )
    plainly = setting.talk._next

    def watched(path: str) -> Answer:
        if not path.endswith("getimportstatus"):
            return plainly(path)
        seen.append((setting.time.moment, None))
        reply = plainly(path)
        if reply.text.startswith("{"):
            seen[-1] = (setting.time.moment, json.loads(reply.text)["unpublished-assets"])
        return reply

    setting.talk._next = watched  # type: ignore[method-assign]  # watched in place
    with followed(setting) as one:
        moment, last = seen[-1]
        zero = last == 0
        assert one.changed
        assert zero == (one.state in ("succeeded", "incomplete") and last is not None and not last)
        if one.state == "succeeded":
            assert zero
            assert not has_bad_rows
        elif one.state == "incomplete":
            assert one.has_failed
            numbers = [sight for sight in reversed(seen) if sight[1] is not None]
            stood_since = [when for when, _number in itertools.takewhile(lambda sight: sight[1] == last, numbers)][-1]
            assert (zero and has_bad_rows) or moment - stood_since >= settle_time
        else:
            assert one.state in ("running", "unknown")
            assert one.has_failed
    assert all(query in ({"runid": RUN}, None) for query in setting.talk.queries)


def test_what_was_seen_when_the_time_was_over_is_noted_for_the_next_run() -> None:
    setting = Setting(taking=taken(), getimportstatus=count(3))
    store = open_store("none")
    one = wanted(link_to(URL, None))
    for timeout, state in ((20, "running"), (20, "running"), (30, "incomplete")):
        pace = WaitOptions(timeout=timeout, max_pause=1, unreachable_timeout=300)
        system = setting.another_run(SuccessCriteria())
        (found,) = Importer(system, store, Policy(once="latest"), pace, setting.time.clock).run([one])
        assert found.state == state
    receipt = store.find([one.key])[one.key]
    assert (receipt.state, receipt.attempt) == ("incomplete", 1)
    assert receipt.notes["unpublished"]["count"] == 3
    store.close()
