# SPDX-License-Identifier: GPL-3.0-or-later
"""FlexNet debug logs to import: made up, always the same, in the form that FlexNet writes (FACTS section A.2).

`python -m tests.sandbox.licstat.flexnet_logs FOLDER` writes the logs of `fixtures()`;
`tests/fixtures/flexnet` was made so.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

TIMESTAMPS = timedelta(hours=6)
"""FlexNet writes the date this often unless told otherwise."""


@dataclass(frozen=True)
class Site:
    """A license server, and who uses it."""

    host: str
    daemons: dict[str, dict[str, int]]
    """Vendor daemons, the features of each, and how many licenses there are of a feature."""
    users: tuple[str, ...]
    zone: str
    """As the log's header names it."""
    verbose: bool = False
    """The vendor adds details between `^^^` to each message."""
    old_denials: bool = False
    """Denials in the short form `DENIED: 1 FEATURE to user@host`."""


CAD = Site(
    host="lic-cad-01",
    daemons={"parametd": {"PART_MODELER": 6, "ASSEMBLY": 4, "DRAFTING_2D": 3, "SHEET_METAL": 1}},
    users=(
        "alice@ws-cad-11",
        "bob@ws-cad-12",
        "carol@ws-cad-13",
        "dmitri@ws-cad-14",
        "eve@ws-cad-15",
        "farid@ws-cad-16",
    ),
    zone="CET",
)
EDA = Site(
    host="lic-eda-01",
    daemons={"silicond": {"Layout_Editor_XL": 3, "Circuit_Sim": 8, "Timing_Signoff": 2}},
    users=("grace@eda-lx07", "hiro@eda-lx08", "ines@eda-lx09", "jonas@eda-lx10", "kim@eda-lx11"),
    zone="Central Europe Standard Time",
    verbose=True,
)
CAE = Site(
    host="lic-cae-01",
    daemons={"meshd": {"mesher": 2, "postprocessor": 4}, "solverd": {"solver_hpc": 12, "solver_gui": 3}},
    users=("lena@cae-node1", "mateo@cae-node2", "nora@cae-node3", "omar@cae-node4", "petra@cae-node5"),
    zone="UTC",
    old_denials=True,
)


def fixtures() -> dict[str, str]:
    """Logs of three license servers, by path below the fixtures' folder.

    Those of `cad` follow each other, the older one has been rotated away. `cad/debug.log.1` runs past one midnight,
    `eda/debug.log` past two. `truncated/debug.log` has lost its beginning, and with it every date.
    """
    cae = debug_log(CAE, datetime(2026, 3, 4, 6, 30), hours=14, seed=4, pause=330)
    return {
        "cad/debug.log.1": debug_log(CAD, datetime(2026, 3, 2, 7, 47, 4), hours=30, seed=1, pause=600),
        "cad/debug.log": debug_log(CAD, datetime(2026, 3, 4, 5, 58, 12), hours=15, seed=2, pause=300),
        "eda/debug.log": debug_log(EDA, datetime(2026, 3, 2, 18, 2, 41), hours=38, seed=3, pause=700),
        "cae/debug.log": cae,
        "truncated/debug.log": _without_dates(cae),
    }


def small_logs(folder: Path, count: int, begin: datetime = datetime(2020, 1, 1, 8)) -> list[Path]:
    """Write so many logs, of a few lines each and all different; each is of a day of its own, so none overlap."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        path = folder / f"debug-{number:05}.log"
        path.write_text(
            debug_log(CAD, begin + timedelta(days=number), hours=2, seed=number, pause=900), encoding="utf-8"
        )
        paths.append(path)
    return paths


def debug_log(site: Site, start: datetime, *, hours: float, seed: int, pause: int) -> str:
    """The log of one run of a license server. `pause` is the mean number of seconds between two checkouts."""
    return "".join(
        f"{line}\n" for line in _Run(site, start, start + timedelta(hours=hours), Random(seed), pause).lines()
    )


@dataclass(frozen=True)
class _Use:
    """Licenses that are out."""

    daemon: str
    feature: str
    user: str
    licenses: int


class _Run:
    def __init__(self, site: Site, start: datetime, end: datetime, random: Random, pause: int) -> None:
        self._site, self._start, self._end, self._random, self._pause = site, start, end, random, pause
        self._lines: list[str] = []
        self._out: list[tuple[datetime, _Use]] = []
        self._stamp = start

    def lines(self) -> list[str]:
        """All lines of the log."""
        self._begin()
        at = self._start + timedelta(seconds=60)
        while (at := at + timedelta(seconds=self._random.randint(1, 2 * self._pause))) < self._end:
            self._go_on_until(at)
            self._request(at)
        self._go_on_until(self._end)
        return self._lines

    def _begin(self) -> None:
        site, at = self._site, self._start
        date = f"{at:%a %b %d %Y %H:%M:%S} {site.zone}"
        for text in (
            "-----------------------------------------------",
            "  Please Note:",
            "",
            "  This log is intended for debug purposes only.",
            "-----------------------------------------------",
            f"Server's System Date and Time: {date}",
            "SLOG: Summary LOG statistics is enabled.",
            f"FlexNet Licensing (v11.19.0.0 build 285651 x64_lsb) started on {site.host} (linux) ({_american(at)})",
            "lmgrd tcp-port 27000",
            "(@lmgrd-SLOG@) ===============================================",
            "(@lmgrd-SLOG@) === LMGRD ===",
            f"(@lmgrd-SLOG@) Start-Date: {date}",
            "(@lmgrd-SLOG@) PID: 4756",
            "(@lmgrd-SLOG@) LMGRD Version: v11.19.0.0 build 285651 x64_lsb ( build 285651 (ipv6))",
            "(@lmgrd-SLOG@) ===============================================",
            "Starting vendor daemons ...",
        ):
            self._say(at, "lmgrd", text)
        for daemon, features in site.daemons.items():
            self._say(at, daemon, f"FlexNet Licensing version v11.19.0.0 build 285651 x64_lsb on {site.host}")
            self._say(at, daemon, f"Server started on {site.host} for:\t{' '.join(features)}")
        self._timestamp(at)

    def _go_on_until(self, at: datetime) -> None:
        """Whatever happens by itself until then: checkins and dates."""
        while True:
            back = min((end for end, _unused in self._out), default=at)
            stamp = self._stamp + TIMESTAMPS
            if min(back, stamp) >= at:
                return
            if stamp <= back:
                self._timestamp(stamp)
            else:
                self._check_in(back)

    def _request(self, at: datetime) -> None:
        random, site = self._random, self._site
        daemon = random.choice(sorted(site.daemons))
        feature = random.choice(sorted(site.daemons[daemon]))
        licenses = random.choice((1, 1, 1, 2)) if site.daemons[daemon][feature] > 4 else 1
        use = _Use(daemon, feature, random.choice(site.users), licenses)
        if random.randint(1, 40) == 1:
            reason = "(License server system does not support this feature. (-18,327))"
            self._say(at, daemon, f'UNSUPPORTED: "{feature}_NEXT" (PORT_AT_HOST_PLUS   ) {use.user}  {reason}')
        elif self._in_use(use) + licenses > site.daemons[daemon][feature]:
            self._deny(at, use)
        else:
            self._out.append((at + timedelta(seconds=random.randint(60, 6 * 3600)), use))
            self._say(at, daemon, f'OUT: "{feature}" {use.user} {_count(use)}{self._details(at, use)}')

    def _check_in(self, at: datetime) -> None:
        entry = min(self._out, key=lambda entry: entry[0])
        self._out.remove(entry)
        self._say(
            at,
            entry[1].daemon,
            f'IN: "{entry[1].feature}" {entry[1].user} {_count(entry[1])}{self._details(at, entry[1])}',
        )

    def _deny(self, at: datetime, use: _Use) -> None:
        if self._site.old_denials:
            self._say(at, use.daemon, f"DENIED: {use.licenses} {use.feature} to {use.user}")
            return
        reason = "(Licensed number of users already reached. (-4,342))"
        self._say(at, use.daemon, f'DENIED: "{use.feature}" {use.user}  {reason}{self._details(at, use)}')

    def _timestamp(self, at: datetime) -> None:
        self._stamp = at
        self._say(at, "lmgrd", f"TIMESTAMP {_american(at)}")

    def _details(self, at: datetime, use: _Use) -> str:
        """ver user ip pid handle in_use out_of project flex_version flex_rev date time dup"""
        if not self._site.verbose:
            return ""
        number, licenses = self._site.users.index(use.user), self._site.daemons[use.daemon][use.feature]
        return (
            f" ^^^ 2026.03 {use.user.split('@')[0]} 10.20.30.{40 + number} {2000 + 17 * number} 0x{1201 + number:X}"
            f" {self._in_use(use)} {licenses} - 11 19 {_american(at)} {at:%H:%M:%S} 0 ^^^"
        )

    def _in_use(self, use: _Use) -> int:
        return sum(other.licenses for _unused, other in self._out if other.feature == use.feature)

    def _say(self, at: datetime, daemon: str, message: str) -> None:
        self._lines.append(f"{at.hour:2}:{at:%M:%S} ({daemon}) {message}".rstrip())


def _count(use: _Use) -> str:
    return "" if use.licenses == 1 else f" ({use.licenses} licenses)"


def _american(at: datetime) -> str:
    return f"{at.month}/{at.day}/{at.year}"


def _without_dates(log: str) -> str:
    """The last piece of a log that states no date, as `tail` gives it."""
    lines = log.splitlines(keepends=True)
    last_date = max(number for number, line in enumerate(lines) if "TIMESTAMP" in line)
    return "".join(lines[last_date + 1 :])


def main(folder: str) -> None:
    """Write the fixtures."""
    for name, text in fixtures().items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
