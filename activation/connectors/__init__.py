"""Destinations: one module for each, behind one small protocol. Those over HTTP share one client."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from activation.types import Answer, Capability, Operation, Request

if TYPE_CHECKING:
    from activation.connectors.client import Client
    from activation.settings import Connection, Sender


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

    def send(self, request: Request) -> Answer:
        """Make at most one HTTP request, or one file, and say what became of every row.

        Never raises for what the destination, the network or the disk does. Raises ``ConfigurationError`` where
        the request cannot be made at all (nothing was sent), or where a sandbox answers a live home.
        """
        ...


class HttpConnector(Connector, Protocol):
    """A destination that is reached over HTTP, at a connection of the settings."""

    connection: ClassVar[str]
    """The connection's name in the settings, such as ``SENDGRID``."""
    max_bytes: ClassVar[int]
    """How large a request's body may be."""

    def __init__(self, connection: Connection, sender: Sender, client: Client | None = None) -> None: ...
