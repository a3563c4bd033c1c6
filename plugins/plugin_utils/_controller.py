# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the actions that do all their work on the controller.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


class ControllerAction(ActionBase):
    """An action that reads the variables of hosts, and shows people what it finds."""

    _supports_check_mode = True

    def checked_options(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the task, checked against the same arguments as of AnsibleModule."""
        # Ansible gives this method no types.
        _validation, options = self.validate_argument_spec(**arguments)  # type: ignore[no-untyped-call]
        return dict(options)

    def show(self, lines: Sequence[str]) -> None:
        """Show lines, also where Ansible hides tasks that are ok; but nothing of a task with `no_log`."""
        if lines and not self._task.no_log:
            display.display("\n".join(lines), stderr=_is_stdout_for_programs())


def _is_stdout_for_programs() -> bool:
    """Whether standard output is for programs, so that lines for people go to standard error."""
    callback = str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
    return callback.rpartition(".")[2] in ("json", "jsonl")
