# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are not what they should be, as faults of the sandbox, and what may be concluded from each.

What is concluded follows from the vendor's page, which knows one right answer to an import and one to a question for a
task, and from the promise never to guess: an answer that is neither that nor a plain no tells nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LOGIN_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in to License Statistics</title></head><body><form method=post>"
    '<input name="user"><input name="password" type="password"></form></body></html>'
)
MAINTENANCE_PAGE = "<html><head><title>Down for maintenance</title></head><body><h1>Back at nine</h1></body></html>"
UNTITLED_PAGE = "<html><body><p>All good here, carry on</p></body></html>"
SPACES = " " * (1024 * 1024)


@dataclass(frozen=True)
class Lie:
    """An answer, and what has to be said about it. `words` stand in the message, `status` is in the result."""

    name: str
    fault: dict[str, Any]
    words: str = ""
    status: int | None = 200


def raw(text: str) -> dict[str, Any]:
    """The fault that sends these bytes (given as Latin-1) in place of an HTTP answer."""
    return {"action": "garbage", "body": text, "reset": False}


def http(body: str, status: str = "200 OK", *headers: str) -> dict[str, Any]:
    """The fault that answers over HTTP what the sandbox itself would not."""
    fields = ["Content-Type: application/json", "Connection: close", *headers]
    if not any(header.startswith(("Transfer-Encoding", "Content-Length")) for header in headers):
        fields.append(f"Content-Length: {len(body)}")
    return raw("\r\n".join([f"HTTP/1.1 {status}", *fields, "", body]))


def text(body: str, **what: Any) -> dict[str, Any]:
    """The fault that answers this text as JSON."""
    return {"action": "json", "body": body, **what}


def value(content: Any) -> dict[str, Any]:
    """The fault that answers this value as JSON."""
    return {"action": "json", "json": content}


def page(body: str, status: int = 200) -> dict[str, Any]:
    """The fault that answers this page."""
    return {"action": "html", "body": body, "status": status}


def accepted(task: Any = None, **changes: Any) -> dict[str, Any]:
    """The documented answer to an import, but for these changes in its task, or with another thing in its place."""
    good = {"data": None, "sbtr": "Administrator", "sbtd": "2021-12-20 11:47:35", "sts": "PENDING", "err": None}
    good["tid"] = "import_527ddd6f-d7de-4854-bc99-839b5afd458e"
    return {"success": True, "msg": None, "data": {"sst": "SCHEDULED", "ti": task if task else {**good, **changes}}}


def without(content: dict[str, Any], path: str) -> dict[str, Any]:
    """The same without the member to which the dotted path leads."""
    copy: dict[str, Any] = json.loads(json.dumps(content))
    *way, name = path.split(".")
    holder = copy
    for step in way:
        holder = holder[step]
    del holder[name]
    return copy


def replaced(content: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    """The same with another value where the dotted path leads."""
    copy: dict[str, Any] = json.loads(json.dumps(content))
    *way, name = path.split(".")
    holder = copy
    for step in way:
        holder = holder[step]
    holder[name] = new
    return copy


def nested(depth: int) -> str:
    """A JSON list in a list in a list..."""
    return "[" * depth + "]" * depth


GOOD = json.dumps(accepted())

# Whatever was asked: these tell nothing.
NO_ANSWER = [
    Lie("a page of another kind", page(MAINTENANCE_PAGE), "Down for maintenance"),
    Lie("a page without a title", page(UNTITLED_PAGE), "All good here"),
    Lie("a page that is called JSON", text(MAINTENANCE_PAGE), "Down for maintenance"),
    Lie("the right JSON on a page", {"action": "html", "body": f"<pre>{GOOD}</pre>"}),
    Lie("nothing at all", text("")),
    Lie("plain text", text("OK", content_type="text/plain"), "OK"),
    Lie("JSON cut short of its length", {"action": "truncate", "body": GOOD}, status=None),
    Lie(
        "JSON cut short without the end of its chunks",
        {"action": "truncate", "body": GOOD, "chunked": True},
        status=None,
    ),
    Lie("JSON that ends early", text(GOOD[:-2])),
    Lie("JSON with more behind it", text(GOOD + "{}")),
    Lie("JSON longer than any answer", text(GOOD + SPACES + "!"), status=200),
    Lie("a text longer than any answer", text('"' + "x" * len(SPACES) + '"')),
    Lie("JSON in an encoding of its own", http(GOOD.encode("cp037").decode("latin-1"))),
    Lie("a list", value([accepted()])),
    Lie("a string", value("success")),
    Lie("a number", value(1)),
    Lie("null", value(None)),
    Lie("true", value(True)),
    Lie("an empty object", value({})),
    Lie("a list nested too deep", text(nested(100_000))),
    Lie("an object nested too deep", text('{"success": true, "msg": null, "data": ' + nested(100_000) + "}")),
    Lie("a number too long to read", text('{"success": true, "data": ' + "9" * 10_000 + "}")),
    Lie("success missing", value(without(accepted(), "success"))),
    Lie("success as a string", value(replaced(accepted(), "success", "true"))),
    Lie("success as a number", value(replaced(accepted(), "success", 1))),
    Lie("success null", value(replaced(accepted(), "success", None))),
    Lie("no success as a string", value({"success": "false", "msg": "Queue is full", "data": None}), "Queue is full"),
    Lie("data missing", value(without(accepted(), "data"))),
    Lie("data null", value(replaced(accepted(), "data", None))),
    Lie("data a list", value(replaced(accepted(), "data", [accepted()["data"]]))),
    Lie("data a string", value(replaced(accepted(), "data", "import_527ddd6f"))),
    Lie("no HTTP", {"action": "garbage"}, status=None),
    Lie("no HTTP, only text", raw("220 mail.example.com ESMTP\r\n"), status=None),
    Lie("no HTTP, and no end of line", raw("x" * 100_000), status=None),
    Lie("an HTTP status that is no number", http(GOOD, "OK"), status=None),
    Lie("an HTTP status above all others", http(GOOD, "600 Odd"), "600", status=600),
    Lie("an HTTP status of three nines", http(GOOD, "999 Odd"), "999", status=999),
    Lie("an interim answer and nothing behind it", raw("HTTP/1.1 100 Continue\r\n\r\n"), status=None),
    Lie("a hint and nothing behind it", raw("HTTP/1.1 103 Early Hints\r\n\r\n"), status=None),
    Lie("headers without end", raw("HTTP/1.1 200 OK\r\n" + "X-More: yes\r\n" * 1000 + "\r\n" + GOOD), status=None),
    Lie("a header line without end", raw("HTTP/1.1 200 OK\r\nX-Long: " + "x" * 100_000), status=None),
    Lie("chunks that are none", http("these are no chunks", "200 OK", "Transfer-Encoding: chunked"), status=None),
    Lie("compression that is none", http(GOOD, "200 OK", "Content-Encoding: gzip"), status=None),
    Lie("trouble in the server", {"action": "status", "status": 500, "body": "out of memory"}, "out of memory", 500),
    Lie(
        "trouble in the server as JSON",
        {"action": "json", "status": 500, "json": {"success": False, "msg": "boom"}},
        "boom",
        500,
    ),
    Lie("a page of the proxy", page(MAINTENANCE_PAGE, 502), "Down for maintenance", 502),
    Lie("a server that is busy", {"action": "status", "status": 503, "body": "busy"}, "busy", 503),
    Lie("a proxy that waited too long", {"action": "status", "status": 504, "body": "too slow"}, "too slow", 504),
    Lie("a server that waited too long", {"action": "status", "status": 408, "body": "too slow"}, "too slow", 408),
]

# To an import: a no.
NO = [
    Lie("a page to log in", page(LOGIN_PAGE), "log in"),
    Lie("a page to log in that is called JSON", text(LOGIN_PAGE), "log in"),
    Lie(
        "no success, with a reason",
        value({"success": False, "msg": "Import queue is full", "data": None}),
        "Import queue is full",
    ),
    Lie("no success, with a code", value({"success": False, "msg": "No", "code": "E17", "data": None}), "E17"),
    Lie("no success, without a reason", value({"success": False, "msg": None, "data": None}), "no success"),
    Lie("no success, and nothing else", value({"success": False}), "no success"),
    *[
        Lie(
            f"HTTP {status}",
            {"action": "status", "status": status, "body": f"reason {status}"},
            f"reason {status}",
            status,
        )
        for status in (400, 401, 402, 403, 404, 405, 409, 410, 411, 413, 415, 418, 422, 429, 431, 451)
    ],
    Lie("a no as a page", page(MAINTENANCE_PAGE, 403), "Down for maintenance", 403),
    Lie("a no as a page to log in", page(LOGIN_PAGE, 401), "", 401),
    Lie(
        "a no as JSON",
        {"action": "json", "status": 400, "json": {"success": False, "msg": "Bad range"}},
        "Bad range",
        400,
    ),
]

REDIRECTS = (301, 302, 303, 307, 308)
