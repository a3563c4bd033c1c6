# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run hands on: true, small, and with the failures first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.plugin_utils._artifacts import artifacts_of
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import RoleOutcome

ENTRY = {"state": "succeeded", "reason": "new", "remote_id": "import_1", "key": "57ad", "server": {"state": "SUCCESS"}}
GOOD = RoleOutcome("good", "licstat_import", "succeeded", imports=(ENTRY,))
FAILED = RoleOutcome(
    "bad", "licstat_import", "failed", imports=(ENTRY, {**ENTRY, "state": "failed", "key": "c0de"}), problem="Refused."
)


def artifacts(*outcomes: RoleOutcome) -> tuple[str, list[dict[str, Any]]]:
    found = artifacts_of(outcomes)
    return found["assetops_imports_summary"], found["assetops_imports"]


def test_the_line_counts_states_and_names_what_failed() -> None:
    many = [RoleOutcome(f"server{number:02}", "licstat_import", "succeeded") for number in range(27)]
    line, entries = artifacts(
        *many,
        FAILED,
        RoleOutcome("kim", "haplo_batch", "scheduled"),
        RoleOutcome("gone", state="unreachable", problem="Away."),
    )

    assert line == "30 targets: 27 succeeded, 1 scheduled, 1 failed (bad), 1 unreachable (gone)"
    assert [one["target"] for one in entries[:3]] == ["bad", "gone", "server00"]


def test_an_entry_has_the_import_that_ended_worst() -> None:
    _line, (entry,) = artifacts(FAILED)

    assert entry == {
        "target": "bad",
        "role": "licstat_import",
        "state": "failed",
        "reason": "new",
        "remote_id": "import_1",
        "key": "c0de",
        "url": None,
        "problem": "Refused.",
    }


def test_what_succeeded_and_could_not_be_put_away_counts_as_failed() -> None:
    line, _entries = artifacts(RoleOutcome("cad", "licstat_import", "succeeded", imports=(ENTRY,), problem="No space."))
    assert line == "1 target: 1 failed (cad)"


def test_a_target_of_two_roles_is_one_target() -> None:
    line, entries = artifacts(GOOD, RoleOutcome("good", "haplo_batch", "scheduled"))
    assert line == "1 target: 1 succeeded, 1 scheduled"
    assert len(entries) == 2


@pytest.mark.parametrize(
    ("errors", "words"), [((0,), "1 dry run ended, no errors"), ((2, 1), "2 dry runs ended, 3 errors")]
)
def test_the_line_says_how_dry_runs_ended(errors: tuple[int, ...], words: str) -> None:
    page = {"state": "dry-run", "url": "https://research.example.ac.uk/do/batch/2x"}
    batches = tuple({**ENTRY, "server": {**page, "errors": count}} for count in errors)
    line, (entry,) = artifacts(RoleOutcome("kim", "haplo_batch", "succeeded", imports=batches))

    assert line == f"1 target: 1 succeeded; {words}"
    assert entry["url"] == page["url"]


def test_no_address_is_handed_on_that_is_none_of_a_page() -> None:
    _line, (entry,) = artifacts(
        RoleOutcome("kim", "haplo_batch", "succeeded", imports=({**ENTRY, "server": {"url": "javascript:alert()"}},))
    )
    assert entry["url"] is None


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_both_stay_small_and_say_what_is_left_out(count: int) -> None:
    problem = "\x1b[2J" + "Refused. " * 200
    bad = [
        RoleOutcome(f"license-server-{number}.example.com", "licstat_import", state, imports=(ENTRY,), problem=problem)
        for number in range(count)
        for state in ("failed", "unknown", "unreachable", "running", "incomplete")
    ]
    line, entries = artifacts(GOOD, *bad)

    assert len(line) <= 300
    assert len(json.dumps(entries)) <= 64 * 1024
    assert ("are not in the list" in line) == (len(entries) <= len(bad)) == (count == 1000)
    assert "\x1b" not in json.dumps(entries, ensure_ascii=False)
