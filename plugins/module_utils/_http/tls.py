# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: which certificates are trusted, which one is shown to the server, and files that cannot be used for it.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Connection, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._files.paths import name_of, path_of, shown

PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, which Python 3.9 has no name for
TRUST_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")  # the latter two are OpenSSL's


def check_files(connection: Connection) -> None:
    """Raise `BadInput` for a TLS file that cannot be used, without loading the authorities of the system."""
    _load_files(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), connection)


class _Context(ssl.SSLContext):
    """A context for one host. urllib3 1.26 does not pass on an IP address, and then no name would be checked."""

    host: str | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **self._with_server_name(options))

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **self._with_server_name(options))

    def _with_server_name(self, options: dict[str, Any]) -> dict[str, Any]:
        return {**options, "server_hostname": options.get("server_hostname") or self.host}


def tls_context(connection: Connection, url: str) -> ssl.SSLContext:
    """A context that trusts the system's authorities and those that the user and REQUESTS_CA_BUNDLE add.

    Clients of one server share a context, since loading the authorities takes longer than all else.
    """
    return _tls_context(connection, urlsplit(url).hostname, tuple(os.environ.get(name) for name in TRUST_VARIABLES))


@lru_cache(maxsize=2)
def _tls_context(connection: Connection, host: str | None, _variables: tuple[str | None, ...]) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.host = host
    # Strict is the default since Python 3.13. It refuses authorities that all other programs accept.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= PARTIAL_CHAIN  # a certificate in these files is trusted even if it is not a root
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
                raise _unusable_file(f"{name}: {shown(path)} cannot be used", path, error) from error
    if connection.client_cert:
        cert = path_of(connection.client_cert)
        key = path_of(connection.client_key) if connection.client_key else None
        try:
            # OpenSSL would ask on the terminal for the password of an encrypted key; with an empty one it fails.
            context.load_cert_chain(cert, key, password="")
        except (OSError, ValueError) as error:
            what = f"client_cert: {shown(cert)} cannot be used with client_key {shown(key) if key else None}"
            unreadable = key if key and os.access(cert, os.R_OK) else cert
            raise _unusable_file(what, unreadable, error) from error


def _unusable_file(what: str, path: Path, error: Exception) -> BadInput:
    """The error for a TLS file that cannot be used, with the reason."""
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
    """Trust the authorities in a file, or in all files of a folder. Raises OSError if there are none."""
    if not path.is_dir():
        context.load_verify_locations(cafile=path)
        return
    any_loaded = False
    for file in sorted(path.iterdir()):
        with suppress(OSError):  # other files may be there, too
            context.load_verify_locations(cafile=file)
            any_loaded = True
    if not any_loaded:
        raise OSError(0, "there are no certificates in that folder")
