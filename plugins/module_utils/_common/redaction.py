# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server said, made fit to be shown and kept: without secrets, and without what harms those who read it.

What is parsed or sent is never changed: a password may be a common word, and stand in any answer. Only messages,
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
ENCODED_TIMES = 3  # more often nobody percent-encodes
DEEPEST = 30  # levels of a value that are kept; more of them break JSON decoders, on ansible-core 2.18 at 400
# What a terminal obeys, and what turns the direction of a text: all but tab and line feed of C0, DEL, C1; and halves of
# surrogate pairs, which no UTF-8 can hold.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
ANSIBLES_OWN = "__ansible"  # a key that begins so tells Ansible how to decode what it stands in


class Secrets:
    """What must not be seen, however it is spelled on its way, and ways to take it out of texts and values.

    `fields` are the names that the vendor gives to parts of its answers; they stay, even where a secret is such a word.
    """

    def __init__(self, fields: Collection[str] = ()) -> None:
        self._fields = frozenset(fields)
        # Replaced as wholes, as one thread may learn a secret while another shows something.
        self._values: tuple[str, ...] = ()
        self._made: tuple[tuple[str, ...], re.Pattern[str] | None] = ((), None)

    def add(self, value: str, *, username: str | None = None) -> None:
        """Keep this from view, in Base64 too, and with a user name the Basic credentials made of both."""
        whole_groups = value.encode()[: len(value.encode()) // 3 * 3]  # the rest depends on what follows
        values = [value, base64.b64encode(whole_groups).decode("ascii")]
        if username is not None:
            values.append(base64.b64encode(f"{username}:{value}".encode()).decode("ascii"))
        self._values = (*self._values, *values)

    def redact(self, text: str) -> str:
        """The text with asterisks for every secret in it, be it percent-encoded or escaped, wholly or in part."""
        values, (made_of, pattern) = self._values, self._made
        if made_of is not values:  # only now, as that takes a while
            longest_first = sorted(values, key=len, reverse=True)
            pattern = re.compile("|".join(_any_spelling(one) for one in longest_first), re.IGNORECASE)
            self._made = (values, pattern)
        return self._sub(pattern, text) if pattern else text

    @staticmethod
    def _sub(pattern: re.Pattern[str], text: str) -> str:
        """What is secret only once it is decoded, as what a server wrote and we put into a URL, is shown decoded."""
        text = pattern.sub(MASK, text)
        encoded = text
        for _time in range(ENCODED_TIMES):
            decoded = unquote(encoded)
            if decoded == encoded:
                break
            if pattern.search(decoded):
                return pattern.sub(MASK, decoded)
            encoded = decoded
        return text

    def clean(self, value: Any) -> Any:
        """What JSON gave, without secrets in its texts and names, and harmless."""
        return harmless(self._redacted(value, DEEPEST))

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


def harmless(value: Any, levels: int = DEEPEST) -> Any:
    """A value of any origin, as JSON can hold it, with nothing that Ansible, a decoder or a terminal would obey.

    Numbers that JSON does not know become texts, characters that do not print become escapes, what is nested too deep
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
    """The text with escapes, as Python writes them, for what does not print."""
    return UNPRINTABLE.sub(_escape, text.replace("\r\n", "\n"))


def _escape(found: re.Match[str]) -> str:
    number = ord(found.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def _harmless_name(name: str) -> str:
    return f"({printable(name)})" if name.startswith(ANSIBLES_OWN) else printable(name)


def _any_spelling(secret: str) -> str:
    """A regular expression for a secret each of whose characters may be spelled in any way that a server may use.

    That is as it is, percent-encoded, escaped as in JSON, once or more often, or as an entity of HTML.
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
