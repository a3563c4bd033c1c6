# SPDX-License-Identifier: GPL-3.0-or-later
"""The users that the sandbox's Lifecycle Manager knows unless told otherwise. They open nothing else."""

from __future__ import annotations

ADMIN_USER, ADMIN_PASSWORD = "admin", "lm-4e1b7a90c2d85f36"
"""Has the roles ACE and Usage Controller: may import and clear."""
IMPORTER_USER, IMPORTER_PASSWORD = "importer", "lm:Schlüssel-07c9"
"""Has the role ACE: may import. Password with a colon and a letter that is not ASCII, which Basic allows."""
VIEWER_USER, VIEWER_PASSWORD = "viewer", "lm-b05d13f7e8426ac9"
"""Has no role: may look at the status."""
SUPPORT_USER, SUPPORT_PASSWORD = "support", "lm-93fa60d4175ce82b"
"""The user of the example on the vendor's page; has the role ACE."""
