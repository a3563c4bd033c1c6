#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bigfix_import
short_description: Have HCL BigFix Inventory or IBM License Metric Tool import its data
version_added: 0.1.0
description:
  - Without O(max_age) and O(newer_than), every run starts a data import. With one of them, an import is started only if
    the last successful one is older than that; this is how to use it in a playbook that runs often.
  - Waits until the import is over, unless O(wait=false). It succeeds only if the server reports success for an import
    that ended after this one was started. An import takes from minutes to hours.
  - Nothing is started while an import runs; O(if_running) says what to do then. The request that starts an import is
    sent at most once. If its answer is lost, the server's status shows whether an import was started.
  - The server's status decides, by the server's own clock. Receipts are a record, and make sure that only one of
    several runs on a host starts an import. If they cannot be kept, there is a warning.
seealso:
  - module: assetops.imports.bigfix_import_info
  - name: Running data imports
    description: The page of HCL BigFix Inventory on the call that this module wraps.
    link: https://help.hcl-software.com/bigfix/11.0/inventory/Inventory/integration/c_rest_api.html
  - name: REST API for data imports
    description: The page of IBM License Metric Tool on the same call.
    link: https://www.ibm.com/docs/en/license-metric-tool
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.bigfix
  - assetops.imports.wait
  - assetops.imports.receipts
  - assetops.imports.receipts.place
  - assetops.imports.attributes
  - assetops.imports.attributes.in_worker
attributes:
  action_group:
    description: >-
      Use C(group/assetops.imports.bigfix) or C(group/assetops.imports.imports) in C(module_defaults) to set defaults
      for this module.
    support: full
    membership:
      - assetops.imports.bigfix
      - assetops.imports.imports
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Only with O(max_age) or O(newer_than), and without O(force=true).
options:
  import_type:
    description:
      - What to import. A V(raw_only) import is much quicker; its data can be read over the REST API only, except for
        metering data. It has to be enabled on the server, at C(/management/feature). Only BigFix Inventory has it.
    type: str
    choices: [complete, raw_only]
    default: complete
  max_age:
    description:
      - A successful import of this type that ended at most this many seconds ago is enough. A complete import counts as
        a raw one, but not the other way round.
      - The age is computed with the server's clock, or with this host's if the server gives no time. If the two are
        more than 30 days apart, the one that makes the age greater is used.
      - A success that the server dates more than 5 minutes ahead of that clock proves nothing. An import is started
        then, with a warning.
    type: float
  raw_first:
    description:
      - Whether to import raw scan results before the complete import, unless the last successful import is recent
        enough for O(raw_max_age) and O(newer_than). If the raw one fails, the complete one is not started.
      - The status covers the last import only, so a raw import hides when the last complete one was. A complete import
        therefore follows each raw one, whatever O(max_age) says.
      - Not with O(import_type=raw_only) or O(wait=false).
    type: bool
    default: false
  raw_max_age:
    description:
      - As O(max_age), for the raw import of O(raw_first). If not set, O(max_age) is used.
    type: float
  newer_than:
    description:
      - A successful import of this type that ended after this time is enough, such as the end of the last scan. ISO
        8601, with V(Z) or an offset. As with O(max_age), a success that is dated ahead of the clock proves nothing.
      - An import that began before this time may lack data that came in while it ran. With O(if_running=queue), another
        one is started after it if it is still running.
    type: str
  if_running:
    description:
      - What to do if an import is running. With V(join), wait for it and use its outcome for this one, if its type
        counts as this one's; otherwise start one after it.
      - With V(queue), wait for it and then start another.
      - With V(fail), fail.
    type: str
    choices: [join, queue, fail]
    default: join
  force:
    description:
      - Whether to start an import even if the last one is recent enough for O(max_age) and O(newer_than).
  once:
    description:
      - Not used here, since the server's status decides; it is an option so that defaults for all importing modules
        can be set together.
  on_unknown:
    description:
      - Not used here, since the server's status decides; it is an option so that defaults for all importing modules
        can be set together.
  wait_timeout:
    description:
      - How many seconds to wait in all. Then the module fails with the state V(running); the server goes on, and
        the next run waits for the same import again.
    default: 14400
  wait_sleep:
    description:
      - The longest pause in seconds between two polls. A pause is a tenth of the time waited so far. The vendors warn
        against calls during an import, so the shortest pause is 10 seconds, unless this is less.
    default: 30
  unreachable_timeout:
    description:
      - How many seconds in a row the server may be unreachable, in trouble, or answer something else before that is an
        error, while an import runs or may be running. The vendors say that this happens then.
      - Before that, a server that cannot be reached is an error after a few tries, and one in trouble after a minute at
        most. Nothing was started then. What trying again cannot change is an error at once.
    default: 1800
  response_timeout:
    description:
      - How many seconds to wait for the answer to the request that starts an import. After that, the status shows
        whether it was started.
    default: 60
notes:
  - Only V(successful) is documented as a status of the last import. Any other counts as a failure and is reported in
    the server's words.
  - The status covers the last import only. If somebody else's import of another type ended after this one, the outcome
    of this one is V(unknown).
"""

EXAMPLES = r"""
- name: Import the data if it is older than a day
  assetops.imports.bigfix_import:
    url: https://bigfix.example.com:9081
    token: "{{ bigfix_token }}"
    max_age: 86400

- name: Import the data of the last scans, after an import that may be running
  assetops.imports.bigfix_import:
    url: https://bigfix.example.com:9081
    token: "{{ bigfix_token }}"
    newer_than: "2026-11-22T03:00:00Z"
    if_running: queue

- name: Import raw scan results every six hours, and then the rest
  assetops.imports.bigfix_import:
    url: https://bigfix.example.com:9081
    token: "{{ bigfix_token }}"
    raw_first: true
    max_age: 21600

- name: Import raw scan results only
  assetops.imports.bigfix_import:
    url: https://bigfix.example.com:9081
    token: "{{ bigfix_token }}"
    import_type: raw_only
    max_age: 3600

- name: Have License Metric Tool import, with user and password
  assetops.imports.bigfix_import:
    url: https://lmt.example.com:9081
    product: license_metric_tool
    username: importer
    password: "{{ lmt_password }}"
    ca_path: /etc/pki/lmt.pem
    max_age: 86400

- name: Start one now and do not wait
  assetops.imports.bigfix_import:
    url: https://bigfix.example.com:9081
    token: "{{ bigfix_token }}"
    wait: false
"""

RETURN = r"""
state:
  description:
    - V(succeeded), V(failed), or V(unknown) if the server does not say.
    - V(planned) is what a run without check mode would start. V(submitted) was started and not waited
      for, V(running) was not over in time; the next run goes by what the status says then.
  returned: when the options were right
  type: str
  sample: succeeded
imports:
  description:
    - The import, as the only entry; with O(raw_first) the raw one and then the complete one, which
      is missing if the raw one failed.
  returned: when the options were right
  type: list
  elements: dict
  contains:
    source:
      description: What was to be imported.
      type: str
      returned: always
      sample: complete import
    target:
      description: The server.
      type: str
      returned: always
      sample: https://bigfix.example.com:9081
    content_sha256:
      description: V(null), since nothing is sent.
      type: str
      returned: always
    size:
      description: V(null), since nothing is sent.
      type: int
      returned: always
    key:
      description: The identity of the server in the receipts.
      type: str
      returned: always
    remote_id:
      description: V(null), since imports have none.
      type: str
      returned: always
    state:
      description: The state of this import, as above.
      type: str
      returned: always
    changed:
      description: Whether this run made the server start an import, or may have.
      type: bool
      returned: always
    reason:
      description:
        - Why it was done, or not. V(fresh), the last one is recent enough. V(joined), one was running.
          V(new), neither. V(forced), O(force) was set.
      type: str
      returned: always
    label:
      description: The name of the target, as O(label) gave it; V(null) where it did not.
      type: str
      returned: always
    period:
      description: Always V(null); the time that a log covers is found out for License Statistics.
      type: dict
      returned: always
    window:
      description: Always V(null); time ranges are imported into License Statistics.
      type: dict
      returned: always
    attempts:
      description: How many imports were started with this receipt store; V(0) if none was by this run.
      type: int
      returned: always
    message:
      description: What there is to know, in the words of the server where it said something.
      type: str
      returned: always
    server:
      description:
        - The last status as it came; V(null) if none came. Any field but C(mode) may be missing.
      type: dict
      returned: always
      sample:
        mode: idle
        can_run_imports: true
        import_status_url: /import_status
        import_create_url: /management/imports
        last_status: successful
        last_success_time: '2015-06-18T04:00:29Z'
        last_import_time: '2015-06-18T04:00:29Z'
        last_import_type: complete
        next_import_time: '2015-06-20T06:00:00Z'
        next_import_time_in: 75057
        next_import_type: complete
    started_at:
      description: When this run started it, in UTC; V(null) if it did not.
      type: str
      returned: always
      sample: '2026-11-22T03:04:05.678Z'
    finished_at:
      description: When the end of it was seen, in UTC; V(null) while there is none.
      type: str
      returned: always
    duration:
      description: The seconds between the two; V(null) while one of them is.
      type: float
      returned: always
receipts:
  description: The receipt store.
  returned: when the options were right
  type: dict
  contains:
    store:
      description: Its path or URL, or V(none).
      type: str
      returned: always
    created:
      description: Whether this run made it.
      type: bool
      returned: always
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

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.status_importer import StatusImporter
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import (
    client_of,
    policy_of,
    receipt_store,
    server_name,
    wait_options_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import (
    Invocation,
    fill_from_environment,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.results import result_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import (
    IMPORT_TYPES,
    OPTIONS,
    credentials_of,
    guide_of,
    requirements_of,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.system import (
    HEADERS,
    MIN_PAUSE,
    DataImports,
)

ARGUMENTS: Mapping[str, Any] = {
    "argument_spec": {
        **connection_arguments(OPTIONS, {}),
        **import_arguments(once=None, response_timeout=60, wait_timeout=14400, wait_sleep=30, unreachable_timeout=1800),
        "import_type": {"type": "str", "choices": list(IMPORT_TYPES), "default": "complete"},
        "max_age": {"type": "float"},
        "raw_first": {"type": "bool", "default": False},
        "raw_max_age": {"type": "float"},
        "newer_than": {"type": "str"},
        "if_running": {"type": "str", "choices": ["join", "queue", "fail"], "default": "join"},
    },
}


def main() -> None:
    run_module(AnsibleModule(**ARGUMENTS, supports_check_mode=True), import_data)


def import_data(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    guide = guide_of(params["product"])
    fill_from_environment(invocation, guide)
    guide.check(params)
    requirements = requirements_of(params)
    credentials = credentials_of(params)
    client = client_of(invocation, HEADERS, guide)
    server = server_name(params)
    wait = wait_options_of(invocation, MIN_PAUSE)
    system = DataImports(client, params["product"], credentials, invocation.no_log_values.add, wait)
    with receipt_store(invocation, is_needed=False) as store:
        policy = policy_of(invocation)
        importer = StatusImporter(system, store, policy, wait, secrets=client.secrets, progress=invocation.progress)
        imports = importer.run([wanted_import(server, requirement) for requirement in requirements])
        for warning in importer.warnings:
            invocation.warn(printable(client.secrets.redact(warning)))
        return result_of(invocation, store, client.secrets, imports)


if __name__ == "__main__":
    main()
