"""A bare destination on loopback, in a process of its own: it reads a request and says that all is well."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

# As Meta and Twilio answer; nobody counts here, so that the sender is measured and not the sink.
BODY = json.dumps(
    {
        "sid": "SM00000000000000000000000000000000",
        "audience_id": "1",
        "session_id": "1",
        "num_received": 1,
        "num_invalid_entries": 0,
        "invalid_entry_samples": {},
    }
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Sink(asyncio.Protocol):
    """One connection, kept alive; each answer comes ``latency`` seconds after its request was whole."""

    latency = 0.0
    # When the first and the last request were whole, and how many there were.
    first: float | None = None
    last = 0.0
    requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = bytearray()
        self._wanted: int | None = None

    def data_received(self, data: bytes) -> None:
        """Count bytes until a request is whole."""
        self._received += data
        if self._wanted is None:
            end = self._received.find(END)
            if end < 0:
                return
            head = bytes(self._received[:end]).lower()
            at = head.find(LENGTH)
            length = 0 if at < 0 else int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0])
            self._wanted = end + len(END) + length
        if len(self._received) < self._wanted:
            return
        is_question = self._received.startswith(b"GET")
        del self._received[: self._wanted]
        self._wanted = None
        if is_question:
            self._tell()
            return
        Sink.last = time.monotonic()
        Sink.first = Sink.first or Sink.last
        Sink.requests += 1
        if Sink.latency:
            asyncio.get_running_loop().call_later(Sink.latency, self._transport.write, ANSWER)
        else:
            self._transport.write(ANSWER)

    def _tell(self) -> None:
        seconds = Sink.last - (Sink.first or Sink.last)
        told = json.dumps({"requests": Sink.requests, "seconds": seconds}).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
        Sink.first, Sink.requests = None, 0


@contextmanager
def sink(latency: float = 0.0) -> Iterator[str]:
    """The URL of a running sink, ended with the block."""
    command = [sys.executable, __file__, str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def rate_of(url: str) -> float:
    """Requests a second that a sink had since it was last asked, from the first to the last of them."""
    with urllib.request.urlopen(url) as answer:
        told = json.load(answer)
    return float((told["requests"] - 1) / told["seconds"])


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    Sink.latency = float(sys.argv[1])
    asyncio.run(_serve())
