# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""X-Formation License Statistics: its import call, its tasks, and what makes two imports the same.

Source: the vendor's page "API for importing license server data" (v6.21). What it does not say is a guess, and marked
so here; the guesses are made so that a wrong one leads to a failure that is told, never to a success that is none.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from urllib.parse import quote

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    Attempt,
    BadInput,
    NotSent,
    Outage,
    OutcomeUnknown,
    Period,
    PollResult,
    Refused,
    Wanted,
    as_sentence,
    identity_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import date_of, json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import checked_commit, form_data
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide

SYSTEM = "licstat"
OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "api_token": {"type": "str", "required": True, "no_log": True},
    "api_version": {"type": "str", "choices": ["v3", "v2"], "default": "v3"},
}
ENVIRONMENT = {"url": "LICSTAT_URL", "api_token": "LICSTAT_API_TOKEN"}
GUIDE = Guide(
    system=SYSTEM,
    environment=ENVIRONMENT,
    meanings={
        "url": (
            "the address of License Statistics, with its port unless that is 80 or 443, and with the path to it if"
            " there is one, as in https://licstat.example.com:8080; without /api/v3 and without pages such as /admin"
        ),
        "api_token": "an API token with the API scope, of an administrator (user menu > API > Add)",
    },
    api=r"/api(/v\d+(/admin(/.*)?)?)?",
    missing=(
        "There is nothing like that. {url} has to be the address of License Statistics, with its port, without /api/v3"
        " and without pages such as /admin; {license_server_id} has to be a number from Administration > License"
        " Servers, column License Server ID; and {api_version} has to be one that this release has (v3 from 6.14 on)."
    ),
    credentials="{api_token} has to be an API token with the API scope, of a user who is an administrator.",
    fields=("success", "msg", "code", "data", "sst", "ti", "tid", "sts", "err", "sbtr", "sbtd"),
)
GATHER = {"denials": "Denials", "usage": "Usage"}
# The vendor writes "Leave Tail" with a space; that it stands so on the wire is a guess.
MERGE_POLICY = {"reject": "Reject", "replace": "Replace", "merge": "Merge", "leave_tail": "Leave Tail"}

# Documented are PENDING and SUCCESS. The names of failure are guesses; any other state is taken as still running.
SUCCEEDED = "SUCCESS"
WAITING = "PENDING"
FAILED = ("FAILURE", "FAILED", "ERROR", "CANCELED", "CANCELLED", "REVOKED", "ABORTED", "REJECTED")

CLOCKS_DIFFER = timedelta(seconds=300)  # by more than that, one of them is wrong
NO_TASK = "import_00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class ImportOptions:
    """The parameters of an import; None is not sent, and the server's documented default holds.

    `start` and `end` bound the time range that is imported, in the time zone of the License Statistics server (a
    guess: the vendor names none), and both are in it (another guess). `is_window`: the range, not the content, is what
    the import is known by. `zone` tells when it is over; None is the zone of this host.
    """

    license_server_id: int
    gather: tuple[str, ...] | None = None
    merge_policy: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    resolve_domain_names_to_ip: bool | None = None
    find_domain_names_by_ip: bool | None = None
    is_window: bool = False
    zone: tzinfo | None = None

    def check(self) -> None:
        """Raise `BadInput` for a range that cannot be."""
        if self.start and self.end and self.start > self.end:
            raise BadInput(f"from ({self.start}) is later than to ({self.end}).")
        now = datetime.now(timezone.utc)
        if self.is_window and self.end and not self.is_over(now):
            where = f" in {self.zone}" if self.zone else ""
            raise BadInput(
                f"A time range has to be over, and its end, {self.end}, is yet to come: it is"
                f" {now.astimezone(self.zone):%Y-%m-%d %H:%M:%S}{where}."
            )

    def is_over(self, now: datetime) -> bool:
        """Whether the end has passed by a clock with a zone, even where clocks that are set back make it come twice."""
        if self.end is None:
            return False
        last_second = self.end.replace(tzinfo=self.zone, fold=1).astimezone(timezone.utc)
        return last_second + timedelta(seconds=1) <= now

    def as_known(self, identity: Mapping[str, Any]) -> ImportOptions:
        """The options of an import that was made before, by what it is known by; where they do not matter, these."""
        start, end = (identity[name] and datetime.fromisoformat(identity[name]) for name in ("from", "to"))
        return replace(
            self,
            gather=tuple(identity["gather"]),
            merge_policy=identity["merge_policy"],
            start=start,
            end=end,
            resolve_domain_names_to_ip=identity["resolve_domain_names_to_ip"] or None,
            find_domain_names_by_ip=identity["find_domain_names_by_ip"] or None,
        )

    def query(self) -> dict[str, str]:
        """As the vendor's page spells them, only those that are set."""
        values = {
            "gather": self.gather and ",".join(GATHER[name] for name in sorted(self.gather)),
            "mergePolicy": self.merge_policy and MERGE_POLICY[self.merge_policy],
            "from": self.start and self.start.isoformat(" "),
            "to": self.end and self.end.isoformat(" "),
            "resolveDomainNamesToIP": _boolean(self.resolve_domain_names_to_ip),
            "findDomainNamesByIP": _boolean(self.find_domain_names_by_ip),
        }
        return {name: value for name, value in values.items() if value}

    def identity(self) -> dict[str, Any]:
        """What of these makes it another import, with the documented defaults filled in."""
        return {
            "gather": sorted(self.gather or GATHER),
            "merge_policy": self.merge_policy or "reject",
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "resolve_domain_names_to_ip": bool(self.resolve_domain_names_to_ip),
            "find_domain_names_by_ip": bool(self.find_domain_names_by_ip),
            "identity": "window" if self.is_window else "content",
        }


@dataclass(frozen=True)
class Upload:
    """What is sent for one import."""

    options: ImportOptions
    content: Content


def credentials(token: str) -> dict[str, str]:
    """The header that a token goes in."""
    return {"X-Auth-token": token}


def license_server(value: object) -> int:
    """The number of a license server. Raises `BadInput` for anything else, and says where it is found."""
    text = "" if isinstance(value, bool) else str(value).strip()
    number = int(text.partition(".")[0]) if re.fullmatch(r"-?[0-9]{1,18}(\.0+)?", text) else None
    if number is not None and number > 0:
        return number
    if number is not None:
        wrong = f"license_server_id is {number}; license servers are numbered from 1 on."
    elif value is None or value == "" or (isinstance(value, str) and not text):
        wrong = "license_server_id is empty, as where it is taken from a variable that is not set."
    else:
        wrong = f"license_server_id {value!r:.60} is not a whole number."
    raise BadInput(
        f"{wrong} Set {GUIDE.named('license_server_id')} to that of the license server in Administration > License"
        " Servers, column License Server ID."
    )


def target_of(server: str, options: ImportOptions) -> str:
    """What an import is into, for people and receipts."""
    return f"{server} license server {options.license_server_id}"


def wanted_import(server: str, options: ImportOptions, content: Content, sha256: str | None) -> Wanted:
    """The import of one log. `server` is the base URL in its one spelling, or the name given to that target."""
    parts = {"system": SYSTEM, "server": server, "target": options.license_server_id, "content": sha256}
    return Wanted(
        key=identity_of(**parts, options=options.identity()),
        system=SYSTEM,
        target=target_of(server, options),
        # Read only where an earlier state of a log shall be importable again (once: latest).
        stream=identity_of(system=SYSTEM, server=server, target=options.license_server_id, feed=content.name),
        source=content.source,
        size=content.size,
        content_sha256=sha256,
        options=options.identity(),
        payload=Upload(options, content),
        read_period=lambda: _period_of(content),
    )


def hindered_import(server: str, options: ImportOptions, content: Content, obstacle: str) -> Wanted:
    """The import of a log whose content cannot be known now, and so is not that of any other log."""
    wanted = wanted_import(server, options, content, None)
    return replace(wanted, key=identity_of(hindered=wanted.key, source=content.source), obstacle=obstacle)


class LicenseStatistics:
    """A License Statistics server, as the life of an import sees it (`System`).

    `api_version` is `v3` (from License Statistics 6.14 on) or `v2` (from 6.11 on).
    """

    is_repeatable = False
    best_end = "succeeded"
    polled_again: tuple[str, ...] = ("incomplete",)

    def __init__(self, client: Client, api_version: str) -> None:
        self._client = client
        self._base = f"/api/{api_version}/admin"
        self._now: datetime | None = None  # by the server's clock, when it was asked first

    def prepare(self) -> None:
        """Be ready to send."""
        self._client.prepare()

    def probe(self) -> None:
        """Ask about a task that does not exist; what the server answers to that is not documented."""
        self._now = date_of(self._client.probe("POST", self._status_path(NO_TASK)))

    def submit(self, wanted: Wanted, attempt: Attempt) -> Accepted:
        """Upload a log. What the server accepts becomes a task in its queue."""
        upload: Upload = wanted.payload
        self._check_that_it_is_over(upload.options)
        body = form_data("file", upload.content, checked_commit(upload.content, wanted.content_sha256, attempt.commit))
        path = f"{self._base}/license-server/{upload.options.license_server_id}/import"
        answer = self._client.submit("POST", path, body, upload.options.query())
        data = _data_of(answer)
        if data is None:
            raise OutcomeUnknown(
                f"{describe(answer)} That is not the answer to an import; is {GUIDE.named('url')} its address?",
                answer,
            )
        task = data.get("ti")
        task_id = as_task_id(task.get("tid")) if isinstance(task, dict) else None
        if task_id is None:
            raise OutcomeUnknown(
                f"{describe(answer)} It names no task, so nobody can tell what became of the import.", answer
            )
        return Accepted(task_id, data)

    def _check_that_it_is_over(self, options: ImportOptions) -> None:
        """Raise `NotSent` for a time range that goes on by the clock of the server, whatever the one here says."""
        if options.is_window and self._now is not None and not options.is_over(self._now + CLOCKS_DIFFER):
            raise NotSent(
                f"The time range up to {options.end} is not over by the clock of the server, where it is"
                f" {self._now.astimezone(options.zone):%Y-%m-%d %H:%M:%S} in the zone of {GUIDE.named('timezone')}."
                " See to the clock of this host, and to that of the server."
            )

    def poll(self, remote_id: str | None, notes: Mapping[str, Any]) -> PollResult:
        """How an upload that became a task is doing."""
        return self.task(str(remote_id))

    def evidence_of_loss(self, notes: Mapping[str, Any]) -> str:
        """Nothing tells that what was imported is not there any more."""
        return ""

    def task(self, task_id: str) -> PollResult:
        """How a task is doing, asked by POST as the vendor wants it."""
        try:
            answer = self._client.ask("POST", self._status_path(task_id), tries=1)
            task = _data_of(answer)
        except Refused as error:
            if error.answer is None or error.answer.status not in (200, 404):
                raise
            # How long a finished task can be asked for is not known.
            # Neither is whether it has the address: what advises about that belongs to the upload.
            return PollResult(
                "unknown", f"the server does not know task {task_id} any more: {describe(error.answer)}", None
            )
        if task is None or task.get("tid") not in (None, task_id):
            raise Outage(f"{describe(answer)} That is not the status of task {task_id}.", answer)
        return _judged(task)

    def _status_path(self, task_id: str) -> str:
        return f"{self._base}/task/{quote(task_id, safe='')}/status"


def as_task_id(value: object) -> str | None:
    """The value, if it can be the id of a task: one segment of a path, since that is where it is put."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and not set(value) <= set(" ."):
        return value
    return None


def moment(text: str | None, option: str) -> datetime | None:
    """A point in time as `YYYY-MM-DD HH:MM[:SS]`, with a space or a T, to the second. Raises `BadInput`."""
    if text is None:
        return None
    bare_date = re.fullmatch(r"\d{4}-\d\d-\d\d", text)
    if bare_date and option == "to":
        raise BadInput(f"to: {text} is a whole day; say at what time it shall end, as in '{text} 23:59:59'.")
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?\s*(Z|UTC|[+-]\d\d:?(\d\d)?)", text):
        raise BadInput(
            f"{option}: {text} names a time zone; License Statistics takes times of its own server, without a zone."
        )
    if not bare_date and not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", text):
        raise BadInput(f"{option}: {text!r} is not a time like '2021-01-10 15:10:00'.")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{option}: {text} does not exist: {error}.") from error


def _data_of(answer: Answer) -> dict[str, Any] | None:
    """The `data` of an answer that reports success; None for what is no such answer. Raises `Refused` for a no."""
    try:
        envelope = json_object(answer)
    except ValueError:
        return None
    if envelope.get("success") is False:
        raise Refused(f"{describe(answer)} License Statistics reports no success.", answer)
    data = envelope.get("data")
    return data if envelope.get("success") is True and isinstance(data, dict) else None


def _judged(task: Mapping[str, Any]) -> PollResult:
    """What the state of a task means. An error counts whatever the state says."""
    state, error = task.get("sts"), task.get("err")
    if error is not None:
        words = "an error without a word" if error == "" else error
        return PollResult("failed", as_sentence(f"License Statistics says: {words}"), dict(task))
    if state == SUCCEEDED:
        return PollResult("succeeded", "", dict(task))
    if state in FAILED:
        return PollResult("failed", f"the task ended in state {state}, without a reason", dict(task))
    message = "" if state == WAITING else f"the state {state!r} is not documented and taken as still running"
    return PollResult("running", message, dict(task), server_words=str(state))


def _period_of(content: Content) -> Period | None:
    # Not needed, and so not to be loaded, where there is nothing to import.
    from ansible_collections.assetops.imports.plugins.module_utils._files.period import period_of

    return period_of(content)


def _boolean(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
