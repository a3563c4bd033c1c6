# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one wait loop, for many things that finish in their own time.

Clock and sleep come from outside, so that hours pass at once in tests.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Outage

T = TypeVar("T")


@dataclass(frozen=True)
class WaitOptions:
    """How long and how often to poll, in seconds.

    The pause is a tenth of the time waited so far, at least `min_pause` and at most `max_pause`. So an end is seen late
    by a twentieth of the duration on average, and a long wait needs few polls.
    """

    timeout: float
    max_pause: float
    unreachable_timeout: float
    min_pause: float = 0.2

    def pause(self, waited: float) -> float:
        return max(min(waited / 10, self.max_pause), min(self.min_pause, self.max_pause))


@dataclass(frozen=True)
class Clock:
    """Where time comes from: a monotonic clock in seconds, a way to let it pass, and the time of day since 1970."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time


class WaitTimeout(Exception, Generic[T]):
    """The wait ended before everything was done. `left`: what was not. `outage`: why nothing could be asked, if so."""

    def __init__(self, left: list[T], outage: Outage | None) -> None:
        super().__init__("the wait ended early")
        self.left = left
        self.outage = outage


def wait_for(
    things: Iterable[T], is_done: Callable[[T], bool], pace: WaitOptions, clock: Clock, *, at_once: bool = False
) -> None:
    """Poll each thing until it is done. The first poll is after a pause or `at_once`, the last one at the deadline.

    `is_done` polls, and may raise `Outage`. Then it is tried again, until it has failed for `unreachable_timeout`
    without a success in between. Raises `WaitTimeout` with what was not done by then, or by the deadline.
    """
    start = clock.now()
    deadline = start + pace.timeout
    first = start if at_once else start + pace.pause(0)
    queue = [(first, number, thing) for number, thing in enumerate(things)]
    left: list[T] = []
    last_outage: Outage | None = None
    outage_since: float | None = None
    while queue:
        due, number, thing = heapq.heappop(queue)
        _sleep_until(min(due, deadline), clock)
        asked = clock.now()
        is_last_poll = asked >= deadline
        try:
            done = is_done(thing)
            outage_since = None
        except Outage as outage:
            done = False
            is_over = is_last_poll and outage_since is not None  # it was away before: asking for the others is no use
            outage_since = asked if outage_since is None else outage_since
            if outage.is_permanent or is_over or clock.now() - outage_since > pace.unreachable_timeout:
                raise WaitTimeout([*left, thing, *_things(queue)], outage) from outage
            last_outage = outage if is_last_poll else None
        if not done and is_last_poll:
            left.append(thing)
        elif not done:
            now = clock.now()
            heapq.heappush(queue, (now + pace.pause(now - start), number, thing))
    if left:
        raise WaitTimeout(left, last_outage)


def _sleep_until(moment: float, clock: Clock) -> None:
    pause = moment - clock.now()
    if pause > 0:
        clock.sleep(pause)


def _things(queue: list[tuple[float, int, T]]) -> list[T]:
    """What is in the queue, in the original order."""
    return [thing for _due, _number, thing in sorted(queue, key=lambda entry: entry[1])]
