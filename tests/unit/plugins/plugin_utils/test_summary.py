# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a run: whatever the roles left behind, failures come first and none is hidden."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.plugin_utils._summary import failures_of, outcomes_of, table

ROLES = ["licstat_import", "haplo_batch"]


def one(state: str, reason: str, *, changed: bool = False, **more: Any) -> dict[str, Any]:
    """An import in the result of a module."""
    return {"state": state, "reason": reason, "changed": changed, "size": None, "duration": None, **more}


def result(*imports: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"imports": list(imports), "changed": any(each["changed"] for each in imports), **more}


SENT = one("succeeded", "new", changed=True, size=39_900, duration=1.52)
KNOWN = one("succeeded", "receipt")
REFUSED = one("failed", "new", message="It is not enabled.")


def summarize(**variables: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The table without its head, and the failures, for targets with these variables."""
    outcomes = [found for target, known in variables.items() for found in outcomes_of(target, known, ROLES)]
    return table(outcomes)[1:], failures_of(outcomes)


def words(line: str) -> list[str]:
    return line.split()


def test_a_target_is_shown_with_what_was_sent_and_how_long_it_took() -> None:
    lines, failures = summarize(cad={"licstat_import_result": result(SENT, KNOWN)})

    (line,) = lines
    assert " ".join(words(line)) == "cad licstat_import succeeded new, receipt 1 of 2, 39.9 kB 1.5"
    assert failures == {}


def test_failures_come_first_then_what_was_sent_and_the_rest_shares_lines() -> None:
    lines, failures = summarize(
        idle1={"licstat_import_result": result(KNOWN)},
        sent={"licstat_import_result": result(SENT)},
        idle2={"licstat_import_result": result(KNOWN, KNOWN)},
        refused={"licstat_import_result": result(REFUSED, failed=True, msg="debug.log.1: It is not enabled.")},
        other={},
    )

    assert [words(line)[0] for line in lines] == ["refused", "debug.log.1:", "sent", "2", "idle1,", "other"]
    assert lines[1] == "    debug.log.1: It is not enabled."
    assert words(lines[3]) == ["2", "targets", "licstat_import", "succeeded", "receipt", "0", "of", "3", "-"]
    assert lines[4] == "    idle1, idle2"
    assert words(lines[5]) == ["other", "-", "not", "run", "-", "-", "-"]
    assert failures == {"refused": "licstat_import: debug.log.1: It is not enabled."}


@pytest.mark.parametrize(
    ("variables", "state", "says"),
    [
        (  # a loop, of which Ansible itself says only "One or more items failed"
            {
                "haplo_batch_result": {
                    "failed": True,
                    "msg": "One or more items failed",
                    "results": [result(KNOWN), result(REFUSED, failed=True, msg="The key is refused.")],
                }
            },
            "failed",
            "haplo_batch: The key is refused.",
        ),
        (
            {"licstat_import_result": {"unreachable": True, "msg": "No route to host", "changed": False}},
            "unreachable",
            "licstat_import: The host cannot be reached: No route to host",
        ),
        (  # arguments that are wrong: there is no result
            {"import_report_failures": {"licstat_import": "Validation of arguments failed:\nsrc is wrong"}},
            "failed",
            "licstat_import: Validation of arguments failed:\nsrc is wrong",
        ),
        (  # all is in, but a log could not be put away
            {"licstat_import_result": result(SENT, failed=True, msg="a.log could not be archived: no space.")},
            "succeeded",
            "licstat_import: a.log could not be archived: no space.",
        ),
        (  # the second play of two was skipped, as the first had failed
            {"haplo_batch_result": {"skipped": True}, "import_report_failures": {"haplo_batch": "Refused."}},
            "failed",
            "haplo_batch: Refused.",
        ),
        ({"licstat_import_result": {"failed": True}}, "failed", "licstat_import: The task failed."),
        (  # nothing was sent, and what was sent before has no end
            {"haplo_batch_result": result(one("scheduled", "resumed"), failed=True, msg="It was not finished.")},
            "scheduled",
            "haplo_batch: It was not finished.",
        ),
        (  # a dry run that went as it may, but nobody knows how
            {
                "haplo_batch_result": result(one("scheduled", "new", changed=True)),
                "import_report_failures": {"haplo_batch": "Nothing is imported here."},
            },
            "scheduled",
            "haplo_batch: Nothing is imported here.",
        ),
        (  # the message has what is wrong with it of the task
            {
                "haplo_batch_result": result(
                    one("incomplete", "receipt", message="It ended with 2 errors: name."),
                    failed=True,
                    msg="people.json: It ended with 2 errors: name.",
                )
            },
            "incomplete",
            "haplo_batch: people.json: It ended with 2 errors: name.",
        ),
    ],
)
def test_no_failure_is_hidden(variables: dict[str, Any], state: str, says: str) -> None:
    lines, failures = summarize(target=variables)

    assert failures == {"target": says}
    assert words(lines[0])[:3] == ["target", says.split(":", maxsplit=1)[0], state]
    assert [line.strip() for line in lines[1:]] == says.split(": ", 1)[1].splitlines()


def test_a_target_in_two_groups_has_two_lines_and_one_list_of_failures() -> None:
    failed = {"failed": True, "msg": "No."}
    lines, failures = summarize(both={"licstat_import_result": failed, "haplo_batch_result": failed})

    assert [words(line)[:3] for line in lines[::2]] == [
        ["both", "licstat_import", "failed"],
        ["both", "haplo_batch", "failed"],
    ]
    assert failures == {"both": "licstat_import: No.\nhaplo_batch: No."}


@pytest.mark.parametrize(
    ("variables", "state"),
    [
        ({"licstat_import_result": result()}, "nothing"),
        ({"licstat_import_result": {"results": [], "skipped": True}}, "nothing"),
        ({"licstat_import_result": {"skipped": True}}, "not run"),
        ({}, "not run"),
    ],
)
def test_what_did_not_run_differs_from_what_found_nothing(variables: dict[str, Any], state: str) -> None:
    lines, failures = summarize(target=variables)

    assert state in lines[0]
    assert failures == {}


def test_what_is_good_enough_is_shown_with_its_flaws() -> None:
    errors = [one("incomplete", "receipt", message=f"It ended with {count} errors: name.") for count in (2, 3)]
    accepted = {"haplo_batch_result": result(KNOWN, errors[0])}
    failed = {"haplo_batch_result": result(*errors, failed=True, msg=f"arts: {errors[1]['message']}")}
    lines, failures = summarize(accepted=accepted, failed=failed)

    assert [line.strip() for line in lines if line.startswith(" ")] == [
        "arts: It ended with 3 errors: name.",
        "It ended with 2 errors: name.",
        "It ended with 2 errors: name.",
    ]
    assert [words(line)[:3] for line in lines if not line.startswith(" ")] == [
        ["failed", "haplo_batch", "incomplete"],
        ["accepted", "haplo_batch", "incomplete"],
    ]
    assert failures == {"failed": "haplo_batch: arts: It ended with 3 errors: name."}


@pytest.mark.parametrize(
    "known", [result(one("running", "joined")), result(one("submitted", "new")), result(KNOWN, warnings=["Odd."])]
)
def test_what_is_not_over_and_what_was_warned_of_comes_before_what_is_well(known: dict[str, Any]) -> None:
    lines, _failures = summarize(
        well={"licstat_import_result": result(KNOWN)},
        one={"licstat_import_result": known},
        two={"licstat_import_result": known},
    )

    rows = [words(line)[:2] for line in lines if not line.startswith(" ")]
    assert rows == [["2", "targets"], ["well", "licstat_import"]]
    notes = [line.strip() for line in lines if line.startswith(" ")]
    assert notes == ["one, two", *(["Warning: Odd."] if "warnings" in known else [])]


def test_a_reason_that_many_have_is_shown_once_with_any_names() -> None:
    def refused(target: str, why: str) -> dict[str, Any]:
        return {"licstat_import_result": result(REFUSED, failed=True, msg=f"/logs/{target}/debug.log.1: {why}")}

    targets = {f"server{number}": refused(f"server{number}", "No route to host") for number in range(20)}
    lines, failures = summarize(**targets, odd=refused("odd", "It is not enabled."))

    rows = [words(line)[:2] for line in lines if not line.startswith(" ")]
    assert rows == [["20", "targets"], ["odd", "licstat_import"]]
    assert "\n".join(lines).count("No route to host") == 1
    assert "    server0: /logs/server0/debug.log.1: No route to host" in lines
    assert all(name in " ".join(lines) for name in targets)
    assert len(failures) == 21


def test_lines_fit_a_terminal_paths_stay_whole_and_no_word_is_lost() -> None:
    name = "license-server-of-a-department-with-a-name.engineering.example.com"
    path = f"/srv/{'deep/' * 30}debug.log.1:"
    message = f"{path} License Statistics says: {'The log contains no date. ' * 8}"
    failed = result(REFUSED, failed=True, msg=message, warnings=["Odd. " * 40])
    mixed = result(SENT, *(one("succeeded", reason) for reason in ("duplicate", "resumed", "receipt", "retried")))
    lines, _failures = summarize(**{name: {"licstat_import_result": failed}, "x": {"licstat_import_result": mixed}})

    assert [line.strip() for line in lines if len(line) > 80] == [path]
    assert lines[0] == name
    assert lines[1].startswith("  ")
    assert words(lines[1])[:3] == ["licstat_import", "failed", "new"]
    assert message.replace(" ", "") in "".join(lines).replace(" ", "")
    (row,) = [line for line in lines if line.startswith("x ")]
    assert "duplicate, +4" in row


EXCLUDED = {"reason": "excluded by *.gz", "count": 12, "paths": [f"/srv/debug.log.{number}.gz" for number in range(10)]}
YOUNG = {"reason": "written to less than 120 s ago", "count": 1, "paths": ["/srv/debug.log.1"]}
STRAY = {
    "reason": "called like a rotated log, but taken by none of the patterns",
    "count": 2,
    "paths": ["/srv/lmgrd.log.1", "/srv/lmgrd.log.2"],
}


def test_what_is_left_out_everywhere_shares_a_line_and_what_may_be_missed_is_shown_with_its_target() -> None:
    idle = {f"idle{number}": {"licstat_import_result": result(KNOWN, left_out=[EXCLUDED])} for number in range(30)}
    missed = {"licstat_import_result": result(KNOWN, left_out=[EXCLUDED, STRAY])}
    sent = {"licstat_import_result": result(SENT, left_out=[YOUNG])}

    lines, _failures = summarize(
        **idle, alone={"haplo_batch_result": result(left_out=[YOUNG])}, missed=missed, sent=sent
    )

    rows = [words(line)[0] for line in lines if line.startswith(("missed", "30 ", "alone", "sent"))]
    assert rows == ["missed", "sent", "30", "alone"]
    text = " ".join(" ".join(lines).split())
    shown = "/srv/debug.log.0.gz, /srv/debug.log.1.gz"
    for left_out in (
        "Left out: 2, called like a rotated log, but taken by none of the patterns: /srv/lmgrd.log.1, /srv/lmgrd.log.2",
        f"Left out: 12, excluded by *.gz: {shown}",
        f"Left out by licstat_import at 30 targets: 360, excluded by *.gz: {shown}",
        "and 358 more",
        "Left out by haplo_batch: 1, written to less than 120 s ago: /srv/debug.log.1",
        "Left out by licstat_import: 1, written to less than 120 s ago: /srv/debug.log.1",
    ):
        assert text.count(left_out) == 1, lines
    assert max(map(len, lines)) <= 80


WEEK = [f"2026-11-2{day} 00:00:00" for day in range(7)]


def windows(*ends: tuple[int | None, int]) -> dict[str, Any]:
    """A result with imports of these windows, from and to days of the week."""
    day = [{"from": None if begin is None else WEEK[begin], "to": WEEK[end]} for begin, end in ends]
    return {"licstat_import_result": result(*({**KNOWN, "window": window} for window in day))}


@pytest.mark.parametrize(
    ("results", "shown"),
    [
        ([windows((1, 2))], f"{WEEK[1]} to {WEEK[2]}"),
        ([windows((1, 2), (4, 5), (2, 4))], f"{WEEK[4]} to {WEEK[5]}"),
        ([windows((None, 3))], f"beginning of log to {WEEK[3]}"),
        ([windows((1, 2)), windows((1, 2))], f"{WEEK[1]} to {WEEK[2]}"),
        ([windows((1, 2)), windows((0, 2)), windows((2, 3))], f"to {WEEK[2]} ... {WEEK[3]}"),
        ([windows((1, 2)), {"licstat_import_result": result({**KNOWN, "window": None})}], f"{WEEK[1]} to {WEEK[2]}"),
    ],
)
def test_the_window_of_the_newest_import_stands_below_the_row(results: list[dict[str, Any]], shown: str) -> None:
    lines, _failures = summarize(**{f"target{number}": one for number, one in enumerate(results)})

    assert lines[-1] in (f"    Time range: {shown}", f"    Time ranges: {shown}")
    assert lines[0].endswith(" -")


def test_without_windows_no_time_range_is_shown() -> None:
    lines, _failures = summarize(cad={"licstat_import_result": result({**KNOWN, "window": None}, KNOWN)})

    assert len(lines) == 1


def test_a_warning_of_each_item_of_a_loop_is_shown_once() -> None:
    looped = {"results": [result(KNOWN, warnings=["Odd."]), result(KNOWN, warnings=["Odd."])]}
    lines, _failures = summarize(target={"licstat_import_result": looped})

    assert lines[1:] == ["    Warning: Odd."]


def test_a_warning_that_is_why_it_failed_is_shown_once() -> None:
    known = result(one("scheduled", "new", changed=True), warnings=["It could not be told.", "Odd."])
    variables = {"haplo_batch_result": known, "import_report_failures": {"haplo_batch": "No: It could not be told."}}
    lines, _failures = summarize(target=variables)

    assert [line.strip() for line in lines[1:]] == ["No: It could not be told.", "Warning: Odd."]


def test_many_names_are_shortened_and_long_texts_cut_and_made_printable() -> None:
    idle = {f"target{number:03}": {"licstat_import_result": result(KNOWN)} for number in range(500)}
    failed = {"odd": {"licstat_import_result": {"failed": True, "msg": "\x1b[2J" + "x" * 5000}}}

    lines, _failures = summarize(**idle, **failed)

    text = "".join(line.strip() for line in lines[1:-2])
    assert text.startswith("\\x1b[2Jxxx")
    assert len(text) < 620
    assert words(lines[-2])[:2] == ["500", "targets"]
    assert lines[-1].endswith(" and 495 more")
    assert lines[-1].count("target") == 5


def test_where_to_look_for_what_cannot_be_asked_for_is_shown_once() -> None:
    where = "Its log is on the page of the batch: https://research.example.ac.uk/do/batches"
    sent = one("scheduled", "new", changed=True, message=where)
    lines, _failures = summarize(
        now={"haplo_batch_result": result(sent, warnings=[where])},
        before={"haplo_batch_result": result({**sent, "changed": False, "reason": "receipt"})},
    )

    assert words(lines[0])[0] == "now"
    assert " ".join(" ".join(lines).split()).count(where) == 1
    assert "Warning" not in " ".join(lines)
    assert words(lines[-1])[0] == "before"
