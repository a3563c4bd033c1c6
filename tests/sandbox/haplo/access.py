# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use Haplo: keys, the paths and users they belong to, and the throttle of wrong ones (FACTS section C.1)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from ..clock import Clock

MOST_FAILURES = 50
"""Wrong keys from one address after which all keys from there are refused."""
FAILURES_COUNT_FOR = 300
"""Sandbox seconds after the last of them until they are forgotten."""
SHORTEST_KEY = 16
"""Shorter keys are wrong, but do not count as failures."""


@dataclass(frozen=True)
class ApiKey:
    """A key, its user, and what it is for."""

    key: str
    user: str
    path: str = "/api/haplo-data-import-batch/"
    """Requests have to begin with this path."""
    may_import: bool = True
    """The user is in the group that may use the API for import that the path is of."""
    may_administer: bool = False
    """The user is in a group that may see and schedule batches in the user interface."""
    may_nothing: bool = False
    """The user is an ordinary one and in no group at all, which is less than anybody who is logged in has."""
    blocked: bool = False
    """The user is blocked."""


class AccessError(Exception):
    """A request that is not authenticated, as the API says it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


UNAUTHORISED = "UNAUTHORISED"
_THROTTLED = (
    "Too many failed API authentication attempts, API usage suspended. Pause requests to wait until restriction lifted."
)
_BASIC = re.compile(r"Basic (aGFwbG86[A-Za-z0-9+/]+=*)")
"""Authentication as user `haplo`."""


class AccessControl:
    """Finds the key of a request, and counts wrong ones by address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[float, int]] = {}
        """Time of the last failure, and how many there were, by address."""

    def reset(self) -> None:
        """Forget all failures."""
        self._failures.clear()

    def check(self, keys: list[ApiKey], given: str, address: str, path: str) -> ApiKey:
        """The key that was given, if it is good for the path; AccessError otherwise."""
        key = self._find(keys, given, address) if len(given) >= SHORTEST_KEY else None
        if key is None or not path.startswith(key.path):
            raise AccessError("INVALID-API-KEY", "Invalid API Key")
        if key.blocked:
            raise AccessError(UNAUTHORISED, "Not authorised")
        return key

    def _find(self, keys: list[ApiKey], given: str, address: str) -> ApiKey | None:
        """The key, if there is such a one, with the throttle around it."""
        last, count = self._failures.pop(address, (0.0, 0))
        if count and self._clock.now() - last > FAILURES_COUNT_FOR:
            count = 0
        if count >= MOST_FAILURES:
            self._failures[address] = last, count
            raise AccessError("THROTTLE", _THROTTLED)
        key = next((key for key in keys if key.key == given), None)
        if key is None:
            self._failures[address] = self._clock.now(), count + 1
        return key


def not_permitted() -> AccessError:
    """Somebody who is not logged in, or has no rights at all, where that is told by the API's kind of answer."""
    return AccessError(UNAUTHORISED, "Unauthorised: You are not permitted to perform that action")


def given_key(request: Request, body: Mapping[str, Any]) -> str | None:
    """The key that a request brings, as Basic authentication of the user `haplo`, spelled exactly so.

    Only without any `Authorization` it is looked for as `_ak` in an urlencoded body, then in the header `X-ONEIS-Key`.
    In the query a key does not count.
    """
    authorization = request.headers.get("authorization")
    if authorization is not None:
        basic = _BASIC.fullmatch(authorization)
        return None if basic is None else _decoded(basic[1]).partition(":")[2]
    if "_ak" in body:
        return str(body["_ak"])
    return request.headers.get("x-oneis-key")


def _decoded(encoded: str) -> str:
    """As tolerant of a wrong length as Ruby's `unpack`."""
    digits = encoded.rstrip("=")
    usable = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(usable + "=" * (-len(usable) % 4)).decode("utf-8", errors="replace")
