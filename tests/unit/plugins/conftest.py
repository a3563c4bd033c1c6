# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of hypothesis: the same examples each time, and nothing written outside the cache folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).resolve().parents[3] / ".cache" / "hypothesis")
settings.register_profile(
    "assetops",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("assetops")


def pytest_configure(config: pytest.Config) -> None:
    """Know the marker also where somebody else's settings are used, as by ansible-test."""
    config.addinivalue_line("markers", "slow: takes more than half a second")
