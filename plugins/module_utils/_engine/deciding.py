# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about an import, by what its receipt says and what the user wants.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import System
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store


@dataclass(frozen=True)
class Policy:
    """What the user wants done in each case; the names are those of the options."""

    force: bool = False
    once: str = "ever"
    on_unknown: str = "fail"
    if_running: str = "join"
    wait: bool = True
    check_mode: bool = False
    adopt: bool = False
    label: str | None = None


class Decision(Enum):
    """What a receipt calls for."""

    SEND = "send"
    RESUME = "resume"
    WAIT_FOR_OWNER = "wait for owner"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"


def decide(
    receipt: Receipt | None,
    policy: Policy,
    *,
    is_newest: bool,
    is_repeatable: bool = False,
    polled_again: Collection[str] = ("incomplete",),
) -> tuple[Decision, str]:
    """What to do about an import, and the reason to report.

    `is_newest`: no later import changed its stream. `is_repeatable` and `polled_again` are those of the system.
    """
    if receipt is None or receipt.state == "superseded":
        return Decision.SEND, "new"
    if receipt.state in ("claimed", "sent", "submitted") and receipt.owner and receipt.owner.is_alive:
        return Decision.WAIT_FOR_OWNER, "joined"
    if receipt.is_partial and not (policy.force or policy.adopt):
        return Decision.UNCHANGED, "receipt"
    if receipt.state in ("claimed", "failed"):
        return Decision.SEND, "forced" if policy.force and receipt.state == "failed" else "retried"
    if receipt.state == "submitted":
        return Decision.RESUME, "resumed"
    if receipt.state in ("sent", "unknown") and is_repeatable:
        is_overtaken = policy.once == "latest" and not is_newest  # then it has to be sent whatever became of it
        return Decision.SEND, "new" if is_overtaken else "resumed"
    if policy.force:
        return Decision.SEND, "forced"
    if receipt.state in ("sent", "unknown"):
        if policy.on_unknown == "retry":
            return Decision.SEND, "retried"
        return (Decision.RESUME, "resumed") if receipt.remote_id else (Decision.UNKNOWN, "receipt")
    if policy.once == "latest" and not is_newest:
        return Decision.SEND, "new"
    if receipt.state in polled_again and receipt.remote_id:
        return Decision.RESUME, "resumed"
    return Decision.UNCHANGED, "receipt"


class Decider:
    """Decides about imports by their receipts, each within its stream."""

    def __init__(self, system: System, store: Store, policy: Policy) -> None:
        self._system = system
        self._store = store
        self._policy = policy

    def decide(self, one: Import, receipt: Receipt | None) -> tuple[Receipt | None, Decision, str]:
        """The receipt that counts, what to do, and the reason to report.

        Where only the latest state of a stream counts (`once`), the receipt of this run's stream counts. But nothing is
        sent while an attempt for another stream is under way, or in doubt.
        """
        if receipt is None or self._policy.once == "ever" or receipt.stream == one.wanted.stream:
            return (receipt, *self._decide_in_stream(one, receipt))
        own = self._store.in_stream(receipt, one.wanted.stream)
        decision, reason = self._decide_in_stream(one, own)
        if decision is not Decision.SEND:
            return own, decision, reason
        elsewhere, reason_elsewhere = self._decide(receipt, is_newest=False)
        if elsewhere is not Decision.SEND:
            one.is_overtaken = True
            return receipt, elsewhere, reason_elsewhere
        return (receipt, decision, reason_elsewhere) if own is None else (own, decision, reason)

    def _decide_in_stream(self, one: Import, receipt: Receipt | None) -> tuple[Decision, str]:
        is_newest = self._is_newest(one, receipt)
        one.is_overtaken = not is_newest
        return self._decide(receipt, is_newest=is_newest)

    def _is_newest(self, one: Import, receipt: Receipt | None) -> bool:
        """Whether nothing may have changed the target since, not even a later attempt at the same import."""
        if self._policy.once == "ever" or receipt is None:
            return True
        newest = self._store.newest_of(one.wanted.stream, receipt.key)
        return newest is not None and newest[0] == receipt.key and newest[1] <= receipt.attempt

    def _decide(self, receipt: Receipt | None, *, is_newest: bool) -> tuple[Decision, str]:
        return decide(
            receipt,
            self._policy,
            is_newest=is_newest,
            is_repeatable=self._system.is_repeatable,
            polled_again=self._system.polled_again,
        )
