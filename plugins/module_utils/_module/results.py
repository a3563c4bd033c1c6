# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of modules: of imports, of answers that made one fail, and of diff mode.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, window_of
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES, Import
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import Invocation
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

SHOWN_RESPONSE = 2000  # characters of an answer in `response`


def result_of(invocation: Invocation, store: Store, secrets: Secrets, imports: list[Import]) -> dict[str, Any]:
    """The result of an importing module, without secrets in what a server said."""
    result: dict[str, Any] = {
        "changed": any(one.changed for one in imports),
        "state": max((one.state for one in imports), key=STATES.index, default="succeeded"),
        "imports": [_import_result(one, secrets) for one in imports],
        "receipts": {"store": store.location, "created": store.created},
    }
    failed = [one for one in imports if one.has_failed]
    if failed:
        result["msg"] = secrets.redact(_failure(failed, len(imports)))
        result.update(answer_result(next((one.answer for one in failed if one.answer), None)))
    if invocation.diff:
        result["diff"] = [
            _diff(target, secrets, imports) for target in dict.fromkeys(one.wanted.target for one in imports)
        ]
    return result


def _import_result(one: Import, secrets: Secrets) -> dict[str, Any]:
    return {
        "source": one.wanted.source,
        "target": one.wanted.target,
        "content_sha256": one.content_sha256,
        "size": one.wanted.size or None,
        "key": one.wanted.key,
        "remote_id": one.remote_id and secrets.redact(one.remote_id),
        "state": one.state,
        "changed": one.changed,
        "reason": one.reason,
        "label": one.label,
        "period": one.period,
        "window": window_of(one.wanted.options),
        "attempts": one.attempt,
        "message": secrets.redact(one.message),
        "server": secrets.clean(one.server),
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "duration": one.duration,
    }


def _failure(failed: list[Import], count: int) -> str:
    if count == 1:
        return f"{failed[0].wanted.source}: {failed[0].message}"
    sources: dict[str, list[str]] = {}
    for one in failed:
        sources.setdefault(one.message, []).append(one.wanted.source)
    each = " ".join(f"[{', '.join(names)}] {message}" for message, names in sources.items())
    return f"{len(failed)} of {count} imports did not end well. {each}"


def answer_result(answer: Answer | None) -> dict[str, Any]:
    """The part of a result that shows the answer which made a module fail."""
    if answer is None:
        return {}
    return {"http_status": answer.status, "response": answer.secrets.redact(answer.text)[:SHOWN_RESPONSE]}


def _diff(target: str, secrets: Secrets, imports: list[Import]) -> dict[str, str]:
    """What was known of a target, and what is known now: a line for each import."""
    ours = [one for one in imports if one.wanted.target == target]
    return diff_of(
        target,
        "".join(f"{one.wanted.source}: {secrets.redact(one.before or 'not imported')}\n" for one in ours),
        "".join(f"{one.wanted.source}: {secrets.redact(one.after or one.state)}\n" for one in ours),
    )


def diff_of(what: str, before: str, after: str) -> dict[str, str]:
    """What changes of something, in lines, as Ansible shows it in diff mode."""
    return {"before_header": what, "after_header": what, "before": before, "after": after}
