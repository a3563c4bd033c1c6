# SPDX-License-Identifier: GPL-3.0-or-later
"""What imports do to the data of a license server, by merge policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.sandbox.licstat.flexnet import DENIALS, USAGE, Denial, Line, Session
from tests.sandbox.licstat.holdings import FeatureTotals, Holdings, OverlapError, Range, whole_range

BOTH = {USAGE, DENIALS}
SERVER = 40


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2022, 1, 10, hour, minute)


def session(begin: int, end: int, feature: str = "F", licenses: int = 1) -> Session:
    return Session(feature, "u@h", at(begin), at(end), licenses)


def denial(hour: int, feature: str = "F") -> Denial:
    return Denial(feature, "u@h", at(hour), 1)


class Filled:
    """Holdings with shorthands."""

    def __init__(self, path: Path) -> None:
        self.holdings = Holdings(path)
        self._number = 0

    def merge(
        self,
        policy: str,
        span: Range,
        *events: Session | Denial | Line,
        kinds: set[str] | None = None,
        server: int = SERVER,
    ) -> None:
        self._number += 1
        name = f"import_{self._number}"
        wanted = BOTH if kinds is None else kinds
        self.holdings.stage(server, name, events, wanted)
        try:
            self.holdings.merge(server, name, wanted, span, policy)
        finally:
            self.holdings.drop(name)

    def totals(self, server: int = SERVER) -> dict[str, FeatureTotals]:
        return self.holdings.totals(server)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    """Holds two hours of usage and a denial, from 10 to 12 o'clock."""
    filled = Filled(tmp_path / "holdings.db")
    filled.merge("Reject", Range(at(10), at(12)), session(10, 12), denial(11))
    yield filled
    filled.holdings.close()


def test_totals(filled: Filled) -> None:
    filled.merge("Merge", Range(at(10), at(20)), session(13, 14, licenses=2), session(13, 14, "G"), denial(15, "H"))
    assert filled.totals() == {
        "F": FeatureTotals(sessions=2, seconds=4 * 3600, denials=1),
        "G": FeatureTotals(sessions=1, seconds=3600),
        "H": FeatureTotals(denials=1),
    }
    assert filled.holdings.time_range(SERVER) == (at(10), at(15))


def test_reject_refuses_what_overlaps_and_changes_nothing(filled: Filled) -> None:
    with pytest.raises(OverlapError):
        filled.merge("Reject", Range(at(11), at(14)), session(13, 14))
    assert filled.totals() == {"F": FeatureTotals(1, 7200, 1)}


def test_reject_takes_what_only_touches(filled: Filled) -> None:
    filled.merge("Reject", Range(at(8), at(10)), session(8, 10))
    filled.merge("Reject", Range(at(12), at(14)), session(12, 13), denial(12))
    assert filled.totals() == {"F": FeatureTotals(3, 5 * 3600, 2)}


def test_reject_looks_only_at_what_is_gathered_and_at_its_own_server(filled: Filled) -> None:
    filled.merge("Replace", Range(at(11), at(12)), kinds={DENIALS})
    filled.merge("Reject", Range(at(10), at(12)), denial(10), denial(11), kinds={DENIALS})
    filled.merge("Reject", Range(at(10), at(12)), session(10, 12), server=41)
    assert filled.totals() == {"F": FeatureTotals(1, 7200, 2)}
    assert filled.totals(41) == {"F": FeatureTotals(1, 7200, 0)}


def test_merge_keeps_both_so_that_the_same_counts_twice(filled: Filled) -> None:
    filled.merge("Merge", Range(at(10), at(12)), session(10, 12), denial(11))
    assert filled.totals() == {"F": FeatureTotals(2, 14400, 2)}


def test_replace_deletes_the_range_first(filled: Filled) -> None:
    filled.merge("Merge", Range(at(14), at(16)), session(14, 16))
    filled.merge("Replace", Range(at(9), at(13)), session(9, 10, "G"))
    assert filled.totals() == {"F": FeatureTotals(1, 7200, 0), "G": FeatureTotals(1, 3600, 0)}


def test_replace_leaves_what_is_not_gathered(filled: Filled) -> None:
    filled.merge("Replace", Range(at(9), at(13)), kinds={USAGE})
    assert filled.totals() == {"F": FeatureTotals(0, 0, 1)}


def test_leave_tail_imports_what_precedes_the_data(filled: Filled) -> None:
    filled.merge("Leave Tail", Range(at(8), at(14)), session(8, 11), denial(9), denial(13), session(13, 14))
    assert filled.totals() == {"F": FeatureTotals(2, 4 * 3600, 2)}  # the session was cut at 10 o'clock


def test_leave_tail_into_nothing_imports_all(filled: Filled) -> None:
    filled.merge("Leave Tail", Range(at(8), at(14)), session(8, 11), server=42)
    assert filled.totals(42) == {"F": FeatureTotals(1, 3 * 3600, 0)}


def test_the_range_cuts_sessions_and_leaves_out_the_rest(filled: Filled) -> None:
    filled.merge("Merge", Range(at(14), at(16)), session(13, 15, "G"), session(15, 17, "G"), denial(16, "G"), server=42)
    assert filled.totals(42) == {"G": FeatureTotals(2, 2 * 3600, 0)}


def test_only_one_kind_is_staged(filled: Filled) -> None:
    filled.merge("Merge", Range(at(14), at(16)), session(14, 15), denial(14), kinds={DENIALS}, server=42)
    assert filled.totals(42) == {"F": FeatureTotals(0, 0, 1)}


def test_range_of_a_log() -> None:
    assert whole_range(at(8), at(9), None, None) == Range(at(8), datetime(2022, 1, 10, 9, 0, 1))
    assert whole_range(at(8), at(9), at(7), at(10)) == Range(at(7), datetime(2022, 1, 10, 10, 0, 1))


def line(hour: int, kind: str = USAGE) -> Line:
    return Line(kind, at(hour), f"{hour} o'clock")


def held(filled: Filled, server: int = SERVER) -> dict[str, int]:
    return {text: count for _at, text, count in filled.holdings.lines(server)}


def test_lines_are_held_as_often_as_they_were_merged(filled: Filled) -> None:
    filled.merge("Merge", Range(at(8), at(9)), line(8))
    filled.merge("Merge", Range(at(8), at(9)), line(8))
    filled.merge("Merge", Range(at(8), at(9)), line(8), server=41)
    assert filled.holdings.lines(SERVER) == [("2022-01-10 08:00:00", "8 o'clock", 2)]
    assert filled.holdings.lines(41) == [("2022-01-10 08:00:00", "8 o'clock", 1)]


def test_lines_outside_the_range_or_of_another_kind_are_left_out(filled: Filled) -> None:
    filled.merge("Merge", Range(at(8), at(10)), line(7), line(8), line(9), line(10))
    filled.merge("Merge", Range(at(13), at(15)), line(13, DENIALS), line(14), kinds={USAGE})
    assert held(filled) == {"8 o'clock": 1, "9 o'clock": 1, "14 o'clock": 1}


def test_lines_of_what_was_refused_are_not_held(filled: Filled) -> None:
    with pytest.raises(OverlapError):
        filled.merge("Reject", Range(at(11), at(14)), line(13))
    assert held(filled) == {}


def test_replace_deletes_lines_and_leave_tail_takes_those_before_the_data(filled: Filled) -> None:
    filled.merge("Merge", Range(at(10), at(14)), line(10), line(11), line(13), line(13, DENIALS))
    filled.merge("Replace", Range(at(11), at(14)), line(12), kinds={USAGE})
    filled.merge("Leave Tail", Range(at(8), at(14)), line(9), line(12))
    assert held(filled) == {"9 o'clock": 1, "10 o'clock": 1, "12 o'clock": 1, "13 o'clock": 1}
