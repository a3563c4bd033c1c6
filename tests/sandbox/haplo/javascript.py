# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's import is written in JavaScript, and what it does with odd input follows from that language.

Values are those of JSON as Python has them, with all numbers as floats; `undefined` is None, like `null`.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

MOST_TEXT = 16 * 1024 * 1024
"""Files larger than this (bytes) cannot be read as a string (FACTS section C.2)."""

_JAVA_ERROR = "org.haplo.javascript.OAPIException: "
"""In front of what the platform says, where it is not the script itself that breaks (guess)."""
_JAVA_CHARSETS = re.compile(
    r"utf-?8|utf-?(16|32)(le|be)?|(us-)?ascii|iso[-_]?8859[-_]\d+|latin\d|windows-\d+|cp\d+|ibm\d+|(x-)?macroman"
    r"|shift[-_]jis|sjis|gb18030|gbk|gb2312|big5|euc-(jp|kr)|koi8-[ru]",
    re.IGNORECASE,
)
"""Names of charsets as Java knows them; of its other names nothing is known here."""
_LAST_COMMA = re.compile(r",[ \t\r\n]*([\]}])")


class ScriptError(Exception):
    """An exception that the script does not foresee: the end of a request, or of an import."""


class Function:
    """What stands under a name that every object has, such as `toString`, unless it is given another meaning."""


FUNCTION = Function()

_OF_OBJECTS = frozenset(
    (
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    )
)
"""Names that every object has; lists and texts have more, which no import was seen to meet."""


def truthy(value: Any) -> bool:
    """As a condition: empty lists and objects count as true."""
    return isinstance(value, (dict, list)) or bool(value)


def truthy_or_zero(value: Any) -> bool:
    """`value || value === 0`: what the import framework takes for a value."""
    return truthy(value) or is_number(value)


def is_number(value: Any) -> bool:
    """`typeof(value) === "number"`"""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def strictly_equal(one: Any, other: Any) -> bool:
    """`one === other`, of two values that were read from different places: objects and lists are never the same."""
    of_one_type = is_number(one) == is_number(other) and isinstance(one, bool) == isinstance(other, bool)
    return of_one_type and not isinstance(one, (dict, list)) and bool(one == other)


def has(value: Any, name: Any) -> bool:
    """`name in value`; ScriptError unless the value is an object, a list or a function."""
    if not isinstance(value, (dict, list, Function)):
        raise ScriptError("Can't use 'in' on a non-object.")
    return to_string(name) in _OF_OBJECTS or _own(value, to_string(name))[0]


def member(value: Any, name: Any) -> Any:
    """`value[name]`; ScriptError for null."""
    if value is None:
        raise ScriptError(f'Cannot read property "{to_string(name)}" from null')
    is_there, found = _own(value, to_string(name))
    if is_there:
        return found
    return FUNCTION if to_string(name) in _OF_OBJECTS else None


def _own(value: Any, name: str) -> tuple[bool, Any]:
    """Whether a value itself has something under a name, and what."""
    if isinstance(value, dict):
        return name in value, value.get(name)
    if isinstance(value, Function) and name == "length":
        return True, 0.0
    if not isinstance(value, (list, str)):
        return False, None
    if name == "length":
        return True, float(len(value))
    place = int(name) if re.fullmatch(r"0|[1-9]\d{0,9}", name) else len(value)
    return (True, value[place]) if place < len(value) else (False, None)


def items(value: Any) -> Iterator[tuple[str, Any]]:
    """What `_.each` goes through, with names or places; nothing in a value that is neither object, list nor string.

    An object with a number as `length` is taken for a list, whatever else is in it.
    """
    if isinstance(value, dict) and is_number(value.get("length")):
        place = 0
        while place < value["length"]:
            yield str(place), value.get(str(place))
            place += 1
    elif isinstance(value, dict):
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
    if isinstance(value, Function):
        return "function () {...}"  # guess
    return _number_to_string(float(value)) if is_number(value) else json.dumps(value)


def to_json(value: Any) -> str:
    """`JSON.stringify(value)`"""
    if isinstance(value, dict):
        return "{" + ",".join(f"{to_json(name)}:{to_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    if is_number(value):
        return to_string(value) if math.isfinite(value) else "null"
    return json.dumps(value, ensure_ascii=False)


def _number_to_string(number: float) -> str:
    """The fewest digits that stand for the number, with an exponent from 1e21 on and below 1e-6."""
    if number == 0:
        return "0"
    if not math.isfinite(number):
        return "Infinity" if number > 0 else "-Infinity"
    sign, digits, point = _digits(number)
    if not -6 < point <= 21:
        rest = f".{digits[1:]}" if digits[1:] else ""
        return f"{sign}{digits[0]}{rest}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point:
        return sign + digits.ljust(point, "0")
    return f"{sign}{digits[:point]}.{digits[point:]}"


def _digits(number: float) -> tuple[str, str, int]:
    """Sign and digits of a number, and how many of the digits stand before the point (below 0: zeros after it)."""
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int), "the number is finite"
    return "-" if sign else "", "".join(map(str, digits)), len(digits) + exponent


def read_text(path: Path, charset: str = "utf-8") -> str:
    """A file as a string; ScriptError if it is too large or the charset unknown. Bytes that do not fit are replaced."""
    codec = _codec(charset)
    if path.stat().st_size > MOST_TEXT:
        raise ScriptError(f"{_JAVA_ERROR}Uploaded data is too big to read into a String")
    content = path.read_bytes()
    if codec == "utf-16" and content[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        codec = "utf-16-be"
    return content.decode(codec, errors="replace")


def _codec(charset: str) -> str:
    """Python's name of a charset."""
    if _JAVA_CHARSETS.fullmatch(charset):
        with contextlib.suppress(LookupError):
            return codecs.lookup(re.sub("(?i)^x-", "", charset)).name
    raise ScriptError(f"{_JAVA_ERROR}Invalid charset: {charset}")


def read_json(path: Path) -> Any:
    """A JSON file, always in UTF-8 and without a byte order mark; ScriptError for anything else."""
    text = read_text(path)
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=float)
    except json.JSONDecodeError as problem:
        raise ScriptError(_said_by_rhino(problem)) from None
    except RecursionError:
        raise ScriptError("Java stack overflow") from None  # guess


def _refuse_constant(name: str) -> NoReturn:
    """NaN, Infinity and -Infinity, which are not JSON."""
    raise ScriptError(f"Unexpected token: {name[0]}")


def _said_by_rhino(problem: json.JSONDecodeError) -> str:
    """What the vendor's JavaScript engine says to JSON that does not parse; of rare mistakes the words are a guess."""
    text, place = problem.doc, problem.pos
    if problem.msg == "Extra data":
        return f"Expected end of stream at char {place}"
    if problem.msg.startswith("Invalid control character"):
        return "String contains control character"
    if problem.msg.startswith("Unterminated string"):
        return "Unterminated string literal"
    if (comma := _LAST_COMMA.match(text, max(text.rfind(",", 0, place + 1), 0))) and comma.end() > place:
        return f"Unexpected comma in {'array' if comma[1] == ']' else 'object'} literal"
    return f"Unexpected token: {text[place]}" if place < len(text) else "Empty JSON string"
