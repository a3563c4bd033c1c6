# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run passes to the next job of a workflow: a line of text, and a small list.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import first_of, shortened
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import RoleOutcome

MAX_LINE = 300  # characters of the line, and of why a target failed
MAX_LIST = 64 * 1024  # bytes of the list as JSON
GOOD_STATES = ("succeeded", "scheduled", "planned", "submitted", "nothing", "not run")
DRY_RUN = "dry-run"  # what Haplo calls a batch whose dry run has ended
LINKS = ("https://", "http://")


def artifacts_of(outcomes: Sequence[RoleOutcome]) -> dict[str, Any]:
    """The variables for the next job."""
    kept = _first_that_fit([_entry(one) for one in sorted(outcomes, key=lambda one: not one.problem)])
    return {"assetops_imports_summary": _line(outcomes, len(outcomes) - len(kept)), "assetops_imports": kept}


def _line(outcomes: Sequence[RoleOutcome], left_out: int) -> str:
    """How many targets are in which state, and the names of those that failed, as far as they fit."""
    good = Counter(one.state for one in outcomes if not one.problem)
    bad: dict[str, list[str]] = {}
    for one in outcomes:
        if one.problem:
            bad.setdefault("failed" if one.state in GOOD_STATES else one.state, []).append(one.target)
    count = len({one.target for one in outcomes})
    begin = f"{_counted(count, 'target')}: "
    end = _dry_runs(outcomes) + (f"; {left_out} are not in the list" if left_out else "")
    states = [f"{number} {state}" for state, number in sorted(good.items(), key=lambda each: -each[1])]
    room = (
        MAX_LINE - len(begin) - len(", ".join([*states, *(f"{len(names)} {state} ()" for state, names in bad.items())]))
    )
    failed = [f"{len(names)} {state} ({_names(names, (room - len(end)) // len(bad))})" for state, names in bad.items()]
    return begin + ", ".join([*states, *failed]) + end


def _names(names: Sequence[str], room: int) -> str:
    """The first names, and how many more there are."""
    shown = [printable(name) for name in names]
    for count in range(len(shown), 0, -1):
        text = first_of(shown, count)
        if len(text) <= room:
            return text
    return "…"


def _dry_runs(outcomes: Sequence[RoleOutcome]) -> str:
    """How many errors the dry runs had that Haplo has ended."""
    pages = [one["server"] for each in outcomes for one in each.imports if isinstance(one.get("server"), Mapping)]
    errors = [page["errors"] for page in pages if page.get("state") == DRY_RUN and isinstance(page.get("errors"), int)]
    if not errors:
        return ""
    return f"; {_counted(len(errors), 'dry run')} ended, {_counted(sum(errors), 'error')}"


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _entry(one: RoleOutcome) -> dict[str, Any]:
    """A role at a target, with its worst import; of equals the last."""
    nothing: Mapping[str, Any] = {}
    worst = max(reversed(one.imports), key=lambda each: STATES.index(each["state"]), default=nothing)
    page = worst.get("server")
    url = page.get("url") if isinstance(page, Mapping) else None
    return {
        "target": one.target,
        "role": one.role,
        "state": one.state,
        "reason": worst.get("reason"),
        "remote_id": worst.get("remote_id"),
        "key": worst.get("key"),
        "url": url if isinstance(url, str) and url.startswith(LINKS) else None,
        "problem": printable(shortened(one.problem, MAX_LINE)) or None,
    }


def _first_that_fit(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first entries, as many as fit into the list."""
    size, kept = 2, []
    for entry in entries:
        size += len(json.dumps(entry)) + 2
        if size > MAX_LIST:
            break
        kept.append(entry)
    return kept
