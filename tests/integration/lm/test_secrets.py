# SPDX-License-Identifier: GPL-3.0-or-later
"""What the URL of an archive holds stays secret like the password, of which `imports/test_secrets.py` tells."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from ...running import ROOT
from ...sandbox.lm.asset_archives import DEMO
from ...sandbox.lm.credentials import ADMIN_USER
from .. import canary
from ..canary import SECRET
from ..lies import text
from .driver import Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
BASIC = base64.b64encode(f"{ADMIN_USER}:{SECRET}".encode()).decode()
URL = f"http://jdoe:{quote(SECRET, safe='')}@acme.com/a.zip?token={quote(SECRET, safe='')}&year=2026"
PLAIN = ("plain", "a-password-of-no-interest")
"""A user for imports of which only the URL holds something to watch."""


class Watched(Lm):
    """The modules with the password that is watched."""

    def connection(self, **options: Any) -> dict[str, Any]:
        return super().connection(**{"password": SECRET, **options})


@pytest.fixture
def lm(lm: Lm) -> Lm:
    """The modules with the password that is watched, and an archive behind a URL that holds the same."""
    admin = {"name": ADMIN_USER, "password": SECRET, "ace": True, "usage_controller": True}
    lm.sandbox.configure("lm", users=[admin, {"name": PLAIN[0], "password": PLAIN[1], "ace": True}])
    watched = Watched(lm.sandbox, lm.folder)
    watched.publish(URL, ARCHIVE)
    return watched


def assert_quiet(lm: Lm, *outputs: str) -> None:
    """Nothing of the secret is in the outputs, nor in any file of the test."""
    for output in outputs:
        assert BASIC not in output
    canary.assert_quiet(lm.folder, *outputs)


def test_an_import_that_went_well_says_nothing_of_what_the_url_holds(lm: Lm) -> None:
    outputs = [lm.output(import_url=URL, username=PLAIN[0], password=PLAIN[1], diff=True) for _unused in range(2)]

    assert [json.loads(output)["changed"] for output in outputs] == [True, False]
    told = json.loads(outputs[0])["imports"][0]
    assert told["source"] == "http://acme.com/a.zip"
    assert told["started_at"].startswith("20")  # though the query holds the year
    assert_quiet(lm, *outputs)


def test_a_server_that_repeats_the_header_is_not_repeated(lm: Lm) -> None:
    lm.sandbox.fault(operation="import", when="after_body", **text(f"I heard Basic {BASIC}", status=400))

    assert_quiet(lm, lm.output(ARCHIVE))
