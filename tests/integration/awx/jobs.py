# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them, without AWX: laid out as `awx/main/tasks/jobs.py` lays them out, and run by ansible-runner.

A project update installs the collections that the project asks for. A job is a private data directory, which is sent as
a stream to `ansible-runner worker` in an execution environment, and comes back as a stream of events. AWX's containers
are stood in for by a process that has nothing of the environment of the tests, a home of its own and, even as root, no
right to write where files say that it may not.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from ...running import ROOT
from .packaged import install, write_requirements

PLAYBOOK = "site.yml"

_SETTINGS = {"job_timeout": 120, "suppress_ansible_output": True, "suppress_output_file": True}


@dataclass(frozen=True)
class Job:
    """What AWX keeps of a job."""

    status: str
    explanation: str
    events: list[dict[str, Any]]
    """As ansible-runner writes them, in order."""

    def result(self, module: str) -> dict[str, Any]:
        """What the one task with a module of the collection gave."""
        ended = [one["event_data"] for one in self.events if one["event"] in ("runner_on_ok", "runner_on_failed")]
        (result,) = (data["res"] for data in ended if data["resolved_action"] == f"assetops.imports.{module}")
        assert isinstance(result, dict)
        return result

    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host."""
        (ended,) = (one["event_data"] for one in self.events if one["event"] == "playbook_on_stats")
        changed = ended["changed"]
        assert isinstance(changed, dict)
        return changed

    @property
    def output(self) -> str:
        """What AWX shows, without its colours."""
        return re.sub("\x1b[^m]*m", "", "\n".join(one["stdout"] for one in self.events if one.get("stdout")))


class Awx:
    """A project, updated, in `folder`, and its jobs."""

    def __init__(self, folder: Path, archive: Path, playbook: str) -> None:
        """The project imports a playbook of the collection, which is installed from its archive."""
        self._folder = folder
        self._jobs = 0
        self._project = folder / "project"
        self._collections = folder / "requirements_collections"
        write_requirements(self._project / "collections/requirements.yml", archive)
        play = [{"name": "Import", "import_playbook": playbook}]
        (self._project / PLAYBOOK).write_text(yaml.safe_dump(play), encoding="utf-8")
        install(self._project / "collections/requirements.yml", self._collections)

    def run(
        self,
        inventory: Mapping[str, Any],
        *arguments: str,
        home: Path,
        environment: Mapping[str, str],
        extra_vars: Mapping[str, Any] | None = None,
    ) -> Job:
        """Run one job. `inventory` is as inventory scripts print it, `environment` what credentials inject."""
        self._jobs += 1
        node = self._folder / f"awx_{self._jobs}"
        container = self._folder / f"runner_{self._jobs}"
        self._lay_out(node, inventory, arguments, extra_vars or {})
        stream = self._folder / f"stream_{self._jobs}"
        with stream.open("wb") as output:
            ansible_runner.run(
                streamer="transmit",
                _output=output,
                private_data_dir=str(node),
                ident=str(self._jobs),
                playbook=PLAYBOOK,
                suppress_env_files=True,
                fact_cache_type="",
                envvars={**self._environment(container), **environment},
            )
        return self._work(stream, container, home)

    def _lay_out(
        self, node: Path, inventory: Mapping[str, Any], arguments: tuple[str, ...], extra_vars: Mapping[str, Any]
    ) -> None:
        """Write the private data directory."""
        for folder in ("inventory", "env", "cp"):
            (node / folder).mkdir(mode=0o700, parents=True)
        for copied in (self._project, self._collections):
            shutil.copytree(copied, node / copied.name)
        script = node / "inventory/hosts"
        script.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(inventory)!r})\n")
        script.chmod(0o700)
        told = {"awx_job_id": self._jobs, "awx_job_launch_type": "manual", "awx_user_name": "admin"}
        (node / "env/extravars").write_text(yaml.safe_dump({**extra_vars, **told}), encoding="utf-8")
        (node / "env/cmdline").write_text(" ".join(["-u root --forks=5", *arguments]), encoding="utf-8")
        (node / "env/settings").write_text(json.dumps(_SETTINGS), encoding="utf-8")

    def _environment(self, container: Path) -> dict[str, str]:
        """What AWX sets for each job."""
        return {
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{container}/cp",
            "ANSIBLE_COLLECTIONS_PATH": f"{container}/requirements_collections:/usr/share/ansible/collections",
            "AWX_PRIVATE_DATA_DIR": str(container),
            "JOB_ID": str(self._jobs),
            "MAX_EVENT_RES": "700000",
        }

    def _work(self, stream: Path, container: Path, home: Path) -> Job:
        """What the execution environment makes of a stream."""
        container.mkdir()
        binaries = Path(sys.executable).parent
        command = (str(binaries / "ansible-runner"), "worker", f"--private-data-dir={container}")
        done = subprocess.run(
            [sys.executable, "-m", "tests.integration.awx.jobs", *command],
            cwd=ROOT,
            env={"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"},
            input=stream.read_bytes(),
            capture_output=True,
            check=False,
            timeout=150,
        )
        status, explanation, events = "", done.stderr.decode(), []
        for line in done.stdout.splitlines():
            answer = json.loads(line)
            if "zipfile" in answer:  # the artifacts; AWX has all it shows by then
                break
            if "status" in answer:
                status, explanation = answer["status"], answer.get("job_explanation", explanation)
            if "event" in answer:
                events.append(answer)
        return Job(status, explanation, events)


def heed_permissions() -> None:
    """From the next program on, even root may write only where the mode of a file allows it."""
    if sys.platform == "linux" and os.geteuid() == 0:
        drop_from_bounding_set, may_override = 24, 1  # of Linux's prctl and capabilities
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(drop_from_bounding_set, may_override, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    heed_permissions()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 (the command of this test)
