# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of Haplo: what makes two of them the same."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Wanted
from ansible_collections.assetops.imports.plugins.module_utils._files.content import Content
from ansible_collections.assetops.imports.plugins.module_utils._systems.haplo.batch import Batch, DataFile, wanted_batch

from .scripted import DIGEST, SERVER


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
    [{"comment": "another"}, {"control_comment": "another"}, {"files": {"staff": "22" * 32, "people": "11" * 32}}],
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
