# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer says, in words for a person: what was asked where, and what the server said to it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import http
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    Refused,
    as_sentence,
    shortened,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import is_html, json_object

MAX_SHOWN = 500  # characters of a server's words in a message
STATUS_WORDS = r"\b(?:http|error|status|code|message|[1-5]\d\d|1|0)\b"
GATEWAY_WORDS = re.compile(  # what gateways say when the server did not answer them, without punctuation
    rf"(?:{STATUS_WORDS} )*(?:upstream (connect error|request timeout|reset|prematurely)|no healthy upstream"
    "|stream timeout|no available server|no server is available|no endpoints available|default backend|bad gateway"
    "|gateway time ?out|proxy error|(the )?service (is |temporarily )*unavailable|backend fetch failed"
    "|local rate limited|(error )?the server encountered (a temporary|an internal) error)"
)


def describe(answer: Answer) -> str:
    """One sentence: what was asked where, and what the server said to it in its own words."""
    status = f"HTTP {answer.status} {answer.secrets.redact(answer.reason)}".rstrip()
    words = _words(answer)
    return as_sentence(f"{request_line(answer)}: {status}{': ' + words if words else ''}")


def request_line(answer: Answer) -> str:
    """The method and URL of the request that was answered."""
    return f"{answer.method} {answer.secrets.redact(answer.url)}"


def not_logged_in(answer: Answer) -> Refused:
    """The error for a login page in place of an answer."""
    return Refused(
        f"{request_line(answer)}: the answer is a page to log in, so the credentials were not accepted, or this is not"
        " the address of the API.",
        answer,
        credentials=True,
    )


def is_generic(answer: Answer) -> bool:
    """Whether an answer says no more than its status does, or comes from a gateway in front of the server."""
    said = _plain(re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", answer.text, flags=re.IGNORECASE | re.DOTALL))
    phrases = {_plain(answer.reason), *(_plain(status.phrase) for status in http.HTTPStatus if status == answer.status)}
    rest = said
    for phrase in sorted(phrases - {""}, key=len, reverse=True):
        rest = re.sub(rf"\b{re.escape(phrase)}\b", " ", rest)
    return re.fullmatch(rf"\s*(?:{STATUS_WORDS}\s*)*", rest) is not None or GATEWAY_WORDS.match(said) is not None


def _plain(text: str) -> str:
    """The words of a text, in lower case and without punctuation."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _words(answer: Answer) -> str:
    """The text of an answer for a person: the title of a page, the message in JSON if there is one.

    Secrets are taken out before anything is trimmed: half a secret is a secret, too.
    """
    if not answer.text.strip() and not answer.is_whole:
        return f"its content encoding {answer.headers.get('content-encoding', '')!r} is not one that was asked for"
    redact = answer.secrets.redact
    title = re.search(r"<title[^>]*>(.*?)</title", answer.text, re.IGNORECASE | re.DOTALL) if is_html(answer) else None
    if title:
        text = f"a page titled {redact(title.group(1)).strip()!r}"
    elif is_html(answer):
        text = re.sub(r"<[^>]*>", " ", redact(answer.text))
    else:
        text = redact(_message(answer) or answer.text)
    text = " ".join(text.split()).rstrip(".")
    return shortened(text, MAX_SHOWN)


def _message(answer: Answer) -> str | None:
    """The message in a JSON answer."""
    try:
        return next(_messages(json_object(answer)), None)
    except ValueError:
        return None


def _messages(value: Mapping[str, Any]) -> Iterator[str]:
    for name in ("msg", "message", "error"):
        message = value.get(name)
        if message and isinstance(message, str):
            yield f"{message} (code {value['code']})" if value.get("code") else message
