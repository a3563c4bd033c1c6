# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling the server about an import that it accepted, and what follows from what was seen.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Outage,
    PollResult,
    Refused,
    as_sentence,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.context import Context
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import NOT_SUCCESSFUL, Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.recording import Recorder


class Poller:
    """Polls imports that the server accepted."""

    def __init__(self, context: Context, recorder: Recorder) -> None:
        self._context = context
        self._recorder = recorder

    def poll(self, one: Import) -> None:
        """Ask the server once how an import is doing. Raises `Outage`.

        An import that is over, but is not the state that its stream should be left in, is not polled any more and not
        done either: it has to be decided about again.
        """
        try:
            result = self._context.system.poll(one.remote_id, one.notes)
        except Refused as error:
            self._leave_running(one, error.message, error)
            return
        except Outage as outage:
            one.conclusion, one.poll_error = outage.conclusion, outage.message
            self._context.progress.report(one)
            raise
        one.conclusion, one.poll_error = result.conclusion, ""
        self._apply(one, result)

    def give_up(self, one: Import, outage: Outage | None) -> None:
        """The time for waiting is over, or the server cannot be asked (`outage`). It goes on, and the next run does."""
        timeout = self._context.wait_options.timeout
        over = f"It was not finished after {timeout:g} s of waiting (wait_timeout)"
        if self._conclude(one):
            one.message = one.message if outage is not None else f"{over}. {one.message}"
        elif outage is not None:
            self._leave_running(one, f"It could not be asked for any more: {outage.message}", outage)
        else:
            self._leave_running(one, as_sentence(f"{over}; {one.message}" if one.message else over))

    def give_up_after_one_poll(self, one: Import, outage: Outage) -> None:
        """Nothing is waited for, and the one poll failed."""
        if not self._conclude(one):
            self._leave_running(one, outage.message, outage)

    def _leave_running(self, one: Import, why: str, error: Refused | Outage | None = None) -> None:
        message = f"{why} {self._context.advice.to_go_on(one)}"
        one.finish("running", message, has_failed=True, answer=error.answer if error is not None else None)

    def _conclude(self, one: Import) -> bool:
        """Whether the last poll, which failed or saw no end, still says enough of the import. It has failed then."""
        conclusion = one.conclusion
        if conclusion is None or (one.is_overtaken and conclusion.state != "unknown"):
            return False
        self._apply(one, conclusion)
        one.has_failed = True
        return True

    def _apply(self, one: Import, result: PollResult) -> None:
        """Take over what a poll saw."""
        one.server = result.server or one.server
        if result.notes is not None:
            one.has_unsaved_notes, one.notes = one.has_unsaved_notes or result.notes != one.notes, result.notes
        if result.state == "running":
            one.state, one.message, one.server_words = "running", result.message, result.server_words
            self._recorder.record_again(one)
        else:
            self._apply_end(one, result)

    def _apply_end(self, one: Import, result: PollResult) -> None:
        first_seen = ""
        if one.before == "unknown" and one.finished_at:
            first_seen = f" It was sent by the attempt of {one.started_at}, and was unknown already at"
            first_seen += f" {one.finished_at}."
        one.is_partial = result.is_partial
        is_known = result.state == one.before and not one.changed  # then the time that was noted first is kept
        if not (is_known and (result.state == "scheduled" or not one.has_unsaved_notes)):
            self._recorder.record_end(one, result.state, result.message)
        if one.is_overtaken and result.state != "unknown" and one.unsaved_outcome is None:
            one.is_polled = False
        elif result.state == "unknown":
            advice = f"{first_seen} {self._context.advice.on_unknown(one)}"
            one.finish("unknown", as_sentence(result.message) + advice, has_failed=not result.is_acceptable)
        else:
            is_good_enough = result.state not in NOT_SUCCESSFUL or result.is_acceptable
            one.finish(result.state, result.message, has_failed=not is_good_enough)
