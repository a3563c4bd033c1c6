# SPDX-License-Identifier: GPL-3.0-or-later
"""In a job of AWX receipts have to last, and what is missing is told with the credential that it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.plugin_utils._awx import is_job, with_credentials

from ...postgresql import Server
from ..haplo.driver import Haplo
from ..haplo.test_playbook import Applications, failures_of
from ..playbooks.driver import without_spaces

RECEIPTS = "'assetops.imports: Receipts'"


@pytest.mark.slow
def test_nights_in_containers_that_forget_their_home_are_red_and_nothing_is_sent(haplo: Haplo, tmp_path: Path) -> None:
    applications = Applications(haplo)
    applications.target("research", receipts=None)
    job = ["-e", "awx_job_id=7", "--tags", "import"]
    for night in ("first", "second"):
        home = tmp_path / night
        home.mkdir()
        done = applications.run(*job, HOME=str(home))
        assert done.status == 2, done.output
        (problem,) = failures_of(done).values()
        for words in ("There is no receipt store at", "ASSETOPS_RECEIPTS", RECEIPTS):
            assert words in problem
        assert without_spaces(RECEIPTS) in without_spaces(done.output)
        assert not list(home.rglob("receipts.db"))
    assert applications.made == {}
    assert haplo.sandbox.requests() == []


@pytest.mark.slow
def test_a_job_without_a_credential_names_it_and_one_with_a_database_begins_there(
    haplo: Haplo, tmp_path: Path, postgresql: Server
) -> None:
    applications = Applications(haplo)
    store = postgresql.new_store()
    applications.target("research", url=None, receipts=store)
    applications.target("other", receipts=store)
    done = applications.run("-e", "tower_job_id=7", "--tags", "import", HOME=str(tmp_path))
    assert done.status == 2, done.output
    problem = failures_of(done)["research"]
    for words in (
        "missing required arguments: url. Set url",
        "role variable haplo_batch_url",
        "environment variable HAPLO_URL",
        "'assetops.imports: Haplo'",
    ):
        assert words in problem
    assert applications.made == {"other": "import"}


@pytest.mark.parametrize(
    ("message", "types"),
    [
        ("Set url (environment variable LICSTAT_URL).", ["License Statistics"]),
        ("token (environment variable BIGFIX_TOKEN) is missing.", ["BigFix Inventory"]),
        ("token (environment variable LMT_TOKEN) is missing.", ["License Metric Tool"]),
        ("username (environment variable LM_USERNAME), or HAPLO_API_KEY", ["Lifecycle Manager", "Haplo"]),
        ("The server said no.", []),
    ],
)
def test_the_types_of_credentials_are_reported_in_a_job_alone(message: str, types: list[str]) -> None:
    job: dict[str, Any] = {"tower_job_id": 7}
    assert is_job(job)
    told = with_credentials(message, job)
    assert told.startswith(message)
    for name in types:
        assert f"'assetops.imports: {name}'" in told
    assert ("In AWX" in told) == bool(types)
    assert with_credentials(message, {}) == message
