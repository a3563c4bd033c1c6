#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: licstat_task_info
short_description: Read how a task of X-Formation License Statistics is doing
version_added: 0.1.0
description:
  - Asks License Statistics for a task in its queue, such as M(assetops.imports.licstat_import) leaves there when it
    does not wait.
  - Nothing is changed, although License Statistics wants this question by the HTTP method POST.
seealso:
  - module: assetops.imports.licstat_import
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.licstat
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
options:
  task_id:
    description:
      - The id of the task, as in RV(assetops.imports.licstat_import#module:imports[].remote_id).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See how an import is doing
  assetops.imports.licstat_task_info:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    task_id: import_527ddd6f-d7de-4854-bc99-839b5afd458e
  register: task

- name: Wait until it is over, and where License Statistics does not answer ask again
  assetops.imports.licstat_task_info:
    url: https://licstat.example.com
    api_token: "{{ licstat_api_token }}"
    task_id: import_527ddd6f-d7de-4854-bc99-839b5afd458e
  register: task
  until: task is succeeded and task.state != 'running'
  retries: 100
  delay: 10
"""

RETURN = r"""
task_id:
  description: The id that was asked for.
  returned: success
  type: str
state:
  description:
    - V(running), V(succeeded), V(failed), or V(unknown) if License Statistics does not know the task (any more).
    - Only the task states V(PENDING) and V(SUCCESS) are documented. A task with an error, or in a state that is called
      like a failure, has failed; any other state counts as still running.
  returned: success
  type: str
  sample: succeeded
message:
  description: What there is to know, in the words of License Statistics where it said something.
  returned: success
  type: str
task:
  description: The task as License Statistics returned it; V(null) if it does not know it.
  returned: success
  type: dict
  sample:
    data: null
    sbtr: Administrator
    sbtd: "2021-12-20 11:53:36"
    tid: import_527ddd6f-d7de-4854-bc99-839b5afd458e
    sts: SUCCESS
    err: null
http_status:
  description: The HTTP status of the answer that made it fail.
  returned: on failure, if there was an answer
  type: int
response:
  description: The beginning of that answer.
  returned: on failure, if there was an answer
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import connection_arguments
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import client_of
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import (
    ENVIRONMENT,
    GUIDE,
    OPTIONS,
    credentials,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.system import (
    LicenseStatistics,
    as_task_id,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_arguments(OPTIONS, ENVIRONMENT), "task_id": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    run_module(module, read_task)


def read_task(invocation: Invocation) -> dict[str, Any]:
    GUIDE.check(invocation.params)
    task_id = invocation.params["task_id"]
    if as_task_id(task_id) is None:
        raise BadInput(f"task_id {task_id!r} is not the id of a task.")
    client = client_of(invocation, credentials(invocation.params["api_token"]), GUIDE)
    polled = LicenseStatistics(client, invocation.params["api_version"]).task(task_id)
    return {
        "changed": False,
        "task_id": task_id,
        "state": polled.state,
        "message": client.secrets.redact(polled.message),
        "task": client.secrets.clean(polled.server),
    }


if __name__ == "__main__":
    main()
