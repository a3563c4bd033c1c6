# SPDX-License-Identifier: GPL-3.0-or-later
"""In check mode nothing is sent that could change anything, even if the part that decides it forgets."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

from ..support import Modules


@pytest.mark.parametrize(
    ("system", "operation", "file", "name"),
    [("licstat", "import", "importer", "Importer"), ("bigfix", "start", "status_importer", "StatusImporter")],
)
def test_a_mistake_of_the_importer_is_stopped_by_the_client(
    request: pytest.FixtureRequest,
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    operation: str,
    file: str,
    name: str,
) -> None:
    engine = "ansible_collections.assetops.imports.plugins.module_utils._engine"
    importer = getattr(importlib.import_module(f"{engine}.{file}"), name)
    begin = importer.__init__
    modules: Modules = request.getfixturevalue(system)

    def forget(self: Any, system: Any, store: Any, policy: Any, *others: Any, **more: Any) -> None:
        begin(self, system, store, dataclasses.replace(policy, check_mode=False), *others, **more)

    monkeypatch.setattr(importer, "__init__", forget)

    output = modules.output(*([log] if system == "licstat" else []), check=True, receipts="none")

    assert "UnsafeInCheckMode" in output
    assert modules.sandbox.requests(operation=operation) == []
