"""A session with a mail server: how it begins, its commands, and what an answer means.

The verdicts are drawn at the top of :mod:`activation.connectors.smtp`. Of what a server says, only codes leave.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from activation.connectors.mail import Mail
from activation.connectors.transport import Attempt
from activation.errors import ConfigurationError
from activation.settings import Connection
from activation.types import Answer, State

SANDBOX_BANNER = b"muster-sandbox"
SERVICE_CLOSING = 421
TOO_LARGE = 552
AUTHENTICATION_REQUIRED = 530
CLOSING_WAIT = 60.0
MAX_IDLE_SECONDS = 20.0
MAX_PER_CONNECTION = 100
FAILURES = (smtplib.SMTPException, OSError, ValueError)
ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, repr=False)
class MailServer:
    """Where the mail server is, and how a session with it begins."""

    connection: Connection
    own_name: str
    deadline: float
    connect_timeout: float

    def open(self, current: Attempt) -> Session:
        """Connect, encrypt and sign in.

        Raises what ``smtplib`` and ``socket`` raise, and ``ConfigurationError`` where a sandbox answers a live home.
        """
        parts = urlsplit(self.connection.base_url)
        smtp = _Smtp(parts.hostname or "", parts.port or 0, self, current, is_tls=parts.scheme == "smtps")
        try:
            self._refuse_sandbox(smtp.banner)
            smtp.ehlo_or_helo_if_needed()
            if parts.scheme == "starttls" or (parts.scheme == "smtp" and smtp.has_extn("starttls")):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
            if self.connection.username and self.connection.password:
                smtp.login(self.connection.username, self.connection.password)
        except BaseException:
            smtp.close()
            raise
        return Session(smtp)

    def _refuse_sandbox(self, banner: bytes) -> None:
        if SANDBOX_BANNER in banner and not self.connection.is_sandbox_allowed:
            raise ConfigurationError(
                "smtp: a sandbox answered, and a live home refuses its receipts; set MUSTER_SMTP_HOST to the "
                "mail server's name"
            )


class _Smtp(smtplib.SMTP):
    """A connection under an attempt's watch from its first byte on."""

    banner = b""

    def __init__(self, host: str, port: int, server: MailServer, current: Attempt, *, is_tls: bool) -> None:
        self._server = server
        self._current = current
        self._is_tls = is_tls
        super().__init__(host, port, local_hostname=server.own_name, timeout=server.connect_timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((host, port), timeout)
        self._current.watch(made)
        # The attempt ends what takes too long, and knows that it did: this only has to come later.
        made.settimeout(2 * self._server.deadline)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._is_tls:
            return ssl.create_default_context().wrap_socket(made, server_hostname=host)
        return made

    def connect(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Keep what the server says first."""
        code, self.banner = super().connect(*args, **kwargs)
        return code, self.banner


class Session:
    """One connection, and whether it can be used again."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self._smtp = smtp
        self._messages = 0
        self._is_open = True
        self._has_transaction = False
        self._used_at = time.monotonic()

    @property
    def is_fit(self) -> bool:
        """Whether it may carry another message."""
        is_fresh = time.monotonic() - self._used_at <= MAX_IDLE_SECONDS
        return self._is_open and is_fresh and self._messages < MAX_PER_CONNECTION

    def watch(self, current: Attempt) -> None:
        """Let ``current`` cut this connection when its time is over."""
        if self._smtp.sock is not None:
            current.watch(self._smtp.sock)

    def begin(self, mail: Mail) -> Answer | None:
        """Name the envelope; ``None`` where the server waits for the message."""
        if self._has_transaction:
            self._smtp.rset()
        self._has_transaction = True
        if mail.is_utf8 and not self._smtp.has_extn("smtputf8"):
            return Answer(State.REFUSED, "smtp_utf8_not_offered")
        knows_dsn = self._smtp.has_extn("dsn")
        options = " SMTPUTF8 BODY=8BITMIME" if mail.is_utf8 else ""
        options += f" SIZE={len(mail.data)}" if self._smtp.has_extn("size") else ""
        options += f" RET=HDRS ENVID={mail.message_id}" if knows_dsn else ""
        if mail.is_utf8:
            self._smtp.command_encoding = "utf-8"
        for stage, command in (
            ("mail", f"MAIL FROM:<{mail.envelope_from}>{options}"),
            ("rcpt", f"RCPT TO:<{mail.recipient}>{' NOTIFY=FAILURE' if knows_dsn else ''}"),
            ("data", "DATA"),
        ):
            code, text = self._smtp.docmd(command)
            if not (code == 354 if stage == "data" else 200 <= code < 300):  # noqa: PLR2004 - RFC 5321, 4.2.1
                return self._refused(stage, code, text)
        return None

    def send(self, data: bytes) -> None:
        """Send the message, but for the dot that ends it."""
        if self._smtp.sock is None:
            raise ConnectionError
        self._smtp.sock.sendall(data)

    def end(self, mail: Mail) -> Answer:
        """Send the dot, from which on the server may have the message."""
        if self._smtp.sock is None:
            raise ConnectionError
        self._smtp.sock.sendall(b".\r\n")
        code, text = self._smtp.getreply()
        self._messages += 1
        self._has_transaction = False
        self._used_at = time.monotonic()
        if 200 <= code < 300:  # noqa: PLR2004 - RFC 5321, 4.2.1
            return Answer(State.ACCEPTED, provider_id=mail.reference)
        if 400 <= code < 600:  # noqa: PLR2004
            return self._refused("end", code, text)
        self.close()
        return Answer(State.IN_DOUBT, "smtp_unreadable")

    def close(self) -> None:
        """Leave without a word: what is open is discarded."""
        self._is_open = False
        with suppress(*FAILURES):
            self._smtp.close()

    def _refused(self, stage: str, code: int, text: bytes) -> Answer:
        """Judge a refusal. The text can hold the address: only codes leave."""
        found = ENHANCED.match(text)
        reason = f"smtp_{stage}_{code}{f'_{found[0].decode()}' if found else ''}"
        if code == SERVICE_CLOSING or not 400 <= code < 600:  # noqa: PLR2004 - RFC 5321, 4.2.1
            self.close()
        if code == SERVICE_CLOSING:
            return Answer(State.PLANNED, reason, retry_after=CLOSING_WAIT)
        if not 500 <= code < 600:  # noqa: PLR2004
            return Answer(State.PLANNED, reason)
        is_everybodys = (stage == "mail" and code != TOO_LARGE) or code == AUTHENTICATION_REQUIRED
        if is_everybodys or (stage == "rcpt" and b"relay" in text.lower()):
            return Answer(State.PLANNED, reason, is_down=True)
        return Answer(State.REFUSED, reason)


def not_opened(error: Exception, current: Attempt) -> Answer:
    """Answer for the message where there is no session; by classes and codes alone."""
    if isinstance(error, smtplib.SMTPResponseException):
        stage = "auth" if isinstance(error, smtplib.SMTPAuthenticationError) else "connect"
        code = error.smtp_code
        wait = CLOSING_WAIT if code == SERVICE_CLOSING else None
        is_down = not 400 <= code < 500  # noqa: PLR2004 - RFC 5321, 4.2.1
        return Answer(State.PLANNED, f"smtp_{stage}_{code}", retry_after=wait, is_down=is_down)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Answer(State.PLANNED, "smtp_not_offered", is_down=True)
    if isinstance(error, ssl.SSLError):
        return Answer(State.PLANNED, "tls_failure", is_down=True)
    is_late = current.is_over or isinstance(error, TimeoutError)
    return Answer(State.PLANNED, "connect_timeout" if is_late else "cannot_connect", is_down=True)
