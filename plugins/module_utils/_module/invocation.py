# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module or an action hands to the work that it is for.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import Progress
from ansible_collections.assetops.imports.plugins.module_utils._module.arguments import from_environment
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import is_url
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide


@dataclass
class Invocation:
    """One invocation of a module or an action: what the user asked for, and how to report beside the result.

    `params` are the validated options. `secret_options` names those whose values are secrets. `no_log_values` are kept
    out of all that is returned; more may be added. `warn` adds a warning. `show` shows a line while the work goes on;
    it is None where nobody would see it. `progress` makes these lines.
    """

    params: dict[str, Any]
    check_mode: bool
    diff: bool
    warn: Callable[[str], None]
    secret_options: set[str]
    no_log_values: set[str]
    show: Callable[[str], None] | None = None
    progress: Progress = field(default_factory=Progress)


def invocation_of(module: AnsibleModule) -> Invocation:
    """The invocation of a module."""
    return Invocation(
        params=module.params,
        check_mode=module.check_mode,
        diff=module._diff,
        warn=module.warn,
        secret_options=secret_options(module.argument_spec),
        no_log_values=module.no_log_values,
    )


def secret_options(argument_spec: Mapping[str, Any]) -> set[str]:
    """The names of the options whose values are secrets."""
    return {option for option, spec in argument_spec.items() if spec.get("no_log")}


def secrets_of(invocation: Invocation, fields: Collection[str] = ()) -> Secrets:
    """The values of the secret options. `fields` are the vendor's names for parts of its answers."""
    secrets = Secrets(fields)
    for option in sorted(invocation.secret_options):
        if (invocation.params[option] or "").strip():
            secrets.add(invocation.params[option])
    return secrets


def fill_from_environment(invocation: Invocation, guide: Guide) -> None:
    """Fill in options that are not set, where their environment variable depends on other options (`guide`)."""
    for option, variable in guide.environment.items():
        if invocation.params[option] is None:
            with suppress(AnsibleFallbackNotFound):
                invocation.params[option] = from_environment(variable)
                if option in invocation.secret_options:
                    invocation.no_log_values.add(invocation.params[option])
    hide_passwords_in_urls(invocation)


def hide_passwords_in_urls(invocation: Invocation) -> None:
    """Hide the password in a URL. Such a URL is refused, but Ansible shows the options."""
    url, receipts = invocation.params.get("url") or "", invocation.params.get("receipts") or ""
    blank = [value for value in invocation.no_log_values if not value.strip()]
    invocation.no_log_values.difference_update(blank)  # hiding these would tear up every text
    invocation.no_log_values.update(login for login in re.findall(r"//(.*)@", url) if ":" in login)
    if is_url(receipts):
        from ansible_collections.assetops.imports.plugins.module_utils._receipts.postgresql import secrets_in

        invocation.no_log_values.update(secrets_in(receipts))
