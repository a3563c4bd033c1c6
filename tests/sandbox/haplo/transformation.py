# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of one record: the targets that instructions fill, and what is committed in the end.

Source: the vendor's public data import framework (FACTS sections C.2 and C.5), whose messages these are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .javascript import ScriptError
from .model import TITLE, TYPE, Destination, Model

MOST_ERRORS = 500
"""From this one on, errors are counted only."""


class Ref(dict[str, str]):
    """A reference to another object, or to a type, by its ref or by what it was looked up by."""

    def __init__(self, ref: str) -> None:
        super().__init__(ref=ref)


@dataclass
class Target:
    """What is being filled: an object of the store, or a dictionary."""

    destination: Destination
    values: dict[str, Any] = field(default_factory=dict)
    """By name; lists of values if it is an object."""
    ref: str | None = None
    """Of an object that was there before."""

    def add(self, name: str, value: Any, multivalue: bool) -> None:
        """Set a value, or with `multivalue`, where there can be several, add it."""
        if not self.destination.is_object:
            self.values[name] = value
        elif multivalue:
            self.values.setdefault(name, []).append(value)
        else:
            self.values[name] = [value]


class Store:
    """Haplo's objects as an import sees them."""

    def __init__(self, objects: Mapping[str, Target], save: Callable[[Target], None]) -> None:
        self._objects = objects
        self.save = save

    def load(self, ref: Any, destination: Destination) -> Target | None:
        """A copy of the object, if there is one that came from such a destination."""
        found = self._objects.get(ref["ref"]) if isinstance(ref, Ref) else None
        if found is None or found.destination != destination:
            return None
        return Target(destination, {name: list(values) for name, values in found.values.items()}, found.ref)


class ErrorLog:
    """Errors in the words of the batch's log, each with its record once there is one."""

    def __init__(self, lines: list[str]) -> None:
        self.count = 0
        self.record: int | None = None
        """Number of the current record, from 0."""
        self._lines = lines

    def report(self, message: str) -> None:
        """Count an error, and log it unless there were too many."""
        self.count += 1
        if self.count < MOST_ERRORS:
            self._lines.append(message if self.record is None else f"{message} (record {self.record})")
        elif self.count == MOST_ERRORS:
            self._lines.append("Too many errors in import batch, no further errors will be reported")


class Transformation:
    """One record under way."""

    def __init__(self, model: Model, store: Store, errors: ErrorLog, checks_title: bool) -> None:
        self.is_complete = True
        """False: nothing of this record is imported."""
        self.store = store
        self._model = model
        self._errors = errors
        self._checks_title = checks_title
        self._targets: dict[str, Target] = {}
        self._set_aside: list[Target] = []

    def abort(self, message: str) -> None:
        """Import nothing of this record, for that reason."""
        self.is_complete = False
        self._errors.report(message)

    def target(self, name: str) -> Target:
        """The target of a destination. It is made here if that is a pseudo destination; others have to be there."""
        target = self._targets.get(name)
        if target is not None:
            return target
        destination = self._model.destination(name)
        if destination is None:
            raise ScriptError(f"No destination when requesting target: {name}")
        if not destination.is_pseudo:
            self.abort(f'Destination "{name}" needs be made ready with a "new" or "load" instruction')
        target = self._targets[name] = Target(destination)
        return target

    def new_target(self, name: str) -> None:
        """Begin a new target; one that is there is set aside for the commit."""
        self._targets[name] = Target(self._make_way(name))

    def load_target(self, name: str, ref: Any) -> bool:
        """Go on with an object of the store; False if it is not there."""
        target = self.store.load(ref, self._make_way(name))
        if target is not None:
            self._targets[name] = target
        return target is not None

    def clear_target(self, name: str) -> None:
        """Forget a target."""
        self._targets.pop(name, None)

    def check(self) -> None:
        """Once the instructions are carried out: whether the targets are as they must be."""
        if not self.is_complete:
            return
        for destination in self._model.required:
            if destination.name not in self._targets:
                self.abort(f"No data set in required destination {destination.name}")
        for target in list(self._targets.values()):
            if not target.destination.is_pseudo:
                self._check(target)

    def commit(self) -> None:
        """Save the objects; ScriptError at a dictionary that nothing has used up."""
        for target in [*self._set_aside, *self._targets.values()]:
            if not target.destination.is_object:
                raise ScriptError(f"Delegate for {target.destination.name} does not implement commit()")
            if target.destination.object_type is not None and TYPE not in target.values:
                target.values[TYPE] = [Ref(target.destination.object_type)]
            self.store.save(target)

    def _make_way(self, name: str) -> Destination:
        destination = self._model.destination(name)
        if destination is None:
            raise ScriptError(f"Unknown destination: {name}")
        if (current := self._targets.pop(name, None)) is not None:
            self._check(current)
            self._set_aside.append(current)
        return destination

    def _check(self, target: Target) -> None:
        destination = target.destination
        missing = [name for name in destination.required if name not in target.values]
        if missing:
            self.abort(f"Missing values in {destination.name}: {', '.join(missing)}")
        if self._checks_title and destination.is_object and TITLE not in target.values:
            self.abort(f"{TITLE} is not set in object {destination.name}")
