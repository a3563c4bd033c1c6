# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import GUIDE
from ansible_collections.assetops.imports.plugins.modules import bigfix_import
from ansible_collections.assetops.imports.plugins.modules.bigfix_import_info import ARGUMENTS, main, read_status
from ansible_collections.assetops.imports.plugins.plugin_utils._action import ImportAction

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main


class ActionModule(ImportAction):
    """`bigfix_import_info` in the worker process, where that is possible."""

    ARGUMENTS = ARGUMENTS
    GUIDE = GUIDE
    OPTIONS_OF_ROLE = tuple(bigfix_import.ARGUMENTS["argument_spec"])
    work = staticmethod(read_status)
