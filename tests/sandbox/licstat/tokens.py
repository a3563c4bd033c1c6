# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens that the sandbox knows unless told otherwise. They open nothing else."""

from __future__ import annotations

ADMIN_TOKEN = "5a0d0b0c1e2f4a6b8d7e9f0a1b2c3d4e"
"""License Statistics: API token of an administrator, the one for imports."""
USER_TOKEN = "5a0d0b0c1e2f4a6b8d7e9f0a1b2c3d50"
"""License Statistics: API token of a user who is no administrator."""
AGENT_TOKEN = "5a0d0b0c1e2f4a6b8d7e9f0a1b2c3d5a"
"""License Statistics: token of the scope `Agent`."""
