# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking what was imported by other means for imported: for who comes from curl, or has lost the receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..haplo.driver import STANDARD, Haplo
from ..lm.driver import Lm
from ..support import Licstat, Logs, in_process, only

Run = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """The importing module of a system with something that is not known to be imported, and how well it can end."""

    system: str
    run: Run
    end: str


@pytest.fixture(params=["licstat", "haplo", "haplo's standard batches", "lm"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "licstat":
        licstat: Licstat = request.getfixturevalue("licstat")
        logs: Logs = request.getfixturevalue("make_log")
        log = logs()
        return Case("licstat", lambda **options: licstat(log, **options), "succeeded")
    if request.param == "haplo":
        haplo: Haplo = request.getfixturevalue("haplo")
        return Case("haplo", haplo, "scheduled")
    if request.param == "haplo's standard batches":
        standard = Haplo(request.getfixturevalue("sandbox"), request.getfixturevalue("tmp_path"), STANDARD)
        return Case("haplo", standard, "scheduled")
    lm: Lm = request.getfixturevalue("lm")
    assert not lm(lm.archive("other")).get("failed")  # one that is empty cannot have what is adopted
    archive = lm.archive()
    return Case("lm", lambda **options: lm(archive, **options), "succeeded")


def asked(sandbox: Sandbox, case: Case, before: int) -> list[Any]:
    return sandbox.requests(case.system)[before:]


def test_it_is_written_down_and_nothing_is_sent_or_asked(sandbox: Sandbox, case: Case) -> None:
    before = len(sandbox.requests(case.system))
    result = case.run(adopt=True, label="cad")
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"]) == (case.end, False)
    one = only(result)
    assert (one["reason"], one["state"], one["remote_id"], one["label"]) == ("adopted", case.end, None, "cad")
    assert one["started_at"] is not None
    assert one["started_at"] == one["finished_at"]
    assert asked(sandbox, case, before) == []

    again = case.run()
    assert (again["state"], again["changed"], only(again)["reason"]) == (case.end, False, "receipt")
    assert only(again)["label"] == "cad"
    assert [request for request in asked(sandbox, case, before) if request.operation in ("import", "schedule")] == []


def test_check_mode_tells_what_would_be_adopted_and_writes_nothing(sandbox: Sandbox, case: Case) -> None:
    result = case.run(adopt=True, check=True, diff=True)
    assert (result["state"], only(result)["reason"]) == (case.end, "adopted")
    assert "not imported" in result["diff"][0]["before"]
    assert case.end in result["diff"][0]["after"]
    assert only(case.run(check=True))["state"] == "planned"


def test_what_is_imported_already_stays_as_it_is(case: Case) -> None:
    first = case.run()
    result = case.run(adopt=True)
    assert only(result)["reason"] == "receipt"
    assert only(result)["remote_id"] == only(first)["remote_id"]


def test_what_a_server_had_already_is_adopted_after_it_failed(licstat: Licstat, make_log: Logs) -> None:
    """As where curl imported it, and the policy is to reject what is there."""
    log = make_log()
    assert not licstat(log, receipts="none").get("failed")
    refused = licstat(log)
    assert "Data already exists" in refused["msg"]
    result = licstat(log, adopt=True)
    assert (result["state"], only(result)["reason"]) == ("succeeded", "adopted")
    assert only(licstat(log))["reason"] == "receipt"
    assert len(licstat.uploads) == 2


def test_what_is_in_doubt_is_adopted_only_where_it_would_be_sent_again(licstat: Licstat, make_log: Logs) -> None:
    log = make_log()
    licstat.sandbox.fault("drop", operation="import", when="after_work")
    assert licstat(log)["state"] == "unknown"
    assert licstat(log, adopt=True)["state"] == "unknown"
    assert only(licstat(log, adopt=True, on_unknown="retry"))["reason"] == "adopted"
    assert len(licstat.uploads) == 1


def test_a_feed_goes_back_to_an_adopted_state_by_an_import(haplo: Haplo) -> None:
    """What is adopted is a state like any other: the newest of its feed counts."""
    first, second = [str(haplo.control_file(name, title=name)) for name in ("first", "second")]
    assert only(haplo(control=first, feed="people", adopt=True))["reason"] == "adopted"
    assert only(haplo(control=second, feed="people"))["reason"] == "new"
    assert only(haplo(control=first, feed="people"))["reason"] == "new"


def test_the_label_of_a_receipt_is_the_last_one(licstat: Licstat, make_log: Logs) -> None:
    log = make_log()
    licstat(log, label="old name")
    assert only(licstat(log, label="new name", check=True))["label"] == "new name"
    labels = []
    for label in (None, "new name", None):
        one = only(licstat(log, label=label))
        labels.append(one["label"])
        assert one["reason"] == "receipt"
    assert labels == ["old name", "new name", "new name"]
    known = in_process("import_receipt_info", receipts=str(licstat.store))
    assert [one["label"] for one in known["imports"]] == ["new name"]
