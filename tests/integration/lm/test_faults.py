# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way to Lifecycle Manager alone, beside `imports/test_faults.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.lm.asset_archives import DEMO
from ..faults import case
from ..support import MIB, assert_ended_well, assert_plain_failure, only
from .driver import Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that no socket's buffers hold."""
    path = tmp_path_factory.mktemp("big") / "big.zip"
    path.write_bytes(b"\0" * 16 * MIB)
    return path


@pytest.fixture
def lm(lm: Lm) -> Lm:
    """The modules, with a server that does not look into archives."""
    lm.sandbox.configure("lm", accepts_anything=True)
    return lm


@pytest.mark.usefixtures("quick_retries")
def test_a_big_archive_with_credentials_that_are_no_use_is_told_as_such(lm: Lm, big: Path) -> None:
    result = lm(big, password="not-the-password")

    assert_plain_failure(result)
    assert (result["state"], result["http_status"]) == ("failed", 401)
    assert lm.held.runs == []


@pytest.mark.parametrize(("place", "change"), [(-1, "changed"), (0, "grew")])
def test_an_archive_that_is_written_to_while_it_is_sent_is_not_imported(
    lm: Lm, tmp_path: Path, place: int, change: str
) -> None:
    archive = tmp_path / "changing.zip"
    archive.write_bytes(b"\0" * 16 * MIB)
    lm.sandbox.fault("hold", operation="import", after_bytes=MIB)
    module = lm.start(archive)
    lm.sandbox.wait_for("held", operation="import")
    with archive.open("r+b") as file:
        file.seek(place, 2)
        file.write(b"\1")
    lm.sandbox.release()

    result = module.finish()

    assert_plain_failure(result)
    assert f"{archive} is still being written: it {change}" in result["msg"]
    assert (result["state"], result["changed"]) == ("failed", False)
    lm.sandbox.wait_idle()
    assert lm.held.runs == []


# Looks at a run.


@pytest.mark.parametrize("fault", [case("drop"), case("status", status=401), case("json", json={})])
def test_a_library_that_cannot_be_read_keeps_no_import_from_its_end(lm: Lm, fault: dict[str, Any]) -> None:
    lm.sandbox.fault(operation="library", times=None, skip=1, **fault)  # but for the first question

    assert_ended_well(lm(ARCHIVE), changed=True, reason="new")


COUNTS = [
    ([-1, -1, 3, 2, 0], "succeeded"),
    ([5, 5, 5, 5], "incomplete"),
    ([0], "succeeded"),
    ([2, -1, 2, 0], "succeeded"),
]


@pytest.mark.parametrize(("counts", "state"), COUNTS)
def test_only_a_zero_is_a_success_whatever_was_counted_before(lm: Lm, counts: list[int], state: str) -> None:
    for number in counts[:-1]:
        lm.sandbox.fault("json", operation="status", json={"unpublished-assets": number})
    lm.sandbox.fault("json", operation="status", json={"unpublished-assets": counts[-1]}, times=None)

    result = lm(ARCHIVE)

    assert result["state"] == state
    assert only(result)["server"]["status"] == {"unpublished-assets": counts[-1]}
    assert bool(result.get("failed")) == (state != "succeeded")


def test_a_library_that_is_busy_keeps_a_standing_count_from_being_the_end(lm: Lm) -> None:
    lm.sandbox.fault("json", operation="status", json={"unpublished-assets": 4}, times=None)
    for requests in range(40, 0, -1):
        status = {"catalogAssets": 4, "activeRequests": requests, "pendingEvents": 0}
        lm.sandbox.fault("json", operation="library", json=status)

    result = lm(ARCHIVE, settle_time=0.15, wait_sleep=0.02)

    assert result["state"] == "incomplete"
    assert len(lm.asked("library")) > 40
