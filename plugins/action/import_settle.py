# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import chain
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._module.results import diff_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts import settling
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.modules.import_settle import ARGUMENTS, main
from ansible_collections.assetops.imports.plugins.plugin_utils._awx import with_credentials
from ansible_collections.assetops.imports.plugins.plugin_utils._controller import ControllerAction
from ansible_collections.assetops.imports.plugins.plugin_utils._settle import (
    SHOWN,
    Choice,
    find_imports,
    import_result,
    parse_keys,
    table_lines,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import (
    GROUPS,
    STORE_OPTIONS,
    StoreConfig,
    store_config,
    target_options,
    target_store_config,
    targets_in,
    use_store,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._text import list_names, wrap_text
from ansible_collections.assetops.imports.plugins.plugin_utils._variables import role_warnings

__all__ = ["ActionModule", "main"]  # ansible-lint checks options only where it finds main


@dataclass
class StoreImports:
    """The imports of a receipt store that are meant, and the targets that use the store.

    `config` is None if the variables that name the store cannot be read; `problem`: why the store cannot be read.
    `at_work`: how many imports are left out because a run is at work on them.
    """

    config: StoreConfig | None
    targets: list[str] = field(default_factory=list)
    imports: list[dict[str, Any]] = field(default_factory=list)
    at_work: int = 0
    problem: str = ""

    @property
    def location(self) -> str:
        return self.config.location if self.config else "its variables"

    def __str__(self) -> str:
        return f"{self.location} (of {list_names(self.targets)})" if self.targets else self.location


class ActionModule(ControllerAction):
    """`import_settle`, which reads the variables of all targets, and the receipts that these name."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Show what is in doubt, and settle what is chosen."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        options = self.checked_options(ARGUMENTS)
        now = datetime.now(timezone.utc)
        try:
            choice = choice_of(options)
            stores = self._stores(options, variables)
            for one in stores:
                read_imports(one, choice, now)
            settled = self._settle(stores, choice, options)
        except BadInput as error:
            message = " ".join([error.message, *self._warnings(options, variables)])
            raise AnsibleActionFail(with_credentials(message, variables)) from error
        return {**result, **self._result(stores, choice, options, settled, variables, now)}

    def _warnings(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
        of_hosts = (name for host in options["targets"] for name in variables["hostvars"][host])
        return role_warnings(self._task, "import_settle", chain(variables, of_hosts))

    def _stores(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> list[StoreImports]:
        """The store that the options name, or those of the targets."""
        if options["receipts"] is not None:
            named = {name: options[name] for name in ("receipts", "receipts_password") if options[name] is not None}
            try:
                return [StoreImports(store_config(named))]
            except ValueError as error:
                raise BadInput(str(error)) from error
        stores: dict[str, StoreImports] = {}
        for target, system, _group in targets_in(options["targets"], variables["groups"]):
            own = variables["hostvars"][target]
            try:
                config = target_store_config(target_options(system, STORE_OPTIONS, own, variables.get("omit")), own)
                one = StoreImports(config, problem=config.obstacle or "")
            except (AnsibleError, ValueError, TypeError) as error:
                one = StoreImports(None, problem=f"The variables of {target} cannot be read: {error}")
            name = one.problem or (one.config.identity if one.config else "")
            stores.setdefault(name, one).targets.append(target)
        if not stores:
            raise BadInput(
                f"There is nothing to look at: no host is in any of the groups {', '.join(GROUPS)}, and receipts"
                " (role variable import_settle_receipts) names no store. Are -i and --limit right?"
            )
        return list(stores.values())

    def _settle(
        self, stores: Sequence[StoreImports], choice: Choice, options: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Settle what is meant, if all of it is clear. Returns the imports that were or would be settled, as before."""
        state = options["state"]
        if choice.is_by_key:
            check_keys(stores, choice, state)
        if state is None:
            return []
        unread = [store for store in stores if store.problem]
        if unread and not choice.is_by_key:
            raise BadInput(f"Nothing was settled, as not all stores can be read. {_problems(unread)}")
        settled: list[dict[str, Any]] = []
        for store in stores:
            wanted = [one for one in store.imports if one["state"] != state]
            if wanted and store.config and not self._task.check_mode:
                try:
                    change_imports(store.config, wanted, state, options["comment"])
                except BadInput as error:
                    before = f" {len(settled)} were settled in the stores before it." if settled else ""
                    raise BadInput(f"{store}: {error.message}{before}") from error
            store.imports = wanted
            settled += wanted
        return settled

    def _result(
        self,
        stores: Sequence[StoreImports],
        choice: Choice,
        options: Mapping[str, Any],
        settled: Sequence[Mapping[str, Any]],
        variables: Mapping[str, Any],
        now: datetime,
    ) -> dict[str, Any]:
        """The result, which is also shown."""
        state = options["state"]
        found = [import_result(one, store.location, now) for store in stores for one in store.imports]
        found.sort(key=lambda one: (one["since"], one["key"]))
        end = "" if state is None else f"would be {state}" if self._task.check_mode else f"now {state}"
        lines = table_lines(found[:SHOWN], len(found), end)
        at_work = sum(store.at_work for store in stores)
        if state is not None and at_work:
            lines.append(f"Left out: {at_work}, because a run is at work on it, and will write what becomes of it.")
        lines += self._warnings(options, variables)
        summary = summary_of(found, choice, state, is_planned=self._task.check_mode)
        self.show([*lines, *wrap_text(summary)])
        result: dict[str, Any] = {
            "changed": bool(settled),
            "summary": summary,
            "table": lines,
            "imports": found[:SHOWN],
            "count": len(found),
        }
        unread = [store for store in stores if store.problem]
        if unread and not choice.is_by_key:  # keys were all found in the other stores
            result.update(failed=True, msg=with_credentials(_problems(unread), variables))
        if self._task.diff and state is not None:
            result["diff"] = _diff(found, state)
        return result


def choice_of(options: Mapping[str, Any]) -> Choice:
    """The imports that the options choose. Raises `BadInput`."""
    for name in ("target", "label", "receipts"):
        if options[name] is not None and not options[name].strip():
            raise BadInput(f"{name} is empty. Is the variable set that it is taken from?")
    keys = () if options["keys"] is None else parse_keys(options["keys"])
    if options["keys"] is not None and not keys:
        raise BadInput("keys is empty. Is the variable set that it is taken from? Nothing was settled.")
    choice = Choice(keys, *(options[name] for name in ("system", "target", "label", "older_than")))
    choice.check(options["state"], options["comment"])
    return choice


def read_imports(store_imports: StoreImports, choice: Choice, now: datetime) -> None:
    """Find the imports of a store that are meant, or why the store cannot be read."""
    if store_imports.config is None or store_imports.problem:
        return
    found: list[dict[str, Any]] = []
    store_imports.problem = (
        use_store(store_imports.config, lambda store: found.extend(find_imports(store, choice, now))) or ""
    )
    store_imports.imports = found if choice.is_by_key else [one for one in found if one["owner"] is None]
    store_imports.at_work = len(found) - len(store_imports.imports)


def check_keys(stores: Sequence[StoreImports], choice: Choice, state: str | None) -> None:
    """Raise `BadInput` for keys that are in no store, and for imports that cannot be settled so."""
    imports = [one for store in stores for one in store.imports]
    known = {one["key"] for one in imports}
    unknown = [key for key in choice.keys if key not in known]
    if unknown:
        unread = [store for store in stores if store.problem]
        where = list_names([str(store) for store in stores if not store.problem])
        raise BadInput(
            f"There is no receipt with the key {', '.join(unknown)} in {where or 'any store'}. Nothing was settled."
            f" {_problems(unread)}".rstrip()
        )
    for one in imports:
        if state == "absent":
            settling.check_not_at_work(one)
        elif state is not None and one["state"] != state:
            settling.check_settleable(one)


def change_imports(config: StoreConfig, imports: list[dict[str, Any]], state: str, comment: str | None) -> None:
    """Settle these imports of a store, or forget them: either all or none. Raises `BadInput`."""

    def work(store: Store) -> None:
        if state == "absent":
            settling.forget(store, imports)
        else:
            settling.settle(store, imports, state, comment)

    problem = use_store(config, work, read_only=False)
    if problem is not None:
        raise BadInput(problem)


def summary_of(found: Sequence[Mapping[str, Any]], choice: Choice, state: str | None, *, is_planned: bool) -> str:
    """What was found or done, in one sentence."""
    chosen = ", ".join(f"{name} {value}" for name, value in choice.filters.items())
    among = f" ({chosen})" if chosen else ""
    imports = "1 import" if len(found) == 1 else f"{len(found)} imports"
    if state is not None:
        done = "forgotten" if state == "absent" else f"settled as {state}"
        return f"{imports}{among} {'would be' if is_planned else 'were' if len(found) != 1 else 'was'} {done}."
    if choice.is_by_key:
        return f"{imports} looked at."
    if not found:
        return f"No import{among} is in doubt."
    return f"{imports}{among} {'is' if len(found) == 1 else 'are'} in doubt, the oldest since {found[0]['since']}."


def _problems(unread: Sequence[StoreImports]) -> str:
    return " ".join(f"{store}: {store.problem}" for store in unread)


def _diff(found: Sequence[Mapping[str, Any]], state: str) -> dict[str, str]:
    lines = [f"{one['target']}: {one['source']} ({one['key']})" for one in found]
    before = "".join(f"{line}: {one['state']}\n" for line, one in zip(lines, found))
    return diff_of(f"{len(found)} imports", before, "".join(f"{line}: {state}\n" for line in lines))
