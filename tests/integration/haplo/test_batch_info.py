# SPDX-License-Identifier: GPL-3.0-or-later
"""What `haplo_batch_info` tells of batches, when it fails instead, and that it changes nothing and keeps its secret."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ..canary import traces
from ..documentation.test_documentation import _replaced, examples
from ..results import assert_returned, documented
from ..support import ABSENT, Playbook, assert_failed, assert_plain_failure, only, output_of
from .driver import Haplo
from .test_secrets import ECHOES, KEY

NOBODY = "x" * 44
IN_THE_LIST = {"find": "<tr><th>State</th>", "put": "<tr><th>Status</th>"}


def sent(haplo: Haplo, *, people: int = 1, **options: Any) -> str:
    """A batch that was scheduled and imported; its identifier."""
    person = {"first": "Joe", "url": "not a URL"}
    (haplo.folder / "people.json").write_text(json.dumps([{**person, "last": str(number)} for number in range(people)]))
    identifier = str(only(haplo(force=True, **options))["remote_id"])
    haplo.sandbox.clock(step=3600)
    assert haplo.sandbox.haplo().batch(identifier).dry_run is not None  # it is imported when somebody looks
    return identifier


def with_a_url(haplo: Haplo) -> None:
    """From now on the control file takes URLs of people, and so finds some that are none."""
    instructions = json.loads(haplo.control.read_text(encoding="utf-8"))["instructions"]
    instructions.append({"source": "url", "destination": "profile", "name": "std:attribute:url"})
    haplo.control_file(haplo.control.name, instructions=instructions)


def told(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What is said of the batches, in short."""
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is False
    return [(one["row"], one["state"], one["has_ended"], one["errors"]) for one in result["batches"]]


# What is told.


def test_what_became_of_a_batch_is_reported_as_it_is(haplo: Haplo) -> None:
    with_a_url(haplo)
    identifier = sent(haplo, people=2, comment="nightly <b>")
    batch = haplo.sandbox.haplo().batch(identifier)

    found = haplo.batch_info()

    assert found["batches"] == [
        {
            "batch": identifier,
            "row": 1,
            "url": f"{haplo.sandbox.haplo_url}/do/haplo-data-import-batch/batch/1",
            "state": "complete",
            "has_ended": True,
            "errors": 2,
            "log": "\n".join(batch.log),
            "created": found["batches"][0]["created"],
            "comment": "nightly <b>",
        }
    ]
    assert (batch.errors, len(batch.log)) == (2, 4)
    asked: list[dict[str, Any]] = [{"batch": identifier}, {"row": 1}, {"newest": 1}]
    for options in asked:
        assert haplo.batch_info(**options) == haplo.batch_info(check=True, **options) == found


def test_batches_are_reported_in_each_state(haplo: Haplo) -> None:
    assert told(haplo.batch_info()) == []
    haplo.sandbox.configure("haplo", breaks_after=0)
    sent(haplo)
    haplo.sandbox.configure("haplo", breaks_after=None)
    sent(haplo, dry_run=True)
    haplo.sandbox.configure("haplo", stays="running")
    sent(haplo, feed="stuck")
    assert told(haplo.batch_info()) == [
        (3, "running", False, None),
        (2, "dry-run", True, 0),
        (1, "error", True, 0),
    ]
    logs = [one["log"] for one in haplo.batch_info()["batches"]]
    assert (logs[0], "EXCEPTION: " in logs[2]) == (None, True)
    assert told(haplo.batch_info(newest=2)) == told(haplo.batch_info())[:2]


def test_it_returns_what_is_documented(haplo: Haplo) -> None:
    sent(haplo)
    haplo.sandbox.configure("haplo", stays="scheduled")
    sent(haplo, feed="stuck")
    keys = documented("haplo_batch_info")
    of_failure = {name: keys.pop(name) for name in ("is_outage", "http_status", "response")}

    assert_returned(haplo.batch_info(), keys)

    refused = haplo.batch_info(row=9)
    of_failure.pop("is_outage")
    assert_plain_failure(refused)
    assert_returned(refused, of_failure)


def test_options_fall_back_on_the_environment(haplo: Haplo, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(haplo)
    monkeypatch.setenv("HAPLO_URL", haplo.sandbox.haplo_url)
    monkeypatch.setenv("HAPLO_OUTCOME_API_KEY", haplo.sandbox.haplo_outcome_api_key)
    assert told(haplo.batch_info(url=ABSENT, outcome_api_key=ABSENT)) == [(1, "complete", True, 0)]


# What cannot be told.


def watched(haplo: Haplo, *, check: bool = False, **options: Any) -> str:
    """All that the module gives to Ansible, with the key that is watched and the record of its invocation."""
    return output_of(lambda: haplo.batch_info(check=check, **{"outcome_api_key": KEY, **options}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"no": 1}, "Unsupported parameters"),
        ({"batch": "a" * 43}, "no identifier of a batch"),
        ({"batch": f"{NOBODY}\n"}, "no identifier of a batch"),
        ({"batch": ""}, "no identifier of a batch"),
        ({"row": 0}, "row 0 is no row number"),
        ({"row": "seven"}, "row"),
        ({"newest": 0}, "a number from 1 to 100"),
        ({"newest": 101}, "a number from 1 to 100"),
        ({"newest": 1, "row": 1}, "mutually exclusive"),
        ({"batch": NOBODY, "row": 1}, "mutually exclusive"),
        ({"outcome_api_key": ABSENT}, "outcome_api_key"),
        ({"outcome_api_key": "abc"}, "shorter than 4 characters"),
        ({"outcome_api_key": f"{KEY}\n"}, "line break"),
        ({"url": "research.example.ac.uk"}, "url"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(haplo: Haplo, options: dict[str, Any], words: str) -> None:
    output = watched(haplo, **options)

    result = json.loads(output)
    assert result["failed"]
    assert words in result["msg"]
    assert traces(output) == []
    assert haplo.sandbox.requests() == []


@pytest.mark.parametrize(
    ("options", "words", "status"),
    [
        ({"batch": NOBODY}, f"batch {NOBODY} is not in the list, of 1 batches", None),
        ({"row": 2}, "There is no batch of that row", 400),
        ({"outcome_api_key": "0" * 43}, "It is wrong, or made for another request path", 403),
    ],
)
def test_what_is_not_there_fails(haplo: Haplo, options: dict[str, Any], words: str, status: int | None) -> None:
    sent(haplo)

    result = haplo.batch_info(**options)

    assert_failed(result, words)
    assert (result.get("http_status"), "is_outage" in result, "batches" in result) == (status, False, False)


def test_a_page_of_another_form_fails(haplo: Haplo) -> None:
    sent(haplo)
    haplo.sandbox.configure("haplo", page_changes=[IN_THE_LIST])

    result = haplo.batch_info()

    assert_failed(result, "batch/1: the page has 0 tables with the facts Errors, Identifier, State")
    assert (result["http_status"], "batches" in result) == (200, False)


@pytest.mark.usefixtures("quick_retries")
def test_trouble_of_the_server_is_told_apart(haplo: Haplo) -> None:
    sent(haplo)
    haplo.sandbox.fault("status", operation="outcome", status=500, times=4)

    assert_failed(haplo.batch_info(row=1), is_outage=True, http_status=500)
    assert told(haplo.batch_info(row=1)) == [(1, "complete", True, 0)]


# In a playbook.


@pytest.mark.slow
def test_every_example_runs_as_it_stands(haplo: Haplo, tmp_path: Path) -> None:
    """The one that waits goes through an outage that the module itself does not outlast, but no refusal of the key."""
    haplo.sandbox.configure("haplo", seconds_before_start=0)
    identifier = sent(haplo)
    here = {
        "https://research.example.ac.uk": haplo.sandbox.haplo_url,
        "zrGS6so1usAb3dEf-h_J0123456789abcdefghijKLMN": identifier,
    }
    tasks = [_replaced(task, here) for task in examples("haplo_batch_info")]
    tasks[1]["delay"] = 0.1
    refused = copy.deepcopy(next(task for task in tasks if "until" in task))
    refused["assetops.imports.haplo_batch_info"].update(row=1, outcome_api_key="0" * 43)
    haplo.sandbox.fault("status", operation="outcome", status=503, times=5, skip=1, headers={"retry-after": "0"})

    key = {"haplo_outcome_api_key": haplo.sandbox.haplo_outcome_api_key}
    status, output = Playbook(tmp_path, [*tasks, {**refused, "name": "Refused"}], vars=key).run()

    shown, is_last, after = output.partition("TASK [Refused]")
    assert (status, is_last) == (2, "TASK [Refused]"), output
    assert "FAILED - RETRYING" in shown
    assert "fatal" not in shown
    assert "It is wrong" in after
    assert "FAILED - RETRYING" not in after
    assert len(haplo.sent("outcome")) > 6


# Secrets.


@pytest.fixture
def administrator(haplo: Haplo) -> None:
    """The key that is watched can read the pages."""
    keys = haplo.sandbox.settings()["haplo"]["keys"]
    path = "/do/haplo-data-import-batch/batch"
    haplo.sandbox.configure(
        "haplo", keys=[*keys, {"key": KEY, "user": "administrator", "path": path, "may_administer": True}]
    )


@pytest.mark.usefixtures("administrator")
def test_what_is_reported_says_nothing_of_the_key(haplo: Haplo) -> None:
    """Not even where it stands in a comment or a log."""
    with_a_url(haplo)
    sent(haplo, comment=f"with {KEY}")
    output = watched(haplo)
    assert told(json.loads(output)) == [(1, "complete", True, 1)]
    assert traces(output) == []
    basic = base64.b64encode(f"haplo:{KEY}".encode()).decode()
    assert haplo.sent("batches")[-1].header("authorization") == f"Basic {basic}"


@pytest.mark.usefixtures("quick_retries", "administrator")
@pytest.mark.parametrize("spelling", ["as it is", "as a header"])
def test_a_server_that_repeats_the_key_is_not_repeated(haplo: Haplo, spelling: str) -> None:
    echo = ECHOES[spelling]
    for status, kind in ((400, "text/plain"), (403, "application/json"), (200, "text/html"), (500, "text/plain")):
        body = f"<h1>Not with {echo(KEY)}</h1>" if status == 200 else f'{{"error": "Not with {echo(KEY)}"}}'
        haplo.sandbox.fault("status", operation="batches", times=4, status=status, content_type=kind, body=body)
        output = watched(haplo)
        haplo.sandbox.clear_faults()
        assert json.loads(output)["failed"]
        assert traces(output) == []
