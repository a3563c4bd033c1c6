#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lm_library_info
short_description: Read what a library of Akana Lifecycle Manager holds
version_added: 0.1.0
description:
  - Asks Lifecycle Manager for the numbers of assets, requests, events, projects and users of a library.
  - Nothing is changed.
seealso:
  - module: assetops.imports.lm_import
  - module: assetops.imports.lm_library
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
"""

EXAMPLES = r"""
- name: See what a library holds
  assetops.imports.lm_library_info:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
  register: library

- name: Wait until it is at rest, and where Lifecycle Manager does not answer ask again
  assetops.imports.lm_library_info:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
  register: library
  until: library is succeeded and library.counts.pending_events == 0
  retries: 100
  delay: 10
"""

RETURN = r"""
library:
  description: The name of the library.
  returned: success
  type: str
  sample: LibraryDemo
counts:
  description: What it holds; V(null) for what Lifecycle Manager does not report.
  returned: success
  type: dict
  sample:
    active_requests: 0
    catalog_assets: 11
    pending_events: 0
    projects: 3
    published_assets: 11
    users: 16
  contains:
    catalog_assets:
      description: The number of assets in the library.
      type: int
      returned: always
    published_assets:
      description: How many of them are published.
      type: int
      returned: always
    projects:
      description: The number of projects.
      type: int
      returned: always
    users:
      description: The number of users.
      type: int
      returned: always
    active_requests:
      description: The number of requests that are not completed.
      type: int
      returned: always
    pending_events:
      description: The number of events in the queue.
      type: int
      returned: always
server:
  description: The same as Lifecycle Manager returned it.
  returned: success
  type: dict
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

from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import connection_arguments
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import client_of
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import counts_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import (
    ENVIRONMENT,
    GUIDE,
    OPTIONS,
    LibraryFunction,
    credentials,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library


def main() -> None:
    module = AnsibleModule(argument_spec=connection_arguments(OPTIONS, ENVIRONMENT), supports_check_mode=True)
    run_module(module, read_library)


def read_library(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    GUIDE.check(params)
    function = LibraryFunction.of(params)
    client = client_of(invocation, credentials(params["username"], params["password"]), GUIDE)
    status = Library(client, function).status()
    return {
        "changed": False,
        "library": function.library,
        "counts": counts_of(status),
        "server": client.secrets.clean(status),
    }


if __name__ == "__main__":
    main()
