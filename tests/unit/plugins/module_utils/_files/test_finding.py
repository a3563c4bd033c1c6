# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the files that no pattern takes are told of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files.finding import (
    IS_LIVE,
    NO_PATTERN,
    NOT_SEARCHED,
    Found,
    Search,
    find_logs,
)

ROTATED = [
    *("debug.log.1", "debug.log.10", "DEBUG.LOG.1", "lmgrd.log.1", "report.rl.1", "isv.dlog.3", "debug.log.old"),
    *("debug.log-20261124", "debug.log-2026-11-24", "debug.log_20261124", "debug.log.20261124", "debug.log-1795478400"),
    *(
        "debug-20261124.log",
        "debug.1.log",
        "debug_2026-11-24.log",
        "report-2026-11.rl",
        "LicenseServer20261124000000.log",
    ),
    *("lmgrd.log.1.gz", "debug.log.bak", "two\nlines.log.1"),
]
LIVE = ["debug.log", "lmgrd.log", "report.rl", "rlm.dlog", "DEBUG.LOG", "server2.log", "vendor-2.log", "cad.v11.log"]
NO_LOGS = ["license.lic", "catalog.login", "debug.logs", "lmgrd", "README", "log", ".log", ".debug.log.1", "curl.1"]


def found(folder: Path, *patterns: str, recurse: bool = False) -> Found:
    return find_logs(Search((str(folder),), patterns or ("nothing",), recurse=recurse))


def told(folder: Path, names: list[str]) -> set[tuple[str, ...]]:
    """Under which reasons files of these names are told of, each alone: as left out, or as passed over."""
    reasons = set()
    for name in names:
        (folder / name).write_text("a line\n")
        result = found(folder)
        assert result.contents == []
        reasons.add((*result.left_out, *result.passed_over))
        (folder / name).unlink()
    return reasons


def test_what_is_called_like_a_rotated_log_is_reported(tmp_path: Path) -> None:
    assert told(tmp_path, ROTATED) == {(NO_PATTERN,)}


def test_what_is_called_like_a_live_log_is_passed_over(tmp_path: Path) -> None:
    assert told(tmp_path, LIVE) == {(IS_LIVE,)}
    (tmp_path / "debug.log").touch()
    (tmp_path / "debug.log.1").write_text("a line\n")
    beside = found(tmp_path, "debug.log.*")
    assert [one.name for one in beside.contents] == ["debug.log.1"]
    assert (beside.left_out, [*beside.passed_over]) == ({}, [IS_LIVE])


def test_anything_else_is_nothing_to_tell(tmp_path: Path) -> None:
    assert told(tmp_path, NO_LOGS) == {()}
    os.mkfifo(tmp_path / "debug.log.1")
    (tmp_path / "debug.log.d").mkdir()
    (tmp_path / "link").symlink_to("nothing")
    result = found(tmp_path)
    assert (result.left_out, [*result.passed_over]) == ({}, [NOT_SEARCHED])
    assert found(tmp_path, recurse=True) == Found([], {}, {})


@pytest.mark.parametrize("pattern", ["debug.log.*", "*"])
def test_what_a_pattern_takes_is_reported_once(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "debug.log.1").touch()
    result = found(tmp_path, pattern)
    assert (result.left_out, result.passed_over) == ({"empty": [tmp_path / "debug.log.1"]}, {})
