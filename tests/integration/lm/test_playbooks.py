# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in the documentation of the modules for Lifecycle Manager, and its playbook, as users run them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ...sandbox.lm.asset_archives import DEMO
from ..documentation.test_documentation import _replaced, examples
from ..playbooks.driver import Ansible, assert_ended_well
from ..support import in_process
from .driver import LIBRARY, Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
MODULES = ("lm_import", "lm_import_info", "lm_library_info", "lm_library")


def test_every_example_runs_as_it_stands(lm: Lm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what stands outside of the options."""
    monkeypatch.setenv("ASSETOPS_RECEIPTS", str(tmp_path / "receipts.db"))
    for name, bad in ((DEMO, 0), ("governed.zip", 1), ("nightly.zip", 0)):
        lm.archive(name, bad=bad)
    here = {
        "/srv/exports": str(tmp_path / "archives"),
        "https://lm.example.com": lm.sandbox.lm_url,
        "{{ lm_password }}": lm.sandbox.lm_password,
    }
    results: list[dict[str, Any]] = []
    for module, task in [(name, example) for name in MODULES for example in examples(name)]:
        options = _replaced(task[f"assetops.imports.{module}"], here)
        if "run_id" in options:
            options["run_id"] = results[0]["imports"][0]["remote_id"]
        options["username"] = lm.sandbox.lm_username
        results.append(in_process(module, check=task.get("check_mode", False), diff=task.get("diff", False), **options))

    assert not [result["msg"] for result in results if result.get("failed")]
    states = [result["state"] for result in results[: len(examples("lm_import"))]]
    assert states == ["succeeded", "succeeded", "succeeded", "incomplete", "submitted"]
    assert [result["changed"] for result in results] == [True] * 5 + [False] * 4 + [True, True]
    assert lm.held.assets == []


@pytest.mark.slow
def test_the_playbook_imports_an_archive_and_finds_nothing_to_do_then(sandbox: Sandbox, tmp_path: Path) -> None:
    ansible = Ansible(sandbox, tmp_path)
    inventory = ansible.folder / "inventory.yml"
    variables: dict[str, Any] = {
        "ansible_connection": "local",
        "ansible_python_interpreter": ansible.python,
        "lm_import_url": ansible.sandbox.lm_url,
        "lm_import_library": LIBRARY,
        "lm_import_src": str(ARCHIVE),
    }
    inventory.write_text(yaml.safe_dump({"lm": {"hosts": {"demo": variables}}}), encoding="utf-8")
    environment = {
        "LM_USERNAME": ansible.sandbox.lm_username,
        "LM_PASSWORD": ansible.sandbox.lm_password,
        "ASSETOPS_RECEIPTS": str(ansible.store),
    }
    first, second = (ansible.run("-i", str(inventory), "assetops.imports.lm", **environment) for _unused in range(2))

    assert_ended_well(first)
    assert_ended_well(second)
    assert [done.recap("demo")["changed"] for done in (first, second)] == [1, 0]
    assert len(ansible.sandbox.lm().libraries[LIBRARY].assets) == 12


@pytest.mark.slow
def test_the_example_of_the_role_runs_as_it_stands(sandbox: Sandbox, tmp_path: Path) -> None:
    """With the address and the user of the sandbox, a host and an archive of the test."""
    readme = (ROOT / "roles/lm_import/README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    here = {"https://lm.example.com": sandbox.lm_url, "/srv/exports": str(ARCHIVE.parent)}
    (play,) = _replaced(yaml.safe_load(example), here)
    play["roles"][0]["vars"]["lm_import_username"] = sandbox.lm_username
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    (tmp_path / "hosts").write_text("[lm]\nlibrary ansible_host=192.0.2.1\n", encoding="utf-8")

    ansible = Ansible(sandbox, tmp_path)
    command = ["-i", str(tmp_path / "hosts"), "-e", f"lm_password={sandbox.lm_password}", str(tmp_path / "play.yml")]
    done = ansible.run(*command, ASSETOPS_RECEIPTS=str(ansible.store))

    assert_ended_well(done)
    assert done.recap("library")["changed"] == 1
    assert len(sandbox.lm().libraries[LIBRARY].assets) == 12
