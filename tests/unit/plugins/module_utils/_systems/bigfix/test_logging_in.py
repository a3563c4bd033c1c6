# SPDX-License-Identifier: GPL-3.0-or-later
"""BigFix Inventory and License Metric Tool: tokens, passwords that are exchanged for one, and pages to log in."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ImportsError, Outage, Refused
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.options import Credentials
from ansible_collections.assetops.imports.plugins.module_utils._systems.bigfix.system import PATH, DataImports

from ..._http.talks import LOGIN, Talk, answering
from ...fakes import TurnedClock
from ...peers import Conversation, Peer

TOKEN = "Abcd1234"
PASSWORD = Credentials(None, "jdoe", "hunter22")
IDLE = answering("200 OK", b'{"mode": "idle"}')


def imports_at(peer: Peer, credentials: Credentials, tokens: list[str] | None = None) -> DataImports:
    on_token = ([] if tokens is None else tokens).append
    return DataImports(Talk(peer.url).client, "bigfix_inventory", credentials, on_token, clock=TurnedClock().clock)


@pytest.mark.parametrize(("transport", "query"), [("query", f"?token={TOKEN}"), ("header", "")])
def test_a_token_is_sent_in_one_place(transport: str, query: str) -> None:
    with Peer(IDLE) as peer:
        imports_at(peer, Credentials(TOKEN, transport=transport)).read()
    (request,) = peer.requests
    assert request.line == f"GET {PATH}{query} HTTP/1.1"
    assert request.headers.get("token") == (TOKEN if transport == "header" else None)


def test_a_password_is_exchanged_once_for_a_token_that_is_kept_secret() -> None:
    def server(conversation: Conversation) -> None:
        while True:
            is_exchange = "get_token" in conversation.request().line
            conversation.answer(body=f'{{"token": "{TOKEN}"}}'.encode() if is_exchange else b'{"mode": "idle"}')

    tokens: list[str] = []
    with Peer(server) as peer:
        imports = imports_at(peer, PASSWORD, tokens)
        imports.read()
        imports.read()
    assert [request.line.split()[1] for request in peer.requests] == ["/api/get_token", *[f"{PATH}?token={TOKEN}"] * 2]
    assert peer.requests[0].body == b'{"password":"hunter22","user":"jdoe"}'
    assert tokens == [TOKEN]
    assert TOKEN not in imports._client.secrets.redact(TOKEN)


@pytest.mark.parametrize("body", [b"OK", b"[]", b"{}", b'{"token": 17}', b'{"token": "abc"}', b'{"token": "ab cd"}'])
def test_an_answer_without_a_token_is_refused(body: bytes) -> None:
    with Peer(answering("200 OK", body)) as peer, pytest.raises(Refused, match="no token in the answer") as raised:
        imports_at(peer, PASSWORD).read()
    assert raised.value.credentials


@pytest.mark.parametrize(("status", "times"), [("500 Oops", 1), ("503 Later", 3)])
def test_a_password_is_not_sent_so_often_that_it_could_lock_the_user_out(status: str, times: int) -> None:
    with Peer(answering(status)) as peer:
        imports = imports_at(peer, PASSWORD)
        for _time in range(times - 1):
            with pytest.raises(Outage):
                imports.read()
        with pytest.raises(Refused, match="so it is not tried again; give a token instead") as raised:
            imports.read()
    assert raised.value.credentials
    assert len(peer.requests) == times


@pytest.mark.parametrize(("statuses", "error"), [(0, Refused), (1, Outage)])
def test_a_page_to_log_in_is_believed_the_third_time_unless_there_was_a_status(
    statuses: int, error: type[ImportsError]
) -> None:
    def server(conversation: Conversation) -> None:
        for number in itertools.count():
            conversation.request()
            if number < statuses:
                conversation.answer(body=b'{"mode": "idle"}')
            else:
                conversation.answer(body=LOGIN, content_type="text/html")

    with Peer(server) as peer:
        imports = imports_at(peer, Credentials(TOKEN))
        for _time in range(statuses):
            imports.read()
        for _time in range(2):
            with pytest.raises(Outage):
                imports.read()
        with pytest.raises(error):
            imports.read()
