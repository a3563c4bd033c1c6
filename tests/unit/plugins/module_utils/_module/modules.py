# SPDX-License-Identifier: GPL-3.0-or-later
"""A module as Ansible makes it, without Ansible around it."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import (
    connection_arguments,
    import_arguments,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.factories import client_of
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation, invocation_of
from ansible_collections.assetops.imports.plugins.module_utils._module.running import Work, run_module
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.connection import (
    ENVIRONMENT,
    OPTIONS,
    credentials,
)

from .....running import patch_module_args

TOKEN = "e765ee9c3ded6ca6e5e7f4d0d01189d0"
ANSWER = Answer("POST", "http://host/import", 413, "Too Large", {}, "x" * 5000)


def arguments(*, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
    given = {"url": "http://127.0.0.1:9", "api_token": TOKEN, "wait_sleep": 0.01, **options}
    return {**given, "_ansible_check_mode": check, "_ansible_diff": diff}


def module(**options: Any) -> AnsibleModule:
    """A module that imports into License Statistics, as Ansible makes it of these options."""
    with patch_module_args(arguments(**options)):
        return AnsibleModule(
            argument_spec={**connection_arguments(OPTIONS, ENVIRONMENT), **import_arguments(once="ever")},
            supports_check_mode=True,
        )


def host(**options: Any) -> Invocation:
    """The same as its work sees it."""
    return invocation_of(module(**options))


def client_to(made: Invocation) -> Client:
    """The client of a host, with its token."""
    return client_of(made, credentials(made.params["api_token"]))


def ending_of(work: Work, **options: Any) -> str:
    """What Ansible is told at the end of a module's work."""
    output = io.StringIO()
    with patch_module_args(arguments(**options)), redirect_stdout(output), pytest.raises(SystemExit):
        run_module(module(**options), work)
    return output.getvalue()
