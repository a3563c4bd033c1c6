# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo over HTTP: answers, the whole table of errors, the life of batches."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from typing import Any

import pytest

from tests.sandbox.handle import ControlError, Sandbox
from tests.sandbox.haplo.forms import MOST_TEXT_FIELD, MOST_URLENCODED
from tests.sandbox.haplo.javascript import MOST_TEXT
from tests.sandbox.haplo.keys import API_KEY, BLOCKED_KEY, ELSEWHERE_KEY, OUTSIDER_KEY
from tests.sandbox.haplo.view import Batch

from .client import BOUNDARY, Answer, connect, peak_memory
from .haplo_client import (
    API,
    CONTROL,
    FIXTURES,
    FORM,
    JOE,
    basic,
    begin,
    multipart,
    new_batch,
    part,
    post,
    post_form,
    raw_part,
    send,
    upload,
    upload_control,
)

PLAIN, HTML, JSON = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json; charset=utf-8"

GOOD = basic(API_KEY)
WRONG_KEY = basic("x" * 43)
CONTROL_FILE = part("file", json.dumps(CONTROL), "control.json")
A_FILE = part("file", "[]", "people.json")

INVALID_KEY = '{"success":false,"kind":"INVALID-API-KEY","error":{"message":"Invalid API Key"}}'
NOT_AUTHORISED = '{"success":false,"kind":"UNAUTHORISED","error":{"message":"Not authorised"}}'
NOT_LOGGED_IN = (
    '{"success":false,"kind":"UNAUTHORISED","error":{"message":"Unauthorised: You are not permitted to perform that '
    'action"}}'
)
THROTTLED = (
    '{"success":false,"kind":"THROTTLE","error":{"message":"Too many failed API authentication attempts, API usage '
    'suspended. Pause requests to wait until restriction lifted."}}'
)
SECURITY = re.compile("<h1>Request denied for security reasons</h1>.*Cookies need to be enabled")
SERVER_ERROR = "<html><body><h1>Internal server error</h1></body></html>"
SIZE_LIMIT = "<html><body><h1>Request size limit exceeded</h1></body></html>"
SCRIPT_ERROR = re.compile("<p>An error was encountered, and your request could not be completed.</p>")
NOT_PERMITTED = re.compile(
    "<title>Error : Haplo</title>.*<h1>Error</h1>.*"
    '<div class="z__general_alert">You are not permitted to perform this action.</div>',
    re.DOTALL,
)
NOT_FOUND = re.compile("<h1>Not found</h1>")
FAILED_VALIDATION = "Bad request (failed validation)"


def check(answer: Answer, status: int, content_type: str, body: str | re.Pattern[str]) -> None:
    """Status, type and body; and what never comes."""
    assert (answer.status, answer.headers["content-type"]) == (status, content_type)
    text = answer.body.decode()
    assert body.search(text) if isinstance(body, re.Pattern) else text == body
    assert answer.status != 401
    assert "www-authenticate" not in answer.headers


def the_batch(sandbox: Sandbox) -> Batch:
    """The only batch, with all done that is due."""
    (batch,) = sandbox.haplo().batches
    return batch


# The table of FACTS section C.1, case by case.


def test_success(sandbox: Sandbox) -> None:
    control = json.dumps(CONTROL).encode()
    digest = hashlib.sha256(control).hexdigest()
    check(upload_control(sandbox, control), 200, PLAIN, digest)
    created = post(sandbox, "batch", control=digest)
    check(created, 200, PLAIN, re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_-]{42}[A-Za-z0-9]\Z"))
    batch = created.body.decode()
    check(upload(sandbox, batch, b"[]"), 200, PLAIN, hashlib.sha256(b"[]").hexdigest())
    check(post(sandbox, "schedule", batch=batch), 200, PLAIN, "SCHEDULED")


@pytest.mark.parametrize("key", [API_KEY, OUTSIDER_KEY])
@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("control", None),
        ("control", multipart(part("comment", "c"))),
        ("batch", b""),
        ("batch", b"comment=c"),
        ("batch", b"Control=x"),
        ("file", multipart(part("name", "n"), A_FILE)),
        ("file", multipart(part("batch", "b"), A_FILE)),
        ("file", multipart(part("batch", "b"), part("name", "n"))),
        ("file", b"batch=b&name=n"),
        ("schedule", b"mode=dry-run"),
    ],
)
def test_required_parameter_missing(sandbox: Sandbox, key: str, endpoint: str, body: bytes | None) -> None:
    """It is looked for before the permission."""
    content_type = FORM if body is not None and body.startswith(b"--") else "application/x-www-form-urlencoded"
    answer = send(sandbox, f"{API}/{endpoint}", body or b"", content_type=content_type, headers=basic(key))
    check(answer, 400, PLAIN, FAILED_VALIDATION)


def test_empty_parameters_reach_the_handler(sandbox: Sandbox) -> None:
    check(post(sandbox, "batch", control=""), 400, PLAIN, "Control file not found: ")
    check(post(sandbox, "schedule", batch=""), 400, PLAIN, "Batch not found: ")
    check(upload(sandbox, "", b"[]"), 400, PLAIN, "Batch not found: ")
    check(upload(sandbox, new_batch(sandbox), b"[]", name=""), 200, PLAIN, hashlib.sha256(b"[]").hexdigest())
    assert the_batch(sandbox).file("").uploads == 1


def test_unknown_control_file_and_batch(sandbox: Sandbox) -> None:
    digest = upload_control(sandbox).body.decode()
    for wrong in ("0" * 64, digest.upper(), digest + "\n"):
        check(post(sandbox, "batch", control=wrong), 400, PLAIN, f"Control file not found: {wrong}")
    check(post(sandbox, "schedule", batch="no such <one>"), 400, PLAIN, "Batch not found: no such <one>")
    check(upload(sandbox, "Größe", b"[]"), 400, PLAIN, "Batch not found: Größe")
    assert sandbox.haplo().batches == ()


def test_batch_is_scheduled_once(sandbox: Sandbox) -> None:
    batch = new_batch(sandbox)
    assert post(sandbox, "schedule", batch=batch).status == 200
    for step in (0, 0.7, 100):
        sandbox.clock(step=step)
        answer = post(sandbox, "schedule", batch=batch, mode="dry-run")
        check(answer, 400, PLAIN, f"Batch {batch} is not in the 'uploading' state")
    assert (the_batch(sandbox).state, the_batch(sandbox).dry_run) == ("complete", False)


@pytest.mark.parametrize(
    "content",
    [b"", b"no", b"\xef\xbb\xbf{}", b'{"a": NaN}', b"[" * 100_000, json.dumps(CONTROL).encode() + b" " * MOST_TEXT],
    ids=["empty", "text", "mark", "NaN", "deep", "large"],
)
def test_control_is_not_json(sandbox: Sandbox, content: bytes) -> None:
    check(upload_control(sandbox, content), 400, PLAIN, "Uploaded file is not JSON")
    assert sandbox.haplo().control_files == ()


def test_control_fails_validation(sandbox: Sandbox) -> None:
    expected = (
        "Invalid control file:\n"
        "  Bad version of control file, should be 0\n"
        "  Model not implemented: x\n"
        "  Unknown action in instruction: go\n"
        "  Control file does not have files property\n"
        "  Unknown record processor specified in recordProcessor property: p"
    )
    control = {
        "dataImportControlFileVersion": "0",
        "model": "x",
        "instructions": [{"action": "go"}],
        "recordProcessor": "p",
    }
    check(upload_control(sandbox, control), 400, PLAIN, expected)


@pytest.mark.parametrize("content", [b"null", b"1", b'"text"', b"true"])
def test_control_is_json_of_another_kind(sandbox: Sandbox, content: bytes) -> None:
    check(upload_control(sandbox, content), 500, HTML, SCRIPT_ERROR)


@pytest.mark.parametrize("endpoint", ["control", "batch", "file", "schedule"])
def test_user_is_not_in_the_group(sandbox: Sandbox, endpoint: str) -> None:
    headers = basic(OUTSIDER_KEY)
    if endpoint in ("control", "file"):
        answer = post_form(
            sandbox, endpoint, part("batch", "b"), part("name", "n"), part("file", "no json", "f"), headers=headers
        )
    else:
        answer = send(sandbox, f"{API}/{endpoint}", b"batch=b&control=c", headers=headers)
    check(answer, 200, HTML, NOT_PERMITTED)
    assert (sandbox.haplo().control_files, sandbox.haplo().batches) == ((), ())


@pytest.mark.parametrize(
    ("headers", "multipart_answer", "get_answer"),
    [
        (WRONG_KEY, (JSON, INVALID_KEY), (JSON, INVALID_KEY)),
        (basic("short"), (JSON, INVALID_KEY), (JSON, INVALID_KEY)),
        ({"X-ONEIS-Key": "y" * 43}, (JSON, INVALID_KEY), (JSON, INVALID_KEY)),
        (basic(ELSEWHERE_KEY), (JSON, INVALID_KEY), (JSON, INVALID_KEY)),
        (basic(BLOCKED_KEY), (JSON, NOT_AUTHORISED), (JSON, NOT_AUTHORISED)),
        ({}, (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        (basic(""), (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        (basic(API_KEY, user="admin"), (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        ({"Authorization": f"Bearer {API_KEY}"}, (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        ({"Authorization": "Basic %%%"}, (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        ({"Authorization": GOOD["Authorization"].lower()}, (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        ({"Authorization": GOOD["Authorization"].replace(" ", "  ")}, (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        ({"Authorization": "Bearer x", "X-ONEIS-Key": API_KEY}, (HTML, "Unauthorised"), (JSON, NOT_LOGGED_IN)),
        ({**WRONG_KEY, "X-ONEIS-Key": API_KEY}, (JSON, INVALID_KEY), (JSON, INVALID_KEY)),
    ],
)
def test_not_authenticated(
    sandbox: Sandbox, headers: dict[str, str], multipart_answer: tuple[str, str], get_answer: tuple[str, str]
) -> None:
    for endpoint in ("control", "file"):
        check(post_form(sandbox, endpoint, CONTROL_FILE, headers=headers), 403, *multipart_answer)
    for endpoint in ("batch", "schedule"):
        answer = send(sandbox, f"{API}/{endpoint}", b"control=x&batch=x", headers=headers)
        check(answer, 403, HTML, SECURITY)
        assert "set-cookie" in answer.headers
    check(send(sandbox, f"{API}/control", method="GET", headers=headers), 403, *get_answer)
    assert sandbox.haplo().control_files == ()


def test_user_who_may_do_nothing_at_all(sandbox: Sandbox) -> None:
    sandbox.configure("haplo", keys=[{"key": API_KEY, "user": "u", "may_nothing": True}])
    check(upload_control(sandbox), 403, HTML, "Unauthorised")
    check(post(sandbox, "batch", control="x"), 403, JSON, NOT_LOGGED_IN)
    check(send(sandbox, f"{API}/batch", method="GET"), 403, JSON, NOT_LOGGED_IN)


@pytest.mark.parametrize("headers", [WRONG_KEY, {}])
def test_refusal_comes_before_the_body_is_read(sandbox: Sandbox, headers: dict[str, str]) -> None:
    connection = begin(sandbox, "file", headers, 10**9)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("connection")) == (403, "close")
    connection.close()


def test_other_ways_to_send_the_key(sandbox: Sandbox) -> None:
    header = {"X-ONEIS-Key": API_KEY}
    assert post_form(sandbox, "control", CONTROL_FILE, headers=header).status == 200
    good, wrong = f"control=x&_ak={API_KEY}".encode(), b"control=x&_ak=" + b"x" * 43
    assert send(sandbox, f"{API}/batch", good, headers={}).status == 400
    # The header counts only where the body has none, and both only without any other authorization.
    assert send(sandbox, f"{API}/batch", good, headers={"X-ONEIS-Key": "x" * 43}).status == 400
    check(send(sandbox, f"{API}/batch", wrong, headers=header), 403, HTML, SECURITY)
    assert send(sandbox, f"{API}/batch", wrong, headers=GOOD).status == 400
    # Not in the query, and not in a form, whose sender must be known before it is read.
    check(send(sandbox, f"{API}/batch?control=x&_ak={API_KEY}", headers={}), 403, HTML, SECURITY)
    check(post_form(sandbox, "control", part("_ak", API_KEY), CONTROL_FILE, headers={}), 403, HTML, "Unauthorised")


def test_throttle(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)

    def fail(times: int) -> None:
        for _unused in range(times):
            check(post_form(sandbox, "control", CONTROL_FILE, headers=WRONG_KEY), 403, JSON, INVALID_KEY)

    fail(49)
    assert upload_control(sandbox).status == 200, "a good key clears the count"
    fail(50)
    check(upload_control(sandbox), 403, JSON, THROTTLED)
    check(post(sandbox, "batch", control="x"), 403, HTML, SECURITY)
    sandbox.clock(step=299)  # not just before the end: sums of fractions are not exact
    check(post_form(sandbox, "control", CONTROL_FILE, headers=WRONG_KEY), 403, JSON, THROTTLED)
    check(post_form(sandbox, "control", CONTROL_FILE, headers={}), 403, HTML, "Unauthorised")
    sandbox.clock(step=2)
    assert upload_control(sandbox).status == 200
    fail(50)
    check(upload_control(sandbox), 403, JSON, THROTTLED)
    sandbox.reset()
    assert upload_control(sandbox).status == 200


@pytest.mark.parametrize(
    "path", [f"/{API}/batch", API, "/api", "/", "/api//haplo-data-import-batch/batch", "/API/haplo-data-import-batch/x"]
)
def test_paths_that_the_key_is_not_for(sandbox: Sandbox, path: str) -> None:
    check(send(sandbox, path, b"control=x"), 403, HTML, SECURITY)
    check(send(sandbox, path, multipart(CONTROL_FILE), content_type=FORM), 403, JSON, INVALID_KEY)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
@pytest.mark.parametrize("endpoint", ["batch", "control"])
def test_wrong_method(sandbox: Sandbox, method: str, endpoint: str) -> None:
    answer = send(sandbox, f"{API}/{endpoint}?control=x", method=method)
    check(answer, 404, HTML, "" if method == "HEAD" else NOT_FOUND)


def test_options(sandbox: Sandbox) -> None:
    check(
        send(sandbox, f"{API}/batch", method="OPTIONS", headers={}),
        200,
        HTML,
        re.compile("<h2>OPTIONS not supported</h2>"),
    )


@pytest.mark.parametrize("path", ["/", "/batches", "/status/x", "//batch"])
def test_unknown_path(sandbox: Sandbox, path: str) -> None:
    check(send(sandbox, f"{API}{path}", b"control=x"), 404, HTML, NOT_FOUND)
    check(send(sandbox, f"{API}{path}", method="GET"), 404, HTML, NOT_FOUND)
    check(send(sandbox, f"{API}{path}", multipart(CONTROL_FILE), content_type=FORM), 500, HTML, SERVER_ERROR)


@pytest.mark.parametrize("endpoint", ["batch", "schedule"])
def test_multipart_where_it_is_not_expected(sandbox: Sandbox, endpoint: str) -> None:
    check(post_form(sandbox, endpoint, part("control", "x"), part("batch", "x")), 500, HTML, SERVER_ERROR)


def test_file_in_another_field(sandbox: Sandbox) -> None:
    message = "A file was uploaded, but it was not expected by the application. Field name: '{}'"
    for name, shown in (("data", "data"), ("a<b>'c'&", "a&lt;b&gt;'c'&")):
        answer = post_form(sandbox, "control", part(name, "{}", "control.json"), CONTROL_FILE)
        check(answer, 400, "text/plain", message.format(shown))
    # It ends the request where it comes in.
    large = part("File", b"x" * 4 * 1024**2, "f")
    connection = begin(sandbox, "control", GOOD, len(large), large[:1000])
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize(
    "disposition",
    ['form-data; name="file"', 'form-data; name="file"; filename=""', "form-data; name=\"file\"; filename*=utf-8''f"],
)
def test_file_without_a_file_name(sandbox: Sandbox, disposition: str) -> None:
    for endpoint in ("control", "file"):
        others = (part("batch", "b"), part("name", "n"))
        check(post_form(sandbox, endpoint, *others, raw_part(disposition, "{}")), 500, HTML, SCRIPT_ERROR)
        check(post_form(sandbox, endpoint, *others, raw_part(disposition, "")), 400, PLAIN, FAILED_VALIDATION)
    large = raw_part(disposition, b"x" * (MOST_TEXT_FIELD + 1))
    check(post_form(sandbox, "control", large), 500, HTML, SIZE_LIMIT)


def test_other_host_or_http(sandbox: Sandbox) -> None:
    host = sandbox.url.removeprefix("http://")
    sandbox.configure("haplo", host=host)
    assert upload_control(sandbox).status == 200
    sandbox.configure("haplo", host="research.example.ac.uk")
    answer = post(sandbox, "batch", control="x")
    assert (answer.status, answer.headers["location"]) == (302, f"http://research.example.ac.uk/haplo{API}/batch")
    check(upload_control(sandbox), 500, HTML, SERVER_ERROR)
    sandbox.configure("haplo", host=None, requires_https=True)
    answer = send(sandbox, f"{API}/schedule?batch=x")
    assert (answer.status, answer.headers["location"]) == (302, f"https://{host}/haplo{API}/schedule?batch=x")
    check(upload_control(sandbox), 500, HTML, SERVER_ERROR)


def test_error_pages_are_compressed_for_those_who_want_it(sandbox: Sandbox) -> None:
    answer = send(sandbox, f"{API}/batch", headers={"Accept-Encoding": "gzip, deflate"})
    assert (answer.status, answer.headers["content-encoding"]) == (403, "gzip")
    assert SECURITY.search(gzip.decompress(answer.body).decode())
    short = send(sandbox, f"{API}/batch", headers={**GOOD, "Accept-Encoding": "gzip, deflate"})
    check(short, 400, PLAIN, FAILED_VALIDATION)


# What the documentation leaves out: FACTS section C.2.


def test_parameters_in_the_query_and_more_of_a_path(sandbox: Sandbox) -> None:
    digest = upload_control(sandbox).body.decode()
    batch = send(sandbox, f"{API}/batch/?control={digest}&comment=in%20the%20query").body.decode()
    assert the_batch(sandbox).comment == "in the query"
    body = multipart(part("batch", batch), A_FILE)
    answer = send(sandbox, f"{API}/file/a/b?batch=x&name=people", body, content_type=FORM)
    assert answer.status == 200
    assert send(sandbox, f"{API}/schedule/x?batch={batch}&mode=dry-run", b"").body == b"SCHEDULED"
    assert the_batch(sandbox).dry_run
    assert [request.operation for request in sandbox.requests("haplo")] == ["control", "batch", "file", "schedule"]


@pytest.mark.parametrize(
    ("body", "is_read"),
    [
        ("comment=Größe&control={}", False),
        ("control={}&control[]=x", False),
        ("comment=%zz&control={}", True),
        (" [control={}", False),
        ("<a>&control={}", False),
        ("control={}&comment=Gr%C3%B6%C3%9Fe", True),
        ("control=x&control={}", True),
    ],
)
def test_urlencoded_bodies(sandbox: Sandbox, body: str, is_read: bool) -> None:
    digest = upload_control(sandbox).body.decode()
    answer = send(sandbox, f"{API}/batch", body.format(digest).encode(), content_type="text/plain")
    assert answer.status == (200 if is_read else 400)
    if not is_read:
        check(answer, 400, PLAIN, FAILED_VALIDATION)


@pytest.mark.parametrize(
    ("sent", "comment"),
    [
        ("50%", "50%"),
        ("%zz", "%zz"),
        ("a%2", "a%2"),
        ("%ff", "\ufffd"),
        ("a;b", "a;b"),
        ("a+b", "a b"),
        ("", "Unnamed batch"),
    ],
)
def test_texts_of_urlencoded_bodies(sandbox: Sandbox, sent: str, comment: str) -> None:
    digest = upload_control(sandbox).body.decode()
    assert send(sandbox, f"{API}/batch", f"a&control={digest}&comment={sent}".encode()).status == 200
    assert the_batch(sandbox).comment == comment


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("batch", "control[]={digest}"),
        ("batch", "control[x]={digest}"),
        ("batch", "control={digest}&comment[]=x"),
        ("batch", "control={digest}&comment=a%00b"),
        ("batch", "control=%00"),
        ("schedule", "batch[]={batch}"),
        ("schedule", "batch=%00"),
    ],
)
def test_what_the_database_does_not_take(sandbox: Sandbox, endpoint: str, body: str) -> None:
    digest = upload_control(sandbox).body.decode()
    batch = post(sandbox, "batch", control=digest).body.decode()
    check(send(sandbox, f"{API}/{endpoint}", body.format(digest=digest, batch=batch).encode()), 500, HTML, SCRIPT_ERROR)
    assert (the_batch(sandbox).identifier, the_batch(sandbox).state) == (batch, "uploading")


def test_a_mode_in_a_list_is_a_real_import(sandbox: Sandbox) -> None:
    batch = new_batch(sandbox)
    assert send(sandbox, f"{API}/schedule", f"batch={batch}&mode[]=dry-run".encode()).body == b"SCHEDULED"
    assert the_batch(sandbox).dry_run is False


def test_brackets_mean_nothing_in_a_form(sandbox: Sandbox) -> None:
    check(post_form(sandbox, "file", part("batch[]", "x"), part("name", "n"), A_FILE), 400, PLAIN, FAILED_VALIDATION)


def test_limits_of_texts(sandbox: Sandbox) -> None:
    digest = upload_control(sandbox, comment="x" * MOST_TEXT_FIELD).body.decode()
    assert len(digest) == 64
    answer = upload_control(sandbox, comment="x" * (MOST_TEXT_FIELD + 1))
    check(answer, 500, HTML, SIZE_LIMIT)
    body = f"control={digest}&comment=".encode()
    assert send(sandbox, f"{API}/batch", body.ljust(MOST_URLENCODED - 1, b"x")).status == 200
    check(send(sandbox, f"{API}/batch", body.ljust(MOST_URLENCODED, b"x")), 500, HTML, SERVER_ERROR)


@pytest.mark.parametrize(
    "body",
    [
        b"nothing",
        multipart(CONTROL_FILE)[:-30],
        multipart(b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="c"\r\nX: ' + b"x" * 11_000),
        multipart(raw_part("attachment", "x")),
    ],
    ids=["text", "short", "headers", "disposition"],
)
def test_malformed_forms(sandbox: Sandbox, body: bytes) -> None:
    check(send(sandbox, f"{API}/control", body, content_type=FORM), 500, HTML, SERVER_ERROR)
    check(send(sandbox, f"{API}/control", body, content_type="multipart/form-data"), 500, HTML, SERVER_ERROR)
    assert not list((sandbox.data_dir / "haplo").glob("upload-*"))


def test_upload_that_breaks_off(sandbox: Sandbox) -> None:
    batch = new_batch(sandbox)
    body = multipart(part("batch", batch), part("name", "people"), part("file", "x" * 1000, "f"))
    begin(sandbox, "file", GOOD, len(body), body[:-500]).close()
    (request,) = sandbox.wait_for("finished", operation="file")
    assert (request.complete, request.status) == (False, None)
    assert the_batch(sandbox).files == ()
    assert not list((sandbox.data_dir / "haplo").glob("upload-*"))


def test_habits_of_the_form_parser(sandbox: Sandbox) -> None:
    """Order, directories, other parameters and encodings do not matter; texts are UTF-8; the last of a name counts."""
    batch = new_batch(sandbox)
    file = raw_part(
        'form-data; size=3; filename="C:\\\\in\\\\Größe.json"; name="file"\r\nContent-Transfer-Encoding: base64', "W10="
    )
    answer = post_form(sandbox, "file", file, part("name", "x"), part("name", "ä"), part("batch", batch), part("z", ""))
    check(answer, 200, PLAIN, hashlib.sha256(b"W10=").hexdigest())
    (found,) = the_batch(sandbox).files
    assert (found.name, found.file_name, found.size) == ("ä", "Größe.json", 4)


def test_comments(sandbox: Sandbox) -> None:
    for comment in (None, "", "first", "first", "zweiter ä"):
        assert upload_control(sandbox, comment=comment).status == 200
    (control,) = sandbox.haplo().control_files
    assert control.comments == ("Unnamed control file", "first", "zweiter ä")
    assert control.size == len(json.dumps(CONTROL))
    post(sandbox, "batch", control=control.sha256)
    post(sandbox, "batch", control=control.sha256, comment="ä+b&c")
    assert [batch.comment for batch in sandbox.haplo().batches] == ["Unnamed batch", "ä+b&c"]


@pytest.mark.parametrize("mode", ["dryrun", "DRY-RUN", "", "dry-run ", None])
def test_any_other_mode_is_a_real_import(sandbox: Sandbox, mode: str | None) -> None:
    batch = imported(sandbox, [JOE], **({} if mode is None else {"mode": mode}))
    assert (batch.state, batch.dry_run, batch.records_imported) == ("complete", False, 1)


def test_dry_run_imports_nothing_and_uses_the_batch_up(sandbox: Sandbox) -> None:
    batch = imported(sandbox, [JOE, JOE], mode="dry-run")
    assert (batch.state, batch.dry_run, batch.errors) == ("dry-run", True, 0)
    assert (batch.records_read, batch.records_imported, sandbox.haplo().objects) == (2, 0, ())
    assert post(sandbox, "schedule", batch=batch.identifier).status == 400
    assert sandbox.haplo().records_imported == 0


def imported(sandbox: Sandbox, content: Any, control: Any = None, **parameters: str) -> Batch:
    """The batch after the import of one file."""
    identifier = new_batch(sandbox, control)
    assert upload(sandbox, identifier, content).status == 200
    return run(sandbox, identifier, **parameters)


def run(sandbox: Sandbox, identifier: str, **parameters: str) -> Batch:
    """The batch after its import."""
    assert post(sandbox, "schedule", batch=identifier, **parameters).body == b"SCHEDULED"
    sandbox.clock(step=1000)
    return sandbox.haplo().batch(identifier)


def test_import(sandbox: Sandbox) -> None:
    batch = imported(sandbox, [JOE, {"last": "Nobody", "url": "no url"}])
    assert (batch.state, batch.errors, batch.records_read, batch.records_imported) == ("complete", 1, 2, 2)
    (file,) = batch.files
    assert (file.name, file.file_name, file.uploads, file.records_imported) == ("people", "people.json", 1, 2)
    date = r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d GMT-0000 \(UTC\)"
    start, error, end = batch.log
    assert re.fullmatch(f"START: {date}", start)
    assert error == "Invalid URL for input field url: no url (record 1)"
    assert re.fullmatch(f"END: {date}", end)
    joe, nobody = sandbox.haplo().objects
    assert joe.values == {
        "dc:attribute:title": [{"first": "Joe", "last": "Bloggs"}],
        "std:attribute:url": ["https://example.com/person/joe"],
        "dc:attribute:type": [{"ref": "std:type:person"}],
    }
    assert (nobody.destination, nobody.values["dc:attribute:title"]) == ("profile", [{"last": "Nobody"}])


def test_nothing_is_checked_at_upload(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox)
    upload(sandbox, identifier, [JOE])
    upload(sandbox, identifier, b"", name="nobody knows")
    batch = run(sandbox, identifier)
    assert (batch.state, batch.errors, batch.records_imported) == ("error", 0, 0)
    assert batch.log[1].startswith(
        "EXCEPTION: Error during import: Could not find file specification in control file for file nobody knows "
        "(and DEFAULT file entry does not exist). File: "
    )


@pytest.mark.parametrize(
    "content", [b"[", b"[" + b" " * MOST_TEXT + b"]", b'[{}, "x"]'], ids=["no end", "large", "text"]
)
def test_files_that_break_an_import(sandbox: Sandbox, content: bytes) -> None:
    control = {**CONTROL, "instructions": [*CONTROL["instructions"], {"action": "if-exists", "source": "x"}]}
    assert imported(sandbox, content, control).state == "error"


def test_most_of_a_json_file(sandbox: Sandbox) -> None:
    batch = imported(sandbox, b"[" + b" " * (MOST_TEXT - 2) + b"]")
    assert (batch.state, batch.errors, batch.file("people").size) == ("complete", 0, MOST_TEXT)


def test_batch_without_files(sandbox: Sandbox) -> None:
    batch = run(sandbox, new_batch(sandbox))
    assert (batch.state, batch.errors, len(batch.log)) == ("complete", 0, 2)


def test_default_takes_any_name(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox, {**CONTROL, "files": {"DEFAULT": {"read": "json"}}})
    upload(sandbox, identifier, [JOE], name="anything")
    assert run(sandbox, identifier).file("anything").records_imported == 1


def test_last_file_of_a_name_is_imported(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox)
    for content, filename in (([JOE], "first.json"), ([JOE] * 3, "second.json"), ([JOE], "third.json")):
        upload(sandbox, identifier, content, filename=filename)
    upload(sandbox, identifier, [JOE] * 2, name="more")
    batch = run(sandbox, identifier)
    assert [file.name for file in batch.files] == ["people", "more"]
    people = batch.file("people")
    # The same bytes are kept under the file name they came with first.
    assert (people.uploads, people.file_name, people.records_imported) == (3, "first.json", 1)
    assert batch.records_imported == sandbox.haplo().records_imported == 3


def test_upload_after_scheduling(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    identifier = new_batch(sandbox)
    upload(sandbox, identifier, [JOE])
    post(sandbox, "schedule", batch=identifier)
    assert the_batch(sandbox).state == "scheduled"
    assert upload(sandbox, identifier, [JOE] * 2).status == 200
    sandbox.clock(step=1)
    assert the_batch(sandbox).state == "running"
    assert upload(sandbox, identifier, [JOE] * 3).status == 200
    assert upload(sandbox, identifier, [JOE] * 3, name="more").status == 200
    sandbox.clock(step=1)
    assert upload(sandbox, identifier, [JOE] * 4).status == 200
    batch = the_batch(sandbox)
    assert (batch.state, batch.records_imported) == ("complete", 2)
    people, more = batch.files
    assert (people.uploads, people.late_uploads, people.records_imported) == (4, 2, 2)
    assert people.sha256 == hashlib.sha256(json.dumps([JOE] * 2).encode()).hexdigest()
    assert (more.uploads, more.late_uploads, more.records_imported) == (1, 1, 0)


def test_one_batch_after_another(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure("haplo", seconds_before_start=10, seconds_per_batch=10, seconds_per_record=5)
    first, second = new_batch(sandbox), new_batch(sandbox)
    for identifier in (second, first):
        upload(sandbox, identifier, [JOE] * 2)
        post(sandbox, "schedule", batch=identifier)
    seen = []
    for step in (9, 1, 19, 1, 19, 1):
        sandbox.clock(step=step)
        haplo = sandbox.haplo()
        seen.append((haplo.batch(second).state, haplo.batch(first).state, haplo.records_imported))
    assert seen == [
        ("scheduled", "scheduled", 0),
        ("running", "scheduled", 0),
        ("running", "scheduled", 0),
        ("complete", "running", 2),
        ("complete", "running", 2),
        ("complete", "complete", 4),
    ]
    assert [batch.identifier for batch in sandbox.haplo().batches] == [first, second]


def test_batch_of_200_files(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox, {**CONTROL, "files": {"DEFAULT": {"read": "json"}}})
    connection = connect(sandbox)
    for number in range(200):
        content = json.dumps([{"last": f"Bloggs {number}"}])
        form = multipart(part("batch", identifier), part("name", f"f{number}"), part("file", content, "f.json"))
        connection.request("POST", f"/haplo{API}/file", form, {**GOOD, "Content-Type": FORM})
        answer = connection.getresponse()
        assert (answer.status, len(answer.read())) == (200, 64)
    connection.close()
    batch = run(sandbox, identifier)
    assert (len(batch.files), batch.records_imported) == (200, 200)


def test_memory_does_not_grow_with_a_file(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox)
    upload(sandbox, identifier, b"x" * 1024**2)
    before = peak_memory(sandbox)
    content = b"x" * 32 * 1024**2
    check(upload(sandbox, identifier, content), 200, PLAIN, hashlib.sha256(content).hexdigest())
    assert peak_memory(sandbox) - before < 8 * 1024**2
    assert the_batch(sandbox).file("people").size == len(content)


def test_fixtures_are_imported_without_errors(sandbox: Sandbox) -> None:
    identifier = new_batch(sandbox, (FIXTURES / "control.json").read_bytes())
    for name, file_name in (("people", "people.json"), ("visitors", "visitors.tsv")):
        upload(sandbox, identifier, (FIXTURES / file_name).read_bytes(), name=name, filename=file_name)
    batch = run(sandbox, identifier)
    assert (batch.state, batch.errors, len(batch.log)) == ("complete", 0, 2)
    assert [file.records_imported for file in batch.files] == [14, 6]
    objects = sandbox.haplo().objects
    assert all("dc:attribute:title" in item.values for item in objects)
    assert objects[1].values == {
        "dc:attribute:type": [{"ref": "std:type:person:staff"}],
        "dc:attribute:title": [{"title": "Prof", "first": "Björn", "last": "Lindqvist"}],
        "std:attribute:email": ["bjorn.lindqvist@example.ac.uk"],
        "std:attribute:telephone": ["01632 960108"],
        "std:attribute:job-title": ["Professor of Marine Geology"],
        "std:attribute:url": ["https://research.example.ac.uk/lindqvist", "https://bjorn-lindqvist.example"],
    }
    assert objects[16].values["dc:attribute:type"] == [{"ref": "std:type:person:associate"}]


def test_reset_and_settings(sandbox: Sandbox) -> None:
    imported(sandbox, [JOE])
    sandbox.configure("haplo", keys=[{"key": "k" * 20, "user": "u"}])
    check(upload_control(sandbox), 403, JSON, INVALID_KEY)
    sandbox.reset()
    haplo = sandbox.haplo()
    assert (haplo.control_files, haplo.batches, haplo.objects, haplo.records_imported) == ((), (), (), 0)
    assert not list((sandbox.data_dir / "haplo" / "store").iterdir())
    imported(sandbox, [JOE])
    with pytest.raises(ControlError, match="'models' must be"):
        sandbox.configure("haplo", models=[1])
