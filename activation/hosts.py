"""Which hosts a connection may reach: its vendor's own, and those that the settings name."""

from __future__ import annotations

from urllib.parse import urlsplit

from activation.errors import ConfigurationError

# Hosts of a vendor beside the one of its URL; any other is named in MUSTER_ALLOWED_HOSTS.
FURTHER_HOSTS = {"SENDGRID": frozenset({"api.eu.sendgrid.com"})}


def refuse_foreign_host(name: str, host: str, vendor_url: str | None, allowed: str) -> None:
    """Raise ``ConfigurationError`` where ``host`` is neither the vendor's own nor one of ``allowed``, by commas.

    A wrong base URL would hand people and a token to whoever has that host.
    """
    known = {entry.strip().lower() for entry in allowed.split(",")} - {""}
    known |= FURTHER_HOSTS.get(name, frozenset())
    if vendor_url is not None:
        known.add(urlsplit(vendor_url).hostname or "")
    if host.lower() not in known:
        raise ConfigurationError(
            f"MUSTER_{name}_BASE_URL: {host} is not a host of {name}; where it is meant, add it to "
            "MUSTER_ALLOWED_HOSTS (host names, separated by commas)"
        )
