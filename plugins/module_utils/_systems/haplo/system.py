# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batch import into Haplo, step by step: from a control file to a batch that is scheduled.

Scheduling is the only step that imports anything. All steps before it may be repeated, and repeating it shows whether
it was done before. The API does not say what became of a batch: `scheduled` is all that can be known, unless there is
a key for the pages of batches (see `outcome`).

This is batch import with a control file that is sent; `standard` is batch import with one that the application has.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Attempt,
    NotSent,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.api import (
    Api,
    says_batch_unknown,
    says_control_file_unknown,
    says_not_uploading,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import Batch
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.outcome import (
    BatchOutcomes,
    where_to_find,
)

SCHEDULE_TRIES = 3  # if an answer is unclear; if an answer is lost, the client repeats the request


class HaploBatches:
    """A Haplo application as a `System`.

    `url` is where its pages are. `outcomes` reads what became of batches, if there is a key for that.

    An attempt notes the batch it has begun (`batch`), the files that Haplo has acknowledged (`files`, by name), and
    that it came to the point of scheduling (`scheduling`). A later attempt goes on from there, unless an error stopped
    the batch (`stopped`).
    """

    def __init__(self, client: Client, url: str, api: Api, outcomes: BatchOutcomes | None = None) -> None:
        self.secrets = client.secrets
        self._client = client
        self._api = api
        self._url = url
        self._outcomes = outcomes
        self.reads_outcomes = outcomes is not None
        self.is_repeatable = api.is_schedule_repeatable
        self.best_end = "scheduled" if outcomes is None else "succeeded"
        self.polled_again: tuple[str, ...] = () if outcomes is None else ("scheduled", "incomplete")

    def prepare(self) -> None:
        """Be ready to send."""
        self._client.prepare()

    def probe(self) -> None:
        """Ask to schedule a batch that cannot exist, as no identifier is that short. So nothing is scheduled."""
        self._api.probe()
        if self._outcomes is not None:
            self._outcomes.probe()

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Send what Haplo has not acknowledged yet of a batch, and schedule it."""
        commit = _commit_once(wanted, attempt)
        if "batch" in attempt.notes and not attempt.notes.get("stopped"):
            try:
                return self._finish(wanted.payload, attempt, commit)
            except Refused as error:
                if not self._is_gone(error, wanted.payload, attempt.notes):
                    raise
        attempt.note({"batch": self._new_batch(wanted.payload), "files": []})
        return self._finish(wanted.payload, attempt, commit)

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """How a batch is doing, by its page. Without a key for that, it is known to be scheduled and no more."""
        identifier = str(remote_id)
        if self._outcomes is None:
            return PollResult("scheduled", self._scheduled_message(identifier, bool(notes.get("dry_run"))), None)
        return self._outcomes.poll(identifier, notes)

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """None: Haplo has no way to find out that what was imported is there no more."""
        return ""

    def _is_gone(self, error: Refused, batch: Batch, notes: Mapping[str, Any]) -> bool:
        """Whether the batch that was begun before is there no more, so that another one has to be begun."""
        return says_batch_unknown(error.answer, notes["batch"])

    def _new_batch(self, batch: Batch) -> str:
        """Begin a batch. If Haplo answers that it does not have the control file, upload that first."""
        try:
            return self._api.begin(batch)
        except Refused as error:
            if not says_control_file_unknown(error.answer, batch.control_sha256):
                raise
            if batch.control is None:
                advice = "Give the control file itself with control, so that it is uploaded."
                raise Refused(f"{error.message} {advice}", error.answer) from error
        self._api.upload_control(batch.control, batch.control_comment)
        return self._api.begin(batch)

    def _finish(self, batch: Batch, attempt: Attempt, commit: Callable[[], None]) -> Accepted:
        """Upload the files that are missing, one after the other as parallel ones get lost, and schedule."""
        for file in batch.files:
            if file.name not in attempt.notes["files"]:
                self._api.upload(attempt.notes["batch"], file)
                attempt.note({**attempt.notes, "files": [*attempt.notes["files"], file.name]})
        was_tried = "scheduling" in attempt.notes
        if not was_tried:
            attempt.note({**attempt.notes, "scheduling": True})
        return self._schedule(batch, attempt, Scheduling(commit, was_tried=was_tried))

    def _schedule(self, batch: Batch, attempt: Attempt, scheduling: Scheduling) -> Accepted:
        """Schedule, again and again until an answer says whether the batch is scheduled."""
        identifier = attempt.notes["batch"]
        while True:
            try:
                answer = self._api.schedule(identifier, batch.dry_run, scheduling.begin)
            except OutcomeUnknown as error:
                if error.answer is not None and scheduling.tries < SCHEDULE_TRIES:
                    continue
                raise
            except (Refused, NotSent) as error:
                if says_not_uploading(error.answer, identifier):
                    return self._accepted(batch, attempt, error.answer, is_new=scheduling.is_by_this_run)
                if says_batch_unknown(error.answer, identifier):
                    raise
                if scheduling.rules_out_scheduling(error):
                    attempt.note({"batch": identifier, "files": attempt.notes["files"]})
                    raise
                message = f"{error.message} Whether batch {identifier} was scheduled before that is not known."
                raise OutcomeUnknown(message, error.answer, is_new=scheduling.unanswered_after(error) > 0) from error
            return self._accepted(batch, attempt, answer, is_new=True)

    def _accepted(self, batch: Batch, attempt: Attempt, answer: Answer | None, *, is_new: bool) -> Accepted:
        identifier = str(attempt.notes["batch"])
        server_words = answer.text if answer else None
        notes = {**attempt.notes, "dry_run": batch.dry_run}
        if self._outcomes is not None:
            return Accepted(identifier, server_words, notes=notes, is_new=is_new)
        message = self._scheduled_message(identifier, batch.dry_run)
        return Accepted(identifier, server_words, "scheduled", message, notes=notes, is_new=is_new)

    def _scheduled_message(self, identifier: str, dry_run: bool) -> str:
        """The message that a batch is scheduled, and where a person finds it."""
        what = "The dry run" if dry_run else "The import"
        return f"{what} is scheduled; Haplo's API does not say how it goes. {self._where_to_find(identifier)}"

    def _where_to_find(self, identifier: str) -> str:
        return where_to_find(self._url, identifier)


class Scheduling:
    """How often a batch was scheduled, and so what an answer means.

    `was_tried`: an earlier attempt came to this point, so the batch may be scheduled already.
    """

    def __init__(self, commit: Callable[[], None], *, was_tried: bool) -> None:
        self._commit = commit
        self._was_tried = was_tried
        self.tries = 0

    def begin(self, _digest: str) -> None:
        """The request is about to be sent."""
        self._commit()
        self.tries += 1

    @property
    def is_by_this_run(self) -> bool:
        """Where Haplo says that the batch is scheduled already: whether this run did it, or may have done it."""
        return not self._was_tried or self.tries > 1

    def rules_out_scheduling(self, error: Refused | NotSent) -> bool:
        """Whether it is certain that the batch is not scheduled."""
        return not self._was_tried and self.unanswered_after(error) == 0

    def unanswered_after(self, error: Refused | NotSent) -> int:
        """How many requests of this run have no known outcome. A refusal answers the last one."""
        return max(0, self.tries - isinstance(error, Refused))


def _commit_once(wanted: Wanted, attempt: Attempt) -> Callable[[], None]:
    """The commit of an attempt, for a request that may be sent more than once."""
    is_committed = False

    def commit() -> None:
        nonlocal is_committed
        if not is_committed:
            attempt.commit(wanted.content_sha256)
        is_committed = True

    return commit
