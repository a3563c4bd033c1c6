# SPDX-License-Identifier: GPL-3.0-or-later
"""A receipt store whose disk is full, before or in the middle of an import: one import at most, and all of it told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ...running import RunningModule
from ..support import Licstat, assert_ended_well, assert_failed, assert_plain_failure, only
from .small_disk import SmallDisk

PLENTY = 1000  # pages
PATIENCE = 60.0

Start = Callable[..., RunningModule]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """The disk of the store."""
    try:
        small = SmallDisk(tmp_path / "disk", PLENTY)
    except OSError as error:
        pytest.skip(f"no mount namespaces: {error}")
    with small:
        yield small


@pytest.fixture
def start(licstat: Licstat, log: Path, disk: SmallDisk, tmp_path: Path) -> Start:
    """Starts an import of a log whose receipt is on that disk."""

    def start(**options: Any) -> RunningModule:
        receipts = str(tmp_path / "disk" / "receipts.db")
        return licstat.start(log, within=disk.within, receipts=receipts, wait_timeout=PATIENCE, **options)

    return start


@pytest.mark.slow
def test_without_room_for_a_receipt_nothing_is_sent(
    licstat: Licstat,
    start: Start,
    disk: SmallDisk,
    stride: Callable[[int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The disk gets some pages more each time, until it is enough."""
    pages = 1
    disk.resize(pages)
    while (result := start().finish()).get("failed"):
        assert_plain_failure(result)
        assert "disk is full" in result["msg"]
        assert licstat.uploads == []
        pages += stride(4)
        disk.resize(pages)
    assert pages > 2
    assert_ended_well(result, changed=True, reason="new")
    assert licstat.held.imports == 1

    disk.resize(PLENTY)
    assert_ended_well(start().finish(), changed=False, reason="receipt")
    with capsys.disabled():
        print(f"\n  with {pages} pages there was room", end=" ")


def test_a_disk_that_fills_up_while_the_log_is_sent_leaves_an_import_that_is_reported_and_looked_for(
    licstat: Licstat, start: Start, disk: SmallDisk
) -> None:
    result = _filled_up(licstat, start(), disk, "import")
    assert_failed(result, state="succeeded", changed=True)
    remote_id = only(result)["remote_id"]
    for words in (remote_id, "succeeded", "disk is full"):
        assert words in result["msg"]
    assert licstat.held.imports == 1

    disk.clear()
    again = start().finish()
    assert_failed(again, state="unknown", changed=False)
    assert licstat.held.imports == 1


def test_a_disk_that_fills_up_while_the_import_is_waited_for_leaves_the_end_to_the_next_run(
    licstat: Licstat, start: Start, disk: SmallDisk
) -> None:
    result = _filled_up(licstat, start(), disk, "status")
    assert_failed(result, "disk is full", state="succeeded", changed=True)

    disk.clear()
    assert_ended_well(start().finish(), changed=False, reason="resumed")
    assert licstat.held.imports == 1


def _filled_up(licstat: Licstat, module: RunningModule, disk: SmallDisk, operation: str) -> dict[str, Any]:
    """The result of a run whose disk fills up while the server is at one of its requests."""
    licstat.sandbox.fault("hold", operation=operation, when="after_work")
    licstat.sandbox.wait_for("held", operation=operation, timeout=PATIENCE)
    disk.fill()
    licstat.sandbox.release()
    return module.finish()
