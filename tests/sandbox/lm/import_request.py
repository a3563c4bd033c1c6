# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON of an import request, checked strictly.

Source: the vendor's page, "Import Assets", and FACTS sections D.1 and D.3. Names, which property is required, and the
types in the example are the page's. That anything else is refused is a guess: it makes a client's mistake visible.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_TYPES: dict[str, type] = {
    "user": str,
    "concurrentThread": int,
    "loadFactor": int,
    "attributeDelimiter": str,
    "attributeValueDelimiter": str,
    "threadSleep": int,
    "replace": bool,
    "emailResults": bool,
    "ignoreAssetId": bool,
    "bypassGovernance": bool,
    "validate": bool,
    "submissionNote": str,
    "importFile": dict,
    "submit": bool,
}
_NOT_EMPTY = ("user", "attributeDelimiter", "attributeValueDelimiter")
_WORDS: dict[type, str] = {str: "a string", int: "an integer", bool: "a boolean", dict: "an object"}


class RequestError(ValueError):
    """The request is invalid; the text says why."""


@dataclass(frozen=True)
class ImportRequest:
    """What an import is asked to do. Where nothing was given, None stands for the server's default."""

    given: dict[str, Any]
    """All of it, as received."""
    url: str | None
    """Where the import file is, or None if it is attached."""
    file_name: str | None
    """Name of the attached import file, or None if there is a URL."""
    user: str | None
    attribute_delimiter: str
    attribute_value_delimiter: str
    replace: bool | None
    ignore_asset_id: bool
    bypass_governance: bool
    validate: bool
    submit: bool | None


def parse_import_request(body: bytes) -> ImportRequest:
    """The request in a JSON body; RequestError if it is not as the page says."""
    given = _object(body)
    for name, value in given.items():
        _check(name, value)
    if "importFile" not in given:
        raise RequestError("'importFile' is missing")
    kind, value = _import_file(given["importFile"])
    return ImportRequest(
        given=given,
        url=value if kind == "url" else None,
        file_name=value if kind == "name" else None,
        user=given.get("user"),
        # The values of the page's example, taken for defaults (guess), as the others that are filled in here.
        attribute_delimiter=given.get("attributeDelimiter", "|"),
        attribute_value_delimiter=given.get("attributeValueDelimiter", "^"),
        replace=given.get("replace"),
        ignore_asset_id=given.get("ignoreAssetId", False),
        bypass_governance=given.get("bypassGovernance", False),
        validate=given.get("validate", False),
        submit=given.get("submit"),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body.decode("utf-8"), object_pairs_hook=_without_repetition)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as problem:
        raise RequestError(f"The request is not valid JSON: {problem}") from problem
    if not isinstance(content, dict):
        raise RequestError("The request is not a JSON object")
    return content


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise RequestError("A property is given twice")
    return content


def _check(name: str, value: Any) -> None:
    expected = _TYPES.get(name)
    if expected is None:
        raise RequestError(f"Unknown property '{name}'")
    # Python takes true for an integer, too.
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise RequestError(f"'{name}' must be {_WORDS[expected]}, not {json.dumps(value)}")
    if isinstance(value, int) and value < 0:
        raise RequestError(f"'{name}' must not be negative")
    if name in _NOT_EMPTY and not value:
        raise RequestError(f"'{name}' must not be empty")


def _import_file(value: dict[str, Any]) -> tuple[str, str]:
    """`url` or `name`, and its value."""
    if unknown := set(value) - {"url", "name"}:
        raise RequestError(f"Unknown property 'importFile.{min(unknown)}'")
    if len(value) != 1:
        raise RequestError("'importFile' must have either 'url' or 'name'")
    ((kind, text),) = value.items()
    if not isinstance(text, str) or not text:
        raise RequestError(f"'importFile.{kind}' must be a string that is not empty")
    return kind, text
