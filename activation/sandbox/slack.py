"""Slack's twin: ``POST /services/T…/B…/…`` with ``{"text": ...}``; what it was told is in ``sandbox/alerts.jsonl``.

An alert is for nobody in particular, so it is not among whom the twins accepted.
"""

from __future__ import annotations

import json
import os
import re
import threading

from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin

PATH = re.compile(r"/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+")
ERRORS = {403: "invalid_token", 404: "no_service", 410: "channel_is_archived", 429: "rate_limited"}


def error(status: int) -> Response:
    """Answer in a word, as Slack does."""
    return Response(status, ERRORS.get(status, "server_error").encode(), {"Content-Type": "text/plain"})


def twin(home: Home, name: str) -> Twin:
    """Make Slack's twin of one home."""
    del name
    file = home.sandbox / "alerts.jsonl"
    lock = threading.Lock()

    def answer(call: Call) -> Response:
        text = call.json().get("text")
        if not PATH.fullmatch(call.path):
            return error(404)
        if call.method != "POST" or not isinstance(text, str) or not text:
            return Response(400, b"invalid_payload", {"Content-Type": "text/plain"})
        with lock, os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as lines:
            lines.write(json.dumps({"text": text}) + "\n")
        return Response(200, b"ok", {"Content-Type": "text/plain"})

    return Twin(answer, error)
