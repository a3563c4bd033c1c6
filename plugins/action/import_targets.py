# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.utils.display import Display

from ansible_collections.assetops.imports.plugins.modules.import_targets import ARGUMENTS, main
from ansible_collections.assetops.imports.plugins.plugin_utils._controller import ControllerAction
from ansible_collections.assetops.imports.plugins.plugin_utils._targets import Import, Run, problems_of, strangers_of

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main

display = Display()


class ActionModule(ControllerAction):
    """`import_targets`, which knows the hosts, the groups and the tags of a run."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Which targets the run has."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        run = Run.of(task_vars or {})
        options = self.options_by(ARGUMENTS)
        # Of a playbook that is imported with tags, all tasks have them.
        own = {str(tag) for tag in self._task.tags if tag != "always"}
        imports = [Import(one["group"], frozenset({*one["tags"], *own})) for one in options["imports"]]
        problems = problems_of(run, imports, options["other_tags"])
        if problems and options["required"]:
            return {**result, "failed": True, "msg": f"{' '.join(problems)} Nothing was imported."}
        warned = [text for text in (*problems, strangers_of(run, options["known_groups"])) if text]
        for text in warned:  # warnings of a result are not shown where tasks that are ok are not
            display.display(f"[WARNING]: {text}", color=constants.config.get_config_value("COLOR_WARN"), stderr=True)
        groups = [*dict.fromkeys(one.group for one in imports if run.has_chosen(one.tags))]
        return {**result, "changed": False, "groups": groups, "targets": run.in_groups(groups), "warned": warned}
