# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the life of an import and a system say to each other.

A system (License Statistics, ...) is handed one `Wanted` import and an `Attempt`, and answers with what it accepted,
with what it sees when it looks, or with one of the errors below. This file depends on nothing of ours.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol


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
    where the body was longer than the bound, and cut.
    """

    method: str
    url: str
    status: int
    reason: str
    headers: Mapping[str, str]
    text: str
    is_whole: bool = True


@dataclass(frozen=True)
class Wanted:
    """One import that shall have happened.

    `key` is its identity (see `identity_of`); `stream` groups imports of which only the newest is the target's state;
    `source` and `target` are for people. `content_sha256` is None where the identity leaves the content out. `payload`
    is what the system needs to send it.
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


@dataclass(frozen=True)
class Accepted:
    """The server took the import; `remote_id` is what it is asked by from now on."""

    remote_id: str
    server: Any


@dataclass(frozen=True)
class Look:
    """What one look at an accepted import saw.

    `state` is `running`, `succeeded`, `incomplete`, `failed` or `unknown`; `server` is the vendor's answer as it came.
    """

    state: str
    message: str
    server: Any


class Attempt(Protocol):
    """One attempt at an import, as the system that sends it sees it."""

    def commit(self, sha256: str) -> None:
        """The last block is about to leave, of a content with this digest; whatever is raised here breaks off."""


class System(Protocol):
    """What the life of an import asks of a system."""

    def prepare(self) -> None:
        """Be ready to send; called before the first claim. Raises `ImportsError` for what stands in the way."""

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Send the import. Raises `Refused`, `NotSent` or `Unclear`."""

    def look(self, remote_id: str) -> Look:
        """Ask, without changing anything, how an accepted import is doing. Raises `Refused` or `Outage`."""


class ImportsError(Exception):
    """An error for a person: what was tried, where, what was said, what to do.

    `befalls_all`: what kept this import from being sent keeps every other one, too.
    """

    befalls_all = False

    def __init__(self, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.answer = answer


class NoReply(ImportsError):
    """No answer came. `hopeless`: nor will one ever, as TLS was not agreed on; what was sent was not even read."""

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class BadInput(ImportsError):
    """What the user asked for cannot be; nothing was sent."""


class Refused(ImportsError):
    """The server said no: nothing was imported. `credentials`: it was about who asked, so asking again is no use."""

    def __init__(self, message: str, answer: Answer | None = None, *, credentials: bool = False) -> None:
        super().__init__(message, answer)
        self.credentials = self.befalls_all = credentials


class NotSent(ImportsError):
    """The request did not leave whole: nothing was imported. `unreachable`: there was not even a connection."""

    def __init__(self, message: str, answer: Answer | None = None, *, unreachable: bool = False) -> None:
        super().__init__(message, answer)
        self.unreachable = self.befalls_all = unreachable


class Unclear(ImportsError):
    """The request left whole, and whether the server took it is not known."""


class Outage(ImportsError):
    """A question that changes nothing found no usable answer; it may be asked again."""


def now_text() -> str:
    """Now, in UTC, to the millisecond, as it stands in receipts and results."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted names, no spaces, no escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def identity_of(**parts: Any) -> str:
    """The key of an import: SHA-256, in hexadecimal, over the canonical JSON of what makes it that import."""
    return hashlib.sha256(canonical(parts).encode("utf-8", "surrogateescape")).hexdigest()
