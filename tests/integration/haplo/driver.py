# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of `haplo_batch` have in common: the module with its connection filled in, and files to import."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Request, Sandbox
from ...sandbox.haplo import view
from .. import exercised
from ..support import ABSENT, Modules, given, in_process, only

API = "/haplo/api/haplo-data-import-batch"
STEPS = ("control", "batch", "file", "schedule")
KIND = "example-standard-api"
INSTRUCTIONS = [
    {"action": "new", "destination": "profile"},
    {"source": "first", "destination": "value:person-name", "name": "first"},
    {"source": "last", "destination": "value:person-name", "name": "last"},
    {
        "action": "field-structured",
        "structured": "value:person-name",
        "destination": "profile",
        "name": "dc:attribute:title",
    },
]


NEITHER: dict[str, Any] = {"control": ABSENT, "files": ABSENT}
"""Options of an import whose batches are given otherwise."""


exercises = functools.partial(exercised.exercises, of="haplo_batch")
"""Marks a test as being about these options; a last test in `test_options.py` knows when one has none."""


@dataclass(frozen=True)
class Api:
    """One of the two APIs for imports, and what a run sends to it.

    `prefix`: of the sandbox's operations. `first`: the steps of a first run; the answer to the first `batch` of plain
    batch import says that Haplo has no such control file. `again`: those of a run when Haplo has the control file.
    `goes_on`: those that a run begins with whatever was done before. `repeats`: scheduling again tells whether a batch
    was scheduled, for certain.
    """

    name: str
    path: str
    prefix: str
    first: tuple[str, ...]
    again: tuple[str, ...]
    goes_on: tuple[str, ...]
    repeats: bool

    @property
    def steps(self) -> tuple[str, ...]:
        """All there are, in order."""
        return tuple(step for step in STEPS if step in self.first)


PLAIN = Api(
    "batch import",
    API,
    "",
    ("batch", "control", "batch", "file", "file", "schedule"),
    ("batch", "file", "file", "schedule"),
    (),
    repeats=True,
)
STANDARD = Api(
    "standard batch import",
    "/haplo/api/haplo-data-import-standard-api",
    "standard_",
    ("question", "batch", "file", "file", "schedule"),
    ("question", "batch", "file", "file", "schedule"),
    ("question",),
    repeats=False,
)
APIS = (PLAIN, STANDARD)

in_both = pytest.mark.parametrize("haplo", APIS, ids=lambda api: api.name, indirect=True)
"""For tests of what is the same in both APIs."""

of_standard_batches = pytest.mark.parametrize("haplo", [STANDARD], ids=["standard"], indirect=True)
"""For tests of standard batch import."""


def at_each_step(*but: str) -> pytest.MarkDecorator:
    """For tests of what is the same at each step of both APIs, but for some."""
    cases = [pytest.param(api, step, id=f"{api.name}-{step}") for api in APIS for step in api.steps if step not in but]
    return pytest.mark.parametrize(("haplo", "step"), cases, indirect=["haplo"])


class Haplo(Modules):
    """`haplo_batch`, with its files in the folder of the test as well.

    There are a control file for people and two files, each of one person. With standard batch import, the application
    has that control file.
    """

    module = "haplo_batch"

    def __init__(self, sandbox: Sandbox, folder: Path, api: Api = PLAIN) -> None:
        super().__init__(sandbox, folder)
        self.api = api
        folder.mkdir(exist_ok=True)
        self.control = self.control_file("control.json")
        self.files = [self.file("people"), self.file("guests")]

    def batch_info(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `haplo_batch_info`."""
        key = self.sandbox.haplo_outcome_api_key
        usual = {"url": self.sandbox.haplo_url, "outcome_api_key": key}
        return in_process("haplo_batch_info", check=check, **given({**usual, **options}))

    def options(self, **options: Any) -> dict[str, Any]:
        usual = {
            "url": self.sandbox.haplo_url,
            "api_key": self.key,
            "control": str(self.control) if self.api is PLAIN else ABSENT,
            "kind": ABSENT if self.api is PLAIN else KIND,
            "files": self.files,
            "receipts": str(self.store),
            "wait_sleep": 0.02,
            "wait_timeout": 5,
        }
        return given({**usual, **options})

    @property
    def key(self) -> str:
        """The key that may import."""
        return self.sandbox.haplo_api_key if self.api is PLAIN else self.sandbox.haplo_standard_api_key

    # What Haplo does.

    def fault(self, action: str, *, operation: str, skip: int = 0, **what: Any) -> None:
        """Script a fault at a step of the API; the question with which a run begins is none."""
        questions = self.api.goes_on if operation == "schedule" else ()
        name = f"{self.api.prefix}{operation}"
        self.sandbox.fault(action, operation=name, skip=skip + len(questions), **what)

    def leave_unknown(self) -> None:
        """A run that scheduled the batch and did not hear so."""
        self.fault("html", operation="schedule", when="after_work", times=3, body="<p>Back soon</p>")
        assert only(self())["state"] == "unknown"
        self.sandbox.clear_faults()

    def wait_for_held(self, step: str) -> None:
        """Wait until a fault holds a request of that step."""
        self.sandbox.wait_for("held", operation=f"{self.api.prefix}{step}")

    def while_held(self, step: str, happens: Callable[[], Any], **options: Any) -> dict[str, Any]:
        """The result of a run during which something happens while Haplo holds its request of that step."""

        def let_it_happen() -> None:
            self.wait_for_held(step)
            happens()
            self.sandbox.release()

        self.fault("hold", operation=step)
        with ThreadPoolExecutor(1) as thread:
            happened = thread.submit(let_it_happen)
            result = self(**options)
            happened.result()
        return result

    def forget(self) -> None:
        """Let Haplo forget all that it was sent."""
        self.sandbox.reset()
        self._fix_control_file()

    def _fix_control_file(self) -> None:
        """With standard batch import, let the application have the control file."""
        if self.api is STANDARD:
            apis = [{"kind": KIND, "control": json.loads(self.control.read_text())}]
            self.sandbox.configure("haplo", standard_apis=apis)

    # What there is to import.

    def control_file(self, name: str, **changes: Any) -> Path:
        """A control file for people, of which some properties are otherwise, or None and so not there."""
        content = {
            "dataImportControlFileVersion": 0,
            "model": "haplo:person",
            "files": {"people": {"read": "json"}, "guests": {"read": "json"}},
            "instructions": INSTRUCTIONS,
            **changes,
        }
        path = self.folder / name
        path.write_text(json.dumps(given({name: value for name, value in content.items() if value is not None})))
        return path

    def file(self, name: str, person: str = "Joe", *, people: int = 1) -> dict[str, str]:
        """An entry of the option `files`, with a file of its own of so many people."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps([{"first": person, "last": name} for _unused in range(people)]))
        return {"name": name, "src": str(path)}

    @property
    def control(self) -> Path:
        """The control file, which with standard batch import is in the application and not sent."""
        return self._control

    @control.setter
    def control(self, path: Path) -> None:
        self._control = path
        self._fix_control_file()

    @property
    def control_digest(self) -> str:
        """Of the control file."""
        return hashlib.sha256(self.control.read_bytes()).hexdigest()

    # What came of it.

    @property
    def held(self) -> view.Haplo:
        """What Haplo holds, once it has done all that it is to do."""
        self.sandbox.wait_idle()
        self.sandbox.clock(step=3600)
        return self.sandbox.haplo()

    @property
    def scheduled(self) -> list[view.Batch]:
        """The batches that were ever scheduled, in the order of their creation."""
        return [batch for batch in self.held.batches if batch.dry_run is not None]

    def sent(self, step: str | None = None) -> list[Request]:
        """What reached the sandbox, all or those of a step."""
        return [request for request in self.sandbox.requests("haplo") if step in (None, self._step_of(request))]

    @property
    def steps(self) -> list[str]:
        """The steps that were sent, in order; a `question` is for a batch that cannot be."""
        return [self._step_of(request) for request in self.sent()]

    def _step_of(self, request: Request) -> str:
        step = str(request.operation).removeprefix(self.api.prefix)
        return "question" if step == "schedule" and request.body_bytes == len("batch=-&mode=dry-run") else step


class Told(Haplo):
    """`haplo_batch` with a key for the pages of batches, which end in next to no time."""

    def options(self, **options: Any) -> dict[str, Any]:
        return super().options(**{"outcome_api_key": self.sandbox.haplo_outcome_api_key, **options})

    def people(self, *people: Any) -> list[dict[str, str]]:
        """The option `files` with a file of these records and another of none that is wrong."""
        path = self.folder / "people.json"
        path.write_text(json.dumps(people))
        return [{"name": "people", "src": str(path)}, self.file("guests")]

    @contextlib.contextmanager
    def configured(self, **settings: Any) -> Iterator[None]:
        """Haplo with other settings meanwhile."""
        usual = {name: self.sandbox.settings()["haplo"][name] for name in settings}
        self.sandbox.configure("haplo", **settings)
        yield
        self.sandbox.configure("haplo", **usual)

    @property
    def with_errors(self) -> list[dict[str, str]]:
        """Files with three persons, of whom two have a title that is no text, and so an error each."""
        return self.people({"first": "Joe", "last": "Bloggs"}, {"last": "A", "extra": 1}, {"last": "B", "extra": 1})

    @property
    def erring(self) -> Path:
        """A control file by which everybody with `extra` is an error."""
        error = {"action": "log-error", "message": "extra is not for people"}
        condition = {"action": "if-exists", "source": "extra", "then": [error]}
        return self.control_file("erring.json", instructions=[*INSTRUCTIONS, condition])

    @property
    def looks(self) -> list[str | None]:
        """The pages that were asked for, in order."""
        return [one.operation for one in self.sent() if one.operation in ("batches", "outcome")]

    @property
    def times_scheduled(self) -> int:
        return len(self.sent("schedule"))


def assert_scheduled(result: dict[str, Any], *, changed: bool, reason: str) -> None:
    """The module says that the batch is scheduled."""
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"], only(result)["state"]) == ("scheduled", changed, "scheduled")
    assert only(result)["reason"] == reason


def assert_one_whole_batch(haplo: Haplo, names: tuple[str, ...] = ("people", "guests")) -> view.Haplo:
    """Haplo has scheduled one batch, for real, which had all the files when its import began. What it holds."""
    held = haplo.held
    (batch,) = [batch for batch in held.batches if batch.dry_run is not None]
    assert batch.dry_run is False
    assert [file.name for file in batch.files] == list(names)
    assert all(file.uploads > file.late_uploads for file in batch.files)
    assert (batch.state, batch.errors, batch.records_imported) == ("complete", 0, len(names))
    return held


def warnings(result: dict[str, Any]) -> str:
    """All that the task warns of but for the new store."""
    return " ".join(str(one) for one in result.get("warnings", ()) if "receipt store" not in str(one))


def outcome_of(result: dict[str, Any]) -> tuple[bool, str, str]:
    """Whether the task failed, and the states of the task and of its one import."""
    return bool(result.get("failed")), result["state"], only(result)["state"]
