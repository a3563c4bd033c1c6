# SPDX-License-Identifier: GPL-3.0-or-later
"""`haplo_batch` with `directory`: which folders are batches, which of their files are what, what is half a batch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ..bad_input import everything_below
from ..support import assert_failed, assert_plain_failure, only
from .driver import NEITHER, Haplo, assert_one_whole_batch, assert_scheduled, exercises, warnings
from .feeds import Feeds, left_out, sources

NOT_FOUND = "No such file or directory"


# What is a batch.


@exercises("directory")
def test_a_directory_with_a_control_file_is_one_batch_the_same_as_by_its_files(haplo: Haplo, feeds: Feeds) -> None:
    folder = feeds.add()
    result = feeds()
    assert_scheduled(result, changed=True, reason="new")
    assert only(result)["source"] == str(folder / "control.json")
    assert result["left_out"] == []

    files = [{"name": name, "src": str(folder / f"{name}.json")} for name in ("people", "guests")]
    by_files = haplo(control=str(folder / "control.json"), files=files)

    assert_scheduled(by_files, changed=False, reason="receipt")
    assert only(by_files)["key"] == only(result)["key"]
    assert_one_whole_batch(haplo, ("guests", "people"))


def test_each_folder_with_a_control_file_is_a_batch_and_a_feed_of_its_own(haplo: Haplo, feeds: Feeds) -> None:
    for name in ("staff", "alumni"):
        feeds.add(name, person=name)

    before = everything_below(haplo.folder)
    planned = feeds(feed="people", check=True)
    assert [one["state"] for one in planned["imports"]] == ["planned", "planned"]
    assert everything_below(haplo.folder) == before
    assert haplo.scheduled == []

    first, second = feeds(feed="people"), feeds(feed="people")

    assert sources(first) == ["alumni", "staff"]
    assert (first["changed"], first["state"]) == (True, "scheduled")
    assert (second["changed"], [one["reason"] for one in second["imports"]]) == (False, ["receipt", "receipt"])
    assert len(haplo.scheduled) == 2
    files = [{"name": name, "src": str(feeds.path / f"staff/{name}.json")} for name in ("guests", "people")]
    by_files = haplo(control=str(feeds.path / "staff/control.json"), files=files, feed="people/staff")
    assert only(by_files)["key"] == first["imports"][1]["key"]

    feeds.add("staff", person="another")
    assert [one["reason"] for one in feeds(feed="people")["imports"]] == ["receipt", "new"]


def test_what_is_no_batch_is_left_out_and_reported(haplo: Haplo, feeds: Feeds) -> None:
    feeds.add("staff")
    (feeds.path / "staff/old").mkdir()
    (feeds.path / "current").symlink_to("staff")
    (feeds.path / "empty").mkdir()
    (feeds.path / "half").mkdir()
    (feeds.path / "half/people.json").write_text("[]")
    (feeds.path / ".incoming").mkdir()
    (feeds.path / ".incoming/control.json").write_text("")
    (feeds.path / "README").write_text("Put batches here.")

    result = feeds()

    assert_scheduled(result, changed=True, reason="new")
    assert left_out(result) == {
        "no control.json in it": ["feeds", "empty", "half"],
        "a folder in the folder of a batch": ["old"],
        "a link to a folder, whose batch would be imported under two names": ["current"],
    }
    assert f"in {feeds.path}, half cannot be imported" in warnings(result)
    assert_one_whole_batch(haplo, ("guests", "people"))


@exercises("require_batches")
@pytest.mark.parametrize("check", [False, True])
def test_no_batch_is_reported_or_an_error_where_there_has_to_be_one(haplo: Haplo, feeds: Feeds, check: bool) -> None:
    (feeds.path / "2026-11-22").mkdir()

    nothing = feeds(check=check)
    assert (nothing["changed"], nothing["state"], nothing["imports"]) == (False, "scheduled", [])
    assert left_out(nothing) == {"no control.json in it": ["2026-11-22"]}
    assert f"There is no batch in {feeds.path}: no control.json in it" in warnings(nothing)

    required = feeds(check=check, require_batches=True)
    assert_failed(required, f"There is no batch in {feeds.path}: no control.json in it", state="failed", imports=[])
    assert haplo.sent() == []
    assert not haplo.store.exists()


@exercises("control_name")
def test_the_control_file_may_be_called_otherwise_and_be_a_link(haplo: Haplo, feeds: Feeds) -> None:
    folder = feeds.add()
    (folder / "control.json").unlink()
    (folder / "import.json").symlink_to(haplo.control)
    (folder / "people.json").rename(haplo.folder / "elsewhere.json")
    (folder / "people.json").symlink_to(haplo.folder / "elsewhere.json")

    assert feeds()["imports"] == []
    assert_scheduled(feeds(control_name="import.json"), changed=True, reason="new")
    assert_one_whole_batch(haplo, ("guests", "people"))


def test_a_link_to_a_folder_is_one_unless_its_batch_has_another_name(haplo: Haplo, feeds: Feeds) -> None:
    elsewhere = haplo.folder / "elsewhere"
    elsewhere.mkdir()
    for name in ("staff", "people", "guests"):
        feeds.add(name, person=name).rename(elsewhere / name)
    feeds.add("alumni")
    feeds.add(".released")
    links = {
        "b-staff": elsewhere / "staff",
        "c-staff-too": elsewhere / "staff",
        "current": feeds.path / "alumni",
        "d-people": Path("../elsewhere/people"),
        "e-people-2024-05-01": elsewhere / "people",
        "f-hidden": feeds.path / ".released",
        "self": feeds.path,
        "within": feeds.path / "alumni/..",
    }
    for name, place in links.items():
        (feeds.path / name).symlink_to(place)

    result = feeds(check=True)
    assert sources(result) == ["alumni", "b-staff", "f-hidden", "e-people-2024-05-01"]
    two_names = "a link to a folder, whose batch would be imported under two names"
    assert left_out(result) == {two_names: ["c-staff-too", "current", "d-people", "self", "within"]}
    assert feeds()["state"] == "scheduled"
    assert [batch.comment for batch in haplo.scheduled] == [
        "alumni: guests.json, people.json",
        "b-staff: guests.json, people.json",
        "f-hidden: guests.json, people.json",
        "e-people 2024-05-01: guests.json, people.json",
    ]


@pytest.mark.parametrize("check", [False, True])
def test_a_link_to_nothing_is_an_error_that_says_so(haplo: Haplo, feeds: Feeds, check: bool) -> None:
    feeds.add("staff")
    (feeds.path / "alumni").symlink_to("../gone")
    (feeds.path / "ring").symlink_to("ring")

    result = feeds(check=check)
    assert_failed(
        result,
        f"2 of 3 batches cannot be imported: {feeds.path}/alumni: {NOT_FOUND}; it is a link to ../gone",
        f"{feeds.path}/ring: Too many levels of symbolic links",
    )
    assert [one["state"] for one in result["imports"]][1:] == ["failed", "failed"]

    for name, what in (("people.json", "files"), ("control.json", "control")):
        (feeds.path / "staff" / name).unlink()
        (feeds.path / "staff" / name).symlink_to("gone")
        broken = feeds(check=check)
        assert f"{what} cannot be imported, nothing was sent: {feeds.path}/staff/{name}: {NOT_FOUND}" in broken["msg"]


def test_a_directory_that_is_a_batch_may_have_links_in_it_and_not_to_nothing(haplo: Haplo, feeds: Feeds) -> None:
    feeds.add()
    (feeds.path / "guests.json").unlink()
    (feeds.path / "guests.json").symlink_to("gone")
    broken = feeds()
    assert f"{feeds.path}/guests.json: {NOT_FOUND}; it is a link to gone" in broken["msg"]
    (feeds.path / "gone").mkdir()
    assert "there is no file for 'guests'" in feeds()["msg"]


# What batches are called in Haplo.


def test_batches_and_control_files_are_called_by_feed_and_files(haplo: Haplo, feeds: Feeds) -> None:
    batch = {"control": str(haplo.control), "files": haplo.files}
    digest = {"control_digest": haplo.control_digest, "files": haplo.files}
    ours: dict[str, Any] = {"comment": "Ours", "control_comment": "Our control file"}
    feeds.add()

    haplo()
    haplo(feed="people")
    listed = [{**batch, "name": "Arts", "feed": "x"}, {**batch, "feed": "y", **ours}, {**digest, "feed": "z"}]
    haplo(**NEITHER, batches=listed)
    feeds(feed="people", force=True)
    haplo.control.write_text(haplo.control.read_text() + " ")
    shutil.copy(haplo.control, feeds.path / "control.json")
    feeds()
    haplo.control.write_text(haplo.control.read_text() + " ")
    haplo(**ours)

    assert [batch.comment for batch in haplo.scheduled] == [
        "people.json, guests.json",
        "people: people.json, guests.json",
        "Arts: people.json, guests.json",
        "Ours",
        "z: people.json, guests.json",
        "people: guests.json, people.json",
        "feeds: guests.json, people.json",
        "Ours",
    ]
    assert [file.comments for file in haplo.held.control_files] == [
        ("control.json",),
        ("feeds: control.json",),
        ("Our control file",),
    ]


def test_what_a_batch_is_called_has_its_bounds(haplo: Haplo) -> None:
    control = haplo.control_file("control\x7f.json", files={"DEFAULT": {"read": "json"}})
    haplo(control=str(control), feed="people " * 1000, files=[haplo.file(f"part {number}") for number in range(100)])
    file = {**haplo.file("people" + "x" * 240), "name": "people"}
    haplo(control=str(control), feed="x", files=[file])

    first, second = (batch.comment for batch in haplo.scheduled)
    assert first.startswith("people people")
    assert "…: part 0.json, part 1.json" in first
    assert first.endswith(" more")
    assert second.startswith("x: peoplexxx")
    assert second.endswith("xxx…")
    assert max(len(first), len(second)) <= 200
    (known,) = haplo.held.control_files
    assert known.comments[0].endswith("…: control\\x7f.json")


# Which file is what.


def test_a_file_is_called_as_the_control_file_has_it_with_its_ending_or_without(haplo: Haplo, feeds: Feeds) -> None:
    names = ("people.json", "guests", "others.2026", "DEFAULT")
    haplo.control = haplo.control_file("control.json", files={name: {"read": "json"} for name in names})
    feeds.add(files=("guests.json", "others.2026.json", "people.json", "stray.json"))

    assert_scheduled(feeds(), changed=True, reason="new")
    assert [file.name for file in haplo.scheduled[0].files] == ["guests", "others.2026", "people.json", "stray"]


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "missing": (("people.json",), "control.json names 'people', 'guests', and there is no file for 'guests'"),
    "unknown": (
        ("people.json", "guests.json", "visitors.tsv"),
        "control.json names 'people', 'guests', and not visitors.tsv",
    ),
    "twice": (("guests.json", "people.json", "people.json~"), "people.json, people.json~ would both be 'people'"),
    "none": ((), "there is no data file beside control.json"),
}
"""Data files in a folder that make it no whole batch, and why not."""


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("case", BAD)
def test_a_folder_that_is_no_whole_batch_is_refused(haplo: Haplo, feeds: Feeds, case: str, check: bool) -> None:
    files, problem = BAD[case]
    folder = feeds.add("night", files=files)
    before = everything_below(haplo.folder)

    assert_failed(feeds(check=check), f"{folder}: {problem}")
    assert haplo.sent() == []
    assert everything_below(haplo.folder) == before


# One of several.


def test_a_bad_folder_does_not_keep_the_others_from_being_imported(haplo: Haplo, feeds: Feeds) -> None:
    for name in ("1-staff", "2-half", "3-no json", "4-alumni"):
        feeds.add(name)
    (feeds.path / "2-half/people.json").unlink()
    (feeds.path / "3-no json/control.json").write_text("people")

    first, second = feeds(), feeds()

    assert_failed(
        first,
        "2 of 4 batches cannot be imported: ",
        f"{feeds.path}/2-half: control.json names 'people', 'guests', and there is no file for",
        f"{feeds.path}/3-no json/control.json is no control file",
        state="failed",
        changed=True,
    )
    assert sources(first) == ["1-staff", "4-alumni", "2-half", "3-no json"]
    assert [one["state"] for one in first["imports"]] == ["scheduled", "scheduled", "failed", "failed"]
    assert {frozenset(one) for one in first["imports"]} == {frozenset(first["imports"][0])}
    assert_failed(second, state="failed", changed=False)
    assert len(haplo.scheduled) == 2

    for name in ("2-half", "3-no json"):
        feeds.add(name)
    assert [one["reason"] for one in feeds()["imports"]] == ["receipt", "new", "new", "receipt"]


def test_a_wrong_key_is_tried_once_for_all_batches(haplo: Haplo, feeds: Feeds) -> None:
    for name in ("staff", "alumni", "guests"):
        feeds.add(name)

    result = feeds(api_key="x" * 43)

    assert_plain_failure(result)
    assert [one["state"] for one in result["imports"]] == ["failed"] * 3
    assert len(haplo.sent()) == 1


# What cannot be read.


@pytest.mark.parametrize("check", [False, True])
def test_a_directory_that_is_not_there_or_no_folder_is_an_error(haplo: Haplo, feeds: Feeds, check: bool) -> None:
    missing = feeds(check=check, directory=str(feeds.path / "2026"))
    assert_failed(missing, f"{feeds.path}/2026: {NOT_FOUND}; the folder {feeds.path} is there, and is empty")

    file = feeds(check=check, directory=str(haplo.control))
    assert_failed(file, f"{haplo.control} is a file, and no folder")
    assert haplo.sent() == []
    assert not haplo.store.exists()


def test_what_may_not_be_read_is_an_error_that_says_whose_it_is(haplo: Haplo, feeds: Feeds) -> None:
    feeds.add("staff")
    closed = feeds.add("closed")
    closed.chmod(0o000)
    try:
        one = haplo.unprivileged(**feeds.options())
        feeds.path.chmod(0o600)
        none = haplo.unprivileged(**feeds.options(force=True))
    finally:
        feeds.path.chmod(0o700)
        closed.chmod(0o700)

    for result, folder in ((one, closed), (none, feeds.path)):
        assert_failed(result, "Permission denied", f"{folder} belongs to")
    assert [entry["state"] for entry in one["imports"]] == ["scheduled", "failed"]
    assert len(haplo.scheduled) == 1


# Batches that are listed.


@exercises("batches")
def test_listed_batches_have_options_of_their_own_and_else_those_for_all(haplo: Haplo) -> None:
    batch = {"control": str(haplo.control), "files": haplo.files}
    batches = [
        {**batch, "name": "try it", "dry_run": True, "comment": "First"},
        {"control_digest": haplo.control_digest, "files": haplo.files[:1], "feed": "people"},
        batch,
    ]
    options = {**NEITHER, "batches": batches, "comment": "All"}

    result = haplo(**options)

    assert (result["state"], result["changed"]) == ("scheduled", True), result.get("msg")
    assert [one["source"] for one in result["imports"]] == ["try it", haplo.control_digest, str(haplo.control)]
    assert [(batch.comment, batch.dry_run, len(batch.files)) for batch in haplo.scheduled] == [
        ("First", True, 2),
        ("All", False, 1),
        ("All", False, 2),
    ]
    assert haplo(**options)["changed"] is False
    assert_scheduled(haplo(), changed=False, reason="receipt")


def test_an_empty_list_of_batches_is_reported_or_an_error(haplo: Haplo) -> None:
    nothing, required = (haplo(**NEITHER, batches=[], require_batches=wanted) for wanted in (False, True))
    assert "batches is an empty list. Nothing was imported." in warnings(nothing)
    assert (nothing["changed"], nothing["imports"]) == (False, [])
    assert_plain_failure(required)
