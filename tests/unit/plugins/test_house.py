# SPDX-License-Identifier: GPL-3.0-or-later
"""The floors of the house: what stands on one may use what is on lower ones, and its own folder, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
PACKAGE = "ansible_collections.assetops.imports.plugins"

# The highest first.
FLOORS = (
    {"action", "callback"},
    {"plugin_utils", "modules"},
    {"module_utils._module"},
    {"module_utils._systems"},
    {"module_utils._engine", "module_utils._http"},
    {"module_utils._receipts"},
    {"module_utils._files"},
    {"module_utils._common"},
)
ALONE = "doc_fragments"  # documentation only


def files() -> list[Path]:
    return sorted(path for path in PLUGINS.rglob("*.py") if path.parent.name != ALONE)


def subject(name: str) -> str:
    """The folder of a module of ours, which has one floor as a whole."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "module_utils" else parts[0]


def floor(name: str) -> int:
    (found,) = [number for number, floor in enumerate(FLOORS) if subject(name) in floor]
    return found


def imported(path: Path) -> set[str]:
    """The modules of this collection that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            names.add(node.module.removeprefix(f"{PACKAGE}."))
        if isinstance(node, ast.Import):
            ours = [one.name for one in node.names if one.name.startswith(PACKAGE)]
            assert not ours, f"{path}: write `from … import …`"
    return names


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PLUGINS)))
def test_dependencies_point_down(path: Path) -> None:
    name = ".".join(path.relative_to(PLUGINS).with_suffix("").parts)
    upwards = {other for other in imported(path) if subject(other) != subject(name) and floor(other) <= floor(name)}
    assert not upwards


def test_every_folder_has_its_floor() -> None:
    folders = {subject(".".join(path.relative_to(PLUGINS).with_suffix("").parts)) for path in files()}
    assert folders <= set().union(*FLOORS)
