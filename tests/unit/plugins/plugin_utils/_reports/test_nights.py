# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights last from noon to noon, in any time zone."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import night_of, nights_between

from .samples import BERLIN, NOW


@pytest.mark.parametrize(
    ("moment", "zone", "night"),
    [
        ("2026-11-28T11:59:59+00:00", "UTC", "2026-11-28"),
        ("2026-11-28T12:00:00+00:00", "UTC", "2026-11-29"),
        ("2026-11-29T02:00:00+00:00", "UTC", "2026-11-29"),
        ("2026-11-29T02:00:00+00:00", "Asia/Tokyo", "2026-11-29"),
        ("2026-11-29T03:00:00+00:00", "Asia/Tokyo", "2026-11-30"),
        ("2026-03-29T09:59:59+00:00", "Europe/Berlin", "2026-03-29"),  # the clock goes forward
        ("2026-03-29T10:00:00+00:00", "Europe/Berlin", "2026-03-30"),
        ("2026-10-25T10:59:59+00:00", "Europe/Berlin", "2026-10-25"),  # and back
        ("2026-10-25T11:00:00+00:00", "Europe/Berlin", "2026-10-26"),
        ("2026-12-31T23:00:00+00:00", "America/New_York", "2027-01-01"),
    ],
)
def test_a_night_goes_from_noon_to_noon_in_its_zone(moment: str, zone: str, night: str) -> None:
    when = datetime.fromisoformat(moment)
    assert str(night_of(when, ZoneInfo(zone))) == night
    nights = nights_between(night, night, ZoneInfo(zone), NOW)
    assert nights.of(when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")) == 0


def test_nights_follow_each_other_without_a_gap() -> None:
    nights = nights_between("2026-01-01", "2026-12-31", BERLIN, NOW)
    assert (len(nights.days), len(nights.bounds)) == (365, 366)
    assert sorted(nights.bounds) == list(nights.bounds)
    assert nights.bounds[0] == "2025-12-31T11:00:00.000Z"


def test_without_a_word_there_are_thirty_nights_up_to_the_one_that_is() -> None:
    nights = nights_between(None, None, timezone.utc, NOW)
    assert (nights.days[0], nights.days[-1], len(nights.days)) == ("2026-10-31", "2026-11-29", 30)
    assert nights_between("1d", None, timezone.utc, NOW.replace(hour=13)).days == ("2026-11-30",)
    with pytest.raises(BadInput):
        nights_between("0d", None, timezone.utc, NOW)
