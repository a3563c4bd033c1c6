# SPDX-License-Identifier: GPL-3.0-or-later
"""License Statistics over HTTP: answers, checks, the life of tasks."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from tests.sandbox.handle import ControlError, Sandbox
from tests.sandbox.licstat.flexnet_logs import fixtures
from tests.sandbox.licstat.tokens import AGENT_TOKEN, USER_TOKEN
from tests.sandbox.licstat.view import Feature

from .client import LOG, Answer, imported, post, status, upload

REPORT_LOG = b"FLEXLM-RL\0\1\2" + bytes(range(256)) * 8

# The examples of the vendor's page.
START_ANSWER = """
{
  "success": true,
  "msg": null,
  "data": {
    "sst": "SCHEDULED",
    "ti": {
      "data": null,
      "sbtr": "Administrator",
      "sbtd": "2021-12-20 11:47:35",
      "tid": "import_527ddd6f-d7de-4854-bc99-839b5afd458e",
      "sts": "PENDING",
      "err": null
    }
  }
}
"""
STATUS_ANSWER = """
{
  "success": true,
  "msg": null,
  "data": {
    "data": null,
    "sbtr": "Administrator",
    "sbtd": "2021-12-20 11:53:36",
    "tid": "import_527ddd6f-d7de-4854-bc99-839b5afd458e",
    "sts": "SUCCESS",
    "err": null
  }
}
"""


def without_what_differs(answer: str) -> str:
    """An answer with its task id and its date masked, in the form json gives."""
    masked = re.sub(r"import_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "TASK", answer)
    return json.dumps(json.loads(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", masked)))


def refusal(answer: Answer) -> tuple[int, str]:
    """Status and message of a refusal, whose envelope is checked."""
    content = answer.json()
    assert content == {"success": False, "msg": content["msg"], "data": None}
    return answer.status, content["msg"]


def test_answers_are_those_of_the_vendors_page(sandbox: Sandbox) -> None:
    started = upload(sandbox)
    assert started.status == 200
    assert started.headers["content-type"] == "application/json"
    assert without_what_differs(started.body.decode()) == without_what_differs(START_ANSWER)
    sandbox.clock(step=100)
    finished = status(sandbox, started.json()["data"]["ti"]["tid"])
    assert without_what_differs(finished.body.decode()) == without_what_differs(STATUS_ANSWER)


def test_import_of_a_log(sandbox: Sandbox) -> None:
    imported(sandbox, query="?gather=Denials%2CUsage", file_name="Größe 1.log")
    (task,) = sandbox.licstat().tasks
    assert (task.file_name, task.size, task.content) == ("Größe 1.log", len(LOG), LOG)
    assert task.sha256 == hashlib.sha256(LOG).hexdigest()
    assert (task.state, task.error, task.parameters) == ("SUCCESS", None, {"gather": "Denials,Usage"})
    server = sandbox.licstat().servers[40]
    assert (server.accepted, server.imports, server.opaque_imports) == (1, 1, 0)
    assert server.features == {"FEAT_A": Feature(sessions=1, seconds=1800, denials=1)}
    assert server.range == ("2022-01-10 08:01:00", "2022-01-10 08:31:00")


def test_fixtures_go_into_three_servers(sandbox: Sandbox) -> None:
    logs = fixtures()
    for server, name in ((40, "cad/debug.log.1"), (40, "cad/debug.log"), (41, "eda/debug.log"), (42, "cae/debug.log")):
        assert imported(sandbox, logs[name].encode(), server=server)["sts"] == "SUCCESS"
    servers = sandbox.licstat().servers
    assert (servers[40].imports, servers[41].imports, servers[42].imports) == (2, 1, 1)
    assert sorted(servers[41].features) == ["Circuit_Sim", "Layout_Editor_XL", "Timing_Signoff"]


@pytest.mark.parametrize(
    ("gather", "expected"),
    [
        ("Denials", Feature(sessions=0, seconds=0, denials=1)),
        ("Usage", Feature(sessions=1, seconds=1800, denials=0)),
        ("Usage,Denials", Feature(sessions=1, seconds=1800, denials=1)),
    ],
)
def test_gather(sandbox: Sandbox, gather: str, expected: Feature) -> None:
    imported(sandbox, query=f"?gather={gather}")
    assert sandbox.licstat().servers[40].features == {"FEAT_A": expected}


def test_range_of_the_import(sandbox: Sandbox) -> None:
    imported(sandbox, query="?from=2022-01-10%2008%3A05&to=2022-01-10%2008%3A25%3A30")
    assert sandbox.licstat().servers[40].features == {"FEAT_A": Feature(sessions=1, seconds=20 * 60 + 31, denials=0)}


def test_merge_policies(sandbox: Sandbox) -> None:
    assert imported(sandbox)["sts"] == "SUCCESS"
    rejected = imported(sandbox)
    assert rejected["sts"] == "FAILURE"
    assert "already exists" in rejected["err"]
    assert imported(sandbox, query="?mergePolicy=Merge")["sts"] == "SUCCESS"
    assert sandbox.licstat().servers[40].features["FEAT_A"] == Feature(2, 3600, 2)
    assert imported(sandbox, query="?mergePolicy=Replace")["sts"] == "SUCCESS"
    assert sandbox.licstat().servers[40].features["FEAT_A"] == Feature(1, 1800, 1)
    assert imported(sandbox, query="?mergePolicy=Leave%20Tail")["sts"] == "SUCCESS"
    assert sandbox.licstat().servers[40].features["FEAT_A"] == Feature(1, 1800, 1)


def test_rejection_at_the_upload(sandbox: Sandbox) -> None:
    sandbox.configure(reject_at_post=True)
    imported(sandbox)
    code, message = refusal(upload(sandbox))
    assert code == 200
    assert "already exists" in message
    assert upload(sandbox, query="?mergePolicy=Merge").json()["success"]
    assert len(sandbox.licstat().tasks) == 2


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (fixtures()["truncated/debug.log"].encode(), "The log file contains no date"),
        (b"a letter\nto somebody\n", "Unsupported log file format"),
        (b"", "Unsupported log file format"),
    ],
)
def test_files_that_are_no_whole_log(sandbox: Sandbox, content: bytes, error: str) -> None:
    task = imported(sandbox, content)
    assert (task["sts"], task["err"]) == ("FAILURE", error)
    assert sandbox.licstat().servers[40].imports == 0


def test_report_log_is_usage_that_nobody_looks_into(sandbox: Sandbox) -> None:
    assert imported(sandbox, REPORT_LOG)["sts"] == "SUCCESS"
    assert imported(sandbox, REPORT_LOG, query="?gather=Denials")["err"] == "The file contains no denials"
    server = sandbox.licstat().servers[40]
    assert (server.imports, server.opaque_imports, server.features) == (1, 1, {})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?mergePolicy=reject", "'mergePolicy' must be one of Reject, Replace, Merge, Leave Tail, not 'reject'"),
        ("?mergePolicy=LeaveTail", "'mergePolicy'"),
        ("?mergePolicy=", "'mergePolicy'"),
        ("?mergepolicy=Reject", "Unknown parameter 'mergepolicy'"),
        ("?gather=denials", "'gather'"),
        ("?gather=", "'gather'"),
        ("?gather=Usage,Usage", "'gather'"),
        ("?gather=Denials%2C%20Usage", "'gather'"),
        ("?from=2022-01-10", "'from' is no date"),
        ("?from=2022-01-10T08:00", "'from' is no date"),
        ("?to=2022-02-30%2008:00", "'to' is no date"),
        ("?to=2022-01-10%2008:00:00%2B01:00", "'to' is no date"),
        ("?from=2022-01-10%2008:00&to=2022-01-10%2007:59:59", "'from' is later than 'to'"),
        ("?resolveDomainNamesToIP=True", "'resolveDomainNamesToIP'"),
        ("?findDomainNamesByIP=1", "'findDomainNamesByIP'"),
        ("?gather=Usage&gather=Denials", "A parameter is given twice"),
    ],
)
def test_parameters_are_taken_strictly(sandbox: Sandbox, query: str, message: str) -> None:
    code, text = refusal(upload(sandbox, query=query))
    assert code == 400
    assert text.startswith(message)
    assert sandbox.licstat().tasks == []


def test_all_parameters_of_the_page(sandbox: Sandbox) -> None:
    query = (
        "?gather=Denials&mergePolicy=Replace&from=2021-01-10%2015%3A10%3A00&to=2021-02-10%2019%3A13%3A23"
        "&resolveDomainNamesToIP=true&findDomainNamesByIP=false"
    )
    assert upload(sandbox, query=query).json()["success"]
    (task,) = sandbox.licstat().tasks
    assert task.parameters == {
        "gather": "Denials",
        "mergePolicy": "Replace",
        "from": "2021-01-10 15:10:00",
        "to": "2021-02-10 19:13:23",
        "resolveDomainNamesToIP": "true",
        "findDomainNamesByIP": "false",
    }


def test_old_versions(sandbox: Sandbox) -> None:
    sandbox.configure(version="6.20")
    assert upload(sandbox).json()["success"]
    assert refusal(upload(sandbox, query="?resolveDomainNamesToIP=true"))[0] == 400
    sandbox.configure(version="6.13")
    assert upload(sandbox).status == 404
    assert upload(sandbox, version="v2").json()["success"]
    assert upload(sandbox, version="v1").status == 404


@pytest.mark.parametrize(("token", "code"), [("", 401), ("0" * 32, 401), (USER_TOKEN, 403), (AGENT_TOKEN, 403)])
def test_tokens(sandbox: Sandbox, token: str, code: int) -> None:
    assert refusal(upload(sandbox, token=token))[0] == code
    assert post(sandbox, "/api/v3/admin/task/x/status", b"", token=token).status == code
    assert sandbox.licstat().tasks == []


def test_license_servers_that_take_no_import(sandbox: Sandbox) -> None:
    assert refusal(upload(sandbox, server=43)) == (200, "Importing is not enabled for license server not-enabled")
    assert refusal(upload(sandbox, server=44)) == (200, "Importing is not supported for Beta LM")
    assert refusal(upload(sandbox, server=99)) == (404, "License server 99 not found")
    assert refusal(upload(sandbox, server="forty"))[0] == 400
    sandbox.configure(refusal_status=409, unknown_server_status=200)
    assert refusal(upload(sandbox, server=43))[0] == 409
    assert refusal(upload(sandbox, server=99))[0] == 200
    assert sandbox.licstat().tasks == []


def test_wrong_methods_and_paths(sandbox: Sandbox) -> None:
    assert post(sandbox, "/api/v3/admin/task/x/status", b"", method="GET").status == 405
    assert post(sandbox, "/api/v3/admin/license-server/40/import", b"", method="GET").status == 405
    assert post(sandbox, "/api/v3/elsewhere", b"").status == 404
    assert [(request.operation, request.method) for request in sandbox.requests()] == [
        ("status", "GET"),
        ("import", "GET"),
        (None, "POST"),
    ]


def states(sandbox: Sandbox, *tids: str) -> list[str]:
    return [status(sandbox, tid).json()["data"]["sts"] for tid in tids]


def start(sandbox: Sandbox, content: bytes = LOG, **options: Any) -> str:
    tid: str = upload(sandbox, content, **options).json()["data"]["ti"]["tid"]
    return tid


def test_states_in_time(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure(seconds_pending=10, seconds_running=60, running_state="IN_PROGRESS")
    tid = start(sandbox)
    seen = []
    for _unused in range(4):
        seen += states(sandbox, tid)
        sandbox.clock(step=30)
    assert seen == ["PENDING", "IN_PROGRESS", "IN_PROGRESS", "SUCCESS"]


def test_large_files_take_longer(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure(seconds_pending=0, seconds_running=1, seconds_per_mib=10)
    tid = start(sandbox, b"\0" * 2 * 1024**2)
    sandbox.wait_idle()
    sandbox.clock(step=20)
    assert states(sandbox, tid) == ["STARTED"]
    sandbox.clock(step=1)
    assert states(sandbox, tid) == ["SUCCESS"]


def test_one_after_another_per_license_server(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure(seconds_pending=0, seconds_running=10)
    tids = [start(sandbox), start(sandbox, query="?mergePolicy=Merge"), start(sandbox, server=41)]
    assert states(sandbox, *tids) == ["STARTED", "PENDING", "STARTED"]
    sandbox.clock(step=10)
    assert states(sandbox, *tids) == ["SUCCESS", "STARTED", "SUCCESS"]
    sandbox.clock(step=10)
    assert states(sandbox, *tids) == ["SUCCESS", "SUCCESS", "SUCCESS"]


def test_in_parallel_if_wanted(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure(seconds_pending=0, seconds_running=10, parallel=True)
    tids = [start(sandbox), start(sandbox, query="?mergePolicy=Merge")]
    assert states(sandbox, *tids) == ["STARTED", "STARTED"]


def test_finished_tasks_can_be_forgotten(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure(seconds_pending=0, seconds_running=10, forget_after=60)
    tid = start(sandbox)
    sandbox.clock(step=69)
    assert states(sandbox, tid) == ["SUCCESS"]
    sandbox.clock(step=1)
    assert refusal(status(sandbox, tid)) == (200, f"Task {tid} not found")
    sandbox.configure(unknown_task_status=404)
    assert status(sandbox, tid).status == 404
    assert sandbox.licstat().servers[40].imports == 1


def test_words_that_nobody_knows(sandbox: Sandbox) -> None:
    sandbox.configure(final_state="DONE", final_error="but not quite", failure_state="REVOKED")
    task = imported(sandbox)
    assert (task["sts"], task["err"]) == ("DONE", "but not quite")
    assert imported(sandbox)["sts"] == "REVOKED"


def test_large_text_is_read_in_the_background(sandbox: Sandbox) -> None:
    head, *lines = LOG.splitlines(keepends=True)
    log = head + lines[0] + b"".join(lines[1:]) * 6000
    assert len(log) > 1024**2
    start(sandbox, log)
    sandbox.wait_idle()
    sandbox.clock(step=100)
    (task,) = sandbox.licstat().tasks
    assert (task.state, task.content, task.log["checkouts"]) == ("SUCCESS", None, 6000)
    assert sandbox.licstat().servers[40].features["FEAT_A"].denials == 6000


def test_reset_goes_back_to_the_beginning(sandbox: Sandbox) -> None:
    sandbox.configure(version="6.13")
    imported(sandbox, version="v2")
    sandbox.fault("drop")
    sandbox.clock(speed=0)
    sandbox.reset()
    assert (sandbox.licstat().tasks, sandbox.requests(), sandbox.faults()) == ([], [], [])
    assert sandbox.licstat().servers[40].features == {}
    assert sandbox.settings()["licstat"]["version"] == "6.21"
    before = sandbox.clock()
    assert sandbox.clock() > before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seconds_runing": 1}, "unknown setting 'seconds_runing'"),
        ({"seconds_running": "1"}, "'seconds_running' must be"),
        ({"parallel": 1}, "'parallel' must be"),
        ({"keep_bytes": True}, "'keep_bytes' must be"),
        ({"tokens": [{"tokem": "x"}]}, "tokem"),
        ({"license_servers": [40]}, "'license_servers' must be"),
    ],
)
def test_settings_are_checked(sandbox: Sandbox, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ControlError, match=re.escape(message)):
        sandbox.configure(**settings)


def test_own_license_servers_and_tokens(sandbox: Sandbox) -> None:
    sandbox.configure(
        license_servers=[{"id": 7, "name": "mine", "import_enabled": True}], tokens=[{"token": "f" * 32, "user": "Me"}]
    )
    answer = upload(sandbox, server=7, token="f" * 32)
    assert answer.json()["data"]["ti"]["sbtr"] == "Me"
    assert list(sandbox.licstat().servers) == [7]


def test_lines_are_counted_where_they_are_kept_and_both_ends_of_a_range_are_in_it(sandbox: Sandbox) -> None:
    sandbox.configure(keep_lines=True)
    imported(sandbox, query="?from=2022-01-10%2008%3A02%3A10&to=2022-01-10%2008%3A31%3A00")
    denied, returned = (text.decode() for text in LOG.splitlines()[-2:])
    assert sandbox.licstat().servers[40].lines == {
        ("2022-01-10 08:02:10", denied): 1,
        ("2022-01-10 08:31:00", returned): 1,
    }
    imported(sandbox, query="?from=2022-01-10%2008%3A31&to=2022-01-10%2008%3A32&mergePolicy=Merge")
    assert sandbox.licstat().servers[40].lines["2022-01-10 08:31:00", returned] == 2


def test_a_problem_fails_every_task_and_imports_nothing(sandbox: Sandbox) -> None:
    sandbox.configure(problem="No space left on device")
    task = imported(sandbox)
    assert (task["sts"], task["err"]) == ("FAILURE", "No space left on device")
    assert sandbox.licstat().servers[40].features == {}
    sandbox.configure(problem=None)
    assert imported(sandbox)["sts"] == "SUCCESS"
