# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statements by which a store reads and changes its database, in the SQL that both databases know.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import IN_PLACE, MAY_HAVE_CHANGED

A_WINDOW = '%"identity":"window"%'  # in the options of a receipt, which are canonical JSON
SELECT = """
SELECT receipts.key, receipts.options, attempts.stream, attempts.attempt, attempts.run, attempts.state,
       attempts.content_sha256, attempts.remote_id, attempts.message, attempts.detail, attempts.started_at,
       attempts.finished_at, attempts.label, attempts.period,
       runs.host, runs.place, runs.pid, runs.pid_started, runs.lease_ends, clock() AS now
FROM receipts JOIN attempts ON attempts.key = receipts.key LEFT JOIN runs ON runs.id = attempts.run
"""
FIND = SELECT + "WHERE receipts.key IN ({}) AND attempts.attempt = receipts.attempt"
LAST_IN_PLACE = (
    SELECT
    + f"""
WHERE receipts.key = ? AND attempts.state IN {IN_PLACE} ORDER BY attempts.attempt DESC LIMIT 1
"""
)
IN_STREAM = SELECT + "WHERE receipts.key = ? AND attempts.stream = ? ORDER BY attempts.attempt DESC"
WINDOWS_OF = (
    SELECT
    + """
WHERE receipts.target = ? AND attempts.attempt = receipts.attempt AND receipts.options LIKE ? ORDER BY receipts.key
"""
)
NEWEST = f"""
SELECT key, attempt FROM attempts WHERE stream = ? AND sent IS NOT NULL
    AND (state IN {MAY_HAVE_CHANGED} OR (state = 'failed' AND remote_id IS NOT NULL AND key <> ?))
ORDER BY sent DESC LIMIT 1
"""
STATES_OF = """
SELECT key, state, period FROM attempts
WHERE stream = ? AND sent IS NOT NULL AND state != 'superseded' AND period IS NOT NULL ORDER BY sent
"""
IN_TARGET = "key IN (SELECT key FROM receipts WHERE target = ?)"
HIGH_WATER_MARK = f"SELECT coalesce(max(sent), 0) AS mark FROM attempts WHERE {IN_TARGET}"
WORK_AT = SELECT + "WHERE receipts.target = ? AND attempts.state IN ('claimed', 'sent', 'submitted')"
SUPERSEDE = f"""
UPDATE attempts SET state = 'superseded', changed_at = ? WHERE {IN_TARGET} AND coalesce(sent, 0) <= ?
    AND state IN {MAY_HAVE_CHANGED} AND (state NOT IN ('sent', 'submitted') OR run NOT IN ({{}}))
"""
IN_PLACE_AT = f"SELECT key, attempt FROM attempts WHERE {IN_TARGET} AND state IN {IN_PLACE}"
KNOWN = f"SELECT key FROM attempts WHERE {IN_TARGET} AND state IN {MAY_HAVE_CHANGED} LIMIT 1"
SUPERSEDE_ONE = f"""
UPDATE attempts SET state = 'superseded', changed_at = ? WHERE key = ? AND attempt = ? AND state IN {IN_PLACE}
"""
SUPERSEDE_KEY = f"UPDATE attempts SET state = 'superseded', changed_at = ? WHERE key = ? AND state IN {IN_PLACE}"
NEXT_ATTEMPT = "SELECT coalesce(max(attempt), 0) + 1 AS next FROM attempts WHERE key = ?"
PUT_FIRST = "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (key) DO NOTHING"
PUT_ATTEMPT = """
INSERT INTO attempts
    (key, attempt, run, source, size, content_sha256, state, message, detail, started_at, changed_at, stream, label,
     period)
VALUES (?, ?, ?, ?, ?, ?, 'claimed', '', ?, ?, ?, ?, ?, ?)
"""
ADOPT = """
UPDATE attempts SET state = ?, message = ?, finished_at = ?, sent = (SELECT coalesce(max(sent), 0) + 1 FROM attempts)
WHERE key = ? AND attempt = ?
"""
FALL_BACK = f"""
UPDATE receipts SET attempt = coalesce(
    (SELECT max(attempt) FROM attempts WHERE key = ? AND state IN {IN_PLACE}), attempt)
WHERE key = ? AND attempt = ?
"""
STEP_BACK = """
UPDATE receipts SET attempt = coalesce(
    (SELECT max(attempt) FROM attempts WHERE key = ? AND state != 'failed'),
    (SELECT max(attempt) FROM attempts WHERE key = ?), 0)
WHERE key = ?
"""
FILE_ATTRIBUTES = ("size", "mtime_ns", "ctime_ns", "inode", "device")
DIGESTS = f"SELECT path, {', '.join(FILE_ATTRIBUTES)}, sha256 FROM digests WHERE path IN ({{}})"
PUT_DIGEST = f"""
INSERT INTO digests (path, {", ".join(FILE_ATTRIBUTES)}, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in (*FILE_ATTRIBUTES, "sha256"))}
"""
