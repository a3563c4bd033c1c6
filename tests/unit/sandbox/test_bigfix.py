# SPDX-License-Identifier: GPL-3.0-or-later
"""BigFix Inventory and License Metric Tool over HTTP: answers by mode, tokens, the life of imports, trouble."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.bigfix.credentials import (
    BIGFIX_TOKEN,
    BIGFIX_VIEWER_TOKEN,
    LMT_TOKEN,
    LMT_VIEWER_TOKEN,
    MANAGER,
    MANAGER_PASSWORD,
)
from tests.sandbox.bigfix.view import BigFix
from tests.sandbox.handle import ControlError, Sandbox

from .client import Answer, send

URLS = {"import_status_url": "/import_status", "import_create_url": "/management/imports"}
LAST = {"last_status", "last_success_time", "last_import_time", "last_import_type"}
NEXT = {"next_import_time", "next_import_time_in", "next_import_type"}
VIEWER_TOKENS = {"bigfix": BIGFIX_VIEWER_TOKEN, "lmt": LMT_VIEWER_TOKEN}
BROKEN = (ConnectionError, http.client.HTTPException)


@dataclass(frozen=True)
class Server:
    """A client of one of the two products, whose clock stands still."""

    sandbox: Sandbox
    name: str
    token: str
    run: str
    """Value of `run` that starts a complete import."""

    def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> Answer:
        """One request, with exactly these parameters."""
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path, headers=headers)

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Any request."""
        return send(self.sandbox, method, f"/{self.name}{path}", body, headers or {})

    def ask(self, **query: str) -> Answer:
        """The status, or with `run` a start."""
        return self.get("/api/import_status.json", None, **{"token": self.token, **query})

    def status(self) -> dict[str, Any]:
        """The status, decoded."""
        answer = self.ask()
        assert answer.status == 200
        status: dict[str, Any] = answer.json()
        return status

    def start(self) -> dict[str, Any]:
        """Start a complete import; the answer, decoded."""
        started: dict[str, Any] = self.ask(run=self.run).json()
        return started

    def configure(self, **settings: Any) -> None:
        """Change settings."""
        self.sandbox.configure(self.name, **settings)

    def step(self, seconds: float) -> None:
        """Go ahead."""
        self.sandbox.clock(step=seconds)

    def view(self) -> BigFix:
        """What it holds."""
        return self.sandbox.bigfix() if self.name == "bigfix" else self.sandbox.lmt()


def server_of(sandbox: Sandbox, name: str) -> Server:
    """One of the two, with a clock that stands still."""
    sandbox.clock(speed=0)
    return Server(sandbox, name, *{"bigfix": (BIGFIX_TOKEN, "complete"), "lmt": (LMT_TOKEN, "true")}[name])


@pytest.fixture
def bigfix(sandbox: Sandbox) -> Server:
    return server_of(sandbox, "bigfix")


@pytest.fixture
def lmt(sandbox: Sandbox) -> Server:
    return server_of(sandbox, "lmt")


@pytest.fixture(params=["bigfix", "lmt"])
def server(request: pytest.FixtureRequest, sandbox: Sandbox) -> Server:
    """Both, one after the other."""
    return server_of(sandbox, request.param)


def moment(text: str) -> datetime:
    """A time as the API tells it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def error(answer: Answer) -> tuple[int, str]:
    """Status and message of an error, whose form is checked."""
    content = answer.json()
    assert sorted(content) == ["error", "message"]
    return answer.status, content["message"]


# The status, by mode


def test_never_imported(bigfix: Server, lmt: Server) -> None:
    common = {"mode": "none", "can_run_imports": True, **URLS}
    assert bigfix.status() == common
    told = lmt.status()
    assert {name: told.pop(name) for name in NEXT}["next_import_type"] == "complete"
    assert told == {**common, "progress": 59}


def test_running_on_bigfix_inventory(bigfix: Server) -> None:
    bigfix.configure(history=[{"age": 3600}])
    bigfix.start()
    bigfix.step(5.1)
    assert bigfix.status() == {"mode": "running", "can_run_imports": True, **URLS, "progress": 25}


def test_start_on_license_metric_tool_still_tells_of_the_import_before(lmt: Server) -> None:
    lmt.configure(history=[{"age": 3600}])
    before = lmt.status()
    started = lmt.start()
    assert set(started) == {"mode", "can_run_imports", *URLS, "progress", *LAST, *NEXT}
    assert (started["mode"], started["progress"]) == ("running", 1)
    assert {name: started[name] for name in LAST} == {name: before[name] for name in LAST}


def test_idle(server: Server) -> None:
    server.configure(history=[{"age": 60, "status": "failed"}, {"age": 7200}])
    status = server.status()
    assert set(status) == {"mode", "can_run_imports", *URLS, *LAST, *NEXT}
    assert (status["mode"], status["last_status"], status["last_import_type"]) == ("idle", "failed", "complete")
    assert moment(status["last_import_time"]) - moment(status["last_success_time"]) == timedelta(seconds=7140)
    ahead = moment(status["next_import_time"]) - moment(status["last_import_time"]) - timedelta(seconds=60)
    assert abs(ahead.total_seconds() - status["next_import_time_in"]) <= 1
    assert status["next_import_time"].endswith("T00:00:00Z")


def test_never_successful(server: Server) -> None:
    server.configure(history=[{"age": 60, "status": "failed"}], daily=False)
    assert set(server.status()) == {"mode", "can_run_imports", *URLS, *LAST} - {"last_success_time"}


def test_pending_until_a_complete_import_is_successful(bigfix: Server) -> None:
    bigfix.configure(history=[{"age": 60}], pending=True, failures=1, raw_imports_enabled=True)
    assert bigfix.status()["mode"] == "pending"
    for run, mode in (("complete", "pending"), ("raw_only", "pending"), ("complete", "idle")):
        assert bigfix.ask(run=run).json()["mode"] == "running"
        bigfix.step(20)
        assert bigfix.status()["mode"] == mode


@pytest.mark.parametrize(("progress", "told"), [("moving", [1, 50, 99]), ("stale", [1, 1, 1]), ("absent", [None] * 3)])
def test_progress(server: Server, progress: str, told: list[int | None]) -> None:
    server.configure(progress=progress, seconds_complete=1000)
    shown = [server.start().get("progress")]
    for seconds in (505, 490):
        server.step(seconds)
        shown.append(server.status().get("progress"))
    assert shown == told


def test_last_while_running_is_a_setting(bigfix: Server, lmt: Server) -> None:
    for server, shown in ((bigfix, True), (lmt, False)):
        server.configure(last_while_running=shown, history=[{"age": 60}])
        assert ("last_status" in server.start()) == shown


# The form of answers


def test_alias_of_bigfix_inventory(bigfix: Server, lmt: Server) -> None:
    assert bigfix.get("/api/management/imports.json", token=BIGFIX_TOKEN, run="complete").json()["mode"] == "running"
    assert bigfix.get("/api/management/imports.json", token=BIGFIX_TOKEN, format="json").json() == bigfix.status()
    assert lmt.get("/api/management/imports.json", token=LMT_TOKEN).status == 404


def test_streamed(server: Server) -> None:
    headers = server.ask().headers
    assert headers["transfer-encoding"] == "chunked"
    assert "content-length" not in headers
    assert (headers["content-type"], headers["content-language"]) == ("application/json", "en-US")
    server.configure(streamed=False)
    answer = server.ask()
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "transfer-encoding" not in answer.headers


def test_date_is_by_the_sandbox_clock(server: Server) -> None:
    server.step(100 * 24 * 3600)
    server.configure(history=[{"age": 0}])
    answer = server.ask()
    assert parsedate_to_datetime(answer.headers["date"]) == moment(answer.json()["last_import_time"])
    assert answer.headers["date"].endswith(" GMT")
    server.configure(sends_date=False)
    assert "date" not in server.ask().headers


@pytest.mark.parametrize("when", ["before_body", "after_work"])
def test_date_of_faults(server: Server, when: str) -> None:
    server.sandbox.fault("status", when=when)
    assert server.ask().headers["date"].endswith(" GMT")
    server.sandbox.fault("status", when=when, headers={"Date": "Thu, 18 Jun 2015 04:00:29 GMT"})
    assert server.ask().headers["date"] == "Thu, 18 Jun 2015 04:00:29 GMT"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?verbose=1", "Unknown parameter verbose"),
        ("?format=xml", "format"),
        ("?run=complete&run=true", "A parameter is given twice"),
    ],
)
def test_bad_queries(bigfix: Server, query: str, message: str) -> None:
    answer = bigfix.send("GET", f"/api/import_status.json{query}&token={BIGFIX_TOKEN}")
    status, told = error(answer)
    assert status == 500
    assert message in told
    assert bigfix.view().imports == []


def test_status_and_start_are_two_operations(server: Server) -> None:
    server.ask()
    server.ask(run=server.run)
    server.ask(run="")
    assert [request.operation for request in server.sandbox.requests()] == ["status", "start", "start"]
    server.sandbox.fault("status", operation="start", status=502)
    assert server.ask().status == 200
    assert server.ask(run=server.run).status == 502
    assert server.send("POST", "/api/import_status.json?run=x").status == 405


def test_about(bigfix: Server, lmt: Server) -> None:
    answer = lmt.get("/api/sam/about", {"Token": LMT_TOKEN})
    assert answer.json() == {"product": "IBM License Metric Tool", "version": "9.2.20140331-2015"}
    assert bigfix.get("/api/sam/about", token=BIGFIX_TOKEN).json()["product"] == "HCL BigFix Inventory"
    bigfix.configure(users=[{"user": "a", "password": "b", "token": "c", "sees_version": False}])
    assert bigfix.get("/api/sam/about", token="c").status == 403


# Tokens


def test_get_token(server: Server) -> None:
    def ask(content: Any) -> Answer:
        return server.send("POST", "/api/get_token", json.dumps(content).encode())

    right = {"user": MANAGER, "password": MANAGER_PASSWORD}
    assert ask(right).json() == {"token": server.token}
    wrong = {**right, "password": "x"}
    assert ask(wrong).status == 401
    server.configure(wrong_credentials_status=500)
    assert ask(wrong).status == 500
    assert ask([]).status == 500
    server.configure(single_sign_on=True, unauthenticated="redirect")
    assert ask(right).status == 302


def test_where_a_token_counts(bigfix: Server, lmt: Server) -> None:
    def code(server: Server, header: str | None, **query: str) -> int:
        return server.get("/api/import_status.json", None if header is None else {"Token": header}, **query).status

    assert code(lmt, LMT_TOKEN) == 200
    assert code(lmt, None, token=LMT_TOKEN) == 200
    assert code(lmt, LMT_TOKEN, token="wrong") == 200
    assert code(lmt, "wrong", token=LMT_TOKEN) == 401
    lmt.configure(token_in_url=False)
    assert code(lmt, None, token=LMT_TOKEN) == 401
    assert code(lmt, LMT_TOKEN, token=LMT_TOKEN) == 200
    assert code(bigfix, BIGFIX_TOKEN) == 401
    assert code(bigfix, "wrong", token=BIGFIX_TOKEN) == 200
    bigfix.configure(token_in_header=True)
    assert code(bigfix, BIGFIX_TOKEN) == 200


def test_unauthenticated(server: Server) -> None:
    assert error(server.ask(token="", run=server.run))[0] == 401
    server.configure(unauthenticated="redirect")
    answer = server.ask(token="")
    assert (answer.status, answer.headers["location"]) == (302, f"/{server.name}/login")
    page = server.get("/login")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    server.configure(unauthenticated="login_page")
    assert server.ask(token="").body == page.body
    assert server.view().starts_asked == 0


def test_user_without_manage_imports(server: Server) -> None:
    token = VIEWER_TOKENS[server.name]
    assert server.ask(token=token).json()["can_run_imports"] is False
    assert server.ask(token=token, run=server.run).json()["mode"] == "none"
    server.configure(run_without_permission="error")
    assert error(server.ask(token=token, run=server.run))[0] == 403
    assert server.view().imports == []


# The life of imports


def test_import_that_is_successful(server: Server) -> None:
    server.configure(history=[{"age": 100, "type": "raw_only"}])
    before = server.status()
    server.start()
    server.step(19.5)
    assert (server.status()["mode"], server.view().imports[-1].finished_at) == ("running", None)
    server.step(1)
    after = server.status()
    assert (after["mode"], after["last_status"], after["last_import_type"]) == ("idle", "successful", "complete")
    assert moment(after["last_success_time"]) - moment(before["last_success_time"]) == timedelta(seconds=120)
    one = server.view().imports[-1]
    assert (one.type, one.by, one.status) == ("complete", "api", "successful")
    assert one.finished_at is not None
    assert one.finished_at == after["last_import_time"] == after["last_success_time"]
    assert moment(one.finished_at) - moment(one.started_at) == timedelta(seconds=20)


def test_import_that_fails(server: Server) -> None:
    server.configure(failures=1, failure_status="error", history=[{"age": 100}])
    before = server.status()
    for status in ("error", "successful"):
        server.start()
        server.step(20)
        after = server.status()
        assert after["last_status"] == status
        assert after["last_import_time"] > before["last_import_time"]
        assert (after["last_success_time"] == before["last_success_time"]) == (status == "error")


def test_raw_only(bigfix: Server) -> None:
    assert bigfix.ask(run="raw_only").json()["mode"] == "none"
    bigfix.configure(raw_disabled="error")
    assert error(bigfix.ask(run="raw_only"))[0] == 500
    assert bigfix.view().imports == []
    bigfix.configure(raw_imports_enabled=True)
    assert bigfix.ask(run="raw_only").json()["mode"] == "running"
    bigfix.step(5)
    assert bigfix.status()["last_import_type"] == "raw_only"


@pytest.mark.parametrize(
    ("name", "run"), [("bigfix", "true"), ("bigfix", "Complete"), ("lmt", "complete"), ("lmt", "")]
)
def test_other_values_of_run(sandbox: Sandbox, name: str, run: str) -> None:
    server = server_of(sandbox, name)
    assert error(server.ask(run=run)) == (500, f"Parameter run has an invalid value: {run}")
    server.configure(unknown_run="status")
    assert server.ask(run=run).json()["mode"] == "none"
    assert (server.view().imports, server.view().starts_asked) == ([], 2)


def test_run_while_one_runs_starts_nothing(server: Server) -> None:
    server.start()
    assert server.start()["mode"] == "running"
    server.configure(run_while_running="error")
    assert error(server.ask(run=server.run)) == (500, "An import is already running")
    view = server.view()
    assert (view.mode, len(view.started_by_api)) == ("running", 1)
    assert (view.starts_asked, view.starts_asked_while_running) == (3, 2)


def test_times_of_the_start(server: Server) -> None:
    server.configure(last_times="start")
    server.start()
    server.step(20)
    assert server.status()["last_import_time"] == server.view().imports[0].started_at


# Imports of others


def test_others_start_by_themselves(bigfix: Server) -> None:
    bigfix.configure(others=[{"at": 50.5}, {"at": 10, "type": "raw_only"}, {"at": 12}], raw_imports_enabled=True)
    bigfix.step(11)
    assert bigfix.status()["mode"] == "running"
    bigfix.step(10)
    status = bigfix.status()
    assert (status["mode"], status["last_import_type"]) == ("idle", "raw_only")
    assert (status["next_import_time_in"], status["next_import_type"]) == (29, "complete")
    bigfix.step(31)
    assert bigfix.start()["mode"] == "running"
    view = bigfix.view()
    assert [(one.type, one.by) for one in view.imports] == [("raw_only", "schedule"), ("complete", "schedule")]
    assert view.starts_asked_while_running == 1


def test_others_wait_for_nobody(server: Server) -> None:
    server.configure(others=[{"at": 10}])
    server.start()
    server.step(100)
    assert [one.by for one in server.view().imports] == ["api"]


def test_daily_schedule(server: Server) -> None:
    server.step(24 * 3600 - 1)
    assert server.view().imports == []
    server.step(3 * 24 * 3600)
    times = [one.started_at for one in server.view().imports]
    assert len(times) in (2, 3)
    assert all(time.endswith("T00:00:00Z") for time in times)
    server.configure(daily=False, history=[])
    server.step(3 * 24 * 3600)
    assert server.view().imports == []


# Trouble


@pytest.mark.parametrize(
    ("kind", "code"), [("reset", None), ("close", None), ("500", 500), ("503", 503), ("html", 200), ("truncated", None)]
)
def test_trouble_of_each_kind(server: Server, kind: str, code: int | None) -> None:
    server.configure(trouble=1, trouble_kinds=[kind])
    assert server.status()["mode"] == "none"
    assert server.start()["mode"] == "running"
    if code is None:
        with pytest.raises(BROKEN):
            server.ask()
    else:
        answer = server.ask()
        assert answer.status == code
        assert kind != "html" or b"<form" in answer.body
    assert server.sandbox.wait_for(count=3)[-1].fault is not None
    server.step(20)
    assert server.status()["mode"] == "idle"


def test_trouble_is_a_share_and_the_same_each_time(server: Server) -> None:
    def statuses() -> list[int]:
        server.configure(trouble=0.5, trouble_kinds=["500", "503"], trouble_seed=7)
        return [server.ask().status for _number in range(20)]

    server.start()
    first = statuses()
    assert set(first) == {200, 500, 503}
    assert statuses() == first


def test_trouble_goes_on_for_a_while_after_the_end(server: Server) -> None:
    server.configure(trouble=1, trouble_after=10, trouble_kinds=["503"])
    server.start()
    server.step(29)
    assert server.ask().status == 503
    server.step(2)
    assert server.status()["mode"] == "idle"


def test_restart_in_the_middle(server: Server) -> None:
    server.configure(restart_at=5, restart_seconds=30)
    server.start()
    server.step(4)
    assert server.status()["mode"] == "running"
    server.step(2)
    for path in ("/api/import_status.json", "/api/sam/about", "/login"):
        with pytest.raises(BROKEN):
            server.get(path, token=server.token)
    assert server.view().away
    server.step(30)
    assert server.status()["last_status"] == "successful"
    assert not server.view().away


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"progress": "fast"}, "'progress' must be one of moving, stale, absent"),
        ({"unauthenticated": "403"}, "'unauthenticated' must be"),
        ({"run_while_running": "start"}, "'run_while_running' must be"),
        ({"trouble_kinds": ["fire"]}, "'trouble_kinds' must be one of reset"),
        ({"trouble": 1.5}, "'trouble' must be from 0 to 1"),
        ({"trouble_kinds": []}, "'trouble_kinds' must name one"),
        ({"others": [{"at": 1, "type": "some"}]}, "'type' must be"),
        ({"history": [{"age": 1, "type": "some"}]}, "'type' must be"),
    ],
)
def test_bad_settings(server: Server, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ControlError, match=message):
        server.configure(**settings)


def test_reset(server: Server) -> None:
    server.configure(pending=True, failures=3, others=[{"at": 1}], history=[{"age": 1}])
    server.start()
    server.sandbox.reset()
    assert server.view() == BigFix(mode="none", away=False, imports=[], starts_asked=0, starts_asked_while_running=0)


def test_handle(sandbox: Sandbox) -> None:
    assert (sandbox.bigfix_url, sandbox.lmt_url) == (f"{sandbox.url}/bigfix", f"{sandbox.url}/lmt")
    assert (sandbox.bigfix_token, sandbox.lmt_token) == (BIGFIX_TOKEN, LMT_TOKEN)
