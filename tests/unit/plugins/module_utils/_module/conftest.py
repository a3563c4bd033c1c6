# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the module layer share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ASSETOPS_RECEIPTS", "ASSETOPS_PROGRESS", "LICSTAT_URL", "LICSTAT_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
