# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of an import, and the states in which an attempt can be.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AT_WORK = ("claimed", "sent", "submitted")  # while its run is alive
# How an attempt ended whose run died in that state: state and message.
OUTCOME_OF_DEAD_RUN = {
    "claimed": ("failed", "The run ended before everything was sent."),
    "sent": ("unknown", "The run that sent it ended before it heard the server's answer."),
}
LIVE_STATES = tuple(OUTCOME_OF_DEAD_RUN)  # so an attempt is in one of these only while its run is alive
# States of attempts that may have changed the target, and so may be its newest state.
MAY_HAVE_CHANGED = ("sent", "submitted", "unknown", "incomplete", "succeeded", "scheduled")
AFTER_SCHEDULED = ("incomplete", "succeeded", "failed")  # outcomes that may be written after `scheduled`
FINAL = ("succeeded", "failed", "superseded")
IN_PLACE = ("incomplete", "succeeded", "scheduled")  # outcomes that a later attempt that failed does not undo


@dataclass(frozen=True)
class Owner:
    """The run that is at work on an attempt."""

    run: str
    host: str
    pid: int
    is_alive: bool


@dataclass(frozen=True)
class Receipt:
    """What is known of an import: the attempt that counts, and the run that is at work on it (None: none any more).

    `version` changes whenever the receipt does. `stream` and `label` are those of the run that made the attempt.
    `period` is the time that its content covers, as it stands in results.
    """

    key: str
    version: tuple[int, str]
    stream: str
    attempt: int
    state: str
    content_sha256: str | None
    remote_id: str | None
    message: str
    detail: Mapping[str, Any]
    started_at: str
    finished_at: str | None
    owner: Owner | None
    label: str | None = None
    period: Mapping[str, str] | None = None

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the system noted of the attempt."""
        notes: Mapping[str, Any] = self.detail.get("notes", {})
        return notes

    @property
    def is_partial(self) -> bool:
        """Whether it failed, and a part of it may be there."""
        return self.state == "failed" and bool(self.detail.get("is_partial"))


@dataclass(frozen=True)
class DatedState:
    """The state of a stream at a moment: the key of its import, and the state of that."""

    key: str
    state: str

    @property
    def may_be_imported(self) -> bool:
        return self.state in MAY_HAVE_CHANGED


@dataclass(frozen=True)
class Window:
    """A time range that was imported into a target, or was tried to be; `options` are those of its identity."""

    options: Mapping[str, Any]
    receipt: Receipt


@dataclass(frozen=True)
class Windows:
    """All time ranges of a target. `basis` changes whenever one of them does."""

    found: tuple[Window, ...]
    basis: str
