# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's import is written in JavaScript, and what it does with odd input follows from that language.

Values are those of JSON as Python has them; `undefined` is None, like `null`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

MOST_TEXT = 16 * 1024 * 1024
"""Files larger than this (bytes) cannot be read as a string (FACTS section C.2)."""


class ScriptError(Exception):
    """An exception that the script does not foresee: the end of a request, or of an import."""


def truthy(value: Any) -> bool:
    """As a condition: empty lists and objects count as true."""
    return isinstance(value, (dict, list)) or bool(value)


def has(value: Any, name: Any) -> bool:
    """`name in value`; ScriptError unless the value is an object or a list."""
    if not isinstance(value, (dict, list)):
        raise ScriptError(f"Cannot use 'in' operator to search for '{to_string(name)}' in {to_string(value)}")
    return isinstance(value, dict) and to_string(name) in value


def member(value: Any, name: Any) -> Any:
    """`value[name]`; ScriptError for null."""
    if value is None:
        raise ScriptError(f'Cannot read property "{to_string(name)}" from null')
    return value.get(to_string(name)) if isinstance(value, dict) else None


def items(value: Any) -> Iterator[tuple[str, Any]]:
    """What `_.each` goes through, with names or places; nothing in a value that is neither object, list nor string."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (list, str)):
        yield from ((str(place), item) for place, item in enumerate(value))


def to_string(value: Any) -> str:
    """As it appears in a message."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join("" if item is None else to_string(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)


def read_text(path: Path, charset: str = "utf-8") -> str:
    """A file as a string; ScriptError if it is too large or the charset unknown. Bytes that do not fit are replaced."""
    if path.stat().st_size > MOST_TEXT:
        raise ScriptError("File is too large to read as a string")
    try:
        return path.read_bytes().decode(charset, errors="replace")
    except LookupError:
        raise ScriptError(f"Unknown charset {charset}") from None


def read_json(path: Path) -> Any:
    """A JSON file, always in UTF-8 and without a byte order mark; ScriptError for anything else."""
    try:
        return json.loads(read_text(path), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise ScriptError(f"JSON.parse: {problem}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
