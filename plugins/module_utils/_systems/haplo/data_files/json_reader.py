# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo's reader `json`: a file with a list of records, or with one record.

The text is in memory, which has 16 MiB at most, and of a list one record at a time.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.charsets import (
    BOM,
    decode_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.findings import (
    CannotCheck,
    FatalFinding,
    FileFinding,
    Warnings,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.reader_settings import (
    NOTHING_OF_ALL,
    ReaderSettings,
    first_names,
    line_of,
    lookalike_message,
    no_source_message,
    quoted_name,
)

LARGEST_EXACT = 2**53 - 1  # the largest integer that JavaScript keeps exactly
MAX_SHAPES = 1000  # of objects in JSON; more than any export has
WHITESPACE = re.compile(r"[ \t\r\n]*")
NUL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
KINDS = {"o": "an object", "l": "a list", "s": "a text", "d": "a number", "b": "a truth value", "n": "null"}
EACH_VALUE_A_RECORD = "Haplo takes each value of the object for a record"
LIST_WANTED = "The top level has to be a list of objects, one for each record."


class _ObjectShape(NamedTuple):
    """What matters of an object: its names and, in the same order, the kinds of its values (see `KINDS`)."""

    names: tuple[str, ...]
    kinds: str
    has_source: bool
    lookalikes: Mapping[str, str]


class _JsonCheck:
    """Checks the text of a file.

    A list is read record by record. Of objects only their shapes are kept, one for all that have the same.
    """

    def __init__(self, text: str, settings: ReaderSettings, warnings: Warnings) -> None:
        self._text = text
        self._settings = settings
        self._warnings = warnings
        self._shapes: dict[tuple[tuple[str, ...], str], _ObjectShape] = {}
        self._seen: set[str] = set()  # warnings about the value that is being read
        self._offset = 0  # of that value
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._number,
            parse_float=self._number,
            parse_constant=self._constant,
        )

    def check(self) -> None:
        """Check all of it. Raises `FatalFinding`."""
        start = self._skip(0)
        if start == len(self._text):
            raise FatalFinding(f"There is nothing in it. {NOTHING_OF_ALL}")
        if self._text[start] == "[" and not self._settings.is_single:
            self._check_list(start)
            return
        value, end = self._value(start)
        self._check_end(end)
        if self._settings.is_single:
            self._check_single(value)
        else:
            self._check_top(value)

    def _check_list(self, offset: int) -> None:
        count, has_source = 0, False
        for value, place in self._elements(offset):
            has_source = self._check_record(value, place) or has_source
            count += 1
        if not count:
            self._warnings.add("The list is empty, so Haplo imports nothing of it.")
        elif not has_source:
            self._warn_of_no_source()

    def _elements(self, offset: int) -> Iterator[tuple[Any, int]]:
        """The values of the list that begins there, with their offsets. Raises `FatalFinding` if more follows it."""
        offset = self._skip(offset + 1)
        if self._text[offset : offset + 1] != "]":
            value, end = self._value(offset)
            yield value, offset
            offset = self._skip(end)
            while self._text[offset : offset + 1] == ",":
                offset = self._skip(offset + 1)
                value, end = self._value(offset)
                yield value, offset
                offset = self._skip(end)
            if self._text[offset : offset + 1] != "]":
                self._refuse_syntax("',' or ']' is missing", offset)
        self._check_end(offset + 1)

    def _check_record(self, value: Any, offset: int) -> bool:
        """Check a record, and return whether it has a value that is looked for."""
        if isinstance(value, _ObjectShape):
            if not value.names:
                self._warnings.add("The object is empty, and is imported as a record without values.", offset)
            for source, name in value.lookalikes.items():
                self._warnings.add(lookalike_message(name, source), offset)
            return value.has_source
        kind = KIND_OF_CLASS[value.__class__]
        if kind in "ls" and any(source == "length" or source.isdigit() for source in self._settings.sources or ()):
            return True
        ends = "stops there with an error" if kind == "n" else "makes a record without values of it"
        text = f"This record is {KINDS[kind]}, and no object; Haplo {ends}. {LIST_WANTED}"
        self._settings.refuse_or_warn(self._warnings, text, offset, self.line_of)
        return True

    def _check_top(self, value: Any) -> None:
        """Check a top level that is no list; of an object Haplo takes each value for a record."""
        if not isinstance(value, _ObjectShape) or not value.names:
            what = "an empty object" if isinstance(value, _ObjectShape) else KINDS[KIND_OF_CLASS[value.__class__]]
            raise FatalFinding(f"It is {what}; Haplo would import nothing of it. {LIST_WANTED}", 1)
        kinds = dict(zip(value.names, value.kinds))
        if kinds.get("length") == "d":
            self._warnings.add(
                'As there is a number called "length", Haplo takes the object for a list of that many records, called'
                f' "0", "1" and so on, and leaves out the rest. {LIST_WANTED}'
            )
        elif "n" in kinds.values():
            name = next(name for name, kind in kinds.items() if kind == "n")
            text = f"{EACH_VALUE_A_RECORD}, and stops at {quoted_name(name)}, which is null. {LIST_WANTED}"
            self._settings.refuse_or_warn(self._warnings, text, 0, self.line_of)
        elif "o" not in kinds.values():
            text = f"{EACH_VALUE_A_RECORD}, and none of them is an object: {first_names(kinds)}."
            advice = LIST_WANTED
            if "l" in kinds.values():
                advice = "The list of records has to be the top level itself."
            elif self._settings.has_source(kinds):
                advice = 'Where the file is one record, say "singleRecord": true in the control file.'
            self._settings.refuse_or_warn(self._warnings, f"{text} {advice}", 0, self.line_of)
        else:
            self._warnings.add(
                "The top level is no list but an object; Haplo takes each value of it for a record:"
                f" {first_names(kinds)}."
            )

    def _check_single(self, value: Any) -> None:
        """Check a file that is one record."""
        if isinstance(value, list):
            self._warnings.add(
                "By singleRecord the file is one record, and it is a list, so that the record has no values. Make it an"
                " object, or leave singleRecord out."
            )
        elif not self._check_record(value, 0):
            self._warn_of_no_source()

    def _warn_of_no_source(self) -> None:
        self._warnings.add(
            no_source_message(self._settings, "No record", (name for one in self._shapes for name in one[0]))
        )

    def _value(self, offset: int) -> tuple[Any, int]:
        """The value that begins there, and the offset of its end. Raises `FatalFinding`."""
        self._seen.clear()
        self._offset = offset
        try:
            value, end = self._decoder.raw_decode(self._text, offset)
        except json.JSONDecodeError as error:
            self._refuse_syntax(error.msg, error.pos)
        except RecursionError:
            raise CannotCheck("It is nested too deep to be read here.") from None
        for text in self._seen:
            self._warnings.add(text, offset)
        return value, end

    def _object(self, pairs: list[tuple[str, Any]]) -> _ObjectShape:
        names = tuple([name for name, _value in pairs])
        kinds = "".join([KIND_OF_CLASS[value.__class__] for _name, value in pairs])
        shape = self._shapes.get((names, kinds))
        if shape is None:
            settings = self._settings
            shape = _ObjectShape(names, kinds, settings.has_source(names), settings.lookalikes(names))
            if len(self._shapes) < MAX_SHAPES:
                self._shapes[names, kinds] = shape
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            self._seen.add(
                f"The name {quoted_name(twice)} is there more than once in an object; Haplo takes the last one."
            )
        return shape

    def _number(self, text: str) -> float:
        number = float(text)
        if abs(number) > LARGEST_EXACT:
            if number in (float("inf"), float("-inf")):
                self._seen.add("A number is too large for Haplo, to which it is infinity. Write it as a text.")
            elif text.lstrip("-").isdigit():
                self._seen.add("A number has more digits than Haplo keeps, and is rounded. Write it as a text.")
        return number

    def _constant(self, name: str) -> NoReturn:
        found = re.compile(rf'(?<![\w"]){name}(?![\w"])').search(self._text, self._offset)
        self._refuse_syntax(f"there is no {name} in JSON", found.start() if found else self._offset)

    def _skip(self, offset: int) -> int:
        found = WHITESPACE.match(self._text, offset)
        return found.end() if found else offset

    def line_of(self, offset: int) -> int:
        """The line number of a place in the text."""
        return line_of(self._text, offset)

    def _check_end(self, offset: int) -> None:
        offset = self._skip(offset)
        if offset == len(self._text):
            return
        reason = "there is more behind the end of the JSON"
        if self._text[offset] in "{[":
            reason = "one JSON value follows another, as in JSON Lines, where Haplo wants a list of them"
        self._refuse_syntax(reason, offset)

    def _refuse_syntax(self, reason: str, offset: int) -> NoReturn:
        end = NOTHING_OF_ALL
        if offset >= len(self._text.rstrip()) or reason.startswith("Unterminated"):
            end = f"{end} The file may be cut off, or still be being written."
        elif "\0" in self._text[:4]:
            end = f"{end} It may be UTF-16; Haplo wants UTF-8."
        column = offset - self._text.rfind("\n", 0, offset)
        reason = f"{reason[:1].lower()}{reason[1:]}".removesuffix(" at")
        raise FatalFinding(f"It is not JSON: {reason}. {end}", self.line_of(offset), column)


def check_json(blocks: Iterable[bytes], settings: ReaderSettings) -> list[FileFinding]:
    """Warnings about the file. Raises `FatalFinding` or `CannotCheck`."""
    warnings = Warnings()
    text = decode_text(b"".join(blocks), "utf-8", warnings)
    if text.startswith(BOM):
        text = "It begins with a byte order mark, because of which Haplo would import nothing. Write it without one."
        raise FatalFinding(text, 1, 1)
    nul = NUL_ESCAPE.search(text) if r"\u0000" in text else None
    if nul:
        warnings.add(r"There is a \u0000 in a text, which no database takes; the batch may never end.", nul.start())
    check = _JsonCheck(text, settings, warnings)
    check.check()
    return warnings.findings(check.line_of)


KIND_OF_CLASS = {_ObjectShape: "o", list: "l", str: "s", float: "d", bool: "b", type(None): "n"}
