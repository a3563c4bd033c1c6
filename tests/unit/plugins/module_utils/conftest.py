# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of imports and of their receipts share: a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "receipts.db")


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    with closing(open_store(location)) as store:
        yield store


@pytest.fixture
def other(location: str, store: Store) -> Iterator[Store]:
    """The same store as a second run has it that is alive as long as the test."""
    with closing(open_store(location)) as other:
        yield other
