# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module returns."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import OutcomeUnknown, Refused
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import import_all
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import secrets_of
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store

from ..fakes import DIGEST, BeforeCommit, ScriptedSystem, seen
from ..other_run import wanted
from .modules import ANSWER, host


def imported(
    system: ScriptedSystem, names: str = "a", *, check: bool = False, diff: bool = False, **options: Any
) -> dict[str, Any]:
    """What a module returns that imports these into a store in the home folder."""
    made = host(check=check, diff=diff, receipts="~/receipts.db", **options)
    with closing(open_store("~/receipts.db", read_only=check)) as store:
        return import_all(made, store, secrets_of(made), system, [wanted(name) for name in names])


def test_a_success_is_reported_with_all_that_is_known(tmp_path: Path) -> None:
    result = imported(ScriptedSystem())
    (one,) = result.pop("imports")
    assert result == {
        "changed": True,
        "state": "succeeded",
        "receipts": {"store": str(tmp_path / "receipts.db"), "created": True},
    }
    times = {name: one.pop(name) for name in ("started_at", "finished_at", "duration")}
    assert one == {
        "source": "a",
        "target": "target",
        "content_sha256": DIGEST,
        "size": 3,
        "label": None,
        "period": None,
        "window": None,
        "key": "key of a",
        "remote_id": "task 1",
        "state": "succeeded",
        "changed": True,
        "reason": "new",
        "attempts": 1,
        "message": "",
        "server": {"state": "succeeded"},
    }
    assert times["started_at"] <= times["finished_at"]
    assert 0 < times["duration"] < 60


def test_a_second_run_is_reported_as_unchanged() -> None:
    imported(ScriptedSystem())
    result = imported(ScriptedSystem())
    assert (result["changed"], result["state"], result["receipts"]["created"]) == (False, "succeeded", False)
    assert "msg" not in result


def test_one_failure_is_reported_with_its_source_and_the_answer() -> None:
    result = imported(ScriptedSystem({"a": [Refused("Too large.", ANSWER)]}))
    assert result["msg"] == "a: Too large. Nothing was imported."
    assert (result["http_status"], result["response"]) == (413, "x" * 2000)
    assert (result["changed"], result["state"]) == (False, "failed")


def test_several_failures_are_each_told_by_name() -> None:
    system = ScriptedSystem({"a": [Refused("Too large.", ANSWER)], "c": [OutcomeUnknown("Lost.")]})
    result = imported(system, "abcd")
    assert result["msg"].startswith("2 of 4 imports did not end well. [a] Too large.")
    assert "[c] Lost." in result["msg"]
    assert (result["changed"], result["state"], result["http_status"]) == (True, "unknown", 413)
    assert [one["state"] for one in result["imports"]] == ["failed", "succeeded", "unknown", "succeeded"]


def test_failures_for_the_same_reason_are_reported_together() -> None:
    system = ScriptedSystem({name: [BeforeCommit(Refused("No room."))] for name in "abc"})
    assert imported(system, "abcd")["msg"].count("No room.") == 1


def test_a_failure_without_an_answer_is_reported_without() -> None:
    result = imported(ScriptedSystem({"a": [BeforeCommit(Refused("No."))]}))
    assert not {"http_status", "response"} & result.keys()


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (["succeeded", "succeeded"], "succeeded"),
        (["succeeded", "running"], "running"),
        (["running", "failed"], "failed"),
        (["failed", "incomplete"], "failed"),
        (["unknown", "failed"], "unknown"),
        (["scheduled", "succeeded"], "scheduled"),
    ],
)
def test_of_several_states_the_worst_is_that_of_the_task(states: list[str], worst: str) -> None:
    system = ScriptedSystem(sights={f"task {number}": [seen(state)] for number, state in enumerate(states, 1)})
    assert imported(system, "ab", wait_timeout=0)["state"] == worst


def test_without_waiting_there_is_no_end_yet() -> None:
    (one,) = imported(ScriptedSystem(), wait=False)["imports"]
    assert (one["state"], one["finished_at"], one["duration"]) == ("submitted", None, None)
    assert one["started_at"] is not None


def test_check_mode_tells_what_is_planned() -> None:
    result = imported(ScriptedSystem(), check=True)
    (one,) = result["imports"]
    assert (result["changed"], result["state"], one["state"], one["changed"]) == (True, "planned", "planned", True)
    assert (one["started_at"], one["finished_at"], one["remote_id"], one["attempts"]) == (None, None, None, 0)


def test_a_difference_is_reported_line_by_line() -> None:
    imported(ScriptedSystem(), "a")
    result = imported(ScriptedSystem({"c": [Refused("No.")]}), "abc", diff=True)
    assert result["diff"] == [
        {
            "before_header": "target",
            "after_header": "target",
            "before": "a: succeeded\nb: not imported\nc: not imported\n",
            "after": "a: succeeded\nb: succeeded\nc: failed\n",
        }
    ]
    assert "diff" not in imported(ScriptedSystem(), "a")
