# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and the guides say to do is done, with the collection as it is built, in an empty folder."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...postgresql import Server, programs
from ...running import ROOT
from ...sandbox.handle import Sandbox
from ...stores import ask
from ..awx.packaged import build, run
from ..support import QUICK, SERVER, in_process, only
from .pages import GUIDES, PAGES, Reader, blocks_of

KEY = "57ad6c1f0c7b1b8f4a0a5e1f7f1dd0a9e3c8f6b2d4e5a6978890a1b2c3d4e5f6"
TASK = "import_c8056e97-7fb5-4c14-82d5-e2c8d048943f"
EVERYTHING = "ansible-playbook -i /etc/assetops/inventory assetops.imports.import_all"

INSTALL = "ansible-galaxy collection install --offline --force"

INSTEAD = {
    # Installed once for all pages, by this command.
    r"(?m)^ansible-galaxy collection install assetops\.imports$": ":",
    # There is no Galaxy within reach: it gives the archive that was built here.
    r"(?m)^ansible-galaxy collection install assetops\.imports ": f"{INSTALL} ARCHIVE ",
    # Built once for all pages, by this command.
    r"(?m)^ansible-galaxy collection build --output-path dist$": "mkdir dist; cp ARCHIVE dist",
    # The checkout is found as an installed collection of the same version.
    r"(?m)^ansible-galaxy collection install dist/": f"{INSTALL} dist/",
    # Commands for a checkout: there are such.
    r"(?m)^make (\S+).*": rf"make --directory {shlex.quote(str(ROOT))} --dry-run \1 >&2",
    # What is not among the packages of the tests; `make test-eda` runs the rulebook.
    r"(?m)^(pip install|ansible-rulebook) .*": ":",
    # Programs of others, which may not be there.
    r"(?m)^(curl|sqlite3) (.*\\\n)*.*": ":",
    # It needs an AWX: see test_awx_setup.py.
    r"(?m)^ansible-playbook .* assetops\.imports\.awx$": ":",
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def home(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user who has installed the collection."""
    folder = tmp_path_factory.mktemp("home")
    run(*INSTALL.split(), str(archive), "-p", str(folder / ".ansible/collections"))
    return folder


@pytest.fixture
def reader(sandbox: Sandbox, tmp_path: Path, home: Path, archive: Path) -> Reader:
    sandbox.clock(speed=QUICK)
    instead = {pattern: other.replace("ARCHIVE", shlex.quote(str(archive))) for pattern, other in INSTEAD.items()}
    return Reader(tmp_path, sandbox, home, str(tmp_path / "in-place-of-a-database.db"), instead)


def with_an_inventory(reader: Reader) -> None:
    """What the guide for nightly jobs has put there."""
    for block in blocks_of(GUIDES / "nightly_jobs.rst"):
        if block.caption and block.caption.startswith("/etc/assetops/inventory/"):
            reader.write(block)


# What has to be there, or has to have happened, before a page is read.


def imported(reader: Reader) -> None:
    with_an_inventory(reader)
    done = reader.run(EVERYTHING)
    assert done.returncode == 0, done.stdout


def in_doubt(reader: Reader) -> None:
    """The answer to an upload was lost, of an import that has a receipt where the inventory says."""
    with_an_inventory(reader)
    reader.sandbox.fault("drop", operation="import", when="after_work")
    result = an_import(reader, "srv/license-logs/cad/debug.log.1", label="cad")
    assert result["state"] == "unknown"
    reader.instead[KEY] = only(result)["key"]


def under_way(reader: Reader) -> None:
    with_an_inventory(reader)
    (reader.folder / "inventory").symlink_to(reader.root / "etc/assetops/inventory")
    reader.instead[TASK] = only(an_import(reader, "var/log/flexlm/debug.log.1", wait=False))["remote_id"]


def an_import(reader: Reader, log: str, **options: Any) -> dict[str, Any]:
    return in_process(
        "licstat_import",
        url=reader.sandbox.licstat_url,
        api_token=reader.sandbox.licstat_token,
        license_server_id=SERVER,
        src=[str(reader.root / log)],
        receipts=reader.environment["ASSETOPS_RECEIPTS"],
        **options,
    )


def with_an_archive_to_fetch(reader: Reader) -> None:
    archive = str(ROOT / "tests/fixtures/lm/contents_LibraryDemo.zip")
    reader.sandbox.configure("lm", urls=[{"url": "https://builds.example.com/services.zip", "archive": archive}])


BEFORE: dict[str, Callable[[Reader], None]] = {
    "lifecycle_manager.rst": with_an_archive_to_fetch,
    "nothing_missed.rst": imported,
    "results.rst": under_way,
    "settling.rst": in_doubt,
}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "receipts.rst"], ids=lambda page: page.name)
def test_what_a_page_says_to_do_can_be_done(page: Path, reader: Reader) -> None:
    if page.name in BEFORE:
        BEFORE[page.name](reader)

    done = reader.follow(page)

    assert done.returncode == 0, done.stdout
    said = {" ".join(line.split()) for line in done.stdout.splitlines()}
    for block in blocks_of(page):
        for head in re.findall("^target .*", block.text, re.MULTILINE) if block.commands else []:
            assert " ".join(head.split()) in said, f"{block}: {done.stdout}"


@pytest.mark.slow
def test_what_the_page_on_receipts_says_about_postgresql_can_be_done(
    postgresql: Server, sandbox: Sandbox, tmp_path: Path, home: Path
) -> None:
    sandbox.clock(speed=QUICK)
    page = GUIDES / "receipts.rst"
    (statements,) = [block.text for block in blocks_of(page) if block.language == "sql"]
    ask(postgresql.url("postgres", "postgres", "public"), statements.replace("...", postgresql.password()))
    store = re.sub(r"passfile=[^&]*&?", "", postgresql.url("imports", "postgres")).rstrip("?")
    reader = Reader(tmp_path, sandbox, home, store, INSTEAD)
    reader.secrets["PGPASSWORD"] = postgresql.password()
    reader.environment["PATH"] = f"{programs()}:{reader.environment['PATH']}"

    done = reader.follow(page)

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_job_without_a_home_runs_as_the_guide_says(reader: Reader) -> None:
    """Nobody can write to /proc, root neither."""
    with_an_inventory(reader)
    blocks = blocks_of(GUIDES / "nightly_jobs.rst")
    (block,) = [block for block in blocks if block.text.startswith("$ export ANSIBLE_HOME")]
    export, playbook = block.commands

    without = reader.run(f"{playbook} --tags licstat", HOME="/proc/nobody")
    with_both = reader.run(f"{export}\n{playbook} --tags licstat", HOME="/proc/nobody")

    assert without.returncode != 0
    assert "/proc/nobody" in without.stdout
    assert reader.sandbox.licstat().servers[SERVER].imports == 1
    assert with_both.returncode == 0, with_both.stdout


@pytest.mark.slow
def test_the_first_playbook_says_what_happened_where_the_import_failed_too(reader: Reader) -> None:
    (block,) = [block for block in blocks_of(ROOT / "README.md") if block.caption == "import.yml"]
    reader.write(block)
    reader.sandbox.configure(license_servers=[{"id": SERVER, "name": "cad", "import_enabled": False}])

    done = reader.run("ansible-playbook import.yml")

    assert done.returncode == 2, done.stdout
    assert re.search(r'"msg": ".*debug\.log\.1: failed \(new\) ', done.stdout), done.stdout
