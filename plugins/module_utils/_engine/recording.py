# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into the receipt store what becomes of imports.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import StoreError, now_text
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.context import Context
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import Receipt


class Recorder:
    """Records what becomes of imports. In check mode it writes nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def record_end(self, one: Import, state: str, message: str) -> None:
        """Write how an import ended."""
        one.finished_at = self.record(one, state, message)

    def record(self, one: Import, state: str, message: str) -> str:
        """Write the state of an import, and return the time that was written.

        What the store does not take is kept, for `record_again`.
        """
        if self._context.policy.check_mode:
            return now_text()
        one.save_error, one.unsaved_outcome, one.has_unsaved_notes = None, None, False
        secrets = self._context.secrets
        detail = {"server": secrets.clean(one.server), "notes": one.notes}
        if one.is_partial:
            detail["is_partial"] = True
        shown = printable(secrets.redact(message))
        try:
            return self._context.store.record(
                one.wanted.key, one.attempt, state, shown, remote_id=one.remote_id, detail=detail
            )
        except StoreError as error:
            one.save_error, one.unsaved_outcome = error.message, (state, message)
            return now_text()

    def record_again(self, one: Import) -> None:
        """Write what the store did not take before: it may be back, and the run may end at any time."""
        if one.unsaved_outcome is not None:
            self.record(one, *one.unsaved_outcome)

    def record_notes(self, one: Import) -> None:
        """Write what was seen of an import while it ran, for the next run to go on from."""
        if one.has_unsaved_notes:
            had_ended = one.before in self._context.system.polled_again and not one.changed
            self.record(one, str(one.before) if had_ended else "submitted", one.message)

    def record_label(self, one: Import, receipt: Receipt) -> None:
        """Write the name that the target has now: what watches over targets goes by it."""
        label = self._context.policy.label
        if label is not None and label != receipt.label:
            one.label = label
            if not self._context.policy.check_mode:
                self._context.store.relabel(receipt.key, receipt.attempt, label)

    def record_lost_answer(self, one: Import, receipt: Receipt) -> None:
        """Write that the run which sent this attempt died before it heard the answer."""
        if self._context.policy.check_mode:
            return
        try:
            self._context.store.note_unknown(receipt)
        except StoreError as error:
            one.save_error = error.message
