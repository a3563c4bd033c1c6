# SPDX-License-Identifier: GPL-3.0-or-later
"""One target of each system of a sandbox, as inventory and environment tell the playbook `import_all` of them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ...running import ROOT
from ...sandbox.handle import Sandbox

PLAYBOOK = "assetops.imports.import_all"
TARGETS = ("bigfix_inventory", "cad", "library_demo", "license_metric_tool", "research")
SERVER = 40
LIBRARY = "LibraryDemo"

_FIXTURES = ROOT / "tests/fixtures"
_BATCH = {
    "name": "people",
    "control": str(_FIXTURES / "haplo/control.json"),
    "files": [
        {"name": "people", "src": str(_FIXTURES / "haplo/people.json")},
        {"name": "visitors", "src": str(_FIXTURES / "haplo/visitors.tsv")},
    ],
}
HOSTS: dict[str, dict[str, dict[str, Any]]] = {
    "licstat": {
        "cad": {
            "licstat_import_license_server_id": SERVER,
            "licstat_import_src": [str(_FIXTURES / "flexnet/cad/debug.log")],
            "licstat_import_wait_sleep": 0.2,
        }
    },
    "bigfix": {"bigfix_inventory": {"bigfix_import_max_age": 86400, "bigfix_import_wait_sleep": 0.2}},
    "lmt": {
        "license_metric_tool": {
            "bigfix_import_product": "license_metric_tool",
            "bigfix_import_max_age": 86400,
            "bigfix_import_wait_sleep": 0.2,
        }
    },
    "haplo": {"research": {"haplo_batch_batches": [_BATCH]}},
    "lm": {
        "library_demo": {
            "lm_import_library": LIBRARY,
            "lm_import_src": str(_FIXTURES / "lm/contents_LibraryDemo.zip"),
            "lm_import_wait_sleep": 0.2,
        }
    },
}


def inventory(**variables: Any) -> dict[str, Any]:
    """What an inventory script prints, with these variables for all hosts. No secret is in it."""
    return {
        "all": {"children": list(HOSTS), "vars": variables},
        **{group: {"hosts": list(members)} for group, members in HOSTS.items()},
        "_meta": {"hostvars": {name: own for members in HOSTS.values() for name, own in members.items()}},
    }


def unreachable(folder: Path) -> dict[str, Any]:
    """Variables of a license server whose logs are on a host that cannot be reached."""
    ssh = folder / "no-ssh"
    ssh.write_text("#!/bin/sh\necho no route to host >&2\nexit 255\n")
    ssh.chmod(0o700)
    return {
        "ansible_connection": "ssh",
        "ansible_ssh_executable": str(ssh),
        "licstat_import_run_on": "host",
        "licstat_import_license_server_id": SERVER,
    }


def secrets(sandbox: Sandbox) -> list[str]:
    """What of that is nobody's business, as it is and as it goes over the wire."""
    keys = (sandbox.haplo_api_key, sandbox.haplo_outcome_api_key)
    basic = [(sandbox.lm_username, sandbox.lm_password), *(("haplo", key) for key in keys)]
    return [
        *(sandbox.licstat_token, sandbox.bigfix_token, sandbox.lmt_token, *keys, sandbox.lm_password),
        *(base64.b64encode(":".join(pair).encode()).decode() for pair in basic),
    ]


def imports_taken(sandbox: Sandbox) -> dict[str, int]:
    """How many imports the systems were given, by target."""
    return {
        "bigfix_inventory": sandbox.bigfix().starts_asked,
        "cad": sandbox.licstat().servers[SERVER].accepted,
        "library_demo": len(sandbox.lm().libraries[LIBRARY].runs),
        "license_metric_tool": sandbox.lmt().starts_asked,
        "research": len([batch for batch in sandbox.haplo().batches if batch.dry_run is not None]),
    }
