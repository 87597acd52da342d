"""E-mail through a real SMTP server on loopback: what arrives, how it is encrypted, what is told when it fails."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from billsync.model.errors import AuthFailed, Refused, Unavailable, VendorError
from billsync.sdk import Message
from billsync.testing.smtp import FakeSmtp
from billsync_plugins.notifiers.email import Email, EmailOptions

PASSWORD = "made-up-app-password"
NIGHT = Message(
    subject="billsync 2026-03-02: FINDINGS, Büro Roe",
    text="FINDINGS: 1 item\n.hidden dot\nMüller waits\n",
    html="<!doctype html><p>FINDINGS: 1 item</p>",
    verdict="findings",
    at=datetime(2026, 3, 2, 7, 30, tzinfo=UTC),
    run="ledger-1.20260302T073000",
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of a server at 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def email(server: FakeSmtp, **more: Any) -> Email:
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender": "Roe billing <billsync@roe.example>",
        "to": ["ana@roe.example", "ben@roe.example"],
    }
    return Email("team", EmailOptions(**(given | more)))


def refused(notifier: Email) -> VendorError:
    with pytest.raises(VendorError) as caught:
        notifier.send(NIGHT)
    return caught.value


def test_text_and_page_arrive_at_everybody() -> None:
    with FakeSmtp() as server:
        email(server).send(NIGHT)
    [mail] = server.mails
    letter = mail.letter
    assert (mail.sender, mail.recipients) == ("billsync@roe.example", ("ana@roe.example", "ben@roe.example"))
    assert letter["Subject"] == NIGHT.subject, "words beyond ASCII must survive in the subject"
    text, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None and text.get_content().splitlines() == NIGHT.text.splitlines(), (
        "the text must arrive to the letter, dots included"
    )
    assert html is not None and "FINDINGS: 1 item" in html.get_content()
    assert (letter["Auto-Submitted"], letter["Date"].datetime) == ("auto-generated", NIGHT.at)


def test_the_same_run_bears_the_same_message_id() -> None:
    with FakeSmtp() as server:
        for _ in range(2):
            email(server).send(NIGHT)
    ids = {mail.letter["Message-ID"] for mail in server.mails}
    assert ids == {f"<billsync.{NIGHT.run}@roe.example>"}, "a message that came twice would be shown twice"


def test_starttls_and_log_in(tls: ssl.SSLContext, certificate: Path) -> None:
    with FakeSmtp(users={"billing": PASSWORD}, tls=tls) as server:
        email(server, security="starttls", user="billing", password=PASSWORD, ca_file=certificate).send(NIGHT)
    [mail] = server.mails
    assert mail.encrypted and mail.user == "billing"
    assert server.heard.index("STARTTLS") < server.heard.index("AUTH"), "the password went over an open line"


def test_a_check_logs_in_and_begins_no_message(tls: ssl.SSLContext, certificate: Path) -> None:
    with FakeSmtp(users={"billing": PASSWORD}, tls=tls) as server:
        found = email(server, security="starttls", user="billing", password=PASSWORD, ca_file=certificate).check()
    assert (found.account, found.user) == ("127.0.0.1", "billing")
    assert server.heard.index("STARTTLS") < server.heard.index("AUTH") < server.heard.index("NOOP")
    assert not {"MAIL", "RCPT", "DATA"} & set(server.heard), "somebody was written to"


def test_a_check_tells_a_wrong_password_and_a_server_that_says_no() -> None:
    with FakeSmtp(users={"billing": "another"}) as server, pytest.raises(AuthFailed):
        email(server, user="billing", password=PASSWORD).check()
    with FakeSmtp() as server:
        server.answers["NOOP"] = "421 going down"
        with pytest.raises(Unavailable, match="going down"):
            email(server).check()


def test_a_server_that_nobody_vouches_for_gets_nothing(tls: ssl.SSLContext) -> None:
    with FakeSmtp(users={"billing": PASSWORD}, tls=tls) as server:
        error = refused(email(server, security="starttls", user="billing", password=PASSWORD))
    assert isinstance(error, Unavailable) and "AUTH" not in server.heard and not server.mails


def test_without_starttls_neither_password_nor_message_leaves() -> None:
    with FakeSmtp(users={"billing": PASSWORD}) as server:
        error = refused(email(server, security="starttls", user="billing", password=PASSWORD))
    assert isinstance(error, Refused) and "STARTTLS" in error.what
    assert not {"AUTH", "DATA"} & set(server.heard)


def test_a_password_goes_over_no_open_line_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeSmtp(users={"billing": PASSWORD}) as server:
        monkeypatch.setattr("billsync_plugins.notifiers.email._HERE", frozenset())
        error = refused(email(server, user="billing", password=PASSWORD))
    assert isinstance(error, Refused) and "open line" in error.what and "AUTH" not in server.heard


def test_a_wrong_password_is_told_and_not_shown() -> None:
    with FakeSmtp(users={"billing": "another"}) as server:
        error = refused(email(server, user="billing", password=PASSWORD))
    assert isinstance(error, AuthFailed) and "***" in error.what, "the server's own words quote the password"
    assert PASSWORD not in str(error) and PASSWORD not in repr(email(server, user="billing", password=PASSWORD).options)


def test_one_recipient_that_is_refused_is_named_and_the_others_are_told() -> None:
    with FakeSmtp() as server:
        server.refuse = {"ben@roe.example"}
        error = refused(email(server))
    assert isinstance(error, Refused) and "ben@roe.example" in error.what and "ana@" not in error.what
    assert [mail.recipients for mail in server.mails] == [("ana@roe.example",)]


def test_every_recipient_refused() -> None:
    with FakeSmtp() as server:
        server.refuse = {"ana@roe.example", "ben@roe.example"}
        error = refused(email(server))
    assert isinstance(error, Refused) and "every recipient" in error.what and not server.mails


@pytest.mark.parametrize(
    ("verb", "answer", "kind"),
    [
        ("MAIL", "451 4.3.0 try later", Unavailable),
        ("DATA", "554 5.7.1 policy", Refused),
        ("DATA", "", Unavailable),
        ("EHLO", "", Unavailable),
    ],
)
def test_what_goes_wrong_has_its_class(verb: str, answer: str, kind: type[VendorError]) -> None:
    with FakeSmtp() as server:
        server.answers = {verb: answer}
        error = refused(email(server))
    assert type(error) is kind, f"{verb} {answer!r}: {error!r}"
    assert "team" in error.where and not server.mails


def test_nobody_listens() -> None:
    with FakeSmtp() as server:
        notifier = email(server)
    error = refused(notifier)
    assert isinstance(error, Unavailable) and "127.0.0.1" in error.where
