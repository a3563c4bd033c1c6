# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emptying a library of Lifecycle Manager: read what it holds, clear it once, and read until it is empty.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from typing import Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    ImportsError,
    OutcomeUnknown,
    Refused,
    StoreError,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import (
    Clock,
    WaitOptions,
    WaitTimeout,
    wait_for,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import (
    COUNTS,
    counts_of,
    is_documented_error,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library

MAX_PAUSE = 10.0  # seconds between two polls of a library that was cleared


class Emptying:
    """The emptying of a library: what it held, what it holds as last read, and what went wrong.

    `clear_events`: the events in its queue have to be gone, too. `changed`: it was cleared, may have been, or would be.
    """

    def __init__(self, library: Library, *, clear_events: bool, clock: Clock | None = None) -> None:
        self._library = library
        self._clear_events = clear_events
        self._clock = clock or Clock()
        self._emptied_counts = ["catalog_assets", "active_requests", *(["pending_events"] if clear_events else [])]
        self.before: dict[str, int | None] = {}
        self.after: dict[str, int | None] = {}
        self.changed = False
        self.failure: ImportsError | None = None
        self._is_accepted = False
        self._was_read_since = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was left of what has to be gone, when it was last read."""
        return all(self.after[name] == 0 for name in self._emptied_counts)

    @property
    def assets_are_gone(self) -> bool:
        """Whether what it held is gone: the request to clear it was accepted, or no assets were read since."""
        return self._is_accepted or (self._was_read_since and self.after["catalog_assets"] == 0)

    def read(self) -> None:
        """Read what it holds. Raises `ImportsError`, also where its status does not report what has to be known."""
        self.before = self.after = counts_of(self._library.status())
        missing = [COUNTS[name] for name in self._emptied_counts if self.before[name] is None]
        if missing:
            raise ImportsError(f"The status of the library does not report {', '.join(missing)}. Nothing was sent.")

    def predict(self) -> None:
        """Say what clearing it would leave."""
        self.changed = True
        self.after = {**self.before, **dict.fromkeys(["published_assets", *self._emptied_counts], 0)}

    def clear(self, timeout: float, on_gone: Callable[[], None] = lambda: None) -> None:
        """Clear it, once, and poll it for so many seconds until it is empty. Raises `ImportsError` for a refusal.

        `on_gone` is called as soon as it is known that what it held is gone.
        """
        lost: OutcomeUnknown | None = None
        try:
            self._library.clear(clear_events=self._clear_events)
            self._is_accepted = True
        except OutcomeUnknown as error:
            lost = error
        except ImportsError as error:
            error.message += " Nothing was removed."
            raise
        self.changed = True
        if self.assets_are_gone:
            self._record(on_gone)
        self._wait_until_empty(lost, timeout)
        if self.assets_are_gone and not self._is_accepted:
            self._record(on_gone)

    def _record(self, on_gone: Callable[[], None]) -> None:
        try:
            on_gone()
        except StoreError as error:
            unrecorded = "The library was cleared, but that could not be recorded"
            advice = "Repair the store, and run this again before anything is imported."
            self.failure = ImportsError(f"{unrecorded}: {error.message} {advice}")

    def _wait_until_empty(self, lost: OutcomeUnknown | None, timeout: float) -> None:
        # The vendor documents a text with 500 for what could not be done: then there is nothing to wait for.
        was_rejected = lost is not None and lost.answer is not None and is_documented_error(lost.answer)
        options = WaitOptions(0 if was_rejected else timeout, MAX_PAUSE, timeout)
        try:
            wait_for([self], Emptying._poll, options, self._clock, at_once=True)
        except WaitTimeout as error:
            self.failure = self._not_empty(lost, error.outage)
        except Refused as error:
            self.failure = self._not_empty(lost, error)

    def _poll(self) -> bool:
        self.after = counts_of(self._library.status(tries=1))
        self._was_read_since = True
        return self.is_empty

    def _not_empty(self, lost: OutcomeUnknown | None, unread: ImportsError | None) -> ImportsError:
        """That it is not known to be empty, and why."""
        sent = lost.message if lost is not None else "The request to clear the library was accepted."
        left = ", ".join(f"{COUNTS[name]} {self.after[name]}" for name in self._emptied_counts)
        seen = f"It could not be read any more: {unread.message}" if unread else f"It is not empty: {left}."
        answer = lost.answer if lost is not None else unread.answer if unread is not None else None
        return ImportsError(f"{sent} {seen} Look there, and run again to have it cleared again.", answer)
