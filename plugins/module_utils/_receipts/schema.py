# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of a receipt store, and the migration of one that an older release made.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Database, store_errors

# Each makes a store of the next version; the first one makes a new store.
MIGRATIONS = (
    """
    CREATE TABLE receipts (
        key TEXT PRIMARY KEY, system TEXT NOT NULL, target TEXT NOT NULL, stream TEXT NOT NULL, options TEXT NOT NULL,
        attempt BIGINT NOT NULL, created_at TEXT NOT NULL
    ){table_ending};
    CREATE INDEX receipts_by_stream ON receipts (stream);
    CREATE TABLE attempts (
        key TEXT NOT NULL REFERENCES receipts (key), attempt BIGINT NOT NULL, run TEXT NOT NULL, state TEXT NOT NULL,
        source TEXT NOT NULL, size BIGINT NOT NULL, content_sha256 TEXT, sent BIGINT UNIQUE, remote_id TEXT,
        message TEXT NOT NULL, detail TEXT NOT NULL, started_at TEXT NOT NULL, changed_at TEXT NOT NULL,
        finished_at TEXT, PRIMARY KEY (key, attempt)
    ){table_ending};
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, host TEXT NOT NULL, place TEXT NOT NULL, pid BIGINT NOT NULL, pid_started TEXT NOT NULL,
        lease_ends DOUBLE PRECISION NOT NULL
    ){table_ending};
    CREATE TABLE digests (
        path TEXT PRIMARY KEY, size BIGINT NOT NULL, mtime_ns BIGINT NOT NULL, ctime_ns BIGINT NOT NULL,
        inode TEXT NOT NULL, sha256 TEXT NOT NULL
    ){table_ending};
    """,
    """
    ALTER TABLE attempts ADD COLUMN stream TEXT;
    UPDATE attempts SET stream = (SELECT stream FROM receipts WHERE receipts.key = attempts.key);
    DROP INDEX receipts_by_stream;
    CREATE INDEX attempts_by_stream ON attempts (stream, sent);
    CREATE INDEX attempts_by_change ON attempts (changed_at, key);
    CREATE INDEX attempts_by_state ON attempts (state, changed_at, key);
    """,
    # Emptied and not made again, so that the privileges on the table stay.
    """
    DELETE FROM digests;
    ALTER TABLE digests ADD COLUMN device TEXT NOT NULL DEFAULT '';
    """,
    """
    ALTER TABLE attempts ADD COLUMN label TEXT;
    ALTER TABLE attempts ADD COLUMN period TEXT;
    CREATE INDEX receipts_by_target ON receipts (target);
    CREATE INDEX attempts_by_label ON attempts (label, state, finished_at);
    """,
    """
    ALTER TABLE attempts ADD COLUMN outcomes TEXT;
    ALTER TABLE attempts ADD COLUMN last_outcome BIGINT;
    CREATE UNIQUE INDEX attempts_by_outcome ON attempts (last_outcome);
    """,
)
VERSION = len(MIGRATIONS)


def version_of(database: Database | None) -> int:
    """The version of a store, 0 where there is none yet. Raises `StoreError` for one that this release cannot use."""
    if database is None:
        return 0
    with store_errors(database, "opened"):
        version = database.version()
    if version > VERSION:
        raise StoreError(
            f"The receipt store {database.location} was made by a newer release of assetops.imports (its version is"
            f" {version}, this one knows {VERSION}). Update the collection here. Nothing was sent."
        )
    return version


def bring_up_to_date(database: Database, version: int, *, read_only: bool) -> bool:
    """Make it a store of this version; whether there was none before."""
    if version == VERSION:
        return False
    if read_only and version:
        raise StoreError(
            f"The receipt store {database.location} was made by an older release of assetops.imports. It is brought up"
            " to date by the first run that may write, so not in check mode."
        )
    with store_errors(database, "opened"), database.transaction():
        version = version_of(database)  # another run may have been faster
        for migration in MIGRATIONS[version:]:
            for statement in migration.format(table_ending=database.table_ending).split(";"):
                if statement.strip():
                    database.execute(statement)
        if version < VERSION:
            database.set_version(VERSION)
    return version == 0
