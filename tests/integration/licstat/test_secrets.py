# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token is nobody's business: it appears in no output, no receipt, no process list and at no other host.

It is made of plain words, which no encoding changes, around characters that most encodings change. So whatever it is
written in, the words are found; only in Base64 they are not, and there what they become is looked for.
"""

from __future__ import annotations

import base64
import html
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from ...postgresql import Server
from ...running import ROOT
from ...stores import ask
from ..lies import NO, NO_ANSWER, REDIRECTS, Lie, accepted, http, text, value
from ..listener import Listener, http_answer
from ..support import ABSENT, OTHER_PYTHON, Licstat, Logs, Playbook, only

WORDS = ("c4nary", "w4tch", "b1rd")
TOKEN = "c4nary\"\\w4tch%2f+/=&<>'; b1rd~"


def traces(content: str | bytes) -> list[str]:
    """What of the token is in there."""
    found = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    return [trace for trace in (*WORDS, *_in_base64()) if trace.encode() in found]


def _in_base64() -> list[str]:
    """Words of the token as they look inside Base64, in each of the three ways to fall into its groups of four."""
    looks = []
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + TOKEN[:16].encode()).decode()
        looks.append(encoded[(0, 2, 3)[shift] : -4])
    return looks


@pytest.fixture
def licstat(licstat: Licstat) -> Licstat:
    """The modules with the token that is watched."""
    licstat.sandbox.configure(tokens=[{"token": TOKEN, "user": "Administrator"}])
    return Watched(licstat.sandbox, licstat.folder)


class Watched(Licstat):
    """The modules with the token that is watched."""

    def connection(self, **options: Any) -> dict[str, Any]:
        return super().connection(**{"api_token": TOKEN, **options})


def assert_quiet(licstat: Licstat, *outputs: str) -> None:
    """Nothing of the token is in the outputs, nor in any file of the test."""
    for output in outputs:
        assert traces(output) == []
    for path in licstat.folder.rglob("*"):
        if path.is_file():
            assert traces(path.read_bytes()) == [], path


def test_the_traces_of_the_token_are_found_however_it_is_written() -> None:
    for written in (
        *(TOKEN, quote(TOKEN), quote_plus(TOKEN), json.dumps(TOKEN), html.escape(TOKEN), repr(TOKEN)),
        *(base64.b64encode(TOKEN.encode()).decode(), base64.urlsafe_b64encode(f"x:{TOKEN}".encode()).decode()),
        base64.b64encode(f"some:{TOKEN}".encode()).decode(),
    ):
        assert traces(f"...{written}...")


# Whatever the outcome.


def test_an_import_that_went_well_says_nothing_of_the_token(licstat: Licstat, log: Path) -> None:
    outputs = [
        licstat.output(log, check=True, diff=True),
        licstat.output(log, diff=True),
        licstat.output(log, diff=True),
        licstat.output(log, force=True, diff=True),
    ]

    assert json.loads(outputs[1])["state"] == "succeeded"
    assert licstat.uploads[0].header("x-auth-token") == TOKEN
    assert_quiet(licstat, *outputs)


@pytest.mark.parametrize("lie", [pytest.param(lie, id=lie.name.replace(" ", "-")) for lie in [*NO_ANSWER, *NO]])
@pytest.mark.parametrize("operation", ["import", "status"])
def test_no_failure_says_anything_of_the_token(licstat: Licstat, log: Path, lie: Lie, operation: str) -> None:
    when = "after_body" if operation == "import" else "before_body"
    licstat.sandbox.fault(operation=operation, when=when, times=None, **lie.fault)

    output = licstat.output(log, unreachable_timeout=0, diff=True)

    assert json.loads(output)["failed"]
    assert_quiet(licstat, output)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "options",
    [
        {"src": ["/nowhere/debug.log"]},
        {"from": "yesterday"},
        {"receipts": "relative.db"},
        {"ca_path": "/nowhere/ca.pem"},
        {"url": "http://licstat.invalid"},
        {"url": "no address"},
        {"api_version": "v1"},
        {"unheard_of": True},
        {"api_token": f" {TOKEN}"},
        {"api_token": f"{TOKEN}\n"},
        {"api_token": f"{TOKEN}\nX-More: 1"},
        {"api_token": f"{TOKEN}é"},
    ],
    ids=str,
)
def test_no_bad_input_says_anything_of_the_token(licstat: Licstat, log: Path, options: dict[str, Any]) -> None:
    output = licstat.output(log, **options)

    assert json.loads(output)["failed"]
    assert_quiet(licstat, output)


def test_a_password_for_receipts_is_kept_like_the_token(licstat: Licstat, log: Path, postgresql: Server) -> None:
    """Also where the URL holds it against the rules."""
    ask(postgresql.url("postgres", "postgres"), "CREATE ROLE watched LOGIN PASSWORD '" + TOKEN.replace("'", "''") + "'")
    place = f"127.0.0.1:{postgresql.port}"
    given: list[dict[str, Any]] = [
        {"receipts": f"postgresql://watched@{place}/assetops", "receipts_password": TOKEN},
        {"receipts": f"postgresql://nobody@{place}/assetops", "receipts_password": TOKEN},
        {"receipts": f"postgresql://watched:{quote(TOKEN, safe='')}@{place}/assetops"},
        {"receipts": f"postgresql://watched@{place}/assetops?password={quote_plus(TOKEN)}"},
    ]
    outputs = [licstat.output(log, **options, diff=True) for options in given]

    assert all(json.loads(output)["failed"] for output in outputs)
    assert "CREATE SCHEMA" in json.loads(outputs[0])["msg"]
    assert licstat.sandbox.requests() == []
    assert_quiet(licstat, *outputs)


def test_a_token_of_the_environment_is_kept_like_any_other(
    licstat: Licstat, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICSTAT_API_TOKEN", TOKEN)
    licstat.sandbox.fault(operation="import", when="after_body", **value({"success": False, "msg": f"No, {TOKEN}!"}))

    outputs = [licstat.output(log, api_token=ABSENT), licstat.output(log, api_token=ABSENT)]

    assert [json.loads(output)["state"] for output in outputs] == ["failed", "succeeded"]
    assert_quiet(licstat, *outputs)


# A server that repeats what it was told.


def unicode_escaped(secret: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in secret)


def plainly_escaped(secret: str) -> str:
    return json.dumps(secret)[1:-1]


def cautiously_escaped(secret: str) -> str:
    """As libraries do that make JSON safe for web pages."""
    escaped = plainly_escaped(secret).replace("/", "\\/")
    return "".join(f"\\u{ord(character):04X}" if character in "<>&'=+" else character for character in escaped)


def escaped(encode: Callable[[str], str]) -> Callable[[str], str]:
    return lambda secret: plainly_escaped(encode(secret))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": plainly_escaped,
    "in escapes of JSON": unicode_escaped,
    "in careful JSON": cautiously_escaped,
    "in capital letters": lambda secret: plainly_escaped(secret.upper()).replace("%2F", "%2f"),
    "for a URL": escaped(lambda secret: quote(secret, safe="")),
    "for a URL with its slashes": escaped(quote),
    "for a URL in small letters": escaped(lambda secret: quote(secret, safe="").lower()),
    "for a form": escaped(quote_plus),
    "for a page": escaped(html.escape),
    "for a page, partly": escaped(lambda secret: html.escape(secret, quote=False)),
    "in quotes inside JSON": escaped(json.dumps),
    "in Base64": escaped(lambda secret: base64.b64encode(secret.encode()).decode()),
}
ANSWERS: dict[str, tuple[str, str]] = {
    # what is asked, and the body of the answer
    "a no": ("import", '{"success": false, "msg": "Not with @@"}'),
    "a no with a code": ("import", '{"success": false, "msg": "Not so", "code": "@@"}'),
    "a page": ("import", "<html><title>Not with @@</title></html>"),
    "a text": ("import", "Not with @@"),
    "odd JSON": ("import", '{"@@": ["@@", {"@@": "@@"}]}'),
    "a task": ("import", json.dumps(accepted(tid="@@", sbtr="@@"))),
    "an error": ("status", '{"success": true, "data": {"sts": "FAILURE", "err": "Not with @@"}}'),
    "an odd error": ("status", '{"success": true, "data": {"sts": "FAILURE", "err": {"@@": ["@@"]}, "@@": "@@"}}'),
    "an odd state": ("status", '{"success": true, "data": {"sts": "@@", "err": null, "sbtr": "@@"}}'),
    "a lost task": ("status", '{"success": false, "msg": "@@ knows no such task"}'),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_repeats_the_token_is_not_repeated(
    licstat: Licstat, log: Path, answer: str, spelling: str
) -> None:
    operation, body = ANSWERS[answer]
    repeated = body.replace("@@", SPELLINGS[spelling](TOKEN))
    when = "after_body" if operation == "import" else "before_body"
    licstat.sandbox.fault(operation=operation, when=when, times=None, **text(repeated))

    outputs = [licstat.output(log, wait_timeout=0, diff=True), licstat.output(log, wait_timeout=0, diff=True)]

    lowered = [output.lower() if spelling == "in capital letters" else output for output in outputs]
    if answer == "a task":  # an id is kept as it is, or nobody could ask for it
        ask(str(licstat.store), "UPDATE attempts SET remote_id = NULL")
        ask(str(licstat.store), "VACUUM")
    assert_quiet(licstat, *lowered)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_server_that_repeats_the_token_outside_of_the_body_is_not_repeated(
    licstat: Licstat, log: Path, status: int
) -> None:
    answer = http('{"success": false}', f"{status} Not with {TOKEN}", f"X-Token: {TOKEN}", f"Set-Cookie: token={TOKEN}")
    licstat.sandbox.fault(operation="import", when="after_body", **answer)

    outputs = [licstat.output(log), licstat.output(log)]

    assert_quiet(licstat, *outputs)


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize(
    "spelling", [str, lambda token: quote(token, safe=""), quote], ids=["plain", "quoted", "partly"]
)
def test_a_redirect_takes_the_token_nowhere(
    licstat: Licstat, log: Path, elsewhere: Listener, status: int, spelling: Callable[[str], str]
) -> None:
    where = f"{elsewhere.url}/{spelling(TOKEN)}/?token={spelling(TOKEN)}#{spelling(TOKEN)}"
    licstat.sandbox.fault(operation="import", when="after_body", **http("", f"{status} Found", f"Location: {where}"))

    output = licstat.output(log)

    assert json.loads(output)["state"] == ("unknown" if status == 303 else "failed")
    assert elsewhere.received() == []
    assert_quiet(licstat, output)


@pytest.mark.parametrize("length", [480, 490, 500, 1980, 1990, 2000])
def test_a_token_is_not_cut_in_two_where_an_answer_is_cut(licstat: Licstat, log: Path, length: int) -> None:
    licstat.sandbox.fault(operation="import", when="after_body", **text("x" * length + TOKEN + "y" * 1000))

    output = licstat.output(log)

    assert TOKEN[:4] not in output
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
        monkeypatch.setenv("http_proxy", f"http://jdoe:{quote(TOKEN, safe='')}@127.0.0.1:{port}")

        output = licstat.output(log, api_token="another-token-than-that")

    assert json.loads(output)["state"] == "failed"
    assert_quiet(licstat, output)


def test_an_error_that_nobody_expected_does_not_give_the_token_away(licstat: Licstat, log: Path) -> None:
    program = (
        "import requests\n"
        "def fail(self, method, url, headers, **more):\n"
        "    raise TypeError(f'what is {headers}?')\n"
        "requests.Session.request = fail\n"
        "from tests import running\n"
        "running.main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "licstat_import"],
        cwd=ROOT,
        input=json.dumps(licstat.options(log)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout or done.stderr
    assert_quiet(licstat, done.stdout, done.stderr)


# A real run.


@pytest.mark.parametrize(
    ("python", "seen"), [(sys.executable, b"playbook.yml"), (OTHER_PYTHON, b"licstat_import")], ids=["worker", "module"]
)
@pytest.mark.slow
def test_a_playbook_says_nothing_of_the_token_at_any_verbosity(
    python: str,
    seen: bytes,
    licstat: Licstat,
    make_log: Logs,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = tmp_path_factory.mktemp("secret")
    (outside / "token.json").write_text(json.dumps({"token": TOKEN}), encoding="utf-8")
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(licstat.folder / "ansible.log"))
    common = {**licstat.options(), "api_token": "{{ token }}"}
    good, refused, unknown = make_log(), make_log(), make_log()
    repeats = {"operation": "import", "when": "after_body"}
    licstat.sandbox.fault(skip=1, **repeats, **value({"success": False, "msg": f"Not with {TOKEN}"}))
    licstat.sandbox.fault(skip=2, **repeats, **text(f"What is {TOKEN}?"))
    licstat.sandbox.fault("hold", operation="status")
    playbook = Playbook(
        licstat.folder,
        [
            {"assetops.imports.licstat_import": {**common, "src": [str(good)]}, "register": "good"},
            {"assetops.imports.licstat_import": {**common, "src": [str(refused)]}, "ignore_errors": True},
            {"assetops.imports.licstat_import": {**common, "src": [str(unknown)]}, "ignore_errors": True},
            {
                "assetops.imports.licstat_task_info": {
                    **{name: common[name] for name in ("url", "api_token")},
                    "task_id": "{{ good.imports[0].remote_id }}",
                }
            },
            {"ansible.builtin.debug": {"var": "good"}},
        ],
        python=python,
    )

    process = playbook.start("-vvvv", "--diff", "-e", f"@{outside / 'token.json'}")
    licstat.sandbox.wait_for("held", operation="status", timeout=60)
    commands = {path.parent.name: path.read_bytes() for path in _command_lines()}
    licstat.sandbox.release()
    output, _unused = process.communicate(timeout=120)

    assert process.returncode == 0, output
    assert "ok=5" in output
    assert "ignored=2" in output
    assert any(seen in command for command in commands.values())
    assert {number: traces(command) for number, command in commands.items() if traces(command)} == {}
    assert_quiet(licstat, output)


def test_a_module_of_its_own_shows_no_token_in_the_process_list(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("hold", operation="status")
    module = licstat.start(log)
    licstat.sandbox.wait_for("held", operation="status")

    commands = [path.read_bytes() for path in _command_lines()]
    licstat.sandbox.release()

    assert only(module.finish())["state"] == "succeeded"
    assert any(b"licstat_import" in command for command in commands)
    assert not any(traces(command) for command in commands)


def _command_lines() -> list[Path]:
    """Those of all processes that there are, as far as they may be read."""
    files = [Path(entry.path) / "cmdline" for entry in os.scandir("/proc") if entry.name.isdigit()]
    return [file for file in files if os.access(file, os.R_OK)]
