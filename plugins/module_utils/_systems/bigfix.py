# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HCL BigFix Inventory and IBM License Metric Tool: their import status, and what it says of an import.

Sources: the vendors' pages "Running data imports" and "REST API for data imports". One GET reads the status, and starts
an import when it has the parameter `run`. The status tells of the last import only, has no id for it, and may leave out
any field, so an import is known by what changed since the status that was read before it was started. Times are the
server's own throughout.

What the pages do not say is a guess, and marked so here; the guesses are made so that a wrong one leads to a failure
that is told, never to a success that is none.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Assessment,
    Attempt,
    BadInput,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
    as_sentence,
    identity_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import (
    Clock,
    WaitOptions,
    WaitTimeout,
    wait_for,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import date_of, is_login_page, json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import (
    describe,
    not_logged_in,
    request_line,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide

SYSTEM = "bigfix"
PRODUCTS = {"bigfix_inventory": "BigFix Inventory", "license_metric_tool": "License Metric Tool"}
OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "product": {"type": "str", "choices": list(PRODUCTS), "default": "bigfix_inventory"},
    "token_transport": {"type": "str", "choices": ["query", "header"], "no_log": False},
}
FROM_ENVIRONMENT = ("url", "token", "username", "password")
GUIDE = Guide(
    system=SYSTEM,
    environment={option: f"BIGFIX_{option.upper()}" for option in FROM_ENVIRONMENT},
    meanings={
        "url": (
            "the address of the server, with its port, as in https://bigfix.example.com:9081; without /api and without"
            " pages such as /management"
        ),
        "token": "the API token of a user (Profile > Show token), or leave it out to log in with a password",
        "username": "the user to log in as, or leave it out and give a token",
        "password": "the password of username, or leave it out and give a token",
    },
    api=r"/api(/(import_status\.json|get_token|management/imports\.json))?|/management(/(imports(\.json)?|feature))?",
    missing=(
        "There is nothing like that. {url} has to be the address of the server, with its port, as in"
        " https://bigfix.example.com:9081, without /api and without pages."
    ),
    credentials=(
        "{token} has to be the token of a user with the permission Manage Imports; so has the user of {username} and"
        " {password}, where these are given in its place."
    ),
    fields=(
        *("mode", "can_run_imports", "import_status_url", "import_create_url", "progress", "last_status", "token"),
        *("last_success_time", "last_import_time", "last_import_type"),
        *("next_import_time", "next_import_time_in", "next_import_type"),
    ),
)
# Variables of its own, and never those of BigFix Inventory: the token of one product is no business of the other.
LMT_GUIDE = replace(GUIDE, environment={option: f"LMT_{option.upper()}" for option in FROM_ENVIRONMENT})
HEADERS = {"Accept-Language": "en-US"}  # the one language besides the server's own
IMPORT_TYPES = ("complete", "raw_only")
PATH = "/api/import_status.json"

SUCCESSFUL = "successful"  # the one documented value of last_status; any other is taken for a failure
NOT_RUNNING = ("none", "idle", "pending")  # any other mode, documented (running) or not, is taken for running
SHORTEST_PAUSE = 10.0  # seconds between looks: the vendors warn against calls during an import
ODD_LOOKS = 3  # so often in a row a server that runs no import may tell of no end before that is believed
RECONNECT = (0.5, 1.0, 2.0)  # seconds between tries to reach a server of which no import is known to run
RECONNECT_WITHIN = 10.0  # seconds; a try that takes as long as that was many
AHEAD = 300.0  # seconds; a time so far ahead of the clock by which it is reckoned proves nothing
FAR_OFF = timedelta(days=30)  # a server's clock so far from this host's may be that of a cache, or none


@dataclass(frozen=True)
class Wish:
    """What is wanted of a server. `max_age` (seconds) and `newer_than` say which import that was made is enough."""

    product: str = "bigfix_inventory"
    import_type: str = "complete"
    max_age: float | None = None
    newer_than: datetime | None = None

    @property
    def goes_by_age(self) -> bool:
        """Whether the last import may be enough."""
        return self.max_age is not None or self.newer_than is not None

    def check(self) -> None:
        """Raise `BadInput` for what the product does not have."""
        if self.product == "license_metric_tool" and self.import_type != "complete":
            raise BadInput("License Metric Tool has complete imports only: neither import_type=raw_only nor raw_first.")

    @property
    def run(self) -> str:
        """The value of the parameter that starts it."""
        return "true" if self.product == "license_metric_tool" else self.import_type

    def is_met_by(self, import_type: str | None) -> bool:
        """Whether an import of a type (None: unknown) stands for the wanted one. A complete one has raw data, too."""
        is_only_type = self.product == "license_metric_tool"
        return is_only_type or self.import_type == "raw_only" or import_type == "complete"

    def shortfall(self, status: Status) -> str:
        """Why the last import that a status tells of is not enough, for a person; empty if it is."""
        success, age = status.last_success, status.age_of_success
        if success is None or age is None:
            if status.is_running:
                return "An import is running, and the server does not tell how old the data is."
            return "There was no successful import, or the server does not tell of it."
        if age < -AHEAD:
            ahead = f"The last successful import is told for {-age:.0f} s ahead of the clock"
            return f"{ahead}, so how old the data is cannot be told."
        if self.max_age is not None and age > self.max_age:
            return f"The data is {age:.0f} s old; {self.max_age:.0f} s are allowed."
        if self.newer_than is not None and success <= self.newer_than:
            return f"The last successful import was at {text_of(success)}, not after {text_of(self.newer_than)}."
        if self.is_met_by(status.type_of_success):
            return ""
        if status.type_of_success == "raw_only":
            return "The last import was a raw one; how old the last complete one is, the server does not tell."
        last = (
            f"The last import is told as {status.last_type or 'of no type'}, {status.last_status or 'without a status'}"
        )
        return f"{last}; how old the last complete one that succeeded is, the server does not tell."


@dataclass(frozen=True)
class Credentials:
    """A token, or the user and password to exchange for one, and where it goes in a request (`query`, `header`)."""

    token: str | None = None
    username: str | None = None
    password: str | None = None
    transport: str = "query"


@dataclass(frozen=True)
class Status:
    """An import status. Every field but the mode may be missing.

    `at` is when the server answered, by its own clock, `asked` the same by this host's.
    """

    raw: Mapping[str, Any]
    mode: str
    may_run: bool | None
    progress: int | None
    last_status: str | None
    last_type: str | None
    last_end: datetime | None
    last_success: datetime | None
    at: datetime | None
    asked: datetime

    @property
    def is_running(self) -> bool:
        return self.mode not in NOT_RUNNING

    @property
    def type_of_success(self) -> str | None:
        """The type of the last successful import; it is told of the last import only."""
        return self.last_type if self.last_status == SUCCESSFUL else None

    @property
    def now(self) -> datetime:
        """When the server answered, by the clock of this host if the server has none."""
        return self.at or self.asked

    @property
    def is_far_off(self) -> bool:
        """Whether the server's clock and this host's cannot both be right."""
        return self.at is not None and abs(self.at - self.asked) > FAR_OFF

    @property
    def age_of_success(self) -> float | None:
        """Seconds from the last successful import to this answer; below zero for one that is told for later.

        By the clock of this host if the server has none, and by whichever makes it older if they are far apart: a
        server's clock that is far behind may be the date of an answer that somebody kept.
        """
        if self.last_success is None:
            return None
        age = (self.now - self.last_success).total_seconds()
        if age >= -AHEAD and self.is_far_off:
            age = max(age, (self.asked - self.last_success).total_seconds())
        return age

    @property
    def doubt(self) -> str | None:
        """Why the time of the last success is not to be believed, or not alone."""
        age, clock = self.age_of_success, "the server's clock" if self.at else "the clock of this host"
        if self.last_success is not None and age is not None and age < -AHEAD:
            told = f"The last success is told for {text_of(self.last_success)}, {-age:.0f} s ahead of {clock}"
            return f"{told}: that proves nothing, so it is not taken for a recent one. Look at the clocks of both."
        if self.at is not None and self.is_far_off:
            told = (
                f"The server says that it is {text_of(self.at)}, this host {text_of(self.asked.replace(microsecond=0))}"
            )
            return f"{told}. So ages are reckoned by the clock that makes them greater."
        return None

    def __str__(self) -> str:
        progress = f", {self.progress} %" if self.is_running and self.progress is not None else ""
        parts = (self.last_type, self.last_status, self.last_end and text_of(self.last_end))
        last = " ".join(part for part in parts if part) or "not told"
        success = f"; last success {text_of(self.last_success)}" if self.last_success else ""
        return f"mode {self.mode}{progress}; last import {last}{success}"


def guide_of(product: str) -> Guide:
    """What is told about the options for a product."""
    return LMT_GUIDE if product == "license_metric_tool" else GUIDE


def credentials_of(params: Mapping[str, Any]) -> Credentials:
    """What the user gave to log in with. Raises `BadInput`."""
    guide = guide_of(params["product"])
    if params["token"] is None and (params["username"] is None or params["password"] is None):
        raise BadInput(
            f"{guide.named('token')} is missing, or username and password in its place: {guide.named('username')},"
            f" {guide.named('password')}."
        )
    transport = "header" if params["product"] == "license_metric_tool" else "query"
    return Credentials(params["token"], params["username"], params["password"], params["token_transport"] or transport)


def wanted_import(server: str, wish: Wish) -> Wanted:
    """An import of a server, with the wish as its payload. All of a server have one receipt: it runs one at a time."""
    key = identity_of(system=SYSTEM, server=server)
    return Wanted(
        key=key,
        system=SYSTEM,
        target=server,
        stream=key,
        source=f"{wish.import_type} import",
        size=0,
        content_sha256=None,
        options={"product": wish.product},
        payload=wish,
    )


class DataImports:
    """The data imports of a server, as the life of an import sees them (`StatusSystem`).

    `learn` is told the token when it was exchanged for a password. `pace` is how often to look whether an import was
    started, where the answer to that was lost.
    """

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def __init__(
        self,
        client: Client,
        product: str,
        credentials: Credentials,
        learn: Callable[[str], None],
        pace: WaitOptions | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._product = product
        self._credentials = credentials
        self._learn = learn
        self._pace = pace or WaitOptions(60, SHORTEST_PAUSE, 60)
        self._clock = clock or Clock()
        self._token = credentials.token
        self._first: Status | None = None
        self._status: Status | None = None
        self._first_asked = self._began = self._clock.now()
        self._odd_looks = 0
        self._login_pages = 0  # before any status was seen; later they are taken for trouble
        self._exchanges = 0

    # What the life of an import asks for

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
        """Ask for the status."""
        self.read()

    def read(self, *, tries: int = 1) -> Status:
        """Ask for the status; with several `tries`, soon again where that fails. Raises `Refused` or `Outage`."""
        request = self._with_token({})
        is_running = self._status is not None and self._status.is_running
        ask = self._client.ask if is_running or tries > 1 else self._reach
        return self._seen(ask("GET", PATH, tries=tries, **request))

    def assess(self, wanted: Wanted) -> Assessment:
        """Where the server stands, and how an import ended that was running when it was first asked."""
        wish: Wish = wanted.payload
        status = self.read()
        if self._first is None:
            self._first, self._first_asked = status, self._clock.now()
        ended = self._verdict(status, _floor_of(self._first), self._clock.now() - self._first_asked)
        is_like_ours = wish.is_met_by(status.last_type)
        obstacle = None
        if status.may_run is False:
            name = PRODUCTS[self._product]
            obstacle = f"{name} says that this user cannot run imports; that takes the permission Manage Imports."
        return Assessment(
            message=_progress(status) if status.is_running else freshness(status),
            is_fresh=wish.goes_by_age and not wish.shortfall(status),
            is_running=status.is_running,
            obstacle=obstacle,
            ended=ended if ended.state in ("succeeded", "failed") and is_like_ours else None,
            doubt=status.doubt if wish.goes_by_age else None,
        )

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Start an import. Whether it started is what the answer says, or else the status from then on."""
        wish: Wish = wanted.payload
        before = self._status or self.read()
        self._began = self._clock.now()
        notes = {"import_type": wish.import_type, **_floor_of(before)}
        attempt.note(notes)
        request = self._with_token({"run": wish.run})
        attempt.commit(None)
        try:
            answer = self._client.trigger("GET", PATH, **request)
            odd = f"{request_line(answer)}: HTTP {answer.status}, but no import is running after that."
            doubt: OutcomeUnknown | Outage | None = (
                None if self._seen(answer).is_running else OutcomeUnknown(odd, answer)
            )
        except (OutcomeUnknown, Outage) as error:
            doubt = error
        if doubt is not None:
            self._see_whether_it_began(notes, doubt.message, doubt.answer)
        return Accepted(None, self.last_status, notes=notes)

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """How the import that was begun with these notes is doing."""
        verdict = self._judged(self._look(), notes, self._clock.now() - self._began)
        self._odd_looks = self._odd_looks + 1 if verdict.state in ("nothing", "unknown") else 0
        if 0 < self._odd_looks < ODD_LOOKS:
            return PollResult("running", verdict.message, verdict.server)
        return PollResult("unknown" if verdict.state == "nothing" else verdict.state, verdict.message, verdict.server)

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """Nothing tells that what was imported is not there any more."""
        return ""

    def judge(self, notes: Mapping[str, Any]) -> PollResult:
        """What the last status says of the import that was begun with these notes."""
        return self._judged(self._status, notes) if self._status and notes else PollResult("unknown", "", None)

    def _look(self) -> Status:
        """The status while an import of ours may be running: an outage is for the wait to bear."""
        return self._seen(self._client.ask("GET", PATH, tries=1, **self._with_token({})))

    def _seen(self, answer: Answer) -> Status:
        if self._status is None and is_login_page(answer):
            self._login_pages += 1
            if self._login_pages == ODD_LOOKS:
                raise not_logged_in(answer)
        self._status = status_of(answer, self._clock)
        return self._status

    def _reach(self, method: str, path: str, **request: Any) -> Answer:
        """Ask once, but try a few times to reach the server: where nobody is, nothing was sent."""
        start = self._clock.now()
        for pause in RECONNECT:
            try:
                return self._client.ask(method, path, **request)
            except Outage as outage:
                is_slow = self._clock.now() - start > RECONNECT_WITHIN
                if not outage.unconnected or outage.is_permanent or is_slow:
                    raise
            self._clock.sleep(pause)
        return self._client.ask(method, path, **request)

    # What a status says

    def _judged(self, status: Status, notes: Mapping[str, Any], waited: float | None = None) -> PollResult:
        """What a status says of our own import: of another type, it was somebody else's, and hides ours."""
        verdict = self._verdict(status, notes, waited)
        if self._product == "license_metric_tool" or verdict.state not in ("succeeded", "failed"):
            return verdict
        if status.last_type is None and verdict.state == "succeeded":
            message = "the status does not tell the type of the last import, which may be somebody else's"
            return PollResult("unknown", message, status.raw)
        if status.last_type not in (None, notes.get("import_type")):
            message = f"the last import is of the type {status.last_type}, so the status tells nothing of this one"
            return PollResult("unknown", message, status.raw)
        return verdict

    def _verdict(self, status: Status, floor: Mapping[str, Any], waited: float | None) -> PollResult:
        """How the import ended that ended last, if that was after a floor; `nothing` if none did.

        `waited` is how many seconds ago the floor was found; None if that is not known.
        """
        if status.is_running:
            return PollResult("running", _progress(status), status.raw)
        passed = _passed_since(floor, status, waited)
        since = _at(floor, "since")
        end_is_new = _is_new(status.last_end, _at(floor, "end"), since, passed)
        since = None if end_is_new else since
        success_is_new = _is_new(status.last_success, _at(floor, "success"), since, passed)
        if end_is_new is False or status.mode == "none":
            return PollResult(
                "nothing", "no import is running, and the status tells of none that ended since", status.raw
            )
        if end_is_new is None and not success_is_new:
            why = "its clock was set back" if passed.was_set_back else "the status does not say when the last ended"
            return PollResult("unknown", f"no import is running, but {why}", status.raw)
        if status.last_status == SUCCESSFUL and success_is_new is not False:
            return PollResult("succeeded", "", status.raw)
        if status.last_status in (SUCCESSFUL, None):
            return PollResult("unknown", "the status does not say how the last import ended", status.raw)
        when = f" that ended at {text_of(status.last_end)}" if status.last_end else ""
        message = f"the last import{when} has the status {status.last_status!r}"
        return PollResult("failed", as_sentence(f"{PRODUCTS[self._product]} says: {message}"), status.raw)

    # Starting one, in doubt

    def _see_whether_it_began(self, notes: Mapping[str, Any], words: str, answer: Answer | None) -> None:
        """The answer to the start says no such thing, so the status has to. Raises `Refused` or `OutcomeUnknown`."""
        looks: list[PollResult] = []

        def is_decided(_notes: Mapping[str, Any]) -> bool:
            looks.append(self._judged(self._look(), notes, self._clock.now() - self._began))
            return looks[-1].state in ("running", "succeeded", "failed") or len(looks) >= ODD_LOOKS

        try:
            wait_for([notes], is_decided, self._pace, self._clock)
        except WaitTimeout as error:
            reason = f"The status could not be asked: {error.outage.message}" if error.outage else ""
            raise OutcomeUnknown(f"{words} {reason}".rstrip(), answer) from error
        except Refused as error:
            raise OutcomeUnknown(f"{words} The status could not be asked: {error.message}", answer) from error
        if looks[-1].state == "nothing":
            raise Refused(f"{words} {PRODUCTS[self._product]} did not start an import.{_hint(notes)}", answer)
        if looks[-1].state == "unknown":
            raise OutcomeUnknown(f"{words} Whether it started an import cannot be told: {looks[-1].message}.", answer)

    # The token

    def _with_token(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A request's query and headers, with the token in one of them."""
        if self._token is None:
            self._token = self._exchange()
        if self._credentials.transport == "header":
            return {"query": query, "headers": {"Token": self._token}}
        return {"query": {**query, "token": self._token}}

    def _exchange(self) -> str:
        """Get the user's token for the password. A wrong one that is tried too often could lock the user out."""
        user = {"user": self._credentials.username, "password": self._credentials.password}
        try:
            answer = self._reach("POST", "/api/get_token", json_body=user, tries=1)
        except Outage as outage:
            self._exchanges += not outage.unconnected
            if outage.answer is not None and outage.answer.status == 500:
                why = "Wrong credentials are answered so by some releases"
            elif self._exchanges == ODD_LOOKS:
                why = f"The password was sent {ODD_LOOKS} times, and a wrong one could lock the user out"
            else:
                raise
            advice = f"{why}, so it is not tried again; give a token instead."
            raise Refused(f"{outage.message} {advice}", outage.answer, credentials=True) from outage
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
        self._learn(token)
        return token


def status_of(answer: Answer, clock: Clock | None = None) -> Status:
    """The status in an answer; what is not of the documented type counts as missing. Raises `Outage` for no status."""
    try:
        raw = json_object(answer)
    except ValueError:
        raw = {}
    mode = _word(raw.get("mode"))
    if mode is None:
        advice = "That is not an import status. If it stays so, the url or the credentials are wrong."
        raise Outage(f"{describe(answer)} {advice}", answer)
    may_run, progress = raw.get("can_run_imports"), raw.get("progress")
    return Status(
        raw=raw,
        mode=mode,
        may_run=may_run if isinstance(may_run, bool) else None,
        progress=progress if isinstance(progress, int) and not isinstance(progress, bool) else None,
        last_status=_word(raw.get("last_status")),
        last_type=_word(raw.get("last_import_type")),
        last_end=_moment(raw.get("last_import_time")),
        last_success=_moment(raw.get("last_success_time")),
        at=date_of(answer),
        asked=datetime.fromtimestamp((clock or Clock()).wall(), timezone.utc),
    )


def freshness(status: Status) -> str:
    """How old the data is that was imported last; empty where that is not told."""
    if status.age_of_success is None or status.last_success is None:
        return ""
    ago = f"{max(status.age_of_success, 0):.0f} s before it was asked"
    return f"The last successful import was at {text_of(status.last_success)}, {ago}."


def age(seconds: float | None, option: str) -> float | None:
    """How old something may be, in seconds. Raises `BadInput`."""
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise BadInput(f"{option} has to be a number of seconds, 0 or more.")
    return seconds


def moment(text: str | None, option: str) -> datetime | None:
    """A point in time as ISO 8601 with a zone, `Z` or an offset. Raises `BadInput`."""
    if text is None:
        return None
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)", text):
        raise BadInput(f"{option}: {text!r} is not a time like '2026-11-22T03:00:00Z', with Z or an offset.")
    found = _moment(text)
    if found is None:
        raise BadInput(f"{option}: {text} does not exist.")
    return found


def text_of(moment: datetime) -> str:
    """A moment as the server writes it."""
    return moment.isoformat().replace("+00:00", "Z")


def _floor_of(status: Status) -> dict[str, str | None]:
    """What a later status has to exceed for an import to have ended since this one.

    Each time is compared with itself, since nobody says whether both tell the same moment of an import. One that is
    missing here is compared with the server's clock, `since`. It tells whole seconds: in this one an import may have
    ended before, unless none was ever made. `now` is the same clock, or that of this host if the server has none.
    """
    earliest = None
    if status.mode == "none":
        earliest = status.at - timedelta(seconds=1) if status.at else datetime.min.replace(tzinfo=timezone.utc)
    moments = {
        "end": status.last_end or earliest,
        "success": status.last_success or earliest,
        "since": status.at,
        "now": status.now,
    }
    return {name: moment.isoformat() if moment else None for name, moment in moments.items()}


def _at(floor: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(floor[name]) if floor.get(name) else None


@dataclass(frozen=True)
class _Passed:
    """The time that passed since a floor: `then` and `now` are what the server's clock told at both ends.

    `begin` is `then` by the clock as it is now: another moment if it `was_set_back`, None if nobody knows which. `end`
    is `now`, or as much later as the clocks may differ where the server tells no time.
    """

    then: datetime | None
    begin: datetime | None
    now: datetime
    end: datetime
    was_set_back: bool

    def has_reached(self, told: datetime) -> bool:
        """Whether a time is not so far ahead of the clock that it proves nothing."""
        return (told - self.now).total_seconds() <= AHEAD

    def holds(self, told: datetime) -> bool:
        return self.begin is not None and self.begin <= told <= self.end


def _passed_since(floor: Mapping[str, Any], status: Status, waited: float | None) -> _Passed:
    since = _at(floor, "since")
    then = _at(floor, "now") or since
    if since is None or status.at is None or status.at >= since:
        end = status.at or status.asked + timedelta(seconds=AHEAD)
        return _Passed(then, then, status.now, end, was_set_back=False)
    begin = None if waited is None else status.at - timedelta(seconds=waited)
    return _Passed(then, begin, status.at, status.at, was_set_back=True)


def _is_new(told: datetime | None, known: datetime | None, since: datetime | None, passed: _Passed) -> bool | None:
    """Whether a time of a status tells of an import that ended since the floor; None where that cannot be told.

    `known` is the same time at the floor, `since` what stands for it where it was not told. One that is earlier than
    what was known is new only if the clock was wrong, then or before, and only within the time that passed.
    """
    if told is None:
        return None
    if known is None:
        is_after = since is not None and told > since
        is_clear = since is not None and passed.has_reached(told) and (is_after or not passed.was_set_back)
        return is_after if is_clear else None
    if told >= known:
        return told > known
    if passed.was_set_back:
        return True if passed.holds(told) else None
    return passed.then is not None and known > passed.then and passed.holds(told)


def _hint(notes: Mapping[str, Any]) -> str:
    if notes["import_type"] != "raw_only":
        return ""
    return " Raw data imports may not be enabled; that is done at /management/feature of the server."


def _progress(status: Status) -> str:
    told = "" if status.progress is None else f" ({status.progress} %)"
    odd = "" if status.mode == "running" else f", mode {status.mode!r} is not documented and taken for that"
    return f"An import is running{told}{odd}."


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(value: Any) -> datetime | None:
    """A time of the server, UTC with `Z`; one without a zone is taken for UTC (a guess). A bare date is no time."""
    if not isinstance(value, str) or not re.match(r"\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value):
        return None
    text = re.sub(r"\s*Z$", "+00:00", value.strip())
    text = re.sub(r"\s*([+-]\d\d):?(\d\d)$", r"\1:\2", text)
    text = re.sub(r"\.(\d+)", lambda fraction: "." + fraction.group(1)[:6].ljust(6, "0"), text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
