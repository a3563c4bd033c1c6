# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token and password of `bigfix_import` are nobody's business, though the token stands in the URL.

So it is for a token that was given and for one that was exchanged for a password. The token is made as in
`licstat/test_secrets.py`, but without a space, which the server's own never has.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ...sandbox.bigfix.credentials import MANAGER
from ..licstat.test_secrets import SPELLINGS, traces
from ..licstat.test_secrets import TOKEN as SPACED
from ..lies import NO, NO_ANSWER, REDIRECTS, Lie, http, text
from ..listener import Listener
from ..support import ABSENT, OTHER_PYTHON, Playbook
from .driver import DataImports

TOKEN = SPACED.replace(" ", "_")
PASSWORD = SPACED
"""With the words of the token, so that both are looked for at once."""

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


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options to log in."""
    return WAYS[request.param]


def assert_quiet(server: DataImports, *outputs: str) -> None:
    """Nothing of token and password is in the outputs, nor in any file of the test."""
    for output in outputs:
        assert traces(output) == []
    for path in server.folder.rglob("*"):
        if path.is_file():
            assert traces(path.read_bytes()) == [], path


def test_an_import_that_went_well_says_nothing_of_them(bigfix: DataImports, way: dict[str, Any]) -> None:
    outputs = [
        bigfix.output(check=True, diff=True, **way),
        bigfix.output(diff=True, **way),
        bigfix.output(max_age=9999, diff=True, **way),
        bigfix.info_output(**way),
    ]

    assert json.loads(outputs[1])["state"] == "succeeded"
    assert_quiet(bigfix, *outputs)


LIES = [pytest.param(lie, id=lie.name.replace(" ", "-")) for lie in [*NO_ANSWER, *NO]]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("operation", ["get_token", "status", "start"])
def test_no_failure_says_anything_of_them(bigfix: DataImports, lie: Lie, operation: str) -> None:
    bigfix.fault(operation=operation, when="after_body", times=None, **lie.fault)

    output = bigfix.output(unreachable_timeout=0, diff=True, **BY_PASSWORD)

    assert json.loads(output)["failed"]
    assert_quiet(bigfix, output)


def test_a_look_that_fails_says_nothing_of_them(bigfix: DataImports, way: dict[str, Any]) -> None:
    bigfix.fault("status", "status", skip=2, times=None, status=500, body=f"Who is {TOKEN}?")

    output = bigfix.output(unreachable_timeout=0, diff=True, **way)

    assert json.loads(output)["state"] == "running"
    assert_quiet(bigfix, output)


ANSWERS: dict[str, tuple[str, str]] = {
    "an odd status": (
        "status",
        '{"mode": "@@", "last_status": "@@", "last_import_type": "@@", "last_import_time": "@@", "@@": ["@@"]}',
    ),
    "a failure": (
        "status",
        '{"mode": "idle", "last_status": "No @@", "last_import_time": "2099-01-01T00:00:00Z"}',
    ),
    "no status": ("status", '{"@@": "@@", "message": "Not with @@"}'),
    "a page": ("status", "<html><title>Not with @@</title></html>"),
    "an answer to the start": ("start", '{"mode": "idle", "message": "Not with @@"}'),
    "a page after the start": ("start", "<html><title>Not with @@</title></html>"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_repeats_the_token_is_not_repeated(bigfix: DataImports, answer: str, spelling: str) -> None:
    operation, body = ANSWERS[answer]
    repeated = body.replace("@@", SPELLINGS[spelling](TOKEN))
    skip = 2 if answer == "a failure" else 0
    bigfix.fault(operation=operation, when="after_body", times=None, skip=skip, **text(repeated))

    output = bigfix.output(wait_timeout=0.1, unreachable_timeout=0, diff=True, **BY_PASSWORD)

    assert_quiet(bigfix, output.lower() if spelling == "in capital letters" else output)


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
    assert_quiet(bigfix, output)


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("operation", ["get_token", "status", "start"])
def test_a_redirect_takes_them_nowhere(bigfix: DataImports, elsewhere: Listener, status: int, operation: str) -> None:
    known = PASSWORD if operation == "get_token" else TOKEN
    where = f"{elsewhere.url}/{quote(known)}/?run=complete&token={quote(TOKEN, safe='')}"
    bigfix.fault(operation=operation, when="after_body", **http("", f"{status} Found", f"Location: {where}"))

    output = bigfix.output(**BY_PASSWORD)

    assert json.loads(output)["state"] == "failed"
    assert elsewhere.received() == []
    assert_quiet(bigfix, output)


@pytest.mark.parametrize(
    "options",
    [
        {"ca_path": "/nowhere/ca.pem"},
        {"newer_than": "yesterday"},
        {"url": "no address"},
        {"unheard_of": True},
        {"token": f"{TOKEN}\n"},
        {"token": f"{TOKEN}\u00e9"},
    ],
    ids=str,
)
def test_no_bad_input_says_anything_of_them(bigfix: DataImports, options: dict[str, Any]) -> None:
    output = bigfix.output(**{**BY_TOKEN, "password": PASSWORD, **options})

    assert json.loads(output)["failed"]
    assert_quiet(bigfix, output)


@pytest.mark.parametrize(
    ("python", "seen"), [(sys.executable, b"playbook.yml"), (OTHER_PYTHON, b"bigfix_import")], ids=["worker", "module"]
)
@pytest.mark.slow
def test_a_playbook_says_nothing_of_them_at_any_verbosity(
    python: str,
    seen: bytes,
    bigfix: DataImports,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = tmp_path_factory.mktemp("secret")
    secrets = {"token": TOKEN, "password": PASSWORD}
    (outside / "secrets.json").write_text(json.dumps(secrets), encoding="utf-8")
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(bigfix.folder / "ansible.log"))
    by_token = {**bigfix.options(), "token": "{{ token }}"}
    by_password = {name: value for name, value in by_token.items() if name != "token"}
    by_password |= {"username": MANAGER, "password": "{{ password }}"}
    connection = {name: by_password[name] for name in ("url", "username", "password")}
    bigfix.fault("hold", "start")
    bigfix.fault("status", "start", skip=2, status=500, body=f"What is {TOKEN}?")
    playbook = Playbook(
        bigfix.folder,
        [
            {"assetops.imports.bigfix_import": by_token, "register": "good"},
            {"assetops.imports.bigfix_import": by_password},
            {"assetops.imports.bigfix_import": by_password, "ignore_errors": True},
            {"assetops.imports.bigfix_import_info": connection},
            {"ansible.builtin.debug": {"var": "good"}},
        ],
        python=python,
    )

    process = playbook.start("-vvvv", "--diff", "-e", f"@{outside / 'secrets.json'}")
    bigfix.sandbox.wait_for("held", operation="start", timeout=60)
    files = [Path(entry.path) / "cmdline" for entry in os.scandir("/proc") if entry.name.isdigit()]
    commands = {file.parent.name: file.read_bytes() for file in files if os.access(file, os.R_OK)}
    bigfix.sandbox.release()
    output, _unused = process.communicate(timeout=120)

    assert process.returncode == 0, output
    assert "ok=5" in output
    assert "ignored=1" in output
    assert any(seen in command for command in commands.values())
    assert {number: traces(command) for number, command in commands.items() if traces(command)} == {}
    assert_quiet(bigfix, output)
