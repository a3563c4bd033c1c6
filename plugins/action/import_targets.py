# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.utils.display import Display

from ansible_collections.assetops.imports.plugins.modules.import_targets import ARGUMENTS, main
from ansible_collections.assetops.imports.plugins.plugin_utils._controller import ControllerAction
from ansible_collections.assetops.imports.plugins.plugin_utils._targets import (
    ImportPlay,
    PlaybookRun,
    non_target_warning,
    problems_of,
)

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main

display = Display()


class ActionModule(ControllerAction):
    """`import_targets`, which knows the hosts, the groups and the tags of a run."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Find the targets of the run."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        run = PlaybookRun.of(task_vars or {})
        options = self.checked_options(ARGUMENTS)
        # All tasks of a playbook that is imported with tags have these tags.
        own = {str(tag) for tag in self._task.tags if tag != "always"}
        imports = [ImportPlay(one["group"], frozenset({*one["tags"], *own})) for one in options["imports"]]
        problems = problems_of(run, imports, options["other_tags"])
        if problems and options["required"]:
            return {**result, "failed": True, "msg": f"{' '.join(problems)} Nothing was imported."}
        warnings = [text for text in (*problems, non_target_warning(run, options["known_groups"])) if text]
        for text in warnings:  # Ansible hides the warnings of a result where it hides tasks that are ok
            display.display(f"[WARNING]: {text}", color=constants.config.get_config_value("COLOR_WARN"), stderr=True)
        groups = [*dict.fromkeys(one.group for one in imports if run.selects(one.tags))]
        return {**result, "changed": False, "groups": groups, "targets": run.hosts_in(groups), "warned": warnings}
