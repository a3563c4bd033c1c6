# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What every module of this collection can do."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return what it would change, without changing anything.
    support: full
    details:
      - In check mode nothing is sent that could change anything, and no receipt store is made or written.
      - Where something would be imported, the server is asked what can be asked safely, so a wrong address or wrong
        credentials are found. What only an import shows is not found, such as a license server number that does not
        exist.
  diff_mode:
    description: Returns what changes, or would change, in diff mode.
  idempotent:
    description: A second run with the same options in the same situation changes nothing.
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
"""

    IN_WORKER = r"""
attributes:
  action:
    description:
      - Whether the import can run in Ansible's own worker process on the controller, without sending a module.
    support: partial
    details:
      - It does where the connection is local, the interpreter is the one that runs Ansible, as it is for the implicit
        C(localhost) or with C(ansible_python_interpreter) set to V({{ ansible_playbook_python }}), and the task has no
        C(become), C(async), C(timeout) or C(environment). In all other cases it runs as a module.
      - The result is the same. With C(-vvv) Ansible says which way it took, and why.
  async:
    description: Can be used with the C(async) keyword.
    support: full
"""
