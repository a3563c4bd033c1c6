# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipt stores of every kind, as tests look into them from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .postgresql import Server

KINDS = ("SQLite", "PostgreSQL")


def new_store(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """The location of a store that nobody has used. A server is started only where one is needed."""
    if kind == "SQLite":
        return str(folder / "receipts.db")
    server: Server = request.getfixturevalue("postgresql")
    return server.new_store()


def ask(location: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What another program sees, or does, in a store; `?` stands for a value."""
    if not location.startswith("postgresql:"):
        with closing(sqlite3.connect(location, isolation_level=None)) as database:
            return database.execute(statement, values).fetchall()

    import psycopg

    with psycopg.connect(location, autocommit=True) as connection:
        cursor = connection.execute(statement.replace("?", "%s").encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def check_that_it_is_whole(location: str) -> None:
    """An SQLite file can be half written; a server sees to that itself."""
    if not location.startswith("postgresql:"):
        assert ask(location, "PRAGMA integrity_check") == [("ok",)]
