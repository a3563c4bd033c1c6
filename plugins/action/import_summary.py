# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.assetops.imports.plugins.modules.import_summary import ARGUMENTS, main
from ansible_collections.assetops.imports.plugins.plugin_utils._artifacts import artifacts_of
from ansible_collections.assetops.imports.plugins.plugin_utils._controller import ControllerAction
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import (
    failures_of,
    outcomes_of,
    table,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._text import wrap_text
from ansible_collections.assetops.imports.plugins.plugin_utils._variables import role_warnings

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main


class ActionModule(ControllerAction):
    """`import_summary`, which reads the variables of other hosts and shows a table."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Show what came of the imports."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        hostvars = (task_vars or {})["hostvars"]
        options = self.checked_options(ARGUMENTS)
        unknown = [target for target in options["targets"] if target not in hostvars]
        if unknown:
            raise AnsibleActionFail(f"targets: {', '.join(unknown)}: no such host in the inventory.")
        outcomes = [
            outcome
            for target in options["targets"]
            for outcome in outcomes_of(target, hostvars[target], options["roles"])
        ]
        warnings = role_warnings(self._task, "import_report", task_vars or {})
        lines = [*table(outcomes), *(line for text in warnings for line in wrap_text(text))]
        self.show(lines)
        return {
            **result,
            "changed": False,
            "table": lines,
            "failures": failures_of(outcomes),
            "ansible_stats": {"data": artifacts_of(outcomes), "per_host": False, "aggregate": False},
        }
