# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the receipt store share: stores of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease, liveness

from .....stores import KINDS, new_store


@pytest.fixture(params=KINDS)
def location(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return new_store(request.param, tmp_path, request)


@pytest.fixture
def short_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """In PostgreSQL, a lease that looks over is watched for a short time only."""
    monkeypatch.setattr(lease, "RENEWAL", 0.1)
    monkeypatch.setattr(lease, "RENEWAL_TIMEOUT", 0.2)
    monkeypatch.setattr(liveness, "PAUSE", 0.05)
