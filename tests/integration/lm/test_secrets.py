# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password for Lifecycle Manager, and what the URL of an archive may hold, appear nowhere.

How traces are found, and in what spellings a server may repeat a secret, is shared with License Statistics.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from ...running import ROOT
from ...sandbox.lm.asset_archives import DEMO
from ...sandbox.lm.credentials import ADMIN_USER
from ..licstat.test_secrets import SPELLINGS, TOKEN, traces
from ..lies import NO, NO_ANSWER, REDIRECTS, Lie, http, text
from ..listener import Listener
from ..support import Playbook, only
from .driver import Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
BASIC = base64.b64encode(f"{ADMIN_USER}:{TOKEN}".encode()).decode()
URL = f"http://jdoe:{quote(TOKEN, safe='')}@acme.com/a.zip?token={quote(TOKEN, safe='')}&year=2026"
PLAIN = ("plain", "a-password-of-no-interest")
"""A user for imports of which only the URL holds something to watch."""


class Watched(Lm):
    """The modules with the password that is watched."""

    def connection(self, **options: Any) -> dict[str, Any]:
        return super().connection(**{"password": TOKEN, **options})


@pytest.fixture
def lm(lm: Lm) -> Lm:
    """The modules with the password that is watched, and an archive behind a URL that holds the same."""
    admin = {"name": ADMIN_USER, "password": TOKEN, "ace": True, "usage_controller": True}
    lm.sandbox.configure("lm", users=[admin, {"name": PLAIN[0], "password": PLAIN[1], "ace": True}])
    watched = Watched(lm.sandbox, lm.folder)
    watched.publish(URL, ARCHIVE)
    return watched


def assert_quiet(lm: Lm, *outputs: str) -> None:
    """Nothing of the secret is in the outputs, nor in any file of the test."""
    for output in outputs:
        assert traces(output) == []
        assert BASIC not in output
    for path in lm.folder.rglob("*"):
        if path.is_file():
            assert traces(path.read_bytes()) == [], path


def test_an_import_that_went_well_says_nothing_of_the_password(lm: Lm) -> None:
    outputs = [lm.output(ARCHIVE, check=check, diff=True) for check in (True, False, False)]

    assert [json.loads(output)["state"] for output in outputs] == ["planned", "succeeded", "succeeded"]
    assert lm.asked("import")[0].header("authorization") == f"Basic {BASIC}"
    assert_quiet(lm, *outputs)


def test_an_import_that_went_well_says_nothing_of_what_the_url_holds(lm: Lm) -> None:
    outputs = [lm.output(import_url=URL, username=PLAIN[0], password=PLAIN[1], diff=True) for _unused in range(2)]

    assert [json.loads(output)["changed"] for output in outputs] == [True, False]
    told = json.loads(outputs[0])["imports"][0]
    assert told["source"] == "http://acme.com/a.zip"
    assert told["started_at"].startswith("20")  # though the query holds the year
    assert_quiet(lm, *outputs)


@pytest.mark.parametrize("lie", [pytest.param(lie, id=lie.name.replace(" ", "-")) for lie in [*NO_ANSWER[:4], *NO[:4]]])
@pytest.mark.parametrize("operation", ["import", "status"])
def test_no_failure_says_anything_of_the_password(lm: Lm, lie: Lie, operation: str) -> None:
    when = "after_body" if operation == "import" else "before_body"
    lm.sandbox.fault(operation=operation, when=when, times=None, **lie.fault)

    output = lm.output(ARCHIVE, unreachable_timeout=0, diff=True)

    assert json.loads(output)["failed"]
    assert_quiet(lm, output)


ROW = '{"valid": false, "assetName": "@@", "assetVersion": "1", "assetId": "@@", "resultMessage": "no @@"}'
ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "a no": ("import", {"status": 400, "content_type": "text/plain", "body": "Not with @@"}),
    "a documented error": ("import", {"status": 500, "content_type": "text/plain", "body": "Not with @@"}),
    "odd JSON": ("import", {"body": '{"@@": ["@@", {"@@": "@@"}]}'}),
    "bad rows": ("import", {"body": f'{{"runid": "import_1", "assetImportMessages": [{ROW}]}}'}),
    "a run": ("import", {"body": '{"runid": "@@", "parsingErrorsExist": false}'}),
    "a lost run": ("status", {"status": 500, "content_type": "text/plain", "body": "@@ knows no such run"}),
    "an odd status": ("status", {"body": '{"unpublished-assets": 0, "more": {"@@": "@@"}}'}),
    "an odd library": ("library", {"body": '{"activeRequests": "@@", "catalogAssets": 1, "more": "@@"}'}),
}


@pytest.mark.parametrize("spelling", ["as it is", "for a URL", "in Base64"])
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("of_url", [False, True], ids=["password", "url"])
def test_a_server_that_repeats_a_secret_is_not_repeated(lm: Lm, answer: str, spelling: str, of_url: bool) -> None:
    by_url = {"import_url": URL, "username": PLAIN[0], "password": PLAIN[1]}
    what: dict[str, Any] = by_url if of_url else {"src": str(ARCHIVE)}
    if answer == "a run":
        return  # what a run is known by has to be kept as it is; that it is a secret is absurd
    operation, fault = ANSWERS[answer]
    spell: Callable[[str], str] = SPELLINGS[spelling]
    repeated = {"action": "json", **fault, "body": fault["body"].replace("@@", spell(TOKEN))}
    lm.sandbox.fault(operation=operation, when="after_body", times=None, **repeated)

    outputs = [lm.output(**what, wait_timeout=0, diff=True) for _unused in range(2)]

    assert_quiet(lm, *outputs)


def test_a_server_that_repeats_the_header_is_not_repeated(lm: Lm) -> None:
    lm.sandbox.fault(operation="import", when="after_body", **text(f"I heard Basic {BASIC}", status=400))

    assert_quiet(lm, lm.output(ARCHIVE))


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_takes_the_password_nowhere(lm: Lm, elsewhere: Listener, status: int) -> None:
    where = f"{elsewhere.url}/{quote(TOKEN)}/?token={quote(TOKEN)}"
    lm.sandbox.fault(operation="import", when="after_body", **http("", f"{status} Found", f"Location: {where}"))

    output = lm.output(ARCHIVE)

    assert json.loads(output)["state"] == ("unknown" if status == 303 else "failed")
    assert elsewhere.received() == []
    assert_quiet(lm, output)


@pytest.mark.parametrize(
    "options",
    [{"once": "never"}, {"src": str(ARCHIVE)}, {"settle_time": -1}, {"import_url": f"{URL} "}, {"library": "a/b"}],
    ids=lambda options: str(*options),
)
def test_no_bad_input_says_anything_of_what_the_url_holds(lm: Lm, options: dict[str, Any]) -> None:
    output = lm.output(**{"import_url": URL, **options})

    assert json.loads(output)["failed"]
    assert_quiet(lm, output)


@pytest.mark.slow
def test_a_playbook_says_nothing_of_any_secret_at_any_verbosity(
    lm: Lm, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path_factory.mktemp("secret")
    (outside / "secrets.json").write_text(json.dumps({"secret": TOKEN, "link": URL}), encoding="utf-8")
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(lm.folder / "ansible.log"))
    connection = lm.connection(password="{{ secret }}")
    common = lm.options(password="{{ secret }}")
    playbook = Playbook(
        lm.folder,
        [
            {"assetops.imports.lm_import": {**common, "src": str(ARCHIVE)}, "register": "done"},
            {
                "assetops.imports.lm_import": {**common, "import_url": "{{ link }}", "library": "None"},
                "ignore_errors": True,
            },
            {"assetops.imports.lm_import_info": {**connection, "run_id": "{{ done.imports[0].remote_id }}"}},
            {"assetops.imports.lm_library": lm.emptying(password="{{ secret }}")},
        ],
    )

    status, output = playbook.run("-vvvv", "--diff", "-e", f"@{outside / 'secrets.json'}")

    assert status == 0, output
    assert "ok=4" in output
    assert "ignored=1" in output
    assert_quiet(lm, output)


@pytest.mark.parametrize("word", ["import", "assets", "status", "library", "null", "true", "false", "valid", "a year"])
def test_a_password_that_is_a_common_word_changes_nothing_that_a_server_said(lm: Lm, word: str) -> None:
    year = str(only(lm(ARCHIVE, username=PLAIN[0], password=PLAIN[1]))["remote_id"])[7:11]
    password = year if word == "a year" else word
    admin = {"name": ADMIN_USER, "password": password, "ace": True, "usage_controller": True}
    lm.sandbox.configure("lm", users=[admin])
    lm.sandbox.clock(speed=0)

    sent = lm(lm.archive(bad=1), wait=False, password=password, allow_parsing_errors=True)
    lm.sandbox.clock(step=60, speed=1000)
    done = lm(lm.folder / "archives" / "contents-1.zip", password=password, allow_parsing_errors=True)

    assert [(one["state"], one["changed"]) for one in (sent, done)] == [("submitted", True), ("incomplete", False)]
    assert lm.asked("status")[-1].query == f"runid={lm.held.runs[-1].runid}"
    server = only(done)["server"]
    assert server["status"] == {"unpublished-assets": 0}
    assert server["library"]["catalogAssets"] == 15
    assert server["import"]["parsingErrorsExist"] is True
    assert lm(ARCHIVE, password=password)["changed"] is False
