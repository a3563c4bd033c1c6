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
      - What may safely be asked is asked where something would be imported, so that a wrong address or wrong
        credentials are told as well. What only an import tells is not, such as whether there is a license server with
        that number.
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
      - Whether the import can run in Ansible's own worker process on the controller, without a module being sent.
    support: partial
    details:
      - It does where the connection is local, the interpreter is the one that runs Ansible, as it is for the implicit
        C(localhost) or with C(ansible_python_interpreter) set to V({{ ansible_playbook_python }}), and the task has no
        C(become), C(async), C(timeout) or C(environment). Anything else runs as a module, as ever.
      - The result is the same. With C(-vvv) Ansible tells which way was taken, and why.
  async:
    description: Can be used with the C(async) keyword.
    support: full
"""
