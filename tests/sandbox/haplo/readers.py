# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers: how the records of a data file are found (FACTS sections C.0, C.2, C.5).

A reader looks through its file when it is opened, as far as the vendor's does, so that a file that does not parse stops
an import before its first record; TSV is read only when its records are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, iterparse, parse

from .javascript import ScriptError, items, member, read_json, read_text, to_string, truthy

Reader = Callable[[Path, Any], Iterator[Any]]


def open_reader(path: Path, specification: Any) -> Iterator[Any]:
    """The records of a file; `specification` is its entry of the control file. ScriptError if it does not parse."""
    return READERS[to_string(member(specification, "read"))](path, specification)


def _json(path: Path, specification: Any) -> Iterator[Any]:
    """An array of records."""
    content = read_json(path)
    if truthy(member(specification, "singleRecord")):
        return iter([content])
    return (record for _name, record in items(content))


def _xml(decode: Callable[[Element], dict[str, str]]) -> Reader:
    """Of files of any size: elements are let go as soon as they are decoded."""

    def read(path: Path, specification: Any) -> Iterator[Any]:
        try:
            if truthy(member(specification, "singleRecord")):
                return iter([decode(parse(path).getroot())])
            for _unused in _children_of_root(path):
                pass
        except ParseError as problem:
            raise ScriptError(f"XML: {problem}") from None
        return map(decode, _children_of_root(path))

    return read


def _children_of_root(path: Path) -> Iterator[Element]:
    depth, root = 0, None
    with path.open("rb") as file:
        for event, element in iterparse(file, ("start", "end")):
            if event == "start":
                root = element if root is None else root
                depth += 1
                continue
            depth -= 1
            if depth == 1:
                yield element
                assert root is not None
                root.clear()


def _text_of_children(element: Element) -> dict[str, str]:
    return {_local_name(child.tag): "".join(child.itertext()) for child in element}


def _attributes(element: Element) -> dict[str, str]:
    return {_local_name(name): value for name, value in element.items()}


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]


def _tsv_with_name_row(path: Path, specification: Any) -> Iterator[Any]:
    """The first line names the columns; empty cells are not in a record.

    What follows the line break at the end of a file is one more record, an empty one (FACTS section C.2).
    """
    separator = member(specification, "separator")
    separator = to_string(separator) if truthy(separator) else "\t"
    charset = member(specification, "charset")
    lines = re.split(r"[\r\n]+", read_text(path, to_string(charset) if truthy(charset) else "utf-8"))
    names = lines[0].split(separator)
    for line in lines[1:]:
        yield {name: cell for name, cell in zip(names, line.split(separator)) if cell}


READERS: dict[str, Reader] = {
    "json": _json,
    "xml-text-of-children": _xml(_text_of_children),
    "xml-attributes": _xml(_attributes),
    "tsv-with-name-row": _tsv_with_name_row,
}
"""By name. Plugins can add others; here there are none."""
