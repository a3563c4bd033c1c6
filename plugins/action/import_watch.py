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
from ansible_collections.assetops.imports.plugins.module_utils._files.replacing import replace_file
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation, secret_options
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_work
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import TargetHistory as TargetReceipts
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import target_histories
from ansible_collections.assetops.imports.plugins.modules import bigfix_import_info
from ansible_collections.assetops.imports.plugins.modules.import_watch import ARGUMENTS, main
from ansible_collections.assetops.imports.plugins.plugin_utils._awx import with_credentials
from ansible_collections.assetops.imports.plugins.plugin_utils._controller import ControllerAction
from ansible_collections.assetops.imports.plugins.plugin_utils._metrics import metrics_text
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import (
    GROUPS,
    STORE_OPTIONS,
    StoreConfig,
    target_options,
    target_store_config,
    targets_in,
    use_store,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._text import list_names
from ansible_collections.assetops.imports.plugins.plugin_utils._variables import role_warnings
from ansible_collections.assetops.imports.plugins.plugin_utils._watch import (
    WatchedTarget,
    WatchFinding,
    assess_target,
    table_lines,
)

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main

MAX_WORKERS = 8  # servers that are asked at the same time
STATUS_OPTIONS = tuple(bigfix_import_info.ARGUMENTS["argument_spec"])
DEFAULT_MAX_AGE: float = ARGUMENTS["argument_spec"]["max_age"]["default"]
TARGET_OPTIONS = ("max_age", "ask", "allow_incomplete")


class ActionModule(ControllerAction):
    """`import_watch`, which reads the variables of all targets, and their receipts, and asks some of their servers."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Show what was found of each target."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        options = self.checked_options(ARGUMENTS)
        options = {**options, **self._of_play(variables)}
        files = {name: _file(name, options[name]) for name in ("file", "textfile") if options[name] is not None}
        now = datetime.now(timezone.utc)
        findings = self._findings(options, variables, now)
        lines = table_lines(findings, self._others(options["targets"], variables))
        of_hosts = (name for host in options["targets"] for name in variables["hostvars"][host])
        lines += role_warnings(self._task, "import_watch", chain(variables, of_hosts))
        failures = {
            f"{one.watched.target} ({one.watched.system})": "\n".join(one.problems) for one in findings if one.problems
        }
        summary = _summary(findings, failures, variables)
        outcome = {
            "summary": summary,
            "failures": failures if findings else {"-": summary},
            "targets": [one.as_result() for one in findings],
        }
        if not self._task.check_mode:
            _write(files, {"time": as_text(now), **outcome}, metrics_text(findings, now))
        self.show([*lines, summary])
        return {**result, "changed": False, "table": lines, **outcome}

    def _findings(self, options: Mapping[str, Any], variables: Mapping[str, Any], now: datetime) -> list[WatchFinding]:
        findings: list[WatchFinding] = []
        watched: list[WatchedTarget] = []
        for target, system, group in targets_in(options["targets"], variables["groups"]):
            try:
                watched.append(self._watched_target(target, system, group, options, variables))
            except (AnsibleError, ValueError, TypeError) as error:
                finding = WatchFinding(WatchedTarget(target, system, target, DEFAULT_MAX_AGE, StoreConfig({})))
                finding.add("unread", f"Its variables cannot be read: {error}")
                findings.append(finding)
        known = [with_credentials(one, variables) if isinstance(one, str) else one for one in _known(watched, now)]
        with ThreadPoolExecutor(MAX_WORKERS) as pool:
            statuses = [_in_job(one, variables) for one in pool.map(_status, watched)]
        findings += [assess_target(one, seen, status, now) for one, seen, status in zip(watched, known, statuses)]
        return findings

    # What is watched

    def _of_play(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What the play or role sets for targets without a value of their own; not what this host sets for itself."""
        own = variables["hostvars"][variables["inventory_hostname"]]
        names = {name: f"import_watch_{name}" for name in TARGET_OPTIONS}
        found = {name: variables[full] for name, full in names.items() if full in variables and full not in own}
        templated: dict[str, Any] = self._templar.template(found)
        return templated

    def _others(self, hosts: Sequence[str], variables: Mapping[str, Any]) -> list[str]:
        """The hosts of the inventory that are not targets, without the localhost that Ansible adds itself."""
        watched = {target for target, _system, _group in targets_in(hosts, variables["groups"])}
        return [host for host in hosts if host in variables["groups"]["all"] and host not in watched]

    def _watched_target(
        self, target: str, system: str, group: str, options: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> WatchedTarget:
        """A target by its variables. Raises AnsibleError, ValueError or TypeError for wrong ones."""
        own = variables["hostvars"][target]
        names = {*STORE_OPTIONS, *(STATUS_OPTIONS if system == "bigfix" else ())}
        found = target_options(system, names, own, variables.get("omit"))
        of_watch = {name: own.get(f"import_watch_{name}", options[name]) for name in TARGET_OPTIONS}
        max_age = float(of_watch["max_age"])
        if not 0 < max_age < math.inf:
            raise ValueError("import_watch_max_age has to be a number of seconds above 0.")
        question = None
        if system == "bigfix" and boolean(of_watch["ask"]):
            question = _question(found, max_age, group)
        return WatchedTarget(
            target=target,
            system=system,
            label=str(found.get("label") or target),
            max_age=max_age,
            store_config=target_store_config(found, own),
            allow_incomplete=boolean(of_watch["allow_incomplete"]),
            question=question,
        )


def _question(found: Mapping[str, Any], max_age: float, group: str) -> dict[str, Any]:
    """The options for asking BigFix Inventory or License Metric Tool for its status."""
    question = {name: value for name, value in found.items() if name in STATUS_OPTIONS}
    if group == "lmt":
        question.setdefault("product", "license_metric_tool")
    return {**question, "max_age": max_age, "require_fresh": False, "is_planned": False}


def _file(name: str, text: str) -> Path:
    """The path of a file to write. Raises `AnsibleActionFail` if it cannot be written."""
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


def _known(watched: Sequence[WatchedTarget], now: datetime) -> list[TargetReceipts | str]:
    """What the receipts say of each target, or why they cannot be read. Each store is opened once."""
    by_store: dict[str, list[WatchedTarget]] = {}
    for one in watched:
        by_store.setdefault(repr(one.store_config), []).append(one)
    found = {config: _read(targets, now) for config, targets in by_store.items()}
    known: list[TargetReceipts | str] = []
    for one in watched:
        targets = found[repr(one.store_config)]
        known.append(targets if isinstance(targets, str) else targets[one.name])
    return known


def _read(watched: Sequence[WatchedTarget], now: datetime) -> Mapping[tuple[str, str], TargetReceipts] | str:
    """What the store that these targets share has of them, or why it cannot be read."""
    good = {one.name: ("incomplete",) if one.allow_incomplete else () for one in watched}
    found: dict[tuple[str, str], TargetReceipts] = {}
    problem = use_store(watched[0].store_config, lambda store: found.update(target_histories(store, good, now)))
    return found if problem is None else problem


def _status(watched: WatchedTarget) -> dict[str, Any] | None:
    """What the server of a target says of its imports; `msg` if it cannot be asked; None if it is not asked."""
    if watched.question is None:
        return None
    spec = bigfix_import_info.ARGUMENTS["argument_spec"]
    validation = ArgumentSpecValidator(spec).validate(watched.question)
    if validation.error_messages:
        return {"msg": str(remove_values(validation.error_messages[0], set(validation._no_log_values)))}
    invocation = Invocation(
        params=dict(validation.validated_parameters),
        check_mode=True,  # the client refuses requests that could change something
        diff=False,
        warn=lambda _text: None,  # the message has it, too
        secret_options=secret_options(spec),
        no_log_values=set(validation._no_log_values),
    )
    outcome: dict[str, Any] = remove_values(
        run_work(invocation, bigfix_import_info.read_status), invocation.no_log_values
    )
    return outcome


def _in_job(status: dict[str, Any] | None, variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """The status; in a job of AWX, its message names the credential that may be missing."""
    if status is None or "msg" not in status:
        return status
    return {**status, "msg": with_credentials(str(status["msg"]), variables)}


def _summary(findings: Sequence[WatchFinding], failures: Mapping[str, str], variables: Mapping[str, Any]) -> str:
    if not findings:
        sources = ", ".join(
            str(source) for source in variables.get("ansible_inventory_sources") or ["no source at all"]
        )
        return (
            f"There is nothing to watch: no host is in any of the groups {', '.join(GROUPS)}. The inventory is"
            f" {sources}; --limit may leave out hosts, too."
        )
    if not failures:
        return f"All {len(findings)} targets get their imports."
    return f"{len(failures)} of {len(findings)} targets are not as they should be: {list_names(list(failures))}."


def _write(files: Mapping[str, Path], content: Mapping[str, Any], metrics: str) -> None:
    texts = {"file": json.dumps(content, indent=2, ensure_ascii=False) + "\n", "textfile": metrics}
    for name, path in files.items():
        try:
            replace_file(path, [texts[name]], mode=0o644)
        except OSError as error:
            raise AnsibleActionFail(f"{name}: {path} could not be written: {error.strerror}.") from error
