#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_targets
short_description: Fail if a run would import nothing
version_added: 0.1.0
description:
  - Fails if no host of the run is in any of the groups whose hosts are targets, as with a misspelled group, an empty
    inventory, a wrong C(-i) or C(--limit); if C(--tags) and C(--skip-tags) leave nothing to import; and if a tag is
    misspelled. Ansible itself ends such a run with success.
  - Warns about hosts of the run that are in none of O(known_groups), except C(localhost).
  - Runs on the controller, as an action. It connects to no host. The playbooks of this collection begin with it.
seealso:
  - module: assetops.imports.import_summary
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
  imports:
    description:
      - The imports of the playbook.
    type: list
    elements: dict
    required: true
    suboptions:
      group:
        description:
          - The group whose hosts are targets.
        type: str
        required: true
      tags:
        description:
          - The tags of the tasks that import. Tags that this task has itself, such as those of its play, are added.
        type: list
        elements: str
        default: []
  other_tags:
    description:
      - Other tags of the playbook, which choose no import.
    type: list
    elements: str
    default: []
  known_groups:
    description:
      - The groups whose hosts are targets of some playbook, so that there is no warning about them.
    type: list
    elements: str
    default: [licstat, bigfix, lmt, haplo, lm]
  required:
    description:
      - Whether it is an error if there is nothing to import, or if a tag does not exist. Otherwise it is a warning.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Find the targets
  hosts: localhost:all
  gather_facts: false
  tags: [always]
  tasks:
    - name: Check that there are any
      assetops.imports.import_targets:
        imports:
          - group: licstat
            tags: [licstat_import]
      run_once: true
"""

RETURN = r"""
groups:
  description: The groups whose imports are left by the tags.
  returned: success
  type: list
  elements: str
  sample: [licstat]
targets:
  description: The hosts of the run that are in them.
  returned: success
  type: list
  elements: str
  sample: [cad, cae]
warned:
  description: The warnings. They are shown even if Ansible hides tasks that are ok.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

NAMES: Mapping[str, Any] = {"type": "list", "elements": "str", "default": []}
ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        "imports": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {"group": {"type": "str", "required": True}, "tags": NAMES},
        },
        "other_tags": NAMES,
        "known_groups": {**NAMES, "default": ["licstat", "bigfix", "lmt", "haplo", "lm"]},
        "required": {"type": "bool", "default": True},
    },
}


def main() -> None:
    module = AnsibleModule(**ARGUMENTS, supports_check_mode=True)
    module.fail_json("It has to run as an action, which knows the hosts of the run.")


if __name__ == "__main__":
    main()
