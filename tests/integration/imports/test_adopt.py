# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking what was imported by other means for imported: for who comes from curl, or has lost the receipts."""

from __future__ import annotations

import pytest

from ...sandbox.handle import Sandbox
from ..haplo.driver import Haplo
from ..lm.driver import Lm
from ..support import Licstat, Logs, in_process, only
from .systems import One

in_each = pytest.mark.parametrize("one", ["licstat", "haplo", "haplo's standard batches", "lm"], indirect=True)


def not_empty(one: One) -> One:
    """An empty library cannot have what is adopted."""
    if isinstance(one.modules, Lm):
        assert not one(one.modules.archive("other")).get("failed")
    return one


@in_each
def test_it_is_written_down_and_nothing_is_sent_or_asked(sandbox: Sandbox, one: One) -> None:
    not_empty(one)
    before = len(sandbox.requests())
    result = one(adopt=True, label="cad")
    assert not result.get("failed"), result["msg"]
    assert (result["state"], result["changed"]) == (one.done, False)
    entry = only(result)
    assert (entry["reason"], entry["state"], entry["remote_id"], entry["label"]) == ("adopted", one.done, None, "cad")
    assert entry["started_at"] is not None
    assert entry["started_at"] == entry["finished_at"]
    assert sandbox.requests()[before:] == []

    again = one()
    assert (again["state"], again["changed"], only(again)["reason"]) == (one.done, False, "receipt")
    assert only(again)["label"] == "cad"
    assert [request for request in sandbox.requests()[before:] if request.operation in ("import", "schedule")] == []


@in_each
def test_check_mode_tells_what_would_be_adopted_and_writes_nothing(one: One) -> None:
    result = not_empty(one)(adopt=True, check=True, diff=True)
    assert (result["state"], only(result)["reason"]) == (one.done, "adopted")
    assert "not imported" in result["diff"][0]["before"]
    assert one.done in result["diff"][0]["after"]
    assert only(one(check=True))["state"] == "planned"


@in_each
def test_what_is_imported_already_stays_as_it_is(one: One) -> None:
    first = one()
    result = one(adopt=True)
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
