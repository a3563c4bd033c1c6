# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret may be any word, one of the vendor's protocol, too: it changes nothing that a module does.

For each system a story is told with a random secret, and with each word of its protocol in place of that. The server
has to get the same requests, the store has to keep the same states, and each result has to say the same but for what
asterisks are put over. In messages, and in what the server said, the word does not stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ...stores import ask
from ..bigfix.driver import DataImports
from ..haplo.driver import Haplo
from ..lm.driver import Lm
from ..support import QUICK, Licstat, Logs

RANDOM = "q7#Zk2!vWx9"
MASKED = re.compile(r"\*{8}|VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")

EVERYWHERE = ("null", "true", "false", "HTTP", f"{datetime.now(timezone.utc):%Y}")  # the year is in ids and times
STATES = ("failed", "unknown", "submitted", "succeeded", "receipt")
"""Words of our own, for each of the two importers."""

LICSTAT = (
    *STATES,
    *("success", "data", "PENDING", "SUCCESS", "SCHEDULED", "import", "import_", "sbtr", "sbtd"),
    *("Denials", "status", "admin", "license-server"),
)
BIGFIX = (
    *STATES,
    *("mode", "idle", "none", "running", "progress", "complete", "raw_only", "successful", "last_status", "last"),
    *("import", "import_status", "last_success_time", "can_run_imports", "token"),
)
HAPLO = (
    *("batch", "control", "file", "files", "schedule", "SCHEDULED", "scheduled", "dry-run", "people", "uploading"),
    *("import", "Batch not found"),
)
LM = (
    *("import", "runid", "run-id", "unpublished-assets", "assets", "valid", "parsingErrorsExist", "catalogAssets"),
    *("assetImportMessages", "status", "library", "LibraryDemo", "resultMessage"),
)

Story = Callable[[str], Iterator[dict[str, Any]]]


@pytest.fixture
def licstat_story(licstat: Licstat, make_log: Logs) -> Story:
    good, overlapping = make_log("good.log", day=0), make_log("overlapping.log", day=0, mib=0.01)

    def tell(secret: str) -> Iterator[dict[str, Any]]:
        licstat.sandbox.configure(tokens=[{"token": secret, "user": "Administrator"}])
        for check in (True, False, False):
            yield licstat(good, check=check, api_token=secret)
        yield licstat(overlapping, api_token=secret)
        yield licstat(good, api_token=secret, force=True, merge_policy="merge", gather=["denials"])
        yield licstat.task_info(api_token=secret, task_id="import_00000000-0000-0000-0000-000000000000")

    return tell


@pytest.fixture
def bigfix_story(bigfix: DataImports) -> Story:
    def tell(secret: str) -> Iterator[dict[str, Any]]:
        user = {"user": "importer", "password": "its password", "token": secret, "manage_imports": True}
        bigfix.configure(users=[{**user, "sees_version": True}])
        for check in (True, False, False):
            yield bigfix(token=secret, max_age=3600 * 24, check=check)
        yield bigfix(token=secret)
        yield bigfix(token=secret, max_age=3600 * 24)

    return tell


@pytest.fixture
def haplo_story(haplo: Haplo) -> Story:
    def tell(secret: str) -> Iterator[dict[str, Any]]:
        haplo.sandbox.configure("haplo", keys=[{"key": secret, "user": "import service"}])
        for check in (True, False, False):
            yield haplo(api_key=secret, check=check)
        yield haplo(api_key=secret, dry_run=True)
        yield haplo(api_key=secret, control=str(haplo.control_file("bad.json", model="haplo:nothing")))

    return tell


@pytest.fixture
def lm_story(lm: Lm) -> Story:
    archive = lm.archive("contents.zip", bad=1)

    def tell(secret: str) -> Iterator[dict[str, Any]]:
        user = {"name": "somebody", "password": secret, "ace": True, "usage_controller": True}
        lm.sandbox.configure("lm", users=[user])
        for check in (True, False, False):
            yield lm(archive, check=check, allow_parsing_errors=True, username="somebody", password=secret)
        yield lm(archive, username="somebody", password=secret)
        yield lm.empty(username="somebody", password=secret)
        yield lm(archive, allow_parsing_errors=True, username="somebody", password=secret)

    return tell


@pytest.fixture(scope="module")
def with_random() -> dict[str, Any]:
    """What came of each story told with a random secret."""
    return {}


@pytest.mark.parametrize(
    ("system", "word"),
    [
        (system, word)
        for system, words in {"licstat": LICSTAT, "bigfix": BIGFIX, "haplo": HAPLO, "lm": LM}.items()
        for word in (*words, *EVERYWHERE)
    ],
)
def test_a_secret_that_is_a_word_of_the_protocol_changes_nothing(
    request: pytest.FixtureRequest, sandbox: Sandbox, with_random: dict[str, Any], system: str, word: str
) -> None:
    story: Story = request.getfixturevalue(f"{system}_story")
    modules: Any = request.getfixturevalue(system)
    if system not in with_random:
        with_random[system] = _as_told(sandbox, modules, system, story, RANDOM)
    expected = with_random[system]

    told = _as_told(sandbox, modules, system, story, word)

    assert told["requests"] == expected["requests"]
    assert told["states"] == expected["states"]
    for ours, theirs in zip(told["results"], expected["results"]):
        assert _is_the_same(ours, theirs), f"{ours}\n{theirs}"
        assert word.lower() not in _spoken(ours).lower()


def _as_told(sandbox: Sandbox, modules: Any, system: str, story: Story, secret: str) -> dict[str, Any]:
    """All that comes of a story told from the beginning."""
    sandbox.reset()
    sandbox.clock(speed=QUICK)
    if system == "bigfix":
        modules.configure(daily=False)
    modules.store.unlink(missing_ok=True)
    results = list(story(secret))
    return {
        "results": results,
        "requests": [(one.system, one.operation, one.method, one.status) for one in sandbox.requests()],
        "states": ask(str(modules.store), "SELECT state, attempt, remote_id IS NULL FROM attempts ORDER BY started_at"),
    }


def _is_the_same(ours: Any, theirs: Any) -> bool:
    """Whether two results say the same, apart from times, ids and what asterisks are put over."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(_is_the_same(ours.get(name), value) for name, value in theirs.items())
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(_is_the_same, ours, theirs))
    if isinstance(theirs, bool) or theirs is None:
        return ours is theirs
    if isinstance(theirs, str):
        return isinstance(ours, str) and (bool(MASKED.search(ours)) or _timeless(ours) == _timeless(theirs))
    return isinstance(ours, (int, float)) or bool(MASKED.search(str(ours)))


def _timeless(text: str) -> str:
    return re.sub(r"[0-9a-f-]{6,}|\d+", "#", text)


def _spoken(result: dict[str, Any]) -> str:
    """What of a result is the words of a server, or about them."""
    of_imports = [one.get(name) for one in result.get("imports") or [] for name in ("message", "remote_id", "server")]
    return "\n".join(_texts([result.get("msg"), result.get("response"), *of_imports]))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
