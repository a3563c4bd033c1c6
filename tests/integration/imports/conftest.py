# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests over several systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...sandbox.handle import Sandbox
from .systems import SYSTEMS, One


@pytest.fixture
def one(request: pytest.FixtureRequest, quick: Sandbox, tmp_path: Path) -> One:
    """One import of the system that is the parameter, which takes next to no time."""
    return SYSTEMS[request.param](quick, tmp_path)


@pytest.fixture
def over_tls(request: pytest.FixtureRequest, quick_tls: Sandbox, tmp_path: Path) -> One:
    """The same over TLS."""
    return SYSTEMS[request.param](quick_tls, tmp_path)
