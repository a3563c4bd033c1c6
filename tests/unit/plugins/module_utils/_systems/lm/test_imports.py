# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle Manager: how an import is spelled, and what makes two the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.imports import (
    DECIDING,
    TUNING,
    ImportOptions,
)
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.link import link_to

from .setting import DIGEST, URL, Setting, archive_at, submit, taken, wanted

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
