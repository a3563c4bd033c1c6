# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer is."""

from __future__ import annotations

import json

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._http.answers import json_object

from ..peers import Peer
from .talks import LOGIN, Talk, answering, the_answer


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '"x"', "{", "{}{}", "[" * 100_000, "<html>", '{"a": 1' + "0" * 5000]
)
def test_what_is_no_json_object_is_told_apart(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_object(the_answer(text, "application/json"))


@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=utf-16", "text/xml", "", "application/json"])
def test_a_json_object_is_one_whatever_it_is_called(content_type: str) -> None:
    assert json_object(the_answer(' {"a": 1}\n', content_type)) == {"a": 1}


def test_json_called_a_page_with_a_password_in_it_is_no_page_to_log_in() -> None:
    script = answering("200 OK", json.dumps({"taskId": 1, "msg": LOGIN.decode()}).encode(), content_type="text/html")
    with Peer(script) as peer:
        assert Talk(peer.url).submit().status == 200


def test_json_that_cannot_be_written_again_is_mended_or_refused() -> None:
    assert json_object(the_answer('{"a": "\\ud83d x"}'))["a"].encode("utf-8").endswith(b" x")
    assert json_object(the_answer('{"a": "\\ud83d\\udc0e"}')) == {"a": "\U0001f40e"}


@pytest.mark.parametrize("depth", [500, 900, 990, 5_000, 20_000, 100_000])
def test_json_of_any_depth_can_be_written_down_or_is_refused(depth: int) -> None:
    text = '{"a":' * depth + "1" + "}" * depth
    try:
        value = json_object(the_answer(text))
    except ValueError:
        return
    assert len(json.dumps({"server": value})) > depth
