#!/usr/bin/python
# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_receipt
short_description: Settle imports that are in doubt, or forget receipts
version_added: 0.1.0
description:
  - Writes into the receipt store what a person found out about imports, or removes receipts from it. No system is
    contacted.
  - An import is V(unknown) when it was sent whole and the answer was lost. Look at the server. If the import is there,
    set it to V(succeeded), and it is not sent again. If it is not there, set it to V(failed), and the next run sends it
    again. A V(failed) import can be set to V(succeeded), too, where the server has its data, for example because it
    says that the data exists already.
  - O(key) chooses one import. The other options choose many; an import has to match all of them. Check mode reports how
    many there are, and which.
  - All that are chosen are changed, or none is. Imports that a run is at work on at that moment are left out, with a
    warning, and reported in RV(at_work). That run itself writes what becomes of them.
  - A time range of License Statistics is settled like any import. Set to V(failed), it becomes part of the next range
    of a run that goes on where the last successful one ended. Set to V(succeeded), it counts as imported.
  - Receipts never expire by themselves, as a forgotten import may be made again. O(older_than) forgets those that are
    over and old.
seealso:
  - module: assetops.imports.import_receipt_info
  - module: assetops.imports.import_settle
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
      - It excludes the options that choose many. Without it, one of O(system), O(target) and O(label) is needed. With
        O(state=absent), O(older_than) is enough.
    type: str
  system:
    description:
      - Choose imports into systems of this kind.
    type: str
    choices: [licstat, bigfix, haplo, lm]
  target:
    description:
      - Choose imports into this target, as the importing modules return it.
    type: str
  label:
    description:
      - Choose imports into the target with this name. The roles use its name in the inventory.
    type: str
  of_state:
    description:
      - Choose imports in one of these states, as M(assetops.imports.import_receipt_info) returns them.
      - If not set, V(succeeded) and V(failed) settle imports that are V(unknown), V(submitted) or V(incomplete), and
        O(state=absent) forgets those that are V(succeeded), V(scheduled), V(failed) or V(superseded).
      - Only imports that are in doubt or V(failed) can be settled.
    type: list
    elements: str
    choices: [submitted, unknown, incomplete, succeeded, scheduled, failed, superseded]
  state:
    description:
      - V(succeeded) and V(failed) settle an import that is V(unknown), V(submitted), V(incomplete) or V(failed) in the
        receipts. With O(key), it fails for one that is known to have succeeded.
      - V(absent) forgets an import with all its attempts, whatever its state. The next run imports it anew.
      - It fails while a run is at work on the import of O(key).
    type: str
    choices: [absent, succeeded, failed]
    required: true
  older_than:
    description:
      - Choose imports whose receipts were last changed more than this number of seconds ago.
      - A run that still wants a forgotten import makes it again. Choose a time after which its source is surely gone.
    type: float
  comment:
    description:
      - A comment, with V(succeeded) and V(failed). It becomes part of the message of the receipt.
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

- name: Have everything that is in doubt at one license server sent again
  assetops.imports.import_receipt:
    system: licstat
    label: cad
    state: failed
    comment: The server was set up anew from the backup of the 22nd.

- name: Say that imports which the server refused as duplicates are there
  assetops.imports.import_receipt:
    target: https://licstat.example.com license server 40
    of_state:
      - failed
    state: succeeded
    comment: Data already exists

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
  description: The identity of the import.
  returned: with O(key)
  type: str
before:
  description: Its state before, V(absent) if there was no receipt.
  returned: with O(key)
  type: str
  sample: unknown
state:
  description: Its state now, or without check mode.
  returned: with O(key)
  type: str
  sample: succeeded
settled:
  description: How many imports were settled, or would be.
  returned: success
  type: int
forgotten:
  description: How many imports were forgotten, or would be.
  returned: success
  type: int
imports:
  description: Which imports were settled or forgotten, or would be; the 100 newest of them, by their last change.
  returned: without O(key)
  type: list
  elements: dict
  contains: &import
    key:
      description: The identity of the import.
      type: str
      returned: always
    system:
      description: The kind of system that it went into.
      type: str
      returned: always
      sample: licstat
    target:
      description: The target of the import.
      type: str
      returned: always
      sample: https://licstat.example.com license server 40
    label:
      description: The name of the target; V(null) if it has none.
      type: str
      returned: always
      sample: cad
    source:
      description: The source of the import.
      type: str
      returned: always
      sample: /var/log/flexlm/debug.log
    window:
      description: The time range that identifies the import, with C(from) and C(to); V(null) if its content does.
      type: dict
      returned: always
    before:
      description: Its state before.
      type: str
      returned: always
      sample: unknown
at_work:
  description: Imports that were left out because a run is at work on them; the 100 newest of them.
  returned: without O(key)
  type: list
  elements: dict
  contains: *import
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
      description: Always V(false), as this module makes no store.
      type: bool
      returned: always
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ROLES, BadInput
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import RECEIPTS
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import receipt_store
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._module.results import diff_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_module
from ansible_collections.assetops.imports.plugins.module_utils._receipts import listing, settling
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import AT_WORK, LIVE_STATES
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

CENTURY = 100 * 365 * 24 * 3600.0  # seconds; calendars take no more than some thousands of years
SHOWN = 100  # imports that are named in a result
ALL = 2**62  # more receipts than any store has
CHOOSING = ("system", "target", "label", "of_state", "older_than")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **RECEIPTS,
            "key": {"type": "str", "no_log": False},
            "system": {"type": "str", "choices": list(ROLES)},
            "target": {"type": "str"},
            "label": {"type": "str"},
            "of_state": {
                "type": "list",
                "elements": "str",
                "choices": [state for state in listing.RECEIPT_STATES if state not in LIVE_STATES],
            },
            "state": {"type": "str", "choices": ["absent", "succeeded", "failed"], "required": True},
            "older_than": {"type": "float"},
            "comment": {"type": "str"},
        },
        mutually_exclusive=[("key", name) for name in CHOOSING],
        supports_check_mode=True,
    )
    run_module(module, change_receipts)


def change_receipts(invocation: Invocation) -> dict[str, Any]:
    check_options(invocation.params)
    with receipt_store(invocation, make=False) as store:
        result = change_many(invocation, store) if invocation.params["key"] is None else change_one(invocation, store)
        return {**result, "receipts": {"store": store.location, "created": store.created}}


def check_options(params: dict[str, Any]) -> None:
    """Raise `BadInput` where it is not clear what to change, or where nothing can be changed."""
    is_absent, older_than = params["state"] == "absent", params["older_than"]
    if is_absent and params["comment"] is not None:
        raise BadInput(
            "comment goes with state=succeeded and state=failed only: state=absent leaves no receipt to write it to."
        )
    if older_than is not None and not 0 <= older_than <= CENTURY:
        raise BadInput("older_than has to be a number of seconds, 0 or more, a century at most.")
    for name in ("key", "target", "label", "of_state"):
        if params[name] is not None and not params[name]:
            raise BadInput(f"{name} is empty, as where it is taken from a variable that is not set.")
    enough = ("key", "system", "target", "label", *(("older_than",) if is_absent else ()))
    if all(params[name] is None for name in enough):
        raise BadInput(
            f"Which imports are meant? state={params['state']} needs one of {', '.join(enough)}; by of_state"
            f"{'' if is_absent else ' and older_than'} alone, those of all targets would be."
        )
    wrong = set() if is_absent else set(params["of_state"] or ()).difference(settling.SETTLEABLE)
    if wrong:
        raise BadInput(
            f"of_state: what is {' or '.join(sorted(wrong))} is not in doubt, and cannot be settled otherwise."
            " state=absent forgets it."
        )


def change_one(invocation: Invocation, store: Store) -> dict[str, Any]:
    key, state = invocation.params["key"], invocation.params["state"]
    known = listing.receipt_by_key(store, key)
    before = "absent" if known is None else known["state"]
    if known is None and state != "absent":
        raise BadInput(f"There is no receipt with the key {key} in {store.location}, so there is nothing to settle.")
    changed = before != state
    if known is not None and changed:
        if state == "absent":
            settling.check_not_at_work(known)
        else:
            settling.check_settleable(known)
        if not invocation.check_mode:
            change(invocation, store, [known])
    return {
        "changed": changed,
        "key": key,
        "before": before,
        "state": state,
        **_counts(state, int(changed)),
        **_diff(invocation, key, f"{before}\n", f"{state}\n"),
    }


def change_many(invocation: Invocation, store: Store) -> dict[str, Any]:
    """Settle or forget all that the filters choose, except what a run is at work on."""
    state, of_state = invocation.params["state"], invocation.params["of_state"]
    if state == "absent" and of_state is None:
        return forget_finished(invocation, store)
    wanted = tuple(of_state or settling.IN_DOUBT)
    found = listing.list_receipts(store, filters_of(invocation, tuple({*AT_WORK, *wanted})), ALL)
    at_work = [one for one in found if one["owner"] is not None]
    chosen = [one for one in found if one["owner"] is None and one["state"] in wanted and one["state"] != state]
    if chosen and not invocation.check_mode:
        change(invocation, store, chosen)
    if at_work:
        invocation.warn(
            f"{len(at_work)} imports were left out: a run is at work on them, and writes what becomes of them."
        )
    return _many(invocation, chosen[:SHOWN], len(chosen), at_work[:SHOWN])


def forget_finished(invocation: Invocation, store: Store) -> dict[str, Any]:
    """Forget what is over. No run can be at work on that, and there may be very much of it."""
    filters = filters_of(invocation, settling.FINISHED)
    shown = listing.list_receipts(store, filters, SHOWN)
    count = settling.count_finished(store, filters)
    if not invocation.check_mode:
        count = settling.forget(store, [], filters)
    return _many(invocation, shown, count, [])


def filters_of(invocation: Invocation, states: tuple[str, ...]) -> listing.Filters:
    params = invocation.params
    until = None
    if params["older_than"] is not None:
        until = datetime.now(timezone.utc) - timedelta(seconds=params["older_than"])
    return listing.Filters(
        system=params["system"], target=params["target"], label=params["label"], states=states, until=until
    )


def change(invocation: Invocation, store: Store, imports: list[dict[str, Any]]) -> None:
    if invocation.params["state"] == "absent":
        settling.forget(store, imports)
    else:
        settling.settle(store, imports, invocation.params["state"], invocation.params["comment"])


def _many(
    invocation: Invocation, shown: list[dict[str, Any]], count: int, at_work: list[dict[str, Any]]
) -> dict[str, Any]:
    state = invocation.params["state"]
    lines = [f"{one['target']}: {one['source']} ({one['key']})" for one in shown]
    left = [f"and {count - len(shown)} more"] if count > len(shown) else []
    before = "".join(f"{line}: {one['state']}\n" for line, one in zip(lines, shown))
    after = "".join(f"{line}: {state}\n" for line in lines)
    return {
        "changed": count > 0,
        **_counts(state, count),
        "imports": [_in_short(one) for one in shown],
        "at_work": [_in_short(one) for one in at_work],
        **_diff(
            invocation, f"{count} imports", *(text + "".join(f"{line}\n" for line in left) for text in (before, after))
        ),
    }


def _counts(state: str, count: int) -> dict[str, int]:
    is_absent = state == "absent"
    return {"settled": 0 if is_absent else count, "forgotten": count if is_absent else 0}


def _in_short(one: dict[str, Any]) -> dict[str, Any]:
    names = ("key", "system", "target", "label", "source", "window")
    return {**{name: one[name] for name in names}, "before": one["state"]}


def _diff(invocation: Invocation, what: str, before: str, after: str) -> dict[str, Any]:
    return {"diff": diff_of(what, before, after)} if invocation.diff else {}


if __name__ == "__main__":
    main()
