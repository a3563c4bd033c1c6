# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The receipt stores of the targets of an inventory, found by the variables of their roles and opened from here.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Callable

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.utils.display import Display

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ImportsError
from ansible_collections.assetops.imports.plugins.module_utils._module import (
    RECEIPTS,
    Host,
    outcome_of,
    receipt_store,
    secret_options,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import NoStoreYet, Store, is_url
from ansible_collections.assetops.imports.plugins.plugin_utils._action import encoder

GROUPS = {"licstat": "licstat", "bigfix": "bigfix", "lmt": "bigfix", "haplo": "haplo", "lm": "lm"}
"""The kind of system of the targets in each group of the inventory."""
OF_STORE = ("receipts", "receipts_password", "run_on")  # variables of a role that tell where the store is

display = Display()


def targets_among(hosts: Iterable[str], groups: Mapping[str, Collection[str]]) -> list[tuple[str, str, str]]:
    """Each target with its system and its group. A host in groups of two systems is two targets."""
    members = {group: set(groups.get(group, ())) for group in GROUPS}
    found: dict[tuple[str, str], str] = {}
    for host in hosts:
        for group, system in GROUPS.items():
            if host in members[group]:
                found.setdefault((host, system), group)
    return [(host, system, group) for (host, system), group in found.items()]


def variables_of_role(own: Mapping[str, Any], role: str, names: Iterable[str], omitted: Any) -> dict[str, Any]:
    """What a host sets of these variables of a role, without the prefix, as plain data."""
    given = {name: _value(own, f"{role}_{name}", omitted) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    found: dict[str, Any] = json.loads(json.dumps(given, cls=encoder, vault_to_text=True))
    return found


def store_of(found: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The options of the store that variables of a role name, with defaults and what the environment says.

    `is_elsewhere`: the imports run on the host itself, so a file there cannot be read from here. `own` are all the
    variables of the host. Raises ValueError for what cannot be.
    """
    given = {name: found[name] for name in ("receipts", "receipts_password") if name in found}
    validation = ArgumentSpecValidator(dict(RECEIPTS)).validate({**given, "require_receipts": True})
    if validation.error_messages:
        raise ValueError(validation.error_messages[0])
    is_on_host = str(found.get("run_on", "controller")) == "host" and (own or {}).get("ansible_connection") != "local"
    return {**validation.validated_parameters, "is_elsewhere": is_on_host}


def with_store(
    receipts: Mapping[str, Any],
    work: Callable[[Host, Store], Mapping[str, Any]],
    *,
    read_only: bool = True,
    **params: Any,
) -> dict[str, Any]:
    """What `work` returns with a store open, or why it failed, in `msg`. `params` are more options for its host."""
    location = receipts["receipts"]
    if receipts["is_elsewhere"] and not is_url(location):
        return {
            "msg": f"Its receipts are in a file on the host itself ({location}), where its imports run, and cannot be"
            " read from here. Keep them in a PostgreSQL database, or run this there."
        }
    host = Host(
        params={**{name: receipts[name] for name in RECEIPTS}, **params},
        check_mode=read_only,
        diff=False,
        warn=display.warning,
        secret_options=secret_options(RECEIPTS),
        no_log_values={receipts["receipts_password"]} if receipts["receipts_password"] else set(),
    )

    def opened(host: Host) -> Mapping[str, Any]:
        try:
            with receipt_store(host, read_only=read_only, make=False) as store:
                return work(host, store)
        except NoStoreYet as error:
            where = "" if is_url(location) else f" on {socket.gethostname()}, for user id {os.getuid()}"
            raise ImportsError(
                f"There is no receipt store at {location}{where}. Either nothing was ever imported, or the importing"
                " runs have another one, or it is lost. The variable …_receipts of the roles, or the environment"
                " variable ASSETOPS_RECEIPTS, says where it is."
            ) from error

    outcome: dict[str, Any] = remove_values(outcome_of(host, opened), host.no_log_values)
    return outcome


def _value(variables: Mapping[str, Any], name: str, omitted: Any) -> Any:
    """A variable of a host; None where it is not set, or set to `omit`, which is an error from ansible-core 2.19 on."""
    try:
        value = variables.get(name)
    except AnsibleError as error:
        if type(error).__name__ == "AnsibleValueOmittedError":
            return None
        raise
    return None if isinstance(omitted, str) and value == omitted else value
