# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all steps of a run share.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import System
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.advice import Advice
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import Progress
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock, WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store


@dataclass
class Context:
    """One system, one receipt store, and what the user wants. `secrets` are kept out of the store."""

    system: System
    store: Store
    policy: Policy
    wait_options: WaitOptions
    clock: Clock
    secrets: Secrets
    progress: Progress
    advice: Advice
