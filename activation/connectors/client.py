"""The one HTTP client of all connectors: it judges what a failure means, once for all of them.

No retries, no redirects, no environment proxies, one host, credentials in headers alone. Its verdicts are
drawn at the top of :mod:`activation.connectors.reply`.
"""

from __future__ import annotations

import base64
import http.client
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlencode

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from activation.connectors.reply import Reply, Verdict, retry_after
from activation.connectors.transport import Attempt, WatchedAdapter, attempt
from activation.errors import ConfigurationError
from activation.settings import Connection
from activation.types import TooLargeError

SANDBOX_HEADER = "X-Muster-Sandbox"
FORM = "application/x-www-form-urlencoded"
CHUNK = 65_536
TOO_MANY_REQUESTS = 429
REQUEST_TIMEOUT = 408
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


class Auth(StrEnum):
    """How a destination wants to be signed in to."""

    BEARER = "bearer"
    BASIC = "basic"
    # What is sent is signed, or its address is the credential.
    NONE = "none"


class Client:
    """Speaks to one connection's host and to no other. Not safe for several threads at once.

    ``deadline`` seconds bound an attempt from its start to the last byte of the answer, ``connect_timeout``
    each address tried; ``max_body`` bytes bound the answer, unpacked.
    """

    def __init__(
        self,
        connection: Connection,
        auth: Auth = Auth.BEARER,
        *,
        deadline: float = 30.0,
        connect_timeout: float = 5.0,
        max_body: int = 1_000_000,
    ) -> None:
        self._connection = connection
        self._deadline = deadline
        self._timeout = (min(connect_timeout, deadline), deadline)
        self._max_body = max_body
        self._headers = {
            **_authorization(connection, auth),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "keep-alive",
            "User-Agent": "muster",
        }
        self._adapter = WatchedAdapter(connection.base_url)

    def __repr__(self) -> str:
        return f"Client({self._connection.name})"

    def post(
        self,
        path: str,
        *,
        json_body: bytes | None = None,
        form: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST a body that is already encoded; ``headers`` go before the client's own.

        ``query`` names things and never people: URLs are logged everywhere. Raises ``ConfigurationError`` as
        :meth:`_call` does.
        """
        return self._call("POST", path, _body(json_body, form, headers), query)

    def patch(
        self, path: str, *, json_body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """PATCH with an encoded body."""
        return self._call("PATCH", path, _body(json_body, None, headers))

    def delete(
        self,
        path: str,
        *,
        json_body: bytes | None = None,
        form: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """DELETE with an encoded body: what names people does not belong into a URL."""
        return self._call("DELETE", path, _body(json_body, form, headers))

    def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> Reply:
        """GET a path."""
        return self._call("GET", path, (None, dict(headers or {})), query)

    def _call(
        self,
        method: str,
        path: str,
        sent: tuple[bytes | None, dict[str, str]],
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one request of a body and headers.

        Raises ``ConfigurationError`` for a path that is not plain, and where a sandbox answers a connection
        that must not reach one.
        """
        if not path.startswith("/") or any(mark in path for mark in "?#\\ \r\n"):
            raise ConfigurationError(f"{self._connection.name}: a request's path is plain and has no query")
        url = self._connection.base_url + path + (f"?{urlencode(query)}" if query else "")
        prepared = self._prepare(method, url, *sent)
        reply: Reply
        with attempt(self._deadline) as current:
            try:
                # The adapter and not the session: no redirects, no cookies, no proxies, at half the cost.
                with self._adapter.send(prepared, stream=True, timeout=self._timeout) as response:
                    reply = self._judge(response, current)
            except FAILURES as error:
                reply = _failed(error, current)
        if SANDBOX_HEADER in reply.headers and not self._connection.is_sandbox_allowed:
            raise ConfigurationError(
                f"{self._connection.name}: a sandbox answered, and a live home refuses its receipts; "
                f"set MUSTER_{self._connection.name}_BASE_URL to the vendor's address"
            )
        return reply

    def _prepare(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> requests.PreparedRequest:
        """Make what ``PreparedRequest.prepare`` would, of parts that need no more looking at."""
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = method, url, body
        length = {} if method == "GET" else {"Content-Length": str(len(body or b""))}
        prepared.headers = CaseInsensitiveDict({**self._headers, **length, **headers})
        prepared.hooks = {"response": []}
        return prepared

    def _judge(self, response: requests.Response, current: Attempt) -> Reply:
        status = response.status_code
        headers = response.headers
        reason = f"http_{status}"
        if status == TOO_MANY_REQUESTS:
            return Reply(Verdict.NOT_SENT, reason, status, headers, b"", retry_after(headers))
        is_readable = 200 <= status < 300 or 400 <= status < 500  # noqa: PLR2004 - the classes of HTTP
        if not is_readable or status == REQUEST_TIMEOUT:
            return Reply(Verdict.UNKNOWN, reason, status, headers)
        body = bytearray()
        is_plain = "Content-Encoding" not in headers
        while chunk := response.raw.read(CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._max_body:
                return Reply(Verdict.UNKNOWN, f"{reason}_oversized", status, headers)
            if is_plain and response.raw.length_remaining == 0:
                break
        # An answer without a length ends where the watchdog cut it, and looks complete.
        if current.is_over:
            return Reply(Verdict.UNKNOWN, "timeout", status, headers)
        return Reply(Verdict.ANSWERED, reason, status, headers, bytes(body), retry_after(headers))


def _body(
    json_body: bytes | None, form: bytes | None, headers: Mapping[str, str] | None
) -> tuple[bytes | None, dict[str, str]]:
    kind = (
        {}
        if json_body is None and form is None
        else {"Content-Type": "application/json" if form is None else FORM}
    )
    return json_body if form is None else form, {**kind, **(headers or {})}


def check_size(name: str, body: bytes, limit: int) -> bytes:
    """Pass ``body`` on where it is within a destination's limit. Raises ``TooLargeError`` otherwise."""
    if len(body) > limit:
        raise TooLargeError(
            f"{name}: a request of {len(body)} bytes is over the limit of {limit}; shorten the template"
        )
    return body


def _authorization(connection: Connection, auth: Auth) -> dict[str, str]:
    if auth is Auth.NONE:
        return {}
    if auth is Auth.BEARER and connection.token:
        return {"Authorization": f"Bearer {connection.token}"}
    if auth is Auth.BASIC and connection.username and connection.password:
        pair = f"{connection.username}:{connection.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    needed = ("TOKEN",) if auth is Auth.BEARER else ("USERNAME", "PASSWORD")
    names = " and ".join(f"MUSTER_{connection.name}_{part}" for part in needed)
    raise ConfigurationError(f"{connection.name} signs in with {names}: set it (or the same with _FILE)")


def _failed(error: Exception, current: Attempt) -> Reply:
    """Judge a failure by when it happened, and name it by its class alone: its text may hold the body."""
    timed_out = current.is_over or isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError)
    if current.has_begun:
        return Reply(Verdict.UNKNOWN, "timeout" if timed_out else "connection_lost")
    if timed_out:
        return Reply(Verdict.NOT_SENT, "connect_timeout")
    is_tls = isinstance(error, requests.exceptions.SSLError)
    return Reply(Verdict.NOT_SENT, "tls_failure" if is_tls else "cannot_connect")
