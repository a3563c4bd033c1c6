# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logs to import: the options about them, finding them, having none, and putting away those that were imported.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import expanded, shown_by_reason
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

if TYPE_CHECKING:
    from ansible_collections.assetops.imports.plugins.module_utils._files.putting_away import PutAway

SEARCH: Mapping[str, Any] = {
    "patterns": {"type": "list", "elements": "str", "default": ["debug.log.*", "debug.log-*"]},
    "excludes": {"type": "list", "elements": "str", "default": ["*.gz", "*.bz2", "*.xz", "*.zip", "*.zst"]},
    "recurse": {"type": "bool", "default": False},
    "min_age": {"type": "int", "default": 0},
    "max_age": {"type": "int"},
}
"""The options that say which logs are found in `paths`."""


@dataclass(frozen=True)
class FoundLogs:
    """The logs, and by reason what was left out; `passed_over` is of interest only where there is no log."""

    contents: list[Content]
    left_out: list[dict[str, Any]] = field(default_factory=list)
    passed_over: list[dict[str, Any]] = field(default_factory=list)


def check_log_options(params: Mapping[str, Any]) -> None:
    """Raise `BadInput` for options about logs that cannot be meant."""
    for option in ("src", "paths", "patterns", "gather"):
        if params[option] == []:
            raise BadInput(f"{option} is an empty list.")
    for option in ("paths", "patterns", "excludes"):
        if not all(text.strip() for text in params[option] or ()):
            raise BadInput(f"{option} holds an empty text, as where it is taken from a variable that is not set.")
    for option in ("patterns", "excludes"):
        if any("/" in text for text in params[option]):
            raise BadInput(
                f"{option} are matched with names, and no name has a slash in it; folders belong into paths."
            )
    for option in ("min_age", "max_age"):
        if params[option] is not None and params[option] < 0:
            raise BadInput(f"{option} has to be a number of seconds, 0 or more.")
    if params["src"]:
        for option, spec in SEARCH.items():
            if params[option] != spec.get("default"):
                raise BadInput(f"{option} says which logs are found in paths, and is of no use with src.")
    _check_archive(params)


def _check_archive(params: Mapping[str, Any]) -> None:
    if params["archive"] is not None and not params["archive"].strip():
        raise BadInput("archive is empty, as where it is taken from a variable that is not set.")
    if params["afterwards"] == "archive":
        archive = expanded(params["archive"])
        if archive.exists() and not archive.is_dir():
            raise BadInput(f"archive: {params['archive']} is there, and is no folder.")


def open_logs(params: Mapping[str, Any]) -> FoundLogs:
    """The logs that are named in `src` or found in `paths`."""
    if params["src"]:
        return FoundLogs(open_contents(params["src"]))
    # Not needed, and so not to be loaded, where the logs are named.
    from ansible_collections.assetops.imports.plugins.module_utils._files.finding import Search, find_logs

    found = find_logs(
        Search(
            paths=tuple(params["paths"]),
            patterns=tuple(params["patterns"]),
            excludes=tuple(params["excludes"]),
            recurse=params["recurse"],
            min_age=params["min_age"],
            max_age=params["max_age"],
            archive=expanded(params["archive"]) if params["archive"] else None,
            fills_archive=params["afterwards"] == "archive",
        )
    )
    return FoundLogs(found.contents, shown_by_reason(found.left_out), shown_by_reason(found.passed_over))


def failure_without_logs(params: Mapping[str, Any], store: Store, target: str, found: FoundLogs) -> dict[str, Any]:
    """The result where there is no log: a success, unless logs are required or none was ever imported."""
    is_known = store.is_known(target)
    if is_known and not params["require_logs"]:
        return {}
    others = [*found.left_out, *found.passed_over]
    message = f"There is no log {' or '.join(params['patterns'])} in {', '.join(params['paths'])}"
    if others:
        each = ", ".join(f"{one['count']} {one['reason']} (as {one['paths'][0]})" for one in others)
        message += f"; left out were {each}"
    if not is_known:
        message += (
            f". Nor do the receipts ({store.location}) know of any import into {target}, so paths or patterns may be"
            " wrong. Once a log was imported, a run without one is a success, unless require_logs"
        )
    return {"state": "failed", "msg": f"{message}.", "left_out": others}


def put_away_imported(
    params: Mapping[str, Any],
    store: Store,
    contents: list[Content],
    imports: list[dict[str, Any]],
    *,
    are_whole: bool,
    check_mode: bool,
) -> list[PutAway]:
    """Put away the logs whose import succeeded; in check mode say which would be. `imports` are as in the result.

    `are_whole`: not only time ranges of the logs were imported.
    """
    from ansible_collections.assetops.imports.plugins.module_utils._files.putting_away import PutAway, put_away

    done = ("succeeded", "planned") if check_mode else ("succeeded",)
    logs = [(log, one["content_sha256"]) for log, one in zip(contents, imports) if one["state"] in done]
    if not are_whole:
        return [PutAway(log.source, "kept", reason="only a time range of it was imported") for log, _unused in logs]
    archive = expanded(params["archive"]) if params["afterwards"] == "archive" else None
    return put_away(logs, archive, store, check_mode=check_mode)
