# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets of an inventory, and the receipt stores that their variables name, as they can be read from here.

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
OF_PLACE = ("receipts", "receipts_password", "label", "run_on")

display = Display()


@dataclass(frozen=True)
class Place:
    """A receipt store: the options that name it, and whether it may be on the target, where it cannot be read."""

    options: Mapping[str, Any]
    is_elsewhere: bool = False

    @property
    def location(self) -> str:
        return str(self.options["receipts"])

    @property
    def identity(self) -> str:
        """The same for the same store, with whatever password."""
        location = self.location
        return os.path.realpath(Path(location).expanduser()) if location.startswith(("/", "~")) else location

    @property
    def hindrance(self) -> str | None:
        """Why it can never be read from here; None where that can be tried."""
        if not self.is_elsewhere or is_url(self.location):
            return None
        return (
            f"Its receipts are in a file on the host itself ({self.location}), where its imports run, and cannot be"
            " read from here. Keep them in a PostgreSQL database, or run this there."
        )


def targets_in(hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str]]:
    """Each target with its system and its group. A host in groups of two systems is two targets."""
    members = {group: set(groups.get(group, ())) for group in GROUPS}
    found: dict[tuple[str, str], str] = {}
    for host in hosts:
        for group, system in GROUPS.items():
            if host in members[group]:
                found.setdefault((host, system), group)
    return [(host, system, group) for (host, system), group in found.items()]


def given_to(system: str, names: Collection[str], variables: Mapping[str, Any], omitted: Any) -> dict[str, Any]:
    """What the variables of a target set of these options of the role for its system. Raises what they are wrong by."""
    given = {name: _value(variables, f"{ROLES[system]}_{name}", omitted) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    found: dict[str, Any] = json.loads(json.dumps(given, cls=encoder, vault_to_text=True))
    return found


def place_of(given: Mapping[str, Any], variables: Mapping[str, Any]) -> Place:
    """Where the receipts of a target are, by what was `given_to` it. Raises ValueError."""
    receipts = {name: given[name] for name in ("receipts", "receipts_password") if name in given}
    is_elsewhere = str(given.get("run_on", "controller")) == "host" and variables.get("ansible_connection") != "local"
    return place_named(receipts, is_elsewhere=is_elsewhere)


def place_named(receipts: Mapping[str, Any], *, is_elsewhere: bool = False) -> Place:
    """The store that these options name, with defaults and what the environment says. Raises ValueError."""
    validation = ArgumentSpecValidator(dict(RECEIPTS)).validate({**receipts, "require_receipts": True})
    if validation.error_messages:
        raise ValueError(validation.error_messages[0])
    return Place(dict(validation.validated_parameters), is_elsewhere)


def problem_with(place: Place, work: Callable[[Store], None], *, read_only: bool = True) -> str | None:
    """Let work be done on a store, which is not made. Why it cannot be, or None."""
    if place.hindrance is not None:
        return place.hindrance
    location = place.location
    password = place.options["receipts_password"]
    invocation = Invocation(
        params=dict(place.options),
        check_mode=read_only,
        diff=False,
        warn=display.warning,
        secret_options=secret_options(RECEIPTS),
        no_log_values={password} if password else set(),
    )

    def opened(invocation: Invocation) -> dict[str, Any]:
        try:
            with receipt_store(invocation, read_only=read_only, make=False) as store:
                work(store)
        except NoStoreYet as error:
            where = "" if is_url(location) else f" on {socket.gethostname()}, for user id {os.getuid()}"
            raise ImportsError(
                f"There is no receipt store at {location}{where}. Either nothing was ever imported, or the importing"
                " runs have another one, or it is lost. The variable …_receipts of the roles, or the environment"
                " variable ASSETOPS_RECEIPTS, says where it is."
            ) from error
        return {}

    outcome = remove_values(run_work(invocation, opened), invocation.no_log_values)
    return str(outcome["msg"]) if "msg" in outcome else None


def _value(variables: Mapping[str, Any], name: str, omitted: Any) -> Any:
    """A variable of a host; None where it is not set, or set to `omit`, which is an error from ansible-core 2.19 on."""
    try:
        value = variables.get(name)
    except AnsibleError as error:
        if type(error).__name__ == "AnsibleValueOmittedError":
            return None
        raise
    return None if isinstance(omitted, str) and value == omitted else value
