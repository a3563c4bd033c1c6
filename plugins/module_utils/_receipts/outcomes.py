# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcomes that attempts had, in the order in which they were written.

A later state replaces an earlier one, for example when somebody settles an import that is unknown, or when a scheduled
one gets its outcome. So each attempt keeps all the outcomes it had, one line of JSON each (`attempts.outcomes`), and
the number of the last one (`attempts.last_outcome`). Only one transaction at a time changes a store, so an outcome with
a lower number can be seen before one with a higher number is written. Who reads on from a number misses nothing.

A number is the time of the writer, in microseconds since 1970, or one more than the last number if that is greater. So
numbers grow even if a clock is set back, and they go on where the newest receipts are forgotten, or where another store
takes the place of one.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Execute

OUTCOMES = ("succeeded", "scheduled", "incomplete", "failed", "unknown")


def note_outcome(execute: Execute, key: str, attempt: int) -> None:
    """Add the outcome of an attempt, if it is a new one. To be called in the transaction that wrote it."""
    row = execute(_ATTEMPT, (key, attempt)).fetchone()
    if row is None or row["state"] not in OUTCOMES:
        return
    noted = (row["outcomes"] or "").splitlines()
    if noted and json.loads(noted[-1])["state"] == row["state"]:
        return
    number = max(int(row["newest"]) + 1, time.time_ns() // 1000)
    outcome = {name: row[name] for name in ("state", "message", "finished_at")}
    noted.append(json.dumps({"number": number, **outcome}))
    execute(_NOTE, ("\n".join(noted), number, key, attempt))
    execute("SELECT announce()")


_ATTEMPT = """
SELECT state, message, finished_at, outcomes,
       (SELECT coalesce(max(last_outcome), 0) FROM attempts) AS newest
FROM attempts WHERE key = ? AND attempt = ?
"""
_NOTE = "UPDATE attempts SET outcomes = ?, last_outcome = ? WHERE key = ? AND attempt = ?"
