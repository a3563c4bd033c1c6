# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: quiet
type: stdout
short_description: Shows each failure in one line, and what tasks show themselves
version_added: 0.1.0
description:
  - For runs whose output is mailed, as by cron. It shows tasks that failed, with host, task and message. Tasks that are
    ok, changed or skipped are not shown, and there is no recap.
  - What tasks show themselves, such as the table of M(assetops.imports.import_summary), and the warnings and errors of
    Ansible are shown.
  - With C(-v), the whole result of a task that failed is shown as well.
author:
  - assetops.imports maintainers (@assetops)
"""

EXAMPLES = r"""
# ANSIBLE_STDOUT_CALLBACK=assetops.imports.quiet ansible-playbook -i inventory assetops.imports.import_all
#
# Or in ansible.cfg:
#
# [defaults]
# stdout_callback = assetops.imports.quiet
"""

from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable


class CallbackModule(CallbackBase):
    """Methods that are not overridden show nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "assetops.imports.quiet"

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors and "results" not in _part(result, "result"):  # each item of a loop was shown
            self._show(result, "fatal")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        if not _part(result, "task").ignore_errors:
            self._show(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if not _part(result, "task").ignore_unreachable:
            self._show(result, "unreachable")

    def _show(self, result: Any, how: str) -> None:
        outcome = _part(result, "result")
        host, task = _part(result, "host").get_name(), _part(result, "task").get_name()
        message = str(outcome.get("msg") or outcome.get("censored") or "The task failed.")
        lines = [printable(line) for line in f"{how}: [{host}]: {task}: {message}".splitlines()]
        if self._display.verbosity:
            lines.append(self._dump_results(outcome, indent=4))
        self._display.display("\n".join(lines), color=constants.config.get_config_value("COLOR_ERROR"))


def _part(result: Any, name: str) -> Any:
    """An attribute of a result of Ansible; in ansible-core 2.18 its name begins with an underscore."""
    return getattr(result, name if hasattr(result, name) else f"_{name}")
