# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules in processes that are killed at chosen points, that begin all at once, or that are in a hurry about
their lease.

A point lies before and after whatever can be seen or kept outside the process: every statement to the receipt store,
every block sent, and in the middle of it, every answer read, and the module's own result. `Crasher` runs a module up to
the n-th point and has it kill itself there, as power loss would.

    with Crasher() as crasher:
        points = crasher.run("licstat_import", options).points
        crasher.run("licstat_import", options, kill_at=len(points) // 2)

A `HurriedModule` has a short lease, a `Herd` is many runs that begin at the same moment.
"""

from __future__ import annotations

import functools
import http.client
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from ..running import ROOT, RunningModule, parsed, patch_module_args

PLUGINS = "ansible_collections.assetops.imports.plugins"


# The side of the tests.


@dataclass(frozen=True)
class Crash:
    """How a run of a module ended: the points it came to, in order, and its result if it was not killed."""

    points: list[str]
    result: dict[str, Any] | None

    @property
    def was_killed(self) -> bool:
        """Whether the point was there to be killed at."""
        return self.result is None

    def came_to(self, point: str) -> bool:
        """Whether it came to such a point, or beyond."""
        return point in self.points


class Crasher:
    """Runs modules in processes of their own, one at a time. They are forked from one that has imported everything
    already, which is quicker than starting each anew.
    """

    def __init__(self, way: str = "module") -> None:
        """`way`: "module", or "action", where there is one."""
        self._folder = tempfile.TemporaryDirectory(prefix="crasher-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, f"fork_{way}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Crasher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def run(self, module: str, options: dict[str, Any], kill_at: int | None = None) -> Crash:
        """Run a module, to its end or to the point of that number, counted from 1."""
        points, output = Path(self._folder.name, "points"), Path(self._folder.name, "output")
        order = {
            "module": module,
            "options": options,
            "kill_at": kill_at,
            "points": str(points),
            "output": str(output),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        killed_by = json.loads(self._process.stdout.readline())
        text = output.read_text(encoding="utf-8")
        assert killed_by in (0, signal.SIGKILL), text
        came_to = points.read_text(encoding="utf-8").splitlines()
        return Crash(came_to, None if killed_by else parsed(text))


class HurriedModule(RunningModule):
    """A module in a process of its own; its lease ends after `lease` seconds and is renewed every `renewal` seconds."""

    def __init__(self, module: str, options: dict[str, Any], *, lease: float, renewal: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, "hurry", module, str(lease), str(renewal)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(options))
        self.process.stdin.close()
        self.process.stdin = None


class Herd:
    """Many runs of a module, each with its options in a process of its own, that begin all at the same moment."""

    def __init__(self, module: str, all_options: list[dict[str, Any]], folder: Path) -> None:
        self._outputs = [folder / f"output-{number}" for number in range(len(all_options))]
        order = {"module": module, "options": all_options, "outputs": [str(output) for output in self._outputs]}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, "herd"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.pids: list[int] = json.loads(self._process.stdout.readline())

    def results(self, timeout: float = 60) -> list[dict[str, Any] | None]:
        """Their results once all have ended, None for those that were killed."""
        self._process.communicate(timeout=timeout)
        texts = [output.read_text(encoding="utf-8") for output in self._outputs]
        return [parsed(text) if text else None for text in texts]

    def kill(self) -> None:
        """End those that are left."""
        if self._process.poll() is None:
            for pid in self.pids:
                os.kill(pid, signal.SIGKILL)  # not reaped before the process ends that started them
            self._process.communicate()


def more_than_buffers_hold() -> int:
    """A size in bytes that does not fit into the buffers of a connection, so that sending it stands still."""
    mib = 1024 * 1024
    try:
        largest = [Path(f"/proc/sys/net/ipv4/tcp_{kind}mem").read_text(encoding="ascii").split()[2] for kind in "rw"]
    except OSError:
        largest = []
    return max(12 * mib, sum(map(int, largest))) + 4 * mib


# The side of the module.


class Points:
    """Counts the points that the main thread comes to, writes them down and ends the process at the chosen one."""

    def __init__(self, file: int, kill_at: int | None) -> None:
        self._file = file
        self._kill_at = kill_at
        self._count = 0
        self.within: list[str] = []

    def reach(self, where: str) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._count += 1
        os.write(self._file, " ".join([*self.within, where, "\n"]).replace(" \n", "\n").encode())
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a point before and one after it, and its name before that of points within it."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.reach(f"before {name}")
            self.within.append(f"{name}:")
            try:
                result = function(*args, **kwargs)
            finally:
                self.within.pop()
            self.reach(f"after {name}")
            return result

        return wrapped


def watch_store(points: Points) -> None:
    """Points around the statements to the receipt store, told by the method that makes them."""

    for file, database in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        watch_statements(points, getattr(importlib.import_module(f"{PLUGINS}.module_utils._receipts.{file}"), database))
    store = importlib.import_module(f"{PLUGINS}.module_utils._receipts.store").Store
    for name in ("claim", "note", "mark_sent", "note_unknown", "remember_digests", "close"):
        setattr(store, name, points.around(name, getattr(store, name)))
    record = store.record

    def recorded(self: Any, key: str, attempt: int, state: str, *args: Any, **kwargs: Any) -> None:
        points.around(f"record {state}", record)(self, key, attempt, state, *args, **kwargs)

    store.record = recorded


def watch_statements(points: Points, database: Any) -> None:
    execute = database.execute

    def watched(self: Any, statement: str, *values: Any) -> Any:
        name = " ".join(statement.split()[:3])
        points.reach(f"before {name}")
        rows = execute(self, statement, *values)
        points.reach(f"after {name}")
        return rows

    database.execute = watched


def watch_wire(points: Points) -> None:
    """Points around and within the blocks sent, and around the answers. `requests` sends by way of http.client."""
    connection, response = http.client.HTTPConnection, http.client.HTTPResponse
    putrequest, send = connection.putrequest, connection.send
    request, blocks = "", 0

    def watched_putrequest(self: http.client.HTTPConnection, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        nonlocal request, blocks
        request, blocks = url.partition("?")[0].rpartition("/")[2], 0
        putrequest(self, method, url, *args, **kwargs)

    def watched_send(self: http.client.HTTPConnection, data: bytes) -> None:
        nonlocal blocks
        blocks += 1
        name = f"{request} block {blocks}"
        points.reach(f"before {name}")
        half = len(data) // 2
        if half:
            send(self, data[:half])
            points.reach(f"inside {name}")
        send(self, data[half:])
        points.reach(f"after {name}")

    connection.putrequest = watched_putrequest  # type: ignore[method-assign]  # watched in place
    connection.send = watched_send  # type: ignore[assignment, method-assign]  # watched in place
    connection.getresponse = points.around("answer", connection.getresponse)  # type: ignore[method-assign]  # watched in place
    response.read = points.around("body of the answer", response.read)  # type: ignore[method-assign]  # watched in place


def watch_result(points: Points) -> None:
    """Points before a module tells its result; what comes after is watched by `run_forked`."""
    from ansible.module_utils.basic import AnsibleModule

    for name in ("exit_json", "fail_json"):
        setattr(AnsibleModule, name, points.around("result", getattr(AnsibleModule, name)))


def watch_result_of_action(points: Points) -> None:
    """Points around what an action makes of the outcome; what comes after is watched by `run_forked`."""
    action = importlib.import_module(f"{PLUGINS}.plugin_utils._action").ImportAction
    action._module_result = points.around("result", action._module_result)


def small_blocks() -> None:
    """Small files that come in many blocks, and whose digests are remembered though they were made just now."""
    alter({"_files.content.BLOCK": 1024, "_files.content.SETTLED": -3600.0})


def run_forked(order: dict[str, Any], way: str) -> None:
    """Run a module, or its action, in this process, and end it."""
    file = os.open(order["points"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    points = Points(file, order["kill_at"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    watch_store(points)
    watch_wire(points)
    if way == "action":
        watch_result_of_action(points)
    else:
        watch_result(points)
    end_forked(order["module"], order["options"], lambda: points.reach("after the result"), way)


def end_forked(
    module: str, options: dict[str, Any], after: Callable[[], None] = lambda: None, way: str = "module"
) -> NoReturn:
    """Run a module and end this process, without what its parent has laid by for its own end."""
    status = 99
    try:
        if way == "action":
            run_as_action(module, options)
        run(module, options)
    except SystemExit:
        after()
        status = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(status)


def run(module: str, options: dict[str, Any]) -> None:
    with patch_module_args(options):
        importlib.import_module(f"{PLUGINS}.modules.{module}").main()


def run_as_action(module: str, options: dict[str, Any]) -> NoReturn:
    """Run the action and tell its result as a module would."""
    from .both_ways import run_action

    check = options.pop("_ansible_check_mode", False)
    print(json.dumps(run_action(module, check=check, **options)))
    raise SystemExit


def import_all(modules: tuple[str, ...]) -> None:
    """Everything that such modules import, also what they import late."""
    for name in ("psycopg", "requests", f"{PLUGINS}.module_utils._http.transport"):
        importlib.import_module(name)
    for module in modules:
        importlib.import_module(f"{PLUGINS}.modules.{module}")


def serve_forks(way: str) -> None:
    """Fork a process for each order that comes on standard input, and tell how it ended: 0, or the signal's number."""
    import_all(("licstat_import", "licstat_task_info", "bigfix_import", "haplo_batch", "lm_import", "lm_library"))
    if way == "action":
        importlib.import_module("tests.integration.both_ways")
    small_blocks()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run_forked(json.loads(line), way)
        _unused, status = os.waitpid(pid, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)


def alter(constants: dict[str, float]) -> None:
    """Set constants of module_utils, named by file and name."""
    for name, value in constants.items():
        where, _unused, constant = name.rpartition(".")
        utility = importlib.import_module(f"{PLUGINS}.module_utils.{where}")
        assert hasattr(utility, constant), name
        setattr(utility, constant, value)


def serve_herd() -> None:
    """Fork a process for each set of options, let all begin at once, and wait for them."""
    order = json.loads(sys.stdin.readline())
    import_all((order["module"],))
    gate, opener = os.pipe()
    pids = []
    for options, path in zip(order["options"], order["outputs"], strict=True):
        output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.read(gate, 1)
            end_forked(order["module"], options)
        os.close(output)
        pids.append(pid)
    print(json.dumps(pids), flush=True)
    os.close(opener)
    sys.stdin.read()  # they may be killed by their ids as long as they are not waited for
    for pid in pids:
        os.waitpid(pid, 0)


def run_hurried(module: str, lease: str, renewal: str) -> None:
    times = {"LEASE": lease, "RENEWAL": renewal, "RENEWAL_TIMEOUT": renewal}
    alter({f"_receipts.lease.{name}": float(seconds) for name, seconds in times.items()})
    run(module, json.load(sys.stdin))


TASKS: dict[str, Callable[..., None]] = {
    "fork_module": lambda: serve_forks("module"),
    "fork_action": lambda: serve_forks("action"),
    "hurry": run_hurried,
    "herd": serve_herd,
}

if __name__ == "__main__":
    TASKS[sys.argv[1]](*sys.argv[2:])
