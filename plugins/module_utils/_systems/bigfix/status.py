# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The import status of HCL BigFix Inventory and IBM License Metric Tool: its fields, its times, and the data's age.

The vendors document one value of `last_status`, `successful`, and a few modes. Any field may be missing. The status
covers the last import only, and has no id for it. Times are the server's own.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, Outage
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import Clock
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import date_of, json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe

SUCCESSFUL = "successful"  # the one documented value of last_status; any other counts as a failure
NOT_RUNNING = ("none", "idle", "pending")  # any other mode, documented (running) or not, counts as running
CLOCK_TOLERANCE = 300.0  # seconds; a time that is further ahead of the clock proves nothing
CLOCKS_APART = timedelta(days=30)  # a server's clock so far from this host's may be that of a cache, or wrong


@dataclass(frozen=True)
class Status:
    """An import status. Every field but the mode may be missing.

    `server_time` is when the server answered, by its own clock; `host_time` is the same by the clock of this host.
    """

    raw: Mapping[str, Any]
    mode: str
    can_run_imports: bool | None
    progress: int | None
    last_status: str | None
    last_type: str | None
    last_end: datetime | None
    last_success: datetime | None
    server_time: datetime | None
    host_time: datetime

    @property
    def is_running(self) -> bool:
        return self.mode not in NOT_RUNNING

    @property
    def last_success_type(self) -> str | None:
        """The type of the last successful import; the server gives the type of the last import only."""
        return self.last_type if self.last_status == SUCCESSFUL else None

    @property
    def now(self) -> datetime:
        """When the server answered, by its own clock, or by this host's if the answer has no time."""
        return self.server_time or self.host_time

    @property
    def clocks_disagree(self) -> bool:
        """Whether the server's clock and this host's are too far apart for both to be right."""
        return self.server_time is not None and abs(self.server_time - self.host_time) > CLOCKS_APART

    @property
    def age_of_success(self) -> float | None:
        """Seconds from the last successful import to this answer; below zero if that import is dated later.

        It goes by the server's clock, or by this host's if the answer has no time. If the two are far apart, it goes by
        the one that makes the age greater: a proxy may have kept an answer with an old date.
        """
        if self.last_success is None:
            return None
        age = (self.now - self.last_success).total_seconds()
        if age >= -CLOCK_TOLERANCE and self.clocks_disagree:
            age = max(age, (self.host_time - self.last_success).total_seconds())
        return age

    @property
    def doubt(self) -> str | None:
        """Why the time of the last success proves nothing, or needs a second clock; None if it is plausible."""
        age, clock = self.age_of_success, "the server's clock" if self.server_time else "the clock of this host"
        if self.last_success is not None and age is not None and age < -CLOCK_TOLERANCE:
            dated = f"The last success is dated {format_time(self.last_success)}, {-age:.0f} s ahead of {clock}"
            return f"{dated}: that proves nothing, so it does not count as recent. Look at the clocks of both."
        if self.server_time is not None and self.clocks_disagree:
            host_time = format_time(self.host_time.replace(microsecond=0))
            times = f"The server says that it is {format_time(self.server_time)}, this host {host_time}"
            return f"{times}. So ages are computed with the clock that makes them greater."
        return None

    def __str__(self) -> str:
        progress = f", {self.progress} %" if self.is_running and self.progress is not None else ""
        parts = (self.last_type, self.last_status, self.last_end and format_time(self.last_end))
        last = " ".join(part for part in parts if part) or "unknown"
        success = f"; last success {format_time(self.last_success)}" if self.last_success else ""
        return f"mode {self.mode}{progress}; last import {last}{success}"


def parse_status(answer: Answer, clock: Clock) -> Status:
    """The status in an answer. A field of an undocumented type counts as missing. Raises `Outage` for no status."""
    try:
        raw = json_object(answer)
    except ValueError:
        raw = {}
    mode = _text_or_none(raw.get("mode"))
    if mode is None:
        advice = "That is not an import status. If it stays so, the url or the credentials are wrong."
        raise Outage(f"{describe(answer)} {advice}", answer)
    can_run_imports, progress = raw.get("can_run_imports"), raw.get("progress")
    return Status(
        raw=raw,
        mode=mode,
        can_run_imports=can_run_imports if isinstance(can_run_imports, bool) else None,
        progress=progress if isinstance(progress, int) and not isinstance(progress, bool) else None,
        last_status=_text_or_none(raw.get("last_status")),
        last_type=_text_or_none(raw.get("last_import_type")),
        last_end=parse_time(raw.get("last_import_time")),
        last_success=parse_time(raw.get("last_success_time")),
        server_time=date_of(answer),
        host_time=datetime.fromtimestamp(clock.wall(), timezone.utc),
    )


def describe_progress(status: Status) -> str:
    """That an import is running, and how far it is."""
    progress = "" if status.progress is None else f" ({status.progress} %)"
    odd = "" if status.mode == "running" else f", mode {status.mode!r} is not documented and taken for that"
    return f"An import is running{progress}{odd}."


def describe_age(status: Status) -> str:
    """How old the data of the last successful import is; empty if that is not known."""
    if status.age_of_success is None or status.last_success is None:
        return ""
    ago = f"{max(status.age_of_success, 0):.0f} s before it was asked"
    return f"The last successful import was at {format_time(status.last_success)}, {ago}."


def parse_time(value: Any) -> datetime | None:
    """A time of the server, in UTC with `Z`. One without a zone is read as UTC (a guess). A date alone is no time."""
    if not isinstance(value, str) or not re.match(r"\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value):
        return None
    text = re.sub(r"\s*Z$", "+00:00", value.strip())
    text = re.sub(r"\s*([+-]\d\d):?(\d\d)$", r"\1:\2", text)
    text = re.sub(r"\.(\d+)", lambda fraction: "." + fraction.group(1)[:6].ljust(6, "0"), text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def format_time(time: datetime) -> str:
    """A time as the server writes it."""
    return time.isoformat().replace("+00:00", "Z")


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
