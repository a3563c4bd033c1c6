# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables of a role become options of its task."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar

NAMES = ("licstat_import", "bigfix_import", "haplo_batch", "lm_import")
INSTEAD = {  # what is not taken where all variables are set
    "licstat_import": {"paths", "patterns", "excludes", "recurse", "min_age", "max_age"},
    "haplo_batch": {"directory"},
}


def action_of(name: str, variables: dict[str, Any], **own: Any) -> Any:
    """The action of a task that has these variables of its own, beside others."""
    found = importlib.import_module(f"ansible_collections.assetops.imports.plugins.action.{name}")
    task = Task()
    task.action, task.args, task.vars = f"assetops.imports.{name}", {}, own
    loader = DataLoader()
    templar = Templar(loader, variables=variables)
    return found.ActionModule(
        task, connection=None, play_context=None, loader=loader, templar=templar, shared_loader_obj=None
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_variable_of_a_role_is_an_option_and_nothing_else_is(name: str) -> None:
    options = importlib.import_module(f"ansible_collections.assetops.imports.plugins.modules.{name}").ARGUMENTS
    values = {option: f"the {option}" for option in options["argument_spec"]}
    variables: dict[str, Any] = {f"{name}_{option}": value for option, value in values.items()}
    variables.update({f"{name}_run_on": "host", f"{name}_throttle": "2", "ansible_skip_tags": []})
    expected = {option: value for option, value in values.items() if option not in INSTEAD.get(name, set())}
    assert action_of(name, variables)._options_of_role(variables) == expected
    nothing_set: dict[str, Any] = {"ansible_skip_tags": []}
    assert action_of(name, nothing_set)._options_of_role(nothing_set) == {}


def test_logs_are_looked_for_where_none_is_named_and_put_away_unless_that_tag_is_skipped() -> None:
    variables: dict[str, Any] = {
        "licstat_import_paths": ["/var/log"],
        "licstat_import_recurse": True,
        "licstat_import_afterwards": "delete",
        "ansible_skip_tags": [],
    }
    action = action_of("licstat_import", variables)
    assert action._options_of_role(variables) == {"paths": ["/var/log"], "recurse": True, "afterwards": "delete"}
    variables["ansible_skip_tags"] = ["licstat_import_afterwards"]
    assert action._options_of_role(variables) == {"paths": ["/var/log"], "recurse": True}


def test_a_kind_is_imported_in_place_of_the_batches_of_a_directory() -> None:
    variables = {"haplo_batch_directory": "/batches", "haplo_batch_kind": "people", "haplo_batch_files": []}
    assert action_of("haplo_batch", variables)._options_of_role(variables) == {"kind": "people", "files": []}


@pytest.mark.parametrize("place", ["controler", "", "Host", "localhost"])
def test_a_role_runs_on_the_controller_or_on_the_host_and_nowhere_else(place: str) -> None:
    with pytest.raises(AnsibleActionFail, match="lm_import_run_on has to be controller or host"):
        action_of("lm_import", {}, __lm_import_run_on=place)._run_on()
    assert action_of("lm_import", {"__lm_import_run_on": "controller"})._run_on() is None
    assert action_of("lm_import", {}, __lm_import_run_on="host")._run_on() == "host"
