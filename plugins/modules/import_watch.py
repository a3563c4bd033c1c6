#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_watch
short_description: Tell whether all targets get their imports
version_added: 0.1.0
description:
  - Each target has to have a successful import that is recent enough, and none that did not end well and was not made
    up for. Shows what is not so first, with the reason below, and the other targets of each system in one line.
  - Reads the receipts only, and the status of BigFix Inventory and License Metric Tool. Nothing that could import is
    sent, nothing is written but the files that it is told to write, and none in check mode.
  - It does not depend on an importing run, and is for another scheduler, or for monitoring.
  - A target is a host of the groups C(licstat), C(bigfix), C(lmt), C(haplo) and C(lm); one in groups of two systems is
    two targets. What it is called in the receipts, and where they are, is read from the variables of the role of its
    group in the inventory, such as C(licstat_import_label), C(licstat_import_receipts) and
    C(licstat_import_receipts_password); for the status of its server, the variables C(bigfix_import_…).
  - An import that failed, or was incomplete, is made up for by a later success from the same file, or of the same feed,
    or by one whose time range has that of the failed one in it. After 35 days only time ranges are told. What is
    V(unknown) has to be settled (M(assetops.imports.import_receipt)), or tried again.
  - Runs on the controller, as an action, as the user that runs Ansible. It does not fail for what it finds; the role
    P(assetops.imports.import_watch#role) uses it and does.
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
      - It changes nothing but the files that it is told to write.
  idempotent:
    support: full
options:
  targets:
    description:
      - The hosts of the inventory to look at. Of these, the ones in no group of targets are named in the table.
    type: list
    elements: str
    required: true
  max_age:
    description:
      - How many seconds ago the last successful import may have ended, for targets without a variable
        C(import_watch_max_age) in the inventory.
      - The age is that by the clock of the controller, of a server that is asked by its own clock. A success that is
        told for more than 5 minutes ahead is told, and counts for nothing.
    type: float
    default: 93600
  ask:
    description:
      - Whether to ask BigFix Inventory and License Metric Tool for their status, at targets without a variable
        C(import_watch_ask). Then it counts when the server imported last, whoever told it to, and it is a failure where
        it cannot be asked. Else the receipts alone count.
    type: bool
    default: true
  allow_incomplete:
    description:
      - Whether an import that is V(incomplete) counts as a success, at targets without a variable
        C(import_watch_allow_incomplete).
    type: bool
    default: false
  file:
    description:
      - A file on the controller to write what was found to, as JSON, with an absolute path in a folder that there is.
        It has RV(summary), RV(failures) and RV(targets), and the time in C(time).
    type: path
  textfile:
    description:
      - A file on the controller to write metrics to, for the textfile collector of node_exporter. Its name has to end
        in C(.prom). It is replaced in one step, and everybody may read it.
    type: path
"""

EXAMPLES = r"""
- name: Look whether everything is imported
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
  description: What was found, in a sentence.
  returned: success
  type: str
  sample: "1 of 12 targets are not as they should be: cad (licstat)."
failures:
  description:
    - For each target that is not as it should be, with its system, why. It is not empty either where there is no target
      at all.
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
      description: What it is called in the receipts.
      type: str
      returned: always
      sample: cad
    state:
      description:
        - V(ok), it gets its imports. V(old), the last success is too long ago. V(never), there was none. V(ahead), it
          is told for a time to come. V(incomplete), V(failed) or V(unknown), an import did not end well. V(unasked),
          its server could not be asked. V(unread), its receipts could not be read. Of several, the last of these.
      type: str
      returned: always
      sample: ok
    problems:
      description: Why it is not as it should be; empty if it is.
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
      description: Up to where time ranges of a log are imported, in C(to); V(null) where it is imported by its content.
      type: dict
      returned: always
      sample:
        to: "2026-11-28T23:59:59"
    counts:
      description: How many imports the receipts know in each state.
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
