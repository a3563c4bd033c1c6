# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests session: its connections, which notice servers that answer early, and its pools.

requests is imported only when a session is made, since that takes longer than most runs take altogether.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import errno
import http.client
import io
import re
import select
import socket
import ssl
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._http.errors import UnconnectedError, requests_missing
from ansible_collections.assetops.imports.plugins.module_utils._http.proxy import encode_user_info

if TYPE_CHECKING:
    import requests
    from urllib3.connection import HTTPConnection as _AnyConnection
else:
    _AnyConnection = object

INTERIM = re.compile(rb"HTTP/1\.\d 1")  # the beginning of an interim answer
KEEPALIVE = 60  # seconds of silence before a probe, as in curl; firewalls drop connections after minutes of silence
EARLY_ANSWER_TIMEOUT = 5.0  # seconds at most to read what a server said before it stopped reading


def new_session(context: ssl.SSLContext | None, proxy_context: ssl.SSLContext | None) -> requests.Session:
    """A session that uses these TLS contexts, reads no ~/.netrc, and notices servers that answer early."""
    try:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning
    except ImportError as error:
        raise requests_missing(error) from error
    pools = _direct_pools()

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """None: requests parses the target of a redirect even if it must not follow it."""

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, socket_options=_socket_options(), **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            if proxy not in self.proxy_manager and not proxy.startswith("socks"):
                kwargs["proxy_ssl_context"] = proxy_context
            manager = super().proxy_manager_for(proxy, ssl_context=context, socket_options=_socket_options(), **kwargs)
            manager.pool_classes_by_scheme = _socks_pools() if proxy.startswith("socks") else pools
            return manager

        def proxy_headers(self, proxy: str) -> dict[str, str]:
            """The credentials in UTF-8, which requests cannot encode."""
            user_info = urlsplit(proxy).netloc.rpartition("@")[0]
            return {"Proxy-Authorization": f"Basic {encode_user_info(user_info)}"} if user_info else {}

        def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
            """Do nothing: the context says what is trusted, and certifi's list must not be added to it."""

    disable_warnings(InsecureRequestWarning)  # the user has chosen validate_certs: false
    session = Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update({"User-Agent": "assetops.imports", "Accept-Encoding": "identity"})
    session.mount("http://", Adapter())
    session.mount("https://", Adapter())
    return session


def _direct_pools() -> dict[str, Any]:
    """Connection pools that go to the server, or through an HTTP proxy."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class PlainConnection(_EarlyAnswerMixin, HTTPConnection):
        pass

    class SecureConnection(_EarlyAnswerMixin, HTTPSConnection):
        pass

    return _pools(PlainConnection, SecureConnection)


def _socks_pools() -> dict[str, Any]:
    """Connection pools that go through a SOCKS proxy."""
    from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection

    class PlainConnection(_EarlyAnswerMixin, SOCKSConnection):
        is_via_socks = True

    class SecureConnection(_EarlyAnswerMixin, SOCKSHTTPSConnection):
        is_via_socks = True

    return _pools(PlainConnection, SecureConnection)


def _pools(plain_connection: Any, secure_connection: Any) -> dict[str, Any]:
    """The classes of connection pools that use these classes of connections, by scheme."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

    class Pool(HTTPConnectionPool):
        ConnectionCls = plain_connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = secure_connection

    return {"http": Pool, "https": SecurePool}


def _socket_options() -> list[tuple[int, int, int]]:
    """Send at once (no Nagle delay), and TCP keepalive."""
    idle = getattr(socket, "TCP_KEEPIDLE", 0x10 if sys.platform == "darwin" else None)  # called TCP_KEEPALIVE there
    times = [option for option in (idle, getattr(socket, "TCP_KEEPINTVL", None)) if option is not None]
    return [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, option, KEEPALIVE) for option in times),
    ]


class _DeadlineResponse(http.client.HTTPResponse):
    """A response that has to arrive whole, headers and body, within the socket's timeout.

    Otherwise a server that sends a byte now and then could hold a run for ever.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock))

    def begin(self) -> None:
        """Read up to the final answer: http.client skips no interim answer but 100 Continue."""
        super().begin()
        while 102 <= self.status < 200:
            vars(self).update(headers=None, msg=None)  # as before the first one
            super().begin()


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until its timeout, counted from the beginning, is over."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._deadline = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _ClosingResponse(_DeadlineResponse):
    """A response after which the connection is closed: the server may still wait for the rest of the request."""

    def begin(self) -> None:
        super().begin()
        self.will_close = True


class _EarlyAnswerMixin(_AnyConnection):
    """Makes a urllib3 connection notice a server that answers before it has read the whole request.

    A server that refuses an upload (401, 413) often answers and closes while the body is still being sent. Its answer
    says more than the broken pipe that follows. urllib3 reads the answer after a `BrokenPipeError`, so every failure to
    send becomes one.
    """

    response_class: type[_DeadlineResponse] = _DeadlineResponse
    is_via_socks = False
    _is_at_proxy = False  # while the connection to or through the proxy is being made
    _early_timeout: float | None = None  # seconds for reading the answer, once the server has stopped reading

    def connect(self) -> None:
        from urllib3.exceptions import HTTPError

        self._is_at_proxy = self.proxy is not None
        self._early_timeout, self.response_class = None, _DeadlineResponse
        try:
            super().connect()
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise UnconnectedError(is_at_proxy=self._is_at_proxy) from error

    def _new_conn(self) -> Any:
        self._is_at_proxy |= self.is_via_socks
        sock = super()._new_conn()
        self._is_at_proxy &= not self.is_via_socks
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()
        self._is_at_proxy = False

    def send(self, data: Any) -> None:
        if self.sock is None:  # not connected yet: this connects and sends the headers
            super().send(data)
            return
        try:
            if _has_answered(self.sock):
                raise BrokenPipeError(errno.EPIPE, "the server answered early")
            super().send(data)
        except OSError as error:
            self._early_timeout = min(EARLY_ANSWER_TIMEOUT, self.sock.gettimeout() or EARLY_ANSWER_TIMEOUT)
            self.response_class = _ClosingResponse
            raise BrokenPipeError(errno.EPIPE, "the server stopped reading") from error

    def getresponse(self) -> Any:
        if self._early_timeout is not None:
            self.timeout = self._early_timeout
            self.sock.settimeout(self._early_timeout)
        return super().getresponse()


def _has_answered(sock: Any) -> bool:
    """Whether a final answer, or the end of the connection, is ready to be read.

    An interim answer (100 Continue) does not count. Over TLS an answer cannot be told from session tickets.
    """
    if not isinstance(sock, socket.socket) or isinstance(sock, ssl.SSLSocket):
        return False
    poll = select.poll()  # unlike select() it takes any descriptor number
    poll.register(sock, select.POLLIN)
    if not poll.poll(0):
        return False
    beginning = sock.recv(len("HTTP/1.1 1"), socket.MSG_PEEK)
    return not INTERIM.fullmatch(beginning)
