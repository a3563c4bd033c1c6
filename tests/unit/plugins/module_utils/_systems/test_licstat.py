# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""License Statistics: how an import is spelled, what makes two the same, and what its answers mean."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    BadInput,
    Connection,
    NotSent,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._systems.licstat import (
    GATHER,
    MERGE_POLICY,
    ImportOptions,
    LicenseStatistics,
    moment,
    wanted_import,
)

from .._http.talks import Talk
from ..peers import Conversation, Peer, Script, well

FROM, TO = datetime(2021, 1, 10, 15, 10), datetime(2021, 2, 10, 19, 13, 23)
SERVER = "https://licstat.example.com"
DIGEST = "5a" * 32
TASK = "import_527ddd6f-d7de-4854-bc99-839b5afd458e"


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return log_at(tmp_path / "license-server.log")


def log_at(path: Path) -> Content:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'10:00:00 (vendord) OUT: "feature" user@host\n')
    (content,) = open_contents([str(path)])
    return content


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


@pytest.mark.parametrize("api_version", ["v2", "v3"])
def test_both_versions_of_the_api_are_spoken(api_version: str, content: Content) -> None:
    with Peer(accepting, well) as peer:
        system = LicenseStatistics(Talk(peer.url).client, api_version)
        system.submit(wanted(content, ImportOptions(40)), Uncommitted())
    assert peer.requests[0].line.startswith(f"POST /api/{api_version}/admin/license-server/40/import")


# What makes two imports the same


def wanted(content: Content, options: ImportOptions, server: str = SERVER, sha256: str | None = None) -> Wanted:
    return wanted_import(server, options, content, sha256)


def key(options: ImportOptions, content: Content, server: str = SERVER, sha256: str | None = DIGEST) -> str:
    return wanted_import(server, options, content, sha256).key


def test_the_defaults_are_the_same_spelled_out_or_not(content: Content) -> None:
    spelled_out = ImportOptions(
        40,
        gather=("denials", "usage"),
        merge_policy="reject",
        resolve_domain_names_to_ip=False,
        find_domain_names_by_ip=False,
    )
    assert key(spelled_out, content) == key(ImportOptions(40), content)


@pytest.mark.parametrize("gather", list(itertools.permutations(GATHER)))
def test_the_order_of_what_is_gathered_does_not_matter(gather: tuple[str, ...], content: Content) -> None:
    assert key(ImportOptions(40, gather=gather), content) == key(ImportOptions(40), content)


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


def test_an_import_is_told_in_words_for_people(content: Content) -> None:
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


# Times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-01-10 15:10:00", datetime(2021, 1, 10, 15, 10)),
        ("2021-01-10T15:10:00", datetime(2021, 1, 10, 15, 10)),
        ("2021-01-10 15:10", datetime(2021, 1, 10, 15, 10)),
        ("2021-01-10T15:10", datetime(2021, 1, 10, 15, 10)),
        ("2021-02-10 19:13:23", datetime(2021, 2, 10, 19, 13, 23)),
        ("2024-02-29 23:59:59", datetime(2024, 2, 29, 23, 59, 59)),
        ("0001-01-01 00:00", datetime(1, 1, 1)),
    ],
)
@pytest.mark.parametrize("option", ["from", "to"])
def test_a_time_is_taken_to_the_second(text: str, expected: datetime, option: str) -> None:
    assert moment(text, option) == expected


def test_a_day_is_its_beginning_but_no_end() -> None:
    assert moment("2021-01-10", "from") == datetime(2021, 1, 10)
    with pytest.raises(BadInput, match=r"to: 2021-01-10 is a whole day.*2021-01-10 23:59:59"):
        moment("2021-01-10", "to")


def test_no_time_is_no_time() -> None:
    assert moment(None, "from") is None
    assert moment(None, "to") is None


@pytest.mark.parametrize(
    "text",
    [
        "2021-01-10 15:10:00Z",
        "2021-01-10T15:10Z",
        "2021-01-10 15:10:00 UTC",
        "2021-01-10 15:10:00+00:00",
        "2021-01-10 15:10:00 +0100",
        "2021-01-10T15:10:00-05",
        "2021-01-10 15:10:00.123+01:00",
    ],
)
@pytest.mark.parametrize("option", ["from", "to"])
def test_a_time_zone_is_refused(text: str, option: str) -> None:
    with pytest.raises(BadInput, match=f"^{option}: .*time zone"):
        moment(text, option)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "yesterday",
        "2021",
        "2021-1-10",
        "10.01.2021",
        "2021-01-10 ",
        "2021-01-10 15",
        "2021-01-10 15:1",
        "2021-01-10 15:10:00.5",
        "2021-01-10  15:10:00",
        "2021-01-10 15:10:00\n",
        "2021-01-10 15:10:00 PM",
        "20210110T151000",
        "1610291400",
        "\uff12\uff10\uff12\uff11-01-10 15:10:00",
    ],
)
@pytest.mark.parametrize("option", ["from", "to"])
def test_what_is_no_time_is_refused(text: str, option: str) -> None:
    with pytest.raises(BadInput, match=f"^{option}: "):
        moment(text, option)


@pytest.mark.parametrize(
    "text",
    [
        "2021-02-29 12:00",
        "2021-13-01 12:00",
        "2021-00-10 12:00",
        "0000-01-01 12:00",
        "2021-01-10 25:00",
        "2021-01-10 12:60",
    ],
)
def test_a_time_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^from: .* does not exist"):
        moment(text, "from")


def test_a_day_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^from: .* does not exist"):
        moment("2021-02-30", "from")


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", fullmatch=True))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        found = moment(text, "to")
    except BadInput:
        return
    assert isinstance(found, datetime)
    assert found.tzinfo is None


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


# Answers to an upload


class Uncommitted:
    """An attempt of nobody's: what is sent need not be written down."""

    def __init__(self) -> None:
        self.digests: list[str | None] = []
        self.notes: Mapping[str, Any] = {}

    def note(self, notes: Mapping[str, Any]) -> None:
        raise AssertionError("there are no steps to note")

    def commit(self, sha256: str | None) -> None:
        self.digests.append(sha256)


def envelope(data: Any, **more: Any) -> bytes:
    return json.dumps({"success": True, "msg": None, "data": data, **more}).encode()


def a_task(state: Any = "PENDING", error: Any = None, tid: Any = TASK) -> dict[str, Any]:
    return {
        "data": None,
        "sbtr": "Administrator",
        "sbtd": "2021-12-20 11:47:35",
        "tid": tid,
        "sts": state,
        "err": error,
    }


def saying(body: bytes, status: str = "200 OK", content_type: str = "application/json") -> Script:
    def script(conversation: Conversation) -> None:
        while True:
            conversation.request()
            conversation.answer(status, body, content_type=content_type)

    return script


accepting = saying(envelope({"sst": "SCHEDULED", "ti": a_task()}))


def submit(peer: Peer, content: Content, options: ImportOptions | None = None) -> Any:
    one = wanted(content, options or ImportOptions(40))
    return LicenseStatistics(Talk(peer.url).client, "v3").submit(one, Uncommitted())


def look(body: bytes, status: str = "200 OK", content_type: str = "application/json") -> PollResult:
    with Peer(saying(body, status, content_type)) as peer:
        found = LicenseStatistics(Talk(peer.url).client, "v3").task(TASK)
    assert [request.line for request in peer.requests] == [f"POST /api/v3/admin/task/{TASK}/status HTTP/1.1"]
    assert peer.requests[0].body == b""
    return found


def test_an_accepted_upload_is_known_by_its_task(content: Content) -> None:
    with Peer(accepting) as peer:
        accepted = submit(peer, content)
    assert accepted.remote_id == TASK
    assert accepted.server == {"sst": "SCHEDULED", "ti": a_task()}


def test_an_upload_of_what_was_digested_is_committed_with_its_digest(content: Content) -> None:
    attempt = Uncommitted()
    with Peer(accepting) as peer:
        LicenseStatistics(Talk(peer.url).client, "v3").submit(wanted(content, ImportOptions(40)), attempt)
    (digest,) = attempt.digests
    assert digest is not None
    assert len(digest) == 64


@pytest.mark.parametrize(
    "body",
    [
        envelope({"sst": "SCHEDULED"}),
        envelope({"sst": "SCHEDULED", "ti": None}),
        envelope({"sst": "SCHEDULED", "ti": []}),
        envelope({"sst": "SCHEDULED", "ti": TASK}),
        *(envelope({"sst": "SCHEDULED", "ti": a_task(tid=tid)}) for tid in (None, "", " ", 17, [TASK], "..", "\ud800")),
        envelope(None),
        envelope([]),
        envelope(a_task()),
        b'{"success": true}',
        b'{"success": "true", "data": {"ti": {"tid": "import_1"}}}',
        b'{"success": 1, "data": {"ti": {"tid": "import_1"}}}',
        b'{"data": {"ti": {"tid": "import_1"}}}',
        b"[]",
        b"null",
        b"",
        b'{"success": true, "data": {"ti": {"tid": "import_1"',
        b"OK",
        b"<html><title>Welcome</title></html>",
    ],
)
def test_a_success_that_names_no_task_is_unclear(body: bytes, content: Content) -> None:
    with Peer(saying(body)) as peer, pytest.raises(OutcomeUnknown) as raised:
        submit(peer, content)
    assert raised.value.answer is not None
    assert raised.value.answer.status == 200
    assert peer.connections == 1


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "400 Bad Request", "404 Not Found"])
def test_a_no_in_so_many_words_is_a_refusal(status: str, content: Content) -> None:
    body = json.dumps({"success": False, "msg": "Import is disabled", "code": 17, "data": None}).encode()
    with Peer(saying(body, status)) as peer, pytest.raises(Refused, match=r"Import is disabled \(code 17\)") as raised:
        submit(peer, content)
    assert not raised.value.credentials


def test_a_no_from_a_server_in_trouble_is_unclear(content: Content) -> None:
    body = json.dumps({"success": False, "msg": "Out of memory"}).encode()
    with Peer(saying(body, "500 Oops")) as peer, pytest.raises(OutcomeUnknown, match="Out of memory"):
        submit(peer, content)


def test_the_question_before_an_import_is_for_a_task_that_does_not_exist() -> None:
    with Peer(saying(json.dumps({"success": False, "msg": "no such task"}).encode())) as peer:
        LicenseStatistics(Talk(peer.url).client, "v2").probe()
    (request,) = peer.requests
    assert request.line.startswith("POST /api/v2/admin/task/import_00000000-0000-0000-0000-000000000000/status ")


def test_where_nobody_listens_nobody_is_asked_about_credentials(content: Content) -> None:
    with Peer() as gone:
        pass
    with pytest.raises(NotSent) as raised:
        submit(gone, content)
    assert raised.value.unreachable


# Answers about a task


def test_a_task_that_ended_well_has_succeeded() -> None:
    assert look(envelope(a_task("SUCCESS"))) == PollResult("succeeded", "", a_task("SUCCESS"))


def test_a_task_that_waits_is_running() -> None:
    assert look(envelope(a_task("PENDING"))) == PollResult("running", "", a_task("PENDING"), server_words="PENDING")


@pytest.mark.parametrize("state", ["STARTED", "PARSING", "success", "Success", "", None, 7, [], {"a": 1}, "SUCCESS "])
def test_a_state_that_is_not_documented_is_still_running_and_told(state: Any) -> None:
    found = look(envelope(a_task(state)))
    assert (found.state, found.server) == ("running", a_task(state))
    assert repr(state) in found.message
    assert "not documented" in found.message


@pytest.mark.parametrize(
    "state", ["FAILURE", "FAILED", "ERROR", "CANCELED", "CANCELLED", "REVOKED", "ABORTED", "REJECTED"]
)
def test_a_state_that_is_called_like_a_failure_is_one(state: str) -> None:
    found = look(envelope(a_task(state)))
    assert found.state == "failed"
    assert state in found.message


@pytest.mark.parametrize("state", ["SUCCESS", "PENDING", "FAILURE", "STARTED", None])
@pytest.mark.parametrize("error", ["The range overlaps.", {"code": 17}, ["a", "b"], "", 0, False, {}])
def test_an_error_counts_whatever_the_state_says(state: Any, error: Any) -> None:
    found = look(envelope(a_task(state, error)))
    assert found.state == "failed"
    assert not error or str(error) in found.message
    assert found.server == a_task(state, error)


def test_a_task_without_its_id_is_taken_for_the_one_asked_for() -> None:
    task = a_task("SUCCESS")
    del task["tid"]
    assert look(envelope(task)).state == "succeeded"


@pytest.mark.parametrize(
    "body",
    [
        envelope(a_task("SUCCESS", tid="import_another")),
        envelope(a_task("SUCCESS", tid=17)),
        envelope(None),
        envelope([a_task("SUCCESS")]),
        json.dumps(a_task("SUCCESS")).encode(),
        b'{"success": true, "data": {"sts": "SUCC',
        b'{"sts": "SUCCESS"}',
        b"",
        b"OK",
    ],
)
def test_what_is_not_the_status_of_this_task_tells_nothing(body: bytes) -> None:
    with pytest.raises(Outage, match=TASK):
        look(body)


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_a_page_tells_nothing_of_a_task_or_that_it_is_gone(status: str) -> None:
    page = b"<html><title>Sign in</title><input type=password></html>"
    try:
        found = look(page, status, "text/html")
    except (Outage, Refused):
        return
    assert (found.state, status) == ("unknown", "404 Not Found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"success": false, "msg": "No such task"}', "200 OK"),
        (b'{"success": false, "msg": "No such task"}', "404 Not Found"),
        (b"No such task", "404 Not Found"),
    ],
)
def test_a_task_that_the_server_does_not_know_any_more_is_unknown(body: bytes, status: str) -> None:
    found = look(body, status)
    assert (found.state, found.server) == ("unknown", None)
    assert TASK in found.message
    assert "No such task" in found.message


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "302 Found"])
def test_a_question_that_is_refused_is_told(status: str) -> None:
    with pytest.raises(Refused, match=status):
        look(b"{}", status)


@pytest.mark.parametrize("status", ["408 Timeout", "429 Slow", "500 Oops", "502 Bad Gateway", "503 Later"])
def test_a_server_in_trouble_may_be_asked_again(status: str) -> None:
    with pytest.raises(Outage, match=status):
        look(b"{}", status)


def test_a_task_id_is_one_segment_of_the_path_whatever_is_in_it() -> None:
    with Peer(saying(envelope(a_task(tid="a/../b?c#d e")))) as peer:
        LicenseStatistics(Talk(peer.url).client, "v3").task("a/../b?c#d e")
    assert peer.requests[0].line == "POST /api/v3/admin/task/a%2F..%2Fb%3Fc%23d%20e/status HTTP/1.1"


def test_check_mode_may_look(content: Content) -> None:
    with Peer(saying(envelope(a_task("SUCCESS")))) as peer:
        client = Client(Connection(peer.url, use_proxy=False), {}, Secrets(), check_mode=True)
        system = LicenseStatistics(client, "v3")
        system.prepare()
        assert system.task(TASK).state == "succeeded"
