# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run would import by its hosts and tags, and what is said where that is nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task

from ansible_collections.assetops.imports.plugins.plugin_utils._targets import (
    ImportPlay,
    PlaybookRun,
    non_target_warning,
    problems_of,
)

IMPORTS = [
    ImportPlay("licstat", frozenset({"licstat", "licstat_import"})),
    ImportPlay("haplo", frozenset({"haplo", "dry_run"})),
    ImportPlay("haplo", frozenset({"haplo", "import"})),
]
OTHER = ["licstat_import_afterwards"]
ASKED = ("all", "tagged", "untagged", "always", "never", "licstat", "other")


def run(**given: Any) -> PlaybookRun:
    """A run with two targets and a host that is none, but for what is given."""
    groups = {"all": ["cad", "crm", "www"], "ungrouped": [], "licstat": ["cad"], "haplo": ["crm"], "web": ["www"]}
    return PlaybookRun(
        **{"hosts": ["localhost", "cad", "crm", "www"], "groups": groups, "sources": ["/hosts"], **given}
    )


@pytest.mark.parametrize("own", [["licstat"], ["licstat", "licstat_import"], ["other"]])
def test_tasks_with_tags_are_chosen_as_ansible_chooses_them(own: list[str]) -> None:
    task = Task(block=Block(play=Play()))
    task.tags = own
    for only in itertools.combinations(ASKED, 2):
        for skip in [(), *itertools.combinations(ASKED, 1), *itertools.combinations(ASKED, 2)]:
            by_ansible = task.evaluate_tags([*only], [*skip], {})
            assert run(tags=only, skip_tags=skip).selects(own) == by_ansible, (only, skip)


TAGS = "The tags here are dry_run, haplo, import, licstat, licstat_import, licstat_import_afterwards."
HAS = "The inventory (/hosts) has the groups haplo, licstat, web."
NOBODY: dict[str, list[str]] = {"all": [], "ungrouped": []}
PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, ""),
    "some targets": ({"hosts": ["crm"], "limit": "crm"}, ""),
    "a step": ({"tags": ["dry_run"]}, ""),
    "all tags": ({"tags": ["tagged"]}, ""),
    "logs stay": ({"skip_tags": ["licstat_import_afterwards"]}, ""),
    "a system is skipped": ({"skip_tags": ["haplo", "slow", "never"]}, ""),
    "an unknown tag": (
        {"tags": ["import", "licstta"]},
        f"--tags licstta: there is no such tag here; did you mean licstat? {TAGS}",
    ),
    "only an unknown tag": (
        {"tags": ["nightly"]},
        f"--tags nightly: there is no such tag here. --tags nightly leaves nothing to import. {TAGS}",
    ),
    "a misspelled tag to skip": (
        {"skip_tags": ["licstat_import_afterward"]},
        (
            "--skip-tags licstat_import_afterward: there is no such tag here; did you mean licstat_import_afterwards?"
            f" {TAGS}"
        ),
    ),
    "a tag that chooses nothing": (
        {"tags": ["licstat_import_afterwards"]},
        f"--tags licstat_import_afterwards leaves nothing to import. {TAGS}",
    ),
    "only what is always": ({"tags": ["always"]}, f"--tags always leaves nothing to import. {TAGS}"),
    "no tags": ({"tags": ["untagged"]}, f"--tags untagged leaves nothing to import. {TAGS}"),
    "all tags are skipped": (
        {"tags": ["all", "haplo"], "skip_tags": ["tagged"]},
        f"--skip-tags tagged leaves nothing to import. {TAGS}",
    ),
    "what is chosen is skipped": (
        {"tags": ["haplo"], "skip_tags": ["dry_run", "import"]},
        f"--tags haplo with --skip-tags dry_run,import leaves nothing to import. {TAGS}",
    ),
    "no inventory": (
        {"hosts": ["localhost"], "groups": NOBODY, "sources": []},
        "No host of this run is in one of the groups licstat, haplo. The inventory has no hosts. Is -i right?",
    ),
    "no groups": (
        {"hosts": ["localhost", "cad"], "groups": {"all": ["cad"], "ungrouped": ["cad"]}},
        "No host of this run is in one of the groups licstat, haplo. The inventory (/hosts) has no groups.",
    ),
    "groups that are empty": (
        {"hosts": ["localhost", "cad"], "groups": {"all": ["cad"], "licstat": []}},
        "No host of this run is in one of the groups licstat, haplo. The inventory (/hosts) has the groups licstat.",
    ),
    "misspelled groups": (
        {"hosts": ["cad", "crm"], "groups": {"all": ["cad", "crm"], "licstats": ["cad"], "halpo": ["crm"]}},
        (
            "No host of this run is in one of the groups licstat, haplo. The inventory (/hosts) has the groups halpo,"
            " licstats. Is licstats meant to be licstat? Is halpo meant to be haplo?"
        ),
    ),
    "a limit to others": (
        {"hosts": ["www"], "limit": "web"},
        f"No host of this run is in one of the groups licstat, haplo. {HAS} --limit web leaves www.",
    ),
    "a limit and tags that exclude each other": (
        {"hosts": ["cad"], "limit": "cad", "tags": ["haplo"]},
        f"No host of this run is in the group haplo, which --tags haplo leaves. {HAS} --limit cad leaves cad.",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_run_that_would_import_nothing_says_why(case: str) -> None:
    given, problem = PROBLEMS[case]
    assert " ".join(problems_of(run(**given), IMPORTS, OTHER)) == problem


def test_many_hosts_and_groups_are_shortened() -> None:
    hosts = [f"host{number}" for number in range(2000)]
    there = run(hosts=hosts, groups={"all": hosts, **{f"group{host}": [host] for host in hosts}}, limit="all")

    assert len(" ".join(problems_of(there, IMPORTS, OTHER))) < 500
    assert len(non_target_warning(there, ["licstat"])) < 300


@pytest.mark.parametrize(
    ("hosts", "warning"),
    [
        (["localhost", "cad", "crm"], ""),
        (
            ["cad", "www"],
            "One host of this run is in none of the groups licstat, haplo, so nothing is imported for www.",
        ),
        (
            ["www", "db"],
            "2 hosts of this run are in none of the groups licstat, haplo, so nothing is imported for www, db.",
        ),
    ],
)
def test_hosts_that_are_no_targets_are_warned_of_but_not_localhost(hosts: list[str], warning: str) -> None:
    advice = " Use --limit to leave out hosts that are not targets."
    assert non_target_warning(run(hosts=hosts), ["licstat", "haplo"]) == (f"{warning}{advice}" if warning else "")
