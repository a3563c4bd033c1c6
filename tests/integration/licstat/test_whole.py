# SPDX-License-Identifier: GPL-3.0-or-later
"""No half of a log is imported, whatever is at it meanwhile, and the next night has every line of it exactly once."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files import content as _content

from ..support import ABSENT, MIB, Licstat, Logs, assert_plain_failure, fill, log_text

MIB_OF_A_LOG = 16
"""More than the buffers of a connection hold, so that there is something left to send while the upload is held."""


WRITTEN = "is still being written: it grew from"


class Copier:
    """The copy that a rotation by copytruncate makes, in a thread of its own, which pauses in the middle."""

    def __init__(self, live: Path, copy: Path) -> None:
        self._live = live
        self._copy = copy
        self._is_half_done = threading.Event()
        self._goes_on = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def half(self) -> None:
        """Start, and come as far as the middle."""
        self._thread.start()
        assert self._is_half_done.wait(30)

    def end(self) -> None:
        """Copy the rest, and empty the log."""
        self._goes_on.set()
        self._thread.join(30)
        assert not self._live.stat().st_size

    def _work(self) -> None:
        with self._live.open("rb") as source, self._copy.open("wb") as target:
            target.write(source.read(self._live.stat().st_size // 2))
            target.flush()
            self._is_half_done.set()
            self._goes_on.wait(30)
            shutil.copyfileobj(source, target)
        os.truncate(self._live, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


class Night:
    """A run over the folder that is held in the middle of an upload."""

    def __init__(self, licstat: Licstat, folder: Path) -> None:
        self.licstat = licstat
        self.options: dict[str, Any] = {"src": ABSENT, "paths": [str(folder)]}

    def held(self, meanwhile: Callable[[], None], **options: Any) -> dict[str, Any]:
        """The result of a run, while whose first upload is held something happens."""
        sandbox = self.licstat.sandbox
        sandbox.fault("hold", operation="import", after_bytes=MIB)
        module = self.licstat.start(**self.options, **options)
        sandbox.wait_for("held", operation="import")
        meanwhile()
        sandbox.release()
        return module.finish()

    def next(self, **options: Any) -> dict[str, Any]:
        """The result of a run that nothing disturbs."""
        result = self.licstat(**self.options, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def assert_each_line_once(self, days: int) -> None:
        """The logs of so many days are in the license server, with one use and one denial a day."""
        feature = self.licstat.held.features["FEAT_A"]
        assert (feature.sessions, feature.denials) == (days, days)


@pytest.fixture
def night(licstat: Licstat, folder: Path) -> Night:
    return Night(licstat, folder)


def two_days(path: Path) -> None:
    """A log whose second half holds what is missing in its first."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write(log_text(0))
        fill(file, MIB_OF_A_LOG * MIB)
        file.write("\n" + log_text(1))


def states(result: dict[str, Any]) -> list[tuple[str, str]]:
    """The name of each log and what became of its import."""
    return [(Path(one["source"]).name, one["state"]) for one in result["imports"]]


def assert_broken_off(result: dict[str, Any], **reasons: str) -> None:
    """These logs, and no others, were not imported, and the result tells a person why."""
    assert_plain_failure(result)
    failed = {Path(one["source"]).name: one for one in result["imports"] if one["state"] == "failed"}
    assert failed.keys() == reasons.keys()
    for name, one in failed.items():
        assert f"{name} {reasons[name]}" in one["message"]
        assert one["source"] in result["msg"]
        assert one["changed"] is False


# Rotation by copying.


def test_a_copy_that_takes_longer_than_the_upload_is_imported_when_it_is_whole(night: Night, folder: Path) -> None:
    two_days(folder / "debug.log")
    copier = Copier(folder / "debug.log", folder / "debug.log.1")
    copier.half()

    result = night.held(copier.end)

    assert_broken_off(result, **{"debug.log.1": WRITTEN})
    assert result["changed"] is False
    assert not any(upload.complete for upload in night.licstat.uploads)
    night.next()
    night.assert_each_line_once(2)
    assert night.licstat.held.accepted == 1


@pytest.mark.parametrize("check", [True, False])
def test_a_copy_that_goes_on_while_logs_are_digested_keeps_no_other_from_being_imported(
    night: Night, folder: Path, make_log: Logs, monkeypatch: pytest.MonkeyPatch, *, check: bool
) -> None:
    two_days(folder / "debug.log")
    for name, day in (("debug.log.2", 2), ("debug.log.3", 3)):
        os.utime(make_log(name, day=day), (1_700_000_000,) * 2)
    copier = Copier(folder / "debug.log", folder / "debug.log.1")
    copier.half()
    digest_of = _content.digest_of

    def later(content: Any) -> str:
        monkeypatch.setattr(_content, "digest_of", digest_of)
        copier.end()
        return digest_of(content)

    monkeypatch.setattr(_content, "digest_of", later)

    result = night.licstat(check=check, **night.options)

    good = "planned" if check else "succeeded"
    assert_broken_off(result, **{"debug.log.1": WRITTEN})
    assert states(result) == [("debug.log.3", good), ("debug.log.2", good), ("debug.log.1", "failed")]
    assert (result["state"], result["changed"]) == ("failed", True)
    assert night.licstat.held.accepted == (0 if check else 2)
    night.next()
    night.assert_each_line_once(4)


# What else may be at it.


def test_a_rotation_by_rename_in_the_middle_of_a_list(night: Night, folder: Path, make_log: Logs) -> None:
    for number, name in enumerate(("debug.log.2", "debug.log.1", "debug.log")):
        os.utime(make_log(name, day=number, mib=0 if number else MIB_OF_A_LOG), (1_700_000_000 + number,) * 2)

    def rotate() -> None:
        for old, new in (("debug.log.2", "debug.log.3"), ("debug.log.1", "debug.log.2"), ("debug.log", "debug.log.1")):
            (folder / old).rename(folder / new)
        make_log("debug.log", day=9)

    result = night.held(rotate)

    assert_broken_off(result, **dict.fromkeys(("debug.log.2", "debug.log.1"), "became another file"))
    assert night.licstat.held.accepted == 0
    assert [name for name, _state in states(night.next())] == ["debug.log.3", "debug.log.2", "debug.log.1"]
    night.assert_each_line_once(3)


def test_a_rotation_by_copy_in_the_middle_of_a_list(night: Night, folder: Path, make_log: Logs) -> None:
    two_days(folder / "debug.log")
    os.utime(make_log("debug.log.2", day=2, mib=MIB_OF_A_LOG), (1_700_000_000,) * 2)
    copier = Copier(folder / "debug.log", folder / "debug.log.1")
    copier.half()

    result = night.held(copier.end)

    assert_broken_off(result, **{"debug.log.1": WRITTEN})
    assert states(result) == [("debug.log.2", "succeeded"), ("debug.log.1", "failed")]
    night.next()
    night.assert_each_line_once(3)


@pytest.mark.parametrize(
    ("mib", "in_place", "reason"),
    [
        (1, True, "became shorter"),
        (MIB_OF_A_LOG, True, "is still being written: it changed"),
        (MIB_OF_A_LOG, False, "became another file"),
    ],
)
def test_a_log_that_another_takes_the_place_of(
    night: Night, folder: Path, make_log: Logs, *, mib: int, in_place: bool, reason: str
) -> None:
    log = make_log("debug.log.1", day=0, mib=MIB_OF_A_LOG)
    other = make_log("other", day=1, mib=mib)
    os.utime(log, (1_700_000_000,) * 2)

    def replaced() -> None:
        if in_place:
            with log.open("r+b") as file:  # which is never shorter than both, as other ways of writing make it
                file.write(other.read_bytes())
                file.truncate()
        else:
            other.replace(log)

    result = night.held(replaced)

    assert_broken_off(result, **{"debug.log.1": reason})
    assert night.licstat.held.accepted == 0
    night.next()
    night.assert_each_line_once(1)
    assert night.licstat.held.accepted == 1


def test_a_log_to_which_a_line_is_written_each_minute_is_left_out_by_its_age_and_reported(
    night: Night, make_log: Logs
) -> None:
    resting, written = make_log("debug.log.2", day=1), make_log("debug.log.1", day=2)
    for age in (59, 1):
        os.utime(resting, (time.time() - 3600,) * 2)
        os.utime(written, (time.time() - age,) * 2)
        result = night.next(min_age=120)
        assert states(result) == [("debug.log.2", "succeeded")]
        assert result["left_out"] == [{"reason": "written to less than 120 s ago", "count": 1, "paths": [str(written)]}]
    os.utime(written, (time.time() - 121,) * 2)
    night.next(min_age=120)
    night.assert_each_line_once(2)


def test_a_time_range_by_content_takes_no_log_that_grows_and_a_window_does(night: Night, log: Path) -> None:
    log.write_text(log_text(0) + "-" * MIB_OF_A_LOG * MIB)
    size = log.stat().st_size
    times: dict[str, Any] = {"from": "2022-01-10 00:00", "to": "2022-01-10 23:59", "src": [str(log)], "paths": ABSENT}
    night.options.update(times)

    def grow() -> None:
        with log.open("a") as file:
            file.write("\n" + log_text(1))

    assert_broken_off(night.held(grow), **{log.name: WRITTEN})
    size = log.stat().st_size
    window = night.held(grow, identity="window")
    assert not window.get("failed"), window["msg"]
    assert night.licstat.sandbox.licstat().tasks[0].size == size
    night.assert_each_line_once(1)
