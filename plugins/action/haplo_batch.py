# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import API_GUIDE
from ansible_collections.assetops.imports.plugins.modules.haplo_batch import ARGUMENTS, import_batch, main
from ansible_collections.assetops.imports.plugins.plugin_utils._action import ImportAction

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main


class ActionModule(ImportAction):
    """`haplo_batch` in the worker process, where that is possible."""

    ARGUMENTS = ARGUMENTS
    GUIDE = API_GUIDE
    work = staticmethod(import_batch)

    def compatible_options(self, options: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """What is listed, or of a kind, is not looked for."""
        unwanted = {"directory"} if {"batches", "kind"}.intersection(options) else set()
        return {option: value for option, value in options.items() if option not in unwanted}
