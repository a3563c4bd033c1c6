# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as dataclasses: changed from JSON, with names and types checked."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def changed(settings: T, changes: dict[str, Any]) -> T:
    """A copy of a dataclass with some fields changed; ValueError for an unknown name or a wrong type."""
    hints = typing.get_type_hints(type(settings))
    for name, value in changes.items():
        if name not in hints:
            raise ValueError(f"unknown setting {name!r}; known are {', '.join(sorted(hints))}")
        if not _fits(value, hints[name]):
            raise ValueError(f"setting {name!r} must be {hints[name]}, not {value!r}")
    converted = {name: _converted(value, hints[name]) for name, value in changes.items()}
    return dataclasses.replace(settings, **converted)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """ValueError unless the value of this setting is one of the choices. For `__post_init__`."""
    if value not in choices:
        raise ValueError(f"setting {name!r} must be one of {', '.join(choices)}, not {value!r}")


def _fits(value: Any, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    if origin is list:
        return isinstance(value, list) and all(_fits(item, typing.get_args(hint)[0]) for item in value)
    if dataclasses.is_dataclass(hint):
        return isinstance(value, dict)
    if hint in (float, int):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def _converted(value: Any, hint: Any) -> Any:
    """Lists of dataclasses from lists of objects; everything else as it is."""
    item = typing.get_args(hint)[0] if typing.get_origin(hint) is list else None
    if not dataclasses.is_dataclass(item):
        return value
    try:
        return [item(**entry) for entry in value]  # type: ignore[operator]  # a class, as seen above
    except TypeError as problem:
        raise ValueError(str(problem)) from problem
