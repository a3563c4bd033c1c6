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
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.reading import Name, ReportQuery, read_report
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import (
    STORE_OPTIONS,
    StoreConfig,
    store_config,
    target_options,
    target_store_config,
    targets_in,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import outcomes_of
from ansible_collections.assetops.imports.plugins.plugin_utils._variables import role_warnings

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main

DEFAULT_MAX_AGE: float = OF_WATCH["argument_spec"]["max_age"]["default"]
SYSTEMS = {role: system for system, role in ROLES.items()}


class NotWritten(ImportsError):
    """A file could not be put in place."""


@dataclass
class TargetVariables:
    """From the variables of all targets: their stores, their names in receipts, and what cannot be read."""

    store_configs: dict[str, StoreConfig] = field(default_factory=dict)
    names: dict[tuple[str, str], Name] = field(default_factory=dict)
    max_ages: dict[Name, float] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


class ActionModule(ControllerAction):
    """`import_report`, which reads the variables of all targets, and their receipts."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write or show the report."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        options = self.checked_options(ARGUMENTS)
        now = datetime.now(timezone.utc)
        try:
            report_files = files.report_files(options["file"] or [], options["mode"])
            report = read_report(_query(options, variables, now), now)
            written = [self._write(one, report) for one in report_files]
        except ImportsError as error:
            return {**result, "failed": True, "msg": error.message}  # not raised, so that `failed_when` has an effect
        lines = [] if report_files else ["".join(texts.text(report))]
        if "import_report_summary" not in variables:  # the table that sets it has the warnings
            lines += role_warnings(self._task, "import_report", variables)
        self.show(lines)
        changes = [one.pop("diff") for one in written if "diff" in one]
        return {
            **result,
            "changed": any(one["changed"] for one in written),
            "summary": report.summary,
            "failures": [texts.failure_as_json(one) for one in report.failures],
            "unread": [with_credentials(one, variables) for one in report.unread],
            "files": written,
            **({"diff": changes} if changes else {}),
        }

    def _write(self, file: files.ReportFile, report: Report) -> dict[str, Any]:
        try:
            return files.write_report(file, report, check_mode=self._task.check_mode, diff=self._task.diff)
        except OSError as error:
            raise NotWritten(f"file: {file.path} could not be written: {error.strerror}.") from error


def _query(options: Mapping[str, Any], variables: Mapping[str, Any], now: datetime) -> ReportQuery:
    """The report that the options ask for. Raises `BadInput`."""
    zone = zone_of(options["timezone"])
    if options["limit"] < 0:
        raise BadInput("limit has to be 0 or more. Nothing was written.")
    for name in ("target", "label"):
        if options[name] is not None and not options[name].strip():
            raise BadInput(f"{name} is empty; leave it out for all. Nothing was written.")
    hosts = _checked_hosts(options["targets"], variables)
    known = _target_variables(hosts, variables)
    own = _parse_ages(options["max_ages"])
    by_name = {name: own[name[0]] for name in known.names.values() if name[0] in own}
    wanted = Filters(system=options["system"], target=options["target"], label=options["label"])
    failed = _run_failures(hosts, known, options["roles"], variables)
    return ReportQuery(
        nights=nights_between(options["since"], options["until"], zone, now),
        zone=zone,
        zone_name=options["timezone"] or "the time of the controller",
        store_configs=_store_configs(options, known),
        filters=wanted,
        limit=options["limit"],
        default_max_age=DEFAULT_MAX_AGE,
        max_ages={
            **known.max_ages,
            **by_name,
            **{(name, system): age for name, age in own.items() for system in ROLES},
        },
        expected=[name for name in known.names.values() if _is_wanted(name, wanted)],
        failed=[one for one in failed if _is_wanted((one.name, one.system), wanted)],
        unread=known.unread if options["receipts"] is None else (),
    )


def _checked_hosts(hosts: Sequence[str], variables: Mapping[str, Any]) -> list[str]:
    unknown = [host for host in hosts if host not in variables["hostvars"]]
    if unknown:
        raise BadInput(f"targets: {', '.join(unknown)}: no such host in the inventory. Nothing was written.")
    return list(hosts)


def _target_variables(hosts: Sequence[str], variables: Mapping[str, Any]) -> TargetVariables:
    known = TargetVariables()
    for host, system, _group in targets_in(hosts, variables["groups"]):
        own = variables["hostvars"][host]
        try:
            given = target_options(system, STORE_OPTIONS, own, variables.get("omit"))
            config = target_store_config(given, own)
            age = _parse_age(own.get("import_watch_max_age", DEFAULT_MAX_AGE), "import_watch_max_age")
        except (AnsibleError, BadInput, ValueError, TypeError) as error:
            known.unread.append(f"The variables of {host} cannot be read: {error}")
            continue
        name = (str(given.get("label") or host), system)
        known.names[host, system] = name
        known.max_ages[name] = age
        if config.location == NOWHERE:
            known.unread.append(f"{host} keeps no receipts, as {ROLES[system]}_receipts is none.")
        elif config.obstacle is not None:
            known.unread.append(f"{host}: {config.obstacle}")
        else:
            known.store_configs.setdefault(config.identity, config)
    return known


def _store_configs(options: Mapping[str, Any], known: TargetVariables) -> list[StoreConfig]:
    """The stores to read. Raises `BadInput`."""
    if options["receipts"] is None and options["receipts_password"] is not None:
        raise BadInput("receipts_password has no effect without receipts. Nothing was written.")
    if options["receipts"] is None and (known.store_configs or known.unread):
        return list(known.store_configs.values())
    given = {name: options[name] for name in ("receipts", "receipts_password") if options[name] is not None}
    if given.get("receipts") == NOWHERE:
        raise BadInput("receipts is none, so there is nothing to report. Nothing was written.")
    try:
        return [store_config(given)]
    except ValueError as error:
        raise BadInput(f"{error} Nothing was written.") from error


def _parse_ages(given: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): _parse_age(age, f"max_ages: {name}") for name, age in given.items()}


def _parse_age(given: Any, what: str) -> float:
    try:
        age = float(given)
    except (TypeError, ValueError):
        age = math.nan
    if not 0 < age < math.inf:
        raise BadInput(f"{what}: {given!r} is not a number of seconds above 0. Nothing was written.")
    return age


def _run_failures(
    hosts: Sequence[str], known: TargetVariables, roles: Sequence[str], variables: Mapping[str, Any]
) -> Iterator[Failure]:
    """The failures of this run."""
    for host in hosts:
        for one in outcomes_of(host, variables["hostvars"][host], roles):
            if one.problem:
                system = SYSTEMS.get(one.role, one.role)
                name, _system = known.names.get((host, system), (host, system))
                yield Failure(name, system, "unreachable" if one.state == "unreachable" else "failed", one.problem)


def _is_wanted(name: Name, wanted: Filters) -> bool:
    """Whether a target matches the filters. None matches a filter for its name at the server."""
    return wanted.target is None and wanted.label in (None, name[0]) and wanted.system in (None, name[1])
