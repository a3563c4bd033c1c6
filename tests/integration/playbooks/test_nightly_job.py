# SPDX-License-Identifier: GPL-3.0-or-later
"""What a nightly job says: the script for cron in the guide, as it stands there, and Ansible's own output."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..documentation.pages import file_in
from ..support import Logs, Playbook
from .test_import_all import LICENSE_SERVERS, Site

REFUSED = ("server03", "server07")
REASON = "Importing is not enabled for license server"
SCREEN = 24  # lines of a terminal, or of a mail that is opened
AT_MOST = 60
WIDTH = 80


class Job:
    """Twelve license servers, two of which take no imports, and the script for cron in the guide."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.home = folder / "of-cron"
        self.etc = folder / "etc"
        self.store = folder / "var/receipts.db"
        for made in (self.home, self.etc, self.store.parent):
            made.mkdir(exist_ok=True)
        groups: dict[str, Any] = {"licstat": site.groups()["licstat"]}
        for name in ("refused", "unreachable"):
            del groups["licstat"]["hosts"][name]
        groups["licstat"]["vars"]["licstat_import_url"] = site.sandbox.licstat_url
        (self.etc / "inventory").write_text(json.dumps({"all": {"children": groups}}))
        (self.etc / "ansible.cfg").write_text("[defaults]\nforks = 10\n")
        (self.etc / "environment").write_text(
            f"LICSTAT_API_TOKEN='{site.sandbox.licstat_token}'\nASSETOPS_RECEIPTS={quote(str(self.store))}\n"
        )
        self.script = folder / "assetops-imports"
        text = file_in("nightly_jobs.rst", "/usr/local/bin/assetops-imports")
        self.script.write_text(
            text.replace("/opt/assetops/bin", quote(str(Path(sys.executable).parent))).replace(
                "/etc/assetops", quote(str(self.etc))
            )
        )
        self.enable(all(name not in REFUSED for name in LICENSE_SERVERS))

    def enable(self, enabled: bool) -> None:
        """Whether all license servers take imports; else two of them do not."""
        self.site.sandbox.configure(
            license_servers=[
                {"id": number, "name": name, "import_enabled": enabled or name not in REFUSED}
                for name, number in LICENSE_SERVERS.items()
            ]
        )

    def __call__(self) -> tuple[int, list[str]]:
        """What cron would mail, and the exit status."""
        done = subprocess.run(
            ["/usr/bin/env", "-i", "PATH=/usr/bin:/bin", f"HOME={self.home}", "/bin/sh", str(self.script)],
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        print(done.stdout)
        return done.returncode, done.stdout.splitlines()


@pytest.fixture
def job(sandbox: Sandbox, tmp_path: Path, make_log: Logs) -> Job:
    return Job(Site(sandbox, tmp_path, make_log), tmp_path)


def table_in(lines: list[str]) -> list[str]:
    """The lines of the table."""
    begin = next(number for number, line in enumerate(lines) if line.startswith("target "))
    end = next(number for number, line in enumerate(lines) if number > begin and line.startswith(("fatal:", "ok:")))
    return [line for line in lines[begin:end] if line]


def unwrapped(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


@pytest.mark.slow
def test_cron_mails_the_failures_on_the_first_screen_and_nothing_once_all_is_well(job: Job) -> None:
    status, mail = job()

    assert status == 2
    assert len(mail) <= AT_MOST, len(mail)
    screen = unwrapped(mail[:SCREEN])
    for name in REFUSED:
        assert f"{REASON} {name}." in screen
        assert unwrapped(mail).count(f"{REASON} {name}.") == 1
    too_long = [line for line in table_in(mail) if len(line) > WIDTH]
    assert all(len(line.split()) == 1 for line in too_long)  # a path stays whole, so that it can be copied
    assert job.store.exists()
    assert not (job.home / ".ansible/assetops").exists()

    job.enable(enabled=True)
    assert job() == (0, [])
    assert {job.site.imports[number] for number in LICENSE_SERVERS.values()} == {1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("-i inventory", "-i inventori", "inventori"),
        ("imports.import_all", "imports.import_al", "assetops.imports.import_al"),
        ("imports.quiet", "imports.quite", "assetops.imports.quite"),
        ("ansible-playbook", "ansible-playboko", "not found"),
        ("./environment", "./environmend", "environmend"),
    ],
)
def test_cron_mails_why_the_job_could_not_run(job: Job, old: str, new: str, words: str) -> None:
    job.script.write_text(job.script.read_text().replace(old, new))

    status, mail = job()

    assert status != 0
    assert words in unwrapped(mail)
    assert job.site.sandbox.requests() == []


@pytest.mark.slow
def test_what_keeps_the_task_of_a_role_from_running_is_reported_once_as_well(job: Job) -> None:
    """Variables that are not set, and hosts that cannot be reached."""
    site = job.site
    groups = {"licstat": site.groups()["licstat"]}
    hosts = groups["licstat"]["hosts"]
    groups["licstat"]["hosts"] = {
        "unnumbered": {},
        "secretless": {**hosts["server00"], "licstat_import_api_token": "{{ vault_of_nobody }}"},
        "misplaced": {**hosts["server00"], "licstat_import_run_on": "controler"},
        "unreachable": hosts["unreachable"],
        "server00": hosts["server00"],
    }
    site.write_inventory(groups)
    words = {
        "unnumbered": "licstat_import_license_server_id",
        "secretless": "vault_of_nobody",
        "misplaced": "'controler'",
        "unreachable": "no route to host",
    }

    done = site.import_all(ANSIBLE_STDOUT_CALLBACK="assetops.imports.quiet", ASSETOPS_PROGRESS="0")

    assert done.status == 2, done.output
    assert len(done.output.splitlines()) <= AT_MOST, done.output
    said = unwrapped(done.output.splitlines())
    for text in words.values():
        assert said.count(text) == 1, done.output
    fatal = re.findall(r"^fatal: \[(\w+)\]: .* The table above tells why\.$", done.output, re.MULTILINE)
    assert len(fatal) == len(words)
    assert re.search(r"^unreachable +licstat_import +unreachable ", done.output, re.MULTILINE), done.output


@pytest.mark.slow
def test_the_quiet_callback_shows_what_failed_and_no_secret_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "assetops.imports.quiet")
    monkeypatch.setenv("ANSIBLE_LOCALHOST_WARNING", "false")
    fail = "ansible.builtin.fail"
    each = {"name": "Each", fail: {"msg": "no\n{{ item }}\x1b"}, "loop": ["one", "two"]}
    tasks: list[dict[str, Any]] = [
        {"name": "Well", "ansible.builtin.debug": {"msg": "all is well"}},
        {"name": "Ignored", fail: {"msg": "no matter"}, "ignore_errors": True},
        {"name": "Skipped", fail: {"msg": "no matter"}, "when": False},
        {**each, "ignore_errors": True},
        {"block": [each], "rescue": [{"ansible.builtin.meta": "noop"}]},
        {"name": "Secret", fail: {"msg": "hunter22"}, "no_log": True},
    ]

    status, output = Playbook(tmp_path, tasks).run()

    assert status == 2
    shown = [line for line in output.splitlines() if line]
    assert shown[:4] == ["failed: [localhost]: Each: no", r"one\x1b", "failed: [localhost]: Each: no", r"two\x1b"]
    assert [line.partition(" the ")[0] for line in shown[4:]] == ["fatal: [localhost]: Secret:"]
