"""Google's sign-in of machines: a service account's key signs a claim (JWT), which buys an access token.

Sources: "Using OAuth 2.0 for Server to Server Applications" and RFC 7523. A token lives for an hour and is used
until a minute before its end; a connection with a plain token needs none of this.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from activation.connectors.client import Auth, Client
from activation.connectors.reply import Verdict
from activation.errors import ConfigurationError
from activation.settings import Connection
from activation.types import Answer, State

SIGN_IN_HOST = "oauth2.googleapis.com"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLAIM_SECONDS = 3600
SPARE_SECONDS = 60.0


class ServiceAccount:
    """Signs a connection's requests in for one scope. Not safe for several threads at once.

    Raises ``ConfigurationError`` where the connection's key is no service account's key.
    """

    def __init__(self, connection: Connection, scope: str) -> None:
        self._name = connection.name
        self._scope = scope
        self._header: dict[str, str] = {}
        self._good_until = 0.0
        self._account: dict[str, Any] = {}
        if connection.token is None and connection.key is not None:
            self._account = _account(connection)
            parts = urlsplit(self._account["token_uri"])
            self._path = parts.path
            host = Connection(
                f"{connection.name} sign-in",
                f"{parts.scheme}://{parts.netloc}",
                is_sandbox_allowed=connection.is_sandbox_allowed,
            )
            # The claim in the body is who signs in.
            self._client = Client(host, Auth.NONE)

    def __repr__(self) -> str:
        return f"ServiceAccount({self._name})"

    def headers(self) -> dict[str, str] | Answer:
        """Give the headers that sign a request in, or the answer for all its rows where nobody can sign in.

        That answer is ``planned``, because nothing of the request has left.
        """
        if not self._account or time.monotonic() < self._good_until:
            return self._header
        body = urlencode({"grant_type": GRANT, "assertion": self._claim()})
        reply = self._client.post(self._path, form=body.encode())
        if reply.verdict is not Verdict.ANSWERED:
            return Answer(
                State.PLANNED,
                f"sign_in_{reply.reason}",
                retry_after=reply.retry_after,
                is_down=reply.status != 429,  # noqa: PLR2004 - Too Many Requests
            )
        answer = reply.json() or {}
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not reply.is_success or not isinstance(token, str) or not isinstance(seconds, int):
            return Answer(State.PLANNED, f"sign_in_{reply.reason}", is_down=True)
        self._header = {"Authorization": f"Bearer {token}"}
        self._good_until = time.monotonic() + seconds - SPARE_SECONDS
        return self._header

    def _claim(self) -> str:
        now = int(time.time())
        head = {"alg": "RS256", "typ": "JWT", "kid": self._account["private_key_id"]}
        claim = {
            "iss": self._account["client_email"],
            "scope": self._scope,
            "aud": self._account["token_uri"],
            "iat": now,
            "exp": now + CLAIM_SECONDS,
        }
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (head, claim))
        signature = self._account["key"].sign(signed.encode(), PKCS1v15(), SHA256())
        return f"{signed}.{_base64(signature)}"


def signing_client(connection: Connection) -> Client:
    """Make a client for a connection whose requests a :class:`ServiceAccount` signs in."""
    is_signed = connection.token is None and connection.key is not None
    return Client(connection, Auth.NONE if is_signed else Auth.BEARER)


def _account(connection: Connection) -> dict[str, Any]:
    """Read a key file's text; no part of it is ever in a message."""
    needed = ("client_email", "private_key", "private_key_id", "token_uri")
    try:
        parsed = json.loads(connection.key or "")
        found = {name: str(parsed[name]) for name in needed}
        key = load_pem_private_key(found["private_key"].encode(), None)
    except (ValueError, TypeError, KeyError):
        raise ConfigurationError(
            f"MUSTER_{connection.name}_KEY is no service account's key: give the JSON file that Google made, "
            f"as MUSTER_{connection.name}_KEY_FILE"
        ) from None
    parts = urlsplit(found["token_uri"])
    is_loopback = parts.hostname in LOOPBACK
    is_google = (
        parts.scheme == "https" and parts.hostname == SIGN_IN_HOST and not connection.is_sandbox_allowed
    )
    if not is_loopback and not is_google:
        raise ConfigurationError(
            f"MUSTER_{connection.name}_KEY: its token_uri must be at https://{SIGN_IN_HOST}, "
            "and on loopback in a rehearsal home"
        )
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(f"MUSTER_{connection.name}_KEY: its private key is no RSA key")
    return {**found, "key": key}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
