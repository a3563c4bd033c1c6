# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager: how an import is spelled, what makes two the same, what its answers mean and when it is over."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Accepted,
    Answer,
    BadInput,
    ImportsError,
    NotSent,
    Outage,
    OutcomeUnknown,
    PollResult,
    Refused,
    StoreError,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._engine.deciding import Policy
from ansible_collections.assetops.imports.plugins.module_utils._engine.importer import Importer
from ansible_collections.assetops.imports.plugins.module_utils._engine.imports import Import
from ansible_collections.assetops.imports.plugins.module_utils._engine.wait import WaitOptions
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._http.client import TRIES, Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
from ansible_collections.assetops.imports.plugins.module_utils._receipts.opening import open_store
from ansible_collections.assetops.imports.plugins.module_utils._systems.lifecycle_manager import (
    DECIDING,
    GUIDE,
    ROWS,
    TUNING,
    Archive,
    Emptying,
    ImportOptions,
    Judgement,
    LifecycleManager,
    Link,
    Place,
    counts_of,
    credentials,
    link_to,
    wanted_import,
)

from ..fakes import TurnedClock
from .test_licstat import Uncommitted

SERVER = "https://lm.example.com"
PLACE = Place("LibraryDemo", "importutils")
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

    def __init__(self, judgement: Judgement | None = None, *, hidden: list[str] | None = None, **answers: Any) -> None:
        self.talk = Talk(**answers)
        self.time = TurnedClock()
        self.judgement = judgement or Judgement()
        self.hidden = hidden
        self.system = self.another_run(self.judgement)

    def another_run(self, judgement: Judgement) -> LifecycleManager:
        """The system as another run has it, at the same time."""
        return LifecycleManager(
            self.talk,
            PLACE,
            judgement,
            hidden=self.hidden,
            clock=self.time.clock,
            wall=lambda: DAY + self.time.moment,
        )


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return archive_at(tmp_path / "contents_LibraryDemo.zip")


def archive_at(path: Path) -> Content:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"PK\3\4 something")
    return open_contents([str(path)])[0]


def wanted(
    source: Content | Link, options: ImportOptions | None = None, feed: str | None = None, **more: Any
) -> Wanted:
    place = Place(more.get("library", "LibraryDemo"), more.get("function", "importutils"))
    sha256 = None if isinstance(source, Link) else more.get("sha256")
    return wanted_import(more.get("server", SERVER), place, Archive(options or ImportOptions(), source), sha256, feed)


def submit(setting: Setting, source: Content | Link, **options: Any) -> Accepted:
    return setting.system.submit(wanted(source, ImportOptions(**options)), Uncommitted())


# Names, addresses and credentials.


@pytest.mark.parametrize("name", ["LibraryDemo", "Service Catalog", "Bücherei", "a.b", "..a", "50%", "a;b?c#d\\e"])
def test_a_library_is_one_segment_of_the_path_whatever_it_is_called(name: str) -> None:
    Place(name, name).check()
    assert Place(name, "importutils").path.count("/") == 5
    assert Place(name, "importutils").path.isascii()
    assert not set(" ;?#\\") & set(Place(name, name).path)


@pytest.mark.parametrize("name", ["", " ", "  ", ".", "..", "a/b", "/", "../other", "a\nb", "a\0", " a", "a "])
def test_what_cannot_be_a_segment_of_a_path_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="library"):
        Place(name, "importutils").check()
    with pytest.raises(BadInput, match="function_name"):
        Place("LibraryDemo", name).check()


def test_basic_credentials_are_sent_or_none_at_all() -> None:
    assert credentials(None, None) == {}
    assert credentials("Aladdin", "open sesame") == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}


@pytest.mark.parametrize(
    ("username", "password", "word"),
    [("jdoe", None, "password"), (None, "hunter22", "username"), ("", "hunter22", "username")]
    + [(name, "hunter22", "username") for name in ("  ", "a:b", "a\nb")],
)
def test_half_of_the_credentials_is_refused(username: Any, password: Any, word: str) -> None:
    with pytest.raises(BadInput, match=word) as raised:
        credentials(username, password)
    assert "hunter22" not in raised.value.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, URL),
        (f"{URL}?token=abcd1234#top", URL),
        ("http://jdoe:hunter22@acme.com/a.zip", "http://acme.com/a.zip"),
        ("HTTPS://jdoe@ACME.com:8443/A.zip?x", "https://acme.com:8443/A.zip"),
        ("ftp://acme.com/a.zip", "ftp://acme.com/a.zip"),
        ("file:///srv/a.zip", "file:///srv/a.zip"),
    ],
)
def test_a_link_is_sent_as_it_is_and_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    link = link_to(url, None)
    assert (link.url, link.shown) == (url, shown)
    assert link.is_public == (url == shown)


@pytest.mark.parametrize(
    "url",
    [
        *("", "  ", "a.zip", "/a.zip", "acme.com/a.zip", "http://", "http:///a.zip", "http://[::1", "file://"),
        *("http://acme.com:port/a", "http://acme.com/a b", "http://acme.com/a\n", "http://acme.com/ä", "http://a\\b"),
    ],
)
def test_what_is_no_link_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="import_url"):
        link_to(url, None)


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        (URL, []),
        (f"{URL}?token=ab%2Fc%252f&n=1&year=2016", ["ab/c%2f", "2016"]),
        (f"{URL}?abcd%20efgh", ["abcd efgh"]),
        ("http://jdoe:hunter%202@acme.com/a.zip#part", ["jdoe:hunter 2", "hunter 2", "part"]),
    ],
)
def test_what_may_be_secret_in_a_link_is_known_as_it_is_meant(url: str, hidden: list[str]) -> None:
    assert link_to(url, None).secrets == hidden


def test_a_link_that_is_refused_is_shown_without_what_may_be_secret() -> None:
    for url in ("http://jdoe:hunter22@acme.com:port/?t=hunter33#hunter44", "http://jdoe:hunter@22@acme.com/a b?hunter"):
        with pytest.raises(BadInput) as raised:
            link_to(url, None)
        assert "hunter" not in raised.value.message


# How an import is spelled.


ALL_PROPERTIES: dict[str, Any] = {
    "import_user": "support",
    "concurrent_thread": 1,
    "load_factor": 10,
    "attribute_delimiter": "|",
    "attribute_value_delimiter": "^",
    "thread_sleep": 250,
    "replace": True,
    "email_results": False,
    "ignore_asset_id": False,
    "bypass_governance": True,
    "validate_import": True,
    "submission_note": "A submission note",
    "submit": True,
}
VENDOR_EXAMPLE = {
    "user": "support",
    "concurrentThread": 1,
    "loadFactor": 10,
    "attributeDelimiter": "|",
    "attributeValueDelimiter": "^",
    "threadSleep": 250,
    "replace": True,
    "emailResults": False,
    "ignoreAssetId": False,
    "bypassGovernance": True,
    "validate": True,
    "submissionNote": "A submission note",
    "importFile": {"url": URL},
    "submit": True,
}


def test_all_properties_are_spelled_as_in_the_example_of_the_vendor() -> None:
    setting = Setting(taking=taken())
    submit(setting, link_to(URL, None), **ALL_PROPERTIES)
    (sent,) = setting.talk.sent
    assert (sent["path"], sent["type"]) == ("/lm/custom/rest/LibraryDemo/importutils/import", "application/json")
    assert json.loads(sent["body"]) == VENDOR_EXAMPLE


@pytest.mark.parametrize("option", ALL_PROPERTIES)
def test_only_what_is_set_is_sent(option: str) -> None:
    setting = Setting(taking=taken())
    submit(setting, link_to(URL, None), **{option: ALL_PROPERTIES[option]})
    theirs = {**TUNING, **DECIDING}[option]
    document = json.loads(setting.talk.sent[0]["body"])
    assert document == {theirs: VENDOR_EXAMPLE[theirs], "importFile": {"url": URL}}


def test_values_that_are_false_or_zero_are_sent_too() -> None:
    setting = Setting(taking=taken())
    submit(setting, link_to(URL, None), submit=False, thread_sleep=0, submission_note="")
    document = json.loads(setting.talk.sent[0]["body"])
    assert document == {"submit": False, "threadSleep": 0, "submissionNote": "", "importFile": {"url": URL}}


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("contents_LibraryDemo.zip", "contents_LibraryDemo.zip"),
        ("Bücher & mehr.zip", "B_cher___mehr.zip"),
        ('a"b<c>\r\n.zip', "a_b_c___.zip"),
    ],
)
def test_an_archive_is_a_part_of_the_name_that_the_json_says(tmp_path: Path, file_name: str, name: str) -> None:
    content = archive_at(tmp_path / file_name)
    setting = Setting(taking=taken())
    submit(setting, content)
    (sent,) = setting.talk.sent
    assert sent["type"].startswith("multipart/mixed; boundary=")
    _before, document, file, _after = sent["body"].split(b"--" + sent["type"].partition("=")[2].encode())
    headers, _empty, text = document.partition(b"\r\n\r\n")
    assert headers == b"\r\nContent-Type: application/json"
    assert json.loads(text) == {"importFile": {"name": name}}
    assert f'; name="{name}"; filename="{name}"\r\nContent-ID: <{name}>'.encode() in file
    assert file.endswith(b"\r\n\r\nPK\3\4 something\r\n")


# What makes two imports the same.


def test_how_fast_by_whom_and_with_which_note_does_not_matter(content: Content) -> None:
    tuned = ImportOptions(**{name: ALL_PROPERTIES[name] for name in TUNING})
    assert wanted(content, tuned, sha256=DIGEST).key == wanted(content, sha256=DIGEST).key
    assert wanted(content, function="other", sha256=DIGEST).key == wanted(content, sha256=DIGEST).key


def test_everything_else_makes_another_import(content: Content) -> None:
    keys = [
        wanted(content, sha256=DIGEST).key,
        wanted(content, sha256="a5" * 32).key,
        wanted(content, sha256=DIGEST, server="https://other.example.com").key,
        wanted(content, sha256=DIGEST, library="Other").key,
        *[wanted(content, ImportOptions(**{n: ALL_PROPERTIES[n]}), sha256=DIGEST).key for n in DECIDING],
        wanted(content, ImportOptions(replace=False), sha256=DIGEST).key,
        wanted(content, ImportOptions(submit=False), sha256=DIGEST).key,
        wanted(link_to(URL, None)).key,
        wanted(link_to(URL, "1")).key,
        wanted(link_to(URL, "2")).key,
        wanted(link_to(f"{URL}.gz", None)).key,
    ]
    assert len(set(keys)) == len(keys)


def test_what_may_be_secret_in_a_link_is_no_part_of_what_it_is_known_by() -> None:
    url = f"{URL.replace('//', '//jdoe:hunter22@')}?token=hunter33"
    with_secrets = wanted(link_to(url, None))
    assert with_secrets.key == wanted(link_to(URL, None)).key
    assert "hunter" not in json.dumps([with_secrets.key, with_secrets.source, with_secrets.stream, with_secrets.target])


def test_archives_of_one_name_are_states_of_the_same_unless_told_otherwise(content: Content, tmp_path: Path) -> None:
    elsewhere = archive_at(tmp_path / "other" / content.name)
    streams = {wanted(one).stream for one in (content, elsewhere, link_to(URL, None), link_to(f"{URL}/?x=1", "2"))}
    assert len(streams) == 1
    assert wanted(content, feed=content.name).stream in streams
    others = [wanted(content, feed="a"), wanted(content, library="Other"), wanted(archive_at(tmp_path / "b.zip"))]
    assert not streams & {one.stream for one in others}


# What the answer to an import means.


@pytest.mark.parametrize("name", ["runid", "run-id", "runId"])
def test_the_id_of_the_run_is_found_by_any_of_its_names(name: str, content: Content) -> None:
    accepted = submit(Setting(taking=answer({name: RUN, "parsingErrorsExist": False})), content)
    assert (accepted.remote_id, accepted.state, accepted.message) == (RUN, "submitted", "")


@pytest.mark.parametrize("content_type", ["application/json", "text/html;charset=UTF-8", "text/plain", ""])
def test_json_is_json_whatever_it_is_called(content_type: str, content: Content) -> None:
    text = json.dumps({"runid": RUN, "parsingErrorsExist": False})
    assert submit(Setting(taking=answer(text, content_type=content_type)), content).remote_id == RUN


@pytest.mark.parametrize(
    "body",
    [
        *({}, [], None, {"runid": ""}, {"runid": " "}, {"runid": 17}, {"runid": None}, {"RUNID": RUN}, [RUN]),
        *("", "OK", RUN, '{"runid": "import', "<html><title>Welcome</title></html>"),
    ],
)
def test_an_answer_that_names_no_run_is_unclear(body: Any, content: Content) -> None:
    with pytest.raises(OutcomeUnknown):
        submit(Setting(taking=answer(body)), content)


def test_a_server_error_in_plain_text_is_a_refusal_as_documented(content: Content) -> None:
    for content_type in ("text/plain", "text/plain;charset=UTF-8", ""):
        lost = OutcomeUnknown("HTTP 500: the disk is full.", answer("the disk is full", 500, content_type))
        with pytest.raises(Refused, match="the disk is full"):
            submit(Setting(taking=lost), content)


GENERIC = [
    *("Internal Server Error", "500 Internal Server Error\n", "HTTP 500", "error", "--", "INTERNAL SERVER ERROR."),
    "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
    *("no healthy upstream", "upstream request timeout", "Bad Gateway"),
]


@pytest.mark.parametrize(
    "lost",
    [
        answer("<html>Oops</html>", 500, "text/html"),
        answer("Oops", 500, "text/html"),
        answer("<html>Oops</html>", 500, "text/plain"),
        answer("", 500, "text/plain"),
        answer({"error": "Oops"}, 500),
        answer("Bad gateway", 502, "text/plain"),
        answer("Busy", 503, "text/plain"),
        *[answer(words, 500, "text/plain") for words in GENERIC],
        None,
    ],
)
def test_any_other_server_error_is_unclear(lost: Answer | None, content: Content) -> None:
    with pytest.raises(OutcomeUnknown, match="lost"):
        submit(Setting(taking=OutcomeUnknown("lost", lost)), content)


def test_rows_that_did_not_parse_are_told_by_name_version_id_and_message(content: Content) -> None:
    setting = Setting(taking=taken(RUN, bad_row(1), bad_row(2, assetId=None, assetName=""), errors=True))
    accepted = submit(setting, content)
    assert accepted.state == "submitted"
    assert accepted.message == (
        "2 rows did not parse and were not imported: Asset 1 1.0 (id-1): line 1 is short; without a name 1.0: line 2 is"
        " short."
    )


def test_of_many_rows_fifty_are_shown_and_the_others_counted(content: Content) -> None:
    accepted = submit(Setting(taking=taken(RUN, *map(bad_row, range(1, 61)), errors=True)), content)
    assert accepted.message.startswith("60 rows did not parse")
    assert "line 50 is short; and 10 more." in accepted.message
    assert "line 51 " not in accepted.message
    assert len(accepted.server["import"]["assetImportMessages"]) == ROWS
    assert len(json.dumps(accepted.notes)) < 20_000


@pytest.mark.parametrize(
    ("errors", "rows", "words"),
    [
        (True, [], "does not say which"),
        ("true", [], "does not say which"),
        (True, [{"valid": True, "assetName": "A"}], "1 row did not parse and was not imported: A: no reason given."),
        (False, [bad_row()], "1 row did"),
        (None, [bad_row()], "1 row did"),
        (True, ["what?", bad_row()], "1 row did"),
        (False, [], ""),
        (False, [bad_row(valid=True)], ""),
    ],
)
def test_anything_that_tells_of_bad_rows_counts(errors: Any, rows: list[Any], words: str, content: Content) -> None:
    accepted = submit(Setting(taking=taken(RUN, *rows, errors=errors)), content)
    assert words in accepted.message
    assert bool(accepted.message) == bool(words)


def test_an_answer_with_more_bad_rows_than_are_ever_read_tells_the_first_ones(content: Content) -> None:
    whole = taken(RUN, *[bad_row(number, resultMessage='what is "}" for?') for number in range(100)], errors=True)
    for length in range(9000, 9300, 7):
        accepted = submit(Setting(taking=replace(whole, text=whole.text[:length], is_whole=False)), content)
        assert accepted.remote_id == RUN
        assert accepted.message.startswith("At least ")
    for length in (10, 60):
        with pytest.raises(OutcomeUnknown, match="too long"):
            submit(Setting(taking=replace(whole, text=whole.text[:length], is_whole=False)), content)


def test_what_the_server_repeats_of_a_link_is_not_repeated(content: Content) -> None:
    link = link_to("http://jdoe:hunter22@acme.com/a.zip?token=hunter33&year=2016&any=import", None)
    row = bad_row(resultMessage="see http://jdoe:hunter22@acme.com/a.zip?token=hunter33")
    setting = Setting(hidden=link.secrets, taking=taken(RUN, row, errors=True))
    accepted = submit(setting, link)
    assert "hunter" not in json.dumps([accepted.message, accepted.server, accepted.notes])
    assert accepted.remote_id == RUN  # though "2016" and "import" stand in the query
    words = answer("cannot fetch ?token=hunter33", 500, "text/plain")
    for error in (OutcomeUnknown("HTTP 500: hunter22", words), Refused("HTTP 400: hunter22", words)):
        setting = Setting(hidden=link.secrets, taking=error)
        with pytest.raises(Refused) as raised:
            submit(setting, link)
        assert raised.value.answer is not None
        shown = setting.talk.secrets.redact(raised.value.message + raised.value.answer.text)
        assert "hunter" not in shown


def test_what_is_not_submitted_is_scheduled_and_not_followed(content: Content) -> None:
    accepted = submit(Setting(taking=taken()), content, submit=False)
    assert (accepted.state, accepted.remote_id) == ("scheduled", RUN)
    assert "submit is false" in accepted.message
    for allowed in (False, True):
        setting = Setting(Judgement(allow_parsing_errors=allowed), taking=taken(RUN, bad_row(), errors=True))
        accepted = submit(setting, content, submit=False)
        assert (accepted.state, accepted.is_acceptable) == ("incomplete", allowed)
        again = setting.another_run(Judgement(allow_parsing_errors=not allowed)).poll(RUN, accepted.notes)
        assert (again.state, again.is_acceptable) == ("incomplete", not allowed)
        assert setting.talk.asked == ["import"]


# What a look means.


def test_a_look_asks_for_the_run_by_its_id() -> None:
    setting = Setting(getimportstatus=count(0), getlibrarystatus=library())
    found = setting.system.poll("a b&c", {})
    assert setting.talk.queries[0] == {"runid": "a b&c"}
    assert (found.state, found.message) == ("succeeded", "")
    assert found.server["status"] == {"unpublished-assets": 0}
    assert found.server["library"]["catalogAssets"] == 5


@pytest.mark.parametrize("number", [-1, 1, 12000])
def test_what_is_not_counted_or_not_published_is_running(number: int) -> None:
    assert Setting(getimportstatus=count(number)).system.poll(RUN, {}).state == "running"


NO_COUNTS: list[Any] = [None, "0", True, False, 0.0, -2, [], {}, [0]]


@pytest.mark.parametrize(
    "body",
    [
        *[{"unpublished-assets": no_count} for no_count in NO_COUNTS],
        *({}, [], 0, None, "", "0", {"unpublished": 0}, {"unpublished-assets-total": 0}),
        *('{"unpublished-assets": 0', "<html><title>0</title></html>"),
    ],
)
def test_what_is_no_status_tells_nothing(body: Any) -> None:
    with pytest.raises(Outage):
        Setting(getimportstatus=answer(body)).system.poll(RUN, {})


def looks(setting: Setting, notes: Mapping[str, Any], *pauses: float) -> list[PollResult]:
    """Looks with so many seconds before each, each with what the one before noted, kept as JSON."""
    found = []
    for pause in pauses:
        if pause:
            setting.time.sleep(pause)
        found.append(setting.system.poll(RUN, notes))
        kept = found[-1].notes
        notes = notes if kept is None else json.loads(json.dumps(kept))
    return found


def test_a_count_that_stands_still_for_the_settle_time_is_incomplete() -> None:
    setting = Setting(getimportstatus=[count(-1), count(5), count(3)])
    found = looks(setting, {}, 0, 10, 30, 40, 19, 1, 1)
    assert [one.state for one in found] == ["running"] * 5 + ["incomplete"] * 2
    assert "3 assets are not published" in found[-1].message
    assert not found[-1].is_acceptable


def test_a_busy_library_is_waited_for_and_a_constant_one_is_not() -> None:
    busy = [library(5, 5), library(4, 5), library(4, 4), library(4, 3)]
    setting = Setting(getimportstatus=count(2), getlibrarystatus=busy)
    found = looks(setting, {}, 0, *[40] * 6)
    assert [one.state for one in found] == ["running"] * 6 + ["incomplete"]


@pytest.mark.parametrize("unreadable", [Refused("no", answer("", 401)), IN_TROUBLE, answer("?"), answer({})])
def test_a_library_that_cannot_be_read_holds_nothing_up(unreadable: Reply) -> None:
    setting = Setting(getimportstatus=count(2), getlibrarystatus=unreadable)
    assert [one.state for one in looks(setting, {}, 0, 30, 30)] == ["running", "running", "incomplete"]
    setting = Setting(getimportstatus=count(0), getlibrarystatus=unreadable)
    assert setting.system.poll(RUN, {}).state == "succeeded"


def test_a_refused_question_for_the_library_is_not_asked_again() -> None:
    setting = Setting(getimportstatus=count(2))
    looks(setting, {}, *[5] * 6)
    assert setting.talk.asked.count("getlibrarystatus") == 1


def test_a_later_run_believes_a_count_that_has_stood_since_it_was_noted() -> None:
    setting = Setting(getimportstatus=[count(3)] * 4 + [count(2)])
    noted = looks(setting, {}, 0, 60)[-1].notes
    assert noted is not None
    setting.time.sleep(3600)
    again = setting.another_run(Judgement(allow_unpublished=True)).poll(RUN, noted)
    assert (again.state, again.is_acceptable) == ("incomplete", True)
    longer = setting.another_run(Judgement(settle_time=4000)).poll(RUN, noted)
    assert longer.state == "running"
    fewer = setting.another_run(Judgement()).poll(RUN, noted)
    assert (fewer.state, fewer.notes and fewer.notes["standing"]["count"]) == ("running", 2)


@pytest.mark.parametrize("since", ["2999-01-01T00:00:00.000Z", "yesterday", "", None])
def test_a_note_of_a_time_to_come_or_of_none_is_as_of_now(since: Any) -> None:
    setting = Setting(getimportstatus=count(3))
    assert setting.system.poll(RUN, {"standing": {"count": 3, "since": since}}).state == "running"


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("unpublished", [False, True])
def test_what_is_incomplete_for_two_reasons_has_to_be_allowed_twice(errors: bool, unpublished: bool) -> None:
    judgement = Judgement(errors, unpublished, settle_time=0)
    notes = {"has_errors": True, "answer": {"assetImportMessages": [bad_row()]}}
    found = Setting(judgement, getimportstatus=count(1)).system.poll(RUN, notes)
    assert (found.state, found.is_acceptable) == ("incomplete", errors and unpublished)
    assert "1 asset is not published" in found.message
    assert "line 1 is short" in found.message
    found = Setting(judgement, getimportstatus=count(0)).system.poll(RUN, notes)
    assert (found.state, found.is_acceptable) == ("incomplete", errors)


def test_a_zero_that_was_seen_is_judged_anew_without_asking_again() -> None:
    setting = Setting(getimportstatus=[count(0), count(4)])
    notes = {"has_errors": True, "answer": {"assetImportMessages": [bad_row()]}}
    (first,) = looks(setting, notes, 0)
    assert first.notes is not None
    again = setting.another_run(Judgement(allow_parsing_errors=True)).poll(RUN, first.notes)
    assert (again.state, again.is_acceptable, again.server) == ("incomplete", True, first.server)
    assert setting.talk.asked.count("getimportstatus") == 1


def test_a_server_that_still_says_at_the_end_that_it_has_no_status_is_believed() -> None:
    with pytest.raises(Outage) as caught:
        Setting(getimportstatus=[IN_WORDS]).system.poll(RUN, {})
    found = caught.value.conclusion
    assert found is not None
    assert found.state == "unknown"
    assert "no such run" in found.message


@pytest.mark.parametrize("words", GENERIC)
def test_what_only_a_gateway_says_at_the_end_is_not_believed(words: str) -> None:
    with pytest.raises(Outage) as caught:
        Setting(getimportstatus=Outage("GET x", answer(words, 500, "text/plain"))).system.poll(RUN, {})
    assert caught.value.conclusion is None


@pytest.mark.parametrize("trouble", [IN_TROUBLE, WITHOUT_WORDS, Outage("timed out"), answer("<html>?</html>")])
def test_any_other_trouble_is_only_an_outage(trouble: Reply) -> None:
    with pytest.raises(Outage) as caught:
        Setting(getimportstatus=[trouble]).system.poll(RUN, {})
    assert caught.value.conclusion is None


def test_a_refused_look_is_told() -> None:
    with pytest.raises(Refused, match="not for you"):
        Setting(getimportstatus=Refused("not for you", answer("", 401))).system.poll(RUN, {})


# Whether the library has it still.


EMPTY_LIBRARY = {"catalogAssets": 0, "activeRequests": 0}


def test_a_library_without_assets_disproves_a_success() -> None:
    for notes in ({}, {"end": {"library": None}}, {"end": {"library": {"catalogAssets": 3, "activeRequests": 0}}}):
        setting = Setting(getlibrarystatus=[library(0, 0, 0), library()])
        assert "holds no assets" in setting.system.evidence_of_loss(notes)
        assert setting.system.evidence_of_loss(notes) == ""  # asked anew


@pytest.mark.parametrize("end", [{"library": EMPTY_LIBRARY}, {"is_submitted": False}])
def test_what_never_counted_is_not_asked_for(end: dict[str, Any]) -> None:
    setting = Setting(getlibrarystatus=library(0, 0, 0))
    assert setting.system.evidence_of_loss({"end": end}) == ""
    assert setting.talk.asked == []


@pytest.mark.parametrize("unread", [Refused("no", answer("", 401)), IN_TROUBLE, answer("?"), BadInput("no requests")])
def test_a_library_that_cannot_be_read_disproves_nothing_and_that_is_remarked(unread: Reply) -> None:
    system = Setting(getlibrarystatus=unread).system
    assert system.evidence_of_loss({"end": {}}) == ""
    assert "could not be read" in " ".join(system.remarks)
    assert Setting(getlibrarystatus=unread).system.evidence_of_loss({}) == ""


@pytest.mark.parametrize("assets", [None, "0", False, 0.0])
def test_a_status_without_a_number_of_assets_disproves_nothing(assets: Any) -> None:
    status = answer({"catalogAssets": assets, "activeRequests": 0})
    assert Setting(getlibrarystatus=status).system.evidence_of_loss({}) == ""


def test_a_zero_in_a_library_that_has_lost_its_assets_is_a_failure() -> None:
    for counts, statuses in (([count(3), count(0)], []), ([count(-1), count(0)], [library()]), ([count(0)], [])):
        setting = Setting(getimportstatus=counts, getlibrarystatus=[*statuses, library(0, 0, 0)])
        notes = {"held_assets": True} if len(counts) == 1 else {}
        last = looks(setting, notes, *[1] * len(counts))[-1]
        assert last.state == "failed"
        assert "holds no assets" in last.message


def test_a_zero_in_a_library_that_never_held_any_is_a_success_only_for_the_run_that_sent_it(content: Content) -> None:
    setting = Setting(taking=taken(), getimportstatus=count(0), getlibrarystatus=library(0, 0, 0))
    accepted = submit(setting, content)
    assert setting.another_run(Judgement()).poll(RUN, accepted.notes).state == "unknown"
    own = setting.system.poll(RUN, accepted.notes)
    assert own.state == "succeeded"
    assert own.notes is not None
    assert setting.another_run(Judgement()).evidence_of_loss(own.notes) == ""


def test_an_import_in_doubt_stays_in_doubt_when_others_bring_assets() -> None:
    setting = Setting(getimportstatus=count(0), getlibrarystatus=[library(0, 0, 0), library()])
    first, second = looks(setting, {}, 0, 1)
    assert (first.state, second.state) == ("unknown", "unknown")


# Whatever it counts.


SIGHTS = st.one_of(st.integers(-1, 4).map(count), st.just(IN_TROUBLE), st.just(IN_WORDS), st.just(answer("?")))


@contextmanager
def followed(setting: Setting, timeout: float = 5000) -> Iterator[Import]:
    """An import that was sent and followed to its end, or as long as there is patience."""
    store = open_store("none")
    pace = WaitOptions(timeout=timeout, max_pause=10, unreachable_timeout=300)
    try:
        importer = Importer(setting.system, store, Policy(once="latest"), pace, setting.time.clock)
        yield importer.run([wanted(link_to(URL, None))])[0]
    finally:
        store.close()


@given(
    sights=st.lists(SIGHTS, min_size=1, max_size=40),
    activity=st.lists(st.builds(library, st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=10),
    settle_time=st.sampled_from([0, 1, 60, 600]),
    has_bad_rows=st.booleans(),
)
def test_success_comes_only_after_a_zero_for_this_run_and_without_bad_rows(
    sights: list[Reply], activity: list[Reply], settle_time: float, has_bad_rows: bool
) -> None:
    rows = [bad_row()] if has_bad_rows else []
    seen: list[Any] = []
    setting = Setting(
        Judgement(settle_time=settle_time),
        taking=taken(RUN, *rows, errors=has_bad_rows),
        getimportstatus=sights,
        getlibrarystatus=activity,
    )
    plainly = setting.talk._next

    def watched(path: str) -> Answer:
        if not path.endswith("getimportstatus"):
            return plainly(path)
        seen.append((setting.time.moment, None))
        reply = plainly(path)
        if reply.text.startswith("{"):
            seen[-1] = (setting.time.moment, json.loads(reply.text)["unpublished-assets"])
        return reply

    setting.talk._next = watched  # type: ignore[method-assign]  # watched in place
    with followed(setting) as one:
        moment, last = seen[-1]
        zero = last == 0
        assert one.changed
        assert zero == (one.state in ("succeeded", "incomplete") and last is not None and not last)
        if one.state == "succeeded":
            assert zero
            assert not has_bad_rows
        elif one.state == "incomplete":
            assert one.has_failed
            numbers = [sight for sight in reversed(seen) if sight[1] is not None]
            stood_since = [when for when, _number in itertools.takewhile(lambda sight: sight[1] == last, numbers)][-1]
            assert (zero and has_bad_rows) or moment - stood_since >= settle_time
        else:
            assert one.state in ("running", "unknown")
            assert one.has_failed
    assert all(query in ({"runid": RUN}, None) for query in setting.talk.queries)


def test_what_was_seen_when_the_time_was_over_is_noted_for_the_next_run() -> None:
    setting = Setting(taking=taken(), getimportstatus=count(3))
    store = open_store("none")
    one = wanted(link_to(URL, None))
    for timeout, state in ((20, "running"), (20, "running"), (30, "incomplete")):
        pace = WaitOptions(timeout=timeout, max_pause=1, unreachable_timeout=300)
        system = setting.another_run(Judgement())
        (found,) = Importer(system, store, Policy(once="latest"), pace, setting.time.clock).run([one])
        assert found.state == state
    receipt = store.find([one.key])[one.key]
    assert (receipt.state, receipt.attempt) == ("incomplete", 1)
    assert receipt.notes["standing"]["count"] == 3
    store.close()


# Libraries.


def test_counts_are_numbers_or_nothing() -> None:
    status = {"catalogAssets": 11, "publishedAssets": "11", "projects": True, "users": None, "activeRequests": 0}
    assert counts_of(status) == {
        "catalog_assets": 11,
        "published_assets": None,
        "projects": None,
        "users": None,
        "active_requests": 0,
        "pending_events": None,
    }


def emptying(clear_events: bool = False, **answers: Any) -> tuple[Setting, Emptying]:
    setting = Setting(**answers)
    found = Emptying(setting.system, clear_events=clear_events, clock=setting.time.clock)
    found.assess()
    return setting, found


@pytest.mark.parametrize(
    ("status", "clear_events", "is_empty"),
    [
        (library(0, 0, 0), False, True),
        (library(0, 3, 0), False, True),
        (library(0, 3, 0), True, False),
        (library(0, 0, 0), True, True),
        (library(1, 0, 0), False, False),
        (library(0, 0, 1), False, False),
    ],
)
def test_a_library_is_empty_without_assets_requests_and_events_if_they_matter(
    status: Answer, clear_events: bool, is_empty: bool
) -> None:
    assert emptying(clear_events, getlibrarystatus=status)[1].is_empty == is_empty


def test_a_library_that_does_not_tell_what_it_holds_is_not_cleared() -> None:
    with pytest.raises(ImportsError, match="activeRequests"):
        emptying(getlibrarystatus=answer({"catalogAssets": 3}))
    with pytest.raises(ImportsError, match="pendingEvents"):
        emptying(clear_events=True, getlibrarystatus=answer({"catalogAssets": 3, "activeRequests": 3}))


@pytest.mark.parametrize("clear_events", [False, True])
def test_clearing_is_asked_for_once_and_looked_after(clear_events: bool) -> None:
    full, empty = library(1, 1, 5), library(0, 0, 0)
    setting, found = emptying(clear_events, getlibrarystatus=[full, full, full, empty], clearassets=answer("", 200, ""))
    found.clear(300)
    assert (found.is_empty, found.changed, found.trouble) == (True, True, None)
    assert setting.talk.asked.count("clearassets") == 1
    assert setting.talk.queries[1] == ({"clearevents": "true"} if clear_events else {})
    assert (found.before["catalog_assets"], found.after["catalog_assets"]) == (5, 0)


def test_a_library_that_stays_full_is_told() -> None:
    setting, found = emptying(getlibrarystatus=library(1, 1, 5), clearassets=answer("", 200, ""))
    found.clear(300)
    assert found.changed
    assert found.trouble is not None
    assert "catalogAssets 5, activeRequests 1" in found.trouble.message
    assert sum(setting.time.pauses) == pytest.approx(300)


def test_a_lost_answer_to_clearing_is_settled_by_reading() -> None:
    lost = OutcomeUnknown("the answer was lost")
    _unused, found = emptying(getlibrarystatus=[library(), library(0, 0, 0)], clearassets=lost)
    found.clear(300)
    assert (found.changed, found.trouble) == (True, None)
    _unused, found = emptying(getlibrarystatus=library(), clearassets=lost)
    found.clear(300)
    assert found.trouble is not None
    assert "the answer was lost" in found.trouble.message
    assert "catalogAssets 5" in found.trouble.message


def test_a_server_error_in_words_is_not_waited_for() -> None:
    words = OutcomeUnknown("HTTP 500: no.", answer("no", 500, "text/plain"))
    setting, found = emptying(getlibrarystatus=library(), clearassets=words)
    found.clear(300)
    assert found.trouble is not None
    assert found.trouble.message.startswith("HTTP 500: no.")
    assert setting.time.pauses == []


@pytest.mark.parametrize("unread", [Refused("no", answer("no", 401)), IN_TROUBLE])
def test_a_library_that_cannot_be_read_any_more_is_told(unread: Reply) -> None:
    _unused, found = emptying(getlibrarystatus=[library(), unread], clearassets=answer("", 200, ""))
    found.clear(300)
    assert found.changed
    assert found.trouble is not None
    assert "could not be read" in found.trouble.message


@pytest.mark.parametrize("error", [Refused("no", answer("no", 401)), NotSent("nobody there", unreachable=True)])
def test_a_refused_clearing_changes_nothing(error: ImportsError) -> None:
    _unused, found = emptying(getlibrarystatus=library(), clearassets=error)
    with pytest.raises(ImportsError) as raised:
        found.clear(300)
    assert raised.value.message.endswith("Nothing was removed.")
    assert not found.changed


@pytest.mark.parametrize(
    ("cleared", "after", "is_gone"),
    [
        (answer("", 200, ""), library(0, 0, 0), True),
        (answer("", 200, ""), library(), True),
        (answer("", 200, ""), IN_TROUBLE, True),
        (OutcomeUnknown("lost"), library(0, 0, 0), True),
        (OutcomeUnknown("lost"), library(3, 0, 0), True),
        (OutcomeUnknown("lost"), library(), False),
        (OutcomeUnknown("lost"), IN_TROUBLE, False),
        (OutcomeUnknown("lost"), Refused("no", answer("no", 401)), False),
    ],
)
def test_what_was_imported_is_gone_when_that_was_accepted_or_is_seen(
    cleared: Reply, after: Reply, is_gone: bool
) -> None:
    told: list[bool] = []
    _unused, found = emptying(getlibrarystatus=[library(), after], clearassets=cleared)
    found.clear(1, lambda: told.append(True))
    assert (found.is_gone, told) == (is_gone, [True] * is_gone)


def test_a_store_that_cannot_be_told_of_the_clearing_is_trouble() -> None:
    def refuse() -> None:
        raise StoreError("The receipt store x could not be written: disk full.")

    _unused, found = emptying(getlibrarystatus=[library(), library(0, 0, 0)], clearassets=answer("", 200, ""))
    found.clear(1, refuse)
    assert found.changed
    assert found.trouble is not None
    assert "disk full" in found.trouble.message


@pytest.mark.parametrize("words", GENERIC)
def test_what_only_a_gateway_says_to_a_clearing_is_waited_for(words: str) -> None:
    lost = OutcomeUnknown("HTTP 500", answer(words, 500, "text/plain"))
    statuses = [library(), library(), library(), library(0, 0, 0)]
    _unused, found = emptying(getlibrarystatus=statuses, clearassets=lost)
    found.clear(300)
    assert found.trouble is None


def test_what_clearing_would_leave_is_reckoned() -> None:
    for clear_events, events in ((False, 2), (True, 0)):
        _unused, found = emptying(clear_events, getlibrarystatus=library(1, 2, 5))
        found.foresee()
        assert (found.after["catalog_assets"], found.after["pending_events"]) == (0, events)
        assert (found.before["catalog_assets"], found.changed) == (5, True)


def test_a_question_of_an_information_module_is_tried_several_times() -> None:
    tries = []

    class Counting(Talk):
        def ask(self, method: str, path: str, query: Any = None, **more: Any) -> Answer:
            tries.append(more["tries"])
            return super().ask(method, path, query)

    system = LifecycleManager(Counting(getimportstatus=count(0), getlibrarystatus=library()), PLACE)
    system.run_status(RUN)
    system.library_status()
    system.poll(RUN, {})
    assert tries == [TRIES, TRIES, 1, 1]
