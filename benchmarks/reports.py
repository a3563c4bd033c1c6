#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a report of many receipts takes: `python -m benchmarks.reports`, which `make bench` runs as well.

The receipts are those of 200 targets in 90 nights, as years of imports leave them, with failures, holes and what nobody
knows, in an SQLite file and in a PostgreSQL database. Where there is a chromium, `--browser` lets it show the page, in
light, in dark and on paper, in .cache/bench-reports, without a network: it fails if anything is asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import as_text
from ansible_collections.assetops.imports.plugins.module_utils._receipts.listing import Filters
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.plugin_utils._reports import files
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import nights_between
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.reading import ReportQuery, read_report
from ansible_collections.assetops.imports.plugins.plugin_utils._stores import store_config
from tests.postgresql import Server

FOLDER = ROOT / ".cache/bench-reports"
TARGETS, NIGHTS, RECEIPTS = 200, 90, 100_000
NOW = datetime(2026, 11, 29, 7, 0, tzinfo=timezone.utc)
LARGEST, SLOWEST = 1_000_000, 2.0  # bytes and seconds of CPU of the page
STATES = ("succeeded",) * 1960 + ("failed",) * 30 + ("unknown",) * 5 + ("incomplete",) * 5
BROWSER = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
ITS_OWN = re.compile(r"https?://[\w.-]+\.(google|googleapis|gstatic)\.com/")
"""What chromium asks for itself, as soon as it starts; nothing of it leaves this machine."""
QUIET = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", action="store_true", help="show the page in chromium, too")
    options = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    local = str(FOLDER / "receipts.db")
    with Server() as server:
        is_good = all([measured("SQLite", local), measured("PostgreSQL", server.new_store())])
    if options.browser:
        is_good = look(FOLDER / "SQLite.html") and is_good
    return 0 if is_good else 1


def measured(kind: str, location: str) -> bool:
    """Fill a store, and write its report in every way; whether the page is as small and as quick as it has to be."""
    fill(location)
    is_good = True
    for ending in (".html", ".txt", ".csv", ".json"):
        path = FOLDER / f"{kind}{ending}"
        begin, began = time.process_time(), time.perf_counter()
        size = write(location, path)
        seconds, wall = time.process_time() - begin, time.perf_counter() - began
        print(f"{kind:10} {ending:5} {size / 1e6:6.2f} MB {seconds:6.2f} s of CPU, {wall:6.2f} s in all", flush=True)
        if ending == ".html":
            is_good = size < LARGEST and seconds < SLOWEST
    return is_good


def write(location: str, path: Path) -> int:
    """Write a report; its size in bytes."""
    query = ReportQuery(
        nights=nights_between(f"{NIGHTS}d", None, timezone.utc, NOW),
        zone=timezone.utc,
        zone_name="UTC",
        store_configs=[store_config({"receipts": location})],
        filters=Filters(),
        limit=300,
        default_max_age=93600,
    )
    report = read_report(query, NOW)
    (target,) = files.report_files([str(path)], "0644")
    size: int = files.write_report(target, report, check_mode=False, diff=False)["size"]
    return size


def fill(location: str) -> None:
    """Make a store of many receipts."""
    with closing(open_store(location)) as store:

        def change(execute: Any, _is_again: bool) -> None:
            for receipt, attempts in receipts():
                execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?)", receipt)
                for attempt in attempts:
                    names = ", ".join(attempt)
                    marks = ", ".join("?" for _name in attempt)
                    execute(f"INSERT INTO attempts ({names}) VALUES ({marks})", tuple(attempt.values()))

        store.write(change)


def receipts() -> Iterator[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """The rows of imports, each with those of its attempts."""
    dice = random.Random(4711)
    for number in range(RECEIPTS):
        target, night = number % TARGETS, number // TARGETS % NIGHTS
        if dice.random() < 0.001 or (target % 50 == 7 and 40 < night < 47):
            continue
        yield receipt_of(number, target, NOW - timedelta(days=NIGHTS - 1 - night, seconds=dice.randrange(20000)), dice)


def receipt_of(number: int, target: int, began: datetime, dice: random.Random) -> tuple[Any, list[dict[str, Any]]]:
    key = hashlib.sha256(str(number).encode()).hexdigest()
    name = f"license-server-{target:03}"
    into, stream = f"https://licstat.example.com license server {target}", hashlib.sha256(name.encode()).hexdigest()
    state = dice.choice(STATES)
    attempts = []
    for attempt in range(1, dice.choice((1,) * 19 + (2,)) + 1):
        ended = began + timedelta(seconds=dice.uniform(2, 200))
        attempts.append(
            {
                "key": key,
                "attempt": attempt,
                "run": "none",
                "state": "failed" if attempt == 1 and state == "succeeded" and dice.random() < 0.02 else state,
                "source": f"/srv/logs/{name}/debug.log.{number // TARGETS % 5}",
                "size": dice.randrange(10_000, 90_000_000),
                "content_sha256": key[::-1],
                "sent": number * 3 + attempt,
                "remote_id": str(9_000_000 + number),
                "message": "" if state == "succeeded" else "License Statistics says: The log <b>file</b> has no date.",
                "detail": json.dumps({"server": {"success": True, "data": {"status": "SUCCESS"}, "msg": None}}),
                "started_at": as_text(began),
                "changed_at": as_text(ended),
                "finished_at": as_text(ended),
                "stream": stream,
                "label": name,
                "period": json.dumps({"first": began.isoformat()[:19], "last": ended.isoformat()[:19]}),
            }
        )
        began = ended + timedelta(seconds=5)
    options = json.dumps({"gather": ["denials", "usage"], "merge_policy": "reject"}, separators=(",", ":"))
    created = attempts[0]["started_at"]
    return (key, "licstat", into, stream, options, len(attempts), created), attempts


# In a browser


def look(page: Path) -> bool:
    """Let chromium show a page; whether it asked for nothing but the page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium; --browser needs one.")
    ways = {"light": (), "dark": ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")}
    asked: set[str] = set()
    for way, more in ways.items():
        asked |= browse(chromium, page, f"--screenshot={FOLDER}/{way}.png", "--window-size=1600,2200", *more)
    asked |= browse(chromium, page, f"--print-to-pdf={FOLDER}/paper.pdf", "--no-pdf-header-footer")
    print(
        f"In {chromium}, it asks for: {', '.join(sorted(asked))}. Look at light.png, dark.png, paper.pdf in {FOLDER}."
    )
    return asked == {page.as_uri()}


def browse(chromium: str, page: Path, *arguments: str) -> set[str]:
    """Let chromium show a page, and write down what it asks for."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "net.json"
        command = [chromium, *BROWSER, *QUIET, f"--user-data-dir={folder}/user", f"--log-net-log={log}", *arguments]
        subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=120)
        urls = re.findall(r'"url":"((?:https?|file|ftp|ws)[^"]*)"', log.read_text(encoding="utf-8"))
        return {page.as_uri(), *(url for url in urls if not ITS_OWN.match(url))}


if __name__ == "__main__":
    sys.exit(main())
