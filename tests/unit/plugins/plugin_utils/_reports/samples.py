# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports to write in any format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import Failure, ImportId, Report
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import SIGNS, Row, nights_between

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=timezone.utc)
BERLIN = ZoneInfo("Europe/Berlin")
STATES = list(SIGNS)
EVIL = "\"'><script>alert(1)</script><img src=https://evil.example.com/x onerror=y>\x1b\u202e&amp;"


def entry(number: int, state: str = "succeeded", name: str = "cad", url: str | None = None) -> dict[str, Any]:
    return {
        "target": name,
        "system": "licstat",
        "into": f"https://licstat.example.com license server {number}",
        "source": f"/srv/logs/{name}/debug.log.{number}",
        "state": state,
        "is_dry_run": False,
        "started_at": "2026-11-29T03:00:00.000Z",
        "finished_at": "2026-11-29T03:01:00.000Z",
        "seconds": 60.0,
        "size": 39_900,
        "period": {"first": "2026-11-28T00:00:00", "last": "2026-11-28T23:59:59"},
        "window": None,
        "remote_id": name,
        "content_sha256": "5a" * 32,
        "key": f"{number:064x}",
        "url": url,
        "message": name,
        "attempts": [
            {"attempt": 1, "state": state, "started_at": "2026-11-29T03:00:00.000Z", "message": name},
            {"attempt": 2, "state": state, "started_at": "2026-11-29T03:00:05.000Z", "message": name},
        ],
    }


def report(*, name: str = "license-server", targets: int = 2, nights: int = 9, **given: Any) -> Report:
    """A report of as many targets, each of whose nights is in another state, with imports and failures."""
    days = nights_between(f"{nights}d", None, BERLIN, NOW)
    imports = [(0, str(number)) for number in range(given.get("count", 3))]

    def read(import_ids: Sequence[ImportId]) -> Iterator[dict[str, Any]]:
        return (entry(int(key), name=name, url=given.get("url")) for _store, key in import_ids)

    rows = [
        Row(f"{name}-{number:03}", "licstat", [STATES[(number + day) % len(STATES)] for day in range(nights)])
        for number in range(targets)
    ]
    return Report(
        nights=days,
        zone=BERLIN,
        zone_name="Europe/Berlin",
        scope={"label": name},
        stores=[name],
        unread=[name],
        failures=[Failure(name, "licstat", "unknown", name, "2026-11-29T03:00:00.000Z", entry(9, name=name))],
        rows=rows,
        imports=imports,
        counts={"succeeded": len(imports)},
        limit=300,
        read=read,
    )
