# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of AWX: containers that forget their home, credentials in the environment, events in place of a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..playbooks.driver import without_spaces
from ..playbooks.targets import PLAYBOOK, TARGETS, imports_taken, inventory, secrets
from ..support import QUICK
from .jobs import Awx, Job
from .packaged import build

ONLY_LOGS = ("--limit", "licstat")
ANY_STORE: dict[str, Any] = {"licstat_import_require_receipts": False}


class Template:
    """A job template: the playbook for all systems, an inventory of the sandbox's, and credentials for them."""

    def __init__(self, awx: Awx, sandbox: Sandbox, folder: Path) -> None:
        self._awx = awx
        self._sandbox = sandbox
        self._folder = folder
        self._homes = 0

    def launch(self, *arguments: str, home: Path, receipts: Path | None = None, **extra_vars: Any) -> Job:
        """Run a job, of whose events none holds a secret."""
        injected = self._sandbox.environment
        if receipts is not None:
            injected["ASSETOPS_RECEIPTS"] = str(receipts)
        if not home.stat().st_mode & 0o200:  # Ansible itself asks for another folder then
            injected["ANSIBLE_HOME"] = injected["ANSIBLE_REMOTE_TMP"] = str(self._folder / "ansible")
        job = self._awx.run(inventory(), *arguments, home=home, environment=injected, extra_vars=extra_vars)
        told = json.dumps(job.events)
        assert not [secret for secret in secrets(self._sandbox) if secret in told]
        return job

    def new_home(self, mode: int = 0o700) -> Path:
        """The home of a container that has just begun."""
        self._homes += 1
        home = self._folder / f"home-{self._homes}"
        home.mkdir()
        home.chmod(mode)
        return home


@pytest.fixture(scope="module")
def awx(tmp_path_factory: pytest.TempPathFactory) -> Awx:
    folder = tmp_path_factory.mktemp("awx")
    return Awx(folder, build(folder), PLAYBOOK)


@pytest.fixture
def template(awx: Awx, sandbox: Sandbox, tmp_path: Path) -> Template:
    sandbox.clock(speed=QUICK)
    return Template(awx, sandbox, tmp_path)


# With a volume that lasts, and a home that nobody may write.


@pytest.mark.slow
def test_jobs_that_share_a_store_import_once(template: Template, sandbox: Sandbox, tmp_path: Path) -> None:
    store = tmp_path / "volume/receipts.db"
    homes = [template.new_home(mode=0o555), template.new_home(mode=0o555)]

    roles = ("licstat_import", "bigfix_import", "haplo_batch", "lm_import")
    begins = {f"{role}_require_receipts": False for role in roles}
    first = template.launch("-vvvv", home=homes[0], receipts=store, **begins)
    assert_successful(first)
    assert first.changed() == dict.fromkeys(TARGETS, 1)
    assert first.result("licstat_import")["receipts"]["store"] == str(store)
    assert imports_taken(sandbox) == dict.fromkeys(TARGETS, 1)

    second = template.launch("-vvvv", home=homes[1], receipts=store)
    assert_successful(second)
    assert second.changed() == {}
    assert "A new receipt store was made" not in second.output
    assert imports_taken(sandbox) == dict.fromkeys(TARGETS, 1)
    assert not [path for home in homes for path in home.iterdir()]


@pytest.mark.slow
def test_without_a_place_for_receipts_a_job_says_so_and_sends_nothing(template: Template, sandbox: Sandbox) -> None:
    home = template.new_home(mode=0o555)
    job = template.launch(*ONLY_LOGS, home=home, **ANY_STORE)
    assert job.status == "failed"
    said = job.result("licstat_import")["msg"]
    assert f"{home} cannot be written" in said
    assert "receipts sets another path" in said
    assert without_spaces(said) in without_spaces(job.output)
    assert sandbox.requests() == []


# With a home that is as new as the container.


@pytest.mark.slow
def test_a_job_in_a_fresh_container_is_refused_or_warned_that_its_store_is_new(
    template: Template, sandbox: Sandbox
) -> None:
    refused = template.launch(*ONLY_LOGS, home=template.new_home())
    assert refused.status == "failed"
    said = refused.result("licstat_import")["msg"]
    assert "require_receipts" in said
    assert "'assetops.imports: Receipts'" in said
    assert without_spaces("'assetops.imports: Receipts'") in without_spaces(refused.output)
    assert sandbox.requests() == []

    home = template.new_home()
    job = template.launch(*ONLY_LOGS, home=home, **ANY_STORE)
    assert_successful(job)
    result = job.result("licstat_import")
    store = home / ".ansible/assetops/receipts.db"
    assert result["receipts"] == {"store": str(store), "created": True}
    (warning,) = result["warnings"]
    assert "A new receipt store was made" in warning
    assert str(store) in warning
    assert without_spaces(warning) in without_spaces(job.output), "the warning is not shown"
    assert imports_taken(sandbox)["cad"] == 1


# What AWX lays out is what runs.


@pytest.mark.slow
def test_the_collection_comes_from_the_requirements_of_the_project(template: Template, sandbox: Sandbox) -> None:
    job = template.launch(*ONLY_LOGS, "--check", home=template.new_home(), **ANY_STORE)
    assert_successful(job)
    assert job.changed() == {"cad": 1}
    assert job.result("licstat_import")["state"] == "planned"
    assert imports_taken(sandbox)["cad"] == 0
    paths = {one["event_data"]["task_path"] for one in job.events if one["event"] == "playbook_on_task_start"}
    assert len(paths) > 1
    assert not [path for path in paths if "/requirements_collections/ansible_collections/" not in path]


def assert_successful(job: Job) -> None:
    assert job.status == "successful", f"{job.explanation}\n{job.output}"
