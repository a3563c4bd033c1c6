# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are trusted, and which one is shown to a server."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer, BadInput, NotSent, Outage

from ..peers import Peer
from .wires import LARGE, Authority, Identity, ask, client_of, submit


@pytest.fixture
def peer(tls: ssl.SSLContext) -> Iterator[Peer]:
    """A server with a certificate of an authority that nobody trusts unless told so."""
    with Peer(tls=tls) as peer:
        yield peer


def test_a_certificate_of_nobody_known_is_reported_with_advice_and_not_tried_again(peer: Peer) -> None:
    with pytest.raises(Outage, match="certificate is not trusted") as raised:
        client_of(peer.url).ask("POST", "/status")
    assert "ca_path" in raised.value.message
    assert peer.connections == 1
    sent = submit(peer.url, [b"small"])
    assert peer.connections == 2
    assert isinstance(sent.outcome, NotSent)
    assert "ca_path" in sent.outcome.message
    assert sent.outcome.unreachable
    assert (sent.commits, sent.pauses, peer.requests) == (0, [], [])


def test_an_authority_in_a_file_is_trusted(authority: Authority, peer: Peer) -> None:
    assert ask(peer.url, ca_path=authority.path).status == 200
    assert ask(f"https://localhost:{peer.port}", ca_path=authority.path).status == 200


def test_an_authority_in_a_folder_is_trusted(authority: Authority, peer: Peer, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    shutil.copy(authority.path, tmp_path / "ours.pem")
    (tmp_path / "README").write_text("Certificates of the authorities we trust.", encoding="utf-8")
    assert ask(peer.url, ca_path=str(tmp_path)).status == 200


def test_an_authority_in_a_folder_with_hashed_names_is_trusted(
    authority: Authority, peer: Peer, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to reckon the names with")
    command = [openssl, "x509", "-subject_hash", "-noout", "-in", authority.path]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(authority.path, tmp_path / f"{name}.0")
    assert ask(peer.url, ca_path=str(tmp_path)).status == 200


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_folder_of_authorities_that_are_trusted_anyway_does_no_harm(
    name: str, authority: Authority, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(authority.path, tmp_path / "ours.pem")
    monkeypatch.setenv(name, authority.path if name == "SSL_CERT_FILE" else str(tmp_path))
    assert ask(peer.url, ca_path=str(tmp_path)).status == 200


def test_a_folder_without_certificates_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("Certificates of the authorities we trust.", encoding="utf-8")
    with pytest.raises(BadInput, match=rf"ca_path\W+{tmp_path} cannot be used"):
        client_of("https://127.0.0.1:9", ca_path=str(tmp_path)).prepare()


def test_the_bundle_of_requests_is_trusted_beside_ca_path(
    authority: Authority, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    with pytest.raises(Outage, match="not trusted"):
        ask(peer.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.path)  # also where it is set later
    assert ask(peer.url).status == 200
    assert ask(peer.url, ca_path=str(tmp_path / "another.pem")).status == 200


def test_what_the_system_trusts_is_trusted(authority: Authority, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    assert ask(peer.url).status == 200


def test_the_list_of_authorities_that_comes_with_requests_is_not_trusted(
    authority: Authority, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi
    import requests

    monkeypatch.setattr(certifi, "where", lambda: authority.path)
    for place in (requests.adapters, requests.utils):
        monkeypatch.setattr(place, "DEFAULT_CA_BUNDLE_PATH", authority.path)
    with pytest.raises(Outage, match="not trusted"):
        ask(peer.url)


def test_without_validation_any_certificate_will_do(authority: Authority) -> None:
    with Peer(tls=authority.context("elsewhere.example.com")) as peer:
        assert ask(peer.url, validate_certs=False).status == 200
        assert isinstance(submit(peer.url, LARGE, validate_certs=False).outcome, Answer)


def test_a_certificate_of_another_host_is_refused_without_blaming_the_authority(authority: Authority) -> None:
    with Peer(tls=authority.context("elsewhere.example.com")) as peer, pytest.raises(Outage) as raised:
        ask(peer.url, ca_path=authority.path)
    assert "127.0.0.1" in raised.value.message
    assert "ca_path" not in raised.value.message


def test_a_certificate_whose_time_is_over_is_refused_without_blaming_the_authority(authority: Authority) -> None:
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    context = authority.context(not_before=yesterday - timedelta(days=9), not_after=yesterday)
    with Peer(tls=context) as peer, pytest.raises(Outage, match="expired") as raised:
        ask(peer.url, ca_path=authority.path)
    assert "ca_path" not in raised.value.message


@pytest.mark.parametrize("name", ["ca_path", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_that_holds_no_certificate_is_bad_input(
    name: str, content: str | None, tmp_path: Path, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    options: dict[str, Any] = {"ca_path": str(path)} if name == "ca_path" else {}
    if name == "REQUESTS_CA_BUNDLE":
        monkeypatch.setenv(name, str(path))
    with pytest.raises(BadInput, match=rf"{name}\W+{path} cannot be used"):
        client_of(peer.url, **options).prepare()
    assert peer.connections == 0


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: ec.EllipticCurvePrivateKey, issuer: x509.Name, *names: str, is_authority: bool = False
) -> x509.Certificate:
    """As an old tool makes it: without key identifiers."""
    now = datetime.now(timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]) if names else issuer
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    if names:
        hosts = [x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    if is_authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    return builder.sign(key, hashes.SHA256())


def served(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: bytes) -> ssl.SSLContext:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "served.pem").write_bytes(pem + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "served.pem")
    return context


ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An internal authority")])


@pytest.mark.parametrize("is_authority", [True, False], ids=["an authority", "without saying that it is one"])
def test_an_internal_authority_without_key_identifiers_is_trusted(
    is_authority: bool, key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    authority = certificate(key, ISSUER, is_authority=True)
    leaf = certificate(key, ISSUER, "127.0.0.1")
    trusted = authority if is_authority else leaf
    (tmp_path / "ca.pem").write_bytes(trusted.public_bytes(serialization.Encoding.PEM))
    with Peer(tls=served(tmp_path, key, leaf.public_bytes(serialization.Encoding.PEM))) as peer:
        assert ask(peer.url, ca_path=str(tmp_path / "ca.pem")).status == 200
        with pytest.raises(Outage, match="not trusted"):
            ask(peer.url)


def test_a_certificate_of_version_1_that_signs_itself_is_trusted(
    key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make one with")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    name = ["-subj", "/CN=localhost", "-key", str(tmp_path / "key.pem")]
    request = subprocess.run([openssl, "req", "-new", *name], capture_output=True, check=True).stdout
    sign = [openssl, "x509", "-req", "-signkey", str(tmp_path / "key.pem"), "-days", "1"]
    made = subprocess.run(sign, input=request, capture_output=True, check=True).stdout
    if x509.load_pem_x509_certificate(made).version is not x509.Version.v1:
        pytest.skip("this openssl makes no certificate of version 1")
    (tmp_path / "ca.pem").write_bytes(made)
    with Peer(tls=served(tmp_path, key, made)) as peer:
        assert ask(f"https://localhost:{peer.port}", ca_path=str(tmp_path / "ca.pem")).status == 200


def test_a_certificate_is_shown_to_a_server_that_wants_one(
    authority: Authority, identity: Identity, demanding: ssl.SSLContext
) -> None:
    with Peer(tls=demanding) as peer:
        apart = {"client_cert": identity.cert, "client_key": identity.key}
        assert ask(peer.url, ca_path=authority.path, **apart).status == 200
        assert ask(peer.url, ca_path=authority.path, client_cert=identity.both).status == 200
        sent = submit(peer.url, LARGE, ca_path=authority.path, client_cert=identity.both)
        assert isinstance(sent.outcome, Answer)


def test_a_server_that_wants_a_certificate_and_gets_none_is_reported_in_words(
    authority: Authority, demanding: ssl.SSLContext
) -> None:
    with Peer(tls=demanding) as peer:
        with pytest.raises(Outage) as raised:
            ask(peer.url, ca_path=authority.path)
        sent = submit(peer.url, LARGE, ca_path=authority.path)
    assert "object at 0x" not in raised.value.message
    assert isinstance(sent.outcome, NotSent), sent.outcome
    assert (sent.commits, peer.requests) == (0, [])


def test_a_small_upload_that_a_server_did_not_even_shake_hands_for_was_not_taken(
    authority: Authority, demanding: ssl.SSLContext
) -> None:
    """All of it has left by the time the alert arrives, as often as not; but a server that sends it took nothing."""
    with Peer(tls=demanding) as peer:
        outcomes = [submit(peer.url, [b"small", b"end"], ca_path=authority.path).outcome for _number in range(8)]
    assert [outcome for outcome in outcomes if not isinstance(outcome, NotSent)] == []
    assert peer.requests == []


@pytest.mark.parametrize("wrong", ["encrypted", "missing", "another", "no key", "no certificate"])
def test_a_certificate_that_cannot_be_shown_is_bad_input(
    wrong: str, authority: Authority, identity: Identity, demanding: ssl.SSLContext, tmp_path: Path
) -> None:
    trustme.CA().issue_cert("another").private_key_pem.write_to_path(str(tmp_path / "another.pem"))
    cert, key = {
        "encrypted": (identity.cert, identity.encrypted_key),
        "missing": (identity.cert, str(tmp_path / "missing.pem")),
        "another": (identity.cert, str(tmp_path / "another.pem")),
        "no key": (identity.cert, None),
        "no certificate": (identity.key, None),
    }[wrong]
    with Peer(tls=demanding) as peer:
        client = client_of(peer.url, ca_path=authority.path, client_cert=cert, client_key=key)
        with pytest.raises(BadInput, match=rf"client_cert\W+{cert} cannot be used") as raised:
            client.prepare()
        assert peer.connections == 0
    assert "hunter2" not in raised.value.message


def test_an_encrypted_key_does_not_ask_for_its_password(identity: Identity) -> None:
    program = f"""
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput, Connection
from ansible_collections.assetops.imports.plugins.module_utils._http.transport import Transport
try:
    Transport(Connection("https://127.0.0.1:9", client_cert={identity.cert!r}, client_key={identity.encrypted_key!r}))
except BadInput:
    print("refused")
"""
    screen, terminal = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env=environment,
    ) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # that is how a terminal ends
            while block := os.read(screen, 1000):
                shown += block
                if b"pass phrase" in shown:
                    process.kill()
        os.close(screen)
    assert shown.split() == [b"refused"]


def test_two_clients_of_a_server_load_the_authorities_once(
    authority: Authority, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    load = ssl.SSLContext.load_default_certs

    def note(context: ssl.SSLContext, *arguments: Any) -> None:
        loads.append(context)
        load(context, *arguments)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", note)
    for _client in range(2):
        assert ask(f"https://localhost:{peer.port}", ca_path=authority.path).status == 200
    assert len(loads) == 1
