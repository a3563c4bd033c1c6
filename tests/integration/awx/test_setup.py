# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX set up by the playbook assetops.imports.awx with the real awx.awx, against a stand-in of AWX's API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Template

from ...awx.handle import Awx
from ...awx.store import Thing
from ...running import ROOT
from ...sandbox.handle import Sandbox
from ..playbooks.driver import Ansible, Done, assert_ended_well, without_spaces

PROJECTS = {"https://git.example.com/imports.git": ROOT / "extensions/awx/project"}
EXAMPLE = ROOT / "extensions/awx/setup.yml"
SECRETS = {name: f"secret-of-{name}" for name in re.findall(r"\bvault_\w+", EXAMPLE.read_text(encoding="utf-8"))}
PLAYBOOK = "assetops.imports.awx"
ON_ERROR = "notification_templates_error"
CONTROLLER = "Red Hat Ansible Automation Platform"

ENVIRONMENT = {
    "License Statistics": {"LICSTAT_URL": "url", "LICSTAT_API_TOKEN": "api_token"},
    "BigFix Inventory": {"BIGFIX_URL": "url", "BIGFIX_TOKEN": "token"},
    "License Metric Tool": {"LMT_URL": "url", "LMT_TOKEN": "token"},
    "Haplo": {"HAPLO_URL": "url", "HAPLO_API_KEY": "api_key", "HAPLO_OUTCOME_API_KEY": "outcome_api_key"},
    "Lifecycle Manager": {"LM_URL": "url", "LM_USERNAME": "username", "LM_PASSWORD": "password"},
    "Receipts": {"ASSETOPS_RECEIPTS": "receipts", "PGPASSWORD": "password"},
}
"""What each credential type gives to jobs, as it was tried in a real AWX."""


class Setup:
    """The playbook, with the file of variables that is the example, and a stand-in of AWX."""

    def __init__(self, awx: Awx, folder: Path, sandbox: Sandbox) -> None:
        self.awx = awx
        self._ansible = Ansible(sandbox, folder)
        self._secrets = folder / "secrets.yml"
        self._secrets.write_text(yaml.safe_dump(SECRETS), encoding="utf-8")

    def run(self, *arguments: str, playbook: str = PLAYBOOK, **environment: str) -> Done:
        files = ["-e", f"@{EXAMPLE}", "-e", f"@{self._secrets}"]
        return self.run_bare(*files, *arguments, playbook=playbook, **environment)

    def run_bare(self, *arguments: str, playbook: str = PLAYBOOK, **environment: str) -> Done:
        settings = {**self.awx.environment, "ANSIBLE_PIPELINING": "1", **environment}
        return self._ansible.run(*arguments, playbook, **settings)


@pytest.fixture
def setup(tmp_path: Path, running_sandbox: Sandbox) -> Iterator[Setup]:
    with Awx(PROJECTS) as awx:
        yield Setup(awx, tmp_path, running_sandbox)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, running_sandbox: Sandbox) -> Iterator[tuple[Setup, Done]]:
    """AWX after a first run."""
    with Awx(PROJECTS) as awx:
        setup = Setup(awx, tmp_path_factory.mktemp("awx"), running_sandbox)
        first = setup.run("-vvv")
        assert_ended_well(first)
        yield setup, first


def changed(run: Done) -> list[str]:
    return [task["task"] for task in run.tasks if task["result"].get("changed")]


def nodes(awx: Awx, *names: str) -> list[Thing]:
    return [awx.named("workflow_job_template_nodes", name) for name in names]


# What a first run makes.


@pytest.mark.slow
def test_all_objects_are_made_and_nothing_is_sent_that_awx_would_ignore(done: tuple[Setup, Done]) -> None:
    awx = done[0].awx
    for path in ("projects", "inventories", "execution_environments"):
        assert awx.names(path) == {"imports"}
    assert awx.names("organizations") == {"Default", "Asset management"}
    assert awx.names("credentials") == {"Ansible Galaxy", *(f"imports: {system}" for system in ENVIRONMENT)}
    templates = {f"imports: {name}" for name in ("import", "check", "haplo", "settle", "report", "watch")}
    assert awx.names("job_templates") == templates
    assert awx.names("workflow_job_template_nodes") == {"dry_run", "approval", "import"}
    assert awx.names("schedules") == {"imports: import", "imports: watch"}
    # The organization of a template is that of its project; the type of a node is no field.
    assert awx.api.ignored == {("job_templates", "organization"), ("workflow_job_template_nodes", "type")}


@pytest.mark.slow
def test_the_objects_are_those_that_worked_in_a_real_awx(done: tuple[Setup, Done]) -> None:
    awx = done[0].awx
    organization = awx.named("organizations", "Asset management")
    assert organization.lists["galaxy_credentials"] == [awx.named("credentials", "Ansible Galaxy").id]
    environment = awx.named("execution_environments", "imports")
    assert (environment["pull"], environment["organization"]) == ("missing", organization.id)

    source = awx.named("inventory_sources", "imports: source")
    assert (source["source"], source["source_path"]) == ("scm", "inventory/hosts.yml")
    assert source["overwrite"] is source["overwrite_vars"] is True
    template = awx.named("job_templates", "imports: import")
    names = {awx.store.things["credentials"][number]["name"] for number in template.lists["credentials"]}
    assert names == {f"imports: {system}" for system in ENVIRONMENT}
    assert (template["playbook"], template["forks"], template["allow_simultaneous"]) == ("site.yml", 20, True)
    asked = ("limit", "tags", "job_type", "verbosity", "variables")
    assert all(template[f"ask_{name}_on_launch"] for name in asked)
    assert awx.named("job_templates", "imports: check")["job_type"] == "check"
    rule = "DTSTART;TZID=Europe/Berlin:20261126T020000 RRULE:FREQ=DAILY;INTERVAL=1"
    assert awx.named("schedules", "imports: import")["rrule"] == rule


@pytest.mark.slow
def test_the_workflow_is_dry_run_then_approval_then_import(done: tuple[Setup, Done]) -> None:
    awx = done[0].awx
    dry_run, approval, real = nodes(awx, "dry_run", "approval", "import")
    assert (dry_run.lists["success_nodes"], approval.lists["success_nodes"]) == ([approval.id], [real.id])
    assert (dry_run["job_tags"], real["job_tags"]) == ("dry_run", "import")
    template = awx.store.things["workflow_approval_templates"][approval["unified_job_template"]]
    assert (template["name"], template["timeout"]) == ("imports: import into Haplo?", 86400)
    assert "dry_run" in template["description"]


@pytest.mark.slow
def test_the_survey_asks_for_the_variables_of_the_role_that_settles(done: tuple[Setup, Done]) -> None:
    template = done[0].awx.named("job_templates", "imports: settle")
    assert template["survey_enabled"]
    questions = {question["variable"].removeprefix("import_settle_") for question in template.survey["spec"]}
    assert questions == {"keys", "system", "target", "label", "older_than", "state", "comment"}
    assert not any(question["required"] or "default" in question for question in template.survey["spec"])


@pytest.mark.slow
def test_failures_are_reported_with_the_summary_of_the_run(done: tuple[Setup, Done]) -> None:
    awx = done[0].awx
    notification = awx.named("notification_templates", "imports")
    message = notification["messages"]["error"]["message"]
    assert "job.artifacts.get('assetops_imports_summary'" in message
    failed = {"target": "cad", "state": "failed", "url": "https://licstat.example.com/40", "key": "57ad"}
    fine = {"target": "eda", "state": "succeeded", "url": None, "key": "0000"}
    artifacts = {"assetops_imports_summary": "1 of 2 imports failed", "assetops_imports": [failed, fine]}
    job = {"name": "imports: import", "id": 7, "status": "failed", "artifacts": artifacts}
    body = Template(notification["messages"]["error"]["body"])
    assert body.render(job=job, url="https://awx.example.com/#/jobs/7").split("\n") == [
        *("imports: import #7: failed", "1 of 2 imports failed", ""),
        *("cad: failed https://licstat.example.com/40 57ad", "", "https://awx.example.com/#/jobs/7"),
    ]
    assert "the job ended before it" in body.render(job={**job, "artifacts": {}})
    names = [name for name in awx.names("job_templates") if awx.named("job_templates", name).lists[ON_ERROR]]
    assert sorted(names) == ["imports: haplo", "imports: import", "imports: watch"]
    assert awx.named("job_templates", "imports: haplo").lists["notification_templates_success"]
    assert not awx.named("job_templates", "imports: import").lists["notification_templates_success"]
    workflow = awx.named("workflow_job_templates", "imports: Haplo with approval")
    assert workflow.lists["notification_templates_approvals"] == [notification.id]


@pytest.mark.slow
def test_no_secret_is_shown_at_any_verbosity(done: tuple[Setup, Done]) -> None:
    setup, first = done
    everything = first.output + json.dumps(first.tasks)
    assert not [name for name, secret in SECRETS.items() if secret in everything]
    held = setup.awx.named("credentials", "imports: Haplo")["inputs"]
    assert held["outcome_api_key"] == SECRETS["vault_haplo_outcome_api_key"]


# What the next runs do.


@pytest.mark.slow
def test_a_second_run_changes_nothing_and_no_secret(done: tuple[Setup, Done]) -> None:
    setup, _first = done
    asked = len(setup.awx.written())
    second = setup.run("-e", "vault_lm_password=another-secret")
    assert_ended_well(second)
    assert changed(second) == []
    assert len(setup.awx.written()) == asked
    held = setup.awx.named("credentials", "imports: Lifecycle Manager")["inputs"]
    assert held["password"] == SECRETS["vault_lm_password"], "a secret is rotated on purpose only"


@pytest.mark.slow
def test_what_was_made_is_taken_away_but_for_what_others_use(done: tuple[Setup, Done]) -> None:
    setup, _first = done
    store = setup.awx.store
    kind = setup.awx.named("credential_types", "assetops.imports: Haplo")
    store.add("credentials", name="another", credential_type=kind.id)
    environment = setup.awx.named("execution_environments", "imports")
    store.add("job_templates", name="another", execution_environment=environment.id)
    environment.fields["organization"] = None  # otherwise it goes with the organization
    gone = setup.run("-e", "awx_setup_state=absent", "-e", "awx_setup_remove_organization=true")
    assert_ended_well(gone)
    left = {path: setup.awx.names(path) for path, things in store.things.items() if things}
    assert left == {
        "organizations": {"Default"},
        "execution_environments": {"imports"},
        "job_templates": {"another"},
        "credential_types": {"Ansible Galaxy/Automation Hub API Token", CONTROLLER, "assetops.imports: Haplo"},
        "credentials": {"Ansible Galaxy", "another"},
    }

    store.add("organizations", name="Asset management")
    again = setup.run("-e", "awx_setup_state=absent")
    assert_ended_well(again)
    assert changed(again) == []
    assert setup.awx.names("organizations") == {"Default", "Asset management"}


@pytest.mark.slow
def test_check_mode_sends_nothing_and_says_how_far_it_sees(setup: Setup) -> None:
    done = setup.run("--check")
    assert_ended_well(done)
    assert setup.awx.written() == []
    assert "AWX has no organization Asset management yet" in done.output


# What is refused.


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"awx_setup_image": None, "awx_setup_project_url": None}, "Not set: awx_setup_image, awx_setup_project_url."),
    ({"awx_setup_schedul": "x"}, "The role awx_setup has no variable awx_setup_schedul."),
    ({"awx_setup_credentials": {"licstat": {"url": "u", "api_token": "secret-9"}}}, "receipts"),
    ({"awx_setup_credentials": {"receipts": {"receipts": "r"}, "bigfx": {}}}, "bigfx"),
    ({"awx_setup_forks": "many"}, "awx_setup_forks"),
]


@pytest.mark.slow
def test_bad_input_is_refused_before_anything_is_asked(setup: Setup, tmp_path: Path) -> None:
    right = {**yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), **SECRETS}
    hosts = {}
    for number, (wrong, _said) in enumerate(REFUSED):
        given = {name: value for name, value in {**right, **wrong}.items() if value is not None}
        hosts[f"run-{number}"] = {**given, "ansible_connection": "local"}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    done = run_role(setup, tmp_path, "-i", str(inventory), how={}, hosts="all")
    for number, (_wrong, said) in enumerate(REFUSED):
        (refused,) = [task for task in done.tasks if task["host"] == f"run-{number}" and task["failed"]]
        assert said in json.dumps(refused["result"])
        assert without_spaces(said) in without_spaces(done.output)
    assert "secret-9" not in done.output
    assert setup.awx.api.asked == []


@pytest.mark.slow
def test_without_awx_awx_the_role_says_what_is_needed(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "collections/ansible_collections/awx/awx").mkdir(parents=True)
    done = setup.run(ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "collections"))
    assert done.status != 0
    said = without_spaces("The role awx_setup needs the collection awx.awx, 24.6.1 or newer")
    assert said in without_spaces(done.output)
    assert setup.awx.api.asked == []


@pytest.mark.slow
def test_a_wrong_token_is_reported_and_nothing_is_made(setup: Setup) -> None:
    done = setup.run(CONTROLLER_OAUTH_TOKEN="wrong-token")
    assert done.status != 0
    assert "HTTP 401" in done.results[-1]["msg"]
    assert "CONTROLLER_OAUTH_TOKEN" in done.results[-1]["msg"]
    assert setup.awx.written() == []


@pytest.mark.slow
def test_what_awx_says_to_a_notification_is_shown_without_its_secret(setup: Setup, tmp_path: Path) -> None:
    configuration = {"password": "secret-9", "host": "mail.example.com"}
    notification = {"type": "email", "configuration": configuration}
    done = alone(setup, tmp_path, "notification.yml", awx_setup_notification=notification)
    assert done.status != 0
    assert "AWX did not accept awx_setup_notification" in done.results[-1]["msg"]
    assert "recipients" in done.results[-1]["msg"]
    assert "secret-9" not in done.output


# Parts of it.


def alone(setup: Setup, folder: Path, tasks: str, **variables: Any) -> Done:
    """Run one file of the role's tasks, in an organization that has a project and templates for the workflow."""
    store = setup.awx.store
    organization = store.add("organizations", name="Part")
    project = store.add("projects", name="imports", organization=organization.id, scm_type="git")
    if tasks == "workflow.yml":
        for name in ("haplo", "tell"):
            store.add("job_templates", name=f"imports: {name}", project=project.id, ask_tags_on_launch=True)
    variables["__awx_setup_organization"] = {"id": organization.id}
    how = {"tasks_from": tasks, "rolespec_validate": False}
    return run_role(setup, folder, "-vvv", how=how, hosts="localhost", connection="local", vars=variables)


def run_role(setup: Setup, folder: Path, *arguments: str, how: dict[str, Any], **play: Any) -> Done:
    include = {"ansible.builtin.include_role": {"name": "assetops.imports.awx_setup", **how}}
    path = folder / "play.json"
    path.write_text(json.dumps([{"gather_facts": False, "tasks": [include], **play}]), encoding="utf-8")
    return setup.run_bare(*arguments, playbook=str(path))


@pytest.mark.slow
def test_the_approval_says_what_the_dry_run_said(setup: Setup, tmp_path: Path) -> None:
    awx = setup.awx
    done = alone(setup, tmp_path, "workflow.yml", awx_setup_approval_credential="AWX itself")
    assert_ended_well(done)
    dry_run, tell, approval = nodes(awx, "dry_run", "tell", "approval")
    assert (dry_run.lists["success_nodes"], tell.lists["success_nodes"]) == ([tell.id], [approval.id])
    workflow = awx.named("workflow_job_templates", "imports: Haplo with approval")
    variables = {"assetops_imports_summary": "2 of 2 batches have no errors", "awx_workflow_job_id": workflow.id}
    told = setup.run_bare("-e", json.dumps(variables), playbook="assetops.imports.awx_approval")
    assert_ended_well(told)
    template = awx.store.things["workflow_approval_templates"][approval["unified_job_template"]]
    assert template["description"] == "2 of 2 batches have no errors"


# What is there to read, without AWX.


@pytest.mark.parametrize("path", sorted((ROOT / "extensions/awx/credential_types").glob("*.yml")), ids=lambda p: p.stem)
def test_credential_types_give_jobs_what_a_real_awx_gave(path: Path) -> None:
    kind = yaml.safe_load(path.read_text(encoding="utf-8"))
    wanted = ENVIRONMENT[kind["name"].removeprefix("assetops.imports: ")]
    assert kind["injectors"] == {"env": {variable: f"{{{{ {field} }}}}" for variable, field in wanted.items()}}
    fields = {field["id"]: field for field in kind["inputs"]["fields"]}
    assert set(fields) == set(wanted.values())
    secret = {name for name, field in fields.items() if field.get("secret")}
    assert secret == {name for name in fields if name.endswith(("token", "key", "password"))}
    assert kind["kind"] == "cloud"


def test_each_system_has_a_credential_type_and_the_role_takes_what_it_holds() -> None:
    specs = yaml.safe_load((ROOT / "roles/awx_setup/meta/argument_specs.yml").read_text(encoding="utf-8"))
    taken = specs["argument_specs"]["main"]["options"]["awx_setup_credentials"]["options"]
    files = {path.stem: path for path in (ROOT / "extensions/awx/credential_types").glob("*.yml")}
    assert set(taken) == set(files)
    for name, path in files.items():
        inputs = yaml.safe_load(path.read_text(encoding="utf-8"))["inputs"]
        required = {option for option, spec in taken[name]["options"].items() if spec.get("required")}
        assert required == set(inputs["required"]), name
        assert set(taken[name]["options"]) == {field["id"] for field in inputs["fields"]}, name
