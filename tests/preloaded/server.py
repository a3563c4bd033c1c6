# SPDX-License-Identifier: GPL-3.0-or-later
"""`server.py SOCKET` imports what modules use, and forks for each program that clients hand on."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import json
import os
import select
import socket
import sys
import time
import traceback
import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LIBRARIES = (
    "ansible.module_utils._internal._ansiballz._loader",  # from ansible-core 2.19 on
    *("ansible.module_utils.basic", "ansible.module_utils.urls", "ansible.module_utils.compat.version"),
    *("ansible.module_utils.six.moves.http_cookiejar", "ansible.module_utils.six.moves.configparser"),
    *("psycopg", "requests", "shutil", "sqlite3", "tempfile", "yaml", "zipfile"),
)


class _Path(list[str]):
    """Where parts of the package `ansible` are: in what Ansible sends, and where it is installed."""

    def __iter__(self) -> Iterator[str]:
        yield from (f"{path}/ansible" for path in sys.path if path.endswith(".zip"))
        yield from super().__iter__()


def import_libraries() -> None:
    """As they are on a target, where the package `ansible` itself does nothing."""
    found = importlib.util.find_spec("ansible")
    assert found
    sys.modules["ansible"] = ansible = importlib.util.module_from_spec(found)
    ansible.__path__ = _Path(ansible.__path__)
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)


def serve(address: str) -> None:
    """Until standard input ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        os.write(1, b"ready\n")
        while 0 not in select.select([listener.fileno(), 0], [], [])[0]:
            client, _address = listener.accept()
            with client:
                if os.fork() == 0:
                    listener.close()
                    run(client)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def run(client: socket.socket) -> None:
    """Run a program as a Python would that was just started, and end."""
    os.setsid()
    _unused, files, _flags, _address = socket.recv_fds(client, 1, 3)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    with client.makefile("rb") as said:
        arguments, folder, environment, mask = json.load(said)
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    client.send(bytes([status_of(arguments)]))
    os._exit(0)


def status_of(arguments: list[str]) -> int:
    """How the program in a file ended, or the one in standard input."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv = arguments or [""]
    status: object = 0
    try:
        if arguments:
            main.__file__ = arguments[0]
            sys.path.insert(0, str(Path(arguments[0]).parent))
        program = Path(arguments[0]).read_bytes() if arguments else sys.stdin.buffer.read()
        exec(compile(program, sys.argv[0], "exec"), main.__dict__)  # noqa: S102 (it is what Ansible wants to be run)
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    import_libraries()
    serve(sys.argv[1])
