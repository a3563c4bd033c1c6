# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed at each of its points, one after the other, and a look each time at what is there then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ..sandbox.handle import Sandbox
from .crashing import Crash

Scene = TypeVar("Scene")


def kill_at_each(
    numbers: Iterable[int],
    whole: Crash,
    run: Callable[[str, int], tuple[Scene, Crash]],
    look: Callable[[Scene, Crash], None],
    *,
    is_steady: bool = True,
) -> None:
    """Kill a run at each of these points, counted from 1, of all those that it came to when it went to its end.

    `run` makes everything anew, under a name of its own, and runs it to the point of that number. `look` tells whether
    the next runs make it good. A run that is not steady looks at an import as often as there is time.
    """
    for number in numbers:
        scene, crash = run(str(number), number)
        where = f"killed at point {number} of {len(whole.points)}, {whole.points[number - 1]}"
        assert crash.was_killed, where
        assert not is_steady or crash.points == whole.points[:number], (
            f"{where}: the points are not the same at every run"
        )
        try:
            look(scene, crash)
        except AssertionError as error:
            raise AssertionError(where) from error


def first(crash: Crash, *beginnings: str) -> int:
    """The number of the first point that begins so."""
    return next(number for number, point in enumerate(crash.points, 1) if point.startswith(beginnings))


def last_block(crash: Crash) -> str:
    """The point at which an upload has left as a whole, "none" if there was none."""
    return next((point for point in reversed(crash.points) if point.startswith("after import block")), "none")


def wait_for_the_rest(sandbox: Sandbox, crash: Crash, before: int = 0) -> None:
    """Wait until the sandbox has done all that it was sent before the kill, which it may not have read yet.

    `before`: how many requests there were before the run.
    """
    sent = before + sum(point.endswith(" block 1") and "after " in point for point in crash.points)
    if sent:
        sandbox.wait_for("begun", count=sent)
    sandbox.wait_idle()


def moments(crash: Crash, begin: int | None = None) -> list[int]:
    """The numbers of the points that are moments of their own, from a point on: the claim, or the first without one.

    What comes before a statement, block or answer is the same moment as what came after the one before it.
    """
    if begin is None:
        begin = first(crash, "before claim") if crash.came_to("before claim") else 1
    later = enumerate(crash.points[begin:], begin + 1)
    return [begin, *(number for number, point in later if not point.rpartition(": ")[2].startswith("before "))]
