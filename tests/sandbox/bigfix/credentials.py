# SPDX-License-Identifier: GPL-3.0-or-later
"""The users and tokens that the sandbox knows unless told otherwise. They open nothing else."""

from __future__ import annotations

MANAGER = "ines.import"
"""User with the permission Manage Imports, in both products."""
MANAGER_PASSWORD = "Quiet-Harbour-71"
VIEWER = "vera.view"
"""User without it, in both products."""
VIEWER_PASSWORD = "Narrow-Meadow-28"

BIGFIX_TOKEN = "7f1c0a5be2d94836a1b05c7e9d2f48630b7ae51c"
"""BigFix Inventory: token of the manager."""
BIGFIX_VIEWER_TOKEN = "7f1c0a5be2d94836a1b05c7e9d2f48630b7ae52d"
LMT_TOKEN = "c4093e7d61fa4b28950e8bd37a1c62f5e0984d13"
"""License Metric Tool: token of the manager."""
LMT_VIEWER_TOKEN = "c4093e7d61fa4b28950e8bd37a1c62f5e0984d24"
