# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ROLES, BadInput, ImportsError
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import Filters
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NOWHERE
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.ranges import zone_of
from ansible_collections.assetops.imports.plugins.modules.import_report import ARGUMENTS, main
from ansible_collections.assetops.imports.plugins.modules.import_watch import ARGUMENTS as OF_WATCH
from ansible_collections.assetops.imports.plugins.plugin_utils._awx import with_credentials
from ansible_collections.assetops.imports.plugins.plugin_utils._controller import ControllerAction
from ansible_collections.assetops.imports.plugins.plugin_utils._reports import files, texts
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import Failure, Report
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import nights_between
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.reading import Name, Question, read_report
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import (
    OF_PLACE,
    Place,
    given_to,
    place_named,
    place_of,
    targets_in,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import outcomes_of
from ansible_collections.assetops.imports.plugins.plugin_utils._variables import warnings_in_role

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main

MAX_AGE: float = OF_WATCH["argument_spec"]["max_age"]["default"]
SYSTEMS = {role: system for system, role in ROLES.items()}


class NotWritten(ImportsError):
    """A file could not be put in place."""


@dataclass
class Inventory:
    """What the variables of the targets tell: their stores, each once, their names in receipts, and what failed."""

    places: dict[str, Place] = field(default_factory=dict)
    names: dict[tuple[str, str], Name] = field(default_factory=dict)
    max_ages: dict[Name, float] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


class ActionModule(ControllerAction):
    """`import_report`, which reads the variables of all targets, and their receipts."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The report."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        options = self.options_by(ARGUMENTS)
        now = datetime.now(timezone.utc)
        try:
            written = files.targets_of(options["file"] or [], options["mode"])
            report = read_report(_question(options, variables, now), now)
            told = [self._put(one, report) for one in written]
        except ImportsError as error:
            return {**result, "failed": True, "msg": error.message}  # not raised: `failed_when` counts only so
        lines = [] if written else ["".join(texts.text(report))]
        if "import_report_summary" not in variables:  # else the table has told of them
            lines += warnings_in_role(self._task, "import_report", variables)
        self.show(lines)
        changes = [one.pop("diff") for one in told if "diff" in one]
        return {
            **result,
            "changed": any(one["changed"] for one in told),
            "summary": report.summary,
            "failures": [texts.failure_as_json(one) for one in report.failures],
            "unread": [with_credentials(one, variables) for one in report.unread],
            "files": told,
            **({"diff": changes} if changes else {}),
        }

    def _put(self, target: files.Target, report: Report) -> dict[str, Any]:
        try:
            return files.put(target, report, check_mode=self._task.check_mode, diff=self._task.diff)
        except OSError as error:
            raise NotWritten(f"file: {target.path} could not be written: {error.strerror}.") from error


def _question(options: Mapping[str, Any], variables: Mapping[str, Any], now: datetime) -> Question:
    """What is asked for. Raises `BadInput`."""
    zone = zone_of(options["timezone"])
    if options["limit"] < 0:
        raise BadInput("limit has to be 0 or more. Nothing was written.")
    for name in ("target", "label"):
        if options[name] is not None and not options[name].strip():
            raise BadInput(f"{name} is empty; leave it out for all. Nothing was written.")
    hosts = _hosts(options["targets"], variables)
    known = _inventory(hosts, variables)
    own = _ages(options["max_ages"])
    by_name = {name: own[name[0]] for name in known.names.values() if name[0] in own}
    wanted = Filters(system=options["system"], target=options["target"], label=options["label"])
    return Question(
        nights=nights_between(options["since"], options["until"], zone, now),
        zone=zone,
        zone_name=options["timezone"] or "the time of the controller",
        places=_places(options, known),
        filters=wanted,
        limit=options["limit"],
        usual=MAX_AGE,
        max_ages={
            **known.max_ages,
            **by_name,
            **{(name, system): age for name, age in own.items() for system in ROLES},
        },
        expected=[name for name in known.names.values() if _is_wanted(name, wanted)],
        failed=[one for one in _failed(hosts, known, options["roles"], variables) if _is_wanted_failure(one, wanted)],
        unread=known.unread if options["receipts"] is None else (),
    )


def _hosts(hosts: Sequence[str], variables: Mapping[str, Any]) -> list[str]:
    unknown = [host for host in hosts if host not in variables["hostvars"]]
    if unknown:
        raise BadInput(f"targets: {', '.join(unknown)}: no such host in the inventory. Nothing was written.")
    return list(hosts)


def _inventory(hosts: Sequence[str], variables: Mapping[str, Any]) -> Inventory:
    known = Inventory()
    for host, system, _group in targets_in(hosts, variables["groups"]):
        own = variables["hostvars"][host]
        try:
            given = given_to(system, OF_PLACE, own, variables.get("omit"))
            place = place_of(given, own)
            age = _age(own.get("import_watch_max_age", MAX_AGE), "import_watch_max_age")
        except (AnsibleError, BadInput, ValueError, TypeError) as error:
            known.unread.append(f"The variables of {host} cannot be read: {error}")
            continue
        name = (str(given.get("label") or host), system)
        known.names[host, system] = name
        known.max_ages[name] = age
        if place.location == NOWHERE:
            known.unread.append(f"{host} keeps no receipts, as {ROLES[system]}_receipts is none.")
        elif place.hindrance is not None:
            known.unread.append(f"{host}: {place.hindrance}")
        else:
            known.places.setdefault(place.identity, place)
    return known


def _places(options: Mapping[str, Any], known: Inventory) -> list[Place]:
    """The stores to read. Raises `BadInput`."""
    if options["receipts"] is None and options["receipts_password"] is not None:
        raise BadInput("receipts_password is of no use without receipts. Nothing was written.")
    if options["receipts"] is None and (known.places or known.unread):
        return list(known.places.values())
    given = {name: options[name] for name in ("receipts", "receipts_password") if options[name] is not None}
    if given.get("receipts") == NOWHERE:
        raise BadInput("receipts is none, so there is nothing to report. Nothing was written.")
    try:
        return [place_named(given)]
    except ValueError as error:
        raise BadInput(f"{error} Nothing was written.") from error


def _ages(given: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): _age(age, f"max_ages: {name}") for name, age in given.items()}


def _age(given: Any, what: str) -> float:
    try:
        age = float(given)
    except (TypeError, ValueError):
        age = math.nan
    if not 0 < age < math.inf:
        raise BadInput(f"{what}: {given!r} is not a number of seconds above 0. Nothing was written.")
    return age


def _failed(
    hosts: Sequence[str], known: Inventory, roles: Sequence[str], variables: Mapping[str, Any]
) -> Iterator[Failure]:
    """What failed in this run."""
    for host in hosts:
        for one in outcomes_of(host, variables["hostvars"][host], roles):
            if one.problem:
                system = SYSTEMS.get(one.role, one.role)
                name, _system = known.names.get((host, system), (host, system))
                yield Failure(name, system, "unreachable" if one.state == "unreachable" else "failed", one.problem)


def _is_wanted(name: Name, wanted: Filters) -> bool:
    """Whether a target of the inventory is one of those asked for. Which target it is in receipts is not known here."""
    return wanted.target is None and wanted.label in (None, name[0]) and wanted.system in (None, name[1])


def _is_wanted_failure(one: Failure, wanted: Filters) -> bool:
    return _is_wanted((one.name, one.system), wanted)
