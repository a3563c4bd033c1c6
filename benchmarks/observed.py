#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a Python program and write down what only its own process knows: reading for digests, the wire, memory.

    observed.py REPORT [--without-hashing] PROGRAM

The program runs as it would alone, but for its SHA-256 digests: `--without-hashing` has them cost nothing, which is how
the cost of hashing is taken off where it is reckoned beside other work. A pass is what lies between the first and the
last block of a digest, the wire what lies between the request line and the answer of `http.client`.
"""

from __future__ import annotations

import atexit
import hashlib
import http.client
import json
import resource
import runpy
import sys
import time
from pathlib import Path
from typing import Any

is_hashing = "--without-hashing" not in sys.argv
passes: list[dict[str, float]] = []
exchanges: list[float] = []


class TimedDigest:
    """A SHA-256 that takes the time from its first block to its last."""

    def __init__(self, data: bytes = b"") -> None:
        self._digest = plain_sha256(data)
        self._times: dict[str, float] | None = None

    def update(self, data: bytes) -> None:
        begin = time.perf_counter()
        if self._times is None:
            self._times = {"begin": begin, "end": begin}
            passes.append(self._times)
        if is_hashing:
            self._digest.update(data)
        self._times["end"] = time.perf_counter()

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def peak_memory() -> int:
    """The most memory that this process had resident, in KiB.

    The kernel's own word, since ru_maxrss also counts the process that started this one; where there is none, that.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def observe_exchanges() -> None:
    """Take the time from each request line to the head of its answer."""
    begun: list[float] = []
    putrequest, getresponse = http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse

    def timed_putrequest(self: http.client.HTTPConnection, *args: Any, **kwargs: Any) -> None:
        begun.append(time.perf_counter())
        putrequest(self, *args, **kwargs)

    def timed_getresponse(self: http.client.HTTPConnection) -> http.client.HTTPResponse:
        response = getresponse(self)
        exchanges.append(time.perf_counter() - begun.pop())
        return response

    http.client.HTTPConnection.putrequest = timed_putrequest  # type: ignore[method-assign]  # timed in place
    http.client.HTTPConnection.getresponse = timed_getresponse  # type: ignore[method-assign]  # timed in place


def report(path: str) -> None:
    """Write it all down."""
    cpu = resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "passes": [one["end"] - one["begin"] for one in passes],
        "exchanges": exchanges,
        "peak_kib": peak_memory(),
        "cpu": cpu.ru_utime + cpu.ru_stime,
    }
    Path(path).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    plain_sha256 = hashlib.sha256
    hashlib.sha256 = TimedDigest  # type: ignore[assignment]  # timed in place
    observe_exchanges()
    atexit.register(report, sys.argv[1])
    sys.argv = sys.argv[2 if is_hashing else 3 :]
    runpy.run_path(sys.argv[0], run_name="__main__")
