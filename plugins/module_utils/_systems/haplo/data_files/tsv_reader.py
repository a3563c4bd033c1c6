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
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.charsets import (
    BOM,
    charset_of,
    decode_text,
    java_codec,
    looks_like_utf_16,
    resolve_byte_order,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.findings import (
    CannotCheck,
    FatalFinding,
    FileFinding,
    Warnings,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.reader_settings import (
    ReaderSettings,
    line_of,
    lookalike_message,
    no_source_message,
    quoted_name,
)

LINE = re.compile(r"[^\r\n]+")
TAIL = 4096  # bytes at the end of a file; a multiple of what any charset needs for a character


def without_final_line_breaks(entry: Mapping[str, Any], content: Content) -> Content:
    """A TSV file without the line breaks at its end, of which Haplo would make a record; other files as they are.

    Raises `BadInput` if it is not known what a line break is, or nothing would be left.
    """
    if entry["read"] != "tsv-with-name-row":
        return content
    charset = charset_of(entry)
    try:
        codec = java_codec(charset)
    except FatalFinding as error:
        raise BadInput(f"files: {content.source}{error.finding}") from None
    if codec is None:
        raise BadInput(f"files: {content.source}: its charset {charset!r} is not known to trim_final_newline.")
    codec, _mark = resolve_byte_order(codec, content.ends(4)[0])
    breaks = tuple(character.encode(codec) for character in "\r\n")
    width = len(breaks[0])
    if content.size % width:  # cut off within a character
        return content
    while content.size:
        _beginning, end = content.ends(TAIL)
        kept = len(end)
        while kept and end.endswith(breaks, 0, kept):
            kept -= width
        content = replace(content, cut=content.cut + len(end) - kept)
        if kept:
            return content
    raise BadInput(f"files: {content.source}: there is nothing in it but line breaks.")


def check_tsv(blocks: Iterable[bytes], settings: ReaderSettings) -> list[FileFinding]:
    """Warnings about the file. Raises `FatalFinding` or `CannotCheck`."""
    charset = charset_of(settings.entry)
    codec = java_codec(charset)
    data = b"".join(blocks)
    if codec is None:
        raise CannotCheck(f"The charset {charset!r} is not known here.")
    codec, mark = resolve_byte_order(codec, data[:4])
    if not codec.startswith(("utf-16", "utf-32")) and looks_like_utf_16(data[:4]):
        advice = 'Write it in UTF-8, or say "charset": "utf-16" in the control file.'
        raise FatalFinding(f"It is UTF-16, which Haplo would read as {charset}, and find no name in it. {advice}", 1)
    warnings = Warnings()
    text = decode_text(data[mark:], codec, warnings, charset)
    _TsvCheck(text, settings, warnings).check()
    return warnings.findings(lambda offset: line_of(text, offset))


class _TsvCheck:
    """Checks the text of a file. The reader knows no quotes or escapes and skips empty lines."""

    def __init__(self, text: str, settings: ReaderSettings, warnings: Warnings) -> None:
        self._text = text
        self._settings = settings
        self._warnings = warnings
        separator = settings.entry.get("separator") or "\t"
        self._separator = separator if isinstance(separator, str) else json.dumps(separator)

    def check(self) -> None:
        """Check all of it. Raises `FatalFinding`."""
        lines = LINE.finditer(self._text)
        first = next(lines, None)
        if self._text[:1] in ("\r", "\n"):
            raise FatalFinding("It begins with a line break, where Haplo looks for the names of the columns.", 1)
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
        if not self._settings.has_source(names):
            message = no_source_message(self._settings, "No column", names)
            if len(names) == 1:
                message += f" Its columns are not separated by {self._separator!r}.{_separator_advice(names[0])}"
            raise FatalFinding(message, 1)
        if len(names) == 1 and self._settings.sources is None and _separator_advice(names[0]):
            self._warnings.add(f"There is only one column.{_separator_advice(names[0])}")
        for source, name in self._settings.lookalikes(names).items():
            if not name.startswith(BOM):
                self._warnings.add(lookalike_message(name, source))
        if names[0].startswith(BOM) and (self._settings.sources is None or names[0] not in self._settings.sources):
            self._warnings.add(
                "It begins with a byte order mark, which Haplo takes for a part of the first column's name, so that the"
                f" column {quoted_name(names[0][1:])} is not found. Write it without one."
            )
        for name in dict.fromkeys(names):
            if name and names.count(name) > 1:
                self._warnings.add(
                    f"There is more than one column {quoted_name(name)}; Haplo takes the last one that is not empty."
                )

    def _check_line(self, line: str, width: int, offset: int) -> None:
        """Check a line of cells. `width` is the number of columns up to the last one that has a name."""
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
    """What to do if the only name looks like several names."""
    found = next((separator for separator in ("\t", ";", ",", "|") if separator in name), None)
    return f' Say "separator": {json.dumps(found)} in the control file, if that is meant.' if found else ""
