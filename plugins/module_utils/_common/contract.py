# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the life of an import and a system say to each other.

A system (License Statistics, ...) is handed one `Wanted` import and an `Attempt`, and answers with what it accepted,
with what it sees when it looks, or with one of the errors below.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Protocol

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets

ROLES = {"licstat": "licstat_import", "bigfix": "bigfix_import", "haplo": "haplo_batch", "lm": "lm_import"}
"""The roles of the systems; their variables are called as the modules' options, with the role's name before."""


@dataclass(frozen=True)
class Connection:
    """How to reach a server: `url` without a slash at its end, `timeout` and `response_timeout` in seconds."""

    url: str
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 60
    response_timeout: float = 1800
    use_proxy: bool = True


@dataclass(frozen=True)
class Answer:
    """What a server answered, up to a bound.

    `url` is where it was asked, `text` the body as text; the names of `headers` are lower case. `is_whole` is false
    where the body was longer than the bound, and cut. All is as it came: it is parsed so, and `secrets` are taken out
    of what is shown or kept of it.
    """

    method: str
    url: str
    status: int
    reason: str
    headers: Mapping[str, str]
    text: str
    is_whole: bool = True
    secrets: Secrets = field(default_factory=Secrets, compare=False, repr=False)


@dataclass(frozen=True)
class Period:
    """The first and the last moment that a log tells of, by the clock of the host that wrote it, without a zone.

    As exact as the log is: to the second, or to the minute.
    """

    first: datetime
    last: datetime

    def as_result(self) -> dict[str, str]:
        """As it stands in receipts and results."""
        return {"first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True)
class Wanted:
    """One import that shall have happened.

    `key` is its identity (see `identity_of`); `stream` groups imports of which only the newest is the target's state;
    `source` and `target` are for people. `content_sha256` is None where the identity leaves the content out. `payload`
    is what the system needs to send it. `basis`: the state of the target's other time ranges that it was planned by; it
    is sent only while that holds. `read_period` reads what time the content tells of. `check` reads the content before
    it is sent, and raises `BadInput` where the server could make nothing of it. `where` tells a person, in a sentence,
    where on the server to look for it, by the notes of its attempt. `obstacle`: why it cannot be sent, for a person;
    empty if it can. `moment`: what it is the state of, where the states of its stream are dated; it is not sent where a
    later one may have been imported. It has no zone, and is what `read_period` tells.
    """

    key: str
    system: str
    target: str
    stream: str
    source: str
    size: int
    content_sha256: str | None
    options: Mapping[str, Any]
    payload: Any = field(compare=False, default=None)
    basis: str | None = None
    read_period: Callable[[], Period | None] | None = field(compare=False, default=None)
    check: Callable[[], None] | None = field(compare=False, default=None)
    where: Callable[[Mapping[str, Any]], str] | None = field(compare=False, default=None)
    obstacle: str = ""
    moment: datetime | None = None


@dataclass(frozen=True)
class Accepted:
    """The server took the import; `remote_id` is what it is asked by from now on, where there is such a thing.

    `state` is `submitted`, or `scheduled` or `incomplete` where looking tells no more. `notes` are what the system
    wants to be told when it looks, in this run or a later one, ready for JSON. `is_new`: it took it by this attempt,
    not by one before.
    """

    remote_id: str | None
    server: Any
    state: str = "submitted"
    message: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    is_acceptable: bool = False
    is_new: bool = True


@dataclass(frozen=True)
class PollResult:
    """What one look at an accepted import saw.

    `state` is `running`, `succeeded`, `incomplete`, `failed` or `unknown`; `server` is the vendor's answer as it came.
    `notes` replace those that were handed in, unless None. `is_acceptable`: the user takes it for good enough although
    it is incomplete. `server_words`: the vendor's own for where it is, for those who watch, where the message does not
    say. `conclusion`: what is to be believed of the import if this is still so when the waiting ends. `is_partial`: it
    failed, and a part of it may be there, so it is not sent again unless the user says so, and what it was before is
    there no longer.
    """

    state: str
    message: str
    server: Any
    notes: Mapping[str, Any] | None = None
    is_acceptable: bool = False
    server_words: str = ""
    conclusion: PollResult | None = None
    is_partial: bool = False


class Upload(Protocol):
    """A body on its way, of a length in bytes: how many of them were `sent`, and whether all were `committed`."""

    sent: int
    committed: bool

    def __len__(self) -> int: ...


class Attempt(Protocol):
    """One attempt at an import, as the system that sends it sees it.

    `notes` are what an earlier attempt, which was broken off, had noted of its steps.
    """

    notes: Mapping[str, Any]

    def note(self, notes: Mapping[str, Any]) -> None:
        """Keep how far it came, ready for JSON; a later attempt goes on from there. Whatever is raised breaks off."""

    def commit(self, sha256: str | None) -> None:
        """The last block is about to leave, of a content with this digest; whatever is raised here breaks off."""


class System(Protocol):
    """What the life of an import asks of a system.

    `is_repeatable`: sending an import again tells whether it was sent before, and does it no second time. `best_end`:
    the state of an import that went well, as far as that can be known. `polled_again`: the states of ended imports
    of which a look at the server may tell more.
    """

    is_repeatable: bool
    best_end: str
    polled_again: tuple[str, ...]

    def prepare(self) -> None:
        """Be ready to send; called before the first claim. Raises `ImportsError` for what stands in the way."""

    def probe(self) -> None:
        """Find out, without changing anything, whether the server is there and lets this user in.

        Asked before the first claim of a run, in check mode too, so that an outage or a wrong token is a failure with
        nothing sent, and not one import in doubt for each that was wanted. Raises `Refused` or `Outage`.
        """

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Send the import. Raises `Refused`, `NotSent` or `OutcomeUnknown`."""

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """Ask, without changing anything, how an accepted import is doing. Raises `Refused` or `Outage`."""

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """Why the target cannot hold what a receipt with these notes says, nor anything else that was imported before.

        Asked anew each time, without changing anything; empty where nothing speaks against it.
        """


@dataclass(frozen=True)
class Assessment:
    """Where a server stands that tells of one import at a time: the one that runs, or the last one.

    `is_fresh`: the last one is recent enough for the user. `is_running`: one is under way, so none may be started.
    `obstacle`: why none can be started at all. `ended`: how an import of the wanted type went that ended since the
    first time it was asked. `doubt`: why the time of the last success is not to be believed, for a person.
    """

    message: str = ""
    is_fresh: bool = False
    is_running: bool = False
    obstacle: str | None = None
    ended: PollResult | None = None
    doubt: str | None = None


class StatusSystem(System, Protocol):
    """A system that knows itself what was imported, so that its status decides and no receipt.

    `last_status` is its last status as it came, `last_status_text` the same in words.
    """

    @property
    def last_status(self) -> Any: ...

    @property
    def last_status_text(self) -> str: ...

    def assess(self, wanted: Wanted) -> Assessment:
        """Ask, without changing anything, where the server stands for an import. Raises `Refused` or `Outage`."""

    def judge(self, notes: Mapping[str, Any]) -> PollResult:
        """What the last status says of the import that was begun with these notes."""


class ImportsError(Exception):
    """An error for a person: what was tried, where, what was said, what to do.

    `affects_all`: what kept this import from being sent keeps every other one, too.
    """

    affects_all = False

    def __init__(self, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.answer = answer


class StoreError(ImportsError):
    """The receipt store could not be read or written."""


class NoReply(ImportsError):
    """No answer came.

    `is_permanent`: nor will one ever, as TLS was not agreed on, or what is configured leads nowhere; what was sent was
    not even read. `unconnected`: there was nobody to send it to.
    """

    def __init__(self, message: str, *, is_permanent: bool = False, unconnected: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent
        self.unconnected = unconnected


class StalePlan(ImportsError):
    """Another run changed what this import was planned by; nothing was sent. It has to be planned anew."""


class BadInput(ImportsError):
    """What the user asked for cannot be; nothing was sent."""


class Refused(ImportsError):
    """The server said no: nothing was imported. `credentials`: it was about who asked, so asking again is no use."""

    def __init__(self, message: str, answer: Answer | None = None, *, credentials: bool = False) -> None:
        super().__init__(message, answer)
        self.credentials = self.affects_all = credentials


class NotSent(ImportsError):
    """The request did not leave whole: nothing was imported. `unreachable`: there was not even a connection."""

    def __init__(self, message: str, answer: Answer | None = None, *, unreachable: bool = False) -> None:
        super().__init__(message, answer)
        self.unreachable = self.affects_all = unreachable


class OutcomeUnknown(ImportsError):
    """The request left whole, and whether the server took it is not known.

    `is_new`: the request of this attempt, and not only that of one before.
    """

    def __init__(self, message: str, answer: Answer | None = None, *, is_new: bool = True) -> None:
        super().__init__(message, answer)
        self.is_new = is_new


class Outage(ImportsError):
    """A question that changes nothing found no usable answer; it may be asked again, unless that is `is_permanent`.

    `unconnected`: there was nobody to ask. `conclusion`: what is to be believed of the import if this is still the
    answer when the waiting ends.
    """

    def __init__(
        self,
        message: str,
        answer: Answer | None = None,
        *,
        is_permanent: bool = False,
        unconnected: bool = False,
        conclusion: PollResult | None = None,
    ) -> None:
        super().__init__(message, answer)
        self.is_permanent = is_permanent
        self.unconnected = unconnected
        self.conclusion = conclusion


def as_sentence(text: str) -> str:
    """The text with a full stop, unless it has an end already: others' words may bring their own."""
    return text if not text or re.search(r"[.!?][\"')\]]?$", text) else f"{text}."


def shortened(text: str, length: int) -> str:
    """The text, of no more than so many characters and a mark where it was cut."""
    return text if len(text) <= length else f"{text[:length]}…"


def now_text() -> str:
    """Now, in UTC, to the millisecond, as it stands in receipts and results."""
    return as_text(datetime.now(timezone.utc))


def as_text(moment: datetime) -> str:
    """A moment in UTC to the millisecond, as above."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The moment that a text tells, as above or with an offset. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted names, no spaces, no escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def window_of(options: Mapping[str, Any]) -> dict[str, str | None] | None:
    """The time range that an import is known by, by the options of its identity; None where it is its content.

    Without a beginning it is from the beginning of the log on. Times are as those of the option, without a zone.
    """
    if options.get("identity") != "window":
        return None
    return {"from": options["from"], "to": options["to"]}


def identity_of(**parts: Any) -> str:
    """The key of an import: SHA-256, in hexadecimal, over the canonical JSON of what makes it that import."""
    return hashlib.sha256(canonical(parts).encode("utf-8", "surrogateescape")).hexdigest()
