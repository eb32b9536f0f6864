"""E-mail over SMTP: one person, one message, one transaction (RFC 5321), over a connection that is used again.

============================================= =========================================================
the server, or the network                    what became of the message
============================================= =========================================================
no connection, no TLS, no sign-in             certainly not sent; nobody else is tried either
lost or late before the final dot has begun   certainly not sent: a transaction that was not ended is
to leave                                      discarded (RFC 5321, 4.1.1.10)
lost or late after that, or no code at all    in doubt: the server may have it
4xx at any command, or after the final dot    not accepted; it may be sent again
5xx to MAIL, or a relay that refuses us       not accepted, and nobody would be
5xx to RCPT, to DATA or after the final dot   refused
============================================= =========================================================

Our message id comes back in a bounce in three ways: in the envelope's sender (``bounces+<message id>@...``), in the
``Message-ID`` (``<message id>@<domain>``), and as ``ENVID`` where the server knows RFC 3461.
"""

from __future__ import annotations

from typing import ClassVar

from activation.connectors import Throughput
from activation.connectors.client import check_size
from activation.connectors.mail import Mail, NotAnAddressError, ascii_domain, compose, rendered
from activation.connectors.rows import fields_of, first_row
from activation.connectors.smtp_session import FAILURES, MailServer, Session, not_opened
from activation.connectors.transport import Attempt, attempt
from activation.errors import ConfigurationError
from activation.settings import Connection, Sender
from activation.types import Answer, Capability, Operation, Request, State


class Smtp:
    """Marketing and service e-mail through a mail server. Not safe for several threads at once.

    ``deadline`` seconds bound a message from the connection to the last answer, ``connect_timeout`` each address tried.
    """

    name: ClassVar[str] = "smtp"
    channel: ClassVar[str] = "email"
    capability: ClassVar[Capability] = Capability.FIRE_AND_FORGET
    operations: ClassVar[frozenset[Operation]] = frozenset({Operation.SEND})
    max_rows: ClassVar[int] = 1
    throughput: ClassVar[Throughput] = Throughput(workers=4, group=20)
    max_bytes: ClassVar[int] = 10_000_000

    def __init__(
        self,
        connection: Connection,
        sender: Sender,
        *,
        deadline: float = 60.0,
        connect_timeout: float = 10.0,
    ) -> None:
        """``connection`` is that of :func:`activation.settings.mail_server`."""
        self._sender = sender
        self._server = MailServer(
            connection, ascii_domain(sender.email), deadline, min(connect_timeout, deadline)
        )
        self._deadline = deadline
        self._session: Session | None = None

    def __repr__(self) -> str:
        return "Smtp()"

    def send(self, request: Request) -> Answer:
        """Mail the one person in ``request``; see :class:`activation.connectors.Connector`."""
        if request.operation not in self.operations or request.content is None or request.people != 1:
            raise ConfigurationError("smtp: a request sends a template's content to one person")
        row = first_row(request.rows, "message_id", "address", "fields", "unsubscribe_url")
        own = {**self._sender.fixed, "unsubscribe_url": row["unsubscribe_url"]}
        values = {
            name: value for name, value in (fields_of(row["fields"]) | own).items() if value is not None
        }
        missing = sorted(request.content.placeholders - set(values))
        if missing or not row["address"]:
            return Answer(State.REFUSED, f"missing_field_{missing[0]}" if missing else "missing_address")
        if request.content.purpose == "marketing" and not row["unsubscribe_url"]:
            return Answer(State.REFUSED, "missing_unsubscribe_url")
        parts = rendered(request.content, values)
        try:
            mail = compose(self._sender, row, parts, request.campaign)
        except NotAnAddressError:
            return Answer(State.REFUSED, "bad_address")
        check_size(self.name, mail.data, self.max_bytes)
        with attempt(self._deadline) as current:
            return self._begin(mail, current) or self._end(mail, current)

    def _begin(self, mail: Mail, current: Attempt) -> Answer | None:
        """Come as far as the server's leave to send the message, or say why not."""
        while True:
            session, self._session = self._session, None
            if session is not None and not session.is_fit:
                session.close()
                session = None
            is_used = session is not None
            try:
                if session is None:
                    session = self._server.open(current)
                session.watch(current)
            except FAILURES as error:
                return not_opened(error, current)
            try:
                answer = session.begin(mail)
            except FAILURES:
                session.close()
                # An idle connection that the server has closed meanwhile is nobody's fault.
                if is_used and not current.is_over:
                    continue
                return Answer(State.PLANNED, "timeout" if current.is_over else "connection_lost")
            if session.is_fit:
                self._session = session
            return answer

    def _end(self, mail: Mail, current: Attempt) -> Answer:
        session, self._session = self._session, None
        if session is None:
            return Answer(State.PLANNED, "connection_lost")
        try:
            session.send(mail.data)
        except FAILURES:
            session.close()
            return Answer(State.PLANNED, "timeout" if current.is_over else "connection_lost")
        try:
            answer = session.end(mail)
        except FAILURES:
            session.close()
            return Answer(State.IN_DOUBT, "timeout" if current.is_over else "connection_lost")
        if session.is_fit:
            self._session = session
        return answer
