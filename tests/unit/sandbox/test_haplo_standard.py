# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's standard batch import: the documented requests and answers, and how it lies beside plain batch import."""

from __future__ import annotations

import hashlib
import json
import re
from urllib.parse import urlencode

import pytest

from tests.sandbox.handle import Sandbox
from tests.sandbox.haplo.keys import API_KEY, STANDARD_KEY

from .client import Answer
from .haplo_client import API, CONTROL, FORM, JOE, URLENCODED, basic, multipart, new_batch, part, send

STANDARD = "/api/haplo-data-import-standard-api"
KIND = "example-standard-api"
KEY = basic(STANDARD_KEY)
PEOPLE = json.dumps([JOE]).encode()


def ask(sandbox: Sandbox, step: str, **parameters: str) -> Answer:
    """An urlencoded request."""
    return send(sandbox, f"{STANDARD}/{step}", urlencode(parameters).encode(), headers=KEY)


def upload(sandbox: Sandbox, batch: str, content: bytes = PEOPLE, name: str = "people") -> Answer:
    """Upload a data file."""
    form = multipart(part("batch", batch), part("name", name), part("file", content, "p.json"))
    return send(sandbox, f"{STANDARD}/file", form, content_type=FORM, headers=KEY)


@pytest.mark.parametrize(("mode", "state", "imported"), [("", "complete", 2), ("dry-run", "dry-run", 0)])
def test_import(sandbox: Sandbox, mode: str, state: str, imported: int) -> None:
    created = ask(sandbox, "batch", kind=KIND, comment="nightly")
    identifier = created.body.decode()
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{42}[A-Za-z0-9]", identifier)
    uploads = [(PEOPLE, "people"), (b"last\nVisitor", "visitors")]
    digests = [upload(sandbox, identifier, content, name) for content, name in uploads]
    assert [answer.body.decode() for answer in digests] == [hashlib.sha256(data).hexdigest() for data, _name in uploads]
    scheduled = ask(sandbox, "schedule", batch=identifier, mode=mode)
    assert scheduled.body == b"SCHEDULED"
    for answer in (created, *digests, scheduled):
        assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    sandbox.clock(step=100)
    haplo = sandbox.haplo()
    (batch,) = haplo.batches
    assert (batch.kind, batch.row, batch.comment, batch.state) == (KIND, None, "nightly", state)
    assert (batch.records_read, batch.records_imported, haplo.records_imported) == (2, imported, imported)
    assert haplo.control_files == ()
    operations = [request.operation for request in sandbox.requests("haplo")]
    assert operations == ["standard_batch", "standard_file", "standard_file", "standard_schedule"]


@pytest.mark.parametrize(
    ("step", "parameters", "status", "body"),
    [
        ("batch", {"comment": "x"}, 400, "Bad request (failed validation)"),
        ("batch", {"kind": "no-such"}, 400, "Standard API not found: no-such"),
        ("schedule", {}, 400, "Bad request (failed validation)"),
        ("schedule", {"batch": "x"}, 400, "Batch not found: x"),
        ("control", {}, 404, "<h1>Not found</h1>"),
    ],
)
def test_mistakes(sandbox: Sandbox, step: str, parameters: dict[str, str], status: int, body: str) -> None:
    answer = ask(sandbox, step, **parameters)
    assert answer.status == status
    assert body in answer.body.decode()


def test_it_is_scheduled_once(sandbox: Sandbox) -> None:
    batch = ask(sandbox, "batch", kind=KIND).body.decode()
    assert ask(sandbox, "schedule", batch=batch).status == 200
    again = ask(sandbox, "schedule", batch=batch)
    assert (again.status, again.body.decode()) == (400, f"Batch {batch} is not in the 'uploading' state")


def test_each_key_is_for_one_of_the_two(sandbox: Sandbox) -> None:
    for path, key in ((STANDARD, API_KEY), (API, STANDARD_KEY)):
        form = multipart(part("batch", "x"), part("name", "n"), part("file", "[]", "f"))
        answer = send(sandbox, f"{path}/file", form, content_type=FORM, headers=basic(key))
        assert (answer.status, b"INVALID-API-KEY" in answer.body) == (403, True)
        assert send(sandbox, f"{path}/schedule", b"batch=x", headers=basic(key)).status == 403


def test_neither_knows_the_other_ones_batches(sandbox: Sandbox) -> None:
    """The list of batches shows the plain ones only, and an application's control file is none that was uploaded."""
    plain, standard = new_batch(sandbox), ask(sandbox, "batch", kind=KIND).body.decode()
    assert ask(sandbox, "schedule", batch=plain).status == 400
    assert send(sandbox, f"{API}/schedule", urlencode({"batch": standard}).encode()).status == 400
    page = send(
        sandbox,
        "/do/haplo-data-import-batch/batches",
        method="GET",
        content_type=None,
        headers=basic(sandbox.haplo_outcome_api_key),
    )
    assert b"<p>Batches: 1</p>" in page.body
    control = next(batch.control_sha256 for batch in sandbox.haplo().batches if batch.kind == KIND)
    assert send(sandbox, f"{API}/batch", f"control={control}".encode()).status == 400


def test_user_is_not_in_the_group(sandbox: Sandbox) -> None:
    key = {"key": STANDARD_KEY, "user": "u", "path": f"{STANDARD}/", "may_import": False}
    sandbox.configure("haplo", keys=[key])
    answer = ask(sandbox, "batch", kind=KIND)
    assert answer.status == 200
    assert b"You are not permitted to perform this action." in answer.body


def test_other_kinds(sandbox: Sandbox) -> None:
    control = {**CONTROL, "files": {"DEFAULT": {"read": "json"}}}
    sandbox.configure("haplo", standard_apis=[{"kind": "staff", "control": control}])
    assert ask(sandbox, "batch", kind=KIND).status == 400
    batch = ask(sandbox, "batch", kind="staff").body.decode()
    upload(sandbox, batch, name="anything")
    ask(sandbox, "schedule", batch=batch)
    sandbox.clock(step=100)
    assert sandbox.haplo().batch(batch).file("anything").records_imported == 1


def test_multipart_where_it_is_not_expected(sandbox: Sandbox) -> None:
    form = multipart(part("kind", KIND))
    assert send(sandbox, f"{STANDARD}/batch", form, content_type=FORM, headers=KEY).status == 500
    assert send(sandbox, f"{STANDARD}/file", b"batch=x&name=n", content_type=URLENCODED, headers=KEY).status == 400
