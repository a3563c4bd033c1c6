# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report is good HTML that takes nothing from elsewhere; and nights are nights in every time zone."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import html5lib
import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import Failure, ImportId, Report
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import (
    SIGNS,
    Row,
    night_of,
    nights_between,
)
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.page import html
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.texts import text

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=timezone.utc)
BERLIN = ZoneInfo("Europe/Berlin")
STATES = list(SIGNS)
EVIL = "\"'><script>alert(1)</script><img src=https://evil.example.com/x onerror=y>\x1b\u202e&amp;"


def entry(number: int, state: str = "succeeded", name: str = "cad", url: str | None = None) -> dict[str, Any]:
    return {
        "target": name,
        "system": "licstat",
        "into": f"https://licstat.example.com license server {number}",
        "source": f"/srv/logs/{name}/debug.log.{number}",
        "state": state,
        "is_dry_run": False,
        "started_at": "2026-11-29T03:00:00.000Z",
        "finished_at": "2026-11-29T03:01:00.000Z",
        "seconds": 60.0,
        "size": 39_900,
        "period": {"first": "2026-11-28T00:00:00", "last": "2026-11-28T23:59:59"},
        "window": None,
        "remote_id": name,
        "content_sha256": "5a" * 32,
        "key": f"{number:064x}",
        "url": url,
        "message": name,
        "attempts": [
            {"attempt": 1, "state": state, "started_at": "2026-11-29T03:00:00.000Z", "message": name},
            {"attempt": 2, "state": state, "started_at": "2026-11-29T03:00:05.000Z", "message": name},
        ],
    }


def report(*, name: str = "license-server", targets: int = 2, nights: int = 9, **given: Any) -> Report:
    """A report of as many targets, each of whose nights is in another state, with imports and failures."""
    days = nights_between(f"{nights}d", None, BERLIN, NOW)
    imports = [(0, str(number)) for number in range(given.get("count", 3))]

    def read(import_ids: Sequence[ImportId]) -> Iterator[dict[str, Any]]:
        return (entry(int(key), name=name, url=given.get("url")) for _store, key in import_ids)

    rows = [
        Row(f"{name}-{number:03}", "licstat", [STATES[(number + day) % len(STATES)] for day in range(nights)])
        for number in range(targets)
    ]
    return Report(
        nights=days,
        zone=BERLIN,
        zone_name="Europe/Berlin",
        scope={"label": name},
        stores=[name],
        unread=[name],
        failures=[Failure(name, "licstat", "unknown", name, "2026-11-29T03:00:00.000Z", entry(9, name=name))],
        rows=rows,
        imports=imports,
        counts={"succeeded": len(imports)},
        limit=300,
        read=read,
    )


def parsed(page: str) -> Element:
    """The page, as a browser takes it. Raises what is wrong with it."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found: Element = parser.parse(io.BytesIO(page.encode()))
    return found


def page_of(one: Report) -> Element:
    return parsed("".join(html(one)))


@pytest.mark.parametrize("name", ["cad", EVIL])
def test_the_page_is_good_html_and_asks_for_nothing(name: str) -> None:
    page = page_of(report(name=name))
    tags = {element.tag for element in page.iter()}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "video", "svg"}
    for element in page.iter():
        attributes = dict(element.items())
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
        assert attributes.get("href", "#").startswith("#")
    texts = "".join(page.itertext())
    assert "\x1b" not in texts
    assert "\u202e" not in texts
    if name == EVIL:
        assert "<script>alert(1)</script>" in texts


def test_the_policy_lets_nothing_but_its_own_style_in() -> None:
    page = page_of(report())
    (style,) = page.iter("style")
    assert style.text is not None
    assert not re.search(r"url\(|@import|expression", style.text)
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    (policy,) = [one.get("content") for one in page.iter("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme: dark" in style.text
    assert "@media print" in style.text
    assert ":focus-visible" in style.text


def test_it_can_be_read_without_eyes_and_used_without_a_mouse() -> None:
    page = page_of(report())
    assert page.get("lang") == "en"
    assert [element.tag for element in page.iter() if element.tag in ("h1", "h2")] == ["h1", "h2", "h2", "h2"]
    ids = {element.get("id") for element in page.iter() if element.get("id")}
    assert {str(one.get("href"))[1:] for one in page.iter("a")} <= ids
    for table in page.iter("table"):
        assert table.find("caption") is not None
        assert all(head.get("scope") for head in table.iter("th"))
    regions = [one for one in page.iter("div") if one.get("class") == "scroll"]
    assert len(regions) == 3
    assert all((one.get("role"), one.get("tabindex")) == ("region", "0") and one.get("aria-label") for one in regions)
    cells = [cell for one in page.iter("table") if one.get("class") == "nights" for cell in one.iter("td")]
    assert {str(cell.text).strip() for cell in cells} == set(SIGNS.values())  # not by colours alone
    assert len(list(page.iter("details"))) == 3


def test_failures_come_first_and_each_import_has_its_evidence() -> None:
    page = "".join(html(report(url="https://licstat.example.com")))
    assert page.index("Not well</h2>") < page.index("Nights</h2>") < page.index("Imports</h2>")
    for wanted in ("2026-11-28T00:00:00 to 2026-11-28T23:59:59", "39.9 kB", "60.0 s", "5a" * 32, "2 attempts"):
        assert wanted in page
    assert '<a href="https://licstat.example.com" rel="noopener noreferrer">' in page
    assert "2026-11-29 04:00:00" in page  # by the clock of the report
    assert "javascript:" not in "".join(html(report(url="javascript:alert(1)")))


def test_a_night_leads_to_its_newest_import_in_the_list_and_a_dry_run_to_none() -> None:
    times = ["2026-11-27T03:00:00.000Z", "2026-11-28T03:00:00.000Z", "2026-11-29T03:00:00.000Z"]

    def tried(number: int, *attempts: tuple[int, str], **other: Any) -> dict[str, Any]:
        found = [{"attempt": 1, "state": state, "started_at": times[night], "message": ""} for night, state in attempts]
        return {**entry(number), "attempts": found, **other}

    entries = [
        tried(0, (2, "succeeded"), is_dry_run=True),
        tried(1, (1, "failed"), (2, "succeeded")),
        tried(2, (2, "succeeded")),
        tried(3, (0, "submitted"), target="cae"),
    ]
    rows = [
        Row("cad", "licstat", ["missing", "failed", "imported"]),
        Row("cae", "licstat", ["running", "not due", "not due"]),
        Row("cad", "lm", ["not due", "failed", "imported"]),
    ]
    one = replace(report(nights=3), rows=rows, imports=[(0, "")] * 4, read=lambda _ids: iter(entries))
    page = page_of(one)
    (calendar,) = [table for table in page.iter("table") if table.get("class") == "nights"]
    cells = [[cell.find("a") for cell in row.iter("td")] for row in calendar.iter("tr")][2:]
    links = [[None if link is None else link.get("href") for link in row] for row in cells]
    assert links == [[None, "#i1", "#i1"], ["#i3", None, None], [None, None, None]]
    listed = {str(row.get("id")): "".join(row.itertext()) for row in page.iter("tr") if row.get("id")}
    assert list(listed) == ["i0", "i1", "i2", "i3"]
    assert entries[1]["key"] in listed["i1"]


def test_two_hundred_targets_by_ninety_nights_are_less_than_a_megabyte() -> None:
    page = "".join(html(report(targets=200, nights=90, count=1000)))
    assert len(page.encode()) < 1_000_000
    found = parsed(page)
    assert len([1 for one in found.iter("table") if one.get("class") == "nights" for _cell in one.iter("td")]) == 18_000
    assert "and 700 more" in page


def test_the_text_fits_eighty_columns_where_names_leave_room() -> None:
    lines = "".join(text(report(targets=3, nights=90))).splitlines()
    assert not [line for line in lines if len(line) > 80]
    assert sum(line.startswith("license-server-002 ") for line in lines) == 2  # in two blocks
    assert "\x1b" not in "".join(text(report(name=EVIL)))


# Nights.


@pytest.mark.parametrize(
    ("moment", "zone", "night"),
    [
        ("2026-11-28T11:59:59+00:00", "UTC", "2026-11-28"),
        ("2026-11-28T12:00:00+00:00", "UTC", "2026-11-29"),
        ("2026-11-29T02:00:00+00:00", "UTC", "2026-11-29"),
        ("2026-11-29T02:00:00+00:00", "Asia/Tokyo", "2026-11-29"),
        ("2026-11-29T03:00:00+00:00", "Asia/Tokyo", "2026-11-30"),
        ("2026-03-29T09:59:59+00:00", "Europe/Berlin", "2026-03-29"),  # the clock goes forward
        ("2026-03-29T10:00:00+00:00", "Europe/Berlin", "2026-03-30"),
        ("2026-10-25T10:59:59+00:00", "Europe/Berlin", "2026-10-25"),  # and back
        ("2026-10-25T11:00:00+00:00", "Europe/Berlin", "2026-10-26"),
        ("2026-12-31T23:00:00+00:00", "America/New_York", "2027-01-01"),
    ],
)
def test_a_night_goes_from_noon_to_noon_in_its_zone(moment: str, zone: str, night: str) -> None:
    when = datetime.fromisoformat(moment)
    assert str(night_of(when, ZoneInfo(zone))) == night
    nights = nights_between(night, night, ZoneInfo(zone), NOW)
    assert nights.of(when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")) == 0


def test_nights_follow_each_other_without_a_gap() -> None:
    nights = nights_between("2026-01-01", "2026-12-31", BERLIN, NOW)
    assert (len(nights.days), len(nights.bounds)) == (365, 366)
    assert sorted(nights.bounds) == list(nights.bounds)
    assert nights.bounds[0] == "2025-12-31T11:00:00.000Z"


def test_without_a_word_there_are_thirty_nights_up_to_the_one_that_is() -> None:
    nights = nights_between(None, None, timezone.utc, NOW)
    assert (nights.days[0], nights.days[-1], len(nights.days)) == ("2026-10-31", "2026-11-29", 30)
    assert nights_between("1d", None, timezone.utc, NOW.replace(hour=13)).days == ("2026-11-30",)
    with pytest.raises(BadInput):
        nights_between("0d", None, timezone.utc, NOW)
