# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed, and connections that are cut: the next run makes it one import, or says that nobody can know.

The module is killed by SIGKILL after every statement to the receipt store, after every block that it sends and within
it, and after every answer. Where exactly is decided by the module's own process (`crashing.py`), or by the sandbox,
which holds a request at a known place. Nothing here waits for time to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ...sandbox.licstat.view import Task
from ...stores import KINDS, ask, check_that_it_is_whole, new_store
from ..crashing import Crash, Crasher, more_than_buffers_hold
from ..kills import first, kill_at_each, last_block, moments
from ..support import assert_failed, only
from .report_logs import AT_ONCE, PATIENCE, ReportLogs, assert_imported, digest_of

SIZE = 2500  # bytes: three blocks of the small ones that `crashing` sets
LARGE = more_than_buffers_hold()


class Phase(IntEnum):
    """How far a killed run had come, by what it had written to the store."""

    NOT_CLAIMED = 0
    CLAIMED = 1
    SENT = 2
    ACCEPTED = 3


def phase_of(crash: Crash) -> Phase:
    if crash.came_to("record submitted: after COMMIT"):
        return Phase.ACCEPTED
    if crash.came_to("mark_sent: after COMMIT"):
        return Phase.SENT
    return Phase.CLAIMED if crash.came_to("claim: after COMMIT") else Phase.NOT_CLAIMED


class Case(ReportLogs):
    """One or more logs with a receipt store of their own, and the module to import them with."""

    def __init__(
        self, sandbox: Sandbox, folder: Path, *, logs: int = 1, size: int = SIZE, store: str | None = None
    ) -> None:
        super().__init__(sandbox, folder, store)
        self.uploads_before = 0
        self.logs = [self.log(size) for _unused in range(logs)]

    def options(self, *logs: Path, **options: Any) -> dict[str, Any]:
        return super().options(*(logs or self.logs), **options)

    def taken(self, log: int = 0) -> list[Task]:
        """What the sandbox took of a log, once no request is under way any more."""
        return self.accepted(self.logs[log])

    def assert_at_rest(self, *, attempts: int | None = None) -> None:
        """The receipt tells of the import that the sandbox took last, a further run has nothing to do, and the store is
        whole.
        """
        requests = len(self.sandbox.requests())
        rest = self()
        assert_imported(rest, changed=False, reason="receipt")
        for number, one in enumerate(rest["imports"]):
            assert one["remote_id"] == self.taken(number)[-1].tid
            assert one["content_sha256"] == digest_of(self.logs[number])
            assert attempts in (None, one["attempts"])
        assert len(self.sandbox.requests()) == requests, "a run with nothing to do asked the server"
        check_that_it_is_whole(self.location)
        assert ask(self.location, "SELECT count(*) FROM runs")[0][0] <= 1, "who ended well is still at work"


def assert_unknown(result: dict[str, Any], *, changed: bool = False) -> None:
    """It fails, and says what to do."""
    assert_failed(result, "on_unknown=retry", state="unknown", changed=changed)


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox that carries tasks out at once; tests set it back before each kill."""
    with Sandbox(config={"licstat": AT_ONCE}) as sandbox:
        yield sandbox


Prepare = Callable[[Case], None]


def nothing(case: Case) -> None:
    """The log was never heard of."""


def submitted(case: Case) -> None:
    """A run before sent it and did not wait."""
    assert only(case(wait=False))["state"] == "submitted"


def unknown(case: Case) -> None:
    """The answer to a run before was lost, though the server took the import."""
    case.sandbox.fault("drop", operation="import", when="after_work")
    assert only(case())["state"] == "unknown"


def succeeded(case: Case) -> None:
    """It was imported."""
    assert only(case())["state"] == "succeeded"


def failed(case: Case) -> None:
    """The server refused it."""
    case.sandbox.fault("status", operation="import", when="after_body", status=400)
    assert only(case())["state"] == "failed"


# What had happened, the options of the run that is killed, and how many imports the server has before it.
SITUATIONS: dict[str, tuple[Prepare, dict[str, Any], int]] = {
    "a first run": (nothing, {}, 0),
    "a run after a failure": (failed, {}, 0),
    "a run that resumes": (submitted, {}, 1),
    "a run that retries an unknown import": (unknown, {"on_unknown": "retry"}, 1),
    "a forced run": (succeeded, {"force": True}, 1),
}


# At every how-manieth moment a run is killed, as a rule: most of what later runs come to, the first does as well. With
# PostgreSQL, what a run does beside the store is the same.
KILLED = [
    ("a first run", "SQLite", 1),
    ("a run after a failure", "SQLite", 3),
    ("a run that resumes", "SQLite", 2),
    ("a run that retries an unknown import", "SQLite", 3),
    ("a forced run", "SQLite", 3),
    ("a first run", "PostgreSQL", 4),
    ("a run after a failure", "PostgreSQL", 10),
    ("a run that resumes", "PostgreSQL", 10),
    ("a run that retries an unknown import", "PostgreSQL", 4),
    ("a forced run", "PostgreSQL", 10),
]


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "kind", "usual"), KILLED)
def test_a_run_killed_anywhere_is_made_good_by_the_next_one(
    situation: str,
    kind: str,
    usual: int,
    stride: Callable[[int], int],
    own_sandbox: Sandbox,
    crasher: Crasher,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare, options, before = SITUATIONS[situation]

    counts = dict.fromkeys(Phase, 0)

    def run(name: str, kill_at: int | None = None) -> tuple[Case, Crash]:
        store = new_store(kind, tmp_path / name, request)
        return crash_run(own_sandbox, crasher, tmp_path / name, prepare, options, kill_at, store=store)

    def look(case: Case, crash: Crash) -> None:
        counts[phase_of(crash)] += 1
        check_next_run(case, crash, situation, before, was_sent_whole=crash.came_to(last_block(whole)))

    whole = run("whole")[1]
    assert whole.result is not None
    assert_imported(whole.result, changed=situation != "a run that resumes")
    # Up to its first write, a run that finds a store does nothing that the first run did not do as well.
    numbers = moments(whole, made(whole) if situation == "a first run" else first_write(whole))
    kill_at_each(numbers[:: stride(usual)], whole, run, look)

    are_all_met = all(counts.values()) or stride(1) > 1  # where few points are tried, phases may be missed
    assert situation == "a run that resumes" or are_all_met, counts
    with capsys.disabled():
        places = ", ".join(f"{count} {phase.name.lower().replace('_', ' ')}" for phase, count in counts.items())
        killed = f"{sum(counts.values())} of {len(numbers)} moments"
        print(f"\n  {kind}: {situation} was killed at {killed} ({places})", end=" ")


def made(crash: Crash) -> int:
    """The point at which a first run has made its store."""
    return first(crash, "after COMMIT")


def first_write(crash: Crash) -> int:
    """The point at which a run first writes to the receipt, or asks the server."""
    return first(crash, "before claim", "before status block 1")


def crash_run(
    sandbox: Sandbox,
    crasher: Crasher,
    folder: Path,
    prepare: Prepare,
    options: dict[str, Any],
    kill_at: int | None = None,
    *,
    logs: int = 1,
    store: str | None = None,
) -> tuple[Case, Crash]:
    """A case in its situation, and a run of it that is killed. Its first look finds the task at work."""
    sandbox.reset()
    case = Case(sandbox, folder, logs=logs, store=store)
    prepare(case)
    case.uploads_before = sum(request.complete for request in sandbox.requests(operation="import"))
    sandbox.fault("patch", operation="status", set={"data.sts": "PENDING"})
    crash = crasher.run(case.module, case.options(**options), kill_at)
    sandbox.clear_faults()
    return case, crash


def check_next_run(case: Case, crash: Crash, situation: str, before: int, *, was_sent_whole: bool) -> None:
    """One import by this attempt; or at most one, and reported as unknown, where it was sent and nothing was heard."""
    phase = phase_of(crash)
    held = before + was_sent_whole
    if was_sent_whole:  # what a killed client sent whole is taken, be it a little later
        case.sandbox.wait_for("complete", operation="import", count=case.uploads_before + 1, timeout=PATIENCE)
    assert len(case.taken()) == held

    again = case()
    if phase is Phase.SENT:
        assert_unknown(again)
        assert len(case.taken()) == held, "what may have been imported was sent again without asking"
        assert_unknown(case())
        assert_imported(case(on_unknown="retry"), changed=True, reason="retried")
        assert len(case.taken()) == held + 1
    elif phase is Phase.NOT_CLAIMED and situation == "a run that retries an unknown import":
        assert_unknown(again)
        assert len(case.taken()) == before
        return
    elif phase is Phase.ACCEPTED or situation in ("a run that resumes", "a forced run"):
        # An earlier success stands, whatever became of the attempt to repeat it before anything was sent.
        assert_imported(again, changed=False)
        assert len(case.taken()) == held
    else:
        assert_imported(again, changed=True)
        assert len(case.taken()) == before + 1
    case.assert_at_rest()


@pytest.mark.slow
def test_a_task_of_two_logs_killed_anywhere_is_made_good_log_by_log(
    own_sandbox: Sandbox,
    crasher: Crasher,
    stride: Callable[[int], int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of the two, only the one that was being sent may be unknown; the next run sees to the other all the same."""
    unknowns = 0

    def run(name: str, kill_at: int | None = None) -> tuple[Case, Crash]:
        return crash_run(own_sandbox, crasher, tmp_path / name, nothing, {}, kill_at, logs=2)

    def look(case: Case, crash: Crash) -> None:
        nonlocal unknowns
        whole_uploads = crash.points.count(last_block(whole))
        answered = crash.points.count("record submitted: after COMMIT")
        was_on_its_way = crash.points.count("mark_sent: after COMMIT") > answered
        if whole_uploads:
            own_sandbox.wait_for("complete", operation="import", count=whole_uploads, timeout=PATIENCE)

        again = case()
        expected = ["succeeded", "succeeded"]
        if was_on_its_way:
            unknowns += 1
            expected[answered] = "unknown"
            assert str(case.logs[answered]) in again["msg"]
            assert str(case.logs[1 - answered]) not in again["msg"]
            assert len(case.taken(answered)) == (whole_uploads > answered)
            assert len(case.taken(1 - answered)) == 1
        else:
            assert [len(case.taken(log)) for log in (0, 1)] == [1, 1]
        assert [one["state"] for one in again["imports"]] == expected
        if was_on_its_way:
            assert_imported(case(on_unknown="retry"), changed=True)
        case.assert_at_rest()

    whole = run("whole")[1]
    numbers = moments(whole)[:: stride(3)]
    kill_at_each(numbers, whole, run, look)
    assert unknowns > 5 // stride(1), whole.points
    with capsys.disabled():
        print(f"\n  a task of two logs was killed at {len(numbers)} of {len(moments(whole))} moments", end=" ")


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_whose_making_was_killed_is_a_new_one_to_the_next_run(
    kind: str, own_sandbox: Sandbox, crasher: Crasher, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The next run says so, and refuses where a store is required: nothing was ever written to this one."""

    def run(name: str, kill_at: int | None = None) -> tuple[Case, Crash]:
        store = new_store(kind, tmp_path / name, request)
        return crash_run(own_sandbox, crasher, tmp_path / name, nothing, {}, kill_at, store=store)

    def look(case: Case, _crash: Crash) -> None:
        refused = case(require_receipts=True)
        assert refused.get("failed"), "an empty store was taken for one"
        assert "require_receipts" in refused["msg"]
        again = case()
        assert again["receipts"]["created"], "nobody was told of the new store"
        assert_imported(again, changed=True)
        assert len(case.taken()) == 1

    whole = run("whole")[1]
    numbers = [number for number in moments(whole, 1) if number < made(whole)]
    kill_at_each(numbers, whole, run, look)
    assert len(numbers) > 10, whole.points


# Killed while the server holds the request.

# Where the server stands still, whether all was sent by then, and over what.
HELD: dict[str, tuple[dict[str, Any], bool, str]] = {
    "before the body is read": ({"action": "stall", "when": "before_body"}, False, "sandbox"),
    "in the middle of the body": ({"action": "stall", "after_bytes": LARGE // 8}, False, "sandbox"),
    "after the whole body": ({"action": "hold", "when": "after_body"}, True, "sandbox"),
    "in the middle of the body, over TLS": ({"action": "stall", "after_bytes": LARGE // 8}, False, "tls_sandbox"),
    "after the work, over TLS": ({"action": "hold", "when": "after_work"}, True, "tls_sandbox"),
}


@pytest.mark.parametrize("place", HELD)
def test_a_run_killed_while_the_server_holds_its_upload_imports_once_at_most(
    place: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fault, was_sent_whole, server = HELD[place]
    sandbox: Sandbox = request.getfixturevalue(server)
    sandbox.configure(**AT_ONCE)
    case = Case(sandbox, tmp_path / "case", size=SIZE if was_sent_whole else LARGE)
    sandbox.fault(operation="import", **fault)
    module = case.start()
    case.wait_until_held()

    module.kill()
    sandbox.clear_faults()
    assert len(case.taken()) == was_sent_whole

    if was_sent_whole:
        assert_unknown(case())
        assert len(case.taken()) == 1
        assert_imported(case(on_unknown="retry"), changed=True)
    else:
        assert_imported(case(), changed=True)
        assert len(case.taken()) == 1
    case.assert_at_rest()


# Connections that are cut under TLS; `imports/test_faults.py` has those without.


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("reset", [True, False], ids=["by a reset", "by an orderly close"])
@pytest.mark.parametrize("place", [{"when": "before_body"}, {"after_bytes": LARGE // 8}])
def test_an_upload_that_was_cut_off_is_sent_again_by_itself(
    place: dict[str, Any], reset: bool, tls_sandbox: Sandbox, tmp_path: Path
) -> None:
    """At once while the run goes on, and by the next run when it was cut off each time."""
    tls_sandbox.configure(**AT_ONCE)
    case = Case(tls_sandbox, tmp_path / "once", size=LARGE)
    tls_sandbox.fault("drop", operation="import", reset=reset, **place)
    assert_imported(case(), changed=True)
    assert len(case.taken()) == 1
    assert len(case.uploads) == 2
    case.assert_at_rest(attempts=1)

    case = Case(tls_sandbox, tmp_path / "always", size=LARGE)
    tls_sandbox.fault("drop", operation="import", reset=reset, times=None, **place)
    assert_failed(case(), state="failed", changed=False)
    assert case.taken() == []
    tls_sandbox.clear_faults()
    assert_imported(case(), changed=True, reason="retried")
    assert len(case.taken()) == 1
    case.assert_at_rest(attempts=2)


@pytest.mark.parametrize("reset", [True, False], ids=["by a reset", "by an orderly close"])
@pytest.mark.parametrize(("when", "is_taken"), [("after_body", False), ("after_work", True)])
def test_an_upload_cut_off_after_its_last_block_is_unknown_and_not_sent_again(
    when: str, is_taken: bool, reset: bool, tls_sandbox: Sandbox, tmp_path: Path
) -> None:
    tls_sandbox.configure(**AT_ONCE)
    case = Case(tls_sandbox, tmp_path / "case")
    tls_sandbox.fault("drop", operation="import", reset=reset, when=when)

    assert_unknown(case(), changed=True)  # it may have made the server start an import
    assert len(case.taken()) == is_taken

    assert_unknown(case())
    assert len(case.uploads) == 1
    assert_imported(case(on_unknown="retry"), changed=True)
    assert len(case.taken()) == 1 + is_taken
    case.assert_at_rest(attempts=2)
