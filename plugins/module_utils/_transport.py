# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire: everything that is done with requests, and all that is known of its ways.

One exchange is one request and its answer; nothing is judged, repeated or followed here. This file is imported only
when something is to be sent, since requests takes longer to import than most runs take altogether.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import errno
import http.client
import io
import os
import re
import select
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.assetops.imports.plugins.module_utils._contract import (
    Answer,
    BadInput,
    Connection,
    ImportsError,
    NoReply,
    sentence,
)
from ansible_collections.assetops.imports.plugins.module_utils._paths import name_of, path_of, shown

if TYPE_CHECKING:
    import requests
    from urllib3.connection import HTTPConnection as _AnyConnection

    from ansible_collections.assetops.imports.plugins.module_utils._multipart import Body
else:
    _AnyConnection = object

LARGEST_ANSWER = 1024 * 1024  # bytes; more than any of the systems answers, and no strain on a small host
INTERIM = re.compile(rb"HTTP/1\.\d 1")  # how an answer begins that is not the final one
UNKNOWN_ISSUER = ". Name the authority that issued it with ca_path"
CERTIFICATE_ADVICE = {  # by OpenSSL's verify code
    **dict.fromkeys((18, 19, 20, 21), UNKNOWN_ISSUER),
    62: ". url has to name the host as the certificate does",
}
NOT_LET_IN = re.compile(r"ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)")  # it wants a certificate, or another one
KEEPALIVE = 60  # seconds of silence, as in curl: some networks forget a connection after four to six minutes
SALVAGE = 5.0  # seconds at most to read what a server said before it stopped listening


class Transport:
    """Exchanges requests for answers, over connections that are kept open between questions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._session = _new_session(_tls_context(connection) if connection.url.startswith("https:") else None)
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
    ) -> Answer:
        """Send one request and read its answer. Raises `NoReply`, and whatever iterating `body` raises.

        A submission has a connection of its own unless it is repeatable: one that lay idle may break on the first
        bytes, and one whose server answered early still waits for the rest. Its answer may take as long as
        `response_timeout`.
        """
        import requests
        import urllib3

        is_alone = is_submission and not is_repeatable
        if is_alone:
            self._session.close()
        patience = self._connection.response_timeout if is_submission else self._connection.timeout
        proxies: dict[str, str] = {}
        if self._connection.use_proxy:
            proxies = requests.utils.get_environ_proxies(url, no_proxy=None)
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body,
                timeout=(self._connection.timeout, patience),
                allow_redirects=False,
                stream=True,
                proxies=proxies,
            ) as response:
                return _read(method, url, response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _no_reply(error) from error
        finally:
            if is_alone or not getattr(body, "committed", True):  # the server may still wait for the rest
                self._session.close()


def _read(method: str, url: str, response: requests.Response) -> Answer:
    body = bytearray()
    for block in response.iter_content(64 * 1024):
        body += block
        if len(body) > LARGEST_ANSWER:
            break
    headers = {name.lower(): value for name, value in response.headers.items()}
    text = body[:LARGEST_ANSWER].decode("utf-8", "replace")
    is_whole = len(body) <= LARGEST_ANSWER
    return Answer(method, url, response.status_code, response.reason or "", headers, text, is_whole)


def _new_session(context: ssl.SSLContext | None) -> requests.Session:
    """A session that trusts what `context` trusts, reads no ~/.netrc, and hears servers that answer early."""
    try:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, disable_warnings
        from urllib3.connection import HTTPConnection, HTTPSConnection
        from urllib3.exceptions import InsecureRequestWarning
    except ImportError as error:
        raise ImportsError(
            f"The Python package requests is needed on {socket.gethostname()}, where this module ran with"
            f" {sys.executable}; {sentence(f'importing it failed: {error}')} Install it there (pip install requests),"
            " or set ansible_python_interpreter to a Python that has it."
        ) from error

    class PlainConnection(_Attentive, HTTPConnection):
        pass

    class SecureConnection(_Attentive, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """Nothing: requests looks where a redirect leads even if it is not to follow it."""

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, socket_options=_socket_options(), **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            kwargs["socket_options"] = _socket_options()
            manager = super().proxy_manager_for(*args, ssl_context=context, **kwargs)
            manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
            return manager

        def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
            """Nothing: the context says what is trusted, and certifi's list is not to be added to it."""

    disable_warnings(InsecureRequestWarning)  # validate_certs: false is the user's word
    session = Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update({"User-Agent": "assetops.imports", "Accept-Encoding": "identity"})
    session.mount("http://", Adapter())
    session.mount("https://", Adapter())
    return session


def _socket_options() -> list[tuple[int, int, int]]:
    """How connections are kept in the memory of the networks between, while a server is silent over an upload."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    names = ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL")  # the second is what macOS calls the first
    return options + [(socket.IPPROTO_TCP, getattr(socket, name), KEEPALIVE) for name in names if hasattr(socket, name)]


class _TimelyResponse(http.client.HTTPResponse):
    """A response that has to come whole, headers and body, within the time that the socket gives one silence.

    A server that sends a byte now and then would hold a run for ever otherwise.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock))

    def begin(self) -> None:
        """Read on to the final answer: http.client knows no interim one but 100 Continue."""
        super().begin()
        while 102 <= self.status < 200:
            vars(self).update(headers=None, msg=None)  # as before the first one
            super().begin()


class _UntilDeadline(io.RawIOBase):
    """What is read from a socket until its timeout, counted from now on, is over."""

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


class _Attentive(_AnyConnection):
    """What is added to urllib3's connections: they notice a server that answers before it has read everything.

    A server that refuses an upload (401, 413) often answers and closes while the body is still being sent. Its answer
    is worth more than the broken pipe that follows. urllib3 goes on to read the answer after a `BrokenPipeError`, so
    that is what every failure to send becomes.
    """

    response_class = _TimelyResponse
    _salvage: float | None = None  # seconds, once the server has stopped listening

    def send(self, data: Any) -> None:
        if self.sock is None:  # not connected yet: this connects, and sends the headers
            super().send(data)
            return
        try:
            if _has_answered(self.sock):
                raise BrokenPipeError(errno.EPIPE, "the server answered early")
            super().send(data)
        except OSError as error:
            self._salvage = min(SALVAGE, self.sock.gettimeout() or SALVAGE)
            raise BrokenPipeError(errno.EPIPE, "the server stopped reading") from error

    def getresponse(self) -> Any:
        if self._salvage is not None:
            self.timeout = self._salvage
            self.sock.settimeout(self._salvage)
        return super().getresponse()


def _has_answered(sock: socket.socket) -> bool:
    """Whether a final answer, or the end of the connection, waits to be read.

    An interim one (100 Continue) does not count. Over TLS none of it can be told from session tickets unread.
    """
    if isinstance(sock, ssl.SSLSocket):
        return False
    poll = select.poll()  # unlike select() it takes any descriptor number
    poll.register(sock, select.POLLIN)
    if not poll.poll(0):
        return False
    beginning = sock.recv(len("HTTP/1.1 1"), socket.MSG_PEEK)
    return not INTERIM.fullmatch(beginning)


def check_files(connection: Connection) -> None:
    """Raise `BadInput` for a file for TLS that is no use, without the time it takes to load the system's trust."""
    _load_files(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), connection)


def _tls_context(connection: Connection) -> ssl.SSLContext:
    """The system's trust, with what the user and REQUESTS_CA_BUNDLE add to it. Made once: it takes a while."""
    context = ssl.create_default_context()
    # On from Python 3.13 on; it refuses internal authorities that curl and any older Python take.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not connection.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _load_files(context, connection)
    return context


def _load_files(context: ssl.SSLContext, connection: Connection) -> None:
    bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    trusted = {
        "ca_path": connection.ca_path and path_of(connection.ca_path),
        "REQUESTS_CA_BUNDLE": bundle and Path(bundle),
    }
    for name, path in trusted.items():
        if path:
            try:
                _trust(context, path)
            except (OSError, ValueError) as error:
                raise _no_use(f"{name}: {shown(path)} cannot be used", path, error) from error
    if connection.client_cert:
        cert = path_of(connection.client_cert)
        key = path_of(connection.client_key) if connection.client_key else None
        try:
            # An encrypted key would ask for its password on the terminal; an empty one makes that an error.
            context.load_cert_chain(cert, key, password="")
        except (OSError, ValueError) as error:
            what = f"client_cert: {shown(cert)} cannot be used with client_key {shown(key) if key else None}"
            barred = key if key and os.access(cert, os.R_OK) else cert
            raise _no_use(what, barred, error) from error


def _no_use(what: str, path: Path, error: Exception) -> BadInput:
    """That a file for TLS is no use, and why."""
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return BadInput(f"{sentence(f'{what}: {_reason(error)}')} Nothing was sent.")
    from ansible_collections.assetops.imports.plugins.module_utils._unusable import where, why_not

    why = why_not(name_of(path), path, error)
    return BadInput(f"{sentence(f'{what}: {why}')} Nothing was sent. It was looked for {where()}.")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"it holds no such thing in PEM, or one with a password ({error.reason or error})"
    return getattr(error, "strerror", None) or str(error)


def _trust(context: ssl.SSLContext, path: Path) -> None:
    """Trust the authorities in a file, or in all files of a folder whatever their names. Raises OSError for none."""
    if not path.is_dir():
        context.load_verify_locations(cafile=path)
        return
    any_loaded = False
    for file in sorted(path.iterdir()):
        with suppress(OSError):  # something else may lie there, too
            context.load_verify_locations(cafile=file)
            any_loaded = True
    if not any_loaded:
        raise OSError(0, "there are no certificates in that folder")


def _no_reply(error: BaseException) -> NoReply:
    """Why no answer came, in words, and what that says about the request."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    causes = _causes(error)
    message, hopeless = _what_happened(error, causes)
    unconnected = any(isinstance(cause, (ConnectTimeoutError, NewConnectionError)) for cause in causes)
    return NoReply(message, hopeless=hopeless, unconnected=unconnected)


def _what_happened(error: BaseException, causes: list[BaseException]) -> tuple[str, bool]:
    """In words, and whether there is no hope. The libraries wrap the cause many times; the innermost says it best."""
    from requests.exceptions import ChunkedEncodingError

    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            advice = CERTIFICATE_ADVICE.get(cause.verify_code, "")
            return f"its certificate is not trusted: {cause.verify_message}{advice}", True
    for cause in reversed(causes):
        if isinstance(cause, http.client.RemoteDisconnected):
            return "the server closed the connection without an answer", False
        if isinstance(cause, http.client.IncompleteRead):
            return "the answer broke off", False
        if isinstance(cause, http.client.HTTPException):
            return "what came back was not HTTP", False
        if isinstance(cause, socket.timeout):
            return "timed out", False
        if isinstance(cause, ssl.SSLError):
            reason = cause.reason or cause.strerror or ""
            return f"TLS could not be agreed on ({reason})", bool(NOT_LET_IN.search(reason))
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[:1].lower() + cause.strerror[1:], False
    if isinstance(error, ChunkedEncodingError):
        return "the answer broke off", False
    return re.sub(r"<.*?>(: )?", "", str(causes[-1])) or type(causes[-1]).__name__, False


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all that it came from, outermost first."""
    causes: list[BaseException] = []
    todo = [error]
    while todo:
        cause = todo.pop(0)
        if cause not in causes:
            causes.append(cause)
            context = None if cause.__suppress_context__ else cause.__context__
            inner = [cause.__cause__, context, getattr(cause, "reason", None), *cause.args]
            todo.extend(item for item in inner if isinstance(item, BaseException))
    return causes
