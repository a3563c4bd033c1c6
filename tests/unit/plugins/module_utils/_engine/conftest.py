# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the life of an import share."""

from __future__ import annotations

import pytest

from ..fakes import ScriptedSystem, TurnedClock


@pytest.fixture
def system() -> ScriptedSystem:
    return ScriptedSystem()


@pytest.fixture
def turned() -> TurnedClock:
    return TurnedClock()
