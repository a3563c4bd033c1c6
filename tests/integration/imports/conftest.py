# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests over several systems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ...sandbox.handle import Sandbox
from ..support import QUICK
from .systems import SYSTEMS, One


@pytest.fixture
def one(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Iterator[One]:
    """One import of the system that is the parameter, which takes next to no time."""
    yield from _connected(request.param, sandbox, tmp_path)


@pytest.fixture
def over_tls(request: pytest.FixtureRequest, tls_sandbox: Sandbox, tmp_path: Path) -> Iterator[One]:
    """The same over TLS."""
    yield from _connected(request.param, tls_sandbox, tmp_path)


def _connected(system: str, sandbox: Sandbox, folder: Path) -> Iterator[One]:
    sandbox.clock(speed=QUICK)
    one = SYSTEMS[system](sandbox, folder)
    yield one
    one.after_faults()
