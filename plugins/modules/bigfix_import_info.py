#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bigfix_import_info
short_description: Read the status of the data imports of HCL BigFix Inventory or IBM License Metric Tool
version_added: 0.1.0
description:
  - Reads from the server whether an import is running, and what it says about the last and the next one. Nothing is
    changed.
  - The vendors warn against calls while an import runs; a call that fails may succeed a while later.
seealso:
  - module: assetops.imports.bigfix_import
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.bigfix
  - assetops.imports.attributes
options:
  max_age:
    description:
      - How many seconds ago the last successful import may have been for RV(is_fresh) to be true.
      - It works as O(assetops.imports.bigfix_import#module:max_age) of M(assetops.imports.bigfix_import) does.
    type: float
  import_type:
    description:
      - The type of import that O(max_age) is about. A complete import counts as a raw one, but not the other way round.
        The status covers the last import only, so a raw import hides when the last complete one was.
    type: str
    choices: [complete, raw_only]
    default: complete
  require_fresh:
    description:
      - Whether to fail if the data is older than O(max_age), or of unknown age.
    type: bool
    default: false
  is_planned:
    description:
      - Whether such an import is planned in the same run, as the state V(planned) of M(assetops.imports.bigfix_import)
        says. In check mode, the data counts as fresh then.
    type: bool
    default: false
attributes:
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Read the status
  assetops.imports.bigfix_import_info:
    url: https://bigfix.example.com:9081
    token: "{{ bigfix_token }}"
  register: data

- name: Stop if the last import failed
  ansible.builtin.assert:
    that: data.last_status == 'successful'

- name: Stop if the data is older than two days
  assetops.imports.bigfix_import_info:
    url: https://bigfix.example.com:9081
    token: "{{ bigfix_token }}"
    max_age: 172800
    require_fresh: true

- name: Wait until no import is running
  assetops.imports.bigfix_import_info:
    url: https://lmt.example.com:9081
    product: license_metric_tool
    token: "{{ lmt_token }}"
  register: data
  until: data is succeeded and not data.is_running
  retries: 240
  delay: 60
"""

RETURN = r"""
is_running:
  description: Whether an import is running.
  returned: success
  type: bool
mode:
  description:
    - V(none), no import was ever started. V(idle), none is running. V(running), one is.
    - V(pending), none is running, but changes that somebody made in the user interface wait for the next one.
  returned: success
  type: str
  sample: idle
can_run_imports:
  description: Whether this user may run imports; V(null) if the server does not say.
  returned: success
  type: bool
progress:
  description: How many percent of the running import are done; V(null) if the server does not say.
  returned: success
  type: int
last_status:
  description:
    - How the last import ended; V(successful) is the only documented word. V(null) if the server does not say.
  returned: success
  type: str
  sample: successful
last_import_type:
  description: The type of the last import, such as V(complete) or V(raw_only); V(null) if the server does not say.
  returned: success
  type: str
last_import_time:
  description: The time of the last import, in UTC; V(null) if the server does not say.
  returned: success
  type: str
  sample: "2015-06-18T04:00:29Z"
last_success_time:
  description: The time of the last successful import, in UTC; V(null) if the server does not say.
  returned: success
  type: str
age:
  description:
    - How many seconds ago the last successful import was, by the server's clock, or by this host's if the server gives
      no time. If the two are more than 30 days apart, by the one that makes it greater. V(null) if there was none.
    - Below zero if the server dates the import ahead of that clock. If that is by more than 5 minutes, it proves
      nothing about how old the data is, and there is a warning.
  returned: success
  type: float
is_fresh:
  description:
    - Whether the last successful import is recent enough for O(max_age). A success that the server dates more than 5
      minutes ahead of the clock proves nothing. V(null) if O(max_age) is not set.
  returned: success, and if O(require_fresh) made it fail
  type: bool
message:
  description: How old the data is, or why it is not recent enough.
  returned: success, and if O(require_fresh) made it fail
  type: str
  sample: The data is 172801 s old; 172800 s are allowed.
status:
  description: The status as it came.
  returned: success
  type: dict
http_status:
  description: The HTTP status of the answer that made it fail.
  returned: on failure, if there was an answer
  type: int
response:
  description: The beginning of that answer.
  returned: on failure, if there was an answer
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import connection_arguments
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import client_of
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import (
    Invocation,
    fill_from_environment,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import (
    IMPORT_TYPES,
    OPTIONS,
    Requirement,
    age_option,
    credentials_of,
    guide_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.status import (
    Status,
    describe_age,
    format_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.system import HEADERS, DataImports

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connection_arguments(OPTIONS, {}),
        "max_age": {"type": "float"},
        "import_type": {"type": "str", "choices": list(IMPORT_TYPES), "default": "complete"},
        "require_fresh": {"type": "bool", "default": False},
        "is_planned": {"type": "bool", "default": False},
    },
}


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), read_status)


def read_status(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    guide = guide_of(params["product"])
    fill_from_environment(invocation, guide)
    guide.check(params)
    requirement = Requirement(params["product"], params["import_type"], age_option(params["max_age"], "max_age"))
    requirement.check()
    if params["require_fresh"] and requirement.max_age is None:
        raise BadInput("require_fresh needs max_age, which says how old the data may be.")
    client = client_of(invocation, HEADERS, guide)
    system = DataImports(client, params["product"], credentials_of(params), invocation.no_log_values.add)
    status = system.read(tries=4)
    if status.doubt is not None:
        invocation.warn(status.doubt)
    is_fresh, message = judge_age(requirement, status, is_planned=invocation.check_mode and params["is_planned"])
    result = {
        "changed": False,
        "is_running": status.is_running,
        "mode": status.mode,
        "can_run_imports": status.can_run_imports,
        "progress": status.progress,
        "last_status": status.last_status,
        "last_import_type": status.last_type,
        "last_import_time": status.last_end and format_time(status.last_end),
        "last_success_time": status.last_success and format_time(status.last_success),
        "age": status.age_of_success,
        "is_fresh": is_fresh,
        "message": client.secrets.redact(message),
        "status": client.secrets.clean(status.raw),
    }
    if params["require_fresh"] and not is_fresh:
        result["msg"] = result["message"]
    return result


def judge_age(requirement: Requirement, status: Status, *, is_planned: bool) -> tuple[bool | None, str]:
    """Whether the data is fresh, and why."""
    if requirement.max_age is None:
        return None, describe_age(status)
    if is_planned:
        return True, "An import is planned."
    shortfall = requirement.shortfall(status)
    return not shortfall, shortfall or describe_age(status)


if __name__ == "__main__":
    main()
