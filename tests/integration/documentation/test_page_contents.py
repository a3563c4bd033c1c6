# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and the guides show and no test runs is looked at: names of options, files of other programs, links."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.assetops.imports.plugins.plugin_utils._variables import OF_ROLES

from ...running import ROOT
from ..support import argument_spec
from .pages import GUIDES, PAGES, Block, blocks_of, file_in

MISSPELLED = {"licstat_import_windwo"}
"""As an example."""


# Files for programs that cannot be run here, because they are services of a machine or of others.


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def captioned(*endings: str) -> list[Block]:
    found = [block for page in PAGES for block in blocks_of(page) if block.caption and block.caption.endswith(endings)]
    assert found
    return found


OTHERS = {("sql", "receipts.rst"), ("text", "haplo.rst")}
"""Statements that a test runs; a list of files."""


def test_every_block_is_run_or_looked_at() -> None:
    """A language or a file of which no test knows is none of them."""
    files = (".yml", ".service", ".timer", "/environment", "crontab", "cron.d/assetops", "bin/assetops-imports")
    for page in PAGES:
        begun = re.findall(r"^ *(?:\.\. code|::$|```\w)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(begun) == len(blocks_of(page)), page
        for block in blocks_of(page):
            if block.caption:
                assert block.caption.endswith(files), block
            elif block.language == "console":
                assert block.commands, block
            else:
                assert block.language == "yaml" or (block.language, page.name) in OTHERS, block


def test_cron_lines_are_a_time_a_user_if_it_is_of_the_system_and_a_command() -> None:
    for block in captioned("crontab", "cron.d/assetops"):
        user = r" (?P<user>\w+)" if block.caption != "crontab" else ""
        (line,) = block.text.splitlines()
        found = re.fullmatch(rf"(?P<minute>\d+) (?P<hour>\d+) \* \* \*{user} (?P<command>.+)", line)
        assert found, block
        assert int(found["minute"]) < 60
        assert int(found["hour"]) < 24
        assert "%" not in found["command"], "cron takes it for the end of the line"
        subprocess.run(["/bin/sh", "-nc", found["command"]], check=True)


def test_units_of_systemd_start_what_the_guide_installs() -> None:
    service, timer = (unit_of(block) for block in captioned(".service", ".timer"))
    assert set(service) == {"DEFAULT", "Unit", "Service"}
    assert service["Service"]["ExecStart"] in {block.caption for block in captioned("bin/assetops-imports")}
    assert service["Service"]["StateDirectory"] in file_in("nightly_jobs.rst", "/etc/assetops/environment")
    assert set(timer) == {"DEFAULT", "Timer", "Install"}
    assert timer["Timer"]["Persistent"] == "true"
    assert [Path(str(block.caption)).stem for block in captioned(".service", ".timer")] == ["assetops-imports"] * 2


def unit_of(block: Block) -> configparser.ConfigParser:
    """What systemd reads in a unit's file."""
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block.text)
    return unit


def test_the_script_for_cron_is_sound(tmp_path: Path) -> None:
    script = tmp_path / "assetops-imports"
    script.write_text(file_in("nightly_jobs.rst", "/usr/local/bin/assetops-imports"), encoding="utf-8")
    # It cannot follow the file that is read, and `cd /etc/assetops` is all that tells where that is.
    subprocess.run([tool("shellcheck"), "--exclude=SC1091", str(script)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(("caption", "schema"), [(".gitlab-ci.yml", "gitlab-ci"), ("imports.yml", "github-workflows")])
def test_pipelines_are_such(caption: str, schema: str, tmp_path: Path) -> None:
    """By the schemas of GitLab and GitHub; the commands in them are those that the guide runs."""
    (block,) = captioned(caption)
    file = tmp_path / "pipeline.yml"
    file.write_text(block.text, encoding="utf-8")
    options = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    subprocess.run([tool("check-jsonschema"), *options, "--builtin-schema", f"vendor.{schema}", str(file)], check=True)
    named = re.findall(r"^ +(\w+):", block.text, re.MULTILINE)
    assert {"ANSIBLE_HOME", "ANSIBLE_REMOTE_TMP", "ASSETOPS_RECEIPTS"} <= set(named)
    assert "ansible-playbook -i inventory assetops.imports.import_all" in block.text


def test_alerts_are_about_metrics_that_the_watch_writes() -> None:
    (block,) = captioned("prometheus/assetops.yml")
    (group,) = yaml.safe_load(block.text)["groups"]
    readme = (ROOT / "roles/import_watch/README.md").read_text(encoding="utf-8")
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "annotations"}
        named = re.findall(r"\bassetops_\w+", rule["expr"])
        assert named
        assert all(f"| `{name}` |" in readme for name in named)


def test_the_type_of_credentials_in_the_guide_is_the_one_that_is_shipped() -> None:
    (shown,) = [yaml.safe_load(block.text) for block in blocks_of(GUIDES / "awx.rst") if block.language == "yaml"]
    shipped = yaml.safe_load((ROOT / "extensions/awx/credential_types/licstat.yml").read_text(encoding="utf-8"))
    assert shown["injectors"] == shipped["injectors"]
    assert [{**field, "help_text": None} for field in shown["inputs"]["fields"]] == [
        {**field, "help_text": None} for field in shipped["inputs"]["fields"]
    ]


def test_the_rulebook_in_the_guide_names_what_there_is() -> None:
    (block,) = captioned("rulebook.yml")
    (rulebook,) = yaml.safe_load(block.text)
    documentation = (ROOT / "extensions/eda/plugins/event_source/imports.py").read_text(encoding="utf-8")
    (source,) = rulebook["sources"]
    assert all(f"\n  {option}:\n" in documentation for option in source["assetops.imports.imports"])
    held = re.findall(r"^   \* - ``(\w+)``$", (GUIDES / "events.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"event\.import\.(\w+)", block.text)) <= set(held)


def test_tasks_have_options_that_there_are() -> None:
    uses = [use for page in PAGES for block in blocks_of(page) if block.language == "yaml" for use in uses_in(block)]
    assert len(uses) > 20
    for block, module, options in uses:
        assert set(options) <= set(argument_spec(module)), block


def uses_in(block: Block) -> list[tuple[Block, str, dict[str, Any]]]:
    """The uses of our modules in it, with their options."""
    found = []
    left = [yaml.safe_load(block.text)]
    while left:
        content = left.pop()
        left += content if isinstance(content, list) else content.values() if isinstance(content, dict) else []
        for name, options in content.items() if isinstance(content, dict) else ():
            module = str(name).removeprefix("assetops.imports.")
            if module != name and (ROOT / f"plugins/modules/{module}.py").exists():
                found.append((block, module, options))
    return found


def test_variables_in_texts_are_variables_of_roles() -> None:
    """Whatever begins like one, in blocks and between them."""
    names = {f"{role}_{option}" for role, options in OF_ROLES.items() for option in options}
    for specs in ROOT.glob("roles/*/meta/argument_specs.yml"):
        entries = yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].values()
        names |= {name for entry in entries for name in entry.get("options", {})}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for role in OF_ROLES:
            for name in re.findall(rf"(?<![\w./]){role}_\w+", text):
                is_module = (ROOT / f"plugins/modules/{name}.py").exists()
                assert is_module or name in names | MISSPELLED, f"{page.name}: {name}"


# Links.

MARKDOWN = ("*.md", "docs/*.md", "roles/*/README.md")


@pytest.mark.parametrize("page", [page for pattern in MARKDOWN for page in sorted(ROOT.glob(pattern))], ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    """Those of the guides are checked when the site is built. Of others' pages, only the form is."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            assert re.fullmatch(r"https://[\w.-]+(/\S*)?", target), target
            continue
        path, _unused, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors_of(linked), target


def anchors_of(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_links_of_the_guides_to_others_have_the_form_of_links() -> None:
    for page in PAGES:
        for target in re.findall(r"<(\w+:[^>]*)>`__", page.read_text(encoding="utf-8")):
            assert re.fullmatch(r"https://[\w.-]+(/\S*)?", target), target


def test_every_guide_is_in_the_index() -> None:
    index = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"))
    listed = [name for section in index["sections"] for name in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in GUIDES.glob("*.rst"))
