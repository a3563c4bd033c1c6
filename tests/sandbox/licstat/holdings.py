# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each license server holds, and how an import changes it by its merge policy.

No reachable page says what the merge policies do: all of that is a guess by their names (FACTS section A.3). The data
lie in a file, so that memory does not grow with the logs.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from .flexnet import Denial, Session

USAGE = "usage"
DENIALS = "denials"
MERGE_POLICIES = ("Reject", "Replace", "Merge", "Leave Tail")


class OverlapError(Exception):
    """Reject: the server already holds data in the range of what is to be imported."""


@dataclass(frozen=True)
class Range:
    """A span of time that includes its begin and not its end (guess; windows that meet then do not overlap)."""

    begin: datetime
    end: datetime


@dataclass
class FeatureTotals:
    """What a license server holds about one feature."""

    sessions: int = 0
    seconds: int = 0
    """License seconds: a session of two licenses counts twice."""
    denials: int = 0
    """Requests turned down, however many licenses each was for."""


class Holdings:
    """The data of all license servers. An import is staged, which is slow, and then merged, which is one step."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # What is lost in a crash is lost: nothing is read back at the next start.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._db.execute("DELETE FROM event")
            self._db.execute("DELETE FROM import")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def stage(self, server: int, name: str, events: Iterable[Session | Denial], kinds: set[str]) -> None:
        """Lay the events of the wanted kinds ready for a merge, under a name. May run in another thread."""
        with self._lock:
            self._db.execute("INSERT INTO import (name, server, held) VALUES (?, ?, 0)", (name, server))
            number = self._number(name)
        rows = _rows(number, events, kinds)
        while block := list(islice(rows, 5000)):
            with self._lock:
                self._db.execute("BEGIN")
                self._db.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", block)
                self._db.execute("COMMIT")

    def drop(self, name: str) -> None:
        """Forget what was staged under a name, unless it was merged."""
        with self._lock:
            self._db.execute(
                "DELETE FROM event WHERE import IN (SELECT number FROM import WHERE name = ? AND held = 0)", (name,)
            )

    def overlaps(self, server: int, kinds: set[str], span: Range) -> bool:
        """Whether the server holds data of these kinds within the span."""
        with self._lock:
            return self._overlaps(server, kinds, span)

    def merge(self, server: int, name: str, kinds: set[str], span: Range, policy: str) -> None:
        """Make what was staged part of what the server holds; OverlapError if the policy forbids it.

        Only what lies in the span counts; a session that reaches beyond it is cut (guess).
        """
        with self._lock:
            if policy == "Reject" and self._overlaps(server, kinds, span):
                raise OverlapError
            if policy == "Replace":
                self._delete(server, kinds, span)
            if policy == "Leave Tail":
                span = Range(span.begin, min(span.end, self._begin_of_data(server, kinds) or span.end))
            self._cut(self._number(name), span)
            self._db.execute("UPDATE import SET held = 1 WHERE name = ?", (name,))

    def totals(self, server: int) -> dict[str, FeatureTotals]:
        """Per feature, by name."""
        totals: dict[str, FeatureTotals] = {}
        query = (
            "SELECT feature, kind, COUNT(*), SUM(licenses * (last - first)) FROM held"
            " WHERE server = ? GROUP BY feature, kind ORDER BY feature"
        )
        with self._lock:
            for feature, kind, count, seconds in self._db.execute(query, (server,)):
                entry = totals.setdefault(feature, FeatureTotals())
                if kind == USAGE:
                    entry.sessions, entry.seconds = count, seconds
                else:
                    entry.denials = count
        return totals

    def time_range(self, server: int) -> tuple[datetime, datetime] | None:
        """First and last moment of which the server holds data; None if it holds none."""
        with self._lock:
            query = "SELECT MIN(first), MAX(last) FROM held WHERE server = ?"
            first, last = self._db.execute(query, (server,)).fetchone()
        return None if first is None else (_moment(first), _moment(last))

    def _number(self, name: str) -> int:
        return int(self._db.execute("SELECT number FROM import WHERE name = ?", (name,)).fetchone()[0])

    def _overlaps(self, server: int, kinds: set[str], span: Range) -> bool:
        condition, values = _within(server, kinds, span)
        query = f"SELECT 1 FROM held WHERE {condition} LIMIT 1"  # noqa: S608 (placeholders only)
        return self._db.execute(query, values).fetchone() is not None

    def _delete(self, server: int, kinds: set[str], span: Range) -> None:
        """Delete what lies in the span. A session that only reaches into it is deleted whole (guess)."""
        condition, values = _within(server, kinds, span)
        query = f"DELETE FROM event WHERE rowid IN (SELECT row FROM held WHERE {condition})"  # noqa: S608 (as above)
        self._db.execute(query, values)

    def _begin_of_data(self, server: int, kinds: set[str]) -> datetime | None:
        condition = f"server = ? AND kind IN {_one_of(kinds)}"
        query = f"SELECT MIN(first) FROM held WHERE {condition}"  # noqa: S608 (placeholders only)
        (first,) = self._db.execute(query, (server, *sorted(kinds))).fetchone()
        return None if first is None else _moment(first)

    def _cut(self, number: int, span: Range) -> None:
        begin, end = _seconds(span.begin), _seconds(span.end)
        self._db.execute(
            "DELETE FROM event WHERE import = ? AND (first >= ? OR (first < ? AND last <= ?))",
            (number, end, begin, begin),
        )
        self._db.execute(
            "UPDATE event SET first = MAX(first, ?), last = MIN(last, ?) WHERE import = ? AND (first < ? OR last > ?)",
            (begin, end, number, begin, end),
        )


def whole_range(first: datetime, last: datetime, begin: datetime | None, end: datetime | None) -> Range:
    """The range of an import: from `begin` to `end` where given, else all of a log that goes from `first` to `last`."""
    return Range(begin or first, end or last + timedelta(seconds=1))


_SCHEMA = """
CREATE TABLE IF NOT EXISTS import (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, server INT, held INT);
CREATE TABLE IF NOT EXISTS event (import INT, kind TEXT, feature TEXT, first INT, last INT, licenses INT);
CREATE INDEX IF NOT EXISTS by_import ON event (import);
CREATE VIEW IF NOT EXISTS held AS
  SELECT event.rowid AS row, server, kind, feature, first, last, licenses
  FROM import JOIN event ON import = number WHERE held = 1;
"""

_EPOCH = datetime(1970, 1, 1)


def _seconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _rows(
    number: int, events: Iterable[Session | Denial], kinds: set[str]
) -> Iterator[tuple[int, str, str, int, int, int]]:
    for event in events:
        if isinstance(event, Session):
            kind, first, last = USAGE, event.begin, event.end
        else:
            kind, first, last = DENIALS, event.at, event.at
        if kind in kinds:
            yield number, kind, event.feature, _seconds(first), _seconds(last), event.licenses


def _within(server: int, kinds: set[str], span: Range) -> tuple[str, tuple[int | str, ...]]:
    begin, end = _seconds(span.begin), _seconds(span.end)
    condition = f"server = ? AND kind IN {_one_of(kinds)} AND first < ? AND (last > ? OR first >= ?)"
    return condition, (server, *sorted(kinds), end, begin, begin)


def _one_of(kinds: set[str]) -> str:
    return f"({', '.join('?' * len(kinds))})"
