# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of AWX refuses what a real AWX refused, so that what is set up against it would be taken there, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ...awx.app import TOKEN
from ...awx.handle import Awx
from ...running import ROOT

URL = "https://git.example.com/imports.git"
RULE = "DTSTART;TZID=Europe/Berlin:20261126T020000 RRULE:FREQ=DAILY;INTERVAL=1"


class Client:
    """Asks the stand-in, in which an organization has a project and a template."""

    def __init__(self, awx: Awx) -> None:
        self.awx = awx
        store = awx.store
        self.organization = awx.named("organizations", "Default").id
        self.project = store.add("projects", name="p", organization=self.organization, scm_type="git", scm_url=URL)
        self.inventory = store.add("inventories", name="i", organization=self.organization).id
        self.template = store.add("job_templates", name="t", project=self.project.id, playbook="site.yml")

    def ask(self, method: str, path: str, given: dict[str, Any] | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.request(method, f"{self.awx.url}/api/v2/{path}/", json=given, headers=headers, timeout=30)

    def refusal(self, path: str, **given: Any) -> str:
        answer = self.ask("POST", path, given)
        assert answer.status_code == 400, answer.text
        return answer.text

    def made(self, path: str, **given: Any) -> dict[str, Any]:
        answer = self.ask("POST", path, given)
        assert answer.status_code == 201, answer.text
        thing: dict[str, Any] = answer.json()
        return thing

    def type(self, **more: Any) -> dict[str, Any]:
        inputs = {"fields": [{"id": "token", "label": "Token", "secret": True}]}
        return {"name": "a type", "kind": "cloud", "inputs": inputs, "injectors": {"env": {"X": "{{ token }}"}}, **more}

    def notification(self, message: str) -> dict[str, Any]:
        configuration = {"url": "https://chat.example.com", "headers": {}, "password": "hidden"}
        return {
            "name": "n",
            "organization": self.organization,
            "notification_type": "webhook",
            "notification_configuration": configuration,
            "messages": {"error": {"message": message}},
        }


@pytest.fixture
def client() -> Iterator[Client]:
    with Awx({URL: ROOT / "extensions/awx/project"}) as awx:
        yield Client(awx)


def test_credential_types_name_their_fields_and_keep_them_while_they_are_used(client: Client) -> None:
    refused = client.refusal("credential_types", **client.type(injectors={"env": {"X": "{{ tokn }}"}}))
    assert "X uses an undefined field" in refused
    assert "not allowed" in client.refusal("credential_types", **client.type(injectors={"env": {"ANSIBLE_X": "x"}}))
    assert "Must be 'cloud' or 'net'" in client.refusal("credential_types", **client.type(kind="galaxy"))

    kind = client.made("credential_types", **client.type())
    of_it = {"organization": client.organization, "credential_type": kind["id"]}
    assert "Additional properties" in client.refusal("credentials", name="c", inputs={"tokn": "x"}, **of_it)
    held = client.made("credentials", name="c", inputs={"token": "hidden"}, **of_it)
    assert held["inputs"] == {"token": "$encrypted$"}
    assert "already exists" in client.refusal("credentials", name="c", **of_it)
    assert client.ask("DELETE", f"credential_types/{kind['id']}").status_code == 403
    assert client.ask("PATCH", f"credential_types/{kind['id']}", {"inputs": {}}).status_code == 403
    client.ask("PATCH", f"credentials/{held['id']}", {"inputs": {"token": "$encrypted$"}})
    assert client.awx.named("credentials", "c")["inputs"] == {"token": "hidden"}


def test_templates_want_a_playbook_that_was_fetched(client: Client) -> None:
    template = {"name": "new", "project": client.project.id, "inventory": client.inventory, "playbook": "site.yml"}
    assert "Playbook not found for project." in client.refusal("job_templates", **template)
    client.project.is_synced = True
    assert "Playbook not found" in client.refusal("job_templates", **{**template, "playbook": "other.yml"})
    assert "does not exist" in client.refusal("job_templates", **{**template, "inventory": 99})
    assert "Job Templates must have a project" in client.refusal("job_templates", name="new", playbook="site.yml")
    client.made("job_templates", **template)


def test_launches_set_what_the_template_asks_for_and_answer_its_survey(client: Client) -> None:
    workflow = client.made("workflow_job_templates", name="w", organization=client.organization)
    node = {"workflow_job_template": workflow["id"], "identifier": "n", "unified_job_template": client.template.id}
    refused = client.refusal("workflow_job_template_nodes", job_tags="dry_run", **node)
    assert "Field is not configured to prompt on launch." in refused
    client.template.fields["ask_tags_on_launch"] = True
    client.made("workflow_job_template_nodes", job_tags="dry_run", **node)
    assert "already exists" in client.refusal("workflow_job_template_nodes", **node)

    schedule = {"name": "s", "unified_job_template": client.template.id, "rrule": RULE}
    assert "INTERVAL required" in client.refusal("schedules", **{**schedule, "rrule": RULE.partition(";INTERVAL")[0]})
    assert "naive" in client.refusal("schedules", **{**schedule, "rrule": "DTSTART:20261126T020000 RRULE:INTERVAL=1"})
    question = {"type": "text", "question_name": "Why?", "variable": "why", "required": True}
    survey = {"name": "", "description": "", "spec": [question]}
    assert client.ask("POST", f"job_templates/{client.template.id}/survey_spec", survey).status_code == 200
    client.template.fields["survey_enabled"] = True
    assert "'why' value missing" in client.refusal("schedules", **schedule)
    assert "not allowed on launch" in client.refusal("schedules", extra_data={"other": 1, "why": "x"}, **schedule)
    client.made("schedules", extra_data={"why": "x"}, **schedule)
    survey["spec"] = [{**question, "type": "multiplechoice"}]
    answer = client.ask("POST", f"job_templates/{client.template.id}/survey_spec", survey)
    assert "must specify choices" in answer.text


def test_messages_take_artifacts_by_get_only(client: Client) -> None:
    refused = client.refusal("notification_templates", **client.notification("{{ job.artifacts.summary }}"))
    assert "unavailable" in refused
    shown = client.made("notification_templates", **client.notification("{{ job.artifacts.get('summary', '-') }}"))
    assert shown["notification_configuration"]["password"] == "$encrypted$"
    incomplete = {**client.notification("x"), "name": "m", "notification_configuration": {}}
    assert "Missing required fields" in client.refusal("notification_templates", **incomplete)


def test_a_token_is_needed_and_what_uses_an_object_goes_with_it(client: Client) -> None:
    assert requests.get(f"{client.awx.url}/api/v2/organizations/", timeout=30).status_code == 401
    assert client.ask("GET", "organizations/?colour=red").status_code == 400
    assert client.ask("DELETE", f"inventories/{client.inventory}").status_code == 202
    assert client.ask("DELETE", f"organizations/{client.organization}").status_code == 204
    assert client.ask("GET", f"projects/{client.project.id}").status_code == 404
    assert client.template["project"] is None
