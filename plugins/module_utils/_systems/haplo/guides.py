# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Haplo: the options to reach it, and what belongs in them, and what to do about refusals.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide

SYSTEM = "haplo"
USER = "haplo"  # any user name will do with a key
PAGES_PATH = "/do/haplo-data-import-batch"
KEY_PATH = f"{PAGES_PATH}/batch"  # without a slash at its end it opens only the two pages that show batches
GROUP = "Batch data administration"

PAGES_OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "outcome_api_key": {"type": "str", "required": True, "no_log": True},
}
PAGES_ENVIRONMENT = {"url": "HAPLO_URL", "outcome_api_key": "HAPLO_OUTCOME_API_KEY"}
PAGES_GUIDE = Guide(
    system="haplo",
    environment=PAGES_ENVIRONMENT,
    meanings={
        "url": (
            "the address of the application, with the host name that it is set up for, as in"
            " https://research.example.ac.uk; without /api and without its pages below /do"
        ),
        "outcome_api_key": (
            f"an API key with the request path {KEY_PATH}, of an ordinary user in the group {GROUP!r} (System"
            " management > Users > the user > New API key...); it is another one than the key that imports"
        ),
    },
    api=r"/api(/haplo-data-import-[^/]*(/.*)?)?|/do(/.*)?",
    missing=(
        "There is no such page. {url} has to be the address of the application, without /api and without its pages"
        " below /do. Or Haplo may lack the plugin for batch import."
    ),
    credentials=f"{{outcome_api_key}} has to be an API key with the request path {KEY_PATH}.",
)

API_OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "api_key": {"type": "str", "required": True, "no_log": True},
    "outcome_api_key": {"type": "str", "no_log": True},
    "api_path": {"type": "str"},
}
API_ENVIRONMENT = {**PAGES_ENVIRONMENT, "api_key": "HAPLO_API_KEY"}
API_GUIDE = Guide(
    system=SYSTEM,
    environment=API_ENVIRONMENT,
    meanings={
        **PAGES_GUIDE.meanings,
        "api_key": "an API key for batch import (System management > Users > SRV > Batch data import access)",
    },
    api=PAGES_GUIDE.api,
    missing=(
        "There is no such API. {url} has to be the address of the application, without /api and without its pages"
        " below /do. Or Haplo may lack the plugin for batch import, or has it elsewhere than at {api_path}."
    ),
    credentials=(
        "The API key was refused: {api_key}. It may be wrong, of a blocked user, or made for another path than that of"
        " the API, as those for standard batch import (kind) are; and after fifty wrong ones Haplo lets nobody in from"
        " this host for five minutes. The right one is made in Haplo (System management > Users > SRV > Batch data"
        " import access)."
    ),
)

MENU = "Tools > Data import > Standard Batch APIs"
JOBS_MENU = f"{MENU} > Standard Batch API jobs"  # its URL is not documented
NEW_KEY = f"{MENU} > Create API key..."
STANDARD_GUIDE = replace(
    API_GUIDE,
    meanings={**API_GUIDE.meanings, "api_key": f"an API key for standard batch import ({NEW_KEY})"},
    missing=(
        "There is no such API. {url} has to be the address of the application, without /api and without its pages"
        " below /do. Or Haplo may lack the plugin for standard batch import, or has it elsewhere than at {api_path}."
    ),
    credentials=(
        "The API key was refused: {api_key}. It may be wrong, of a blocked user, or made for another path than that of"
        " the API, as those for batch import with a control file are; and after fifty wrong ones Haplo lets nobody in"
        f" from this host for five minutes. The right one is made in Haplo ({NEW_KEY})."
    ),
)
