# SPDX-License-Identifier: GPL-3.0-or-later
"""Token and password stay secret where only BigFix has something of its own, beside `imports/test_secrets.py`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ...sandbox.bigfix.credentials import MANAGER
from ..canary import SECRET, assert_quiet
from ..support import ABSENT
from .driver import DataImports

TOKEN = SECRET.replace(" ", "_")
PASSWORD = SECRET
BY_TOKEN: dict[str, Any] = {"token": TOKEN}
BY_PASSWORD: dict[str, Any] = {"token": ABSENT, "username": MANAGER, "password": PASSWORD}
WAYS = {
    "token in the URL": BY_TOKEN,
    "token in a header": {**BY_TOKEN, "token_transport": "header"},
    "password": BY_PASSWORD,
    "password, token in a header": {**BY_PASSWORD, "token_transport": "header"},
}


@pytest.fixture
def bigfix(bigfix: DataImports) -> DataImports:
    """The modules, and a server that knows the token and the password that are watched."""
    user = {"user": MANAGER, "password": PASSWORD, "token": TOKEN, "manage_imports": True, "sees_version": True}
    bigfix.configure(users=[user], token_in_header=True)
    return bigfix


@pytest.mark.parametrize("login", WAYS)
def test_a_look_that_fails_says_nothing_of_them(bigfix: DataImports, login: str) -> None:
    bigfix.fault("status", "status", skip=2, times=None, status=500, body=f"Who is {TOKEN}?")

    output = bigfix.output(unreachable_timeout=0, diff=True, **WAYS[login])

    assert json.loads(output)["state"] == "running"
    assert_quiet(bigfix.folder, output)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"token": TOKEN + " and more"}),
        (200, {"token": [TOKEN]}),
        (200, {"token": {"token": TOKEN}}),
        *[(status, {"message": f"The password {PASSWORD} is wrong."}) for status in (200, 401, 500)],
    ],
)
def test_an_odd_answer_to_the_password_says_nothing_of_them(
    bigfix: DataImports, status: int, body: dict[str, Any]
) -> None:
    bigfix.fault("json", "get_token", when="after_body", json=body, status=status)

    output = bigfix.output(diff=True, **BY_PASSWORD)

    assert json.loads(output)["failed"]
    assert_quiet(bigfix.folder, output)
