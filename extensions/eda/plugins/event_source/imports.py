# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source for ansible-rulebook: imports that ended, read from the receipts of this collection."""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import logging
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, TypeVar

DOCUMENTATION = r"""
---
short_description: Report imports that ended.
description:
  - An ansible-rulebook event source plugin that yields an event for each import that ended, or whose outcome became
    unknown. It reads the receipts that the imports of this collection keep, and changes nothing.
  - Each outcome is reported once, in the order in which they were written, across restarts. An import that has several
    outcomes, such as V(scheduled) and later V(succeeded), or V(unknown) and then what it was settled as, has an event
    for each.
  - An import whose run died is reported as soon as that is seen, without waiting for the next run.
options:
  receipts:
    description:
      - Where the imports keep their receipts, as in the option of this name of the modules. The path of an SQLite file,
        absolute or beginning with C(~), or the URL of a PostgreSQL database without a password. If the store does not
        exist yet, the source waits for it.
      - If not set, the value of the environment variable E(ASSETOPS_RECEIPTS) is used.
    type: str
    default: ~/.ansible/assetops/receipts.db
  receipts_password:
    description:
      - The password for a PostgreSQL database. It may also come from E(PGPASSWORD), from the file in E(PGPASSFILE), or
        from the service in E(PGSERVICE).
    type: str
  cursor:
    description:
      - The file in which the source keeps what it has reported, an absolute path or one that begins with C(~). In a
        container it has to be on a volume. Each source needs its own.
    type: str
    default: ~/.ansible/assetops/events.json
  start:
    description:
      - Where to begin if there is no cursor. V(now) begins with what ends after the receipts were first read,
        V(beginning) with all outcomes in the receipts.
    type: str
    choices: [now, beginning]
    default: now
  interval:
    description:
      - After how many seconds to read the receipts again. A PostgreSQL database announces new outcomes at once; then
        this matters only for runs that died.
    type: float
    default: 10
  feedback:
    description:
      - With V(true), an outcome counts as reported when the rule engine has taken its event. That needs the persistence
        of ansible-rulebook, and a rulebook without filters that drop events of this source. With V(false), it counts
        when the event was handed over, and events that ansible-rulebook has not handled yet are lost if it is killed.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: imports
  assetops.imports.imports:
    receipts: /var/lib/assetops/receipts.db
    cursor: /var/lib/assetops/events.json

- name: imports
  assetops.imports.imports:
    receipts: postgresql://events@db.example.com/receipts?sslmode=verify-full
    receipts_password: "{{ receipts_password }}"
    start: beginning
"""


def _find_the_collection() -> None:
    """Make the collection of this file importable: ansible-rulebook runs the file alone."""
    with suppress(ModuleNotFoundError):
        importlib.import_module("ansible_collections.assetops.imports.plugins.module_utils")
        return
    collections = next((one for one in Path(__file__).absolute().parents if one.name == "ansible_collections"), None)
    if collections is None:
        raise ModuleNotFoundError(
            f"{__file__} needs the collection assetops.imports, which Python cannot find. Install it, and name this"
            " source assetops.imports.imports."
        )
    sys.path.append(str(collections.parent))
    # A package of that name may have been imported already, with other folders.
    folders = importlib.import_module("ansible_collections").__path__
    if str(collections) not in folders:
        folders.append(str(collections))


_find_the_collection()

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    ImportsError,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.following import (
    AT_ONCE,
    Cursor,
    Follower,
    Outcome,
)
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import DEFAULT_LOCATION, NOWHERE

LOGGER = logging.getLogger(__name__)
CURSOR = "~/.ansible/assetops/events.json"
STARTS = ("now", "beginning")
OPTIONS = ("receipts", "receipts_password", "cursor", "start", "interval", "feedback")
ENGINE_PREFIX = "eda_"  # of options that ansible-rulebook adds
EVENT_NAMESPACE = uuid.UUID("6b0f3a4e-6d0c-4b3e-9f5e-2b8f7f0d6a11")

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """The options of the source in a rulebook, checked."""

    receipts: str
    receipts_password: str | None
    cursor: Path
    from_the_beginning: bool
    interval: float

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Options:
        """Raises `BadInput`."""
        unknown = [name for name in args if name not in OPTIONS and not name.startswith(ENGINE_PREFIX)]
        if unknown:
            raise BadInput(f"{unknown[0]} is not an option. The options are: {', '.join(OPTIONS)}.")
        receipts = _text(args, "receipts") or os.environ.get("ASSETOPS_RECEIPTS") or DEFAULT_LOCATION
        if receipts == NOWHERE:
            raise BadInput("receipts: none keeps no receipts, so there is nothing to report.")
        start = _text(args, "start") or STARTS[0]
        if start not in STARTS:
            raise BadInput(f"start is {start!r}, and has to be one of: {', '.join(STARTS)}.")
        password = _text(args, "receipts_password")
        return cls(receipts, password, _path(args), start == "beginning", _seconds(args))


def _text(args: Mapping[str, Any], name: str) -> str | None:
    value = args.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInput(f"{name} is a {type(value).__name__}, and has to be a string.")
    return value or None


def _path(args: Mapping[str, Any]) -> Path:
    text = _text(args, "cursor") or CURSOR
    path = Path(text).expanduser()
    if not path.is_absolute() or "\0" in text:
        raise BadInput(f"cursor {text!r} is neither an absolute path nor one that begins with ~.")
    return path


def _seconds(args: Mapping[str, Any]) -> float:
    value = args.get("interval", 10)
    with suppress(TypeError, ValueError):
        seconds = float("no" if isinstance(value, bool) else value)
        if 0.1 <= seconds <= 86400:
            return seconds
    raise BadInput(f"interval is {value!r}, and has to be a number of seconds from 0.1 to 86400.")


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put an event into the queue for each outcome, without end."""
    options = Options.of(args)
    with _locked(options.cursor), ThreadPoolExecutor(1, "imports") as worker:
        cursor = Cursor.read(options.cursor)
        source = Source(queue, args.get("eda_feedback_queue"), cursor, options, worker)
        try:
            await source.run()
        finally:
            worker.submit(source.end)


class Source:
    """Sends the outcomes that the follower of a store finds. What may take long is done in the worker's one thread."""

    def __init__(
        self,
        queue: asyncio.Queue[Any],
        feedback: asyncio.Queue[Any] | None,
        cursor: Cursor,
        options: Options,
        worker: ThreadPoolExecutor,
    ) -> None:
        self._queue = queue
        self._feedback = feedback
        self._cursor = cursor
        self._interval = options.interval
        self._worker = worker
        self._follower = Follower(
            options.receipts,
            options.receipts_password,
            cursor,
            from_the_beginning=options.from_the_beginning,
        )
        self._trouble = ""  # the current one, which was reported

    async def run(self) -> None:
        while True:
            try:
                outcomes = await self._do(self._follower.poll)
                self._note_trouble("")
                for start in range(0, len(outcomes), AT_ONCE):
                    await self._send(outcomes[start : start + AT_ONCE])
            except BadInput:
                raise
            except ImportsError as error:
                self._note_trouble(f"{error} Trying again every {self._interval:g} s.")
                await asyncio.sleep(self._interval)
            else:
                if not outcomes:  # there may be more by now
                    await _wait(self._follower.descriptor(), self._interval)

    def end(self) -> None:
        """Save the cursor, and close the store."""
        if self._cursor.since is not None:
            self._save()
        self._follower.close()

    async def _send(self, outcomes: list[Outcome]) -> None:
        imports = await self._do(lambda: self._follower.describe(outcomes))
        for outcome, described in zip(outcomes, imports):
            if described is not None:
                event_id = str(uuid.uuid5(EVENT_NAMESPACE, described["id"]))
                await self._queue.put({"import": described, "meta": {"uuid": event_id}})
                if self._feedback is not None:
                    await self._feedback.get()
            self._cursor.note(outcome)
            await self._do(self._save)

    def _save(self) -> None:
        """Write the cursor. If that fails, it is written with the next outcome."""
        try:
            self._cursor.save()
        except OSError as error:
            LOGGER.warning(
                "The cursor %s could not be written: %s. After a restart, what was reported is reported again.",
                self._cursor.path,
                error.strerror,
            )

    def _note_trouble(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            LOGGER.warning(trouble)
        if self._trouble and not trouble:
            LOGGER.warning("The receipts can be read again. What ended meanwhile is reported now.")
        self._trouble = trouble

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


async def _wait(descriptor: int | None, seconds: float) -> None:
    """Wait until the descriptor can be read, or the time is over."""
    if descriptor is None:
        await asyncio.sleep(seconds)
        return
    loop, is_readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, is_readable.set)
    try:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(is_readable.wait(), seconds)
    finally:
        loop.remove_reader(descriptor)


@contextmanager
def _locked(cursor: Path) -> Iterator[None]:
    """Lock a cursor, so that no other source uses it. Raises `BadInput`."""
    lock = cursor.with_name(f"{cursor.name}.lock")
    with ExitStack() as stack:
        try:
            cursor.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fcntl.flock(stack.enter_context(lock.open("w", encoding="utf-8")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                f"Another source uses the cursor {cursor}. Give each source its own, with the option cursor."
            ) from None
        except OSError as error:
            raise BadInput(f"The cursor {cursor} cannot be written: {error.strerror}.") from error
        yield


if __name__ == "__main__":

    class Printer(asyncio.Queue[Any]):
        """Prints events. Run it as `python imports.py receipts=/var/lib/assetops/receipts.db`."""

        async def put(self, item: Any) -> None:
            print(item)

    with suppress(KeyboardInterrupt):
        asyncio.run(main(Printer(), dict(argument.split("=", 1) for argument in sys.argv[1:])))
