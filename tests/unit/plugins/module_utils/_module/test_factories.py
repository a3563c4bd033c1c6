# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipt store that the options name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ImportsError, StoreError
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import receipt_store

from .modules import host


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, warning: told.append(warning))
    return told


def test_a_new_store_is_reported_in_a_warning(tmp_path: Path, warnings: list[str]) -> None:
    with receipt_store(host()) as store:
        assert store.created
    (warning,) = warnings
    for words in (str(tmp_path / ".ansible/assetops/receipts.db"), os.uname().nodename, str(os.getuid())):
        assert words in warning
    with receipt_store(host(require_receipts=True)) as store:
        assert not store.created
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("receipts", "words"),
    [("none", "receipts is none"), ("~/receipts.db", "no receipt store"), ("/nowhere/receipts.db", "no receipt store")],
)
def test_a_store_that_has_to_be_there_is_not_made(
    receipts: str, words: str, tmp_path: Path, warnings: list[str]
) -> None:
    for check in (False, True):
        with (
            pytest.raises(ImportsError, match=words),
            receipt_store(host(receipts=receipts, require_receipts=True, check=check)),
        ):
            pass
    assert list(tmp_path.iterdir()) == []
    assert warnings == []


@pytest.mark.parametrize(
    "receipts", ["", " ", "receipts.db", "./receipts.db", "None", "postgresql://host/db", "~nobody-like-that/r.db"]
)
def test_a_place_that_cannot_be_is_an_error_in_words(receipts: str, warnings: list[str]) -> None:
    for required in (False, True):
        with (
            pytest.raises(ImportsError, match=r"receipts|store"),
            receipt_store(host(receipts=receipts, require_receipts=required)),
        ):
            pass
    assert warnings == []


def test_check_mode_makes_no_store(tmp_path: Path, warnings: list[str]) -> None:
    with receipt_store(host(check=True)) as store:
        assert store.read_only
        assert not store.created
    assert list(tmp_path.iterdir()) == []
    assert warnings == []


@pytest.mark.usefixtures("warnings")
def test_the_store_is_closed_whatever_happens() -> None:
    with pytest.raises(KeyError), receipt_store(host()) as store:
        raise KeyError("a bug")
    with pytest.raises(StoreError):
        store.find(["key"])
