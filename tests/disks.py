# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders on another disk, whether the temporary files of tests lie in memory or not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PLACES = (Path("/dev/shm"), Path(__file__).resolve().parents[1] / ".cache", Path("/tmp"))


@contextmanager
def on_another_disk(path: Path) -> Iterator[Path]:
    """A folder on another disk than this path. The test is skipped where there is none."""
    for place in PLACES:
        if place.is_dir() and place.stat().st_dev != path.stat().st_dev:
            folder = tempfile.TemporaryDirectory(prefix="archive-", dir=place)
            try:
                yield Path(folder.name)
            finally:
                folder.cleanup()
            return
    pytest.skip("there is no other disk")
