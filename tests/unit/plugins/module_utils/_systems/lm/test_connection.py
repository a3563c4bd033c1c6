# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager: names of libraries and functions, and credentials."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import (
    LibraryFunction,
    credentials,
)


@pytest.mark.parametrize("name", ["LibraryDemo", "Service Catalog", "Bücherei", "a.b", "..a", "50%", "a;b?c#d\\e"])
def test_a_library_is_one_segment_of_the_path_whatever_it_is_called(name: str) -> None:
    LibraryFunction(name, name)
    assert LibraryFunction(name, "importutils").path.count("/") == 5
    assert LibraryFunction(name, "importutils").path.isascii()
    assert not set(" ;?#\\") & set(LibraryFunction(name, name).path)


@pytest.mark.parametrize("name", ["", " ", "  ", ".", "..", "a/b", "/", "../other", "a\nb", "a\0", " a", "a "])
def test_what_cannot_be_a_segment_of_a_path_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="library"):
        LibraryFunction(name, "importutils")
    with pytest.raises(BadInput, match="function_name"):
        LibraryFunction("LibraryDemo", name)


def test_basic_credentials_are_sent_or_none_at_all() -> None:
    assert credentials(None, None) == {}
    assert credentials("Aladdin", "open sesame") == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}


@pytest.mark.parametrize(
    ("username", "password", "word"),
    [("jdoe", None, "password"), (None, "hunter22", "username"), ("", "hunter22", "username")]
    + [(name, "hunter22", "username") for name in ("  ", "a:b", "a\nb")],
)
def test_half_of_the_credentials_is_refused(username: Any, password: Any, word: str) -> None:
    with pytest.raises(BadInput, match=word) as raised:
        credentials(username, password)
    assert "hunter22" not in raised.value.message
