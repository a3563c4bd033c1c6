# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that are called like those of a role: which are none, and which are meant."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.assetops.imports.plugins.plugin_utils._variables import OF_ROLES, unknown_variable_warnings

ROOT = Path(__file__).resolve().parents[4]
FILES = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
OPTIONS = ("window", "wait", "wait_timeout", "paths")


def set_in(content: Any) -> set[str]:
    """The variables that tasks set."""
    if isinstance(content, list):
        return {name for item in content for name in set_in(item)}
    if not isinstance(content, dict):
        return set()
    own = {content["register"]} if "register" in content else set()
    own |= set(content.get("ansible.builtin.set_fact", ())) | set(content.get("vars", ()))
    return own | {name for item in content.values() for name in set_in(item)}


def known_to(role: str) -> set[str]:
    """The variables of a role that are not strange to it, as the actions ask."""
    try:
        module = importlib.import_module(f"ansible_collections.assetops.imports.plugins.modules.{role}")
        options = [*module.ARGUMENTS["argument_spec"]]
    except ModuleNotFoundError:
        options = []
    return {f"{role}_{name}" for name in (*options, *OF_ROLES[role])}


@pytest.mark.parametrize("role", OF_ROLES)
def test_what_a_role_takes_and_what_roles_and_playbooks_set_is_not_strange(role: str) -> None:
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))
    taken = {name for spec in specs["argument_specs"].values() for name in spec["options"]}
    defaults = yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text(encoding="utf-8"))
    left = {name for path in FILES for name in set_in(yaml.safe_load(path.read_text())) if name.startswith(f"{role}_")}

    assert taken | set(defaults) | left <= known_to(role)
    assert {f"{role}_{name}" for name in OF_ROLES[role]} <= taken | left


def test_every_role_is_known() -> None:
    sees_to_it_itself = {"awx_setup"}
    assert set(OF_ROLES) | sees_to_it_itself == {path.name for path in ROOT.glob("roles/*") if path.is_dir()}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("licstat_import_windwo", "licstat_import_window"),
        ("licstat_import_path", "licstat_import_paths"),
        ("licstat_import_WINDOW", ""),
        ("licstat_import_run_one", "licstat_import_run_on"),
        ("licstat_import_team", ""),
        ("licstat_import_", ""),
    ],
)
def test_a_variable_that_a_role_does_not_have_is_warned_of_with_the_nearest_name(name: str, meant: str) -> None:
    (warnings,) = unknown_variable_warnings(
        "licstat_import", [name, "licstat_import_wait", "licstat_imports", "other"], OPTIONS
    )

    assert re.findall(r"\w*licstat_import_\w*", warnings) == [name, *([meant] if meant else [])]


def test_each_is_warned_of_and_those_of_other_roles_are_theirs() -> None:
    names = ["lm_import_windwo", "licstat_import_windwo", "licstat_import_wiat", "__licstat_import_run_on"]

    warnings = unknown_variable_warnings("licstat_import", names, OPTIONS)

    assert [text.split()[6].rstrip(",") for text in warnings] == ["licstat_import_wiat", "licstat_import_windwo"]
