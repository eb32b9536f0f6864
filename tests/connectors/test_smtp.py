"""SMTP: what each moment of a lost connection means, what is on the wire, and a server that is not ours."""

from __future__ import annotations

import email
import email.policy
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from aiosmtpd import smtp as aio
from aiosmtpd.controller import Controller
from connector_cases import SENDER, content_for, messages, ordinary_request
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from activation import settings
from activation.connectors.mail import compose, rendered
from activation.connectors.registry import connector
from activation.connectors.smtp import Smtp
from activation.content import render
from activation.errors import ConfigurationError
from activation.home import Home, World, open_home
from activation.sandbox import Sandbox
from activation.settings import Connection, Sender
from activation.types import Answer, Request, State

FIELDS = json.dumps({"first_name": "Ann", "offer_text": "15 % off"})
BOUNCING = replace(
    SENDER, bounce_address="bounces@mail.example.com", privacy_url="https://shop.example.com/p"
)
ID = f"{0:032x}"


def mail_to(address: str, fields: str = FIELDS) -> Request:
    return messages("smtp", [fields], [address])


def server_at(port: int, scheme: str = "smtp", host: str = "127.0.0.1", **signed: str) -> Connection:
    return Connection("SMTP", f"{scheme}://{host}:{port}", is_sandbox_allowed=True, **signed)  # type: ignore[arg-type]


def smtp(connection: Connection, sender: Sender = BOUNCING, deadline: float = 5.0) -> Smtp:
    return Smtp(connection, sender, deadline=deadline)


def verdict(answer: Answer) -> tuple[State, str, bool]:
    return answer.state, answer.reason, answer.is_down


CUT_OFF = b"cut off"


class Talker:
    """A server that says what it is told to, line by line, whatever it hears; ``None`` closes."""

    def __init__(self, *sessions: list[bytes | None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.heard: list[bytes] = []
        self.connections = 0
        self._sessions = sessions
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            for session in self._sessions:
                client, _ = self._listener.accept()
                self._open.append(client)
                self.connections += 1
                self._talk(client, session)

    def _talk(self, client: socket.socket, session: list[bytes | None]) -> None:
        stream = client.makefile("rb")
        with suppress(OSError):
            for number, line in enumerate(session):
                if line == CUT_OFF:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    stream.close()
                    client.close()
                    return
                if number:
                    heard = stream.readline()
                    if session[number - 1] == b"354 go on":
                        while heard not in {b".\r\n", b""}:
                            self.heard.append(heard)
                            heard = stream.readline()
                    self.heard.append(heard)
                if line is None:
                    client.shutdown(socket.SHUT_RDWR)
                    client.close()
                    return
                client.sendall(line + b"\r\n")

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._open):
            each.close()


@pytest.fixture
def talker() -> Iterator[Callable[..., Talker]]:
    made: list[Talker] = []

    def make(*sessions: list[bytes | None]) -> Talker:
        made.append(Talker(*sessions))
        return made[-1]

    yield make
    for each in made:
        each.close()


HELLO: list[bytes | None] = [b"220 hi", b"250 hi"]
ENVELOPE: list[bytes | None] = [*HELLO, b"250 ok", b"250 ok", b"354 go on"]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ([b"421 4.3.2 closing"], (State.PLANNED, "smtp_connect_421", False)),
        ([b"554 no service"], (State.PLANNED, "smtp_connect_554", True)),
        ([None], (State.PLANNED, "cannot_connect", True)),
        ([b"hello"], (State.PLANNED, "smtp_connect_-1", True)),
        ([*HELLO, None], (State.PLANNED, "connection_lost", False)),
        ([*HELLO, b"451 4.3.0 later"], (State.PLANNED, "smtp_mail_451_4.3.0", False)),
        ([*HELLO, b"550 5.7.1 not you"], (State.PLANNED, "smtp_mail_550_5.7.1", True)),
        ([*HELLO, b"552 5.3.4 too big"], (State.REFUSED, "smtp_mail_552_5.3.4", False)),
        ([*HELLO, b"530 5.7.0 sign in"], (State.PLANNED, "smtp_mail_530_5.7.0", True)),
        ([*HELLO, b"250 ok", b"550 5.1.1 <ann@example.com>?"], (State.REFUSED, "smtp_rcpt_550_5.1.1", False)),
        ([*HELLO, b"250 ok", b"450 greylisted"], (State.PLANNED, "smtp_rcpt_450", False)),
        ([*HELLO, b"250 ok", b"421 4.3.2 bye"], (State.PLANNED, "smtp_rcpt_421_4.3.2", False)),
        ([*HELLO, b"250 ok", b"554 5.7.1 Relaying denied"], (State.PLANNED, "smtp_rcpt_554_5.7.1", True)),
        ([*HELLO, b"250 ok", b"250 ok", b"554 5.5.1 nobody"], (State.REFUSED, "smtp_data_554_5.5.1", False)),
        ([*HELLO, b"250 ok", b"250 ok", b"250 what"], (State.PLANNED, "smtp_data_250", False)),
        ([*HELLO, b"250 ok", b"250 ok", None], (State.PLANNED, "connection_lost", False)),
        ([*ENVELOPE, b"250 2.0.0 queued"], (State.ACCEPTED, "", False)),
        ([*ENVELOPE, b"451 4.3.0 disk"], (State.PLANNED, "smtp_end_451_4.3.0", False)),
        ([*ENVELOPE, b"421 4.3.0 bye"], (State.PLANNED, "smtp_end_421_4.3.0", False)),
        ([*ENVELOPE, b"554 5.7.1 spam"], (State.REFUSED, "smtp_end_554_5.7.1", False)),
        ([*ENVELOPE, None], (State.IN_DOUBT, "connection_lost", False)),
        ([*ENVELOPE, b"thanks"], (State.IN_DOUBT, "smtp_unreadable", False)),
        ([*ENVELOPE, b"354 more"], (State.IN_DOUBT, "smtp_unreadable", False)),
        ([*ENVELOPE, b"250 " + b"x" * 10_000], (State.IN_DOUBT, "connection_lost", False)),
    ],
)
def test_what_each_answer_means(
    session: list[bytes | None], expected: tuple[State, str, bool], talker: Callable[..., Talker]
) -> None:
    # A server that goes at once has not closed an old connection, so nobody asks again.
    server = talker(session, [b"220 again", None])
    answer = smtp(server_at(server.port)).send(mail_to("ann@example.com"))
    assert verdict(answer) == expected
    assert answer.retry_after == (60.0 if "421" in expected[1] else None)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("session", "state", "reason"),
    [
        ([], State.PLANNED, "connect_timeout"),
        ([b"220 hi"], State.PLANNED, "connect_timeout"),
        ([*HELLO], State.PLANNED, "timeout"),
        ([*HELLO, b"250 ok"], State.PLANNED, "timeout"),
        ([*ENVELOPE], State.IN_DOUBT, "timeout"),
    ],
)
def test_silence_ends_at_the_deadline(
    session: list[bytes | None], state: State, reason: str, talker: Callable[..., Talker]
) -> None:
    server = talker([*session, b""][: len(session)] or [b"220"][:0])
    began = time.monotonic()
    answer = smtp(server_at(server.port), deadline=0.3).send(mail_to("ann@example.com"))
    assert (answer.state, answer.reason) == (state, reason)
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize(
    ("stage", "fault", "state", "accepted"),
    [
        ("data", "drop", State.IN_DOUBT, 0),
        ("data", "accept_then_drop", State.IN_DOUBT, 1),
        ("data", "garbage", State.IN_DOUBT, 1),
        ("data", "drip", State.IN_DOUBT, 1),
        ("data", "sleep:1", State.IN_DOUBT, 1),
        ("data", "status:451", State.PLANNED, 0),
        ("data", "status:554", State.REFUSED, 0),
        ("rcpt", "status:550", State.REFUSED, 0),
        ("rcpt", "status:451", State.PLANNED, 0),
        ("rcpt", "drop", State.PLANNED, 0),
        ("rcpt", "drip", State.PLANNED, 0),
        ("mail", "garbage", State.PLANNED, 0),
        ("auth", "status:535", State.PLANNED, 0),
        ("connect", "status:421", State.PLANNED, 0),
        ("connect", "drop", State.PLANNED, 0),
        ("connect", "drip", State.PLANNED, 0),
    ],
)
def test_the_twins_faults(
    stage: str, fault: str, state: State, *, accepted: int, home: Home, sandbox: Sandbox
) -> None:
    sandbox.script({"path_prefix": f"/smtp/{stage}", "fault": fault})
    destination = Smtp(settings.mail_server(home), BOUNCING, deadline=0.4)
    assert destination.send(mail_to("ann@example.com")).state is state
    assert len(sandbox.accepted()) == accepted
    if state is State.PLANNED:
        assert destination.send(mail_to("ann@example.com")).state is State.ACCEPTED


def test_a_message_cut_off_before_its_end_was_not_sent(talker: Callable[..., Talker]) -> None:
    # Larger than what the system's buffers hold, so that the lost connection is met under way.
    fields = json.dumps({"first_name": ("x" * 70 + "\n") * 30_000, "offer_text": "y"})
    server = talker([*ENVELOPE, CUT_OFF])
    answer = smtp(server_at(server.port)).send(mail_to("ann@example.com", fields))
    assert (answer.state, answer.reason) == (State.PLANNED, "connection_lost")


def test_nobody_there_is_down() -> None:
    assert verdict(smtp(server_at(1)).send(mail_to("ann@example.com"))) == (
        State.PLANNED,
        "cannot_connect",
        True,
    )


def test_one_connection_carries_many_and_is_reopened(home: Home, sandbox: Sandbox) -> None:
    destination = connector(home, "smtp")
    sandbox.script({"path_prefix": "/smtp/connect", "fault": "status:421", "after": 1, "count": 9})
    addresses = ["a@example.com", "refused@example.com", "greylisted@example.com", "d@example.com"]
    states = [destination.send(mail_to(address)).state for address in addresses]
    assert states == [State.ACCEPTED, State.REFUSED, State.PLANNED, State.ACCEPTED]
    assert [line["address"] for line in sandbox.accepted()] == ["a@example.com", "d@example.com"]


def test_a_connection_that_the_server_closed_meanwhile_costs_nobody(talker: Callable[..., Talker]) -> None:
    server = talker([*ENVELOPE, b"250 queued", None], [*ENVELOPE, b"250 queued"])
    destination = smtp(server_at(server.port))
    assert destination.send(mail_to("a@example.com")).state is State.ACCEPTED
    assert destination.send(mail_to("b@example.com")).state is State.ACCEPTED
    assert server.connections == 2


def sent(sandbox_or_talker: Talker) -> EmailMessage:
    data = b"".join(line.removeprefix(b".") for line in sandbox_or_talker.heard[4:-1])
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_message(talker: Callable[..., Talker]) -> None:
    server = talker([*ENVELOPE, b"250 queued"])
    link = "https://shop.example.com/unsubscribe?token=" + "A" * 180
    request = mail_to("ann@example.com")
    row = request.rows.to_pylist()[0] | {"unsubscribe_url": link}
    answer = smtp(server_at(server.port)).send(replace(request, rows=pa.Table.from_pylist([row])))
    assert (answer.state, answer.provider_id) == (State.ACCEPTED, f"{ID}@shop.example.com")
    assert server.heard[1] == f"MAIL FROM:<bounces+{ID}@mail.example.com>\r\n".encode()
    assert server.heard[2] == b"RCPT TO:<ann@example.com>\r\n"
    raw = b"".join(server.heard)
    assert f"List-Unsubscribe: <{link}>\r\n".encode() in raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    message = sent(server)
    assert message["To"] == "ann@example.com"
    assert message["From"] == "Example Shop <hello@shop.example.com>"
    assert message["Message-ID"] == f"<{ID}@shop.example.com>"
    assert abs(message["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=5)
    assert message["X-Muster-Campaign"] == request.campaign
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Example & Sons, 1 Example Street" in plain.get_content()
    assert "Example &amp; Sons, 1 Example Street" in html.get_content()
    assert link in plain.get_content()
    assert max(len(line) for line in server.heard) <= 1000


@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA",
        "x\n.\nQUIT",
        "x\r.\rQUIT",
        ".leading\n..dots\n.",
        "line\0nul\x0b\x85\u2028",
        "Ünïcode 日本語 " * 200,
    ],
)
def test_hostile_values_stay_inside_one_message(hostile: str, home: Home, sandbox: Sandbox) -> None:
    fields = json.dumps({"first_name": hostile, "offer_text": hostile})
    answer = connector(home, "smtp").send(mail_to("ann@example.com", fields))
    assert answer.state is State.ACCEPTED
    assert [line["address"] for line in sandbox.accepted()] == ["ann@example.com"]


def test_parts_are_rendered_as_a_preview_shows_them() -> None:
    content = content_for("email")
    values = dict.fromkeys(content.placeholders, '<b>"A & B\'s"</b>\r\n\u2028{{ first_name }}')
    assert rendered(content, values) == {part: render(content, part, values) for part in content.parts}


def test_no_line_is_bare_or_too_long_and_dots_are_stuffed() -> None:
    text = "a\rb\nc\r\n.d\n" + "é" * 3000 + "\n.\n"
    row = {"message_id": ID, "address": "a@example.com", "unsubscribe_url": None}
    data = compose(BOUNCING, row, {"subject": "Grüße", "text": text, "html": text}, "hello").data
    assert data.endswith(b"\r\n")
    assert b"\r" not in data.replace(b"\r\n", b"")
    lines = data.split(b"\r\n")
    assert not any(b"\n" in line or len(line) > 998 or not line.isascii() for line in lines)
    assert not any(line.startswith(b".") and not line.startswith(b"..") for line in lines)
    parsed = email.message_from_bytes(data.replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
    assert parsed["Subject"] == "Grüße"
    assert "List-Unsubscribe" not in parsed


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        ("ann@bücher.example.com", "ann@xn--bcher-kva.example.com"),
        ("ann.o'neil+x@example.com", "ann.o'neil+x@example.com"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
        ("a" * 65 + "@example.com", None),
        ("nobody", None),
        ("@example.com", None),
        ("a@", None),
        ("a@b@example.com", None),
        ("a b@example.com", None),
        ("a>@example.com", None),
        ("a\r\nRCPT TO:<b@example.com", None),
        ("a@exa mple.com", None),
        ("a@[127.0.0.1]", None),
        ("a@-example.com", None),
        (f"a@{'x' * 64}.example.com", None),
    ],
)
def test_addresses(address: str, recipient: str | None, home: Home, sandbox: Sandbox) -> None:
    answer = connector(home, "smtp").send(mail_to(address))
    if recipient is None:
        assert (answer.state, answer.reason) == (State.REFUSED, "bad_address")
    else:
        assert [line["address"] for line in sandbox.accepted()] == [recipient]


def test_a_local_part_beyond_ascii_needs_a_server_that_takes_it(
    home: Home, sandbox: Sandbox, talker: Callable[..., Talker]
) -> None:
    assert connector(home, "smtp").send(mail_to("änn@example.com")).state is State.ACCEPTED
    assert [line["address"] for line in sandbox.accepted()] == ["änn@example.com"]
    server = talker([*HELLO, b"250 reset", *ENVELOPE[2:], b"250 queued"])
    destination = smtp(server_at(server.port))
    assert verdict(destination.send(mail_to("änn@example.com"))) == (
        State.REFUSED,
        "smtp_utf8_not_offered",
        False,
    )
    assert destination.send(mail_to("ann@example.com")).state is State.ACCEPTED
    assert server.connections == 1


def test_marketing_without_a_way_out_is_refused(home: Home, sandbox: Sandbox) -> None:
    request = mail_to("ann@example.com")
    rows = [request.rows.to_pylist()[0] | {"unsubscribe_url": None}]
    without = replace(request, rows=pa.Table.from_pylist(rows, schema=request.rows.schema))
    assert connector(home, "smtp").send(without).state is State.REFUSED
    assert sandbox.accepted() == []
    assert request.content is not None
    parts = {"subject": "Your case", "text": "Hello {{ first_name }}"}
    content = replace(request.content, purpose="service", parts=parts, placeholders=frozenset({"first_name"}))
    assert connector(home, "smtp").send(replace(without, content=content)).state is State.ACCEPTED


def test_a_missing_value_costs_the_person_alone(home: Home, sandbox: Sandbox) -> None:
    answer = connector(home, "smtp").send(mail_to("ann@example.com", "{}"))
    assert answer.state is State.REFUSED
    assert answer.reason.startswith("missing_field_")
    assert sandbox.accepted() == []


def test_a_bounce_address_leaves_room_for_a_message_id(home: Home, sandbox: Sandbox) -> None:
    connection = settings.mail_server(home)
    plain = Smtp(connection, replace(SENDER, privacy_url="https://shop.example.com/p"))
    assert plain.send(mail_to("ann@example.com")).state is State.ACCEPTED
    assert sandbox.accepted()[0]["envelope_from"] == SENDER.email
    with pytest.raises(ConfigurationError, match="MUSTER_BOUNCE_ADDRESS"):
        Smtp(connection, replace(BOUNCING, bounce_address="x" * 32 + "@example.com")).send(
            mail_to("a@example.com")
        )


def test_a_live_home_refuses_receipts_from_the_sandbox(home: Home, sandbox: Sandbox) -> None:
    del sandbox
    live = replace(settings.mail_server(home), is_sandbox_allowed=False)
    with pytest.raises(ConfigurationError, match="a live home refuses"):
        Smtp(live, SENDER).send(ordinary_request("smtp"))


def test_nobodys_address_and_no_secret_gets_out(
    home: Home, sandbox: Sandbox, talker: Callable[..., Talker], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    del sandbox
    said: list[Any] = [connector(home, "smtp").send(mail_to("refused@example.com"))]
    echo = b"550 5.1.1 <refused@example.com> secret-password"
    for session in ([echo], [*HELLO, echo], [*HELLO, b"250 ok", echo], [*ENVELOPE, echo]):
        server = talker(session)
        destination = smtp(server_at(server.port, username="user", password="secret-password"))
        said += [destination, vars(destination), destination.send(mail_to("refused@example.com"))]
    text = f"{said} {caplog.text}"
    assert "refused@example.com" not in text
    assert "secret-password" not in text


# A server that is not ours, with TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


class Inbox:
    """What aiosmtpd hands over, and who signed in."""

    def __init__(self) -> None:
        self.envelopes: list[aio.Envelope] = []
        self.users: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: aio.Envelope) -> str:  # noqa: N802 - its name
        assert session.ssl is not None or server.session.host_name
        self.envelopes.append(envelope)
        return "250 2.0.0 queued"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> aio.AuthResult:
        del server, session, envelope, mechanism
        self.users.append(data.login)
        return aio.AuthResult(success=data.password == b"right", handled=False)


@pytest.fixture
def aiosmtpd(certificate: Path) -> Iterator[Callable[..., tuple[Inbox, int]]]:
    running: list[Controller] = []

    def start(host: str = "127.0.0.1", **options: Any) -> tuple[Inbox, int]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        inbox = Inbox()

        class Started(Controller):
            def factory(self) -> aio.SMTP:
                return aio.SMTP(
                    inbox,
                    tls_context=context,
                    authenticator=inbox.authenticate,
                    enable_SMTPUTF8=True,
                    **options,
                )

        with socket.create_server((host, 0)) as free:
            port = free.getsockname()[1]
        controller = Started(inbox, hostname=host, port=port)
        controller.start()
        running.append(controller)
        return inbox, port

    yield start
    for controller in running:
        controller.stop()


def test_starttls_and_sign_in_at_a_server_that_is_not_ours(
    aiosmtpd: Callable[..., tuple[Inbox, int]], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    inbox, port = aiosmtpd("127.0.0.2", require_starttls=True, auth_required=True)
    signed = {"username": "shop", "password": "right"}
    destination = smtp(server_at(port, "starttls", "127.0.0.2", **signed))
    for number in range(3):
        assert destination.send(mail_to(f"person{number}@example.com")).state is State.ACCEPTED
    assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [
        [f"person{number}@example.com"] for number in range(3)
    ]
    assert inbox.users == [b"shop"]
    assert inbox.envelopes[0].mail_from == f"bounces+{ID}@mail.example.com"
    message = email.message_from_bytes(bytes(inbox.envelopes[0].content or b""), policy=email.policy.default)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    wrong = smtp(server_at(port, "starttls", "127.0.0.2", username="shop", password="wrong"))
    assert verdict(wrong.send(mail_to("a@example.com"))) == (State.PLANNED, "smtp_auth_535", True)


def test_a_certificate_that_nobody_vouches_for_ends_it(
    aiosmtpd: Callable[..., tuple[Inbox, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    inbox, port = aiosmtpd("127.0.0.2")
    answer = smtp(server_at(port, "starttls", "127.0.0.2")).send(mail_to("a@example.com"))
    assert verdict(answer) == (State.PLANNED, "tls_failure", True)
    assert inbox.envelopes == []


def test_a_server_without_tls_gets_nothing(talker: Callable[..., Talker]) -> None:
    server = talker([b"220 hi", b"250-hi\r\n250 SIZE 100", b"250 ok"])
    answer = smtp(server_at(server.port, "starttls")).send(mail_to("a@example.com"))
    assert verdict(answer) == (State.PLANNED, "smtp_not_offered", True)
    assert not any(b"MAIL" in line for line in server.heard)


def test_implicit_tls(aiosmtpd: Callable[..., tuple[Inbox, int]], talker: Callable[..., Talker]) -> None:
    _, port = aiosmtpd()
    answer = smtp(server_at(port, "smtps")).send(mail_to("a@example.com"))
    assert verdict(answer) == (State.PLANNED, "tls_failure", True)
    assert verdict(smtp(server_at(talker([b"220 hi"]).port, "smtps")).send(mail_to("a@example.com")))[2]


# Settings.


@pytest.mark.parametrize(
    ("world", "changes", "expected"),
    [
        (World.LIVE, {"HOST": "mail.example.com"}, "starttls://mail.example.com:587"),
        (World.LIVE, {"HOST": "mail.example.com", "PORT": "465"}, "smtps://mail.example.com:465"),
        (World.LIVE, {"HOST": "127.0.0.1", "PORT": "25"}, "smtp://127.0.0.1:25"),
        (World.LIVE, {"HOST": "::1", "PORT": "25"}, "smtp://[::1]:25"),
        (World.REHEARSAL, {"HOST": "mail.example.com"}, None),
        (World.REHEARSAL, {}, None),
        (World.LIVE, {}, None),
        (World.LIVE, {"HOST": "mail.example.com", "PORT": "many"}, None),
        (World.LIVE, {"HOST": "mail.example.com", "PORT": "70000"}, None),
        (World.LIVE, {"HOST": "user:secret@mail.example.com"}, None),
        (World.LIVE, {"HOST": "mail.example.com", "USERNAME": "shop"}, None),
    ],
)
def test_settings(
    world: World,
    changes: dict[str, str],
    expected: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = open_home(tmp_path / "home", world)
    for name, value in changes.items():
        monkeypatch.setenv(f"MUSTER_SMTP_{name}", value)
    if expected is None:
        with pytest.raises(ConfigurationError, match="MUSTER_SMTP_") as caught:
            settings.mail_server(home)
        assert "secret" not in str(caught.value)
    else:
        assert settings.mail_server(home).base_url == expected
