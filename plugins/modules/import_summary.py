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
  - Shows a table of the targets and the roles that ran on them, in 80 columns, failures first, with the reason below.
    Targets that have the same to report share a row, with their names below, and a reason that they have in common is
    shown once. The table is shown even if Ansible hides tasks that are ok.
  - What was found and left out is shown with the reason, in one line for all targets that have nothing else to report;
    but a file that is called like a log and that no pattern matches is shown with its target. For imports of time
    ranges, the newest one is shown.
  - The outcome of the run is passed, as by M(ansible.builtin.set_stats), to the next job of a workflow in AWX, to
    notifications, and to C(show_custom_stats); also if every target failed, and in check mode.
  - Runs on the controller, as an action. It reads the variables in which the roles of this collection leave their
    results, and connects to no host. The role P(assetops.imports.import_report#role) uses it, and fails for the targets
    that failed.
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
      - The hosts to report, by their names in the inventory.
    type: list
    elements: str
    required: true
  roles:
    description:
      - The roles whose results to report. Each leaves its result in a variable with the name of the role and C(_result)
        at its end.
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

- name: Keep the table in a file
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
ansible_stats:
  description: What is passed to the next job.
  returned: always
  type: dict
  contains:
    data:
      description: The variables that AWX calls artifacts.
      type: dict
      returned: always
      contains:
        assetops_imports_summary:
          description:
            - How many targets are in which state, and the names of those that failed, in a line of at most 300
              characters. It has the number of errors of dry runs into Haplo whose outcome is known.
          type: str
          returned: always
          sample: "30 targets: 27 succeeded, 1 scheduled, 2 failed (server03, server17)"
        assetops_imports:
          description:
            - The outcome of each role at each target, failures first; as many as fit into 64 KiB. The line says how
              many are left out.
          type: list
          elements: dict
          returned: always
          contains:
            target:
              description: The host.
              type: str
              returned: always
            role:
              description: The role, or V(-) if none ran.
              type: str
              returned: always
            state:
              description: The state, as in the table.
              type: str
              returned: always
            reason:
              description: Why the import that ended worst was sent, or not; V(null) if there was none.
              type: str
              returned: always
            remote_id:
              description: The id of that import in the system; V(null) if there is none.
              type: str
              returned: always
            key:
              description: The identity of that import in the receipts.
              type: str
              returned: always
            url:
              description: The system's page about it; V(null) if none is known.
              type: str
              returned: always
            problem:
              description: Why it failed, its first 300 characters; V(null) if it did not.
              type: str
              returned: always
failures:
  description: Why each target that failed did so; empty if none did.
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
