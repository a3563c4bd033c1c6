# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data imports of HCL BigFix Inventory and IBM License Metric Tool: reading the status, and starting an import.

Sources: the vendors' pages "Running data imports" and "REST API for data imports". One GET reads the status, and starts
an import if it has the parameter `run`. The status covers the last import only and has no id for it, so an import is
known by what changed since the status that was read before it was started (see `bigfix_outcome`).

What the pages do not say is a guess, and marked as one here. The guesses are made so that a wrong one leads to a
reported failure, never to a success that is none.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Assessment,
    Attempt,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import (
    Clock,
    WaitOptions,
    WaitTimeout,
    wait_for,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import is_login_page, json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import not_logged_in, request_line
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import (
    PRODUCTS,
    Credentials,
    Requirement,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.outcome import (
    baseline_of,
    outcome_of_own,
    outcome_since,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.status import (
    Status,
    describe_age,
    describe_progress,
    parse_status,
)

HEADERS = {"Accept-Language": "en-US"}  # the one language besides the server's own
PATH = "/api/import_status.json"

MIN_PAUSE = 10.0  # seconds between polls: the vendors warn against calls during an import
MAX_ODD_ANSWERS = 3  # so many odd answers in a row (no outcome, a login page, no token) are believed
RECONNECT_PAUSES = (0.5, 1.0, 2.0)  # seconds between attempts to connect while no import is known to run
RECONNECT_TIMEOUT = 10.0  # seconds; if one attempt takes this long, no other follows


class DataImports:
    """The data imports of a server, as the engine sees them (`StatusSystem`).

    `on_token` is called with the token that is exchanged for a password. `start_wait` is how often to poll whether an
    import was started, if the answer to the start was lost.
    """

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def __init__(
        self,
        client: Client,
        product: str,
        credentials: Credentials,
        on_token: Callable[[str], None],
        start_wait: WaitOptions | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._product = product
        self._credentials = credentials
        self._on_token = on_token
        self._start_wait = start_wait or WaitOptions(60, MIN_PAUSE, 60)
        self._clock = clock or Clock()
        self._token = credentials.token
        self._first_status: Status | None = None
        self._status: Status | None = None
        self._first_read_at = self._started_at = self._clock.now()
        self._polls_without_outcome = 0
        self._login_pages = 0  # before the first status; later ones count as an outage
        self._password_attempts = 0

    # What the engine asks for

    @property
    def last_status(self) -> Mapping[str, Any] | None:
        """The last status as it came."""
        return self._status.raw if self._status else None

    @property
    def last_status_text(self) -> str:
        """The last status in words."""
        return str(self._status) if self._status else "not known"

    def prepare(self) -> None:
        """Be ready to send."""
        self._client.prepare()

    def probe(self) -> None:
        """Read the status."""
        self.read()

    def read(self, *, tries: int = 1) -> Status:
        """Read the status; with several `tries`, again soon if that fails. Raises `Refused` or `Outage`."""
        request = self._with_token({})
        is_running = self._status is not None and self._status.is_running
        ask = self._client.ask if is_running or tries > 1 else self._ask_with_reconnects
        return self._take_status(ask("GET", PATH, tries=tries, **request))

    def assess(self, wanted: Wanted) -> Assessment:
        """Where the server stands, and how an import ended that was running at the first assessment."""
        requirement: Requirement = wanted.payload
        status = self.read()
        if self._first_status is None:
            self._first_status, self._first_read_at = status, self._clock.now()
        seconds_since = self._clock.now() - self._first_read_at
        outcome = outcome_since(status, baseline_of(self._first_status), seconds_since, self._product)
        has_ended = outcome.state in ("succeeded", "failed") and requirement.is_met_by(status.last_type)
        obstacle = None
        if status.can_run_imports is False:
            name = PRODUCTS[self._product]
            obstacle = f"{name} says that this user cannot run imports; that takes the permission Manage Imports."
        return Assessment(
            message=describe_progress(status) if status.is_running else describe_age(status),
            is_fresh=requirement.accepts_earlier_import and not requirement.shortfall(status),
            is_running=status.is_running,
            obstacle=obstacle,
            ended=outcome if has_ended else None,
            doubt=status.doubt if requirement.accepts_earlier_import else None,
        )

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Start an import. Its answer says whether it started, or else the status from then on."""
        requirement: Requirement = wanted.payload
        before = self._status or self.read()
        self._started_at = self._clock.now()
        notes = {"import_type": requirement.import_type, **baseline_of(before)}
        attempt.note(notes)
        request = self._with_token({"run": requirement.run_parameter})
        attempt.commit(None)
        try:
            answer = self._client.trigger("GET", PATH, **request)
            if not self._take_status(answer).is_running:
                odd = f"{request_line(answer)}: HTTP {answer.status}, but no import is running after that."
                raise OutcomeUnknown(odd, answer)
        except (OutcomeUnknown, Outage) as error:
            self._check_that_it_started(notes, error.message, error.answer)
        return Accepted(None, self.last_status, notes=notes)

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """How the import that was started with these notes is doing."""
        result = self._poll_own(notes)
        has_outcome = result.state not in ("nothing", "unknown")
        self._polls_without_outcome = 0 if has_outcome else self._polls_without_outcome + 1
        if 0 < self._polls_without_outcome < MAX_ODD_ANSWERS:
            return PollResult("running", result.message, result.server)
        return PollResult(result.state if has_outcome else "unknown", result.message, result.server)

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """None: the status never says that imported data is gone."""
        return ""

    def judge(self, notes: Mapping[str, Any]) -> PollResult:
        """What the last status says about the import that was started with these notes."""
        if self._status is None or not notes:
            return PollResult("unknown", "", None)
        return outcome_of_own(self._status, notes, None, self._product)

    # Reading the status

    def _poll_own(self, notes: Mapping[str, Any]) -> PollResult:
        """One poll while an import of ours may be running: the wait goes on through an outage."""
        status = self._take_status(self._client.ask("GET", PATH, tries=1, **self._with_token({})))
        return outcome_of_own(status, notes, self._clock.now() - self._started_at, self._product)

    def _take_status(self, answer: Answer) -> Status:
        if self._status is None and is_login_page(answer):
            self._login_pages += 1
            if self._login_pages == MAX_ODD_ANSWERS:
                raise not_logged_in(answer)
        self._status = parse_status(answer, self._clock)
        return self._status

    def _ask_with_reconnects(self, method: str, path: str, **request: Any) -> Answer:
        """Ask once, but try a few times to connect: without a connection nothing was sent."""
        start = self._clock.now()
        for pause in RECONNECT_PAUSES:
            try:
                return self._client.ask(method, path, **request)
            except Outage as outage:
                is_slow = self._clock.now() - start > RECONNECT_TIMEOUT
                if not outage.unconnected or outage.is_permanent or is_slow:
                    raise
            self._clock.sleep(pause)
        return self._client.ask(method, path, **request)

    # Starting an import without a clear answer

    def _check_that_it_started(self, notes: Mapping[str, Any], message: str, answer: Answer | None) -> None:
        """Find out by the status whether an import was started. Raises `Refused` or `OutcomeUnknown` if not."""
        results: list[PollResult] = []

        def is_decided(_notes: Mapping[str, Any]) -> bool:
            results.append(self._poll_own(notes))
            return results[-1].state in ("running", "succeeded", "failed") or len(results) >= MAX_ODD_ANSWERS

        try:
            wait_for([notes], is_decided, self._start_wait, self._clock)
        except WaitTimeout as error:
            reason = f"The status could not be read: {error.outage.message}" if error.outage else ""
            raise OutcomeUnknown(f"{message} {reason}".rstrip(), answer) from error
        except Refused as error:
            raise OutcomeUnknown(f"{message} The status could not be read: {error.message}", answer) from error
        last = results[-1]
        if last.state == "nothing":
            raise Refused(f"{message} {PRODUCTS[self._product]} did not start an import.{_hint(notes)}", answer)
        if last.state == "unknown":
            raise OutcomeUnknown(f"{message} It is not known whether an import was started: {last.message}.", answer)

    # The token

    def _with_token(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A request's query and headers, with the token in one of them."""
        if self._token is None:
            self._token = self._exchange_password()
        if self._credentials.transport == "header":
            return {"query": query, "headers": {"Token": self._token}}
        return {"query": {**query, "token": self._token}}

    def _exchange_password(self) -> str:
        """Get the user's token for the password. Too many attempts with a wrong one could lock the user out."""
        answer = self._send_password()
        try:
            token = json_object(answer).get("token")
        except ValueError:
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]{4,}", token):
            raise Refused(
                f"{request_line(answer)}: HTTP {answer.status}, but no token in the answer. With single sign-on"
                " there is none for a password; give a token instead.",
                credentials=True,
            )
        self._client.keep_secret(token)
        self._on_token(token)
        return token

    def _send_password(self) -> Answer:
        user = {"user": self._credentials.username, "password": self._credentials.password}
        try:
            return self._ask_with_reconnects("POST", "/api/get_token", json_body=user, tries=1)
        except Outage as outage:
            self._password_attempts += not outage.unconnected
            if outage.answer is not None and outage.answer.status == 500:
                why = "Some releases answer wrong credentials like this"
            elif self._password_attempts == MAX_ODD_ANSWERS:
                why = f"The password was sent {MAX_ODD_ANSWERS} times, and a wrong one could lock the user out"
            else:
                raise
            advice = f"{why}, so it is not tried again; give a token instead."
            raise Refused(f"{outage.message} {advice}", outage.answer, credentials=True) from outage


def _hint(notes: Mapping[str, Any]) -> str:
    if notes["import_type"] != "raw_only":
        return ""
    return " Raw data imports may not be enabled; that is done at /management/feature of the server."
