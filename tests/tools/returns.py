#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what all importing modules return into the RETURN of each, as returns.yml tells it.

Ansible has fragments for options and none for results. A field that a module lacks is added; one that it has gets
what returns.yml says of it, unless the module means something of its own by it (`OWN`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.tools.stage import CHECKOUT

IMPORTERS = tuple(
    CHECKOUT / f"plugins/modules/{name}.py"
    for name in yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["imports"]
)
SHARED = Path(__file__).with_suffix(".yml")
OWN = {
    "bigfix_import": {"key", "attempts", "started_at"},
    "haplo_batch": {"period", "finished_at"},
    "licstat_import": {"period", "window"},
    "lm_import": set[str](),
}
RETURN = re.compile(r'(?<=^RETURN = r""")\n.*?(?=^""")', re.DOTALL | re.MULTILINE)
WIDTH = 98  # a line may be longer by its last word


class Dumper(yaml.SafeDumper):
    """Indents lists, as the rest of the documentation does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def completed(module: Path) -> str:
    """The text of a module, with all that is shared in its RETURN."""
    text = module.read_text(encoding="utf-8")
    (told,) = RETURN.findall(text)
    shared = yaml.safe_load(SHARED.read_text(encoding="utf-8"))
    merged = _fields(shared, yaml.safe_load(told), OWN[module.stem])
    written = yaml.dump(merged, Dumper=Dumper, sort_keys=False, width=WIDTH, allow_unicode=True)
    return RETURN.sub(lambda _match: f"\n{written}", text)


def _fields(shared: Mapping[str, Any], told: Mapping[str, Any], own: set[str]) -> dict[str, Any]:
    """Fields by name: those of a module in its order, then those that it lacks."""
    merged = dict(told)
    for name, field in shared.items():
        known = told.get(name, {})
        merged[name] = {**known, **field, **(known if name in own else {})}
        if "contains" in field:
            merged[name]["contains"] = _fields(field["contains"], known.get("contains", {}), own)
    return merged


def main() -> None:
    for module in IMPORTERS:
        module.write_text(completed(module), encoding="utf-8")


if __name__ == "__main__":
    main()
