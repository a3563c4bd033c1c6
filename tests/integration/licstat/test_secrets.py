# SPDX-License-Identifier: GPL-3.0-or-later
"""The token stays secret where only License Statistics has something of its own, beside `imports/test_secrets.py`."""

from __future__ import annotations

import base64
import html
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from ...postgresql import Server
from ...stores import ask
from .. import canary
from ..canary import SECRET, SPELLINGS, as_found, command_lines, traces
from ..lies import accepted, http, text, value
from ..listener import Listener, http_answer
from ..support import ABSENT, Licstat, only


@pytest.fixture
def licstat(licstat: Licstat) -> Licstat:
    """The modules with the token that is watched."""
    licstat.sandbox.configure(tokens=[{"token": SECRET, "user": "Administrator"}])
    return Watched(licstat.sandbox, licstat.folder)


class Watched(Licstat):
    """The modules with the token that is watched."""

    def connection(self, **options: Any) -> dict[str, Any]:
        return super().connection(**{"api_token": SECRET, **options})


def assert_quiet(licstat: Licstat, *outputs: str) -> None:
    canary.assert_quiet(licstat.folder, *outputs)


def test_the_traces_of_the_token_are_found_however_it_is_written() -> None:
    for written in (
        *(SECRET, quote(SECRET), quote_plus(SECRET), json.dumps(SECRET), html.escape(SECRET), repr(SECRET)),
        *(base64.b64encode(SECRET.encode()).decode(), base64.urlsafe_b64encode(f"x:{SECRET}".encode()).decode()),
        base64.b64encode(f"some:{SECRET}".encode()).decode(),
    ):
        assert traces(f"...{written}...")


def test_a_password_for_receipts_is_kept_like_the_token(licstat: Licstat, log: Path, postgresql: Server) -> None:
    """Also where the URL holds it against the rules."""
    ask(
        postgresql.url("postgres", "postgres"), "CREATE ROLE watched LOGIN PASSWORD '" + SECRET.replace("'", "''") + "'"
    )
    place = f"127.0.0.1:{postgresql.port}"
    given: list[dict[str, Any]] = [
        {"receipts": f"postgresql://watched@{place}/assetops", "receipts_password": SECRET},
        {"receipts": f"postgresql://nobody@{place}/assetops", "receipts_password": SECRET},
        {"receipts": f"postgresql://watched:{quote(SECRET, safe='')}@{place}/assetops"},
        {"receipts": f"postgresql://watched@{place}/assetops?password={quote_plus(SECRET)}"},
    ]
    outputs = [licstat.output(log, **options, diff=True) for options in given]

    assert all(json.loads(output)["failed"] for output in outputs)
    assert "CREATE SCHEMA" in json.loads(outputs[0])["msg"]
    assert licstat.sandbox.requests() == []
    assert_quiet(licstat, *outputs)


def test_a_token_of_the_environment_is_kept_like_any_other(
    licstat: Licstat, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICSTAT_API_TOKEN", SECRET)
    licstat.sandbox.fault(operation="import", when="after_body", **value({"success": False, "msg": f"No, {SECRET}!"}))

    outputs = [licstat.output(log, api_token=ABSENT), licstat.output(log, api_token=ABSENT)]

    assert [json.loads(output)["state"] for output in outputs] == ["failed", "succeeded"]
    assert_quiet(licstat, *outputs)


# A server that repeats what it was told.


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_id_that_is_the_token_is_told_to_nobody_but_kept_to_ask_with(
    licstat: Licstat, log: Path, spelling: str
) -> None:
    repeated = json.dumps(accepted(tid="@@", sbtr="@@")).replace("@@", SPELLINGS[spelling](SECRET))
    licstat.sandbox.fault(operation="import", when="after_body", **text(repeated))

    outputs = [licstat.output(log, wait_timeout=0, diff=True) for _number in range(2)]

    ask(str(licstat.store), "UPDATE attempts SET remote_id = NULL WHERE remote_id IS NOT NULL")
    ask(str(licstat.store), "VACUUM")
    assert_quiet(licstat, *(as_found(output, spelling) for output in outputs))


@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_server_that_repeats_the_token_outside_of_the_body_is_not_repeated(
    licstat: Licstat, log: Path, status: int
) -> None:
    answer = http(
        '{"success": false}', f"{status} Not with {SECRET}", f"X-Token: {SECRET}", f"Set-Cookie: token={SECRET}"
    )
    licstat.sandbox.fault(operation="import", when="after_body", **answer)

    outputs = [licstat.output(log), licstat.output(log)]

    assert_quiet(licstat, *outputs)


@pytest.mark.parametrize("length", [480, 490, 500, 1980, 1990, 2000])
def test_a_token_is_not_cut_in_two_where_an_answer_is_cut(licstat: Licstat, log: Path, length: int) -> None:
    licstat.sandbox.fault(operation="import", when="after_body", **text("x" * length + SECRET + "y" * 1000))

    output = licstat.output(log)

    assert SECRET[:4] not in output
    assert_quiet(licstat, output)


# The way there.


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("is_there", [True, False])
def test_the_password_of_a_proxy_is_kept_too(
    licstat: Licstat, log: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    with Listener(http_answer(b"no", "407 Proxy Authentication Required")) as proxy, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = proxy.port if is_there else closed.getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://jdoe:{quote(SECRET, safe='')}@127.0.0.1:{port}")

        output = licstat.output(log, api_token="another-token-than-that")

    assert json.loads(output)["state"] == "failed"
    assert_quiet(licstat, output)


def test_a_module_of_its_own_shows_no_token_in_the_process_list(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("hold", operation="status")
    module = licstat.start(log)
    licstat.sandbox.wait_for("held", operation="status")

    commands = command_lines()
    licstat.sandbox.release()

    assert only(module.finish())["state"] == "succeeded"
    assert any(b"licstat_import" in command for command in commands)
    assert not any(traces(command) for command in commands)
