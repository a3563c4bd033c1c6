# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of folders with a date in them: the moment that a name gives, and the name without the date.

A name that may mean one date or another, or a date and something else, is refused. If it were taken for the name of a
feed, each night would be a feed of its own, and an old state could come after a new one.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput

OLDEST = 1970  # the first year of a date; 12345678 is a number
_DAY = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d\d)\2(\d\d)", re.ASCII)
_TIME = re.compile(r"[Tt _.-]?(\d\d)([:_.-]?)(\d\d)(?:\2(\d\d))?Z?(?!\d)", re.ASCII)
_NUMBER = re.compile(r"[Tt]?[ _.:+-]*\d+(?![^\W_])", re.ASCII)
_BEFORE, _BEHIND = " _.:+-([", " _.:+-)]"  # what may stand between a date and the rest of a name


@dataclass(frozen=True)
class DatedName:
    """The moment in a name with a date, and the rest of the name, which may be empty.

    The moment has no time zone. For a day without a time it is the beginning of that day.
    """

    rest: str
    moment: datetime


def parse_dated_name(name: str) -> DatedName | None:
    """The moment in a name and the rest of it; None without a date. Raises `BadInput` if the date is not clear."""
    found = [day for day in _DAY.finditer(name) if int(day[1]) >= OLDEST]
    days = [day for day in found if _moment(day) is not None]
    for day in found:
        if day not in days and day[2]:  # eight digits may be any number
            raise BadInput(f"There is no such day as {day.group()}. Rename the folder.")
    if not days:
        return None
    if len(days) > 1:
        raise BadInput(f"There are two dates in its name, {days[0].group()} and {days[1].group()}. Leave one in it.")
    (day,) = days
    time = _TIME.match(name, day.end())
    moment, end = _moment(day, time), (time or day).end()
    if moment is None:
        moment, end = _moment(day), day.end()
    if moment is None or _NUMBER.match(name, end):
        raise BadInput(
            f"What is behind the date {day.group()} in its name is no time of the day. Write a time as in"
            " 2026-11-25T0300, and any other number before the date."
        )
    return DatedName(_joined(name[: day.start()], name[end:]), moment)


def short_time(moment: datetime) -> str:
    """A moment for people, without what is zero at its end."""
    text = moment.isoformat(" ", "seconds" if moment.second else "minutes")
    return text.removesuffix(" 00:00")


def _moment(day: re.Match[str], time: re.Match[str] | None = None) -> datetime | None:
    """The moment of a day, or of a time on it; None if there is no such day or time."""
    hour, minute, second = (int(part or 0) for part in time.group(1, 3, 4)) if time is not None else (0, 0, 0)
    try:
        return datetime(int(day[1]), int(day[3]), int(day[4]), hour, minute, second)
    except ValueError:
        return None


def _joined(before: str, behind: str) -> str:
    """A name made of the parts before and behind a date."""
    left, right = before.rstrip(_BEFORE), behind.lstrip(_BEHIND)
    if not (left and right):
        return left or right
    return f"{left}{before[len(left) :][:1] or behind[:1]}{right}"
