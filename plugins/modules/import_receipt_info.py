#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_receipt_info
short_description: Read the receipts of imports
version_added: 0.1.0
description:
  - Lists the receipts that the modules of this collection keep of their imports, the newest first by their last change,
    and counts them by state.
  - It reads only the receipt store, and contacts no system. It does not change the store, and makes none. Where
    there is no store, there are no receipts.
seealso:
  - module: assetops.imports.import_receipt
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.receipts.place
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
options:
  key:
    description:
      - The identity of one import, as the importing modules return it.
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
      - Only imports into the target with this name. The roles use its name in the inventory.
    type: str
  source:
    description:
      - Only imports whose last attempt was made from this source, as the importing modules return it, such as the path
        of a file.
    type: str
  state:
    description:
      - Only imports in one of these states.
      - V(claimed) and V(sent) are those that a run is at work on at this moment, before and after it sent everything.
    type: list
    elements: str
    choices: [claimed, sent, submitted, unknown, incomplete, succeeded, scheduled, failed, superseded]
  since:
    description:
      - Only imports whose receipt was changed at this time or later, as ISO 8601 with C(Z) or an offset.
    type: str
  until:
    description:
      - Only imports whose receipt was changed before this time, as ISO 8601 with C(Z) or an offset.
    type: str
  limit:
    description:
      - How many receipts to return at most. They are counted without a limit; RV(next) shows whether there are more.
    type: int
    default: 50
  after:
    description:
      - Where to go on, as RV(next) returned it for the same filters. Receipts that change meanwhile move to the front,
        and are not on later pages.
    type: str
  history:
    description:
      - Whether to return all attempts of each import, not only the one that counts.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Read the last imports
  assetops.imports.import_receipt_info:
    limit: 10
  register: known

- name: Find imports that need attention
  assetops.imports.import_receipt_info:
    receipts: postgresql://imports@db.example.com/receipts?sslmode=verify-full
    receipts_password: "{{ receipts_password }}"
    state:
      - unknown
      - incomplete
      - failed
  register: known
  failed_when: known.imports | length > 0

- name: Read all attempts at an import
  assetops.imports.import_receipt_info:
    key: 0f343b0931126a20f133d67c2b018a3b1d5b8a5f3a5cbf3f3f6a4b4b3d6e2a11
    history: true

- name: Read the imports of one target of the inventory
  assetops.imports.import_receipt_info:
    system: licstat
    label: cad

- name: Read the first thousand receipts of November
  assetops.imports.import_receipt_info:
    since: "2026-11-01T00:00:00Z"
    until: "2026-12-01T00:00:00Z"
    limit: 1000
  register: first

- name: Read the next thousand, if there are more
  assetops.imports.import_receipt_info:
    since: "2026-11-01T00:00:00Z"
    until: "2026-12-01T00:00:00Z"
    limit: 1000
    after: "{{ first.next }}"
  when: first.next is not none

- name: Count what was imported into a target since yesterday
  assetops.imports.import_receipt_info:
    target: https://licstat.example.com license server 40
    since: "{{ '%Y-%m-%dT%H:%M:%SZ' | strftime(now(utc=true).timestamp() - 86400) }}"
    limit: 0
"""

RETURN = r"""
imports:
  description: The receipts, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The identity of the import.
      type: str
      returned: always
    system:
      description: The kind of system, V(licstat), V(bigfix), V(haplo) or V(lm).
      type: str
      returned: always
    target:
      description: The target of the import.
      type: str
      returned: always
      sample: https://licstat.example.com license server 40
    source:
      description: The source of the import.
      type: str
      returned: always
      sample: /var/log/flexlm/debug.log
    size:
      description: Its size in bytes.
      type: int
      returned: always
    content_sha256:
      description: The SHA-256 of what was imported, in hexadecimal; V(null) if it is not known.
      type: str
      returned: always
    label:
      description: The name of the target, which the roles take from the inventory; V(null) if it has none.
      type: str
      returned: always
    period:
      description:
        - The time that the content covers, by the clock of the host that wrote it, without a time zone; V(null) if it
          is not known. For a Haplo folder with a date in its name it is that moment, or the time in which the feed
          did not change.
      type: dict
      returned: always
      contains:
        first:
          description: The first moment in it.
          type: str
          returned: always
          sample: "2026-11-23T07:47:04"
        last:
          description: The last moment in it.
          type: str
          returned: always
          sample: "2026-11-24T03:04:05"
    window:
      description: The time range that the import is known by; V(null) where it is its content.
      type: dict
      returned: always
      contains:
        from:
          description: Its beginning; V(null) for the beginning of the log.
          type: str
          returned: always
          sample: "2026-11-23T00:00:00"
        to:
          description: Its end, which is in it.
          type: str
          returned: always
          sample: "2026-11-23T23:59:59"
    options:
      description: The options that make it this import, as they stand in its identity.
      type: dict
      returned: always
    state:
      description:
        - Its state. V(unknown) is that of an import that was sent whole, while its outcome was not heard.
      type: str
      returned: always
      sample: succeeded
    remote_id:
      description: The id that the server gave it; V(null) if there is none.
      type: str
      returned: always
    message:
      description: More about the state, in the words of the server if it said something.
      type: str
      returned: always
    server:
      description: The last answer of the server about it, as it came.
      type: raw
      returned: always
    attempt:
      description: The number of the attempt that counts.
      type: int
      returned: always
    attempts:
      description: How many attempts there were.
      type: int
      returned: always
    started_at:
      description: When that attempt began, in UTC.
      type: str
      returned: always
      sample: "2026-11-22T03:04:05.678Z"
    changed_at:
      description: When it was last changed, in UTC.
      type: str
      returned: always
    age:
      description: How many seconds ago that was, by the clock of the host where the module runs.
      type: float
      returned: always
    finished_at:
      description: When the end of it was seen, in UTC; V(null) while there is none.
      type: str
      returned: always
    owner:
      description: The run that is at work on it, V(null) if there is none.
      type: dict
      returned: always
      contains:
        host:
          description: The name of its host.
          type: str
          returned: always
        pid:
          description: The id of its process there.
          type: int
          returned: always
    history:
      description: All attempts, the first one first.
      type: list
      elements: dict
      returned: when O(history=true)
next:
  description:
    - The value of O(after) to get the receipts that follow; V(null) if these are the last, or with O(limit=0).
  returned: success
  type: str
  sample: 2026-11-22T03:04:05.678Z 0f343b0931126a20f133d67c2b018a3b1d5b8a5f3a5cbf3f3f6a4b4b3d6e2a11
counts:
  description: How many receipts there are in each state, of all that match the filters.
  returned: success
  type: dict
  sample:
    unknown: 1
    succeeded: 117
receipts:
  description: The receipt store.
  returned: success
  type: dict
  contains:
    store:
      description: Its path or URL, or V(none).
      type: str
      returned: always
    created:
      description: Always V(false).
      type: bool
      returned: always
"""

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, parse_time
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import RECEIPTS
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import receipt_store
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import (
    RECEIPT_STATES,
    Filters,
    count_by_state,
    history_of,
    list_page,
    parse_time_option,
)

SYSTEMS = ["licstat", "bigfix", "haplo", "lm"]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **RECEIPTS,
            "key": {"type": "str", "no_log": False},
            "system": {"type": "str", "choices": SYSTEMS},
            "target": {"type": "str"},
            "label": {"type": "str"},
            "source": {"type": "str"},
            "state": {"type": "list", "elements": "str", "choices": list(RECEIPT_STATES)},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "limit": {"type": "int", "default": 50},
            "after": {"type": "str"},
            "history": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_module(module, read_receipts)


def read_receipts(invocation: Invocation) -> dict[str, Any]:
    params = invocation.params
    if params["limit"] < 0:
        raise BadInput("limit has to be 0 or more.")
    filters = Filters(
        key=params["key"],
        system=params["system"],
        target=params["target"],
        label=params["label"],
        source=params["source"],
        states=tuple(params["state"] or ()),
        since=None if params["since"] is None else parse_time_option(params["since"], "since"),
        until=None if params["until"] is None else parse_time_option(params["until"], "until"),
        after=None if params["after"] is None else _place(params["after"]),
    )
    if filters.since and filters.until and filters.since >= filters.until:
        raise BadInput("until has to be later than since.")
    now = datetime.now(timezone.utc)
    with receipt_store(invocation, read_only=True, make=False) as store:
        found, last = list_page(store, filters, params["limit"])
        counts = count_by_state(store, filters)
        if params["history"]:
            histories = history_of(store, [one["key"] for one in found])
            found = [{**one, "history": histories[one["key"]]} for one in found]
        return {
            "changed": False,
            "imports": [{**one, "age": _age(one["changed_at"], now)} for one in found],
            "next": None if last is None else " ".join(last),
            "counts": counts,
            "receipts": {"store": store.location, "created": store.created},
        }


def _place(text: str) -> tuple[str, str]:
    """The time and the key in a value of `next`. Raises `BadInput`."""
    changed_at, _space, key = text.strip().partition(" ")
    if not key:
        raise BadInput(f"after: {text!r} is not what next of a result is, which is a time and a key.")
    parse_time_option(changed_at, "after")
    return changed_at, key


def _age(changed_at: str, now: datetime) -> float:
    return (now - parse_time(changed_at)).total_seconds()


if __name__ == "__main__":
    main()
