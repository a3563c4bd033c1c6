# SPDX-License-Identifier: GPL-3.0-or-later
"""Other runs, as the tests meet them: in this process, or in one of their own that can be stopped and killed.

Started as a script this file is what forks the processes of `OtherRun`, so it imports nothing of the tests.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts import lease
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.sqlite import SQLite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

PATIENCE = 20.0
"""Seconds within which another process must have done what is waited for."""


def wanted(name: str, *, stream: str = "stream", sha256: str | None = "5a" * 32) -> Wanted:
    """An import that is known by its name."""
    return Wanted(
        key=f"key of {name}",
        system="licstat",
        target="target",
        stream=stream,
        source=name,
        size=3,
        content_sha256=sha256,
        options={},
    )


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, which another process brings about. Fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def abandon(store: Store) -> None:
    """Leave a store as a run does that is killed: nothing is written any more, and its lease ends by itself."""
    if store._lease is not None:
        store._lease.end()
        store._database.execute("UPDATE runs SET lease_ends = 0 WHERE id = ?", (store._run,))
    store._database.close()


class OtherRun:
    """A run in a process of its own. Each call returns when the process has done it."""

    def __init__(self, location: str, **constants: float) -> None:
        """`constants` are those of `lease` that shall be others in this run."""
        self._pipe, theirs = Pipe()
        message = json.dumps([location, constants, dict(os.environ)])
        socket.send_fds(_forking(), [message.encode()], [theirs.fileno()])
        theirs.close()
        self.pid = int(_forking().recv(99))

    def __enter__(self) -> OtherRun:
        assert self._answer() == "open"
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def look(self, name: str) -> None:
        """Find the receipt of an import, if there is one."""
        self.ask("look", name)

    def claim(self, name: str) -> int | None:
        """Claim an import as it was when it was looked for last; the number of the attempt."""
        self.begin("claim", name)
        return self.claimed()

    def claimed(self) -> int | None:
        """The answer to a claim that was begun."""
        number = self._answer()
        assert number is None or isinstance(number, int)
        return number

    def mark_sent(self, name: str, attempt: int) -> bool:
        return bool(self.ask("mark_sent", name, attempt))

    def record(self, name: str, attempt: int, state: str, remote_id: str | None = None) -> None:
        self.ask("record", name, attempt, state, remote_id)

    def step_clock(self, seconds: float) -> None:
        """Have its time of day jump."""
        self.ask("step_clock", seconds)

    def die_within_claim(self, name: str) -> None:
        """Have it killed when everything of a claim is written but its end."""
        self.begin("die_within_claim", name)
        self._wait()

    def close(self) -> None:
        """End as a run does that was not disturbed."""
        self.ask("close")
        self._pipe.close()
        self._wait()

    def stop(self) -> None:
        """Let it stand still, and its threads with it."""
        os.kill(self.pid, signal.SIGSTOP)
        eventually(lambda: self._state() == "T")

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as power loss would."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._wait()
        self._pipe.close()

    def begin(self, what: str, *arguments: Any) -> None:
        """Have it do something, without waiting until it is done."""
        self._pipe.send([what, *arguments])

    def ask(self, what: str, *arguments: Any) -> Any:
        self.begin(what, *arguments)
        return self._answer()

    def _answer(self) -> Any:
        return self._pipe.recv()

    def _state(self) -> str:
        return Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]

    def _wait(self) -> None:
        eventually(lambda: not Path(f"/proc/{self.pid}").exists())


@functools.cache
def _forking() -> socket.socket:
    """What a process listens to that has imported everything already, and forks another run for each message."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # which ends it
    return ours


class _OtherSide:
    """What the process of an `OtherRun` can be asked to do."""

    def __init__(self, location: str) -> None:
        self.store = open_store(location)
        self.seen: dict[str, Receipt] = {}

    def look(self, name: str) -> None:
        self.seen.update(self.store.find([wanted(name).key]))

    def claim(self, name: str) -> int | None:
        one = wanted(name)
        return self.store.claim(one, self.seen.get(one.key), now_text())

    def mark_sent(self, name: str, attempt: int) -> bool:
        return self.store.mark_sent(wanted(name).key, attempt, "5a" * 32)

    def record(self, name: str, attempt: int, state: str, remote_id: str | None) -> None:
        self.store.record(wanted(name).key, attempt, state, "", remote_id=remote_id, detail={})

    def step_clock(self, seconds: float) -> None:
        now = time.time
        time.time = lambda: now() + seconds

    def die_within_claim(self, name: str) -> None:
        database = self.store._database
        if isinstance(database, SQLite):
            database.execute("PRAGMA cache_size = 1")  # so that the file itself is half written by then
        execute = database.execute

        def doomed(statement: str, values: Sequence[Any] = ()) -> Any:
            if statement == "COMMIT":
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(statement, values)

        database.execute = doomed  # type: ignore[method-assign]  # broken in place
        self.claim(name)

    def close(self) -> None:
        self.store.close()


def _serve(pipe: Connection, location: str, constants: dict[str, float]) -> None:
    """Do what is asked for until nobody can ask any more."""
    for name, value in constants.items():
        setattr(lease, name, value)
    other = _OtherSide(location)
    pipe.send("open")
    with suppress(EOFError):
        while True:
            what, *arguments = pipe.recv()
            pipe.send(getattr(other, what)(*arguments))


def main() -> None:
    import psycopg  # noqa: F401  # here, so that not every run has to

    requests = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a run that ended is gone at once
    while True:
        message, (*handles,), _flags, _sender = socket.recv_fds(requests, 2**20, 1)
        if not message:
            return
        if (pid := os.fork()) == 0:
            try:
                location, constants, environment = json.loads(message)
                os.environ.update(environment)
                _serve(Connection(handles[0]), location, constants)
            finally:
                os._exit(0)
        os.close(handles[0])
        requests.send(str(pid).encode())


if __name__ == "__main__":
    main()
