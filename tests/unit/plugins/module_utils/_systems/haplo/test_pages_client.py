# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's pages of batches over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Connection, Outage
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client, basic_credentials
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import pages_client
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.html_page import PageError
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.pages_client import BatchPages
from tests.sandbox.handle import Sandbox
from tests.sandbox.haplo.keys import API_KEY, OUTCOME_KEY
from tests.unit.sandbox.haplo_client import JOE, new_batch, post, upload


def pages_of(sandbox: Sandbox, key: str = OUTCOME_KEY, **options: Any) -> BatchPages:
    """The pages of the sandbox, for who has this key; nobody waits between tries."""
    secrets = Secrets()
    headers = {}
    if key:
        secrets.add(key, username="haplo")
        headers = basic_credentials("haplo", key)
    client = Client(Connection(url=sandbox.haplo_url), headers, secrets, pause=lambda _seconds: None)
    return BatchPages(client, sandbox.haplo_url, **options)


def scheduled(sandbox: Sandbox, records: Any = None, **mode: str) -> str:
    """A batch that was sent; its identifier."""
    identifier = new_batch(sandbox)
    upload(sandbox, identifier, [JOE] if records is None else records)
    post(sandbox, "schedule", batch=identifier, **mode)
    return identifier


def test_a_batch_is_found_and_followed(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    pages, other = pages_of(sandbox), new_batch(sandbox)
    identifier = scheduled(sandbox, [{**JOE, "url": "<u>"}], mode="dry-run")
    row = pages.find(identifier).row
    assert row == 2
    link = f"{sandbox.haplo_url}/do/haplo-data-import-batch/batch/2"
    assert (pages.batch(row).state, pages.batch(row).url, pages.link(row)) == ("scheduled", link, link)
    sandbox.clock(step=1)
    assert pages.batch(row, identifier).state == "running"
    sandbox.clock(step=10)
    found = pages.batch(row, identifier)
    assert (found.row, found.identifier, found.state, found.errors) == (2, identifier, "dry-run", 1)
    assert found.log == "\n".join(sandbox.haplo().batch(identifier).log)
    assert [(one.row, one.state) for one in pages.newest()] == [(2, "dry-run"), (1, "uploading")]
    assert pages.find(other).row == 1
    sent = [request for request in sandbox.requests("haplo") if request.operation in ("batches", "outcome")]
    assert {request.header("accept") for request in sent} == {"text/html"}
    assert {request.method for request in sent} == {"GET"}


@pytest.mark.parametrize("length", [8, 12, 44])
def test_it_is_found_by_as_much_of_its_identifier_as_is_shown(sandbox: Sandbox, length: int) -> None:
    identifier = new_batch(sandbox)
    new_batch(sandbox)
    sandbox.configure("haplo", shown_characters=length)
    assert pages_of(sandbox).find(identifier).row == 1


def test_too_little_of_it_is_not_reported(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox)
    sandbox.configure("haplo", shown_characters=7)
    with pytest.raises(PageError, match="/batches: line 1 of the list: no beginning of an identifier"):
        pages_of(sandbox).find(identifier)


def test_several_that_begin_alike_are_each_looked_at(sandbox: Sandbox) -> None:
    """Which does not happen in the sandbox: so the others are made to look so."""
    identifiers = [new_batch(sandbox) for _time in range(3)]
    changes = [{"find": f">{one[:10]}...", "put": f">{identifiers[0][:10]}..."} for one in identifiers]
    sandbox.configure("haplo", page_changes=changes)
    pages = pages_of(sandbox)
    assert pages.find(identifiers[0]).row == 1
    assert [request.path[-7:] for request in sandbox.requests("haplo", "outcome")] == ["batch/3", "batch/2", "batch/1"]
    with pytest.raises(PageError, match=r"is not in the list, of 3 batches. Is url "):
        pages.find(identifiers[1])
    with pytest.raises(PageError, match="in the list by its beginning only"):
        pages.find(f"{identifiers[0][:10]}{'x' * 34}")


def test_another_batch_on_the_page_is_not_reported(sandbox: Sandbox) -> None:
    mine, others = new_batch(sandbox), new_batch(sandbox)
    with pytest.raises(PageError, match=f"/batch/2: this is batch {others}, and not {mine}"):
        pages_of(sandbox).batch(2, mine)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            "x" * 43,
            "It is wrong, or made for another request path than /do/haplo-data-import-batch/batch.*Invalid API Key",
        ),
        (API_KEY, "made for another request path"),
        ("blocked-key-of-43-characters-0123456789abcd", "Its user is blocked.*Not authorised"),
        ("nothing-key-of-43-characters-0123456789abcd", "Its user is blocked, or in no group that lets people in"),
    ],
)
def test_a_key_that_is_refused_is_not_given_again(sandbox: Sandbox, key: str, words: str) -> None:
    identifier = new_batch(sandbox)
    users: list[dict[str, Any]] = [
        {"key": "blocked-key-of-43-characters-0123456789abcd", "may_administer": True, "blocked": True},
        {"key": "nothing-key-of-43-characters-0123456789abcd", "may_nothing": True},
        {"key": API_KEY, "path": "/api/haplo-data-import-batch/"},
    ]
    sandbox.configure(
        "haplo", keys=[{"user": "u", "path": "/do/haplo-data-import-batch/batch", **one} for one in users]
    )
    before = len(sandbox.requests())
    pages = pages_of(sandbox, key)
    messages = set()
    for ask in (pages.newest, lambda: pages.batch(1), lambda: pages.find(identifier), pages.newest):
        with pytest.raises(PageError, match=words) as raised:
            ask()
        messages.add(raised.value.message)
        assert raised.value.answer is not None
        assert raised.value.answer.status == 403
    (message,) = messages
    assert "outcome_api_key (role variable haplo_batch_outcome_api_key" in message
    assert key not in message
    assert len(sandbox.requests()) == before + 1


def test_a_key_that_was_locked_out(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    for _time in range(50):
        with pytest.raises(PageError, match="It is wrong"):
            pages_of(sandbox, "x" * 43).newest()
    with pytest.raises(PageError, match=r"nobody in from this host.*ask nothing for five minutes"):
        pages_of(sandbox).newest()


def test_a_user_who_may_not_see_batches(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", keys=[{"key": OUTCOME_KEY, "user": "u", "path": "/do/"}])
    pages = pages_of(sandbox)
    for ask in (pages.newest, lambda: pages.batch(1)):
        with pytest.raises(PageError, match="has to be in the group 'Batch data administration'"):
            ask()


def test_a_key_that_does_not_arrive(sandbox: Sandbox) -> None:
    with pytest.raises(PageError, match=r"/batches: HTTP 302.*page to log in: the API key did not arrive"):
        pages_of(sandbox, "").newest()


def test_another_host(sandbox: Sandbox) -> None:
    sandbox.configure("haplo", host="research.example.ac.uk", requires_https=True)
    with pytest.raises(
        PageError, match=r"It points to https://research.example.ac.uk/haplo/do/haplo-data.*so set url to"
    ):
        pages_of(sandbox).newest()


def test_a_row_that_is_not_there(sandbox: Sandbox) -> None:
    with pytest.raises(PageError, match=r"/batch/9: HTTP 400.*There is no batch of that row"):
        pages_of(sandbox).batch(9)


def test_haplo_without_the_plugin(sandbox: Sandbox) -> None:
    sandbox.fault("status", operation="batches", status=404, times=1)
    with pytest.raises(PageError, match=r"HTTP 404.*There is no such page. url .*Haplo may lack the plugin"):
        pages_of(sandbox).newest()


@pytest.mark.parametrize("action", ["status", "truncate", "drop"])
def test_trouble_of_the_server_may_pass(sandbox: Sandbox, action: str) -> None:
    new_batch(sandbox)
    how = {"status": {"status": 500}, "truncate": {}, "drop": {}}[action]
    sandbox.fault(action, operation="outcome", times=2, **how)
    once, often = pages_of(sandbox, tries=1), pages_of(sandbox)
    with pytest.raises(Outage):
        once.batch(1)
    assert often.batch(1).state == "uploading"
    assert once.batch(1).state == "uploading"


def test_a_page_of_something_else(sandbox: Sandbox) -> None:
    sandbox.fault("html", operation="batches", times=1)
    with pytest.raises(PageError, match=r"GET http.*/batches: "):
        pages_of(sandbox).newest()


def test_a_page_that_is_changed_is_not_reported(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", page_changes=[{"find": "<th>Errors</th>", "put": "<th>Fehler</th>"}])
    pages = pages_of(sandbox)
    with pytest.raises(PageError, match=r"GET http.*/batches: the page has 0 tables with the columns"):
        pages.newest()
    with pytest.raises(PageError, match=r"GET http.*/batch/1: the page has 0 tables with the facts"):
        pages.batch(1)


def test_what_is_shown_of_a_page_is_short_and_has_no_secret(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    put = f"<td>{'long ' * 1000}{OUTCOME_KEY}</td>"
    sandbox.configure("haplo", page_changes=[{"find": "<td>uploading</td>", "put": put}])
    with pytest.raises(PageError, match="the state is none that is known") as raised:
        pages_of(sandbox).batch(1)
    assert len(raised.value.message) < 1500
    sandbox.configure("haplo", page_changes=[{"find": "<td>uploading</td>", "put": f"<td>{OUTCOME_KEY}</td>"}])
    with pytest.raises(PageError, match=r"the state is none that is known: '\*{8}'"):
        pages_of(sandbox).batch(1)


def test_a_list_that_is_larger_than_other_answers_may_be(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", page_changes=[{"find": "</table>", "put": f"</table><p>{'x' * 2**21}</p>"}])
    assert len(pages_of(sandbox).newest()) == 1
    monkeypatch.setattr(pages_client, "LARGEST_PAGE", 2**20 + 1)
    with pytest.raises(PageError, match="the page has more than 1048577 bytes, of which no more are read"):
        pages_of(sandbox).newest()
