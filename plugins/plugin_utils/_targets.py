# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which targets a run of a playbook imports for, by its groups, tags and limit; and why there may be none.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ansible_collections.assetops.imports.plugins.plugin_utils._text import list_names

SPECIAL_TAGS = ("all", "always", "never", "tagged", "untagged")  # have a meaning for Ansible itself
IMPLICIT_GROUPS = ("all", "ungrouped")  # are in every inventory
LOCALHOST = "localhost"  # may be in a run without being a target


@dataclass(frozen=True)
class ImportPlay:
    """A play that imports: the group whose hosts are its targets, and the tags of its tasks."""

    group: str
    tags: frozenset[str]


@dataclass(frozen=True)
class PlaybookRun:
    """A run of a playbook: its hosts, all groups of the inventory with their hosts, and its command line options."""

    hosts: Sequence[str]
    groups: Mapping[str, Sequence[str]]
    tags: Collection[str] = ("all",)
    skip_tags: Collection[str] = ()
    limit: str = ""
    sources: Sequence[str] = ()

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> PlaybookRun:
        """The run that has these variables."""
        return cls(
            hosts=list(variables["ansible_play_hosts_all"]),
            groups=variables["groups"],
            tags=list(variables["ansible_run_tags"]),
            skip_tags=list(variables["ansible_skip_tags"]),
            limit=str(variables.get("ansible_limit") or ""),
            sources=[str(source) for source in variables.get("ansible_inventory_sources") or ()],
        )

    def selects(self, tags: Collection[str]) -> bool:
        """Whether tasks with these tags run, by Ansible's rules."""
        asked = {"all", "tagged", *tags}
        return bool(asked.intersection(self.tags)) and not asked.intersection(self.skip_tags)

    def hosts_in(self, groups: Collection[str]) -> list[str]:
        """Its hosts that are in one of these groups."""
        members = {host for group in groups for host in self.groups.get(group, ())}
        return [host for host in self.hosts if host in members]

    def hosts_outside(self, groups: Collection[str]) -> list[str]:
        """Its hosts that are in none of these groups."""
        members = set(self.hosts_in(groups))
        return [host for host in self.hosts if host not in members and host != LOCALHOST]


def problems_of(run: PlaybookRun, imports: Sequence[ImportPlay], other_tags: Collection[str]) -> list[str]:
    """Sentences that say why the run would import nothing, or not what its options ask for."""
    known = sorted({*other_tags, *(tag for one in imports for tag in one.tags)})
    problems = [
        *(_unknown_tag("--tags", tag, known) for tag in run.tags if tag not in (*SPECIAL_TAGS, *known)),
        # A tag that is unknown here may be skipped in all playbooks by a setting of Ansible.
        *(_unknown_tag("--skip-tags", tag, known) for tag in run.skip_tags if _is_misspelled(tag, known)),
    ]
    groups = list(dict.fromkeys(one.group for one in imports if run.selects(one.tags)))
    if not groups:
        problems.append(f"{_tag_options(run)} leaves nothing to import.")
    if problems:
        problems.append(f"The tags here are {', '.join(known)}.")
    elif not run.hosts_in(groups):
        chosen = "" if len(groups) == len({one.group for one in imports}) else f", which {_tag_options(run)} leaves"
        names = f"the group {groups[0]}" if len(groups) == 1 else f"one of the groups {', '.join(groups)}"
        problems.append(f"No host of this run is in {names}{chosen}. {_describe_inventory(run, groups)}")
    return problems


def non_target_warning(run: PlaybookRun, groups: Collection[str]) -> str:
    """A warning about hosts of the run that are not the target of any import; empty if there are none."""
    hosts = run.hosts_outside(groups)
    if not hosts:
        return ""
    are = "One host of this run is" if len(hosts) == 1 else f"{len(hosts)} hosts of this run are"
    return (
        f"{are} in none of the groups {', '.join(groups)}, so nothing is imported for {list_names(hosts)}."
        f"{_misspelled_groups(groups, run.groups)} Use --limit to leave out hosts that are not targets."
    )


def _is_misspelled(tag: str, known: Collection[str]) -> bool:
    return tag not in (*SPECIAL_TAGS, *known) and bool(get_close_matches(tag, known, cutoff=0.8))


def _unknown_tag(option: str, tag: str, known: Collection[str]) -> str:
    near = get_close_matches(tag, known, n=1)
    return f"{option} {tag}: there is no such tag here{f'; did you mean {near[0]}?' if near else '.'}"


def _tag_options(run: PlaybookRun) -> str:
    tags = "" if "all" in run.tags else f"--tags {','.join(run.tags)}"
    skipped = f"--skip-tags {','.join(run.skip_tags)}" if run.skip_tags else ""
    return " with ".join(filter(None, (tags, skipped)))


def _describe_inventory(run: PlaybookRun, groups: Collection[str]) -> str:
    """What the inventory has instead of these groups."""
    inventory = " ".join(["The inventory", *([f"({', '.join(run.sources)})"] if run.sources else [])])
    if not run.groups.get("all"):
        return f"{inventory} has no hosts. Is -i right?"
    there = sorted(name for name in run.groups if name not in IMPLICIT_GROUPS)
    names = f"the groups {list_names(there)}" if there else "no groups"
    has = f"{inventory} has {names}.{_misspelled_groups(groups, run.groups)}"
    return f"{has} --limit {run.limit} leaves {list_names(run.hosts)}." if run.limit else has


def _misspelled_groups(groups: Collection[str], there: Collection[str]) -> str:
    """Questions about groups of the inventory whose names are close to one of these."""
    others = [name for name in there if name not in (*groups, *IMPLICIT_GROUPS)]
    near = {name: get_close_matches(name, groups, n=1, cutoff=0.75) for name in others}
    return "".join(f" Is {name} meant to be {meant[0]}?" for name, meant in near.items() if meant)
