# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugins of Haplo that have to do with imports: batch import, standard batch import, and the pages of batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from starlette.responses import Response

from ..clock import Clock
from . import answers, pages
from .access import ApiKey
from .batches import UPLOADING, Batch, Batches, BatchSettings
from .control_file import validate
from .forms import FilePart, Form
from .javascript import ScriptError, read_json, to_string

PREFIX = "/api/haplo-data-import-batch/"
STANDARD_PREFIX = "/api/haplo-data-import-standard-api/"
PAGES_PREFIX = "/do/haplo-data-import-batch/"


@dataclass(frozen=True)
class PageChange:
    """A text on the pages of batches that is another one, as on a server of another version."""

    find: str
    put: str


@dataclass(frozen=True)
class PluginSettings(BatchSettings):
    """How the plugins behave."""

    shown_characters: int = 10
    """So much of an identifier is in the list of batches."""
    page_changes: list[PageChange] = field(default_factory=list)


@dataclass(frozen=True)
class Endpoint:
    """A handler of a plugin, and what it needs, in the order in which that is looked for."""

    operation: str
    path: str
    handle: Callable[[Form], Response]
    required: tuple[str, ...] = ()
    method: str = "POST"
    for_administrators: bool = False

    @property
    def takes_file(self) -> bool:
        """Whether a file has to be in the request."""
        return "file" in self.required

    def permits(self, key: ApiKey) -> bool:
        """Whether the user of the key is in the group that may ask for it."""
        return key.may_administer if self.for_administrators else key.may_import


class ImportPlugins:
    """The plugins, with what they hold."""

    def __init__(self, clock: Clock, folder: Path, settings: PluginSettings) -> None:
        self.settings = settings
        self.batches = Batches(clock, folder, settings)
        self._clock = clock

    def reset(self, settings: PluginSettings) -> None:
        """Forget everything."""
        self.settings = settings
        self.batches.reset(settings)

    def configure(self, settings: PluginSettings) -> None:
        """Other settings, for what begins from now on."""
        self.settings = self.batches.settings = settings

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All handlers of the plugins."""
        file, batch = ("batch", "name", "file"), ("batch",)
        return (
            Endpoint("control", f"{PREFIX}control", self._control, ("file",)),
            Endpoint("batch", f"{PREFIX}batch", self._batch, ("control",)),
            Endpoint("file", f"{PREFIX}file", self._file, file),
            Endpoint("schedule", f"{PREFIX}schedule", self._schedule, batch),
            Endpoint("standard_batch", f"{STANDARD_PREFIX}batch", self._standard_batch, ("kind",)),
            Endpoint("standard_file", f"{STANDARD_PREFIX}file", partial(self._file, standard=True), file),
            Endpoint("standard_schedule", f"{STANDARD_PREFIX}schedule", partial(self._schedule, standard=True), batch),
            Endpoint("batches", f"{PAGES_PREFIX}batches", self._batches_page, (), "GET", for_administrators=True),
            Endpoint("outcome", f"{PAGES_PREFIX}batch", self._batch_page, ("row",), "GET", for_administrators=True),
        )

    def call(self, endpoint: Endpoint, key: ApiKey, form: Form) -> Response:
        """What a handler answers to the user of the key. What is missing comes before who may do it."""
        try:
            if not all(self._is_there(name, form) for name in endpoint.required):
                return answers.failed_validation()
            if not endpoint.permits(key):
                # The status is no mistake.
                return answers.text(pages.stopped("You are not permitted to perform this action."), 200, answers.HTML)
            return endpoint.handle(form)
        except ScriptError:
            return answers.script_error()

    def _is_there(self, name: str, form: Form) -> bool:
        """Whether what a handler needs was given.

        ScriptError for a text where a file has to be; an empty one counts as none.
        """
        if name == "row":
            return self._row(form) is not None
        if name != "file":
            return name in form.parameters
        if form.parameters.get(name):
            raise ScriptError("Uploaded file was expected in a form field, but found other field type in request.")
        return form.file is not None

    def _row(self, form: Form) -> Batch | None:
        return self.batches.row(form.elements[0]) if form.elements else None

    # The handlers. What is missing, and who may do it, was checked.

    def _control(self, form: Form) -> Response:
        """POST /api/haplo-data-import-batch/control"""
        file = _file_of(form)
        try:
            control = read_json(file.path)
        except ScriptError:
            return answers.bad_request("Uploaded file is not JSON")
        if messages := validate(control, self.settings):
            return answers.bad_request("\n  ".join(("Invalid control file:", *messages)))
        return answers.text(self.batches.add_control_file(file, _text(form, "comment")))

    def _batch(self, form: Form) -> Response:
        """POST /api/haplo-data-import-batch/batch"""
        digest = _text(form, "control")
        batch = self.batches.create(digest, _text(form, "comment"))
        if batch is None:
            return answers.bad_request(f"Control file not found: {digest}")
        return answers.text(batch.identifier)

    def _standard_batch(self, form: Form) -> Response:
        """POST /api/haplo-data-import-standard-api/batch"""
        kind = _text(form, "kind")
        batch = self.batches.create_standard(kind, _text(form, "comment"))
        if batch is None:
            return answers.bad_request(f"Standard API not found: {kind}")  # guess
        return answers.text(batch.identifier)

    # Of the two that follow, the answers to mistakes are a guess for standard batch import.

    def _file(self, form: Form, *, standard: bool = False) -> Response:
        """POST /api/haplo-data-import-batch/file, or the same of standard batch import"""
        identifier = _text(form, "batch")
        batch = self.batches.find(identifier, standard=standard)
        if batch is None:
            return answers.bad_request(f"Batch not found: {identifier}")
        return answers.text(self.batches.add_file(batch, to_string(form.parameters["name"]), _file_of(form)))

    def _schedule(self, form: Form, *, standard: bool = False) -> Response:
        """POST /api/haplo-data-import-batch/schedule, or the same of standard batch import"""
        identifier = _text(form, "batch")
        batch = self.batches.find(identifier, standard=standard)
        if batch is None:
            return answers.bad_request(f"Batch not found: {identifier}")
        if batch.state() != UPLOADING:
            return answers.bad_request(f"Batch {batch.identifier} is not in the 'uploading' state")
        # Any other mode, such as "DRY-RUN" or a list, is a real import.
        self.batches.schedule(batch, dry_run=form.parameters.get("mode") == "dry-run")
        return answers.text("SCHEDULED")

    def _batches_page(self, _form: Form) -> Response:
        """GET /do/haplo-data-import-batch/batches"""
        return self._page(pages.batches(self.batches.rows(), self._date, self.settings.shown_characters))

    def _batch_page(self, form: Form) -> Response:
        """GET /do/haplo-data-import-batch/batch/<row>"""
        batch = self._row(form)
        assert batch is not None, "looked for before"
        return self._page(pages.batch(batch, self._date))

    def _page(self, content: str) -> Response:
        for change in self.settings.page_changes:
            content = content.replace(change.find, change.put)
        return answers.text(content, 200, answers.HTML)

    def _date(self, at: float) -> str:
        """As the user interface writes it, in a user's zone that is UTC."""
        return f"{self._clock.utc(at):%d %b %Y, %H:%M}"


def _text(form: Form, name: str) -> str:
    """A parameter that is kept in the database, which takes neither lists nor NULs [I]; empty if it was not given."""
    value = form.parameters.get(name, "")
    if not isinstance(value, str) or "\0" in value:
        raise ScriptError(f"{name} is nothing for the database")
    return value


def _file_of(form: Form) -> FilePart:
    assert form.file is not None, "looked for before"
    return form.file
