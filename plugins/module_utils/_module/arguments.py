# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specs that modules share. Each option is documented in the doc fragment of the same name.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import DEFAULT_LOCATION

CONNECTION: Mapping[str, Any] = {
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "timeout": {"type": "float", "default": 60},
    "use_proxy": {"type": "bool", "default": True},
}
RECEIPTS: Mapping[str, Any] = {
    "receipts": {
        "type": "str",
        "default": DEFAULT_LOCATION,
        "fallback": (env_fallback, ["ASSETOPS_RECEIPTS"]),  # empty, it is an error: another store imports again
        "no_log": False,
    },
    "receipts_password": {"type": "str", "no_log": True},
    "require_receipts": {"type": "bool", "default": False},
}


def connection_arguments(options: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The options to reach a system and log in to it. `environment`: the variable that each falls back on."""
    own = {name: dict(spec) for name, spec in options.items()}
    for name, variable in environment.items():
        own[name]["fallback"] = (from_environment, [variable])
    return {**own, **CONNECTION}


def import_arguments(
    *,
    once: str | None,
    response_timeout: float = 1800,
    wait_timeout: float = 3600,
    wait_sleep: float = 10,
    unreachable_timeout: float = 300,
) -> dict[str, Any]:
    """The options that importing modules share, for waiting and receipts, with the defaults of the system."""
    return {
        "response_timeout": {"type": "float", "default": response_timeout},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": wait_timeout},
        "wait_sleep": {"type": "float", "default": wait_sleep},
        "unreachable_timeout": {"type": "float", "default": unreachable_timeout},
        "progress": {"type": "float", "default": 60, "fallback": (from_environment, ["ASSETOPS_PROGRESS"])},
        **RECEIPTS,
        "force": {"type": "bool", "default": False},
        "once": {"type": "str", "choices": ["ever", "latest"], "default": once},
        "on_unknown": {"type": "str", "choices": ["fail", "retry"], "default": "fail"},
        "target_name": {"type": "str"},
        "label": {"type": "str"},
        **({"adopt": {"type": "bool", "default": False}} if once is not None else {}),
    }


def from_environment(variable: str) -> str:
    """The value of an environment variable. An empty one counts as not set: AWX sets those of fields left empty."""
    value = os.environ.get(variable, "")
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value
