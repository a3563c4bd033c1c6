# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._files import finding, period, putting_away
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import GUIDE
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.logs import SEARCH
from ansible_collections.assetops.imports.plugins.modules.licstat_import import ARGUMENTS, import_logs, main
from ansible_collections.assetops.imports.plugins.plugin_utils._action import ImportAction

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main


class ActionModule(ImportAction):
    """`licstat_import` in the worker process, where that is possible."""

    ARGUMENTS = ARGUMENTS
    GUIDE = GUIDE
    PRELOADED = (finding, period, putting_away)
    work = staticmethod(import_logs)

    def compatible_options(self, options: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Logs that are named are not looked for, and none is put away where that tag is skipped."""
        unwanted = {"paths", *SEARCH} if "src" in options else set()
        if "licstat_import_afterwards" in variables.get("ansible_skip_tags", ()):
            unwanted.add("afterwards")
        return {option: value for option, value in options.items() if option not in unwanted}
