# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract between the life of an import and a system, such as License Statistics.

A system gets one `Wanted` import and an `Attempt`. It answers with what the server accepted, with what it sees when it
polls, or with one of the errors below.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Protocol

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets

ROLES = {"licstat": "licstat_import", "bigfix": "bigfix_import", "haplo": "haplo_batch", "lm": "lm_import"}
"""The role of each system. Its variables are named like the options of the module, after the name of the role."""


@dataclass(frozen=True)
class Connection:
    """How to reach a server. `url` has no slash at its end; `timeout` and `response_timeout` are seconds."""

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
    """The answer of a server, up to a limit.

    `url` is the one that was requested, `text` is the body. The names of `headers` are in lower case. `is_whole` is
    false if the body was longer than the limit and was cut. Everything is as it came, for parsing; `secrets` are taken
    out of what is shown or kept.
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
    """The first and the last moment that a log covers, by the clock of the host that wrote it, without a time zone.

    It is as exact as the log: to the second, or to the minute.
    """

    first: datetime
    last: datetime

    def as_result(self) -> dict[str, str]:
        """As it stands in receipts and results."""
        return {"first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True)
class Wanted:
    """One import that should have happened.

    `key` is its identity (see `identity_of`). `stream` groups imports of which only the newest is the state of the
    target. `source` and `target` are for people. `content_sha256` is None where the identity does not depend on the
    content. `payload` is what the system needs to send it. `obstacle`: why it cannot be sent, for people; empty if it
    can.

    `read_period` reads the time that the content covers. `check` reads the content before it is sent, and raises
    `BadInput` where the server cannot use it. `where` is a sentence for people: where on the server to look for it, by
    the notes of its attempt.

    `basis` is the state of the target's other time ranges by which it was planned; it is sent only if that has not
    changed. `moment` is the time of this state, where the states of a stream are dated; it is not sent if a later one
    may have been imported. It has no time zone, and is the one that `read_period` reads.
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
    """The server accepted the import. `remote_id` is the id by which it can be polled, if there is one.

    `state` is `submitted`, or `scheduled` or `incomplete` where polling shows no more. `notes` are what the system
    needs when it polls, in this run or a later one, ready for JSON. `is_acceptable`: good enough for the user although
    it is incomplete. `is_new`: this attempt was accepted, not an earlier one.
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
    """What one poll saw of an accepted import.

    `state` is `running`, `succeeded`, `incomplete`, `failed` or `unknown`. `server` is the vendor's answer as it came.
    `notes` replace the earlier ones, unless None. `is_acceptable`: good enough for the user although it is incomplete.
    `server_words`: where it is, in the vendor's words, for those who watch, where the message does not say so.
    `conclusion`: what to believe of the import if this is still so when the waiting ends. `is_partial`: it failed, and
    a part of it may be there. So it is not sent again unless the user says so, and its earlier success does not count.
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
    """A body on its way. Its length is in bytes. `sent`: how many of them left; `committed`: whether all did."""

    sent: int
    committed: bool

    def __len__(self) -> int: ...


class Attempt(Protocol):
    """One attempt at an import, as the system that sends it sees it.

    `notes` are the steps of an earlier attempt that broke off.
    """

    notes: Mapping[str, Any]

    def note(self, notes: Mapping[str, Any]) -> None:
        """Keep how far it came, ready for JSON: a later attempt goes on from there. Any exception breaks it off."""

    def commit(self, sha256: str | None) -> None:
        """The last block is about to leave, of a content with this digest. Any exception breaks it off."""


class System(Protocol):
    """What the life of an import needs of a system.

    `is_repeatable`: sending an import again shows whether it was sent before, and does not import it twice. `best_end`:
    the state of an import that went well, as far as that can be known. `polled_again`: the states of ended imports
    about which another poll may say more.
    """

    is_repeatable: bool
    best_end: str
    polled_again: tuple[str, ...]

    def prepare(self) -> None:
        """Get ready to send; called before the first claim. Raises `ImportsError` for what stands in the way."""

    def probe(self) -> None:
        """Find out, without changing anything, whether the server is there and lets this user in.

        Called before the first claim of a run, in check mode too. So an outage or a wrong token is a failure with
        nothing sent, and does not leave every wanted import in doubt. Raises `Refused` or `Outage`.
        """

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Send the import. Raises `Refused`, `NotSent` or `OutcomeUnknown`."""

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """Ask, without changing anything, how an accepted import is doing. Raises `Refused` or `Outage`."""

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """Why the target cannot hold what a receipt with these notes says, or anything else that was imported before.

        The server is asked each time, without changing anything. Empty if nothing was lost.
        """


@dataclass(frozen=True)
class Assessment:
    """Where a server stands whose status is about one import: the one that runs, or the last one.

    `is_fresh`: the last one is recent enough for the user. `is_running`: one is under way, so none may be started.
    `obstacle`: why none can be started at all. `ended`: how an import of the wanted type ended, if it did so since the
    first assessment. `doubt`: why the time of the last success cannot be believed, for people.
    """

    message: str = ""
    is_fresh: bool = False
    is_running: bool = False
    obstacle: str | None = None
    ended: PollResult | None = None
    doubt: str | None = None


class StatusSystem(System, Protocol):
    """A system that knows itself what was imported: its status decides, not a receipt.

    `last_status` is its last status as it came, `last_status_text` is the same in words.
    """

    @property
    def last_status(self) -> Any: ...

    @property
    def last_status_text(self) -> str: ...

    def assess(self, wanted: Wanted) -> Assessment:
        """Ask, without changing anything, where the server stands for an import. Raises `Refused` or `Outage`."""

    def judge(self, notes: Mapping[str, Any]) -> PollResult:
        """What the last status says about the import that was started with these notes."""


class ImportsError(Exception):
    """An error for a person: what was tried, where, what was said, what to do.

    `affects_all`: the same would happen to every other import.
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

    `is_permanent`: none will ever come, as TLS failed or the configuration is wrong; the server read nothing.
    `unconnected`: there was no connection.
    """

    def __init__(self, message: str, *, is_permanent: bool = False, unconnected: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent
        self.unconnected = unconnected


class StalePlan(ImportsError):
    """Another run changed what this import was planned by. Nothing was sent; it has to be planned again."""


class BadInput(ImportsError):
    """What the user asked for is not possible; nothing was sent."""


class Refused(ImportsError):
    """The server refused: nothing was imported. `credentials`: because of who asked, so asking again does not help."""

    def __init__(self, message: str, answer: Answer | None = None, *, credentials: bool = False) -> None:
        super().__init__(message, answer)
        self.credentials = self.affects_all = credentials


class NotSent(ImportsError):
    """The request did not leave whole: nothing was imported. `unreachable`: there was no connection."""

    def __init__(self, message: str, answer: Answer | None = None, *, unreachable: bool = False) -> None:
        super().__init__(message, answer)
        self.unreachable = self.affects_all = unreachable


class OutcomeUnknown(ImportsError):
    """The request left whole, and it is not known whether the server took it.

    `is_new`: this is so for the request of this attempt, not only for that of an earlier one.
    """

    def __init__(self, message: str, answer: Answer | None = None, *, is_new: bool = True) -> None:
        super().__init__(message, answer)
        self.is_new = is_new


class Outage(ImportsError):
    """A request that changes nothing got no usable answer. It may be repeated, unless the outage `is_permanent`.

    `unconnected`: there was no connection. `conclusion`: what to believe of the import if this is still the answer when
    the waiting ends.
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
    """The text with a full stop, unless it ends a sentence already."""
    return text if not text or re.search(r"[.!?][\"')\]]?$", text) else f"{text}."


def shortened(text: str, length: int) -> str:
    """The text, cut to so many characters, with a mark where it was cut."""
    return text if len(text) <= length else f"{text[:length]}…"


def first_of(names: Sequence[str], most: int, count: int | None = None) -> str:
    """The first of these names, and how many more there are of `count` in all, by default of these."""
    more = (len(names) if count is None else count) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def now_text() -> str:
    """Now, in UTC, to the millisecond, as it stands in receipts and results."""
    return as_text(datetime.now(timezone.utc))


def as_text(moment: datetime) -> str:
    """A moment in UTC to the millisecond, as above."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The moment in a text as above, or with an offset. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted names, no spaces, no escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def window_of(options: Mapping[str, Any]) -> dict[str, str | None] | None:
    """The time range that is the identity of an import, by the options of that; None where the content is.

    Without a beginning, it begins where the log does. Times are as in the option, without a time zone.
    """
    if options.get("identity") != "window":
        return None
    return {"from": options["from"], "to": options["to"]}


def identity_of(**parts: Any) -> str:
    """The key of an import: the SHA-256, in hexadecimal, of the canonical JSON of what identifies it."""
    return hashlib.sha256(canonical(parts).encode("utf-8", "surrogateescape")).hexdigest()
