# SPDX-License-Identifier: GPL-3.0-or-later
"""Every system's import, by modules that run on the oldest Python that they are for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ...sandbox.handle import Sandbox
from ...tools.environments import make_environment
from ..support import QUICK
from .driver import PYENV, Ansible, assert_ended_well, python_39
from .targets import PLAYBOOK, TARGETS, imports_taken, inventory

ROLES = ("licstat_import", "bigfix_import", "haplo_batch", "lm_import")


@pytest.mark.slow
def test_all_imports_run_on_hosts_with_python_3_9(sandbox: Sandbox, tmp_path: Path) -> None:
    found = python_39()
    if found is None:
        pytest.skip(f"no Python 3.9 on PATH, in .cache/pythons or in {PYENV}")
    sandbox.clock(speed=QUICK)
    ansible = Ansible(sandbox, tmp_path)
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(make_environment(tmp_path / "old", "requests", python=found)),
        **{f"{role}_run_on": "host" for role in ROLES},
    }
    script = tmp_path / "inventory.sh"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(inventory(**variables))}\nEND\n", encoding="utf-8")
    script.chmod(0o700)
    environment = {**sandbox.environment, "ASSETOPS_RECEIPTS": str(ansible.store)}
    asked = {"assetops.imports.licstat_task_info": {"task_id": "{{ licstat_import_result.imports[0].remote_id }}"}}
    site = [{"import_playbook": PLAYBOOK}, {"hosts": "cad", "gather_facts": False, "tasks": [asked]}]
    (tmp_path / "site.yml").write_text(json.dumps(site), encoding="utf-8")
    command = ["-i", str(script), str(tmp_path / "site.yml")]

    first = ansible.run(*command, **environment)
    assert_ended_well(first)
    assert {host: first.recap(host)["changed"] for host in TARGETS} == dict.fromkeys(TARGETS, 1)
    assert imports_taken(sandbox) == dict.fromkeys(TARGETS, 1)

    second = ansible.run(*command, "--limit", "cad", **environment)
    assert_ended_well(second)
    assert second.recap("cad")["changed"] == 0
    assert imports_taken(sandbox)["cad"] == 1
    assert [done.results[-1]["state"] for done in (first, second)] == ["succeeded"] * 2  # of the task that is asked for
