# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: each night of each target as it was, all imports, in files that are put in place whole, or left alone."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import SIGNS

from ...running import run_module
from ...sandbox.handle import Sandbox
from ..both_ways import make_action
from ..playbooks.driver import Ansible
from ..playbooks.targets import unreachable
from ..support import QUICK, Logs
from .past import PastRuns, come_to

TODAY = datetime.now(timezone.utc).replace(hour=3, minute=0, second=0, microsecond=0)
LAST = TODAY - timedelta(days=1)
"""In the last night that is over, whatever time it is now."""
NIGHT = timedelta(days=1)
EVIL = "<script>alert(1)</script>\x1b[31m =1+1"


class Refused(Exception):
    """The report could not be written; why, in words."""


class Reports(PastRuns):
    """Reports in this process of an inventory."""

    def __init__(self, location: str, store: Store, folder: Path) -> None:
        super().__init__(location, store)
        self.folder = folder

    def left(
        self,
        label: str | None,
        state: str,
        nights: float = 0,
        *,
        source: str = "/debug.log",
        key: str | None = None,
        system: str = "licstat",
        **options: Any,
    ) -> str:
        """A run came as far as this with an import, so many nights before the last. Its key."""
        key = key or self.new_key()
        into = f"https://{label}.example.com/x"
        one = Wanted(key, system, into, f"stream of {label}", source, 3_456, "5a" * 32, options)
        said: dict[str, Any] = {"message": f"it {state} {EVIL}", "remote_id": f"task of {key}"}
        detail = {"notes": {"row": 7}} if system == "haplo" else {}
        attempt = come_to(self.store, one, state, label=label, detail=detail, **said)
        began = LAST - nights * NIGHT
        self.set_times(key, attempt, began, began + timedelta(seconds=90))
        return key

    def __call__(self, *names: str, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """The result of a report of the last ten nights that are over, in files of these names."""
        usual: dict[str, Any] = {
            "targets": [*self.hostvars],
            "timezone": "UTC",
            "since": "10d",
            "until": f"{LAST:%Y-%m-%d}",
        }
        if not self.groups["all"]:
            usual["receipts"] = self.location
        options = {**usual, "file": [str(self.folder / name) for name in names], **options}
        action = make_action("import_report", options, self.variables, check=check, diff=diff)
        result: dict[str, Any] = action.run(task_vars=self.variables)
        json.dumps(result)
        if result.get("failed"):
            raise Refused(result["msg"])
        return result

    def json(self, **options: Any) -> dict[str, Any]:
        """The report as JSON."""
        self("report.json", **options)
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return report

    def nights(self, **options: Any) -> dict[str, list[str]]:
        """How each night went, by target."""
        return {one["target"]: one["days"] for one in self.json(**options)["targets"]}


@pytest.fixture
def reports(location: str, store: Store, tmp_path: Path) -> Reports:
    return Reports(location, store, tmp_path)


@pytest.fixture
def local(local_store: tuple[str, Store], tmp_path: Path) -> Reports:
    """With an SQLite file only."""
    return Reports(*local_store, tmp_path)


# Nights.

WINDOW = {"identity": "window", "from": "2026-11-01T00:00:00"}
CASES: dict[str, tuple[list[tuple[Any, ...]], str]] = {
    # Imports, as (state, nights before the last, source); the last four nights.
    "every night": ([("succeeded", night) for night in range(12)], "++++"),
    "a hole": ([("succeeded", 0), ("succeeded", 2), ("succeeded", 3)], "++-+"),
    "stopped": ([("succeeded", 3)], "+---"),
    "stopped before": ([("succeeded", 30)], "----"),
    "began late": ([("succeeded", 1), ("succeeded", 0)], "..++"),
    "failed": ([("succeeded", 3), ("failed", 2), ("succeeded", 1), ("succeeded", 0)], "+F++"),
    "failed, then nothing": ([("succeeded", 3), ("failed", 2)], "+F--"),
    "made up for in the same night": ([("failed", 0.1), ("succeeded", 0)], "...+"),
    "another one of it failed": ([("failed", 0.1, "/other.log"), ("succeeded", 0)], "...F"),
    "unknown, whatever else came": ([("unknown", 0.1), ("succeeded", 0)], "...?"),
    "in part": ([("incomplete", 0)], "...i"),
    "not looked at": ([("submitted", 0)], "...r"),
    "emptied": ([("superseded", 0)], "...x"),
    "its run died": ([("sent", 0)], "...?"),
}


def test_each_night_of_each_target(reports: Reports) -> None:
    for name, (imports, _signs) in CASES.items():
        for state, nights, *source in imports:
            reports.left(name, state, nights, source=source[0] if source else "/debug.log")
    reports.have_ended()
    found = {name: "".join(SIGNS[night] for night in nights[-4:]) for name, nights in reports.nights().items()}
    assert found == {name: signs for name, (_imports, signs) in CASES.items()}
    reports("report.txt")
    text = (reports.folder / "report.txt").read_text()
    assert "\nfailed                   ......+F++\n" in text
    assert "\nmade up for in the same night\n                         .........+\n" in text
    assert "F failed" in text


def test_a_target_that_is_imported_weekly_has_no_holes_between(reports: Reports) -> None:
    for name in ("weekly", "by the inventory", "told"):
        reports.target(name)
        reports.left(name, "succeeded", 9)
        reports.left(name, "succeeded", 2)
    reports.hostvars["by the inventory"]["import_watch_max_age"] = 8 * 86400
    nights = reports.nights(max_ages={"told": 8 * 86400})
    assert nights["weekly"] == ["imported", *["missing"] * 6, "imported", "missing", "missing"]
    assert nights["by the inventory"] == ["imported", *["not due"] * 6, "imported", "not due", "not due"]
    assert nights["told"] == nights["by the inventory"]


def test_dry_runs_are_listed_and_are_no_imports(reports: Reports) -> None:
    reports.left("research", "scheduled", 1, system="haplo", dry_run=False)
    reports.left("research", "failed", 0, system="haplo", dry_run=True)
    report = reports.json()
    assert report["targets"][0]["days"][-2:] == ["scheduled", "missing"]
    assert [one["is_dry_run"] for one in report["imports"]] == [True, False]
    assert (report["failures"], report["counts"]) == ([], {"scheduled": 1})
    assert report["imports"][0]["url"] == "https://research.example.com/x/do/haplo-data-import-batch/batch/7"


def test_what_failed_is_reported_until_it_is_made_up_for(reports: Reports) -> None:
    reports.left("cad", "failed", 3)
    reports.left("cad", "succeeded", 2)
    reports.left("cae", "failed", 3, source="/other.log")
    reports.left("cae", "succeeded", 2)
    reports.left("cam", "unknown", 3)
    reports.left("cam", "succeeded", 2)
    reports.left("window", "failed", 3, **WINDOW, to="2026-11-02T00:00:00")
    reports.left("window", "succeeded", 2, **WINDOW, to="2026-11-03T00:00:00")
    reports.left("lost window", "failed", 3, **WINDOW, to="2026-11-02T00:00:00")
    reports.left("lost window", "succeeded", 2, identity="window", **{"from": "2026-11-02", "to": "2026-11-03"})
    reports.left("again", "failed", 3, key="the same")
    reports.left("again", "succeeded", 2, key="the same")
    failures = {one["target"]: one["state"] for one in reports()["failures"]}
    assert failures == {"cae": "failed", "cam": "unknown", "lost window": "failed"}
    (again,) = (one for one in reports.json()["imports"] if one["target"] == "again")
    assert [one["state"] for one in again["attempts"]] == ["failed", "succeeded"]


# Of what.


def test_it_is_of_the_nights_the_system_the_target_and_the_label_that_are_asked_for(reports: Reports) -> None:
    reports.left("cad", "succeeded", 5)
    reports.left("cad", "succeeded", 3)
    reports.left("cae", "failed", 3)
    reports.left("research", "scheduled", 3, system="haplo", dry_run=False)

    def found(**options: Any) -> list[str]:
        return sorted(one["target"] for one in reports.json(**options)["imports"])

    assert found() == ["cad", "cad", "cae", "research"]
    assert found(since="2d") == []
    day = f"{LAST - 3 * NIGHT:%Y-%m-%d}"
    assert found(since=day, until=day) == ["cad", "cae", "research"]
    assert found(until=f"{LAST - 4 * NIGHT:%Y-%m-%d}") == ["cad"]
    assert found(system="haplo") == ["research"]
    assert found(label="cad") == ["cad", "cad"]
    assert found(target="https://cae.example.com/x") == ["cae"]
    assert reports(label="nobody")["summary"] == "Nothing is known to be wrong. 0 targets, 0 imports: none."


def test_every_store_of_the_inventory_is_read_once_and_one_that_cannot_be_is_named(
    local: Reports, tmp_path: Path
) -> None:
    local.target("cad")
    local.target("cae", licstat_import_receipts=f"{tmp_path}/./receipts.db")
    local.left("cad", "succeeded")
    other = tmp_path / "other.db"
    with closing(open_store(str(other))) as store:
        Reports(str(other), store, tmp_path).left("cam", "failed")
    local.target("cam", licstat_import_receipts=str(other))
    result = local("all.csv")
    assert result["unread"] == []
    with (tmp_path / "all.csv").open(newline="") as file:
        assert sorted(row["target"] for row in csv.DictReader(file)) == ["cad", "cam"]

    local.target("lost", licstat_import_receipts=str(tmp_path / "lost.db"))
    local.target("none", licstat_import_receipts="none")
    local.target("there", licstat_import_run_on="host")
    lost = local("all.txt")["unread"]
    assert len(lost) == 3
    assert "none keeps no receipts" in lost[0]
    assert lost[1].startswith("there: Its receipts are in a file on the host itself")
    assert "There is no receipt store at" in lost[2]
    assert (tmp_path / "all.txt").read_text().count("NOT READ") == 3
    assert local("all.txt", receipts=local.location)["unread"] == []


def test_a_target_of_the_inventory_without_any_import_is_reported_for_the_night_that_is(local: Reports) -> None:
    local.target("cad")
    local.target("cae", licstat_import_label="CAE")
    local.left("cad", "succeeded")
    assert local()["failures"] == []  # nobody knows whether it was there then
    tomorrow = f"{TODAY + 2 * NIGHT:%Y-%m-%d}"
    (never,) = local(since="3d", until=tomorrow, max_ages={"cad": 10**6})["failures"]
    assert (never["target"], never["state"]) == ("CAE", "never")


# Files.


def test_a_report_that_is_there_already_is_left_alone_and_check_mode_writes_nothing(reports: Reports) -> None:
    reports.left("cad", "succeeded", 1)
    reports.left("cad", "failed")
    names = ("report.html", "report.txt", "report.json", "report.csv")
    planned = reports(*names, check=True, diff=True)
    assert planned["changed"]
    assert not list(reports.folder.glob("report.*"))
    assert not list(reports.folder.glob(".report*"))
    assert len(planned["diff"]) == 4

    first = reports(*names)
    assert first["changed"]
    assert [one["format"] for one in first["files"]] == ["HTML", "text", "JSON", "CSV"]
    written = {name: (reports.folder / name).read_bytes() for name in names}
    assert all((reports.folder / name).stat().st_mode & 0o777 == 0o640 for name in names)
    for again in (reports(*names), reports(*names, check=True, diff=True)):
        assert not again["changed"]
        assert "diff" not in again
    assert {name: (reports.folder / name).read_bytes() for name in names} == written

    reports.left("cad", "succeeded")
    later = reports("report.txt", "report.html", diff=True, mode="0644")
    assert later["changed"]
    assert "cad  succeeded" in later["diff"][0]["after"]
    assert (reports.folder / "report.txt").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in reports.folder.iterdir() if path.name.startswith((".", "report"))) == sorted(
        names
    )


def test_json_and_csv_have_all_imports_and_the_others_say_how_many_more_there_are(local: Reports) -> None:
    for number in range(7):
        local.left("cad", "failed", source=f"/debug.log.{number}")
    local("r.html", "r.txt", "r.json", "r.csv", limit=2)
    html, text = ((local.folder / name).read_text() for name in ("r.html", "r.txt"))
    assert text.count("... and 5 more") == 2
    assert html.count("... and 5 more") == 2
    assert len(json.loads((local.folder / "r.json").read_text())["imports"]) == 7
    with (local.folder / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    assert (rows[0]["size"], rows[0]["seconds"], rows[0]["is_dry_run"]) == ("3456", "90.0", "no")


def test_what_others_said_harms_neither_browser_nor_spreadsheet_nor_terminal(local: Reports) -> None:
    local.left(EVIL, "failed", source='=HYPERLINK("http://evil")')
    local.left("@cad", "failed", source='/"><img src=x onerror=y>')
    local("r.html", "r.txt", "r.csv")
    html, text, table = ((local.folder / name).read_text() for name in ("r.html", "r.txt", "r.csv"))
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    for content in (html, text, table):
        assert "\x1b" not in content
    with (local.folder / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} == {'\'=HYPERLINK("http://evil")', '/"><img src=x onerror=y>'}
    assert "'@cad" in {row["target"] for row in rows}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "relative": ({"file": ["report.html"]}, "no absolute path"),
    "ending": ({"file": ["/tmp/report.pdf"]}, "does not end in one of .txt, .json, .csv, .html"),
    "folder": ({"file": ["/no/such/report.html"]}, "which is no folder"),
    "twice": ({"file": ["{0}/a.html", "{0}/./a.html"]}, "is named twice"),
    "mode": ({"mode": "0999"}, "mode"),
    "mode that nobody reads": ({"mode": "0200"}, "its owner can read"),
    "since": ({"since": "yesterday"}, "a number of nights such as 90d"),
    "until": ({"until": "90d"}, "until: '90d' is not a day such as"),
    "order": ({"since": "2026-11-02", "until": "2026-11-01"}, "is before 2026-11-02"),
    "too many": ({"since": "1999-11-02"}, "more than 1100 nights"),
    "zone": ({"timezone": "Mars/Olympus"}, "no time zone"),
    "age": ({"max_ages": {"cad": "weekly"}}, "max_ages: cad: 'weekly'"),
    "limit": ({"limit": -1}, "limit has to be 0 or more"),
    "label": ({"label": " "}, "label is empty"),
    "host": ({"targets": ["nobody"]}, "nobody: no such host"),
    "receipts": ({"receipts": "none"}, "nothing to report"),
    "password": ({"receipts": None, "receipts_password": "geheim"}, "has no effect without receipts"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused_before_anything_is_written(local: Reports, case: str) -> None:
    options, words = BAD[case]
    file = [text.format(local.folder) for text in options.get("file", ["{0}/report.txt"])]
    with pytest.raises(Refused) as refused:
        local(**{**options, "file": file})
    assert words in str(refused.value)
    assert not list(local.folder.glob("*.txt"))
    assert not list(local.folder.glob("*.html"))


@pytest.mark.parametrize("ending", ["html", "txt", "json", "csv"])
def test_a_file_of_somebody_is_never_replaced_and_a_link_stays_one(local: Reports, ending: str) -> None:
    mine = local.folder / f"mine.{ending}"
    mine.write_text("{}\n")
    with pytest.raises(Refused, match="is not a report of imports"):
        local(mine.name)
    assert mine.read_text() == "{}\n"
    mine.write_text("")
    link = local.folder / f"link.{ending}"
    link.symlink_to(mine)
    assert local(link.name)["changed"]
    assert link.is_symlink()
    assert mine.stat().st_size > 100
    assert local(mine.name)["changed"] is False


def test_a_report_of_nothing_can_be_replaced_later(local: Reports) -> None:
    names = ("r.html", "r.txt", "r.json", "r.csv")
    assert local(*names)["changed"]
    local.left("cad", "succeeded")
    assert local(*names)["changed"]


def test_it_has_to_run_as_an_action() -> None:
    assert "as an action" in run_module("import_report")["msg"]


# Playbooks.


@pytest.mark.slow
def test_a_run_writes_what_failed_before_the_targets_fail_and_the_receipts_alone_say_it_later(
    sandbox: Sandbox, tmp_path: Path, make_log: Logs
) -> None:
    ansible = Ansible(sandbox, tmp_path)
    sandbox.clock(speed=QUICK)
    hosts = {
        "bad": {"licstat_import_merge_policy": "guess"},
        "cad": {"licstat_import_src": [str(make_log())]},
        "away": {**unreachable(tmp_path), "licstat_import_receipts": str(ansible.store)},
    }
    usual = {
        "licstat_import_url": sandbox.licstat_url,
        "licstat_import_api_token": sandbox.licstat_token,
        "licstat_import_license_server_id": 40,
        "licstat_import_receipts": str(ansible.store),
        "licstat_import_src": [str(make_log())],
        "licstat_import_wait_sleep": 0.2,
    }
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"children": {"licstat": {"hosts": hosts, "vars": usual}}}}))
    files = [str(tmp_path / f"report.{ending}") for ending in ("html", "json")]
    into_files = ["-e", json.dumps({"import_report_file": files})]

    done = ansible.run("-i", str(inventory), "assetops.imports.licstat", *into_files)
    assert done.status == 2, done.output
    assert done.recap("cad")["failed"] == 0
    assert done.recap("bad")["failed"] == 1
    report = json.loads(Path(files[1]).read_text())
    failures = {one["target"]: one for one in report["failures"]}
    assert set(failures) == {"bad", "away"}
    assert failures["away"]["state"] == "unreachable"
    assert "merge_policy" in failures["bad"]["message"]
    assert [one["target"] for one in report["imports"]] == ["cad"]
    assert "no route to host" in Path(files[0]).read_text()
    days = {one["target"]: one["days"][-1] for one in report["targets"]}
    assert days == {"bad": "failed", "cad": "imported", "away": "failed"}

    refused = ansible.run("-i", str(inventory), "assetops.imports.licstat", "-e", "import_report_file=/no/such.html")
    assert refused.status == 2
    assert "/no/such.html" in refused.output
    assert refused.recap("cad")["failed"] == 1
    assert "merge_policy" in refused.output

    requests = len(sandbox.requests())
    lost = ansible.run("-i", str(inventory), "assetops.imports.report", "-e", "import_report_lable=cad")
    assert lost.status == 2
    assert "The report is not complete: away: Its receipts are in a file on the host" in lost.output
    assert "no variable import_report_lable" in lost.output
    assert "Imports from" in lost.output
    assert "  cad  succeeded  " in lost.output
    assert len(sandbox.requests()) == requests
