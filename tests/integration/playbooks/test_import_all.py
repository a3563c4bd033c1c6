# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook for all systems, with twelve license servers and one target of each other kind."""

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
from .targets import HOSTS, PLAYBOOK, unreachable

LICENSE_SERVERS = {f"server{number:02}": 100 + number for number in range(12)}
OTHERS = ("bigfix_inventory", "license_metric_tool", "research", "library_demo")
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
        self.inventory = folder / "inventory.json"
        self.write_inventory(self.groups())

    def groups(self) -> dict[str, Any]:
        """The groups of the inventory, with what the environment does not say."""
        of_servers = {
            "licstat_import_paths": [f"{self.logs}/{{{{ inventory_hostname }}}}"],
            "licstat_import_min_age": 0,
            "licstat_import_wait_sleep": 0.2,
        }
        ids = {**LICENSE_SERVERS, "refused": 99}
        servers: dict[str, Any] = {name: {"licstat_import_license_server_id": number} for name, number in ids.items()}
        others = {group: {"hosts": hosts} for group, hosts in HOSTS.items()}
        haplo = {"research": {"haplo_batch_directory": str(ROOT / "tests/fixtures/haplo")}}
        return {
            **others,
            "licstat": {"hosts": {**servers, "unreachable": unreachable(self.folder)}, "vars": of_servers},
            "haplo": {"hosts": haplo},
        }

    def write_inventory(self, groups: dict[str, Any]) -> None:
        """Write the inventory, in place of any that was there."""
        self.inventory.write_text(json.dumps({"all": {"children": groups}}))

    def run(self, *arguments: str, **environment: str) -> Done:
        """Run ansible-playbook with what is common to all targets in its environment."""
        usual = {**self.sandbox.environment, "ASSETOPS_RECEIPTS": str(self.store)}
        del usual["HAPLO_OUTCOME_API_KEY"]  # a batch is scheduled, and that is that
        return super().run(*arguments, **{**usual, **environment})

    def import_all(self, *arguments: str, **environment: str) -> Done:
        """Run the playbook."""
        max_age = "bigfix_import_max_age=10000000"  # a second of the test is a thousand seconds of the sandbox
        return self.run("-i", str(self.inventory), "-f", "10", "-e", max_age, PLAYBOOK, *arguments, **environment)

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


def handed_on(done: Done) -> dict[str, Any]:
    """What the run hands on, which is shown before its recap."""
    stats: dict[str, Any] = json.loads(done.output.partition("RUN: ")[2].splitlines()[0])
    return stats


def count_in(name: str) -> int:
    """Of how many targets a line of the report tells."""
    return int(name.split(maxsplit=1)[0]) if name.endswith(" targets") else 1


@pytest.mark.slow
def test_each_of_twelve_servers_and_four_other_targets_is_imported_once_as_check_mode_foretold(site: Site) -> None:
    everywhere = {*LICENSE_SERVERS, *OTHERS}
    healthy = ["--limit", "all:!refused:!unreachable"]

    foretold = site.import_all("--check", *healthy, ANSIBLE_SHOW_CUSTOM_STATS="true")
    assert foretold.status == 0, foretold.output
    assert site.unsafe == ["schedule"]  # of a batch that there is not: the one safe question that Haplo has
    assert site.sandbox.haplo().batches == ()
    assert not site.store.exists()
    assert {line[1] for line in reported(foretold).values()} == {"planned"}
    assert handed_on(foretold)["assetops_imports_summary"] == "16 targets: 16 planned"

    first = site.import_all(*healthy)
    assert first.status == 0, first.output
    assert changed(foretold) == changed(first) == everywhere
    imports = {number: count for number, count in site.imports.items() if number >= 100}
    assert imports == dict.fromkeys(LICENSE_SERVERS.values(), 1)
    assert len(site.sandbox.bigfix().started_by_api) == len(site.sandbox.lmt().started_by_api) == 1
    assert len(site.sandbox.haplo().batches) == 1
    assert len(site.sandbox.lm().libraries["LibraryDemo"].runs) == 1
    report = reported(first)
    table = first.output[first.output.index("target  ") : first.output.index("PLAY RECAP")]
    assert everywhere <= set(re.findall(r"\w+", table))
    states = sum((Counter({line[1]: count_in(name)}) for name, line in report.items()), Counter())
    assert states == {"succeeded": 15, "scheduled": 1}
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
        "12 targets": ("licstat_import", "succeeded", "receipt"),
        "2 targets": ("bigfix_import", "succeeded", "fresh"),
        "research": ("haplo_batch", "scheduled", "receipt"),
        "library_demo": ("lm_import", "succeeded", "receipt"),
    }, second.output
    assert_few_skipped(second)


def assert_few_skipped(done: Done) -> None:
    """No target has tasks that are for others."""
    skipped = Counter(re.findall(r"^skipping: \[(\w+)\]", done.output, re.MULTILINE))
    assert max(skipped.values(), default=0) <= 2, skipped


@pytest.mark.slow
def test_tags_run_some_systems_and_a_target_of_two_has_both_run_though_one_fails(site: Site) -> None:
    groups = site.groups()
    both = {**groups["haplo"]["hosts"]["research"], "licstat_import_license_server_id": 99, "haplo_batch_feed": "both"}
    groups["licstat"]["hosts"]["both"] = both
    groups["haplo"]["hosts"]["both"] = None
    (site.logs / "both").mkdir()
    (site.logs / "both/debug.log.1").write_text(log_text(200))
    site.write_inventory(groups)
    few = ["--limit", "server00,both,research"]

    tagged = site.import_all(*few, "--tags", "haplo")
    assert tagged.status == 0, tagged.output
    assert {name: line[:2] for name, line in reported(tagged).items()} == {
        "both": ("haplo_batch", "scheduled"),
        "research": ("haplo_batch", "scheduled"),
        "server00": ("-", "not run"),
    }

    done = site.import_all(*few, "-e", "haplo_batch_feed=other")
    assert done.status == 2, done.output
    table = done.output[done.output.index("target  ") :]
    assert re.search(r"^both +licstat_import +failed +new ", table, re.MULTILINE)
    assert without_spaces("Importing is not enabled for license server refused.") in without_spaces(table)
    # Whichever of the two comes first sends what has become the same import.
    assert re.search(r"^both +haplo_batch +scheduled +(new +1|(receipt|joined) +0) of 1", table, re.MULTILINE), table
    assert (done.recap("both")["failed"], done.recap("research")["failed"]) == (1, 0)
    assert site.imports[100] == 1


@pytest.mark.slow
def test_targets_that_fail_leave_the_others_running_and_stand_in_the_report(site: Site) -> None:
    few = ["--limit", "server00,server01,refused,unreachable,research"]
    done = site.import_all(*few, "--tags", "licstat", ASSETOPS_PROGRESS="0")
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

    # Ansible itself shows a line for each import, and each reason once.
    lines = done.output.splitlines()
    assert without_spaces(done.output).count(without_spaces("Importing is not enabled")) == 1  # in the table
    assert [line for line in lines if line.startswith("skipping: ")] == ["skipping: [research]"]  # by the tag
    for line in ("changed: [server00 -> localhost]", "changed: [server01 -> localhost]", "ok: [refused -> localhost]"):
        assert line in lines
    fatal = [line for line in lines if line.startswith("fatal: ")]
    assert len(fatal) == 2
    assert all("The table above tells why" in line for line in fatal)
    (result,) = [one["result"] for one in done.tasks if one["host"] == "refused" and "imports" in one["result"]]
    assert "Importing is not enabled" in result["msg"]
    assert result["http_status"] == 200


@pytest.mark.slow
def test_all_targets_failing_is_reported_and_handed_on_as_well(site: Site) -> None:
    done = site.import_all("--limit", "refused,unreachable", ANSIBLE_SHOW_CUSTOM_STATS="true")
    assert done.status == 2, done.output
    assert {name: line[1] for name, line in reported(done).items()} == {
        "refused": "failed",
        "unreachable": "unreachable",
    }
    stats = handed_on(done)
    assert stats["assetops_imports_summary"] == "2 targets: 1 failed (refused), 1 unreachable (unreachable)"
    for entry, name, problem in zip(
        stats["assetops_imports"], ("refused", "unreachable"), ("Importing is not enabled", "no route"), strict=True
    ):
        assert set(entry) == {"target", "role", "state", "reason", "remote_id", "key", "url", "problem"}
        assert (entry["target"], entry["role"]) == (name, "licstat_import")
        assert problem in entry["problem"]
    assert stats["assetops_imports"][0]["reason"] == "new"
    assert site.sandbox.licstat_token not in done.output


# Green and empty.

STRAYS: dict[str, Any] = {"all": {"children": {"licstats": {"hosts": {"cad": None}}, "web": {"hosts": {"www": None}}}}}
"""An inventory with a misspelled group."""
EMPTY = {  # the playbook, the arguments, and what is said; each playbook knows its own groups and tags
    "a group is misspelled": (
        "import_all",
        ["-i", "strays.json", "--check"],
        (
            "No host of this run is in one of the groups licstat, bigfix, lmt, haplo, lm.",
            "strays.json) has the groups licstats, web. Is licstats meant to be licstat?",
        ),
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
    said = " ".join(task["result"].get("msg", "") for task in done.tasks if task["failed"])
    for text in (*words, "Nothing was imported."):
        assert text in said, done.output
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
