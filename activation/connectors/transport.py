"""What ``requests`` does not know: an overall deadline, and whether a request has begun to leave.

A read timeout bounds the silence between two bytes, so a server that drips outlives it (measured: 9.7 s
with a timeout of 1 s). Here a watchdog cuts the socket when the whole attempt's time is over. The
connection also notes the moment before the first byte of a request leaves: any failure before it is
certainly harmless, any failure after it is of unknown outcome, whatever exception it comes as.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# A server closes an idle connection when it likes, and a request that meets this is of unknown outcome.
# So a connection that lay idle for longer is not used again.
MAX_IDLE_SECONDS = 2.0
# Bytes up to which a request's head waits for its body.
ONE_PIECE = 65_536


class Attempt:
    """One request on its way: whether it has begun to leave, and whether its time is over."""

    def __init__(self, deadline: float) -> None:
        self.ends_at = time.monotonic() + deadline
        self.has_begun = False
        self.is_over = False
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self._socket: socket.socket | None = None

    def watch(self, sock: socket.socket) -> None:
        """Cut this socket when time is over. Raises ``TimeoutError`` where it already is.

        It is duplicated, because TLS detaches it while shaking hands, and an answer without a length
        outlives its connection.
        """
        if self._watched is sock and not self.is_over:
            return
        with self._lock:
            if self.is_over:
                raise TimeoutError
            self._let_go()
            self._watched = sock
            kind = (sock.family, sock.type, sock.proto)  # else four system calls find them out
            self._socket = socket.socket(*kind, fileno=os.dup(sock.fileno()))

    def expire(self) -> None:
        """End the attempt: whoever waits on its socket wakes up."""
        with self._lock:
            self.is_over = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Let go of the socket: the answer was read, or there will be none."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        self._watched = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Watchdog:
    """One thread that ends every attempt whose time is over: a thread for each request cost more than the request."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._attempts: set[Attempt] = set()
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None

    def begin(self, current: Attempt) -> None:
        """Watch over an attempt."""
        with self._changed:
            self._attempts.add(current)
            if self._thread is None or not self._thread.is_alive():  # a fork leaves threads behind
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            elif current.ends_at < self._wakes_at:
                self._changed.notify()

    def end(self, current: Attempt) -> None:
        """Stop watching over it."""
        with self._changed:
            self._attempts.discard(current)

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                over = [each for each in self._attempts if each.ends_at <= now]
                self._attempts.difference_update(over)
                if not over:
                    self._wakes_at = min((each.ends_at for each in self._attempts), default=float("inf"))
                    self._changed.wait(min(self._wakes_at - now, LONGEST_SLEEP))
            for each in over:
                each.expire()


LONGEST_SLEEP = 3600.0
_WATCHDOG = Watchdog()
_CURRENT: ContextVar[Attempt] = ContextVar("attempt")


@contextmanager
def attempt(deadline: float) -> Iterator[Attempt]:
    """Watch over the one request made inside, for ``deadline`` seconds."""
    current = Attempt(deadline)
    token = _CURRENT.set(current)
    _WATCHDOG.begin(current)
    try:
        yield current
    finally:
        _WATCHDOG.end(current)
        current.end()
        _CURRENT.reset(token)


class _Plain(HTTPConnection):
    _used_at = 0.0
    _gathered: bytearray | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send head and body as one piece where they are small: one system call, and one packet."""
        self._gathered = bytearray()
        try:
            super().request(*args, **kwargs)
            self._leave(self._gathered)
        finally:
            self._gathered = None

    def _new_conn(self) -> socket.socket:
        new = super()._new_conn()
        _CURRENT.get().watch(new)
        return new

    def send(self, data: Any) -> None:
        if self._gathered is None:
            self._leave(data)
            return
        if len(self._gathered) + len(data) > ONE_PIECE:
            self._leave(self._gathered)
            self._gathered.clear()
            self._leave(data)
            return
        self._gathered += data

    def _leave(self, data: Any) -> None:
        if not data:
            return
        if self.sock is None:
            self.connect()
        current = _CURRENT.get()
        current.watch(self.sock)
        current.has_begun = True
        self._used_at = time.monotonic()
        super().send(data)

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self._used_at <= MAX_IDLE_SECONDS and super().is_connected


class _Tls(_Plain, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


def _drop_record(_: logging.LogRecord) -> bool:
    """Keep urllib3 from logging headers that it could not parse: a server may echo anything in them."""
    return False


class WatchedAdapter(HTTPAdapter):
    """A transport adapter for one origin, whose connections report to the current :func:`attempt`.

    It never retries and keeps no cookies. Its pool is looked up once, and what ``requests`` works out anew about
    the URL of each request is left out.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__(max_retries=0)
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._pool: Any = None
        logging.getLogger("urllib3.connection").addFilter(_drop_record)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the usual pools, of watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def get_connection_with_tls_context(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Take the pool of this origin."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(request, *args, **kwargs)
        return self._pool

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """Cut the origin off."""
        del proxies  # there are none
        return (request.url or "").removeprefix(self._origin)

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Wrap what came back, with its body still to be read."""
        del req  # the answer is read by who asked
        response = Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        return response
