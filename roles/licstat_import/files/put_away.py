# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives or deletes logs that were imported: each only if it holds what was imported, and nothing else by now.

The argument is JSON: `logs`, pairs of path and SHA-256; `archive`, a folder, or empty to delete; `check`, to move
nothing. Prints JSON: `moved`, pairs of path and new place (null: deleted), and `kept`, pairs of path and reason.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    order = json.loads(sys.argv[1])
    archive = Path(order["archive"]).expanduser() if order["archive"] else None
    moved: list[tuple[str, str | None]] = []
    kept: list[tuple[str, str]] = []
    for name, sha256 in order["logs"]:
        log = Path(name).expanduser()
        if not log.is_file():
            kept.append((name, "it is not there any more"))
        elif sha256 is None or digest(log) != sha256:
            kept.append((name, "it holds something else than what was imported"))
        else:
            place = None if archive is None else archive / f"{log.name}-{sha256[:12]}"
            if not order["check"]:
                put_away(log, place)
            moved.append((name, place and str(place)))
    report: dict[str, Any] = {"moved": moved, "kept": kept}
    print(json.dumps(report))


def digest(log: Path) -> str:
    found = hashlib.sha256()
    with log.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def put_away(log: Path, place: Path | None) -> None:
    """Under its own name the archive never has half of a log, also where it is on another disk."""
    if place is None:
        log.unlink()
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(place.name + ".part")
    shutil.copy2(log, part)
    part.replace(place)
    log.unlink()


if __name__ == "__main__":
    main()
