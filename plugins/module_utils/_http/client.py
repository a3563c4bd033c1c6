# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP client for all systems: which requests may be repeated, and what their answers mean.

There are two kinds of request. They differ by what they do, not by their HTTP method: `ask` changes nothing and may be
repeated; `submit` makes the server do something, is sent whole at most once, and is refused in check mode. Redirects
are never followed.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import base64
import os
import random
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote, urlencode

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    Connection,
    NoReply,
    NotSent,
    Outage,
    OutcomeUnknown,
    Refused,
    as_sentence,
    canonical,
)
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import Secrets
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import (
    date_of,
    is_early_refusal,
    is_final_refusal,
    is_html,
    is_json,
    is_login_page,
    is_refusal,
    is_success,
    parse_http_date,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import describe, not_logged_in

if TYPE_CHECKING:
    from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
    from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport

TRIES = 4
MAX_RETRY_AFTER = 30.0  # seconds; a server that wants a longer pause is asked again by the next run
TRY_AGAIN = (429, 503)
CREDENTIALS = (401, 403)
NEEDS_TLS = re.compile(
    r"plain HTTP request was sent to HTTPS|speaking plain HTTP to an SSL|requires TLS|HTTP request to an HTTPS", re.I
)


def basic_credentials(username: str, password: str) -> dict[str, str]:
    """The header for Basic authentication (RFC 7617), in UTF-8."""
    return {"Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode('ascii')}"}


class UnsafeInCheckMode(Exception):
    """A programming error: check mode came to a request that could change something. It was not sent."""


class Client:
    """Speaks HTTP with one server, as one user.

    `headers` are sent with every request. `pause` waits between tries. `advice`: what a person can do about an answer
    with this HTTP status. `upload` is the body that is being submitted, or None.
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
        """Load what sending needs. Raises `ImportsError` if requests is missing or a certificate cannot be used."""
        self._open()

    def keep_secret(self, value: str) -> None:
        """Keep a secret out of all output, such as a token that the server issued."""
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
        max_size: int | None = None,
    ) -> Answer:
        """Send a request that changes nothing, with or without a body; `headers` are sent with this one only.

        At most `max_size` bytes of the answer are read. Returns an answer that `is_enough`, by default any 2xx. Raises
        `Refused` for a redirect or a 4xx, and `Outage` if no one of the `tries` found a working server.
        """
        url = self._url(path, query)
        content_type, body = _encode_body(form, json_body)
        all_headers = {**self._headers, **(headers or {}), **content_type}
        for number in range(1, tries + 1):
            wait = _backoff(number)
            try:
                answer = self._exchange(method, url, all_headers, body, max_size=max_size)
            except NoReply as error:
                message = self._redact(as_sentence(f"{method} {url}: {error}"))
                outage = Outage(message, is_permanent=error.is_permanent, unconnected=error.unconnected)
                if error.is_permanent:
                    raise outage from None
            else:
                if (is_enough or is_success)(answer):
                    return answer
                if is_refusal(answer) and answer.status not in TRY_AGAIN:
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
        is_from_api: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """Find out, by a request that changes nothing, whether the API is there and accepts this user.

        The answers to such requests are mostly not documented, so any answer of the API is enough, even an error.
        `is_from_api` tells whether a 5xx comes from the API; by default it does if it is JSON. Raises `Refused` for a
        redirect, a page, or credentials that are not accepted, and `Outage` for no answer and for servers in trouble.
        """

        def is_api_answer(answer: Answer) -> bool:
            if answer.status >= 500:
                return (is_from_api or is_json)(answer)
            return is_success(answer) or (answer.status >= 400 and answer.status not in (*CREDENTIALS, *TRY_AGAIN, 408))

        answer = self.ask(method, path, form=form, is_enough=is_api_answer)
        if is_login_page(answer):
            raise not_logged_in(answer)
        if is_html(answer) and not is_json(answer):
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
        """Send a request that makes the server do something. It is sent whole at most once.

        A request that breaks before the body's commit point is tried again. `is_repeatable`: it may be sent whole more
        than once, so it is tried again after the commit point too, and shares a connection with others like it. Returns
        a 2xx answer to the whole request. Raises `NotSent` if the request did not leave whole, `Refused` if the server
        said no, and `OutcomeUnknown` if the answer was lost or does not say what happened.
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
            wait = _backoff(number)
            body.started = False
            try:
                headers = {**self._headers, "Content-Type": body.content_type}
                answer = self._exchange(method, url, headers, body, is_submission=True, is_repeatable=is_repeatable)
            except NoReply as error:
                if last or not is_repeatable:
                    self._judge_no_reply(f"{method} {url}", body, error, last)
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
        """Send, once, a request without a body that makes the server do something.

        The caller commits before it calls this. Returns and raises what `submit` does.
        """
        if self.check_mode:
            raise UnsafeInCheckMode(f"{method} {path}")
        url = self._url(path, query)
        try:
            all_headers = {**self._headers, **(headers or {})}
            answer = self._exchange(method, url, all_headers, is_submission=True)
        except NoReply as error:
            if error.is_permanent or error.unconnected:
                raise NotSent(self._redact(as_sentence(f"{method} {url}: {error}")), unreachable=True) from None
            raise OutcomeUnknown(self._redact(as_sentence(f"{method} {url}: it was sent, but {error}"))) from None
        return self._judge(answer, was_sent=True)

    def _judge_no_reply(self, request_line: str, body: Body, error: NoReply, last: bool) -> None:
        """Raise what it means that no answer came; return if it may be tried again."""
        if error.is_permanent or (last and not body.started):
            raise NotSent(self._redact(as_sentence(f"{request_line}: {error}")), unreachable=True) from None
        if body.committed:
            raise OutcomeUnknown(self._redact(as_sentence(f"{request_line}: all was sent, but {error}"))) from None
        if last:
            raise NotSent(self._redact(as_sentence(f"{request_line}: refused while sending: {error}"))) from None

    def _judge(self, answer: Answer, *, was_sent: bool) -> Answer:
        """Return the answer to a submission if it is a success; raise what it means otherwise."""
        says_no = (is_final_refusal if was_sent else is_early_refusal)(answer)
        if (is_success(answer) or says_no) and is_login_page(answer):
            raise not_logged_in(answer)
        if says_no:
            raise self._refused(answer)
        if not was_sent:
            raise NotSent(f"{describe(answer)} That answer came before everything was sent.", answer)
        if not is_success(answer):
            target = self._redirect_target(answer)
            raise OutcomeUnknown(f"{describe(answer)}{target}{target and '.'}", answer)
        return answer

    def _refused(self, answer: Answer) -> Refused:
        target = self._redirect_target(answer)
        if target:
            advice = f"{target}; redirects are not followed, so set url to where the API really is."
            return Refused(f"{describe(answer)}{advice}", answer)
        advice = self._advice.get(answer.status, "")
        if answer.status in CREDENTIALS:
            advice = f"The credentials, or what their owner may do, are not enough for this. {advice}".rstrip()
            return Refused(f"{describe(answer)} {advice}", answer, credentials=True)
        if NEEDS_TLS.search(answer.text) and answer.url.startswith("http:"):
            return Refused(f"{describe(answer)} TLS is spoken there, so url has to begin with https.", answer)
        return Refused(f"{describe(answer)} {advice}".rstrip(), answer)

    def _redirect_target(self, answer: Answer) -> str:
        """Where a redirect points, as a sentence without its full stop; empty if it is not a redirect."""
        location = answer.headers.get("location")
        if not 300 <= answer.status < 400 or not location:
            return ""
        where = self._redact(location.partition("?")[0].encode("ascii", "backslashreplace").decode("ascii"))
        return f" It points to {where}"

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], *body: Any, **how: Any) -> Answer:
        answer = self._open().exchange(method, url, headers, *body, **how)
        return replace(answer, secrets=self.secrets)

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        """The whole URL; `path` is percent-encoded already, the query is not."""
        encoded = urlencode(query or {}, quote_via=quote, safe="")
        return f"{self._connection.url}{path}" + (f"?{encoded}" if encoded else "")

    def _redact(self, text: str) -> str:
        return self.secrets.redact(text)

    def _open(self) -> Transport:
        if self._opened is None:
            from ansible_collections.assetops.imports.plugins.module_utils._http.proxy import proxy_secrets
            from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport

            for secret in proxy_secrets(os.environ) if self._connection.use_proxy else []:
                self.secrets.add(secret)
            self._opened = Transport(self._connection)
        return self._opened


def _encode_body(form: Mapping[str, str] | None, json_body: Any) -> tuple[dict[str, str], bytes | None]:
    """The header with the content type, and the body; neither if both arguments are None."""
    if json_body is not None:
        return {"Content-Type": "application/json"}, canonical(json_body).encode("utf-8")
    if form is not None:
        return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode("ascii")
    return {}, None


def _backoff(number: int) -> float:
    """The pause after the number-th try, in seconds: about 0.5, 1, 2."""
    return random.uniform(0.75, 1.25) * 2.0 ** (number - 2)


def _retry_after(answer: Answer, otherwise: float) -> float:
    """The pause in seconds that the server asks for (RFC 9110, 10.2.3), within bounds; a date is read by its clock."""
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        return min(float(asked), MAX_RETRY_AFTER)
    then, now = parse_http_date(asked), date_of(answer)
    if then is None:
        return otherwise
    return min(max((then - (now or datetime.now(timezone.utc))).total_seconds(), 0.0), MAX_RETRY_AFTER)
