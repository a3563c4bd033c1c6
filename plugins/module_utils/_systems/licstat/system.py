# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""X-Formation License Statistics: its import call and its tasks.

Source: the vendor's page "API for importing license server data" (v6.21). What it does not say is a guess, and marked
so here. The guesses are made so that a wrong one leads to a failure that is reported, never to a false success.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Attempt,
    NotSent,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
    as_sentence,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import date_of, json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import checked_commit, form_data
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import GUIDE
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import (
    CLOCKS_DIFFER,
    ImportOptions,
    LogUpload,
)

# PENDING and SUCCESS are documented. The names of failures are guesses; any other state counts as still running.
SUCCEEDED = "SUCCESS"
WAITING = "PENDING"
FAILED = ("FAILURE", "FAILED", "ERROR", "CANCELED", "CANCELLED", "REVOKED", "ABORTED", "REJECTED")

NO_TASK = "import_00000000-0000-0000-0000-000000000000"


class LicenseStatistics:
    """A License Statistics server, as the life of an import sees it (`System`).

    `api_version` is `v3` (from License Statistics 6.14 on) or `v2` (from 6.11 on).
    """

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def __init__(self, client: Client, api_version: str) -> None:
        self._client = client
        self._base = f"/api/{api_version}/admin"
        self._server_time: datetime | None = None  # by the server's clock, when it was asked first

    def prepare(self) -> None:
        """Be ready to send."""
        self._client.prepare()

    def probe(self) -> None:
        """Ask about a task that does not exist; what the server answers to that is not documented."""
        self._server_time = date_of(self._client.probe("POST", self._status_path(NO_TASK)))

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Upload a log. What the server accepts becomes a task in its queue."""
        upload: LogUpload = wanted.payload
        self._check_range_is_over(upload.options)
        body = form_data("file", upload.content, checked_commit(upload.content, wanted.content_sha256, attempt.commit))
        path = f"{self._base}/license-server/{upload.options.license_server_id}/import"
        answer = self._client.submit("POST", path, body, upload.options.query())
        data = _data_of(answer)
        if data is None:
            raise OutcomeUnknown(
                f"{describe(answer)} That is not the answer to an import; is {GUIDE.named('url')} its address?",
                answer,
            )
        task = data.get("ti")
        task_id = as_task_id(task.get("tid")) if isinstance(task, dict) else None
        if task_id is None:
            raise OutcomeUnknown(f"{describe(answer)} It names no task, so the import cannot be followed.", answer)
        return Accepted(task_id, data)

    def _check_range_is_over(self, options: ImportOptions) -> None:
        """Raise `NotSent` for a time range that goes on by the clock of the server, whatever the one here says."""
        now = self._server_time
        if options.is_window and now is not None and not options.is_over(now + CLOCKS_DIFFER):
            raise NotSent(
                f"The time range up to {options.end} is not over by the clock of the server, where it is"
                f" {now.astimezone(options.zone):%Y-%m-%d %H:%M:%S} in the zone of {GUIDE.named('timezone')}."
                " Check the clock of this host, and that of the server."
            )

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """How an upload that became a task is doing."""
        return self.task(str(remote_id))

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """There is no evidence that what was imported is gone."""
        return ""

    def task(self, task_id: str) -> PollResult:
        """How a task is doing. The vendor wants this question by POST."""
        try:
            answer = self._client.ask("POST", self._status_path(task_id), tries=1)
            task = _data_of(answer)
        except Refused as error:
            if error.answer is None or error.answer.status not in (200, 404):
                raise
            # How long a finished task can be asked for is not known. The advice about a wrong address is left out,
            # as the upload has reached it.
            return PollResult(
                "unknown", f"the server does not know task {task_id} any more: {describe(error.answer)}", None
            )
        if task is None or task.get("tid") not in (None, task_id):
            raise Outage(f"{describe(answer)} That is not the status of task {task_id}.", answer)
        return _poll_result(task)

    def _status_path(self, task_id: str) -> str:
        return f"{self._base}/task/{quote(task_id, safe='')}/status"


def as_task_id(value: object) -> str | None:
    """The value, if it can be the id of a task: one segment of a path, since that is where it is put."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and not set(value) <= set(" ."):
        return value
    return None


def _data_of(answer: Answer) -> dict[str, Any] | None:
    """The `data` of an answer that reports success; None where it reports nothing. Raises `Refused` for a failure."""
    try:
        envelope = json_object(answer)
    except ValueError:
        return None
    if envelope.get("success") is False:
        raise Refused(f"{describe(answer)} License Statistics reports no success.", answer)
    data = envelope.get("data")
    return data if envelope.get("success") is True and isinstance(data, dict) else None


def _poll_result(task: Mapping[str, Any]) -> PollResult:
    """What the state of a task means. An error counts whatever the state says."""
    state, error = task.get("sts"), task.get("err")
    if error is not None:
        words = "an error without a message" if error == "" else error
        return PollResult("failed", as_sentence(f"License Statistics says: {words}"), dict(task))
    if state == SUCCEEDED:
        return PollResult("succeeded", "", dict(task))
    if state in FAILED:
        return PollResult("failed", f"the task ended in state {state}, without a reason", dict(task))
    message = "" if state == WAITING else f"the state {state!r} is not documented and taken as still running"
    return PollResult("running", message, dict(task), server_words=str(state))
