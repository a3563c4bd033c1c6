# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores of other versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Fingerprint
from ansible_collections.assetops.imports.plugins.module_utils._receipts import schema
from ansible_collections.assetops.imports.plugins.module_utils._receipts import sqlite as _receipts_sqlite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import PostgreSQL
from ansible_collections.assetops.imports.plugins.module_utils._receipts.sqlite import SQLite

from .....stores import ask
from .attempts import A, B, ended, newest_key, receipt_of


def make_version_one(location: str) -> None:
    """Make a store as the first version did, with one import in it."""
    endings = {True: "", False: " WITHOUT ROWID"}
    for statement in schema.MIGRATIONS[0].format(table_ending=endings[is_url(location)]).split(";"):
        if statement.strip():
            ask(location, statement)
    ask(location, "INSERT INTO receipts VALUES (?, 'licstat', 'target', 'stream', '{}', 1, '')", A.key)
    ask(
        location,
        "INSERT INTO attempts VALUES (?, 1, 'run', 'succeeded', 'a', 3, NULL, 1, 'task 1', '', '{}', '', '', '')",
        A.key,
    )
    if is_url(location):
        ask(location, "CREATE TABLE assetops_receipts (version integer NOT NULL)")
        ask(location, "INSERT INTO assetops_receipts VALUES (1)")
    else:
        ask(location, f"PRAGMA application_id = {_receipts_sqlite.APPLICATION_ID}")
        ask(location, "PRAGMA user_version = 1")


def test_a_store_of_an_older_version_is_brought_up_to_date(location: str) -> None:
    make_version_one(location)
    with closing(open_store(location)) as store:
        assert not store.created
        assert (receipt_of(store).state, receipt_of(store).remote_id) == ("succeeded", "task 1")
        assert newest_key(store, "stream") == A.key
        ended(store, "b", "succeeded")
        assert newest_key(store, "stream") == B.key
    with closing(open_store(location, required=True)) as again:
        assert again._database.version() == schema.VERSION


def test_receipts_outlive_that_digests_get_to_know_their_device(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Fingerprint("/log", 1, 1, 1, 1)
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:2])
        before.setattr(schema, "VERSION", 2)
        make_version_one(location)
        with closing(open_store(location)) as store:
            host = store._host
        ask(location, "INSERT INTO digests VALUES (?, 1, 1, 1, '1', ?)", f"{host}/log", "ab" * 32)
    with closing(open_store(location)) as store:
        assert receipt_of(store).state == "succeeded"
        assert store.recall_digests([log]) == {}
        store.remember_digests({log: "ab" * 32})
        assert store.recall_digests([log]) == {log: "ab" * 32}


def test_a_store_of_an_older_version_stays_as_it_is_where_it_is_only_read(location: str) -> None:
    make_version_one(location)
    with pytest.raises(StoreError, match="older release"):
        open_store(location, read_only=True)
    open_store(location).close()
    open_store(location, read_only=True).close()


def test_a_store_that_two_runs_bring_up_to_date_is_so_once(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_version_one(location)
    database = PostgreSQL if is_url(location) else SQLite
    transaction = database.transaction

    @contextmanager
    def after_the_other(self: Any) -> Iterator[None]:
        monkeypatch.undo()
        open_store(location).close()
        with transaction(self):
            yield

    monkeypatch.setattr(database, "transaction", after_the_other)
    with closing(open_store(location)) as store:
        assert not store.created
        assert receipt_of(store).state == "succeeded"
