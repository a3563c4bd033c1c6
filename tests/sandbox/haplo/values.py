# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on their way from a record to a destination: mapped, filtered, and made what their data type asks for.

Source: the vendor's public data import framework. Left out are qualifiers and the look-up of other objects by title or
behaviour; a reference is shown as an object `{"ref": …}`, of whatever it was looked up by.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .javascript import FUNCTION, Function, ScriptError, has, items, member, to_json, to_string, truthy
from .transformation import Ref

Transformer = Callable[[Any], Any]
"""None, which stands for `undefined`, means that nothing is set."""

_FIXABLE_URL = re.compile(r"[a-zA-Z][a-zA-Z+.\-/]+")
_URL = re.compile(r"[a-zA-Z+.\-]+:")
_REF = re.compile(r"[0-9qvwxyz]+")
_CONFIGURATION_NAME = re.compile(r"[a-zA-Z0-9_-]+:[:a-zA-Z0-9_-]+")


@dataclass(frozen=True)
class Source:
    """Where a value comes from, for messages, and where to report them."""

    description: str
    report: Callable[[str], None]

    def refuse(self, what: str, value: Any) -> None:
        """Report a value that is not of its type."""
        self.report(f"{what} for {self.description}: {to_string(value)}")


def transformer(
    data_type: str, instruction: Any, source: Source, mappings: Any, object_types: list[str]
) -> Transformer:
    """What an instruction does with values for a name of this data type.

    `mappings` are those of the control file, `object_types` the codes of the types of objects that there are.
    """
    if data_type == "ref":
        transform = _ref_transformer(instruction, source, mappings)
    elif data_type == "object-type":
        transform = _object_type_transformer(object_types)
    else:
        transform = _of_type(data_type, source)
    for _place, name in reversed(list(items(member(instruction, "filters")))):
        transform = _filtered(_filter(name), transform)
    if has(instruction, "mapInputValue"):
        transform = _input_mapped(instruction, transform)
    return transform


def _of_type(data_type: str, source: Source) -> Transformer:
    return lambda value: _TYPES[data_type](value, source)


def _filter(name: Any) -> Transformer:
    """The check of the control file looks at filters of `field` only."""
    if to_string(name) not in FILTERS:
        raise ScriptError(f"no filter defined for name: {to_string(name)}")
    return FILTERS[to_string(name)]


def _filtered(first: Transformer, then: Transformer) -> Transformer:
    """`undefined` comes out of a filter, and then goes through everything (a null, which does not, is very rare)."""

    def transform(value: Any) -> Any:
        filtered = first(value)
        return None if filtered is None else then(filtered)

    return transform


def _input_mapped(instruction: Any, then: Transformer) -> Transformer:
    mapping = instruction["mapInputValue"]
    default = instruction.get("mapInputValueDefault")
    has_default = has(instruction, "mapInputValueDefault")

    def mapped(value: Any) -> Any:
        if has(mapping, value):
            return then(member(mapping, value))
        return then(default if has_default else value)

    return mapped


def _ref_transformer(instruction: Any, source: Source, mappings: Any) -> Transformer:
    if not has(instruction, "refMapping"):
        return lambda value: value if isinstance(value, Ref) else None
    mapping = member(mappings or {}, instruction["refMapping"])
    if not truthy(mapping):
        source.report(f"Unknown mapping: {to_string(instruction['refMapping'])}")
        return lambda value: value if isinstance(value, Ref) else None
    known = member(mapping, "values")

    def mapped(value: Any) -> Any:
        if value is None:
            return None
        code = member(known, value)
        if code is None:
            source.refuse("Value in input data cannot be mapped", value)
            return None
        if code is FUNCTION:
            raise ScriptError(f"Unknown behaviour: {to_string(code)}")  # the words are a guess
        return Ref(code)

    return mapped


def _object_type_transformer(object_types: list[str]) -> Transformer:
    """A code that is not known sets nothing, and that is no error."""
    return lambda value: Ref(to_string(value)) if to_string(value) in object_types else None


# Data types.


def _text(value: Any, source: Source) -> Any:
    return to_string(value) if isinstance(value, (str, int, float)) else None


def _long_text(value: Any, source: Source) -> Any:
    return to_string(value) if truthy(value) else None


def _configuration_name(value: Any, source: Source) -> Any:
    call = "O.text(O.T_IDENTIFIER_CONFIGURATION_NAME,...) must be"
    if not truthy(value):
        return None
    if not isinstance(value, str):
        raise ScriptError(f"{call} passed a String.")
    if not _CONFIGURATION_NAME.fullmatch(value):
        raise ScriptError(f"{call} formed of a-zA-Z0-9_ and contain at least one : separator.")
    return value


def _string(value: Any, source: Source) -> Any:
    return value if isinstance(value, str) else None


def _email_address(value: Any, source: Source) -> Any:
    if isinstance(value, str) and value.find("@") < 1:
        source.refuse("Invalid email address", value)
        return None
    return _string(value, source)


def _url(value: Any, source: Source) -> Any:
    if isinstance(value, str) and not _URL.match(value):
        source.refuse("Invalid URL", value)
        return None
    return _string(value, source)


def _person_name(value: Any, source: Source) -> Any:
    """As in JavaScript, null counts as an object, and breaks it."""
    is_object = value is None or isinstance(value, dict)
    return dict(value) if is_object and truthy(member(value, "last")) else None


def _postal_address(value: Any, source: Source) -> Any:
    if value is not None and not isinstance(value, (dict, list)):
        return None
    country = member(value, "country")
    if isinstance(value, dict) and isinstance(country, str) and len(country) == 2:
        return dict(value)
    source.report(f"Missing or invalid country code in postal address, must be two letter ISO code: {to_json(value)}")
    return None


def _anything(value: Any, source: Source) -> Any:
    if isinstance(value, Function):
        return None
    return dict(value) if isinstance(value, dict) and not isinstance(value, Ref) else value


_TYPES: dict[str, Callable[[Any, Source], Any]] = {
    "text": _text,
    "text-paragraph": _long_text,
    "configuration-name": _configuration_name,
    "email-address": _email_address,
    "url": _url,
    "telephone-number": _string,
    "person-name": _person_name,
    "postal-address": _postal_address,
    "anything": _anything,
}
"""`anything` is the sandbox's own, for models that it knows nothing of."""


# Filters.


def _string_to_ref(value: Any) -> Any:
    return _to_ref(value) if not isinstance(value, str) or _REF.fullmatch(value) else None


def _to_ref(value: Any) -> Any:
    """By a code or a name, of which all are taken to be there."""
    if isinstance(value, str):
        return Ref(value)
    return value if isinstance(value, Ref) else None


def _fix_up_url(value: Any) -> Any:
    if not isinstance(value, str):
        return None
    return f"https://{value}" if _FIXABLE_URL.fullmatch(value) else value


def _to_lower_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _to_upper_case(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _to_string(value: Any) -> str:
    """ScriptError for null."""
    member(value, "toString")
    return to_string(value)


FILTERS: dict[str, Transformer] = {
    "haplo:string-to-ref": _string_to_ref,
    "haplo:code-to-ref": _to_ref,
    "haplo:username-to-ref": _to_ref,
    "haplo:fix-up-url": _fix_up_url,
    "haplo:to-lower-case": _to_lower_case,
    "haplo:to-upper-case": _to_upper_case,
    "haplo:to-string": _to_string,
}
"""By name, as the data import framework ships them."""
