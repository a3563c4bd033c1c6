# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do with receipts: list them, settle one that is in doubt, forget what is not needed any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted, as_text, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store, open_store

from ..running import run_module
from ..stores import KINDS, ask, new_store
from .support import Licstat


def wanted(name: str, *, system: str = "licstat", target: str = "target") -> Wanted:
    return Wanted(f"key of {name}", system, target, "stream", f"/{name}", 3, "5a" * 32, {"gather": ["usage"]})


@dataclass
class Runs:
    """Runs of before, whose receipts are there, and the modules that deal with them."""

    location: str
    store: Store

    def left(self, name: str, state: str, *, remote_id: str | None = None, **of_what: Any) -> int:
        """A run came as far as this with an import. The number of its attempt."""
        one = wanted(name, **of_what)
        attempt = self.store.claim(one, self.store.find([one.key]).get(one.key), now_text())
        assert attempt is not None
        if state != "claimed":
            assert self.store.mark_sent(one.key, attempt, one.content_sha256)
        if state not in ("claimed", "sent"):
            self.store.record(
                one.key, attempt, state, f"it {state}", remote_id=remote_id, detail={"server": {"sts": state}}
            )
        return attempt

    def have_ended(self) -> None:
        """They are at work on nothing any more, whether they have come to an end or not."""
        ask(self.location, "DELETE FROM runs")

    def changed(self, name: str, ago: timedelta) -> None:
        """The receipt was changed so long ago."""
        then = as_text(datetime.now(timezone.utc) - ago)
        ask(self.location, "UPDATE attempts SET changed_at = ? WHERE key = ?", then, f"key of {name}")

    def info(self, **options: Any) -> dict[str, Any]:
        result = run_module("import_receipt_info", receipts=self.location, **options)
        assert not result.get("failed"), result["msg"]
        assert not result["changed"]
        return result

    def names(self, **options: Any) -> list[str]:
        return [one["source"][1:] for one in self.info(**options)["imports"]]

    def change(self, name: str, state: str, **options: Any) -> dict[str, Any]:
        return run_module("import_receipt", receipts=self.location, key=f"key of {name}", state=state, **options)

    def forget(self, **options: Any) -> dict[str, Any]:
        return run_module("import_receipt", receipts=self.location, state="absent", **options)

    def state(self, name: str) -> str | None:
        found = self.info(key=f"key of {name}")["imports"]
        return found[0]["state"] if found else None


@pytest.fixture(params=KINDS)
def runs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Runs]:
    location = new_store(request.param, tmp_path, request)
    with closing(open_store(location)) as store:
        yield Runs(location, store)


# Listing.


def test_a_receipt_is_told_with_all_that_is_known(runs: Runs) -> None:
    runs.left("a", "succeeded", remote_id="task 1")
    result = runs.info()
    (one,) = result["imports"]
    times = [one.pop(name) for name in ("started_at", "changed_at", "finished_at")]
    assert times == sorted(times)
    assert one == {
        "key": "key of a",
        "system": "licstat",
        "target": "target",
        "source": "/a",
        "size": 3,
        "content_sha256": "5a" * 32,
        "label": None,
        "period": None,
        "window": None,
        "options": {"gather": ["usage"]},
        "state": "succeeded",
        "remote_id": "task 1",
        "message": "it succeeded",
        "server": {"sts": "succeeded"},
        "attempt": 1,
        "attempts": 1,
        "owner": None,
    }
    assert result["counts"] == {"succeeded": 1}
    assert result["receipts"] == {"store": runs.location, "created": False}


def test_the_newest_come_first_and_no_more_than_asked_for(runs: Runs) -> None:
    for minutes, name in enumerate("abcd"):
        runs.left(name, "succeeded")
        runs.changed(name, timedelta(minutes=minutes))
    assert runs.names() == ["a", "b", "c", "d"]
    assert runs.names(limit=2) == ["a", "b"]
    assert runs.info(limit=0)["imports"] == []
    assert runs.info(limit=0)["counts"] == {"succeeded": 4}


def test_filters_go_together(runs: Runs) -> None:
    runs.left("a", "succeeded")
    runs.left("b", "failed", target="elsewhere")
    runs.left("c", "succeeded", system="bigfix")
    runs.left("d", "unknown", target="elsewhere")
    runs.changed("d", timedelta(days=2))
    assert runs.names(key="key of b") == ["b"]
    assert runs.names(system="bigfix") == ["c"]
    assert sorted(runs.names(target="elsewhere")) == ["b", "d"]
    assert runs.names(source="/a") == ["a"]
    assert sorted(runs.names(state=["failed", "unknown"])) == ["b", "d"]
    yesterday = as_text(datetime.now(timezone.utc) - timedelta(days=1))
    assert sorted(runs.names(since=yesterday)) == ["a", "b", "c"]
    assert runs.names(since=yesterday, target="elsewhere") == ["b"]
    assert runs.info(target="elsewhere", limit=1)["counts"] == {"unknown": 1, "failed": 1}
    assert runs.info(state=["failed"])["counts"] == {"failed": 1}
    assert runs.names(key="nobody's") == []


def test_what_a_dead_run_left_is_told_as_the_next_run_will_take_it(runs: Runs) -> None:
    runs.left("sent", "sent")
    runs.left("claimed", "claimed")
    runs.left("forced", "succeeded", remote_id="task 1")
    runs.left("forced", "claimed")
    living = {"sent": "sent", "claimed": "claimed", "forced": "claimed"}
    assert {one["source"][1:]: one["state"] for one in runs.info()["imports"]} == living
    assert all(one["owner"]["pid"] for one in runs.info()["imports"])
    assert runs.info()["counts"] == {"claimed": 2, "sent": 1}
    assert runs.names(state=["unknown"]) == []

    runs.have_ended()

    dead = {"sent": "unknown", "claimed": "failed", "forced": "succeeded"}
    assert {one["source"][1:]: one["state"] for one in runs.info()["imports"]} == dead
    assert runs.info()["counts"] == {"unknown": 1, "failed": 1, "succeeded": 1}
    assert runs.names(state=["unknown"]) == ["sent"]
    assert runs.names(state=["sent", "claimed"]) == []
    (forced,) = runs.info(source="/forced")["imports"]
    assert (forced["remote_id"], forced["attempt"], forced["attempts"]) == ("task 1", 1, 2)


def test_all_that_a_filter_lets_through_are_found_behind_those_that_turn_out_to_be_others(runs: Runs) -> None:
    for name in "abcd":
        runs.left(name, "unknown")
        runs.changed(name, timedelta(hours=1))
    for name in "efgh":
        runs.left(name, "sent")
    assert sorted(runs.names(state=["unknown"], limit=3)) == ["b", "c", "d"]


def test_the_history_has_all_attempts(runs: Runs) -> None:
    runs.left("a", "failed")
    runs.left("a", "succeeded", remote_id="task 2")
    runs.left("b", "succeeded")
    one = runs.info(history=True, source="/a")["imports"][0]
    assert [(attempt["attempt"], attempt["state"], attempt["remote_id"]) for attempt in one["history"]] == [
        (1, "failed", None),
        (2, "succeeded", "task 2"),
    ]
    assert "history" not in runs.info()["imports"][0]


def test_where_there_is_no_store_there_are_no_receipts_and_none_is_made(tmp_path: Path) -> None:
    location = tmp_path / "none.db"
    result = run_module("import_receipt_info", receipts=str(location))
    assert (result["imports"], result["counts"]) == ([], {})
    assert run_module("import_receipt", receipts=str(location), state="absent", key="key")["changed"] is False
    assert run_module("import_receipt", receipts=str(location), state="absent", older_than=1)["changed"] is False
    assert not location.exists()
    needed: dict[str, Any] = {"receipts": str(location), "require_receipts": True}
    for refused in (
        run_module("import_receipt_info", **needed),
        run_module("import_receipt", state="absent", key="key", **needed),
    ):
        assert "There is no receipt store" in refused["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"since": "yesterday"}, "since"), ({"since": "2026-11-22T03:00:00"}, "offset"), ({"limit": -1}, "limit")],
)
def test_a_filter_that_cannot_be_is_an_error_in_words(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    assert words in run_module("import_receipt_info", receipts=str(tmp_path / "r.db"), **options)["msg"]


# Settling.


@pytest.mark.parametrize("state", ["succeeded", "failed"])
@pytest.mark.parametrize("left", ["unknown", "sent", "submitted", "incomplete"])
def test_what_is_in_doubt_can_be_settled(runs: Runs, left: str, state: str) -> None:
    runs.left("a", left, remote_id="task 1")
    runs.have_ended()
    before = "unknown" if left == "sent" else left

    planned = runs.change("a", state, check=True, diff=True)
    assert (planned["changed"], planned["before"], planned["state"]) == (True, before, state)
    assert (planned["diff"]["before"], planned["diff"]["after"]) == (f"{before}\n", f"{state}\n")
    assert runs.state("a") == before

    settled = runs.change("a", state, comment="I saw it.")
    assert (settled["changed"], settled["before"], settled["state"], settled["forgotten"]) == (True, before, state, 0)
    (one,) = runs.info()["imports"]
    assert (one["state"], one["message"].endswith("I saw it.")) == (state, True)
    assert f"it was {before}" in one["message"]
    assert one["finished_at"] is not None

    again = runs.change("a", state)
    assert (again["changed"], again["before"]) == (False, state)


@pytest.mark.parametrize(
    ("left", "state"), [("succeeded", "failed"), ("failed", "succeeded"), ("claimed", "succeeded")]
)
def test_what_is_not_in_doubt_cannot_be_settled_otherwise(runs: Runs, left: str, state: str) -> None:
    runs.left("a", left)
    runs.have_ended()
    for check in (True, False):
        refused = runs.change("a", state, check=check)
        assert refused["failed"]
        assert "not in doubt" in refused["msg"]
    assert runs.state("a") == ("failed" if left == "claimed" else left)


def test_an_earlier_success_counts_again_once_a_later_attempt_is_settled_as_failed(runs: Runs) -> None:
    runs.left("a", "succeeded", remote_id="task 1")
    runs.left("a", "unknown")
    assert runs.change("a", "failed")["state"] == "failed"
    assert runs.state("a") == "succeeded"


def test_what_nobody_imported_cannot_be_settled(runs: Runs) -> None:
    assert "no receipt" in runs.change("a", "succeeded")["msg"]


@pytest.mark.parametrize("state", ["succeeded", "failed", "absent"])
@pytest.mark.parametrize("left", ["claimed", "sent", "submitted"])
def test_while_a_run_is_at_work_its_receipt_is_left_alone(runs: Runs, left: str, state: str) -> None:
    runs.left("a", left)
    for check in (True, False):
        refused = runs.change("a", state, check=check)
        assert refused["failed"]
        assert "A run is at work" in refused["msg"]
    assert runs.state("a") == left


def test_a_settled_import_is_taken_as_settled_by_the_next_run(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("drop", operation="import", when="after_work")
    lost = licstat(log)
    assert lost["state"] == "unknown"
    key, store = lost["imports"][0]["key"], str(licstat.store)
    assert run_module("import_receipt", receipts=store, key=key, state="succeeded")["changed"]
    settled = licstat(log)
    assert (settled["state"], settled["changed"], settled["imports"][0]["reason"]) == ("succeeded", False, "receipt")
    assert run_module("import_receipt", receipts=store, key=key, state="absent")["changed"]
    assert licstat(log)["imports"][0]["reason"] == "new"


# Forgetting.


@pytest.mark.parametrize("left", ["claimed", "unknown", "submitted", "succeeded", "failed"])
def test_a_receipt_is_forgotten_with_its_history(runs: Runs, left: str) -> None:
    runs.left("a", "succeeded")
    runs.left("a", left)
    runs.left("b", "succeeded")
    runs.have_ended()
    planned = runs.change("a", "absent", check=True)
    assert (planned["changed"], planned["forgotten"]) == (True, 1)
    assert runs.state("a") is not None
    forgotten = runs.change("a", "absent")
    assert (forgotten["changed"], forgotten["state"], forgotten["forgotten"]) == (True, "absent", 1)
    assert runs.names() == ["b"]
    assert ask(runs.location, "SELECT count(*) FROM attempts") == [(1,)]
    assert runs.change("a", "absent")["changed"] is False


def test_what_is_over_and_old_is_forgotten(runs: Runs) -> None:
    states = ("claimed", "sent", "submitted", "unknown", "incomplete", "succeeded", "scheduled", "failed")
    for age in ("old", "new"):
        for state in states:
            runs.left(f"{age} {state}", state)
            runs.changed(f"{age} {state}", timedelta(days=400 if age == "old" else 300))
    year = 365 * 24 * 3600
    planned = runs.forget(older_than=year, check=True, diff=True)
    assert (planned["changed"], planned["forgotten"]) == (True, 3)
    assert len(runs.names()) == 2 * len(states)
    assert runs.forget(older_than=year)["forgotten"] == 3
    left = {f"old {state}" for state in states} - {"old succeeded", "old scheduled", "old failed"}
    assert set(runs.names()) == left | {f"new {state}" for state in states}
    again = runs.forget(older_than=year)
    assert (again["changed"], again["forgotten"]) == (False, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": "absent"}, "older_than"),
        ({"state": "absent", "key": "key", "older_than": 1}, "mutually exclusive"),
        ({"state": "failed", "older_than": 1}, "state=absent only"),
        ({"state": "absent", "older_than": -1}, "older_than"),
        ({"state": "absent", "older_than": 1e12}, "older_than"),
    ],
)
def test_options_that_do_not_go_together_are_an_error_in_words(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    assert words in run_module("import_receipt", receipts=str(tmp_path / "r.db"), **options)["msg"]
