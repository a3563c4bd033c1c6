# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection asks of an execution environment: ansible-builder finds it, and it is enough.

The collection is built and installed as users do it, and run in an environment that holds nothing but ansible-core and
what ansible-builder found.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ...tools.environments import make_environment
from .packaged import build, install, run, write_requirements

EXAMPLE = ROOT / "extensions/execution_environment/execution-environment.yml"


@dataclass(frozen=True)
class Installed:
    """The collection installed from its archive, and what ansible-builder says that it needs."""

    archive: Path
    folder: Path
    python: Path
    """Requirements for pip, one a line."""
    system: Path
    """The same for bindep."""

    @property
    def plugins(self) -> Path:
        return self.folder / "ansible_collections/assetops/imports/plugins"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    found = Installed(build(folder), folder / "collections", folder / "pip.txt", folder / "bindep.txt")
    write_requirements(folder / "requirements.yml", found.archive)
    install(folder / "requirements.yml", found.folder)
    arguments = ["--write-pip", str(found.python), "--write-bindep", str(found.system)]
    run("ansible-builder", "introspect", str(found.folder), *arguments)
    return found


@pytest.fixture(scope="module")
def python(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The interpreter of an environment with ansible-core and what was found, and with nothing else."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    core = f"ansible-core=={importlib.metadata.version('ansible-core')}"
    yield make_environment(folder, core, "--requirement", str(installed.python))
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_builder_finds_what_the_collection_asks_for(installed: Installed) -> None:
    assert "requests" in {line.split(">")[0] for line in requirements(installed.python)}
    assert requirements(installed.python) == requirements(ROOT / "meta/ee-requirements.txt")
    assert requirements(installed.system) == requirements(ROOT / "meta/ee-bindep.txt")


@pytest.mark.slow
def test_the_builder_makes_the_context_of_the_image_in_the_example(installed: Installed, tmp_path: Path) -> None:
    archive = installed.archive.name
    definition = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert definition["dependencies"]["galaxy"] == {"collections": [{"name": "assetops.imports"}]}
    # Not from Galaxy, but as it was just built.
    definition["dependencies"]["galaxy"] = {"collections": [{"name": archive, "type": "file"}]}
    definition["additional_build_files"] = [{"src": str(installed.archive), "dest": "."}]
    (tmp_path / "execution-environment.yml").write_text(yaml.safe_dump(definition), encoding="utf-8")
    run("ansible-builder", "create", "--output-filename", "Containerfile", cwd=tmp_path)
    build_folder = tmp_path / "context/_build"
    assert (build_folder / archive).read_bytes() == installed.archive.read_bytes()
    listed = yaml.safe_load((build_folder / "requirements.yml").read_text(encoding="utf-8"))
    assert listed == {"collections": [{"name": archive, "type": "file"}]}
    steps = (tmp_path / "context/Containerfile").read_text(encoding="utf-8")
    assert f'ARG EE_BASE_IMAGE="{definition["images"]["base_image"]["name"]}"' in steps
    assert "introspect.py introspect" in steps, "what the collection needs is not looked for"


@pytest.mark.slow
def test_every_plugin_can_be_imported_with_exactly_that(installed: Installed, python: Path) -> None:
    names = [
        ".".join(path.with_suffix("").relative_to(installed.folder).parts)
        for path in sorted(installed.plugins.rglob("*.py"))
        if path.name != "__init__.py"
    ]
    assert len(names) > 20
    told = ask(
        python, installed, f"import importlib\nfor name in {names}: importlib.import_module(name)\nprint('done')"
    )
    assert told == "done"


@pytest.mark.slow
def test_what_is_imported_late_is_there_too(installed: Installed, python: Path) -> None:
    names = sorted(imported_packages(installed.plugins) - sys.stdlib_module_names)
    assert "requests" in names
    question = f"import importlib.util\nprint([name for name in {names} if importlib.util.find_spec(name) is None])"
    assert ask(python, installed, question) == "[]"


@pytest.mark.slow
def test_a_playbook_imports_with_exactly_that(
    installed: Installed, python: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.configure(parallel=True, seconds_pending=0.0, seconds_running=0.1)
    tasks: list[dict[str, Any]] = [
        {
            "name": "Import a log",
            "assetops.imports.licstat_import": {
                "url": sandbox.licstat_url,
                "api_token": sandbox.licstat_token,
                "license_server_id": 40,
                "src": [str(ROOT / "tests/fixtures/flexnet/cad/debug.log")],
                "receipts": str(tmp_path / "receipts.db"),
            },
        },
        {
            "name": "Ask another system",
            "assetops.imports.bigfix_import_info": {"url": sandbox.bigfix_url, "token": sandbox.bigfix_token},
        },
    ]
    playbook = tmp_path / "site.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    interpreter = json.dumps({"ansible_python_interpreter": str(python)})
    done = subprocess.run(
        [python.with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "-e", interpreter, playbook],
        cwd=tmp_path,
        env=environment(tmp_path, ANSIBLE_COLLECTIONS_PATH=str(installed.folder)),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok=2    changed=1" in done.stdout
    assert sandbox.licstat().servers[40].accepted == 1


def requirements(path: Path) -> set[str]:
    """The lines of a file of requirements, without comments."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line}


def imported_packages(plugins: Path) -> set[str]:
    """Top-level names of what the plugins import absolutely, wherever in their code."""
    names: set[str] = set()
    for path in plugins.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names


def ask(python: Path, installed: Installed, program: str) -> str:
    """What a program prints, with the installed collection at hand."""
    done = subprocess.run(
        [python, "-c", program],
        cwd=installed.folder,
        env=environment(installed.folder, PYTHONPATH=str(installed.folder)),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of the variables of the tests' own environment nothing."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", **more}
