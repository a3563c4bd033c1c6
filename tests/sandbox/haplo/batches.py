# SPDX-License-Identifier: GPL-3.0-or-later
"""Control files, batches and the worker that imports them (FACTS sections C.2 and C.3).

Nothing runs by a timer: whoever looks first has everything done that is due by then, one batch after another. So a
clock that stands still keeps batches as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..settings import check_choice
from .forms import FilePart
from .importing import Import, ImportSettings, Outcome
from .standard import PEOPLE, StandardApi
from .transformation import Target

UPLOADING, SCHEDULED, RUNNING = "uploading", "scheduled", "running"
"""States of a batch before it ends."""

DEFAULT_CONTROL_COMMENT, DEFAULT_COMMENT = "Unnamed control file", "Unnamed batch"


@dataclass(frozen=True)
class BatchSettings(ImportSettings):
    """How long imports take, in sandbox seconds, and how they end."""

    seconds_before_start: float = 0.5
    """Least time between scheduling and start; a batch also waits for those before it."""
    seconds_per_batch: float = 1.0
    seconds_per_record: float = 0.0
    stays: str | None = None
    """`scheduled` or `running`: batches that are scheduled from now on stay so for ever, as after a restart of the
    server. One that stays `running` has been imported."""
    standard_apis: list[StandardApi] = field(default_factory=lambda: [PEOPLE])

    def __post_init__(self) -> None:
        if self.stays is not None:
            check_choice("stays", self.stays, (SCHEDULED, RUNNING))


@dataclass(frozen=True)
class StoredFile:
    """A file in Haplo's store, where the same bytes are kept once, under the first file name they came with."""

    sha256: str
    size: int
    file_name: str
    path: Path


@dataclass(frozen=True)
class Upload:
    """A file in the list of a batch."""

    name: str
    """The one that the control file knows."""
    file: StoredFile
    late: bool
    """It came after the import had begun, so it is listed and never imported."""


@dataclass
class Batch:
    """A batch of files, to be imported together."""

    identifier: str
    comment: str
    control: StoredFile
    created: float
    """Sandbox seconds."""
    row: int | None = None
    """Its number in the application's table, which the user interface goes by; None for standard batch import."""
    control_row: int = 1
    """That of the control file."""
    kind: str | None = None
    """Of standard batch import: which of its APIs it belongs to."""
    uploads: list[Upload] = field(default_factory=list)
    dry_run: bool | None = None
    """None until it is scheduled."""
    scheduled: float = 0.0
    """Sandbox seconds at which it was scheduled, begins, and ends."""
    begins: float | None = None
    ends: float | None = None
    stays: str | None = None
    """State that it does not leave any more."""
    outcome: Outcome | None = None
    """Known from the start of the import on, told at its end."""
    log: list[str] = field(default_factory=list)
    imported: bool = False
    """All is done but to write down how it ended."""
    finished: bool = False

    def state(self) -> str:
        """Its state as the administrator sees it."""
        if self.dry_run is None:
            return UPLOADING
        if self.outcome is None:
            return SCHEDULED
        return self.outcome.state if self.finished else RUNNING

    @property
    def errors(self) -> int | None:
        """How many errors its log counts, once it has ended."""
        return self.outcome.errors if self.outcome is not None and self.finished else None


class Batches:
    """All control files and batches, and what was imported."""

    def __init__(self, clock: Clock, folder: Path, settings: BatchSettings) -> None:
        self._clock = clock
        self._folder = folder
        self._folder.mkdir(exist_ok=True)
        self.reset(settings)

    def reset(self, settings: BatchSettings) -> None:
        """Forget everything."""
        self.settings = settings
        self._files: dict[str, StoredFile] = {}
        self._comments: dict[str, list[str]] = {}
        self._batches: dict[str, Batch] = {}
        self._rows: list[Batch] = []
        self._queue: list[Batch] = []
        self._worker_free_at = 0.0
        self._objects: dict[str, Target] = {}
        self._last_ref = 0
        for path in self._folder.iterdir():
            path.unlink()

    # What the API does.

    def add_control_file(self, part: FilePart, comment: str) -> str:
        """Keep a control file that was checked; its digest. The same one with the same comment adds nothing."""
        file = self._store(part)
        comments = self._comments.setdefault(file.sha256, [])
        comment = comment or DEFAULT_CONTROL_COMMENT
        if comment not in comments:
            comments.append(comment)
        return file.sha256

    def create(self, control_digest: str, comment: str) -> Batch | None:
        """A new batch; None if there is no such control file."""
        if control_digest not in self._comments:
            return None
        batch = self._add(self._files[control_digest], comment)
        self._rows.append(batch)
        batch.row, batch.control_row = len(self._rows), list(self._comments).index(control_digest) + 1
        return batch

    def create_standard(self, kind: str, comment: str) -> Batch | None:
        """A new batch of standard batch import; None if there is no such API."""
        control = next((api.control for api in self.settings.standard_apis if api.kind == kind), None)
        if control is None:
            return None
        batch = self._add(self._keep(json.dumps(control).encode(), "control.json"), comment)
        batch.kind = kind
        return batch

    def find(self, identifier: str, *, standard: bool = False) -> Batch | None:
        """A batch as it stands now; None if there is no such one, which is so for the other plugin's batches, too."""
        self._catch_up()
        batch = self._batches.get(identifier)
        return batch if batch is not None and (batch.kind is not None) == standard else None

    def rows(self) -> list[Batch]:
        """All batches that the user interface lists, as they stand now, in the order of their creation."""
        self._catch_up()
        return self._rows

    def row(self, number: str) -> Batch | None:
        """The batch in that row, of a number as it stands in a path; None if there is no such one."""
        found = re.fullmatch(r"0*([1-9][0-9]{0,9})", number)
        rows = self.rows()
        return rows[int(found[1]) - 1] if found is not None and int(found[1]) <= len(rows) else None

    def add_file(self, batch: Batch, name: str, part: FilePart) -> str:
        """Put a file on the batch's list, whatever its state is; its digest."""
        file = self._store(part)
        batch.uploads.append(Upload(name, file, late=batch.outcome is not None))
        return file.sha256

    def schedule(self, batch: Batch, *, dry_run: bool) -> None:
        """Queue a batch that was not queued before."""
        batch.dry_run = dry_run
        batch.scheduled = self._clock.now()
        batch.stays = self.settings.stays
        if batch.stays != SCHEDULED:
            self._queue.append(batch)

    def _add(self, control: StoredFile, comment: str) -> Batch:
        batch = Batch(_identifier(), comment or DEFAULT_COMMENT, control, self._clock.now())
        self._batches[batch.identifier] = batch
        return batch

    # What an administrator sees.

    def describe(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        self._catch_up()
        batches = [_describe(batch) for batch in self._batches.values()]
        return {
            "control_files": [
                {"sha256": digest, "size": self._files[digest].size, "comments": comments}
                for digest, comments in self._comments.items()
            ],
            "batches": batches,
            "records_imported": sum(batch["records_imported"] for batch in batches),
            "objects": [
                {"ref": ref, "destination": target.destination.name, "values": target.values}
                for ref, target in self._objects.items()
            ],
        }

    # The worker.

    def _catch_up(self) -> None:
        """Do what is due: one batch after another, in the order of scheduling."""
        now = self._clock.now()
        while self._queue:
            batch = self._queue[0]
            if batch.begins is None:
                batch.begins = max(batch.scheduled + self.settings.seconds_before_start, self._worker_free_at)
            if batch.outcome is None and batch.begins <= now:
                batch.outcome = self._import(batch)
                seconds = self.settings.seconds_per_record * batch.outcome.read
                batch.ends = batch.begins + self.settings.seconds_per_batch + seconds
            if batch.outcome is None or batch.ends is None or now < batch.ends:
                return
            self._finish(batch, batch.outcome)
            self._worker_free_at = batch.ends
            del self._queue[0]

    def _import(self, batch: Batch) -> Outcome:
        """Of several files with the same name, the last one is imported, in the place of the first."""
        files = {upload.name: upload.file.path for upload in batch.uploads}
        return Import(self._objects, self._new_ref, bool(batch.dry_run), self.settings).run(batch.control.path, files)

    def _finish(self, batch: Batch, outcome: Outcome) -> None:
        """Keep what was imported, and write down how it ended, which the database refuses for a log with a NUL [I]."""
        self._objects.update(outcome.objects)
        batch.imported = True
        log = [f"START: {self._date(batch.begins)}", *outcome.log, f"END: {self._date(batch.ends)}"]
        if batch.stays != RUNNING and "\0" not in "".join(log):
            batch.log, batch.finished = log, True

    def _date(self, at: float | None) -> str:
        """As the vendor's JavaScript engine writes a date; that the server's zone is UTC is a guess."""
        return f"{self._clock.utc(at):%a %b %d %Y %H:%M:%S} GMT-0000 (UTC)"

    def _new_ref(self) -> str:
        """A number in hexadecimal, with other letters."""
        self._last_ref += 1
        return f"{0x8000 + self._last_ref:x}".translate(str.maketrans("abcdef", "qvwxyz"))

    # The store.

    def _store(self, part: FilePart) -> StoredFile:
        """Keep a file that was uploaded; one with the same bytes is there already."""
        file = self._files.get(part.sha256)
        if file is None:
            path = part.path.rename(self._folder / part.sha256)
            file = self._files[part.sha256] = StoredFile(part.sha256, part.size, part.file_name, path)
        return file

    def _keep(self, content: bytes, file_name: str) -> StoredFile:
        """Keep what was not uploaded."""
        path = self._folder / "new"
        path.write_bytes(content)
        return self._store(FilePart(path, file_name, len(content), hashlib.sha256(content).hexdigest()))


def _identifier() -> str:
    """44 characters, the first and the last one a letter or digit (FACTS section C.1)."""
    while True:
        identifier = secrets.token_urlsafe(33)
        if re.fullmatch(r"[A-Za-z0-9].*[A-Za-z0-9]", identifier):
            return identifier


def _describe(batch: Batch) -> dict[str, Any]:
    outcome = batch.outcome if batch.imported else None
    records = outcome.records if outcome else {}
    return {
        "identifier": batch.identifier,
        "row": batch.row,
        "kind": batch.kind,
        "comment": batch.comment,
        "control_sha256": batch.control.sha256,
        "state": batch.state(),
        "dry_run": batch.dry_run,
        "files": [_describe_file(batch, name, records) for name in dict.fromkeys(item.name for item in batch.uploads)],
        "errors": batch.errors,
        "log": batch.log,
        "records_read": outcome.read if outcome else 0,
        "records_imported": sum(records.values()),
    }


def _describe_file(batch: Batch, name: str, records: dict[str, int]) -> dict[str, Any]:
    """Of several uploads under a name, the one that counts: the last before the import began."""
    uploads = [upload for upload in batch.uploads if upload.name == name]
    in_time = [upload for upload in uploads if not upload.late]
    file = (in_time or uploads)[-1].file
    return {
        "name": name,
        "file_name": file.file_name,
        "size": file.size,
        "sha256": file.sha256,
        "uploads": len(uploads),
        "late_uploads": len(uploads) - len(in_time),
        "records_imported": records.get(name, 0),
    }
