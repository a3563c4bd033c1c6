#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_receipt
short_description: Settle an import that is in doubt, or forget receipts
version_added: 0.1.0
description:
  - Writes into the receipt store what a person found out about an import, or takes receipts out of it. No system is
    asked or changed.
  - An import is V(unknown) when it was sent whole and the answer was lost. Look at the server. If the import is there,
    set it to V(succeeded), and it is not sent again; if not, set it to V(failed), and the next run sends it again.
  - Receipts never expire by themselves, since what is forgotten may be imported again. O(older_than) forgets those that
    are over and old.
seealso:
  - module: assetops.imports.import_receipt_info
author:
  - assetops.imports maintainers (@assetops)
extends_documentation_fragment:
  - assetops.imports.receipts.place
  - assetops.imports.attributes
attributes:
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  key:
    description:
      - The identity of the import, as the importing modules and M(assetops.imports.import_receipt_info) return it.
      - Exactly one of O(key) and O(older_than) is needed.
    type: str
  state:
    description:
      - V(succeeded) and V(failed) settle an import that is V(unknown), V(submitted) or V(incomplete) in the receipts.
        It fails for one that is known to have ended otherwise.
      - V(absent) forgets an import with all its attempts, whatever its state. The next run imports it anew.
      - While a run is at work on the import, it fails.
    type: str
    choices: [absent, succeeded, failed]
    required: true
  older_than:
    description:
      - With O(state=absent), forgets all imports that are V(succeeded), V(scheduled), V(failed) or superseded, and
        whose receipts were changed last more than so many seconds ago. What is not over is kept.
      - An import that was forgotten is made again by a run that still wants it. Choose a time after which its source is
        surely gone.
    type: float
  comment:
    description:
      - What there is to say about it, with V(succeeded) and V(failed). It becomes part of the message of the receipt.
    type: str
"""

EXAMPLES = r"""
- name: Say that an import is there after all
  assetops.imports.import_receipt:
    key: 0f343b0931126a20f133d67c2b018a3b1d5b8a5f3a5cbf3f3f6a4b4b3d6e2a11
    state: succeeded
    comment: The data of that night is in License Statistics.

- name: Say that an import did not happen, so that the next run makes it
  assetops.imports.import_receipt:
    key: 0f343b0931126a20f133d67c2b018a3b1d5b8a5f3a5cbf3f3f6a4b4b3d6e2a11
    state: failed

- name: Forget an import
  assetops.imports.import_receipt:
    key: 0f343b0931126a20f133d67c2b018a3b1d5b8a5f3a5cbf3f3f6a4b4b3d6e2a11
    state: absent

- name: Forget what was over two years ago
  assetops.imports.import_receipt:
    state: absent
    older_than: "{{ 2 * 365 * 24 * 3600 }}"
"""

RETURN = r"""
key:
  description: The import in question.
  returned: with O(key)
  type: str
before:
  description: The state that it was in, V(absent) if there was no receipt.
  returned: with O(key)
  type: str
  sample: unknown
state:
  description: The state that it is in now, or would be in without check mode.
  returned: with O(key)
  type: str
  sample: succeeded
forgotten:
  description: How many imports were forgotten, or would be.
  returned: success
  type: int
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
      description: Always V(false), since none is made where there is none.
      type: bool
      returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._module import (
    RECEIPTS,
    Host,
    difference,
    receipt_store,
    run_module,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts import bookkeeping
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

CENTURY = 100 * 365 * 24 * 3600.0  # seconds; calendars take no more than some thousands of years


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **RECEIPTS,
            "key": {"type": "str", "no_log": False},
            "state": {"type": "str", "choices": ["absent", "succeeded", "failed"], "required": True},
            "older_than": {"type": "float"},
            "comment": {"type": "str"},
        },
        mutually_exclusive=[("key", "older_than"), ("older_than", "comment")],
        required_one_of=[("key", "older_than")],
        supports_check_mode=True,
    )
    run_module(module, change_receipts)


def change_receipts(host: Host) -> dict[str, Any]:
    older_than, state = host.params["older_than"], host.params["state"]
    if older_than is not None and state != "absent":
        raise BadInput("older_than goes with state=absent only.")
    if older_than is not None and not 0 <= older_than <= CENTURY:
        raise BadInput("older_than has to be a number of seconds, 0 or more, a century at most.")
    with receipt_store(host, make=False) as store:
        result = change_one(host, store) if older_than is None else forget_old(host, store)
        return {**result, "receipts": {"store": store.location, "created": store.created}}


def change_one(host: Host, store: Store) -> dict[str, Any]:
    key, state = host.params["key"], host.params["state"]
    known = bookkeeping.one_of(store, key)
    before = "absent" if known is None else known["state"]
    if known is None and state != "absent":
        raise BadInput(f"There is no receipt with the key {key} in {store.location}, so there is nothing to settle.")
    changed = before != state
    if known is not None and changed:
        if state == "absent":
            bookkeeping.check_that_nobody_is_at_it(known)
        else:
            bookkeeping.check_that_it_is_in_doubt(known)
        if not host.check_mode and state == "absent":
            bookkeeping.forget(store, known)
        elif not host.check_mode:
            bookkeeping.settle(store, known, state, host.params["comment"])
    return {
        "changed": changed,
        "key": key,
        "before": before,
        "state": state,
        "forgotten": int(changed and state == "absent"),
        **_diff(host, key, before, state),
    }


def forget_old(host: Host, store: Store) -> dict[str, Any]:
    count = bookkeeping.forget_finished(store, host.params["older_than"], really=not host.check_mode)
    return {
        "changed": count > 0,
        "forgotten": count,
        **_diff(host, "finished imports of that age", str(count), "0"),
    }


def _diff(host: Host, what: str, before: str, after: str) -> dict[str, Any]:
    if not host.diff:
        return {}
    return {"diff": difference(what, f"{before}\n", f"{after}\n")}


if __name__ == "__main__":
    main()
