# SPDX-License-Identifier: GPL-3.0-or-later
"""What kinds of objects there are, and which fields they have (source: the serializers and models of AWX)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ENCRYPTED = "$encrypted$"


@dataclass(frozen=True)
class Field:
    """A field that may be written, and what holds if it is not given."""

    default: Any = ""
    types: tuple[type, ...] = (str,)
    required: bool = False
    choices: tuple[Any, ...] = ()
    refers_to: str = ""
    """The path of the kind that the number in it belongs to."""
    cascade: bool = False
    """Whether this object goes with the one that it refers to; otherwise it no longer refers to any."""
    is_fixed: bool = False
    """Whether it can only be set when the object is made."""


@dataclass(frozen=True)
class Kind:
    """One endpoint."""

    path: str
    type: str
    fields: dict[str, Field]
    unique: tuple[str, ...] = ("name", "organization")
    associations: dict[str, str] = field(default_factory=dict)
    """Lists of other objects, and the paths of their kinds."""
    delete_status: int = 204


def text(default: str | None = "", **more: Any) -> Field:
    return Field(default, (str,), **more)


def number(default: int = 0) -> Field:
    return Field(default, (int,))


def flag(default: bool = False) -> Field:
    return Field(default, (bool,))


def one_of(path: str, **more: Any) -> Field:
    return Field(None, (int,), refers_to=path, **more)


_NAMED = {"name": text(required=True), "description": text()}
_OWNED = {**_NAMED, "organization": one_of("organizations", cascade=True)}
_NOTIFIED = {f"notification_templates_{event}": "notification_templates" for event in ("started", "success", "error")}
_ASKS = (
    *("scm_branch", "diff_mode", "variables", "limit", "tags", "skip_tags", "job_type", "verbosity", "inventory"),
    *("credential", "execution_environment", "labels", "forks", "job_slice_count", "timeout", "instance_groups"),
)
_SCM = ("", "git", "svn", "insights", "archive")
_JOB_TYPES = ("run", "check")
_PROMPTS = {
    "extra_data": Field({}, (dict,)),
    "inventory": one_of("inventories"),
    "execution_environment": one_of("execution_environments"),
    "scm_branch": text(None),
    "job_type": text(None, choices=(None, "", *_JOB_TYPES)),
    "job_tags": text(None),
    "skip_tags": text(None),
    "limit": text(None),
    "diff_mode": Field(None, (bool,)),
    "verbosity": Field(None, (int,)),
    "forks": Field(None, (int,)),
    "job_slice_count": Field(None, (int,)),
    "timeout": Field(None, (int,)),
}

ASKED_BY = {name: f"ask_{name}_on_launch" for name in _PROMPTS} | {
    "job_tags": "ask_tags_on_launch",
    "extra_data": "ask_variables_on_launch",
}
"""What a schedule or a node may set, and the field of the template that allows it."""

KINDS = {
    kind.path: kind
    for kind in (
        Kind(
            "organizations",
            "organization",
            {**_NAMED, "max_hosts": number(), "default_environment": one_of("execution_environments")},
            unique=("name",),
            associations={"galaxy_credentials": "credentials", **_NOTIFIED},
        ),
        Kind(
            "credential_types",
            "credential_type",
            {
                **_NAMED,
                "kind": text(required=True),
                "inputs": Field({}, (dict,)),
                "injectors": Field({}, (dict,)),
                "managed": flag(),
            },
            unique=("name", "kind"),
        ),
        Kind(
            "credentials",
            "credential",
            {
                **_OWNED,
                "credential_type": one_of("credential_types", required=True, cascade=True),
                "inputs": Field({}, (dict,)),
            },
            unique=("organization", "name", "credential_type"),
        ),
        Kind(
            "execution_environments",
            "execution_environment",
            {
                **_OWNED,
                "image": text(required=True),
                "pull": text(choices=("", "always", "missing", "never")),
                "credential": one_of("credentials"),
            },
            unique=("name",),
        ),
        Kind(
            "projects",
            "project",
            {
                **_OWNED,
                "scm_type": text(choices=_SCM),
                "scm_url": text(),
                "scm_branch": text(),
                "scm_refspec": text(),
                "scm_clean": flag(),
                "scm_delete_on_update": flag(),
                "scm_track_submodules": flag(),
                "scm_update_on_launch": flag(),
                "scm_update_cache_timeout": number(),
                "allow_override": flag(),
                "timeout": number(),
                "credential": one_of("credentials"),
                "default_environment": one_of("execution_environments"),
                "local_path": text(),
            },
            associations=_NOTIFIED,
        ),
        Kind(
            "inventories",
            "inventory",
            {
                **_OWNED,
                "organization": one_of("organizations", required=True, cascade=True),
                "kind": text(choices=("", "smart", "constructed", None)),
                "host_filter": text(None),
                "variables": text(),
                "prevent_instance_group_fallback": flag(),
            },
            delete_status=202,
        ),
        Kind(
            "inventory_sources",
            "inventory_source",
            {
                **_NAMED,
                "inventory": one_of("inventories", required=True, cascade=True, is_fixed=True),
                "source": text(required=True, choices=("scm", "ec2", "controller", "file")),
                "source_path": text(),
                "source_project": one_of("projects", cascade=True),
                "source_vars": text(),
                "scm_branch": text(),
                "credential": one_of("credentials"),
                "execution_environment": one_of("execution_environments"),
                "overwrite": flag(),
                "overwrite_vars": flag(),
                "update_on_launch": flag(),
                "update_cache_timeout": number(),
                "verbosity": number(1),
                "timeout": number(),
                "limit": text(),
            },
            unique=("name", "inventory"),
            associations=_NOTIFIED,
        ),
        Kind(
            "notification_templates",
            "notification_template",
            {
                **_OWNED,
                "organization": one_of("organizations", required=True, cascade=True),
                "notification_type": text(required=True, choices=("email", "webhook", "slack")),
                "notification_configuration": Field({}, (dict,)),
                "messages": Field(None, (dict,)),
            },
        ),
        Kind(
            "job_templates",
            "job_template",
            {
                **_NAMED,
                "job_type": text("run", choices=_JOB_TYPES),
                "inventory": one_of("inventories"),
                "project": one_of("projects"),
                "playbook": text(),
                "execution_environment": one_of("execution_environments"),
                "scm_branch": text(),
                "forks": number(),
                "limit": text(),
                "verbosity": Field(0, (int,), choices=tuple(range(6))),
                "extra_vars": text(),
                "job_tags": text(),
                "skip_tags": text(),
                "start_at_task": text(),
                "force_handlers": flag(),
                "timeout": number(),
                "use_fact_cache": flag(),
                "host_config_key": text(),
                "survey_enabled": flag(),
                "become_enabled": flag(),
                "diff_mode": flag(),
                "allow_simultaneous": flag(),
                "job_slice_count": number(1),
                "prevent_instance_group_fallback": flag(),
                **{f"ask_{name}_on_launch": flag() for name in _ASKS},
            },
            associations={"credentials": "credentials", **_NOTIFIED},
        ),
        Kind(
            "workflow_job_templates",
            "workflow_job_template",
            {
                **_OWNED,
                "inventory": one_of("inventories"),
                "extra_vars": text(),
                "limit": text(None),
                "scm_branch": text(None),
                "job_tags": text(None),
                "skip_tags": text(None),
                "survey_enabled": flag(),
                "allow_simultaneous": flag(),
                **{f"ask_{name}_on_launch": flag() for name in (*_ASKS[:2], "limit", "tags", "skip_tags", "labels")},
                "ask_variables_on_launch": flag(),
                "ask_inventory_on_launch": flag(),
            },
            associations={**_NOTIFIED, "notification_templates_approvals": "notification_templates"},
        ),
        Kind(
            "workflow_approval_templates",
            "workflow_approval_template",
            {**_NAMED, "timeout": number()},
            unique=(),
        ),
        Kind(
            "workflow_job_template_nodes",
            "workflow_job_template_node",
            {
                **_PROMPTS,
                "workflow_job_template": one_of("workflow_job_templates", required=True, cascade=True, is_fixed=True),
                "unified_job_template": one_of("unified_job_templates"),
                "identifier": text(required=True),
                "all_parents_must_converge": flag(),
            },
            unique=("identifier", "workflow_job_template"),
            associations={
                **dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"),
                "credentials": "credentials",
            },
        ),
        Kind(
            "schedules",
            "schedule",
            {
                **_NAMED,
                **_PROMPTS,
                "unified_job_template": one_of("unified_job_templates", required=True, cascade=True),
                "rrule": text(required=True),
                "enabled": flag(True),
            },
            unique=("unified_job_template", "name"),
            associations={"credentials": "credentials"},
        ),
    )
}

UNIFIED = (
    *("job_templates", "workflow_job_templates", "projects", "inventory_sources"),
    "workflow_approval_templates",
)
"""Kinds whose numbers are of one sequence, and which can be looked up together."""
