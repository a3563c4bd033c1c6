# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of an import while it goes on: which lines, at which moments, and what must not be in them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    NotSent,
    Outage,
    PollResult,
    Refused,
    Wanted,
    now_text,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import THREAD, Progress
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._receipts.store import Store

from ..fakes import BeforeCommit, ScriptedSystem, TurnedClock, seen
from ..other_run import PATIENCE, wanted

PACE = WaitOptions(timeout=7200, max_pause=1, unreachable_timeout=300)
GIB = 1024**3


@dataclass
class OnItsWay:
    """An upload of which a test says how far it is."""

    size: int
    sent: int = 0
    committed: bool = False

    def __len__(self) -> int:
        return self.size


@dataclass
class Sending:
    """What sends it."""

    secrets: Secrets = field(default_factory=Secrets)
    upload: OnItsWay | None = None


@dataclass
class Watched:
    """Runs whose lines are kept, each with its moment: the seconds since the beginning."""

    store: Store
    system: ScriptedSystem = field(default_factory=ScriptedSystem)
    turned: TurnedClock = field(default_factory=TurnedClock)
    uploader: Sending = field(default_factory=Sending)
    shown: list[tuple[float, str]] = field(default_factory=list)

    def run(self, names: str, policy: Policy | None = None, *, longest: float = 60) -> list[Import]:
        begun = self.turned.moment
        progress = Progress(
            lambda line: self.shown.append((self.turned.moment - begun, line)), longest, self.turned.clock
        )
        progress.uploader = self.uploader
        return self.run_with(progress, names, policy)

    def run_with(self, progress: Progress, names: str, policy: Policy | None = None) -> list[Import]:
        importer = Importer(self.system, self.store, policy or Policy(), PACE, self.turned.clock, progress=progress)
        return importer.run([wanted(name) for name in names])

    def is_under_way(self, task: str, seconds: float, words: str = "PENDING", end: str = "succeeded") -> None:
        """Let a task run for so many seconds from now on."""
        self.system.sights[task] = [PollResult("running", "", None, server_words=words)]
        self.turned.after(seconds, lambda: self.system.sights.update({task: [seen(end)]}))

    @property
    def lines(self) -> list[str]:
        return [line for _moment, line in self.shown]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with closing(open_store(str(tmp_path / "receipts.db"))) as store:
        yield Watched(store)


# Which lines, and when


def test_its_submission_with_the_remote_id_what_the_server_says_and_its_end_are_reported(watched: Watched) -> None:
    watched.is_under_way("task 1", 12)
    watched.run("a")
    first, *between, last = watched.shown
    assert first == (0.0, "target: a, task 1: submitted after 0.0 s")
    assert [line for _moment, line in between] == [
        f"target: a, task 1: PENDING after {moment:.1f} s"
        if moment < 9.95
        else f"target: a, task 1: PENDING after {moment:.0f} s"
        for moment, _line in between
    ]
    assert re.fullmatch(r"target: a, task 1: succeeded after \d\.\d s", last[1])


@pytest.mark.parametrize("longest", [2.0, 10.0, 60.0])
def test_lines_come_often_at_first_and_at_intervals_that_grow_to_the_longest(watched: Watched, longest: float) -> None:
    watched.is_under_way("task 1", 1200)
    watched.run("a", longest=longest)
    moments = [moment for moment, _line in watched.shown[:-1]]
    due = [min(max(5, moment / 5), longest) for moment in moments[1:]]
    late = [later - earlier - wait for earlier, later, wait in zip(moments, moments[1:], due)]
    assert all(-0.01 <= seconds <= PACE.max_pause + 0.01 for seconds in late)
    assert moments[-1] > 1200 - longest - PACE.max_pause


def test_what_was_imported_already_is_not_reported(watched: Watched) -> None:
    watched.run("ab")
    watched.shown.clear()
    assert [one.reason for one in watched.run("ab")] == ["receipt", "receipt"]
    assert watched.shown == []


def test_what_an_earlier_run_sent_is_reported_as_such(watched: Watched, tmp_path: Path) -> None:
    watched.run("a", Policy(wait=False))
    watched.store.close()
    watched.shown.clear()
    with closing(open_store(str(tmp_path / "receipts.db"))) as watched.store:
        watched.run("a")
    assert watched.lines[0] == "target: a, task 1: submitted by an earlier run"
    assert watched.lines[1].startswith("target: a, task 1: succeeded after ")


def test_an_outage_is_reported_in_the_words_of_the_error(watched: Watched) -> None:
    away = Outage("GET https://host/task: connection refused.")
    watched.system.sights["task 1"] = [*[away] * 20, seen("succeeded")]
    watched.run("a")
    told = [line for line in watched.lines if "cannot be asked" in line]
    assert told
    assert told[0].startswith("target: a, task 1: cannot be asked for after ")


def test_a_refusal_is_reported_and_a_server_that_is_not_there_is_left_to_the_error(watched: Watched) -> None:
    watched.system.endings["a"] = [BeforeCommit(Refused("no"))]
    watched.run("a")
    assert [re.sub(r"\d\.\d", "N", line) for line in watched.lines] == ["target: a: failed after N s"]
    watched.shown.clear()
    watched.system.unprepared = NotSent("nobody is there")
    watched.run("b", Policy())
    assert watched.lines == []


def test_of_several_each_end_is_reported_and_between_them_how_many_are_where(watched: Watched) -> None:
    watched.run("a")
    watched.shown.clear()
    watched.system.endings["b"] = [BeforeCommit(Refused("no"))]
    watched.is_under_way("task 2", 40)
    watched.is_under_way("task 3", 60, end="failed")
    watched.system.on_submit = lambda _wanted: watched.turned.sleep(7)
    watched.run("abcd")
    lines = [re.sub("after .*", "after …", line) for line in watched.lines]
    assert list(dict.fromkeys(lines)) == [
        "target: b: failed after …",
        "target: 1 of 4 done, 1 without success, 1 waited for, 1 to go after …",
        "target: 1 of 4 done, 1 without success, 2 waited for after …",
        "target: c, task 2: succeeded after …",
        "target: 2 of 4 done, 1 without success, 1 waited for after …",
        "target: d, task 3: failed after …",
    ]


def test_of_several_that_are_not_waited_for_each_submission_is_reported(watched: Watched) -> None:
    watched.run("ab", Policy(wait=False))
    assert watched.lines == ["target: a, task 1: submitted after 0.0 s", "target: b, task 2: submitted after 0.0 s"]


# While the work itself is silent


class Beside:
    """The lines of a run that has no look at which a line might come, so that they come from a thread."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()

    def show(self, line: str) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def has(self, text: str) -> bool:
        """Whether a line that begins so comes in time."""
        with self._news:
            return self._news.wait_for(lambda: any(line.startswith(text) for line in self.lines), PATIENCE)

    @staticmethod
    def is_over() -> bool:
        return not [thread for thread in threading.enumerate() if thread.name == THREAD]


def test_while_an_upload_is_sent_and_its_answer_awaited_lines_come_from_beside(watched: Watched) -> None:
    beside, upload = Beside(), OnItsWay(size=int(2.1 * GIB))
    watched.uploader.upload = upload

    def send(one: Wanted) -> None:
        begin, end = {
            "a": ("target: 0 of 2 done, 1 being sent (a, ", "), 1 to go after "),
            "b": ("target: 0 of 2 done, 1 waited for, 1 being sent (b, ", ") after "),
        }[one.source]
        upload.sent, upload.committed = 0, False
        assert beside.has(f"{begin}0 % of 2.1 GiB{end}")
        upload.sent = upload.size // 2
        assert beside.has(f"{begin}50 % of 2.1 GiB{end}")
        upload.sent, upload.committed = upload.size, True
        assert beside.has(f"{begin}all of 2.1 GiB sent, no answer yet{end}")

    watched.system.on_submit = send
    with Progress(beside.show, 0.01) as progress:
        progress.uploader = watched.uploader
        watched.run_with(progress, "ab")
    assert beside.is_over()


def test_what_has_no_body_is_reported_while_it_is_submitted(watched: Watched) -> None:
    beside = Beside()

    def start(_wanted: Wanted) -> None:
        assert beside.has("target: a: being submitted after ")

    watched.system.on_submit = start
    with Progress(beside.show, 0.01) as progress:
        watched.run_with(progress, "a")
    assert beside.has("target: a, task 1: submitted after ")


def test_while_the_server_is_asked_before_anything_is_sent_that_is_reported(watched: Watched) -> None:
    beside = Beside()

    def probe() -> None:
        assert beside.has("target: a: not sent yet after ")

    watched.system.probe = probe  # type: ignore[method-assign]  # it takes long
    with Progress(beside.show, 0.01) as progress:
        watched.run_with(progress, "a")


def test_while_another_run_is_at_it_that_is_reported(watched: Watched, tmp_path: Path) -> None:
    with closing(open_store(str(tmp_path / "receipts.db"))) as other:
        attempt = other.claim(wanted("a"), None, now_text())
        assert attempt is not None
        watched.turned.after(20, lambda: other.withdraw(wanted("a").key, attempt))
        watched.run("a")
    assert watched.lines[0] == "target: a: another run is at it after 0.0 s"
    assert "target: a: another run is at it after 5." in watched.lines[1]
    assert watched.lines[-2].startswith("target: a, task 1: submitted after 2")


def test_before_and_after_the_imports_lines_come_too() -> None:
    beside, one = Beside(), Import(wanted("a"))
    with Progress(beside.show, 0.01) as progress:
        assert beside.has("still looking at what is to be imported after ")
        one.finish("succeeded", "")
        progress.start([one], is_waited_for=True)
        assert beside.has("still at what follows the imports after ")


def test_where_nobody_sees_it_there_is_no_thread() -> None:
    with Progress(None) as progress:
        progress.report(Import(wanted("a")))
        assert Beside.is_over()


# What must not be told, and what must not happen


def test_secrets_and_what_a_terminal_obeys_are_not_in_a_line(watched: Watched) -> None:
    watched.uploader.secrets.add("hunter-2-of-a-kind")
    watched.system.endings["a"] = [Accepted("hunter-2-of-a-kind\x1b[2J", None)]
    words = "\x1b]0;title\x07 hunter-2-of-a-kind\r\nsecond line\u202e " + "long " * 100
    watched.is_under_way("hunter-2-of-a-kind\x1b[2J", 6, words)
    watched.run("a")
    for line in watched.lines:
        assert "hunter" not in line
        assert line.isprintable()
        assert len(line) < 300
    assert r"********\x1b[2J: submitted" in watched.lines[0]
    assert r"\x1b]0;title\x07 ******** second line\u202e long" in watched.lines[1]


def test_lines_that_nobody_takes_do_not_keep_the_import(watched: Watched) -> None:
    taken = threading.Event()

    def show(_line: str) -> None:
        taken.wait(PATIENCE)

    with Progress(show, 0.01) as progress:
        (one,) = watched.run_with(progress, "a")
    assert one.state == "succeeded"
    assert not Beside.is_over()  # still at its first line, and left to it
    taken.set()


def test_lines_that_cannot_be_shown_do_not_reach_the_import(watched: Watched) -> None:
    def show(_line: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with Progress(show, 60, watched.turned.clock) as progress:
        (one,) = watched.run_with(progress, "a")
    assert one.state == "succeeded"
    assert progress.error == "BrokenPipeError: [Errno 32] Broken pipe"
