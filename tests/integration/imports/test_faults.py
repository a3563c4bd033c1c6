# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way, at every point of a request: nothing is imported twice, nothing is lost, nothing is guessed.

So it is for each system that takes a file, and for the looks at an import that runs. A small file leaves whole before
any fault can act on it; a big one does not while the sandbox does not read on. There is one fault of each kind: every
status, and every way to break off, is in the unit tests of the client. What only one system has, is in its own
`test_faults.py`; Haplo, which takes several files in steps, has all of it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ...sandbox.lm.asset_archives import DEMO
from ..bigfix.driver import DAY
from ..exercised import exercises
from ..faults import PATIENCE, POINTS, case, status_of
from ..lies import LOGIN_PAGE, MAINTENANCE_PAGE
from ..support import Licstat, Logs, assert_ended_well, assert_plain_failure, only
from .systems import SYSTEMS, One

STARTS = {"bigfix": "start"}  # else it is called "import"
LOOKS_FIRST = {"bigfix": 2}  # before it starts anything
ADVICE = {"bigfix": "max_age"}  # how it is told what to do about an import that goes on, else "Run again"
NEXT_RUN: dict[str, tuple[dict[str, Any], str]] = {"bigfix": ({"max_age": DAY}, "fresh")}
"""How the next run takes what an earlier one began, and why."""


@pytest.fixture
def system(request: pytest.FixtureRequest) -> str:
    """The name of the system that is the parameter."""
    return str(request.param)


@pytest.fixture
def server(system: str, quick: Sandbox, tmp_path: Path) -> One:
    """One import of it. Lifecycle Manager does not look into archives here."""
    quick.configure("lm", accepts_anything=True)
    one = SYSTEMS[system.partition(" ")[0]](quick, tmp_path)
    if system == "lm by url":
        one.what, one.options = (), {"import_url": f"http://acme.com/imports/{DEMO}"}
    return one


def holds(server: One, imports: int) -> bool:
    """Whether the server took so many imports, and they are in."""
    taken = server.modules.held.accepted if isinstance(server.modules, Licstat) else imports
    return (taken, server.imports()) == (imports, imports)


def assert_next_run_takes_it(server: One, system: str) -> None:
    """The next run finds what an earlier one began, of which there is but one."""
    server.after_faults()
    options, reason = NEXT_RUN.get(system, ({}, "resumed"))
    assert_ended_well(server(**options), changed=False, reason=reason)
    assert len(server.sent(STARTS.get(system, "import"))) == 1
    assert holds(server, 1)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that no socket's buffers hold."""
    return Logs(tmp_path_factory.mktemp("big"))(mib=16)


def of(systems: Mapping[str, Iterable[Any]]) -> pytest.MarkDecorator:
    """For tests with faults, for each system with those that are its own."""
    cases = [
        pytest.param(system, *one.values, id=f"{system}-{one.id}") for system, all_ in systems.items() for one in all_
    ]
    return pytest.mark.parametrize(("system", "fault"), cases, indirect=["system"])


def at(when: str, faults: Iterable[Any]) -> list[Any]:
    """The same faults at some point of a request."""
    return [pytest.param({**one.values[0], "when": when}, id=f"{when}-{one.id}") for one in faults]


def assert_outcome(result: dict[str, Any], state: str, *, changed: bool) -> None:
    """It failed and says so to a person."""
    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == (state, changed)


# After the last block has left.

DROPPED = case("drop", reset=True)
BUSY = case("status", status=503, headers={"Retry-After": "0"})
HELD = case("hold")
LOST = [
    DROPPED,
    BUSY,
    HELD,
    case("status", status=408),
    case("html", body=MAINTENANCE_PAGE),
    case("truncate", chunked=True),
    case("slow_answer", seconds=PATIENCE, body="{}"),
]
LOST_BY_LICENSE_STATISTICS = [
    case("status", status=500),
    case("json", json={"success": True}),
    case("delay", seconds=4 * PATIENCE),
    case("patch", remove=["data.ti.tid"]),
]
LOST_BY_LIFECYCLE_MANAGER = [
    case("status", status=500, body="<html>Oops</html>", content_type="text/html"),
    *[case("status", status=500, body=body, content_type="text/plain") for body in ("", "no healthy upstream")],
    case("json", json={"runid": ""}),
    case("json", json=["import_1"]),
    case("json", body="Import file submitted", content_type="text/plain"),
]


@exercises("on_unknown", of="lm_import")
@of(
    {
        "licstat": [*at("after_body", LOST[:3]), *at("after_work", [*LOST, *LOST_BY_LICENSE_STATISTICS])],
        "lm": [*at("after_body", LOST[:3]), *at("after_work", [*LOST, *LOST_BY_LIFECYCLE_MANAGER])],
    }
)
def test_an_answer_lost_is_unknown_and_sent_again_only_if_told_so(server: One, fault: dict[str, Any]) -> None:
    server.fault("import", **fault)

    result = server(timeout=PATIENCE, response_timeout=PATIENCE)

    assert_outcome(result, "unknown", changed=True)
    server.after_faults()
    is_taken = fault["when"] == "after_work" or fault["action"] in ("hold", "delay")
    assert holds(server, is_taken)

    assert_outcome(server(), "unknown", changed=False)
    assert len(server.sent("import")) == 1

    retried = server(on_unknown="retry")
    if is_taken and isinstance(server.modules, Licstat):  # by its merge policy
        assert_outcome(retried, "failed", changed=True)
        assert "Data already exists" in retried["msg"]
        assert server.modules.held.imports == 1
    else:
        assert_ended_well(retried, changed=True, reason="retried")
        assert holds(server, is_taken + 1)


@of(
    {
        "licstat": [
            case("delay", when="after_body", seconds=0.05),
            case("delay", when="after_work", seconds=0.05),
            case("slow_answer", seconds=0.0001),
            case("patch", set={"data.sst": "QUEUED"}),
            case("truncate", keep_bytes=1_000_000),
        ],
        "lm": [
            case("delay", when="after_body", seconds=0.05),
            case("slow_answer", seconds=0.0001),
            case("patch", set={"more": "than that"}),
            case("patch", remove=["parsingErrorsExist"]),
            case("patch", remove=["assetImportMessages"]),
        ],
    }
)
def test_what_is_only_slow_or_odd_is_an_import_like_any_other(server: One, fault: dict[str, Any]) -> None:
    server.fault("import", **fault)

    assert_ended_well(server(), changed=True, reason="new")
    assert holds(server, 1)


REFUSED = [case("html", body=LOGIN_PAGE), case("redirect"), case("status", status=401)]
IN_WORDS = [
    case("status", status=400, body="Not so", content_type="text/plain"),
    case("status", status=500, body="The disk is full", content_type="text/plain"),
]


@of(
    {
        "licstat": [
            *REFUSED,
            case("json", json={"success": False, "msg": "Queue is full"}),
            case("json", json={"success": False, "msg": "No such server"}, status=400),
        ],
        "lm": [*REFUSED, *IN_WORDS],
        "lm by url": IN_WORDS,
    }
)
def test_a_refusal_is_a_failure_and_the_next_run_tries_again(server: One, fault: dict[str, Any]) -> None:
    server.fault("import", when="after_body", **fault)

    result = server()

    assert_outcome(result, "failed", changed=False)
    assert fault.get("body") in (None, LOGIN_PAGE) or str(fault["body"]) in result["msg"]
    assert len(server.sent("import")) == 1
    assert holds(server, 0)
    assert_ended_well(server(), changed=True, reason="retried")
    assert holds(server, 1)


# Before the last block has left.


def in_the_middle(faults: Iterable[Any]) -> list[Any]:
    """The same faults before the last block."""
    return [pytest.param({**one.values[0], **POINTS["in-the-middle"]}, id=one.id) for one in faults]


STALLED = case("stall")
BREAKS = {
    "licstat": [
        *in_the_middle([DROPPED, case("drop", reset=False), case("garbage"), BUSY, STALLED, HELD]),
        *at("before_body", [DROPPED, BUSY]),
    ],
    "lm": in_the_middle([DROPPED, BUSY, STALLED]),
}


@pytest.mark.usefixtures("quick_retries")
@of(BREAKS)
def test_what_breaks_once_before_all_was_sent_is_sent_again_at_once(
    server: One, big: Path, fault: dict[str, Any]
) -> None:
    server.fault("import", **fault)

    result = server(big, timeout=PATIENCE if fault["action"] in ("stall", "hold") else 10)

    server.after_faults()
    assert_ended_well(result, changed=True, reason="new")
    assert only(result)["attempts"] == 1
    assert len(server.sent("import")) == 2
    assert holds(server, 1)


@pytest.mark.usefixtures("quick_retries")
@of(BREAKS)
def test_what_breaks_again_and_again_before_all_was_sent_has_failed_and_changed_nothing(
    server: One, big: Path, fault: dict[str, Any]
) -> None:
    server.fault("import", times=None, **fault)

    result = server(big, timeout=PATIENCE if fault["action"] in ("stall", "hold") else 10)

    server.after_faults()
    assert_outcome(result, "failed", changed=False)
    assert result.get("http_status") == status_of(fault)
    assert 1 < len(server.sent("import")) < 10
    assert holds(server, 0)
    assert_ended_well(server(big), changed=True, reason="retried")
    assert holds(server, 1)


EARLY_ANSWERS = [
    *[case("status", status=status) for status in (401, 413, 500)],
    case("redirect"),
    case("html", body=LOGIN_PAGE),
    case("html", body=MAINTENANCE_PAGE),
    case("json", json={"success": True}),
    case("truncate"),
    case("slow_answer", seconds=0.0001),
]


@pytest.mark.usefixtures("quick_retries")
@of(
    {
        "licstat": [*in_the_middle(EARLY_ANSWERS), *at("before_body", EARLY_ANSWERS[1:3])],
        "lm": in_the_middle(EARLY_ANSWERS[::4]),
    }
)
def test_an_answer_before_all_was_sent_means_that_nothing_was_imported(
    server: One, big: Path, fault: dict[str, Any]
) -> None:
    server.fault("import", times=None, **fault)

    result = server(big)

    server.after_faults()
    assert_outcome(result, "failed", changed=False)
    if fault["action"] != "truncate":
        assert result["http_status"] == (status_of(fault) or 200)
    assert holds(server, 0)
    assert_ended_well(server(big), changed=True, reason="retried")
    assert holds(server, 1)


# Looks at an import. The server has taken it and goes on with it.

UNAVAILABLE = case("status", status=503)
NO_STATUS = case("json", json=[])
LOGIN = case("html", body=LOGIN_PAGE)
OUTAGES = {
    "licstat": [
        UNAVAILABLE,
        NO_STATUS,
        LOGIN,
        DROPPED,
        case("truncate"),
        case("delay", seconds=4 * PATIENCE),
        case("slow_answer", seconds=PATIENCE / 4, body='{"success": 1}'),
        *at("after_work", [DROPPED]),
    ],
    "lm": [
        UNAVAILABLE,
        LOGIN,
        case("status", status=500, body="<html>Oops</html>", content_type="text/html"),
        case("status", status=500, body="Internal Server Error", content_type="text/plain"),
        *[case("json", json={"unpublished-assets": count}) for count in (None, "0", False, -7)],
    ],
    "bigfix": [
        UNAVAILABLE,
        NO_STATUS,
        LOGIN,
        DROPPED,
        case("status", status=500),
        case("json", json={"success": True}),
        HELD,
        case("slow_answer", seconds=PATIENCE / 4, body='{"mode": "idle"}'),
    ],
}
NO_SUCH_RUN = [
    case("status", status=500, body="There is no such run", content_type="text/plain"),
    case("json", body="There is no such run", content_type="text/plain"),
]


def patience_with(fault: dict[str, Any]) -> dict[str, Any]:
    """A time limit for looks that a fault which holds its answer back exceeds, and no other one."""
    return {"timeout": PATIENCE} if fault["action"] in ("hold", "delay", "slow_answer") else {}


@of({**OUTAGES, "lm": [*OUTAGES["lm"], *NO_SUCH_RUN]})
def test_a_server_in_trouble_while_it_is_asked_is_borne_and_then_left_to_the_next_run(
    server: One, system: str, fault: dict[str, Any]
) -> None:
    server.fault("status", skip=LOOKS_FIRST.get(system, 0), times=None, **fault)

    result = server(unreachable_timeout=1.0, wait_sleep=0.2, **patience_with(fault))

    is_lost = fault.get("body") == "There is no such run"
    assert_outcome(result, "unknown" if is_lost else "running", changed=True)
    assert result.get("http_status") == (None if is_lost else status_of(fault))
    assert is_lost or ADVICE.get(system, "Run again") in result["msg"]
    assert len(server.sent("status")) > LOOKS_FIRST.get(system, 0) + 1

    assert_next_run_takes_it(server, system)


@of({system: outages[::3] for system, outages in {**OUTAGES, "lm no run": NO_SUCH_RUN}.items()})
def test_an_outage_that_ends_is_only_an_outage(server: One, system: str, fault: dict[str, Any]) -> None:
    server.fault("status", skip=LOOKS_FIRST.get(system, 0), times=2, **fault)

    assert_ended_well(server(**patience_with(fault)), changed=True, reason="new")
    assert len(server.sent(STARTS.get(system, "import"))) == 1
    assert holds(server, 1)


TURNED_DOWN = [case("status", status=401), case("redirect")]


@of(
    {
        "licstat": TURNED_DOWN,
        "lm": [*TURNED_DOWN, case("status", status=404)],
        "bigfix": [*TURNED_DOWN, case("status", status=404)],
    }
)
def test_a_question_that_is_turned_down_is_not_asked_again_and_the_import_not_given_up(
    server: One, system: str, fault: dict[str, Any]
) -> None:
    server.fault("status", skip=LOOKS_FIRST.get(system, 0), times=None, **fault)

    result = server()

    assert_outcome(result, "running", changed=True)
    assert ADVICE.get(system, "Run again") in result["msg"]
    assert len(server.sent("status")) == LOOKS_FIRST.get(system, 0) + 1
    assert_next_run_takes_it(server, system)
