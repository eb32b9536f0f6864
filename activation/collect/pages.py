"""Asking a provider's list page by page, with patience for 429 and none for anything else."""

from __future__ import annotations

import time
from collections.abc import Mapping

from activation.connectors.client import Client
from activation.connectors.reply import Reply, Verdict
from activation.errors import DestinationDownError

MAX_BODY = 20_000_000
LONGEST_WAIT = 60.0  # seconds; what waits longer is for the next collection
TRIES = 5
TOO_MANY_REQUESTS = 429


def get(client: Client, name: str, path: str, query: Mapping[str, str]) -> Reply:
    """GET a page. Reading changes nothing, so a lost answer is asked for again.

    Raises ``DestinationDownError`` where the provider refuses, or does not answer in so many tries.
    """
    reason = ""
    for attempt in range(TRIES):
        reply = client.get(path, query=query)
        if reply.verdict is Verdict.ANSWERED and reply.is_success:
            return reply
        reason = reply.reason
        if reply.verdict is Verdict.ANSWERED:
            break
        wait = reply.retry_after if reply.retry_after is not None else 0.2 * 2**attempt
        if wait > LONGEST_WAIT:
            raise DestinationDownError(
                f"{name}: asks to wait {wait:.0f} s; the next `muster collect` goes on"
            )
        if attempt + 1 < TRIES:
            time.sleep(wait)
    raise DestinationDownError(
        f"{name}: {reason}; what was read before is kept, the next `muster collect` goes on"
    )
