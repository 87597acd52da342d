"""E-mail: the morning message by SMTP, as text and HTML, through the firm's own mail server or provider.

RFC 5321, RFC 6409 (submission), RFC 3207 (STARTTLS). Nothing is sent in the clear unless `security: none` says so.
- A server that does not offer STARTTLS where it is wanted gets neither the password nor the message.
- The same run bears the same Message-ID at every attempt, so a mailbox shows a message that came twice once.
- One recipient that is refused is an error although the others got the message: it names the one.
- Google and Microsoft take an app password or a relay of the firm's; their OAuth log-in for SMTP is not spoken.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final, Literal, TypeVar

from billsync.model.errors import AuthFailed, Refused, Unavailable, VendorError
from billsync.sdk import Field, Identity, Location, Message, Notifier, Options, Secret, notifiers

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
PATIENCE: Final = 20
"""Seconds that the server may be silent."""
T = TypeVar("T")


class EmailOptions(Options):
    """The mail server, who writes, and to whom."""

    host: str = Field(description="The outgoing mail server: your provider's help names it (SMTP).")
    port: int | None = Field(default=None, description="587 with starttls, 465 with tls, 25 with none unless given.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the line is encrypted; none only for a server on this machine."
    )
    sender: str = Field(description="The address that writes; may hold a name: Billing <billing@firm.example>.")
    to: list[str] = Field(min_length=1, description="The addresses that are written to.")
    user: str | None = Field(default=None, description="Of the mail server; none: it takes mail without a log-in.")
    password: Secret | None = Field(default=None, description="Of that user; with two-factor log-in an app password.")
    password_expires_on: date | None = Field(default=None, description="Its last day, to be warned of it.")
    ca_file: Location | None = Field(default=None, description="PEM file of the authority, for a server of your own.")


class Email(Notifier[EmailOptions]):
    """One mailbox or list."""

    kind = "email"
    title = "E-mail (SMTP)"
    docs = "https://www.rfc-editor.org/rfc/rfc6409"
    quality = "silver"

    def check(self) -> Identity:
        """Connect, encrypt, log in, and say NOOP: no message is begun, so recipients are not tried."""
        self._tried(self._noop)
        return Identity(account=self.options.host, user=self.options.user or "")

    def send(self, message: Message) -> None:
        """Deliver to all recipients. Refused names those whom the server does not take."""
        letter = self.letter(message)
        refused = self._tried(lambda: self._sent(letter))
        if refused:
            raise Refused(f"the mail server refused {', '.join(sorted(refused))}", where=self.account)

    def letter(self, message: Message) -> EmailMessage:
        """The message as it is sent."""
        options, letter = self.options, EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = options.sender, ", ".join(options.to), message.subject
        letter["Message-ID"] = f"<billsync.{message.run}@{self._domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        if message.at is not None:
            letter["Date"] = format_datetime(message.at)
        letter.set_content(message.text)
        if message.html:
            letter.add_alternative(message.html, subtype="html")
        return letter

    @property
    def _domain(self) -> str:
        return parseaddr(self.options.sender)[1].rpartition("@")[2] or "localhost"

    def _sent(self, letter: EmailMessage) -> list[str]:
        """The recipients that were refused."""
        options = self.options
        with self._logged_in() as server:
            return list(server.send_message(letter, from_addr=parseaddr(options.sender)[1], to_addrs=options.to))

    def _noop(self) -> None:
        with self._logged_in() as server:
            code, said = server.noop()
        if code != 250:
            raise smtplib.SMTPResponseException(code, said)

    @contextmanager
    def _logged_in(self) -> Iterator[smtplib.SMTP]:
        options = self.options
        with self._connected() as server:
            if options.security == "starttls":
                server.starttls(context=self._context())
            if options.user is not None:
                self._may_log_in()
                server.login(options.user, options.password.get_secret_value() if options.password else "")
            yield server

    def _may_log_in(self) -> None:
        if self.options.security == "none" and self.options.host not in _HERE:
            raise Refused("a password is not sent over an open line", where=self.account, hint="security: starttls")

    def _connected(self) -> smtplib.SMTP:
        options = self.options
        port = options.port or PORTS[options.security]
        if options.security == "tls":
            return smtplib.SMTP_SSL(
                options.host, port, local_hostname=self._domain, timeout=PATIENCE, context=self._context()
            )
        return smtplib.SMTP(options.host, port, local_hostname=self._domain, timeout=PATIENCE)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.options.ca_file)

    def _tried(self, send: Callable[[], T]) -> T:
        """Errors of the library as ours; none of them shows the password."""
        try:
            return send()
        except smtplib.SMTPAuthenticationError as error:
            raise self._error(AuthFailed, error, "the mail server does not accept user and password") from None
        except smtplib.SMTPRecipientsRefused as error:
            names = ", ".join(sorted(error.recipients))
            raise Refused(f"the mail server refused every recipient: {names}", where=self.account) from None
        except smtplib.SMTPResponseException as error:
            what = f"the mail server said no ({error.smtp_code})"
            raise self._error(Refused if error.smtp_code >= 500 else Unavailable, error, what) from None
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"the mail server cannot do what was asked: {error}", where=self.account) from None
        except smtplib.SMTPException as error:
            raise Unavailable(f"the mail server broke off: {error}", where=self.account) from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Unavailable(f"no mail server answers: {why}", where=f"{self.account}: {self.options.host}") from None

    def _error(self, found: type[VendorError], error: smtplib.SMTPResponseException, what: str) -> VendorError:
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        secret = self.options.password.get_secret_value() if self.options.password else ""
        words = " ".join(str(said).split())
        return found(f"{what}: {words.replace(secret, '***') if secret else words}", where=self.account)


billsync_notifiers = notifiers(Email)
