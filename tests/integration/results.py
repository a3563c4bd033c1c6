# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module returns, beside what its documentation says that it returns."""

from __future__ import annotations

import importlib
from typing import Any

import yaml

OF_ANSIBLE = {"changed", "failed", "msg", "exception", "warnings", "diff"}
"""What every module may return."""

TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "dict": (dict,),
    "list": (list,),
}


def documented(module: str) -> dict[str, dict[str, Any]]:
    """The RETURN of a module."""
    found = importlib.import_module(f"ansible_collections.assetops.imports.plugins.modules.{module}")
    content: dict[str, dict[str, Any]] = yaml.safe_load(found.RETURN)
    return content


def assert_returned(result: dict[str, Any], keys: dict[str, dict[str, Any]]) -> None:
    """Beside what every module may return, a result has what is documented, and nothing else."""
    assert_as_documented({name: value for name, value in result.items() if name not in OF_ANSIBLE}, keys)


def assert_as_documented(returned: Any, keys: dict[str, dict[str, Any]]) -> None:
    """These keys, of these types, all the way down; null only where it is said that it may be."""
    assert set(returned) == set(keys)
    for name, value in returned.items():
        described = keys[name]
        if value is None:
            assert "V(null)" in str(described["description"]), name
            continue
        assert isinstance(value, TYPES[described["type"]]), name
        assert isinstance(value, bool) == (described["type"] == "bool"), name
        if "contains" in described:
            for item in value if isinstance(value, list) else [value]:
                assert_as_documented(item, described["contains"])
