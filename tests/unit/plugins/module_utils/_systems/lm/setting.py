# SPDX-License-Identifier: GPL-3.0-or-later
"""A library as the tests have it: its answers are given beforehand, and its clock is turned."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    ImportsError,
    Outage,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.connection import GUIDE, LibraryFunction
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.imports import (
    Archive,
    ImportOptions,
    wanted_import,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.library import Library
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.link import Link
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.system import (
    LifecycleManager,
    SuccessCriteria,
)

from ...fakes import TurnedClock, Uncommitted

SERVER = "https://lm.example.com"
FUNCTION = LibraryFunction("LibraryDemo", "importutils")
DIGEST = "5a" * 32
RUN = "import_2016-01-22_15-35-07.484"
URL = "http://acme.com/imports/contents_LibraryDemo.zip"
DAY = 1_700_000_000.0  # seconds since 1970, when the wall clock of the tests begins

Reply = Union[Answer, ImportsError]


def answer(body: Any, status: int = 200, content_type: str = "application/json", *, is_whole: bool = True) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": content_type} if content_type else {}
    return Answer("POST", f"{SERVER}/x", status, "", headers, text, is_whole)


def taken(run_id: str = RUN, *rows: Mapping[str, Any], errors: Any = False, **more: Any) -> Answer:
    return answer({"parsingErrorsExist": errors, "runid": run_id, "assetImportMessages": list(rows), **more})


def bad_row(number: int = 1, **more: Any) -> dict[str, Any]:
    row = {"valid": False, "assetName": f"Asset {number}", "assetVersion": "1.0", "assetId": f"id-{number}"}
    return {**row, "assetDescription": "", "resultMessage": f"line {number} is short", **more}


def count(number: Any) -> Answer:
    return answer({"unpublished-assets": number})


def library(requests: int = 0, events: int = 0, assets: int = 5) -> Answer:
    return answer({"catalogAssets": assets, "activeRequests": requests, "pendingEvents": events, "publishedAssets": 1})


IN_TROUBLE = Outage("GET x: HTTP 503.", answer("busy", 503, "text/plain"))
WITHOUT_WORDS = Outage("GET x: HTTP 500.", answer("<html>", 500, "text/html"))
IN_WORDS = Outage("GET x: HTTP 500: no such run.", answer("no such run", 500, "text/plain"))


class Talk(Client):
    """A client whose answers are given beforehand, by the end of the path; the last of a list holds for good."""

    def __init__(self, **answers: list[Reply] | Reply) -> None:
        self._answers = {name: list(given) if isinstance(given, list) else [given] for name, given in answers.items()}
        self.asked: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.queries: list[Any] = []
        self.secrets = Secrets(GUIDE.fields)

    def prepare(self) -> None:
        """There is nothing to do."""

    def probe(self, method: str, path: str, **more: Any) -> Answer:
        """It is there."""
        return answer("{}")

    def ask(self, method: str, path: str, query: Any = None, **more: Any) -> Answer:
        assert method == "GET"
        self.queries.append(query)
        return self._next(path)

    def submit(self, method: str, path: str, body: Body, *args: Any, **more: Any) -> Answer:
        assert method == "POST"
        blocks = b"".join(body)
        self.sent.append({"path": path, "type": body.content_type, "body": blocks})
        return self._next(path)

    def trigger(self, method: str, path: str, query: Any, **more: Any) -> Answer:
        self.queries.append(query)
        return self._next(path)

    def _next(self, path: str) -> Answer:
        name = path.rpartition("/")[2]
        self.asked.append(name)
        script = self._answers.get({"import": "taking"}.get(name, name), [Refused("not for you", answer("", 401))])
        reply = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(reply, ImportsError):
            raise copy.copy(reply)
        return reply


class Setting:
    """A library as a test has it, with a clock that the test turns."""

    def __init__(self, criteria: SuccessCriteria | None = None, *, secrets: Sequence[str] = (), **answers: Any) -> None:
        self.talk = Talk(**answers)
        for secret in secrets:
            self.talk.keep_secret(secret)
        self.library = Library(self.talk, FUNCTION)
        self.time = TurnedClock()
        self.criteria = criteria or SuccessCriteria()
        self.system = self.another_run(self.criteria)

    def another_run(self, criteria: SuccessCriteria) -> LifecycleManager:
        """The system as another run has it, at the same time."""
        return LifecycleManager(self.library, criteria, clock=self.time.clock, wall=lambda: DAY + self.time.moment)


GENERIC = [
    *("Internal Server Error", "500 Internal Server Error\n", "HTTP 500", "error", "--", "INTERNAL SERVER ERROR."),
    "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
    *("no healthy upstream", "upstream request timeout", "Bad Gateway"),
]


def archive_at(path: Path) -> Content:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"PK\3\4 something")
    return open_contents([str(path)])[0]


def wanted(
    source: Content | Link, options: ImportOptions | None = None, feed: str | None = None, **more: Any
) -> Wanted:
    library_name = more.get("library", "LibraryDemo")
    sha256 = None if isinstance(source, Link) else more.get("sha256")
    return wanted_import(
        more.get("server", SERVER), library_name, Archive(options or ImportOptions(), source), sha256, feed
    )


def submit(setting: Setting, source: Content | Link, **options: Any) -> Accepted:
    return setting.system.submit(wanted(source, ImportOptions(**options)), Uncommitted())
