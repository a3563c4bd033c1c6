# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receipts: what is known of every import, and who is at work on it, in an SQLite file.

A receipt says what an import is; its attempts say what was tried and what came of it. `receipts.attempt` names the
attempt whose outcome counts, `attempts.sent` is the order in which attempts came to their commit point. A run that is
at work has a row in `runs` with a lease that a thread renews, so that its death is noticed: on the same boot by its
process id at once, otherwise when the lease ends.

Every change is one short immediate transaction that compares what it is about to replace, so that of two runs only one
gets its way. The rollback journal and synchronous FULL are deliberate: what is written before a request is sent has to
be on the disk.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

from ansible_collections.assetops.imports.plugins.module_utils._content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._contract import (
    BadInput,
    ImportsError,
    Wanted,
    canonical,
    now_text,
)

DEFAULT_LOCATION = "~/.ansible/assetops/receipts.db"
NOWHERE = "none"
APPLICATION_ID = 0x61736F70  # "asop": tells a store of ours from any other SQLite file
VERSION = 1
BUSY_TIMEOUT = 60.0  # seconds to wait for other writers
LEASE = 30.0  # seconds
RENEWAL = 5.0  # seconds between renewals of the lease
RENEWAL_TIMEOUT = 10.0  # seconds; a renewal gives up well before the lease ends
MANY = 500  # keys in one question; SQLite takes 999 values on old hosts

# What may have changed the target, and so may be its newest state.
MAY_HAVE_CHANGED = ("sent", "submitted", "unknown", "incomplete", "succeeded", "scheduled")
STANDING = ("incomplete", "succeeded", "scheduled")  # an outcome that a failed later attempt does not undo

SCHEMA = """
CREATE TABLE receipts (
    key TEXT PRIMARY KEY, system TEXT NOT NULL, target TEXT NOT NULL, stream TEXT NOT NULL, options TEXT NOT NULL,
    attempt INTEGER NOT NULL, created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX receipts_by_stream ON receipts (stream);
CREATE TABLE attempts (
    key TEXT NOT NULL REFERENCES receipts (key), attempt INTEGER NOT NULL, run TEXT NOT NULL, state TEXT NOT NULL,
    source TEXT NOT NULL, size INTEGER NOT NULL, content_sha256 TEXT, sent INTEGER UNIQUE, remote_id TEXT,
    message TEXT NOT NULL, detail TEXT NOT NULL, started_at TEXT NOT NULL, changed_at TEXT NOT NULL, finished_at TEXT,
    PRIMARY KEY (key, attempt)
) WITHOUT ROWID;
CREATE TABLE runs (
    id TEXT PRIMARY KEY, host TEXT NOT NULL, place TEXT NOT NULL, pid INTEGER NOT NULL, pid_started TEXT NOT NULL,
    lease_ends REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE digests (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
    inode TEXT NOT NULL, sha256 TEXT NOT NULL
) WITHOUT ROWID;
"""


class StoreError(ImportsError):
    """The store could not be read or written."""


@dataclass(frozen=True)
class Owner:
    """The run that is at work on an attempt."""

    run: str
    host: str
    pid: int
    is_alive: bool


@dataclass(frozen=True)
class Receipt:
    """What is known of an import: the attempt that counts, and who is at work on it (None: nobody any more).

    `version` changes whenever the receipt does.
    """

    key: str
    version: tuple[int, str]
    attempt: int
    state: str
    content_sha256: str | None
    remote_id: str | None
    message: str
    detail: Mapping[str, Any]
    started_at: str
    finished_at: str | None
    owner: Owner | None

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the system noted of the attempt."""
        notes: Mapping[str, Any] = self.detail.get("notes", {})
        return notes


class Store:
    """One receipt store, used by one run. `created` tells whether this run made it."""

    def __init__(
        self,
        location: str,
        database: sqlite3.Connection,
        path: Path | None = None,
        *,
        created: bool,
        read_only: bool,
    ) -> None:
        self.location = location
        self.created = created
        self.read_only = read_only
        self._database = database
        self._path = path  # None: in memory, and so nobody else's
        self._run = uuid.uuid4().hex
        self._lease: Lease | None = None

    def find(self, keys: list[str]) -> dict[str, Receipt]:
        """The receipts of these keys, as far as there are any."""
        found = {}
        with _told(self.location, "read"):
            for start in range(0, len(keys), MANY):
                some = keys[start : start + MANY]
                for row in self._database.execute(_FIND.format(_marks(some)), some):
                    found[row["key"]] = self._receipt(row)
        return found

    def newest_of(self, stream: str) -> str | None:
        """The key of the import that was the last to (perhaps) change this stream's target."""
        with _told(self.location, "read"):
            row = self._database.execute(_NEWEST, (stream,)).fetchone()
        return None if row is None else str(row["key"])

    def claim(
        self, wanted: Wanted, seen: Receipt | None, now: str, notes: Mapping[str, Any] | None = None
    ) -> int | None:
        """Begin an attempt, as its owner, if the receipt is still as it was `seen`. Returns its number, else None.

        `notes` are what an attempt before noted, for this one to go on from.
        """
        with self._transaction() as execute:
            current = execute(_FIND.format("?"), (wanted.key,)).fetchone()
            if (None if current is None else _version(current)) != (seen.version if seen else None):
                return None
            if current is not None and current["state"] in _ENDS:
                _end_attempt(execute, wanted.key, current["attempt"], current["state"])
            number = execute(_NEXT_ATTEMPT, (wanted.key,)).fetchone()[0]
            options = canonical(wanted.options)
            execute(_PUT_RECEIPT, (wanted.key, wanted.system, wanted.target, wanted.stream, options, number, now))
            content = (wanted.source, wanted.size, wanted.content_sha256)
            detail = canonical({"notes": notes or {}})
            execute(_PUT_ATTEMPT, (wanted.key, number, self._run, *content, detail, now, now))
            if self._lease is None:
                execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", (self._run, *_self(), time.time() + LEASE))
        if self._lease is None:
            self._lease = Lease(self._run, self._path)
        return int(number)

    def note(self, key: str, attempt: int, notes: Mapping[str, Any]) -> bool:
        """Keep what an own attempt came to, for whoever goes on from there. False: the claim was lost."""
        with self._transaction() as execute:
            noted = execute(
                "UPDATE attempts SET detail = ?, changed_at = ?"
                " WHERE key = ? AND attempt = ? AND run = ? AND state IN ('claimed', 'sent')",
                (_storable(canonical({"notes": notes})), now_text(), key, attempt, self._run),
            )
        return bool(noted.rowcount == 1)

    def withdraw(self, key: str, attempt: int) -> None:
        """Take an own claim back, as if it had never been made."""
        with self._transaction() as execute:
            withdrawn = execute(
                "DELETE FROM attempts WHERE key = ? AND attempt = ? AND run = ? AND state = 'claimed'",
                (key, attempt, self._run),
            )
            if withdrawn.rowcount == 1:
                execute(_STEP_BACK, (key, key, key))
                execute("DELETE FROM receipts WHERE key = ? AND attempt = 0", (key,))

    def supersede(self, target: str) -> None:
        """Write that nothing that was imported into a target is there any more."""
        with self._transaction() as execute:
            execute(
                "UPDATE attempts SET state = 'superseded', changed_at = ? WHERE"
                f" key IN (SELECT key FROM receipts WHERE target = ?) AND state IN {MAY_HAVE_CHANGED}",
                (now_text(), target),
            )

    def mark_sent(self, key: str, attempt: int, sha256: str | None) -> bool:
        """Note that the last block is about to leave. False: the claim was lost, so it must not."""
        with self._transaction() as execute:
            marked = execute(
                "UPDATE attempts SET state = 'sent', content_sha256 = ?, changed_at = ?,"
                " sent = (SELECT coalesce(max(sent), 0) + 1 FROM attempts)"
                " WHERE key = ? AND attempt = ? AND run = ? AND state = 'claimed'",
                (sha256, now_text(), key, attempt, self._run),
            )
        return bool(marked.rowcount == 1)

    def record(
        self, key: str, attempt: int, state: str, message: str, *, remote_id: str | None, detail: Mapping[str, Any]
    ) -> str:
        """Write what became of an attempt, unless it was written before. After a failure, an earlier success counts.

        Returns the time that it notes.
        """
        now = now_text()
        finished = None if state == "submitted" else now
        with self._transaction() as execute:
            written = execute(
                "UPDATE attempts SET state = ?, message = ?, remote_id = coalesce(?, remote_id), detail = ?,"
                " changed_at = ?, finished_at = ? WHERE key = ? AND attempt = ?"
                " AND state NOT IN ('succeeded', 'scheduled', 'failed', 'superseded')",
                (state, _storable(message), remote_id, _storable(canonical(detail)), now, finished, key, attempt),
            )
            if state == "failed" and written.rowcount == 1:
                execute(_FALL_BACK, (key, key, attempt))
        return now

    def note_unknown(self, receipt: Receipt) -> None:
        """Write that the owner of a sent attempt died before it heard the answer, if nothing was heard since."""
        with self._transaction() as execute:
            _end_attempt(execute, receipt.key, receipt.attempt, "sent")

    def recall_digests(self, fingerprints: list[Fingerprint]) -> dict[Fingerprint, str]:
        """The SHA-256 of those files that were digested before and look the same still."""
        wanted = {fingerprint.path: fingerprint for fingerprint in fingerprints}
        paths = list(wanted)
        known = {}
        with _told(self.location, "read"):
            for start in range(0, len(paths), MANY):
                some = paths[start : start + MANY]
                for row in self._database.execute(f"SELECT * FROM digests WHERE path IN ({_marks(some)})", some):
                    times = (row["mtime_ns"], row["ctime_ns"])
                    fingerprint = Fingerprint(row["path"], row["size"], *times, int(row["inode"]))
                    if fingerprint == wanted[fingerprint.path]:
                        known[fingerprint] = str(row["sha256"])
        return known

    def remember_digests(self, digests: Mapping[Fingerprint, str]) -> None:
        """Keep the SHA-256 of these files. A store that is only read forgets them."""
        if self.read_only:
            return
        with self._transaction() as execute:
            for known, sha256 in digests.items():
                row = (known.path, known.size, known.mtime_ns, known.ctime_ns, str(known.inode), sha256)
                execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        """End the run: what it leaves unfinished is free for the next one at once."""
        if self._lease is not None:
            self._lease.end()
            try:
                with self._transaction() as execute:
                    execute("DELETE FROM runs WHERE id = ?", (self._run,))
            except StoreError:
                pass  # the lease ends by itself, and the process id tells sooner
        self._database.close()

    def _receipt(self, row: sqlite3.Row) -> Receipt:
        """The receipt in a row. A claim whose owner died changed nothing: an earlier success counts as before."""
        version = _version(row)
        owner = self._owner(row)
        if row["state"] == "claimed" and not (owner and owner.is_alive):
            row = self._database.execute(_STANDING, (row["key"],)).fetchone() or row
        return Receipt(
            key=row["key"],
            version=version,
            attempt=row["attempt"],
            state=row["state"],
            content_sha256=row["content_sha256"],
            remote_id=row["remote_id"],
            message=row["message"],
            detail=json.loads(row["detail"]),
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            owner=owner,
        )

    def _owner(self, row: sqlite3.Row) -> Owner | None:
        """The other run that is at work on an attempt, or was when it died."""
        if row["host"] is None or row["run"] == self._run:
            return None
        return Owner(row["run"], row["host"], row["pid"], _is_alive(row))

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        with _told(self.location, "written"), _immediate(self._database):
            yield self._database.execute


class Lease:
    """Renews a run's lease in the store at a path, from a thread, until it is ended. In memory nothing is renewed."""

    def __init__(self, run: str, path: Path | None) -> None:
        self._run = run
        self._over = threading.Event()
        if path is not None:
            threading.Thread(target=self._renew, args=[path], daemon=True).start()

    def end(self) -> None:
        self._over.set()

    def _renew(self, path: Path) -> None:
        while not self._over.wait(RENEWAL):
            try:
                with closing(_connect(path, RENEWAL_TIMEOUT)) as database, _immediate(database):
                    database.execute("UPDATE runs SET lease_ends = ? WHERE id = ?", (time.time() + LEASE, self._run))
            except sqlite3.Error:
                pass  # another run may take over then; the commit point notices


def open_store(location: str, *, read_only: bool = False) -> Store:
    """Open the store at a path, or one that is forgotten at the end for `none`; make it where there is none yet.

    A read-only one that does not exist is taken for empty, and nothing is made. Raises `StoreError`.
    """
    if location == NOWHERE:
        return Store(NOWHERE, _new_in_memory(), created=False, read_only=read_only)
    path = path_of(location)
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    with _told(shown, "opened"):
        _check_place(path)
        if read_only and not is_there(path):
            return Store(shown, _new_in_memory(), created=False, read_only=True)
        if not read_only:
            _make_file(path)
        with ExitStack() as on_error:
            database = on_error.enter_context(closing(_connect(path, BUSY_TIMEOUT)))
            if read_only:
                # Not opened as read-only: what a killed run left half written has to be put back before it is read.
                database.execute("PRAGMA query_only = ON")
            created = _prepare(database, shown)
            on_error.pop_all()
    return Store(shown, database, path, created=created, read_only=read_only)


def is_there(path: Path) -> bool:
    """Whether there is a store at a path; an empty file is left from a run that was killed while it made one."""
    return path.exists() and path.stat().st_size > 0


def path_of(location: str) -> Path:
    """Where a store lies. Raises `BadInput` for a path that depends on who asks from where."""
    try:
        path = Path(location).expanduser()
    except RuntimeError as error:
        raise BadInput(f"receipts {location!r}: {error}") from error
    if not path.is_absolute() or "\0" in location:
        raise BadInput(f"receipts {location!r} is neither an absolute path, nor one that begins with ~, nor 'none'.")
    return path


_SELECT = """
SELECT receipts.key, attempts.attempt, attempts.run, attempts.state, attempts.content_sha256, attempts.remote_id,
       attempts.message, attempts.detail, attempts.started_at, attempts.finished_at,
       runs.host, runs.place, runs.pid, runs.pid_started, runs.lease_ends
FROM receipts JOIN attempts ON attempts.key = receipts.key LEFT JOIN runs ON runs.id = attempts.run
"""
_FIND = _SELECT + "WHERE receipts.key IN ({}) AND attempts.attempt = receipts.attempt"
_STANDING = (
    _SELECT
    + f"""
WHERE receipts.key = ? AND attempts.state IN {STANDING} ORDER BY attempts.attempt DESC LIMIT 1
"""
)
_NEWEST = f"""
SELECT attempts.key FROM receipts JOIN attempts ON attempts.key = receipts.key
WHERE receipts.stream = ? AND attempts.state IN {MAY_HAVE_CHANGED} ORDER BY attempts.sent DESC LIMIT 1
"""
_NEXT_ATTEMPT = "SELECT coalesce(max(attempt), 0) + 1 FROM attempts WHERE key = ?"
_PUT_RECEIPT = """
INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET attempt = excluded.attempt
"""
_PUT_ATTEMPT = """
INSERT INTO attempts (key, attempt, run, source, size, content_sha256, state, message, detail, started_at, changed_at)
VALUES (?, ?, ?, ?, ?, ?, 'claimed', '', ?, ?, ?)
"""
_FALL_BACK = f"""
UPDATE receipts SET attempt = coalesce(
    (SELECT max(attempt) FROM attempts WHERE key = ? AND state IN {STANDING}), attempt)
WHERE key = ? AND attempt = ?
"""
_STEP_BACK = """
UPDATE receipts SET attempt = coalesce(
    (SELECT max(attempt) FROM attempts WHERE key = ? AND state != 'failed'),
    (SELECT max(attempt) FROM attempts WHERE key = ?), 0)
WHERE key = ?
"""
_ENDS = {  # how an attempt ends whose owner died in that state
    "claimed": ("failed", "The run ended before everything was sent."),
    "sent": ("unknown", "The run that sent it ended before it heard the server's answer."),
}
Execute = Callable[..., sqlite3.Cursor]


def _version(row: sqlite3.Row) -> tuple[int, str]:
    return (row["attempt"], row["state"])


def _end_attempt(execute: Execute, key: str, attempt: int, state: str) -> None:
    """End a dead owner's attempt that is in this state: should it wake, it finds that it may not commit any more."""
    end, message = _ENDS[state]
    now = now_text()
    execute(
        "UPDATE attempts SET state = ?, message = ?, changed_at = ?, finished_at = ?"
        " WHERE key = ? AND attempt = ? AND state = ?",
        (end, message, now, now, key, attempt, state),
    )


def _is_alive(row: sqlite3.Row) -> bool:
    """Whether the owner of an attempt is still at work.

    A lease that ends later than any is given tells of a clock that was set back, and is taken for over.
    """
    host_name, place, _pid, _started = _self()
    if not time.time() < row["lease_ends"] <= time.time() + 2 * LEASE:
        return False
    if (row["host"], row["place"]) == (host_name, place) and place:
        return _start_of(row["pid"]) == str(row["pid_started"])
    return True


def _self() -> tuple[str, str, int, str]:
    """This process: host name, boot and process namespace (empty where the system does not tell), id and start."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        place = f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        place = ""
    return socket.gethostname(), place, os.getpid(), _start_of(os.getpid())


def _start_of(pid: int) -> str:
    """When a process started, in the kernel's ticks since boot; empty for none, and for one that ended unreaped."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if state in "ZX" else fields[18]


def _check_place(path: Path) -> None:
    """Raise OSError for a place that cannot hold a store, so that check mode knows as well."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no regular file")
    folder = next(folder for folder in path.parents if folder.exists() or folder.is_symlink())
    if not folder.is_dir():
        raise OSError(0, f"{folder} is no folder")
    if not path.exists() and not os.access(folder, os.W_OK):
        raise OSError(0, f"{folder} cannot be written by this user")


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner can read, and the folders to it, where there is none yet."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)


def _connect(path: Path, timeout: float) -> sqlite3.Connection:
    name = f"file:{quote(os.fsencode(path))}?mode=rw"
    return _configured(sqlite3.connect(name, uri=True, timeout=timeout, isolation_level=None))


def _new_in_memory() -> sqlite3.Connection:
    database = _configured(sqlite3.connect(":memory:", isolation_level=None))
    _prepare(database, NOWHERE)
    return database


def _configured(database: sqlite3.Connection) -> sqlite3.Connection:
    database.row_factory = sqlite3.Row
    try:
        database.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, location: str) -> bool:
    """See that the file is a store of this version, or make an empty one into one: then true."""
    if _is_ours(database, location):
        return False
    with _immediate(database):
        if _is_ours(database, location):  # another run was faster
            return False
        for statement in SCHEMA.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {VERSION}")
    return True


def _is_ours(database: sqlite3.Connection, location: str) -> bool:
    """Whether there is a store already; False for an empty database. Raises `StoreError` for anything else."""
    application, version, tables = (
        database.execute(question).fetchone()[0]
        for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    )
    if application == APPLICATION_ID and version > VERSION:
        raise StoreError(
            f"The receipt store {location} was made by a newer release of assetops.imports (its version is {version},"
            f" this one knows {VERSION}). Update the collection here. Nothing was sent."
        )
    if application != APPLICATION_ID and tables:
        raise StoreError(f"{location} is a database, but no receipt store. Set receipts to another path.")
    return bool(application == APPLICATION_ID)


@contextmanager
def _immediate(database: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the only right to write from its first statement on."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


@contextmanager
def _told(location: str, verb: str) -> Iterator[None]:
    """Tell trouble with the store in words for a person."""
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: no file can have that name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(
            f"The receipt store {location} could not be {verb}: {reason}. It has to be an SQLite file on a local disk"
            " that this user may write, in a folder that it may write too; receipts sets another path."
        ) from error


def _storable(text: str) -> str:
    """What of a text SQLite can keep: half a surrogate pair, as a server may send it in JSON, becomes an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _marks(values: Any) -> str:
    return ", ".join("?" for _value in values)
