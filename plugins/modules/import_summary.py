#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_summary
short_description: Show how the imports of all targets went
version_added: 0.1.0
description:
  - Shows a table with a line for each target and role that ran on it, failures first, with the reason below. Targets at
    which nothing was to be sent share a line. It is shown whatever Ansible is told to show of tasks that are ok.
  - It tells what was found and left out, with the reason, in one line for all targets that share a line otherwise; but
    of a file that is called like a log and that no pattern takes, it tells with its target. Of imports of a time range,
    the window of the newest is shown.
  - Runs on the controller, as an action. It reads what the roles of this collection leave in variables, and connects to
    no host. The role P(assetops.imports.import_report#role) uses it, and fails for the targets that failed.
seealso:
  - module: assetops.imports.import_receipt_info
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
options:
  targets:
    description:
      - The hosts to tell of, as the inventory calls them.
    type: list
    elements: str
    required: true
  roles:
    description:
      - The roles whose results to tell. Each leaves its result in a variable that is called like the role, with
        C(_result) at its end.
    type: list
    elements: str
    default: [licstat_import, bigfix_import, haplo_batch, lm_import]
"""

EXAMPLES = r"""
- name: Show how the imports went
  assetops.imports.import_summary:
    targets: "{{ ansible_play_hosts_all }}"
  run_once: true
  register: summary

- name: Keep it
  ansible.builtin.copy:
    content: "{{ summary.table | join('\n') }}\n"
    dest: /var/log/imports.txt
    mode: "0640"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
table:
  description: The lines of the table.
  returned: always
  type: list
  elements: str
failures:
  description: For each target that failed, why; empty if none did.
  returned: always
  type: dict
  sample:
    cad: "licstat_import: /var/log/flexlm/debug.log.1: License Statistics says: The log file contains no date."
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        "targets": {"type": "list", "elements": "str", "required": True},
        "roles": {
            "type": "list",
            "elements": "str",
            "default": ["licstat_import", "bigfix_import", "haplo_batch", "lm_import"],
        },
    },
}


def main() -> None:
    module = AnsibleModule(**ARGUMENTS, supports_check_mode=True)
    module.fail_json("It has to run as an action, which reads the variables of hosts.")


if __name__ == "__main__":
    main()
