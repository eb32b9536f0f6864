"""Destinations: one module for each, behind one small protocol. Those over HTTP share one client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from activation.types import Answer, Capability, Operation, Request

if TYPE_CHECKING:
    from activation.connectors.client import Client
    from activation.settings import Connection, Sender


@dataclass(frozen=True)
class Throughput:
    """How fast a destination may be asked.

    ``requests`` per ``seconds`` is what the vendor allows an account, all workers of all processes together; 0 is
    no limit. ``workers`` requests are under way at once. ``group`` requests are claimed by one durable commit.
    """

    requests: int = 0
    seconds: float = 1.0
    workers: int = 1
    group: int = 1

    @property
    def most_open(self) -> int:
        """How many requests are open at most, and so in doubt where the process is killed.

        Side by side, the next group is claimed when less than one is open.
        """
        return self.group if self.workers == 1 else 2 * self.group - 1


class Connector(Protocol):
    """What delivery needs to know of a destination, and the one thing that it asks of it."""

    name: ClassVar[str]
    """The ``destination`` of the outbox, such as ``sendgrid``."""
    channel: ClassVar[str]
    """Such as ``email``, ``sms`` or ``ads``."""
    capability: ClassVar[Capability]
    operations: ClassVar[frozenset[Operation]]
    max_rows: ClassVar[int]
    """How many people one request carries at most, and so how many one lost answer puts in doubt."""
    throughput: ClassVar[Throughput]

    def send(self, request: Request) -> Answer:
        """Make at most one HTTP request, or one file, and say what became of every row.

        Never raises for what the destination, the network or the disk does. Raises ``ConfigurationError`` where
        the request cannot be made at all (nothing was sent), its subclass ``TooLargeError`` where fewer rows might
        be, or where a sandbox answers a live home.
        """
        ...


@runtime_checkable
class LooksUp(Protocol):
    """What a connector of capability ``lookup`` or ``file`` can do beside: tell what became of a request."""

    def look_up(self, request: Request) -> Answer:
        """Say what is there of a request whose answer was lost, by our own ids. Changes nothing.

        ``accepted``: it is there. ``planned``: it certainly is not and will not come. ``in_doubt``: nobody can
        tell yet. Rows that differ are singled out. Never raises for what the destination does.
        """
        ...


@runtime_checkable
class Replays(Protocol):
    """What a connector of capability ``idempotent`` declares beside: the same request twice is one."""

    replay_seconds: ClassVar[float]
    """How long the vendor keeps a key. Delivery repeats a request within 0.8 of it, with the same
    ``Request.request_id`` and rows, of which the connector makes the same key and the same bytes."""


class HttpConnector(Connector, Protocol):
    """A destination that is reached over HTTP, at a connection of the settings."""

    connection: ClassVar[str]
    """The connection's name in the settings, such as ``SENDGRID``."""
    max_bytes: ClassVar[int]
    """How large a request's body may be."""

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None: ...
