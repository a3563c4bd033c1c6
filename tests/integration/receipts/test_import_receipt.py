# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do with receipts: list them, settle one that is in doubt, forget what is not needed any more."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Wanted, as_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts import listing, settling
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.modules import import_receipt

from ...running import run_module
from ...stores import ask
from ..support import Licstat
from .past import come_to, now


def wanted(name: str, *, system: str = "licstat", target: str = "target") -> Wanted:
    return Wanted(f"key of {name}", system, target, "stream", f"/{name}", 3, "5a" * 32, {"gather": ["usage"]})


@dataclass
class Runs:
    """Runs of before, whose receipts are there, and the modules that deal with them."""

    location: str
    store: Store

    def left(
        self, name: str, state: str, *, remote_id: str | None = None, label: str | None = None, **of_what: Any
    ) -> int:
        """A run came as far as this with an import. The number of its attempt."""
        detail = {"server": {"sts": state}}
        return come_to(self.store, wanted(name, **of_what), state, remote_id=remote_id, label=label, detail=detail)

    def have_ended(self) -> None:
        """They are at work on nothing any more, whether they have come to an end or not."""
        ask(self.location, "DELETE FROM runs")

    def changed(self, name: str, ago: timedelta) -> None:
        """The receipt was changed so long ago."""
        ask(self.location, "UPDATE attempts SET changed_at = ? WHERE key = ?", as_text(now() - ago), f"key of {name}")

    def info(self, **options: Any) -> dict[str, Any]:
        result = run_module("import_receipt_info", receipts=self.location, **options)
        assert not result.get("failed"), result["msg"]
        assert not result["changed"]
        return result

    def names(self, **options: Any) -> list[str]:
        return [one["source"][1:] for one in self.info(**options)["imports"]]

    def change(self, name: str, state: str, **options: Any) -> dict[str, Any]:
        return run_module("import_receipt", receipts=self.location, key=f"key of {name}", state=state, **options)

    def change_many(self, state: str, **options: Any) -> dict[str, Any]:
        return run_module("import_receipt", receipts=self.location, state=state, **options)

    def forget(self, **options: Any) -> dict[str, Any]:
        return run_module("import_receipt", receipts=self.location, state="absent", **options)

    def state(self, name: str) -> str | None:
        found = self.info(key=f"key of {name}")["imports"]
        return found[0]["state"] if found else None


@pytest.fixture
def runs(location: str, store: Store) -> Runs:
    return Runs(location, store)


# Listing.


def test_a_receipt_is_listed_with_all_that_is_known(runs: Runs) -> None:
    runs.left("a", "succeeded", remote_id="task 1", label="cad")
    result = runs.info()
    (one,) = result["imports"]
    times = [one.pop(name) for name in ("started_at", "changed_at", "finished_at")]
    assert times == sorted(times)
    assert 0 <= one.pop("age") < 600
    assert one == {
        "key": "key of a",
        "system": "licstat",
        "target": "target",
        "source": "/a",
        "size": 3,
        "content_sha256": "5a" * 32,
        "label": "cad",
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


def test_pages_have_all_of_them_once_whatever_comes_meanwhile(runs: Runs) -> None:
    for hours, name in enumerate("abcdefg"):
        runs.left(name, "failed" if name in "bdf" else "succeeded")
        runs.changed(name, timedelta(hours=hours // 3))  # some at the same time
    for states in (None, ["failed", "succeeded"]):
        found, after = [], None
        while True:
            page = runs.info(limit=2, **({"state": states} if states else {}), **({"after": after} if after else {}))
            assert len(page["imports"]) <= 2
            assert sum(page["counts"].values()) >= 7
            found += [one["source"][1:] for one in page["imports"]]
            after = page["next"]
            if after is None:
                break
            runs.left(f"later {len(found)}", "succeeded")
        assert sorted(found) == [*"abcdefg"], states
        for count in range(2, 8, 2):
            runs.forget(key=f"key of later {count}")
    assert runs.info(limit=7)["next"] is None
    (one,) = runs.info(limit=1, after=runs.info(limit=6)["next"])["imports"]
    assert one["age"] >= 2 * 3600


def test_filters_go_together(runs: Runs) -> None:
    runs.left("a", "succeeded")
    runs.left("b", "failed", target="elsewhere", label="cad")
    runs.left("c", "succeeded", system="bigfix")
    runs.left("d", "unknown", target="elsewhere")
    runs.changed("d", timedelta(days=2))
    assert runs.names(key="key of b") == ["b"]
    assert runs.names(system="bigfix") == ["c"]
    assert sorted(runs.names(target="elsewhere")) == ["b", "d"]
    assert runs.names(label="cad") == ["b"]
    assert runs.names(source="/a") == ["a"]
    assert sorted(runs.names(state=["failed", "unknown"])) == ["b", "d"]
    yesterday = as_text(now() - timedelta(days=1))
    assert sorted(runs.names(since=yesterday)) == ["a", "b", "c"]
    assert runs.names(since=yesterday, target="elsewhere") == ["b"]
    assert runs.names(until=yesterday) == ["d"]
    assert runs.info(until=yesterday)["counts"] == {"unknown": 1}
    assert runs.info(target="elsewhere", limit=1)["counts"] == {"unknown": 1, "failed": 1}
    assert runs.info(state=["failed"])["counts"] == {"failed": 1}
    assert runs.names(key="nobody's") == []


def test_what_a_dead_run_left_is_listed_as_the_next_run_will_take_it(runs: Runs) -> None:
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
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-22T03:00:00"}, "offset"),
        ({"until": "tomorrow"}, "until"),
        ({"since": "2026-11-22T03:00:00Z", "until": "2026-11-22T03:00:00Z"}, "later than since"),
        ({"limit": -1}, "limit"),
        ({"after": "2026-11-22T03:00:00Z"}, "next of a result"),
        ({"after": "yesterday 5a"}, "after"),
    ],
)
def test_a_filter_that_cannot_be_is_an_error_in_words(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    assert words in run_module("import_receipt_info", receipts=str(tmp_path / "r.db"), **options)["msg"]


# Settling.


@pytest.mark.parametrize(
    ("left", "state"),
    [
        *(("unknown", "succeeded"), ("unknown", "failed"), ("sent", "succeeded"), ("submitted", "failed")),
        *(("incomplete", "succeeded"), ("failed", "succeeded"), ("failed", "failed"), ("claimed", "succeeded")),
    ],
)
def test_what_is_in_doubt_or_failed_can_be_settled(runs: Runs, left: str, state: str) -> None:
    runs.left("a", left, remote_id="task 1")
    runs.have_ended()
    before = {"sent": "unknown", "claimed": "failed"}.get(left, left)
    if before == state:
        assert runs.change("a", state)["changed"] is False
        return
    runs.changed("a", timedelta(days=7))
    (seen,) = runs.info()["imports"]

    planned = runs.change("a", state, check=True, diff=True)
    assert (planned["changed"], planned["before"], planned["state"]) == (True, before, state)
    assert (planned["diff"]["before"], planned["diff"]["after"]) == (f"{before}\n", f"{state}\n")
    assert runs.state("a") == before

    settled = runs.change("a", state, comment="I saw it.")
    assert (settled["changed"], settled["before"], settled["state"], settled["forgotten"]) == (True, before, state, 0)
    assert settled["settled"] == 1
    (one,) = runs.info()["imports"]
    assert (one["state"], one["message"].endswith("I saw it.")) == (state, True)
    assert f"it was {before}" in one["message"]
    assert one["finished_at"] == (seen["finished_at"] or seen["changed_at"])  # old data does not become new
    assert one["changed_at"] > seen["changed_at"]

    again = runs.change("a", state)
    assert (again["changed"], again["before"]) == (False, state)


@pytest.mark.parametrize("left", ["succeeded", "scheduled"])
def test_what_is_not_in_doubt_cannot_be_settled_otherwise(runs: Runs, left: str) -> None:
    runs.left("a", left)
    runs.have_ended()
    for check in (True, False):
        refused = runs.change("a", "failed", check=check)
        assert refused["failed"]
        assert "not in doubt" in refused["msg"]
    assert runs.state("a") == left


def test_what_was_never_sent_and_is_settled_as_succeeded_is_the_newest_of_its_stream(runs: Runs) -> None:
    runs.left("a", "succeeded")
    runs.left("b", "claimed")
    runs.have_ended()
    assert runs.change("b", "succeeded")["changed"]
    assert runs.store.newest_of("stream") == ("key of b", 1)


def test_an_earlier_success_counts_again_once_a_later_attempt_is_settled_as_failed(runs: Runs) -> None:
    runs.left("a", "succeeded", remote_id="task 1")
    runs.left("a", "unknown")
    assert runs.change("a", "failed")["state"] == "failed"
    assert runs.state("a") == "succeeded"


def test_what_nobody_imported_cannot_be_settled(runs: Runs) -> None:
    assert "no receipt" in runs.change("a", "succeeded")["msg"]


@pytest.mark.parametrize(
    ("left", "state"), [("claimed", "succeeded"), ("sent", "failed"), ("submitted", "failed"), ("sent", "absent")]
)
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


def at_two_targets(runs: Runs) -> None:
    """Imports in each state at two license servers, made by runs that are over."""
    states = ("claimed", "sent", "submitted", "unknown", "incomplete", "succeeded", "scheduled", "failed")
    for label in ("cad", "cae"):
        for state in states:
            runs.left(f"{label} {state}", state, label=label, target=f"target of {label}")
    runs.have_ended()


@pytest.mark.parametrize(
    ("state", "chosen"), [("succeeded", {"target": "target of cad"}), ("failed", {"label": "cad", "system": "licstat"})]
)
def test_all_that_is_in_doubt_at_a_target_is_settled_at_once(runs: Runs, state: str, chosen: dict[str, Any]) -> None:
    at_two_targets(runs)
    before = runs.info()["counts"]
    doubtful = {f"key of cad {left}": left.replace("sent", "unknown") for left in ("sent", "submitted", "unknown")}
    doubtful["key of cad incomplete"] = "incomplete"

    planned = runs.change_many(state, **chosen, check=True, diff=True)
    assert runs.info()["counts"] == before
    assert planned["diff"]["before"].count("\n") == planned["diff"]["after"].count(f": {state}\n") == 4
    settled = runs.change_many(state, **chosen, comment="I looked.")

    for result in (planned, settled):
        assert (result["changed"], result["settled"], result["forgotten"], result["at_work"]) == (True, 4, 0, [])
        assert {one["key"]: one["before"] for one in result["imports"]} == doubtful
        assert {(one["label"], one["target"], one["system"]) for one in result["imports"]} == {
            ("cad", "target of cad", "licstat")
        }
    assert {runs.state(f"cad {left}") for left in ("sent", "submitted", "unknown", "incomplete")} == {state}
    assert runs.state("cae unknown") == "unknown"
    assert runs.info(label="cad", state=[state])["imports"][0]["message"].endswith("I looked.")
    again = runs.change_many(state, **chosen)
    assert (again["changed"], again["settled"], again["imports"]) == (False, 0, [])


def test_what_failed_is_settled_only_when_it_is_named(runs: Runs) -> None:
    at_two_targets(runs)
    assert runs.change_many("succeeded", label="cad", of_state=["failed"])["settled"] == 2  # one died with its claim
    assert runs.info(label="cad")["counts"] == {
        "submitted": 1,
        "unknown": 2,
        "incomplete": 1,
        "succeeded": 3,
        "scheduled": 1,
    }


def test_what_a_run_is_at_work_on_is_left_out_of_many_and_named(runs: Runs) -> None:
    for state in ("claimed", "sent", "submitted", "unknown"):
        runs.left(state, state, label="cad")
    result = runs.change_many("failed", label="cad")
    assert [one["source"] for one in result["imports"]] == ["/unknown"]
    assert {one["source"][1:]: one["before"] for one in result["at_work"]} == {
        state: state for state in ("claimed", "sent", "submitted")
    }
    assert "3 imports were left out" in str(result["warnings"])
    assert runs.state("submitted") == "submitted"


def test_many_are_settled_by_age_and_named_up_to_a_bound(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_receipt, "SHOWN", 3)
    for number in range(8):
        runs.left(f"{number}", "unknown")
        runs.changed(f"{number}", timedelta(hours=number))
    result = runs.change_many("failed", system="licstat", older_than=3 * 3600 - 60, diff=True)
    assert (result["settled"], [one["source"] for one in result["imports"]]) == (5, ["/3", "/4", "/5"])
    assert "and 2 more" in result["diff"]["before"]
    assert sorted(runs.names(state=["unknown"])) == ["0", "1", "2"]


def test_none_is_settled_where_one_was_begun_anew_meanwhile(runs: Runs) -> None:
    at_two_targets(runs)
    with closing(open_store(runs.location)) as store:
        seen = listing.list_receipts(store, listing.Filters(states=("unknown",)), 10)
        runs.left("cad sent", "claimed")
        with pytest.raises(BadInput, match=r"began .* anew meanwhile"):
            settling.settle(store, seen, "failed", None)
        assert listing.count_by_state(store, listing.Filters(label="cae"))["unknown"] == 2


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


def test_what_is_over_at_a_target_is_forgotten_or_what_is_named(runs: Runs) -> None:
    at_two_targets(runs)
    planned = runs.forget(label="cad", check=True)
    forgotten = runs.forget(label="cad")
    for result in (planned, forgotten):
        assert (result["forgotten"], result["settled"]) == (3, 0)
        assert {one["before"] for one in result["imports"]} == {"succeeded", "scheduled", "failed"}
    assert runs.info(label="cad")["counts"] == {"submitted": 1, "unknown": 2, "incomplete": 1, "failed": 1}
    assert runs.forget(label="cad", of_state=["unknown", "failed"])["forgotten"] == 3
    assert runs.info(label="cad")["counts"] == {"submitted": 1, "incomplete": 1}
    assert sum(runs.info(label="cae")["counts"].values()) == 8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": "absent"}, "older_than"),
        ({"state": "absent", "of_state": ["failed"]}, "older_than"),
        ({"state": "succeeded"}, "Which imports"),
        ({"state": "failed", "older_than": 1}, "Which imports"),
        ({"state": "succeeded", "of_state": ["failed"]}, "Which imports"),
        ({"state": "absent", "key": "key", "older_than": 1}, "mutually exclusive"),
        ({"state": "failed", "key": "key", "label": "cad"}, "mutually exclusive"),
        ({"state": "failed", "label": ""}, "label is empty"),
        ({"state": "failed", "label": "cad", "of_state": ["succeeded"]}, "succeeded is not in doubt"),
        ({"state": "absent", "key": "key", "comment": "so"}, "comment"),
        ({"state": "absent", "older_than": -1}, "older_than"),
        ({"state": "absent", "older_than": 1e12}, "older_than"),
    ],
)
def test_options_that_do_not_go_together_are_an_error_in_words(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    assert words in run_module("import_receipt", receipts=str(tmp_path / "r.db"), **options)["msg"]
