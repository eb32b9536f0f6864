"""A mail server's twin on loopback: SMTP without TLS, one recipient a message, with scripted faults.

It refuses recipients whose local part holds ``refused`` (550) and puts off those with ``greylisted`` (451). Faults are
scripted as those of other twins, with the stage as path: ``/smtp/connect``, ``/smtp/auth``, ``/smtp/mail``,
``/smtp/rcpt``, ``/smtp/body`` (a message under way) and ``/smtp/data`` (a message that has come to its end).
``status:<code>`` answers with that code, ``drop`` closes; ``accept_then_drop``, ``sleep``, ``garbage`` and ``drip``
accept first where the stage is ``data``.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable
from contextlib import suppress
from email.parser import BytesHeaderParser
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, ClassVar, cast

from activation.sandbox.calls import Response

if TYPE_CHECKING:
    from activation.sandbox.server import Server

MAX_BYTES = 10_000_000
MAX_LINE = 4096
DRIP_SECONDS = 0.05
MAIL = re.compile(r"MAIL FROM:<([^<>\s]*)>((?: \S+)*)", re.IGNORECASE)
RCPT = re.compile(r"RCPT TO:<([^<>\s]+@[^<>\s@]+)>((?: \S+)*)", re.IGNORECASE)
EXTENSIONS = ("AUTH PLAIN", f"SIZE {MAX_BYTES}", "8BITMIME", "SMTPUTF8", "DSN")


class MailServer(ThreadingTCPServer):
    """The mail server beside a sandbox's HTTP server, on a free port."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, twins: Server) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.twins = twins

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away."""


class _EndError(Exception):
    """The connection is over."""


class Session(StreamRequestHandler):
    """One connection."""

    timeout: ClassVar[float | None] = 120
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Talk until somebody leaves."""
        self._sender: str | None = None
        self._recipient: str | None = None
        with suppress(_EndError, OSError):
            if not self._meets("connect"):
                self._say("220 muster-sandbox ESMTP")
            while line := self.rfile.readline(MAX_LINE):
                command = line.decode("utf-8", "replace").rstrip("\r\n")
                verb = command[:4].upper()
                VERBS.get(verb, Session._unknown)(self, command)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _meets(self, stage: str) -> bool:
        """Act out the fault of a stage; say whether it has answered."""
        kind, argument = cast("MailServer", self.server).twins.faults.meet(f"/smtp/{stage}")
        if kind == "status":
            self._say(f"{int(argument)} {int(argument) // 100}.0.0 scripted")
            return True
        if kind == "sleep":
            time.sleep(argument)
        if kind == "garbage":
            self._say("hello there")
            return True
        if kind == "drip":
            self._drip()
        if "drop" in kind or kind == "accept_then_500":
            raise _EndError
        return False

    def _drip(self) -> None:
        while True:
            self.wfile.write(b"250-")
            for _ in range(20):
                self.wfile.write(b".")
                time.sleep(DRIP_SECONDS)
            self.wfile.write(b"\r\n")

    def _hello(self, command: str) -> None:
        if command[:4].upper() == "HELO":
            self._say("250 muster-sandbox")
            return
        for line in ("muster-sandbox", *EXTENSIONS[:-1]):
            self._say(f"250-{line}")
        self._say(f"250 {EXTENSIONS[-1]}")

    def _auth(self, command: str) -> None:
        if self._meets("auth"):
            return
        try:
            _, user, password = base64.b64decode(command.rpartition(" ")[2], validate=True).split(b"\0")
        except (binascii.Error, ValueError):
            user, password = b"", b""
        self._say("235 2.7.0 welcome" if user and password else "535 5.7.8 bad credentials")

    def _mail(self, command: str) -> None:
        if self._meets("mail"):
            return
        found = MAIL.fullmatch(command)
        if found is None or self._sender is not None:
            self._say("503 5.5.1 nested MAIL" if found else "501 5.5.4 syntax")
            return
        self._sender = found[1]
        self._is_utf8 = "SMTPUTF8" in found[2].upper()
        self._say("250 2.1.0 ok")

    def _rcpt(self, command: str) -> None:
        if self._meets("rcpt"):
            return
        found = RCPT.fullmatch(command)
        if found is None or self._sender is None:
            self._say("501 5.1.3 syntax" if self._sender is not None else "503 5.5.1 MAIL first")
        elif self._recipient is not None:
            self._say("452 4.5.3 one recipient a message")
        elif not found[1].isascii() and not self._is_utf8:
            self._say("553 5.6.7 SMTPUTF8 needed")
        elif "refused" in found[1].partition("@")[0]:
            self._say(f"550 5.1.1 <{found[1]}>: no such user")
        elif "greylisted" in found[1].partition("@")[0]:
            self._say(f"451 4.7.1 <{found[1]}>: try again later")
        else:
            self._recipient = found[1]
            self._say("250 2.1.5 ok")

    def _data(self, _: str) -> None:
        if self._recipient is None:
            self._say("503 5.5.1 RCPT first")
            return
        self._say("354 go on")
        self._meets("body")
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(MAX_LINE)) != b".\r\n":
            if not line:
                raise _EndError
            size += len(line)
            lines.append(line.removeprefix(b"."))
        self._take(b"".join(lines), size)

    def _take(self, message: bytes, size: int) -> None:
        server = cast("MailServer", self.server).twins
        kind, argument = server.faults.meet("/smtp/data")
        if kind == "drop":
            raise _EndError
        if kind == "status" or size > MAX_BYTES:
            code = int(argument) if kind == "status" else 552
            self._say(f"{code} {code // 100}.0.0 not accepted")
        else:
            headers = BytesHeaderParser().parsebytes(message)
            accepted = {
                "campaign": headers["X-Muster-Campaign"],
                "message_id": str(headers["Message-ID"] or "").strip("<>").partition("@")[0],
                "address": self._recipient,
                "envelope_from": self._sender,
            }
            server.accept("smtp", Response(250, accepted=(accepted,)))
            self._answer_late(kind, argument)
        self._reset("")

    def _answer_late(self, kind: str, argument: float) -> None:
        if kind in {"accept_then_drop", "accept_then_500"}:
            raise _EndError
        if kind == "drip":
            self._drip()
        if kind == "sleep":
            time.sleep(argument)
        self._say("hello there" if kind == "garbage" else "250 2.0.0 queued")

    def _reset(self, command: str) -> None:
        self._sender = self._recipient = None
        if command:
            self._say("250 2.0.0 ok")

    def _quit(self, _: str) -> None:
        self._say("221 2.0.0 bye")
        raise _EndError

    def _noop(self, _: str) -> None:
        self._say("250 2.0.0 ok")

    def _unknown(self, _: str) -> None:
        self._say("500 5.5.2 unknown command")


VERBS: dict[str, Callable[[Session, str], None]] = {
    "EHLO": Session._hello,  # noqa: SLF001 - a table of this class's own answers
    "HELO": Session._hello,  # noqa: SLF001
    "AUTH": Session._auth,  # noqa: SLF001
    "MAIL": Session._mail,  # noqa: SLF001
    "RCPT": Session._rcpt,  # noqa: SLF001
    "DATA": Session._data,  # noqa: SLF001
    "RSET": Session._reset,  # noqa: SLF001
    "NOOP": Session._noop,  # noqa: SLF001
    "QUIT": Session._quit,  # noqa: SLF001
}
