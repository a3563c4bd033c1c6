# SPDX-License-Identifier: GPL-3.0-or-later
"""A user who may not read and write everything, as tests that run as root need one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A folder of that user's own; the code within runs as that user, and so imports nothing."""
    folder = Path(tempfile.mkdtemp(prefix="unprivileged-", dir=_reachable()))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield folder
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        shutil.rmtree(folder)


def _reachable() -> Path:
    """Where temporary files may lie so that anybody can get there; a checkout may be in a place of its owner only."""
    places = (Path(tempfile.gettempdir()).resolve(), Path("/dev/shm"), Path("/tmp"))
    return next(place for place in places if all(one.stat().st_mode & 0o001 for one in (place, *place.parents)))
