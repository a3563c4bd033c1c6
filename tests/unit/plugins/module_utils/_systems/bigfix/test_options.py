# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of BigFix Inventory or License Metric Tool: times, and the identity of a server in receipts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import (
    Credentials,
    Requirement,
    credentials_of,
    requirements_of,
    time_option,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.status import Status

HOST = "https://bigfix.example.com:9081"
LMT = "license_metric_tool"
WHEN = datetime(2026, 11, 22, 3, tzinfo=timezone.utc)
PARAMS: dict[str, Any] = {
    "product": "bigfix_inventory",
    "import_type": "complete",
    "force": False,
    "raw_first": False,
    "wait": True,
    **dict.fromkeys(("max_age", "raw_max_age", "newer_than", "token", "username", "password", "token_transport")),
}


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-11-22T03:00:00Z", WHEN),
        ("2026-11-22 03:00Z", WHEN),
        ("2026-11-22T03:00:00.25Z", datetime(2026, 11, 22, 3, 0, 0, 250000, tzinfo=timezone.utc)),
        ("2026-11-22T03:00:00+0100", datetime(2026, 11, 22, 2, tzinfo=timezone.utc)),
        ("2026-11-22 03:00:00+00:00", WHEN),
    ],
)
def test_a_moment_may_be_written_in_each_way_that_names_its_zone(text: str, when: datetime) -> None:
    assert time_option(text, "newer_than") == when


@given(st.text(max_size=30))
def test_other_texts_are_no_moments(text: str) -> None:
    try:
        found = time_option(text, "newer_than")
    except BadInput:
        return
    assert found is not None
    assert found.tzinfo is not None


LIMITS = {"max_age": 60, "newer_than": "2026-11-22T03:00Z", "raw_first": True}


@pytest.mark.parametrize(
    ("given", "requirements"),
    [
        ({}, [Requirement()]),
        ({"import_type": "raw_only", "max_age": 0}, [Requirement(import_type="raw_only", max_age=0)]),
        ({"product": LMT, "max_age": 60}, [Requirement(LMT, max_age=60)]),
        (LIMITS, [Requirement(import_type=one, max_age=60, newer_than=WHEN) for one in ("raw_only", "complete")]),
        (
            {"raw_first": True, "max_age": 60, "raw_max_age": 0},
            [Requirement(import_type="raw_only", max_age=0), Requirement(max_age=60)],
        ),
        ({**LIMITS, "raw_max_age": 5, "force": True}, [Requirement(import_type="raw_only"), Requirement()]),
    ],
)
def test_options_say_which_imports_are_required(given: dict[str, Any], requirements: list[Requirement]) -> None:
    assert requirements_of({**PARAMS, **given}) == requirements


@pytest.mark.parametrize(
    ("given", "words"),
    [
        *[({"max_age": seconds}, "^max_age has to be") for seconds in (-1, float("inf"), float("nan"))],
        ({"raw_max_age": -1}, "^raw_max_age has to be"),
        ({"newer_than": "2026-02-30T00:00Z"}, "does not exist"),
        ({"newer_than": "2026-11-22T03:00"}, "with Z or an offset"),
        ({"raw_first": True, "import_type": "raw_only"}, "is for import_type=complete"),
        ({"raw_first": True, "wait": False}, "needs wait=true"),
        *[({"product": LMT, **raw}, "complete imports only") for raw in ({"import_type": "raw_only"}, LIMITS)],
    ],
)
def test_what_cannot_be_required_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        requirements_of({**PARAMS, **given})


@pytest.mark.parametrize(
    ("given", "credentials"),
    [
        ({"token": "t"}, Credentials("t", transport="query")),
        ({"token": "t", "product": LMT}, Credentials("t", transport="header")),
        ({"token": "t", "product": LMT, "token_transport": "query"}, Credentials("t", transport="query")),
        ({"username": "u", "password": "p"}, Credentials(None, "u", "p")),
    ],
)
def test_each_product_has_its_place_for_the_token(given: dict[str, Any], credentials: Credentials) -> None:
    assert credentials_of({**PARAMS, **given}) == credentials


@pytest.mark.parametrize("given", [{}, {"username": "u"}, {"password": "p"}])
@pytest.mark.parametrize(("product", "variable"), [("bigfix_inventory", "BIGFIX_TOKEN"), (LMT, "LMT_TOKEN")])
def test_half_of_the_credentials_is_refused_by_the_names_of_the_product(
    given: dict[str, Any], product: str, variable: str
) -> None:
    with pytest.raises(BadInput, match=f"^token .*environment variable {variable}.* is missing"):
        credentials_of({**PARAMS, **given, "product": product})


@pytest.mark.parametrize(
    ("status", "requirement", "words"),
    [
        ({}, Requirement(max_age=60), "There was no successful import"),
        ({"mode": "running"}, Requirement(max_age=60), "An import is running"),
        ({"success": 301}, Requirement(max_age=60), "301 s ahead of the clock"),
        ({"success": 300}, Requirement(max_age=60), ""),
        ({"success": -60}, Requirement(max_age=60), ""),
        ({"success": -61}, Requirement(max_age=60), "The data is 61 s old; 60 s are allowed."),
        ({"success": 0}, Requirement(newer_than=WHEN), "2026-11-22T03:00:00Z, not after 2026-11-22T03:00:00Z"),
        ({"success": 1}, Requirement(newer_than=WHEN), ""),
        ({"success": 0, "type": "raw_only"}, Requirement(max_age=60), "The last import was a raw one"),
        ({"success": 0, "type": "raw_only"}, Requirement(import_type="raw_only", max_age=60), ""),
        ({"success": 0, "type": "raw_only"}, Requirement(LMT, max_age=60), ""),
        ({"success": 0, "last": "failed"}, Requirement(max_age=60), "The last import is complete, failed; the server"),
        (
            {"success": 0, "type": None, "last": None},
            Requirement(max_age=60),
            "The last import is without a type, without a status",
        ),
    ],
)
def test_why_the_last_import_is_not_enough(status: dict[str, Any], requirement: Requirement, words: str) -> None:
    success = status.get("success")
    found = Status(
        raw={},
        mode=status.get("mode", "idle"),
        can_run_imports=True,
        progress=None,
        last_status=status.get("last", "successful"),
        last_type=status.get("type", "complete"),
        last_end=None,
        last_success=None if success is None else WHEN + timedelta(seconds=success),
        server_time=WHEN,
        host_time=WHEN,
    )
    shortfall = requirement.shortfall(found)
    assert words in shortfall
    assert bool(shortfall) == bool(words)


def test_the_receipt_of_a_server_is_one_whatever_is_imported_and_stays_it_from_release_to_release() -> None:
    keys = {
        wanted_import(HOST, requirement).key
        for requirement in (Requirement(), Requirement(import_type="raw_only"), Requirement(max_age=3))
    }

    assert len(keys) == 1
    assert keys == {"38a4419e8e2e2a7624033f816ca2c1e347c361d1efc12ad7c994ab2bfdbaa5bc"}
