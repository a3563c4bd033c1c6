# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of the imports of a run, read from what the roles leave in variables, as a table for people.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible import constants

from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import printable
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import STATES

QUIET = ("succeeded", "scheduled", "nothing", "not run")  # states of which there is nothing to tell if nothing was sent
LONGEST = 600  # characters of what is told of a target
WIDTH = 100  # characters of names in a line
ROW = "{:24} {:15} {:11} {:18} {:18} {:>8}  {}"
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
    None without one. `problem` is why it failed, and empty if it did not. `flaws` is what the servers said of imports
    that are incomplete.
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

    @property
    def is_quiet(self) -> bool:
        is_missed = any(MISSED in one.reason for one in self.left_out)
        return self.state in QUIET and not (self.sent or self.problem or self.warnings or is_missed)


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
    """The outcomes in lines: failures first. Targets where there was nothing to do share a line.

    So does what was left out there for the same reason, as that is the same every night.
    """
    window = "window" if any(one.window for one in outcomes) else ""
    lines = [ROW.format("target", "import", "state", "reason", "sent", "seconds", window).rstrip()]
    loud = sorted((one for one in outcomes if not one.is_quiet), key=lambda one: not one.problem)
    for one in loud:
        lines += [_row(one.target, one), *_notes(one)]
    alike: dict[tuple[Any, ...], list[Outcome]] = {}
    for one in outcomes:
        if one.is_quiet:
            alike.setdefault((one.role, one.state, one.reasons), []).append(one)
    for group in alike.values():
        lines += _shared(group)
    return [*lines, *_left_out([one for one in outcomes if one.is_quiet])]


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
        flaws=tuple(str(one["message"]) for one in imports if one["state"] == "incomplete"),
        warnings=tuple(dict.fromkeys(str(text) for part in parts for text in part.get("warnings", ()))),
    )


def problem_of(result: Mapping[str, Any]) -> str:
    """Why a task failed, or an item of its loop; empty if it did not."""
    message = str(result.get("msg") or "The task failed.")
    if _is_unreachable(result):
        return f"The host cannot be reached: {message}"
    return message if result.get("failed") or result.get("left_to_report") else ""


def _is_unreachable(result: Mapping[str, Any]) -> bool:
    return bool(result.get("unreachable")) or result.get("state") == "unreachable"


def _window(window: Mapping[str, Any]) -> tuple[str, str]:
    return str(window.get("from") or "beginning of log"), str(window["to"])


def _end(window: tuple[str, str]) -> str:
    return window[1]


def _row(target: str, *outcomes: Outcome) -> str:
    """The line of a target, or of several of which there is the same to tell."""
    one = outcomes[0]
    wanted = sum(each.wanted for each in outcomes)
    sent = f"{one.sent} of {wanted}" if wanted else "-"
    size = f", {_size(one.size)}" if one.size else ""
    seconds = "-" if one.seconds is None else f"{one.seconds:.1f}"
    reasons = ", ".join(one.reasons) or "-"
    return ROW.format(target, one.role, one.state, reasons, sent + size, seconds, _windows(outcomes)).rstrip()


def _windows(outcomes: Sequence[Outcome]) -> str:
    """From when to when the newest imports are; of several windows, only when the first and the last of them end."""
    windows = {one.window for one in outcomes if one.window is not None}
    if len(windows) == 1:
        return " to ".join(windows.pop())
    return f"to {min(map(_end, windows))} ... {max(map(_end, windows))}" if windows else ""


def _notes(one: Outcome) -> list[str]:
    left_out = sorted(one.left_out, key=lambda left: MISSED not in left.reason)
    shown = one.problem[:LONGEST]  # what stands there is not told again
    flaws = (text for text in one.flaws if text not in shown)
    warnings = (f"Warning: {text}" for text in one.warnings if text not in shown)
    return notes_of([one.problem, *flaws, *warnings, *(left.told() for left in left_out)])


def notes_of(notes: Sequence[str]) -> list[str]:
    """What there is to tell of a target, below its line: each as long as it may be, in lines of its own."""
    cut = (note if len(note) <= LONGEST else f"{note[:LONGEST]}..." for note in notes if note)
    return [f"    {printable(line)}" for note in cut for line in note.splitlines()]


def _shared(group: Sequence[Outcome]) -> list[str]:
    """One line for targets of which there is the same to tell, and one with their names."""
    if len(group) == 1:
        return [_row(group[0].target, group[0])]
    return [_row(f"{len(group)} targets", *group), f"    {in_short([one.target for one in group])}"]


def _left_out(outcomes: Sequence[Outcome]) -> list[str]:
    """What was left out at these targets, in a line for each reason."""
    alike: dict[tuple[str, str], list[LeftOut]] = {}
    for one in outcomes:
        for left in one.left_out:
            alike.setdefault((one.role, left.reason), []).append(left)
    return [_at_all(role, group) for (role, _reason), group in alike.items()]


def _at_all(role: str, group: Sequence[LeftOut]) -> str:
    count, paths = sum(left.count for left in group), tuple(path for left in group for path in left.paths)
    where = f" at {len(group)} targets" if len(group) > 1 else ""
    return printable(LeftOut(group[0].reason, count, paths).told(f" by {role}{where}"))


def in_short(names: Sequence[str], count: int | None = None) -> str:
    """As many of these as fit a line, and how many more there are, of `count` in all."""
    shown = 1
    while shown < len(names) and len(", ".join(names[: shown + 1])) <= WIDTH:
        shown += 1
    left = (len(names) if count is None else count) - shown
    return ", ".join(names[:shown]) + (f" and {left} more" if left else "")


def is_stdout_for_programs() -> bool:
    """Whether lines for people have to go to standard error."""
    callback = str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
    return callback.rpartition(".")[2] in ("json", "jsonl")


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
