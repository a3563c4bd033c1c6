# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of Lifecycle Manager share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content

from .setting import archive_at


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return archive_at(tmp_path / "contents_LibraryDemo.zip")
