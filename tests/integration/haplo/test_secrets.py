# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's API key, and the Basic credentials made of it, are not repeated whichever step's answer has them.

What else is looked at is the same in all systems: see `imports/test_secrets.py`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from .. import canary
from ..canary import SECRET, SPELLINGS, as_found, traces
from .driver import PLAIN, STANDARD, Haplo

KEY = SECRET
BASIC = base64.b64encode(f"haplo:{KEY}".encode()).decode()


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
    canary.assert_quiet(haplo.folder, *outputs)


def test_the_traces_of_the_credentials_are_found() -> None:
    assert traces(f"...{BASIC}...")
    assert traces(f"...{json.dumps(KEY)}...")


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
    answers = ((400, "text/plain"), (403, "application/json"), (200, "text/html"), (500, "text/plain"))
    for status, kind in answers if spelling == "as a header" else answers[:2]:
        haplo.fault("status", operation=step, when="after_body", times=3, status=status, content_type=kind, body=body)
        outputs.append(haplo.output(diff=True))
        haplo.sandbox.clear_faults()

    assert all(json.loads(output)["failed"] for output in outputs)
    assert_quiet(haplo, *(as_found(output, spelling) for output in outputs))
