#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_report
short_description: Write what was imported where, night by night
version_added: 0.1.0
description:
  - Writes a report of the imports of some nights, from the receipts, as HTML, text, JSON or CSV. It has what is not
    well first, then how each night went for each target, then the imports.
  - A night lasts from noon to noon in O(timezone), and has the date of its morning. An attempt belongs to the night in
    which it began. In the calendar, the last attempt of a night at the same import counts, and the worst of several
    imports. A night without an import is missing if one was due by O(max_ages).
  - Nothing is imported, no system is asked, and the receipts are only read.
  - Not well are the imports of these nights that failed, that are incomplete, or whose outcome is unknown, if no later
    import has made up for them; targets that were never imported; and what failed in the run that writes the report.
  - Two reports of the same nights from the same receipts are equal to the byte. A file that would not change is not
    written.
  - Runs on the controller, as an action, as the user that runs Ansible. The role
    P(assetops.imports.import_report#role) uses it, and so does the playbook C(assetops.imports.report).
seealso:
  - module: assetops.imports.import_receipt_info
  - module: assetops.imports.import_watch
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: full
    details:
      - For a file of more than 100,000 bytes, only its size is shown.
  idempotent:
    support: full
options:
  file:
    description:
      - The files to write on the controller, each with an absolute path in an existing folder. The ending names the
        format, C(.html), C(.txt), C(.json) or C(.csv).
      - A file is replaced in one step, and only if it is empty or a report of that format.
      - C(.html) is one page that loads nothing and runs no script. C(.html) and C(.txt) have the newest O(limit)
        imports, and say how many more there are; C(.json) and C(.csv) have all of them.
      - In C(.csv), a cell that begins with C(=), C(+), C(-) or C(@) gets an apostrophe before it, as a spreadsheet
        would take it for a formula.
      - If not set, the report is shown as text.
    type: list
    elements: path
  mode:
    description:
      - The permissions of the files, as octal digits in quotes.
    type: raw
    default: "0640"
  since:
    description:
      - The first night, by the date of its morning, such as V(2026-11-01), or a number of nights, such as V(90d).
      - If not set, the report has 30 nights.
    type: str
  until:
    description:
      - The last night, by the date of its morning. If not set, it is the current night, which from noon on is the next.
    type: str
  timezone:
    description:
      - The time zone of the nights, by its name in the IANA database, such as V(Europe/Berlin). If not set, that of the
        controller.
    type: str
  system:
    description:
      - Only imports into systems of this kind.
    type: str
    choices: [licstat, bigfix, haplo, lm]
  target:
    description:
      - Only imports into this target, as the importing modules return it.
    type: str
  label:
    description:
      - Only imports into the target with this label. The label that the roles use is the name in the inventory.
    type: str
  max_ages:
    description:
      - How many seconds after a successful import the next one is due, by the label of the target, or by the target if
        it has no label. For other hosts of O(targets), their variable C(import_watch_max_age) is used.
      - For all others it is 93600, 26 hours. For a target that is imported weekly, set 8 days, or each night in between
        is missing.
    type: dict
    default: {}
  limit:
    description:
      - How many imports, and how many entries of what is not well, HTML and text have at most.
    type: int
    default: 300
  receipts:
    description:
      - The receipt store to read, as the path of an SQLite file or the URL of a PostgreSQL database, see
        M(assetops.imports.import_receipt_info).
      - If not set, the stores that the variables of the targets name are read; without targets, the one of
        E(ASSETOPS_RECEIPTS), or C(~/.ansible/assetops/receipts.db).
    type: str
  receipts_password:
    description:
      - The password for a PostgreSQL database, of O(receipts) only.
    type: str
  targets:
    description:
      - The hosts of the inventory whose receipt stores are read, each store once, and whose failures in this run are
        reported. Targets are those in the groups C(licstat), C(bigfix), C(lmt), C(haplo) and C(lm).
      - A store may have other targets, too. They are in the report, unless O(system), O(target) or O(label) leave them
        out.
    type: list
    elements: str
    default: []
  roles:
    description:
      - The roles whose results are read from the variables of the targets.
    type: list
    elements: str
    default: [licstat_import, bigfix_import, haplo_batch, lm_import]
"""

EXAMPLES = r"""
- name: Write a report of November for the auditors, from the receipts alone
  assetops.imports.import_report:
    receipts: postgresql://auditor@db.example.com/receipts?sslmode=verify-full
    receipts_password: "{{ receipts_password }}"
    since: "2026-11-01"
    until: "2026-11-30"
    timezone: Europe/Berlin
    file:
      - /srv/evidence/2026-11.html
      - /srv/evidence/2026-11.csv

- name: Write a page of the last 90 nights of all targets
  assetops.imports.import_report:
    targets: "{{ groups.all }}"
    since: 90d
    max_ages:
      library_demo: 691200
    file: [/var/www/imports/index.html]
    mode: "0644"
  run_once: true
"""

RETURN = r"""
summary:
  description: The whole report in one sentence.
  returned: success
  type: str
  sample: "2 to look at. 30 targets, 905 imports: 2 failed, 903 succeeded."
failures:
  description: What is not well, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    target:
      description: The label of the target or, without one, the target.
      type: str
      returned: always
    system:
      description: The kind of its system, or the role that failed.
      type: str
      returned: always
    state:
      description: The state of its import; V(never) for a target without any.
      type: str
      returned: always
    since:
      description: When that began, in UTC; V(null) if there is no receipt.
      type: str
      returned: always
    message:
      description: Why, in words.
      type: str
      returned: always
    key:
      description: The identity of the import; V(null) if there is none.
      type: str
      returned: always
    source:
      description: What was imported; V(null) if there is no import.
      type: str
      returned: always
unread:
  description: Why stores could not be read; their imports are not in the report. Empty if all were read.
  returned: success
  type: list
  elements: str
files:
  description: The files.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path of the file.
      type: str
      returned: always
    format:
      description: The format, C(HTML), C(text), C(JSON) or C(CSV).
      type: str
      returned: always
    size:
      description: Its size in bytes.
      type: int
      returned: always
    changed:
      description: Whether it was written, or would be in check mode.
      type: bool
      returned: always
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        "file": {"type": "list", "elements": "path"},
        "mode": {"type": "raw", "default": "0640"},
        "since": {"type": "str"},
        "until": {"type": "str"},
        "timezone": {"type": "str"},
        "system": {"type": "str", "choices": ["licstat", "bigfix", "haplo", "lm"]},
        "target": {"type": "str"},
        "label": {"type": "str"},
        "max_ages": {"type": "dict", "default": {}},
        "limit": {"type": "int", "default": 300},
        "receipts": {"type": "str", "no_log": False},
        "receipts_password": {"type": "str", "no_log": True},
        "targets": {"type": "list", "elements": "str", "default": []},
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
