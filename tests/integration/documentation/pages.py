# SPDX-License-Identifier: GPL-3.0-or-later
"""README and the guides, block by block, and a reader who does what a page says.

The language of a block, and its caption, say how:

- a block with a caption is a file of that name: `inventory/hosts.yml` in the reader's folder, `/etc/...` below another;
- `console`: the lines after `$ ` are commands, in the order of the page, in one shell;
- `yaml` without a caption: tasks. Those of a page are one play, which runs where the first of them stands.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ..support import Logs

GUIDES = ROOT / "docs/docsite/rst"
PAGES = [ROOT / "README.md", *sorted(GUIDES.glob("*.rst"))]

_IN_MARKDOWN = re.compile(
    r"^(?P<indent> *)(?:[^\n]*`(?P<caption>[\w./-]+)`:\n\n(?P=indent) *)?"
    r"```(?P<language>\w+)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_IN_RST = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\w+)\n(?: +:caption: (?P<caption>.+)\n)?"
    r"\n(?P<text>(?:(?P=indent) +.*\n|\n)+)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A block of code in a page; `line` is where it begins."""

    page: Path
    line: int
    language: str
    caption: str | None
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands in it; a line that ends in a backslash goes on in the next."""
        return re.findall(r"^\$ ((?:.*\\\n)*.*)$", self.text, re.MULTILINE) if self.language == "console" else []

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    blocks = []
    for found in (_IN_RST if page.suffix == ".rst" else _IN_MARKDOWN).finditer(text):
        parts = found.groupdict()
        line = text.count("\n", 0, found.start()) + 1
        content = textwrap.dedent(parts["text"]).strip("\n") + "\n"
        blocks.append(Block(page, line, parts["language"], parts.get("caption"), content))
    return blocks


def file_in(page: str, caption: str) -> str:
    """The content of the file that a guide shows under this caption."""
    (block,) = [block for block in blocks_of(GUIDES / page) if block.caption == caption]
    return block.text


class Reader:
    """Somebody with an empty folder, the collection as it is built, and the sandbox in place of all systems.

    `at_home` is what the pages call so; `instead` are commands of which others are run, or none.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, home: Path, store: str, instead: dict[str, str]) -> None:
        self.folder = folder / "empty"
        self.root = folder / "root"
        self.sandbox = sandbox
        self.instead = instead
        self.environment = {
            **sandbox.environment,
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "ASSETOPS_RECEIPTS": str(self.folder / "receipts.db"),
            "ANSIBLE_NOCOLOR": "1",
        }
        self.secrets = {**sandbox.environment, "PGPASSWORD": "", "CONTROLLER_OAUTH_TOKEN": ""}
        self._here = {
            "https://licstat.example.com": sandbox.licstat_url,
            "https://bigfix.example.com:9081": sandbox.bigfix_url,
            "https://lmt.example.com:9081": sandbox.lmt_url,
            "https://research.example.ac.uk": sandbox.haplo_url,
            "https://lm.example.com": sandbox.lm_url,
            "postgresql://imports@db.example.com/receipts?sslmode=verify-full": store,
            "username: importer": f"username: {sandbox.lm_username}",
        }
        for made in ("opt/assetops", "srv/evidence", "var/lib/assetops", "var/lib/node_exporter", "var/www/imports"):
            (self.root / made).mkdir(parents=True)
        self.folder.mkdir()
        (self.root / "opt/assetops/bin").symlink_to(Path(sys.executable).parent)
        lay_ground(self.root, self.folder)
        self._given = folder / "given.json"
        self._given.write_text(json.dumps(self._variables()), encoding="utf-8")

    def _variables(self) -> dict[str, Any]:
        """What a vault has, and that hosts which are not there are this one."""
        sandbox = self.sandbox
        return {
            "licstat_api_token": sandbox.licstat_token,
            "bigfix_token": sandbox.bigfix_token,
            "lmt_token": sandbox.lmt_token,
            "haplo_api_key": sandbox.haplo_api_key,
            "haplo_standard_api_key": sandbox.haplo_standard_api_key,
            "haplo_outcome_api_key": sandbox.haplo_outcome_api_key,
            "lm_password": sandbox.lm_password,
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }

    def here(self, text: str) -> str:
        """The same with the sandbox, the folders and the secrets of this test in place of those in the pages."""
        for old, new in self._here.items():
            text = text.replace(old, new)
        text = re.sub(r"(?<![\w.:/])/(?=(?:etc|opt|srv|usr|var)/)", f"{self.root}/", text)
        return re.sub(r"\b([A-Z_]+)=(?:'\.\.\.'|\.\.\.)", lambda found: self._set(found[1]), text)

    def _set(self, name: str) -> str:
        return f"{name}={shlex.quote(self.secrets[name])}"

    def follow(self, page: Path) -> subprocess.CompletedProcess[str]:
        """Do all that a page says, in one shell that ends where a command fails."""
        steps: list[str] = []
        tasks: list[dict[str, Any]] = []
        for block in blocks_of(page):
            if block.caption:
                self.write(block)
            elif block.language == "yaml" and block.text.startswith("- "):
                if not tasks:
                    steps.append("ansible-playbook tasks.yml")
                tasks += tasks_in(block)
            steps += [f"# {block}\n{command}" for command in block.commands]
        if tasks:
            play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
            (self.folder / "tasks.yml").write_text(self.here(yaml.safe_dump(play, sort_keys=False)), encoding="utf-8")
        return self.run("\n".join(steps))

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        script = self.here(script)
        for pattern, other in self.instead.items():
            script = re.sub(pattern, other, script)
        script = re.sub(r"\bansible-playbook ", f"ansible-playbook -e @{shlex.quote(str(self._given))} ", script)
        return subprocess.run(
            ["/bin/bash", "-euxc", script],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def write(self, block: Block) -> Path:
        """Write the file that a block is."""
        assert block.caption
        path = self.root / block.caption[1:] if block.caption.startswith("/") else self.folder / block.caption
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(block.text), encoding="utf-8")
        path.chmod(0o755 if block.text.startswith("#!") else 0o600)
        return path


def tasks_in(block: Block) -> list[dict[str, Any]]:
    tasks = yaml.safe_load(block.text)
    assert isinstance(tasks, list), block
    assert all("name" in task and "hosts" not in task for task in tasks), block
    return tasks


def lay_ground(root: Path, folder: Path) -> None:
    """The files that the pages import."""
    logs = Logs(root)
    for server in ("cad", "eda", "cae"):
        logs(f"srv/license-logs/{server}/debug.log.1")
    for name in ("debug.log", "debug.log.1", "debug.log.2"):
        logs(f"var/log/flexlm/{name}")
    for log in root.glob("**/debug.log*"):
        os.utime(log, (time.time() - 3600,) * 2)  # no rotation is under way
    haplo = ROOT / "tests/fixtures/haplo"
    for batch in ("srv/people", "srv/hr-export/people-2026-11-24", "srv/hr-export/people-2026-11-25"):
        shutil.copytree(haplo, root / batch)
        with (root / batch / "people.json").open("a", encoding="utf-8") as people:
            people.write(" " * (len(batch) + int(batch[-1] == "5")))  # another state, of the same people
    shutil.copytree(haplo, root / "var/lib/hr-export")
    (root / "etc/haplo").mkdir(parents=True)
    (root / "var/lib/hr-export/control.json").rename(root / "etc/haplo/people-control.json")
    archive = ROOT / "tests/fixtures/lm/contents_LibraryDemo.zip"
    for path in (root / "srv/exports" / archive.name, folder / "build/services.zip"):
        path.parent.mkdir(parents=True)
        shutil.copy(archive, path)
