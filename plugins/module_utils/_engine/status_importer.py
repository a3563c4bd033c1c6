# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an import whose system knows itself what was imported: the status of the server decides.

    assessed -> recent enough: unchanged
             -> running: joined, waited for, or a reason to fail
             -> free: claimed, assessed again, sent, submitted -> succeeded | failed | unknown

A receipt never decides here. It is a record, and its claim keeps other runs from starting an import between this run's
last question and its start. From the commit point on all is as in `importer`.

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
from ansible_collections.assetops.imports.plugins.module_utils._engine.advice import StatusAdvice
from ansible_collections.assetops.imports.plugins.module_utils._engine.context import Context
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.polling import Poller
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import Progress
from ansible_collections.assetops.imports.plugins.module_utils._engine.recording import Recorder
from ansible_collections.assetops.imports.plugins.module_utils._engine.sending import Sender
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
OPEN = ("sent", "submitted", "unknown")  # states of a receipt whose run did not hear the end
MAY_RUN = ("sent", "submitted")  # states of a receipt whose import may be running
OUTAGE_TIMEOUT = 60.0  # seconds for which to try a server in trouble, while no import is known to run


class StatusImporter:
    """Makes sure that a server has imported what is wanted, going by the status of the server.

    `warnings` are for the user: a store that cannot be used does not keep anything from being imported.
    """

    def __init__(
        self,
        system: StatusSystem,
        store: Store,
        policy: Policy,
        wait_options: WaitOptions,
        clock: Clock | None = None,
        secrets: Secrets | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._system = system
        self._policy = policy
        self._wait_options = wait_options
        self._clock = clock or Clock()
        self._secrets = secrets or Secrets()
        self._progress = progress or Progress()
        advice = StatusAdvice(system)
        self._context = Context(system, store, policy, wait_options, self._clock, self._secrets, self._progress, advice)
        self._recorder = Recorder(self._context)
        self._sender = Sender(self._context, self._recorder)
        self._poller = Poller(self._context, self._recorder)
        self._given_store = store
        self._is_running: bool | None = None  # by the last status, or as another run is about to start one
        self._outage_since: float | None = None
        self._doubt: str | None = None
        self.warnings: list[str] = []

    def run(self, wanted: Sequence[Wanted]) -> list[Import]:
        """Do what is left to do for each in turn, and wait for it unless told not to. It ends at the first failure.

        All of them share one time for waiting.
        """
        deadline = self._clock.now() + self._wait_options.timeout
        imports: list[Import] = []
        try:
            for one in map(Import, wanted):
                self._run_one(one, imports[-1] if imports else None, deadline)
                imports.append(one)
                if one.has_failed:
                    break
        finally:
            if self._context.store is not self._given_store:
                self._context.store.close()
        for left in wanted[len(imports) :]:
            imports[-1].message = f"{as_sentence(imports[-1].message)} So the {left.source} was not begun."
        return imports

    def _run_one(self, one: Import, previous: Import | None, deadline: float) -> None:
        """Do what is left to do for an import. `previous` is the one that had to come first."""
        if previous is not None and previous.state == "planned":  # and would hide when this one was made last
            self._plan(one)
            return
        if previous is not None and previous.reason == "joined":
            one.reason = "joined"  # what ran may have been this import, too
        one.label = self._policy.label
        self._progress.start([one], is_waited_for=self._policy.wait)
        self._wait_for(one, deadline)
        self._progress.report(one)
        self._recorder.record_again(one)
        if one.save_error is not None:
            self.warnings.append(one.save_error)
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            self.warnings.append(doubt)
            one.message = f"{one.message} {doubt}".lstrip()

    def _wait_for(self, one: Import, deadline: float) -> None:
        options = replace(self._wait_options, timeout=max(0.0, deadline - self._clock.now()))
        try:
            wait_for([one], self._check, options, self._clock, at_once=True)
        except WaitTimeout as error:
            self._give_up(one, error.outage)

    def _check(self, one: Import) -> bool:
        """Ask the server once, and act on what it says; whether this was the last time."""
        if one.is_polled:
            self._poller.poll(one)
            self._remember_status(one)
        else:
            self._decide_unless_away(one)
        self._progress.report(one)
        is_patient = self._policy.wait and not self._policy.check_mode
        return one.is_done or not is_patient

    def _give_up(self, one: Import, outage: Outage | None) -> None:
        if outage is not None and not one.is_polled and (one.state == "" or not self._is_running):
            one.finish("failed", f"{outage.message} Nothing was started.", answer=outage.answer)
        else:
            self._poller.give_up(one, outage)

    # By the status

    def _decide_unless_away(self, one: Import) -> None:
        """Decide. An outage is waited out while an import may be running, otherwise for a minute at most."""
        asked = self._clock.now()
        try:
            self._decide(one)
        except Outage as outage:
            if outage.is_permanent or self._may_run(one):
                raise
            self._outage_since = asked if self._outage_since is None else self._outage_since
            is_over = self._clock.now() - self._outage_since >= OUTAGE_TIMEOUT
            if not (outage.unconnected or is_over):
                raise
            one.finish("failed", f"{outage.message} Nothing was started.", answer=outage.answer)
        else:
            self._outage_since = None

    def _may_run(self, one: Import) -> bool:
        """Whether an import may be running: by the last status, or if there was none yet, by the receipt."""
        if self._is_running is None:
            receipt = self._find_receipt(one)
            self._is_running = receipt is not None and receipt.state in MAY_RUN
        return self._is_running

    def _decide(self, one: Import) -> None:
        assessment = self._assess(one)
        if assessment is None or self._needs_no_start(one, assessment):
            pass
        elif self._policy.check_mode:
            self._plan(one)
        else:
            self._start(one)
        if one.is_done and not self._policy.check_mode:
            self._record_earlier_end(one)

    def _assess(self, one: Import) -> Assessment | None:
        """Ask the server where it stands. None if it refused to say, which ends the import."""
        try:
            assessment = self._system.assess(one.wanted)
        except Refused as error:
            one.finish("failed", f"{error.message} Nothing was started.", answer=error.answer)
            return None
        self._is_running = assessment.is_running
        self._doubt = self._doubt or assessment.doubt
        self._remember_status(one)
        return assessment

    def _remember_status(self, one: Import) -> None:
        """Note the last status, and the first one as what was there before."""
        one.before = one.before or self._system.last_status_text
        one.after, one.server = self._system.last_status_text, self._system.last_status

    def _needs_no_start(self, one: Import, assessment: Assessment) -> bool:
        """Whether no import is to be started now; then all is done that follows from it."""
        is_queued = self._policy.if_running == "queue"
        if one.reason == "joined" and assessment.ended is not None:
            one.finish(assessment.ended.state, assessment.ended.message)
        elif self._is_fresh_enough(one, assessment):
            one.reason = "fresh"
            one.finish("succeeded", assessment.message)
        elif assessment.obstacle is not None and (is_queued or not assessment.is_running):
            one.finish("failed", f"{assessment.obstacle} Nothing was started.")
        elif assessment.is_running and not (is_queued and self._policy.check_mode):
            self._leave_to_other(one, assessment.message)
        else:
            return False
        return True

    def _is_fresh_enough(self, one: Import, assessment: Assessment) -> bool:
        """Whether the last import is enough. One that this run waited for is not, if the user wants one after it."""
        return assessment.is_fresh and not (one.state == "running" and self._policy.if_running == "queue")

    def _leave_to_other(self, one: Import, why: str) -> None:
        """Start none while one runs, or while another run is about to start one: join it, wait for it, or fail."""
        if self._policy.if_running == "fail":
            one.finish("failed", f"{why} Nothing was started, since if_running=fail.")
            return
        one.wait_for_other_run(why)
        self._is_running = True
        if self._policy.if_running == "join":
            one.reason = "joined"
        elif not self._policy.wait:
            one.finish("running", f"{why} if_running=queue would wait, but wait=false.", has_failed=True)

    # Starting one

    def _plan(self, one: Import) -> None:
        one.before, one.after = one.before or self._system.last_status_text, "an import is started"
        one.changed = True
        one.finish("planned", "")

    def _start(self, one: Import) -> None:
        """Claim the right to start one, ask again now that no other run can start one, and start it."""
        receipt = self._find_receipt(one)
        if receipt is not None and receipt.owner and receipt.owner.is_alive and receipt.state in ABOUT_TO_START:
            self._leave_to_other(one, "Another run is about to start one.")
            return
        started_at = now_text()
        attempt = self._claim(one, receipt, started_at)
        if attempt is None:
            self._leave_to_other(one, "Another run was faster and is about to start one.")
            return
        if self._is_still_needed(one, attempt):
            one.reason = "forced" if self._policy.force else "new"
            one.start_attempt(attempt, started_at, {})
            self._sender.submit(one)
            self._remember_status(one)

    def _is_still_needed(self, one: Import, attempt: int) -> bool:
        """Whether an import is still to be started; if not, the claim is taken back."""
        is_needed = False
        try:
            assessment = self._assess(one)
            is_needed = assessment is not None and not self._needs_no_start(one, assessment)
        finally:
            if not is_needed:
                with suppress(StoreError):
                    self._context.store.withdraw(one.wanted.key, attempt)
        return is_needed

    # The store: a record and a mutex where it can be used

    def _find_receipt(self, one: Import) -> Receipt | None:
        try:
            return self._context.store.find([one.wanted.key]).get(one.wanted.key)
        except StoreError as error:
            self._go_on_without_store(error)
            return None

    def _claim(self, one: Import, receipt: Receipt | None, started_at: str) -> int | None:
        try:
            return self._context.store.claim(one.wanted, receipt, started_at, label=self._policy.label)
        except StoreError as error:
            self._go_on_without_store(error)
            return self._context.store.claim(one.wanted, None, started_at, label=self._policy.label)

    def _go_on_without_store(self, error: ImportsError) -> None:
        self.warnings.append(f"{error.message} So no other run on this host is kept from starting an import, too.")
        self._context.store = open_store(NOWHERE)

    def _record_earlier_end(self, one: Import) -> None:
        """Write how an import ended whose run died before it heard the end, if the status says so."""
        if one.changed:
            return
        receipt = self._find_receipt(one)
        if receipt is None or receipt.state not in OPEN or (receipt.owner and receipt.owner.is_alive):
            return
        result = self._system.judge(receipt.notes)
        if result.state in ("succeeded", "failed"):
            detail = {"server": self._secrets.clean(result.server), "notes": receipt.notes}
            message = printable(self._secrets.redact(result.message))
            with suppress(StoreError):
                self._context.store.record(
                    receipt.key, receipt.attempt, result.state, message, remote_id=None, detail=detail
                )
