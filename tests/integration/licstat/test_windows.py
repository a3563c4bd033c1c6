# SPDX-License-Identifier: GPL-3.0-or-later
"""Night by night from a log that keeps growing: each time range begins where the last successful one ended."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.licstat.view import Task
from ..lies import http
from ..support import FIRST_DAY, Licstat, assert_ended_well, assert_plain_failure, in_process, log_text, only

LOST: dict[str, Any] = {"action": "drop", "when": "after_work"}
REFUSED: dict[str, Any] = {"action": "status", "when": "after_body", "status": 400, "body": "No, thanks."}
BEGINNING = "the beginning of the log"


class Nights:
    """A license server with one log that grows by a day each day, and the imports of its nights."""

    def __init__(self, licstat: Licstat, log: Path) -> None:
        self.licstat = licstat
        self.log = log
        self.log.write_text("", encoding="utf-8")
        self._written = 0

    def __call__(self, day: int, **options: Any) -> dict[str, Any]:
        """The night after a day, counted from 0: all that was logged up to then is in the log."""
        with self.log.open("a", encoding="utf-8") as file:
            for written in range(self._written, day + 1):
                file.write(log_text(written))
        self._written = max(self._written, day + 1)
        usual = {"identity": "since_last", "to": f"{end_of(day)}"}
        return self.licstat(self.log, **{**usual, **options})

    def fails(self, day: int, **options: Any) -> dict[str, Any]:
        self.licstat.sandbox.fault(operation="import", **REFUSED)
        result = self(day, **options)
        assert_plain_failure(result)
        return result

    def is_lost(self, day: int, **options: Any) -> dict[str, Any]:
        """The server imports it, and nobody hears so."""
        self.licstat.sandbox.fault(operation="import", **LOST)
        result = self(day, **options)
        assert (result["state"], result["failed"]) == ("unknown", True)
        return result

    def settle(self, result: dict[str, Any], state: str) -> None:
        settled = in_process("import_receipt", key=only(result)["key"], state=state, receipts=str(self.licstat.store))
        assert settled["changed"] is True

    @property
    def tasks(self) -> list[Task]:
        self.licstat.sandbox.wait_idle()
        return self.licstat.sandbox.licstat().tasks

    @property
    def ranges(self) -> list[tuple[str | None, str]]:
        """What the server was told to import, in the order of the uploads."""
        return [(task.parameters.get("from"), task.parameters["to"]) for task in self.tasks]


@pytest.fixture
def nights(licstat: Licstat, tmp_path: Path) -> Nights:
    return Nights(licstat, tmp_path / "debug.log")


def end_of(day: int) -> datetime:
    return FIRST_DAY + timedelta(days=day, hours=23, minutes=59, seconds=59)


def days(first: int | None, last: int) -> tuple[str | None, str]:
    """The time range of these days, as it is sent."""
    return None if first is None else str(FIRST_DAY + timedelta(days=first)), str(end_of(last))


def window(first: int | None, last: int) -> dict[str, str | None]:
    """The same, as it stands in a result."""
    start, end = days(first, last)
    return {"from": start and start.replace(" ", "T"), "to": end.replace(" ", "T")}


def ends(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Why each import was or was not done, and how it ended."""
    return [(one["reason"], one["state"]) for one in result["imports"]]


# The high-water mark.


def test_each_night_begins_a_second_after_the_last_one(nights: Nights) -> None:
    for day in range(3):
        result = nights(day)
        assert_ended_well(result, changed=True, reason="new")
        assert only(result)["window"] == window(day if day else None, day)
        assert result["gaps"] == []
    assert nights.ranges == [days(None, 0), days(1, 1), days(2, 2)]


def test_a_night_with_nothing_to_do_is_the_last_one_unchanged(nights: Nights) -> None:
    nights(0)
    nights(1)
    again = nights(1)
    assert_ended_well(again, changed=False, reason="receipt")
    assert only(again)["window"] == window(1, 1)
    assert len(nights.ranges) == 2


@pytest.mark.parametrize("missed", ["never started", "refused", "server away"])
def test_a_missed_night_is_in_the_next_one(nights: Nights, missed: str) -> None:
    nights(0)
    if missed == "refused":
        nights.fails(1)
    elif missed == "server away":
        assert_plain_failure(nights(1, url="http://127.0.0.1:9/"))
    result = nights(2)
    assert_ended_well(result, changed=True, reason="new")
    assert nights.ranges[-1] == days(1, 2)


def test_the_first_one_begins_where_it_is_told_to(nights: Nights) -> None:
    first = {"from": "2022-01-11"}
    nights(1, **first)
    nights(3, **first)
    assert nights.ranges == [days(1, 1), days(2, 3)]


def test_another_gather_has_a_mark_of_its_own(nights: Nights) -> None:
    nights(0, gather=["denials"])
    nights(1, gather=["usage"], merge_policy="merge")
    nights(2, gather=["denials"])
    assert nights.ranges == [days(None, 0), days(None, 1), days(1, 2)]


def test_yesterday_and_what_was_imported_by_hand_move_the_mark_too(nights: Nights) -> None:
    by_hand: dict[str, Any] = {"identity": "window", "from": "2022-01-10", "to": "2022-01-10 23:59:59"}
    assert_ended_well(nights(0, **by_hand), changed=True, reason="new")
    nights(1)
    assert nights.ranges[-1] == days(1, 1)


def test_check_mode_tells_the_range_and_sends_nothing(nights: Nights) -> None:
    nights(0)
    result = nights(2, check=True)
    assert (result["state"], result["changed"]) == ("planned", True)
    assert only(result)["window"] == window(1, 2)
    assert len(nights.ranges) == 1


def test_two_runs_with_ends_of_their_own_import_nothing_twice(nights: Nights) -> None:
    nights(0)
    nights.licstat.sandbox.fault("hold", operation="import", when="after_body")
    first = nights.licstat.start(nights.log, identity="since_last", to=str(end_of(1)))
    nights.licstat.sandbox.wait_for("held", operation="import")
    second = nights.licstat.start(nights.log, identity="since_last", to=str(end_of(2)))
    nights.licstat.sandbox.release()
    assert not first.finish().get("failed")
    result = second.finish()
    assert not result.get("failed"), result["msg"]
    assert nights.ranges == [days(None, 0), days(1, 1), days(2, 2)]


# What an earlier run left open.


def test_what_was_not_waited_for_is_seen_to_its_end_before_the_next_one(nights: Nights) -> None:
    nights(0, wait=False)
    result = nights(1)
    assert ends(result) == [("resumed", "succeeded"), ("new", "succeeded")]
    assert nights.ranges == [days(None, 0), days(1, 1)]


def test_what_turns_out_to_have_failed_is_in_the_next_one(nights: Nights) -> None:
    nights(0)
    nights.licstat.sandbox.configure(final_state="FAILURE", final_error="disk full")
    nights(1, wait=False)
    nights.licstat.sandbox.clock(step=3600)
    assert nights.tasks[-1].finished
    nights.licstat.sandbox.configure(final_state=None, final_error=None)
    result = nights(2, merge_policy="merge")
    assert_ended_well(result, changed=True, reason="new")
    assert "disk full" in only(result)["message"]
    assert nights.ranges[1:] == [days(1, 1), days(1, 2)]


def test_what_still_runs_keeps_later_ones_back(nights: Nights) -> None:
    nights.licstat.sandbox.configure(seconds_running=10**9)
    nights(0, wait=False)
    result = nights(1, wait_timeout=0.2)
    assert_plain_failure(result)
    assert (result["state"], only(result)["window"]) == ("running", window(None, 0))
    assert f"Until it is known how {BEGINNING} to {end_of(0)} ended, nothing later is imported" in result["msg"]
    assert len(nights.ranges) == 1


@pytest.mark.parametrize("settled", ["succeeded", "failed"])
def test_an_unknown_night_blocks_until_it_is_settled(nights: Nights, settled: str) -> None:
    nights(0)
    lost = nights.is_lost(1)
    for day in (2, 3):
        result = nights(day)
        assert (result["state"], result["failed"], result["changed"]) == ("unknown", True, False)
        assert only(result)["key"] == only(lost)["key"]
        assert f"{FIRST_DAY + timedelta(days=1)} to {end_of(1)}" in result["msg"]
    nights.settle(lost, settled)
    assert_ended_well(nights(3, merge_policy="merge"), changed=True, reason="new")
    assert nights.ranges[-1] == (days(2, 3) if settled == "succeeded" else days(1, 3))


def test_an_unknown_night_is_sent_again_where_the_user_wants_that(nights: Nights) -> None:
    nights(0)
    nights.is_lost(1, merge_policy="merge")
    result = nights(2, merge_policy="merge", on_unknown="retry")
    assert ends(result) == [("retried", "succeeded"), ("new", "succeeded")]
    assert nights.ranges[1:] == [days(1, 1), days(1, 1), days(2, 2)]


def test_an_unknown_night_that_a_later_range_holds_blocks_nothing(nights: Nights) -> None:
    nights(0)
    nights.is_lost(1)
    by_hand: dict[str, Any] = {"identity": "window", "from": "2022-01-11", "to": str(end_of(2))}
    assert not nights(2, merge_policy="merge", **by_hand).get("failed")
    assert_ended_well(nights(3), changed=True, reason="new")
    assert nights.ranges[-1] == days(3, 3)


# Adopted.


def test_what_curl_imported_is_adopted_and_goes_on_from_there(nights: Nights) -> None:
    adopted = nights(1, adopt=True)
    assert_ended_well(adopted, changed=False, reason="adopted")
    assert nights.tasks == []
    assert_ended_well(nights(2), changed=True, reason="new")
    assert nights.ranges == [days(2, 2)]


# Gaps.


def by_day(day: int) -> dict[str, Any]:
    """What `window: yesterday` stands for in the night after that day."""
    return {"identity": "window", "from": str(FIRST_DAY + timedelta(days=day)), "to": str(end_of(day))}


def test_a_gap_before_a_window_is_reported_until_it_is_filled(nights: Nights) -> None:
    assert nights(0, **by_day(0))["gaps"] == []
    result = nights(3, **by_day(3))
    assert_ended_well(result, changed=True, reason="new")
    assert result["gaps"] == [window(1, 2)]
    assert f"{FIRST_DAY + timedelta(days=1)} to {end_of(2)}" in str(result["warnings"])
    assert nights(3, **by_day(3))["gaps"] == [window(1, 2)]
    nights(3, **{**by_day(1), "to": str(end_of(2))})
    assert nights(3, **by_day(3))["gaps"] == []


def test_a_gap_fails_before_anything_is_sent_where_the_user_wants_that(nights: Nights) -> None:
    nights(0, **by_day(0))
    result = nights(2, **by_day(2), on_gap="fail")
    assert_plain_failure(result)
    assert str(end_of(1)) in result["msg"]
    assert len(nights.ranges) == 1


def test_a_gap_that_was_left_before_is_reported_by_what_follows_the_mark(nights: Nights) -> None:
    nights(0, **by_day(0))
    nights(2, **by_day(2))
    result = nights(3)
    assert result["gaps"] == [window(1, 1)]
    assert nights.ranges[-1] == days(3, 3)
    assert nights(3, on_gap="fail")["failed"] is True
    nights(3, **by_day(1), adopt=True)
    assert nights(3, on_gap="fail")["gaps"] == []


# What the log tells of itself.


def test_the_period_of_the_log_is_reported_and_kept(nights: Nights) -> None:
    period = {"first": "2022-01-10T07:47:04", "last": "2022-01-12T08:31:00"}
    for check in (True, False, False):
        assert only(nights(2, check=check))["period"] == period
    known = in_process("import_receipt_info", receipts=str(nights.licstat.store))
    assert [one["period"] for one in known["imports"]] == [period]
    assert [one["window"] for one in known["imports"]] == [window(None, 2)]


def test_what_is_no_log_that_is_known_has_no_period(licstat: Licstat, tmp_path: Path) -> None:
    report = tmp_path / "report.rl"
    report.write_bytes(bytes(range(256)) * 64)
    result = licstat(report)
    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["period"] is None


def test_a_log_whose_beginning_was_rotated_away_is_reported(nights: Nights) -> None:
    nights(0)
    nights.log.write_text(log_text(3), encoding="utf-8")
    result = nights(3)
    assert_ended_well(result, changed=True, reason="new")
    assert "The log begins at 2022-01-13T07:47:04" in str(result["warnings"])


def test_a_log_that_ended_before_the_time_range_is_reported(nights: Nights) -> None:
    """As where the job was left with the path of a log that nobody writes to any more."""
    nights(0)
    nights.log.write_text(log_text(0), encoding="utf-8")
    result = nights.licstat(nights.log, identity="since_last", to=str(end_of(3)))
    assert "The log ends at 2022-01-10T08:31:00" in str(result["warnings"])


# Whose midnight it is.


@pytest.mark.parametrize(
    ("zone", "kind"), [("Etc/GMT+12", "yesterday"), ("Etc/GMT-14", "since_last"), ("Europe/Berlin", "yesterday")]
)
def test_the_last_day_is_that_of_the_zone(licstat: Licstat, log: Path, zone: str, kind: str) -> None:
    before = local(zone)
    assert_ended_well(licstat(log, window=kind, timezone=zone), changed=True, reason="new")
    (task,) = licstat.sandbox.licstat().tasks
    assert task.parameters["to"] in [f"{now - timedelta(days=1):%Y-%m-%d} 23:59:59" for now in (before, local(zone))]


def local(zone: str) -> datetime:
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo(zone))


def test_a_range_that_is_not_over_in_its_zone_is_refused(licstat: Licstat, log: Path) -> None:
    """As where it is tomorrow already where Ansible runs."""
    west = datetime.now(timezone.utc) - timedelta(hours=12)
    options: dict[str, Any] = {
        "identity": "window",
        "from": f"{west:%Y-%m-%d}",
        "to": f"{west + timedelta(hours=1):%Y-%m-%d %H:%M}",
    }
    result = licstat(log, timezone="Etc/GMT+12", **options)
    assert_plain_failure(result)
    assert "yet to come" in result["msg"]
    assert licstat.sandbox.requests() == []
    assert_ended_well(licstat(log, timezone="UTC", **options), changed=True, reason="new")


def test_a_range_that_is_not_over_by_the_clock_of_the_server_is_not_sent(licstat: Licstat, log: Path) -> None:
    earlier = format_datetime(datetime.now(timezone.utc) - timedelta(days=2), usegmt=True)
    licstat.sandbox.fault(operation="no_task", **http('{"success": false}', "200 OK", f"Date: {earlier}"))
    result = licstat(log, window="yesterday", timezone="UTC")
    assert_plain_failure(result)
    assert "not over by the clock of the server" in result["msg"]
    assert licstat.uploads == []


@pytest.mark.parametrize("kind", ["yesterday", "since_last"])
def test_a_clock_that_is_slower_than_that_of_the_log_is_reported(licstat: Licstat, log: Path, kind: str) -> None:
    licstat(log, window=kind)
    tomorrow = time.time() + 24 * 3600
    os.utime(log, (tomorrow, tomorrow))
    result = licstat(log, window=kind)
    assert_ended_well(result, changed=False, reason="receipt")
    written = f"{log} was written to at {datetime.fromtimestamp(tomorrow, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
    assert written in str(result["warnings"])


# A day that was imported as a part of more, or in part.


def test_yesterday_is_not_imported_again_where_a_longer_range_had_it(licstat: Licstat, log: Path) -> None:
    licstat(log, window="since_last")
    result = licstat(log, window="yesterday", merge_policy="merge")
    assert_ended_well(result, changed=False, reason="receipt")
    assert only(result)["window"]["from"] is None
    assert len(licstat.uploads) == 1


def test_yesterday_is_in_doubt_where_a_longer_range_is_that_had_it(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault(operation="import", **LOST)
    licstat(log, window="since_last")
    result = licstat(log, window="yesterday", merge_policy="merge")
    assert (result["state"], result["failed"]) == ("unknown", True)
    assert len(licstat.uploads) == 1


def test_yesterday_is_refused_where_a_part_of_it_was_imported(licstat: Licstat, log: Path) -> None:
    noon = datetime.combine(datetime.now().date() - timedelta(days=1), datetime.min.time()) + timedelta(hours=12)
    by_hand: dict[str, Any] = {"from": str(noon - timedelta(days=1)), "to": str(noon)}
    assert_ended_well(licstat(log, window="yesterday", **by_hand), changed=True, reason="new")
    result = licstat(log, window="yesterday", merge_policy="merge")
    assert_plain_failure(result)
    assert f"{noon - timedelta(days=1)} to {noon}" in result["msg"]
    assert len(licstat.uploads) == 1


# By hand.


def test_from_and_to_take_the_place_of_the_window(nights: Nights) -> None:
    nights(0)
    by_hand = {"window": "since_last", "from": "2022-01-12", "to": str(end_of(2))}
    result = nights(3, **by_hand, identity="content")
    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["window"] == window(2, 2)


def test_an_empty_window_is_none(licstat: Licstat, log: Path) -> None:
    result = licstat(log, window="")
    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["window"] is None
