# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights in which a job imports the logs of five license servers, whatever befalls it, in simulated time.

`Nights` has the license servers, the sandbox, the controller with its clock and its receipts, and the person who puts
right in the morning what the job told in the night. That person knows what the runs said, and nothing else; and looks
into License Statistics where they asked to.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any, Callable
from zoneinfo import ZoneInfo

from time_machine import travel

from ...running import start_module
from ...sandbox.handle import Sandbox
from ...sandbox.licstat.view import LicenseServer as HeldByServer
from ..support import in_process
from .license_servers import FlexNet, Rotation, by_copytruncate, by_renaming

BERLIN = ZoneInfo("Europe/Berlin")
"""Where the controller is, and all license servers but one: three hours from there in winter, four in summer."""
AFAR = ZoneInfo("Atlantic/South_Georgia")

JOB, MORNING = time(2, 30), time(9)
"""When the job starts, by the clocks of Berlin: in an hour that comes twice in autumn, and not at all in spring."""

PATIENCE = 60.0  # real seconds for what happens at once, unless the machine is busy with other things

GREEN, TOLD, RED, IDLE, NOT_RUN = ".", "t", "R", "=", "-"
"""All well and something imported; well, but something is told to be missing; failed; nothing to do; nobody knows."""


@dataclass(frozen=True)
class Night:
    """A night in which the job runs, what befalls it, and what it then tells of each license server."""

    date: str
    told: str
    befalls: str = "nothing"
    comes_again: bool = False
    """The clocks are set back in the hour of the job, so that it comes twice; this is the first time."""
    is_again: bool = False
    """This is the second time."""


@dataclass(frozen=True)
class Kill:
    """An import that is killed when the server has got, or answered, a request; no later one is begun."""

    whose: str
    operation: str
    when: str | None = None
    """How much of the request it has got; None: it has answered it."""
    seconds_running: float = 0.0
    """How long License Statistics takes over imports then."""


@dataclass
class LicenseServer:
    """A license server, and how its logs are imported."""

    number: int
    name: str
    machine: FlexNet
    options: dict[str, Any]
    is_window: bool
    notes: dict[str, Any] = field(default_factory=dict)
    """The last import that went well, as the person who watches over the nights has it before them."""

    def due(self, moment: datetime) -> list[str]:
        """What a whole night has imported by then: all days that are over, or all logs that were rotated."""
        written = self.machine.written
        if not self.is_window:
            return [line.text for line in written[: self.machine.rotated_out]]
        today = self.machine.day_of(moment)
        return [line.text for line in written if self.machine.day_of(line.at) < today]


def license_servers(folder: Path, begin: datetime, late: date, restarts: frozenset[date]) -> list[LicenseServer]:
    """Five, in the order in which the job comes to them.

    `late` is when a log is rotated in the middle of the job, `restarts` when one is that is imported by time ranges.
    """

    def machine(name: str, rotation: Rotation | None = None, zone: ZoneInfo = BERLIN) -> FlexNet:
        return FlexNet(folder / name, zone, begin, rotation)

    numbered = machine("numbered", Rotation(by_copytruncate))
    dated = machine("dated", Rotation(by_renaming, late=frozenset([late])))
    growing, daily = machine("growing"), machine("daily")
    afar = machine("afar", Rotation(by_renaming, on=restarts), AFAR)
    archive = {"afterwards": "archive", "archive": str(folder / "archive")}
    found = {"min_age": 120}
    return [
        LicenseServer(50, "numbered", numbered, {"paths": [str(numbered.folder)], **found}, is_window=False),
        LicenseServer(
            51,
            "dated",
            dated,
            {"paths": [str(dated.folder)], "patterns": ["debug.log-*"], **found, **archive},
            is_window=False,
        ),
        LicenseServer(52, "growing", growing, {"src": [str(growing.log)], "window": "since_last"}, is_window=True),
        LicenseServer(53, "daily", daily, {"src": [str(daily.log)], "window": "yesterday"}, is_window=True),
        LicenseServer(
            54,
            "afar",
            afar,
            {"src": [str(afar.log)], "window": "since_last", "timezone": str(AFAR)},
            is_window=True,
        ),
    ]


class Nights:
    """The nights, one after the other; what happens in them is printed."""

    def __init__(self, sandbox: Sandbox, folder: Path, servers: list[LicenseServer]) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.servers = servers
        self.store = folder / "receipts.db"
        self.token = sandbox.licstat_token
        self.clock_is_off = timedelta()
        self.kill: Kill | None = None
        self.is_job_run = True
        self.makes_store = True  # in the first night
        self.now = self.job_at = datetime.now(timezone.utc)
        sandbox.configure(
            license_servers=[{"id": one.number, "name": one.name} for one in servers],
            keep_lines=True,
            keep_bytes=0,
            seconds_pending=0.0,
            seconds_running=0.0,
        )
        sandbox.clock(speed=0)

    def live_through(self, night: Night) -> str:
        """The night and the morning after it. What was told of each license server, a letter each."""
        day = date.fromisoformat(night.date)
        self._go_on_until(datetime.combine(day, JOB, BERLIN).replace(fold=int(night.is_again)))
        self.job_at = self.now
        with BEFALLS[night.befalls](self):
            results = self._job()
        self.makes_store = False
        told = " ".join(letter(result) for result in results)
        print(f"{night.date}  {told}  {'' if night.befalls == 'nothing' else night.befalls}")
        self._check(night, results)
        if not night.comes_again:
            self._go_on_until(datetime.combine(day, MORNING, BERLIN))
            for one, result in zip(self.servers, results):
                self._put_right(one, result or {})
        return told

    def held(self) -> list[Counter[str]]:
        """How often License Statistics has each line, of each license server."""
        found = self.sandbox.licstat().servers
        return [lines_of(found[one.number]) for one in self.servers]

    def run(self, one: LicenseServer, **options: Any) -> dict[str, Any]:
        """The result of an import by this clock, with these options beside the license server's own."""
        with travel((self.now + self.clock_is_off).astimezone(BERLIN)):
            result = in_process("licstat_import", **self._options(one, **options))
        for entry in result.get("imports", []):
            if entry["state"] == "succeeded":
                one.notes = entry
        return result

    # The night.

    def _go_on_until(self, moment: datetime) -> None:
        self.now = moment.astimezone(timezone.utc)
        for one in self.servers:
            one.machine.go_on_until(self.now)
        self.sandbox.clock(date=self.now)

    def _job(self) -> list[dict[str, Any] | None]:
        """The results; None for those of which there is none."""
        results: list[dict[str, Any] | None] = []
        for one in self.servers if self.is_job_run else ():
            if self.kill is not None and self.kill.whose == one.name:
                self._run_and_kill(one, self.kill)
                break
            results.append(self.run(one))
        return [*results, *[None] * (len(self.servers) - len(results))]

    def _run_and_kill(self, one: LicenseServer, kill: Kill) -> None:
        before = len(self.sandbox.requests("licstat", kill.operation))
        self.sandbox.configure(seconds_running=kill.seconds_running)
        if kill.when is not None:
            self.sandbox.fault("hold", operation=kill.operation, when=kill.when)
        options = self._options(one)
        running = start_module("licstat_import", {"TZ": str(BERLIN)}, at=self.now + self.clock_is_off, **options)
        if kill.when is not None:
            self.sandbox.wait_for("held", operation=kill.operation, timeout=PATIENCE)
        else:
            self.sandbox.wait_for(operation=kill.operation, count=before + 1, timeout=PATIENCE)
        running.kill()
        self.sandbox.clear_faults()
        self.sandbox.wait_idle()
        self.sandbox.configure(seconds_running=0.0)
        self.sandbox.clock(step=kill.seconds_running)

    def _options(self, one: LicenseServer, **options: Any) -> dict[str, Any]:
        usual = {
            "url": self.sandbox.licstat_url,
            "api_token": self.token,
            "license_server_id": one.number,
            "merge_policy": "merge",  # so that the server does not see to it that nothing is there twice
            "receipts": str(self.store),
            "require_receipts": not self.makes_store,
            "wait_sleep": 0.02,
            "unreachable_timeout": 0,
        }
        return {**usual, **one.options, **options}

    def _check(self, night: Night, results: list[dict[str, Any] | None]) -> None:
        """Nothing is ever there twice, and green means that all is there."""
        for one, held, result in zip(self.servers, self.held(), results):
            twice = [text for text, times in held.items() if times > 1]
            assert not twice, f"{night.date}, {one.name}: twice there are {twice}"
            if letter(result) in (GREEN, IDLE):
                missing = [text for text in one.due(self.job_at) if not held[text]]
                assert not missing, f"{night.date}, {one.name}: all seems well, and {missing} are not there: {result}"

    # The morning.

    def _put_right(self, one: LicenseServer, result: dict[str, Any]) -> None:
        """What a person does about what a run told; what the next night does by itself is left to it."""
        for entry in result.get("imports", []):
            if entry["state"] == "unknown":
                self._settle(one, entry)
            elif began_late(entry):
                self._import_rotated(one, entry)
        for gap in [] if result.get("failed") else result.get("gaps", []):
            self._note(one, f"imports {gap['from']} to {gap['to']} by hand", self.run(one, **gap))
        if result.get("http_status") == 401:
            self.token = NEW_TOKEN
        if "require_receipts" in result.get("msg", ""):
            self._adopt(one)

    def _settle(self, one: LicenseServer, entry: dict[str, Any]) -> None:
        tasks = self.sandbox.licstat().tasks
        mine = (task for task in tasks if task.license_server == one.number)
        is_there = any(task.sha256 == entry["content_sha256"] and task.state == "SUCCESS" for task in mine)
        state = "succeeded" if is_there else "failed"
        settled = in_process("import_receipt", receipts=str(self.store), key=entry["key"], state=state)
        self._note(one, f"looks, and settles: {state}", settled)

    def _import_rotated(self, one: LicenseServer, entry: dict[str, Any]) -> None:
        """What was rotated away before it was imported; the first moment of the log tells where that ended."""
        end = datetime.fromisoformat(entry["period"]["first"]) - timedelta(seconds=1)
        rotated = max(one.machine.folder.glob("debug.log-*"))
        result = self.run(one, src=[str(rotated)], **{"from": entry["window"]["from"], "to": str(end)})
        self._note(one, f"imports {entry['window']['from']} to {end} by hand from {rotated.name}", result)

    def _adopt(self, one: LicenseServer) -> None:
        """Write down anew what the last night that went well had imported, unless it is in the archive by now."""
        if "archive" in one.options:
            return
        what = {name: one.notes["window"][name] for name in ("from", "to")} if one.is_window else {"min_age": 24 * 3600}
        if one.options.get("window") == "since_last":
            del what["from"]
        self._note(one, "adopts what was imported before", self.run(one, adopt=True, require_receipts=False, **what))

    def _note(self, one: LicenseServer, deed: str, result: dict[str, Any]) -> None:
        print(f"            {one.name}: somebody {deed}")
        assert not result.get("failed"), f"{one.name}: somebody {deed}: {result['msg']}"


def letter(result: dict[str, Any] | None) -> str:
    """How a run ended, as a person sees it at a glance."""
    if result is None:
        return NOT_RUN
    if result.get("failed"):
        return RED
    unfinished = [one for one in result["left_out"] if one["reason"].startswith("written to less than")]
    if unfinished or result.get("warnings"):
        return TOLD
    return GREEN if result["changed"] else IDLE


def lines_of(held: HeldByServer) -> Counter[str]:
    """How often each line is held; of one that is held as of two moments, both count."""
    counted: Counter[str] = Counter()
    for (_at, text), times in held.lines.items():
        counted[text] += times
    return counted


def began_late(entry: dict[str, Any]) -> bool:
    """Whether a log does not hold the beginning of the time range that was imported from it."""
    window, period = entry["window"], entry["period"]
    return bool(window and period and window["from"] and period["first"] > window["from"])


# What befalls a night.

Befalling = Callable[[Nights], contextlib.AbstractContextManager[None]]

NEW_TOKEN = "5a0d0b0c1e2f4a6b8d7e9f0a1b2c3dff"


@contextlib.contextmanager
def nothing(nights: Nights) -> Iterator[None]:
    """A night like any other."""
    yield


def fault(action: str, **what: Any) -> Befalling:
    """License Statistics, or the way to it, has this fault all night."""

    @contextlib.contextmanager
    def befall(nights: Nights) -> Iterator[None]:
        nights.sandbox.fault(action, **what)
        yield
        nights.sandbox.clear_faults()
        nights.sandbox.wait_idle()

    return befall


def lost(number: int, when: str) -> Befalling:
    """What License Statistics answers to the import into a license server never comes, before or after its work."""
    return fault("drop", operation="import", when=when, path=f"/license-server/{number}/")


@contextlib.contextmanager
def job_not_run(nights: Nights) -> Iterator[None]:
    """The scheduler was off, or the hour did not come."""
    nights.is_job_run = False
    yield
    nights.is_job_run = True


@contextlib.contextmanager
def tasks_fail(nights: Nights) -> Iterator[None]:
    """License Statistics accepts everything and imports nothing."""
    nights.sandbox.configure(problem="No space left on device")
    yield
    nights.sandbox.configure(problem=None)


@contextlib.contextmanager
def token_expires(nights: Nights) -> Iterator[None]:
    """Only another one is good from now on."""
    nights.sandbox.configure(tokens=[{"token": NEW_TOKEN, "user": "Administrator"}])
    yield


@contextlib.contextmanager
def store_lost(nights: Nights) -> Iterator[None]:
    """The controller is set up anew, and nobody thought of its receipts."""
    nights.store.unlink()
    yield


def killed(kill: Kill) -> Befalling:
    """The job is killed."""

    @contextlib.contextmanager
    def befall(nights: Nights) -> Iterator[None]:
        nights.kill = kill
        yield
        nights.kill = None

    return befall


def clock_is_off(**by: float) -> Befalling:
    """The controller's clock is wrong, until somebody sees to it in the morning."""

    @contextlib.contextmanager
    def befall(nights: Nights) -> Iterator[None]:
        nights.clock_is_off = timedelta(**by)
        yield
        nights.clock_is_off = timedelta()

    return befall


BEFALLS: Mapping[str, Befalling] = {
    "nothing": nothing,
    "License Statistics is down": fault("drop", times=None),
    "License Statistics goes down while it is waited for": fault("status", operation="status", times=None),
    "the job is not run": job_not_run,
    "License Statistics fails to import": tasks_fail,
    "the token has expired": token_expires,
    "the receipts are lost": store_lost,
    "killed before it sends": killed(Kill("growing", "no_task", when="before_body")),
    "killed when all is sent": killed(Kill("growing", "import", when="after_body")),
    "killed while it waits": killed(Kill("growing", "status", seconds_running=600)),
    "an answer is lost, and what was sent (growing)": lost(52, "after_body"),
    "an answer is lost (growing)": lost(52, "after_work"),
    "an answer is lost (numbered)": lost(50, "after_work"),
    "an answer is lost, and what was sent (daily)": lost(53, "after_body"),
    "the clock is three hours fast": clock_is_off(hours=3),
    "the clock is three hours slow": clock_is_off(hours=-3),
    "the clock is two days fast": clock_is_off(days=2),
    "the clock is two days slow": clock_is_off(days=-2),
    "a log is rotated at that moment (dated)": nothing,
    "the log was rotated the day before (afar)": nothing,
    "its hour comes for the first time": nothing,
    "its hour comes again": nothing,
}
