# SPDX-License-Identifier: GPL-3.0-or-later
"""A Haplo application that answers by a script, and an attempt that keeps its notes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    ImportsError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.system import HaploBatches

SERVER = "https://research.example.ac.uk"
BASE = "/api/haplo-data-import-batch"
DIGEST = "5a" * 32
BATCH, OTHER = "a" * 44, "b" * 44


def file_of(folder: Path, content: bytes, name: str = "control.json") -> Content:
    path = folder / name
    path.write_bytes(content)
    (found,) = open_contents([str(path)])
    return found


def answer(text: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> Answer:
    return Answer("POST", f"{SERVER}{BASE}/step", status, "", {"content-type": content_type}, text)


def no(text: str) -> Refused:
    return Refused(text, answer(text, 400))


SCHEDULED = answer("SCHEDULED")
NOT_UPLOADING = no(f"Batch {BATCH} is not in the 'uploading' state")
NOT_FOUND = no(f"Batch not found: {BATCH}")
LOST = OutcomeUnknown("all was sent, but timed out")
BROKEN = OutcomeUnknown("HTTP 502", answer("<html>", 502, "text/html"))
AWAY = NotSent("connection refused", unreachable=True)
KEY = Refused("HTTP 403", answer("{}", 403), credentials=True)


class ScriptedClient:
    """Answers each step in the order given. The body of `schedule` is sent whole `tries` times before that."""

    secrets = Secrets()

    def __init__(self, **script: list[Answer | ImportsError]) -> None:
        self.script = script
        self.sent: list[tuple[str, str]] = []
        self.tries = 1
        self.may_schedule_again = True

    def prepare(self) -> None:
        pass

    def submit(self, method: str, path: str, body: Body, *, is_repeatable: bool) -> Answer:
        base, _slash, step = path.rpartition("/")
        assert (method, base) == ("POST", BASE)
        assert is_repeatable == (step != "schedule" or self.may_schedule_again)
        ending = self.script[step].pop(0)
        for _unused in range(0 if ending is AWAY else self.tries if step == "schedule" else 1):
            text = b"".join(body).decode()
        self.sent.append((step, text if ending is not AWAY else ""))
        if isinstance(ending, ImportsError):
            raise ending
        return ending

    @property
    def steps(self) -> list[str]:
        return [step for step, _text in self.sent]


class NotedAttempt:
    """Keeps what is noted, and counts commits."""

    def __init__(self, notes: Mapping[str, Any] | None = None) -> None:
        self.notes: Mapping[str, Any] = notes or {}
        self.history: list[Mapping[str, Any]] = []
        self.commits: list[str | None] = []

    def note(self, notes: Mapping[str, Any]) -> None:
        json.dumps(notes)
        self.notes = notes
        self.history.append(notes)

    def commit(self, sha256: str | None) -> None:
        assert not self.commits, "committed twice"
        assert "scheduling" in self.notes
        self.commits.append(sha256)


class Run:
    """A submission of a batch, with the answers it gets."""

    def __init__(
        self,
        system: Callable[[Client], HaploBatches],
        wanted: Wanted,
        client: ScriptedClient,
        notes: Mapping[str, Any] | None,
    ) -> None:
        self.client, self.wanted, self.attempt = client, wanted, NotedAttempt(notes)
        self._system = system

    def __call__(self) -> Any:
        return self._system(cast(Client, self.client)).submit(self.wanted, self.attempt)  # a script in place of it


UPLOADED = answer(hashlib.sha256(b"[]").hexdigest())
BEGUN = {"batch": BATCH, "files": ["people"]}
TRIED = {**BEGUN, "scheduling": True}
