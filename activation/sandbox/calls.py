"""What a vendor's twin is asked, and what it answers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Call:
    """One request, as it came in; ``path`` is without the vendor's prefix, ``fault`` what it meets by the script."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    fault: tuple[str, float] = ("", 0.0)
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def bearer(self) -> str:
        """The bearer token; empty where there is none."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def basic(self) -> tuple[str, str]:
        """User and password; empty where there are none."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            pair = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        user, _, password = pair.partition(":")
        return user, password

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; empty where it is none."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def form(self) -> dict[str, str]:
        """Read the form's fields; of a repeated one the last."""
        text = self.body.decode("utf-8", "replace")
        return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


@dataclass(frozen=True)
class Response:
    """What goes back, and whom it accepts: one dict for each person, without ``at`` and ``destination``."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    accepted: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Twin:
    """One vendor: how it answers, and what its errors look like by HTTP status."""

    answer: Callable[[Call], Response]
    error: Callable[[int], Response]


def encoded(status: int, body: object) -> Response:
    """Answer with JSON."""
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
