# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four calls of Haplo's API for batch import.

Source: the vendor's page "API import" and, where it is silent, the vendor's public source.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from typing import Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    NotSent,
    OutcomeUnknown,
    Refused,
    as_sentence,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import (
    Body,
    encoded_form,
    expecting,
    form_data,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe, request_line
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import IDENTIFIER, Batch, DataFile
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.control_file import ControlFile
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import API_GUIDE

SCHEDULED = "SCHEDULED"
INVALID_CONTROL_FILE = "Invalid control file:"
NOT_PERMITTED = "You are not permitted to perform this action."


class Api:
    """The four calls. Each returns only for an answer in its exact form; status 200 alone means nothing here.

    `path` is where the API usually is. `is_schedule_repeatable`: scheduling twice imports once.
    """

    guide = API_GUIDE
    path = "/api/haplo-data-import-batch"
    identifier = IDENTIFIER
    is_schedule_repeatable = True

    def __init__(self, client: Client, base: str) -> None:
        self._client = client
        self._base = base

    def probe(self) -> None:
        """Find out whether the API is there and lets this user in."""
        try:
            self._client.probe("POST", f"{self._base}/schedule", form={"batch": "-", "mode": "dry-run"})
        except Refused as error:
            raise self._with_advice(error) from error

    def begin(self, batch: Batch) -> str:
        """Begin a new batch, and return its identifier."""
        fields = _without_none(**batch.read_by, comment=batch.comment)
        return self._prepare("batch", encoded_form(fields, _no_commit), self.identifier)

    def upload_control(self, control: ControlFile, comment: str | None) -> None:
        """Upload a control file."""
        commit = expecting(control.content, control.sha256, _no_commit)
        body = form_data("file", control.content, commit, _without_none(comment=comment))
        self._prepare("control", body, control.sha256)

    def upload(self, identifier: str, file: DataFile) -> None:
        """Upload a data file. Haplo takes the last one of a name, so repeating it does no harm."""
        commit = expecting(file.content, file.sha256, _no_commit)
        body = form_data("file", file.content, commit, {"batch": identifier, "name": file.name})
        self._prepare("file", body, file.sha256)

    def schedule(self, identifier: str, dry_run: bool, commit: Callable[[str], None]) -> Answer:
        """Schedule a batch. Haplo takes any mode but exactly `dry-run` for a real import."""
        mode = {"mode": "dry-run"} if dry_run else {}
        body = encoded_form({"batch": identifier, **mode}, commit)
        return self._send("schedule", body, SCHEDULED, is_repeatable=self.is_schedule_repeatable)

    def _prepare(self, step: str, body: Body, form: str) -> str:
        """Take a step that imports nothing. If its answer is lost, nothing was imported."""
        try:
            return self._send(step, body, form).text
        except OutcomeUnknown as error:
            raise NotSent(f"{error.message} The batch was not scheduled.", error.answer) from error

    def _send(self, step: str, body: Body, form: str, *, is_repeatable: bool = True) -> Answer:
        """Send a step. `form` is a regular expression for the answer; its content type does not matter."""
        try:
            answer = self._client.submit("POST", f"{self._base}/{step}", body, is_repeatable=is_repeatable)
        except Refused as error:
            raise self._with_advice(error) from error
        if self._has_form(answer, form):
            return answer
        if _is_not_permitted(answer):
            raise self._with_advice(Refused(describe(answer), answer))
        raise OutcomeUnknown(f"{describe(answer)} That is not how Haplo answers to this; is url its address?", answer)

    def _has_form(self, answer: Answer, form: str) -> bool:
        return answer.status == 200 and answer.is_whole and re.fullmatch(form, answer.text) is not None

    def _with_advice(self, error: Refused) -> Refused:
        """The same refusal, in words that say what to do."""
        answer = error.answer
        if answer is None:
            return error
        if _is_not_permitted(answer):
            advice = "The user of the API key is not in the group that may import batches."
            return Refused(f"{describe(answer)} {NOT_PERMITTED} {advice}", answer, credentials=True)
        if answer.status == 403:  # the advice comes first, as Haplo's answer is long and about cookies
            return Refused(f"{self.guide.advice[403]} {describe(answer)}", answer, credentials=True)
        if answer.status == 404:
            return Refused(f"{describe(answer)} {self.guide.advice[404]}", answer)
        if answer.text.startswith(INVALID_CONTROL_FILE):
            problems = [line.strip() for line in answer.secrets.redact(answer.text).splitlines()[1:]]
            found = f"Haplo finds the control file invalid: {'; '.join(problems)}"
            return Refused(as_sentence(f"{request_line(answer)}: {found}"), answer)
        return error


def checked_api_path(path: str) -> str:
    """The path to the API without a slash at its end. Raises `BadInput` if it is no path."""
    segment = r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+"
    if not re.fullmatch(rf"(/{segment})+/?", path) or re.search(r"/\.\.?(/|$)", path):
        raise BadInput(f"api_path {path!r} is not a path like {Api.path}.")
    return path.rstrip("/")


def says_batch_unknown(answer: Answer | None, identifier: str) -> bool:
    """Whether an answer says that there is no such batch."""
    return _says(answer, f"Batch not found: {identifier}")


def says_control_file_unknown(answer: Answer | None, sha256: str | None) -> bool:
    """Whether an answer says that Haplo does not have the control file."""
    return _says(answer, f"Control file not found: {sha256}")


def says_not_uploading(answer: Answer | None, identifier: str) -> bool:
    """Whether an answer says that a batch is scheduled already, or even running or at its end."""
    return _says(answer, f"Batch {identifier} is not in the 'uploading' state")


def _says(answer: Answer | None, text: str) -> bool:
    """Whether an answer is a refusal in exactly these words."""
    return answer is not None and answer.status == 400 and answer.text.strip() == text


def _is_not_permitted(answer: Answer) -> bool:
    """Whether it is the page that a user without permission gets, with status 200."""
    return "html" in answer.headers.get("content-type", "") and NOT_PERMITTED in answer.text


def _without_none(**texts: str | None) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


def _no_commit(_digest: str) -> None:
    """The commit of a step that imports nothing."""
