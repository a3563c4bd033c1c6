# SPDX-License-Identifier: GPL-3.0-or-later
"""`haplo_batch` with folders that have a date in their names: states of feeds, night after night.

A folder is told by its name, and its content by the person who is in its files.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from time_machine import travel

from ..bad_input import everything_below
from ..crashing import Herd
from ..support import assert_failed, assert_plain_failure, in_process
from .driver import Haplo, warnings
from .feeds import Feeds, left_out, sources

OLDER = "an older state of a feed than the newest one that was imported"
LATE = "an older state of a feed, which came after a newer one had been imported"


def sent(result: dict[str, Any]) -> list[str]:
    """The folders whose batches this run scheduled, or would have, in order."""
    return [Path(one["source"]).parent.name for one in result["imports"] if one["changed"]]


def imported(haplo: Haplo) -> list[str]:
    """What Haplo was told to import, in order, by the comments that the batches have by default."""
    return [batch.comment.partition(": ")[0] for batch in haplo.scheduled]


def add(feeds: Feeds, **states: str) -> None:
    """Folders `people-<date>` with these persons; the date is `2024_05_<day>`, for names of Python."""
    for day, person in states.items():
        feeds.add(f"people-2024-05-{day.strip('d')}", person=person)


# Nights.


@dataclass(frozen=True)
class Night:
    """What comes into the directory before a night, with the person in it, what goes, and what is imported then."""

    befalls: str
    comes: dict[str, str] = field(default_factory=dict)
    goes: Sequence[str] = ()
    sent: Sequence[str] = ()
    late: Sequence[str] = ()


STORY = (
    Night("the first one", {"p-2024-05-01": "A", "o.20240501": "A"}, sent=["o.20240501", "p-2024-05-01"]),
    Night("nothing new"),
    Night(
        "nobody ran for a while, and people went back and forth",
        {"p-2024-05-02": "B", "p-2024-05-03": "A", "p-2024-05-04": "B", "o.20240502": "B"},
        sent=["o.20240502", "p-2024-05-02", "p-2024-05-03", "p-2024-05-04"],
    ),
    Night("the same content with a new date", {"p-2024-05-05": "B"}),
    Night("the oldest are rotated away", goes=["p-2024-05-01", "p-2024-05-02", "o.20240501"]),
    Night("one comes late", {"p-2024-05-04T1200": "late"}, late=["p-2024-05-04T1200"]),
    Night("it is still there", late=["p-2024-05-04T1200"]),
    Night("and goes", goes=["p-2024-05-04T1200"]),
    Night("one comes late with what is known", {"p-2024-05-02": "B"}),
    Night("the date is behind", {"2024-05-06T0300_p": "C"}, sent=["2024-05-06T0300_p"]),
    Night(
        "two in a day",
        {"2024-05-06T1500_p": "D", "p.20240507-0300": "A"},
        sent=["2024-05-06T1500_p", "p.20240507-0300"],
    ),
    Night("the newest is corrected in its place", {"p.20240507-0300": "A corrected"}, sent=["p.20240507-0300"]),
    Night("all of the feed goes", goes=["p-2024-05-*", "2024-05-06*", "p.2024*"]),
    Night("an old one comes back", {"p-2024-05-03": "A"}),
    Night("and a new one", {"p-2024-05-09": "A"}, sent=["p-2024-05-09"]),
)


def test_night_after_night_the_newest_state_is_imported_and_never_an_older_one(haplo: Haplo, feeds: Feeds) -> None:
    """Check mode foretells each night, and another run the same night does nothing."""
    for night in STORY:
        for name, person in night.comes.items():
            feeds.add(name, person=person)
        for pattern in night.goes:
            for folder in feeds.path.glob(pattern):
                shutil.rmtree(folder)

        planned, result, again = feeds(check=True), feeds(), feeds()

        assert not result.get("failed"), (night, result["msg"])
        assert sent(result) == list(night.sent), night
        assert sent(planned) == sent(result), night
        assert left_out(planned) == left_out(result), night
        assert [one["key"] for one in planned["imports"]] == [one["key"] for one in result["imports"]]
        assert (result["changed"], result["state"]) == (bool(night.sent), "scheduled"), night
        assert left_out(result).get(LATE, []) == list(night.late), night
        assert ("came too late" in warnings(result)) == bool(night.late), night
        assert (again["changed"], again["state"]) == (False, "scheduled"), night
        assert left_out(again).get(LATE, []) == list(night.late), night

    days = [name.partition("2024-05-")[2] for name in imported(haplo) if name.startswith("p ")]
    assert days == ["01", "02", "03", "04", "06 03:00", "06 15:00", "07 03:00", "07 03:00", "09"]


# What is one feed.


def test_the_rest_of_the_name_is_the_feed_or_the_directory_is(haplo: Haplo, feeds: Feeds) -> None:
    feeds.add("2024-05-02", person="B")
    feeds.add("2024-05-01", person="A")
    feeds.add("people_2024-05-01", person="A")
    feeds.add("2024-05-02T0300.people", person="B")
    feeds.add("staff", person="A")

    inside = ["staff", "2024-05-01", "people_2024-05-01", "2024-05-02", "2024-05-02T0300.people"]
    assert sent(feeds()) == sent(feeds(feed="hr")) == inside
    assert imported(haplo) == [
        *("staff", "feeds 2024-05-01", "people 2024-05-01", "feeds 2024-05-02", "people 2024-05-02 03:00"),
        *("hr/staff", "hr 2024-05-01", "hr/people 2024-05-01", "hr 2024-05-02", "hr/people 2024-05-02 03:00"),
    ]
    files = [{"name": name, "src": str(feeds.path / f"2024-05-02/{name}.json")} for name in ("guests", "people")]
    by_files = haplo(control=str(feeds.path / "2024-05-02/control.json"), files=files, feed="hr")
    assert by_files["changed"] is False


def test_a_dated_state_of_an_undated_feed_goes_on_from_it(haplo: Haplo, feeds: Feeds) -> None:
    feeds.add("people", person="A")
    assert sent(feeds()) == ["people"]
    (feeds.path / "people").rename(feeds.path / "people-2024-05-01")
    assert sent(feeds()) == []
    add(feeds, d02="B")
    assert sent(feeds()) == ["people-2024-05-02"]


# What holds a feed up, and only that one.

BAD_DATES = {
    "2024-04-31": "2024-04-31: There is no such day as 2024-04-31",
    "2024-05-01_2024-05-02": "2024-05-01_2024-05-02: There are two dates in its name",
    "people-2024-05-04-2": "people-2024-05-04-2: What is behind the date 2024-05-04 in its name is no time",
    "people": "both of the feed people, and only one has a date in its name",
    "people_20240503": "each is people as of 2024-05-03; nobody can tell which is newer",
    "9999-12-31_people": "9999-12-31_people: the date in its name is still to come",
}


@pytest.mark.parametrize("name", BAD_DATES)
def test_a_slip_in_a_name_is_an_error(haplo: Haplo, feeds: Feeds, name: str) -> None:
    add(feeds, d01="A", d03="C")
    feeds.add("guests-2024-05-01", person="A")
    feeds.add(name, person="X")

    for result in (feeds(check=True), feeds()):
        assert_failed(result, BAD_DATES[name], state="failed", changed=True)
        assert "guests-2024-05-01" in sent(result)
        both = ["people-2024-05-01", "people-2024-05-03"]
        whole = {"people": [], "people_20240503": both[:1]}.get(name, both)
        assert [one for one in sent(result) if "people" in one] == whole
        failed = {Path(one["source"]).parent.name for one in result["imports"] if one["state"] == "failed"}
        assert failed == {*both, name} - {*whole}
        assert {frozenset(one) for one in result["imports"]} == {frozenset(result["imports"][0])}


def test_a_state_that_cannot_be_imported_holds_up_the_later_ones_of_its_feed(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B", d03="C")
    feeds.add("guests-2024-05-01", person="A")
    feeds.add("guests-2024-05-02", person="B")
    (feeds.path / "people-2024-05-02/guests.json").unlink()

    for changed in (True, False):
        result = feeds()
        assert_failed(
            result,
            f" batches cannot be imported: {feeds.path}/people-2024-05-02: control.json names",
            state="failed",
            changed=changed,
        )
        held_up = f"The state of people in {feeds.path}/people-2024-05-02 was not imported, so no later one is."
        assert re.search(f"1 of [45] batches were not tried: {re.escape(held_up)}$", result["msg"])
        assert sources(result)[-2:] == ["people-2024-05-02", "people-2024-05-03"]
        assert result["imports"][-1]["message"] == held_up
    assert [name for name in imported(haplo) if "people" in name] == ["people 2024-05-01"]

    add(feeds, d02="B")
    assert sent(feeds()) == ["people-2024-05-02", "people-2024-05-03"]
    assert [name.partition(" ")[0] for name in imported(haplo)] == ["guests", "people", "guests", "people", "people"]


def test_what_haplo_refuses_or_what_is_found_in_a_file_holds_up_too(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B", d03="C")
    (feeds.path / "people-2024-05-02/people.json").write_text("[")
    assert_failed(feeds(), "were not tried: The state of people in")
    assert imported(haplo) == ["people 2024-05-01"]

    add(feeds, d02="B")
    haplo.sandbox.fault("status", operation="schedule", when="after_body", status=400)
    assert_failed(feeds(), "were not tried: The state of people in")
    assert imported(haplo) == ["people 2024-05-01"]

    assert sent(feeds()) == ["people-2024-05-02", "people-2024-05-03"]


def test_nothing_is_made_where_no_state_can_be_read(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B")
    for name in ("people-2024-05-01", "people-2024-05-02"):
        (feeds.path / name / "people.json").unlink()
    before = everything_below(haplo.folder)
    assert_plain_failure(feeds())
    assert everything_below(haplo.folder) == before
    assert haplo.sent() == []


def test_a_link_to_nothing_holds_up_a_feed_until_it_is_older_than_what_was_imported(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A")
    elsewhere = haplo.folder / "elsewhere"
    elsewhere.mkdir()
    for day in ("02", "03"):
        feeds.add(f"people-2024-05-{day}", person=day).rename(elsewhere / day)
        (feeds.path / f"people-2024-05-{day}").symlink_to(elsewhere / day)
    (elsewhere / "02").rename(elsewhere / "away")
    assert_failed(feeds(), f"people-2024-05-02: No such file or directory; it is a link to {elsewhere}/02")
    assert imported(haplo) == ["people 2024-05-01"]

    (elsewhere / "away").rename(elsewhere / "02")
    assert sent(feeds()) == ["people-2024-05-02", "people-2024-05-03"]
    shutil.rmtree(elsewhere / "02")
    assert feeds()["changed"] is False
    assert left_out(feeds())[OLDER] == ["people-2024-05-01", "people-2024-05-02"]


# Clocks.


def test_a_clock_that_was_set_back_or_ahead_is_reported(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B")
    with travel(datetime(2024, 5, 1, 1)):
        assert sent(feeds()) == ["people-2024-05-01", "people-2024-05-02"]
    with travel(datetime(2023, 5, 2)):
        back = feeds()
    assert_failed(back, "which is still to come")

    feeds.add("people-2034-05-03", person="X")
    with travel(datetime(2034, 5, 3)):
        assert sent(feeds()) == ["people-2034-05-03"]
    shutil.rmtree(feeds.path / "people-2034-05-03")
    add(feeds, d03="C")
    with travel(datetime(2024, 5, 3, 3)):
        result = feeds()
        assert_failed(result, "By the receipts people was imported as of 2034-05-03, which is still to come")
        (key,) = [word.strip(",.") for word in result["msg"].split() if word.startswith("key=")]
        in_process("import_receipt", receipts=str(haplo.store), key=key.partition("=")[2], state="absent")
        assert sent(feeds()) == ["people-2024-05-03"]


# Options.


def test_a_lost_store_has_all_that_is_there_imported_again_from_the_oldest_on(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B", d03="A")
    feeds()
    shutil.rmtree(feeds.path / "people-2024-05-01")
    shutil.rmtree(haplo.store.parent)
    assert sent(feeds()) == ["people-2024-05-02", "people-2024-05-03"]


def test_without_receipts_all_that_is_there_is_imported_each_time(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B", d03="A", d04="A")
    for _night in range(2):
        assert sent(feeds(receipts="none")) == ["people-2024-05-01", "people-2024-05-02", "people-2024-05-03"]


@pytest.mark.parametrize("check", [False, True])
def test_force_sends_the_newest_state_again_and_none_before_it(haplo: Haplo, feeds: Feeds, check: bool) -> None:
    add(feeds, d01="A", d02="B")
    feeds()
    assert sent(feeds(force=True, check=check)) == ["people-2024-05-02"]
    add(feeds, d03="B", d04="C")
    result = feeds(force=True, check=check)
    assert sent(result) == ["people-2024-05-02", "people-2024-05-03", "people-2024-05-04"]
    assert left_out(result) == {OLDER: ["people-2024-05-01"]}


@pytest.mark.parametrize("check", [False, True])
def test_with_once_ever_a_content_that_comes_back_is_not_sent(haplo: Haplo, feeds: Feeds, check: bool) -> None:
    add(feeds, d01="A", d02="B", d03="A")
    assert sent(feeds(once="ever", check=check)) == ["people-2024-05-01", "people-2024-05-02"]
    if not check:
        assert feeds(once="ever")["changed"] is False
        add(feeds, d02T1200="late")
        late = feeds(once="ever")
        assert left_out(late)[LATE] == ["people-2024-05-02T1200"]


def test_what_is_adopted_is_the_newest_state_and_not_sent(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B", d03="A")
    planned, adopted = feeds(adopt=True, check=True), feeds(adopt=True)
    for result in (planned, adopted):
        assert [one["reason"] for one in result["imports"]] == ["adopted"] * 3
    assert haplo.scheduled == []
    assert feeds()["changed"] is False
    add(feeds, d04="B")
    assert sent(feeds()) == ["people-2024-05-04"]


def test_dry_runs_are_states_of_their_own(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B")
    assert sent(feeds(dry_run=True)) == ["people-2024-05-01", "people-2024-05-02"]
    assert feeds(dry_run=True)["changed"] is False
    assert sent(feeds()) == ["people-2024-05-01", "people-2024-05-02"]
    add(feeds, d03="A")
    assert sent(feeds()) == ["people-2024-05-03"]
    assert sent(feeds(dry_run=True)) == ["people-2024-05-03"]


# Other runs.


def test_what_another_run_imports_is_left_to_it(haplo: Haplo, feeds: Feeds) -> None:
    add(feeds, d01="A", d02="B", d03="A")
    haplo.sandbox.fault("hold", operation="schedule")
    other = haplo.start(**feeds.options())
    haplo.sandbox.wait_for("held", operation="schedule")

    impatient = feeds(wait=False)
    assert (impatient["state"], impatient["changed"], impatient.get("failed")) == ("running", False, None)
    assert [one["state"] for one in impatient["imports"]] == ["running"] * 3
    assert "still being imported" in impatient["imports"][-1]["message"]
    assert_failed(feeds(wait_timeout=0.1), "2 of 3 batches were not tried")
    planned = feeds(check=True)
    assert [one["state"] for one in planned["imports"]] == ["running", "planned", "running"]
    haplo.sandbox.release()

    assert other.finish()["state"] == "scheduled"
    assert imported(haplo) == ["people 2024-05-01", "people 2024-05-02", "people 2024-05-03"]


@pytest.mark.slow
def test_of_ten_runs_at_once_one_imports_each_state_in_order(haplo: Haplo, feeds: Feeds, tmp_path: Path) -> None:
    add(feeds, d01="A", d02="B", d03="A", d04="C", d05="A")
    herd = Herd("haplo_batch", [haplo.options(**feeds.options(wait_timeout=60))] * 10, tmp_path)

    results = [result for result in herd.results() if result is not None]

    assert [(result["state"], result.get("msg")) for result in results] == [("scheduled", None)] * 10
    assert imported(haplo) == [f"people 2024-05-0{day}" for day in range(1, 6)]
    assert not any(LATE in left_out(result) for result in results)
