# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets of an inventory, and the receipt stores that their variables name.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.utils.display import Display

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ROLES, ImportsError
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import RECEIPTS
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import receipt_store
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation, secret_options
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_work
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NoStoreYet, is_url
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.plugin_utils._action import encoder

GROUPS = {"licstat": "licstat", "bigfix": "bigfix", "lmt": "bigfix", "haplo": "haplo", "lm": "lm"}
"""The kind of system of the targets in each group of the inventory."""
STORE_OPTIONS = ("receipts", "receipts_password", "label", "run_on")

display = Display()


@dataclass(frozen=True)
class StoreConfig:
    """The options that name a receipt store, and whether its file is on the target, where it cannot be read."""

    options: Mapping[str, Any]
    is_on_target: bool = False

    @property
    def location(self) -> str:
        return str(self.options["receipts"])

    @property
    def identity(self) -> str:
        """Equal for the same store, even with another password."""
        location = self.location
        return os.path.realpath(Path(location).expanduser()) if location.startswith(("/", "~")) else location

    @property
    def obstacle(self) -> str | None:
        """Why it can never be read from the controller; None if that can be tried."""
        if not self.is_on_target or is_url(self.location):
            return None
        return (
            f"Its receipts are in a file on the host itself ({self.location}), where its imports run, so they cannot"
            " be read from here. Keep them in a PostgreSQL database, or run this there."
        )


def targets_in(hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str]]:
    """Each target as host, system and group. A host in the groups of two systems is two targets."""
    members = {group: set(groups.get(group, ())) for group in GROUPS}
    found: dict[tuple[str, str], str] = {}
    for host in hosts:
        for group, system in GROUPS.items():
            if host in members[group]:
                found.setdefault((host, system), group)
    return [(host, system, group) for (host, system), group in found.items()]


def target_options(system: str, names: Collection[str], variables: Mapping[str, Any], omitted: Any) -> dict[str, Any]:
    """The options with these names that a target's variables set for the role of its system.

    Raises AnsibleError, ValueError or TypeError for wrong variables.
    """
    options = {name: _variable(variables, f"{ROLES[system]}_{name}", omitted) for name in names}
    options = {name: value for name, value in options.items() if value is not None}
    found: dict[str, Any] = json.loads(json.dumps(options, cls=encoder, vault_to_text=True))
    return found


def target_store_config(options: Mapping[str, Any], variables: Mapping[str, Any]) -> StoreConfig:
    """The store that has the receipts of a target, by its `target_options`. Raises ValueError."""
    receipts = {name: options[name] for name in ("receipts", "receipts_password") if name in options}
    is_on_target = str(options.get("run_on", "controller")) == "host" and variables.get("ansible_connection") != "local"
    return store_config(receipts, is_on_target=is_on_target)


def store_config(receipts: Mapping[str, Any], *, is_on_target: bool = False) -> StoreConfig:
    """The store that these options, the environment and the defaults name. Raises ValueError."""
    validation = ArgumentSpecValidator(dict(RECEIPTS)).validate({**receipts, "require_receipts": True})
    if validation.error_messages:
        raise ValueError(validation.error_messages[0])
    return StoreConfig(dict(validation.validated_parameters), is_on_target)


def use_store(config: StoreConfig, work: Callable[[Store], None], *, read_only: bool = True) -> str | None:
    """Do work on a store, which is never created. Returns why that is not possible; None if it was done."""
    if config.obstacle is not None:
        return config.obstacle
    location = config.location
    password = config.options["receipts_password"]
    invocation = Invocation(
        params=dict(config.options),
        check_mode=read_only,
        diff=False,
        warn=display.warning,
        secret_options=secret_options(RECEIPTS),
        no_log_values={password} if password else set(),
    )

    def work_on_store(invocation: Invocation) -> dict[str, Any]:
        try:
            with receipt_store(invocation, read_only=read_only, make=False) as store:
                work(store)
        except NoStoreYet as error:
            where = "" if is_url(location) else f" on {socket.gethostname()}, for user id {os.getuid()}"
            raise ImportsError(
                f"There is no receipt store at {location}{where}. Either nothing was ever imported, or the imports"
                " use another store, or it was lost. The variable …_receipts of the roles, or the environment"
                " variable ASSETOPS_RECEIPTS, says where it is."
            ) from error
        return {}

    outcome = remove_values(run_work(invocation, work_on_store), invocation.no_log_values)
    return str(outcome["msg"]) if "msg" in outcome else None


def _variable(variables: Mapping[str, Any], name: str, omitted: Any) -> Any:
    """A variable of a host; None if it is not set, or is `omit`, which is an error from ansible-core 2.19 on."""
    try:
        value = variables.get(name)
    except AnsibleError as error:
        if type(error).__name__ == "AnsibleValueOmittedError":
            return None
        raise
    return None if isinstance(omitted, str) and value == omitted else value
