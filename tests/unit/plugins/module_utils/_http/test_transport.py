# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not read from the surroundings, and connections that lay idle."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, ImportsError

from ..peers import Conversation, Peer
from .wires import LARGE, Wire, ask, client_of, submit


def test_a_connection_that_lay_idle_too_long_does_no_harm(wire: Wire) -> None:
    def once(conversation: Conversation) -> None:
        conversation.request()
        conversation.answer()  # and closes, without having said so

    with wire.peer(once) as peer:
        client = client_of(peer.url, **wire.options)
        assert client.ask("POST", "/status").status == 200
        assert isinstance(submit(client, LARGE).outcome, Answer)
        assert client.ask("POST", "/status").status == 200
    assert peer.connections == 3


def test_a_netrc_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Peer() as peer:
        ask(peer.url)
        submit(peer.url, [b"small"])
    assert all("authorization" not in request.headers for request in peer.requests)


def test_what_requests_would_say_of_itself_is_not_said() -> None:
    with Peer() as peer:
        ask(peer.url)
    headers = peer.requests[0].headers
    assert headers["user-agent"] == "assetops.imports"
    assert headers["accept-encoding"] == "identity"


def test_a_host_without_requests_is_reported_what_to_install_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(ImportsError) as raised:
        client_of("http://127.0.0.1:9").prepare()
    for words in ("requests", sys.executable, os.uname().nodename, "pip install"):
        assert words in raised.value.message
