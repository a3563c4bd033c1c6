# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import of batches returns and warns of, in addition to what every import returns.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import paths_by_reason
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.folders import FoundFolders, shown_names
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.states import BatchesResult, UnsentBatch


def no_batches_result(params: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """The result where there is no batch: a warning, or an error if there had to be one."""
    reason = "batches is an empty list."
    if params["directory"] is not None:
        name = params["control_name"]
        reason = f"There is no batch in {params['directory']}: no {name} in it, and none in a folder in it."
    nothing = {"changed": False, "state": "scheduled", "imports": [], "untold": []}
    if params["require_batches"]:
        return {**nothing, "state": "failed", "msg": f"{reason} As require_batches is true, there has to be one."}
    warn(f"{reason} Nothing was imported.")
    return nothing


def with_unsent(result: dict[str, Any], unsent: list[UnsentBatch], blank: Mapping[str, Any]) -> dict[str, Any]:
    """The result with the batches that were not sent. `blank` is the entry of an import of which nothing is known."""
    entries = [{**blank, "source": one.source, "state": one.state, "message": one.message} for one in unsent]
    imports = [*result["imports"], *entries]
    states = [result["state"] if result["imports"] else "scheduled", *(one.state for one in unsent)]
    messages = [result.get("msg")]
    for what, is_held_up in (("cannot be imported", False), ("were not tried", True)):
        failed = [one for one in unsent if one.state == "failed" and one.is_held_up is is_held_up]
        if failed:
            reasons = " ".join(dict.fromkeys(as_sentence(one.message) for one in failed))
            messages.append(f"{len(failed)} of {len(imports)} batches {what}: {reasons}")
    message = " ".join(filter(None, messages))
    failure = {"msg": message} if message else {}
    return {**result, "state": max(states, key=STATES.index), "imports": imports, **failure}


def unknown_outcomes(imports: list[dict[str, Any]], *, is_awaited: bool) -> list[str]:
    """The batches whose outcome is not known, although there is a key to read it; with the reason.

    `is_awaited`: a real run would wait for those that are on their way.
    """
    states = ("scheduled",) if is_awaited else ("scheduled", "submitted", "running")
    reason = "It is scheduled; how it ended is not known, as it was not waited for."
    return [
        f"{one['source']}: {one['message'] or reason}"
        for one in imports
        if one["state"] in states and (one["remote_id"] or one["state"] != "scheduled")  # adopted, as the user wanted
    ]


def left_out_result(found: FoundFolders | None, outcome: BatchesResult | None = None) -> dict[str, Any]:
    """What was left out: what in the directory is no batch, and states that are older than the newest."""
    left_out = {} if found is None else {reason: [*paths] for reason, paths in found.left_out.items()}
    for reason, paths in (outcome.left_out if outcome else {}).items():
        left_out.setdefault(reason, []).extend(paths)
    return {"left_out": paths_by_reason(left_out)}


def warn_of_doubtful(found: FoundFolders, params: Mapping[str, Any], warn: Callable[[str], None]) -> None:
    """Warn of folders that may have been meant to be batches."""
    if found.doubtful:
        warn(
            f"Of the folders in {params['directory']}, {shown_names(found.doubtful)} cannot be imported: there are"
            f" files in it, and no {params['control_name']}. Hide the name behind a dot if it is not to be a batch."
        )


def warn_of_late(outcome: BatchesResult, params: Mapping[str, Any], warn: Callable[[str], None]) -> None:
    """Warn of states that were never imported and now are too old."""
    for feed, paths in outcome.late.items():
        warn(
            f"Of the folders in {params['directory']}, {shown_names(paths)} came too late, and will not be imported: a"
            f" newer state of {feed} was imported before. Hide the name behind a dot if that is as it should be."
        )
