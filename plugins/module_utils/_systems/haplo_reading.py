# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the readers of Haplo have in common: what is wrong with a data file, how a file is read, and charsets.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable

BOM = "\ufeff"
TOLD = 5  # names, so many of which stand in a message
LONGEST_NAME = 60  # characters that are told of one
WARNINGS = 20  # kinds that are told of one file
NOTHING_OF_ALL = "Haplo would import nothing of the whole batch."
LINE_BREAK = re.compile(r"\r\n|\r|\n")
REPLACEMENT = "\ufffd"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
WRONG_CHARSETS = ("utf-8-sig", "ansi")
CHARSETS = {
    r"utf-?8|unicode-1-1-utf-8": "utf-8",
    r"utf[-_]?16|unicode": "utf-16",
    r"(x-)?utf[-_]?16le": "utf-16-le",
    r"(x-)?utf[-_]?16be": "utf-16-be",
    r"utf[-_]?32": "utf-32",
    r"(x-)?utf[-_]?32le": "utf-32-le",
    r"(x-)?utf[-_]?32be": "utf-32-be",
    r"(us-)?ascii|iso646-us|646|cp367": "ascii",
    r"latin1|l1|8859_1|cp819|ibm819": "iso8859-1",
    r"iso[-_]?8859[-_](\d\d?)": r"iso8859-\1",
    r"latin-?9": "iso8859-15",
    r"(?:windows-|cp)(125[0-8])": r"cp\1",
    r"(?:cp|ibm)-?(437|737|775|85[0257]|86[0-9]|874)": r"cp\1",
    r"(?:cp|ibm)0?0?858": "cp858",
    r"(x-)?macroman": "mac-roman",
    r"shift[-_]jis|sjis|ms_kanji": "shift_jis",
    r"windows-31j|ms932|cp932": "cp932",
    r"euc-?jp": "euc_jp",
    r"gb18030": "gb18030",
    r"gbk|cp936|windows-936": "gbk",
    r"gb2312|euc-cn": "gb2312",
    r"big5": "big5",
    r"euc-kr|ksc5601": "euc_kr",
    r"koi8[-_]([ru])": r"koi8-\1",
}
"""Names that Java has for charsets, in lower case, and what Python calls them. Java knows more of them."""


@dataclass(frozen=True)
class Finding:
    """What Haplo would make of a file other than what is meant, and what to do, for a person.

    `is_fatal`: nothing of the file can be imported; otherwise something is imported wrongly, or is not, without a word.
    `line` and `column` count from 1; 0 is the file as a whole. `others`: at how many more places it is so.
    """

    text: str
    is_fatal: bool = False
    line: int = 0
    column: int = 0
    others: int = 0

    def __str__(self) -> str:
        """To be written behind the name of the file."""
        place = f", line {self.line}" if self.line else ""
        place += f", column {self.column}" if self.column else ""
        others = f", and {self.others} more like that" if self.others else ""
        return f"{place}{others}: {self.text}"


class Fatal(Exception):
    """Nothing of the file can be imported."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.finding = Finding(text, is_fatal=True, line=line, column=column)


class Unchecked(Exception):
    """The file may be good, and cannot be read here."""


class Warnings:
    """Warnings of one file, each with the first place where it holds and the number of them; `WARNINGS` at most."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, int]] = {}

    def add(self, text: str, place: int = 0) -> None:
        """Once more this, there."""
        if text in self._places or len(self._places) < WARNINGS:
            first, count = self._places.get(text, (place, 0))
            self._places[text] = first, count + 1

    def findings(self, line_of: Callable[[int], int] = int) -> list[Finding]:
        """All of them, the first place first; `line_of` makes a line of a place."""
        ordered = sorted(self._places.items(), key=lambda one: one[1][0])
        return [Finding(text, line=line_of(place), others=count - 1) for text, (place, count) in ordered]


@dataclass(frozen=True)
class Reading:
    """How Haplo reads a file: its entry in the control file, and the names by which instructions look for values.

    `sources` is None where nobody can tell: a plugin's record processor may make other records of those in the file,
    and a plugin's instruction may look for anything. So what is only wrong for known ones is a warning then.
    """

    entry: Mapping[str, Any]
    sources: frozenset[str] | None = None

    @property
    def is_single(self) -> bool:
        """Whether the whole file is one record, by the truth of JavaScript."""
        value = self.entry.get("singleRecord")
        return isinstance(value, (list, dict)) or bool(value)

    def has_source(self, names: Iterable[str]) -> bool:
        """Whether one of the names is looked for, or may be; or none is, as where all values are constants."""
        return self.sources is None or not self.sources or not self.sources.isdisjoint(names)

    def lookalikes(self, names: Iterable[str]) -> dict[str, str]:
        """Names that are no sources, by the source that each looks like and that is missing among them."""
        names = set(names)
        missing = {plain(source): source for source in (self.sources or frozenset()) - names}
        strangers = sorted(names - (self.sources or frozenset()))
        return {missing[plain(name)]: name for name in strangers if plain(name) in missing}

    def refuse(self, warnings: Warnings, text: str, place: int, line_of: Callable[[int], int] = int) -> None:
        """Raise `Fatal`, or only warn where a plugin may make something of it."""
        if self.sources is None:
            warnings.add(text, place)
        else:
            raise Fatal(text, line_of(place))


# Charsets


def charset_of(entry: Mapping[str, Any]) -> str:
    """As the control file calls it."""
    charset = entry.get("charset") or "utf-8"
    return charset if isinstance(charset, str) else json.dumps(charset)


def java_codec(charset: str) -> str | None:
    """What Python calls a charset, None where it is not known here. Raises `Fatal` for what is none to Java."""
    if charset.lower() in WRONG_CHARSETS or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+.:_-]*", charset):
        raise Fatal(f"Haplo has no charset {charset!r}, and would stop with an error. Correct it in the control file.")
    for names, codec in CHARSETS.items():
        found = re.fullmatch(names, charset, re.IGNORECASE)
        if found:
            name = found.expand(codec).lower()
            try:
                return codecs.lookup(name).name
            except LookupError:
                return None
    return None


def looks_like_utf_16(beginning: bytes) -> bool:
    """By the first four bytes of a text that begins with a letter."""
    zeros = [place for place, byte in enumerate(beginning) if not byte]
    return beginning[:2] in UTF_16_MARKS or zeros in ([0, 2], [1, 3])


def by_mark(codec: str, beginning: bytes) -> tuple[str, int]:
    """Of what is told by a byte order mark, how it is written, and the bytes of the mark; without one, as Java does."""
    if codec not in ("utf-16", "utf-32"):
        return codec, 0
    for order in ("be", "le"):
        mark = BOM.encode(f"{codec}-{order}")
        if beginning.startswith(mark):
            return f"{codec}-{order}", len(mark)
    return f"{codec}-be", 0


def decoded(data: bytes, codec: str, warnings: Warnings, charset: str = "") -> str:
    """The text as Haplo reads it: what does not fit the charset is replaced, in silence."""
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        place = len(data[: error.start].decode(codec, "replace"))
        text = data.decode(codec, "replace")
        byte = f"0x{data[error.start]:02x}"
        advice = ", or say its charset in the control file" if charset else ""
        wanted = charset or "UTF-8"
        warnings.add(
            f"It is not {wanted}, as the byte {byte} shows; Haplo imports {REPLACEMENT} for what does not fit. Write it"
            f" in {wanted}{advice}.",
            place,
        )
        return text


# Words


def line_of(text: str, offset: int) -> int:
    """The line of a place in a text, from 1, as editors count."""
    return sum(1 for _break in LINE_BREAK.finditer(text, 0, offset)) + 1


def plain(name: str) -> str:
    """A name without what people overlook in it."""
    return name.strip(f"{BOM}\"' \t").rpartition(":")[2].casefold()


def shown(name: str) -> str:
    """A name as it is told."""
    return repr(name[:LONGEST_NAME])


def unlike(name: str, source: str) -> str:
    """What is told of a name that looks like a source and is none."""
    return f"The name {shown(name)} is not {shown(source)}, for which the control file looks; Haplo does not find it."


def nothing_looked_for(reading: Reading, what: str, names: Iterable[str]) -> str:
    """What is told where none of the names that there are is a source."""
    there = some(dict.fromkeys(names))
    looked_for = some(sorted(reading.sources or ()))
    return f"{what} has a name for which the control file looks: there is {there or 'none'}; it looks for {looked_for}."


def some(names: Iterable[str]) -> str:
    """The first few of these names."""
    listed = list(names)
    more = f" and {len(listed) - TOLD} more" if len(listed) > TOLD else ""
    return ", ".join(shown(name) for name in listed[:TOLD]) + more
