# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is different in a job of AWX: its container forgets its home, and its environment comes from credentials.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

JOB_VARIABLES = ("awx_job_id", "tower_job_id")  # extra variables of every job
CREDENTIAL_TYPES = {
    "LICSTAT": "License Statistics",
    "BIGFIX": "BigFix Inventory",
    "LMT": "License Metric Tool",
    "HAPLO": "Haplo",
    "LM": "Lifecycle Manager",
    "ASSETOPS_RECEIPTS": "Receipts",
}
"""The credential types that set environment variables, by how these begin; all are called `assetops.imports: …`."""

_VARIABLE = re.compile(r"\b(?:(LICSTAT|BIGFIX|LMT|HAPLO|LM)_[A-Z_]+|(ASSETOPS_RECEIPTS))\b")


def is_job(variables: Mapping[str, Any]) -> bool:
    """Whether a run that has these variables is a job of AWX."""
    return any(name in variables for name in JOB_VARIABLES)


def with_credentials(message: str, variables: Mapping[str, Any]) -> str:
    """A message, in a job with the types of the credentials that set the environment variables it names."""
    if not is_job(variables):
        return message
    found = (prefix or whole for prefix, whole in _VARIABLE.findall(message))
    types = [f"'assetops.imports: {CREDENTIAL_TYPES[name]}'" for name in dict.fromkeys(found)]
    if not types:
        return message
    return f"{message} In AWX, that comes with a credential of the type {' or '.join(types)}: does the job have it?"
