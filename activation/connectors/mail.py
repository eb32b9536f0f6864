"""One person's e-mail as the bytes of an SMTP transaction.

``email`` folds a header that is longer than a line by encoding it, also a link or an address, which nobody reads
back: its default policy makes encoded words of a ``List-Unsubscribe`` of 190 characters. What must stay as it is
is therefore written here, each header on one line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any

from activation.connectors.rows import BREAKS
from activation.errors import ConfigurationError
from activation.settings import Sender
from activation.types import Content

# RFC 5321, 4.5.3.1: a local part of 64 octets, a domain of 255; RFC 5322, 2.1.1: a line of 998 characters.
MAX_LOCAL, MAX_DOMAIN, MAX_LINE = 64, 255, 998
MESSAGE_ID_LENGTH = 32
LOCAL = re.compile(r"[^\s<>()\[\]\\,;:@\"\x00-\x20\x7f-\x9f]+")
DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*")


class NotAnAddressError(Exception):
    """What should be an address cannot be one; it says nothing of it."""


@dataclass(frozen=True, repr=False)
class Mail:
    """An envelope and its message.

    ``data`` is dot-stuffed and lacks the dot that ends it; ``reference`` is the ``Message-ID`` without brackets.
    ``is_utf8`` where the recipient's local part needs SMTPUTF8 (RFC 6531).
    """

    message_id: str
    reference: str
    envelope_from: str
    recipient: str
    data: bytes
    is_utf8: bool


def rendered(content: Content, values: Mapping[str, str]) -> dict[str, str]:
    """Fill each part with values as it wants them: a subject on one line, HTML escaped."""
    escaped = {name: html.escape(value) for name, value in values.items()}
    on_one_line = {name: BREAKS.sub(" ", value).strip(" ") for name, value in values.items()}
    wanted = {"subject": on_one_line, "html": escaped}
    return {part: content.fill(part, wanted.get(part, values)) for part in content.parts}


def compose(sender: Sender, row: Mapping[str, Any], parts: Mapping[str, str], campaign: str) -> Mail:
    """Write the message of a row's ``message_id``, ``address`` and ``unsubscribe_url``, null where there is none.

    ``parts`` are ``subject``, ``text`` and perhaps ``html``, rendered. Raises ``NotAnAddressError`` for the
    address, ``ConfigurationError`` for what settings say.
    """
    recipient = _recipient(row["address"])
    own_domain = ascii_domain(sender.email)
    reference = f"{row['message_id']}@{own_domain}"
    lines = [
        f"To: <{recipient}>",
        f"Date: {formatdate(usegmt=True)}",
        f"Message-ID: <{reference}>",
        f"X-Muster-Campaign: {_printable(campaign)}",
    ]
    if row["unsubscribe_url"]:
        lines.append(f"List-Unsubscribe: <{_printable(row['unsubscribe_url'])}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    if any(len(line.encode()) > MAX_LINE for line in lines):
        raise ConfigurationError(
            "smtp: a header is longer than 998 characters; shorten MUSTER_UNSUBSCRIBE_URL"
        )
    body = EmailMessage(policy=SMTP)
    local = sender.email.rpartition("@")[0]
    body["From"] = Address(sender.name, username=local, domain=own_domain)
    body["Subject"] = parts["subject"]
    _fill(body, parts["text"], "plain")
    if "html" in parts:
        _fill(body, parts["html"], "html")
    data = "".join(f"{line}\r\n" for line in lines).encode() + body.as_bytes()
    return Mail(
        message_id=row["message_id"],
        reference=reference,
        envelope_from=_envelope_from(sender, row["message_id"]),
        recipient=recipient,
        data=re.sub(rb"(?m)^\.", b"..", data if data.endswith(b"\r\n") else data + b"\r\n"),
        is_utf8=not recipient.isascii(),
    )


def ascii_domain(address: str) -> str:
    """The domain of one of our own addresses, in ASCII. Raises ``ConfigurationError`` where it has none."""
    try:
        return _ascii_domain(address.rpartition("@")[2])
    except NotAnAddressError:
        raise ConfigurationError("MUSTER_EMAIL_FROM and MUSTER_BOUNCE_ADDRESS are addresses") from None


def _recipient(address: str) -> str:
    local, _, domain = address.rpartition("@")
    if not LOCAL.fullmatch(local) or len(local.encode()) > MAX_LOCAL:
        raise NotAnAddressError
    return f"{local}@{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    try:
        encoded = domain.encode("idna").decode()
    except UnicodeError:
        raise NotAnAddressError from None
    if not DOMAIN.fullmatch(encoded) or len(encoded) > MAX_DOMAIN:
        raise NotAnAddressError
    return encoded


def _envelope_from(sender: Sender, message_id: str) -> str:
    """Where a bounce goes to: an address of its own for each message, so that it names the message."""
    if not sender.bounce_address:
        return f"{sender.email.rpartition('@')[0]}@{ascii_domain(sender.email)}"
    local = sender.bounce_address.rpartition("@")[0]
    if not local or len(local) + 1 + MESSAGE_ID_LENGTH > MAX_LOCAL:
        raise ConfigurationError(
            "MUSTER_BOUNCE_ADDRESS has 1 to 31 characters before the @: a message id follows"
        )
    return f"{local}+{message_id}@{ascii_domain(sender.bounce_address)}"


def _fill(body: EmailMessage, text: str, subtype: str) -> None:
    """Add a part that every server takes: seven bits, in lines of a length that is allowed."""
    is_plain = PLAIN.fullmatch(text) and all(len(line) < MAX_LINE for line in text.splitlines())
    cte = "7bit" if is_plain else "quoted-printable"
    ended = text if text.endswith("\n") else f"{text}\n"
    if subtype == "plain":
        body.set_content(ended, cte=cte)
    else:
        body.add_alternative(ended, subtype=subtype, cte=cte)


def _printable(text: str) -> str:
    """What may stand in a header line of our own: visible ASCII."""
    return re.sub(r"[^\x21-\x7e]", "-", text)
