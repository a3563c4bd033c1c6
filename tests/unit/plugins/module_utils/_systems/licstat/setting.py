# SPDX-License-Identifier: GPL-3.0-or-later
"""A log, its import, and servers that answer as License Statistics does."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import (
    ImportOptions,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.system import LicenseStatistics

from ..._http.talks import Talk
from ...fakes import Uncommitted
from ...peers import Conversation, Peer, Script

FROM, TO = datetime(2021, 1, 10, 15, 10), datetime(2021, 2, 10, 19, 13, 23)
SERVER = "https://licstat.example.com"
DIGEST = "5a" * 32
TASK = "import_527ddd6f-d7de-4854-bc99-839b5afd458e"


def log_at(path: Path) -> Content:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'10:00:00 (vendord) OUT: "feature" user@host\n')
    (content,) = open_contents([str(path)])
    return content


def wanted(content: Content, options: ImportOptions, server: str = SERVER, sha256: str | None = None) -> Wanted:
    return wanted_import(server, options, content, sha256)


def envelope(data: Any, **more: Any) -> bytes:
    return json.dumps({"success": True, "msg": None, "data": data, **more}).encode()


def a_task(state: Any = "PENDING", error: Any = None, tid: Any = TASK) -> dict[str, Any]:
    return {
        "data": None,
        "sbtr": "Administrator",
        "sbtd": "2021-12-20 11:47:35",
        "tid": tid,
        "sts": state,
        "err": error,
    }


def saying(body: bytes, status: str = "200 OK", content_type: str = "application/json") -> Script:
    def script(conversation: Conversation) -> None:
        while True:
            conversation.request()
            conversation.answer(status, body, content_type=content_type)

    return script


accepting = saying(envelope({"sst": "SCHEDULED", "ti": a_task()}))


def submit(peer: Peer, content: Content, options: ImportOptions | None = None) -> Any:
    one = wanted(content, options or ImportOptions(40))
    return LicenseStatistics(Talk(peer.url).client, "v3").submit(one, Uncommitted())
