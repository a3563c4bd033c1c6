# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charsets of data files, by the names that Java has for them, as Haplo runs on Java.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.data_files.findings import (
    FatalFinding,
    Warnings,
)

BOM = "\ufeff"
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
"""Java's names for charsets, as regular expressions, and Python's. Java knows more."""


def charset_of(entry: Mapping[str, Any]) -> str:
    """The charset of a data file, as its entry in the control file names it."""
    charset = entry.get("charset") or "utf-8"
    return charset if isinstance(charset, str) else json.dumps(charset)


def java_codec(charset: str) -> str | None:
    """Python's name for a charset; None if it is not known here. Raises `FatalFinding` if Java has no such charset."""
    if charset.lower() in WRONG_CHARSETS or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+.:_-]*", charset):
        raise FatalFinding(
            f"Haplo has no charset {charset!r}, and would stop with an error. Correct it in the control file."
        )
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
    """Whether a text that begins with a letter looks like UTF-16, by its first four bytes."""
    zeros = [place for place, byte in enumerate(beginning) if not byte]
    return beginning[:2] in UTF_16_MARKS or zeros in ([0, 2], [1, 3])


def resolve_byte_order(codec: str, beginning: bytes) -> tuple[str, int]:
    """The codec with its byte order, and the length of the byte order mark. Without one, big endian, as in Java."""
    if codec not in ("utf-16", "utf-32"):
        return codec, 0
    for order in ("be", "le"):
        mark = BOM.encode(f"{codec}-{order}")
        if beginning.startswith(mark):
            return f"{codec}-{order}", len(mark)
    return f"{codec}-be", 0


def decode_text(data: bytes, codec: str, warnings: Warnings, charset: str = "") -> str:
    """The text as Haplo reads it, which replaces what does not fit the charset and says nothing."""
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
