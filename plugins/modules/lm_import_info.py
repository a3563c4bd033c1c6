#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lm_import_info
short_description: Read how an import of Akana Lifecycle Manager is doing
version_added: 0.1.0
description:
  - Asks Lifecycle Manager how many assets of an import are not published yet, such as M(assetops.imports.lm_import)
    leaves there when it does not wait.
  - Nothing is changed.
seealso:
  - module: assetops.imports.lm_import
  - name: Lifecycle Manager ImportUtils API
    description: The vendor's page on the calls that this module wraps.
    link: https://help.akana.com/content/current/lm/api_lm/lm_api_importutils.htm
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.lm
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
options:
  run_id:
    description:
      - The id of the run, as in RV(assetops.imports.lm_import#module:imports[].remote_id).
    type: str
    required: true
notes:
  - What Lifecycle Manager says of a run that it does not know is not documented; it may be V(0) as of one that is over.
"""

EXAMPLES = r"""
- name: See how an import is doing
  assetops.imports.lm_import_info:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    run_id: import_2016-01-22_15-35-07.484
  register: run

- name: Wait until it is over, and where Lifecycle Manager does not answer ask again
  assetops.imports.lm_import_info:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    run_id: import_2016-01-22_15-35-07.484
  register: run
  until: run is succeeded and run.state == 'published'
  retries: 100
  delay: 10
"""

RETURN = r"""
run_id:
  description: The id that was asked for.
  returned: success
  type: str
state:
  description:
    - V(counting) while Lifecycle Manager does not know the number yet, V(publishing) while assets are unpublished, and
      V(published) when none is any more.
    - Assets may stay unpublished, as when they wait for approval; a single answer does not show that.
  returned: success
  type: str
  sample: publishing
unpublished_assets:
  description: How many assets of the import are not published yet; V(null) while that is not known.
  returned: success
  type: int
  sample: 3
server:
  description: The status as Lifecycle Manager returned it.
  returned: success
  type: dict
  sample:
    unpublished-assets: 3
http_status:
  description: The HTTP status of the answer that made it fail.
  returned: on failure, if there was an answer
  type: int
  sample: 401
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
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import UNPUBLISHED
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import (
    ENVIRONMENT,
    GUIDE,
    OPTIONS,
    LibraryFunction,
    credentials,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_arguments(OPTIONS, ENVIRONMENT), "run_id": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    run_module(module, read_run)


def read_run(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    GUIDE.check(params)
    run_id = params["run_id"]
    if not run_id.strip() or not run_id.isprintable():
        raise BadInput(f"run_id {run_id!r} is not the id of a run.")
    function = LibraryFunction.of(params)
    client = client_of(invocation, credentials(params["username"], params["password"]), GUIDE)
    status = Library(client, function).run_status(run_id)
    count = status[UNPUBLISHED]
    return {
        "changed": False,
        "run_id": run_id,
        "state": "counting" if count < 0 else "publishing" if count else "published",
        "unpublished_assets": None if count < 0 else count,
        "server": client.secrets.clean(status),
    }


if __name__ == "__main__":
    main()
