# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks on the way to Lifecycle Manager: nothing is imported twice, nothing is lost, nothing is guessed.

A small archive leaves whole before any fault can act on it; a big one does not while the sandbox does not read on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ...running import ROOT
from ...sandbox.lm.asset_archives import DEMO
from ..licstat.test_faults import EARLY_ANSWERS, case
from ..lies import LOGIN_PAGE, MAINTENANCE_PAGE
from ..support import MIB, assert_ended_well, assert_plain_failure, only
from .driver import Lm

ARCHIVE = ROOT / "tests/fixtures/lm" / DEMO
URL = f"http://acme.com/imports/{DEMO}"
PATIENCE = 0.25
"""Seconds for which the modules wait for an answer here."""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that no socket's buffers hold."""
    path = tmp_path_factory.mktemp("big") / "big.zip"
    path.write_bytes(b"\0" * 16 * MIB)
    return path


@pytest.fixture
def lm(lm: Lm) -> Lm:
    """The modules, with a server that does not look into archives."""
    lm.sandbox.configure("lm", accepts_anything=True)
    return lm


# After the last block has left.

ANSWER_LOST = [
    case("status", status=408),
    case("status", status=500, body="<html>Oops</html>", content_type="text/html"),
    case("status", status=500, body="", content_type="text/plain"),
    case("status", status=502, body="Bad gateway", content_type="text/plain"),
    case("status", status=500, body="Internal Server Error", content_type="text/plain"),
    case("status", status=500, body="500 Internal Server Error", content_type="text/plain"),
    case("status", status=500, body="upstream connect error or disconnect/reset", content_type="text/plain"),
    case("status", status=500, body="no healthy upstream", content_type="text/plain"),
    case("status", status=503, headers={"Retry-After": "0"}),
    case("html", body=MAINTENANCE_PAGE),
    case("json", json={"parsingErrorsExist": False}),
    case("json", json={"runid": ""}),
    case("json", json=["import_1"]),
    case("json", body="Import file submitted", content_type="text/plain"),
    case("drop", reset=True),
    case("drop", reset=False),
    case("truncate", reset=True),
    case("truncate", keep_bytes=0),
    case("truncate", chunked=True),
    case("garbage"),
    case("hold"),
    case("slow_answer", seconds=PATIENCE, body="{}"),
]


@pytest.mark.parametrize("when", ["after_body", "after_work"])
@pytest.mark.parametrize("fault", ANSWER_LOST)
def test_an_answer_lost_is_unknown_and_sent_again_only_if_told_so(lm: Lm, fault: dict[str, Any], when: str) -> None:
    lm.sandbox.fault(operation="import", when=when, **fault)

    result = lm(ARCHIVE, timeout=PATIENCE, response_timeout=PATIENCE)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("unknown", True)
    lm.sandbox.clear_faults()
    lm.sandbox.wait_idle()
    held = len(lm.held.runs)
    assert held == (when == "after_work" or fault["action"] == "hold")

    again = lm(ARCHIVE)
    assert (again["state"], again["changed"]) == ("unknown", False)
    assert len(lm.asked("import")) == 1
    assert_ended_well(lm(ARCHIVE, on_unknown="retry"), changed=True, reason="retried")
    assert len(lm.held.runs) == held + 1


REFUSALS = [
    *[case("status", status=status, body="Not so", content_type="text/plain") for status in (400, 401, 403, 404, 413)],
    case("status", status=500, body="The disk is full", content_type="text/plain"),
    case("html", body=LOGIN_PAGE),
    case("redirect"),
    case("redirect", status=307),
]


@pytest.mark.parametrize(
    ("fault", "by_url"),
    [
        *[pytest.param(*one.values, False, id=f"archive-{one.id}") for one in REFUSALS],
        *[pytest.param(*one.values, True, id=f"url-{one.id}") for one in REFUSALS[:6:5]],
    ],
)
def test_a_refusal_is_a_failure_and_the_next_run_tries_again(lm: Lm, fault: dict[str, Any], by_url: bool) -> None:
    lm.sandbox.fault(operation="import", when="after_body", **fault)
    what: dict[str, Any] = {"import_url": URL} if by_url else {"archive": ARCHIVE}

    result = lm(**what)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    assert fault.get("body") in (None, LOGIN_PAGE) or str(fault["body"]) in result["msg"]
    assert len(lm.asked("import")) == 1
    assert lm.held.runs == []
    assert_ended_well(lm(**what), changed=True, reason="retried")


@pytest.mark.parametrize(
    "fault",
    [
        case("delay", when="after_body", seconds=0.05),
        case("slow_answer", seconds=0.0001),
        case("patch", set={"more": "than that"}),
        case("patch", remove=["parsingErrorsExist"]),
        case("patch", remove=["assetImportMessages"]),
    ],
)
def test_what_is_only_slow_or_odd_is_an_import_like_any_other(lm: Lm, fault: dict[str, Any]) -> None:
    lm.sandbox.fault(operation="import", **fault)

    assert_ended_well(lm(ARCHIVE), changed=True, reason="new")


# Before the last block has left.

BROKEN = [
    case("drop", reset=True),
    case("drop", reset=False),
    case("garbage"),
    case("status", status=503, headers={"Retry-After": "0"}),
    case("stall"),
]
POINTS = [
    pytest.param({"when": "before_body"}, id="at-the-headers"),
    pytest.param({"after_bytes": MIB}, id="in-the-middle"),
]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
def test_what_breaks_before_all_was_sent_is_sent_again_and_changes_nothing(
    lm: Lm, big: Path, fault: dict[str, Any], point: dict[str, Any], times: int | None
) -> None:
    lm.sandbox.fault(operation="import", times=times, **fault, **point)

    result = lm(big, timeout=PATIENCE if fault["action"] == "stall" else 10)

    lm.sandbox.clear_faults()
    if times is None:
        assert_plain_failure(result)
        assert (result["state"], result["changed"]) == ("failed", False)
        assert lm.held.runs == []
        assert_ended_well(lm(big), changed=True, reason="retried")
    else:
        assert_ended_well(result, changed=True, reason="new")
        assert only(result)["attempts"] == 1
    assert len(lm.held.runs) == 1


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("fault", EARLY_ANSWERS[::2])
def test_an_answer_before_all_was_sent_means_that_nothing_was_imported(
    lm: Lm, big: Path, fault: dict[str, Any]
) -> None:
    lm.sandbox.fault(operation="import", times=None, after_bytes=MIB, **fault)

    result = lm(big)

    lm.sandbox.clear_faults()
    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("failed", False)
    assert lm.held.runs == []


@pytest.mark.usefixtures("quick_retries")
def test_a_big_archive_with_credentials_that_are_no_use_is_told_as_such(lm: Lm, big: Path) -> None:
    result = lm(big, password="not-the-password")

    assert_plain_failure(result)
    assert (result["state"], result["http_status"]) == ("failed", 401)
    assert lm.held.runs == []


@pytest.mark.parametrize(("place", "change"), [(-1, "changed"), (0, "grew")])
def test_an_archive_that_is_written_to_while_it_is_sent_is_not_imported(
    lm: Lm, tmp_path: Path, place: int, change: str
) -> None:
    archive = tmp_path / "changing.zip"
    archive.write_bytes(b"\0" * 16 * MIB)
    lm.sandbox.fault("hold", operation="import", after_bytes=MIB)
    module = lm.start(archive)
    lm.sandbox.wait_for("held", operation="import")
    with archive.open("r+b") as file:
        file.seek(place, 2)
        file.write(b"\1")
    lm.sandbox.release()

    result = module.finish()

    assert_plain_failure(result)
    assert f"{archive} is still being written: it {change}" in result["msg"]
    assert (result["state"], result["changed"]) == ("failed", False)
    lm.sandbox.wait_idle()
    assert lm.held.runs == []


# Questions for a run. The server has taken the import and goes on with it.

OUTAGES = [
    *[case("status", status=status) for status in (408, 429, 502, 503)],
    case("status", status=500, body="<html>Oops</html>", content_type="text/html"),
    case("html", body=LOGIN_PAGE),
    case("status", status=500, body="Internal Server Error", content_type="text/plain"),
    case("json", json=[]),
    case("json", json={"unpublished-assets": None}),
    case("json", json={"unpublished-assets": "0"}),
    case("json", json={"unpublished-assets": False}),
    case("json", json={"unpublished-assets": -7}),
    case("drop", reset=True),
    case("truncate"),
    case("garbage"),
    case("delay", seconds=4 * PATIENCE),
]
IN_WORDS = [
    case("status", status=500, body="There is no such run", content_type="text/plain"),
    case("json", body="There is no such run", content_type="text/plain"),
]


@pytest.mark.parametrize("fault", [*OUTAGES, *IN_WORDS])
def test_a_server_in_trouble_while_it_is_asked_is_borne_and_then_left_to_the_next_run(
    lm: Lm, fault: dict[str, Any]
) -> None:
    lm.sandbox.fault(operation="status", times=None, **fault)
    timeout = PATIENCE if fault["action"] == "delay" else 5

    result = lm(ARCHIVE, timeout=timeout, unreachable_timeout=0.4)

    assert_plain_failure(result)
    state = "unknown" if fault.get("body") == "There is no such run" else "running"
    assert (result["state"], result["changed"]) == (state, True)
    assert len(lm.asked("status")) > 1

    lm.sandbox.clear_faults()
    assert_ended_well(lm(ARCHIVE), changed=False, reason="resumed")
    assert len(lm.held.runs) == 1


@pytest.mark.parametrize("fault", [*OUTAGES[::2], *IN_WORDS])
def test_an_outage_that_ends_is_only_an_outage(lm: Lm, fault: dict[str, Any]) -> None:
    lm.sandbox.fault(operation="status", times=2, **fault)
    timeout = PATIENCE if fault["action"] == "delay" else 5

    assert_ended_well(lm(ARCHIVE, timeout=timeout), changed=True, reason="new")
    assert len(lm.held.runs) == 1


@pytest.mark.parametrize("fault", [case("status", status=401), case("status", status=404), case("redirect")])
def test_a_question_that_is_turned_down_is_not_asked_again_and_the_import_not_given_up(
    lm: Lm, fault: dict[str, Any]
) -> None:
    lm.sandbox.fault(operation="status", times=None, **fault)

    result = lm(ARCHIVE)

    assert_plain_failure(result)
    assert (result["state"], result["changed"]) == ("running", True)
    assert len(lm.asked("status")) == 1
    lm.sandbox.clear_faults()
    assert_ended_well(lm(ARCHIVE), changed=False, reason="resumed")
    assert len(lm.held.runs) == 1


@pytest.mark.parametrize("fault", [*OUTAGES[:3], case("drop"), case("status", status=401), case("json", json={})])
def test_a_library_that_cannot_be_read_keeps_no_import_from_its_end(lm: Lm, fault: dict[str, Any]) -> None:
    lm.sandbox.fault(operation="library", times=None, skip=1, **fault)  # but for the first question

    assert_ended_well(lm(ARCHIVE), changed=True, reason="new")


COUNTS = [
    ([-1, -1, 3, 2, 0], "succeeded"),
    ([5, 5, 5, 5], "incomplete"),
    ([0], "succeeded"),
    ([2, -1, 2, 0], "succeeded"),
]


@pytest.mark.parametrize(("counts", "state"), COUNTS)
def test_only_a_zero_is_a_success_whatever_was_counted_before(lm: Lm, counts: list[int], state: str) -> None:
    for number in counts[:-1]:
        lm.sandbox.fault("json", operation="status", json={"unpublished-assets": number})
    lm.sandbox.fault("json", operation="status", json={"unpublished-assets": counts[-1]}, times=None)

    result = lm(ARCHIVE)

    assert result["state"] == state
    assert only(result)["server"]["status"] == {"unpublished-assets": counts[-1]}
    assert bool(result.get("failed")) == (state != "succeeded")


def test_a_library_that_is_busy_keeps_a_standing_count_from_being_the_end(lm: Lm) -> None:
    lm.sandbox.fault("json", operation="status", json={"unpublished-assets": 4}, times=None)
    for requests in range(40, 0, -1):
        status = {"catalogAssets": 4, "activeRequests": requests, "pendingEvents": 0}
        lm.sandbox.fault("json", operation="library", json=status)

    result = lm(ARCHIVE, settle_time=0.15, wait_sleep=0.02)

    assert result["state"] == "incomplete"
    assert len(lm.asked("library")) > 40
