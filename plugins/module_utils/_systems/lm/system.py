# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports into a library of Akana Lifecycle Manager: how one is sent, followed, and judged at its end.

An import is over when none of its assets is unpublished. That may never be, as assets may wait for approval. So a count
that has not changed for long enough is an end, too, though not a success.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Attempt,
    ImportsError,
    Outage,
    PollResult,
    Refused,
    Wanted,
    as_text,
    parse_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import (
    UNPUBLISHED,
    has_no_assets,
    is_in_words,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.bad_rows import (
    bad_rows_message,
    notes_on_rows,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.imports import Archive, request_body
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library

EMPTIED = "The library holds no assets any more, so what was imported into it is gone."
NO_ASSETS_OR_EMPTIED = (
    "Lifecycle Manager says that the import is over, but the library holds no assets. Either the archive has none, or"
    " the library was emptied after it was sent."
)
NOT_SUBMITTED = (
    "As submit is false, the assets are not submitted for publication, and Lifecycle Manager does not report when it"
    " has created them."
)


@dataclass(frozen=True)
class SuccessCriteria:
    """What the user takes for good enough, and when.

    `settle_time`: for so many seconds a count must not have changed to be the end.
    """

    allow_parsing_errors: bool = False
    allow_unpublished: bool = False
    settle_time: float = 60


@dataclass(frozen=True)
class UnpublishedCount:
    """A count of unpublished assets, the activity in the library, and since when both are so: by the clock, in UTC."""

    count: int
    activity: tuple[Any, Any] | None
    since: float
    since_text: str


class LifecycleManager:
    """The imports into one library, as the life of an import sees them (`System`).

    `clock` measures for how long a count has not changed, `wall` the same between runs: seconds since 1970.
    """

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def __init__(
        self,
        library: Library,
        criteria: SuccessCriteria | None = None,
        *,
        clock: Clock | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._library = library
        self._clean = library.client.secrets.clean
        self._criteria = criteria or SuccessCriteria()
        self._clock = clock or Clock()
        self._wall = wall
        self._counts: dict[str, UnpublishedCount] = {}
        self._library_status: dict[str, Any] | None = None
        self._may_read_library = True
        self._held_assets = False  # the library, when it was last read
        self._own_runs: set[str] = set()  # the runs of the importer that this process began
        self.remarks: list[str] = []  # what there is to know that is not about one import

    def prepare(self) -> None:
        """Be ready to send."""
        self._library.client.prepare()

    def probe(self) -> None:
        """Ask for the library's status, to see that it can be reached."""
        self._library.probe()

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Send an archive, or where it is. What the server accepts becomes a run of its importer."""
        archive: Archive = wanted.payload
        started = self._library.start_import(request_body(wanted, attempt))
        self._own_runs.add(started.run_id)
        notes = notes_on_rows(started.answer, is_cut=started.is_cut)
        notes = {**notes, "answer": self._clean(notes["answer"]), "held_assets": self._held_assets}
        if archive.options.submit is not False:
            return Accepted(started.run_id, _server(notes), message=bad_rows_message(notes), notes=notes)
        # Nothing will be published, so nothing more can be seen.
        notes["end"] = {"is_submitted": False}
        end = self._end_of(notes)
        return Accepted(started.run_id, end.server, end.state, end.message, notes, end.is_acceptable)

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """How a run is doing. One that is over is judged again, without asking."""
        if "end" in notes:
            return self._end_of(notes)
        run_id = str(remote_id)
        try:
            status = self._library.run_status(run_id, tries=1)
        except Outage as outage:
            outage.conclusion = _conclusion(run_id, outage, notes)
            raise
        count = status[UNPUBLISHED]
        notes = {**notes, "held_assets": count > 0 or self._has_held_assets(notes, count)}
        if count < 0:
            self._counts.pop(run_id, None)
            server = _server(notes, status)
            return PollResult("running", "its assets are not counted yet", server, {**notes, "unpublished": None})
        if count == 0:
            library = self._clean(self._read_library())
            is_own = run_id in self._own_runs
            return self._end_of({**notes, "end": {"status": self._clean(status), "library": library, "is_own": is_own}})
        return self._with_unpublished(run_id, count, status, notes)

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """That the library holds no assets, unless it held none either when the import had succeeded."""
        end = notes.get("end") or {}
        if end.get("is_submitted") is False:
            return ""  # a guess: assets that are not submitted may never be counted
        if has_no_assets(end.get("library")):
            return ""  # the archive had none
        if not self._may_read_library:
            return ""
        try:
            status = self._library.status(tries=1)
        except ImportsError as error:
            self._may_read_library = not isinstance(error, Refused)
            unread = f"Whether the library has lost its assets since could not be read: {error.message}"
            self.remarks += [unread] if notes else []
            return ""
        self._held_assets = not has_no_assets(status)
        return EMPTIED if has_no_assets(status) else ""

    # An import that is over

    def _end_of(self, notes: Mapping[str, Any]) -> PollResult:
        """An import of which nothing is unpublished, or nothing was to be published."""
        end, server = notes["end"], _server(notes)
        if not end.get("is_submitted", True):
            return self._with_bad_rows("scheduled", NOT_SUBMITTED, notes)
        if has_no_assets(end.get("library")) and notes.get("held_assets"):
            return PollResult("failed", f"{EMPTIED} Run again to import it again.", server, notes)
        if has_no_assets(end.get("library")) and not end.get("is_own", True):
            return PollResult("unknown", NO_ASSETS_OR_EMPTIED, server, notes)
        return self._with_bad_rows("succeeded", "", notes)

    def _with_bad_rows(self, state: str, message: str, notes: Mapping[str, Any]) -> PollResult:
        """This state, unless there were rows that did not parse."""
        server, bad_rows = _server(notes), bad_rows_message(notes)
        if not bad_rows:
            return PollResult(state, message, server, notes)
        is_acceptable = self._criteria.allow_parsing_errors
        return PollResult("incomplete", f"{bad_rows} {message}".rstrip(), server, notes, is_acceptable)

    # An import with unpublished assets

    def _with_unpublished(self, run_id: str, count: int, status: Any, notes: Mapping[str, Any]) -> PollResult:
        """Running, until the count has not changed for so long that it is the end, for now."""
        unpublished = self._unpublished_since(run_id, count, notes.get("unpublished"))
        server = _server(notes, status, self._library_status)
        notes = {**notes, "unpublished": {"count": count, "since": unpublished.since_text}}
        criteria = self._criteria
        if self._clock.now() - unpublished.since < criteria.settle_time:
            return PollResult("running", f"{_assets(count)} not published yet", server, notes)
        message = (
            f"{_assets(count)} not published, and that has not changed for {criteria.settle_time:g} s (settle_time);"
            " they may wait for approval. The next run looks again and imports nothing."
        )
        bad_rows = bad_rows_message(notes)
        is_acceptable = criteria.allow_unpublished and (not bad_rows or criteria.allow_parsing_errors)
        return PollResult("incomplete", f"{message} {bad_rows}".rstrip(), server, notes, is_acceptable)

    def _unpublished_since(self, run_id: str, count: int, noted: Mapping[str, Any] | None) -> UnpublishedCount:
        """The count, and since when it has not changed in a library at rest.

        A library is busy while its numbers of requests and events differ from those of the poll before. That there are
        some means nothing: those of assets that wait for approval stay. An earlier run's note of the same count is
        believed, whatever went on in the library since.
        """
        known, now = self._counts.get(run_id), self._clock.now()
        if known is None and noted is not None and noted.get("count") == count:
            since = str(noted.get("since"))
            known = UnpublishedCount(count, None, now - self._age(since), since)
        if known is None or known.count != count:
            found = UnpublishedCount(count, None, now, self._utc_now())
        else:
            activity = _activity(self._read_library())
            is_busy = None not in (known.activity, activity) and known.activity != activity
            times = (now, self._utc_now()) if is_busy else (known.since, known.since_text)
            found = UnpublishedCount(count, known.activity if activity is None else activity, *times)
        self._counts[run_id] = found
        return found

    def _age(self, since: str) -> float:
        """How many seconds ago an earlier run noted something; 0 if its clock was ahead."""
        try:
            noted = parse_time(since).timestamp()
        except ValueError:
            return 0.0
        return max(0.0, self._wall() - noted)

    def _utc_now(self) -> str:
        return as_text(datetime.fromtimestamp(self._wall(), timezone.utc))

    # The library

    def _has_held_assets(self, notes: Mapping[str, Any], count: int) -> bool:
        """Whether the library held assets at any time since right before the import was sent, as far as was seen."""
        if notes.get("held_assets") or count == 0:
            return bool(notes.get("held_assets"))
        status = self._read_library()
        return status is not None and not has_no_assets(status)

    def _read_library(self) -> dict[str, Any] | None:
        """The library's status, where it can be read. Once that was refused, it is not asked again."""
        if not self._may_read_library:
            return None
        try:
            self._library_status = self._library.status(tries=1)
        except Refused:
            self._may_read_library = False
            return None
        except Outage:
            return None
        return self._library_status


def _conclusion(run_id: str, outage: Outage, notes: Mapping[str, Any]) -> PollResult | None:
    """The result if this is still the answer when the waiting ends: a server that says so in words has no status."""
    if outage.answer is None or outage.answer.status not in (200, 500) or not is_in_words(outage.answer):
        return None
    message = f"Lifecycle Manager does not report how run {run_id} is doing: {outage.message}"
    return PollResult("unknown", message, _server(notes))


def _server(notes: Mapping[str, Any], status: Any = None, library: Any = None) -> dict[str, Any]:
    """The vendor's last answers, as they are in the result."""
    end = notes.get("end") or {}
    return {
        "import": notes.get("answer"),
        "status": status or end.get("status"),
        "library": library or end.get("library"),
    }


def _activity(library_status: Mapping[str, Any] | None) -> tuple[Any, Any] | None:
    """How many requests and events there are, where that is known."""
    return (
        None if library_status is None else (library_status.get("activeRequests"), library_status.get("pendingEvents"))
    )


def _assets(count: int) -> str:
    return "1 asset is" if count == 1 else f"{count} assets are"
