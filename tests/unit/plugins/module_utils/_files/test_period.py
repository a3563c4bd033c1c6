# SPDX-License-Identifier: GPL-3.0-or-later
"""What period a log tells of: of every known format, whatever was cut off it, and never more than is certain."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Period
from ansible_collections.assetops.imports.plugins.module_utils._files import period as _period
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._files.period import FAR, NEAR, period_of

from .....sandbox.licstat.flexnet_logs import CAD, CAE, EDA, Site, debug_log

SIX_HOURS = timedelta(hours=6)


def content_of(path: Path) -> Content:
    (content,) = open_contents([str(path)])
    return content


def period_in(text: bytes | str) -> Period | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "some.log")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return period_of(content_of(path))


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


def moments(first: str, last: str) -> Period:
    return Period(datetime.fromisoformat(first), datetime.fromisoformat(last))


# FlexNet

HEADER = lines(
    "23:58:10 (lmgrd) -----------------------------------------------",
    "23:58:10 (lmgrd)   Please Note:",
    "23:58:11 (lmgrd) (@lmgrd-SLOG@) === LMGRD ===",
)
OUT = '(vendord) OUT: "feature" alice@ws1'


@pytest.mark.parametrize(
    "dated",
    [
        "23:58:11 (lmgrd) TIMESTAMP 2/28/2024",
        "23:58:11 (lmgrd) TIMESTAMP 02/28/2024 ",
        "23:58:11 (lmgrd) (@lmgrd-SLOG@) Start-Date: Wed Feb 28 2024 23:58:11 UTC",
        "23:58:11 (lmgrd) (@lmgrd-SLOG@) Start-Date: Wed Feb 28 2024 23:58:11 Central Daylight Time",
        "23:58:11 (vendord) (@vendord-SLOG@) Time: Wed Feb 28 2024 23:58:11 -05",
        "23:58:11 (lmgrd) Server's System Date and Time: Wed Feb 28 2024 23:58:11 Mitteleuropäische Zeit",
        "23:58:11 (lmgrd) FlexNet Licensing (v11.16.2.1 build 244538 x64_lsb) started on lic1 (linux) (2/28/2024)",
        "23:58:11 (lmgrd) FLEXnet Licensing (v10.8.0.7) started on lic1 (IBM PC) (2/28/2024)",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_every_line_that_tells_the_date_dates_the_others(dated: str, end: str) -> None:
    log = lines(*HEADER.splitlines(), dated, f" 0:00:05 {OUT}", "no time in this line") + f"20:59:59 {OUT}"
    assert period_in(log.replace("\n", end or "\n") + end) == moments("2024-02-28 23:58:10", "2024-02-29 20:59:59")


FLEXNET: dict[str, tuple[str, Period | None]] = {
    "the top is gone, and with it the header": (
        lines(f" 9:00:00 {OUT}", f"23:00:00 {OUT}", f" 3:00:00 {OUT}", " 5:00:00 (lmgrd) TIMESTAMP 3/1/2023"),
        moments("2023-02-28 09:00:00", "2023-03-01 05:00:00"),
    ),
    "the first line has lost its beginning": (
        lines("04 (lmgrd) TIMESTAMP 1/1/2020", f" 9:00:00 {OUT}", "10:00:00 (lmgrd) TIMESTAMP 3/1/2023"),
        moments("2023-03-01 09:00:00", "2023-03-01 10:00:00"),
    ),
    "the first line has lost a digit of its hour": (
        lines(f"1:59:00 {OUT}", f"22:00:00 {OUT}", "22:05:00 (lmgrd) TIMESTAMP 3/1/2023"),
        moments("2023-03-01 22:00:00", "2023-03-01 22:05:00"),
    ),
    "the first line has lost a digit of its hour, and is one that tells the date": (
        lines("1:59:00 (lmgrd) TIMESTAMP 3/1/2023", f"22:00:00 {OUT}", "22:05:00 (lmgrd) TIMESTAMP 3/1/2023"),
        moments("2023-03-01 22:00:00", "2023-03-01 22:05:00"),
    ),
    "the first line has lost a digit of its hour, and the next one is of the day after": (
        lines("1:59:00 (lmgrd) TIMESTAMP 3/1/2023", f"9:30:00 {OUT}", "9:35:00 (lmgrd) TIMESTAMP 3/2/2023"),
        moments("2023-03-02 09:30:00", "2023-03-02 09:35:00"),
    ),
    "only the first line tells a date, and it has lost a digit of its hour": (
        lines("1:59:00 (lmgrd) TIMESTAMP 3/1/2023", f"9:30:00 {OUT}"),
        None,
    ),
    "the second line has not lost anything": (
        lines(f"1:59:00 {OUT}", f"9:30:00 {OUT}", "16:00:00 (lmgrd) TIMESTAMP 3/1/2023"),
        moments("2023-03-01 09:30:00", "2023-03-01 16:00:00"),
    ),
    "hours are not padded at all": (
        lines(f"1:59:00 {OUT}", f"2:30:00 {OUT}", "2:35:00 (lmgrd) TIMESTAMP 3/1/2023"),
        moments("2023-03-01 01:59:00", "2023-03-01 02:35:00"),
    ),
    "the last line is not whole": (
        lines("22:00:00 (lmgrd) TIMESTAMP 3/1/2023", f"23:00:00 {OUT}") + " 1:30",
        moments("2023-03-01 22:00:00", "2023-03-01 23:00:00"),
    ),
    "summer time ends": (
        lines("22:00:00 (lmgrd) TIMESTAMP 10/26/2024", f" 2:59:58 {OUT}", f" 2:00:01 {OUT}", f" 2:59:00 {OUT}"),
        moments("2024-10-26 22:00:00", "2024-10-27 02:59:00"),
    ),
    "two daemons write out of order about midnight": (
        lines(
            "22:00:00 (lmgrd) TIMESTAMP 3/1/2023",
            "23:59:59 (vendord) DENIED",
            " 0:00:00 (otherd) DENIED",
            "23:59:59 (vendord) DENIED",
            " 0:00:01 (vendord) DENIED",
            "23:59:58 (otherd) DENIED",
            " 0:00:02 (otherd) DENIED",
        ),
        moments("2023-03-01 22:00:00", "2023-03-02 00:00:02"),
    ),
    "the server was off for days": (
        lines(
            "12:00:00 (lmgrd) (@lmgrd-SLOG@) Start-Date: Mon Mar 06 2023 12:00:00 CET",
            "12:00:00 (lmgrd) TIMESTAMP 3/6/2023",
            "13:00:00 (lmgrd) Shutting down",
            "12:30:00 (lmgrd) -----",
            "12:30:01 (lmgrd) FlexNet Licensing (v11.19.0.0) started on lic1 (linux) (3/9/2023)",
            f"12:40:00 {OUT}",
        ),
        moments("2023-03-06 12:00:00", "2023-03-09 12:40:00"),
    ),
    "nobody knows how long the server was off after the first lines": (
        lines(f" 9:00:00 {OUT}", "12:30:01 (lmgrd) FlexNet Licensing (v11.19) started on lic1 (linux) (3/9/2023)"),
        None,
    ),
    "the date of an earlier start, told again": (
        lines(
            " 9:00:00 (lmgrd) TIMESTAMP 3/9/2023",
            "12:30:00 (vendord) (@vendord-SLOG@) Start-Date: Mon Mar 06 2023 08:00:00 CET",
            f"12:40:00 {OUT}",
        ),
        moments("2023-03-09 09:00:00", "2023-03-09 12:40:00"),
    ),
    "a date that there is not": (
        lines(" 9:00:00 (lmgrd) TIMESTAMP 2/30/2023", "15:00:00 (lmgrd) TIMESTAMP 3/1/2023"),
        moments("2023-03-01 09:00:00", "2023-03-01 15:00:00"),
    ),
    "no date": (lines(' 9:00:00 (d) OUT: "TIMESTAMP 3/1/2023" a@b', "25:00:00 (lmgrd) TIMESTAMP 3/1/2023"), None),
    "no date at all": (lines(*HEADER.splitlines()), None),
    "the clock was put back by a day": (
        lines(" 9:00:00 (lmgrd) TIMESTAMP 3/2/2023", " 9:00:00 (lmgrd) TIMESTAMP 3/1/2023"),
        None,
    ),
}


@pytest.mark.parametrize(("log", "expected"), FLEXNET.values(), ids=FLEXNET)
def test_a_flexnet_log(log: str, expected: Period | None) -> None:
    assert period_in(log) == expected


@pytest.mark.parametrize("site", [CAD, EDA, CAE], ids=lambda site: site.host)
def test_logs_of_whole_sites(site: Site) -> None:
    start = datetime(2026, 2, 27, 18, 2, 41)
    log = debug_log(site, start, hours=50, seed=5, pause=40)
    assert len(log) > NEAR
    found = period_in(log)
    assert found is not None
    assert found.first == start
    assert start + timedelta(hours=49) < found.last < start + timedelta(hours=50)
    assert f"{found.last:%M:%S}" in log.splitlines()[-1]


@st.composite
def flexnet_logs(draw: st.DrawFn) -> tuple[list[datetime], list[str]]:
    """The moments and the lines of a log: dated every six hours, and by a header or not."""
    moment = draw(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1))).replace(microsecond=0)
    padded = draw(st.sampled_from(["{0.hour:2}", "{0.hour:02}", "{0.hour}"]))
    events: list[tuple[datetime, str]] = []
    if draw(st.booleans()):
        events.append((moment, f"(lmgrd) (@lmgrd-SLOG@) Start-Date: {moment:%a %b %d %Y %H:%M:%S} Some Zone"))
    stamp = moment + draw(st.timedeltas(timedelta(0), SIX_HOURS))
    for seconds in draw(st.lists(st.integers(0, 24 * 3600 - 1), max_size=30)):
        moment += timedelta(seconds=seconds)
        while stamp <= moment:
            events.append((stamp, f"(lmgrd) TIMESTAMP {stamp.month}/{stamp.day}/{stamp.year}"))
            stamp += SIX_HOURS
        events.append((moment, OUT + "x" * draw(st.integers(0, 40))))
    return (
        [at.replace(microsecond=0) for at, _text in events],
        [f"{padded.format(at)}:{at:%M:%S} {text}" for at, text in events],
    )


@contextmanager
def reading(near: int, far: int = FAR) -> Iterator[None]:
    """As if so many bytes were read at each end at first, and then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_period, "NEAR", near)
        patch.setattr(_period, "FAR", far)
        yield


@given(flexnet_logs(), st.data(), st.sampled_from(["\n", "\r\n"]), st.integers(64, 2000))
def test_a_flexnet_log_that_is_cut_at_any_line(
    log: tuple[list[datetime], list[str]], data: st.DataObject, end: str, near: int
) -> None:
    times, texts = log
    cut = data.draw(st.integers(0, max(0, len(texts) - 1)))
    kept = texts[cut:]
    if not kept:
        return
    expected = Period(times[cut], times[-1]) if any("TIMESTAMP" in text or "SLOG" in text for text in kept) else None
    text = end.join(kept) + data.draw(st.sampled_from([end, ""]))
    assert period_in(text) == expected
    with reading(near):
        assert period_in(text) == expected


def test_a_line_in_which_reading_begins_is_not_used() -> None:
    end = "1:00:00 (lmgrd) TIMESTAMP 3/1/2023\n" + f"0:30:00 {OUT}\n"
    with reading(len(end)):
        found = period_in("15:00:00 (lmgrd) TIMESTAMP 2/28/2023\n2" + end)
    assert found == moments("2023-02-28 15:00:00", "2023-03-02 00:30:00")


# Other license servers

RLM = lines(
    "RLM Report Log Format 0, version 12.2, authenticated",
    "ISV: demo, RLM version 12.2 BL2",
    "Logfile format Copyright (C) 2006-2018 Reprise Software, Inc.",
    "",
    "START lic1 12/30/2023 18:02",
    "TIMEZONE 480 0 # PST8PDT",
    "LICENSE FILE demo.lic",
    'PRODUCT prod 1.0 1 4 0 0 "" 0 0 "" "" 0 permanent',
    'OUT prod 1.0 1 alice ws1 "" 1 1 0 2a 2a 410 "" "" "" 12/30 18:05:10',
    "log 12/30 18:06:00 whatever the vendor says at 01/01/1999 10:00",
    "AUTH 0 1 2 3",
    'IN 1 prod 1.0 alice ws1 "" 1 0 0 2a 12/31 23:59:58.1234',
    'DENY prod 1.0 bob ws2 "" 1 -22 1 01/01 00:03',
)


OTHERS: dict[str, tuple[bytes | str, Period | None]] = {
    "RLM report log": (RLM, moments("2023-12-30 18:02", "2024-01-01 00:03")),
    "RLM report log without its top": (
        RLM[RLM.index("log ") :] + lines("01/01/2024 06:00"),
        moments("2023-12-30 18:06", "2024-01-01 06:00"),
    ),
    "RLM report log, 29 February": (
        lines("OUT a 1 1 u h 02/29 10:00:00", "03/01/2024 00:00", "END 03/01/2024 01:00"),
        moments("2024-02-29 10:00", "2024-03-01 01:00"),
    ),
    "RLM report log, 29 February of a year that has none": (
        lines("OUT a 1 1 u h 02/29 10:00:00", "03/01/2023 00:00"),
        None,
    ),
    "RLM report log that tells no year": (RLM[RLM.index("OUT") :], None),
    "RLM report log, small": (
        lines("RLM Report Log Format 1, version 12.2", "START lic1 12/30/2023 18:02", "OUT a 1 2b 18:10")
        + lines("IN 1 1 2b 18:22", "OUT a 1 2c 19:10"),
        None,
    ),
    "RLM debug log, which tells no year": (
        lines(
            "02/20 20:55 (rlm) RLM License Server Version 12.2BL2-p1",
            "",
            "\tCopyright (C) 2006-2017, Reprise Software, Inc. All rights reserved.",
            "02/20 20:55 (rlm) License server started on lic1",
            "02/20 20:56 (demo) OUT: prod v1.0 by alice@ws1",
        ),
        None,
    ),
    "RLM debug log, if one tells the year": (
        lines("12/31 20:55 (rlm) License files:", "01/01/2024 00:00 (rlm) still here", "01/01 06:30 (demo) IN: a"),
        moments("2023-12-31 20:55", "2024-01-01 06:30"),
    ),
    "LM-X": (
        lines(
            "[2021-05-26 13:38:30] LM-X License Server v4.9.23 build 74220bf8 on lic1 (Linux_x64)",
            "[2021-05-26 13:38:30]",
            "[2021-05-27 00:00:01] CHECKOUT by alice@ws1: feature (v1.0)",
        ),
        moments("2021-05-26 13:38:30", "2021-05-27 00:00:01"),
    ),
    "Sentinel RMS": (
        lines(
            "# Startup Sentinel RMS Development Kit v7.00 Fri Aug 13 17:33:31 1999  934590811 jsmith 140 429448",
            "2 0 MTI1 Fri Aug 13 17:33:33 1999  934590813 99 v 0 1 0 jsmith jsmith 7.00 1 - MA== 754986 OTM1Mz",
            "# Shutdown Sentinel RMS Development Kit v7.00 Sat Aug 14 01:03:34 1999  934590814 jsmith Mg== 2058783",
        ),
        moments("1999-08-13 17:33:31", "1999-08-14 01:03:34"),
    ),
    "DS License Server": (
        lines(
            "2025/05/20 15:06:36:933 I STARTSERVER Server version 6.424.2 built on 230302",
            "2025/05/21 00:00:00:001 W LICENSESERV XM2-FTA not granted, no more available license",
        ),
        moments("2025-05-20 15:06:36", "2025-05-21 00:00:00"),
    ),
    "a text of another kind": ("What is this?\nIt was 9:00:00 (or so) on 3/1/2023.\n", None),
    "nothing": ("\n", None),
    "binary": (b"\x00\x01FLEX\x00" + HEADER.encode() + b"23:58:11 (lmgrd) TIMESTAMP 2/28/2024\n", None),
}


@pytest.mark.parametrize(("log", "expected"), OTHERS.values(), ids=OTHERS)
def test_logs_of_other_license_servers(log: bytes | str, expected: Period | None) -> None:
    assert period_in(log) == expected


# What is read, and what cannot be read

PIECES = (
    *(b"\n", b"\r\n", b" ", b"\0", b"\xff", b"1:00:00 (d) ", b"23:00:00 (d) ", b"TIMESTAMP 1/1/1000", b"12/31/2999"),
    *(b"02/29 10:00:00", b"02/29/1001 10:00", b"OUT a ", b"log ", b"START a ", b"[2021-05-26 13:38:30] ", b"(rlm) x"),
    *(b"# ", b"Fri Aug 13 17:33:31 1999 ", b"2025/05/20 15:06:36:933 I A "),
)


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_anything_has_a_period_or_none(text: bytes) -> None:
    found = period_in(text or b"\n")
    assert found is None or found.first <= found.last


def test_more_years_than_a_date_has() -> None:
    assert period_in("06/30 23:00 (d) x\n01/01 01:00 (d) x\n" * 4000 + "01/01/1000 01:00 (d) x\n") is None


READ: list[int] = []  # how much, at each end in turn


class Counting(Content):
    """A content that notes in `READ` how much was read of it."""

    def read_ends(self, size: int) -> tuple[bytes, bytes]:
        beginning, end = super().read_ends(size)
        READ.extend((len(beginning), len(end)))
        return beginning, end


@pytest.mark.parametrize(
    ("tail", "looks", "expected"),
    [
        (f" 1:00:00 {OUT}\n 6:00:00 (lmgrd) TIMESTAMP 2/29/2024\n 6:30:00 {OUT}\n", 1, "2024-02-29 06:30:00"),
        (" 6:00:00 (lmgrd) TIMESTAMP 2/29/2024\n" + f" 6:30:00 {OUT}\n" * 1000, 2, "2024-02-29 06:30:00"),
        (f" 6:30:00 {OUT}\n", 2, None),
    ],
    ids=["dated near the end", "dated further from the end", "not dated"],
)
def test_little_is_read_of_a_large_file(tmp_path: Path, tail: str, looks: int, expected: str | None) -> None:
    near, far = NEAR // 16, FAR // 16
    path = tmp_path / "debug.log"
    with path.open("wb") as file:
        file.write(b"23:00:00 (lmgrd) TIMESTAMP 2/28/2024\n" + f"23:30:00 {OUT}\n".encode() * 1000)
        file.seek(3 * 1024**3)
        file.write(b"\n" + tail.encode())
    content = content_of(path)
    READ.clear()
    tracemalloc.start()
    try:
        with reading(near, far):
            found = period_of(Counting(content.path, content.fingerprint))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == (moments("2024-02-28 23:00:00", expected) if expected else None)
    assert [near, near, far, far][: 2 * looks] == READ
    assert peak < 4 * far  # both ends, and a line that is as long as one of them


def test_of_a_large_file_that_is_not_text_only_the_ends_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "report.rl"
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)
    content = content_of(path)
    READ.clear()
    assert period_of(Counting(content.path, content.fingerprint)) is None
    assert READ == [NEAR, NEAR]


def test_a_log_has_the_period_of_the_part_that_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    path.write_text(lines("9:00:00 (lmgrd) TIMESTAMP 3/1/2023", f"10:00:00 {OUT}"), encoding="utf-8")
    content = content_of(path)
    with path.open("a", encoding="utf-8") as file:
        file.write(lines(f"11:00:00 {OUT}"))
    assert period_of(content) == moments("2023-03-01 09:00:00", "2023-03-01 10:00:00")


def test_a_file_that_is_gone_has_no_period(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    path.write_text(lines("9:00:00 (lmgrd) TIMESTAMP 3/1/2023"), encoding="utf-8")
    content = content_of(path)
    path.unlink()
    assert period_of(content) is None
