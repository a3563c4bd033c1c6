# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates in the names of folders."""

from __future__ import annotations

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.dates import parse_dated_name

DATED = {
    "2026-11-25": ("", "2026-11-25T00:00:00"),
    "20261125": ("", "2026-11-25T00:00:00"),
    "2026_11_25": ("", "2026-11-25T00:00:00"),
    "2026.11.25": ("", "2026-11-25T00:00:00"),
    "people-2026-11-25": ("people", "2026-11-25T00:00:00"),
    "people20261125": ("people", "2026-11-25T00:00:00"),
    "people (2026-11-25)": ("people", "2026-11-25T00:00:00"),
    "2026-11-25T0300_people": ("people", "2026-11-25T03:00:00"),
    "2026-11-25T03:00:59Z": ("", "2026-11-25T03:00:59"),
    "2026-11-25 03:00": ("", "2026-11-25T03:00:00"),
    "2026-11-25_03-00-59 people": ("people", "2026-11-25T03:00:59"),
    "people.20261125-0300": ("people", "2026-11-25T03:00:00"),
    "20261125030059": ("", "2026-11-25T03:00:59"),
    "hr_2026-11-25_people": ("hr_people", "2026-11-25T00:00:00"),
    "hr2026-11-25 people": ("hr people", "2026-11-25T00:00:00"),
    "2026-11-25-3rd-party": ("3rd-party", "2026-11-25T00:00:00"),
    "12-2026-11-25": ("12", "2026-11-25T00:00:00"),
    "leute-2028-02-29-ärzte": ("leute-ärzte", "2028-02-29T00:00:00"),
    "1970-01-01": ("", "1970-01-01T00:00:00"),
    "9999-12-31": ("", "9999-12-31T00:00:00"),
}


@pytest.mark.parametrize("name", DATED)
def test_a_name_tells_a_moment_and_what_is_left_of_it(name: str) -> None:
    found = parse_dated_name(name)
    assert found is not None
    assert (found.rest, found.moment.isoformat()) == DATED[name]


NOT_DATED = (
    *("people", "people-2", "2026", "2026-11", "11-2026", "people-12345678", "20261131", "19691231", "1066-10-14"),
    *("v1.2026", "120261125", "2026-1-5", "25-11-2026", "25112026", "2026-11_25", "\u0662\u0660\u0662\u0666-11-25"),
    *("-", ""),
)


@pytest.mark.parametrize("name", NOT_DATED)
def test_what_is_no_date_is_a_name(name: str) -> None:
    assert parse_dated_name(name) is None


DOUBTFUL = {
    "2026-11-31": "no such day as 2026-11-31",
    "people_2026_02_29": "no such day as 2026_02_29",
    "2026-11-25-2026-11-26": "two dates in its name, 2026-11-25 and 2026-11-26",
    "20261125-people-20261126": "two dates in its name, 20261125 and 20261126",
    "2026-11-25-2": "behind the date 2026-11-25",
    "2026-11-25T2500": "behind the date 2026-11-25",
    "2026-11-25_9": "behind the date 2026-11-25",
    "2026112503": "behind the date 20261125",
    "2026-11-25T03:00+0100": "behind the date 2026-11-25",
    "2026-11-25T03:00:00.5": "behind the date 2026-11-25",
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_may_mean_another_moment_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=DOUBTFUL[name]):
        parse_dated_name(name)
