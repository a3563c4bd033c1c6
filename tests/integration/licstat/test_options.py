# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of the modules for License Statistics, and what the server sees of it or the module does with it.

Each test says by `@exercises` which options it is about; the last test knows when one has none. How names, times,
certificates and proxies are taken in all their forms is shown by unit tests of the parts that all systems share.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from ...postgresql import Server
from ...sandbox.licstat.tokens import USER_TOKEN
from .. import exercised
from ..lies import accepted
from ..listener import Listener, client_certificates_wanted, http_answer
from ..support import (
    ABSENT,
    MIB,
    SERVER,
    Licstat,
    Logs,
    assert_ended_well,
    assert_failed,
    assert_plain_failure,
    log_text,
    only,
)

IMPORT, TASK_INFO = "licstat_import", "licstat_task_info"
exercises = functools.partial(exercised.exercises, of=IMPORT)
exercises_of_task_info = functools.partial(exercised.exercises, of=TASK_INFO)
ELSEWHERE = {
    "test_finding.py": (
        *("paths", "patterns", "excludes", "recurse", "min_age", "max_age"),
        *("require_logs", "window"),
    ),
    "test_windows.py": ("timezone", "on_gap"),
    "../imports/test_adopt.py": ("adopt", "label"),
    "test_putting_away.py": ("afterwards", "archive"),
}
"""Options of an import that have files of tests of their own."""


def query(licstat: Licstat) -> str:
    """The query of the last upload, as the server received it."""
    return licstat.uploads[-1].query


# Which server, and who asks.


@exercises("url")
@pytest.mark.parametrize("spelling", ["{url}///", "HTTP{rest}"])
def test_url_is_the_base_of_what_is_asked_with_the_path_in_it(licstat: Licstat, log: Path, spelling: str) -> None:
    url = licstat.sandbox.licstat_url

    assert_ended_well(licstat(log, url=spelling.format(url=url, rest=url[4:])), changed=True, reason="new")

    assert [request.path for request in licstat.uploads] == [f"/licstat/api/v3/admin/license-server/{SERVER}/import"]
    assert_ended_well(licstat(log), changed=False, reason="receipt")


@exercises("api_token")
def test_api_token_goes_in_a_header_of_its_own_and_nowhere_else(licstat: Licstat, log: Path) -> None:
    licstat(log)

    for request in (*licstat.uploads, *licstat.questions):
        named = [name for name, value in request.headers if licstat.sandbox.licstat_token in value]
        assert named == ["x-auth-token"]
        assert request.header("x-auth-token") == licstat.sandbox.licstat_token
        assert licstat.sandbox.licstat_token not in request.path + request.query
        assert request.header("authorization") is None


@exercises("api_token")
@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        ("nobody-has-this-token", 401, "Authentication required"),
        (USER_TOKEN, 403, "Access denied"),
    ],
    ids=["of nobody", "of no administrator"],
)
def test_an_api_token_that_may_not_import_is_refused_in_the_words_of_the_server(
    licstat: Licstat, log: Path, token: str, status: int, words: str
) -> None:
    result = licstat(log, api_token=token)

    assert_failed(result, words, state="failed", changed=False, http_status=status)


@exercises("api_version")
def test_api_version_is_part_of_every_path_and_an_old_license_statistics_has_the_older_one(
    licstat: Licstat, log: Path
) -> None:
    licstat.sandbox.configure(version="6.12")

    refused = licstat(log)
    assert (refused["state"], refused["http_status"]) == ("failed", 404)
    result = licstat(log, api_version="v2")
    assert_ended_well(result, changed=True, reason="retried")
    assert_ended_well(licstat(log, api_version="v3"), changed=False, reason="receipt")  # it is the same import

    imports = [f"/licstat/api/{version}/admin/license-server/{SERVER}/import" for version in ("v3", "v2")]
    assert [request.path for request in licstat.uploads] == imports
    task = only(result)["remote_id"]
    assert {request.path for request in licstat.questions} == {f"/licstat/api/v2/admin/task/{task}/status"}


@exercises("license_server_id")
def test_license_server_id_says_whose_data_it_is(licstat: Licstat, log: Path) -> None:
    assert_ended_well(licstat(log, license_server_id=41), changed=True, reason="new")
    assert_ended_well(licstat(log, license_server_id=42), changed=True, reason="new")

    servers = licstat.sandbox.licstat().servers
    assert [servers[number].imports for number in (40, 41, 42)] == [0, 1, 1]


@exercises("license_server_id")
@pytest.mark.parametrize(
    ("server", "words"),
    [(43, "Importing is not enabled"), (44, "Importing is not supported"), (999, "License server 999 not found")],
)
def test_a_license_server_that_takes_no_imports_is_refused_in_the_words_of_the_server(
    licstat: Licstat, log: Path, server: int, words: str
) -> None:
    result = licstat(log, license_server_id=server)

    assert_failed(result, words, state="failed", changed=False)


# What is sent.


@exercises("src")
def test_src_is_sent_byte_by_byte_as_one_part_of_a_form(licstat: Licstat, log: Path) -> None:
    content = log.read_bytes()

    result = licstat(log)

    (task,) = licstat.sandbox.licstat().tasks
    assert (task.content, task.file_name, task.size) == (content, log.name, len(content))
    assert task.sha256 == only(result)["content_sha256"] == hashlib.sha256(content).hexdigest()
    assert only(result)["size"] == len(content)
    (request,) = licstat.uploads
    assert request.method == "POST"
    assert (request.header("content-type") or "").startswith("multipart/form-data; boundary=")
    assert request.header("content-length") == str(request.body_bytes)
    assert request.header("accept") == "application/json"
    assert request.header("transfer-encoding") is None
    assert request.header("expect") is None


@exercises("src")
@pytest.mark.parametrize("name", ['a "quoted" name.log', "two\nlines\r.log", os.fsdecode(b"not-utf-8-\xff.log")])
def test_src_may_have_any_name_that_a_file_can_have(licstat: Licstat, make_log: Logs, name: str) -> None:
    log = make_log(name)

    result = licstat(log)

    assert_ended_well(result, changed=True, reason="new")
    (task,) = licstat.sandbox.licstat().tasks
    assert task.content == log.read_bytes()
    assert task.file_name == name or "\udcff" in name
    assert_ended_well(licstat(log), changed=False, reason="receipt")


@exercises("gather")
@pytest.mark.parametrize(
    ("gather", "sent", "sessions", "denials"),
    [
        (ABSENT, "", 1, 1),
        (["denials"], "gather=Denials", 0, 1),
        (["usage"], "gather=Usage", 1, 0),
        (["usage", "denials", "usage"], "gather=Denials%2CUsage", 1, 1),
    ],
)
def test_gather_says_what_is_taken_from_the_log(
    licstat: Licstat, log: Path, gather: Any, sent: str, sessions: int, denials: int
) -> None:
    assert_ended_well(licstat(log, gather=gather), changed=True, reason="new")

    assert query(licstat) == sent
    feature = licstat.held.features["FEAT_A"]
    assert (feature.sessions, feature.denials) == (sessions, denials)


OVERLAPPING = (
    " 7:47:04 (lmgrd) TIMESTAMP 1/10/2022\n"
    ' 7:50:00 (vendord) OUT: "FEAT_B" carol@ws3\n'
    ' 7:55:00 (vendord) IN: "FEAT_B" carol@ws3\n'
    ' 8:15:00 (vendord) DENIED: "FEAT_B" carol@ws3  (Licensed number of users already reached. (-4,342))\n'
    " 8:40:00 (vendord) EXITING\n"
)
FEAT_A, FEAT_B = (1, 1800, 1), (1, 300, 1)


@exercises("merge_policy")
@pytest.mark.parametrize(
    ("policy", "sent", "state", "held"),
    [
        (ABSENT, "", "failed", {"FEAT_A": FEAT_A}),
        ("reject", "mergePolicy=Reject", "failed", {"FEAT_A": FEAT_A}),
        ("replace", "mergePolicy=Replace", "succeeded", {"FEAT_B": FEAT_B}),
        ("merge", "mergePolicy=Merge", "succeeded", {"FEAT_A": FEAT_A, "FEAT_B": FEAT_B}),
        ("leave_tail", "mergePolicy=Leave%20Tail", "succeeded", {"FEAT_A": FEAT_A, "FEAT_B": (1, 300, 0)}),
    ],
)
def test_merge_policy_says_what_becomes_of_data_that_overlaps(
    licstat: Licstat, log: Path, tmp_path: Path, policy: Any, sent: str, state: str, held: dict[str, Any]
) -> None:
    licstat(log)
    overlapping = tmp_path / "overlapping.log"
    overlapping.write_text(OVERLAPPING, encoding="utf-8")

    result = licstat(overlapping, merge_policy=policy)

    assert (result["state"], result["changed"]) == (state, True)
    assert query(licstat) == sent
    features = licstat.held.features
    assert {name: (one.sessions, one.seconds, one.denials) for name, one in features.items()} == held
    if state == "failed":
        assert "Data already exists" in result["msg"]


@exercises("from", "to")
@pytest.mark.parametrize(
    ("option", "value", "sent"),
    [
        ("from", "2022-01-10 08:02:00", "from=2022-01-10%2008%3A02%3A00"),
        ("from", "2022-01-10", "from=2022-01-10%2000%3A00%3A00"),
        ("to", "2022-01-10 08:02:11", "to=2022-01-10%2008%3A02%3A11"),
        ("to", "2022-01-10T08:02", "to=2022-01-10%2008%3A02%3A00"),
    ],
)
def test_from_and_to_bound_what_is_imported(licstat: Licstat, log: Path, option: str, value: str, sent: str) -> None:
    bound: dict[str, Any] = {option: value}

    assert_ended_well(licstat(log, **bound), changed=True, reason="new")

    assert query(licstat) == sent
    (task,) = licstat.sandbox.licstat().tasks
    assert task.parameters == dict(parse_qsl(sent))
    seconds = {"from": {"08:02:00": 1740, "00:00:00": 1800}, "to": {"08:02:11": 72, "08:02:00": 61}}
    assert licstat.held.features["FEAT_A"].seconds == seconds[option][sent[-12:].replace("%3A", ":")[-8:]]


@exercises("resolve_domain_names_to_ip", "find_domain_names_by_ip")
@pytest.mark.parametrize("value", [True, False])
def test_looking_up_names_is_left_to_the_server_unless_it_is_set(licstat: Licstat, log: Path, value: bool) -> None:
    licstat(log)
    assert query(licstat) == ""

    licstat(log, resolve_domain_names_to_ip=value, find_domain_names_by_ip=not value, merge_policy="merge")

    yes, no = str(value).lower(), str(not value).lower()
    assert query(licstat) == f"mergePolicy=Merge&resolveDomainNamesToIP={yes}&findDomainNamesByIP={no}"


@exercises("resolve_domain_names_to_ip", "find_domain_names_by_ip")
def test_looking_up_names_is_refused_by_a_server_that_cannot(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.configure(version="6.20")

    result = licstat(log, resolve_domain_names_to_ip=True, find_domain_names_by_ip=True)

    assert_failed(result, "resolveDomainNamesToIP", state="failed", changed=False, http_status=400)
    assert_ended_well(licstat(log), changed=True, reason="new")


# What makes it the same import.


@exercises("gather", "merge_policy", "resolve_domain_names_to_ip", "find_domain_names_by_ip")
def test_a_default_that_is_spelled_out_is_the_same_import(licstat: Licstat, log: Path) -> None:
    licstat(log)

    result = licstat(
        log,
        gather=["usage", "denials"],
        merge_policy="reject",
        resolve_domain_names_to_ip=False,
        find_domain_names_by_ip=False,
        identity="content",
    )

    assert_ended_well(result, changed=False, reason="receipt")


@exercises("gather", "merge_policy", "from", "to", "resolve_domain_names_to_ip", "find_domain_names_by_ip")
def test_what_changes_what_is_imported_makes_it_another_import(licstat: Licstat, log: Path) -> None:
    changes: list[dict[str, Any]] = [
        *({"gather": ["denials"]}, {"merge_policy": "merge"}, {"license_server_id": 41}),
        *({"from": "2022-01-01"}, {"to": "2023-01-01 00:00"}),
        *({"resolve_domain_names_to_ip": True}, {"find_domain_names_by_ip": True}),
    ]
    licstat(log)

    for options in changes:
        assert only(licstat(log, check=True, **options))["reason"] == "new"


@exercises("identity")
def test_a_log_that_has_grown_is_another_import_by_its_content(licstat: Licstat, log: Path) -> None:
    licstat(log)
    with log.open("a", encoding="utf-8") as file:
        file.write(log_text(1))

    assert only(licstat(log, merge_policy="reject", check=True))["reason"] == "new"


@exercises("identity")
def test_a_log_that_has_grown_is_the_same_import_by_its_window(licstat: Licstat, log: Path) -> None:
    night: dict[str, Any] = {"identity": "window", "from": "2022-01-10", "to": "2022-01-10 23:59:59"}
    first = licstat(log, **night)
    with log.open("a", encoding="utf-8") as file:
        file.write(log_text(1))

    second = licstat(log, **night)
    next_night = licstat(log, **{**night, "from": "2022-01-11", "to": "2022-01-11 23:59:59"})

    assert_ended_well(first, changed=True, reason="new")
    assert_ended_well(second, changed=False, reason="receipt")
    assert_ended_well(next_night, changed=True, reason="new")
    assert len(licstat.uploads) == 2
    assert licstat.held.range == ("2022-01-10 08:01:00", "2022-01-11 08:31:00")
    assert only(first)["content_sha256"] == licstat.sandbox.licstat().tasks[0].sha256
    assert only(second)["content_sha256"] == only(first)["content_sha256"]


@exercises("identity")
def test_a_window_is_another_import_with_another_option_or_without_being_one(licstat: Licstat, log: Path) -> None:
    night: dict[str, Any] = {"identity": "window", "from": "2022-01-10", "to": "2022-01-10 23:59:59"}
    licstat(log, **night)

    for options in (
        {**night, "gather": ["usage"]},
        {**night, "identity": "content"},
        {**night, "license_server_id": 41},
    ):
        assert only(licstat(log, check=True, **options))["reason"] == "new"


# TLS.


@exercises("client_cert", "client_key")
@pytest.mark.parametrize("is_shown", [True, False], ids=["shown", "not shown"])
def test_client_cert_is_shown_to_a_server_that_asks_for_it(
    licstat: Licstat, log: Path, tmp_path: Path, is_shown: bool
) -> None:
    context = client_certificates_wanted(tmp_path)
    options: dict[str, Any] = {"ca_path": str(tmp_path / "ca.pem"), "wait": False}
    if is_shown:
        options.update(client_cert=str(tmp_path / "mine.pem"), client_key=str(tmp_path / "mine.key"))

    with Listener(lambda _request: [http_answer(ACCEPTED)], context) as server:
        result = licstat(log, url=server.url, **options)

    # Without it the server hangs up, before or after the last block has left.
    assert result["state"] in (("submitted",) if is_shown else ("failed", "unknown"))


# The way there.

ACCEPTED = json.dumps(accepted()).encode()


@exercises("use_proxy")
def test_a_proxy_that_the_environment_names_is_used(
    licstat: Licstat, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Listener(lambda _request: [http_answer(ACCEPTED)]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        result = licstat(log, url="http://licstat.invalid/here", wait=False)
        _question, request = proxy.received()

    assert result["state"] == "submitted"
    assert request.startswith(b"POST http://licstat.invalid/here/api/v3/admin/license-server/40/import HTTP/1.1\r\n")
    assert log.read_bytes() in request


@exercises("use_proxy")
def test_a_proxy_is_not_used_unless_wanted(
    licstat: Licstat, log: Path, elsewhere: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", elsewhere.url)

    assert_ended_well(licstat(log, use_proxy=False), changed=True, reason="new")
    assert elsewhere.received() == []


# Patience.


@exercises("timeout")
@pytest.mark.usefixtures("quick_retries")
def test_timeout_bounds_connecting(licstat: Licstat, log: Path) -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for caller in (first, second):  # fill its queue
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        begun = time.monotonic()
        result = licstat(log, url=f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.2)
        took = time.monotonic() - begun

    assert_failed(result, "timed out", state="failed", changed=False)
    assert 0.8 <= took < 3


@exercises("timeout")
@pytest.mark.usefixtures("quick_retries")
def test_timeout_bounds_an_upload_that_stalls(licstat: Licstat, make_log: Logs) -> None:
    log = make_log(mib=16)
    licstat.sandbox.fault("stall", operation="import", after_bytes=MIB, times=None)

    begun = time.monotonic()
    result = licstat(log, timeout=0.2, response_timeout=60)
    took = time.monotonic() - begun

    assert_failed(result, "timed out", state="failed", changed=False)
    assert 0.8 <= took < 5


@exercises("timeout")
def test_timeout_bounds_the_answer_to_a_question(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("hold", operation="status", times=None)

    begun = time.monotonic()
    result = licstat(log, timeout=0.2, unreachable_timeout=0)
    took = time.monotonic() - begun

    assert_failed(result, state="running", changed=True)
    assert 0.2 <= took < 3


@exercises("response_timeout")
def test_response_timeout_bounds_the_answer_to_an_upload(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("hold", operation="import", when="after_body")

    begun = time.monotonic()
    result = licstat(log, timeout=60, response_timeout=0.3)
    took = time.monotonic() - begun

    assert_failed(result, state="unknown", changed=True)
    assert 0.3 <= took < 3


@exercises("response_timeout", "timeout")
def test_an_upload_may_be_answered_later_than_anything_else(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("delay", operation="import", when="after_body", seconds=0.5)

    assert_ended_well(licstat(log, timeout=0.2, response_timeout=60), changed=True, reason="new")


@exercises("wait")
def test_without_wait_the_module_is_done_when_the_server_has_accepted_it(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.clock(speed=0)

    result = licstat(log, wait=False)

    assert "failed" not in result
    assert (result["state"], result["changed"], only(result)["reason"]) == ("submitted", True, "new")
    assert only(result)["remote_id"] == licstat.sandbox.licstat().tasks[0].tid
    assert licstat.questions == []


@exercises("wait")
def test_without_wait_the_next_run_looks_once_how_it_went(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.clock(speed=0)
    licstat(log, wait=False)

    pending = licstat(log, wait=False)
    assert "failed" not in pending
    assert (pending["state"], pending["changed"], only(pending)["reason"]) == ("running", False, "resumed")
    assert only(pending)["server"]["sts"] == "PENDING"
    licstat.sandbox.clock(step=60)
    assert_ended_well(licstat(log, wait=False), changed=False, reason="resumed")
    assert_ended_well(licstat(log, wait=False), changed=False, reason="receipt")
    assert (len(licstat.questions), len(licstat.uploads)) == (2, 1)


@exercises("wait_timeout")
@pytest.mark.parametrize("timeout", [0, 0.4])
def test_wait_timeout_bounds_the_waiting_and_the_next_run_resumes(licstat: Licstat, log: Path, timeout: float) -> None:
    licstat.sandbox.clock(speed=0)

    begun = time.monotonic()
    result = licstat(log, wait_timeout=timeout)
    took = time.monotonic() - begun

    assert_failed(result, "wait_timeout", only(result)["remote_id"], state="running", changed=True)
    assert timeout <= took < timeout + 2
    assert licstat.questions
    licstat.sandbox.clock(speed=1000)
    assert_ended_well(licstat(log), changed=False, reason="resumed")
    assert len(licstat.uploads) == 1


@exercises("wait_sleep")
@pytest.mark.parametrize(("longest", "fewest", "most"), [(0.05, 8, 21), (10, 2, 6)])
def test_wait_sleep_is_the_longest_pause_between_looks(
    licstat: Licstat, log: Path, longest: float, fewest: int, most: int
) -> None:
    licstat.sandbox.clock(speed=0)

    licstat(log, wait_timeout=1, wait_sleep=longest)

    assert fewest <= len(licstat.questions) <= most


@exercises("unreachable_timeout")
@pytest.mark.parametrize(("patience", "ends_well"), [(0, False), (0.2, False), (60, True)])
def test_unreachable_timeout_bounds_how_long_a_server_may_be_away(
    licstat: Licstat, log: Path, patience: float, ends_well: bool
) -> None:
    licstat.sandbox.fault("status", operation="status", times=30, status=503, body="back soon")

    result = licstat(log, unreachable_timeout=patience)

    if ends_well:
        assert_ended_well(result, changed=True, reason="new")
    else:
        assert_failed(result, "back soon", state="running", changed=True, http_status=503)


# Receipts.


@exercises("require_receipts")
def test_a_store_that_is_required_has_to_be_in_the_database(licstat: Licstat, log: Path, postgresql: Server) -> None:
    location = postgresql.new_store()
    refused = licstat(log, receipts=location, require_receipts=True)
    assert_plain_failure(refused)
    assert "require_receipts" in refused["msg"]
    licstat(log, receipts=location)
    assert_ended_well(licstat(log, receipts=location, require_receipts=True), changed=False, reason="receipt")


@exercises("force")
def test_force_imports_again_what_was_imported(licstat: Licstat, log: Path) -> None:
    licstat(log, merge_policy="replace")

    result = licstat(log, merge_policy="replace", force=True)

    assert_ended_well(result, changed=True, reason="forced")
    assert only(result)["attempts"] == 2
    assert licstat.held.imports == 2


@exercises("force")
def test_after_a_forced_import_that_failed_the_earlier_success_stands(licstat: Licstat, log: Path) -> None:
    licstat(log)

    refused = licstat(log, force=True)  # the server rejects what it has

    assert (refused["state"], refused["changed"]) == ("failed", True)
    assert_ended_well(licstat(log), changed=False, reason="receipt")


@exercises("once")
def test_once_ever_never_imports_a_content_again(licstat: Licstat, make_log: Logs) -> None:
    log = make_log("debug.log", day=0)
    licstat(log)
    make_log("debug.log", day=1)
    licstat(log)
    make_log("debug.log", day=0)

    assert_ended_well(licstat(log), changed=False, reason="receipt")
    assert licstat.held.imports == 2


@exercises("once")
def test_once_latest_imports_a_content_again_that_something_else_has_followed(licstat: Licstat, make_log: Logs) -> None:
    options: dict[str, Any] = {"once": "latest", "merge_policy": "replace"}
    for day in (0, 1, 0):
        log = make_log("debug.log", day=day)
        assert_ended_well(licstat(log, **options), changed=True, reason="new")
        assert_ended_well(licstat(log, **options), changed=False, reason="receipt")

    assert licstat.held.imports == 3


@exercises("on_unknown")
def test_on_unknown_says_whether_to_send_again_what_may_have_arrived(licstat: Licstat, log: Path) -> None:
    licstat.sandbox.fault("drop", operation="import", when="after_body")
    licstat(log)

    for result in (licstat(log), licstat(log, on_unknown="fail")):
        assert_failed(result, state="unknown", changed=False)
    assert len(licstat.uploads) == 1
    assert_ended_well(licstat(log, on_unknown="retry"), changed=True, reason="retried")
    assert_ended_well(licstat(log, on_unknown="retry"), changed=False, reason="receipt")


# The module that asks for a task.


@pytest.fixture
def task(licstat: Licstat, log: Path) -> str:
    """A task that stands still."""
    licstat.sandbox.clock(speed=0)
    return str(only(licstat(log, wait=False))["remote_id"])


@exercises_of_task_info("task_id", "url", "api_token")
def test_a_task_is_returned_as_the_server_has_it(licstat: Licstat, task: str) -> None:
    pending = licstat.task_info(task_id=task)
    licstat.sandbox.clock(step=1)
    running = licstat.task_info(task_id=task)
    licstat.sandbox.clock(step=60)
    done = licstat.task_info(task_id=task)

    assert [(one["state"], one["task"]["sts"]) for one in (pending, running, done)] == [
        ("running", "PENDING"),
        ("running", "STARTED"),
        ("succeeded", "SUCCESS"),
    ]
    assert "STARTED" in running["message"]
    for one in (pending, running, done):
        assert (one["changed"], one["task_id"], one["task"]["tid"]) == (False, task, task)
    (request, *_unused) = licstat.questions
    assert (request.method, request.path) == ("POST", f"/licstat/api/v3/admin/task/{task}/status")
    assert request.header("x-auth-token") == licstat.sandbox.licstat_token
    assert request.header("content-length") in (None, "0")


@exercises_of_task_info("task_id")
@pytest.mark.parametrize(
    ("task_id", "path"),
    [
        ("a/b", "a%2Fb"),
        ("../../other", "..%2F..%2Fother"),
        ("ä", "%C3%A4"),
    ],
)
def test_a_task_id_is_one_part_of_the_path_whatever_is_in_it(licstat: Licstat, task_id: str, path: str) -> None:
    result = licstat.task_info(task_id=task_id)

    paths = [request.path for request in licstat.sandbox.requests()]
    if paths:
        assert paths == [f"/licstat/api/v3/admin/task/{path}/status"]
        assert result["state"] == "unknown"
    else:  # no task has such an id
        assert_plain_failure(result)
        assert "task_id" in result["msg"]


@exercises_of_task_info("task_id")
@pytest.mark.parametrize("status", [200, 404])
def test_a_task_that_the_server_does_not_know_is_unknown(licstat: Licstat, status: int) -> None:
    licstat.sandbox.configure(unknown_task_status=status)

    result = licstat.task_info(task_id="import_1")

    assert "failed" not in result
    assert (result["state"], result["task"], result["changed"]) == ("unknown", None, False)
    assert "Task import_1 not found" in result["message"]


@exercises_of_task_info("api_version")
def test_a_task_is_asked_for_by_the_older_api_if_told_so(licstat: Licstat, task: str) -> None:
    licstat.task_info(task_id=task, api_version="v2")

    assert licstat.questions[-1].path == f"/licstat/api/v2/admin/task/{task}/status"


@exercises_of_task_info("api_token")
def test_asking_for_a_task_with_a_token_that_may_not_is_an_error(licstat: Licstat, task: str) -> None:
    result = licstat.task_info(task_id=task, api_token=USER_TOKEN)

    assert_plain_failure(result)
    assert result["http_status"] == 403
    assert "Access denied" in result["msg"]


@exercises_of_task_info("url", "api_token")
def test_a_task_is_asked_for_with_the_connection_that_the_environment_names(
    licstat: Licstat, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICSTAT_URL", licstat.sandbox.licstat_url)
    monkeypatch.setenv("LICSTAT_API_TOKEN", licstat.sandbox.licstat_token)

    assert licstat.task_info(task_id=task, url=ABSENT, api_token=ABSENT)["state"] == "running"


@exercises_of_task_info("ca_path", "validate_certs")
def test_a_task_is_asked_for_over_tls_only_where_somebody_vouches_for_the_server(
    tls_licstat: Licstat, log: Path
) -> None:
    task = only(tls_licstat(log))["remote_id"]
    asked = len(tls_licstat.questions)

    refused = tls_licstat.task_info(task_id=task)
    assert_plain_failure(refused)
    assert "certificate" in refused["msg"]
    assert len(tls_licstat.questions) == asked
    for options in ({"validate_certs": False}, {"ca_path": str(tls_licstat.sandbox.ca_path)}):
        assert tls_licstat.task_info(task_id=task, **options)["state"] == "succeeded"


@exercises_of_task_info("client_cert", "client_key")
def test_client_cert_is_shown_when_a_task_is_asked_for(licstat: Licstat, tmp_path: Path) -> None:
    context = client_certificates_wanted(tmp_path)
    answer = http_answer(b'{"success": true, "msg": null, "data": {"tid": "import_1", "sts": "SUCCESS", "err": null}}')

    with Listener(answer, context) as server:
        options: dict[str, Any] = {"url": server.url, "task_id": "import_1", "ca_path": str(tmp_path / "ca.pem")}
        refused = licstat.task_info(**options)
        done = licstat.task_info(
            **options, client_cert=str(tmp_path / "mine.pem"), client_key=str(tmp_path / "mine.key")
        )

    assert_plain_failure(refused)
    assert done["state"] == "succeeded"


@exercises_of_task_info("timeout")
def test_timeout_bounds_asking_for_a_task(licstat: Licstat, task: str) -> None:
    licstat.sandbox.fault("hold", operation="status", times=None)

    begun = time.monotonic()
    result = licstat.task_info(task_id=task, timeout=0.2)

    assert_plain_failure(result)
    assert "timed out" in result["msg"]
    assert time.monotonic() - begun < 5


@exercises_of_task_info("use_proxy")
@pytest.mark.parametrize("use_proxy", [True, False])
def test_a_task_is_asked_for_through_a_proxy_unless_told_not_to(
    licstat: Licstat, task: str, monkeypatch: pytest.MonkeyPatch, use_proxy: bool
) -> None:
    answer = f'{{"success": true, "msg": null, "data": {{"tid": "{task}", "sts": "SUCCESS", "err": null}}}}'
    with Listener(http_answer(answer.encode())) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        result = licstat.task_info(task_id=task, use_proxy=use_proxy)
        requests = proxy.received()

    assert result["state"] == ("succeeded" if use_proxy else "running")
    assert len(requests) == (1 if use_proxy else 0)


@pytest.mark.parametrize("module", [IMPORT, TASK_INFO])
def test_every_option_has_a_test_in_this_file(module: str) -> None:
    elsewhere = {option for options in ELSEWHERE.values() for option in options if module == IMPORT}
    assert exercised.untested(module) == elsewhere
    for file, options in ELSEWHERE.items():
        text = (Path(__file__).parent / file).read_text(encoding="utf-8")
        assert not [option for option in options if f"{option}=" not in text and f'"{option}"' not in text]
