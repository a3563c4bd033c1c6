#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the collection to a place where ansible-test accepts it: .../ansible_collections/NAMESPACE/NAME.

The copy holds what git tracks or would add. It is brought up to date rather than made anew, so that what ansible-test
keeps below tests/output serves the next run.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
STAGE = CHECKOUT / ".cache/stage/ansible_collections/assetops/imports"


def listed_files(root: Path) -> set[Path]:
    """Files below `root` that git tracks or would add, as paths relative to it."""
    # A checkout that belongs to another user, as in some containers, is read all the same.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
    names = [Path(name) for name in output.split("\0") if name]
    return {name for name in names if (root / name).is_symlink() or (root / name).is_file()}


def is_same(source: Path, copy: Path) -> bool:
    if source.is_symlink() or copy.is_symlink():
        return source.is_symlink() and copy.is_symlink() and source.readlink() == copy.readlink()
    if not copy.is_file():
        return False
    a, b = source.stat(), copy.stat()
    return (a.st_size, a.st_mtime_ns, a.st_mode) == (b.st_size, b.st_mtime_ns, b.st_mode)


def stage() -> Path:
    """Bring the copy up to date and return its path."""
    STAGE.mkdir(parents=True, exist_ok=True)
    if not (STAGE / ".git").is_dir():
        # Without a repository of its own git would look at the one around it, which ignores .cache: ansible-test
        # would find no files, and pass.
        subprocess.run(["git", "init", "--quiet", "--template=", str(STAGE)], check=True)
    wanted = listed_files(CHECKOUT)
    for name in listed_files(STAGE) - wanted:
        (STAGE / name).unlink()
    for name in sorted(wanted):
        copy = STAGE / name
        if not is_same(CHECKOUT / name, copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            shutil.copy2(CHECKOUT / name, copy, follow_symlinks=False)
    return STAGE


if __name__ == "__main__":
    print(stage())
