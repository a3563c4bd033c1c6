# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the receipt store share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease, liveness
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import KINDS, new_store


@pytest.fixture(params=KINDS)
def location(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return new_store(request.param, tmp_path, request)


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    with closing(open_store(location)) as store:
        yield store


@pytest.fixture
def other(location: str, store: Store) -> Iterator[Store]:
    """The same store as a second run has it that is alive as long as the test."""
    with closing(open_store(location)) as other:
        yield other


@pytest.fixture
def short_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """In PostgreSQL, a lease that looks over is watched for a short time only."""
    monkeypatch.setattr(lease, "RENEWAL", 0.1)
    monkeypatch.setattr(lease, "RENEWAL_TIMEOUT", 0.2)
    monkeypatch.setattr(liveness, "PAUSE", 0.05)
