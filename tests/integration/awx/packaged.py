# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as users get it: built into an archive, and installed from that archive, with no server asked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from ...running import ROOT
from ...tools.stage import listed_files


def build(folder: Path) -> Path:
    """Build the collection from what is, or would be, under version control. Returns the archive, in `folder`."""
    tree = folder / "tree"
    for name in listed_files(ROOT):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    run("ansible-galaxy", "collection", "build", str(tree), "--output-path", str(folder))
    shutil.rmtree(tree)
    (archive,) = folder.glob("assetops-imports-*.tar.gz")
    return archive


def write_requirements(path: Path, archive: Path) -> None:
    """A requirements.yml that names the archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"collections": [{"name": str(archive), "type": "file"}]}), encoding="utf-8")


def install(requirements: Path, folder: Path) -> None:
    """Install what a requirements.yml names into `folder`, though this checkout is found as an installed collection."""
    run("ansible-galaxy", "collection", "install", "--offline", "--force", "-r", str(requirements), "-p", str(folder))


def run(*command: str, cwd: Path = ROOT) -> str:
    """Run one of the commands that are installed beside this Python. Returns what it said."""
    path = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(
        [path, *command[1:]],
        cwd=cwd,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"$ {' '.join(command)}\n{done.stdout}"
    return done.stdout
