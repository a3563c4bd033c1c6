# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input as cases of tests, and what holds of it in every system: it is told before anything happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..sandbox.handle import Sandbox
from .support import ABSENT, argument_spec, assert_plain_failure

SECRETS = ("hunter22", "s3cret", "0123456789")
"""What tokens and passwords of the cases are made of."""


@dataclass(frozen=True)
class Bad:
    """Options that cannot be, and words that the message has to hold. `{place}` in them is the folder of `place`."""

    options: dict[str, Any]
    words: tuple[str, ...]


def bad(option: str, value: Any, *words: str, **others: Any) -> Any:
    """A bad value of an option, maybe with others beside it."""
    shown = "absent" if value is ABSENT else json.dumps(value)[:60]
    return pytest.param(Bad({**others, option: value}, words), id=f"{option}={shown}")


def filled_in(value: Any, place: Path) -> Any:
    """With the folder in all texts."""
    if isinstance(value, str):
        return value.replace("{place}", str(place))
    if isinstance(value, dict):
        return {name: filled_in(item, place) for name, item in value.items()}
    return [filled_in(item, place) for item in value] if isinstance(value, list) else value


def everything_below(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All that there is, with what a change of it would show."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def assert_told_before_anything_happens(
    case: Bad, run: Callable[..., dict[str, Any]], sandbox: Sandbox, folder: Path, **usual: Any
) -> None:
    """A run with such options tells a person what is wrong, repeats no secret, sends nothing, and writes nothing.

    `usual`: good values of options, where the case has no other ones. The folder is that of the test; `place` is in it.
    """
    place = folder / "place"
    before = everything_below(folder)

    result = run(**filled_in({**usual, **case.options}, place))

    assert_plain_failure(result)
    assert not result.get("changed")
    for word in case.words:
        assert filled_in(word, place) in result["msg"]
    told = json.dumps(result)
    assert not [secret for secret in SECRETS if secret in told], "what was given as a secret is repeated"
    assert sandbox.requests() == []
    assert everything_below(folder) == before


def options_without(module: str, *cases: Any) -> set[str]:
    """The options of a module of which none of the cases has a bad value."""
    return set(argument_spec(module)) - {name for case in cases for name in case.values[0].options}
