# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of before, which have left receipts, and the inventory of their targets."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted, as_text, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ...stores import ask

HOUR = timedelta(hours=1)
ROLES = {"licstat": "licstat_import", "bigfix": "bigfix_import", "lmt": "bigfix_import", "haplo": "haplo_batch"}


def come_to(
    store: Store,
    one: Wanted,
    state: str,
    *,
    label: str | None = None,
    remote_id: str | None = None,
    message: str | None = None,
    detail: dict[str, Any] | None = None,
) -> int:
    """A run came as far as this with an import. The number of its attempt."""
    attempt = store.claim(one, store.find([one.key]).get(one.key), now_text(), label=label)
    assert attempt is not None
    if state != "claimed":
        assert store.mark_sent(one.key, attempt, one.content_sha256)
    if state not in ("claimed", "sent"):
        store.record(one.key, attempt, state, message or f"it {state}", remote_id=remote_id, detail=detail or {})
    return attempt


def now() -> datetime:
    """This moment."""
    return datetime.now(timezone.utc)


class PastRuns:
    """An inventory whose targets keep their receipts in one store, and runs of before, which have left some."""

    def __init__(self, location: str, store: Store) -> None:
        self.location = location
        self.store = store
        self.groups: dict[str, list[str]] = {"all": []}
        self.hostvars: dict[str, dict[str, Any]] = {"localhost": {}}
        self._made = 0

    def target(self, name: str, group: str = "licstat", **variables: Any) -> None:
        """A host of the inventory, in a group."""
        self.groups["all"].append(name)
        self.groups.setdefault(group, []).append(name)
        own = {} if group not in ROLES else {f"{ROLES[group]}_receipts": self.location}
        self.hostvars.setdefault(name, {}).update({**own, **variables})

    @property
    def variables(self) -> dict[str, Any]:
        """What a task on the controller knows of the inventory."""
        return {"inventory_hostname": "localhost", "hostvars": self.hostvars, "groups": self.groups}

    def new_key(self) -> str:
        """The key of another import."""
        self._made += 1
        return f"key-{self._made}"

    def set_times(self, key: str, attempt: int, began: datetime, ended: datetime) -> None:
        """When an attempt began, and when it came to what it is, or to its end."""
        change = """
            UPDATE attempts SET started_at = ?, changed_at = ?,
            finished_at = CASE WHEN finished_at IS NOT NULL THEN ? END WHERE key = ? AND attempt = ?
        """
        ask(self.location, change, as_text(began), as_text(ended), as_text(ended), key, attempt)

    def have_ended(self) -> None:
        """The runs are at work on nothing any more."""
        ask(self.location, "DELETE FROM runs")
