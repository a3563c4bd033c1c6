# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo: what can be told of files before they are sent, what makes two batches the same, and what answers mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    ImportsError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Wanted,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content, open_contents
from ansible_collections.assetops.imports.plugins.module_utils._http.client import Client
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo import (
    LARGEST_DOCUMENT,
    LARGEST_TEXT,
    Api,
    Batch,
    DataFile,
    HaploBatches,
    api_base,
    check_text,
    control_file,
    wanted_batch,
)

SERVER = "https://research.example.ac.uk"
BASE = "/api/haplo-data-import-batch"
CONTROL = {
    "dataImportControlFileVersion": 0,
    "model": "haplo:person",
    "files": {"people": {"read": "json"}, "staff": {"read": "xml-attributes"}},
    "instructions": [],
}
DIGEST = "5a" * 32
BATCH, OTHER = "a" * 44, "b" * 44


def file_of(folder: Path, content: bytes, name: str = "control.json") -> Content:
    path = folder / name
    path.write_bytes(content)
    (found,) = open_contents([str(path)])
    return found


def changed(**changes: Any) -> bytes:
    """The control file with some properties otherwise, or None and so not there."""
    return json.dumps({name: value for name, value in {**CONTROL, **changes}.items() if value is not None}).encode()


def large_file(folder: Path, size: int) -> Content:
    path = folder / "large"
    with path.open("wb") as file:
        file.truncate(size)
    (found,) = open_contents([str(path)])
    return found


# The control file.


@pytest.mark.parametrize(
    "content",
    [
        changed(),
        changed(dataImportControlFileVersion=0.0),
        changed(model="somebody-else:model", instructions=[{"action": "set-attribute-group"}]),
        changed(files={"DEFAULT": {"read": "a-reader-of-a-plugin"}}),
        changed(comment="Größe ✓", mapping={}),
        json.dumps(CONTROL, indent=4, ensure_ascii=False).encode() + b"\n\n",
    ],
)
def test_a_control_file_that_haplo_may_take_is_taken_with_the_digest_of_its_bytes(
    tmp_path: Path, content: bytes
) -> None:
    control = control_file(file_of(tmp_path, content))

    assert control.sha256 == hashlib.sha256(content).hexdigest()
    assert control.files == json.loads(content)["files"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xef\xbb\xbf" + changed(), "byte order mark"),
        (changed().decode().encode("utf-16"), "not in UTF-8"),
        (b'{"model": "\xe9"}', "not in UTF-8"),
        (b"name\tage\n", "not JSON"),
        (changed()[:-1], "not JSON"),
        (changed() + b"x", "not JSON"),
        (b'{"dataImportControlFileVersion": NaN}', "not JSON"),
        (b'{"dataImportControlFileVersion": Infinity}', "not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b"null", "not a JSON object"),
        (b"17", "not a JSON object"),
        (b'"control"', "not a JSON object"),
        (b"[" + changed() + b"]", "not a JSON object"),
        (b"{}", "dataImportControlFileVersion"),
        *[(changed(dataImportControlFileVersion=no), "dataImportControlFileVersion") for no in ("0", 1, False)],
        (changed(model=None), "no model"),
        (changed(instructions=None), "no instructions"),
        (changed(files=None), "no files"),
        (changed(model=None, files=None), "no model and no files"),
        (changed().replace(b'"files": {', b'"files": null, "more": {'), "files has to be an object"),
        (changed(files=[]), "files has to be an object"),
        (changed(files={"people": {}}), "'people' does not say how to read it"),
        (changed(files={"people": "json"}), "'people' does not say how to read it"),
        (changed(files={"people": {"read": "json"}, "x": {"reed": "json"}}), "'x' does not say how to read it"),
    ],
)
def test_a_control_file_that_haplo_would_not_take_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as raised:
        control_file(file_of(tmp_path, content))

    assert raised.value.message.startswith(f"control: {tmp_path / 'control.json'} is no control file: ")


def test_a_control_file_has_16_mib_at_most(tmp_path: Path) -> None:
    padding = b" " * (LARGEST_DOCUMENT - len(changed()))
    assert control_file(file_of(tmp_path, changed() + padding)).files

    with pytest.raises(BadInput, match="16777216 bytes"):
        control_file(file_of(tmp_path, changed() + padding + b" "))


# Data files.


def test_a_name_has_to_be_in_the_control_file(tmp_path: Path) -> None:
    control = control_file(file_of(tmp_path, changed()))
    assert control.entry("people") == {"read": "json"}

    for name in ("People", "people ", "DEFAULT", "", "toString"):
        with pytest.raises(BadInput, match="which names people, staff"):
            control.entry(name)


def test_any_name_will_do_where_the_control_file_has_a_default(tmp_path: Path) -> None:
    """But for those that every object of JavaScript has, in which Haplo would look for a reader."""
    control = control_file(file_of(tmp_path, changed(files={"DEFAULT": {"read": "json"}, "valueOf": {"read": "x"}})))

    assert control.entry("whatever") == {"read": "json"}
    assert control.entry("valueOf") == {"read": "x"}
    for name in ("toString", "constructor", "__defineGetter__"):
        with pytest.raises(BadInput, match="not in the control file"):
            control.entry(name)


@pytest.mark.parametrize(
    ("name", "files", "is_bounded"),
    [
        ("a", {"a": {"read": "json"}}, True),
        ("a", {"a": {"read": "tsv-with-name-row"}}, True),
        ("a", {"a": {"read": "xml-attributes"}}, False),
        ("a", {"a": {"read": "xml-text-of-children"}}, False),
        ("a", {"a": {"read": "a-reader-of-a-plugin"}}, False),
        ("a", {"a": {"read": ["json"]}}, False),
        ("a", {"DEFAULT": {"read": "json"}}, True),
        ("a", {"a": {"read": "xml-attributes"}, "DEFAULT": {"read": "json"}}, False),
    ],
)
def test_a_file_that_its_reader_would_not_read_is_told(
    tmp_path: Path, name: str, files: dict[str, Any], is_bounded: bool
) -> None:
    control = control_file(file_of(tmp_path, changed(files=files)))
    control.check_size(name, large_file(tmp_path, LARGEST_DOCUMENT))
    larger = large_file(tmp_path, LARGEST_DOCUMENT + 1)

    if not is_bounded:
        control.check_size(name, larger)
        return
    with pytest.raises(BadInput, match="16777216 bytes"):
        control.check_size(name, larger)


# Texts and paths.


@pytest.mark.parametrize("text", [None, "x", "People from HR, Größe ✓", "two\nlines\tand a tab", "x" * LARGEST_TEXT])
def test_a_text_may_be_anything_sensible(text: str | None) -> None:
    check_text("comment", text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "\n", "x" * (LARGEST_TEXT + 1), "é" * (LARGEST_TEXT // 2 + 1)),
        *("a\0b", "a\rb", "\x1b[1m", "\ud800"),
    ],
)
def test_a_text_that_no_form_takes_is_told(text: str) -> None:
    with pytest.raises(BadInput, match=r"^comment"):
        check_text("comment", text)


@pytest.mark.parametrize("path", [BASE, f"{BASE}/", "/api/haplo-data-import-standard-api", "/a%20b/c"])
def test_the_path_of_the_api_has_no_slash_at_its_end(path: str) -> None:
    assert api_base(path) == path.rstrip("/")


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "//", "api", "api/x", "/api//x", "/api/x//", "/api/../x", "/api/..", "/./api", "/api?x=1", "/api#x"),
        *("https://research.example.ac.uk/api", "/a b", "/api\n", "/api/ä", "/api\\x"),
    ],
)
def test_what_is_no_path_is_told(path: str) -> None:
    with pytest.raises(BadInput, match="api_path"):
        api_base(path)


# What makes two batches the same.


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return file_of(tmp_path, b"[]", "people.json")


def wanted(content: Content, server: str = SERVER, **changes: Any) -> Wanted:
    files = changes.pop("files", {"people": "11" * 32, "staff": "22" * 32})
    data = tuple(DataFile(name, content, sha256) for name, sha256 in files.items())
    return wanted_batch(server, "control.json", Batch(changes.pop("control", DIGEST), None, data, **changes))


def test_the_digest_of_a_batch_is_over_the_digests_of_all_its_files(content: Content) -> None:
    text = f'{{"control":"{DIGEST}","files":{{"people":"{"11" * 32}","staff":"{"22" * 32}"}}}}'

    assert wanted(content).content_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert wanted(content).size == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"comment": "another"},
        {"control_comment": "another"},
        {"files": {"staff": "22" * 32, "people": "11" * 32}},
    ],
)
def test_comments_and_the_order_of_files_make_no_other_import(content: Content, changes: dict[str, Any]) -> None:
    assert wanted(content, **changes).key == wanted(content).key
    assert wanted(content, **changes).stream == wanted(content).stream


@pytest.mark.parametrize(
    ("changes", "is_same_stream"),
    [
        ({"files": {"people": "33" * 32, "staff": "22" * 32}}, True),
        ({"files": {"people": "22" * 32, "staff": "11" * 32}}, True),
        ({"files": {"people": "11" * 32, "others": "22" * 32}}, False),
        ({"files": {"people": "11" * 32}}, False),
        ({"control": "33" * 32}, False),
        ({"dry_run": True}, False),
        ({"feed": "people"}, False),
        ({"server": "https://other.example.ac.uk"}, False),
    ],
)
def test_content_and_target_make_another_import(
    content: Content, changes: dict[str, Any], is_same_stream: bool
) -> None:
    assert wanted(content, **changes).key != wanted(content).key
    assert (wanted(content, **changes).stream == wanted(content).stream) == is_same_stream


def test_a_feed_that_is_named_is_one_whatever_the_files_are_called(content: Content) -> None:
    one = wanted(content, feed="people")

    assert wanted(content, feed="people", files={"x": "33" * 32}, control="44" * 32).stream == one.stream
    assert wanted(content, feed="people", dry_run=True).stream != one.stream
    assert wanted(content, feed="others").stream != one.stream


# What answers mean.


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
    """A submission of a batch of one file, with the answers it gets."""

    def __init__(self, content: Content, client: ScriptedClient, notes: Mapping[str, Any] | None = None) -> None:
        self.client = client
        self.attempt = NotedAttempt(notes)
        sha256 = hashlib.sha256(b"[]").hexdigest()
        self.wanted = wanted_batch(SERVER, "source", Batch(DIGEST, None, (DataFile("people", content, sha256),)))

    def __call__(self) -> Any:
        client = cast(Client, self.client)  # a script in place of it
        haplo = HaploBatches(client, SERVER, Api(client, BASE))
        return haplo.submit(self.wanted, self.attempt)


UPLOADED = answer(hashlib.sha256(b"[]").hexdigest())
BEGUN = {"batch": BATCH, "files": ["people"]}
TRIED = {**BEGUN, "scheduling": True}


def test_each_step_is_noted_before_the_next_one(content: Content) -> None:
    run = Run(content, ScriptedClient(batch=[answer(BATCH)], file=[UPLOADED], schedule=[SCHEDULED]))

    accepted = run()

    assert run.client.steps == ["batch", "file", "schedule"]
    assert run.attempt.history == [{"batch": BATCH, "files": []}, BEGUN, TRIED]
    assert run.attempt.commits == [run.wanted.content_sha256]
    assert (accepted.remote_id, accepted.state, accepted.server) == (BATCH, "scheduled", "SCHEDULED")
    assert accepted.is_new
    assert f"begins with {BATCH[:10]}: {SERVER}/do/haplo-data-import-batch/batches" in accepted.message
    assert "Tools > Data import > Batch import > Batch import jobs" in accepted.message


@pytest.mark.parametrize(
    ("notes", "steps"),
    [
        ({"batch": BATCH, "files": []}, ["file", "schedule"]),
        (BEGUN, ["schedule"]),
        (TRIED, ["schedule"]),
    ],
)
def test_a_later_attempt_goes_on_from_the_notes(content: Content, notes: Mapping[str, Any], steps: list[str]) -> None:
    run = Run(content, ScriptedClient(file=[UPLOADED], schedule=[SCHEDULED]), notes)

    assert run().is_new
    assert run.client.steps == steps


def test_a_batch_that_an_earlier_attempt_has_scheduled_is_a_success_that_is_not_new(content: Content) -> None:
    run = Run(content, ScriptedClient(schedule=[NOT_UPLOADING]), TRIED)

    accepted = run()

    assert (accepted.state, accepted.remote_id, accepted.is_new) == ("scheduled", BATCH, False)


def test_a_batch_that_was_scheduled_on_an_earlier_try_of_this_attempt_is_a_new_success(content: Content) -> None:
    run = Run(content, ScriptedClient(schedule=[BROKEN, NOT_UPLOADING]), BEGUN)

    assert run().is_new


@pytest.mark.parametrize("notes", [{"batch": BATCH, "files": []}, BEGUN, TRIED])
def test_a_batch_that_haplo_knows_no_more_is_begun_anew(content: Content, notes: Mapping[str, Any]) -> None:
    script: dict[str, list[Any]] = {"batch": [answer(OTHER)], "file": [UPLOADED], "schedule": [SCHEDULED]}
    script["file" if notes["files"] == [] else "schedule"].insert(0, NOT_FOUND)
    run = Run(content, ScriptedClient(**script), notes)

    assert run().remote_id == OTHER
    assert run.client.steps[-3:] == ["batch", "file", "schedule"]
    assert run.attempt.notes == {**TRIED, "batch": OTHER}


def test_a_batch_that_was_just_begun_and_is_not_known_is_refused(content: Content) -> None:
    run = Run(content, ScriptedClient(batch=[answer(BATCH)], file=[NOT_FOUND]))

    with pytest.raises(Refused):
        run()
    assert run.client.steps == ["batch", "file"]


# Each of these is what scheduling ends with, after which it is scheduled for certain, for certain not, or not certain.
@pytest.mark.parametrize(
    ("endings", "notes", "tries", "expected"),
    [
        pytest.param([LOST], BEGUN, 4, OutcomeUnknown, id="answers lost"),
        pytest.param([BROKEN, BROKEN, BROKEN], BEGUN, 1, OutcomeUnknown, id="answers that do not tell"),
        pytest.param([BROKEN, LOST], BEGUN, 1, OutcomeUnknown, id="an answer that does not tell, then none"),
        pytest.param([KEY], BEGUN, 1, Refused, id="a refusal at once"),
        pytest.param([KEY], BEGUN, 2, OutcomeUnknown, id="a refusal after an answer was lost"),
        pytest.param([BROKEN, KEY], BEGUN, 1, OutcomeUnknown, id="a refusal after an answer that does not tell"),
        pytest.param([AWAY], BEGUN, 1, NotSent, id="nobody there"),
        pytest.param([BROKEN, AWAY], BEGUN, 1, OutcomeUnknown, id="nobody there after an answer that does not tell"),
        pytest.param([NotSent("TLS")], BEGUN, 1, OutcomeUnknown, id="broken off with the request on its way"),
        pytest.param([KEY], TRIED, 1, OutcomeUnknown, id="a refusal after an earlier attempt"),
        pytest.param([AWAY], TRIED, 1, OutcomeUnknown, id="nobody there after an earlier attempt"),
    ],
)
def test_what_is_not_certain_is_not_called_a_failure(
    content: Content, endings: list[Any], notes: Mapping[str, Any], tries: int, expected: type[ImportsError]
) -> None:
    run = Run(content, ScriptedClient(schedule=list(endings)), notes)
    run.client.tries = tries

    with pytest.raises(expected) as raised:
        run()

    assert run.client.script["schedule"] == []
    assert ("scheduling" in run.attempt.notes) == (expected is OutcomeUnknown)
    if isinstance(raised.value, OutcomeUnknown):
        was_sent_by_this_run = not (notes is TRIED and endings in ([KEY], [AWAY]))
        assert raised.value.is_new == was_sent_by_this_run


SCHEDULE_TWISTS = ["SCHEDULED\n", "scheduled", "SCHEDULED!", "", "null"]


@pytest.mark.parametrize("text", SCHEDULE_TWISTS)
def test_scheduled_is_only_what_says_exactly_so(content: Content, text: str) -> None:
    run = Run(content, ScriptedClient(schedule=[answer(text)] * 3), BEGUN)

    with pytest.raises(OutcomeUnknown, match="not how Haplo answers"):
        run()


@pytest.mark.parametrize(
    "twist",
    [
        answer(BATCH[:-1]),
        answer(f"{BATCH}a"),
        answer(f"{BATCH}\n"),
        answer("-" + BATCH[1:]),
        answer(BATCH[1:] + "_"),
        answer(BATCH[:-2] + "é" + "a"),
        answer(f'"{BATCH}"', content_type="application/json"),
        answer(f"<p>{BATCH}</p>", content_type="text/html"),
        answer(f" {BATCH}", content_type=""),
        answer(BATCH, status=201),
        answer(""),
    ],
)
def test_an_identifier_is_only_what_has_its_form(content: Content, twist: Answer) -> None:
    run = Run(content, ScriptedClient(batch=[twist]))

    with pytest.raises(NotSent, match=r"not how Haplo answers.*was not scheduled"):
        run()
    assert run.attempt.history == []


@pytest.mark.parametrize("content_type", ["text/html", "", "application/octet-stream", "TEXT/PLAIN"])
def test_an_identifier_is_one_whatever_it_is_called(content: Content, content_type: str) -> None:
    def called(text: str) -> list[Answer | ImportsError]:
        return [answer(text, content_type=content_type)]

    script = ScriptedClient(batch=called(BATCH), file=called(UPLOADED.text), schedule=called("SCHEDULED"))
    assert Run(content, script)().state == "scheduled"


def test_a_digest_is_only_that_of_what_was_sent(content: Content) -> None:
    for other in (DIGEST, UPLOADED.text.upper(), f"{UPLOADED.text}\n"):
        run = Run(content, ScriptedClient(file=[answer(other)]), {"batch": BATCH, "files": []})

        with pytest.raises(NotSent):
            run()
        assert run.attempt.history == []


def test_a_page_that_permits_nothing_is_about_the_key(content: Content) -> None:
    page = answer("<h1>Error</h1><p>You are not permitted to perform this action.</p>", content_type="text/html")

    for notes in ({}, {"batch": BATCH, "files": []}, BEGUN):
        run = Run(content, ScriptedClient(batch=[page], file=[page], schedule=[page]), notes)
        with pytest.raises(Refused, match="not in the group") as raised:
            run()
        assert raised.value.credentials
        assert len(run.client.sent) == 1


def test_a_control_file_that_haplo_has_not_is_asked_for_where_only_its_digest_was_given(content: Content) -> None:
    run = Run(content, ScriptedClient(batch=[no(f"Control file not found: {DIGEST}")]))

    with pytest.raises(Refused, match="Give the control file itself with control"):
        run()
    assert run.client.steps == ["batch"]


def test_what_a_control_file_lacks_is_told_in_the_words_of_haplo(content: Content) -> None:
    run = Run(content, ScriptedClient(batch=[no("Invalid control file:\n  Model not implemented: x\n  No y")]))

    with pytest.raises(Refused) as raised:
        run()
    assert raised.value.message.endswith("/step: Haplo finds the control file invalid: Model not implemented: x; No y.")


@pytest.fixture(autouse=True)
def nothing_lost() -> Iterator[None]:
    """The errors that scripts share have no memory of who raised them."""
    yield
    for error in (NOT_UPLOADING, NOT_FOUND, LOST, BROKEN, AWAY, KEY):
        error.__traceback__ = error.__context__ = error.__cause__ = None
