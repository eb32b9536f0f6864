"""Which connectors there are: one line for each."""

from __future__ import annotations

from activation import settings
from activation.connectors import Connector, HttpConnector
from activation.connectors.console import Console, ConsoleSet
from activation.connectors.dummy import DummyFire, DummyIdempotent, DummyLookup, DummySet
from activation.connectors.expo import Expo
from activation.connectors.fcm import Fcm
from activation.connectors.file_drop import FileDrop, Form, file_destination
from activation.connectors.google import Google
from activation.connectors.hubspot_contacts import HubSpotContacts
from activation.connectors.hubspot_tasks import HubSpotTasks
from activation.connectors.klaviyo import Klaviyo
from activation.connectors.lob import Lob
from activation.connectors.meta import Meta
from activation.connectors.sendgrid import SendGrid
from activation.connectors.smtp import Smtp
from activation.connectors.twilio import Twilio
from activation.connectors.webhook import message_webhook, set_webhook
from activation.errors import ConfigurationError
from activation.home import Home, World

OVER_HTTP: dict[str, type[HttpConnector]] = {
    "sendgrid": SendGrid,
    "twilio": Twilio,
    "meta": Meta,
    "google": Google,
    "hubspot_tasks": HubSpotTasks,
    "hubspot_contacts": HubSpotContacts,
    "klaviyo": Klaviyo,
    "expo": Expo,
    "fcm": Fcm,
    "lob": Lob,
    "onsite_webhook": set_webhook("onsite_webhook", "onsite"),
    "list_webhook": set_webhook("list_webhook", "lists"),
    "support_webhook": message_webhook("support_webhook", "support"),
    "social_webhook": message_webhook("social_webhook", "social"),
    "dummy_fire": DummyFire,
    "dummy_idempotent": DummyIdempotent,
    "dummy_lookup": DummyLookup,
    "dummy_set": DummySet,
}
AS_FILES: dict[str, type[FileDrop]] = {
    "mail_file": file_destination("mail_file", "mail", Form.LETTERS),
}
OVER_SMTP: dict[str, type[Smtp]] = {"smtp": Smtp}
ON_SCREEN: dict[str, type[Console]] = {"console": Console, "console_set": ConsoleSet}
REGISTRY: dict[str, type[Connector]] = {**OVER_HTTP, **OVER_SMTP, **ON_SCREEN, **AS_FILES}


def connector(home: Home, name: str) -> Connector:
    """Build the connector for a destination, with this home's settings or directory.

    Raises ``ConfigurationError`` where there is none of this name, or its settings are incomplete.
    """
    if name in AS_FILES:
        return AS_FILES[name](home.drops, settings.sender(home))
    if name in ON_SCREEN:
        if home.world is World.LIVE:
            raise ConfigurationError(f"{name} reaches nobody: it is for rehearsal homes")
        return ON_SCREEN[name](settings.sender(home))
    if name in OVER_SMTP:
        return OVER_SMTP[name](settings.mail_server(home), settings.sender(home))
    kind = OVER_HTTP.get(name)
    if kind is None:
        raise ConfigurationError(f"no connector is named {name!r}; there are: {', '.join(sorted(REGISTRY))}")
    return kind(settings.connection(home, kind.connection), settings.sender(home))
