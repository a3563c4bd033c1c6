# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the client share: a client of a peer, a body, and scripts for peers."""

from __future__ import annotations

from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, Connection
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body

from ..peers import Conversation, Peer, Script

SECRET = 'k"1/+ %=&\\z'


class Submission:
    """A body, and how often its last block was about to leave."""

    def __init__(self, blocks: list[bytes] | None = None) -> None:
        self.commits = 0
        self.body = Body([*(blocks or [b"head", b"tail"])], "text/plain", self.commit)

    def commit(self, _sha256: str) -> None:
        self.commits += 1


class Talk:
    """A client of a peer, and how it paused."""

    def __init__(
        self, url: str, *, check_mode: bool = False, secret: str | None = None, timeout: float = 5, **connection: Any
    ) -> None:
        self.pauses: list[float] = []
        secrets = Secrets()
        if secret is not None:
            secrets.add(secret, username="user")
        options = {"timeout": timeout, "response_timeout": timeout, "use_proxy": False, **connection}
        headers = {"X-Auth-token": "token"}
        pause = self.pauses.append
        self.client = Client(Connection(url, **options), headers, secrets, check_mode=check_mode, pause=pause)

    def ask(self, path: str = "/status", **what: Any) -> Answer:
        return self.client.ask("POST", path, **what)

    def submit(self, submission: Submission | None = None, path: str = "/import", **what: Any) -> Answer:
        return self.client.submit("POST", path, (submission or Submission()).body, **what)


def answering(status: str, body: bytes = b"{}", **headers: str) -> Script:
    """Answer each request so, when it was read."""

    def script(conversation: Conversation) -> None:
        while True:
            conversation.request()
            conversation.answer(status, body, **headers)

    return script


def answering_early(status: str, body: bytes = b"{}", **headers: str) -> Script:
    """Answer so before the body was read, and close."""

    def script(conversation: Conversation) -> None:
        conversation.head()
        conversation.answer(status, body, **headers)

    return script


def resetting(conversation: Conversation) -> None:
    """Break the connection in the middle of the body."""
    conversation.head()
    conversation.read(64 * 1024)
    conversation.reset()


def silent(conversation: Conversation) -> None:
    """Read a whole request and close without an answer."""
    conversation.request()


def nobody() -> str:
    """A URL where nobody listens."""
    with Peer() as gone:
        return gone.url


def the_answer(text: str, content_type: str = "text/plain", status: int = 500, reason: str = "Oops") -> Answer:
    return Answer("POST", "http://host/import", status, reason, {"content-type": content_type}, text)


LOGIN = b"<html><title>Sign in</title><form><input name=u><INPUT id='p' type='password'></form>"
