# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of files: which file a name means, and how it is shown.

A name is what Ansible takes it for: UTF-8, whatever the locale of the host says. Python goes by the locale, so names
become paths and texts here and nowhere else.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LISTED = 10  # paths that are shown for one reason


def path_of(name: str) -> Path:
    """The file that Ansible, and so everybody else in a play, takes this name for. Raises ValueError for no name."""
    return Path(os.fsdecode(name.encode("utf-8", "surrogateescape")))


def name_of(path: Path) -> str:
    """The name that a path was made of; what of it is no UTF-8 are surrogates."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def shown(path: Path) -> str:
    """A path for people and receipts; what of it is no UTF-8 is shown in escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def shown_by_reason(paths: Mapping[str, Sequence[Path]]) -> list[dict[str, Any]]:
    """Why paths were left out, ready for a result: each reason with how many they are, and some of them."""
    return [
        {"reason": reason, "count": len(all_), "paths": [shown(path) for path in all_[:LISTED]]}
        for reason, all_ in paths.items()
    ]


def expanded(name: str) -> Path:
    """The file of exactly this name, where there is one; otherwise `~` and variables of the environment are expanded.

    Ansible's options of the type `path` are expanded always, and so never mean a file called `$HOME.log`.
    """
    path = path_of(name)
    if not os.path.lexists(path):
        path = Path(os.path.expandvars(path))
        with suppress(RuntimeError):  # nobody has a home here, or nobody is called so
            path = path.expanduser()
    return path
