# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making what a server said fit to be shown and kept: without secrets, and harmless for terminals and decoders.

What is parsed or sent is never changed, as a password may be a common word that stands in any answer. Only messages,
results and receipts go through here.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

MASK = "********"
DECODED_TIMES = 3  # nobody percent-encodes more often
MAX_DEPTH = 30  # levels of a value that are kept; many break JSON decoders, on ansible-core 2.18 some 400
# What controls a terminal or the direction of a text: C0 (except tab and line feed), DEL, C1; and halves of surrogate
# pairs, which UTF-8 cannot hold.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
ANSIBLE_PREFIX = "__ansible"  # such a key tells Ansible how to decode the value it is in


class Secrets:
    """What must not be seen, however it is encoded, and ways to take it out of texts and values.

    `fields` are the vendor's names for parts of its answers. They stay, even if a secret is such a word.
    """

    def __init__(self, fields: Collection[str] = ()) -> None:
        self._fields = frozenset(fields)
        # Each is replaced as a whole, as one thread may add a secret while another one shows something.
        self._values: tuple[str, ...] = ()
        self._made: tuple[tuple[str, ...], re.Pattern[str] | None] = ((), None)

    def add(self, value: str, *, username: str | None = None) -> None:
        """Hide this, also in Base64, and with a user name also the Basic credentials made of both."""
        whole_groups = value.encode()[: len(value.encode()) // 3 * 3]  # the rest depends on what follows
        values = [value, base64.b64encode(whole_groups).decode("ascii")]
        if username is not None:
            values.append(base64.b64encode(f"{username}:{value}".encode()).decode("ascii"))
        self._values = (*self._values, *values)

    def redact(self, text: str) -> str:
        """The text with asterisks for every secret in it, even where one is percent-encoded or escaped."""
        values, (made_of, pattern) = self._values, self._made
        if made_of is not values:  # only now, as that takes a while
            longest_first = sorted(values, key=len, reverse=True)
            pattern = re.compile("|".join(_any_spelling(one) for one in longest_first), re.IGNORECASE)
            self._made = (values, pattern)
        return self._mask(pattern, text) if pattern else text

    @staticmethod
    def _mask(pattern: re.Pattern[str], text: str) -> str:
        """Mask what matches. A text that matches only when it is decoded, as in a URL, is shown decoded."""
        text = pattern.sub(MASK, text)
        encoded = text
        for _time in range(DECODED_TIMES):
            decoded = unquote(encoded)
            if decoded == encoded:
                break
            encoded = pattern.sub(MASK, decoded)
            if encoded != decoded:
                text = encoded
        return text

    def clean(self, value: Any) -> Any:
        """A value from JSON without secrets in its texts and names, and harmless."""
        return harmless(self._redacted(value, MAX_DEPTH))

    def _redacted(self, value: Any, levels: int) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if levels == 0:
            return value  # `harmless` shows nothing of what is deeper
        if isinstance(value, Mapping):
            return {self._name(name): self._redacted(item, levels - 1) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._redacted(item, levels - 1) for item in value]
        return value

    def _name(self, name: Any) -> str:
        return name if name in self._fields else self.redact(str(name))


def harmless(value: Any, levels: int = MAX_DEPTH) -> Any:
    """A value of any origin, as JSON can hold it, with nothing that controls Ansible, a decoder or a terminal.

    Numbers that JSON does not know become texts, unprintable characters become escapes, and what is nested too deep
    becomes an ellipsis.
    """
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (Mapping, list, tuple)):
        if levels == 0:
            return "…"
        if isinstance(value, Mapping):
            return {_harmless_name(str(name)): harmless(item, levels - 1) for name, item in value.items()}
        return [harmless(item, levels - 1) for item in value]
    return value


def printable(text: str) -> str:
    """The text with escapes, as Python writes them, for unprintable characters."""
    return UNPRINTABLE.sub(_escape, text.replace("\r\n", "\n"))


def _escape(found: re.Match[str]) -> str:
    number = ord(found.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def _harmless_name(name: str) -> str:
    return f"({printable(name)})" if name.startswith(ANSIBLE_PREFIX) else printable(name)


def _any_spelling(secret: str) -> str:
    """A regular expression for a secret, with each of its characters in any encoding that a server may use.

    That is: as it is, percent-encoded, escaped as in JSON (once or more often), or as an HTML entity.
    """
    return "".join(rf"(?:\\{{0,4}}{_raw_or_encoded(one)}|\\{{1,4}}{_as_unicode(one)})" for one in secret)


def _raw_or_encoded(character: str) -> str:
    import html

    percent_encoded = "".join(f"%{byte:02x}" for byte in character.encode("utf-8"))
    entities = {html.escape(character), f"&#{ord(character)};", f"&#x{ord(character):x};"}
    forms = {character, percent_encoded, *entities, "+" if character == " " else character}
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms, key=len, reverse=True))})"


def _as_unicode(character: str) -> str:
    """The \\uXXXX of a character without its first backslash; outside the first plane there are two of them."""
    units = character.encode("utf-16-be").hex()
    return r"\\{1,4}".join(f"u{units[place : place + 4]}" for place in range(0, len(units), 4))
