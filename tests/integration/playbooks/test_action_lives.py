# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports in Ansible's worker process: what they show while they run, what they return, and how they die."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.release import __version__ as core_version

from ...running import run_module
from ...sandbox.handle import Sandbox
from ..both_ways import comparable
from ..support import OTHER_PYTHON, QUICK, Logs, only
from .driver import MODULE, SERVER, Ansible, Task
from .test_action_ways import IN_WORKER, ways

BINARIES = Path(sys.executable).parent

# What is shown. An action of the test's own stands in for an import, and goes on when the test has seen what it shows.

ACTION = """
import threading
import time
from pathlib import Path

from ansible_collections.assetops.imports.plugins.plugin_utils._action import ImportAction


def show(host):
    if host.show is None:
        return {"changed": False, "seen": False}
    host.show("begun")
    while not Path(host.params["until"]).exists():
        time.sleep(0.01)
    threads = [threading.Thread(target=lambda: [host.show(f"line {line}.") for line in range(50)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if host.params["defect"]:
        raise KeyError(host.params["secret"])
    return {"changed": False, "seen": True}


class ActionModule(ImportAction):
    ARGUMENTS = {
        "argument_spec": {
            "until": {"type": "path", "required": True},
            "defect": {"type": "bool", "default": False},
            "secret": {"type": "str", "no_log": True},
        }
    }
    work = staticmethod(show)
"""
CANARY = "canary-in-the-mine"


class Shower:
    """A project with that action, and a play that uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.go_on = folder / "go_on"
        for kind in ("action_plugins", "library"):
            (folder / kind).mkdir()
            (folder / kind / "shower.py").write_text(ACTION, encoding="utf-8")

    def play(self, *tasks: Task, options: Task | None = None) -> Path:
        """A play with a task that shows something, after others."""
        shows = {"name": "Import the logs", "shower": {"until": str(self.go_on), **(options or {})}}
        variables = {"ansible_python_interpreter": sys.executable}
        play = {"hosts": "all", "gather_facts": False, "vars": variables, "tasks": [*tasks, shows]}
        path = self.folder / "play.yml"
        path.write_text(json.dumps([play]), encoding="utf-8")
        return path

    def run(self, play: Path, *arguments: str, **environment: str) -> tuple[str, str]:
        """Standard output and standard error; what is shown first lets the task go on."""
        process = subprocess.Popen(
            [BINARIES / "ansible-playbook", "-i", "lic-1,", "-c", "local", play, *arguments],
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        seen = ""
        for line in process.stderr:
            seen += line
            if line == "[lic-1 | Import the logs] begun\n":
                self.go_on.touch()
        output, _none = process.communicate(timeout=60)
        return output, seen


@pytest.fixture
def shower(tmp_path: Path) -> Shower:
    return Shower(tmp_path)


def test_what_is_shown_comes_while_the_task_runs_and_not_among_results_nor_under_no_log(shower: Shower) -> None:
    hidden = {"name": "Import in secret", "shower": {"until": str(shower.go_on)}, "no_log": True}
    callback, strategy = {"ANSIBLE_STDOUT_CALLBACK": "minimal"}, {"ANSIBLE_STRATEGY": "free"}

    output, seen = shower.run(shower.play(hidden), "-vvvv", **callback, **strategy)

    assert shower.go_on.exists(), "it came too late"
    shown = [line.removeprefix("[lic-1 | Import the logs] ") for line in seen.splitlines() if line.startswith("[lic-1")]
    assert shown[0] == "begun"
    assert sorted(shown[1:]) == sorted([f"line {line}." for line in range(50)] * 2), "lines of two threads were mixed"
    assert '"seen": true' in output
    assert "begun" not in output


def test_what_is_shown_is_an_event_while_a_job_of_ansible_runner_runs(shower: Shower) -> None:
    events = []

    def take(event: dict[str, Any]) -> bool:
        events.append((event["event"], event["stdout"]))
        if event["stdout"].endswith("begun"):
            shower.go_on.touch()
        return True

    (shower.folder / "job").mkdir()
    done = ansible_runner.run(
        private_data_dir=str(shower.folder / "job"),
        project_dir=str(shower.folder),
        playbook=str(shower.play()),
        inventory="lic-1 ansible_connection=local",
        event_handler=take,
        settings={"idle_timeout": 60},
        envvars={"PATH": f"{BINARIES}:{os.defpath}"},
        quiet=True,
    )
    assert done.status == "successful", events
    assert ("verbose", "[lic-1 | Import the logs] begun") in events
    assert len([event for event, text in events if event == "verbose" and "] line " in text]) == 100


def test_a_defect_is_reported_without_secrets(shower: Shower) -> None:
    play = shower.play(options={"secret": CANARY, "defect": True})
    output, seen = shower.run(play, "-vvvv", ANSIBLE_DISPLAY_TRACEBACK="always")
    assert "this is a defect of assetops.imports" in output + seen
    assert CANARY not in output + seen


# What is returned, beside what the module returns.


def scenarios(ansible: Ansible, logs: Logs) -> list[Task]:
    """Tasks in all the forms that Ansible has for them."""

    def task(*paths: str | Path, args: Task | None = None, **keywords: Any) -> Task:
        return {MODULE: {**ansible.options(), "src": [str(path) for path in paths], **(args or {})}, **keywords}

    first, second, third = logs(), logs("Größe ☃.log"), logs()
    relative = str(logs().relative_to(ansible.folder))
    return [
        task(first, check_mode=True, diff=True),
        task(first, diff=True),
        task(first, first),
        task(second, args={"license_server_id": str(SERVER), "wait_timeout": "60", "force": "no"}),
        task(relative),
        task("{{ item }}", loop=[str(third), "/nowhere.log"]),
        task(third, until="{result} is succeeded", retries=1, delay=0, args={"src": ["/nowhere.log"]}),
        task(third, failed_when="{result}.state == 'succeeded'"),
        task(third, changed_when=True, run_once=True, throttle=1),
        task(third, no_log=True, args={"api_token": "{{ token_of_the_vault }}"}),
        task(third, args={"api_token": "wrong-token", "force": True}),
        task(third, args={"url": "http://user:secret-pass@127.0.0.1:9/"}),
        task(third, args={"mergepolicy": "reject"}),
        task(third, args={"merge_policy": "whatever"}),
        task(third, args={"license_server_id": "{{ omit }}"}),
        task(third, args={"from": "2022-01-10T00:00:00", "to": "2022-01-11 00:00"}),
        {**task(), MODULE: {"src": [str(third)], "license_server_id": SERVER, "receipts": str(ansible.store)}},
    ]


@pytest.mark.slow
def test_registered_results_are_those_of_the_module(sandbox: Sandbox, tmp_path: Path) -> None:
    results = {}
    for way, python in (("worker", sys.executable), ("module", OTHER_PYTHON)):
        sandbox.reset()
        (tmp_path / way).mkdir()
        ansible = Ansible(sandbox, tmp_path / way)
        ansible.python = python
        results[way] = registered(ansible, sandbox, is_in_worker=way == "worker")
    assert results["worker"] == results["module"]


def registered(ansible: Ansible, sandbox: Sandbox, *, is_in_worker: bool) -> list[Any]:
    """What tasks of all forms give to the tasks after them."""
    sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=0.1)
    tasks = scenarios(ansible, Logs(ansible.folder / "logs"))
    for number, task in enumerate(tasks):
        task.update({"register": f"result_{number}", "ignore_errors": True})
        for condition in {"until", "failed_when"} & task.keys():
            task[condition] = task[condition].format(result=task["register"])
    names = ", ".join(f"result_{number}" for number in range(len(tasks)))
    written = {
        "ansible.builtin.copy": {
            "content": f"{{{{ [{names}] | to_json }}}}",
            "dest": str(ansible.folder / "results.json"),
        }
    }
    done = ansible.play(
        *tasks,
        written,
        module_defaults={"group/assetops.imports.licstat": ansible.connection()},
        vars={"token_of_the_vault": sandbox.licstat_token},
        arguments=["-vvv"],
    )
    assert done.status == 0, done.output
    runs = re.findall(rf"{MODULE} runs (in the worker|as a module)", done.output)
    assert len(runs) == len(tasks) + 1 + 1  # of the loop, and of until
    assert set(runs) == {"in the worker" if is_in_worker else "as a module"}
    assert "secret-pass" not in done.output
    returned = json.loads((ansible.folder / "results.json").read_text(encoding="utf-8"))
    assert [result["state"] for result in returned[:5]] == ["planned", *["succeeded"] * 4]
    for result in returned:
        result.pop("ansible_facts", None)
    return [comparable(result, ansible.folder) for result in returned]


class Inline(str):
    """A string that stands in a playbook encrypted."""


class Dumper(yaml.SafeDumper):
    """Writes such a string as Ansible reads it."""


Dumper.add_representer(Inline, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|"))


@pytest.mark.slow
def test_what_is_in_a_vault_is_read_and_what_a_server_says_is_never_a_template(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    ansible = Ansible(sandbox, tmp_path)
    made, password = tmp_path / "made", tmp_path / "password"
    password.write_text("open sesame", encoding="utf-8")
    token = Inline(VaultLib([("default", VaultSecret(b"open sesame"))]).encrypt(sandbox.licstat_token).decode())
    template = f"{{{{ lookup('ansible.builtin.pipe', 'touch {made}') }}}} {{% raw %}}"
    sandbox.fault("status", operation="import", when="after_body", status=400, body=template)
    imported = {MODULE: {**ansible.options(Logs(tmp_path / "logs")()), "api_token": token}, "register": "result"}
    tasks: list[Task] = [
        {**imported, "ignore_errors": True},
        {"ansible.builtin.debug": {"msg": "{{ result.response }}"}},
        {"ansible.builtin.set_fact": {"again": "{{ result }}"}},
        {"ansible.builtin.debug": {"msg": "{{ again.msg }} {{ again | to_json }}"}},
        imported,
    ]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.dump([play], Dumper=Dumper, sort_keys=False), encoding="utf-8")
    done = ansible.run("play.yml", "-vvv", "--vault-password-file", str(password))
    assert done.status == 0, done.output
    assert ways(done) == {"localhost": IN_WORKER}
    assert template in done.results[1]["msg"]
    assert not made.exists()
    assert done.results[-1]["state"] == "succeeded"
    assert sandbox.licstat_token not in done.output


@pytest.mark.slow
def test_options_of_a_users_playbook_are_still_checked_by_ansible_lint(tmp_path: Path) -> None:
    right: Task = {"url": "http://127.0.0.1", "api_token": "token", "license_server_id": 1, "src": ["a.log"]}
    given: list[Task] = [right, {**right, "merge_policy": "whatever"}, {**right, "mergepolicy": "reject"}]
    tasks = [{"name": f"Import {number}", MODULE: options} for number, options in enumerate(given)]
    (tmp_path / ".ansible-lint").write_text("offline: true\n", encoding="utf-8")  # or that of a folder above holds
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"name": "Import", "hosts": "localhost", "tasks": tasks}], sort_keys=False), encoding="utf-8"
    )
    done = subprocess.run(
        [BINARIES / "ansible-lint", "--format", "json", "play.yml"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    said = [str(found) for found in json.loads(done.stdout) if found["check_name"] == "args[module]"]
    assert len(said) == 2, done.stdout + done.stderr
    assert "whatever" in said[0]
    assert "mergepolicy" in said[1]


# Deaths.


class Dying(Ansible):
    """A playbook with one import, in a process group of its own, that can be ended in the middle."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        (self.log,) = [Logs(folder / "logs")()]
        self.import_options = {**self.options(self.log), "wait_timeout": 120}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **keywords: Any) -> None:
        """Start it."""
        path = self.folder / "play.yml"
        task = {MODULE: self.import_options, **keywords}
        variables = {"ansible_python_interpreter": sys.executable}
        play = {"hosts": "all", "gather_facts": False, "vars": variables, "tasks": [task]}
        path.write_text(json.dumps([play]), encoding="utf-8")
        self._process = subprocess.Popen(
            [BINARIES / "ansible-playbook", "-i", "lic-1,", "-c", "local", path],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The main process, which is the leader of its group."""
        assert self._process is not None
        return self._process.pid

    def worker(self) -> int:
        """The process that runs the import: the last one that the main process has started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        return int(children[-1])

    def wait(self) -> int:
        """Its status at the end."""
        assert self._process is not None
        return self._process.wait(timeout=120)

    def ends(self) -> bool:
        """Whether it ends by itself before long: Ansible gives its workers 10 seconds."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=30)
        return self._process.returncode is not None

    def end(self) -> None:
        """Leave nothing running."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


@pytest.fixture
def dying(sandbox: Sandbox, tmp_path: Path) -> Iterator[Dying]:
    sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=1.0)
    sandbox.clock(speed=0)  # nothing ends before the test wants it
    dying = Dying(sandbox, tmp_path)
    yield dying
    dying.end()
    sandbox.clear_faults()
    sandbox.clock(speed=QUICK)


def interrupt(dying: Dying) -> None:
    """Ctrl-C on a terminal reaches every process; again where Ansible goes on to wait for its worker, as it may."""
    os.killpg(dying.pid, signal.SIGINT)
    if not dying.ends():
        os.killpg(dying.pid, signal.SIGINT)


def terminate(dying: Dying) -> None:
    os.kill(dying.pid, signal.SIGTERM)


def kill(dying: Dying) -> None:
    os.kill(dying.pid, signal.SIGKILL)


def kill_worker(dying: Dying) -> None:
    os.kill(dying.worker(), signal.SIGKILL)


OUTLIVED = {kill} if core_version > "2.19" else {kill, terminate}
"""Deaths of the main process of which the worker hears nothing, so that the import goes on."""


def lives_on(pid: int, death: Callable[[Dying], None]) -> bool:
    """Whether a worker outlives this death. After Ctrl-C it may, for any time; otherwise it is known."""
    if death in OUTLIVED:
        return True
    with contextlib.suppress(ProcessLookupError):
        ended, _none, _none = select.select([os.pidfd_open(pid)], [], [], 5 if death is interrupt else 60)
        assert ended or death is interrupt, "it lives on"
        return not ended
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("death", [interrupt, terminate, kill, kill_worker])
def test_the_next_run_resumes_an_import_that_died_while_it_waited(dying: Dying, death: Callable[[Dying], None]) -> None:
    dying.start()
    dying.sandbox.wait_for(operation="status", count=2, timeout=60)  # the first one asks whether the server is there
    worker = dying.worker()
    death(dying)
    assert dying.wait() != 0
    is_alive = lives_on(worker, death)
    dying.sandbox.clock(speed=QUICK)
    result = run_module("licstat_import", **dying.import_options)
    assert result["state"] == "succeeded"
    reasons = {"joined", "receipt"} if is_alive else {"resumed"}
    assert only(result)["reason"] in (reasons | {"resumed"} if death is interrupt else reasons)
    assert dying.accepted() == 1
    assert len(dying.sandbox.requests("licstat", "import")) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("death", [interrupt, terminate, kill])
def test_an_import_that_died_before_its_answer_is_not_sent_again(dying: Dying, death: Callable[[Dying], None]) -> None:
    """A death of the main process: workers are killed there by the tests of crashes, at every point."""
    dying.sandbox.fault("hold", operation="import", when="after_body")
    dying.start()
    dying.sandbox.wait_for("held", operation="import", timeout=60)
    worker = dying.worker()
    death(dying)
    assert dying.wait() != 0
    is_alive = lives_on(worker, death)
    dying.sandbox.clock(speed=QUICK)
    dying.sandbox.release()
    result = run_module("licstat_import", **dying.import_options)
    states = {"succeeded" if is_alive else "unknown"}
    assert result["state"] in (states | {"unknown"} if death is interrupt else states), result
    assert dying.accepted() == 1
    assert len(dying.sandbox.requests("licstat", "import")) == 1


@pytest.mark.slow
def test_an_import_whose_task_timed_out_is_heard_to_its_end(dying: Dying) -> None:
    dying.sandbox.fault("hold", operation="import", when="after_body")
    dying.start(timeout=20)  # seconds, in which the log is sent on a busy machine, too
    dying.sandbox.wait_for("held", operation="import", timeout=60)
    assert dying.wait() != 0
    dying.sandbox.clock(speed=QUICK)
    dying.sandbox.release()
    result = run_module("licstat_import", **dying.import_options)
    assert result["state"] == "succeeded"
    assert only(result)["reason"] in ("joined", "receipt")
    assert dying.accepted() == 1
