# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an import: claimed, sent, submitted, and then whatever the server says.

    (nothing) -> claimed -> sent -> submitted -> succeeded | failed | incomplete
                                \\-> failed (a refusal) | unknown (the answer was lost)

`Importer.run` is the whole story. It decides about each import by its receipt (`decide`), sends what has to be sent,
one after the other, and then waits for everything at once. While it waits it holds nothing that is not sent, so that
runs whose lists overlap never wait for each other in a circle.

An import is claimed as a whole, but where only the latest state of a stream counts (`once`), each stream has a story of
its own: what was imported into another stream says nothing about this one. What is under way is always seen to its end
first; if that end is not the state that this run wants of its stream, it is sent then.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    ROLES,
    Accepted,
    Answer,
    ImportsError,
    NotSent,
    Outage,
    OutcomeUnknown,
    Period,
    PollResult,
    Refused,
    StalePlan,
    StoreError,
    System,
    Wanted,
    as_sentence,
    now_text,
    parse_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets, printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import Progress
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import (
    Clock,
    WaitOptions,
    WaitTimeout,
    wait_for,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

# From best to worst: of several imports, the worst is the state of the task.
STATES = ("succeeded", "scheduled", "planned", "submitted", "running", "incomplete", "failed", "unknown")
NOT_SUCCESSFUL = ("incomplete", "failed", "unknown")
GOES_ON = ("claimed", "sent", "unknown", "failed")  # what an attempt broke off in, for another to go on from its notes


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


@dataclass
class Import:
    """One wanted import, and what this run knows and did of it.

    `changed`: this run made the server start it, or may have. `before` is what it was found as, if as anything, `after`
    what it is known as now, where that is more than its state. `notes` are the system's own: the steps it took, or what
    it needs for another look. `is_polled`: the server accepted it, so the server is asked and no longer the receipt.
    `is_settled`: this run has nothing more to do about it. `has_failed`: it keeps the task from success, and `message`
    says why. `has_unsaved_notes`: its notes are not written down yet. `conclusion`: what its system makes of the last
    poll, which failed. `is_overtaken`: what is waited for is not what its stream will be left as, so it does not settle
    this.
    `evidence_of_loss`: why its receipt was not believed. `label` and `period` are as the receipt has them, or will.
    `is_plan_stale`: what it was planned by did not hold any more when it was to be sent, so it has to be planned anew.
    `is_partial`: it failed, and a part of it may be there.
    `unsaved`: why the store does not know what became of it; `unwritten` is what is to be written. `server_words` are
    the server's for where it is while it runs; `trouble` is why the last poll failed.
    """

    wanted: Wanted
    state: str = ""
    reason: str = "new"
    changed: bool = False
    before: str | None = None
    after: str | None = None
    content_sha256: str | None = None
    attempt: int = 0
    remote_id: str | None = None
    message: str = ""
    server: Any = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    answer: Answer | None = None
    started_at: str | None = None
    finished_at: str | None = None
    is_polled: bool = False
    is_settled: bool = False
    has_failed: bool = False
    has_unsaved_notes: bool = False
    conclusion: PollResult | None = None
    is_overtaken: bool = False
    is_partial: bool = False
    unsaved: str | None = None
    unwritten: tuple[str, str] | None = None
    evidence_of_loss: str = ""
    label: str | None = None
    period: Mapping[str, str] | None = None
    is_plan_stale: bool = False
    server_words: str = ""
    trouble: str = ""

    @property
    def duration(self) -> float | None:
        """Seconds from the beginning of the attempt until its end was seen; None while one of them is not known."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((parse_time(self.finished_at) - parse_time(self.started_at)).total_seconds(), 3)

    def take(self, receipt: Receipt) -> None:
        """Know what the receipt knows."""
        self.attempt, self.remote_id = receipt.attempt, receipt.remote_id
        self.content_sha256 = receipt.content_sha256
        self.message, self.server, self.notes = receipt.message, receipt.detail.get("server"), receipt.notes
        self.started_at, self.finished_at = receipt.started_at, receipt.finished_at
        self.label, self.period = receipt.label, receipt.period

    def begin(self, attempt: int, started_at: str, notes: Mapping[str, Any]) -> None:
        """Start anew; what an attempt before left behind is not this one's, but for its notes where it goes on."""
        self.attempt, self.remote_id, self.content_sha256 = attempt, None, self.wanted.content_sha256
        self.message, self.server, self.notes = "", None, notes
        self.started_at, self.finished_at = started_at, None
        self.is_overtaken = self.is_partial = False

    def settle(self, state: str, message: str, *, has_failed: bool | None = None, answer: Answer | None = None) -> None:
        """Nothing more is done about it in this run."""
        self.state, self.message, self.answer = state, message, answer
        self.has_failed = state in NOT_SUCCESSFUL if has_failed is None else has_failed
        self.is_settled = True


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
    """What to do about an import, and the reason to give.

    `is_newest`: no later import changed its stream. `is_repeatable` and `polled_again`: as the system says of itself.
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
        is_overtaken = policy.once == "latest" and not is_newest  # so having been sent then is no longer enough
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


class ClaimLost(Exception):
    """Another run took the claim over before the commit point; nothing was imported by this one."""


class Importer:
    """Makes imports true in one system, with one receipt store, which is told no `secrets`.

    `progress` is told of all that is done, as soon as it is done.
    """

    def __init__(
        self,
        system: System,
        store: Store,
        policy: Policy,
        pace: WaitOptions,
        clock: Clock | None = None,
        secrets: Secrets | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._system = system
        self._store = store
        self._policy = policy
        self._pace = pace
        self._clock = clock or Clock()
        self._secrets = secrets or Secrets()
        self._progress = progress or Progress()
        self._is_prepared = False  # the server was there and let this user in when it was asked
        self._stop: str | None = None  # why nothing more is sent

    def run(self, wanted: list[Wanted]) -> list[Import]:
        """Do what is left to do for each, in the order given. Raises only before anything was sent."""
        imports = [Import(one, content_sha256=one.content_sha256) for one in wanted]
        firsts = {one.wanted.key: one for one in reversed(imports)}
        work = [one for one in imports if firsts[one.wanted.key] is one]
        receipts = self._store.find(list(firsts))
        self._progress.follow(work, is_waited_for=self._policy.wait)
        for one in work:
            if one.wanted.obstacle:
                one.settle("failed", one.wanted.obstacle)
            else:
                self._advance(one, receipts.get(one.wanted.key))
            self._progress.tell(one)
        self._wait_for_all([one for one in work if not one.is_settled])
        for one in work:
            self._progress.tell(one)
            if one.has_unsaved_notes:  # what was seen of it while it ran, for the next run to go on from
                had_ended = one.before in self._system.polled_again and not one.changed
                self._record(one, str(one.before) if had_ended else "submitted", one.message)
            self._write_again(one)
            one.message = f"{one.evidence_of_loss} {one.message}".strip()
        for one in imports:
            if firsts[one.wanted.key] is not one:
                _copy_outcome(firsts[one.wanted.key], one)
            elif one.unsaved is not None:
                _tell_unsaved(one, one.unsaved)
        return imports

    # What a receipt calls for

    def _advance(self, one: Import, receipt: Receipt | None) -> None:
        """Do for an import all that can be done without waiting."""
        if receipt is not None:
            one.take(receipt)
        try:
            receipt, decision, reason = self._judge(one, receipt)
            if receipt is not None:
                one.take(receipt)
                one.before = one.before or receipt.state
            if not (one.reason == "joined" and decision is Decision.UNCHANGED):
                one.reason = reason
            if receipt is None or decision is Decision.SEND:
                self._send(one, receipt)
            elif decision is Decision.RESUME:
                one.state, one.is_polled = "submitted", True
                self._relabel(one, receipt)
            elif decision is Decision.WAIT_FOR_OWNER:
                one.state, one.message = "running", "another run is at it"
            elif decision is Decision.UNKNOWN:
                self._tell_unknown(one, receipt)
            elif not self._is_lost_on_the_server(one, receipt):
                self._relabel(one, receipt)
                one.settle(receipt.state, receipt.message)
        except StoreError as error:
            one.settle(one.state or "failed", error.message, has_failed=True)

    def _judge(self, one: Import, receipt: Receipt | None) -> tuple[Receipt | None, Decision, str]:
        """What there is to do, why, and the receipt that says so: the one of this run's stream, if streams matter.

        Nothing is sent while an attempt for another stream is under way, or in doubt.
        """
        if receipt is None or self._policy.once == "ever" or receipt.stream == one.wanted.stream:
            return (receipt, *self._decision_by(receipt, one))
        own = self._store.in_stream(receipt, one.wanted.stream)
        decision, reason = self._decision_by(own, one)
        if decision is not Decision.SEND:
            return own, decision, reason
        elsewhere, reason_elsewhere = self._decided(receipt, is_newest=False)
        if elsewhere is not Decision.SEND:
            one.is_overtaken = True
            return receipt, elsewhere, reason_elsewhere
        return (receipt, decision, reason_elsewhere) if own is None else (own, decision, reason)

    def _decision_by(self, receipt: Receipt | None, one: Import) -> tuple[Decision, str]:
        is_newest = self._is_newest(one, receipt)
        one.is_overtaken = not is_newest
        return self._decided(receipt, is_newest=is_newest)

    def _decided(self, receipt: Receipt | None, *, is_newest: bool) -> tuple[Decision, str]:
        system = self._system
        return decide(
            receipt,
            self._policy,
            is_newest=is_newest,
            is_repeatable=system.is_repeatable,
            polled_again=system.polled_again,
        )

    def _is_newest(self, one: Import, receipt: Receipt | None) -> bool:
        """Whether nothing may have changed the target since, not even a later attempt at the same import."""
        if self._policy.once == "ever" or receipt is None:
            return True
        newest = self._store.newest_of(one.wanted.stream, receipt.key)
        return newest is not None and newest[0] == receipt.key and newest[1] <= receipt.attempt

    def _is_lost_on_the_server(self, one: Import, receipt: Receipt) -> bool:
        """Whether the target tells that it lost what the receipt says; then it is imported anew.

        What another run imported while this one waited for it is not doubted.
        """
        evidence_of_loss = "" if one.reason == "joined" else self._system.evidence_of_loss(receipt.notes)
        if evidence_of_loss:
            one.evidence_of_loss, one.reason = evidence_of_loss, "new"
            if self._policy.check_mode:
                self._send(one, receipt)
            else:
                self._store.supersede_attempts([(receipt.key, receipt.attempt)])
                self._advance(one, self._store.find([one.wanted.key]).get(one.wanted.key))
        return bool(evidence_of_loss)

    def _forget_what_is_gone(self, one: Import, receipt: Receipt | None) -> Receipt | None:
        """Supersede all receipts of a target that holds nothing; the own one as it is then.

        They would be believed again as soon as it holds what is sent now. What stands is listed before the target is
        asked the second time, as what comes to stand after that may well be there.
        """
        if not self._system.evidence_of_loss({}):
            return receipt
        standing = self._store.in_place(one.wanted.target)
        if not standing or not self._system.evidence_of_loss({}):
            return receipt
        self._store.supersede_attempts(standing)
        now = self._store.find([one.wanted.key]).get(one.wanted.key)
        is_the_same = receipt is not None and now is not None and now.attempt == receipt.attempt
        return now if is_the_same and now is not None and now.state == "superseded" else receipt

    def _tell_unknown(self, one: Import, receipt: Receipt) -> None:
        """Nobody knows whether it was imported, and the server cannot be asked."""
        message = (
            f"{as_sentence(receipt.message)} It has been unknown since {receipt.finished_at or receipt.started_at}."
        )
        if receipt.state == "sent":
            message = f"The run that sent it, at {receipt.started_at}, ended before it heard the server's answer."
            if not self._policy.check_mode:
                self._note_unknown(one, receipt)
        one.settle("unknown", f"{message} {self._advice_on_unknown(one)}")

    # Sending

    def _send(self, one: Import, receipt: Receipt | None) -> None:
        """Claim an import and send it. Without a claim nothing is sent: it may be another run's now."""
        period = one.wanted.read_period() if one.wanted.read_period is not None else None
        one.label, one.period = self._policy.label, None if period is None else period.as_result()
        if self._policy.adopt:
            self._adopt(one, receipt, period)
            return
        if not self._is_content_usable(one) or not self._prepare(one):
            return
        if self._policy.check_mode:
            self._plan(one)
            return
        started_at = now_text()
        goes_on = receipt is not None and receipt.state in GOES_ON and one.reason not in ("forced", "new")
        notes = receipt.notes if receipt is not None and goes_on else {}
        try:
            receipt = self._forget_what_is_gone(one, receipt)
            label = self._policy.label
            attempt = self._store.claim(one.wanted, receipt, started_at, notes, label=label, period=period)
        except StalePlan as error:
            one.is_plan_stale = True
            one.settle("failed", error.message)
            return
        except ImportsError as error:
            self._stop = error.message
            one.settle("failed", f"{error.message} Nothing was imported.")
            return
        if attempt is None:
            one.state, one.message = "running", "another run was faster"
            return
        one.begin(attempt, started_at, notes)
        self._submit(one)

    def _adopt(self, one: Import, receipt: Receipt | None, period: Period | None) -> None:
        """Write it down as imported, and send nothing: the user says that it is there."""
        state, now = self._system.best_end, now_text()
        message = "Taken for imported, since adopt=true; nothing was sent."
        one.before = one.before or "not imported"
        attempt: int | None = None
        if not self._policy.check_mode:
            label = self._policy.label
            try:
                attempt = self._store.adopt(
                    one.wanted, receipt, now, state=state, message=message, label=label, period=period
                )
            except StalePlan as error:
                one.is_plan_stale = True
                one.settle("failed", error.message)
                return
            if attempt is None:
                one.state, one.message = "running", "another run was faster"
                return
            one.begin(attempt, now, {})
            one.finished_at = now
        one.reason = "adopted"
        one.settle(state, message)

    def _relabel(self, one: Import, receipt: Receipt) -> None:
        """Keep the name by which the target is known now, as what watches over targets goes by it."""
        label = self._policy.label
        if label is not None and label != receipt.label:
            one.label = label
            if not self._policy.check_mode:
                self._store.relabel(receipt.key, receipt.attempt, label)

    def _is_content_usable(self, one: Import) -> bool:
        """Whether the server can make something of the content; not asked again of what it may have been sent whole."""
        if one.wanted.check is None or one.reason == "resumed":
            return True
        try:
            one.wanted.check()
        except ImportsError as error:
            one.settle("failed", f"{error.message} Nothing was imported.")
        return not one.is_settled

    def _prepare(self, one: Import) -> bool:
        """Whether the server is there and lets this user in: asked before the first, and after one left in doubt.

        What is repeatable asks by itself: no step of it before the last imports anything, or leaves anything in doubt.
        """
        if self._stop is not None:
            one.settle("failed", f"not tried, since what kept the one before keeps this one too: {self._stop}")
        elif not self._is_prepared:
            try:
                self._system.prepare()
                if self._policy.check_mode or not self._system.is_repeatable:
                    self._system.probe()
                self._is_prepared = True
            except ImportsError as error:
                self._stop = error.message
                one.settle("failed", f"{error.message} Nothing was imported.", answer=error.answer)
        return self._is_prepared and self._stop is None

    def _plan(self, one: Import) -> None:
        """Tell that an import would be sent, provided that it could be claimed."""
        try:
            self._store.check_that_it_can_be_written()
        except StoreError as error:
            one.settle("failed", f"{error.message} Nothing was imported.")
        else:
            one.changed = True
            one.settle("planned", "")

    def _submit(self, one: Import) -> None:
        try:
            with self._progress.sending(one):
                accepted = self._system.submit(one.wanted, OwnAttempt(self._store, one))
        except ClaimLost:
            one.state, one.message = "running", "another run took it over before everything was sent"
        except OutcomeUnknown as error:
            self._is_prepared = False
            one.changed = error.is_new
            self._end(one, "unknown", error.message)
            one.settle("unknown", f"{error.message} {self._advice_on_unknown(one)}", answer=error.answer)
        except ImportsError as unsent:
            why = self._explained(unsent)
            if why.affects_all:
                self._stop = why.message
            self._end(one, "failed", why.message)
            one.settle("failed", f"{why.message} Nothing was imported.", answer=why.answer)
        else:
            self._follow(one, accepted)

    def _explained(self, error: ImportsError) -> ImportsError:
        """The same, or the refusal that was lost with a connection that broke while it was sent: asked for anew."""
        if isinstance(error, NotSent) and error.answer is None and not error.unreachable:
            try:
                self._system.probe()
            except Refused as refusal:
                return refusal if refusal.credentials else error
            except ImportsError:
                self._is_prepared = False
        return error

    def _follow(self, one: Import, accepted: Accepted) -> None:
        """The server has it. Go on to look how it fares, where that can be seen."""
        one.changed = accepted.is_new
        one.remote_id, one.server, one.notes = accepted.remote_id, accepted.server, accepted.notes
        if accepted.state == "submitted":
            one.state, one.message, one.is_polled = "submitted", accepted.message, True
            self._record(one, "submitted", accepted.message)
        else:
            self._end(one, accepted.state, accepted.message)
            acceptable = accepted.state not in NOT_SUCCESSFUL or accepted.is_acceptable
            one.settle(accepted.state, accepted.message, has_failed=not acceptable)

    # Waiting

    def _wait_for_all(self, pending: list[Import]) -> None:
        """Wait for what the server or another run is at. Without waiting, look once at what an earlier run sent."""
        if not self._policy.wait or self._policy.check_mode:
            for one in pending:
                if one.is_polled and not one.changed:
                    self._poll_once(one)
            return
        try:
            wait_for(pending, self._is_done, self._pace, self._clock)
        except WaitTimeout as error:
            for one in error.left:
                self._give_up(one, error.outage)

    def _is_done(self, one: Import) -> bool:
        """One look at an import that is waited for: at the server, or at the receipt while another run is at it."""
        if one.is_polled:
            self._poll(one)
        else:
            self._check_the_receipt(one)
        self._progress.tell(one)
        return one.is_settled

    def _check_the_receipt(self, one: Import) -> None:
        try:
            receipt = self._store.find([one.wanted.key]).get(one.wanted.key)
        except StoreError as error:
            raise Outage(error.message) from error
        self._advance(one, receipt)

    def _poll(self, one: Import) -> None:
        try:
            look = self._system.poll(one.remote_id, one.notes)
        except Refused as error:
            one.settle("running", f"{error.message} {self._advice_to_go_on(one)}", has_failed=True, answer=error.answer)
            return
        except Outage as outage:
            one.conclusion, one.trouble = outage.conclusion, outage.message
            self._progress.tell(one)
            raise
        one.conclusion, one.trouble = look.conclusion, ""
        self._take(one, look)

    def _take(self, one: Import, look: PollResult) -> None:
        """Know what a look saw."""
        one.server = look.server or one.server
        if look.notes is not None:
            one.has_unsaved_notes, one.notes = one.has_unsaved_notes or look.notes != one.notes, look.notes
        if look.state == "running":
            one.state, one.message, one.server_words = "running", look.message, look.server_words
            self._write_again(one)
            return
        since = ""
        if one.before == "unknown" and one.finished_at:
            since = f" It was sent by the attempt of {one.started_at}, and was unknown already at {one.finished_at}."
        one.is_partial = look.is_partial
        is_known = look.state == one.before and not one.changed  # and the time at which it was is kept
        if not (is_known and (look.state == "scheduled" or not one.has_unsaved_notes)):
            self._end(one, look.state, look.message)
        if one.is_overtaken and look.state != "unknown" and one.unwritten is None:
            self._decide_anew(one)
            return
        advice = f"{since} {self._advice_on_unknown(one)}" if look.state == "unknown" else ""
        acceptable = look.state not in NOT_SUCCESSFUL or look.is_acceptable
        one.settle(
            look.state, (as_sentence(look.message) if advice else look.message) + advice, has_failed=not acceptable
        )

    def _decide_anew(self, one: Import) -> None:
        """What was waited for is over, but its stream is, or will be, in another state: decide anew."""
        one.is_polled = one.is_overtaken = False
        if self._policy.check_mode:
            one.reason = "new"
            self._plan(one)
        else:
            one.state, one.message = "running", "an earlier attempt at it ended"
            self._check_the_receipt(one)

    def _poll_once(self, one: Import) -> None:
        try:
            self._poll(one)
        except Outage as outage:
            if not self._is_concluded(one):
                why = f"{outage.message} {self._advice_to_go_on(one)}"
                one.settle("running", why, has_failed=True, answer=outage.answer)

    def _is_concluded(self, one: Import) -> bool:
        """Whether the last look, which failed or saw no end, is enough to tell something. It is a failure then."""
        conclusion = one.conclusion
        if conclusion is None or (one.is_overtaken and conclusion.state != "unknown"):
            return False
        self._take(one, conclusion)
        one.has_failed = True
        return True

    def _give_up(self, one: Import, outage: Outage | None) -> None:
        """The time for waiting is over. The server goes on, and so will the next run."""
        over = f"It was not finished after {self._pace.timeout:g} s of waiting (wait_timeout)"
        if self._is_concluded(one):
            one.message = one.message if outage is not None else f"{over}. {one.message}"
            return
        if outage is not None:
            why = f"It could not be asked for any more: {outage.message}"
        else:
            why = as_sentence(f"{over}; {one.message}" if one.message else over)
        one.settle(
            "running", f"{why} {self._advice_to_go_on(one)}", has_failed=True, answer=outage.answer if outage else None
        )

    # Writing down

    def _end(self, one: Import, state: str, message: str) -> None:
        one.finished_at = self._record(one, state, message)

    def _record(self, one: Import, state: str, message: str) -> str:
        """Write what became of an import, and return when. Should this fail, it is tried again, and told at the end."""
        if self._policy.check_mode:
            return now_text()
        one.unsaved, one.unwritten, one.has_unsaved_notes = None, None, False
        detail = {"server": self._secrets.clean(one.server), "notes": one.notes}
        if one.is_partial:
            detail["is_partial"] = True
        told = printable(self._secrets.redact(message))
        try:
            return self._store.record(one.wanted.key, one.attempt, state, told, remote_id=one.remote_id, detail=detail)
        except StoreError as error:
            one.unsaved, one.unwritten = error.message, (state, message)
            return now_text()

    def _write_again(self, one: Import) -> None:
        """Write what could not be written before: the store may be back, and the run may end at any time."""
        if one.unwritten is not None:
            self._record(one, *one.unwritten)

    def _advice_on_unknown(self, one: Import) -> str:
        """Advice about an import of which nobody knows whether it happened."""
        if self._system.is_repeatable:
            return "Run again: that will tell, and import nothing twice."
        named = ROLES.get(one.wanted.system)
        role = f" (role variable {named}_on_unknown)" if named else ""
        where = "Look there." if one.wanted.where is None else one.wanted.where(one.notes)
        return (
            f"So it is not known whether {one.wanted.target} has {one.wanted.source}. {where} If it was not"
            f" imported, run again with on_unknown=retry{role}; if it was, say so with the playbook"
            f" assetops.imports.settle, import_settle_keys={one.wanted.key} and import_settle_state=succeeded, or"
            " failed where it was and failed; assetops.imports.import_receipt does the same in a playbook of your own."
        )

    def _advice_to_go_on(self, one: Import) -> str:
        """Advice about an import that is not over."""
        waiting_for = f"task {one.remote_id}" if one.remote_id else "it"
        return f"Run again to go on waiting for {waiting_for}; nothing is imported twice."

    def _note_unknown(self, one: Import, receipt: Receipt) -> None:
        try:
            self._store.note_unknown(receipt)
        except StoreError as error:
            one.unsaved = error.message


class OwnAttempt:
    """The attempt that this run makes at an import, as the system sees it (`Attempt`)."""

    def __init__(self, store: Store, one: Import) -> None:
        self._store = store
        self._one = one
        self.notes = one.notes

    def note(self, notes: Mapping[str, Any]) -> None:
        """Write down how far it came. Raises `ClaimLost`."""
        if not self._store.note(self._one.wanted.key, self._one.attempt, notes):
            raise ClaimLost()
        self._one.notes = self.notes = notes

    def commit(self, sha256: str | None) -> None:
        """The last block is about to leave: from here on the server may have the import. Raises `ClaimLost`."""
        if not self._store.mark_sent(self._one.wanted.key, self._one.attempt, sha256):
            raise ClaimLost()
        self._one.content_sha256 = sha256


def _copy_outcome(first: Import, one: Import) -> None:
    """An import that stands twice in a task happens once; the second is told as a duplicate of the first."""
    one.reason, one.state, one.message = "duplicate", first.state, first.message
    one.before, one.content_sha256, one.attempt = first.before, first.content_sha256, first.attempt
    one.remote_id, one.server = first.remote_id, first.server
    one.started_at, one.finished_at = first.started_at, first.finished_at
    one.label, one.period = first.label, first.period


def _tell_unsaved(one: Import, reason: str) -> None:
    """The import went its way, but the next run will not know."""
    one.has_failed = True
    one.message = (
        f"{as_sentence(one.message)} What became of it could not be written down: {as_sentence(reason)} It is"
        f" {one.state} (remote id {one.remote_id}); see to the store, or the next run may not know."
    ).lstrip()
