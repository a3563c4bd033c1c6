# SPDX-License-Identifier: GPL-3.0-or-later
"""The instructions of a control file, made ready to be carried out on records.

Source: the vendor's public data import framework (FACTS sections C.2 and C.5), whose messages these are. Mistakes in
destinations and names are errors in the batch's log, once each, and the instruction is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from .control_file import action_of
from .javascript import ScriptError, has, items, member, strictly_equal, to_string, truthy, truthy_or_zero
from .model import Destination, Model
from .transformation import ErrorLog, Transformation
from .values import Source, Transformer, transformer

Step = Callable[[Transformation, Any], None]
"""Carries an instruction out. The second argument is the record, or the part of it that the instruction is within."""


def carry_out(steps: list[Step], transformation: Transformation, context: Any) -> None:
    """All of them in order."""
    for step in steps:
        step(transformation, context)


@dataclass(frozen=True)
class _Slot:
    """Where an instruction puts its value, and how the value is made."""

    destination: str
    name: str
    multivalue: bool
    transform: Transformer

    def put(self, transformation: Transformation, value: Any) -> None:
        self.put_transformed(transformation, self.transform(value))

    def put_transformed(self, transformation: Transformation, transformed: Any) -> None:
        if transformed is not None:
            transformation.target(self.destination).add(self.name, transformed, self.multivalue)


class Preparation:
    """Makes instructions ready, for one model and one import."""

    def __init__(self, model: Model, mappings: Any, errors: ErrorLog, object_types: list[str]) -> None:
        self._model, self._mappings, self._errors, self._object_types = model, mappings, errors, object_types

    def steps(self, instructions: Any) -> list[Step]:
        """What to carry out; ScriptError if it is no list."""
        if not truthy(instructions):
            return []
        if not isinstance(instructions, list):
            raise ScriptError("instructions are not an array")
        prepared = [self._step(instruction) for instruction in instructions]
        return [step for step in prepared if step is not None]

    def _step(self, instruction: Any) -> Step | None:
        """None for one that cannot be carried out, and for actions that only newer servers know."""
        prepare = _ACTIONS.get(action_of(instruction))
        return None if prepare is None else prepare(self, instruction)

    # Setting and removing values.

    def _field(self, instruction: Any) -> Step | None:
        source = instruction["source"]
        slot = self._slot(instruction, "field", f"input field {to_string(source)}")
        if slot is None:
            return None

        def step(transformation: Transformation, context: Any) -> None:
            value = member(context, source)
            if truthy_or_zero(value):
                slot.put(transformation, value)

        return step

    def _field_structured(self, instruction: Any) -> Step | None:
        structured = to_string(instruction["structured"])
        slot = self._slot(instruction, "field-structured", f"structured input field {structured}")
        if slot is None:
            return None
        if self._model.destination(structured) is None:
            self._errors.report(f"Unknown structured value destination in field-structured: {structured}")
            return None

        def step(transformation: Transformation, context: Any) -> None:
            slot.put(transformation, transformation.target(structured).values)
            transformation.clear_target(structured)

        return step

    def _set_value(self, instruction: Any) -> Step | None:
        described = f"set value {to_string(instruction['destination'])}/{to_string(instruction['name'])}"
        slot = self._slot(instruction, "set-value", described)
        if slot is None:
            return None
        # Its errors are told once, too.
        transformed = cache(lambda: slot.transform(instruction["value"]))
        return lambda transformation, _context: slot.put_transformed(transformation, transformed())

    def _remove_values(self, instruction: Any) -> Step | None:
        destination = self._destination(instruction, "remove-values")
        if destination is None:
            return None
        name = to_string(instruction["name"])
        if destination.data_type(name) is None:
            self._errors.report(f"Unknown name in remove-values for destination {destination.name}")
            return None

        def step(transformation: Transformation, context: Any) -> None:
            transformation.target(destination.name).values.pop(name, None)

        return step

    # Conditions and parts of a record.

    def _if_exists(self, instruction: Any) -> Step:
        source = instruction["source"]
        return self._branches(
            instruction,
            lambda _transformation, context: has(context, source) and truthy_or_zero(member(context, source)),
        )

    def _if_value_one_of(self, instruction: Any) -> Step:
        source, values = instruction["source"], member(instruction, "values")

        def condition(_transformation: Transformation, context: Any) -> bool:
            value = member(context, source)
            return has(context, source) and _is_in(value, values)

        return self._branches(instruction, condition)

    def _if_has_value(self, instruction: Any) -> Step | None:
        slot = self._slot(instruction, "if-has-value", f"name {to_string(instruction['name'])}")
        if slot is None:
            return None
        return self._branches(
            instruction, lambda transformation, _context: slot.name in transformation.target(slot.destination).values
        )

    def _branches(self, instruction: Any, condition: Callable[[Transformation, Any], bool]) -> Step:
        if_true, if_false = self.steps(member(instruction, "then")), self.steps(member(instruction, "else"))

        def step(transformation: Transformation, context: Any) -> None:
            carry_out(if_true if condition(transformation, context) else if_false, transformation, context)

        return step

    def _within(self, instruction: Any) -> Step:
        source, steps = instruction["source"], self.steps(member(instruction, "instructions"))

        def step(transformation: Transformation, context: Any) -> None:
            part = member(context, source)
            if truthy(part):
                carry_out(steps, transformation, part)

        return step

    def _for_each(self, instruction: Any) -> Step:
        source, steps = instruction["source"], self.steps(member(instruction, "instructions"))
        wraps = truthy(member(instruction, "wrapValues"))

        def step(transformation: Transformation, context: Any) -> None:
            for _name, part in items(member(context, source)):
                carry_out(steps, transformation, {"value": part} if wraps else part)

        return step

    # Targets, and ends.

    def _new(self, instruction: Any) -> Step:
        name = to_string(instruction["destination"])
        return lambda transformation, _context: transformation.new_target(name)

    def _load(self, instruction: Any) -> Step:
        name, using = to_string(instruction["destination"]), to_string(instruction["using"])
        otherwise = self.steps(member(instruction, "otherwise"))

        def step(transformation: Transformation, context: Any) -> None:
            loaded = transformation.load_target(name, transformation.target(using).values.get("ref"))
            transformation.clear_target(using)
            if not loaded and has(instruction, "otherwise"):
                carry_out(otherwise, transformation, context)
            elif not loaded:
                transformation.abort(f"Couldn't load destination: {name}")

        return step

    def _assert_destination(self, instruction: Any) -> None:
        """For destinations that depend on others; no model here has any."""
        destination = self._destination(instruction, "assert-destination")
        if destination is not None:
            self._errors.report(f"Can only use dependent destinations in assert-destination: {destination.name}")

    def _abort_record(self, instruction: Any) -> Step:
        message = to_string(instruction["message"] or "abort")
        return lambda transformation, _context: transformation.abort(message)

    def _log_error(self, instruction: Any) -> Step:
        message = to_string(instruction["message"] or "error")
        return lambda _transformation, _context: self._errors.report(message)

    # What instructions have in common.

    def _slot(self, instruction: Any, action: str, described: str) -> _Slot | None:
        destination = self._destination(instruction, action)
        if destination is None:
            return None
        name = to_string(instruction["name"])
        data_type = destination.data_type(name)
        if data_type is None:
            self._errors.report(f"Unknown name in {action} {name} for destination {destination.name}")
            return None
        source = Source(described, self._errors.report)
        transform = transformer(data_type, instruction, source, self._mappings, self._object_types)
        return _Slot(destination.name, name, truthy(member(instruction, "multivalue")), transform)

    def _destination(self, instruction: Any, action: str) -> Destination | None:
        name = to_string(instruction["destination"])
        destination = self._model.destination(name)
        if destination is None:
            self._errors.report(f"Unknown destination in {action}: {name}")
        return destination


def _is_in(value: Any, values: Any) -> bool:
    """`values.indexOf(value) !== -1`, where no values are an empty list."""
    if isinstance(values, str) and values:
        return to_string(value) in values
    if truthy(values) and not isinstance(values, list):
        raise ScriptError("Cannot find function indexOf in object " + to_string(values) + ".")
    return any(strictly_equal(value, one) for one in values or ())


_ACTIONS: dict[str, Callable[[Preparation, Any], Step | None]] = {
    "field": Preparation._field,
    "field-structured": Preparation._field_structured,
    "set-value": Preparation._set_value,
    "remove-values": Preparation._remove_values,
    "if-exists": Preparation._if_exists,
    "if-value-one-of": Preparation._if_value_one_of,
    "if-has-value": Preparation._if_has_value,
    "within": Preparation._within,
    "for-each": Preparation._for_each,
    "assert-destination": Preparation._assert_destination,
    "abort-record": Preparation._abort_record,
    "log-error": Preparation._log_error,
    "new": Preparation._new,
    "load": Preparation._load,
}
