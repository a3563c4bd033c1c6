# SPDX-License-Identifier: GPL-3.0-or-later
"""The key for the pages of batches goes to these pages only and is seen nowhere; what they say does no harm."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ...stores import ask
from ..canary import as_found, run_at_highest_verbosity
from ..listener import Listener
from ..support import QUICK, only
from .driver import STEPS, Haplo, Told, outcome_of
from .test_secrets import BASIC, ECHOES, KEY, assert_quiet

PAGES = ("batches", "outcome")
KEY_PATH = "/do/haplo-data-import-batch/batch"
ERROR = "extra is not for people (record 1)"


class Watched(Told):
    """The module with the key that is watched, and another one that imports."""

    def options(self, **options: Any) -> dict[str, Any]:
        return super().options(**{"outcome_api_key": KEY, **options})

    @property
    def with_an_error(self) -> dict[str, Any]:
        """Options of a batch with two errors in its log."""
        return {"control": str(self.erring), "files": self.with_errors}


@pytest.fixture
def told(sandbox: Sandbox, tmp_path: Path) -> Watched:
    sandbox.clock(speed=QUICK)
    sandbox.configure("haplo", keys=keys(sandbox, KEY))
    return Watched(sandbox, tmp_path)


def keys(sandbox: Sandbox, key: str) -> list[dict[str, Any]]:
    """Those that Haplo knows: one that imports, and this one for the pages."""
    return [
        {"key": sandbox.haplo_api_key, "user": "import service"},
        {"key": key, "user": "outcome", "path": KEY_PATH, "may_administer": True},
    ]


def says(told: Haplo, find: str, put: str) -> None:
    """The pages say something else from now on."""
    told.sandbox.configure("haplo", page_changes=[{"find": find, "put": put}])


def test_each_key_goes_where_it_is_for_and_nowhere_else(told: Watched) -> None:
    assert outcome_of(told()) == (False, "succeeded", "succeeded")
    outputs = [told.output(diff=True, check=check, force=True) for check in (True, False)]

    used = {operation: set[str]() for operation in (*STEPS, *PAGES)}
    for one in told.sent():
        used[str(one.operation)].add(base64.b64decode(str(one.header("authorization")).split()[1]).decode())
    assert [used[step] for step in STEPS] == [{f"haplo:{told.sandbox.haplo_api_key}"}] * len(STEPS)
    assert [used[page] for page in PAGES] == [{f"haplo:{KEY}"}] * len(PAGES)
    assert told.sandbox.haplo_api_key not in "".join(outputs)
    assert_quiet(told, *outputs)


@pytest.mark.parametrize("spelling", ECHOES)
def test_a_log_that_repeats_the_key_is_not_repeated(told: Watched, spelling: str) -> None:
    says(told, ERROR, html.escape(f"Not with {ECHOES[spelling](KEY)}"))

    outputs = [told.output(diff=True, force=force, **told.with_an_error) for force in (True, False)]

    assert [json.loads(output)["state"] for output in outputs] == ["incomplete", "incomplete"]
    assert_quiet(told, *(as_found(output, spelling) for output in outputs))


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_repeats_the_key_is_not_repeated(told: Watched, page: str) -> None:
    echo = f"Not with {KEY}, {ECHOES['as a header'](KEY)}"
    place = {"batches": "<h1>Batch", "outcome": "<td>complete"}[page]
    says(told, place, f"{place}{html.escape(echo)}")
    outputs = [told.output(force=True)]
    told.sandbox.configure("haplo", page_changes=[])
    pages = {"application/json": json.dumps({"kind": echo, "message": echo}), "text/html": f"<h1>{echo}</h1>"}
    for status, kind in ((400, "text/plain"), (403, "application/json"), (200, "text/html"), (500, "text/html")):
        body = pages.get(kind, echo)
        told.sandbox.fault("status", operation=page, times=None, status=status, content_type=kind, body=body)
        outputs.append(told.output(force=True, unreachable_timeout=0, wait_timeout=0.1))
        told.sandbox.clear_faults()

    assert {json.loads(output)["state"] for output in outputs} >= {"scheduled"}
    assert_quiet(told, *outputs)


@pytest.mark.parametrize("page", PAGES)
def test_a_redirect_takes_the_key_nowhere(told: Watched, elsewhere: Listener, page: str) -> None:
    told.sandbox.fault("redirect", operation=page, times=None, location=f"{elsewhere.url}/{BASIC}?x={BASIC}")
    output = told.output()

    assert json.loads(output)["state"] == "scheduled"
    assert elsewhere.received() == []
    assert_quiet(told, output)


@pytest.mark.slow
def test_a_playbook_says_nothing_of_the_key_at_any_verbosity(
    told: Watched, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(told.folder / "ansible.log"))
    says(told, ERROR, html.escape(f"Not with {KEY}, {ECHOES['as a header'](KEY)}"))
    told.sandbox.fault("status", operation="batches", status=403, body=f"Not with {KEY}")
    told.sandbox.fault("hold", operation="batch", when="after_body")
    options = {**told.options(**told.with_an_error), "outcome_api_key": "{{ key }}"}
    task = {"assetops.imports.haplo_batch": options, "ignore_errors": True}

    outside = tmp_path_factory.mktemp("secret")
    held = [("haplo", "batch")]
    shown = run_at_highest_verbosity(told.folder, outside, [task, task], {"key": KEY}, sandbox=told.sandbox, held=held)

    assert shown.status == 0, shown.output
    assert "ended with 2 errors" in shown.output
    assert_quiet(told, shown.output)


# What pages say.

WORDS: dict[str, Callable[[], str]] = {
    "control characters": lambda: "a\x1b[2J\x07\x9b31mb",
    "marks of direction": lambda: "a\u202egnp.exe\u2066b",
    "what Ansible obeys": lambda: '{"__ansible_unsafe": "x"} {{ lookup("pipe", "id") }}',
    "many lines": lambda: "\n".join(f"line {number}" for number in range(500)),
    "a long line": lambda: "x" * 1024 * 1024,
    "many long lines": lambda: "\n".join(["y" * 10_000] * 100),
}
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("words", "is_stopped"), [*((words, False) for words in WORDS), ("many lines", True), ("many long lines", True)]
)
def test_what_a_log_says_is_harmless_in_results_and_receipts(told: Watched, words: str, is_stopped: bool) -> None:
    told.sandbox.configure("haplo", breaks_after=2 if is_stopped else None)
    says(told, ERROR, html.escape(WORDS[words](), quote=False))
    result = told(**told.with_an_error)
    again = told(**told.with_an_error)

    state = "failed" if is_stopped else "incomplete"
    assert outcome_of(result) == outcome_of(again) == (True, state, state)
    for one in (result, again):
        assert UNSEEN.search(json.dumps(one, ensure_ascii=False)) is None
        assert len(one["msg"]) < 4000
        assert "\n" not in one["msg"]
        assert len(only(one)["server"]["log"]) < 5 * 64 * 1024
    (kept,) = ask(str(told.store), "SELECT message, detail FROM attempts")
    assert UNSEEN.search("".join(kept)) is None
    assert len("".join(kept)) < 6 * 64 * 1024


@pytest.mark.parametrize("words", ["haplo-data-import-batch", "extra is not for people", "Batch import jobs"])
def test_a_key_that_is_some_words_of_the_pages_changes_nothing(told: Watched, words: str) -> None:
    told.sandbox.configure("haplo", keys=keys(told.sandbox, words))
    options: dict[str, Any] = {**told.with_an_error, "outcome_api_key": words}
    for allowed, changed in ((False, True), (1, False), (2, False)):
        result = told(**options, allow_errors=allowed)
        assert outcome_of(result) == (allowed != 2, "incomplete", "incomplete")
        assert (result["changed"], only(result)["server"]["errors"]) == (changed, 2)
        assert words not in only(result)["message"] + only(result)["server"]["log"]
    assert told.times_scheduled == 1
