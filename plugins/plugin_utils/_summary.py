# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of the imports of a run, read from what the roles leave in variables, as a table for people.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import STATES

QUIET = ("succeeded", "scheduled", "planned", "nothing", "not run")  # there is nothing to tell of these by themselves
IN_SHORT = 60  # characters of names in a line
LONGEST = 600  # characters of what is told of a target
WIDTH = 80  # columns of what is shown
INDENT = "    "
HANGING = "      "  # of the lines on which a note goes on
GAP = "  "
HEAD = ("target", "import", "state", "reason", "sent", "seconds")
REASONS = 13  # characters; of more, the first is told, and how many there are
MISSED = "called like a"  # a log, in the reason why it was left out: the patterns may be wrong


@dataclass(frozen=True)
class LeftOut:
    """What was found at a target and not imported, for one reason: how many, and the first of them."""

    reason: str
    count: int
    paths: tuple[str, ...]

    def told(self, where: str = "") -> str:
        """In a line, for people."""
        return f"Left out{where}: {self.count}, {self.reason}: {in_short(self.paths, self.count)}"


@dataclass(frozen=True)
class Outcome:
    """What came of a role on a target.

    `wanted` and `sent` count imports; `size` is in bytes. `window` is that of the newest import, from when to when;
    None without one. `problem` is why it failed, and empty if it did not. `flaws` is what there is to know of
    imports that are incomplete, or were scheduled and cannot be asked for. `imports` are the entries of the result.
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


def outcomes_of(target: str, variables: Mapping[str, Any], roles: Iterable[str]) -> list[Outcome]:
    """What came of each role that ran on a target, by the variables of the target."""
    failures = variables.get("import_report_failures") or {}
    results = {role: variables.get(f"{role}_result") or {} for role in roles}
    ran = [role for role, result in results.items() if role in failures or _has_run(result)]
    return [_outcome(target, role, results[role], failures.get(role, "")) for role in ran] or [Outcome(target)]


def failures_of(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """By target, why it failed."""
    failures: dict[str, list[str]] = {}
    for one in outcomes:
        if one.problem:
            failures.setdefault(one.target, []).append(f"{one.role}: {one.problem}")
    return {target: "\n".join(problems) for target, problems in failures.items()}


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """The outcomes in lines of at most 80 columns: failures first, and where nothing was done last.

    Targets of which there is the same to tell share a row. What quiet ones left out shares a line for each reason.
    """
    alike: dict[tuple[Any, ...], list[Outcome]] = {}
    for one in sorted(outcomes, key=_order):
        alike.setdefault((one.role, one.state, one.reasons, *_without_name(one)), []).append(one)
    rows = [(_row(group), _below(group)) for group in alike.values()]
    return [*_laid_out(rows), *_left_out([one for one in outcomes if one.is_quiet])]


def _order(one: Outcome) -> tuple[bool, ...]:
    return (not one.problem, one.is_quiet, not (one.problem or one.sent))


def _without_name(one: Outcome) -> list[str]:
    """What there is to tell of a target, as it would be told of any other."""
    name = re.compile(rf"(?<!\w){re.escape(one.target)}(?!\w)")
    return [name.sub("*", note) for note in _notes(one)]


def _has_run(result: Mapping[str, Any]) -> bool:
    """Whether a task ran, if only over a list without items."""
    return "results" in result or (bool(result) and not result.get("skipped"))


def _outcome(target: str, role: str, result: Mapping[str, Any], noted: str) -> Outcome:
    parts = result.get("results", [result])  # of a loop
    imports = [one for part in parts for one in part.get("imports", ())]
    sent = [one for one in imports if one["changed"]]
    problem = noted or "\n".join(problem for problem in map(problem_of, parts) if problem)
    state = max((one["state"] for one in imports), key=STATES.index, default="failed" if problem else "nothing")
    return Outcome(
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
    """Why a task failed, or an item of its loop; empty if it did not."""
    message = str(result.get("msg") or "The task failed.")
    if _is_unreachable(result):
        return f"The host cannot be reached: {message}"
    return message if result.get("failed") or result.get("left_to_report") else ""


def _is_unreachable(result: Mapping[str, Any]) -> bool:
    return bool(result.get("unreachable")) or result.get("state") == "unreachable"


def _is_flawed(one: Mapping[str, Any]) -> bool:
    """Whether somebody should look at what a server says of an import that may be good enough."""
    return one["state"] == "incomplete" or (one["state"] == "scheduled" and bool(one["changed"]))


def _window(window: Mapping[str, Any]) -> tuple[str, str]:
    return str(window.get("from") or "beginning of log"), str(window["to"])


def _end(window: tuple[str, str]) -> str:
    return window[1]


def _row(group: Sequence[Outcome]) -> tuple[str, ...]:
    """The cells of a target, or of several of which there is the same to tell."""
    one = group[0]
    wanted, size = sum(each.wanted for each in group), sum(each.size for each in group)
    sent = f"{sum(each.sent for each in group)} of {wanted}" if wanted else "-"
    seconds = [each.seconds for each in group if each.seconds is not None]
    reasons = ", ".join(one.reasons) or "-"
    return (
        one.target if len(group) == 1 else f"{len(group)} targets",
        one.role,
        one.state,
        reasons if len(reasons) <= REASONS else f"{one.reasons[0]}, +{len(one.reasons) - 1}",
        f"{sent}, {_size(size)}" if size else sent,
        f"{max(seconds):.1f}" if seconds else "-",
    )


def _laid_out(rows: Sequence[tuple[tuple[str, ...], list[str]]]) -> list[str]:
    """The rows below a head, in columns that fit; a name that does not fit has a line of its own."""
    widths = [max(map(len, column)) for column in zip(HEAD, *(cells for cells, _notes in rows), strict=True)]
    widths[0] = max(len(HEAD[0]), min(widths[0], WIDTH - sum(widths[1:]) - len(GAP) * len(widths[1:])))
    lines = []
    for cells, notes in ((HEAD, []), *rows):
        name = cells[0]
        if len(name) > widths[0]:
            lines += textwrap.wrap(name, WIDTH)
            name = ""
        *others, last = (cell.ljust(width) for cell, width in zip((name, *cells[1:]), widths, strict=True))
        lines += [GAP.join([*others, last.strip().rjust(widths[-1])]), *notes]
    return lines


def _below(group: Sequence[Outcome]) -> list[str]:
    """The lines below a row: of several targets their names, then the time range, and what else there is to tell."""
    one = group[0]
    notes = _notes(one)
    lines = []
    if len(group) > 1:
        names = [each.target for each in group]
        lines.append(", ".join(names) if any(each.sent or each.problem for each in group) else in_short(names))
        if any(_notes(each) != notes for each in group):
            notes = [f"{one.target}: {notes[0]}", *notes[1:]]
    return notes_of([*lines, _windows(group), *notes])


def _windows(outcomes: Sequence[Outcome]) -> str:
    """From when to when the newest imports are; of several windows, only when the first and the last of them end."""
    windows = {one.window for one in outcomes if one.window is not None}
    if len(windows) == 1:
        return f"Time range: {' to '.join(windows.pop())}"
    return f"Time ranges: to {min(map(_end, windows))} ... {max(map(_end, windows))}" if windows else ""


def _notes(one: Outcome) -> list[str]:
    """What there is to tell of a target below its row. What a quiet one left out is told with that of others."""
    left_out = () if one.is_quiet else sorted(one.left_out, key=lambda left: MISSED not in left.reason)
    shown = one.problem[:LONGEST]  # what stands there is not told again
    flaws = [text for text in dict.fromkeys(one.flaws) if text not in shown]
    warnings = (f"Warning: {text}" for text in one.warnings if not any(text in told for told in (shown, *flaws)))
    notes = (one.problem, *flaws, *warnings, *(left.told() for left in left_out))
    return [note for note in notes if note]


def notes_of(notes: Sequence[str]) -> list[str]:
    """What there is to tell of a target, below its line: each as long as it may be, in lines of its own."""
    cut = (note if len(note) <= LONGEST else f"{note[:LONGEST]}..." for note in notes if note)
    return [line for note in cut for part in note.splitlines() for line in wrapped(printable(part), INDENT)]


def wrapped(text: str, indent: str = "") -> list[str]:
    """A text in lines that fit, the later ones indented further."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=HANGING, break_on_hyphens=False)


def _left_out(outcomes: Sequence[Outcome]) -> list[str]:
    """What was left out at these targets, in a line for each reason."""
    alike: dict[tuple[str, str], list[LeftOut]] = {}
    for one in outcomes:
        for left in one.left_out:
            alike.setdefault((one.role, left.reason), []).append(left)
    return [line for (role, _reason), group in alike.items() for line in wrapped(_at_all(role, group))]


def _at_all(role: str, group: Sequence[LeftOut]) -> str:
    count, paths = sum(left.count for left in group), tuple(path for left in group for path in left.paths)
    where = f" at {len(group)} targets" if len(group) > 1 else ""
    return printable(LeftOut(group[0].reason, count, paths).told(f" by {role}{where}"))


def in_short(names: Sequence[str], count: int | None = None) -> str:
    """As many of these as fit a line, and how many more there are, of `count` in all."""
    shown = 1
    while shown < len(names) and len(", ".join(names[: shown + 1])) <= IN_SHORT:
        shown += 1
    left = (len(names) if count is None else count) - shown
    return ", ".join(names[:shown]) + (f" and {left} more" if left else "")


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
