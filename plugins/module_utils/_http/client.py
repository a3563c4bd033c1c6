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
import email.utils
import http
import ipaddress
import json
import os
import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlencode, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    Connection,
    NoReply,
    NotSent,
    Outage,
    OutcomeUnknown,
    Refused,
    as_sentence,
    canonical,
    shortened,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets

if TYPE_CHECKING:
    from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
    from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport

TRIES = 4
DATE = re.compile(  # in its three forms, of IMF, RFC 850 and asctime, without the weekday
    r"(?<!\d)\d{1,2}[ -][a-z]{3}[ -](\d{4}|\d\d) \d\d:\d\d:\d\d (GMT|UTC?|[+-]\d{4})"
    r"|(?<![a-z])[a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}",
    re.ASCII | re.IGNORECASE,
)
LONGEST_RETRY_AFTER = 30.0  # seconds; a server that wants more rest is asked by the next run
SHOWN = 500  # characters of a server's words in a message
TRY_AGAIN = (429, 503)
CREDENTIALS = (401, 403)
NOT_PROCESSED = (301, 302, 307, 308)  # redirects that ask to send the same elsewhere; a 303 may follow what was done
CLIENT_ERRORS = {*range(400, 408), *range(409, 419), *range(421, 427), 428, 429, 431, 451}  # as HTTP defines them
NEEDS_TLS = re.compile(
    r"plain HTTP request was sent to HTTPS|speaking plain HTTP to an SSL|requires TLS|HTTP request to an HTTPS", re.I
)

DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21}
UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")
IN_A_HOST = r"[A-Za-z0-9._~!$&'()*+,;=-]*"
IN_A_PATH = "/%!$&'()*+,;=:@~"

STATUS_WORDS = r"\b(?:http|error|status|code|message|[1-5]\d\d|1|0)\b"
GATEWAY_WORDS = re.compile(  # how proxies say that they got no answer to pass on, without signs and in lower case
    rf"(?:{STATUS_WORDS} )*(?:upstream (connect error|request timeout|reset|prematurely)|no healthy upstream"
    "|stream timeout|no available server|no server is available|no endpoints available|default backend|bad gateway"
    "|gateway time ?out|proxy error|(the )?service (is |temporarily )*unavailable|backend fetch failed"
    "|local rate limited|(error )?the server encountered (a temporary|an internal) error)"
)


def basic_credentials(username: str, password: str) -> dict[str, str]:
    """The header of HTTP's Basic authentication (RFC 7617), in UTF-8."""
    return {"Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode('ascii')}"}


class UnsafeInCheckMode(Exception):
    """A programming error: check mode reached a request that could change something. It was not sent."""


class Client:
    """Speaks HTTP with one server, as one user.

    `headers` go with every request. `pause` is how time passes between tries. `advice`: what a person is to do about an
    answer of this status. `upload` is what is being submitted, None while nothing is.
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
        self.secrets = secrets
        self.check_mode = check_mode
        self._pause = pause
        self._advice = advice or {}
        self._opened: Transport | None = None
        self.upload: Body | None = None

    def prepare(self) -> None:
        """Load what is needed to send. Raises `ImportsError` where requests is missing or a certificate is no use."""
        self._open()

    def keep_secret(self, value: str) -> None:
        """Keep a secret from view that was learned on the way."""
        self.secrets.add(value)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json_body: Any = None,
        tries: int = TRIES,
        is_enough: Callable[[Answer], bool] | None = None,
        largest: int | None = None,
    ) -> Answer:
        """Send a request that changes nothing, with a body or none; `headers` go with this one only.

        So many bytes of an answer are taken as are the `largest`, by default as many as of any answer.
        Returns an answer that `is_enough`, by default any 2xx. Raises `Refused` for a redirect or a 4xx, and `Outage`
        when `tries` found no server, or one in trouble.
        """
        url = self._url(path, query)
        sent_headers, body = {**self._headers, **(headers or {})}, None
        if json_body is not None:
            sent_headers["Content-Type"] = "application/json"
            body = canonical(json_body).encode("utf-8")
        elif form is not None:
            sent_headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode("ascii")
        for number in range(1, tries + 1):
            wait = _jittered(number)
            try:
                answer = self._exchange(method, url, sent_headers, body, largest=largest)
            except NoReply as error:
                message = self._redact(as_sentence(f"{method} {url}: {error}"))
                outage = Outage(message, is_permanent=error.is_permanent, unconnected=error.unconnected)
                if error.is_permanent:
                    raise outage from None
            else:
                if (is_enough or _is_success)(answer):
                    return answer
                if _is_refusal(answer) and answer.status not in TRY_AGAIN:
                    raise self._refused(answer)
                outage = Outage(describe(answer), answer)
                wait = _retry_after(answer, wait)
            if number < tries:
                self._pause(wait)
        raise outage

    def probe(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        is_of_the_api: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """Find out, by a question that changes nothing, whether the API is there and lets this user in.

        What a server answers to such a question is mostly not documented, so any answer of the API will do, a no to
        the question as well; `is_of_the_api` tells whether one with a status of 5xx is, by default if it is JSON.
        Raises `Refused` for a redirect, a page, or credentials that are not accepted, and `Outage` for silence and
        trouble.
        """

        def is_an_answer(answer: Answer) -> bool:
            if answer.status >= 500:
                return (is_of_the_api or _is_json)(answer)
            return _is_success(answer) or (
                answer.status >= 400 and answer.status not in (*CREDENTIALS, *TRY_AGAIN, 408)
            )

        answer = self.ask(method, path, form=form, is_enough=is_an_answer)
        if is_login_page(answer):
            raise not_logged_in(answer)
        if _is_html(answer) and not _is_json(answer):
            raise Refused(f"{describe(answer)} A page is no answer of the API; is url its address?", answer)
        return answer

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
        request. Raises `NotSent` when it did not leave whole, `Refused` when the server said no, `OutcomeUnknown` when
        its answer was lost or does not tell.
        """
        if self.check_mode:
            raise UnsafeInCheckMode(f"{method} {path}")
        self.upload = body
        try:
            return self._submit(method, self._url(path, query), body, is_repeatable=is_repeatable)
        finally:
            self.upload = None

    def _submit(self, method: str, url: str, body: Body, *, is_repeatable: bool) -> Answer:
        for number in range(1, TRIES + 1):
            last = number == TRIES
            wait = _jittered(number)
            body.started = False
            try:
                headers = {**self._headers, "Content-Type": body.content_type}
                answer = self._exchange(method, url, headers, body, is_submission=True, is_repeatable=is_repeatable)
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
        if self.check_mode:
            raise UnsafeInCheckMode(f"{method} {path}")
        url = self._url(path, query)
        try:
            sent_headers = {**self._headers, **(headers or {})}
            answer = self._exchange(method, url, sent_headers, is_submission=True)
        except NoReply as error:
            if error.is_permanent or error.unconnected:
                raise NotSent(self._redact(as_sentence(f"{method} {url}: {error}")), unreachable=True) from None
            raise OutcomeUnknown(self._redact(as_sentence(f"{method} {url}: it was sent, but {error}"))) from None
        return self._judge(answer, was_sent=True)

    def _judge_silence(self, request_line: str, body: Body, error: NoReply, last: bool) -> None:
        """What it means that no answer came: nothing, if it may be tried again."""
        if error.is_permanent or (last and not body.started):
            raise NotSent(self._redact(as_sentence(f"{request_line}: {error}")), unreachable=True) from None
        if body.committed:
            raise OutcomeUnknown(self._redact(as_sentence(f"{request_line}: all was sent, but {error}"))) from None
        if last:
            raise NotSent(self._redact(as_sentence(f"{request_line}: refused while sending: {error}"))) from None

    def _judge(self, answer: Answer, *, was_sent: bool) -> Answer:
        """What an answer to a submission means."""
        is_refusal = (_is_final_refusal if was_sent else _is_early_refusal)(answer)
        if (_is_success(answer) or is_refusal) and is_login_page(answer):
            raise not_logged_in(answer)
        if is_refusal:
            raise self._refused(answer)
        if not was_sent:
            raise NotSent(f"{describe(answer)} That answer came before everything was sent.", answer)
        if not _is_success(answer):
            where_to = self._where_to(answer)
            raise OutcomeUnknown(f"{describe(answer)}{where_to}{where_to and '.'}", answer)
        return answer

    def _refused(self, answer: Answer) -> Refused:
        where_to = self._where_to(answer)
        if where_to:
            advice = f"{where_to}; redirects are not followed, so set url to where the API really is."
            return Refused(f"{describe(answer)}{advice}", answer)
        advice = self._advice.get(answer.status, "")
        if answer.status in CREDENTIALS:
            advice = f"The credentials, or what their owner may do, are not enough for this. {advice}".rstrip()
            return Refused(f"{describe(answer)} {advice}", answer, credentials=True)
        if NEEDS_TLS.search(answer.text) and answer.url.startswith("http:"):
            return Refused(f"{describe(answer)} TLS is spoken there, so url has to begin with https.", answer)
        return Refused(f"{describe(answer)} {advice}".rstrip(), answer)

    def _where_to(self, answer: Answer) -> str:
        """Where a redirect points, as a sentence without its end; empty for what is none."""
        location = answer.headers.get("location")
        if not 300 <= answer.status < 400 or not location:
            return ""
        where = self._redact(location.partition("?")[0].encode("ascii", "backslashreplace").decode("ascii"))
        return f" It points to {where}"

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], *body: Any, **how: Any) -> Answer:
        answer = self._open().exchange(method, url, headers, *body, **how)
        return replace(answer, secrets=self.secrets)

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        """`path` is percent-encoded already, the query is not."""
        encoded = urlencode(query or {}, quote_via=quote, safe="")
        return f"{self._connection.url}{path}" + (f"?{encoded}" if encoded else "")

    def _redact(self, text: str) -> str:
        return self.secrets.redact(text)

    def _open(self) -> Transport:
        if self._opened is None:
            from ansible_collections.assetops.imports.plugins.module_utils._http.transport import (
                Transport,
                proxy_secrets,
            )

            for secret in proxy_secrets(os.environ) if self._connection.use_proxy else []:
                self.secrets.add(secret)
            self._opened = Transport(self._connection)
        return self._opened


def base_url(url: str) -> str:
    """The URL in its one spelling, as in `normalised_url`, without empty segments in its path or a slash at its end.

    Raises `BadInput` for one that is not a plain http or https URL.
    """
    shown, parts = _split("url", url)
    if "@" in parts.netloc:
        raise BadInput("url holds a user name or a password; give credentials in their own options.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"url {shown!r} is not a URL like https://licstat.example.com.")
    if parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise BadInput(f"url {shown!r} has a query, a fragment, a space or a control character; a base URL has none.")
    scheme, mark, rest = normalised_url("url", url).partition("://")
    return f"{scheme}{mark}{re.sub('/+', '/', rest).rstrip('/')}"


def normalised_url(option: str, url: str) -> str:
    """A URL in the one spelling that all its equivalents have, without user info, query and fragment.

    That is RFC 3986, 6.2.2 and 6.2.3, and IDNA for an international host; the dot that may end a host's name is left
    out, too. Raises `BadInput` for one that has none, and names the option that it is the value of.
    """
    shown, parts = _split(option, url)
    location = re.fullmatch(r"(\[.*\]|[^:\[\]]*)(?::([0-9]*))?", parts.netloc.rpartition("@")[2])
    if location is None:
        raise BadInput(f"{option} {shown!r} is not a URL.")
    try:
        host = _normalised_host(location[1])
        path = _normalised_path(parts.path)
    except ValueError as error:
        raise BadInput(f"{option} {shown!r} is not a URL: {error}.") from None
    port = (location[2] or "").lstrip("0")
    if location[2] and not (port and len(port) <= 5 and int(port) < 65536):
        raise BadInput(f"{option} {shown!r} is not a URL: its port is none.")
    where = f"{host}:{port}" if port and int(port) != DEFAULT_PORTS.get(parts.scheme) else host
    return f"{parts.scheme}://{where}{path}"


def _split(option: str, url: str) -> tuple[str, SplitResult]:
    """The URL as it may be shown, and its parts. What may be secret in it is not repeated."""
    shown = re.sub(r"^.*@", "...@", re.split(r"[?#]", url)[0], flags=re.DOTALL)
    try:
        return shown, urlsplit(url)
    except ValueError:
        raise BadInput(f"{option} {shown!r} is not a URL.") from None


def _normalised_host(host: str) -> str:
    """An address of IPv6 in short, a name in lower case and ASCII. Raises ValueError."""
    if host.startswith("["):
        address, mark, zone = host[1:-1].partition("%")
        version6 = ipaddress.IPv6Address(address)
        short = f"::ffff:{version6.ipv4_mapped}" if version6.ipv4_mapped else version6.compressed
        return f"[{short}{mark}{zone}]"
    name = _percent_decoded(host)
    name = name.lower() if name.isascii() else _international(name)
    if not re.fullmatch(IN_A_HOST, name) or re.search(r"^\.|\.\.", name):
        raise ValueError(f"no host is called {name!r}")
    return name[:-1] if name.endswith(".") else name


def _percent_decoded(host: str) -> str:
    _check_percents(host)
    try:
        return unquote_to_bytes(host).decode("utf-8")
    except UnicodeError:
        raise ValueError("its host is no UTF-8") from None


def _international(name: str) -> str:
    """The name as it is looked up (IDNA 2008, with the mapping of UTS 46 as in browsers). Raises ValueError."""
    try:
        import idna
    except ImportError as error:
        raise ValueError(f"the Python package idna is needed for a host like {name!r}; it failed: {error}") from None
    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError(f"no host is called {name!r} ({error})") from None


def _normalised_path(path: str) -> str:
    """What need not be percent-encoded is not, all else is, and no segment is `.` or `..`. Raises ValueError."""
    _check_percents(path)
    try:
        encoded = quote(path, safe=IN_A_PATH)
    except UnicodeError:
        raise ValueError("its path is no UTF-8") from None
    return _without_dots(re.sub("%..", _unless_unreserved, encoded))


def _check_percents(text: str) -> None:
    broken = re.search("%(?![0-9A-Fa-f]{2}).{0,2}", text, re.DOTALL)
    if broken:
        raise ValueError(f"{broken[0]!r} in it is no character that is percent-encoded; a percent sign itself is %25")


def _unless_unreserved(encoded: re.Match[str]) -> str:
    byte = unquote_to_bytes(encoded[0])
    return byte.decode("ascii") if UNRESERVED.fullmatch(byte) else encoded[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4, for a path that is absolute."""
    kept: list[str] = []
    *folders, last = path.split("/")[1:] or [""]
    for segment in folders:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if last == "..":
        del kept[-1:]
    return "".join(f"/{segment}" for segment in [*kept, "" if last in (".", "..") else last])


def describe(answer: Answer) -> str:
    """What was tried, where, and what the server said, in one sentence and the vendor's words."""
    status = f"HTTP {answer.status} {answer.secrets.redact(answer.reason)}".rstrip()
    words = _words(answer)
    return as_sentence(f"{request_line(answer)}: {status}{': ' + words if words else ''}")


def request_line(answer: Answer) -> str:
    """What an answer is the answer to."""
    return f"{answer.method} {answer.secrets.redact(answer.url)}"


def json_object(answer: Answer) -> dict[str, Any]:
    """The JSON object that a whole answer is, whatever it is called. Raises ValueError for anything else.

    Half a surrogate pair, which JSON can hold and no text can, is replaced.
    """
    if not answer.is_whole:
        raise ValueError("not all of it is known")
    try:
        value = json.loads(answer.text)
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        value = json.loads(text.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("JSON too deep to be right") from None
    if not isinstance(value, dict):
        raise ValueError("JSON, but no object")
    return value


def date_of(answer: Answer) -> datetime | None:
    """When the server answered, by its own clock (RFC 9110, Date); None where it does not say."""
    return _first_date(answer.headers.get("date", ""))


def is_login_page(answer: Answer) -> bool:
    """A page with a field for a password: whoever answers so did not take a request for what it was."""
    return _is_html(answer) and re.search(r"<input[^>]*type=[\"']?password", answer.text, re.IGNORECASE) is not None


def not_logged_in(answer: Answer) -> Refused:
    """What a page to log in means where an answer was expected."""
    return Refused(
        f"{request_line(answer)}: the answer is a page to log in, so the credentials were not accepted, or this is not"
        " the address of the API.",
        answer,
        credentials=True,
    )


def _is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _is_json(answer: Answer) -> bool:
    try:
        json_object(answer)
    except ValueError:
        return False
    return True


def _is_refusal(answer: Answer) -> bool:
    """A redirect, or a 4xx that HTTP defines but for a timeout (408). What any other means is not known."""
    return 300 <= answer.status < 400 or answer.status in CLIENT_ERRORS


def _is_early_refusal(answer: Answer) -> bool:
    """The same for an answer that came before all was sent: nothing can have been done, whatever the number."""
    return 300 <= answer.status < 500 and answer.status != 408


def _is_final_refusal(answer: Answer) -> bool:
    """The same for an answer to all that was sent: nothing but what says that nothing was done."""
    return answer.status in NOT_PROCESSED or answer.status in CLIENT_ERRORS


def is_generic(answer: Answer) -> bool:
    """Whether the words of an answer say no more than its status, or are those of a gateway before the server."""
    spoken = _plain(re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", answer.text, flags=re.IGNORECASE | re.DOTALL))
    phrases = {_plain(answer.reason), *(_plain(status.phrase) for status in http.HTTPStatus if status == answer.status)}
    rest = spoken
    for phrase in sorted(phrases - {""}, key=len, reverse=True):
        rest = re.sub(rf"\b{re.escape(phrase)}\b", " ", rest)
    return re.fullmatch(rf"\s*(?:{STATUS_WORDS}\s*)*", rest) is not None or GATEWAY_WORDS.match(spoken) is not None


def _plain(text: str) -> str:
    """The words of a text: in lower case, and without the signs between them."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _words(answer: Answer) -> str:
    """The text of an answer for a person: of a page its title, of JSON its message where it has one.

    Secrets are taken out before anything is trimmed: half a secret is one, too.
    """
    if not answer.text.strip() and not answer.is_whole:
        return f"its content encoding {answer.headers.get('content-encoding', '')!r} is not one that was asked for"
    redact = answer.secrets.redact
    title = re.search(r"<title[^>]*>(.*?)</title", answer.text, re.IGNORECASE | re.DOTALL) if _is_html(answer) else None
    if title:
        text = f"a page titled {redact(title.group(1)).strip()!r}"
    elif _is_html(answer):
        text = re.sub(r"<[^>]*>", " ", redact(answer.text))
    else:
        text = redact(_message(answer) or answer.text)
    text = " ".join(text.split()).rstrip(".")
    return shortened(text, SHOWN)


def _message(answer: Answer) -> str | None:
    """The message in an answer that is JSON."""
    try:
        return next(_messages(json_object(answer)), None)
    except ValueError:
        return None


def _messages(value: Mapping[str, Any]) -> Iterator[str]:
    for name in ("msg", "message", "error"):
        message = value.get(name)
        if message and isinstance(message, str):
            yield f"{message} (code {value['code']})" if value.get("code") else message


def _is_html(answer: Answer) -> bool:
    """Whether it is a page: it begins like one, or is called one and does not begin like JSON."""
    beginning = answer.text.lstrip()[:1]
    return beginning == "<" or (
        beginning not in ("{", "[") and "html" in answer.headers.get("content-type", "").lower()
    )


def _jittered(number: int) -> float:
    """The pause after the number-th try, in seconds: about 0.5, 1, 2."""
    return random.uniform(0.75, 1.25) * 2.0 ** (number - 2)


def _retry_after(answer: Answer, otherwise: float) -> float:
    """The pause the server asks for in seconds, or by the clock that it tells (RFC 9110, 10.2.3), within bounds."""
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        return min(float(asked), LONGEST_RETRY_AFTER)
    then, now = _first_date(asked), date_of(answer)
    if then is None:
        return otherwise
    return min(max((then - (now or datetime.now(timezone.utc))).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _first_date(text: str) -> datetime | None:
    """The first valid date of HTTP in a header, as a proxy may add its own (RFC 9110, 5.6.7).

    The weekday says nothing new, and one before 1970 is that of no clock.
    """
    for found in DATE.finditer(text):
        try:
            date = email.utils.parsedate_to_datetime(found.group().replace(":60", ":59"))  # a leap second
            date = date.astimezone(timezone.utc) if date.tzinfo else date.replace(tzinfo=timezone.utc)
        except (TypeError, ValueError, IndexError, OverflowError):  # which of them depends on the Python
            continue
        if date.year >= 1970:
            return date
    return None
