# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's API key, and the Basic credentials made of it, appear in no output, no receipt and at no other host.

The key is made as in `licstat/test_secrets.py`: of words that no encoding changes, around characters that most do.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.handle import Sandbox
from ..licstat.test_secrets import SPELLINGS, TOKEN, WORDS
from ..listener import Listener
from ..support import Playbook
from .driver import PLAIN, STANDARD, Haplo, assert_scheduled, at_each_step, in_both

KEY = TOKEN
BASIC = base64.b64encode(f"haplo:{KEY}".encode()).decode()


def traces(content: str | bytes) -> list[str]:
    """What of the key is in there, as it is or in any of the three ways to fall into the groups of Base64."""
    looks = [base64.b64encode(b"\0" * shift + KEY[:16].encode()).decode()[(0, 2, 3)[shift] : -4] for shift in range(3)]
    found = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    return [trace for trace in (*WORDS, *looks) if trace.encode() in found]


class Watched(Haplo):
    """The module with the key that is watched."""

    def options(self, **options: Any) -> dict[str, Any]:
        return super().options(**{"api_key": KEY, **options})


@pytest.fixture
def haplo(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Haplo:
    api = getattr(request, "param", PLAIN)
    path = f"{api.path.removeprefix('/haplo')}/"
    sandbox.configure("haplo", keys=[{"key": KEY, "user": "import service", "path": path}])
    return Watched(sandbox, tmp_path, api)


def assert_quiet(haplo: Haplo, *outputs: str) -> None:
    """Nothing of the key is in the outputs, nor in any file of the test."""
    for output in outputs:
        assert traces(output) == []
    for path in haplo.folder.rglob("*"):
        if path.is_file():
            assert traces(path.read_bytes()) == [], path


def test_the_traces_of_the_credentials_are_found() -> None:
    assert traces(f"...{BASIC}...")
    assert traces(f"...{json.dumps(KEY)}...")


@in_both
def test_an_import_that_went_well_says_nothing_of_the_key(haplo: Haplo) -> None:
    outputs = [haplo.output(diff=True, check=check, force=force) for check in (True, False) for force in (True, False)]

    assert json.loads(outputs[-2])["state"] == "scheduled"
    assert haplo.sent()[0].header("authorization") == f"Basic {BASIC}"
    assert_quiet(haplo, *outputs)


@pytest.mark.parametrize(
    "options", [{"files": []}, {"control": "/nowhere"}, {"feed": ""}, {"api_path": "x"}, {"no": 1}]
)
def test_no_bad_input_says_anything_of_the_key(haplo: Haplo, options: dict[str, Any]) -> None:
    output = haplo.output(**options)

    assert json.loads(output)["failed"]
    assert_quiet(haplo, output)


ECHOES: dict[str, Callable[[str], str]] = {
    **SPELLINGS,
    "as credentials": lambda key: base64.b64encode(f"haplo:{key}".encode()).decode(),
    "as a header": lambda key: f"Authorization: Basic {base64.b64encode(f'haplo:{key}'.encode()).decode()}",
}


CASES = [
    *((PLAIN, spelling, "batch") for spelling in ECHOES),
    *((api, "as a header", step) for api in (PLAIN, STANDARD) for step in api.steps if (api, step) != (PLAIN, "batch")),
]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("haplo", "spelling", "step"),
    [pytest.param(*case, id="-".join((case[0].name, *case[1:]))) for case in CASES],
    indirect=["haplo"],
)
def test_a_server_that_repeats_the_key_is_not_repeated(haplo: Haplo, spelling: str, step: str) -> None:
    body = f'{{"error": "Not with {ECHOES[spelling](KEY)}"}}'
    outputs = []
    for status, kind in ((400, "text/plain"), (403, "application/json"), (200, "text/html"), (500, "text/plain")):
        haplo.fault("status", operation=step, when="after_body", times=3, status=status, content_type=kind, body=body)
        outputs.append(haplo.output(diff=True))
        haplo.sandbox.clear_faults()

    assert all(json.loads(output)["failed"] for output in outputs)
    lowered = [output.lower() if spelling == "in capital letters" else output for output in outputs]
    assert_quiet(haplo, *lowered)


@at_each_step()
def test_a_redirect_takes_the_key_nowhere(haplo: Haplo, elsewhere: Listener, step: str) -> None:
    haplo.fault("redirect", operation=step, when="after_body", location=f"{elsewhere.url}/{BASIC}?x={BASIC}")

    output = haplo.output()

    assert json.loads(output)["state"] == "failed"
    assert elsewhere.received() == []
    assert_quiet(haplo, output)


def test_an_error_that_nobody_expected_does_not_give_the_key_away(haplo: Haplo) -> None:
    program = (
        "import requests\n"
        "def fail(self, method, url, headers, **more):\n"
        "    raise TypeError(f'what is {headers}?')\n"
        "requests.Session.request = fail\n"
        "from tests import running\n"
        "running.main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "haplo_batch"],
        cwd=ROOT,
        input=json.dumps(haplo.options()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "defect" in done.stdout
    assert_quiet(haplo, done.stdout, done.stderr)


@pytest.mark.slow
def test_a_playbook_says_nothing_of_the_key_at_any_verbosity(
    haplo: Haplo, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path_factory.mktemp("secret") / "key.json"
    outside.write_text(json.dumps({"key": KEY}), encoding="utf-8")
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(haplo.folder / "ansible.log"))
    haplo.fault("status", operation="schedule", status=400, body=f"Not with {BASIC}, {KEY}")
    task = {"assetops.imports.haplo_batch": {**haplo.options(), "api_key": "{{ key }}"}}
    playbook = Playbook(haplo.folder, [{**task, "ignore_errors": True}, {**task, "register": "good"}])

    status, output = playbook.run("-vvvv", "--diff", "-e", f"@{outside}")

    assert status == 0, output
    assert "ignored=1" in output
    assert_quiet(haplo, output)
    assert_scheduled(haplo(), changed=False, reason="receipt")
