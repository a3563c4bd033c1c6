#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_watch
short_description: Check whether all targets get their imports
version_added: 0.1.0
description:
  - Each target needs a successful import that is recent enough, and no import that did not end well, unless a later one
    made up for it. Targets with problems are shown first, with the reasons below, then the others of each system in one
    line.
  - Only the receipts are read, and the status of BigFix Inventory and License Metric Tool. Nothing is sent that could
    import. Only the files that the options name are written, and none in check mode.
  - It does not depend on an importing run. Use it with another scheduler, or for monitoring.
  - A target is a host in the groups C(licstat), C(bigfix), C(lmt), C(haplo) and C(lm); a host in the groups of two
    systems is two targets. Its label in the receipts, and where they are, are read from the variables of its role in
    the inventory, such as C(licstat_import_label), C(licstat_import_receipts) and C(licstat_import_receipts_password).
    The status of a server is read with the variables C(bigfix_import_…).
  - A later success makes up for an import that failed or was incomplete if it is from the same file, or of the same
    feed, or has a time range that includes the one of the failed import. After 35 days only time ranges are reported.
    An V(unknown) import has to be settled (M(assetops.imports.import_receipt)), or tried again.
  - Runs on the controller, as an action, as the user that runs Ansible. Problems of targets do not make it fail; the
    role P(assetops.imports.import_watch#role) uses it and fails for them.
seealso:
  - module: assetops.imports.import_receipt_info
  - module: assetops.imports.import_receipt
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - It changes only the files that its options name.
  idempotent:
    support: full
options:
  targets:
    description:
      - The hosts of the inventory to check. Those that are in no group of targets are named in the table.
    type: list
    elements: str
    required: true
  max_age:
    description:
      - How many seconds ago the last successful import may have ended, for targets without a variable
        C(import_watch_max_age) in the inventory.
      - The clock of the controller counts, or the one of a server that is asked. A success that is more than 5 minutes
        in the future is reported, and does not count.
    type: float
    default: 93600
  ask:
    description:
      - Whether to ask BigFix Inventory and License Metric Tool for their status, for targets without a variable
        C(import_watch_ask). Then the server's last import counts, whoever started it, and it is a failure if the server
        cannot be asked. Otherwise only the receipts count.
    type: bool
    default: true
  allow_incomplete:
    description:
      - Whether an import that is V(incomplete) counts as a success, for targets without a variable
        C(import_watch_allow_incomplete).
    type: bool
    default: false
  file:
    description:
      - A file on the controller for the result as JSON, with an absolute path in an existing folder. It has
        RV(summary), RV(failures) and RV(targets), and the time in C(time).
    type: path
  textfile:
    description:
      - A file on the controller for metrics, for the textfile collector of node_exporter. Its name has to end in
        C(.prom). It is replaced in one step, and everybody may read it.
    type: path
"""

EXAMPLES = r"""
- name: Check whether everything is imported
  assetops.imports.import_watch:
    targets: "{{ groups.all }}"
    textfile: /var/lib/node_exporter/assetops_imports.prom
  run_once: true
  register: watched

- name: Fail if not
  ansible.builtin.fail:
    msg: "{{ watched.summary }}"
  when: watched.failures | length > 0
  run_once: true
"""

RETURN = r"""
summary:
  description: What was found, in one sentence.
  returned: success
  type: str
  sample: "1 of 12 targets are not as they should be: cad (licstat)."
failures:
  description:
    - What is wrong with each target that is not as it should be, by target and system. It has an entry as well if there
      are no targets.
  returned: success
  type: dict
  sample:
    cad (licstat): The last successful import was 3.1 d ago; 26 h are allowed.
table:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
targets:
  description: What was found of each target.
  returned: success
  type: list
  elements: dict
  contains:
    target:
      description: Its name in the inventory.
      type: str
      returned: always
      sample: cad
    system:
      description: The kind of system.
      type: str
      returned: always
      sample: licstat
    label:
      description: Its label in the receipts.
      type: str
      returned: always
      sample: cad
    state:
      description:
        - V(ok), it gets its imports. V(old), the last success is too long ago. V(never), there was none. V(ahead), the
          last success is in the future. V(incomplete), V(failed) or V(unknown), an import did not end well.
          V(unasked), its server could not be asked. V(unread), its receipts could not be read. Of several, the last in
          this order.
      type: str
      returned: always
      sample: ok
    problems:
      description: What is wrong with it; empty if nothing is.
      type: list
      elements: str
      returned: always
    last_success:
      description: When the last successful import ended, in UTC; V(null) if none is known.
      type: str
      returned: always
      sample: "2026-11-29T03:04:05.678Z"
    age:
      description: How many seconds ago that was; V(null) if none is known.
      type: float
      returned: always
    max_age:
      description: How many seconds ago it may be.
      type: float
      returned: always
    window:
      description:
        - The end of the time ranges of a log that are imported, in C(to); V(null) if it is imported by its content.
      type: dict
      returned: always
      sample:
        to: "2026-11-28T23:59:59"
    counts:
      description: How many imports are in each state, by the receipts.
      type: dict
      returned: always
      sample:
        succeeded: 90
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        "targets": {"type": "list", "elements": "str", "required": True},
        "max_age": {"type": "float", "default": 93600},
        "ask": {"type": "bool", "default": True},
        "allow_incomplete": {"type": "bool", "default": False},
        "file": {"type": "path"},
        "textfile": {"type": "path"},
    },
}


def main() -> None:
    module = AnsibleModule(**ARGUMENTS, supports_check_mode=True)
    module.fail_json("It has to run as an action, which reads the variables of hosts.")


if __name__ == "__main__":
    main()
