# SPDX-License-Identifier: GPL-3.0-or-later
"""Asset archives: a zip of delimited files, read into rows.

All of the format but the zip and the two delimiters is made up (FACTS section D.3: nobody outside knows it). Each
member that ends in .txt or .csv is a table in UTF-8. Its first line names the columns: `name`, `version`, `id`,
`description`, in any order, and attributes. Each further line is an asset; a cell of an attribute holds any number of
values. There is no quoting. Other members, such as documents that belong to assets, are left alone.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = ("name", "version", "id", "description")
MOST_UNPACKED = 64 * 1024 * 1024
"""Tables that are larger together (bytes) are refused: they are read while the client waits."""


class ArchiveError(ValueError):
    """The archive cannot be read; the text says why."""


@dataclass(frozen=True)
class AssetRow:
    """An asset as an archive describes it."""

    name: str
    version: str
    id: str = ""
    """Empty if the server is to choose one."""
    description: str = ""
    attributes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be imported; cells that it lacks are None."""

    cells: dict[str, str | None]
    """By the names of COLUMNS."""
    message: str


@dataclass
class Contents:
    """What was found in an archive, in order."""

    rows: list[AssetRow] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)


def read_archive(path: Path, attribute_delimiter: str, value_delimiter: str) -> Contents:
    """All rows of an archive, good and bad; ArchiveError if it is no archive or has no table."""
    contents = Contents()
    try:
        for name, text in _tables(path):
            _read_table(name, _lines(text), attribute_delimiter, value_delimiter, contents)
    # What zipfile raises for what is no zip, damaged, encrypted, or packed in a way it does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeDecodeError) as problem:
        raise ArchiveError(f"The import file cannot be read as a zip of delimited files: {problem}") from problem
    return contents


def _tables(path: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith((".txt", ".csv"))]
        if not members:
            raise ArchiveError("The import file contains no delimited file")
        if sum(member.file_size for member in members) > MOST_UNPACKED:
            raise ArchiveError(f"The delimited files are larger than {MOST_UNPACKED} bytes")
        for member in members:
            yield member.filename, archive.read(member).decode("utf-8-sig")


def _lines(text: str) -> list[str]:
    """By line breaks alone; str.splitlines would take further characters for one."""
    return text.replace("\r\n", "\n").split("\n")


def _read_table(table: str, lines: list[str], delimiter: str, value_delimiter: str, contents: Contents) -> None:
    header = lines[0].split(delimiter)
    if missing := [name for name in COLUMNS if name not in header]:
        raise ArchiveError(f"The first line of {table} does not name the columns {', '.join(missing)}")
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        cells = line.split(delimiter)
        problem = _problem(header, cells)
        named = dict(zip(header, cells))
        if problem is None:
            contents.rows.append(_asset(named, value_delimiter))
        else:
            known = {name: named.get(name) for name in COLUMNS}
            contents.bad_rows.append(BadRow(known, f"{table}, line {number}: {problem}"))


def _problem(header: list[str], cells: list[str]) -> str | None:
    if len(cells) != len(header):
        return f"{len(cells)} columns where {len(header)} are expected"
    named = dict(zip(header, cells))
    empty = [name for name in ("name", "version") if not named[name].strip()]
    return f"{empty[0]} is empty" if empty else None


def _asset(cells: dict[str, str], value_delimiter: str) -> AssetRow:
    attributes = {
        name: cell.split(value_delimiter) for name, cell in cells.items() if name not in COLUMNS and cell != ""
    }
    return AssetRow(cells["name"], cells["version"], cells["id"], cells["description"], attributes)
