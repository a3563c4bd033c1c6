# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses with 400 or 403, beside fields that are missing or of another type."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .kinds import ASKED_BY, ENCRYPTED
from .store import Store, Thing

NOT_PROMPTED = "Field is not configured to prompt on launch."
_PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?include|(ansible\.builtin\.)?import_playbook):")
_RESERVED = ("ANSIBLE_", "PATH", "PYTHONPATH", "VIRTUAL_ENV", "JOB_ID", "AWX_HOST")  # source; not all of them
_QUESTIONS = ("text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float")
_FIELD_KEYS = {"type", "format", "choices", "id", "label", "help_text", "multiline", "secret", "default"}
_CONFIGURATIONS: dict[str, dict[str, tuple[type, Any]]] = {
    "email": {
        **dict.fromkeys(("host", "username", "sender"), (str, None)),
        **dict.fromkeys(("use_tls", "use_ssl"), (bool, None)),
        "port": (int, None),
        "password": (str, None),
        "recipients": (list, None),
        "timeout": (int, 30),
    },
    "webhook": {
        "url": (str, None),
        "http_method": (str, "POST"),
        "disable_ssl_verification": (bool, False),
        "username": (str, ""),
        "password": (str, ""),
        "headers": (dict, None),
    },
    "slack": {"token": (str, None), "channels": (list, None)},
}
SECRETS = {"email": "password", "webhook": "password", "slack": "token"}
"""What is secret in the configuration of a notification, by type (source)."""

_JOB = {
    **dict.fromkeys(("id", "elapsed", "name", "status", "failed", "started", "finished", "limit", "playbook"), "x"),
    "artifacts": {},
    "job_explanation": "x",
    "host_status_counts": {"ok": 1, "failures": 0},
    "summary_fields": {"inventory": {"name": "x"}, "job_template": {"name": "x"}},
}
_CONTEXT = {
    "job": _JOB,
    **dict.fromkeys(("job_friendly_name", "url", "job_metadata"), "x"),
    **dict.fromkeys(("approval_status", "approval_node_name", "workflow_url"), "x"),
}
"""What a message is tried with: `artifacts` are empty, so no key of theirs can be named (seen)."""


class Refusal(Exception):
    """The answer to a request that AWX refuses."""

    def __init__(self, errors: dict[str, Any] | list[str], status: int = 400) -> None:
        super().__init__(errors)
        self.errors = errors
        self.status = status


def check(store: Store, path: str, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    """Refuse what AWX would: `fields` are what the object would have, `given` what the request sets."""
    special = _CHECKS.get(path)
    if special:
        special(store, fields, thing, given)


def _credential_type(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    if thing and thing["managed"]:
        raise Refusal({"detail": "Modifications not allowed for managed credential types"}, 403)
    in_use = thing and any(one["credential_type"] == thing.id for one in store.all("credentials"))
    if in_use and thing and fields["inputs"] != thing["inputs"]:
        raise Refusal({"detail": "Modifications to inputs are not allowed for credential types that are in use"}, 403)
    if fields["kind"] not in ("cloud", "net"):
        raise Refusal({"kind": [f"Must be 'cloud' or 'net', not {fields['kind']}"]})
    if set(fields["inputs"]) - {"fields", "required"}:
        raise Refusal({"inputs": ["Additional properties are not allowed"]})
    for one in fields["inputs"].get("fields", []):
        if set(one) - _FIELD_KEYS or not {"id", "label"} <= set(one):
            raise Refusal({"inputs": [f"{one} is no field"]})
        one.setdefault("type", "string")
    if set(fields["injectors"]) - {"env", "file", "extra_vars"}:
        raise Refusal({"injectors": ["Additional properties are not allowed"]})
    names = {one["id"]: "EXAMPLE" for one in fields["inputs"].get("fields", [])}
    for variable, template in fields["injectors"].get("env", {}).items():
        if variable.startswith(_RESERVED):
            raise Refusal({"injectors": [f"Environment variable {variable} is not allowed to be used in credentials."]})
        try:
            ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(names)
        except UndefinedError as error:  # seen
            raise Refusal({"injectors": [f"{variable} uses an undefined field ({error})"]}) from None


def _credential(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    if fields["organization"] is None:
        raise Refusal({"detail": ["Missing 'user', 'team', or 'organization'."]})
    of = store.things["credential_types"][fields["credential_type"]]
    known = {one["id"]: one for one in of["inputs"].get("fields", [])}
    if unknown := set(fields["inputs"]) - set(known):
        raise Refusal({"inputs": [f"Additional properties are not allowed ({', '.join(sorted(unknown))})"]})
    for name, value in fields["inputs"].items():
        if type(value).__name__ != {"string": "str", "boolean": "bool"}[known[name]["type"]]:
            raise Refusal({"inputs": {name: [f"{value!r} is not of type {known[name]['type']!r}"]}})
        if value == ENCRYPTED and (thing is None or name not in thing["inputs"]):
            raise Refusal({"inputs": [f"{ENCRYPTED} is a reserved keyword, and cannot be used for {name}."]})


def _execution_environment(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    if thing and given.get("organization", thing["organization"]) != thing["organization"]:
        raise Refusal({"organization": ["Cannot change the organization of an execution environment"]})


def _inventory_source(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    if fields["source"] == "scm" and fields["source_project"] is None:
        raise Refusal({"source_project": ["Project required for scm type sources."]})


def _job_template(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    project = store.things["projects"].get(fields["project"])
    if project is None:
        raise Refusal({"project": ["Job Templates must have a project assigned."]})
    if fields["inventory"] is None and not fields["ask_inventory_on_launch"]:
        raise Refusal({"inventory": ["You must either set a default value or ask to prompt on launch."]})
    if not fields["playbook"]:
        raise Refusal({"playbook": ["Must select playbook for project."]})
    if not project.is_synced or fields["playbook"] not in playbooks(store.projects[project["scm_url"]]):  # seen
        raise Refusal({"playbook": ["Playbook not found for project."]})
    if (fields["scm_branch"] or fields["ask_scm_branch_on_launch"]) and not project["allow_override"]:
        raise Refusal({"scm_branch": ["Project does not allow overriding branch."]})


def playbooks(folder: Path) -> set[str]:
    """The files that AWX takes for playbooks, by their lines."""
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*.yml")
        if not {"roles", "tasks", "group_vars", "host_vars"} & set(file.relative_to(folder).parts)
        if any(_PLAYBOOK.match(line) for line in file.read_text(encoding="utf-8").splitlines())
    }


def _node(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    _prompts(store, fields, needs_answers=False)


def _schedule(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    rule = fields["rrule"]
    starts = re.findall(r"DTSTART(?:;[^:]+)?:\d+T\d+Z?", rule)
    rules = re.findall(r"RULE:\S*", rule)
    errors = []
    if len(starts) != 1:
        errors.append("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    if re.search(r"DTSTART:\d+T\d+ ", rule):
        errors.append("DTSTART cannot be a naive datetime.")
    if not rules:
        errors.append("One or more rule required in rrule.")
    errors += [f"INTERVAL required in rrule: {one}" for one in rules if "INTERVAL" not in one]
    if errors:
        raise Refusal({"rrule": errors})
    _prompts(store, fields, needs_answers=True)


def _prompts(store: Store, fields: dict[str, Any], *, needs_answers: bool) -> None:
    """What is set for a launch has to be asked for by the template, and its survey has to be answered."""
    template = store.find("unified_job_templates", fields["unified_job_template"])
    if template is None:
        return
    errors: dict[str, list[str]] = {}
    for name, ask in ASKED_BY.items():
        if name != "extra_data" and fields[name] is not None and not template[ask] and fields[name] != template[name]:
            errors[name] = [NOT_PROMPTED]
    questions = template.survey.get("spec", []) if template["survey_enabled"] else []
    unasked = set(fields["extra_data"]) - {one["variable"] for one in questions}
    if unasked and not template["ask_variables_on_launch"]:
        errors["extra_data"] = [f"Variables {', '.join(sorted(unasked))} are not allowed on launch."]
    for one in questions:
        if needs_answers and one["required"] and not one.get("default") and one["variable"] not in fields["extra_data"]:
            errors.setdefault("variables_needed_to_start", []).append(f"'{one['variable']}' value missing")  # seen
    if errors:
        raise Refusal(errors)


def _notification_template(store: Store, fields: dict[str, Any], thing: Thing | None, given: dict[str, Any]) -> None:
    if "notification_configuration" in given or thing is None:
        _configuration(fields, thing)
    if errors := _wrong_messages(fields["messages"] or {}):
        raise Refusal({"messages": errors})


def _configuration(fields: dict[str, Any], thing: Thing | None) -> None:
    kind, configuration = fields["notification_type"], fields["notification_configuration"]
    missing = []
    for name, (expected, default) in _CONFIGURATIONS[kind].items():
        if name not in configuration and default is not None:
            configuration[name] = default
        if name not in configuration:
            missing.append(name)
        elif type(configuration[name]).__name__ != expected.__name__:
            raise Refusal([f"Configuration field '{name}' incorrect type, expected {expected.__name__}."])
    if missing:
        raise Refusal([f"Missing required fields for Notification Configuration: {missing}."])
    secret = SECRETS[kind]
    if configuration[secret] == ENCRYPTED and thing:
        configuration[secret] = thing["notification_configuration"][secret]


def _wrong_messages(messages: dict[str, Any]) -> list[str]:
    errors, found = [], []
    for event, told in messages.items():
        if event not in ("started", "success", "error", "workflow_approval"):
            errors.append(f"Event '{event}' invalid")
        groups = (told or {}).values() if event == "workflow_approval" else [told]
        if event == "workflow_approval" and set(told or {}) - {"running", "approved", "timed_out", "denied"}:
            errors.append("Workflow Approval event invalid")
        for group in groups:
            errors += [f"Message type '{kind}' invalid" for kind in set(group or {}) - {"message", "body"}]
            if "\n" in ((group or {}).get("message") or ""):
                errors.append(f"Messages cannot contain newlines (found newline in {event} event)")
            found += [message for message in (group or {}).values() if message]
    for message in found:
        try:
            ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(message).render(_CONTEXT)
        except UndefinedError as error:  # seen
            errors.append(f"Field '{error}' unavailable")
        except TemplateError as error:
            errors.append(f"Unable to render message '{message}': {error}")
    return errors


def survey_errors(survey: dict[str, Any]) -> str | None:
    """What is wrong with a survey (source)."""
    for name, given in {"name": "", "description": "", "spec": []}.items():
        if not isinstance(survey.get(name), type(given)):
            return f"Field '{name}' is missing from survey spec."
    seen = set()
    for number, question in enumerate(survey["spec"]):
        for name in ("type", "question_name", "variable", "required"):
            if not isinstance(question.get(name), bool if name == "required" else str):
                return f"'{name}' missing from survey question {number}"
        if question["variable"] in seen:
            return f"'variable' '{question['variable']}' duplicated in survey question {number}."
        seen.add(question["variable"])
        if question["type"] not in _QUESTIONS:
            return f"'{question['type']}' in survey question {number} is not one of the allowed question types."
        if question["type"] in ("multiplechoice", "multiselect") and not question.get("choices"):
            return f"Survey question {number} of type {question['type']} must specify choices."
        default = question.get("default")
        if default and question["type"] == "multiplechoice" and default not in question["choices"]:
            return "Default choice must be answered from the choices listed."
    return None


def may_be_deleted(store: Store, thing: Thing) -> None:
    if thing.kind.path != "credential_types":
        return
    if thing["managed"]:
        raise Refusal({"detail": "Deletion not allowed for managed credential types"}, 403)
    if any(one["credential_type"] == thing.id for one in store.all("credentials")):
        raise Refusal({"detail": "Credential types that are in use cannot be deleted"}, 403)


def may_be_associated(store: Store, thing: Thing, name: str, other: Thing) -> None:
    if name == "galaxy_credentials":
        of = store.things["credential_types"][other["credential_type"]]
        if of["kind"] != "galaxy":
            raise Refusal({"msg": "Credential must be a Galaxy credential"})
    if thing.kind.path == "job_templates" and name == "credentials":
        held = [store.things["credentials"][number]["credential_type"] for number in thing.lists[name]]
        if other["credential_type"] in held:
            raise Refusal({"error": "Cannot assign multiple credentials of one type."})


_CHECKS: dict[str, Callable[[Store, dict[str, Any], Thing | None, dict[str, Any]], None]] = {
    "credential_types": _credential_type,
    "credentials": _credential,
    "execution_environments": _execution_environment,
    "inventory_sources": _inventory_source,
    "job_templates": _job_template,
    "workflow_job_template_nodes": _node,
    "schedules": _schedule,
    "notification_templates": _notification_template,
}
