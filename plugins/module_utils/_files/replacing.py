# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are replaced in one step: a reader sees the old one or the new one, after a loss of power too.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def replace_file(path: Path, pieces: Iterable[str], mode: int = 0o600) -> None:
    """Put a file with these pieces of text in the place of another one, or where there is none. Raises OSError."""
    with new_file(path.parent, path.name, pieces, mode) as new:
        new.replace(path)


@contextmanager
def new_file(folder: Path, name: str, pieces: Iterable[str], mode: int) -> Iterator[Path]:
    """A complete file with a temporary name. It is removed at the end if it was not moved. Raises OSError."""
    # Hidden, so that nobody takes it who collects files of a folder.
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    new = Path(temporary)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            for piece in pieces:
                file.write(piece)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        yield new
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
