# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager over HTTP: requests by either way, rows, roles, the count of unpublished assets, clearing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.handle import ControlError, Sandbox
from tests.sandbox.lm.api import DEMO_URL
from tests.sandbox.lm.archives import MOST_UNPACKED, AssetRow
from tests.sandbox.lm.asset_archives import DEMO, asset_archive, fixtures, numbered, packed
from tests.sandbox.lm.credentials import (
    ADMIN_PASSWORD,
    ADMIN_USER,
    IMPORTER_PASSWORD,
    IMPORTER_USER,
    SUPPORT_USER,
    VIEWER_PASSWORD,
    VIEWER_USER,
)
from tests.sandbox.lm.view import Clearing, Library

from . import client
from .client import Answer, peak_memory

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "lm"
ARCHIVE = "assets.zip"
BOUNDARY = "frontier"
MIXED = f"multipart/mixed; boundary={BOUNDARY}"
ADMIN = (ADMIN_USER, ADMIN_PASSWORD)
IMPORTER = (IMPORTER_USER, IMPORTER_PASSWORD)
VIEWER = (VIEWER_USER, VIEWER_PASSWORD)

# The examples of the vendor's page, with a user that the sandbox knows.
REQUEST = """
{
  "user":"support",
  "concurrentThread":1,
  "loadFactor":10,
  "attributeDelimiter":"|",
  "attributeValueDelimiter":"^",
  "threadSleep":250,
  "replace":true,
  "emailResults":false,
  "ignoreAssetId":false,
  "bypassGovernance":true,
  "validate":true,
  "submissionNote":"A submission note",
  "importFile":{
    "url":"http://acme.com/imports/contents_LibraryDemo.zip"
  },
  "submit":true
}
"""
ANSWER = """
{
  "parsingErrorsExist":false,
  "runid":"import_2016-01-22_15-35-07.484",
  "assetImportMessages":[
  ]
}
"""
LIBRARY_ANSWER = """
{
  "catalogAssets":12,
  "publishedAssets":12,
  "projects":3,
  "users":16,
  "activeRequests":0,
  "pendingEvents":0
}
"""


# Requests.


def call(
    sandbox: Sandbox,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    *,
    library: str = "LibraryDemo",
    function: str = "importutils",
    user: tuple[str, str] | None = ADMIN,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request to Lifecycle Manager."""
    sent = dict(headers or {})
    if user is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    return client.send(sandbox, method, f"/lm/lm/custom/rest/{quote(library)}/{function}{path}", body, sent)


def json_part(content: object) -> bytes:
    return part("Content-Type: application/json", content if isinstance(content, bytes) else json.dumps(content))


def file_part(content: bytes, name: str = ARCHIVE) -> bytes:
    """As the collection's client sends it."""
    disposition = f'Content-Disposition: attachment; name="{name}"; filename="{name}"'
    return part(f"{disposition}\r\nContent-ID: <{name}>\r\nContent-Type: application/zip", content)


def part(headers: str, content: bytes | str) -> bytes:
    data = content if isinstance(content, bytes) else content.encode()
    return f"--{BOUNDARY}\r\n{headers}\r\n\r\n".encode() + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def upload(sandbox: Sandbox, content: bytes, properties: dict[str, Any] | None = None, **options: Any) -> Answer:
    """Import an attached archive."""
    body = json_part({"importFile": {"name": ARCHIVE}, **(properties or {})}) + file_part(content) + END
    return send(sandbox, body, **options)


def send(sandbox: Sandbox, body: bytes | Iterable[bytes], content_type: str = MIXED, **options: Any) -> Answer:
    headers = {"Content-Type": content_type, **options.pop("headers", {})}
    return call(sandbox, "POST", "/import", body, headers=headers, **options)


def imported(sandbox: Sandbox, assets: Iterable[AssetRow], **properties: Any) -> str:
    """Import these assets; the run id."""
    answer = upload(sandbox, asset_archive(assets), properties)
    assert answer.status == 200, answer.body
    return str(answer.json()["runid"])


def unpublished(sandbox: Sandbox, runid: str, **options: Any) -> int:
    answer = call(sandbox, "GET", f"/getimportstatus?runid={quote(runid)}", **options)
    assert answer.status == 200, answer.body
    assert list(answer.json()) == ["unpublished-assets"]
    return int(answer.json()["unpublished-assets"])


def counts(sandbox: Sandbox) -> tuple[int, int, int, int]:
    """catalogAssets, publishedAssets, activeRequests, pendingEvents"""
    found = call(sandbox, "GET", "/getlibrarystatus").json()
    return (found["catalogAssets"], found["publishedAssets"], found["activeRequests"], found["pendingEvents"])


def held(sandbox: Sandbox, library: str = "LibraryDemo") -> Library:
    return sandbox.lm().libraries[library]


def refusal(answer: Answer) -> tuple[int, str]:
    """Status and text of a refusal, which is plain text."""
    assert answer.headers["content-type"].startswith("text/plain"), answer.headers
    return answer.status, answer.body.decode()


def assert_refused(answer: Answer, status: int, words: str) -> None:
    code, text = refusal(answer)
    assert code == status
    assert words in text


# Imports.


def test_examples_of_the_vendors_page(sandbox: Sandbox) -> None:
    answer = send(sandbox, REQUEST.encode(), "application/json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    pattern = r"import_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.\d{3}"
    assert re.sub(pattern, "RUN", json.dumps(answer.json())) == re.sub(pattern, "RUN", json.dumps(json.loads(ANSWER)))
    sandbox.clock(step=100)
    library = call(sandbox, "GET", "/getlibrarystatus")
    assert json.dumps(library.json()) == json.dumps(json.loads(LIBRARY_ANSWER))
    (run,) = held(sandbox).runs
    assert (run.source, run.by_url, run.user, run.assets) == (DEMO_URL, True, SUPPORT_USER, 12)
    assert run.parameters == json.loads(REQUEST)
    assert run.sha256 == hashlib.sha256((FIXTURES / DEMO).read_bytes()).hexdigest()


def test_fixtures_are_imported_without_errors(sandbox: Sandbox) -> None:
    made = fixtures()
    assert {path.name: path.read_bytes() for path in FIXTURES.iterdir()} == made
    answer = upload(sandbox, made[DEMO])
    assert answer.json()["parsingErrorsExist"] is False
    assert answer.json()["assetImportMessages"] == []
    assets = held(sandbox).assets
    assert len(assets) == 12
    assert (assets[0].name, assets[0].version, assets[0].id) == (
        "Customer API",
        "2.1.0",
        "urn:assetops:customer-api:2.1.0",
    )
    assert assets[0].attributes["business-domain"] == ["sales", "service"]


def test_upload(sandbox: Sandbox) -> None:
    content = asset_archive(numbered(2))
    runid = upload(sandbox, content, {"submissionNote": "nightly"}, user=IMPORTER).json()["runid"]
    (run,) = held(sandbox).runs
    assert (run.runid, run.source, run.by_url, run.user) == (runid, ARCHIVE, False, IMPORTER_USER)
    assert (run.size, run.sha256, run.assets) == (len(content), hashlib.sha256(content).hexdigest(), 2)
    assert run.parameters == {"importFile": {"name": ARCHIVE}, "submissionNote": "nightly"}
    assert [asset.run for asset in held(sandbox).assets] == [runid, runid]
    assert not list((sandbox.data_dir / "lm").iterdir())


def test_other_libraries(sandbox: Sandbox) -> None:
    content = asset_archive(numbered(1))
    for library, function in (("Service Catalog", "importutils"), ("Bücherei", "assetimport")):
        assert upload(sandbox, content, library=library, function=function).status == 200
        assert len(held(sandbox, library).assets) == 1
    assert held(sandbox).assets == []
    assert_refused(upload(sandbox, content, library="Bücherei"), 404, "Not Found")
    assert_refused(upload(sandbox, content, library="Attic"), 404, "Not Found")


def test_library_without_authentication(sandbox: Sandbox) -> None:
    content = asset_archive(numbered(1))
    runid = upload(sandbox, content, library="Open", user=None).json()["runid"]
    assert unpublished(sandbox, runid, library="Open", user=("no", "matter")) >= -1
    assert held(sandbox, "Open").runs[0].user is None
    upload(sandbox, content, {"user": SUPPORT_USER}, library="Open", user=None)
    assert held(sandbox, "Open").runs[1].user == SUPPORT_USER
    refused = upload(sandbox, content, {"user": VIEWER_USER}, library="Open", user=None)
    assert_refused(refused, 401, "ACE")
    assert "www-authenticate" not in refused.headers


def test_run_ids_are_unique(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    ids = [imported(sandbox, numbered(1)) for _repeat in range(3)]
    assert len(set(ids)) == 3
    assert [run.runid for run in held(sandbox).runs] == ids


@pytest.mark.parametrize("name", ["runid", "run-id", "runId"])
def test_field_of_the_run_id(sandbox: Sandbox, name: str) -> None:
    sandbox.configure("lm", run_id_field=name)
    answer = upload(sandbox, asset_archive(numbered(1))).json()
    assert set(answer) == {"parsingErrorsExist", name, "assetImportMessages"}


def test_import_from_a_url(sandbox: Sandbox, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(asset_archive(numbered(3)))
    sandbox.configure(
        "lm", urls=[{"url": "http://files/a.zip?key=1", "archive": str(archive)}, {"url": "http://gone/"}]
    )
    body = {"importFile": {"url": "http://files/a.zip?key=1"}}
    assert send(sandbox, json.dumps(body).encode(), "application/json; charset=utf-8").status == 200
    assert held(sandbox).runs[0].assets == 3
    assert archive.exists()
    for url in ("http://gone/", DEMO_URL):
        body = {"importFile": {"url": url}}
        assert_refused(send(sandbox, json.dumps(body).encode(), "application/json"), 400, "cannot be reached")


def test_faults(sandbox: Sandbox) -> None:
    sandbox.fault("drop", system="lm", operation="import", when="after_work")
    with pytest.raises(ConnectionError):
        upload(sandbox, asset_archive(numbered(1)))
    runid = held(sandbox).runs[0].runid
    sandbox.fault("patch", operation="status", when="after_work", set={"unpublished-assets": 7})
    assert unpublished(sandbox, runid) == 7
    assert [request.operation for request in sandbox.requests("lm")] == ["import", "status"]


# Who may.


def test_credentials(sandbox: Sandbox) -> None:
    for user in (None, (ADMIN_USER, "wrong"), ("nobody", ADMIN_PASSWORD)):
        for method, path in (
            ("POST", "/import"),
            ("GET", "/getimportstatus?runid=x"),
            ("GET", "/getlibrarystatus"),
            ("POST", "/clearassets"),
        ):
            answer = call(sandbox, method, path, user=user)
            assert_refused(answer, 401, "Authentication required")
            assert answer.headers["www-authenticate"].startswith("Basic realm=")
    for header in ("Basic", "Basic ???", "Basic YWRtaW4=", "Bearer YWRtaW4=", "Basic Ü"):
        answer = call(sandbox, "GET", "/getlibrarystatus", user=None, headers={"Authorization": header})
        assert answer.status == 401


def test_password_in_latin_1(sandbox: Sandbox) -> None:
    encoded = base64.b64encode(":".join(IMPORTER).encode("latin-1")).decode()
    answer = call(sandbox, "GET", "/getlibrarystatus", user=None, headers={"Authorization": f"Basic {encoded}"})
    assert answer.status == 200


def test_roles(sandbox: Sandbox) -> None:
    content = asset_archive(numbered(1))
    assert_refused(upload(sandbox, content, user=VIEWER), 401, "viewer does not have the ACE role")
    assert_refused(upload(sandbox, content, {"user": VIEWER_USER}), 401, "viewer does not have the ACE role")
    assert_refused(upload(sandbox, content, {"user": "nobody"}), 401, "nobody does not have the ACE role")
    assert held(sandbox).runs == []
    assert upload(sandbox, content, {"user": SUPPORT_USER}, user=VIEWER).status == 200
    assert_refused(call(sandbox, "POST", "/clearassets", user=IMPORTER), 401, "Usage Controller")
    assert call(sandbox, "GET", "/getlibrarystatus", user=VIEWER).status == 200
    assert len(held(sandbox).assets) == 1


# What is refused.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not valid JSON"),
        (b"\xff{}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "not a JSON object"),
        ({}, "'importFile' is missing"),
        (b'{"importFile": {"name": "a", "name": "b"}}', "given twice"),
        ({"importFile": ARCHIVE}, "'importFile' must be an object"),
        ({"importFile": {}}, "either 'url' or 'name'"),
        ({"importFile": {"name": ARCHIVE, "url": DEMO_URL}}, "either 'url' or 'name'"),
        ({"importFile": {"name": ""}}, "'importFile.name' must be a string"),
        ({"importFile": {"name": 1}}, "'importFile.name' must be a string"),
        ({"importFile": {"name": ARCHIVE, "size": 1}}, "'importFile.size'"),
        ({"importFile": {"url": DEMO_URL}}, "do not go together"),
        ({"importFile": {"name": "other.zip"}}, "no file part with the name 'other.zip'"),
        ({"importFile": {"name": ARCHIVE}, "import_user": "x"}, "Unknown property 'import_user'"),
        ({"importFile": {"name": ARCHIVE}, "replace": "true"}, "'replace' must be a boolean"),
        ({"importFile": {"name": ARCHIVE}, "replace": 1}, "'replace' must be a boolean"),
        ({"importFile": {"name": ARCHIVE}, "submit": None}, "'submit' must be a boolean"),
        ({"importFile": {"name": ARCHIVE}, "loadFactor": "10"}, "'loadFactor' must be an integer"),
        ({"importFile": {"name": ARCHIVE}, "loadFactor": True}, "'loadFactor' must be an integer"),
        ({"importFile": {"name": ARCHIVE}, "threadSleep": 2.0}, "'threadSleep' must be an integer"),
        ({"importFile": {"name": ARCHIVE}, "threadSleep": -1}, "'threadSleep' must not be negative"),
        ({"importFile": {"name": ARCHIVE}, "attributeDelimiter": ""}, "'attributeDelimiter' must not be empty"),
        ({"importFile": {"name": ARCHIVE}, "submissionNote": 5}, "'submissionNote' must be a string"),
    ],
)
def test_bad_json(sandbox: Sandbox, content: object, words: str) -> None:
    body = json_part(content) + file_part(asset_archive(numbered(1))) + END
    assert_refused(send(sandbox, body), 400, words)
    assert held(sandbox).runs == []
    assert not list((sandbox.data_dir / "lm").iterdir())


GOOD_JSON = json_part({"importFile": {"name": ARCHIVE}})
GOOD_FILE = file_part(asset_archive(numbered(1)))


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (GOOD_JSON + GOOD_FILE + END, "multipart/mixed", "with a boundary"),
        (GOOD_JSON + GOOD_FILE + END, f"multipart/mixed; boundary={'b' * 71}", "with a boundary"),
        (GOOD_JSON + GOOD_FILE + END, f"multipart/form-data; boundary={BOUNDARY}", "Content-Type must be"),
        (GOOD_JSON + GOOD_FILE, MIXED, "malformed multipart body"),
        (b"", MIXED, "malformed multipart body"),
        (GOOD_JSON + END, MIXED, "there is no file part"),
        (GOOD_FILE + END, MIXED, "there is no part of type application/json"),
        (GOOD_FILE + GOOD_JSON + END, MIXED, "must come before"),
        (GOOD_JSON + GOOD_FILE + GOOD_FILE + END, MIXED, "more than one file part"),
        (GOOD_JSON + GOOD_JSON + GOOD_FILE + END, MIXED, "more than one part of type application/json"),
        (json_part(b" " * (1024 * 1024 + 1)) + GOOD_FILE + END, MIXED, "the JSON part is too large"),
        (b" " * (1024 * 1024 + 1), "application/json", "The JSON is too large"),
        (b'{"importFile": {"name": "a"}}', "application/json", "needs a multipart/mixed request"),
    ],
)
def test_bad_bodies(sandbox: Sandbox, body: bytes, content_type: str, words: str) -> None:
    assert_refused(send(sandbox, body, content_type), 400, words)
    assert held(sandbox).runs == []
    assert not list((sandbox.data_dir / "lm").iterdir())


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/import?replace=true", b"{}", "Unknown parameter 'replace'"),
        ("GET", "/getimportstatus", None, "'runid' is missing"),
        ("GET", "/getimportstatus?run-id=x", None, "Unknown parameter 'run-id'"),
        ("GET", "/getimportstatus?runid=x&runid=y", None, "given twice"),
        ("GET", "/getlibrarystatus?runid=x", None, "Unknown parameter"),
        ("POST", "/clearassets?clearevents=True", None, "'clearevents' must be"),
        ("POST", "/clearassets?clear_events=true", None, "Unknown parameter"),
        ("POST", "/clearassets", b"{}", "No request body"),
    ],
)
def test_bad_parameters(sandbox: Sandbox, method: str, path: str, body: bytes | None, words: str) -> None:
    assert_refused(call(sandbox, method, path, body), 400, words)


def test_wrong_methods_and_paths(sandbox: Sandbox) -> None:
    assert call(sandbox, "GET", "/import").status == 405
    assert call(sandbox, "POST", "/getimportstatus?runid=x").status == 405
    assert call(sandbox, "GET", "/clearassets").status == 405
    assert call(sandbox, "GET", "/getlibrarystatus/").status == 404
    assert [request.operation for request in sandbox.requests("lm")] == ["import", "status", "clear", None]


def test_settings_that_mean_nothing(sandbox: Sandbox) -> None:
    for setting in (
        {"run_id_field": "id"},
        {"unknown_run": 404},
        {"bad_archive_status": 200},
        {"part_named_by": "x"},
        {"libraries": [{"name": "x", "authentication": "DIGEST"}]},
    ):
        with pytest.raises(ControlError, match="must be one of"):
            sandbox.configure("lm", **setting)


# Parts.


@pytest.mark.parametrize(
    ("place", "headers"),
    [
        ("name", f'Content-Disposition: form-data; name="{ARCHIVE}"'),
        ("filename", f'Content-Disposition: attachment; filename="{ARCHIVE}"'),
        ("content_id", f"Content-ID: <{ARCHIVE}>"),
    ],
)
def test_where_the_part_has_its_name(sandbox: Sandbox, place: str, headers: str) -> None:
    body = GOOD_JSON + part(headers, asset_archive(numbered(1))) + END
    assert send(sandbox, body).status == 200
    sandbox.configure("lm", part_named_by=place)
    assert send(sandbox, body).status == 200
    sandbox.configure("lm", part_named_by="name" if place == "filename" else "filename")
    assert_refused(send(sandbox, body), 400, "no file part with the name")


def test_file_part_first(sandbox: Sandbox) -> None:
    sandbox.configure("lm", json_part_first=False)
    assert send(sandbox, GOOD_FILE + GOOD_JSON + END).status == 200


def test_transfer_encodings(sandbox: Sandbox) -> None:
    content = asset_archive(numbered(1))
    name = f'Content-Disposition: attachment; name="{ARCHIVE}"'
    binary = GOOD_JSON + part(f"{name}\r\nContent-Transfer-Encoding: binary", content) + END
    encoded = GOOD_JSON + part(f"{name}\r\nContent-Transfer-Encoding: base64", base64.b64encode(content)) + END
    assert send(sandbox, binary).status == 200
    assert_refused(send(sandbox, encoded), 400, "Content-Transfer-Encoding base64 is not supported")
    sandbox.configure("lm", refuse_encodings=False)
    assert_refused(send(sandbox, encoded), 400, "cannot be read as a zip")


def test_memory_does_not_grow_with_the_file(sandbox: Sandbox) -> None:
    sandbox.configure("lm", accepts_anything=True)
    block, count = b"\r\n--" * 256 * 1024, 24
    head, tail = (GOOD_JSON + file_part(b"FILE") + END).split(b"FILE")
    assert upload(sandbox, block * 2).status == 200
    before = peak_memory(sandbox)
    length = {"Content-Length": str(len(head) + len(block) * count + len(tail))}
    answer = send(sandbox, (head, *[block] * count, tail), headers=length)
    assert answer.status == 200
    assert peak_memory(sandbox) - before < 8 * 1024**2
    run = held(sandbox).runs[1]
    assert (run.size, run.sha256) == (len(block) * count, hashlib.sha256(block * count).hexdigest())
    assert [asset.name for asset in held(sandbox).assets] == [ARCHIVE]
    assert not list((sandbox.data_dir / "lm").iterdir())


# Archives.


def test_rows_that_do_not_parse(sandbox: Sandbox) -> None:
    table = "name|version|id|description|owner\nA|1|a|first|x^y\nB|1\n|1|c|no name|z\r\nD||d|no version|z\n\nE|1|||\n"
    answer = upload(sandbox, packed({"assets.csv": "\ufeff" + table}))
    assert answer.status == 200
    assert answer.json()["parsingErrorsExist"] is True
    first, second, third = answer.json()["assetImportMessages"]
    assert first == {
        "valid": False,
        "assetName": "B",
        "assetVersion": "1",
        "assetId": None,
        "assetDescription": None,
        "resultMessage": "assets.csv, line 3: 2 columns where 5 are expected",
    }
    assert (second["assetId"], second["resultMessage"]) == ("c", "assets.csv, line 4: name is empty")
    assert (third["assetName"], third["resultMessage"]) == ("D", "assets.csv, line 5: version is empty")
    assert [(asset.name, asset.attributes) for asset in held(sandbox).assets] == [
        ("A", {"owner": ["x", "y"]}),
        ("E", {}),
    ]
    (run,) = held(sandbox).runs
    assert (run.assets, run.messages) == (2, [first, second, third])


def test_other_delimiters(sandbox: Sandbox) -> None:
    content = asset_archive([AssetRow("A|B", "1", attributes={"owner": ["x", "y^z"]})], ";", ",")
    answer = upload(sandbox, content, {"attributeDelimiter": ";", "attributeValueDelimiter": ","})
    assert answer.json()["parsingErrorsExist"] is False
    (asset,) = held(sandbox).assets
    assert (asset.name, asset.attributes) == ("A|B", {"owner": ["x", "y^z"]})
    assert_refused(upload(sandbox, content), 400, "does not name the columns")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read as a zip"),
        (b"name|version|id|description\nA|1|a|\n", "cannot be read as a zip"),
        (asset_archive(numbered(3))[:-30], "cannot be read as a zip"),
        (asset_archive(numbered(3)).replace(b"Service 2", b"Service X"), "cannot be read as a zip"),
        (packed({"readme.md": "nothing"}), "no delimited file"),
        (packed({"assets.txt": ""}), "does not name the columns name, version, id, description"),
    ],
)
def test_bad_archives(sandbox: Sandbox, content: bytes, words: str) -> None:
    assert_refused(upload(sandbox, content), 400, words)
    sandbox.configure("lm", bad_archive_status=500)
    assert_refused(upload(sandbox, content), 500, words)
    assert held(sandbox).runs == []
    assert not list((sandbox.data_dir / "lm").iterdir())
    sandbox.configure("lm", accepts_anything=True)
    assert upload(sandbox, content).json()["parsingErrorsExist"] is False
    assert held(sandbox).runs[0].assets == 1


def test_archive_that_says_it_is_huge(sandbox: Sandbox) -> None:
    content = packed({"assets.txt": "x" * 8})
    packed_size, claimed_size = (8).to_bytes(4, "little"), (MOST_UNPACKED + 1).to_bytes(4, "little")
    claiming = content.replace(packed_size + packed_size, packed_size + claimed_size)
    assert_refused(upload(sandbox, claiming), 400, "are larger than")


# Assets that exist.


def test_replacing(sandbox: Sandbox) -> None:
    first = imported(sandbox, [AssetRow("A", "1", "a"), AssetRow("B", "1", "b")])
    second = imported(sandbox, [AssetRow("A", "1", "", "new"), AssetRow("B", "2", "b")], replace=True)
    assets = [(asset.name, asset.version, asset.id, asset.description) for asset in held(sandbox).assets]
    assert assets == [("A", "1", "a", "new"), ("B", "2", "b", "")]
    assert [run.assets for run in held(sandbox).runs] == [2, 2]
    sandbox.clock(speed=0, step=0.6)
    assert (unpublished(sandbox, first), unpublished(sandbox, second) >= 0) == (0, True)


def test_ids_that_are_ignored(sandbox: Sandbox) -> None:
    imported(sandbox, [AssetRow("A", "1", "a")])
    imported(sandbox, [AssetRow("A", "2", "a")], ignoreAssetId=True)
    assert [(asset.version, asset.id) for asset in held(sandbox).assets] == [("1", "a"), ("2", "asset-1")]


def test_not_replacing(sandbox: Sandbox) -> None:
    imported(sandbox, [AssetRow("A", "1", "a", "old")])
    answer = upload(
        sandbox, asset_archive([AssetRow("A", "1", "", "new"), AssetRow("B", "1")]), {"replace": False}
    ).json()
    assert answer["parsingErrorsExist"] is True
    assert [message["resultMessage"] for message in answer["assetImportMessages"]] == [
        "The asset exists, and replace is false"
    ]
    assert [(asset.name, asset.description) for asset in held(sandbox).assets] == [("A", "old"), ("B", "")]
    sandbox.configure("lm", replaces_by_default=False)
    assert upload(sandbox, asset_archive([AssetRow("A", "1")])).json()["parsingErrorsExist"] is True


def test_validate_only(sandbox: Sandbox) -> None:
    imported(sandbox, numbered(1), validate=True)
    sandbox.configure("lm", validate_only=True)
    runid = imported(sandbox, numbered(2), validate=True)
    sandbox.clock(step=1)
    assert (unpublished(sandbox, runid), len(held(sandbox).assets)) == (0, 1)


# The count, in sandbox time.


def test_count_of_unpublished_assets(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure("lm", seconds_unknown=5, seconds_per_asset=1)
    runid = imported(sandbox, numbered(3))
    seen = []
    for _step in range(9):
        seen.append((unpublished(sandbox, runid), counts(sandbox)))
        sandbox.clock(step=1)
    assert [count for count, _counts in seen] == [-1, -1, -1, -1, -1, 3, 2, 1, 0]
    assert seen[0][1] == (3, 0, 3, 3)
    assert seen[6][1] == (3, 1, 2, 2)
    assert seen[8][1] == (3, 3, 0, 0)


def test_assets_that_wait_for_approval(sandbox: Sandbox) -> None:
    sandbox.configure("lm", governed=2)
    runid = imported(sandbox, numbered(3))
    other = imported(sandbox, [AssetRow("X", "1")], bypassGovernance=True)
    sandbox.clock(step=1000)
    assert (unpublished(sandbox, runid), unpublished(sandbox, other)) == (2, 0)
    assert counts(sandbox) == (4, 2, 2, 0)
    assert [asset.governed for asset in held(sandbox).assets] == [False, True, True, False]
    sandbox.configure("lm", approve=True)
    assert (unpublished(sandbox, runid), counts(sandbox)) == (0, (4, 4, 0, 0))


def test_assets_that_are_not_submitted(sandbox: Sandbox) -> None:
    runid = imported(sandbox, numbered(3), submit=False)
    sandbox.configure("lm", approve=True, submits_by_default=False)
    other = imported(sandbox, [AssetRow("X", "1")])
    sandbox.clock(step=1000)
    assert (unpublished(sandbox, runid), unpublished(sandbox, other), counts(sandbox)) == (3, 1, (4, 0, 0, 0))


def test_unknown_runs(sandbox: Sandbox) -> None:
    runid = imported(sandbox, numbered(1))
    elsewhere = call(sandbox, "GET", f"/getimportstatus?runid={runid}", library="Open")
    assert_refused(elsewhere, 500, f"no import run '{runid}'")
    for count in (-1, 0):
        sandbox.configure("lm", unknown_run=count)
        assert unpublished(sandbox, "import_2016-01-22_15-35-07.484") == count


# Clearing.


def test_clearing(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    runid = imported(sandbox, numbered(3))
    answer = call(sandbox, "POST", "/clearassets")
    assert (answer.status, answer.body) == (200, b"")
    assert counts(sandbox) == (0, 0, 0, 3)
    sandbox.clock(step=0.65)
    assert (unpublished(sandbox, runid), counts(sandbox)) == (0, (0, 0, 0, 2))
    assert call(sandbox, "POST", "/clearassets?clearevents=true").status == 200
    assert counts(sandbox) == (0, 0, 0, 0)
    assert held(sandbox).clearings == [Clearing(ADMIN_USER, False, 3), Clearing(ADMIN_USER, True, 0)]
    assert call(sandbox, "POST", "/clearassets?clearevents=false", user=None, library="Open").status == 200
    assert held(sandbox, "Open").clearings == [Clearing(None, False, 0)]
    imported(sandbox, numbered(3))
    assert len(held(sandbox).assets) == 3


def test_clearing_that_is_not_done_at_once_or_not_wholly(sandbox: Sandbox) -> None:
    sandbox.clock(speed=0)
    sandbox.configure("lm", clear_seconds=10, clear_leaves=1)
    imported(sandbox, numbered(3))
    call(sandbox, "POST", "/clearassets")
    sandbox.clock(step=9)
    assert counts(sandbox)[0] == 3
    sandbox.clock(step=1)
    assert [asset.name for asset in held(sandbox).assets] == ["Service 1"]


def test_reset_empties_all(sandbox: Sandbox) -> None:
    imported(sandbox, numbered(1))
    sandbox.reset()
    assert held(sandbox) == Library(
        counts={"catalogAssets": 0, "publishedAssets": 0, "activeRequests": 0, "pendingEvents": 0},
        assets=[],
        runs=[],
        clearings=[],
    )
