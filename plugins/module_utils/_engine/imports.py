# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An import as a run sees it: what is wanted, what is known of it, and what this run did.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    PollResult,
    Wanted,
    parse_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt

# From best to worst: of several imports, the worst is the state of the task.
STATES = ("succeeded", "scheduled", "planned", "submitted", "running", "incomplete", "failed", "unknown")
NOT_SUCCESSFUL = ("incomplete", "failed", "unknown")


@dataclass
class Import:
    """One wanted import, and what this run knows of it and did about it."""

    wanted: Wanted
    state: str = ""  # empty until something was done about it
    reason: str = "new"
    changed: bool = False  # this run made the server start it, or may have
    before: str | None = None  # the state in which this run found it; None if nothing was known
    after: str | None = None  # what is known now, where that is more than the state
    content_sha256: str | None = None
    attempt: int = 0
    remote_id: str | None = None
    message: str = ""
    server: Any = None  # the last answer of the server about it
    notes: Mapping[str, Any] = field(default_factory=dict)  # of the system: its steps, or what it needs to poll
    answer: Answer | None = None  # the answer that made it fail
    started_at: str | None = None
    finished_at: str | None = None
    label: str | None = None  # as the receipt has it, or will
    period: Mapping[str, str] | None = None  # as the receipt has it, or will

    is_done: bool = False  # this run has nothing more to do about it
    has_failed: bool = False  # it keeps the task from success, and `message` says why
    is_partial: bool = False  # it failed, and a part of it may be there
    is_overtaken: bool = False  # its stream will be left in another state, so the end of this attempt is not enough
    is_plan_stale: bool = False  # what it was planned by changed before it was sent, so it has to be planned again
    evidence_of_loss: str = ""  # why its receipt was not believed

    is_polled: bool = False  # the server accepted it, so the server is polled, and the receipt is not read any more
    server_words: str = ""  # where it is while it runs, in the words of the server
    poll_error: str = ""  # why the last poll failed
    conclusion: PollResult | None = None  # what to believe if the last poll stays the last

    has_unsaved_notes: bool = False  # its notes are not in the store yet
    unsaved_outcome: tuple[str, str] | None = None  # state and message that the store did not take
    save_error: str | None = None  # why it did not

    @property
    def duration(self) -> float | None:
        """Seconds from the start of the attempt until its end was seen. None while one of them is not known."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((parse_time(self.finished_at) - parse_time(self.started_at)).total_seconds(), 3)

    def load(self, receipt: Receipt) -> None:
        """Take over what a receipt says."""
        self.attempt, self.remote_id = receipt.attempt, receipt.remote_id
        self.content_sha256 = receipt.content_sha256
        self.message, self.server, self.notes = receipt.message, receipt.detail.get("server"), receipt.notes
        self.started_at, self.finished_at = receipt.started_at, receipt.finished_at
        self.label, self.period = receipt.label, receipt.period

    def start_attempt(self, attempt: int, started_at: str, notes: Mapping[str, Any]) -> None:
        """Clear what an earlier attempt left. `notes`: the steps of it from which this one goes on."""
        self.attempt, self.remote_id, self.content_sha256 = attempt, None, self.wanted.content_sha256
        self.message, self.server, self.notes = "", None, notes
        self.started_at, self.finished_at = started_at, None
        self.is_overtaken = self.is_partial = False

    def wait_for_other_run(self, message: str) -> None:
        """Another run is at work on it: wait for its end."""
        self.state, self.message = "running", message

    def finish(self, state: str, message: str, *, has_failed: bool | None = None, answer: Answer | None = None) -> None:
        """This run does nothing more about it."""
        self.state, self.message, self.answer = state, message, answer
        self.has_failed = state in NOT_SUCCESSFUL if has_failed is None else has_failed
        self.is_done = True
