# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's clock, with a real clock that the test turns."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.sandbox.clock import Clock


class Real:
    """A clock that a test turns."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_runs_at_its_speed() -> None:
    real = Real()
    clock = Clock(speed=20, real=real)
    real.seconds += 2
    assert clock.now() == 40


def test_changing_the_speed_keeps_what_has_passed() -> None:
    real = Real()
    clock = Clock(speed=10, real=real)
    real.seconds += 1
    clock.set_speed(0)
    real.seconds += 1000
    assert clock.now() == 10
    clock.set_speed(1)
    real.seconds += 5
    assert clock.now() == 15


def test_steps_while_it_stands_still() -> None:
    clock = Clock(speed=0, real=Real())
    clock.step(3600)
    assert clock.now() == 3600
    assert clock.date() - clock.date(0) == timedelta(hours=1)
    assert clock.utc() - clock.utc(-60) == timedelta(hours=1, minutes=1)


def test_local_date_and_utc_are_the_same_moment() -> None:
    clock = Clock(speed=0, real=Real())
    assert clock.utc().tzname() == "UTC"
    assert clock.utc().astimezone().replace(tzinfo=None) == clock.date()


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_never_goes_back(value: float) -> None:
    clock = Clock(speed=1, real=Real())
    with pytest.raises(ValueError, match="negative"):
        clock.step(value)
    with pytest.raises(ValueError, match="negative"):
        clock.set_speed(value)


def test_its_date_can_be_set_also_back() -> None:
    real = Real()
    clock = Clock(speed=1, real=real)
    real.seconds += 60
    clock.set_date(datetime(2001, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))))
    assert clock.utc() == datetime(2001, 2, 3, 2, 5, tzinfo=timezone.utc)
    real.seconds += 60
    assert clock.utc() == datetime(2001, 2, 3, 2, 6, tzinfo=timezone.utc)
    assert clock.now() == 120  # the seconds go on as if nothing had happened
    with pytest.raises(ValueError, match="zone"):
        clock.set_date(datetime(2001, 2, 3, 4, 5))


@pytest.mark.parametrize("moved", ["set", "stepped", "ran"])
def test_a_reset_brings_the_real_date_back(moved: str) -> None:
    real = Real()
    clock = Clock(speed=1000, real=real)
    if moved == "set":
        clock.set_date(datetime(2001, 2, 3, tzinfo=timezone.utc))
    elif moved == "stepped":
        clock.step(40 * 86400)
    else:
        real.seconds += 3600
    clock.reset(speed=0)
    assert abs(clock.utc() - datetime.now(timezone.utc)) < timedelta(minutes=5)
    assert clock.speed == 0
