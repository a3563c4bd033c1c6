# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of License Statistics share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content

from .setting import log_at


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return log_at(tmp_path / "license-server.log")
