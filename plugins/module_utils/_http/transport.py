# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One exchange with a server: one request and its answer, or why there is none.

Nothing is judged, repeated or followed here. This file is imported only when something is sent, since requests takes
longer to import than most runs take altogether.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, Connection, NoReply
from ansible_collections.assetops.imports.plugins.module_utils._http.errors import (
    NO_SUCH_NAME,
    causes_of,
    find_unconnected,
    scheme_advice,
    what_happened,
)
from ansible_collections.assetops.imports.plugins.module_utils._http.proxy import proxy_of
from ansible_collections.assetops.imports.plugins.module_utils._http.reading import read_answer
from ansible_collections.assetops.imports.plugins.module_utils._http.session import new_session
from ansible_collections.assetops.imports.plugins.module_utils._http.tls import tls_context

if TYPE_CHECKING:
    from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body

MAX_ANSWER = 1024 * 1024  # bytes; more than any of the systems answers, and little for a small host


class Transport:
    """Sends requests and reads answers, over connections that are kept open between questions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._was_answered = False
        self._proxy = proxy_of(connection) if connection.use_proxy else None
        context, proxy_context = None, None
        if connection.url.startswith("https:"):
            context = tls_context(connection, connection.url)
        if self._proxy and self._proxy.url.startswith("https:"):
            proxy_context = tls_context(replace(connection, client_cert=None, client_key=None), self._proxy.url)
        self._session = new_session(context or proxy_context, proxy_context)
        self._session.verify = connection.validate_certs

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body | bytes | None = None,
        *,
        is_submission: bool = False,
        is_repeatable: bool = False,
        max_size: int | None = None,
    ) -> Answer:
        """Send one request and read its answer. Raises `NoReply`, and whatever iterating `body` raises.

        At most `max_size` bytes of the answer are read, by default `MAX_ANSWER`.

        A submission has a connection of its own unless it is repeatable: an idle connection may break on the first
        bytes, and a server that answered early may still wait for the rest. Its answer may take `response_timeout`.
        """
        import requests
        import urllib3

        if self._proxy and self._proxy.problem:
            raise NoReply(self._proxy.problem, is_permanent=True, unconnected=True)
        has_own_connection = is_submission and not is_repeatable
        if has_own_connection:
            self._session.close()
        read_timeout = self._connection.response_timeout if is_submission else self._connection.timeout
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body,
                timeout=(self._connection.timeout, read_timeout),
                allow_redirects=False,
                stream=True,
                proxies=dict.fromkeys(("http", "https"), self._proxy.url) if self._proxy else {},
            ) as response:
                answer = read_answer(method, url, response, max_size or MAX_ANSWER)
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise self._no_reply(error) from error
        finally:
            if has_own_connection or not getattr(body, "committed", True):  # the server may still wait for the rest
                self._session.close()
        self._check_proxy_login(answer)
        self._was_answered = True
        return answer

    def _check_proxy_login(self, answer: Answer) -> None:
        """Raise `NoReply` if the answer to a plain HTTP request is the proxy's, which wants credentials."""
        if (
            answer.status == 407
            and self._proxy
            and self._proxy.url.startswith("http")
            and answer.url.startswith("http:")
        ):
            raise NoReply(self._proxy.credentials_message(f"407 {answer.reason}"), is_permanent=True, unconnected=True)

    def _no_reply(self, error: BaseException) -> NoReply:
        """The error that says why no answer came."""
        causes = causes_of(error)
        unconnected = find_unconnected(causes)
        if self._proxy and unconnected and unconnected.is_at_proxy:
            message, is_permanent = self._proxy.what_happened(error, causes)
        else:
            message, is_permanent = what_happened(error, causes, "url")
            if not is_permanent and not self._was_answered:
                message += scheme_advice(causes, self._connection.url)
        is_unknown_name = any(isinstance(cause, socket.gaierror) and cause.errno in NO_SUCH_NAME for cause in causes)
        is_permanent |= is_unknown_name and not self._was_answered  # a name that was there before may come back
        return NoReply(message, is_permanent=is_permanent, unconnected=unconnected is not None)
