# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rows of a store mean.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import identity_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import DatedState, Owner, Receipt


def receipt_of(row: Any, version: tuple[int, str], owner: Owner | None) -> Receipt:
    return Receipt(
        key=row["key"],
        version=version,
        stream=row["stream"],
        attempt=row["attempt"],
        state=row["state"],
        content_sha256=row["content_sha256"],
        remote_id=row["remote_id"],
        message=row["message"],
        detail=json.loads(row["detail"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        owner=owner,
        label=row["label"],
        period=row["period"] and json.loads(row["period"]),
    )


def version_of(row: Any) -> tuple[int, str]:
    """What changes whenever the receipt does."""
    return (row["attempt"], row["state"])


def basis_of(rows: Sequence[Any]) -> str:
    """What changes whenever one of the time ranges in these rows does."""
    return identity_of(windows=[(row["key"], row["attempt"], row["state"]) for row in rows])


def dated_states(rows: Sequence[Any]) -> dict[datetime, DatedState]:
    """The states of a stream, by the first and the last moment of which each is the state."""
    found = {}
    for row in rows:
        period, state = json.loads(row["period"]), DatedState(row["key"], row["state"])
        found.update({datetime.fromisoformat(period[end]): state for end in ("first", "last")})
    return found
