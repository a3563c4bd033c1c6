# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a batch of Haplo, by its page, for users with a key for the pages of batches.

A page that does not have the known form says nothing. Then the batch is known to be scheduled, as without such a key,
and a warning says why no more is known.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    ImportsError,
    Outage,
    PollResult,
    as_sentence,
    shortened,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.guides import PAGES_PATH
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.html_page import PageError
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages import ENDED, BatchPage
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages_client import BatchPages

NO_END = "It may wait for others, but where a server was stopped in the middle of a batch, that stays so for ever."
NOT_AGAIN = (
    "so it is not sent again by itself. Correct what is wrong in the files, or set force to true (role variable"
    " haplo_batch_force) to send them as they are."
)
NOT_SCHEDULED = ("uploading", "ready")
IDENTIFIER_SHOWN = 10  # characters of it in the list of batches
LOG_LINES_SHOWN = 5  # of a log, in a message
MAX_LINE = 500  # characters
MAX_LOG = 64 * 1024  # characters


class BatchOutcomes:
    """Reads what became of batches, and judges it.

    `allowed` is how many errors in the log of a batch are acceptable. `warn` reports what could not be read.
    """

    def __init__(self, pages: BatchPages, allowed: float, warn: Callable[[str], None]) -> None:
        self._pages = pages
        self._allowed = allowed
        self._warn = warn

    def probe(self) -> None:
        """Find out whether the pages can be read. If not, there is a warning, and imports are sent all the same."""
        try:
            self._pages.newest()
        except (PageError, Outage) as error:
            self._warn(f"What became of batches cannot be read: {error.message}")

    def poll(self, identifier: str, notes: Mapping[str, Any]) -> PollResult:
        """How a batch is doing. Raises `Outage`.

        In `notes`, `row` is there once its page was read, `dry_run` says how it was scheduled, and `ended` how it ended
        with errors, which no page changes later.
        """
        if "ended" in notes:
            return self._with_errors(notes, None)
        try:
            row = notes.get("row")
            page = self._pages.find(identifier) if row is None else self._pages.batch(row, identifier)
        except PageError as error:
            return self._unreadable(identifier, notes, error)
        except Outage as outage:
            outage.conclusion = PollResult("scheduled", self._unknown_message(identifier, outage), None)
            raise
        return self._judge(page, {**notes, "row": page.row})

    def _unreadable(self, identifier: str, notes: Mapping[str, Any], error: PageError) -> PollResult:
        """The result if a page cannot be read. If it could be read before, that may be an outage."""
        message = self._unknown_message(identifier, error)
        if "row" in notes and error.is_transient:
            raise Outage(message, error.answer, conclusion=PollResult("scheduled", message, None)) from error
        self._warn(message)
        return PollResult("scheduled", message, None)

    def _judge(self, page: BatchPage, notes: Mapping[str, Any]) -> PollResult:
        """The result by the page of a batch."""
        server = _page_fields(page)
        is_dry = notes.get("dry_run", page.state == "dry-run")
        what = "The dry run" if is_dry else "The import"
        if page.state in NOT_SCHEDULED:
            return _lost(page, what, server, notes)
        if page.state not in ENDED:
            why = f"{what} is scheduled; its page still says {page.state!r}, so how it ends is not known yet."
            conclusion = PollResult("scheduled", f"{why} {NO_END} Its page: {page.url}", server)
            return PollResult("running", "", server, notes, server_words=page.state, conclusion=conclusion)
        if page.state == "error":
            return _stopped(page, what, server, notes, is_partial=not is_dry)
        if (page.state == "dry-run") is not is_dry:
            return _rescheduled(page, what, server, notes)
        if not page.errors:
            return PollResult("succeeded", f"{what} ended without errors. Its log: {page.url}", server, notes)
        message = f"{what} ended with {_error_count(page.errors)}: {_log_excerpt(page)} The whole log: {page.url}"
        ended = {"errors": page.errors, "message": self._pages.secrets.clean(message)}
        return self._with_errors({**notes, "ended": ended}, server)

    def _with_errors(self, notes: Mapping[str, Any], server: Any) -> PollResult:
        """The result of a batch that ended with errors in its log, by what is allowed now."""
        ended = notes["ended"]
        return PollResult("incomplete", ended["message"], server, notes, is_acceptable=ended["errors"] <= self._allowed)

    def _unknown_message(self, identifier: str, error: ImportsError) -> str:
        return (
            f"Batch {identifier} is scheduled; what became of it could not be read: {as_sentence(error.message)}"
            f" {where_to_find(self._pages.url, identifier)}"
        )


def where_to_find(url: str, identifier: str) -> str:
    """Where a person finds a batch whose row is not known, as the API does not say it."""
    return (
        "It is in Tools > Data import > Batch import > Batch import jobs, where it is the one that begins with"
        f" {identifier[:IDENTIFIER_SHOWN]}: {url}{PAGES_PATH}/batches"
    )


def allowed_errors(value: Any) -> float:
    """How many errors the option allows: all, none, or a number of them. Raises `BadInput`."""
    text = str(value).strip().lower()
    if text in ("true", "yes", "on"):
        return float("inf")
    if text in ("false", "no", "off"):
        return 0
    if text.isascii() and text.isdecimal():
        return int(text)
    raise BadInput(f"allow_errors is {value!r}; it has to be true, false, or a number of errors, 0 or more.")


def _lost(page: BatchPage, what: str, server: Any, notes: Mapping[str, Any]) -> PollResult:
    """Haplo no longer knows that the batch was scheduled, so the next run schedules it."""
    message = (
        f"{what} was scheduled, and its page says {page.state!r}, so it is no longer scheduled, as where Haplo was"
        f" restored from a backup. Run again to schedule it. Its page: {page.url}"
    )
    return PollResult("failed", message, server, {**notes, "stopped": page.state != "uploading"})


def _rescheduled(page: BatchPage, what: str, server: Any, notes: Mapping[str, Any]) -> PollResult:
    """Somebody else scheduled the batch first: an import as a dry run, or the other way round."""
    is_imported = page.state == "complete"
    outcome = "it was imported, and not only tried." if is_imported else "nothing was imported. Run again to import it."
    message = f"{what} ended as {page.state!r}, as somebody else has scheduled its batch: {outcome} Its log: {page.url}"
    return PollResult("failed", message, server, {**notes, "stopped": True}, is_partial=is_imported)


def _stopped(page: BatchPage, what: str, server: Any, notes: Mapping[str, Any], *, is_partial: bool) -> PollResult:
    """An exception ended the batch; the number of errors means nothing then."""
    partly = f"It may be partly imported, {NOT_AGAIN}" if is_partial else "Nothing is imported by a dry run."
    message = f"{what} was stopped by an error: {_log_excerpt(page)} {partly} The log: {page.url}"
    return PollResult("failed", message, server, {**notes, "stopped": True}, is_partial=is_partial)


def _page_fields(page: BatchPage) -> dict[str, Any]:
    """The fields of a page, for the result and the receipt."""
    log = page.log if page.log is None or len(page.log) <= MAX_LOG else f"{page.log[:MAX_LOG]}..."
    return {
        "batch": page.identifier,
        "row": page.row,
        "url": page.url,
        "state": page.state,
        "errors": page.errors,
        "log": log,
    }


def _log_excerpt(page: BatchPage) -> str:
    """The first lines of the log as a sentence; if an exception ended it, the last ones, which show that."""
    if page.log is None:
        return "its page has no log of the known form."
    lines = [shortened(line.strip(), MAX_LINE) for line in page.log.splitlines()[1:-1] if line.strip()]
    shown = lines[-LOG_LINES_SHOWN:] if page.state == "error" else lines[:LOG_LINES_SHOWN]
    more = " ..." if len(lines) > LOG_LINES_SHOWN else ""
    return as_sentence("; ".join(shown) or "the log has no line of it") + more


def _error_count(errors: int) -> str:
    return "1 error" if errors == 1 else f"{errors} errors"
