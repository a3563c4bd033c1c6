# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts in a store, as a run makes them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Owner, Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..other_run import wanted

A = wanted("a")
B = wanted("b")
NO_DIGEST = "00" * 32
IN_A_FILE = pytest.mark.parametrize("location", ["SQLite"], indirect=True)
IN_POSTGRESQL = pytest.mark.parametrize("location", ["PostgreSQL"], indirect=True)


def receipt_of(store: Store, name: str = "a") -> Receipt:
    return store.find([wanted(name).key])[wanted(name).key]


def owner_of(store: Store, name: str = "a") -> Owner:
    """The other run that is at work on an import, or was when it died."""
    owner = receipt_of(store, name).owner
    assert owner is not None
    return owner


def newest_key(store: Store, stream: str) -> str | None:
    newest = store.newest_of(stream)
    return newest and newest[0]


def claim(store: Store, one: Wanted, seen: Receipt | None, **more: Any) -> int | None:
    return store.claim(one, seen, now_text(), **more)


def claimed(store: Store, name: str = "a", **more: Any) -> int:
    """The number of an attempt that is begun now."""
    one = wanted(name)
    attempt = claim(store, one, store.find([one.key]).get(one.key), **more)
    assert attempt is not None
    return attempt


def sent(store: Store, name: str = "a") -> int:
    """The number of an attempt whose last block has left."""
    attempt = claimed(store, name)
    assert store.mark_sent(wanted(name).key, attempt, NO_DIGEST)
    return attempt


def record(store: Store, name: str, attempt: int, state: str, **what: Any) -> None:
    store.record(
        wanted(name).key,
        attempt,
        state,
        what.get("message", ""),
        remote_id=what.get("remote_id"),
        detail=what.get("detail", {}),
    )


def ended(store: Store, name: str, state: str, **what: Any) -> int:
    """The number of an attempt that went all the way to this state."""
    attempt = sent(store, name)
    record(store, name, attempt, state, **what)
    return attempt
