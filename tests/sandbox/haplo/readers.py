# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers: how the records of a data file are found (FACTS sections C.0, C.2, C.5).

A reader looks through its file when it is opened, as far as the vendor's does, so that a file that does not parse stops
an import before its first record; TSV is read only when its records are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from .javascript import ScriptError, items, member, read_json, read_text, to_string, truthy

Reader = Callable[[Path, Any], Iterator[Any]]

_BLOCK = 64 * 1024


def open_reader(path: Path, specification: Any) -> Iterator[Any]:
    """The records of a file; `specification` is its entry of the control file. ScriptError if it does not parse."""
    name = to_string(member(specification, "read"))
    if name not in READERS:
        # For a file `toString`, the specification found is what every object has under that name.
        service = "haplo:data-import-framework:reader:undefined"
        raise ScriptError(
            f"No provider registered for service '{service}' (or attempt to use service during plugin loading)"
        )
    return READERS[name](path, specification)


def _json(path: Path, specification: Any) -> Iterator[Any]:
    """An array of records."""
    content = read_json(path)
    if truthy(member(specification, "singleRecord")):
        return iter([content])
    return (record for _name, record in items(content))


@dataclass
class _Element:
    """An element as far as the readers look at it."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    """Of its own and its children, without CDATA sections."""
    children: list[_Element] = field(default_factory=list)


def _xml(decode: Callable[[_Element], dict[str, str]]) -> Reader:
    """Of files of any size: elements are let go as soon as they are decoded."""

    def read(path: Path, specification: Any) -> Iterator[Any]:
        single = truthy(member(specification, "singleRecord"))
        for _unused in _XmlRecords(single).read(path):
            pass
        return map(decode, _XmlRecords(single).read(path))

    return read


class _XmlRecords:
    """The elements that are records: the children of the root, or with `single` the root itself.

    What is in front of the root, such as a comment, is taken for the root and has nothing in it.
    """

    def __init__(self, single: bool) -> None:
        self._depth = 0 if single else 1
        """Of a record."""
        self._open: list[_Element] = []
        self._done: list[_Element] = []
        self._declared: dict[str, str] = {}
        """Declarations of namespaces that belong to the next element."""
        self._has_root = self._in_cdata = False
        self._hidden = False
        """Something is in front of the root."""
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._add_text
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartCdataSectionHandler, parser.EndCdataSectionHandler = self._start_cdata, self._end_cdata
        parser.CommentHandler = parser.ProcessingInstructionHandler = parser.StartDoctypeDeclHandler = self._aside

    def read(self, path: Path) -> Iterator[_Element]:
        """One after another; ScriptError where the file does not parse."""
        with path.open("rb") as file:
            is_last = False
            while not is_last:
                block = file.read(_BLOCK)
                is_last = not block
                try:
                    self._parser.Parse(block, is_last)
                except (expat.ExpatError, LookupError, ValueError) as problem:  # the last two: of encodings
                    raise ScriptError(f"XML: {problem}") from None
                yield from self._done
                self._done.clear()
        if self._hidden and self._depth == 0:
            yield _Element("", {})

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        qualified = {_qualified(key): value for key, value in attributes.items()}
        self._open.append(_Element(_qualified(name), {**self._declared, **qualified}))
        self._declared = {}
        self._has_root = True

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        depth = len(self._open)
        if depth == self._depth and not self._hidden:
            self._done.append(element)
        elif depth > self._depth:
            self._open[-1].text += element.text
            self._open[-1].children.append(element)

    def _add_text(self, text: str) -> None:
        if len(self._open) > self._depth and not self._in_cdata:
            self._open[-1].text += text

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[f"xmlns:{prefix}" if prefix else "xmlns"] = uri or ""

    def _start_cdata(self) -> None:
        self._in_cdata = True

    def _end_cdata(self) -> None:
        self._in_cdata = False

    def _aside(self, *_unused: Any) -> None:
        """A comment, a processing instruction or a document type."""
        self._hidden = self._hidden or not self._has_root


def _text_of_children(element: _Element) -> dict[str, str]:
    return {child.name.rpartition(":")[2]: child.text for child in element.children}


def _attributes(element: _Element) -> dict[str, str]:
    return element.attributes


def _qualified(name: str) -> str:
    """`prefix:name`, of what the parser gives: `name`, `uri name` or `uri name prefix`."""
    _uri, _unused, rest = name.rpartition(" ") if name.count(" ") < 2 else name.partition(" ")
    local, _unused, prefix = rest.partition(" ")
    return f"{prefix}:{local}" if prefix else local


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
