# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible Automation Platform counts of a job: extensions/audit/event_query.yml."""

from __future__ import annotations

from typing import Any

import jq
import pytest
import yaml

from ...running import ROOT

QUERIES: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "extensions/audit/event_query.yml").read_text())
GROUPS = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
ONE = {"label": "cad", "target": "https://licstat.example.com/40", "changed": True, "state": "succeeded"}
COUNTED = {
    "name": "cad",
    "canonical_facts": {"target": "https://licstat.example.com/40"},
    "facts": {"infra_type": "PrivateCloud", "infra_bucket": "Applications", "device_type": "Import target"},
}


def test_there_is_a_query_for_each_importing_module() -> None:
    assert set(QUERIES) == {f"assetops.imports.{name}" for name in GROUPS["imports"]}


@pytest.mark.parametrize("module", QUERIES)
@pytest.mark.parametrize(
    ("result", "counted"),
    [
        ({"imports": [ONE]}, [COUNTED]),
        ({"imports": [{**ONE, "label": None}]}, [{**COUNTED, "name": ONE["target"]}]),
        ({"imports": [{**ONE, "changed": False}]}, []),
        ({"imports": [{**ONE, "state": "planned"}]}, []),
        ({"msg": "license_server_id is missing."}, []),
    ],
    ids=["imported", "without a label", "unchanged", "check mode", "failed at once"],
)
def test_what_was_imported_into_is_counted(module: str, result: dict[str, Any], counted: list[Any]) -> None:
    assert jq.compile(QUERIES[module]["query"]).input_value(result).all() == counted
