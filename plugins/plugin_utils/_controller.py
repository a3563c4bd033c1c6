# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions share that do all their work on the controller, and have no module that does it elsewhere.

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
    """An action that reads the variables of hosts, and shows people what it found."""

    _supports_check_mode = True

    def options_by(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the task, checked by arguments as for AnsibleModule."""
        # Ansible gives this method no types.
        _validation, options = self.validate_argument_spec(**arguments)  # type: ignore[no-untyped-call]
        return dict(options)

    def show(self, lines: Sequence[str]) -> None:
        """Show lines whatever Ansible is told to show of tasks that are ok; but nothing of a task with `no_log`."""
        if lines and not self._task.no_log:
            display.display("\n".join(lines), stderr=_is_stdout_for_programs())


def _is_stdout_for_programs() -> bool:
    """Whether lines for people have to go to standard error."""
    callback = str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
    return callback.rpartition(".")[2] in ("json", "jsonl")
