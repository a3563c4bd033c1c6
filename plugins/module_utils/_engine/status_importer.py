# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an import that the server itself tells of: its status decides whether one is started, and how it went.

    asked -> fresh enough: unchanged
          -> running: joined, waited for, or a reason to fail
          -> free: claimed, asked again, sent, submitted -> succeeded | failed | unknown

A receipt never decides here. It is a record, and while it is claimed it keeps other runs from starting an import
between this run's last question and its start. From the commit point on all is as in `importer`.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Assessment,
    ImportsError,
    Outage,
    Refused,
    StatusSystem,
    StoreError,
    Wanted,
    as_sentence,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets, printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Import, Importer, Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import Progress
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import (
    Clock,
    WaitOptions,
    WaitTimeout,
    wait_for,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NOWHERE, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

ABOUT_TO_START = ("claimed", "sent")
OPEN = ("sent", "submitted", "unknown")  # a receipt whose run did not hear the end
MAY_RUN = ("sent", "submitted")  # a receipt of an import that may be running for all that it knows
TROUBLE = 60.0  # seconds for which to look at a server in trouble of which no import is known to run


class StatusImporter(Importer):
    """Sees to it that a server has imported what it is to import, as the server's own status tells.

    `warnings` are for the user: a store that cannot be used keeps nothing from being imported.
    """

    def __init__(
        self,
        system: StatusSystem,
        store: Store,
        policy: Policy,
        pace: WaitOptions,
        clock: Clock | None = None,
        secrets: Secrets | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(system, store, policy, pace, clock, secrets, progress)
        self._status = system
        self._given_store = store
        self._runs: bool | None = None  # as the last status said, or as another run is about to make it
        self._trouble_since: float | None = None
        self._doubt: str | None = None
        self.warnings: list[str] = []

    def run(self, wanted: Sequence[Wanted]) -> list[Import]:
        """Do what is left to do for each in turn, and wait for it unless told not to. What fails is the last.

        The time for waiting is one for all.
        """
        deadline = self._clock.now() + self._pace.timeout
        imports: list[Import] = []
        try:
            for one in map(Import, wanted):
                self._see_to(one, imports[-1] if imports else None, deadline)
                imports.append(one)
                if one.has_failed:
                    break
        finally:
            if self._store is not self._given_store:
                self._store.close()
        for left in wanted[len(imports) :]:
            imports[-1].message = f"{as_sentence(imports[-1].message)} So the {left.source} was not begun."
        return imports

    def _see_to(self, one: Import, before: Import | None, deadline: float) -> None:
        """`before` is the import that had to come first."""
        if before is not None and before.state == "planned":  # and would hide when this one was made last
            self._plan(one)
            return
        if before is not None and before.reason == "joined":
            one.reason = "joined"  # what ran may stand for this one too
        one.label = self._policy.label
        self._progress.follow([one], is_waited_for=self._policy.wait)
        self._wait_for(one, deadline)
        self._progress.tell(one)
        self._write_again(one)
        if one.unsaved is not None:
            self.warnings.append(one.unsaved)
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            self.warnings.append(doubt)
            one.message = f"{one.message} {doubt}".lstrip()

    def _wait_for(self, one: Import, deadline: float) -> None:
        pace = replace(self._pace, timeout=max(0.0, deadline - self._clock.now()))
        try:
            wait_for([one], self._is_over, pace, self._clock, at_once=True)
        except WaitTimeout as error:
            self._give_up(one, error.outage)

    def _is_over(self, one: Import) -> bool:
        """One look at the server, and what follows from it."""
        if one.is_polled:
            self._poll(one)
        else:
            self._decide_unless_away(one)
        self._progress.tell(one)
        is_patient = self._policy.wait and not self._policy.check_mode
        return one.is_settled or not is_patient

    def _decide_unless_away(self, one: Import) -> None:
        """Decide. An outage is for the wait to bear while an import may be running, and else for a minute at most."""
        asked = self._clock.now()
        try:
            self._decide(one)
        except Outage as outage:
            if outage.is_permanent or self._may_run(one):
                raise
            self._trouble_since = asked if self._trouble_since is None else self._trouble_since
            is_over = self._clock.now() - self._trouble_since >= TROUBLE
            if not (outage.unconnected or is_over):
                raise
            one.settle("failed", f"{outage.message} Nothing was started.", answer=outage.answer)
        else:
            self._trouble_since = None

    def _may_run(self, one: Import) -> bool:
        """Whether an import may be running: by the last status, or where there was none yet, by the receipt."""
        if self._runs is None:
            receipt = self._receipt(one)
            self._runs = receipt is not None and receipt.state in MAY_RUN
        return self._runs

    def _decide(self, one: Import) -> None:
        standing = self._assess(one)
        if standing is None or self._needs_none(one, standing):
            pass
        elif self._policy.check_mode:
            self._plan(one)
        else:
            self._start(one)
        if one.is_settled and not self._policy.check_mode:
            self._close_earlier(one)

    def _plan(self, one: Import) -> None:
        one.before, one.after = one.before or self._status.last_status_text, "an import is started"
        one.changed = True
        one.settle("planned", "")

    def _assess(self, one: Import) -> Assessment | None:
        """Where the server stands; None if it does not want to be asked, which settles it."""
        try:
            standing = self._status.assess(one.wanted)
        except Refused as error:
            one.settle("failed", f"{error.message} Nothing was started.", answer=error.answer)
            return None
        self._runs = standing.is_running
        self._doubt = self._doubt or standing.doubt
        self._know(one)
        return standing

    def _needs_none(self, one: Import, standing: Assessment) -> bool:
        """Whether no import is to be started now; then what there is to do about it is done."""
        is_queued = self._policy.if_running == "queue"
        if one.reason == "joined" and standing.ended is not None:
            one.settle(standing.ended.state, standing.ended.message)
        elif self._is_enough(one, standing):
            one.reason = "fresh"
            one.settle("succeeded", standing.message)
        elif standing.obstacle is not None and (is_queued or not standing.is_running):
            one.settle("failed", f"{standing.obstacle} Nothing was started.")
        elif standing.is_running and not (is_queued and self._policy.check_mode):
            self._stand_back(one, standing.message)
        else:
            return False
        return True

    def _is_enough(self, one: Import, standing: Assessment) -> bool:
        """Whether the last import will do. One that this run waited for will not, if the user wanted one after it."""
        return standing.is_fresh and not (one.state == "running" and self._policy.if_running == "queue")

    def _stand_back(self, one: Import, why: str) -> None:
        """None may be started while one runs, or while another run is about to start one."""
        if self._policy.if_running == "fail":
            one.settle("failed", f"{why} Nothing was started, since if_running=fail.")
            return
        one.state, one.message, self._runs = "running", why, True
        if self._policy.if_running == "join":
            one.reason = "joined"
        elif not self._policy.wait:
            one.settle("running", f"{why} if_running=queue would wait, but wait=false.", has_failed=True)

    def _poll(self, one: Import) -> None:
        super()._poll(one)
        self._know(one)

    def _know(self, one: Import) -> None:
        """Remember what is known of the server, and what was at first."""
        one.before = one.before or self._status.last_status_text
        one.after, one.server = self._status.last_status_text, self._status.last_status

    def _give_up(self, one: Import, outage: Outage | None) -> None:
        if outage is not None and not one.is_polled and (one.state == "" or not self._runs):
            one.settle("failed", f"{outage.message} Nothing was started.", answer=outage.answer)
        else:
            super()._give_up(one, outage)

    # Starting one

    def _start(self, one: Import) -> None:
        """Claim the right to start one, ask again now that no other run can, and start it."""
        receipt = self._receipt(one)
        if receipt is not None and receipt.owner and receipt.owner.is_alive and receipt.state in ABOUT_TO_START:
            self._stand_back(one, "Another run is about to start one.")
            return
        started_at = now_text()
        attempt = self._claim(one, receipt, started_at)
        if attempt is None:
            self._stand_back(one, "Another run was faster and is about to start one.")
            return
        if self._is_still_needed(one, attempt):
            one.reason = "forced" if self._policy.force else "new"
            one.begin(attempt, started_at, {})
            self._submit(one)
            self._know(one)

    def _is_still_needed(self, one: Import, attempt: int) -> bool:
        """Whether an import is still to be started; if not, the claim is taken back."""
        is_needed = False
        try:
            standing = self._assess(one)
            is_needed = standing is not None and not self._needs_none(one, standing)
        finally:
            if not is_needed:
                with suppress(StoreError):
                    self._store.withdraw(one.wanted.key, attempt)
        return is_needed

    def _advice_on_unknown(self, one: Import) -> str:
        return "Look at the server; the next run goes by what its status says then."

    def _advice_to_go_on(self, one: Import) -> str:
        return (
            "Run again to wait for it, as long as it runs; once it is over, max_age keeps another from being started."
        )

    # The store: a record and a mutex where it can be used

    def _receipt(self, one: Import) -> Receipt | None:
        try:
            return self._store.find([one.wanted.key]).get(one.wanted.key)
        except StoreError as error:
            self._do_without(error)
            return None

    def _claim(self, one: Import, receipt: Receipt | None, started_at: str) -> int | None:
        try:
            return self._store.claim(one.wanted, receipt, started_at, label=self._policy.label)
        except StoreError as error:
            self._do_without(error)
            return self._store.claim(one.wanted, None, started_at, label=self._policy.label)

    def _do_without(self, error: ImportsError) -> None:
        self.warnings.append(f"{error.message} So no other run on this host is kept from starting an import, too.")
        self._store = open_store(NOWHERE)

    def _close_earlier(self, one: Import) -> None:
        """Write down how an import ended whose run did not live to hear it, where the status tells."""
        if one.changed:
            return
        receipt = self._receipt(one)
        if receipt is None or receipt.state not in OPEN or (receipt.owner and receipt.owner.is_alive):
            return
        look = self._status.judge(receipt.notes)
        if look.state in ("succeeded", "failed"):
            detail = {"server": self._secrets.clean(look.server), "notes": receipt.notes}
            message = printable(self._secrets.redact(look.message))
            with suppress(StoreError):
                self._store.record(receipt.key, receipt.attempt, look.state, message, remote_id=None, detail=detail)
