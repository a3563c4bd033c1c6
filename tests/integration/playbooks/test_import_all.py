# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook for all systems, with fifty license servers and one target of each other kind."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ..support import QUICK, Logs, log_text
from .driver import Ansible, Done, without_spaces

PLAYBOOK = "assetops.imports.import_all"
LICENSE_SERVERS = {f"server{number:02}": 100 + number for number in range(50)}
OTHERS = ("inventory", "metric_tool", "research", "library")
REPORT = re.compile(r"^(\d+ targets|\w+) +(\w+|-) +(not run|\w+) +(\S.*?|-) {2,}(.*?) +(\S+)$", re.MULTILINE)
"""A line of the report, for a target or for several of which there is the same to tell."""
SAFE = {"no_task", "status", "library"}
"""Operations of the sandbox that change nothing."""


class Site(Ansible):
    """An inventory of all targets, and the sandbox that knows them. Each license server has one log."""

    def __init__(self, sandbox: Sandbox, folder: Path, make_log: Logs) -> None:
        super().__init__(sandbox, folder)
        sandbox.clock(speed=QUICK)
        servers = [{"id": number, "name": name} for name, number in LICENSE_SERVERS.items()]
        servers.append({"id": 99, "name": "refused", "import_enabled": False})
        sandbox.configure(license_servers=servers, parallel=True, seconds_pending=0.0, seconds_running=0.1)
        for system in ("bigfix", "lmt"):
            sandbox.configure(system, daily=False)
        for name in (*LICENSE_SERVERS, "refused"):
            make_log(f"{name}/debug.log.1")
        self.logs = folder / "logs"
        self.no_ssh = folder / "no-ssh"
        self.no_ssh.write_text("#!/bin/sh\necho no route to host >&2\nexit 255\n")
        self.no_ssh.chmod(0o700)
        self.inventory = folder / "inventory.json"
        self.inventory.write_text(json.dumps({"all": {"children": self.groups()}}))

    def groups(self) -> dict[str, Any]:
        """The groups of the inventory, with the variables that they need."""
        sandbox, receipts = self.sandbox, str(self.store)
        server = {
            "licstat_import_url": sandbox.licstat_url,
            "licstat_import_api_token": sandbox.licstat_token,
            "licstat_import_paths": [f"{self.logs}/{{{{ inventory_hostname }}}}"],
            "licstat_import_min_age": 0,
            "licstat_import_receipts": receipts,
            "licstat_import_wait_sleep": 0.2,
        }
        # A second of the test is a thousand seconds of the sandbox.
        bigfix = {"bigfix_import_receipts": receipts, "bigfix_import_wait_sleep": 0.2, "bigfix_import_max_age": 10**7}
        haplo = {
            "haplo_batch_url": sandbox.haplo_url,
            "haplo_batch_api_key": sandbox.haplo_api_key,
            "haplo_batch_directory": str(ROOT / "tests/fixtures/haplo"),
            "haplo_batch_receipts": receipts,
        }
        library = {
            "lm_import_url": sandbox.lm_url,
            "lm_import_username": sandbox.lm_username,
            "lm_import_password": sandbox.lm_password,
            "lm_import_library": "LibraryDemo",
            "lm_import_src": str(ROOT / "tests/fixtures/lm/contents_LibraryDemo.zip"),
            "lm_import_receipts": receipts,
            "lm_import_wait_sleep": 0.2,
        }
        unreachable = {
            "ansible_connection": "ssh",
            "ansible_ssh_executable": str(self.no_ssh),
            "licstat_import_run_on": "host",
            "licstat_import_license_server_id": 100,
        }
        ids = {name: {"licstat_import_license_server_id": number} for name, number in LICENSE_SERVERS.items()}
        metric_tool = {
            "bigfix_import_product": "license_metric_tool",
            "bigfix_import_url": sandbox.lmt_url,
            "bigfix_import_token": sandbox.lmt_token,
        }
        return {
            "licstat": {
                "hosts": {**ids, "refused": {"licstat_import_license_server_id": 99}, "unreachable": unreachable},
                "vars": server,
            },
            "bigfix": {
                "hosts": {"inventory": None},
                "vars": {
                    **bigfix,
                    "bigfix_import_url": sandbox.bigfix_url,
                    "bigfix_import_token": sandbox.bigfix_token,
                },
            },
            "lmt": {"hosts": {"metric_tool": None}, "vars": {**bigfix, **metric_tool}},
            "haplo": {"hosts": {"research": None}, "vars": haplo},
            "lm": {"hosts": {"library": None}, "vars": library},
        }

    def import_all(self, *arguments: str, **environment: str) -> Done:
        """Run the playbook."""
        return self.run("-i", str(self.inventory), "-f", "10", PLAYBOOK, *arguments, **environment)

    @property
    def imports(self) -> dict[int, int]:
        """How many imports each license server has made."""
        return {number: held.imports for number, held in self.sandbox.licstat().servers.items()}

    @property
    def unsafe(self) -> list[str | None]:
        """What was sent that could change something."""
        sent = (request for request in self.sandbox.requests() if request.operation not in SAFE)
        return [request.operation for request in sent]


@pytest.fixture
def site(sandbox: Sandbox, tmp_path: Path, make_log: Logs) -> Site:
    return Site(sandbox, tmp_path, make_log)


def changed(done: Done) -> set[str]:
    """The targets that the recap calls changed."""
    recap = done.output[done.output.index("PLAY RECAP") :]
    return set(re.findall(r"^(\w+) +: .* changed=[1-9]", recap, re.MULTILINE))


def reported(done: Done) -> dict[str, tuple[str, ...]]:
    """The lines of the report by target, or number of targets: role, state, reason, what was sent, seconds."""
    report = done.output[done.output.index("target  ") :]
    return {found[0]: found[1:] for found in REPORT.findall(report) if found[0] != "target"}


def count_in(name: str) -> int:
    """Of how many targets a line of the report tells."""
    return int(name.split(maxsplit=1)[0]) if name.endswith(" targets") else 1


@pytest.mark.slow
def test_each_of_fifty_servers_and_four_other_targets_is_imported_once_as_check_mode_foretold(site: Site) -> None:
    everywhere = {*LICENSE_SERVERS, *OTHERS}
    healthy = ["--limit", "all:!refused:!unreachable"]

    foretold = site.import_all("--check", *healthy)
    assert foretold.status == 0, foretold.output
    assert site.unsafe == ["schedule"]  # of a batch that there is not: the one safe question that Haplo has
    assert site.sandbox.haplo().batches == ()
    assert not site.store.exists()
    assert {line[1] for line in reported(foretold).values()} == {"planned"}

    first = site.import_all(*healthy)
    assert first.status == 0, first.output
    assert changed(foretold) == changed(first) == everywhere
    assert {number: count for number, count in site.imports.items() if number >= 100} == dict.fromkeys(
        LICENSE_SERVERS.values(), 1
    )
    assert len(site.sandbox.bigfix().started_by_api) == len(site.sandbox.lmt().started_by_api) == 1
    assert len(site.sandbox.haplo().batches) == 1
    assert len(site.sandbox.lm().libraries["LibraryDemo"].runs) == 1
    report = reported(first)
    table = first.output[first.output.index("target  ") : first.output.index("PLAY RECAP")]
    assert everywhere <= set(re.findall(r"\w+", table))
    assert sum((Counter({line[1]: count_in(name)}) for name, line in report.items()), Counter()) == {
        "succeeded": 53,
        "scheduled": 1,
    }
    for name, line in report.items():
        assert line[3].startswith(f"{count_in(name)} of {count_in(name)}"), first.output
        assert float(line[4]) >= 0
    assert_few_skipped(first)

    asked = len(site.unsafe)
    second = site.import_all(*healthy)
    assert second.status == 0, second.output
    assert changed(second) == set()
    assert len(site.unsafe) == asked
    assert {name: line[:3] for name, line in reported(second).items()} == {
        "50 targets": ("licstat_import", "succeeded", "receipt"),
        "2 targets": ("bigfix_import", "succeeded", "fresh"),
        "research": ("haplo_batch", "scheduled", "receipt"),
        "library": ("lm_import", "succeeded", "receipt"),
    }, second.output
    assert_few_skipped(second)


def assert_few_skipped(done: Done) -> None:
    """No target has tasks that are for others."""
    skipped = Counter(re.findall(r"^skipping: \[(\w+)\]", done.output, re.MULTILINE))
    assert max(skipped.values(), default=0) <= 2, skipped


@pytest.mark.slow
def test_tags_run_some_systems_and_a_target_of_two_has_both_run_though_one_fails(site: Site) -> None:
    groups = site.groups()
    both = {
        **groups["haplo"]["vars"],
        "licstat_import_license_server_id": 99,
        "haplo_batch_feed": "both",
    }
    groups["licstat"]["hosts"]["both"] = both
    groups["haplo"]["hosts"]["both"] = None
    (site.logs / "both").mkdir()
    (site.logs / "both/debug.log.1").write_text(log_text(200))
    site.inventory.write_text(json.dumps({"all": {"children": groups}}))
    few = ["--limit", "server00,both,research"]

    tagged = site.import_all(*few, "--tags", "haplo")
    assert tagged.status == 0, tagged.output
    assert {name: line[:2] for name, line in reported(tagged).items()} == {
        "both": ("haplo_batch", "scheduled"),
        "research": ("haplo_batch", "scheduled"),
        "server00": ("-", "not run"),
    }

    skipped = site.import_all(*few, "--skip-tags", "licstat")
    assert skipped.status == 0, skipped.output
    assert reported(skipped)["2 targets"][:3] == ("haplo_batch", "scheduled", "receipt")
    assert site.imports[100] == 0

    done = site.import_all(*few, "-e", "haplo_batch_feed=other")
    assert done.status == 2, done.output
    table = done.output[done.output.index("target  ") :]
    assert re.search(r"^both +licstat_import +failed +new ", table, re.MULTILINE)
    assert without_spaces("Importing is not enabled for license server refused.") in without_spaces(table)
    # Whichever of the two comes first sends what has become the same import.
    assert re.search(r"^both +haplo_batch +scheduled +(new +1|receipt +0) of 1", table, re.MULTILINE)
    assert (done.recap("both")["failed"], done.recap("research")["failed"]) == (1, 0)
    assert site.imports[100] == 1


@pytest.mark.slow
def test_targets_that_fail_leave_the_others_running_and_stand_in_the_report(site: Site) -> None:
    few = ["--limit", "server00,server01,refused,unreachable,research"]
    done = site.import_all(*few, "--tags", "licstat")
    assert done.status == 2, done.output
    report = reported(done)
    assert {name: line[1] for name, line in report.items()} == {
        "server00": "succeeded",
        "server01": "succeeded",
        "refused": "failed",
        "unreachable": "unreachable",
        "research": "not run",
    }
    assert done.recap("refused")["failed"] == done.recap("unreachable")["failed"] == 1
    assert done.recap("server00")["failed"] == 0
    assert changed(done) == {"server00", "server01"}
    assert (site.imports[100], site.imports[101], site.imports[102]) == (1, 1, 0)
    assert site.sandbox.requests("haplo") == []
    assert next(iter(report)) in ("refused", "unreachable")
    assert without_spaces(done.output).count(without_spaces("Importing is not enabled")) == 1  # in the table


@pytest.mark.slow
def test_all_targets_failing_is_reported_as_well(site: Site) -> None:
    done = site.import_all("--limit", "refused,unreachable")
    assert done.status == 2, done.output
    assert {name: line[1] for name, line in reported(done).items()} == {
        "refused": "failed",
        "unreachable": "unreachable",
    }


# Green and empty.

STRAYS: dict[str, Any] = {"all": {"children": {"licstats": {"hosts": {"cad": None}}, "web": {"hosts": {"www": None}}}}}
"""An inventory with a misspelled group."""
EMPTY = {  # the playbook, the arguments, and what is told
    "a group is misspelled": (
        "import_all",
        ["-i", "strays.json", "--check"],
        (
            "No host of this run is in one of the groups licstat, bigfix, lmt, haplo, lm.",
            "strays.json) has the groups licstats, web. Is licstats meant to be licstat?",
        ),
    ),
    "the inventory is another": ("import_all", ["-i", "missing.json"], ("missing.json) has no hosts. Is -i right?",)),
    "the limit leaves no target": (
        "import_all",
        ["-i", "inventory.json", "-i", "strays.json", "--limit", "www"],
        ("in one of the groups licstat, bigfix, lmt, haplo, lm.", "--limit www leaves www."),
    ),
    "a tag is misspelled": (
        "import_all",
        ["-i", "inventory.json", "--tags", "lm,licstta"],
        ("--tags licstta: there is no such tag here; did you mean licstat?",),
    ),
    "there are no hosts": ("licstat", ["-i", "nobody"], ("No host of this run is in the group licstat.",)),
    "the limit leaves only targets of others": (
        "bigfix",
        ["-i", "inventory.json", "--limit", "server00"],
        ("No host of this run is in one of the groups bigfix, lmt.", "--limit server00 leaves server00."),
    ),
    "the tag of a step is misspelled": (
        "haplo",
        ["-i", "inventory.json", "--tags", "dryrun"],
        ("--tags dryrun: there is no such tag here; did you mean dry_run?", "The tags here are dry_run, haplo,"),
    ),
    "the tags that are skipped are all": (
        "lm",
        ["-i", "inventory.json", "--skip-tags", "lm_import"],
        ("--skip-tags lm_import leaves nothing to import. The tags here are lm, lm_import.",),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", EMPTY)
def test_a_run_that_would_import_nothing_fails_and_says_why(site: Site, case: str) -> None:
    playbook, arguments, words = EMPTY[case]
    (site.folder / "strays.json").write_text(json.dumps(STRAYS))
    (site.folder / "nobody").write_text("")

    done = site.run(f"assetops.imports.{playbook}", *arguments)

    assert done.status not in (0, 4), done.output
    told = " ".join(task["result"].get("msg", "") for task in done.tasks if task["failed"])
    for text in (*words, "Nothing was imported."):
        assert text in told, done.output
    assert site.sandbox.requests() == []
    assert not site.store.exists()


@pytest.mark.slow
def test_a_playbook_is_part_of_another_with_tags_and_targets_of_its_own(site: Site) -> None:
    """Hosts that are no targets are warned of, whatever Ansible is told to show."""
    (site.folder / "strays.json").write_text(json.dumps(STRAYS))
    (site.folder / "site.yml").write_text(
        json.dumps([{"import_playbook": PLAYBOOK, "tags": ["nightly"], "vars": {"import_targets_required": False}}])
    )
    command = ["-i", str(site.inventory), "-i", "strays.json", "site.yml", "--limit", "server00,cad,www,localhost"]

    other = site.run(*command, "--tags", "web", ANSIBLE_DISPLAY_OK_HOSTS="false")
    assert other.status == 0, other.output
    assert without_spaces("--tags web: there is no such tag here") in without_spaces(other.output)
    assert site.imports[100] == 0

    strange = json.dumps({"licstat_import_windwo": "yesterday", "import_report_tragets": []})
    nightly = site.run(*command, "--tags", "nightly", "-e", strange, ANSIBLE_DISPLAY_OK_HOSTS="false")
    assert nightly.status == 0, nightly.output
    assert site.imports[100] == 1
    told = "2 hosts of this run are in none of the groups licstat, bigfix, lmt, haplo, lm, so nothing is imported for"
    assert without_spaces(f"{told} cad, www. Is licstats meant to be licstat?") in without_spaces(nightly.output)
    assert nightly.output.count("hosts of this run are") == 1
    report = nightly.output[nightly.output.index("target  ") :]
    for role, name, meant in (("licstat_import", "windwo", "window"), ("import_report", "tragets", "targets")):
        told = f"The role {role} has no variable {role}_{name}, so that does nothing. Did you mean {role}_{meant}?"
        assert without_spaces(report).count(without_spaces(f"Warning: {told}")) == 1, nightly.output
