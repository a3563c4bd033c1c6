# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading FlexNet debug logs."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from tests.sandbox.licstat.flexnet import DebugLog, Denial, Line, Session, Summary, is_text
from tests.sandbox.licstat.flexnet_logs import fixtures, small_logs

FIXTURES = Path(__file__).parents[2] / "fixtures" / "flexnet"


def read(*lines: str) -> tuple[list[Session | Denial | Line], Summary]:
    """Events and summary of a log."""
    log = DebugLog()
    return list(log.events(lines)), log.summary


def at(day: int, time: str) -> datetime:
    return datetime.fromisoformat(f"2022-01-{day:02} {time}")


def test_example_of_the_facts() -> None:
    events, summary = read(
        " 7:47:04 (lmgrd) (@lmgrd-SLOG@) Start-Date: Mon Jan 10 2022 07:47:04 UTC",
        " 7:47:04 (lmgrd) TIMESTAMP 1/10/2022",
        ' 8:01:00 (vendord) OUT: "FEAT_A" alice@ws1',
        ' 8:02:10 (vendord) DENIED: "FEAT_A" bob@ws2  (Licensed number of users already reached. (-4,342))',
        ' 8:31:00 (vendord) IN: "FEAT_A" alice@ws1',
    )
    assert events == [
        Denial("FEAT_A", "bob@ws2", at(10, "08:02:10"), 1),
        Session("FEAT_A", "alice@ws1", at(10, "08:01:00"), at(10, "08:31:00"), 1),
    ]
    assert (summary.checkouts, summary.checkins, summary.denials) == (1, 1, 1)
    assert (summary.first, summary.last, summary.zone) == (at(10, "07:47:04"), at(10, "08:31:00"), "UTC")


def test_midnight_passes_between_two_lines() -> None:
    events, _unused = read(
        "23:50:00 (lmgrd) TIMESTAMP 1/10/2022",
        '23:58:00 (d) OUT: "F" a@h',
        ' 0:03:00 (d) IN: "F" a@h',
        '13:00:00 (d) OUT: "F" a@h',
        ' 0:00:00 (d) IN: "F" a@h',
    )
    assert [(event.begin, event.end) for event in events if isinstance(event, Session)] == [
        (at(10, "23:58:00"), at(11, "00:03:00")),
        (at(11, "13:00:00"), at(12, "00:00:00")),
    ]


def test_timestamp_decides_over_a_silent_weekend() -> None:
    events, _unused = read(
        "22:00:00 (lmgrd) TIMESTAMP 1/7/2022",
        " 1:00:00 (lmgrd) TIMESTAMP 1/10/2022",
        ' 2:00:00 (d) DENIED: "F" a@h  (reason (-4,342))',
    )
    assert events == [Denial("F", "a@h", at(10, "02:00:00"), 1)]


def test_lines_out_of_order_by_seconds_are_no_new_day() -> None:
    events, summary = read(
        " 9:00:00 (lmgrd) TIMESTAMP 1/10/2022",
        ' 9:00:05 (d) OUT: "F" a@h',
        ' 9:00:04 (e) OUT: "G" a@h',
        ' 9:10:00 (d) IN: "F" a@h',
    )
    assert summary.last == at(10, "09:10:00")
    assert {event.begin for event in events if isinstance(event, Session)} == {at(10, "09:00:05")}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('DENIED: "F" u@h  (Licensed number of users already reached. (-4,342))', ("F", "u@h", 1)),
        (
            'DENIED: "F" u@h  (Invalid (-1)) ^^^ 1.0 u 127.0.0.1 29865 0x12CE 2 3 - 11 19 1/10/2022 9:00:00 0 ^^^',
            ("F", "u@h", 1),
        ),
        ("DENIED: 3 F to u@h", ("F", "u@h", 3)),
        ("DENIED: 2 F to u", ("F", "u", 2)),
    ],
)
def test_forms_of_denials(line: str, expected: tuple[str, str, int]) -> None:
    events, summary = read("9:00:00 (lmgrd) TIMESTAMP 1/10/2022", f"9:00:01 (d) {line}")
    assert events == [Denial(expected[0], expected[1], at(10, "09:00:01"), expected[2])]
    assert summary.denials == 1


@pytest.mark.parametrize(
    "extra", ["", " [cd string]", " ^^^ 1.0 u 127.0.0.1 29865 0x12CE 2 3 - 11 19 1/10/2022 9:00:00 0 ^^^"]
)
def test_several_licenses_go_out_and_in_together(extra: str) -> None:
    events, _unused = read(
        "9:00:00 (lmgrd) TIMESTAMP 1/10/2022",
        f'9:01:00 (d) OUT: "F" u@h {extra}',
        f'9:02:00 (d) OUT: "F" u@h (3 licenses){extra}',
        f'9:03:00 (d) IN: "F" u@h (3 licenses){extra}',
        f'9:04:00 (d) IN: "F" u@h {extra}',
    )
    assert events == [
        Session("F", "u@h", at(10, "09:02:00"), at(10, "09:03:00"), 3),
        Session("F", "u@h", at(10, "09:01:00"), at(10, "09:04:00"), 1),
    ]


def test_what_is_no_usage_and_no_denial() -> None:
    events, summary = read(
        "9:00:00 (lmgrd) TIMESTAMP 1/10/2022",
        '9:00:01 (d) UNSUPPORTED: "F" (PORT_AT_HOST_PLUS   ) u@h  (no such feature. (-18,327))',
        '9:00:02 (d) QUEUED: "F" u@h',
        '9:00:03 (d) DEQUEUED: "F" u@h',
        '9:00:04 (d) IN: "F" never@out',
        "9:00:05 (d) EXPIRED: F",
        "9:00:06 (d) EXITING DUE TO SIGNAL 15",
        "9:00:07 (lmgrd)",
        "something else",
        "",
    )
    assert events == []
    assert (summary.unsupported, summary.checkins, summary.lines) == (1, 1, 8)


def test_session_still_open_ends_with_the_log() -> None:
    events, _unused = read("9:00:00 (lmgrd) TIMESTAMP 1/10/2022", '9:01:00 (d) OUT: "F" u@h', "9:30:00 (lmgrd) bye")
    assert events == [Session("F", "u@h", at(10, "09:01:00"), at(10, "09:30:00"), 1)]


def test_events_before_the_first_date_are_left_out() -> None:
    events, summary = read('8:00:00 (d) DENIED: "F" u@h  (r (-4))', "9:00:00 (lmgrd) TIMESTAMP 1/10/2022")
    assert events == []
    assert summary.undated == 1


def test_dates_that_do_not_exist_are_none() -> None:
    _unused, summary = read(
        "8:00:00 (lmgrd) TIMESTAMP 2/30/2022", "8:00:00 (x) Start-Date: Mon Foo 10 2022 07:47:04 UTC"
    )
    assert summary.first is None


def test_header_of_a_later_restart_of_the_daemon_does_not_turn_back_time() -> None:
    _unused, summary = read(
        "9:00:00 (lmgrd) TIMESTAMP 1/12/2022",
        "9:30:00 (d) (@d-SLOG@) Start-Date: Mon Jan 10 2022 07:47:04 UTC",
        "9:40:00 (d) more",
    )
    assert summary.last == at(12, "09:40:00")


@pytest.mark.parametrize("content", [b"", b"plain\r\n", "Größe 日本".encode(), "é".encode() * 4096])
def test_text_is_text(content: bytes) -> None:
    assert is_text(content)
    assert is_text(content[: len(content) - 1])  # cut in the middle of a character, as a first block may be


@pytest.mark.parametrize(
    "content", [b"\0", b"text with \0 in it", os.urandom(4096).replace(b"\0", b"\1"), b"\1\2\3\4" * 9]
)
def test_binary_is_no_text(content: bytes) -> None:
    assert not is_text(content)


def test_fixtures_are_what_the_generator_writes() -> None:
    found = {path.relative_to(FIXTURES).as_posix(): path.read_text() for path in FIXTURES.rglob("*") if path.is_file()}
    assert found == fixtures()


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("cad/debug.log.1", "2026-03-02 07:47:04", "2026-03-03 13:"),
        ("cad/debug.log", "2026-03-04 05:58:12", "2026-03-04 20:"),
        ("eda/debug.log", "2026-03-02 18:02:41", "2026-03-04 07:"),
        ("cae/debug.log", "2026-03-04 06:30:00", "2026-03-04 20:"),
    ],
)
def test_fixtures_are_read_whole(name: str, first: str, last: str) -> None:
    text = fixtures()[name]
    events, summary = read(*text.splitlines())
    assert str(summary.first) == first
    assert str(summary.last).startswith(last)
    assert (summary.lines, summary.undated) == (text.count("\n"), 0)
    assert summary.checkouts == text.count(" OUT: ") == sum(isinstance(event, Session) for event in events) > 40
    assert summary.checkins == text.count(" IN: ")
    assert summary.denials == text.count(" DENIED: ") == sum(isinstance(event, Denial) for event in events) > 10


def test_truncated_fixture_has_no_date() -> None:
    events, summary = read(*fixtures()["truncated/debug.log"].splitlines())
    assert (events, summary.first) == ([], None)
    assert summary.undated > 10


def test_small_logs_are_distinct_and_do_not_overlap(tmp_path: Path) -> None:
    paths = small_logs(tmp_path / "logs", 50)
    summaries = [read(*path.read_text().splitlines())[1] for path in paths]
    assert len({path.read_bytes() for path in paths}) == 50
    for before, after in zip(summaries, summaries[1:]):
        assert before.last is not None
        assert after.first is not None
        assert before.last < after.first
    assert max(path.stat().st_size for path in paths) < 8192
