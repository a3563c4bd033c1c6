# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receipts: what is known of every import, and which run is at work on it, in a database.

A receipt says what an import is; its attempts say what was tried and how it ended. `receipts.attempt` is the attempt
whose outcome counts, `attempts.sent` is the order in which attempts came to their commit point, and `attempts.outcomes`
are all the outcomes of one (see `outcomes`). A run that is at work has a row in `runs` with a lease, which a thread
renews, so that other runs notice its death: at once where they see its process, otherwise when the lease ends. Leases
go by the clock that all runs of a store share: that of the host since boot for a file, that of the server for
PostgreSQL. A server's clock may be set, so there a lease that looks over is watched for as long as a renewal may take,
before another run takes over.

Every change is one short transaction, the only one at its time. It compares what it is about to replace, so that of
two runs only one succeeds. Making a change twice is making it once (see `reconnecting`).

What is special to a database is in `sqlite` and `postgresql`. Here it is a `Database`, which takes the SQL that both
know, with question marks for values, `clock()` for the seconds since 1970, and `announce()` to wake those who wait for
outcomes.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Period,
    StoreError,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease, processes, statements
from ansible_collections.assetops.imports.plugins.module_utils._receipts.claiming import (
    begin_attempt,
    end_dead_attempt,
    put_attempt,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Database, Execute
from ansible_collections.assetops.imports.plugins.module_utils._receipts.liveness import Liveness
from ansible_collections.assetops.imports.plugins.module_utils._receipts.outcomes import note_outcome
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import (
    AFTER_SCHEDULED,
    FINAL,
    IN_PLACE,
    DatedState,
    Owner,
    Receipt,
    Window,
    Windows,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.reconnecting import ReconnectingDatabase
from ansible_collections.assetops.imports.plugins.module_utils._receipts.rows import (
    basis_of,
    dated_states,
    receipt_of,
    version_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.values import (
    chunks,
    escape_unstorable,
    placeholders,
    to_json,
)

LAST = 2**62  # greater than any `sent`
LONGEST_PATH = 2000  # bytes; an index of PostgreSQL takes not much more


class Store(ReconnectingDatabase):
    """One receipt store, used by one run. `created`: this run made it."""

    def __init__(self, database: Database, *, created: bool, read_only: bool) -> None:
        super().__init__(database)
        self.location = database.location
        self.is_shared = database.is_shared
        self.created = created
        self.read_only = read_only
        self._run = os.urandom(16).hex()
        self._lease: lease.Lease | None = None
        self._liveness = Liveness(self._run, database, self)
        self._host = f"{socket.gethostname()}:" if database.is_shared else ""  # whose files it knows the digests of

    # Receipts

    def find(self, keys: list[str]) -> dict[str, Receipt]:
        """The receipts of those keys that have one."""
        found = {}
        for some in chunks(keys):
            rows = self.read(statements.FIND.format(placeholders(some)), some)
            if self._liveness.watch(rows):
                rows = self.read(statements.FIND.format(placeholders(some)), some)
            for row in rows:
                found[row["key"]] = self.receipt(row)
        return found

    def in_stream(self, receipt: Receipt, stream: str) -> Receipt | None:
        """What is known of an import in another stream than that of its receipt; None if nothing is.

        The version is that of the receipt, as an import is claimed for all streams at once.
        """
        found = self.read(statements.IN_STREAM, (receipt.key, stream))
        last = next(iter(found), None)
        if last is not None and last["state"] in ("claimed", "failed"):  # then what was there before counts
            last = next((row for row in found if row["state"] in IN_PLACE), last)
        return None if last is None else receipt_of(last, receipt.version, self.owner(last))

    def receipt(self, row: Any) -> Receipt:
        """The receipt in a row. A claim of a dead run changed nothing, so an earlier success counts."""
        version = version_of(row)
        owner = self.owner(row)
        if row["state"] == "claimed" and not (owner and owner.is_alive):
            row = next(iter(self.read(statements.LAST_IN_PLACE, (row["key"],))), row)
        return receipt_of(row, version, owner)

    def owner(self, row: Any) -> Owner | None:
        """The other run that is at work on the attempt in a row, or was when it died."""
        return self._liveness.owner(row)

    def lease_left(self, row: Any) -> float:
        """The seconds until the lease in a run's row ends; negative once it has ended."""
        return self._database.lease_left(row)

    # Attempts of this run

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
        """Begin an attempt of this run, if the receipt is still as it was `seen`. Returns its number, otherwise None.

        `notes` are the steps of an earlier attempt, from which this one goes on. Raises `StalePlan` where what the
        import was planned by has changed.
        """

        def write(execute: Execute, is_retry: bool) -> int | None:
            number, is_new = begin_attempt(execute, self._run, wanted, seen, now, is_retry=is_retry)
            if number is not None and is_new:
                put_attempt(execute, self._run, wanted, number, now, notes or {}, label, period)
                if self._lease is None:
                    values = (self._run, *processes.this_process(), lease.LEASE)
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
        """Write, in one step, that an import ended in this state. Otherwise like `claim`."""

        def write(execute: Execute, is_retry: bool) -> int | None:
            number, is_new = begin_attempt(execute, self._run, wanted, seen, now, is_retry=is_retry)
            if number is not None and is_new:
                put_attempt(execute, self._run, wanted, number, now, {}, label, period)
                execute(statements.ADOPT, (state, escape_unstorable(message), now, wanted.key, number))
            return number

        return self.write(write)

    def note(self, key: str, attempt: int, notes: Mapping[str, Any]) -> bool:
        """Write how far an attempt came, for a later one to go on from. False: the claim was lost."""
        return self._update(
            "UPDATE attempts SET detail = ?, changed_at = ?"
            " WHERE key = ? AND attempt = ? AND run = ? AND state IN ('claimed', 'sent')",
            (to_json({"notes": notes}), now_text(), key, attempt, self._run),
        )

    def mark_sent(self, key: str, attempt: int, sha256: str | None) -> bool:
        """Write that the last block is about to leave. False: the claim was lost, so it must not."""

        def write(execute: Execute, is_retry: bool) -> bool:
            marked = execute(
                "UPDATE attempts SET state = 'sent', content_sha256 = ?, changed_at = ?,"
                " sent = coalesce(sent, (SELECT coalesce(max(sent), 0) + 1 FROM attempts))"
                " WHERE key = ? AND attempt = ? AND run = ? AND state IN ('claimed', ?)",
                (sha256, now_text(), key, attempt, self._run, "sent" if is_retry else "claimed"),
            )
            return marked.rowcount == 1

        return self.write(write)

    def record(
        self, key: str, attempt: int, state: str, message: str, *, remote_id: str | None, detail: Mapping[str, Any]
    ) -> str:
        """Write what became of an attempt, unless its end is written already. Returns the time that was written.

        After a failure an earlier success counts, unless a part of what failed may be there (`is_partial` in `detail`).
        An attempt that was only `scheduled` may still get its outcome.
        """
        now = now_text()
        finished = None if state == "submitted" else now
        remote_id = remote_id and escape_unstorable(remote_id)
        values = (state, escape_unstorable(message), remote_id, to_json(detail), now, finished, key, attempt)

        def write(execute: Execute, _is_retry: bool) -> None:
            written = execute(
                "UPDATE attempts SET state = ?, message = ?, remote_id = coalesce(?, remote_id), detail = ?,"
                " changed_at = ?, finished_at = ? WHERE key = ? AND attempt = ?"
                f" AND state NOT IN {FINAL if state in AFTER_SCHEDULED else (*FINAL, 'scheduled')}",
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

    def withdraw(self, key: str, attempt: int) -> None:
        """Take a claim back, as if it had never been made."""

        def write(execute: Execute, _is_retry: bool) -> None:
            withdrawn = execute(
                "DELETE FROM attempts WHERE key = ? AND attempt = ? AND run = ? AND state = 'claimed'",
                (key, attempt, self._run),
            )
            if withdrawn.rowcount == 1:
                execute(statements.STEP_BACK, (key, key, key))
                execute("DELETE FROM receipts WHERE key = ? AND attempt = 0", (key,))

        self.write(write)

    # Attempts of any run

    def relabel(self, key: str, attempt: int, label: str) -> None:
        """Write the name that the inventory has now for the target of an import."""
        self._update(
            "UPDATE attempts SET label = ? WHERE key = ? AND attempt = ?", (escape_unstorable(label), key, attempt)
        )

    def note_unknown(self, receipt: Receipt) -> None:
        """Write that the run that sent an attempt died before it heard the answer, if nothing was heard since."""
        self.write(lambda execute, _is_retry: end_dead_attempt(execute, receipt.key, receipt.attempt, "sent"))

    def supersede_attempts(self, attempts: list[tuple[str, int]]) -> None:
        """Write that these attempts, which were `in_place`, are not there any more."""

        def write(execute: Execute, _is_retry: bool) -> None:
            for key, attempt in attempts:
                execute(statements.SUPERSEDE_ONE, (now_text(), key, attempt))

        self.write(write)

    # Streams

    def newest_of(self, stream: str, key: str = "") -> tuple[str, int] | None:
        """Key and attempt of the last import that changed, or may have changed, the target of a stream.

        An attempt that failed after the server had accepted it may have changed it, too. But one with this `key` did
        not: then what was imported by an earlier attempt at it stays.
        """
        rows = self.read(statements.NEWEST, (stream, key))
        return (str(rows[0]["key"]), int(rows[0]["attempt"])) if rows else None

    def states_of(self, stream: str) -> dict[datetime, DatedState]:
        """The dated states of a stream that came to their commit point, by their moments.

        A state that did not change for some time stands there twice, by its first and its last moment.
        """
        return dated_states(self.read(statements.STATES_OF, (stream,)))

    def extend_period(self, key: str, attempt: int, moment: datetime) -> Mapping[str, str]:
        """Write that an import is the state of this moment, too. Returns its whole period."""

        def write(execute: Execute, _is_retry: bool) -> Mapping[str, str]:
            row = execute("SELECT period FROM attempts WHERE key = ? AND attempt = ?", (key, attempt)).fetchone()
            period = Period(moment, moment).as_result()
            if row is not None and row["period"]:
                known = json.loads(row["period"])
                period = {"first": min(known["first"], period["first"]), "last": max(known["last"], period["last"])}
            execute("UPDATE attempts SET period = ? WHERE key = ? AND attempt = ?", (to_json(period), key, attempt))
            return period

        return self.write(write)

    # Targets

    def is_known(self, target: str) -> bool:
        """Whether anything was imported into a target, or may have been."""
        return bool(self.read(statements.KNOWN, (escape_unstorable(target),)))

    def at_work(self, target: str) -> list[Owner]:
        """The living runs that are at work on imports into a target."""
        return self._liveness.living_owners(self.read(statements.WORK_AT, (target,)))

    def in_place(self, target: str) -> list[tuple[str, int]]:
        """The imports into a target that should be there: key and attempt of each."""
        return [(str(row["key"]), int(row["attempt"])) for row in self.read(statements.IN_PLACE_AT, (target,))]

    def windows_of(self, target: str) -> Windows:
        """The time ranges that were, or may have been, imported into a target."""
        rows = self.read(statements.WINDOWS_OF, (target, statements.A_WINDOW))
        if self._liveness.watch(rows):
            rows = self.read(statements.WINDOWS_OF, (target, statements.A_WINDOW))
        found = tuple(Window(json.loads(row["options"]), self.receipt(row)) for row in rows)
        return Windows(found, basis_of(rows))

    def high_water_mark(self, target: str) -> int:
        """The place, in the order of commit points, of the last import into a target that has reached its own."""
        return int(self.read(statements.HIGH_WATER_MARK, (target,))[0]["mark"])

    def supersede(self, target: str, up_to: int | None = None) -> None:
        """Write that what was imported into a target is not there any more. `up_to` is a `high_water_mark`.

        Attempts of living runs stay as they are.
        """

        def write(execute: Execute, _is_retry: bool) -> None:
            at_work = execute(statements.WORK_AT, (target,)).fetchall()
            alive = ["", *(owner.run for owner in self._liveness.living_owners(at_work))]
            last = LAST if up_to is None else up_to
            execute(statements.SUPERSEDE.format(placeholders(alive)), (now_text(), target, last, *alive))

        self.write(write)

    # Digests of files

    def recall_digests(self, fingerprints: list[Fingerprint]) -> dict[Fingerprint, str]:
        """The SHA-256 of those files that were digested before and have not changed since."""
        wanted = {self._host + fingerprint.path: fingerprint for fingerprint in fingerprints}
        known = {}
        for some in chunks(list(wanted)):
            for row in self.read(statements.DIGESTS.format(placeholders(some)), some):
                fingerprint = wanted[row["path"]]
                if _attributes_of(fingerprint) == tuple(row[name] for name in statements.FILE_ATTRIBUTES):
                    known[fingerprint] = str(row["sha256"])
        return known

    def remember_digests(self, digests: Mapping[Fingerprint, str]) -> None:
        """Keep the SHA-256 of these files, unless the store is only read."""
        if self.read_only:
            return

        def write(execute: Execute, _is_retry: bool) -> None:
            for known, sha256 in digests.items():
                if len(known.path.encode("utf-8", "replace")) > LONGEST_PATH:
                    continue
                execute(statements.PUT_DIGEST, (self._host + known.path, *_attributes_of(known), sha256))

        self.write(write)

    def close(self) -> None:
        """End the run: what it leaves unfinished is free for the next one at once."""
        if self._lease is not None:
            self._lease.end()
            self._wait_no_more()
            with suppress(StoreError):  # the lease ends by itself, and a process that is gone is seen sooner
                self._update("DELETE FROM runs WHERE id = ?", (self._run,))
        super().close()

    def _update(self, statement: str, values: Sequence[Any]) -> bool:
        """Make a change of one statement; whether it changed one row."""
        return self.write(lambda execute, _is_retry: execute(statement, values).rowcount == 1)


def _attributes_of(file: Fingerprint) -> tuple[int | str, ...]:
    """What shows whether a file changed. Inodes and devices may be larger than the numbers of a database."""
    return (file.size, file.mtime_ns, file.ctime_ns, str(file.inode), str(file.device))
