# SPDX-License-Identifier: GPL-3.0-or-later
"""What each license server holds, and how an import changes it by its merge policy.

No reachable page says what the merge policies do: all of that is a guess by their names (FACTS section A.3). The data
lie in a file, so that memory does not grow with the logs.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from .flexnet import USAGE, Denial, Line, Session

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
            for table in ("event", "line", "import"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 (named here)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def stage(self, server: int, name: str, events: Iterable[Session | Denial | Line], kinds: set[str]) -> None:
        """Lay the events, and lines, of the wanted kinds ready for a merge, under a name. May run in another thread."""
        with self._lock:
            self._db.execute("INSERT INTO import (name, server, held) VALUES (?, ?, 0)", (name, server))
            number = self._number(name)
        wanted = (event for event in events if event.kind in kinds)
        while block := list(islice(wanted, 5000)):
            lines = [_line_row(number, event) for event in block if isinstance(event, Line)]
            others = [_row(number, event) for event in block if not isinstance(event, Line)]
            with self._lock:
                self._db.execute("BEGIN")
                self._db.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", others)
                self._db.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", lines)
                self._db.execute("COMMIT")

    def drop(self, name: str) -> None:
        """Forget what was staged under a name, unless it was merged."""
        with self._lock:
            for table in ("event", "line"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE import IN"  # noqa: S608 (named here)
                    " (SELECT number FROM import WHERE name = ? AND held = 0)",
                    (name,),
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

    def lines(self, server: int) -> list[tuple[str, str, int]]:
        """Moment and text of each line that was kept, and how often the server holds it."""
        query = "SELECT at, text, COUNT(*) FROM held_line WHERE server = ? GROUP BY at, text ORDER BY at, text"
        with self._lock:
            return [(str(_moment(at)), text, count) for at, text, count in self._db.execute(query, (server,))]

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
        query = (
            "DELETE FROM line WHERE rowid IN (SELECT row FROM held_line"  # noqa: S608 (as above)
            f" WHERE server = ? AND kind IN {_one_of(kinds)} AND at >= ? AND at < ?)"
        )
        self._db.execute(query, (server, *sorted(kinds), _seconds(span.begin), _seconds(span.end)))

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
        self._db.execute("DELETE FROM line WHERE import = ? AND (at < ? OR at >= ?)", (number, begin, end))


def whole_range(first: datetime, last: datetime, begin: datetime | None, end: datetime | None) -> Range:
    """The range of an import: from `begin` to `end` where given, else all of a log that goes from `first` to `last`.

    That the second which `end` names is in it is a guess.
    """
    return Range(begin or first, (end or last) + timedelta(seconds=1))


_SCHEMA = """
CREATE TABLE IF NOT EXISTS import (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, server INT, held INT);
CREATE TABLE IF NOT EXISTS event (import INT, kind TEXT, feature TEXT, first INT, last INT, licenses INT);
CREATE TABLE IF NOT EXISTS line (import INT, kind TEXT, at INT, text TEXT);
CREATE INDEX IF NOT EXISTS by_import ON event (import);
CREATE INDEX IF NOT EXISTS line_by_import ON line (import);
CREATE VIEW IF NOT EXISTS held AS
  SELECT event.rowid AS row, server, kind, feature, first, last, licenses
  FROM import JOIN event ON import = number WHERE held = 1;
CREATE VIEW IF NOT EXISTS held_line AS
  SELECT line.rowid AS row, server, kind, at, text FROM import JOIN line ON import = number WHERE held = 1;
"""

_EPOCH = datetime(1970, 1, 1)


def _seconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _row(number: int, event: Session | Denial) -> tuple[int, str, str, int, int, int]:
    first, last = (event.begin, event.end) if isinstance(event, Session) else (event.at, event.at)
    return number, event.kind, event.feature, _seconds(first), _seconds(last), event.licenses


def _line_row(number: int, line: Line) -> tuple[int, str, int, str]:
    return number, line.kind, _seconds(line.at), line.text


def _within(server: int, kinds: set[str], span: Range) -> tuple[str, tuple[int | str, ...]]:
    begin, end = _seconds(span.begin), _seconds(span.end)
    condition = f"server = ? AND kind IN {_one_of(kinds)} AND first < ? AND (last > ? OR first >= ?)"
    return condition, (server, *sorted(kinds), end, begin, begin)


def _one_of(kinds: set[str]) -> str:
    return f"({', '.join('?' * len(kinds))})"
