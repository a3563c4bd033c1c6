# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the API: keys, the paths and users they belong to, and the throttle of wrong ones (FACTS section C.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

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
    """The user is in the group that may use the API for batch import."""
    blocked: bool = False
    """The user is blocked."""


class AccessError(Exception):
    """A request that is not authenticated, as the API says it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


UNAUTHORISED = "UNAUTHORISED"


class AccessControl:
    """Finds the key of a request, and counts wrong ones by address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[float, int]] = {}
        """Time of the last failure, and how many there were, by address."""

    def reset(self) -> None:
        """Forget all failures."""
        self._failures.clear()

    def check(self, keys: list[ApiKey], given: str | None, address: str, path: str) -> ApiKey:
        """The key that was given, if it is good for the path; AccessError otherwise."""
        if given is None:
            raise AccessError(UNAUTHORISED, "Not authorised")
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
            raise AccessError("THROTTLE", "Too many failed API authentication attempts, API usage suspended.")
        key = next((key for key in keys if key.key == given), None)
        if key is None:
            self._failures[address] = self._clock.now(), count + 1
        return key


def given_key(request: Request, body: Mapping[str, str]) -> str | None:
    """The key that a request brings: `_ak` in an urlencoded body, the header `X-ONEIS-Key`, or Basic as user `haplo`.

    In which order they are looked at is a guess. In the query a key does not count.
    """
    if "_ak" in body:
        return body["_ak"]
    if (header := request.headers.get("x-oneis-key")) is not None:
        return header
    return _basic_password(request.headers.get("authorization", ""))


def _basic_password(authorization: str) -> str | None:
    scheme, _unused, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _unused, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password if user == "haplo" else None
