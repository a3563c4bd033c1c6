# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP client for all systems: what may be asked, what may be sent, and what an answer means.

There are two kinds of request, told apart by what they do, not by their HTTP method: `ask` changes nothing and may be
repeated; `submit` makes the server do something, is sent whole at most once, and is refused in check mode. Redirects
are never followed.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._contract import (
    Answer,
    BadInput,
    Connection,
    NoReply,
    NotSent,
    Outage,
    Refused,
    Unclear,
    canonical,
    sentence,
)

if TYPE_CHECKING:
    from ansible_collections.assetops.imports.plugins.module_utils._multipart import Body
    from ansible_collections.assetops.imports.plugins.module_utils._transport import Transport

TRIES = 4
LONGEST_RETRY_AFTER = 30.0  # seconds; a server that wants more rest is asked by the next run
SHOWN = 500  # characters of a server's words in a message
TRY_AGAIN = (429, 503)
CREDENTIALS = (401, 403)


class Secrets:
    """What must not be seen, however it is spelled on its way, and a way to take it out of a text."""

    def __init__(self) -> None:
        self._values: list[str] = []
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str, *, username: str | None = None) -> None:
        """Keep this from view, in Base64 too, and with a user name the Basic credentials made of both."""
        whole_groups = value.encode()[: len(value.encode()) // 3 * 3]  # the rest depends on what follows
        self._values += [value, base64.b64encode(whole_groups).decode("ascii")]
        if username is not None:
            self._values.append(base64.b64encode(f"{username}:{value}".encode()).decode("ascii"))
        self._pattern = None  # made when it is needed, as that takes a while

    def redact(self, text: str) -> str:
        """The text with asterisks for every secret in it, be it percent-encoded or escaped, wholly or in part."""
        if self._pattern is None and self._values:
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(_any_spelling(one) for one in longest_first), re.IGNORECASE)
        return self._pattern.sub("********", text) if self._pattern else text


def basic_credentials(username: str, password: str) -> dict[str, str]:
    """The header of HTTP's Basic authentication (RFC 7617), in UTF-8."""
    return {"Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode('ascii')}"}


class UnsafeInCheckMode(Exception):
    """A programming error: check mode reached a request that could change something. It was not sent."""


class Client:
    """Speaks HTTP with one server, as one user.

    `headers` go with every request. `pause` is how time passes between tries. `advice`: what a person is to do about an
    answer of this status.
    """

    def __init__(
        self,
        connection: Connection,
        headers: Mapping[str, str],
        secrets: Secrets,
        *,
        check_mode: bool = False,
        pause: Callable[[float], None] = time.sleep,
        advice: Mapping[int, str] | None = None,
    ) -> None:
        self._connection = connection
        self._headers = {"Accept": "application/json", **headers}
        self._secrets = secrets
        self._check_mode = check_mode
        self._pause = pause
        self._advice = advice or {}
        self._opened: Transport | None = None

    def prepare(self) -> None:
        """Load what is needed to send. Raises `ImportsError` where requests is missing or a certificate is no use."""
        self._open()

    def keep_secret(self, value: str) -> None:
        """Keep a secret from view that was learned on the way."""
        self._secrets.add(value)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
        tries: int = TRIES,
    ) -> Answer:
        """Send a request that changes nothing; `headers` go with this one only.

        Returns a 2xx answer. Raises `Refused` for a redirect or a 4xx, and `Outage` when `tries` found no server,
        or one in trouble.
        """
        url = self._url(path, query)
        sent_headers, body = {**self._headers, **(headers or {})}, None
        if json_body is not None:
            sent_headers["Content-Type"] = "application/json"
            body = canonical(json_body).encode("utf-8")
        for number in range(1, tries + 1):
            wait = _jittered(number)
            try:
                answer = self._redacted(self._open().exchange(method, url, sent_headers, body))
            except NoReply as error:
                outage = Outage(self._redact(sentence(f"{method} {url}: {error}")), hopeless=error.hopeless)
                if error.hopeless:
                    raise outage from None
            else:
                if _is_success(answer):
                    return answer
                if _is_refusal(answer) and answer.status not in TRY_AGAIN:
                    raise self._refused(answer)
                outage = Outage(said(answer), answer)
                wait = _retry_after(answer, wait)
            if number < tries:
                self._pause(wait)
        raise outage

    def submit(
        self,
        method: str,
        path: str,
        body: Body,
        query: Mapping[str, str] | None = None,
        *,
        is_repeatable: bool = False,
    ) -> Answer:
        """Send a request that makes the server do something, whole at most once.

        What breaks before the body's commit point is tried again. `is_repeatable`: sending it again does no harm, so it
        is tried again even then, and shares a connection with others like it. Returns a 2xx answer to the whole
        request. Raises `NotSent` when it did not leave whole, `Refused` when the server said no, `Unclear` when its
        answer was lost or does not tell.
        """
        if self._check_mode:
            raise UnsafeInCheckMode(f"{method} {path}")
        url = self._url(path, query)
        for number in range(1, TRIES + 1):
            last = number == TRIES
            wait = _jittered(number)
            body.started = False
            try:
                headers = {**self._headers, "Content-Type": body.content_type}
                answer = self._redacted(
                    self._open().exchange(method, url, headers, body, is_submission=True, is_repeatable=is_repeatable)
                )
            except NoReply as error:
                if last or not is_repeatable:
                    self._judge_silence(f"{method} {url}", body, error, last)
            else:
                may_try_again = is_repeatable or not body.committed
                if not may_try_again or answer.status not in TRY_AGAIN or last:
                    return self._judge(answer, was_sent=body.committed)
                wait = _retry_after(answer, wait)
            self._pause(wait)
        raise AssertionError("the last try ends in an answer or an error")

    def trigger(
        self, method: str, path: str, query: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request without a body that makes the server do something, once.

        Returns a 2xx answer, and raises what `submit` does. The caller has committed before.
        """
        if self._check_mode:
            raise UnsafeInCheckMode(f"{method} {path}")
        url = self._url(path, query)
        try:
            sent_headers = {**self._headers, **(headers or {})}
            answer = self._redacted(self._open().exchange(method, url, sent_headers, is_submission=True))
        except NoReply as error:
            if error.hopeless or error.unconnected:
                raise NotSent(self._redact(sentence(f"{method} {url}: {error}")), unreachable=True) from None
            raise Unclear(self._redact(sentence(f"{method} {url}: it was sent, but {error}"))) from None
        return self._judge(answer, was_sent=True)

    def _judge_silence(self, tried: str, body: Body, error: NoReply, last: bool) -> None:
        """What it means that no answer came: nothing, if it may be tried again."""
        if error.hopeless or (last and not body.started):
            raise NotSent(self._redact(sentence(f"{tried}: {error}")), unreachable=True) from None
        if body.committed:
            raise Unclear(self._redact(sentence(f"{tried}: all was sent, but {error}"))) from None
        if last:
            raise NotSent(self._redact(sentence(f"{tried}: refused while sending: {error}"))) from None

    def _judge(self, answer: Answer, *, was_sent: bool) -> Answer:
        """What an answer to a submission means."""
        if (_is_success(answer) or _is_refusal(answer)) and is_login_page(answer):
            raise not_logged_in(answer)
        if _is_refusal(answer):
            raise self._refused(answer)
        if not was_sent:
            raise NotSent(f"{said(answer)} That answer came before everything was sent.", answer)
        if not _is_success(answer):
            raise Unclear(said(answer), answer)
        return answer

    def _refused(self, answer: Answer) -> Refused:
        location = answer.headers.get("location")
        if 300 <= answer.status < 400 and location:
            where = self._redact(location.partition("?")[0].encode("ascii", "backslashreplace").decode("ascii"))
            advice = f"It points to {where}; redirects are not followed, so set url to where the API really is."
            return Refused(f"{said(answer)} {advice}", answer)
        advice = self._advice.get(answer.status, "")
        if answer.status in CREDENTIALS:
            advice = f"The credentials, or what their owner may do, are not enough for this. {advice}".rstrip()
            return Refused(f"{said(answer)} {advice}", answer, credentials=True)
        return Refused(f"{said(answer)} {advice}".rstrip(), answer)

    def _redacted(self, answer: Answer) -> Answer:
        url, reason, text = (self._redact(part) for part in (answer.url, answer.reason, answer.text))
        return replace(answer, url=url, reason=reason, text=text)

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        """`path` is percent-encoded already, the query is not."""
        encoded = urlencode(query or {}, quote_via=quote, safe="")
        return f"{self._connection.url}{path}" + (f"?{encoded}" if encoded else "")

    def _redact(self, text: str) -> str:
        return self._secrets.redact(text)

    def _open(self) -> Transport:
        if self._opened is None:
            from ansible_collections.assetops.imports.plugins.module_utils._transport import Transport

            self._opened = Transport(self._connection)
        return self._opened


def _any_spelling(secret: str) -> str:
    """A regular expression for a secret each of whose characters may be spelled in any way that a server may use.

    That is as it is, percent-encoded, escaped as in JSON, once or more often, or as an entity of HTML.
    """
    return "".join(rf"(?:\\{{0,4}}{_raw_or_encoded(one)}|\\{{1,4}}{_as_unicode(one)})" for one in secret)


def _raw_or_encoded(character: str) -> str:
    import html

    percent_encoded = "".join(f"%{byte:02x}" for byte in character.encode("utf-8"))
    entities = {html.escape(character), f"&#{ord(character)};", f"&#x{ord(character):x};"}
    forms = {character, percent_encoded, *entities, "+" if character == " " else character}
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms, key=len, reverse=True))})"


def _as_unicode(character: str) -> str:
    """The \\uXXXX of a character without its first backslash; outside the first plane there are two of them."""
    units = character.encode("utf-16-be").hex()
    return r"\\{1,4}".join(f"u{units[place : place + 4]}" for place in range(0, len(units), 4))


def base_url(url: str) -> str:
    """The URL in its one spelling: lower-case scheme and host, no default port, no slash at the end.

    Raises `BadInput` for one that is not a plain http or https URL.
    """
    shown = re.sub(r"^.*@", "...@", re.split(r"[?#]", url)[0], flags=re.DOTALL)  # what may be secret is not repeated
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadInput(f"url {shown!r} is not a URL.") from None
    if parts.username is not None or parts.password is not None:
        raise BadInput("url holds a user name or a password; give credentials in their own options.")
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise BadInput(f"url {shown!r} is not a URL like https://licstat.example.com.")
    if parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise BadInput(f"url {shown!r} has a query, a fragment, a space or a control character; a base URL has none.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    scheme = parts.scheme.lower()
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    return f"{scheme}://{host}{parts.path.rstrip('/')}"


def said(answer: Answer) -> str:
    """What was tried, where, and what the server said, in one sentence and the vendor's words."""
    status = f"HTTP {answer.status} {answer.reason}".rstrip()
    words = _words(answer)
    return sentence(f"{_tried(answer)}: {status}{': ' + words if words else ''}")


def json_object(answer: Answer) -> dict[str, Any]:
    """The JSON object that the answer is, whole and not called a page. Raises ValueError for anything else.

    Half a surrogate pair, which JSON can hold and no text can, is replaced.
    """
    if not answer.is_whole or "html" in answer.headers.get("content-type", ""):
        raise ValueError("no JSON")
    try:
        value = json.loads(answer.text)
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        value = json.loads(text.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("JSON too deep to be right") from None
    if not isinstance(value, dict):
        raise ValueError("JSON, but no object")
    return value


def is_login_page(answer: Answer) -> bool:
    """A page with a field for a password: whoever answers so did not take a request for what it was."""
    return _is_html(answer) and re.search(r"<input[^>]*type=[\"']?password", answer.text, re.IGNORECASE) is not None


def not_logged_in(answer: Answer) -> Refused:
    """What a page to log in means where an answer was expected."""
    return Refused(
        f"{_tried(answer)}: the answer is a page to log in, so the credentials were not accepted, or this is not the"
        " address of the API.",
        answer,
        credentials=True,
    )


def _is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _is_refusal(answer: Answer) -> bool:
    """A redirect, or a 4xx but for a timeout (408): the server did not do it. Any other no tells nothing."""
    return 300 <= answer.status < 500 and answer.status != 408


def _tried(answer: Answer) -> str:
    return f"{answer.method} {answer.url}"


def _words(answer: Answer) -> str:
    """The text of an answer for a person: of a page its title, of JSON its message where it has one."""
    text = answer.text.strip()
    if _is_html(answer):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
        text = f"a page titled {title.group(1).strip()!r}" if title else re.sub(r"<[^>]*>", " ", text)
    else:
        with contextlib.suppress(ValueError):
            text = next(_messages(json_object(answer)), text)
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _messages(value: Mapping[str, Any]) -> Iterator[str]:
    for name in ("msg", "message", "error"):
        message = value.get(name)
        if message and isinstance(message, str):
            yield f"{message} (code {value['code']})" if value.get("code") else message


def _is_html(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "") or answer.text.lstrip()[:1] == "<"


def _jittered(number: int) -> float:
    """The pause after the number-th try, in seconds: about 0.5, 1, 2."""
    return random.uniform(0.75, 1.25) * 2.0 ** (number - 2)


def _retry_after(answer: Answer, otherwise: float) -> float:
    """The pause the server asks for in seconds, within bounds; a date goes by the clock of the server."""
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdecimal():
        return min(float(asked), LONGEST_RETRY_AFTER)
    until, now = _date(asked), _date(answer.headers.get("date", "")) or datetime.now(timezone.utc)
    return otherwise if until is None else min(max((until - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _date(text: str) -> datetime | None:
    """A moment as HTTP writes it (RFC 9110, 5.6.7)."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):  # which of them depends on the Python
        return None
    return found if found.tzinfo else None
