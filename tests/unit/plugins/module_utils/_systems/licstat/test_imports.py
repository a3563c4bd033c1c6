# SPDX-License-Identifier: GPL-3.0-or-later
"""License Statistics: how an import is spelled, what makes two the same, and which time ranges can be."""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.imports import (
    GATHER,
    MERGE_POLICY,
    ImportOptions,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat.system import LicenseStatistics

from ..._http.talks import Talk
from ...fakes import Uncommitted
from ...peers import Peer
from .setting import DIGEST, FROM, SERVER, TO, accepting, log_at, submit, wanted

# How it is spelled: the vendor's six examples


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/api/v3/admin/license-server/40/import"),
        ({"gather": ("denials",)}, "/api/v3/admin/license-server/40/import?gather=Denials"),
        ({"gather": ("usage",)}, "/api/v3/admin/license-server/40/import?gather=Usage"),
        ({"merge_policy": "replace"}, "/api/v3/admin/license-server/40/import?mergePolicy=Replace"),
        (
            {"gather": ("denials",), "start": FROM, "end": TO},
            (
                "/api/v3/admin/license-server/40/import?gather=Denials"
                "&from=2021-01-10%2015%3A10%3A00&to=2021-02-10%2019%3A13%3A23"
            ),
        ),
        (
            {"resolve_domain_names_to_ip": True, "find_domain_names_by_ip": True},
            "/api/v3/admin/license-server/40/import?resolveDomainNamesToIP=true&findDomainNamesByIP=true",
        ),
        ({"gather": ("usage", "denials")}, "/api/v3/admin/license-server/40/import?gather=Denials%2CUsage"),
        ({"merge_policy": "leave_tail"}, "/api/v3/admin/license-server/40/import?mergePolicy=Leave%20Tail"),
        (
            {"resolve_domain_names_to_ip": False, "find_domain_names_by_ip": False},
            "/api/v3/admin/license-server/40/import?resolveDomainNamesToIP=false&findDomainNamesByIP=false",
        ),
    ],
)
def test_an_import_is_spelled_as_the_vendor_does(options: dict[str, Any], path: str, content: Content) -> None:
    with Peer(accepting) as peer:
        submit(peer, content, ImportOptions(40, **options))
    assert peer.requests[0].line == f"POST {path} HTTP/1.1"
    assert b'name="file"; filename="license-server.log"' in peer.requests[0].body


def test_the_older_version_of_the_api_is_spoken(content: Content) -> None:
    with Peer(accepting) as peer:
        LicenseStatistics(Talk(peer.url).client, "v2").submit(wanted(content, ImportOptions(40)), Uncommitted())
    assert peer.requests[0].line.startswith("POST /api/v2/admin/license-server/40/import")


# What makes two imports the same


def key(options: ImportOptions, content: Content, server: str = SERVER, sha256: str | None = DIGEST) -> str:
    return wanted_import(server, options, content, sha256).key


@pytest.mark.parametrize("gather", list(itertools.permutations(GATHER)))
def test_defaults_spelled_out_and_the_order_of_what_is_gathered_do_not_matter(
    gather: tuple[str, ...], content: Content
) -> None:
    no: dict[str, Any] = {"resolve_domain_names_to_ip": False, "find_domain_names_by_ip": False}
    spelled_out = ImportOptions(40, gather=gather, merge_policy="reject", **no)
    assert key(spelled_out, content) == key(ImportOptions(40), content)


def test_where_a_log_lies_and_what_it_is_called_does_not_matter(tmp_path: Path) -> None:
    keys = {
        key(ImportOptions(40), log_at(tmp_path / name)) for name in ("a.log", "b.log", "folder/a.log", "účtenka.log")
    }
    assert len(keys) == 1


def test_everything_else_makes_another_import(content: Content) -> None:
    plain = ImportOptions(40)
    window: dict[str, Any] = {"start": FROM, "end": TO}
    keys = [
        key(plain, content),
        key(plain, content, sha256="a5" * 32),
        key(plain, content, server="https://other.example.com"),
        key(ImportOptions(41), content),
        key(ImportOptions(40, gather=("denials",)), content),
        key(ImportOptions(40, gather=("usage",)), content),
        *(key(ImportOptions(40, merge_policy=policy), content) for policy in MERGE_POLICY if policy != "reject"),
        key(ImportOptions(40, start=FROM), content),
        key(ImportOptions(40, end=FROM), content),
        key(ImportOptions(40, **window), content),
        key(ImportOptions(40, resolve_domain_names_to_ip=True), content),
        key(ImportOptions(40, find_domain_names_by_ip=True), content),
        key(ImportOptions(40, is_window=True, **window), content, sha256=None),
    ]
    assert len(set(keys)) == len(keys)


def test_a_window_is_the_same_whatever_the_log_holds(tmp_path: Path) -> None:
    options = ImportOptions(40, start=FROM, end=TO, is_window=True)
    monday, tuesday = log_at(tmp_path / "monday.log"), log_at(tmp_path / "tuesday.log")
    (tmp_path / "tuesday.log").write_bytes(b"another")
    assert key(options, monday, sha256=None) == key(options, tuesday, sha256=None)
    assert wanted_import(SERVER, options, monday, None).content_sha256 is None


def test_the_key_of_an_import_stays_the_same_from_release_to_release(content: Content) -> None:
    """Whoever changes this makes every user import everything again."""
    options = ImportOptions(40, gather=("usage",), merge_policy="leave_tail", start=FROM, end=TO)
    text = (
        f'{{"content":"{DIGEST}","options":{{"find_domain_names_by_ip":false,"from":"2021-01-10T15:10:00",'
        '"gather":["usage"],"identity":"content","merge_policy":"leave_tail","resolve_domain_names_to_ip":false,'
        '"to":"2021-02-10T19:13:23"},"server":"https://licstat.example.com","system":"licstat","target":40}'
    )
    assert key(options, content) == hashlib.sha256(text.encode()).hexdigest()


def test_an_import_is_reported_in_words_for_people(content: Content) -> None:
    one = wanted(content, ImportOptions(40), sha256=DIGEST)
    assert one.source == content.path
    assert (SERVER in one.target, "40" in one.target) == (True, True)
    assert (one.size, one.content_sha256, one.system) == (content.size, DIGEST, "licstat")


def test_a_log_with_the_same_name_on_the_same_license_server_is_a_newer_state_of_it(tmp_path: Path) -> None:
    here, there, other = (log_at(tmp_path / name) for name in ("a/debug.log", "b/debug.log", "a/other.log"))
    streams = [wanted(one, ImportOptions(40)).stream for one in (here, there, other)]
    assert streams[0] == streams[1] != streams[2]
    assert wanted(here, ImportOptions(41)).stream != streams[0]
    assert wanted(here, ImportOptions(40), "https://other.example.com").stream != streams[0]


def test_an_import_of_a_log_whose_name_is_not_utf8_has_a_key(tmp_path: Path) -> None:
    odd = log_at(tmp_path / "debug-\udcff.log")
    assert key(ImportOptions(40), odd) == key(ImportOptions(40), log_at(tmp_path / "debug.log"))
    assert wanted(odd, ImportOptions(40)).stream.isalnum()


# Ranges


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"start": FROM},
        {"end": TO},
        {"start": FROM, "end": TO},
        {"start": FROM, "end": FROM},
        {"end": datetime(2100, 1, 1)},
        {"start": FROM, "end": TO, "is_window": True},
        {"end": TO, "is_window": True},
    ],
)
def test_a_range_that_can_be_is_taken(options: dict[str, Any]) -> None:
    ImportOptions(40, **options).check()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": TO, "end": FROM}, "later than"),
        ({"start": FROM, "end": datetime(2100, 1, 1), "is_window": True}, "yet to come"),
        ({"start": TO, "end": FROM, "is_window": True}, "later than"),
    ],
)
def test_a_range_that_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        ImportOptions(40, **options).check()


@pytest.mark.parametrize(
    ("zone", "end", "now", "is_over"),
    [
        ("UTC", "2026-11-24 23:59:59", "2026-11-25 00:00:00", True),
        ("UTC", "2026-11-24 23:59:59", "2026-11-24 23:59:59", False),
        ("Asia/Tokyo", "2026-11-24 23:59:59", "2026-11-24 15:00:00", True),
        ("America/Los_Angeles", "2026-11-24 23:59:59", "2026-11-25 07:59:59", False),
        # 02:30 comes twice in this night, 00:30 and 01:30 in UTC.
        ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25 00:45:00", False),
        ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25 01:30:01", True),
    ],
)
def test_a_range_is_over_when_it_is_so_in_its_zone(zone: str, end: str, now: str, is_over: bool) -> None:
    options = ImportOptions(40, end=datetime.fromisoformat(end), is_window=True, zone=ZoneInfo(zone))
    assert options.is_over(datetime.fromisoformat(f"{now}+00:00")) is is_over
