# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One library of Akana Lifecycle Manager, by the calls of its ImportUtils API.

Source: the vendor's page "Lifecycle Manager ImportUtils API". What it does not say is a guess, and marked so here. The
guesses are made so that a wrong one leads to a failure that is reported, never to a false success.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    Outage,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.client import TRIES, Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import (
    COUNTS,
    RUN_IDS,
    UNPUBLISHED,
    is_documented_error,
    is_of_the_api,
    parse_json,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import GUIDE, LibraryFunction

CUTS = 50  # so many places at which a cut answer may have been whole are tried


@dataclass(frozen=True)
class StartedImport:
    """What the server answered when it accepted an import. `is_cut`: the answer was longer than is ever read."""

    run_id: str
    answer: dict[str, Any]
    is_cut: bool


class Library:
    """One library; each method is one call."""

    def __init__(self, client: Client, function: LibraryFunction) -> None:
        self.client = client
        self._base = function.path

    def probe(self) -> None:
        """Ask for its status; an error in words, as the vendor documents it, is an answer, too."""
        self.client.probe("GET", f"{self._base}/getlibrarystatus", is_from_api=is_of_the_api)

    def start_import(self, body: Body) -> StartedImport:
        """Send an archive, or where it is. Raises `Refused`, `NotSent` or `OutcomeUnknown`."""
        try:
            answer = self.client.submit("POST", f"{self._base}/import", body)
        except OutcomeUnknown as error:
            if error.answer is not None and is_documented_error(error.answer):
                raise Refused(error.message, error.answer) from None  # documented: it was not processed
            raise
        started = _parse(answer) if answer.is_whole else _parse_cut(answer)
        run_id = next((started[name] for name in RUN_IDS if _is_text(started.get(name))), None)
        if run_id is None:
            raise OutcomeUnknown(f"{describe(answer)} It names no run, so the import cannot be followed.", answer)
        return StartedImport(run_id, started, is_cut=not answer.is_whole)

    def run_status(self, run_id: str, tries: int = TRIES) -> dict[str, Any]:
        """The status of a run as it came; its `unpublished-assets` is a count, or -1 while that is not known.

        Raises `Refused`, or `Outage` also for a run that the server does not know: how it says so is not documented.
        """
        answer = self.client.ask("GET", f"{self._base}/getimportstatus", {"runid": run_id}, tries=tries)
        status = _status_in(answer)
        count = status.get(UNPUBLISHED)
        if not isinstance(count, int) or isinstance(count, bool) or count < -1:
            raise Outage(f"{describe(answer)} That is not the status of run {run_id}.", answer)
        return status

    def status(self, tries: int = TRIES) -> dict[str, Any]:
        """The counts of the library as they came. Raises `Refused` or `Outage`."""
        answer = self.client.ask("GET", f"{self._base}/getlibrarystatus", tries=tries)
        status = _status_in(answer)
        if not any(name in status for name in COUNTS.values()):
            raise Outage(f"{describe(answer)} That is not the status of a library.", answer)
        return status

    def clear(self, *, clear_events: bool) -> None:
        """Remove all assets and requests, for good. Raises `Refused`, `NotSent` or `OutcomeUnknown`."""
        query = {"clearevents": "true"} if clear_events else {}
        self.client.trigger("POST", f"{self._base}/clearassets", query)


def _parse(answer: Answer) -> dict[str, Any]:
    """The answer to an import. Raises `OutcomeUnknown` for anything else."""
    try:
        return parse_json(answer)
    except ValueError:
        advice = f"That is not the answer to an import; is {GUIDE.named('url')} its address?"
        raise OutcomeUnknown(f"{describe(answer)} {advice}", answer) from None


def _parse_cut(answer: Answer) -> dict[str, Any]:
    """The beginning of an answer that reports more bad rows than are ever read: what comes before the cut is whole."""
    end = len(answer.text)
    for _try in range(CUTS):
        end = answer.text.rfind("}", 0, end)
        if end < 0:
            break
        try:
            return parse_json(replace(answer, text=f"{answer.text[: end + 1]}]}}", is_whole=True))
        except ValueError:
            continue
    raise OutcomeUnknown(f"{describe(answer)} That is too long for the answer to an import.", answer)


def _status_in(answer: Answer) -> dict[str, Any]:
    try:
        return parse_json(answer)
    except ValueError:
        raise Outage(f"{describe(answer)} That is not a status.", answer) from None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
