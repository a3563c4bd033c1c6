# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo's standard batch import: an import of a kind whose control file is fixed in the application.

Source: the vendor's page "Standard batch import API" and nothing else, as the server side is not public. It documents
three requests, and their answers where all goes well. Keys and paths are handled by the platform, as in batch import.
That the rest is as in batch import is a guess: how an identifier looks, that a batch is scheduled once, and the words
of all errors. So an answer is accepted only in the documented form. Any other answer is shown as it came, and never
taken for more than it says. As nobody knows whether scheduling twice imports twice, a batch whose answer was lost is
not scheduled again unless the user says so.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Attempt,
    BadInput,
    NotSent,
    Outage,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.api import (
    Api,
    says_batch_unknown,
    says_not_uploading,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import Batch
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import (
    JOBS_MENU,
    MENU,
    STANDARD_GUIDE,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.system import HaploBatches, Scheduling
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.texts import check_text

KIND_ADVICE = f"Is kind right? It is the identifier that Haplo shows on the page of that API, below {MENU}."
KIND_STATUSES = (200, 400, 500)  # HTTP statuses that may mean that there is no such kind; it is not documented


class StandardApi(Api):
    """The three calls of standard batch import."""

    guide = STANDARD_GUIDE
    path = "/api/haplo-data-import-standard-api"
    identifier = "[A-Za-z0-9_-]{16,128}"  # a guess; in batch import there are 44 characters
    is_schedule_repeatable = False

    def begin(self, batch: Batch) -> str:
        """Begin a new batch, and return its identifier."""
        try:
            return super().begin(batch)
        except (Refused, NotSent) as error:
            if error.affects_all or error.answer is None or error.answer.status not in KIND_STATUSES:
                raise
            raise type(error)(f"{error.message} {KIND_ADVICE}", error.answer) from error

    def _has_form(self, answer: Answer, form: str) -> bool:
        is_text = answer.headers.get("content-type", "").lower().startswith("text/plain")
        return is_text and super()._has_form(answer, form)


class StandardBatches(HaploBatches):
    """Standard batch import of a Haplo application as a `System`. An attempt notes the same as in batch import."""

    def probe(self) -> None:
        """Ask to schedule a batch that cannot exist.

        The answer to that is not documented. So if an import follows, only a refusal of the key counts: the first step
        of a batch shows as well whether the API is there, and leaves nothing in doubt either.
        """
        try:
            super().probe()
        except (Refused, Outage) as error:
            if self._client.check_mode or error.affects_all:
                raise

    def _is_gone(self, error: Refused, batch: Batch, notes: Mapping[str, Any]) -> bool:
        """Also if a file is refused, in whatever words, as the batch was not to be scheduled yet."""
        if "batch" not in notes:  # the next run begins another one
            return False
        was_uploading = len(notes["files"]) < len(batch.files)
        return (was_uploading and _is_refusal(error)) or super()._is_gone(error, batch, notes)

    def _new_batch(self, batch: Batch) -> str:
        return self._api.begin(batch)

    def _schedule(self, batch: Batch, attempt: Attempt, scheduling: Scheduling) -> Accepted:
        """Schedule once. An answer that does not say whether an earlier attempt scheduled the batch leaves it unknown.

        A refusal of a batch that was certainly not scheduled before may be final, so the next run begins another one.
        """
        identifier = attempt.notes["batch"]
        try:
            answer = self._api.schedule(identifier, batch.dry_run, scheduling.begin)
        except (Refused, NotSent) as error:
            if says_not_uploading(error.answer, identifier):  # the words of batch import, which are clear
                return self._accepted(batch, attempt, error.answer, is_new=scheduling.is_by_this_run)
            if scheduling.rules_out_scheduling(error):
                is_final = _is_refusal(error) and not says_batch_unknown(error.answer, identifier)
                attempt.note({} if is_final else {"batch": identifier, "files": attempt.notes["files"]})
                raise
            message = (
                f"{error.message} Whether batch {identifier} was scheduled by an attempt before is not known by that."
                " If it is not there at all, force=true begins another one."
            )
            raise OutcomeUnknown(message, error.answer, is_new=scheduling.unanswered_after(error) > 0) from error
        return self._accepted(batch, attempt, answer, is_new=True)

    def _where_to_find(self, identifier: str) -> str:
        return f"Its log is at {self._url} in {JOBS_MENU}: batch {identifier}"


def where_to_look(notes: Mapping[str, Any]) -> str:
    """Where a person can look whether a batch was scheduled, by the notes of its attempt."""
    return f"Look for batch {notes['batch']} in {JOBS_MENU}."


def check_kind(kind: str) -> None:
    """Raise `BadInput` for what cannot be a kind of standard batch import."""
    check_text("kind", kind)
    if "\n" in kind or "\t" in kind:
        raise BadInput("kind holds a line break or a tab; it is one line, such as example-standard-api.")


def _is_refusal(error: Refused | NotSent) -> bool:
    """Whether Haplo refused what was sent, in whatever words, and not the key, the path or the address."""
    return error.answer is not None and error.answer.status == 400
