# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as every database and every reader takes them, and queries with many of them.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import canonical

MAX_DEPTH = 100  # levels of a server's answer that are kept
CHUNK = 500  # keys in one query; SQLite takes 999 values on old hosts


def escape_unstorable(text: str) -> str:
    """A text as every database can keep it: NUL and half a surrogate pair, as JSON may hold it, become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def to_json(value: Any) -> str:
    """A value as JSON that every database and every reader takes, whatever a server put into it."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        text = canonical(_plain(value, MAX_DEPTH))
    return escape_unstorable(text)


def _plain(value: Any, depth: int) -> Any:
    """The same with words in place of what is no JSON, and of what is nested too deep."""
    if isinstance(value, Mapping) and depth:
        return {str(name): _plain(one, depth - 1) for name, one in value.items()}
    if isinstance(value, (list, tuple)) and depth:
        return [_plain(one, depth - 1) for one in value]
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value) if isinstance(value, float) else f"({type(value).__name__})"


def chunks(values: list[str]) -> Iterator[list[str]]:
    """The values, as many at a time as fit into one query."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def placeholders(values: Sequence[Any]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" for _value in values)
