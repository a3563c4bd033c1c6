# SPDX-License-Identifier: GPL-3.0-or-later
"""A month of nights, and the nights in which the clocks change: nothing is imported twice, and nothing is missed.

Of five license servers, one has its log rotated by copytruncate (numbered), one by renaming (dated); the log of one is
imported by time ranges since the last one (growing), that of one day by day (daily), and the fifth is like the third,
in another time zone, and has its log rotated when it is restarted (afar). At the end each line of each log is in
License Statistics exactly once. In between, each night that says that all is well has all that was to be imported.
Who puts right in the morning what the night told knows nothing else, so that what was not told would be missing.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ...sandbox.handle import Sandbox
from .nights import BERLIN, Night, Nights, license_servers

# What each told, in the order of license_servers: . all well, = nothing to do, t something is told to be missing,
# R failed, - not run, or killed.
AUTUMN = [
    Night("2026-10-11", "t . . . ."),  # that receipts are kept from now on
    Night("2026-10-12", ". . . . ."),
    Night("2026-10-13", "R R R R R", "License Statistics is down"),
    Night("2026-10-14", ". . . t ."),
    Night("2026-10-15", "- - - - -", "the job is not run"),
    Night("2026-10-16", ". . . t ."),
    Night("2026-10-17", ". . R . .", "an answer is lost, and what was sent (growing)"),
    Night("2026-10-18", ". . . . ."),
    Night("2026-10-19", ". . R . .", "an answer is lost (growing)"),
    Night("2026-10-20", "R . . . .", "an answer is lost (numbered)"),
    Night("2026-10-21", ". . - - -", "killed before it sends"),
    Night("2026-10-22", ". . . t ."),
    Night("2026-10-23", ". t . . .", "a log is rotated at that moment (dated)"),
    Night("2026-10-24", ". . . . ."),
    Night("2026-10-25", ". . . . .", "its hour comes for the first time", comes_again=True),
    Night("2026-10-25", "= = = = =", "its hour comes again", is_again=True),
    Night("2026-10-26", "R R R R R", "License Statistics fails to import"),
    Night("2026-10-27", ". . . t ."),
    Night("2026-10-28", "R R R R R", "the token has expired"),
    Night("2026-10-29", ". . . t ."),
    Night("2026-10-30", ". . - - -", "killed while it waits"),
    Night("2026-10-31", ". . . t ."),
    Night("2026-11-01", ". . . . t", "the log was rotated the day before (afar)"),
    Night("2026-11-02", "R R R R R", "the receipts are lost"),
    Night("2026-11-03", ". . . t ."),
    Night("2026-11-04", ". . - - -", "killed when all is sent"),
    Night("2026-11-05", ". . R t ."),
    Night("2026-11-06", ". . . . R", "the clock is three hours fast"),
    Night("2026-11-07", "R R R R R", "License Statistics goes down while it is waited for"),
    Night("2026-11-08", ". . . t ."),
    Night("2026-11-09", ". . . R .", "an answer is lost, and what was sent (daily)"),
    Night("2026-11-10", ". . . t ."),
]
SPRING = [
    Night("2026-03-26", "t . . . ."),
    Night("2026-03-27", ". . . . ."),
    Night("2026-03-28", ". . R R R", "the clock is two days fast"),
    Night("2026-03-29", "- - - - -", "the job is not run"),  # its hour does not come when the clocks are set ahead
    Night("2026-03-30", ". . . t ."),
    Night("2026-03-31", ". . . . ."),
    Night("2026-04-01", "t t t t t", "the clock is three hours slow"),
    Night("2026-04-02", ". . . t ."),
    Night("2026-04-03", "t t t t t", "the clock is two days slow"),
    Night("2026-04-04", ". . . t ."),
    Night("2026-04-05", ". . . . ."),
]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("story", [AUTUMN, SPRING], ids=["autumn", "spring"])
def test_nothing_is_missed_and_nothing_is_twice(
    story: list[Night], sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = datetime.combine(date.fromisoformat(story[0].date) - timedelta(days=1), datetime.min.time(), BERLIN)
    late = next((date.fromisoformat(one.date) for one in story if "rotated at" in one.befalls), date.min)
    restarts = [date.fromisoformat(one.date) - timedelta(days=1) for one in story if "rotated the day" in one.befalls]
    servers = license_servers(tmp_path / "logs", first, late, frozenset(restarts))
    nights = Nights(sandbox, tmp_path, servers)

    told = [nights.live_through(night) for night in story]

    assert told == [night.told for night in story]
    lines = {one.name: one.due(nights.job_at) for one in servers}
    for one, held in zip(servers, nights.held()):
        assert held == dict.fromkeys(lines[one.name], 1), one.name
    befallen = sum(one.befalls != "nothing" for one in story)
    with capsys.disabled():
        print(f"\n  {len(story)} nights, {befallen} with a fault; lines, each there once:", count_of(lines), end=" ")


def count_of(lines: dict[str, list[str]]) -> str:
    return ", ".join(f"{name} {len(texts)}" for name, texts in lines.items())
