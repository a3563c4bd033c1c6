# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_text
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation, secret_options
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_work
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import TargetHistory, target_histories
from ansible_collections.assetops.imports.plugins.modules import bigfix_import_info
from ansible_collections.assetops.imports.plugins.modules.import_watch import ARGUMENTS, main
from ansible_collections.assetops.imports.plugins.plugin_utils._awx import with_credentials
from ansible_collections.assetops.imports.plugins.plugin_utils._controller import ControllerAction
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import (
    GROUPS,
    OF_PLACE,
    Place,
    given_to,
    place_of,
    problem_with,
    targets_in,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import in_short
from ansible_collections.assetops.imports.plugins.plugin_utils._variables import warnings_in_role
from ansible_collections.assetops.imports.plugins.plugin_utils._watch import (
    Finding,
    Wanted,
    judged,
    lines_of,
    replace_file,
    textfile,
)

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main

AT_ONCE = 8  # servers that are asked at the same time
QUESTION = tuple(bigfix_import_info.ARGUMENTS["argument_spec"])
MAX_AGE: float = ARGUMENTS["argument_spec"]["max_age"]["default"]
OF_TARGETS = ("max_age", "ask", "allow_incomplete")


class ActionModule(ControllerAction):
    """`import_watch`, which reads the variables of all targets, and their receipts, and asks some of their servers."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What was found of each target."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        options = self.options_by(ARGUMENTS)
        options = {**options, **self._of_play(variables)}
        files = {name: _file(name, options[name]) for name in ("file", "textfile") if options[name] is not None}
        now = datetime.now(timezone.utc)
        findings = self._findings(options, variables, now)
        lines = lines_of(findings, self._others(options["targets"], variables))
        of_hosts = (name for host in options["targets"] for name in variables["hostvars"][host])
        lines += warnings_in_role(self._task, "import_watch", chain(variables, of_hosts))
        failures = {
            f"{one.wanted.target} ({one.wanted.system})": "\n".join(one.problems) for one in findings if one.problems
        }
        summary = _summary(findings, failures, variables)
        told = {
            "summary": summary,
            "failures": failures if findings else {"-": summary},
            "targets": [one.as_result() for one in findings],
        }
        if not self._task.check_mode:
            _write(files, {"time": as_text(now), **told}, textfile(findings, now))
        self.show([*lines, summary])
        return {**result, "changed": False, "table": lines, **told}

    def _findings(self, options: Mapping[str, Any], variables: Mapping[str, Any], now: datetime) -> list[Finding]:
        findings: list[Finding] = []
        wanted: list[Wanted] = []
        for target, system, group in targets_in(options["targets"], variables["groups"]):
            try:
                wanted.append(self._wanted(target, system, group, options, variables))
            except (AnsibleError, ValueError, TypeError) as error:
                finding = Finding(Wanted(target, system, target, MAX_AGE, Place({})))
                finding.add("unread", f"Its variables cannot be read: {error}")
                findings.append(finding)
        known = [with_credentials(one, variables) if isinstance(one, str) else one for one in _known(wanted, now)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            statuses = [_in_job(one, variables) for one in pool.map(_asked, wanted)]
        findings += [judged(one, seen, status, now) for one, seen, status in zip(wanted, known, statuses)]
        return findings

    # What is to be watched

    def _of_play(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What a play, or a role, sets for all targets that do not say otherwise; not what one host says of itself."""
        own = variables["hostvars"][variables["inventory_hostname"]]
        names = {name: f"import_watch_{name}" for name in OF_TARGETS}
        found = {name: variables[full] for name, full in names.items() if full in variables and full not in own}
        templated: dict[str, Any] = self._templar.template(found)
        return templated

    def _others(self, hosts: Sequence[str], variables: Mapping[str, Any]) -> list[str]:
        """The hosts of the inventory that are no targets; the localhost that Ansible makes up is none of them."""
        watched = {target for target, _system, _group in targets_in(hosts, variables["groups"])}
        return [host for host in hosts if host in variables["groups"]["all"] and host not in watched]

    def _wanted(
        self, target: str, system: str, group: str, options: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Wanted:
        """What the variables of a target say. Raises what they are wrong by."""
        own = variables["hostvars"][target]
        names = {*OF_PLACE, *(QUESTION if system == "bigfix" else ())}
        found = given_to(system, names, own, variables.get("omit"))
        of_watch = {name: own.get(f"import_watch_{name}", options[name]) for name in OF_TARGETS}
        max_age = float(of_watch["max_age"])
        if not 0 < max_age < math.inf:
            raise ValueError("import_watch_max_age has to be a number of seconds above 0.")
        question = None
        if system == "bigfix" and boolean(of_watch["ask"]):
            question = _question(found, max_age, group)
        return Wanted(
            target=target,
            system=system,
            label=str(found.get("label") or target),
            max_age=max_age,
            place=place_of(found, own),
            allow_incomplete=boolean(of_watch["allow_incomplete"]),
            question=question,
        )


def _question(found: Mapping[str, Any], max_age: float, group: str) -> dict[str, Any]:
    """The options with which the status of BigFix Inventory or License Metric Tool is asked."""
    question = {name: value for name, value in found.items() if name in QUESTION}
    if group == "lmt":
        question.setdefault("product", "license_metric_tool")
    return {**question, "max_age": max_age, "require_fresh": False, "is_planned": False}


def _file(name: str, text: str) -> Path:
    """A file that is to be written. Raises `AnsibleActionFail` where that cannot be."""
    path = Path(text)
    why = None
    if not path.is_absolute():
        why = "is no absolute path"
    elif name == "textfile" and path.suffix != ".prom":
        why = "does not end in .prom, and node_exporter takes no other files"
    elif not path.parent.is_dir():
        why = f"is in {path.parent}, which is no folder"
    elif path.is_dir():
        why = "is a folder"
    if why is not None:
        raise AnsibleActionFail(f"{name}: {text!r} {why}. Nothing was looked at.")
    return path


def _known(wanted: Sequence[Wanted], now: datetime) -> list[TargetHistory | str]:
    """What the receipts tell of each target, or why they cannot be read. Each store is opened once."""
    places: dict[str, list[Wanted]] = {}
    for one in wanted:
        places.setdefault(repr(one.place), []).append(one)
    found = {place: _read(targets, now) for place, targets in places.items()}
    told: list[TargetHistory | str] = []
    for one in wanted:
        targets = found[repr(one.place)]
        told.append(targets if isinstance(targets, str) else targets[one.name])
    return told


def _read(wanted: Sequence[Wanted], now: datetime) -> Mapping[tuple[str, str], TargetHistory] | str:
    """What the store that these targets share knows of them, or why it cannot be read."""
    good = {one.name: ("incomplete",) if one.allow_incomplete else () for one in wanted}
    found: dict[tuple[str, str], TargetHistory] = {}
    trouble = problem_with(wanted[0].place, lambda store: found.update(target_histories(store, good, now)))
    return found if trouble is None else trouble


def _asked(wanted: Wanted) -> dict[str, Any] | None:
    """What the server of a target says of its imports, or why it cannot be asked, in `msg`; None if it is not to be."""
    if wanted.question is None:
        return None
    spec = bigfix_import_info.ARGUMENTS["argument_spec"]
    validation = ArgumentSpecValidator(spec).validate(wanted.question)
    if validation.error_messages:
        return {"msg": str(remove_values(validation.error_messages[0], set(validation._no_log_values)))}
    invocation = Invocation(
        params=dict(validation.validated_parameters),
        check_mode=True,  # so that the client refuses whatever could change something
        diff=False,
        warn=lambda _text: None,  # it stands in the message, too
        secret_options=secret_options(spec),
        no_log_values=set(validation._no_log_values),
    )
    outcome: dict[str, Any] = remove_values(
        run_work(invocation, bigfix_import_info.read_status), invocation.no_log_values
    )
    return outcome


def _in_job(status: dict[str, Any] | None, variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same; in a job of AWX, with the credential that may be missing."""
    if status is None or "msg" not in status:
        return status
    return {**status, "msg": with_credentials(str(status["msg"]), variables)}


def _summary(findings: Sequence[Finding], failures: Mapping[str, str], variables: Mapping[str, Any]) -> str:
    if not findings:
        sources = ", ".join(
            str(source) for source in variables.get("ansible_inventory_sources") or ["no source at all"]
        )
        return (
            f"There is nothing to watch: no host is in any of the groups {', '.join(GROUPS)}. The inventory is of"
            f" {sources}; --limit leaves hosts out, too."
        )
    if not failures:
        return f"All {len(findings)} targets get their imports."
    return f"{len(failures)} of {len(findings)} targets are not as they should be: {in_short(list(failures))}."


def _write(files: Mapping[str, Path], told: Mapping[str, Any], metrics: str) -> None:
    texts = {"file": json.dumps(told, indent=2, ensure_ascii=False) + "\n", "textfile": metrics}
    for name, path in files.items():
        try:
            replace_file(path, texts[name])
        except OSError as error:
            raise AnsibleActionFail(f"{name}: {path} could not be written: {error.strerror}.") from error
