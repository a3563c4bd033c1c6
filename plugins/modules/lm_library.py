#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lm_library
short_description: Empty a library of Akana Lifecycle Manager, for good
version_added: 0.1.0
description:
  - Removes all assets and all asset requests from a library of Akana Lifecycle Manager. There is no way to undo this.
  - What the library holds is read first. If it is empty, nothing is sent. If not, and O(confirm) repeats the name of
    the library, the request to clear it is sent once, and the library is read until it is empty.
  - What was imported into the library by M(assetops.imports.lm_import) is marked as superseded in the receipts, so that
    it is imported again. This happens once the request is accepted, or if its answer was lost and the library then
    holds no assets. If it is refused, all receipts stay as they are. Receipts of imports that are sent after the
    request, or that a run is working on, stay, too; a warning names that run.
  - If the library is found empty, it was emptied by other means. Then the receipts of imports that had ended are marked
    as superseded, too, except in check mode. Those of imports that may still be about to bring their assets stay.
  - In check mode and diff mode, the numbers before and after show what would be lost, or was lost.
seealso:
  - module: assetops.imports.lm_import
  - module: assetops.imports.lm_library_info
  - name: Lifecycle Manager ImportUtils API
    description: The vendor's page on the calls that this module wraps.
    link: https://help.akana.com/content/current/lm/api_lm/lm_api_importutils.htm
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.connection
  - assetops.imports.lm
  - assetops.imports.receipts.place
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  target_name:
    description:
      - The name that stands for the server in the receipts, if imports into this library were made with one.
    type: str
  state:
    description:
      - The state that the library has to be in.
    type: str
    choices: [empty]
    required: true
  confirm:
    description:
      - The name of the library once more. It has to equal O(library); otherwise no request is sent.
    type: str
    required: true
  clear_events:
    description:
      - Whether all pending events are removed from the event queue, too, and have to be gone for the library to be
        empty.
    type: bool
    default: false
  wait_timeout:
    description:
      - For how many seconds to wait until the library is empty after it was cleared, before that is an error.
    type: float
    default: 300
notes:
  - Where the library asks for credentials, O(username) needs the role Usage Controller for the Enterprise Group. Where
    it does not, anybody can empty it.
"""

EXAMPLES = r"""
- name: See what would be lost
  assetops.imports.lm_library:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    state: empty
    confirm: LibraryDemo
  check_mode: true
  diff: true

- name: Empty a library, with the events in its queue
  assetops.imports.lm_library:
    url: https://lm.example.com
    library: LibraryDemo
    username: importer
    password: "{{ lm_password }}"
    state: empty
    confirm: LibraryDemo
    clear_events: true
"""

RETURN = r"""
before:
  description: What the library held; V(null) for what Lifecycle Manager does not report.
  returned: when the library could be read
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
after:
  description: The same, as last read; in check mode what it would be.
  returned: when the library could be read
  type: dict
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
receipts:
  description: The receipt store.
  returned: when the library could be read
  type: dict
  contains:
    store:
      description: Its path, or V(none).
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

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import RECEIPTS, connection_arguments
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import (
    client_of,
    receipt_store,
    server_name,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.results import answer_result, diff_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Owner
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import counts_text
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import (
    ENVIRONMENT,
    GUIDE,
    OPTIONS,
    LibraryFunction,
    credentials,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.emptying import Emptying
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.imports import target_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_arguments(OPTIONS, ENVIRONMENT),
            **RECEIPTS,
            "target_name": {"type": "str"},
            "state": {"type": "str", "choices": ["empty"], "required": True},
            "confirm": {"type": "str", "required": True},
            "clear_events": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 300},
        },
        supports_check_mode=True,
    )
    run_module(module, empty_library)


def empty_library(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    GUIDE.check(params)
    function = LibraryFunction.of(params)
    if params["confirm"] != function.library:
        raise BadInput(
            f"confirm is {params['confirm']!r}, but library is {function.library!r}; they have to be equal, since all"
            " that is in the library will be lost for good. Nothing was sent."
        )
    client = client_of(invocation, credentials(params["username"], params["password"]), GUIDE)
    target = target_of(server_name(params), function.library)
    with receipt_store(invocation) as store:
        emptying = Emptying(Library(client, function), clear_events=params["clear_events"])
        in_place = store.in_place(target)  # before the library is read: a later import may have brought what it holds
        emptying.read()
        if not emptying.is_empty:
            warn_of_imports(invocation, function.library, store.at_work(target))
            clear(invocation, emptying, store, target)
        elif in_place and not invocation.check_mode:
            store.supersede_attempts(in_place)
        receipts = {"store": store.location, "created": store.created}
    return {**result_of(invocation, client.secrets, emptying, target), "receipts": receipts}


def warn_of_imports(invocation: Invocation, library: str, owners: list[Owner]) -> None:
    for owner in owners:
        invocation.warn(
            f"An import into library {library} is under way (process {owner.pid} on {owner.host}). Its assets may be"
            " removed, or come after that; see how it ends."
        )


def clear(invocation: Invocation, emptying: Emptying, store: Store, target: str) -> None:
    """Clear the library, and record that what was imported before is gone. What is imported after that is there."""
    if invocation.check_mode:
        emptying.predict()
        return
    high_water_mark = store.high_water_mark(target)
    emptying.clear(invocation.params["wait_timeout"], lambda: store.supersede(target, high_water_mark))


def result_of(invocation: Invocation, secrets: Secrets, emptying: Emptying, target: str) -> dict[str, Any]:
    result: dict[str, Any] = {"changed": emptying.changed, "before": emptying.before, "after": emptying.after}
    if emptying.failure is not None:
        result.update(msg=secrets.redact(emptying.failure.message), **answer_result(emptying.failure.answer))
    if invocation.diff:
        result["diff"] = diff_of(target, counts_text(emptying.before), counts_text(emptying.after))
    return result


if __name__ == "__main__":
    main()
