# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why no answer came, in words for a person, and whether trying again can help.

requests and urllib3 wrap an error many times. The innermost cause says best what happened.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import sys

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ImportsError

UNKNOWN_ISSUER = ". Name the authority that issued it with ca_path"
CERTIFICATE_ADVICE = {  # by OpenSSL's verify code
    **dict.fromkeys((18, 19, 20, 21), UNKNOWN_ISSUER),
    **dict.fromkeys((62, 64), ". {option} has to name the host as the certificate does"),
}
TLS_REJECTED = re.compile(r"ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)")  # the server wants another certificate
NOT_TLS = re.compile("WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE")
TLS_ALERT = re.compile(r"\x15\x03[\x00-\x04]")  # the answer of a TLS server to anything else
HANG_UPS = (ConnectionResetError, http.client.BadStatusLine, ssl.SSLEOFError, ssl.SSLZeroReturnError)
NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class UnconnectedError(OSError):
    """There was no connection to send the request over. `is_at_proxy`: it failed at the proxy, or on the way there."""

    def __init__(self, *, is_at_proxy: bool) -> None:
        super().__init__()
        self.is_at_proxy = is_at_proxy


def what_happened(error: BaseException, causes: list[BaseException], option: str) -> tuple[str, bool]:
    """What happened, in words, and whether it is permanent. `option` names where the URL comes from."""
    from urllib3.exceptions import LocationValueError

    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            advice = CERTIFICATE_ADVICE.get(cause.verify_code, "").format(option=option)
            return f"its certificate is not trusted: {cause.verify_message.rstrip('.')}{advice}", True
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError):
            return _what_happened_to_tls(cause, option, is_connected=find_unconnected(causes) is None)
        if isinstance(cause, http.client.BadStatusLine) and TLS_ALERT.match(getattr(cause, "line", "")):
            return f"{option} begins with http, but TLS is spoken there; begin it with https", True
        words = _describe_cause(cause)
        if words:
            return words, False
    if isinstance(error, ValueError) or any(isinstance(cause, LocationValueError) for cause in causes):
        return f"{option} is not a URL that can be asked: {_innermost_message(causes)}", True
    return _innermost_message(causes), False


def _what_happened_to_tls(error: ssl.SSLError, option: str, *, is_connected: bool) -> tuple[str, bool]:
    reason = error.reason or error.strerror or ""
    if not is_connected and NOT_TLS.search(reason.upper().replace(" ", "_")):
        words = f"{option} begins with https, but what is spoken there is not TLS ({reason})"
        return f"{words}; if it is plain HTTP, begin it with http", True
    return f"TLS could not be agreed on ({reason})", bool(TLS_REJECTED.search(reason))


def scheme_advice(causes: list[BaseException], url: str) -> str:
    """Advice to try the other scheme, for a server that hangs up on the first request to it; empty otherwise."""
    if not any(isinstance(cause, HANG_UPS) for cause in causes):
        return ""
    if url.startswith("https:"):
        is_plain = find_unconnected(causes) is not None
        return ". If it is plain HTTP that is spoken there, url has to begin with http" if is_plain else ""
    return ". If it is TLS that is spoken there, url has to begin with https"


def find_unconnected(causes: list[BaseException]) -> UnconnectedError | None:
    """The cause that says that there was no connection; None if there was one."""
    return next((cause for cause in causes if isinstance(cause, UnconnectedError)), None)


def _describe_cause(cause: BaseException) -> str:
    """What happened, if this cause says it well; empty otherwise."""
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


def _innermost_message(causes: list[BaseException]) -> str:
    return re.sub(r"<.*?>(: )?", "", str(causes[-1])) or type(causes[-1]).__name__


def causes_of(error: BaseException) -> list[BaseException]:
    """The error and all its causes, outermost first."""
    causes: list[BaseException] = []
    pending = [error]
    while pending:
        cause = pending.pop(0)
        if cause not in causes:
            causes.append(cause)
            context = None if cause.__suppress_context__ else cause.__context__
            inner = [cause.__cause__, context, getattr(cause, "reason", None), *cause.args]
            pending.extend(item for item in inner if isinstance(item, BaseException))
    return causes


def requests_missing(error: ImportError) -> ImportsError:
    """The error for a host without the package requests."""
    return ImportsError(
        f"The Python package requests is needed on {socket.gethostname()}, where this module ran with"
        f" {sys.executable}; importing it failed: {error}. Install it there (pip install requests), or set"
        " ansible_python_interpreter to a Python that has it."
    )
