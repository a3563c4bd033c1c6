# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of a playbook is about to import: by the groups of its hosts and its tags; and why that may be nothing.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ansible_collections.assetops.imports.plugins.plugin_utils._summary import in_short

SPECIAL = ("all", "always", "never", "tagged", "untagged")  # tags that mean something to Ansible
OF_ANSIBLE = ("all", "ungrouped")  # groups that every inventory has
LOCALHOST = "localhost"  # is in a run for Ansible's own sake


@dataclass(frozen=True)
class Import:
    """Imports of a playbook: the group whose hosts are their targets, and the tags of the tasks that make them."""

    group: str
    tags: frozenset[str]


@dataclass(frozen=True)
class Run:
    """A run of a playbook: its hosts, the groups of the whole inventory with theirs, and what was asked for."""

    hosts: Sequence[str]
    groups: Mapping[str, Sequence[str]]
    tags: Collection[str] = ("all",)
    skip_tags: Collection[str] = ()
    limit: str = ""
    sources: Sequence[str] = ()

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> Run:
        """The run that has these variables."""
        return cls(
            hosts=list(variables["ansible_play_hosts_all"]),
            groups=variables["groups"],
            tags=list(variables["ansible_run_tags"]),
            skip_tags=list(variables["ansible_skip_tags"]),
            limit=str(variables.get("ansible_limit") or ""),
            sources=[str(source) for source in variables.get("ansible_inventory_sources") or ()],
        )

    def has_chosen(self, tags: Collection[str]) -> bool:
        """Whether tasks with these tags run, as Ansible decides it."""
        asked = {"all", "tagged", *tags}
        return bool(asked.intersection(self.tags)) and not asked.intersection(self.skip_tags)

    def in_groups(self, groups: Collection[str]) -> list[str]:
        """Its hosts that are in one of these groups."""
        members = {host for group in groups for host in self.groups.get(group, ())}
        return [host for host in self.hosts if host in members]

    def others(self, groups: Collection[str]) -> list[str]:
        """Its hosts that are in none of these groups."""
        members = set(self.in_groups(groups))
        return [host for host in self.hosts if host not in members and host != LOCALHOST]


def problems_of(run: Run, imports: Sequence[Import], other_tags: Collection[str]) -> list[str]:
    """Why the run would import nothing, or not what was asked for, in sentences for people."""
    known = sorted({*other_tags, *(tag for one in imports for tag in one.tags)})
    problems = [
        *(_unknown("--tags", tag, known) for tag in run.tags if tag not in (*SPECIAL, *known)),
        # That there is no such tag is no mistake where the settings of Ansible skip it in all playbooks.
        *(_unknown("--skip-tags", tag, known) for tag in run.skip_tags if _is_misspelled(tag, known)),
    ]
    groups = list(dict.fromkeys(one.group for one in imports if run.has_chosen(one.tags)))
    if not groups:
        problems.append(f"{_asked(run)} leaves nothing to import.")
    if problems:
        problems.append(f"The tags here are {', '.join(known)}.")
    elif not run.in_groups(groups):
        chosen = "" if len(groups) == len({one.group for one in imports}) else f", which {_asked(run)} leaves"
        names = f"the group {groups[0]}" if len(groups) == 1 else f"one of the groups {', '.join(groups)}"
        problems.append(f"No host of this run is in {names}{chosen}. {_inventory(run, groups)}")
    return problems


def strangers_of(run: Run, groups: Collection[str]) -> str:
    """What to say of hosts that are no targets of any import; empty if there are none."""
    strangers = run.others(groups)
    if not strangers:
        return ""
    are = "One host of this run is" if len(strangers) == 1 else f"{len(strangers)} hosts of this run are"
    return (
        f"{are} in none of the groups {', '.join(groups)}, and nothing is imported for {in_short(strangers)}."
        f"{_meant(groups, run.groups)} Leave out with --limit what is no target."
    )


def _is_misspelled(tag: str, known: Collection[str]) -> bool:
    return tag not in (*SPECIAL, *known) and bool(get_close_matches(tag, known, cutoff=0.8))


def _unknown(option: str, tag: str, known: Collection[str]) -> str:
    near = get_close_matches(tag, known, n=1)
    return f"{option} {tag}: there is no such tag here{f'; did you mean {near[0]}?' if near else '.'}"


def _asked(run: Run) -> str:
    tags = "" if "all" in run.tags else f"--tags {','.join(run.tags)}"
    skipped = f"--skip-tags {','.join(run.skip_tags)}" if run.skip_tags else ""
    return " with ".join(filter(None, (tags, skipped)))


def _inventory(run: Run, groups: Collection[str]) -> str:
    """What there is in the inventory, in place of these groups."""
    inventory = " ".join(["The inventory", *([f"({', '.join(run.sources)})"] if run.sources else [])])
    if not run.groups.get("all"):
        return f"{inventory} has no hosts. Is -i right?"
    there = sorted(name for name in run.groups if name not in OF_ANSIBLE)
    has = f"{inventory} has {'the groups ' + in_short(there) if there else 'no groups'}.{_meant(groups, run.groups)}"
    return f"{has} --limit {run.limit} leaves {in_short(run.hosts)}." if run.limit else has


def _meant(groups: Collection[str], there: Collection[str]) -> str:
    """Groups of the inventory that may be misspelled ones of these."""
    others = [name for name in there if name not in (*groups, *OF_ANSIBLE)]
    near = {name: get_close_matches(name, groups, n=1, cutoff=0.75) for name in others}
    return "".join(f" Is {name} meant to be {meant[0]}?" for name, meant in near.items() if meant)
