# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an import: claimed, sent, submitted, and then whatever the server says.

    (nothing) -> claimed -> sent -> submitted -> succeeded | failed | incomplete
                                \\-> failed (a refusal) | unknown (the answer was lost)

`Importer.run` is the whole story. It decides about each import by its receipt (`deciding`), sends what has to be sent,
one after the other (`sending`), and then waits for all of them at once (`polling`). While it waits it holds no claim of
an import that is not sent, so runs whose lists overlap never wait for each other in a circle.

An import is claimed as a whole. But where only the latest state of a stream counts (`once`), each stream is decided
about by itself: what was imported into another stream says nothing about this one. An attempt that is under way is
always waited for first. If its end is not the state that this run wants of its stream, the import is sent then.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Outage,
    StoreError,
    System,
    Wanted,
    as_sentence,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.advice import Advice, unsaved_message
from ansible_collections.assetops.imports.plugins.module_utils._engine.context import Context
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Decider, Decision, Policy
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
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store


class Importer:
    """Makes sure that a system has what is wanted, going by the receipts in one store.

    No `secrets` are written into the store. `progress` hears of all that is done, as soon as it is done.
    """

    def __init__(
        self,
        system: System,
        store: Store,
        policy: Policy,
        wait_options: WaitOptions,
        clock: Clock | None = None,
        secrets: Secrets | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._system = system
        self._store = store
        self._policy = policy
        self._wait_options = wait_options
        self._clock = clock or Clock()
        self._progress = progress or Progress()
        self._advice = Advice(system)
        context = Context(
            system, store, policy, wait_options, self._clock, secrets or Secrets(), self._progress, self._advice
        )
        self._decider = Decider(system, store, policy)
        self._recorder = Recorder(context)
        self._sender = Sender(context, self._recorder)
        self._poller = Poller(context, self._recorder)

    def run(self, wanted: list[Wanted]) -> list[Import]:
        """Do what is left to do for each, in the order given. Raises only before anything was sent."""
        imports = [Import(one, content_sha256=one.content_sha256) for one in wanted]
        firsts = {one.wanted.key: one for one in reversed(imports)}
        distinct = [one for one in imports if firsts[one.wanted.key] is one]
        receipts = self._store.find(list(firsts))
        self._progress.start(distinct, is_waited_for=self._policy.wait)
        for one in distinct:
            self._begin(one, receipts.get(one.wanted.key))
        self._wait_for_all([one for one in distinct if not one.is_done])
        for one in distinct:
            self._end(one)
        for one in imports:
            if firsts[one.wanted.key] is not one:
                _copy_outcome(firsts[one.wanted.key], one)
        return imports

    def _begin(self, one: Import, receipt: Receipt | None) -> None:
        """Do all that can be done without waiting."""
        if one.wanted.obstacle:
            one.finish("failed", one.wanted.obstacle)
        else:
            self._decide_and_act(one, receipt)
        self._progress.report(one)

    def _wait_for_all(self, pending: list[Import]) -> None:
        """Wait for what the server or another run is at. Without waiting, poll once what an earlier run sent."""
        if not self._policy.wait or self._policy.check_mode:
            for one in pending:
                if one.is_polled and not one.changed:
                    self._check_once(one)
            return
        try:
            wait_for(pending, self._check, self._wait_options, self._clock)
        except WaitTimeout as error:
            for one in error.left:
                self._poller.give_up(one, error.outage)

    def _end(self, one: Import) -> None:
        """Write what is not written yet, and complete the message."""
        self._progress.report(one)
        self._recorder.record_notes(one)
        self._recorder.record_again(one)
        one.message = f"{one.evidence_of_loss} {one.message}".strip()
        if one.save_error is not None:
            one.has_failed = True
            one.message = unsaved_message(one, one.save_error)

    # By the receipt

    def _decide_and_act(self, one: Import, receipt: Receipt | None) -> None:
        """Decide about an import by its receipt, and act."""
        if receipt is not None:
            one.load(receipt)
        try:
            receipt, decision, reason = self._decider.decide(one, receipt)
            if receipt is not None:
                one.load(receipt)
                one.before = one.before or receipt.state
            if not (one.reason == "joined" and decision is Decision.UNCHANGED):
                one.reason = reason
            self._act(one, receipt, decision)
        except StoreError as error:
            one.finish(one.state or "failed", error.message, has_failed=True)

    def _act(self, one: Import, receipt: Receipt | None, decision: Decision) -> None:
        if receipt is None or decision is Decision.SEND:
            self._sender.send(one, receipt)
        elif decision is Decision.RESUME:
            one.state, one.is_polled = "submitted", True
            self._recorder.record_label(one, receipt)
        elif decision is Decision.WAIT_FOR_OWNER:
            one.wait_for_other_run("another run is at it")
        elif decision is Decision.UNKNOWN:
            self._report_unknown(one, receipt)
        elif not self._import_lost_again(one, receipt):
            self._recorder.record_label(one, receipt)
            one.finish(receipt.state, receipt.message)

    def _report_unknown(self, one: Import, receipt: Receipt) -> None:
        """Nobody knows whether it was imported, and the server cannot be asked."""
        unknown_since = receipt.finished_at or receipt.started_at
        message = f"{as_sentence(receipt.message)} It has been unknown since {unknown_since}."
        if receipt.state == "sent":
            message = f"The run that sent it, at {receipt.started_at}, ended before it heard the server's answer."
            self._recorder.record_lost_answer(one, receipt)
        one.finish("unknown", f"{message} {self._advice.on_unknown(one)}")

    def _import_lost_again(self, one: Import, receipt: Receipt) -> bool:
        """Import again what the target lost, though its receipt says that it is there; whether that was so.

        What another run imported while this one waited for it is not doubted.
        """
        evidence = "" if one.reason == "joined" else self._system.evidence_of_loss(receipt.notes)
        if not evidence:
            return False
        one.evidence_of_loss, one.reason = evidence, "new"
        if self._policy.check_mode:
            self._sender.send(one, receipt)
        else:
            self._store.supersede_attempts([(receipt.key, receipt.attempt)])
            self._decide_and_act(one, self._store.find([one.wanted.key]).get(one.wanted.key))
        return True

    # Waiting

    def _check(self, one: Import) -> bool:
        """Poll the server once, or read the receipt while another run is at work on it; whether it is done."""
        if one.is_polled:
            self._poller.poll(one)
            self._decide_again_if_overtaken(one)
        else:
            self._read_receipt_again(one)
        self._progress.report(one)
        return one.is_done

    def _check_once(self, one: Import) -> None:
        try:
            self._check(one)
        except Outage as outage:
            self._poller.give_up_after_one_poll(one, outage)

    def _read_receipt_again(self, one: Import) -> None:
        try:
            receipt = self._store.find([one.wanted.key]).get(one.wanted.key)
        except StoreError as error:
            raise Outage(error.message) from error
        self._decide_and_act(one, receipt)

    def _decide_again_if_overtaken(self, one: Import) -> None:
        """Decide again where what was polled is over, but leaves its stream in another state than the one wanted."""
        if one.is_polled:
            return
        one.is_overtaken = False
        if self._policy.check_mode:
            one.reason = "new"
            self._sender.plan(one)
        else:
            one.wait_for_other_run("an earlier attempt at it ended")
            self._read_receipt_again(one)


def _copy_outcome(first: Import, one: Import) -> None:
    """An import that stands twice in a task happens once. The second is reported as a duplicate of the first."""
    one.reason, one.state, one.message = "duplicate", first.state, first.message
    one.before, one.content_sha256, one.attempt = first.before, first.content_sha256, first.attempt
    one.remote_id, one.server = first.remote_id, first.server
    one.started_at, one.finished_at = first.started_at, first.finished_at
    one.label, one.period = first.label, first.period
