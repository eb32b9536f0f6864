"""The loopback server in which all vendors' twins live, and its log of whom they accepted."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from activation.clock import WallClock, clock_of
from activation.connectors.client import SANDBOX_HEADER
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import (
    dummy,
    events,
    expo,
    fcm,
    google,
    hubspot,
    klaviyo,
    lob,
    meta,
    sendgrid,
    slack,
    twilio,
    webhook,
)
from activation.sandbox.calls import Call, Response, Twin, encoded
from activation.sandbox.faults import Faults

# A twin that remembers something is made for each sandbox, of its home and its name.
TWINS: dict[str, Twin | Callable[[Home, str], Twin]] = {
    "sendgrid": events.reporting(sendgrid.TWIN),
    "twilio": events.reporting(twilio.TWIN),
    "meta": meta.TWIN,
    "google": google.twin,
    "hubspot": hubspot.twin,
    "klaviyo": klaviyo.twin,
    "expo": expo.twin,
    "fcm": fcm.TWIN,
    "lob": lob.twin,
    "onsite_webhook": webhook.twin,
    "list_webhook": webhook.twin,
    "support_webhook": webhook.twin,
    "social_webhook": webhook.twin,
    "slack": slack.twin,
    "dummy_fire": dummy.twin,
    "dummy_idempotent": dummy.twin,
    "dummy_lookup": dummy.twin,
    "dummy_set": dummy.twin,
}
CALLBACKS = ("/callbacks/", "/twilio/status")
MAX_BODY = 40_000_000
DRIP_SECONDS = 0.05


class Server(ThreadingHTTPServer):
    """Twins of the vendors for one home, on loopback. ``port`` 0 takes any that is free."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, home: Home, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.home = home
        self.faults = Faults()
        self.requests = 0
        self._lock = threading.Lock()
        home.sandbox.mkdir(mode=0o700, exist_ok=True)
        script = home.sandbox / "faults.json"
        if script.exists():
            self.faults.script(json.loads(script.read_text()))
        self.twins = {
            name: made if isinstance(made, Twin) else made(home, name) for name, made in TWINS.items()
        }
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._log = os.fdopen(os.open(home.sandbox / "accepted.jsonl", flags, 0o600), "ab")

    @property
    def url(self) -> str:
        """Where the twins are: a vendor's is this and its name."""
        return f"http://127.0.0.1:{self.server_port}"

    def count(self) -> None:
        """Count one request to a vendor."""
        with self._lock:
            self.requests += 1

    def accept(self, destination: str, response: Response) -> None:
        """Write down whom a twin accepted, at the home's clock, before anybody hears of it."""
        at = self.now()
        lines = [{"at": at, "destination": destination, **person} for person in response.accepted]
        with self._lock:
            self._log.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            self._log.flush()

    def now(self) -> str:
        """The home's clock; the wall's where it was never set."""
        try:
            moment = clock_of(self.home).now()
        except ConfigurationError:
            moment = WallClock().now()
        return moment.isoformat()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away; it is what tests make clients do."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Close the socket and the log."""
        super().server_close()
        self._log.close()


class Handler(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1, kept alive, silent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout: ClassVar[float] = 120

    @property
    def _twins(self) -> Server:
        return cast("Server", self.server)

    def log_message(self, *_: Any) -> None:
        """Say nothing: request lines are nobody's business."""

    def _handle(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._write(Response(413))
            return
        body = self.rfile.read(int(length))
        parts = urlsplit(self.path)
        path = parts.path
        vendor, _, rest = path.removeprefix("/").partition("/")
        if path.startswith("/_muster/"):
            self._write(self._control(path, body))
        elif path.startswith(CALLBACKS):
            self._write(Response(204))
        elif vendor in self._twins.twins:
            fault = self._twins.faults.meet(path)
            headers = dict(self.headers.items())
            query = dict(parse_qsl(parts.query))
            self._vendor(vendor, Call(self.command, unquote(f"/{rest}"), headers, body, fault, query))
        else:
            self._write(Response(404))

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

    def _control(self, path: str, body: bytes) -> Response:
        if path == "/_muster/requests":
            return encoded(200, {"requests": self._twins.requests})
        if path == "/_muster/health":
            return encoded(200, {"home_id": self._twins.home.home_id, "pid": os.getpid()})
        if path in {"/_muster/faults", "/_muster/events"} and self.command == "POST":
            try:
                return self._change(path, json.loads(body))
            except (ConfigurationError, ValueError, AttributeError, TypeError) as error:
                return encoded(400, {"error": str(error)})
        return Response(404)

    def _change(self, path: str, wanted: Any) -> Response:
        if path == "/_muster/faults":
            self._twins.faults.script(wanted)
            return Response(204)
        moment = datetime.fromisoformat(self._twins.now())
        return encoded(200, events.emit(self._twins.home, wanted, moment))

    def _vendor(self, vendor: str, call: Call) -> None:
        self._twins.count()
        kind, argument = call.fault
        twin = self._twins.twins[vendor]
        if kind in INSTEAD:
            INSTEAD[kind](self, twin, argument)
            return
        response = twin.answer(call)
        self._twins.accept(vendor, response)
        if kind in AFTERWARDS:
            AFTERWARDS[kind](self, response, argument)
        else:
            self._write(response)

    def _write(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header(SANDBOX_HEADER, "1")
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:  # noqa: PLR2004 - RFC 9110: a 204 has no length
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def _status(self, twin: Twin, argument: float) -> None:
        response = twin.error(int(argument))
        is_elsewhere = 300 <= argument < 400  # noqa: PLR2004 - RFC 9110, Redirection 3xx
        headers = {"Location": f"{self._twins.url}{self.path}"} if is_elsewhere else {}
        self._write(Response(response.status, response.body, {**response.headers, **headers}))

    def _retry_after(self, twin: Twin, argument: float) -> None:
        response = twin.error(429)
        self._write(Response(429, response.body, {**response.headers, "Retry-After": f"{argument:g}"}))

    def _drop(self, *_: Any) -> None:
        self.close_connection = True

    def _fail(self, *_: Any) -> None:
        self._write(Response(500, b"internal error"))

    def _garble(self, *_: Any) -> None:
        self._write(Response(200, b"<html>welcome</html>", {"Content-Type": "text/html"}))

    def _sleep(self, response: Response, argument: float) -> None:
        time.sleep(argument)
        with suppress(OSError):
            self._write(response)

    def _drip(self, *_: Any) -> None:
        """Send a status line and then headers without end, byte by byte, until nobody listens."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                self.connection.sendall(b".")
                time.sleep(DRIP_SECONDS)


INSTEAD: dict[str, Callable[[Handler, Twin, float], None]] = {
    "status": Handler._status,  # noqa: SLF001 - a table of this class's own answers
    "retry_after": Handler._retry_after,  # noqa: SLF001
    "drop": Handler._drop,  # noqa: SLF001
}
AFTERWARDS: dict[str, Callable[[Handler, Response, float], None]] = {
    "accept_then_500": Handler._fail,  # noqa: SLF001
    "accept_then_drop": Handler._drop,  # noqa: SLF001
    "garbage": Handler._garble,  # noqa: SLF001
    "sleep": Handler._sleep,  # noqa: SLF001
    "drip": Handler._drip,  # noqa: SLF001
}
