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
  - Without O(state), shows the imports that are in doubt, the oldest first, each with what to ask the server, and
    changes nothing. With it, settles those that O(keys) names or the other options choose, as
    M(assetops.imports.import_receipt) does in one store. No system is asked or changed.
  - In doubt is what is V(unknown), also since its run died; what is V(submitted) and no run is at work on; and what is
    V(incomplete). What is V(failed) is not listed, as the next run sends it again; it can be settled by its key.
  - The receipt stores are those of the hosts in the groups C(licstat), C(bigfix), C(lmt), C(haplo) and C(lm), as the
    variables of their roles in the inventory name them, such as C(licstat_import_receipts), or O(receipts). A store is
    looked at as a whole, whatever the names of its targets.
  - All that are chosen in a store are settled, or none. A key that no store knows is an error, and nothing is settled.
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
      - The hosts of the inventory whose stores to look at. It is of no consequence with O(receipts).
    type: list
    elements: str
    default: []
  receipts:
    description:
      - A receipt store to look at in place of those of the targets, as a path on the controller or the URL of a
        PostgreSQL database.
    type: str
  receipts_password:
    description:
      - The password for the database of O(receipts). It may instead come from C(PGPASSWORD) or what else PostgreSQL's
        own programs take.
    type: str
  keys:
    description:
      - The identities of the imports, as importing modules return them in C(key), as a list, or as a text with commas,
        spaces or line breaks between them, as a survey gives it.
      - V(all) stands for everything that is in doubt.
    type: raw
  system:
    description:
      - Choose what is in doubt of systems of this kind.
    type: str
    choices: [licstat, bigfix, haplo, lm]
  target:
    description:
      - Choose what is in doubt at this target, as the importing modules return it.
    type: str
  label:
    description:
      - Choose what is in doubt at the target that is called so. The roles call it as the inventory does.
    type: str
  older_than:
    description:
      - Choose what is in doubt since more than so many seconds. It goes with the other options, and is not enough alone
        to settle anything.
    type: float
  state:
    description:
      - What the imports are to be settled as. V(succeeded), the server has it, and it is not sent again. V(failed), it
        has not, and the next run sends it again. V(absent) forgets it with all its attempts.
      - With it, one of O(keys), O(system), O(target) and O(label) is needed.
    type: str
    choices: [succeeded, failed, absent]
  comment:
    description:
      - What there is to say about it, with V(succeeded) and V(failed). It becomes part of the message of the receipt.
    type: str
"""

EXAMPLES = r"""
- name: List what is in doubt
  assetops.imports.import_settle:
    targets: "{{ groups.all }}"
  run_once: true

- name: Say that two imports are there
  assetops.imports.import_settle:
    targets: "{{ groups.all }}"
    keys: >-
      0f343b0931126a20f133d67c2b018a3b1d5b8a5f3a5cbf3f3f6a4b4b3d6e2a11,
      57ad6c1f0c7b1b8f4a0a5e1f7f1dd0a9e3c8f6b2d4e5a6978890a1b2c3d4e5f6
    state: succeeded
    comment: They are in the list of tasks.
  run_once: true

- name: Have everything that is in doubt at one target sent again
  assetops.imports.import_settle:
    targets: "{{ groups.all }}"
    label: cad
    state: failed
  run_once: true
"""

RETURN = r"""
summary:
  description: What was found or done, in a sentence.
  returned: success
  type: str
  sample: 2 imports are in doubt, the oldest since 2026-11-26T03:04:05.678Z.
table:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
count:
  description: How many imports are in doubt, or were settled, or would be.
  returned: success
  type: int
imports:
  description: These imports, the oldest first; 100 of them at most. C(state) is what they were in.
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
      description: Where it was to go.
      type: str
      returned: always
      sample: https://licstat.example.com license server 40
    label:
      description: What people call the target; V(null) if it has no such name.
      type: str
      returned: always
      sample: cad
    source:
      description: What was to be imported.
      type: str
      returned: always
      sample: /var/log/flexlm/debug.log.1
    window:
      description: The time range that it is known by, with C(from) and C(to); V(null) where it is its content.
      type: dict
      returned: always
    period:
      description: What time the log tells of, with C(first) and C(last); V(null) where that is not known.
      type: dict
      returned: always
    state:
      description: The state that it is in, or was.
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
      description: Since when, in UTC.
      type: str
      returned: always
      sample: "2026-11-26T03:04:05.678Z"
    age:
      description: How many seconds that is.
      type: float
      returned: always
    question:
      description: What to ask the server, and what the next run does.
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
