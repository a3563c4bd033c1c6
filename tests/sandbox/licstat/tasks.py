# SPDX-License-Identifier: GPL-3.0-or-later
"""The import tasks of License Statistics: queued, carried out in sandbox time, and what they do to the data.

Nothing runs by a timer. When an import is accepted it is settled from when to when it will run; whoever looks at tasks
or data first has everything finished that is due by then, in order. So a clock that stands still keeps tasks as they
are.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ..system import RefusedError, Surroundings
from ..uploads import Upload
from .flexnet import USAGE, DebugLog, Summary, is_text
from .holdings import Holdings, OverlapError, Range, whole_range

PENDING = "PENDING"
SUCCESS = "SUCCESS"

_FIRST_BLOCK = 8 * 1024
_READ_AT_ONCE = 1024 * 1024
"""Uploads up to this size (bytes) are read before the answer to the upload, larger ones in the background."""


@dataclass(frozen=True)
class TaskSettings:
    """How tasks behave. Seconds are sandbox seconds."""

    seconds_pending: float = 0.5
    """Least time before a task starts; it also waits for the task before it."""
    seconds_running: float = 1.0
    seconds_per_mib: float = 0.0
    """Added to the running time for each MiB of the upload."""
    running_state: str = "STARTED"
    """Word for a task that is at work. Only PENDING and SUCCESS are documented (guess)."""
    failure_state: str = "FAILURE"
    """Word for a task that failed (guess)."""
    parallel: bool = False
    """Imports to the same license server run at the same time; one after another by default (guess)."""
    forget_after: float | None = None
    """Finished tasks are unknown after this time; never by default (guess)."""
    reject_at_post: bool = False
    """An import that mergePolicy Reject forbids is refused when it is uploaded, not by its task (guess)."""
    final_state: str | None = None
    """Every task that ends well ends with this word instead of SUCCESS, to try out what nobody knows."""
    final_error: str | None = None
    """And with this `err`."""
    problem: str | None = None
    """Every task fails with this `err`, and nothing is imported."""
    keep_lines: bool = False
    """What a license server holds shows how often it holds each line of the logs."""
    keep_bytes: int = 1024 * 1024
    """Uploads up to this size (bytes) can be read back over the control endpoint."""


@dataclass(frozen=True)
class ImportParameters:
    """What the query of an import said."""

    given: dict[str, str]
    """As received, decoded."""
    gather: frozenset[str]
    merge_policy: str
    begin: datetime | None
    end: datetime | None
    resolve: bool
    find: bool


@dataclass
class Task:
    """An accepted import."""

    tid: str
    server: int
    submitter: str
    parameters: ImportParameters
    file_name: str
    size: int
    submitted: float
    submitted_date: datetime
    begins: float
    """Sandbox seconds at which it starts to run, and at which it ends."""
    ends: float
    final_state: str | None = None
    """None until it is finished."""
    error: str | None = None
    # known once the upload was read
    was_read: bool = False
    sha256: str | None = None
    content: bytes | None = None
    summary: Summary = field(default_factory=Summary)
    opaque: bool = False
    """A binary file, taken as a report log: usage that nobody can look into."""
    problem: str | None = None
    """Why it will fail."""


class TaskQueue:
    """All import tasks, and the data of the license servers."""

    def __init__(self, surroundings: Surroundings, settings: TaskSettings) -> None:
        self.settings = settings
        self._clock = surroundings.clock
        self._notify = surroundings.notify
        self._holdings = Holdings(surroundings.data_dir / "holdings.db")
        self._tasks: dict[str, Task] = {}
        self._reading: set[asyncio.Task[None]] = set()

    def reset(self, settings: TaskSettings) -> None:
        """Forget all tasks and data."""
        self.settings = settings
        self._tasks = {}
        self._holdings.clear()

    def is_busy(self) -> bool:
        """Whether an upload is still being read in the background."""
        return bool(self._reading)

    async def accept(self, server: int, submitter: str, parameters: ImportParameters, upload: Upload) -> Task:
        """Queue an import. The upload is the queue's to delete from now on, unless this raises RefusedError."""
        task = self._new_task(server, submitter, parameters, upload)
        if upload.size <= _READ_AT_ONCE or self.settings.reject_at_post:
            self._read(task, upload)
        if self.settings.reject_at_post:
            self._refuse_overlap(task)
        self._tasks[task.tid] = task
        if task.was_read:
            upload.delete()
        else:
            self._read_in_background(task, upload)
        return task

    def find(self, tid: str) -> Task | None:
        """A task by its id; None if it is unknown or forgotten by now."""
        self._catch_up()
        task = self._tasks.get(tid)
        lifetime = self.settings.forget_after
        if task is None or task.final_state is None or lifetime is None:
            return task
        return task if self._clock.now() < task.ends + lifetime else None

    def all(self) -> list[Task]:
        """All tasks, in the order of their acceptance."""
        self._catch_up()
        return list(self._tasks.values())

    def state_of(self, task: Task) -> str:
        """Its state as the API tells it."""
        if task.final_state is not None:
            return task.final_state
        return PENDING if self._clock.now() < task.begins else self.settings.running_state

    def describe(self, task: Task) -> dict[str, Any]:
        """Everything about a task, ready for JSON."""
        return {
            "tid": task.tid,
            "license_server": task.server,
            "state": self.state_of(task),
            "finished": task.final_state is not None,
            "error": task.error,
            "submitter": task.submitter,
            "submitted": str(task.submitted_date),
            "begins": task.begins,
            "ends": task.ends,
            "parameters": task.parameters.given,
            "file_name": task.file_name,
            "size": task.size,
            "sha256": task.sha256,
            "content": None if task.content is None else base64.b64encode(task.content).decode(),
            "opaque": task.opaque,
            "log": _plain(asdict(task.summary)),
        }

    def held_by(self, server: int) -> dict[str, Any]:
        """What a license server holds, ready for JSON."""
        tasks = [task for task in self.all() if task.server == server]
        span = self._holdings.time_range(server)
        lines = {"lines": self._holdings.lines(server)} if self.settings.keep_lines else {}
        imports = [task for task in tasks if task.final_state is not None and task.problem is None]
        return {
            "accepted": len(tasks),
            "imports": len(imports),
            "opaque_imports": sum(task.opaque for task in imports),
            "features": {name: asdict(total) for name, total in self._holdings.totals(server).items()},
            "range": None if span is None else [str(moment) for moment in span],
            **lines,
        }

    def _new_task(self, server: int, submitter: str, parameters: ImportParameters, upload: Upload) -> Task:
        settings, now = self.settings, self._clock.now()
        before = [task.ends for task in self._tasks.values() if task.server == server]
        free_at = now if settings.parallel else max(before, default=now)
        begins = max(now + settings.seconds_pending, free_at)
        runs = settings.seconds_running + settings.seconds_per_mib * upload.size / 1024**2
        return Task(
            tid=f"import_{uuid.uuid4()}",
            server=server,
            submitter=submitter,
            parameters=parameters,
            file_name=upload.file_name,
            size=upload.size,
            submitted=now,
            submitted_date=self._clock.date(now).replace(microsecond=0),
            begins=begins,
            ends=begins + runs,
        )

    # Reading the upload, which is slow, and may run in another thread.

    def _read_in_background(self, task: Task, upload: Upload) -> None:
        async def read() -> None:
            await asyncio.to_thread(self._read, task, upload)
            upload.delete()

        reading = asyncio.create_task(read())
        self._reading.add(reading)
        reading.add_done_callback(self._reading_ended)

    def _reading_ended(self, reading: asyncio.Task[None]) -> None:
        self._reading.discard(reading)
        self._notify()
        reading.result()

    def _read(self, task: Task, upload: Upload) -> None:
        task.sha256 = upload.digest()
        if upload.size <= self.settings.keep_bytes:
            task.content = upload.path.read_bytes()
        block = upload.first_block(_FIRST_BLOCK)
        if block and not is_text(block):
            self._read_report_log(task)
        else:
            self._read_debug_log(task, upload)
        task.was_read = True

    def _read_report_log(self, task: Task) -> None:
        """Encrypted: usage is believed to be in it, no denials (FACTS section A.1)."""
        task.opaque = True
        if USAGE not in task.parameters.gather:
            task.problem = "The file contains no denials"

    def _read_debug_log(self, task: Task, upload: Upload) -> None:
        log = DebugLog(gives_lines=self.settings.keep_lines)
        with upload.path.open(encoding="utf-8", errors="replace", newline=None) as lines:
            self._holdings.stage(task.server, task.tid, log.events(lines), set(task.parameters.gather))
        task.summary = log.summary
        if log.summary.lines == 0:
            task.problem = "Unsupported log file format"
        elif log.summary.first is None:
            task.problem = "The log file contains no date"

    # The work, in sandbox time.

    def _catch_up(self) -> None:
        """Finish what is due, in the order in which it ends; a task still being read holds up those behind it."""
        now = self._clock.now()
        due = [task for task in self._tasks.values() if task.final_state is None and task.ends <= now]
        blocked: set[int] = set()
        for task in sorted(due, key=lambda task: task.ends):
            if task.was_read and task.server not in blocked:
                self._finish(task)
            elif not self.settings.parallel:
                blocked.add(task.server)

    def _finish(self, task: Task) -> None:
        task.problem = task.problem or self.settings.problem
        if task.problem is None and not task.opaque:
            self._merge(task)
        if task.problem is not None:
            self._holdings.drop(task.tid)
            task.final_state, task.error = self.settings.failure_state, task.problem
        else:
            task.final_state, task.error = self.settings.final_state or SUCCESS, self.settings.final_error

    def _merge(self, task: Task) -> None:
        kinds = set(task.parameters.gather)
        try:
            self._holdings.merge(task.server, task.tid, kinds, _range(task), task.parameters.merge_policy)
        except OverlapError:
            task.problem = _overlap_message(_range(task))

    def _refuse_overlap(self, task: Task) -> None:
        """As `reject_at_post` says; the data of tasks that are not finished yet are not seen."""
        self._catch_up()
        if task.parameters.merge_policy != "Reject" or task.problem is not None or task.opaque:
            return
        if self._holdings.overlaps(task.server, set(task.parameters.gather), _range(task)):
            self._holdings.drop(task.tid)
            raise RefusedError(200, _overlap_message(_range(task)))


def _range(task: Task) -> Range:
    first, last = task.summary.first, task.summary.last
    assert first is not None, "a log without dates is never merged"
    assert last is not None
    return whole_range(first, last, task.parameters.begin, task.parameters.end)


def _overlap_message(span: Range) -> str:
    return f"Data already exists in the range from {span.begin} to {span.end}"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, datetime) else value for name, value in values.items()}
