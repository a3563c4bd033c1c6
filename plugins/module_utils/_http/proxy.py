# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies: which one the environment names for a server, what is secret in its URL, and what goes wrong with it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import base64
import importlib
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Connection
from ansible_collections.assetops.imports.plugins.module_utils._http.errors import requests_missing, what_happened

MIN_SECRET = 4  # characters; a shorter text is part of too many words


@dataclass(frozen=True)
class Proxy:
    """A proxy, and the environment variable that names it. `problem`: why it cannot be used at all, in words."""

    url: str
    variable: str
    problem: str = ""

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
        return f"the proxy {host}:{port} ({self.variable})"

    def what_happened(self, error: BaseException, causes: list[BaseException]) -> tuple[str, bool]:
        """What happened, in words that name the proxy, and whether it is permanent."""
        for cause in causes:
            refusal = re.match(r"Tunnel connection failed: (\d+) ?(.*)", str(cause))
            if refusal and refusal[1] == "407":
                return self.credentials_message(f"407 {refusal[2]}"), True
            if refusal:
                return f"{self} did not connect to the server: {refusal[1]} {refusal[2]}".rstrip(), False
        message, is_permanent = what_happened(error, causes, self.variable)
        return f"{self}: {message}", is_permanent

    def credentials_message(self, status: str) -> str:
        return f"{self} wants a user and a password, or others than {self.variable} has: {status}".rstrip()


def proxy_of(connection: Connection) -> Proxy | None:
    """The proxy that the environment names for a server, chosen as requests chooses it."""
    try:
        from requests.utils import get_environ_proxies, select_proxy
    except ImportError as error:
        raise requests_missing(error) from error
    proxies = get_environ_proxies(connection.url, no_proxy=None)
    found = select_proxy(connection.url, proxies)
    if not found:
        return None
    scheme = connection.url.partition(":")[0]
    names = [f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY", *os.environ]
    proxy_name = re.compile(rf"({scheme}|all)_proxy", re.IGNORECASE)
    variables = [name for name in names if proxy_name.fullmatch(name) and os.environ.get(name) == found]
    return _parse_proxy(found, variables[0] if variables else f"{scheme}_proxy")


def _parse_proxy(given: str, variable: str) -> Proxy:
    """The proxy of a URL, of which only scheme, user info, host and port are used."""
    malformed = (
        f"{variable} is no URL like http://proxy.example.com:8080 or http://user:password@proxy.example.com:8080;"
        " a sign in user or password that means something in a URL (/ # ? @ :) has to be percent-encoded"
    )
    try:
        parts = _split_proxy_url(given)
        port = parts.port
    except ValueError:
        return Proxy("", variable, malformed)
    is_known = parts.scheme in ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
    after = f"{parts.path}{parts.query}{parts.fragment}"
    user_info, at_sign, where = parts.netloc.rpartition("@")
    if not is_known or not parts.hostname or port == 0 or "@" in f"{user_info}{after}" or re.search(r"[\s\0\\]", given):
        return Proxy("", variable, malformed)
    proxy = Proxy(f"{parts.scheme}://{user_info}{at_sign}{where}", variable)
    if parts.scheme.startswith("socks"):
        try:
            importlib.import_module("socks")
        except ImportError as error:
            return Proxy(proxy.url, variable, _socks_missing(proxy, error))
    return proxy


def _split_proxy_url(url: str) -> SplitResult:
    """The parts of a proxy's URL, which may have no scheme. Raises ValueError."""
    if re.match(r"(https?|socks\w*):(?!//)", url, re.IGNORECASE):
        raise ValueError("a scheme without slashes")
    return urlsplit(url if "://" in url else f"http://{url}")


def proxy_secrets(environment: Mapping[str, str]) -> list[str]:
    """The secrets in an environment's proxy URLs: all but scheme, host and port, in each of their forms."""
    names = re.compile("(http|https|all)_proxy", re.IGNORECASE)
    values = (value for name, value in environment.items() if names.fullmatch(name))
    secrets = {secret for value in values for secret in _secrets_in(value)}
    return sorted(secret for secret in secrets if len(secret) >= MIN_SECRET)


def _secrets_in(url: str) -> Iterator[str]:
    """All that may be secret: text before the last @ may be user info, even if it has characters that end a host."""
    rest = url.partition("://")[2] or url
    user_info = rest.rpartition("@")[0]
    parts = user_info.split(":")
    for number in range(len(parts)):
        secret = ":".join(parts[number:])
        yield from (secret, unquote(secret))
    if user_info:
        yield encode_user_info(user_info)
    for sign in "/?#":
        secret = rest.partition(sign)[2]
        for part in (secret, *re.split("[?#]", secret)):
            yield from (part, unquote(part))


def encode_user_info(user_info: str) -> str:
    """The user info of a URL, encoded for Basic authentication (RFC 7617)."""
    user, _colon, password = user_info.partition(":")
    return base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode("utf-8", "surrogateescape")).decode("ascii")


def _socks_missing(proxy: Proxy, error: ImportError) -> str:
    return (
        f"{proxy} speaks SOCKS, for which the Python package PySocks is needed on {socket.gethostname()}, where this"
        f" module ran with {sys.executable}; importing it failed: {error}. Install it there (pip install PySocks), set"
        " ansible_python_interpreter to a Python that has it, or name another proxy"
    )
