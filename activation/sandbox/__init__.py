"""Loopback twins of the vendors: what a rehearsal home, the demo and the tests deliver to.

They answer with the real ones' status codes, limits and error shapes, and write everybody whom they accept
to ``sandbox/accepted.jsonl`` in the home, before they answer. That file stands for the outside world.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from activation.errors import ConfigurationError, HeldError
from activation.home import Home, World, write_atomically
from activation.sandbox.server import Server
from activation.sandbox.smtp import MailServer
from activation.settings import PROJECT, sandbox_address_file

START_SECONDS = 20.0
STOP_SECONDS = 5.0


class Sandbox:
    """A sandbox for one rehearsal home, in threads of this process, as a context manager.

    Raises ``ConfigurationError`` for a live home, ``HeldError`` where another sandbox serves this home.
    """

    def __init__(self, home: Home, port: int = 0) -> None:
        _refuse_live(home)
        self._home = home
        self._port = port

    def __enter__(self) -> Self:
        self._lock = self._home.lock("sandbox", "serving the sandbox")
        self._lock.__enter__()
        self._server = Server(self._home, self._port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self._mail = MailServer(self._server)
        threading.Thread(target=self._mail.serve_forever, args=(0.05,), daemon=True).start()
        address = {"url": self.url, "pid": os.getpid(), "smtp_port": self._mail.port}
        write_atomically(sandbox_address_file(self._home), json.dumps(address).encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in (self._mail, self._server):
            server.shutdown()
            server.server_close()
        sandbox_address_file(self._home).unlink(missing_ok=True)
        self._lock.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """Where the twins are: a vendor's is this and its name."""
        return self._server.url

    @property
    def requests(self) -> int:
        """How many requests the vendors' twins have had."""
        return self._server.requests

    def script(self, *faults: Mapping[str, Any]) -> None:
        """Script faults; see :mod:`activation.sandbox.faults`."""
        self._server.faults.script(faults)

    def calm(self) -> None:
        """Let every scripted fault go."""
        self._server.faults.forget()

    def accepted(self) -> list[dict[str, Any]]:
        """Read the log of whom the twins accepted, oldest first."""
        lines = (self._home.sandbox / "accepted.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


def serve(home: Home, port: int = 0) -> None:
    """Serve until SIGTERM or SIGINT; the address file says where. For the main thread of a process.

    Raises ``ConfigurationError`` for a live home, ``HeldError`` where another sandbox serves this home.
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(home, port):
        stopped.wait()


def start(home: Home) -> dict[str, Any]:
    """Start a sandbox that outlives this process, or find the one that runs; its ``url``, ``pid``, ``smtp_port``.

    Raises ``ConfigurationError`` for a live home, and where it does not come up.
    """
    _refuse_live(home)
    running = _running(home)
    if running is not None:
        return running
    home.sandbox.mkdir(mode=0o700, exist_ok=True)
    with (home.sandbox / "sandbox.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "activation.sandbox", str(home.path)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        running = _running(home)
        if running is not None:
            if running["pid"] != child.pid:
                # Another start was quicker. Ours must not take over when that one stops.
                child.terminate()
                child.wait()
            return running
        # A child that ended may have lost the race against another sandbox, which then answers soon.
        if child.poll() is not None:
            give_up_at = min(give_up_at, time.monotonic() + 1.0)
        time.sleep(0.05)
    child.terminate()
    raise ConfigurationError(f"the sandbox did not start; {home.sandbox / 'sandbox.log'} says why")


def stop(home: Home) -> bool:
    """Stop the sandbox that serves this home; say whether there was one.

    Raises ``HeldError`` where it does not end in time.
    """
    address_file = sandbox_address_file(home)
    running = _running(home)
    if running is None:
        address_file.unlink(missing_ok=True)
        return False
    os.kill(running["pid"], signal.SIGTERM)
    give_up_at = time.monotonic() + STOP_SECONDS
    while time.monotonic() < give_up_at:
        # Its lock goes last: once it is free, another sandbox can start.
        with suppress(HeldError), home.lock("sandbox", "serving the sandbox"):
            return True
        time.sleep(0.02)
    raise HeldError(f"the sandbox of {home.path} (process {running['pid']}) does not stop")


def _running(home: Home) -> dict[str, Any] | None:
    """Find the sandbox that answers for this very home; a stale file, or another's port, is none."""
    try:
        address = json.loads(sandbox_address_file(home).read_text())
        url, smtp_port = str(address["url"]), int(address["smtp_port"])
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port or 0, timeout=2)
        try:
            connection.request("GET", "/_muster/health")
            health = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if health["home_id"] != home.home_id:
            return None
        return {"url": url, "pid": int(health["pid"]), "smtp_port": smtp_port}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None


def _refuse_live(home: Home) -> None:
    if home.world is World.LIVE:
        raise ConfigurationError(f"{home.path} is a live home: a sandbox serves rehearsal homes only")
