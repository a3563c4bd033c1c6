# SPDX-License-Identifier: GPL-3.0-or-later
"""Control files: what Haplo checks when one is uploaded (FACTS section C.5). Destinations and names are not checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .javascript import ScriptError, has, items, member, to_string, truthy
from .readers import READERS
from .values import FILTERS

EXPECTED_PROPERTIES: dict[str, tuple[str, ...]] = {
    "field": ("source", "destination", "name"),
    "field-structured": ("structured", "destination", "name"),
    "set-value": ("destination", "name", "value"),
    "remove-values": ("destination", "name"),
    "if-exists": ("source",),
    "if-value-one-of": ("source",),
    "if-has-value": ("destination", "name"),
    "within": ("source",),
    "for-each": ("source",),
    "assert-destination": ("destination", "exists"),
    "abort-record": ("message",),
    "log-error": ("message",),
    "new": ("destination",),
    "load": ("destination", "using"),
}
"""Properties that an instruction must have, by action."""

_NESTED = {
    "if-exists": ("then", "else"),
    "if-value-one-of": ("then", "else"),
    "if-has-value": ("then", "else"),
    "for-each": ("instructions",),
    "within": ("instructions",),
}
_ASSIGNING = ("field", "field-structured", "set-value")
_OVERWRITES = (
    "Assigning values within for-each without a new/load statement or setting multivalue property will result "
    "in overwritten data"
)


_MORE_PERSON_TYPES = ("", ":staff", ":staff-past", ":associate")


@dataclass(frozen=True)
class ControlSettings:
    """What the plugins of an application add to what control files may name."""

    models: list[str] = field(default_factory=lambda: ["haplo:person"])
    """Of models other than haplo:person, any destination and name is taken."""
    more_actions: list[str] = field(default_factory=list)
    """Actions that newer servers know, such as `set-attribute-group`; they do nothing here (guess)."""
    record_processors: list[str] = field(default_factory=list)
    """They pass records on as they are (guess)."""
    object_types: list[str] = field(default_factory=lambda: [f"std:type:person{more}" for more in _MORE_PERSON_TYPES])
    """Codes of the types that objects can have."""


def validate(control: Any, settings: ControlSettings) -> list[str]:
    """What is wrong with a control file, at most one message per check; ScriptError where a check itself breaks."""
    messages = [
        _check_version(control),
        _check_model(control, settings),
        _check_instructions(control, settings),
        _check_files(control),
        _check_record_processor(control, settings),
    ]
    return [message for message in messages if message is not None]


def action_of(instruction: Any) -> str:
    """The action of an instruction; `field` unless it names one."""
    action = member(instruction, "action")
    return to_string(action) if truthy(action) else "field"


def _check_version(control: Any) -> str | None:
    if not has(control, "dataImportControlFileVersion"):
        return "Not a control file"
    version = control["dataImportControlFileVersion"]
    is_number = isinstance(version, (int, float)) and not isinstance(version, bool)
    return None if is_number and version == 0 else "Bad version of control file, should be 0"


def _check_model(control: Any, settings: ControlSettings) -> str | None:
    if not has(control, "model"):
        return "Control file does not specify model in the model property"
    model = to_string(control["model"])
    return None if model in settings.models else f"Model not implemented: {model}"


def _check_instructions(control: Any, settings: ControlSettings) -> str | None:
    if not has(control, "instructions"):
        return "Control file does not specify processing instructions in the instructions property"
    return _InstructionCheck(settings).check(control["instructions"], None)


def _check_files(control: Any) -> str | None:
    """Unlike the other checks, this one tells the last mistake."""
    if not has(control, "files"):
        return "Control file does not have files property"
    message = None
    for name, specification in items(control["files"]):
        if not has(specification, "read"):
            message = f"Reader not specified for file {name}"
        elif (reader := to_string(specification["read"])) not in READERS:
            message = f"Unknown reader for file {name}: {reader}"
    return message


def _check_record_processor(control: Any, settings: ControlSettings) -> str | None:
    if not has(control, "recordProcessor"):
        return None
    processor = to_string(control["recordProcessor"])
    if processor in settings.record_processors:
        return None
    return f"Unknown record processor specified in recordProcessor property: {processor}"


class _InstructionCheck:
    """Goes through instructions, nested ones too, up to the first mistake."""

    def __init__(self, settings: ControlSettings) -> None:
        self._expected = {**EXPECTED_PROPERTIES, **dict.fromkeys(settings.more_actions, ())}

    def check(self, instructions: Any, made_ready: list[Any] | None) -> str | None:
        """`made_ready`: within for-each, the destinations of `new` and `load` so far; None outside."""
        if isinstance(instructions, str) and instructions:
            raise ScriptError("instructions are a string")
        if not isinstance(instructions, list):
            return None
        for instruction in instructions:
            message = self._check_one(instruction, made_ready)
            if message is not None:
                return message
        return None

    def _check_one(self, instruction: Any, made_ready: list[Any] | None) -> str | None:
        action = action_of(instruction)
        if action not in self._expected:
            return f"Unknown action in instruction: {action}"
        missing = [name for name in self._expected[action] if not has(instruction, name)]
        if missing:
            return f"Expected property not found in {action} instruction: {', '.join(missing)}"
        if made_ready is not None and (message := _check_within_for_each(action, instruction, made_ready)):
            return message
        for name in _NESTED.get(action, ()):
            message = self.check(member(instruction, name), [] if action == "for-each" else made_ready)
            if message is not None:
                return message
        return _check_filters(instruction) if action == "field" else None


def _check_within_for_each(action: str, instruction: Any, made_ready: list[Any]) -> str | None:
    destination = member(instruction, "destination")
    if destination in made_ready:
        return None
    if action in _ASSIGNING and not truthy(member(instruction, "multivalue")):
        return _OVERWRITES
    if action in ("new", "load"):
        made_ready.append(destination)
    return None


def _check_filters(instruction: Any) -> str | None:
    if not has(instruction, "filters"):
        return None
    filters = instruction["filters"]
    if not isinstance(filters, list):
        return "'filters' property is not an array"
    unknown = next((to_string(name) for name in filters if to_string(name) not in FILTERS), None)
    return None if unknown is None else f"Filter {unknown} is not available."
