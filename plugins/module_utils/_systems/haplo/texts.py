# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts in Haplo's forms: which ones it takes, and the comments on batches and control files in its lists.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, first_of
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable

LARGEST_TEXT = 64 * 1024  # bytes of a text in a form
MAX_COMMENT = 200  # characters; the lists show them in one line
MAX_TITLE = 120  # characters of it for the title


def check_text(option: str, text: str | None) -> None:
    """Raise `BadInput` for a text that Haplo's forms do not take. None is fine: it is not sent."""
    if text is None:
        return
    if not text.strip():
        raise BadInput(f"{option} is empty.")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise BadInput(f"{option} holds characters that are no UTF-8.") from None
    if size > LARGEST_TEXT:
        raise BadInput(f"{option} has {size} bytes; Haplo takes {LARGEST_TEXT}.")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        raise BadInput(f"{option} holds a control character.")


def comment_of(title: str | None, files: Sequence[str]) -> str:
    """A comment in one line: the title of what these files belong to, if any, and as many of their names as fit."""
    start = f"{_cut(_plain(title), MAX_TITLE)}: " if title else ""
    names = [_plain(name) for name in files]
    for count in range(len(names), 0, -1):
        text = f"{start}{first_of(names, count)}"
        if len(text) <= MAX_COMMENT:
            return text
    return _cut(text, MAX_COMMENT)


def _plain(text: str) -> str:
    return " ".join(printable(text).split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
