# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo: a batch import from its control file to its schedule, and what makes two of them the same.

Source: the vendor's page "API import" and, where it is silent, the vendor's public source. Scheduling is the only step
that imports anything; all before it may be repeated, and repeating it tells whether it was done before. What became of
a batch cannot be asked over the API: `scheduled` is the end of what can be known, unless there is a key for the pages
of batches (see `haplo_outcome`).

This is batch import by a control file that is sent; `haplo_standard` is the one by a control file of the application.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Attempt,
    BadInput,
    NotSent,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
    as_sentence,
    identity_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, Interrupted
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import (
    Body,
    checked_commit,
    encoded_form,
    form_data,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe, request_line
from ansible_collections.assetops.imports.plugins.module_utils._systems import haplo_pages
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_outcome import Outcomes, place_of

SYSTEM = "haplo"
USER = "haplo"  # whoever the key belongs to
OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "api_key": {"type": "str", "required": True, "no_log": True},
    "outcome_api_key": {"type": "str", "no_log": True},
    "api_path": {"type": "str"},
}
ENVIRONMENT = {**haplo_pages.ENVIRONMENT, "api_key": "HAPLO_API_KEY"}
GUIDE = Guide(
    system=SYSTEM,
    environment=ENVIRONMENT,
    meanings={
        **haplo_pages.GUIDE.meanings,
        "api_key": "an API key for batch import (System management > Users > SRV > Batch data import access)",
    },
    api=haplo_pages.GUIDE.api,
    missing=(
        "There is no such API. {url} has to be the address of the application, without /api and without its pages"
        " below /do. Or Haplo may lack the plugin for batch import, or has it elsewhere than at {api_path}."
    ),
    credentials=(
        "The API key was refused: {api_key}. It may be wrong, of a blocked user, or made for another path than that of"
        " the API, as those for standard batch import (kind) are; and after fifty wrong ones Haplo lets nobody in from"
        " this host for five minutes. The right one is made in Haplo (System management > Users > SRV > Batch data"
        " import access)."
    ),
)

LARGEST_DOCUMENT = 16 * 1024 * 1024  # bytes that Haplo reads of a control file, and of a data file by READ_AT_ONCE
READ_AT_ONCE = ("json", "tsv-with-name-row")
INHERITED = frozenset(  # what every object of JavaScript has, and Haplo would take for an entry of a control file
    (
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toSource"),
        *("toString", "valueOf", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    )
)
LARGEST_TEXT = 64 * 1024  # bytes of a text in a form
REQUIRED = ("dataImportControlFileVersion", "model", "instructions", "files")  # properties of a control file
DATA_FILE = "; this looks like a data file, which belongs in files, while control tells how to read it"
ANY_NAME = "DEFAULT"  # in a control file: the entry for files that have none of their own

SHA256 = "[0-9a-f]{64}"
SCHEDULED = "SCHEDULED"
INVALID_CONTROL_FILE = "Invalid control file:"
NOT_PERMITTED = "You are not permitted to perform this action."
SCHEDULE_TRIES = 3  # where an answer does not tell; lost ones the client repeats itself


@dataclass(frozen=True)
class ControlFile:
    """A control file that Haplo may take: its digest in hexadecimal, and what is in it.

    `files` are its entries for data files, by name.
    """

    content: Content
    sha256: str
    properties: Mapping[str, Any]

    @property
    def files(self) -> Mapping[str, Any]:
        return dict(self.properties["files"])

    def entry(self, name: str) -> Mapping[str, Any]:
        """How a file of that name is read. Raises `BadInput` where Haplo would not know, and import nothing."""
        files = self.properties["files"]
        if name not in files and (ANY_NAME not in files or name in INHERITED):
            known = ", ".join(sorted(files)) or "none"
            raise BadInput(f"files: {name!r} is not in the control file {self.content.source}, which names {known}.")
        return dict(files[name if name in files else ANY_NAME])

    def check_size(self, name: str, content: Content) -> None:
        """Raise `BadInput` for a data file that Haplo would take and then not import, since it is too large."""
        reader = self.entry(name)["read"]
        if reader in READ_AT_ONCE and content.size > LARGEST_DOCUMENT:
            raise BadInput(
                f"files: {content.source} has {content.size} bytes; of {reader} Haplo reads no file of more than"
                f" {LARGEST_DOCUMENT} bytes. Split it, and give the parts names of their own."
            )

    def check_complete(self, names: Collection[str], where: str) -> None:
        """Raise `BadInput` where a file that it names is not among these; Haplo would import the others in silence."""
        missing = [name for name in self.files if name not in names and name != ANY_NAME]
        if missing:
            raise BadInput(
                f"{where}: {self.content.name} names {_listed(self.files)}, and there is no file for"
                f" {_listed(missing)}; there is {_listed(names)}. Nothing of it is sent until it is whole; if files may"
                " be missing, set allow_missing_files to true."
            )


@dataclass(frozen=True)
class DataFile:
    """A file of a batch, by the name that the control file has for it."""

    name: str
    content: Content
    sha256: str


@dataclass(frozen=True)
class Batch:
    """What is sent for one import. `control` is None for one that Haplo has already.

    `kind` is one of standard batch import, whose control file is fixed in the application; nothing is known of it then.
    """

    control_sha256: str | None
    control: ControlFile | None
    files: tuple[DataFile, ...]
    dry_run: bool = False
    comment: str | None = None
    control_comment: str | None = None
    feed: str | None = None
    kind: str | None = None

    @property
    def read_by(self) -> dict[str, str | None]:
        """What tells Haplo how to read the files, as it is called in its API: a control file's digest, or a kind."""
        return {"control": self.control_sha256} if self.kind is None else {"kind": self.kind}

    @property
    def content_sha256(self) -> str:
        """One digest for all: over the canonical JSON of `read_by` and the digests of the files by name."""
        return identity_of(**self.read_by, files={file.name: file.sha256 for file in self.files})


def control_file(content: Content, option: str = "control") -> ControlFile:
    """The control file in there. Raises `BadInput` for one that Haplo would not take, or could do nothing with.

    `option` is what it was named in.

    Actions, models and readers are Haplo's business: its plugins add to them.
    """
    if content.size > LARGEST_DOCUMENT:
        raise BadInput(f"{option}: {content.source} has more than the {LARGEST_DOCUMENT} bytes that Haplo reads.")
    try:
        data = b"".join(content.blocks())
        properties = _properties_of(data)
    except Interrupted as error:
        raise BadInput(f"{option}: {error.message} Nothing was sent.") from error
    except ValueError as error:
        raise BadInput(as_sentence(f"{option}: {content.source} is no control file: {error}")) from error
    return ControlFile(content, hashlib.sha256(data).hexdigest(), properties)


def check_text(option: str, text: str | None) -> None:
    """Raise `BadInput` for a text that no form of Haplo's takes; None is not sent."""
    if text is None:
        return
    if not text.strip():
        raise BadInput(f"{option} is empty.")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise BadInput(f"{option} holds characters that are no UTF-8.") from None
    if size > LARGEST_TEXT:
        raise BadInput(f"{option} has {size} bytes; Haplo takes {LARGEST_TEXT}.")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        raise BadInput(f"{option} holds a control character.")


def api_base(path: str) -> str:
    """The path to the API, without a slash at its end. Raises `BadInput` for what is no path."""
    segment = r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+"
    if not re.fullmatch(rf"(/{segment})+/?", path) or re.search(r"/\.\.?(/|$)", path):
        raise BadInput(f"api_path {path!r} is not a path like {Api.path}.")
    return path.rstrip("/")


def wanted_batch(
    server: str,
    source: str,
    batch: Batch,
    check: Callable[[], None] | None = None,
    where: Callable[[Mapping[str, Any]], str] | None = None,
) -> Wanted:
    """The import of one batch. `server` is the base URL in its one spelling, or the name given to that target.

    `check` reads its files before they are sent, `where` tells where to look for it (see `Wanted`).
    """
    parts = {"system": SYSTEM, "server": server, "dry_run": batch.dry_run}
    default_feed = {**batch.read_by, "files": sorted(file.name for file in batch.files)}
    kind = {} if batch.kind is None else {"kind": batch.kind}
    return Wanted(
        key=identity_of(**parts, content=batch.content_sha256, feed=batch.feed),
        system=SYSTEM,
        target=server,
        stream=identity_of(**parts, feed=batch.feed or default_feed),
        source=source,
        size=sum(file.content.size for file in batch.files),
        content_sha256=batch.content_sha256,
        options={"dry_run": batch.dry_run, "feed": batch.feed, **kind},
        payload=batch,
        check=check,
        where=where,
    )


class HaploBatches:
    """A Haplo application, as the life of an import sees it (`System`).

    `url` is where its pages are. `outcomes` tells what became of batches, where there is a
    key for that.

    An attempt notes the batch it has begun (`batch`), the files that Haplo has acknowledged (`files`, by name), and
    that it came to the point of scheduling (`scheduling`). A later attempt goes on from there, unless the batch was
    stopped by an error (`stopped`).
    """

    def __init__(self, client: Client, url: str, api: Api, outcomes: Outcomes | None = None) -> None:
        self._client = client
        self._api = api
        self._url = url
        self._outcomes = outcomes
        self.is_repeatable = api.is_schedule_repeatable
        self.best_end = "scheduled" if outcomes is None else "succeeded"
        self.polled_again: tuple[str, ...] = () if outcomes is None else ("scheduled", "incomplete")

    def prepare(self) -> None:
        """Be ready to send."""
        self._client.prepare()

    def probe(self) -> None:
        """Ask to schedule a batch that cannot be: no identifier is that short, so nothing is (FACTS C.5)."""
        self._api.probe()
        if self._outcomes is not None:
            self._outcomes.probe()

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Send whatever of a batch Haplo has not acknowledged yet, and schedule it."""
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
        """Its page tells. Without a key for that, an attempt of a run with one is known to be scheduled, as any is."""
        identifier = str(remote_id)
        if self._outcomes is None:
            return PollResult("scheduled", self._where(identifier, bool(notes.get("dry_run"))), None)
        return self._outcomes.poll(identifier, notes)

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """Nothing tells that what was imported is not there any more."""
        return ""

    def _is_gone(self, error: Refused, batch: Batch, notes: Mapping[str, Any]) -> bool:
        """Whether the batch that was begun before is not there any more, so that another one has to be begun."""
        return says_not_found(error.answer, notes["batch"])

    def _new_batch(self, batch: Batch) -> str:
        """Begin a batch; whether Haplo has the control file is told by its answer to that."""
        try:
            return self._api.begin(batch)
        except Refused as error:
            if not _says(error.answer, f"Control file not found: {batch.control_sha256}"):
                raise
            if batch.control is None:
                advice = "Give the control file itself with control, so that it is uploaded."
                raise Refused(f"{error.message} {advice}", error.answer) from error
        self._api.upload_control(batch.control, batch.control_comment)
        return self._api.begin(batch)

    def _finish(self, batch: Batch, attempt: Attempt, commit: Callable[[], None]) -> Accepted:
        """Upload what is missing, one file after the other (parallel ones get lost), and schedule."""
        for file in batch.files:
            if file.name not in attempt.notes["files"]:
                self._api.upload(attempt.notes["batch"], file)
                attempt.note({**attempt.notes, "files": [*attempt.notes["files"], file.name]})
        was_tried = "scheduling" in attempt.notes
        if not was_tried:
            attempt.note({**attempt.notes, "scheduling": True})
        return self._schedule(batch, attempt, Scheduling(commit, was_tried=was_tried))

    def _schedule(self, batch: Batch, attempt: Attempt, scheduling: Scheduling) -> Accepted:
        """Schedule, again and again until an answer tells whether it is."""
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
                if says_not_found(error.answer, identifier):
                    raise
                if scheduling.is_told_by(error):
                    attempt.note({"batch": identifier, "files": attempt.notes["files"]})
                    raise
                message = f"{error.message} Whether batch {identifier} was scheduled before that is not known."
                raise OutcomeUnknown(message, error.answer, is_new=scheduling.untold_after(error) > 0) from error
            return self._accepted(batch, attempt, answer, is_new=True)

    def _accepted(self, batch: Batch, attempt: Attempt, answer: Answer | None, *, is_new: bool) -> Accepted:
        identifier = str(attempt.notes["batch"])
        said_by_server = answer.text if answer else None
        notes = {**attempt.notes, "dry_run": batch.dry_run}
        if self._outcomes is not None:
            return Accepted(identifier, said_by_server, notes=notes, is_new=is_new)
        message = self._where(identifier, batch.dry_run)
        return Accepted(identifier, said_by_server, "scheduled", message, notes=notes, is_new=is_new)

    def _where(self, identifier: str, dry_run: bool) -> str:
        """That a batch is scheduled, and where a person finds it."""
        what = "The dry run" if dry_run else "The import"
        return f"{what} is scheduled; Haplo does not tell over its API how it goes. {self._place(identifier)}"

    def _place(self, identifier: str) -> str:
        return place_of(self._url, identifier)


class Scheduling:
    """How often a batch was scheduled, and so what an answer tells about it.

    `was_tried`: an attempt before came as far, so the batch may be scheduled already.
    """

    def __init__(self, commit: Callable[[], None], *, was_tried: bool) -> None:
        self._commit = commit
        self._was_tried = was_tried
        self.tries = 0

    def begin(self, _digest: str) -> None:
        """The request is about to leave."""
        self._commit()
        self.tries += 1

    @property
    def is_by_this_run(self) -> bool:
        """Whether it was this run that scheduled it, or may have been, now that Haplo says that somebody did."""
        return not self._was_tried or self.tries > 1

    def is_told_by(self, error: Refused | NotSent) -> bool:
        """Whether it is certain that the batch is not scheduled."""
        return not self._was_tried and self.untold_after(error) == 0

    def untold_after(self, error: Refused | NotSent) -> int:
        """Of how many requests of this run nothing is known. A refusal tells of the last one."""
        return max(0, self.tries - isinstance(error, Refused))


class Api:
    """The four calls. Each returns only for an answer in its exact form; 200 by itself means nothing here.

    `path` is where the API is unless it was moved. `is_schedule_repeatable`: scheduling twice imports once.
    """

    guide = GUIDE
    path = "/api/haplo-data-import-batch"
    identifier = haplo_pages.IDENTIFIER
    is_schedule_repeatable = True

    def __init__(self, client: Client, base: str) -> None:
        self._client = client
        self._base = base

    def probe(self) -> None:
        """Find out whether the API is there and lets this user in."""
        try:
            self._client.probe("POST", f"{self._base}/schedule", form={"batch": "-", "mode": "dry-run"})
        except Refused as error:
            raise self._explained(error) from error

    def begin(self, batch: Batch) -> str:
        """The identifier of a new batch."""
        fields = _given(**batch.read_by, comment=batch.comment)
        return self._prepare("batch", encoded_form(fields, _nothing), self.identifier)

    def upload_control(self, control: ControlFile, comment: str | None) -> None:
        """Hand over a control file."""
        commit = checked_commit(control.content, control.sha256, _nothing)
        body = form_data("file", control.content, commit, _given(comment=comment))
        self._prepare("control", body, control.sha256)

    def upload(self, identifier: str, file: DataFile) -> None:
        """Hand over a file. The last one of a name counts, so doing it again does no harm."""
        commit = checked_commit(file.content, file.sha256, _nothing)
        body = form_data("file", file.content, commit, {"batch": identifier, "name": file.name})
        self._prepare("file", body, file.sha256)

    def schedule(self, identifier: str, dry_run: bool, commit: Callable[[str], None]) -> Answer:
        """Schedule a batch. Anything but exactly this mode would be taken for a real import."""
        mode = {"mode": "dry-run"} if dry_run else {}
        body = encoded_form({"batch": identifier, **mode}, commit)
        return self._send("schedule", body, SCHEDULED, is_repeatable=self.is_schedule_repeatable)

    def _prepare(self, step: str, body: Body, form: str) -> str:
        """A step that imports nothing; so where its answer is lost, nothing is."""
        try:
            return self._send(step, body, form).text
        except OutcomeUnknown as error:
            raise NotSent(f"{error.message} The batch was not scheduled.", error.answer) from error

    def _send(self, step: str, body: Body, form: str, *, is_repeatable: bool = True) -> Answer:
        """Send a step; its answer has to be of the given form, a regular expression, whatever it is called."""
        try:
            answer = self._client.submit("POST", f"{self._base}/{step}", body, is_repeatable=is_repeatable)
        except Refused as error:
            raise self._explained(error) from error
        if self._has_form(answer, form):
            return answer
        if _is_not_permitted(answer):
            raise self._explained(Refused(describe(answer), answer))
        raise OutcomeUnknown(f"{describe(answer)} That is not how Haplo answers to this; is url its address?", answer)

    def _has_form(self, answer: Answer, form: str) -> bool:
        return answer.status == 200 and answer.is_whole and re.fullmatch(form, answer.text) is not None

    def _explained(self, error: Refused) -> Refused:
        """The same refusal, in words that tell what to do."""
        answer = error.answer
        if answer is None:
            return error
        if _is_not_permitted(answer):
            advice = "The user of the API key is not in the group that may import batches."
            return Refused(f"{describe(answer)} {NOT_PERMITTED} {advice}", answer, credentials=True)
        if answer.status == 403:  # the advice first: Haplo's words are many, and of cookies
            return Refused(f"{self.guide.advice[403]} {describe(answer)}", answer, credentials=True)
        if answer.status == 404:
            return Refused(f"{describe(answer)} {self.guide.advice[404]}", answer)
        if answer.text.startswith(INVALID_CONTROL_FILE):
            problems = [line.strip() for line in answer.secrets.redact(answer.text).splitlines()[1:]]
            found = f"Haplo finds the control file invalid: {'; '.join(problems)}"
            return Refused(as_sentence(f"{request_line(answer)}: {found}"), answer)
        return error


def _properties_of(data: bytes) -> Mapping[str, Any]:
    """What is in a control file. Raises `ValueError` that says what it lacks."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise ValueError("it begins with a byte order mark, which Haplo does not take")
    try:
        control = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise ValueError("it is not in UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as error:
        looks_like_data = re.match(rb"\s*<|[^\n]*\t", data)
        raise ValueError(f"it is not JSON: {error}{DATA_FILE if looks_like_data else ''}") from error
    if not isinstance(control, dict):
        raise ValueError(f"it is not a JSON object{DATA_FILE if isinstance(control, list) else ''}")
    if REQUIRED[0] not in control:
        is_data = not any(name in control for name in REQUIRED)
        raise ValueError(f"it has no {REQUIRED[0]}, which has to be 0{DATA_FILE if is_data else ''}")
    version = control[REQUIRED[0]]
    if not isinstance(version, (int, float)) or isinstance(version, bool) or version != 0:
        raise ValueError("dataImportControlFileVersion has to be 0, a number")
    missing = [name for name in REQUIRED if name not in control]
    if missing:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    _check_instructions(control)
    files = control["files"]
    if not isinstance(files, dict):
        raise ValueError("files has to be an object, with a specification for each name")
    for name, specification in files.items():
        if not isinstance(specification, dict) or "read" not in specification:
            raise ValueError(f'its file {name!r} does not say how to read it, as {{"read": "json"}} does')
    return control


def _check_instructions(control: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a model or for instructions that no plugin could make anything of."""
    if not isinstance(control["model"], str) or not control["model"].strip():
        raise ValueError("model has to be the name of a model, such as haplo:person")
    instructions = control["instructions"]
    if not isinstance(instructions, list):
        raise ValueError('instructions has to be a list of objects, such as [{"action": "new", "destination": ...}]')
    for number, instruction in enumerate(instructions, 1):
        if not isinstance(instruction, dict):
            raise ValueError(f"instruction {number} has to be an object, with its action")
        if not isinstance(instruction.get("action") or "", str):
            raise ValueError(f"the action of instruction {number} has to be a name")
        if not isinstance(instruction.get("filters") or [], list):
            raise ValueError(f"filters of instruction {number} has to be a list")


def _no_constant(name: str) -> None:
    raise ValueError(f"there is no {name} in JSON")


def _is_not_permitted(answer: Answer) -> bool:
    """Whether it is the page, with 200, of a user who lacks the permission."""
    return "html" in answer.headers.get("content-type", "") and NOT_PERMITTED in answer.text


def says_not_found(answer: Answer | None, identifier: str) -> bool:
    """Whether an answer says that there is no such batch."""
    return _says(answer, f"Batch not found: {identifier}")


def says_not_uploading(answer: Answer | None, identifier: str) -> bool:
    """Whether an answer says that a batch is scheduled already, or more than that."""
    return _says(answer, f"Batch {identifier} is not in the 'uploading' state")


def _says(answer: Answer | None, text: str) -> bool:
    """Whether an answer is Haplo's no in exactly these words."""
    return answer is not None and answer.status == 400 and answer.text.strip() == text


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(repr, names))


def _given(**texts: str | None) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


def _nothing(_digest: str) -> None:
    """The commit of a step that imports nothing."""


def _commit_once(wanted: Wanted, attempt: Attempt) -> Callable[[], None]:
    """The commit of an attempt, for a request that may be sent more than once."""
    is_committed = False

    def commit() -> None:
        nonlocal is_committed
        if not is_committed:
            attempt.commit(wanted.content_sha256)
        is_committed = True

    return commit
