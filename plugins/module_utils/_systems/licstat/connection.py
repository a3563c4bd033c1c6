# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach X-Formation License Statistics: options, environment variables, advice and credentials.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide

SYSTEM = "licstat"
OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "api_token": {"type": "str", "required": True, "no_log": True},
    "api_version": {"type": "str", "choices": ["v3", "v2"], "default": "v3"},
}
ENVIRONMENT = {"url": "LICSTAT_URL", "api_token": "LICSTAT_API_TOKEN"}
GUIDE = Guide(
    system=SYSTEM,
    environment=ENVIRONMENT,
    meanings={
        "url": (
            "the address of License Statistics, with its port unless that is 80 or 443, and with the path to it if"
            " there is one, as in https://licstat.example.com:8080; without /api/v3 and without pages such as /admin"
        ),
        "api_token": "an API token with the API scope, of an administrator (user menu > API > Add)",
    },
    api=r"/api(/v\d+(/admin(/.*)?)?)?",
    missing=(
        "There is nothing like that. {url} has to be the address of License Statistics, with its port, without /api/v3"
        " and without pages such as /admin; {license_server_id} has to be a number from Administration > License"
        " Servers, column License Server ID; and {api_version} has to be one that this release has (v3 from 6.14 on)."
    ),
    credentials="{api_token} has to be an API token with the API scope, of a user who is an administrator.",
    fields=("success", "msg", "code", "data", "sst", "ti", "tid", "sts", "err", "sbtr", "sbtd"),
)


def credentials(token: str) -> dict[str, str]:
    """The header that a token goes in."""
    return {"X-Auth-token": token}
