# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the first import of a run something safe is asked, so that an outage leaves nothing in doubt.

Otherwise each of thirty targets whose server drops connections ended as `unknown`, for a person to look after.
"""

from __future__ import annotations

from typing import Any

import pytest

from ...sandbox.handle import Sandbox
from ..support import Licstat, Logs, assert_plain_failure
from .systems import One

OUTAGES: dict[str, dict[str, Any]] = {
    "connections are dropped": {"action": "drop", "when": "after_body"},
    "a gateway has no server": {"action": "status", "when": "before_body", "status": 502, "content_type": "text/html"},
    "maintenance": {"action": "html", "when": "before_body", "body": "<title>Back soon</title>"},
    "somewhere else": {"action": "redirect", "when": "before_body", "location": "/login"},
}


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("one", ["licstat", "haplo", "haplo's standard batches", "lm"], indirect=True)
@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_a_failure_with_nothing_in_doubt(sandbox: Sandbox, one: One, outage: str) -> None:
    for system in ("licstat", "haplo", "lm"):
        sandbox.fault(system=system, times=None, **OUTAGES[outage])

    for check in (True, False):
        result = one(check=check)

        assert_plain_failure(result)
        assert {one["state"] for one in result["imports"]} == {"failed"}
        assert not result["changed"]
        assert "Nothing was imported." in result["msg"]
        assert [one for one in sandbox.requests() if one.operation == "import"] == []
        assert [batch for batch in sandbox.haplo().batches if batch.dry_run is not None] == []

    sandbox.clear_faults()
    after = one()
    assert not after.get("failed"), after["msg"]
    assert {one["changed"] for one in after["imports"]} == {True}


def test_of_thirty_logs_an_outage_on_the_way_leaves_one_in_doubt(licstat: Licstat, make_log: Logs) -> None:
    logs = [make_log() for _number in range(30)]
    licstat.sandbox.fault("drop", operation="import", when="after_body", times=None, skip=2)
    licstat.sandbox.fault("drop", operation="no_task", when="after_body", times=None, skip=1)

    result = licstat(*logs, wait=False)

    states = [one["state"] for one in result["imports"]]
    assert states == ["submitted", "submitted", "unknown", *["failed"] * 27]
    assert len(licstat.uploads) == 3
