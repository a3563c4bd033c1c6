# SPDX-License-Identifier: GPL-3.0-or-later
"""`haplo_batch` as users run it: the collection's playbook, and the examples of the documentation."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.assetops.imports.plugins.modules import haplo_batch

from ...running import ROOT
from ..licstat.nights import letter
from ..playbooks.driver import Ansible, Done, assert_ended_well
from ..playbooks.test_import_all import reported
from ..support import QUICK, Playbook
from .driver import Haplo, Told
from .test_outcome import WRONG_KEY

PLAYBOOK = "assetops.imports.haplo"


class Applications(Told):
    """An inventory of targets, each with a batch of its own in the sandbox, and the playbook for Haplo."""

    def __init__(self, haplo: Haplo) -> None:
        super().__init__(haplo.sandbox, haplo.folder)
        self.sandbox.clock(speed=QUICK)
        self.ansible = Ansible(self.sandbox, self.folder)
        self.inventory = self.folder / "inventory.json"
        self.targets: dict[str, dict[str, Any]] = {}

    def target(self, name: str, *, erring: bool = False, **variables: Any) -> None:
        """A host whose batch is called like it, without errors or with two, and with a key for the pages."""
        files = self.with_errors if erring else [self.file("people", name), self.file("guests")]
        path = Path(files[0]["src"]).rename(self.folder / f"people-{name}.json")
        control = str(self.erring if erring else self.control)
        usual = {
            "url": self.sandbox.haplo_url,
            "api_key": self.sandbox.haplo_api_key,
            "outcome_api_key": self.sandbox.haplo_outcome_api_key,
            "batches": [{"control": control, "files": [{"name": "people", "src": str(path)}]}],
            "allow_missing_files": True,
            "manifest": "",
            "comment": name,
            "feed": name,
            "receipts": str(self.store),
            "wait_sleep": 0.05,
        }
        given = {option: value for option, value in {**usual, **variables}.items() if value is not None}
        self.targets[name] = {f"haplo_batch_{option}": value for option, value in given.items()}

    def run(self, *arguments: str, **environment: str) -> Done:
        """Run the playbook."""
        self.inventory.write_text(json.dumps({"haplo": {"hosts": self.targets}}))
        return self.ansible.run("-i", str(self.inventory), PLAYBOOK, *arguments, **environment)

    @property
    def made(self) -> dict[str, str]:
        """The batches that were scheduled at each target, in order."""
        made: dict[str, str] = {}
        for batch in self.scheduled:
            made[batch.comment] = f"{made.get(batch.comment, '')} {'try' if batch.dry_run else 'import'}".strip()
        return made


@pytest.fixture
def applications(haplo: Haplo) -> Applications:
    return Applications(haplo)


def failures_of(done: Done) -> dict[str, str]:
    """Why targets failed, as the report says; it is these that fail."""
    (summary,) = [one["result"]["failures"] for one in done.tasks if "failures" in one["result"]]
    assert {one["host"] for one in done.tasks if one["task"].endswith(": Fail")} == set(summary)
    return dict(summary)


def shown_by(done: Done, host: str) -> list[str]:
    """What the playbook itself tells of the batches of a target."""
    told = [one for one in done.tasks if one["host"] == host and one["task"].startswith("Tell ")]
    return [line for one in told for line in one["result"].get("msg", [])]


@pytest.mark.slow
def test_the_playbook_tries_and_imports_the_demonstration(haplo: Haplo, tmp_path: Path) -> None:
    key, receipts = haplo.sandbox.haplo_api_key, str(haplo.store)
    environment = {"HAPLO_URL": haplo.sandbox.haplo_url, "HAPLO_API_KEY": key, "ASSETOPS_RECEIPTS": receipts}
    haplo.store.parent.mkdir()

    done = Ansible(haplo.sandbox, tmp_path).run("-i", str(ROOT / "tests/inventory/demo"), PLAYBOOK, **environment)

    assert_ended_well(done)
    batches = [(batch.dry_run, batch.state, batch.errors) for batch in haplo.scheduled]
    assert batches == [(True, "dry-run", 0), (False, "complete", 0)]
    assert "Batch import jobs" in done.output


@pytest.mark.slow
def test_what_a_dry_run_did_not_show_to_be_well_is_not_imported(applications: Applications) -> None:
    applications.target("well")
    applications.target("erring", erring=True)
    applications.target("allowed", erring=True, allow_errors=True)
    applications.target("untold", outcome_api_key=WRONG_KEY)
    applications.target("unwaited", wait=False)
    applications.target("keyless", outcome_api_key=None)

    done = applications.run()

    assert done.status == 2, done.output
    assert applications.made == {
        **dict.fromkeys(("well", "allowed", "keyless"), "try import"),
        **dict.fromkeys(("erring", "untold", "unwaited"), "try"),
    }
    assert {name: line[1] for name, line in reported(done).items()} == {
        "well": "succeeded",
        "erring": "incomplete",
        "allowed": "incomplete",
        "untold": "scheduled",
        "unwaited": "submitted",
        "keyless": "scheduled",
    }
    failures = failures_of(done)
    assert set(failures) == {"erring", "untold", "unwaited"}
    assert "The dry run ended with 2 errors: extra is not for people (record 1)" in failures["erring"]
    for name, why in (("untold", "could not be read: "), ("unwaited", "it was not waited for")):
        assert "Nothing is imported here" in failures[name]
        assert "run this again with --tags import" in failures[name]
        assert why in failures[name]
    assert [shown_by(done, name) for name in ("well", "erring")] == [[], []]
    assert ["2 errors: " in line for line in shown_by(done, "allowed")] == [True, True]
    assert ["Batch import jobs" in line for line in shown_by(done, "keyless")] == [True, True]


@pytest.mark.slow
def test_a_job_of_dry_runs_fails_as_they_do_and_one_of_imports_asks_nothing_of_them(applications: Applications) -> None:
    """As in a workflow, where somebody has to approve in between. The key may be in the environment."""
    key = {"HAPLO_OUTCOME_API_KEY": applications.sandbox.haplo_outcome_api_key}
    applications.target("well", outcome_api_key=None)
    applications.target("erring", outcome_api_key=None, erring=True)
    applications.target("untold", outcome_api_key=WRONG_KEY)

    refused = applications.run("--tags", "dry_run", **key)
    assert refused.status == 2, refused.output
    assert set(failures_of(refused)) == {"erring", "untold"}
    assert applications.made == dict.fromkeys(applications.targets, "try")
    by_role = applications.run("--tags", "haplo_batch", "--limit", "untold", **key)
    assert by_role.status == 2, by_role.output
    assert applications.made["untold"] == "try"

    approved = applications.run("--tags", "import", "--limit", "well,untold", **key)
    assert_ended_well(approved)
    assert applications.made == {"well": "try import", "erring": "try", "untold": "try import"}
    assert {name: line[1] for name, line in reported(approved).items()} == {"well": "succeeded", "untold": "scheduled"}


# Nights: what befalls each, what the feed then holds (a person who is wrong begins with a question mark), what the job
# tells (see `nights`), the state, and how many batches were ever scheduled.
NIGHTS: list[tuple[str, str, str, str, int]] = [
    ("nothing", "Ann", "t", "succeeded", 1),  # that receipts are kept from now on
    ("nothing", "Ann", "=", "succeeded", 1),
    ("nothing", "Ann ?Bob", "R", "incomplete", 2),
    ("nobody corrects it", "Ann ?Bob", "R", "incomplete", 2),
    ("nothing", "Ann Bob", ".", "succeeded", 3),
    ("the pages are away", "Ann Bob Cid", "R", "scheduled", 4),
    ("nothing", "Ann Bob Cid", "=", "succeeded", 4),
    ("the pages are otherwise", "Ann Cid", "t", "scheduled", 5),
    ("the pages are otherwise", "Ann Cid", "t", "scheduled", 5),
    ("nothing", "Ann Cid", "=", "succeeded", 5),
    ("the key is another", "Cid", "t", "scheduled", 6),
    ("nothing", "Ann Cid", ".", "succeeded", 7),  # back to a state of before
    ("Haplo stops at a record", "Ann Cid Dee", "R", "failed", 8),
    ("nobody looks", "Ann Cid Dee", "R", "failed", 8),
    ("nothing", "Ann Cid Dee Eve", ".", "succeeded", 9),
    ("it takes all night", "Eve", "R", "scheduled", 10),
    ("nothing", "Eve", "=", "succeeded", 10),
]


@pytest.mark.usefixtures("quick_retries")
def test_each_night_tells_what_became_of_its_batch_or_that_it_cannot(haplo: Haplo) -> None:
    feed = Told(haplo.sandbox, haplo.folder)
    haplo.sandbox.clock(speed=QUICK)
    told = [night_of(feed, befalls, holds) for befalls, holds, _letter, _state, _count in NIGHTS]

    assert told == [(letter, state, count) for _befalls, _holds, letter, state, count in NIGHTS]


def night_of(feed: Told, befalls: str, holds: str) -> tuple[str, str, int]:
    """What the job tells in a night, the state of its import, and how many batches were scheduled so far."""
    people = [{"last": name} if name.isalpha() else {"last": name, "extra": 1} for name in holds.split()]
    options: dict[str, Any] = {"control": str(feed.erring), "files": feed.people(*people), "feed": "people"}
    settings: dict[str, Any] = {}
    if befalls == "the pages are away":
        feed.sandbox.fault("status", operation="outcome", status=503, times=None)
        options["unreachable_timeout"] = 0.2
    elif befalls == "the pages are otherwise":
        settings = {"page_changes": [{"find": "<th>Errors</th>", "put": "<th>Faults</th>"}]}
    elif befalls == "the key is another":
        options["outcome_api_key"] = WRONG_KEY
    elif befalls == "Haplo stops at a record":
        settings = {"breaks_after": 1}
    elif befalls == "it takes all night":
        settings = {"seconds_per_batch": 8 * 3600}
        options["wait_timeout"] = 0.3
    with feed.configured(**settings):
        result = feed(**options)
    feed.sandbox.clear_faults()
    feed.sandbox.clock(step=24 * 3600)
    return letter(result), result["state"], feed.times_scheduled


@pytest.mark.slow
def test_every_example_runs_as_it_stands(haplo: Haplo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address of the sandbox, and the files of this test."""
    monkeypatch.setenv("ASSETOPS_RECEIPTS", str(haplo.store))
    haplo.control = haplo.control_file(
        "people-control.json", files={"people": {"read": "json"}, "DEFAULT": {"read": "tsv-with-name-row"}}
    )
    haplo.control_file("visitors-control.json", files={"visitors": {"read": "tsv-with-name-row"}})
    shutil.copy(haplo.control, tmp_path / "example-standard-api.json")
    (tmp_path / "visitors.tsv").write_text("first\tlast\nAnn\tTyler")
    for name in ("arts", "science"):
        haplo.file(name)
    for folder in (tmp_path / "batches/people", tmp_path / "nights/people-2026-11-25"):
        folder.mkdir(parents=True)
        shutil.copy(haplo.control, folder / "control.json")
        for name in ("people.json", "visitors.tsv"):
            shutil.copy(tmp_path / name, folder)
    text = re.sub("/etc/haplo|/var/lib/hr-export", str(tmp_path), haplo_batch.EXAMPLES)
    text = re.sub("/var/lib/hr-(batches|nights)", rf"{tmp_path}/\1", text)
    tasks = yaml.safe_load(text.replace("https://research.example.ac.uk", haplo.sandbox.haplo_url))
    variables = {name.lower(): value for name, value in haplo.sandbox.environment.items()}
    variables["haplo_control_digest"] = haplo.control_digest

    status, output = Playbook(tmp_path, json.loads(json.dumps(tasks)), vars=variables).run()

    assert status == 0, output
    assert [batch.dry_run for batch in haplo.scheduled] == [False, False, True, *[False] * 6]
    assert [batch.state for batch in haplo.scheduled] == ["complete", "complete", "dry-run", *["complete"] * 6]
    assert [batch.errors for batch in haplo.scheduled] == [0] * 9


@pytest.mark.slow
def test_the_example_of_the_role_runs_as_it_stands(haplo: Haplo, tmp_path: Path) -> None:
    """With the address of the sandbox, a host of the test, and the folder that the text beside it shows."""
    readme = (ROOT / "roles/haplo_batch/README.md").read_text(encoding="utf-8")
    yaml_block, tree = re.findall(r"```(?:yaml|text)\n(.*?)```", readme, re.DOTALL)[:2]
    for line in tree.splitlines():
        path = tmp_path / line.split()[0].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests/fixtures/haplo" / path.name, path)
    play = yaml_block.replace("https://research.example.ac.uk", haplo.sandbox.haplo_url)
    (tmp_path / "play.yml").write_text(play.replace("/var/lib", f"{tmp_path}/var/lib"), encoding="utf-8")
    (tmp_path / "hosts").write_text("[haplo]\nresearch ansible_host=192.0.2.1\n", encoding="utf-8")

    key, receipts = haplo.sandbox.haplo_api_key, str(haplo.store)
    ansible = Ansible(haplo.sandbox, tmp_path)
    command = ["-i", str(tmp_path / "hosts"), "-e", f"haplo_api_key={key}", str(tmp_path / "play.yml")]
    done = ansible.run(*command, ASSETOPS_RECEIPTS=receipts)

    assert_ended_well(done)
    assert [batch.state for batch in haplo.scheduled] == ["complete"]
