#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_settle
short_description: List what is in doubt in the receipts of all targets, and settle it
version_added: 0.1.0
description:
  - Without O(state), shows the imports that are in doubt, the oldest first, each with what to check on the server, and
    changes nothing. With O(state), settles the imports that O(keys) or the other options choose, as
    M(assetops.imports.import_receipt) does in one store. No system is asked or changed.
  - In doubt are imports that are V(unknown), also because their run died; those that are V(submitted) while no run is
    at work on them; and those that are V(incomplete). V(failed) ones are not listed, as the next run sends them again;
    they can be settled by their keys.
  - The receipt stores are those that the variables of the hosts in the groups C(licstat), C(bigfix), C(lmt), C(haplo)
    and C(lm) name in the inventory, such as C(licstat_import_receipts), or O(receipts). All targets in a store count,
    whatever they are called.
  - In each store, either all chosen imports are settled or none. A key that is in no store is an error, and nothing is
    settled.
  - Runs on the controller, as an action, as the user that runs Ansible. The role
    P(assetops.imports.import_settle#role) and the playbook C(assetops.imports.settle) use it.
seealso:
  - module: assetops.imports.import_receipt
  - module: assetops.imports.import_watch
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  targets:
    description:
      - The hosts of the inventory whose stores are read. It has no effect with O(receipts).
    type: list
    elements: str
    default: []
  receipts:
    description:
      - A receipt store to use instead of those of the targets, as a path on the controller or the URL of a PostgreSQL
        database.
    type: str
  receipts_password:
    description:
      - The password for the database of O(receipts). It may also come from C(PGPASSWORD), or from any other place that
        PostgreSQL's own programs read.
    type: str
  keys:
    description:
      - The identities of the imports, which importing modules return in C(key), as a list, or as a text with commas,
        spaces or line breaks between them, as a survey sets it.
      - V(all) means everything that is in doubt.
    type: raw
  system:
    description:
      - Choose what is in doubt in systems of this kind.
    type: str
    choices: [licstat, bigfix, haplo, lm]
  target:
    description:
      - Choose what is in doubt at this target, as the importing modules return it.
    type: str
  label:
    description:
      - Choose what is in doubt at the target with this label. The label that the roles use is the name in the
        inventory.
    type: str
  older_than:
    description:
      - Choose what has been in doubt for more than this number of seconds. It can be combined with the other options;
        alone, it is not enough to settle anything.
    type: float
  state:
    description:
      - What to settle the imports as. V(succeeded) means that the server has it, and it is not sent again. V(failed)
        means that the server does not have it, and the next run sends it again. V(absent) forgets it with all its
        attempts.
      - It needs one of O(keys), O(system), O(target) and O(label).
    type: str
    choices: [succeeded, failed, absent]
  comment:
    description:
      - A comment, for V(succeeded) and V(failed). It becomes part of the message of the receipt.
    type: str
"""

EXAMPLES = r"""
- name: List what is in doubt
  assetops.imports.import_settle:
    targets: "{{ groups.all }}"
  run_once: true

- name: Settle two imports that the server has
  assetops.imports.import_settle:
    targets: "{{ groups.all }}"
    keys: >-
      0f343b0931126a20f133d67c2b018a3b1d5b8a5f3a5cbf3f3f6a4b4b3d6e2a11,
      57ad6c1f0c7b1b8f4a0a5e1f7f1dd0a9e3c8f6b2d4e5a6978890a1b2c3d4e5f6
    state: succeeded
    comment: They are in the list of tasks.
  run_once: true

- name: Let the next run send everything again that is in doubt at one target
  assetops.imports.import_settle:
    targets: "{{ groups.all }}"
    label: cad
    state: failed
  run_once: true
"""

RETURN = r"""
summary:
  description: What was found or done, in one sentence.
  returned: success
  type: str
  sample: 2 imports are in doubt, the oldest since 2026-11-26T03:04:05.678Z.
table:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
count:
  description: How many imports are in doubt, or were or would be settled.
  returned: success
  type: int
imports:
  description: These imports, the oldest first; at most 100 of them. C(state) is the one before they were settled.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The identity of the import.
      type: str
      returned: always
    system:
      description: The kind of system.
      type: str
      returned: always
      sample: licstat
    target:
      description: The target of the import.
      type: str
      returned: always
      sample: https://licstat.example.com license server 40
    label:
      description: The name of the target for people; V(null) if it has none.
      type: str
      returned: always
      sample: cad
    source:
      description: What should be imported.
      type: str
      returned: always
      sample: /var/log/flexlm/debug.log.1
    window:
      description: The time range that identifies it, with C(from) and C(to); V(null) if its content does.
      type: dict
      returned: always
    period:
      description: The time that the log covers, with C(first) and C(last); V(null) if that is not known.
      type: dict
      returned: always
    state:
      description: Its state, or the one before it was settled.
      type: str
      returned: always
      sample: unknown
    remote_id:
      description: Its id in the server; V(null) if none is known.
      type: str
      returned: always
    message:
      description: Why it is in doubt.
      type: str
      returned: always
    since:
      description: Since when it is in doubt, in UTC.
      type: str
      returned: always
      sample: "2026-11-26T03:04:05.678Z"
    age:
      description: For how many seconds it has been in doubt.
      type: float
      returned: always
    question:
      description: What to check on the server, and what the next run does.
      type: str
      returned: always
    store:
      description: The receipt store that it is in.
      type: str
      returned: always
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ROLES

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        "targets": {"type": "list", "elements": "str", "default": []},
        "receipts": {"type": "str", "no_log": False},
        "receipts_password": {"type": "str", "no_log": True},
        "keys": {"type": "raw", "no_log": False},
        "system": {"type": "str", "choices": list(ROLES)},
        "target": {"type": "str"},
        "label": {"type": "str"},
        "older_than": {"type": "float"},
        "state": {"type": "str", "choices": ["succeeded", "failed", "absent"]},
        "comment": {"type": "str"},
    },
}


def main() -> None:
    module = AnsibleModule(**ARGUMENTS, supports_check_mode=True)
    module.fail_json("It has to run as an action, which reads the variables of hosts.")


if __name__ == "__main__":
    main()
