"""Which connectors there are: one line for each."""

from __future__ import annotations

from activation import settings
from activation.connectors import Connector
from activation.connectors.meta import Meta
from activation.connectors.sendgrid import SendGrid
from activation.connectors.twilio import Twilio
from activation.errors import ConfigurationError
from activation.home import Home

REGISTRY: dict[str, type[Connector]] = {
    "sendgrid": SendGrid,
    "twilio": Twilio,
    "meta": Meta,
}


def connector(home: Home, name: str) -> Connector:
    """Build the connector for a destination, with this home's settings.

    Raises ``ConfigurationError`` where there is none of this name, or its settings are incomplete.
    """
    kind = REGISTRY.get(name)
    if kind is None:
        raise ConfigurationError(f"no connector is named {name!r}; there are: {', '.join(sorted(REGISTRY))}")
    return kind(settings.connection(home, kind.connection), settings.sender(home))
