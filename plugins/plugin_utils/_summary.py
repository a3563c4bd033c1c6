# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of the imports of a run, as a table for people; the roles leave it in variables.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import shortened
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES
from ansible_collections.assetops.imports.plugins.plugin_utils._text import (
    INDENT,
    WIDTH,
    format_size,
    list_names,
    wrap_text,
)

QUIET = ("succeeded", "scheduled", "planned", "nothing", "not run")  # states that need no notes of their own
MAX_NOTE = 600  # characters
GAP = "  "
COLUMNS = ("target", "import", "state", "reason", "sent", "seconds")
REASONS_WIDTH = 13  # characters; beyond that, the first reason is shown and how many more there are
MISSED = "called like a"  # in the reason why a log was left out: the patterns may be wrong


@dataclass(frozen=True)
class LeftOut:
    """What a role found at a target and did not import, for one reason: how many, and the first of them."""

    reason: str
    count: int
    paths: tuple[str, ...]

    def as_line(self, where: str = "") -> str:
        return f"Left out{where}: {self.count}, {self.reason}: {list_names(self.paths, self.count)}"


@dataclass(frozen=True)
class RoleOutcome:
    """What came of a role at a target.

    `wanted` and `sent` count imports; `size` is in bytes. `window`: the beginning and the end of the newest import's
    time range. `problem`: why the role failed; empty if it did not. `flaws`: messages about imports that are
    incomplete, or that were scheduled and cannot be asked for. `imports` are the entries of the result.
    """

    target: str
    role: str = "-"
    state: str = "not run"
    reasons: tuple[str, ...] = ()
    wanted: int = 0
    sent: int = 0
    size: int = 0
    seconds: float | None = None
    window: tuple[str, str] | None = None
    left_out: tuple[LeftOut, ...] = ()
    problem: str = ""
    flaws: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    imports: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_quiet(self) -> bool:
        is_missed = any(MISSED in one.reason for one in self.left_out)
        return self.state in QUIET and not (self.problem or self.warnings or is_missed)


def outcomes_of(target: str, variables: Mapping[str, Any], roles: Iterable[str]) -> list[RoleOutcome]:
    """What came of each role that ran on a target, read from the target's variables."""
    failures = variables.get("import_report_failures") or {}
    results = {role: variables.get(f"{role}_result") or {} for role in roles}
    ran = [role for role, result in results.items() if role in failures or _has_run(result)]
    return [_outcome(target, role, results[role], failures.get(role, "")) for role in ran] or [RoleOutcome(target)]


def failures_of(outcomes: Iterable[RoleOutcome]) -> dict[str, str]:
    """Why each target that failed did so."""
    failures: dict[str, list[str]] = {}
    for one in outcomes:
        if one.problem:
            failures.setdefault(one.target, []).append(f"{one.role}: {one.problem}")
    return {target: "\n".join(problems) for target, problems in failures.items()}


def table(outcomes: Sequence[RoleOutcome]) -> list[str]:
    """The outcomes in lines of 80 columns, except for longer words: failures first, and where nothing was done last.

    Targets that have the same to report share a row. What quiet targets left out shares one line for each reason.
    """
    alike: dict[tuple[Any, ...], list[RoleOutcome]] = {}
    for one in sorted(outcomes, key=_order):
        alike.setdefault((one.role, one.state, one.reasons, *_without_name(one)), []).append(one)
    rows = [(_row(group), _lines_below_row(group)) for group in alike.values()]
    return [*_format_rows(rows), *_left_out_lines([one for one in outcomes if one.is_quiet])]


def _order(one: RoleOutcome) -> tuple[bool, ...]:
    return (not one.problem, one.is_quiet, not (one.problem or one.sent))


def _without_name(one: RoleOutcome) -> list[str]:
    """The notes on a target with its name left out, so that equal ones can be found."""
    name = re.compile(rf"(?<!\w){re.escape(one.target)}(?!\w)")
    return [name.sub("*", note) for note in _notes(one)]


def _has_run(result: Mapping[str, Any]) -> bool:
    """Whether a task ran; a loop over an empty list did."""
    return "results" in result or (bool(result) and not result.get("skipped"))


def _outcome(target: str, role: str, result: Mapping[str, Any], noted: str) -> RoleOutcome:
    parts = result.get("results", [result])  # of a loop
    imports = [one for part in parts for one in part.get("imports", ())]
    sent = [one for one in imports if one["changed"]]
    problem = noted or "\n".join(problem for problem in map(problem_of, parts) if problem)
    state = max((one["state"] for one in imports), key=STATES.index, default="failed" if problem else "nothing")
    return RoleOutcome(
        target=target,
        role=role,
        state="unreachable" if any(map(_is_unreachable, (result, *parts))) else state,
        reasons=tuple(sorted({one["reason"] for one in imports})),
        wanted=len(imports),
        sent=len(sent),
        size=sum(one.get("size") or 0 for one in sent),
        seconds=max((one["duration"] for one in sent if one.get("duration") is not None), default=None),
        window=max((_window(one["window"]) for one in imports if one.get("window")), key=_end, default=None),
        left_out=tuple(
            LeftOut(str(one["reason"]), one["count"], tuple(one["paths"]))
            for part in parts
            for one in part.get("left_out", ())
        ),
        problem=problem,
        flaws=tuple(str(one["message"]) for one in imports if one.get("message") and _is_flawed(one)),
        warnings=tuple(dict.fromkeys(str(text) for part in parts for text in part.get("warnings", ()))),
        imports=tuple(imports),
    )


def problem_of(result: Mapping[str, Any]) -> str:
    """Why a task, or an item of its loop, failed; empty if it did not."""
    message = str(result.get("msg") or "The task failed.")
    if _is_unreachable(result):
        return f"The host cannot be reached: {message}"
    return message if result.get("failed") or result.get("left_to_report") else ""


def _is_unreachable(result: Mapping[str, Any]) -> bool:
    return bool(result.get("unreachable")) or result.get("state") == "unreachable"


def _is_flawed(one: Mapping[str, Any]) -> bool:
    """Whether people should read what the server says of an import, although it may be good enough."""
    return one["state"] == "incomplete" or (one["state"] == "scheduled" and bool(one["changed"]))


def _window(window: Mapping[str, Any]) -> tuple[str, str]:
    return str(window.get("from") or "beginning of log"), str(window["to"])


def _end(window: tuple[str, str]) -> str:
    return window[1]


def _row(group: Sequence[RoleOutcome]) -> tuple[str, ...]:
    """The cells of a target, or of several that have the same to report."""
    one = group[0]
    wanted, size = sum(each.wanted for each in group), sum(each.size for each in group)
    sent = f"{sum(each.sent for each in group)} of {wanted}" if wanted else "-"
    seconds = [each.seconds for each in group if each.seconds is not None]
    reasons = ", ".join(one.reasons) or "-"
    return (
        one.target if len(group) == 1 else f"{len(group)} targets",
        one.role,
        one.state,
        reasons if len(reasons) <= REASONS_WIDTH else f"{one.reasons[0]}, +{len(one.reasons) - 1}",
        f"{sent}, {format_size(size)}" if size else sent,
        f"{max(seconds):.1f}" if seconds else "-",
    )


def _format_rows(rows: Sequence[tuple[tuple[str, ...], list[str]]]) -> list[str]:
    """The rows below their headings; a name that is too long for its column has a line of its own."""
    widths = [max(map(len, column)) for column in zip(COLUMNS, *(cells for cells, _notes in rows), strict=True)]
    widths[0] = max(len(COLUMNS[0]), min(widths[0], WIDTH - sum(widths[1:]) - len(GAP) * len(widths[1:])))
    lines = []
    for cells, notes in ((COLUMNS, []), *rows):
        name = cells[0]
        if len(name) > widths[0]:
            lines += wrap_text(name)
            name = ""
        *others, last = (cell.ljust(width) for cell, width in zip((name, *cells[1:]), widths, strict=True))
        lines += [GAP.join([*others, last.strip().rjust(widths[-1])]), *notes]
    return lines


def _lines_below_row(group: Sequence[RoleOutcome]) -> list[str]:
    """The lines below a row: the names of several targets, then the time range, then notes."""
    one = group[0]
    notes = _notes(one)
    lines = []
    if len(group) > 1:
        names = [each.target for each in group]
        lines.append(", ".join(names) if any(each.sent or each.problem for each in group) else list_names(names))
        if any(_notes(each) != notes for each in group):
            notes = [f"{one.target}: {notes[0]}", *notes[1:]]
    return note_lines([*lines, _windows(group), *notes])


def _windows(outcomes: Sequence[RoleOutcome]) -> str:
    """The time range of the newest imports; if they differ, when the first and the last of them end."""
    windows = {one.window for one in outcomes if one.window is not None}
    if len(windows) == 1:
        return f"Time range: {' to '.join(windows.pop())}"
    return f"Time ranges: to {min(map(_end, windows))} ... {max(map(_end, windows))}" if windows else ""


def _notes(one: RoleOutcome) -> list[str]:
    """The notes on a target. What a quiet one left out is reported together with that of others."""
    left_out = () if one.is_quiet else sorted(one.left_out, key=lambda left: MISSED not in left.reason)
    problem = shortened(one.problem, MAX_NOTE)
    flaws = [text for text in dict.fromkeys(one.flaws) if text not in problem]  # nothing is reported twice
    warnings = (f"Warning: {text}" for text in one.warnings if not any(text in note for note in (problem, *flaws)))
    notes = (one.problem, *flaws, *warnings, *(left.as_line() for left in left_out))
    return [note for note in notes if note]


def note_lines(notes: Sequence[str]) -> list[str]:
    """Notes as lines below a row: long ones are cut, and each begins a new line."""
    parts = (part for note in notes for part in shortened(note, MAX_NOTE).splitlines())
    return [line for part in parts for line in wrap_text(printable(part), INDENT)]


def _left_out_lines(outcomes: Sequence[RoleOutcome]) -> list[str]:
    """What was left out at these targets, one line for each reason."""
    alike: dict[tuple[str, str], list[LeftOut]] = {}
    for one in outcomes:
        for left in one.left_out:
            alike.setdefault((one.role, left.reason), []).append(left)
    return [line for (role, _reason), group in alike.items() for line in wrap_text(_left_out_line(role, group))]


def _left_out_line(role: str, group: Sequence[LeftOut]) -> str:
    count, paths = sum(left.count for left in group), tuple(path for left in group for path in left.paths)
    where = f" at {len(group)} targets" if len(group) > 1 else ""
    return printable(LeftOut(group[0].reason, count, paths).as_line(f" by {role}{where}"))
