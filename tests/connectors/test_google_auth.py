"""How Google's machines sign in: a key signs a claim, the claim buys a token, and nobody hears of the key."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from connector_cases import SENDER, RawServer, http_answer, memberships
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from activation.connectors.google import Google
from activation.connectors.google_auth import ServiceAccount
from activation.errors import ConfigurationError, DestinationDownError
from activation.settings import Connection
from activation.types import State

RawServerMaker = Callable[[Any], RawServer]
ACCEPTED = http_answer(200, b'{"requestId": "r1"}')
PEOPLE = memberships(["ann@example.com"], ["+15550100123"])


@pytest.fixture(scope="module")
def private_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def key_file(private_key: RSAPrivateKey, token_uri: str) -> str:
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "client_email": "muster@project.iam.example.com",
        "private_key_id": "k1",
        "token_uri": token_uri,
    }
    return json.dumps({"type": "service_account", "private_key": pem, **account})


def keyed(base_url: str, key: str, *, is_rehearsal: bool = True) -> Connection:
    return Connection("GOOGLE", base_url, username="1", is_sandbox_allowed=is_rehearsal, key=key)


def test_a_key_signs_a_claim_that_buys_a_token_once(
    private_key: RSAPrivateKey, raw_server: RawServerMaker
) -> None:
    seller = raw_server(http_answer(200, b'{"access_token": "bought", "expires_in": 3599}'))
    server = raw_server(ACCEPTED)
    google = Google(keyed(server.url, key_file(private_key, f"{seller.url}/token")), SENDER)
    assert [google.send(PEOPLE).state for _ in range(2)] == [State.ACCEPTED, State.ACCEPTED]
    assert [head for head in server.heads[0] if head.startswith("Authorization")] == [
        "Authorization: Bearer bought"
    ]
    ((line, body),) = seller.received
    assert line == "POST /token HTTP/1.1"
    assert not [head for head in seller.heads[0] if head.lower().startswith("authorization")]
    form = parse_qs(body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    parts = form["assertion"][0].split(".")
    head, claim, signature = (base64.urlsafe_b64decode(part + "==") for part in parts)
    private_key.public_key().verify(signature, ".".join(parts[:2]).encode(), PKCS1v15(), SHA256())
    assert json.loads(head) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    claims = json.loads(claim)
    assert abs(claims.pop("iat") - time.time()) < 60
    assert claims.pop("exp") - time.time() <= 3600
    assert claims == {
        "iss": "muster@project.iam.example.com",
        "scope": "https://www.googleapis.com/auth/datamanager",
        "aud": f"{seller.url}/token",
    }


def test_a_token_is_bought_again_a_minute_before_its_end(
    private_key: RSAPrivateKey, raw_server: RawServerMaker
) -> None:
    seller = raw_server(http_answer(200, b'{"access_token": "bought", "expires_in": 60}'))
    account = ServiceAccount(keyed(seller.url, key_file(private_key, f"{seller.url}/token")), "scope")
    assert [account.headers() for _ in range(2)] == [{"Authorization": "Bearer bought"}] * 2
    assert len(seller.received) == 2


@pytest.mark.parametrize(
    ("answer", "is_down"),
    [
        (http_answer(400, b'{"error": "invalid_grant"}'), True),
        (http_answer(500, b""), True),
        (http_answer(200, b'{"access_token": 7}'), True),
        (http_answer(429, b"", "Retry-After: 7"), False),
    ],
)
def test_who_cannot_sign_in_sends_nothing(
    answer: bytes,
    is_down: bool,  # noqa: FBT001
    private_key: RSAPrivateKey,
    raw_server: RawServerMaker,
) -> None:
    seller, server = raw_server(answer), raw_server(ACCEPTED)
    google = Google(keyed(server.url, key_file(private_key, f"{seller.url}/token")), SENDER)
    found = google.send(PEOPLE)
    assert (found.state, found.is_down, server.received) == (State.PLANNED, is_down, [])
    with pytest.raises(DestinationDownError, match="sign in"):
        google.job_status("r1")


def test_a_key_that_is_none_is_named_and_not_told(private_key: RSAPrivateKey) -> None:
    elsewhere = key_file(private_key, "https://token.example.com/token")
    for key, is_rehearsal in (
        ("{", True),
        ('{"private_key": "secret"}', True),
        (elsewhere, False),
        (key_file(private_key, "https://oauth2.googleapis.com/token"), True),
    ):
        with pytest.raises(ConfigurationError, match="MUSTER_GOOGLE_KEY") as caught:
            Google(keyed("http://127.0.0.1:1", key, is_rehearsal=is_rehearsal), SENDER)
        assert "secret" not in str(caught.value)
        assert "BEGIN" not in str(caught.value)
    live = keyed(
        "http://127.0.0.1:1", key_file(private_key, "https://oauth2.googleapis.com/token"), is_rehearsal=False
    )
    assert "BEGIN" not in repr(vars(Google(live, SENDER)))
