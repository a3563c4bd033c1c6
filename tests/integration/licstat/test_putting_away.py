# SPDX-License-Identifier: GPL-3.0-or-later
"""`licstat_import` archives and deletes logs: each only once it is imported, and nothing that somebody had is lost."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files import finding, putting_away
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import set_aside_path

from ...disks import on_another_disk
from ..support import ABSENT, Licstat, Logs, assert_ended_well, assert_failed, assert_plain_failure
from .small_disk import SmallDisk

SHORT = 12
"""Digits of the digest in a name in the archive."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "new" / "archive"


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk than the test's folder."""
    with on_another_disk(tmp_path) as folder:
        yield folder


def archived(licstat: Licstat, *logs: Path, archive: Path, check: bool = False, **options: Any) -> dict[str, Any]:
    return licstat(*logs, afterwards="archive", archive=str(archive), check=check, **options)


def place_of(archive: Path, log: Path, content: bytes) -> Path:
    """Where the archive has a log of this content."""
    return archive / f"{log.name}-{hashlib.sha256(content).hexdigest()[:SHORT]}"


def outcomes(result: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What became of the logs, and why where it is not what was wanted."""
    return [(one["state"], one["reason"]) for one in result["put_away"]]


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What is imported is put away.


def test_a_log_is_archived_as_it_was_and_the_next_run_finds_no_more(
    licstat: Licstat, make_log: Logs, archive: Path
) -> None:
    log = make_log("debug.log.1")
    log.chmod(0o640)
    os.utime(log, (1_700_000_000, 1_700_000_000))
    content = log.read_bytes()
    place = place_of(archive, log, content)

    options: dict[str, Any] = {"src": ABSENT, "paths": [str(log.parent)], "archive": archive}
    result = archived(licstat, diff=True, **options)

    assert_ended_well(result, changed=True, reason="new")
    assert result["put_away"] == [{"source": str(log), "state": "archived", "place": str(place), "reason": None}]
    assert (place.read_bytes(), place.stat().st_mode & 0o777, place.stat().st_mtime) == (content, 0o640, 1_700_000_000)
    assert entries(log.parent) == []
    assert entries(archive) == [place.name]
    assert result["diff"][-1]["before"] == f"{log}\n"
    assert result["diff"][-1]["after"] == f"{log}: archived as {place}\n"
    again = archived(licstat, **options)
    assert (again["changed"], again["imports"], again["put_away"]) == (False, [], [])


def test_a_log_is_deleted_if_that_is_wanted(licstat: Licstat, make_log: Logs) -> None:
    log, other = make_log(), make_log()
    result = licstat(log, afterwards="delete")
    assert_ended_well(result, changed=True, reason="new")
    assert result["put_away"] == [{"source": str(log), "state": "deleted", "place": None, "reason": None}]
    assert entries(other.parent) == [other.name]


def test_logs_are_kept_unless_something_else_is_wanted(licstat: Licstat, log: Path, archive: Path) -> None:
    result = licstat(log, archive=str(archive))
    assert_ended_well(result, changed=True, reason="new")
    assert result["put_away"] == []
    assert log.exists()
    assert not archive.exists()


def test_what_an_earlier_run_imported_is_put_away_by_its_receipt(licstat: Licstat, log: Path, archive: Path) -> None:
    licstat(log)
    result = archived(licstat, log, archive=archive)
    assert result["imports"][0]["reason"] == "receipt"
    assert (result["changed"], outcomes(result)) == (True, [("archived", None)])
    assert licstat.held.imports == 1


def test_without_waiting_the_next_run_puts_it_away(licstat: Licstat, log: Path, archive: Path) -> None:
    sent = archived(licstat, log, archive=archive, wait=False)
    assert (sent["state"], sent["put_away"]) == ("submitted", [])
    assert log.exists()
    licstat.sandbox.clock(step=3600)
    result = archived(licstat, log, archive=archive, wait=False)
    waited = archived(licstat, log, archive=archive) if log.exists() else result
    assert outcomes(waited) == [("archived", None)]


def test_check_mode_moves_nothing_and_says_what_would_be(licstat: Licstat, make_log: Logs, archive: Path) -> None:
    known, new = make_log(), make_log()
    licstat(known)
    for options, state in (
        ({"afterwards": "archive", "archive": str(archive)}, "archived"),
        ({"afterwards": "delete"}, "deleted"),
    ):
        result = licstat(known, new, check=True, diff=True, **options)
        assert outcomes(result) == [(state, None)] * 2
        assert result["changed"] is True
        assert f"{known}: {state}" in result["diff"][-1]["after"]
    assert known.exists()
    assert new.exists()
    assert not archive.parent.exists()


def test_an_import_that_failed_keeps_its_log_and_does_not_keep_others(
    licstat: Licstat, make_log: Logs, archive: Path
) -> None:
    good, bad = make_log(), make_log()
    bad.write_text("no log at all\n")
    result = archived(licstat, bad, good, archive=archive)
    assert_plain_failure(result)
    assert "Unsupported log file format" in result["msg"]
    assert [one["source"] for one in result["put_away"]] == [str(good)]
    assert (bad.exists(), good.exists()) == (True, False)


@pytest.mark.parametrize("options", [{"window": "yesterday"}, {"to": "2022-01-10 09:00"}])
def test_a_log_of_which_a_time_range_was_imported_is_kept(
    licstat: Licstat, log: Path, options: dict[str, Any], archive: Path
) -> None:
    result = archived(licstat, log, archive=archive, **options)
    assert outcomes(result) == [("kept", "only a time range of it was imported")]
    assert log.exists()


# Only what was imported.


def test_a_log_that_is_written_to_or_replaced_after_its_import_is_kept(
    licstat: Licstat, make_log: Logs, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same, grown, replaced, gone = (make_log() for _unused in range(4))
    put_away = putting_away.put_away

    def late(*args: Any, **options: Any) -> Any:
        with grown.open("a") as file:
            file.write("one more line\n")
        replaced.write_bytes(b"x" * replaced.stat().st_size)
        gone.unlink()
        return put_away(*args, **options)

    monkeypatch.setattr(putting_away, "put_away", late)

    result = archived(licstat, same, grown, replaced, gone, archive=archive)

    assert not result.get("failed"), result["msg"]
    changed = ("kept", "it holds something else by now than what was imported")
    assert outcomes(result) == [("archived", None), changed, changed, ("kept", "it is not there any more")]
    assert (same.exists(), grown.exists(), replaced.exists()) == (False, True, True)
    assert len(entries(archive)) == 1


@pytest.mark.parametrize("afterwards", ["archive", "delete"])
def test_a_rotation_at_the_last_moment_loses_nothing(
    licstat: Licstat, make_log: Logs, archive: Path, monkeypatch: pytest.MonkeyPatch, afterwards: str
) -> None:
    """The name of what was imported is another log's when it is about to be removed."""
    first, second = make_log("debug.log.1"), make_log("debug.log.2")
    imported, not_imported = second.read_bytes(), first.read_bytes()
    remove = putting_away._remove

    def rotated(log: Path, *args: Any) -> None:
        second.rename(second.with_name("debug.log.3"))
        first.rename(second)
        remove(log, *args)

    monkeypatch.setattr(putting_away, "_remove", rotated)

    result = licstat(second, afterwards=afterwards, archive=str(archive))

    assert outcomes(result) == [("kept", "it holds something else by now than what was imported")]
    assert entries(first.parent) == ["debug.log.2", "debug.log.3"]
    assert second.read_bytes() == not_imported
    assert second.with_name("debug.log.3").read_bytes() == imported


def test_a_log_that_is_written_to_at_the_last_moment_is_not_in_the_archive_under_its_old_digest(
    licstat: Licstat, log: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = putting_away._remove

    def written(path: Path, *args: Any) -> None:
        with path.open("a") as file:
            file.write("one more line\n")
        remove(path, *args)

    monkeypatch.setattr(putting_away, "_remove", written)

    result = archived(licstat, log, archive=archive)

    assert [state for state, _reason in outcomes(result)] == ["kept"]
    assert log.read_text().endswith("one more line\n")
    assert entries(archive) == []


# Names.


def test_logs_of_one_name_from_two_folders_and_of_one_content_are_all_in_the_archive(
    licstat: Licstat, make_log: Logs, archive: Path
) -> None:
    logs = [make_log("cad/debug.log.1", day=1), make_log("eda/debug.log.1", day=2), make_log("cae/debug.log.1", day=2)]
    contents = [log.read_bytes() for log in logs]

    result = archived(licstat, *logs, logs[0], archive=archive)

    assert outcomes(result) == [("archived", None)] * 4
    assert [one["reason"] for one in result["imports"]] == ["new", "new", "duplicate", "duplicate"]
    places = {place_of(archive, logs[0], content) for content in contents}
    assert {Path(one["place"]) for one in result["put_away"]} == places == set(archive.iterdir())
    assert not [log for log in logs if log.exists()]


def test_what_the_archive_has_is_never_overwritten(licstat: Licstat, log: Path, archive: Path) -> None:
    place = place_of(archive, log, log.read_bytes())
    archive.mkdir(parents=True)
    for make in (lambda: place.write_text("mine"), lambda: place.symlink_to(log), place.mkdir):
        make()
        for check in (True, False):
            result = archived(licstat, log, archive=archive, check=check)
            assert_plain_failure(result)
            assert f"{place} is there already" in result["msg"]
            assert result["state"] in ("succeeded", "planned")
        assert log.is_file()
        assert entries(archive) == [place.name]
        if place.is_dir():
            break
        place.unlink()


def test_of_a_link_the_archive_gets_the_log_and_the_link_goes(licstat: Licstat, make_log: Logs, archive: Path) -> None:
    log = make_log("debug.log.1")
    content = log.read_bytes()
    link = log.with_name("debug.log.current")
    link.symlink_to(log.name)

    result = archived(licstat, link, archive=archive)
    assert outcomes(result) == [("archived", None)]
    assert entries(log.parent) == ["debug.log.1"]
    place = place_of(archive, link, content)
    assert (place.read_bytes(), place.is_symlink()) == (content, False)
    assert not place.samefile(log)

    link.symlink_to(log.name)
    both = archived(licstat, log, link, archive=archive)
    assert outcomes(both) == [("archived", None)] * 2
    assert entries(log.parent) == []


def test_of_a_log_with_two_names_the_other_one_stays(licstat: Licstat, log: Path, archive: Path) -> None:
    other = log.with_name("backup")
    os.link(log, other)
    assert outcomes(archived(licstat, log, archive=archive)) == [("archived", None)]
    assert entries(log.parent) == ["backup"]
    assert outcomes(licstat(other, afterwards="delete")) == [("deleted", None)]


# Where it cannot be done.


def test_an_archive_on_another_disk_gets_whole_copies(licstat: Licstat, make_log: Logs, other_disk: Path) -> None:
    log = make_log("debug.log.1", mib=3)
    content = log.read_bytes()
    log.chmod(0o604)
    os.utime(log, (1_700_000_000, 1_700_000_000))
    result = archived(licstat, log, archive=other_disk)
    assert outcomes(result) == [("archived", None)]
    place = place_of(other_disk, log, content)
    assert place.read_bytes() == content
    assert (place.stat().st_mode & 0o777, place.stat().st_mtime) == (0o604, 1_700_000_000)
    assert not log.exists()
    assert entries(other_disk) == [place.name]


def test_a_log_that_cannot_be_archived_is_reported_with_its_import_and_archived_later(
    licstat: Licstat, make_log: Logs, archive: Path
) -> None:
    logs = [make_log(), make_log()]
    archive.mkdir(parents=True)
    archive.chmod(0o500)
    options: dict[str, Any] = {"afterwards": "archive", "archive": str(archive)}
    for check in (True, False):
        result = licstat.unprivileged(*logs, check=check, **options)
        assert_plain_failure(result)
        assert "2 of 2 imported logs could not be put away" in result["msg"]
        assert str(archive) in result["msg"]
        assert [state for state, _reason in outcomes(result)] == ["failed"] * 2
        assert result["changed"] is True
    assert (result["state"], [one["state"] for one in result["imports"]]) == ("succeeded", ["succeeded"] * 2)
    assert entries(archive) == []

    archive.chmod(0o700)
    later = licstat(*logs, **options)
    assert outcomes(later) == [("archived", None)] * 2
    assert [one["reason"] for one in later["imports"]] == ["receipt"] * 2
    assert licstat.held.imports == 2


def test_a_log_that_cannot_be_removed_is_reported(licstat: Licstat, log: Path, archive: Path) -> None:
    log.parent.chmod(0o500)
    try:
        result = licstat.unprivileged(log, afterwards="archive", archive=str(archive))
        assert_plain_failure(result)
        assert f"cannot be removed from {log.parent}: Permission denied" in result["msg"]
        assert result["state"] == "succeeded"
        deleted = licstat.unprivileged(log, afterwards="delete")
        assert "cannot be removed" in deleted["msg"]
    finally:
        log.parent.chmod(0o700)
    assert log.exists()
    assert outcomes(archived(licstat, log, archive=archive)) == [("archived", None)]
    assert len(entries(archive)) == 1


def test_an_archive_whose_disk_is_full_leaves_the_log(licstat: Licstat, make_log: Logs, tmp_path: Path) -> None:
    log = make_log(mib=1)
    try:
        disk = SmallDisk(tmp_path / "disk", 20)
    except OSError as error:
        pytest.skip(f"no mount namespaces: {error}")
    with disk:
        options: dict[str, Any] = {"afterwards": "archive", "archive": str(tmp_path / "disk")}
        result = licstat.start(log, within=disk.within, **options).finish()
        assert_failed(result, "No space left on device", state="succeeded", changed=True)
        assert log.stat().st_size == 1024 * 1024

        disk.resize(1000)
        assert outcomes(licstat.start(log, within=disk.within, **options).finish()) == [("archived", None)]
    assert not log.exists()


@pytest.mark.parametrize("spelling", ["as it is", "by a link", "by a way around"])
def test_an_archive_below_the_folders_is_known_by_any_name(
    licstat: Licstat, make_log: Logs, tmp_path: Path, spelling: str
) -> None:
    log = make_log("debug.log.1")
    below = log.parent / "archive"
    below.mkdir()
    (tmp_path / "link").symlink_to(log.parent)
    name = {
        "as it is": below,
        "by a link": tmp_path / "link/archive",
        "by a way around": log.parent / "../logs/archive",
    }[spelling]
    options: dict[str, Any] = {"src": ABSENT, "paths": [str(log.parent)], "recurse": True}
    assert outcomes(archived(licstat, **options, archive=name)) == [("archived", None)]
    held = entries(below)

    for again in (
        archived(licstat, **options, archive=name),
        archived(licstat, **{**options, "paths": [str(tmp_path / "link")]}, archive=below),
        licstat(**options, archive=str(name), patterns=["*"], afterwards="delete"),
        licstat(**options, archive=str(name), patterns=["*"]),
    ):
        assert not again.get("failed"), again["msg"]
        assert (again["imports"], [one["reason"] for one in again["left_out"]]) == ([], ["the archive"])
    for paths in ([str(name)], [str(log.parent), str(below)]):
        refused = archived(licstat, **{**options, "paths": paths}, archive=name)
        assert_plain_failure(refused)
        assert "that is the archive" in refused["msg"]
    assert entries(below) == held


def test_an_archive_that_is_mounted_below_the_folders_is_not_searched(
    licstat: Licstat, make_log: Logs, archive: Path
) -> None:
    log = make_log("debug.log.1")
    archived(licstat, log, archive=archive)
    held = entries(archive)
    mounted = log.parent / "mounted"
    mounted.mkdir()
    mount = ["sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', str(archive), str(mounted)]
    within = ["unshare", "--user", "--map-root-user", "--mount", *mount]
    if subprocess.run([*within, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces")

    options: dict[str, Any] = {"src": ABSENT, "paths": [str(log.parent)], "recurse": True, "patterns": ["*"]}
    options.update(afterwards="archive", archive=str(archive))
    result = licstat.start(within=within, **options).finish()

    assert not result.get("failed"), result["msg"]
    assert (result["imports"], [one["reason"] for one in result["left_out"]]) == ([], ["the archive"])
    assert entries(archive) == held


def test_what_an_earlier_archive_holds_stays_in_it_and_can_be_imported_from_there(
    licstat: Licstat, make_log: Logs, tmp_path: Path
) -> None:
    log = make_log("debug.log.1")
    before = log.parent / "archive"
    archived(licstat, log, archive=before)
    held = entries(before)
    options: dict[str, Any] = {"src": ABSENT, "paths": [str(log.parent)], "recurse": True}

    for afterwards in ("archive", "delete"):
        result = licstat(**options, afterwards=afterwards, archive=str(tmp_path / "other"))
        assert outcomes(result) == [
            ("kept", "it has the name of an archived log, and what is in an archive stays there")
        ]
        assert (result["changed"], entries(before)) == (False, held)
    from_there = licstat(src=ABSENT, paths=[str(before)], archive=str(before), license_server_id=41)
    assert_ended_well(from_there, changed=True, reason="new")


@pytest.mark.parametrize("once", ["ever", "latest"])
def test_a_log_that_a_killed_run_set_aside_is_imported_if_it_was_not_and_put_away(
    licstat: Licstat, make_log: Logs, archive: Path, monkeypatch: pytest.MonkeyPatch, once: str
) -> None:
    imported, other = make_log("debug.log.1", day=1), make_log("debug.log.2", day=2)
    contents = {imported.name: imported.read_bytes(), other.name: other.read_bytes()}
    licstat(imported, once=once)
    for log in (imported, other):
        log.rename(set_aside_path(log))
    options: dict[str, Any] = {"src": ABSENT, "paths": [str(log.parent)], "once": once}
    waited = archived(licstat, **options, archive=archive)
    assert (waited["imports"], [one["count"] for one in waited["left_out"]]) == ([], [2])

    monkeypatch.setattr(finding, "ABANDONED", -1.0)
    result = archived(licstat, **options, archive=archive)

    assert sorted(one["reason"] for one in result["imports"]) == ["new", "receipt"]
    assert outcomes(result) == [("archived", None)] * 2
    assert entries(log.parent) == []
    assert {*archive.iterdir()} == {place_of(archive, Path(name), content) for name, content in contents.items()}
    assert {task.file_name for task in licstat.sandbox.licstat().tasks} == {*contents}


# Cost.


def test_an_unchanged_log_is_not_read_again(
    licstat: Licstat, make_log: Logs, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [make_log(), make_log()]
    for log in logs:
        os.utime(log, (1_700_000_000, 1_700_000_000))
    monkeypatch.setattr("ansible_collections.assetops.imports.plugins.module_utils._files.content.SETTLED", -1.0)
    monkeypatch.setattr(putting_away, "digest_of", lambda content: pytest.fail(f"{content.path} is read again"))

    assert outcomes(archived(licstat, *logs, archive=archive)) == [("archived", None)] * 2
