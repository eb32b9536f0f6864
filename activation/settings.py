"""Everything that comes from the environment. The one module that reads secrets.

A connection named ``SENDGRID`` is configured by ``MUSTER_SENDGRID_BASE_URL`` and ``MUSTER_SENDGRID_TOKEN``
(or ``_USERNAME`` and ``_PASSWORD``); each may instead name a file, ``MUSTER_SENDGRID_TOKEN_FILE``.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from activation.errors import ConfigurationError
from activation.home import Home, World
from activation.hosts import refuse_foreign_host
from activation.keys import Secret, UnsubscribeKeys, parse_keys

PROJECT = Path(__file__).resolve().parent.parent
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_PORT = 65_535
VENDOR_URLS = {
    "SENDGRID": "https://api.sendgrid.com",
    "TWILIO": "https://api.twilio.com",
    "META": "https://graph.facebook.com",
    "GOOGLE": "https://datamanager.googleapis.com",
    "HUBSPOT": "https://api.hubapi.com",
    "KLAVIYO": "https://a.klaviyo.com",
    "EXPO": "https://exp.host",
    "FCM": "https://fcm.googleapis.com",
    "LOB": "https://api.lob.com",
}


@dataclass(frozen=True, repr=False)
class Connection:
    """Where a destination is and how to sign in. Its repr shows no secret.

    ``username`` is the account where one must be named (``MUSTER_<name>_ACCOUNT`` says it too), ``login_account``
    the account that signs in for it, and ``key`` a service account's key file: its JSON text.
    """

    name: str
    base_url: str
    token: str | None = None
    username: str | None = None
    password: str | None = None
    is_sandbox_allowed: bool = False
    key: str | None = None
    login_account: str | None = None

    def __repr__(self) -> str:
        return f"Connection({self.name}, {self.base_url}, ***)"

    @property
    def host(self) -> str:
        """The one host that this connection may reach."""
        return urlsplit(self.base_url).hostname or ""


@dataclass(frozen=True)
class Sender:
    """Who a message says it is from, and the links that marketing mail must carry."""

    email: str
    name: str
    postal_address: str
    unsubscribe_url: str
    phone: str
    callback_url: str | None
    privacy_url: str = ""
    bounce_address: str = ""
    unsubscribe_keys: UnsubscribeKeys | None = None

    @property
    def fixed(self) -> dict[str, str]:
        """The placeholders that have the same value for everybody, and that each connector fills in."""
        return {"postal_address": self.postal_address, "privacy_url": self.privacy_url}


def home_path() -> Path:
    """``MUSTER_HOME``, or ``var/`` in the project."""
    return Path(os.environ.get("MUSTER_HOME") or PROJECT / "var")


def read(name: str) -> str | None:
    """``MUSTER_<name>``, or the content of the file that ``MUSTER_<name>_FILE`` names."""
    value = os.environ.get(f"MUSTER_{name}")
    file = os.environ.get(f"MUSTER_{name}_FILE")
    if value is None and file:
        try:
            value = Path(file).read_text().strip()
        except OSError as error:
            raise ConfigurationError(
                f"MUSTER_{name}_FILE names a file that cannot be read: {error.strerror}"
            ) from None
    return value or None


def pepper(home: Home) -> Secret:
    """The key of every address digest. ``MUSTER_PEPPER``; a rehearsal home has an invented one."""
    value = read("PEPPER")
    if value is None and home.world is World.REHEARSAL:
        value = f"rehearsal-{home.home_id}"
    if value is None:
        raise ConfigurationError(
            "MUSTER_PEPPER is not set: it keys the digests of addresses in the journal and of unsubscribe "
            "links. Set it once, to a long random text, and keep it as long as the home lives."
        )
    return Secret(value.encode())


def journal_url() -> str | None:
    """``MUSTER_JOURNAL_URL``: the PostgreSQL database that several workers share; ``None`` is SQLite in the home."""
    return read("JOURNAL_URL")


def unsubscribe_keys(home: Home) -> UnsubscribeKeys:
    """The keys of unsubscribe links: ``MUSTER_UNSUBSCRIBE_KEYS``, and the pepper. Raises ``ConfigurationError``."""
    return parse_keys(read("UNSUBSCRIBE_KEYS") or "", pepper(home))


def sender(home: Home) -> Sender:
    """Who messages are from. A live home must say it; a rehearsal home has example values."""
    example = {
        "EMAIL_FROM": "hello@shop.example.com",
        "EMAIL_FROM_NAME": "Example Shop",
        "POSTAL_ADDRESS": "Example Shop, 1 Example Street, Springfield",
        "UNSUBSCRIBE_URL": "https://shop.example.com/unsubscribe",
        "PRIVACY_URL": "https://shop.example.com/privacy",
        "SMS_FROM": "+15550100000",
    }
    values: dict[str, str] = {}
    for name, default in example.items():
        value = read(name) or (default if home.world is World.REHEARSAL else None)
        if value is None:
            raise ConfigurationError(
                f"MUSTER_{name} is not set: messages need it. See README, Configuration."
            )
        values[name] = value
    if not values["UNSUBSCRIBE_URL"].startswith("https://"):
        raise ConfigurationError("MUSTER_UNSUBSCRIBE_URL must be an https link (RFC 8058)")
    if not values["PRIVACY_URL"].startswith("https://"):
        raise ConfigurationError(
            "MUSTER_PRIVACY_URL must be an https link: to the notice that `muster privacy-notice` writes"
        )
    callback = read("CALLBACK_URL") or (_sandbox_url(home) if home.world is World.REHEARSAL else None)
    return Sender(
        email=values["EMAIL_FROM"],
        name=values["EMAIL_FROM_NAME"],
        postal_address=values["POSTAL_ADDRESS"],
        unsubscribe_url=values["UNSUBSCRIBE_URL"],
        phone=values["SMS_FROM"],
        callback_url=callback,
        privacy_url=values["PRIVACY_URL"],
        bounce_address=read("BOUNCE_ADDRESS") or "",
        unsubscribe_keys=unsubscribe_keys(home),
    )


def connection(home: Home, name: str) -> Connection:
    """The connection ``name`` as configured, safe for this home's world.

    A rehearsal home takes the running sandbox where nothing else is configured, and refuses any host that
    is not loopback. A live home needs credentials. Raises ``ConfigurationError``.
    """
    is_rehearsal = home.world is World.REHEARSAL
    sandbox = _sandbox_url(home) if is_rehearsal else None
    base_url = read(f"{name}_BASE_URL") or (f"{sandbox}/{name.lower()}" if sandbox else None)
    if base_url is None and not is_rehearsal:
        base_url = VENDOR_URLS.get(name)
    if base_url is None:
        hint = "start `muster sandbox`, or set it" if is_rehearsal else "set it"
        raise ConfigurationError(f"MUSTER_{name}_BASE_URL is not set: {hint}")
    parts = _parts_of_url(name, base_url)
    is_loopback = parts.hostname in LOOPBACK
    if is_rehearsal and not is_loopback:
        raise ConfigurationError(f"MUSTER_{name}_BASE_URL: a rehearsal home reaches loopback only")
    if parts.scheme != "https" and not (is_loopback and parts.scheme == "http"):
        raise ConfigurationError(f"MUSTER_{name}_BASE_URL must be https")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            f"MUSTER_{name}_BASE_URL is scheme, host and path; secrets have settings of their own"
        )
    if not is_loopback:
        refuse_foreign_host(name, parts.hostname or "", VENDOR_URLS.get(name), read("ALLOWED_HOSTS") or "")
    token, username, password = (read(f"{name}_{part}") for part in ("TOKEN", "USERNAME", "PASSWORD"))
    key, login_account = read(f"{name}_KEY"), read(f"{name}_LOGIN_ACCOUNT")
    username = username or read(f"{name}_ACCOUNT")
    if is_rehearsal and not (token or password or key):
        token, username, password = "sandbox-token", username or "sandbox-user", "sandbox-password"
    if not (token or key or (username and password)):
        raise ConfigurationError(
            f"no credentials for {name}: set MUSTER_{name}_TOKEN (or MUSTER_{name}_TOKEN_FILE), "
            f"or MUSTER_{name}_USERNAME and MUSTER_{name}_PASSWORD"
        )
    return Connection(name, base_url.rstrip("/"), token, username, password, is_rehearsal, key, login_account)


def _parts_of_url(name: str, base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ConfigurationError(
            f"MUSTER_{name}_BASE_URL is no URL: https://host, and perhaps a port and a path"
        )
    return parts


def mail_server(home: Home) -> Connection:
    """The mail server, as ``smtp://`` (loopback), ``starttls://`` (the default) or ``smtps://`` (port 465).

    A rehearsal home takes the running sandbox where nothing else is configured. Raises ``ConfigurationError``.
    """
    is_rehearsal = home.world is World.REHEARSAL
    host, port = read("SMTP_HOST"), read("SMTP_PORT") or "587"
    username, password = read("SMTP_USERNAME"), read("SMTP_PASSWORD")
    if host is None and is_rehearsal and (file := sandbox_address_file(home)).exists():
        host, port = "127.0.0.1", _told(file, "smtp_port")
        username, password = username or "sandbox-user", password or "sandbox-password"
    if host is None:
        hint = "start `muster sandbox`, or set it" if is_rehearsal else "set it to your mail server's name"
        raise ConfigurationError(f"MUSTER_SMTP_HOST is not set: {hint}")
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", host):
        raise ConfigurationError("MUSTER_SMTP_HOST is the name or address of a host, and nothing else")
    if not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        raise ConfigurationError("MUSTER_SMTP_PORT is a number from 1 to 65535")
    if (username is None) != (password is None):
        raise ConfigurationError("MUSTER_SMTP_USERNAME and MUSTER_SMTP_PASSWORD go together")
    is_loopback = host in LOOPBACK
    if is_rehearsal and not is_loopback:
        raise ConfigurationError("MUSTER_SMTP_HOST: a rehearsal home reaches loopback only")
    scheme = "smtps" if port == "465" else "smtp" if is_loopback else "starttls"
    name = f"[{host}]" if ":" in host else host
    return Connection("SMTP", f"{scheme}://{name}:{port}", None, username, password, is_rehearsal)


def sandbox_address_file(home: Home) -> Path:
    """Where a running sandbox writes its URL and process id."""
    return home.sandbox / "address.json"


def _sandbox_url(home: Home) -> str | None:
    file = sandbox_address_file(home)
    if not file.exists():
        return None
    return _told(file, "url")


def _told(file: Path, key: str) -> str:
    try:
        return str(json.loads(file.read_text())[key])
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{file} is damaged: start `muster sandbox` again, which writes it"
        ) from None
