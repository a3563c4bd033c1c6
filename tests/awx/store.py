# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that the stand-in holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .kinds import KINDS, UNIFIED, Kind


@dataclass
class Thing:
    """An object: its fields, the numbers of others in its lists, and what can only be asked for at another address."""

    kind: Kind
    id: int
    fields: dict[str, Any]
    lists: dict[str, list[int]] = field(default_factory=dict)
    survey: dict[str, Any] = field(default_factory=dict)
    updates: int = 0
    """How many updates of a project were begun."""
    is_synced: bool = False

    @property
    def url(self) -> str:
        return f"/api/v2/{self.kind.path}/{self.id}/"

    def __getitem__(self, name: str) -> Any:
        return self.fields.get(name)


class Store:
    """All objects, by kind and number. `projects` are folders that stand for what can be fetched, by address."""

    def __init__(self, projects: dict[str, Path]) -> None:
        self.projects = projects
        self.things: dict[str, dict[int, Thing]] = {path: {} for path in KINDS}
        self._numbers = itertools.count(100)

    def add(self, path: str, **fields: Any) -> Thing:
        kind = KINDS[path]
        values = {name: one.default for name, one in kind.fields.items()} | fields
        thing = Thing(kind, next(self._numbers), values, {name: [] for name in kind.associations})
        self.things[path][thing.id] = thing
        return thing

    def find(self, path: str, number: int) -> Thing | None:
        return next((thing for thing in self.all(path) if thing.id == number), None)

    def all(self, path: str) -> Iterator[Thing]:
        for one in UNIFIED if path == "unified_job_templates" else (path,):
            yield from self.things[one].values()

    def organization_of(self, thing: Thing) -> int | None:
        """Templates and sources of inventories belong where what they use does (source)."""
        owner = {"job_templates": "project", "inventory_sources": "inventory"}.get(thing.kind.path)
        if owner is None:
            organization: int | None = thing["organization"]
            return organization
        used = self.find(thing.kind.fields[owner].refers_to, thing[owner])
        return used["organization"] if used else None

    def referring_to(self, thing: Thing) -> Iterator[tuple[Thing, str]]:
        """Objects that refer to this one, each with the name of the field."""
        paths = {thing.kind.path, *(["unified_job_templates"] if thing.kind.path in UNIFIED else [])}
        for kind in KINDS.values():
            for other in list(self.things[kind.path].values()):
                for name, one in kind.fields.items():
                    if one.refers_to in paths and other[name] == thing.id:
                        yield other, name

    def remove(self, thing: Thing) -> None:
        """Delete an object, and what goes with it."""
        if self.things[thing.kind.path].pop(thing.id, None) is None:
            return
        for other, name in self.referring_to(thing):
            if other.kind.fields[name].cascade:
                self.remove(other)
            else:
                other.fields[name] = None
        if thing.kind.path == "workflow_job_template_nodes":
            approval = self.things["workflow_approval_templates"].get(thing["unified_job_template"])
            if approval:
                self.remove(approval)
        for things in self.things.values():
            for other in things.values():
                for name, path in other.kind.associations.items():
                    if path == thing.kind.path:
                        other.lists[name] = [number for number in other.lists[name] if number != thing.id]
