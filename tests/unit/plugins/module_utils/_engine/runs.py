# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of an importer over scripted systems, and what they left in their stores."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, Wanted, now_text
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from .....stores import ask
from ..fakes import DIGEST, ScriptedSystem, TurnedClock
from ..other_run import abandon, wanted

PACE = WaitOptions(timeout=3600, max_pause=10, unreachable_timeout=300)
A, B = wanted("a"), wanted("b")
FORCE, RETRY, LATEST = Policy(force=True), Policy(on_unknown="retry"), Policy(once="latest")
NO_WAIT, CHECK = Policy(wait=False), Policy(check_mode=True)
NO = Answer("POST", "http://host/import", 403, "Forbidden", {}, "no")


def run(
    system: ScriptedSystem,
    store: Store,
    names: str | list[Wanted],
    policy: Policy | None = None,
    *,
    pace: WaitOptions = PACE,
    turned: TurnedClock | None = None,
) -> list[Import]:
    """What a run makes of these imports; `names` has a letter for each."""
    clock = (turned or TurnedClock()).clock
    imports = [wanted(name) for name in names] if isinstance(names, str) else names
    return Importer(system, store, policy or Policy(), pace, clock).run(imports)


def run_one(
    system: ScriptedSystem,
    store: Store,
    name: str = "a",
    policy: Policy | None = None,
    *,
    pace: WaitOptions = PACE,
    turned: TurnedClock | None = None,
) -> Import:
    (one,) = run(system, store, name, policy, pace=pace, turned=turned)
    return one


def next_run(location: str, system: ScriptedSystem, name: str = "a", policy: Policy | None = None) -> Import:
    """What a later run, with a store opened anew, makes of an import."""
    with closing(open_store(location, read_only=policy is not None and policy.check_mode)) as store:
        return run_one(system, store, name, policy)


def receipt_of(store: Store, name: str = "a") -> Receipt:
    return store.find([wanted(name).key])[wanted(name).key]


def a_look_at(location: str) -> Receipt:
    """What the store tells of the import `a` when no run is at it."""
    with closing(open_store(location, read_only=True)) as store:
        return receipt_of(store)


def left(location: str, state: str, name: str | Wanted = "a", *, remote_id: str | None = None) -> Store:
    """A run that brought an import to this state and is still alive."""
    store = open_store(location)
    one = wanted(name) if isinstance(name, str) else name
    attempt = store.claim(one, store.find([one.key]).get(one.key), now_text())
    assert attempt is not None
    if state == "claimed":
        return store
    assert store.mark_sent(one.key, attempt, DIGEST)
    if state != "sent":
        store.record(one.key, attempt, state, f"it is {state}", remote_id=remote_id, detail={})
    return store


def left_dead(location: str, state: str, name: str | Wanted = "a", *, remote_id: str | None = None) -> None:
    """Leave an import in this state, as a run does that is killed then."""
    abandon(left(location, state, name, remote_id=remote_id))


def attempts(location: str, name: str = "a") -> list[tuple[Any, ...]]:
    """State and remote id of each attempt at an import."""
    return ask(location, "SELECT state, remote_id FROM attempts WHERE key = ? ORDER BY attempt", wanted(name).key)


def begun(other: Store, *, is_sent: bool = True) -> int:
    """Another run's attempt at the import `a`."""
    attempt = other.claim(A, None, now_text())
    assert attempt is not None
    assert not is_sent or other.mark_sent(A.key, attempt, DIGEST)
    return attempt


def finishing(other: Store, attempt: int, state: str, remote_id: str | None = None) -> Any:
    """What another run does when it hears how its import ended."""
    return lambda: other.record(A.key, attempt, state, "theirs", remote_id=remote_id, detail={})
