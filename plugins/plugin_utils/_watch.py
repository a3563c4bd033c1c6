# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether each target gets its imports: by its receipts and, where it is asked, by the status of its server.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    ROLES,
    as_sentence,
    as_text,
    parse_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._receipts.receipt import AT_WORK
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import TOLERANCE
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import TargetHistory as TargetReceipts
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import GROUPS, StoreConfig
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import note_lines
from ansible_collections.assetops.imports.plugins.plugin_utils._text import format_duration, list_names

ROW = "{:24} {:8} {:11} {:20} {:>10}"
SHOWN = 3  # imports of a target that are described
# From good to bad: the state of a target is the worst of what was found.
STATES = ("ok", "old", "ahead", "never", "incomplete", "failed", "unknown", "unasked", "unread")


@dataclass(frozen=True)
class WatchedTarget:
    """A target that should get its imports: where its receipts are, and how old its last success may be (seconds)."""

    target: str
    system: str
    label: str
    max_age: float
    store_config: StoreConfig
    allow_incomplete: bool = False
    question: Mapping[str, Any] | None = None
    """The options for asking the server for its status; None if it is not asked."""

    @property
    def name(self) -> tuple[str, str]:
        """Its name in receipts."""
        return (self.label, self.system)


@dataclass
class WatchFinding:
    """What was found of a target. `problems` are sentences about what is wrong with it; there are none if it is well.

    `last_success` and `age` (seconds) are those of its last successful import, as far as that is known.
    """

    watched: WatchedTarget
    state: str = "ok"
    problems: list[str] = field(default_factory=list)
    last_success: datetime | None = None
    age: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    window_to: str | None = None

    def add(self, state: str, problem: str) -> None:
        self.problems.append(problem)
        self.state = max(self.state, state, key=STATES.index)

    def note_success(self, when: datetime, age: float) -> None:
        self.last_success, self.age = when, max(0.0, age)

    def as_result(self) -> dict[str, Any]:
        return {
            "target": self.watched.target,
            "system": self.watched.system,
            "label": self.watched.label,
            "state": self.state,
            "problems": self.problems,
            "last_success": self.last_success and as_text(self.last_success),
            "age": self.age,
            "max_age": self.watched.max_age,
            "window": None if self.window_to is None else {"to": self.window_to},
            "counts": self.counts,
        }


def assess_target(
    watched: WatchedTarget, read: TargetReceipts | str, status: Mapping[str, Any] | None, now: datetime
) -> WatchFinding:
    """Find out whether a target gets its imports.

    `read` is what its receipts say, or why they cannot be read; `status` what its server says, None if not asked.
    """
    finding = WatchFinding(watched)
    known = TargetReceipts() if isinstance(read, str) else read
    if isinstance(read, str):
        finding.add("unread", read)
    finding.counts = {state: count for state, count in sorted(known.counts.items()) if count}
    finding.window_to = known.window_end
    if known.last_success is not None:
        when = parse_time(known.last_success)
        finding.note_success(when, (now - when).total_seconds())
    is_asked = status is not None and _judge_status(finding, status, now)
    if not is_asked and not isinstance(read, str):
        _judge_age(finding, known)
    _judge_open(finding, known, now, by_status=is_asked)
    return finding


def _judge_status(finding: WatchFinding, status: Mapping[str, Any], now: datetime) -> bool:
    """Judge by the server's own status, whoever started its imports. False if that does not say how old its data is."""
    if "msg" in status:
        finding.add("unasked", f"Its own status could not be asked: {status['msg']}")
        return False
    if status["is_running"] and status["last_success_time"] is None:
        return False  # as long as it runs; the receipts have the one before
    when, age = status["last_success_time"], status["age"]
    is_ahead = when is not None and age < -TOLERANCE.total_seconds()
    if when is None or is_ahead:
        finding.last_success, finding.age = None, None
    else:
        finding.note_success(datetime.fromtimestamp(now.timestamp() - age, timezone.utc), age)
    if not status["is_fresh"]:
        state = "never" if when is None else "ahead" if is_ahead else "old"
        finding.add(state, f"Its own status says: {status['message']}")
    if status["last_status"] not in (None, "successful") and not status["is_running"]:
        finding.add("failed", f"Its own status says that the last import ended as {status['last_status']!r}.")
    return True


def _judge_age(finding: WatchFinding, known: TargetReceipts) -> None:
    label = finding.watched.label
    if known.ahead is not None:
        finding.add(
            "ahead",
            f"A receipt has a success at {known.ahead}, which is in the future: a clock was wrong. It is not counted.",
        )
    if finding.age is None and known.ahead is None:
        finding.add("never", f"No successful import is known of {label!r} in {finding.watched.store_config.location}.")
    elif finding.age is not None and finding.age > finding.watched.max_age:
        age, max_age = format_duration(finding.age), format_duration(finding.watched.max_age)
        finding.add("old", f"The last successful import was {age} ago; {max_age} are allowed.")


def _judge_open(finding: WatchFinding, known: TargetReceipts, now: datetime, *, by_status: bool) -> None:
    """Judge by the imports that did not end well. Those before a later success in the server's status are over."""
    bad = []
    for one in known.open:
        when = parse_time(one["finished_at"] or one["changed_at"])
        is_over = by_status and finding.last_success is not None and when < finding.last_success
        is_awaited = one["state"] in AT_WORK and (
            one["owner"] is not None or (now - when).total_seconds() <= finding.watched.max_age
        )
        if not is_over and not is_awaited:
            bad.append(one)
    for one in bad[:SHOWN]:
        state = one["state"] if one["state"] in STATES else "unknown"
        finding.add(
            state, f"{one['source']} is {one['state']} since {one['changed_at']}: {as_sentence(one['message'])}"
        )
    if bad:
        more = f" There are at least {len(bad) - SHOWN} more." if len(bad) > SHOWN else ""
        finding.problems[-1] += f"{more} The playbook assetops.imports.settle settles it if necessary."


def table_lines(findings: Sequence[WatchFinding], others: Sequence[str]) -> list[str]:
    """What was found, for people: first each target with problems, then the rest of each system in one line."""
    bad = [one for one in findings if one.problems]
    lines = [ROW.format("target", "system", "state", "last success", "age")] if findings else []
    for one in sorted(bad, key=lambda one: -STATES.index(one.state)):
        lines.append(_row(one.watched.target, one))
        lines += note_lines(one.problems)
    for system in ROLES:
        good = [one for one in findings if one.watched.system == system and not one.problems]
        if good:
            oldest = max(good, key=lambda one: one.age or 0)
            title = good[0].watched.target if len(good) == 1 else f"{len(good)} targets"
            lines.append(_row(title, oldest))
            if len(good) > 1:
                lines.append(f"    {list_names([one.watched.target for one in good])}")
    if others:
        lines.append(f"In none of the groups {', '.join(GROUPS)}, so not watched: {list_names(others)}")
    return [printable(line) for line in lines]


def _row(title: str, one: WatchFinding) -> str:
    when = "-" if one.last_success is None else as_text(one.last_success)[:19] + "Z"
    row = ROW.format(title, one.watched.system, one.state, when, "-" if one.age is None else format_duration(one.age))
    return row if one.window_to is None else f"{row}  to {one.window_to}"
