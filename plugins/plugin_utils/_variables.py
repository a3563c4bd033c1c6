# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables that look like those of a role and are not, as when a name is misspelled: Ansible ignores them silently.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

OF_ROLES: Mapping[str, Collection[str]] = {
    "licstat_import": ("result", "run_on", "throttle"),
    "bigfix_import": ("gate", "gate_max_age", "gate_result", "result", "run_on", "throttle"),
    "haplo_batch": ("result", "run_on", "throttle"),
    "lm_import": ("result", "run_on", "throttle"),
    "import_watch": ("allow_incomplete", "ask", "file", "max_age", "result", "targets", "textfile"),
    "import_settle": (
        *("comment", "keys", "label", "older_than", "receipts", "receipts_password", "result", "state", "system"),
        *("target", "targets"),
    ),
    "import_report": (
        *("fail", "failures", "file", "label", "limit", "max_ages", "mode", "receipts", "receipts_password", "role"),
        *("roles", "since", "summary", "system", "target", "targets", "timezone", "until", "written"),
    ),
}
"""The variables that a role takes or sets besides the options of its module, without its prefix."""


def unknown_variable_warnings(role: str, variables: Iterable[str], options: Collection[str] = ()) -> list[str]:
    """Warnings about variables that begin with the role's prefix, and are neither its own nor one of these options."""
    prefix = f"{role}_"
    found = sorted({name for name in variables if name.startswith(prefix)})
    known = {f"{prefix}{name}" for name in (*options, *OF_ROLES[role])} if found else set()
    return [_warning(role, name, known) for name in found if name not in known]


def role_warnings(task: Any, role: str, variables: Iterable[str]) -> list[str]:
    """These warnings as lines for people, if the task belongs to that role."""
    own = task._role.get_name() if task._role else ""
    return (
        [f"Warning: {text}" for text in unknown_variable_warnings(role, variables)]
        if own.rpartition(".")[2] == role
        else []
    )


def _warning(role: str, name: str, known: Collection[str]) -> str:
    # Compared without the prefix, which would make all of them similar.
    own = {one.removeprefix(f"{role}_"): one for one in known}
    near = get_close_matches(name.removeprefix(f"{role}_"), own, n=1)
    meant = f" Did you mean {own[near[0]]}?" if near else ""
    return f"The role {role} has no variable {name}, so that does nothing.{meant}"
