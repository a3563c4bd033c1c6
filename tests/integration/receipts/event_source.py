# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source in a process of its own, under the interface by which ansible-rulebook runs it.

Started as a script this file is that process, so it imports nothing of the tests: it runs the source's file alone, and
awaits its `main` with a queue and the options. Each event is a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "extensions/eda/plugins/event_source/imports.py"


class Events:
    """The source at work. `with_feedback`: it is told once an event was seen, as by an engine with persistence."""

    def __init__(
        self,
        *,
        source: Path = SOURCE,
        python: tuple[str, ...] = (sys.executable,),
        with_feedback: bool = False,
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.process = subprocess.Popen(
            [*python, __file__, str(source), json.dumps(options), json.dumps(with_feedback)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def next(self) -> dict[str, Any]:
        """The next event, waited for."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the source ended: {self.process.communicate()[1]}"
        event: dict[str, Any] = json.loads(line)
        return event

    def next_state(self) -> tuple[str, str]:
        """Of what the next event is, and the state."""
        event = self.next()["import"]
        return str(event["source"]), str(event["state"])

    def warning(self) -> str:
        """The next warning, waited for."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().strip()

    def refusal(self) -> str:
        """What it ends with, where it ends by itself."""
        output, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 1, output + errors
        return str(errors.strip().splitlines()[-1])

    def kill(self) -> list[dict[str, Any]]:
        """End it at once; the events that nobody has looked at yet."""
        self.process.kill()
        stdout = self.process.stdout
        if stdout is None or stdout.closed:
            return []
        # `communicate` would lose the lines that `readline` has already read from the pipe.
        events = [json.loads(line) for line in stdout if line.endswith("\n")]
        self.process.communicate()
        return events


class _Queue:
    def __init__(self, feedback: asyncio.Queue[Any] | None) -> None:
        self.feedback = feedback

    async def put(self, event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)
        if self.feedback is not None:
            await self.feedback.put(event)


async def _run(source: str, options: dict[str, Any], *, with_feedback: bool) -> None:
    feedback: asyncio.Queue[Any] | None = None
    if with_feedback:
        feedback = asyncio.Queue(1)
        options = {**options, "feedback": True, "eda_feedback_queue": feedback}
    await runpy.run_path(source)["main"](_Queue(feedback), options)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    asyncio.run(_run(sys.argv[1], json.loads(sys.argv[2]), with_feedback=json.loads(sys.argv[3])))
