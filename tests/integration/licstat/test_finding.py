# SPDX-License-Identifier: GPL-3.0-or-later
"""`licstat_import` finds the logs itself: those that match, the oldest first, and no night without a word."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files import finding
from ansible_collections.assetops.imports.plugins.module_utils._files.content import open_contents

from ..support import (
    ABSENT,
    SERVER,
    Licstat,
    Logs,
    assert_ended_well,
    assert_failed,
    assert_plain_failure,
    log_text,
    only,
)

COMPRESSED = "excluded by *.gz, as the server is not known to take what is compressed"
LIKE_A_LOG = "called like a rotated log, but taken by none of the patterns"
LIVE = "called like a log that is still written to, and taken by none of the patterns"
LINKED_FOLDER = "a link to a folder, which is not followed"
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def rotated(make_log: Logs) -> Callable[..., Path]:
    """Makes a log that was last written to so many hours ago."""

    def make(name: str, hours: float) -> Path:
        path = make_log(name)
        aged(path, hours)
        return path

    return make


Rotated = Callable[..., Path]


def aged(path: Path, hours: float) -> None:
    os.utime(path, (time.time() - hours * HOUR,) * 2)


def found(licstat: Licstat, *paths: Path, check: bool = False, **options: Any) -> dict[str, Any]:
    """The result of an import from these folders."""
    return licstat(src=ABSENT, paths=[str(path) for path in paths], check=check, **options)


def names(result: dict[str, Any]) -> list[str]:
    """The names of the logs that were found, in order."""
    assert not result.get("failed"), result["msg"]
    return [Path(one["source"]).name for one in result["imports"]]


def left_out(result: dict[str, Any]) -> dict[str, list[str]]:
    """The names of what was left out, by reason."""
    return {one["reason"]: [Path(path).name for path in one["paths"]] for one in result["left_out"]}


# Which logs, and in which order.


def test_rotated_logs_are_imported_the_oldest_first_and_others_are_not(
    licstat: Licstat, rotated: Rotated, folder: Path
) -> None:
    for name, hours in (("debug.log", 0), ("debug.log.1", 24), ("debug.log.3", 72), ("debug.log.2", 48)):
        rotated(name, hours)
    (folder / "other.log").write_text("nothing\n")
    (folder / ".debug.log.4").write_text("nothing\n")

    result = found(licstat, folder)

    assert names(result) == ["debug.log.3", "debug.log.2", "debug.log.1"]
    assert result["imports"][0]["source"] == f"{folder}/debug.log.3"
    assert (result["state"], result["changed"], result["left_out"]) == ("succeeded", True, [])
    assert [task.file_name for task in licstat.sandbox.licstat().tasks] == ["debug.log.3", "debug.log.2", "debug.log.1"]
    again = found(licstat, folder)
    assert ([one["reason"] for one in again["imports"]], again["changed"]) == (["receipt"] * 3, False)


def test_what_matches_and_is_left_out_is_reported_with_the_reason(
    licstat: Licstat, rotated: Rotated, folder: Path
) -> None:
    rotated("debug.log.1", 2)
    rotated("debug.log.2", 31 * 24)
    rotated("debug.log.0", 0)
    rotated("debug.log.5.gz", 5)
    (folder / "debug.log.empty").touch()
    os.mkfifo(folder / "debug.log.pipe")
    os.mknod(folder / "debug.log.socket", stat.S_IFSOCK | 0o600)

    result = found(licstat, folder, min_age=HOUR, max_age=30 * DAY)

    assert names(result) == ["debug.log.1"]
    assert left_out(result) == {
        f"written to less than {HOUR} s ago": ["debug.log.0"],
        f"not written to for more than {30 * DAY} s": ["debug.log.2"],
        COMPRESSED: ["debug.log.5.gz"],
        "empty": ["debug.log.empty"],
        "not a regular file but a pipe": ["debug.log.pipe"],
        "not a regular file but a socket": ["debug.log.socket"],
    }


def test_of_much_that_is_left_out_the_number_is_reported_and_some_paths(
    licstat: Licstat, rotated: Rotated, folder: Path
) -> None:
    rotated("debug.log.1", 1)
    for number in range(30):
        (folder / f"debug.log.{number:02}.gz").touch()

    (told,) = found(licstat, folder)["left_out"]

    assert (told["reason"], told["count"]) == (COMPRESSED, 30)
    assert told["paths"] == [f"{folder}/debug.log.{number:02}.gz" for number in range(10)]


def test_of_equal_age_the_higher_number_is_older_and_the_later_date_is_not(
    licstat: Licstat, make_log: Logs, folder: Path
) -> None:
    in_order = [
        *("debug.log-2026-10-31", "debug.log-2026-11-01", "debug.log-20261128", "debug.log-20261129"),
        *("debug.log.10", "debug.log.9", "debug.log.1", "debug.log.20261128", "debug.log.20261129"),
    ]
    for name in sorted(in_order):
        os.utime(make_log(name), (1_700_000_000,) * 2)

    assert names(found(licstat, folder)) == in_order


def test_folders_below_are_searched_if_wanted_but_for_excluded_ones_and_links(
    licstat: Licstat, rotated: Rotated, folder: Path, tmp_path: Path
) -> None:
    rotated("debug.log.1", 3)
    rotated("cad/old/debug.log.2", 2)
    rotated("lost+found/debug.log.3", 1)
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)

    assert names(found(licstat, folder)) == ["debug.log.1"]
    result = found(licstat, folder, folder / "cad", recurse=True, excludes=["lost+*"])
    assert names(result) == ["debug.log.1", "debug.log.2"], "a folder that paths lead to twice is searched once"
    assert left_out(result) == {"excluded by lost+*": ["lost+found"], LINKED_FOLDER: ["link", "loop"]}


def test_patterns_are_of_names_in_utf8(licstat: Licstat, rotated: Rotated, folder: Path) -> None:
    rotated("Köln-1.log", 3)
    rotated("Köln-2.log", 2)
    rotated("Kiel-3.log", 1)
    (folder / os.fsdecode(b"K\xff.log")).write_bytes(b"\0 report log")

    assert names(found(licstat, folder, patterns=["K?ln-[12].log"])) == ["Köln-1.log", "Köln-2.log"]
    odd = found(licstat, folder, patterns=["K?.log"])
    assert names(odd) == ["K\\xff.log"]


def test_a_link_to_a_log_is_a_log(licstat: Licstat, make_log: Logs, folder: Path, tmp_path: Path) -> None:
    log = make_log("elsewhere/license.log")
    (folder / "debug.log.1").symlink_to(log)

    result = found(licstat, folder)

    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["source"] == f"{folder}/debug.log.1"


def test_folders_are_named_as_files_are(
    licstat: Licstat, rotated: Rotated, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated("$HOME/debug.log.1", 3)
    monkeypatch.chdir(folder)

    assert names(licstat(src=ABSENT, paths=["$HOME"])) == ["debug.log.1"]
    monkeypatch.setenv("LOGS", str(folder / "$HOME"))
    assert names(licstat(src=ABSENT, paths=["$LOGS"])) == ["debug.log.1"]


def test_a_log_is_found_by_its_name_in_utf8_in_every_locale(licstat: Licstat, make_log: Logs, tmp_path: Path) -> None:
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales").is_dir():
        pytest.skip("localedef or its sources (package locales) are not installed")
    locale = "de_DE.ISO-8859-1"
    command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / locale)]
    subprocess.run(command, check=True, capture_output=True)
    log = make_log("Übersicht/Köln €.log")
    archive = tmp_path / "Ablage für Köln"

    started = licstat.start(
        environment={"LOCPATH": str(tmp_path), "LC_ALL": locale},
        src=ABSENT,
        paths=[str(log.parent)],
        patterns=["Köl? €.log"],
        afterwards="archive",
        archive=str(archive),
    )
    result = started.finish()

    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["source"] == str(log)
    (place,) = archive.iterdir()
    assert result["put_away"][0]["place"] == str(place)
    assert place.name.startswith("Köln €.log-")


# Not taken, and told.


def test_what_is_called_like_a_rotated_log_and_taken_by_no_pattern_is_reported(
    licstat: Licstat, rotated: Rotated, folder: Path
) -> None:
    rotated("debug.log.1", 2)
    for name in ("lmgrd.log", "lmgrd.log.1", "DEBUG.LOG.1", "report.rl-20261124", "other.txt", "old.log.1"):
        rotated(name, 1)
    (folder / "lmgrd.log.2").symlink_to("lmgrd.log.1")
    (folder / "lmgrd.log.3").symlink_to("nothing")

    result = found(licstat, folder, excludes=["old.*"])

    assert names(result) == ["debug.log.1"]
    assert left_out(result) == {
        LIKE_A_LOG: ["DEBUG.LOG.1", "lmgrd.log.1", "lmgrd.log.2", "report.rl-20261124"],
        "a link to nothing that is called like a log": ["lmgrd.log.3"],
    }


def test_what_may_not_be_read_and_is_not_asked_for_is_reported_and_does_no_harm(
    licstat: Licstat, rotated: Rotated, folder: Path
) -> None:
    rotated("debug.log.1", 2)
    rotated("lmgrd.log.1", 1).chmod(0)
    locked = rotated("locked/debug.log.2", 1).parent
    locked.chmod(0)
    try:
        result = licstat.unprivileged(src=ABSENT, paths=[str(folder)], recurse=True, excludes=["locked"])
    finally:
        locked.chmod(0o700)
    assert names(result) == ["debug.log.1"]
    assert left_out(result) == {
        f"{LIKE_A_LOG}, nor may it be read": ["lmgrd.log.1"],
        "excluded by locked": ["locked"],
    }


def test_where_logs_are_named_nothing_is_left_out(licstat: Licstat, rotated: Rotated) -> None:
    rotated("debug.log.1", 2)
    assert licstat(rotated("debug.log.2", 2))["left_out"] == []


def test_a_log_that_is_written_to_after_it_was_listed_is_too_young(
    licstat: Licstat, rotated: Rotated, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = rotated("debug.log.1", 2)

    def write(paths: list[str], option: str) -> Any:
        with log.open("a") as file:
            file.write("one more line\n")
        return open_contents(paths, option)

    licstat(rotated("debug.log.2", 3))
    monkeypatch.setattr(finding, "open_contents", write)
    result = found(licstat, folder, min_age=HOUR)
    assert names(result) == ["debug.log.2"]
    assert left_out(result) == {f"written to less than {HOUR} s ago": ["debug.log.1"]}


# Nothing there.


def linked(folder: Path) -> None:
    """A link to a folder with a log."""
    (folder.parent / "cad").mkdir()
    (folder.parent / "cad" / "debug.log.1").write_text(log_text(0))
    (folder / "current").symlink_to(folder.parent / "cad")


def old(*names: str) -> Callable[[Path], None]:
    """Logs of these names, two hours old."""

    def make(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(log_text(0))
            aged(folder / name, 2)

    return make


EMPTY: dict[str, tuple[Callable[[Path], object], dict[str, Any], dict[str, list[str]]]] = {
    "misspelled pattern": (old("debug.log.1"), {"patterns": ["debg.*"]}, {LIKE_A_LOG: ["debug.log.1"]}),
    "empty folder": (old(), {}, {}),
    "folder above": (
        *(old("cad/debug.log.1", "unrelated.txt"), {}),
        {"a folder, which is searched with recurse only": ["cad"]},
    ),
    "all excluded": (
        *(old("debug.log.1.gz", "debug.log-20261124.gz"), {}),
        {COMPRESSED: ["debug.log-20261124.gz", "debug.log.1.gz"]},
    ),
    "all excluded that no pattern takes": (old("lmgrd.log.1.gz"), {}, {COMPRESSED: ["lmgrd.log.1.gz"]}),
    "all too young": (old("debug.log.1"), {"min_age": DAY}, {f"written to less than {DAY} s ago": ["debug.log.1"]}),
    "all too old": (
        *(old("debug.log.1"), {"max_age": HOUR}),
        {f"not written to for more than {HOUR} s": ["debug.log.1"]},
    ),
    "all empty": (lambda folder: (folder / "debug.log.1").touch(), {}, {"empty": ["debug.log.1"]}),
    "the live one only": (old("debug.log"), {}, {LIVE: ["debug.log"]}),
    "links to folders only": (linked, {}, {LINKED_FOLDER: ["current"]}),
    "links to folders only, with recurse": (linked, {"recurse": True}, {LINKED_FOLDER: ["current"]}),
    "dates, and a pattern for numbers": (
        *(old("debug.log-20261124"), {"patterns": ["debug.log.*"]}),
        {LIKE_A_LOG: ["debug.log-20261124"]},
    ),
}


@pytest.mark.parametrize("case", EMPTY)
def test_no_log_is_a_failure_where_nothing_was_ever_imported(licstat: Licstat, folder: Path, case: str) -> None:
    make, options, expected = EMPTY[case]
    folder.mkdir()
    make(folder)

    for check, receipts in ((True, "none"), (False, str(licstat.store))):
        result = found(licstat, folder, check=check, receipts=receipts, **options)
        assert_failed(result, state="failed", changed=False)
        assert result["imports"] == []
        patterns = " or ".join(options.get("patterns", ["debug.log.*", "debug.log-*"]))
        assert result["msg"].startswith(f"There is no log {patterns} in {folder}")
        assert f"the receipts ({receipts}) know of" in result["msg"]
        assert f"any import into {licstat.sandbox.licstat_url} license server {SERVER}" in result["msg"]
        assert left_out(result) == expected
        for reason, paths in expected.items():
            assert f"{len(paths)} {reason} (as {folder}/{paths[0]})" in result["msg"]
    assert licstat.sandbox.requests() == []


def test_no_log_is_a_success_once_something_was_imported_unless_there_has_to_be_one(
    licstat: Licstat, rotated: Rotated, folder: Path
) -> None:
    assert names(licstat(rotated("a", 2), license_server_id=41)) == ["a"]
    rotated("debug.log.1.gz", 0)
    rotated("debug.log", 0)
    assert found(licstat, folder)["failed"], "that was another license server"
    assert names(licstat(rotated("b", 2))) == ["b"]
    asked = len(licstat.sandbox.requests())

    for check in (True, False):
        quiet = found(licstat, folder, check=check, diff=True, afterwards="delete")
        assert names(quiet) == []
        assert (quiet["changed"], quiet["state"], quiet["put_away"], quiet["diff"]) == (False, "succeeded", [], [])
        assert left_out(quiet) == {COMPRESSED: ["debug.log.1.gz"]}

        result = found(licstat, folder, check=check, require_logs=True)
        assert_plain_failure(result)
        assert f"There is no log debug.log.* or debug.log-* in {folder}; left out were 1 {COMPRESSED}" in result["msg"]
        assert "receipts" not in result["msg"]
        assert (result["state"], result["changed"], result["imports"]) == ("failed", False, [])
        assert left_out(result) == {COMPRESSED: ["debug.log.1.gz"], LIVE: ["debug.log"]}
    assert len(licstat.sandbox.requests()) == asked

    rotated("debug.log-20261124", 0)
    assert names(found(licstat, folder, require_logs=True)) == ["debug.log-20261124"]


# What cannot be searched.


def test_a_folder_below_that_cannot_be_read_is_an_error_with_its_path(
    licstat: Licstat, rotated: Rotated, folder: Path
) -> None:
    rotated("debug.log.1", 1)
    locked = rotated("locked/debug.log.2", 1).parent
    locked.chmod(0)
    try:
        result = licstat.unprivileged(src=ABSENT, paths=[str(folder)], recurse=True)
    finally:
        locked.chmod(0o700)
    assert_plain_failure(result)
    assert f"{locked}: Permission denied" in result["msg"]
    assert "mode 0000" in result["msg"]


# A rotation meanwhile.


def test_logs_that_are_renamed_while_they_are_listed_are_all_found(
    licstat: Licstat, rotated: Rotated, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = rotated("debug.log.1", 24), rotated("debug.log.2", 48)
    contents = {first.read_bytes(), second.read_bytes()}

    def rotate(paths: list[str], option: str) -> Any:
        monkeypatch.setattr(finding, "open_contents", open_contents)
        second.rename(folder / "debug.log.3")
        first.rename(second)
        return open_contents(paths, option)

    monkeypatch.setattr(finding, "open_contents", rotate)

    assert names(found(licstat, folder)) == ["debug.log.3", "debug.log.2"]
    assert licstat.held.imports == 2 == len(contents)


def test_folders_that_never_come_to_rest_are_an_error(
    licstat: Licstat, rotated: Rotated, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated("debug.log.1", 24)

    def rotate(paths: list[str], option: str) -> Any:
        (log,) = folder.iterdir()
        log.rename(folder / f"{log.name}0")
        return open_contents(paths, option)

    monkeypatch.setattr(finding, "open_contents", rotate)
    result = found(licstat, folder)
    assert_plain_failure(result)
    assert str(folder) in result["msg"]
    assert licstat.sandbox.requests() == []


# Yesterday.


def test_yesterday_is_imported_once_from_a_log_that_grows(licstat: Licstat, log: Path) -> None:
    before = datetime.now() - timedelta(days=1)
    result = licstat(log, window="yesterday", merge_policy="merge")
    assert_ended_well(result, changed=True, reason="new")
    after = datetime.now() - timedelta(days=1)
    with log.open("a") as file:
        file.write(" 9:00:00 (lmgrd) more\n")
    assert_ended_well(licstat(log, window="yesterday", merge_policy="merge"), changed=False, reason="receipt")

    (task,) = licstat.sandbox.licstat().tasks
    day = task.parameters["from"][:10]
    assert day in (f"{before:%Y-%m-%d}", f"{after:%Y-%m-%d}")
    assert (task.parameters["from"], task.parameters["to"]) == (f"{day} 00:00:00", f"{day} 23:59:59")
    spelled_out: dict[str, Any] = {"identity": "window", "from": f"{day} 00:00:00", "to": f"{day} 23:59:59"}
    same = licstat(log, merge_policy="merge", **spelled_out)
    assert_ended_well(same, changed=False, reason="receipt")
    assert task.parameters["mergePolicy"].lower() == "merge"


def test_yesterday_is_that_of_the_time_zone_of_the_host(
    licstat: Licstat, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any moment there are places more than a day apart."""
    days = []
    try:
        for zone in ("Etc/GMT+12", "Etc/GMT-14"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            licstat(log, window="yesterday")
            days.append(licstat.sandbox.licstat().tasks[-1].parameters["from"])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert days[0] != days[1]
    assert len(licstat.uploads) == 2
