# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Akana Lifecycle Manager: its ImportUtils API, how an import of assets ends there, and what makes two the same.

Source: the vendor's page "Lifecycle Manager ImportUtils API". What it does not say is a guess, and marked so here; the
guesses are made so that a wrong one leads to a failure that is told, never to a success that is none.

An import is over when none of its assets is unpublished. That may never be, as assets may wait for approval; so a count
that stands still for long enough is an end, too, though no success.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Callable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Attempt,
    BadInput,
    ImportsError,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    StoreError,
    Wanted,
    as_sentence,
    as_text,
    identity_of,
    parse_time,
)
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import (
    Clock,
    WaitOptions,
    WaitTimeout,
    wait_for,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.client import TRIES, Client, basic_credentials
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import (
    Body,
    checked_commit,
    json_document,
    mixed,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.urls import normalised_url
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe, is_generic
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide

SYSTEM = "lm"
OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "library": {"type": "str", "required": True},
    "function_name": {"type": "str", "default": "importutils", "aliases": ["function"]},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}
ENVIRONMENT = {"url": "LM_URL", "username": "LM_USERNAME", "password": "LM_PASSWORD"}

# The properties of an import request, by our names. Those of the second group make it another import.
TUNING: Mapping[str, str] = {
    "import_user": "user",
    "concurrent_thread": "concurrentThread",
    "load_factor": "loadFactor",
    "thread_sleep": "threadSleep",
    "email_results": "emailResults",
    "submission_note": "submissionNote",
}
DECIDING: Mapping[str, str] = {
    "attribute_delimiter": "attributeDelimiter",
    "attribute_value_delimiter": "attributeValueDelimiter",
    "replace": "replace",
    "ignore_asset_id": "ignoreAssetId",
    "bypass_governance": "bypassGovernance",
    "validate_import": "validate",
    "submit": "submit",
}
COUNTS: Mapping[str, str] = {
    "catalog_assets": "catalogAssets",
    "published_assets": "publishedAssets",
    "projects": "projects",
    "users": "users",
    "active_requests": "activeRequests",
    "pending_events": "pendingEvents",
}
ROW = ("valid", "assetName", "assetVersion", "assetId", "assetDescription", "resultMessage")
RUN_IDS = ("runid", "run-id", "runId")  # the vendor's page has the first two, in its example and in its text
ANSWERS = ("import", "status", "library")  # the kinds of them that a result tells
GUIDE = Guide(
    system=SYSTEM,
    environment=ENVIRONMENT,
    meanings={
        "url": (
            "the address of Lifecycle Manager, with its port and the path to it, if any, as in"
            " https://lm.example.com:8443; without /lm/custom/rest and without pages"
        ),
        "library": "the name of the library, as in its configuration (LPC)",
        "function_name": "the name of its function of the class ImportUtils, or leave it out for importutils",
        "username": "a user of the library, or leave out both it and password where the library wants none",
        "password": "the password of username, or leave out both where the library wants none",
    },
    api=r"/lm/custom(/rest(/.*)?)?",
    missing=(
        "There is nothing like that. {url} has to be the address of Lifecycle Manager, with its port, without"
        " /lm/custom/rest and without pages; {library} and {function_name} have to be those of a library whose"
        " configuration (LPC) declares a function of the class ImportUtils."
    ),
    credentials="{username} and {password} have to be those of a user of the library, with the role ACE to import.",
    fields=(
        *RUN_IDS,
        *COUNTS.values(),
        *ROW,
        *ANSWERS,
        "parsingErrorsExist",
        "assetImportMessages",
        "unpublished-assets",
    ),
)
ROWS = 50  # of those that did not parse, so many are shown and kept
SHOWN = 200  # characters of what such a row holds
LONGEST_PAUSE = 10.0  # seconds between two looks at a library that was cleared
EMPTIED = "The library holds no assets any more, so what was imported into it is gone."
BRINGS_NONE_OR_EMPTIED = (
    "Lifecycle Manager says that the import is over, but the library holds no assets: the archive brings none, or the"
    " library was emptied after it was sent."
)
SHORTEST_HIDDEN = 4  # characters of a value in a URL's query; a shorter one is no secret


@dataclass(frozen=True)
class Place:
    """A library, and the name of its function of class ImportUtils."""

    library: str
    function: str

    def check(self) -> None:
        """Raise `BadInput` for a name that cannot be one segment of a path."""
        for option, name in (("library", self.library), ("function_name", self.function)):
            if not name.strip() or name in (".", "..") or not name.isprintable() or name != name.strip():
                raise BadInput(f"{option} {name!r} is no name: it is empty, made of dots, or has space around it.")
            if "/" in name:
                raise BadInput(f"{option} {name!r} holds a slash; give the bare name, the path is made from it.")

    @property
    def path(self) -> str:
        """Below the base URL."""
        return f"/lm/custom/rest/{quote(self.library, safe='')}/{quote(self.function, safe='')}"


@dataclass(frozen=True)
class Link:
    """An archive that the server fetches itself. `url` is sent, `shown` is the same without query and user info."""

    url: str
    shown: str
    version: str | None = None

    @property
    def secrets(self) -> list[str]:
        """What of the URL is nobody's business: who logs in there, and the values in the query."""
        parts = urlsplit(self.url)
        values = [value or name for name, value in parse_qsl(parts.query, keep_blank_values=True)]
        encoded = [parts.netloc.rpartition("@")[0], parts.password or "", parts.fragment]
        given = [*map(unquote, encoded), *values]
        return [value for value in dict.fromkeys(given) if len(value) >= SHORTEST_HIDDEN]

    @property
    def is_public(self) -> bool:
        """Whether anybody may see the whole URL."""
        parts = urlsplit(self.url)
        return not parts.query and not parts.fragment and "@" not in parts.netloc


@dataclass(frozen=True)
class ImportOptions:
    """The properties of an import; None is not sent, and the server's own default holds, which nobody documents."""

    import_user: str | None = None
    concurrent_thread: int | None = None
    load_factor: int | None = None
    thread_sleep: int | None = None
    email_results: bool | None = None
    submission_note: str | None = None
    attribute_delimiter: str | None = None
    attribute_value_delimiter: str | None = None
    replace: bool | None = None
    ignore_asset_id: bool | None = None
    bypass_governance: bool | None = None
    validate_import: bool | None = None
    submit: bool | None = None

    def check(self) -> None:
        """Raise `BadInput` for a value that means nothing."""
        for option in ("import_user", "attribute_delimiter", "attribute_value_delimiter"):
            if getattr(self, option) == "":
                raise BadInput(f"{option} is empty; leave it out to have the server's default.")
        for option in ("concurrent_thread", "load_factor", "thread_sleep"):
            if (getattr(self, option) or 0) < 0:
                raise BadInput(f"{option} is {getattr(self, option)}; it cannot be below 0.")

    def properties(self) -> dict[str, Any]:
        """As the vendor's page spells them, only those that are set."""
        values = {theirs: getattr(self, ours) for ours, theirs in {**TUNING, **DECIDING}.items()}
        return {name: value for name, value in values.items() if value is not None}

    def identity(self) -> dict[str, Any]:
        """What of these makes it another import. Who imports, how fast, and what is noted do not."""
        return {name: getattr(self, name) for name in DECIDING}


@dataclass(frozen=True)
class Archive:
    """What is imported, and how."""

    options: ImportOptions
    source: Content | Link


@dataclass(frozen=True)
class Judgement:
    """What the user takes for good enough, and when.

    `settle_time`: the seconds for which a count has to stand still to be the end.
    """

    allow_parsing_errors: bool = False
    allow_unpublished: bool = False
    settle_time: float = 60


def credentials(username: str | None, password: str | None) -> dict[str, str]:
    """The header for Basic authentication, or none where the library wants none. Raises `BadInput` for half of it."""
    if username is None and password is None:
        return {}
    if username is None or password is None:
        missing = "username" if username is None else "password"
        raise BadInput(
            f"{GUIDE.named(missing)} is missing: give both username and password, or none for a library without."
        )
    if not username.strip() or ":" in username or not username.isprintable():
        raise BadInput(f"username {username!r} is empty, or holds a colon or a control character.")
    return basic_credentials(username, password)


def link_to(url: str, version: str | None) -> Link:
    """The archive behind a URL. Raises `BadInput` for what is no URL, without repeating what may be secret in it."""
    shown = re.sub(r"//.*@", "//", re.split(r"[?#]", url)[0], flags=re.DOTALL)
    try:
        parts = urlsplit(url)
        _unused = parts.port
    except ValueError:
        raise BadInput(f"import_url {shown!r} is not a URL.") from None
    if not parts.scheme or not (parts.hostname or (parts.scheme == "file" and parts.path)):
        raise BadInput(f"import_url {shown!r} is not a URL like http://acme.com/imports/contents_LibraryDemo.zip.")
    if re.search(r"[\s\x00-\x1f\x7f\\]", url) or not url.isascii():
        raise BadInput(f"import_url {shown!r} holds a character that has to be percent-encoded in a URL.")
    if version is not None and not version.strip():
        raise BadInput("import_version is empty; leave it out to have a URL imported once.")
    return Link(url, normalised_url("import_url", url), version)


def target_of(server: str, library: str) -> str:
    """What imports into a library are known by in the receipts; `server` is a base URL, or the name given to it."""
    return f"{server} library {library}"


def wanted_import(server: str, place: Place, archive: Archive, sha256: str | None, feed: str | None) -> Wanted:
    """The import of one archive, which is the newest state of its feed. `sha256` is None for one behind a URL."""
    source = archive.source
    if isinstance(source, Link):
        content: Any = {"url": source.shown, "version": source.version}
        name, shown, size = source.shown.rstrip("/").rpartition("/")[2], source.shown, 0
    else:
        content, name, shown, size = sha256, source.name, source.source, source.size
    library = {"system": SYSTEM, "server": server, "target": place.library}
    return Wanted(
        key=identity_of(**library, content=content, options=archive.options.identity()),
        system=SYSTEM,
        target=target_of(server, place.library),
        stream=identity_of(**library, feed=name if feed is None else feed),
        source=shown,
        size=size,
        content_sha256=sha256,
        options=archive.options.identity(),
        payload=archive,
    )


class LifecycleManager:
    """One library of a Lifecycle Manager, as the life of an import sees it (`System`).

    `hidden` are secrets that the server may repeat. `clock` is for the time for which a count stands still,
    `wall` for the same time between runs: seconds since 1970.
    """

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def __init__(
        self,
        client: Client,
        place: Place,
        judgement: Judgement | None = None,
        *,
        hidden: list[str] | None = None,
        clock: Clock | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._base = place.path
        self._judgement = judgement or Judgement()
        self._clock = clock or Clock()
        self._wall = wall
        for secret in hidden or []:
            client.keep_secret(secret)
        self._standing: dict[str, Standing] = {}
        self._library: dict[str, Any] | None = None
        self._may_read_library = True
        self._held_assets = False  # the library, when it was last asked for what it holds
        self._own: set[str] = set()  # the runs of the importer that this run began
        self.remarks: list[str] = []  # what there is to know that no import is responsible for

    # What the life of an import asks for

    def prepare(self) -> None:
        """Be ready to send."""
        self._client.prepare()

    def probe(self) -> None:
        """Ask for the library's status; an error in words, as the vendor documents it, is an answer, too."""
        self._client.probe("GET", f"{self._base}/getlibrarystatus", is_from_api=_is_of_the_api)

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Send an archive, or where it is. What the server accepts becomes a run of its importer."""
        archive: Archive = wanted.payload
        try:
            answer = self._client.submit("POST", f"{self._base}/import", _body(archive, wanted, attempt))
        except OutcomeUnknown as error:
            if error.answer is not None and _is_documented_no(error.answer):
                raise Refused(error.message, error.answer) from None  # documented: it was not processed
            raise
        taken, has_more = _taken(answer)
        run_id = next((taken[name] for name in RUN_IDS if _is_text(taken.get(name))), None)
        if run_id is None:
            raise OutcomeUnknown(
                f"{describe(answer)} It names no run, so nobody can tell what became of the import.", answer
            )
        self._own.add(run_id)
        return self._accepted(run_id, taken, archive.options, has_more=has_more)

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """How a run is doing. What has come to its end is judged anew, without asking."""
        if "end" in notes:
            return self._end_of(notes, _server(notes))
        run_id = str(remote_id)
        try:
            status = self.run_status(run_id, tries=1)
        except Outage as outage:
            outage.conclusion = _conclusion(run_id, outage, notes)
            raise
        count = status["unpublished-assets"]
        notes = {**notes, "held_assets": count > 0 or self._has_held_assets(notes, count)}
        if count < 0:
            self._standing.pop(run_id, None)
            return PollResult(
                "running", "its assets are not counted yet", _server(notes, status), {**notes, "standing": None}
            )
        standing = self._stands(run_id, count, notes.get("standing")) if count else None
        if standing is None:
            clean = self._client.secrets.clean
            library = clean(self._read_library())
            notes = {**notes, "end": {"status": clean(status), "library": library, "is_own": run_id in self._own}}
            return self._end_of(notes, _server(notes))
        server = _server(notes, status, self._library)
        notes = {**notes, "standing": {"count": count, "since": standing.since_text}}
        if self._clock.now() - standing.since < self._judgement.settle_time:
            return PollResult("running", f"{_assets(count)} not published yet", server, notes)
        return self._left_unpublished(count, server, notes)

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """That the library holds no assets, unless it held none either when the import had succeeded."""
        end = notes.get("end") or {}
        if end.get("is_submitted") is False:
            return ""  # a guess: assets that are not submitted may never be counted
        if _holds_none(end.get("library")):
            return ""  # the archive brought none
        if not self._may_read_library:
            return ""
        try:
            status = self.library_status(tries=1)
        except ImportsError as error:
            self._may_read_library = not isinstance(error, Refused)
            unread = f"Whether the library has lost its assets since could not be read: {error.message}"
            self.remarks += [unread] if notes else []
            return ""
        self._held_assets = not _holds_none(status)
        return EMPTIED if _holds_none(status) else ""

    # Questions, for the information modules too

    def run_status(self, run_id: str, tries: int = TRIES) -> dict[str, Any]:
        """The status of a run as it came; its `unpublished-assets` is a count, or -1 while that is not known.

        Raises `Refused`, or `Outage` also for a run that the server does not know: how it says so is not documented.
        """
        answer = self._client.ask("GET", f"{self._base}/getimportstatus", {"runid": run_id}, tries=tries)
        status = _object_of(answer)
        count = status.get("unpublished-assets")
        if not isinstance(count, int) or isinstance(count, bool) or count < -1:
            raise Outage(f"{describe(answer)} That is not the status of run {run_id}.", answer)
        return status

    def library_status(self, tries: int = TRIES) -> dict[str, Any]:
        """The counts of the library as they came. Raises `Refused` or `Outage`."""
        answer = self._client.ask("GET", f"{self._base}/getlibrarystatus", tries=tries)
        status = _object_of(answer)
        if not any(name in status for name in COUNTS.values()):
            raise Outage(f"{describe(answer)} That is not the status of a library.", answer)
        return status

    def clear(self, *, clear_events: bool) -> None:
        """Remove all assets and requests, for good. Raises `Refused`, `NotSent` or `OutcomeUnknown`."""
        query = {"clearevents": "true"} if clear_events else {}
        self._client.trigger("POST", f"{self._base}/clearassets", query)

    # How an import is judged

    def _accepted(self, run_id: str, taken: dict[str, Any], options: ImportOptions, *, has_more: bool) -> Accepted:
        """What the answer to an import says, and what of it is to be known at each look."""
        messages = taken.get("assetImportMessages")
        rows = [row for row in messages if isinstance(row, dict)] if isinstance(messages, list) else []
        bad = [row for row in rows if row.get("valid") is not True] or rows
        has_errors = has_more or taken.get("parsingErrorsExist") not in (None, False)
        has_errors = has_errors or any(row.get("valid") is False for row in bad)
        notes = {
            "answer": self._client.secrets.clean({**taken, "assetImportMessages": bad[:ROWS]}),
            "has_errors": has_errors,
            "more_rows": max(0, len(bad) - ROWS),
            "has_more": has_more,
            "held_assets": self._held_assets,
        }
        if options.submit is not False:
            return Accepted(run_id, _server(notes), message=_errors(notes), notes=notes)
        # Nothing will be published, so nothing more can be seen.
        notes["end"] = {"is_submitted": False}
        end = self._end_of(notes, _server(notes))
        return Accepted(run_id, end.server, end.state, end.message, notes, end.is_acceptable)

    def _has_held_assets(self, notes: Mapping[str, Any], count: int) -> bool:
        """Whether the library held assets at any time since right before the import was sent, as far as was seen."""
        if notes.get("held_assets") or count == 0:
            return bool(notes.get("held_assets"))
        status = self._read_library()
        return status is not None and not _holds_none(status)

    def _end_of(self, notes: Mapping[str, Any], server: Any) -> PollResult:
        """An import that is over: nothing of it is unpublished, or nothing was to be published."""
        end = notes["end"]
        if not end.get("is_submitted", True):
            message = (
                "As submit is false, the assets are not submitted for publication, and Lifecycle Manager does not tell"
                " when it has created them."
            )
            return self._with_errors("scheduled", message, notes, server)
        if _holds_none(end.get("library")) and notes.get("held_assets"):
            return PollResult("failed", f"{EMPTIED} Run again to import it again.", server, notes)
        if _holds_none(end.get("library")) and not end.get("is_own", True):
            return PollResult("unknown", BRINGS_NONE_OR_EMPTIED, server, notes)
        return self._with_errors("succeeded", "", notes, server)

    def _with_errors(self, state: str, message: str, notes: Mapping[str, Any], server: Any) -> PollResult:
        """This state, unless there were rows that did not parse."""
        errors = _errors(notes)
        if not errors:
            return PollResult(state, message, server, notes)
        return PollResult(
            "incomplete", f"{errors} {message}".rstrip(), server, notes, self._judgement.allow_parsing_errors
        )

    def _left_unpublished(self, count: int, server: Any, notes: Mapping[str, Any]) -> PollResult:
        """An import whose count has stood still for so long that it is the end, for now."""
        judgement = self._judgement
        message = (
            f"{_assets(count)} not published, and that has not changed for {judgement.settle_time:g} s (settle_time);"
            " they may wait for approval. The next run looks again and imports nothing."
        )
        errors = _errors(notes)
        is_acceptable = judgement.allow_unpublished and (not errors or judgement.allow_parsing_errors)
        return PollResult("incomplete", f"{message} {errors}".rstrip(), server, notes, is_acceptable)

    def _stands(self, run_id: str, count: int, noted: Mapping[str, Any] | None) -> Standing:
        """Since when the count is what it is, and the library at rest.

        A library is taken for busy while the number of its requests and events is another than at the look before.
        That there are some tells nothing: those of assets that wait for approval stay. An earlier run's note of the
        same count is believed, whatever went on in the library since.
        """
        known, now = self._standing.get(run_id), self._clock.now()
        if known is None and noted is not None and noted.get("count") == count:
            known = Standing(count, None, now - self._age(str(noted.get("since"))), str(noted.get("since")))
        if known is None or known.count != count:
            standing = Standing(count, None, now, _utc(self._wall()))
        else:
            activity = _activity(self._read_library())
            is_busy = None not in (known.activity, activity) and known.activity != activity
            since = (now, _utc(self._wall())) if is_busy else (known.since, known.since_text)
            standing = Standing(count, known.activity if activity is None else activity, *since)
        self._standing[run_id] = standing
        return standing

    def _age(self, since: str) -> float:
        """How many seconds ago an earlier run noted something; 0 if its clock was ahead."""
        try:
            moment = parse_time(since).timestamp()
        except ValueError:
            return 0.0
        return max(0.0, self._wall() - moment)

    def _read_library(self) -> dict[str, Any] | None:
        """The library's status, where it tells it. It need not, and one who is refused asks no more."""
        if not self._may_read_library:
            return None
        try:
            self._library = self.library_status(tries=1)
        except Refused:
            self._may_read_library = False
            return None
        except Outage:
            return None
        return self._library


class Emptying:
    """The emptying of a library: what it held, what it holds as far as was seen, and what went wrong.

    `clear_events`: the events in its queue shall be gone, too. `changed`: it was cleared, may have been, or would be.
    """

    def __init__(self, system: LifecycleManager, *, clear_events: bool, clock: Clock | None = None) -> None:
        self._system = system
        self._clear_events = clear_events
        self._clock = clock or Clock()
        self._to_be_gone = ["catalog_assets", "active_requests", *(["pending_events"] if clear_events else [])]
        self.before: dict[str, int | None] = {}
        self.after: dict[str, int | None] = {}
        self.changed = False
        self.trouble: ImportsError | None = None
        self._is_accepted = False
        self._was_read_since = False

    @property
    def is_gone(self) -> bool:
        """Whether what was imported before it was cleared is gone: that was accepted, or it was read without assets."""
        return self._is_accepted or (self._was_read_since and self.after["catalog_assets"] == 0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of what shall be gone, when it was last read."""
        return all(self.after[name] == 0 for name in self._to_be_gone)

    def assess(self) -> None:
        """Read what it holds. Raises `ImportsError`, also where it does not tell what has to be known."""
        self.before = self.after = counts_of(self._system.library_status())
        untold = [COUNTS[name] for name in self._to_be_gone if self.before[name] is None]
        if untold:
            raise ImportsError(f"The status of the library does not tell {', '.join(untold)}. Nothing was sent.")

    def foresee(self) -> None:
        """Reckon what clearing would leave."""
        self.changed = True
        self.after = {**self.before, **dict.fromkeys(["published_assets", *self._to_be_gone], 0)}

    def clear(self, timeout: float, on_gone: Callable[[], None] = lambda: None) -> None:
        """Clear it, once, and read it for so many seconds until it is empty. Raises `ImportsError` for a refusal.

        `on_gone` is called as soon as it is known that what was imported before is gone.
        """
        lost: OutcomeUnknown | None = None
        try:
            self._system.clear(clear_events=self._clear_events)
            self._is_accepted = True
        except OutcomeUnknown as error:
            lost = error
        except ImportsError as error:
            error.message += " Nothing was removed."
            raise
        self.changed = True
        if self.is_gone:
            self._tell(on_gone)
        self._watch(lost, timeout)
        if self.is_gone and not self._is_accepted:
            self._tell(on_gone)

    def _watch(self, lost: OutcomeUnknown | None, timeout: float) -> None:
        # The vendor documents a text with 500 for what could not be done: then there is nothing to wait for.
        is_no = lost is not None and lost.answer is not None and _is_documented_no(lost.answer)
        pace = WaitOptions(0 if is_no else timeout, LONGEST_PAUSE, timeout)
        try:
            wait_for([self], Emptying._has_become_empty, pace, self._clock, at_once=True)
        except WaitTimeout as error:
            self.trouble = self._trouble(lost, error.outage)
        except Refused as error:
            self.trouble = self._trouble(lost, error)

    def _tell(self, on_gone: Callable[[], None]) -> None:
        try:
            on_gone()
        except StoreError as error:
            unwritten = "The library was cleared, but that is not written down"
            advice = "See to the store and run again before anything is imported."
            self.trouble = ImportsError(f"{unwritten}: {error.message} {advice}")

    def _has_become_empty(self) -> bool:
        self.after = counts_of(self._system.library_status(tries=1))
        self._was_read_since = True
        return self.is_empty

    def _trouble(self, lost: OutcomeUnknown | None, unread: ImportsError | None) -> ImportsError:
        """That it is not known to be empty, and why."""
        sent = lost.message if lost is not None else "The request to clear the library was accepted."
        left = ", ".join(f"{COUNTS[name]} {self.after[name]}" for name in self._to_be_gone)
        seen = f"It could not be read any more: {unread.message}" if unread else f"It is not empty: {left}."
        answer = lost.answer if lost is not None else unread.answer if unread is not None else None
        return ImportsError(f"{sent} {seen} Look there, and run again to have it cleared again.", answer)


def _holds_none(status: Mapping[str, Any] | None) -> bool:
    """Whether the status of a library says that there is no asset in it. One that is not whole says nothing."""
    counts = counts_of(status or {})
    return counts["catalog_assets"] == 0 and counts["active_requests"] is not None


def _activity(status: Mapping[str, Any] | None) -> tuple[Any, Any] | None:
    """How many requests and events there are, where that is known."""
    return None if status is None else (status.get("activeRequests"), status.get("pendingEvents"))


@dataclass(frozen=True)
class Standing:
    """A count of unpublished assets, the activity seen beside it, and since when both are so: by the clock, in UTC."""

    count: int
    activity: tuple[Any, Any] | None
    since: float
    since_text: str


def counts_of(status: Mapping[str, Any]) -> dict[str, int | None]:
    """The counts of a library by our names, None for what it does not tell."""
    values = {ours: status.get(theirs) for ours, theirs in COUNTS.items()}
    return {
        name: value if isinstance(value, int) and not isinstance(value, bool) else None
        for name, value in values.items()
    }


def _body(archive: Archive, wanted: Wanted, attempt: Attempt) -> Body:
    """What is sent: JSON alone, or JSON and the archive under a name that any server can read."""
    source, properties = archive.source, archive.options.properties()
    if isinstance(source, Link):
        document = {**properties, "importFile": {"url": source.url}}
        return json_document(document, lambda _digest: attempt.commit(None))
    name = re.sub(r"[^A-Za-z0-9._-]", "_", source.name)
    commit = checked_commit(source, wanted.content_sha256, attempt.commit)
    return mixed({**properties, "importFile": {"name": name}}, name, source, commit)


def _taken(answer: Answer) -> tuple[dict[str, Any], bool]:
    """The answer to an import, and whether there was more of it than is ever read. Raises `OutcomeUnknown` for none.

    So many rows may not parse that the answer is cut among them; what stands before is whole all the same.
    """
    if answer.is_whole:
        try:
            return _json(answer), False
        except ValueError:
            advice = f"That is not the answer to an import; is {GUIDE.named('url')} its address?"
            raise OutcomeUnknown(f"{describe(answer)} {advice}", answer) from None
    end = len(answer.text)
    for _try in range(ROWS):
        end = answer.text.rfind("}", 0, end)
        if end < 0:
            break
        try:
            return _json(replace(answer, text=f"{answer.text[: end + 1]}]}}", is_whole=True)), True
        except ValueError:
            continue
    raise OutcomeUnknown(f"{describe(answer)} That is too long for the answer to an import.", answer)


def _object_of(answer: Answer) -> dict[str, Any]:
    try:
        return _json(answer)
    except ValueError:
        raise Outage(f"{describe(answer)} That is no status.", answer) from None


def _json(answer: Answer) -> dict[str, Any]:
    """JSON whatever it is called: the vendor names no content type for answers. Raises ValueError."""
    return json_object(replace(answer, headers={}))


def _conclusion(run_id: str, outage: Outage, notes: Mapping[str, Any]) -> PollResult | None:
    """What an answer that is no status comes to in the end: a server that says so in words is believed to have none."""
    if outage.answer is None or outage.answer.status not in (200, 500) or not _is_in_words(outage.answer):
        return None
    message = f"Lifecycle Manager does not tell how run {run_id} is doing: {outage.message}"
    return PollResult("unknown", message, _server(notes))


def _is_documented_no(answer: Answer) -> bool:
    """Whether it is the status and text with which the vendor documents that a request was not processed."""
    return answer.status == 500 and _is_in_words(answer)


def _is_in_words(answer: Answer) -> bool:
    """Whether it is an error as the vendor documents it, in plain text, and not what a proxy or a container makes."""
    content_type = answer.headers.get("content-type", "text/plain").lower()
    is_text = content_type.startswith("text/plain") and answer.text.lstrip()[:1] != "<"
    return is_text and not is_generic(answer)


def _is_of_the_api(answer: Answer) -> bool:
    """Whether an answer with 5xx is Lifecycle Manager's own, and no gateway's."""
    try:
        _json(answer)
    except ValueError:
        return _is_documented_no(answer)
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _server(notes: Mapping[str, Any], status: Any = None, library: Any = None) -> dict[str, Any]:
    """The vendor's last answers, as the result tells them."""
    end = notes.get("end") or {}
    return {
        "import": notes.get("answer"),
        "status": status or end.get("status"),
        "library": library or end.get("library"),
    }


def _errors(notes: Mapping[str, Any]) -> str:
    """The rows that did not parse, for people; empty where there are none."""
    if not notes.get("has_errors"):
        return ""
    answer = notes.get("answer") or {}
    rows = [row for row in answer.get("assetImportMessages") or [] if isinstance(row, dict)]
    if not rows:
        return "Some rows did not parse and were not imported; Lifecycle Manager does not say which."
    more = int(notes.get("more_rows") or 0)
    at_least = "at least " if notes.get("has_more") else ""
    number = len(rows) + more
    beginning = f"{at_least}{number} row{'' if number == 1 else 's'} did not parse and"
    beginning += f" {'was' if number == 1 else 'were'} not imported"
    shown = "; ".join(map(_row, rows))
    return as_sentence(
        f"{beginning[:1].upper()}{beginning[1:]}: {shown}{f'; and {at_least}{more} more' if more else ''}"
    )


def _row(row: Mapping[str, Any]) -> str:
    """Name, version, id and message of a row."""
    name, version, identifier, message = (
        " ".join(str(row.get(field) or "").split())[:SHOWN]
        for field in ("assetName", "assetVersion", "assetId", "resultMessage")
    )
    which = " ".join(part for part in (name or "without a name", version, identifier and f"({identifier})") if part)
    return f"{which}: {message.rstrip('.') or 'no reason given'}"


def _assets(count: int) -> str:
    return "1 asset is" if count == 1 else f"{count} assets are"


def _utc(seconds: float) -> str:
    return as_text(datetime.fromtimestamp(seconds, timezone.utc))
