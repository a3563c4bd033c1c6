# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo's standard batch import: an import of a kind whose control file is fixed in the application.

Source: the vendor's page "Standard batch import API", and nothing else: the server side is not public. Documented are
three requests, and what they answer where all is well. The platform below is that of batch import, and so are its
answers about keys and paths. That the rest is as in batch import is a guess: how an identifier looks, that a batch is
scheduled once, and all words of errors. So no answer is taken but in the documented form; what others there are is
shown as it came, and never taken for more than it says; and since nobody knows whether scheduling twice imports twice,
a batch whose answer was lost is not scheduled again unless the user says so.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import (
    GUIDE,
    Api,
    Batch,
    HaploBatches,
    Scheduling,
    check_text,
    says_not_found,
    says_not_uploading,
)

PAGES = "Tools > Data import > Standard Batch APIs"
JOBS = f"{PAGES} > Standard Batch API jobs"  # at which URL nobody outside the vendor knows
NEW_KEY = f"{PAGES} > Create API key..."
STANDARD_GUIDE = replace(
    GUIDE,
    meanings={**GUIDE.meanings, "api_key": f"an API key for standard batch import ({NEW_KEY})"},
    missing=(
        "There is no such API. {url} has to be the address of the application, without /api and without its pages"
        " below /do. Or Haplo may lack the plugin for standard batch import, or has it elsewhere than at {api_path}."
    ),
    credentials=(
        "The API key was refused: {api_key}. It may be wrong, of a blocked user, or made for another path than that of"
        " the API, as those for batch import with a control file are; and after fifty wrong ones Haplo lets nobody in"
        f" from this host for five minutes. The right one is made in Haplo ({NEW_KEY})."
    ),
)
WHAT_IS_A_KIND = f"Is kind right? It is the identifier that Haplo shows on the page of that API, below {PAGES}."
ABOUT_THE_KIND = (200, 400, 500)  # statuses with which Haplo may mean that there is no such kind: how is not documented


class StandardApi(Api):
    """Its three calls."""

    guide = STANDARD_GUIDE
    path = "/api/haplo-data-import-standard-api"
    identifier = "[A-Za-z0-9_-]{16,128}"  # in batch import there are 44; which is a guess here
    is_schedule_repeatable = False

    def begin(self, batch: Batch) -> str:
        """The identifier of a new batch."""
        try:
            return super().begin(batch)
        except (Refused, NotSent) as error:
            if error.affects_all or error.answer is None or error.answer.status not in ABOUT_THE_KIND:
                raise
            raise type(error)(f"{error.message} {WHAT_IS_A_KIND}", error.answer) from error

    def _has_form(self, answer: Answer, form: str) -> bool:
        is_text = answer.headers.get("content-type", "").lower().startswith("text/plain")
        return is_text and super()._has_form(answer, form)


class StandardBatches(HaploBatches):
    """A Haplo application and its standard batch import, as the life of an import sees it (`System`).

    An attempt notes what one at a plain batch does, and a later one goes on from there.
    """

    def probe(self) -> None:
        """Ask to schedule a batch that cannot be.

        How that is answered is not documented. So where more than this question is sent, only what says no to the key
        counts: the first step of a batch asks the same, and leaves nothing in doubt either.
        """
        try:
            super().probe()
        except (Refused, Outage) as error:
            if self._client.check_mode or error.affects_all:
                raise

    def _is_gone(self, error: Refused, batch: Batch, notes: Mapping[str, Any]) -> bool:
        """Also where a file is refused for it, in whatever words: it was not to be scheduled yet."""
        if "batch" not in notes:  # it is left to the next run
            return False
        was_uploading = len(notes["files"]) < len(batch.files)
        return (was_uploading and _is_no(error)) or super()._is_gone(error, batch, notes)

    def _new_batch(self, batch: Batch) -> str:
        return self._api.begin(batch)

    def _schedule(self, batch: Batch, attempt: Attempt, scheduling: Scheduling) -> Accepted:
        """Schedule, once. What does not tell whether it was scheduled by an attempt before leaves that unknown.

        A no to a batch that was certainly not scheduled before may hold for it for ever: the next run begins another.
        """
        identifier = attempt.notes["batch"]
        try:
            answer = self._api.schedule(identifier, batch.dry_run, scheduling.begin)
        except (Refused, NotSent) as error:
            if says_not_uploading(error.answer, identifier):  # in the words of batch import, which say it plainly
                return self._accepted(batch, attempt, error.answer, is_new=scheduling.is_by_this_run)
            if scheduling.is_told_by(error):
                is_final = _is_no(error) and not says_not_found(error.answer, identifier)
                attempt.note({} if is_final else {"batch": identifier, "files": attempt.notes["files"]})
                raise
            message = (
                f"{error.message} Whether batch {identifier} was scheduled by an attempt before is not known by that."
                " If it is not there at all, force=true begins another one."
            )
            raise OutcomeUnknown(message, error.answer, is_new=scheduling.untold_after(error) > 0) from error
        return self._accepted(batch, attempt, answer, is_new=True)

    def _place(self, identifier: str) -> str:
        return f"Its log is at {self._url} in {JOBS}: batch {identifier}"


def where_to_look(notes: Mapping[str, Any]) -> str:
    """Where a person finds out whether a batch was scheduled, by the notes of its attempt."""
    return f"Look for batch {notes['batch']} in {JOBS}."


def check_kind(kind: str) -> None:
    """Raise `BadInput` for what cannot be a kind of standard batch import."""
    check_text("kind", kind)
    if "\n" in kind or "\t" in kind:
        raise BadInput("kind holds a line break or a tab; it is one line, such as example-standard-api.")


def _is_no(error: Refused | NotSent) -> bool:
    """Whether it is Haplo's no to what was sent, in whatever words, and not one about keys, paths and addresses."""
    return error.answer is not None and error.answer.status == 400
