# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in doubt is listed, the oldest first, with what to ask the server, and settled by key or in bulk."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import receipt_by_key
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ...sandbox.handle import Sandbox
from ...stores import ask
from ..both_ways import make_action
from ..playbooks.driver import Ansible, without_spaces
from ..support import Licstat, only
from .past import HOUR
from .test_watch import Watch

UNKNOWN_KEY = "0" * 64


class Settle(Watch):
    """Settling in the stores of an inventory, in this process, and runs of before, which have left receipts."""

    def __call__(self, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """What is found, or done."""
        variables = {**self.variables, **self.extra_vars}
        options.setdefault("targets", [*self.hostvars])
        action = make_action("import_settle", options, variables, check=check, diff=diff)
        result: dict[str, Any] = action.run(task_vars=variables)
        json.dumps(result)
        return result

    def refused(self, *words: str, **options: Any) -> None:
        """It is refused in these words, and nothing is changed."""
        before = self.dump()
        with pytest.raises(AnsibleActionFail) as refusal:
            self(**options)
        for word in words:
            assert word in str(refusal.value)
        assert self.dump() == before

    def dump(self) -> list[tuple[Any, ...]]:
        """What the store knows."""
        return ask(self.location, "SELECT key, state, message, changed_at FROM attempts ORDER BY key")

    def states_now(self) -> dict[str, str]:
        """The state of each import."""
        return {str(key): str(state) for key, state, *_rest in self.dump()}


@pytest.fixture
def settle(location: str, store: Store) -> Settle:
    return Settle(location, store)


@pytest.fixture
def local(local_store: tuple[str, Store]) -> Settle:
    """With an SQLite file only."""
    return Settle(*local_store)


def keys_of(result: dict[str, Any]) -> list[str]:
    return [one["key"] for one in result["imports"]]


# Listing.


def test_what_is_in_doubt_is_listed_each_once_and_the_oldest_first(settle: Settle) -> None:
    settle.target("cad")
    settle.target("cae")
    settle.target("research", "haplo")
    new = settle.left("cad", "unknown", HOUR)
    old = settle.left("cae", "unknown", 90 * HOUR, window=("2026-11-20 00:00:00", "2026-11-21 23:59:59"))
    died = settle.left("research", "sent", 5 * HOUR, system="haplo")
    waiting = settle.left("cad", "submitted", 30 * HOUR)
    part = settle.left("library", "incomplete", 40 * HOUR, system="lm")
    for state in ("failed", "succeeded", "claimed", "superseded"):
        settle.left("cad", state)
    settle.have_ended()
    before = settle.dump()

    result = settle()

    assert keys_of(result) == [old, part, waiting, died, new]
    assert [one["state"] for one in result["imports"]] == ["unknown", "incomplete", "submitted", "unknown", "unknown"]
    assert (result["changed"], result["count"]) == (False, 5)
    assert "5 imports are in doubt, the oldest since" in result["summary"]
    assert 89 * 3600 < result["imports"][0]["age"] < 91 * 3600
    assert settle.dump() == before
    table = "\n".join(result["table"])
    assert max(len(line) for line in result["table"]) <= 80
    for key in keys_of(result):
        assert table.count(f"key {key}\n") == 1
    assert "from 2026-11-20 00:00:00 to 2026-11-21 23:59:59" in table.replace("\n    ", " ")
    assert "Is it in License Statistics?" in table
    assert "next run asks again" in table.replace("\n    ", " ")
    assert "import_settle_keys=KEY" in table
    asked = {one["key"]: one["question"] for one in result["imports"]}
    assert "schedules it again" in asked[died]
    assert "next run" not in asked[new]


def test_what_a_run_is_at_work_on_is_not_in_doubt(settle: Settle) -> None:
    settle.target("cad")
    settle.left("cad", "sent")
    key = settle.left("cad", "submitted")
    result = settle()
    assert result["imports"] == []
    assert result["summary"] == "No import is in doubt."
    many = settle(label="cad", state="failed")
    assert (many["changed"], many["table"]) == (False, [many["table"][0]])
    assert "Left out: 2, because a run is at work on it" in many["table"][0]
    settle.refused("A run is at work on", keys=key, state="failed")


def test_what_people_and_files_are_called_breaks_no_terminal(local: Settle) -> None:
    label = "the license server of the department"
    local.target("cad")
    local.left(label, "unknown", source="/logs/\x1b[2Jdebug log")
    lines = local()["table"]
    assert label in lines
    assert max(len(line) for line in lines) <= 80
    assert "\x1b" not in "".join(lines)


def test_filters_choose_and_stand_in_the_summary(settle: Settle) -> None:
    settle.target("cad")
    cad, _cae = settle.left("cad", "unknown", 3 * HOUR), settle.left("cae", "unknown", 3 * HOUR)
    lm = settle.left("lib", "unknown", HOUR, system="lm")
    for choice, found in (
        ({"label": "cad"}, [cad]),
        ({"target": "target of cad"}, [cad]),
        ({"system": "lm"}, [lm]),
        ({"label": "cda"}, []),
        ({"label": "cad", "older_than": 4 * 3600}, []),
        ({"keys": lm}, [lm]),
    ):
        assert keys_of(settle(**choice)) == found, choice
    assert "label cda" in settle(label="cda")["summary"]


def test_each_store_of_the_targets_is_read_once_and_one_that_cannot_be_is_a_failure(
    local: Settle, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with closing(open_store(str(other))) as store:
        there = Settle(str(other), store)
        local.target("cad")
        local.target("cae")
        local.target("lib", "lm", lm_import_receipts=str(other))
        ours, theirs = local.left("cad", "unknown", 2 * HOUR), there.left("lib", "unknown", HOUR, system="lm")
        assert keys_of(local()) == [ours, theirs] == ["key-1", "key-1"]
        assert [one["store"] for one in local()["imports"]] == [local.location, str(other)]

    local.target("lost", licstat_import_receipts=str(tmp_path / "lost.db"))
    result = local()
    assert result["failed"] is True
    assert "There is no receipt store at" in result["msg"]
    assert "lost" in result["msg"]
    assert len(result["imports"]) == 2
    local.refused("not all stores can be read", "lost.db", label="cad", state="failed")
    local.refused("no receipt with the key", "lost.db", keys=UNKNOWN_KEY, state="failed")
    assert not local(keys="key-1", state="failed").get("failed")


def test_in_a_job_of_awx_a_store_that_is_not_there_is_named_with_its_credential(local: Settle, tmp_path: Path) -> None:
    """An empty container does not mean that nothing is in doubt."""
    local.target("cad", licstat_import_receipts=str(tmp_path / "lost.db"))
    local.extra_vars["awx_job_id"] = 7
    watched = Watch.__call__(local)
    said = [local()["msg"], watched["failures"]["cad (licstat)"]]
    with pytest.raises(AnsibleActionFail) as refusal:
        local(keys="all", state="failed")
    for text in (*said, str(refusal.value)):
        assert "There is no receipt store at" in text
        assert "ASSETOPS_RECEIPTS" in text
        assert "'assetops.imports: Receipts'" in text


def test_without_a_target_or_a_store_there_is_nothing_to_look_at(local: Settle) -> None:
    local.refused("no host is in any of the groups", "import_settle_receipts")
    key = local.left("cad", "unknown")
    assert keys_of(local(receipts=local.location)) == [key]
    relative = local(receipts="relative.db")
    assert (relative["failed"], "relative.db" in relative["msg"]) == (True, True)


# Settling.


@pytest.mark.parametrize("form", ["{0}, {1}", " {0} {1}", "{0},\n\n{1};", "list"])
def test_keys_come_as_a_list_or_as_a_survey_gives_them(local: Settle, form: str) -> None:
    local.target("cad")
    one, two, other = (local.left("cad", "unknown") for _time in range(3))
    keys: Any = [one, two] if form == "list" else form.format(one, two)

    result = local(keys=keys, state="succeeded", comment="They are there.")

    assert (result["changed"], result["count"]) == (True, 2)
    assert local.states_now() == {one: "succeeded", two: "succeeded", other: "unknown"}
    known = receipt_by_key(local.store, one)
    assert known is not None
    assert known["message"].endswith("They are there.")
    assert "2 imports were settled as succeeded" in result["summary"]
    again = local(keys=keys, state="succeeded")
    assert (again["changed"], again["count"]) == (False, 0)


def test_many_are_settled_by_what_they_have_in_common_as_check_mode_and_diff_foretell(settle: Settle) -> None:
    settle.target("cad")
    first, second = settle.left("cad", "unknown"), settle.left("cad", "incomplete")
    other = settle.left("cae", "unknown")
    before = settle.dump()

    planned = settle(label="cad", state="failed", check=True, diff=True)
    assert settle.dump() == before
    assert "would be settled as failed" in planned["summary"]
    assert f"({first}): unknown\n" in planned["diff"]["before"]
    assert f"({first}): failed\n" in planned["diff"]["after"]

    done = settle(label="cad", state="failed", diff=True)
    assert done["diff"] == planned["diff"]
    assert done["changed"] is planned["changed"] is True
    assert settle.states_now() == {first: "failed", second: "failed", other: "unknown"}
    assert settle(label="cad", state="failed")["changed"] is False

    assert settle(keys="all", state="absent")["count"] == 1
    assert settle.states_now() == {first: "failed", second: "failed"}


def test_a_key_that_nobody_knows_is_named_and_nothing_is_settled(local: Settle) -> None:
    local.target("cad")
    key = local.left("cad", "unknown")
    local.refused(UNKNOWN_KEY, local.location, "Nothing was settled", keys=[key, UNKNOWN_KEY], state="succeeded")
    local.refused("Nothing was settled", keys=UNKNOWN_KEY)
    ask(local.location, "UPDATE attempts SET state = 'succeeded'")
    local.refused("cannot be settled otherwise", keys=key, state="failed")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": "failed"}, "Which imports are meant?"),
        ({"state": "failed", "older_than": 5}, "keys=all"),
        ({"state": "failed", "keys": "a", "label": "cad"}, "set either keys or filters"),
        ({"state": "failed", "keys": "all, a"}, "leave out either the other keys"),
        ({"state": "failed", "keys": " ,\n"}, "keys is empty"),
        ({"state": "failed", "label": " "}, "label is empty"),
        ({"state": "absent", "label": "cad", "comment": "x"}, "comment can only be used with"),
        ({"comment": "x"}, "comment can only be used with"),
        ({"state": "gone", "label": "cad"}, "state"),
        ({"system": "sap"}, "system"),
        ({"older_than": -1}, "older_than has to be"),
        ({"older_than": "nan"}, "older_than has to be"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_settled(local: Settle, options: dict[str, Any], words: str) -> None:
    local.target("cad")
    local.left("cad", "unknown")
    local.refused(words, **options)


# As users run it.


@pytest.mark.slow
def test_the_message_of_an_unknown_import_leads_to_the_playbook_that_settles_it(
    licstat: Licstat, log: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.fault("drop", operation="import", when="after_work")
    result = licstat(log, label="cad")
    key = only(result)["key"]
    assert result["state"] == "unknown"
    assert f"assetops.imports.settle, import_settle_keys={key} and import_settle_state=succeeded" in result["msg"]

    ansible = Ansible(sandbox, tmp_path)
    inventory = tmp_path / "inventory.json"
    target = {"cad": {"licstat_import_receipts": str(licstat.store)}}
    inventory.write_text(json.dumps({"licstat": {"hosts": target}}))
    command = ["-i", str(inventory), "assetops.imports.settle"]
    survey = json.dumps(dict.fromkeys(("import_settle_label", "import_settle_state", "import_settle_comment"), ""))

    list_receipts = ansible.run(*command, "-e", survey)
    assert list_receipts.status == 0, list_receipts.output
    assert key in list_receipts.output
    assert "1 import is in doubt" in list_receipts.output

    chosen = {"import_settle_keys": key, "import_settle_state": "succeeded", "import_settle_key": "x"}
    settled = ansible.run(*command, "-e", json.dumps(chosen))
    assert settled.status == 0, settled.output
    assert settled.recap()["changed"] == 1
    assert without_spaces("Did you mean import_settle_keys?") in without_spaces(settled.output)
    assert (only(licstat(log))["state"], only(licstat(log))["reason"]) == ("succeeded", "receipt")
