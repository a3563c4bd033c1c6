# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At whatever call a run is killed while it puts logs away: nothing is lost, nothing half, and the next run ends it."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files import putting_away
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint, looked_at
from ansible_collections.assetops.imports.plugins.module_utils._files.putting_away import ABANDONED, PART, put_away

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
        with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="archive-") as folder:
            if Path(folder).stat().st_dev == tmp_path.stat().st_dev:
                pytest.skip("there is no other disk")
            yield Path(folder, "archive")
        return
    if request.param == "archive without second names":

        def refuse(*_args: Any, **_options: Any) -> None:
            raise PermissionError("no second names here")

        monkeypatch.setattr(os, "link", refuse)
    yield None if request.param == "delete" else tmp_path / "archive"


def run(folder: Path, archive: Path | None) -> list[str]:
    """Put away what is there of the logs; the states that this gave."""
    logs = [folder / name for name in CONTENTS if (folder / name).exists()]
    contents = [(looked_at(log), hashlib.sha256(CONTENTS[log.name]).hexdigest()) for log in logs]
    return [one.state for one in put_away(contents, archive, NoMemory(), check_mode=False)]


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
    return archive / f"{name}-{hashlib.sha256(CONTENTS[name]).hexdigest()[:SHORT]}"


def visible(folder: Path) -> dict[str, bytes]:
    """The files in a folder that are not hidden, with their contents."""
    if not folder.exists():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_a_run_that_is_killed_at_any_call_loses_nothing(
    archive: Path | None, tmp_path: Path, stride: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(putting_away, "BLOCK", 500)
    points = 0
    for at in range(0, 100_000, stride(15)):
        folder = tmp_path / f"logs-{at}"
        own = archive and archive / str(at)
        new_logs(folder)
        was_killed = killed(lambda folder=folder, own=own: run(folder, own), at)  # type: ignore[misc]  # bound now

        left = visible(folder)
        assert left.pop("debug.log") == YOUNGER
        assert left.items() <= CONTENTS.items(), "half of a log"
        if own is not None:
            kept = visible(own)
            whole = {place_of(own, name).name: content for name, content in CONTENTS.items()}
            assert kept.items() <= whole.items(), "half of a log in the archive"
            for name in CONTENTS:
                assert name in left or place_of(own, name).name in kept, f"{name} is lost"

        assert run(folder, own) == ["deleted" if own is None else "archived"] * len(left)
        assert list(visible(folder)) == ["debug.log"]
        if own is not None:
            assert visible(own) == whole
        if not was_killed:
            break
        points += 1
    else:
        pytest.fail("it does not end")
    assert points > 10
    print(f"killed at {points} points")


def test_what_a_killed_run_began_to_copy_is_removed_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, archive = tmp_path / "logs", tmp_path / "archive"
    new_logs(folder)
    archive.mkdir()
    place = place_of(archive, "debug.log.1")
    part = archive / f".{place.name[-SHORT:]}.0a1b2c3d{PART}"
    part.write_bytes(b"half")
    (archive / ".mine").touch()

    assert run(folder, archive) == ["archived"] * 2
    assert part.exists(), "another run may be at it"

    (folder / "debug.log.1").write_bytes(CONTENTS["debug.log.1"])
    place.unlink()
    monkeypatch.setattr(putting_away, "ABANDONED", -ABANDONED)
    assert run(folder, archive) == ["archived"]
    assert sorted(path.name for path in archive.iterdir()) == [
        ".mine",
        *sorted(place_of(archive, name).name for name in CONTENTS),
    ]
