# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way to Lifecycle Manager alone, beside `imports/test_faults.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support import MIB, assert_plain_failure
from .driver import Lm


@pytest.fixture
def big(lm: Lm) -> Path:
    """An archive that no socket's buffers hold, for a server that does not look into it."""
    lm.sandbox.configure("lm", accepts_anything=True)
    return lm.write("big.zip", b"\0" * 16 * MIB)


@pytest.mark.usefixtures("quick_retries")
def test_a_big_archive_with_credentials_that_are_no_use_is_reported_as_such(lm: Lm, big: Path) -> None:
    result = lm(big, password="not-the-password")

    assert_plain_failure(result)
    assert (result["state"], result["http_status"]) == ("failed", 401)
    assert lm.held.runs == []


def test_an_archive_that_is_written_to_while_it_is_sent_is_not_imported(lm: Lm, big: Path) -> None:
    lm.sandbox.fault("hold", operation="import", after_bytes=MIB)
    module = lm.start(big)
    lm.sandbox.wait_for("held", operation="import")
    with big.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\1")
    lm.sandbox.release()

    result = module.finish()

    assert_plain_failure(result)
    assert f"{big} is still being written: it changed" in result["msg"]
    assert (result["state"], result["changed"]) == ("failed", False)
    lm.sandbox.wait_idle()
    assert lm.held.runs == []
