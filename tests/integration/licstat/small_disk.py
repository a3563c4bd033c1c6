# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk of a few pages, for a store that is to find it full: Linux's tmpfs, in a mount namespace of its own.

It needs no root where users may make namespaces.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType

from ...running import ROOT

PAGE = os.sysconf("SC_PAGE_SIZE")

# Mounts the disk, and holds it until its standard input ends.
_HOLD = 'mount -t tmpfs -o size="$2" small "$1" && echo held && exec cat'


class SmallDisk:
    """A disk of so many pages on a folder, seen only by what is run `within`.

    Raises OSError where this machine allows no such thing.
    """

    def __init__(self, folder: Path, pages: int) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        mount = ["sh", "-c", _HOLD, "sh", str(folder), str(pages * PAGE)]
        self._holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", *mount],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "held\n":
            raise OSError(self._holder.communicate()[1])

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.communicate()

    @property
    def within(self) -> list[str]:
        """A command that runs another one where the disk is."""
        namespaces = ["--user", "--mount", "--preserve-credentials", f"--target={self._holder.pid}"]
        return ["nsenter", *namespaces, f"--wd={ROOT}", "--"]

    def fill(self) -> None:
        """Leave no free page."""
        free = int(self._run("stat", "--file-system", "--format=%a", str(self._folder)))
        self._run("fallocate", f"--length={free * PAGE}", str(self._folder / "filling"))

    def clear(self) -> None:
        """Take away what filled it."""
        self._run("rm", str(self._folder / "filling"))

    def resize(self, pages: int) -> None:
        """Give it so many pages."""
        self._run("mount", "-o", f"remount,size={pages * PAGE}", str(self._folder))

    def _run(self, *command: str) -> str:
        return subprocess.run([*self.within, *command], check=True, stdout=subprocess.PIPE, text=True).stdout
