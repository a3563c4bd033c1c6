# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to serve, and an environment without settings from outside."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from ansible_collections.assetops.imports.plugins.module_utils._http import session as _session

from .wires import Authority, Identity, Wire


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _short_early_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_session, "EARLY_ANSWER_TIMEOUT", 0.3)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(path))
    return Authority(ca, str(path))


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.context()


@pytest.fixture(params=["plain", "TLS"])
def wire(request: pytest.FixtureRequest, authority: Authority, tls: ssl.SSLContext) -> Wire:
    return Wire(None, {}) if request.param == "plain" else Wire(tls, {"ca_path": authority.path})


@pytest.fixture(scope="session")
def identity(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    folder = tmp_path_factory.mktemp("client")
    issued = authority.ca.issue_cert("client@example.com")
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"hunter2")
    encrypted = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (folder / "encrypted.pem").write_bytes(encrypted)
    return Identity(*(str(folder / f"{name}.pem") for name in ("cert", "key", "both", "encrypted")))


@pytest.fixture(scope="session")
def demanding(authority: Authority) -> ssl.SSLContext:
    """A server's context that wants to see a certificate of the client."""
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    return context


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A resolver that says of names in .invalid that there are none, which not every host that runs tests has."""
    known: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in known:
            return real("127.0.0.1", *args, **kwargs)
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name.endswith(".busy"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known
