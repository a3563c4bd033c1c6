# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked and sent, what an answer means, and that no secret gets out."""

from __future__ import annotations

import base64
import email.utils
import html
import json
import socket
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Callable
from urllib.parse import quote, quote_plus, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    Connection,
    ImportsError,
    NotSent,
    Outage,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._http import client as _client
from ansible_collections.assetops.imports.plugins.module_utils._http.client import (
    Client,
    UnsafeInCheckMode,
    base_url,
    describe,
    is_generic,
    json_object,
    normalised_url,
    request_line,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body

from ..peers import Conversation, Peer, Script, well

SECRET = 'k"1/+ %=&\\z'
LARGE = [b"x" * 256 * 1024] * 40 + [b"end"]
"""More than any socket takes without somebody reading."""


class Submission:
    """A body, and how often its last block was about to leave."""

    def __init__(self, blocks: list[bytes] | None = None) -> None:
        self.commits = 0
        self.body = Body([*(blocks or [b"head", b"tail"])], "text/plain", self.commit)

    def commit(self, _sha256: str) -> None:
        self.commits += 1


class Talk:
    """A client of a peer, and how it paused."""

    def __init__(
        self, url: str, *, check_mode: bool = False, secret: str | None = None, timeout: float = 5, **connection: Any
    ) -> None:
        self.pauses: list[float] = []
        secrets = Secrets()
        if secret is not None:
            secrets.add(secret, username="user")
        options = {"timeout": timeout, "response_timeout": timeout, "use_proxy": False, **connection}
        headers = {"X-Auth-token": "token"}
        pause = self.pauses.append
        self.client = Client(Connection(url, **options), headers, secrets, check_mode=check_mode, pause=pause)

    def ask(self, path: str = "/status", **what: Any) -> Answer:
        return self.client.ask("POST", path, **what)

    def submit(self, submission: Submission | None = None, path: str = "/import", **what: Any) -> Answer:
        return self.client.submit("POST", path, (submission or Submission()).body, **what)


def answering(status: str, body: bytes = b"{}", **headers: str) -> Script:
    """Answer each request so, when it was read."""

    def script(conversation: Conversation) -> None:
        while True:
            conversation.request()
            conversation.answer(status, body, **headers)

    return script


def answering_early(status: str, body: bytes = b"{}", **headers: str) -> Script:
    """Answer so before the body was read, and close."""

    def script(conversation: Conversation) -> None:
        conversation.head()
        conversation.answer(status, body, **headers)

    return script


def resetting(conversation: Conversation) -> None:
    """Break the connection in the middle of the body."""
    conversation.head()
    conversation.read(64 * 1024)
    conversation.reset()


def silent(conversation: Conversation) -> None:
    """Read a whole request and close without an answer."""
    conversation.request()


def nobody() -> str:
    """A URL where nobody listens."""
    with Peer() as gone:
        return gone.url


# Secrets


def all_forms(secret: str) -> dict[str, str]:
    """How a secret may come back in a text."""
    return {
        "raw": secret,
        "percent-encoded": quote(secret, safe=""),
        "percent-encoded in lower case": quote(secret, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
        "percent-encoded but for slashes": quote(secret),
        "as in a form": quote_plus(secret),
        "as JSON": json.dumps(secret)[1:-1],
        "as JSON with escaped slashes": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "as JSON made safe for HTML": json.dumps(secret)[1:-1].replace("&", "\\u0026").replace("=", "\\u003d"),
        "as JSON in JSON": json.dumps(json.dumps(secret))[3:-3],
        "as HTML": html.escape(secret),
    }


@pytest.mark.parametrize("form", all_forms(SECRET))
def test_a_secret_is_taken_out_of_a_text_in_each_of_its_forms(form: str) -> None:
    secrets = Secrets()
    secrets.add(SECRET)
    assert secrets.redact(f"before {all_forms(SECRET)[form]} after") == "before ******** after"


def test_basic_credentials_are_a_secret_too() -> None:
    secrets = Secrets()
    secrets.add("password", username="user")
    basic = base64.b64encode(b"user:password").decode()
    assert secrets.redact(f"Authorization: Basic {basic} of user") == "Authorization: Basic ******** of user"


def test_a_secret_in_base64_is_taken_out_but_for_its_last_group_which_the_text_after_it_blurs() -> None:
    secrets = Secrets()
    secrets.add(SECRET)
    for after in ("", ":", "::"):
        kept = secrets.redact(base64.b64encode(f"{SECRET}{after}".encode()).decode())
        assert kept.startswith("********")
        assert len(kept) <= len("********") + 8


def test_a_secret_that_holds_another_is_taken_out_whole() -> None:
    secrets = Secrets()
    secrets.add("token")
    secrets.add("token-of-admin")
    assert secrets.redact("token-of-admin, token") == "********, ********"


def test_a_text_without_a_secret_stays_as_it_is() -> None:
    assert Secrets().redact("no secret is known") == "no secret is known"
    secrets = Secrets()
    secrets.add("a.c+")
    assert secrets.redact("abc abcc") == "abc abcc"


@pytest.mark.parametrize("noise", ["\\", "%", "&", "+", SECRET[:-1], "k", "\\u006b", " "])
def test_taking_secrets_out_of_the_largest_answer_takes_no_time(noise: str) -> None:
    secrets = Secrets()
    secrets.add(SECRET, username="user")
    begin = time.process_time()
    secrets.redact(noise * (1024 * 1024 // len(noise)))
    assert time.process_time() - begin < 5


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=12),
    around=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=5),
)
def test_no_form_of_any_secret_is_left(secret: str, around: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    for form in (secret, quote(secret, safe=""), quote(secret, safe="").lower(), json.dumps(secret)[1:-1]):
        assert form not in secrets.redact(f"{around}{form}{around}")


# The base URL


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://licstat.example.com", "https://licstat.example.com"),
        ("https://licstat.example.com/", "https://licstat.example.com"),
        ("HTTPS://LicStat.Example.COM/", "https://licstat.example.com"),
        ("https://licstat.example.com:443/", "https://licstat.example.com"),
        ("http://licstat.example.com:80", "http://licstat.example.com"),
        ("http://licstat.example.com:443", "http://licstat.example.com:443"),
        ("https://licstat.example.com:8443", "https://licstat.example.com:8443"),
        ("https://example.com/Tools/LicStat/", "https://example.com/Tools/LicStat"),
        ("https://example.com/a%20b//", "https://example.com/a%20b"),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http://[::1]", "http://[::1]"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]"),
        ("http://[2001:0DB8:0000::0001]", "http://[2001:db8::1]"),
        ("http://[::ffff:7f00:1]", "http://[::ffff:127.0.0.1]"),
        ("http://[fe80::1%25eth0]", "http://[fe80::1%25eth0]"),
        ("https://b\xfccher.example.com", "https://xn--bcher-kva.example.com"),
        ("https://BU\u0308CHER.example.com", "https://xn--bcher-kva.example.com"),
        ("https://XN--BCHER-KVA.example.com", "https://xn--bcher-kva.example.com"),
        ("https://b%C3%BCcher.example.com", "https://xn--bcher-kva.example.com"),
        ("https://b\xfccher\u3002example\uff0ecom", "https://xn--bcher-kva.example.com"),
        ("https://fa\xdf.example.com", "https://xn--fa-hia.example.com"),
        ("https://licstat.example.com./", "https://licstat.example.com"),
        ("https://%6cicst%61t.example.com", "https://licstat.example.com"),
        ("https://lic_stat.example.com", "https://lic_stat.example.com"),
        ("https://example.com//tools///licstat", "https://example.com/tools/licstat"),
        ("https://example.com/./a/b/../licstat/.", "https://example.com/a/licstat"),
        ("https://example.com/%2e%2E/a/%2e/b", "https://example.com/a/b"),
        ("https://example.com/a//../b", "https://example.com/a/b"),
        ("https://example.com/..", "https://example.com"),
        ("https://example.com/%6cic%73tat/%7Euser", "https://example.com/licstat/~user"),
        ("https://example.com/a%2fb", "https://example.com/a%2Fb"),
        ("https://example.com/a+b", "https://example.com/a+b"),
        ("https://example.com/a%2bb", "https://example.com/a%2Bb"),
        ("https://example.com/lizenz\xfcbersicht", "https://example.com/lizenz%C3%BCbersicht"),
        ("https://example.com/lizenz%c3%bcbersicht", "https://example.com/lizenz%C3%BCbersicht"),
        ('https://example.com/{a}"b"', "https://example.com/%7Ba%7D%22b%22"),
        ("https://example.com:0443/", "https://example.com"),
        ("https://example.com:08443/", "https://example.com:8443"),
        ("https://example.com:/", "https://example.com"),
        ("https://example.com?", "https://example.com"),
    ],
)
def test_a_base_url_has_one_spelling(url: str, expected: str) -> None:
    assert base_url(url) == expected
    assert base_url(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "licstat.example.com",
        "licstat.example.com:8080",
        "//licstat.example.com",
        "ftp://licstat.example.com",
        "file:///etc/passwd",
        "https://",
        "https://:8443",
        "https:/licstat.example.com",
        "https://licstat.example.com:port",
        "https://licstat.example.com:99999",
        "https://licstat.example.com:-1",
        "http://[::1",
        "https://licstat.example.com/?a=b",
        "https://licstat.example.com/#top",
        "https://licstat.example.com\n",
        "https://licstat.example.com/a b",
        " https://licstat.example.com",
        "https://licstat.example.com/\x00",
        "https://licstat.example.com\\@elsewhere.example.com",
        "https://lic\tstat.example.com",
        "https://@licstat.example.com",
        "https://:@licstat.example.com",
        "https://licstat.example.com:0",
        "https://licstat.example.com:00",
        "https://licstat.example.com:65536",
        "https://licstat.example.com:" + "9" * 5000,
        "https://licstat.example.com:+80",
        "https://licstat.example.com:8_0",
        "https://licstat.example.com:\u0668\u0660",
        "https://licstat.example.com/100%",
        "https://licstat.example.com/%zz",
        "https://licstat.example.com/a%2",
        "https://lic%stat.example.com",
        "https://lic%2fstat.example.com",
        "https://lic%40stat.example.com",
        "https://lic%3Astat.example.com",
        "https://lic%ffstat.example.com",
        "https://lic%20stat.example.com",
        "https://licstat..example.com",
        "https://.example.com",
        "https://.",
        "https://licstat.example.com..",
        "https://\xfc_\xfc.example.com",
        "https://\u2488.example.com",
        "https://\xfc" + "a" * 70 + ".example.com",
        "https://licstat.example.com/\udcff",
        "http://[::1]x",
        "http://[12345::]",
        "http://[127.0.0.1]",
        "http://::1",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as raised:
        base_url(url)
    assert raised.value.message.startswith("url ")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@licstat.example.com",
        "https://hunter2@licstat.example.com",
        "https://:hunter2@licstat.example.com",
        "https://user:hunter2@licstat.example.com:99999",
        "https://user:hunter2@[::1",
        "https:/user:hunter2@licstat.example.com",
        "user:hunter2@licstat.example.com",
        "ftp://user:hunter2@licstat.example.com",
        "https://licstat.example.com/?token=hunter2",
        "https://licstat.example.com/#hunter2",
    ],
)
def test_a_url_with_credentials_is_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(BadInput) as raised:
        base_url(url)
    assert "hunter2" not in str(raised.value)


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True).filter(lambda name: name[2:4] != "--")
SEGMENTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="/?#%\\:@!$&'()*+,;="),
    min_size=1,
    max_size=6,
)
"""Without what means something else where it is not percent-encoded."""


@given(
    hosts=st.lists(NAMES, min_size=1, max_size=3),
    port=st.sampled_from(["", "8080", "443", "80"]),
    segments=st.lists(SEGMENTS.filter(lambda one: one not in (".", "..")), max_size=4),
    data=st.data(),
)
def test_all_spellings_of_a_url_are_one_and_no_others(
    hosts: list[str], port: str, segments: list[str], data: st.DataObject
) -> None:
    def spelled(text: str) -> str:
        """Any character in capitals as one likes, or percent-encoded."""
        ways: list[Callable[[str], str]] = [
            str,
            lambda one: quote(one, safe=""),
            lambda one: "".join(f"%{byte:02x}" for byte in one.encode()),
        ]
        return "".join(data.draw(st.sampled_from(ways))(one) for one in text)

    host = ".".join(hosts)
    plain = f"https://{host}{port and f':{port}'}/{'/'.join(segments)}"
    ways = st.sampled_from(["/", "//", "/./", "/elsewhere/../", "/%2E/"])
    path = "".join(f"{data.draw(ways)}{quote(spelled(one), safe='%')}" for one in segments)
    variant = f"HTTPS://{spelled(host).upper()}.:{port and f'00{port}'}{path}/"

    assert base_url(plain) == base_url(variant)
    assert base_url(base_url(plain)) == base_url(plain)
    decoded = [unquote(one) for one in urlsplit(base_url(plain)).path.split("/")[1:]]
    assert decoded == segments  # so that no two paths have become one
    assert urlsplit(base_url(plain)).hostname == host


@given(st.text(st.sampled_from("/.%2eEfFaä?#:@[]x \\"), max_size=20))
@example("http://x/%252e%252e/a")
def test_what_has_one_spelling_keeps_it(text: str) -> None:
    for spelling in (base_url, lambda url: normalised_url("url", url)):
        try:
            once = spelling(f"http://x{text}")
        except BadInput:
            continue
        assert spelling(once) == once


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:hunter2@ACME.com:80/a//b/?token=hunter2#x", "http://acme.com/a//b/"),
        ("ftp://acme.com:21/%7ea.zip", "ftp://acme.com/~a.zip"),
        ("file:///data/a%2fb.zip", "file:///data/a%2Fb.zip"),
        ("http://acme.com", "http://acme.com/"),
        ("http://acme.com/a/../b/.", "http://acme.com/b/"),
    ],
)
def test_any_url_has_one_spelling_that_keeps_empty_segments_and_no_secrets(url: str, expected: str) -> None:
    assert normalised_url("import_url", url) == expected


def test_what_has_no_spelling_is_refused_by_the_name_of_its_option() -> None:
    with pytest.raises(BadInput, match=r"import_url .*'%zz'"):
        normalised_url("import_url", "http://acme.com/%zz")


# The words of an answer


def the_answer(text: str, content_type: str = "text/plain", status: int = 500, reason: str = "Oops") -> Answer:
    return Answer("POST", "http://host/import", status, reason, {"content-type": content_type}, text)


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
def test_an_answer_is_told_in_the_vendors_words(text: str, content_type: str, expected: str) -> None:
    assert describe(the_answer(text, content_type)).endswith(expected)


def test_a_long_answer_is_told_in_short() -> None:
    assert len(describe(the_answer("word " * 10_000))) < 700
    assert describe(the_answer("word " * 10_000)).endswith("….")


def test_an_answer_without_a_reason_is_told_without() -> None:
    assert describe(the_answer("", reason="", status=418)) == "POST http://host/import: HTTP 418."


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


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "Oops",
        "OOPS!",
        "Internal Server Error",
        "500 Internal Server Error",
        "HTTP 500",
        "HTTP/1.1 500 Oops",
        "Error 500: Internal Server Error.",
        "HTTP Status 500 - Internal Server Error",
        "500",
        "error",
        "<html><head><title>500 Internal Server Error</title></head><h1>Internal Server Error</h1></html>",
        "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        "upstream request timeout",
        "no healthy upstream",
        "stream timeout",
        "<h1>502 Bad Gateway</h1>",
        "Bad Gateway",
        "504 Gateway Time-out",
        "Service Unavailable",
        "503 Service Temporarily Unavailable",
        "The service is unavailable.",
        "default backend - 404",
        "no available server",
        "Proxy Error: the proxy server received an invalid response from an upstream server.",
    ],
)
def test_words_that_say_no_more_than_the_status_are_generic(text: str) -> None:
    assert is_generic(the_answer(text))


@pytest.mark.parametrize(
    "text",
    [
        "It is broken",
        "The library is unknown",
        "Error 500: the library LibraryDemo does not exist",
        "Internal Server Error: no such library",
        "An import is running already",
        "Error in row 500",
        '{"msg": "No such library"}',
        "Gateway LibraryDemo is unknown",
        "12",
        "The upstream connect error is in row 7",
    ],
)
def test_words_of_the_servers_own_are_not_generic(text: str) -> None:
    assert not is_generic(the_answer(text))


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


# Asking


def test_an_answer_is_given_as_it_came() -> None:
    with Peer(answering("200 Fine", '{"wörd": 1}'.encode(), X_Some="Thing")) as peer:
        answer = Talk(peer.url).ask("/a%20b", query={"q": "a b/c:d,e+f&g=ü"})
    assert (answer.method, answer.status, answer.reason) == ("POST", 200, "Fine")
    assert answer.url == f"{peer.url}/a%20b?q=a%20b%2Fc%3Ad%2Ce%2Bf%26g%3D%C3%BC"
    assert answer.headers["x-some"] == "Thing"
    assert json_object(answer) == {"wörd": 1}
    (request,) = peer.requests
    assert request.line == "POST /a%20b?q=a%20b%2Fc%3Ad%2Ce%2Bf%26g%3D%C3%BC HTTP/1.1"
    assert request.headers["x-auth-token"] == "token"
    assert request.headers["accept"] == "application/json"
    assert request.body == b""


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "405 Not Allowed", "409 Conflict"])
def test_a_question_that_is_refused_is_not_repeated(status: str) -> None:
    with Peer(answering(status, b'{"msg": "no"}')) as peer, pytest.raises(Refused, match=f"{status}: no") as raised:
        Talk(peer.url).ask()
    assert len(peer.requests) == 1
    assert not raised.value.credentials
    assert raised.value.answer is not None
    assert raised.value.answer.status == int(status[:3])


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_refused_credentials_are_told_apart(status: str) -> None:
    with Peer(answering(status)) as peer:
        with pytest.raises(Refused) as asked:
            Talk(peer.url).ask()
        with pytest.raises(Refused) as submitted:
            Talk(peer.url).submit()
    assert asked.value.credentials
    assert submitted.value.credentials
    assert len(peer.requests) == 2


@pytest.mark.parametrize(
    "status",
    ["408 Request Timeout", "429 Slow Down", "460 Gone", "499 Closed", "500 Oops", "502 Bad Gateway", "503 Later"],
)
def test_a_question_to_a_server_in_trouble_is_repeated_a_few_times(status: str) -> None:
    with Peer(answering(status)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage, match=status) as raised:
            talk.ask()
    assert len(peer.requests) == 4
    assert raised.value.answer is not None
    assert talk.pauses == sorted(talk.pauses)
    assert len(talk.pauses) == 3
    assert 0.3 < talk.pauses[0] < talk.pauses[-1] < 3


def test_a_question_is_asked_once_where_somebody_else_repeats_it() -> None:
    with Peer(answering("500 Oops")) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask(tries=1)
    assert (len(peer.requests), talk.pauses) == (1, [])


def test_a_question_is_repeated_until_there_is_an_answer() -> None:
    def breaking(conversation: Conversation) -> None:
        conversation.head()
        conversation.reset()

    with Peer(silent, breaking, answering("200 OK", b'{"a": 1}')) as peer:
        assert json_object(Talk(peer.url).ask()) == {"a": 1}


def test_a_question_where_nobody_listens_is_an_outage() -> None:
    url = nobody()
    with pytest.raises(Outage, match=f"POST {url}/status: connection refused") as raised:
        Talk(url).ask()
    assert raised.value.answer is None


def test_a_host_without_an_address_is_an_outage_in_words() -> None:
    with pytest.raises(Outage, match=r"POST http://licstat\.invalid/status: ") as raised:
        Talk("http://licstat.invalid").ask(tries=1)
    assert "object at 0x" not in raised.value.message
    assert "Max retries" not in raised.value.message


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7), ("0", 0), ("30", 30), ("31", 30), ("100000000000000000000", 30)],
)
def test_a_server_that_asks_for_a_pause_gets_it_within_bounds(header: str, expected: float) -> None:
    with Peer(answering("503 Later", retry_after=header)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask()
        assert talk.pauses == [expected] * 3
        with pytest.raises(ImportsError):
            talk.submit()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Sun, 22 Nov 2026 03:04:12 GMT", 7),
        ("Sun, 22 Nov 2026 03:04:05 GMT", 0),
        ("Sun, 22 Nov 2026 03:04:00 GMT", 0),
        ("Sun, 22 Nov 2026 04:04:05 GMT", 30),
    ],
)
def test_a_pause_until_a_date_goes_by_the_clock_of_the_server(header: str, expected: float) -> None:
    now = "Sun, 22 Nov 2026 03:04:05 GMT"
    with Peer(answering("503 Later", retry_after=header, date=now)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask()
    assert talk.pauses == [expected] * 3


@pytest.mark.parametrize(
    "header", ["", "soon", "-5", "1e9", "nan", "\xb2", "Sat, 22 Nov 2036 03:04:05 GMT", "Sat, 22 Nov 1996 03:04:05 GMT"]
)
def test_a_pause_that_makes_no_sense_or_no_end_is_not_taken(header: str) -> None:
    with Peer(answering("503 Later", retry_after=header)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask()
    assert len(talk.pauses) == 3
    assert all(0 <= pause <= 30 for pause in talk.pauses)


def http_date(moment: datetime) -> str:
    return email.utils.format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("after", "expected"),
    [(7, 7), (0, 0), (30, 30), (31, 30), (-5, 0), (1e9, 30), (-1e9, 0)],
)
def test_a_server_that_names_the_moment_to_come_back_is_believed_by_its_own_clock(after: int, expected: int) -> None:
    clock = datetime(2031, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    script = answering("503 Later", retry_after=http_date(clock + timedelta(seconds=after)), date=http_date(clock))
    with Peer(script) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask()
    assert talk.pauses == [expected] * 3


@pytest.mark.parametrize("date", [None, "", "now"])
def test_a_server_without_a_clock_is_believed_by_ours(date: str | None) -> None:
    moment = datetime.now(timezone.utc) + timedelta(seconds=20)
    clock = {} if date is None else {"date": date}
    with Peer(answering("503 Later", b"", retry_after=http_date(moment), **clock)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask()
    assert all(5 < pause <= 20 for pause in talk.pauses)


@pytest.mark.parametrize(
    "header",
    [
        "Wed, 99 Feb 2031 04:05:06 GMT",
        "Mon, 03 Feb 99999 04:05:06 GMT",
        "Mon, 03 Feb 2031",
        "GMT",
        ",,,",
        "1 2 3 4 5 6",
    ],
)
def test_a_moment_that_is_none_is_not_taken(header: str) -> None:
    with Peer(answering("503 Later", retry_after=header)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.ask()
    assert all(0 <= pause <= 30 for pause in talk.pauses)


# Submitting


def test_a_submission_leaves_whole_and_is_committed_before_its_end() -> None:
    with Peer() as peer:
        submission = Submission([b"one ", b"two ", b"three"])
        answer = Talk(peer.url).submit(submission, query={"gather": "Denials,Usage"})
    (request,) = peer.requests
    assert request.line == "POST /import?gather=Denials%2CUsage HTTP/1.1"
    assert request.body == b"one two three"
    assert request.headers["content-length"] == "13"
    assert request.headers["content-type"] == "text/plain"
    assert request.headers["x-auth-token"] == "token"
    assert "transfer-encoding" not in request.headers
    assert (submission.commits, submission.body.committed, answer.status) == (1, True, 200)


def test_check_mode_refuses_to_submit_before_anything_is_connected() -> None:
    with Peer() as peer:
        talk = Talk(peer.url, check_mode=True)
        submission = Submission()
        with pytest.raises(UnsafeInCheckMode):
            talk.submit(submission)
        assert (peer.connections, submission.commits) == (0, 0)
        assert talk.ask().status == 200


def test_a_submission_that_breaks_before_its_commit_point_is_sent_again_from_the_beginning() -> None:
    def whole(conversation: Conversation) -> None:
        conversation.request()
        conversation.answer("201 Created")

    with Peer(resetting, resetting, whole) as peer:
        submission = Submission(LARGE)
        talk = Talk(peer.url)
        assert talk.submit(submission).status == 201
    assert peer.requests[-1].body == b"".join(LARGE)
    assert (peer.connections, submission.commits, len(talk.pauses)) == (3, 1, 2)


def test_a_submission_that_breaks_each_time_was_not_sent() -> None:
    with Peer(resetting) as peer:
        submission = Submission(LARGE)
        with pytest.raises(NotSent, match="refused while sending") as raised:
            Talk(peer.url).submit(submission)
    assert (peer.connections, submission.commits) == (4, 0)
    assert not raised.value.unreachable
    assert raised.value.answer is None


def test_a_submission_where_nobody_listens_was_not_sent() -> None:
    submission = Submission()
    talk = Talk(nobody())
    with pytest.raises(NotSent, match="connection refused") as raised:
        talk.submit(submission)
    assert raised.value.unreachable
    assert (submission.commits, len(talk.pauses)) == (0, 3)


@pytest.mark.parametrize("script", [silent, resetting], ids=["closed", "reset"])
def test_a_submission_without_an_answer_is_unclear_and_never_repeated(script: Script) -> None:
    def read_and_break(conversation: Conversation) -> None:
        conversation.request()
        if script is resetting:
            conversation.reset()

    with Peer(read_and_break) as peer:
        submission = Submission()
        talk = Talk(peer.url)
        with pytest.raises(OutcomeUnknown, match="all was sent, but"):
            talk.submit(submission)
    assert (peer.connections, submission.commits, talk.pauses) == (1, 1, [])


def test_a_server_that_takes_too_long_to_answer_leaves_it_unclear() -> None:
    def mute(conversation: Conversation) -> None:
        conversation.request()
        conversation.ignore()

    with Peer(mute) as peer, pytest.raises(OutcomeUnknown, match="timed out"):
        Talk(peer.url, response_timeout=0.2).submit()
    assert peer.connections == 1


def test_the_answer_to_a_submission_may_take_longer_than_other_answers() -> None:
    def slow(conversation: Conversation) -> None:
        conversation.request()
        conversation.sock.settimeout(0.4)
        with pytest.raises(socket.timeout):  # so long the client waits without a word
            conversation.head()
        conversation.answer()

    with Peer(slow) as peer:
        assert Talk(peer.url, timeout=0.1, response_timeout=20).submit().status == 200


@pytest.mark.parametrize("status", [*range(400, 408), *range(409, 419), *range(421, 427), 428, 429, 431, 451, 301, 308])
def test_a_refusal_after_all_was_sent_is_definite(status: int) -> None:
    with Peer(answering(f"{status} No", b'{"msg": "no"}')) as peer, pytest.raises(Refused, match=f"{status} No: no"):
        Talk(peer.url).submit()
    assert peer.connections == 1


@pytest.mark.parametrize(
    "status", [300, 303, 304, 305, 399, 408, 419, 420, 427, 430, 460, 498, 499, 500, 502, 503, 504]
)
def test_any_other_status_after_all_was_sent_leaves_it_unclear(status: int) -> None:
    with Peer(answering(f"{status} Oops", b"" if status == 304 else b'{"msg": "no"}')) as peer:
        talk = Talk(peer.url)
        with pytest.raises(OutcomeUnknown, match=f"{status} Oops") as raised:
            talk.submit()
    assert (peer.connections, talk.pauses) == (1, [])
    assert raised.value.answer is not None


@pytest.mark.parametrize("status", [300, 303, 304, 400, 460, 499])
def test_any_no_that_came_before_all_was_sent_is_definite(status: int) -> None:
    with Peer(answering_early(f"{status} No", b"")) as peer, pytest.raises(Refused, match=f"{status} No"):
        Talk(peer.url).submit(Submission(LARGE))


@pytest.mark.parametrize("status", [300, 303, 304, 305])
def test_a_question_that_is_sent_elsewhere_is_refused(status: int) -> None:
    script = answering(f"{status} Elsewhere", b"", location="/there")
    with Peer(script) as peer, pytest.raises(Refused, match="points to /there"):
        Talk(peer.url).ask()


def test_a_redirect_that_may_follow_an_import_is_unclear_and_tells_where_it_points() -> None:
    script = answering("303 See Other", b"", location="/tasks/7?key=hunter2")
    with Peer(script) as peer, pytest.raises(OutcomeUnknown, match=r"points to /tasks/7\.") as raised:
        Talk(peer.url).submit()
    assert "hunter2" not in raised.value.message


@pytest.mark.parametrize(
    "words",
    [
        "The plain HTTP request was sent to HTTPS port",
        "You're speaking plain HTTP to an SSL-enabled server port.",
        "Client sent an HTTP request to an HTTPS server.",
        "Bad Request\nThis combination of host and port requires TLS.",
    ],
)
def test_a_server_that_wants_tls_is_told_by_what_url_has_to_begin_with(words: str) -> None:
    with Peer(answering("400 Bad Request", words.encode())) as peer:
        for way in (Talk(peer.url).ask, Talk(peer.url).submit):
            with pytest.raises(Refused, match="url has to begin with https"):
                way()


LOGIN = b"<html><title>Sign in</title><form><input name=u><INPUT id='p' type='password'></form>"


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "403 Forbidden"])
def test_a_page_to_log_in_is_no_success(status: str) -> None:
    with Peer(answering(status, LOGIN, content_type="text/html")) as peer, pytest.raises(Refused) as raised:
        Talk(peer.url).submit()
    assert raised.value.credentials
    assert f"{peer.url}/import" in raised.value.message
    assert status != "200 OK" or "log in" in raised.value.message


def test_a_page_to_log_in_from_a_server_in_trouble_tells_nothing() -> None:
    with Peer(answering("502 Bad Gateway", LOGIN, content_type="text/html")) as peer, pytest.raises(OutcomeUnknown):
        Talk(peer.url).submit()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_told_and_not_followed(status: str) -> None:
    with Peer() as elsewhere:
        script = answering(status, b"", location=f"{elsewhere.url}/login?next=hunter2#top")
        with Peer(script) as peer:
            for send in (Talk(peer.url).ask, Talk(peer.url).submit):
                with pytest.raises(Refused, match=f"{elsewhere.url}/login") as raised:
                    send()
                assert "hunter2" not in raised.value.message
                assert not raised.value.credentials
        assert elsewhere.connections == 0
    assert peer.connections == 2


@pytest.mark.parametrize("location", ["/login", "//elsewhere/", "", "http://[", "http://h\xe9/", "javascript:alert(1)"])
def test_a_redirect_to_wherever_is_told(location: str) -> None:
    with Peer(answering("302 Found", b"", location=location)) as peer:
        with pytest.raises(Refused, match="302 Found"):
            Talk(peer.url).ask()
        with pytest.raises(Refused, match="302 Found"):
            Talk(peer.url).submit()


@pytest.mark.parametrize("status", ["503 Later", "429 Slow Down"])
def test_a_server_that_wants_rest_before_all_was_sent_gets_it(status: str) -> None:
    early = answering_early(status, retry_after="3", connection="close")
    with Peer(early, early, well) as peer:
        submission = Submission(LARGE)
        talk = Talk(peer.url)
        assert talk.submit(submission).status == 200
    assert (talk.pauses, submission.commits, peer.connections) == ([3, 3], 1, 3)
    assert peer.requests[-1].body == b"".join(LARGE)


def test_a_server_that_never_is_ready_did_not_get_it() -> None:
    with Peer(answering_early("503 Later", b'{"msg": "full"}')) as peer:
        submission = Submission(LARGE)
        with pytest.raises(NotSent, match="503 Later: full") as raised:
            Talk(peer.url).submit(submission)
    assert submission.commits == 0
    assert raised.value.answer is not None


def test_an_early_success_is_none() -> None:
    with Peer(answering_early("200 OK")) as peer:
        submission = Submission(LARGE)
        with pytest.raises(NotSent, match="before everything was sent"):
            Talk(peer.url).submit(submission)
    assert submission.commits == 0


def test_what_the_body_raises_breaks_the_request_off() -> None:
    class BrokenError(Exception):
        pass

    def refuse(_sha256: str) -> None:
        raise BrokenError

    with Peer() as peer, pytest.raises(BrokenError):
        Talk(peer.url).client.submit("POST", "/import", Body([*LARGE], "text/plain", refuse))
    (request,) = peer.requests
    assert request.body != b"".join(LARGE)
    assert peer.connections == 1


def test_submissions_have_a_connection_of_their_own_and_questions_share_one() -> None:
    with Peer() as peer:
        talk = Talk(peer.url)
        talk.ask()
        talk.ask()
        assert peer.connections == 1
        talk.submit()
        assert peer.connections == 2
        talk.submit()
        assert peer.connections == 3
        talk.ask()
        talk.ask()
        assert peer.connections == 4


# Secrets that come back


def echoing(conversation: Conversation) -> None:
    """Tell everything that was said, in each form."""
    while True:
        request = conversation.request()
        words = [*all_forms(SECRET).values(), request.line, base64.b64encode(f"user:{SECRET}".encode()).decode()]
        status = request.headers.get("x-status", "400 Bad Request")
        conversation.answer(status, "\n".join(words).encode(), content_type="text/plain")


def assert_kept(*texts: str) -> None:
    for text in texts:
        for name, form in all_forms(SECRET).items():
            assert form not in text, name
        assert base64.b64encode(f"user:{SECRET}".encode()).decode() not in text


@pytest.mark.parametrize("way", ["ask", "submit"])
def test_a_secret_that_the_server_repeats_is_kept(way: str) -> None:
    with Peer(echoing) as peer, pytest.raises(Refused) as raised:
        getattr(Talk(peer.url, secret=SECRET), way)(query={"token": SECRET})
    answer = raised.value.answer
    assert answer is not None
    assert SECRET in answer.text
    assert_kept(raised.value.message, str(raised.value), answer.secrets.redact(answer.text), request_line(answer))


@pytest.mark.parametrize("way", ["ask", "submit"])
def test_a_secret_in_a_query_is_kept_where_there_is_no_answer(way: str) -> None:
    with pytest.raises((Outage, NotSent)) as raised:
        getattr(Talk(nobody(), secret=SECRET), way)(query={"token": SECRET})
    assert_kept(raised.value.message)


@pytest.mark.parametrize("way", ["ask", "submit"])
def test_a_secret_in_a_status_line_is_kept(way: str) -> None:
    with Peer(answering(f"400 Bad token tok3n-{'x' * 5}")) as peer, pytest.raises(Refused) as raised:
        getattr(Talk(peer.url, secret="tok3n-xxxxx"), way)()
    assert "tok3n" not in raised.value.message


@pytest.mark.parametrize("way", ["ask", "submit"])
def test_a_secret_in_a_redirect_is_kept(way: str) -> None:
    script = answering("302 Found", location="https://elsewhere/tok3n-xxxxx/")
    with Peer(script) as peer, pytest.raises(Refused) as raised:
        getattr(Talk(peer.url, secret="tok3n-xxxxx"), way)()
    assert "tok3n" not in raised.value.message


def test_what_an_answer_says_is_parsed_as_it_came_and_cleaned_where_it_is_kept() -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in "tok3n-xxxxx")
    with Peer(answering("200 OK", f'{{"tid": "{escaped}", "{escaped}": 1}}'.encode())) as peer:
        answer = Talk(peer.url, secret="tok3n-xxxxx").ask()
    assert json_object(answer) == {"tid": "tok3n-xxxxx", "tok3n-xxxxx": 1}
    assert answer.secrets.clean(json_object(answer)) == {"tid": "********", "********": 1}


# Whether the API is there


def probe(*scripts: Any, secret: str = "unused secret") -> None:
    with Peer(*scripts) as peer:
        Talk(peer.url, secret=secret).client.probe("POST", "/status", form={"batch": "-"})
        assert peer.requests[-1].body == b"batch=-"


NO_SUCH_TASK = b'{"success": false, "msg": "no such task"}'


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        ("200 OK", NO_SUCH_TASK, "application/json"),
        ("200 OK", NO_SUCH_TASK, "text/html"),
        ("404 Not Found", NO_SUCH_TASK, "application/json"),
        ("404 Not Found", b"", "text/plain"),
        ("400 Bad Request", b"Batch not found: -", "text/plain"),
        ("409 Conflict", b"", "text/plain"),
        ("500 Oops", NO_SUCH_TASK, "application/json"),
    ],
)
def test_any_answer_of_the_api_tells_that_it_is_there(status: str, body: bytes, content_type: str) -> None:
    probe(answering(status, body, content_type=content_type))


LOGIN = b"<html><form><input type=password></form></html>"


@pytest.mark.parametrize(
    ("script", "words", "credentials"),
    [
        (answering("401 Unauthorized", b"who are you"), "401 Unauthorized: who are you", True),
        (answering("403 Forbidden", b"<html><title>No</title>"), "403 Forbidden", True),
        (answering("200 OK", LOGIN, content_type="text/html"), "a page to log in", True),
        (answering("200 OK", b"<html><title>Welcome</title>"), "A page is no answer of the API", False),
        (answering("404 Not Found", b"<html><title>Nothing here</title>"), "A page is no answer of the API", False),
        (answering("302 Found", location="https://elsewhere/"), "points to https://elsewhere/", False),
    ],
)
def test_a_refusal_of_the_user_or_of_the_address_stops_at_once(script: Any, words: str, credentials: bool) -> None:
    with Peer(script) as peer:
        with pytest.raises(Refused, match=words) as raised:
            Talk(peer.url).client.probe("POST", "/status")
        assert len(peer.requests) == 1
    assert raised.value.credentials is credentials


@pytest.mark.parametrize(
    "script",
    [
        silent,
        answering("500 Oops", b"Out of memory"),
        answering("502 Bad Gateway", b"<html><title>Bad Gateway</title>"),
        answering("504 Gateway Timeout", b"", content_type="text/plain"),
        answering("429 Slow Down", b"", content_type="text/plain"),
    ],
)
def test_silence_and_trouble_stop_after_a_few_tries(script: Any) -> None:
    with Peer(script) as peer:
        talk = Talk(peer.url)
        with pytest.raises(Outage):
            talk.client.probe("POST", "/status")
    assert len(talk.pauses) == 3


def test_the_pauses_between_tries_are_jittered() -> None:
    first = {_client._jittered(1) for _number in range(50)}
    assert len(first) > 1
    assert all(0.3 < pause < 0.7 for pause in first)


# Requests without a body that make the server do something, and such that may be repeated.


def test_a_trigger_is_sent_once_with_its_own_headers() -> None:
    with Peer(answering("200 OK", b'{"mode":"running"}')) as peer:
        talk = Talk(peer.url)
        answer = talk.client.trigger("GET", "/status", {"run": "complete"}, headers={"Token": "abcd"})
    assert answer.status == 200
    assert [request.line for request in peer.requests] == ["GET /status?run=complete HTTP/1.1"]
    assert peer.requests[0].headers["token"] == "abcd"


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable", "408 Request Timeout"])
def test_a_trigger_that_is_answered_with_trouble_is_unclear_and_not_repeated(status: str) -> None:
    with Peer(answering(status)) as peer:
        talk = Talk(peer.url)
        with pytest.raises(OutcomeUnknown):
            talk.client.trigger("GET", "/status", {"run": "complete"})
    assert len(peer.requests) == 1
    assert talk.pauses == []


def test_a_trigger_without_an_answer_is_unclear() -> None:
    with Peer(silent) as peer, pytest.raises(OutcomeUnknown, match="it was sent, but"):
        Talk(peer.url).client.trigger("GET", "/status", {"run": "complete"})


@pytest.mark.parametrize("status", ["302 Found", "403 Forbidden", "404 Not Found"])
def test_a_trigger_that_is_refused_did_nothing(status: str) -> None:
    with Peer(answering(status)) as peer, pytest.raises(Refused):
        Talk(peer.url).client.trigger("GET", "/status", {"run": "complete"})
    assert len(peer.requests) == 1


def test_a_trigger_that_nobody_heard_was_not_sent() -> None:
    with pytest.raises(NotSent) as raised:
        Talk(nobody()).client.trigger("GET", "/status", {"run": "complete"})
    assert raised.value.unreachable


def test_a_trigger_is_refused_in_check_mode() -> None:
    with Peer(answering("200 OK")) as peer, pytest.raises(UnsafeInCheckMode):
        Talk(peer.url, check_mode=True).client.trigger("GET", "/status", {"run": "complete"})
    assert peer.requests == []


def test_what_is_repeatable_is_sent_again_when_its_answer_was_lost() -> None:
    with Peer(silent, silent, answering("200 OK", b"done")) as peer:
        submission = Submission()
        answer = Talk(peer.url).submit(submission, is_repeatable=True)
    assert answer.text == "done"
    assert (len(peer.requests), submission.commits) == (3, 3)


def test_what_is_repeatable_waits_as_a_busy_server_asks() -> None:
    with Peer(answering("503 Service Unavailable", b"", retry_after="2", connection="close"), well) as peer:
        talk = Talk(peer.url)
        talk.submit(is_repeatable=True)
    assert (talk.pauses, len(peer.requests)) == ([2], 2)


def test_what_is_repeatable_is_unclear_in_the_end_when_no_answer_comes() -> None:
    with Peer(silent) as peer, pytest.raises(OutcomeUnknown):
        Talk(peer.url).submit(is_repeatable=True)
    assert len(peer.requests) == 4


def test_what_is_repeatable_shares_a_connection() -> None:
    with Peer(answering("200 OK")) as peer:
        talk = Talk(peer.url)
        for _number in range(3):
            talk.submit(is_repeatable=True)
    assert (len(peer.requests), peer.connections) == (3, 1)


def test_a_question_may_have_a_json_body_and_headers_of_its_own() -> None:
    with Peer(answering("200 OK")) as peer:
        Talk(peer.url).ask("/api/get_token", json_body={"user": "ü"}, headers={"X-Own": "1"})
    (request,) = peer.requests
    assert request.body == '{"user":"ü"}'.encode()
    assert (request.headers["content-type"], request.headers["x-own"]) == ("application/json", "1")


def test_a_secret_that_is_learned_on_the_way_is_kept_from_view() -> None:
    with Peer(answering("500 Internal Server Error", b'{"message":"no such token abcdefgh"}')) as peer:
        talk = Talk(peer.url)
        talk.client.keep_secret("abcdefgh")
        with pytest.raises(Outage) as raised:
            talk.ask(tries=1)
    assert "abcdefgh" not in raised.value.message
