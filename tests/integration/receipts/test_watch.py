# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch: each target that does not get its imports is red, with the reason, and no other is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted, now_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ...postgresql import ROLE, STRANGER, Server
from ...running import ROOT, run_module
from ...sandbox.handle import Sandbox
from ...stores import ask, new_store
from ..bigfix.driver import DataImports
from ..both_ways import make_action
from ..playbooks.driver import Ansible
from ..support import QUICK
from .past import HOUR, PastRuns, come_to, now

METRIC = re.compile(r'^\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)*\})? -?[0-9.e+]+$')
"""A line of Prometheus' text format."""


class Watch(PastRuns):
    """The watch of an inventory in this process."""

    def __init__(self, location: str, store: Store) -> None:
        super().__init__(location, store)
        self.extra_vars: dict[str, Any] = {}

    def left(
        self,
        label: str,
        state: str,
        ago: timedelta = HOUR,
        *,
        source: str = "/debug.log",
        system: str = "licstat",
        window: tuple[str, str] | None = None,
        dry_run: bool | None = None,
    ) -> str:
        """A run came as far as this with an import, so long ago. Its key."""
        key = self.new_key()
        options: dict[str, Any] = {"identity": "window", "from": window[0], "to": window[1]} if window else {}
        options = options if dry_run is None else {"dry_run": dry_run, "feed": None}
        one = Wanted(key, system, f"target of {label}", f"stream of {label}", source, 3, "5a" * 32, options)
        attempt = come_to(self.store, one, state, label=label)
        self.set_times(key, attempt, now() - ago, now() - ago)
        return key

    def __call__(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """What the watch finds."""
        variables = {**self.variables, "ansible_inventory_sources": ["/etc/assetops/inventory"], **self.extra_vars}
        options.setdefault("targets", [*self.hostvars])
        result: dict[str, Any] = make_action("import_watch", options, variables, check=check).run(task_vars=variables)
        assert not result.get("failed"), result["msg"]
        assert not result["changed"]
        json.dumps(result)
        return result

    def states(self, **options: Any) -> dict[str, str]:
        """The state of each target."""
        return {one["target"]: one["state"] for one in self(**options)["targets"]}

    def only(self, **options: Any) -> dict[str, Any]:
        """What is found of the one target."""
        (one,) = self(**options)["targets"]
        assert isinstance(one, dict)
        return one


@pytest.fixture
def watch(location: str, store: Store) -> Watch:
    return Watch(location, store)


@pytest.fixture
def local(local_store: tuple[str, Store]) -> Watch:
    """With an SQLite file only."""
    return Watch(*local_store)


def test_a_target_that_gets_its_imports_is_ok_and_healthy_ones_share_lines(watch: Watch) -> None:
    for name in ("cad", "cae", "cam"):
        watch.target(name)
        watch.left(name, "failed", 30 * HOUR)
        watch.left(name, "succeeded")
    watch.target("research", "haplo")
    watch.left("research", "scheduled", system="haplo")
    result = watch()
    assert result["failures"] == {}
    assert {one["state"] for one in result["targets"]} == {"ok"}
    assert len(result["table"]) == 4, result["table"]
    assert "All 4 targets" in result["summary"]
    cad = result["targets"][0]
    assert (cad["counts"], cad["problems"], cad["max_age"]) == ({"failed": 1, "succeeded": 1}, [], 93600)
    assert 3600 <= cad["age"] < 3700
    assert cad["last_success"].endswith("Z")


CASES: dict[str, tuple[list[tuple[str, timedelta]], str]] = {
    "never imported": ([], "never"),
    "never succeeded": ([("failed", HOUR)], "failed"),
    "too old": ([("succeeded", 27 * HOUR)], "old"),
    "just not too old": ([("succeeded", 25 * HOUR)], "ok"),
    "failed newest after success": ([("succeeded", 2 * HOUR), ("failed", HOUR)], "failed"),
    "incomplete newest": ([("succeeded", 2 * HOUR), ("incomplete", HOUR)], "incomplete"),
    "unknown newest": ([("succeeded", 2 * HOUR), ("unknown", HOUR)], "unknown"),
    "unknown, whatever came after": ([("unknown", 2 * HOUR), ("succeeded", HOUR)], "unknown"),
    "made up for": ([("failed", 2 * HOUR), ("incomplete", 2 * HOUR), ("succeeded", HOUR)], "ok"),
    "sent, and its run died": ([("succeeded", 2 * HOUR), ("sent", HOUR)], "unknown"),
    "claimed, and its run died": ([("succeeded", 2 * HOUR), ("claimed", HOUR)], "failed"),
    "not waited for": ([("succeeded", 2 * HOUR), ("submitted", HOUR)], "ok"),
    "not waited for, and nobody looked since": ([("succeeded", HOUR), ("submitted", 30 * HOUR)], "unknown"),
    "emptied": ([("superseded", HOUR)], "never"),
    "a little ahead": ([("succeeded", -timedelta(minutes=4))], "ok"),
    "ahead of the clock": ([("succeeded", -HOUR)], "ahead"),
    "ahead of the clock, and one that counts": ([("succeeded", HOUR), ("succeeded", -HOUR)], "ahead"),
}


def test_what_the_receipts_say_of_a_target(watch: Watch) -> None:
    for name, (imports, _state) in CASES.items():
        watch.target(name)
        for state, ago in imports:
            watch.left(name, state, ago)
    watch.have_ended()
    result = watch()
    found = {one["target"]: one["state"] for one in result["targets"]}
    assert found == {name: state for name, (_imports, state) in CASES.items()}
    assert {name.removesuffix(" (licstat)") for name in result["failures"]} == {
        name for name, state in found.items() if state != "ok"
    }
    assert "it failed" in result["failures"]["failed newest after success (licstat)"]
    assert "27 h ago; 26 h are allowed" in result["failures"]["too old (licstat)"]
    assert "a clock was wrong" in result["failures"]["ahead of the clock (licstat)"]
    assert watch.location in result["failures"]["never imported (licstat)"]


def test_a_dry_run_is_no_import(watch: Watch) -> None:
    """That one went well proves nothing, and one that did not misses nothing."""
    cases: dict[str, tuple[list[tuple[str, timedelta, bool]], str]] = {
        "imported": ([("succeeded", 2 * HOUR, True), ("succeeded", HOUR, False)], "ok"),
        "known with the key": ([("scheduled", 30 * HOUR, False), ("succeeded", HOUR, False)], "ok"),
        "tried only": ([("succeeded", HOUR, True)], "never"),
        "tried only, for days": ([("scheduled", 30 * HOUR, False), ("scheduled", HOUR, True)], "old"),
        "tried and found wrong": ([("succeeded", 2 * HOUR, False), ("incomplete", HOUR, True)], "ok"),
        "imported with errors": ([("succeeded", 2 * HOUR, True), ("incomplete", HOUR, False)], "incomplete"),
        "died while it was tried": ([("succeeded", 2 * HOUR, False), ("sent", HOUR, True)], "ok"),
        "died, and was tried since": ([("sent", 2 * HOUR, False), ("succeeded", HOUR, True)], "unknown"),
    }
    for name, (imports, _state) in cases.items():
        watch.target(name, "haplo")
        for state, ago, dry_run in imports:
            watch.left(name, state, ago, system="haplo", dry_run=dry_run)
    watch.have_ended()

    assert watch.states() == {name: state for name, (_imports, state) in cases.items()}


def test_failures_come_first_and_in_bounds(local: Watch) -> None:
    for number in range(40):
        local.target(f"good{number:02}")
        local.left(f"good{number:02}", "succeeded")
    local.target("bad")
    for number in range(7):
        local.left("bad", "unknown", source=f"/log.{number}")
    result = local()
    assert result["table"][1].startswith("bad ")
    assert len(result["table"]) < 14  # a long path of the store takes lines of its own
    assert "at least 2 more" in result["failures"]["bad (licstat)"]
    assert "1 of 41 targets" in result["summary"]


def test_what_is_unknown_is_not_hidden_by_much_that_came_later(watch: Watch) -> None:
    for name, state in {"known": "unknown", "died": "sent"}.items():
        watch.target(name)
        watch.left(name, state, 60 * HOUR)
        for hours in range(50, 43, -1):
            watch.left(name, "failed", hours * HOUR)
            watch.left(name, "succeeded", (hours - 43) * HOUR)
    watch.have_ended()
    result = watch()
    assert {one["target"]: one["state"] for one in result["targets"]} == {"known": "unknown", "died": "unknown"}
    assert {json.dumps(one["counts"]) for one in result["targets"]} == {'{"failed": 7, "succeeded": 7, "unknown": 1}'}
    assert "failed" not in json.dumps(result["failures"])


def test_what_a_living_run_is_at_is_waited_for(watch: Watch) -> None:
    watch.target("cad")
    watch.left("cad", "succeeded")
    for state in ("claimed", "sent", "submitted"):
        watch.left("cad", state, 30 * HOUR)
    assert watch.only()["state"] == "ok"


def test_an_earlier_success_counts_while_a_forced_attempt_came_to_nothing(watch: Watch) -> None:
    watch.target("cad")
    key = watch.left("cad", "succeeded")
    one = Wanted(key, "licstat", "target of cad", "stream of cad", "/debug.log", 3, "5a" * 32, {})
    assert watch.store.claim(one, watch.store.find([key])[key], now_text(), label="cad") == 2
    watch.have_ended()
    assert watch.only()["state"] == "ok"
    assert watch.only()["counts"] == {"succeeded": 1}


def test_targets_are_known_by_label_and_system(watch: Watch) -> None:
    watch.target("both")
    watch.target("both", "lm", lm_import_receipts=watch.location)
    watch.target("renamed", licstat_import_label="old name")
    watch.left("both", "succeeded")
    watch.left("old name", "succeeded")
    watch.left("renamed", "failed")
    found = {(one["target"], one["system"]): one["state"] for one in watch()["targets"]}
    assert found == {("both", "licstat"): "ok", ("both", "lm"): "never", ("renamed", "licstat"): "ok"}


def test_a_file_that_failed_is_made_up_for_by_the_same_file_and_not_by_another(watch: Watch) -> None:
    watch.target("cad")
    watch.left("cad", "failed", 2 * HOUR, source="/debug.log-20261124")
    watch.left("cad", "succeeded", HOUR, source="/debug.log-20261125")
    assert watch.only()["state"] == "failed"
    watch.left("cad", "succeeded", timedelta(), source="/debug.log-20261124")
    assert watch.only()["state"] == "ok"


def test_a_time_range_that_failed_is_made_up_for_by_one_around_it(watch: Watch) -> None:
    for name in ("yesterday", "since_last"):
        watch.target(name)
        watch.left(name, "failed", 30 * HOUR, window=("2026-11-23T00:00:00", "2026-11-23T23:59:59"))
    watch.left("yesterday", "succeeded", window=("2026-11-24T00:00:00", "2026-11-24T23:59:59"))
    watch.left("since_last", "succeeded", window=("2026-11-23T00:00:00", "2026-11-24T23:59:59"))
    result = watch()
    assert {one["target"]: one["state"] for one in result["targets"]} == {"yesterday": "failed", "since_last": "ok"}
    assert {one["window"]["to"] for one in result["targets"]} == {"2026-11-24T23:59:59"}
    assert "to 2026-11-24T23:59:59" in "\n".join(result["table"])


def test_what_is_settled_lets_a_target_be_well_again_but_makes_no_old_data_new(watch: Watch) -> None:
    watch.target("cad")
    key = watch.left("cad", "unknown", 30 * HOUR)
    assert watch.only()["state"] == "unknown"
    assert run_module("import_receipt", receipts=watch.location, key=key, state="succeeded")["changed"]
    assert watch.only()["state"] == "old"
    watch.left("cad", "succeeded")
    assert watch.only()["state"] == "ok"


def test_each_target_may_have_its_own_limits(watch: Watch) -> None:
    watch.target("daily")
    watch.target("weekly", import_watch_max_age="691200")
    watch.target("strict", import_watch_max_age=60)
    watch.target("wrong", import_watch_max_age="a week")
    watch.target("endless", import_watch_max_age="inf")
    watch.target("partly", import_watch_allow_incomplete=True)
    for name in ("daily", "weekly"):
        watch.left(name, "succeeded", 48 * HOUR)
    watch.left("strict", "succeeded")
    watch.left("partly", "incomplete")
    states = {"daily": "old", "weekly": "ok", "strict": "old", "wrong": "unread", "endless": "unread", "partly": "ok"}
    assert watch.states() == states
    assert watch.states(max_age=200000) == {**states, "daily": "ok"}


# Stores.


def test_stores_that_cannot_be_read_are_red_and_named(local: Watch, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("no database, but a text that is long enough to be looked at" * 20)
    elsewhere = str(tmp_path / "elsewhere.db")
    local.target("well")
    local.left("well", "succeeded")
    local.target("missing", licstat_import_receipts=elsewhere)
    local.target("broken", licstat_import_receipts=str(tmp_path / "broken.db"))
    local.target("relative", licstat_import_receipts="receipts.db")
    local.target("none", licstat_import_receipts="none")
    local.target("remote", licstat_import_run_on="host")
    local.target("secret", licstat_import_receipts="postgresql://me:geheim-42@db.example.com/x")
    local.target("default")
    del local.hostvars["default"]["licstat_import_receipts"]
    result = local()
    found = {one["target"]: one["state"] for one in result["targets"]}
    assert found == {name: "ok" if name == "well" else "unread" for name in found}
    missing = result["failures"]["missing (licstat)"]
    assert elsewhere in missing
    assert os.uname().nodename in missing
    assert "~/.ansible/assetops/receipts.db" in result["failures"]["default (licstat)"]
    assert "on the host itself" in result["failures"]["remote (licstat)"]
    assert "geheim-42" not in json.dumps(result)
    assert not Path(elsewhere).exists()


def test_the_environment_and_a_password_lead_to_the_store(
    local: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.target("cad")
    local.left("cad", "succeeded")
    del local.hostvars["cad"]["licstat_import_receipts"]
    monkeypatch.setenv("ASSETOPS_RECEIPTS", local.location)
    assert local.only()["state"] == "ok"
    local.hostvars["cad"]["licstat_import_receipts_password"] = "long enough"
    assert "receipts_password is of no use" in str(local.only()["problems"])


def test_the_store_is_only_read(local: Watch, tmp_path: Path) -> None:
    local.target("cad")
    local.left("cad", "sent")
    local.have_ended()
    before = Path(local.location).read_bytes()
    assert local.only()["state"] == "unknown"
    assert Path(local.location).read_bytes() == before


def test_a_role_of_the_database_that_may_only_read_is_enough(
    tmp_path: Path, request: pytest.FixtureRequest, postgresql: Server
) -> None:
    location = new_store("PostgreSQL", tmp_path, request)
    schema = location.rpartition("%3D")[2]
    with closing(open_store(location)) as store:
        watch = Watch(location, store)
        watch.target("cad", licstat_import_receipts=postgresql.url(STRANGER, schema=schema))
        watch.left("cad", "succeeded")
        admin = postgresql.url("postgres", ROLE, schema)
        ask(admin, f"GRANT USAGE ON SCHEMA {schema} TO {STRANGER}")
        assert watch.only()["state"] == "unread"
        ask(admin, f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {STRANGER}")
        assert watch.only()["state"] == "ok"
        watch.hostvars["cad"]["licstat_import_receipts"] = new_store("PostgreSQL", tmp_path, request)
        assert "There is no receipt store" in watch.only()["problems"][0]


def test_a_user_who_may_read_the_file_only_is_enough(local: Watch, tmp_path: Path) -> None:
    local.left("cad", "succeeded")
    script = """
from datetime import datetime, timezone
from tests.integration.unprivileged import give_up_privileges
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import NoStoreYet, open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import target_histories
give_up_privileges()
store = open_store({0!r}, read_only=True, make=False, required=True)
print(target_histories(store, {{("cad", "licstat"): ()}}, datetime.now(timezone.utc))["cad", "licstat"].last_success)
try:
    open_store({0!r} + ".lost", read_only=True, make=False, required=True)
except NoStoreYet as error:
    print(error.message)
"""
    Path(local.location).chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        command = [sys.executable, "-c", script.format(local.location)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    finally:
        tmp_path.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert re.match(rf"20\S+Z\nThere is no receipt store at {re.escape(local.location)}.lost ", done.stdout), (
        done.stdout
    )


def test_an_inventory_without_targets_is_red(local: Watch, tmp_path: Path) -> None:
    local.target("cad", "licstatt")
    file, metrics = tmp_path / "watch.json", tmp_path / "watch.prom"
    result = local(file=str(file), textfile=str(metrics))
    assert "nothing to watch" in result["failures"]["-"]
    assert "/etc/assetops/inventory" in result["summary"]
    assert "cad" in result["table"][-1]
    assert json.loads(file.read_text())["failures"] == result["failures"]
    assert "assetops_import_watch_targets 0.0\n" in metrics.read_text()


# Servers that are asked.


def test_bigfix_is_judged_by_its_own_status(bigfix: DataImports, local: Watch) -> None:
    server = {"bigfix_import_url": bigfix.url, "bigfix_import_token": bigfix.token, "import_watch_max_age": 3600}
    local.target("fresh", "bigfix", **server)
    assert local.only()["state"] == "never"
    assert bigfix(max_age=60)["changed"]
    bigfix.sandbox.clock(speed=1)
    requests = len(bigfix.sandbox.requests())
    local.left("fresh", "failed", 12 * HOUR, system="bigfix")  # the server has made up for it
    local.target("unasked", "bigfix", **server, import_watch_ask=False)
    local.target("wrong token", "bigfix", **{**server, "bigfix_import_token": "geheim-4711"})
    result = local()
    assert {one["target"]: one["state"] for one in result["targets"]} == {
        "fresh": "ok",
        "unasked": "never",
        "wrong token": "unasked",
    }
    assert "geheim-4711" not in json.dumps(result)
    assert {one.operation for one in bigfix.sandbox.requests()[requests:]} == {"status"}

    bigfix.sandbox.clock(step=7200)
    assert local.states()["fresh"] == "old"
    bigfix.configure(failures=1)
    bigfix.sandbox.clock(speed=QUICK)
    assert bigfix(max_age=60).get("failed")
    assert local.states()["fresh"] == "failed"


def test_while_an_import_runs_that_hides_the_last_one_the_receipts_are_believed(
    bigfix: DataImports, local: Watch
) -> None:
    server = {"bigfix_import_url": bigfix.url, "bigfix_import_token": bigfix.token}
    for name in ("known", "not known"):
        local.target(name, "bigfix", **server)
    local.left("known", "succeeded", system="bigfix")
    bigfix.sandbox.clock(speed=1)
    assert bigfix(max_age=60, wait=False)["state"] == "submitted"
    assert local.states() == {"known": "ok", "not known": "never"}


def test_a_metric_tool_that_cannot_be_reached_is_red_whatever_its_receipts_say(
    lmt: DataImports, local: Watch, quick_retries: None
) -> None:
    local.target("up", "lmt", bigfix_import_url=lmt.url, bigfix_import_token=lmt.token)
    local.target("down", "lmt", bigfix_import_url="https://127.0.0.1:9", bigfix_import_token=lmt.token)
    local.target("no address", "lmt", bigfix_import_token=lmt.token)
    for name in ("up", "down", "no address"):
        local.left(name, "succeeded", system="bigfix")
    assert lmt(max_age=60)["changed"]
    lmt.sandbox.clock(speed=1)
    result = local()
    assert {one["target"]: one["state"] for one in result["targets"]} == {
        "up": "ok",
        "down": "unasked",
        "no address": "unasked",
    }
    assert "127.0.0.1" in result["failures"]["down (bigfix)"]
    assert "environment variable LMT_URL" in result["failures"]["no address (bigfix)"]


def test_both_products_are_asked_with_what_the_environment_says_of_each(
    bigfix: DataImports, lmt: DataImports, local: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, server in (("BIGFIX", bigfix), ("LMT", lmt)):
        assert server(max_age=60)["changed"]
        monkeypatch.setenv(f"{name}_URL", server.url)
        monkeypatch.setenv(f"{name}_TOKEN", server.token)
        local.target(name, server.system)
        local.left(name, "succeeded", system="bigfix")
    bigfix.sandbox.clock(speed=1)
    assert local.states() == {"BIGFIX": "ok", "LMT": "ok"}


# Files.


def test_the_files_hold_what_was_found(local: Watch, tmp_path: Path) -> None:
    odd = 'a "b" \\ c\nd'
    for name in ("cad", odd):
        local.target(name)
        local.left(name, "succeeded")
    local.left(odd, "unknown")
    file, metrics = tmp_path / "out/watch.json", tmp_path / "out/watch.prom"
    file.parent.mkdir()
    assert local(file=str(file), textfile=str(metrics), check=True)["failures"]
    assert list(file.parent.iterdir()) == []
    metrics.write_text("old")
    metrics.chmod(0o600)
    umask = os.umask(0o077)
    try:
        result = local(file=str(file), textfile=str(metrics))
    finally:
        os.umask(umask)
    written = json.loads(file.read_text())
    assert (written["targets"], written["summary"]) == (result["targets"], result["summary"])
    assert sorted(path.name for path in file.parent.iterdir()) == ["watch.json", "watch.prom"]
    assert [path.stat().st_mode & 0o777 for path in (file, metrics)] == [0o644, 0o644]

    lines = metrics.read_text().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(METRIC.match(line) for line in samples), samples
    names = [line.split("{")[0].split(" ")[0] for line in samples]
    for name in dict.fromkeys(names):
        assert [line.split()[1] for line in lines if f" {name} " in line and line.startswith("#")] == ["HELP", "TYPE"]
    escaped = 'target="a \\"b\\" \\\\ c\\nd",system="licstat"'
    assert f"assetops_import_ok{{{escaped}}} 0.0" in samples
    assert 'assetops_import_ok{target="cad",system="licstat"} 1.0' in samples
    assert f'assetops_import_state{{{escaped},state="unknown"}} 1.0' in samples
    assert f'assetops_import_receipts{{{escaped},state="unknown"}} 1.0' in samples
    assert "assetops_import_watch_failures 1.0" in samples
    (age,) = [line for line in samples if line.startswith('assetops_import_age_seconds{target="cad"')]
    assert 3600 <= float(age.split()[-1]) < 3700


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"textfile": "/tmp/watch.txt"}, ".prom"),
        ({"textfile": "watch.prom"}, "absolute"),
        ({"file": "/nowhere/at/all.json"}, "/nowhere/at"),
        ({"file": "/tmp"}, "folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_looked_at(
    local: Watch, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(AnsibleActionFail, match=words):
        local(**options)


# By ansible-playbook.


class Site(Ansible):
    """An inventory with two license servers, and what an importing run left."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        sandbox.clock(speed=QUICK)
        self.inventory = folder / "inventory.json"
        variables = {"licstat_import_receipts": f"{self.store.parent}/{{{{ 'receipts' }}}}.db"}
        hosts = {"cad": {"licstat_import_receipts_password": "{{ omit }}"}, "cae": {"import_watch_max_age": 600}}
        children = {"licstat": {"hosts": hosts, "vars": variables}, "others": {"hosts": {"web": None}}}
        self.inventory.write_text(json.dumps({"all": {"children": children}}))

    def watch(self, *arguments: str, inventory: str | None = None) -> Any:
        return self.run("-i", inventory or str(self.inventory), "assetops.imports.watch", *arguments)


@pytest.mark.slow
def test_the_playbook_is_red_for_what_is_old_and_short_for_what_is_well(sandbox: Sandbox, tmp_path: Path) -> None:
    site = Site(sandbox, tmp_path)
    metrics = tmp_path / "assetops.prom"
    with closing(open_store(str(site.store))) as store:
        left = Watch(str(site.store), store)
        for name in ("cad", "cae"):
            left.left(name, "succeeded", HOUR)
        old = site.watch("-e", json.dumps({"import_watch_textfile": str(metrics), "import_watch_maxage": 1}))
        assert old.status != 0
        assert re.search(r"^cae +licstat +old ", old.output, re.MULTILINE), old.output
        assert re.search(r"^cad +licstat +ok ", old.output, re.MULTILINE), old.output
        assert "1 of 2 targets are not as they should be: cae (licstat)." in old.output
        assert "not watched: web" in old.output
        assert "no variable import_watch_maxage" in old.output
        assert "assetops_import_watch_failures 1.0" in metrics.read_text()
        well = site.watch("-e", "import_watch_max_age=93600")
        assert well.status == 0, well.output
        assert "All 2 targets get their imports." in well.output
        assert "cad  " not in well.output, well.output  # nothing for each target
    assert sandbox.requests() == []


@pytest.mark.slow
def test_a_misspelled_inventory_is_red(sandbox: Sandbox, tmp_path: Path) -> None:
    site = Site(sandbox, tmp_path)
    for done in (site.watch(inventory=str(tmp_path / "no such")), site.watch("--limit", "web")):
        assert done.status != 0
        assert "There is nothing to watch" in done.output


def test_it_has_to_run_as_an_action() -> None:
    assert "as an action" in run_module("import_watch", targets=[])["msg"]
