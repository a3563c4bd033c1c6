# SPDX-License-Identifier: GPL-3.0-or-later
"""An import: the files of a batch, read and carried out as the control file says (FACTS sections C.2 and C.5)."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .control_file import ControlSettings, validate
from .instructions import Preparation, carry_out
from .javascript import ScriptError, member, read_json, to_string, truthy
from .model import Model
from .readers import open_reader
from .transformation import ErrorLog, Store, Target, Transformation

COMPLETE, DRY_RUN, ERROR = "complete", "dry-run", "error"
"""States in which a batch ends."""


@dataclass(frozen=True)
class ImportSettings(ControlSettings):
    """How imports behave."""

    breaks_after: int | None = None
    """After so many records of a batch something throws an exception, and the batch ends in state `error`."""

    checks_title: bool = False
    """Objects without a title are errors, as before 2021/06 (FACTS section C.2)."""
    keep_objects: int = 1000
    """So many imported objects can be read back and loaded again; all are counted."""


@dataclass
class Outcome:
    """What came of an import."""

    state: str = ERROR
    errors: int = 0
    log: list[str] = field(default_factory=list)
    """Without its first and last line."""
    read: int = 0
    """Records read, of all files."""
    records: dict[str, int] = field(default_factory=dict)
    """Records imported, by name of the file; none in a dry run."""
    objects: dict[str, Target] = field(default_factory=dict)
    """What was saved, by ref."""


class Import:
    """One import. `objects` are those that are there, by ref; nothing is changed in them."""

    def __init__(
        self, objects: dict[str, Target], new_ref: Callable[[], str], dry_run: bool, settings: ImportSettings
    ) -> None:
        self.outcome = Outcome()
        self._settings = settings
        self._dry_run = dry_run
        self._new_ref = new_ref
        self._errors = ErrorLog(self.outcome.log)
        self._room = settings.keep_objects - len(objects)
        self._store = Store(ChainMap(self.outcome.objects, objects), self._save)

    def run(self, control_file: Path, files: dict[str, Path]) -> Outcome:
        """Carry it out. Whatever breaks ends it in state `error`; what was imported until then stays."""
        try:
            self._import(read_json(control_file), files)
            self.outcome.errors = self._errors.count
            self.outcome.state = DRY_RUN if self._dry_run else COMPLETE
        except ScriptError as problem:
            # Where in its scripts it broke only the vendor's server can tell.
            message = f"EXCEPTION: Error during import: {problem}. File: undefined, line: undefined"
            self.outcome.log.append(message)
        return self.outcome

    def _import(self, control: Any, files: dict[str, Path]) -> None:
        if messages := validate(control, self._settings):
            raise ScriptError("\n  ".join(("Errors in control file:", *messages)))
        model = Model(to_string(control["model"]))
        preparation = Preparation(model, control.get("mapping"), self._errors, self._settings.object_types)
        steps = preparation.steps(control["instructions"])
        for name, record in _all_records(control["files"], files):
            if self.outcome.read == self._settings.breaks_after:
                raise ScriptError("Something went wrong")
            self._errors.record = self.outcome.read
            self.outcome.read += 1
            transformation = Transformation(model, self._store, self._errors, self._settings.checks_title)
            carry_out(steps, transformation, record)
            transformation.check()
            if transformation.is_complete and not self._dry_run:
                transformation.commit()
                self.outcome.records[name] = self.outcome.records.get(name, 0) + 1

    def _save(self, target: Target) -> None:
        if target.ref is None:
            target.ref = self._new_ref()
        if target.ref in self.outcome.objects or len(self.outcome.objects) < self._room:
            self.outcome.objects[target.ref] = target


def _all_records(specifications: Any, files: dict[str, Path]) -> Iterator[tuple[str, Any]]:
    """Every record with the name of its file. All files are opened before the first record is looked at."""
    readers = []
    for name, path in files.items():
        specification = member(specifications, name)
        if not truthy(specification):
            specification = member(specifications, "DEFAULT")
        if not truthy(specification):
            raise ScriptError(
                f"Could not find file specification in control file for file {name} "
                "(and DEFAULT file entry does not exist)"
            )
        readers.append((name, open_reader(path, specification)))
    for name, records in readers:
        for record in records:
            yield name, record
