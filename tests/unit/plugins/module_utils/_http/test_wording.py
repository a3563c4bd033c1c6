# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer says, in words."""

from __future__ import annotations

import pytest

from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe, is_generic

from .talks import the_answer


@pytest.mark.parametrize(
    ("text", "content_type", "expected"),
    [
        ("", "text/plain", "POST http://host/import: HTTP 500 Oops."),
        ("It is broken.", "text/plain", "POST http://host/import: HTTP 500 Oops: It is broken."),
        ("It\n  is \t broken", "text/plain", "POST http://host/import: HTTP 500 Oops: It is broken."),
        ('{"success": false, "msg": "No such server"}', "application/json", "HTTP 500 Oops: No such server."),
        ('{"success": false, "msg": "No", "code": 17}', "application/json", "HTTP 500 Oops: No (code 17)."),
        ('{"message": "Not allowed"}', "application/json", "HTTP 500 Oops: Not allowed."),
        ('{"error": "Not Found", "status": 404}', "application/json", "HTTP 500 Oops: Not Found."),
        ('{"msg": null, "data": 1}', "application/json", 'HTTP 500 Oops: {"msg": null, "data": 1}.'),
        ('{"msg": {"deep": 1}}', "application/json", 'HTTP 500 Oops: {"msg": {"deep": 1}}.'),
        ("[1, 2]", "application/json", "HTTP 500 Oops: [1, 2]."),
        ('{"msg": ', "application/json", 'HTTP 500 Oops: {"msg":.'),
        ("<title>\n Bad Gateway</title><p>x", "text/html", "HTTP 500 Oops: a page titled 'Bad Gateway'."),
        ("<html><p>Try <b>later</b>", "text/html", "HTTP 500 Oops: Try later."),
        ("  <!DOCTYPE html><title>Sign in</title>", "text/plain", "HTTP 500 Oops: a page titled 'Sign in'."),
        ('{"msg": "No <b>such</b> server"}', "text/html", "HTTP 500 Oops: No <b>such</b> server."),
        ("[1, 2]", "text/html; charset=utf-8", "HTTP 500 Oops: [1, 2]."),
        ("It is broken", "TEXT/HTML", "HTTP 500 Oops: It is broken."),
    ],
)
def test_an_answer_is_reported_in_the_vendors_words(text: str, content_type: str, expected: str) -> None:
    assert describe(the_answer(text, content_type)).endswith(expected)


def test_a_long_answer_is_reported_in_short() -> None:
    assert len(describe(the_answer("word " * 10_000))) < 700
    assert describe(the_answer("word " * 10_000)).endswith("….")


def test_an_answer_without_a_reason_is_reported_without() -> None:
    assert describe(the_answer("", reason="", status=418)) == "POST http://host/import: HTTP 418."


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "Oops", "OOPS!", "Internal Server Error", "500 Internal Server Error", "HTTP 500"),
        *("HTTP/1.1 500 Oops", "Error 500: Internal Server Error.", "HTTP Status 500 - Internal Server Error", "500"),
        *("error", "<html><head><title>500 Internal Server Error</title></head><h1>Internal Server Error</h1></html>"),
        "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        *("upstream request timeout", "no healthy upstream", "stream timeout", "<h1>502 Bad Gateway</h1>"),
        *("Bad Gateway", "504 Gateway Time-out", "Service Unavailable", "503 Service Temporarily Unavailable"),
        *("The service is unavailable.", "default backend - 404", "no available server"),
        "Proxy Error: the proxy server received an invalid response from an upstream server.",
    ],
)
def test_words_that_say_no_more_than_the_status_are_generic(text: str) -> None:
    assert is_generic(the_answer(text))


@pytest.mark.parametrize(
    "text",
    [
        *("It is broken", "The library is unknown", "Error 500: the library LibraryDemo does not exist"),
        *("Internal Server Error: no such library", "An import is running already", "Error in row 500"),
        *('{"msg": "No such library"}', "Gateway LibraryDemo is unknown", "12"),
        "The upstream connect error is in row 7",
    ],
)
def test_words_of_the_servers_own_are_not_generic(text: str) -> None:
    assert not is_generic(the_answer(text))
