# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see of an import while it goes on: which line, and when.

A line comes when an import was submitted and when it is over, and between those at growing intervals. A thread shows
it, so that it comes in time while the work itself is silent, as during an upload. Where nobody sees the lines there is
no thread, and nothing is computed.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Protocol

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Upload, shortened
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets, printable
from ansible_collections.assetops.imports.plugins.module_utils._common.threads import start_thread
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock

if TYPE_CHECKING:
    from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import

FIRST_PAUSE = 5.0  # seconds between the first lines, unless the user wants more of them
GROWTH = 5.0  # then a line comes after a fifth of the time that has passed
SHOWN_WORDS = 200  # characters of what a server says
THREAD = "progress"
LAST_LINE_TIMEOUT = 1.0  # seconds for a line that is being shown while the work ends

# Where an import is, in the summary of several, in this order.
STAGES = ("done", "without success", "waited for", "with another run", "being sent", "to go")


class Uploader(Protocol):
    """What sends to the server: what is on its way, and what must not be seen."""

    @property
    def secrets(self) -> Secrets: ...

    @property
    def upload(self) -> Upload | None: ...


class Progress:
    """Shows lines about imports while they go on, or does nothing at all where `show` is None.

    There are at most `max_pause` seconds from one line to the next. It is a context, within which a thread shows the
    lines without delaying the work. An error in here does not reach the work; `error` says what it was.
    """

    def __init__(
        self,
        show: Callable[[str], None] | None = None,
        max_pause: float = 60.0,
        clock: Clock | None = None,
    ) -> None:
        self.uploader: Uploader | None = None
        self.error = ""
        self._show = show
        self._max_pause = max_pause
        self._clock = clock or Clock()
        self._begun = self._last = self._clock.now()
        self._imports: list[Import] = []
        self._is_waited_for = True
        self._stages: dict[str, str] = {}  # as last reported, by the keys of the imports
        self._being_sent: Import | None = None
        self._lines: list[str] = []  # that are not shown yet
        self._is_over = False
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        if self._show is not None:
            self._thread = start_thread(self._keep_reporting, name=THREAD)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._thread is not None:
            with self._news:
                self._is_over = True
                self._news.notify()
            self._thread.join(LAST_LINE_TIMEOUT)

    def start(self, imports: list[Import], *, is_waited_for: bool) -> None:
        """Report about these from now on. `is_waited_for`: their ends will be seen."""
        self._imports, self._is_waited_for, self._stages = imports, is_waited_for, {}

    @contextmanager
    def sending(self, one: Import) -> Iterator[None]:
        """While this lasts, an import is being sent."""
        self._being_sent, self._stages[one.wanted.key] = one, "being sent"
        try:
            yield
        finally:
            self._being_sent = None

    def report(self, one: Import) -> None:
        """Something was done about an import, or it was polled. Show a line if that is news, or if one is due."""
        if self._show is None:
            return
        before, now = self._stages.get(one.wanted.key, ""), _stage(one)
        self._stages[one.wanted.key] = now
        with self._news:
            if now != before and self._is_news(before, now):
                self._add(lambda: self._line(one))
            else:
                self._add_if_due()
        if self._thread is None:
            self._show_lines()

    def _is_news(self, before: str, now: str) -> bool:
        """What was over at once is no news. Of several imports only the ends are; a summary shows the rest."""
        if now == "over":
            return bool(before)
        return bool(now) and (len(self._imports) == 1 or not self._is_waited_for)

    # When

    def _keep_reporting(self) -> None:
        while self._show is not None:
            with self._news:
                self._news.wait_for(lambda: self._lines or self._is_over, self._pause())
                if self._is_over and not self._lines:
                    return
                self._add_if_due()
            self._show_lines()

    def _pause(self) -> float:
        """Seconds until a line is due."""
        now = self._clock.now()
        return max(0.0, self._last + min(max((now - self._begun) / GROWTH, FIRST_PAUSE), self._max_pause) - now)

    def _add_if_due(self) -> None:
        if not self._pause():
            self._add(self._status)

    def _add(self, text: Callable[[], str]) -> None:
        self._last = self._clock.now()
        try:
            self._lines.append(self._clean(text()))
            self._news.notify()
        except Exception as error:
            self._fail(error)

    def _show_lines(self) -> None:
        with self._news:
            lines, self._lines = self._lines, []
        for line in lines:
            try:
                if self._show is not None:
                    self._show(line)
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._show, self.error = None, f"{type(error).__name__}: {self._clean(str(error))}"

    # What

    def _status(self) -> str:
        """Where things stand now."""
        if not self._imports:
            return f"still looking at what is to be imported {self._after()}"
        if all(one.is_done for one in self._imports):
            return f"still at what follows the imports {self._after()}"
        return self._line(self._imports[0]) if len(self._imports) == 1 else self._summary()

    def _line(self, one: Import) -> str:
        """Where one import stands."""
        remote_id = f", {one.remote_id}" if one.remote_id else ""
        return f"{one.wanted.target}: {one.wanted.source}{remote_id}: {self._progress_of(one)}"

    def _progress_of(self, one: Import) -> str:
        if one.is_done:
            return f"{one.state} {self._after(one.duration)}"
        if one is self._being_sent:
            return f"{self._on_its_way()} {self._after()}"
        if one.poll_error:
            return f"cannot be asked for {self._after()}: {self._shortened(one.poll_error)}"
        if one.state == "submitted":
            return f"submitted {self._after()}" if one.changed else "submitted by an earlier run"
        return f"{self._shortened(one.message or one.server_words or one.state) or 'not sent yet'} {self._after()}"

    def _summary(self) -> str:
        """How many of several imports are where."""
        count = Counter(self._stage_in_summary(one) for one in self._imports)
        others = [f"{count[stage]} {stage}{self._which(stage)}" for stage in STAGES[1:] if count[stage]]
        done = f"{count['done']} of {len(self._imports)} done"
        return f"{self._imports[0].wanted.target}: {', '.join([done, *others])} {self._after()}"

    def _stage_in_summary(self, one: Import) -> str:
        if one.is_done:
            return "without success" if one.has_failed else "done"
        if one is self._being_sent:
            return "being sent"
        return {"submitted": "waited for", "elsewhere": "with another run"}.get(_stage(one), "to go")

    def _which(self, stage: str) -> str:
        one = self._being_sent
        return f" ({one.wanted.source}, {self._on_its_way()})" if one is not None and stage == "being sent" else ""

    def _on_its_way(self) -> str:
        upload = self.uploader.upload if self.uploader is not None else None
        if upload is None:
            return "being submitted"
        size = len(upload)
        if upload.committed:
            return f"all of {_size(size)} sent, no answer yet"
        return f"{100 * upload.sent // max(size, 1)} % of {_size(size)}"

    def _after(self, seconds: float | None = None) -> str:
        """How long it took; if that is not known yet, how long it has gone on."""
        return f"after {_duration(self._clock.now() - self._begun if seconds is None else seconds)}"

    def _shortened(self, text: str) -> str:
        """The words of a server or a message, without a full stop, and not too many of them."""
        return shortened(self._clean(text).rstrip("."), SHOWN_WORDS)

    def _clean(self, text: str) -> str:
        """In one line, without secrets, and without what a terminal obeys."""
        secrets = self.uploader.secrets if self.uploader is not None else Secrets()
        return printable(" ".join(secrets.redact(text).split()))


def _stage(one: Import) -> str:
    """How far an import is; empty while nothing was done about it."""
    if one.is_done:
        return "over"
    if one.is_polled:
        return "submitted"
    return "elsewhere" if one.state else ""


def _duration(seconds: float) -> str:
    """A time for people: `0.4 s`, `24 s`, `2 min 5 s`, `3 h 2 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _size(count: int) -> str:
    """A number of bytes for people: `312 B`, `1.5 MiB`."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
