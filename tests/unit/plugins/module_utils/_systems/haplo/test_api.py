# SPDX-License-Identifier: GPL-3.0-or-later
"""The path to Haplo's API."""

from __future__ import annotations

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.api import checked_api_path

from .scripted import BASE


@pytest.mark.parametrize("path", [BASE, f"{BASE}/", "/api/haplo-data-import-standard-api", "/a%20b/c"])
def test_the_path_of_the_api_has_no_slash_at_its_end(path: str) -> None:
    assert checked_api_path(path) == path.rstrip("/")


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "//", "api", "api/x", "/api//x", "/api/x//", "/api/../x", "/api/..", "/./api", "/api?x=1", "/api#x"),
        *("https://research.example.ac.uk/api", "/a b", "/api\n", "/api/ä", "/api\\x"),
    ],
)
def test_what_is_no_path_is_reported(path: str) -> None:
    with pytest.raises(BadInput, match="api_path"):
        checked_api_path(path)
