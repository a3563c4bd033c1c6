# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content

from .scripted import AWAY, BROKEN, KEY, LOST, NOT_FOUND, NOT_UPLOADING, file_of


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return file_of(tmp_path, b"[]", "people.json")


@pytest.fixture(autouse=True)
def nothing_lost() -> Iterator[None]:
    """The errors that scripts share have no memory of who raised them."""
    yield
    for error in (NOT_UPLOADING, NOT_FOUND, LOST, BROKEN, AWAY, KEY):
        error.__traceback__ = error.__context__ = error.__cause__ = None
