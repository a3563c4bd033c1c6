# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of files: which file a name means, and how it is shown.

Ansible reads names as UTF-8, whatever the locale of the host. Python goes by the locale, so names become paths and
texts here and nowhere else.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

MAX_LISTED = 10  # paths that are shown for one reason
PART_SUFFIX = ".part"  # ends the hidden names of files that are not whole yet, or not removed yet
ABANDONED = 3600.0  # seconds after which no run works on such a file any more
SET_ASIDE_NAME = re.compile(rf"\.(.+)\.[0-9a-f]{{12}}{re.escape(PART_SUFFIX)}", re.DOTALL)


def path_of(name: str) -> Path:
    """The file that Ansible means by this name. Raises ValueError for what cannot be a name."""
    return Path(os.fsdecode(name.encode("utf-8", "surrogateescape")))


def name_of(path: Path) -> str:
    """The name of a path; bytes that are not UTF-8 are surrogates."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def path_text(path: Path) -> str:
    """A path for people and receipts; bytes that are not UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def paths_by_reason(paths: Mapping[str, Sequence[Path]]) -> list[dict[str, Any]]:
    """Why paths were left out, as in a result: each reason with the number of its paths, and some of them."""
    return [
        {"reason": reason, "count": len(found), "paths": [path_text(path) for path in found[:MAX_LISTED]]}
        for reason, found in paths.items()
    ]


def expand_path(name: str) -> Path:
    """The file of exactly this name if there is one; otherwise `~` and environment variables are expanded.

    Ansible always expands options of the type `path`, so they cannot mean a file called `$HOME.log`.
    """
    path = path_of(name)
    if not os.path.lexists(path):
        path = Path(os.path.expandvars(path))
        with suppress(RuntimeError):  # there is no such user, or no home
            path = path.expanduser()
    return path


def set_aside_path(path: Path) -> Path:
    """A hidden name in the same folder, which holds the original name."""
    return path.with_name(f".{original_name(path.name)}.{os.urandom(6).hex()}{PART_SUFFIX}")


def original_name(name: str) -> str:
    """The name that a file had before it was set aside; any other name is returned as it is."""
    while found := SET_ASIDE_NAME.fullmatch(name):
        name = found[1]
    return name
