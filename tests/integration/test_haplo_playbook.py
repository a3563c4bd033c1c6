# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`haplo_batch` as users run it: the collection's playbook, and the examples of the documentation."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from ansible_collections.assetops.imports.plugins.modules import haplo_batch

from ..running import ROOT
from .haplo import Haplo
from .support import Playbook
from .test_playbooks import Ansible, assert_ended_well


@pytest.mark.slow
def test_the_playbook_tries_and_imports_the_demonstration_once_each(haplo: Haplo, tmp_path: Path) -> None:
    ansible = Ansible(haplo.sandbox, tmp_path)
    environment = {
        "HAPLO_URL": haplo.sandbox.haplo_url,
        "HAPLO_API_KEY": haplo.sandbox.haplo_api_key,
        "ASSETOPS_RECEIPTS": str(haplo.store),
    }
    haplo.store.parent.mkdir()
    command = ["-i", str(ROOT / "tests/inventory/demo"), "assetops.imports.haplo"]

    for tags, expected in ((["--tags", "dry_run"], [True]), ([], [True, False])):
        done = ansible.run(*command, *tags, **environment)
        assert done.status == 0, done.output
        assert [batch.dry_run for batch in haplo.scheduled] == expected

    assert [batch.state for batch in haplo.scheduled] == ["dry-run", "complete"]
    assert [batch.errors for batch in haplo.scheduled] == [0, 0]
    assert "Batch import jobs" in done.output


@pytest.mark.slow
def test_every_example_runs_as_it_stands(haplo: Haplo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address of the sandbox, and the files of this test."""
    monkeypatch.setenv("ASSETOPS_RECEIPTS", str(haplo.store))
    haplo.control = haplo.control_file(
        "people-control.json", files={"people": {"read": "json"}, "DEFAULT": {"read": "tsv-with-name-row"}}
    )
    haplo.control_file("visitors-control.json", files={"visitors": {"read": "tsv-with-name-row"}})
    (tmp_path / "visitors.tsv").write_text("first\tlast\nAnn\tTyler")
    text = haplo_batch.EXAMPLES
    for name in ("arts", "science"):
        haplo.file(name)
    for folder in (tmp_path / "batches/people", tmp_path / "nights/people-2026-11-25"):
        folder.mkdir(parents=True)
        shutil.copy(haplo.control, folder / "control.json")
        for name in ("people.json", "visitors.tsv"):
            shutil.copy(tmp_path / name, folder)
    places = {
        "/etc/haplo": "",
        "/var/lib/hr-export": "",
        "/var/lib/hr-batches": "/batches",
        "/var/lib/hr-nights": "/nights",
    }
    for old, new in places.items():
        text = text.replace(old, f"{tmp_path}{new}")
    tasks = yaml.safe_load(text.replace("https://research.example.ac.uk", haplo.sandbox.haplo_url))
    variables = {"haplo_api_key": haplo.sandbox.haplo_api_key, "haplo_control_digest": haplo.control_digest}

    status, output = Playbook(tmp_path, json.loads(json.dumps(tasks)), vars=variables).run()

    assert status == 0, output
    assert [batch.dry_run for batch in haplo.scheduled] == [False, False, True, *[False] * 5]
    assert [batch.state for batch in haplo.scheduled] == ["complete", "complete", "dry-run", *["complete"] * 5]
    assert [batch.errors for batch in haplo.scheduled] == [0] * 8


@pytest.mark.slow
def test_the_example_of_the_role_runs_as_it_stands(haplo: Haplo, tmp_path: Path) -> None:
    """With the address of the sandbox, a host of the test, and the folder that the text beside it shows."""
    readme = (ROOT / "roles/haplo_batch/README.md").read_text(encoding="utf-8")
    yaml_block, tree = re.findall(r"```(?:yaml|text)\n(.*?)```", readme, re.DOTALL)[:2]
    for line in tree.splitlines():
        path = tmp_path / line.split()[0].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests/fixtures/haplo" / path.name, path)
    play = yaml_block.replace("https://research.example.ac.uk", haplo.sandbox.haplo_url)
    (tmp_path / "play.yml").write_text(play.replace("/var/lib", f"{tmp_path}/var/lib"), encoding="utf-8")
    (tmp_path / "hosts").write_text("[haplo]\nresearch ansible_host=192.0.2.1\n", encoding="utf-8")

    key, receipts = haplo.sandbox.haplo_api_key, str(haplo.store)
    ansible = Ansible(haplo.sandbox, tmp_path)
    command = ["-i", str(tmp_path / "hosts"), "-e", f"haplo_api_key={key}", str(tmp_path / "play.yml")]
    done = ansible.run(*command, ASSETOPS_RECEIPTS=receipts)

    assert_ended_well(done)
    assert [batch.state for batch in haplo.scheduled] == ["complete"]
