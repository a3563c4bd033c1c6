# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of `directory` have in common: folders with batches, and the module on them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from .driver import NEITHER, Haplo


class Feeds:
    """Folders of batches in a directory of the test, and the module on them."""

    def __init__(self, haplo: Haplo) -> None:
        self.haplo = haplo
        self.path = haplo.folder / "feeds"
        self.path.mkdir()

    def __call__(self, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """The result of `haplo_batch` with the directory."""
        return self.haplo(check=check, diff=diff, **self.options(**options))

    def options(self, **options: Any) -> dict[str, Any]:
        return {**NEITHER, "directory": str(self.path), **options}

    def add(
        self, name: str = "", *, person: str = "Joe", files: tuple[str, ...] = ("people.json", "guests.json")
    ) -> Path:
        """A folder with the control file of the test and these data files; without a name, the directory itself."""
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        shutil.copy(self.haplo.control, folder / "control.json")
        for file in files:
            (folder / file).write_text(json.dumps([{"first": person, "last": "nobody"}]))
        return folder


def sources(result: dict[str, Any]) -> list[str]:
    """The folders of the imports in a result, by name."""
    return [Path(one["source"]).parent.name for one in result["imports"]]


def left_out(result: dict[str, Any]) -> dict[str, list[str]]:
    """What was left out for each reason, by name."""
    for entry in result["left_out"]:
        assert entry["count"] == len(entry["paths"])
    return {entry["reason"]: [Path(path).name for path in entry["paths"]] for entry in result["left_out"]}
