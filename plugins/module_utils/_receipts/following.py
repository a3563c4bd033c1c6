# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a store: each outcome that is written in it, once and in order, across restarts of the follower.

A file, the cursor, keeps where the follower is: the number of an outcome up to which all were delivered, and which of
those after it were. So an outcome with a lower number than the last one is noticed, too. There are such outcomes where
the newest receipts were forgotten, or the store was replaced, and a clock was set back. The store is only read, never
made.

A run that died has written no outcome. What its attempts are for the next run is delivered at once, and not once more
when that run writes it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, parse_time
from ansible_collections.assetops.imports.plugins.module_utils._files.replacing import replace_file
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NoStoreYet, is_url, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import LIVE_STATES, OUTCOME_OF_DEAD_RUN
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import placeholders

REMEMBERED = 100  # outcomes that a cursor remembers one by one
AT_ONCE = 200  # imports that are described by one query


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt. `number` is its place in the order of all; None where no run wrote it yet."""

    key: str
    attempt: int
    state: str
    message: str
    number: int | None = None
    finished_at: str | None = None

    @property
    def attempt_id(self) -> str:
        return f"{self.key}/{self.attempt}"

    @property
    def id(self) -> str:
        return f"{self.attempt_id}/{self.state}"


@dataclass
class Cursor:
    """Where a follower is. `since`: all outcomes up to this number were delivered; None: it has not begun.

    `delivered` are the attempts of those delivered after it, by number. `of_dead_runs` are states that were delivered
    before a run wrote them, by attempt.
    """

    path: Path
    since: int | None = None
    delivered: dict[int, str] = field(default_factory=dict)
    of_dead_runs: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Cursor:
        """The cursor in a file; one that has not begun where there is none. Raises `BadInput`."""
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            delivered = {int(number): str(of) for number, of in known["delivered"].items()}
            return cls(path, int(known["since"]), delivered, dict(known["of_dead_runs"]))
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            raise BadInput(f"The cursor {path} cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(
                f"{path} is not a cursor that this release wrote. Put it back from a backup, or remove it: then start"
                " says where to begin."
            ) from error

    def was_delivered(self, outcome: Outcome) -> bool:
        if outcome.number is None:
            return outcome.attempt_id in self.of_dead_runs
        return outcome.number <= (self.since or 0) or self.delivered.get(outcome.number) == outcome.attempt_id

    def was_delivered_early(self, outcome: Outcome) -> bool:
        """Whether it was delivered when the run died, before it was written."""
        return outcome.number is not None and self.of_dead_runs.get(outcome.attempt_id) == outcome.state

    def forget_dead_runs_except(self, attempt_ids: set[str]) -> None:
        """Forget what was delivered early of all other attempts."""
        self.of_dead_runs = {one: state for one, state in self.of_dead_runs.items() if one in attempt_ids}

    def note(self, outcome: Outcome) -> None:
        """Note that an outcome was delivered."""
        if outcome.number is None:
            self.of_dead_runs[outcome.attempt_id] = outcome.state
            return
        self.of_dead_runs.pop(outcome.attempt_id, None)
        self.delivered[outcome.number] = outcome.attempt_id
        while len(self.delivered) > REMEMBERED:
            self.since = min(self.delivered)
            del self.delivered[self.since]

    def save(self) -> None:
        """Write it to its file. Raises OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = {"since": self.since, "delivered": self.delivered, "of_dead_runs": self.of_dead_runs}
        replace_file(self.path, [json.dumps(state)])


class Follower:
    """Follows the store at a location, within one thread."""

    def __init__(self, location: str, password: str | None, cursor: Cursor, *, from_the_beginning: bool) -> None:
        """Opens nothing yet. Raises `StoreError` where the package for such a store is missing."""
        if is_url(location):
            # Only then, as not everybody has this package.
            from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import import_psycopg

            import_psycopg()
        self._location = location
        self._password = password
        self._cursor = cursor
        self._from_the_beginning = from_the_beginning
        self._store: Store | None = None
        self._descriptor: int | None = None

    def poll(self) -> list[Outcome]:
        """The outcomes that were not delivered yet, in order. Raises `StoreError`; then it can be tried again.

        A store that does not exist has none.
        """
        if self._store is not None and not self._store.is_shared:
            self.close()  # the file at that path may be another one by now
        try:
            store = self._opened()
            self._descriptor = store.listen()
            found = self._found(store)
        except NoStoreYet:
            self._begin([])
            return []
        except BaseException:
            self.close()
            raise
        return self._begin(found) if self._cursor.since is None else found

    def descriptor(self) -> int | None:
        """A file descriptor that can be read once something happened since the last poll; None if there is none."""
        return self._descriptor

    def describe(self, outcomes: list[Outcome]) -> list[dict[str, Any] | None]:
        """The imports whose outcomes these are, for people and rules. Raises `StoreError`.

        None for one that needs no delivery: it was delivered when its run died, or the import is forgotten by now.
        """
        rows: dict[tuple[str, int], Any] = {}
        keys = list(dict.fromkeys(outcome.key for outcome in outcomes))
        for row in self._opened().read(_DESCRIBE.format(placeholders(keys)), keys):
            rows[row["key"], row["attempt"]] = row
        return [
            None
            if self._cursor.was_delivered_early(outcome)
            else _describe(outcome, rows.get((outcome.key, outcome.attempt)))
            for outcome in outcomes
        ]

    def close(self) -> None:
        self._descriptor = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self._location, password=self._password, read_only=True, required=True)
        return self._store

    def _begin(self, found: list[Outcome]) -> list[Outcome]:
        """Begin to follow, unless that was done. Returns which of the outcomes that are there are to be delivered."""
        if self._cursor.since is None:
            self._cursor.since = 0
            if not self._from_the_beginning:
                for outcome in found:
                    self._cursor.note(outcome)
                found = []
            try:
                self._cursor.save()
            except OSError as error:
                self._cursor.since = None
                raise BadInput(f"The cursor {self._cursor.path} cannot be written: {error.strerror}.") from error
        return found

    def _found(self, store: Store) -> list[Outcome]:
        # In this order: what a run writes in between is among the outcomes.
        unended = store.read(_UNENDED)
        dead = _of_dead_runs(store, unended)
        written = [outcome for row in store.read(_WRITTEN, (self._cursor.since or 0,)) for outcome in _outcomes(row)]
        written = [outcome for outcome in written if not self._cursor.was_delivered(outcome)]
        written.sort(key=lambda outcome: outcome.number or 0)
        ended = {outcome.attempt_id for outcome in written}
        self._cursor.forget_dead_runs_except({f"{row['key']}/{row['attempt']}" for row in unended} | ended)
        return written + [one for one in dead if one.attempt_id not in ended and not self._cursor.was_delivered(one)]


def _of_dead_runs(store: Store, unended: list[Any]) -> list[Outcome]:
    """The outcomes of those attempts whose run died."""
    receipts = store.find([row["key"] for row in unended])
    found = []
    for row in unended:
        receipt = receipts.get(row["key"])
        # Its version is that of the attempt that is under way, also where the rest is of an earlier one.
        if receipt is None or receipt.version != (row["attempt"], row["state"]):
            continue
        if receipt.owner is None or not receipt.owner.is_alive:
            found.append(Outcome(row["key"], int(row["attempt"]), *OUTCOME_OF_DEAD_RUN[row["state"]]))
    return found


def _outcomes(row: Any) -> list[Outcome]:
    lines = [json.loads(line) for line in row["outcomes"].splitlines()]
    return [Outcome(row["key"], int(row["attempt"]), **line) for line in lines]


def _describe(outcome: Outcome, row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    seconds = None
    if outcome.finished_at is not None:
        seconds = (parse_time(outcome.finished_at) - parse_time(row["started_at"])).total_seconds()
    server = row["target"].partition(" ")[0]
    return {
        "id": outcome.id,
        **{name: row[name] for name in ("system", "target", "label", "source", "size", "remote_id", "started_at")},
        **{name: getattr(outcome, name) for name in ("key", "attempt", "state", "message", "finished_at")},
        "period": row["period"] and json.loads(row["period"]),
        "duration": seconds,
        "url": server if server.startswith(("http://", "https://")) else None,
    }


_UNENDED = f"SELECT key, attempt, state FROM attempts WHERE state IN {LIVE_STATES} ORDER BY started_at, key"
_WRITTEN = "SELECT key, attempt, outcomes FROM attempts WHERE last_outcome > ?"
_DESCRIBE = """
SELECT receipts.system, receipts.target, attempts.key, attempts.attempt, attempts.label, attempts.source, attempts.size,
       attempts.remote_id, attempts.started_at, attempts.period
FROM attempts JOIN receipts ON receipts.key = attempts.key WHERE attempts.key IN ({})
"""
