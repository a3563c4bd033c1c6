# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo's reader `tsv-with-name-row`: a line of names, and below it a line for each record.

The text is in memory, which has 16 MiB at most, and of the records one at a time.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo_reading import (
    BOM,
    Fatal,
    Finding,
    Reading,
    Unchecked,
    Warnings,
    by_mark,
    charset_of,
    decoded,
    java_codec,
    line_of,
    looks_like_utf_16,
    nothing_looked_for,
    shown,
    unlike,
)

LINE = re.compile(r"[^\r\n]+")
NEAR = 4096  # bytes at the end of a file; a multiple of what any charset needs for a character


def without_final_break(entry: Mapping[str, Any], content: Content) -> Content:
    """A TSV file without the line breaks at its end, which would be a record without values; others as they are.

    Raises `BadInput` where it cannot be told what a line break is, or nothing would be left.
    """
    if entry["read"] != "tsv-with-name-row":
        return content
    charset = charset_of(entry)
    try:
        codec = java_codec(charset)
    except Fatal as error:
        raise BadInput(f"files: {content.source}{error.finding}") from None
    if codec is None:
        raise BadInput(f"files: {content.source}: its charset {charset!r} is not known to trim_final_newline.")
    codec, _mark = by_mark(codec, content.read_ends(4)[0])
    breaks = tuple(character.encode(codec) for character in "\r\n")
    width = len(breaks[0])
    if content.size % width:  # cut off within a character
        return content
    while content.size:
        _beginning, end = content.read_ends(NEAR)
        kept = len(end)
        while kept and end.endswith(breaks, 0, kept):
            kept -= width
        content = replace(content, cut=content.cut + len(end) - kept)
        if kept:
            return content
    raise BadInput(f"files: {content.source}: there is nothing in it but line breaks.")


def read_tsv(blocks: Iterable[bytes], reading: Reading) -> list[Finding]:
    """What is to be warned of. Raises `Fatal` or `Unchecked`."""
    charset = charset_of(reading.entry)
    codec = java_codec(charset)
    data = b"".join(blocks)
    if codec is None:
        raise Unchecked(f"The charset {charset!r} is not known here.")
    codec, mark = by_mark(codec, data[:4])
    if not codec.startswith(("utf-16", "utf-32")) and looks_like_utf_16(data[:4]):
        advice = 'Write it in UTF-8, or say "charset": "utf-16" in the control file.'
        raise Fatal(f"It is UTF-16, which Haplo would read as {charset}, and find no name in it. {advice}", 1)
    warnings = Warnings()
    text = decoded(data[mark:], codec, warnings, charset)
    _Tsv(text, reading, warnings).check()
    return warnings.findings(lambda offset: line_of(text, offset))


class _Tsv:
    """The reader `tsv-with-name-row`, over the text of a file: without quotes and escapes, blank lines left out."""

    def __init__(self, text: str, reading: Reading, warnings: Warnings) -> None:
        self._text = text
        self._reading = reading
        self._warnings = warnings
        separator = reading.entry.get("separator") or "\t"
        self._separator = separator if isinstance(separator, str) else json.dumps(separator)

    def check(self) -> None:
        """Raises `Fatal`."""
        lines = LINE.finditer(self._text)
        first = next(lines, None)
        if self._text[:1] in ("\r", "\n"):
            raise Fatal("It begins with a line break, where Haplo looks for the names of the columns.", 1)
        if first is None:
            self._warnings.add("There is nothing in it, so Haplo imports nothing of it.")
            return
        names = first[0].split(self._separator)
        self._check_names(names)
        width = max((place for place, name in enumerate(names, 1) if name), default=0)
        for line in lines:
            self._check_line(line[0], width, line.start())
        if self._text[-1] in "\r\n":
            self._warnings.add(
                "The file ends in a line break, and Haplo takes what follows it for one more record, without values."
                " Leave it out, or set trim_final_newline to true.",
                len(self._text.rstrip("\r\n")),
            )
        elif first.end() == len(self._text):
            self._warnings.add("There are only names in it and no records, so Haplo imports nothing of it.")
        nul = self._text.find("\0")
        if nul >= 0:
            self._warnings.add("There is a NUL character, which no database takes; the batch may never end.", nul)

    def _check_names(self, names: list[str]) -> None:
        if not self._reading.has_source(names):
            told = nothing_looked_for(self._reading, "No column", names)
            if len(names) == 1:
                told = f"{told} Its columns are not separated by {self._separator!r}.{_separator_advice(names[0])}"
            raise Fatal(told, 1)
        if len(names) == 1 and self._reading.sources is None and _separator_advice(names[0]):
            self._warnings.add(f"There is only one column.{_separator_advice(names[0])}")
        for source, name in self._reading.lookalikes(names).items():
            if not name.startswith(BOM):
                self._warnings.add(unlike(name, source))
        if names[0].startswith(BOM) and (self._reading.sources is None or names[0] not in self._reading.sources):
            self._warnings.add(
                "It begins with a byte order mark, which Haplo takes for a part of the first column's name, so that the"
                f" column {shown(names[0][1:])} is not found. Write it without one."
            )
        for name in dict.fromkeys(names):
            if name and names.count(name) > 1:
                self._warnings.add(
                    f"There is more than one column {shown(name)}; Haplo takes the last one that is not empty."
                )

    def _check_line(self, line: str, width: int, offset: int) -> None:
        """`width`: how many columns there are up to the last that has a name."""
        cells = line.split(self._separator)
        if not line.replace(self._separator, "").strip(" \t"):
            self._warnings.add("There is nothing but space in the line, which Haplo takes for a record.", offset)
            return
        if len(cells) < width:
            self._warnings.add("There are fewer cells than columns; the last columns stay empty.", offset)
        elif any(cells[width:]):
            self._warnings.add("There are more cells than columns with names; Haplo leaves the last ones out.", offset)
        if '"' in line and any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells):
            self._warnings.add("There are quotes around a value; Haplo takes them for a part of it.", offset)


def _separator_advice(name: str) -> str:
    """What to do, where the one name there is looks like several."""
    found = next((separator for separator in ("\t", ";", ",", "|") if separator in name), None)
    return f' Say "separator": {json.dumps(found)} in the control file, if that is meant.' if found else ""
