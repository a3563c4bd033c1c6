# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether each target gets its imports, judged by what is known of it, and told to people and to Prometheus.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
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
from ansible_collections.assetops.imports.plugins.module_utils._receipts.watching import TargetHistory as Known
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import GROUPS, Place
from ansible_collections.assetops.imports.plugins.plugin_utils._summary import in_short, notes_of

ROW = "{:24} {:8} {:11} {:20} {:>10}"
SHOWN = 3  # imports of a target that are told of
PREFIX = "assetops_import"
# From bad to worse: the worst is the state of a target.
STATES = ("ok", "old", "ahead", "never", "incomplete", "failed", "unknown", "unasked", "unread")


@dataclass(frozen=True)
class Wanted:
    """A target that is to get its imports: where its receipts are, and how old the last success may be, in seconds."""

    target: str
    system: str
    label: str
    max_age: float
    place: Place
    allow_incomplete: bool = False
    question: Mapping[str, Any] | None = None
    """The options to ask the server itself for its status; None where it is not asked."""

    @property
    def name(self) -> tuple[str, str]:
        """How the receipts know it."""
        return (self.label, self.system)


@dataclass
class Finding:
    """What was found of a target. `problems` say why it is not as it should be, in words; none where it is.

    `last_success` and `age` (seconds) are of its last successful import, as far as that is known.
    """

    wanted: Wanted
    state: str = "ok"
    problems: list[str] = field(default_factory=list)
    last_success: datetime | None = None
    age: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    window_to: str | None = None

    def add(self, state: str, problem: str) -> None:
        self.problems.append(problem)
        self.state = max(self.state, state, key=STATES.index)

    def succeeded(self, when: datetime, age: float) -> None:
        self.last_success, self.age = when, max(0.0, age)

    def as_result(self) -> dict[str, Any]:
        return {
            "target": self.wanted.target,
            "system": self.wanted.system,
            "label": self.wanted.label,
            "state": self.state,
            "problems": self.problems,
            "last_success": self.last_success and as_text(self.last_success),
            "age": self.age,
            "max_age": self.wanted.max_age,
            "window": None if self.window_to is None else {"to": self.window_to},
            "counts": self.counts,
        }


def judged(wanted: Wanted, read: Known | str, status: Mapping[str, Any] | None, now: datetime) -> Finding:
    """What is to be said of a target.

    `read` is what its receipts tell, or why they cannot be read; `status` what its server says, None if not asked.
    """
    finding = Finding(wanted)
    known = Known() if isinstance(read, str) else read
    if isinstance(read, str):
        finding.add("unread", read)
    finding.counts = {state: count for state, count in sorted(known.counts.items()) if count}
    finding.window_to = known.window_end
    if known.last_success is not None:
        when = parse_time(known.last_success)
        finding.succeeded(when, (now - when).total_seconds())
    is_asked = status is not None and _judge_status(finding, status, now)
    if not is_asked and not isinstance(read, str):
        _judge_age(finding, known)
    _judge_open(finding, known, now, by_status=is_asked)
    return finding


def _judge_status(finding: Finding, status: Mapping[str, Any], now: datetime) -> bool:
    """By what the server says of its imports, whoever started them. False where it does not say how old its data is."""
    if "msg" in status:
        finding.add("unasked", f"Its own status could not be asked: {status['msg']}")
        return False
    if status["is_running"] and status["last_success_time"] is None:
        return False  # as long as it runs; the receipts tell of the one before
    when, age = status["last_success_time"], status["age"]
    is_ahead = when is not None and age < -TOLERANCE.total_seconds()
    if when is None or is_ahead:
        finding.last_success, finding.age = None, None
    else:
        finding.succeeded(datetime.fromtimestamp(now.timestamp() - age, timezone.utc), age)
    if not status["is_fresh"]:
        state = "never" if when is None else "ahead" if is_ahead else "old"
        finding.add(state, f"Its own status says: {status['message']}")
    if status["last_status"] not in (None, "successful") and not status["is_running"]:
        finding.add("failed", f"Its own status says that the last import ended as {status['last_status']!r}.")
    return True


def _judge_age(finding: Finding, known: Known) -> None:
    label = finding.wanted.label
    if known.ahead is not None:
        finding.add(
            "ahead",
            f"A success is written down for {known.ahead}, a time to come: a clock was set. It counts for nothing.",
        )
    if finding.age is None and known.ahead is None:
        finding.add("never", f"No successful import is known of {label!r} in {finding.wanted.place.location}.")
    elif finding.age is not None and finding.age > finding.wanted.max_age:
        finding.add(
            "old",
            f"The last successful import was {span(finding.age)} ago; {span(finding.wanted.max_age)} are allowed.",
        )


def _judge_open(finding: Finding, known: Known, now: datetime, *, by_status: bool) -> None:
    """By the imports that did not end well. What a server has made up for since, as its status tells, is over."""
    bad = []
    for one in known.open:
        when = parse_time(one["finished_at"] or one["changed_at"])
        is_over = by_status and finding.last_success is not None and when < finding.last_success
        is_awaited = one["state"] in AT_WORK and (
            one["owner"] is not None or (now - when).total_seconds() <= finding.wanted.max_age
        )
        if not is_over and not is_awaited:
            bad.append(one)
    for one in bad[:SHOWN]:
        state = one["state"] if one["state"] in STATES else "unknown"
        finding.add(
            state, f"{one['source']} is {one['state']} since {one['changed_at']}: {as_sentence(one['message'])}"
        )
    if bad:
        more = f" There are {len(bad) - SHOWN} more at least." if len(bad) > SHOWN else ""
        finding.problems[-1] += f"{more} The playbook assetops.imports.settle settles it, where need be."


def lines_of(findings: Sequence[Finding], others: Sequence[str]) -> list[str]:
    """What was found, for people: what is not as it should be first, and the rest of each system in a line."""
    bad = [one for one in findings if one.problems]
    lines = [ROW.format("target", "system", "state", "last success", "age")] if findings else []
    for one in sorted(bad, key=lambda one: -STATES.index(one.state)):
        lines.append(_row(one.wanted.target, one))
        lines += notes_of(one.problems)
    for system in ROLES:
        good = [one for one in findings if one.wanted.system == system and not one.problems]
        if good:
            oldest = max(good, key=lambda one: one.age or 0)
            title = good[0].wanted.target if len(good) == 1 else f"{len(good)} targets"
            lines.append(_row(title, oldest))
            if len(good) > 1:
                lines.append(f"    {in_short([one.wanted.target for one in good])}")
    if others:
        lines.append(f"In none of the groups {', '.join(GROUPS)}, so not watched: {in_short(others)}")
    return [printable(line) for line in lines]


def _row(title: str, one: Finding) -> str:
    when = "-" if one.last_success is None else as_text(one.last_success)[:19] + "Z"
    row = ROW.format(title, one.wanted.system, one.state, when, "-" if one.age is None else span(one.age))
    return row if one.window_to is None else f"{row}  to {one.window_to}"


def span(seconds: float) -> str:
    """Seconds as people say them."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} s"


# For Prometheus


def textfile(findings: Sequence[Finding], now: datetime) -> str:
    """The metrics, as the textfile collector of node_exporter takes them."""
    metrics: list[tuple[str, str, list[tuple[Mapping[str, str], float]]]] = [
        ("watch_timestamp_seconds", "When the watch ran last, in Unix time.", [({}, now.timestamp())]),
        ("watch_targets", "How many targets are watched.", [({}, len(findings))]),
        ("watch_failures", "How many of them are not as they should be.", [({}, _count(findings))]),
        ("ok", "1 if the target gets its imports, else 0.", [(_labels(one), not one.problems) for one in findings]),
        ("state", "The state of the target, always 1.", [(_labels(one, state=one.state), 1) for one in findings]),
        (
            "last_success_timestamp_seconds",
            "When the last successful import ended, in Unix time; absent if none is known.",
            [(_labels(one), one.last_success.timestamp()) for one in findings if one.last_success is not None],
        ),
        (
            "age_seconds",
            "How long ago that was when the watch ran.",
            [(_labels(one), one.age) for one in findings if one.age is not None],
        ),
        ("max_age_seconds", "How long ago it may be.", [(_labels(one), one.wanted.max_age) for one in findings]),
        (
            "receipts",
            "How many imports are in each state.",
            [(_labels(one, state=state), count) for one in findings for state, count in one.counts.items()],
        ),
    ]
    return "".join(f"{line}\n" for name, text, samples in metrics for line in _metric(name, text, samples))


def _count(findings: Sequence[Finding]) -> int:
    return sum(bool(one.problems) for one in findings)


def _labels(one: Finding, **more: str) -> dict[str, str]:
    return {"target": one.wanted.target, "system": one.wanted.system, **more}


def _metric(name: str, text: str, samples: Sequence[tuple[Mapping[str, str], float]]) -> list[str]:
    name = f"{PREFIX}_{name}"
    lines = [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{inner}}} {float(value)!r}" if inner else f"{name} {float(value)!r}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def replace_file(path: Path, text: str) -> None:
    """Put a file in place that everybody may read, so that a reader sees the old one or the new one. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # no name that a collector takes
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
