# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire: everything that is done with requests, and all that is known of its ways.

One exchange is one request and its answer; nothing is judged, repeated or followed here. This file is imported only
when something is to be sent, since requests takes longer to import than most runs take altogether.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import base64
import codecs
import errno
import http.client
import importlib
import io
import json
import os
import re
import select
import socket
import ssl
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import (
    Answer,
    BadInput,
    Connection,
    ImportsError,
    NoReply,
    as_sentence,
)
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import name_of, path_of, shown

if TYPE_CHECKING:
    import requests
    from urllib3.connection import HTTPConnection as _AnyConnection

    from ansible_collections.assetops.imports.plugins.module_utils._http.multipart import Body
else:
    _AnyConnection = object

LARGEST_ANSWER = 1024 * 1024  # bytes; more than any of the systems answers, and no strain on a small host
INTERIM = re.compile(rb"HTTP/1\.\d 1")  # how an answer begins that is not the final one
NEITHER_TEXT_NOR_QUICK = ("idna", "punycode")  # encodings that take the square of a text's length
UNKNOWN_ISSUER = ". Name the authority that issued it with ca_path"
CERTIFICATE_ADVICE = {  # by OpenSSL's verify code
    **dict.fromkeys((18, 19, 20, 21), UNKNOWN_ISSUER),
    **dict.fromkeys((62, 64), ". {option} has to name the host as the certificate does"),
}
NOT_LET_IN = re.compile(r"ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)")  # it wants a certificate, or another one
NO_TLS = re.compile("WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE")
TLS_ALERT = re.compile(r"\x15\x03[\x00-\x04]")  # what a server that speaks TLS answers to anything else
HUNG_UP = (ConnectionResetError, http.client.BadStatusLine, ssl.SSLEOFError, ssl.SSLZeroReturnError)
NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, which Python 3.9 has no name for
KEEPALIVE = 60  # seconds of silence before each probe, as in curl; firewalls forget a connection after a few minutes
SHORTEST_SECRET = 4  # characters; what is shorter stands in too many words
SALVAGE = 5.0  # seconds at most to read what a server said before it stopped listening


class Transport:
    """Exchanges requests for answers, over connections that are kept open between questions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._was_answered = False
        self._proxy = _proxy_of(connection) if connection.use_proxy else None
        context, proxy_context = None, None
        if connection.url.startswith("https:"):
            context = _tls_context(connection, connection.url)
        if self._proxy and self._proxy.url.startswith("https:"):
            proxy_context = _tls_context(replace(connection, client_cert=None, client_key=None), self._proxy.url)
        self._session = _new_session(context or proxy_context, proxy_context)
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
        largest: int | None = None,
    ) -> Answer:
        """Send one request and read its answer. Raises `NoReply`, and whatever iterating `body` raises.

        `largest`: so many bytes of the answer are taken, by default `LARGEST_ANSWER`.

        A submission has a connection of its own unless it is repeatable: one that lay idle may break on the first
        bytes, and one whose server answered early still waits for the rest. Its answer may take as long as
        `response_timeout`.
        """
        import requests
        import urllib3

        if self._proxy and self._proxy.trouble:
            raise NoReply(self._proxy.trouble, is_permanent=True, unconnected=True)
        is_alone = is_submission and not is_repeatable
        if is_alone:
            self._session.close()
        patience = self._connection.response_timeout if is_submission else self._connection.timeout
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body,
                timeout=(self._connection.timeout, patience),
                allow_redirects=False,
                stream=True,
                proxies=dict.fromkeys(("http", "https"), self._proxy.url) if self._proxy else {},
            ) as response:
                answer = _read(method, url, response, largest or LARGEST_ANSWER)
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise self._no_reply(error) from error
        finally:
            if is_alone or not getattr(body, "committed", True):  # the server may still wait for the rest
                self._session.close()
        if answer.status == 407 and self._proxy and self._proxy.url.startswith("http") and url.startswith("http:"):
            raise NoReply(self._proxy.wants_credentials(f"407 {answer.reason}"), is_permanent=True, unconnected=True)
        self._was_answered = True
        return answer

    def _no_reply(self, error: BaseException) -> NoReply:
        """Why no answer came, in words, and what that says about the request."""
        causes = _causes(error)
        unconnected = _unconnected(causes)
        if self._proxy and unconnected and unconnected.is_at_proxy:
            message, is_permanent = self._proxy.what_happened(error, causes)
        else:
            message, is_permanent = _what_happened(error, causes, "url")
            if not is_permanent and not self._was_answered:
                message += _other_scheme(causes, self._connection.url)
        is_unknown = any(isinstance(cause, socket.gaierror) and cause.errno in NO_SUCH_NAME for cause in causes)
        is_permanent |= is_unknown and not self._was_answered  # once there, a name may come back
        return NoReply(message, is_permanent=is_permanent, unconnected=unconnected is not None)


@dataclass(frozen=True)
class _Proxy:
    """A proxy, and the variable that names it; `trouble` is why it cannot even be tried, in words."""

    url: str
    variable: str
    trouble: str = ""

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
        return f"the proxy {host}:{port} ({self.variable})"

    def what_happened(self, error: BaseException, causes: list[BaseException]) -> tuple[str, bool]:
        """In words that name the proxy, and whether there is no hope."""
        for cause in causes:
            refusal = re.match(r"Tunnel connection failed: (\d+) ?(.*)", str(cause))
            if refusal and refusal[1] == "407":
                return self.wants_credentials(f"407 {refusal[2]}"), True
            if refusal:
                return f"{self} did not connect to the server: {refusal[1]} {refusal[2]}".rstrip(), False
        message, is_permanent = _what_happened(error, causes, self.variable)
        return f"{self}: {message}", is_permanent

    def wants_credentials(self, status: str) -> str:
        return f"{self} wants a user and a password, or others than {self.variable} has: {status}".rstrip()


def _proxy_of(connection: Connection) -> _Proxy | None:
    """The proxy that the environment has for a server, as requests finds it."""
    try:
        from requests.utils import get_environ_proxies, select_proxy
    except ImportError as error:
        raise _without_requests(error) from error
    proxies = get_environ_proxies(connection.url, no_proxy=None)
    found = select_proxy(connection.url, proxies)
    if not found:
        return None
    scheme = connection.url.partition(":")[0]
    names = [f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY", *os.environ]
    is_it = re.compile(rf"({scheme}|all)_proxy", re.IGNORECASE)
    known = [name for name in names if is_it.fullmatch(name) and os.environ.get(name) == found]
    return _checked_proxy(found, known[0] if known else f"{scheme}_proxy")


def _checked_proxy(given: str, variable: str) -> _Proxy:
    """The proxy behind a URL of which nothing is kept but scheme, user info, host and port."""
    malformed = (
        f"{variable} is no URL like http://proxy.example.com:8080 or http://user:password@proxy.example.com:8080;"
        " a sign in user or password that means something in a URL (/ # ? @ :) has to be percent-encoded"
    )
    try:
        parts = _proxy_parts(given)
        port = parts.port
    except ValueError:
        return _Proxy("", variable, malformed)
    is_known = parts.scheme in ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
    after = f"{parts.path}{parts.query}{parts.fragment}"
    user_info, at_sign, where = parts.netloc.rpartition("@")
    if not is_known or not parts.hostname or port == 0 or "@" in f"{user_info}{after}" or re.search(r"[\s\0\\]", given):
        return _Proxy("", variable, malformed)
    proxy = _Proxy(f"{parts.scheme}://{user_info}{at_sign}{where}", variable)
    if parts.scheme.startswith("socks"):
        try:
            importlib.import_module("socks")
        except ImportError as error:
            return _Proxy(proxy.url, variable, _without_socks(proxy, error))
    return proxy


def _proxy_parts(url: str) -> SplitResult:
    """The parts of a proxy's URL, which may lack its scheme. Raises ValueError."""
    if re.match(r"(https?|socks\w*):(?!//)", url, re.IGNORECASE):
        raise ValueError("a scheme without slashes")
    return urlsplit(url if "://" in url else f"http://{url}")


def proxy_secrets(environment: Mapping[str, str]) -> list[str]:
    """What is secret in the proxies' URLs of an environment: all but scheme, host and port, in each of its forms."""
    names = re.compile("(http|https|all)_proxy", re.IGNORECASE)
    values = (value for name, value in environment.items() if names.fullmatch(name))
    secrets = {secret for value in values for secret in _secrets_in(value)}
    return sorted(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)


def _secrets_in(url: str) -> Iterator[str]:
    """However it is read: what is before the last @ may be user info, though it holds signs that end a host."""
    rest = url.partition("://")[2] or url
    user_info = rest.rpartition("@")[0]
    parts = user_info.split(":")
    for number in range(len(parts)):
        secret = ":".join(parts[number:])
        yield from (secret, unquote(secret))
    if user_info:
        yield _basic(user_info)
    for sign in "/?#":
        secret = rest.partition(sign)[2]
        for part in (secret, *re.split("[?#]", secret)):
            yield from (part, unquote(part))


def _basic(user_info: str) -> str:
    """The user info of a URL as Basic credentials (RFC 7617)."""
    user, _colon, password = user_info.partition(":")
    return base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode("utf-8", "surrogateescape")).decode("ascii")


def _without_socks(proxy: _Proxy, error: ImportError) -> str:
    return (
        f"{proxy} speaks SOCKS, for which the Python package PySocks is needed on {socket.gethostname()}, where this"
        f" module ran with {sys.executable}; importing it failed: {error}. Install it there (pip install PySocks), set"
        " ansible_python_interpreter to a Python that has it, or name another proxy"
    )


def _read(method: str, url: str, response: requests.Response, largest: int) -> Answer:
    """The answer, of which no more than `largest` bytes are taken, read or unpacked."""
    body, block = bytearray(), b"."
    while block and len(body) <= largest:
        block = response.raw.read(64 * 1024, decode_content=False)
        body += block
    is_whole = len(body) <= largest
    if is_whole and response.raw.length_remaining:  # urllib3 1.26 does not look
        raise http.client.IncompleteRead(b"", response.raw.length_remaining)
    headers = {name.lower(): value for name, value in response.headers.items()}
    unpacked = _unpacked(bytes(body), headers.get("content-encoding", ""), largest, is_whole=is_whole)
    if unpacked is None:
        return Answer(method, url, response.status_code, response.reason or "", headers, "", is_whole=False)
    is_whole = is_whole and len(unpacked) <= largest
    charset = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", headers.get("content-type", ""), re.IGNORECASE)
    text = _decoded(unpacked[:largest], charset[1] if charset else "utf-8", is_whole=is_whole)
    return Answer(method, url, response.status_code, response.reason or "", headers, text, is_whole)


def _unpacked(body: bytes, encodings: str, largest: int, *, is_whole: bool) -> bytes | None:
    """A body without its content encoding, up to a byte more than the bound; None where that cannot be undone.

    None was asked for. One layer is taken off all the same, but no more: each may make a thousand bytes of one.
    """
    layers = [name for name in re.split(r"[\s,]+", encodings.lower()) if name not in ("", "identity")]
    if not layers or not body:
        return body
    if len(layers) > 1 or layers[0] not in ("gzip", "x-gzip", "deflate"):
        return None
    try:
        if layers[0] == "deflate":
            return _inflated(
                body, zlib.MAX_WBITS if body[0] & 0x0F == 8 else -zlib.MAX_WBITS, largest, is_whole=is_whole
            )
        return _inflated(body, 16 + zlib.MAX_WBITS, largest, is_whole=is_whole)
    except zlib.error as error:
        raise NoReply(f"the answer could not be unpacked from {layers[0]}") from error


def _inflated(body: bytes, window: int, largest: int, *, is_whole: bool) -> bytes:
    """Raises `zlib.error`, and `IncompleteRead` where the end is missing."""
    inflated = bytearray()
    while True:
        unpacker = zlib.decompressobj(window)
        inflated += unpacker.decompress(body, largest + 1 - len(inflated))
        if len(inflated) > largest or not is_whole:
            return bytes(inflated)
        if not unpacker.eof:
            raise http.client.IncompleteRead(b"")
        body = unpacker.unused_data
        if not body.startswith(b"\x1f\x8b"):  # gzip may have more than one member
            return bytes(inflated)


def _decoded(body: bytes, charset: str, *, is_whole: bool) -> str:
    """The text that the bytes are, whatever they are called: servers name a wrong encoding, or none, for right JSON."""
    for encoding in (json.detect_encoding(body), "utf-8"):
        with suppress(UnicodeError):
            return codecs.getincrementaldecoder(encoding)().decode(body, is_whole)
    with suppress(UnicodeError, LookupError):
        if codecs.lookup(charset).name not in NEITHER_TEXT_NOR_QUICK:
            return body.decode(charset, "strict" if is_whole else "replace")
    return body.decode("utf-8", "replace")


def _new_session(context: ssl.SSLContext | None, proxy_context: ssl.SSLContext | None) -> requests.Session:
    """A session that trusts what `context` trusts, reads no ~/.netrc, and hears servers that answer early."""
    try:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, disable_warnings
        from urllib3.connection import HTTPConnection, HTTPSConnection
        from urllib3.exceptions import InsecureRequestWarning
    except ImportError as error:
        raise _without_requests(error) from error

    class PlainConnection(_Attentive, HTTPConnection):
        pass

    class SecureConnection(_Attentive, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    pools = {"http": Pool, "https": SecurePool}

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """Nothing: requests looks where a redirect leads even if it is not to follow it."""

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
            """In UTF-8, which requests does not take."""
            user_info = urlsplit(proxy).netloc.rpartition("@")[0]
            return {"Proxy-Authorization": f"Basic {_basic(user_info)}"} if user_info else {}

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


def _without_requests(error: ImportError) -> ImportsError:
    return ImportsError(
        f"The Python package requests is needed on {socket.gethostname()}, where this module ran with"
        f" {sys.executable}; importing it failed: {error}. Install it there (pip install requests), or set"
        " ansible_python_interpreter to a Python that has it."
    )


def _socks_pools() -> dict[str, Any]:
    """Pools whose connections go through a SOCKS proxy."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection

    class PlainConnection(_Attentive, SOCKSConnection):
        is_via_socks = True

    class SecureConnection(_Attentive, SOCKSHTTPSConnection):
        is_via_socks = True

    class Pool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}


def _socket_options() -> list[tuple[int, int, int]]:
    """No waiting for more to send, and TCP keepalive."""
    idle = getattr(socket, "TCP_KEEPIDLE", 0x10 if sys.platform == "darwin" else None)  # there it is TCP_KEEPALIVE
    times = [option for option in (idle, getattr(socket, "TCP_KEEPINTVL", None)) if option is not None]
    return [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, option, KEEPALIVE) for option in times),
    ]


class _UnconnectedError(OSError):
    """There was no connection to send the request over. `is_at_proxy`: not even one to, or through, the proxy."""

    def __init__(self, *, is_at_proxy: bool) -> None:
        super().__init__()
        self.is_at_proxy = is_at_proxy


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


class _LastResponse(_TimelyResponse):
    """The response on a connection that is of no use after it: the server still waits for the rest of the request."""

    def begin(self) -> None:
        super().begin()
        self.will_close = True


class _Attentive(_AnyConnection):
    """What is added to urllib3's connections: they notice a server that answers before it has read everything.

    A server that refuses an upload (401, 413) often answers and closes while the body is still being sent. Its answer
    is worth more than the broken pipe that follows. urllib3 goes on to read the answer after a `BrokenPipeError`, so
    that is what every failure to send becomes.
    """

    response_class: type[_TimelyResponse] = _TimelyResponse
    is_via_socks = False
    _is_at_proxy = False  # while it is with the proxy that a connection is made
    _salvage: float | None = None  # seconds, once the server has stopped listening

    def connect(self) -> None:
        from urllib3.exceptions import HTTPError

        self._is_at_proxy = self.proxy is not None
        self._salvage, self.response_class = None, _TimelyResponse
        try:
            super().connect()
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise _UnconnectedError(is_at_proxy=self._is_at_proxy) from error

    def _new_conn(self) -> Any:
        self._is_at_proxy |= self.is_via_socks
        sock = super()._new_conn()
        self._is_at_proxy &= not self.is_via_socks
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()
        self._is_at_proxy = False

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
            self.response_class = _LastResponse
            raise BrokenPipeError(errno.EPIPE, "the server stopped reading") from error

    def getresponse(self) -> Any:
        if self._salvage is not None:
            self.timeout = self._salvage
            self.sock.settimeout(self._salvage)
        return super().getresponse()


def _has_answered(sock: Any) -> bool:
    """Whether a final answer, or the end of the connection, waits to be read.

    An interim one (100 Continue) does not count. Over TLS none of it can be told from session tickets unread.
    """
    if not isinstance(sock, socket.socket) or isinstance(sock, ssl.SSLSocket):
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


class _Context(ssl.SSLContext):
    """A context for one host. urllib3 1.26 does not name it where it is an IP address, and then nothing is checked."""

    host: str | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **self._named(options))

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **self._named(options))

    def _named(self, options: dict[str, Any]) -> dict[str, Any]:
        return {**options, "server_hostname": options.get("server_hostname") or self.host}


def _tls_context(connection: Connection, url: str) -> ssl.SSLContext:
    """The system's trust, with what the user and REQUESTS_CA_BUNDLE add to it. Made once: it takes a while."""
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.host = urlsplit(url).hostname
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # since Python 3.13; it refuses authorities that all else takes
    context.verify_flags |= PARTIAL_CHAIN  # what is named is trusted, be it no root
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
        return BadInput(f"{as_sentence(f'{what}: {_reason(error)}')} Nothing was sent.")
    from ansible_collections.assetops.imports.plugins.module_utils._files.unusable import where, why_not

    why = why_not(name_of(path), path, error)
    return BadInput(f"{as_sentence(f'{what}: {why}')} Nothing was sent. It was looked for {where()}.")


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


def _what_happened(error: BaseException, causes: list[BaseException], option: str) -> tuple[str, bool]:
    """In words, and whether there is no hope. `option` is what the URL was given by with which it happened.

    The libraries wrap the cause many times; the innermost says it best.
    """
    from urllib3.exceptions import LocationValueError

    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            advice = CERTIFICATE_ADVICE.get(cause.verify_code, "").format(option=option)
            return f"its certificate is not trusted: {cause.verify_message.rstrip('.')}{advice}", True
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError):
            return _what_happened_to_tls(cause, option, is_connected=_unconnected(causes) is None)
        if isinstance(cause, http.client.BadStatusLine) and TLS_ALERT.match(getattr(cause, "line", "")):
            return f"{option} begins with http, but TLS is spoken there; begin it with https", True
        words = _in_words(cause)
        if words:
            return words, False
    if isinstance(error, ValueError) or any(isinstance(cause, LocationValueError) for cause in causes):
        return f"{option} is not a URL that can be asked: {_last_words(causes)}", True
    return _last_words(causes), False


def _what_happened_to_tls(error: ssl.SSLError, option: str, *, is_connected: bool) -> tuple[str, bool]:
    reason = error.reason or error.strerror or ""
    if not is_connected and NO_TLS.search(reason.upper().replace(" ", "_")):
        words = f"{option} begins with https, but what is spoken there is not TLS ({reason})"
        return f"{words}; if it is plain HTTP, begin it with http", True
    return f"TLS could not be agreed on ({reason})", bool(NOT_LET_IN.search(reason))


def _other_scheme(causes: list[BaseException], url: str) -> str:
    """What else may be the matter where a server hangs up on the first request to it."""
    if not any(isinstance(cause, HUNG_UP) for cause in causes):
        return ""
    if url.startswith("https:"):
        is_plain = _unconnected(causes) is not None
        return ". If it is plain HTTP that is spoken there, url has to begin with http" if is_plain else ""
    return ". If it is TLS that is spoken there, url has to begin with https"


def _unconnected(causes: list[BaseException]) -> _UnconnectedError | None:
    return next((cause for cause in causes if isinstance(cause, _UnconnectedError)), None)


def _in_words(cause: BaseException) -> str:
    """What happened, if this says it well; empty if not."""
    from requests.exceptions import ChunkedEncodingError

    if isinstance(cause, http.client.RemoteDisconnected):
        return "the server closed the connection without an answer"
    if isinstance(cause, (http.client.IncompleteRead, ChunkedEncodingError)):
        return "the answer broke off"
    if isinstance(cause, http.client.HTTPException):
        return "what came back was not HTTP"
    if isinstance(cause, socket.timeout):
        return "timed out"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror[:1].lower() + cause.strerror[1:]
    return ""


def _last_words(causes: list[BaseException]) -> str:
    return re.sub(r"<.*?>(: )?", "", str(causes[-1])) or type(causes[-1]).__name__


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
