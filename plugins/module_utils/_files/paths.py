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
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LISTED = 10  # paths that are shown for one reason
PART = ".part"  # ends the hidden names of what is not whole yet, or not removed yet
ABANDONED = 3600.0  # seconds after which nobody is at such a file any more
SET_ASIDE = re.compile(rf"\.(.+)\.[0-9a-f]{{12}}{re.escape(PART)}", re.DOTALL)


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


def aside(path: Path) -> Path:
    """A hidden name beside it, from which its own name can be told."""
    return path.with_name(f".{own_name(path.name)}.{os.urandom(6).hex()}{PART}")


def own_name(name: str) -> str:
    """The name that a file had before it was set aside; any other name is as it is."""
    while found := SET_ASIDE.fullmatch(name):
        name = found[1]
    return name
