# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of root, and what another user who shares its store takes it for where /proc hides it.

Run as a script with a folder for the store, in namespaces where /proc is mounted with hidepid=2. Prints one word for
each thing that it finds out.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from tests.unit.plugins.module_utils.nobody import NOBODY
from tests.unit.plugins.module_utils.other_run import wanted


def main(folder: Path) -> None:
    path = folder / "receipts.db"
    pid = os.fork()
    if pid == 0:
        end, _beginning = os.pipe()
        with closing(open_store(str(path))) as store:
            store.claim(wanted("a"), None, now_text())
            (folder / "claimed").touch()
            os.read(end, 1)  # for ever
    while not (folder / "claimed").exists():
        pass
    for place, mode in ((folder, 0o777), (path, 0o666)):
        place.chmod(mode)
    is_alive(path)  # so that everything is imported
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, 0)
    print("seen" if Path(f"/proc/{pid}").exists() else "hidden")
    print("alive" if is_alive(path) else "dead")
    os.setresuid(0, 0, 0)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    print("alive" if is_alive(path) else "dead")


def is_alive(path: Path) -> bool:
    with closing(open_store(str(path))) as store:
        owner = store.find([wanted("a").key])[wanted("a").key].owner
    return owner is not None and owner.is_alive


if __name__ == "__main__":
    main(Path(sys.argv[1]))
