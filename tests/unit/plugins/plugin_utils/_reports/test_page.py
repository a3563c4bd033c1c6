# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report is good HTML, loads nothing, and can be used by everybody."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest

from ansible_collections.assetops.imports.plugins.plugin_utils._reports.content import Report
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.nights import SIGNS, Row
from ansible_collections.assetops.imports.plugins.plugin_utils._reports.page import html

from .samples import EVIL, entry, report


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
    nights = page.partition('<table class="nights"')[2].partition("</table>")[0]
    assert nights.count("<td") == 18_000
    assert "and 700 more" in page
