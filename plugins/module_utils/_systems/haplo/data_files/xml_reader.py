# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo's readers `xml-text-of-children` and `xml-attributes`: an element in the root for each record.

A block of the file and the names in one record are in memory. Entities are never expanded: a file that declares some is
refused. So memory is bounded, however large a file is; a file that would need more is not checked to its end.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import Callable
from xml.parsers import expat

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.charsets import (
    REPLACEMENT,
    java_codec,
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
    lookalike_message,
    no_source_message,
    quoted_name,
)

BUILT_IN = ("utf-8", "utf-16", "iso-8859-1", "us-ascii")  # encodings that the parser knows itself
ENCODING = re.compile(rb"""<\?xml\s[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
LARGEST_PIECE = 16 * 1024 * 1024  # bytes of a tag or a comment, which the parser has in memory
MAX_DEPTH = 10_000  # elements within each other, as the parser keeps something of each in memory
MAX_NAMES = 100_000  # of children of an element; of more of them duplicates are not noticed


def check_xml(blocks: Iterable[bytes], settings: ReaderSettings) -> list[FileFinding]:
    """Warnings about the file. Raises `FatalFinding` or `CannotCheck`.

    The XML declaration has to be whole in the first block.
    """
    warnings = Warnings()
    blocks = iter(blocks)
    first = next(blocks, b"")
    encoding, decode = _decoding(first, warnings)
    document = _XmlCheck(encoding, settings, warnings)
    document.feed(decode(first))
    for block in blocks:
        document.feed(decode(block))
    document.end()
    return warnings.findings()


class _XmlCheck:
    """Checks a file block by block. The elements in the root are the records."""

    def __init__(self, encoding: str | None, settings: ReaderSettings, warnings: Warnings) -> None:
        self._settings = settings
        self._warnings = warnings
        self._reads_attributes = settings.entry["read"] == "xml-attributes"
        self._records_at = 1 if settings.is_single else 2  # depth; that of the root is 1
        self._depth = self._count = 0
        self._has_root = self._has_source = self._has_value = self._is_cdata = False
        self._names: set[str] = set()  # in the record
        self._last_names: set[str] = set()
        self._fed = 0  # bytes
        self._parser = parser = expat.ParserCreate(encoding, "\n")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = lambda *_parts: self._refuse_before_root("a document type (<!DOCTYPE>)")
        parser.CommentHandler = lambda _text: self._refuse_before_root("a comment")
        parser.ProcessingInstructionHandler = lambda *_parts: self._refuse_before_root(
            "a processing instruction (<?…?>)"
        )
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        if not self._reads_attributes:
            parser.CharacterDataHandler = self._characters
            parser.StartCdataSectionHandler = self._start_cdata
            parser.EndCdataSectionHandler = self._end_cdata

    def feed(self, data: bytes) -> None:
        """Check the next block. Raises `FatalFinding` or `CannotCheck`."""
        self._parse(data, is_last=False)

    def end(self) -> None:
        """Check the end of the file. Raises `FatalFinding` or `CannotCheck`."""
        self._parse(b"", is_last=True)
        if not self._count:
            self._warnings.add("There are no elements in the root element, so Haplo imports nothing of it.")
        elif not self._has_source:
            self._warnings.add(no_source_message(self._settings, "No record", self._last_names))

    def _parse(self, data: bytes, *, is_last: bool) -> None:
        self._fed += len(data)
        try:
            self._parser.Parse(data, is_last)
        except expat.ExpatError as error:
            end = NOTHING_OF_ALL
            if is_last:
                end = f"{end} The file may be cut off, or still be being written."
            reason = expat.ErrorString(error.code)
            raise FatalFinding(f"It is not well-formed XML: {reason}. {end}", error.lineno, error.offset + 1) from None
        if self._fed - self._parser.CurrentByteIndex > LARGEST_PIECE:
            raise CannotCheck(f"There is a tag or a comment of more than {LARGEST_PIECE} bytes in it.")

    @property
    def _line(self) -> int:
        return int(self._parser.CurrentLineNumber)

    def _declaration(self, version: str, _encoding: str | None, _standalone: int) -> None:
        if version != "1.0":
            raise CannotCheck(f"It is XML {version}.")

    def _refuse_before_root(self, what: str) -> None:
        if not self._has_root:
            raise FatalFinding(
                f"There is {what} before the root element, and Haplo takes it for that: it would import nothing of the"
                " file and say nothing of it. Leave it out, or write it after the root element.",
                self._line,
            )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._has_root = True
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise CannotCheck("It is nested too deep to be read here.")
        if self._depth == self._records_at:
            self._count += 1
            self._names.clear()
            self._has_value = False
            if self._reads_attributes:
                self._has_value = bool(attributes)
                self._names.update(map(_qualified, attributes))
        elif self._depth == self._records_at + 1 and not self._reads_attributes:
            self._start_value(_local(name))
        elif self._depth == self._records_at + 2 and not self._reads_attributes:
            self._warnings.add("There are elements in a value; Haplo joins their texts.", self._line)

    def _start_value(self, name: str) -> None:
        if name in self._names:
            text = f"There is more than one {quoted_name(name)} in a record; Haplo takes the last one."
            self._warnings.add(text, self._line)
        elif len(self._names) < MAX_NAMES:
            self._names.add(name)

    def _end(self, _name: str) -> None:
        if self._depth == self._records_at:
            self._end_record()
        self._depth -= 1

    def _end_record(self) -> None:
        self._has_source = self._has_source or self._settings.has_source(self._names)
        if not self._has_value:
            what = "attributes" if self._reads_attributes else "texts in elements of its own"
            self._warnings.add(f"A record has no {what}, and is imported without values.", self._line)
        if self._names != self._last_names:
            self._last_names = set(self._names)
            for source, name in self._settings.lookalikes(self._names).items():
                self._warnings.add(lookalike_message(name, source), self._line)

    def _characters(self, _text: str) -> None:
        if self._depth > self._records_at and not self._is_cdata:
            self._has_value = True

    def _start_cdata(self) -> None:
        self._is_cdata = True
        if self._depth > self._records_at:
            self._warnings.add("Haplo leaves out what is in CDATA sections. Write it with &lt; and &amp;.", self._line)

    def _end_cdata(self) -> None:
        self._is_cdata = False


def _decoding(beginning: bytes, warnings: Warnings) -> tuple[str | None, Callable[[bytes], bytes]]:
    """The encoding for the parser, None for the declared one, and a function that prepares each block for it."""
    declared = ENCODING.match(beginning)
    name = declared[1].decode("ascii") if declared else BUILT_IN[0]
    if name.lower() in BUILT_IN:
        return None, bytes
    codec = java_codec(name)
    if codec is None:
        if not _is_known_to_python(name):
            raise FatalFinding(f"There is no encoding {name!r}. {NOTHING_OF_ALL}", 1)
        raise CannotCheck(f"The encoding {name!r} is not known here.")
    decoder = codecs.getincrementaldecoder(codec)("replace")

    def decode(block: bytes) -> bytes:
        text = decoder.decode(block)
        if REPLACEMENT in text:
            warnings.add(f"There are bytes in it that are not {name}; what they stand for is lost.")
        return text.encode("utf-8")

    return "utf-8", decode


def _is_known_to_python(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _local(name: str) -> str:
    """A name without its prefix. The parser gives namespace, name and prefix, separated by line breaks."""
    return name.split("\n")[1] if "\n" in name else name


def _qualified(name: str) -> str:
    """A name with its prefix."""
    return ":".join(name.split("\n")[:0:-1]) if "\n" in name else name
