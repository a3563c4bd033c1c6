# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One spelling for each URL, so that the same server is the same import target however its URL is written.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput

DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21}
UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")
HOST_CHARACTERS = r"[A-Za-z0-9._~!$&'()*+,;=-]*"
PATH_CHARACTERS = "/%!$&'()*+,;=:@~"


def base_url(url: str) -> str:
    """The URL in its one spelling (see `normalised_url`), without empty path segments and without a slash at its end.

    Raises `BadInput` for anything but a plain http or https URL.
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
    """The one spelling of all equivalent URLs, without user info, query and fragment.

    It follows RFC 3986, 6.2.2 and 6.2.3, and IDNA for an international host; a dot at the end of the host is left out.
    Raises `BadInput`, which names the option, for what is not a URL.
    """
    shown, parts = _split(option, url)
    location = re.fullmatch(r"(\[.*\]|[^:\[\]]*)(?::([0-9]*))?", parts.netloc.rpartition("@")[2])
    if location is None:
        raise BadInput(f"{option} {shown!r} is not a URL.")
    try:
        host = _normalise_host(location[1])
        path = _normalise_path(parts.path)
    except ValueError as error:
        raise BadInput(f"{option} {shown!r} is not a URL: {error}.") from None
    port = (location[2] or "").lstrip("0")
    if location[2] and not (port and len(port) <= 5 and int(port) < 65536):
        raise BadInput(f"{option} {shown!r} is not a URL: its port is none.")
    where = f"{host}:{port}" if port and int(port) != DEFAULT_PORTS.get(parts.scheme) else host
    return f"{parts.scheme}://{where}{path}"


def _split(option: str, url: str) -> tuple[str, SplitResult]:
    """The URL without what may be secret in it, and its parts."""
    shown = re.sub(r"^.*@", "...@", re.split(r"[?#]", url)[0], flags=re.DOTALL)
    try:
        return shown, urlsplit(url)
    except ValueError:
        raise BadInput(f"{option} {shown!r} is not a URL.") from None


def _normalise_host(host: str) -> str:
    """An IPv6 address in its short form, or a name in lower case and ASCII. Raises ValueError."""
    if host.startswith("["):
        address, mark, zone = host[1:-1].partition("%")
        version6 = ipaddress.IPv6Address(address)
        short = f"::ffff:{version6.ipv4_mapped}" if version6.ipv4_mapped else version6.compressed
        return f"[{short}{mark}{zone}]"
    name = _percent_decode(host)
    name = name.lower() if name.isascii() else _to_ascii(name)
    if not re.fullmatch(HOST_CHARACTERS, name) or re.search(r"^\.|\.\.", name):
        raise ValueError(f"no host is called {name!r}")
    return name[:-1] if name.endswith(".") else name


def _percent_decode(host: str) -> str:
    _check_percents(host)
    try:
        return unquote_to_bytes(host).decode("utf-8")
    except UnicodeError:
        raise ValueError("its host is no UTF-8") from None


def _to_ascii(name: str) -> str:
    """The name in ASCII, as DNS has it (IDNA 2008 with the mapping of UTS 46, as in browsers). Raises ValueError."""
    try:
        import idna
    except ImportError as error:
        raise ValueError(f"the Python package idna is needed for a host like {name!r}; it failed: {error}") from None
    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError(f"no host is called {name!r} ({error})") from None


def _normalise_path(path: str) -> str:
    """The path with only the necessary percent-encoding, and without `.` and `..` segments. Raises ValueError."""
    _check_percents(path)
    try:
        encoded = quote(path, safe=PATH_CHARACTERS)
    except UnicodeError:
        raise ValueError("its path is no UTF-8") from None
    return _remove_dot_segments(re.sub("%..", _decode_unreserved, encoded))


def _check_percents(text: str) -> None:
    broken = re.search("%(?![0-9A-Fa-f]{2}).{0,2}", text, re.DOTALL)
    if broken:
        raise ValueError(f"{broken[0]!r} in it is no character that is percent-encoded; a percent sign itself is %25")


def _decode_unreserved(encoded: re.Match[str]) -> str:
    byte = unquote_to_bytes(encoded[0])
    return byte.decode("ascii") if UNRESERVED.fullmatch(byte) else encoded[0].upper()


def _remove_dot_segments(path: str) -> str:
    """An absolute path without `.` and `..` segments (RFC 3986, 5.2.4)."""
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
