# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user asks of BigFix Inventory or License Metric Tool: options, credentials, and which imports are required.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Wanted, identity_of
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.status import (
    CLOCK_TOLERANCE,
    Status,
    format_time,
    parse_time,
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
# It has its own variables and never uses those of BigFix Inventory: a token must not be sent to the other product.
LMT_GUIDE = replace(GUIDE, environment={option: f"LMT_{option.upper()}" for option in FROM_ENVIRONMENT})
IMPORT_TYPES = ("complete", "raw_only")


@dataclass(frozen=True)
class Requirement:
    """An import that is required of a server. `max_age` (seconds) and `newer_than` say which earlier one is enough."""

    product: str = "bigfix_inventory"
    import_type: str = "complete"
    max_age: float | None = None
    newer_than: datetime | None = None

    def check(self) -> None:
        """Raise `BadInput` for what the product does not have."""
        if self.product == "license_metric_tool" and self.import_type != "complete":
            raise BadInput("License Metric Tool has complete imports only: neither import_type=raw_only nor raw_first.")

    @property
    def run_parameter(self) -> str:
        """The value of the parameter `run`, which starts it."""
        return "true" if self.product == "license_metric_tool" else self.import_type

    @property
    def accepts_earlier_import(self) -> bool:
        """Whether an earlier import may be enough."""
        return self.max_age is not None or self.newer_than is not None

    def is_met_by(self, import_type: str | None) -> bool:
        """Whether an import of a type (None: unknown) is enough. A complete one includes the raw data."""
        has_one_type = self.product == "license_metric_tool"
        return has_one_type or self.import_type == "raw_only" or import_type == "complete"

    def shortfall(self, status: Status) -> str:
        """Why the last import in a status is not enough, for a person; empty if it is."""
        success, age = status.last_success, status.age_of_success
        if success is None or age is None:
            if status.is_running:
                return "An import is running, and the server does not say how old the data is."
            return "There was no successful import, or the server does not report it."
        if age < -CLOCK_TOLERANCE:
            ahead = f"The server dates the last successful import {-age:.0f} s ahead of the clock"
            return f"{ahead}, so the age of the data is not known."
        if self.max_age is not None and age > self.max_age:
            return f"The data is {age:.0f} s old; {self.max_age:.0f} s are allowed."
        if self.newer_than is not None and success <= self.newer_than:
            return (
                f"The last successful import was at {format_time(success)}, not after {format_time(self.newer_than)}."
            )
        if self.is_met_by(status.last_success_type):
            return ""
        if status.last_success_type == "raw_only":
            return "The last import was a raw one; the server does not say how old the last complete one is."
        last = f"{status.last_type or 'without a type'}, {status.last_status or 'without a status'}"
        return f"The last import is {last}; the server does not say how old the last complete successful one is."


@dataclass(frozen=True)
class Credentials:
    """A token, or the user and password to exchange for one, and where it goes in a request (`query`, `header`)."""

    token: str | None = None
    username: str | None = None
    password: str | None = None
    transport: str = "query"


def guide_of(product: str) -> Guide:
    """The guide to the options for a product."""
    return LMT_GUIDE if product == "license_metric_tool" else GUIDE


def credentials_of(params: Mapping[str, Any]) -> Credentials:
    """The credentials in a module's parameters. Raises `BadInput`."""
    guide = guide_of(params["product"])
    if params["token"] is None and (params["username"] is None or params["password"] is None):
        raise BadInput(
            f"{guide.named('token')} is missing, or username and password in its place: {guide.named('username')},"
            f" {guide.named('password')}."
        )
    transport = "header" if params["product"] == "license_metric_tool" else "query"
    return Credentials(params["token"], params["username"], params["password"], params["token_transport"] or transport)


def requirements_of(params: Mapping[str, Any]) -> list[Requirement]:
    """The imports that a module's parameters require, one after the other. Raises `BadInput`."""
    product = params["product"]
    max_age, newer_than = age_option(params["max_age"], "max_age"), time_option(params["newer_than"], "newer_than")
    raw_max_age = age_option(params["raw_max_age"], "raw_max_age")
    if raw_max_age is None:
        raw_max_age = max_age
    if params["force"]:
        max_age = raw_max_age = newer_than = None
    requirements = [Requirement(product, params["import_type"], max_age, newer_than)]
    if params["raw_first"]:
        _check_raw_first(params)
        requirements.insert(0, Requirement(product, "raw_only", raw_max_age, newer_than))
    for requirement in requirements:
        requirement.check()
    return requirements


def _check_raw_first(params: Mapping[str, Any]) -> None:
    if params["import_type"] != "complete":
        raise BadInput("raw_first is for import_type=complete: nothing would come after a raw_only import.")
    if not params["wait"]:
        raise BadInput("raw_first needs wait=true: the complete import is started when the raw one is over.")


def wanted_import(server: str, requirement: Requirement) -> Wanted:
    """A required import as the engine takes it. All of a server have one receipt, since it runs one at a time."""
    key = identity_of(system=SYSTEM, server=server)
    return Wanted(
        key=key,
        system=SYSTEM,
        target=server,
        stream=key,
        source=f"{requirement.import_type} import",
        size=0,
        content_sha256=None,
        options={"product": requirement.product},
        payload=requirement,
    )


def age_option(seconds: float | None, option: str) -> float | None:
    """An age in seconds. Raises `BadInput` for one that cannot be."""
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise BadInput(f"{option} has to be a number of seconds, 0 or more.")
    return seconds


def time_option(text: str | None, option: str) -> datetime | None:
    """A time in ISO 8601 with a zone, `Z` or an offset. Raises `BadInput` for anything else."""
    if text is None:
        return None
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)", text):
        raise BadInput(f"{option}: {text!r} is not a time like '2026-11-22T03:00:00Z', with Z or an offset.")
    time = parse_time(text)
    if time is None:
        raise BadInput(f"{option}: {text} does not exist.")
    return time
