# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts for people: lines that fit a terminal, lists of names, sizes and durations.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import first_of
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable

WIDTH = 80  # columns of a terminal
LIST_WIDTH = 60  # characters of a list of names
INDENT = "    "


def wrap_text(text: str, indent: str = "") -> list[str]:
    """A text in lines that fit a terminal; a word that is longer, such as a path, stays whole."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def one_line(text: Any) -> str:
    """A text of any origin, printable and in one line."""
    return printable(str(text)).replace("\n", " ")


def list_names(names: Sequence[str], count: int | None = None) -> str:
    """As many names as fit in one line, and how many more there are of `count` in all."""
    listed = 1
    while listed < len(names) and len(", ".join(names[: listed + 1])) <= LIST_WIDTH:
        listed += 1
    return first_of(names, listed, count)


def format_size(size: float) -> str:
    """A number of bytes, such as `39.9 kB`."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def format_duration(seconds: float) -> str:
    """A number of seconds, such as `2.5 h`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} s"
