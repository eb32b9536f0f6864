"""What a loopback server read of the last request, for comparisons with the vendors' SDKs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connector_cases import RawServer


def wire(server: RawServer) -> tuple[tuple[str, str], dict[str, str], bytes]:
    """Read the last request that a server had: method and path, query, body."""
    line, body = server.received[-1]
    method, target, _ = line.split()
    parts = urlsplit(target)
    return (method, parts.path), dict(parse_qsl(parts.query)), body


def header(server: RawServer, name: str) -> str:
    """Read a header of the last request."""
    found = [
        each.partition(": ")[2] for each in server.heads[-1] if each.lower().startswith(f"{name.lower()}:")
    ]
    return found[0] if found else ""


def as_json(body: bytes) -> Any:
    return json.loads(body)
