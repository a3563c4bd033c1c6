#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what imports cost beside what they would cost at least, and say which bars are met: `make bench`.

Every ratio is the median of pairs that were measured in turns (A B A B ...), so that what else the machine does hits
both alike. Everything runs on this host: the sandbox is the server, and .cache/bench is the only place written to.

"The module" is the module as Ansible hands it to Python, one packed file with its options in it, run without Ansible:
its time begins with the start of Python and ends with the end of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Attempt,
    PollResult,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock, WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._receipts.database import Database, Execute
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import (
    Filters,
    count_by_state,
    list_receipts,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import PostgreSQL
from ansible_collections.assetops.imports.plugins.module_utils._receipts.sqlite import SQLite
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from benchmarks.sink import TASK
from tests.postgresql import Server
from tests.sandbox.handle import Sandbox

FOLDER = ROOT / ".cache/bench"
MIB = 1024 * 1024
BIN = Path(sys.executable).parent
LICENSE_SERVER = 40
MODULE = "assetops.imports.licstat_import"
OPEN_LIBRARY = "Open"  # a library of the sandbox that wants no authentication


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    large: int = 1024 * MIB
    middle: int = 100 * MIB
    pairs: int = 5
    starts: int = 15
    logs: int = 1000
    commits: int = 100
    receipts: int = 100_000
    durations: tuple[float, ...] = (0.3, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0, 15.0)


QUICK = Scale(
    large=64 * MIB, middle=16 * MIB, pairs=2, starts=5, logs=100, commits=20, receipts=10_000, durations=(0.5, 1.0, 2.0)
)


@dataclass
class Table:
    """What was found, printed as it is found."""

    missed: list[str] = field(default_factory=list)
    _section: str = ""

    def section(self, title: str, *notes: str) -> None:
        self._section = title
        print(f"\n{title}", flush=True)
        for note in notes:
            print(f"  ({note})", flush=True)

    def line(self, what: str, figures: str, ratio: str = "", aim: str = "", met: bool | None = None) -> None:
        """`met` is None where there is no bar."""
        verdict = "" if met is None else f"{'met' if met else 'MISSED'}: {aim}"
        print(f"  {what:<30} {figures:<60} {ratio:>8}  {verdict}".rstrip(), flush=True)
        if met is False:
            self.missed.append(f"{self._section}: {what}")


# Running things.


def timed(command: list[str], **environment: str) -> tuple[float, str]:
    """Wall time in seconds, and the output, of a process that has to end well."""
    begin = time.perf_counter()
    done = subprocess.run(
        command,
        check=False,
        cwd=FOLDER,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return seconds, done.stdout


def ansible(command: list[str], **environment: str) -> tuple[float, str]:
    """The same for a command of Ansible's, kept away from the user's settings and home."""
    ours = {
        "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"),
        "ANSIBLE_HOME": str(FOLDER / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(FOLDER / "remote"),
    }
    return timed([str(BIN / command[0]), "-i", "inventory", *command[1:]], **{**ours, **environment})


@dataclass(frozen=True)
class Observed:
    """One run of a packed module: wall time of its process in seconds, its result, and what it saw of itself."""

    wall: float
    result: dict[str, Any]
    passes: list[float]
    exchanges: list[float]
    peak_kib: int
    cpu: float

    @property
    def before_sending(self) -> float:
        """Seconds for the digest before sending, with the reading of the file that is done for it alone."""
        return self.passes[0]


class Packed:
    """A module as Ansible hands it to Python: one packed file with its options in it."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        """Has Ansible pack it, which runs it once."""
        temporary = FOLDER / "remote" / f"{name}-{time.monotonic_ns()}"
        arguments = ["--args", json.dumps(options)] if options else []
        environment = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TMP": str(temporary)}
        ansible(["ansible", "localhost", "--module-name", name, *arguments], **environment)
        (self._path,) = temporary.glob("*/AnsiballZ_*.py")

    def seconds(self) -> float:
        """Wall time of its process."""
        return timed([sys.executable, str(self._path)])[0]

    def observe(self, *, hashing: bool = True) -> Observed:
        """Run it with an eye on it, and if told so with digests that cost nothing."""
        report = FOLDER / "observed.json"
        options = [] if hashing else ["--without-hashing"]
        command = [sys.executable, str(ROOT / "benchmarks/observed.py"), str(report), *options, str(self._path)]
        wall, output = timed(command)
        return Observed(wall, json.loads(output), **json.loads(report.read_text(encoding="utf-8")))


def playbook(name: str, tasks: list[dict[str, Any]]) -> list[str]:
    """The command that runs these tasks on this host."""
    path = FOLDER / f"{name}.yml"
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    path.write_text(json.dumps(play), encoding="utf-8")  # JSON is YAML
    return ["ansible-playbook", str(path)]


PING = {"name": "ping", "ansible.builtin.ping": {}}


@contextmanager
def sandbox_with(*, tls: bool = False, **settings: Any) -> Iterator[Sandbox]:
    """A sandbox in real time."""
    with Sandbox(tls=tls, speed=1, config={"licstat": settings}, data_dir=fresh(FOLDER / "sandbox")) as sandbox:
        yield sandbox


def import_options(sandbox: Sandbox, src: list[Path], **options: Any) -> dict[str, Any]:
    return options_for(sandbox.licstat_url, sandbox.licstat_token, sandbox.ca_path, src, **options)


def options_for(url: str, token: str, ca_path: Path | None, src: list[Path], **options: Any) -> dict[str, Any]:
    return {
        "url": url,
        "api_token": token,
        "license_server_id": LICENSE_SERVER,
        "src": [str(path) for path in src],
        "receipts": str(FOLDER / "receipts.db"),
        "use_proxy": False,
        **({"ca_path": str(ca_path)} if ca_path else {}),
        **options,
    }


# Files.


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


LOG = FOLDER / "log.rl"
"""What is imported: a link to one of the files below, so that a packed module can be given any of them."""


def link_log(name: str) -> None:
    LOG.unlink(missing_ok=True)
    LOG.symlink_to(FOLDER / f"{name}.rl")


def write_file(path: Path, size: int) -> None:
    """Bytes that are there, cannot be compressed, and are taken for a report log: the first one is no text."""
    with path.open("wb") as file:
        file.write(b"\0")
        left = size - 1
        while left:
            left -= file.write(os.urandom(min(left, 4 * MIB)))
        os.fsync(file.fileno())


def forget_receipts() -> None:
    for path in FOLDER.glob("receipts.db*"):
        path.unlink()


# Uploads.


@dataclass(frozen=True)
class Upload:
    """In turns: curl's wall time, what curl itself counts from the connection to the answer, and the module twice."""

    curl: float
    curl_request: float
    module: Observed
    without_hashing: Observed


def measure_uploads(scale: Scale, table: Table) -> None:
    table.section(
        f"Upload of {scale.large // MIB} MiB beside curl -F",
        "wall times of whole processes; the module, without waiting for the import, as Ansible hands it to Python;",
        "hashing taken off: a run with digests that cost nothing, less its reading of the file for the first one",
    )
    for tls in (False, True):
        scheme = "HTTPS" if tls else "HTTP"
        with sandbox_with(tls=tls) as sandbox:
            into_sandbox = paired_uploads(
                scale, sandbox.licstat_url, sandbox.licstat_token, sandbox.ca_path, partial(settle, sandbox)
            )
            tell_uploads(table, f"{scheme} into the sandbox", into_sandbox, has_bar=scale.large >= 1024 * MIB)
            certificate = [str(sandbox.data_dir / "server.pem"), str(sandbox.data_dir / "server.key")] if tls else []
            with sink(certificate) as port:
                url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
                into_sink = paired_uploads(scale, url, "nobody", sandbox.ca_path, lambda: None)
        tell_uploads(table, f"{scheme} into a sink", into_sink, has_bar=False)
        slow, fast = (median(pair.curl for pair in pairs) for pairs in (into_sandbox, into_sink))
        if slow > 1.2 * fast:
            print(
                f"  (the sandbox is what limits curl: {slow:.2f} s, where a sink that keeps nothing takes {fast:.2f} s)"
            )


def settle(sandbox: Sandbox) -> None:
    """The sandbox looks at uploads after it has answered: wait until it is done, and have it forget them."""
    sandbox.wait_idle()
    sandbox.reset()


def paired_uploads(
    scale: Scale, url: str, token: str, ca_path: Path | None, before_each: Callable[[], None]
) -> list[Upload]:
    curl = [
        *("curl", "-q", "--silent", "--show-error", "--fail", "--noproxy", "*", "--output", os.devnull),
        *("--write-out", "%{time_total}", "--header", f"X-Auth-token: {token}"),
        *(["--cacert", str(ca_path)] if ca_path else []),
        *("--form", f"file=@{LOG}", f"{url}/api/v3/admin/license-server/{LICENSE_SERVER}/import"),
    ]
    link_log("small")
    forget_receipts()
    module = Packed(MODULE, options_for(url, token, ca_path, [LOG], wait=False))
    link_log("large")
    pairs = []
    for _unused in range(scale.pairs):
        before_each()
        wall, request = timed(curl)
        observed = []
        for hashing in (False, True):
            before_each()
            forget_receipts()
            observed.append(module.observe(hashing=hashing))
            assert observed[-1].result["changed"], observed[-1].result
        pairs.append(Upload(wall, float(request), observed[1], observed[0]))
    return pairs


def measure_archives(scale: Scale, table: Table) -> None:
    table.section(
        f"An archive of {scale.large // MIB} MiB into Lifecycle Manager beside curl -T with the same bytes",
        "multipart/mixed; measured as the uploads above",
    )
    config = {"lm": {"accepts_anything": True}}
    with Sandbox(speed=1, config=config, data_dir=fresh(FOLDER / "sandbox")) as sandbox:
        options = {
            "url": sandbox.lm_url,
            "library": OPEN_LIBRARY,
            "src": str(LOG),
            "wait": False,
            "receipts": str(FOLDER / "receipts.db"),
            "use_proxy": False,
        }
        link_log("small")
        forget_receipts()
        module = Packed("assetops.imports.lm_import", options)
        link_log("large")
        pairs = [archive_pair(sandbox, module) for _unused in range(scale.pairs)]
        tell_uploads(table, "HTTP into the sandbox", pairs, has_bar=scale.large >= 1024 * MIB)
        settle(sandbox)
        forget_receipts()
        peak = module.observe().peak_kib / 1024
    table.line("peak memory", "", f"{peak:.1f} MiB", "< 48 MiB", peak < 48)


def archive_pair(sandbox: Sandbox, module: Packed) -> Upload:
    """curl with a body that was put together before, then the module without hashing and with it."""
    body = FOLDER / "body"
    head = (
        '--b\r\nContent-Type: application/json\r\n\r\n{"importFile":{"name":"log.rl"}}\r\n--b\r\n'
        'Content-Disposition: attachment; name="log.rl"; filename="log.rl"\r\n\r\n'
    )
    with body.open("wb") as file, LOG.open("rb") as log:
        file.write(head.encode())
        shutil.copyfileobj(log, file, MIB)
        file.write(b"\r\n--b--\r\n")
    settle(sandbox)
    curl = [
        *("curl", "-q", "--silent", "--show-error", "--fail", "--noproxy", "*", "--output", os.devnull),
        *("--write-out", "%{time_total}", "--request", "POST", "--upload-file", str(body)),
        *("--header", "Content-Type: multipart/mixed; boundary=b", "--header", "Expect:"),
        f"{sandbox.lm_url}/lm/custom/rest/{OPEN_LIBRARY}/importutils/import",
    ]
    wall, request = timed(curl)
    body.unlink()
    observed = []
    for hashing in (False, True):
        settle(sandbox)
        forget_receipts()
        observed.append(module.observe(hashing=hashing))
        assert observed[-1].result["changed"], observed[-1].result
    return Upload(wall, float(request), observed[1], observed[0])


def tell_uploads(table: Table, what: str, pairs: list[Upload], *, has_bar: bool) -> None:
    def middle(value: Callable[[Upload], float]) -> float:
        return median(value(pair) for pair in pairs)

    curl, wall = middle(lambda pair: pair.curl), middle(lambda pair: pair.module.wall)
    bare = middle(lambda pair: pair.without_hashing.wall - pair.without_hashing.before_sending)
    ratio = middle(lambda pair: (pair.without_hashing.wall - pair.without_hashing.before_sending) / pair.curl)
    figures = f"curl {curl:.2f} s, module without hashing {bare:.2f} s"
    table.line(what, figures, f"{ratio:.2f}", "<= 1.10", ratio <= 1.1 if has_bar else None)
    ratio = middle(lambda pair: pair.module.wall / pair.curl)
    first = middle(lambda pair: pair.module.before_sending)
    table.line("  nothing taken off", f"module {wall:.2f} s, first digest {first:.2f} s of it", f"{ratio:.2f}")
    request, own = middle(lambda pair: pair.module.exchanges[0]), middle(lambda pair: pair.curl_request)
    ratio = middle(lambda pair: pair.module.exchanges[0] / pair.curl_request)
    table.line("  from request to answer alone", f"curl {own:.2f} s, module {request:.2f} s", f"{ratio:.2f}")


@contextmanager
def sink(certificate: list[str]) -> Iterator[int]:
    """The least that can take an upload; its port."""
    port_file = FOLDER / "sink.port"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen([sys.executable, str(ROOT / "benchmarks/sink.py"), str(port_file), *certificate])
    try:
        while not port_file.exists():
            if process.poll() is not None:
                raise SystemExit("the sink did not start")
            time.sleep(0.01)
        yield int(port_file.read_text(encoding="ascii"))
    finally:
        process.terminate()
        process.wait()


def measure_memory(scale: Scale, table: Table) -> None:
    table.section("Peak memory of the module's process, by size of the log", "resident, the kernel's own count")
    for tls in (False, True):
        peaks = {}
        with sandbox_with(tls=tls) as sandbox:
            link_log("small")
            forget_receipts()
            module = Packed(MODULE, import_options(sandbox, [LOG]))
            for name, size in (("small", MIB), ("middle", scale.middle), ("large", scale.large)):
                settle(sandbox)
                link_log(name)
                forget_receipts()
                peaks[size // MIB] = module.observe().peak_kib / 1024
            sandbox.wait_idle()
        figures = ", ".join(f"{size} MiB: {peak:.1f}" for size, peak in peaks.items())
        highest = max(peaks.values())
        table.line("HTTPS" if tls else "HTTP", figures, f"{highest:.1f} MiB", "< 48 MiB", highest < 48)


# Runs with nothing to do.


def measure_nothing_to_do(scale: Scale, table: Table) -> None:
    table.section(
        f"Nothing to do on an imported log of {scale.large // MIB} MiB, beside ansible.builtin.ping",
        "which is a module that does nothing",
    )
    link_log("large")
    forget_receipts()
    with sandbox_with() as sandbox:
        options = import_options(sandbox, [LOG])
        task = {"name": "import", MODULE: options, "register": "outcome"}
        unchanged = {"name": "check", "ansible.builtin.assert": {"that": "outcome is not changed"}}
        ansible(playbook("first", [task]))
        ansible(playbook("second", [task, unchanged]))
        settle(sandbox)

        ping, packed = Packed("ansible.builtin.ping", {}), Packed(MODULE, options)
        pairs = [(ping.seconds(), packed.seconds()) for _unused in range(scale.starts)]
        tell_beside_ping(table, "start-up: the process alone", pairs, has_bar=False)
        tell_beside_ping(table, "a task in a running play", task_times([PING, task] * scale.starts), has_bar=True)
        alone, beside = playbook("import", [task]), playbook("ping", [PING])
        pairs = [(ansible(beside)[0], ansible(alone)[0]) for _unused in range(scale.pairs)]
        tell_beside_ping(table, "whole ansible-playbook", pairs, has_bar=True)
        assert sandbox.requests() == [], "a run with nothing to do sent something"


def task_times(tasks: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """Seconds of the tasks of one play, by twos."""
    results = FOLDER / "results"
    results.unlink(missing_ok=True)
    ansible(
        playbook("alternating", tasks),
        ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "tests/tools/callbacks"),
        ANSIBLE_CALLBACKS_ENABLED="task_results",
        TASK_RESULTS=str(results),
    )
    seconds = [json.loads(line)["seconds"] for line in results.read_text(encoding="utf-8").splitlines()]
    return list(zip(seconds[::2], seconds[1::2], strict=True))


def tell_beside_ping(table: Table, what: str, pairs: list[tuple[float, float]], *, has_bar: bool) -> None:
    ping, ours = (median(pair[place] for pair in pairs) * 1000 for place in (0, 1))
    ratio = median(ours / ping for ping, ours in pairs)
    figures = f"ping {ping:.0f} ms, import {ours:.0f} ms"
    table.line(what, figures, f"{ratio:.2f}", "<= 1.30", ratio <= 1.3 if has_bar else None)


def measure_many_logs(scale: Scale, table: Table) -> None:
    table.section(f"{scale.logs} logs in one task, whole ansible-playbook")
    folder = fresh(FOLDER / "logs")
    logs = [folder / f"{number:04}.rl" for number in range(scale.logs)]
    for log in logs:
        log.write_bytes(b"\0" + os.urandom(10_000))
    forget_receipts()
    time.sleep(2.5)  # a log that was changed just now is not trusted to be unchanged, and is another case
    with sandbox_with(parallel=True, seconds_pending=0.0, seconds_running=0.5) as sandbox:
        command = playbook("many", [{"name": "import", MODULE: import_options(sandbox, logs)}])
        first, _unused = ansible(command)
        imports = sandbox.licstat().servers[LICENSE_SERVER].imports
        assert imports == scale.logs, f"{imports} of {scale.logs} logs were imported"
        table.line("first run", f"{first:.1f} s, with sending and waiting: {first / scale.logs * 1000:.0f} ms a log")
        ping = playbook("ping", [PING])
        pairs = [(ansible(ping)[0], ansible(command)[0]) for _unused in range(scale.pairs)]
        assert sandbox.licstat().servers[LICENSE_SERVER].accepted == scale.logs, "the second run sent something"
    over = median(ours - beside for beside, ours in pairs)
    beside, ours = (median(pair[place] for pair in pairs) for place in (0, 1))
    figures = f"ping {beside:.2f} s, import {ours:.2f} s"
    table.line("second run, nothing to do", figures, f"+{over:.2f} s", "< 2 s over ping", over < 2)


# Receipts.


class Agreeable:
    """A system that takes every import and has carried it out at the first look."""

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def prepare(self) -> None:
        """Nothing to prepare."""

    def probe(self) -> None:
        """It is there."""

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        return ""

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        attempt.commit(str(wanted.content_sha256))
        return Accepted("import_527ddd6f-d7de-4854-bc99-839b5afd458e", TASK)

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        return PollResult("succeeded", "", {**TASK, "tid": remote_id})


def measure_receipts(scale: Scale, table: Table) -> None:
    table.section(
        "Receipts of an import beside as many bare commits of one row",
        "the import's whole life against a server that answers at once; the same disk, journal and durability",
    )
    forget_receipts()
    (FOLDER / "bare.db").unlink(missing_ok=True)
    bare_file = FOLDER / "bare.db"
    bare_file.touch()
    with closing(SQLite("bare", bare_file, 10)) as bare:
        measure_receipts_in("SQLite", str(FOLDER / "receipts.db"), bare, scale, table)
    with Server(is_durable=True) as server, closing(PostgreSQL(server.new_store(), None, 10)) as bare_server:
        bare_server.reconnect()
        measure_receipts_in("PostgreSQL", server.new_store(), bare_server, scale, table)


def measure_receipts_in(kind: str, location: str, bare: Database, scale: Scale, table: Table) -> None:
    bare.execute("CREATE TABLE receipt (key INTEGER PRIMARY KEY, state TEXT)")
    bare.execute("INSERT INTO receipt VALUES (1, '')")
    pairs = []
    with closing(open_store(location)) as store:
        importer = Importer(Agreeable(), store, Policy(), WaitOptions(10, 10, 10), Clock(sleep=lambda _unused: None))
        commits = commits_of_an_import(store, importer)
        for number in range(scale.commits):
            begin = time.perf_counter()
            for step in range(commits):
                bare.execute("BEGIN")
                bare.execute("UPDATE receipt SET state = ? WHERE key = 1", (f"{number} {step}",))
                bare.execute("COMMIT")
            between = time.perf_counter()
            importer.run([an_import(number)])
            pairs.append((between - begin, time.perf_counter() - between))
    ratio = median(ours / beside for beside, ours in pairs)
    beside, ours = (median(pair[place] for pair in pairs) * 1000 for place in (0, 1))
    figures = f"bare {beside:.2f} ms, an import {ours:.2f} ms"
    table.line(f"{kind}, {commits} commits", figures, f"{ratio:.2f}", "<= 2.00", ratio <= 2)


def measure_many_receipts(scale: Scale, table: Table) -> None:
    table.section(f"A store with {scale.receipts} receipts")
    forget_receipts()
    with Server(is_durable=True) as server:
        for kind, location in (("SQLite", str(FOLDER / "receipts.db")), ("PostgreSQL", server.new_store())):
            with closing(open_store(location)) as store:
                fill(store, scale.receipts)
                key, stream = f"{scale.receipts // 2 * 7919 % 1_000_003}-of-an-import", "stream 77"
                assert store.find([key]), key
                looked_up = median_of(partial(store.find, [key]))
                newest_of = median_of(partial(store.newest_of, stream))
                newest = median_of(partial(list_receipts, store, Filters(), 50))
                doubtful = median_of(partial(list_receipts, store, Filters(states=("unknown",)), 50))
                counted_all = median_of(partial(count_by_state, store, Filters()))
            table.line(f"{kind}, look up one", f"{looked_up:.2f} ms", "", "< 5 ms", looked_up < 5)
            table.line(f"{kind}, the newest of a stream", f"{newest_of:.2f} ms", "", "< 5 ms", newest_of < 5)
            table.line(f"{kind}, list newest 50", f"{newest:.1f} ms", "", "< 50 ms", newest < 50)
            table.line(f"{kind}, list unknown 50", f"{doubtful:.1f} ms", "", "< 50 ms", doubtful < 50)
            table.line(f"{kind}, count all by state", f"{counted_all:.1f} ms")


def fill(store: Store, count: int) -> None:
    """Receipts of so many imports, in a hundred streams; one of a thousand is unknown."""
    numbers = f"WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})"
    key = "(i * CAST(7919 AS BIGINT) % 1000003) || '-of-an-import'"

    def change(execute: Execute, _is_again: bool) -> None:
        execute(
            f"{numbers} INSERT INTO receipts SELECT {key}, 'licstat', 'license server ' || (i % 100),"
            " 'stream ' || (i % 100), '{}', 1, '2026' FROM numbers"
        )
        execute(
            f"{numbers} INSERT INTO attempts SELECT {key}, 1, 'a run', CASE i % 1000 WHEN 0 THEN 'unknown' ELSE"
            " 'succeeded' END, '/var/log/' || i || '.log', 1000, NULL, i, 'import_' || i, '', '{}', '2026', '2026-' ||"
            " (1000000 + i), '2026', 'stream ' || (i % 100) FROM numbers"
        )

    store.write(change)
    if store.is_shared:
        store.write(lambda execute, _is_again: execute("ANALYZE"))  # as servers do by themselves after a while


def median_of(work: Callable[[], object]) -> float:
    """The time in milliseconds that it takes."""
    times = []
    for _unused in range(15):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return median(times) * 1000


def an_import(number: int) -> Wanted:
    sha256 = f"{number:064x}"
    options = {"gather": ["denials", "usage"], "merge_policy": "reject", "from": None, "to": None}
    return Wanted(sha256, "licstat", "license server 40", "stream", f"/var/log/{number}.log", 1000, sha256, options)


def commits_of_an_import(store: Store, importer: Importer) -> int:
    """How often an import commits, after the first one of a run, which begins the run as well."""
    changes: list[None] = []
    change = store.write

    def counted_write(what: Callable[[Execute, bool], Any]) -> Any:
        changes.append(None)
        return change(what)

    importer.run([an_import(1_000_000)])
    with mock.patch.object(store, "write", counted_write):
        importer.run([an_import(1_000_001)])
    return len(changes)


# Noticing.


def measure_noticing(scale: Scale, table: Table) -> None:
    table.section(
        "How late the end of an import is noticed",
        "by the sandbox's end of the task and the module's finished_at; imports of several durations at once",
    )
    forget_receipts()
    running = []
    with sandbox_with(parallel=True, seconds_pending=0.0) as sandbox:
        for number, duration in enumerate(scale.durations, 1):
            sandbox.configure(seconds_running=duration)
            running.append((duration, start_import(sandbox, number)))
            sandbox.wait_for("answered", operation="import", count=number)
        results = [(duration, json.loads(process.communicate()[0])) for duration, process in running]
        before = time.time()
        started = (before + time.time()) / 2 - sandbox.clock()
        ends = {task["tid"]: task["ends"] + started for task in sandbox.state()["licstat"]["tasks"]}
    late = []
    for duration, result in results:
        (one,) = result["imports"]
        assert one["state"] == "succeeded", one
        late.append((duration, datetime.fromisoformat(one["finished_at"]).timestamp() - ends[one["remote_id"]]))
    duration, lateness = max(late, key=lambda pair: pair[1] - pair[0] / 10)
    figures = ", ".join(f"{duration:g} s: {lateness:.2f}" for duration, lateness in late)
    print(f"  ({figures})")
    met = all(lateness <= duration / 10 + 0.3 for duration, lateness in late)
    table.line(
        f"{len(late)} imports of {scale.durations[0]:g} to {scale.durations[-1]:g} s",
        f"nearest to its bar: {lateness:.2f} s late after {duration:g} s",
        "",
        "<= a tenth + 0.3 s",
        met,
    )


def start_import(sandbox: Sandbox, number: int) -> subprocess.Popen[str]:
    """The module in a process of its own, that imports another log."""
    log = FOLDER / f"short-{number}.rl"
    log.write_bytes(b"\0" + os.urandom(1000))
    command = [sys.executable, "-m", "tests.running", "licstat_import"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(import_options(sandbox, [log])))
    process.stdin.close()
    process.stdin = None
    return process


SECTIONS: dict[str, Callable[[Scale, Table], None]] = {
    "receipts": measure_receipts,
    "many receipts": measure_many_receipts,
    "upload": measure_uploads,
    "archive": measure_archives,
    "memory": measure_memory,
    "nothing": measure_nothing_to_do,
    "many": measure_many_logs,
    "noticing": measure_noticing,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="64 MiB instead of 1 GiB, and fewer pairs: to try it out")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=list(SECTIONS), help="measure just these")
    options = parser.parse_args()
    scale = QUICK if options.quick else Scale()
    needed = 3 * scale.large  # the log, the sandbox's copy of it, and some more
    if shutil.disk_usage(fresh(FOLDER)).free < needed:
        print(f"{FOLDER} needs {needed // MIB} MiB of free disk.", file=sys.stderr)
        return 2
    # Modules are measured as they are where Python may keep what it has compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(FOLDER / "pycache"))
    python = json.dumps(sys.executable)
    (FOLDER / "inventory").write_text(
        f"localhost ansible_connection=local ansible_python_interpreter={python}\n", encoding="utf-8"
    )
    (FOLDER / "ansible.cfg").touch()
    begin = time.monotonic()
    table = Table()
    try:
        print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}. Files of random bytes are written ...")
        for name, size in (("small", MIB), ("middle", scale.middle), ("large", scale.large)):
            write_file(FOLDER / f"{name}.rl", size)
        for name in options.only:
            SECTIONS[name](scale, table)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"\nDone in {time.monotonic() - begin:.0f} s. Bars missed: {'; '.join(table.missed) or 'none'}.")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
