# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending an import: checked, claimed, sent, and what the server said at once.

Without a claim nothing is sent, as the import may be another run's by now. Should the claim get lost before the last
block leaves, the sending breaks off.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    ImportsError,
    NotSent,
    OutcomeUnknown,
    Period,
    Refused,
    StalePlan,
    StoreError,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.context import Context
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import NOT_SUCCESSFUL, Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.recording import Recorder
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

BROKEN_OFF = ("claimed", "sent", "unknown", "failed")  # states of an attempt whose steps another one can go on from


class Sender:
    """Sends imports, one after the other."""

    def __init__(self, context: Context, recorder: Recorder) -> None:
        self._context = context
        self._recorder = recorder
        self._is_prepared = False  # the server was there, and let this user in
        self._stop_reason: str | None = None  # why nothing more is sent

    def send(self, one: Import, receipt: Receipt | None) -> None:
        """Send an import, or do what the user wants in its place: adopt it, or plan it."""
        policy = self._context.policy
        period = one.wanted.read_period() if one.wanted.read_period is not None else None
        one.label, one.period = policy.label, None if period is None else period.as_result()
        if policy.adopt:
            self._adopt(one, receipt, period)
        elif not self._is_content_usable(one) or not self._prepare(one):
            pass
        elif policy.check_mode:
            self.plan(one)
        elif self._claim(one, receipt, period):
            self.submit(one)

    def plan(self, one: Import) -> None:
        """Report that an import would be sent, provided that it could be claimed."""
        try:
            self._context.store.check_writable()
        except StoreError as error:
            one.finish("failed", f"{error.message} Nothing was imported.")
        else:
            one.changed = True
            one.finish("planned", "")

    def submit(self, one: Import) -> None:
        """Send a claimed import, and write what the server said."""
        try:
            with self._context.progress.sending(one):
                accepted = self._context.system.submit(one.wanted, OwnAttempt(self._context.store, one))
        except ClaimLost:
            one.wait_for_other_run("another run took it over before everything was sent")
        except OutcomeUnknown as error:
            self._is_prepared = False
            one.changed = error.is_new
            self._recorder.record_end(one, "unknown", error.message)
            advice = self._context.advice.on_unknown(one)
            one.finish("unknown", f"{error.message} {advice}", answer=error.answer)
        except ImportsError as unsent:
            why = self._find_refusal(unsent)
            if why.affects_all:
                self._stop_reason = why.message
            self._recorder.record_end(one, "failed", why.message)
            one.finish("failed", f"{why.message} Nothing was imported.", answer=why.answer)
        else:
            self._note_acceptance(one, accepted)

    # Before it is sent

    def _is_content_usable(self, one: Import) -> bool:
        """Whether the server can use the content. What may have been sent whole before is not checked again."""
        if one.wanted.check is None or one.reason == "resumed":
            return True
        try:
            one.wanted.check()
        except ImportsError as error:
            one.finish("failed", f"{error.message} Nothing was imported.")
        return not one.is_done

    def _prepare(self, one: Import) -> bool:
        """Whether the server is there and lets this user in. Asked before the first, and after one in doubt.

        A repeatable system is not probed: no step before its last one imports anything, or leaves anything in doubt.
        """
        if self._stop_reason is not None:
            one.finish("failed", f"not tried, since what kept the one before keeps this one too: {self._stop_reason}")
        elif not self._is_prepared:
            system = self._context.system
            try:
                system.prepare()
                if self._context.policy.check_mode or not system.is_repeatable:
                    system.probe()
                self._is_prepared = True
            except ImportsError as error:
                self._stop_reason = error.message
                one.finish("failed", f"{error.message} Nothing was imported.", answer=error.answer)
        return self._is_prepared and self._stop_reason is None

    def _claim(self, one: Import, receipt: Receipt | None, period: Period | None) -> bool:
        """Claim an import, so that no other run sends it; whether it is this run's now."""
        started_at, label = now_text(), self._context.policy.label
        goes_on = receipt is not None and receipt.state in BROKEN_OFF and one.reason not in ("forced", "new")
        notes = receipt.notes if receipt is not None and goes_on else {}
        try:
            receipt = self._supersede_lost(one, receipt)
            attempt = self._context.store.claim(one.wanted, receipt, started_at, notes, label=label, period=period)
        except StalePlan as error:
            one.is_plan_stale = True
            one.finish("failed", error.message)
        except ImportsError as error:
            self._stop_reason = error.message
            one.finish("failed", f"{error.message} Nothing was imported.")
        else:
            if attempt is not None:
                one.start_attempt(attempt, started_at, notes)
                return True
            one.wait_for_other_run("another run was faster")
        return False

    def _supersede_lost(self, one: Import, receipt: Receipt | None) -> Receipt | None:
        """Supersede all receipts of a target that holds nothing. Returns this import's receipt as it is then.

        Otherwise they would be believed again as soon as the target holds what is sent now. The receipts are listed
        before the target is asked the second time: what another run imports after that may well be there.
        """
        system, store = self._context.system, self._context.store
        if not system.evidence_of_loss({}):
            return receipt
        attempts = store.in_place(one.wanted.target)
        if not attempts or not system.evidence_of_loss({}):
            return receipt
        store.supersede_attempts(attempts)
        now = store.find([one.wanted.key]).get(one.wanted.key)
        is_same_attempt = receipt is not None and now is not None and now.attempt == receipt.attempt
        return now if is_same_attempt and now is not None and now.state == "superseded" else receipt

    def _adopt(self, one: Import, receipt: Receipt | None, period: Period | None) -> None:
        """Write down that it is imported, and send nothing: the user says that it is there."""
        state, now = self._context.system.best_end, now_text()
        message = "Taken for imported, since adopt=true; nothing was sent."
        one.before = one.before or "not imported"
        if not self._context.policy.check_mode:
            label = self._context.policy.label
            try:
                attempt = self._context.store.adopt(
                    one.wanted, receipt, now, state=state, message=message, label=label, period=period
                )
            except StalePlan as error:
                one.is_plan_stale = True
                one.finish("failed", error.message)
                return
            if attempt is None:
                one.wait_for_other_run("another run was faster")
                return
            one.start_attempt(attempt, now, {})
            one.finished_at = now
        one.reason = "adopted"
        one.finish(state, message)

    # After it was sent

    def _find_refusal(self, error: ImportsError) -> ImportsError:
        """The refusal of the credentials that a broken connection may have hidden, or else the error itself."""
        if isinstance(error, NotSent) and error.answer is None and not error.unreachable:
            try:
                self._context.system.probe()
            except Refused as refusal:
                return refusal if refusal.credentials else error
            except ImportsError:
                self._is_prepared = False
        return error

    def _note_acceptance(self, one: Import, accepted: Accepted) -> None:
        """The server has it. It is polled from now on, unless it is over already."""
        one.changed = accepted.is_new
        one.remote_id, one.server, one.notes = accepted.remote_id, accepted.server, accepted.notes
        if accepted.state == "submitted":
            one.state, one.message, one.is_polled = "submitted", accepted.message, True
            self._recorder.record(one, "submitted", accepted.message)
        else:
            self._recorder.record_end(one, accepted.state, accepted.message)
            is_good_enough = accepted.state not in NOT_SUCCESSFUL or accepted.is_acceptable
            one.finish(accepted.state, accepted.message, has_failed=not is_good_enough)


class ClaimLost(Exception):
    """Another run took the claim over before the commit point; this run imported nothing."""


class OwnAttempt:
    """The attempt that this run makes at an import, as the system sees it (`Attempt`)."""

    def __init__(self, store: Store, one: Import) -> None:
        self._store = store
        self._one = one
        self.notes = one.notes

    def note(self, notes: Mapping[str, Any]) -> None:
        """Write how far it came. Raises `ClaimLost`."""
        if not self._store.note(self._one.wanted.key, self._one.attempt, notes):
            raise ClaimLost()
        self._one.notes = self.notes = notes

    def commit(self, sha256: str | None) -> None:
        """The last block is about to leave: from now on the server may have the import. Raises `ClaimLost`."""
        if not self._store.mark_sent(self._one.wanted.key, self._one.attempt, sha256):
            raise ClaimLost()
        self._one.content_sha256 = sha256
