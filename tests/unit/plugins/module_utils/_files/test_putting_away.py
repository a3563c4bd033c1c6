# SPDX-License-Identifier: GPL-3.0-or-later
"""At whatever call a run is killed while it puts logs away: nothing is lost, nothing half, and the next run ends it."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files import finding, putting_away
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, Fingerprint, content_of
from ansible_collections.assetops.imports.plugins.module_utils._files.finding import SET_ASIDE, Search, find_logs
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import (
    ABANDONED,
    PART_SUFFIX,
    original_name,
    set_aside_path,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.putting_away import (
    FROM_ARCHIVE,
    PutAway,
    failure_message,
    put_away,
)

from .....disks import on_another_disk

SHORT = 12
"""Digits of the digest in a name in the archive."""
CONTENTS = {"debug.log.2": b"two " * 300, "debug.log.1": b"one " * 300}
YOUNGER = b"not imported"


class NoMemory:
    """Remembers no digests."""

    def recall_digests(self, fingerprints: list[Fingerprint]) -> Mapping[Fingerprint, str]:
        return {}

    def remember_digests(self, digests: Mapping[Fingerprint, str]) -> None:
        pass


@pytest.fixture(params=["archive", "archive on another disk", "archive without second names", "delete"])
def archive(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path | None]:
    """The folder for what is put away; None where it is deleted."""
    if request.param == "archive on another disk":
        with on_another_disk(tmp_path) as folder:
            yield folder / "archive"
        return
    if request.param == "archive without second names":

        def refuse(*_args: Any, **_options: Any) -> None:
            raise PermissionError("no second names here")

        monkeypatch.setattr(os, "link", refuse)
    yield None if request.param == "delete" else tmp_path / "archive"


def found(folder: Path) -> list[Content]:
    """The rotated logs that are there."""
    return find_logs(Search((str(folder),), ("debug.log.*",))).contents


def imported(folder: Path) -> list[tuple[Content, str]]:
    return [(log, digest(CONTENTS[log.name])) for log in found(folder)]


def outcomes(folder: Path, archive: Path | None) -> list[PutAway]:
    """Put away what is found of the logs."""
    return put_away(imported(folder), archive, NoMemory(), check_mode=False)


def run(folder: Path, archive: Path | None) -> list[str]:
    """The states that putting them away gave."""
    return [one.state for one in outcomes(folder, archive)]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def killed(work: Callable[[], Any], at: int) -> bool:
    """Run it in a process that kills itself when it is about to make the call of this number; False: there is none."""
    pid = os.fork()
    if pid == 0:
        left = at

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal left
            left -= event == "c_call"
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        work()
        sys.setprofile(None)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def new_logs(folder: Path) -> None:
    folder.mkdir()
    for name, content in {**CONTENTS, "debug.log": YOUNGER}.items():
        (folder / name).write_bytes(content)


def place_of(archive: Path, name: str) -> Path:
    return archive / f"{name}-{digest(CONTENTS[name])[:SHORT]}"


def visible(folder: Path) -> dict[str, bytes]:
    """The files in a folder that are not hidden, with their contents."""
    if not folder.exists():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_a_run_that_is_killed_at_any_call_loses_nothing(
    archive: Path | None, tmp_path: Path, stride: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(putting_away, "BLOCK", 500)
    monkeypatch.setattr(finding, "ABANDONED", -ABANDONED)  # at once, and not after an hour
    points = hidden = 0
    for at in range(0, 100_000, stride(19)):
        folder = tmp_path / f"logs-{at}"
        own = archive and archive / str(at)
        new_logs(folder)
        work = partial(put_away, imported(folder), own, NoMemory(), check_mode=False)
        was_killed = killed(work, at)

        left = visible(folder)
        assert left.pop("debug.log") == YOUNGER
        assert left.items() <= CONTENTS.items(), "half of a log"
        if own is not None:
            kept = visible(own)
            whole = {place_of(own, name).name: content for name, content in CONTENTS.items()}
            assert kept.items() <= whole.items(), "half of a log in the archive"
            for name in CONTENTS:
                assert name in left or place_of(own, name).name in kept, f"{name} is lost"

        set_aside = [path for path in folder.iterdir() if original_name(path.name) != path.name]
        assert {path.read_bytes() for path in set_aside} <= {*CONTENTS.values()}
        assert run(folder, own) == ["deleted" if own is None else "archived"] * (len(left) + len(set_aside))
        assert [path.name for path in folder.iterdir()] == ["debug.log"]
        hidden += len(set_aside)
        if own is not None:
            assert visible(own) == whole
        if not was_killed:
            break
        points += 1
    else:
        pytest.fail("it does not end")
    assert points > 10
    print(f"killed at {points} points, at {hidden} of which a log was set aside")


def test_runs_that_put_away_the_same_logs_at_once_lose_nothing(archive: Path | None, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    names = [f"debug.log.{number}" for number in range(30)]
    for name in names:
        (folder / name).write_text(name)
    logs = [(content_of(folder / name), digest(name.encode())) for name in names]
    gate, opener = os.pipe()
    runs = []
    for _unused in range(6):
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            os.read(gate, 1)  # until all are there
            os._exit(any(one.state == "failed" for one in put_away(logs, archive, NoMemory(), check_mode=False)))
        runs.append(pid)
    os.close(opener)

    assert [os.waitpid(pid, 0)[1] for pid in runs] == [0] * 6
    assert list(folder.iterdir()) == []
    if archive is not None:
        assert sorted(path.read_text() for path in archive.iterdir()) == sorted(names)


def test_what_a_killed_run_began_to_copy_is_removed_when_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, archive = tmp_path / "logs", tmp_path / "archive"
    new_logs(folder)
    archive.mkdir()
    place = place_of(archive, "debug.log.1")
    part = archive / f".{place.name[-SHORT:]}.0a1b2c3d{PART_SUFFIX}"
    part.write_bytes(b"half")
    (archive / ".mine").touch()

    assert run(folder, archive) == ["archived"] * 2
    assert part.exists(), "another run may be at it"

    (folder / "debug.log.1").write_bytes(CONTENTS["debug.log.1"])
    monkeypatch.setattr(putting_away, "ABANDONED", -ABANDONED)
    assert run(folder, archive) == ["archived"]
    assert sorted(path.name for path in archive.iterdir()) == [
        ".mine",
        *sorted(place_of(archive, name).name for name in CONTENTS),
    ]


# What was set aside, and is found again.


def test_a_log_that_a_killed_run_set_aside_is_found_by_its_own_name_when_nobody_is_at_it_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "debug.log.1"
    log.write_bytes(b"one")
    hidden = set_aside_path(set_aside_path(set_aside_path(log)))
    log.rename(hidden)
    assert hidden.name.count("debug.log.1") == hidden.name.count(PART_SUFFIX) == 1
    (tmp_path / ".debug.log.2.part").write_bytes(b"of somebody else")
    set_aside_path(tmp_path / "other").write_bytes(b"no log")
    search = Search((str(tmp_path),), ("debug.log.*",))

    fresh = find_logs(search)
    assert (fresh.contents, fresh.left_out) == ([], {SET_ASIDE: [hidden]})

    monkeypatch.setattr(finding, "ABANDONED", -1.0)
    (content,) = find_logs(search).contents
    assert (content.path, content.name) == (str(hidden), "debug.log.1")


# The disk has it before the log goes.


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that the disk was told to keep, in order."""
    paths = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        paths.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return paths


@pytest.mark.parametrize("second_names", [True, False])
def test_the_disk_has_the_copy_and_its_folders_before_the_log_goes(
    tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch, *, second_names: bool
) -> None:
    folder, archive = tmp_path / "logs", tmp_path / "new" / "archive"
    new_logs(folder)
    (folder / "debug.log.2").unlink()
    remove = putting_away._remove
    before: list[str] = []

    def note(*arguments: Any) -> None:
        before.extend(synced)
        remove(*arguments)

    monkeypatch.setattr(putting_away, "_remove", note)
    monkeypatch.setattr(
        putting_away, "_hard_link", putting_away._hard_link if second_names else lambda *_arguments: False
    )
    place = place_of(archive, "debug.log.1")
    for is_there in (False, True):
        assert run(folder, archive) == ["archived"]
        assert {str(place), str(archive)} <= {*before}
        assert ({str(tmp_path), str(tmp_path / "new")} <= {*before}) == (not is_there), "of new folders"
        assert any(path.endswith(PART_SUFFIX) for path in before) == (not is_there and not second_names)
        before.clear()
        synced.clear()
        (folder / "debug.log.1").write_bytes(CONTENTS["debug.log.1"])


@pytest.mark.parametrize(("number", "state"), [(errno.EIO, "failed"), (errno.EINVAL, "archived")])
def test_a_failing_disk_leaves_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, state: str
) -> None:
    folder, archive = tmp_path / "logs", tmp_path / "archive"
    new_logs(folder)

    def refuse(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    for one in outcomes(folder, archive):
        assert one.state == state
        assert Path(one.source).exists() == (state == "failed")
        assert one.reason == (
            f"it cannot be archived in {archive}: Input/output error" if number == errno.EIO else None
        )


def test_a_copy_that_reads_otherwise_leaves_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, archive = tmp_path / "logs", tmp_path / "archive"
    new_logs(folder)
    keep_status = shutil.copystat

    def lose_a_byte(source: Path, copy: Path) -> None:
        os.truncate(copy, copy.stat().st_size - 1)
        keep_status(source, copy)

    monkeypatch.setattr(putting_away, "_hard_link", lambda *_arguments: False)
    monkeypatch.setattr(shutil, "copystat", lose_a_byte)
    for one in outcomes(folder, archive):
        assert (one.state, one.place) == ("failed", None)
        assert "is not the same when it is read again" in (one.reason or "")
        assert Path(one.source).read_bytes() == CONTENTS[Path(one.source).name]
    assert list(archive.iterdir()) == []


def test_a_gone_archive_is_not_taken_for_a_gone_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, archive = tmp_path / "logs", tmp_path / "archive"
    new_logs(folder)
    monkeypatch.setattr(putting_away, "_make_folder", lambda folder: None)
    for one in outcomes(folder, archive):
        assert (one.state, one.reason) == ("failed", f"it cannot be archived in {archive}: No such file or directory")


@pytest.mark.parametrize("other", [True, False])
def test_a_log_of_an_archive_stays_there(tmp_path: Path, *, other: bool) -> None:
    """As where the folder is known by another device, since it is mounted twice."""
    archive = tmp_path / "archive"
    archive.mkdir()
    place = place_of(archive, "debug.log.1")
    place.write_bytes(CONTENTS["debug.log.1"])
    log = (content_of(place), digest(CONTENTS["debug.log.1"]))
    kept = [PutAway(str(place), "kept", reason=FROM_ARCHIVE)]
    for check_mode in (True, False):
        assert put_away([log], tmp_path / "other" if other else None, NoMemory(), check_mode=check_mode) == kept
    assert place.exists()


# Any number.


def test_twice_as_many_logs_are_twice_the_work(tmp_path: Path) -> None:
    """Counted in calls, as time goes by the machine."""
    calls = []
    for count in (60, 120):
        folder, archive = tmp_path / f"logs-{count}", tmp_path / f"archive-{count}"
        folder.mkdir()
        archive.mkdir()
        for number in range(count):
            (folder / f"debug.log.{number}").write_text(f"{number}")
            (archive / f"before.{number}").touch()
        calls.append(0)

        def count_one(_frame: Any, event: str, _argument: Any) -> None:
            calls[-1] += event.endswith("call")

        sys.setprofile(count_one)
        try:
            logs = [(log, digest(Path(log.path).read_bytes())) for log in found(folder)]
            states = [one.state for one in put_away(logs, archive, NoMemory(), check_mode=False)]
        finally:
            sys.setprofile(None)
        assert states == ["archived"] * count
    few, many = calls
    assert few < many < 2.2 * few
    print(f"{few} calls for 60 logs, {many} for 120")


def test_of_many_that_cannot_be_put_away_some_are_reported_by_name_and_all_are_counted() -> None:
    many = [PutAway(f"/logs/{number}", "failed", reason="the disk is full") for number in range(3000)]
    others = [PutAway("/logs/other", "failed", reason="it may not be removed"), PutAway("/logs/good", "archived")]
    names = ", ".join(f"/logs/{number}" for number in range(10))
    assert failure_message([*many, *others]) == (
        f"3001 of 3002 imported logs could not be put away. [{names} and 2990 more] the disk is full."
        " [/logs/other] it may not be removed."
    )
