"""Client certificates: shown in a real TLS handshake, their end known, their faults named."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from billsync.model.errors import SecretError, Unavailable
from billsync.sdk.api import ClientCertificate

STARTS = datetime.now(UTC) - timedelta(days=1)
ENDS = (STARTS + timedelta(days=700)).replace(microsecond=0)


class Authority:
    """Signs certificates for the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self.file = self.write("ca", self.sign("Test CA", self.key, is_authority=True))

    def write(self, name: str, certificate: x509.Certificate) -> Path:
        file = self.folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return file

    def sign(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(STARTS)
            .not_valid_after(ENDS)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        key_file = self.folder / f"{name}.key"
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return self.write(name, self.sign(name, key)), key_file


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
def mutual(authority: Authority) -> Iterator[str]:
    """A server that talks only to clients with a certificate of the authority's; it answers with their name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = self.connection.getpeercert()
            body = f'{{"name": "{shown["subject"][0][0][1]}"}}'.encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The test says what went wrong."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A refused handshake is what the test is about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_certificate_is_shown_and_its_end_known(mutual, authority, opened, api):
    certificate, key = authority.issue("acme-client")
    declared = api(certificate=ClientCertificate())
    session = opened(declared, base_url=mutual, certificate_file=str(certificate), key_file=str(key))
    assert session.get("/me") == {"name": "acme-client"}
    assert [(one.what, one.at) for one in session.expiries()] == [("client certificate", ENDS)]


def test_without_a_certificate_nobody_answers(mutual, opened, api):
    with pytest.raises(Unavailable):
        opened(api(), base_url=mutual).get("/me")


@pytest.mark.parametrize("fault", ["missing", "not a certificate", "another key"])
def test_a_certificate_that_cannot_be_used_is_named(authority, opened, api, tmp_path, fault):
    certificate, key = authority.issue("acme-client")
    if fault == "missing":
        certificate = tmp_path / "gone.pem"
    elif fault == "not a certificate":
        certificate.write_text("hello", encoding="utf-8")
    else:
        _, key = authority.issue("somebody-else")
    with pytest.raises(SecretError, match="client certificate") as caught:
        opened(api(certificate=ClientCertificate()), certificate_file=str(certificate), key_file=str(key))
    assert str(certificate) in caught.value.where
