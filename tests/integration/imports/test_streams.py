# SPDX-License-Identifier: GPL-3.0-or-later
"""The same content under several names and in several feeds, over HTTP.

All sequences of runs stand in the unit tests of the importer; these are those that people make.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...sandbox.handle import Sandbox
from ..exercised import exercises
from ..haplo.driver import PLAIN, STANDARD, Haplo, in_both
from ..lm.driver import Lm
from ..support import QUICK, Licstat, Logs


def changed(*results: dict[str, Any]) -> list[bool]:
    assert not any(result.get("failed") for result in results), results
    return [result["changed"] for result in results]


def test_an_archive_under_the_name_of_the_next_night_is_imported_once_more_and_then_no_more(lm: Lm) -> None:
    tonight = lm.archive("assets-11-24.zip")
    tomorrow = lm.write("assets-11-25.zip", tonight.read_bytes())
    nights = [tonight, tonight, tomorrow, tomorrow, tomorrow]
    assert changed(*[lm(night) for night in nights]) == [True, False, True, False, False]
    assert len(lm.asked("import")) == 2


@exercises("feed", of="lm_import")
def test_an_archive_that_gets_a_feed_later_is_imported_once_into_it(lm: Lm) -> None:
    archive = lm.archive()
    feeds: list[dict[str, Any]] = [{}, {"feed": "nightly"}, {"feed": "nightly"}, {}, {"feed": "weekly"}, {}]
    assert changed(*[lm(archive, **feed) for feed in feeds]) == [True, True, False, False, True, False]


@exercises("once", of="lm_import")
def test_once_for_ever_it_is_imported_under_no_other_name(lm: Lm) -> None:
    first = lm.archive("assets-11-24.zip")
    second = lm.write("assets-11-25.zip", first.read_bytes())
    assert changed(lm(first, once="ever"), lm(second, once="ever"), lm(second, feed="nightly", once="ever")) == [
        True,
        False,
        False,
    ]


def test_going_back_to_an_earlier_state_is_an_import_again_in_each_stream(lm: Lm) -> None:
    first, second = (lm.archive(f"{name}.zip") for name in ("first", "second"))
    a, b = first.read_bytes(), second.read_bytes()
    runs = [("first.zip", a), ("second.zip", a), ("second.zip", b), ("first.zip", a), ("second.zip", a)]
    results = [lm(lm.write(name, content)) for name, content in runs]
    assert changed(*results) == [True, True, True, False, True]


def test_a_log_under_another_name_is_imported_once_there_with_once_latest(licstat: Licstat, make_log: Logs) -> None:
    log = make_log()
    renamed = log.with_name("renamed.log")
    renamed.write_bytes(log.read_bytes())
    options: dict[str, Any] = {"once": "latest", "merge_policy": "replace"}
    assert changed(*[licstat(one, **options) for one in (log, renamed, renamed, log)]) == [True, True, False, False]
    assert len(licstat.uploads) == 2


def test_what_was_sent_before_another_state_is_seen_to_its_end_and_then_sent_again(lm: Lm, sandbox: Sandbox) -> None:
    """A is sent and not waited for, B is imported, and then A is wanted again."""
    sandbox.clock(speed=0)
    a, b = (lm.archive("assets.zip").read_bytes() for _unused in range(2))
    path = lm.write("assets.zip", a)
    assert lm(path, wait=False)["state"] == "submitted"
    lm.write("assets.zip", b)
    assert lm(path, wait=False)["state"] == "submitted"
    lm.write("assets.zip", a)
    sandbox.clock(speed=QUICK)
    result = lm(path)
    assert changed(result, lm(path)) == [True, False]
    assert (result["state"], len(lm.asked("import"))) == ("succeeded", 3)


@in_both
def test_a_batch_in_another_feed_is_another_import(haplo: Haplo) -> None:
    feeds: list[dict[str, Any]] = [{}, {"feed": "people"}, {"feed": "people"}, {}]
    assert changed(*[haplo(**feed) for feed in feeds]) == [True, True, False, False]


def test_the_same_files_are_other_imports_in_each_api_and_of_each_kind(sandbox: Sandbox, tmp_path: Path) -> None:
    plain, standard = (Haplo(sandbox, tmp_path, api) for api in (PLAIN, STANDARD))
    apis = [{"kind": kind, "control": json.loads(plain.control.read_text())} for kind in ("people", "guests")]
    sandbox.configure("haplo", standard_apis=apis)

    results = [run for _unused in range(2) for run in (plain(), standard(kind="people"), standard(kind="guests"))]

    assert changed(*results) == [True] * 3 + [False] * 3
    assert [batch.kind for batch in plain.scheduled] == [None, "people", "guests"]


def test_in_a_named_feed_batches_of_both_apis_follow_each_other(sandbox: Sandbox, tmp_path: Path) -> None:
    """As where somebody goes over from the one to the other: the latest is what the people are."""
    plain, standard = (Haplo(sandbox, tmp_path, api) for api in (PLAIN, STANDARD))
    runs = [haplo(feed="people") for haplo in (plain, standard, standard, plain)]
    assert changed(*runs) == [True, True, False, True]
