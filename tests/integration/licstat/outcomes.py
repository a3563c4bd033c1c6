# SPDX-License-Identifier: GPL-3.0-or-later
"""How runs end that do not end well."""

from __future__ import annotations

from typing import Any

from ..support import assert_plain_failure


def assert_failed(
    result: dict[str, Any], state: str, *words: str, changed: bool = False, status: int | None = None
) -> None:
    """It failed in this state, with this HTTP status if one is given, and says so to a person in these words."""
    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == (state, changed)
    assert status in (None, result.get("http_status"))
    for word in words:
        assert word in result["msg"]
