# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What batches and control files are called in Haplo, so that its lists can be read.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable

LONGEST = 200  # characters; the lists show them in one line
TITLE = 120  # characters of it for what the files belong to


def comment_of(title: str | None, files: Sequence[str]) -> str:
    """A comment in one line: what these files belong to, if that has a name, and as many of their names as fit."""
    start = f"{_cut(_plain(title), TITLE)}: " if title else ""
    names = [_plain(name) for name in files]
    for count in range(len(names), 0, -1):
        more = f" and {len(names) - count} more" if count < len(names) else ""
        text = f"{start}{', '.join(names[:count])}{more}"
        if len(text) <= LONGEST:
            return text
    return _cut(text, LONGEST)


def _plain(text: str) -> str:
    return " ".join(printable(text).split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
