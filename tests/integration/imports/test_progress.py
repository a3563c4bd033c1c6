# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of an import while it goes on: by the modules' work, on a terminal, and by ansible-runner.

The sandbox stands still until a line has come, so that each line that is told of is one that came in time.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable

import ansible_runner
import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import invocation_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import run_work

from ...running import patch_module_args
from ...sandbox.handle import Sandbox
from ..bigfix.driver import DataImports
from ..haplo.driver import Haplo
from ..lm.driver import Lm
from ..support import MIB, QUICK, SERVER, Licstat, Logs, Playbook, only

IMPORT = "assetops.imports.licstat_import"
OFTEN = 0.05  # seconds between two lines
WORK = {
    "licstat_import": "import_logs",
    "bigfix_import": "import_data",
    "haplo_batch": "import_batch",
    "lm_import": "import_archive",
}


class Watched:
    """The work of a module, watched. `when` says what to do once a line matches; each is done once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._when: list[tuple[str, Callable[[], object]]] = []

    def when(self, pattern: str, call: Callable[[], object]) -> None:
        self._when.append((pattern, call))

    def __call__(self, name: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result. All that was waited for has come."""
        found = importlib.import_module(f"ansible_collections.assetops.imports.plugins.modules.{name}")
        with patch_module_args(
            {"progress": OFTEN, "timeout": 20, "response_timeout": 20, **options, "_ansible_check_mode": check}
        ):
            host = invocation_of(AnsibleModule(**found.ARGUMENTS, supports_check_mode=True))
        host.show = self._show
        result = run_work(host, getattr(found, WORK[name]))
        assert not self._when, self.lines
        return result

    @property
    def end(self) -> str:
        """The last line about the import, after which one may tell that the work has still something to do."""
        return [line for line in self.lines if not line.startswith("still at ")][-1]

    def _show(self, line: str) -> None:
        self.lines.append(line)
        due = [call for pattern, call in self._when if re.search(pattern, line)]
        self._when = [(pattern, call) for pattern, call in self._when if not re.search(pattern, line)]
        for call in due:
            call()


def release(sandbox: Sandbox) -> None:
    """Let the request go on that is, or is about to be, held."""
    sandbox.wait_for("held")
    sandbox.release()


@pytest.fixture
def watched() -> Watched:
    return Watched()


# What each system tells


def test_license_statistics_tells_how_much_is_sent_then_its_state(
    watched: Watched, licstat: Licstat, make_log: Logs, sandbox: Sandbox
) -> None:
    log, server = make_log(mib=64), f"{sandbox.licstat_url} license server {SERVER}"
    sandbox.configure(seconds_pending=10, seconds_running=10)
    sandbox.clock(speed=0)
    sandbox.fault("stall", operation="import", after_bytes=16 * MIB)
    way = re.escape(f"{server}: {log}")
    watched.when(rf"^{way}: (2[5-9]|[3-9]\d) % of 64\.0 MiB after ", lambda: release(sandbox))
    watched.when(rf"^{way}, import_\S+: submitted after ", lambda: None)
    watched.when(rf"^{way}, import_\S+: PENDING after ", lambda: sandbox.clock(step=12))
    watched.when(
        rf"^{way}, import_\S+: the state 'STARTED' is not documented.* after ", lambda: sandbox.clock(speed=QUICK)
    )
    result = watched("licstat_import", **licstat.options(log))
    assert result["state"] == "succeeded"
    assert re.fullmatch(rf"{way}, {only(result)['remote_id']}: succeeded after .*", watched.end)


def test_bigfix_tells_its_percentage(watched: Watched, bigfix: DataImports, sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    way = re.escape(f"{sandbox.bigfix_url}: complete import")
    watched.when(rf"^{way}: submitted after ", lambda: sandbox.clock(step=9))
    watched.when(rf"^{way}: An import is running \(45 %\) after ", lambda: sandbox.clock(speed=QUICK))
    assert watched("bigfix_import", **bigfix.options())["state"] == "succeeded"
    assert re.fullmatch(rf"{way}: succeeded after .*", watched.end)


def test_lifecycle_manager_tells_its_count(watched: Watched, lm: Lm, sandbox: Sandbox) -> None:
    archive = lm.archive()
    sandbox.clock(speed=0)
    way = re.escape(f"{sandbox.lm_url} library LibraryDemo: {archive}")
    watched.when(rf"^{way}, import_\S+: its assets are not counted yet after ", lambda: sandbox.clock(step=0.55))
    watched.when(
        rf"^{way}, import_\S+: \d+ assets? (is|are) not published yet after ", lambda: sandbox.clock(speed=QUICK)
    )
    assert watched("lm_import", **lm.options(archive))["state"] == "succeeded"
    assert re.fullmatch(rf"{way}, import_\S+: succeeded after .*", watched.end)


def test_haplo_tells_of_a_step_that_takes_long(watched: Watched, haplo: Haplo, sandbox: Sandbox) -> None:
    sandbox.fault("hold", operation="schedule", when="after_work")
    way = re.escape(f"{sandbox.haplo_url}: {haplo.control}")
    watched.when(rf"^{way}: all of \d+ B sent, no answer yet after ", lambda: release(sandbox))
    assert watched("haplo_batch", **haplo.options())["state"] == "scheduled"
    assert re.fullmatch(rf"{way}, \S+: scheduled after .*", watched.end)


def test_of_several_logs_a_line_tells_how_many_are_where(
    watched: Watched, licstat: Licstat, make_log: Logs, sandbox: Sandbox
) -> None:
    logs = [make_log() for _number in range(4)]
    licstat(logs[0])
    sandbox.clock(speed=0)
    sandbox.fault("hold", operation="import", when="after_work", skip=1)
    server = re.escape(f"{sandbox.licstat_url} license server {SERVER}")
    sending = re.escape(f"1 being sent ({logs[2]}, all of ")
    summary = rf"1 of 4 done, 1 waited for, {sending}.* sent, no answer yet\), 1 to go"
    watched.when(rf"^{server}: {summary} after ", lambda: release(sandbox))
    watched.when(rf"^{server}: 1 of 4 done, 3 waited for after ", lambda: sandbox.clock(speed=QUICK))
    assert watched("licstat_import", **licstat.options(*logs))["state"] == "succeeded"
    ends = [line for line in watched.lines if ": succeeded after " in line]
    assert [str(log) for log in logs[1:]] == sorted(re.findall(r": (/.+?\.log)", "\n".join(ends)))


# What is not told


def test_a_token_that_was_exchanged_for_a_password_is_not_reported(
    watched: Watched, bigfix: DataImports, sandbox: Sandbox
) -> None:
    sandbox.clock(speed=0)
    bigfix.fault("patch", "status", set={"mode": f"busy with {sandbox.bigfix_token}"}, times=None, skip=2)
    watched.when("busy with", sandbox.clear_faults)
    watched.when("busy with", lambda: sandbox.clock(speed=QUICK))
    user = sandbox.settings()["bigfix"]["users"][0]
    login = {"username": user["user"], "password": user["password"]}
    options = {name: value for name, value in bigfix.options(**login).items() if name != "token"}
    assert watched("bigfix_import", **options)["state"] == "succeeded"
    assert not [line for line in watched.lines if sandbox.bigfix_token in line]


# As people see it


class Live:
    """A running process whose lines are read as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._has_ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def until(self, pattern: str, timeout: float = 60) -> None:
        """Wait for a line that matches. Fails if the process ends, or much time passes, without one."""
        with self._news:
            self._news.wait_for(lambda: self._has(pattern) or self._has_ended, timeout)
            assert self._has(pattern), "\n".join(self.lines)

    def _has(self, pattern: str) -> bool:
        return any(re.search(pattern, line) for line in self.lines)

    def finish(self) -> int:
        """Wait for its end. Returns its status."""
        self._reader.join(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.wait(60)


def logs_in(tmp_path: Path, licstat: Licstat, count: int) -> list[Path]:
    make = Logs(tmp_path / "logs")
    return [make(f"{number}.log") for number in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_lines_come_to_the_terminal_while_the_task_runs(
    strategy: str, licstat: Licstat, tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.clock(speed=0)
    logs_in(tmp_path, licstat, 2)
    options = licstat.options(progress=1, wait_timeout=60)
    task = {"name": "Import the logs", IMPORT: {**options, "src": [f"{tmp_path}/logs/{{{{ number }}}}.log"]}}
    playbook = Playbook(tmp_path, [task], hosts="lic-*", strategy=strategy)
    inventory = {f"lic-{number}": {"number": number, "ansible_connection": "local"} for number in range(2)}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": inventory}}), encoding="utf-8")
    live = Live(playbook.start("-i", str(tmp_path / "inventory.json")))
    try:
        for number in range(2):
            begin = rf"^\[lic-{number} \| Import the logs\] .*/{number}\.log, import_\S+: "
            live.until(rf"{begin}submitted after ")
            live.until(rf"{begin}PENDING after ")
    finally:
        sandbox.clock(speed=QUICK)
    assert live.finish() == 0, live.lines
    for number in range(2):
        live.until(rf"^\[lic-{number} \| .*: succeeded after ")


@pytest.mark.slow
def test_nothing_comes_with_no_log_in_check_mode_on_other_ways_and_with_an_interval_of_0(
    licstat: Licstat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSETOPS_PROGRESS", "0")
    logs = logs_in(tmp_path, licstat, 5)
    keywords: list[dict[str, Any]] = [
        {"name": "silent by the environment"},
        {"name": "silent by no_log", "no_log": True, "option": 1},
        {"name": "silent in check mode", "check_mode": True, "option": 1},
        {
            "name": "silent in a module",
            "environment": {"WAY": "module"},
            "option": 1,
        },
        {"name": "told", "option": 1},
    ]
    tasks = []
    for log, task in zip(logs, keywords):
        own = {"progress": task.pop("option")} if "option" in task else {}
        tasks.append({**task, IMPORT: licstat.options(log, **own)})
    status, output = Playbook(tmp_path, tasks).run()
    assert status == 0, output
    told = re.findall(r"^\[localhost \| (.*?)\] .*?, (import_\S+)?: (submitted|succeeded) after ", output, re.MULTILINE)
    assert [(name, state) for name, _remote_id, state in told] == [("told", "submitted"), ("told", "succeeded")]


# In ansible-runner, as AWX uses it


class Job:
    """A job of ansible-runner with an idle timeout in seconds, in a thread of this process."""

    def __init__(self, folder: Path, task: dict[str, Any], idle_timeout: int, **environment: str) -> None:
        (folder / "project").mkdir(parents=True)
        Playbook(folder / "project", [task], vars={"ansible_python_interpreter": sys.executable})
        self.shown: list[str] = []
        self.thread, self.runner = ansible_runner.run_async(
            private_data_dir=str(folder),
            playbook="playbook.yml",
            inventory="localhost ansible_connection=local",
            envvars={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **environment},
            settings={"idle_timeout": idle_timeout},
            event_handler=lambda event: self.shown.append(event["stdout"]),
            quiet=True,
        )


@pytest.mark.slow
def test_an_idle_timeout_ends_a_silent_job_and_not_one_that_tells(
    licstat: Licstat, make_log: Logs, tmp_path: Path, sandbox: Sandbox
) -> None:
    idle_timeout = 15  # seconds, more than Ansible takes to begin
    sandbox.configure(parallel=True, seconds_pending=idle_timeout + 5, seconds_running=0)
    sandbox.clock(speed=1)
    tasks = [{"name": "Import", IMPORT: licstat.options(make_log(), wait_timeout=60)} for _job in range(2)]
    silent = Job(tmp_path / "silent", tasks[0], idle_timeout, ASSETOPS_PROGRESS="0")
    telling = Job(tmp_path / "telling", tasks[1], idle_timeout)
    for job in (silent, telling):
        job.thread.join(120)
    assert (silent.runner.status, telling.runner.status) == ("timeout", "successful"), telling.shown
    told = [line for line in telling.shown if line.startswith("[localhost | Import] ")]
    assert re.search(r", import_\S+: submitted after ", told[0])
    assert len([line for line in told[1:-1] if ": PENDING after " in line]) >= 2
    assert re.search(r", import_\S+: succeeded after ", told[-1])
    assert not [line for line in silent.shown if "| Import] " in line]
