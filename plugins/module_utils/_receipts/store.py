# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receipts: what is known of every import, and who is at work on it, in a database.

A receipt says what an import is; its attempts say what was tried and what came of it. `receipts.attempt` names the
attempt whose outcome counts, `attempts.sent` is the order in which attempts came to their commit point, and
`attempts.outcomes` are all the outcomes of one, as `outcomes` has them. A run that is at work has a row in `runs` with
a lease that a thread renews, so that its death is noticed: by its process at once, where that can be seen, otherwise
when the lease ends. Leases go by the clock that all runs of a store share: that of the host since boot for a file, that
of the server for PostgreSQL. The latter may be set, so there a lease that looks over is watched for as long as a
renewal may take, before anybody takes over.

Every change is one short transaction, the only one at its time, that compares what it is about to replace, so that of
two runs only one gets its way. Where the connection is lost, the change is made again over a new one, whether or not
it had been made: each is such that making it twice is making it once.

What a database has of its own is in `sqlite` and `postgresql`; here it is a `Database`, spoken to
in the SQL that both know, with question marks for values, `clock()` for the seconds since 1970, and `announce()` that
wakes those who wait for outcomes.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Callable, TypeVar

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Period,
    StalePlan,
    StoreError,
    Wanted,
    identity_of,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease, processes, statements
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Database, Execute, store_errors
from ansible_collections.assetops.imports.plugins.module_utils._receipts.outcomes import note_outcome
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import (
    AT_WORK,
    ENDS,
    FINAL,
    IN_PLACE,
    OUTCOMES,
    DatedState,
    Owner,
    Receipt,
    Window,
    Windows,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import (
    chunks,
    escape_unstorable,
    placeholders,
    to_json,
)

T = TypeVar("T")
PATIENCE = 30.0  # seconds that a run waits, once, for a database that went away
PAUSE = 0.5  # seconds between two tries to reach it
LAST = 2**62  # greater than any `sent`
LONGEST_PATH = 2000  # bytes; an index of PostgreSQL takes not much more


class Store:
    """One receipt store, used by one run. `created` tells whether this run made it."""

    def __init__(self, database: Database, *, created: bool, read_only: bool) -> None:
        self.location = database.location
        self.is_shared = database.is_shared
        self.created = created
        self.read_only = read_only
        self._database = database
        self._run = os.urandom(16).hex()
        self._lease: lease.Lease | None = None
        self._dead: set[str] = set()  # runs that were watched and renewed no lease
        self._wait_until: float | None = None  # how long a database is waited for that is away; None while it is there
        self._host = f"{socket.gethostname()}:" if database.is_shared else ""  # whose files it knows the digests of

    def find(self, keys: list[str]) -> dict[str, Receipt]:
        """The receipts of these keys, as far as there are any."""
        found = {}
        for some in chunks(keys):
            rows = self.read(statements.FIND.format(placeholders(some)), some)
            if self._watched(rows):
                rows = self.read(statements.FIND.format(placeholders(some)), some)
            for row in rows:
                found[row["key"]] = self.receipt(row)
        return found

    def in_stream(self, receipt: Receipt, stream: str) -> Receipt | None:
        """What is known of an import in another stream than that of the attempt that counts; None: nothing.

        Its version is that of the receipt: an import is claimed for all streams.
        """
        found = self.read(statements.IN_STREAM, (receipt.key, stream))
        last = next(iter(found), None)
        if last is not None and last["state"] in ("claimed", "failed"):  # what came to nothing leaves what was before
            last = next((row for row in found if row["state"] in IN_PLACE), last)
        return None if last is None else _receipt(last, receipt.version, self.owner(last))

    def windows_of(self, target: str) -> Windows:
        """What is known of the time ranges of a target that were, or may have been, imported."""
        rows = self.read(statements.WINDOWS_OF, (target, statements.A_WINDOW))
        if self._watched(rows):
            rows = self.read(statements.WINDOWS_OF, (target, statements.A_WINDOW))
        found = tuple(Window(json.loads(row["options"]), self.receipt(row)) for row in rows)
        return Windows(found, _basis(rows))

    def check_that_it_can_be_written(self) -> None:
        """Raise `StoreError` where a claim could not be written, for what only tells what would be done."""
        with store_errors(self._database, "read"):
            self._persistently(lambda _is_again: self._database.check_that_it_can_be_written())

    def newest_of(self, stream: str, key: str = "") -> tuple[str, int] | None:
        """The key and attempt of the import that was the last to (perhaps) change this stream's target.

        One that failed after the server had accepted it may have changed it, too; but where that is of this `key`, what
        was imported by it before stands.
        """
        rows = self.read(statements.NEWEST, (stream, key))
        return (str(rows[0]["key"]), int(rows[0]["attempt"])) if rows else None

    def states_of(self, stream: str) -> dict[datetime, DatedState]:
        """The dated states of a stream that came to their commit point, by their moments.

        Of one that did not change for a while, they are the first and the last moment of that while.
        """
        return _states(self.read(statements.STATES_OF, (stream,)))

    def extend_period(self, key: str, attempt: int, moment: datetime) -> Mapping[str, str]:
        """Note that an import is the state of a later moment, too. Returns from when to when it is, by now."""

        def write(execute: Execute, _is_again: bool) -> Mapping[str, str]:
            row = execute("SELECT period FROM attempts WHERE key = ? AND attempt = ?", (key, attempt)).fetchone()
            period = Period(moment, moment).as_result()
            if row is not None and row["period"]:
                known = json.loads(row["period"])
                period = {"first": min(known["first"], period["first"]), "last": max(known["last"], period["last"])}
            execute("UPDATE attempts SET period = ? WHERE key = ? AND attempt = ?", (to_json(period), key, attempt))
            return period

        return self.write(write)

    def claim(
        self,
        wanted: Wanted,
        seen: Receipt | None,
        now: str,
        notes: Mapping[str, Any] | None = None,
        *,
        label: str | None = None,
        period: Period | None = None,
    ) -> int | None:
        """Begin an attempt, as its owner, if the receipt is still as it was `seen`. Returns its number, else None.

        `notes` are what an attempt before noted, for this one to go on from. Raises `StalePlan` where what the import
        was planned by holds no longer.
        """

        def write(execute: Execute, is_again: bool) -> int | None:
            number, is_new = self._begin(execute, wanted, seen, now, is_again=is_again)
            if number is not None and is_new:
                self._put_attempt(execute, wanted, number, now, notes or {}, label, period)
                if self._lease is None:
                    values = (self._run, *processes.here(), lease.LEASE)
                    execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, clock() + ?)", values)
            return number

        number = self.write(write)
        if number is not None and self._lease is None:
            self._lease = lease.Lease(self._run, self._database)
        return number

    def adopt(
        self,
        wanted: Wanted,
        seen: Receipt | None,
        now: str,
        *,
        state: str,
        message: str,
        label: str | None = None,
        period: Period | None = None,
    ) -> int | None:
        """Write an import down as one that ended in this state, in one step. Otherwise as `claim`."""

        def write(execute: Execute, is_again: bool) -> int | None:
            number, is_new = self._begin(execute, wanted, seen, now, is_again=is_again)
            if number is not None and is_new:
                self._put_attempt(execute, wanted, number, now, {}, label, period)
                execute(statements.ADOPT, (state, escape_unstorable(message), now, wanted.key, number))
            return number

        return self.write(write)

    def relabel(self, key: str, attempt: int, label: str) -> None:
        """Note the name that the inventory has by now for where an import went."""
        self._update(
            "UPDATE attempts SET label = ? WHERE key = ? AND attempt = ?", (escape_unstorable(label), key, attempt)
        )

    def note(self, key: str, attempt: int, notes: Mapping[str, Any]) -> bool:
        """Keep what an own attempt came to, for whoever goes on from there. False: the claim was lost."""
        return self._update(
            "UPDATE attempts SET detail = ?, changed_at = ?"
            " WHERE key = ? AND attempt = ? AND run = ? AND state IN ('claimed', 'sent')",
            (to_json({"notes": notes}), now_text(), key, attempt, self._run),
        )

    def withdraw(self, key: str, attempt: int) -> None:
        """Take an own claim back, as if it had never been made."""

        def write(execute: Execute, _is_again: bool) -> None:
            withdrawn = execute(
                "DELETE FROM attempts WHERE key = ? AND attempt = ? AND run = ? AND state = 'claimed'",
                (key, attempt, self._run),
            )
            if withdrawn.rowcount == 1:
                execute(statements.STEP_BACK, (key, key, key))
                execute("DELETE FROM receipts WHERE key = ? AND attempt = 0", (key,))

        self.write(write)

    def high_water_mark(self, target: str) -> int:
        """The place, in the order of commit points, of the last import into a target that has come to it so far."""
        return int(self.read(statements.HIGH_WATER_MARK, (target,))[0]["mark"])

    def supersede(self, target: str, up_to: int | None = None) -> None:
        """Write that nothing that was imported into a target is there any more. `up_to` is a `high_water_mark`.

        What a living run is at is left to it.
        """

        def write(execute: Execute, _is_again: bool) -> None:
            alive = ["", *(owner.run for owner in self._owners(execute(statements.WORK_AT, (target,)).fetchall()))]
            last = LAST if up_to is None else up_to
            execute(statements.SUPERSEDE.format(placeholders(alive)), (now_text(), target, last, *alive))

        self.write(write)

    def in_place(self, target: str) -> list[tuple[str, int]]:
        """The imports into a target that are taken for being there: key and attempt of each."""
        return [(str(row["key"]), int(row["attempt"])) for row in self.read(statements.IN_PLACE_AT, (target,))]

    def supersede_attempts(self, attempts: list[tuple[str, int]]) -> None:
        """Write that these, which were `in_place`, are not there any more."""

        def write(execute: Execute, _is_again: bool) -> None:
            for key, attempt in attempts:
                execute(statements.SUPERSEDE_ONE, (now_text(), key, attempt))

        self.write(write)

    def is_known(self, target: str) -> bool:
        """Whether anything was imported into a target, or may have been."""
        return bool(self.read(statements.KNOWN, (escape_unstorable(target),)))

    def at_work(self, target: str) -> list[Owner]:
        """The living runs that are at an import into a target."""
        return self._owners(self.read(statements.WORK_AT, (target,)))

    def mark_sent(self, key: str, attempt: int, sha256: str | None) -> bool:
        """Note that the last block is about to leave. False: the claim was lost, so it must not."""

        def write(execute: Execute, is_again: bool) -> bool:
            marked = execute(
                "UPDATE attempts SET state = 'sent', content_sha256 = ?, changed_at = ?,"
                " sent = coalesce(sent, (SELECT coalesce(max(sent), 0) + 1 FROM attempts))"
                " WHERE key = ? AND attempt = ? AND run = ? AND state IN ('claimed', ?)",
                (sha256, now_text(), key, attempt, self._run, "sent" if is_again else "claimed"),
            )
            return marked.rowcount == 1

        return self.write(write)

    def record(
        self, key: str, attempt: int, state: str, message: str, *, remote_id: str | None, detail: Mapping[str, Any]
    ) -> str:
        """Write what became of an attempt, unless it was written before. After a failure, an earlier success counts.

        But where a part of what failed may be there (`is_partial` in `detail`), no success of before stands any more.
        Of one that was only known to be scheduled, the outcome may be written later. Returns the time that it notes.
        """
        now = now_text()
        finished = None if state == "submitted" else now
        remote_id = remote_id and escape_unstorable(remote_id)
        values = (state, escape_unstorable(message), remote_id, to_json(detail), now, finished, key, attempt)

        def write(execute: Execute, _is_again: bool) -> None:
            written = execute(
                "UPDATE attempts SET state = ?, message = ?, remote_id = coalesce(?, remote_id), detail = ?,"
                " changed_at = ?, finished_at = ? WHERE key = ? AND attempt = ?"
                f" AND state NOT IN {FINAL if state in OUTCOMES else (*FINAL, 'scheduled')}",
                values,
            )
            if written.rowcount == 1:
                note_outcome(execute, key, attempt)
            if state == "failed" and written.rowcount == 1:
                if detail.get("is_partial"):
                    execute(statements.SUPERSEDE_KEY, (now, key))
                execute(statements.FALL_BACK, (key, key, attempt))

        self.write(write)
        return now

    def note_unknown(self, receipt: Receipt) -> None:
        """Write that the owner of a sent attempt died before it heard the answer, if nothing was heard since."""
        self.write(lambda execute, _is_again: _end_attempt(execute, receipt.key, receipt.attempt, "sent"))

    def recall_digests(self, fingerprints: list[Fingerprint]) -> dict[Fingerprint, str]:
        """The SHA-256 of those files that were digested before and look the same still."""
        wanted = {self._host + fingerprint.path: fingerprint for fingerprint in fingerprints}
        known = {}
        for some in chunks(list(wanted)):
            for row in self.read(statements.DIGESTS.format(placeholders(some)), some):
                fingerprint = wanted[row["path"]]
                if _looks_of(fingerprint) == tuple(row[name] for name in statements.LOOKS):
                    known[fingerprint] = str(row["sha256"])
        return known

    def remember_digests(self, digests: Mapping[Fingerprint, str]) -> None:
        """Keep the SHA-256 of these files. A store that is only read forgets them."""
        if self.read_only:
            return

        def write(execute: Execute, _is_again: bool) -> None:
            for known, sha256 in digests.items():
                if len(known.path.encode("utf-8", "replace")) > LONGEST_PATH:
                    continue
                execute(statements.PUT_DIGEST, (self._host + known.path, *_looks_of(known), sha256))

        self.write(write)

    def close(self) -> None:
        """End the run: what it leaves unfinished is free for the next one at once."""
        if self._lease is not None:
            self._lease.end()
            self._wait_until = time.monotonic()  # not worth waiting for
            with suppress(StoreError):  # the lease ends by itself, and the process id tells sooner
                self._update("DELETE FROM runs WHERE id = ?", (self._run,))
        self._database.close()

    # How it is asked and changed

    def read(self, question: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that answer a question. Raises `StoreError`."""
        with store_errors(self._database, "read"):
            return self._persistently(lambda _is_again: self._database.execute(question, values).fetchall())

    def write(self, change: Callable[[Execute, bool], T]) -> T:
        """Make a change in a transaction; it is handed what executes statements. Raises `StoreError`.

        With true it is told that it may have been made before, as the answer to its commit was lost.
        """

        def in_transaction(is_again: bool) -> T:
            with self._database.transaction():
                return change(self._database.execute, is_again)

        with store_errors(self._database, "written"):
            return self._persistently(in_transaction)

    def receipt(self, row: Any) -> Receipt:
        """The receipt in a row. A claim whose owner died changed nothing: an earlier success counts as before."""
        version = _version(row)
        owner = self.owner(row)
        if row["state"] == "claimed" and not (owner and owner.is_alive):
            row = next(iter(self.read(statements.LAST_IN_PLACE, (row["key"],))), row)
        return _receipt(row, version, owner)

    def owner(self, row: Any) -> Owner | None:
        """The other run that is at work on an attempt, or was when it died."""
        if row["host"] is None or row["run"] == self._run:
            return None
        return Owner(row["run"], row["host"], row["pid"], self._is_alive(row))

    def listen(self) -> int | None:
        """Have outcomes that are written from now on announced here. What can be read once one was; None: nothing."""
        with store_errors(self._database, "read"):
            return self._persistently(lambda _is_again: self._database.listen())

    def lease_left(self, row: Any) -> float:
        """For how many seconds the lease in the row of a run goes on; negative since when it is over."""
        return self._database.lease_left(row)

    def _is_alive(self, row: Any) -> bool:
        """Whether the run in a row is still at work: by its process, where that is seen, otherwise by its lease."""
        seen = lease.is_seen(row)
        return self._has_lease(row) if seen is None else seen

    def _has_lease(self, row: Any) -> bool:
        """Whether a lease goes on. One that ends later than any is given tells of a clock that was set back."""
        return 0 < self.lease_left(row) <= 2 * lease.LEASE

    def _watched(self, rows: list[Any]) -> bool:
        """See which of the runs in these rows that look dead renew their lease; whether there were any to watch.

        Only a clock that may be set makes a run look dead that is not, and only until its next renewal.
        """
        doubtful = {row["run"]: row["lease_ends"] for row in rows if self.is_shared and self._is_doubtful(row)}
        deadline = time.monotonic() + lease.longest_silence()
        left = doubtful
        while left and time.monotonic() < deadline:
            time.sleep(PAUSE)
            found = self.read(f"SELECT id, lease_ends FROM runs WHERE id IN ({placeholders(list(left))})", list(left))
            same = {row["id"]: row["lease_ends"] for row in found}
            left = {run: lease_ends for run, lease_ends in left.items() if same.get(run) == lease_ends}
        self._dead.update(left)
        return bool(doubtful)

    def _is_doubtful(self, row: Any) -> bool:
        """Whether it matters if the run in a row is alive, and nothing but its lease, which looks over, tells."""
        if row["state"] not in AT_WORK or row["host"] is None or row["run"] in (self._run, *self._dead):
            return False
        return lease.is_seen(row) is None and not self._has_lease(row)

    def _owners(self, rows: list[Any]) -> list[Owner]:
        """The living other runs among these rows, each once."""
        owners = {row["run"]: self.owner(row) for row in rows}
        return [owner for owner in owners.values() if owner is not None and owner.is_alive]

    def _update(self, statement: str, values: Sequence[Any]) -> bool:
        """Make a change of one statement; whether it changed one row."""
        return self.write(lambda execute, _is_again: execute(statement, values).rowcount == 1)

    def _begin(
        self, execute: Execute, wanted: Wanted, seen: Receipt | None, now: str, *, is_again: bool
    ) -> tuple[int | None, bool]:
        """The number of the attempt that may be begun, if any may, and whether it is still to be written."""
        number = 1
        if seen is not None or not _put_first(execute, wanted, now):
            current = execute(statements.FIND.format("?"), (wanted.key,)).fetchone()
            if is_again and current is not None and self._has_begun(current, seen):
                return int(current["attempt"]), False
            if seen is None or current is None or _version(current) != seen.version:
                return None, False
            if current["state"] in ENDS:
                _end_attempt(execute, wanted.key, current["attempt"], current["state"])
            number = int(execute(statements.NEXT_ATTEMPT, (wanted.key,)).fetchone()["next"])
        if wanted.basis is not None and wanted.basis != _basis(
            execute(statements.WINDOWS_OF, (wanted.target, statements.A_WINDOW)).fetchall()
        ):
            raise StalePlan("Another run imported another time range meanwhile, or began to. Nothing was sent.")
        if wanted.moment is not None:
            newest = max(_states(execute(statements.STATES_OF, (wanted.stream,)).fetchall()), default=wanted.moment)
            if newest > wanted.moment:
                raise StalePlan(f"Another run imported the state of {newest} meanwhile, or began to. Nothing was sent.")
        execute("UPDATE receipts SET attempt = ? WHERE key = ?", (number, wanted.key))
        return number, True

    def _put_attempt(
        self,
        execute: Execute,
        wanted: Wanted,
        number: int,
        now: str,
        notes: Mapping[str, Any],
        label: str | None,
        period: Period | None,
    ) -> None:
        content = (escape_unstorable(wanted.source), wanted.size, wanted.content_sha256, to_json({"notes": notes}))
        known_by = (label and escape_unstorable(label), period and to_json(period.as_result()))
        execute(statements.PUT_ATTEMPT, (wanted.key, number, self._run, *content, now, now, wanted.stream, *known_by))

    def _has_begun(self, current: Any, seen: Receipt | None) -> bool:
        """Whether the attempt that is there is this run's own, begun since the receipt was seen."""
        return bool(current["run"] == self._run and (seen is None or current["attempt"] > seen.version[0]))

    def _persistently(self, work: Callable[[bool], T]) -> T:
        """Do it; where the connection is lost, again over a new one.

        A database that is away is waited for, but not longer than `PATIENCE` in all: after that, whatever is to be done
        is tried once, until it is back.
        """
        is_again = False
        while True:
            was_lost = self._database.is_lost()
            try:
                if was_lost:
                    self._database.reconnect()
                result = work(is_again)
            except self._database.errors:
                if not self._database.is_lost():
                    raise
                if self._wait_until is None:
                    self._wait_until = time.monotonic() + PATIENCE
                if was_lost:  # one that broke just now is made anew at once
                    if time.monotonic() >= self._wait_until:
                        raise
                    time.sleep(PAUSE)
                is_again = True
            else:
                self._wait_until = None
                return result


def _looks_of(file: Fingerprint) -> tuple[int | str, ...]:
    """What is compared of a file; inodes and devices may be larger than what a database counts to."""
    return (file.size, file.mtime_ns, file.ctime_ns, str(file.inode), str(file.device))


def _put_first(execute: Execute, wanted: Wanted, now: str) -> bool:
    """Make the receipt of an import that has none, for its first attempt; whether there was none."""
    values = (wanted.key, wanted.system, escape_unstorable(wanted.target), wanted.stream, to_json(wanted.options), now)
    return execute(statements.PUT_FIRST, values).rowcount == 1


def _receipt(row: Any, version: tuple[int, str], owner: Owner | None) -> Receipt:
    return Receipt(
        key=row["key"],
        version=version,
        stream=row["stream"],
        attempt=row["attempt"],
        state=row["state"],
        content_sha256=row["content_sha256"],
        remote_id=row["remote_id"],
        message=row["message"],
        detail=json.loads(row["detail"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        owner=owner,
        label=row["label"],
        period=row["period"] and json.loads(row["period"]),
    )


def _states(rows: Sequence[Any]) -> dict[datetime, DatedState]:
    found = {}
    for row in rows:
        period, state = json.loads(row["period"]), DatedState(row["key"], row["state"])
        found.update({datetime.fromisoformat(period[end]): state for end in ("first", "last")})
    return found


def _basis(rows: Sequence[Any]) -> str:
    return identity_of(windows=[(row["key"], row["attempt"], row["state"]) for row in rows])


def _version(row: Any) -> tuple[int, str]:
    return (row["attempt"], row["state"])


def _end_attempt(execute: Execute, key: str, attempt: int, state: str) -> None:
    """End a dead owner's attempt that is in this state: should it wake, it finds that it may not commit any more."""
    end, message = ENDS[state]
    now = now_text()
    ended = execute(
        "UPDATE attempts SET state = ?, message = ?, changed_at = ?, finished_at = ?"
        " WHERE key = ? AND attempt = ? AND state = ?",
        (end, message, now, now, key, attempt, state),
    )
    if ended.rowcount == 1:
        note_outcome(execute, key, attempt)
