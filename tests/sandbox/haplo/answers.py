# SPDX-License-Identifier: GPL-3.0-or-later
"""Haplo's answers: texts, and the pages and JSON of its errors (FACTS section C.1). `pages.py` has the others."""

from __future__ import annotations

import gzip
import json

from starlette.requests import Request
from starlette.responses import Response

from .access import AccessError

PLAIN, HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"

_LEAST_COMPRESSED = 128
"""Shorter bodies (bytes) are never compressed."""

_CSRF_PAGE = (
    "<html><h1>Request denied for security reasons</h1><p>Your request looked like an attempt to circumvent security "
    "measures. If you see this message again, please contact support.</p><h2>Cookies need to be enabled</h2><p>Please "
    "check that you have enabled cookies for this web site. Disabled cookies are the most likely cause of this "
    "problem.</p></html>"
)
_NOT_FOUND_PAGE = (
    '<html><h1>Not found</h1><p>You requested a page which doesn\'t exist.</p><p><a href="/">Home page</a></p></html>'
)
_ERROR_PAGE = (
    '<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n<body>\n  <div style="">\n    <h1>Error</h1>\n'
    "    <p>An error was encountered, and your request could not be completed.</p>\n"
    "    <p>A report has been sent automatically to our support team.</p>\n  </div>\n</body>\n</html>\n"
)
_SERVER_ERROR_PAGE = "<html><body><h1>Internal server error</h1></body></html>"
_SIZE_LIMIT_PAGE = "<html><body><h1>Request size limit exceeded</h1></body></html>"
_OPTIONS_PAGE = (
    "<html>\n  <head><title>Not supported</title></head>\n  <body><h2>OPTIONS not supported</h2></body>\n</html>\n"
)


def text(body: str, status: int = 200, content_type: str = PLAIN) -> Response:
    """A text, or with another content type anything."""
    return Response(body, status, {"content-type": content_type})


def bad_request(message: str) -> Response:
    """A request that the handler refuses."""
    return text(message, 400)


def failed_validation() -> Response:
    """A required parameter is missing."""
    return bad_request("Bad request (failed validation)")


def security_page() -> Response:
    """What an urlencoded request that is not authenticated gets, for whatever reason. The cookie's name is a guess."""
    answer = text(_CSRF_PAGE, 403, HTML)
    answer.headers["set-cookie"] = "s=c0ffee0ddba11; path=/; HttpOnly"
    return answer


def unauthorised() -> Response:
    """A multipart request without a key."""
    return text("Unauthorised", 403, HTML)


def denied(error: AccessError) -> Response:
    """Any other request with a wrong key, or none."""
    content = {"success": False, "kind": error.kind, "error": {"message": error.message}}
    return text(json.dumps(content, separators=(",", ":")), 403, "application/json; charset=utf-8")


def redirect(location: str) -> Response:
    """Another address. The empty body is a guess."""
    return Response("", 302, {"location": location, "content-type": HTML})


def options() -> Response:
    """The method OPTIONS, of any path."""
    return text(_OPTIONS_PAGE, 200, HTML)


def not_found() -> Response:
    """No such page, or not with this method."""
    return text(_NOT_FOUND_PAGE, 404, HTML)


def script_error() -> Response:
    """An exception that nobody foresaw. The page's style sheet is left out."""
    return text(_ERROR_PAGE, 500, HTML)


def server_error() -> Response:
    """An exception before any handler."""
    return text(_SERVER_ERROR_PAGE, 500, HTML)


def too_large() -> Response:
    """A body, or a part of it, that is larger than can be."""
    return text(_SIZE_LIMIT_PAGE, 500, HTML)


def compressed(answer: Response, request: Request) -> Response:
    """The answer as the client may want it: bodies that are long enough are compressed."""
    body = bytes(answer.body)
    if len(body) < _LEAST_COMPRESSED or "gzip" not in request.headers.get("accept-encoding", ""):
        return answer
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return Response(gzip.compress(body, mtime=0), answer.status_code, {**headers, "content-encoding": "gzip"})
