# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores for receipts: of every kind, or a file where the kind is no matter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ...stores import KINDS, new_store


@pytest.fixture(params=KINDS)
def location(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where a store of each kind is."""
    return new_store(request.param, tmp_path, request)


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    """The store there."""
    with closing(open_store(location)) as store:
        yield store


@pytest.fixture
def local_store(tmp_path: Path) -> Iterator[tuple[str, Store]]:
    """Where a store is that is an SQLite file, and the store."""
    location = str(tmp_path / "receipts.db")
    with closing(open_store(location)) as store:
        yield location, store
