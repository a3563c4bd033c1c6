# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages on which Haplo tells what became of a batch, to the letter, and who may read them."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead

import pytest

from tests.sandbox.handle import Sandbox
from tests.sandbox.haplo.keys import API_KEY, BLOCKED_KEY, OUTCOME_KEY
from tests.sandbox.haplo.view import Batch

from .client import Answer
from .haplo_client import API, JOE, basic, new_batch, post, send, upload, upload_control

PAGES = "/do/haplo-data-import-batch"
READER = basic(OUTCOME_KEY)
DATE = r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d GMT-0000 \(UTC\)"
HEAD = "<tr><th>Identifier</th><th>State</th><th>Errors</th><th>Created</th><th>Comment</th></tr>"
FOOT = (
    '<p>&nbsp;</p><p>To create a new batch, select a <a href="/do/haplo-data-import-batch/control-files">'
    "control file</a> and click 'New batch...'</p>"
)
TO_LOG = '&nbsp; <a href="#import-log" role=button>view log below...</a>'
NOTICE = (
    '<div role="alert" class="z__acknowledgment_notice"><div class="z__acknotice_message">'
    "<p>Dry run only: This application has not been updated with imported data.</p></div></div>"
    '<p><a role="button" class="z__button_link" href="/do/haplo-data-import-batch/copy-batch/1">'
    "Copy as new batch...</a></p>"
)
NOTHING_UPLOADED = (
    '<div class="oforms-repeat"><div class="oforms-repetition oforms-has-multiple">'
    '<div class="oforms-display-row control-group" data-order="2">'
    '<label class="control-label form-check-label" id="_l__ofe_name.0" for="_ofe_name.0">Name</label>'
    '<div class="controls" id="_ofe_name.0" aria-labelledby="_l__ofe_name.0"></div></div>'
    '<div class="oforms-display-row control-group" data-order="3">'
    '<label class="control-label form-check-label" id="_l__ofe_digest.0" for="_ofe_digest.0">Digest</label>'
    '<div class="controls" id="_ofe_digest.0" aria-labelledby="_l__ofe_digest.0"></div></div>'
    '<div class="oforms-display-row control-group" data-order="4">'
    '<div class="controls" id="_ofe_file.0" aria-labelledby="_l__ofe_file.0"></div></div></div></div>'
)
NOT_PERMITTED = '<div class="z__general_alert">You are not permitted to perform this action.</div>'


def look(sandbox: Sandbox, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    """The answer to a request for a page, with the good key unless there are other headers."""
    headers = READER if headers is None else headers
    return send(sandbox, f"{PAGES}/{path}", method=method, content_type=None, headers=headers)


def content(sandbox: Sandbox, path: str, title: str) -> str:
    """What a page says, without the layout around it."""
    answer = look(sandbox, path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = answer.body.decode()
    assert f"<title>{title} : Haplo</title>" in text
    assert f"<h1>{title}</h1>" in text
    (found,) = re.findall(
        r'<div id="z__ws_content" role="main">\s*(.*?)\s*</div>\s*</div>\s*<div id="z__logo', text, re.DOTALL
    )
    return str(found)


def created(sandbox: Sandbox) -> str:
    """The date that a batch has that was made just now, while the clock stands still."""
    return f"{parsedate_to_datetime(look(sandbox, 'batches').headers['date']):%d %b %Y, %H:%M}"


def scheduled(sandbox: Sandbox, records: object = None, **parameters: str) -> Batch:
    """A batch with a file, that was scheduled."""
    identifier = new_batch(sandbox)
    upload(sandbox, identifier, [JOE] if records is None else records)
    assert post(sandbox, "schedule", batch=identifier, **parameters).body == b"SCHEDULED"
    return sandbox.haplo().batch(identifier)


def test_list_of_batches(sandbox: Sandbox) -> None:
    """All there are, the newest first, by row numbers that the API does not tell."""
    sandbox.clock(speed=0)
    assert content(sandbox, "batches", "Batch import jobs") == f"<p>Batches: 0</p><table>{HEAD}</table>{FOOT}"
    digest = upload_control(sandbox).body.decode()
    first = post(sandbox, "batch", control=digest, comment="""a <b> & "c's" ä""").body.decode()
    upload(sandbox, first, [{"last": "x", "url": "no url"}])
    post(sandbox, "schedule", batch=first)
    day = created(sandbox)
    sandbox.clock(step=3600)
    second = post(sandbox, "batch", control=digest, comment="nightly").body.decode()
    assert content(sandbox, "batches", "Batch import jobs") == (
        f"<p>Batches: 2</p><table>{HEAD}"
        f'<tr><td><a href="/do/haplo-data-import-batch/batch/2">{second[:10]}...</a></td><td>uploading</td><td></td>'
        f"<td>{created(sandbox)}</td><td>nightly</td></tr>"
        f'<tr><td><a href="/do/haplo-data-import-batch/batch/1">{first[:10]}...</a></td><td>complete</td><td>1</td>'
        f"""<td>{day}</td><td>a &lt;b&gt; &amp; "c's" ä</td></tr></table>{FOOT}"""
    )
    assert [batch.row for batch in sandbox.haplo().batches] == [1, 2]


@pytest.mark.parametrize(
    ("records", "mode", "step", "state", "cell", "errors", "notice", "log"),
    [
        ([JOE], "", 0, "scheduled", "scheduled", "", "", None),
        ([JOE], "", 1, "running", "running", "", "", None),
        ([JOE], "", 10, "complete", f"complete {TO_LOG}", "0", "", []),
        ([JOE, {**JOE, "url": "<u>"}], "", 10, "complete", f"complete {TO_LOG}", "1", "", ["&lt;u&gt; (record 1)"]),
        (
            [JOE, {**JOE, "url": "u&"}],
            "dry-run",
            10,
            "dry-run",
            f"dry-run {TO_LOG}",
            "1",
            NOTICE,
            ["u&amp; (record 1)"],
        ),
        ([JOE, None], "", 10, "error", "error", "0", "", ['Cannot read property "first" from null']),
        ([JOE, None], "dry-run", 10, "error", "error", "0", "", ['Cannot read property "first" from null']),
    ],
)
def test_page_of_a_batch(
    sandbox: Sandbox,
    records: object,
    mode: str,
    step: float,
    state: str,
    cell: str,
    errors: str,
    notice: str,
    log: list[str] | None,
) -> None:
    sandbox.clock(speed=0)
    batch, day = scheduled(sandbox, records, mode=mode), created(sandbox)
    sandbox.clock(step=step)
    assert sandbox.haplo().batch(batch.identifier).state == state
    found = content(sandbox, "batch/1", "Batch import: Unnamed batch")
    table = (
        f"<table><tr><th>Identifier</th><td>{batch.identifier}</td></tr><tr><th>Control file</th><td>"
        f'<a href="/do/haplo-data-import-batch/control-file/1">{batch.control_sha256}</a></td></tr>'
        f"<tr><th>Created</th><td>{day}</td></tr><tr><th>Comment</th><td>Unnamed batch</td></tr>"
        f"<tr><th>State</th><td>{cell}</td></tr><tr><th>Errors</th><td>{errors}</td></tr></table>{notice}"
    )
    assert found.startswith(f'{table}<div class="oforms-repeat">')
    if log is None:
        assert "import-log" not in found
        return
    said = re.fullmatch(r'.*</div><h2 id="import-log">Log</h2><pre>(.*)</pre>', found, re.DOTALL)
    assert said is not None
    start, *lines, end = said[1].split("\n")
    assert re.fullmatch(f"START: {DATE}", start)
    assert re.fullmatch(f"END: {DATE}", end)
    assert [wanted in line for wanted, line in zip(log, lines)] == [True] * len(lines)


def test_page_of_a_batch_without_files(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    assert content(sandbox, "batch/1", "Batch import: Unnamed batch").endswith(f"</table>{NOTHING_UPLOADED}")


def test_files_of_a_batch(sandbox: Sandbox) -> None:
    """Every upload in order, also of a name that was there before."""
    identifier = new_batch(sandbox)
    for data, name, filename in (("[]", "people", "p.json"), ("[1]", "<more>", "m.json"), ("[2]", "people", "q.json")):
        upload(sandbox, identifier, data.encode(), name=name, filename=filename)
    found = content(sandbox, "batch/1", "Batch import: Unnamed batch")
    shown = [re.findall(rf'id="_ofe_{field}.\d"[^>]*>([^<]*)<', found) for field in ("name", "digest")]
    digests = [hashlib.sha256(data).hexdigest() for data in (b"[]", b"[1]", b"[2]")]
    assert shown == [["people", "&lt;more&gt;", "people"], digests]
    assert re.findall(r'<span class="z__oforms_file_filename">([^<]*)</span>', found) == ["p.json", "m.json", "q.json"]


def test_titles_are_escaped(sandbox: Sandbox) -> None:
    digest = upload_control(sandbox).body.decode()
    post(sandbox, "batch", control=digest, comment="""<i> & "it's" """)
    found = content(sandbox, "batch/1", "Batch import: &lt;i&gt; &amp; &quot;it&#39;s&quot; ")
    assert """<th>Comment</th><td>&lt;i&gt; &amp; "it's" </td>""" in found


def test_log_of_many_errors(sandbox: Sandbox) -> None:
    scheduled(sandbox, [{"last": "x", "url": "no"}] * 600)
    sandbox.clock(step=10)
    found = content(sandbox, "batch/1", "Batch import: Unnamed batch")
    assert "<th>Errors</th><td>600</td>" in found
    _start, *lines, end = found.partition("<pre>")[2].split("\n")
    assert (len(lines), lines[-1][:15], end[:5]) == (500, "Too many errors", "END: ")


# Who may read them, and what else can be asked.


def denied(kind: str, message: str) -> str:
    """What the API says to a key that is not good."""
    return json.dumps({"success": False, "kind": kind, "error": {"message": message}}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        (basic("x" * 43), 403, denied("INVALID-API-KEY", "Invalid API Key")),
        (basic(API_KEY), 403, denied("INVALID-API-KEY", "Invalid API Key")),
        (basic(BLOCKED_KEY), 403, denied("INVALID-API-KEY", "Invalid API Key")),
        ({"X-ONEIS-Key": OUTCOME_KEY}, 200, None),
        ({}, 302, ""),
        (basic(OUTCOME_KEY, user="admin"), 302, ""),
        ({"Authorization": f"Bearer {OUTCOME_KEY}"}, 302, ""),
        ({"Authorization": READER["Authorization"].replace("Basic", "basic")}, 302, ""),
    ],
)
def test_keys(sandbox: Sandbox, headers: dict[str, str], status: int, body: str | None) -> None:
    new_batch(sandbox)
    for path in ("batches", "batch/1"):
        answer = look(sandbox, path, headers)
        assert answer.status == status
        assert body is None or answer.body.decode() == body
        if status == 302:
            location = f"{sandbox.haplo_url}/do/authentication/login?rdr=%2Fdo%2Fhaplo-data-import-batch%2F"
            assert answer.headers["location"] == location + path.replace("/", "%2F")


@pytest.mark.parametrize(
    ("user", "status", "body"),
    [
        ({"may_administer": True}, 200, "<p>Batches: 1</p>"),
        ({"may_administer": False}, 200, NOT_PERMITTED),
        (
            {"may_nothing": True},
            403,
            denied("UNAUTHORISED", "Unauthorised: You are not permitted to perform that action"),
        ),
        ({"may_administer": True, "blocked": True}, 403, denied("UNAUTHORISED", "Not authorised")),
        ({"may_administer": True, "path": "/do/other"}, 403, denied("INVALID-API-KEY", "Invalid API Key")),
    ],
)
def test_rights(sandbox: Sandbox, user: dict[str, object], status: int, body: str) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", keys=[{"key": OUTCOME_KEY, "user": "u", "path": f"{PAGES}/batch", **user}])
    answer = look(sandbox, "batches")
    assert answer.status == status
    assert body in answer.body.decode()


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "batch/01", 200, "Batch import: "),
        ("GET", "batch/0001/x", 200, "Batch import: "),
        ("GET", "batches/x", 200, "Batch import jobs"),
        ("GET", "batch/2", 400, "Bad request (failed validation)"),
        ("GET", "batch/0", 400, "Bad request (failed validation)"),
        ("GET", "batch/x", 400, "Bad request (failed validation)"),
        ("GET", "batch/-1", 400, "Bad request (failed validation)"),
        ("GET", "batch", 400, "Bad request (failed validation)"),
        ("GET", "batch/", 400, "Bad request (failed validation)"),
        ("POST", "batches", 404, "<h1>Not found</h1>"),
        ("PUT", "batch/1", 404, "<h1>Not found</h1>"),
        ("HEAD", "batch/1", 404, ""),
        ("GET", "batch-of-others", 404, "<h1>Not found</h1>"),
        ("GET", "control-files", 403, "INVALID-API-KEY"),
    ],
)
def test_requests(sandbox: Sandbox, method: str, path: str, status: int, body: str) -> None:
    new_batch(sandbox)
    answer = look(sandbox, path, method=method)
    assert answer.status == status
    assert body in answer.body.decode()


def test_a_row_that_is_not_there_comes_before_the_permission(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", keys=[{"key": OUTCOME_KEY, "user": "u", "path": "/do/"}])
    assert [look(sandbox, f"batch/{row}").status for row in (1, 2)] == [200, 400]
    assert NOT_PERMITTED in look(sandbox, "batch/1").body.decode()


def test_the_key_that_reads_cannot_import(sandbox: Sandbox) -> None:
    answer = send(sandbox, f"{API}/batch", b"control=x", headers=READER)
    assert answer.status == 403
    everywhere = [{"key": OUTCOME_KEY, "user": "u", "path": "/", "may_import": False, "may_administer": True}]
    sandbox.configure("haplo", keys=everywhere)
    assert NOT_PERMITTED in send(sandbox, f"{API}/batch", b"control=x", headers=READER).body.decode()
    assert look(sandbox, "batches").status == 200


def test_wrong_keys_lock_all_keys_out(sandbox: Sandbox) -> None:
    """From that address. A good key with a wrong path is no failure."""
    sandbox.clock(speed=0)
    for _unused in range(60):
        assert look(sandbox, "batches", basic(API_KEY)).status == 403
    assert look(sandbox, "batches").status == 200
    for _unused in range(50):
        assert look(sandbox, "batches", basic("x" * 43)).status == 403
    assert b"THROTTLE" in look(sandbox, "batches").body
    assert upload_control(sandbox).status == 403
    sandbox.clock(step=301)
    assert look(sandbox, "batches").status == 200


def test_login(sandbox: Sandbox) -> None:
    answer = send(sandbox, "/do/authentication/login?rdr=%2Fdo%2Fx", method="GET", headers={})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<h1>Log in to your account</h1>" in answer.body
    assert b'name="rdr" value="/do/x"' in answer.body


def test_other_host_or_http(sandbox: Sandbox) -> None:
    """It is told before the permission and after a wrong key."""
    sandbox.configure("haplo", host="research.example.ac.uk", requires_https=True)
    elsewhere = f"https://research.example.ac.uk/haplo{PAGES}/batch/9"
    for headers in (READER, {}):
        answer = look(sandbox, "batch/9", headers)
        assert (answer.status, answer.headers["location"]) == (302, elsewhere)
    assert look(sandbox, "batch/9", basic("x" * 43)).status == 403


def test_pages_are_compressed_for_those_who_want_it(sandbox: Sandbox) -> None:
    answer = look(sandbox, "batches", {**READER, "Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert b"<p>Batches: 0</p>" in gzip.decompress(answer.body)


# What a test can set.


@pytest.mark.parametrize("stays", ["scheduled", "running"])
def test_batches_that_stay_as_they_are(sandbox: Sandbox, stays: str) -> None:
    """Others go on, and one that stays `running` was imported."""
    sandbox.configure("haplo", stays=stays)
    first = scheduled(sandbox)
    sandbox.configure("haplo", stays=None)
    scheduled(sandbox)
    sandbox.clock(step=10_000)
    found = content(sandbox, "batches", "Batch import jobs")
    assert re.findall(r"</a></td><td>([^<]*)</td><td>([^<]*)</td>", found) == [("complete", "0"), (stays, "")]
    batch = sandbox.haplo().batch(first.identifier)
    assert batch.records_imported == (0 if stays == "scheduled" else 1)
    assert (batch.errors, batch.log) == (None, ())


@pytest.mark.parametrize(("mode", "imported"), [("", 2), ("dry-run", 0)])
def test_batches_that_break(sandbox: Sandbox, mode: str, imported: int) -> None:
    sandbox.configure("haplo", breaks_after=2)
    batch = scheduled(sandbox, [JOE] * 3, mode=mode)
    sandbox.clock(step=10)
    batch = sandbox.haplo().batch(batch.identifier)
    assert (batch.state, batch.errors, batch.records_imported) == ("error", 0, imported)
    assert "EXCEPTION: Error during import: " in content(sandbox, "batch/1", "Batch import: Unnamed batch")


def test_a_log_that_the_database_does_not_take(sandbox: Sandbox) -> None:
    """The records are imported, and the batch stays `running`; the next one is not kept from its turn."""
    batch = scheduled(sandbox, [{"last": "x", "url": "a\0b"}])
    other = scheduled(sandbox)
    sandbox.clock(step=10)
    haplo = sandbox.haplo()
    assert (haplo.batch(batch.identifier).state, haplo.batch(batch.identifier).records_imported) == ("running", 1)
    assert haplo.batch(other.identifier).state == "complete"


def test_pages_of_another_version(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    sandbox.configure("haplo", page_changes=[{"find": "<th>Errors</th>", "put": "<th>Fehler</th>"}])
    assert HEAD.replace("Errors", "Fehler") in content(sandbox, "batches", "Batch import jobs")
    assert "<tr><th>Fehler</th><td></td></tr>" in content(sandbox, "batch/1", "Batch import: Unnamed batch")
    sandbox.configure("haplo", shown_characters=12)
    (batch,) = sandbox.haplo().batches
    assert f">{batch.identifier[:12]}...</a>" in content(sandbox, "batches", "Batch import jobs")
    sandbox.reset()
    assert "Fehler" not in content(sandbox, "batches", "Batch import jobs")


def test_faults_act_on_pages(sandbox: Sandbox) -> None:
    new_batch(sandbox)
    sandbox.fault("status", operation="outcome", status=500)
    sandbox.fault("truncate", operation="batches")
    assert [look(sandbox, "batch/1").status for _unused in range(2)] == [500, 200]
    assert [request.operation for request in sandbox.requests("haplo")][-2:] == ["outcome", "outcome"]
    with pytest.raises(IncompleteRead):
        look(sandbox, "batches")
