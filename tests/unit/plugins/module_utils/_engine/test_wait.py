# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait loop: hours of it, in no time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Outage
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import (
    Clock,
    WaitOptions,
    WaitTimeout,
    wait_for,
)

from ..fakes import TurnedClock

PACE = WaitOptions(timeout=3600, max_pause=10, unreachable_timeout=300)


@dataclass
class Server:
    """Finishes things at their moments, and is away at times; `cost` is how long a look takes. All in seconds."""

    ends: dict[str, float]
    away: list[tuple[float, float]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    cost: float = 0.0

    def __post_init__(self) -> None:
        self.turned = TurnedClock()
        self.start = self.turned.moment
        self.looks: dict[str, list[float]] = {name: [] for name in self.ends}
        self.order: list[str] = []
        self.seen: dict[str, float] = {}

    @property
    def now(self) -> float:
        return self.turned.moment - self.start

    def is_done(self, name: str) -> bool:
        assert name not in self.seen, "it was done already"
        asked = self.now
        self.looks[name].append(asked)
        self.order.append(name)
        if self.cost:
            self.turned.sleep(self.cost)
        if name in self.broken or any(begin <= asked < end for begin, end in self.away):
            raise Outage(f"{name} could not be asked for at {asked}")
        if asked >= self.ends[name]:
            self.seen[name] = asked
        return asked >= self.ends[name]

    def wait(self, pace: WaitOptions = PACE) -> list[str]:
        """Wait for everything; what was left at the end."""
        try:
            wait_for(list(self.ends), self.is_done, pace, self.turned.clock)
        except WaitTimeout as error:
            self.outage = error.outage
            left = list(error.left)
            assert left
            return left
        return []


# The pace


@pytest.mark.parametrize(
    ("waited", "expected"),
    [(0, 0.2), (1, 0.2), (2, 0.2), (3, 0.3), (50, 5.0), (100, 10.0), (101, 10.0), (1_000_000, 10.0)],
)
def test_the_pause_is_a_tenth_of_the_time_waited_within_bounds(waited: float, expected: float) -> None:
    assert PACE.pause(waited) == pytest.approx(expected)


@pytest.mark.parametrize("waited", [0, 1, 100])
def test_a_longest_pause_below_the_shortest_wins(waited: float) -> None:
    assert replace(PACE, max_pause=0.05).pause(waited) == 0.05


def test_a_server_that_wants_rest_is_looked_at_less_often() -> None:
    patient = replace(PACE, min_pause=10, max_pause=30)
    assert [patient.pause(waited) for waited in (0, 99, 150, 301)] == [10, 10, 15, 30]


# One thing


def test_something_that_is_done_at_once_is_seen_after_the_shortest_pause() -> None:
    server = Server({"a": 0})
    assert server.wait() == []
    assert server.looks["a"] == [pytest.approx(0.2)]


def test_looks_come_at_the_pace_given() -> None:
    server = Server({"a": 1000})
    server.wait()
    looks = server.looks["a"]
    expected = [0.2]
    while len(expected) < len(looks):
        expected.append(expected[-1] + PACE.pause(expected[-1]))
    assert looks == pytest.approx(expected)
    assert server.seen["a"] < 1000 + 10


def test_the_last_look_is_at_the_deadline() -> None:
    server = Server({"a": math.inf})
    assert server.wait(replace(PACE, timeout=60)) == ["a"]
    assert server.looks["a"][-1] == pytest.approx(60)
    assert server.outage is None


def test_something_that_is_done_right_at_the_deadline_is_seen() -> None:
    server = Server({"a": 60})
    assert server.wait(replace(PACE, timeout=60)) == []


def test_without_time_to_wait_there_is_one_look_and_no_pause() -> None:
    server = Server({"a": math.inf})
    assert server.wait(replace(PACE, timeout=0)) == ["a"]
    assert (server.looks["a"], server.turned.pauses) == ([0], [])


def test_nothing_to_wait_for_takes_no_time() -> None:
    server = Server({})
    assert server.wait() == []
    assert server.turned.pauses == []


def test_an_error_that_is_no_outage_ends_the_wait() -> None:
    def fail(_thing: str) -> bool:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        wait_for(["a"], fail, PACE, TurnedClock().clock)


def test_time_is_the_systems_unless_another_clock_is_given() -> None:
    clock = Clock()
    before = clock.now()
    clock.sleep(0.001)
    assert clock.now() > before


@given(pauses=st.floats(0, 300), longest=st.floats(0.05, 1000), ratio=st.floats(0, 2))
def test_the_end_is_seen_in_time_with_few_looks(pauses: float, longest: float, ratio: float) -> None:
    end = pauses * longest
    timeout = end * ratio
    server = Server({"a": end})
    left = server.wait(replace(PACE, max_pause=longest, timeout=timeout))
    late = min(max(end / 10 + 0.3, 0.3), longest + 0.001)
    if left:
        assert end > timeout - 0.001
        assert server.looks["a"][-1] == pytest.approx(timeout)
        whole = timeout
    else:
        whole = server.seen["a"]
        assert whole <= end + late
        assert whole <= timeout + 0.001
    growing = 11 + math.log(max(5 * longest, 1)) / math.log(1.1)
    assert len(server.looks["a"]) <= min(growing, 11 + whole / 0.2 if longest > 0.2 else math.inf) + whole / longest + 3


# Many things


def test_each_is_looked_at_until_it_is_done_and_not_once_more() -> None:
    server = Server({"a": 5, "b": 500, "c": 50})
    assert server.wait() == []
    for name, end in server.ends.items():
        assert end <= server.seen[name] <= end * 1.1 + 0.3
        assert server.looks[name][-1] == server.seen[name]


def test_each_is_looked_at_in_turn() -> None:
    server = Server(dict.fromkeys("abc", 60.0), cost=0.01)
    server.wait()
    assert "".join(server.order) == "abc" * len(server.looks["a"])


def test_what_is_left_at_the_deadline_is_named_once() -> None:
    server = Server({"a": math.inf, "b": 30, "c": math.inf, "d": 59.99})
    assert sorted(server.wait(replace(PACE, timeout=60))) == ["a", "c"]
    assert [server.looks[name][-1] for name in "acd"] == pytest.approx([60] * 3)


def test_each_has_its_last_look_though_the_looks_before_took_their_time() -> None:
    server = Server(dict.fromkeys("abcdefgh", 60.0), cost=3)
    assert server.wait(replace(PACE, timeout=60)) == []


@given(
    ends=st.lists(st.floats(0, 2000) | st.just(math.inf), min_size=1, max_size=12),
    timeout=st.floats(0, 1000),
    cost=st.sampled_from([0.0, 0.05, 1.0]),
)
def test_whatever_the_ends_all_is_either_done_or_left(ends: list[float], timeout: float, cost: float) -> None:
    server = Server({str(number): end for number, end in enumerate(ends)}, cost=cost)
    left = server.wait(replace(PACE, timeout=timeout))
    assert sorted([*left, *server.seen]) == sorted(server.ends)
    for name in left:
        assert server.looks[name][-1] >= timeout - 0.001
        assert server.ends[name] > timeout - 0.001
    for name, seen in server.seen.items():
        assert seen <= max(server.ends[name] * 1.1, 0.2) + 0.3 + (cost + 0.001) * 2 * len(ends)


# Outages


@pytest.mark.parametrize(
    "away", [[(100, 399)], [(100, 380), (395, 680), (695, 980)]], ids=["one", "several with an answer between them"]
)
def test_outages_that_end_in_time_are_survived(away: list[tuple[float, float]]) -> None:
    server = Server({"a": 1000}, away=away)
    assert server.wait() == []
    assert server.seen["a"] == pytest.approx(1000, abs=10)


def test_an_outage_that_lasts_too_long_ends_the_wait() -> None:
    server = Server({"a": math.inf, "b": 50}, away=[(100, math.inf)])
    assert server.wait() == ["a"]
    assert server.outage is not None
    assert 400 < server.now < 400 + 2 * 10


def test_an_answer_about_one_thing_shows_that_the_server_is_there_for_all() -> None:
    server = Server({"a": 1500, "b": math.inf}, broken={"b"})
    left = server.wait()
    assert left == ["b"]
    assert server.seen["a"] == pytest.approx(1500, abs=10)


@pytest.mark.parametrize(("away", "is_reason"), [((50, math.inf), True), ((20, 50), False)])
def test_an_outage_is_the_reason_if_it_lasts_until_the_deadline(away: tuple[float, float], is_reason: bool) -> None:
    server = Server({"a": math.inf}, away=[away])
    assert server.wait(replace(PACE, timeout=60)) == ["a"]
    assert (server.outage is not None) == is_reason
    assert server.now == pytest.approx(60)


def test_one_that_cannot_be_looked_at_does_not_take_the_last_look_from_the_others() -> None:
    server = Server({"a": math.inf, "b": 59.9, "c": 59.9}, broken={"a"})
    assert server.wait(replace(PACE, timeout=60)) == ["a"]
    assert server.seen.keys() == {"b", "c"}
    assert server.outage is not None


def test_no_outage_is_survived_where_none_shall_be() -> None:
    server = Server({"a": 100}, away=[(30, 40)], cost=0.01)
    assert server.wait(replace(PACE, unreachable_timeout=0)) == ["a"]
    assert server.now == pytest.approx(30, abs=4)


def test_a_look_that_takes_long_to_fail_counts_from_its_beginning() -> None:
    server = Server({"a": math.inf}, away=[(0, math.inf)], cost=60)
    assert server.wait(replace(PACE, unreachable_timeout=100)) == ["a"]
    assert len(server.looks["a"]) == 2


@given(
    end=st.floats(0, 3000),
    away=st.lists(st.tuples(st.floats(0, 3000), st.floats(0, 400)), max_size=5),
    unreachable=st.floats(0, 500),
)
def test_only_a_lasting_outage_ends_the_wait(end: float, away: list[tuple[float, float]], unreachable: float) -> None:
    spans = [(begin, begin + length) for begin, length in away]
    server = Server({"a": end}, away=spans)
    left = server.wait(replace(PACE, unreachable_timeout=unreachable))
    if left:
        assert server.outage is not None
        failed = [look for look in server.looks["a"] if any(begin <= look < over for begin, over in spans)]
        in_a_row = [look for look in failed if not any(look < fine for fine in server.looks["a"] if fine not in failed)]
        assert in_a_row[-1] - in_a_row[0] > unreachable
    else:
        assert server.seen["a"] >= end


def test_the_first_look_may_be_at_once() -> None:
    turned = TurnedClock()
    looks: list[float] = []

    def is_done(_thing: str) -> bool:
        looks.append(turned.moment - 1000)
        return len(looks) == 2

    wait_for(["a"], is_done, PACE, turned.clock, at_once=True)
    assert looks == pytest.approx([0, PACE.min_pause])


def test_what_is_hopeless_is_not_waited_for() -> None:
    turned = TurnedClock()

    def is_done(_thing: str) -> bool:
        raise Outage("its certificate is not trusted", is_permanent=True)

    with pytest.raises(WaitTimeout) as raised:
        wait_for(["a", "b"], is_done, PACE, turned.clock)
    assert raised.value.left == ["a", "b"]
    assert turned.pauses == pytest.approx([PACE.min_pause])
